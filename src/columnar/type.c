/* Canonical types: their tables, and reading an ArrowSchema field.
 *
 * Formats are those of "The Arrow C data interface", section "Data type description". */
#include "columnar/type.h"

#include "columnar/schema.h"
#include "columnar/type_tables.h"
#include "core/codes.h"
#include "core/util.h"

const struct lt_simple_type lt_simple_types[] = {
    {"null", "n", LT_NULL, 0, false},
    {"bool", "b", LT_BOOL, 0, false},
    {"int8", "c", LT_INT8, 0, false},
    {"int16", "s", LT_INT16, 0, false},
    {"int32", "i", LT_INT32, 0, false},
    {"int64", "l", LT_INT64, 0, false},
    {"uint8", "C", LT_UINT8, 0, false},
    {"uint16", "S", LT_UINT16, 0, false},
    {"uint32", "I", LT_UINT32, 0, false},
    {"uint64", "L", LT_UINT64, 0, false},
    {"float16", "e", LT_FLOAT16, 0, false},
    {"float32", "f", LT_FLOAT32, 0, false},
    {"float64", "g", LT_FLOAT64, 0, false},
    {"utf8", "u", LT_UTF8, 0, false},
    {"large_utf8", "U", LT_LARGE_UTF8, 0, false},
    {"utf8_view", "vu", LT_UTF8_VIEW, 0, false},
    {"binary", "z", LT_BINARY, 0, false},
    {"large_binary", "Z", LT_LARGE_BINARY, 0, false},
    {"binary_view", "vz", LT_BINARY_VIEW, 0, false},
    {"date", "tdD", LT_DATE32, 0, false},
    {"date64", "tdm", LT_DATE64, LT_MILLI, false},
    {"time", "ttu", LT_TIME64, LT_MICRO, false},
    {"time(s)", "tts", LT_TIME32, LT_SECOND, false},
    {"time(ms)", "ttm", LT_TIME32, LT_MILLI, false},
    {"time(ns)", "ttn", LT_TIME64, LT_NANO, false},
    {"timestamp", "tsu:", LT_TIMESTAMP, LT_MICRO, false},
    {"timestamp(s)", "tss:", LT_TIMESTAMP, LT_SECOND, false},
    {"timestamp(ms)", "tsm:", LT_TIMESTAMP, LT_MILLI, false},
    {"timestamp(ns)", "tsn:", LT_TIMESTAMP, LT_NANO, false},
    {"timestamptz", "tsu:UTC", LT_TIMESTAMP, LT_MICRO, true},
    {"timestamptz(s)", "tss:UTC", LT_TIMESTAMP, LT_SECOND, true},
    {"timestamptz(ms)", "tsm:UTC", LT_TIMESTAMP, LT_MILLI, true},
    {"timestamptz(ns)", "tsn:UTC", LT_TIMESTAMP, LT_NANO, true},
    {"duration", "tDu", LT_DURATION, LT_MICRO, false},
    {"duration(s)", "tDs", LT_DURATION, LT_SECOND, false},
    {"duration(ms)", "tDm", LT_DURATION, LT_MILLI, false},
    {"duration(ns)", "tDn", LT_DURATION, LT_NANO, false},
    {"interval", "tin", LT_INTERVAL, 0, false},
    {"interval_months", "tiM", LT_INTERVAL_MONTHS, 0, false},
    {"interval_day_time", "tiD", LT_INTERVAL_DAY_TIME, 0, false},
    {0},
};

const struct lt_logical_type lt_logical_types[] = {
    {"json", LT_JSON, "u", LT_META_EXTENSION, "arrow.json"},
    {"uuid", LT_UUID, "w:16", LT_META_EXTENSION, "arrow.uuid"},
    {"numeric", LT_NUMERIC, "u", LT_META_NUMERIC, "1"},
    {0},
};

static const int32_t type_widths[LT_TYPES_N] = {
#define WIDTH(name, text, width) [LT_##name] = (width),
    LT_TYPE_MAP(WIDTH)
#undef WIDTH
};

const struct lt_decimal_type lt_decimal_types[] = {
    {LT_DECIMAL32, 32, 9, "decimal32"},
    {LT_DECIMAL64, 64, 18, "decimal64"},
    {LT_DECIMAL128, 128, 38, "decimal"},
    {LT_DECIMAL256, 256, 76, NULL},
    {0},
};

bool lt_type_is_integer(enum lt_type_id id)
{
    return id >= LT_INT8 && id <= LT_UINT64;
}

bool lt_type_is_nested(enum lt_type_id id)
{
    return id >= LT_LIST && id <= LT_MAP;
}

bool lt_type_is_varlen(enum lt_type_id id)
{
    return id == LT_UTF8 || id == LT_LARGE_UTF8 || id == LT_BINARY || id == LT_LARGE_BINARY;
}

bool lt_type_is_text(enum lt_type_id id)
{
    return id == LT_UTF8 || id == LT_LARGE_UTF8 || id == LT_UTF8_VIEW;
}
bool lt_type_number(const char **at, int32_t *ret_value)
{
    const char *p = *at;
    bool negative = *p == '-';
    p += negative;
    int64_t value = 0;
    const char *digits = p;
    while (*p >= '0' && *p <= '9' && value <= INT32_MAX) {
        value = value * 10 + (*p++ - '0');
    }
    if (p == digits || value > INT32_MAX) {
        return false;
    }
    *ret_value = (int32_t)(negative ? -value : value);
    *at = p;
    return true;
}

static int malformed(const struct ArrowSchema *field, struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "malformed Arrow format \"%.64s\"", field->format);
}

/* d:precision,scale[,bits] */
static bool read_decimal(const char *at, struct lt_type *type)
{
    int32_t bits = 128;
    if (!lt_type_number(&at, &type->precision) || *at++ != ',' ||
        !lt_type_number(&at, &type->scale) || (*at == ',' && (at++, !lt_type_number(&at, &bits))) ||
        *at) {
        return false;
    }
    if (type->scale < -LT_DECIMAL_SCALE_MAX || type->scale > LT_DECIMAL_SCALE_MAX) {
        return false;
    }
    for (const struct lt_decimal_type *row = lt_decimal_types; row->id; row++) {
        if (row->bits == bits) {
            type->id = row->id;
            return type->precision >= 1 && type->precision <= row->precision_max;
        }
    }
    return false;
}

static bool read_width(const char *at, struct lt_type *type, enum lt_type_id id)
{
    type->id = id;
    return lt_type_number(&at, &type->width) && !*at && type->width >= 0;
}

static bool read_timestamp(const char *at, struct lt_type *type)
{
    static const char units[] = "smun";
    const char *unit = *at ? strchr(units, *at) : NULL;
    if (!unit || at[1] != ':') {
        return false;
    }
    type->id = LT_TIMESTAMP;
    type->unit = (enum lt_unit)(unit - units);
    type->zone = at + 2;
    return true;
}

/* The storage of one format string, dictionary or not. */
static int read_format(const struct ArrowSchema *field, struct lt_type *type,
                       struct leat_error *err)
{
    static const struct {
        const char *prefix, *what;
    } refused[] = {{"+ud:", "unions"},
                   {"+us:", "unions"},
                   {"+r", "run-end encoding"},
                   {"+vl", "list views"},
                   {"+vL", "list views"}};
    static const struct lt_simple_type nested[] = {
        {NULL, "+l", LT_LIST, 0, false},
        {NULL, "+L", LT_LARGE_LIST, 0, false},
        {NULL, "+s", LT_STRUCT, 0, false},
        {NULL, "+m", LT_MAP, 0, false},
    };
    const char *format = field->format;
    bool found = false;
    if (!strncmp(format, "d:", 2)) {
        found = read_decimal(format + 2, type);
    } else if (!strncmp(format, "w:", 2)) {
        found = read_width(format + 2, type, LT_FIXED_BINARY);
    } else if (!strncmp(format, "+w:", 3)) {
        found = read_width(format + 3, type, LT_FIXED_LIST);
    } else if (!strncmp(format, "ts", 2)) {
        found = read_timestamp(format + 2, type);
    }
    for (const struct lt_simple_type *row = lt_simple_types; !found && row->name; row++) {
        if (row->id != LT_TIMESTAMP && !strcmp(format, row->format)) {
            type->id = row->id;
            type->unit = row->unit;
            found = true;
        }
    }
    for (size_t i = 0; !found && i < LT_ARRAY_LEN(nested); i++) {
        if (!strcmp(format, nested[i].format)) {
            type->id = nested[i].id;
            found = true;
        }
    }
    if (found) {
        if (type->id != LT_FIXED_BINARY && type->id != LT_FIXED_LIST) {
            type->width = type_widths[type->id];
        }
        return LEAT_OK;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(refused); i++) {
        if (!strncmp(format, refused[i].prefix, strlen(refused[i].prefix))) {
            return lt_fail(err, LT_E_UNSUPPORTED, "leat does not read Arrow %s", refused[i].what);
        }
    }
    return malformed(field, err);
}

/* LT_PLAIN where the metadata says nothing, or does not go with the storage. */
static enum lt_logical read_logical(const struct ArrowSchema *field, enum lt_type_id storage,
                                    int32_t width)
{
    if (!field->metadata) {
        return LT_PLAIN;
    }
    bool text = lt_type_is_text(storage);
    if (text && lt_schema_meta_is(field, LT_META_EXTENSION, "arrow.json")) {
        return LT_JSON;
    }
    if (storage == LT_FIXED_BINARY && width == 16 &&
        lt_schema_meta_is(field, LT_META_EXTENSION, "arrow.uuid")) {
        return LT_UUID;
    }
    if (text && lt_schema_meta_is(field, LT_META_NUMERIC, "1")) {
        return LT_NUMERIC;
    }
    if ((text || lt_type_is_varlen(storage) || storage == LT_BINARY_VIEW) &&
        lt_schema_meta(field, LT_META_SOURCE_TYPE, NULL)) {
        return LT_FOREIGN;
    }
    return LT_PLAIN;
}

/* Children there, and as many as the type has; what they are is theirs to say. */
static int check_children(const struct ArrowSchema *field, const struct lt_type *type,
                          struct leat_error *err)
{
    int64_t n = type->id == LT_STRUCT ? field->n_children : lt_type_is_nested(type->id) ? 1 : 0;
    bool fine = field->n_children == n && n >= 0 && (!n || field->children);
    for (int64_t i = 0; fine && i < n; i++) {
        fine = field->children[i] && field->children[i]->format;
    }
    if (fine && type->id == LT_MAP) {
        const struct ArrowSchema *entries = field->children[0];
        fine = !strcmp(entries->format, "+s") && entries->n_children == 2 && !entries->dictionary;
    }
    if (!fine) {
        return lt_fail(err, LT_E_CORRUPT,
                       "a field of Arrow format \"%.64s\" has not the children it must have",
                       field->format);
    }
    return LEAT_OK;
}

int lt_type_of(const struct ArrowSchema *field, struct lt_type *ret_type, struct leat_error *err)
{
    if (!field || !field->format) {
        return lt_fail(err, LT_E_CORRUPT, "a field of the schema has no format");
    }
    struct lt_type type = {.zone = "", .nullable = field->flags & ARROW_FLAG_NULLABLE};
    int status = read_format(field, &type, err);
    if (!status) {
        status = check_children(field, &type, err);
    }
    if (status) {
        return status;
    }
    if (field->dictionary) {
        struct lt_type values = {.zone = ""};
        if (!lt_type_is_integer(type.id) || !field->dictionary->format) {
            return lt_fail(err, LT_E_CORRUPT, "the indexes of a dictionary are not integers");
        }
        status = read_format(field->dictionary, &values, err);
        if (status) {
            return status;
        }
        type.id = LT_DICTIONARY;
        type.logical = read_logical(field, values.id, values.width);
        if (type.logical == LT_PLAIN) {
            type.logical = read_logical(field->dictionary, values.id, values.width);
        }
    } else {
        type.logical = read_logical(field, type.id, type.width);
    }
    *ret_type = type;
    return LEAT_OK;
}
