/* The RLE / bit-packed hybrid, and the legacy bit-packed levels (Encodings.md). */
#include "formats/parquet/decode.h"

#include "core/codes.h"
#include "core/util.h"
#include "formats/parquet/unpack.h"

#include "core/banned.h"

void lt_pq_hybrid_init(struct lt_pq_hybrid *hybrid, int width, const uint8_t *data, size_t len)
{
    memset(hybrid, 0, sizeof(*hybrid));
    hybrid->width = width;
    hybrid->data = data;
    hybrid->end = data + len;
}

int lt_pq_short(struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "a page ends before its values do");
}

/* A packed run may say more than the page holds (writers have left out the padding of the last
 * one): what matters is that the values asked for are there. */
static void begin_packed(struct lt_pq_hybrid *hybrid, int64_t groups)
{
    int64_t bytes = groups * hybrid->width, there = hybrid->end - hybrid->data;
    hybrid->packed = hybrid->data;
    hybrid->packed_at = 0;
    hybrid->packed_left = bytes <= there ? groups * 8 : there * 8 / hybrid->width;
    hybrid->data += LT_MIN(bytes, there);
}

static int begin_repeated(struct lt_pq_hybrid *hybrid, int64_t n, struct leat_error *err)
{
    int bytes = (hybrid->width + 7) / 8;
    if (hybrid->end - hybrid->data < bytes) {
        return lt_pq_short(err);
    }
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint32_t)*hybrid->data++ << (8 * i);
    }
    if (hybrid->width < 32 && value >> hybrid->width) {
        return lt_fail(err, LT_E_CORRUPT, "a repeated value has more than its %d bits",
                       hybrid->width);
    }
    hybrid->repeated = value;
    hybrid->run_left = n;
    return LEAT_OK;
}

static int next_run(struct lt_pq_hybrid *hybrid, struct leat_error *err)
{
    uint64_t header;
    int status = lt_pq_varint(&hybrid->data, hybrid->end, &header, err);
    if (status) {
        return status;
    }
    if (header > UINT32_MAX) {
        return lt_fail(err, LT_E_CORRUPT, "a run is longer than a page can be");
    }
    if (header & 1) {
        begin_packed(hybrid, (int64_t)(header >> 1));
        return LEAT_OK;
    }
    return begin_repeated(hybrid, (int64_t)(header >> 1), err);
}

static void fill(uint32_t *out, uint32_t value, int64_t n)
{
    if (!value) {
        memset(out, 0, (size_t)n * sizeof(*out));
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        out[i] = value;
    }
}

int lt_pq_hybrid_get(struct lt_pq_hybrid *hybrid, uint32_t *out, int64_t n, struct leat_error *err)
{
    while (n > 0) {
        int64_t k = 0;
        if (hybrid->run_left) {
            k = LT_MIN(n, hybrid->run_left);
            fill(out, hybrid->repeated, k);
            hybrid->run_left -= k;
        } else if (hybrid->packed_left) {
            k = LT_MIN(n, hybrid->packed_left);
            lt_pq_unpack32(hybrid->packed, hybrid->end, hybrid->width, hybrid->packed_at, out, k);
            hybrid->packed_at += k;
            hybrid->packed_left -= k;
        } else {
            int status = next_run(hybrid, err);
            if (status) {
                return status;
            }
        }
        out += k;
        n -= k;
    }
    return LEAT_OK;
}

int lt_pq_bit_packed_get(int width, const uint8_t *data, size_t len, uint32_t *out, int64_t n,
                         size_t *ret_used, struct leat_error *err)
{
    if (width && n > (int64_t)len * 8 / width) {
        return lt_pq_short(err);
    }
    const uint32_t mask = width < 32 ? ((uint32_t)1 << width) - 1 : UINT32_MAX;
    const uint8_t *at = data;
    uint64_t bits = 0; /* the lowest n_bits are not given yet */
    int n_bits = 0;
    for (int64_t i = 0; i < n; i++) {
        for (; n_bits < width; n_bits += 8) {
            bits = bits << 8 | *at++;
        }
        n_bits -= width;
        out[i] = (uint32_t)(bits >> n_bits) & mask;
    }
    *ret_used = (size_t)(at - data);
    return LEAT_OK;
}
