/* Text to values.
 *
 * Reading is a little more generous than writing: blanks around anything but text, binary, json
 * and numeric; bool also as t/f, yes/no, y/n, on/off, 1/0 without regard to case; a leading + on
 * numbers; dates of any year with or without sign; T or a blank between date and time; zones as
 * Z, UTC, +hh, +hhmm, +hh:mm; a bare date as midnight of a zone-less timestamp; uuid without
 * hyphens or in braces. What it never does is drop a digit, a zone or a byte. */
#include "columnar/text_fast.h"
#include "columnar/text_parts.h"
#include "core/util.h"

#include <strings.h>

static int bool_parse(struct lt_builder *builder, const char *text, size_t len,
                      const char **ret_why)
{
    static const char *const words[][2] = {{"false", "true"}, {"f", "t"}, {"no", "yes"},
                                           {"n", "y"},        {"0", "1"}, {"off", "on"}};

    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        for (int value = 0; value < 2; value++) {
            if (len == strlen(words[i][value]) && !strncasecmp(text, words[i][value], len)) {
                return lt_builder_bool(builder, value);
            }
        }
    }
    return lt_refuse(ret_why, "not true or false");
}

/* The magnitude of an integer; false when it is none. *ret_fits says whether 64 bits hold it. */
static bool integer_scan(const char *text, size_t len, bool *ret_negative, uint64_t *ret_value,
                         bool *ret_fits)
{
    const char *at = text, *end = text + len;
    uint64_t value = 0;

    *ret_negative = false;
    *ret_fits = true;
    if (at < end && (*at == '+' || *at == '-')) {
        *ret_negative = *at++ == '-';
    }
    if (at == end) {
        return false;
    }
    for (; at < end; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (digit > 9) {
            return false;
        }
        if (value > (UINT64_MAX - digit) / 10) {
            *ret_fits = false;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

static const struct {
    uint64_t below, above; /* the greatest magnitudes on both sides of zero */
    const char *why;
} integer_limits[] = {
    [LT_INT8] = {128, INT8_MAX, "out of range for int8"},
    [LT_INT16] = {32768, INT16_MAX, "out of range for int16"},
    [LT_INT32] = {UINT64_C(2147483648), INT32_MAX, "out of range for int32"},
    [LT_INT64] = {UINT64_C(9223372036854775808), INT64_MAX, "out of range for int64"},
    [LT_UINT8] = {0, UINT8_MAX, "out of range for uint8"},
    [LT_UINT16] = {0, UINT16_MAX, "out of range for uint16"},
    [LT_UINT32] = {0, UINT32_MAX, "out of range for uint32"},
    [LT_UINT64] = {0, UINT64_MAX, "out of range for uint64"},
};

static int store_integer(struct lt_builder *builder, uint64_t bits)
{
    uint8_t narrow8 = (uint8_t)bits;
    uint16_t narrow16 = (uint16_t)bits;
    uint32_t narrow32 = (uint32_t)bits;

    switch (builder->type.id) {
    case LT_INT8:
    case LT_UINT8:
        return lt_builder_fixed(builder, &narrow8, 1);
    case LT_INT16:
    case LT_UINT16:
        return lt_builder_fixed(builder, &narrow16, 2);
    case LT_INT32:
    case LT_UINT32:
        return lt_builder_fixed(builder, &narrow32, 4);
    default:
        return lt_builder_fixed(builder, &bits, 8);
    }
}

static int integer_parse(struct lt_builder *builder, const char *text, size_t len,
                         const char **ret_why)
{
    enum lt_type_id id = builder->type.id;
    bool negative, fits;
    uint64_t value;

    if (!integer_scan(text, len, &negative, &value, &fits)) {
        return lt_refuse(ret_why, "not a whole number");
    }
    if (!fits || value > (negative ? integer_limits[id].below : integer_limits[id].above)) {
        return lt_refuse(ret_why, integer_limits[id].why);
    }
    return store_integer(builder, negative ? 0 - value : value);
}

static int float_parse(struct lt_builder *builder, const char *text, size_t len,
                       const char **ret_why)
{
    double value = 0;
    float single = 0;
    uint16_t half;
    int status;

    if (builder->type.id == LT_FLOAT32) {
        status = lt_float_parse(text, len, &single, ret_why);
        return status ? status : lt_builder_fixed(builder, &single, sizeof single);
    }
    status = lt_double_parse(text, len, &value, ret_why);
    if (status || builder->type.id == LT_FLOAT64) {
        return status ? status : lt_builder_f64(builder, value);
    }
    half = lt_half_of_double(value);
    if (((half & 0x7fff) == 0x7c00 && value - value == 0) || (!(half & 0x7fff) && value != 0)) {
        return lt_refuse(ret_why, "out of range for float16");
    }
    return lt_builder_fixed(builder, &half, sizeof half);
}

static int decimal_parse(struct lt_builder *builder, const char *text, size_t len,
                         const char **ret_why)
{
    static const int digits_max[] = {[LT_DECIMAL32] = 9,
                                     [LT_DECIMAL64] = 18,
                                     [LT_DECIMAL128] = LT_DECIMAL128_DIGITS,
                                     [LT_DECIMAL256] = LT_DECIMAL256_DIGITS};
    const struct lt_type *type = &builder->type;
    int precision = LT_MIN(type->precision, digits_max[type->id]), status;
    struct lt_number number;
    lt_int128 value;

    if (!lt_number_scan(text, len, &number)) {
        return lt_refuse(ret_why, "not a number");
    }
    if (type->id == LT_DECIMAL256) {
        struct lt_int256 wide;
        status = lt_decimal256_of_number(&number, precision, type->scale, &wide, ret_why);
        return status ? status : lt_builder_fixed(builder, &wide, sizeof wide);
    }
    status = lt_decimal_of_number(&number, precision, type->scale, &value, ret_why);
    if (status) {
        return status;
    }
    if (type->id == LT_DECIMAL32) {
        return lt_builder_i32(builder, (int32_t)value);
    }
    if (type->id == LT_DECIMAL64) {
        return lt_builder_i64(builder, (int64_t)value);
    }
    return lt_builder_fixed(builder, &value, sizeof value);
}

static int date_parse(struct lt_builder *builder, const char *text, size_t len,
                      const char **ret_why)
{
    int64_t days, ms;

    if (lt_date_parse(text, len, &days, ret_why)) {
        return LEAT_BAD_DATA;
    }
    if (builder->type.id == LT_DATE64) {
        if (__builtin_mul_overflow(days, INT64_C(86400000), &ms)) {
            return lt_refuse(ret_why, "out of range for a date");
        }
        return lt_builder_i64(builder, ms);
    }
    if (days < INT32_MIN || days > INT32_MAX) {
        return lt_refuse(ret_why, "out of range for a date");
    }
    return lt_builder_i32(builder, (int32_t)days);
}

static int time_parse(struct lt_builder *builder, const char *text, size_t len,
                      const char **ret_why)
{
    const struct lt_type *type = &builder->type;
    int64_t ticks;

    if (type->id == LT_TIMESTAMP) {
        if (lt_timestamp_parse(text, len, type->unit, *type->zone, &ticks, ret_why)) {
            return LEAT_BAD_DATA;
        }
        return lt_builder_i64(builder, ticks);
    }
    if (lt_time_parse(text, len, type->unit, &ticks, ret_why)) {
        return LEAT_BAD_DATA;
    }
    return type->id == LT_TIME32 ? lt_builder_i32(builder, (int32_t)ticks)
                                 : lt_builder_i64(builder, ticks);
}

/* A duration has no months, and its days have 24 hours. */
static int duration_parse(struct lt_builder *builder, const struct lt_interval *interval,
                          const char **ret_why)
{
    lt_int128 per_tick = lt_unit_ticks(LT_NANO) / lt_unit_ticks(builder->type.unit);
    lt_int128 nanos = interval->nanos + (lt_int128)interval->days * 86400 * lt_unit_ticks(LT_NANO);

    if (interval->months) {
        return lt_refuse(ret_why, "months have no fixed duration");
    }
    if (nanos % per_tick) {
        return lt_refuse(ret_why, "more fraction digits than the unit of its type");
    }
    nanos /= per_tick;
    if (nanos > INT64_MAX || nanos < INT64_MIN) {
        return lt_refuse(ret_why, "out of range for a duration");
    }
    return lt_builder_i64(builder, (int64_t)nanos);
}

static bool in_i32(lt_int128 value)
{
    return value >= INT32_MIN && value <= INT32_MAX;
}

static int interval_parse(struct lt_builder *builder, const char *text, size_t len,
                          const char **ret_why)
{
    struct {
        int32_t months, days;
        int64_t nanos;
    } month_day_nano;
    struct lt_interval v;
    int32_t day_time[2];

    if (lt_interval_parse(text, len, &v, ret_why)) {
        return LEAT_BAD_DATA;
    }
    switch (builder->type.id) {
    case LT_DURATION:
        return duration_parse(builder, &v, ret_why);
    case LT_INTERVAL_MONTHS:
        if (v.days || v.nanos || !in_i32(v.months)) {
            return lt_refuse(ret_why, "out of range for an interval of months");
        }
        return lt_builder_i32(builder, (int32_t)v.months);
    case LT_INTERVAL_DAY_TIME:
        if (v.months || !in_i32(v.days) || v.nanos % 1000000 || !in_i32(v.nanos / 1000000)) {
            return lt_refuse(ret_why, "out of range for an interval of days and milliseconds");
        }
        day_time[0] = (int32_t)v.days;
        day_time[1] = (int32_t)(v.nanos / 1000000);
        return lt_builder_fixed(builder, day_time, sizeof day_time);
    default:
        if (!in_i32(v.months) || !in_i32(v.days) || v.nanos > INT64_MAX || v.nanos < INT64_MIN) {
            return lt_refuse(ret_why, "out of range for an interval");
        }
        month_day_nano.months = (int32_t)v.months;
        month_day_nano.days = (int32_t)v.days;
        month_day_nano.nanos = (int64_t)v.nanos;
        return lt_builder_fixed(builder, &month_day_nano, sizeof month_day_nano);
    }
}

/* --- text and bytes ------------------------------------------------------------------------ */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes pairs of hex digits; false at anything else. */
static bool hex_decode(const char *text, size_t n_bytes, uint8_t *out)
{
    size_t i = 0;
    for (; i + 4 <= n_bytes; i += 4) {
        if (!lt_fast_hex4((const uint8_t *)text + 2 * i, out + i)) {
            return false;
        }
    }
    for (; i < n_bytes; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int uuid_parse(struct lt_builder *builder, const char *text, size_t len,
                      const char **ret_why)
{
    uint8_t bytes[16];
    char digits[32];

    if (len > 2 && text[0] == '{' && text[len - 1] == '}') {
        text++;
        len -= 2;
    }
    /* Without its hyphens it is decoded four bytes at a time. */
    if (len == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-') {
        memcpy(digits, text, 8);
        memcpy(digits + 8, text + 9, 4);
        memcpy(digits + 12, text + 14, 4);
        memcpy(digits + 16, text + 19, 4);
        memcpy(digits + 20, text + 24, 12);
        text = digits;
        len = sizeof digits;
    }
    return len == sizeof digits && hex_decode(text, sizeof bytes, bytes)
               ? lt_builder_fixed(builder, bytes, sizeof bytes)
               : lt_refuse(ret_why, "not a uuid");
}

/* Decodes straight into the builder, behind its last value. */
static int binary_parse(struct lt_builder *builder, const char *text, size_t len,
                        const char **ret_why)
{
    bool fixed = builder->type.id == LT_FIXED_BINARY;
    struct lt_buf *data = &builder->data;
    size_t before = data->len, n_bytes;
    int status;

    if (len < 2 || len % 2 || text[0] != '\\' || (text[1] != 'x' && text[1] != 'X')) {
        return lt_refuse(ret_why, "not \\x and pairs of hex digits");
    }
    n_bytes = len / 2 - 1;
    if (fixed && n_bytes != (size_t)builder->type.width) {
        return lt_refuse(ret_why, "not as many bytes as its type has");
    }
    if (lt_buf_reserve(data, n_bytes)) {
        return LEAT_NO_MEMORY;
    }
    if (!hex_decode(text + 2, n_bytes, data->data + data->len)) {
        data->data[before] = 0;
        return lt_refuse(ret_why, "not \\x and pairs of hex digits");
    }
    data->len += n_bytes;
    data->data[data->len] = 0;
    status = fixed ? lt_builder_valid(builder) : lt_builder_end_value(builder);
    if (status) {
        data->len = before;
    }
    return status;
}

static int utf8_parse(struct lt_builder *builder, const char *text, size_t len,
                      const char **ret_why)
{
    struct lt_number number;
    const char *why;

    if (builder->type.logical == LT_NUMERIC) {
        if (!lt_number_scan(text, len, &number)) {
            return lt_refuse(ret_why, "not a number");
        }
    } else if (builder->type.logical == LT_JSON) {
        why = lt_json_why_invalid(text, len);
        if (why) {
            return lt_refuse(ret_why, why);
        }
    } else if (lt_utf8_valid_prefix(text, len) != len) {
        return lt_refuse(ret_why, "not valid UTF-8");
    }
    return lt_builder_bytes_value(builder, text, len);
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int lt_text_parse(struct lt_builder *builder, const char *text, size_t len, const char **ret_why)
{
    enum lt_type_id id = builder->type.id;

    if (lt_type_is_text(id)) {
        return utf8_parse(builder, text, len, ret_why);
    }
    while (len && is_blank(text[0])) {
        text++;
        len--;
    }
    while (len && is_blank(text[len - 1])) {
        len--;
    }
    if (lt_type_is_integer(id)) {
        return integer_parse(builder, text, len, ret_why);
    }
    switch (id) {
    case LT_NULL:
        return lt_refuse(ret_why, "a column of nulls holds no value");
    case LT_BOOL:
        return bool_parse(builder, text, len, ret_why);
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
        return float_parse(builder, text, len, ret_why);
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        return decimal_parse(builder, text, len, ret_why);
    case LT_FIXED_BINARY:
        if (builder->type.logical == LT_UUID && builder->type.width == 16) {
            return uuid_parse(builder, text, len, ret_why);
        }
        return binary_parse(builder, text, len, ret_why);
    case LT_BINARY:
    case LT_LARGE_BINARY:
        return binary_parse(builder, text, len, ret_why);
    case LT_DATE32:
    case LT_DATE64:
        return date_parse(builder, text, len, ret_why);
    case LT_TIME32:
    case LT_TIME64:
    case LT_TIMESTAMP:
        return time_parse(builder, text, len, ret_why);
    case LT_DURATION:
    case LT_INTERVAL_MONTHS:
    case LT_INTERVAL_DAY_TIME:
    case LT_INTERVAL:
        return interval_parse(builder, text, len, ret_why);
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
    case LT_STRUCT:
    case LT_MAP:
        return lt_text_parse_nested(builder, text, len, ret_why);
    default:
        return lt_refuse(ret_why, "no text is read into this type");
    }
}
