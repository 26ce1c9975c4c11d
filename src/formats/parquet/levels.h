/* Definition or repetition levels of one data page, a piece at a time. */
#ifndef LT_PARQUET_LEVELS_H
#define LT_PARQUET_LEVELS_H

#include "formats/parquet/encoding.h"

/* Levels are decoded in pieces of so many (a multiple of 8: pieces of the legacy encoding end
 * with whole bytes). */
#define LT_PQ_STEP 2048

struct lt_pq_levels {
    int max; /* 0: there are none; all get 0 */
    bool packed;
    struct lt_pq_hybrid hybrid;
    const uint8_t *data; /* packed */
    size_t len;
};

/* encoding: LT_PQ_ENC_RLE, or LT_PQ_ENC_BIT_PACKED in old pages. */
void lt_pq_levels_init(struct lt_pq_levels *levels, int max, int encoding, const uint8_t *data,
                       size_t len);
/* The next n <= LT_PQ_STEP; fewer than LT_PQ_STEP only at the end of the page. A level past max
 * is [corrupt-file]. */
int lt_pq_levels_get(struct lt_pq_levels *levels, uint8_t *out, int64_t n, struct leat_error *err);
/* How many of the n levels from here on are `max`, without consuming them. */
int lt_pq_levels_count(const struct lt_pq_levels *levels, int64_t n, int64_t *ret_count,
                       struct leat_error *err);

#endif
