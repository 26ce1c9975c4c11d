/* Widening: from a type to one that holds all its values as what they are.
 *
 * A value that is widened stays equal by canonical type: whole numbers and decimals are one class
 * and floats another (5 is not 5.0), dates are no timestamps, a zone is neither gained nor lost,
 * and nothing becomes text. Units get finer, integers and decimals wider, offsets larger. */
#ifndef LT_WIDEN_H
#define LT_WIDEN_H

#include "columnar/schema.h"

/* Whether every value of `from` is a value of `to`. Names and nullability are not looked at. */
bool lt_widens(const struct ArrowSchema *from, const struct ArrowSchema *to);

/* The narrowest type that both widen to, with a's name and metadata where it is a's own type,
 * nullable when one of them is. LEAT_UNSUPPORTED without a word: there is none. */
int lt_widen(const struct ArrowSchema *a, const struct ArrowSchema *b,
             struct ArrowSchema *ret_field, struct leat_error *err);

#endif
