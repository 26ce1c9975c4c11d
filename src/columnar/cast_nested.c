/* Lists, maps and structs: their children are cast as columns, then the rows whose children did
 * not fit are marked. */
#include "columnar/cast_parts.h"

#include <stdlib.h>

static bool is_large(enum lt_type_id id)
{
    return id == LT_LARGE_LIST;
}

/* Marks the rows of which an element is marked. A misfit under a null parent means nothing. */
static int mark_list_rows(const struct lt_view *view, const struct lt_marks *inner,
                          struct lt_misfits *misfits)
{
    for (int64_t row = 0; inner->bits.len && row < view->length; row++) {
        int64_t first, end;
        if (lt_view_is_null(view, row)) {
            continue;
        }
        lt_view_list(view, row, &first, &end);
        while (first < end && !lt_marked(inner, first)) {
            first++;
        }
        if (first < end && lt_misfit_mark(misfits, row, view->length, inner->code, inner->why)) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

/* Offsets as they are, in the width of the new type; none for fixed lists. */
static int offsets_copy(const struct lt_cast_step *step, const struct lt_view *view,
                        struct ArrowArray *array, struct leat_error *err)
{
    bool large = is_large(step->to_type.id);
    size_t width = large ? 8 : 4;
    uint8_t *offsets;

    if (step->to_type.id == LT_FIXED_LIST) {
        return LEAT_OK;
    }
    offsets = calloc((size_t)view->length + 1, width);
    if (!offsets) {
        return lt_fail_oom(err);
    }
    array->buffers[1] = offsets;
    for (int64_t row = 0; row < view->length; row++) {
        int64_t first, end;
        lt_view_list(view, row, &first, &end);
        if (!large && end > INT32_MAX) {
            return lt_fail(err, LT_E_LIMIT, "more than 2^31 list elements in one batch");
        }
        /* Little-endian, so that the low bytes are the narrow offset. */
        if (!row) {
            memcpy(offsets, &first, width);
        }
        memcpy(offsets + (size_t)(row + 1) * width, &end, width);
    }
    return LEAT_OK;
}

int lt_cast_list(struct lt_cast_step *step, const struct lt_view *view, struct lt_misfits *misfits,
                 struct ArrowArray *ret_array, struct leat_error *err)
{
    struct lt_misfits inner = {.bad = {.bits = LT_BUF_INIT},
                               .lost = {.bits = LT_BUF_INIT},
                               .keeps_lost = misfits->keeps_lost};
    struct ArrowArray array;
    int64_t n_buffers = step->to_type.id == LT_FIXED_LIST ? 1 : 2;
    int status = lt_array_init(&array, n_buffers, 1, err);

    if (status) {
        return status;
    }
    array.length = view->length;
    status = lt_cast_column(&step->children[0], &view->children[0], &inner, array.children[0], err);
    status = status ? status : offsets_copy(step, view, &array, err);
    if (!status &&
        (mark_list_rows(view, &inner.bad, misfits) || mark_list_rows(view, &inner.lost, misfits))) {
        status = lt_fail_oom(err);
    }
    status = status ? status : lt_cast_validity(view, misfits, &array, err);
    lt_misfits_done(&inner);
    if (status) {
        lt_array_done(&array);
        return status;
    }
    *ret_array = array;
    return LEAT_OK;
}

/* A child that the old struct lacks. */
static int null_child(struct lt_cast_step *step, int64_t rows, struct ArrowArray *ret_array,
                      struct leat_error *err)
{
    int status = LEAT_OK;

    for (int64_t row = 0; !status && row < rows; row++) {
        status = lt_builder_null(&step->builder);
    }
    return status ? lt_fail_oom(err) : lt_builder_finish(&step->builder, ret_array, err);
}

static int mark_struct_rows(const struct lt_view *view, const struct lt_marks *inner,
                            struct lt_misfits *misfits)
{
    for (int64_t row = 0; inner->bits.len && row < view->length; row++) {
        if (lt_marked(inner, row) && !lt_view_is_null(view, row) &&
            lt_misfit_mark(misfits, row, view->length, inner->code, inner->why)) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

static int struct_child(struct lt_cast_step *child, const struct lt_view *view,
                        struct lt_misfits *misfits, struct ArrowArray *ret_array,
                        struct leat_error *err)
{
    struct lt_misfits inner = {.bad = {.bits = LT_BUF_INIT},
                               .lost = {.bits = LT_BUF_INIT},
                               .keeps_lost = misfits->keeps_lost};
    int status;

    if (child->child_from < 0) {
        return null_child(child, view->length, ret_array, err);
    }
    status = lt_cast_column(child, &view->children[child->child_from], &inner, ret_array, err);
    if (!status && (mark_struct_rows(view, &inner.bad, misfits) ||
                    mark_struct_rows(view, &inner.lost, misfits))) {
        status = lt_fail_oom(err);
    }
    lt_misfits_done(&inner);
    return status;
}

int lt_cast_struct(struct lt_cast_step *step, const struct lt_view *view,
                   struct lt_misfits *misfits, struct ArrowArray *ret_array, struct leat_error *err)
{
    struct ArrowArray array;
    int status = lt_array_init(&array, 1, step->n_children, err);

    if (status) {
        return status;
    }
    array.length = view->length;
    for (int64_t i = 0; !status && i < step->n_children; i++) {
        status = struct_child(&step->children[i], view, misfits, array.children[i], err);
    }
    status = status ? status : lt_cast_validity(view, misfits, &array, err);
    if (status) {
        lt_array_done(&array);
        return status;
    }
    *ret_array = array;
    return LEAT_OK;
}
