/* One leaf column of a file, over all its row groups: pages in, values and levels out.
 *
 * A leaf is filled for a number of rows and bytes, then rows are taken from its front. What is
 * left over, because another column gave fewer rows, stays for the next batch. */
#ifndef LT_PARQUET_LEAF_H
#define LT_PARQUET_LEAF_H

#include "formats/faults.h"
#include "formats/parquet/levels.h"
#include "formats/parquet/pages.h"
#include "formats/parquet/tree.h"
#include "formats/parquet/values.h"

/* Bytes that one leaf holds at once, at most: offsets of 32 bits end there. Batches are smaller;
 * one row can be as large. */
#ifndef LT_PQ_ROW_MAX
#define LT_PQ_ROW_MAX ((int64_t)INT32_MAX)
#endif

/* Working memory, for the length of one call. */
struct lt_pq_scratch {
    uint8_t valid[LT_PQ_STEP], bools[LT_PQ_STEP];
    int32_t lengths[LT_PQ_STEP];
    struct lt_buf raw; /* values before they are converted */
    /* Of the values just decoded, those that do not fit: the number of the reason + 1; 0: it fits.
     * Filled when n_wrong is not 0. */
    uint32_t wrong[LT_PQ_STEP];
    int64_t n_wrong;
};

/* What all leaves of a reader share. */
struct lt_pq_file {
    struct lt_source *source;
    struct lt_pq_footer footer;
    int64_t data_end; /* where the footer begins */
    size_t *groups;   /* the row groups to read, in order */
    size_t n_groups;
    bool verify;
    size_t read_ahead; /* bytes, of each leaf */
    bool tight;        /* pages take so much memory that none is kept for the next ones */
    struct lt_block_context *context;
    struct lt_pq_scratch *scratch;
    struct lt_faults *faults; /* of the batch being taken */
};

struct lt_pq_leaf;

/* `field` is the leaf's own; `column` its name with those of its parents, for messages; `top` the
 * place of its column among those read. */
int lt_pq_leaf_new(const struct lt_pq_file *file, const struct lt_pq_node *node,
                   const struct ArrowSchema *field, const char *column, size_t top,
                   struct lt_pq_leaf **ret_leaf, struct leat_error *err);
void lt_pq_leaf_free(struct lt_pq_leaf *leaf);

/* Reads on until `rows` rows are there, or about `bytes` bytes and at least one row, or all row
 * groups are read. Only while lt_pq_leaf_rows() is 0. */
int lt_pq_leaf_fill(struct lt_pq_leaf *leaf, int64_t rows, int64_t bytes, struct leat_error *err);
/* Bytes of pages and dictionary it holds. */
int64_t lt_pq_leaf_held(const struct lt_pq_leaf *leaf);
/* Gives them up until it is filled again: rows that are there stay. */
void lt_pq_leaf_park(struct lt_pq_leaf *leaf);
bool lt_pq_leaf_is_parked(const struct lt_pq_leaf *leaf);
/* Rows that are there. */
int64_t lt_pq_leaf_rows(const struct lt_pq_leaf *leaf);
/* Bytes that the first of them take. */
int64_t lt_pq_leaf_bytes(const struct lt_pq_leaf *leaf, int64_t rows);
/* Bytes one row takes in a flat column of a fixed width; else 0. */
int64_t lt_pq_leaf_width(const struct lt_pq_leaf *leaf);

/* Levels of the next `rows` rows, and how many slots these are. NULL where there are none: no
 * nulls, no lists. Valid until lt_pq_leaf_take(). */
struct lt_pq_slots {
    const uint8_t *def, *rep;
    int64_t n;
};
struct lt_pq_slots lt_pq_leaf_slots(const struct lt_pq_leaf *leaf, int64_t rows);
/* Takes them: the values as an array. Those that do not fit are noted in file->faults, by rows from
 * 0 on, where a sink takes them. */
int lt_pq_leaf_take(struct lt_pq_leaf *leaf, int64_t rows, struct ArrowArray *ret_array,
                    struct leat_error *err);

#endif
