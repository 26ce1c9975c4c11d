/* Writing Parquet: the calls of struct lt_format (write.c). */
#ifndef LT_PARQUET_WRITE_H
#define LT_PARQUET_WRITE_H

#include "formats/format.h"

extern const struct leat_option lt_pq_write_options[];

const char *lt_pq_refuses(const struct ArrowSchema *field);
int lt_pq_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                     const struct lt_format_options *options, struct lt_format_writer **ret_writer,
                     struct leat_error *err);
int lt_pq_write_batch(struct lt_format_writer *writer, const struct ArrowArray *batch,
                      struct leat_error *err);
int lt_pq_write_finish(struct lt_format_writer *writer, struct leat_error *err);
void lt_pq_write_close(struct lt_format_writer *writer);

#endif
