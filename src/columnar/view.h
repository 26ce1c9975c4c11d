/* Reading Arrow arrays: typed, offset-adjusted pointers into one column, and its children.
 *
 * A view borrows schema and array, which must outlive it. Indexes run from 0 to length - 1; the
 * array's own offset is already applied, to children of structs and fixed lists as well.
 *
 * Example:
 *   struct lt_view view;
 *   int status = lt_view_init(&view, field, array, err);
 *   for (int64_t row = 0; !status && row < view.length; row++) {
 *       if (!lt_view_is_null(&view, row)) {
 *           sum += lt_view_i64(&view, row);
 *       }
 *   }
 *   lt_view_done(&view);   (after a failed init as well) */
#ifndef LT_VIEW_H
#define LT_VIEW_H

#include "columnar/type.h"

struct lt_view {
    const struct ArrowSchema *field;
    const struct ArrowArray *array;
    struct lt_type type;
    int64_t length;
    int64_t null_count;      /* exact, counted when the array did not know */
    const uint8_t *validity; /* bits from bit `offset`; NULL: no nulls */
    int64_t offset;          /* bit offset of validity and of bool values */
    const uint8_t *data;     /* fixed-width: value 0; bool: the bits; varlen: the bytes */
    const int32_t *offsets;  /* varlen, list, map with 32-bit offsets; value 0 */
    const int64_t *offsets64;
    struct lt_view *children; /* for structs and fixed lists: adjusted to this view's rows */
    int64_t n_children;
    struct lt_view *dictionary; /* DICTIONARY: the values; `type` is then the index's storage */
};

/* Views one array with its field. Checks shape only (see lt_array_check for contents).
 * Free with lt_view_done(); children are allocated. */
int lt_view_init(struct lt_view *view, const struct ArrowSchema *field,
                 const struct ArrowArray *array, struct leat_error *err);
/* Views `array` again with the same field, reusing memory: once a batch, without allocation. */
int lt_view_set(struct lt_view *view, const struct ArrowArray *array, struct leat_error *err);
/* The one for the first array, while view->field is NULL, and the other for those that follow. */
int lt_view_next(struct lt_view *view, const struct ArrowSchema *field,
                 const struct ArrowArray *array, struct leat_error *err);
void lt_view_done(struct lt_view *view);

static inline bool lt_view_is_null(const struct lt_view *view, int64_t row)
{
    if (!view->validity) {
        return view->type.id == LT_NULL;
    }
    int64_t bit = view->offset + row;
    return !(view->validity[bit >> 3] >> (bit & 7) & 1);
}

static inline bool lt_view_bool(const struct lt_view *view, int64_t row)
{
    int64_t bit = view->offset + row;
    return view->data[bit >> 3] >> (bit & 7) & 1;
}

/* A fixed-width value, read without alignment demands. */
#define LT_VIEW_VALUE(name, type_)                                                                 \
    static inline type_ lt_view_##name(const struct lt_view *view, int64_t row)                    \
    {                                                                                              \
        type_ value;                                                                               \
        memcpy(&value, view->data + row * (int64_t)sizeof value, sizeof value);                    \
        return value;                                                                              \
    }
LT_VIEW_VALUE(i8, int8_t)
LT_VIEW_VALUE(i16, int16_t)
LT_VIEW_VALUE(i32, int32_t)
LT_VIEW_VALUE(i64, int64_t)
LT_VIEW_VALUE(u8, uint8_t)
LT_VIEW_VALUE(u16, uint16_t)
LT_VIEW_VALUE(u32, uint32_t)
LT_VIEW_VALUE(u64, uint64_t)
LT_VIEW_VALUE(f32, float)
LT_VIEW_VALUE(f64, double)
#undef LT_VIEW_VALUE

/* A value of any integer type but uint64. */
static inline int64_t lt_view_integer_but_u64(const struct lt_view *view, int64_t row)
{
    switch (view->type.id) {
    case LT_INT8:
        return lt_view_i8(view, row);
    case LT_INT16:
        return lt_view_i16(view, row);
    case LT_INT32:
        return lt_view_i32(view, row);
    case LT_UINT8:
        return lt_view_u8(view, row);
    case LT_UINT16:
        return lt_view_u16(view, row);
    case LT_UINT32:
        return lt_view_u32(view, row);
    default:
        return lt_view_i64(view, row);
    }
}

/* Any integer type as int64 (uint64 above INT64_MAX: *ret_big is set and the bits returned). */
int64_t lt_view_integer(const struct lt_view *view, int64_t row, bool *ret_big);

/* Bytes of a value of UTF8_VIEW or BINARY_VIEW. */
const uint8_t *lt_view_long_bytes(const struct lt_view *view, int64_t row, size_t *len);

/* Bytes of a varlen, view or fixed-binary value. */
static inline const uint8_t *lt_view_bytes(const struct lt_view *view, int64_t row, size_t *len)
{
    if (view->offsets) {
        *len = (size_t)(view->offsets[row + 1] - view->offsets[row]);
        return view->data + view->offsets[row];
    }
    if (view->offsets64) {
        *len = (size_t)(view->offsets64[row + 1] - view->offsets64[row]);
        return view->data + view->offsets64[row];
    }
    if (view->type.id == LT_UTF8_VIEW || view->type.id == LT_BINARY_VIEW) {
        return lt_view_long_bytes(view, row, len);
    }
    *len = (size_t)view->type.width;
    return view->data + row * (int64_t)view->type.width;
}

/* Elements of a list, map or fixed list: [*ret_first, *ret_end) of children[0]. */
static inline void lt_view_list(const struct lt_view *view, int64_t row, int64_t *ret_first,
                                int64_t *ret_end)
{
    if (view->offsets) {
        *ret_first = view->offsets[row];
        *ret_end = view->offsets[row + 1];
    } else if (view->offsets64) {
        *ret_first = view->offsets64[row];
        *ret_end = view->offsets64[row + 1];
    } else {
        *ret_first = row * view->type.width;
        *ret_end = *ret_first + view->type.width;
    }
}

#endif
