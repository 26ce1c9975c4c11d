/* Values to text, and to JSON. */
#include "columnar/text_fast.h"
#include "columnar/text_parts.h"
#include "core/json.h"

#include <math.h>

bool lt_view_resolve(const struct lt_view **view, int64_t *row)
{
    while ((*view)->dictionary) {
        bool big;
        if (lt_view_is_null(*view, *row)) {
            return false;
        }
        *row = lt_view_integer(*view, *row, &big);
        *view = (*view)->dictionary;
    }
    return !lt_view_is_null(*view, *row);
}

static int integer_format(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    bool big = false;
    int64_t value = lt_view_integer(view, row, &big);
    char text[24], *at = text;

    if (value < 0 && !big) {
        *at++ = '-';
        value = (int64_t)(0 - (uint64_t)value);
    }
    at += lt_u64_digits((uint64_t)value, at);
    return lt_buf_append(out, text, (size_t)(at - text));
}

/* Returns the length, and in *ret_finite whether it is a number. */
static int float_text(const struct lt_view *view, int64_t row, char text[32], bool *ret_finite)
{
    uint16_t half;

    if (view->type.id == LT_FLOAT64) {
        double value = lt_view_f64(view, row);
        *ret_finite = isfinite(value);
        return lt_double_format(value, text);
    }
    if (view->type.id == LT_FLOAT32) {
        float value = lt_view_f32(view, row);
        *ret_finite = isfinite(value);
        return lt_float_format(value, text);
    }
    half = lt_view_u16(view, row);
    *ret_finite = (half & 0x7c00) != 0x7c00;
    return lt_half_format(half, text);
}

static int hex_append(struct lt_buf *out, const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    if (len > LT_BUF_MAX / 2 || lt_buf_reserve(out, 2 * len)) {
        return LEAT_NO_MEMORY;
    }
    size_t i = 0;
    for (; i + 4 <= len; i += 4, out->len += 8) {
        lt_put_hex4(out->data + out->len, data + i);
    }
    for (; i < len; i++) {
        out->data[out->len++] = (uint8_t)digits[data[i] >> 4];
        out->data[out->len++] = (uint8_t)digits[data[i] & 15];
    }
    out->data[out->len] = 0;
    return LEAT_OK;
}

static int uuid_format(const uint8_t *bytes, struct lt_buf *out)
{
    static const uint8_t parts[] = {4, 2, 2, 2, 6};

    for (size_t i = 0; i < sizeof parts; i++) {
        if ((i && lt_buf_byte(out, '-')) || hex_append(out, bytes, parts[i])) {
            return LEAT_NO_MEMORY;
        }
        bytes += parts[i];
    }
    return LEAT_OK;
}

static int binary_format(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    size_t len;
    const uint8_t *bytes = lt_view_bytes(view, row, &len);

    if (view->type.logical == LT_UUID && len == 16) {
        return uuid_format(bytes, out);
    }
    return lt_buf_append(out, "\\x", 2) ? LEAT_NO_MEMORY : hex_append(out, bytes, len);
}

/* A date64 counts milliseconds; one that is not a whole day is shown with its time, so that
 * nothing is lost. */
static int date64_format(int64_t ms, struct lt_buf *out)
{
    const int64_t day_ms = INT64_C(86400000);

    return ms % day_ms ? lt_timestamp_format(ms, LT_MILLI, false, out)
                       : lt_date_format(ms / day_ms, out);
}

static int interval_format(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    const uint8_t *at = view->data + row * view->type.width;
    struct lt_interval interval = {0, 0, 0};
    int32_t first, second;
    int64_t nanos;

    switch (view->type.id) {
    case LT_DURATION:
        interval.nanos = (lt_int128)lt_view_i64(view, row) *
                         (lt_unit_ticks(LT_NANO) / lt_unit_ticks(view->type.unit));
        break;
    case LT_INTERVAL_MONTHS:
        interval.months = lt_view_i32(view, row);
        break;
    case LT_INTERVAL_DAY_TIME:
        memcpy(&first, at, 4);
        memcpy(&second, at + 4, 4);
        interval.days = first;
        interval.nanos = (lt_int128)second * 1000000;
        break;
    default:
        memcpy(&first, at, 4);
        memcpy(&second, at + 4, 4);
        memcpy(&nanos, at + 8, 8);
        interval = (struct lt_interval){first, second, nanos};
        break;
    }
    return lt_interval_format(&interval, out);
}

static int decimal_format(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    if (view->type.id == LT_DECIMAL256) {
        struct lt_int256 value = lt_view_decimal256(view, row);
        return lt_decimal256_format(&value, view->type.scale, out);
    }
    return lt_decimal_format(lt_view_decimal(view, row), view->type.scale, out);
}

static int text_format(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    size_t len;
    const uint8_t *bytes = lt_view_bytes(view, row, &len);

    return lt_buf_append(out, bytes, len);
}

static int float_format(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    char text[32];
    bool finite;
    int len = float_text(view, row, text, &finite);

    return lt_buf_append(out, text, (size_t)len);
}

int lt_text_format(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    const struct lt_type *type;

    if (!lt_view_resolve(&view, &row)) {
        return LEAT_OK; /* a null inside a dictionary has no text */
    }
    type = &view->type;
    if (lt_type_is_integer(type->id)) {
        return integer_format(view, row, out);
    }
    switch (type->id) {
    case LT_BOOL:
        return lt_buf_puts(out, lt_view_bool(view, row) ? "true" : "false");
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
        return float_format(view, row, out);
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        return decimal_format(view, row, out);
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
        return text_format(view, row, out);
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_BINARY_VIEW:
    case LT_FIXED_BINARY:
        return binary_format(view, row, out);
    case LT_DATE32:
        return lt_date_format(lt_view_i32(view, row), out);
    case LT_DATE64:
        return date64_format(lt_view_i64(view, row), out);
    case LT_TIME32:
        return lt_time_format(lt_view_i32(view, row), type->unit, out);
    case LT_TIME64:
        return lt_time_format(lt_view_i64(view, row), type->unit, out);
    case LT_TIMESTAMP:
        return lt_timestamp_format(lt_view_i64(view, row), type->unit, *type->zone, out);
    case LT_DURATION:
    case LT_INTERVAL_MONTHS:
    case LT_INTERVAL_DAY_TIME:
    case LT_INTERVAL:
        return interval_format(view, row, out);
    default:
        return lt_text_format_json(view, row, out); /* nested */
    }
}

/* --- JSON ---------------------------------------------------------------------------------- */

/* Exact numeric text may be written in ways JSON has no grammar for (+5, .5, 007). */
static int numeric_json(const char *text, size_t len, struct lt_buf *out)
{
    struct lt_number number;
    const char *at = text, *end = text + len;

    if (lt_json_is_number(text, len)) {
        return lt_buf_append(out, text, len);
    }
    if (!lt_number_scan(text, len, &number) || number.kind != LT_NUMBER_FINITE) {
        return lt_json_quote(out, text, len);
    }
    if (number.negative && lt_buf_byte(out, '-')) {
        return LEAT_NO_MEMORY;
    }
    at += *at == '-' || *at == '+';
    while (end - at > 1 && at[0] == '0' && at[1] >= '0' && at[1] <= '9') {
        at++;
    }
    if (*at == '.' && lt_buf_byte(out, '0')) {
        return LEAT_NO_MEMORY;
    }
    for (; at < end; at++) {
        bool bare_point = *at == '.' && (at + 1 == end || at[1] == 'e' || at[1] == 'E');
        if (lt_buf_byte(out, (uint8_t)*at) || (bare_point && lt_buf_byte(out, '0'))) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

static int list_json(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    int64_t first, end;
    int failed = lt_buf_byte(out, '[');

    lt_view_list(view, row, &first, &end);
    for (int64_t i = first; !failed && i < end; i++) {
        failed =
            (i > first && lt_buf_byte(out, ',')) || lt_text_format_json(&view->children[0], i, out);
    }
    return failed || lt_buf_byte(out, ']') ? LEAT_NO_MEMORY : LEAT_OK;
}

static int struct_json(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    int failed = lt_buf_byte(out, '{');

    for (int64_t i = 0; !failed && i < view->n_children; i++) {
        const char *name = view->children[i].field->name;
        name = name ? name : "";
        failed = (i && lt_buf_byte(out, ',')) || lt_json_quote(out, name, strlen(name)) ||
                 lt_buf_byte(out, ':') || lt_text_format_json(&view->children[i], row, out);
    }
    return failed || lt_buf_byte(out, '}') ? LEAT_NO_MEMORY : LEAT_OK;
}

/* A key of any type, as the JSON string of its text. */
static int key_json(const struct lt_view *keys, int64_t row, struct lt_buf *out)
{
    struct lt_buf text = LT_BUF_INIT;
    int status = lt_text_format(keys, row, &text);

    status = status ? status : lt_json_quote(out, lt_buf_text(&text), text.len);
    lt_buf_done(&text);
    return status;
}

static int map_json(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    const struct lt_view *entries = &view->children[0];
    int64_t first, end;
    int failed = lt_buf_byte(out, '{');

    lt_view_list(view, row, &first, &end);
    for (int64_t i = first; !failed && i < end; i++) {
        failed = (i > first && lt_buf_byte(out, ',')) || key_json(&entries->children[0], i, out) ||
                 lt_buf_byte(out, ':') || lt_text_format_json(&entries->children[1], i, out);
    }
    return failed || lt_buf_byte(out, '}') ? LEAT_NO_MEMORY : LEAT_OK;
}

/* Text that holds neither quotes nor backslashes, but for the one of \x. */
static int quoted_json(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    size_t at = out->len + 1;

    if (lt_buf_byte(out, '"') || lt_text_format(view, row, out)) {
        return LEAT_NO_MEMORY;
    }
    if (out->len > at && out->data[at] == '\\') {
        if (lt_buf_reserve(out, 1)) {
            return LEAT_NO_MEMORY;
        }
        memmove(out->data + at + 1, out->data + at, out->len - at);
        out->len++;
    }
    return lt_buf_byte(out, '"');
}

static int text_json(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    size_t len;
    const char *text = (const char *)lt_view_bytes(view, row, &len);

    if (view->type.logical == LT_JSON) {
        return lt_buf_append(out, text, len);
    }
    if (view->type.logical == LT_NUMERIC) {
        return numeric_json(text, len, out);
    }
    return lt_json_quote(out, text, len);
}

int lt_text_format_json(const struct lt_view *view, int64_t row, struct lt_buf *out)
{
    char text[32];
    bool finite = true;
    int len;

    if (!lt_view_resolve(&view, &row)) {
        return lt_buf_puts(out, "null");
    }
    if (lt_type_is_integer(view->type.id)) {
        return integer_format(view, row, out);
    }
    switch (view->type.id) {
    case LT_BOOL:
        return lt_text_format(view, row, out);
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
        len = float_text(view, row, text, &finite);
        return finite ? lt_buf_append(out, text, (size_t)len)
                      : lt_json_quote(out, text, (size_t)len);
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        return decimal_format(view, row, out);
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
        return text_json(view, row, out);
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
        return list_json(view, row, out);
    case LT_STRUCT:
        return struct_json(view, row, out);
    case LT_MAP:
        return map_json(view, row, out);
    default:
        return quoted_json(view, row, out);
    }
}

/* --- JSON's own null ------------------------------------------------------------------------ */

bool lt_text_holds_json(const struct ArrowSchema *field)
{
    struct lt_type type;

    if (field->dictionary) {
        return lt_text_holds_json(field->dictionary);
    }
    if (!lt_type_of(field, &type, NULL) && type.logical == LT_JSON) {
        return true;
    }
    for (int64_t i = 0; i < field->n_children; i++) {
        if (lt_text_holds_json(field->children[i])) {
            return true;
        }
    }
    return false;
}

/* No other JSON value begins with this letter. */
bool lt_text_is_json_null(const uint8_t *text, size_t len)
{
    size_t i = 0;

    while (i < len && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r')) {
        i++;
    }
    return i < len && text[i] == 'n';
}

bool lt_text_hides_null(const struct lt_view *view, int64_t row)
{
    int64_t first, end;
    size_t len;
    const uint8_t *text;

    if (!lt_view_resolve(&view, &row)) {
        return false;
    }
    if (view->type.logical == LT_JSON) {
        text = lt_view_bytes(view, row, &len);
        return lt_text_is_json_null(text, len);
    }
    if (!lt_type_is_nested(view->type.id)) {
        return false;
    }
    first = row;
    end = row + 1;
    if (view->type.id != LT_STRUCT) {
        lt_view_list(view, row, &first, &end);
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        for (int64_t at = first; at < end; at++) {
            if (lt_text_hides_null(&view->children[i], at)) {
                return true;
            }
        }
    }
    return false;
}
