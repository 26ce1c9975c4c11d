/* Canonical types: their names, printed. */
#include "columnar/type.h"

#include "columnar/schema.h"
#include "columnar/type_tables.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdio.h>

static int print_depth(const struct ArrowSchema *field, int depth, struct lt_buf *out);

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
        plain = plain && lt_type_word_byte((unsigned char)name[i]);
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
    for (const struct lt_decimal_type *row = lt_decimal_types; row->id; row++) {
        if (row->id == type->id && row->name) {
            name = row->name;
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
    for (const struct lt_logical_type *row = lt_logical_types; type.logical && row->name; row++) {
        if (row->logical == type.logical) {
            return lt_buf_puts(out, row->name);
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
    for (const struct lt_simple_type *simple = lt_simple_types; simple->name; simple++) {
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
