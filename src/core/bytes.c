/* Bytes in memory as source and sink, and reading in full. */
#include "core/bytes.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

struct memory_source {
    struct lt_source base;
    const uint8_t *data;
    size_t size;
    size_t at;
    char *name;
};

struct memory_sink {
    struct lt_sink base;
    struct lt_buf *buf;
    bool finished;
};

int lt_source_read_full(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                        struct leat_error *err)
{
    size_t done = 0;
    while (done < size) {
        size_t len = 0;
        int status = lt_source_read(source, (uint8_t *)data + done, size - done, &len, err);
        if (status) {
            return status;
        }
        if (!len) {
            break;
        }
        done += len;
    }
    *ret_len = done;
    return LEAT_OK;
}

static int memory_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                       struct leat_error *err)
{
    (void)err;
    struct memory_source *memory = (struct memory_source *)source;
    size_t len = LT_MIN(size, memory->size - memory->at);
    if (len) {
        memcpy(data, memory->data + memory->at, len);
    }
    memory->at += len;
    source->position = (int64_t)memory->at;
    *ret_len = len;
    return LEAT_OK;
}

static int memory_read_at(struct lt_source *source, int64_t offset, void *data, size_t size,
                          struct leat_error *err)
{
    struct memory_source *memory = (struct memory_source *)source;
    if (offset < 0 || (uint64_t)offset > memory->size || size > memory->size - (size_t)offset) {
        lt_fail(err, LT_E_CORRUPT, "%zu bytes at offset %lld lie outside its %zu bytes", size,
                (long long)offset, memory->size);
        leat_error_place(err, "%s", source->name);
        return LEAT_BAD_DATA;
    }
    if (size) {
        memcpy(data, memory->data + offset, size);
    }
    return LEAT_OK;
}

static void memory_close(struct lt_source *source)
{
    struct memory_source *memory = (struct memory_source *)source;
    free(memory->name);
    free(memory);
}

static const struct lt_source_ops memory_source_ops = {memory_read, memory_read_at, memory_close};

int lt_source_memory(const void *data, size_t size, const char *name, struct lt_source **ret_source,
                     struct leat_error *err)
{
    if (size > INT64_MAX) {
        return lt_fail(err, LT_E_LIMIT, "more bytes than an offset can count");
    }
    struct memory_source *memory = calloc(1, sizeof(*memory));
    char *copy = lt_strdup(name ? name : "<memory>");
    if (!memory || !copy) {
        free(memory);
        free(copy);
        return lt_fail_oom(err);
    }
    memory->base.ops = &memory_source_ops;
    memory->base.name = memory->name = copy;
    memory->base.size = (int64_t)size;
    memory->data = data;
    memory->size = size;
    *ret_source = &memory->base;
    return LEAT_OK;
}

static int sink_write(struct lt_sink *sink, const void *data, size_t size, struct leat_error *err)
{
    struct memory_sink *memory = (struct memory_sink *)sink;
    if (memory->finished) {
        lt_fail(err, LT_E_INTERNAL, "bytes were written after the end");
        leat_error_place(err, "%s", sink->name);
        return LEAT_INTERNAL;
    }
    if (lt_buf_append(memory->buf, data, size)) {
        lt_fail_oom(err);
        leat_error_place(err, "%s", sink->name);
        return LEAT_NO_MEMORY;
    }
    sink->position += (int64_t)size;
    return LEAT_OK;
}

static int sink_finish(struct lt_sink *sink, struct leat_error *err)
{
    (void)err;
    ((struct memory_sink *)sink)->finished = true;
    return LEAT_OK;
}

static void sink_close(struct lt_sink *sink)
{
    free(sink);
}

static const struct lt_sink_ops memory_sink_ops = {sink_write, sink_finish, sink_close};

int lt_sink_memory(struct lt_buf *buf, struct lt_sink **ret_sink, struct leat_error *err)
{
    struct memory_sink *memory = calloc(1, sizeof(*memory));
    if (!memory) {
        return lt_fail_oom(err);
    }
    memory->base.ops = &memory_sink_ops;
    memory->base.name = "<memory>";
    memory->buf = buf;
    *ret_sink = &memory->base;
    return LEAT_OK;
}
