/* Values to bytes: DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY of
 * Encodings.md. Blocks of 128 values in 4 miniblocks, as every other writer has them. */
#include "formats/parquet/encoding.h"

#include <stdlib.h>

#include "core/banned.h"

#define BLOCK 128
#define MINIBLOCK 32
#define MINIBLOCKS (BLOCK / MINIBLOCK)
/* A block packed at 64 bits, its widths and its least delta. */
#define BLOCK_BYTES_MAX (BLOCK * 8 + MINIBLOCKS + 10)

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *at++ = (uint8_t)(value | 0x80);
    }
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_zigzag(uint8_t *at, int64_t value)
{
    return put_varint(at, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

/* Packs a miniblock of values below 2^width. */
static uint8_t *pack(uint8_t *at, const uint64_t *values, int width)
{
    unsigned __int128 bits = 0;
    int n_bits = 0;
    for (int i = 0; i < MINIBLOCK; i++) {
        bits |= (unsigned __int128)values[i] << n_bits;
        n_bits += width;
        while (n_bits >= 32) {
            uint32_t word = (uint32_t)bits;
            memcpy(at, &word, 4);
            at += 4;
            bits >>= 32;
            n_bits -= 32;
        }
    }
    return at; /* 32 values of any width are whole 32-bit words */
}

static int bits_of(uint64_t value)
{
    return value ? 64 - __builtin_clzll(value) : 0;
}

/* Deltas wrap modulo 2^32 or 2^64; they are kept sign-extended, so that the least is the least
 * signed one and delta - least fits the type's bits. */
static int64_t delta_of(int64_t from, int64_t to, bool is_32)
{
    uint64_t delta = (uint64_t)to - (uint64_t)from;
    return is_32 ? (int32_t)(uint32_t)delta : (int64_t)delta;
}

static uint8_t *put_block(uint8_t *at, const int64_t *values, int64_t n, int64_t previous,
                          bool is_32)
{
    uint64_t deltas[BLOCK] = {0};
    int64_t least = INT64_MAX;
    for (int64_t i = 0; i < n; i++) {
        int64_t delta = delta_of(previous, values[i], is_32);
        deltas[i] = (uint64_t)delta;
        least = delta < least ? delta : least;
        previous = values[i];
    }
    for (int64_t i = 0; i < n; i++) {
        deltas[i] -= (uint64_t)least;
        deltas[i] = is_32 ? (uint32_t)deltas[i] : deltas[i];
    }
    at = put_zigzag(at, least);
    uint8_t *widths = at;
    at += MINIBLOCKS;
    for (int64_t m = 0; m < MINIBLOCKS; m++) {
        uint64_t all = 0;
        for (int64_t i = 0; i < MINIBLOCK; i++) {
            all |= deltas[m * MINIBLOCK + i];
        }
        widths[m] = (uint8_t)bits_of(all);
        if (m * MINIBLOCK < n) {
            at = pack(at, deltas + m * MINIBLOCK, widths[m]);
        }
    }
    return at;
}

int lt_pq_put_delta(struct lt_buf *out, const int64_t *values, int64_t n, bool is_32)
{
    if (lt_buf_reserve(out, 40)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *at = put_varint(out->data + out->len, BLOCK);
    at = put_varint(at, MINIBLOCKS);
    at = put_varint(at, (uint64_t)n);
    at = put_zigzag(at, n ? values[0] : 0);
    out->len = (size_t)(at - out->data);
    for (int64_t i = 1; i < n; i += BLOCK) {
        if (lt_buf_reserve(out, BLOCK_BYTES_MAX)) {
            return LEAT_NO_MEMORY;
        }
        int64_t count = n - i < BLOCK ? n - i : BLOCK;
        at = put_block(out->data + out->len, values + i, count, values[i - 1], is_32);
        out->len = (size_t)(at - out->data);
    }
    out->data[out->len] = 0;
    return LEAT_OK;
}

static int put_lengths(struct lt_buf *out, const int32_t *offsets, int64_t n)
{
    int64_t *lengths = calloc((size_t)n + 1, sizeof *lengths);
    if (!lengths) {
        return LEAT_NO_MEMORY;
    }
    for (int64_t i = 0; i < n; i++) {
        lengths[i] = offsets[i + 1] - offsets[i];
    }
    int status = lt_pq_put_delta(out, lengths, n, true);
    free(lengths);
    return status;
}

int lt_pq_put_delta_length(struct lt_buf *out, const uint8_t *bytes, const int32_t *offsets,
                           int64_t n)
{
    int status = put_lengths(out, offsets, n);
    if (!status && n) {
        status = lt_buf_append(out, bytes + offsets[0], (size_t)(offsets[n] - offsets[0]));
    }
    return status;
}

/* How many bytes value i begins with that value i - 1 begins with, too. */
static int64_t shared_prefix(const uint8_t *bytes, const int32_t *offsets, int64_t i)
{
    const uint8_t *a = bytes + offsets[i - 1], *b = bytes + offsets[i];
    int64_t most = offsets[i] - offsets[i - 1], len = offsets[i + 1] - offsets[i], at = 0;
    most = len < most ? len : most;
    while (at < most && a[at] == b[at]) {
        at++;
    }
    return at;
}

int lt_pq_put_delta_bytes(struct lt_buf *out, const uint8_t *bytes, const int32_t *offsets,
                          int64_t n)
{
    int64_t *lengths = calloc(2 * (size_t)n + 1, sizeof *lengths);
    if (!lengths) {
        return LEAT_NO_MEMORY;
    }
    int64_t *suffixes = lengths + n;
    for (int64_t i = 0; i < n; i++) {
        lengths[i] = i ? shared_prefix(bytes, offsets, i) : 0;
        suffixes[i] = offsets[i + 1] - offsets[i] - lengths[i];
    }
    int status = lt_pq_put_delta(out, lengths, n, true);
    status = status ? status : lt_pq_put_delta(out, suffixes, n, true);
    for (int64_t i = 0; i < n && !status; i++) {
        status = lt_buf_append(out, bytes + offsets[i] + lengths[i], (size_t)suffixes[i]);
    }
    free(lengths);
    return status;
}
