/* Batches of one schema in a temporary file, or in memory while they are few.
 *
 * Batches come from builders (offset 0, no dictionaries, no views). One thread at a time. */
#ifndef LT_SPILL_H
#define LT_SPILL_H

#include "leat/arrow.h"
#include "leat/error.h"

#include <stddef.h>
#include <stdint.h>

struct lt_spill;

/* The first memory_max bytes stay in memory. The schema is borrowed. */
int lt_spill_new(const struct ArrowSchema *schema, int64_t memory_max, struct lt_spill **ret_spill,
                 struct leat_error *err);
/* NULL is fine. */
void lt_spill_free(struct lt_spill *spill);
/* Adds a batch, which stays the caller's; it gets the next number, from 0. */
int lt_spill_add(struct lt_spill *spill, const struct ArrowArray *batch, struct leat_error *err);
size_t lt_spill_count(const struct lt_spill *spill);
/* Gives batch `i`; any number of times. */
int lt_spill_get(const struct lt_spill *spill, size_t i, struct ArrowArray *ret_batch,
                 struct leat_error *err);
/* Forgets all batches. */
void lt_spill_clear(struct lt_spill *spill);

#endif
