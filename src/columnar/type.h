/* Canonical types: what an ArrowSchema field means, its name for people, and back.
 *
 * The names are those of docs/types.md: bool, int8..int64, uint8..uint64, float16, float32,
 * float64, decimal(p,s), numeric, utf8, binary, binary(n), json, uuid, date, time, time(ns),
 * timestamp, timestamp(ns), timestamptz, timestamptz(ms), duration, interval, list<T>,
 * struct<a: T, b: T>, map<K, V>, null, and text(<source type>) for the rest.
 *
 * Storage that has no name of its own there keeps one that reads back: large_utf8, utf8_view,
 * date64, decimal64(p,s), decimal256(p,s) for p <= 38, fixed_list<T, n>, interval_months ...,
 * and binary(<source type>) for a foreign type held as bytes. A dictionary-encoded field has the
 * name of its values' type, and every zoned timestamp is a timestamptz. Field names that are not
 * plain words are quoted: struct<"a b": int32>.
 *
 * Example:
 *   struct ArrowSchema field;
 *   if (!lt_type_parse("list<decimal(12,2)>", &field, err)) {
 *       struct lt_buf name = LT_BUF_INIT;
 *       lt_type_print(&field, &name);
 *       ...
 *       lt_buf_done(&name);
 *       field.release(&field);
 *   } */
#ifndef LT_TYPE_H
#define LT_TYPE_H

#include "core/buf.h"
#include "leat/arrow.h"

#include <stdbool.h>

/* id, what it holds, bytes of one value in the values buffer (0: bits or variable or none) */
#define LT_TYPE_MAP(X)                                                                             \
    X(NULL, "null", 0)                                                                             \
    X(BOOL, "bool", 0)                                                                             \
    X(INT8, "int8", 1)                                                                             \
    X(INT16, "int16", 2)                                                                           \
    X(INT32, "int32", 4)                                                                           \
    X(INT64, "int64", 8)                                                                           \
    X(UINT8, "uint8", 1)                                                                           \
    X(UINT16, "uint16", 2)                                                                         \
    X(UINT32, "uint32", 4)                                                                         \
    X(UINT64, "uint64", 8)                                                                         \
    X(FLOAT16, "float16", 2)                                                                       \
    X(FLOAT32, "float32", 4)                                                                       \
    X(FLOAT64, "float64", 8)                                                                       \
    X(DECIMAL32, "decimal32", 4)                                                                   \
    X(DECIMAL64, "decimal64", 8)                                                                   \
    X(DECIMAL128, "decimal", 16)                                                                   \
    X(DECIMAL256, "decimal", 32)                                                                   \
    X(UTF8, "utf8", 0)                                                                             \
    X(LARGE_UTF8, "large_utf8", 0)                                                                 \
    X(UTF8_VIEW, "utf8_view", 16)                                                                  \
    X(BINARY, "binary", 0)                                                                         \
    X(LARGE_BINARY, "large_binary", 0)                                                             \
    X(BINARY_VIEW, "binary_view", 16)                                                              \
    X(FIXED_BINARY, "binary", 0)                                                                   \
    X(DATE32, "date", 4)                                                                           \
    X(DATE64, "date64", 8)                                                                         \
    X(TIME32, "time", 4)                                                                           \
    X(TIME64, "time", 8)                                                                           \
    X(TIMESTAMP, "timestamp", 8)                                                                   \
    X(DURATION, "duration", 8)                                                                     \
    X(INTERVAL_MONTHS, "interval_months", 4)                                                       \
    X(INTERVAL_DAY_TIME, "interval_day_time", 8)                                                   \
    X(INTERVAL, "interval", 16)                                                                    \
    X(LIST, "list", 0)                                                                             \
    X(LARGE_LIST, "large_list", 0)                                                                 \
    X(FIXED_LIST, "fixed_list", 0)                                                                 \
    X(STRUCT, "struct", 0)                                                                         \
    X(MAP, "map", 0)                                                                               \
    X(DICTIONARY, "dictionary", 0)

enum lt_type_id {
#define LT_TYPE_ENUM(name, text, width) LT_##name,
    LT_TYPE_MAP(LT_TYPE_ENUM)
#undef LT_TYPE_ENUM
        LT_TYPES_N
};

enum lt_unit { LT_SECOND, LT_MILLI, LT_MICRO, LT_NANO };

/* Meaning kept in field metadata, beside the storage type. */
enum lt_logical {
    LT_PLAIN,
    LT_JSON,    /* ARROW:extension:name arrow.json over utf8 */
    LT_UUID,    /* arrow.uuid over binary(16) */
    LT_NUMERIC, /* leat.numeric over utf8: exact decimal text, also NaN, Infinity, -Infinity */
    LT_FOREIGN  /* leat.source_type over utf8 or binary: a type Arrow has no word for */
};

struct lt_type {
    enum lt_type_id id;
    enum lt_unit unit;        /* times, timestamps, durations */
    int32_t precision, scale; /* decimals */
    int32_t width;            /* FIXED_BINARY bytes, FIXED_LIST elements; else bytes of a value */
    const char *zone;         /* TIMESTAMP: time zone inside the schema's format; "" zone-less */
    enum lt_logical logical;
    bool nullable;
};

/* Limits on a schema, and so on every recursion over one. */
#define LT_TYPE_DEPTH_MAX 32
#define LT_TYPE_FIELDS_MAX 100000

/* Field metadata keys of leat. Values are UTF-8 text. */
#define LT_META_SOURCE_TYPE "leat.source_type" /* "postgres:numeric(10,2)": system, colon, type */
#define LT_META_DOMAIN "leat.domain"           /* the same: the user's own type over that one */
#define LT_META_TYPES "leat.types"             /* JSON: what types of users' own are made of */
#define LT_META_NUMERIC "leat.numeric"         /* "1" on utf8 that holds exact numeric text */
#define LT_META_KEY "leat.key"                 /* "1".."n": place in the primary key */
#define LT_META_COMMENT "leat.comment"
#define LT_META_IDENTITY "leat.identity" /* "always" or "default" */
#define LT_META_GENERATED "leat.generated"
#define LT_META_DEFAULT "leat.default" /* what these three hold: sql/extras.h */
#define LT_META_INDEXES "leat.indexes" /* of the stream */
#define LT_META_CHECKS "leat.checks"   /* of the stream */
#define LT_META_EXTENSION "ARROW:extension:name"
#define LT_META_EXTENSION_DATA "ARROW:extension:metadata"

/* In a field's flags, beside Arrow's own: its type was only inferred from text. No file keeps it. */
#define LT_FLAG_INFERRED ((int64_t)1 << 40)

/* Reads one field. `ret_type->zone` points into `field`. LEAT_UNSUPPORTED names a format leat
 * does not handle (unions, run-end, list views), LEAT_BAD_DATA one that is malformed, or a
 * nested field without the children it must have. A field with a dictionary is LT_DICTIONARY,
 * its width that of the index, its logical type that of the field or else of the values. */
int lt_type_of(const struct ArrowSchema *field, struct lt_type *ret_type, struct leat_error *err);

/* Appends the canonical name of a field, children included: "decimal(12,2)", "list<int64>". */
int lt_type_print(const struct ArrowSchema *field, struct lt_buf *out);

/* Makes a field from a canonical name (as lt_type_print writes it, or an alias: int, integer,
 * bigint, smallint, float, double, real, text, string, varchar, bytes, boolean, decimal,
 * datetime). Field name "" and nullable. LEAT_INVALID shows the place and the closest name. */
int lt_type_parse(const char *text, struct ArrowSchema *ret_field, struct leat_error *err);

bool lt_type_is_integer(enum lt_type_id id); /* signed or unsigned */
bool lt_type_is_nested(enum lt_type_id id);
bool lt_type_is_varlen(enum lt_type_id id); /* utf8 and binary with 32- or 64-bit offsets */
bool lt_type_is_text(enum lt_type_id id);   /* utf8, large_utf8, utf8_view */

#endif
