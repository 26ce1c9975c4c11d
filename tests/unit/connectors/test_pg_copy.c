/* COPY binary and text against golden bytes: what a server sends and takes, without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after its prerequisites */
#include <cmocka.h>

#include "columnar/array.h"
#include "columnar/schema.h"
#include "columnar/text.h"
#include "connectors/postgres/pg_codec.h"

#include <stdio.h>
#include <stdlib.h>

#define HEADER                                                                                     \
    "5047434f50590aff0d0a00"                                                                       \
    "0000000000000000"

/* A stream of one column, and both codecs of it. */
struct fixture {
    struct ArrowSchema schema;
    struct pg_decoder decoder;
    struct pg_encoder encoder;
};

static void open_fixture(struct fixture *f, const char *type, enum pg_wire wire, uint32_t element)
{
    struct leat_error err = {0};
    struct ArrowSchema field;
    *f = (struct fixture){.schema.release = NULL};
    if (lt_schema_init_struct(&f->schema, 0, &err) || lt_type_parse(type, &field, &err) ||
        lt_schema_set_name(&field, "c", &err) || lt_schema_add(&f->schema, &field, &err) ||
        pg_decoder_init(&f->decoder, &f->schema, &wire, &element, false, &err) ||
        pg_encoder_init(&f->encoder, &f->schema, &wire, &element, NULL, &err)) {
        fail_msg("%s: %s", type, err.message);
    }
}

static void close_fixture(struct fixture *f)
{
    pg_decoder_done(&f->decoder);
    pg_encoder_done(&f->encoder);
    lt_schema_done(&f->schema);
}

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        char pair[3] = {hex[0], hex[1], 0};
        out[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

/* "0001" and the field: its length and bytes. NULL value bytes: a null. */
static size_t tuple_of(const char *value, uint8_t *out)
{
    size_t n = value ? unhex(value, out + 6) : 0;
    memcpy(out, "\0\1", 2);
    uint32_t len = value ? (uint32_t)n : UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        out[2 + i] = (uint8_t)(len >> (24 - 8 * i));
    }
    return n + 6;
}

/* Decodes one field; its text, or the code of the refusal in angle brackets. */
static char *decode_one(struct fixture *f, const char *value, char text[256])
{
    uint8_t message[1024];
    struct leat_error err = {0};
    enum pg_decoded what = PG_DECODED_NOTHING;
    f->decoder.header_read = true;
    size_t len = tuple_of(value, message);
    int status = pg_decode(&f->decoder, message, len, &what, &err);
    if (status || what == PG_DECODED_REFUSED) {
        assert_int_equal(f->decoder.batch.columns[0].length, 0);
        snprintf(text, 256, "<%s>", err.code);
        return text;
    }
    assert_int_equal(what, PG_DECODED_ROW);
    struct ArrowArray batch;
    struct lt_view view;
    struct lt_buf out = LT_BUF_INIT;
    assert_int_equal(pg_decoder_finish(&f->decoder, &batch, NULL), LEAT_OK);
    assert_int_equal(lt_array_check(&f->schema, &batch, true, NULL), LEAT_OK);
    assert_int_equal(lt_view_init(&view, f->schema.children[0], batch.children[0], NULL), LEAT_OK);
    if (lt_view_is_null(&view, 0)) {
        lt_buf_puts(&out, "null");
    } else {
        assert_int_equal(lt_text_format(&view, 0, &out), LEAT_OK);
    }
    snprintf(text, 256, "%s", lt_buf_text(&out));
    lt_buf_done(&out);
    lt_view_done(&view);
    lt_array_done(&batch);
    return text;
}

/* Encodes one value given as text; hex of the field without its tuple header, or the refusal. */
static char *encode_one(struct fixture *f, const char *value, char hex[512])
{
    struct lt_builder builder;
    struct ArrowArray batch, column;
    struct leat_error err = {0};
    struct lt_buf out = LT_BUF_INIT;
    const char *why = "";
    bool refused = false;
    assert_int_equal(lt_builder_init(&builder, f->schema.children[0], NULL), LEAT_OK);
    if (lt_text_parse(&builder, value, strlen(value), &why)) {
        fail_msg("%s: %s", value, why);
    }
    assert_int_equal(lt_builder_finish(&builder, &column, NULL), LEAT_OK);
    assert_int_equal(lt_array_init(&batch, 1, 1, NULL), LEAT_OK);
    batch.length = 1;
    lt_array_move(&column, batch.children[0]);
    assert_int_equal(pg_encoder_batch(&f->encoder, &batch, &err), LEAT_OK);
    assert_int_equal(pg_encode(&f->encoder, 0, &out, &refused, &err), LEAT_OK);
    if (refused) {
        assert_int_equal(out.len, 0);
        snprintf(hex, 512, "<%s>", err.code);
    } else if (f->encoder.text) {
        snprintf(hex, 512, "%s", lt_buf_text(&out));
    } else {
        assert_true(out.len >= 6 && out.len < 250);
        for (size_t i = 6; i < out.len; i++) {
            snprintf(hex + 2 * (i - 6), 3, "%02x", out.data[i]);
        }
        hex[2 * (out.len - 6)] = 0;
    }
    lt_buf_done(&out);
    lt_array_done(&batch);
    lt_builder_done(&builder);
    return hex;
}

/* Values whose bytes and text stand for each other, both ways. */
static const struct {
    const char *type;
    enum pg_wire wire;
    uint32_t element;
    const char *bytes, *text;
} golden[] = {
    {"bool", PG_WIRE_BOOL, 16, "01", "true"},
    {"int16", PG_WIRE_INT2, 21, "fffe", "-2"},
    {"int32", PG_WIRE_INT4, 23, "80000000", "-2147483648"},
    {"int64", PG_WIRE_INT8, 20, "0102030405060708", "72623859790382856"},
    {"int64", PG_WIRE_OID, 26, "ffffffff", "4294967295"},
    {"float32", PG_WIRE_FLOAT4, 700, "3fc00000", "1.5"},
    {"float64", PG_WIRE_FLOAT8, 701, "bff8000000000000", "-1.5"},
    {"utf8", PG_WIRE_TEXT, 25, "c3bc", "\xc3\xbc"},
    {"utf8", PG_WIRE_TEXT, 25, "", ""},
    {"json", PG_WIRE_JSONB, 3802, "017b2261223a20317d", "{\"a\": 1}"},
    {"binary", PG_WIRE_BYTEA, 17, "00ff", "\\x00ff"},
    {"date", PG_WIRE_DATE, 1082, "00002279", "2024-02-29"},
    {"date", PG_WIRE_DATE, 1082, "ffda97a7", "-4713-11-24"},
    {"time", PG_WIRE_TIME, 1083, "0000000b18777a00", "13:14:15.123456"},
    {"timestamp", PG_WIRE_TIMESTAMP, 1114, "0000000000000001", "2000-01-01 00:00:00.000001"},
    {"timestamptz", PG_WIRE_TIMESTAMP, 1184, "ffffffffffffffff", "1999-12-31 23:59:59.999999Z"},
    {"interval", PG_WIRE_INTERVAL, 1186, "00000000000f4240000000020000000d", "P1Y1M2DT1S"},
    {"uuid", PG_WIRE_UUID, 2950, "00112233445566778899aabbccddeeff",
     "00112233-4455-6677-8899-aabbccddeeff"},
    {"utf8", PG_WIRE_CHAR, 18, "00", ""},
    {"utf8", PG_WIRE_CHAR, 18, "41", "A"},
    {"utf8", PG_WIRE_CHAR, 18, "5c", "\\"},
    {"utf8", PG_WIRE_CHAR, 18, "ff", "\\377"},
    {"decimal(19,2)", PG_WIRE_MONEY, 790, "8000000000000000", "-92233720368547758.08"},
    {"decimal(19,0)", PG_WIRE_MONEY, 790, "0000000000000005", "5"},
    {"uint64", PG_WIRE_INT8, 5069, "ffffffffffffffff", "18446744073709551615"},
    {"numeric", PG_WIRE_NUMERIC, 1700, "0003000100000003000109291a7c", "12345.678"},
    {"numeric", PG_WIRE_NUMERIC, 1700, "0001fffe4000000804d2", "-0.00001234"},
    {"numeric", PG_WIRE_NUMERIC, 1700, "0000000000000002", "0.00"},
    {"numeric", PG_WIRE_NUMERIC, 1700, "00010002000000000001", "100000000"},
    {"numeric", PG_WIRE_NUMERIC, 1700, "00000000c0000000", "NaN"},
    {"numeric", PG_WIRE_NUMERIC, 1700, "00000000d0000000", "Infinity"},
    {"decimal(12,3)", PG_WIRE_NUMERIC, 1700, "0003000100000003000109291a7c", "12345.678"},
    {"decimal(18,8)", PG_WIRE_NUMERIC, 1700, "0001fffe4000000804d2", "-0.00001234"},
    {"decimal(9,0)", PG_WIRE_NUMERIC, 1700, "00010002000000000001", "100000000"},
    {"decimal(7,2)", PG_WIRE_NUMERIC, 1700, "0003000100000002000109291a2c", "12345.67"},
    {"decimal(15,1)", PG_WIRE_NUMERIC, 1700, "0001ffff400000011388", "-0.5"},
    {"decimal(9,3)", PG_WIRE_NUMERIC, 1700, "0002000000000003000104ce", "1.123"},
    {"decimal(38,2)", PG_WIRE_NUMERIC, 1700,
     "000a000800000002"
     "270f270f270f270f270f270f270f270f270f26ac",
     "999999999999999999999999999999999999.99"},
};

static void golden_bytes_decode_to_their_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct fixture f;
        char text[256];
        open_fixture(&f, golden[i].type, golden[i].wire, golden[i].element);
        assert_string_equal(decode_one(&f, golden[i].bytes, text), golden[i].text);
        close_fixture(&f);
    }
}

static void golden_text_encodes_to_its_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct fixture f;
        char hex[512];
        open_fixture(&f, golden[i].type, golden[i].wire, golden[i].element);
        assert_string_equal(encode_one(&f, golden[i].text, hex), golden[i].bytes);
        close_fixture(&f);
    }
}

static void values_arrow_cannot_hold_are_refused_and_leave_no_row(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum pg_wire wire;
        const char *bytes;
    } rows[] = {
        {"date", PG_WIRE_DATE, "7fffffff"},
        {"date", PG_WIRE_DATE, "80000000"},
        {"time", PG_WIRE_TIME, "000000141dd76000"},
        {"timestamp", PG_WIRE_TIMESTAMP, "7fffffffffffffff"},
        {"timestamp", PG_WIRE_TIMESTAMP, "8000000000000000"},
        {"timestamp", PG_WIRE_TIMESTAMP, "7ffffffffffffff0"},
        {"interval", PG_WIRE_INTERVAL, "7fffffffffffffff7fffffff7fffffff"},
        {"decimal(12,3)", PG_WIRE_NUMERIC, "00000000c0000000"},
        {"decimal(4,3)", PG_WIRE_NUMERIC, "0003000100000003000109291a7c"},
        {"decimal(6,2)", PG_WIRE_NUMERIC, "0003000100000002000109291a2c"},
        {"decimal(9,3)", PG_WIRE_NUMERIC, "0002000000000003000104cf"},
        {"decimal(19,0)", PG_WIRE_NUMERIC, "000100040000000003e8"},
        {"decimal(12,2)", PG_WIRE_NUMERIC, "0003000100000003000109291a7c"},
        {"decimal(38,2)", PG_WIRE_NUMERIC, "0001007f000000000001"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture f;
        char text[256];
        open_fixture(&f, rows[i].type, rows[i].wire, 0);
        assert_string_equal(decode_one(&f, rows[i].bytes, text), "<value-range>");
        assert_string_equal(decode_one(&f, NULL, text), "null");
        close_fixture(&f);
    }
}

static void broken_fields_are_corrupt(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum pg_wire wire;
        const char *bytes;
    } rows[] = {
        {"int32", PG_WIRE_INT4, "000000"},
        {"json", PG_WIRE_JSONB, ""},
        {"json", PG_WIRE_JSONB, "027b7d"},
        {"numeric", PG_WIRE_NUMERIC, "000300010000"},
        {"numeric", PG_WIRE_NUMERIC, "0003000100000003000109291a"},
        {"numeric", PG_WIRE_NUMERIC, "00010000000000002710"},
        {"numeric", PG_WIRE_NUMERIC, "00010000123400000001"},
        {"list<int32>", PG_WIRE_INT4, "0000000100000000"},
        {"list<int32>", PG_WIRE_INT4,
         "0000000100000000000000170000000200000001"
         "0000000400000001"},
        {"list<int32>", PG_WIRE_INT4,
         "00000001000000000000001900000000"
         "00000001"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fixture f;
        char text[256];
        open_fixture(&f, rows[i].type, rows[i].wire, 23);
        assert_string_equal(decode_one(&f, rows[i].bytes, text), "<corrupt-file>");
        close_fixture(&f);
    }
}

static void arrays_of_one_dimension_pass_both_ways_and_others_are_refused(void **state)
{
    (void)state;
    static const char three[] = "000000010000000100000017"
                                "0000000300000001"
                                "0000000400000001"
                                "ffffffff"
                                "00000004ffffffff";
    struct fixture f;
    char text[512];
    open_fixture(&f, "list<int32>", PG_WIRE_INT4, 23);
    assert_string_equal(decode_one(&f, three, text), "[1,null,-1]");
    assert_string_equal(encode_one(&f, "[1,null,-1]", text), three);
    assert_string_equal(decode_one(&f, "000000000000000000000017", text), "[]");
    assert_string_equal(encode_one(&f, "[]", text), "000000000000000000000017");
    assert_string_equal(decode_one(&f,
                                   "000000010000000000000017"
                                   "0000000100000002"
                                   "0000000400000001",
                                   text),
                        "<value-range>");
    assert_string_equal(decode_one(&f,
                                   "000000020000000000000017"
                                   "0000000100000001"
                                   "0000000100000001"
                                   "0000000400000001",
                                   text),
                        "<value-range>");
    close_fixture(&f);
}

static void values_postgres_cannot_hold_are_refused_and_nothing_is_written(void **state)
{
    (void)state;
    struct fixture f;
    char hex[512];
    open_fixture(&f, "date", PG_WIRE_DATE, 1082);
    assert_string_equal(encode_one(&f, "-4713-11-23", hex), "<value-range>");
    assert_string_equal(encode_one(&f, "+5874898-01-01", hex), "<value-range>");
    close_fixture(&f);
    open_fixture(&f, "interval", PG_WIRE_INTERVAL, 1186);
    assert_string_equal(encode_one(&f, "PT0.000000001S", hex), "<value-range>");
    close_fixture(&f);
    open_fixture(&f, "int64", PG_WIRE_OID, 26);
    assert_string_equal(encode_one(&f, "-1", hex), "<value-range>");
    close_fixture(&f);
}

static void text_copy_escapes_what_copy_would_read_as_its_own(void **state)
{
    (void)state;
    struct fixture f;
    char text[512];
    open_fixture(&f, "utf8", PG_WIRE_TEXT_CAST, 0);
    assert_true(f.encoder.text);
    assert_string_equal(encode_one(&f, "a\tb\\N\nc\r", text), "a\\tb\\\\N\\nc\\r\n");
    close_fixture(&f);
}

static void header_and_trailer_are_seen_and_data_after_the_end_refused(void **state)
{
    (void)state;
    bool header = false, trailer = false;
    uint8_t bytes[64];
    const uint8_t *tuple;
    size_t len, n = unhex(HEADER "0000", bytes);
    assert_int_equal(pg_copy_frame(&header, &trailer, bytes, n, &tuple, &len, NULL), LEAT_OK);
    assert_true(header && !trailer);
    assert_int_equal(len, 2);
    n = unhex("ffff", bytes);
    assert_int_equal(pg_copy_frame(&header, &trailer, bytes, n, &tuple, &len, NULL), LEAT_OK);
    assert_true(trailer);
    assert_int_equal(len, 0);
    assert_int_equal(pg_copy_frame(&header, &trailer, bytes, 1, &tuple, &len, NULL), LEAT_BAD_DATA);
    header = trailer = false;
    n = unhex("5047434f50590aff0d0a00"
              "0001000000000000",
              bytes);
    assert_int_equal(pg_copy_frame(&header, &trailer, bytes, n, &tuple, &len, NULL), LEAT_BAD_DATA);
}

static void tuples_cut_anywhere_are_corrupt(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t message[64];
    open_fixture(&f, "int32", PG_WIRE_INT4, 23);
    f.decoder.header_read = true;
    size_t len = tuple_of("00000001", message);
    for (size_t cut = 1; cut < len; cut++) {
        enum pg_decoded what;
        uint8_t *copy = malloc(cut);
        assert_non_null(copy);
        memcpy(copy, message, cut);
        assert_int_equal(pg_decode(&f.decoder, copy, cut, &what, NULL), LEAT_BAD_DATA);
        free(copy);
        assert_int_equal(lt_batch_builder_truncate(&f.decoder.batch, 0), LEAT_OK);
    }
    close_fixture(&f);
}

/* Encodes with what the column's modifier allows. */
static void expect_limited(const char *type, enum pg_wire wire, uint32_t oid, int32_t modifier,
                           const char *value, bool fits)
{
    struct fixture f;
    struct pg_limit limit;
    char hex[512];
    open_fixture(&f, type, wire, oid);
    pg_encoder_done(&f.encoder);
    pg_limit_of(oid, modifier, 130000, &limit);
    assert_int_equal(pg_encoder_init(&f.encoder, &f.schema, &wire, &oid, &limit, NULL), LEAT_OK);
    encode_one(&f, value, hex);
    if (strcmp(hex, "<value-range>") == 0 ? fits : !fits) {
        fail_msg("%s of %s (modifier %d): %s", value, type, modifier, hex);
    }
    close_fixture(&f);
}

static void values_that_a_modifier_would_change_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum pg_wire wire;
        uint32_t oid;
        int32_t modifier;
        const char *good, *bad;
    } rows[] = {
        {"utf8", PG_WIRE_TEXT, 1043, 4 + 2, "\xc3\xbcx", "abc"},
        {"utf8", PG_WIRE_TEXT, 1042, 4 + 2, "ab   ", "abc"},
        {"utf8", PG_WIRE_TEXT, 1043, -1, "abc", NULL},
        {"utf8", PG_WIRE_TEXT_CAST, 1266, 2, "10:00:00.120+02", "10:00:00.123+02"},
        {"time", PG_WIRE_TIME, 1083, 0, "10:00:01", "10:00:00.5"},
        {"timestamp", PG_WIRE_TIMESTAMP, 1114, 6, "2024-01-01 00:00:00.000001", NULL},
        {"timestamptz", PG_WIRE_TIMESTAMP, 1184, 3, "1969-01-01 00:00:00.001Z",
         "1969-01-01 00:00:00.0001Z"},
        /* interval day (8 << 16), with the precision that stands for none */
        {"interval", PG_WIRE_INTERVAL, 1186, 8 << 16 | 0xffff, "P1M2D", "PT1S"},
        {"interval", PG_WIRE_INTERVAL, 1186, 0x7fff << 16 | 1, "P1M2DT0.1S", "PT0.01S"},
        {"interval", PG_WIRE_INTERVAL, 1186, 6 << 16 | 0xffff, "P1Y1M", "P1D"},
        {"numeric", PG_WIRE_NUMERIC, 1700, 4 + (5 << 16 | 2), "-999.990", "1000"},
        {"numeric", PG_WIRE_NUMERIC, 1700, 4 + (5 << 16 | 2), "1e2", "0.001"},
        {"numeric", PG_WIRE_NUMERIC, 1700, 4 + (5 << 16 | 2), "NaN", "Infinity"},
        {"numeric", PG_WIRE_NUMERIC, 1700, 4 + (3 << 16 | (-2 & 0x7ff)), "99900", "99950"},
        {"numeric", PG_WIRE_NUMERIC, 1700, -1, "NaN", "-Infinity"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_limited(rows[i].type, rows[i].wire, rows[i].oid, rows[i].modifier, rows[i].good,
                       true);
        if (rows[i].bad) {
            expect_limited(rows[i].type, rows[i].wire, rows[i].oid, rows[i].modifier, rows[i].bad,
                           false);
        }
    }
}

static void value_that_was_lost_is_null_in_its_row_alone(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t message[64];
    char text[256];
    enum pg_decoded what;
    open_fixture(&f, "date", PG_WIRE_DATE, 1082);
    f.decoder.header_read = true;
    size_t len = tuple_of("7fffffff", message);
    assert_int_equal(pg_decode(&f.decoder, message, len, &what, NULL), LEAT_OK);
    assert_int_equal(what, PG_DECODED_REFUSED);
    assert_true(f.decoder.refused_range);
    pg_decoder_lose(&f.decoder);
    assert_string_equal(decode_one(&f, "7fffffff", text), "null");
    pg_decoder_keep(&f.decoder);
    assert_string_equal(decode_one(&f, "7fffffff", text), "<value-range>");
    assert_string_equal(decode_one(&f, "00002279", text), "2024-02-29");
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_bytes_decode_to_their_text),
        cmocka_unit_test(golden_text_encodes_to_its_bytes),
        cmocka_unit_test(values_arrow_cannot_hold_are_refused_and_leave_no_row),
        cmocka_unit_test(broken_fields_are_corrupt),
        cmocka_unit_test(arrays_of_one_dimension_pass_both_ways_and_others_are_refused),
        cmocka_unit_test(values_postgres_cannot_hold_are_refused_and_nothing_is_written),
        cmocka_unit_test(text_copy_escapes_what_copy_would_read_as_its_own),
        cmocka_unit_test(header_and_trailer_are_seen_and_data_after_the_end_refused),
        cmocka_unit_test(tuples_cut_anywhere_are_corrupt),
        cmocka_unit_test(values_that_a_modifier_would_change_are_refused),
        cmocka_unit_test(value_that_was_lost_is_null_in_its_row_alone),
    };
    return cmocka_run_group_tests_name("pg_copy", tests, NULL, NULL);
}
