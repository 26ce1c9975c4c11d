#include "formats/parquet/values.h"

#include "columnar/bits.h"
#include "core/codes.h"
#include "core/util.h"

#include "core/banned.h"

static size_t bits_size(int64_t bits)
{
    return (size_t)(bits + 7) / 8;
}

/* --- spreading ------------------------------------------------------------------------------ */

/* Packs flags of 0 and 1 behind `at` bits; whole bytes at a time once aligned. */
static void put_bits(uint8_t *bits, int64_t at, const uint8_t *flags, int64_t n)
{
    int64_t i = 0;
    for (; i < n && (at + i) & 7; i++) {
        bits[(at + i) >> 3] |= (uint8_t)(flags[i] << ((at + i) & 7));
    }
    for (; n - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, flags + i, 8);
        /* Gathers the lowest bit of each byte into the top byte. */
        bits[(at + i) >> 3] = (uint8_t)((word * UINT64_C(0x0102040810204080)) >> 56);
    }
    for (; i < n; i++) {
        bits[(at + i) >> 3] |= (uint8_t)(flags[i] << ((at + i) & 7));
    }
}

/* Sets n bits behind `at`. */
static void put_ones(uint8_t *bits, int64_t at, int64_t n)
{
    int64_t end = at + n;
    for (; at < end && at & 7; at++) {
        lt_bit_set(bits, at);
    }
    if (end - at >= 8) {
        memset(bits + (at >> 3), 0xff, (size_t)(end - at) / 8);
        at += (end - at) & ~INT64_C(7);
    }
    for (; at < end; at++) {
        lt_bit_set(bits, at);
    }
}

/* Room for `slots` more bits, zeroed. */
static int grow_bits(struct lt_buf *bits, int64_t length, int64_t slots)
{
    size_t more = bits_size(length + slots) - bits->len;
    if (lt_buf_reserve(bits, more)) {
        return LEAT_NO_MEMORY;
    }
    memset(bits->data + bits->len, 0, more);
    bits->len += more;
    return LEAT_OK;
}

/* Moves n values at the front of `slots` places apart, to where valid[] has them, from the back. */
#define SPREAD(type)                                                                               \
    do {                                                                                           \
        for (int64_t i = slots - 1, v = n - 1; i > v; i--) {                                       \
            type value = {0};                                                                      \
            if (valid[i]) {                                                                        \
                memcpy(&value, data + v-- * (int64_t)sizeof value, sizeof value);                  \
            }                                                                                      \
            memcpy(data + i * (int64_t)sizeof value, &value, sizeof value);                        \
        }                                                                                          \
    } while (0)

static void spread_fixed(uint8_t *data, int32_t width, const uint8_t *valid, int64_t slots,
                         int64_t n)
{
    switch (width) {
    case 1:
        SPREAD(uint8_t);
        break;
    case 2:
        SPREAD(uint16_t);
        break;
    case 4:
        SPREAD(uint32_t);
        break;
    case 8:
        SPREAD(uint64_t);
        break;
    case 16:
        SPREAD(struct { uint64_t words[2]; });
        break;
    default:
        for (int64_t i = slots - 1, v = n - 1; i > v; i--) {
            if (valid[i]) {
                memcpy(data + i * width, data + v-- * width, (size_t)width);
            } else {
                memset(data + i * width, 0, (size_t)width);
            }
        }
    }
}

static int put_offsets(struct lt_pq_values *values, int32_t width, const uint8_t *valid,
                       int64_t slots, const int32_t *lengths)
{
    struct lt_buf *offsets = &values->offsets;
    size_t size = (size_t)width;
    if (lt_buf_reserve(offsets, (size_t)(slots + 1) * size)) {
        return LEAT_NO_MEMORY;
    }
    if (!offsets->len) {
        memset(offsets->data, 0, size);
        offsets->len = size;
    }
    if (width == 4) {
        int32_t *out = (int32_t *)(void *)(offsets->data + offsets->len), end = out[-1];
        for (int64_t i = 0; i < slots; i++) {
            end += !valid || valid[i] ? *lengths++ : 0;
            out[i] = end;
        }
    } else {
        int64_t *out = (int64_t *)(void *)(offsets->data + offsets->len), end = out[-1];
        for (int64_t i = 0; i < slots; i++) {
            end += !valid || valid[i] ? *lengths++ : 0;
            out[i] = end;
        }
    }
    offsets->len += (size_t)slots * size;
    return LEAT_OK;
}

static int put_bools(struct lt_pq_values *values, const uint8_t *valid, int64_t slots,
                     const uint8_t *bools)
{
    if (grow_bits(&values->data, values->length, slots)) {
        return LEAT_NO_MEMORY;
    }
    if (!valid) {
        put_bits(values->data.data, values->length, bools, slots);
        return LEAT_OK;
    }
    for (int64_t i = 0; i < slots; i++) {
        if (valid[i] && *bools++) {
            lt_bit_set(values->data.data, values->length + i);
        }
    }
    return LEAT_OK;
}

/* In FIXED the values lie at the end of data. */
static int put_fixed(struct lt_pq_values *values, int32_t width, const uint8_t *valid,
                     int64_t slots, int64_t n)
{
    size_t more = (size_t)(slots - n) * (size_t)width;
    if (lt_buf_reserve(&values->data, more)) {
        return LEAT_NO_MEMORY;
    }
    if (n < slots) {
        uint8_t *first = values->data.data + values->data.len - (size_t)n * (size_t)width;
        spread_fixed(first, width, valid, slots, n);
        values->data.len += more;
    }
    return LEAT_OK;
}

int lt_pq_values_spread(struct lt_pq_values *values, const struct lt_pq_convert *convert,
                        const uint8_t *valid, int64_t slots, int64_t n, bool nullable,
                        const uint8_t *bools, const int32_t *lengths, struct leat_error *err)
{
    int status = LEAT_OK;
    valid = n < slots ? valid : NULL;
    if (nullable && convert->layout != LT_PQ_NO_VALUES) {
        status = grow_bits(&values->validity, values->length, slots);
        if (!status && valid) {
            put_bits(values->validity.data, values->length, valid, slots);
        } else if (!status) {
            put_ones(values->validity.data, values->length, slots);
        }
    }
    if (!status && convert->layout == LT_PQ_FIXED) {
        status = put_fixed(values, convert->width, valid, slots, n);
    } else if (!status && convert->layout == LT_PQ_BYTES) {
        status = put_offsets(values, convert->width, valid, slots, lengths);
    } else if (!status && convert->layout == LT_PQ_BITS) {
        status = put_bools(values, valid, slots, bools);
    }
    if (status) {
        return lt_fail_oom(err);
    }
    values->length += slots;
    values->null_count += slots - n;
    return LEAT_OK;
}

/* --- text ------------------------------------------------------------------------------------ */

bool lt_pq_values_text_is_valid(const struct lt_pq_values *values, const int32_t *lengths,
                                int64_t n, size_t bytes)
{
    if (!bytes) {
        return true;
    }
    const uint8_t *text = values->data.data + values->data.len - bytes;
    bool fine = lt_utf8_valid_prefix(text, bytes) == bytes;
    size_t at = 0;
    /* All together are valid: then each is, if none begins within a character. */
    for (int64_t i = 0; i < n && fine; i++) {
        fine = at == bytes || (text[at] & 0xc0) != 0x80;
        at += (size_t)lengths[i];
    }
    return fine;
}

/* --- dictionaries ---------------------------------------------------------------------------- */

#define GATHER(type)                                                                               \
    do {                                                                                           \
        for (int64_t i = 0; i < n; i++) {                                                          \
            memcpy(to + i * (int64_t)sizeof(type), from + indices[i] * sizeof(type),               \
                   sizeof(type));                                                                  \
        }                                                                                          \
    } while (0)

static int gather_fixed(struct lt_pq_values *values, int32_t width, const uint8_t *from,
                        const uint32_t *indices, int64_t n)
{
    size_t more = (size_t)n * (size_t)width;
    if (lt_buf_reserve(&values->data, more)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *to = values->data.data + values->data.len;
    switch (width) {
    case 1:
        GATHER(uint8_t);
        break;
    case 2:
        GATHER(uint16_t);
        break;
    case 4:
        GATHER(uint32_t);
        break;
    case 8:
        GATHER(uint64_t);
        break;
    case 16:
        GATHER(struct { uint64_t words[2]; });
        break;
    default:
        for (int64_t i = 0; i < n; i++) {
            memcpy(to + i * width, from + (size_t)indices[i] * (size_t)width, (size_t)width);
        }
    }
    values->data.len += more;
    return LEAT_OK;
}

/* Dictionaries have offsets of the column's width. */
static int64_t offset_at(const struct lt_buf *offsets, int32_t width, int64_t i)
{
    int64_t wide = 0;
    int32_t narrow = 0;
    if (!offsets->len) {
        return 0;
    }
    if (width == 8) {
        memcpy(&wide, offsets->data + i * 8, 8);
        return wide;
    }
    memcpy(&narrow, offsets->data + i * 4, 4);
    return narrow;
}

static int gather_bytes(struct lt_pq_values *values, int32_t width,
                        const struct lt_pq_values *dictionary, const uint32_t *indices, int64_t n,
                        int32_t *lengths)
{
    int64_t more = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = offset_at(&dictionary->offsets, width, indices[i]);
        lengths[i] = (int32_t)(offset_at(&dictionary->offsets, width, indices[i] + 1) - at);
        more += lengths[i];
    }
    if (lt_buf_reserve(&values->data, (size_t)more)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *to = values->data.data + values->data.len;
    /* Of empty texts only there is no data at all. */
    const uint8_t *from = dictionary->data.data ? dictionary->data.data : to;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = offset_at(&dictionary->offsets, width, indices[i]);
        memcpy(to, from + at, (size_t)lengths[i]);
        to += lengths[i];
    }
    values->data.len += (size_t)more;
    return LEAT_OK;
}

int lt_pq_values_gather(struct lt_pq_values *values, const struct lt_pq_convert *convert,
                        const struct lt_pq_values *dictionary, const uint32_t *indices, int64_t n,
                        int32_t *lengths, struct leat_error *err)
{
    int status = convert->layout == LT_PQ_BYTES
                     ? gather_bytes(values, convert->width, dictionary, indices, n, lengths)
                     : gather_fixed(values, convert->width, dictionary->data.data, indices, n);
    return status ? lt_fail_oom(err) : LEAT_OK;
}

/* --- taking ------------------------------------------------------------------------------------ */

int64_t lt_pq_values_bytes(const struct lt_pq_values *values, const struct lt_pq_convert *convert,
                           int64_t first, int64_t n)
{
    int64_t bits = values->validity.len ? n / 8 : 0;
    switch (convert->layout) {
    case LT_PQ_FIXED:
        return bits + n * convert->width;
    case LT_PQ_BYTES:
        return bits + n * convert->width + offset_at(&values->offsets, convert->width, first + n) -
               offset_at(&values->offsets, convert->width, first);
    case LT_PQ_BITS:
        return bits + n / 8;
    default:
        return 0;
    }
}

void lt_pq_values_clear(struct lt_pq_values *values)
{
    lt_buf_clear(&values->validity);
    lt_buf_clear(&values->data);
    lt_buf_clear(&values->offsets);
    values->length = values->null_count = 0;
}

void lt_pq_values_done(struct lt_pq_values *values)
{
    lt_buf_done(&values->validity);
    lt_buf_done(&values->data);
    lt_buf_done(&values->offsets);
    values->length = values->null_count = 0;
}

static int copy_bits(const struct lt_buf *from, int64_t first, int64_t n, struct lt_buf *to)
{
    if (grow_bits(to, 0, n)) {
        return LEAT_NO_MEMORY;
    }
    lt_bits_copy(from->data, first, to->data, 0, n);
    return LEAT_OK;
}

static int copy_bytes(const struct lt_pq_values *from, int32_t width, int64_t first, int64_t n,
                      struct lt_pq_values *to)
{
    int64_t start = offset_at(&from->offsets, width, first);
    int64_t end = offset_at(&from->offsets, width, first + n);
    const uint8_t *bytes = end > start ? from->data.data + start : NULL;
    if (lt_buf_append(&to->data, bytes, (size_t)(end - start)) ||
        lt_buf_append(&to->offsets, from->offsets.data + first * width,
                      (size_t)(n + 1) * (size_t)width)) {
        return LEAT_NO_MEMORY;
    }
    for (int64_t i = 0; i <= n && start; i++) {
        if (width == 4) {
            ((int32_t *)(void *)to->offsets.data)[i] -= (int32_t)start;
        } else {
            ((int64_t *)(void *)to->offsets.data)[i] -= start;
        }
    }
    return LEAT_OK;
}

/* Slots [first, first + n), n > 0 and fewer than all, as values of their own. */
static int copy_part(const struct lt_pq_values *from, const struct lt_pq_convert *convert,
                     int64_t first, int64_t n, struct lt_pq_values *to)
{
    size_t width = (size_t)convert->width;
    to->length = n;
    if (convert->layout == LT_PQ_NO_VALUES) {
        return LEAT_OK;
    }
    if (from->validity.len) {
        to->null_count = n - lt_bits_count(from->validity.data, first, n);
        if (to->null_count && copy_bits(&from->validity, first, n, &to->validity)) {
            return LEAT_NO_MEMORY;
        }
    }
    switch (convert->layout) {
    case LT_PQ_FIXED:
        return lt_buf_append(&to->data, from->data.data + (size_t)first * width, (size_t)n * width);
    case LT_PQ_BITS:
        return copy_bits(&from->data, first, n, &to->data);
    default:
        return copy_bytes(from, convert->width, first, n, to);
    }
}

static void *hand_over(struct lt_buf *buf)
{
    void *data = buf->data;
    *buf = (struct lt_buf)LT_BUF_INIT;
    return data;
}

/* Moves all buffers into an array. */
static int move_out(struct lt_pq_values *values, const struct lt_pq_convert *convert,
                    struct ArrowArray *ret_array, struct leat_error *err)
{
    static const int64_t n_buffers[] = {
        [LT_PQ_NO_VALUES] = 0, [LT_PQ_BITS] = 2, [LT_PQ_FIXED] = 2, [LT_PQ_BYTES] = 3};
    struct lt_buf *offsets = &values->offsets;
    /* No buffer is NULL, even of no values. */
    if ((convert->layout != LT_PQ_NO_VALUES && lt_buf_reserve(&values->data, 0)) ||
        (convert->layout == LT_PQ_BYTES && !offsets->len &&
         lt_buf_append(offsets, &(int64_t){0}, (size_t)convert->width))) {
        return lt_fail_oom(err);
    }
    int status = lt_array_init(ret_array, n_buffers[convert->layout], 0, err);
    if (status) {
        return status;
    }
    ret_array->length = values->length;
    ret_array->null_count =
        convert->layout == LT_PQ_NO_VALUES ? values->length : values->null_count;
    if (convert->layout != LT_PQ_NO_VALUES && values->null_count) {
        ret_array->buffers[0] = hand_over(&values->validity);
    }
    if (convert->layout == LT_PQ_BYTES) {
        ret_array->buffers[1] = hand_over(offsets);
        ret_array->buffers[2] = hand_over(&values->data);
    } else if (convert->layout != LT_PQ_NO_VALUES) {
        ret_array->buffers[1] = hand_over(&values->data);
    }
    lt_pq_values_clear(values);
    return LEAT_OK;
}

int lt_pq_values_take(struct lt_pq_values *values, const struct lt_pq_convert *convert,
                      int64_t first, int64_t n, struct ArrowArray *ret_array,
                      struct leat_error *err)
{
    struct lt_pq_values part = {.length = 0};
    if (!first && n == values->length) {
        return move_out(values, convert, ret_array, err);
    }
    int status = n && copy_part(values, convert, first, n, &part) ? lt_fail_oom(err) : LEAT_OK;
    status = status ? status : move_out(&part, convert, ret_array, err);
    lt_pq_values_done(&part);
    return status;
}
