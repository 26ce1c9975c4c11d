/* Which records of two batches of one schema are equal, column at a time.
 *
 * Values are equal by what they mean: 1.10 is 1.1 (numeric text by number, decimals of one field
 * have one scale), NaN is NaN, -0.0 is 0.0, two nulls are equal, json by its meaning whatever its
 * blanks and the order of its members, text and binary by their bytes, char(n) without trailing
 * blanks. Checksums (lt_checksum_add) agree. */
#ifndef LT_EQUAL_H
#define LT_EQUAL_H

#include "columnar/view.h"

/* Sets differs[k], of n, where a's row i + k and b's row j + k of a column are not equal, and
 * leaves the others as they are. `padded`: trailing blanks count for nothing. LEAT_OK or
 * LEAT_NO_MEMORY. */
int lt_equal_column(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                    int64_t n, bool padded, uint8_t *differs);

#endif
