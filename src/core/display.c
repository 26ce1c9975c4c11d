#include "core/display.h"

#include "core/util.h"

#include <stdbool.h>
#include <stdio.h>

#include "core/banned.h"

struct range {
    uint32_t first, last;
};

#include "core/display_ranges.h"

#define ELLIPSIS "\u2026"
/* Characters that take no column, behind one another, that are still shown. */
#define JOINED_MAX 16
#define SHOWN_MAX 16 /* bytes of one character as it is shown */

static bool is_in(const struct range *table, size_t n, uint32_t character)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table[middle].last < character) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < n && table[low].first <= character;
}

int lt_display_columns(uint32_t character)
{
    if (character < no_columns[0].first) {
        return 1;
    }
    if (is_in(no_columns, LT_ARRAY_LEN(no_columns), character)) {
        return 0;
    }
    return is_in(two_columns, LT_ARRAY_LEN(two_columns), character) ? 2 : 1;
}

/* Bytes of the valid character at `text`, 0 where there is none. */
static size_t character_at(const char *text, size_t len, uint32_t *ret_character)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n > len || lt_utf8_valid_prefix(text, n) != n) {
        return 0;
    }
    uint32_t character = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        character = character << 6 | (p[i] & 0x3fu);
    }
    *ret_character = character;
    return n;
}

/* Characters that move the cursor or change how others are shown. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static int write_control(uint32_t c, char shown[SHOWN_MAX])
{
    static const char letters[] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (c < sizeof letters && letters[c]) {
        return snprintf(shown, SHOWN_MAX, "\\%c", letters[c]);
    }
    return snprintf(shown, SHOWN_MAX, c < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)c);
}

/* The first character of a text as it is shown: its bytes, and the columns they take. */
static size_t show(const char *text, size_t len, char shown[SHOWN_MAX], int *ret_len,
                   int *ret_columns)
{
    uint32_t c;
    size_t n = character_at(text, len, &c);
    if (!n) {
        *ret_len = *ret_columns = snprintf(shown, SHOWN_MAX, "\\x%02x", (unsigned)(uint8_t)*text);
        return 1;
    }
    if (is_control(c)) {
        *ret_len = *ret_columns = write_control(c, shown);
        return n;
    }
    memcpy(shown, text, n);
    *ret_len = (int)n;
    *ret_columns = lt_display_columns(c);
    return n;
}

int lt_display_put(struct lt_buf *out, const char *text, size_t len, int columns_max,
                   int *ret_columns)
{
    char shown[SHOWN_MAX];
    int used = 0, joined = 0, bytes, columns;
    size_t cut = out->len; /* up to where there is room for the ellipsis behind it */
    int cut_columns = 0;
    for (size_t at = 0; at < len;) {
        at += show(text + at, len - at, shown, &bytes, &columns);
        joined = columns ? 0 : joined + 1;
        if (joined > JOINED_MAX) {
            continue;
        }
        if (used + columns > columns_max) {
            out->len = cut;
            *ret_columns = cut_columns + (columns_max > 0);
            return columns_max > 0 ? lt_buf_puts(out, ELLIPSIS) : LEAT_OK;
        }
        if (lt_buf_append(out, shown, (size_t)bytes)) {
            return LEAT_NO_MEMORY;
        }
        used += columns;
        if (used < columns_max) {
            cut = out->len;
            cut_columns = used;
        }
    }
    *ret_columns = used;
    return LEAT_OK;
}
