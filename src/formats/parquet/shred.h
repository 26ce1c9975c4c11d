/* Arrow columns, nested or not, into definition and repetition levels ("Nested Encoding" of the
 * specification): a column at a time, each step of a leaf's path over all slots at once. */
#ifndef LT_PARQUET_SHRED_H
#define LT_PARQUET_SHRED_H

#include "columnar/view.h"
#include "formats/parquet/tree.h"

struct lt_pq_run {
    int64_t first, n;
};

/* What some rows of a column are to one leaf. Zero-initialise; reused from call to call. */
struct lt_pq_shred {
    int64_t n;                    /* slots */
    const uint8_t *defs;          /* NULL: every slot has a value */
    const uint8_t *reps;          /* NULL: every slot is a row */
    const struct lt_view *view;   /* of the leaf */
    const struct lt_pq_run *runs; /* its rows in question, in order, nulls among them */
    size_t n_runs;
    /* Memory, twice: what is and what becomes of it. */
    struct lt_buf def_bytes[2], rep_bytes[2], run_bytes[2];
    struct lt_pq_run one;
    int now;
};

/* Levels of rows [first, first + rows) of `column`, a view of the top field on the leaf's path.
 * [not-null] for a null where the schema allows none. */
int lt_pq_shred_make(struct lt_pq_shred *shred, const struct lt_pq_node *leaf,
                     const struct lt_view *column, int64_t first, int64_t rows,
                     struct leat_error *err);
void lt_pq_shred_done(struct lt_pq_shred *shred);

#endif
