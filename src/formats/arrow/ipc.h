/* Readers and writers of Arrow IPC streams and files, as the tables in arrow.c name them. */
#ifndef LT_IPC_H
#define LT_IPC_H

#include "formats/format.h"

/* Fixed parts of the file format. */
#define LT_IPC_MAGIC "ARROW1"
#define LT_IPC_MAGIC_LEN 6

/* Reads a stream or, when the bytes begin with the magic of one, a file. A file on a source that
 * can seek is read by its footer; else from front to back, and the footer is checked at the end. */
int lt_ipc_read_open(struct lt_source *source, const struct lt_format_options *options,
                     struct lt_format_reader **ret_reader, struct leat_error *err);
int lt_ipc_read_schema(struct lt_format_reader *reader, struct ArrowSchema *ret_schema,
                       struct leat_error *err);
int lt_ipc_read_next(struct lt_format_reader *reader, struct ArrowArray *ret_batch,
                     struct leat_error *err);
void lt_ipc_read_close(struct lt_format_reader *reader);

extern const struct leat_option lt_ipc_read_options[];
extern const struct leat_option lt_ipc_write_options[];

/* file: with magic and footer. Views and dictionaries are written as plain values. */
int lt_ipc_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                      const struct lt_format_options *options, bool file,
                      struct lt_format_writer **ret_writer, struct leat_error *err);
int lt_ipc_write_batch(struct lt_format_writer *writer, const struct ArrowArray *batch,
                       struct leat_error *err);
int lt_ipc_write_finish(struct lt_format_writer *writer, struct leat_error *err);
void lt_ipc_write_close(struct lt_format_writer *writer);

#endif
