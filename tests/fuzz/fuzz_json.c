/* Any bytes, read as JSON Lines. The first two bytes choose options. What must hold: nothing
 * crashes; reads of one byte at a time give what one large read gives; and what was read, written
 * and read again with the same types, is the same. */
#include "text_fuzz.h"

#include "columnar/array.h"

struct result {
    struct ArrowSchema schema;
    struct lt_buf text;    /* schema, and all values as text */
    struct lt_buf written; /* the same as JSON again */
    struct lt_buf rejects; /* places and codes */
    int status;
    struct leat_error err;
};

static int keep_reject(void *arg, const struct leat_reject *reject, struct leat_error *err)
{
    struct result *result = arg;
    (void)err;
    CHECK(reject->place[0] && reject->code[0] && reject->reason[0]);
    CHECK(!lt_buf_printf(&result->rejects, "%s %s %s\n", reject->place, reject->code,
                         reject->reason));
    CHECK(!lt_buf_append(&result->rejects, reject->record, reject->record_len));
    return LEAT_OK;
}

static void read_all(const uint8_t *data, size_t len, size_t step,
                     struct lt_format_options *options, bool rejects,
                     const struct lt_format_options *write_options, struct result *result)
{
    const struct lt_format *json = lt_format_by_name("jsonl");
    struct short_source source;
    struct leat_reject_sink sink = {sizeof sink, result, keep_reject};
    struct lt_format_reader *reader = NULL;
    struct lt_format_writer *writer = NULL;
    struct lt_sink *out = NULL;
    struct ArrowArray batch = {0};
    short_source_open(&source, "fuzz.jsonl", data, len, step);
    *result = (struct result){.status = LEAT_OK};
    options->rejects = rejects ? &sink : NULL;
    result->status = json->read_open(&source.base, options, &reader, &result->err);
    if (result->status) {
        return;
    }
    CHECK(!json->read_schema(reader, &result->schema, NULL));
    CHECK(!lt_schema_check(&result->schema, NULL));
    print_schema(&result->schema, &result->text);
    CHECK(!json->read_explain(reader, &result->text));
    lt_buf_clear(&result->text);
    print_schema(&result->schema, &result->text);
    CHECK(!lt_sink_memory(&result->written, &out, NULL));
    CHECK(!json->write_open(out, &result->schema, write_options, &writer, NULL));
    for (;;) {
        result->status = json->read_next(reader, &batch, &result->err);
        if (result->status || !batch.release) {
            break;
        }
        CHECK(!lt_array_check(&result->schema, &batch, true, NULL));
        print_batch(&result->schema, &batch, &result->text);
        CHECK(!json->write_batch(writer, &batch, NULL));
        batch.release(&batch);
        batch.release = NULL;
    }
    CHECK(!json->write_finish(writer, NULL));
    json->write_close(writer);
    json->read_close(reader);
    lt_sink_close(out);
}

static void result_done(struct result *result)
{
    lt_schema_done(&result->schema);
    lt_buf_done(&result->text);
    lt_buf_done(&result->written);
    lt_buf_done(&result->rejects);
}

/* What was read, written and read again. json loses line ends between its tokens, so it is the
 * second writing that must be the same as the first. */
static void read_again(const struct result *first, const struct lt_format_options *write_options,
                       bool array)
{
    struct leat_param params[] = {{"json-input", array ? "array" : "lines"}};
    struct lt_format_options options = {.params = params,
                                        .n_params = 1,
                                        .schema = &first->schema,
                                        .schema_whole = true,
                                        .batch_rows_max = 5};
    struct result second;
    read_all(first->written.data, first->written.len, 7, &options, false, write_options, &second);
    CHECK(!second.status);
    /* With nulls left out a column that was never there comes last. */
    if (second.schema.n_children == first->schema.n_children &&
        lt_schema_same(&first->schema, &second.schema, true)) {
        expect_same(&first->written, &second.written);
    }
    result_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const doubled[] = {"error", "first", "last", "error"};
    static const char *const samples[] = {"1000", "0", "1", "3"};
    static const char *const layouts[] = {"auto", "lines", "array", "auto"};
    if (len < 2) {
        return 0;
    }
    unsigned pick = data[0] | (unsigned)data[1] << 8;
    bool rejects = pick & 1, array = pick & 2;
    struct leat_param params[] = {
        {"nested", pick & 4 ? "struct" : "json"},
        {"duplicate-keys", doubled[pick >> 3 & 3]},
        {"sample-rows", samples[pick >> 5 & 3]},
        {"json-input", layouts[pick >> 7 & 3]},
        {"unknown-keys", pick & 512 ? "ignore" : "error"},
        {"missing", pick & 1024 ? "error" : "null"},
        {"header", pick & 2048 ? "auto" : "no"},
        {"record-max", pick & 4096 ? "100" : "1MiB"},
        {"infer-strings", pick & 8192 ? "no" : "yes"},
    };
    struct leat_param writing[] = {{"json-layout", array ? "array" : "lines"},
                                   {"nulls", pick & 16384 ? "omit" : "keep"},
                                   {"json-numbers", pick & 32768 ? "string" : "number"}};
    struct lt_format_options options = {.params = params, .n_params = 9, .batch_rows_max = 3};
    struct lt_format_options write_options = {.params = writing, .n_params = 3};
    struct result whole, parts;

    read_all(data + 2, len - 2, SIZE_MAX, &options, rejects, &write_options, &whole);
    read_all(data + 2, len - 2, 1, &options, rejects, &write_options, &parts);
    CHECK(whole.status == parts.status);
    CHECK(!strcmp(whole.err.place, parts.err.place));
    CHECK(!strcmp(whole.err.message, parts.err.message));
    expect_same(&whole.text, &parts.text);
    expect_same(&whole.rejects, &parts.rejects);
    if (whole.schema.release) {
        read_again(&whole, &write_options, array);
    }
    result_done(&whole);
    result_done(&parts);
    return 0;
}
