/* The loops of casts: one switch a column, then plain loops over its rows. */
#include "columnar/cast_parts.h"
#include "core/util.h"

#include <math.h>
#include <stdlib.h>

#define BLOCK_ROWS 512

static const char *const why_range = "out of range";
static const char *const why_exact = "not exact in the new type";

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

/* --- fixed-width columns ------------------------------------------------------------------- */

/* A new array of `bytes` zeroed bytes of values. */
static int fixed_new(const struct lt_view *view, size_t bytes, struct ArrowArray *array,
                     uint8_t **ret_data, struct leat_error *err)
{
    int status = lt_array_init(array, 2, 0, err);

    if (status) {
        return status;
    }
    *ret_data = calloc(bytes ? bytes : 1, 1);
    if (!*ret_data) {
        lt_array_done(array);
        return lt_fail_oom(err);
    }
    array->buffers[1] = *ret_data;
    array->length = view->length;
    return LEAT_OK;
}

#define LOAD_LOOP(type_, out_)                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                              \
        type_ value_;                                                                              \
        memcpy(&value_, view->data + (first + i) * (int64_t)sizeof value_, sizeof value_);         \
        block[i] = (out_)value_;                                                                   \
    }                                                                                              \
    break

/* Integers and ticks as int64; the bits of a uint64. */
static void load_integers(const struct lt_view *view, int64_t first, int64_t n, int64_t *block)
{
    switch (view->type.width) {
    case 1:
        if (view->type.id == LT_UINT8) {
            LOAD_LOOP(uint8_t, int64_t);
        }
        LOAD_LOOP(int8_t, int64_t);
    case 2:
        if (view->type.id == LT_UINT16) {
            LOAD_LOOP(uint16_t, int64_t);
        }
        LOAD_LOOP(int16_t, int64_t);
    case 4:
        if (view->type.id == LT_UINT32) {
            LOAD_LOOP(uint32_t, int64_t);
        }
        LOAD_LOOP(int32_t, int64_t);
    default:
        LOAD_LOOP(int64_t, int64_t);
    }
}

static void load_floats(const struct lt_view *view, int64_t first, int64_t n, double *block)
{
    switch (view->type.id) {
    case LT_FLOAT64:
        LOAD_LOOP(double, double);
    case LT_FLOAT32:
        LOAD_LOOP(float, double);
    default:
        for (int64_t i = 0; i < n; i++) {
            block[i] = lt_half_to_double(lt_view_u16(view, first + i));
        }
        break;
    }
}

static void load_exact(const struct lt_view *view, int64_t first, int64_t n, lt_int128 *block)
{
    switch (view->type.id) {
    case LT_INT8:
        LOAD_LOOP(int8_t, lt_int128);
    case LT_INT16:
        LOAD_LOOP(int16_t, lt_int128);
    case LT_UINT8:
        LOAD_LOOP(uint8_t, lt_int128);
    case LT_UINT16:
        LOAD_LOOP(uint16_t, lt_int128);
    case LT_UINT32:
        LOAD_LOOP(uint32_t, lt_int128);
    case LT_UINT64:
        LOAD_LOOP(uint64_t, lt_int128);
    case LT_INT64:
    case LT_DECIMAL64:
        LOAD_LOOP(int64_t, lt_int128);
    case LT_DECIMAL128:
        LOAD_LOOP(lt_int128, lt_int128);
    default:
        LOAD_LOOP(int32_t, lt_int128); /* INT32, DECIMAL32 */
    }
}

static void store_integers(uint8_t *data, int width, const int64_t *block, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        /* Two's complement, least significant byte first on every platform leat supports. */
        memcpy(data + i * width, &block[i], (size_t)width);
    }
}

/* What a signed or unsigned type of that width can hold, within int64. */
static void integer_limits(const struct lt_type *type, int64_t *ret_least, int64_t *ret_most)
{
    int bits = type->width * 8;
    bool is_signed = type->id < LT_UINT8 || type->id > LT_UINT64;

    if (is_signed) {
        *ret_most = (int64_t)(UINT64_MAX >> (65 - bits));
        *ret_least = -*ret_most - 1;
    } else {
        *ret_most = bits == 64 ? INT64_MAX : (int64_t)(UINT64_MAX >> (64 - bits));
        *ret_least = 0;
    }
}

/* A block out of range, found without branches; only then row by row. */
static int check_integers(const struct lt_view *view, int64_t first, int64_t n,
                          const int64_t *block, int64_t least, int64_t most,
                          struct lt_misfits *misfits)
{
    bool any = false;

    for (int64_t i = 0; i < n; i++) {
        any |= block[i] < least || block[i] > most;
    }
    for (int64_t i = 0; any && i < n; i++) {
        if ((block[i] < least || block[i] > most) && !lt_view_is_null(view, first + i) &&
            lt_misfit_mark(misfits, first + i, view->length, LT_E_VALUE_RANGE, why_range)) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

/* A uint64 past int64 looks negative here, and fits no other integer type. */
static int integer_block(const struct lt_cast_step *step, const struct lt_view *view, int64_t first,
                         int64_t n, uint8_t *data, struct lt_misfits *misfits)
{
    int64_t block[BLOCK_ROWS], least, most;
    int width = step->to_type.width;

    load_integers(view, first, n, block);
    integer_limits(&step->to_type, &least, &most);
    if (view->type.id == LT_UINT64) {
        least = step->to_type.id == LT_UINT64 ? INT64_MIN : 0;
    }
    store_integers(data + first * width, width, block, n);
    return check_integers(view, first, n, block, least, most, misfits);
}

/* Stores a double into a float type; false when it is not the same number there. */
static bool store_float(enum lt_type_id id, double value, uint8_t *at)
{
    float single = (float)value;
    uint16_t half;

    if (id == LT_FLOAT64) {
        memcpy(at, &value, sizeof value);
        return true;
    }
    if (id == LT_FLOAT32) {
        memcpy(at, &single, sizeof single);
        return (double)single == value || isnan(value);
    }
    half = lt_half_of_double(value);
    memcpy(at, &half, sizeof half);
    return lt_half_to_double(half) == value || isnan(value);
}

/* Whether the double is that integer; 2^63 and 2^64 are where the conversion back would overflow. */
static bool double_is(double value, int64_t integer, bool is_unsigned)
{
    if (is_unsigned) {
        return value < 0x1p64 && (uint64_t)value == (uint64_t)integer;
    }
    return value < 0x1p63 && (int64_t)value == integer;
}

static int to_float_block(const struct lt_cast_step *step, const struct lt_view *view,
                          int64_t first, int64_t n, uint8_t *data, struct lt_misfits *misfits)
{
    bool integer = lt_type_is_integer(view->type.id), big = view->type.id == LT_UINT64;
    int64_t integers[BLOCK_ROWS];
    double floats[BLOCK_ROWS];
    int width = step->to_type.width;

    if (integer) {
        load_integers(view, first, n, integers);
        for (int64_t i = 0; i < n; i++) {
            floats[i] = big ? (double)(uint64_t)integers[i] : (double)integers[i];
        }
    } else {
        load_floats(view, first, n, floats);
    }
    for (int64_t i = 0; i < n; i++) {
        bool good = store_float(step->to_type.id, floats[i], data + (first + i) * width);
        if (integer && good) {
            good = double_is(floats[i], integers[i], big);
        }
        if (!good && !lt_view_is_null(view, first + i) &&
            lt_misfit_mark(misfits, first + i, view->length, LT_E_VALUE_RANGE, why_exact)) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

static int from_float_block(const struct lt_cast_step *step, const struct lt_view *view,
                            int64_t first, int64_t n, uint8_t *data, struct lt_misfits *misfits)
{
    double floats[BLOCK_ROWS], low, high;
    int64_t least, most;
    int width = step->to_type.width;

    load_floats(view, first, n, floats);
    integer_limits(&step->to_type, &least, &most);
    low = (double)least;
    high = step->to_type.id == LT_UINT64 ? 0x1p64 : width == 8 ? 0x1p63 : (double)most + 1;
    for (int64_t i = 0; i < n; i++) {
        double value = floats[i];
        const char *why = NULL;
        uint64_t bits = 0;
        if (!(value >= low && value < high)) {
            why = why_range; /* NaN as well */
        } else if (value != floor(value)) {
            why = why_exact;
        } else {
            bits = value < 0 ? (uint64_t)(int64_t)value : (uint64_t)value;
        }
        memcpy(data + (first + i) * width, &bits, (size_t)width);
        if (why && !lt_view_is_null(view, first + i) &&
            lt_misfit_mark(misfits, first + i, view->length, LT_E_VALUE_RANGE, why)) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

static lt_int128 power_of_ten(int n)
{
    lt_int128 power = 1;

    while (n-- > 0) {
        power *= 10;
    }
    return power;
}

/* The bounds of the new type as integers of its scale. */
static void exact_limits(const struct lt_type *type, lt_int128 *ret_least, lt_int128 *ret_most)
{
    static const int digits_max[] = {[LT_DECIMAL32] = 9, [LT_DECIMAL64] = 18, [LT_DECIMAL128] = 38};
    int64_t least, most;

    if (lt_type_is_integer(type->id)) {
        integer_limits(type, &least, &most);
        *ret_least = least;
        *ret_most = type->id == LT_UINT64 ? (lt_int128)UINT64_MAX : most;
    } else {
        int digits = LT_MIN(type->precision, digits_max[type->id]);
        *ret_most = power_of_ten(LT_MAX(digits, 0)) - 1;
        *ret_least = -*ret_most;
    }
}

/* Rescaling by 10^shift. Shifts beyond 38 digits leave only zero. */
static const char *rescale(lt_int128 *value, int shift, lt_int128 power)
{
    if (!*value || !shift) {
        return NULL;
    }
    if (shift > 38 || shift < -38) {
        return shift > 0 ? why_range : why_exact;
    }
    if (shift > 0) {
        return __builtin_mul_overflow(*value, power, value) ? why_range : NULL;
    }
    if (*value % power) {
        return why_exact;
    }
    *value /= power;
    return NULL;
}

static int exact_block(const struct lt_cast_step *step, const struct lt_view *view, int64_t first,
                       int64_t n, uint8_t *data, struct lt_misfits *misfits)
{
    int from_scale = lt_type_is_integer(view->type.id) ? 0 : view->type.scale;
    int to_scale = lt_type_is_integer(step->to_type.id) ? 0 : step->to_type.scale;
    int shift = to_scale - from_scale, width = step->to_type.width;
    lt_int128 block[BLOCK_ROWS], least, most;
    lt_int128 power = power_of_ten(LT_MIN(abs(shift), 38));

    load_exact(view, first, n, block);
    exact_limits(&step->to_type, &least, &most);
    for (int64_t i = 0; i < n; i++) {
        const char *why = rescale(&block[i], shift, power);
        if (!why && (block[i] < least || block[i] > most)) {
            why = why_range;
        }
        memcpy(data + (first + i) * width, &block[i], (size_t)width);
        if (why && !lt_view_is_null(view, first + i) &&
            lt_misfit_mark(misfits, first + i, view->length, LT_E_VALUE_RANGE, why)) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

static int ticks_block(const struct lt_cast_step *step, const struct lt_view *view, int64_t first,
                       int64_t n, uint8_t *data, struct lt_misfits *misfits)
{
    int64_t block[BLOCK_ROWS];
    int width = step->to_type.width;

    load_integers(view, first, n, block);
    for (int64_t i = 0; i < n; i++) {
        int64_t value = block[i];
        const char *why = NULL;
        if (value % step->divide || value % step->whole) {
            why = why_exact;
        } else if (__builtin_mul_overflow(value / step->divide, step->multiply, &value) ||
                   (width == 4 && value != (int32_t)value)) {
            why = why_range;
        }
        memcpy(data + (first + i) * width, &value, (size_t)width);
        if (why && !lt_view_is_null(view, first + i) &&
            lt_misfit_mark(misfits, first + i, view->length, LT_E_VALUE_RANGE, why)) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

static int bool_integer_block(const struct lt_cast_step *step, const struct lt_view *view,
                              int64_t first, int64_t n, uint8_t *data)
{
    int width = step->to_type.width;

    for (int64_t i = first; i < first + n; i++) {
        data[i * width] = lt_view_bool(view, i);
    }
    return LEAT_OK;
}

static int integer_bool_block(const struct lt_view *view, int64_t first, int64_t n, uint8_t *data,
                              struct lt_misfits *misfits)
{
    int64_t block[BLOCK_ROWS];

    load_integers(view, first, n, block);
    for (int64_t i = 0; i < n; i++) {
        data[(first + i) >> 3] |= (uint8_t)((block[i] == 1) << ((first + i) & 7));
    }
    return check_integers(view, first, n, block, 0, 1, misfits);
}

static void copy_block(const struct lt_view *view, int64_t first, int64_t n, uint8_t *data)
{
    int64_t width = view->type.width;

    if (view->type.id == LT_BOOL) {
        for (int64_t i = first; i < first + n; i++) {
            data[i >> 3] |= (uint8_t)(lt_view_bool(view, i) << (i & 7));
        }
    } else if (width) {
        memcpy(data + first * width, view->data + first * width, (size_t)(n * width));
    }
}

static int fixed_block(const struct lt_cast_step *step, const struct lt_view *view, int64_t first,
                       int64_t n, uint8_t *data, struct lt_misfits *misfits)
{
    switch (step->op) {
    case LT_OP_INTEGER:
        return integer_block(step, view, first, n, data, misfits);
    case LT_OP_TO_FLOAT:
        return to_float_block(step, view, first, n, data, misfits);
    case LT_OP_FROM_FLOAT:
        return from_float_block(step, view, first, n, data, misfits);
    case LT_OP_EXACT:
        return exact_block(step, view, first, n, data, misfits);
    case LT_OP_TICKS:
        return ticks_block(step, view, first, n, data, misfits);
    case LT_OP_BOOL_INTEGER:
        return bool_integer_block(step, view, first, n, data);
    case LT_OP_INTEGER_BOOL:
        return integer_bool_block(view, first, n, data, misfits);
    default:
        copy_block(view, first, n, data);
        return LEAT_OK;
    }
}

static int cast_fixed(const struct lt_cast_step *step, const struct lt_view *view,
                      struct lt_misfits *misfits, struct ArrowArray *ret_array,
                      struct leat_error *err)
{
    size_t bytes = step->to_type.id == LT_BOOL ? (size_t)(view->length + 7) / 8
                                               : (size_t)view->length * (size_t)step->to_type.width;
    struct ArrowArray array;
    uint8_t *data;
    int status = fixed_new(view, bytes, &array, &data, err);

    if (status) {
        return status;
    }
    for (int64_t first = 0; !status && first < view->length; first += BLOCK_ROWS) {
        int64_t n = LT_MIN(view->length - first, BLOCK_ROWS);
        if (fixed_block(step, view, first, n, data, misfits)) {
            status = lt_fail_oom(err);
        }
    }
    if (!status) {
        status = lt_cast_validity(view, misfits, &array, err);
    }
    if (status) {
        lt_array_done(&array);
        return status;
    }
    *ret_array = array;
    return LEAT_OK;
}

/* --- columns built value by value ---------------------------------------------------------- */

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

static int cast_built(struct lt_cast_step *step, const struct lt_view *view,
                      struct lt_misfits *misfits, struct ArrowArray *ret_array,
                      struct leat_error *err)
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
        return cast_built(step, view, misfits, ret_array, err);
    case LT_OP_LIST:
        return lt_cast_list(step, view, misfits, ret_array, err);
    case LT_OP_STRUCT:
        return lt_cast_struct(step, view, misfits, ret_array, err);
    default:
        return cast_fixed(step, view, misfits, ret_array, err);
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
