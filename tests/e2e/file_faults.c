/* Preloaded: the LEAT_FAULT_AT-th call that changes a file or makes it durable fails with the errno
 * LEAT_FAULT_ERRNO, and the file LEAT_FAULT_LOG is made to say so. Calls on what is no regular file
 * or directory are not counted. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int calls;

static bool strikes(void)
{
    const char *at = getenv("LEAT_FAULT_AT"), *with = getenv("LEAT_FAULT_ERRNO");
    const char *log = getenv("LEAT_FAULT_LOG");
    if (!at || !with || !log || atomic_fetch_add(&calls, 1) + 1 != atoi(at)) {
        return false;
    }
    close(open(log, O_WRONLY | O_CREAT, 0600));
    errno = atoi(with);
    return true;
}

static bool strikes_fd(int fd)
{
    struct stat st;
    return fd > 2 && !fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && strikes();
}

/* Defines the function, which fails where `struck` holds and is the C library's own otherwise. */
#define FAILS(type, name, parameters, arguments, struck)                                           \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        if (!real) {                                                                               \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        }                                                                                          \
        return struck ? -1 : real arguments;                                                       \
    }

FAILS(ssize_t, write, (int fd, const void *data, size_t len), (fd, data, len), strikes_fd(fd))
FAILS(ssize_t, pwrite64, (int fd, const void *data, size_t len, off_t at), (fd, data, len, at),
      strikes_fd(fd))
FAILS(int, fsync, (int fd), (fd), strikes_fd(fd))
FAILS(int, fdatasync, (int fd), (fd), strikes_fd(fd))
FAILS(int, rename, (const char *from, const char *to), (from, to), strikes())
FAILS(int, unlink, (const char *path), (path), strikes())
FAILS(int, mkdir, (const char *path, mode_t mode), (path, mode), strikes())
