/* The casts whose columns are built value by value: text and bytes, to text, from text, by text. */
#include "columnar/cast_parts.h"
#include "core/util.h"

/* Which code a refusal of the text parser has. Text of our own is never at fault: the value is. */
static enum lt_code code_of(const struct lt_cast_step *step, const char *why)
{
    if (step->op == LT_OP_VIA_TEXT) {
        return LT_E_VALUE_RANGE;
    }
    if (strstr(why, "UTF-8")) {
        return LT_E_INVALID_UTF8;
    }
    return strstr(why, "out of range") || strstr(why, "no place") || strstr(why, "more fraction")
               ? LT_E_VALUE_RANGE
               : LT_E_VALUE_SYNTAX;
}

static int bytes_value(struct lt_cast_step *step, const struct lt_view *view, int64_t row,
                       const char **ret_why)
{
    const struct lt_type *to = &step->to_type;
    size_t len;
    const uint8_t *bytes = lt_view_bytes(view, row, &len);

    if (to->id == LT_FIXED_BINARY) {
        return len == (size_t)to->width ? lt_builder_fixed(&step->builder, bytes, len)
                                        : lt_refuse(ret_why, "out of range: another length");
    }
    if (step->kind == LT_CAST_CHECKED && lt_utf8_valid_prefix(bytes, len) != len) {
        return lt_refuse(ret_why, "not valid UTF-8");
    }
    return lt_builder_bytes_value(&step->builder, bytes, len);
}

/* Appends behind the builder's last value without a copy. */
static int format_value(struct lt_cast_step *step, const struct lt_view *view, int64_t row,
                        const char **ret_why)
{
    if (step->hides_nulls && lt_text_hides_null(view, row)) {
        return lt_refuse(ret_why,
                         "JSON's own null in a list, struct or map has no place in its text,"
                         " where it would be a null");
    }
    struct lt_buf *data = &step->builder.data;
    int status = step->op == LT_OP_FORMAT ? lt_text_format(view, row, data)
                                          : lt_text_format_json(view, row, data);

    return status ? status : lt_builder_end_value(&step->builder);
}

static int parse_value(struct lt_cast_step *step, const struct lt_view *view, int64_t row,
                       const char **ret_why)
{
    size_t len;
    const uint8_t *bytes = lt_view_bytes(view, row, &len);

    return lt_text_parse(&step->builder, (const char *)bytes, len, ret_why);
}

static bool same_number(const char *a, size_t a_len, const char *b, size_t b_len)
{
    struct lt_number x, y;
    const char *p, *q;

    if (!lt_number_scan(a, a_len, &x) || !lt_number_scan(b, b_len, &y) || x.kind != y.kind) {
        return false;
    }
    if (x.kind == LT_NUMBER_NAN || (x.kind == LT_NUMBER_INFINITE && x.negative == y.negative)) {
        return true;
    }
    if (x.n_digits != y.n_digits || x.exponent != y.exponent || x.negative != y.negative) {
        return !x.n_digits && !y.n_digits;
    }
    p = x.digits;
    q = y.digits;
    for (size_t i = 0; i < x.n_digits; i++, p++, q++) {
        p += *p == '.';
        q += *q == '.';
        if (*p != *q) {
            return false;
        }
    }
    return true;
}

/* The float that was just built, as text, must be the number it was made from: a decimal of more
 * digits than the float keeps is refused, not rounded. */
static bool float_kept(const struct lt_builder *builder, const struct lt_buf *text)
{
    const uint8_t *last = builder->data.data + builder->data.len - builder->type.width;
    char back[32];
    double value;
    float single;
    uint16_t half;
    int len;

    if (builder->type.id == LT_FLOAT64) {
        memcpy(&value, last, sizeof value);
        len = lt_double_format(value, back);
    } else if (builder->type.id == LT_FLOAT32) {
        memcpy(&single, last, sizeof single);
        len = lt_float_format(single, back);
    } else {
        memcpy(&half, last, sizeof half);
        len = lt_half_format(half, back);
    }
    return same_number(lt_buf_text(text), text->len, back, (size_t)len);
}

/* 5.00 is a whole number, though not written as one. */
static void drop_zero_fraction(struct lt_buf *text)
{
    size_t len = text->len;

    if (!len || !memchr(text->data, '.', len)) {
        return;
    }
    while (len && text->data[len - 1] == '0') {
        len--;
    }
    if (len > 1 && text->data[len - 1] == '.') {
        text->len = len - 1;
        text->data[text->len] = 0;
    }
}

static int via_text_value(struct lt_cast_step *step, const struct lt_view *view, int64_t row,
                          struct lt_buf *text, const char **ret_why)
{
    int status;

    lt_buf_clear(text);
    status = lt_text_format(view, row, text);
    if (!status && lt_type_is_integer(step->to_type.id)) {
        drop_zero_fraction(text);
    }
    if (!status) {
        status = lt_text_parse(&step->builder, lt_buf_text(text), text->len, ret_why);
    }
    if (!status && step->exact && !float_kept(&step->builder, text)) {
        if (lt_builder_truncate(&step->builder, step->builder.length - 1)) {
            return LEAT_NO_MEMORY;
        }
        return lt_refuse(ret_why, "out of range: more digits than the float keeps");
    }
    return status;
}

static int built_value(struct lt_cast_step *step, const struct lt_view *view, int64_t row,
                       struct lt_buf *text, const char **ret_why)
{
    switch (step->op) {
    case LT_OP_BYTES:
        return bytes_value(step, view, row, ret_why);
    case LT_OP_FORMAT:
    case LT_OP_FORMAT_JSON:
        return format_value(step, view, row, ret_why);
    case LT_OP_PARSE:
        return parse_value(step, view, row, ret_why);
    case LT_OP_VIA_TEXT:
        return via_text_value(step, view, row, text, ret_why);
    default:
        return lt_builder_null(&step->builder);
    }
}

int lt_cast_built(struct lt_cast_step *step, const struct lt_view *view, struct lt_misfits *misfits,
                  struct ArrowArray *ret_array, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    bool whole = step->op == LT_OP_FORMAT && !step->hides_nulls;
    int status = whole ? lt_text_format_column(view, &step->builder)
                       : lt_builder_reserve(&step->builder, view->length);

    for (int64_t row = 0; !whole && !status && row < view->length; row++) {
        const char *why = NULL;
        if (lt_view_is_null(view, row)) {
            status = lt_builder_null(&step->builder);
            continue;
        }
        status = built_value(step, view, row, &text, &why);
        if (status == LEAT_BAD_DATA) {
            status = lt_misfit_mark(misfits, row, view->length, code_of(step, why), why);
            status = status ? status : lt_builder_null(&step->builder);
        }
    }
    lt_buf_done(&text);
    if (status) {
        (void)lt_builder_truncate(&step->builder, 0);
        return lt_fail_oom(err);
    }
    return lt_builder_finish(&step->builder, ret_array, err);
}
