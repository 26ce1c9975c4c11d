/* JSON as YAML reads the same from it: the two part in some escapes and characters. */
#include "pipe/yaml_tree.h"

#include "core/util.h"

#include <ctype.h>
#include <string.h>

#include "core/banned.h"

/* The number of an escape \uXXXX; -1: there is none. */
static int32_t escape_at(const char *text, size_t len)
{
    int32_t value = 0;
    if (len < 6 || text[0] != '\\' || text[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < 6; i++) {
        int c = tolower((unsigned char)text[i]);
        if (!isxdigit(c)) {
            return -1;
        }
        value = value << 4 | (isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    return value;
}

static bool is_json(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && strchr(" \t\r\n", text[i])) {
        i++;
    }
    return i < len && (text[i] == '{' || text[i] == '[');
}

size_t lt_yaml_special_at(const char *p, unsigned *ret_code)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t len = u[0] == 0x7f                                                     ? 1
                 : u[0] == 0xc2 && u[1] >= 0x80 && u[1] <= 0x9f                   ? 2
                 : u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9) ? 3
                 : u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf                   ? 3
                 : u[0] == 0xef && u[1] == 0xbf && u[2] >= 0xbe                   ? 3
                                                                                  : 0;
    *ret_code = len == 0   ? 0
                : len == 1 ? 0x7f
                : len == 2 ? u[1]
                           : (unsigned)((u[0] & 0x0f) << 12 | (u[1] & 0x3f) << 6 | (u[2] & 0x3f));
    return len;
}

/* What stands at a backslash of JSON. JSON writes a character beyond U+FFFF as two escapes, which
 * YAML does not know: \uD83D\uDE00 is to it \U0001F600. Returns how much was taken. */
static size_t take_escape(const char *text, size_t len, struct lt_buf *out, int *rc)
{
    int32_t high = escape_at(text, len);
    int32_t low = high >= 0xd800 && high < 0xdc00 ? escape_at(text + 6, len - 6) : -1;
    if (low >= 0xdc00 && low < 0xe000) {
        *rc = lt_buf_printf(out, "\\U%08X",
                            0x10000 + (unsigned)((high & 0x3ff) << 10 | (low & 0x3ff)));
        return 12;
    }
    *rc = lt_buf_append(out, text, LT_MIN(len, 2));
    return LT_MIN(len, 2);
}

/* Such a character as it stands in a JSON string, as an escape: the short ones of YAML for those it
 * would fold as ends of lines, so that columns behind them stay close. */
static int put_special(struct lt_buf *out, unsigned code)
{
    const char *brief = code == 0x85     ? "\\N"
                        : code == 0x2028 ? "\\L"
                        : code == 0x2029 ? "\\P"
                                         : NULL;
    return brief ? lt_buf_puts(out, brief) : lt_buf_printf(out, "\\u%04x", code);
}

/* A backslash can stand nowhere but in a string; with a single
 * quote or a # outside of one it is YAML, of which the strings are not known here. */
int lt_yaml_of_json(const char *text, size_t len, struct lt_buf *out)
{
    static const char stops[] = {'\\', '"', '\'', '#', 0x7f, '\xc2', '\xe2', '\xef'};
    bool inside = false, strings = true;
    int rc = LEAT_OK;
    if (!is_json(text, len)) {
        return LEAT_OK;
    }
    for (size_t i = 0; !rc && i < len;) {
        size_t run = i;
        while (run < len && !memchr(stops, text[run], sizeof stops)) {
            run++;
        }
        rc = lt_buf_append(out, text + i, run - i);
        i = run;
        if (rc || i == len) {
            break;
        }
        unsigned code;
        size_t special = strings && inside ? lt_yaml_special_at(text + i, &code) : 0;
        if (special) {
            rc = put_special(out, code);
            i += special;
        } else if (text[i] == '\\') {
            i += take_escape(text + i, len - i, out, &rc);
        } else {
            inside = inside != (text[i] == '"');
            strings = strings && (inside || (text[i] != '\'' && text[i] != '#'));
            rc = lt_buf_byte(out, (uint8_t)text[i++]);
        }
    }
    return rc;
}
