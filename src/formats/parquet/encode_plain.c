/* Values to bytes: PLAIN and BYTE_STREAM_SPLIT. See encoding.h. */
#include "formats/parquet/encoding.h"

#include "core/banned.h"

int lt_pq_put_plain(struct lt_buf *out, const void *values, int32_t width, int64_t n)
{
    return lt_buf_append(out, values, (size_t)(width * n));
}

int lt_pq_put_bools(struct lt_buf *out, const uint8_t *values, int64_t n)
{
    size_t len = (size_t)(n + 7) / 8;
    if (lt_buf_reserve(out, len)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *at = out->data + out->len;
    memset(at, 0, len + 1);
    for (int64_t i = 0; i < n; i++) {
        at[i >> 3] |= (uint8_t)((values[i] & 1) << (i & 7));
    }
    out->len += len;
    return LEAT_OK;
}

int lt_pq_put_plain_bytes(struct lt_buf *out, const uint8_t *bytes, const int32_t *offsets,
                          int64_t n)
{
    size_t len = n ? (size_t)(offsets[n] - offsets[0]) + 4 * (size_t)n : 0;
    if (lt_buf_reserve(out, len)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *at = out->data + out->len;
    for (int64_t i = 0; i < n; i++) {
        uint32_t size = (uint32_t)(offsets[i + 1] - offsets[i]);
        memcpy(at, &size, 4);
        if (size) {
            memcpy(at + 4, bytes + offsets[i], size);
        }
        at += 4 + size;
    }
    *at = 0;
    out->len += len;
    return LEAT_OK;
}

/* Stream k holds byte k of every value. */
#define SPLIT(width)                                                                               \
    for (int64_t i = 0; i < n; i++) {                                                              \
        for (int64_t k = 0; k < (width); k++) {                                                    \
            at[k * n + i] = in[i * (width) + k];                                                   \
        }                                                                                          \
    }

int lt_pq_put_byte_stream_split(struct lt_buf *out, const void *values, int32_t width, int64_t n)
{
    size_t len = (size_t)(width * n);
    if (lt_buf_reserve(out, len)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *at = out->data + out->len;
    const uint8_t *in = values;
    if (width == 4) {
        SPLIT(4)
    } else if (width == 8) {
        SPLIT(8)
    } else {
        SPLIT(width)
    }
    out->len += len;
    out->data[out->len] = 0;
    return LEAT_OK;
}
#undef SPLIT
