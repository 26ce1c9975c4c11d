/* ${env:NAME}, ${file:PATH} and ${cmd:COMMAND} in the URL of a connection, and in secret options. */
#include "config/references.h"

#include "leat/config.h"

#include "core/codes.h"
#include "core/crypt.h"
#include "core/log.h"
#include "core/process.h"
#include "core/url.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

#define VALUE_MAX ((size_t)64 << 10)
#define URL_MAX ((size_t)256 << 10)
#define REFERENCES_MAX 64
#define COMMAND_MS 60000

/* Appends the value of what stands behind the colon. */
typedef int resolve_fn(const char *what, const volatile int *cancel, struct lt_buf *value,
                       struct leat_error *err);

static int by_env(const char *what, const volatile int *cancel, struct lt_buf *value,
                  struct leat_error *err)
{
    (void)cancel;
    lt_process_conceal(what); /* whatever its name, it is a secret now */
    const char *text = leat_env_get(what);
    if (!text) {
        return lt_fail(err, LT_E_REFERENCE, "the variable %s is not set", what);
    }
    return lt_buf_puts(value, text) ? lt_fail_oom(err) : LEAT_OK;
}

static int read_value(int fd, struct lt_buf *value, struct leat_error *err)
{
    /* Room for all of it at once: growing would leave copies behind. */
    if (lt_buf_reserve(value, VALUE_MAX + 1)) {
        return lt_fail_oom(err);
    }
    for (;;) {
        ssize_t n = read(fd, value->data + value->len, VALUE_MAX + 1 - value->len);
        if (n < 0 && errno != EINTR) {
            return lt_fail(err, LT_E_REFERENCE, "the file cannot be read: %s", strerror(errno));
        }
        value->len += n > 0 ? (size_t)n : 0;
        value->data[value->len] = 0;
        if (value->len > VALUE_MAX) {
            return lt_fail(err, LT_E_REFERENCE, "the file is larger than %zu bytes", VALUE_MAX);
        }
        if (!n) {
            return LEAT_OK;
        }
    }
}

static int by_file(const char *what, const volatile int *cancel, struct lt_buf *value,
                   struct leat_error *err)
{
    (void)cancel;
    int fd = open(what, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) {
        int why = errno;
        if (fd >= 0) {
            close(fd);
        }
        return lt_fail(err, LT_E_REFERENCE, "the file cannot be opened: %s", strerror(why));
    }
    /* Shared secrets of containers are often readable for all: that is said, not refused. */
    if (S_ISREG(st.st_mode) && st.st_mode & S_IROTH) {
        lt_log(LT_LOG_INFO, "every user of this machine may read %s", what);
    }
    int rc = S_ISREG(st.st_mode) ? read_value(fd, value, err)
                                 : lt_fail(err, LT_E_REFERENCE, "that is not a file");
    close(fd);
    return rc;
}

static int by_command(const char *what, const volatile int *cancel, struct lt_buf *value,
                      struct leat_error *err)
{
    const struct lt_child child = {.command = what,
                                   .timeout_ms = COMMAND_MS,
                                   .output_max = VALUE_MAX,
                                   .mute = true,
                                   .cancel = cancel};
    struct leat_error why = {0};
    int status = 0;
    if (lt_buf_reserve(value, VALUE_MAX + 8192)) {
        return lt_fail_oom(err);
    }
    if (lt_child_run(&child, value, &status, &why)) {
        return lt_fail(err, LT_E_REFERENCE, "%s", why.message);
    }
    if (status) {
        lt_fail(err, LT_E_REFERENCE, "the command ended with status %d", status);
        leat_error_remedy(err, "run it by hand; it gets no variables that hold secrets, unless "
                               "LEAT_CHILD_ENV names them");
        return LEAT_NOT_FOUND;
    }
    return LEAT_OK;
}

static const struct {
    const char *name;
    resolve_fn *resolve;
    bool drops_newline;
} kinds[] = {
    {"env", by_env, false},
    {"file", by_file, true},
    {"cmd", by_command, true},
};

/* Where the reference that opens at `text` ("${") closes: braces inside a command are counted, in
 * quotes and behind a backslash they are not. NULL: nowhere. */
static const char *closing(const char *text)
{
    char quote = 0;
    int depth = 0;
    for (const char *p = text + 1; *p; p++) {
        if (*p == '\\' && quote != '\'' && p[1]) {
            p++;
        } else if (quote) {
            quote = *p == quote ? 0 : quote;
        } else if (*p == '\'' || *p == '"') {
            quote = *p;
        } else if (*p == '{') {
            depth++;
        } else if (*p == '}' && --depth == 0) {
            return p;
        }
    }
    return NULL;
}

/* Whether the text so far ends within a path, where a slash means itself. */
static bool in_path(const struct lt_buf *out)
{
    const char *text = lt_buf_text(out), *authority = strstr(text, "://");
    return !strpbrk(text, "?#") && (!authority || strchr(authority + 3, '/'));
}

/* The value stands for itself in any place. A reference that is the whole text is a URL, and taken
 * as it is. */
static int append_value(struct lt_buf *out, const struct lt_buf *value, bool whole)
{
    return whole ? lt_buf_append(out, value->data, value->len)
                 : lt_url_encode(out, value->data, value->len, in_path(out) ? "/" : "");
}

static int resolve(const char *kind_text, const char *end, bool whole, const volatile int *cancel,
                   struct lt_buf *out, struct leat_error *err)
{
    const char *colon = memchr(kind_text, ':', (size_t)(end - kind_text));
    size_t len = colon ? (size_t)(colon - kind_text) : 0;
    for (size_t i = 0; i < LT_ARRAY_LEN(kinds); i++) {
        if (!colon || strlen(kinds[i].name) != len || memcmp(kinds[i].name, kind_text, len) != 0) {
            continue;
        }
        char *what = lt_strndup(colon + 1, (size_t)(end - colon) - 1);
        struct lt_buf value = LT_BUF_INIT;
        int rc = what ? kinds[i].resolve(what, cancel, &value, err) : lt_fail_oom(err);
        if (!rc && kinds[i].drops_newline && value.len && value.data[value.len - 1] == '\n') {
            value.len--;
        }
        if (!rc && memchr(value.data ? (void *)value.data : "", 0, value.len)) {
            rc = lt_fail(err, LT_E_REFERENCE, "the value holds a NUL byte");
        }
        if (!rc && append_value(out, &value, whole)) {
            rc = lt_fail_oom(err);
        }
        if (rc) { /* the command may hold anything, and is not shown */
            leat_error_place(err, i == 2 ? "${cmd:...}" : "${%s:%s}", kinds[i].name, what);
        }
        if (value.data) {
            lt_crypt_clear(value.data, value.cap);
        }
        lt_buf_done(&value);
        lt_crypt_free_text(what);
        return rc;
    }
    lt_fail(err, LT_E_REFERENCE, "${ begins a reference: env:NAME, file:PATH or cmd:COMMAND");
    leat_error_remedy(err, "$${ stands for ${ itself");
    if (err) {
        err->status = LEAT_INVALID;
    }
    return LEAT_INVALID;
}

/* Whether "${" begins one of the references, and not just any text. */
static bool is_reference(const char *text)
{
    bool is = false;
    for (size_t i = 0; i < LT_ARRAY_LEN(kinds); i++) {
        size_t len = strlen(kinds[i].name);
        is = is || (!strncmp(text + 2, kinds[i].name, len) && text[2 + len] == ':');
    }
    return is;
}

/* `plain`: of a value, in which nothing has to be encoded, and "${" that is no reference is itself. */
static int resolve_all(const char *text, bool plain, const volatile int *cancel, struct lt_buf *out,
                       struct leat_error *err)
{
    int rc = LEAT_OK, n = 0;
    for (const char *p = text; !rc && *p;) {
        size_t len = strcspn(p, "$");
        if (len) {
            rc = lt_buf_append(out, p, len);
            p += len;
        } else if (!strncmp(p, "$${", 3) && (!plain || is_reference(p + 1))) {
            rc = lt_buf_append(out, "${", 2);
            p += 3;
        } else if (!strncmp(p, "${", 2) && (!plain || is_reference(p))) {
            const char *end = closing(p);
            if (!end || ++n > REFERENCES_MAX) {
                return lt_fail(err, LT_E_INVALID,
                               end ? "too many references in one text"
                                   : "a reference is not closed by }");
            }
            rc = resolve(p + 2, end, plain || (p == text && !end[1]), cancel, out, err);
            if (rc) {
                return rc;
            }
            p = end + 1;
        } else {
            rc = lt_buf_byte(out, (uint8_t)*p++);
        }
        if (!rc && out->len > URL_MAX) {
            return lt_fail(err, LT_E_LIMIT, "the %s is longer than %zu bytes",
                           plain ? "value" : "URL", URL_MAX);
        }
    }
    return rc ? lt_fail_oom(err) : LEAT_OK;
}

static int resolve_text(const char *text, bool plain, const volatile int *cancel, char **ret_text,
                        struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    int rc = resolve_all(text, plain, cancel, &out, err);
    char *resolved = rc ? NULL : lt_buf_take(&out);
    if (!rc && !resolved) {
        rc = lt_fail_oom(err);
    }
    if (out.data) {
        lt_crypt_clear(out.data, out.cap);
    }
    lt_buf_done(&out);
    if (!rc) {
        *ret_text = resolved;
    }
    return rc;
}

int lt_resolve_references(const char *url, const volatile int *cancel, char **ret_url,
                          struct leat_error *err)
{
    return resolve_text(url, false, cancel, ret_url, err);
}

int lt_resolve_value(const char *value, const volatile int *cancel, char **ret_value,
                     struct leat_error *err)
{
    return resolve_text(value, true, cancel, ret_value, err);
}

int leat_resolve_references(const char *url, char **ret_url, struct leat_error *err)
{
    return lt_resolve_references(url, NULL, ret_url, err);
}
