/* What JSON values are taken for and how each type is written, for the documentation. The first is
 * what json_infer.c does, the second what json_write.c does. */
#include "formats/json/json.h"

const struct leat_type_in lt_jsonl_types_in[] = {
    {"true, false", "bool", NULL, NULL},
    {"7, -5", "int64", NULL, NULL},
    {"9223372036854775808", "decimal(38,0)", NULL,
     "where int64 is too small; numeric past 38 digits"},
    {"1.5, 1e3", "float64", NULL,
     "numeric where a value has more than 15 digits, or lies outside of float64; the strings NaN, "
     "Infinity and -Infinity count as numbers beside numbers"},
    {"\"2024-02-29\"", "date", NULL, "unless --infer-strings no"},
    {"\"13:14:15\"", "time", NULL, "unless --infer-strings no"},
    {"\"2024-02-29 13:14:15.5\"", "timestamp", NULL,
     "unless --infer-strings no; T for the blank too, and dates alone as midnights"},
    {"\"2024-02-29T13:14:15Z\"", "timestamptz", NULL,
     "unless --infer-strings no; with an offset too"},
    {"\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"", "uuid", NULL, "unless --infer-strings no"},
    {"\"text\"", "utf8", NULL, NULL},
    {"{...}, [...]", "json", NULL, "the text as it is; structs and lists with --nested struct"},
    {"values of several kinds, or none", "json", NULL,
     "each as it is written, strings in their quotes"},
    {"null, or no such key", "null", NULL, "of whatever type its column has"},
    {"any", "any", NULL,
     "given with --types, --cast or --schema-from: strings as the table below has them, and a "
     "little more generously; numbers too where a text of theirs would do"},
    {NULL, NULL, NULL, NULL},
};

const struct leat_type_out lt_jsonl_types_out[] = {
    {"null", "null", "or its key is left out, with --nulls omit"},
    {"bool", "true, false", NULL},
    {"int8 ... uint64", "-5", "past 2^53 in quotes with --json-numbers string"},
    {"float16, float32, float64", "0.1",
     "shortest text that reads back; the strings \"NaN\", \"Infinity\", \"-Infinity\""},
    {"decimal", "123.40", "with all digits of its scale; in quotes with --json-numbers string"},
    {"numeric", "123.4",
     "with all its digits; NaN and infinities as strings; in quotes with --json-numbers string"},
    {"utf8", "\"text\"", NULL},
    {"binary", "\"\\\\x00ff\"", "hexadecimal, or base64 with --binary base64"},
    {"json", "the JSON text",
     "its line ends taken out; JSON's own null does not fit, but with --json-null value"},
    {"uuid", "\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"", "lower case"},
    {"date", "\"2024-02-29\"", "years past 9999 and before 0000 with a sign"},
    {"time", "\"13:14:15.5\"", "fractions only where they are not zero"},
    {"timestamp", "\"2024-02-29 13:14:15.500\"", NULL},
    {"timestamptz", "\"2024-02-29 13:14:15.500Z\"", "in UTC"},
    {"duration", "\"PT5S\"", "ISO 8601"},
    {"interval", "\"P1Y2M3DT4H5M6.7S\"", "ISO 8601"},
    {"list", "[1,2]", "JSON's own null in list<json> does not fit"},
    {"struct", "{\"a\":1}", NULL},
    {"map", "{\"key\":1}", "keys as strings"},
    {"text(SYSTEM:TYPE)", "\"text\"", "comes back as text, as the type with --schema-from"},
    {NULL, NULL, NULL},
};
