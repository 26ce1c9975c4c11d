/* Building Arrow arrays column by column. See builder.h.
 *
 * What holds between calls, for a builder of `length` values:
 *   validity  empty while null_count is 0, else ceil(length / 8) bytes, bits past the end 0
 *   data      length * width bytes; bool: ceil(length / 8) bytes, bits past the end 0
 *   offsets   empty before the first value, else length + 1 of them
 * A failed append may leave more in data, or in a child; lt_builder_truncate() cuts that off. */
#include "columnar/builder.h"

#include "columnar/array.h"
#include "core/codes.h"

#include <stdlib.h>

static int init_depth(struct lt_builder *builder, const struct ArrowSchema *field, int depth,
                      struct leat_error *err)
{
    memset(builder, 0, sizeof *builder);
    if (depth > LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "types nest deeper than %d levels", LT_TYPE_DEPTH_MAX);
    }
    int status = lt_type_of(field, &builder->type, err);
    if (status) {
        return status;
    }
    builder->type.zone = builder->type.zone[0] ? "UTC" : "";
    enum lt_type_id id = builder->type.id;
    if (id == LT_DICTIONARY || id == LT_UTF8_VIEW || id == LT_BINARY_VIEW) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "leat does not build dictionaries or Arrow string views");
    }
    if (!lt_type_is_nested(id) || !field->n_children) {
        return LEAT_OK;
    }
    builder->children = calloc((size_t)field->n_children, sizeof *builder->children);
    if (!builder->children) {
        return lt_fail_oom(err);
    }
    builder->n_children = field->n_children;
    for (int64_t i = 0; !status && i < field->n_children; i++) {
        const char *name = field->children[i]->name;
        status = init_depth(&builder->children[i], field->children[i], depth + 1, err);
        if (!status && !(builder->children[i].name = lt_strdup(name ? name : ""))) {
            status = lt_fail_oom(err);
        }
    }
    return status;
}

int lt_builder_init(struct lt_builder *builder, const struct ArrowSchema *field,
                    struct leat_error *err)
{
    int status = init_depth(builder, field, 0, err);
    if (status) {
        lt_builder_done(builder);
    }
    return status;
}

void lt_builder_done(struct lt_builder *builder)
{
    if (!builder) {
        return;
    }
    for (int64_t i = 0; i < builder->n_children; i++) {
        lt_builder_done(&builder->children[i]);
    }
    free(builder->children);
    free(builder->name);
    lt_buf_done(&builder->validity);
    lt_buf_done(&builder->data);
    lt_buf_done(&builder->offsets);
    memset(builder, 0, sizeof *builder);
}

/* Bytes of one offset; 0 for types without offsets. */
static size_t offset_width(enum lt_type_id id)
{
    switch (id) {
    case LT_UTF8:
    case LT_BINARY:
    case LT_LIST:
    case LT_MAP:
        return 4;
    case LT_LARGE_UTF8:
    case LT_LARGE_BINARY:
    case LT_LARGE_LIST:
        return 8;
    default:
        return 0;
    }
}

/* Bytes of one value in `data`; 0 for bits, varlen and nested. */
static size_t value_width(const struct lt_type *type)
{
    return type->id == LT_FIXED_LIST ? 0 : (size_t)type->width;
}

/* Offset number `row`; 0 before there are any. */
static int64_t offset_at(const struct lt_builder *builder, int64_t row)
{
    size_t width = offset_width(builder->type.id);
    if (!builder->offsets.len) {
        return 0;
    }
    const uint8_t *at = builder->offsets.data + (size_t)row * width;
    if (width == 4) {
        int32_t value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    int64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static size_t bits_bytes(int64_t bits)
{
    return (size_t)((bits + 7) / 8);
}

int lt_builder_reserve(struct lt_builder *builder, int64_t rows)
{
    if (rows < 0 || (uint64_t)rows > LT_BUF_MAX) {
        return LEAT_NO_MEMORY;
    }
    enum lt_type_id id = builder->type.id;
    size_t n = (size_t)rows, data, width = value_width(&builder->type);
    if (__builtin_mul_overflow(n, width, &data)) {
        return LEAT_NO_MEMORY;
    }
    if (id == LT_BOOL) {
        data = n / 8 + 1;
    }
    /* Before the first null the bitmap is empty, and will then need bits for the rows so far. */
    size_t bitmap = n / 8 + 2 + (builder->validity.len ? 0 : bits_bytes(builder->length));
    if (id != LT_NULL && lt_buf_reserve(&builder->validity, bitmap)) {
        return LEAT_NO_MEMORY;
    }
    if (data && lt_buf_reserve(&builder->data, data)) {
        return LEAT_NO_MEMORY;
    }
    if (offset_width(id) && lt_buf_reserve(&builder->offsets, (n + 1) * offset_width(id))) {
        return LEAT_NO_MEMORY;
    }
    if (id == LT_STRUCT || id == LT_FIXED_LIST) {
        int64_t child_rows = rows;
        if (id == LT_FIXED_LIST && __builtin_mul_overflow(rows, builder->type.width, &child_rows)) {
            return LEAT_NO_MEMORY;
        }
        for (int64_t i = 0; i < builder->n_children; i++) {
            int status = lt_builder_reserve(&builder->children[i], child_rows);
            if (status) {
                return status;
            }
        }
    }
    return LEAT_OK;
}

/* --- appending ------------------------------------------------------------------------------ */

int lt_builder_validity_start(struct lt_builder *builder)
{
    size_t bytes = bits_bytes(builder->length);
    lt_buf_clear(&builder->validity);
    if (lt_buf_reserve(&builder->validity, bytes + 1)) {
        return LEAT_NO_MEMORY;
    }
    memset(builder->validity.data, 0xff, bytes);
    if (builder->length & 7) {
        builder->validity.data[bytes - 1] = (uint8_t)((1u << (builder->length & 7)) - 1);
    }
    builder->validity.len = bytes;
    builder->validity.data[bytes] = 0;
    return LEAT_OK;
}

/* Marks one more value as null; its place in data, offsets and children is the caller's. */
static int append_null_bit(struct lt_builder *builder)
{
    if (builder->type.id == LT_NULL) {
        builder->length++;
        builder->null_count++;
        return LEAT_OK;
    }
    if (!builder->null_count && lt_builder_validity_start(builder)) {
        return LEAT_NO_MEMORY;
    }
    if (!(builder->length & 7) && lt_buf_byte(&builder->validity, 0)) {
        return LEAT_NO_MEMORY;
    }
    builder->length++;
    builder->null_count++;
    return LEAT_OK;
}

static int append_zeros(struct lt_buf *buf, size_t n)
{
    if (lt_buf_reserve(buf, n)) {
        return LEAT_NO_MEMORY;
    }
    memset(buf->data + buf->len, 0, n + 1);
    buf->len += n;
    return LEAT_OK;
}

/* Appends the offset where the value being closed ends. */
static int append_offset(struct lt_builder *builder, int64_t end)
{
    size_t width = offset_width(builder->type.id);
    int32_t narrow = (int32_t)end;
    if (width == 4 && end > INT32_MAX) {
        return LEAT_NO_MEMORY;
    }
    if (!builder->offsets.len && append_zeros(&builder->offsets, width)) {
        return LEAT_NO_MEMORY;
    }
    return lt_buf_append(&builder->offsets, width == 4 ? (void *)&narrow : (void *)&end, width);
}

int lt_builder_offsets_start(struct lt_builder *builder)
{
    return builder->offsets.len ? LEAT_OK
                                : append_zeros(&builder->offsets, offset_width(builder->type.id));
}

/* The bit's byte may be there already, after an append that failed half-way. */
static int append_bit(struct lt_builder *builder, bool value)
{
    size_t at = (size_t)(builder->length >> 3);
    if (builder->data.len <= at && lt_buf_byte(&builder->data, 0)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t bit = (uint8_t)(1u << (builder->length & 7));
    if (value) {
        builder->data.data[at] |= bit;
    } else {
        builder->data.data[at] &= (uint8_t)~bit;
    }
    return LEAT_OK;
}

int lt_builder_null(struct lt_builder *builder)
{
    int status = LEAT_OK;
    int64_t each = 1;
    switch (builder->type.id) {
    case LT_NULL:
        break;
    case LT_BOOL:
        status = append_bit(builder, false);
        break;
    case LT_FIXED_LIST:
        each = builder->type.width; /* fallthrough */
    case LT_STRUCT:
        for (int64_t i = 0; !status && i < builder->n_children; i++) {
            for (int64_t n = 0; !status && n < each; n++) {
                status = lt_builder_null(&builder->children[i]);
            }
        }
        break;
    default:
        status = offset_width(builder->type.id)
                     ? append_offset(builder, offset_at(builder, builder->length))
                     : append_zeros(&builder->data, value_width(&builder->type));
        break;
    }
    return status ? status : append_null_bit(builder);
}

int lt_builder_end_value(struct lt_builder *builder)
{
    switch (builder->type.id) {
    case LT_UTF8:
    case LT_BINARY:
    case LT_LARGE_UTF8:
    case LT_LARGE_BINARY:
        if (append_offset(builder, (int64_t)builder->data.len)) {
            builder->data.len = (size_t)offset_at(builder, builder->length);
            return LEAT_NO_MEMORY;
        }
        break;
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_MAP:
        if (append_offset(builder, builder->children[0].length)) {
            return LEAT_NO_MEMORY;
        }
        break;
    default:
        break;
    }
    return lt_builder_valid(builder);
}

int lt_builder_bool(struct lt_builder *builder, bool value)
{
    return append_bit(builder, value) ? LEAT_NO_MEMORY : lt_builder_valid(builder);
}

int lt_builder_integer(struct lt_builder *builder, int64_t value)
{
    size_t width = (size_t)builder->type.width;
    bool is_signed = true;
    switch (builder->type.id) {
    case LT_UINT8:
    case LT_UINT16:
    case LT_UINT32:
    case LT_UINT64:
        is_signed = false;
        break;
    case LT_INT8:
    case LT_INT16:
    case LT_INT32:
    case LT_INT64:
    case LT_DATE32:
    case LT_DATE64:
    case LT_TIME32:
    case LT_TIME64:
    case LT_TIMESTAMP:
    case LT_DURATION:
    case LT_INTERVAL_MONTHS:
        break;
    default:
        return LEAT_BAD_DATA;
    }
    int bits = (int)width * 8 - (is_signed ? 1 : 0);
    int64_t most = bits >= 63 ? INT64_MAX : ((int64_t)1 << bits) - 1;
    int64_t least = is_signed ? -most - 1 : 0;
    if (value < least || value > most) {
        return LEAT_BAD_DATA;
    }
    switch (width) {
    case 1:
        return lt_builder_fixed(builder, &(uint8_t){(uint8_t)value}, width);
    case 2:
        return lt_builder_fixed(builder, &(uint16_t){(uint16_t)value}, width);
    case 4:
        return lt_builder_fixed(builder, &(uint32_t){(uint32_t)value}, width);
    default:
        return lt_builder_i64(builder, value);
    }
}

/* --- truncating ----------------------------------------------------------------------------- */

static void cut(struct lt_buf *buf, size_t len)
{
    if (len < buf->len) {
        buf->len = len;
        buf->data[len] = 0;
    }
}

/* Cuts a bitmap and clears its bits past the end. */
static void cut_bits(struct lt_buf *bits, int64_t length)
{
    cut(bits, bits_bytes(length));
    if (length & 7 && bits->len == bits_bytes(length)) {
        bits->data[length >> 3] &= (uint8_t)((1u << (length & 7)) - 1);
    }
}

static void cut_validity(struct lt_builder *builder, int64_t length)
{
    if (builder->type.id == LT_NULL) {
        builder->null_count = length;
        return;
    }
    for (int64_t row = length; builder->null_count && row < builder->length; row++) {
        builder->null_count -= !(builder->validity.data[row >> 3] >> (row & 7) & 1);
    }
    if (builder->null_count) {
        cut_bits(&builder->validity, length);
    } else {
        lt_buf_clear(&builder->validity);
    }
}

int lt_builder_truncate(struct lt_builder *builder, int64_t length)
{
    if (length < 0 || length > builder->length) {
        return LEAT_INTERNAL;
    }
    cut_validity(builder, length);
    builder->length = length;
    int64_t child_length = length;
    enum lt_type_id id = builder->type.id;
    if (offset_width(id)) {
        cut(&builder->offsets, (size_t)(length + 1) * offset_width(id));
        child_length = offset_at(builder, length);
    }
    if (lt_type_is_varlen(id)) {
        cut(&builder->data, (size_t)child_length);
    } else if (id == LT_BOOL) {
        cut_bits(&builder->data, length);
    } else {
        cut(&builder->data, (size_t)length * value_width(&builder->type));
    }
    if (id == LT_FIXED_LIST) {
        child_length = length * builder->type.width;
    }
    for (int64_t i = 0; i < builder->n_children; i++) {
        int status = lt_builder_truncate(&builder->children[i], child_length);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}

/* --- finishing ------------------------------------------------------------------------------ */

/* What a caller's bug would have broken: values and children that go together. */
static bool is_whole(const struct lt_builder *builder)
{
    enum lt_type_id id = builder->type.id;
    int64_t end = offset_width(id) ? offset_at(builder, builder->length) : 0;
    if (lt_type_is_varlen(id)) {
        return (int64_t)builder->data.len == end;
    }
    if (id == LT_BOOL) {
        return builder->data.len == bits_bytes(builder->length);
    }
    int64_t want = id == LT_STRUCT       ? builder->length
                   : id == LT_FIXED_LIST ? builder->length * builder->type.width
                                         : end;
    for (int64_t i = 0; i < builder->n_children; i++) {
        if (builder->children[i].length != want) {
            return false;
        }
    }
    return builder->data.len == (size_t)builder->length * value_width(&builder->type);
}

static int64_t buffer_count(enum lt_type_id id)
{
    if (id == LT_NULL) {
        return 0;
    }
    if (id == LT_STRUCT || id == LT_FIXED_LIST) {
        return 1;
    }
    return lt_type_is_varlen(id) ? 3 : 2;
}

/* All that can fail: the array tree, the first offset, and buffers that are never NULL (some
 * readers elsewhere stumble over NULL, even for no rows). */
static int finish_prepare(struct lt_builder *builder, struct ArrowArray *ret_array,
                          struct leat_error *err)
{
    if (!is_whole(builder)) {
        return lt_fail(err, LT_E_INTERNAL, "a column was built with parts of different length");
    }
    enum lt_type_id id = builder->type.id;
    if ((offset_width(id) && !builder->offsets.len &&
         append_zeros(&builder->offsets, offset_width(id))) ||
        (buffer_count(id) > 1 && lt_buf_reserve(&builder->data, 0))) {
        return lt_fail_oom(err);
    }
    struct ArrowArray array;
    int status = lt_array_init(&array, buffer_count(id), builder->n_children, err);
    if (status) {
        return status;
    }
    for (int64_t i = 0; !status && i < builder->n_children; i++) {
        status = finish_prepare(&builder->children[i], array.children[i], err);
    }
    if (status) {
        lt_array_done(&array);
        return status;
    }
    *ret_array = array;
    return LEAT_OK;
}

static const void *hand_over(struct lt_buf *buf)
{
    const void *data = buf->data;
    *buf = (struct lt_buf)LT_BUF_INIT;
    return data;
}

static void finish_move(struct lt_builder *builder, struct ArrowArray *array)
{
    enum lt_type_id id = builder->type.id;
    array->length = builder->length;
    array->null_count = builder->null_count;
    if (array->n_buffers && builder->null_count) {
        array->buffers[0] = hand_over(&builder->validity);
    }
    if (offset_width(id)) {
        array->buffers[1] = hand_over(&builder->offsets);
    } else if (array->n_buffers == 2) {
        array->buffers[1] = hand_over(&builder->data);
    }
    if (lt_type_is_varlen(id)) {
        array->buffers[2] = hand_over(&builder->data);
    }
    for (int64_t i = 0; i < builder->n_children; i++) {
        finish_move(&builder->children[i], array->children[i]);
    }
    builder->length = 0;
    builder->null_count = 0;
}

int lt_builder_finish(struct lt_builder *builder, struct ArrowArray *ret_array,
                      struct leat_error *err)
{
    int status = finish_prepare(builder, ret_array, err);
    if (!status) {
        finish_move(builder, ret_array);
    }
    return status;
}

/* --- batches -------------------------------------------------------------------------------- */

int lt_batch_builder_init(struct lt_batch_builder *batch, const struct ArrowSchema *schema,
                          struct leat_error *err)
{
    struct lt_type type;
    memset(batch, 0, sizeof *batch);
    int status = lt_type_of(schema, &type, err);
    if (status) {
        return status;
    }
    if (type.id != LT_STRUCT) {
        return lt_fail(err, LT_E_INTERNAL, "the schema is not a struct of columns");
    }
    if (!schema->n_children) {
        return LEAT_OK;
    }
    batch->columns = calloc((size_t)schema->n_children, sizeof *batch->columns);
    if (!batch->columns) {
        return lt_fail_oom(err);
    }
    batch->n_columns = schema->n_children;
    for (int64_t i = 0; !status && i < schema->n_children; i++) {
        status = lt_builder_init(&batch->columns[i], schema->children[i], err);
        if (status) {
            const char *name = schema->children[i]->name;
            leat_error_place(err, "column \"%s\"", name ? name : "");
        }
    }
    if (status) {
        lt_batch_builder_done(batch);
    }
    return status;
}

void lt_batch_builder_done(struct lt_batch_builder *batch)
{
    if (!batch) {
        return;
    }
    for (int64_t i = 0; i < batch->n_columns; i++) {
        lt_builder_done(&batch->columns[i]);
    }
    free(batch->columns);
    memset(batch, 0, sizeof *batch);
}

int lt_batch_builder_reserve(struct lt_batch_builder *batch, int64_t rows)
{
    for (int64_t i = 0; i < batch->n_columns; i++) {
        int status = lt_builder_reserve(&batch->columns[i], rows);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}

int lt_batch_builder_finish(struct lt_batch_builder *batch, int64_t rows,
                            struct ArrowArray *ret_array, struct leat_error *err)
{
    for (int64_t i = 0; i < batch->n_columns; i++) {
        if (batch->columns[i].length != rows) {
            return lt_fail(err, LT_E_INTERNAL, "columns of different length were built");
        }
    }
    struct ArrowArray array;
    int status = lt_array_init(&array, 1, batch->n_columns, err);
    if (status) {
        return status;
    }
    for (int64_t i = 0; !status && i < batch->n_columns; i++) {
        status = finish_prepare(&batch->columns[i], array.children[i], err);
    }
    if (status) {
        lt_array_done(&array);
        return status;
    }
    for (int64_t i = 0; i < batch->n_columns; i++) {
        finish_move(&batch->columns[i], array.children[i]);
    }
    array.length = rows;
    *ret_array = array;
    return LEAT_OK;
}

int lt_batch_builder_truncate(struct lt_batch_builder *batch, int64_t rows)
{
    for (int64_t i = 0; i < batch->n_columns; i++) {
        int status = lt_builder_truncate(&batch->columns[i], rows);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}
