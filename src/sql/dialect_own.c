/* The type that a field says it has here: the text of it can be trusted as far as it is a type's
 * name and nothing more. */
#include "sql/dialect_parts.h"

#include "core/util.h"

#include <ctype.h>

/* Words that may follow the first one in an unquoted type name. Anything else after a blank
 * could be a column constraint. */
static bool is_type_word(const char *word, size_t len)
{
    static const char *const words[] = {"precision", "varying", "with",  "without", "time",
                                        "zone",      "year",    "month", "day",     "hour",
                                        "minute",    "second",  "to",    "unsigned"};
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        if (strlen(words[i]) == len && !strncmp(words[i], word, len)) {
            return true;
        }
    }
    return false;
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Past one quoted identifier, or NULL when it does not end. */
static const char *skip_quoted(const char *at, char quote)
{
    for (at++; *at; at++) {
        if (*at == quote) {
            if (at[1] != quote) {
                return at + 1;
            }
            at++;
        }
    }
    return NULL;
}

/* Past "(10, Point)", or NULL: only words, numbers, signs and commas, at least one of them. */
static const char *skip_arguments(const char *at)
{
    const char *first = ++at;
    while (*at && (is_word_char(*at) || strchr(" ,-", *at))) {
        at++;
    }
    return *at == ')' && at > first ? at + 1 : NULL;
}

bool lt_dialect_plain_type(const struct lt_dialect *dialect, const char *text)
{
    bool first = true;
    for (const char *at = text; at && *at;) {
        if (*at == dialect->quote) {
            at = skip_quoted(at, dialect->quote);
            first = false;
        } else if (is_word_char(*at)) {
            const char *end = at;
            while (is_word_char(*end)) {
                end++;
            }
            if (!first && at[-1] != '.' && !is_type_word(at, (size_t)(end - at))) {
                return false;
            }
            first = false;
            at = end;
        } else if (*at == '(' && !first) {
            at = skip_arguments(at);
            if (at && *at && *at != ' ' && *at != '[') {
                return false;
            }
        } else if (!strncmp(at, "[]", 2) && !first) {
            at += 2;
        } else if ((*at == ' ' || *at == '.') && !first) {
            at++;
        } else {
            return false;
        }
        if (!at) {
            return false;
        }
    }
    return !first;
}

/* The text after "<dialect>:" of a field's metadata, when it can be trusted. */
static bool own_text(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                     const char *key, char text[LT_DIALECT_TYPE_MAX])
{
    size_t len, prefix = strlen(dialect->name);
    const char *value = lt_schema_meta(field, key, &len);
    if (!value || len <= prefix + 1 || len - prefix > LT_DIALECT_TYPE_MAX ||
        memcmp(value, dialect->name, prefix) != 0 || value[prefix] != ':') {
        return false;
    }
    memcpy(text, value + prefix + 1, len - prefix - 1);
    text[len - prefix - 1] = 0;
    return strlen(text) == len - prefix - 1 && lt_dialect_plain_type(dialect, text);
}

bool lt_dialect_own_type(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                         char text[LT_DIALECT_TYPE_MAX], bool *ret_same)
{
    if (!own_text(dialect, field, LT_META_SOURCE_TYPE, text)) {
        return false;
    }
    struct ArrowSchema other = {.release = NULL};
    *ret_same =
        !lt_dialect_parse(dialect, text, &other, NULL) && lt_dialect_same_storage(field, &other);
    lt_schema_done(&other);
    return true;
}

bool lt_dialect_own_domain(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                           char text[LT_DIALECT_TYPE_MAX])
{
    return own_text(dialect, field, LT_META_DOMAIN, text);
}
