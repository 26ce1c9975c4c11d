/* Arrow IPC from outside: whatever the bytes, reading them ends with batches that hold together
 * or with an error. Each input is read as a source that can seek and as one that cannot, and what
 * was read is written again. */
#include "columnar/array.h"
#include "core/buf.h"
#include "formats/format.h"

#include <stdlib.h>

/* A batch of no columns can claim any number of rows: such ones are not counted to their end. */
#define BATCHES_MAX 200

extern const struct lt_format lt_format_arrow;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct lt_source *source, struct lt_sink *sink)
{
    const struct lt_format *format = &lt_format_arrow;
    struct lt_format_options options = {.batch_rows_max = 100};
    struct lt_format_reader *reader = NULL;
    struct lt_format_writer *writer = NULL;
    struct ArrowSchema schema = {.release = NULL};
    struct ArrowArray batch = {.release = NULL};

    if (format->read_open(source, &options, &reader, NULL)) {
        return;
    }
    if (format->read_schema(reader, &schema, NULL) ||
        format->write_open(sink, &schema, NULL, &writer, NULL)) {
        abort();
    }
    for (int i = 0; i < BATCHES_MAX; i++) {
        if (format->read_next(reader, &batch, NULL) || !batch.release) {
            break;
        }
        /* The reader answers for what it gives out. */
        if (lt_array_check(&schema, &batch, true, NULL) ||
            format->write_batch(writer, &batch, NULL)) {
            abort();
        }
        batch.release(&batch);
    }
    if (format->write_finish(writer, NULL)) {
        abort();
    }
    format->write_close(writer);
    format->read_close(reader);
    lt_schema_done(&schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int forward = 0; forward < 2; forward++) {
        struct lt_source *source = NULL;
        struct lt_sink *sink = NULL;
        struct lt_buf out = LT_BUF_INIT;
        struct lt_source_ops ops;
        if (lt_source_memory(data, size, "input", &source, NULL) ||
            lt_sink_memory(&out, &sink, NULL)) {
            abort();
        }
        if (forward) {
            ops = *source->ops;
            ops.read_at = NULL;
            source->ops = &ops;
        }
        read_all(source, sink);
        lt_sink_close(sink);
        lt_source_close(source);
        lt_buf_done(&out);
    }
    return 0;
}
