/* One connection to a database that holds leat's own records, SQLite or PostgreSQL, with the few
 * calls bookkeeping needs. For rows of users there are connectors.
 *
 * Statements are written once for both systems. `$1`, `$2` ... are parameters, given as text or
 * NULL. What differs stands in braces:
 *
 *     {dpo}       "dpo." or nothing: the schema of the orchestrator's tables
 *     {leat}      "leat." or nothing: the schema of all other tables
 *     {now}       this moment by the database's clock, as its columns of time hold it: timestamp
 *                 with time zone, or whole microseconds since 1970
 *     {now_us}    this moment as whole microseconds in either
 *     {us X}      such a column (X without braces) as whole microseconds
 *     {at N}      the moment N, a parameter in such microseconds
 *     {c}         the order of code points, behind what ORDER BY sorts
 *     {ago N}     N microseconds before now, N a parameter: {ago $2}
 *     {lock}      FOR UPDATE, or nothing: rows read are held until the transaction ends
 *
 * A connection belongs to one thread at a time. Failures carry an SQLSTATE in err->sqlstate, for
 * SQLite too where there is one that fits ("23505", "42P01", "55P03"). */
#ifndef LT_STATE_DB_H
#define LT_STATE_DB_H

#include "core/buf.h"
#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lt_db_kind { LT_DB_SQLITE, LT_DB_POSTGRES };
#define LT_DB_KINDS_N 2
#define LT_DB_PARAMS_MAX 32

struct lt_db;

/* How to open one. */
enum lt_db_form {
    LT_DB_FORM_LEAT, /* a path, sqlite:PATH, postgres://...; TLS as leat's connectors have it */
    LT_DB_FORM_SQLALCHEMY /* dialect+driver://...; TLS as libpq has it */
};

/* Opens a database. A SQLite file that is absent is made when `make` says so, its folders too,
 * readable by its owner alone; else [not-found]. */
int lt_db_open(const char *location, enum lt_db_form form, bool make, struct lt_db **ret_db,
               struct leat_error *err);
/* An open transaction is rolled back. NULL is fine. */
void lt_db_close(struct lt_db *db);
enum lt_db_kind lt_db_kind(const struct lt_db *db);
/* What was opened, without secrets. */
const char *lt_db_name(const struct lt_db *db);

/* Statements parted by ';', without parameters. */
int lt_db_exec(struct lt_db *db, const char *sql, struct leat_error *err);
/* One statement; *ret_changed (may be NULL) says how many rows it changed. */
int lt_db_run(struct lt_db *db, const char *sql, int n_params, const char *const *params,
              int64_t *ret_changed, struct leat_error *err);

/* Rows of a query, all in memory: the caller bounds how many there may be. */
struct lt_db_rows {
    size_t n;
    int n_columns;
    void *handle;
    const struct lt_db *db;
};
int lt_db_query(struct lt_db *db, const char *sql, int n_params, const char *const *params,
                struct lt_db_rows *ret_rows, struct leat_error *err);
/* The text of a cell, NULL for NULL; lives as long as the rows. */
const char *lt_db_cell(const struct lt_db_rows *rows, size_t row, int column);
/* The same as a number; `fallback` for NULL. */
int64_t lt_db_number(const struct lt_db_rows *rows, size_t row, int column, int64_t fallback);
void lt_db_rows_done(struct lt_db_rows *rows); /* zeroed ones too */

/* Inserts many rows. next() fills n_columns texts (NULL is NULL), valid until it is called again,
 * and returns false after the last row. `columns` are parted by commas. */
typedef bool lt_db_next_fn(void *arg, const char **cells);
int lt_db_insert(struct lt_db *db, const char *table, const char *columns, int n_columns,
                 lt_db_next_fn *next, void *arg, struct leat_error *err);

/* One transaction. In SQLite it takes the write lock at once, so that nothing read in it is out of
 * date when it writes. */
int lt_db_begin(struct lt_db *db, struct leat_error *err);
int lt_db_commit(struct lt_db *db, struct leat_error *err);
void lt_db_rollback(struct lt_db *db);
/* Commits when status is LEAT_OK, else rolls back; returns what became of it. */
int lt_db_end(struct lt_db *db, int status, struct leat_error *err);

/* A number as a parameter. */
#define LT_DB_NUMBER_MAX 24
const char *lt_db_number_text(int64_t value, char text[LT_DB_NUMBER_MAX]);

#endif
