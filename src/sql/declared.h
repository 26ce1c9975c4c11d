/* Types as a system declares them, held against each other: what a column that is there says, and
 * what comes. Lengths and fractions of a second, which no canonical type knows, count here. */
#ifndef LT_DECLARED_H
#define LT_DECLARED_H

#include "sql/dialect.h"

enum lt_fit {
    LT_FIT_HOLDS,   /* every value that comes is one of the column's type */
    LT_FIT_WIDER,   /* not of its own, but of a wider type that holds its values as well */
    LT_FIT_CHECKED, /* text, of which the system itself says value by value if it fits */
    LT_FIT_OTHER    /* neither */
};

/* Compares the column with the field that comes. LT_FIT_WIDER: *ret_field (the caller's to release)
 * is what would hold both, named as the column and nullable as it is. */
int lt_declared_fit(const struct lt_dialect *dialect, const struct ArrowSchema *comes,
                    const struct ArrowSchema *column, enum lt_fit *ret_fit,
                    struct ArrowSchema *ret_field, struct leat_error *err);

/* Whether the type is the dialect's own text, of whatever length. */
bool lt_declared_is_text(const struct lt_dialect *dialect, const char *type);

#endif
