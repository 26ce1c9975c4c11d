/* A Parquet schema as a tree, and its Arrow counterpart.
 *
 * Levels: a leaf's definition level counts the optional and repeated nodes on its path that are
 * there; its repetition level the repeated ones. */
#ifndef LT_PARQUET_TREE_H
#define LT_PARQUET_TREE_H

#include "columnar/schema.h"
#include "formats/parquet/meta.h"

/* How the value of a node is shaped in Arrow. */
enum lt_pq_shape { LT_PQ_LEAF, LT_PQ_STRUCT, LT_PQ_LIST, LT_PQ_MAP };

struct lt_pq_node {
    struct lt_pq_node *parent; /* NULL: a column */
    enum lt_pq_shape shape;
    bool nullable; /* in Arrow: this node itself may be null */
    /* Definition level at which this value is there (not null); for a list or map also the level
     * from which it has an element, and the repetition level of its elements. */
    int16_t def_present, def_element, rep_element;
    int16_t rep;                 /* repetition level of this node's own slots */
    struct lt_pq_node *children; /* STRUCT: members; LIST: the element; MAP: key and value */
    size_t n_children;
    size_t element; /* index of its SchemaElement */
    /* LEAF */
    size_t leaf; /* index of the column chunk in each row group */
    int16_t def_max, rep_max;
    enum lt_pq_type type;
    int32_t type_length;
};

/* The columns of a file: the nodes below the root. */
struct lt_pq_tree {
    struct lt_pq_node *columns;
    size_t n_columns;
    size_t n_leaves;
};

/* Reading (tree_read.c): from the footer's elements, with the legacy forms of lists and maps.
 * *ret_schema has a field a column; `ARROW:schema` of the footer's pairs gives back what Parquet
 * has no word for (zones, extensions, metadata, large and fixed lists, durations), as far as it
 * agrees with the columns. Variants, and groups without members, are [unsupported] by name. */
int lt_pq_tree_read(const struct lt_pq_footer *footer, struct lt_pq_tree *ret_tree,
                    struct ArrowSchema *ret_schema, struct leat_error *err);

struct lt_pq_tree_options {
    bool int96; /* timestamps as INT96, for Impala and old Hive */
    bool json;  /* annotate JSON as such; else it is STRING, which more readers take */
};

/* Writing (tree_write.c): elements and tree of `schema`, which has neither dictionaries nor views
 * (lt_pq_schema_stored). Names in the elements are borrowed from the schema; *ret_elements is freed
 * with free(). Intervals become text. [unsupported-type] for structs without members and binary(0),
 * placed at the column. */
int lt_pq_tree_write(const struct ArrowSchema *schema, const struct lt_pq_tree_options *options,
                     struct lt_pq_tree *ret_tree, struct lt_pq_element **ret_elements,
                     size_t *ret_n, struct leat_error *err);

/* Bytes of a FIXED_LEN_BYTE_ARRAY that holds decimals of so many digits. */
int32_t lt_pq_decimal_bytes(int32_t precision);

void lt_pq_tree_done(struct lt_pq_tree *tree);

#endif
