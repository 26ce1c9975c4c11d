/* Byte arrays: PLAIN, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY (Encodings.md). Lengths come
 * first, many at a time, then room for all the bytes is made at once. */
#include "formats/parquet/decode.h"

#include "core/codes.h"
#include "core/util.h"

#include "core/banned.h"

#define CHUNK 1024
#define LENGTH_BYTES 4
/* Short values are copied so many bytes at a time, rounded up. */
#define STRIDE 16
#define SHORT_MAX (4 * STRIDE)

static int bad_length(struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "a value's length goes beyond its page");
}

static int too_many_bytes(struct leat_error *err)
{
    return lt_fail(err, LT_E_LIMIT, "more than 2 GiB of bytes in one batch of a column");
}

int lt_pq_bytes_page(struct lt_pq_decoder *decoder, struct leat_error *err)
{
    int status = LEAT_OK;
    const uint8_t *at = decoder->data;
    if (decoder->encoding == LT_PQ_ENC_PLAIN) {
        return decoder->left > (decoder->end - at) / LENGTH_BYTES ? lt_pq_short(err) : LEAT_OK;
    }
    if (decoder->encoding == LT_PQ_ENC_DELTA_BYTE_ARRAY) {
        lt_buf_clear(&decoder->last); /* each page begins anew */
        status = lt_pq_delta_init(&decoder->prefixes, 32, at, decoder->end, decoder->left, err);
        status = status ? status : lt_pq_delta_end(&decoder->prefixes, &at, err);
    }
    if (!status) {
        status = lt_pq_delta_init(&decoder->numbers, 32, at, decoder->end, decoder->left, err);
    }
    return status ? status : lt_pq_delta_end(&decoder->numbers, &decoder->data, err);
}

/* --- lengths ------------------------------------------------------------------------------------ */

static inline int64_t length_at(const uint8_t *p)
{
    uint32_t len;
    memcpy(&len, p, sizeof(len));
    return len;
}

/* Lengths of the next n plain values; *ret_end is behind them. Stops before `limit` would be
 * passed, but not before one value: *ret_n. */
static int plain_lengths(const uint8_t *at, const uint8_t *end, int32_t *lengths, int64_t n,
                         int64_t limit, int64_t *ret_n, int64_t *ret_total, struct leat_error *err)
{
    int64_t total = 0, i = 0;
    for (; i < n; i++) {
        if (end - at < LENGTH_BYTES) {
            return lt_pq_short(err);
        }
        int64_t len = length_at(at);
        at += LENGTH_BYTES;
        if (len > end - at) {
            return bad_length(err);
        }
        if (total + len > limit && i) {
            break;
        }
        at += len;
        total += len;
        if (lengths) {
            lengths[i] = (int32_t)len;
        }
    }
    *ret_n = i;
    *ret_total = total;
    return LEAT_OK;
}

/* As plain_lengths(), for lengths that are delta-packed. With prefixes a value's length is the sum
 * of both. */
static int delta_lengths(struct lt_pq_delta lengths, struct lt_pq_delta *prefixes, int64_t n,
                         int64_t limit, int64_t *ret_n, int64_t *ret_total, struct leat_error *err)
{
    int32_t chunk[CHUNK], prefix[CHUNK];
    int64_t total = 0;
    memset(prefix, 0, sizeof(prefix));
    for (int64_t done = 0; done < n;) {
        int64_t k = LT_MIN(n - done, CHUNK);
        int status = lt_pq_delta_get32(&lengths, chunk, k, err);
        status = status || !prefixes ? status : lt_pq_delta_get32(prefixes, prefix, k, err);
        if (status) {
            return status;
        }
        for (int64_t i = 0; i < k; i++, done++) {
            if (chunk[i] < 0 || prefix[i] < 0) {
                return bad_length(err);
            }
            int64_t len = (int64_t)chunk[i] + prefix[i];
            if (total + len > limit && done) {
                *ret_n = done;
                *ret_total = total;
                return LEAT_OK;
            }
            total += len;
        }
    }
    *ret_n = n;
    *ret_total = total;
    return LEAT_OK;
}

int lt_pq_decoder_measure(struct lt_pq_decoder *decoder, int64_t n, int64_t limit, int64_t *ret_n,
                          int64_t *ret_bytes, struct leat_error *err)
{
    if (n > decoder->left) {
        return lt_pq_short(err);
    }
    if (decoder->encoding == LT_PQ_ENC_PLAIN) {
        return plain_lengths(decoder->data, decoder->end, NULL, n, limit, ret_n, ret_bytes, err);
    }
    struct lt_pq_delta prefixes = decoder->prefixes;
    bool front = decoder->encoding == LT_PQ_ENC_DELTA_BYTE_ARRAY;
    return delta_lengths(decoder->numbers, front ? &prefixes : NULL, n, limit, ret_n, ret_bytes,
                         err);
}

/* --- values ------------------------------------------------------------------------------------- */

/* Room for `total` bytes and the stride of the last copy; NULL without memory, or past what a
 * batch can count. */
static uint8_t *room(struct lt_buf *bytes, size_t start, int64_t total, struct leat_error *err)
{
    if ((int64_t)(bytes->len - start) + total > INT32_MAX) {
        too_many_bytes(err);
        return NULL;
    }
    if (lt_buf_reserve(bytes, (size_t)total + STRIDE)) {
        lt_fail_oom(err);
        return NULL;
    }
    return bytes->data + bytes->len;
}

/* Copies `len` bytes, short ones in whole strides where as many lie before `end`; STRIDE bytes
 * behind them may be written. */
static inline void copy_short(uint8_t *to, const uint8_t *from, size_t len, const uint8_t *end)
{
    if (len > SHORT_MAX || end - from < SHORT_MAX) {
        memcpy(to, from, len);
        return;
    }
    memcpy(to, from, STRIDE);
    for (size_t at = STRIDE; at < len; at += STRIDE) {
        memcpy(to + at, from + at, STRIDE);
    }
}

static void wrote(struct lt_buf *bytes, uint8_t *to)
{
    bytes->len = (size_t)(to - bytes->data);
    bytes->data[bytes->len] = 0;
}

static int plain_bytes(struct lt_pq_decoder *decoder, struct lt_buf *bytes, int32_t *lengths,
                       int64_t n, struct leat_error *err)
{
    int64_t total, all;
    const uint8_t *at = decoder->data;
    int status = plain_lengths(at, decoder->end, lengths, n, INT64_MAX, &all, &total, err);
    if (status) {
        return status;
    }
    uint8_t *to = room(bytes, bytes->len, total, err);
    if (!to) {
        return LEAT_NO_MEMORY;
    }
    for (int64_t i = 0; i < n; i++) {
        at += LENGTH_BYTES;
        copy_short(to, at, (size_t)lengths[i], decoder->end);
        at += lengths[i];
        to += lengths[i];
    }
    decoder->data = at;
    wrote(bytes, to);
    return LEAT_OK;
}

static int delta_length_bytes(struct lt_pq_decoder *decoder, struct lt_buf *bytes, int32_t *lengths,
                              int64_t n, struct leat_error *err)
{
    int status = lt_pq_delta_get32(&decoder->numbers, lengths, n, err);
    if (status) {
        return status;
    }
    int64_t total = 0, bad = 0;
    for (int64_t i = 0; i < n; i++) {
        total += lengths[i];
        bad |= lengths[i];
    }
    if (bad < 0 || total > decoder->end - decoder->data) {
        return bad_length(err);
    }
    if (total > INT32_MAX) {
        return too_many_bytes(err);
    }
    if (lt_buf_append(bytes, decoder->data, (size_t)total)) {
        return lt_fail_oom(err);
    }
    decoder->data += total;
    return LEAT_OK;
}

/* Checks k values' lengths and sums them up; *len is the length of the value before them. */
static int check_fronts(const struct lt_pq_decoder *decoder, const int32_t *prefixes,
                        const int32_t *suffixes, int64_t k, int64_t len, int64_t *ret_total,
                        struct leat_error *err)
{
    int64_t total = 0, taken = 0, there = decoder->end - decoder->data;
    for (int64_t i = 0; i < k; i++) {
        if (prefixes[i] < 0 || suffixes[i] < 0 || prefixes[i] > len) {
            return bad_length(err);
        }
        len = (int64_t)prefixes[i] + suffixes[i];
        if (decoder->width && len != decoder->width) {
            return lt_fail(err, LT_E_CORRUPT, "a value of %lld bytes in a column of %d",
                           (long long)len, (int)decoder->width);
        }
        taken += suffixes[i];
        total += len;
    }
    *ret_total = total;
    return taken > there ? bad_length(err) : LEAT_OK;
}

/* Puts k values together behind *to; `before` is the value in front of them, `end` the end of the
 * room that its bytes lie in. */
static void join_fronts(struct lt_pq_decoder *decoder, const int32_t *prefixes, int32_t *lengths,
                        int64_t k, const uint8_t *before, const uint8_t *end, uint8_t **to)
{
    const uint8_t *room_end = end;
    for (int64_t i = 0; i < k; i++) {
        uint8_t *value = *to;
        copy_short(value, before, (size_t)prefixes[i], room_end);
        copy_short(value + prefixes[i], decoder->data, (size_t)lengths[i], decoder->end);
        decoder->data += lengths[i];
        lengths[i] += prefixes[i];
        *to += lengths[i];
        before = value;
        room_end = *to;
    }
}

/* The next n values in chunks, behind what `bytes` holds; the last of them is kept. */
static int delta_bytes(struct lt_pq_decoder *decoder, struct lt_buf *bytes, int32_t *lengths,
                       int64_t n, struct leat_error *err)
{
    int32_t prefixes[CHUNK];
    size_t start = bytes->len;
    for (int64_t done = 0; done < n;) {
        int64_t k = LT_MIN(n - done, CHUNK), total = 0;
        int32_t *chunk = lengths + done;
        int status = lt_pq_delta_get32(&decoder->prefixes, prefixes, k, err);
        status = status ? status : lt_pq_delta_get32(&decoder->numbers, chunk, k, err);
        size_t before_len = done ? (size_t)chunk[-1] : decoder->last.len;
        if (!status) {
            status = check_fronts(decoder, prefixes, chunk, k, (int64_t)before_len, &total, err);
        }
        if (status) {
            return status;
        }
        uint8_t *to = room(bytes, start, total, err);
        if (!to) {
            return LEAT_NO_MEMORY;
        }
        const uint8_t *before =
            done ? to - before_len : (const uint8_t *)lt_buf_text(&decoder->last);
        join_fronts(decoder, prefixes, chunk, k, before, before + before_len, &to);
        wrote(bytes, to);
        done += k;
    }
    if (!n) {
        return LEAT_OK;
    }
    lt_buf_clear(&decoder->last);
    if (lt_buf_append(&decoder->last, bytes->data + bytes->len - lengths[n - 1],
                      (size_t)lengths[n - 1])) {
        return lt_fail_oom(err);
    }
    return LEAT_OK;
}

int lt_pq_decoder_bytes(struct lt_pq_decoder *decoder, struct lt_buf *bytes, int32_t *lengths,
                        int64_t n, struct leat_error *err)
{
    if (n > decoder->left) {
        return lt_pq_short(err);
    }
    int status;
    if (decoder->encoding == LT_PQ_ENC_PLAIN) {
        status = plain_bytes(decoder, bytes, lengths, n, err);
    } else if (decoder->encoding == LT_PQ_ENC_DELTA_LENGTH_BYTE_ARRAY) {
        status = delta_length_bytes(decoder, bytes, lengths, n, err);
    } else {
        status = delta_bytes(decoder, bytes, lengths, n, err);
    }
    decoder->left -= status ? 0 : n;
    return status;
}

int lt_pq_delta_bytes_fixed(struct lt_pq_decoder *decoder, void *out, int64_t n,
                            struct leat_error *err)
{
    int32_t lengths[CHUNK];
    struct lt_buf bytes = LT_BUF_INIT;
    int status = LEAT_OK;
    for (int64_t done = 0; done < n && !status;) {
        int64_t k = LT_MIN(n - done, CHUNK);
        lt_buf_clear(&bytes);
        status = delta_bytes(decoder, &bytes, lengths, k, err);
        if (!status) {
            memcpy((uint8_t *)out + done * decoder->width, bytes.data,
                   (size_t)k * (size_t)decoder->width);
        }
        done += k;
    }
    lt_buf_done(&bytes);
    return status;
}
