/* Writing Parquet, bottom up: Thrift, metadata, encodings, bounds, dictionaries, levels. Vectors are
 * the specification's own examples, or made by hand from it; the rest goes through the decoders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "columnar/array.h"
#include "columnar/builder.h"
#include "formats/parquet/bounds.h"
#include "formats/parquet/dictionary.h"
#include "formats/parquet/encoding.h"
#include "formats/parquet/schema_write.h"
#include "formats/parquet/shred.h"
#include "formats/parquet/thrift.h"
#include "formats/parquet/write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED 20261121u

static uint64_t random_state = SEED;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void assert_bytes(const struct lt_buf *buf, const void *want, size_t len)
{
    assert_int_equal(buf->len, len);
    assert_memory_equal(buf->data, want, len);
}

static struct lt_pq_bytes text(const char *value)
{
    return (struct lt_pq_bytes){(const uint8_t *)value, strlen(value)};
}

/* --- Thrift and metadata --------------------------------------------------------------------- */

static void thrift_writer_restores_the_last_id_behind_a_nested_struct(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    struct lt_thriftw w;
    lt_thriftw_init(&w, &out);
    lt_thriftw_i32(&w, 1, -1);
    lt_thriftw_struct(&w, 3);
    lt_thriftw_bool(&w, 7, true);
    lt_thriftw_stop(&w);
    lt_thriftw_i64(&w, 4, 300);
    lt_thriftw_bytes(&w, 30, "ab", 2); /* a step past 15: the id itself */
    lt_thriftw_i8(&w, 31, -2);
    lt_thriftw_bool(&w, 32, false);
    lt_thriftw_stop(&w);
    static const uint8_t want[] = {0x15, 0x01, 0x2c, 0x71, 0x00, 0x16, 0xd8, 0x04, 0x08,
                                   0x3c, 0x02, 'a',  'b',  0x13, 0xfe, 0x12, 0x00};
    assert_false(w.oom);
    assert_bytes(&out, want, sizeof want);
    lt_buf_done(&out);
}

static void thrift_writer_spells_out_lists_of_fifteen_and_more(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    struct lt_thriftw w;
    lt_thriftw_init(&w, &out);
    lt_thriftw_list(&w, 2, LT_THRIFT_TRUE, 14);
    lt_thriftw_list(&w, 3, LT_THRIFT_I64, 200);
    static const uint8_t want[] = {0x29, 0xe1, 0x19, 0xf6, 0xc8, 0x01};
    assert_bytes(&out, want, sizeof want);
    lt_buf_done(&out);
}

static void page_headers_read_back(void **state)
{
    (void)state;
    struct lt_pq_page pages[] = {
        {.type = LT_PQ_PAGE_DATA,
         .uncompressed_size = 70000,
         .compressed_size = 300,
         .has_crc = true,
         .crc = 0xdeadbeef,
         .num_values = 5,
         .encoding = LT_PQ_ENC_RLE_DICTIONARY,
         .def_encoding = LT_PQ_ENC_RLE,
         .rep_encoding = LT_PQ_ENC_RLE},
        {.type = LT_PQ_PAGE_DICTIONARY, .num_values = 7, .has_crc = true, .crc = 1},
        {.type = LT_PQ_PAGE_V2,
         .num_values = 9,
         .num_nulls = 2,
         .num_rows = 4,
         .def_len = 3,
         .rep_len = 1,
         .is_compressed = true,
         .has_crc = true,
         .encoding = LT_PQ_ENC_PLAIN},
    };
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        struct lt_buf out = LT_BUF_INIT;
        struct lt_pq_page got;
        size_t used;
        bool is_short;
        assert_int_equal(lt_pq_page_write(&pages[i], &out), LEAT_OK);
        assert_int_equal(lt_pq_page_read(out.data, out.len, &got, &used, &is_short, NULL), LEAT_OK);
        assert_int_equal(used, out.len);
        assert_int_equal(got.type, pages[i].type);
        assert_int_equal(got.crc, pages[i].crc);
        assert_int_equal(got.uncompressed_size, pages[i].uncompressed_size);
        assert_int_equal(got.compressed_size, pages[i].compressed_size);
        assert_int_equal(got.num_values, pages[i].num_values);
        assert_int_equal(got.encoding, pages[i].encoding);
        assert_int_equal(got.num_nulls, pages[i].num_nulls);
        assert_int_equal(got.num_rows, pages[i].num_rows);
        assert_int_equal(got.def_len, pages[i].def_len);
        assert_int_equal(got.rep_len, pages[i].rep_len);
        lt_buf_done(&out);
    }
}

static void footer_reads_back_with_the_groups_written_before_in_front(void **state)
{
    (void)state;
    struct lt_pq_element elements[] = {{.type = -1,
                                        .name = text("schema"),
                                        .n_children = 1,
                                        .converted = LT_PQ_CONV_NONE,
                                        .field_id = -1},
                                       {.type = LT_PQ_INT64,
                                        .repetition = LT_PQ_OPTIONAL,
                                        .name = text("t"),
                                        .field_id = -1,
                                        .converted = LT_PQ_CONV_TIMESTAMP_MICROS,
                                        .logical = LT_PQ_LOGICAL_TIMESTAMP,
                                        .utc = true,
                                        .unit = LT_PQ_MICROS}};
    int32_t encodings[] = {LT_PQ_ENC_PLAIN, LT_PQ_ENC_RLE};
    struct lt_pq_bytes path[] = {text("t")};
    struct lt_pq_chunk chunk = {.type = LT_PQ_INT64,
                                .encodings = encodings,
                                .n_encodings = 2,
                                .path = path,
                                .n_path = 1,
                                .num_values = 3,
                                .data_page_offset = 4,
                                .index_page_offset = -1,
                                .dictionary_page_offset = -1,
                                .bloom_offset = -1,
                                .offset_index_offset = 900,
                                .offset_index_length = 10,
                                .column_index_offset = -1,
                                .statistics = {.present = true,
                                               .null_count = 1,
                                               .distinct_count = -1,
                                               .min_value = text("aaaaaaaa"),
                                               .max_value = text("bbbbbbbb"),
                                               .max_exact = true}};
    struct lt_pq_row_group group = {.chunks = &chunk,
                                    .n_chunks = 1,
                                    .num_rows = 3,
                                    .ordinal = 0,
                                    .file_offset = 4,
                                    .total_byte_size = 50};
    struct lt_buf raw = LT_BUF_INIT, out = LT_BUF_INIT;
    assert_int_equal(lt_pq_row_group_write(&group, &raw), LEAT_OK);
    group.num_rows = 4;
    group.ordinal = -1;
    struct lt_pq_footer footer = {.version = 1,
                                  .elements = elements,
                                  .n_elements = 2,
                                  .num_rows = 7,
                                  .groups = &group,
                                  .n_groups = 1,
                                  .raw_groups = {raw.data, raw.len},
                                  .n_raw_groups = 1,
                                  .created_by = text("leat"),
                                  .n_column_orders = 1};
    struct lt_pq_footer got;
    assert_int_equal(lt_pq_footer_write(&footer, &out), LEAT_OK);
    assert_int_equal(lt_pq_footer_read(out.data, out.len, &got, NULL), LEAT_OK);
    assert_int_equal(got.n_groups, 2);
    assert_int_equal(got.groups[0].num_rows, 3);
    assert_int_equal(got.groups[0].ordinal, 0);
    assert_int_equal(got.groups[1].num_rows, 4);
    assert_int_equal(got.groups[1].ordinal, -1);
    assert_int_equal(got.elements[1].unit, LT_PQ_MICROS);
    assert_true(got.elements[1].utc);
    assert_int_equal(got.groups[0].chunks[0].offset_index_offset, 900);
    assert_int_equal(got.groups[0].chunks[0].column_index_offset, -1);
    assert_int_equal(got.groups[0].chunks[0].statistics.null_count, 1);
    assert_true(got.groups[0].chunks[0].statistics.max_exact);
    assert_false(got.groups[0].chunks[0].statistics.min_exact);
    assert_non_null(got.type_order);
    assert_true(got.type_order[0]);
    lt_pq_footer_done(&got);
    lt_buf_done(&raw);
    lt_buf_done(&out);
}

/* --- encodings --------------------------------------------------------------------------------- */

static void hybrid_packs_the_specifications_example(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    static const uint32_t values[] = {0, 1, 2, 3, 4, 5, 6, 7};
    static const uint8_t want[] = {0x03, 0x88, 0xc6, 0xfa};
    assert_int_equal(lt_pq_hybrid_put(&out, 3, values, 8), LEAT_OK);
    assert_bytes(&out, want, sizeof want);
    lt_buf_done(&out);
}

static void hybrid_repeats_long_runs_and_fills_the_group_before_them(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    uint8_t levels[103];
    memset(levels, 2, sizeof levels);
    levels[0] = 1;
    levels[1] = 0;
    levels[2] = 1;
    /* One group of eight, then 95 repeats of 2. */
    static const uint8_t want[] = {0x03, 0x91, 0xaa, 0xbe, 0x01, 0x02};
    assert_int_equal(lt_pq_levels_put(&out, 2, levels, sizeof levels), LEAT_OK);
    assert_bytes(&out, want, sizeof want);
    lt_buf_clear(&out);
    static const uint8_t same[] = {0xce, 0x01, 0x02};
    assert_int_equal(lt_pq_level_repeat(&out, 2, 2, 103), LEAT_OK);
    assert_bytes(&out, same, sizeof same);
    lt_buf_done(&out);
}

static void hybrid_round_trips_at_every_width(void **state)
{
    (void)state;
    enum { N = 3001 };
    uint32_t *values = calloc(N, sizeof *values), *got = calloc(N, sizeof *got);
    for (int width = 0; width <= 32; width++) {
        uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
        for (int i = 0; i < N;) {
            uint32_t value = (uint32_t)next_random() & mask;
            int run = next_random() % 3 ? 1 : (int)(next_random() % 70);
            for (; run-- > 0 && i < N; i++) {
                values[i] = value;
            }
        }
        for (int64_t n = 1; n <= N; n = n * 3 + 5) {
            struct lt_buf out = LT_BUF_INIT;
            struct lt_pq_hybrid hybrid;
            assert_int_equal(lt_pq_hybrid_put(&out, width, values, n), LEAT_OK);
            lt_pq_hybrid_init(&hybrid, width, out.data, out.len);
            assert_int_equal(lt_pq_hybrid_get(&hybrid, got, n, NULL), LEAT_OK);
            assert_memory_equal(got, values, (size_t)n * sizeof *got);
            assert_ptr_equal(hybrid.data, hybrid.end);
            lt_buf_done(&out);
        }
    }
    free(values);
    free(got);
}

static void delta_writes_the_specifications_examples(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    static const int64_t steady[] = {1, 2, 3, 4, 5}, valley[] = {7, 5, 3, 1, 2, 3, 4, 5};
    static const uint8_t want_steady[] = {0x80, 0x01, 0x04, 0x05, 0x02, 0x02, 0, 0, 0, 0};
    /* Deltas -2 -2 -2 1 1 1 1 less their least, -2: 0 0 0 3 3 3 3 at two bits. */
    static const uint8_t want_valley[] = {0x80, 0x01, 0x04, 0x08, 0x0e, 0x03, 2, 0, 0,
                                          0,    0xc0, 0x3f, 0,    0,    0,    0, 0, 0};
    assert_int_equal(lt_pq_put_delta(&out, steady, 5, true), LEAT_OK);
    assert_bytes(&out, want_steady, sizeof want_steady);
    lt_buf_clear(&out);
    assert_int_equal(lt_pq_put_delta(&out, valley, 8, false), LEAT_OK);
    assert_bytes(&out, want_valley, sizeof want_valley);
    lt_buf_done(&out);
}

static void check_delta(const int64_t *values, int64_t n, bool is_32)
{
    struct lt_buf out = LT_BUF_INIT;
    struct lt_pq_decoder *decoder;
    uint8_t *got = calloc((size_t)n, 8);
    assert_int_equal(lt_pq_put_delta(&out, values, n, is_32), LEAT_OK);
    assert_int_equal(lt_pq_decoder_new(is_32 ? LT_PQ_INT32 : LT_PQ_INT64, 0, &decoder, NULL),
                     LEAT_OK);
    assert_int_equal(
        lt_pq_decoder_page(decoder, LT_PQ_ENC_DELTA_BINARY_PACKED, out.data, out.len, n, NULL),
        LEAT_OK);
    assert_int_equal(lt_pq_decoder_fixed(decoder, got, n, NULL), LEAT_OK);
    for (int64_t i = 0; i < n; i++) {
        int64_t wide;
        int32_t narrow;
        memcpy(&wide, got + 8 * i * !is_32, 8);
        memcpy(&narrow, got + 4 * i, 4);
        assert_int_equal(is_32 ? narrow : wide, values[i]);
    }
    lt_pq_decoder_free(decoder);
    lt_buf_done(&out);
    free(got);
}

static void delta_round_trips_whole_ranges(void **state)
{
    (void)state;
    enum { N = 700 };
    int64_t values[N];
    for (int n = 1; n <= N; n += 33) {
        for (int bits = 1; bits <= 64; bits += 7) {
            for (int i = 0; i < n; i++) {
                values[i] = (int64_t)(next_random() << (64 - bits)) >> (64 - bits);
            }
            check_delta(values, n, false);
            for (int i = 0; i < n; i++) {
                values[i] = (int32_t)values[i];
            }
            check_delta(values, n, true);
        }
    }
    check_delta((int64_t[]){INT64_MIN, INT64_MAX, INT64_MIN, 0, INT64_MAX}, 5, false);
    check_delta((int64_t[]){INT32_MIN, INT32_MAX, INT32_MIN, 0, INT32_MAX}, 5, true);
}

static void delta_bytes_shares_prefixes_as_in_the_specification(void **state)
{
    (void)state;
    static const char bytes[] = "axisaxlebabblebabyhood";
    static const int32_t offsets[] = {0, 4, 8, 14, 22};
    static const int64_t prefixes[] = {0, 2, 0, 3}, suffixes[] = {4, 2, 6, 5};
    struct lt_buf out = LT_BUF_INIT, want = LT_BUF_INIT;
    assert_int_equal(lt_pq_put_delta_bytes(&out, (const uint8_t *)bytes, offsets, 4), LEAT_OK);
    lt_pq_put_delta(&want, prefixes, 4, true);
    lt_pq_put_delta(&want, suffixes, 4, true);
    lt_buf_puts(&want, "axislebabbleyhood");
    assert_bytes(&out, want.data, want.len);
    lt_buf_clear(&want);
    lt_buf_clear(&out);
    assert_int_equal(lt_pq_put_delta_length(&out, (const uint8_t *)bytes, offsets, 4), LEAT_OK);
    lt_pq_put_delta(&want, (int64_t[]){4, 4, 6, 8}, 4, true);
    lt_buf_puts(&want, bytes);
    assert_bytes(&out, want.data, want.len);
    lt_buf_done(&out);
    lt_buf_done(&want);
}

static void streams_are_split_by_byte(void **state)
{
    (void)state;
    struct lt_buf out = LT_BUF_INIT;
    static const uint8_t in[] = {0xaa, 0xbb, 0xcc, 0xdd, 0x00, 0x11, 0x22, 0x33};
    static const uint8_t want[] = {0xaa, 0x00, 0xbb, 0x11, 0xcc, 0x22, 0xdd, 0x33};
    assert_int_equal(lt_pq_put_byte_stream_split(&out, in, 4, 2), LEAT_OK);
    assert_bytes(&out, want, sizeof want);
    lt_buf_clear(&out);
    static const uint8_t bools[] = {1, 0, 1, 1, 0, 0, 0, 0, 1, 1}, packed[] = {0x0d, 0x03};
    assert_int_equal(lt_pq_put_bools(&out, bools, 10), LEAT_OK);
    assert_bytes(&out, packed, sizeof packed);
    lt_buf_done(&out);
}

/* --- bounds ------------------------------------------------------------------------------------ */

static void bound_texts(enum lt_pq_compare compare, const struct lt_pq_bytes *values, int64_t n,
                        struct lt_pq_bound_text *ret_min, struct lt_pq_bound_text *ret_max,
                        bool *ret_has_max)
{
    struct lt_pq_bounds bounds;
    lt_pq_bounds_init(&bounds, compare, 0);
    lt_pq_bounds_add_bytes(&bounds, values, n);
    assert_true(lt_pq_bounds_min(&bounds, ret_min));
    *ret_has_max = lt_pq_bounds_max(&bounds, ret_max);
}

static void texts_of_64_bytes_are_exact_and_longer_ones_are_cut(void **state)
{
    (void)state;
    char long_text[80];
    memset(long_text, 'q', sizeof long_text);
    struct lt_pq_bytes whole = {(uint8_t *)long_text, 64}, longer = {(uint8_t *)long_text, 65};
    struct lt_pq_bound_text min, max;
    bool has_max;
    bound_texts(LT_PQ_COMPARE_TEXT, &whole, 1, &min, &max, &has_max);
    assert_true(has_max && min.exact && max.exact && min.len == 64 && max.len == 64);
    bound_texts(LT_PQ_COMPARE_TEXT, (struct lt_pq_bytes[]){longer, whole}, 2, &min, &max, &has_max);
    assert_true(has_max && min.exact && !max.exact);
    assert_int_equal(max.len, 64);
    assert_int_equal(max.data[63], 'r');
    assert_int_equal(max.data[62], 'q');
    bound_texts(LT_PQ_COMPARE_TEXT, &longer, 1, &min, &max, &has_max);
    assert_true(!min.exact && min.len == 64 && min.data[63] == 'q');
}

static void texts_are_cut_between_characters(void **state)
{
    (void)state;
    char value[100] = "";
    memset(value, 'x', 62);
    memcpy(value + 62, "\xe2\x82\xac and more", 12); /* the euro sign crosses byte 64 */
    struct lt_pq_bytes bytes = text(value);
    struct lt_pq_bound_text min, max;
    bool has_max;
    bound_texts(LT_PQ_COMPARE_TEXT, &bytes, 1, &min, &max, &has_max);
    assert_int_equal(min.len, 62);
    assert_int_equal(max.len, 62);
    assert_int_equal(max.data[61], 'y');
    bound_texts(LT_PQ_COMPARE_BYTES, &bytes, 1, &min, &max, &has_max);
    assert_int_equal(min.len, 64);
    assert_int_equal(max.data[63], 0x83);
}

static void check_bump(const char *character, const char *next)
{
    char value[80] = "";
    size_t at = 64 - strlen(character);
    memset(value, 'x', at);
    memcpy(value + at, character, strlen(character));
    memcpy(value + 64, "tail", 5);
    struct lt_pq_bytes bytes = text(value);
    struct lt_pq_bound_text min, max;
    bool has_max;
    bound_texts(LT_PQ_COMPARE_TEXT, &bytes, 1, &min, &max, &has_max);
    assert_true(has_max);
    assert_int_equal(max.len, at + strlen(next));
    assert_memory_equal(max.data + at, next, strlen(next));
}

static void a_cut_text_is_raised_to_the_next_character(void **state)
{
    (void)state;
    struct lt_pq_bound_text min, max;
    bool has_max;
    char value[80] = "ab";
    check_bump("a", "b");
    check_bump("\xc3\xa9", "\xc3\xaa");
    check_bump("\xc3\xbf", "\xc4\x80");         /* carries into the first byte */
    check_bump("\xed\x9f\xbf", "\xee\x80\x80"); /* past the surrogates */
    check_bump("\xef\xbf\xbf", "");             /* would grow past 64 bytes: cut */
    check_bump("\xf0\x9f\xbf\xbf", "\xf0\xa0\x80\x80");
    for (int i = 2; i < 70; i += 4) {
        memcpy(value + i, "\xf4\x8f\xbf\xbf", 4); /* U+10FFFF has no next one */
    }
    struct lt_pq_bytes bytes = {(uint8_t *)value, 70};
    bound_texts(LT_PQ_COMPARE_TEXT, &bytes, 1, &min, &max, &has_max);
    assert_true(has_max && max.len == 2 && !memcmp(max.data, "ac", 2) && !max.exact);
    bytes = (struct lt_pq_bytes){(uint8_t *)value + 2, 68};
    bound_texts(LT_PQ_COMPARE_TEXT, &bytes, 1, &min, &max, &has_max);
    assert_false(has_max);
    memset(value, 0xff, sizeof value);
    bytes = (struct lt_pq_bytes){(uint8_t *)value, 80};
    bound_texts(LT_PQ_COMPARE_BYTES, &bytes, 1, &min, &max, &has_max);
    assert_false(has_max);
}

static void bounds_of_floats_leave_nan_out_and_sign_zeros_outwards(void **state)
{
    (void)state;
    struct lt_pq_bounds bounds;
    struct lt_pq_bound_text min, max;
    double value;
    lt_pq_bounds_init(&bounds, LT_PQ_COMPARE_F64, 8);
    lt_pq_bounds_add(&bounds, (double[]){NAN, NAN}, 2);
    assert_false(lt_pq_bounds_min(&bounds, &min));
    lt_pq_bounds_add(&bounds, (double[]){NAN, 0.0, NAN}, 3);
    assert_true(lt_pq_bounds_min(&bounds, &min) && lt_pq_bounds_max(&bounds, &max));
    memcpy(&value, min.data, sizeof value);
    assert_true(value == 0 && signbit(value));
    memcpy(&value, max.data, sizeof value);
    assert_true(value == 0 && !signbit(value));
    lt_pq_bounds_add(&bounds, (double[]){-INFINITY, 3}, 2);
    lt_pq_bounds_min(&bounds, &min);
    memcpy(&value, min.data, sizeof value);
    assert_true(isinf(value) && value < 0);
    struct lt_pq_bounds half;
    lt_pq_bounds_init(&half, LT_PQ_COMPARE_F16, 2);
    uint16_t halves[] = {0x7e00, 0x3c01, 0xc400, 0x0001, 0x7bff}; /* NaN, 1.001, -4, tiny, 65504 */
    lt_pq_bounds_add(&half, halves, 5);
    assert_true(lt_pq_bounds_min(&half, &min) && lt_pq_bounds_max(&half, &max));
    assert_memory_equal(min.data, &halves[2], 2);
    assert_memory_equal(max.data, &halves[4], 2);
    lt_pq_bounds_clear(&half);
    lt_pq_bounds_add(&half, &halves[3], 1);
    lt_pq_bounds_max(&half, &max);
    assert_memory_equal(max.data, &halves[3], 2);
}

static void bounds_compare_by_the_types_own_order(void **state)
{
    (void)state;
    struct lt_pq_bounds bounds, other;
    struct lt_pq_bound_text min, max;
    lt_pq_bounds_init(&bounds, LT_PQ_COMPARE_U64, 8);
    lt_pq_bounds_add(&bounds, (uint64_t[]){1, UINT64_MAX, 5}, 3);
    lt_pq_bounds_max(&bounds, &max);
    assert_memory_equal(max.data, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    lt_pq_bounds_init(&other, LT_PQ_COMPARE_U64, 8);
    lt_pq_bounds_add(&other, (uint64_t[]){0}, 1);
    lt_pq_bounds_merge(&bounds, &other);
    lt_pq_bounds_min(&bounds, &min);
    assert_memory_equal(min.data, "\0\0\0\0\0\0\0\0", 8);
    /* -1, 1 and -256 in nine bytes: as unsigned bytes -1 would be the greatest. */
    static const uint8_t decimals[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                      "\0\0\0\0\0\0\0\0\1"
                                      "\xff\xff\xff\xff\xff\xff\xff\xff\0";
    lt_pq_bounds_init(&bounds, LT_PQ_COMPARE_DECIMAL, 9);
    lt_pq_bounds_add(&bounds, decimals, 3);
    assert_true(lt_pq_bounds_min(&bounds, &min) && lt_pq_bounds_max(&bounds, &max));
    assert_memory_equal(min.data, decimals + 18, 9);
    assert_memory_equal(max.data, decimals + 9, 9);
    struct lt_pq_bytes a = {decimals, 9}, b = {decimals + 9, 9};
    assert_true(lt_pq_bound_compare(LT_PQ_COMPARE_DECIMAL, &a, &b) < 0);
    assert_true(lt_pq_bound_compare(LT_PQ_COMPARE_FIXED, &a, &b) > 0);
    lt_pq_bounds_init(&bounds, LT_PQ_COMPARE_FIXED, 65);
    assert_int_equal(bounds.compare, LT_PQ_COMPARE_NONE);
}

/* --- dictionaries -------------------------------------------------------------------------------- */

static void dictionary_numbers_values_as_they_come(void **state)
{
    (void)state;
    int64_t budget = 1 << 20, n;
    struct lt_pq_dictionary dictionary;
    uint32_t numbers[6];
    struct lt_pq_bytes values[] = {text(""),  text("b"),
                                   text(""),  text("seventeen bytes.."),
                                   text("b"), text("seventeen bytes,.")};
    static const uint32_t want[] = {0, 1, 0, 2, 1, 3};
    lt_pq_dictionary_init(&dictionary, 0, &budget);
    assert_int_equal(lt_pq_dictionary_add_bytes(&dictionary, values, 6, numbers, &n), LEAT_OK);
    assert_int_equal(n, 6);
    assert_memory_equal(numbers, want, sizeof want);
    assert_int_equal(lt_pq_dictionary_value(&dictionary, 0).len, 0);
    assert_memory_equal(lt_pq_dictionary_value(&dictionary, 3).data, "seventeen bytes,.", 17);
    assert_true(budget < 1 << 20);
    lt_pq_dictionary_done(&dictionary);
    assert_int_equal(budget, 1 << 20);
}

static void dictionary_takes_no_more_than_its_limits(void **state)
{
    (void)state;
    int64_t budget = (int64_t)1 << 30, n = 0;
    enum { N = 200000 };
    uint64_t *values = calloc(N, sizeof *values);
    uint32_t *numbers = calloc(N, sizeof *numbers);
    struct lt_pq_dictionary dictionary;
    for (uint64_t i = 0; i < N; i++) {
        values[i] = i * 1000003;
    }
    lt_pq_dictionary_init(&dictionary, 8, &budget);
    assert_int_equal(lt_pq_dictionary_add(&dictionary, values, N, numbers, &n), LEAT_OK);
    assert_int_equal(n, LT_PQ_DICTIONARY_VALUES);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(numbers[i], i);
    }
    assert_int_equal(lt_pq_dictionary_add(&dictionary, values, 10, numbers, &n), LEAT_OK);
    assert_int_equal(n, 10); /* those it has it still knows */
    lt_pq_dictionary_done(&dictionary);
    /* A budget of 100 KB is used up sooner, and given back. */
    budget = 100000;
    assert_int_equal(lt_pq_dictionary_add(&dictionary, values, N, numbers, &n), LEAT_OK);
    assert_in_range(n, 1000, 10000);
    assert_true(budget >= 0);
    lt_pq_dictionary_clear(&dictionary);
    lt_pq_dictionary_done(&dictionary);
    assert_int_equal(budget, 100000);
    free(values);
    free(numbers);
}

/* --- levels ------------------------------------------------------------------------------------- */

struct column {
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct lt_pq_tree tree;
    struct lt_pq_element *elements;
    struct lt_view view;
    struct lt_pq_shred shred;
};

static void make_column(struct column *c, const char *type, struct lt_builder *builder)
{
    struct ArrowSchema field;
    size_t n;
    static const struct lt_pq_tree_options options;
    memset(c, 0, sizeof *c);
    assert_int_equal(lt_schema_init(&c->schema, "+s", "", NULL), LEAT_OK);
    assert_int_equal(lt_type_parse(type, &field, NULL), LEAT_OK);
    lt_schema_set_name(&field, "c", NULL);
    assert_int_equal(lt_builder_init(builder, &field, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add(&c->schema, &field, NULL), LEAT_OK);
    assert_int_equal(lt_pq_tree_write(&c->schema, &options, &c->tree, &c->elements, &n, NULL),
                     LEAT_OK);
}

static void end_column(struct column *c, struct lt_builder *builder)
{
    assert_int_equal(lt_builder_finish(builder, &c->array, NULL), LEAT_OK);
    lt_builder_done(builder);
    assert_int_equal(lt_view_init(&c->view, c->schema.children[0], &c->array, NULL), LEAT_OK);
}

static void free_column(struct column *c)
{
    lt_pq_shred_done(&c->shred);
    lt_view_done(&c->view);
    lt_array_done(&c->array);
    lt_pq_tree_done(&c->tree);
    free(c->elements);
    lt_schema_done(&c->schema);
}

static void lists_are_told_apart_by_levels(void **state)
{
    (void)state;
    struct column c;
    struct lt_builder list;
    make_column(&c, "list<int64>", &list);
    /* [7, null], null, [], [8] */
    lt_builder_i64(&list.children[0], 7);
    lt_builder_null(&list.children[0]);
    lt_builder_nested(&list);
    lt_builder_null(&list);
    lt_builder_nested(&list);
    lt_builder_i64(&list.children[0], 8);
    lt_builder_nested(&list);
    end_column(&c, &list);
    const struct lt_pq_node *leaf = &c.tree.columns[0].children[0];
    assert_int_equal(leaf->def_max, 3);
    assert_int_equal(leaf->rep_max, 1);
    assert_int_equal(lt_pq_shred_make(&c.shred, leaf, &c.view, 0, 4, NULL), LEAT_OK);
    assert_int_equal(c.shred.n, 5);
    assert_memory_equal(c.shred.defs, "\3\2\0\1\3", 5);
    assert_memory_equal(c.shred.reps, "\0\1\0\0\0", 5);
    assert_int_equal(c.shred.n_runs, 1);
    assert_int_equal(c.shred.runs[0].n, 3);
    assert_int_equal(lt_pq_shred_make(&c.shred, leaf, &c.view, 1, 2, NULL), LEAT_OK);
    assert_memory_equal(c.shred.defs, "\0\1", 2);
    assert_int_equal(c.shred.n_runs, 0);
    free_column(&c);
}

static void nested_lists_repeat_at_the_level_that_goes_on(void **state)
{
    (void)state;
    struct column c;
    struct lt_builder outer;
    make_column(&c, "list<list<int64>>", &outer);
    struct lt_builder *inner = &outer.children[0], *values = &inner->children[0];
    /* [[1, 2], [3]], [[], null, [4]] */
    lt_builder_i64(values, 1);
    lt_builder_i64(values, 2);
    lt_builder_nested(inner);
    lt_builder_i64(values, 3);
    lt_builder_nested(inner);
    lt_builder_nested(&outer);
    lt_builder_nested(inner);
    lt_builder_null(inner);
    lt_builder_i64(values, 4);
    lt_builder_nested(inner);
    lt_builder_nested(&outer);
    end_column(&c, &outer);
    const struct lt_pq_node *leaf = &c.tree.columns[0].children[0].children[0];
    assert_int_equal(lt_pq_shred_make(&c.shred, leaf, &c.view, 0, 2, NULL), LEAT_OK);
    assert_int_equal(c.shred.n, 6);
    assert_memory_equal(c.shred.defs, "\5\5\5\3\2\5", 6);
    assert_memory_equal(c.shred.reps, "\0\2\1\0\1\1", 6);
    free_column(&c);
}

static void a_null_where_none_may_be_is_refused(void **state)
{
    (void)state;
    struct column c;
    struct lt_builder builder;
    struct leat_error *err = leat_error_new();
    make_column(&c, "int64", &builder);
    lt_builder_i64(&builder, 1);
    lt_builder_null(&builder);
    end_column(&c, &builder);
    c.tree.columns[0].nullable = false;
    assert_int_equal(lt_pq_shred_make(&c.shred, &c.tree.columns[0], &c.view, 0, 2, err),
                     LEAT_BAD_DATA);
    assert_string_equal(err->code, "not-null");
    assert_int_equal(lt_pq_shred_make(&c.shred, &c.tree.columns[0], &c.view, 0, 1, err), LEAT_OK);
    free_column(&c);
    leat_error_free(err);
}

/* --- schemas -------------------------------------------------------------------------------------- */

static void decimals_have_the_fewest_bytes_that_hold_them(void **state)
{
    (void)state;
    static const struct {
        int32_t precision, bytes;
    } rows[] = {{1, 1},   {2, 1},   {3, 2},   {4, 2},   {9, 4},   {18, 8},  {19, 9},
                {21, 9},  {22, 10}, {23, 10}, {26, 11}, {28, 12}, {31, 13}, {33, 14},
                {35, 15}, {36, 16}, {38, 16}, {39, 17}, {76, 32}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(lt_pq_decimal_bytes(rows[i].precision), rows[i].bytes);
    }
}

static void names_that_differ_in_case_are_refused(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    lt_schema_init(&schema, "+s", "", NULL);
    lt_schema_add_field(&schema, "l", "Id", 0, NULL, NULL);
    lt_schema_add_field(&schema, "l", "other", 0, NULL, NULL);
    assert_int_equal(lt_pq_check_names(&schema, NULL), LEAT_OK);
    lt_schema_add_field(&schema, "l", "iD", 0, NULL, NULL);
    assert_int_equal(lt_pq_check_names(&schema, NULL), LEAT_INVALID);
    lt_schema_done(&schema);
}

static void stored_schema_has_neither_views_nor_dictionaries(void **state)
{
    (void)state;
    struct ArrowSchema schema, values, *field, stored;
    lt_schema_init(&schema, "+s", "", NULL);
    lt_schema_add_field(&schema, "i", "d", ARROW_FLAG_NULLABLE, &field, NULL);
    lt_schema_set_meta(field, LT_META_COMMENT, "kept", NULL);
    lt_schema_init(&values, "vu", "", NULL);
    values.flags = 0;
    assert_int_equal(lt_schema_set_dictionary(field, &values, NULL), LEAT_OK);
    lt_schema_add_field(&schema, "tin", "i", ARROW_FLAG_NULLABLE, NULL, NULL);
    assert_int_equal(lt_pq_schema_stored(&schema, false, &stored, NULL), LEAT_OK);
    assert_string_equal(stored.children[0]->format, "u");
    assert_string_equal(stored.children[0]->name, "d");
    assert_true(stored.children[0]->flags & ARROW_FLAG_NULLABLE);
    assert_true(lt_schema_meta_is(stored.children[0], LT_META_COMMENT, "kept"));
    assert_string_equal(stored.children[1]->format, "tin");
    lt_schema_done(&stored);
    assert_int_equal(lt_pq_schema_stored(&schema, true, &stored, NULL), LEAT_OK);
    assert_string_equal(stored.children[1]->format, "u");
    assert_true(lt_schema_meta_is(stored.children[1], LT_META_SOURCE_TYPE, "arrow:interval"));
    lt_schema_done(&stored);
    lt_schema_done(&schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thrift_writer_restores_the_last_id_behind_a_nested_struct),
        cmocka_unit_test(thrift_writer_spells_out_lists_of_fifteen_and_more),
        cmocka_unit_test(page_headers_read_back),
        cmocka_unit_test(footer_reads_back_with_the_groups_written_before_in_front),
        cmocka_unit_test(hybrid_packs_the_specifications_example),
        cmocka_unit_test(hybrid_repeats_long_runs_and_fills_the_group_before_them),
        cmocka_unit_test(hybrid_round_trips_at_every_width),
        cmocka_unit_test(delta_writes_the_specifications_examples),
        cmocka_unit_test(delta_round_trips_whole_ranges),
        cmocka_unit_test(delta_bytes_shares_prefixes_as_in_the_specification),
        cmocka_unit_test(streams_are_split_by_byte),
        cmocka_unit_test(texts_of_64_bytes_are_exact_and_longer_ones_are_cut),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(a_cut_text_is_raised_to_the_next_character),
        cmocka_unit_test(bounds_of_floats_leave_nan_out_and_sign_zeros_outwards),
        cmocka_unit_test(bounds_compare_by_the_types_own_order),
        cmocka_unit_test(dictionary_numbers_values_as_they_come),
        cmocka_unit_test(dictionary_takes_no_more_than_its_limits),
        cmocka_unit_test(lists_are_told_apart_by_levels),
        cmocka_unit_test(nested_lists_repeat_at_the_level_that_goes_on),
        cmocka_unit_test(a_null_where_none_may_be_is_refused),
        cmocka_unit_test(decimals_have_the_fewest_bytes_that_hold_them),
        cmocka_unit_test(names_that_differ_in_case_are_refused),
        cmocka_unit_test(stored_schema_has_neither_views_nor_dictionaries),
    };
    printf("# seed %u\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
