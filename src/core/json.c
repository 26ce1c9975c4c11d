/* See json.h. Numbers are written the same in every locale. */
#include "core/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/banned.h"

static void put(struct lt_json *json, const void *data, size_t len)
{
    if (!json->failed) {
        json->failed = lt_buf_append(json->out, data, len);
    }
}

/* What goes in front of any value: nothing after a key, else the comma between elements. */
static void before_value(struct lt_json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->depth > 0) {
        uint64_t bit = (uint64_t)1 << (json->depth - 1);
        if (json->comma & bit) {
            put(json, ",", 1);
        }
        json->comma |= bit;
    }
}

static void open_level(struct lt_json *json, const char *bracket)
{
    /* Depth counts on after a failure too, so that every end still meets its beginning. */
    if (json->depth >= LT_JSON_DEPTH_MAX) {
        json->failed = LEAT_NO_MEMORY;
    }
    if (json->failed) {
        json->depth++;
        return;
    }
    before_value(json);
    put(json, bracket, 1);
    json->depth++;
    json->comma &= ~((uint64_t)1 << (json->depth - 1));
}

static void close_level(struct lt_json *json, const char *bracket)
{
    if (json->depth > 0) {
        json->depth--;
    }
    json->after_key = false;
    put(json, bracket, 1);
}

void lt_json_object(struct lt_json *json)
{
    open_level(json, "{");
}

void lt_json_object_end(struct lt_json *json)
{
    close_level(json, "}");
}

void lt_json_array(struct lt_json *json)
{
    open_level(json, "[");
}

void lt_json_array_end(struct lt_json *json)
{
    close_level(json, "]");
}

void lt_json_key(struct lt_json *json, const char *key)
{
    lt_json_text(json, key);
    put(json, ":", 1);
    json->after_key = true;
}

void lt_json_text_n(struct lt_json *json, const char *text, size_t len)
{
    if (json->failed) {
        return;
    }
    before_value(json);
    if (!json->failed) {
        json->failed = lt_json_quote(json->out, text, len);
    }
}

void lt_json_text(struct lt_json *json, const char *text)
{
    if (text) {
        lt_json_text_n(json, text, strlen(text));
    } else {
        lt_json_null(json);
    }
}

void lt_json_raw(struct lt_json *json, const char *text, size_t len)
{
    if (json->failed) {
        return;
    }
    before_value(json);
    put(json, text, len);
}

void lt_json_int(struct lt_json *json, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)value);
    lt_json_raw(json, text, (size_t)len);
}

void lt_json_double(struct lt_json *json, double value)
{
    if (isnan(value)) {
        lt_json_text(json, "NaN");
        return;
    }
    if (isinf(value)) {
        lt_json_text(json, value > 0 ? "Infinity" : "-Infinity");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    /* Whatever the locale has for a decimal point, of one byte or more, becomes '.'. */
    size_t len = 0;
    bool in_point = false;
    for (const char *c = text; *c; c++) {
        if ((*c >= '0' && *c <= '9') || *c == '-' || *c == '+' || *c == 'e') {
            text[len++] = *c;
            in_point = false;
        } else if (!in_point) {
            text[len++] = '.';
            in_point = true;
        }
    }
    lt_json_raw(json, text, len);
}

void lt_json_bool(struct lt_json *json, bool value)
{
    lt_json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

void lt_json_null(struct lt_json *json)
{
    lt_json_raw(json, "null", 4);
}

/* RFC 8259 section 7: quotation mark, reverse solidus and U+0000 to U+001F must be escaped. */
int lt_json_quote(struct lt_buf *out, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    static const char named[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    size_t before = out->len;
    size_t plain = 0;
    int status = lt_buf_reserve(out, len > LT_BUF_MAX - 2 ? LT_BUF_MAX : len + 2);
    if (!status) {
        status = lt_buf_byte(out, '"');
    }
    for (size_t i = 0; i < len && !status; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        char escape[6] = {'\\', (char)c, '0', '0', hex[(c >> 4) & 15], hex[c & 15]};
        size_t escape_len = 2;
        if (c < 0x20 && named[c]) {
            escape[1] = named[c];
        } else if (c < 0x20) {
            escape[1] = 'u';
            escape_len = 6;
        }
        status = lt_buf_append(out, text + plain, i - plain);
        if (!status) {
            status = lt_buf_append(out, escape, escape_len);
        }
        plain = i + 1;
    }
    if (!status) {
        status = lt_buf_append(out, text + plain, len - plain);
    }
    if (!status) {
        status = lt_buf_byte(out, '"');
    }
    if (status && out->data) {
        out->len = before;
        out->data[before] = 0;
    }
    return status;
}
