/* Local files and standard streams: file.h says what they promise. */
#include "io/file.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What one system call is asked for at most: Linux transfers at most 2 GiB at once. */
#define CALL_MAX ((size_t)1 << 30)
/* What a pipe that poll() calls writable takes without blocking. */
#define PIPE_CHUNK ((size_t)PIPE_BUF)

struct handle {
    int fd; /* -1: closed */
    bool owned;
    bool waits; /* not a regular file: may block for as long as it likes */
    struct lt_file_options options;
    char *name;
};

struct file_source {
    struct lt_source base;
    struct handle file;
    uint8_t *buffer; /* [start, end) is still to be delivered */
    size_t start, end;
    int64_t offset;          /* bytes taken from the descriptor */
    struct timespec changed; /* when it was last, as it was opened */
    bool kept;               /* by a path: its end is held against its beginning */
};

struct file_sink {
    struct lt_sink base;
    struct handle file;
    uint8_t *buffer;
    size_t used, size;
    bool failed; /* a write did: there is a hole, and finish() must not call the file whole */
};

/* --- shared -------------------------------------------------------------------------------- */

static int placed(const struct handle *h, int rc, struct leat_error *err)
{
    leat_error_place(err, "%s", h->name);
    return rc;
}

static int cancelled(const struct handle *h, struct leat_error *err)
{
    if (h->options.cancelled && h->options.cancelled(h->options.cancelled_arg)) {
        return placed(h, lt_fail(err, LT_E_CANCELLED, "the run was cancelled"), err);
    }
    return LEAT_OK;
}

/* Waits until the descriptor can be read or written, or is broken: the call that follows says
 * how. */
static int wait_for(const struct handle *h, short events, struct leat_error *err)
{
    for (;;) {
        struct pollfd p = {.fd = h->fd, .events = events};
        int rc = cancelled(h, err);
        if (rc) {
            return rc;
        }
        int n = poll(&p, 1, LT_FILE_POLL_MS);
        if (n > 0) {
            return LEAT_OK;
        }
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            return placed(h, lt_fail_errno(err, errno, "cannot wait"), err);
        }
    }
}

/* Fills in a handle that was just opened; on failure it is closed. */
static int handle_init(struct handle *h, int fd, bool owned, const char *name,
                       const struct lt_file_options *options, struct stat *ret_stat,
                       struct leat_error *err)
{
    int rc = LEAT_OK;
    *h = (struct handle){.fd = fd, .owned = owned, .name = lt_strdup(name)};
    if (options) {
        h->options = *options;
    }
    if (!h->name) {
        rc = lt_fail_oom(err);
    } else if (fstat(fd, ret_stat)) {
        rc = lt_fail_errno(err, errno, "cannot be examined");
    } else if (S_ISDIR(ret_stat->st_mode)) {
        rc = lt_fail(err, LT_E_INVALID, "is a directory");
    }
    if (!rc) {
        h->waits = !S_ISREG(ret_stat->st_mode);
        return LEAT_OK;
    }
    leat_error_place(err, "%s", name);
    if (owned) {
        close(fd);
    }
    free(h->name);
    h->fd = -1;
    h->name = NULL;
    return rc;
}

static void handle_close(struct handle *h)
{
    if (h->owned && h->fd >= 0) {
        close(h->fd);
    }
    h->fd = -1;
    free(h->name);
    h->name = NULL;
}

/* --- sources ------------------------------------------------------------------------------- */

/* At its end a file is as it was at its beginning, or records of two contents would be mixed. One
 * that grew may be a log, which is added to all the time. */
static int check_kept(const struct file_source *s, struct leat_error *err)
{
    struct stat st;
    if (!s->kept) {
        return LEAT_OK;
    }
    if (fstat(s->file.fd, &st)) {
        return lt_fail_errno(err, errno, "cannot be examined");
    }
    bool same = st.st_mtim.tv_sec == s->changed.tv_sec && st.st_mtim.tv_nsec == s->changed.tv_nsec;
    if (st.st_size < s->offset || (st.st_size == s->base.size && !same)) {
        return lt_fail(err, LT_E_SOURCE_CUT, "the file was changed while it was read");
    }
    if (st.st_size > s->base.size) {
        lt_log(LT_LOG_WARN,
               "%s: the file grew while it was read, from %lld to %lld bytes: what was changed "
               "meanwhile, other than added, is not noticed",
               s->file.name, (long long)s->base.size, (long long)st.st_size);
    }
    return LEAT_OK;
}

static int read_some(struct file_source *s, void *data, size_t size, size_t *ret_len,
                     struct leat_error *err)
{
    const struct handle *h = &s->file;
    for (;;) {
        int rc = h->waits ? wait_for(h, POLLIN, err) : cancelled(h, err);
        if (rc) {
            return rc;
        }
        ssize_t n = read(h->fd, data, LT_MIN(size, CALL_MAX));
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (n < 0) {
            return placed(h, lt_fail_errno(err, errno, "cannot be read"), err);
        }
        if (n == 0 && s->offset < s->base.size) {
            return placed(h, lt_fail(err, LT_E_SOURCE_CUT, "the file was cut while it was read"),
                          err);
        }
        s->offset += n;
        *ret_len = (size_t)n;
        rc = n ? LEAT_OK : check_kept(s, err);
        return rc ? placed(h, rc, err) : LEAT_OK;
    }
}

static int source_read(struct lt_source *source, void *data, size_t size, size_t *ret_len,
                       struct leat_error *err)
{
    struct file_source *s = (struct file_source *)source;
    size_t len;
    if (s->start == s->end && size >= LT_FILE_BUFFER) {
        int rc = read_some(s, data, size, &len, err);
        if (rc) {
            return rc;
        }
        source->position += (int64_t)len;
        *ret_len = len;
        return LEAT_OK;
    }
    if (s->start == s->end) {
        int rc = read_some(s, s->buffer, LT_FILE_BUFFER, &len, err);
        if (rc) {
            return rc;
        }
        s->start = 0;
        s->end = len;
    }
    len = LT_MIN(size, s->end - s->start);
    memcpy(data, s->buffer + s->start, len);
    s->start += len;
    source->position += (int64_t)len;
    *ret_len = len;
    return LEAT_OK;
}

static int source_read_at(struct lt_source *source, int64_t offset, void *data, size_t size,
                          struct leat_error *err)
{
    struct file_source *s = (struct file_source *)source;
    uint8_t *to = data;
    if (offset < 0 || (int64_t)size < 0 || offset > INT64_MAX - (int64_t)size) {
        return placed(&s->file, lt_fail(err, LT_E_CORRUPT, "a read past any end"), err);
    }
    while (size) {
        int rc = cancelled(&s->file, err);
        if (rc) {
            return rc;
        }
        ssize_t n = pread(s->file.fd, to, LT_MIN(size, CALL_MAX), offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return placed(&s->file, lt_fail_errno(err, errno, "cannot be read"), err);
        }
        if (n == 0) {
            return placed(&s->file, lt_fail(err, LT_E_CORRUPT, "the file ends too early"), err);
        }
        to += n;
        offset += n;
        size -= (size_t)n;
    }
    return LEAT_OK;
}

static void source_close(struct lt_source *source)
{
    struct file_source *s = (struct file_source *)source;
    handle_close(&s->file);
    free(s->buffer);
    free(s);
}

static const struct lt_source_ops seekable_ops = {source_read, source_read_at, source_close};
static const struct lt_source_ops forward_ops = {source_read, NULL, source_close};

/* Opens without waiting for the other end of a named pipe, and tells an input that is not there
 * yet from one that ended: poll() reports a pipe only once somebody has opened it to write. */
static int open_input(const char *path, int *ret_fd, struct leat_error *err)
{
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)) {
        int rc = lt_fail_errno(err, errno, "cannot be opened");
        leat_error_place(err, "%s", path);
        if (fd >= 0) {
            close(fd);
        }
        return rc;
    }
    *ret_fd = fd;
    return LEAT_OK;
}

int lt_source_file(const char *path, const struct lt_file_options *options,
                   struct lt_source **ret_source, struct leat_error *err)
{
    bool standard = !strcmp(path, "-");
    struct stat st;
    int fd = STDIN_FILENO;
    int rc = standard ? LEAT_OK : open_input(path, &fd, err);
    if (rc) {
        return rc;
    }
    struct file_source *s = calloc(1, sizeof *s);
    uint8_t *buffer = s ? malloc(LT_FILE_BUFFER) : NULL;
    if (!buffer) {
        rc = lt_fail_oom(err);
        if (!standard) {
            close(fd);
        }
        free(s);
        return rc;
    }
    s->buffer = buffer;
    rc = handle_init(&s->file, fd, !standard, standard ? "<stdin>" : path, options, &st, err);
    if (rc) {
        free(s->buffer);
        free(s);
        return rc;
    }
    /* Files under /proc say that they are regular and empty; both are wrong, so an empty file is
     * read like a pipe. Standard input may be redirected from the middle of a file: then offsets
     * from its beginning are not ours either. */
    bool whole =
        S_ISREG(st.st_mode) && st.st_size > 0 && (!standard || lseek(fd, 0, SEEK_CUR) == 0);
    s->base = (struct lt_source){.ops = whole ? &seekable_ops : &forward_ops,
                                 .name = s->file.name,
                                 .size = whole ? st.st_size : -1};
    s->changed = st.st_mtim;
    s->kept = whole && !standard;
    if (whole) {
        /* Only a hint: read ahead further than for random access. */
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    *ret_source = &s->base;
    return LEAT_OK;
}

/* --- sinks --------------------------------------------------------------------------------- */

/* write() without SIGPIPE: a library must not change the process's handlers, so the signal is
 * held back for this thread, and taken off its queue when the write raised it. */
static ssize_t write_quietly(int fd, const void *data, size_t size)
{
    sigset_t pipe_set, old, pending;
    struct timespec now = {0};
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigemptyset(&pending);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
    ssize_t n = write(fd, data, size);
    int saved = errno;
    if (n < 0 && saved == EPIPE && !was_pending) {
        while (sigtimedwait(&pipe_set, NULL, &now) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = saved;
    return n;
}

static int write_all(struct file_sink *s, const uint8_t *data, size_t size, struct leat_error *err)
{
    const struct handle *h = &s->file;
    while (size) {
        int rc = h->waits ? wait_for(h, POLLOUT, err) : cancelled(h, err);
        if (rc) {
            return rc;
        }
        ssize_t n = h->waits ? write_quietly(h->fd, data, LT_MIN(size, PIPE_CHUNK))
                             : write(h->fd, data, LT_MIN(size, CALL_MAX));
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (n < 0 && errno == EPIPE) {
            rc = lt_fail(err, LT_E_IO, "whoever read the output has gone away");
            if (err) {
                err->sys_errno = EPIPE; /* by which the program knows to end quietly */
            }
            return placed(h, rc, err);
        }
        if (n < 0) {
            return placed(h, lt_fail_errno(err, errno, "cannot be written"), err);
        }
        data += n;
        size -= (size_t)n;
    }
    return LEAT_OK;
}

static int flush(struct file_sink *s, struct leat_error *err)
{
    int rc = write_all(s, s->buffer, s->used, err);
    s->used = 0;
    return rc;
}

static int sink_write(struct lt_sink *sink, const void *data, size_t size, struct leat_error *err)
{
    struct file_sink *s = (struct file_sink *)sink;
    int rc = LEAT_OK;
    if (size > s->size - s->used) {
        rc = flush(s, err);
    }
    if (!rc && size >= s->size) {
        rc = write_all(s, data, size, err);
    } else if (!rc && size) {
        memcpy(s->buffer + s->used, data, size);
        s->used += size;
    }
    sink->position += rc ? 0 : (int64_t)size;
    s->failed = s->failed || rc;
    return rc;
}

static int sink_finish(struct lt_sink *sink, struct leat_error *err)
{
    struct file_sink *s = (struct file_sink *)sink;
    int rc = s->failed ? placed(&s->file, lt_fail(err, LT_E_IO, "an earlier write failed"), err)
                       : flush(s, err);
    if (!rc && s->file.options.durable && !s->file.waits && fsync(s->file.fd)) {
        rc = placed(&s->file, lt_fail_errno(err, errno, "cannot be made durable"), err);
    }
    if (rc || !s->file.owned) {
        return rc;
    }
    /* Network file systems report the last failed write here. The descriptor is gone anyhow. */
    int fd = s->file.fd;
    s->file.fd = -1;
    if (close(fd) && errno != EINTR) {
        rc = placed(&s->file, lt_fail_errno(err, errno, "cannot be closed"), err);
    }
    return rc;
}

static void sink_close(struct lt_sink *sink)
{
    struct file_sink *s = (struct file_sink *)sink;
    handle_close(&s->file);
    free(s->buffer);
    free(s);
}

static const struct lt_sink_ops sink_ops = {sink_write, sink_finish, sink_close};

static int open_output(const char *path, bool exclusive, int *ret_fd, struct leat_error *err)
{
    int fd;
    do {
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (exclusive ? O_EXCL : O_TRUNC), 0666);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        int rc = errno == EISDIR ? lt_fail(err, LT_E_INVALID, "is a directory")
                                 : lt_fail_errno(err, errno, "cannot be created");
        leat_error_place(err, "%s", path);
        return rc;
    }
    *ret_fd = fd;
    return LEAT_OK;
}

int lt_sink_file(const char *path, const struct lt_file_options *options, struct lt_sink **ret_sink,
                 struct leat_error *err)
{
    bool standard = !strcmp(path, "-");
    struct stat st;
    int fd = STDOUT_FILENO;
    size_t size = options && options->buffer ? options->buffer : LT_FILE_BUFFER;
    struct file_sink *s = calloc(1, sizeof *s);
    uint8_t *buffer = s ? malloc(size) : NULL;
    int rc = buffer ? LEAT_OK : lt_fail_oom(err);
    if (!rc && !standard) {
        rc = open_output(path, options && options->exclusive, &fd, err);
    }
    if (!rc) {
        rc = handle_init(&s->file, fd, !standard, standard ? "<stdout>" : path, options, &st, err);
    }
    if (rc) {
        free(buffer);
        free(s);
        return rc;
    }
    s->buffer = buffer;
    s->size = size;
    s->base = (struct lt_sink){.ops = &sink_ops, .name = s->file.name};
    *ret_sink = &s->base;
    return LEAT_OK;
}

/* --- names --------------------------------------------------------------------------------- */

/* Length of the directory part with its slash; 0: the working directory. */
static size_t directory_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

int lt_file_sync_parent(const char *path, struct leat_error *err)
{
    size_t len = directory_len(path);
    char *dir = len ? lt_strndup(path, len) : lt_strdup(".");
    if (!dir) {
        return lt_fail_oom(err);
    }
    int rc = LEAT_OK;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Some file systems cannot sync a directory and say EINVAL: there is no more to be done. */
    if (fd < 0 || (fsync(fd) && errno != EINVAL)) {
        rc = lt_fail_errno(err, errno, "cannot be made durable");
        leat_error_place(err, "directory %s", dir);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(dir);
    return rc;
}

int lt_file_replace(const char *temp, const char *path, struct leat_error *err)
{
    struct stat st;
    if (!stat(path, &st) && S_ISREG(st.st_mode)) {
        /* Where the bits cannot be had, the file still has safe ones of its own. */
        (void)!chmod(temp, st.st_mode & 07777);
    }
    if (rename(temp, path)) {
        int rc = errno == EISDIR ? lt_fail(err, LT_E_INVALID, "is a directory")
                                 : lt_fail_errno(err, errno, "cannot be put in place");
        leat_error_place(err, "%s", path);
        return rc;
    }
    return lt_file_sync_parent(path, err);
}
