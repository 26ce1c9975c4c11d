/* A source read to its end into a temporary file, so that it can be read at any offset: file.h. */
#include "io/file.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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
    uint8_t *to = data;
    int status = cancelled(spool, err);
    if (!status && (offset < 0 || offset > source->size ||
                    (uint64_t)size > (uint64_t)(source->size - offset))) {
        status = lt_fail(err, LT_E_CORRUPT, "the file ends too early");
    }
    while (!status && size) {
        ssize_t n = pread(spool->fd, to, size, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            status = n ? lt_fail_errno(err, errno, "its temporary copy cannot be read")
                       : lt_fail(err, LT_E_IO, "its temporary copy was cut");
            break;
        }
        to += n;
        offset += n;
        size -= (size_t)n;
    }
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

/* A file without a name: it goes with its descriptor, however the process ends. Not every file
 * system can make one, so the name is taken away at once where need be. */
static int open_temp(const char *dir, int *ret_fd, struct leat_error *err)
{
    int fd = -1;
#ifdef O_TMPFILE
    fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
#endif
    if (fd < 0) {
        char *path = lt_format("%s/leat-spool-XXXXXX", dir);
        if (!path) {
            return lt_fail_oom(err);
        }
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0) {
            unlink(path);
        }
        free(path);
    }
    if (fd < 0) {
        int status = lt_fail_errno(err, errno, "no temporary file can be made in %s", dir);
        leat_error_remedy(err, "set TMPDIR to a directory that can be written");
        return status;
    }
    *ret_fd = fd;
    return LEAT_OK;
}

static int write_all(int fd, const uint8_t *data, size_t size, const char *dir,
                     struct leat_error *err)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            int status =
                lt_fail_errno(err, errno, "the temporary copy in %s cannot be written", dir);
            leat_error_remedy(err, "set TMPDIR to a directory with room for the whole input");
            return status;
        }
        data += n;
        size -= (size_t)n;
    }
    return LEAT_OK;
}

static int copy(struct spool *spool, struct lt_source *inner, const char *dir,
                struct leat_error *err)
{
    uint8_t *buffer = malloc(LT_FILE_BUFFER);
    size_t len = 1;
    int status = buffer ? LEAT_OK : lt_fail_oom(err);
    while (!status && len) {
        status = cancelled(spool, err);
        status = status ? status : lt_source_read(inner, buffer, LT_FILE_BUFFER, &len, err);
        if (!status && len) {
            status = write_all(spool->fd, buffer, len, dir, err);
            spool->base.size += (int64_t)len;
        }
    }
    free(buffer);
    return status;
}

int lt_source_spool(struct lt_source *inner, const struct lt_file_options *options,
                    struct lt_source **ret_source, struct leat_error *err)
{
    const char *dir = getenv("TMPDIR");
    dir = dir && *dir ? dir : "/tmp";
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
    status = open_temp(dir, &spool->fd, err);
    status = status ? status : copy(spool, inner, dir, err);
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
