/* Which types columns get, and what happens to values after the sample that do not fit. */
#include "json_util.h"

/* The types of a column "a" that has these values, and the values as text. */
static void expect_column(const char *values, const char *const *pairs, const char *type,
                          const char *rows)
{
    struct lt_buf text = LT_BUF_INIT, types = LT_BUF_INIT;
    const char *at = values;
    while (*at) {
        size_t len = strcspn(at, ";");
        assert_int_equal(lt_buf_printf(&text, "{\"a\":%.*s}\n", (int)len, at), 0);
        at += len + (at[len] == ';');
    }
    assert_int_equal(lt_buf_printf(&types, "a %s", type), 0);
    expect_rows(lt_buf_text(&text), pairs, lt_buf_text(&types), rows);
    lt_buf_done(&text);
    lt_buf_done(&types);
}

static void json_infer_keeps_integers_exact_however_large(void **state)
{
    (void)state;
    expect_column("1;-9223372036854775808;9223372036854775807;null", NULL, "int64",
                  "1\n-9223372036854775808\n9223372036854775807\n<null>\n");
    expect_column("1;9223372036854775808", NULL, "decimal(38,0)", "1\n9223372036854775808\n");
    expect_column("-9223372036854775809", NULL, "decimal(38,0)", "-9223372036854775809\n");
    expect_column("99999999999999999999999999999999999999", NULL, "decimal(38,0)",
                  "99999999999999999999999999999999999999\n");
    expect_column("1;999999999999999999999999999999999999999", NULL, "numeric",
                  "1\n999999999999999999999999999999999999999\n");
    expect_column("0;-0", NULL, "float64", "0\n-0\n");
}

static void json_infer_takes_float64_only_for_what_it_holds(void **state)
{
    (void)state;
    expect_column("1.5;2;-1e3;123456789012345", NULL, "float64",
                  "1.5\n2\n-1000\n123456789012345\n");
    expect_column("0.1;0.00123456789012345", NULL, "float64", "0.1\n0.00123456789012345\n");
    expect_column("1.10;0.1234567890123456", NULL, "numeric", "1.10\n0.1234567890123456\n");
    expect_column("1.5;1234567890123456", NULL, "numeric", "1.5\n1234567890123456\n");
    expect_column("1.5;9223372036854775808", NULL, "numeric", "1.5\n9223372036854775808\n");
    expect_column("1e400", NULL, "numeric", "1e400\n");
    expect_column("1e-320", NULL, "numeric", "1e-320\n");
    expect_column("0e999;0.0", NULL, "float64", "0\n0\n");
}

static void json_infer_takes_nan_for_a_number_beside_numbers_only(void **state)
{
    (void)state;
    expect_column("1.5;\"NaN\";\"-Infinity\";\"Infinity\"", NULL, "float64",
                  "1.5\nNaN\n-Infinity\nInfinity\n");
    expect_column("1;\"NaN\"", NULL, "float64", "1\nNaN\n");
    expect_column("1.2345678901234567;\"NaN\"", NULL, "numeric", "1.2345678901234567\nNaN\n");
    expect_column("\"NaN\"", NULL, "utf8", "NaN\n");
    expect_column("\"NaN\";\"x\"", NULL, "utf8", "NaN\nx\n");
    expect_column("1;\"NaN\";\"x\"", NULL, "json", "1\n\"NaN\"\n\"x\"\n");
}

static void json_infer_finds_dates_times_and_uuids_in_strings(void **state)
{
    (void)state;
    expect_column("\"2024-02-29\";null", NULL, "date", "2024-02-29\n<null>\n");
    expect_column("\"13:14:15\";\"01:02:03.5\"", NULL, "time", "13:14:15\n01:02:03.500\n");
    expect_column("\"13:14:15.1234567\"", NULL, "time(ns)", "13:14:15.123456700\n");
    expect_column("\"2024-02-29 13:14:15\";\"2024-02-29T13:14:15.25\"", NULL, "timestamp",
                  "2024-02-29 13:14:15\n2024-02-29 13:14:15.250\n");
    expect_column("\"2024-02-29\";\"2024-02-29T13:14:15\"", NULL, "timestamp",
                  "2024-02-29 00:00:00\n2024-02-29 13:14:15\n");
    expect_column("\"2024-02-29T13:14:15.123456789\"", NULL, "timestamp(ns)",
                  "2024-02-29 13:14:15.123456789\n");
    expect_column("\"2024-02-29T13:14:15Z\";\"2024-02-29 13:14:15+02:00\"", NULL, "timestamptz",
                  "2024-02-29 13:14:15Z\n2024-02-29 11:14:15Z\n");
    expect_column("\"1600-01-01T00:00:00Z\"", NULL, "timestamptz", "1600-01-01 00:00:00Z\n");
    expect_column("\"6BA7B810-9dad-11d1-80b4-00c04fd430c8\"", NULL, "uuid",
                  "6ba7b810-9dad-11d1-80b4-00c04fd430c8\n");
}

static void json_infer_leaves_strings_alone_that_only_look_like_dates(void **state)
{
    static const char *const texts[] = {"2023-02-29",
                                        "2024-02-29x",
                                        "2024-02-29 25:00:00",
                                        "2024-02-29T13:14",
                                        "13:14:60x",
                                        "2024-02-29T13:14:15.",
                                        "2024-02-29T13:14:15+1",
                                        "12:34:56:78",
                                        "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
                                        "20240229",
                                        "",
                                        "2024-02-29T13:14:15.1234567890"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lt_buf values = LT_BUF_INIT, rows = LT_BUF_INIT;
        assert_int_equal(lt_buf_printf(&values, "\"%s\"", texts[i]), 0);
        assert_int_equal(lt_buf_printf(&rows, "%s\n", texts[i]), 0);
        expect_column(lt_buf_text(&values), NULL, "utf8", lt_buf_text(&rows));
        lt_buf_done(&values);
        lt_buf_done(&rows);
    }
    expect_column("\"2024-02-29\";\"x\"", NULL, "utf8", "2024-02-29\nx\n");
    expect_column("\"2024-02-29\";\"13:14:15\"", NULL, "utf8", "2024-02-29\n13:14:15\n");
    expect_column("\"2024-02-29\"", PAIRS("infer-strings", "no"), "utf8", "2024-02-29\n");
    /* Nanoseconds and the year 1600 fit no one type. */
    expect_column("\"1600-01-01 00:00:00\";\"2024-01-01 00:00:00.123456789\"", NULL, "utf8",
                  "1600-01-01 00:00:00\n2024-01-01 00:00:00.123456789\n");
    expect_column("\"5\";\"1.5\";\"true\"", NULL, "utf8", "5\n1.5\ntrue\n");
}

static void json_infer_keeps_values_of_several_kinds_as_json(void **state)
{
    struct dump dump;
    (void)state;
    expect_column("\"x\";1776", NULL, "json", "\"x\"\n1776\n");
    expect_column("true;1", NULL, "json", "true\n1\n");
    expect_column("{\"b\":1};[1]", NULL, "json", "{\"b\":1}\n[1]\n");
    expect_column("null", NULL, "json", "<null>\n");
    const char *text = "{\"a\":1,\"b\":\"2024-02-29\"}{\"a\":\"x\",\"c\":null}";
    read_bytes(text, strlen(text), (struct how){0}, &dump);
    assert_string_equal(lt_buf_text(&dump.explain),
                        "objects, types from 2 records; found in strings: b; of several kinds, "
                        "kept as json: a; without a value so far: c");
    dump_done(&dump);
}

static void json_infer_keeps_the_bytes_of_nested_values(void **state)
{
    (void)state;
    expect_column("{ \"b\" : 1.0,\t\"c\":[ ] };[1,2]", NULL, "json",
                  "{ \"b\" : 1.0,\t\"c\":[ ] }\n[1,2]\n");
    expect_column("{\"b\":1,\"b\":2}", NULL, "json", "{\"b\":1,\"b\":2}\n");
}

static void json_infer_makes_structs_and_lists_when_told(void **state)
{
    const char *const *how = PAIRS("nested", "struct");
    (void)state;
    expect_column(
        "{\"b\":1,\"c\":\"x\"};{\"c\":\"y\",\"d\":[1.5]};null", how,
        "struct<b: int64, c: utf8, d: list<float64>>",
        "{\"b\":1,\"c\":\"x\",\"d\":null}\n{\"b\":null,\"c\":\"y\",\"d\":[1.5]}\n<null>\n");
    expect_column("[];[{\"x\":\"2024-02-29\"},null]", how, "list<struct<x: date>>",
                  "[]\n[{\"x\":\"2024-02-29\"},null]\n");
    expect_column("[1,\"x\"]", how, "list<json>", "[1,\"x\"]\n");
    expect_column("[[1],[2,3]]", how, "list<list<int64>>", "[[1],[2,3]]\n");
    expect_column("{\"a b\":[ ]}", how, "struct<\"a b\": list<json>>", "{\"a b\":[]}\n");
    expect_column("[9223372036854775808]", how, "list<decimal(38,0)>", "[9223372036854775808]\n");
    expect_column("{\"b\":{\"c\":true}}", how, "struct<b: struct<c: bool>>",
                  "{\"b\":{\"c\":true}}\n");
}

static void json_infer_makes_no_struct_where_one_would_lose_something(void **state)
{
    const char *const *how = PAIRS("nested", "struct");
    (void)state;
    expect_column("{\"b\":1,\"b\":2}", how, "json", "{\"b\":1,\"b\":2}\n");
    expect_column("{\"b\":1};[1]", how, "json", "{\"b\":1}\n[1]\n");
    expect_column("{\"b\":1};5", how, "json", "{\"b\":1}\n5\n");
    expect_column("{}", how, "json", "{}\n");
    expect_column("{\"b\\u0000\":1}", how, "json", "{\"b\\u0000\":1}\n");
    expect_column("{\"b\":{}}", how, "struct<b: json>", "{\"b\":{}}\n");
    struct lt_buf deep = LT_BUF_INIT, rows = LT_BUF_INIT;
    struct dump dump;
    assert_int_equal(lt_buf_puts(&deep, "{\"a\":"), 0);
    for (int i = 0; i < 400; i++) {
        assert_int_equal(lt_buf_puts(&deep, i < 200 ? "[" : "]"), 0);
    }
    assert_int_equal(lt_buf_puts(&deep, "}"), 0);
    read_bytes(deep.data, deep.len, (struct how){.pairs = how}, &dump);
    expect_good(&dump);
    assert_non_null(strstr(lt_buf_text(&dump.types), "json"));
    assert_int_equal(dump.rows.len, 401);
    dump_done(&dump);
    lt_buf_done(&deep);
    lt_buf_done(&rows);
}

static void json_infer_looks_at_the_first_record_only_for_sample_rows_0(void **state)
{
    (void)state;
    expect_rows("{\"a\":1,\"b\":\"2024-02-29\"}\n{\"a\":\"x\"}\n", PAIRS("sample-rows", "0"),
                "a json, b json", "1|\"2024-02-29\"\n\"x\"|<null>\n");
}

/* --- after the sample ------------------------------------------------------------------------- */

#define ONE PAIRS("sample-rows", "1")

static void json_reader_refuses_values_that_the_sample_did_not_promise(void **state)
{
    static const char *const pairs[][2] = {
        {"1", "1.5"},
        {"1", "9223372036854775808"},
        {"1", "\"5\""},
        {"1", "true"},
        {"1.5", "1.2345678901234567890123"},
        {"1.5", "\"x\""},
        {"true", "1"},
        {"true", "\"true\""},
        {"\"x\"", "5"},
        {"\"x\"", "[1]"},
        {"\"x\"", "false"},
        {"\"2024-02-29\"", "\"x\""},
        {"\"2024-02-29\"", "20240229"},
        {"9223372036854775808", "999999999999999999999999999999999999999"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct lt_buf text = LT_BUF_INIT;
        struct dump dump;
        assert_int_equal(lt_buf_printf(&text, "{\"a\":%s}\n{\"a\":null}\n{\"a\":%s}\n", pairs[i][0],
                                       pairs[i][1]),
                         0);
        read_bytes(text.data, text.len, (struct how){.pairs = ONE}, &dump);
        assert_int_equal(dump.status, LEAT_BAD_DATA);
        assert_string_equal(dump.err.place, "orders.jsonl:3 column \"a\"");
        assert_true(!strcmp(dump.err.code, "value-syntax") ||
                    !strcmp(dump.err.code, "value-range"));
        assert_non_null(strstr(dump.err.remedy, "--cast a=json"));
        dump_done(&dump);
        lt_buf_done(&text);
    }
}

static void json_reader_takes_what_is_exact_after_the_sample(void **state)
{
    (void)state;
    expect_rows("{\"a\":1.5}{\"a\":2}{\"a\":0.30000000000000004}{\"a\":1e3}{\"a\":\"NaN\"}", ONE,
                "a float64", "1.5\n2\n0.30000000000000004\n1000\nNaN\n");
    expect_rows("{\"a\":null}{\"a\":2}{\"a\":\"x\"}{\"a\":[]}", ONE, "a json",
                "<null>\n2\n\"x\"\n[]\n");
}

static void json_reader_refuses_keys_that_come_after_the_sample(void **state)
{
    struct dump dump;
    const char *text = "{\"a\":1}\n{\"a\":2,\"late key\":5}\n{\"a\":3}\n";
    (void)state;
    expect_failure_words(text, ONE, "column-mismatch", "orders.jsonl:2 column \"late key\"",
                         "sampled");
    expect_rows(text, PAIRS("sample-rows", "1", "unknown-keys", "ignore"), "a int64", "1\n2\n3\n");
    expect_rows(text, PAIRS("sample-rows", "1", "types", "late key=utf8"), "a int64, late key utf8",
                "1|<null>\n2|5\n3|<null>\n");
    read_bytes(text, strlen(text), (struct how){.pairs = ONE, .rejects = true}, &dump);
    expect_good(&dump);
    assert_string_equal(lt_buf_text(&dump.rows), "1\n3\n");
    assert_string_equal(lt_buf_text(&dump.rejects),
                        "orders.jsonl:2 column \"late key\" [column-mismatch] a key that no "
                        "sampled record had: {\"a\":2,\"late key\":5}\n");
    dump_done(&dump);
    read_bytes(text, strlen(text), (struct how){.pairs = ONE}, &dump);
    assert_non_null(strstr(dump.err.remedy, "--types"));
    assert_non_null(strstr(dump.err.remedy, "--unknown-keys ignore"));
    assert_non_null(strstr(dump.err.remedy, "--sample-rows"));
    dump_done(&dump);
}

static void json_reader_refuses_missing_keys_when_told(void **state)
{
    const char *text = "{\"a\":1,\"b\":null}\n{\"a\":2,\"b\":2}\n{\"b\":3}\n";
    (void)state;
    expect_rows(text, NULL, NULL, "1|<null>\n2|2\n<null>|3\n");
    expect_failure_words(text, PAIRS("sample-rows", "2", "missing", "error"), "column-mismatch",
                         "orders.jsonl:3 column \"a\"", "no such key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_infer_keeps_integers_exact_however_large),
        cmocka_unit_test(json_infer_takes_float64_only_for_what_it_holds),
        cmocka_unit_test(json_infer_takes_nan_for_a_number_beside_numbers_only),
        cmocka_unit_test(json_infer_finds_dates_times_and_uuids_in_strings),
        cmocka_unit_test(json_infer_leaves_strings_alone_that_only_look_like_dates),
        cmocka_unit_test(json_infer_keeps_values_of_several_kinds_as_json),
        cmocka_unit_test(json_infer_keeps_the_bytes_of_nested_values),
        cmocka_unit_test(json_infer_makes_structs_and_lists_when_told),
        cmocka_unit_test(json_infer_makes_no_struct_where_one_would_lose_something),
        cmocka_unit_test(json_infer_looks_at_the_first_record_only_for_sample_rows_0),
        cmocka_unit_test(json_reader_refuses_values_that_the_sample_did_not_promise),
        cmocka_unit_test(json_reader_takes_what_is_exact_after_the_sample),
        cmocka_unit_test(json_reader_refuses_keys_that_come_after_the_sample),
        cmocka_unit_test(json_reader_refuses_missing_keys_when_told),
    };
    return cmocka_run_group_tests_name("json_infer", tests, NULL, NULL);
}
