/* One value of SQLite into one column of a batch.
 *
 * SQLite types values, not columns: every value says what it is, and a column's type is a promise
 * that is checked here, value by value. Numbers and texts are converted only where nothing is
 * lost; what does not fit is a misfit, told with its code and never with its data. */
#include "connectors/sqlite/internal.h"

#include "columnar/text_fast.h"
#include "columnar/text_parts.h"
#include "core/util.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

#include "core/banned.h"

#define DATE_LEN 10 /* YYYY-MM-DD */

enum sq_decoder lt_sq_decoder_of(const struct lt_type *type)
{
    if (type->logical == LT_JSON) {
        return SQ_READ_JSON;
    }
    if (type->logical == LT_UUID) {
        return SQ_READ_UUID;
    }
    if (type->logical == LT_NUMERIC) {
        return SQ_READ_NUMERIC;
    }
    switch (type->id) {
    case LT_INT64:
        return SQ_READ_INT64;
    case LT_INT8:
    case LT_INT16:
    case LT_INT32:
    case LT_UINT8:
    case LT_UINT16:
    case LT_UINT32:
    case LT_UINT64:
        return SQ_READ_INTEGER;
    case LT_BOOL:
        return SQ_READ_BOOL;
    case LT_FLOAT64:
        return SQ_READ_FLOAT64;
    case LT_FLOAT32:
        return SQ_READ_FLOAT32;
    case LT_FLOAT16:
        return SQ_READ_FLOAT16;
    case LT_UTF8:
    case LT_LARGE_UTF8:
        return SQ_READ_TEXT;
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_FIXED_BINARY:
        return SQ_READ_BINARY;
    case LT_DECIMAL128:
        return SQ_READ_DECIMAL;
    case LT_DATE32:
    case LT_DATE64:
        return SQ_READ_DATE;
    case LT_TIMESTAMP:
        return SQ_READ_TIMESTAMP;
    default:
        return SQ_READ_PARSED;
    }
}

static int misfit_range(struct sq_misfit *misfit, const char *why)
{
    *misfit = (struct sq_misfit){LT_E_VALUE_RANGE, why};
    return LEAT_BAD_DATA;
}

static int misfit_syntax(struct sq_misfit *misfit, const char *why)
{
    *misfit = (struct sq_misfit){LT_E_VALUE_SYNTAX, why};
    return LEAT_BAD_DATA;
}

static int from_text(struct lt_builder *builder, const char *text, size_t len,
                     struct sq_misfit *misfit)
{
    const char *why = "unreadable";
    int status = lt_text_parse(builder, text, len, &why);
    return status == LEAT_BAD_DATA ? misfit_syntax(misfit, why) : status;
}

/* A whole number given as integer; whether `value` is one and fits. */
static bool is_whole(double value, int64_t *ret_integer)
{
    if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0) ||
        value != floor(value)) {
        return false;
    }
    *ret_integer = (int64_t)value;
    return true;
}

/* Integers whose double is another number are far beyond what a half can be. */
static int half_value(struct lt_builder *builder, double value, struct sq_misfit *misfit)
{
    uint16_t half = lt_half_of_double(value);
    return lt_half_to_double(half) == value ? lt_builder_fixed(builder, &half, sizeof half)
                                            : misfit_range(misfit, "a number no float16 equals");
}

/* --- numbers that are moments -------------------------------------------------------------- */

#define DAY_US INT64_C(86400000000)
#define DAY_MS 86400000.0
#define JULIAN_1970_MS INT64_C(210866760000000) /* of the Julian day at 1970-01-01 00:00 */
#define JULIAN_END 5373484.5                    /* SQLite's own end: the year 10000 */
#define REAL_US_MAX 9.0e18

/* Microseconds since 1970. A fraction is rounded to what its unit is kept in: microseconds, and
 * milliseconds for Julian days, as SQLite does. False: out of range. */
static bool micros_of_real(enum sq_numbers numbers, double value, int64_t *ret_us)
{
    if (numbers == SQ_NUMBERS_JULIAN) {
        *ret_us = value >= 0 && value < JULIAN_END
                      ? (llround(value * DAY_MS) - JULIAN_1970_MS) * 1000
                      : 0;
        return value >= 0 && value < JULIAN_END;
    }
    double us = value * (numbers == SQ_NUMBERS_UNIX ? 1e6 : 1e3);
    bool fits = us > -REAL_US_MAX && us < REAL_US_MAX;
    *ret_us = fits ? llround(us) : 0;
    return fits;
}

static bool micros_of_integer(enum sq_numbers numbers, int64_t value, int64_t *ret_us)
{
    if (numbers == SQ_NUMBERS_JULIAN) {
        return micros_of_real(numbers, (double)value, ret_us);
    }
    return !__builtin_mul_overflow(value, numbers == SQ_NUMBERS_UNIX ? 1000000 : 1000, ret_us);
}

static int put_moment(enum sq_decoder decoder, struct lt_builder *builder, int64_t us,
                      struct sq_misfit *misfit)
{
    static const int64_t unit_us[] = {[LT_SECOND] = 1000000, [LT_MILLI] = 1000, [LT_MICRO] = 1};
    int64_t value;
    if (decoder == SQ_READ_DATE) {
        if (us % DAY_US) {
            return misfit_range(misfit, "a number that is a time of day too");
        }
        value = builder->type.id == LT_DATE64 ? us / 1000 : us / DAY_US;
    } else if (builder->type.unit == LT_NANO) {
        if (__builtin_mul_overflow(us, 1000, &value)) {
            return misfit_range(misfit, "out of the type's range");
        }
    } else if (us % unit_us[builder->type.unit]) {
        return misfit_range(misfit, "a fraction the type does not keep");
    } else {
        value = us / unit_us[builder->type.unit];
    }
    int status = lt_builder_integer(builder, value);
    return status == LEAT_BAD_DATA ? misfit_range(misfit, "out of the type's range") : status;
}

static bool is_moment(struct sq_reading reading)
{
    return reading.decoder == SQ_READ_DATE || reading.decoder == SQ_READ_TIMESTAMP;
}

static int moment_of_integer(struct sq_reading reading, struct lt_builder *builder, int64_t value,
                             struct sq_misfit *misfit)
{
    int64_t us;
    if (reading.numbers == SQ_NUMBERS_REFUSED) {
        return misfit_syntax(misfit, "a number, and nothing says what it counts");
    }
    return micros_of_integer(reading.numbers, value, &us)
               ? put_moment(reading.decoder, builder, us, misfit)
               : misfit_range(misfit, "out of the type's range");
}

static int moment_of_real(struct sq_reading reading, struct lt_builder *builder, double value,
                          struct sq_misfit *misfit)
{
    int64_t us;
    if (reading.numbers == SQ_NUMBERS_REFUSED) {
        return misfit_syntax(misfit, "a number, and nothing says what it counts");
    }
    return micros_of_real(reading.numbers, value, &us)
               ? put_moment(reading.decoder, builder, us, misfit)
               : misfit_range(misfit, "out of the type's range");
}

/* --- values by what SQLite says they are --------------------------------------------------- */

static int integer_value(enum sq_decoder decoder, struct lt_builder *builder, int64_t value,
                         struct sq_misfit *misfit)
{
    char text[24];
    int status;
    switch (decoder) {
    case SQ_READ_INT64:
        return lt_builder_i64(builder, value);
    case SQ_READ_INTEGER:
        status = lt_builder_integer(builder, value);
        return status == LEAT_BAD_DATA ? misfit_range(misfit, "out of the type's range") : status;
    case SQ_READ_BOOL:
        return value == 0 || value == 1 ? lt_builder_bool(builder, value != 0)
                                        : misfit_range(misfit, "neither 0 nor 1");
    case SQ_READ_FLOAT64: {
        double real = (double)value;
        int64_t back;
        return is_whole(real, &back) && back == value
                   ? lt_builder_f64(builder, real)
                   : misfit_range(misfit, "an integer that no float64 equals");
    }
    case SQ_READ_FLOAT32: {
        float real = (float)value;
        int64_t back;
        return is_whole((double)real, &back) && back == value
                   ? lt_builder_fixed(builder, &real, sizeof real)
                   : misfit_range(misfit, "an integer that no float32 equals");
    }
    case SQ_READ_FLOAT16:
        return half_value(builder, (double)value, misfit);
    case SQ_READ_TEXT:
    case SQ_READ_JSON:
    case SQ_READ_NUMERIC:
        return lt_builder_bytes_value(
            builder, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)value));
    case SQ_READ_DECIMAL:
    case SQ_READ_PARSED:
        return from_text(builder, text,
                         (size_t)snprintf(text, sizeof text, "%lld", (long long)value), misfit);
    default:
        return misfit_syntax(misfit, "an integer");
    }
}

static int real_value(enum sq_decoder decoder, struct lt_builder *builder, double value,
                      struct sq_misfit *misfit)
{
    char text[32];
    int64_t whole;
    float single = (float)value;
    switch (decoder) {
    case SQ_READ_FLOAT64:
        return lt_builder_f64(builder, value);
    case SQ_READ_FLOAT32:
        return (double)single == value ? lt_builder_fixed(builder, &single, sizeof single)
                                       : misfit_range(misfit, "a real that no float32 equals");
    case SQ_READ_FLOAT16:
        return half_value(builder, value, misfit);
    case SQ_READ_INT64:
    case SQ_READ_INTEGER:
    case SQ_READ_BOOL:
        return is_whole(value, &whole)
                   ? integer_value(decoder, builder, whole, misfit)
                   : misfit_range(misfit, "a real that is not whole, or too great");
    case SQ_READ_TEXT:
    case SQ_READ_NUMERIC:
        return lt_builder_bytes_value(builder, text, (size_t)lt_double_format(value, text));
    case SQ_READ_JSON:
        return isfinite(value)
                   ? lt_builder_bytes_value(builder, text, (size_t)lt_double_format(value, text))
                   : misfit_range(misfit, "infinity, which JSON cannot say");
    case SQ_READ_DECIMAL:
    case SQ_READ_PARSED:
        return from_text(builder, text, (size_t)lt_double_format(value, text), misfit);
    default:
        return misfit_syntax(misfit, "a real");
    }
}

/* True for the texts that numeric columns hold: a decimal number, NaN, Infinity, -Infinity. */
static bool is_numeric_text(const char *text, size_t len)
{
    size_t at = len && (text[0] == '-' || text[0] == '+'), digits = 0;
    if ((len == 3 && !memcmp(text, "NaN", 3)) ||
        (len - at == 8 && !memcmp(text + at, "Infinity", 8))) {
        return true;
    }
    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
        digits++;
    }
    if (at < len && text[at] == '.') {
        for (at++; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
            digits++;
        }
    }
    if (digits && at < len && (text[at] == 'e' || text[at] == 'E')) {
        at += 1 + (at + 1 < len && (text[at + 1] == '-' || text[at + 1] == '+'));
        for (digits = 0; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
            digits++;
        }
    }
    return digits && at == len;
}

/* True when the text ends in a midnight after its date: " 00:00", "T00:00:00.000". */
static bool is_midnight(const char *tail, size_t len)
{
    if (len < 6 || (tail[0] != ' ' && tail[0] != 'T') || memcmp(tail + 1, "00:00", 5) != 0) {
        return false;
    }
    if (len == 6) {
        return true;
    }
    if (len < 9 || memcmp(tail + 6, ":00", 3) != 0) {
        return false;
    }
    return len == 9 || (tail[9] == '.' && len > 10 && strspn(tail + 10, "0") == len - 10);
}

static int moment_value(enum sq_decoder decoder, struct lt_builder *builder, const char *text,
                        size_t len, struct sq_misfit *misfit)
{
    if (decoder == SQ_READ_DATE && len > DATE_LEN && is_midnight(text + DATE_LEN, len - DATE_LEN)) {
        return from_text(builder, text, DATE_LEN, misfit);
    }
    if (decoder == SQ_READ_TIMESTAMP && len == DATE_LEN) {
        char whole[DATE_LEN + 10];
        memcpy(whole, text, DATE_LEN);
        memcpy(whole + DATE_LEN, " 00:00:00Z", 10);
        bool zoned = builder->type.zone && *builder->type.zone;
        return from_text(builder, whole, sizeof whole - !zoned, misfit);
    }
    return from_text(builder, text, len, misfit);
}

/* The usual form of a date or time; false: it is for moment_value(). */
static bool usual_moment(enum sq_decoder decoder, struct lt_builder *builder, const char *text,
                         size_t len, int *ret_status)
{
    const uint8_t *bytes = (const uint8_t *)text;
    int64_t value;
    if (decoder == SQ_READ_DATE) {
        if (builder->type.id != LT_DATE32 || !lt_fast_date(bytes, len, &value)) {
            return false;
        }
        *ret_status = lt_builder_i32(builder, (int32_t)value);
        return true;
    }
    if (builder->type.unit != LT_MICRO ||
        !lt_fast_timestamp(bytes, len, *builder->type.zone, &value)) {
        return false;
    }
    *ret_status = lt_builder_i64(builder, value);
    return true;
}

/* The same of decimals and uuids; false: it is for the text parser. */
static bool usual_text(enum sq_decoder decoder, struct lt_builder *builder, const char *text,
                       size_t len, int *ret_status)
{
    const uint8_t *bytes = (const uint8_t *)text;
    uint8_t uuid[16];
    lt_int128 wide;
    int64_t value;
    if (decoder == SQ_READ_DECIMAL) {
        if (!lt_fast_decimal(bytes, len, builder->type.precision, builder->type.scale, &value)) {
            return false;
        }
        wide = value;
        *ret_status = lt_builder_fixed(builder, &wide, sizeof wide);
        return true;
    }
    if (decoder != SQ_READ_UUID || !lt_fast_uuid(bytes, len, uuid)) {
        return false;
    }
    *ret_status = lt_builder_fixed(builder, uuid, sizeof uuid);
    return true;
}

static int text_value(enum sq_decoder decoder, struct lt_builder *builder, const char *text,
                      size_t len, struct sq_misfit *misfit)
{
    int status;
    switch (decoder) {
    case SQ_READ_TEXT:
    case SQ_READ_JSON:
        if (lt_utf8_valid_prefix(text, len) != len) {
            *misfit = (struct sq_misfit){LT_E_INVALID_UTF8, "text that is not UTF-8"};
            return LEAT_BAD_DATA;
        }
        return lt_builder_bytes_value(builder, text, len);
    case SQ_READ_NUMERIC:
        return is_numeric_text(text, len) ? lt_builder_bytes_value(builder, text, len)
                                          : misfit_syntax(misfit, "not a number");
    case SQ_READ_BINARY:
        return misfit_syntax(misfit, "a text, not a blob");
    case SQ_READ_DATE:
    case SQ_READ_TIMESTAMP:
        return usual_moment(decoder, builder, text, len, &status)
                   ? status
                   : moment_value(decoder, builder, text, len, misfit);
    default:
        return usual_text(decoder, builder, text, len, &status)
                   ? status
                   : from_text(builder, text, len, misfit);
    }
}

static int blob_value(enum sq_decoder decoder, struct lt_builder *builder, const void *data,
                      size_t len, struct sq_misfit *misfit)
{
    if (decoder == SQ_READ_BINARY && builder->type.id != LT_FIXED_BINARY) {
        return lt_builder_bytes_value(builder, data, len);
    }
    if (decoder == SQ_READ_BINARY || decoder == SQ_READ_UUID) {
        return len == (size_t)builder->type.width
                   ? lt_builder_fixed(builder, data, len)
                   : misfit_range(misfit, "a blob of another length");
    }
    return misfit_syntax(misfit, "a blob");
}

int lt_sq_decode_value(const struct lt_sqlite *api, sqlite3_value *value, struct sq_reading reading,
                       struct lt_builder *builder, int64_t *bytes, struct sq_misfit *misfit)
{
    enum sq_decoder decoder = reading.decoder;
    const void *data;
    int64_t integer;
    double real;
    size_t len;
    switch (api->sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        integer = api->sqlite3_value_int64(value);
        return is_moment(reading) ? moment_of_integer(reading, builder, integer, misfit)
                                  : integer_value(decoder, builder, integer, misfit);
    case SQLITE_FLOAT:
        real = api->sqlite3_value_double(value);
        return is_moment(reading) ? moment_of_real(reading, builder, real, misfit)
                                  : real_value(decoder, builder, real, misfit);
    case SQLITE_TEXT:
        data = api->sqlite3_value_text(value);
        len = (size_t)api->sqlite3_value_bytes(value);
        *bytes += (int64_t)len;
        return data ? text_value(decoder, builder, data, len, misfit) : LEAT_NO_MEMORY;
    case SQLITE_BLOB:
        data = api->sqlite3_value_blob(value);
        len = (size_t)api->sqlite3_value_bytes(value);
        *bytes += (int64_t)len;
        /* An empty blob has no address. */
        return blob_value(decoder, builder, data ? data : "", len, misfit);
    default:
        return lt_builder_null(builder);
    }
}
