/* SQLite's dialect, as data.
 *
 * SQLite keeps what it is given and lets the declared type's affinity decide about conversions:
 * a declared DECIMAL would turn the text 1.10 into the double 1.1. New tables therefore get type
 * names that contain TEXT (SQLite documentation, "Datatypes In SQLite", determination of column
 * affinity), which keep exact text as it is and which the table below reads back. Types that a
 * table of names cannot list are declared by their canonical name and the storage, quoted:
 * "list<int64> TEXT", "binary(16) BLOB", "text(postgres:inet) TEXT". */
#include "sql/sqlite.h"

#include "sql/extras.h"
#include "sql/merge.h"

const struct leat_type_in lt_sqlite_types_in[] = {
    {"integer", "int64", NULL, NULL},
    {"int", "int64", NULL, NULL},
    {"bigint", "int64", NULL, NULL},
    {"mediumint", "int64", NULL, NULL},
    {"smallint", "int64", NULL, NULL},
    {"tinyint", "int64", NULL, NULL},
    {"int2", "int64", NULL, NULL},
    {"int4", "int64", NULL, NULL},
    {"int8", "int64", NULL, NULL},
    {"unsigned big int", "int64", NULL, NULL},
    {"int8_integer", "int8", NULL, NULL},
    {"int16_integer", "int16", NULL, NULL},
    {"int32_integer", "int32", NULL, NULL},
    {"uint8_integer", "uint8", NULL, NULL},
    {"uint16_integer", "uint16", NULL, NULL},
    {"uint32_integer", "uint32", NULL, NULL},
    {"unsigned64_text", "uint64", NULL, "decimal digits as text"},
    {"float16_real", "float16", NULL, NULL},
    {"float32_real", "float32", NULL, NULL},
    {"real", "float64", NULL, NULL},
    {"double", "float64", NULL, NULL},
    {"double precision", "float64", NULL, NULL},
    {"float", "float64", NULL, NULL},
    {"text", "utf8", NULL, NULL},
    {"varchar", "utf8", NULL, "the length is not enforced by SQLite"},
    {"char", "utf8", NULL, "the length is not enforced by SQLite"},
    {"character", "utf8", NULL, "the length is not enforced by SQLite"},
    {"character varying", "utf8", NULL, "the length is not enforced by SQLite"},
    {"varying character", "utf8", NULL, "the length is not enforced by SQLite"},
    {"nchar", "utf8", NULL, "the length is not enforced by SQLite"},
    {"native character", "utf8", NULL, "the length is not enforced by SQLite"},
    {"nvarchar", "utf8", NULL, "the length is not enforced by SQLite"},
    {"clob", "utf8", NULL, NULL},
    {"numeric", "decimal($1,$2)", "numeric",
     "integers and texts exactly; reals by their shortest text, which must fit the scale"},
    {"decimal", "decimal($1,$2)", "numeric",
     "integers and texts exactly; reals by their shortest text, which must fit the scale"},
    {"decimal_text", "decimal($1,$2)", "numeric", "exact text, as leat writes decimals"},
    {"numeric_text", "numeric", NULL, "exact text, as leat writes numerics"},
    {"boolean", "bool", NULL, "0 and 1; other numbers are refused"},
    {"bool", "bool", NULL, "0 and 1; other numbers are refused"},
    {"date", "date", NULL, "ISO 8601 text only, with or without a midnight time"},
    {"datetime", "timestamp", NULL, "ISO 8601 text only; a date alone is its midnight"},
    {"timestamp", "timestamp", NULL, "ISO 8601 text only; a date alone is its midnight"},
    {"timestamp_ns", "timestamp(ns)", NULL, "text with nine fraction digits"},
    {"timestamptz", "timestamptz", NULL, "ISO 8601 text with Z or an offset"},
    {"timestamptz_ns", "timestamptz(ns)", NULL, "text with nine fraction digits"},
    {"timestamp with time zone", "timestamptz", NULL, "ISO 8601 text with Z or an offset"},
    {"timestamp without time zone", "timestamp", NULL, "ISO 8601 text only"},
    {"time", "time", NULL, "ISO 8601 text only"},
    {"time_ns", "time(ns)", NULL, "text with nine fraction digits"},
    {"json", "json", NULL, "text; the binary form is refused"},
    {"json_text", "json", NULL, NULL},
    {"uuid", "uuid", NULL, "text, or a blob of 16 bytes"},
    {"uuid_text", "uuid", NULL, NULL},
    {"interval_text", "interval", NULL, "ISO 8601 text"},
    {"duration_text", "duration", NULL, "ISO 8601 text"},
    {"blob", "binary", NULL, NULL},
    {"varbinary", "binary", NULL, "the length is not enforced by SQLite"},
    {"binary", "binary", NULL, "the length is not enforced by SQLite"},
    {NULL, NULL, NULL, NULL},
};

const struct leat_type_out lt_sqlite_types_out[] = {
    {"null", "TEXT", "as \"null TEXT\""},
    {"bool", "BOOLEAN", NULL},
    {"int8", "INT8_INTEGER", "INTEGER where it is the whole primary key; that comes back as int64"},
    {"int16", "INT16_INTEGER", "as int8"},
    {"int32", "INT32_INTEGER", "as int8"},
    {"int64", "INTEGER", NULL},
    {"uint8", "UINT8_INTEGER", "as int8"},
    {"uint16", "UINT16_INTEGER", "as int8"},
    {"uint32", "UINT32_INTEGER", "as int8"},
    {"uint64", "UNSIGNED64_TEXT",
     "decimal digits, for SQLite's integers end at 9223372036854775807"},
    {"float16", "FLOAT16_REAL", "NaN is refused; -0.0 becomes 0.0"},
    {"float32", "FLOAT32_REAL", "NaN is refused; -0.0 becomes 0.0"},
    {"float64", "REAL", "NaN is refused: SQLite would store NULL; it keeps -0.0 as 0.0, its equal"},
    {"decimal", "DECIMAL_TEXT($1,$2)", "exact text"},
    {"numeric", "NUMERIC_TEXT", "exact text, NaN and infinities included"},
    {"utf8", "TEXT", NULL},
    {"binary", "BLOB", "of n bytes as \"binary(n) BLOB\""},
    {"json", "JSON_TEXT", NULL},
    {"uuid", "UUID_TEXT", NULL},
    {"date", "DATE", "ISO 8601 text"},
    {"time", "TIME", "ISO 8601 text; nanoseconds as TIME_NS, other units as \"time(ms) TEXT\""},
    {"timestamp", "TIMESTAMP",
     "ISO 8601 text; nanoseconds as TIMESTAMP_NS, other units as \"timestamp(ms) TEXT\""},
    {"timestamptz", "TIMESTAMPTZ",
     "ISO 8601 text in UTC, ending Z; nanoseconds as "
     "TIMESTAMPTZ_NS"},
    {"interval", "INTERVAL_TEXT", "ISO 8601 text"},
    {"duration", "DURATION_TEXT", "ISO 8601 text; other units as \"duration(ns) TEXT\""},
    {"list", "JSON_TEXT",
     "a JSON array, declared as \"list<T> TEXT\"; JSON's own null in list<json> does not "
     "fit"},
    {"struct", "JSON_TEXT", "a JSON object, declared as \"struct<...> TEXT\""},
    {"map", "JSON_TEXT", "JSON, declared as \"map<K, V> TEXT\""},
    {NULL, NULL, NULL},
};

static const struct lt_type_family families[] = {
    {"text", "text", LT_TYPE_ANY, 0},
    {"varchar", "text", LT_TYPE_ANY, 0},
    {"char", "text", LT_TYPE_ANY, 0},
    {"character", "text", LT_TYPE_ANY, 0},
    {"character varying", "text", LT_TYPE_ANY, 0},
    {"varying character", "text", LT_TYPE_ANY, 0},
    {"nchar", "text", LT_TYPE_ANY, 0},
    {"native character", "text", LT_TYPE_ANY, 0},
    {"nvarchar", "text", LT_TYPE_ANY, 0},
    {"clob", "text", LT_TYPE_ANY, 0},
    {NULL, NULL, LT_TYPE_ANY, 0},
};

static const char *const storage_words[] = {"TEXT", "BLOB", "INTEGER", "REAL", NULL};

static const struct lt_merge_words merge_words = {
    .differs = "IS NOT",
    .temp = "temp.",
    .make = "CREATE TEMP TABLE ",
    .made = " AS ",
    .overriding = "",
    .text = " COLLATE BINARY",
};

/* A hash index is a plain one here. */
static const char *const methods[] = {"btree", "hash", NULL};
static const char *const collations[] = {"C", "POSIX", "BINARY", "NOCASE", "RTRIM", NULL};

static const struct lt_extra_words extra_words = {
    .methods = methods,
    .collations = collations,
    .now = "CURRENT_TIMESTAMP",
    .now_zoned = "(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
    .date = "CURRENT_DATE",
    .time = "CURRENT_TIME",
};

const struct lt_dialect lt_dialect_sqlite = {
    .name = "sqlite",
    .quote = '"',
    .identifier_bytes_max = 1000000, /* SQLite names no limit below that of a statement */
    .in = lt_sqlite_types_in,
    .out = lt_sqlite_types_out,
    .families = families,
    .storage_words = storage_words,
    .merge = &merge_words,
    .extras = &extra_words,
};
