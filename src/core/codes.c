/* The error codes as a table, and everything that fills a struct leat_error. */
#include "core/codes.h"

#include "core/url.h"
#include "core/util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

/* Messages are formatted longer than they are kept: a URL that is cut before its '@' can no
 * longer be told from a host and a port, so redaction has to see all of it. */
#define DRAFT_MAX 4096

const struct lt_code_row lt_codes[LT_CODES_N] = {
#define LT_CODE_ROW(name, code, status, remedy, text) {code, status, remedy, text},
    LT_CODE_MAP(LT_CODE_ROW)
#undef LT_CODE_ROW
};

static const char *const status_names[] = {
    [LEAT_OK] = "ok",
    [LEAT_INVALID] = "invalid",
    [LEAT_NOT_FOUND] = "not-found",
    [LEAT_DENIED] = "denied",
    [LEAT_UNAVAILABLE] = "unavailable",
    [LEAT_BAD_DATA] = "bad-data",
    [LEAT_UNSUPPORTED] = "unsupported",
    [LEAT_CONFLICT] = "conflict",
    [LEAT_NO_SPACE] = "no-space",
    [LEAT_OUTCOME_UNKNOWN] = "outcome-unknown",
    [LEAT_CANCELLED] = "cancelled",
    [LEAT_NO_MEMORY] = "no-memory",
    [LEAT_INTERNAL] = "internal",
};

struct leat_error *leat_error_new(void)
{
    return calloc(1, sizeof(struct leat_error));
}

void leat_error_free(struct leat_error *err)
{
    free(err);
}

void leat_error_clear(struct leat_error *err)
{
    if (err) {
        memset(err, 0, sizeof(*err));
    }
}

const char *leat_status_name(enum leat_status status)
{
    size_t i = (size_t)status;
    return i < LT_ARRAY_LEN(status_names) && status_names[i] ? status_names[i] : "internal";
}

/* Control characters become spaces (a message is one line), bytes that are not UTF-8 become
 * question marks. */
static void tidy(char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        size_t valid = lt_utf8_valid_prefix(text + at, len - at);
        for (size_t i = at; i < at + valid; i++) {
            unsigned char c = (unsigned char)text[i];
            if (c < 0x20 || c == 0x7f) {
                text[i] = ' ';
            }
        }
        at += valid;
        if (at < len) {
            text[at++] = '?';
        }
    }
}

/* How much of `text` fits into `room` bytes without splitting a character. */
static size_t fitting(const char *text, size_t room)
{
    size_t len = strlen(text);
    if (len <= room) {
        return len;
    }
    while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80) {
        room--;
    }
    return room;
}

static void copy_cut(char *to, size_t size, const char *from)
{
    size_t len = fitting(from, size - 1);
    memcpy(to, from, len);
    to[len] = 0;
}

/* Redaction costs more than the search that makes it needless. Whatever can name a secret
 * contains one of these. */
static bool may_hold_secret(const char *text)
{
    static const char *const marks[] = {"://",  "pass", "pwd",  "secret", "token",  "key",
                                        "cred", "sig",  "auth", "%",      "bearer", "identified"};
    for (size_t i = 0; i < LT_ARRAY_LEN(marks); i++) {
        if (strcasestr(text, marks[i])) {
            return true;
        }
    }
    return false;
}

/* Formats into a buffer of DRAFT_MAX bytes, redacted and tidy. */
static void LEAT_PRINTF(2, 0) draft_make(char *draft, const char *fmt, va_list args)
{
    if (vsnprintf(draft, DRAFT_MAX, fmt, args) < 0) {
        copy_cut(draft, DRAFT_MAX, "the message could not be formatted");
    }
    if (may_hold_secret(draft)) {
        lt_redact_fixed(draft, DRAFT_MAX);
    }
    tidy(draft);
}

static void LEAT_PRINTF(6, 0)
    fill(struct leat_error *err, enum leat_status status, const char *code, const char *remedy,
         int sys_errno, const char *fmt, va_list args)
{
    char draft[DRAFT_MAX];
    draft_make(draft, fmt, args);
    /* Only now: an argument may point into *err. */
    leat_error_clear(err);
    err->status = status;
    err->sys_errno = sys_errno;
    copy_cut(err->code, sizeof(err->code), code);
    copy_cut(err->remedy, sizeof(err->remedy), remedy);
    copy_cut(err->message, sizeof(err->message), draft);
}

int leat_fail(struct leat_error *err, enum leat_status status, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        fill(err, status, leat_status_name(status), "", 0, fmt, args);
        va_end(args);
    }
    return (int)status;
}

int leat_fail_as(struct leat_error *err, enum leat_status status, const char *code, const char *fmt,
                 ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        fill(err, status, code, "", 0, fmt, args);
        va_end(args);
    }
    return (int)status;
}

void leat_error_place(struct leat_error *err, const char *fmt, ...)
{
    if (!err) {
        return;
    }
    char draft[DRAFT_MAX];
    va_list args;
    va_start(args, fmt);
    draft_make(draft, fmt, args);
    va_end(args);
    if (!draft[0]) {
        return;
    }
    char old[sizeof(err->place)];
    copy_cut(old, sizeof(old), err->place);
    copy_cut(err->place, sizeof(err->place), draft);
    size_t len = strlen(err->place);
    /* The outermost place says most about where to look, so it is the inner one that is cut. */
    if (old[0] && len + 3 < sizeof(err->place)) {
        err->place[len++] = ':';
        err->place[len++] = ' ';
        copy_cut(err->place + len, sizeof(err->place) - len, old);
    }
}

void leat_error_remedy(struct leat_error *err, const char *fmt, ...)
{
    if (!err) {
        return;
    }
    char draft[DRAFT_MAX];
    va_list args;
    va_start(args, fmt);
    draft_make(draft, fmt, args);
    va_end(args);
    copy_cut(err->remedy, sizeof(err->remedy), draft);
}

int lt_fail(struct leat_error *err, enum lt_code code, const char *fmt, ...)
{
    const struct lt_code_row *row = &lt_codes[code];
    if (err) {
        va_list args;
        va_start(args, fmt);
        fill(err, row->status, row->code, row->remedy, 0, fmt, args);
        va_end(args);
    }
    return (int)row->status;
}

static enum lt_code code_of_errno(int sys_errno)
{
    switch (sys_errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* a limit on the size of files: the process's, or the file system's */
        return LT_E_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return LT_E_DENIED;
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
        return LT_E_NOT_FOUND;
    case ENOMEM:
        return LT_E_NO_MEMORY;
    case EISDIR:
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
    case EEXIST:
    case ENOTEMPTY:
        return LT_E_INVALID;
    case ETIMEDOUT:
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return LT_E_UNAVAILABLE;
    case ENOSYS:
    case EOPNOTSUPP:
        return LT_E_UNSUPPORTED;
    default:
        return LT_E_IO;
    }
}

int lt_fail_errno(struct leat_error *err, int sys_errno, const char *fmt, ...)
{
    enum lt_code code = code_of_errno(sys_errno);
    const struct lt_code_row *row = &lt_codes[code];
    if (!err) {
        return (int)row->status;
    }
    /* The code's own remedy speaks of logins; a system call refuses files. */
    const char *remedy = code == LT_E_DENIED ? "check the permissions and the owner" : row->remedy;
    va_list args;
    va_start(args, fmt);
    fill(err, row->status, row->code, remedy, sys_errno, fmt, args);
    va_end(args);
    char words[128];
    const char *reason = strerror_r(sys_errno, words, sizeof(words));
    size_t len = strlen(err->message);
    if (len + 3 < sizeof(err->message)) {
        err->message[len++] = ':';
        err->message[len++] = ' ';
        copy_cut(err->message + len, sizeof(err->message) - len, reason);
    }
    return (int)row->status;
}

int lt_fail_oom(struct leat_error *err)
{
    return lt_fail(err, LT_E_NO_MEMORY, "out of memory");
}

int lt_error_format(const struct leat_error *err, char *text, size_t size)
{
    return snprintf(text, size, "[%s] %s%s%s%s%s", err->code, err->place, err->place[0] ? ": " : "",
                    err->message, err->remedy[0] ? "; " : "", err->remedy);
}
