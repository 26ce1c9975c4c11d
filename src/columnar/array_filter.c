/* Copying some rows of an array: runs of kept rows, column at a time.
 *
 * Neighbouring rows have neighbouring elements, so each run of a list's rows is one run of its
 * child's, and every level copies runs, never single values. */
#include "columnar/array.h"
#include "columnar/bits.h"
#include "columnar/view.h"
#include "core/codes.h"

#include <stdlib.h>

struct run {
    int64_t first, rows;
};

struct runs {
    struct lt_buf buf; /* of struct run */
    const struct run *at;
    int64_t n;
    int64_t rows; /* of all together */
};

/* Appends rows that come after all those already there. */
static int runs_add(struct runs *runs, int64_t first, int64_t rows)
{
    struct run run = {first, rows};
    if (!rows) {
        return LEAT_OK;
    }
    if (lt_buf_append(&runs->buf, &run, sizeof run)) {
        return LEAT_NO_MEMORY;
    }
    runs->at = (const struct run *)(const void *)runs->buf.data;
    runs->n++;
    runs->rows += rows;
    return LEAT_OK;
}

static int runs_kept(struct runs *runs, const uint8_t *drop, int64_t rows)
{
    int64_t row = 0;
    while (drop && row < rows) {
        while (row < rows && lt_bit(drop, row)) {
            row++;
        }
        int64_t first = row;
        while (row < rows && !lt_bit(drop, row)) {
            row += !(row & 7) && rows - row >= 8 && !drop[row >> 3] ? 8 : 1;
        }
        if (runs_add(runs, first, row - first)) {
            return LEAT_NO_MEMORY;
        }
    }
    return drop ? LEAT_OK : runs_add(runs, 0, rows);
}

static int copy_view(const struct lt_view *view, const struct runs *runs,
                     struct ArrowArray *ret_array, struct leat_error *err);

/* A new buffer, zeroed, in place `i` of the array, which owns it. */
static void *new_buffer(struct ArrowArray *array, int64_t i, size_t n, size_t width)
{
    void *buffer = calloc(n ? n : 1, width ? width : 1);
    array->buffers[i] = buffer;
    return buffer;
}

static int copy_bitmap(const uint8_t *bits, int64_t offset, const struct runs *runs,
                       struct ArrowArray *array, int64_t buffer)
{
    uint8_t *to = new_buffer(array, buffer, (size_t)runs->rows / 8 + 1, 1);
    if (!to) {
        return LEAT_NO_MEMORY;
    }
    int64_t at = 0;
    for (int64_t i = 0; i < runs->n; i++) {
        lt_bits_copy(bits, offset + runs->at[i].first, to, at, runs->at[i].rows);
        at += runs->at[i].rows;
    }
    return LEAT_OK;
}

static int copy_validity(const struct lt_view *view, const struct runs *runs,
                         struct ArrowArray *array)
{
    if (view->type.id == LT_NULL) {
        array->null_count = runs->rows;
        return LEAT_OK;
    }
    if (!view->validity) {
        return LEAT_OK;
    }
    if (copy_bitmap(view->validity, view->offset, runs, array, 0)) {
        return LEAT_NO_MEMORY;
    }
    array->null_count = runs->rows - lt_bits_count(array->buffers[0], 0, runs->rows);
    return LEAT_OK;
}

static int copy_fixed(const struct lt_view *view, const struct runs *runs, struct ArrowArray *array)
{
    size_t width = (size_t)view->type.width;
    uint8_t *to = new_buffer(array, 1, (size_t)runs->rows, width);
    if (!to) {
        return LEAT_NO_MEMORY;
    }
    for (int64_t i = 0; i < runs->n; i++) {
        size_t bytes = (size_t)runs->at[i].rows * width;
        memcpy(to, view->data + (size_t)runs->at[i].first * width, bytes);
        to += bytes;
    }
    return LEAT_OK;
}

static int64_t offset_at(const struct lt_view *view, int64_t row)
{
    return view->offsets ? view->offsets[row] : view->offsets64[row];
}

/* New offsets, and in `elements` the runs of bytes or child rows they stand for. */
static int copy_offsets(const struct lt_view *view, const struct runs *runs,
                        struct ArrowArray *array, struct runs *elements)
{
    size_t n = (size_t)runs->rows + 1;
    void *buffer = new_buffer(array, 1, n, view->offsets ? sizeof(int32_t) : sizeof(int64_t));
    if (!buffer) {
        return LEAT_NO_MEMORY;
    }
    int64_t end = 0;
    int32_t *to = buffer;
    int64_t *to64 = buffer;
    for (int64_t i = 0; i < runs->n; i++) {
        int64_t first = runs->at[i].first, rows = runs->at[i].rows;
        int64_t start = offset_at(view, first);
        if (view->offsets) {
            for (int64_t row = 1; row <= rows; row++) {
                *++to = (int32_t)(view->offsets[first + row] - start + end);
            }
        } else {
            for (int64_t row = 1; row <= rows; row++) {
                *++to64 = view->offsets64[first + row] - start + end;
            }
        }
        int64_t len = offset_at(view, first + rows) - start;
        if (runs_add(elements, start, len)) {
            return LEAT_NO_MEMORY;
        }
        end += len;
    }
    return LEAT_OK;
}

static int copy_varlen(const struct lt_view *view, const struct runs *runs,
                       struct ArrowArray *array)
{
    struct runs bytes = {.buf = LT_BUF_INIT};
    int status = copy_offsets(view, runs, array, &bytes);
    uint8_t *to = status ? NULL : new_buffer(array, 2, (size_t)bytes.rows, 1);
    for (int64_t i = 0; to && i < bytes.n; i++) {
        memcpy(to, view->data + bytes.at[i].first, (size_t)bytes.at[i].rows);
        to += bytes.at[i].rows;
    }
    lt_buf_done(&bytes.buf);
    return to ? LEAT_OK : LEAT_NO_MEMORY;
}

/* Views keep pointing into their data buffers, which are copied whole. */
static int copy_views(const struct lt_view *view, const struct runs *runs, struct ArrowArray *array)
{
    const struct ArrowArray *from = view->array;
    int64_t last = from->n_buffers - 1;
    const int64_t *sizes = from->buffers[last];
    int64_t *to_sizes = new_buffer(array, last, (size_t)(last - 2), sizeof *sizes);
    if (!to_sizes || copy_fixed(view, runs, array)) {
        return LEAT_NO_MEMORY;
    }
    for (int64_t i = 2; i < last; i++) {
        void *to = new_buffer(array, i, (size_t)sizes[i - 2], 1);
        if (!to) {
            return LEAT_NO_MEMORY;
        }
        if (sizes[i - 2]) {
            memcpy(to, from->buffers[i], (size_t)sizes[i - 2]);
        }
        to_sizes[i - 2] = sizes[i - 2];
    }
    return LEAT_OK;
}

static int copy_children(const struct lt_view *view, const struct runs *runs,
                         struct ArrowArray *array, struct leat_error *err)
{
    struct runs elements = {.buf = LT_BUF_INIT};
    int status = LEAT_OK;
    if (view->type.id == LT_FIXED_LIST) {
        for (int64_t i = 0; !status && i < runs->n; i++) {
            status = runs_add(&elements, runs->at[i].first * view->type.width,
                              runs->at[i].rows * view->type.width);
        }
    } else if (view->type.id != LT_STRUCT) {
        status = copy_offsets(view, runs, array, &elements);
    }
    if (status) {
        status = lt_fail_oom(err);
    }
    for (int64_t i = 0; !status && i < view->n_children; i++) {
        status = copy_view(&view->children[i], view->type.id == LT_STRUCT ? runs : &elements,
                           array->children[i], err);
    }
    lt_buf_done(&elements.buf);
    return status;
}

static int copy_dictionary(const struct lt_view *values, struct ArrowArray *array,
                           struct leat_error *err)
{
    struct runs all = {.buf = LT_BUF_INIT};
    array->dictionary = calloc(1, sizeof *array->dictionary);
    int status =
        array->dictionary && !runs_add(&all, 0, values->length) ? LEAT_OK : lt_fail_oom(err);
    if (!status) {
        status = copy_view(values, &all, array->dictionary, err);
    }
    lt_buf_done(&all.buf);
    return status;
}

static int copy_buffers(const struct lt_view *view, const struct runs *runs,
                        struct ArrowArray *array)
{
    if (copy_validity(view, runs, array)) {
        return LEAT_NO_MEMORY;
    }
    switch (view->type.id) {
    case LT_NULL:
        return LEAT_OK;
    case LT_BOOL:
        return copy_bitmap(view->data, view->offset, runs, array, 1);
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_BINARY:
    case LT_LARGE_BINARY:
        return copy_varlen(view, runs, array);
    case LT_UTF8_VIEW:
    case LT_BINARY_VIEW:
        return copy_views(view, runs, array);
    default:
        return lt_type_is_nested(view->type.id) ? LEAT_OK : copy_fixed(view, runs, array);
    }
}

static int copy_view(const struct lt_view *view, const struct runs *runs,
                     struct ArrowArray *ret_array, struct leat_error *err)
{
    struct ArrowArray array;
    int status = lt_array_init(&array, view->array->n_buffers, view->n_children, err);
    if (status) {
        return status;
    }
    array.length = runs->rows;
    status = copy_buffers(view, runs, &array) ? lt_fail_oom(err) : LEAT_OK;
    if (!status && view->n_children) {
        status = copy_children(view, runs, &array, err);
    }
    if (!status && view->dictionary) {
        status = copy_dictionary(view->dictionary, &array, err);
    }
    if (status) {
        lt_array_done(&array);
        return status;
    }
    *ret_array = array;
    return LEAT_OK;
}

int lt_array_filter(const struct ArrowSchema *schema, const struct ArrowArray *array,
                    const uint8_t *drop, struct ArrowArray *ret_array, struct leat_error *err)
{
    struct lt_view view;
    struct runs runs = {.buf = LT_BUF_INIT};
    int status = lt_view_init(&view, schema, array, err);
    if (status) {
        return status;
    }
    status = runs_kept(&runs, drop, view.length) ? lt_fail_oom(err)
                                                 : copy_view(&view, &runs, ret_array, err);
    lt_buf_done(&runs.buf);
    lt_view_done(&view);
    return status;
}

int lt_array_take(const struct ArrowSchema *schema, const struct ArrowArray *array,
                  const int64_t *rows, int64_t n, struct ArrowArray *ret_array,
                  struct leat_error *err)
{
    struct lt_view view;
    struct runs runs = {.buf = LT_BUF_INIT};
    int status = lt_view_init(&view, schema, array, err);
    if (status) {
        return status;
    }
    for (int64_t i = 0, next; i < n && !status; i = next) {
        for (next = i + 1; next < n && rows[next] == rows[next - 1] + 1; next++) {
        }
        status = runs_add(&runs, rows[i], next - i);
    }
    status = status ? lt_fail_oom(err) : copy_view(&view, &runs, ret_array, err);
    lt_buf_done(&runs.buf);
    lt_view_done(&view);
    return status;
}
