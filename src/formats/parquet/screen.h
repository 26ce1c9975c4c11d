/* Values that Parquet cannot hold, found before anything of their batch is written. */
#ifndef LT_PARQUET_SCREEN_H
#define LT_PARQUET_SCREEN_H

#include "formats/faults.h"
#include "formats/parquet/column.h"

struct lt_pq_screen {
    const struct lt_pq_tree *tree;
    const struct lt_pq_column *columns; /* by node->leaf */
    struct lt_faults faults;
    struct lt_buf scratch;
};

/* Notes the values at fault of `rows` rows from views[i]'s row firsts[i] on, of every column i, in
 * screen->faults: rows count from 0. */
int lt_pq_screen_rows(struct lt_pq_screen *screen, const struct lt_view *views,
                      const int64_t *firsts, int64_t rows, struct leat_error *err);
void lt_pq_screen_done(struct lt_pq_screen *screen);

#endif
