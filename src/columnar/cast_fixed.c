/* The loops of casts between columns of fixed width: blocks of rows, loaded, changed and stored. */
#include "columnar/cast_parts.h"
#include "core/util.h"

#include <math.h>
#include <stdlib.h>

#define BLOCK_ROWS 512

static const char *const why_range = "out of range";
static const char *const why_exact = "not exact in the new type";

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

int lt_cast_fixed(const struct lt_cast_step *step, const struct lt_view *view,
                  struct lt_misfits *misfits, struct ArrowArray *ret_array, struct leat_error *err)
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
