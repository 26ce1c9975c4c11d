#include "formats/parquet/read.h"

#include "core/codes.h"

#include "core/banned.h"

const struct leat_option lt_pq_read_options[] = {{.name = NULL}};

int lt_pq_read_open(struct lt_source *source, const struct lt_format_options *options,
                    struct lt_format_reader **ret_reader, struct leat_error *err)
{
    (void)source, (void)options, (void)ret_reader;
    return lt_fail(err, LT_E_UNSUPPORTED, "Parquet cannot be read yet");
}

int lt_pq_read_schema(struct lt_format_reader *reader, struct ArrowSchema *ret_schema,
                      struct leat_error *err)
{
    (void)reader, (void)ret_schema;
    return lt_fail(err, LT_E_UNSUPPORTED, "Parquet cannot be read yet");
}

int lt_pq_read_next(struct lt_format_reader *reader, struct ArrowArray *ret_batch,
                    struct leat_error *err)
{
    (void)reader, (void)ret_batch;
    return lt_fail(err, LT_E_UNSUPPORTED, "Parquet cannot be read yet");
}

int lt_pq_read_explain(struct lt_format_reader *reader, struct lt_buf *out)
{
    (void)reader, (void)out;
    return LEAT_OK;
}

void lt_pq_read_close(struct lt_format_reader *reader)
{
    (void)reader;
}
