#include "config/private_file.h"

#include "core/codes.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

#define FILE_NAME_MAX 200
#define LOCK_WAIT_MS 20000
#define LOCK_STEP_MS 5
#define OTHERS_WRITE (S_IWGRP | S_IWOTH)
#define OTHERS_ANY (S_IRWXG | S_IRWXO)

static int refuse(struct leat_error *err, const char *path, const char *why, const char *remedy)
{
    lt_fail(err, LT_E_VAULT_PERMISSIONS, "%s", why);
    leat_error_place(err, "%s", path);
    if (*remedy) {
        leat_error_remedy(err, remedy[0] == '-' ? "%s" : "%s %s",
                          remedy[0] == '-' ? remedy + 1 : remedy, path);
    }
    return LEAT_DENIED;
}

static bool is_trusted(uid_t owner)
{
    return owner == geteuid() || owner == 0;
}

/* --- directories ---------------------------------------------------------------------------- */

/* mkdir -p; directories that leat makes are nobody else's. */
static int make_directory(const char *path, struct leat_error *err)
{
    char *copy = lt_strdup(path);
    if (!copy) {
        return lt_fail_oom(err);
    }
    int rc = LEAT_OK;
    for (char *at = copy; !rc && at;) {
        at = strchr(at + 1, '/');
        if (at) {
            *at = 0;
        }
        if (mkdir(copy, 0700) && errno != EEXIST && access(copy, X_OK)) {
            rc = lt_fail_errno(err, errno, "the directory cannot be made");
            leat_error_place(err, "%s", copy);
        }
        if (at) {
            *at = '/';
        }
    }
    free(copy);
    return rc;
}

static int check_directory(int fd, const char *dir, struct leat_error *err)
{
    struct stat st;
    if (fstat(fd, &st)) {
        return lt_fail_errno(err, errno, "the directory cannot be looked at");
    }
    if (!is_trusted(st.st_uid)) {
        return refuse(err, dir, "the directory belongs to another user", "chown \"$USER\"");
    }
    if (st.st_mode & OTHERS_WRITE) {
        return refuse(err, dir, "others may write in the directory", "chmod go-w");
    }
    return LEAT_OK;
}

enum trust { TRUST_ANY, TRUST_OURS, MAKE_OURS };

static int open_directory(const char *dir, enum trust trust, int *ret_fd, struct leat_error *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int rc = LEAT_OK, fd = open(dir, flags);
    if (fd < 0 && errno == ENOENT && trust == MAKE_OURS) {
        rc = make_directory(dir, err);
        fd = rc ? -1 : open(dir, flags);
    }
    if (!rc && fd < 0 && (errno != ENOENT || trust != TRUST_OURS)) {
        rc = lt_fail_errno(err, errno, "the directory cannot be opened");
        leat_error_place(err, "%s", dir);
    }
    if (!rc && fd >= 0 && trust != TRUST_ANY) {
        rc = check_directory(fd, dir, err);
    }
    if (rc && fd >= 0) {
        close(fd);
        fd = -1;
    }
    *ret_fd = fd;
    return rc;
}

static int open_place(const char *path, enum trust trust, struct lt_place *ret_place,
                      struct leat_error *err)
{
    struct lt_place place = {.path = lt_strdup(path), .dir_fd = -1};
    if (!place.path) {
        return lt_fail_oom(err);
    }
    char *slash = strrchr(place.path, '/');
    place.name = slash ? slash + 1 : place.path;
    size_t len = slash ? (size_t)(place.name - place.path) : 0;
    char *dir = len ? lt_strndup(place.path, len > 1 ? len - 1 : 1) : lt_strdup(".");
    int rc = dir ? LEAT_OK : lt_fail_oom(err);
    if (!rc && (!*place.name || strlen(place.name) > FILE_NAME_MAX)) {
        rc = lt_fail(err, LT_E_INVALID, "\"%s\" is not the name of a file", path);
    }
    rc = rc ? rc : open_directory(dir, trust, &place.dir_fd, err);
    free(dir);
    if (rc) {
        lt_place_done(&place);
        return rc;
    }
    *ret_place = place;
    return LEAT_OK;
}

int lt_place_open(const char *path, bool make, struct lt_place *ret_place, struct leat_error *err)
{
    return open_place(path, make ? MAKE_OURS : TRUST_OURS, ret_place, err);
}

int lt_place_open_any(const char *path, struct lt_place *ret_place, struct leat_error *err)
{
    return open_place(path, TRUST_ANY, ret_place, err);
}

void lt_place_done(struct lt_place *place)
{
    if (place->path && place->dir_fd >= 0) {
        close(place->dir_fd);
    }
    free(place->path);
    *place = (struct lt_place){.dir_fd = -1};
}

/* --- reading -------------------------------------------------------------------------------- */

static struct lt_stamp stamp_of(const struct stat *st)
{
    return (struct lt_stamp){st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static int check_file(const struct stat *st, const char *path, enum lt_private_kind kind,
                      struct leat_error *err)
{
    if (!S_ISREG(st->st_mode)) {
        int rc = lt_fail(err, LT_E_INVALID, "is not a file");
        leat_error_place(err, "%s", path);
        return rc;
    }
    if (kind == LT_PRIVATE_SHARED) {
        return LEAT_OK;
    }
    if (!is_trusted(st->st_uid)) {
        return refuse(err, path, "it belongs to another user", "chown \"$USER\"");
    }
    if (st->st_mode & OTHERS_ANY) {
        return refuse(err, path, "others than its owner may read or write it", "chmod go-rwx");
    }
    return LEAT_OK;
}

static int read_all(int fd, size_t size_max, struct lt_buf *out, struct leat_error *err)
{
    size_t before = out->len;
    for (;;) {
        if (lt_buf_reserve(out, 4096)) {
            return lt_fail_oom(err);
        }
        ssize_t n = read(fd, out->data + out->len, LT_MIN(out->cap - out->len, size_max + 1));
        if (n < 0 && errno != EINTR) {
            return lt_fail_errno(err, errno, "cannot be read");
        }
        out->len += n > 0 ? (size_t)n : 0;
        out->data[out->len] = 0;
        if (out->len - before > size_max) {
            return lt_fail(err, LT_E_LIMIT, "is larger than %zu bytes", size_max);
        }
        if (!n) {
            return LEAT_OK;
        }
    }
}

int lt_private_read(const struct lt_place *place, const char *name, enum lt_private_kind kind,
                    size_t size_max, struct lt_buf *out, bool *ret_found,
                    struct lt_stamp *ret_stamp, struct leat_error *err)
{
    *ret_found = false;
    if (place->dir_fd < 0) {
        return LEAT_OK;
    }
    char path[4096];
    snprintf(path, sizeof path, "%.*s%s", (int)(place->name - place->path), place->path,
             name ? name : place->name);
    /* Without O_NONBLOCK a pipe of that name would make it wait. */
    int fd = openat(place->dir_fd, name ? name : place->name,
                    O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
                        (kind == LT_PRIVATE_OWN ? O_NOFOLLOW : 0));
    if (fd < 0) {
        if (errno == ENOENT) {
            return LEAT_OK;
        }
        if (errno == ELOOP) {
            return refuse(err, path, "it is a symbolic link, which a rename would replace",
                          "-let LEAT_VAULT name the file itself");
        }
        int rc = lt_fail_errno(err, errno, "cannot be opened");
        leat_error_place(err, "%s", path);
        return rc;
    }
    struct stat st;
    int rc = fstat(fd, &st) ? lt_fail_errno(err, errno, "cannot be looked at")
                            : check_file(&st, path, kind, err);
    if (!rc) {
        rc = read_all(fd, size_max, out, err);
        if (rc) {
            leat_error_place(err, "%s", path);
        }
    }
    close(fd);
    if (!rc) {
        *ret_found = true;
        if (ret_stamp) {
            *ret_stamp = stamp_of(&st);
        }
    }
    return rc;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool lt_private_is(const struct lt_place *place, const struct lt_stamp *stamp)
{
    struct stat st;
    if (place->dir_fd < 0 || fstatat(place->dir_fd, place->name, &st, AT_SYMLINK_NOFOLLOW)) {
        return false;
    }
    return S_ISREG(st.st_mode) && !(st.st_mode & OTHERS_ANY) && st.st_ino == stamp->inode &&
           st.st_size == stamp->size && same_time(st.st_mtim, stamp->modified) &&
           same_time(st.st_ctim, stamp->changed);
}

/* --- writing -------------------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *data, size_t len, struct leat_error *err)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            return lt_fail_errno(err, errno, "cannot be written");
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) ? lt_fail_errno(err, errno, "cannot be made durable") : LEAT_OK;
}

/* What a killed writer left behind is in the way, and nobody else's. */
static int open_new(int dir_fd, const char *name, int *ret_fd, struct leat_error *err)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir_fd, name, flags, 0600);
    if (fd < 0 && errno == EEXIST && !unlinkat(dir_fd, name, 0)) {
        fd = openat(dir_fd, name, flags, 0600);
    }
    *ret_fd = fd;
    return fd < 0 ? lt_fail_errno(err, errno, "a new file cannot be made") : LEAT_OK;
}

/* A link is made only where nothing is, unlike a rename. */
static int put_in_place(int dir_fd, const char *temp, const char *name, bool replace,
                        struct leat_error *err)
{
    bool failed = replace ? renameat(dir_fd, temp, dir_fd, name) != 0
                          : linkat(dir_fd, temp, dir_fd, name, 0) != 0;
    if (failed && errno == EEXIST) {
        return lt_fail(err, LT_E_EXISTS, "is there already");
    }
    if (failed) {
        return lt_fail_errno(err, errno, "cannot be put in place");
    }
    if (!replace) {
        unlinkat(dir_fd, temp, 0);
    }
    /* Some file systems cannot sync a directory and say EINVAL: there is no more to be done. */
    return fsync(dir_fd) && errno != EINVAL ? lt_fail_errno(err, errno, "cannot be made durable")
                                            : LEAT_OK;
}

int lt_private_write(const struct lt_place *place, const char *name, const void *data, size_t len,
                     bool replace, struct leat_error *err)
{
    char temp[FILE_NAME_MAX + 32];
    name = name ? name : place->name;
    /* Who replaces has the lock, so that one name will do and a kill leaves one file at most. */
    if (replace) {
        snprintf(temp, sizeof temp, "%s.new", name);
    } else {
        snprintf(temp, sizeof temp, "%s.%ld.new", name, (long)getpid());
    }
    int fd, rc = open_new(place->dir_fd, temp, &fd, err);
    if (!rc) {
        rc = write_all(fd, data, len, err);
        if (close(fd) && !rc) {
            rc = lt_fail_errno(err, errno, "cannot be written");
        }
        rc = rc ? rc : put_in_place(place->dir_fd, temp, name, replace, err);
        if (rc) {
            unlinkat(place->dir_fd, temp, 0);
        }
    }
    if (rc) {
        leat_error_place(err, "%.*s%s", (int)(place->name - place->path), place->path, name);
    }
    return rc;
}

int lt_private_lock(const struct lt_place *place, int *ret_fd, struct leat_error *err)
{
    char name[FILE_NAME_MAX + 8];
    snprintf(name, sizeof name, "%s.lock", place->name);
    int fd =
        openat(place->dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0) {
        int rc = lt_fail_errno(err, errno, "the lock file cannot be made");
        leat_error_place(err, "%s.lock", place->path);
        return rc;
    }
    for (int64_t waited = 0; flock(fd, LOCK_EX | LOCK_NB); waited += LOCK_STEP_MS) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || waited >= LOCK_WAIT_MS) {
            int rc = errno == EWOULDBLOCK
                         ? lt_fail(err, LT_E_UNAVAILABLE, "another process holds the lock")
                         : lt_fail_errno(err, errno, "cannot be locked");
            leat_error_place(err, "%s.lock", place->path);
            close(fd);
            return rc;
        }
        lt_sleep_ms(LOCK_STEP_MS, NULL);
    }
    *ret_fd = fd;
    return LEAT_OK;
}

int lt_private_remove(const struct lt_place *place, struct leat_error *err)
{
    if (place->dir_fd >= 0 && unlinkat(place->dir_fd, place->name, 0) && errno != ENOENT) {
        int rc = lt_fail_errno(err, errno, "cannot be removed");
        leat_error_place(err, "%s", place->path);
        return rc;
    }
    return LEAT_OK;
}
