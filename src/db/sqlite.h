/* The only seam to SQLite, loaded when first used: linking it costs time of every start, and a
 * machine without it can still use everything else. Types and constants come from sqlite3.h;
 * calls go through the table. */
#ifndef LT_SQLITE_H
#define LT_SQLITE_H

#include "leat/error.h"

#include <sqlite3.h>

/* Every function used of SQLite: name only, the type is taken from its declaration. */
/* clang-format off */
#define LT_SQLITE_MAP(X)                                                                           \
    X(sqlite3_libversion)                                                                          \
    X(sqlite3_libversion_number)                                                                   \
    X(sqlite3_open_v2)                                                                             \
    X(sqlite3_close_v2)                                                                            \
    X(sqlite3_extended_result_codes)                                                               \
    X(sqlite3_errmsg)                                                                              \
    X(sqlite3_extended_errcode)                                                                    \
    X(sqlite3_errstr)                                                                              \
    X(sqlite3_system_errno)                                                                        \
    X(sqlite3_busy_handler)                                                                        \
    X(sqlite3_progress_handler)                                                                    \
    X(sqlite3_exec)                                                                                \
    X(sqlite3_prepare_v2)                                                                          \
    X(sqlite3_step)                                                                                \
    X(sqlite3_reset)                                                                               \
    X(sqlite3_finalize)                                                                            \
    X(sqlite3_clear_bindings)                                                                      \
    X(sqlite3_bind_null)                                                                           \
    X(sqlite3_bind_int64)                                                                          \
    X(sqlite3_bind_double)                                                                         \
    X(sqlite3_bind_text64)                                                                         \
    X(sqlite3_bind_blob64)                                                                         \
    X(sqlite3_column_count)                                                                        \
    X(sqlite3_column_name)                                                                         \
    X(sqlite3_column_decltype)                                                                     \
    X(sqlite3_column_type)                                                                         \
    X(sqlite3_column_int64)                                                                        \
    X(sqlite3_column_double)                                                                       \
    X(sqlite3_column_text)                                                                         \
    X(sqlite3_column_blob)                                                                         \
    X(sqlite3_column_bytes)                                                                        \
    X(sqlite3_changes)                                                                             \
    X(sqlite3_total_changes)                                                                       \
    X(sqlite3_get_autocommit)                                                                      \
    X(sqlite3_db_mutex)                                                                            \
    X(sqlite3_mutex_enter)                                                                         \
    X(sqlite3_mutex_leave)                                                                         \
    X(sqlite3_file_control)                                                                        \
    X(sqlite3_stmt_readonly)                                                                       \
    X(sqlite3_create_collation_v2)                                                                 \
    X(sqlite3_table_column_metadata)                                                               \
    X(sqlite3_create_function_v2)                                                                  \
    X(sqlite3_get_auxdata)                                                                         \
    X(sqlite3_set_auxdata)                                                                         \
    X(sqlite3_result_double)                                                                       \
    X(sqlite3_user_data)                                                                           \
    X(sqlite3_column_value)                                                                        \
    X(sqlite3_value_type)                                                                          \
    X(sqlite3_value_int64)                                                                         \
    X(sqlite3_value_double)                                                                        \
    X(sqlite3_value_text)                                                                          \
    X(sqlite3_value_blob)                                                                          \
    X(sqlite3_value_bytes)                                                                         \
    X(sqlite3_result_null)                                                                         \
    X(sqlite3_result_int64)                                                                        \
    X(sqlite3_result_blob64)                                                                       \
    X(sqlite3_result_text64)                                                                       \
    X(sqlite3_result_error)                                                                        \
    X(sqlite3_result_error_nomem)                                                                  \
    X(sqlite3_db_config)                                                                           \
    X(sqlite3_limit)                                                                               \
    X(sqlite3_create_module_v2)                                                                    \
    X(sqlite3_declare_vtab)
/* clang-format on */

struct lt_sqlite {
#define LT_SQLITE_MEMBER(name) __typeof__(&(name)) name;
    LT_SQLITE_MAP(LT_SQLITE_MEMBER)
#undef LT_SQLITE_MEMBER
};

/* The loaded library: once a process, safe from any thread. [module-missing] names the package
 * (libsqlite3-0). Never unloaded. */
int lt_sqlite_load(const struct lt_sqlite **ret_sqlite, struct leat_error *err);

#endif
