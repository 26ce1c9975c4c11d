#include "io/identity.h"

#include "core/codes.h"
#include "core/hasher.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

#define EDGE_BYTES (256 << 10) /* hashed at either end */

/* Hashes len bytes from `at` on. */
static int hash_span(int fd, int64_t at, int64_t len, uint8_t *buffer, struct lt_hasher *hasher)
{
    for (int64_t done = 0; done < len;) {
        ssize_t got = pread(fd, buffer, (size_t)LT_MIN(len - done, EDGE_BYTES), at + done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got ? errno : EIO; /* it became shorter meanwhile */
        }
        lt_hasher_add(hasher, buffer, (size_t)got);
        done += got;
    }
    return 0;
}

static int hash_edges(int fd, int64_t size, uint64_t *ret_hash)
{
    uint8_t *buffer = malloc(EDGE_BYTES);
    struct lt_hasher *hasher = lt_hasher_new();
    int64_t head = LT_MIN(size, EDGE_BYTES), tail = LT_MIN(size - head, EDGE_BYTES);
    int failed = buffer && hasher ? hash_span(fd, 0, head, buffer, hasher) : ENOMEM;
    failed = failed ? failed : hash_span(fd, size - tail, tail, buffer, hasher);
    *ret_hash = failed ? 0 : lt_hasher_value(hasher);
    lt_hasher_free(hasher);
    free(buffer);
    return failed;
}

int lt_file_identity(const char *path, bool may_lack, struct lt_buf *out, struct leat_error *err)
{
    struct stat st;
    uint64_t hash = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT && may_lack) {
        return lt_buf_puts(out, "none;") ? lt_fail_oom(err) : LEAT_OK;
    }
    if (fd < 0 || fstat(fd, &st) != 0) {
        int status = lt_fail_errno(err, errno, "cannot look at %s", path);
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    if (may_lack && S_ISREG(st.st_mode) && st.st_size == 0) {
        close(fd);
        return lt_buf_puts(out, "none;") ? lt_fail_oom(err) : LEAT_OK;
    }
    bool regular = S_ISREG(st.st_mode);
    int failed = regular ? hash_edges(fd, st.st_size, &hash) : 0;
    close(fd);
    if (!regular) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s is no regular file, which could be read again",
                       path);
    }
    if (failed) {
        return lt_fail_errno(err, failed, "cannot read %s", path);
    }
    return lt_buf_printf(out,
                         "%" PRIu64 ":%" PRIu64 ":%" PRId64 ":%" PRId64 ".%09ld:%016" PRIx64 ";",
                         (uint64_t)st.st_dev, (uint64_t)st.st_ino, (int64_t)st.st_size,
                         (int64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, hash)
               ? lt_fail_oom(err)
               : LEAT_OK;
}
