#include "core/temp.h"

#include "core/buf.h"
#include "core/codes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/banned.h"

static const char *folder(void)
{
    const char *dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

/* Not every file system can make one without a name, so the name is taken away at once where need
 * be. */
int lt_temp_open(int *ret_fd, struct leat_error *err)
{
    const char *dir = folder();
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

int lt_temp_write(int fd, const void *data, size_t size, struct leat_error *err)
{
    const uint8_t *from = data;
    while (size) {
        ssize_t n = write(fd, from, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            int status =
                lt_fail_errno(err, errno, "the temporary copy in %s cannot be written", folder());
            leat_error_remedy(err, "set TMPDIR to a directory with room for the whole input");
            return status;
        }
        from += n;
        size -= (size_t)n;
    }
    return LEAT_OK;
}

int lt_temp_read_at(int fd, int64_t offset, void *data, size_t size, struct leat_error *err)
{
    uint8_t *to = data;
    while (size) {
        ssize_t n = pread(fd, to, size, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n ? lt_fail_errno(err, errno, "its temporary copy cannot be read")
                     : lt_fail(err, LT_E_IO, "its temporary copy was cut");
        }
        to += n;
        offset += n;
        size -= (size_t)n;
    }
    return LEAT_OK;
}
