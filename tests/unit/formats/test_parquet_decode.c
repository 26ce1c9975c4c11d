/* Decoders of Parquet's encodings: the specification's own examples, every width, and pages that
 * are cut, lie or are noise. Pages lie in blocks of their own size, so that the sanitizers see a
 * byte read too many. */
#include "formats/parquet/encoding.h"

#include "core/util.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FLBA_WIDTH 5

static uint64_t seed = 0x2545f4914f6cdd1du;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint8_t *exactly(const void *data, size_t len)
{
    uint8_t *copy = malloc(len + !len);
    memcpy(copy, data, len);
    return copy;
}

/* --- a page of one encoding, decoded in steps ---------------------------------------------------- */

struct page {
    enum lt_pq_type type;
    enum lt_pq_encoding encoding;
    const void *data;
    size_t len;
    int64_t n;
};

static size_t width_of(enum lt_pq_type type)
{
    static const size_t widths[] = {
        [LT_PQ_BOOLEAN] = 1, [LT_PQ_INT32] = 4,  [LT_PQ_INT64] = 8,      [LT_PQ_INT96] = 12,
        [LT_PQ_FLOAT] = 4,   [LT_PQ_DOUBLE] = 8, [LT_PQ_BYTE_ARRAY] = 0, [LT_PQ_FLBA] = FLBA_WIDTH};
    return widths[type];
}

/* Byte arrays come with a '|' behind each value. */
static int get_bytes(struct lt_pq_decoder *decoder, struct lt_buf *out, int64_t n,
                     struct leat_error *err)
{
    struct lt_buf bytes = LT_BUF_INIT;
    int32_t *lengths = calloc((size_t)n + 1, sizeof(*lengths));
    int64_t measured_n = -1, measured = -1, total = 0;
    int status = lt_pq_decoder_measure(decoder, n, INT64_MAX, &measured_n, &measured, err);
    status = status ? status : lt_pq_decoder_bytes(decoder, &bytes, lengths, n, err);
    if (!status) {
        assert_int_equal(measured_n, n);
        for (int64_t i = 0; i < n; i++) {
            assert_int_equal(lt_buf_append(out, bytes.data + total, (size_t)lengths[i]), 0);
            assert_int_equal(lt_buf_byte(out, '|'), 0);
            total += lengths[i];
        }
        assert_int_equal(total, bytes.len);
        assert_int_equal(total, measured);
    }
    free(lengths);
    lt_buf_done(&bytes);
    return status;
}

static int get(struct lt_pq_decoder *decoder, enum lt_pq_type type, struct lt_buf *out, int64_t n,
               struct leat_error *err)
{
    if (type == LT_PQ_BYTE_ARRAY) {
        return get_bytes(decoder, out, n, err);
    }
    size_t bytes = (size_t)n * width_of(type);
    uint8_t *values = malloc(bytes + !bytes);
    int status = type == LT_PQ_BOOLEAN ? lt_pq_decoder_bools(decoder, values, n, err)
                                       : lt_pq_decoder_fixed(decoder, values, n, err);
    if (!status) {
        assert_int_equal(lt_buf_append(out, values, bytes), 0);
    }
    free(values);
    return status;
}

/* Decodes all values, `step` at a time; a value more is refused. */
static int decode(const struct page *page, int64_t step, struct lt_buf *out, struct leat_error *err)
{
    struct lt_pq_decoder *decoder = NULL;
    uint8_t *data = exactly(page->data, page->len);
    assert_int_equal(lt_pq_decoder_new(page->type, FLBA_WIDTH, &decoder, err), LEAT_OK);
    int status = lt_pq_decoder_page(decoder, page->encoding, data, page->len, page->n, err);
    for (int64_t at = 0; at < page->n && !status; at += step) {
        status = get(decoder, page->type, out, LT_MIN(step, page->n - at), err);
    }
    if (!status) {
        struct lt_buf more = LT_BUF_INIT;
        assert_int_equal(get(decoder, page->type, &more, 1, err), LEAT_BAD_DATA);
        lt_buf_done(&more);
    }
    lt_pq_decoder_free(decoder);
    free(data);
    return status;
}

/* All values at once and in steps; then every shorter page: it may lack padding, but never gives
 * other values. */
static void check_page(const struct page *page, const void *want, size_t want_len)
{
    static const int64_t steps[] = {1, 3, 8, 100, INT32_MAX};
    struct leat_error err = {0};
    for (size_t i = 0; i < LT_ARRAY_LEN(steps); i++) {
        struct lt_buf out = LT_BUF_INIT;
        int status = decode(page, steps[i], &out, &err);
        if (status) {
            fail_msg("%s", err.message);
        }
        assert_int_equal(out.len, want_len);
        assert_memory_equal(out.data ? out.data : (const void *)"", want, want_len);
        lt_buf_done(&out);
    }
    for (size_t len = 0; len < page->len && len < 2000; len++) {
        struct page cut = *page;
        struct lt_buf out = LT_BUF_INIT;
        cut.len = len;
        int status = decode(&cut, 7, &out, &err);
        if (!status) {
            assert_int_equal(out.len, want_len);
            assert_memory_equal(out.data, want, want_len);
        } else {
            assert_int_equal(status, LEAT_BAD_DATA);
            assert_string_equal(err.code, "corrupt-file");
        }
        lt_buf_done(&out);
    }
}

#define CHECK(type, encoding, n, bytes, want)                                                      \
    check_page(&(struct page){LT_PQ_##type, LT_PQ_ENC_##encoding, bytes, sizeof(bytes) - 1, n},    \
               want, sizeof(want))
/* For wanted texts, whose final NUL is not meant. */
#define CHECK_TEXT(type, encoding, n, bytes, want)                                                 \
    check_page(&(struct page){LT_PQ_##type, LT_PQ_ENC_##encoding, bytes, sizeof(bytes) - 1, n},    \
               want, sizeof(want) - 1)

static int status_of(enum lt_pq_type type, enum lt_pq_encoding encoding, const void *data,
                     size_t len, int64_t n, struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    int status = decode(&(struct page){type, encoding, data, len, n}, 10, &out, err);
    lt_buf_done(&out);
    return status;
}

/* --- writers, slow and plain -------------------------------------------------------------------- */

struct bits {
    struct lt_buf *out;
    int used; /* bits of the last byte */
};

static void put_bits(struct bits *bits, uint64_t value, int width)
{
    for (int i = 0; i < width; i++) {
        if (bits->used == 0) {
            assert_int_equal(lt_buf_byte(bits->out, 0), 0);
        }
        bits->out->data[bits->out->len - 1] |= (uint8_t)((value >> i & 1) << bits->used);
        bits->used = (bits->used + 1) % 8;
    }
}

static void put_varint(struct lt_buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        assert_int_equal(lt_buf_byte(out, (uint8_t)(value | 0x80)), 0);
    }
    assert_int_equal(lt_buf_byte(out, (uint8_t)value), 0);
}

static uint64_t zigzag(uint64_t x)
{
    return x << 1 ^ (x >> 63 ? UINT64_MAX : 0);
}

static int bit_length(uint64_t x)
{
    int n = 0;
    for (; x; x >>= 1) {
        n++;
    }
    return n;
}

/* Delta packing with blocks of any shape; widths of miniblocks without values are noise. */
static void put_delta(struct lt_buf *out, const int64_t *values, int64_t n, int64_t block,
                      int64_t miniblocks, bool is_32)
{
    int64_t part = block / miniblocks;
    put_varint(out, (uint64_t)block);
    put_varint(out, (uint64_t)miniblocks);
    put_varint(out, (uint64_t)n);
    put_varint(out, zigzag(n ? (uint64_t)values[0] : 0));
    for (int64_t at = 1; at < n; at += block) {
        uint64_t deltas[4096] = {0}, least = 0;
        int64_t k = LT_MIN(block, n - at);
        for (int64_t i = 0; i < k; i++) {
            uint64_t d = (uint64_t)values[at + i] - (uint64_t)values[at + i - 1];
            deltas[i] = is_32 ? (uint64_t)(int64_t)(int32_t)(uint32_t)d : d;
            least = !i || (int64_t)deltas[i] < (int64_t)least ? deltas[i] : least;
        }
        put_varint(out, zigzag(least));
        for (int64_t m = 0; m < miniblocks; m++) {
            int width = 0;
            for (int64_t i = m * part; i < LT_MIN(k, (m + 1) * part); i++) {
                uint64_t d = deltas[i] - least;
                width = LT_MAX(width, bit_length(is_32 ? (uint32_t)d : d));
            }
            uint8_t byte = m * part < k ? (uint8_t)width : 0xee;
            assert_int_equal(lt_buf_byte(out, byte), 0);
        }
        size_t widths = out->len - (size_t)miniblocks;
        for (int64_t m = 0; m * part < k; m++) {
            struct bits bits = {out, 0};
            int width = out->data[widths + (size_t)m];
            for (int64_t i = m * part; i < (m + 1) * part; i++) {
                put_bits(&bits, i < k ? deltas[i] - least : 0, width);
            }
        }
    }
}

/* --- the hybrid --------------------------------------------------------------------------------- */

static void check_hybrid(int width, const void *bytes, size_t len, const uint32_t *want, int64_t n)
{
    static const int64_t steps[] = {1, 5, 8, 33, INT32_MAX};
    uint8_t *data = exactly(bytes, len);
    for (size_t s = 0; s < LT_ARRAY_LEN(steps); s++) {
        struct leat_error err = {0};
        struct lt_pq_hybrid hybrid;
        uint32_t *out = malloc((size_t)n * sizeof(*out));
        lt_pq_hybrid_init(&hybrid, width, data, len);
        for (int64_t at = 0; at < n; at += steps[s]) {
            int64_t k = LT_MIN(steps[s], n - at);
            assert_int_equal(lt_pq_hybrid_get(&hybrid, out + at, k, &err), LEAT_OK);
        }
        assert_memory_equal(out, want, (size_t)n * sizeof(*out));
        free(out);
    }
    free(data);
}

static int hybrid_status(int width, const void *bytes, size_t len, int64_t n,
                         struct leat_error *err)
{
    struct lt_pq_hybrid hybrid;
    uint8_t *data = exactly(bytes, len);
    uint32_t *out = malloc((size_t)n * sizeof(*out));
    lt_pq_hybrid_init(&hybrid, width, data, len);
    int status = lt_pq_hybrid_get(&hybrid, out, n, err);
    free(out);
    free(data);
    return status;
}

static void hybrid_reads_the_examples_of_the_specification(void **state)
{
    (void)state;
    static const uint32_t count[] = {0, 1, 2, 3, 4, 5, 6, 7};
    check_hybrid(3, "\x03\x88\xc6\xfa", 4, count, 8);
    check_hybrid(3, "\x03\x88\xc6\xfa", 4, count, 3);
    uint32_t fours[100];
    for (int i = 0; i < 100; i++) {
        fours[i] = 4;
    }
    check_hybrid(3, "\xc8\x01\x04", 3, fours, 100);
    /* A repeated value takes whole bytes: 300 in 9 bits. Runs of no values are passed over. */
    static const uint32_t mixed[] = {300, 300, 1};
    check_hybrid(9, "\x00\x00\x00\x01\x04\x2c\x01\x02\x01\x00", 10, mixed, 3);
    static const uint32_t none[20] = {0};
    check_hybrid(0, "\x28", 1, none, 20);
    check_hybrid(0, "\x07", 1, none, 20);
    /* The last packed run without its padding. */
    check_hybrid(3, "\x03\x88\xc6", 3, count, 5);
}

static void hybrid_reads_runs_of_every_width(void **state)
{
    (void)state;
    for (int width = 1; width <= 32; width++) {
        struct lt_buf data = LT_BUF_INIT;
        uint32_t want[1000];
        int64_t n = 0;
        while (n < 900) {
            int64_t run = 1 + (int64_t)(next_random() % 60);
            uint32_t mask = (uint32_t)(UINT64_MAX >> (64 - width));
            if (next_random() & 1) {
                uint32_t value = (uint32_t)next_random() & mask;
                put_varint(&data, (uint64_t)run << 1);
                for (int i = 0; i < (width + 7) / 8; i++) {
                    assert_int_equal(lt_buf_byte(&data, (uint8_t)(value >> 8 * i)), 0);
                }
                for (; run > 0; run--) {
                    want[n++] = value;
                }
            } else {
                struct bits bits = {&data, 0};
                run = (run + 7) / 8;
                put_varint(&data, (uint64_t)run << 1 | 1);
                for (run *= 8; run > 0; run--) {
                    want[n] = (uint32_t)next_random() & mask;
                    put_bits(&bits, want[n++], width);
                }
            }
        }
        check_hybrid(width, data.data, data.len, want, n);
        struct leat_error err = {0};
        assert_int_equal(hybrid_status(width, data.data, data.len, n + 1, &err), LEAT_BAD_DATA);
        lt_buf_done(&data);
    }
}

static void hybrid_refuses_what_is_cut_or_out_of_range(void **state)
{
    (void)state;
    struct leat_error err = {0};
    assert_int_equal(hybrid_status(3, "", 0, 1, &err), LEAT_BAD_DATA);
    assert_non_null(strstr(err.message, "ends before"));
    assert_int_equal(hybrid_status(3, "\x80", 1, 1, &err), LEAT_BAD_DATA);
    assert_int_equal(hybrid_status(3, "\x04", 1, 1, &err), LEAT_BAD_DATA);
    assert_int_equal(hybrid_status(3, "\x04\x08", 2, 1, &err), LEAT_BAD_DATA);
    assert_non_null(strstr(err.message, "3 bits"));
    assert_int_equal(hybrid_status(3, "\x03\x88\xc6", 3, 6, &err), LEAT_BAD_DATA);
    assert_int_equal(hybrid_status(1, "\xff\xff\xff\xff\xff\x01\x01", 7, 1, &err), LEAT_BAD_DATA);
    assert_int_equal(hybrid_status(32, "\xff\xff\xff\xff\x0f\1\2\3\4", 9, 2, &err), LEAT_BAD_DATA);
}

static void bit_packed_levels_begin_at_the_most_significant_bit(void **state)
{
    (void)state;
    struct leat_error err = {0};
    uint32_t out[8];
    size_t used = 0;
    uint8_t *data = exactly("\x05\x39\x77", 3);
    assert_int_equal(lt_pq_bit_packed_get(3, data, 3, out, 8, &used, &err), LEAT_OK);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(out[i], i);
    }
    assert_int_equal(used, 3);
    assert_int_equal(lt_pq_bit_packed_get(3, data, 3, out, 5, &used, &err), LEAT_OK);
    assert_int_equal(used, 2);
    assert_int_equal(lt_pq_bit_packed_get(3, data, 2, out, 6, &used, &err), LEAT_BAD_DATA);
    assert_int_equal(lt_pq_bit_packed_get(0, data, 0, out, 6, &used, &err), LEAT_OK);
    assert_int_equal(out[5], 0);
    assert_int_equal(used, 0);
    free(data);
}

/* --- fixed widths ------------------------------------------------------------------------------- */

static void plain_values_are_as_they_lie(void **state)
{
    (void)state;
    static const int32_t ints[] = {1, -2, INT32_MAX};
    static const int64_t longs[] = {-1, INT64_MIN};
    CHECK(INT32, PLAIN, 3, "\1\0\0\0\xfe\xff\xff\xff\xff\xff\xff\x7f", ints);
    CHECK(INT64, PLAIN, 2, "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\x80", longs);
    CHECK_TEXT(INT96, PLAIN, 2, "abcdefghijklABCDEFGHIJKL", "abcdefghijklABCDEFGHIJKL");
    CHECK_TEXT(FLBA, PLAIN, 2, "abcdeABCDE", "abcdeABCDE");
    CHECK_TEXT(BOOLEAN, PLAIN, 11, "\x4d\xfa", "\1\0\1\1\0\0\1\0\0\1\0");
    CHECK_TEXT(BYTE_ARRAY, PLAIN, 3, "\2\0\0\0ab\0\0\0\0\1\0\0\0c", "ab||c|");
}

static void booleans_in_runs_have_their_length_in_front(void **state)
{
    (void)state;
    CHECK_TEXT(BOOLEAN, RLE, 11, "\4\0\0\0\x0a\x01\x03\x25", "\1\1\1\1\1\1\0\1\0\0\1");
    struct leat_error err = {0};
    assert_int_equal(
        status_of(LT_PQ_BOOLEAN, LT_PQ_ENC_RLE, "\5\0\0\0\x0a\x01\x03\x25", 8, 5, &err),
        LEAT_BAD_DATA);
    assert_int_equal(
        status_of(LT_PQ_BOOLEAN, LT_PQ_ENC_RLE, "\xff\xff\xff\xff\x0a\x01", 6, 5, &err),
        LEAT_BAD_DATA);
}

static void delta_reads_the_examples_of_the_specification(void **state)
{
    (void)state;
    static const int32_t count[] = {1, 2, 3, 4, 5};
    static const int32_t valley[] = {7, 5, 3, 1, 2, 3, 4, 5};
    static const int64_t long_valley[] = {7, 5, 3, 1, 2, 3, 4, 5};
    CHECK(INT32, DELTA_BINARY_PACKED, 5, "\x80\1\4\5\2\2\0\0\0\0", count);
    CHECK(INT32, DELTA_BINARY_PACKED, 8, "\x80\1\4\x08\x0e\3\2\0\0\0\xc0\x3f\0\0\0\0\0\0", valley);
    CHECK(INT64, DELTA_BINARY_PACKED, 8, "\x80\1\4\x08\x0e\3\2\0\0\0\xc0\x3f\0\0\0\0\0\0",
          long_valley);
    static const int32_t one[] = {-3};
    CHECK(INT32, DELTA_BINARY_PACKED, 1, "\x80\1\4\1\5", one);
}

/* Numbers whose differences take up to `width` bits, now and then the extremes. */
static void draw_numbers(int64_t *values, int64_t n, int width, bool is_32)
{
    uint64_t x = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = next_random();
        x += (r >> (64 - width)) - ((uint64_t)1 << (width - 1));
        if (r % 97 == 0) {
            x = r & 1 ? (uint64_t)INT64_MAX : (uint64_t)INT64_MIN;
        }
        values[i] = is_32 ? (int32_t)(uint32_t)x : (int64_t)x;
    }
}

static void delta_wraps_around_in_blocks_of_every_shape(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{128, 4}, {128, 1}, {256, 8}, {2048, 8}, {512, 1}};
    int64_t values[1300];
    int32_t ints[1300];
    for (int width = 1; width <= 64; width += 3) {
        for (size_t s = 0; s < LT_ARRAY_LEN(shapes); s++) {
            for (int is_32 = 0; is_32 < 2; is_32++) {
                struct lt_buf data = LT_BUF_INIT;
                int64_t n = 1 + (int64_t)(next_random() % 1300);
                draw_numbers(values, n, width, is_32);
                put_delta(&data, values, n, shapes[s][0], shapes[s][1], is_32);
                for (int64_t i = 0; i < n; i++) {
                    ints[i] = (int32_t)values[i];
                }
                struct page page = {is_32 ? LT_PQ_INT32 : LT_PQ_INT64,
                                    LT_PQ_ENC_DELTA_BINARY_PACKED, data.data, data.len, n};
                check_page(&page, is_32 ? (void *)ints : (void *)values,
                           (size_t)n * (is_32 ? 4 : 8));
                lt_buf_done(&data);
            }
        }
    }
}

static void delta_refuses_shapes_that_are_not_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\0\4\5\2\2\0\0\0\0", 9},                        /* blocks of nothing */
        {"\x80\1\0\5\2\2\0\0\0\0", 10},                   /* no miniblock */
        {"\x80\1\3\5\2\2\0\0\0\0", 10},                   /* no divisor */
        {"\x80\1\x08\5\2\2\0\0\0\0\0\0\0\0", 14},         /* miniblocks of 16 */
        {"\x80\1\4\4\2\2\0\0\0\0", 10},                   /* fewer values than the page says */
        {"\x80\1\4\5\2\2\x21\0\0\0\0\0\0\0\0\0\0\0", 18}, /* 33 bits for a 32-bit number */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11},
        {"\x80\1\4\xff\xff\xff\xff\xff\1\2\2\0\0\0\0", 15}, /* more values than a page can have */
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(bad); i++) {
        struct leat_error err = {0};
        assert_int_equal(status_of(LT_PQ_INT32, LT_PQ_ENC_DELTA_BINARY_PACKED, bad[i].bytes,
                                   bad[i].len, 5, &err),
                         LEAT_BAD_DATA);
        assert_string_equal(err.code, "corrupt-file");
    }
}

static void split_streams_are_joined_for_every_width(void **state)
{
    (void)state;
    static const uint8_t floats[] = {0xaa, 0xbb, 0xcc, 0xdd, 0,    0x11,
                                     0x22, 0x33, 0xa3, 0xb4, 0xc5, 0xd6};
    CHECK(FLOAT, BYTE_STREAM_SPLIT, 3, "\xaa\0\xa3\xbb\x11\xb4\xcc\x22\xc5\xdd\x33\xd6", floats);
    static const enum lt_pq_type types[] = {LT_PQ_INT32, LT_PQ_INT64, LT_PQ_FLOAT, LT_PQ_DOUBLE,
                                            LT_PQ_FLBA};
    for (size_t t = 0; t < LT_ARRAY_LEN(types); t++) {
        size_t width = width_of(types[t]), n = 150;
        uint8_t want[1200], data[1200];
        for (size_t i = 0; i < n * width; i++) {
            want[i] = (uint8_t)next_random();
            data[i % width * n + i / width] = want[i];
        }
        struct page page = {types[t], LT_PQ_ENC_BYTE_STREAM_SPLIT, data, n * width, (int64_t)n};
        check_page(&page, want, n * width);
        struct leat_error err = {0};
        assert_int_equal(
            status_of(types[t], LT_PQ_ENC_BYTE_STREAM_SPLIT, data, n * width - 1, 150, &err),
            LEAT_BAD_DATA);
        assert_int_equal(
            status_of(types[t], LT_PQ_ENC_BYTE_STREAM_SPLIT, data, n * width, 151, &err),
            LEAT_BAD_DATA);
    }
}

/* --- byte arrays -------------------------------------------------------------------------------- */

static void delta_lengths_and_fronts_read_the_examples(void **state)
{
    (void)state;
    CHECK_TEXT(BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY, 4,
               "\x80\1\4\4\x0a\0\1\0\0\0\2\0\0\0HelloWorldFoobarABCDEF",
               "Hello|World|Foobar|ABCDEF|");
#define AXIS                                                                                       \
    "\x80\1\4\4\0\3\3\0\0\0\x44\1\0\0\0\0\0\0\0\0\0\0\x80\1\4\4\x08\3\3\0\0\0\x70\0\0\0\0\0\0\0\0" \
    "\0\0\0axislebabbleyhood"
    CHECK_TEXT(BYTE_ARRAY, DELTA_BYTE_ARRAY, 4, AXIS, "axis|axle|babble|babyhood|");
    struct leat_error err = {0};
    assert_int_equal(
        status_of(LT_PQ_FLBA, LT_PQ_ENC_DELTA_BYTE_ARRAY, AXIS, sizeof(AXIS) - 1, 4, &err),
        LEAT_BAD_DATA);
    assert_non_null(strstr(err.message, "column of 5"));
    /* "abcde", "abcdX", "Ybcde" as fixed ones. */
    CHECK_TEXT(FLBA, DELTA_BYTE_ARRAY, 3,
               "\x80\1\4\3\0\7\4\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
               "\x80\1\4\3\x0a\7\4\0\0\0\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0abcdeXYbcde",
               "abcdeabcdXYbcde");
}

/* n texts that share beginnings, with the bytes of each encoding. */
static void put_texts(int64_t n, size_t len_max, struct lt_buf *want, struct lt_buf *plain,
                      struct lt_buf *by_length, struct lt_buf *by_front)
{
    int64_t *lengths = calloc((size_t)n, sizeof(*lengths)), *prefixes = calloc((size_t)n, 8),
            *suffixes = calloc((size_t)n, 8);
    struct lt_buf all = LT_BUF_INIT, ends = LT_BUF_INIT;
    size_t before = 0;
    for (int64_t i = 0; i < n; i++) {
        size_t prefix = before ? next_random() % (before + 1) : 0;
        size_t len = prefix + next_random() % len_max;
        struct lt_buf text = LT_BUF_INIT;
        assert_int_equal(lt_buf_append(&text, all.data + (all.len - before), prefix), 0);
        while (text.len < len) {
            assert_int_equal(lt_buf_byte(&text, (uint8_t)next_random()), 0);
        }
        uint32_t size = (uint32_t)len;
        assert_int_equal(lt_buf_append(plain, &size, 4), 0);
        assert_int_equal(lt_buf_append(plain, text.data, len), 0);
        assert_int_equal(lt_buf_append(&all, text.data, len), 0);
        assert_int_equal(lt_buf_append(&ends, text.data + prefix, len - prefix), 0);
        assert_int_equal(lt_buf_append(want, text.data, len), 0);
        assert_int_equal(lt_buf_byte(want, '|'), 0);
        lengths[i] = (int64_t)len;
        prefixes[i] = (int64_t)prefix;
        suffixes[i] = (int64_t)(len - prefix);
        before = len;
        lt_buf_done(&text);
    }
    put_delta(by_length, lengths, n, 128, 4, true);
    assert_int_equal(lt_buf_append(by_length, all.data, all.len), 0);
    put_delta(by_front, prefixes, n, 128, 4, true);
    put_delta(by_front, suffixes, n, 128, 4, true);
    assert_int_equal(lt_buf_append(by_front, ends.data, ends.len), 0);
    lt_buf_done(&all);
    lt_buf_done(&ends);
    free(lengths);
    free(prefixes);
    free(suffixes);
}

static void byte_arrays_of_all_lengths_come_back(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        size_t len_max;
    } rows[] = {{1, 5}, {50, 3}, {40, 40}, {3000, 9}, {1500, 90}};
    for (size_t r = 0; r < LT_ARRAY_LEN(rows); r++) {
        struct lt_buf want = LT_BUF_INIT, plain = LT_BUF_INIT, by_length = LT_BUF_INIT,
                      by_front = LT_BUF_INIT;
        put_texts(rows[r].n, rows[r].len_max, &want, &plain, &by_length, &by_front);
        check_page(
            &(struct page){LT_PQ_BYTE_ARRAY, LT_PQ_ENC_PLAIN, plain.data, plain.len, rows[r].n},
            want.data, want.len);
        check_page(&(struct page){LT_PQ_BYTE_ARRAY, LT_PQ_ENC_DELTA_LENGTH_BYTE_ARRAY,
                                  by_length.data, by_length.len, rows[r].n},
                   want.data, want.len);
        check_page(&(struct page){LT_PQ_BYTE_ARRAY, LT_PQ_ENC_DELTA_BYTE_ARRAY, by_front.data,
                                  by_front.len, rows[r].n},
                   want.data, want.len);
        lt_buf_done(&want);
        lt_buf_done(&plain);
        lt_buf_done(&by_length);
        lt_buf_done(&by_front);
    }
}

static void measure_stops_before_its_limit_but_not_before_one_value(void **state)
{
    (void)state;
    static const struct page pages[] = {
        {LT_PQ_BYTE_ARRAY, LT_PQ_ENC_PLAIN, "\4\0\0\0axis\4\0\0\0axle\6\0\0\0babble", 26, 3},
        {LT_PQ_BYTE_ARRAY, LT_PQ_ENC_DELTA_BYTE_ARRAY, AXIS, sizeof(AXIS) - 1, 4},
    };
    for (size_t p = 0; p < LT_ARRAY_LEN(pages); p++) {
        static const int64_t limits[][3] = {
            {0, 1, 4}, {7, 1, 4}, {8, 2, 8}, {13, 2, 8}, {14, 3, 14}};
        struct leat_error err = {0};
        struct lt_pq_decoder *decoder = NULL;
        assert_int_equal(lt_pq_decoder_new(LT_PQ_BYTE_ARRAY, 0, &decoder, &err), LEAT_OK);
        assert_int_equal(lt_pq_decoder_page(decoder, pages[p].encoding, pages[p].data, pages[p].len,
                                            pages[p].n, &err),
                         LEAT_OK);
        int64_t n = -1, bytes = -1;
        for (size_t i = 0; i < LT_ARRAY_LEN(limits); i++) {
            assert_int_equal(lt_pq_decoder_measure(decoder, 3, limits[i][0], &n, &bytes, &err),
                             LEAT_OK);
            assert_int_equal(n, limits[i][1]);
            assert_int_equal(bytes, limits[i][2]);
        }
        assert_int_equal(lt_pq_decoder_measure(decoder, 0, 0, &n, &bytes, &err), LEAT_OK);
        assert_int_equal(n, 0);
        assert_int_equal(lt_pq_decoder_measure(decoder, 5, 99, &n, &bytes, &err), LEAT_BAD_DATA);
        lt_pq_decoder_free(decoder);
    }
}

static void lengths_beyond_the_page_are_refused(void **state)
{
    (void)state;
    static const struct page bad[] = {
        {LT_PQ_BYTE_ARRAY, LT_PQ_ENC_PLAIN,
         "\xff\xff\xff\xff"
         "ab",
         6, 1},
        {LT_PQ_BYTE_ARRAY, LT_PQ_ENC_PLAIN,
         "\xff\xff\xff\x7f"
         "ab",
         6, 1},
        {LT_PQ_BYTE_ARRAY, LT_PQ_ENC_PLAIN, "\3\0\0\0ab", 6, 1},
        /* Lengths 1 and -1; a length of 3 with two bytes. */
        {LT_PQ_BYTE_ARRAY, LT_PQ_ENC_DELTA_LENGTH_BYTE_ARRAY, "\x80\1\4\2\2\3\0\0\0\0ab", 12, 2},
        {LT_PQ_BYTE_ARRAY, LT_PQ_ENC_DELTA_LENGTH_BYTE_ARRAY, "\x80\1\4\1\6ab", 7, 1},
        /* A first value with a prefix, and a suffix of length -1. */
        {LT_PQ_BYTE_ARRAY, LT_PQ_ENC_DELTA_BYTE_ARRAY, "\x80\1\4\1\2\x80\1\4\1\2a", 11, 1},
        {LT_PQ_BYTE_ARRAY, LT_PQ_ENC_DELTA_BYTE_ARRAY, "\x80\1\4\1\0\x80\1\4\1\1a", 11, 1},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(bad); i++) {
        struct leat_error err = {0};
        assert_int_equal(
            status_of(bad[i].type, bad[i].encoding, bad[i].data, bad[i].len, bad[i].n, &err),
            LEAT_BAD_DATA);
        assert_non_null(strstr(err.message, "beyond its page"));
    }
}

/* Each value is the one before it and a byte more: 100 KB of page, 5 GB of values. */
static void measure_sees_front_coded_values_outgrow_their_page(void **state)
{
    (void)state;
    enum { N = 100000 };
    int64_t *prefixes = calloc(N, sizeof(*prefixes)), *suffixes = calloc(N, sizeof(*suffixes));
    struct lt_buf data = LT_BUF_INIT;
    for (int64_t i = 0; i < N; i++) {
        prefixes[i] = i;
        suffixes[i] = 1;
    }
    put_delta(&data, prefixes, N, 128, 4, true);
    put_delta(&data, suffixes, N, 128, 4, true);
    for (int64_t i = 0; i < N; i++) {
        assert_int_equal(lt_buf_byte(&data, 'x'), 0);
    }
    struct leat_error err = {0};
    struct lt_pq_decoder *decoder = NULL;
    int64_t n = 0, bytes = 0;
    assert_int_equal(lt_pq_decoder_new(LT_PQ_BYTE_ARRAY, 0, &decoder, &err), LEAT_OK);
    assert_int_equal(
        lt_pq_decoder_page(decoder, LT_PQ_ENC_DELTA_BYTE_ARRAY, data.data, data.len, N, &err),
        LEAT_OK);
    assert_int_equal(lt_pq_decoder_measure(decoder, N, 1 << 20, &n, &bytes, &err), LEAT_OK);
    assert_int_equal(n, 1447);
    assert_int_equal(lt_pq_decoder_measure(decoder, N, INT64_MAX, &n, &bytes, &err), LEAT_OK);
    assert_true(bytes == (int64_t)N * (N + 1) / 2);
    lt_pq_decoder_free(decoder);
    lt_buf_done(&data);
    free(prefixes);
    free(suffixes);
}

/* --- ALP ---------------------------------------------------------------------------------------- */

static void alp_reads_the_example_of_the_specification(void **state)
{
    (void)state;
    static const double want[] = {1500.0, NAN, 2500.0, 333.5};
    struct lt_buf data = LT_BUF_INIT;
    /* One vector (its size may not be 4: 8), exponent 4, factor 3, one exception, 3335, 15 bits. */
    assert_int_equal(
        lt_buf_append(&data, "\0\0\3\4\0\0\0\4\0\0\0\4\3\1\0\x07\x0d\0\0\0\0\0\0\x0f", 24), 0);
    struct bits bits = {&data, 0};
    static const uint64_t numbers[] = {11665, 11665, 21665, 0};
    for (int i = 0; i < 4; i++) {
        put_bits(&bits, numbers[i], 15);
    }
    assert_int_equal(lt_buf_append(&data, "\1\0", 2), 0);
    assert_int_equal(lt_buf_append(&data, &want[1], 8), 0);
    assert_int_equal(data.len, 7 + 4 + 31);
    struct page page = {LT_PQ_DOUBLE, LT_PQ_ENC_ALP, data.data, data.len, 4};
    check_page(&page, want, sizeof(want));

    static const struct {
        size_t at;
        uint8_t byte;
        int status;
    } faults[] = {{0, 1, LEAT_UNSUPPORTED}, {1, 1, LEAT_UNSUPPORTED}, {2, 2, LEAT_BAD_DATA},
                  {2, 16, LEAT_BAD_DATA},   {3, 3, LEAT_BAD_DATA},    {7, 0, LEAT_BAD_DATA},
                  {7, 5, LEAT_BAD_DATA},    {10, 255, LEAT_BAD_DATA}, {11, 19, LEAT_BAD_DATA},
                  {12, 5, LEAT_BAD_DATA},   {13, 5, LEAT_BAD_DATA},   {23, 65, LEAT_BAD_DATA},
                  {32, 4, LEAT_BAD_DATA}};
    for (size_t i = 0; i < LT_ARRAY_LEN(faults); i++) {
        struct leat_error err = {0};
        uint8_t was = data.data[faults[i].at];
        data.data[faults[i].at] = faults[i].byte;
        assert_int_equal(status_of(LT_PQ_DOUBLE, LT_PQ_ENC_ALP, data.data, data.len, 4, &err),
                         faults[i].status);
        data.data[faults[i].at] = was;
    }
    lt_buf_done(&data);
}

static void alp_reads_floats_over_many_vectors(void **state)
{
    (void)state;
    float want[100];
    struct lt_buf data = LT_BUF_INIT;
    uint32_t n_vectors = 13, at = n_vectors * 4;
    assert_int_equal(lt_buf_append(&data, "\0\0\3\x64\0\0\0", 7), 0);
    for (uint32_t v = 0; v < n_vectors; v++, at += 9 + 6) {
        assert_int_equal(lt_buf_append(&data, &at, 4), 0);
    }
    for (uint32_t v = 0; v < n_vectors; v++) {
        int32_t reference = -20;
        struct bits bits = {&data, 0};
        assert_int_equal(lt_buf_append(&data, "\2\0\0\0", 4), 0);
        assert_int_equal(lt_buf_append(&data, &reference, 4), 0);
        assert_int_equal(lt_buf_byte(&data, 6), 0);
        for (uint32_t i = 0; i < 8 && v * 8 + i < 100; i++) {
            int32_t number = (int32_t)(next_random() % 64) - 20;
            want[v * 8 + i] = (float)number * 1e0f * 1e-2f;
            put_bits(&bits, (uint64_t)(number + 20), 6);
        }
    }
    struct page page = {LT_PQ_FLOAT, LT_PQ_ENC_ALP, data.data, data.len, 100};
    check_page(&page, want, sizeof(want));
    lt_buf_done(&data);
}

/* --- all of them -------------------------------------------------------------------------------- */

static void encodings_that_a_type_cannot_have_are_named(void **state)
{
    (void)state;
    struct leat_error err = {0};
    assert_int_equal(status_of(LT_PQ_INT96, LT_PQ_ENC_DELTA_BINARY_PACKED, "", 0, 1, &err),
                     LEAT_UNSUPPORTED);
    assert_non_null(strstr(err.message, "INT96 values in the encoding DELTA_BINARY_PACKED"));
    assert_int_equal(status_of(LT_PQ_BYTE_ARRAY, LT_PQ_ENC_BYTE_STREAM_SPLIT, "", 0, 1, &err),
                     LEAT_UNSUPPORTED);
    assert_int_equal(status_of(LT_PQ_INT32, LT_PQ_ENC_RLE_DICTIONARY, "", 0, 1, &err),
                     LEAT_UNSUPPORTED);
    assert_int_equal(status_of(LT_PQ_INT32, (enum lt_pq_encoding)11, "", 0, 1, &err),
                     LEAT_UNSUPPORTED);
    assert_int_equal(status_of(LT_PQ_INT32, (enum lt_pq_encoding) - 1, "", 0, 1, &err),
                     LEAT_UNSUPPORTED);
    struct lt_pq_decoder *decoder = NULL;
    assert_int_equal(lt_pq_decoder_new(LT_PQ_FLBA, 0, &decoder, &err), LEAT_BAD_DATA);
}

/* What may become of any bytes: values, or a clean refusal. And a page of no values needs none. */
static void noise_is_refused_or_decoded_but_never_more(void **state)
{
    (void)state;
    size_t decoded = 0, refused = 0;
    for (int type = LT_PQ_BOOLEAN; type <= LT_PQ_FLBA; type++) {
        for (int encoding = 0; encoding <= LT_PQ_ENC_ALP; encoding++) {
            struct leat_error err = {0};
            int status =
                status_of((enum lt_pq_type)type, (enum lt_pq_encoding)encoding, "", 0, 0, &err);
            if (status == LEAT_UNSUPPORTED) {
                continue;
            }
            assert_int_equal(status, LEAT_OK);
            for (int round = 0; round < 400; round++) {
                uint8_t bytes[200];
                for (size_t i = 0; i < sizeof(bytes); i++) {
                    bytes[i] =
                        next_random() % 3 ? (uint8_t)(next_random() % 9) : (uint8_t)next_random();
                }
                if (round % 2) { /* past the first checks */
                    memcpy(bytes, encoding == LT_PQ_ENC_ALP ? "\0\0\3\x10\0\0" : "\x80\1\4\x20\2",
                           5);
                }
                status =
                    status_of((enum lt_pq_type)type, (enum lt_pq_encoding)encoding, bytes,
                              next_random() % sizeof(bytes), (int64_t)(next_random() % 40), &err);
                *(status ? &refused : &decoded) += 1;
            }
        }
    }
    assert_true(decoded > 100);
    assert_true(refused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hybrid_reads_the_examples_of_the_specification),
        cmocka_unit_test(hybrid_reads_runs_of_every_width),
        cmocka_unit_test(hybrid_refuses_what_is_cut_or_out_of_range),
        cmocka_unit_test(bit_packed_levels_begin_at_the_most_significant_bit),
        cmocka_unit_test(plain_values_are_as_they_lie),
        cmocka_unit_test(booleans_in_runs_have_their_length_in_front),
        cmocka_unit_test(delta_reads_the_examples_of_the_specification),
        cmocka_unit_test(delta_wraps_around_in_blocks_of_every_shape),
        cmocka_unit_test(delta_refuses_shapes_that_are_not_allowed),
        cmocka_unit_test(split_streams_are_joined_for_every_width),
        cmocka_unit_test(delta_lengths_and_fronts_read_the_examples),
        cmocka_unit_test(byte_arrays_of_all_lengths_come_back),
        cmocka_unit_test(measure_stops_before_its_limit_but_not_before_one_value),
        cmocka_unit_test(lengths_beyond_the_page_are_refused),
        cmocka_unit_test(measure_sees_front_coded_values_outgrow_their_page),
        cmocka_unit_test(alp_reads_the_example_of_the_specification),
        cmocka_unit_test(alp_reads_floats_over_many_vectors),
        cmocka_unit_test(encodings_that_a_type_cannot_have_are_named),
        cmocka_unit_test(noise_is_refused_or_decoded_but_never_more),
    };
    return cmocka_run_group_tests_name("parquet_decode", tests, NULL, NULL);
}
