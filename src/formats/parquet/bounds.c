/* Statistics. See bounds.h. */
#include "formats/parquet/bounds.h"

#include "core/util.h"

#include <math.h>

#include "core/banned.h"

void lt_pq_bounds_init(struct lt_pq_bounds *bounds, enum lt_pq_compare compare, int32_t width)
{
    memset(bounds, 0, sizeof *bounds);
    bool fixed = compare == LT_PQ_COMPARE_FIXED || compare == LT_PQ_COMPARE_DECIMAL;
    /* Readers take statistics of a fixed width for values of that width: they cannot be cut. */
    bounds->compare = fixed && width > LT_PQ_BOUND_BYTES ? LT_PQ_COMPARE_NONE : compare;
    bounds->width = width;
}

void lt_pq_bounds_clear(struct lt_pq_bounds *bounds)
{
    bounds->any = false;
}

/* --- numbers ------------------------------------------------------------------------------- */

#define ADD_INTEGERS(name, type, member)                                                           \
    static void name(struct lt_pq_bounds *bounds, const uint8_t *values, int64_t n)                \
    {                                                                                              \
        type least, most, value;                                                                   \
        memcpy(&least, values, sizeof least);                                                      \
        most = least;                                                                              \
        for (int64_t i = 1; i < n; i++) {                                                          \
            memcpy(&value, values + i * (int64_t)sizeof value, sizeof value);                      \
            least = value < least ? value : least;                                                 \
            most = value > most ? value : most;                                                    \
        }                                                                                          \
        if (!bounds->any || least < bounds->least.member) {                                        \
            bounds->least.member = least;                                                          \
        }                                                                                          \
        if (!bounds->any || most > bounds->most.member) {                                          \
            bounds->most.member = most;                                                            \
        }                                                                                          \
        bounds->any = true;                                                                        \
    }

ADD_INTEGERS(add_i8, uint8_t, i)
ADD_INTEGERS(add_i32, int32_t, i)
ADD_INTEGERS(add_u32, uint32_t, u)
ADD_INTEGERS(add_i64, int64_t, i)
ADD_INTEGERS(add_u64, uint64_t, u)
#undef ADD_INTEGERS

static void join_floats(struct lt_pq_bounds *bounds, double least, double most)
{
    if (!(least <= most)) {
        return; /* nothing but NaN */
    }
    bounds->least.f = !bounds->any || least < bounds->least.f ? least : bounds->least.f;
    bounds->most.f = !bounds->any || most > bounds->most.f ? most : bounds->most.f;
    bounds->any = true;
}

/* Comparisons with NaN are false, which leaves it out. */
#define ADD_FLOATS(name, type)                                                                     \
    static void name(struct lt_pq_bounds *bounds, const uint8_t *values, int64_t n)                \
    {                                                                                              \
        type least = (type)INFINITY, most = (type)-INFINITY, value;                                \
        for (int64_t i = 0; i < n; i++) {                                                          \
            memcpy(&value, values + i * (int64_t)sizeof value, sizeof value);                      \
            least = value < least ? value : least;                                                 \
            most = value > most ? value : most;                                                    \
        }                                                                                          \
        join_floats(bounds, (double)least, (double)most);                                          \
    }

ADD_FLOATS(add_f32, float)
ADD_FLOATS(add_f64, double)
#undef ADD_FLOATS

/* binary16, "IEEE 754": sign, 5 bits of exponent, 10 of fraction. */
static double half_to_double(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double value = exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
                   : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                  : ldexp(fraction, -24);
    return half & 0x8000 ? -value : value;
}

static uint16_t double_to_half(double value)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    int exponent;
    double size = fabs(value);
    if (isinf(size)) {
        return sign | 0x7c00;
    }
    if (size < 0x1p-14) {
        return sign | (uint16_t)ldexp(size, 24);
    }
    double fraction = frexp(size, &exponent); /* 0.5 <= fraction < 1 */
    return (uint16_t)(sign | (exponent + 14) << 10 | ((int)ldexp(fraction, 11) & 1023));
}

static void add_f16(struct lt_pq_bounds *bounds, const uint8_t *values, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, values + 2 * i, sizeof half);
        double value = half_to_double(half);
        join_floats(bounds, value, value);
    }
}

/* --- bytes --------------------------------------------------------------------------------- */

static int compare_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    int order = memcmp(a, b, LT_MIN(a_len, b_len));
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_bounds(const struct lt_pq_bound *a, const struct lt_pq_bound *b)
{
    return compare_bytes(a->data, a->len, b->data, b->len);
}

static void bound_of(const struct lt_pq_bytes *value, struct lt_pq_bound *ret_bound)
{
    ret_bound->len = (uint8_t)LT_MIN(value->len, LT_PQ_BOUND_BYTES);
    ret_bound->longer = value->len > LT_PQ_BOUND_BYTES;
    if (ret_bound->len) {
        memcpy(ret_bound->data, value->data, ret_bound->len);
    }
}

/* Of two values with the same beginning the least is the one that ends there. */
static void join_bound(struct lt_pq_bounds *bounds, const struct lt_pq_bound *min,
                       const struct lt_pq_bound *max)
{
    int below = bounds->any ? compare_bounds(min, &bounds->min) : -1;
    int above = bounds->any ? compare_bounds(max, &bounds->max) : 1;
    if (below < 0) {
        bounds->min = *min;
    } else if (!below) {
        bounds->min.longer &= min->longer;
    }
    if (above > 0) {
        bounds->max = *max;
    } else if (!above) {
        bounds->max.longer |= max->longer;
    }
    bounds->any = true;
}

/* Eight bytes as a number that compares as they do; shorter ones are filled up with zeros. */
static inline uint64_t head_of(const uint8_t *data, size_t len)
{
    uint64_t head = 0;
    memcpy(&head, data, len < 8 ? len : 8);
    return __builtin_bswap64(head);
}

void lt_pq_bounds_add_bytes(struct lt_pq_bounds *bounds, const struct lt_pq_bytes *values,
                            int64_t n)
{
    if (bounds->compare == LT_PQ_COMPARE_NONE) {
        return;
    }
    uint64_t least = 0, most = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t head = head_of(values[i].data, values[i].len);
        /* Most values lie clearly between the bounds. */
        if (bounds->any && i && head > least && head < most) {
            continue;
        }
        struct lt_pq_bound bound;
        bound_of(&values[i], &bound);
        join_bound(bounds, &bound, &bound);
        least = head_of(bounds->min.data, bounds->min.len);
        most = head_of(bounds->max.data, bounds->max.len);
    }
}

/* A decimal's sign is in its first byte: with that bit turned, numbers compare as bytes do. */
static void add_fixed(struct lt_pq_bounds *bounds, const uint8_t *values, int64_t n)
{
    size_t width = (size_t)bounds->width;
    bool decimal = bounds->compare == LT_PQ_COMPARE_DECIMAL;
    for (int64_t i = 0; i < n; i++) {
        struct lt_pq_bound bound;
        bound_of(&(struct lt_pq_bytes){values + (size_t)i * width, width}, &bound);
        bound.data[0] ^= decimal ? 0x80 : 0;
        join_bound(bounds, &bound, &bound);
    }
}

/* --- adding and joining -------------------------------------------------------------------- */

void lt_pq_bounds_add(struct lt_pq_bounds *bounds, const void *values, int64_t n)
{
    typedef void add_fn(struct lt_pq_bounds *, const uint8_t *, int64_t);
    static add_fn *const adders[] = {
        [LT_PQ_COMPARE_BOOL] = add_i8,     [LT_PQ_COMPARE_I32] = add_i32,
        [LT_PQ_COMPARE_U32] = add_u32,     [LT_PQ_COMPARE_I64] = add_i64,
        [LT_PQ_COMPARE_U64] = add_u64,     [LT_PQ_COMPARE_F32] = add_f32,
        [LT_PQ_COMPARE_F64] = add_f64,     [LT_PQ_COMPARE_F16] = add_f16,
        [LT_PQ_COMPARE_FIXED] = add_fixed, [LT_PQ_COMPARE_DECIMAL] = add_fixed,
        [LT_PQ_COMPARE_TEXT] = NULL,
    };
    if (n && adders[bounds->compare]) {
        adders[bounds->compare](bounds, values, n);
    }
}

void lt_pq_bounds_merge(struct lt_pq_bounds *bounds, const struct lt_pq_bounds *other)
{
    if (!other->any) {
        return;
    }
    switch (bounds->compare) {
    case LT_PQ_COMPARE_NONE:
        break;
    case LT_PQ_COMPARE_BOOL:
    case LT_PQ_COMPARE_I32:
    case LT_PQ_COMPARE_I64:
        add_i64(bounds, (const uint8_t *)&other->least.i, 1);
        add_i64(bounds, (const uint8_t *)&other->most.i, 1);
        break;
    case LT_PQ_COMPARE_U32:
    case LT_PQ_COMPARE_U64:
        add_u64(bounds, (const uint8_t *)&other->least.u, 1);
        add_u64(bounds, (const uint8_t *)&other->most.u, 1);
        break;
    case LT_PQ_COMPARE_F16:
    case LT_PQ_COMPARE_F32:
    case LT_PQ_COMPARE_F64:
        join_floats(bounds, other->least.f, other->most.f);
        break;
    default:
        join_bound(bounds, &other->min, &other->max);
        break;
    }
}

/* --- as stored ----------------------------------------------------------------------------- */

static void text_of(struct lt_pq_bound_text *text, const void *data, size_t len)
{
    memcpy(text->data, data, len);
    text->len = len;
    text->exact = true;
}

/* "The min and max of floating point columns": +0.0 and -0.0 are equal and either may be meant. */
static void float_text(const struct lt_pq_bounds *bounds, double value, bool most,
                       struct lt_pq_bound_text *text)
{
    value = value == 0 ? (most ? 0.0 : -0.0) : value;
    float narrow = (float)value;
    uint16_t half;
    switch (bounds->compare) {
    case LT_PQ_COMPARE_F16:
        half = double_to_half(value);
        text_of(text, &half, sizeof half);
        break;
    case LT_PQ_COMPARE_F32:
        text_of(text, &narrow, sizeof narrow);
        break;
    default:
        text_of(text, &value, sizeof value);
        break;
    }
}

/* True when the bound was a number. */
static bool number_text(const struct lt_pq_bounds *bounds, bool most, struct lt_pq_bound_text *text)
{
    int64_t value = most ? bounds->most.i : bounds->least.i;
    int32_t narrow = (int32_t)(uint64_t)value;
    switch (bounds->compare) {
    case LT_PQ_COMPARE_BOOL:
        text_of(text, &value, 1);
        return true;
    case LT_PQ_COMPARE_I32:
    case LT_PQ_COMPARE_U32:
        text_of(text, &narrow, sizeof narrow);
        return true;
    case LT_PQ_COMPARE_I64:
    case LT_PQ_COMPARE_U64:
        text_of(text, &value, sizeof value);
        return true;
    case LT_PQ_COMPARE_F16:
    case LT_PQ_COMPARE_F32:
    case LT_PQ_COMPARE_F64:
        float_text(bounds, most ? bounds->most.f : bounds->least.f, most, text);
        return true;
    default:
        return false;
    }
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* A text that goes on may be cut within a character: what is left of that one goes, too. Text that
 * is no UTF-8 there is cut where it is. */
static size_t whole_characters(const struct lt_pq_bound *bound)
{
    size_t lead = bound->len;
    for (int i = 0; i < 4 && lead > 0; i++) {
        uint8_t byte = bound->data[--lead];
        if (!is_continuation(byte)) {
            size_t size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
            return lead + size > bound->len ? lead : bound->len;
        }
    }
    return bound->len;
}

/* The next greater character of the same or a greater length in place of the last one; 0 when
 * there is none: the one before is tried then. */
static size_t bump_character(uint8_t *data, size_t len, size_t *ret_lead)
{
    size_t lead = len - 1;
    while (lead > 0 && is_continuation(data[lead])) {
        lead--;
    }
    static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t size = len - lead;
    *ret_lead = lead;
    if (size > 4) {
        return 0;
    }
    uint32_t code = data[lead] & lead_bits[size];
    for (size_t i = 1; i < size; i++) {
        code = code << 6 | (data[lead + i] & 0x3f);
    }
    code++;
    code = code == 0xd800 ? 0xe000 : code; /* surrogates are no characters */
    size_t wants = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (code > 0x10ffff || lead + wants > LT_PQ_BOUND_BYTES) {
        return 0;
    }
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = wants - 1; i > 0; i--, code >>= 6) {
        data[lead + i] = (uint8_t)(0x80 | (code & 0x3f));
    }
    data[lead] = (uint8_t)(leads[wants] | code);
    return lead + wants;
}

static bool bump_text(struct lt_pq_bound_text *text)
{
    while (text->len) {
        size_t lead;
        size_t len = bump_character(text->data, text->len, &lead);
        text->len = len ? len : lead;
        if (len) {
            return true;
        }
    }
    return false;
}

static bool bump_bytes(struct lt_pq_bound_text *text)
{
    while (text->len) {
        if (text->data[text->len - 1] != 0xff) {
            text->data[text->len - 1]++;
            return true;
        }
        text->len--;
    }
    return false;
}

/* A bound's bytes, cut where need be. */
static void bytes_text(const struct lt_pq_bounds *bounds, const struct lt_pq_bound *bound,
                       struct lt_pq_bound_text *text)
{
    bool cut = bound->longer;
    size_t len =
        cut && bounds->compare == LT_PQ_COMPARE_TEXT ? whole_characters(bound) : bound->len;
    text_of(text, bound->data, len);
    text->data[0] ^= bounds->compare == LT_PQ_COMPARE_DECIMAL ? 0x80 : 0;
    text->exact = !cut;
}

bool lt_pq_bounds_min(const struct lt_pq_bounds *bounds, struct lt_pq_bound_text *ret_text)
{
    if (!bounds->any) {
        return false;
    }
    if (!number_text(bounds, false, ret_text)) {
        bytes_text(bounds, &bounds->min, ret_text);
    }
    return true;
}

bool lt_pq_bounds_max(const struct lt_pq_bounds *bounds, struct lt_pq_bound_text *ret_text)
{
    if (!bounds->any) {
        return false;
    }
    if (number_text(bounds, true, ret_text)) {
        return true;
    }
    bytes_text(bounds, &bounds->max, ret_text);
    if (ret_text->exact) {
        return true;
    }
    return bounds->compare == LT_PQ_COMPARE_TEXT ? bump_text(ret_text) : bump_bytes(ret_text);
}

/* --- order of pages ------------------------------------------------------------------------ */

static double float_of(enum lt_pq_compare compare, const uint8_t *data)
{
    uint16_t half;
    float narrow;
    double value;
    switch (compare) {
    case LT_PQ_COMPARE_F16:
        memcpy(&half, data, sizeof half);
        return half_to_double(half);
    case LT_PQ_COMPARE_F32:
        memcpy(&narrow, data, sizeof narrow);
        return (double)narrow;
    default:
        memcpy(&value, data, sizeof value);
        return value;
    }
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

int lt_pq_bound_compare(enum lt_pq_compare compare, const struct lt_pq_bytes *a,
                        const struct lt_pq_bytes *b)
{
    union {
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
    } x = {0}, y = {0};
    memcpy(&x, a->data, LT_MIN(a->len, sizeof x));
    memcpy(&y, b->data, LT_MIN(b->len, sizeof y));
    switch (compare) {
    case LT_PQ_COMPARE_I32:
        return ORDER(x.i32, y.i32);
    case LT_PQ_COMPARE_U32:
        return ORDER(x.u32, y.u32);
    case LT_PQ_COMPARE_I64:
        return ORDER(x.i64, y.i64);
    case LT_PQ_COMPARE_U64:
        return ORDER(x.u64, y.u64);
    case LT_PQ_COMPARE_F16:
    case LT_PQ_COMPARE_F32:
    case LT_PQ_COMPARE_F64:
        return ORDER(float_of(compare, a->data), float_of(compare, b->data));
    case LT_PQ_COMPARE_DECIMAL:
        if ((a->data[0] ^ b->data[0]) & 0x80) {
            return a->data[0] & 0x80 ? -1 : 1;
        }
        break;
    default:
        break;
    }
    return compare_bytes(a->data, a->len, b->data, b->len);
}
