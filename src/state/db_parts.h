/* Shared by db.c and the two systems' files. */
#ifndef LT_STATE_DB_PARTS_H
#define LT_STATE_DB_PARTS_H

#include "state/db.h"

struct lt_db_ops {
    enum lt_db_kind kind;
    void (*close)(struct lt_db *db);
    int (*exec)(struct lt_db *db, const char *sql, struct leat_error *err);
    /* Either of the outputs may be NULL. */
    int (*query)(struct lt_db *db, const char *sql, int n_params, const char *const *params,
                 struct lt_db_rows *ret_rows, int64_t *ret_changed, struct leat_error *err);
    const char *(*cell)(const struct lt_db_rows *rows, size_t row, int column);
    void (*rows_done)(struct lt_db_rows *rows);
    int (*insert)(struct lt_db *db, const char *table, const char *columns, int n_columns,
                  lt_db_next_fn *next, void *arg, struct leat_error *err);
    int (*be_durable)(struct lt_db *db, struct leat_error *err); /* NULL: it is */
    const char *begin;
};

/* The first member of both systems' structs. */
struct lt_db {
    const struct lt_db_ops *ops;
    char *name;
    bool in_transaction;
};

int lt_db_sqlite_open(const char *path, bool make, struct lt_db **ret_db, struct leat_error *err);
int lt_db_pg_open(const char *url, enum lt_db_form form, struct lt_db **ret_db,
                  struct leat_error *err);

#endif
