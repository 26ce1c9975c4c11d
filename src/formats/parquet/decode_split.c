/* BYTE_STREAM_SPLIT (Encodings.md): byte k of all values, then byte k + 1 of all, ... Widths 4 and 8
 * are put together sixteen values at a time. */
#include "formats/parquet/decode.h"

#include "core/codes.h"
#include "core/util.h"

#include "core/banned.h"

#define LANES 16
/* Values of other widths are put together in blocks whose bytes stay in the nearest cache. */
#define BLOCK_BYTES 16384

typedef uint8_t lanes __attribute__((vector_size(LANES)));

static inline lanes load(const uint8_t *p)
{
    lanes v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* Bytes of a and b in turn: the lower halves, the upper halves. */
static inline lanes zip_low(lanes a, lanes b)
{
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

static inline lanes zip_high(lanes a, lanes b)
{
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                   31);
}

/* One round over `width` vectors: pairs half of them apart. Log2(width) rounds give whole
 * values. */
static inline void zip_round(const lanes *in, lanes *out, int width)
{
    for (int i = 0; i < width / 2; i++) {
        out[2 * i] = zip_low(in[i], in[i + width / 2]);
        out[2 * i + 1] = zip_high(in[i], in[i + width / 2]);
    }
}

static void join4(const uint8_t *in, int64_t stride, uint8_t *out)
{
    lanes a[4], b[4];
    for (int k = 0; k < 4; k++) {
        a[k] = load(in + k * stride);
    }
    zip_round(a, b, 4);
    zip_round(b, a, 4);
    memcpy(out, a, sizeof(a));
}

static void join8(const uint8_t *in, int64_t stride, uint8_t *out)
{
    lanes a[8], b[8];
    for (int k = 0; k < 8; k++) {
        a[k] = load(in + k * stride);
    }
    zip_round(a, b, 8);
    zip_round(b, a, 8);
    zip_round(a, b, 8);
    memcpy(out, b, sizeof(b));
}

static void join_any(const uint8_t *in, int64_t stride, uint8_t *out, int32_t width, int64_t n)
{
    int64_t block = LT_MAX(1, BLOCK_BYTES / width);
    for (int64_t at = 0; at < n; at += block) {
        int64_t end = LT_MIN(n, at + block);
        for (int32_t k = 0; k < width; k++) {
            const uint8_t *stream = in + k * stride;
            for (int64_t i = at; i < end; i++) {
                out[i * width + k] = stream[i];
            }
        }
    }
}

/* No padding is allowed, so that the page's length says how long the streams are. */
int lt_pq_split_page(struct lt_pq_decoder *decoder, struct leat_error *err)
{
    int64_t len = decoder->end - decoder->data;
    if (len % decoder->width) {
        return lt_fail(err, LT_E_CORRUPT, "a page of %lld bytes cannot be split in streams of %d",
                       (long long)len, (int)decoder->width);
    }
    return len / decoder->width < decoder->left ? lt_pq_short(err) : LEAT_OK;
}

int lt_pq_split_fixed(struct lt_pq_decoder *decoder, void *out, int64_t n, struct leat_error *err)
{
    (void)err;
    int32_t width = decoder->width;
    int64_t stride = (decoder->end - decoder->data) / width, i = 0;
    const uint8_t *in = decoder->data + decoder->given;
    uint8_t *to = out;
    if (width == 4) {
        for (; i + LANES <= n; i += LANES) {
            join4(in + i, stride, to + i * 4);
        }
    } else if (width == 8) {
        for (; i + LANES <= n; i += LANES) {
            join8(in + i, stride, to + i * 8);
        }
    }
    join_any(in + i, stride, to + i * width, width, n - i);
    return LEAT_OK;
}
