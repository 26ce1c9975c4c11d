/* What is written, and that it reads back as it was. */
#include "json_util.h"

#include "columnar/schema.h"

#include <stdio.h>

static void json_writer_writes_the_exact_text_of_every_type(void **state)
{
    (void)state;
    expect_text(LIST("int64", "int8", "uint64", "float64", "bool", "date", "timestamp"),
                LIST("-9223372036854775808", "-7", "18446744073709551615", "0.1", "false",
                     "2024-02-29", "1969-12-31 23:59:59.500"),
                7, NULL,
                "{\"a\":-9223372036854775808,\"b\":-7,\"c\":18446744073709551615,\"d\":0.1,"
                "\"e\":false,\"f\":\"2024-02-29\",\"g\":\"1969-12-31 23:59:59.500\"}\n");
    expect_text(LIST("decimal(38,2)", "numeric", "float64", "float64", "float32", "float64"),
                LIST("123456789012345678901234567890123456.10", "1.000", "NaN", "-Infinity", "0.1",
                     "1e300"),
                6, NULL,
                "{\"a\":123456789012345678901234567890123456.10,\"b\":1.000,\"c\":\"NaN\","
                "\"d\":\"-Infinity\",\"e\":0.1,\"f\":1e+300}\n");
    expect_text(
        LIST("timestamptz", "time", "uuid", "binary", "interval", "timestamp(ns)", "date"),
        LIST("2024-02-29 13:14:15Z", "13:14:15", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "\\x00ff",
             "P1D", "2024-02-29 13:14:15.123456789", "+10000-01-01"),
        7, NULL,
        "{\"a\":\"2024-02-29 13:14:15Z\",\"b\":\"13:14:15\",\"c\":\"6ba7b810-9dad-11d1-80b4-"
        "00c04fd430c8\",\"d\":\"\\\\x00ff\",\"e\":\"P1D\",\"f\":\"2024-02-29 "
        "13:14:15.123456789\",\"g\":\"+10000-01-01\"}\n");
    expect_text(LIST("list<int64>", "struct<x: utf8, y: bool>", "map<utf8, int64>", "utf8"),
                LIST("[1,null]", "{\"x\":\"q\\\"\",\"y\":true}", "{\"k\":1}", NULL), 4, NULL,
                "{\"a\":[1,null],\"b\":{\"x\":\"q\\\"\",\"y\":true},\"c\":{\"k\":1},\"d\":null}\n");
}

static void json_writer_escapes_what_json_wants_escaped(void **state)
{
    (void)state;
    expect_text(LIST("utf8", "utf8", "utf8"),
                LIST("", "q\"b\\s/\b\f\n\r\t\x01\x1f\x7f",
                     "\xc3\xa9\xf0\x9f\x98\x80 long enough for words"),
                3, NULL,
                "{\"a\":\"\",\"b\":\"q\\\"b\\\\s/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\","
                "\"c\":\"\xc3\xa9\xf0\x9f\x98\x80 long enough for words\"}\n");
    /* Each place in a word of eight bytes. */
    for (int i = 0; i < 20; i++) {
        char text[21] = "abcdefghijklmnopqrst", expected[64];
        text[i] = '"';
        snprintf(expected, sizeof expected, "{\"a\":\"%.*s\\\"%s\"}\n", i, text, text + i + 1);
        expect_text(LIST("utf8"), LIST(text), 1, NULL, expected);
    }
}

static void json_writer_keeps_json_on_one_line(void **state)
{
    (void)state;
    expect_text(LIST("json", "list<json>"),
                LIST("{\n\t\"a\" : [1,\r\n 2.50] }\n", "[{\"x\":\n1},\"p\\nq\"]"), 2, NULL,
                "{\"a\":{\t\"a\" : [1, 2.50] },\"b\":[{\"x\":1},\"p\\nq\"]}\n");
}

static void json_writer_refuses_a_json_value_that_is_none(void **state)
{
    struct ArrowSchema schema = {0}, text_schema = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    (void)state;
    build(LIST("utf8", "utf8"), 2, LIST("1", "{}", "2", "{}{}"), 2, &text_schema, &batch);
    assert_int_equal(lt_schema_copy(&text_schema, &schema, NULL), LEAT_OK);
    assert_int_equal(lt_schema_set_meta(schema.children[1], LT_META_EXTENSION, "arrow.json", NULL),
                     LEAT_OK);
    assert_int_equal(write_batches(&schema, &batch, 1, NULL, &out, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "value-syntax");
    assert_string_equal(err.place, "row 2, column \"b\"");
    lt_buf_done(&out);
    schema.release(&schema);
    text_schema.release(&text_schema);
    batch.release(&batch);
}

static void refuse_text(const char *const *types, const char *const *texts, int64_t n,
                        const char *const *pairs, const char *place)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    build(types, n, texts, 1, &schema, &batch);
    assert_int_equal(write_batches(&schema, &batch, 1, pairs, &out, &err), LEAT_BAD_DATA);
    assert_string_equal(err.code, "value-range");
    assert_string_equal(err.place, place);
    lt_buf_done(&out);
    schema.release(&schema);
    batch.release(&batch);
}

static void json_writer_refuses_json_nulls_that_would_be_nulls(void **state)
{
    (void)state;
    refuse_text(LIST("int64", "json"), LIST("1", "null"), 2, NULL, "row 1, column \"b\"");
    refuse_text(LIST("json"), LIST(" null\n"), 1, PAIRS("nulls", "omit"), "row 1, column \"a\"");
}

static void json_writer_keeps_json_nulls_apart_when_told(void **state)
{
    (void)state;
    expect_text(LIST("int64", "json", "json", "json"), LIST(NULL, "null", NULL, "[null]"), 4,
                PAIRS("json-null", "value"), "{\"a\":null,\"b\":null,\"d\":[null]}\n");
    expect_rows("{\"a\":null,\"b\":null}\n{\"a\":1,\"b\":2}\n{}\n",
                PAIRS("json-null", "value", "types", "b=json"), "a int64, b json",
                "<null>|null\n1|2\n<null>|<null>\n");
    expect_rows("{\"a\":null,\"b\":null}\n{\"a\":1,\"b\":2}\n", PAIRS("types", "b=json"), NULL,
                "<null>|<null>\n1|2\n");
}

static void json_writer_tells_the_sinks_and_goes_on(void **state)
{
    const char *const *texts = LIST("null", "1", "{}", "2");
    (void)state;
    expect_told_text(LIST("json", "int64"), 2, texts, 2, NULL, "l",
                     "{\"a\":null,\"b\":1}\n{\"a\":{},\"b\":2}\n"
                     "{\"a\":null,\"b\":1}\n{\"a\":{},\"b\":2}\n",
                     "lost row 1, column \"a\" [value-range]\n"
                     "lost row 3, column \"a\" [value-range]\n");
    expect_told_text(LIST("json", "int64"), 2, texts, 2, PAIRS("nulls", "omit"), "l",
                     "{\"b\":1}\n{\"a\":{},\"b\":2}\n{\"b\":1}\n{\"a\":{},\"b\":2}\n",
                     "lost row 1, column \"a\" [value-range]\n"
                     "lost row 3, column \"a\" [value-range]\n");
    expect_told_text(LIST("json", "int64"), 2, texts, 2, PAIRS("json-layout", "array"), "r",
                     "[\n{\"a\":{},\"b\":2},\n{\"a\":{},\"b\":2}\n]\n",
                     "set aside row 1, column \"a\" [value-range] {\"a\":null,\"b\":1}\n"
                     "set aside row 3, column \"a\" [value-range] {\"a\":null,\"b\":1}\n");
    expect_told_text(LIST("json"), 1, LIST("null"), 1, PAIRS("json-layout", "array"), "r", "[]\n",
                     "set aside row 1, column \"a\" [value-range] {\"a\":null}\n"
                     "set aside row 2, column \"a\" [value-range] {\"a\":null}\n");
}

static void json_writer_leaves_out_nulls_when_told(void **state)
{
    (void)state;
    expect_text(LIST("int64", "int64", "json"), LIST(NULL, "1", NULL), 3, PAIRS("nulls", "omit"),
                "{\"b\":1}\n");
    expect_text(LIST("int64", "int64"), LIST(NULL, NULL), 2, PAIRS("nulls", "omit"), "{}\n");
}

static void json_writer_quotes_numbers_past_float64_when_told(void **state)
{
    (void)state;
    expect_text(LIST("int64", "int64", "int64", "uint64", "uint64", "decimal(5,2)", "numeric",
                     "numeric", "float64"),
                LIST("9007199254740992", "9007199254740993", "-9007199254740993",
                     "9007199254740992", "18446744073709551615", "1.50", "1e3", "NaN", "1.5"),
                9, PAIRS("json-numbers", "string"),
                "{\"a\":9007199254740992,\"b\":\"9007199254740993\",\"c\":\"-9007199254740993\","
                "\"d\":9007199254740992,\"e\":\"18446744073709551615\",\"f\":\"1.50\","
                "\"g\":\"1e3\",\"h\":\"NaN\",\"i\":1.5}\n");
}

static void json_writer_writes_base64_when_told(void **state)
{
    (void)state;
    expect_text(LIST("binary", "binary(2)", "binary", "uuid"),
                LIST("\\x00ff10", "\\xffef", "\\x", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), 4,
                PAIRS("binary", "base64"),
                "{\"a\":\"AP8Q\",\"b\":\"/+8=\",\"c\":\"\","
                "\"d\":\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"}\n");
}

static void json_writer_writes_one_array_when_told(void **state)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT;
    (void)state;
    build(LIST("int64"), 1, LIST("1", "2"), 2, &schema, &batch);
    const char *const *pairs = PAIRS("json-layout", "array");
    assert_int_equal(write_batches(&schema, &batch, 2, pairs, &out, NULL), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "[\n{\"a\":1},\n{\"a\":2},\n{\"a\":1},\n{\"a\":2}\n]\n");
    lt_buf_clear(&out);
    assert_int_equal(write_batches(&schema, &batch, 0, pairs, &out, NULL), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "[]\n");
    lt_buf_clear(&out);
    assert_int_equal(write_batches(&schema, &batch, 0, NULL, &out, NULL), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "");
    lt_buf_done(&out);
    schema.release(&schema);
    batch.release(&batch);
}

static void json_writer_refuses_options_it_does_not_know(void **state)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    (void)state;
    build(LIST("int64"), 1, LIST("1"), 1, &schema, &batch);
    assert_int_equal(write_batches(&schema, &batch, 1, PAIRS("json-layout", "auto"), &out, &err),
                     LEAT_INVALID);
    assert_int_equal(write_batches(&schema, &batch, 1, PAIRS("null", "keep"), &out, &err),
                     LEAT_INVALID);
    assert_string_equal(err.remedy, "did you mean --nulls?");
    lt_buf_done(&out);
    schema.release(&schema);
    batch.release(&batch);
}

/* --- there and back --------------------------------------------------------------------------- */

static const char *const round_types[] = {"bool",
                                          "int32",
                                          "uint64",
                                          "float64",
                                          "float32",
                                          "decimal(20,4)",
                                          "numeric",
                                          "utf8",
                                          "binary",
                                          "uuid",
                                          "date",
                                          "time(ns)",
                                          "timestamptz",
                                          "interval",
                                          "json",
                                          "list<float64>",
                                          "map<utf8, decimal(9,2)>"};
#define ROUND_TYPES (sizeof round_types / sizeof *round_types)

static const char *const round_texts[][ROUND_TYPES] = {
    {"true", "-2147483648", "18446744073709551615", "NaN", "-Infinity", "-1234567890123456.7890",
     "1e-400", "\xe2\x82\xac \"\\\n", "\\x00", "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
     "-0043-03-15", "23:59:59.999999999", "1600-01-01 00:00:00.000001Z", "P1Y2M3DT4H5M6.7S",
     "{\"a\":[1.0,null]}", "[\"NaN\",1.5,null]", "{\"k\":1.50,\"\":0.00}"},
    {NULL, NULL, NULL, "-0", "1e-45", NULL, "NaN", "", "\\x", NULL, NULL, NULL, NULL, NULL,
     "\"text\"", "[]", "{}"},
    {"false", "7", "0", "5e-324", "3.4028235e+38", "0.0000", "-12345678901234567890123.4567890",
     "NaN", NULL, "00000000-0000-0000-0000-000000000000", "9999-12-31", "00:00:00",
     "+10000-01-01 00:00:00Z", "PT0S", "1.50", NULL, NULL},
};

static void expect_round_trip(const char *const *writing, const char *const *reading)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT, rows = LT_BUF_INIT, types = LT_BUF_INIT;
    struct dump dump;
    build(round_types, ROUND_TYPES, round_texts[0], 3, &schema, &batch);
    dump_types(&schema, &types);
    dump_rows(&schema, &batch, &rows);
    assert_int_equal(write_batches(&schema, &batch, 1, writing, &out, NULL), LEAT_OK);
    read_bytes(out.data, out.len,
               (struct how){.pairs = reading, .schema = &schema, .schema_whole = true}, &dump);
    expect_good(&dump);
    assert_string_equal(lt_buf_text(&dump.types), lt_buf_text(&types));
    assert_string_equal(lt_buf_text(&dump.rows), lt_buf_text(&rows));
    dump_done(&dump);
    lt_buf_done(&out);
    lt_buf_done(&rows);
    lt_buf_done(&types);
    schema.release(&schema);
    batch.release(&batch);
}

static void json_round_trip_keeps_every_value_of_every_type(void **state)
{
    (void)state;
    expect_round_trip(NULL, NULL);
    expect_round_trip(PAIRS("json-layout", "array"), NULL);
    expect_round_trip(PAIRS("nulls", "omit"), NULL);
    expect_round_trip(PAIRS("json-numbers", "string"), NULL);
    expect_round_trip(PAIRS("binary", "base64"), PAIRS("binary", "base64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_writer_writes_the_exact_text_of_every_type),
        cmocka_unit_test(json_writer_escapes_what_json_wants_escaped),
        cmocka_unit_test(json_writer_keeps_json_on_one_line),
        cmocka_unit_test(json_writer_refuses_a_json_value_that_is_none),
        cmocka_unit_test(json_writer_refuses_json_nulls_that_would_be_nulls),
        cmocka_unit_test(json_writer_keeps_json_nulls_apart_when_told),
        cmocka_unit_test(json_writer_tells_the_sinks_and_goes_on),
        cmocka_unit_test(json_writer_leaves_out_nulls_when_told),
        cmocka_unit_test(json_writer_quotes_numbers_past_float64_when_told),
        cmocka_unit_test(json_writer_writes_base64_when_told),
        cmocka_unit_test(json_writer_writes_one_array_when_told),
        cmocka_unit_test(json_writer_refuses_options_it_does_not_know),
        cmocka_unit_test(json_round_trip_keeps_every_value_of_every_type),
    };
    return cmocka_run_group_tests_name("json_write", tests, NULL, NULL);
}
