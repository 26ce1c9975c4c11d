/* Canonical types: a name read, as printed or as people write it. */
#include "columnar/type.h"

#include "columnar/schema.h"
#include "columnar/type_tables.h"
#include "core/codes.h"
#include "core/util.h"

#include <ctype.h>
#include <stdio.h>

static const struct {
    const char *alias, *name;
} aliases[] = {
    {"int", "int32"},       {"integer", "int32"},      {"bigint", "int64"}, {"smallint", "int16"},
    {"float", "float64"},   {"double", "float64"},     {"real", "float32"}, {"text", "utf8"},
    {"string", "utf8"},     {"varchar", "utf8"},       {"bytes", "binary"}, {"boolean", "bool"},
    {"decimal", "numeric"}, {"datetime", "timestamp"},
};

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
    return lt_type_number(&parser->at, ret_value) ? LEAT_OK : parse_fail(parser, "a number");
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
    static const char *const others[] = {"list", "large_list", "fixed_list", "struct", "map"};
    const char *names[96];
    const size_t most = LT_ARRAY_LEN(names) - LT_ARRAY_LEN(aliases) - LT_ARRAY_LEN(others) - 1;
    size_t n = 0;
    for (const struct lt_simple_type *row = lt_simple_types; row->name && n < most; row++) {
        names[n++] = row->name;
    }
    for (const struct lt_logical_type *row = lt_logical_types; row->name && n < most; row++) {
        names[n++] = row->name;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(aliases); i++) {
        names[n++] = aliases[i].alias;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(others); i++) {
        names[n++] = others[i];
    }
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
    for (const struct lt_simple_type *simple = lt_simple_types; simple->name; simple++) {
        if (!strcmp(known, simple->name)) {
            return lt_schema_init(ret_field, simple->format, "", parser->err);
        }
    }
    for (const struct lt_logical_type *logical = lt_logical_types; logical->name; logical++) {
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
    for (const struct lt_decimal_type *row = lt_decimal_types; row->bits < 128; row++) {
        if (!strcmp(word, row->name)) {
            bits = row->bits;
            precision_max = row->precision_max;
        }
    }
    if (precision < 1 || precision > precision_max || scale < -LT_DECIMAL_SCALE_MAX ||
        scale > LT_DECIMAL_SCALE_MAX) {
        return lt_fail(parser->err, LT_E_INVALID,
                       "%s takes a precision from 1 to %d and a scale of at most %d", word,
                       (int)precision_max, LT_DECIMAL_SCALE_MAX);
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
        if (lt_type_number(&parser->at, &width) && take(parser, ')')) {
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
            while (lt_type_word_byte((unsigned char)*p)) {
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
