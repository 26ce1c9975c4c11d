/* Any bytes, read as CSV. The first three choose the options of reading, and the dialect that is
 * written afterwards. What must hold: nothing crashes; reads of one byte at a time, on several
 * threads, give what one large read gives; and what was read, written in any dialect and read again in it with the same
 * types, is the same, unless the dialect has no place for it and says so. */
#include "text_fuzz.h"

struct result {
    struct ArrowSchema schema;
    struct lt_buf text;    /* schema, and all values as text */
    struct lt_buf written; /* the same as CSV again */
    struct lt_buf explained;
    int64_t rejects;
    int status;
    bool refused; /* what was read has no place in the dialect written */
    struct leat_error err, write_err;
};

static int count_reject(void *arg, const struct leat_reject *reject, struct leat_error *err)
{
    struct result *result = arg;
    (void)err;
    CHECK(reject->place[0] && reject->code[0] && reject->reason[0]);
    result->rejects++;
    return LEAT_OK;
}

static void write_one(const struct lt_format *csv, struct lt_format_writer *writer,
                      const struct ArrowArray *batch, struct result *result, bool may_refuse)
{
    if (result->refused) {
        return;
    }
    int status = csv->write_batch(writer, batch, &result->write_err);
    CHECK(!status || (may_refuse && status == LEAT_BAD_DATA && result->write_err.place[0]));
    result->refused = status != 0;
}

/* `write_options` may be NULL: then nothing is written. */
static void read_all(const uint8_t *data, size_t len, size_t step,
                     struct lt_format_options *options,
                     const struct lt_format_options *write_options, bool may_refuse,
                     struct result *result)
{
    const struct lt_format *csv = lt_format_by_name("csv");
    struct short_source source;
    struct leat_reject_sink sink = {sizeof sink, result, count_reject};
    struct lt_format_reader *reader = NULL;
    struct lt_format_writer *writer = NULL;
    struct lt_sink *out = NULL;
    struct ArrowArray batch = {0};
    short_source_open(&source, "fuzz.csv", data, len, step);
    source.base.size = INT64_MAX; /* worth several threads, where one byte at a time is read */
    options->threads = step == 1 ? 3 : 1;
    *result = (struct result){.status = LEAT_OK};
    options->rejects = options->rejects ? &sink : NULL;
    result->status = csv->read_open(&source.base, options, &reader, &result->err);
    if (result->status) {
        return;
    }
    CHECK(!csv->read_schema(reader, &result->schema, NULL));
    CHECK(!csv->read_explain(reader, &result->explained) && result->explained.len);
    print_schema(&result->schema, &result->text);
    CHECK(!lt_sink_memory(&result->written, &out, NULL));
    int opened = csv->write_open(out, &result->schema, write_options, &writer, &result->write_err);
    CHECK(!opened || (may_refuse && opened == LEAT_BAD_DATA));
    result->refused = opened != 0;
    for (;;) {
        result->status = csv->read_next(reader, &batch, &result->err);
        if (result->status || !batch.release) {
            break;
        }
        print_batch(&result->schema, &batch, &result->text);
        write_one(csv, writer, &batch, result, may_refuse);
        batch.release(&batch);
        batch.release = NULL;
    }
    if (writer) {
        CHECK(!csv->write_finish(writer, NULL));
        csv->write_close(writer);
    }
    csv->read_close(reader);
    lt_sink_close(out);
}

static void result_done(struct result *result)
{
    lt_schema_done(&result->schema);
    lt_buf_done(&result->text);
    lt_buf_done(&result->written);
    lt_buf_done(&result->explained);
}

#define PAIRS_MAX 8

/* Options of one write and of the read after it; `sure`: nothing is without a place in it. */
static const struct style {
    bool sure;
    const char *both[2 * PAIRS_MAX];
    const char *writing[2 * PAIRS_MAX];
} styles[] = {
    {true, {"null", "NA", "delimiter", ",", "quote", "\""}, {NULL}},
    {true, {"delimiter", ",", "quote", "\""}, {"line-ending", "crlf"}},
    {true, {"delimiter", ";", "quote", "'"}, {"line-ending", "cr"}},
    {true, {"delimiter", "||", "quote", "\""}, {NULL}},
    {true, {"delimiter", "\xc2\xa7", "quote", "\"", "null", "-,NA,,x"}, {"quoting", "text"}},
    {true, {"delimiter", "\\x01", "quote", "\"", "escape", "\\"}, {"quoting", "all"}},
    {true, {"delimiter", ",", "quote", "\"", "escape", "\\", "comment", "#"}, {NULL}},
    {false, {"delimiter", ",", "quote", "\"", "null", "NA,x", "null-quoted", "true"}, {NULL}},
    {false, {"delimiter", "tab", "quote", "none"}, {NULL}},
    {false,
     {"delimiter", ",", "quote", "none", "escape", "\\", "null", "n", "comment", "#"},
     {NULL}},
    {true,
     {"delimiter", ",", "quote", "\"", "decimal", ",", "thousands", "point", "binary", "base64"},
     {NULL}},
    {false,
     {"delimiter", ",", "quote", "\"", "date-format", "%-d/%b/%y", "timestamp-format",
      "%d.%m.%Y %I:%M:%S.%f %p", "time-format", "%H%M%S%f", "true", "y,1", "false", "n,0"},
     {NULL}},
    {false, {"delimiter", ",", "quote", "\"", "encoding", "latin1"}, {NULL}},
    {false, {"delimiter", ",", "quote", "\"", "encoding", "shift_jis"}, {NULL}},
    {true, {"delimiter", ",", "quote", "\"", "encoding", "utf-16"}, {NULL}},
    {true, {"dialect", "rfc4180"}, {NULL}},
    {true, {"dialect", "postgres"}, {NULL}},
    {true, {"dialect", "postgres-text"}, {NULL}},
    {true, {"dialect", "excel", "delimiter", ","}, {NULL}},
    {true, {"dialect", "mysql"}, {NULL}},
    {true, {"dialect", "snowflake"}, {NULL}},
    {true, {"dialect", "redshift"}, {NULL}},
    {true, {"dialect", "bigquery"}, {NULL}},
};
#define STYLES_N (sizeof styles / sizeof styles[0])

static size_t add_pairs(struct leat_param *params, size_t n, const char *const *pairs)
{
    for (size_t i = 0; i < 2 * PAIRS_MAX && pairs[i]; i += 2) {
        params[n++] = (struct leat_param){pairs[i], pairs[i + 1]};
    }
    return n;
}

/* The first three bytes as options of reading. */
static size_t pick_options(const uint8_t pick[3], struct leat_param *params)
{
    static const char *const more[][2 * PAIRS_MAX] = {
        {NULL},
        {NULL},
        {"comment", "#", "skip-lines", "1"},
        {"delimiter", "||", "trim", "true"},
        {"escape", "\\", "escape-codes", "postgres"},
        {"escape", "\\", "escape-codes", "mysql", "null", "\\N,", "record-end", "lf"},
        {"escape", "'", "trim", "true", "comment", ";", "null-quoted", "true"},
        {"decimal", ",", "thousands", "'", "date-format", "%d/%m/%Y"},
        {"timestamp-format", "%a %b %e %H:%M:%S %Y", "true", "1", "false", "0", "record-end",
         "crlf"},
        {"encoding", "windows-1252", "record-end", "cr"},
        {"encoding", "utf-16le"},
        {"encoding", "shift_jis"},
        {"dialect", "postgres-text"},
        {"dialect", "mysql"},
        {"dialect", "excel"},
        {"dialect", "snowflake"},
    };
    static const char *const ragged[] = {"error", "fill", "drop-extra", "fit"};
    size_t n = 0;
    params[n++] = (struct leat_param){"header", pick[0] & 1 ? "yes" : pick[0] & 2 ? "auto" : "no"};
    params[n++] = (struct leat_param){"ragged", ragged[pick[0] >> 2 & 3]};
    params[n++] = (struct leat_param){"sample-rows", pick[0] & 16 ? "3" : "1000"};
    if (pick[0] & 32) {
        params[n++] = (struct leat_param){"quote", "none"};
    }
    if (pick[0] & 128) {
        params[n++] = (struct leat_param){"null", "NA"};
    }
    return add_pairs(params, n, more[pick[1] % (sizeof more / sizeof more[0])]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 3) {
        return 0;
    }
    const struct style *style = &styles[data[2] % STYLES_N];
    struct leat_param params[4 * PAIRS_MAX], writing[4 * PAIRS_MAX], again[4 * PAIRS_MAX];
    struct lt_format_options options = {.params = params, .batch_rows_max = 3};
    struct lt_format_options write_options = {.params = writing};
    struct leat_reject_sink wanted;
    struct result whole, parts, second;
    bool rejects = data[0] & 64;

    options.n_params = pick_options(data, params);
    write_options.n_params = add_pairs(writing, add_pairs(writing, 0, style->both), style->writing);
    options.rejects = rejects ? &wanted : NULL;
    read_all(data + 3, len - 3, SIZE_MAX, &options, &write_options, !style->sure, &whole);
    options.rejects = rejects ? &wanted : NULL;
    read_all(data + 3, len - 3, 1, &options, &write_options, !style->sure, &parts);
    CHECK(whole.status == parts.status && whole.rejects == parts.rejects);
    CHECK(!strcmp(whole.err.place, parts.err.place));
    CHECK(!strcmp(whole.err.message, parts.err.message));
    expect_same(&whole.text, &parts.text);

    if (whole.schema.release && !whole.refused) {
        struct lt_format_options third = {
            .params = again, .schema = &whole.schema, .schema_whole = true};
        third.n_params = add_pairs(again, 0, style->both);
        /* Text that holds zeros in turns looks like UTF-16, unless it is said what it is. */
        bool said = false;
        for (size_t i = 0; i < third.n_params; i++) {
            said |= !strcmp(again[i].name, "encoding");
        }
        if (!said) {
            again[third.n_params++] = (struct leat_param){"encoding", "utf-8"};
        }
        read_all(whole.written.data, whole.written.len, 7, &third, &write_options, !style->sure,
                 &second);
        /* Of no records nothing is written where there is no header. */
        CHECK(!second.status || !whole.written.len);
        if (!second.status) {
            expect_same(&whole.text, &second.text);
        }
        result_done(&second);
    }
    result_done(&whole);
    result_done(&parts);
    return 0;
}
