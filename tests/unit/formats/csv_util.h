/* What the CSV tests share: reading a text and printing what came of it. */
#ifndef LT_TEST_CSV_UTIL_H
#define LT_TEST_CSV_UTIL_H

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
    s->base.position += (int64_t)n;
    *ret_len = n;
    return LEAT_OK;
}

static inline void short_close(struct lt_source *source)
{
    (void)source;
}

static const struct lt_source_ops short_ops = {.read = short_read, .close = short_close};

static inline void short_source_init(struct short_source *s, const void *data, size_t len,
                                     size_t step)
{
    *s = (struct short_source){.base = {.ops = &short_ops, .name = "orders.csv", .size = -1},
                               .data = data,
                               .len = len,
                               .step = step ? step : SIZE_MAX};
}

/* Everything a read gave. */
struct dump {
    struct lt_buf types; /* "a int64, b utf8" */
    struct lt_buf rows;  /* "1|x\n2|<null>\n" */
    int64_t batches, n_rows;
    int status;
    struct leat_error err;
};

static inline void dump_done(struct dump *dump)
{
    lt_buf_done(&dump->types);
    lt_buf_done(&dump->rows);
}

static inline void dump_rows(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                             struct lt_buf *out)
{
    struct lt_view view;
    assert_int_equal(lt_view_init(&view, schema, batch, NULL), LEAT_OK);
    for (int64_t row = 0; row < view.length; row++) {
        for (int64_t i = 0; i < view.n_children; i++) {
            if (i) {
                assert_int_equal(lt_buf_byte(out, '|'), LEAT_OK);
            }
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

static inline void dump_read(struct lt_source *source, const struct lt_format_options *options,
                             struct dump *dump)
{
    const struct lt_format *csv = lt_format_by_name("csv");
    struct lt_format_reader *reader = NULL;
    struct ArrowSchema schema = {0};
    *dump = (struct dump){.status = LEAT_OK};
    dump->status = csv->read_open(source, options, &reader, &dump->err);
    if (dump->status) {
        assert_null(reader);
        return;
    }
    assert_int_equal(csv->read_schema(reader, &schema, &dump->err), LEAT_OK);
    for (int64_t i = 0; i < schema.n_children; i++) {
        assert_int_equal(
            lt_buf_printf(&dump->types, "%s%s ", i ? ", " : "", schema.children[i]->name), LEAT_OK);
        assert_int_equal(lt_type_print(schema.children[i], &dump->types), LEAT_OK);
    }
    for (;;) {
        struct ArrowArray batch = {0};
        dump->status = csv->read_next(reader, &batch, &dump->err);
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
    csv->read_close(reader);
    schema.release(&schema);
}

/* Options as a NULL-terminated list "name", "value", ... */
#define MAX_PARAMS 24
static inline void read_text_len(const char *text, size_t len, size_t step,
                                 struct lt_format_options *options, const char *const *pairs,
                                 struct dump *dump)
{
    struct lt_format_options none = {0};
    struct leat_param params[MAX_PARAMS];
    struct short_source source;
    options = options ? options : &none;
    options->n_params = 0;
    for (size_t i = 0; pairs && pairs[i]; i += 2) {
        params[options->n_params++] = (struct leat_param){pairs[i], pairs[i + 1]};
    }
    options->params = params;
    short_source_init(&source, text, len, step);
    dump_read(&source.base, options, dump);
}

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline void read_text(const char *text, const char *const *pairs, struct dump *dump)
{
    read_text_len(text, strlen(text), 0, NULL, pairs, dump);
}

/* Reads `text`, expects it to go well, and compares types (NULL: any) and rows. */
static inline void expect_rows(const char *text, const char *const *pairs, const char *types,
                               const char *rows)
{
    struct dump dump;
    read_text(text, pairs, &dump);
    if (dump.status) {
        fail_msg("[%s] %s: %s", dump.err.code, dump.err.place, dump.err.message);
    }
    if (types) {
        assert_string_equal(lt_buf_text(&dump.types), types);
    }
    assert_string_equal(lt_buf_text(&dump.rows), rows);
    dump_done(&dump);
}

/* Reads `text` and expects it to fail at `place` with this code. */
static inline void expect_failure(const char *text, const char *const *pairs, const char *code,
                                  const char *place)
{
    struct dump dump;
    read_text(text, pairs, &dump);
    assert_int_not_equal(dump.status, LEAT_OK);
    assert_int_equal(dump.status, dump.err.status);
    assert_string_equal(dump.err.code, code);
    assert_string_equal(dump.err.place, place);
    assert_true(dump.err.message[0]);
    dump_done(&dump);
}

#endif
