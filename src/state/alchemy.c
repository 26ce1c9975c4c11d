#include "state/alchemy.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *dialect;
} dialects[] = {
    {"postgresql", "postgresql"}, {"postgresql+psycopg2", "postgresql"},
    {"postgres", "postgresql"},   {"postgres+psycopg2", "postgresql"},
    {"sqlite", "sqlite"},         {"sqlite+pysqlite", "sqlite"},
};

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 32) - 'a' + 10;
}

/* A copy with %41 turned into A; what is no such triple stays, as Python's unquote leaves it. */
static char *decoded(const char *text, size_t len, bool plus)
{
    char *copy = lt_strndup(text, len), *out = copy;
    for (const char *p = copy; p && *p; p++) {
        if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
            *out++ = (char)(hex(p[1]) * 16 + hex(p[2]));
            p += 2;
        } else {
            *out++ = plus && *p == '+' ? ' ' : *p;
        }
    }
    if (copy) {
        *out = 0;
    }
    return copy;
}

static int keep(char **ret_text, char *copy, struct leat_error *err)
{
    *ret_text = copy;
    return copy ? LEAT_OK : lt_fail_oom(err);
}

/* user:password@ in front of the host: up to the last '@', when the user's name has no '/'. */
static int take_login(const char **at, struct lt_alchemy *url, struct leat_error *err)
{
    size_t user_len = strcspn(*at, ":/");
    const char *last = NULL, *first = strchr(*at, '@');
    if ((*at)[user_len] == ':') {
        last = strrchr(*at + user_len, '@');
    }
    if (!last && first && first < *at + user_len) {
        for (const char *p = *at; p < *at + user_len; p++) {
            last = *p == '@' ? p : last;
        }
        user_len = (size_t)(last - *at);
    }
    if (!last) {
        return LEAT_OK;
    }
    int rc = keep(&url->user, decoded(*at, user_len, false), err);
    if (!rc && (*at)[user_len] == ':') {
        const char *password = *at + user_len + 1;
        rc = keep(&url->password, decoded(password, (size_t)(last - password), false), err);
    }
    *at = last + 1;
    return rc;
}

static int take_host(const char **at, struct lt_alchemy *url, struct leat_error *err)
{
    const char *end = **at == '[' ? strchr(*at, ']') : NULL;
    const char *host = end ? *at + 1 : *at;
    size_t len = end ? (size_t)(end - host) : strcspn(host, "/:");
    *at = end ? end + 1 : host + len;
    int rc = len ? keep(&url->host, lt_strndup(host, len), err) : LEAT_OK;
    if (!rc && **at == ':') {
        len = strcspn(*at + 1, "/");
        rc = len ? keep(&url->port, lt_strndup(*at + 1, len), err) : LEAT_OK;
        *at += 1 + len;
    }
    return rc;
}

/* key=value pairs behind '?'; pairs without a value are dropped, as parse_qsl does. */
static int take_params(const char *at, struct lt_alchemy *url, struct leat_error *err)
{
    int rc = LEAT_OK;
    while (*at && !rc) {
        size_t len = strcspn(at, "&;"), key = strcspn(at, "=&;");
        if (key + 1 < len) {
            if (url->n_params == LT_ALCHEMY_PARAMS_MAX) {
                return lt_fail(err, LT_E_LIMIT, "the connection string has more than %d parameters",
                               LT_ALCHEMY_PARAMS_MAX);
            }
            size_t i = url->n_params++;
            rc = keep(&url->keys[i], decoded(at, key, true), err);
            rc = rc ? rc : keep(&url->values[i], decoded(at + key + 1, len - key - 1, true), err);
        }
        at += len + (at[len] != 0);
    }
    return rc;
}

static const char *dialect_of(const char *text, size_t len)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(dialects); i++) {
        if (strlen(dialects[i].name) == len && !strncmp(dialects[i].name, text, len)) {
            return dialects[i].dialect;
        }
    }
    return NULL;
}

int lt_alchemy_parse(const char *text, struct lt_alchemy *ret_url, struct leat_error *err)
{
    memset(ret_url, 0, sizeof *ret_url);
    const char *at = strstr(text, "://");
    size_t len = at ? (size_t)(at - text) : 0;
    size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+");
    if (!at || !len || name < len) {
        lt_fail(err, LT_E_INVALID, "the connection string cannot be read as a URL");
        leat_error_remedy(err, "write postgresql+psycopg2://user:password@host:port/dbname");
        return LEAT_INVALID;
    }
    ret_url->dialect = dialect_of(text, len);
    if (!ret_url->dialect) {
        lt_fail(err, LT_E_UNKNOWN_SCHEME, "there is no database \"%.*s\"", (int)LT_MIN(len, 64),
                text);
        leat_error_remedy(err, "postgresql, postgresql+psycopg2, postgres and sqlite are known");
        return LEAT_INVALID;
    }
    at += 3;
    int rc = take_login(&at, ret_url, err);
    rc = rc ? rc : take_host(&at, ret_url, err);
    if (!rc && *at == '/') {
        len = strcspn(at + 1, "?");
        rc = len ? keep(&ret_url->database, lt_strndup(at + 1, len), err) : LEAT_OK;
        rc = rc || !at[1 + len] ? rc : take_params(at + 2 + len, ret_url, err);
    } else if (!rc && *at) {
        rc = lt_fail(err, LT_E_INVALID, "the connection string cannot be read as a URL");
    }
    if (rc) {
        lt_alchemy_done(ret_url);
    }
    return rc;
}

void lt_alchemy_done(struct lt_alchemy *url)
{
    if (url->password) {
        explicit_bzero(url->password, strlen(url->password));
    }
    char *const parts[] = {url->user, url->password, url->host, url->port, url->database};
    for (size_t i = 0; i < LT_ARRAY_LEN(parts); i++) {
        free(parts[i]);
    }
    for (size_t i = 0; i < url->n_params; i++) {
        free(url->keys[i]);
        free(url->values[i]);
    }
    memset(url, 0, sizeof *url);
}
