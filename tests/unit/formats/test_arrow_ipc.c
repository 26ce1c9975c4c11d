/* Arrow IPC: what is written comes back, and nothing damaged passes for whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "columnar/array.h"
#include "columnar/builder.h"
#include "columnar/text.h"
#include "core/buf.h"
#include "formats/arrow/arrow.h"
#include "formats/arrow/batch.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS 40
#define BOUNDARIES_MAX 16

static const char *const type_names[] = {
    "null",
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "decimal(20,3)",
    "decimal(60,3)",
    "utf8",
    "large_utf8",
    "binary",
    "large_binary",
    "binary(5)",
    "json",
    "uuid",
    "numeric",
    "date",
    "date64",
    "time",
    "time(ns)",
    "time(ms)",
    "timestamp",
    "timestamp(ns)",
    "timestamptz",
    "timestamptz(s)",
    "duration",
    "interval",
    "list<int32>",
    "list<utf8>",
    "list<list<bool>>",
    "struct<a: int64, b: list<utf8>>",
    "map<utf8, int32>",
    "fixed_list<int16, 2>",
    "large_list<utf8>",
    "struct<m: map<utf8, list<int8>>>",
};
#define COLUMNS (sizeof type_names / sizeof type_names[0])

static const struct lt_format *const formats[] = {&lt_format_arrow, &lt_format_arrow_stream};
static const char *const codecs[] = {"none", "lz4", "zstd"};

static void make_schema(struct ArrowSchema *schema)
{
    assert_int_equal(lt_schema_init(schema, "+s", "", NULL), LEAT_OK);
    for (size_t i = 0; i < COLUMNS; i++) {
        struct ArrowSchema field;
        char name[16];
        assert_int_equal(lt_type_parse(type_names[i], &field, NULL), LEAT_OK);
        snprintf(name, sizeof name, "c%zu", i);
        assert_int_equal(lt_schema_set_name(&field, name, NULL), LEAT_OK);
        assert_int_equal(lt_schema_add(schema, &field, NULL), LEAT_OK);
    }
    assert_int_equal(lt_schema_set_meta(schema, "table", "orders", NULL), LEAT_OK);
    assert_int_equal(lt_schema_set_meta(schema->children[5], LT_META_KEY, "1", NULL), LEAT_OK);
}

/* One value told by `seed`, sometimes null. */
static void fill(struct lt_builder *b, unsigned seed)
{
    static const char text[] = "zero one two three four five six seven";
    uint8_t bytes[32];
    if (seed % 5 == 3) {
        assert_int_equal(lt_builder_null(b), LEAT_OK);
        return;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = i < 3 ? (uint8_t)(seed * 7 + i) : 0; /* small, so in range of every type */
    }
    switch (b->type.id) {
    case LT_NULL:
        assert_int_equal(lt_builder_null(b), LEAT_OK);
        break;
    case LT_BOOL:
        assert_int_equal(lt_builder_bool(b, seed & 1), LEAT_OK);
        break;
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_BINARY:
    case LT_LARGE_BINARY:
        assert_int_equal(lt_builder_bytes_value(b, b->type.logical == LT_JSON ? "[1]" : text,
                                                b->type.logical == LT_JSON      ? 3
                                                : b->type.logical == LT_NUMERIC ? 0
                                                                                : seed % 38),
                         LEAT_OK);
        break;
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_MAP:
    case LT_FIXED_LIST:
        for (unsigned i = 0; i < (b->type.id == LT_FIXED_LIST ? 2 : seed % 4); i++) {
            if (b->type.id == LT_MAP) {
                assert_int_equal(lt_builder_bytes_value(&b->children[0].children[0], text, i),
                                 LEAT_OK);
                fill(&b->children[0].children[1], seed + i);
                assert_int_equal(lt_builder_nested(&b->children[0]), LEAT_OK);
            } else {
                fill(&b->children[0], seed + i + 1);
            }
        }
        assert_int_equal(lt_builder_nested(b), LEAT_OK);
        break;
    case LT_STRUCT:
        for (int64_t i = 0; i < b->n_children; i++) {
            fill(&b->children[i], seed + (unsigned)i + 1);
        }
        assert_int_equal(lt_builder_nested(b), LEAT_OK);
        break;
    default:
        assert_int_equal(lt_builder_fixed(b, bytes, (size_t)b->type.width), LEAT_OK);
        break;
    }
}

static void make_batch(const struct ArrowSchema *schema, struct ArrowArray *batch)
{
    struct lt_batch_builder builder;
    assert_int_equal(lt_batch_builder_init(&builder, schema, NULL), LEAT_OK);
    for (unsigned row = 0; row < ROWS; row++) {
        for (int64_t c = 0; c < builder.n_columns; c++) {
            fill(&builder.columns[c], row + (unsigned)c);
        }
    }
    assert_int_equal(lt_batch_builder_finish(&builder, ROWS, batch, NULL), LEAT_OK);
    lt_batch_builder_done(&builder);
}

/* Appends every row of a batch as JSON text, one a line. */
static void print_rows(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                       struct lt_buf *out)
{
    struct lt_view view = {0};
    assert_int_equal(lt_view_init(&view, schema, batch, NULL), LEAT_OK);
    for (int64_t row = 0; row < view.length; row++) {
        assert_int_equal(lt_text_format_json(&view, row, out), LEAT_OK);
        assert_int_equal(lt_buf_byte(out, '\n'), LEAT_OK);
    }
    lt_view_done(&view);
}

/* Writes one batch `times` times; where messages end goes to `boundaries`. */
static void write_all(const struct lt_format *format, const char *codec,
                      const struct ArrowSchema *schema, const struct ArrowArray *batch, int times,
                      struct lt_buf *out, int64_t *boundaries)
{
    struct leat_param param = {"compression", codec};
    struct lt_format_options options = {.params = &param, .n_params = 1};
    struct lt_sink *sink;
    struct lt_format_writer *writer;
    assert_int_equal(lt_sink_memory(out, &sink, NULL), LEAT_OK);
    assert_int_equal(format->write_open(sink, schema, &options, &writer, NULL), LEAT_OK);
    for (int i = 0; i < times; i++) {
        boundaries[i] = sink->position;
        assert_int_equal(format->write_batch(writer, batch, NULL), LEAT_OK);
    }
    boundaries[times] = sink->position;
    assert_int_equal(format->write_finish(writer, NULL), LEAT_OK);
    format->write_close(writer);
    lt_sink_close(sink);
}

struct result {
    int rc;
    int64_t rows, batches;
    struct ArrowSchema schema;
    struct lt_buf text;
    struct leat_error err;
};

static void read_all(const uint8_t *data, size_t len, bool forward,
                     const struct lt_format_options *options, struct result *r)
{
    const struct lt_format *format = &lt_format_arrow;
    struct lt_format_reader *reader = NULL;
    struct lt_source *source;
    struct lt_source_ops ops;
    memset(r, 0, sizeof *r);
    assert_int_equal(lt_source_memory(data, len, "in.arrow", &source, NULL), LEAT_OK);
    ops = *source->ops;
    ops.read_at = forward ? NULL : ops.read_at;
    source->ops = &ops;
    r->rc = format->read_open(source, options, &reader, &r->err);
    if (!r->rc) {
        assert_int_equal(format->read_schema(reader, &r->schema, NULL), LEAT_OK);
    }
    while (!r->rc) {
        struct ArrowArray batch = {.release = NULL};
        r->rc = format->read_next(reader, &batch, &r->err);
        if (r->rc || !batch.release) {
            break;
        }
        assert_int_equal(lt_array_check(&r->schema, &batch, true, NULL), LEAT_OK);
        r->rows += batch.length;
        r->batches++;
        print_rows(&r->schema, &batch, &r->text);
        batch.release(&batch);
    }
    format->read_close(reader);
    lt_source_close(source);
}

static void result_done(struct result *r)
{
    lt_schema_done(&r->schema);
    lt_buf_done(&r->text);
}

static void arrow_gives_back_every_type_and_slice_under_every_codec(void **state)
{
    (void)state;
    static const int64_t starts[] = {0, 1, 8, 13};
    int64_t at[BOUNDARIES_MAX];
    struct ArrowSchema schema;
    make_schema(&schema);
    for (size_t i = 0; i < 4 * 2 * 3 * 2; i++) {
        struct ArrowArray batch;
        struct lt_buf bytes = LT_BUF_INIT, want = LT_BUF_INIT;
        struct result r;
        make_batch(&schema, &batch);
        assert_int_equal(lt_array_slice(&batch, starts[i % 4], 25, NULL), LEAT_OK);
        print_rows(&schema, &batch, &want);
        write_all(formats[i / 4 % 2], codecs[i / 8 % 3], &schema, &batch, 1, &bytes, at);
        read_all(bytes.data, bytes.len, i / 24, NULL, &r);
        assert_int_equal(r.rc, LEAT_OK);
        assert_string_equal(lt_buf_text(&r.text), lt_buf_text(&want));
        assert_true(lt_schema_same(&r.schema, &schema, true));
        assert_true(lt_schema_meta_is(&r.schema, "table", "orders"));
        assert_true(lt_schema_meta_is(r.schema.children[5], LT_META_KEY, "1"));
        result_done(&r);
        lt_buf_done(&bytes);
        lt_buf_done(&want);
        lt_array_done(&batch);
    }
    lt_schema_done(&schema);
}

static void arrow_reader_gives_no_more_rows_at_once_than_asked(void **state)
{
    (void)state;
    struct lt_format_options options = {.batch_rows_max = 7};
    int64_t at[BOUNDARIES_MAX];
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct lt_buf bytes = LT_BUF_INIT;
    struct result r;
    make_schema(&schema);
    make_batch(&schema, &batch);
    write_all(&lt_format_arrow, "none", &schema, &batch, 2, &bytes, at);
    read_all(bytes.data, bytes.len, false, &options, &r);
    assert_int_equal(r.rc, LEAT_OK);
    assert_int_equal(r.rows, 2 * ROWS);
    assert_int_equal(r.batches, 12);
    result_done(&r);
    lt_buf_done(&bytes);
    lt_array_done(&batch);
    lt_schema_done(&schema);
}

static void arrow_reader_takes_any_limit_of_bytes(void **state)
{
    (void)state;
    struct lt_format_options options = {.batch_bytes_max = INT64_MAX};
    int64_t at[BOUNDARIES_MAX];
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct lt_buf bytes = LT_BUF_INIT;
    struct result r;
    make_schema(&schema);
    make_batch(&schema, &batch);
    write_all(&lt_format_arrow, "none", &schema, &batch, 1, &bytes, at);
    read_all(bytes.data, bytes.len, false, &options, &r);
    assert_int_equal(r.rc, LEAT_OK);
    assert_int_equal(r.rows, ROWS);
    result_done(&r);
    lt_buf_done(&bytes);
    lt_array_done(&batch);
    lt_schema_done(&schema);
}

/* The batch that was refused must not come out after all when one asks again. */
static void arrow_reader_that_failed_fails_again(void **state)
{
    (void)state;
    const struct lt_format *format = &lt_format_arrow_stream;
    int64_t at[BOUNDARIES_MAX];
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct lt_batch_builder builder;
    struct lt_buf bytes = LT_BUF_INIT;
    struct lt_source *source;
    struct lt_format_reader *reader;
    assert_int_equal(lt_type_parse("struct<t: utf8>", &schema, NULL), LEAT_OK);
    assert_int_equal(lt_batch_builder_init(&builder, &schema, NULL), LEAT_OK);
    assert_int_equal(lt_builder_bytes_value(&builder.columns[0], "\xff", 1), LEAT_OK);
    assert_int_equal(lt_batch_builder_finish(&builder, 1, &batch, NULL), LEAT_OK);
    write_all(format, "none", &schema, &batch, 1, &bytes, at);
    lt_array_done(&batch);
    assert_int_equal(lt_source_memory(bytes.data, bytes.len, "in.arrow", &source, NULL), LEAT_OK);
    assert_int_equal(format->read_open(source, NULL, &reader, NULL), LEAT_OK);
    for (int i = 0; i < 3; i++) {
        struct leat_error err = {0};
        struct ArrowArray out = {.release = NULL};
        assert_int_equal(format->read_next(reader, &out, i ? &err : NULL), LEAT_BAD_DATA);
        assert_null(out.release);
        assert_string_equal(err.code, i ? "invalid-utf8" : "");
        assert_string_equal(err.place, i ? "in.arrow: batch 1: column \"t\": row 1" : "");
    }
    format->read_close(reader);
    lt_source_close(source);
    lt_batch_builder_done(&builder);
    lt_buf_done(&bytes);
    lt_schema_done(&schema);
}

/* Reads every prefix whose length is a multiple of 8, and the whole without its last byte. */
static void cut_everywhere(const struct lt_format *format, bool forward)
{
    int64_t at[BOUNDARIES_MAX];
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct lt_buf bytes = LT_BUF_INIT;
    bool stream = format == &lt_format_arrow_stream;
    make_schema(&schema);
    make_batch(&schema, &batch);
    write_all(format, "none", &schema, &batch, 2, &bytes, at);
    for (size_t len = 0; len < bytes.len; len += len + 8 < bytes.len ? 8 : bytes.len - len) {
        struct result r;
        uint8_t *copy = malloc(len ? len : 1); /* so that a read past the end is seen */
        assert_non_null(copy);
        memcpy(copy, bytes.data, len);
        read_all(copy, len, forward, NULL, &r);
        bool boundary = false;
        for (int i = 0; i < 3; i++) {
            boundary = boundary || (int64_t)len == at[i];
        }
        if (stream && boundary) {
            /* A stream may end without its mark, but only between messages. */
            assert_int_equal(r.rc, LEAT_OK);
        } else if (r.rc != LEAT_BAD_DATA) {
            fail_msg("%zu of %zu bytes are read as a whole", len, bytes.len);
        } else {
            assert_string_equal(r.err.code, "corrupt-file");
            assert_non_null(strstr(r.err.place, "in.arrow"));
        }
        result_done(&r);
        free(copy);
    }
    lt_buf_done(&bytes);
    lt_array_done(&batch);
    lt_schema_done(&schema);
}

static void arrow_file_cut_anywhere_is_corrupt(void **state)
{
    (void)state;
    cut_everywhere(&lt_format_arrow, false);
}

static void arrow_file_cut_anywhere_is_corrupt_in_a_pipe_too(void **state)
{
    (void)state;
    cut_everywhere(&lt_format_arrow, true);
}

static void arrow_stream_cut_within_a_message_is_corrupt(void **state)
{
    (void)state;
    cut_everywhere(&lt_format_arrow_stream, true);
}

static void arrow_reader_survives_every_damaged_byte(void **state)
{
    (void)state;
    static const uint8_t damage[] = {0x01, 0x80, 0xff};
    int64_t at[BOUNDARIES_MAX];
    struct ArrowSchema schema, few;
    struct ArrowArray batch;
    struct lt_buf bytes = LT_BUF_INIT;
    int failed = 0;
    assert_int_equal(lt_schema_init(&few, "+s", "", NULL), LEAT_OK);
    make_schema(&schema);
    for (int i = 0; i < 3; i++) {
        static const int columns[] = {5, 14, 35};
        struct ArrowSchema copy;
        assert_int_equal(lt_schema_copy(schema.children[columns[i]], &copy, NULL), LEAT_OK);
        assert_int_equal(lt_schema_add(&few, &copy, NULL), LEAT_OK);
    }
    make_batch(&few, &batch);
    write_all(&lt_format_arrow, "none", &few, &batch, 1, &bytes, at);
    for (size_t i = 8; i < bytes.len; i++) {
        for (int k = 0; k < 6; k++) {
            struct result r;
            bytes.data[i] ^= damage[k % 3];
            read_all(bytes.data, bytes.len, k < 3, NULL, &r); /* checks what it is given */
            failed += r.rc != LEAT_OK;
            result_done(&r);
            bytes.data[i] ^= damage[k % 3];
        }
    }
    assert_true(failed > 500);
    lt_buf_done(&bytes);
    lt_array_done(&batch);
    lt_schema_done(&few);
    lt_schema_done(&schema);
}

static void arrow_writer_decodes_a_dictionary_column(void **state)
{
    (void)state;
    static const int8_t indexes[] = {1, 0, 1, 1};
    int64_t at[BOUNDARIES_MAX];
    struct ArrowSchema schema, field, values;
    struct ArrowArray batch;
    struct lt_builder words;
    struct lt_buf bytes = LT_BUF_INIT;
    struct result r;
    assert_int_equal(lt_schema_init(&values, "u", "", NULL), LEAT_OK);
    assert_int_equal(lt_builder_init(&words, &values, NULL), LEAT_OK);
    assert_int_equal(lt_builder_bytes_value(&words, "no", 2), LEAT_OK);
    assert_int_equal(lt_builder_bytes_value(&words, "yes", 3), LEAT_OK);
    assert_int_equal(lt_schema_init(&field, "c", "d", NULL), LEAT_OK);
    assert_int_equal(lt_schema_set_dictionary(&field, &values, NULL), LEAT_OK);
    assert_int_equal(lt_schema_init(&schema, "+s", "", NULL), LEAT_OK);
    assert_int_equal(lt_schema_add(&schema, &field, NULL), LEAT_OK);

    assert_int_equal(lt_array_init(&batch, 1, 1, NULL), LEAT_OK);
    assert_int_equal(lt_array_init(batch.children[0], 2, 0, NULL), LEAT_OK);
    struct ArrowArray *column = batch.children[0];
    batch.length = column->length = 4;
    column->buffers[1] = malloc(sizeof indexes);
    column->dictionary = calloc(1, sizeof *column->dictionary);
    assert_non_null(column->buffers[1]);
    assert_non_null(column->dictionary);
    memcpy((void *)(uintptr_t)column->buffers[1], indexes, sizeof indexes);
    assert_int_equal(lt_builder_finish(&words, column->dictionary, NULL), LEAT_OK);

    write_all(&lt_format_arrow_stream, "none", &schema, &batch, 1, &bytes, at);
    read_all(bytes.data, bytes.len, false, NULL, &r);
    assert_int_equal(r.rc, LEAT_OK);
    assert_string_equal(r.schema.children[0]->format, "u");
    assert_string_equal(lt_buf_text(&r.text),
                        "{\"d\":\"yes\"}\n{\"d\":\"no\"}\n{\"d\":\"yes\"}\n{\"d\":\"yes\"}\n");
    result_done(&r);
    lt_buf_done(&bytes);
    lt_builder_done(&words);
    lt_array_done(&batch);
    lt_schema_done(&schema);
}

static void arrow_reader_refuses_big_endian_data_by_name(void **state)
{
    (void)state;
    static const uint8_t message_sizes[] = {2, 1, 4, 8}, schema_sizes[] = {2, 4};
    struct lt_fbw w;
    struct lt_fbw_table message, schema;
    struct lt_buf bytes = LT_BUF_INIT;
    struct result r;
    lt_fbw_start(&w);
    lt_fbw_table(&w, 0, message_sizes, 4, &message);
    lt_fbw_i16(&w, message.slots[MESSAGE_VERSION], LT_IPC_V5);
    lt_fbw_i8(&w, message.slots[MESSAGE_KIND], LT_IPC_SCHEMA);
    lt_fbw_table(&w, message.slots[MESSAGE_HEADER], schema_sizes, 2, &schema);
    lt_fbw_i16(&w, schema.slots[SCHEMA_ENDIAN], 1);
    lt_fbw_vector(&w, schema.slots[SCHEMA_FIELDS], 0, 4, 4);
    assert_false(w.oom);
    uint32_t prefix[2] = {LT_IPC_CONTINUATION, (uint32_t)w.buf.len};
    assert_int_equal(lt_buf_append(&bytes, prefix, sizeof prefix), LEAT_OK);
    assert_int_equal(lt_buf_append(&bytes, w.buf.data, w.buf.len), LEAT_OK);
    read_all(bytes.data, bytes.len, false, NULL, &r);
    assert_int_equal(r.rc, LEAT_UNSUPPORTED);
    assert_non_null(strstr(r.err.message, "big-endian"));
    result_done(&r);
    lt_fbw_done(&w);
    lt_buf_done(&bytes);
}

static void arrow_formats_are_told_apart_by_their_first_bytes(void **state)
{
    (void)state;
    const uint8_t *file = (const uint8_t *)"ARROW1\0\0\xff\xff\xff\xff";
    const uint8_t *stream = (const uint8_t *)"\xff\xff\xff\xff\x78\0\0\0\x10\0\0\0";
    const uint8_t *text = (const uint8_t *)"ARROW1,quantity\n";
    assert_true(lt_format_arrow.sniff(file, 12));
    assert_false(lt_format_arrow.sniff(stream, 12));
    assert_false(lt_format_arrow.sniff(text, 12));
    assert_false(lt_format_arrow.sniff(file, 3));
    assert_true(lt_format_arrow_stream.sniff(stream, 12));
    assert_false(lt_format_arrow_stream.sniff(file, 12));
}

static void arrow_writer_refuses_a_codec_arrow_does_not_know(void **state)
{
    (void)state;
    struct leat_param param = {"compression", "gzip"};
    struct lt_format_options options = {.params = &param, .n_params = 1};
    struct lt_buf bytes = LT_BUF_INIT;
    struct lt_sink *sink;
    struct lt_format_writer *writer = NULL;
    struct ArrowSchema schema;
    make_schema(&schema);
    assert_int_equal(lt_sink_memory(&bytes, &sink, NULL), LEAT_OK);
    assert_int_equal(lt_format_arrow.write_open(sink, &schema, &options, &writer, NULL),
                     LEAT_INVALID);
    assert_null(writer);
    lt_sink_close(sink);
    lt_buf_done(&bytes);
    lt_schema_done(&schema);
}

/* Reads a batch of one column of 100 rows whose buffers have these lengths, all zero bytes but
 * for the last offset. */
static int read_lengths(const struct lt_ipc_field *column, const int64_t *lens, size_t n,
                        int32_t last_offset)
{
    struct lt_ipc_field root = {
        .id = LT_STRUCT, .plain = true, .children = (struct lt_ipc_field *)column, .n_children = 1};
    struct lt_ipc_body *body = lt_ipc_body_new(4096);
    struct lt_ipc_message message;
    struct lt_ipc_node node;
    struct lt_ipc_body *owner;
    struct lt_fbw w;
    int64_t pairs[6], nodes[4] = {100, 0, 100, 0};
    assert_non_null(body);
    memset(body->data, 0, 4096);
    memcpy(body->data + 1024 + 100 * sizeof last_offset, &last_offset, sizeof last_offset);
    for (size_t i = 0; i < n; i++) {
        pairs[2 * i] = 1024 * (int64_t)i;
        pairs[2 * i + 1] = lens[i];
    }
    struct lt_ipc_batch_head head = {.rows = 100,
                                     .nodes = nodes,
                                     .n_nodes = 1 + (size_t)column->n_children,
                                     .buffers = pairs,
                                     .n_buffers = n,
                                     .body_len = 4096};
    lt_fbw_start(&w);
    lt_ipc_write_batch_head(&w, &head);
    assert_false(w.oom);
    assert_int_equal(lt_ipc_message_read(w.buf.data, w.buf.len, &message, NULL), LEAT_OK);
    int rc = lt_ipc_batch_read(&message, &root, true, body, &node, &owner, NULL);
    if (!rc) {
        lt_ipc_node_done(&node);
        lt_ipc_body_unref(owner);
    }
    lt_ipc_body_unref(body);
    lt_fbw_done(&w);
    return rc;
}

static void arrow_reader_refuses_buffers_too_short_for_their_rows(void **state)
{
    (void)state;
    struct lt_ipc_field item = {.id = LT_BOOL, .plain = true};
    const struct {
        struct lt_ipc_field column;
        int64_t lens[3];
        size_t n;
        size_t cut; /* which of them a byte less makes too short */
        int32_t last_offset;
    } cases[] = {
        {{.id = LT_INT64, .width = 8, .plain = true}, {0, 800}, 2, 1, 0},
        {{.id = LT_FIXED_BINARY, .width = 5, .plain = true}, {0, 500}, 2, 1, 0},
        {{.id = LT_BOOL, .plain = true}, {0, 13}, 2, 1, 0},
        {{.id = LT_UTF8, .plain = true}, {0, 404, 9}, 3, 1, 9},
        {{.id = LT_UTF8, .plain = true}, {0, 404, 9}, 3, 2, 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t lens[3];
        memcpy(lens, cases[i].lens, sizeof lens);
        assert_int_equal(read_lengths(&cases[i].column, lens, cases[i].n, cases[i].last_offset),
                         LEAT_OK);
        lens[cases[i].cut]--;
        assert_int_equal(read_lengths(&cases[i].column, lens, cases[i].n, cases[i].last_offset),
                         LEAT_BAD_DATA);
    }
    /* The elements of a list have two buffers themselves; here one is missing. */
    struct lt_ipc_field list = {.id = LT_LIST, .plain = true, .children = &item, .n_children = 1};
    int64_t list_lens[] = {0, 404, 13};
    assert_int_equal(read_lengths(&list, list_lens, 3, 100), LEAT_BAD_DATA);
    /* An offset that falls back. */
    struct lt_ipc_field text = {.id = LT_UTF8, .plain = true};
    int64_t text_lens[] = {0, 404, 9};
    assert_int_equal(read_lengths(&text, text_lens, 3, -1), LEAT_BAD_DATA);
}

static void flatbuf_reader_marks_offsets_that_lead_outside(void **state)
{
    (void)state;
    static const uint8_t sizes[] = {4};
    for (int32_t wrong = -4; wrong <= 64; wrong += 68) {
        struct lt_fbw w;
        struct lt_fbw_table table;
        struct lt_fb_table root;
        struct lt_fb_vector vector;
        lt_fbw_start(&w);
        lt_fbw_table(&w, 0, sizes, 1, &table);
        lt_fbw_i32(&w, table.slots[0], wrong);
        struct lt_fb fb = {.data = w.buf.data, .len = w.buf.len};
        assert_true(lt_fb_root(&fb, &root));
        assert_false(lt_fb_vector(&root, 0, 8, &vector));
        assert_int_equal(vector.count, 0);
        assert_true(fb.bad);
        lt_fbw_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrow_gives_back_every_type_and_slice_under_every_codec),
        cmocka_unit_test(arrow_reader_gives_no_more_rows_at_once_than_asked),
        cmocka_unit_test(arrow_reader_takes_any_limit_of_bytes),
        cmocka_unit_test(arrow_reader_that_failed_fails_again),
        cmocka_unit_test(arrow_file_cut_anywhere_is_corrupt),
        cmocka_unit_test(arrow_file_cut_anywhere_is_corrupt_in_a_pipe_too),
        cmocka_unit_test(arrow_stream_cut_within_a_message_is_corrupt),
        cmocka_unit_test(arrow_reader_survives_every_damaged_byte),
        cmocka_unit_test(arrow_writer_decodes_a_dictionary_column),
        cmocka_unit_test(arrow_reader_refuses_big_endian_data_by_name),
        cmocka_unit_test(arrow_formats_are_told_apart_by_their_first_bytes),
        cmocka_unit_test(arrow_writer_refuses_a_codec_arrow_does_not_know),
        cmocka_unit_test(arrow_reader_refuses_buffers_too_short_for_their_rows),
        cmocka_unit_test(flatbuf_reader_marks_offsets_that_lead_outside),
    };
    return cmocka_run_group_tests_name("arrow_ipc", tests, NULL, NULL);
}
