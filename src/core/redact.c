/* The one redaction (declared in url.h). It works on any text, so it guesses, and where a guess
 * can go wrong it hides too much rather than too little. */
#include "core/url.h"

#include "core/util.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define MASK "***"
#define NAME_LEN_MAX 128
#define FIXED_ON_STACK 4096
#define BEARER_LEN_MIN 16

/* Either a growing buffer or a fixed one, which swallows what does not fit. */
struct out {
    struct lt_buf *buf;
    char *fixed;
    size_t size;
    size_t len;
    int status;
};

/* A part of the text that is not to be shown. */
struct hole {
    size_t start;
    size_t end;
};

static void put(struct out *out, const char *text, size_t len)
{
    if (out->buf) {
        if (!out->status) {
            out->status = lt_buf_append(out->buf, text, len);
        }
        return;
    }
    size_t room = out->size - 1 - out->len;
    if (len > room) {
        len = room;
        /* Never half a character. */
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--;
        }
        out->size = out->len + len + 1;
    }
    memcpy(out->fixed + out->len, text, len);
    out->len += len;
    out->fixed[out->len] = 0;
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '%';
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Is a name, or its last word, which begins at `last`, a misspelt one of a secret? */
static bool is_nearly_secret(const char *name, size_t len, size_t last)
{
    /* Short words are near to others: they count as a whole only. */
    static const struct {
        const char *word;
        size_t distance;
        bool at_end;
    } words[] = {{"password", 2, true},      {"passphrase", 2, true}, {"credential", 2, true},
                 {"authorization", 2, true}, {"signature", 2, true},  {"privatekey", 2, true},
                 {"accesskey", 2, true},     {"passwd", 1, false},    {"secret", 1, false},
                 {"token", 1, false},        {"apikey", 1, false},    {"pswd", 0, false}};
    static const char *const harmless[] = {"taken", "passed", "passport"};
    for (size_t i = 0; i < LT_ARRAY_LEN(harmless); i++) {
        if (strcmp(name + last, harmless[i]) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        size_t want = strlen(words[i].word), most = words[i].distance;
        for (size_t n = want - most; n <= want + most && n <= len; n++) {
            bool whole = n == len || n == len - last;
            if ((whole || words[i].at_end) &&
                lt_edit_distance(name + len - n, n, words[i].word, want) <= most) {
                return true;
            }
        }
    }
    return false;
}

/* `nearly`: if misspelt, too. */
static bool names_secret(const char *text, size_t len, bool nearly)
{
    static const char *const anywhere[] = {"password",      "passwd", "pwd",        "passphrase",
                                           "secret",        "token",  "credential", "signature",
                                           "authorization", "bearer"};
    static const char *const at_end[] = {"key", "pass"};
    /* Words of ours that are no secrets. */
    static const char *const harmless[] = {"primarykey", "foreignkey", "mergekey", "sortkey"};
    char name[NAME_LEN_MAX + 1];
    size_t n = 0, last = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
            c = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        }
        if (c == '_' || c == '-' || c == '.') {
            last = n;
            continue;
        }
        if (n == NAME_LEN_MAX) {
            /* The end of a name says most. */
            memmove(name, name + 1, --n);
            last -= last > 0;
        }
        name[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    name[n] = 0;
    for (size_t i = 0; i < LT_ARRAY_LEN(harmless); i++) {
        if (strcmp(name, harmless[i]) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(anywhere); i++) {
        if (strstr(name, anywhere[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(at_end); i++) {
        size_t end_len = strlen(at_end[i]);
        if (n >= end_len && strcmp(name + n - end_len, at_end[i]) == 0) {
            return true;
        }
    }
    return strcmp(name, "sig") == 0 || (nearly && is_nearly_secret(name, n, last));
}

bool lt_is_secret_name(const char *text, size_t len)
{
    return names_secret(text, len, true);
}

/* Does a sign of a value follow the name that ends at `end`? */
static bool may_be_assigned(const char *text, size_t len, size_t end)
{
    end += end < len && (text[end] == '"' || text[end] == '\'');
    while (end < len && is_blank(text[end])) {
        end++;
    }
    return end < len && (text[end] == '=' || text[end] == ':');
}

/* Where the quoted text that opens at `at` ends, just before its closing quote. A backslash
 * escapes, a doubled quote does too; without a closing quote it is the end of the text. */
static size_t quoted_end(const char *text, size_t len, size_t at)
{
    char quote = text[at++] == '{' ? '}' : text[at - 1];
    while (at < len) {
        if (text[at] == '\\' && quote != '}' && at + 1 < len) {
            at += 2;
        } else if (text[at] == quote) {
            if (at + 1 >= len || text[at + 1] != quote) {
                return at;
            }
            at += 2;
        } else {
            at++;
        }
    }
    return len;
}

/* Is there `name=` at `at`? */
static bool is_assignment(const char *text, size_t len, size_t at)
{
    size_t start = at;
    while (at < len && is_name(text[at])) {
        at++;
    }
    return at > start && at < len && text[at] == '=';
}

/* Where an unquoted value ends. In a URL that is at '&'; elsewhere '&' and ';' only end it in
 * front of another assignment, for they may well be part of a password. */
static size_t bare_end(const char *text, size_t len, size_t at, bool in_url)
{
    while (at < len && !is_blank(text[at])) {
        if (text[at] == '&' && (in_url || is_assignment(text, len, at + 1))) {
            break;
        }
        if (text[at] == ';' && !in_url && is_assignment(text, len, at + 1)) {
            break;
        }
        if (text[at] == '\\' && !in_url && at + 1 < len) {
            at++;
        }
        at++;
    }
    return at;
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
    while (at < len && is_blank(text[at])) {
        at++;
    }
    return at;
}

/* CREATE USER u IDENTIFIED BY 'value', as MySQL and Oracle say it. */
static bool is_identified_by(const char *text, size_t start, size_t end)
{
    static const char word[] = "identified ";
    size_t len = sizeof word - 1;
    return end - start == 2 && strncasecmp(text + start, "by", 2) == 0 && start >= len &&
           strncasecmp(text + start - len, word, len) == 0;
}

/* Looks whether the name at [start, end) is followed by a value, in one of the forms
 * name=value, name = 'value', name={value}, "name": "value", PASSWORD 'value', IDENTIFIED BY 'value',
 * Authorization: value and Bearer value. */
static bool value_after(const char *text, size_t len, size_t start, size_t end, struct hole *hole)
{
    size_t at = end;
    bool in_url = start > 0 && (text[start - 1] == '?' || text[start - 1] == '&');
    bool quoted_name = at < len && (text[at] == '"' || text[at] == '\'') && start > 0 &&
                       text[start - 1] == text[at];
    if (quoted_name) {
        at++;
    }
    if (!in_url) {
        at = skip_blanks(text, len, at);
    }
    size_t name_len = end - start;
    bool bearer = name_len == 6 && strncasecmp(text + start, "bearer", 6) == 0;
    bool header = name_len >= 13 && strncasecmp(text + end - 13, "authorization", 13) == 0;
    if (at < len && text[at] == '=') {
        at++;
    } else if (at < len && text[at] == ':' && header) {
        at++;
        hole->start = skip_blanks(text, len, at);
        const char *newline = memchr(text + at, '\n', len - at);
        hole->end = newline ? (size_t)(newline - text) : len;
        return hole->end > hole->start;
    } else if (at < len && text[at] == ':' && quoted_name) {
        at++;
    } else if (bearer && at > end) {
        /* Words about a bearer token are shorter than any. */
        hole->start = at;
        hole->end = bare_end(text, len, at, false);
        return hole->end - hole->start >= BEARER_LEN_MIN;
    } else if (!(at < len && (text[at] == '\'' || text[at] == '"') && at > end &&
                 ((name_len == 8 && strncasecmp(text + start, "password", 8) == 0 &&
                   text[at] == '\'') ||
                  is_identified_by(text, start, end)))) {
        return false;
    }
    if (!in_url) {
        at = skip_blanks(text, len, at);
    }
    if (at >= len) {
        return false;
    }
    if (!in_url && (text[at] == '\'' || text[at] == '"' || text[at] == '{')) {
        hole->start = at + 1;
        hole->end = quoted_end(text, len, at);
    } else {
        hole->start = at;
        hole->end = bare_end(text, len, at, in_url);
    }
    return hole->end > hole->start;
}

static bool is_port_list_start(const char *text, size_t len)
{
    size_t digits = 0;
    while (digits < len && text[digits] >= '0' && text[digits] <= '9') {
        digits++;
    }
    return digits == len || text[digits] == ',' || text[digits] == '"' || text[digits] == '\'' ||
           text[digits] == ')';
}

static const char *last_at_sign(const char *text, size_t len)
{
    return len ? memrchr(text, '@', len) : NULL;
}

/* Finds the password of the URL whose authority begins at `start`. It ends at the last '@' that
 * could end it: one in the path counts too, since a raw '/' or '@' in a password is common, while
 * one in a well-formed ?name=value does not. */
static bool password_in_url(const char *text, size_t len, size_t start, struct hole *hole)
{
    size_t end = start, authority = 0, query = 0;
    for (; end < len && !is_blank(text[end]); end++) {
        if (!authority && strchr("/?#", text[end])) {
            authority = end;
        }
        if (!query && text[end] == '?' && is_assignment(text, len, end + 1)) {
            query = end;
        }
    }
    authority = authority ? authority : end;
    query = query ? query : end;
    const char *colon = memchr(text + start, ':', authority - start);
    if (!colon || (text[start] == '[' && !last_at_sign(text + start, authority - start))) {
        return false;
    }
    hole->start = (size_t)(colon - text) + 1;
    const char *at = last_at_sign(text + hole->start, query - hole->start);
    if (!at && is_port_list_start(text + hole->start, authority - hole->start)) {
        return false;
    }
    /* Not a port: a password with something odd in it, or one that was cut off. */
    if (!at) {
        at = last_at_sign(text + hole->start, end - hole->start);
    }
    if (!at) {
        size_t line = strcspn(text + end, "\r\n");
        at = memchr(text + end, '@', LT_MIN(line, len - end));
    }
    hole->end = at ? (size_t)(at - text) : end;
    return hole->end > hole->start;
}

/* Where the user begins in a URL of a server that lacks its "//", as in postgres:joe:pw@host/db and
 * postgres:/joe:pw@host/db, when its ':' is at `colon`; 0: it is none. */
static size_t user_without_slashes(const char *text, size_t len, size_t colon)
{
    /* What the schemes of servers begin with. */
    static const char *const servers[] = {
        "postgr",    "redshift", "cockroach", "mysql",     "mariadb",    "mssql",
        "sqlserver", "oracle",   "mongo",     "snowflake", "clickhouse", "redis",
        "amqp",      "vertica",  "http",      "ftp",       "sftp"};
    size_t start = colon;
    while (start > 0 && colon - start < NAME_LEN_MAX &&
           (is_name(text[start - 1]) || text[start - 1] == '+')) {
        start--;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(servers); i++) {
        size_t n = strlen(servers[i]);
        if (colon - start >= n && strncasecmp(text + start, servers[i], n) == 0) {
            return colon + 1 + (colon + 1 < len && text[colon + 1] == '/');
        }
    }
    return 0;
}

/* The password of such a URL. Without an '@' it is one only where the text was cut off: other texts
 * have colons behind these names too. */
static bool password_without_slashes(const char *text, size_t len, size_t colon, struct hole *hole)
{
    size_t start = user_without_slashes(text, len, colon);
    return start && start < len && password_in_url(text, len, start, hole) &&
           (hole->end == len || text[hole->end] == '@');
}

static void redact(struct out *out, const char *text, size_t len)
{
    struct hole url = {len, len};
    size_t shown = 0; /* everything before it is written */
    size_t i = 0;
    while (i < len) {
        struct hole found;
        if (i == url.start && url.end > i) {
            found = url;
        } else if (url.start == len && len - i >= 3 && memcmp(text + i, "://", 3) == 0) {
            i += 3;
            if (!password_in_url(text, len, i, &url)) {
                url = (struct hole){len, len};
            }
            continue;
        } else if (url.start == len && text[i] == ':') {
            if (!password_without_slashes(text, len, i, &url)) {
                url = (struct hole){len, len};
            }
            i++;
            continue;
        } else if (is_name(text[i])) {
            size_t end = i;
            while (end < len && is_name(text[end]) && end != url.start) {
                end++;
            }
            bool secret = names_secret(text + i, end - i, may_be_assigned(text, len, end)) ||
                          is_identified_by(text, i, end);
            if (!secret || !value_after(text, len, i, end, &found)) {
                i = end;
                continue;
            }
            /* Both kinds of secret may overlap: hide what either hides. */
            if (found.end > url.start) {
                found.start = LT_MIN(found.start, url.start);
                found.end = LT_MAX(found.end, url.end);
            }
        } else {
            i++;
            continue;
        }
        put(out, text + shown, found.start - shown);
        put(out, MASK, strlen(MASK));
        shown = i = found.end;
        if (i >= url.start) {
            url = (struct hole){len, len};
        }
    }
    put(out, text + shown, len - shown);
}

int lt_redact(struct lt_buf *out, const char *text)
{
    struct out to = {.buf = out};
    size_t before = out->len;
    redact(&to, text, strlen(text));
    if (to.status && out->data) {
        out->len = before;
        out->data[before] = 0;
    }
    return to.status;
}

void lt_redact_fixed(char *text, size_t size)
{
    if (size == 0) {
        return;
    }
    char stack[FIXED_ON_STACK];
    size_t len = strnlen(text, size - 1);
    char *copy = len < sizeof(stack) ? stack : malloc(len + 1);
    struct out to = {.fixed = text, .size = size};
    if (!copy) {
        /* Rather nothing than a secret. */
        put(&to, MASK, strlen(MASK));
        return;
    }
    memcpy(copy, text, len);
    copy[len] = 0;
    text[0] = 0;
    redact(&to, copy, len);
    if (copy != stack) {
        free(copy);
    }
}
