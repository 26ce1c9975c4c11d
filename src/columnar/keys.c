#include "columnar/keys.h"

#include "columnar/builder.h"
#include "columnar/text_parts.h"
#include "core/codes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* How the values of a column become bytes. */
enum form {
    FORM_NONE,     /* cannot */
    FORM_BOOL,     /* 1 byte */
    FORM_SIGNED,   /* big-endian, sign bit turned: integers, dates, times, decimals */
    FORM_UNSIGNED, /* big-endian */
    FORM_FLOAT,    /* 8 bytes of the double */
    FORM_FIXED,    /* as they are */
    FORM_BYTES,    /* in front of other columns: 0 as 0 255, ended by 0 0 */
    FORM_NUMERIC   /* sign, exponent, digits */
};

static enum form form_of(const struct lt_type *type)
{
    switch (type->id) {
    case LT_BOOL:
        return FORM_BOOL;
    case LT_INT8:
    case LT_INT16:
    case LT_INT32:
    case LT_INT64:
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
    case LT_DATE32:
    case LT_DATE64:
    case LT_TIME32:
    case LT_TIME64:
    case LT_TIMESTAMP:
    case LT_DURATION:
        return FORM_SIGNED;
    case LT_UINT8:
    case LT_UINT16:
    case LT_UINT32:
    case LT_UINT64:
        return FORM_UNSIGNED;
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
        return FORM_FLOAT;
    case LT_FIXED_BINARY:
        return FORM_FIXED;
    case LT_UTF8:
    case LT_LARGE_UTF8:
        return type->logical == LT_NUMERIC ? FORM_NUMERIC
               : type->logical == LT_JSON  ? FORM_NONE
                                           : FORM_BYTES;
    case LT_BINARY:
    case LT_LARGE_BINARY:
        return FORM_BYTES;
    default:
        return FORM_NONE;
    }
}

static int64_t width_of(const struct lt_type *type)
{
    switch (form_of(type)) {
    case FORM_BOOL:
        return 1;
    case FORM_FLOAT:
        return 8;
    case FORM_SIGNED:
    case FORM_UNSIGNED:
    case FORM_FIXED:
        return type->width;
    default:
        return 0;
    }
}

int lt_key_maker_init(struct lt_key_maker *maker, const struct ArrowSchema *schema, int64_t n,
                      const bool *padded, struct leat_error *err)
{
    struct lt_buf name = LT_BUF_INIT;
    bool vary = false;
    *maker = (struct lt_key_maker){.n = n, .padded = calloc((size_t)n + 1, sizeof(bool))};
    int status = maker->padded ? LEAT_OK : lt_fail_oom(err);
    for (int64_t i = 0; i < n && !status; i++) {
        struct lt_type type;
        status = lt_type_of(schema->children[i], &type, err);
        if (!status && (form_of(&type) == FORM_NONE || schema->children[i]->dictionary)) {
            status =
                lt_type_print(schema->children[i], &name)
                    ? lt_fail_oom(err)
                    : lt_fail(err, LT_E_UNSUPPORTED, "%s cannot be in a key", lt_buf_text(&name));
            leat_error_place(err, "column \"%s\"", schema->children[i]->name);
        }
        if (!status) {
            vary = vary || !width_of(&type);
            maker->width += width_of(&type);
            maker->padded[i] = padded && padded[i];
        }
    }
    maker->width = vary ? 0 : maker->width;
    lt_buf_done(&name);
    return status;
}

void lt_key_maker_done(struct lt_key_maker *maker)
{
    free(maker->padded);
    lt_buf_done(&maker->scratch);
    memset(maker, 0, sizeof *maker);
}

int lt_key_maker_field(const struct lt_key_maker *maker, const char *name,
                       struct ArrowSchema *ret_field, struct leat_error *err)
{
    char format[32] = "z";
    if (maker->width) {
        snprintf(format, sizeof format, "w:%lld", (long long)maker->width);
    }
    int status = lt_schema_init(ret_field, format, name, err);
    if (!status) {
        ret_field->flags &= ~ARROW_FLAG_NULLABLE;
    }
    return status;
}

/* --- single values ------------------------------------------------------------------------- */

static inline void put_reversed(uint8_t *to, const uint8_t *from, int width, uint8_t turn)
{
    for (int k = 0; k < width; k++) {
        to[k] = from[width - 1 - k];
    }
    to[0] ^= turn;
}

static inline void put_u64(uint8_t *to, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(to, &value, sizeof value);
}

static void put_double(uint8_t *to, double value)
{
    uint64_t bits = UINT64_MAX; /* NaN */
    if (!isnan(value)) {
        value += 0.0; /* makes -0.0 the other zero */
        memcpy(&bits, &value, sizeof bits);
        bits = bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
    }
    put_u64(to, bits);
}

static double double_at(const struct lt_view *view, int64_t row)
{
    return view->type.id == LT_FLOAT64   ? lt_view_f64(view, row)
           : view->type.id == LT_FLOAT32 ? (double)lt_view_f32(view, row)
                                         : lt_half_to_double(lt_view_u16(view, row));
}

/* First byte of a number: where it stands among all others. */
enum { RANK_MINUS_INFINITE = 1, RANK_MINUS = 2, RANK_ZERO = 3, RANK_PLUS = 4, RANK_INFINITE = 5 };
#define RANK_NAN 6

/* Rank, place of the first digit, digits and an end below all digits; of negative ones all but the
 * rank turned round. */
static int put_number(struct lt_buf *out, const struct lt_number *number)
{
    size_t start = out->len + 1;
    if (number->kind != LT_NUMBER_FINITE || !number->n_digits) {
        return lt_buf_byte(out, number->kind == LT_NUMBER_NAN      ? RANK_NAN
                                : number->kind == LT_NUMBER_FINITE ? RANK_ZERO
                                : number->negative                 ? RANK_MINUS_INFINITE
                                                                   : RANK_INFINITE);
    }
    uint8_t place[8];
    int64_t exponent = number->exponent + (int64_t)number->n_digits;
    put_u64(place, (uint64_t)exponent ^ UINT64_C(1) << 63);
    if (lt_buf_byte(out, number->negative ? RANK_MINUS : RANK_PLUS) ||
        lt_buf_append(out, place, sizeof place) || lt_buf_reserve(out, number->n_digits + 1)) {
        return LEAT_NO_MEMORY;
    }
    const char *at = number->digits;
    for (size_t left = number->n_digits; left; at++) {
        if (*at != '.') {
            out->data[out->len++] = (uint8_t)*at;
            left--;
        }
    }
    out->data[out->len++] = 0;
    for (size_t k = start; number->negative && k < out->len; k++) {
        out->data[k] = (uint8_t)~out->data[k];
    }
    return LEAT_OK;
}

static int put_escaped(struct lt_buf *out, const uint8_t *bytes, size_t len)
{
    while (len) {
        const uint8_t *zero = memchr(bytes, 0, len);
        size_t plain = zero ? (size_t)(zero - bytes) : len;
        if (lt_buf_append(out, bytes, plain) || (zero && lt_buf_append(out, "\0\377", 2))) {
            return LEAT_NO_MEMORY;
        }
        bytes += plain + (zero != NULL);
        len -= plain + (zero != NULL);
    }
    return lt_buf_append(out, "\0\0", 2);
}

size_t lt_trimmed(const uint8_t *bytes, size_t len)
{
    while (len && bytes[len - 1] == ' ') {
        len--;
    }
    return len;
}

/* --- keys of one width --------------------------------------------------------------------- */

#define EACH_ROW(body)                                                                             \
    for (int64_t row = 0; row < view->length; row++, to += stride) {                               \
        body;                                                                                      \
    }                                                                                              \
    break

/* One column into keys of `stride` bytes each. */
static void put_fixed(const struct lt_view *view, uint8_t *to, int64_t stride)
{
    enum form form = form_of(&view->type);
    const uint8_t *from = view->data;
    int width = view->type.width;
    uint8_t turn = form == FORM_SIGNED ? 0x80 : 0;
    switch (form) {
    case FORM_BOOL:
        EACH_ROW(*to = lt_view_bool(view, row));
    case FORM_FLOAT:
        EACH_ROW(put_double(to, double_at(view, row)));
    case FORM_FIXED:
        EACH_ROW(memcpy(to, from + row * width, (size_t)width));
    default:
        if (width == 8 && form == FORM_SIGNED) {
            EACH_ROW(put_u64(to, lt_view_u64(view, row) ^ UINT64_C(1) << 63));
        }
        if (width == 4) {
            EACH_ROW(put_reversed(to, from + row * 4, 4, turn));
        }
        EACH_ROW(put_reversed(to, from + row * width, width, turn));
    }
}

static int make_fixed(const struct lt_key_maker *maker, const struct lt_view *batch,
                      struct ArrowArray *ret_column, struct leat_error *err)
{
    struct ArrowArray column;
    int status = lt_array_init(&column, 2, 0, err);
    if (status) {
        return status;
    }
    uint8_t *data = malloc((size_t)(batch->length * maker->width) + 1);
    column.buffers[1] = data;
    if (!data) {
        lt_array_done(&column);
        return lt_fail_oom(err);
    }
    int64_t at = 0;
    for (int64_t i = 0; i < maker->n; i++) {
        put_fixed(&batch->children[i], data + at, maker->width);
        at += width_of(&batch->children[i].type);
    }
    column.length = batch->length;
    lt_array_move(&column, ret_column);
    return LEAT_OK;
}

/* --- keys of any width --------------------------------------------------------------------- */

static int put_value(const struct lt_key_maker *maker, const struct lt_view *view, int64_t i,
                     int64_t row, struct lt_buf *out)
{
    enum form form = form_of(&view->type);
    struct lt_number number;
    size_t len;
    if (form != FORM_BYTES && form != FORM_NUMERIC) {
        struct lt_view one = *view;
        one.length = 1;
        one.data = form == FORM_BOOL ? view->data : view->data + row * view->type.width;
        one.offset = view->offset + row;
        int64_t width = width_of(&view->type);
        if (lt_buf_reserve(out, (size_t)width)) {
            return LEAT_NO_MEMORY;
        }
        put_fixed(&one, out->data + out->len, 0);
        out->len += (size_t)width;
        return LEAT_OK;
    }
    const uint8_t *bytes = lt_view_bytes(view, row, &len);
    len = maker->padded[i] ? lt_trimmed(bytes, len) : len;
    if (form == FORM_NUMERIC && lt_number_scan((const char *)bytes, len, &number)) {
        return put_number(out, &number);
    }
    return i + 1 == maker->n ? lt_buf_append(out, bytes, len) : put_escaped(out, bytes, len);
}

static int make_varying(struct lt_key_maker *maker, const struct lt_view *batch,
                        struct ArrowArray *ret_column, struct leat_error *err)
{
    struct ArrowSchema field;
    struct lt_builder builder = {.length = 0};
    int status = lt_key_maker_field(maker, "", &field, err);
    if (status) {
        return status;
    }
    status = lt_builder_init(&builder, &field, err);
    for (int64_t row = 0; row < batch->length && !status; row++) {
        lt_buf_clear(&maker->scratch);
        for (int64_t i = 0; i < maker->n && !status; i++) {
            status = put_value(maker, &batch->children[i], i, row, &maker->scratch);
        }
        status = status ? status
                        : lt_builder_bytes_value(
                              &builder, maker->scratch.data ? maker->scratch.data : (uint8_t *)"",
                              maker->scratch.len);
        status = status ? lt_fail_oom(err) : LEAT_OK;
    }
    status = status ? status : lt_builder_finish(&builder, ret_column, err);
    lt_builder_done(&builder);
    lt_schema_done(&field);
    return status;
}

static int check_nulls(const struct lt_key_maker *maker, const struct lt_view *batch,
                       int64_t first_row, struct leat_error *err)
{
    for (int64_t i = 0; i < maker->n; i++) {
        const struct lt_view *view = &batch->children[i];
        int64_t row = 0;
        if (!view->null_count && view->type.id != LT_NULL) {
            continue;
        }
        while (row < view->length && !lt_view_is_null(view, row)) {
            row++;
        }
        if (row < view->length) {
            int status = lt_fail(err, LT_E_NULL_KEY, "a null in the key");
            leat_error_place(err, "column \"%s\"", view->field->name);
            leat_error_place(err, "row %lld", (long long)(first_row + row));
            return status;
        }
    }
    return LEAT_OK;
}

int lt_key_maker_run(struct lt_key_maker *maker, const struct lt_view *batch, int64_t first_row,
                     struct ArrowArray *ret_column, struct leat_error *err)
{
    int status = check_nulls(maker, batch, first_row, err);
    if (status) {
        return status;
    }
    return maker->width ? make_fixed(maker, batch, ret_column, err)
                        : make_varying(maker, batch, ret_column, err);
}

/* --- comparing ----------------------------------------------------------------------------- */

/* Where two runs of `bytes` bytes first differ, in whole keys of `width`. */
static int64_t same_fixed(const uint8_t *x, const uint8_t *y, int64_t n, int64_t width)
{
    enum { STEP = 64 }; /* keys: memcmp only says that there is a difference, not where */
    int64_t k = 0;
    while (k < n) {
        int64_t step = n - k < STEP ? n - k : STEP;
        if (memcmp(x + k * width, y + k * width, (size_t)(step * width))) {
            break;
        }
        k += step;
    }
    while (k < n && !memcmp(x + k * width, y + k * width, (size_t)width)) {
        k++;
    }
    return k;
}

int64_t lt_keys_same(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                     int64_t n)
{
    if (a->type.id == LT_FIXED_BINARY) {
        int64_t width = a->type.width;
        return same_fixed(a->data + i * width, b->data + j * width, n, width);
    }
    int64_t k = 0;
    while (k < n && !lt_key_compare(a, i + k, b, j + k)) {
        k++;
    }
    return k;
}

int64_t lt_keys_below(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j)
{
    /* Doubles the stride while it stays below, then halves it: short runs are the rule. */
    int64_t low = i, step = 1;
    while (low + step <= a->length && lt_key_compare(a, low + step - 1, b, j) < 0) {
        low += step;
        step *= 2;
    }
    for (; step >= 1; step /= 2) {
        if (low + step <= a->length && lt_key_compare(a, low + step - 1, b, j) < 0) {
            low += step;
        }
    }
    return low - i;
}

int64_t lt_keys_disorder(const struct lt_view *keys)
{
    for (int64_t row = 1; row < keys->length; row++) {
        if (lt_key_compare(keys, row - 1, keys, row) >= 0) {
            return row;
        }
    }
    return -1;
}
