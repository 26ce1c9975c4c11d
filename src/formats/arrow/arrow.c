/* The two Arrow formats: what they are called and how they are told apart. */
#include "formats/arrow/arrow.h"

#include "formats/arrow/ipc.h"

#include <string.h>

const struct leat_option lt_ipc_read_options[] = {{.name = NULL}};

const struct leat_option lt_ipc_write_options[] = {
    {"compression", LEAT_OPTION_CHOICE, "none", "none|lz4|zstd",
     "Compress the buffers of each batch; readers of Arrow must know the codec"},
    {.name = NULL}};

static const char *const stream_extensions[] = {"arrows", NULL};
static const char *const file_extensions[] = {"arrow", "feather", "ipc", NULL};

static bool is_file(const uint8_t *data, size_t len)
{
    return len >= 8 && !memcmp(data, LT_IPC_MAGIC "\0", LT_IPC_MAGIC_LEN + 2);
}

/* Streams older than 0.15 have no marker to be known by; they are read when asked for by name. */
static bool is_stream(const uint8_t *data, size_t len)
{
    return len >= 8 && !memcmp(data, "\xff\xff\xff\xff", 4) && data[4] % 8 == 0 &&
           memcmp(data + 4, "\xff\xff\xff\xff", 4) != 0;
}

/* Whatever a schema of leat can hold, Arrow has a type for. */
static const char *refuses(const struct ArrowSchema *field)
{
    (void)field;
    return NULL;
}

static int open_stream(struct lt_sink *sink, const struct ArrowSchema *schema,
                       const struct lt_format_options *options,
                       struct lt_format_writer **ret_writer, struct leat_error *err)
{
    return lt_ipc_write_open(sink, schema, options, false, ret_writer, err);
}

static int open_file(struct lt_sink *sink, const struct ArrowSchema *schema,
                     const struct lt_format_options *options, struct lt_format_writer **ret_writer,
                     struct leat_error *err)
{
    return lt_ipc_write_open(sink, schema, options, true, ret_writer, err);
}

const struct lt_format lt_format_arrow = {.name = "arrow",
                                          .summary = "Arrow IPC file (Feather version 2)",
                                          .extensions = file_extensions,
                                          .read_options = lt_ipc_read_options,
                                          .write_options = lt_ipc_write_options,
                                          .binary = true,
                                          .sniff = is_file,
                                          .read_open = lt_ipc_read_open,
                                          .read_schema = lt_ipc_read_schema,
                                          .read_next = lt_ipc_read_next,
                                          .read_close = lt_ipc_read_close,
                                          .refuses = refuses,
                                          .write_open = open_file,
                                          .write_batch = lt_ipc_write_batch,
                                          .write_finish = lt_ipc_write_finish,
                                          .write_close = lt_ipc_write_close,
                                          .types_in = lt_ipc_types_in,
                                          .types_out = lt_ipc_types_out};

const struct lt_format lt_format_arrow_stream = {.name = "arrows",
                                                 .summary = "Arrow IPC stream",
                                                 .extensions = stream_extensions,
                                                 .read_options = lt_ipc_read_options,
                                                 .write_options = lt_ipc_write_options,
                                                 .binary = true,
                                                 .sniff = is_stream,
                                                 .read_open = lt_ipc_read_open,
                                                 .read_schema = lt_ipc_read_schema,
                                                 .read_next = lt_ipc_read_next,
                                                 .read_close = lt_ipc_read_close,
                                                 .refuses = refuses,
                                                 .write_open = open_stream,
                                                 .write_batch = lt_ipc_write_batch,
                                                 .write_finish = lt_ipc_write_finish,
                                                 .write_close = lt_ipc_write_close,
                                                 .types_in = lt_ipc_types_in,
                                                 .types_out = lt_ipc_types_out};
