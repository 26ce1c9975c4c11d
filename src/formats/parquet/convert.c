/* Stored values to Arrow's, for types that are not stored as Arrow has them. */
#include "columnar/builder.h"
#include "core/codes.h"
#include "core/util.h"
#include "formats/parquet/values.h"

#include "core/banned.h"

#define UNIX_EPOCH_JULIAN 2440588 /* 1970-01-01 as INT96 counts days */
#define NANOS_OF_DAY INT64_C(86400000000000)

static int out_of_range(struct leat_error *err, const char *what)
{
    int status = lt_fail(err, LT_E_VALUE_RANGE, "%s", what);
    leat_error_remedy(err, "write the file again with a wider type, or leave the column out with "
                           "--columns");
    return status;
}

/* --- whole numbers ------------------------------------------------------------------------------ */

#define NARROW(name, type, wide)                                                                   \
    static int name(const struct lt_pq_convert *convert, const uint8_t *from, int64_t n,           \
                    uint8_t *to, struct leat_error *err)                                           \
    {                                                                                              \
        bool fits = true;                                                                          \
        (void)convert;                                                                             \
        for (int64_t i = 0; i < n; i++) {                                                          \
            wide value;                                                                            \
            memcpy(&value, from + i * (int64_t)sizeof value, sizeof value);                        \
            type narrow = (type)value;                                                             \
            fits &= (wide)narrow == value;                                                         \
            memcpy(to + i * (int64_t)sizeof narrow, &narrow, sizeof narrow);                       \
        }                                                                                          \
        return fits ? LEAT_OK : out_of_range(err, "a number past the column's integer type");      \
    }

NARROW(to_int8, int8_t, int32_t)
NARROW(to_int16, int16_t, int32_t)
NARROW(to_uint8, uint8_t, int32_t)
NARROW(to_uint16, uint16_t, int32_t)

/* Decimals stored as numbers: `words` is how many 64-bit words they take in Arrow. */
#define WIDEN(name, stored, words)                                                                 \
    static int name(const struct lt_pq_convert *convert, const uint8_t *from, int64_t n,           \
                    uint8_t *to, struct leat_error *err)                                           \
    {                                                                                              \
        (void)convert, (void)err;                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                          \
            stored value;                                                                          \
            memcpy(&value, from + i * (int64_t)sizeof value, sizeof value);                        \
            int64_t wide[words];                                                                   \
            for (int w = 0; w < (words); w++) {                                                    \
                wide[w] = w ? -(int64_t)(value < 0) : value;                                       \
            }                                                                                      \
            memcpy(to + i * (int64_t)sizeof wide, wide, sizeof wide);                              \
        }                                                                                          \
        return LEAT_OK;                                                                            \
    }

WIDEN(to_64_of_32, int32_t, 1)
WIDEN(to_128_of_32, int32_t, 2)
WIDEN(to_256_of_32, int32_t, 4)
WIDEN(to_128_of_64, int64_t, 2)
WIDEN(to_256_of_64, int64_t, 4)
NARROW(to_32_of_64, int32_t, int64_t)

/* --- big-endian decimals ------------------------------------------------------------------------- */

int lt_pq_convert_number(const uint8_t *from, int64_t len, uint8_t *to, int32_t width,
                         struct leat_error *err)
{
    uint8_t sign = len && from[0] & 0x80 ? 0xff : 0;
    /* Bytes beyond the width must say nothing but the sign. */
    for (; len > width; len--, from++) {
        if (from[0] != sign || ((from[1] ^ sign) & 0x80)) {
            return out_of_range(err, "a decimal past the digits of its column");
        }
    }
    for (int32_t i = 0; i < width; i++) {
        to[i] = i < len ? from[len - 1 - i] : sign;
    }
    return LEAT_OK;
}

/* The usual case: up to 16 bytes into 16. */
static int to_128_of_bytes(const struct lt_pq_convert *convert, const uint8_t *from, int64_t n,
                           uint8_t *to, struct leat_error *err)
{
    int32_t len = convert->from_width;
    (void)err;
    for (int64_t i = 0; i < n; i++, from += len, to += 16) {
        unsigned __int128 value = from[0] & 0x80 ? ~(unsigned __int128)0 : 0;
        for (int32_t b = 0; b < len; b++) {
            value = value << 8 | from[b];
        }
        memcpy(to, &value, 16);
    }
    return LEAT_OK;
}

static int to_any_of_bytes(const struct lt_pq_convert *convert, const uint8_t *from, int64_t n,
                           uint8_t *to, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < n && !status; i++) {
        status = lt_pq_convert_number(from + i * convert->from_width, convert->from_width,
                                      to + i * convert->width, convert->width, err);
    }
    return status;
}

/* --- times -------------------------------------------------------------------------------------- */

/* Nanoseconds of the day, then the day, both with a sign. */
static void int96_parts(const uint8_t *from, int64_t *ret_nanos, int64_t *ret_days)
{
    int32_t day;
    memcpy(ret_nanos, from, 8);
    memcpy(&day, from + 8, 4);
    *ret_days = (int64_t)day - UNIX_EPOCH_JULIAN;
}

static int int96_to_nanos(const struct lt_pq_convert *convert, const uint8_t *from, int64_t n,
                          uint8_t *to, struct leat_error *err)
{
    bool overflow = false;
    (void)convert;
    for (int64_t i = 0; i < n; i++) {
        int64_t nanos, days, value;
        int96_parts(from + i * 12, &nanos, &days);
        overflow |= __builtin_mul_overflow(days, NANOS_OF_DAY, &value);
        overflow |= __builtin_add_overflow(value, nanos, &value);
        memcpy(to + i * 8, &value, 8);
    }
    if (!overflow) {
        return LEAT_OK;
    }
    int status = out_of_range(err, "a timestamp outside the years 1677 to 2262, which are all that "
                                   "nanoseconds can count");
    leat_error_remedy(err, "--int96-unit us reads the file's INT96 timestamps as microseconds");
    return status;
}

/* Spark's timestamps are microseconds in 64 bits. Where its arithmetic wrapped around, the time of
 * day is none, and the same arithmetic gives back what was written; with a true time of day the
 * value is what it says, and must fit. */
static bool to_micros(int64_t days, int64_t nanos, int64_t *ret_micros)
{
    uint64_t wrapped = (uint64_t)days * (uint64_t)(NANOS_OF_DAY / 1000) + (uint64_t)(nanos / 1000);
    memcpy(ret_micros, &wrapped, sizeof wrapped);
    int64_t exact;
    return nanos < 0 || nanos >= NANOS_OF_DAY ||
           (!__builtin_mul_overflow(days, NANOS_OF_DAY / 1000, &exact) &&
            !__builtin_add_overflow(exact, nanos / 1000, &exact));
}

static int int96_to_micros(const struct lt_pq_convert *convert, const uint8_t *from, int64_t n,
                           uint8_t *to, struct leat_error *err)
{
    bool inexact = false, overflow = false;
    (void)convert;
    for (int64_t i = 0; i < n; i++) {
        int64_t nanos, days, value;
        int96_parts(from + i * 12, &nanos, &days);
        inexact |= nanos % 1000 != 0;
        overflow |= !to_micros(days, nanos, &value);
        memcpy(to + i * 8, &value, 8);
    }
    if (overflow) {
        return out_of_range(err, "a timestamp past the year 294,246, which is as far as "
                                 "microseconds count");
    }
    if (!inexact) {
        return LEAT_OK;
    }
    int status = out_of_range(err, "a timestamp with parts of a microsecond");
    leat_error_remedy(err, "--int96-unit ns keeps them");
    return status;
}

/* Months, days, milliseconds: unsigned 32-bit numbers each. Arrow's are signed, and nanoseconds. */
static int to_interval(const struct lt_pq_convert *convert, const uint8_t *from, int64_t n,
                       uint8_t *to, struct leat_error *err)
{
    bool fits = true;
    (void)convert;
    for (int64_t i = 0; i < n; i++) {
        uint32_t parts[3];
        memcpy(parts, from + i * 12, 12);
        int64_t nanos = (int64_t)parts[2] * 1000000;
        fits &= parts[0] <= INT32_MAX && parts[1] <= INT32_MAX;
        memcpy(to + i * 16, parts, 8);
        memcpy(to + i * 16 + 8, &nanos, 8);
    }
    return fits ? LEAT_OK : out_of_range(err, "an interval of more than 2147483647 months or days");
}

/* --- choosing ------------------------------------------------------------------------------------ */

static bool is_decimal(enum lt_type_id id)
{
    return id >= LT_DECIMAL32 && id <= LT_DECIMAL256;
}

static lt_pq_convert_fn *decimal_fn(const struct lt_pq_convert *convert, enum lt_pq_type type)
{
    static const struct {
        enum lt_pq_type type;
        int32_t width;
        lt_pq_convert_fn *fn;
    } rows[] = {
        {LT_PQ_INT32, 8, to_64_of_32},   {LT_PQ_INT32, 16, to_128_of_32},
        {LT_PQ_INT32, 32, to_256_of_32}, {LT_PQ_INT64, 4, to_32_of_64},
        {LT_PQ_INT64, 16, to_128_of_64}, {LT_PQ_INT64, 32, to_256_of_64},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        if (rows[i].type == type && rows[i].width == convert->width) {
            return rows[i].fn;
        }
    }
    if (type == LT_PQ_FLBA) {
        return convert->width == 16 && convert->from_width <= 16 ? to_128_of_bytes
                                                                 : to_any_of_bytes;
    }
    return NULL;
}

static lt_pq_convert_fn *fixed_fn(const struct lt_pq_convert *convert, enum lt_pq_type type,
                                  const struct lt_type *to)
{
    if (is_decimal(to->id)) {
        return decimal_fn(convert, type);
    }
    switch (to->id) {
    case LT_INT8:
        return to_int8;
    case LT_INT16:
        return to_int16;
    case LT_UINT8:
        return to_uint8;
    case LT_UINT16:
        return to_uint16;
    case LT_INTERVAL:
        return to_interval;
    case LT_TIMESTAMP:
        return type != LT_PQ_INT96 ? NULL : to->unit == LT_NANO ? int96_to_nanos : int96_to_micros;
    default:
        return NULL;
    }
}

int lt_pq_convert_init(struct lt_pq_convert *convert, enum lt_pq_type type, int32_t type_length,
                       const struct ArrowSchema *field, struct leat_error *err)
{
    static const int32_t widths[] = {
        [LT_PQ_BOOLEAN] = 0, [LT_PQ_INT32] = 4,  [LT_PQ_INT64] = 8,      [LT_PQ_INT96] = 12,
        [LT_PQ_FLOAT] = 4,   [LT_PQ_DOUBLE] = 8, [LT_PQ_BYTE_ARRAY] = 0, [LT_PQ_FLBA] = 0};
    struct lt_type to;
    int status = lt_type_of(field, &to, err);
    if (status) {
        return status;
    }
    *convert = (struct lt_pq_convert){.layout = LT_PQ_FIXED, .width = to.width};
    convert->from_width = type == LT_PQ_FLBA ? type_length : widths[type];
    if (to.id == LT_NULL) {
        convert->layout = LT_PQ_NO_VALUES;
        return LEAT_OK;
    }
    if (type == LT_PQ_BOOLEAN && to.id == LT_BOOL) {
        convert->layout = LT_PQ_BITS;
        return LEAT_OK;
    }
    if (type == LT_PQ_BYTE_ARRAY && lt_type_is_varlen(to.id)) {
        convert->layout = LT_PQ_BYTES;
        convert->text = lt_type_is_text(to.id);
        convert->width = to.id == LT_LARGE_UTF8 || to.id == LT_LARGE_BINARY ? 8 : 4;
        return LEAT_OK;
    }
    if (type == LT_PQ_BYTE_ARRAY && is_decimal(to.id)) {
        convert->from_bytes = true;
        return LEAT_OK;
    }
    convert->fn = fixed_fn(convert, type, &to);
    if (!convert->fn && (convert->from_width != convert->width || convert->from_width < 1)) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s is not read as its column's type",
                       lt_pq_type_name(type));
    }
    return LEAT_OK;
}
