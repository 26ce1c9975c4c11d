/* Decoding views and dictionaries: values taken by row number from one column and appended, in
 * plain layout, to another. Rows are taken a column at a time; for nested columns the rows of the
 * children are listed first, then taken in one go. */
#include "core/codes.h"
#include "core/util.h"
#include "formats/arrow/batch.h"

#include <stdlib.h>

void lt_ipc_column_done(struct lt_ipc_column *column)
{
    for (int64_t i = 0; i < column->n_children; i++) {
        lt_ipc_column_done(&column->children[i]);
    }
    free(column->children);
    lt_buf_done(&column->validity);
    lt_buf_done(&column->data);
    lt_buf_done(&column->offsets);
    *column = (struct lt_ipc_column){0};
}

static int spend(int64_t *budget, int64_t bytes, struct leat_error *err)
{
    if (bytes > *budget) {
        *budget = -1;
        return lt_fail(err, LT_E_LIMIT, "decoded values take more than a batch may hold");
    }
    *budget -= bytes;
    return LEAT_OK;
}

/* Makes room for `more` zeroed bytes and counts them as used. */
static int extend(struct lt_buf *buf, int64_t more, int64_t *budget, struct leat_error *err)
{
    int rc = spend(budget, more, err);
    if (rc) {
        return rc;
    }
    if (lt_buf_reserve(buf, (size_t)more)) {
        return lt_fail_oom(err);
    }
    memset(buf->data + buf->len, 0, (size_t)more + 1);
    buf->len += (size_t)more;
    return LEAT_OK;
}

static int extend_bits(struct lt_buf *buf, int64_t length, int64_t n, int64_t *budget,
                       struct leat_error *err)
{
    return extend(buf, (length + n + 7) / 8 - (int64_t)buf->len, budget, err);
}

/* A child's values; of a dictionary that was never sent, there are none. */
static const struct lt_ipc_node *child_of(const struct lt_ipc_node *node, int64_t i)
{
    static const struct lt_ipc_node none = {0};
    return i < node->n_children ? &node->children[i] : &none;
}

static bool is_valid(const struct lt_ipc_node *node, int64_t row)
{
    return row >= 0 && (!node->validity || lt_ipc_bit(node->validity, node->offset + row));
}

static int take_validity(const struct lt_ipc_node *node, const int64_t *rows, int64_t n,
                         struct lt_ipc_column *column, int64_t *budget, struct leat_error *err)
{
    int rc = extend_bits(&column->validity, column->length, n, budget, err);
    if (rc) {
        return rc;
    }
    uint8_t *bits = column->validity.data;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = column->length + i;
        bool valid = is_valid(node, rows[i]);
        bits[at >> 3] = (uint8_t)(bits[at >> 3] | valid << (at & 7));
        column->null_count += !valid;
    }
    return LEAT_OK;
}

static int take_bits(const struct lt_ipc_node *node, const int64_t *rows, int64_t n,
                     struct lt_ipc_column *column, int64_t *budget, struct leat_error *err)
{
    int rc = extend_bits(&column->data, column->length, n, budget, err);
    if (rc) {
        return rc;
    }
    uint8_t *bits = column->data.data;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = column->length + i;
        bool on = rows[i] >= 0 && lt_ipc_bit(node->data, node->offset + rows[i]);
        bits[at >> 3] = (uint8_t)(bits[at >> 3] | on << (at & 7));
    }
    return LEAT_OK;
}

static int take_fixed(const struct lt_ipc_node *node, size_t width, const int64_t *rows, int64_t n,
                      struct lt_ipc_column *column, int64_t *budget, struct leat_error *err)
{
    int64_t bytes;
    if (__builtin_mul_overflow(n, (int64_t)width, &bytes)) {
        return lt_fail(err, LT_E_LIMIT, "decoded values take more than a batch may hold");
    }
    size_t start = column->data.len;
    int rc = extend(&column->data, bytes, budget, err);
    if (rc || !width || !node->data) {
        return rc; /* without data all rows are nulls, and stay zero */
    }
    uint8_t *out = column->data.data + start;
    const uint8_t *in = node->data + (size_t)node->offset * width;

#define TAKE(width_)                                                                               \
    for (int64_t i = 0; i < n; i++) {                                                              \
        if (rows[i] >= 0) {                                                                        \
            memcpy(out + (size_t)i * (width_), in + (size_t)rows[i] * (width_), (width_));         \
        }                                                                                          \
    }
    switch (width) {
    case 4:
        TAKE(4)
        break;
    case 8:
        TAKE(8)
        break;
    case 16:
        TAKE(16)
        break;
    default:
        TAKE(width)
        break;
    }
#undef TAKE
    return LEAT_OK;
}

/* Bytes of one variable-length value, behind offsets or a view. The row is valid. */
static const uint8_t *value_at(enum lt_ipc_shape shape, int width, const struct lt_ipc_node *node,
                               int64_t row, int64_t *ret_len)
{
    row += node->offset;
    if (shape == LT_IPC_SHAPE_BYTES) {
        int64_t start = lt_ipc_offset(node->offsets, width, row);
        *ret_len = lt_ipc_offset(node->offsets, width, row + 1) - start;
        return node->data + start;
    }
    int32_t view[4];
    memcpy(view, node->data + row * 16, sizeof view);
    *ret_len = view[0];
    return view[0] <= 12 ? node->data + row * 16 + 4 : node->spans[view[2]].data + view[3];
}

/* Appends one more offset than there is; the first append of a column starts with 0. */
static int start_offsets(struct lt_ipc_column *column, int width, int64_t n, int64_t *budget,
                         struct leat_error *err)
{
    int64_t more = n + (column->offsets.len == 0);
    int64_t bytes;
    if (__builtin_mul_overflow(more, (int64_t)width, &bytes)) {
        return lt_fail(err, LT_E_LIMIT, "decoded values take more than a batch may hold");
    }
    return extend(&column->offsets, bytes, budget, err);
}

static void put_offset(struct lt_ipc_column *column, int width, int64_t i, int64_t value)
{
    memcpy(column->offsets.data + i * width, &value, (size_t)width);
}

static int check_end(int64_t end, int width, struct leat_error *err)
{
    return width == 4 && end > INT32_MAX
               ? lt_fail(err, LT_E_LIMIT, "decoded values take more than 2 GiB in one batch")
               : LEAT_OK;
}

static int take_bytes(const struct lt_ipc_field *field, const struct lt_ipc_node *node,
                      const int64_t *rows, int64_t n, struct lt_ipc_column *column, int64_t *budget,
                      struct leat_error *err)
{
    enum lt_ipc_shape shape = lt_ipc_shape(field->id);
    int width = lt_ipc_offset_width(field->id);
    int64_t start = (int64_t)column->data.len, end = start, len;
    int rc = start_offsets(column, width, n, budget, err);
    if (rc) {
        return rc;
    }
    for (int64_t i = 0; i < n; i++) {
        if (is_valid(node, rows[i])) {
            value_at(shape, width, node, rows[i], &len);
            if (__builtin_add_overflow(end, len, &end)) {
                return check_end(INT64_MAX, 4, err);
            }
        }
        put_offset(column, width, column->length + i + 1, end);
    }
    rc = check_end(end, width, err);
    if (!rc) {
        rc = extend(&column->data, end - start, budget, err);
    }
    if (rc) {
        return rc;
    }
    uint8_t *out = column->data.data + start;
    for (int64_t i = 0; i < n; i++) {
        if (is_valid(node, rows[i])) {
            const uint8_t *value = value_at(shape, width, node, rows[i], &len);
            if (len) {
                memcpy(out, value, (size_t)len);
                out += len;
            }
        }
    }
    return LEAT_OK;
}

/* Room to list rows of a child. */
static int64_t *list_rows(int64_t n, int64_t *budget, struct leat_error *err)
{
    int64_t bytes;
    if (__builtin_mul_overflow(n, 8, &bytes)) {
        bytes = INT64_MAX;
    }
    if (spend(budget, bytes, err)) {
        return NULL;
    }
    int64_t *rows = malloc(n ? (size_t)bytes : 1);
    if (!rows) {
        lt_fail_oom(err);
    }
    return rows;
}

static int take_list(const struct lt_ipc_field *field, const struct lt_ipc_node *node,
                     const int64_t *rows, int64_t n, struct lt_ipc_column *column, int64_t *budget,
                     struct leat_error *err)
{
    int width = lt_ipc_offset_width(field->id);
    int64_t start = column->children[0].length, end = start;
    int rc = start_offsets(column, width, n, budget, err);
    if (rc) {
        return rc;
    }
    for (int64_t i = 0; i < n; i++) {
        if (is_valid(node, rows[i])) {
            int64_t row = node->offset + rows[i];
            int64_t len = lt_ipc_offset(node->offsets, width, row + 1) -
                          lt_ipc_offset(node->offsets, width, row);
            if (__builtin_add_overflow(end, len, &end)) {
                return check_end(INT64_MAX, 4, err);
            }
        }
        put_offset(column, width, column->length + i + 1, end);
    }
    rc = check_end(end, width, err);
    if (rc) {
        return rc;
    }
    int64_t *inner = list_rows(end - start, budget, err);
    if (!inner) {
        return LEAT_NO_MEMORY;
    }
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        if (is_valid(node, rows[i])) {
            int64_t row = node->offset + rows[i];
            int64_t last = lt_ipc_offset(node->offsets, width, row + 1);
            for (int64_t k = lt_ipc_offset(node->offsets, width, row); k < last; k++) {
                inner[at++] = k;
            }
        }
    }
    rc = lt_ipc_take(&field->children[0], child_of(node, 0), inner, at, &column->children[0],
                     budget, err);
    free(inner);
    return rc;
}

/* Structs and fixed lists: `each` rows of every child for one of the parent's. */
static int take_children(const struct lt_ipc_field *field, const struct lt_ipc_node *node,
                         const int64_t *rows, int64_t n, struct lt_ipc_column *column,
                         int64_t *budget, struct leat_error *err)
{
    int64_t each = field->id == LT_FIXED_LIST ? field->width : 1, total;
    if (!field->n_children) {
        return LEAT_OK;
    }
    if (__builtin_mul_overflow(n, each, &total)) {
        return lt_fail(err, LT_E_LIMIT, "decoded values take more than a batch may hold");
    }
    int64_t *inner = list_rows(total, budget, err);
    if (!inner) {
        return LEAT_NO_MEMORY;
    }
    for (int64_t i = 0, at = 0; i < n; i++) {
        for (int64_t k = 0; k < each; k++) {
            inner[at++] = rows[i] < 0 ? -1 : (node->offset + rows[i]) * each + k;
        }
    }
    int rc = LEAT_OK;
    for (int64_t c = 0; c < field->n_children && !rc; c++) {
        rc = lt_ipc_take(&field->children[c], child_of(node, c), inner, total, &column->children[c],
                         budget, err);
    }
    free(inner);
    return rc;
}

/* An index as the row of the dictionary it names; -2 for one that cannot be. */
static int64_t index_at(enum lt_type_id id, const uint8_t *data, int64_t i)
{
    union {
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        int64_t i64;
    } v;
    int64_t row;
    switch (id) {
    case LT_UINT8:
        return data[i];
    case LT_INT8:
        row = (int8_t)data[i];
        break;
    case LT_UINT16:
        memcpy(&v, data + i * 2, 2);
        return v.u16;
    case LT_INT16:
        memcpy(&v, data + i * 2, 2);
        row = v.i16;
        break;
    case LT_UINT32:
        memcpy(&v, data + i * 4, 4);
        return v.u32;
    case LT_INT32:
        memcpy(&v, data + i * 4, 4);
        row = v.i32;
        break;
    default: /* 64 bits: unsigned ones past the middle are negative, and as impossible */
        memcpy(&v, data + i * 8, 8);
        row = v.i64;
        break;
    }
    return row < 0 ? -2 : row;
}

static int take_encoded(const struct lt_ipc_field *field, const struct lt_ipc_node *node,
                        const int64_t *rows, int64_t n, struct lt_ipc_column *column,
                        int64_t *budget, struct leat_error *err)
{
    const struct lt_ipc_node *dictionary = node->dictionary;
    int64_t entries = dictionary ? dictionary->length : 0;
    int64_t *inner = list_rows(n, budget, err);
    bool bad = false;
    if (!inner) {
        return LEAT_NO_MEMORY;
    }
    for (int64_t i = 0; i < n; i++) {
        inner[i] = -1;
        if (is_valid(node, rows[i])) {
            inner[i] = index_at(field->id, node->data, node->offset + rows[i]);
            bad |= inner[i] < 0 || inner[i] >= entries;
        }
    }
    int rc;
    if (bad) {
        rc = lt_fail(err, LT_E_CORRUPT,
                     dictionary ? "a dictionary index is out of range"
                                : "a dictionary was not sent");
    } else {
        static const struct lt_ipc_node none = {0};
        const struct lt_ipc_field *values = dictionary ? node->dictionary_field : field->values;
        rc = lt_ipc_take(values, dictionary ? dictionary : &none, inner, n, column, budget, err);
    }
    free(inner);
    return rc;
}

/* The children a column needs, made when it is first used. */
static int make_children(const struct lt_ipc_field *field, struct lt_ipc_column *column,
                         struct leat_error *err)
{
    if (column->n_children == field->n_children) {
        return LEAT_OK;
    }
    column->children = calloc((size_t)field->n_children, sizeof *column->children);
    if (!column->children) {
        return lt_fail_oom(err);
    }
    column->n_children = field->n_children;
    return LEAT_OK;
}

int lt_ipc_take(const struct lt_ipc_field *field, const struct lt_ipc_node *node,
                const int64_t *rows, int64_t n, struct lt_ipc_column *column, int64_t *budget,
                struct leat_error *err)
{
    if (field->values) {
        return take_encoded(field, node, rows, n, column, budget, err);
    }
    enum lt_ipc_shape shape = lt_ipc_shape(field->id);
    int rc = make_children(field, column, err);
    if (!rc && shape != LT_IPC_SHAPE_NONE) {
        rc = take_validity(node, rows, n, column, budget, err);
    }
    if (rc) {
        return rc;
    }
    switch (shape) {
    case LT_IPC_SHAPE_NONE:
        column->null_count += n;
        break;
    case LT_IPC_SHAPE_BITS:
        rc = take_bits(node, rows, n, column, budget, err);
        break;
    case LT_IPC_SHAPE_FIXED:
        rc = take_fixed(node, (size_t)field->width, rows, n, column, budget, err);
        break;
    case LT_IPC_SHAPE_BYTES:
    case LT_IPC_SHAPE_VIEWS:
        rc = take_bytes(field, node, rows, n, column, budget, err);
        break;
    case LT_IPC_SHAPE_LIST:
        rc = take_list(field, node, rows, n, column, budget, err);
        break;
    case LT_IPC_SHAPE_NESTED:
        rc = take_children(field, node, rows, n, column, budget, err);
        break;
    }
    column->length += n;
    return rc;
}

int lt_ipc_column_node(const struct lt_ipc_field *decoded, const struct lt_ipc_column *column,
                       struct lt_ipc_node *ret_node, struct leat_error *err)
{
    static const _Alignas(8) uint8_t zero[8];
    struct lt_ipc_node node = {.length = column->length,
                               .null_count = column->null_count,
                               .validity = column->null_count ? column->validity.data : NULL,
                               .data = column->data.data ? column->data.data : zero,
                               .data_len = (int64_t)column->data.len,
                               .offsets = column->offsets.data ? column->offsets.data : zero};
    if (decoded->n_children) {
        node.children = calloc((size_t)decoded->n_children, sizeof *node.children);
        if (!node.children) {
            return lt_fail_oom(err);
        }
        node.n_children = decoded->n_children;
    }
    for (int64_t i = 0; i < column->n_children; i++) {
        int rc =
            lt_ipc_column_node(&decoded->children[i], &column->children[i], &node.children[i], err);
        if (rc) {
            lt_ipc_node_done(&node);
            return rc;
        }
    }
    *ret_node = node;
    return LEAT_OK;
}

/* The buffer's memory, never NULL but without memory. */
static int give(struct lt_buf *buf, const void **ret_buffer, struct leat_error *err)
{
    /* Eight zero bytes are the one offset that no values have, of either width. */
    static const uint8_t zero[8];
    if (!buf->data && lt_buf_append(buf, zero, sizeof zero)) {
        return lt_fail_oom(err);
    }
    *ret_buffer = lt_buf_take(buf);
    return *ret_buffer ? LEAT_OK : lt_fail_oom(err);
}

int lt_ipc_column_finish(const struct lt_ipc_field *decoded, struct lt_ipc_column *column,
                         struct ArrowArray *ret_array, struct leat_error *err)
{
    enum lt_ipc_shape shape = lt_ipc_shape(decoded->id);
    int n_buffers = shape == LT_IPC_SHAPE_NONE     ? 0
                    : shape == LT_IPC_SHAPE_NESTED ? 1
                    : shape == LT_IPC_SHAPE_BYTES  ? 3
                                                   : 2;
    struct ArrowArray array;
    int rc = make_children(decoded, column, err);
    if (!rc) {
        rc = lt_ipc_array_new(n_buffers, decoded->n_children, NULL, &array, err);
    }
    if (rc) {
        return rc;
    }
    array.length = column->length;
    array.null_count = column->null_count;
    if (n_buffers && column->null_count) {
        rc = give(&column->validity, &array.buffers[0], err);
    }
    if (!rc && n_buffers > 1) {
        bool offsets = shape == LT_IPC_SHAPE_BYTES || shape == LT_IPC_SHAPE_LIST;
        rc = give(offsets ? &column->offsets : &column->data, &array.buffers[1], err);
    }
    if (!rc && n_buffers > 2) {
        rc = give(&column->data, &array.buffers[2], err);
    }
    for (int64_t i = 0; i < decoded->n_children && !rc; i++) {
        rc = lt_ipc_column_finish(&decoded->children[i], &column->children[i], array.children[i],
                                  err);
    }
    if (rc) {
        array.release(&array);
        return rc;
    }
    *ret_array = array;
    return LEAT_OK;
}
