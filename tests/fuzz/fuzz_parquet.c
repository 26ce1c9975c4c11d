/* Parquet files from outside: whatever the bytes, reading them ends with batches that hold together
 * or with an error. The batches are written as Arrow, whose writer looks at every value. */
#include "columnar/array.h"
#include "core/buf.h"
#include "formats/format.h"

#include <stdlib.h>

/* A few bytes can claim any number of rows: such files are not read to their end. */
#define BATCHES_MAX 50

extern const struct lt_format lt_format_parquet, lt_format_arrow;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct lt_source *source, struct lt_sink *sink)
{
    const struct lt_format *format = &lt_format_parquet, *to = &lt_format_arrow;
    struct lt_format_options options = {.batch_rows_max = 100, .batch_bytes_max = 1 << 16};
    struct lt_format_options defaults = {.n_params = 0};
    struct lt_format_reader *reader = NULL;
    struct lt_format_writer *writer = NULL;
    struct ArrowSchema schema = {.release = NULL};
    struct ArrowArray batch = {.release = NULL};

    if (format->read_open(source, &options, &reader, NULL)) {
        return;
    }
    if (format->read_schema(reader, &schema, NULL)) {
        abort();
    }
    if (to->write_open(sink, &schema, &defaults, &writer, NULL)) {
        writer = NULL; /* Arrow can refuse a schema, such as one of equal names */
    }
    for (int i = 0; i < BATCHES_MAX; i++) {
        if (format->read_next(reader, &batch, NULL) || !batch.release) {
            break;
        }
        /* The reader answers for what it gives out. */
        if (lt_array_check(&schema, &batch, true, NULL) ||
            (writer && to->write_batch(writer, &batch, NULL))) {
            abort();
        }
        batch.release(&batch);
    }
    if (writer) {
        to->write_close(writer);
    }
    format->read_close(reader);
    lt_schema_done(&schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lt_source *source = NULL;
    struct lt_sink *sink = NULL;
    struct lt_buf out = LT_BUF_INIT;
    if (lt_source_memory(data, size, "input", &source, NULL) || lt_sink_memory(&out, &sink, NULL)) {
        abort();
    }
    read_all(source, sink);
    lt_sink_close(sink);
    lt_source_close(source);
    lt_buf_done(&out);
    return 0;
}
