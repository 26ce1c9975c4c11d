/* Bytes that the embedding program gives or takes, in the place of standard input and output. */
#include "connectors/file/internal.h"

#include <stdlib.h>

#include "core/banned.h"

struct program_sink {
    struct lt_sink base;
    struct leat_bytes bytes;
};

static int program_write(struct lt_sink *sink, const void *data, size_t size,
                         struct leat_error *err)
{
    const struct leat_bytes *bytes = &((struct program_sink *)sink)->bytes;
    int failed = bytes->write(bytes->arg, data, size);
    if (failed) {
        int status = lt_fail_errno(err, failed, "the program did not take the bytes");
        leat_error_place(err, "%s", sink->name);
        return status;
    }
    sink->position += (int64_t)size;
    return LEAT_OK;
}

static int program_finish(struct lt_sink *sink, struct leat_error *err)
{
    (void)sink;
    (void)err;
    return LEAT_OK;
}

static void program_close(struct lt_sink *sink)
{
    free(sink);
}

static const struct lt_sink_ops program_sink_ops = {program_write, program_finish, program_close};

int lt_fc_program_source(const struct leat_bytes *bytes, struct lt_source **ret_source,
                         struct leat_error *err)
{
    if (!bytes->data && bytes->data_len) {
        return lt_fail(err, LT_E_INVALID, "bytes that are not there");
    }
    return lt_source_memory(bytes->data ? bytes->data : "", bytes->data_len, "<memory>", ret_source,
                            err);
}

int lt_fc_program_sink(const struct leat_bytes *bytes, struct lt_sink **ret_sink,
                       struct leat_error *err)
{
    if (!bytes->write) {
        return lt_fail(err, LT_E_INVALID, "these bytes are there to be read only");
    }
    struct program_sink *sink = calloc(1, sizeof *sink);
    if (!sink) {
        return lt_fail_oom(err);
    }
    sink->base.ops = &program_sink_ops;
    sink->base.name = "<memory>";
    sink->bytes = *bytes;
    *ret_sink = &sink->base;
    return LEAT_OK;
}
