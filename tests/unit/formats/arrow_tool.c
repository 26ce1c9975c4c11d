/* Reads an Arrow file or stream, prints what it holds, and writes it again: the other half of
 * tests/e2e/test_arrow_interop.py, where another implementation judges the result.
 *
 * arrow_tool IN OUT arrow|arrows none|lz4|zstd ROWS_MAX [forward]
 *   prints a line "NAME TYPE" a column, then "rows N batches N"; IN and OUT may be "-"; `forward`
 *   hides that a file can be read at any offset. Errors: one line on stderr, status 1. */
#include "columnar/schema.h"
#include "core/codes.h"
#include "formats/format.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>

static int print_schema(const struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        struct lt_buf type = LT_BUF_INIT;
        if (lt_type_print(schema->children[i], &type)) {
            return LEAT_NO_MEMORY;
        }
        printf("%s %s\n", schema->children[i]->name, lt_buf_text(&type));
        lt_buf_done(&type);
    }
    return LEAT_OK;
}

static int copy(const struct lt_format *format, struct lt_format_reader *reader,
                struct lt_format_writer *writer, struct leat_error *err)
{
    int64_t rows = 0, batches = 0;
    for (;;) {
        struct ArrowArray batch;
        int rc = format->read_next(reader, &batch, err);
        if (rc) {
            return rc;
        }
        if (!batch.release) {
            printf("rows %lld batches %lld\n", (long long)rows, (long long)batches);
            return format->write_finish(writer, err);
        }
        rows += batch.length;
        batches++;
        rc = format->write_batch(writer, &batch, err);
        batch.release(&batch);
        if (rc) {
            return rc;
        }
    }
}

static int run(char **argv, bool forward, struct leat_error *err)
{
    struct leat_param compression = {"compression", argv[4]};
    struct lt_format_options read_options = {.batch_rows_max = atoll(argv[5])};
    struct lt_format_options write_options = {.params = &compression, .n_params = 1};
    const struct lt_format *format = lt_format_by_name(argv[3]);
    struct lt_source *source = NULL;
    struct lt_sink *sink = NULL;
    struct lt_format_reader *reader = NULL;
    struct lt_format_writer *writer = NULL;
    struct ArrowSchema schema = {.release = NULL};
    struct lt_source_ops ops;

    if (!format) {
        return lt_fail(err, LT_E_INVALID, "no format %s", argv[3]);
    }
    int rc = lt_source_file(argv[1], NULL, &source, err);
    if (!rc && forward) {
        ops = *source->ops;
        ops.read_at = NULL;
        source->ops = &ops;
    }
    if (!rc) {
        rc = format->read_open(source, &read_options, &reader, err);
    }
    if (!rc) {
        rc = format->read_schema(reader, &schema, err);
    }
    if (!rc) {
        rc = print_schema(&schema);
    }
    if (!rc) {
        rc = lt_sink_file(argv[2], NULL, &sink, err);
    }
    if (!rc) {
        rc = format->write_open(sink, &schema, &write_options, &writer, err);
    }
    if (!rc) {
        rc = copy(format, reader, writer, err);
    }
    if (!rc) {
        rc = lt_sink_finish(sink, err);
    }
    lt_schema_done(&schema);
    format->write_close(writer);
    format->read_close(reader);
    lt_sink_close(sink);
    lt_source_close(source);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: arrow_tool IN OUT arrow|arrows none|lz4|zstd ROWS [forward]\n");
        return 2;
    }
    struct leat_error *err = leat_error_new();
    char line[2048];
    int rc = run(argv, argc > 6, err);
    if (rc && err) {
        lt_error_format(err, line, sizeof line);
        fprintf(stderr, "%s\n", line);
    }
    leat_error_free(err);
    return rc ? 1 : 0;
}
