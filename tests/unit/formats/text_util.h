/* What the tests of the text formats share: reading a text and printing what came of it, and
 * writing a batch. Whoever includes it says which format, TEST_FORMAT, and what the file is called,
 * TEST_FILE. */
#ifndef LT_TEST_TEXT_UTIL_H
#define LT_TEST_TEXT_UTIL_H

#include "../../short_source.h"
#include "columnar/array.h"
#include "columnar/builder.h"
#include "columnar/schema.h"
#include "columnar/text.h"
#include "core/buf.h"
#include "core/codes.h"
#include "formats/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static inline void short_source_init(struct short_source *s, const void *data, size_t len,
                                     size_t step)
{
    short_source_open(s, TEST_FILE, data, len, step);
}

/* --- options --------------------------------------------------------------------------------- */

#define MAX_PARAMS 24
/* A NULL-terminated list "name", "value", ... */
#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LIST(...) ((const char *const[]){__VA_ARGS__})

/* Options of such a list, NULL: none; they are kept in `params`. */
static inline void set_pairs(struct lt_format_options *options,
                             struct leat_param params[MAX_PARAMS], const char *const *pairs)
{
    options->n_params = 0;
    options->params = params;
    for (size_t i = 0; pairs && pairs[i]; i += 2) {
        assert_true(options->n_params < MAX_PARAMS);
        params[options->n_params++] = (struct leat_param){pairs[i], pairs[i + 1]};
    }
}

/* --- sinks ----------------------------------------------------------------------------------- */

/* Both sinks, which write what they are told into one text, in its order: "lost PLACE [CODE]\n", and
 * "set aside PLACE [CODE] RECORD\n". */
struct told {
    struct lt_buf text;
    struct leat_loss_sink losses;
    struct leat_reject_sink rejects;
};

static inline int tell_loss(void *arg, const struct leat_reject *what, struct leat_error *err)
{
    struct told *told = arg;
    (void)err;
    assert_non_null(what->column);
    return lt_buf_printf(&told->text, "lost %s [%s]\n", what->place, what->code);
}

static inline int tell_reject(void *arg, const struct leat_reject *what, struct leat_error *err)
{
    struct told *told = arg;
    (void)err;
    return lt_buf_printf(&told->text, "set aside %s [%s] %.*s\n", what->place, what->code,
                         (int)what->record_len, what->record);
}

/* `which`: l for the sink of losses, r for that of rejects. */
static inline void told_init(struct told *told, const char *which,
                             struct lt_format_options *options)
{
    *told = (struct told){.text = LT_BUF_INIT,
                          .losses = {sizeof told->losses, told, tell_loss},
                          .rejects = {sizeof told->rejects, told, tell_reject}};
    options->losses = strchr(which, 'l') ? &told->losses : NULL;
    options->rejects = strchr(which, 'r') ? &told->rejects : NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Everything a read gave. */
struct dump {
    struct lt_buf types;   /* "a int64, b utf8" */
    struct lt_buf rows;    /* "1|x\n2|<null>\n" */
    struct lt_buf rejects; /* for a sink of the test's own */
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

static inline void dump_read(struct lt_source *source, const struct lt_format_options *options,
                             struct dump *dump)
{
    const struct lt_format *format = lt_format_by_name(TEST_FORMAT);
    struct lt_format_reader *reader = NULL;
    struct ArrowSchema schema = {0};
    *dump = (struct dump){.status = LEAT_OK};
    dump->status = format->read_open(source, options, &reader, &dump->err);
    if (dump->status) {
        assert_null(reader);
        return;
    }
    assert_int_equal(format->read_schema(reader, &schema, &dump->err), LEAT_OK);
    assert_int_equal(format->read_explain(reader, &dump->explain), LEAT_OK);
    dump_types(&schema, &dump->types);
    for (;;) {
        struct ArrowArray batch = {0};
        dump->status = format->read_next(reader, &batch, &dump->err);
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
        assert_int_equal(format->read_next(reader, &batch, &again), dump->status);
        assert_null(batch.release);
        assert_string_equal(again.place, dump->err.place);
    }
    format->read_close(reader);
    schema.release(&schema);
}

/* `step` bytes a read, 0: all. `options` may be NULL; their params are set from `pairs`. */
static inline void read_text_len(const void *text, size_t len, size_t step,
                                 struct lt_format_options *options, const char *const *pairs,
                                 struct dump *dump)
{
    struct lt_format_options none = {0};
    struct leat_param params[MAX_PARAMS];
    struct short_source source;
    options = options ? options : &none;
    set_pairs(options, params, pairs);
    short_source_init(&source, text, len, step);
    dump_read(&source.base, options, dump);
}

static inline void read_text(const char *text, const char *const *pairs, struct dump *dump)
{
    read_text_len(text, strlen(text), 0, NULL, pairs, dump);
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
        read_text_len(text, strlen(text), step, NULL, pairs, &dump);
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
static inline void expect_failure_words(const char *text, const char *const *pairs,
                                        const char *code, const char *place, const char *words)
{
    for (size_t step = 0; step < 2; step++) {
        struct dump dump;
        read_text_len(text, strlen(text), step, NULL, pairs, &dump);
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

/* Reads `text` with the sinks that `which` says, and compares rows and what they were told. */
static inline void expect_told(const char *text, const char *const *pairs, const char *which,
                               const char *rows, const char *expected)
{
    for (size_t step = 0; step < 2; step++) {
        struct lt_format_options options = {0};
        struct dump dump;
        struct told told;
        told_init(&told, which, &options);
        read_text_len(text, strlen(text), step, &options, pairs, &dump);
        expect_good(&dump);
        assert_string_equal(lt_buf_text(&dump.rows), rows);
        assert_string_equal(lt_buf_text(&told.text), expected);
        lt_buf_done(&told.text);
        dump_done(&dump);
    }
}

static inline void expect_failure(const char *text, const char *const *pairs, const char *code,
                                  const char *place)
{
    expect_failure_words(text, pairs, code, place, NULL);
}

/* --- writing --------------------------------------------------------------------------------- */

/* Builds a batch of columns "a", "b" ... of the named types from texts, row by row; NULL: null. */
static inline void build(const char *const *types, int64_t n, const char *const *texts,
                         int64_t rows, struct ArrowSchema *schema, struct ArrowArray *batch)
{
    struct lt_batch_builder builder = {0};
    assert_int_equal(lt_schema_init_struct(schema, 0, NULL), LEAT_OK);
    for (int64_t i = 0; i < n; i++) {
        struct ArrowSchema field = {0};
        char name[2] = {(char)('a' + i), 0};
        assert_int_equal(lt_type_parse(types[i], &field, NULL), LEAT_OK);
        assert_int_equal(lt_schema_set_name(&field, name, NULL), LEAT_OK);
        assert_int_equal(lt_schema_add(schema, &field, NULL), LEAT_OK);
    }
    assert_int_equal(lt_batch_builder_init(&builder, schema, NULL), LEAT_OK);
    for (int64_t i = 0; i < rows * n; i++) {
        struct lt_builder *column = &builder.columns[i % n];
        const char *why = "";
        if (!texts[i]) {
            assert_int_equal(lt_builder_null(column), LEAT_OK);
        } else if (lt_text_parse(column, texts[i], strlen(texts[i]), &why)) {
            fail_msg("%s: %s", texts[i], why);
        }
    }
    assert_int_equal(lt_batch_builder_finish(&builder, rows, batch, NULL), LEAT_OK);
    lt_batch_builder_done(&builder);
}

/* Writes the batch n times over; the options' params are set from `pairs`. */
static inline int write_with(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                             int n, struct lt_format_options *options, const char *const *pairs,
                             struct lt_buf *out, struct leat_error *err)
{
    const struct lt_format *format = lt_format_by_name(TEST_FORMAT);
    struct leat_param params[MAX_PARAMS];
    struct lt_format_writer *writer = NULL;
    struct lt_sink *sink = NULL;
    set_pairs(options, params, pairs);
    assert_int_equal(lt_sink_memory(out, &sink, NULL), LEAT_OK);
    int status = format->write_open(sink, schema, options, &writer, err);
    for (int i = 0; i < n && !status; i++) {
        status = format->write_batch(writer, batch, err);
    }
    status = status ? status : format->write_finish(writer, err);
    format->write_close(writer);
    lt_sink_close(sink);
    return status;
}

static inline int write_batches(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                                int n, const char *const *pairs, struct lt_buf *out,
                                struct leat_error *err)
{
    struct lt_format_options options = {0};
    return write_with(schema, batch, n, &options, pairs, out, err);
}

/* Writes rows twice with the sinks that `which` says, and compares the text and what they were
 * told. */
static inline void expect_told_text(const char *const *types, int64_t n, const char *const *texts,
                                    int64_t rows, const char *const *pairs, const char *which,
                                    const char *expected, const char *expected_told)
{
    struct lt_format_options options = {0};
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    struct told told;
    build(types, n, texts, rows, &schema, &batch);
    told_init(&told, which, &options);
    if (write_with(&schema, &batch, 2, &options, pairs, &out, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
    assert_string_equal(lt_buf_text(&out), expected);
    assert_string_equal(lt_buf_text(&told.text), expected_told);
    lt_buf_done(&told.text);
    lt_buf_done(&out);
    schema.release(&schema);
    batch.release(&batch);
}

/* One row of columns of the types, written with the options. */
static inline void expect_text(const char *const *types, const char *const *texts, int64_t n,
                               const char *const *pairs, const char *expected)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    struct lt_buf out = LT_BUF_INIT;
    struct leat_error err = {0};
    build(types, n, texts, 1, &schema, &batch);
    if (write_batches(&schema, &batch, 1, pairs, &out, &err)) {
        fail_msg("%s: %s", err.place, err.message);
    }
    assert_string_equal(lt_buf_text(&out), expected);
    lt_buf_done(&out);
    schema.release(&schema);
    batch.release(&batch);
}

#endif
