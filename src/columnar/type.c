/* Canonical types: reading an ArrowSchema field, and type names both ways.
 *
 * Formats are those of "The Arrow C data interface", section "Data type description". */
#include "columnar/type.h"

#include "columnar/schema.h"
#include "core/codes.h"
#include "core/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define DECIMAL_SCALE_MAX 76

/* Types without parameters, and those whose only parameter is a time unit. */
struct simple_type {
    const char *name;
    const char *format;
    enum lt_type_id id;
    enum lt_unit unit;
    bool zoned;
};

static const struct simple_type simple_types[] = {
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
};

/* Types of meaning: a storage format and one piece of metadata. */
struct logical_type {
    const char *name;
    enum lt_logical logical;
    const char *format;
    const char *key, *value;
};

static const struct logical_type logical_types[] = {
    {"json", LT_JSON, "u", LT_META_EXTENSION, "arrow.json"},
    {"uuid", LT_UUID, "w:16", LT_META_EXTENSION, "arrow.uuid"},
    {"numeric", LT_NUMERIC, "u", LT_META_NUMERIC, "1"},
};

static const struct {
    const char *alias, *name;
} aliases[] = {
    {"int", "int32"},       {"integer", "int32"},      {"bigint", "int64"}, {"smallint", "int16"},
    {"float", "float64"},   {"double", "float64"},     {"real", "float32"}, {"text", "utf8"},
    {"string", "utf8"},     {"varchar", "utf8"},       {"bytes", "binary"}, {"boolean", "bool"},
    {"decimal", "numeric"}, {"datetime", "timestamp"},
};

static const int32_t type_widths[LT_TYPES_N] = {
#define WIDTH(name, text, width) [LT_##name] = (width),
    LT_TYPE_MAP(WIDTH)
#undef WIDTH
};

static const struct {
    enum lt_type_id id;
    int32_t bits, precision_max;
    const char *name; /* NULL: chosen by precision */
} decimals[] = {
    {LT_DECIMAL32, 32, 9, "decimal32"},
    {LT_DECIMAL64, 64, 18, "decimal64"},
    {LT_DECIMAL128, 128, 38, "decimal"},
    {LT_DECIMAL256, 256, 76, NULL},
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

/* --- reading a field ------------------------------------------------------------------------ */

/* Reads a decimal number and steps over it; false when there is none or it is past int32. */
static bool read_i32(const char **at, int32_t *ret_value)
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
    if (!read_i32(&at, &type->precision) || *at++ != ',' || !read_i32(&at, &type->scale) ||
        (*at == ',' && (at++, !read_i32(&at, &bits))) || *at) {
        return false;
    }
    if (type->scale < -DECIMAL_SCALE_MAX || type->scale > DECIMAL_SCALE_MAX) {
        return false;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(decimals); i++) {
        if (decimals[i].bits == bits) {
            type->id = decimals[i].id;
            return type->precision >= 1 && type->precision <= decimals[i].precision_max;
        }
    }
    return false;
}

static bool read_width(const char *at, struct lt_type *type, enum lt_type_id id)
{
    type->id = id;
    return read_i32(&at, &type->width) && !*at && type->width >= 0;
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
    static const struct simple_type nested[] = {
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
    for (size_t i = 0; !found && i < LT_ARRAY_LEN(simple_types); i++) {
        if (simple_types[i].id != LT_TIMESTAMP && !strcmp(format, simple_types[i].format)) {
            type->id = simple_types[i].id;
            type->unit = simple_types[i].unit;
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

/* --- printing ------------------------------------------------------------------------------- */

static int print_depth(const struct ArrowSchema *field, int depth, struct lt_buf *out);

static bool is_word_byte(unsigned char c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

/* "..." with quotes inside doubled. */
static int print_quoted(const char *text, size_t len, struct lt_buf *out)
{
    int status = lt_buf_byte(out, '"');
    for (size_t i = 0; !status && i < len; i++) {
        if (text[i] == '"') {
            status = lt_buf_byte(out, '"');
        }
        if (!status) {
            status = lt_buf_byte(out, (uint8_t)text[i]);
        }
    }
    return status ? status : lt_buf_byte(out, '"');
}

static int print_field_name(const char *name, struct lt_buf *out)
{
    size_t len = strlen(name);
    bool plain = len > 0;
    for (size_t i = 0; i < len; i++) {
        plain = plain && is_word_byte((unsigned char)name[i]);
    }
    return plain ? lt_buf_append(out, name, len) : print_quoted(name, len, out);
}

/* text(<source type>), or binary(...): quoted when the bare form would read as something else. */
static int print_foreign(const struct ArrowSchema *field, bool text, struct lt_buf *out)
{
    size_t len;
    const char *source = lt_schema_meta(field, LT_META_SOURCE_TYPE, &len);
    int depth = 0;
    bool plain = len && source[0] != '"' && !isspace((unsigned char)source[0]) &&
                 !isspace((unsigned char)source[len - 1]);
    bool digits = true;
    for (size_t i = 0; plain && i < len; i++) {
        depth += source[i] == '(' ? 1 : source[i] == ')' ? -1 : 0;
        digits = digits && (isdigit((unsigned char)source[i]) || source[i] == '-');
        plain = depth >= 0 && source[i];
    }
    if (lt_buf_puts(out, text ? "text(" : "binary(") ||
        (plain && !depth && !digits ? lt_buf_append(out, source, len)
                                    : print_quoted(source, len, out))) {
        return LEAT_NO_MEMORY;
    }
    return lt_buf_byte(out, ')');
}

static int print_struct(const struct ArrowSchema *field, int depth, struct lt_buf *out)
{
    int status = lt_buf_puts(out, "struct<");
    for (int64_t i = 0; !status && i < field->n_children; i++) {
        const struct ArrowSchema *child = field->children[i];
        status = i ? lt_buf_puts(out, ", ") : LEAT_OK;
        if (!status) {
            status = print_field_name(child->name ? child->name : "", out);
        }
        if (!status) {
            status = lt_buf_puts(out, ": ");
        }
        if (!status) {
            status = print_depth(child, depth + 1, out);
        }
    }
    return status ? status : lt_buf_byte(out, '>');
}

static int print_nested(const struct ArrowSchema *field, const struct lt_type *type, int depth,
                        struct lt_buf *out)
{
    if (type->id == LT_STRUCT) {
        return print_struct(field, depth, out);
    }
    int status;
    if (type->id == LT_MAP) {
        const struct ArrowSchema *entries = field->children[0];
        status = lt_type_of(entries, &(struct lt_type){0}, NULL);
        if (status || (status = lt_buf_puts(out, "map<")) ||
            (status = print_depth(entries->children[0], depth + 2, out)) ||
            (status = lt_buf_puts(out, ", ")) ||
            (status = print_depth(entries->children[1], depth + 2, out))) {
            return status;
        }
        return lt_buf_byte(out, '>');
    }
    const char *opening = type->id == LT_LIST         ? "list<"
                          : type->id == LT_LARGE_LIST ? "large_list<"
                                                      : "fixed_list<";
    if ((status = lt_buf_puts(out, opening)) ||
        (status = print_depth(field->children[0], depth + 1, out))) {
        return status;
    }
    return type->id == LT_FIXED_LIST ? lt_buf_printf(out, ", %d>", (int)type->width)
                                     : lt_buf_byte(out, '>');
}

static int print_decimal(const struct lt_type *type, struct lt_buf *out)
{
    const char *name = type->precision > 38 ? "decimal" : "decimal256";
    for (size_t i = 0; i < LT_ARRAY_LEN(decimals); i++) {
        if (decimals[i].id == type->id && decimals[i].name) {
            name = decimals[i].name;
        }
    }
    return lt_buf_printf(out, "%s(%d,%d)", name, (int)type->precision, (int)type->scale);
}

static int print_depth(const struct ArrowSchema *field, int depth, struct lt_buf *out)
{
    struct lt_type type;
    if (depth > LT_TYPE_DEPTH_MAX) {
        return LEAT_NO_MEMORY;
    }
    int status = lt_type_of(field, &type, NULL);
    if (status) {
        return status;
    }
    if (type.id == LT_DICTIONARY) {
        const struct ArrowSchema *values = field->dictionary;
        enum lt_logical logical = type.logical;
        status = lt_type_of(values, &type, NULL);
        if (status || logical == LT_PLAIN) {
            return status ? status : print_depth(values, depth + 1, out);
        }
        type.logical = logical;
        field = lt_schema_meta(field, LT_META_SOURCE_TYPE, NULL) ? field : values;
    }
    if (type.logical == LT_FOREIGN) {
        return print_foreign(field, lt_type_is_text(type.id), out);
    }
    for (size_t i = 0; type.logical && i < LT_ARRAY_LEN(logical_types); i++) {
        if (logical_types[i].logical == type.logical) {
            return lt_buf_puts(out, logical_types[i].name);
        }
    }
    if (lt_type_is_nested(type.id)) {
        return print_nested(field, &type, depth, out);
    }
    if (type.precision) {
        return print_decimal(&type, out);
    }
    if (type.id == LT_FIXED_BINARY) {
        return lt_buf_printf(out, "binary(%d)", (int)type.width);
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(simple_types); i++) {
        const struct simple_type *simple = &simple_types[i];
        if (simple->id == type.id && simple->unit == type.unit &&
            simple->zoned == (type.zone[0] != 0)) {
            return lt_buf_puts(out, simple->name);
        }
    }
    return LEAT_INTERNAL;
}

int lt_type_print(const struct ArrowSchema *field, struct lt_buf *out)
{
    size_t len = out->len;
    int status = print_depth(field, 0, out);
    if (status && out->data) {
        out->len = len;
        out->data[len] = 0;
    }
    return status;
}

/* --- parsing -------------------------------------------------------------------------------- */

#define WORD_MAX 32

struct parser {
    const char *text;
    const char *at;
    int depth;
    struct leat_error *err;
};

static int parse_type(struct parser *parser, struct ArrowSchema *ret_field);

static int parse_fail(struct parser *parser, const char *what)
{
    return lt_fail(parser->err, LT_E_INVALID, "type \"%.200s\": expected %s at character %zu",
                   parser->text, what, (size_t)(parser->at - parser->text) + 1);
}

static void skip_blanks(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at)) {
        parser->at++;
    }
}

static bool take(struct parser *parser, char c)
{
    skip_blanks(parser);
    if (*parser->at != c) {
        return false;
    }
    parser->at++;
    return true;
}

/* A lower-cased type word; false when there is none, or one longer than any we know. */
static bool take_word(struct parser *parser, char word[WORD_MAX])
{
    skip_blanks(parser);
    size_t len = 0;
    const char *p = parser->at;
    while (isalnum((unsigned char)*p) || *p == '_') {
        if (len + 1 >= WORD_MAX) {
            return false;
        }
        word[len++] = (char)tolower((unsigned char)*p++);
    }
    word[len] = 0;
    if (len) {
        parser->at = p;
    }
    return len > 0;
}

static int take_number(struct parser *parser, int32_t *ret_value)
{
    skip_blanks(parser);
    return read_i32(&parser->at, ret_value) ? LEAT_OK : parse_fail(parser, "a number");
}

static int expect(struct parser *parser, char c, const char *what)
{
    return take(parser, c) ? LEAT_OK : parse_fail(parser, what);
}

/* A text in double quotes, which the caller has seen, appended to `out`. */
static int take_quoted(struct parser *parser, struct lt_buf *out)
{
    const char *p = parser->at + 1;
    for (; *p; p++) {
        if (*p == '"' && *++p != '"') {
            parser->at = p;
            return LEAT_OK;
        }
        if (lt_buf_byte(out, (uint8_t)*p)) {
            return lt_fail_oom(parser->err);
        }
    }
    return parse_fail(parser, "a text whose quotes close");
}

static int unknown_type(struct parser *parser, const char *word, const char *start)
{
    const char *
        names[LT_ARRAY_LEN(simple_types) + LT_ARRAY_LEN(logical_types) + LT_ARRAY_LEN(aliases) + 8];
    size_t n = 0;
    for (size_t i = 0; i < LT_ARRAY_LEN(simple_types); i++) {
        names[n++] = simple_types[i].name;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(logical_types); i++) {
        names[n++] = logical_types[i].name;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(aliases); i++) {
        names[n++] = aliases[i].alias;
    }
    names[n++] = "list";
    names[n++] = "large_list";
    names[n++] = "fixed_list";
    names[n++] = "struct";
    names[n++] = "map";
    names[n] = NULL;
    int status = lt_fail(parser->err, LT_E_INVALID,
                         "unknown type \"%s\" at character %zu of "
                         "\"%.200s\"",
                         word, (size_t)(start - parser->text) + 1, parser->text);
    const char *closest = lt_closest(word, names);
    if (closest) {
        leat_error_remedy(parser->err, "did you mean %s?", closest);
    }
    return status;
}

/* A leaf with one piece of metadata. */
static int make_tagged(struct parser *parser, const char *format, const char *key,
                       const char *value, struct ArrowSchema *ret_field)
{
    struct ArrowSchema field;
    int status = lt_schema_init(&field, format, "", parser->err);
    if (status) {
        return status;
    }
    status = lt_schema_set_meta(&field, key, value, parser->err);
    if (!status && !strcmp(key, LT_META_EXTENSION)) {
        status = lt_schema_set_meta(&field, LT_META_EXTENSION_DATA, "", parser->err);
    }
    if (status) {
        lt_schema_done(&field);
        return status;
    }
    *ret_field = field;
    return LEAT_OK;
}

/* A type that has a row in one of the tables. */
static int make_named(struct parser *parser, const char *name, const char *start,
                      struct ArrowSchema *ret_field)
{
    const char *known = name;
    for (size_t i = 0; i < LT_ARRAY_LEN(aliases); i++) {
        if (!strcmp(name, aliases[i].alias)) {
            known = aliases[i].name;
        }
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(simple_types); i++) {
        if (!strcmp(known, simple_types[i].name)) {
            return lt_schema_init(ret_field, simple_types[i].format, "", parser->err);
        }
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(logical_types); i++) {
        const struct logical_type *logical = &logical_types[i];
        if (!strcmp(known, logical->name)) {
            return make_tagged(parser, logical->format, logical->key, logical->value, ret_field);
        }
    }
    return unknown_type(parser, name, start);
}

/* decimal(p[,s]) after the parenthesis. */
static int parse_decimal(struct parser *parser, const char *word, struct ArrowSchema *ret_field)
{
    int32_t precision, scale = 0;
    int status = take_number(parser, &precision);
    if (!status && take(parser, ',')) {
        status = take_number(parser, &scale);
    }
    if (!status) {
        status = expect(parser, ')', "\")\"");
    }
    if (status) {
        return status;
    }
    int32_t bits = precision > 38 ? 256 : 128;
    int32_t precision_max = 76;
    if (!strcmp(word, "decimal256")) {
        bits = 256;
    }
    for (size_t i = 0; i < 2; i++) {
        if (!strcmp(word, decimals[i].name)) {
            bits = decimals[i].bits;
            precision_max = decimals[i].precision_max;
        }
    }
    if (precision < 1 || precision > precision_max || scale < -DECIMAL_SCALE_MAX ||
        scale > DECIMAL_SCALE_MAX) {
        return lt_fail(parser->err, LT_E_INVALID,
                       "%s takes a precision from 1 to %d and a scale of at most %d", word,
                       (int)precision_max, DECIMAL_SCALE_MAX);
    }
    char format[64];
    if (bits == 128) {
        snprintf(format, sizeof format, "d:%d,%d", (int)precision, (int)scale);
    } else {
        snprintf(format, sizeof format, "d:%d,%d,%d", (int)precision, (int)scale, (int)bits);
    }
    return lt_schema_init(ret_field, format, "", parser->err);
}

/* text(<source type>) and binary(<source type>) after the parenthesis: up to the one that
 * closes it. */
static int parse_foreign(struct parser *parser, const char *format, struct ArrowSchema *ret_field)
{
    struct lt_buf source = LT_BUF_INIT;
    int status = LEAT_OK;
    skip_blanks(parser);
    if (*parser->at == '"') {
        status = take_quoted(parser, &source);
    } else {
        const char *start = parser->at, *p = start;
        for (int depth = 0; *p && (*p != ')' || depth); p++) {
            depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        }
        parser->at = p;
        while (p > start && isspace((unsigned char)p[-1])) {
            p--;
        }
        if (lt_buf_append(&source, start, (size_t)(p - start))) {
            status = lt_fail_oom(parser->err);
        }
    }
    if (!status) {
        status = expect(parser, ')', "\")\"");
    }
    if (!status && !source.len) {
        status = parse_fail(parser, "a source type in the parentheses");
    }
    if (!status) {
        status = make_tagged(parser, format, LT_META_SOURCE_TYPE, lt_buf_text(&source), ret_field);
    }
    lt_buf_done(&source);
    return status;
}

/* word(...), after the parenthesis. */
static int parse_parameters(struct parser *parser, const char *word, const char *start,
                            struct ArrowSchema *ret_field)
{
    if (!strncmp(word, "decimal", 7) || !strcmp(word, "numeric")) {
        return strcmp(word, "numeric") && strcmp(word, "decimal") && strcmp(word, "decimal32") &&
                       strcmp(word, "decimal64") && strcmp(word, "decimal256")
                   ? unknown_type(parser, word, start)
                   : parse_decimal(parser, word, ret_field);
    }
    if (!strcmp(word, "text")) {
        return parse_foreign(parser, "u", ret_field);
    }
    if (!strcmp(word, "binary")) {
        const char *back = parser->at;
        int32_t width;
        skip_blanks(parser);
        if (read_i32(&parser->at, &width) && take(parser, ')')) {
            if (width < 0) {
                parser->at = back;
                return parse_fail(parser, "a width");
            }
            char format[32];
            snprintf(format, sizeof format, "w:%d", (int)width);
            return lt_schema_init(ret_field, format, "", parser->err);
        }
        parser->at = back;
        return parse_foreign(parser, "z", ret_field);
    }
    char unit[WORD_MAX], name[2 * WORD_MAX + 3];
    if (!take_word(parser, unit)) {
        return parse_fail(parser, "a unit (s, ms, us or ns)");
    }
    int status = expect(parser, ')', "\")\"");
    if (status) {
        return status;
    }
    bool micro = !strcmp(unit, "us") && (!strcmp(word, "time") || !strcmp(word, "timestamp") ||
                                         !strcmp(word, "timestamptz") || !strcmp(word, "duration"));
    if (micro) {
        snprintf(name, sizeof name, "%s", word);
    } else {
        snprintf(name, sizeof name, "%s(%s)", word, unit);
    }
    return make_named(parser, name, start, ret_field);
}

/* Parses a type, names it and appends it to `parent`. */
static int parse_child(struct parser *parser, struct ArrowSchema *parent, const char *name,
                       bool nullable)
{
    struct ArrowSchema child;
    int status = parse_type(parser, &child);
    if (status) {
        return status;
    }
    child.flags = nullable ? ARROW_FLAG_NULLABLE : 0;
    status = lt_schema_set_name(&child, name, parser->err);
    if (!status) {
        status = lt_schema_add(parent, &child, parser->err);
    }
    if (status) {
        lt_schema_done(&child);
    }
    return status;
}

/* name: T, ... up to the closing bracket */
static int parse_fields(struct parser *parser, struct ArrowSchema *field)
{
    if (take(parser, '>')) {
        return LEAT_OK;
    }
    struct lt_buf name = LT_BUF_INIT;
    int status;
    do {
        lt_buf_clear(&name);
        skip_blanks(parser);
        const char *p = parser->at;
        if (*p == '"') {
            status = take_quoted(parser, &name);
        } else {
            while (is_word_byte((unsigned char)*p)) {
                p++;
            }
            status = p == parser->at ? parse_fail(parser, "a field name") : LEAT_OK;
            if (!status && lt_buf_append(&name, parser->at, (size_t)(p - parser->at))) {
                status = lt_fail_oom(parser->err);
            }
            parser->at = p;
        }
        if (!status) {
            status = expect(parser, ':', "\":\"");
        }
        if (!status) {
            status = parse_child(parser, field, lt_buf_text(&name), true);
        }
    } while (!status && take(parser, ','));
    lt_buf_done(&name);
    return status ? status : expect(parser, '>', "\",\" or \">\"");
}

static int parse_map(struct parser *parser, struct ArrowSchema *field)
{
    struct ArrowSchema *entries;
    int status = lt_schema_add_field(field, "+s", "entries", 0, &entries, parser->err);
    if (!status) {
        status = parse_child(parser, entries, "key", false);
    }
    if (!status) {
        status = expect(parser, ',', "\",\"");
    }
    if (!status) {
        status = parse_child(parser, entries, "value", true);
    }
    return status ? status : expect(parser, '>', "\">\"");
}

static int parse_list(struct parser *parser, bool fixed, struct ArrowSchema *field)
{
    int status = parse_child(parser, field, "item", true);
    if (!status && fixed) {
        int32_t width;
        char format[32];
        status = expect(parser, ',', "\",\" and the number of elements");
        if (!status) {
            status = take_number(parser, &width);
        }
        if (!status && width < 0) {
            status = parse_fail(parser, "a number of elements");
        }
        if (!status) {
            snprintf(format, sizeof format, "+w:%d", (int)width);
            status = lt_schema_set_format(field, format, parser->err);
        }
    }
    return status ? status : expect(parser, '>', "\">\"");
}

/* After word and bracket. */
static int parse_nested(struct parser *parser, const char *word, const char *start,
                        struct ArrowSchema *ret_field)
{
    static const struct {
        const char *word, *format;
    } kinds[] = {{"list", "+l"},
                 {"large_list", "+L"},
                 {"fixed_list", "+w:0"},
                 {"struct", "+s"},
                 {"map", "+m"}};
    const char *format = NULL;
    for (size_t i = 0; i < LT_ARRAY_LEN(kinds); i++) {
        if (!strcmp(word, kinds[i].word)) {
            format = kinds[i].format;
        }
    }
    if (!format) {
        return unknown_type(parser, word, start);
    }
    struct ArrowSchema field;
    int status = lt_schema_init(&field, format, "", parser->err);
    if (status) {
        return status;
    }
    switch (format[1]) {
    case 's':
        status = parse_fields(parser, &field);
        break;
    case 'm':
        status = parse_map(parser, &field);
        break;
    default:
        status = parse_list(parser, format[1] == 'w', &field);
        break;
    }
    if (status) {
        lt_schema_done(&field);
        return status;
    }
    *ret_field = field;
    return LEAT_OK;
}

static int parse_type(struct parser *parser, struct ArrowSchema *ret_field)
{
    char word[WORD_MAX];
    skip_blanks(parser);
    const char *start = parser->at;
    if (!take_word(parser, word)) {
        return parse_fail(parser, "a type name");
    }
    if (parser->depth >= LT_TYPE_DEPTH_MAX) {
        return lt_fail(parser->err, LT_E_INVALID, "types nest deeper than %d levels",
                       LT_TYPE_DEPTH_MAX);
    }
    parser->depth++;
    int status;
    if (take(parser, '<')) {
        status = parse_nested(parser, word, start, ret_field);
    } else if (take(parser, '(')) {
        status = parse_parameters(parser, word, start, ret_field);
    } else {
        status = make_named(parser, word, start, ret_field);
    }
    parser->depth--;
    return status;
}

int lt_type_parse(const char *text, struct ArrowSchema *ret_field, struct leat_error *err)
{
    struct parser parser = {.text = text, .at = text, .err = err};
    struct ArrowSchema field;
    int status = parse_type(&parser, &field);
    if (status) {
        return status;
    }
    skip_blanks(&parser);
    if (*parser.at) {
        status = parse_fail(&parser, "the end");
        lt_schema_done(&field);
        return status;
    }
    *ret_field = field;
    return LEAT_OK;
}
