#include "core/regexp.h"

#include "core/codes.h"
#include "core/library.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/banned.h"

#define MATCH_LIMIT 1000000 /* steps of one match: a second at most */
#define GROUP_NAME_MAX 64

#define PCRE_MAP(X)                                                                                \
    X(pcre2_compile_context_create_8)                                                              \
    X(pcre2_compile_context_free_8)                                                                \
    X(pcre2_set_newline_8)                                                                         \
    X(pcre2_compile_8)                                                                             \
    X(pcre2_code_free_8)                                                                           \
    X(pcre2_match_data_create_from_pattern_8)                                                      \
    X(pcre2_match_data_free_8)                                                                     \
    X(pcre2_match_context_create_8)                                                                \
    X(pcre2_match_context_free_8)                                                                  \
    X(pcre2_set_match_limit_8)                                                                     \
    X(pcre2_match_8)                                                                               \
    X(pcre2_get_ovector_pointer_8)                                                                 \
    X(pcre2_get_error_message_8)                                                                   \
    X(pcre2_substring_number_from_name_8)

static struct {
    PCRE_MAP(LT_LIBRARY_MEMBER)
} pcre;
static const char *const symbols[] = {PCRE_MAP(LT_LIBRARY_SYMBOL)};
static struct lt_library library = LT_LIBRARY("libpcre2-8", "0", "libpcre2-8-0", symbols, pcre);
static pthread_once_t once = PTHREAD_ONCE_INIT;

struct lt_regexp {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

static void load(void)
{
    lt_library_load(&library);
}

static int compile(struct lt_regexp *regexp, const char *pattern, struct leat_error *err)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    unsigned char message[128] = "";
    pcre2_compile_context *context = pcre.pcre2_compile_context_create_8(NULL);
    if (!context) {
        return lt_fail_oom(err);
    }
    pcre.pcre2_set_newline_8(context, PCRE2_NEWLINE_LF);
    regexp->code = pcre.pcre2_compile_8((const unsigned char *)pattern, PCRE2_ZERO_TERMINATED,
                                        PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
                                        &code, &at, context);
    pcre.pcre2_compile_context_free_8(context);
    if (!regexp->code) {
        pcre.pcre2_get_error_message_8(code, message, sizeof message);
        return lt_fail(err, LT_E_INVALID, "invalid regular expression: %s, at character %zu",
                       (const char *)message, (size_t)at + 1);
    }
    return LEAT_OK;
}

int lt_regexp_new(const char *pattern, struct lt_regexp **ret_regexp, struct leat_error *err)
{
    pthread_once(&once, load);
    int rc = lt_library_check(&library, "PCRE2", err);
    if (rc) {
        return rc;
    }
    struct lt_regexp *regexp = calloc(1, sizeof *regexp);
    rc = regexp ? compile(regexp, pattern, err) : lt_fail_oom(err);
    if (!rc) {
        regexp->data = pcre.pcre2_match_data_create_from_pattern_8(regexp->code, NULL);
        regexp->context = pcre.pcre2_match_context_create_8(NULL);
        rc = regexp->data && regexp->context ? LEAT_OK : lt_fail_oom(err);
    }
    if (rc) {
        lt_regexp_free(regexp);
        return rc;
    }
    pcre.pcre2_set_match_limit_8(regexp->context, MATCH_LIMIT);
    *ret_regexp = regexp;
    return LEAT_OK;
}

void lt_regexp_free(struct lt_regexp *regexp)
{
    if (regexp) {
        if (regexp->data) {
            pcre.pcre2_match_data_free_8(regexp->data);
        }
        if (regexp->context) {
            pcre.pcre2_match_context_free_8(regexp->context);
        }
        if (regexp->code) {
            pcre.pcre2_code_free_8(regexp->code);
        }
    }
    free(regexp);
}

/* --- replacing ------------------------------------------------------------------------------ */

/* What a match found: its groups' places in the text. */
struct match {
    struct lt_regexp *regexp;
    const char *text;
    const PCRE2_SIZE *places;
    int groups;
};

static int put_group(const struct match *match, const char *name, struct lt_buf *out)
{
    long number = -1;
    if (isdigit((unsigned char)*name) && strspn(name, "0123456789") == strlen(name)) {
        number = strtol(name, NULL, 10);
    } else if (!isdigit((unsigned char)*name)) {
        number = pcre.pcre2_substring_number_from_name_8(match->regexp->code,
                                                         (const unsigned char *)name);
    }
    if (number < 0 || number >= match->groups || match->places[2 * number] == PCRE2_UNSET) {
        return LEAT_OK;
    }
    return lt_buf_append(out, match->text + match->places[2 * number],
                         match->places[2 * number + 1] - match->places[2 * number]);
}

/* The group that stands behind a dollar: how long it is there; 0: it is none. */
static size_t read_group(const char *p, char name[GROUP_NAME_MAX])
{
    bool braces = *p == '{';
    size_t len = 0;
    p += braces;
    while (len + 1 < GROUP_NAME_MAX && (isalnum((unsigned char)p[len]) || p[len] == '_')) {
        name[len] = p[len];
        len++;
    }
    name[len] = 0;
    bool good = len && (!braces || p[len] == '}');
    return good ? len + (braces ? 2 : 0) : 0;
}

static int put_template(const struct match *match, const char *with, struct lt_buf *out)
{
    char name[GROUP_NAME_MAX];
    int rc = LEAT_OK;
    while (!rc && *with) {
        size_t plain = strcspn(with, "$");
        rc = lt_buf_append(out, with, plain);
        with += plain;
        if (rc || !*with) {
            break;
        }
        size_t len = read_group(with + 1, name);
        if (len) {
            rc = put_group(match, name, out);
            with += 1 + len;
        } else {
            rc = lt_buf_byte(out, '$');
            with += with[1] == '$' ? 2 : 1;
        }
    }
    return rc;
}

static int find(struct lt_regexp *regexp, const char *text, size_t len, size_t from,
                int *ret_groups, struct leat_error *err)
{
    unsigned char message[128] = "";
    int n = pcre.pcre2_match_8(regexp->code, (const unsigned char *)text, len, from, 0,
                               regexp->data, regexp->context);
    *ret_groups = n > 0 ? n : 0;
    if (n >= 0 || n == PCRE2_ERROR_NOMATCH) {
        return LEAT_OK;
    }
    pcre.pcre2_get_error_message_8(n, message, sizeof message);
    bool utf = n <= PCRE2_ERROR_UTF8_ERR1 && n >= PCRE2_ERROR_UTF8_ERR21;
    return lt_fail(err, utf ? LT_E_INVALID_UTF8 : LT_E_LIMIT, "regular expression: %s",
                   (const char *)message);
}

static size_t character(const char *text, size_t at, size_t len)
{
    size_t n = 1;
    while (at + n < len && ((unsigned char)text[at + n] & 0xC0) == 0x80) {
        n++;
    }
    return n;
}

int lt_regexp_replace(struct lt_regexp *regexp, const char *text, size_t len, const char *with,
                      struct lt_buf *out, bool *ret_matched, struct leat_error *err)
{
    size_t copied = 0, from = 0;
    bool matched = false;
    int rc = LEAT_OK, groups = 0;
    while (!rc && from <= len) {
        rc = find(regexp, text, len, from, &groups, err);
        if (rc || !groups) {
            break;
        }
        const PCRE2_SIZE *places = pcre.pcre2_get_ovector_pointer_8(regexp->data);
        size_t first = places[0], end = places[1];
        bool abuts = matched && first == end && first == copied; /* an empty one behind another */
        const struct match match = {regexp, text, places, groups};
        if (!abuts) {
            rc = lt_buf_append(out, text + copied, first - copied);
            rc = rc ? rc : put_template(&match, with, out);
            rc = rc ? lt_fail_oom(err) : LEAT_OK;
            copied = end;
            matched = true;
        }
        from = end > from || end > first ? end : end + (end < len ? character(text, end, len) : 1);
    }
    if (!rc && matched && lt_buf_append(out, text + copied, len - copied)) {
        rc = lt_fail_oom(err);
    }
    *ret_matched = matched;
    return rc;
}
