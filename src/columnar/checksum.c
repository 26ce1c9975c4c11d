/* Order-independent checksums of columns and of whole rows.
 *
 * Every value has canonical bytes that depend on what it is, not on how it is stored. Their hash
 * is mixed with a tag for the class, and the sum over the rows is the column's checksum: order
 * does not matter, a change of one value goes unseen once in 2^64. Columns that are equal one by
 * one can still be put together otherwise: so the hashes of a row's values, one column after the
 * other, make one hash of the row, and the sum of these is the checksum of the rows. */
#include "columnar/cast.h"
#include "columnar/text_parts.h"
#include "core/codes.h"
#include "core/util.h"

#include <math.h>
#include <stdlib.h>

/* Classes whose values are never equal to each other's. Never renumber: sums are stored. */
enum tag {
    TAG_NULL = 1,
    TAG_BOOL = 2,
    TAG_INTEGER = 3,  /* whole numbers of at most 38 digits, of any type but float */
    TAG_FRACTION = 4, /* all other finite decimals */
    TAG_SPECIAL = 5,  /* NaN and infinities in numeric */
    TAG_FLOAT = 6,
    TAG_TEXT = 7,
    TAG_BINARY = 8,
    TAG_UUID = 9,
    TAG_DATE = 10,
    TAG_TIME = 11,
    TAG_STAMP = 12,
    TAG_STAMP_ZONED = 13,
    TAG_DURATION = 14,
    TAG_INTERVAL = 15,
    TAG_LIST = 16,
    TAG_STRUCT = 17,
    TAG_MAP = 18
};

/* Spreads every bit over all others (the finish of MurmurHash3, which is a bijection). */
static inline uint64_t spread(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

static inline uint64_t tagged(enum tag tag, const void *data, size_t len)
{
    return spread(lt_hash(data, len) + (uint64_t)tag * UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t wide_hash(enum tag tag, lt_int128 value)
{
    return tagged(tag, &value, sizeof value);
}

/* Depends on the order in which things are chained. */
static inline uint64_t chained(uint64_t hash, uint64_t next)
{
    return spread(hash * UINT64_C(0x9e3779b97f4a7c15) + next);
}

static uint64_t null_hash(void)
{
    return tagged(TAG_NULL, NULL, 0);
}

/* --- numbers ------------------------------------------------------------------------------- */

/* A whole number hashes as 128 bits; others as sign, exponent and digits without the zeros at
 * both ends. */
static int number_hash(const struct lt_number *number, struct lt_buf *scratch, uint64_t *ret_hash)
{
    struct {
        int64_t negative, exponent;
    } head = {number->negative, number->exponent};
    const char *at = number->digits, *why;
    lt_int128 whole;

    if (number->kind != LT_NUMBER_FINITE) {
        uint8_t kind = (uint8_t)(number->kind * 2 + number->negative);
        *ret_hash = tagged(TAG_SPECIAL, &kind, 1);
        return LEAT_OK;
    }
    if (!lt_decimal_of_number(number, LT_DECIMAL128_DIGITS, 0, &whole, &why)) {
        *ret_hash = wide_hash(TAG_INTEGER, whole);
        return LEAT_OK;
    }
    lt_buf_clear(scratch);
    if (lt_buf_append(scratch, &head, sizeof head) || lt_buf_reserve(scratch, number->n_digits)) {
        return LEAT_NO_MEMORY;
    }
    for (size_t left = number->n_digits; left; at++) {
        if (*at != '.') {
            scratch->data[scratch->len++] = (uint8_t)*at;
            left--;
        }
    }
    *ret_hash = tagged(TAG_FRACTION, scratch->data, scratch->len);
    return LEAT_OK;
}

/* Through the digits, so that all widths and numeric text agree. */
static int decimal_hash(const struct lt_view *view, int64_t row, struct lt_buf *scratch,
                        uint64_t *ret_hash)
{
    struct lt_number number;
    char digits[80];
    int n;

    if (view->type.id == LT_DECIMAL256) {
        struct lt_int256 value = lt_view_decimal256(view, row);
        n = lt_decimal256_digits(&value, digits);
        (void)lt_number_scan(digits, (size_t)n, &number);
        number.negative = lt_int256_negative(&value);
    } else {
        lt_int128 value = lt_view_decimal(view, row);
        n = lt_decimal_digits(value, digits);
        (void)lt_number_scan(digits, (size_t)n, &number);
        number.negative = value < 0;
    }
    if (number.n_digits) {
        number.exponent -= view->type.scale;
    }
    return number_hash(&number, scratch, ret_hash);
}

static uint64_t float_hash(const struct lt_view *view, int64_t row)
{
    double value = view->type.id == LT_FLOAT64   ? lt_view_f64(view, row)
                   : view->type.id == LT_FLOAT32 ? (double)lt_view_f32(view, row)
                                                 : lt_half_to_double(lt_view_u16(view, row));

    if (isnan(value)) {
        return tagged(TAG_FLOAT, "NaN", 3);
    }
    value += 0.0; /* makes -0.0 the other zero */
    return tagged(TAG_FLOAT, &value, sizeof value);
}

/* --- other leaves -------------------------------------------------------------------------- */

static int text_hash(const struct lt_view *view, int64_t row, struct lt_buf *scratch,
                     uint64_t *ret_hash)
{
    struct lt_number number;
    size_t len;
    const uint8_t *text = lt_view_bytes(view, row, &len);

    if (view->type.logical == LT_NUMERIC && lt_number_scan((const char *)text, len, &number)) {
        return number_hash(&number, scratch, ret_hash);
    }
    if (view->type.logical == LT_JSON) {
        uint64_t hash = lt_json_hash((const char *)text, len, scratch);
        *ret_hash = tagged(TAG_TEXT, &hash, sizeof hash);
    } else {
        *ret_hash = tagged(TAG_TEXT, text, len);
    }
    return LEAT_OK;
}

static uint64_t bytes_hash(const struct lt_view *view, int64_t row)
{
    size_t len;
    const uint8_t *bytes = lt_view_bytes(view, row, &len);

    return tagged(view->type.logical == LT_UUID ? TAG_UUID : TAG_BINARY, bytes, len);
}

/* Everything that counts time, in nanoseconds. */
static uint64_t ticks_hash(const struct lt_view *view, int64_t row)
{
    const struct lt_type *type = &view->type;
    int64_t ticks = type->width == 4 ? lt_view_i32(view, row) : lt_view_i64(view, row);
    lt_int128 nanos = (lt_int128)ticks * (lt_unit_ticks(LT_NANO) / lt_unit_ticks(type->unit));

    switch (type->id) {
    case LT_DATE32:
        return wide_hash(TAG_DATE, (lt_int128)ticks * 86400000);
    case LT_DATE64:
        return wide_hash(TAG_DATE, ticks);
    case LT_TIME32:
    case LT_TIME64:
        return wide_hash(TAG_TIME, nanos);
    case LT_DURATION:
        return wide_hash(TAG_DURATION, nanos);
    default:
        return wide_hash(*type->zone ? TAG_STAMP_ZONED : TAG_STAMP, nanos);
    }
}

static uint64_t interval_hash(const struct lt_view *view, int64_t row)
{
    int64_t parts[3] = {0, 0, 0};
    int32_t narrow[2];
    const uint8_t *at = view->data + row * view->type.width;

    if (view->type.id == LT_INTERVAL_MONTHS) {
        parts[0] = lt_view_i32(view, row);
        return tagged(TAG_INTERVAL, parts, sizeof parts);
    }
    memcpy(narrow, at, sizeof narrow);
    if (view->type.id == LT_INTERVAL_DAY_TIME) {
        parts[1] = narrow[0];
        parts[2] = (int64_t)narrow[1] * 1000000;
    } else {
        parts[0] = narrow[0];
        parts[1] = narrow[1];
        memcpy(&parts[2], at + 8, 8);
    }
    return tagged(TAG_INTERVAL, parts, sizeof parts);
}

/* --- any value ----------------------------------------------------------------------------- */

static int value_hash(const struct lt_view *view, int64_t row, struct lt_buf *scratch,
                      uint64_t *ret_hash);

/* Children in their order: each step mixes in what came before. */
static int chain(const struct lt_view *view, int64_t row, struct lt_buf *scratch, uint64_t *hash)
{
    uint64_t next = 0;
    int status = value_hash(view, row, scratch, &next);

    *hash = chained(*hash, next);
    return status;
}

static int nested_hash(const struct lt_view *view, int64_t row, struct lt_buf *scratch,
                       uint64_t *ret_hash)
{
    uint64_t hash = view->type.id == LT_STRUCT ? TAG_STRUCT
                    : view->type.id == LT_MAP  ? TAG_MAP
                                               : TAG_LIST;
    int64_t first, end;
    int status = LEAT_OK;

    if (view->type.id == LT_STRUCT) {
        for (int64_t i = 0; !status && i < view->n_children; i++) {
            status = chain(&view->children[i], row, scratch, &hash);
        }
    } else {
        lt_view_list(view, row, &first, &end);
        hash = spread(hash + ((uint64_t)(end - first) << 8));
        for (int64_t i = first; !status && i < end; i++) {
            status = chain(&view->children[0], i, scratch, &hash);
        }
    }
    *ret_hash = spread(hash);
    return status;
}

static int value_hash(const struct lt_view *view, int64_t row, struct lt_buf *scratch,
                      uint64_t *ret_hash)
{
    uint8_t truth;
    bool big = false;
    int64_t value;

    if (!lt_view_resolve(&view, &row)) {
        *ret_hash = null_hash();
        return LEAT_OK;
    }
    if (lt_type_is_integer(view->type.id)) {
        value = lt_view_integer(view, row, &big);
        *ret_hash = wide_hash(TAG_INTEGER, big ? (lt_int128)(uint64_t)value : value);
        return LEAT_OK;
    }
    switch (view->type.id) {
    case LT_BOOL:
        truth = lt_view_bool(view, row);
        *ret_hash = tagged(TAG_BOOL, &truth, 1);
        return LEAT_OK;
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
        *ret_hash = float_hash(view, row);
        return LEAT_OK;
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        return decimal_hash(view, row, scratch, ret_hash);
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
        return text_hash(view, row, scratch, ret_hash);
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_BINARY_VIEW:
    case LT_FIXED_BINARY:
        *ret_hash = bytes_hash(view, row);
        return LEAT_OK;
    case LT_INTERVAL_MONTHS:
    case LT_INTERVAL_DAY_TIME:
    case LT_INTERVAL:
        *ret_hash = interval_hash(view, row);
        return LEAT_OK;
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
    case LT_STRUCT:
    case LT_MAP:
        return nested_hash(view, row, scratch, ret_hash);
    default:
        *ret_hash = ticks_hash(view, row);
        return LEAT_OK;
    }
}

/* --- columns ------------------------------------------------------------------------------- */

#define SUM_LOOP(hash_)                                                                            \
    for (int64_t row = 0; row < view->length; row++) {                                             \
        uint64_t value = lt_view_is_null(view, row) ? nothing : (hash_);                           \
        sum += value;                                                                              \
        rows[row] = chained(rows[row], value);                                                     \
    }                                                                                              \
    break

static inline uint64_t plain_text_hash(const struct lt_view *view, int64_t row)
{
    size_t len;
    const uint8_t *text = lt_view_bytes(view, row, &len);

    return tagged(TAG_TEXT, text, len);
}

/* Chains every value to its row's hash. The commonest types have loops of their own. */
static int column_sum(const struct lt_view *view, struct lt_buf *scratch, uint64_t *rows,
                      uint64_t *ret_sum)
{
    uint64_t sum = 0, hash = 0, nothing = null_hash();
    enum lt_type_id id = view->type.id;
    int status = LEAT_OK;

    if (view->dictionary || (lt_type_is_text(id) &&
                             (view->type.logical == LT_NUMERIC || view->type.logical == LT_JSON))) {
        id = LT_DICTIONARY; /* the general loop */
    }
    switch (id) {
    case LT_INT32:
        SUM_LOOP(wide_hash(TAG_INTEGER, lt_view_i32(view, row)));
    case LT_INT64:
        SUM_LOOP(wide_hash(TAG_INTEGER, lt_view_i64(view, row)));
    case LT_FLOAT64:
        SUM_LOOP(float_hash(view, row));
    case LT_DATE32:
    case LT_TIMESTAMP:
        SUM_LOOP(ticks_hash(view, row));
    case LT_UTF8:
        SUM_LOOP(plain_text_hash(view, row));
    default:
        for (int64_t row = 0; !status && row < view->length; row++) {
            status = value_hash(view, row, scratch, &hash);
            sum += hash;
            rows[row] = chained(rows[row], hash);
        }
        break;
    }
    *ret_sum += sum;
    return status;
}

int lt_checksum_add(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                    uint64_t *sums, struct leat_error *err)
{
    struct lt_buf scratch = LT_BUF_INIT;
    struct lt_view view;
    int status = lt_view_init(&view, schema, batch, err);
    uint64_t *rows = status ? NULL : calloc((size_t)view.length + 1, sizeof *rows);

    if (!status && !rows) {
        status = lt_fail_oom(err);
    }
    for (int64_t i = 0; !status && i < view.n_children; i++) {
        struct lt_view *column = &view.children[i];
        if (column->dictionary && column->type.logical != LT_PLAIN) {
            column->dictionary->type.logical = column->type.logical; /* said on the outer field */
        }
        if (column_sum(column, &scratch, rows, &sums[i])) {
            status = lt_fail_oom(err);
        }
    }
    for (int64_t row = 0; !status && row < view.length; row++) {
        sums[view.n_children] += rows[row];
    }
    free(rows);
    lt_buf_done(&scratch);
    lt_view_done(&view);
    return status;
}
