/* Bringing a table that is there to what comes: which of its columns change, and the ALTERs.
 *
 * Types are widened by columnar/widen.h alone, so that no value that is there can change. */
#ifndef LT_EVOLVE_H
#define LT_EVOLVE_H

#include "sql/dialect.h"

enum lt_column_change {
    LT_COLUMN_AS_IS,   /* there, or a fault that lt_dialect_match() tells */
    LT_COLUMN_NEW,     /* to be added, nullable */
    LT_COLUMN_WIDER,   /* there, and to be given a wider type */
    LT_COLUMN_LEFT_OUT /* comes, and the policy says that it is not written */
};

/* Decides for one field that comes. LT_COLUMN_NEW, LT_COLUMN_WIDER: *ret_field (the caller's to
 * release) is what the column is to be; else it is left alone. */
int lt_evolve_column(enum leat_schema_policy policy, const struct ArrowSchema *field,
                     const struct ArrowSchema *table, enum lt_column_change *ret_change,
                     struct ArrowSchema *ret_field, struct leat_error *err);

/* Appends the statement for a NEW or WIDER column, after "; " when there is one before it. */
int lt_evolve_sql(const struct lt_dialect *dialect, const char *quoted, const char *column,
                  enum lt_column_change change, const char *type, struct lt_buf *out);

/* For [column-mismatch] in *err: makes its remedy the ALTERs after which the stream would fit, as
 * many of them as there is room for. */
void lt_evolve_remedy(const struct lt_dialect *dialect, const char *quoted,
                      const struct ArrowSchema *incoming, const struct ArrowSchema *table,
                      struct leat_error *err);

#endif
