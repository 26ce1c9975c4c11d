/* Bringing a table that is there to what comes: which of its columns change, the ALTERs, and what
 * else differs.
 *
 * Types are widened by columnar/widen.h and sql/declared.h alone, so that no value that is there can
 * change. */
#ifndef LT_EVOLVE_H
#define LT_EVOLVE_H

#include "sql/dialect.h"

enum lt_column_change {
    LT_COLUMN_AS_IS,   /* there */
    LT_COLUMN_NEW,     /* to be added, nullable */
    LT_COLUMN_WIDER,   /* there, and to be given a wider type */
    LT_COLUMN_LEFT_OUT /* comes, and the policy says that it is not written */
};

/* One table and what comes, column by column. Zero the buffers; lt_drift_done(). */
struct lt_drift {
    const struct lt_dialect *dialect;
    enum leat_schema_policy policy;
    const char *quoted;              /* the table's name */
    const struct ArrowSchema *table; /* columns that can be written */
    const char *const *keys;         /* of the load: nulls are refused there anyway */
    size_t n_keys;
    bool same; /* the column of the next field has the very type that comes: the system knows */
    struct lt_buf faults; /* what the policy stops at, in words */
    struct lt_buf needed; /* the ALTERs after which nothing would stop */
    struct lt_buf words;  /* what differs, and what is done about it: the report's drift */
};
void lt_drift_done(struct lt_drift *drift);

/* Decides for one field that comes, and notes what differs but for columns that change: who makes
 * these says so with lt_drift_say(). LT_COLUMN_NEW, LT_COLUMN_WIDER: *ret_field (the caller's to
 * release) is what the column is to be; else it is left alone. */
int lt_drift_column(struct lt_drift *drift, const struct ArrowSchema *field,
                    enum lt_column_change *ret_change, struct ArrowSchema *ret_field,
                    struct leat_error *err);
/* LEAT_OK or LEAT_NO_MEMORY. */
int lt_drift_say(struct lt_drift *drift, const char *name, const char *what);
/* Once all fields were given: notes columns of the table that do not come, and fails with
 * [column-mismatch], all faults and all ALTERs, where the policy stops. */
int lt_drift_end(struct lt_drift *drift, const struct ArrowSchema *incoming,
                 struct leat_error *err);

/* Appends the statement for a NEW or WIDER column, after "; " when there is one before it. */
int lt_evolve_sql(const struct lt_dialect *dialect, const char *quoted, const char *column,
                  enum lt_column_change change, const char *type, struct lt_buf *out);

#endif
