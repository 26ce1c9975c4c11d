/* The grammar of env files: what shells and the field's other programs agree on, without
 * expansion. A value means what stands there. */
#include "config/env.h"

#include "core/buf.h"
#include "core/codes.h"

#include <stdbool.h>
#include <string.h>

struct parser {
    const char *at, *end;
    int line;
    struct lt_buf name, value;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Dots and hyphens as well: some programs' variables have them. */
static bool is_name(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static bool at_end_of_line(const struct parser *p)
{
    return p->at == p->end || *p->at == '\n';
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->end && is_blank(*p->at)) {
        p->at++;
    }
}

static void skip_line(struct parser *p)
{
    while (!at_end_of_line(p)) {
        p->at++;
    }
}

/* `export`, followed by a blank; but not the variable of that name. */
static void skip_export(struct parser *p)
{
    static const char word[] = "export";
    size_t len = sizeof word - 1;
    if ((size_t)(p->end - p->at) <= len || memcmp(p->at, word, len) || !is_blank(p->at[len])) {
        return;
    }
    const char *start = p->at;
    p->at += len;
    skip_blanks(p);
    if (p->at == p->end || *p->at == '=') {
        p->at = start;
    }
}

static int take_name(struct parser *p, struct leat_error *err)
{
    const char *start = p->at;
    while (p->at < p->end && is_name(*p->at)) {
        p->at++;
    }
    if (p->at == start || !is_letter(*start)) {
        lt_fail(err, LT_E_INVALID, "a line begins with no name of a variable");
        leat_error_remedy(err, "write NAME=VALUE; # begins a comment");
        return LEAT_INVALID;
    }
    lt_buf_clear(&p->name);
    if (lt_buf_append(&p->name, start, (size_t)(p->at - start))) {
        return lt_fail_oom(err);
    }
    skip_blanks(p);
    if (p->at == p->end || *p->at != '=') {
        lt_fail(err, LT_E_INVALID, "the name of a variable is not followed by =");
        leat_error_remedy(err, "write NAME=VALUE; a value of several words needs no quotes");
        return LEAT_INVALID;
    }
    p->at++;
    skip_blanks(p);
    return LEAT_OK;
}

/* What stands for \c between double quotes; 0: the backslash is itself. */
static char escaped(char c)
{
    static const char from[] = "nrt\\\"$`", to[] = "\n\r\t\\\"$`";
    const char *found = c ? strchr(from, c) : NULL;
    return found ? to[found - from] : 0;
}

/* Up to the closing quote, which may be on a later line. */
static int take_quoted(struct parser *p, struct leat_error *err)
{
    char quote = *p->at++;
    int opened = p->line;
    for (; p->at < p->end && *p->at != quote; p->at++) {
        char c = *p->at;
        p->line += c == '\n';
        if (c == '\\' && quote == '"' && p->at + 1 < p->end && escaped(p->at[1])) {
            c = escaped(*++p->at);
        }
        if (lt_buf_byte(&p->value, (uint8_t)c)) {
            return lt_fail_oom(err);
        }
    }
    if (p->at == p->end) {
        p->line = opened;
        return lt_fail(err, LT_E_INVALID, "a quote opens that does not close");
    }
    p->at++;
    skip_blanks(p);
    if (!at_end_of_line(p) && *p->at != '#') {
        lt_fail(err, LT_E_INVALID, "something follows the closing quote");
        leat_error_remedy(err, "put the whole value in quotes, or none of it");
        return LEAT_INVALID;
    }
    skip_line(p);
    return LEAT_OK;
}

/* Up to the end of the line, or a # behind a blank: one inside a word is a URL's. */
static int take_bare(struct parser *p, struct leat_error *err)
{
    const char *start = p->at, *end = p->at;
    for (; !at_end_of_line(p); p->at++) {
        if (*p->at == '#' && (p->at == start || is_blank(p->at[-1]))) {
            break;
        }
        end = is_blank(*p->at) ? end : p->at + 1;
    }
    skip_line(p);
    return lt_buf_append(&p->value, start, (size_t)(end - start)) ? lt_fail_oom(err) : LEAT_OK;
}

static int parse_line(struct parser *p, lt_env_fn *each, void *arg, struct leat_error *err)
{
    int line = p->line;
    skip_blanks(p);
    if (at_end_of_line(p) || *p->at == '#') {
        skip_line(p);
        return LEAT_OK;
    }
    skip_export(p);
    int rc = take_name(p, err);
    if (rc) {
        return rc;
    }
    lt_buf_clear(&p->value);
    bool quoted = p->at < p->end && (*p->at == '"' || *p->at == '\'');
    rc = quoted ? take_quoted(p, err) : take_bare(p, err);
    return rc ? rc : each(arg, lt_buf_text(&p->name), lt_buf_text(&p->value), line, err);
}

int lt_env_parse(const char *text, size_t len, lt_env_fn *each, void *arg, int *ret_line,
                 struct leat_error *err)
{
    static const char bom[] = "\xef\xbb\xbf";
    struct parser p = {
        .at = text, .end = text + len, .line = 1, .name = LT_BUF_INIT, .value = LT_BUF_INIT};
    int rc = LEAT_OK;
    if (len && memchr(text, 0, len)) {
        rc = lt_fail(err, LT_E_INVALID, "it holds a NUL byte, so it is no text");
    }
    if (len >= 3 && !memcmp(text, bom, 3)) {
        p.at += 3;
    }
    while (!rc && p.at < p.end) {
        rc = parse_line(&p, each, arg, err);
        if (!rc && p.at < p.end) {
            p.at++;
            p.line++;
        }
    }
    *ret_line = p.line;
    if (p.value.data) {
        explicit_bzero(p.value.data, p.value.len);
    }
    lt_buf_done(&p.name);
    lt_buf_done(&p.value);
    return rc;
}
