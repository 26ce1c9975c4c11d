/* What the JSON tests share: reading a text and printing what came of it. */
#ifndef LT_TEST_JSON_UTIL_H
#define LT_TEST_JSON_UTIL_H

#include "columnar/array.h"
#include "columnar/text.h"
#include "core/buf.h"
#include "core/codes.h"
#include "formats/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* A source over memory that hands out at most `step` bytes a read. */
struct short_source {
    struct lt_source base;
    const uint8_t *data;
    size_t len, at, step;
};

static inline int short_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
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

static inline void short_close(struct lt_source *source)
{
    (void)source;
}

static const struct lt_source_ops short_ops = {.read = short_read, .close = short_close};

/* Everything a read gave. */
struct dump {
    struct lt_buf types;   /* "a int64, b utf8" */
    struct lt_buf rows;    /* "1|x\n2|<null>\n" */
    struct lt_buf rejects; /* "orders.jsonl:3 [code] reason: record\n" */
    struct lt_buf explain;
    int64_t batches, n_rows;
    int status;
    struct leat_error err;
};

static inline void dump_done(struct dump *dump)
{
    lt_buf_done(&dump->types);
    lt_buf_done(&dump->rows);
    lt_buf_done(&dump->rejects);
    lt_buf_done(&dump->explain);
}

static inline void dump_rows(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                             struct lt_buf *out)
{
    struct lt_view view;
    assert_int_equal(lt_view_init(&view, schema, batch, NULL), LEAT_OK);
    for (int64_t row = 0; row < view.length; row++) {
        for (int64_t i = 0; i < view.n_children; i++) {
            assert_int_equal(lt_buf_puts(out, i ? "|" : ""), LEAT_OK);
            if (lt_view_is_null(&view.children[i], row)) {
                assert_int_equal(lt_buf_puts(out, "<null>"), LEAT_OK);
            } else {
                assert_int_equal(lt_text_format(&view.children[i], row, out), LEAT_OK);
            }
        }
        assert_int_equal(lt_buf_byte(out, '\n'), LEAT_OK);
    }
    lt_view_done(&view);
}

static inline void dump_types(const struct ArrowSchema *schema, struct lt_buf *out)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        assert_int_equal(lt_buf_printf(out, "%s%s ", i ? ", " : "", schema->children[i]->name),
                         LEAT_OK);
        assert_int_equal(lt_type_print(schema->children[i], out), LEAT_OK);
    }
}

static inline int keep_reject(void *arg, const struct leat_reject *reject, struct leat_error *err)
{
    struct dump *dump = arg;
    (void)err;
    return lt_buf_printf(&dump->rejects, "%s [%s] %s: %.*s\n", reject->place, reject->code,
                         reject->reason, (int)reject->record_len, reject->record);
}

static inline void dump_read(struct lt_source *source, const struct lt_format_options *options,
                             struct dump *dump)
{
    const struct lt_format *json = lt_format_by_name("jsonl");
    struct lt_format_reader *reader = NULL;
    struct ArrowSchema schema = {0};
    dump->status = json->read_open(source, options, &reader, &dump->err);
    if (dump->status) {
        assert_null(reader);
        return;
    }
    assert_int_equal(json->read_schema(reader, &schema, &dump->err), LEAT_OK);
    assert_int_equal(json->read_explain(reader, &dump->explain), LEAT_OK);
    dump_types(&schema, &dump->types);
    for (;;) {
        struct ArrowArray batch = {0};
        dump->status = json->read_next(reader, &batch, &dump->err);
        if (dump->status || !batch.release) {
            break;
        }
        assert_int_equal(lt_array_check(&schema, &batch, true, &dump->err), LEAT_OK);
        assert_true(batch.length > 0);
        dump->batches++;
        dump->n_rows += batch.length;
        dump_rows(&schema, &batch, &dump->rows);
        batch.release(&batch);
    }
    if (dump->status) { /* a failure stays */
        struct ArrowArray batch = {0};
        struct leat_error again;
        leat_error_clear(&again);
        assert_int_equal(json->read_next(reader, &batch, &again), dump->status);
        assert_null(batch.release);
        assert_string_equal(again.place, dump->err.place);
    }
    json->read_close(reader);
    schema.release(&schema);
}

/* Options as a NULL-terminated list "name", "value", ... */
#define MAX_PARAMS 16
#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* How a text is to be read; all may be left out. */
struct how {
    const char *const *pairs;
    size_t step;       /* bytes a read; 0: all */
    bool rejects;      /* set bad records aside */
    int64_t rows_max;  /* of a batch */
    int64_t bytes_max; /* of a batch */
    const struct ArrowSchema *schema;
    bool schema_whole;
};

static inline void read_bytes(const void *text, size_t len, struct how how, struct dump *dump)
{
    struct leat_param params[MAX_PARAMS];
    struct leat_reject_sink sink = {sizeof sink, dump, keep_reject};
    struct short_source source = {.base = {.ops = &short_ops, .name = "orders.jsonl", .size = -1},
                                  .data = text,
                                  .len = len,
                                  .step = how.step ? how.step : SIZE_MAX};
    struct lt_format_options options = {.params = params,
                                        .schema = how.schema,
                                        .schema_whole = how.schema_whole,
                                        .batch_rows_max = how.rows_max,
                                        .batch_bytes_max = how.bytes_max,
                                        .rejects = how.rejects ? &sink : NULL};
    *dump = (struct dump){.status = LEAT_OK};
    for (size_t i = 0; how.pairs && how.pairs[i]; i += 2) {
        assert_true(options.n_params < MAX_PARAMS);
        params[options.n_params++] = (struct leat_param){how.pairs[i], how.pairs[i + 1]};
    }
    dump_read(&source.base, &options, dump);
}

static inline void expect_good(const struct dump *dump)
{
    if (dump->status) {
        fail_msg("[%s] %s: %s", dump->err.code, dump->err.place, dump->err.message);
    }
}

/* Reads `text` at once and byte by byte, expects it to go well both times, and compares types
 * (NULL: any) and rows. */
static inline void expect_rows(const char *text, const char *const *pairs, const char *types,
                               const char *rows)
{
    for (size_t step = 0; step < 2; step++) {
        struct dump dump;
        read_bytes(text, strlen(text), (struct how){.pairs = pairs, .step = step}, &dump);
        expect_good(&dump);
        if (types) {
            assert_string_equal(lt_buf_text(&dump.types), types);
        }
        assert_string_equal(lt_buf_text(&dump.rows), rows);
        dump_done(&dump);
    }
}

/* Reads `text` at once and byte by byte, and expects it to fail at `place` with this code, and
 * with these words in the message (NULL: any). */
static inline void expect_failure(const char *text, const char *const *pairs, const char *code,
                                  const char *place, const char *words)
{
    for (size_t step = 0; step < 2; step++) {
        struct dump dump;
        read_bytes(text, strlen(text), (struct how){.pairs = pairs, .step = step}, &dump);
        assert_int_not_equal(dump.status, LEAT_OK);
        assert_int_equal(dump.status, dump.err.status);
        assert_string_equal(dump.err.code, code);
        assert_string_equal(dump.err.place, place);
        if (words && !strstr(dump.err.message, words)) {
            fail_msg("\"%s\" is not in \"%s\"", words, dump.err.message);
        }
        assert_true(dump.err.message[0]);
        dump_done(&dump);
    }
}

#endif
