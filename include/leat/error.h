/* Status and error of every leat call.
 *
 * A call that can fail returns `int`: LEAT_OK (0) or one of enum leat_status.
 * It takes a `struct leat_error *` last; NULL is allowed where the caller only
 * wants the status. The struct is left alone on success and filled on failure,
 * complete enough to be printed as it is. Failing never allocates. */
#ifndef LEAT_ERROR_H
#define LEAT_ERROR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(LEAT_BUILDING) && defined(__GNUC__)
#define LEAT_EXPORT __attribute__((visibility("default")))
#else
#define LEAT_EXPORT
#endif

#if defined(__GNUC__)
#define LEAT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LEAT_PRINTF(fmt, args)
#endif

enum leat_status {
    LEAT_OK = 0,
    LEAT_INVALID,         /* the request or configuration is wrong: never retry */
    LEAT_NOT_FOUND,       /* namespace, stream, column, object or secret */
    LEAT_DENIED,          /* credentials refused, or a privilege is missing */
    LEAT_UNAVAILABLE,     /* network, throttle, lock: the same call may work later */
    LEAT_BAD_DATA,        /* a value or file breaks its own schema */
    LEAT_UNSUPPORTED,     /* this connector has no such operation */
    LEAT_CONFLICT,        /* somebody else wrote the destination, or holds it for good */
    LEAT_NO_SPACE,        /* disk, quota or tablespace is full */
    LEAT_OUTCOME_UNKNOWN, /* the reply to a commit was lost: ask before trying again */
    LEAT_CANCELLED,       /* the caller asked to stop */
    LEAT_NO_MEMORY,       /* an allocation failed, or a named limit was reached */
    LEAT_INTERNAL         /* a bug of ours */
};

/* Made by leat_error_new(): it may grow, and only at its end. */
struct leat_error {
    enum leat_status status;
    int sys_errno;      /* 0 unless a system call failed */
    char sqlstate[6];   /* NUL-terminated; "" unless a database gave one */
    char code[32];      /* stable, e.g. "value-range": the bracketed word users see */
    char place[256];    /* stream, file and line, column, row; may be "" */
    char remedy[2048];  /* what to try; may be "" */
    char message[1024]; /* UTF-8, one line, no secrets, no data values, no final full stop */
};

/* Returns an empty error, or NULL without memory. Free with leat_error_free(). */
LEAT_EXPORT struct leat_error *leat_error_new(void);
LEAT_EXPORT void leat_error_free(struct leat_error *err);

/* Empties *err for reuse; NULL is fine. */
LEAT_EXPORT void leat_error_clear(struct leat_error *err);

/* Fills *err (NULL is fine) and returns `status`: a failing branch is one line.
 * The code is the default one of the status; place and remedy are emptied. */
LEAT_EXPORT int leat_fail(struct leat_error *err, enum leat_status status, const char *fmt, ...)
    LEAT_PRINTF(3, 4);

/* The same with a stable code of the caller's, e.g. "value-range". */
LEAT_EXPORT int leat_fail_as(struct leat_error *err, enum leat_status status, const char *code,
                             const char *fmt, ...) LEAT_PRINTF(4, 5);

/* Puts a place in front of the one already there, joined by ": ". Layers call this on the
 * way up: the reader says `line 7 column "total"`, its caller adds `orders.csv`. */
LEAT_EXPORT void leat_error_place(struct leat_error *err, const char *fmt, ...) LEAT_PRINTF(2, 3);

/* Sets the remedy, over any earlier one. */
LEAT_EXPORT void leat_error_remedy(struct leat_error *err, const char *fmt, ...) LEAT_PRINTF(2, 3);

/* "invalid", "not-found", ...: the default code of a status. Never NULL. */
LEAT_EXPORT const char *leat_status_name(enum leat_status status);

#ifdef __cplusplus
}
#endif
#endif
