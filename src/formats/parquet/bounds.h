/* Least and greatest value of a page or chunk, as Parquet's statistics want them ("Statistics" and
 * "ColumnOrder" of parquet.thrift): NaN left out, zeros signed outwards, long texts cut.
 *
 * Bytes are kept as their first LT_PQ_BOUND_BYTES only. That is enough: a cut text sorts like the
 * whole one but for texts with the same beginning, and those are cut to the same bound. */
#ifndef LT_PARQUET_BOUNDS_H
#define LT_PARQUET_BOUNDS_H

#include "formats/parquet/meta.h"

#define LT_PQ_BOUND_BYTES 64

/* How values compare, which is also how they come. */
enum lt_pq_compare {
    LT_PQ_COMPARE_NONE,    /* no bounds: INT96, columns of nulls */
    LT_PQ_COMPARE_BOOL,    /* bytes 0 and 1 */
    LT_PQ_COMPARE_I32,     /* 4 bytes each */
    LT_PQ_COMPARE_U32,     /* */
    LT_PQ_COMPARE_I64,     /* 8 bytes each */
    LT_PQ_COMPARE_U64,     /* */
    LT_PQ_COMPARE_F32,     /* */
    LT_PQ_COMPARE_F64,     /* */
    LT_PQ_COMPARE_F16,     /* 2 bytes */
    LT_PQ_COMPARE_FIXED,   /* FIXED_LEN_BYTE_ARRAY, unsigned bytes */
    LT_PQ_COMPARE_DECIMAL, /* FIXED_LEN_BYTE_ARRAY, big-endian two's complement */
    LT_PQ_COMPARE_BYTES,   /* BYTE_ARRAY, unsigned bytes: any */
    LT_PQ_COMPARE_TEXT     /* BYTE_ARRAY of UTF-8: cut between characters */
};

struct lt_pq_bound {
    uint8_t data[LT_PQ_BOUND_BYTES];
    uint8_t len;
    bool longer; /* the value goes on behind data */
};

struct lt_pq_bounds {
    enum lt_pq_compare compare;
    int32_t width; /* FIXED, DECIMAL: bytes of a value */
    bool any;      /* false: no value to bound yet */
    union {
        int64_t i;
        uint64_t u;
        double f;
    } least, most;               /* numbers */
    struct lt_pq_bound min, max; /* bytes */
};

void lt_pq_bounds_init(struct lt_pq_bounds *bounds, enum lt_pq_compare compare, int32_t width);
void lt_pq_bounds_clear(struct lt_pq_bounds *bounds);
/* Values of a fixed width, one after the other; widths as in enum lt_pq_compare. */
void lt_pq_bounds_add(struct lt_pq_bounds *bounds, const void *values, int64_t n);
void lt_pq_bounds_add_bytes(struct lt_pq_bounds *bounds, const struct lt_pq_bytes *values,
                            int64_t n);
void lt_pq_bounds_merge(struct lt_pq_bounds *bounds, const struct lt_pq_bounds *other);

/* A bound as it is stored: PLAIN without a length. */
struct lt_pq_bound_text {
    uint8_t data[LT_PQ_BOUND_BYTES];
    size_t len;
    bool exact;
};

/* False when there is no such bound (no value, or all that begins so is greater than any text that
 * could be written). */
bool lt_pq_bounds_min(const struct lt_pq_bounds *bounds, struct lt_pq_bound_text *ret_text);
bool lt_pq_bounds_max(const struct lt_pq_bounds *bounds, struct lt_pq_bound_text *ret_text);
/* Order of two bounds as stored: below, at or above 0. */
int lt_pq_bound_compare(enum lt_pq_compare compare, const struct lt_pq_bytes *a,
                        const struct lt_pq_bytes *b);

#endif
