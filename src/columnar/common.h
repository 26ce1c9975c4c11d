/* The type that two columns are compared in.
 *
 *   the same type                       it
 *   whole numbers                       one that holds both; bool counts as one
 *   decimals, whole numbers             decimal with the digits of both, numeric past 76 of them
 *   float with decimal, whole, numeric  numeric: as the float is written
 *   floats                              float64
 *   dates and timestamps without zone   timestamp
 *   times, timestamps, durations        the coarser of the two resolutions; finer digits are cut
 *                                       off for the comparison
 *   char(n)                             text, trailing blanks count for nothing
 *   anything else                       the destination's, if the source's can become it (that is
 *                                       what writing would do), or the other way round
 *
 * All but the cut are casts of cast.h. */
#ifndef LT_COMMON_H
#define LT_COMMON_H

#include "columnar/schema.h"

struct lt_common {
    bool padded;    /* char(n) on either side */
    bool coarser;   /* a side has a finer resolution than the common type */
    bool a_ordered; /* values in a's order are in order as the common type's, too */
    bool b_ordered;
};

/* Makes the field (named as `b`, nullable, without dictionary). LEAT_INVALID [column-mismatch]
 * when neither can become the other. */
int lt_common_type(const struct ArrowSchema *a, const struct ArrowSchema *b,
                   struct ArrowSchema *ret_field, struct lt_common *ret_common,
                   struct leat_error *err);

/* Cuts the ticks of a column, in its own unit, down to what the common type's can say. */
int lt_coarsen(const struct ArrowSchema *field, const struct ArrowSchema *common,
               struct ArrowArray *column, struct leat_error *err);

#endif
