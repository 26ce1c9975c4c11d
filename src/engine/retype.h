/* When an inferred type should give way to another. */
#ifndef LT_RETYPE_H
#define LT_RETYPE_H

#include "leat/arrow.h"

#include <stdbool.h>

/* True when values read as `wanted` at once can be more exact than by way of the type that a reader
 * inferred for them, their own parts (lists' values, structs' fields) included. Whoever writes a
 * column and whoever compares it ask this, so that both see the same values. */
bool lt_reads_better(const struct ArrowSchema *inferred, const struct ArrowSchema *wanted);

#endif
