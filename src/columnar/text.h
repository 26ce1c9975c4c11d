/* Values as text, both ways, exactly: used by CSV, casts, and connectors that carry text.
 *
 * Forms written (and read; reading is a little more generous, see text.c):
 *   bool true/false; integers; floats shortest that round-trips, NaN, Infinity, -Infinity;
 *   decimal 123.40 with exactly its scale; date 2024-02-29 (years 0000 and past 9999 with sign:
 *   +10000-01-01, -0043-03-15); time 13:14:15.123456 (fraction only when not zero, trimmed to
 *   3, 6 or 9 digits);
 *   timestamp 2024-02-29 13:14:15.500, timestamptz the same in UTC ending Z; uuid with hyphens,
 *   lower case; binary as \x hex; interval ISO 8601 (P1Y2M3DT4H5M6.7S); list, struct, map as
 *   JSON. */
#ifndef LT_TEXT_H
#define LT_TEXT_H

#include "columnar/builder.h"
#include "columnar/view.h"

/* Appends the text of one non-null value. */
int lt_text_format(const struct lt_view *view, int64_t row, struct lt_buf *out);
/* Appends the texts of all values to a builder of text (nulls as null): the same as
 * lt_text_format(), and faster. LEAT_NO_MEMORY also where offsets of 32 bits do not reach. */
int lt_text_format_column(const struct lt_view *view, struct lt_builder *to);

/* Appends the value as JSON (null included): numbers plain (big ones and decimals too, exactly),
 * text quoted, json as it is, nested as arrays and objects; NaN and infinities as strings. */
int lt_text_format_json(const struct lt_view *view, int64_t row, struct lt_buf *out);

/* True when json is the field's type, or one below it. */
bool lt_text_holds_json(const struct ArrowSchema *field);
/* True when the text of a json value is JSON's own null. */
bool lt_text_is_json_null(const uint8_t *text, size_t len);
/* True when the text or JSON of a non-null value of a nested type has JSON's own null in a place
 * where a null would look the same. */
bool lt_text_hides_null(const struct lt_view *view, int64_t row);

/* Parses one text into the builder's type and appends it. Returns LEAT_OK, LEAT_BAD_DATA with
 * *ret_why set to a short reason ("not a number", "out of range for int32", "invalid date"), and
 * nothing appended, or LEAT_NO_MEMORY. UTF-8 is checked for text types. */
int lt_text_parse(struct lt_builder *builder, const char *text, size_t len, const char **ret_why);

/* Pieces, for wire decoders. Days and microseconds count from 1970-01-01. */
int64_t lt_days_of_date(int64_t year, unsigned month, unsigned day);
void lt_date_of_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);

/* 128-bit two's complement decimals, little-endian as Arrow stores them. __int128 is used. */
typedef __int128 lt_int128;
typedef unsigned __int128 lt_uint128;
/* Text "-12.345" to an integer scaled by 10^scale; LEAT_BAD_DATA when digits would be lost, the
 * precision is exceeded or it is no number. Exponents (1e3) are read exactly. */
int lt_decimal_parse(const char *text, size_t len, int precision, int scale, lt_int128 *ret_value,
                     const char **ret_why);
/* Appends it with exactly `scale` fraction digits. */
int lt_decimal_format(lt_int128 value, int scale, struct lt_buf *out);

/* Shortest text that reads back to the same double; at most 32 bytes with its NUL. Returns its
 * length. */
int lt_double_format(double value, char text[32]);
int lt_float_format(float value, char text[32]);

#endif
