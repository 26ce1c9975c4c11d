/* Values in forms that a dialect or its options ask for: marks in numbers, words for booleans,
 * patterns of dates and times, bytes. Each form is turned into or out of the one of
 * lt_text_parse() and lt_text_format(), so that what is exact there is exact here. */
#include "columnar/text.h"
#include "core/util.h"
#include "formats/csv/csv.h"

#define NOT_BASE64 0xff

static const char why_binary[] = "not the form of bytes that --binary says";

/* --- which types ---------------------------------------------------------------------------- */

enum form { NONE, NUMBER, BOOL, DATE, TIME, TIMESTAMP, BYTES };

static enum form form_of(const struct lt_type *type)
{
    if (lt_type_is_integer(type->id)) {
        return NUMBER;
    }
    switch (type->id) {
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        return NUMBER;
    case LT_BOOL:
        return BOOL;
    case LT_DATE32:
    case LT_DATE64:
        return DATE;
    case LT_TIME32:
    case LT_TIME64:
        return TIME;
    case LT_TIMESTAMP:
        return TIMESTAMP;
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_BINARY_VIEW:
        return BYTES;
    case LT_FIXED_BINARY:
        return type->logical == LT_UUID ? NONE : BYTES;
    default:
        return type->logical == LT_NUMERIC ? NUMBER : NONE;
    }
}

bool lt_csv_values_has(const struct lt_csv_values *values, const struct lt_type *type)
{
    if (!values->any) {
        return false;
    }
    switch (form_of(type)) {
    case NUMBER:
        return values->decimal != '.' || values->thousands[0];
    case BOOL:
        return values->yes.n > 0;
    case DATE:
        return values->has_date;
    case TIME:
        return values->has_time;
    case TIMESTAMP:
        return values->has_timestamp;
    case BYTES:
        return values->binary != LT_CSV_BINARY_HEX;
    default:
        return false;
    }
}

/* --- numbers -------------------------------------------------------------------------------- */

static inline bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Digits up to the decimal mark or exponent, without their thousands marks. Groups must be of
 * three, or a mark in the wrong place would pass for one of thousands. */
static bool take_whole(const struct lt_csv_values *values, const uint8_t **at, const uint8_t *end,
                       struct lt_buf *out)
{
    size_t mark = strlen(values->thousands), group = 0;
    bool marked = false;
    while (*at < end) {
        if (is_digit(**at)) {
            if (lt_buf_byte(out, *(*at)++)) {
                return false;
            }
            group++;
        } else if (mark && (size_t)(end - *at) >= mark && !memcmp(*at, values->thousands, mark)) {
            if (!group || group > 3 || (marked && group != 3)) {
                return false;
            }
            marked = true;
            group = 0;
            *at += mark;
        } else {
            break;
        }
    }
    return !marked || group == 3;
}

bool lt_csv_number_read(const struct lt_csv_values *values, const uint8_t *text, size_t len,
                        struct lt_buf *work)
{
    const uint8_t *at = text, *end = text + len;
    lt_buf_clear(work);
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    while (end > at && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    if (at < end && (*at == '-' || *at == '+') && lt_buf_byte(work, *at++)) {
        return false;
    }
    if (!take_whole(values, &at, end, work)) {
        return false;
    }
    if (at < end && *at == (uint8_t)values->decimal) {
        at++;
        if (lt_buf_byte(work, '.')) {
            return false;
        }
        while (at < end && is_digit(*at)) {
            if (lt_buf_byte(work, *at++)) {
                return false;
            }
        }
    }
    /* Exponents, NaN and Infinity are as ever; a point here would be another decimal mark. */
    return !memchr(at, '.', (size_t)(end - at)) && work->len + (size_t)(end - at) > 0 &&
           !lt_buf_append(work, at, (size_t)(end - at));
}

/* The number in `work`, as lt_text_format() has it, with the dialect's marks. */
static int number_format(const struct lt_csv_values *values, const struct lt_buf *work,
                         struct lt_buf *out)
{
    const uint8_t *at = work->data, *end = work->data + work->len;
    size_t mark = strlen(values->thousands);
    if (at < end && (*at == '-' || *at == '+') && lt_buf_byte(out, *at++)) {
        return LEAT_NO_MEMORY;
    }
    const uint8_t *digits = at;
    while (at < end && is_digit(*at)) {
        at++;
    }
    bool exponent = memchr(at, 'e', (size_t)(end - at)) || memchr(at, 'E', (size_t)(end - at));
    for (const uint8_t *p = digits; p < at; p++) {
        bool grouped = mark && !exponent && p > digits && (at - p) % 3 == 0;
        if ((grouped && lt_buf_append(out, values->thousands, mark)) || lt_buf_byte(out, *p)) {
            return LEAT_NO_MEMORY;
        }
    }
    for (; at < end; at++) {
        if (lt_buf_byte(out, *at == '.' ? (uint8_t)values->decimal : *at)) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

/* --- bytes ---------------------------------------------------------------------------------- */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint8_t base64_value(uint8_t byte)
{
    const char *found = byte ? strchr(base64, byte) : NULL;
    return found ? (uint8_t)(found - base64) : NOT_BASE64;
}

/* RFC 4648 section 4, padded, and without bits that no byte uses. */
static int base64_read(const uint8_t *text, size_t len, struct lt_buf *out, const char **ret_why)
{
    size_t pad = len && text[len - 1] == '=' ? 1 + (len > 1 && text[len - 2] == '=') : 0;
    *ret_why = why_binary;
    lt_buf_clear(out);
    if (len % 4) {
        return LEAT_BAD_DATA;
    }
    if (lt_buf_reserve(out, len / 4 * 3)) {
        return LEAT_NO_MEMORY;
    }
    for (size_t i = 0; i < len; i += 4) {
        size_t n = i + 4 == len ? 4 - pad : 4; /* characters that are no padding */
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            uint8_t value = k < n ? base64_value(text[i + k]) : 0;
            if (value == NOT_BASE64) {
                return LEAT_BAD_DATA;
            }
            bits = bits << 6 | value;
        }
        if (n < 4 && bits & (n == 3 ? 0xffu : 0xffffu)) {
            return LEAT_BAD_DATA;
        }
        for (size_t k = 0; k + 1 < n; k++) {
            out->data[out->len++] = (uint8_t)(bits >> (16 - 8 * k));
        }
    }
    out->data[out->len] = 0;
    return LEAT_OK;
}

static int base64_format(const uint8_t *data, size_t len, struct lt_buf *out)
{
    if (lt_buf_reserve(out, (len + 2) / 3 * 4)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *to = out->data + out->len;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = LT_MIN(len - i, (size_t)3);
        uint32_t bits = (uint32_t)data[i] << 16 | (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (n > 2 ? data[i + 2] : 0);
        for (size_t k = 0; k < 4; k++) {
            *to++ = k <= n ? (uint8_t)base64[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
    out->len = (size_t)(to - out->data);
    out->data[out->len] = 0;
    return LEAT_OK;
}

static int bytes_parse(const struct lt_csv_values *values, struct lt_builder *builder,
                       const uint8_t *text, size_t len, struct lt_buf *work, const char **ret_why)
{
    if (values->binary == LT_CSV_BINARY_PLAIN_HEX) {
        lt_buf_clear(work);
        if (lt_buf_puts(work, "\\x") || lt_buf_append(work, text, len)) {
            return LEAT_NO_MEMORY;
        }
        int status = lt_text_parse(builder, lt_buf_text(work), work->len, ret_why);
        *ret_why = status == LEAT_BAD_DATA ? why_binary : *ret_why;
        return status;
    }
    int status = base64_read(text, len, work, ret_why);
    if (status) {
        return status;
    }
    if (builder->type.id != LT_FIXED_BINARY) {
        return lt_builder_bytes_value(builder, work->data, work->len);
    }
    if (work->len != (size_t)builder->type.width) {
        *ret_why = "not as many bytes as its type has";
        return LEAT_BAD_DATA;
    }
    return lt_builder_fixed(builder, work->data, work->len);
}

/* --- both ways ------------------------------------------------------------------------------ */

static int bool_parse(const struct lt_csv_values *values, struct lt_builder *builder,
                      const uint8_t *text, size_t len, const char **ret_why)
{
    if (lt_csv_is_word(&values->yes, text, len, true)) {
        return lt_builder_bool(builder, true);
    }
    if (lt_csv_is_word(&values->no, text, len, true)) {
        return lt_builder_bool(builder, false);
    }
    *ret_why = "not one of the words of --true and --false";
    return LEAT_BAD_DATA;
}

int lt_csv_value_parse(const struct lt_csv_values *values, struct lt_builder *builder,
                       const uint8_t *text, size_t len, struct lt_buf *work, const char **ret_why)
{
    switch (form_of(&builder->type)) {
    case NUMBER:
        if (!lt_csv_number_read(values, text, len, work)) {
            *ret_why = "not a number with these decimal and thousands marks";
            return LEAT_BAD_DATA;
        }
        return lt_text_parse(builder, lt_buf_text(work), work->len, ret_why);
    case BOOL:
        return bool_parse(values, builder, text, len, ret_why);
    case DATE:
        return lt_time_pattern_parse(&values->date, builder, (const char *)text, len, ret_why);
    case TIME:
        return lt_time_pattern_parse(&values->time, builder, (const char *)text, len, ret_why);
    case TIMESTAMP:
        return lt_time_pattern_parse(&values->timestamp, builder, (const char *)text, len, ret_why);
    case BYTES:
        return bytes_parse(values, builder, text, len, work, ret_why);
    default:
        return lt_text_parse(builder, (const char *)text, len, ret_why);
    }
}

static int word_format(const struct lt_csv_words *words, struct lt_buf *out)
{
    return lt_buf_append(out, words->words[0].text, words->words[0].len);
}

int lt_csv_value_format(const struct lt_csv_values *values, const struct lt_view *view, int64_t row,
                        struct lt_buf *work, struct lt_buf *out, const char **ret_why)
{
    size_t len;
    const uint8_t *data;
    int status;
    switch (form_of(&view->type)) {
    case NUMBER:
        lt_buf_clear(work);
        status = lt_text_format(view, row, work);
        return status ? status : number_format(values, work, out);
    case BOOL:
        return word_format(lt_view_bool(view, row) ? &values->yes : &values->no, out);
    case DATE:
        return lt_time_pattern_format(&values->date, view, row, out, ret_why);
    case TIME:
        return lt_time_pattern_format(&values->time, view, row, out, ret_why);
    case TIMESTAMP:
        return lt_time_pattern_format(&values->timestamp, view, row, out, ret_why);
    case BYTES:
        if (values->binary == LT_CSV_BINARY_BASE64) {
            data = lt_view_bytes(view, row, &len);
            return base64_format(data, len, out);
        }
        lt_buf_clear(work);
        status = lt_text_format(view, row, work);
        return status ? status : lt_buf_append(out, work->data + 2, work->len - 2);
    default:
        return lt_text_format(view, row, out);
    }
}
