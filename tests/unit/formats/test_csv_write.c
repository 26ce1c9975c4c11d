#include "csv_util.h"

static void csv_writer_writes_the_exact_text_of_every_type(void **state)
{
    (void)state;
    expect_text(LIST("int64", "int8", "uint64", "float64", "bool", "date", "timestamp"),
                LIST("-9223372036854775808", "-7", "18446744073709551615", "0.1", "false",
                     "2024-02-29", "1969-12-31 23:59:59.500"),
                7, PAIRS("header", "no"),
                "-9223372036854775808,-7,18446744073709551615,0.1,false,2024-02-29,"
                "1969-12-31 23:59:59.500\n");
    expect_text(LIST("decimal(10,2)", "numeric", "uuid", "binary", "timestamptz", "time", "int16"),
                LIST("12.50", "1.10", "01234567-89ab-cdef-0123-456789abcdef", "\\x00ff",
                     "2024-02-29 13:14:15.123456Z", "13:14:15", "100"),
                7, PAIRS("header", "no"),
                "12.50,1.10,01234567-89ab-cdef-0123-456789abcdef,\\x00ff,"
                "2024-02-29 13:14:15.123456Z,13:14:15,100\n");
    expect_text(LIST("list<int64>", "date", "date"), LIST("[1,2]", "10000-01-01", "-0043-03-15"), 3,
                PAIRS("header", "no"), "\"[1,2]\",+10000-01-01,-0043-03-15\n");
}

static void csv_writer_quotes_only_what_needs_it(void **state)
{
    (void)state;
    expect_text(LIST("utf8", "utf8", "utf8", "utf8", "utf8"),
                LIST("plain text", "a,b", "say \"hi\"", "x\ny", "x\ry"), 5, PAIRS("header", "no"),
                "plain text,\"a,b\",\"say \"\"hi\"\"\",\"x\ny\",\"x\ry\"\n");
    expect_text(LIST("utf8", "utf8", "utf8", "utf8", "utf8"), LIST(" x", "x ", "\\.", "\\.x", "\t"),
                5, PAIRS("header", "no"), "\" x\",\"x \",\"\\.\",\\.x,\"\t\"\n");
    expect_text(LIST("utf8", "utf8", "utf8"), LIST("'x'", "it's", "a|'b'"), 3,
                PAIRS("header", "no"), "\"'x'\",it's,a|'b'\n");
}

static void csv_writer_tells_null_from_the_empty_text(void **state)
{
    (void)state;
    expect_text(LIST("utf8", "utf8", "int64"), LIST("", NULL, NULL), 3, NULL, "a,b,c\n\"\",,\n");
    expect_text(LIST("utf8", "utf8", "utf8", "int64"), LIST("", NULL, "NA", "1"), 4,
                PAIRS("null", "NA", "header", "no"), "\"\",NA,\"NA\",1\n");
    expect_text(LIST("int64", "int64", "float64"), LIST("0", NULL, "0"), 3,
                PAIRS("null", "0", "header", "no"), "\"0\",0,\"0\"\n");
}

static void csv_writer_keeps_to_its_options(void **state)
{
    (void)state;
    expect_text(LIST("int64", "utf8"), LIST("1", "a;b"), 2,
                PAIRS("delimiter", ";", "line-ending", "crlf"), "a;b\r\n1;\"a;b\"\r\n");
    expect_text(LIST("int64", "utf8"), LIST("1", "it's"), 2,
                PAIRS("delimiter", "tab", "quote", "'", "header", "false"), "1\t'it''s'\n");
    expect_text(LIST("int64", "date", "float64"), LIST("-1", "2024-02-29", "1.5"), 3,
                PAIRS("delimiter", "-", "header", "no"), "\"-1\"-\"2024-02-29\"-1.5\n");
}

static void csv_writer_refuses_options_that_make_no_sense(void **state)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    (void)state;
    build(LIST("int64"), 1, LIST("1"), 1, &schema, &batch);
    assert_int_equal(write_batches(&schema, &batch, 1, PAIRS("quote", ","), &out, &err),
                     LEAT_INVALID);
    assert_int_equal(write_batches(&schema, &batch, 1, PAIRS("delimiter", "a\nb"), &out, &err),
                     LEAT_INVALID);
    assert_int_equal(write_batches(&schema, &batch, 1, PAIRS("null", "a\nb"), &out, &err),
                     LEAT_INVALID);
    assert_int_equal(
        write_batches(&schema, &batch, 1, PAIRS("quote", "none", "quoting", "all"), &out, &err),
        LEAT_INVALID);
    assert_int_equal(write_batches(&schema, &batch, 1, PAIRS("delimeter", ","), &out, &err),
                     LEAT_INVALID);
    assert_string_equal(err.remedy, "did you mean --delimiter?");
    assert_int_equal(out.len, 0);
    lt_buf_done(&out);
    schema.release(&schema);
    batch.release(&batch);
}

static void csv_writer_writes_the_header_of_a_stream_without_batches(void **state)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT;
    (void)state;
    build(LIST("int64", "utf8"), 2, NULL, 0, &schema, &batch);
    assert_int_equal(write_batches(&schema, NULL, 0, NULL, &out, NULL), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "a,b\n");
    lt_buf_done(&out);
    schema.release(&schema);
    batch.release(&batch);
}

static void csv_writer_respects_the_offset_of_a_slice(void **state)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT;
    (void)state;
    build(LIST("int64", "utf8"), 2, LIST("1", "x", NULL, "y", "3", NULL), 3, &schema, &batch);
    assert_int_equal(lt_array_slice(&batch, 1, 2, NULL), LEAT_OK);
    assert_int_equal(write_batches(&schema, &batch, 1, NULL, &out, NULL), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "a,b\n,y\n3,\n");
    lt_buf_done(&out);
    schema.release(&schema);
    batch.release(&batch);
}

/* A random text that the type reads. */
static void random_value(const char *type, unsigned *seed, struct lt_buf *out)
{
    static const char *const pieces[] = {",",  "\"", "\n",       "\r",           " ", "x",  "\\.",
                                         "NA", ";",  "\xc3\xa9", "\xef\xbb\xbf", "'", "\t", "12",
                                         "\\N"};
    unsigned r = (unsigned)rand_r(seed);
    int64_t wide = (int64_t)(((uint64_t)r << 33) ^ ((uint64_t)(unsigned)rand_r(seed) << 11) ^ r);
    int status = LEAT_OK;
    if (!strcmp(type, "utf8")) {
        for (unsigned n = r % 5; n > 0 && !status; n--) {
            status = lt_buf_puts(out, pieces[(unsigned)rand_r(seed) % 15]);
        }
    } else if (!strcmp(type, "int64")) {
        status = lt_buf_printf(out, "%lld", (long long)(wide >> (r % 64)));
    } else if (!strcmp(type, "int32")) {
        status = lt_buf_printf(out, "%d", (int)(int32_t)wide);
    } else if (!strcmp(type, "float64")) {
        status = lt_buf_printf(out, "%.17g", (double)wide / (double)(r % 1000 + 1));
    } else if (!strcmp(type, "bool")) {
        status = lt_buf_puts(out, r & 1 ? "true" : "false");
    } else if (!strcmp(type, "date")) {
        status = lt_buf_printf(out, "%04u-%02u-%02u", r % 10000, r / 7 % 12 + 1, r / 91 % 28 + 1);
    } else if (!strcmp(type, "binary")) {
        status = lt_buf_puts(out, "\\x");
        for (unsigned n = r % 5; n > 0 && !status; n--) {
            status = lt_buf_printf(out, "%02x", (unsigned)rand_r(seed) % 256);
        }
    } else if (!strcmp(type, "decimal(12,3)")) {
        status = lt_buf_printf(out, "%s%u.%03u", r & 1 ? "-" : "", r % 999999999, r % 1000);
    } else if (!strcmp(type, "list<utf8>")) {
        status = lt_buf_printf(out, "[\"a,\\\"%u\",null]", r % 10);
    } else {
        status = lt_buf_printf(out, "%04u-%02u-%02u %02u:%02u:%02u.%06u%s", r % 10000,
                               r / 7 % 12 + 1, r / 91 % 28 + 1, r % 24, r / 3 % 60, r / 5 % 60,
                               r % 1000000, strcmp(type, "timestamptz") ? "" : "Z");
    }
    assert_int_equal(status, LEAT_OK);
}

/* Builds a random batch; its schema's columns are a, b, c ... */
static int64_t random_batch(unsigned *seed, struct ArrowSchema *schema, struct ArrowArray *batch)
{
    static const char *const all[] = {"utf8",       "int64",     "int32",      "float64",
                                      "bool",       "date",      "binary",     "decimal(12,3)",
                                      "list<utf8>", "timestamp", "timestamptz"};
    const char *types[6];
    char *texts[6 * 20] = {NULL};
    int64_t n = 1 + rand_r(seed) % 6, rows = rand_r(seed) % 20;
    for (int64_t i = 0; i < n; i++) {
        types[i] = all[rand_r(seed) % 11];
    }
    for (int64_t i = 0; i < n * rows; i++) {
        struct lt_buf text = LT_BUF_INIT;
        if (rand_r(seed) % 5) {
            random_value(types[i % n], seed, &text);
            texts[i] = lt_buf_take(&text);
        }
    }
    build(types, n, (const char *const *)texts, rows, schema, batch);
    for (int64_t i = 0; i < n * rows; i++) {
        free(texts[i]);
    }
    return rows;
}

static void csv_gives_back_what_was_written_when_the_types_are_given(void **state)
{
    static const char *const dialects[][9] = {
        {NULL},
        {"delimiter", ";", "null", "NA", NULL},
        {"delimiter", "tab", "quote", "'", NULL},
        {"null", "\\N", NULL},
        {"null", "12", "delimiter", "x", NULL},
    };
    unsigned seed = 77001;
    (void)state;
    print_message("# seed %u\n", seed);
    for (int round = 0; round < 1500; round++) {
        struct ArrowSchema schema = {0};
        struct ArrowArray batch = {0};
        struct lt_buf out = LT_BUF_INIT, expected = LT_BUF_INIT;
        struct lt_format_options options = {.batch_rows_max = 1 + round % 7};
        struct dump dump;
        const char *const *pairs = dialects[round % 5];
        const char *read_pairs[11] = {"delimiter", ","};
        int64_t rows = random_batch(&seed, &schema, &batch);
        assert_int_equal(write_batches(&schema, &batch, 1, pairs, &out, NULL), LEAT_OK);
        for (size_t i = 0; pairs[i]; i++) {
            read_pairs[2 + i] = pairs[i];
        }
        options.schema = &schema;
        read_text_len(lt_buf_text(&out), out.len, (size_t)round % 3, &options, read_pairs, &dump);
        if (dump.status) {
            fail_msg("round %d: %s %s\n%s", round, dump.err.place, dump.err.message,
                     lt_buf_text(&out));
        }
        dump_rows(&schema, &batch, &expected);
        assert_int_equal(dump.n_rows, rows);
        assert_int_equal(dump.rows.len, expected.len);
        assert_string_equal(lt_buf_text(&dump.rows), lt_buf_text(&expected));
        dump_done(&dump);
        lt_buf_done(&out);
        lt_buf_done(&expected);
        schema.release(&schema);
        batch.release(&batch);
    }
}

static void csv_writer_tells_the_sinks_of_json_nulls_in_lists_and_goes_on(void **state)
{
    struct ArrowSchema schema = {0}, texts = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT;
    static const char *const which[] = {"", "l", "r"};
    static const char *const text[] = {"", "a,b\n1,\n2,\"[2,null]\"\n", "a,b\n2,\"[2,null]\"\n"};
    static const char *const words[] = {
        "", "lost row 1, column \"b\" [value-range]\n",
        "set aside row 1, column \"b\" [value-range] {\"a\":1,\"b\":[1,null]}\n"};
    (void)state;
    /* Built as text, then said to be json: a list read from JSON has nulls there. */
    build(LIST("int64", "list<utf8>"), 2, LIST("1", "[\"1\",\"null\"]", "2", "[\"2\",null]"), 2,
          &texts, &batch);
    assert_int_equal(lt_schema_copy(&texts, &schema, NULL), LEAT_OK);
    assert_int_equal(
        lt_schema_set_meta(schema.children[1]->children[0], LT_META_EXTENSION, "arrow.json", NULL),
        LEAT_OK);
    for (size_t i = 0; i < 3; i++) {
        struct lt_format_options options = {0};
        struct leat_error err = {0};
        struct told told;
        told_init(&told, which[i], &options);
        int status = write_with(&schema, &batch, 1, &options, NULL, &out, &err);
        assert_int_equal(status, i ? LEAT_OK : LEAT_BAD_DATA);
        assert_string_equal(err.place, i ? "" : "row 1, column \"b\"");
        assert_string_equal(i ? lt_buf_text(&out) : "", text[i]);
        assert_string_equal(lt_buf_text(&told.text), words[i]);
        lt_buf_done(&told.text);
        lt_buf_done(&out);
    }
    schema.release(&schema);
    texts.release(&texts);
    batch.release(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_writer_writes_the_exact_text_of_every_type),
        cmocka_unit_test(csv_writer_quotes_only_what_needs_it),
        cmocka_unit_test(csv_writer_tells_null_from_the_empty_text),
        cmocka_unit_test(csv_writer_keeps_to_its_options),
        cmocka_unit_test(csv_writer_refuses_options_that_make_no_sense),
        cmocka_unit_test(csv_writer_writes_the_header_of_a_stream_without_batches),
        cmocka_unit_test(csv_writer_respects_the_offset_of_a_slice),
        cmocka_unit_test(csv_gives_back_what_was_written_when_the_types_are_given),
        cmocka_unit_test(csv_writer_tells_the_sinks_of_json_nulls_in_lists_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
