/* Any bytes, read as JSON Lines. The first two bytes choose options. What must hold: nothing
 * crashes; reads of one byte at a time give what one large read gives; and what was read, written
 * and read again with the same types, is the same. */
#include "columnar/array.h"
#include "columnar/schema.h"
#include "columnar/text.h"
#include "formats/format.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Hands out at most `step` bytes a read. */
struct short_source {
    struct lt_source base;
    const uint8_t *data;
    size_t len, at, step;
};

static int short_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                      struct leat_error *err)
{
    struct short_source *s = (struct short_source *)source;
    size_t n = s->len - s->at;
    (void)err;
    n = n < size ? n : size;
    n = n < s->step ? n : s->step;
    if (n) {
        memcpy(data, s->data + s->at, n);
    }
    s->at += n;
    *ret_len = n;
    return LEAT_OK;
}

static const struct lt_source_ops short_ops = {.read = short_read};

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

static void print_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                        struct lt_buf *out)
{
    struct lt_view view;
    CHECK(!lt_view_init(&view, schema, batch, NULL));
    for (int64_t row = 0; row < view.length; row++) {
        for (int64_t i = 0; i < view.n_children; i++) {
            bool null = lt_view_is_null(&view.children[i], row);
            CHECK(!lt_buf_puts(out, null ? "\x01" : "\x02"));
            CHECK(null || !lt_text_format(&view.children[i], row, out));
        }
        CHECK(!lt_buf_byte(out, '\n'));
    }
    lt_view_done(&view);
}

static void print_schema(const struct ArrowSchema *schema, struct lt_buf *out)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        CHECK(!lt_buf_puts(out, schema->children[i]->name) && !lt_buf_byte(out, ' '));
        CHECK(!lt_type_print(schema->children[i], out) && !lt_buf_byte(out, '\n'));
    }
}

static void read_all(const uint8_t *data, size_t len, size_t step,
                     struct lt_format_options *options, bool rejects,
                     const struct lt_format_options *write_options, struct result *result)
{
    const struct lt_format *json = lt_format_by_name("jsonl");
    struct short_source source = {.base = {.ops = &short_ops, .name = "fuzz.jsonl", .size = -1},
                                  .data = data,
                                  .len = len,
                                  .step = step};
    struct leat_reject_sink sink = {sizeof sink, result, keep_reject};
    struct lt_format_reader *reader = NULL;
    struct lt_format_writer *writer = NULL;
    struct lt_sink *out = NULL;
    struct ArrowArray batch = {0};
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

static void expect_same(const struct lt_buf *a, const struct lt_buf *b)
{
    CHECK(a->len == b->len);
    CHECK(!a->len || !memcmp(a->data, b->data, a->len));
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
