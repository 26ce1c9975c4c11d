/* Reading Arrow arrays. See view.h. */
#include "columnar/view.h"

#include "columnar/bits.h"
#include "core/codes.h"

#include <stdlib.h>

/* Stand in for buffers that may be NULL when there is nothing in them. */
static const int64_t no_offsets[2] = {0, 0};
static const uint8_t no_data[16] = {0};

void lt_view_done(struct lt_view *view)
{
    if (!view) {
        return;
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        lt_view_done(&view->children[i]);
    }
    free(view->children);
    if (view->dictionary) {
        lt_view_done(view->dictionary);
        free(view->dictionary);
    }
    memset(view, 0, sizeof *view);
}

/* What depends on the field alone. */
static int init_field(struct lt_view *view, const struct ArrowSchema *field, int depth,
                      struct leat_error *err)
{
    if (depth > LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "types nest deeper than %d levels", LT_TYPE_DEPTH_MAX);
    }
    view->field = field;
    int status = lt_type_of(field, &view->type, err);
    if (status) {
        return status;
    }
    if (field->dictionary) {
        /* The same field without its dictionary says how the indexes are stored. */
        struct ArrowSchema index = *field;
        struct lt_type storage;
        index.dictionary = NULL;
        status = lt_type_of(&index, &storage, err);
        if (status) {
            return status;
        }
        storage.logical = view->type.logical;
        view->type = storage;
        view->dictionary = calloc(1, sizeof *view->dictionary);
        return view->dictionary ? init_field(view->dictionary, field->dictionary, depth + 1, err)
                                : lt_fail_oom(err);
    }
    if (!field->n_children) {
        return LEAT_OK;
    }
    view->children = calloc((size_t)field->n_children, sizeof *view->children);
    if (!view->children) {
        return lt_fail_oom(err);
    }
    view->n_children = field->n_children;
    for (int64_t i = 0; !status && i < field->n_children; i++) {
        status = init_field(&view->children[i], field->children[i], depth + 1, err);
    }
    return status;
}

static int bad_shape(const struct lt_view *view, struct leat_error *err, const char *what)
{
    return lt_fail(err, LT_E_CORRUPT, "an Arrow array of format \"%.64s\" %s", view->field->format,
                   what);
}

/* Buffers an array of the type has at least; views have more. */
static int64_t buffers_min(enum lt_type_id id)
{
    switch (id) {
    case LT_NULL:
        return 0;
    case LT_STRUCT:
    case LT_FIXED_LIST:
        return 1;
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_UTF8_VIEW:
    case LT_BINARY_VIEW:
        return 3;
    default:
        return 2;
    }
}

static int check_shape(const struct lt_view *view, const struct ArrowArray *array, int64_t first,
                       int64_t length, struct leat_error *err)
{
    enum lt_type_id id = view->type.id;
    int64_t want = buffers_min(id);
    bool views = id == LT_UTF8_VIEW || id == LT_BINARY_VIEW;
    if (!array || !array->release) {
        return bad_shape(view, err, "is missing");
    }
    if (array->length < 0 || array->offset < 0 || (uint64_t)array->length > LT_BUF_MAX ||
        (uint64_t)array->offset > LT_BUF_MAX || length < 0 || first > array->length - length) {
        return bad_shape(view, err, "is shorter than it has to be, or impossibly long");
    }
    if (views ? array->n_buffers < want : array->n_buffers != want) {
        return bad_shape(view, err, "has a wrong number of buffers");
    }
    if (array->n_children != view->n_children || !array->dictionary != !view->dictionary) {
        return bad_shape(view, err, "does not have the children of its type");
    }
    if ((array->n_buffers && !array->buffers) || (array->n_children && !array->children)) {
        return bad_shape(view, err, "lacks its buffers or children");
    }
    if (array->null_count < -1 || array->null_count > array->length) {
        return bad_shape(view, err, "has an impossible count of nulls");
    }
    return LEAT_OK;
}

static int set_validity(struct lt_view *view, int64_t first, struct leat_error *err)
{
    const struct ArrowArray *array = view->array;
    const uint8_t *bits = array->n_buffers ? array->buffers[0] : NULL;
    view->validity = NULL;
    view->null_count = 0;
    if (view->type.id == LT_NULL) {
        view->null_count = view->length;
        return LEAT_OK;
    }
    if (!array->null_count || !view->length) {
        return LEAT_OK;
    }
    if (!bits) {
        return array->null_count > 0 ? bad_shape(view, err, "has nulls but does not say which")
                                     : LEAT_OK;
    }
    bool whole = !first && view->length == array->length;
    view->null_count = whole && array->null_count > 0
                           ? array->null_count
                           : view->length - lt_bits_count(bits, view->offset, view->length);
    view->validity = view->null_count ? bits : NULL;
    return LEAT_OK;
}

/* Points offsets at value 0; *ret_end is where the last value ends. */
static int set_offsets(struct lt_view *view, bool large, int64_t *ret_end, struct leat_error *err)
{
    const void *buffer = view->array->buffers[1];
    view->offsets = NULL;
    view->offsets64 = NULL;
    if (!buffer) {
        if (view->length) {
            return bad_shape(view, err, "has no offsets");
        }
        buffer = no_offsets;
    } else if ((uintptr_t)buffer % (large ? sizeof(int64_t) : sizeof(int32_t))) {
        return bad_shape(view, err, "has offsets that are not aligned");
    }
    /* An array of no rows may have a buffer of no bytes, whatever its offset says. */
    int64_t base = view->length ? view->offset : 0;
    int64_t start, end;
    if (!view->length) {
        buffer = no_offsets;
    }
    if (large) {
        view->offsets64 = (const int64_t *)buffer + base;
        start = view->offsets64[0];
        end = view->offsets64[view->length];
    } else {
        view->offsets = (const int32_t *)buffer + base;
        start = view->offsets[0];
        end = view->offsets[view->length];
    }
    if (start < 0 || end < start) {
        return bad_shape(view, err, "has offsets that run backwards");
    }
    *ret_end = end;
    return LEAT_OK;
}

static int set_window(struct lt_view *view, const struct ArrowArray *array, int64_t first,
                      int64_t length, struct leat_error *err);

/* Children see the rows of this window; those of lists are seen whole. */
static int set_children(struct lt_view *view, int64_t elements_end, struct leat_error *err)
{
    for (int64_t i = 0; i < view->n_children; i++) {
        const struct ArrowArray *child = view->array->children[i];
        int64_t first = view->offset, length = view->length;
        if (view->type.id == LT_FIXED_LIST) {
            if (__builtin_mul_overflow(first, view->type.width, &first) ||
                __builtin_mul_overflow(length, view->type.width, &length)) {
                return bad_shape(view, err, "is impossibly long");
            }
        } else if (view->type.id != LT_STRUCT) {
            first = 0;
            length = child ? child->length : 0;
            if (elements_end > length) {
                return bad_shape(view, err, "has offsets past the end of its elements");
            }
        }
        int status = set_window(&view->children[i], child, first, length, err);
        if (status) {
            const char *name = view->children[i].field->name;
            leat_error_place(err, view->type.id == LT_STRUCT ? "column \"%s\"" : "elements \"%s\"",
                             name ? name : "");
            return status;
        }
    }
    return LEAT_OK;
}

/* Rows [first, first + length) of `array`, counted after the array's own offset. */
static int set_window(struct lt_view *view, const struct ArrowArray *array, int64_t first,
                      int64_t length, struct leat_error *err)
{
    int status = check_shape(view, array, first, length, err);
    if (status) {
        return status;
    }
    enum lt_type_id id = view->type.id;
    int64_t end = 0, byte;
    view->array = array;
    view->length = length;
    view->offset = array->offset + first;
    status = set_validity(view, first, err);
    if (status) {
        return status;
    }
    bool large = id == LT_LARGE_UTF8 || id == LT_LARGE_BINARY || id == LT_LARGE_LIST;
    if (lt_type_is_varlen(id) || id == LT_LIST || id == LT_MAP || large) {
        status = set_offsets(view, large, &end, err);
        if (status) {
            return status;
        }
    }
    if (lt_type_is_varlen(id)) {
        view->data = array->buffers[2] ? array->buffers[2] : no_data;
        if (!array->buffers[2] && end) {
            return bad_shape(view, err, "has no data");
        }
    } else if (array->n_buffers > 1 && !lt_type_is_nested(id)) {
        view->data = array->buffers[1] ? array->buffers[1] : no_data;
        if (!array->buffers[1] && length && (view->type.width || id == LT_BOOL)) {
            return bad_shape(view, err, "has no data");
        }
        if (__builtin_mul_overflow(view->offset, view->type.width, &byte)) {
            return bad_shape(view, err, "is impossibly long");
        }
        if (length) {
            view->data += byte;
        }
    }
    status = set_children(view, end, err);
    if (!status && view->dictionary) {
        const struct ArrowArray *values = array->dictionary;
        status = set_window(view->dictionary, values, 0, values->length, err);
        if (status) {
            leat_error_place(err, "dictionary");
        }
    }
    return status;
}

int lt_view_init(struct lt_view *view, const struct ArrowSchema *field,
                 const struct ArrowArray *array, struct leat_error *err)
{
    memset(view, 0, sizeof *view);
    int status = init_field(view, field, 0, err);
    if (!status) {
        status = lt_view_set(view, array, err);
    }
    if (status) {
        lt_view_done(view);
    }
    return status;
}

int lt_view_set(struct lt_view *view, const struct ArrowArray *array, struct leat_error *err)
{
    return set_window(view, array, 0, array ? array->length : 0, err);
}

int lt_view_next(struct lt_view *view, const struct ArrowSchema *field,
                 const struct ArrowArray *array, struct leat_error *err)
{
    return view->field ? lt_view_set(view, array, err) : lt_view_init(view, field, array, err);
}

int64_t lt_view_integer(const struct lt_view *view, int64_t row, bool *ret_big)
{
    if (view->type.id != LT_UINT64) {
        if (ret_big) {
            *ret_big = false;
        }
        return lt_view_integer_but_u64(view, row);
    }
    uint64_t value = lt_view_u64(view, row);
    if (ret_big) {
        *ret_big = value > INT64_MAX;
    }
    return (int64_t)value;
}

/* "Variable-size Binary View Layout": length, then 12 bytes inline, or prefix, buffer, offset. */
const uint8_t *lt_view_long_bytes(const struct lt_view *view, int64_t row, size_t *len)
{
    const uint8_t *value = view->data + row * 16;
    int32_t parts[4];
    memcpy(parts, value, sizeof parts);
    *len = (size_t)parts[0];
    if (parts[0] <= 12) {
        return value + 4;
    }
    return (const uint8_t *)view->array->buffers[2 + parts[2]] + parts[3];
}
