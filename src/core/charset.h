/* Text in other encodings than UTF-8. The one file behind this that knows iconv is charset.c.
 *
 * Conversion is exact or refused: nothing is ever replaced, transliterated or left out. A
 * converter carries its state from call to call, so that text may come in pieces of any size. */
#ifndef LT_CHARSET_H
#define LT_CHARSET_H

#include "core/buf.h"

#include <stdbool.h>

#define LT_CHARSET_NAME_MAX 40 /* bytes of an encoding's name */

struct lt_charset;

/* "utf-8", "UTF8", "utf_8". */
bool lt_charset_is_utf8(const char *name);
/* UTF-8, UTF-16 and UTF-32 in all byte orders: those that hold every character. */
bool lt_charset_is_unicode(const char *name);

/* Names as iconv has them, without regard to case: latin1, windows-1252, utf-16le, shift_jis.
 * LEAT_INVALID for one that it does not know. */
int lt_charset_open(const char *to, const char *from, struct lt_charset **ret_charset,
                    struct leat_error *err);
void lt_charset_close(struct lt_charset *charset); /* NULL is fine */

/* Converts `data` and appends the outcome to `out`; *ret_used says how many bytes were taken. A
 * character cut off at the end is left for the next call, unless this is the `last`.
 * LEAT_BAD_DATA: what begins at data[*ret_used] is no character of the one encoding, or has none in
 * the other; all before it was appended. Or LEAT_NO_MEMORY. */
int lt_charset_convert(struct lt_charset *charset, const void *data, size_t len, bool last,
                       struct lt_buf *out, size_t *ret_used);
/* Back to the state of a text's beginning. */
void lt_charset_reset(struct lt_charset *charset);

#endif
