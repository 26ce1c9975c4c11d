/* What the files of the encoder share: big-endian fields, and what may become of one value. */
#ifndef LT_PG_ENCODE_PARTS_H
#define LT_PG_ENCODE_PARTS_H

#include "connectors/postgres/pg_codec.h"

#include <string.h>

#define PG_DAYS_2000 10957 /* from 1970-01-01 to 2000-01-01 */
#define PG_US_2000 INT64_C(946684800000000)
#define PG_US_DAY INT64_C(86400000000)

/* Why a value cannot be sent; VALUE_MEMORY apart, another value in its place could be. */
enum value_result {
    VALUE_OK,
    VALUE_RANGE,     /* outside the type */
    VALUE_ZERO_BYTE, /* 0x00 in text */
    VALUE_ZERO_JSON, /* \u0000 in jsonb */
    VALUE_SYNTAX,
    VALUE_LONG,   /* longer than varchar(n) */
    VALUE_ROUNDS, /* the server would round it to the column's precision, without a word */
    VALUE_MEMORY
};

static inline void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}

static inline void put64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}

/* --- pg_encode_numeric.c: fields of a numeric, with their length ---------------------------- */

#define PG_DECIMAL_FIELD_MAX 64 /* bytes that pg_put_decimal() needs reserved */

/* A decimal of 128 or 256 bits (`width` bytes). */
void pg_put_decimal(const uint8_t *value, size_t width, int scale, struct lt_buf *out);
/* Exact text, also NaN, Infinity, -Infinity. Reserves what it needs, or uses a dozen bytes. */
enum value_result pg_put_numeric_text(const char *text, size_t len, struct lt_buf *out);
/* Whether the server would keep every digit of the text in a column of this limit. */
enum value_result pg_numeric_within(const char *text, size_t len, const struct pg_limit *limit);

/* --- pg_limit.c ----------------------------------------------------------------------------- */

/* Whether the server would keep the value as it is in a column of this limit. */
enum value_result pg_limit_check(const struct pg_limit *limit, enum pg_wire wire,
                                 const struct lt_view *view, int64_t row);

/* --- pg_encode_text.c: COPY text ------------------------------------------------------------ */

/* One column's value in a row of COPY text. */
enum value_result pg_encode_text(const struct pg_encode_column *column, int64_t row,
                                 struct lt_buf *out);

/* --- pg_encode.c ---------------------------------------------------------------------------- */

/* Whether a value of the column, or of its list, is one that the server keeps as it is. Checks
 * what the binary form of a type refuses, too: the server would read some of its texts. */
enum value_result pg_value_within(const struct pg_encode_column *column, const struct lt_view *view,
                                  int64_t row);

#endif
