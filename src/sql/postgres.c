/* PostgreSQL's types, both ways. Type names are those of pg_type.typname; "_x" is the array of x.
 * What is not listed is read as text by a cast in the query (the labels of enums need none), and
 * arrays of it as lists of text; a domain is what lies under it. */
#include "sql/postgres.h"

#include "sql/extras.h"
#include "sql/merge.h"

#include <limits.h>

#define NOTE_NUMERIC                                                                               \
    "no NaN or infinity unless the column has no precision; numeric where the scale is negative "  \
    "or there are more than 76 digits"
#define NOTE_TIME "not 24:00:00, but as text"
#define NOTE_INFINITY "not infinity, but as text"
#define NOTE_STAMP "not infinity, nor after 294246, but as text"
#define NOTE_INTERVAL "not past 292 years of hours, minutes and seconds, but as text"
#define NOTE_MONEY "the scale is that of the server's lc_monetary"
#define NOTE_CHAR "a byte that is no ASCII as \\ooo"
#define NOTE_LIST "one dimension with lower bound 1; others only as text"

const struct leat_type_in lt_postgres_types_in[] = {
    {"bool", "bool", NULL, NULL},
    {"int2", "int16", NULL, NULL},
    {"int4", "int32", NULL, NULL},
    {"int8", "int64", NULL, NULL},
    {"oid", "int64", NULL, NULL},
    {"xid", "int64", NULL, NULL},
    {"cid", "int64", NULL, NULL},
    {"xid8", "uint64", NULL, NULL},
    {"float4", "float32", NULL, NULL},
    {"float8", "float64", NULL, NULL},
    {"numeric", "decimal($1,$2)", "numeric", NOTE_NUMERIC},
    {"money", "decimal($1,$2)", "decimal(19,2)", NOTE_MONEY},
    {"text", "utf8", NULL, NULL},
    {"varchar", "utf8", NULL, NULL},
    {"bpchar", "utf8", NULL, "padding blanks are kept"},
    {"name", "utf8", NULL, NULL},
    {"char", "utf8", NULL, NOTE_CHAR},
    {"bytea", "binary", NULL, NULL},
    {"date", "date", NULL, NOTE_INFINITY},
    {"time", "time", NULL, NOTE_TIME},
    {"timestamp", "timestamp", NULL, NOTE_STAMP},
    {"timestamptz", "timestamptz", NULL, NOTE_STAMP},
    {"interval", "interval", NULL, NOTE_INTERVAL},
    {"uuid", "uuid", NULL, NULL},
    {"json", "json", NULL, NULL},
    {"jsonb", "json", NULL, NULL},
    {"_bool", "list<bool>", NULL, NOTE_LIST},
    {"_int2", "list<int16>", NULL, NOTE_LIST},
    {"_int4", "list<int32>", NULL, NOTE_LIST},
    {"_int8", "list<int64>", NULL, NOTE_LIST},
    {"_oid", "list<int64>", NULL, NOTE_LIST},
    {"_xid", "list<int64>", NULL, NOTE_LIST},
    {"_cid", "list<int64>", NULL, NOTE_LIST},
    {"_xid8", "list<uint64>", NULL, NOTE_LIST},
    {"_float4", "list<float32>", NULL, NOTE_LIST},
    {"_float8", "list<float64>", NULL, NOTE_LIST},
    {"_numeric", "list<decimal($1,$2)>", "list<numeric>", NOTE_LIST},
    {"_money", "list<decimal($1,$2)>", "list<decimal(19,2)>", NOTE_LIST},
    {"_text", "list<utf8>", NULL, NOTE_LIST},
    {"_varchar", "list<utf8>", NULL, NOTE_LIST},
    {"_bpchar", "list<utf8>", NULL, NOTE_LIST},
    {"_name", "list<utf8>", NULL, NOTE_LIST},
    {"_char", "list<utf8>", NULL, NOTE_LIST},
    {"_bytea", "list<binary>", NULL, NOTE_LIST},
    {"_date", "list<date>", NULL, NOTE_LIST},
    {"_time", "list<time>", NULL, NOTE_LIST},
    {"_timestamp", "list<timestamp>", NULL, NOTE_LIST},
    {"_timestamptz", "list<timestamptz>", NULL, NOTE_LIST},
    {"_interval", "list<interval>", NULL, NOTE_LIST},
    {"_uuid", "list<uuid>", NULL, NOTE_LIST},
    {"_json", "list<json>", NULL, NOTE_LIST},
    {"_jsonb", "list<json>", NULL, NOTE_LIST},
    {NULL, NULL, NULL, NULL},
};

const struct leat_type_out lt_postgres_types_out[] = {
    {"null", "text", "a column of nulls only"},
    {"bool", "boolean", NULL},
    {"int8", "smallint", NULL},
    {"int16", "smallint", NULL},
    {"int32", "integer", NULL},
    {"int64", "bigint", NULL},
    {"uint8", "smallint", NULL},
    {"uint16", "integer", NULL},
    {"uint32", "bigint", NULL},
    {"uint64", "numeric(20,0)", NULL},
    {"float16", "real", NULL},
    {"float32", "real", NULL},
    {"float64", "double precision", NULL},
    {"decimal", "numeric($1,$2)", NULL},
    {"numeric", "numeric", "infinities from 14 on"},
    {"utf8", "text", "not a zero byte"},
    {"binary", "bytea", NULL},
    {"json", "jsonb",
     "not \\u0000; key order and blanks are the server's own, of doubled keys it keeps the last; "
     "json where the source was json"},
    {"uuid", "uuid", NULL},
    {"date", "date", "4713 BC to 5874897"},
    {"time", "time without time zone", "microseconds"},
    {"timestamp", "timestamp without time zone", "microseconds; 4713 BC to 294276"},
    {"timestamptz", "timestamp with time zone", "microseconds; 4713 BC to 294276"},
    {"duration", "interval", NULL},
    {"interval", "interval", "microseconds"},
    {"list", "$1[]", "jsonb for lists of lists"},
    {"struct", "jsonb", NULL},
    {"map", "jsonb", NULL},
    {NULL, NULL, NULL},
};

static const struct lt_type_alias aliases[] = {
    {"boolean", "bool"},
    {"smallint", "int2"},
    {"integer", "int4"},
    {"int", "int4"},
    {"bigint", "int8"},
    {"real", "float4"},
    {"double precision", "float8"},
    {"decimal", "numeric"},
    {"character varying", "varchar"},
    {"character", "bpchar"},
    {"char", "bpchar"},
    {"\"char\"", "char"},
    {"time without time zone", "time"},
    {"timestamp without time zone", "timestamp"},
    {"timestamp with time zone", "timestamptz"},
    {"interval year", "interval"},
    {"interval month", "interval"},
    {"interval day", "interval"},
    {"interval hour", "interval"},
    {"interval minute", "interval"},
    {"interval second", "interval"},
    {"interval year to month", "interval"},
    {"interval day to hour", "interval"},
    {"interval day to minute", "interval"},
    {"interval day to second", "interval"},
    {"interval hour to minute", "interval"},
    {"interval hour to second", "interval"},
    {"interval minute to second", "interval"},
    {NULL, NULL},
};

#define TYPE_UNITS 6 /* a time's fraction: microseconds */

static const struct lt_type_family families[] = {
    {"text", "text", LT_TYPE_VARYING, INT_MAX},
    {"character varying", "text", LT_TYPE_VARYING, INT_MAX},
    {"character", "text", LT_TYPE_PADDED, 1},
    {"bpchar", "text", LT_TYPE_PADDED, INT_MAX},
    {"bit varying", "bit", LT_TYPE_VARYING, INT_MAX},
    {"bit", "bit", LT_TYPE_EXACT, 1},
    {"timestamp without time zone", "timestamp", LT_TYPE_VARYING, TYPE_UNITS},
    {"timestamp with time zone", "timestamptz", LT_TYPE_VARYING, TYPE_UNITS},
    {"time without time zone", "time", LT_TYPE_VARYING, TYPE_UNITS},
    {"time with time zone", "timetz", LT_TYPE_VARYING, TYPE_UNITS},
    {"interval", "interval", LT_TYPE_VARYING, TYPE_UNITS},
    {NULL, NULL, LT_TYPE_VARYING, 0},
};

/* Text is compared byte by byte, for collations may take different values for equal. */
static const struct lt_merge_words merge_words = {
    .differs = "IS DISTINCT FROM",
    .temp = "pg_temp.",
    .make = "CREATE TEMPORARY TABLE ",
    .made = " ON COMMIT DROP AS ",
    .overriding = "OVERRIDING SYSTEM VALUE ",
    .text = "::pg_catalog.text COLLATE \"C\"",
    .analyze = "ANALYZE",
    .defer = "SET CONSTRAINTS ALL DEFERRED",
    .check = "SET CONSTRAINTS ALL IMMEDIATE",
};

static const char *const methods[] = {"btree", "hash", "gin", "gist", "spgist", "brin", NULL};
static const char *const collations[] = {"C", "POSIX", NULL};

static const struct lt_extra_words extra_words = {
    .methods = methods,
    .collations = collations,
    .using_method = true,
    .typed = true,
    .now = "now()",
    .now_zoned = "now()",
    .date = "CURRENT_DATE",
    .time = "LOCALTIME",
    .uuid = "gen_random_uuid()",
};

const struct lt_dialect lt_dialect_postgres = {
    .name = "postgres",
    .quote = '"',
    .identifier_bytes_max = 63,
    .in = lt_postgres_types_in,
    .out = lt_postgres_types_out,
    .aliases = aliases,
    .families = families,
    .retypes = true,
    .has_identity = true,
    .merge = &merge_words,
    .extras = &extra_words,
};
