/* Records brought into the order of their keys, whatever their number: sorted in memory by runs,
 * which are kept in a temporary file and merged.
 *
 * The key is the schema's last column, as columnar/keys.h makes it. One thread at a time. */
#ifndef LT_SORT_H
#define LT_SORT_H

#include "leat/arrow.h"
#include "leat/error.h"

#include <stdbool.h>
#include <stdint.h>

struct lt_sort;

/* About memory_max bytes are used. The schema is borrowed. */
int lt_sort_new(const struct ArrowSchema *schema, int64_t memory_max, struct lt_sort **ret_sort,
                struct leat_error *err);
/* NULL is fine. */
void lt_sort_free(struct lt_sort *sort);
/* Takes a batch over, in any case. */
int lt_sort_add(struct lt_sort *sort, struct ArrowArray *batch, struct leat_error *err);
/* Once all are added: the records in order, batch by batch; release NULL at the end. */
int lt_sort_next(struct lt_sort *sort, struct ArrowArray *ret_batch, struct leat_error *err);

#endif
