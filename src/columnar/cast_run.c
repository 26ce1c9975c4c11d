/* Runs one step of a cast: one switch a column, then the loops of its kind over the rows. */
#include "columnar/cast_parts.h"

#include <stdlib.h>

static int mark(struct lt_marks *marks, int64_t row, int64_t rows, enum lt_code code,
                const char *why)
{
    size_t n_bytes = (size_t)(rows + 7) / 8;

    if (!marks->bits.len) {
        if (lt_buf_reserve(&marks->bits, n_bytes)) {
            return LEAT_NO_MEMORY;
        }
        memset(marks->bits.data, 0, n_bytes);
        marks->bits.len = n_bytes;
        marks->first_row = INT64_MAX;
    }
    marks->bits.data[row >> 3] |= (uint8_t)(1u << (row & 7));
    if (row < marks->first_row) {
        marks->first_row = row;
        marks->code = code;
        marks->why = why;
    }
    return LEAT_OK;
}

/* A value that is one, but none of the new type. */
static bool is_loss(enum lt_code code)
{
    return code == LT_E_VALUE_RANGE || code == LT_E_INVALID_UTF8;
}

int lt_misfit_mark(struct lt_misfits *misfits, int64_t row, int64_t rows, enum lt_code code,
                   const char *why)
{
    bool lost = misfits->keeps_lost && is_loss(code);

    return mark(lost ? &misfits->lost : &misfits->bad, row, rows, code, why);
}

int lt_cast_validity(const struct lt_view *view, const struct lt_misfits *misfits,
                     struct ArrowArray *array, struct leat_error *err)
{
    size_t n_bytes = (size_t)(view->length + 7) / 8;
    uint8_t *bits;
    int64_t nulls = 0;

    array->null_count = 0;
    if (!view->null_count && !misfits->bad.bits.len && !misfits->lost.bits.len) {
        return LEAT_OK;
    }
    bits = calloc(n_bytes ? n_bytes : 1, 1);
    if (!bits) {
        return lt_fail_oom(err);
    }
    for (int64_t row = 0; row < view->length; row++) {
        if (lt_view_is_null(view, row) || lt_misfit_at(misfits, row)) {
            nulls++;
        } else {
            bits[row >> 3] |= (uint8_t)(1u << (row & 7));
        }
    }
    array->buffers[0] = bits;
    array->null_count = nulls;
    return LEAT_OK;
}

/* --- dictionaries -------------------------------------------------------------------------- */

static int decode_value(struct lt_builder *builder, const struct lt_view *view, int64_t row)
{
    size_t len;
    const uint8_t *bytes;

    if (!lt_view_resolve(&view, &row)) {
        return lt_builder_null(builder);
    }
    if (builder->type.id == LT_BOOL) {
        return lt_builder_bool(builder, lt_view_bool(view, row));
    }
    if (lt_type_is_varlen(builder->type.id)) {
        bytes = lt_view_bytes(view, row, &len);
        return lt_builder_bytes_value(builder, bytes, len);
    }
    return lt_builder_fixed(builder, view->data + row * (int64_t)view->type.width,
                            (size_t)view->type.width);
}

/* The plain column of a dictionary's values. */
static int decode(struct lt_cast_step *step, const struct lt_view *view,
                  struct ArrowArray *ret_array, struct leat_error *err)
{
    int status = lt_builder_reserve(&step->decoder, view->length);

    for (int64_t row = 0; !status && row < view->length; row++) {
        status = decode_value(&step->decoder, view, row);
    }
    if (status) {
        (void)lt_builder_truncate(&step->decoder, 0);
        return lt_fail_oom(err);
    }
    return lt_builder_finish(&step->decoder, ret_array, err);
}

/* --- any column ---------------------------------------------------------------------------- */

static int cast_plain(struct lt_cast_step *step, const struct lt_view *view,
                      struct lt_misfits *misfits, struct ArrowArray *ret_array,
                      struct leat_error *err)
{
    switch (step->op) {
    case LT_OP_NULLS:
    case LT_OP_BYTES:
    case LT_OP_FORMAT:
    case LT_OP_FORMAT_JSON:
    case LT_OP_PARSE:
    case LT_OP_VIA_TEXT:
        return lt_cast_built(step, view, misfits, ret_array, err);
    case LT_OP_LIST:
        return lt_cast_list(step, view, misfits, ret_array, err);
    case LT_OP_STRUCT:
        return lt_cast_struct(step, view, misfits, ret_array, err);
    default:
        return lt_cast_fixed(step, view, misfits, ret_array, err);
    }
}

static int check_nulls(const struct lt_view *view, struct lt_misfits *misfits)
{
    bool any = view->null_count || view->type.id == LT_NULL || view->dictionary;

    for (int64_t row = 0; any && row < view->length; row++) {
        const struct lt_view *value = view;
        int64_t at = row;
        if (!lt_view_resolve(&value, &at) &&
            lt_misfit_mark(misfits, row, view->length, LT_E_NOT_NULL, "a null where none may be")) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

int lt_cast_column(struct lt_cast_step *step, const struct lt_view *view,
                   struct lt_misfits *misfits, struct ArrowArray *ret_array, struct leat_error *err)
{
    struct ArrowArray plain = {0};
    struct lt_view plain_view;
    int status;

    if (step->check_nulls && check_nulls(view, misfits)) {
        return lt_fail_oom(err);
    }
    if (!step->decode) {
        return cast_plain(step, view, misfits, ret_array, err);
    }
    status = decode(step, view, &plain, err);
    if (status) {
        return status;
    }
    status = lt_view_init(&plain_view, step->from->dictionary, &plain, err);
    if (!status) {
        plain_view.type.logical = step->from_type.logical; /* said on the outer field */
        status = cast_plain(step, &plain_view, misfits, ret_array, err);
    }
    lt_view_done(&plain_view);
    lt_array_done(&plain);
    return status;
}
