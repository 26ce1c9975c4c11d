/* Schema trees: what reading and writing share. */
#include "formats/parquet/tree.h"

#include <stdlib.h>

#include "core/banned.h"

static void free_nodes(struct lt_pq_node *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free_nodes(nodes[i].children, nodes[i].n_children);
    }
    free(nodes);
}

void lt_pq_tree_done(struct lt_pq_tree *tree)
{
    free_nodes(tree->columns, tree->n_columns);
    *tree = (struct lt_pq_tree){NULL, 0, 0};
}
