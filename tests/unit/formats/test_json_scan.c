/* Which records there are in a text, and what is wrong with one that is bad. */
#include "json_util.h"

static void json_reader_takes_one_object_a_line(void **state)
{
    (void)state;
    expect_rows("{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n", NULL, "a int64, b utf8",
                "1|x\n2|y\n");
    expect_rows("{\"a\":1}\r\n\r\n \t{\"a\":2}", NULL, "a int64", "1\n2\n");
    expect_rows("\xef\xbb\xbf{\"a\":1}\n", NULL, "a int64", "1\n");
}

static void json_reader_takes_pretty_printed_and_concatenated_objects(void **state)
{
    (void)state;
    expect_rows("{\n  \"a\" : 1 ,\n  \"b\" : [ 1,\n 2 ]\n}\n{\"a\":2}{\"a\":3} {\"a\":4}", NULL,
                "a int64, b json", "1|[ 1,\n 2 ]\n2|<null>\n3|<null>\n4|<null>\n");
}

static void json_reader_takes_one_array_of_objects(void **state)
{
    (void)state;
    expect_rows("[{\"a\":1},{\"a\":2}]", NULL, "a int64", "1\n2\n");
    expect_rows(" [\n {\"a\":1} ,\r\n {\"a\":2}\n ] \n", NULL, "a int64", "1\n2\n");
    expect_rows("[]", NULL, "", "");
    expect_rows(" [ ] ", NULL, "", "");
}

static void json_reader_takes_arrays_as_records(void **state)
{
    (void)state;
    expect_rows("[1,\"x\"]\n[2,\"y\",true]\n[]\n", NULL, "c1 int64, c2 utf8, c3 bool",
                "1|x|<null>\n2|y|true\n<null>|<null>|<null>\n");
    expect_rows("[[1,\"x\"],\n[2,\"y\"]]", NULL, "c1 int64, c2 utf8", "1|x\n2|y\n");
    expect_rows("[[1],2]\n[[3],4]\n", PAIRS("json-input", "lines"), "c1 json, c2 int64",
                "[1]|2\n[3]|4\n");
}

static void json_reader_names_the_columns_of_arrays_by_a_header(void **state)
{
    (void)state;
    const char *text = "[\"id\",\"na\\u006de\"]\n[1,\"x\"]\n";
    expect_rows(text, PAIRS("header", "yes"), "id int64, name utf8", "1|x\n");
    expect_rows(text, PAIRS("header", "auto"), "id int64, name utf8", "1|x\n");
    expect_rows(text, NULL, "c1 json, c2 utf8", "\"id\"|name\n1|x\n");
    expect_rows("[1,2]\n[3,4]\n", PAIRS("header", "auto"), "c1 int64, c2 int64", "1|2\n3|4\n");
    expect_rows("[[\"a\"],[1]]", PAIRS("header", "yes"), "a int64", "1\n");
    expect_failure_words("[\"a\",\"a\"]\n", PAIRS("header", "yes"), "duplicate-column",
                         "orders.jsonl:1", NULL);
    expect_failure_words("[\"a\",7]\n", PAIRS("header", "yes"), "corrupt-file", "orders.jsonl:1",
                         "value 2");
    expect_failure_words("[\"a\"]\n[1]\n[1,2]\n", PAIRS("header", "yes"), "column-mismatch",
                         "orders.jsonl:3", "more values");
}

static void json_reader_gives_no_columns_for_an_empty_input(void **state)
{
    (void)state;
    expect_rows("", NULL, "", "");
    expect_rows("\xef\xbb\xbf \n\n", NULL, "", "");
    expect_rows("", PAIRS("types", "a=int64"), "a int64", "");
}

static void json_reader_counts_records_without_members(void **state)
{
    struct dump dump;
    (void)state;
    read_bytes("{}{}\n{}", 7, (struct how){0}, &dump);
    expect_good(&dump);
    assert_int_equal(dump.n_rows, 3);
    dump_done(&dump);
}

static void json_reader_finds_keys_in_any_order(void **state)
{
    (void)state;
    expect_rows(
        "{\"a\":1,\"b\":2,\"c\":3}\n{\"c\":6,\"a\":4,\"b\":5}\n{\"b\":8}\n{\"a\":9,\"c\":0}", NULL,
        "a int64, b int64, c int64", "1|2|3\n4|5|6\n<null>|8|<null>\n9|<null>|0\n");
    /* An escaped key is the same as the plain one; a shorter one is another. */
    expect_rows("{\"ab\":1}{\"\\u0061b\":2}{\"a\":3}", NULL, "ab int64, a int64",
                "1|<null>\n2|<null>\n<null>|3\n");
    expect_rows("{\"a\\\"\":1}{\"a\\\"\":2}", NULL, "a\" int64", "1\n2\n");
    expect_rows("{\"\":1}", NULL, " int64", "1\n");
}

static void json_reader_decodes_escapes(void **state)
{
    (void)state;
    expect_rows("{\"a\":\"q\\\"b\\\\s\\/\\b\\f\\n\\r\\t\"}", NULL, NULL, "q\"b\\s/\b\f\n\r\t\n");
    expect_rows("{\"a\":\"\\u00e9\\u20AC\\ud83d\\uDE00\"}", NULL, "a utf8",
                "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n");
    struct dump dump;
    read_bytes("{\"a\":\"x\\u0000y\"}", 16, (struct how){0}, &dump);
    expect_good(&dump);
    assert_int_equal(dump.rows.len, 4);
    assert_memory_equal(dump.rows.data, "x\0y\n", 4);
    dump_done(&dump);
}

static void json_reader_refuses_half_of_a_surrogate_pair(void **state)
{
    (void)state;
    expect_failure_words("{\"a\":\"x\"}\n{\"a\":\"\\ud83d\"}\n", NULL, "value-syntax",
                         "orders.jsonl:2 column \"a\"", "surrogate");
    expect_failure_words("{\"a\":\"\\ude00\\ud83d\"}", NULL, "value-syntax",
                         "orders.jsonl:1 column \"a\"", "surrogate");
    expect_failure_words("{\"a\":\"\\ud83d\\u0041\"}", NULL, "value-syntax",
                         "orders.jsonl:1 column \"a\"", "surrogate");
    expect_failure_words("{\"\\ud83d\":1}", NULL, "corrupt-file", "orders.jsonl:1", "surrogate");
}

static void json_reader_refuses_what_is_no_json(void **state)
{
    static const char *const bad[] = {
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":tru}",
        "{\"a\":True}",
        "{\"a\":NaN}",
        "{\"a\":'x'}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"x\ty\"}",
        "{\"a\":[1,]}",
        "{\"a\":[1 2]}",
        "{\"a\":{\"b\"}}",
        "{\"a\":{\"b\":1,}}",
        "{\"a\":[}",
        "{\"a\":{]}",
        "{,}",
        "{\"a\":1}}",
        "hello",
        "{\"a\":1},{\"a\":2}",
        "{\"a\":nul}",
        "{\"a\":\"x\x01\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lt_buf text = LT_BUF_INIT;
        assert_int_equal(lt_buf_printf(&text, "{\"a\":null}\n%s\n{\"a\":null}\n", bad[i]), 0);
        expect_failure_words(lt_buf_text(&text), NULL, "corrupt-file", "orders.jsonl:2", NULL);
        lt_buf_done(&text);
    }
}

static void json_reader_refuses_a_zero_byte(void **state)
{
    struct dump dump;
    (void)state;
    read_bytes("{\"a\":\"x\0y\"}", 11, (struct how){0}, &dump);
    assert_string_equal(dump.err.code, "corrupt-file");
    dump_done(&dump);
    read_bytes("{\"a\":1}\n\0", 9, (struct how){0}, &dump);
    assert_string_equal(dump.err.place, "orders.jsonl:2");
    dump_done(&dump);
}

static void json_reader_says_on_which_line_and_byte_a_record_breaks(void **state)
{
    (void)state;
    expect_failure_words("{\"a\":1}\n{\"a\":oops}\n", NULL, "corrupt-file", "orders.jsonl:2",
                         "byte 6 of the record");
    expect_failure_words("{\n \"a\": 1,\n \"b\": oops\n}\n", NULL, "corrupt-file", "orders.jsonl:1",
                         "on line 3, byte 7");
}

static void json_reader_refuses_an_input_that_ends_too_early(void **state)
{
    static const char *const cut[] = {
        "{",         "{\"a",         "{\"a\"",        "{\"a\":",   "{\"a\":tr",       "{\"a\":1",
        "{\"a\":1,", "{\"a\":\"x\\", "{\"a\":\"\\u1", "{\"a\":[1", "{\"a\":{\"b\":2}"};
    (void)state;
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        struct lt_buf text = LT_BUF_INIT;
        struct dump dump;
        assert_int_equal(lt_buf_printf(&text, "{\"a\":7}\n%s", cut[i]), 0);
        expect_failure_words(lt_buf_text(&text), NULL, "corrupt-file", "orders.jsonl:2",
                             "ends inside a record");
        /* Setting records aside does not make it whole. */
        read_bytes(text.data, text.len, (struct how){.rejects = true}, &dump);
        assert_int_equal(dump.status, LEAT_BAD_DATA);
        assert_string_equal(lt_buf_text(&dump.rows), "7\n");
        dump_done(&dump);
        lt_buf_done(&text);
    }
    expect_failure_words("[{\"a\":1}", NULL, "corrupt-file", "orders.jsonl:1", "inside the array");
    expect_failure_words("[{\"a\":1},\n", NULL, "corrupt-file", "orders.jsonl:2",
                         "inside the array");
    expect_failure_words("[", NULL, "corrupt-file", "orders.jsonl:1", "ends inside");
}

static void json_reader_refuses_what_stands_behind_or_between_the_records_of_an_array(void **state)
{
    (void)state;
    expect_failure_words("[{\"a\":1}]\n[{\"a\":2}]", NULL, "corrupt-file", "orders.jsonl:2",
                         "behind");
    expect_failure_words("[{\"a\":1} {\"a\":2}]", NULL, "corrupt-file", "orders.jsonl:1", "comma");
    expect_failure_words("[{\"a\":1},]", NULL, "corrupt-file", "orders.jsonl:1", NULL);
    expect_failure_words("{\"a\":1}", PAIRS("json-input", "array"), "corrupt-file",
                         "orders.jsonl:1", "[ around");
}

static void json_reader_refuses_records_of_another_kind(void **state)
{
    (void)state;
    expect_failure_words("{\"a\":1}\n[1]\n", NULL, "corrupt-file", "orders.jsonl:2", "no object");
    expect_failure_words("[1]\n{\"a\":1}\n", NULL, "corrupt-file", "orders.jsonl:2", "no array");
    expect_failure_words("1\n2\n", NULL, "corrupt-file", "orders.jsonl:1", "must be a JSON object");
    expect_failure_words("[{\"a\":1},null]", NULL, "corrupt-file", "orders.jsonl:1", "no object");
}

static void json_reader_refuses_invalid_utf8_and_utf16(void **state)
{
    (void)state;
    expect_failure_words("{\"a\":1}\n{\"a\":\"\xff\"}\n", NULL, "invalid-utf8", "orders.jsonl:2",
                         NULL);
    expect_failure_words("{\"\xc3\":1}\n", NULL, "invalid-utf8", "orders.jsonl:1", NULL);
    expect_failure_words("{\"a\":[\"\xed\xa0\x80\"]}\n", NULL, "invalid-utf8", "orders.jsonl:1",
                         NULL);
    expect_failure_words("\xff\xfe{", NULL, "invalid-utf8", "orders.jsonl", "UTF-16");
}

static void json_reader_refuses_doubled_keys_unless_told_which_counts(void **state)
{
    const char *text = "{\"a\":1,\"b\":0}\n{\"a\":2,\"b\":0,\"a\":3}\n";
    (void)state;
    expect_failure_words(text, NULL, "corrupt-file", "orders.jsonl:2 column \"a\"", "twice");
    expect_failure_words("{\"a\":1,\"\\u0061\":1}", NULL, "corrupt-file",
                         "orders.jsonl:1 column \"a\"", "twice");
    expect_rows(text, PAIRS("duplicate-keys", "first"), NULL, "1|0\n2|0\n");
    expect_rows(text, PAIRS("duplicate-keys", "last"), NULL, "1|0\n3|0\n");
}

static void json_reader_bounds_depth_and_the_size_of_a_record(void **state)
{
    struct lt_buf text = LT_BUF_INIT;
    (void)state;
    assert_int_equal(lt_buf_puts(&text, "{\"a\":"), 0);
    for (int i = 0; i < 513; i++) {
        assert_int_equal(lt_buf_byte(&text, '['), 0);
    }
    expect_failure_words(lt_buf_text(&text), NULL, "limit", "orders.jsonl:1", "512");
    lt_buf_done(&text);
    expect_rows("{\"a\":\"xxxx\"}{\"a\":\"y\"}", PAIRS("record-max", "12"), NULL, "xxxx\ny\n");
    expect_failure_words("{\"a\":\"y\"}\n{\"a\":\"xxxx\"}", PAIRS("record-max", "11"), "limit",
                         "orders.jsonl:2", "--record-max");
    expect_failure_words("{\"a\":\"xxxxxxxxxxxxxxxxxxxx", PAIRS("record-max", "11"), "limit",
                         "orders.jsonl:1", "--record-max");
}

static void json_reader_refuses_a_key_that_can_be_no_name(void **state)
{
    (void)state;
    expect_failure_words("{\"a\\u0000\":1}", NULL, "corrupt-file", "orders.jsonl:1", "U+0000");
}

/* --- setting records aside ------------------------------------------------------------------- */

static void expect_rejects(const char *text, const char *rows, const char *rejects)
{
    for (size_t step = 0; step < 2; step++) {
        struct dump dump;
        read_bytes(text, strlen(text), (struct how){.rejects = true, .step = step}, &dump);
        expect_good(&dump);
        assert_string_equal(lt_buf_text(&dump.rows), rows);
        assert_string_equal(lt_buf_text(&dump.rejects), rejects);
        dump_done(&dump);
    }
}

static void json_reader_sets_broken_lines_aside(void **state)
{
    (void)state;
    expect_rejects("{\"a\":1}\n{\"a\":oops}\n{\"a\":3}\n", "1\n3\n",
                   "orders.jsonl:2 [corrupt-file] not a JSON value, at byte 6 of the record: "
                   "{\"a\":oops}\n");
    expect_rejects("{\"a\":oops}\n{\"a\":3}\n", "3\n",
                   "orders.jsonl:1 [corrupt-file] not a JSON value, at byte 6 of the record: "
                   "{\"a\":oops}\n");
    expect_rejects("{\"a\":1}\n{\"a\":\n{\"a\":3}\n{\"a\":4}\n", "1\n3\n4\n",
                   "orders.jsonl:2 [corrupt-file] a comma or } was expected, on line 4, byte 1: "
                   "{\"a\":\n");
}

static void json_reader_sets_bad_records_aside(void **state)
{
    (void)state;
    expect_rejects("{\"a\":1}\n{\"a\":2,\n\"a\":3}\n[1]\n{\"a\":4}\n", "1\n4\n",
                   "orders.jsonl:2 column \"a\" [corrupt-file] the record has this key twice: "
                   "{\"a\":2,\n\"a\":3}\n"
                   "orders.jsonl:4 [corrupt-file] a record that is no object, among objects, at "
                   "byte 1 of the record: [1]\n");
    expect_rejects("[{\"a\":\"x\"},{\"a\":\"\xff\"},\n{\"a\":\"\\ud800\"},{\"a\":\"z\"}]", "x\nz\n",
                   "orders.jsonl:1 [invalid-utf8] the record is not valid UTF-8, at byte 7 of the "
                   "record: {\"a\":\"\xff\"}\n"
                   "orders.jsonl:2 column \"a\" [value-syntax] half of a surrogate pair in a JSON "
                   "string: {\"a\":\"\\ud800\"}\n");
}

/* The objects inside a broken one must not be taken for records. */
static void json_reader_does_not_go_on_inside_a_broken_record(void **state)
{
    static const char *const texts[] = {
        "{\n \"a\": oops,\n \"b\": [\n{\"a\": 1},\n{\"a\": 2}\n]\n}\n",
        "{\"a\":0}\n{\n \"a\": oops,\n \"b\": [\n{\"a\": 1},\n{\"a\": 2}\n]\n}\n",
        "[{\"a\":0},\n{\"a\":oops},\n{\"a\":1}]",
        "{\n\"a\":0}\n{\"a\":oops}\n{\"a\":1}\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct dump dump;
        read_bytes(texts[i], strlen(texts[i]), (struct how){.rejects = true}, &dump);
        assert_int_equal(dump.status, LEAT_BAD_DATA);
        assert_string_equal(lt_buf_text(&dump.rows), i ? "0\n" : "");
        assert_string_equal(lt_buf_text(&dump.rejects), "");
        dump_done(&dump);
    }
}

static void json_reader_makes_no_column_of_a_rejected_record(void **state)
{
    struct dump dump;
    const char *text = "{\"a\":1}\n{\"b\":1,\"c\":2,\"b\":3}\n{\"d\":4,oops}\n{\"c\":5}\n";
    (void)state;
    read_bytes(text, strlen(text), (struct how){.rejects = true}, &dump);
    expect_good(&dump);
    assert_string_equal(lt_buf_text(&dump.types), "a int64, c int64");
    assert_string_equal(lt_buf_text(&dump.rows), "1|<null>\n<null>|5\n");
    dump_done(&dump);
}

/* --- batches ---------------------------------------------------------------------------------- */

static void json_reader_bounds_batches_in_rows_and_bytes(void **state)
{
    struct lt_buf text = LT_BUF_INIT;
    struct dump dump;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(lt_buf_printf(&text, "{\"a\":%d}\n", i), 0);
    }
    read_bytes(text.data, text.len, (struct how){.rows_max = 100}, &dump);
    expect_good(&dump);
    assert_int_equal(dump.batches, 10);
    assert_int_equal(dump.n_rows, 1000);
    dump_done(&dump);
    read_bytes(text.data, text.len,
               (struct how){.bytes_max = 1000, .pairs = PAIRS("sample-rows", "3"), .step = 50},
               &dump);
    expect_good(&dump);
    assert_true(dump.batches > 15);
    assert_int_equal(dump.n_rows, 1000);
    dump_done(&dump);
    lt_buf_done(&text);
}

static void json_reader_reads_a_value_larger_than_a_batch(void **state)
{
    struct lt_buf text = LT_BUF_INIT;
    struct dump dump;
    size_t len = (size_t)5 << 20;
    (void)state;
    assert_int_equal(lt_buf_puts(&text, "{\"a\":\""), 0);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(lt_buf_byte(&text, (uint8_t)('a' + i % 26)), 0);
    }
    assert_int_equal(lt_buf_puts(&text, "\"}\n{\"a\":\"b\"}"), 0);
    read_bytes(text.data, text.len, (struct how){.bytes_max = 65536, .step = 60000}, &dump);
    expect_good(&dump);
    assert_int_equal(dump.n_rows, 2);
    assert_int_equal(dump.rows.len, len + 3);
    dump_done(&dump);
    lt_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_reader_takes_one_object_a_line),
        cmocka_unit_test(json_reader_takes_pretty_printed_and_concatenated_objects),
        cmocka_unit_test(json_reader_takes_one_array_of_objects),
        cmocka_unit_test(json_reader_takes_arrays_as_records),
        cmocka_unit_test(json_reader_names_the_columns_of_arrays_by_a_header),
        cmocka_unit_test(json_reader_gives_no_columns_for_an_empty_input),
        cmocka_unit_test(json_reader_counts_records_without_members),
        cmocka_unit_test(json_reader_finds_keys_in_any_order),
        cmocka_unit_test(json_reader_decodes_escapes),
        cmocka_unit_test(json_reader_refuses_half_of_a_surrogate_pair),
        cmocka_unit_test(json_reader_refuses_what_is_no_json),
        cmocka_unit_test(json_reader_refuses_a_zero_byte),
        cmocka_unit_test(json_reader_says_on_which_line_and_byte_a_record_breaks),
        cmocka_unit_test(json_reader_refuses_an_input_that_ends_too_early),
        cmocka_unit_test(json_reader_refuses_what_stands_behind_or_between_the_records_of_an_array),
        cmocka_unit_test(json_reader_refuses_records_of_another_kind),
        cmocka_unit_test(json_reader_refuses_invalid_utf8_and_utf16),
        cmocka_unit_test(json_reader_refuses_doubled_keys_unless_told_which_counts),
        cmocka_unit_test(json_reader_bounds_depth_and_the_size_of_a_record),
        cmocka_unit_test(json_reader_refuses_a_key_that_can_be_no_name),
        cmocka_unit_test(json_reader_sets_broken_lines_aside),
        cmocka_unit_test(json_reader_sets_bad_records_aside),
        cmocka_unit_test(json_reader_does_not_go_on_inside_a_broken_record),
        cmocka_unit_test(json_reader_makes_no_column_of_a_rejected_record),
        cmocka_unit_test(json_reader_bounds_batches_in_rows_and_bytes),
        cmocka_unit_test(json_reader_reads_a_value_larger_than_a_batch),
    };
    return cmocka_run_group_tests_name("json_scan", tests, NULL, NULL);
}
