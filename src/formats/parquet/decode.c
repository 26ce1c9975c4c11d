/* The values of a page: which encoding holds which types, and who decodes it. */
#include "formats/parquet/decode.h"

#include "core/codes.h"
#include "core/util.h"
#include "formats/parquet/unpack.h"

#include <stdlib.h>

#include "core/banned.h"

#define INT96_BYTES 12
#define VARINT_BITS 64
#define BOOL_CHUNK 1024
/* In front of booleans in RLE, in pages of both versions. */
#define RLE_LENGTH_BYTES 4

int lt_pq_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value,
                 struct leat_error *err)
{
    uint64_t value = 0;
    for (int shift = 0; shift < VARINT_BITS; shift += 7) {
        if (*at == end) {
            return lt_pq_short(err);
        }
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return LEAT_OK;
        }
    }
    return lt_fail(err, LT_E_CORRUPT, "a number in a page has more than 64 bits");
}

/* --- pages -------------------------------------------------------------------------------------- */

static int plain_page(struct lt_pq_decoder *decoder, struct leat_error *err)
{
    if (decoder->type == LT_PQ_BYTE_ARRAY) {
        return lt_pq_bytes_page(decoder, err);
    }
    int64_t there = decoder->end - decoder->data;
    if (decoder->type == LT_PQ_BOOLEAN) {
        return decoder->left > there * 8 ? lt_pq_short(err) : LEAT_OK;
    }
    return decoder->left > there / decoder->width ? lt_pq_short(err) : LEAT_OK;
}

static int plain_fixed(struct lt_pq_decoder *decoder, void *out, int64_t n, struct leat_error *err)
{
    (void)err;
    size_t bytes = (size_t)n * (size_t)decoder->width;
    memcpy(out, decoder->data, bytes);
    decoder->data += bytes;
    return LEAT_OK;
}

static int rle_page(struct lt_pq_decoder *decoder, struct leat_error *err)
{
    uint32_t len;
    if (decoder->end - decoder->data < RLE_LENGTH_BYTES) {
        return lt_pq_short(err);
    }
    memcpy(&len, decoder->data, sizeof(len));
    decoder->data += RLE_LENGTH_BYTES;
    if (len > decoder->end - decoder->data) {
        return lt_pq_short(err);
    }
    lt_pq_hybrid_init(&decoder->hybrid, 1, decoder->data, len);
    return LEAT_OK;
}

static int delta_page(struct lt_pq_decoder *decoder, struct leat_error *err)
{
    return lt_pq_delta_init(&decoder->numbers, decoder->width * 8, decoder->data, decoder->end,
                            decoder->left, err);
}

static int delta_fixed(struct lt_pq_decoder *decoder, void *out, int64_t n, struct leat_error *err)
{
    return decoder->width == 4 ? lt_pq_delta_get32(&decoder->numbers, out, n, err)
                               : lt_pq_delta_get64(&decoder->numbers, out, n, err);
}

#define T(name) (1u << LT_PQ_##name)
#define T_ALL                                                                                      \
    (T(BOOLEAN) | T(INT32) | T(INT64) | T(INT96) | T(FLOAT) | T(DOUBLE) | T(BYTE_ARRAY) | T(FLBA))

static const struct row {
    unsigned types; /* that may have the encoding; 0: none, or not for values */
    int (*page)(struct lt_pq_decoder *decoder, struct leat_error *err);
    int (*fixed)(struct lt_pq_decoder *decoder, void *out, int64_t n, struct leat_error *err);
} rows[] = {
    [LT_PQ_ENC_PLAIN] = {T_ALL, plain_page, plain_fixed},
    [LT_PQ_ENC_RLE] = {T(BOOLEAN), rle_page, NULL},
    [LT_PQ_ENC_DELTA_BINARY_PACKED] = {T(INT32) | T(INT64), delta_page, delta_fixed},
    [LT_PQ_ENC_DELTA_LENGTH_BYTE_ARRAY] = {T(BYTE_ARRAY), lt_pq_bytes_page, NULL},
    [LT_PQ_ENC_DELTA_BYTE_ARRAY] = {T(BYTE_ARRAY) | T(FLBA), lt_pq_bytes_page,
                                    lt_pq_delta_bytes_fixed},
    [LT_PQ_ENC_BYTE_STREAM_SPLIT] = {T(INT32) | T(INT64) | T(FLOAT) | T(DOUBLE) | T(FLBA),
                                     lt_pq_split_page, lt_pq_split_fixed},
    [LT_PQ_ENC_ALP] = {T(FLOAT) | T(DOUBLE), lt_pq_alp_page, lt_pq_alp_fixed},
};

/* --- the decoder -------------------------------------------------------------------------------- */

int lt_pq_decoder_new(enum lt_pq_type type, int32_t type_length, struct lt_pq_decoder **ret_decoder,
                      struct leat_error *err)
{
    static const int32_t widths[] = {
        [LT_PQ_INT32] = 4, [LT_PQ_INT64] = 8,  [LT_PQ_INT96] = INT96_BYTES,
        [LT_PQ_FLOAT] = 4, [LT_PQ_DOUBLE] = 8, [LT_PQ_BYTE_ARRAY] = 0,
    };
    if (type == LT_PQ_FLBA && type_length < 1) {
        return lt_fail(err, LT_E_CORRUPT, "a column of fixed byte arrays says no length");
    }
    struct lt_pq_decoder *decoder = calloc(1, sizeof(*decoder));
    if (!decoder) {
        return lt_fail_oom(err);
    }
    decoder->type = type;
    decoder->width = type == LT_PQ_FLBA ? type_length : widths[type];
    *ret_decoder = decoder;
    return LEAT_OK;
}

void lt_pq_decoder_clear(struct lt_pq_decoder *decoder)
{
    lt_buf_done(&decoder->last);
    lt_pq_alp_done(&decoder->alp);
    decoder->left = decoder->given = 0;
}

void lt_pq_decoder_free(struct lt_pq_decoder *decoder)
{
    if (decoder) {
        lt_pq_decoder_clear(decoder);
        free(decoder);
    }
}

int lt_pq_decoder_page(struct lt_pq_decoder *decoder, enum lt_pq_encoding encoding,
                       const uint8_t *data, size_t len, int64_t n_values, struct leat_error *err)
{
    unsigned id = (unsigned)encoding;
    decoder->left = decoder->given = 0;
    if (id >= LT_ARRAY_LEN(rows) || !(rows[id].types & 1u << decoder->type)) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s values in the encoding %s (%u)",
                       lt_pq_type_name((int)decoder->type), lt_pq_encoding_name((int)encoding), id);
    }
    if (n_values < 1) { /* a page of nulls may have no values at all, not even a header of them */
        return n_values ? lt_fail(err, LT_E_CORRUPT, "a page of fewer than no values") : LEAT_OK;
    }
    decoder->encoding = encoding;
    decoder->data = data;
    decoder->end = data + len;
    decoder->left = n_values;
    int status = rows[id].page(decoder, err);
    decoder->left = status ? 0 : n_values;
    return status;
}

int lt_pq_decoder_fixed(struct lt_pq_decoder *decoder, void *out, int64_t n, struct leat_error *err)
{
    if (n > decoder->left) {
        return lt_pq_short(err);
    }
    int status = n < 1 ? LEAT_OK : rows[decoder->encoding].fixed(decoder, out, n, err);
    decoder->left -= n;
    decoder->given += n;
    return status;
}

static int rle_bools(struct lt_pq_hybrid *hybrid, uint8_t *out, int64_t n, struct leat_error *err)
{
    uint32_t values[BOOL_CHUNK];
    while (n > 0) {
        int64_t k = LT_MIN(n, BOOL_CHUNK);
        int status = lt_pq_hybrid_get(hybrid, values, k, err);
        if (status) {
            return status;
        }
        for (int64_t i = 0; i < k; i++) {
            out[i] = (uint8_t)values[i];
        }
        out += k;
        n -= k;
    }
    return LEAT_OK;
}

int lt_pq_decoder_bools(struct lt_pq_decoder *decoder, uint8_t *out, int64_t n,
                        struct leat_error *err)
{
    if (n > decoder->left) {
        return lt_pq_short(err);
    }
    int status = LEAT_OK;
    if (decoder->encoding == LT_PQ_ENC_RLE) {
        status = rle_bools(&decoder->hybrid, out, n, err);
    } else {
        lt_pq_unpack_bits(decoder->data, decoder->given, out, n);
    }
    decoder->left -= n;
    decoder->given += n;
    return status;
}
