/* ALP, adaptive lossless floating point (AlpEncoding.md). A page is vectors of up to 32,768 values;
 * each is decoded whole, and kept while only part of it was asked for.
 *
 * A value is number * 10^factor * 10^-exponent in the value's own precision: two multiplications,
 * never one, with constants that are correctly rounded. Only so does every reader give the bits
 * that were written. */
#include "formats/parquet/decode.h"

#include "core/codes.h"
#include "core/util.h"
#include "formats/parquet/unpack.h"

#include "core/banned.h"

#define HEADER_BYTES 7
#define OFFSET_BYTES 4
#define LOG_VECTOR_MIN 3
#define LOG_VECTOR_MAX 15
#define EXPONENT_MAX_FLOAT 10
#define EXPONENT_MAX_DOUBLE 18
/* Exponent, factor, number of exceptions; then the frame of reference and a bit width. */
#define ALP_INFO_BYTES 4

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
static const double fractions[] = {1e-0,  1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,
                                   1e-7,  1e-8,  1e-9,  1e-10, 1e-11, 1e-12, 1e-13,
                                   1e-14, 1e-15, 1e-16, 1e-17, 1e-18};
static const float powers_float[] = {1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f,
                                     1e6f, 1e7f, 1e8f, 1e9f, 1e10f};
static const float fractions_float[] = {1e-0f, 1e-1f, 1e-2f, 1e-3f, 1e-4f, 1e-5f,
                                        1e-6f, 1e-7f, 1e-8f, 1e-9f, 1e-10f};

struct vector {
    int64_t n; /* values */
    int exponent, factor, width;
    int64_t n_exceptions;
    uint64_t reference;
    const uint8_t *packed, *packed_end;
    const uint8_t *positions, *exceptions;
};

void lt_pq_alp_done(struct lt_pq_alp *alp)
{
    lt_buf_done(&alp->values);
    lt_buf_done(&alp->packed);
}

static int broken(const char *what, struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "a page in ALP has %s", what);
}

static int64_t n_vectors(const struct lt_pq_alp *alp)
{
    return (alp->total + alp->vector_values - 1) / alp->vector_values;
}

int lt_pq_alp_page(struct lt_pq_decoder *decoder, struct leat_error *err)
{
    struct lt_pq_alp *alp = &decoder->alp;
    const uint8_t *header = decoder->data;
    int32_t total;
    if (decoder->end - header < HEADER_BYTES) {
        return lt_pq_short(err);
    }
    if (header[0] || header[1]) {
        return lt_fail(err, LT_E_UNSUPPORTED, "ALP in mode %d with integers in mode %d", header[0],
                       header[1]);
    }
    if (header[2] < LOG_VECTOR_MIN || header[2] > LOG_VECTOR_MAX) {
        return broken("vectors of a size that is not allowed", err);
    }
    memcpy(&total, header + 3, sizeof(total));
    if (total < decoder->left) {
        return lt_pq_short(err);
    }
    alp->vectors = header + HEADER_BYTES;
    alp->vector_values = (int64_t)1 << header[2];
    alp->total = total;
    alp->vector = -1;
    return n_vectors(alp) * OFFSET_BYTES > decoder->end - alp->vectors ? lt_pq_short(err) : LEAT_OK;
}

/* Takes a vector's head and parts apart; every part lies within the page. */
static int open_vector(const struct lt_pq_decoder *decoder, int64_t index, struct vector *v,
                       struct leat_error *err)
{
    const struct lt_pq_alp *alp = &decoder->alp;
    uint32_t offset;
    uint16_t n_exceptions;
    int64_t there = decoder->end - alp->vectors, head = ALP_INFO_BYTES + decoder->width + 1;
    memcpy(&offset, alp->vectors + index * OFFSET_BYTES, sizeof(offset));
    if (offset < n_vectors(alp) * OFFSET_BYTES || offset > there || there - offset < head) {
        return broken("a vector beyond its end", err);
    }
    const uint8_t *at = alp->vectors + offset;
    memset(v, 0, sizeof(*v));
    v->n = LT_MIN(alp->vector_values, alp->total - index * alp->vector_values);
    v->exponent = at[0];
    v->factor = at[1];
    memcpy(&n_exceptions, at + 2, sizeof(n_exceptions));
    v->n_exceptions = n_exceptions;
    memcpy(&v->reference, at + ALP_INFO_BYTES, (size_t)decoder->width);
    v->width = at[head - 1];
    int exponent_max = decoder->width == 4 ? EXPONENT_MAX_FLOAT : EXPONENT_MAX_DOUBLE;
    if (v->exponent > exponent_max || v->factor > v->exponent || v->width > decoder->width * 8 ||
        v->n_exceptions > v->n) {
        return broken("a vector whose head breaks the rules", err);
    }
    int64_t packed_bytes = (v->n * v->width + 7) / 8;
    int64_t position_bytes = v->n_exceptions * (int64_t)sizeof(uint16_t);
    if (packed_bytes + position_bytes + v->n_exceptions * decoder->width > there - offset - head) {
        return lt_pq_short(err);
    }
    v->packed = at + head;
    v->packed_end = v->packed + packed_bytes;
    v->positions = v->packed_end;
    v->exceptions = v->positions + position_bytes;
    return LEAT_OK;
}

static void decode_floats(const struct vector *v, uint32_t *packed, float *out)
{
    float power = powers_float[v->factor], fraction = fractions_float[v->exponent];
    uint32_t reference = (uint32_t)v->reference;
    lt_pq_unpack32(v->packed, v->packed_end, v->width, 0, packed, v->n);
    for (int64_t i = 0; i < v->n; i++) {
        out[i] = (float)(int32_t)(packed[i] + reference) * power * fraction;
    }
}

static void decode_doubles(const struct vector *v, uint64_t *packed, double *out)
{
    double power = powers[v->factor], fraction = fractions[v->exponent];
    lt_pq_unpack64(v->packed, v->packed_end, v->width, 0, packed, v->n);
    for (int64_t i = 0; i < v->n; i++) {
        out[i] = (double)(int64_t)(packed[i] + v->reference) * power * fraction;
    }
}

/* Exceptions are put back as the bits they are. */
static int patch(const struct vector *v, int32_t width, uint8_t *out, struct leat_error *err)
{
    for (int64_t i = 0; i < v->n_exceptions; i++) {
        uint16_t position;
        memcpy(&position, v->positions + i * (int64_t)sizeof(position), sizeof(position));
        if (position >= v->n) {
            return broken("an exception beyond its vector", err);
        }
        memcpy(out + position * (int64_t)width, v->exceptions + i * width, (size_t)width);
    }
    return LEAT_OK;
}

static int decode_vector(struct lt_pq_decoder *decoder, int64_t index, struct leat_error *err)
{
    struct lt_pq_alp *alp = &decoder->alp;
    struct vector v;
    alp->vector = -1;
    int status = open_vector(decoder, index, &v, err);
    if (status) {
        return status;
    }
    size_t bytes = (size_t)v.n * (size_t)decoder->width;
    lt_buf_clear(&alp->values);
    if (lt_buf_reserve(&alp->values, bytes) || lt_buf_reserve(&alp->packed, bytes)) {
        return lt_fail_oom(err);
    }
    if (decoder->width == 4) {
        decode_floats(&v, (uint32_t *)(void *)alp->packed.data, (float *)(void *)alp->values.data);
    } else {
        decode_doubles(&v, (uint64_t *)(void *)alp->packed.data,
                       (double *)(void *)alp->values.data);
    }
    status = patch(&v, decoder->width, alp->values.data, err);
    alp->vector = status ? -1 : index;
    return status;
}

int lt_pq_alp_fixed(struct lt_pq_decoder *decoder, void *out, int64_t n, struct leat_error *err)
{
    struct lt_pq_alp *alp = &decoder->alp;
    uint8_t *to = out;
    for (int64_t at = decoder->given, end = at + n; at < end;) {
        int64_t index = at / alp->vector_values, within = at % alp->vector_values;
        int64_t k = LT_MIN(end - at, alp->vector_values - within);
        int status = alp->vector == index ? LEAT_OK : decode_vector(decoder, index, err);
        if (status) {
            return status;
        }
        memcpy(to, alp->values.data + within * decoder->width, (size_t)(k * decoder->width));
        to += k * decoder->width;
        at += k;
    }
    return LEAT_OK;
}
