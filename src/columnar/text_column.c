/* A whole column as text: the types that are common are told apart once a column, and written by
 * the short ways of text_fast.h. */
#include "columnar/text_fast.h"
#include "columnar/text_parts.h"

#include "core/util.h"

#include <stdint.h>

#define RUN_ROWS 256 /* room is asked for so many values at once */

/* Writes a value into room of LT_PUT_MAX bytes; 0: it is for lt_text_format(). */
typedef size_t put_fn(const struct lt_view *view, int64_t row, uint8_t *text);

/* One value, to be put behind the builder's last one. */
static int long_value(const struct lt_view *view, int64_t row, struct lt_builder *to)
{
    return lt_text_format(view, row, &to->data) || lt_builder_end_value(to) ? LEAT_NO_MEMORY
                                                                            : LEAT_OK;
}

/* Values in a row that are short and no nulls; returns the row it stopped at. There is room for
 * them and for their offsets, of 32 bits. */
static inline __attribute__((always_inline)) int64_t
put_run(put_fn *put, const struct lt_view *view, int64_t row, int64_t end, struct lt_builder *to)
{
    uint8_t *first = to->data.data, *at = first + to->data.len;
    uint8_t *offset = to->offsets.data + to->offsets.len;
    for (; row < end && !lt_view_is_null(view, row); row++) {
        size_t n = put(view, row, at);
        if (!n) {
            break;
        }
        at += n;
        int32_t so_far = (int32_t)(at - first);
        memcpy(offset, &so_far, sizeof so_far);
        offset += sizeof so_far;
    }
    to->data.len = (size_t)(at - first);
    to->offsets.len = (size_t)(offset - to->offsets.data);
    *at = *offset = 0; /* what ends a buffer */
    return row;
}

static int count_valid(struct lt_builder *to, int64_t n)
{
    int failed = LEAT_OK;
    for (; n > 0 && to->null_count && !failed; n--) {
        failed = lt_builder_valid(to);
    }
    to->length += n; /* none of a column without nulls so far has a bit */
    return failed;
}

/* Inlined with its `put`, so that the loop over the rows holds no call through a pointer. Offsets
 * are of 32 bits, and there is room for them. */
static inline __attribute__((always_inline)) int put_column(put_fn *put, const struct lt_view *view,
                                                            struct lt_builder *to)
{
    const struct lt_view from = *view; /* which no byte written changes, as compilers can see */
    for (int64_t row = 0; row < from.length;) {
        int64_t first = row, end = LT_MIN(row + RUN_ROWS, from.length);
        if (lt_buf_reserve(&to->data, RUN_ROWS * LT_PUT_MAX)) {
            return LEAT_NO_MEMORY;
        }
        if (to->data.len <= INT32_MAX - RUN_ROWS * LT_PUT_MAX) {
            row = put_run(put, &from, row, end, to);
        }
        if (count_valid(to, row - first)) {
            return LEAT_NO_MEMORY;
        }
        if (row == end) {
            continue;
        }
        if (lt_view_is_null(&from, row) ? lt_builder_null(to) : long_value(&from, row, to)) {
            return LEAT_NO_MEMORY;
        }
        row++;
    }
    return LEAT_OK;
}

static size_t put_i64(const struct lt_view *view, int64_t row, uint8_t *text)
{
    return lt_put_int(text, lt_view_i64(view, row));
}

static size_t put_i32(const struct lt_view *view, int64_t row, uint8_t *text)
{
    return lt_put_int(text, lt_view_i32(view, row));
}

static size_t put_narrow(const struct lt_view *view, int64_t row, uint8_t *text)
{
    return lt_put_int(text, lt_view_integer_but_u64(view, row));
}

static size_t put_u64(const struct lt_view *view, int64_t row, uint8_t *text)
{
    return lt_put_uint(text, lt_view_u64(view, row));
}

static size_t put_f64(const struct lt_view *view, int64_t row, uint8_t *text)
{
    return (size_t)lt_double_format(lt_view_f64(view, row), (char *)text);
}

static size_t put_date(const struct lt_view *view, int64_t row, uint8_t *text)
{
    return lt_put_date(text, lt_view_i32(view, row));
}

static size_t put_timestamp(const struct lt_view *view, int64_t row, uint8_t *text)
{
    return lt_put_timestamp(text, lt_view_i64(view, row), *view->type.zone);
}

static size_t put_uuid(const struct lt_view *view, int64_t row, uint8_t *text)
{
    return lt_put_uuid(text, view->data + row * 16);
}

static size_t put_decimal(const struct lt_view *view, int64_t row, uint8_t *text)
{
    lt_int128 value;
    memcpy(&value, view->data + row * (int64_t)sizeof value, sizeof value);
    return value == (int64_t)value ? lt_put_decimal(text, (int64_t)value, view->type.scale) : 0;
}

static int long_column(const struct lt_view *view, struct lt_builder *to)
{
    int status = LEAT_OK;
    for (int64_t row = 0; row < view->length && !status; row++) {
        status = lt_view_is_null(view, row) ? lt_builder_null(to) : long_value(view, row, to);
    }
    return status;
}

int lt_text_format_column(const struct lt_view *view, struct lt_builder *to)
{
    const struct lt_type *type = &view->type;
    if (lt_builder_reserve(to, view->length) || lt_builder_offsets_start(to)) {
        return LEAT_NO_MEMORY;
    }
    if (view->dictionary || to->type.id != LT_UTF8) {
        return long_column(view, to);
    }
    switch (type->id) {
    case LT_INT64:
        return put_column(put_i64, view, to);
    case LT_INT32:
        return put_column(put_i32, view, to);
    case LT_INT8:
    case LT_INT16:
    case LT_UINT8:
    case LT_UINT16:
    case LT_UINT32:
        return put_column(put_narrow, view, to);
    case LT_UINT64:
        return put_column(put_u64, view, to);
    case LT_FLOAT64:
        return put_column(put_f64, view, to);
    case LT_DATE32:
        return put_column(put_date, view, to);
    case LT_TIMESTAMP:
        return type->unit == LT_MICRO ? put_column(put_timestamp, view, to) : long_column(view, to);
    case LT_FIXED_BINARY:
        return type->logical == LT_UUID && type->width == 16 ? put_column(put_uuid, view, to)
                                                             : long_column(view, to);
    case LT_DECIMAL128:
        return type->scale >= 0 && type->scale <= 18 ? put_column(put_decimal, view, to)
                                                     : long_column(view, to);
    default:
        return long_column(view, to);
    }
}
