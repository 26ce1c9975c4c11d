/* Dialects and options of CSV, both directions. */
#include "csv_util.h"

#include "columnar/schema.h"

#include <stdio.h>

/* --- reading -------------------------------------------------------------------------------- */

static void csv_reader_splits_at_delimiters_of_several_bytes(void **state)
{
    (void)state;
    expect_rows("a||b||c\n1||x|y||\n", PAIRS("delimiter", "||"), "a int64, b utf8, c utf8",
                "1|x|y|<null>\n");
    expect_rows("a\x01"
                "b\n1\x01"
                "x\n",
                PAIRS("delimiter", "\\x01"), "a int64, b utf8", "1|x\n");
    expect_rows("a\xc2\xa7"
                "b\n\xc2\xa7\"p\xc2\xa7q\"\n",
                PAIRS("delimiter", "\xc2\xa7"), NULL, "<null>|p\xc2\xa7q\n");
    expect_rows("a|||b\n1|||2\n", PAIRS("delimiter", "||", "header", "no"), NULL, "a||b\n1||2\n");
    expect_failure("a||b\n\"x\"|1\n", PAIRS("delimiter", "||"), "corrupt-file", "orders.csv:2");
}

static void csv_reader_gives_the_same_whatever_the_size_of_reads_in_any_dialect(void **state)
{
    const char *text = "#c\n a || \"b\" \n\"x\"\"\\\"\"||y\\||\n  1  || \\N \n#||\n||\"\n#\"\n";
    const char *const pairs[] = {"delimiter", "||",   "escape", "\\",   "comment", "#",
                                 "trim",      "true", "null",   "\\N,", NULL};
    struct dump whole;
    (void)state;
    read_text(text, pairs, &whole);
    assert_int_equal(whole.status, LEAT_OK);
    assert_string_equal(lt_buf_text(&whole.rows), "x\"\"|y||\n1|<null>\n<null>|\n#\n");
    for (size_t step = 1; step < strlen(text); step++) {
        struct dump dump;
        read_text_len(text, strlen(text), step, NULL, pairs, &dump);
        assert_int_equal(dump.status, LEAT_OK);
        assert_string_equal(lt_buf_text(&dump.rows), lt_buf_text(&whole.rows));
        dump_done(&dump);
    }
    dump_done(&whole);
}

static void csv_reader_takes_the_meaning_off_an_escaped_character(void **state)
{
    (void)state;
    expect_rows("a,b\nx\\,y,\"p\\\"q\"\nl\\\nm,\\\"\n", PAIRS("escape", "\\"), NULL,
                "x,y|p\"q\nl\nm|\"\n");
    expect_rows("a,b\n\"doubled \"\" too\",\\n\n", PAIRS("escape", "\\"), NULL,
                "doubled \" too|n\n");
    expect_failure("a,b\n1,x\\", PAIRS("escape", "\\"), "corrupt-file", "orders.csv:2");
}

static void csv_reader_knows_the_escape_codes_of_postgres_and_mysql(void **state)
{
    struct dump dump;
    (void)state;
    expect_rows("a\tb\\tc\t\\N\t\\101\\x42\\\\\n", PAIRS("dialect", "postgres-text"), NULL,
                "a|b\tc|<null>|AB\\\n");
    expect_rows("\\b\\f\\n\\r\\v\\q\\x\t1\n", PAIRS("dialect", "postgres-text"), NULL,
                "\b\f\n\r\vqx|1\n");
    expect_rows("a\\Z\\t\t\\N\tx\\N\r\\\ny\n", PAIRS("dialect", "mysql"), NULL,
                "a\x1a\t|<null>|xN\r\ny\n");
    read_text("\\0\n", PAIRS("dialect", "mysql"), &dump);
    assert_int_equal(dump.rows.len, 2);
    assert_int_equal(dump.rows.data[0], 0);
    dump_done(&dump);
    expect_failure("a\n\\xff\n", PAIRS("dialect", "postgres-text"), "invalid-utf8",
                   "orders.csv:2 column \"column1\"");
}

static void csv_reader_ends_at_the_end_mark_of_copy_and_takes_nothing_after_it(void **state)
{
    (void)state;
    expect_rows("1\tx\n2\ty\n\\.\n", PAIRS("dialect", "postgres-text"), NULL, "1|x\n2|y\n");
    expect_rows("1\n\\.", PAIRS("dialect", "postgres-text"), NULL, "1\n");
    expect_failure("1\tx\n\\.\n2\ty\n", PAIRS("dialect", "postgres-text"), "corrupt-file",
                   "orders.csv:3");
}

static void csv_reader_skips_comments_and_the_lines_before_the_header(void **state)
{
    (void)state;
    expect_rows("# made by, hand\na,b\n#\"\n1,#2\n\"#3\",4\n# end", PAIRS("comment", "#"), NULL,
                "1|#2\n#3|4\n");
    expect_rows("Report \"of\nMay\n\na;b\n1;2\n", PAIRS("skip-lines", "3"), "a int64, b int64",
                "1|2\n");
    expect_rows("Report\r1\ra,b\r1,2\r", PAIRS("skip-lines", "2"), NULL, "1|2\n");
    expect_rows("Report\r\n\r\na,b\r\n1,2\r\n", PAIRS("skip-lines", "2"), NULL, "1|2\n");
    expect_failure("x\ny\n", PAIRS("skip-lines", "5"), "corrupt-file", "orders.csv");
    expect_failure("a\n", PAIRS("skip-lines", "-1"), "invalid", "");
}

static void csv_reader_counts_lines_of_preamble_comments_and_quoted_line_ends(void **state)
{
    (void)state;
    expect_failure("pre\namble\n#c\na,b\n\"x\ny\",1\n#c\n1\n",
                   PAIRS("skip-lines", "2", "comment", "#"), "corrupt-file", "orders.csv:8");
    expect_failure("a\tb\n1\\\n2\tx\n3\n", PAIRS("dialect", "mysql"), "corrupt-file",
                   "orders.csv:4");
    expect_failure("a\r\n\"x\ny\r\nz\",1\r\n", PAIRS("record-end", "crlf", "delimiter", ","),
                   "corrupt-file", "orders.csv:2");
}

static void csv_reader_takes_several_null_markers_and_quoted_ones_if_told(void **state)
{
    (void)state;
    expect_rows("a,b,c,d\nNA,NULL,\\N,\n\"NA\",NAN,x,\"\"\n", PAIRS("null", "NA,NULL,\\N"), NULL,
                "<null>|<null>|<null>|\nNA|NAN|x|\n");
    expect_rows("a,b\nNA,\n", PAIRS("null", "NA,"), NULL, "<null>|<null>\n");
    expect_rows("a,b\n\"NA\",\"\"\n", PAIRS("null", "NA,", "null-quoted", "true"), NULL,
                "<null>|<null>\n");
    expect_rows("a\n1\nNA\n3\n", PAIRS("null", "NA,NULL"), "a int64", "1\n<null>\n3\n");
}

static void csv_reader_trims_unquoted_fields_and_around_quotes(void **state)
{
    (void)state;
    expect_rows(" a , \"b\"\t,c\n 1 ,  \" x \" , NA \n", PAIRS("trim", "true", "null", "NA"),
                "a int64, b utf8, c utf8", "1| x |<null>\n");
    expect_rows("a,b\n x, \"y\"\n", NULL, NULL, " x| \"y\"\n");
    expect_failure("a\n \"x\" y\n", PAIRS("trim", "true"), "corrupt-file", "orders.csv:2");
}

static void csv_reader_drops_or_fills_ragged_records_as_told(void **state)
{
    const char *text = "a,b\n1\n1,2,3\n";
    (void)state;
    expect_failure(text, NULL, "corrupt-file", "orders.csv:2");
    expect_failure(text, PAIRS("ragged", "fill"), "corrupt-file", "orders.csv:3");
    expect_failure(text, PAIRS("ragged", "drop-extra"), "corrupt-file", "orders.csv:2");
    expect_rows(text, PAIRS("ragged", "fit"), NULL, "1|<null>\n1|2\n");
    expect_rows(text, PAIRS("ragged", "fit", "trim", "true"), NULL, "1|<null>\n1|2\n");
}

static void csv_reader_ends_records_only_where_told(void **state)
{
    (void)state;
    expect_rows("a,b\n1,x\ry\n2,\r\n", PAIRS("record-end", "lf"), NULL, "1|x\ry\n2|\r\n");
    expect_rows("a,b\r\n1,x\ny\r\n2,\"p\"\r\n", PAIRS("record-end", "crlf"), NULL, "1|x\ny\n2|p\n");
    expect_rows("a,b\r1,x\ny\r", PAIRS("record-end", "cr"), NULL, "1|x\ny\n");
}

static void csv_reader_reads_numbers_with_the_marks_of_a_country(void **state)
{
    (void)state;
    expect_rows("a;b;c\n1.234;1.234,5;x,5\n-12;0,25;1.5\n", PAIRS("decimal", ",", "thousands", "."),
                "a int64, b float64, c utf8", "1234|1234.5|x,5\n-12|0.25|1.5\n");
    expect_rows("a\n1 234 567\n", PAIRS("thousands", "space", "delimiter", ","), "a int64",
                "1234567\n");
    expect_rows("a\n1\xc2\xa0"
                "234\n",
                PAIRS("thousands", "\xc2\xa0"), "a int64", "1234\n");
    /* A mark in the wrong place is no mark, and a point no decimal one. */
    expect_rows("a;b\n1.5;12.34.567\n", PAIRS("decimal", ",", "thousands", "."), "a utf8, b utf8",
                "1.5|12.34.567\n");
    expect_rows("a;b\n1.5;1e3\n", PAIRS("decimal", ","), "a utf8, b float64", "1.5|1000\n");
    expect_failure("a;b\n1,5;1\n1.5;1\n",
                   PAIRS("decimal", ",", "types", "a=decimal(10,2)", "thousands", "."),
                   "value-syntax", "orders.csv:3 column \"a\"");
    expect_rows("a;b\n1.000,50;1\n",
                PAIRS("decimal", ",", "types", "a=decimal(10,2)", "thousands", "."), NULL,
                "1000.50|1\n");
    expect_failure("a\n1\n", PAIRS("decimal", "5"), "invalid", "");
    expect_failure("a\n1\n", PAIRS("decimal", ",", "thousands", ","), "invalid", "");
}

static void csv_reader_reads_dates_and_times_by_pattern(void **state)
{
    (void)state;
    expect_rows("a,b,c\n29/02/2024,29.02.2024 13:14:15.25,1:02 PM\n",
                PAIRS("date-format", "%d/%m/%Y", "timestamp-format", "%d.%m.%Y %H:%M:%S.%f",
                      "time-format", "%I:%M %p"),
                "a date, b timestamp, c time", "2024-02-29|2024-02-29 13:14:15.250|13:02:00\n");
    expect_rows("a\n20240229T131415+0530\n", PAIRS("timestamp-format", "%Y%m%dT%H%M%S%z"),
                "a timestamptz", "2024-02-29 07:44:15Z\n");
    expect_rows("a\nThu Feb 29 2024\n", PAIRS("date-format", "%a %b %d %Y"), "a date",
                "2024-02-29\n");
    expect_rows("a\n31/12/70\n", PAIRS("date-format", "%D"), "a utf8", "31/12/70\n");
    expect_rows("a\n12/31/70\n", PAIRS("date-format", "%D"), "a date", "1970-12-31\n");
    /* With a pattern, the usual form is text; a day that is none fits no pattern. */
    expect_rows("a\n2024-02-29\n", PAIRS("date-format", "%d/%m/%Y"), "a utf8", "2024-02-29\n");
    expect_rows("a\n30/02/2024\n", PAIRS("date-format", "%d/%m/%Y"), "a utf8", "30/02/2024\n");
    expect_failure("a\nFri Feb 29 2024\n", PAIRS("date-format", "%a %b %d %Y", "types", "a=date"),
                   "value-syntax", "orders.csv:2 column \"a\"");
    expect_failure("a\n", PAIRS("date-format", "%d/%m"), "invalid", "--date-format");
    expect_failure("a\n", PAIRS("date-format", "%d/%m/%Y %H"), "invalid", "--date-format");
    expect_failure("a\n", PAIRS("time-format", "%I:%M"), "invalid", "--time-format");
    expect_failure("a\n", PAIRS("timestamp-format", "%Y-%m-%d %Q"), "invalid",
                   "--timestamp-format");
}

static void csv_reader_takes_words_for_booleans_and_bytes_in_base64(void **state)
{
    (void)state;
    expect_rows("a,b\nja,1\nNein,2\n", PAIRS("true", "ja,j", "false", "nein,n"), "a bool, b int64",
                "true|1\nfalse|2\n");
    expect_rows("a,b,c\n1,1,true\n0,2,false\n", PAIRS("true", "1", "false", "0"),
                "a bool, b int64, c utf8", "true|1|true\nfalse|2|false\n");
    expect_rows("a\nAP8=\n\"\"\n", PAIRS("binary", "base64", "types", "a=binary"), NULL,
                "\\x00ff\n\\x\n");
    expect_rows("a\n00fF\n", PAIRS("binary", "plain-hex", "types", "a=binary"), NULL, "\\x00ff\n");
    expect_failure("a\nAP9=\n", PAIRS("binary", "base64", "types", "a=binary"), "value-syntax",
                   "orders.csv:2 column \"a\"");
    expect_failure("a\nA\n", PAIRS("binary", "base64", "types", "a=binary"), "value-syntax",
                   "orders.csv:2 column \"a\"");
    expect_failure("a\n1\n", PAIRS("true", "1"), "invalid", "");
    expect_failure("a\n1\n", PAIRS("true", "1,x", "false", "X"), "invalid", "");
}

/* --- encodings ------------------------------------------------------------------------------ */

static void expect_bytes(const char *bytes, size_t len, const char *const *pairs, const char *rows)
{
    for (size_t step = 0; step < 4; step++) {
        struct dump dump;
        read_text_len(bytes, len, step, NULL, pairs, &dump);
        if (dump.status) {
            fail_msg("[%s] %s: %s", dump.err.code, dump.err.place, dump.err.message);
        }
        assert_string_equal(lt_buf_text(&dump.rows), rows);
        dump_done(&dump);
    }
}
#define BYTES(text) text, sizeof(text) - 1

static void csv_reader_decodes_other_encodings(void **state)
{
    (void)state;
    expect_bytes(BYTES("a\nM\xfcnchen \x80\n"), PAIRS("encoding", "windows-1252"),
                 "M\xc3\xbcnchen \xe2\x82\xac\n");
    expect_bytes(BYTES("a\n\x93\xfa\x96{\n"), PAIRS("encoding", "shift_jis"),
                 "\xe6\x97\xa5\xe6\x9c\xac\n");
    expect_bytes(BYTES("\xff\xfe"
                       "a\0\n\0\xfc\0\n\0"),
                 NULL, "\xc3\xbc\n");
    expect_bytes(BYTES("\xfe\xff\0a\0,\0b\0\n\0"
                       "1\0,\xd8\x3d\xde\0\0\n"),
                 NULL, "1|\xf0\x9f\x98\x80\n");
    expect_bytes(BYTES("a\0,\0b\0\r\0\n\0"
                       "1\0,\0x\0"),
                 NULL, "1|x\n"); /* no mark: the zeros tell */
}

static void expect_bytes_fail(const char *bytes, size_t len, const char *const *pairs,
                              const char *place, const char *words)
{
    for (size_t step = 0; step < 4; step++) {
        struct dump dump;
        read_text_len(bytes, len, step, NULL, pairs, &dump);
        assert_int_equal(dump.status, LEAT_BAD_DATA);
        assert_string_equal(dump.err.place, place);
        assert_non_null(strstr(dump.err.message, words));
        dump_done(&dump);
    }
}

static void csv_reader_names_line_and_offset_of_what_an_encoding_does_not_know(void **state)
{
    (void)state;
    expect_bytes_fail(BYTES("a,b\n1,\xfc\n2,\x81\n"), PAIRS("encoding", "windows-1252"),
                      "orders.csv:3", "offset 10");
    expect_bytes_fail(BYTES("\xff\xfe"
                            "a\0\n\0\0\xd8x\0"),
                      NULL, "orders.csv:2", "offset 6");
    expect_bytes_fail(BYTES("\xff\xfe"
                            "a\0\n\0x"),
                      NULL, "orders.csv:2", "offset 6"); /* half a character at the end */
    expect_bytes_fail(BYTES("\xff\xfe"
                            "a\0,\0b\0\n\0\"\0\n\0\"\0,\0"
                            "1\0\n\0"
                            "2\0\n\0"),
                      NULL, "orders.csv:4", "instead of"); /* lines count as in UTF-8 */
    expect_failure("a\n", PAIRS("encoding", "no-such"), "invalid", "--encoding");
    expect_failure("a\n", PAIRS("encoding", "latin1//IGNORE"), "invalid", "--encoding");
}

static void csv_reader_delivers_the_records_before_text_it_cannot_decode(void **state)
{
    struct dump dump;
    (void)state;
    read_text("a,b\n1,x\n2,\x81\n", PAIRS("encoding", "windows-1252", "sample-rows", "0"), &dump);
    assert_int_equal(dump.status, LEAT_BAD_DATA);
    assert_string_equal(lt_buf_text(&dump.rows), "1|x\n");
    dump_done(&dump);
}

/* --- guessing ------------------------------------------------------------------------------- */

static void expect_explained(const char *text, const char *const *pairs, const char *words)
{
    const struct lt_format *csv = lt_format_by_name("csv");
    struct leat_param params[MAX_PARAMS];
    struct lt_format_options options = {0};
    struct lt_format_reader *reader = NULL;
    struct lt_buf out = LT_BUF_INIT;
    struct short_source source;
    set_pairs(&options, params, pairs);
    short_source_init(&source, text, strlen(text), 0);
    assert_int_equal(csv->read_open(&source.base, &options, &reader, NULL), LEAT_OK);
    assert_int_equal(csv->read_explain(reader, &out), LEAT_OK);
    assert_string_equal(lt_buf_text(&out), words);
    csv->read_close(reader);
    lt_buf_done(&out);
}

static void csv_reader_explains_what_it_found_and_was_told(void **state)
{
    (void)state;
    expect_explained("id;name\n1;'x;y'\n2;'z'\n", NULL,
                     "delimiter ';' (found), quote ''' (found), header, utf-8; types from 2 "
                     "records: id int64, name utf8");
    expect_explained("1\t\\N\n", PAIRS("dialect", "mysql"),
                     "dialect mysql, delimiter tab, no quotes, escape '\\', no header, utf-8, null "
                     "'\\N', records end in LF; types from 1 record: column1 int64, column2 utf8");
    expect_explained("a|b\n1,5|x\n",
                     PAIRS("decimal", ",", "thousands", ".", "header", "auto", "null", "NA,",
                           "encoding", "latin1", "types", "a=float64,b=utf8", "sample-rows", "0"),
                     "delimiter '|' (found), quote '\"', header (found), latin1, null 'NA' or '', "
                     "decimal ',', thousands '.'; types given: a float64, b utf8");
}

static void csv_reader_takes_single_quotes_only_where_they_enclose_fields(void **state)
{
    (void)state;
    expect_rows("a,b\n'x,y',1\n'it''s',2\n", NULL, NULL, "x,y|1\nit's|2\n");
    expect_rows("a,b\n'tis,1\nx',2\n", NULL, NULL, "'tis|1\nx'|2\n");
    expect_rows("a,b\n'x',\"1\"\n", NULL, NULL, "'x'|1\n");
    expect_rows("a,b\n'x',1\n", PAIRS("quote", "\""), NULL, "'x'|1\n");
    expect_rows("a,b\nx|'y',1\n", NULL, NULL, "x|'y'|1\n");
}

static void csv_reader_obeys_a_first_line_that_names_the_separator(void **state)
{
    (void)state;
    expect_rows("sep=|\r\na,1|b\r\nx|y\r\n", NULL, "a,1 utf8, b utf8", "x|y\n");
    expect_rows("\xef\xbb\xbf\"sep=;\"\na;b\n1,2;3\n", PAIRS("dialect", "excel"), NULL, "1,2|3\n");
    expect_rows("sep=;\n1\n", PAIRS("delimiter", ","), "sep=; int64", "1\n");
    expect_rows("sep=,\r\n\"sep=;\"\r\nx\r\n", PAIRS("dialect", "excel", "delimiter", ","),
                "sep=; utf8", "x\n");
    expect_rows("sep=;\n1\n", PAIRS("dialect", "excel", "delimiter", ","), "sep=; int64", "1\n");
    expect_failure("sep=;\na;b\n1\n", NULL, "corrupt-file", "orders.csv:3");
    expect_rows("sep=;\nx\ny\n", NULL, "x utf8", "y\n");
}

static void csv_reader_takes_a_lone_or_quoted_separator_line_for_a_header(void **state)
{
    (void)state;
    expect_rows("sep=;\n", PAIRS("types", "sep=;=int64"), "sep=; int64", "");
    expect_rows("sep=;\r\n\r\n", PAIRS("types", "sep=;=int64"), "sep=; int64", "<null>\n");
    expect_rows("\"sep=;\"\nx\ny\n", NULL, "sep=; utf8", "x\ny\n");
    expect_rows("sep=,\r\n\"sep=;\"\r\nx\r\n", PAIRS("dialect", "excel"), "sep=; utf8", "x\n");
}

static void csv_reader_lets_options_override_a_dialect_and_a_name_its_delimiter(void **state)
{
    struct short_source source;
    struct dump dump;
    struct leat_param params[] = {{"dialect", "postgres"}};
    struct lt_format_options options = {.params = params, .n_params = 1};
    (void)state;
    expect_rows("a;b\n1;\n", PAIRS("dialect", "postgres", "delimiter", ";", "header", "yes"), NULL,
                "1|<null>\n");
    short_source_init(&source, "1\t2,3\n", 6, 0);
    source.base.name = "x.tsv";
    dump_read(&source.base, &options, &dump);
    assert_string_equal(lt_buf_text(&dump.rows), "1|2,3\n");
    dump_done(&dump);
    expect_failure("a\n", PAIRS("quote", "#", "comment", "#"), "invalid", "");
    expect_failure("a\n", PAIRS("delimiter", "||", "escape", "|"), "invalid", "");
    expect_failure("a\n", PAIRS("delimiter", "123456789"), "invalid", "");
    expect_failure("a\n", PAIRS("dialect", "lotus"), "invalid", "");
}

static void csv_reader_reads_a_field_of_100_mb(void **state)
{
    const size_t big = (size_t)100 << 20;
    struct lt_buf text = LT_BUF_INIT;
    struct lt_format_options options = {0};
    struct short_source source;
    const struct lt_format *csv = lt_format_by_name("csv");
    struct lt_format_reader *reader = NULL;
    struct ArrowArray batch = {0};
    (void)state;
    assert_int_equal(lt_buf_puts(&text, "a,b\n1,\""), LEAT_OK);
    assert_int_equal(lt_buf_reserve(&text, big + 8), LEAT_OK);
    memset(text.data + text.len, 'x', big);
    text.len += big;
    assert_int_equal(lt_buf_puts(&text, "\"\n2,y\n"), LEAT_OK);
    short_source_init(&source, text.data, text.len, 0);
    assert_int_equal(csv->read_open(&source.base, &options, &reader, NULL), LEAT_OK);
    assert_int_equal(csv->read_next(reader, &batch, NULL), LEAT_OK);
    const int32_t *offsets = batch.children[1]->buffers[1];
    assert_int_equal(offsets[1], big);
    batch.release(&batch);
    csv->read_close(reader);
    lt_buf_done(&text);
}

/* --- writing -------------------------------------------------------------------------------- */

struct losses {
    int64_t n;
    char place[256], column[64];
};

static int note_loss(void *arg, const struct leat_reject *what, struct leat_error *err)
{
    struct losses *losses = arg;
    (void)err;
    losses->n++;
    snprintf(losses->place, sizeof losses->place, "%s", what->place);
    snprintf(losses->column, sizeof losses->column, "%s", what->column);
    return LEAT_OK;
}

/* Reads `text` (plain CSV, typed by `types`) and writes it with these options. */
static int rewrite(const char *text, const char *types, const char *const *pairs,
                   const struct leat_loss_sink *losses, struct lt_buf *out, struct leat_error *err)
{
    const struct lt_format *csv = lt_format_by_name("csv");
    struct leat_param params[MAX_PARAMS], reading[] = {{"types", types}, {"delimiter", ","}};
    struct lt_format_options options = {.losses = losses};
    struct lt_format_options how = {.params = reading, .n_params = 2};
    struct lt_format_reader *reader = NULL;
    struct lt_format_writer *writer = NULL;
    struct ArrowSchema schema = {0};
    struct lt_sink *sink = NULL;
    struct short_source source;
    set_pairs(&options, params, pairs);
    lt_buf_clear(out);
    short_source_init(&source, text, strlen(text), 0);
    assert_int_equal(csv->read_open(&source.base, &how, &reader, NULL), LEAT_OK);
    assert_int_equal(csv->read_schema(reader, &schema, NULL), LEAT_OK);
    assert_int_equal(lt_sink_memory(out, &sink, NULL), LEAT_OK);
    int status = csv->write_open(sink, &schema, &options, &writer, err);
    while (!status) {
        struct ArrowArray batch = {0};
        assert_int_equal(csv->read_next(reader, &batch, NULL), LEAT_OK);
        if (!batch.release) {
            break;
        }
        status = csv->write_batch(writer, &batch, err);
        batch.release(&batch);
    }
    status = status ? status : csv->write_finish(writer, err);
    csv->write_close(writer);
    csv->read_close(reader);
    lt_schema_done(&schema);
    lt_sink_close(sink);
    return status;
}

static void expect_written_bytes(const char *text, const char *types, const char *const *pairs,
                                 const char *wanted, size_t len)
{
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    if (rewrite(text, types, pairs, NULL, &out, &err)) {
        fail_msg("[%s] %s: %s", err.code, err.place, err.message);
    }
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, wanted, len);
    lt_buf_done(&out);
}

static void expect_written(const char *text, const char *types, const char *const *pairs,
                           const char *wanted)
{
    expect_written_bytes(text, types, pairs, wanted, strlen(wanted));
}

static void expect_refused(const char *text, const char *types, const char *const *pairs,
                           const char *code, const char *place)
{
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    assert_int_not_equal(rewrite(text, types, pairs, NULL, &out, &err), LEAT_OK);
    assert_string_equal(err.code, code);
    assert_string_equal(err.place, place);
    lt_buf_done(&out);
}

#define TEXTS "a,b\n,\"\"\n\"\\N\",NULL\n\"x\ty\",\"p\n\"\"q\"\"\\\"\n\\.,\" z\"\n"

static void csv_writer_keeps_null_and_empty_apart_in_every_dialect(void **state)
{
    (void)state;
    expect_written(TEXTS, "a=utf8,b=utf8", PAIRS("dialect", "rfc4180"),
                   "a,b\r\n,\"\"\r\n\\N,NULL\r\nx\ty,\"p\n\"\"q\"\"\\\"\r\n\"\\.\",\" z\"\r\n");
    expect_written(TEXTS, "a=utf8,b=utf8", PAIRS("dialect", "postgres"),
                   ",\"\"\n\\N,NULL\nx\ty,\"p\n\"\"q\"\"\\\"\n\"\\.\",\" z\"\n");
    expect_written(TEXTS, "a=utf8,b=utf8", PAIRS("dialect", "postgres-text"),
                   "\\N\t\n\\\\N\tNULL\nx\\ty\tp\\n\"q\"\\\\\n\\\\.\t z\n");
    expect_written(TEXTS, "a=utf8,b=utf8", PAIRS("dialect", "mysql"),
                   "\\N\t\n\\\\N\tNULL\nx\\ty\tp\\n\"q\"\\\\\n\\\\.\t z\n");
    expect_written(TEXTS, "a=utf8,b=utf8", PAIRS("dialect", "redshift"),
                   "\\N,\"\"\n\"\\N\",NULL\nx\ty,\"p\n\"\"q\"\"\\\"\n\"\\.\",\" z\"\n");
    expect_written(TEXTS, "a=utf8,b=utf8", PAIRS("dialect", "excel"),
                   "\xef\xbb\xbf"
                   "a,b\r\n,\"\"\r\n\\N,NULL\r\nx\ty,\"p\n\"\"q\"\"\\\"\r\n\"\\.\",\" z\"\r\n");
}

static void csv_writer_refuses_what_a_dialect_cannot_tell_apart(void **state)
{
    (void)state;
    expect_refused("a,b\n1,\n2,\"\"\n", "b=utf8", PAIRS("quote", "none"), "value-range",
                   "row 2, column \"b\"");
    expect_refused("a\nx\n\"p,q\"\n", "a=utf8", PAIRS("quote", "none"), "value-range",
                   "row 2, column \"a\"");
    expect_written("a\n\"p,q\"\n", "a=utf8", PAIRS("quote", "none", "delimiter", "tab"),
                   "a\np,q\n");
    expect_refused("a\nNA\n", "a=utf8", PAIRS("null", "NA", "null-quoted", "true"), "value-range",
                   "row 1, column \"a\"");
    expect_written("a\nNA\nNB\n", "a=utf8", PAIRS("null", "x,NA"), "a\n\"NA\"\nNB\n");
    /* An escape tells them apart where one letter stands for itself. */
    expect_written("a\nNA\n\n", "a=utf8",
                   PAIRS("quote", "none", "escape", "\\", "null", "NA", "header", "no"),
                   "\\NA\nNA\n");
    expect_refused("a\nnrt\n", "a=utf8", PAIRS("dialect", "postgres-text", "null", "nrt"),
                   "value-range", "row 1, column \"a\"");
}

static void csv_writer_quotes_and_escapes_as_told(void **state)
{
    (void)state;
    expect_written("a,b\n1,x\n,y\n", "b=utf8", PAIRS("quoting", "text"),
                   "\"a\",\"b\"\n1,\"x\"\n,\"y\"\n");
    expect_written("a,b\n1,x\n,y\n", "b=utf8", PAIRS("quoting", "all"),
                   "\"a\",\"b\"\n\"1\",\"x\"\n,\"y\"\n");
    expect_written("a\n\"x\"\"y\\z\"\n", "a=utf8", PAIRS("escape", "\\"), "a\n\"x\\\"y\\\\z\"\n");
    expect_written("a,b\n#x,#y\n", "a=utf8,b=utf8", PAIRS("comment", "#"), "a,b\n\"#x\",#y\n");
    expect_written("a,b\nx|y,1\n", "a=utf8", PAIRS("delimiter", "||"), "a||b\n\"x|y\"||1\n");
    expect_written("a,b\nx,1\n", "a=utf8", PAIRS("line-ending", "cr"), "a,b\rx,1\r");
}

static void csv_writer_keeps_a_column_named_like_a_separator_line(void **state)
{
    (void)state;
    expect_written("\"sep=;\"\nx\n", "sep=;=utf8", NULL, "\"sep=;\"\nx\n");
    expect_written("\"sep=a\"\nSEP=b\n", "sep=a=utf8", PAIRS("header", "no"), "\"SEP=b\"\n");
    expect_written("\"sep=;\"\nx\n", "sep=;=utf8", PAIRS("dialect", "excel"),
                   "\xef\xbb\xbfsep=,\r\n\"sep=;\"\r\nx\r\n");
}

static void csv_writer_writes_the_marks_words_and_patterns_of_a_country(void **state)
{
    const char *types = "n=int64,d=decimal(12,2),f=float64,t=date,s=timestamp,b=bool,x=binary";
    (void)state;
    expect_written("n,d,f,t,s,b,x\n-1234567,1234.50,0.5,2024-02-29,2024-02-29 "
                   "13:14:15.5,true,\\x00ff\n",
                   types,
                   PAIRS("delimiter", ";", "decimal", ",", "thousands", ".", "date-format",
                         "%d.%m.%Y", "timestamp-format", "%-d/%b/%y %I:%M:%S.%f %p", "true", "ja",
                         "false", "nein", "binary", "base64", "header", "no"),
                   "-1.234.567;1.234,50;0,5;29.02.2024;29/Feb/24 01:14:15.500000 PM;ja;AP8=\n");
    expect_written("d\n1.50\n", "d=decimal(5,2)", PAIRS("decimal", ","), "d\n\"1,50\"\n");
    expect_written("x\n\\x00ff\n", "x=binary", PAIRS("binary", "plain-hex"), "x\n00ff\n");
    expect_refused("s\n2024-02-29 13:14:15.5\n", "s=timestamp",
                   PAIRS("timestamp-format", "%Y-%m-%d %H:%M:%S"), "value-range",
                   "row 1, column \"s\"");
    expect_refused("s\n2024-02-29 13:00:00\n", "s=timestamp", PAIRS("timestamp-format", "%Y-%m-%d"),
                   "value-range", "row 1, column \"s\"");
    expect_refused("t\n1968-01-01\n", "t=date", PAIRS("date-format", "%d.%m.%y"), "value-range",
                   "row 1, column \"t\"");
    expect_refused("s\n2024-02-29 13:14:15Z\n", "s=timestamptz",
                   PAIRS("timestamp-format", "%Y-%m-%d %H:%M:%S"), "value-range",
                   "row 1, column \"s\"");
    expect_written("s\n2024-02-29 13:14:15+01:00\n", "s=timestamptz",
                   PAIRS("timestamp-format", "%Y-%m-%dT%H:%M:%SZ"), "s\n2024-02-29T12:14:15Z\n");
}

static void csv_writer_encodes_or_refuses_what_an_encoding_lacks(void **state)
{
    struct lt_buf out = LT_BUF_INIT;
    struct losses losses = {0};
    struct leat_loss_sink sink = {sizeof sink, &losses, note_loss};
    struct leat_error err = {0};
    const char *text = "a,b\nx,M\xc3\xbcnchen\ny,\xe2\x82\xac\n";
    (void)state;
    expect_written("a\nM\xc3\xbcnchen\n", "a=utf8", PAIRS("encoding", "latin1"), "a\nM\xfcnchen\n");
    expect_written(text, "a=utf8", PAIRS("encoding", "windows-1252"),
                   "a,b\nx,M\xfcnchen\ny,\x80\n");
    expect_refused(text, "a=utf8", PAIRS("encoding", "latin1"), "value-range",
                   "row 2, column \"b\"");
    assert_int_equal(rewrite(text, "a=utf8", PAIRS("encoding", "latin1"), &sink, &out, &err),
                     LEAT_OK);
    assert_string_equal(lt_buf_text(&out), "a,b\nx,M\xfcnchen\ny,\n");
    assert_int_equal(losses.n, 1);
    assert_string_equal(losses.column, "b");
    assert_string_equal(losses.place, "row 2, column \"b\"");
    lt_buf_done(&out);
    expect_written_bytes("a\n\xc3\xbc\n", "a=utf8", PAIRS("encoding", "utf-16"),
                         BYTES("\xff\xfe"
                               "a\0\n\0\xfc\0\n\0"));
    expect_written_bytes("a\nx\n", "a=utf8", PAIRS("encoding", "utf-16be"),
                         BYTES("\0a\0\n\0x\0\n"));
    expect_refused("\xc3\xbc\nx\n", "\xc3\xbc=utf8", PAIRS("encoding", "ascii"), "value-range",
                   "the header, column \"\xc3\xbc\"");
    expect_refused("a\nx\n", "a=utf8", PAIRS("encoding", "latin1", "bom", "true"), "invalid", "");
    expect_refused("a\nx\n", "a=utf8", PAIRS("encoding", "none-such"), "invalid", "--encoding");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_reader_splits_at_delimiters_of_several_bytes),
        cmocka_unit_test(csv_reader_gives_the_same_whatever_the_size_of_reads_in_any_dialect),
        cmocka_unit_test(csv_reader_takes_the_meaning_off_an_escaped_character),
        cmocka_unit_test(csv_reader_knows_the_escape_codes_of_postgres_and_mysql),
        cmocka_unit_test(csv_reader_ends_at_the_end_mark_of_copy_and_takes_nothing_after_it),
        cmocka_unit_test(csv_reader_skips_comments_and_the_lines_before_the_header),
        cmocka_unit_test(csv_reader_counts_lines_of_preamble_comments_and_quoted_line_ends),
        cmocka_unit_test(csv_reader_takes_several_null_markers_and_quoted_ones_if_told),
        cmocka_unit_test(csv_reader_trims_unquoted_fields_and_around_quotes),
        cmocka_unit_test(csv_reader_drops_or_fills_ragged_records_as_told),
        cmocka_unit_test(csv_reader_ends_records_only_where_told),
        cmocka_unit_test(csv_reader_reads_numbers_with_the_marks_of_a_country),
        cmocka_unit_test(csv_reader_reads_dates_and_times_by_pattern),
        cmocka_unit_test(csv_reader_takes_words_for_booleans_and_bytes_in_base64),
        cmocka_unit_test(csv_reader_decodes_other_encodings),
        cmocka_unit_test(csv_reader_names_line_and_offset_of_what_an_encoding_does_not_know),
        cmocka_unit_test(csv_reader_delivers_the_records_before_text_it_cannot_decode),
        cmocka_unit_test(csv_reader_explains_what_it_found_and_was_told),
        cmocka_unit_test(csv_reader_takes_single_quotes_only_where_they_enclose_fields),
        cmocka_unit_test(csv_reader_obeys_a_first_line_that_names_the_separator),
        cmocka_unit_test(csv_reader_takes_a_lone_or_quoted_separator_line_for_a_header),
        cmocka_unit_test(csv_writer_keeps_a_column_named_like_a_separator_line),
        cmocka_unit_test(csv_reader_lets_options_override_a_dialect_and_a_name_its_delimiter),
        cmocka_unit_test(csv_reader_reads_a_field_of_100_mb),
        cmocka_unit_test(csv_writer_keeps_null_and_empty_apart_in_every_dialect),
        cmocka_unit_test(csv_writer_refuses_what_a_dialect_cannot_tell_apart),
        cmocka_unit_test(csv_writer_quotes_and_escapes_as_told),
        cmocka_unit_test(csv_writer_writes_the_marks_words_and_patterns_of_a_country),
        cmocka_unit_test(csv_writer_encodes_or_refuses_what_an_encoding_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
