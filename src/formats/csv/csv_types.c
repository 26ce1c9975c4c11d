/* What texts in CSV are taken for and how each type is written, for the documentation, where no
 * option says otherwise. The first is what csv_infer.c does, the second what lt_text_format()
 * does. */
#include "formats/csv/csv.h"

const struct leat_type_in lt_csv_types_in[] = {
    {"7, -5", "int64", NULL, "inferred; 007 and +5 are text"},
    {"9223372036854775808", "numeric", NULL, "inferred where int64 is too small"},
    {"1.5, 1e3, NaN", "float64", NULL,
     "inferred; a column with more than 15 digits in a value is numeric, with an exponent too and "
     "more than 17 text"},
    {"true, false", "bool", NULL, "inferred, in any case"},
    {"2024-02-29", "date", NULL, "inferred"},
    {"13:14:15", "time", NULL, "inferred"},
    {"2024-02-29 13:14:15.5", "timestamp", NULL,
     "inferred; T for the blank too, and dates alone as midnights"},
    {"2024-02-29T13:14:15Z", "timestamptz", NULL, "inferred; with an offset too"},
    {"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "uuid", NULL, "inferred"},
    {"anything else", "utf8", NULL, "also where the values of a column differ in kind"},
    {"any", "any", NULL,
     "given with --types, --cast or --schema-from: texts as the table below has them, and a "
     "little more generously"},
    {NULL, NULL, NULL, NULL},
};

const struct leat_type_out lt_csv_types_out[] = {
    {"null", "the null text", "the empty field, or what --null says"},
    {"bool", "true, false", NULL},
    {"int8 ... uint64", "-5", NULL},
    {"float16, float32, float64", "0.1", "shortest text that reads back; NaN, Infinity, -Infinity"},
    {"decimal", "123.40", "with all digits of its scale"},
    {"numeric", "123.4", "as its source wrote it; NaN and infinities too"},
    {"utf8", "text", "in quotes where it needs them; the empty text is \"\""},
    {"binary", "\\x00ff", "hexadecimal"},
    {"json", "the JSON text", NULL},
    {"uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "lower case"},
    {"date", "2024-02-29", "years past 9999 and before 0000 with a sign"},
    {"time", "13:14:15.5", "fractions only where they are not zero"},
    {"timestamp", "2024-02-29 13:14:15.5", NULL},
    {"timestamptz", "2024-02-29 13:14:15.5Z", "in UTC"},
    {"duration", "PT5S", "ISO 8601"},
    {"interval", "P1Y2M3DT4H5M6.7S", "ISO 8601"},
    {"list", "[1,2]", "JSON; JSON's own null in list<json> does not fit"},
    {"struct", "{\"a\":1}", "JSON"},
    {"map", "JSON", NULL},
    {"text(SYSTEM:TYPE)", "text", "comes back as text, as the type with --schema-from"},
    {NULL, NULL, NULL},
};
