/* Where bytes come from and go to: the seam between formats (which know bytes) and io (which
 * knows files, pipes, codecs and, later, object stores).
 *
 * A source or sink is used by one thread at a time. Every failure fills *err with the name of
 * the file in its place. The struct is embedded as the first member of the implementation's. */
#ifndef LT_BYTES_H
#define LT_BYTES_H

#include "leat/error.h"

#include <stdbool.h>
#include <stdint.h>

struct lt_source;
struct lt_sink;

struct lt_source_ops {
    /* Reads up to `size` (> 0) bytes; *ret_len 0 is the end, and only the true end: a cut
     * connection or truncated codec stream is an error. */
    int (*read)(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                struct leat_error *err);
    /* Reads exactly `size` bytes at `offset` from the beginning, without moving the sequential
     * position; past the end is LEAT_BAD_DATA. NULL: not seekable (pipe, codec). */
    int (*read_at)(struct lt_source *source, int64_t offset, void *data, size_t size,
                   struct leat_error *err);
    void (*close)(struct lt_source *source);
};

struct lt_source {
    const struct lt_source_ops *ops;
    const char *name; /* for messages: path, URL without secrets, or "<stdin>"; owned */
    int64_t size;     /* total bytes, -1 unknown; for codecs: of the raw input */
    int64_t position; /* bytes delivered by read() so far; for codecs: of the raw input */
};

struct lt_sink_ops {
    int (*write)(struct lt_sink *sink, const void *data, size_t size, struct leat_error *err);
    /* Ends the bytes: flushes codec and file, fsync where the sink was opened durable. The sink
     * can only be closed afterwards. */
    int (*finish)(struct lt_sink *sink, struct leat_error *err);
    /* Frees; without a finish() before it, what was written is incomplete. */
    void (*close)(struct lt_sink *sink);
};

struct lt_sink {
    const struct lt_sink_ops *ops;
    const char *name;
    int64_t position; /* bytes taken by write() so far */
};

static inline int lt_source_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                                 struct leat_error *err)
{
    return source->ops->read(source, data, size, ret_len, err);
}

/* Reads until `size` bytes or the end; *ret_len says how many. */
int lt_source_read_full(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                        struct leat_error *err);

static inline void lt_source_close(struct lt_source *source)
{
    if (source) {
        source->ops->close(source);
    }
}

static inline int lt_sink_write(struct lt_sink *sink, const void *data, size_t size,
                                struct leat_error *err)
{
    return sink->ops->write(sink, data, size, err);
}

static inline int lt_sink_finish(struct lt_sink *sink, struct leat_error *err)
{
    return sink->ops->finish(sink, err);
}

static inline void lt_sink_close(struct lt_sink *sink)
{
    if (sink) {
        sink->ops->close(sink);
    }
}

/* Bytes in memory. The source borrows `data`; the sink appends to a caller-held lt_buf. */
struct lt_buf;
int lt_source_memory(const void *data, size_t size, const char *name, struct lt_source **ret_source,
                     struct leat_error *err);
int lt_sink_memory(struct lt_buf *buf, struct lt_sink **ret_sink, struct leat_error *err);

#endif
