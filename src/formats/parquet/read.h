/* Reading Parquet: the calls of struct lt_format (read.c). */
#ifndef LT_PARQUET_READ_H
#define LT_PARQUET_READ_H

#include "formats/format.h"

extern const struct leat_option lt_pq_read_options[];

int lt_pq_read_open(struct lt_source *source, const struct lt_format_options *options,
                    struct lt_format_reader **ret_reader, struct leat_error *err);
int lt_pq_read_schema(struct lt_format_reader *reader, struct ArrowSchema *ret_schema,
                      struct leat_error *err);
int lt_pq_read_next(struct lt_format_reader *reader, struct ArrowArray *ret_batch,
                    struct leat_error *err);
int lt_pq_read_explain(struct lt_format_reader *reader, struct lt_buf *out);
void lt_pq_read_close(struct lt_format_reader *reader);

#endif
