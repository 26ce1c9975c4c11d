/* Encodings, by iconv. */
#include "core/charset.h"

#include "core/codes.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <strings.h>

#define GROW_MIN 64 /* room for any single character in any encoding, shift sequences included */

struct lt_charset {
    iconv_t iconv;
};

/* Compares names as people write them: case, - and _ do not matter. */
static bool is_name(const char *name, const char *plain)
{
    for (; *name; name++) {
        if (*name == '-' || *name == '_') {
            continue;
        }
        if (tolower((unsigned char)*name) != *plain++) {
            return false;
        }
    }
    return !*plain;
}

bool lt_charset_is_utf8(const char *name)
{
    return is_name(name, "utf8");
}

bool lt_charset_is_unicode(const char *name)
{
    static const char *const names[] = {"utf8",  "utf16",   "utf16le", "utf16be",
                                        "utf32", "utf32le", "utf32be"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_name(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* iconv takes "//TRANSLIT" and "//IGNORE" behind a name, which would lose text without a word. */
static bool is_plain(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++) {
        if (!isalnum((unsigned char)name[n]) && !strchr("-_.:+", name[n])) {
            return false;
        }
    }
    return n > 0 && n <= LT_CHARSET_NAME_MAX;
}

int lt_charset_open(const char *to, const char *from, struct lt_charset **ret_charset,
                    struct leat_error *err)
{
    struct lt_charset *charset = malloc(sizeof *charset);
    if (!charset) {
        return lt_fail_oom(err);
    }
    const char *other = lt_charset_is_utf8(to) ? from : to;
    bool known = is_plain(to) && is_plain(from);
    errno = EINVAL;
    charset->iconv = known ? iconv_open(to, from) : (iconv_t)-1;
    if (charset->iconv == (iconv_t)-1) {
        int status = errno == ENOMEM
                         ? lt_fail_oom(err)
                         : lt_fail(err, LT_E_INVALID, "this system knows no encoding \"%.*s\"",
                                   LT_CHARSET_NAME_MAX, other);
        leat_error_remedy(err, "`iconv -l` lists what it knows, latin1 and windows-1252 among "
                               "them");
        free(charset);
        return status;
    }
    *ret_charset = charset;
    return LEAT_OK;
}

void lt_charset_close(struct lt_charset *charset)
{
    if (charset) {
        iconv_close(charset->iconv);
        free(charset);
    }
}

void lt_charset_reset(struct lt_charset *charset)
{
    iconv(charset->iconv, NULL, NULL, NULL, NULL);
}

/* One call of iconv into the room that `out` has; its result is 0 or an errno. A library that
 * replaces what it cannot convert says how often: that is no conversion either. */
static int step(struct lt_charset *charset, char **from, size_t *left, struct lt_buf *out)
{
    char *to = (char *)out->data + out->len;
    size_t room = out->cap - out->len;
    size_t replaced = iconv(charset->iconv, from, left, &to, &room);
    int error = replaced == (size_t)-1 ? errno : replaced ? EILSEQ : 0;
    out->len = out->cap - room;
    out->data[out->len] = 0;
    return error;
}

int lt_charset_convert(struct lt_charset *charset, const void *data, size_t len, bool last,
                       struct lt_buf *out, size_t *ret_used)
{
    char *from = (char *)(uintptr_t)data;
    size_t left = len;
    int error = 0;
    do {
        if (lt_buf_reserve(out, (error == E2BIG ? GROW_MIN : 0) + left + left / 2 + GROW_MIN)) {
            return LEAT_NO_MEMORY;
        }
        error = step(charset, &from, &left, out);
    } while (error == E2BIG);
    *ret_used = len - left;
    if (error == EILSEQ || (error == EINVAL && last)) {
        return LEAT_BAD_DATA;
    }
    if (last) {
        do { /* what returns a stateful encoding to its first state */
            if (lt_buf_reserve(out, GROW_MIN)) {
                return LEAT_NO_MEMORY;
            }
        } while (step(charset, NULL, NULL, out) == E2BIG);
    }
    return LEAT_OK;
}
