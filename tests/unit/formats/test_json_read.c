/* Values read as types that were given. */
#include "json_util.h"

#include "columnar/schema.h"

static void expect_typed(const char *type, const char *value, const char *text)
{
    struct lt_buf in = LT_BUF_INIT, given = LT_BUF_INIT, types = LT_BUF_INIT, rows = LT_BUF_INIT;
    assert_int_equal(lt_buf_printf(&in, "{\"a\":%s}\n", value), 0);
    assert_int_equal(lt_buf_printf(&given, "a=%s", type), 0);
    assert_int_equal(lt_buf_printf(&types, "a %s", type), 0);
    assert_int_equal(lt_buf_printf(&rows, "%s\n", text), 0);
    expect_rows(lt_buf_text(&in), PAIRS("types", lt_buf_text(&given)), lt_buf_text(&types),
                lt_buf_text(&rows));
    lt_buf_done(&in);
    lt_buf_done(&given);
    lt_buf_done(&types);
    lt_buf_done(&rows);
}

static void refuse_typed(const char *type, const char *value, const char *code)
{
    struct lt_buf in = LT_BUF_INIT, given = LT_BUF_INIT;
    assert_int_equal(lt_buf_printf(&in, "{\"b\":1,\"a\":%s}\n", value), 0);
    assert_int_equal(lt_buf_printf(&given, "a=%s", type), 0);
    expect_failure_words(lt_buf_text(&in), PAIRS("types", lt_buf_text(&given)), code,
                         "orders.jsonl:1 column \"a\"", NULL);
    lt_buf_done(&in);
    lt_buf_done(&given);
}

static void json_reader_reads_every_type_that_is_given(void **state)
{
    static const struct {
        const char *type, *value, *text;
    } rows[] = {
        {"bool", "true", "true"},
        {"bool", "0", "false"},
        {"bool", "\"yes\"", "true"},
        {"int8", "-128", "-128"},
        {"int64", "\"9223372036854775807\"", "9223372036854775807"},
        {"uint64", "18446744073709551615", "18446744073709551615"},
        {"float32", "0.1", "0.1"},
        {"float64", "\"Infinity\"", "Infinity"},
        {"float64", "12345678901234567890.5", "1.2345678901234567e+19"},
        {"decimal(5,2)", "123.4", "123.40"},
        {"decimal(38,10)", "1234567890123456789012345678.0123456789",
         "1234567890123456789012345678.0123456789"},
        {"decimal(10,2)", "1.5e3", "1500.00"},
        {"decimal(10,2)", "\"1.10\"", "1.10"},
        {"numeric", "1.000000000000000000000000000000000000000000001",
         "1.000000000000000000000000000000000000000000001"},
        {"numeric", "\"NaN\"", "NaN"},
        {"utf8", "\"x\\ny\"", "x\ny"},
        {"utf8", "1.50", "1.50"},
        {"utf8", "true", "true"},
        {"utf8", "{\"b\": 1}", "{\"b\": 1}"},
        {"json", "\"x\\u0041\"", "\"x\\u0041\""},
        {"json", "1.50", "1.50"},
        {"json", "[ 1 ]", "[ 1 ]"},
        {"binary", "\"\\\\x00ff\"", "\\x00ff"},
        {"binary(2)", "\"\\\\x00FF\"", "\\x00ff"},
        {"uuid", "\"6ba7b8109dad11d180b400c04fd430c8\"", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
        {"date", "\"2024-02-29\"", "2024-02-29"},
        {"date", "\"2024-02-\\u0032\\u0039\"", "2024-02-29"},
        {"time", "\"23:59:59.000001\"", "23:59:59.000001"},
        {"timestamp", "\"2024-02-29T01:02:03.5\"", "2024-02-29 01:02:03.500"},
        {"timestamptz", "\"2024-02-29T01:02:03+01:00\"", "2024-02-29 00:02:03Z"},
        {"timestamp(ns)", "\"2024-02-29 01:02:03.123456789\"", "2024-02-29 01:02:03.123456789"},
        {"interval", "\"P1Y2M3DT4H5M6.7S\"", "P1Y2M3DT4H5M6.7S"},
        {"list<int64>", "[1,null,3]", "[1,null,3]"},
        {"struct<x: int64, y: decimal(4,2)>", "{\"y\":1.5}", "{\"x\":null,\"y\":1.50}"},
        {"map<utf8, int64>", "{\"k\":1,\"l\":2}", "{\"k\":1,\"l\":2}"},
        {"list<json>", "[{\"a\":[1.0]},\"x\"]", "[{\"a\":[1.0]},\"x\"]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_typed(rows[i].type, rows[i].value, rows[i].text);
    }
}

static void json_reader_refuses_values_that_a_given_type_does_not_take(void **state)
{
    static const struct {
        const char *type, *value, *code;
    } rows[] = {
        {"int8", "128", "value-range"},
        {"int64", "1.5", "value-syntax"},
        {"int64", "{}", "value-syntax"},
        {"uint8", "-1", "value-range"},
        {"decimal(5,2)", "1.234", "value-range"},
        {"decimal(5,2)", "1234.5", "value-range"},
        {"bool", "2", "value-syntax"},
        {"date", "\"2023-02-29\"", "value-syntax"},
        {"date", "5", "value-syntax"},
        {"uuid", "\"x\"", "value-syntax"},
        {"binary", "\"00ff\"", "value-syntax"},
        {"binary", "5", "value-syntax"},
        {"binary(3)", "\"\\\\x00ff\"", "value-syntax"},
        {"list<int64>", "\"[1]\"", "value-syntax"},
        {"list<int64>", "{\"a\":1}", "value-syntax"},
        {"list<int64>", "[\"x\"]", "value-syntax"},
        {"struct<x: int64>", "{\"y\":1}", "value-syntax"},
        {"numeric", "\"x\"", "value-syntax"},
        {"utf8", "\"\\udc00\"", "value-syntax"},
        {"list<utf8>", "[\"\\udc00\"]", "value-syntax"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        refuse_typed(rows[i].type, rows[i].value, rows[i].code);
    }
}

static void json_reader_reads_base64_when_told(void **state)
{
    static const char *const good[][2] = {{"", "\\x"},         {"AA==", "\\x00"},
                                          {"AP8=", "\\x00ff"}, {"AP8Q", "\\x00ff10"},
                                          {"/+8=", "\\xffef"}, {"AP8QAA==", "\\x00ff1000"}};
    static const char *const bad[] = {"A",    "AA",   "AA=",      "AAA",  "AB==",   "AP9=",
                                      "A===", "====", "AA==AA==", "A-8=", "AP8\\n", "AA=A"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct lt_buf in = LT_BUF_INIT, rows = LT_BUF_INIT;
        assert_int_equal(lt_buf_printf(&in, "{\"a\":\"%s\"}", good[i][0]), 0);
        assert_int_equal(lt_buf_printf(&rows, "%s\n", good[i][1]), 0);
        expect_rows(lt_buf_text(&in), PAIRS("types", "a=binary", "binary", "base64"), "a binary",
                    lt_buf_text(&rows));
        lt_buf_done(&in);
        lt_buf_done(&rows);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lt_buf in = LT_BUF_INIT;
        assert_int_equal(lt_buf_printf(&in, "{\"a\":\"%s\"}", bad[i]), 0);
        expect_failure_words(lt_buf_text(&in), PAIRS("types", "a=binary", "binary", "base64"),
                             "value-syntax", "orders.jsonl:1 column \"a\"", "base64");
        lt_buf_done(&in);
    }
}

static void json_reader_makes_columns_of_a_whole_schema(void **state)
{
    struct ArrowSchema schema;
    struct dump dump;
    (void)state;
    assert_int_equal(lt_schema_init_struct(&schema, 0, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&schema, "l", "b", 0, NULL, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&schema, "u", "a", 0, NULL, NULL), LEAT_OK);
    read_bytes("{\"a\":5}", 7, (struct how){.schema = &schema, .schema_whole = true}, &dump);
    expect_good(&dump);
    assert_string_equal(lt_buf_text(&dump.types), "a utf8, b int64");
    assert_string_equal(lt_buf_text(&dump.rows), "5|<null>\n");
    dump_done(&dump);
    read_bytes("{\"a\":5}", 7, (struct how){.schema = &schema}, &dump);
    assert_string_equal(lt_buf_text(&dump.types), "a utf8");
    dump_done(&dump);
    lt_schema_done(&schema);
}

static void json_reader_refuses_options_that_make_no_sense(void **state)
{
    (void)state;
    expect_failure_words("{}", PAIRS("types", "a"), "invalid", "", "COLUMN=TYPE");
    expect_failure_words("{}", PAIRS("types", "a=nonsense"), "invalid", "--types a", NULL);
    expect_failure_words("[1]", PAIRS("types", "d=int64"), "unknown-column", "", NULL);
    expect_failure_words("{}", PAIRS("record-max", "2GiB"), "invalid", "", "1 GiB");
    expect_failure_words("{}", PAIRS("sample-rows", "-1"), "invalid", "", NULL);
    expect_failure_words("{}", PAIRS("nested", "xml"), "invalid", "", NULL);
}

static void json_reader_takes_other_types_before_the_first_batch(void **state)
{
    const struct lt_format *json = lt_format_by_name("json");
    const char *text = "{\"a\":1.10,\"b\":1,\"c\":\"2024-02-29\"}\n{\"a\":2.5,\"c\":7}\n";
    struct lt_format_reader *reader = NULL;
    struct lt_source *source = NULL;
    struct ArrowSchema types, schema;
    struct ArrowArray batch = {0};
    struct lt_buf rows = LT_BUF_INIT;
    struct leat_param params[] = {{"types", "b=utf8"}, {"sample-rows", "1"}};
    struct lt_format_options options = {.params = params, .n_params = 2};
    (void)state;
    assert_int_equal(lt_source_memory(text, strlen(text), "x", &source, NULL), LEAT_OK);
    assert_int_equal(json->read_open(source, &options, &reader, NULL), LEAT_OK);
    assert_int_equal(lt_schema_init_struct(&types, 0, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&types, "d:10,2", "a", 0, NULL, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&types, "l", "b", 0, NULL, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&types, "u", "c", 0, NULL, NULL), LEAT_OK);
    assert_int_equal(json->read_retype(reader, &types, NULL), LEAT_OK);
    assert_int_equal(json->read_schema(reader, &schema, NULL), LEAT_OK);
    dump_types(&schema, &rows);
    assert_string_equal(lt_buf_text(&rows), "a decimal(10,2), b utf8, c utf8");
    lt_buf_clear(&rows);
    while (!json->read_next(reader, &batch, NULL) && batch.release) {
        dump_rows(&schema, &batch, &rows);
        batch.release(&batch);
        batch.release = NULL;
    }
    assert_string_equal(lt_buf_text(&rows), "1.10|1|2024-02-29\n2.50|<null>|7\n");
    json->read_close(reader);
    lt_source_close(source);
    lt_schema_done(&types);
    lt_schema_done(&schema);
    lt_buf_done(&rows);
}

/* The first bad record is the one that is told, whichever column and pass it is found in. */
static void json_reader_loses_what_a_type_cannot_hold_and_keeps_the_record(void **state)
{
    const char *text = "{\"a\":1,\"b\":\"2024-01-01\"}\n{\"a\":900,\"b\":\"infinity\"}\n"
                       "{\"a\":\"x\",\"b\":\"-infinity\"}\n{\"a\":-900,\"b\":null}\n";
    const char *const *pairs = PAIRS("types", "a=int8,b=date");
    (void)state;
    expect_told(text, pairs, "lr", "1|2024-01-01\n<null>|<null>\n<null>|<null>\n",
                "lost orders.jsonl:2 column \"a\" [value-range]\n"
                "lost orders.jsonl:2 column \"b\" [value-range]\n"
                "set aside orders.jsonl:3 column \"a\" [value-syntax] "
                "{\"a\":\"x\",\"b\":\"-infinity\"}\n"
                "lost orders.jsonl:4 column \"a\" [value-range]\n");
    expect_told(text, pairs, "r", "1|2024-01-01\n",
                "set aside orders.jsonl:2 column \"a\" [value-range] "
                "{\"a\":900,\"b\":\"infinity\"}\n"
                "set aside orders.jsonl:3 column \"a\" [value-syntax] "
                "{\"a\":\"x\",\"b\":\"-infinity\"}\n"
                "set aside orders.jsonl:4 column \"a\" [value-range] {\"a\":-900,\"b\":null}\n");
}

static void json_reader_stops_at_a_bad_record_after_the_losses_before_it(void **state)
{
    struct lt_format_options options = {0};
    struct dump dump;
    struct told told;
    const char *text = "{\"a\":900}\n{\"a\":\"x\"}\n{\"a\":900}\n";
    (void)state;
    told_init(&told, "l", &options);
    read_text_len(text, strlen(text), 0, &options, PAIRS("types", "a=int8"), &dump);
    assert_int_equal(dump.status, LEAT_BAD_DATA);
    assert_string_equal(dump.err.place, "orders.jsonl:2 column \"a\"");
    assert_string_equal(lt_buf_text(&told.text),
                        "lost orders.jsonl:1 column \"a\" [value-range]\n");
    lt_buf_done(&told.text);
    dump_done(&dump);
}

static void json_reader_reports_the_first_fault_of_the_input(void **state)
{
    const char *text = "{\"a\":1,\"b\":1}\n{\"a\":1,\"b\":\"x\"}\n{\"a\":\"y\",\"b\":1}\n{\"a\":";
    (void)state;
    expect_failure_words(text, PAIRS("sample-rows", "1"), "value-syntax",
                         "orders.jsonl:2 column \"b\"", NULL);
    struct dump dump;
    read_bytes(text, strlen(text),
               (struct how){.rejects = true, .pairs = PAIRS("sample-rows", "1")}, &dump);
    assert_int_equal(dump.status, LEAT_BAD_DATA);
    assert_string_equal(dump.err.place, "orders.jsonl:4");
    assert_string_equal(lt_buf_text(&dump.rows), "1|1\n");
    assert_string_equal(
        lt_buf_text(&dump.rejects),
        "orders.jsonl:2 column \"b\" [value-syntax] a string, where the sample had other values: "
        "{\"a\":1,\"b\":\"x\"}\n"
        "orders.jsonl:3 column \"a\" [value-syntax] a string, where the sample had other values: "
        "{\"a\":\"y\",\"b\":1}\n");
    dump_done(&dump);
}

static void json_reader_reads_many_sparse_columns(void **state)
{
    struct lt_buf text = LT_BUF_INIT;
    struct dump dump;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(lt_buf_printf(&text, "{\"k%d\":%d,\"k%d\":null}\n", i, i, (i * 7) % 3000),
                         0);
    }
    read_bytes(text.data, text.len,
               (struct how){.bytes_max = 1 << 20, .pairs = PAIRS("duplicate-keys", "first")},
               &dump);
    expect_good(&dump);
    assert_int_equal(dump.n_rows, 3000);
    size_t values = 0;
    for (size_t i = 0; i < dump.rows.len; i++) {
        values += dump.rows.data[i] == '|';
    }
    assert_int_equal(values, 3000 * 2999);
    dump_done(&dump);
    lt_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_reader_reads_every_type_that_is_given),
        cmocka_unit_test(json_reader_refuses_values_that_a_given_type_does_not_take),
        cmocka_unit_test(json_reader_reads_base64_when_told),
        cmocka_unit_test(json_reader_makes_columns_of_a_whole_schema),
        cmocka_unit_test(json_reader_refuses_options_that_make_no_sense),
        cmocka_unit_test(json_reader_takes_other_types_before_the_first_batch),
        cmocka_unit_test(json_reader_loses_what_a_type_cannot_hold_and_keeps_the_record),
        cmocka_unit_test(json_reader_stops_at_a_bad_record_after_the_losses_before_it),
        cmocka_unit_test(json_reader_reports_the_first_fault_of_the_input),
        cmocka_unit_test(json_reader_reads_many_sparse_columns),
    };
    return cmocka_run_group_tests_name("json_read", tests, NULL, NULL);
}
