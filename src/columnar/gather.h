/* Rows from several batches of one schema gathered into a new one. */
#ifndef LT_GATHER_H
#define LT_GATHER_H

#include "columnar/builder.h"
#include "columnar/view.h"

/* Rows [first, first + rows) of a batch, viewed as a struct. */
struct lt_gather_run {
    const struct lt_view *batch;
    int64_t first, rows;
};

/* Appends the runs' rows, in order, to all columns of the builder: column c comes from column c of
 * the batches, which may have further ones. LEAT_OK or LEAT_NO_MEMORY; then the builder is of no
 * more use. Not for dictionaries and *_VIEW columns. */
int lt_gather(struct lt_batch_builder *to, const struct lt_gather_run *runs, size_t n_runs);

#endif
