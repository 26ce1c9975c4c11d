/* Whole arrays: checking what comes from outside, slicing, sharing, filtering, measuring. */
#ifndef LT_ARRAY_H
#define LT_ARRAY_H

#include "columnar/schema.h"

/* Makes an array owned by leat: n buffers and children, all NULL / released, ready to be filled.
 * Buffers set afterwards must be malloc'ed and are freed on release. */
int lt_array_init(struct ArrowArray *array, int64_t n_buffers, int64_t n_children,
                  struct leat_error *err);

/* Checks an array against its schema, from outside the process's trust: buffer and child counts,
 * lengths and offsets non-negative, offsets ascending, nothing NULL that is needed, dictionary
 * indexes in range; with `utf8`, that all text is valid. Buffer sizes cannot be known through the
 * C interface; formats that know them pass through lt_array_check_sizes first.
 * LEAT_BAD_DATA names column and row. */
int lt_array_check(const struct ArrowSchema *schema, const struct ArrowArray *array, bool utf8,
                   struct leat_error *err);

/* Turns one owned array into any number of holders. After lt_array_share(array), *array is a
 * counted holder; lt_array_hold() makes another one for the same memory. Thread-safe counts. */
int lt_array_share(struct ArrowArray *array, struct leat_error *err);
int lt_array_hold(const struct ArrowArray *shared, struct ArrowArray *ret_holder,
                  struct leat_error *err);

/* Rows [first, first + rows) of a struct array: takes `array` over (moved), no data copied. */
int lt_array_slice(struct ArrowArray *array, int64_t first, int64_t rows, struct leat_error *err);

/* Columns of a struct array by index, in that order (none twice); children not named are
 * released. Moves `array` into *ret_array. */
int lt_array_project(struct ArrowArray *array, const int64_t *columns, int64_t n_columns,
                     struct ArrowArray *ret_array, struct leat_error *err);

/* Copies the rows of a struct array whose bit in `drop` is 0. */
int lt_array_filter(const struct ArrowSchema *schema, const struct ArrowArray *array,
                    const uint8_t *drop, struct ArrowArray *ret_array, struct leat_error *err);

/* Approximate bytes its rows occupy (offset and length respected). */
int64_t lt_array_bytes(const struct ArrowSchema *schema, const struct ArrowArray *array);

void lt_array_done(struct ArrowArray *array); /* release if there is something to release */
void lt_array_move(struct ArrowArray *from, struct ArrowArray *to);

#endif
