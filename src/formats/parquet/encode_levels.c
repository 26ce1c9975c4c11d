/* Writing the RLE / bit-packed hybrid ("Run Length Encoding / Bit-Packing Hybrid" of
 * Encodings.md). See encoding.h. */
#include "formats/parquet/encoding.h"

#include "core/banned.h"

#define GROUP 8 /* values of a bit-packed group */

/* Where the next bytes go. Room for all of them was made before. */
struct packer {
    uint8_t *at;
    uint64_t bits;
    int n_bits;
};

static inline void pack_value(struct packer *p, uint32_t value, int width)
{
    p->bits |= (uint64_t)value << p->n_bits;
    p->n_bits += width;
    if (p->n_bits >= 32) {
        uint32_t word = (uint32_t)p->bits;
        memcpy(p->at, &word, 4);
        p->at += 4;
        p->bits >>= 32;
        p->n_bits -= 32;
    }
}

static void pack_end(struct packer *p)
{
    for (; p->n_bits > 0; p->n_bits -= 8) {
        *p->at++ = (uint8_t)p->bits;
        p->bits >>= 8;
    }
    p->n_bits = 0;
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *at++ = (uint8_t)(value | 0x80);
    }
    *at++ = (uint8_t)value;
    return at;
}

/* A run of equal values costs its header, the value, and the header of the packed run that
 * follows; it pays from so many values on. */
static int64_t repeats_min(int width)
{
    int64_t least = ((2 + (width + 7) / 8) * 8 + width - 1) / width;
    return least < GROUP ? GROUP : least;
}

/* Bytes n values take at most: packed whole, a header of 10 bytes for every possible run. */
static size_t bound(int width, int64_t n)
{
    int64_t runs = n / GROUP + 2;
    return (size_t)(runs * (10 + 4) + (n + GROUP) / 8 * width + width + 16);
}

/* Levels come as bytes and indices as 32-bit numbers: the same code for both. `at_` reads value i. */
#define HYBRID(name, type)                                                                         \
    static uint8_t *name##_packed(uint8_t *at, int width, const type *values, int64_t n)           \
    {                                                                                              \
        int64_t groups = (n + GROUP - 1) / GROUP;                                                  \
        struct packer p = {put_varint(at, (uint64_t)groups << 1 | 1), 0, 0};                       \
        for (int64_t i = 0; i < n; i++) {                                                          \
            pack_value(&p, values[i], width);                                                      \
        }                                                                                          \
        for (int64_t i = n; i < groups * GROUP; i++) {                                             \
            pack_value(&p, 0, width);                                                              \
        }                                                                                          \
        pack_end(&p);                                                                              \
        return p.at;                                                                               \
    }                                                                                              \
                                                                                                   \
    static uint8_t *name##_runs(uint8_t *at, int width, const type *values, int64_t n)             \
    {                                                                                              \
        int64_t least = repeats_min(width), start = 0;                                             \
        for (int64_t i = 0; i < n;) {                                                              \
            int64_t end = i + 1;                                                                   \
            while (end < n && values[end] == values[i]) {                                          \
                end++;                                                                             \
            }                                                                                      \
            /* Packed runs other than the last hold whole groups: fill the one begun. */           \
            int64_t fill = (GROUP - (i - start) % GROUP) % GROUP;                                  \
            if (end - i - fill >= least || (!start && end == n && !i)) {                           \
                i += fill;                                                                         \
                if (i > start) {                                                                   \
                    at = name##_packed(at, width, values + start, i - start);                      \
                }                                                                                  \
                at = put_varint(at, (uint64_t)(end - i) << 1);                                     \
                uint32_t value = values[i];                                                        \
                memcpy(at, &value, 4);                                                             \
                at += (width + 7) / 8;                                                             \
                start = end;                                                                       \
            }                                                                                      \
            i = end;                                                                               \
        }                                                                                          \
        return start < n ? name##_packed(at, width, values + start, n - start) : at;               \
    }                                                                                              \
                                                                                                   \
    static int name(struct lt_buf *out, int width, const type *values, int64_t n)                  \
    {                                                                                              \
        if (!n) {                                                                                  \
            return LEAT_OK;                                                                        \
        }                                                                                          \
        if (lt_buf_reserve(out, bound(width, n))) {                                                \
            return LEAT_NO_MEMORY;                                                                 \
        }                                                                                          \
        uint8_t *at = out->data + out->len;                                                        \
        if (width) {                                                                               \
            at = name##_runs(at, width, values, n);                                                \
        } else {                                                                                   \
            at = put_varint(at, (uint64_t)n << 1);                                                 \
        }                                                                                          \
        out->len = (size_t)(at - out->data);                                                       \
        out->data[out->len] = 0;                                                                   \
        return LEAT_OK;                                                                            \
    }

HYBRID(put_words, uint32_t)
HYBRID(put_bytes, uint8_t)
#undef HYBRID

int lt_pq_hybrid_put(struct lt_buf *out, int width, const uint32_t *values, int64_t n)
{
    return put_words(out, width, values, n);
}

int lt_pq_levels_put(struct lt_buf *out, int width, const uint8_t *levels, int64_t n)
{
    return put_bytes(out, width, levels, n);
}

int lt_pq_level_repeat(struct lt_buf *out, int width, uint8_t level, int64_t n)
{
    if (!n) {
        return LEAT_OK;
    }
    if (lt_buf_reserve(out, 16)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *at = put_varint(out->data + out->len, (uint64_t)n << 1);
    if (width) {
        *at++ = level;
    }
    out->len = (size_t)(at - out->data);
    out->data[out->len] = 0;
    return LEAT_OK;
}
