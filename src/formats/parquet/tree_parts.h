/* Between the files that read schema trees. */
#ifndef LT_PARQUET_TREE_PARTS_H
#define LT_PARQUET_TREE_PARTS_H

#include "formats/parquet/tree.h"

/* Bytes of one FIXED_LEN_BYTE_ARRAY value, at most: a null takes as many. */
#define LT_PQ_FIXED_MAX (1 << 24)

/* tree_leaf.c: the Arrow field of a leaf, not nullable and without children. Logical types that
 * do not go with the physical one, and those this version does not know, are passed over. */
int lt_pq_leaf_field(const struct lt_pq_element *element, const char *name,
                     struct ArrowSchema *ret_field, struct leat_error *err);

/* tree_arrow.c: gives the fields of `schema` back what `ARROW:schema` says of them, where it
 * agrees with the columns; a damaged one is passed over. LEAT_OK or LEAT_NO_MEMORY. */
int lt_pq_restore_arrow(const struct lt_pq_footer *footer, struct ArrowSchema *schema,
                        struct leat_error *err);

#endif
