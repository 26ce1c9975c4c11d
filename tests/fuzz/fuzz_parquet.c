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

static int set_aside(void *arg, const struct leat_reject *what, struct leat_error *err)
{
    (void)arg, (void)err;
    return what->place && what->reason ? LEAT_OK : LEAT_INTERNAL;
}

/* tiny: no memory for pages, which are read again and again, and values at fault are told. */
static void read_all(struct lt_source *source, struct lt_sink *sink, int64_t rows_max,
                     int64_t bytes_max, bool tiny)
{
    struct leat_reject_sink rejects = {sizeof rejects, NULL, set_aside};
    struct leat_loss_sink losses = {sizeof losses, NULL, set_aside};
    const struct lt_format *format = &lt_format_parquet, *to = &lt_format_arrow;
    /* Checksums would keep most changed pages from going any further. */
    struct leat_param params[] = {{"verify-checksums", "no"}};
    struct lt_format_options options = {.params = params,
                                        .n_params = 1,
                                        .batch_rows_max = rows_max,
                                        .batch_bytes_max = bytes_max,
                                        .memory = tiny,
                                        .rejects = tiny ? &rejects : NULL,
                                        .losses = tiny ? &losses : NULL};
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
        if (lt_array_check(&schema, &batch, true, NULL) || batch.length > rows_max ||
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

/* Once in batches as they come, once in tiny ones, which leave rows over in most columns. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int tiny = 0; tiny < 2; tiny++) {
        struct lt_source *source = NULL;
        struct lt_sink *sink = NULL;
        struct lt_buf out = LT_BUF_INIT;
        if (lt_source_memory(data, size, "input", &source, NULL) ||
            lt_sink_memory(&out, &sink, NULL)) {
            abort();
        }
        read_all(source, sink, tiny ? 3 : 100, tiny ? 64 : 1 << 16, tiny);
        lt_sink_close(sink);
        lt_source_close(source);
        lt_buf_done(&out);
    }
    return 0;
}
