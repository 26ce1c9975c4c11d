#include "cli/sql_words.h"

#include "core/util.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *skip_comment(const char *at)
{
    if (!strncmp(at, "--", 2)) {
        return at + strcspn(at, "\n");
    }
    if (strncmp(at, "/*", 2) != 0) {
        return at;
    }
    int depth = 0;
    do {
        int step = !strncmp(at, "/*", 2) ? 1 : !strncmp(at, "*/", 2) ? -1 : 0;
        depth += step;
        at += step ? 2 : 1;
    } while (depth > 0 && *at);
    return at;
}

static const char *skip_quoted(const char *at)
{
    char quote = *at;
    if (quote != '\'' && quote != '"' && quote != '`') {
        return at;
    }
    for (at++; *at && *at != quote; at++) {
    }
    return *at ? at + 1 : at;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* $tag$ ... $tag$ */
static const char *skip_dollars(const char *at)
{
    const char *end = at + 1;
    while (is_word(*end)) {
        end++;
    }
    if (*at != '$' || *end != '$' || isdigit((unsigned char)at[1])) {
        return at;
    }
    size_t len = (size_t)(end - at) + 1;
    for (const char *p = at + len; *p; p++) {
        if (!strncmp(p, at, len)) {
            return p + len;
        }
    }
    return at + strlen(at);
}

/* Behind a comment or a quoted text that begins here; `at` where none does. */
static const char *skip_part(const char *at)
{
    const char *behind = skip_comment(at);
    behind = behind == at ? skip_quoted(at) : behind;
    return behind == at ? skip_dollars(at) : behind;
}

/* The next word outside of comments and quotes, where the depth of parentheses is told too; false
 * at the end. */
static bool next_word(const char **at, int *depth, const char **ret_word, size_t *ret_len)
{
    while (**at) {
        const char *behind = skip_part(*at);
        if (behind != *at) {
            *at = behind;
        } else if (is_word(**at)) {
            *ret_word = *at;
            while (is_word(**at)) {
                ++*at;
            }
            *ret_len = (size_t)(*at - *ret_word);
            return true;
        } else {
            *depth += (**at == '(') - (**at == ')');
            ++*at;
        }
    }
    return false;
}

static bool is_one_of(const char *const *words, const char *word, size_t len)
{
    for (; *words; words++) {
        if (strlen(*words) == len && !strncasecmp(*words, word, len)) {
            return true;
        }
    }
    return false;
}

bool sql_is_query(const char *sql)
{
    static const char *const queries[] = {"select", "values", "table", NULL};
    static const char *const with[] = {"with", NULL};
    static const char *const changes[] = {"insert", "update", "delete", "merge", NULL};
    const char *word;
    size_t len;
    int depth = 0, first_depth;
    if (!next_word(&sql, &depth, &word, &len)) {
        return false;
    }
    if (!is_one_of(with, word, len)) {
        return is_one_of(queries, word, len);
    }
    /* Its statement is the first at the same depth; a change within it cannot be asked as a part. */
    first_depth = depth;
    while (next_word(&sql, &depth, &word, &len)) {
        if (is_one_of(changes, word, len) && depth <= first_depth + 1) {
            return false;
        }
        if (depth == first_depth && is_one_of(queries, word, len)) {
            return true;
        }
    }
    return false;
}

bool sql_is_empty(const char *sql)
{
    while (*sql) {
        const char *behind = skip_comment(sql);
        if (behind == sql && !strchr("; \t\r\n\f\v", *sql)) {
            return false;
        }
        sql = behind == sql ? sql + 1 : behind;
    }
    return true;
}

size_t sql_first_len(const char *sql)
{
    const char *at = sql;
    while (*at && *at != ';') {
        const char *behind = skip_part(at);
        at = behind == at ? at + 1 : behind;
    }
    return (size_t)(at - sql);
}
