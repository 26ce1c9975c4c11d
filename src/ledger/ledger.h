/* Shared by the files of the orchestrator. */
#ifndef LT_LEDGER_H
#define LT_LEDGER_H

#include "leat/execution.h"
#include "state/store.h"

/* A moment as the database gave it (a timestamp's text, or microseconds since 1970) in Python's
 * words: date, `between`, time, six digits of a fraction unless it is zero, offset. */
int lt_moment(enum lt_db_kind kind, const char *cell, char between,
              char ret_moment[LEAT_MOMENT_MAX], struct leat_error *err);

/* [not-found] in one form: what it is ("execution"), and its id. */
int lt_no_such(const char *what, const char *id, struct leat_error *err);

/* The public fields of a row as one JSON object to each(): names of columns by place; those whose
 * name begins with '#' are numbers. */
int lt_give_row(const struct lt_db_rows *rows, size_t row, const char *const *names, size_t n,
                const char *extra_key, const char *extra_json, leat_document_fn *each, void *arg,
                struct leat_error *err);

/* Completes or fails a row: `table` "execution" or "execution_step". Inside a transaction of the
 * caller's. `set` is further SQL for SET, with parameters from $2 on. */
struct lt_kind {
    const char *what;  /* for messages */
    const char *table; /* of the original's */
    const char *key;   /* its column */
    const char *info;  /* leat's own table beside it */
};
extern const struct lt_kind lt_kind_execution, lt_kind_step;

int lt_complete(struct leat_state *state, const struct lt_kind *kind, const char *guid,
                const char *rows_sql, const char *rows, struct leat_completed *ret,
                struct leat_error *err);
int lt_fail_kind(struct leat_state *state, const struct lt_kind *kind, const char *id,
                 const char *reason, const char *rows_sql, const char *rows,
                 struct leat_error *err);

#endif
