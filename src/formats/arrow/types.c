/* Which canonical type each Arrow type is, and back, for the documentation: field.c and batch.c
 * know the layouts. */
#include "formats/arrow/arrow.h"

const struct leat_type_in lt_ipc_types_in[] = {
    {"null", "null", NULL, NULL},
    {"bool", "bool", NULL, NULL},
    {"int8 ... uint64", "the same", NULL, NULL},
    {"halffloat, float, double", "float16, float32, float64", NULL, NULL},
    {"decimal32 ... decimal256", "decimal($1,$2)", NULL, NULL},
    {"utf8, large_utf8, utf8_view", "utf8", NULL,
     "json with the extension arrow.json; numeric, or the source's own type, where the field's "
     "metadata says so"},
    {"binary, large_binary, binary_view", "binary", NULL, NULL},
    {"fixed_size_binary", "binary($1)", NULL, "uuid with the extension arrow.uuid"},
    {"date32, date64", "date", NULL, NULL},
    {"time32, time64", "time", NULL, "in the file's unit"},
    {"timestamp", "timestamp", NULL, "in the file's unit"},
    {"timestamp with a time zone", "timestamptz", NULL, "the moment is kept, the zone's name not"},
    {"duration", "duration", NULL, "in the file's unit"},
    {"interval", "interval", NULL, "of all three kinds"},
    {"list, large_list, fixed_size_list", "list<$1>", NULL, NULL},
    {"struct", "struct<...>", NULL, NULL},
    {"map", "map<$1, $2>", NULL, NULL},
    {"dictionary", "the type of its values", NULL, NULL},
    {"union, run_end_encoded, list_view", "refused", NULL, "by name, before a record is read"},
    {NULL, NULL, NULL, NULL},
};

const struct leat_type_out lt_ipc_types_out[] = {
    {"null", "null", NULL},
    {"bool", "bool", NULL},
    {"int8 ... uint64", "the same", NULL},
    {"float16, float32, float64", "halffloat, float, double", NULL},
    {"decimal", "decimal128", "decimal256 for more than 38 digits"},
    {"numeric", "utf8", "with the metadata leat.numeric"},
    {"utf8", "utf8", NULL},
    {"binary", "binary, fixed_size_binary", NULL},
    {"json", "utf8", "extension arrow.json"},
    {"uuid", "fixed_size_binary(16)", "extension arrow.uuid"},
    {"date", "date32", NULL},
    {"time", "time32, time64", NULL},
    {"timestamp", "timestamp", NULL},
    {"timestamptz", "timestamp, UTC", NULL},
    {"duration", "duration", NULL},
    {"interval", "interval_month_day_nano", NULL},
    {"list", "list", NULL},
    {"struct", "struct", NULL},
    {"map", "map", NULL},
    {"text(SYSTEM:TYPE)", "utf8", "with the metadata leat.source_type: a copy back restores it"},
    {NULL, NULL, NULL},
};
