#include "formats/parquet/levels.h"

#include "core/codes.h"
#include "core/util.h"
#include "formats/parquet/pages.h"

#include "core/banned.h"

void lt_pq_levels_init(struct lt_pq_levels *levels, int max, int encoding, const uint8_t *data,
                       size_t len)
{
    *levels = (struct lt_pq_levels){
        .max = max, .packed = encoding == LT_PQ_ENC_BIT_PACKED, .data = data, .len = len};
    if (max && !levels->packed) {
        lt_pq_hybrid_init(&levels->hybrid, lt_pq_level_width(max), data, len);
    }
}

static int past_max(const struct lt_pq_levels *levels, struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "a level past the column's %d", levels->max);
}

static int get_wide(struct lt_pq_levels *levels, uint32_t *out, int64_t n, struct leat_error *err)
{
    if (!levels->packed) {
        return lt_pq_hybrid_get(&levels->hybrid, out, n, err);
    }
    size_t used = 0;
    int status = lt_pq_bit_packed_get(lt_pq_level_width(levels->max), levels->data, levels->len,
                                      out, n, &used, err);
    if (!status) {
        levels->data += used;
        levels->len -= used;
    }
    return status;
}

int lt_pq_levels_get(struct lt_pq_levels *levels, uint8_t *out, int64_t n, struct leat_error *err)
{
    uint32_t wide[LT_PQ_STEP], most = 0;
    if (!levels->max) {
        memset(out, 0, (size_t)n);
        return LEAT_OK;
    }
    int status = get_wide(levels, wide, n, err);
    if (status) {
        return status;
    }
    for (int64_t i = 0; i < n; i++) {
        most = LT_MAX(most, wide[i]);
        out[i] = (uint8_t)wide[i];
    }
    return most > (uint32_t)levels->max ? past_max(levels, err) : LEAT_OK;
}

/* Most pages have no nulls, which is one run: it is counted without being spread. */
int lt_pq_levels_count(const struct lt_pq_levels *levels, int64_t n, int64_t *ret_count,
                       struct leat_error *err)
{
    struct lt_pq_levels copy = *levels;
    struct lt_pq_hybrid *hybrid = &copy.hybrid;
    uint32_t wide[LT_PQ_STEP], max = (uint32_t)levels->max;
    int64_t count = levels->max ? 0 : n;
    while (levels->max && n > 0) {
        int64_t step = LT_MIN(n, LT_PQ_STEP);
        if (!copy.packed && hybrid->run_left > 0) {
            step = LT_MIN(n, hybrid->run_left);
            count += hybrid->repeated == max ? step : 0;
            hybrid->run_left -= step;
            n -= step;
            continue;
        }
        if (!copy.packed) { /* one value shows what run comes next */
            step = hybrid->packed_left > 0 ? LT_MIN(step, hybrid->packed_left) : 1;
        }
        int status = get_wide(&copy, wide, step, err);
        if (status) {
            return status;
        }
        int64_t equal = 0;
        for (int64_t i = 0; i < step; i++) {
            equal += wide[i] == max;
        }
        count += equal;
        n -= step;
    }
    *ret_count = count;
    return LEAT_OK;
}
