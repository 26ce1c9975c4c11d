/* Conversions. See physical.h. */
#include "formats/parquet/physical.h"

#include "columnar/bits.h"
#include "columnar/text.h"
#include "core/codes.h"
#include "core/util.h"

#include "core/banned.h"

#define JULIAN_1970 2440588

/* --- kernels: one a kind of conversion, see lt_pq_store_fn --------------------------------- */

static int64_t copy(const struct lt_pq_store *c, const struct lt_view *view, int64_t first,
                    int64_t n, uint8_t *out)
{
    memcpy(out, view->data + first * c->width, (size_t)(n * c->width));
    return -1;
}

static int64_t to_bool(const struct lt_pq_store *c, const struct lt_view *view, int64_t first,
                       int64_t n, uint8_t *out)
{
    (void)c;
    for (int64_t i = 0; i < n; i++) {
        out[i] = lt_bit(view->data, view->offset + first + i);
    }
    return -1;
}

#define WIDEN(name, get)                                                                           \
    static int64_t name(const struct lt_pq_store *c, const struct lt_view *view, int64_t first,    \
                        int64_t n, uint8_t *out)                                                   \
    {                                                                                              \
        (void)c;                                                                                   \
        for (int64_t i = 0; i < n; i++) {                                                          \
            int32_t value = get(view, first + i);                                                  \
            memcpy(out + 4 * i, &value, 4);                                                        \
        }                                                                                          \
        return -1;                                                                                 \
    }

WIDEN(widen_i8, lt_view_i8)
WIDEN(widen_i16, lt_view_i16)
WIDEN(widen_u8, lt_view_u8)
WIDEN(widen_u16, lt_view_u16)
#undef WIDEN

static int64_t date_of_ms(const struct lt_pq_store *c, const struct lt_view *view, int64_t first,
                          int64_t n, uint8_t *out)
{
    (void)c;
    for (int64_t i = 0; i < n; i++) {
        int64_t ms = lt_view_i64(view, first + i), day = ms / 86400000;
        int32_t narrow = (int32_t)day;
        if (ms % 86400000 || narrow != day) {
            return first + i;
        }
        memcpy(out + 4 * i, &narrow, 4);
    }
    return -1;
}

static int64_t time_32(const struct lt_pq_store *c, const struct lt_view *view, int64_t first,
                       int64_t n, uint8_t *out)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t value = lt_view_i32(view, first + i);
        if (value < 0 || value >= c->limit) {
            return first + i;
        }
        int32_t narrow = (int32_t)(value * c->factor);
        memcpy(out + 4 * i, &narrow, 4);
    }
    return -1;
}

static int64_t time_64(const struct lt_pq_store *c, const struct lt_view *view, int64_t first,
                       int64_t n, uint8_t *out)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t value = lt_view_i64(view, first + i);
        if (value < 0 || value >= c->limit) {
            return first + i;
        }
        memcpy(out + 8 * i, &value, 8);
    }
    return -1;
}

static int64_t multiply(const struct lt_pq_store *c, const struct lt_view *view, int64_t first,
                        int64_t n, uint8_t *out)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t value;
        if (__builtin_mul_overflow(lt_view_i64(view, first + i), c->factor, &value)) {
            return first + i;
        }
        memcpy(out + 8 * i, &value, 8);
    }
    return -1;
}

/* INT96: nanoseconds of the day, then the Julian day. */
static int64_t to_int96(const struct lt_pq_store *c, const struct lt_view *view, int64_t first,
                        int64_t n, uint8_t *out)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t value = lt_view_i64(view, first + i);
        int64_t day = value / c->limit, rest = value % c->limit;
        day -= rest < 0;
        rest += rest < 0 ? c->limit : 0;
        int64_t ns = rest * c->factor;
        int32_t julian = (int32_t)(day + JULIAN_1970);
        if (day < INT32_MIN || day > INT32_MAX - JULIAN_1970 || julian < 0) {
            return first + i;
        }
        memcpy(out + 12 * i, &ns, 8);
        memcpy(out + 12 * i + 8, &julian, 4);
    }
    return -1;
}

/* --- decimals ------------------------------------------------------------------------------ */

static lt_int128 power_of_ten(int32_t n)
{
    lt_int128 power = 1;
    for (int32_t i = 0; i < n; i++) {
        power *= 10;
    }
    return power;
}

static inline lt_int128 load_128(const uint8_t *data, int32_t width)
{
    lt_int128 value;
    int64_t wide;
    int32_t narrow;
    switch (width) {
    case 4:
        memcpy(&narrow, data, sizeof narrow);
        return narrow;
    case 8:
        memcpy(&wide, data, sizeof wide);
        return wide;
    default:
        memcpy(&value, data, sizeof value);
        return value;
    }
}

static void store_big_endian(uint8_t *out, int32_t width, lt_int128 value)
{
    for (int32_t k = width - 1; k >= 0; k--) {
        out[k] = (uint8_t)value;
        value >>= 8;
    }
}

/* Up to 38 digits: INT32, INT64 or a fixed number of big-endian bytes. */
#define DECIMAL(name, STORE)                                                                       \
    static int64_t name(const struct lt_pq_store *c, const struct lt_view *view, int64_t first,    \
                        int64_t n, uint8_t *out)                                                   \
    {                                                                                              \
        lt_int128 end = power_of_ten(c->precision);                                                \
        int32_t from = view->type.width;                                                           \
        for (int64_t i = 0; i < n; i++, out += c->width) {                                         \
            const uint8_t *data = view->data + (first + i) * from;                                 \
            lt_int128 value = load_128(data, from);                                                \
            if (value <= -end || value >= end ||                                                   \
                (from == 32 && load_128(data + 16, 16) != (value < 0 ? -1 : 0))) {                 \
                return first + i;                                                                  \
            }                                                                                      \
            STORE;                                                                                 \
        }                                                                                          \
        return -1;                                                                                 \
    }

DECIMAL(decimal_to_32, int32_t narrow = (int32_t)value; memcpy(out, &narrow, 4))
DECIMAL(decimal_to_64, int64_t narrow = (int64_t)value; memcpy(out, &narrow, 8))
DECIMAL(decimal_to_bytes, store_big_endian(out, c->width, value))
#undef DECIMAL

/* More than 38 digits, of 256 bits: what is cut off in front must be the sign alone. */
static int64_t decimal_to_long(const struct lt_pq_store *c, const struct lt_view *view,
                               int64_t first, int64_t n, uint8_t *out)
{
    for (int64_t i = 0; i < n; i++, out += c->width) {
        const uint8_t *data = view->data + (first + i) * 32;
        for (int32_t k = 0; k < c->width; k++) {
            out[c->width - 1 - k] = data[k];
        }
        uint8_t sign = out[0] & 0x80 ? 0xff : 0;
        for (int32_t k = c->width; k < 32; k++) {
            if (data[k] != sign) {
                return first + i;
            }
        }
    }
    return -1;
}

/* --- which kernel -------------------------------------------------------------------------- */

static const char *const out_of_day = "a time of day that is negative or not before 24:00";

static void init_decimal(struct lt_pq_store *c, const struct lt_pq_node *leaf,
                         const struct lt_type *type)
{
    c->precision = type->precision;
    c->why = "a decimal with more digits than its precision";
    c->compare = leaf->type == LT_PQ_INT32   ? LT_PQ_COMPARE_I32
                 : leaf->type == LT_PQ_INT64 ? LT_PQ_COMPARE_I64
                                             : LT_PQ_COMPARE_DECIMAL;
    c->run = leaf->type == LT_PQ_INT32   ? decimal_to_32
             : leaf->type == LT_PQ_INT64 ? decimal_to_64
             : type->precision > 38      ? decimal_to_long
                                         : decimal_to_bytes;
}

static void init_time(struct lt_pq_store *c, const struct lt_type *type)
{
    static const int64_t days[] = {[LT_SECOND] = 86400,
                                   [LT_MILLI] = 86400000,
                                   [LT_MICRO] = 86400000000,
                                   [LT_NANO] = 86400000000000};
    c->limit = days[type->unit];
    c->factor = type->unit == LT_SECOND ? 1000 : 1;
    c->why = out_of_day;
    c->run = type->id == LT_TIME32 ? time_32 : time_64;
}

static void init_timestamp(struct lt_pq_store *c, const struct lt_pq_node *leaf,
                           const struct lt_type *type)
{
    static const int64_t nanos[] = {
        [LT_SECOND] = 1000000000, [LT_MILLI] = 1000000, [LT_MICRO] = 1000, [LT_NANO] = 1};
    if (leaf->type == LT_PQ_INT96) {
        c->compare = LT_PQ_COMPARE_NONE;
        c->limit = 86400000000000 / nanos[type->unit];
        c->factor = nanos[type->unit];
        c->why = "a timestamp that INT96 has no day for";
        c->run = to_int96;
    } else if (type->unit == LT_SECOND) {
        c->factor = 1000;
        c->why = "a timestamp in seconds that does not fit milliseconds";
        c->run = multiply;
    }
}

/* What the physical type says; init_kind() makes exceptions. */
static void init_plain(struct lt_pq_store *c, const struct lt_pq_node *leaf)
{
    static const struct {
        int32_t width;
        enum lt_pq_compare compare;
    } plain[] = {
        [LT_PQ_BOOLEAN] = {1, LT_PQ_COMPARE_BOOL},     [LT_PQ_INT32] = {4, LT_PQ_COMPARE_I32},
        [LT_PQ_INT64] = {8, LT_PQ_COMPARE_I64},        [LT_PQ_INT96] = {12, LT_PQ_COMPARE_NONE},
        [LT_PQ_FLOAT] = {4, LT_PQ_COMPARE_F32},        [LT_PQ_DOUBLE] = {8, LT_PQ_COMPARE_F64},
        [LT_PQ_BYTE_ARRAY] = {0, LT_PQ_COMPARE_BYTES}, [LT_PQ_FLBA] = {0, LT_PQ_COMPARE_FIXED},
    };
    *c = (struct lt_pq_store){.width = plain[leaf->type].width,
                              .compare = plain[leaf->type].compare,
                              .factor = 1,
                              .run = leaf->type == LT_PQ_BYTE_ARRAY ? NULL : copy};
    if (leaf->type == LT_PQ_FLBA) {
        c->width = leaf->type_length;
    }
}

void lt_pq_store_init(struct lt_pq_store *c, const struct lt_pq_node *leaf,
                      const struct lt_type *type)
{
    static const struct {
        lt_pq_store_fn *run; /* NULL: as the physical type says */
        enum lt_pq_compare compare;
    } kinds[LT_TYPES_N] = {
        [LT_NULL] = {NULL, LT_PQ_COMPARE_NONE},
        [LT_BOOL] = {to_bool, LT_PQ_COMPARE_BOOL},
        [LT_INT8] = {widen_i8, LT_PQ_COMPARE_I32},
        [LT_INT16] = {widen_i16, LT_PQ_COMPARE_I32},
        [LT_UINT8] = {widen_u8, LT_PQ_COMPARE_U32},
        [LT_UINT16] = {widen_u16, LT_PQ_COMPARE_U32},
        [LT_UINT32] = {copy, LT_PQ_COMPARE_U32},
        [LT_UINT64] = {copy, LT_PQ_COMPARE_U64},
        [LT_FLOAT16] = {copy, LT_PQ_COMPARE_F16},
        [LT_DATE64] = {date_of_ms, LT_PQ_COMPARE_I32},
        [LT_UTF8] = {NULL, LT_PQ_COMPARE_TEXT},
        [LT_LARGE_UTF8] = {NULL, LT_PQ_COMPARE_TEXT},
        [LT_INTERVAL] = {NULL, LT_PQ_COMPARE_TEXT},
        [LT_INTERVAL_MONTHS] = {NULL, LT_PQ_COMPARE_TEXT},
        [LT_INTERVAL_DAY_TIME] = {NULL, LT_PQ_COMPARE_TEXT},
    };
    init_plain(c, leaf);
    if (kinds[type->id].compare) {
        c->compare = kinds[type->id].compare;
        c->run = kinds[type->id].run;
    }
    switch (type->id) {
    case LT_NULL:
        c->compare = LT_PQ_COMPARE_NONE;
        break;
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        init_decimal(c, leaf, type);
        break;
    case LT_DATE64:
        c->why = "a date in milliseconds that is no whole day, or out of range";
        break;
    case LT_TIME32:
    case LT_TIME64:
        init_time(c, type);
        break;
    case LT_TIMESTAMP:
        init_timestamp(c, leaf, type);
        break;
    case LT_INTERVAL:
    case LT_INTERVAL_MONTHS:
    case LT_INTERVAL_DAY_TIME:
        c->text = true;
        break;
    default:
        break;
    }
    c->copies = c->run == copy;
}

/* --- all values of some rows --------------------------------------------------------------- */

void lt_pq_physical_done(struct lt_pq_physical *values)
{
    lt_buf_done(&values->data);
    lt_buf_done(&values->span_bytes);
    lt_buf_done(&values->text);
    memset(values, 0, sizeof *values);
}

/* The next rows within [*at, end) that are not null; false at the end. */
static bool next_valid(const struct lt_view *view, int64_t *at, int64_t end, int64_t *ret_first,
                       int64_t *ret_n)
{
    int64_t first = *at;
    if (!view->validity) {
        *at = end;
    } else {
        while (first < end && !lt_bit(view->validity, view->offset + first)) {
            first++;
        }
        *at = first;
        while (*at < end && lt_bit(view->validity, view->offset + *at)) {
            ++*at;
        }
    }
    *ret_first = first;
    *ret_n = *at - first;
    return *at > first;
}

/* Copies widths of 4 and 8 without a branch for each null. */
#define COMPACT(name, type)                                                                        \
    static uint8_t *name(const struct lt_view *view, int64_t first, int64_t n, uint8_t *out)       \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            type value;                                                                            \
            memcpy(&value, view->data + (first + i) * (int64_t)sizeof value, sizeof value);        \
            memcpy(out, &value, sizeof value);                                                     \
            out += lt_bit(view->validity, view->offset + first + i) ? sizeof value : 0;            \
        }                                                                                          \
        return out;                                                                                \
    }

COMPACT(compact_4, uint32_t)
COMPACT(compact_8, uint64_t)
#undef COMPACT

int lt_pq_physical_refuse(const struct lt_pq_store *store, struct leat_error *err)
{
    int status = lt_fail(err, LT_E_VALUE_RANGE, "Parquet cannot hold %s",
                         store->why ? store->why : "a value of this column");
    leat_error_remedy(err, "--cast the column to another type, or mend the value at its source");
    return status;
}

static int make_fixed(struct lt_pq_physical *values, const struct lt_pq_store *c,
                      const struct lt_pq_shred *shred, int64_t *ret_row, struct leat_error *err)
{
    const struct lt_view *view = shred->view;
    if (shred->n_runs == 1 && c->copies && !view->validity) {
        values->fixed = view->data + shred->runs[0].first * c->width;
        values->n = shred->runs[0].n;
        return LEAT_OK;
    }
    int64_t total = 0;
    for (size_t i = 0; i < shred->n_runs; i++) {
        total += shred->runs[i].n;
    }
    lt_buf_clear(&values->data);
    /* Compacting writes one value behind the last. */
    if (lt_buf_reserve(&values->data, (size_t)((total + 1) * c->width))) {
        return lt_fail_oom(err);
    }
    uint8_t *out = values->data.data;
    for (size_t i = 0; i < shred->n_runs; i++) {
        int64_t at = shred->runs[i].first, end = at + shred->runs[i].n, first, n;
        if (c->copies && view->validity && (c->width == 4 || c->width == 8)) {
            out = c->width == 4 ? compact_4(view, at, end - at, out)
                                : compact_8(view, at, end - at, out);
            continue;
        }
        while (next_valid(view, &at, end, &first, &n)) {
            *ret_row = c->run(c, view, first, n, out);
            if (*ret_row >= 0) {
                return lt_pq_physical_refuse(c, err);
            }
            out += n * c->width;
        }
    }
    values->fixed = values->data.data;
    values->n = (out - values->data.data) / c->width;
    return LEAT_OK;
}

int lt_pq_physical_misfit(const struct lt_pq_store *store, const struct lt_view *view,
                          int64_t first, int64_t n, struct lt_buf *scratch, int64_t *ret_row,
                          struct leat_error *err)
{
    int64_t at = first, end = first + n;
    *ret_row = -1;
    lt_buf_clear(scratch);
    if (lt_buf_reserve(scratch, (size_t)(n * store->width))) {
        return lt_fail_oom(err);
    }
    while (*ret_row < 0 && next_valid(view, &at, end, &first, &n)) {
        *ret_row = store->run(store, view, first, n, scratch->data);
    }
    return LEAT_OK;
}

static int add_span(struct lt_pq_physical *values, const struct lt_pq_store *c,
                    const struct lt_view *view, int64_t row, struct leat_error *err)
{
    struct lt_pq_bytes span;
    if (c->text) {
        size_t before = values->text.len;
        if (lt_text_format(view, row, &values->text)) {
            return lt_fail_oom(err);
        }
        span = (struct lt_pq_bytes){NULL, values->text.len - before};
    } else {
        span.data = lt_view_bytes(view, row, &span.len);
        if (span.len > LT_PQ_VALUE_BYTES) {
            return lt_fail(err, LT_E_LIMIT, "Parquet cannot hold a value of more than %lld bytes",
                           (long long)LT_PQ_VALUE_BYTES);
        }
    }
    ((struct lt_pq_bytes *)(void *)values->span_bytes.data)[values->n++] = span;
    return LEAT_OK;
}

static int make_spans(struct lt_pq_physical *values, const struct lt_pq_store *c,
                      const struct lt_pq_shred *shred, int64_t *ret_row, struct leat_error *err)
{
    int64_t total = 0;
    int status = LEAT_OK;
    for (size_t i = 0; i < shred->n_runs; i++) {
        total += shred->runs[i].n;
    }
    values->n = 0;
    lt_buf_clear(&values->text);
    lt_buf_clear(&values->span_bytes);
    if (lt_buf_reserve(&values->span_bytes, (size_t)total * sizeof(struct lt_pq_bytes))) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < shred->n_runs; i++) {
        int64_t at = shred->runs[i].first, end = at + shred->runs[i].n, first, n;
        while (next_valid(shred->view, &at, end, &first, &n)) {
            for (int64_t row = first; row < first + n && !status; row++) {
                *ret_row = row;
                status = add_span(values, c, shred->view, row, err);
            }
        }
    }
    struct lt_pq_bytes *spans = (struct lt_pq_bytes *)(void *)values->span_bytes.data;
    const uint8_t *text = values->text.data;
    for (int64_t i = 0; c->text && i < values->n; i++) {
        spans[i].data = text;
        text += spans[i].len;
    }
    values->spans = spans;
    return status;
}

int lt_pq_physical_make(struct lt_pq_physical *values, const struct lt_pq_store *store,
                        const struct lt_pq_shred *shred, int64_t *ret_row, struct leat_error *err)
{
    *ret_row = -1;
    values->n = 0;
    return store->width ? make_fixed(values, store, shred, ret_row, err)
                        : make_spans(values, store, shred, ret_row, err);
}
