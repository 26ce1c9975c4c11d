/* A sink that counts and hashes what passes through it on the way to a file. */
#include "connectors/file/internal.h"

#include "core/hasher.h"

#include <stdlib.h>

#include "core/banned.h"

struct digest_sink {
    struct lt_sink base;
    struct lt_sink *inner;
    struct fc_digest *digest;
    struct lt_hasher *hasher;
};

static int digest_write(struct lt_sink *sink, const void *data, size_t size, struct leat_error *err)
{
    struct digest_sink *self = (struct digest_sink *)sink;
    int status = lt_sink_write(self->inner, data, size, err);
    if (!status) {
        lt_hasher_add(self->hasher, data, size);
        self->digest->bytes += (int64_t)size;
        self->base.position += (int64_t)size;
    }
    return status;
}

static int digest_finish(struct lt_sink *sink, struct leat_error *err)
{
    struct digest_sink *self = (struct digest_sink *)sink;
    self->digest->hash = lt_hasher_value(self->hasher);
    return lt_sink_finish(self->inner, err);
}

static void digest_close(struct lt_sink *sink)
{
    struct digest_sink *self = (struct digest_sink *)sink;
    lt_sink_close(self->inner);
    lt_hasher_free(self->hasher);
    free(self);
}

static const struct lt_sink_ops digest_ops = {
    .write = digest_write, .finish = digest_finish, .close = digest_close};

int lt_fc_digest_sink(struct lt_sink *inner, struct fc_digest *digest, struct lt_sink **ret_sink,
                      struct leat_error *err)
{
    struct digest_sink *self = calloc(1, sizeof *self);
    struct lt_hasher *hasher = lt_hasher_new();
    if (!self || !hasher) {
        free(self);
        lt_hasher_free(hasher);
        lt_sink_close(inner);
        return lt_fail_oom(err);
    }
    *digest = (struct fc_digest){.bytes = 0};
    self->base = (struct lt_sink){.ops = &digest_ops, .name = inner->name};
    self->inner = inner;
    self->digest = digest;
    self->hasher = hasher;
    *ret_sink = &self->base;
    return LEAT_OK;
}
