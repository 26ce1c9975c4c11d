/* Pieces shared by the files that turn values into text and back: numbers, calendar, JSON. */
#ifndef LT_TEXT_PARTS_H
#define LT_TEXT_PARTS_H

#include "columnar/text.h"

/* --- numbers (number.c) -------------------------------------------------------------------- */

/* A number as it was written, taken apart but not computed. */
enum lt_number_kind { LT_NUMBER_FINITE, LT_NUMBER_NAN, LT_NUMBER_INFINITE };

struct lt_number {
    enum lt_number_kind kind;
    bool negative;
    /* Significant digits with zeros stripped at both ends: the value is 0.d1d2d3... shifted,
     * that is the digits as an integer times 10^exponent. n_digits 0 means zero. */
    const char *digits; /* may have a '.' among them, to be skipped */
    size_t n_digits;    /* the '.' not counted */
    int64_t exponent;   /* within +-LT_NUMBER_EXPONENT_MAX when n_digits is not 0 */
};

#define LT_NUMBER_EXPONENT_MAX INT64_C(1000000000000)

/* Reads all of `text`: [+-] digits [. digits] [e [+-] digits], NaN, [+-] inf or infinity, without
 * regard to case. Returns false when it is none of these. */
bool lt_number_scan(const char *text, size_t len, struct lt_number *ret_number);
/* Two finite ones of the same digits at the same place; their signs are not looked at. */
bool lt_number_same_digits(const struct lt_number *a, const struct lt_number *b);

/* The double or float next to the text. LEAT_BAD_DATA when it is no number, or a finite one that
 * would become infinite or a non-zero one that would become zero. */
int lt_double_parse(const char *text, size_t len, double *ret_value, const char **ret_why);
int lt_float_parse(const char *text, size_t len, float *ret_value, const char **ret_why);

/* Half precision, as its bits. Rounds to the nearest even. */
double lt_half_to_double(uint16_t half);
uint16_t lt_half_of_double(double value);
int lt_half_format(uint16_t half, char text[32]);

/* Decimal digits of an unsigned number, without NUL; returns how many (at most 20). */
int lt_u64_digits(uint64_t value, char text[20]);

/* --- JSON (checksum_json.c) ---------------------------------------------------------------- */

/* Equal for texts of one meaning, whatever their blanks, escapes and order of members. What is no
 * JSON hashes as it is. */
uint64_t lt_json_hash(const char *text, size_t len, struct lt_buf *scratch);

/* --- decimals (decimal.c) ------------------------------------------------------------------ */

#define LT_DECIMAL128_DIGITS 38
#define LT_DECIMAL256_DIGITS 76

/* 256-bit two's complement, limbs from the least significant on, as Arrow stores them. */
struct lt_int256 {
    uint64_t limbs[4];
};

/* A scanned number as integer scaled by 10^scale, as lt_decimal_parse(). */
int lt_decimal_of_number(const struct lt_number *number, int precision, int scale,
                         lt_int128 *ret_value, const char **ret_why);
int lt_decimal256_of_number(const struct lt_number *number, int precision, int scale,
                            struct lt_int256 *ret_value, const char **ret_why);
int lt_decimal256_format(const struct lt_int256 *value, int scale, struct lt_buf *out);

/* Plain decimal digits of the magnitude; returns how many. */
int lt_decimal_digits(lt_int128 value, char text[40]);
int lt_decimal256_digits(const struct lt_int256 *value, char text[80]);
static inline bool lt_int256_negative(const struct lt_int256 *value)
{
    return value->limbs[3] >> 63;
}

/* The decimal at `row` of a view of any decimal width, widened. */
lt_int128 lt_view_decimal(const struct lt_view *view, int64_t row); /* not DECIMAL256 */
struct lt_int256 lt_view_decimal256(const struct lt_view *view, int64_t row);

/* --- calendar (calendar.c) ----------------------------------------------------------------- */

/* Ticks of a unit in one second. */
int64_t lt_unit_ticks(enum lt_unit unit);

/* Broken-down interval; `nanos` is wide enough for a duration of int64 seconds. */
struct lt_interval {
    int64_t months, days;
    lt_int128 nanos;
};

/* Each reads all of the text. *ret_why is set when LEAT_BAD_DATA is returned. */
int lt_date_parse(const char *text, size_t len, int64_t *ret_days, const char **ret_why);
int lt_time_parse(const char *text, size_t len, enum lt_unit unit, int64_t *ret_ticks,
                  const char **ret_why);
int lt_timestamp_parse(const char *text, size_t len, enum lt_unit unit, bool zoned,
                       int64_t *ret_ticks, const char **ret_why);
int lt_interval_parse(const char *text, size_t len, struct lt_interval *ret_interval,
                      const char **ret_why);

int lt_date_format(int64_t days, struct lt_buf *out);
int lt_time_format(int64_t ticks, enum lt_unit unit, struct lt_buf *out);
int lt_timestamp_format(int64_t ticks, enum lt_unit unit, bool zoned, struct lt_buf *out);
int lt_interval_format(const struct lt_interval *interval, struct lt_buf *out);

/* --- JSON (text_json.c) -------------------------------------------------------------------- */

#define LT_JSON_TEXT_DEPTH_MAX 512

/* Why JSON that may be well formed is not taken: it is nested deeper than LT_JSON_TEXT_DEPTH_MAX.
 * Compared by its address. */
extern const char lt_json_too_deep[];
/* NULL when `text` is exactly one JSON value (RFC 8259) in valid UTF-8; else what is wrong. */
const char *lt_json_why_invalid(const char *text, size_t len);
/* True when `text` is a number by JSON's own, narrower grammar. */
bool lt_json_is_number(const char *text, size_t len);
/* lt_text_parse() for lists, structs and maps. */
int lt_text_parse_nested(struct lt_builder *builder, const char *text, size_t len,
                         const char **ret_why);

/* --- values (text_format.c, text_parse.c) -------------------------------------------------- */

/* Follows dictionaries: the view and row that hold the value. Returns false for null. */
bool lt_view_resolve(const struct lt_view **view, int64_t *row);

/* Sets *ret_why and returns LEAT_BAD_DATA, so that a refusal is one line. */
static inline int lt_refuse(const char **ret_why, const char *why)
{
    *ret_why = why;
    return LEAT_BAD_DATA;
}

#endif
