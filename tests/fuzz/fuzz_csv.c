/* Any bytes, read as CSV. The first byte chooses options. What must hold: nothing crashes; reads
 * of one byte at a time give what one large read gives; and what was read, written and read again
 * with the same types, is the same. */
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
    struct lt_buf written; /* the same as CSV again */
    int64_t rejects;
    int status;
    struct leat_error err;
};

static int count_reject(void *arg, const struct leat_reject *reject, struct leat_error *err)
{
    struct result *result = arg;
    (void)err;
    CHECK(reject->place[0] && reject->code[0] && reject->reason[0]);
    result->rejects++;
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
                     struct lt_format_options *options,
                     const struct lt_format_options *write_options, struct result *result)
{
    const struct lt_format *csv = lt_format_by_name("csv");
    struct short_source source = {.base = {.ops = &short_ops, .name = "fuzz.csv", .size = -1},
                                  .data = data,
                                  .len = len,
                                  .step = step};
    struct leat_reject_sink sink = {sizeof sink, result, count_reject};
    struct lt_format_reader *reader = NULL;
    struct lt_format_writer *writer = NULL;
    struct lt_sink *out = NULL;
    struct ArrowArray batch = {0};
    *result = (struct result){.status = LEAT_OK};
    options->rejects = options->rejects ? &sink : NULL;
    result->status = csv->read_open(&source.base, options, &reader, &result->err);
    if (result->status) {
        return;
    }
    CHECK(!csv->read_schema(reader, &result->schema, NULL));
    print_schema(&result->schema, &result->text);
    CHECK(!lt_sink_memory(&result->written, &out, NULL));
    CHECK(!csv->write_open(out, &result->schema, write_options, &writer, NULL));
    for (;;) {
        result->status = csv->read_next(reader, &batch, &result->err);
        if (result->status || !batch.release) {
            break;
        }
        print_batch(&result->schema, &batch, &result->text);
        CHECK(!csv->write_batch(writer, &batch, NULL));
        batch.release(&batch);
        batch.release = NULL;
    }
    CHECK(!csv->write_finish(writer, NULL));
    csv->write_close(writer);
    csv->read_close(reader);
    lt_sink_close(out);
}

static void result_done(struct result *result)
{
    lt_schema_done(&result->schema);
    lt_buf_done(&result->text);
    lt_buf_done(&result->written);
}

static void expect_same(const struct result *a, const struct result *b)
{
    CHECK(a->text.len == b->text.len);
    CHECK(!a->text.len || !memcmp(a->text.data, b->text.data, a->text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1) {
        return 0;
    }
    uint8_t pick = data[0];
    struct leat_param params[] = {
        {"header", pick & 1   ? "yes"
                   : pick & 2 ? "auto"
                              : "no"},
        {"ragged", pick & 4 ? "fill" : "error"},
        {"null", pick & 8 ? "NA" : ""},
        {"sample-rows", pick & 16 ? "3" : "1000"},
        {"quote", pick & 32 ? "none" : "\""},
    };
    struct leat_param again[] = {{"null", params[2].value}, {"delimiter", ","}};
    struct lt_format_options options = {.params = params, .n_params = 5, .batch_rows_max = 3};
    struct lt_format_options write_options = {.params = again, .n_params = 2};
    struct leat_reject_sink wanted;
    struct result whole, parts, second;

    options.rejects = pick & 64 ? &wanted : NULL;
    read_all(data + 1, len - 1, SIZE_MAX, &options, &write_options, &whole);
    options.rejects = pick & 64 ? &wanted : NULL;
    read_all(data + 1, len - 1, 1, &options, &write_options, &parts);
    CHECK(whole.status == parts.status && whole.rejects == parts.rejects);
    CHECK(!strcmp(whole.err.place, parts.err.place));
    CHECK(!strcmp(whole.err.message, parts.err.message));
    expect_same(&whole, &parts);

    if (whole.schema.release) {
        struct lt_format_options third = {.params = again, .n_params = 2, .schema = &whole.schema};
        read_all(whole.written.data, whole.written.len, 7, &third, &write_options, &second);
        CHECK(!second.status);
        expect_same(&whole, &second);
        result_done(&second);
    }
    result_done(&whole);
    result_done(&parts);
    return 0;
}
