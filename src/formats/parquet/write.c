#include "formats/parquet/write.h"

#include "core/codes.h"

#include "core/banned.h"

const struct leat_option lt_pq_write_options[] = {{.name = NULL}};

const char *lt_pq_refuses(const struct ArrowSchema *field)
{
    (void)field;
    return NULL;
}

int lt_pq_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                     const struct lt_format_options *options, struct lt_format_writer **ret_writer,
                     struct leat_error *err)
{
    (void)sink, (void)schema, (void)options, (void)ret_writer;
    return lt_fail(err, LT_E_UNSUPPORTED, "Parquet cannot be written yet");
}

int lt_pq_write_batch(struct lt_format_writer *writer, const struct ArrowArray *batch,
                      struct leat_error *err)
{
    (void)writer, (void)batch;
    return lt_fail(err, LT_E_UNSUPPORTED, "Parquet cannot be written yet");
}

int lt_pq_write_finish(struct lt_format_writer *writer, struct leat_error *err)
{
    (void)writer;
    return lt_fail(err, LT_E_UNSUPPORTED, "Parquet cannot be written yet");
}

void lt_pq_write_close(struct lt_format_writer *writer)
{
    (void)writer;
}
