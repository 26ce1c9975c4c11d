/* A source read to its end into a temporary file, so that it can be read at any offset: file.h. */
#include "io/file.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/temp.h"
#include "core/util.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/banned.h"

struct spool {
    struct lt_source base;
    int fd;
    char *name; /* of what was spooled, which messages are about */
    struct lt_file_options options;
};

static int cancelled(const struct spool *spool, struct leat_error *err)
{
    return spool->options.cancelled && spool->options.cancelled(spool->options.cancelled_arg)
               ? lt_fail(err, LT_E_CANCELLED, "the run was cancelled")
               : LEAT_OK;
}

static int spool_read_at(struct lt_source *source, int64_t offset, void *data, size_t size,
                         struct leat_error *err)
{
    struct spool *spool = (struct spool *)source;
    int status = cancelled(spool, err);
    if (!status && (offset < 0 || offset > source->size ||
                    (uint64_t)size > (uint64_t)(source->size - offset))) {
        status = lt_fail(err, LT_E_CORRUPT, "the file ends too early");
    }
    status = status ? status : lt_temp_read_at(spool->fd, offset, data, size, err);
    if (status) {
        leat_error_place(err, "%s", spool->name);
    }
    return status;
}

static int spool_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                      struct leat_error *err)
{
    size_t len =
        (size_t)LT_MIN((int64_t)LT_MIN(size, (size_t)INT64_MAX), source->size - source->position);
    int status = len ? spool_read_at(source, source->position, data, len, err) : LEAT_OK;
    if (!status) {
        source->position += (int64_t)len;
        *ret_len = len;
    }
    return status;
}

static void spool_close(struct lt_source *source)
{
    struct spool *spool = (struct spool *)source;
    if (spool->fd >= 0) {
        close(spool->fd);
    }
    free(spool->name);
    free(spool);
}

static const struct lt_source_ops spool_ops = {spool_read, spool_read_at, spool_close};

static int copy(struct spool *spool, struct lt_source *inner, struct leat_error *err)
{
    uint8_t *buffer = malloc(LT_FILE_BUFFER);
    size_t len = 1;
    int status = buffer ? LEAT_OK : lt_fail_oom(err);
    while (!status && len) {
        status = cancelled(spool, err);
        status = status ? status : lt_source_read(inner, buffer, LT_FILE_BUFFER, &len, err);
        if (!status && len) {
            status = lt_temp_write(spool->fd, buffer, len, err);
            spool->base.size += (int64_t)len;
        }
    }
    free(buffer);
    return status;
}

int lt_source_spool(struct lt_source *inner, const struct lt_file_options *options,
                    struct lt_source **ret_source, struct leat_error *err)
{
    struct spool *spool = calloc(1, sizeof *spool);
    char *name = lt_strdup(inner->name);
    int status = LEAT_OK;
    if (!spool || !name) {
        free(spool);
        free(name);
        lt_source_close(inner);
        return lt_fail_oom(err);
    }
    spool->name = name;
    spool->fd = -1;
    spool->options = options ? *options : (struct lt_file_options){.cancelled = NULL};
    spool->base = (struct lt_source){.ops = &spool_ops, .name = name};
    status = lt_temp_open(&spool->fd, err);
    status = status ? status : copy(spool, inner, err);
    lt_source_close(inner);
    if (status) {
        if (err && !err->place[0]) {
            leat_error_place(err, "%s", name);
        }
        spool_close(&spool->base);
        return status;
    }
    *ret_source = &spool->base;
    return LEAT_OK;
}
