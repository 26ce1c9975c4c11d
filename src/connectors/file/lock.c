/* Locks between processes: flock() on a small file beside what is locked.
 *
 * The file is removed by whoever gives the lock up, while still holding it; whoever then gets the
 * lock of a removed file notices (the name means another file, or none) and tries again. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

#define LOCK_ROUND_MS 20
#define LOCK_SUFFIX ".leat-lock"

/* LEAT_UNAVAILABLE without a word: somebody else holds it. */
static int try_lock(const char *path, int *ret_fd, struct leat_error *err)
{
    struct stat mine, named;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        return lt_fail_errno(err, errno, "cannot make the lock %s", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int sys = errno;
        close(fd);
        return sys == EWOULDBLOCK || sys == EINTR
                   ? LEAT_UNAVAILABLE
                   : lt_fail_errno(err, sys, "cannot take the lock %s", path);
    }
    if (fstat(fd, &mine) != 0 || stat(path, &named) != 0 || mine.st_ino != named.st_ino ||
        mine.st_dev != named.st_dev) {
        close(fd);
        return LEAT_UNAVAILABLE;
    }
    *ret_fd = fd;
    return LEAT_OK;
}

int lt_fc_lock(struct leat_endpoint *ep, const char *dir, const char *name, int64_t timeout_ms,
               struct fc_lock *ret_lock, struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    int64_t until = lt_now_us() + timeout_ms * 1000;
    char *path = lt_format("%s.%.200s" LOCK_SUFFIX, dir, name);
    int fd = -1, status = path ? LEAT_OK : lt_fail_oom(err);
    while (!status) {
        int tried = try_lock(path, &fd, &why);
        if (!tried) {
            *ret_lock = (struct fc_lock){.fd = fd, .path = path};
            return LEAT_OK;
        }
        if (why.status) {
            if (err) {
                *err = why;
            }
            status = tried;
        } else if (lt_fc_cancelled(ep)) {
            status = lt_fail(err, LT_E_CANCELLED, "the run was stopped while waiting for a lock");
        } else if (lt_now_us() >= until) {
            status = lt_fail(err, LT_E_DESTINATION_BUSY, "another load holds %s%s", dir, name);
        } else {
            lt_sleep_ms(LOCK_ROUND_MS, &ep->cancel.flag);
        }
    }
    free(path);
    return status;
}

void lt_fc_unlock(struct fc_lock *lock)
{
    if (lock->fd >= 0) {
        unlink(lock->path);
        close(lock->fd);
    }
    free(lock->path);
    *lock = FC_LOCK_NONE;
}

void lt_fc_remove_dead_lock(const char *dir, const char *name)
{
    size_t length = strlen(name), suffix = strlen(LOCK_SUFFIX);
    if (length <= suffix || strcmp(name + length - suffix, LOCK_SUFFIX) != 0) {
        return;
    }
    struct fc_lock lock = {.fd = -1, .path = lt_format("%s%s", dir, name)};
    if (lock.path && try_lock(lock.path, &lock.fd, NULL)) {
        lock.fd = -1;
    }
    lt_fc_unlock(&lock);
}
