/* Partitions as directories: "country=DE/dt=2026-11-21/", as Hive names them. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/banned.h"

/* What Hive escapes in names of partitions, beside control characters. */
#define ESCAPED "\"#%'*/:=?\\{[]^"

static int put_escaped(const char *text, size_t len, struct lt_buf *out)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = c >= ' ' && c != 0x7f && !strchr(ESCAPED, c);
        failed |= plain ? lt_buf_byte(out, c) : lt_buf_printf(out, "%%%02X", (unsigned)c);
    }
    return failed;
}

int lt_fc_hive_put(const char *name, const char *value, size_t len, struct lt_buf *out)
{
    int failed = put_escaped(name, strlen(name), out) | lt_buf_byte(out, '=');
    if (!value) {
        failed |= lt_buf_puts(out, FC_HIVE_NULL);
    } else if (len == strlen(FC_HIVE_NULL) && !memcmp(value, FC_HIVE_NULL, len)) {
        /* A text that reads like the name of nulls is no null. */
        failed |= lt_buf_puts(out, "%5F") | put_escaped(value + 1, len - 1, out);
    } else {
        failed |= put_escaped(value, len, out);
    }
    return failed | lt_buf_byte(out, '/');
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10
                                        : -1;
}

/* %XX undone; a % that begins none stands for itself. malloc'ed. */
static char *unescape(const char *text, size_t len)
{
    struct lt_buf out = LT_BUF_INIT;
    int failed = LEAT_OK;
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        bool code = high >= 0 && low >= 0 && (high || low);
        failed |= lt_buf_byte(&out, code ? (uint8_t)(high * 16 + low) : (uint8_t)text[i]);
        i += code ? 2 : 0;
    }
    failed |= lt_buf_byte(&out, 0);
    char *made = failed ? NULL : lt_strndup((char *)out.data, out.len - 1);
    lt_buf_done(&out);
    return made;
}

bool lt_fc_hive_next(const char **at, struct fc_hive *ret_part, bool *ret_failed)
{
    const char *slash = strchr(*at, '/');
    while (slash) {
        const char *equals = memchr(*at, '=', (size_t)(slash - *at));
        const char *begin = *at;
        *at = slash + 1;
        if (equals && equals > begin) {
            size_t len = (size_t)(slash - equals - 1);
            bool null = len == strlen(FC_HIVE_NULL) && !memcmp(equals + 1, FC_HIVE_NULL, len);
            ret_part->name = unescape(begin, (size_t)(equals - begin));
            ret_part->value = null ? NULL : unescape(equals + 1, len);
            *ret_failed = !ret_part->name || (!null && !ret_part->value);
            if (*ret_failed) {
                lt_fc_hive_done(ret_part);
            }
            return !*ret_failed;
        }
        slash = strchr(*at, '/');
    }
    *ret_failed = false;
    return false;
}

void lt_fc_hive_done(struct fc_hive *part)
{
    free(part->name);
    free(part->value);
    *part = (struct fc_hive){.name = NULL};
}
