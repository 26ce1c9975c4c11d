/* Arrow values into the physical values of Parquet: dense, without the nulls. */
#ifndef LT_PARQUET_PHYSICAL_H
#define LT_PARQUET_PHYSICAL_H

#include "formats/parquet/bounds.h"
#include "formats/parquet/shred.h"

/* Longest BYTE_ARRAY: a page that holds it and more stays below 2 GiB. */
#define LT_PQ_VALUE_BYTES ((int64_t)1 << 30)

struct lt_pq_store;
/* Appends n values from `first` on, none of them null, at `out`. Returns -1, or the first row whose
 * value cannot be stored. */
typedef int64_t lt_pq_store_fn(const struct lt_pq_store *store, const struct lt_view *view,
                               int64_t first, int64_t n, uint8_t *out);

/* How one leaf's values are turned. */
struct lt_pq_store {
    lt_pq_store_fn *run; /* fixed widths; NULL: bytes or text */
    bool text;           /* formatted (intervals) */
    bool copies;         /* the bytes are taken as they are */
    int32_t width;       /* of a stored value; BOOLEAN: 1; 0: bytes */
    int32_t precision;   /* decimals */
    int64_t limit;       /* times: the end of the day; timestamps: units of a day */
    int64_t factor;      /* what a unit is multiplied with */
    enum lt_pq_compare compare;
    const char *why; /* what is wrong with a value that is refused */
};

void lt_pq_store_init(struct lt_pq_store *store, const struct lt_pq_node *leaf,
                      const struct lt_type *type);

/* Values of some rows. Zero-initialise; reused. Good until the next call, or until the array is
 * released. */
struct lt_pq_physical {
    int64_t n;
    const uint8_t *fixed;            /* n of store->width */
    const struct lt_pq_bytes *spans; /* width 0 */
    struct lt_buf data, span_bytes, text;
};

/* The values at shred->runs. [value-range] or [limit] for one that cannot be stored; *ret_row is
 * then its row in the leaf's array. */
int lt_pq_physical_make(struct lt_pq_physical *values, const struct lt_pq_store *store,
                        const struct lt_pq_shred *shred, int64_t *ret_row, struct leat_error *err);
/* *ret_row is the first of rows [first, first + n) of a leaf's array whose value cannot be stored;
 * -1: none. Only where store->why is there. */
int lt_pq_physical_misfit(const struct lt_pq_store *store, const struct lt_view *view,
                          int64_t first, int64_t n, struct lt_buf *scratch, int64_t *ret_row,
                          struct leat_error *err);
/* Fills *err, [value-range], for such a value. */
int lt_pq_physical_refuse(const struct lt_pq_store *store, struct leat_error *err);
void lt_pq_physical_done(struct lt_pq_physical *values);

#endif
