/* COPY text: for tables with a type that has no binary form here. The server reads such values with
 * the type's own input function. */
#include "connectors/postgres/pg_encode_parts.h"

#include "columnar/text.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

/* PostgreSQL writes years past 9999 without a sign and those before year 1 as BC. */
static int fix_year(struct lt_buf *text, size_t start)
{
    char *at = (char *)text->data + start;
    if (*at == '+') {
        memmove(at, at + 1, text->len - start);
        text->len--;
        return LEAT_OK;
    }
    if (*at != '-' && strncmp(at, "0000", 4) != 0) {
        return LEAT_OK;
    }
    char rest[64];
    char *end;
    long year = strtol(at, &end, 10);
    snprintf(rest, sizeof rest, "%s", end);
    text->len = start;
    size_t zone = strlen(rest);
    return lt_buf_printf(text, "%04ld%.*s BC", 1 - year, (int)zone, rest);
}

/* Cents with the two digits that the load's lc_monetary reads, whatever the server's own has. */
static int money_text(const struct lt_view *view, int64_t row, struct lt_buf *text)
{
    lt_int128 value;
    memcpy(&value, view->data + row * 16, sizeof value);
    return lt_decimal_format(value, 2, text);
}

static int value_text(enum pg_wire wire, const struct lt_view *view, int64_t row,
                      struct lt_buf *text)
{
    size_t start = text->len;
    if (wire == PG_WIRE_MONEY) {
        return money_text(view, row, text);
    }
    int failed = lt_text_format(view, row, text);
    if (!failed && (view->type.id == LT_DATE32 || view->type.id == LT_TIMESTAMP)) {
        failed = fix_year(text, start);
    }
    return failed;
}

static enum value_result list_text(const struct pg_encode_column *column, int64_t row,
                                   struct lt_buf *text)
{
    const struct lt_view *child = &column->view.children[0];
    struct lt_buf element = LT_BUF_INIT;
    enum value_result result = VALUE_OK;
    int64_t first, end;
    lt_view_list(&column->view, row, &first, &end);
    int failed = lt_buf_byte(text, '{');
    for (int64_t i = first; i < end && !result; i++) {
        failed |= i > first ? lt_buf_byte(text, ',') : LEAT_OK;
        if (lt_view_is_null(child, i)) {
            failed |= lt_buf_puts(text, "NULL");
            continue;
        }
        lt_buf_clear(&element);
        result = pg_value_within(column, child, i);
        failed |= value_text(column->wire, child, i, &element);
        failed |= lt_buf_byte(text, '"');
        for (size_t k = 0; k < element.len; k++) {
            if (element.data[k] == '"' || element.data[k] == '\\') {
                failed |= lt_buf_byte(text, '\\');
            }
            failed |= lt_buf_byte(text, element.data[k]);
        }
        failed |= lt_buf_byte(text, '"');
    }
    failed |= lt_buf_byte(text, '}');
    lt_buf_done(&element);
    return failed ? VALUE_MEMORY : result;
}

/* COPY's own escapes: backslash, tab, line breaks. */
static enum value_result put_escaped(const struct lt_buf *text, struct lt_buf *out)
{
    if (lt_buf_reserve(out, 2 * text->len + 1)) {
        return VALUE_MEMORY;
    }
    uint8_t *p = out->data + out->len;
    for (size_t i = 0; i < text->len; i++) {
        uint8_t c = text->data[i];
        if (!c) {
            return VALUE_ZERO_BYTE;
        }
        uint8_t letter = c == '\\' ? '\\' : c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : 0;
        if (letter) {
            *p++ = '\\';
        }
        *p++ = letter ? letter : c;
    }
    out->len = (size_t)(p - out->data);
    return VALUE_OK;
}

enum value_result pg_encode_text(const struct pg_encode_column *column, int64_t row,
                                 struct lt_buf *out)
{
    struct lt_buf text = LT_BUF_INIT;
    enum value_result result;
    if (column->list) {
        result = list_text(column, row, &text);
    } else {
        result = pg_value_within(column, &column->view, row);
        if (!result && value_text(column->wire, &column->view, row, &text)) {
            result = VALUE_MEMORY;
        }
    }
    result = result ? result : put_escaped(&text, out);
    lt_buf_done(&text);
    return result;
}
