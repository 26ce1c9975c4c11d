/* Whole arrays: checking what comes from outside, slicing, sharing, filtering, measuring.
 *
 * Example, one batch for two threads:
 *   struct ArrowArray other;
 *   int status = lt_array_share(&batch, err);
 *   if (!status) {
 *       status = lt_array_hold(&batch, &other, err);
 *   }
 *   ... each thread calls lt_array_done() on its own. */
#ifndef LT_ARRAY_H
#define LT_ARRAY_H

#include "columnar/schema.h"

/* Makes an array owned by leat: n buffers and children, all NULL / released, ready to be filled.
 * Buffers set afterwards must be malloc'ed and are freed on release; so is a dictionary, a
 * malloc'ed struct ArrowArray that is released first. Children are moved into *children[i], and
 * may be moved out again (leaving their release NULL). */
int lt_array_init(struct ArrowArray *array, int64_t n_buffers, int64_t n_children,
                  struct leat_error *err);

/* Checks an array against its schema, from outside the process's trust: buffer and child counts,
 * lengths and offsets non-negative, offsets ascending, nothing NULL that is needed, dictionary
 * indexes in range; with `utf8`, that all text is valid. Buffer sizes cannot be known through the
 * C interface: formats that know them must have checked them against length and offsets.
 * LEAT_BAD_DATA names column and row (counted from 1 within the batch). */
int lt_array_check(const struct ArrowSchema *schema, const struct ArrowArray *array, bool utf8,
                   struct leat_error *err);

/* Turns one owned array into any number of holders. After lt_array_share(array), *array is a
 * counted holder; lt_array_hold() makes another one for the same memory. Each is released on its
 * own, on any thread, and children moved out of one live on without it: the counts are
 * thread-safe, but one holder is used by one thread at a time. On failure *array is as it was. */
int lt_array_share(struct ArrowArray *array, struct leat_error *err);
int lt_array_hold(const struct ArrowArray *shared, struct ArrowArray *ret_holder,
                  struct leat_error *err);

/* Rows [first, first + rows) of a struct array, in place: no data copied. The columns' own offsets
 * move, so that each can be moved out and used alone (unless the struct itself has a bitmap: then
 * its own offset moves). LEAT_INTERNAL, and nothing changed, when there are no such rows. */
int lt_array_slice(struct ArrowArray *array, int64_t first, int64_t rows, struct leat_error *err);

/* Copies the rows of a struct array whose bit in `drop` is 0 (NULL: all rows). */
int lt_array_filter(const struct ArrowSchema *schema, const struct ArrowArray *array,
                    const uint8_t *drop, struct ArrowArray *ret_array, struct leat_error *err);

/* Copies the n rows of a struct array whose numbers (from 0, ascending) are listed. */
int lt_array_take(const struct ArrowSchema *schema, const struct ArrowArray *array,
                  const int64_t *rows, int64_t n, struct ArrowArray *ret_array,
                  struct leat_error *err);

/* Approximate bytes its rows occupy (offset and length respected). */
int64_t lt_array_bytes(const struct ArrowSchema *schema, const struct ArrowArray *array);

void lt_array_done(struct ArrowArray *array); /* release if there is something to release */
void lt_array_move(struct ArrowArray *from, struct ArrowArray *to);

#endif
