/* Which types widen to which: a class for each type, and the casts that are safe within it. */
#include "columnar/widen.h"

#include "columnar/cast.h"
#include "core/util.h"

#include <stdio.h>

#define DECIMAL_DIGITS_MAX 76

enum value_class {
    CLASS_NULL,
    CLASS_EXACT, /* whole numbers, decimals, numerics */
    CLASS_FLOAT,
    CLASS_TEXT,
    CLASS_BINARY,
    CLASS_STAMP,
    CLASS_ZONED,
    CLASS_TIME,
    CLASS_DURATION,
    CLASS_DATE,
    CLASS_OTHER /* only itself */
};

static enum value_class text_class(const struct lt_type *type)
{
    return type->logical == LT_NUMERIC ? CLASS_EXACT
           : type->logical == LT_PLAIN ? CLASS_TEXT
                                       : CLASS_OTHER;
}

static enum value_class class_of(const struct lt_type *type)
{
    switch (type->id) {
    case LT_NULL:
        return CLASS_NULL;
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
        return CLASS_FLOAT;
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        return CLASS_EXACT;
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
        return text_class(type);
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_BINARY_VIEW:
    case LT_FIXED_BINARY:
        return type->logical == LT_PLAIN ? CLASS_BINARY : CLASS_OTHER;
    case LT_DATE32:
    case LT_DATE64:
        return CLASS_DATE;
    case LT_TIME32:
    case LT_TIME64:
        return CLASS_TIME;
    case LT_TIMESTAMP:
        return type->zone && *type->zone ? CLASS_ZONED : CLASS_STAMP;
    case LT_DURATION:
        return CLASS_DURATION;
    default:
        return lt_type_is_integer(type->id) ? CLASS_EXACT : CLASS_OTHER;
    }
}

/* The cast's kind as if nulls did not matter. */
static bool is_safe(const struct ArrowSchema *from, const struct ArrowSchema *to)
{
    struct ArrowSchema nullable = *to;
    nullable.flags |= ARROW_FLAG_NULLABLE;
    return lt_cast_kind(from, &nullable) <= LT_CAST_SAFE;
}

bool lt_widens(const struct ArrowSchema *from, const struct ArrowSchema *to)
{
    struct lt_type a, b;
    if (lt_type_of(from, &a, NULL) || lt_type_of(to, &b, NULL)) {
        return false;
    }
    if (lt_schema_same(from, to, false)) {
        return true;
    }
    enum value_class class = class_of(&a);
    return (class == CLASS_NULL || (class != CLASS_OTHER && class == class_of(&b))) &&
           is_safe(from, to);
}

/* Digits before and behind the point that a whole number or decimal may have; false: no such. */
static bool digits_of(const struct lt_type *type, int *ret_before, int *ret_behind)
{
    static const struct {
        enum lt_type_id id;
        int digits;
    } integers[] = {{LT_INT8, 3},  {LT_INT16, 5},  {LT_INT32, 10},  {LT_INT64, 19},
                    {LT_UINT8, 3}, {LT_UINT16, 5}, {LT_UINT32, 10}, {LT_UINT64, 20}};
    for (size_t i = 0; i < LT_ARRAY_LEN(integers); i++) {
        if (type->id == integers[i].id) {
            *ret_before = integers[i].digits;
            *ret_behind = 0;
            return true;
        }
    }
    *ret_before = type->precision - type->scale;
    *ret_behind = type->scale;
    return type->precision > 0 && class_of(type) == CLASS_EXACT && type->scale >= 0;
}

/* Where neither of two number types holds the other: an integer, a decimal, else numeric. */
static int widen_numbers(const struct ArrowSchema *a, const struct ArrowSchema *b,
                         struct ArrowSchema *ret_field, struct leat_error *err)
{
    static const char *const integers[] = {"int16", "int32", "int64"};
    struct lt_type x, y;
    int before[2], behind[2];
    char text[32];
    bool known = !lt_type_of(a, &x, NULL) && !lt_type_of(b, &y, NULL);
    for (size_t i = 0; known && i < LT_ARRAY_LEN(integers); i++) {
        struct ArrowSchema field = {.release = NULL};
        int status = lt_type_parse(integers[i], &field, err);
        if (status || (lt_widens(a, &field) && lt_widens(b, &field))) {
            lt_schema_move(&field, ret_field);
            return status;
        }
        lt_schema_done(&field);
    }
    if (!known || !digits_of(&x, &before[0], &behind[0]) ||
        !digits_of(&y, &before[1], &behind[1])) {
        return LEAT_UNSUPPORTED;
    }
    int scale = LT_MAX(behind[0], behind[1]), digits = LT_MAX(before[0], before[1]) + scale;
    if (digits > DECIMAL_DIGITS_MAX) {
        return LEAT_UNSUPPORTED;
    }
    snprintf(text, sizeof text, "decimal(%d,%d)", digits, scale);
    return lt_type_parse(text, ret_field, err);
}

int lt_widen(const struct ArrowSchema *a, const struct ArrowSchema *b,
             struct ArrowSchema *ret_field, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    struct lt_type x, y;
    int status = LEAT_UNSUPPORTED;
    if (lt_widens(b, a)) {
        status = lt_schema_copy(a, &field, err);
    } else if (lt_widens(a, b)) {
        status = lt_schema_copy(b, &field, err);
    } else if (!lt_type_of(a, &x, NULL) && !lt_type_of(b, &y, NULL) &&
               class_of(&x) == CLASS_EXACT && class_of(&y) == CLASS_EXACT) {
        status = widen_numbers(a, b, &field, err);
    }
    status = status ? status : lt_schema_set_name(&field, a->name ? a->name : "", err);
    if (status) {
        lt_schema_done(&field);
        return status;
    }
    field.flags |=
        ((a->flags | b->flags) & ARROW_FLAG_NULLABLE) | (a->flags & b->flags & LT_FLAG_INFERRED);
    lt_schema_move(&field, ret_field);
    return LEAT_OK;
}
