#include "csv_util.h"

#include "core/util.h"

#include <limits.h>

static void csv_reader_takes_lf_crlf_and_cr_as_ends_of_records(void **state)
{
    (void)state;
    expect_rows("a,b\n1,x\r\n2,y\n3,z", NULL, "a int64, b utf8", "1|x\n2|y\n3|z\n");
    expect_rows("a,b\r1,x\r2,y\r3,z\r", NULL, "a int64, b utf8", "1|x\n2|y\n3|z\n");
    expect_rows("a,b\r\n1,x\r", NULL, "a int64, b utf8", "1|x\n");
}

/* In a file of one column each such CR would make two records of one, and nobody would notice. */
static void csv_reader_refuses_lf_and_cr_alone_in_one_file(void **state)
{
    (void)state;
    expect_failure("a\nx\ry\nz\n", NULL, "corrupt-file", "orders.csv:2");
    expect_failure("a\r\n1\r2\r\n", NULL, "corrupt-file", "orders.csv:2");
    expect_failure("a\n\"x\"\ry\n", NULL, "corrupt-file", "orders.csv:2");
    expect_failure("a,b\n1,x\r2,y\n", NULL, "corrupt-file", "orders.csv:2");
    expect_failure("a\r1\r2\n3\r", NULL, "corrupt-file", "orders.csv:3");
    expect_failure("a\r\r\n1\r\r\n", NULL, "corrupt-file", "orders.csv:2");
    expect_rows("a\n\"x\ry\"\n", NULL, NULL, "x\ry\n");
    struct dump dump;
    read_text("a\nx\ry\n", NULL, &dump);
    assert_non_null(strstr(dump.err.message, "CR"));
    assert_non_null(strstr(dump.err.remedy, "CR"));
    dump_done(&dump);
}

static void csv_reader_gives_the_same_with_and_without_a_final_line_end(void **state)
{
    (void)state;
    expect_rows("a\n1\n2", NULL, "a int64", "1\n2\n");
    expect_rows("a\n1\n2\n", NULL, "a int64", "1\n2\n");
    expect_rows("a,b\n1,", NULL, NULL, "1|<null>\n");
}

static void csv_reader_keeps_a_quoted_newline_inside_the_field(void **state)
{
    (void)state;
    expect_rows("a,b\n\"x\r\ny\",\"p,q\"\n", NULL, "a utf8, b utf8", "x\r\ny|p,q\n");
}

static void csv_reader_reads_doubled_quotes_as_one(void **state)
{
    (void)state;
    expect_rows("a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n", NULL, NULL, "say \"hi\"|\"\n");
}

static void csv_reader_keeps_a_quote_inside_an_unquoted_field(void **state)
{
    (void)state;
    expect_rows("a,b\n5\" pipe,x\n", NULL, NULL, "5\" pipe|x\n");
}

static void csv_reader_tells_null_from_the_empty_text(void **state)
{
    (void)state;
    expect_rows("a,b\n,\"\"\n", NULL, "a utf8, b utf8", "<null>|\n");
    expect_rows("a,b,c\nNA,,\"NA\"\n", PAIRS("null", "NA"), "a utf8, b utf8, c utf8",
                "<null>||NA\n");
}

static void csv_reader_strips_a_byte_order_mark(void **state)
{
    (void)state;
    expect_rows("\xef\xbb\xbf\"a\",b\n1,2\n", NULL, "a int64, b int64", "1|2\n");
}

static void csv_reader_says_how_to_read_other_encodings_and_an_open_quote(void **state)
{
    struct dump dump;
    (void)state;
    read_text("a\nM\xfcnchen\n", NULL, &dump);
    assert_non_null(strstr(dump.err.remedy, "--encoding"));
    dump_done(&dump);
    read_text("a\n\"x\n", NULL, &dump);
    assert_non_null(strstr(dump.err.remedy, "--quote none"));
    dump_done(&dump);
}

static void csv_reader_finds_the_delimiter_of_the_first_lines(void **state)
{
    (void)state;
    expect_rows("a;b\n1,5;x\n2,5;y\n", NULL, "a utf8, b utf8", "1,5|x\n2,5|y\n");
    expect_rows("a\tb\n1\t2\n", NULL, "a int64, b int64", "1|2\n");
    expect_rows("a|b\n1|2\n", NULL, "a int64, b int64", "1|2\n");
    expect_rows("a\n\"x;y;z\"\n", NULL, "a utf8", "x;y;z\n");
    expect_rows("a;b\n1;2\n", PAIRS("delimiter", ","), "a;b utf8", "1;2\n");
}

static void csv_reader_names_columns_by_number_without_a_header(void **state)
{
    (void)state;
    expect_rows("1,x\n2,y\n", PAIRS("header", "no"), "column1 int64, column2 utf8", "1|x\n2|y\n");
    expect_rows("1,x\n2,y\n", PAIRS("header", "auto"), "column1 int64, column2 utf8", "1|x\n2|y\n");
    expect_rows("id,name\n2,y\n", PAIRS("header", "auto"), "id int64, name utf8", "2|y\n");
    expect_rows("x,x\n2,y\n", PAIRS("header", "auto"), "column1 utf8, column2 utf8", "x|x\n2|y\n");
}

static void csv_reader_names_both_columns_of_a_doubled_header(void **state)
{
    struct dump dump;
    (void)state;
    expect_failure("a,b,c,b\n1,2,3,4\n", NULL, "duplicate-column", "orders.csv:1");
    read_text("a,b,c,b\n1,2,3,4\n", NULL, &dump);
    assert_non_null(strstr(dump.err.message, "columns 2 and 4"));
    dump_done(&dump);
}

static void csv_reader_refuses_a_column_without_a_name(void **state)
{
    (void)state;
    expect_failure("a,\"\",c\n1,2,3\n", NULL, "corrupt-file", "orders.csv:1");
}

static void csv_reader_refuses_an_empty_input(void **state)
{
    (void)state;
    expect_failure("", NULL, "corrupt-file", "orders.csv");
    expect_failure("\xef\xbb\xbf", PAIRS("header", "no"), "corrupt-file", "orders.csv");
}

static void csv_reader_gives_the_columns_of_a_file_without_records(void **state)
{
    (void)state;
    expect_rows("a,b\n", NULL, "a utf8, b utf8", "");
    expect_rows("a,b", NULL, "a utf8, b utf8", "");
}

static void csv_reader_skips_empty_lines_unless_there_is_one_column(void **state)
{
    (void)state;
    expect_rows("a,b\n\n1,2\n\r\n\n3,4\n\n", NULL, NULL, "1|2\n3|4\n");
    expect_rows("a\n\n1\n\n", NULL, NULL, "<null>\n1\n<null>\n");
}

static void csv_reader_counts_physical_lines_in_places(void **state)
{
    (void)state;
    expect_failure("a,b\n\"1\n2\r\n3\r4\",x\n\n1\n", NULL, "corrupt-file", "orders.csv:7");
    expect_failure("a,b\r\n1,2\r\n3\r\n", NULL, "corrupt-file", "orders.csv:3");
}

static void csv_reader_refuses_records_of_the_wrong_length(void **state)
{
    (void)state;
    expect_failure("a,b\n1,2\n3\n", NULL, "corrupt-file", "orders.csv:3");
    expect_failure("a,b\n1,2\n3,4,5\n", NULL, "corrupt-file", "orders.csv:3");
    expect_failure("a,b\n1,2\n3,4,5\n", PAIRS("ragged", "fill"), "corrupt-file", "orders.csv:3");
    expect_rows("a,b,c\n1,2\n3\n", PAIRS("ragged", "fill", "null", "NA"), NULL,
                "1|2|<null>\n3|<null>|<null>\n");
}

/* A short record adds more fields than it has bytes; whether that outgrows the room made for a
 * block depends on how the memory grew, so that all widths are tried. */
static void csv_reader_fills_up_short_records_of_any_width(void **state)
{
    (void)state;
    for (int width = 2; width < 100; width++) {
        struct lt_buf text = LT_BUF_INIT, rows = LT_BUF_INIT;
        for (int i = 0; i < width; i++) {
            assert_int_equal(
                lt_buf_printf(&text, "%s%c%c", i ? "," : "", 'a' + i / 26, 'a' + i % 26), LEAT_OK);
        }
        for (int line = 0; line < 3; line++) {
            assert_int_equal(lt_buf_puts(&text, "\nx"), LEAT_OK);
            assert_int_equal(lt_buf_byte(&rows, 'x'), LEAT_OK);
            for (int i = 1; i < width; i++) {
                assert_int_equal(lt_buf_puts(&rows, "|<null>"), LEAT_OK);
            }
            assert_int_equal(lt_buf_byte(&rows, '\n'), LEAT_OK);
        }
        /* And one record of full width, for which no room may be left. */
        assert_int_equal(lt_buf_puts(&text, "\nx"), LEAT_OK);
        for (int i = 1; i < width; i++) {
            assert_int_equal(lt_buf_byte(&text, ','), LEAT_OK);
        }
        assert_int_equal(lt_buf_byte(&rows, 'x'), LEAT_OK);
        for (int i = 1; i < width; i++) {
            assert_int_equal(lt_buf_puts(&rows, "|<null>"), LEAT_OK);
        }
        assert_int_equal(lt_buf_byte(&rows, '\n'), LEAT_OK);
        expect_rows(lt_buf_text(&text), PAIRS("ragged", "fill"), NULL, lt_buf_text(&rows));
        lt_buf_done(&text);
        lt_buf_done(&rows);
    }
}

static void csv_reader_delivers_the_records_before_a_fault_first(void **state)
{
    struct dump dump;
    (void)state;
    read_text("a,b\n1,2\n3,4\n5\n", NULL, &dump);
    assert_int_equal(dump.status, LEAT_BAD_DATA);
    assert_string_equal(lt_buf_text(&dump.rows), "1|2\n3|4\n");
    dump_done(&dump);
}

static void csv_reader_names_the_line_of_a_quote_never_closed(void **state)
{
    (void)state;
    expect_failure("a,b\n1,2\n3,\"4\n5,6\n", NULL, "corrupt-file", "orders.csv:3");
    expect_failure("a,b\n1,2\n\"x\ny\",\"4\n5,6\n", NULL, "corrupt-file", "orders.csv:4");
}

static void csv_reader_refuses_text_after_a_closing_quote(void **state)
{
    (void)state;
    expect_failure("a,b\n\"1\"x,2\n", NULL, "corrupt-file", "orders.csv:2");
    expect_failure("a,b\n1,\"2\"x", NULL, "corrupt-file", "orders.csv:2");
}

static void csv_reader_takes_quotes_as_they_are_when_there_is_no_quote(void **state)
{
    (void)state;
    expect_rows("a,b\n\"1,2\"\n", PAIRS("quote", "none"), NULL, "\"1|2\"\n");
}

static void csv_reader_places_invalid_utf8_at_its_column(void **state)
{
    (void)state;
    expect_failure("id,name\n1,x\n2,\"\xc3(\"\n", NULL, "invalid-utf8",
                   "orders.csv:3 column \"name\"");
    expect_failure("id,name\n1,x\n2\xff,y\n", NULL, "invalid-utf8", "orders.csv:3 column \"id\"");
}

static void csv_reader_keeps_zero_bytes_in_text(void **state)
{
    static const char text[] = "a,b\nx\0y,z\n";
    static const char rows[] = "x\0y|z\n";
    struct dump dump;
    (void)state;
    read_text_len(text, sizeof text - 1, 0, NULL, NULL, &dump);
    assert_int_equal(dump.status, LEAT_OK);
    assert_int_equal(dump.rows.len, sizeof rows - 1);
    assert_memory_equal(dump.rows.data, rows, sizeof rows - 1);
    dump_done(&dump);
}

static void csv_reader_places_a_value_that_does_not_fit_the_inferred_type(void **state)
{
    struct dump dump;
    (void)state;
    expect_failure("id,total\n1,10\n2,x\n", PAIRS("sample-rows", "1"), "value-syntax",
                   "orders.csv:3 column \"total\"");
    expect_failure("id,total\n1,10\n2,99999999999999999999\n", PAIRS("sample-rows", "1"),
                   "value-range", "orders.csv:3 column \"total\"");
    read_text("id,total\n1,10\n2,x\n", PAIRS("sample-rows", "1"), &dump);
    assert_non_null(strstr(dump.err.remedy, "--cast total=utf8"));
    dump_done(&dump);
}

static void csv_reader_reports_the_first_bad_value_of_the_file(void **state)
{
    (void)state;
    expect_failure("a,b\n1,1\n2,x\ny,3\n", PAIRS("sample-rows", "1"), "value-syntax",
                   "orders.csv:3 column \"b\"");
    expect_failure("a,b\n1,1\nx,2\n3,y\n4\n", PAIRS("sample-rows", "1"), "value-syntax",
                   "orders.csv:3 column \"a\"");
    expect_failure("a,b\n1,1\nx,2\n3,\xff\n", PAIRS("sample-rows", "1"), "value-syntax",
                   "orders.csv:3 column \"a\"");
}

static void csv_reader_takes_types_that_were_given(void **state)
{
    (void)state;
    expect_rows("a,b,c\n1,007,2.50\n", PAIRS("types", "b=int32,c=decimal(10,2)", "types", "a=utf8"),
                "a utf8, b int32, c decimal(10,2)", "1|7|2.50\n");
    expect_rows("a\n[1,2]\n\"[3,null]\"\n", PAIRS("types", "a=list<int64>", "delimiter", ";"),
                "a list<int64>", "[1,2]\n[3,null]\n");
    expect_failure("a\n1\n", PAIRS("types", "z=int32"), "unknown-column", "");
    expect_failure("a\n1\n", PAIRS("types", "a"), "invalid", "");
}

static void csv_reader_suggests_the_column_meant_by_a_wrong_type_option(void **state)
{
    struct dump dump;
    (void)state;
    read_text("total,name\n1,x\n", PAIRS("types", "totl=int32"), &dump);
    assert_string_equal(dump.err.remedy, "did you mean \"total\"?");
    dump_done(&dump);
}

static void csv_reader_shows_no_line_ends_of_column_names_in_places(void **state)
{
    (void)state;
    expect_failure("\"a\nb\",c\n1,2\nx,3\n", PAIRS("sample-rows", "1"), "value-syntax",
                   "orders.csv:4 column \"a\"");
}

static void csv_reader_takes_types_from_a_schema_by_name(void **state)
{
    struct lt_format_options options = {0};
    struct ArrowSchema schema = {0};
    struct dump dump;
    (void)state;
    assert_int_equal(lt_schema_init_struct(&schema, 0, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&schema, "u", "b", 0, NULL, NULL), LEAT_OK);
    assert_int_equal(lt_schema_add_field(&schema, "s", "gone", 0, NULL, NULL), LEAT_OK);
    options.schema = &schema;
    read_text_len("a,b\n1,2\n", 8, 0, &options, NULL, &dump);
    assert_int_equal(dump.status, LEAT_OK);
    assert_string_equal(lt_buf_text(&dump.types), "a int64, b utf8");
    dump_done(&dump);
    schema.release(&schema);
}

/* Collects what was rejected; stops after `max`. */
struct rejects {
    struct lt_buf log;
    int n, max;
};

static int take_reject(void *arg, const struct leat_reject *reject, struct leat_error *err)
{
    struct rejects *rejects = arg;
    if (rejects->n++ == rejects->max) {
        return lt_fail(err, LT_E_TOO_MANY_REJECTS, "too many");
    }
    return lt_buf_printf(&rejects->log, "%s [%s] <%.*s>\n", reject->place, reject->code,
                         (int)reject->record_len, reject->record);
}

static void csv_reader_hands_bad_records_to_the_reject_sink_and_goes_on(void **state)
{
    static const char text[] = "a,b\n1,1\nx,2\n3\n4,\xff\n5,\"5\"\"\"\n6,6\n\"7\"7,7\n8,y\n9,9\n";
    for (size_t step = 0; step < 3; step++) {
        struct rejects rejects = {.max = 100};
        struct leat_reject_sink sink = {sizeof sink, &rejects, take_reject};
        struct lt_format_options options = {.rejects = &sink};
        struct dump dump;
        (void)state;
        read_text_len(text, sizeof text - 1, step, &options,
                      PAIRS("types", "a=int64,b=int64", "sample-rows", "0"), &dump);
        assert_int_equal(dump.status, LEAT_OK);
        assert_string_equal(lt_buf_text(&dump.rows), "1|1\n6|6\n9|9\n");
        assert_int_equal(rejects.n, 6);
        assert_non_null(
            strstr(lt_buf_text(&rejects.log), "orders.csv:3 column \"a\" [value-syntax] <x,2>\n"));
        assert_non_null(strstr(lt_buf_text(&rejects.log), "orders.csv:4 [corrupt-file] <3>\n"));
        assert_non_null(strstr(lt_buf_text(&rejects.log),
                               "orders.csv:5 column \"b\" [invalid-utf8] <4,\xff>\n"));
        assert_non_null(strstr(lt_buf_text(&rejects.log),
                               "orders.csv:6 column \"b\" [value-syntax] <5,\"5\"\"\">\n"));
        assert_non_null(
            strstr(lt_buf_text(&rejects.log), "orders.csv:8 [corrupt-file] <\"7\"7,7>\n"));
        dump_done(&dump);
        lt_buf_done(&rejects.log);
    }
}

static void csv_reader_stops_when_the_reject_sink_refuses(void **state)
{
    struct rejects rejects = {.max = 1};
    struct leat_reject_sink sink = {sizeof sink, &rejects, take_reject};
    struct lt_format_options options = {.rejects = &sink};
    struct dump dump;
    (void)state;
    read_text_len("a\n1\nx\ny\n2\n", 10, 0, &options, PAIRS("types", "a=int64"), &dump);
    assert_string_equal(dump.err.code, "too-many-rejects");
    dump_done(&dump);
    lt_buf_done(&rejects.log);
}

static void csv_reader_closes_batches_at_rows_and_at_bytes(void **state)
{
    struct lt_buf text = LT_BUF_INIT;
    struct lt_format_options options = {.batch_rows_max = 10};
    struct dump dump;
    (void)state;
    assert_int_equal(lt_buf_puts(&text, "a,b\n"), LEAT_OK);
    for (int i = 0; i < 95; i++) {
        assert_int_equal(lt_buf_printf(&text, "%d,some text of row %d\n", i, i), LEAT_OK);
    }
    read_text_len(lt_buf_text(&text), text.len, 0, &options, NULL, &dump);
    assert_int_equal(dump.batches, 10);
    assert_int_equal(dump.n_rows, 95);
    dump_done(&dump);
    options = (struct lt_format_options){.batch_bytes_max = 1};
    read_text_len(lt_buf_text(&text), text.len, 0, &options, NULL, &dump);
    assert_int_equal(dump.batches, 95);
    assert_int_equal(dump.n_rows, 95);
    dump_done(&dump);
    lt_buf_done(&text);
}

/* Text full of special bytes, from a fixed seed. */
static void random_text(unsigned *seed, struct lt_buf *out)
{
    static const char filler[] = "long enough to fill more than one block of sixty-four bytes of "
                                 "text without any special byte inside of it";
    static const char *const pieces[] = {",",        ",",          "\n",  "\r\n", "\r",
                                         "\"",       "\"\"",       "x",   "12",   filler,
                                         "\"a\nb\"", "\"q\"\"q\"", "1.5", "",     "\xc3\xa9"};
    int n = rand_r(seed) % 60;
    assert_int_equal(lt_buf_puts(out, "a,b\n"), LEAT_OK);
    for (int i = 0; i < n; i++) {
        int pick = rand_r(seed) % (int)(sizeof pieces / sizeof *pieces);
        assert_int_equal(lt_buf_puts(out, pieces[pick]), LEAT_OK);
    }
}

static void csv_reader_gives_the_same_whatever_the_size_of_reads(void **state)
{
    unsigned seed = 20261;
    (void)state;
    print_message("# seed %u\n", seed);
    for (int round = 0; round < 2000; round++) {
        static const size_t steps[] = {1, 2, 3, 7, 63, 64, 65};
        struct lt_format_options options = {.batch_rows_max = 1 + rand_r(&seed) % 5};
        struct lt_buf text = LT_BUF_INIT;
        struct dump whole, parts;
        const char *const *pairs =
            rand_r(&seed) & 1 ? PAIRS("ragged", "fill") : PAIRS("sample-rows", "2");
        random_text(&seed, &text);
        read_text_len(lt_buf_text(&text), text.len, 0, &options, pairs, &whole);
        read_text_len(lt_buf_text(&text), text.len, steps[round % 7], &options, pairs, &parts);
        assert_int_equal(whole.status, parts.status);
        assert_string_equal(whole.err.place, parts.err.place);
        assert_string_equal(whole.err.message, parts.err.message);
        assert_string_equal(lt_buf_text(&whole.types), lt_buf_text(&parts.types));
        assert_string_equal(lt_buf_text(&whole.rows), lt_buf_text(&parts.rows));
        dump_done(&whole);
        dump_done(&parts);
        lt_buf_done(&text);
    }
}

/* As read_text_len(), of an input that says it is large, for small ones are left to one thread. */
static void read_large(const struct lt_buf *text, size_t step, struct lt_format_options *options,
                       const char *const *pairs, struct dump *dump)
{
    struct leat_param params[MAX_PARAMS];
    struct short_source source;
    set_pairs(options, params, pairs);
    short_source_init(&source, lt_buf_text(text), text->len, step);
    source.base.size = INT64_C(1) << 30;
    dump_read(&source.base, options, dump);
}

static void expect_same_on_threads(unsigned *seed, const struct lt_buf *text,
                                   const char *const *pairs)
{
    struct lt_format_options options = {.batch_rows_max = 1 + rand_r(seed) % 5};
    struct dump one, many;
    size_t step = (size_t)(rand_r(seed) % 3);
    options.threads = 1;
    read_large(text, step, &options, pairs, &one);
    options.threads = 2 + rand_r(seed) % 4;
    read_large(text, step, &options, pairs, &many);
    assert_int_equal(one.status, many.status);
    assert_string_equal(one.err.place, many.err.place);
    assert_string_equal(one.err.message, many.err.message);
    assert_string_equal(lt_buf_text(&one.types), lt_buf_text(&many.types));
    assert_int_equal(one.batches, many.batches);
    assert_string_equal(lt_buf_text(&one.rows), lt_buf_text(&many.rows));
    dump_done(&one);
    dump_done(&many);
}

/* Batches of a few records are handed over at every kind of byte, for the records are random. */
static void csv_reader_gives_the_same_on_several_threads_in_every_dialect(void **state)
{
    static const char *const dialects[][8] = {
        {"ragged", "fit"},
        {"sample-rows", "1"},
        {"sample-rows", "0", "ragged", "fit"},
        {"quote", "none", "ragged", "fill"},
        {"escape", "\\", "ragged", "fit"},
        {"comment", "x", "trim", "true", "ragged", "fit"},
        {"delimiter", "ab", "record-end", "lf", "ragged", "fit"},
        {"record-end", "crlf", "escape", "q", "ragged", "fit"},
        {"encoding", "latin1", "ragged", "fit"},
        {"dialect", "postgres-text", "ragged", "fit"},
        {"dialect", "mysql", "ragged", "fit"},
    };
    unsigned seed = 61121;
    (void)state;
    print_message("# seed %u\n", seed);
    for (int round = 0; round < 1100; round++) {
        struct lt_buf text = LT_BUF_INIT;
        const char *const *pairs = dialects[round % (int)LT_ARRAY_LEN(dialects)];
        random_text(&seed, &text);
        expect_same_on_threads(&seed, &text, pairs);
        lt_buf_done(&text);
    }
}

static void csv_reader_on_several_threads_names_the_line_of_the_first_fault(void **state)
{
    (void)state;
    struct lt_buf text = LT_BUF_INIT;
    assert_int_equal(lt_buf_puts(&text, "a,b\n"), LEAT_OK);
    for (int i = 0; i < 2000; i++) {
        /* A record of two lines each: number i begins on line 2 * i + 2. */
        const char *id = i == 1500 ? "x" : "1";
        const char *rest = i == 1700 ? "2,3\n\n" : "\"\ny\"\n";
        assert_int_equal(lt_buf_printf(&text, "%s,%s", id, rest), LEAT_OK);
    }
    for (int threads = 1; threads < 5; threads++) {
        struct lt_format_options options = {.batch_rows_max = 7, .threads = threads};
        struct dump dump;
        read_large(&text, 0, &options, PAIRS("sample-rows", "100"), &dump);
        assert_string_equal(dump.err.code, "value-syntax");
        assert_string_equal(dump.err.place, "orders.csv:3002 column \"a\"");
        dump_done(&dump);
    }
    lt_buf_done(&text);
}

/* Bytes of a quoted field whose text is `n` times a doubled quote, a line end and some letters. */
static void append_long_field(struct lt_buf *out, int n)
{
    assert_int_equal(lt_buf_byte(out, '"'), LEAT_OK);
    for (int i = 0; i < n; i++) {
        assert_int_equal(lt_buf_puts(out, "\"\"\nabcdefg,"), LEAT_OK);
    }
    assert_int_equal(lt_buf_byte(out, '"'), LEAT_OK);
}

static void csv_reader_reads_fields_and_files_larger_than_its_blocks(void **state)
{
    const int n = 300000;
    struct lt_buf text = LT_BUF_INIT;
    struct dump dump;
    (void)state;
    assert_int_equal(lt_buf_puts(&text, "a,b\n"), LEAT_OK);
    for (int i = 0; i < 3; i++) {
        append_long_field(&text, i ? n : 0);
        for (int row = 0; row < 30000; row++) {
            assert_int_equal(lt_buf_printf(&text, ",%d\n%d", row, row), LEAT_OK);
        }
        assert_int_equal(lt_buf_puts(&text, ",x\n"), LEAT_OK);
    }
    assert_int_equal(lt_buf_puts(&text, "bad\n"), LEAT_OK);
    read_text_len(lt_buf_text(&text), text.len, 0, NULL, PAIRS("types", "b=utf8"), &dump);
    assert_int_equal(dump.status, LEAT_BAD_DATA);
    assert_int_equal(dump.n_rows, 3 * 30001);
    assert_string_equal(lt_buf_text(&dump.types), "a utf8, b utf8");
    /* The header, three times 30,001 records, and the line ends inside the two long fields. */
    assert_string_equal(dump.err.place, "orders.csv:690005");
    assert_memory_equal(lt_buf_text(&dump.rows), "|0\n0|1\n1|2\n", 11);
    assert_non_null(strstr(lt_buf_text(&dump.rows), "abcdefg,\"\nabcdefg,|0\n0|1\n"));
    assert_true(dump.rows.len > (size_t)n * 2 * 10);
    dump_done(&dump);
    lt_buf_done(&text);
}

static void csv_reader_infers_types_from_the_first_four_mebibytes_at_most(void **state)
{
    struct lt_buf text = LT_BUF_INIT;
    struct dump dump;
    (void)state;
    assert_int_equal(lt_buf_puts(&text, "a,b\n"), LEAT_OK);
    for (int i = 0; i < 3; i++) {
        append_long_field(&text, 200000);
        assert_int_equal(lt_buf_printf(&text, ",%d\n", i), LEAT_OK);
    }
    assert_int_equal(lt_buf_puts(&text, "late,x\n"), LEAT_OK);
    read_text_len(lt_buf_text(&text), text.len, 0, NULL, NULL, &dump);
    assert_string_equal(lt_buf_text(&dump.types), "a utf8, b int64");
    assert_string_equal(dump.err.code, "value-syntax");
    dump_done(&dump);
    lt_buf_done(&text);
}

static void csv_reader_finds_the_good_record_after_many_rejected_ones(void **state)
{
    const struct lt_format *csv = lt_format_by_name("csv");
    struct rejects rejects = {.max = INT_MAX};
    struct leat_reject_sink sink = {sizeof sink, &rejects, take_reject};
    struct lt_format_options options = {.rejects = &sink};
    struct lt_format_reader *reader = NULL;
    struct ArrowArray batch = {0};
    struct short_source source;
    struct lt_buf text = LT_BUF_INIT;
    (void)state;
    assert_int_equal(lt_buf_puts(&text, "a,b\n"), LEAT_OK);
    for (int i = 0; i < 40000; i++) {
        assert_int_equal(lt_buf_puts(&text, "a record of one field that is too long to keep\n"),
                         LEAT_OK);
    }
    assert_int_equal(lt_buf_puts(&text, "1,2\n"), LEAT_OK);
    short_source_init(&source, text.data, text.len, 1000);
    assert_int_equal(csv->read_open(&source.base, &options, &reader, NULL), LEAT_OK);
    assert_int_equal(csv->read_next(reader, &batch, NULL), LEAT_OK);
    assert_int_equal(batch.length, 1);
    assert_int_equal(rejects.n, 40000);
    batch.release(&batch);
    csv->read_close(reader);
    lt_buf_done(&rejects.log);
    lt_buf_done(&text);
}

static void csv_reader_fails_the_same_way_again_after_a_failure(void **state)
{
    const struct lt_format *csv = lt_format_by_name("csv");
    struct lt_format_reader *reader = NULL;
    struct short_source source;
    struct ArrowArray batch = {0};
    struct leat_error err;
    (void)state;
    short_source_init(&source, "a\n1\nx\n", 6, 0);
    struct leat_param param = {"types", "a=int64"};
    struct lt_format_options options = {.params = &param, .n_params = 1};
    assert_int_equal(csv->read_open(&source.base, &options, &reader, &err), LEAT_OK);
    for (int i = 0; i < 2; i++) {
        leat_error_clear(&err);
        assert_int_equal(csv->read_next(reader, &batch, &err), LEAT_BAD_DATA);
        assert_string_equal(err.code, "value-syntax");
        assert_null(batch.release);
    }
    csv->read_close(reader);
    csv->read_close(NULL);
}

static void csv_reader_loses_what_a_type_cannot_hold_and_keeps_the_record(void **state)
{
    const char *text = "a,b\n1,12:00\n900,24:00\nx,24:00\n-900,\n";
    const char *const *pairs = PAIRS("types", "a=int8,b=time");
    (void)state;
    expect_told(text, pairs, "lr", "1|12:00:00\n<null>|<null>\n<null>|<null>\n",
                "lost orders.csv:3 column \"a\" [value-range]\n"
                "lost orders.csv:3 column \"b\" [value-range]\n"
                "set aside orders.csv:4 column \"a\" [value-syntax] x,24:00\n"
                "lost orders.csv:5 column \"a\" [value-range]\n");
    expect_told(text, pairs, "r", "1|12:00:00\n",
                "set aside orders.csv:3 column \"a\" [value-range] 900,24:00\n"
                "set aside orders.csv:4 column \"a\" [value-syntax] x,24:00\n"
                "set aside orders.csv:5 column \"a\" [value-range] -900,\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_reader_takes_lf_crlf_and_cr_as_ends_of_records),
        cmocka_unit_test(csv_reader_refuses_lf_and_cr_alone_in_one_file),
        cmocka_unit_test(csv_reader_gives_the_same_with_and_without_a_final_line_end),
        cmocka_unit_test(csv_reader_keeps_a_quoted_newline_inside_the_field),
        cmocka_unit_test(csv_reader_reads_doubled_quotes_as_one),
        cmocka_unit_test(csv_reader_keeps_a_quote_inside_an_unquoted_field),
        cmocka_unit_test(csv_reader_tells_null_from_the_empty_text),
        cmocka_unit_test(csv_reader_strips_a_byte_order_mark),
        cmocka_unit_test(csv_reader_says_how_to_read_other_encodings_and_an_open_quote),
        cmocka_unit_test(csv_reader_finds_the_delimiter_of_the_first_lines),
        cmocka_unit_test(csv_reader_names_columns_by_number_without_a_header),
        cmocka_unit_test(csv_reader_names_both_columns_of_a_doubled_header),
        cmocka_unit_test(csv_reader_refuses_a_column_without_a_name),
        cmocka_unit_test(csv_reader_refuses_an_empty_input),
        cmocka_unit_test(csv_reader_gives_the_columns_of_a_file_without_records),
        cmocka_unit_test(csv_reader_skips_empty_lines_unless_there_is_one_column),
        cmocka_unit_test(csv_reader_counts_physical_lines_in_places),
        cmocka_unit_test(csv_reader_refuses_records_of_the_wrong_length),
        cmocka_unit_test(csv_reader_fills_up_short_records_of_any_width),
        cmocka_unit_test(csv_reader_delivers_the_records_before_a_fault_first),
        cmocka_unit_test(csv_reader_names_the_line_of_a_quote_never_closed),
        cmocka_unit_test(csv_reader_refuses_text_after_a_closing_quote),
        cmocka_unit_test(csv_reader_takes_quotes_as_they_are_when_there_is_no_quote),
        cmocka_unit_test(csv_reader_places_invalid_utf8_at_its_column),
        cmocka_unit_test(csv_reader_keeps_zero_bytes_in_text),
        cmocka_unit_test(csv_reader_places_a_value_that_does_not_fit_the_inferred_type),
        cmocka_unit_test(csv_reader_reports_the_first_bad_value_of_the_file),
        cmocka_unit_test(csv_reader_takes_types_that_were_given),
        cmocka_unit_test(csv_reader_suggests_the_column_meant_by_a_wrong_type_option),
        cmocka_unit_test(csv_reader_shows_no_line_ends_of_column_names_in_places),
        cmocka_unit_test(csv_reader_takes_types_from_a_schema_by_name),
        cmocka_unit_test(csv_reader_hands_bad_records_to_the_reject_sink_and_goes_on),
        cmocka_unit_test(csv_reader_stops_when_the_reject_sink_refuses),
        cmocka_unit_test(csv_reader_closes_batches_at_rows_and_at_bytes),
        cmocka_unit_test(csv_reader_gives_the_same_whatever_the_size_of_reads),
        cmocka_unit_test(csv_reader_gives_the_same_on_several_threads_in_every_dialect),
        cmocka_unit_test(csv_reader_on_several_threads_names_the_line_of_the_first_fault),
        cmocka_unit_test(csv_reader_reads_fields_and_files_larger_than_its_blocks),
        cmocka_unit_test(csv_reader_infers_types_from_the_first_four_mebibytes_at_most),
        cmocka_unit_test(csv_reader_finds_the_good_record_after_many_rejected_ones),
        cmocka_unit_test(csv_reader_fails_the_same_way_again_after_a_failure),
        cmocka_unit_test(csv_reader_loses_what_a_type_cannot_hold_and_keeps_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
