/* Nested columns: from the levels and values of leaves to Arrow's lists, structs and maps. */
#ifndef LT_PARQUET_NEST_H
#define LT_PARQUET_NEST_H

#include "formats/parquet/leaf.h"

/* Takes the next `rows` rows of a column, all of whose leaves have them, as an array of `field`.
 * leaves: by node->leaf. After a failure the leaves are good only for freeing. */
int lt_pq_nest(const struct lt_pq_node *node, const struct ArrowSchema *field,
               struct lt_pq_leaf *const *leaves, int64_t rows, struct ArrowArray *ret_array,
               struct leat_error *err);

#endif
