#include "columnar/common.h"

#include "columnar/bits.h"
#include "columnar/cast.h"
#include "columnar/text_parts.h"
#include "columnar/view.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* Types that have a common one by a rule of their own. */
enum family {
    WHOLE, /* bool counts as one */
    DECIMAL,
    NUMERIC,
    FLOAT,
    DAY,
    STAMP,
    STAMP_ZONED,
    TIME,
    DURATION,
    TEXT,
    BYTES,
    OTHER,
    FAMILIES_N
};

/* What the common type of two families is. */
enum rule {
    THEIRS,     /* the destination's, or else the source's */
    TO_WHOLE,   /* by width and sign */
    TO_DECIMAL, /* by digits */
    TO_NUMERIC,
    TO_FLOAT,
    TO_STAMP,  /* the timestamp's */
    TO_COARSE, /* the coarser of two units */
    TO_TEXT,
    TO_BYTES
};

static const uint8_t rules[FAMILIES_N][FAMILIES_N] = {
    [WHOLE] =
        {[WHOLE] = TO_WHOLE, [DECIMAL] = TO_DECIMAL, [NUMERIC] = TO_NUMERIC, [FLOAT] = TO_NUMERIC},
    [DECIMAL] = {[WHOLE] = TO_DECIMAL,
                 [DECIMAL] = TO_DECIMAL,
                 [NUMERIC] = TO_NUMERIC,
                 [FLOAT] = TO_NUMERIC},
    [NUMERIC] = {[WHOLE] = TO_NUMERIC,
                 [DECIMAL] = TO_NUMERIC,
                 [NUMERIC] = TO_NUMERIC,
                 [FLOAT] = TO_NUMERIC},
    [FLOAT] =
        {[WHOLE] = TO_NUMERIC, [DECIMAL] = TO_NUMERIC, [NUMERIC] = TO_NUMERIC, [FLOAT] = TO_FLOAT},
    [DAY] = {[STAMP] = TO_STAMP},
    [STAMP] = {[DAY] = TO_STAMP, [STAMP] = TO_COARSE},
    [STAMP_ZONED] = {[STAMP_ZONED] = TO_COARSE},
    [TIME] = {[TIME] = TO_COARSE},
    [DURATION] = {[DURATION] = TO_COARSE},
    [TEXT] = {[TEXT] = TO_TEXT},
    [BYTES] = {[BYTES] = TO_BYTES},
};

static enum family family_of(const struct lt_type *type)
{
    if (lt_type_is_integer(type->id)) {
        return WHOLE;
    }
    switch (type->id) {
    case LT_BOOL:
        return WHOLE;
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        return DECIMAL;
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
        return FLOAT;
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
        return type->logical == LT_NUMERIC ? NUMERIC : type->logical == LT_JSON ? OTHER : TEXT;
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_BINARY_VIEW:
        return BYTES;
    case LT_FIXED_BINARY:
        return type->logical == LT_UUID ? OTHER : BYTES;
    case LT_DATE32:
    case LT_DATE64:
        return DAY;
    case LT_TIME32:
    case LT_TIME64:
        return TIME;
    case LT_TIMESTAMP:
        return *type->zone ? STAMP_ZONED : STAMP;
    case LT_DURATION:
        return DURATION;
    default:
        return OTHER;
    }
}

static bool is_signed(enum lt_type_id id)
{
    return id == LT_BOOL || (id >= LT_INT8 && id <= LT_INT64);
}

static int whole_name(const struct lt_type *a, const struct lt_type *b, char *name, size_t size)
{
    int a_bits = a->id == LT_BOOL ? 1 : a->width * 8, b_bits = b->id == LT_BOOL ? 1 : b->width * 8;
    bool both = is_signed(a->id) == is_signed(b->id);
    int bits = LT_MAX(a_bits, b_bits);
    if (a->id == LT_BOOL && b->id == LT_BOOL) {
        return snprintf(name, size, "bool");
    }
    if (both) {
        return snprintf(name, size, "%sint%d", is_signed(a->id) ? "" : "u", LT_MAX(bits, 8));
    }
    bool fits = (is_signed(a->id) ? b_bits : a_bits) < 64;
    return snprintf(name, size, fits ? "int64" : "decimal(20,0)");
}

/* Digits in front of the point and behind it. */
static void digits_of(const struct lt_type *type, int *ret_whole, int *ret_scale)
{
    bool exact = family_of(type) == DECIMAL;
    *ret_scale = exact ? LT_MAX(type->scale, 0) : 0;
    *ret_whole = exact ? LT_MAX(type->precision - type->scale, 0) : 20;
}

static int decimal_name(const struct lt_type *a, const struct lt_type *b, char *name, size_t size)
{
    int a_whole, a_scale, b_whole, b_scale;
    digits_of(a, &a_whole, &a_scale);
    digits_of(b, &b_whole, &b_scale);
    int scale = LT_MAX(a_scale, b_scale), digits = LT_MAX(a_whole, b_whole) + scale;
    return digits > LT_DECIMAL256_DIGITS
               ? snprintf(name, size, "numeric")
               : snprintf(name, size, "decimal(%d,%d)", LT_MAX(digits, 1), scale);
}

static bool is_padded(const struct ArrowSchema *field)
{
    static const char *const names[] = {":character", ":char(", ":bpchar", ":nchar"};
    char declared[128];
    if (!lt_schema_meta_text(field, LT_META_SOURCE_TYPE, declared, sizeof declared)) {
        return false;
    }
    const char *type = strchr(declared, ':');
    for (size_t i = 0; type && i < LT_ARRAY_LEN(names); i++) {
        if (!strncasecmp(type, names[i], strlen(names[i])) && !strcasestr(type, "varying")) {
            return true;
        }
    }
    return false;
}

/* A dictionary's values stand for it. */
static const struct ArrowSchema *plain(const struct ArrowSchema *field)
{
    return field->dictionary ? field->dictionary : field;
}

/* The field without what leat does not build. */
static int copy_plain(const struct ArrowSchema *field, struct ArrowSchema *ret_field,
                      struct leat_error *err)
{
    struct lt_type type;
    int status = lt_schema_copy(plain(field), ret_field, err);
    status = status ? status : lt_type_of(ret_field, &type, err);
    if (!status && (type.id == LT_UTF8_VIEW || type.id == LT_BINARY_VIEW)) {
        status = lt_schema_set_format(ret_field, type.id == LT_UTF8_VIEW ? "u" : "z", err);
    }
    return status;
}

static int no_common(const struct ArrowSchema *a, const struct ArrowSchema *b,
                     struct leat_error *err)
{
    struct lt_buf x = LT_BUF_INIT, y = LT_BUF_INIT;
    int status = lt_type_print(a, &x) || lt_type_print(b, &y)
                     ? lt_fail_oom(err)
                     : lt_fail(err, LT_E_COLUMN_MISMATCH,
                               "%s and %s cannot be compared; --cast gives the source's another "
                               "type",
                               lt_buf_text(&x), lt_buf_text(&y));
    leat_error_place(err, "column \"%s\"", b->name);
    lt_buf_done(&x);
    lt_buf_done(&y);
    return status;
}

static int theirs(const struct ArrowSchema *a, const struct ArrowSchema *b,
                  struct ArrowSchema *ret_field, struct leat_error *err)
{
    if (lt_cast_kind(a, plain(b)) != LT_CAST_REFUSED) {
        return copy_plain(b, ret_field, err);
    }
    return lt_cast_kind(b, plain(a)) != LT_CAST_REFUSED ? copy_plain(a, ret_field, err)
                                                        : no_common(a, b, err);
}

static int apply(enum rule rule, const struct ArrowSchema *a, const struct lt_type *at,
                 const struct ArrowSchema *b, const struct lt_type *bt,
                 struct ArrowSchema *ret_field, struct leat_error *err)
{
    char name[32];
    switch (rule) {
    case TO_WHOLE:
        whole_name(at, bt, name, sizeof name);
        break;
    case TO_DECIMAL:
        decimal_name(at, bt, name, sizeof name);
        break;
    case TO_NUMERIC:
        snprintf(name, sizeof name, "numeric");
        break;
    case TO_FLOAT:
        snprintf(name, sizeof name, "float64");
        break;
    case TO_TEXT:
        snprintf(name, sizeof name, "utf8");
        break;
    case TO_BYTES:
        snprintf(name, sizeof name, "binary");
        break;
    case TO_STAMP:
        return copy_plain(at->id == LT_TIMESTAMP ? a : b, ret_field, err);
    case TO_COARSE:
        return copy_plain(at->unit < bt->unit ? a : b, ret_field, err);
    default:
        return theirs(a, b, ret_field, err);
    }
    return lt_type_parse(name, ret_field, err);
}

/* Whether values in their own type's order are so in the common one's. */
static bool keeps_order(const struct lt_type *own, const struct lt_type *common)
{
    enum family x = family_of(own), y = family_of(common);
    bool numbers = x <= FLOAT && y <= FLOAT, times = (x == DAY || x == STAMP) && y == STAMP;
    return numbers || times || (x == y && x != OTHER) ||
           (x == OTHER && own->id == common->id && own->logical == common->logical);
}

int lt_common_type(const struct ArrowSchema *a, const struct ArrowSchema *b,
                   struct ArrowSchema *ret_field, struct lt_common *ret_common,
                   struct leat_error *err)
{
    struct lt_type at, bt, type;
    struct ArrowSchema field = {.release = NULL};
    int status = lt_type_of(plain(a), &at, err);
    status = status ? status : lt_type_of(plain(b), &bt, err);
    if (status) {
        return status;
    }
    enum rule rule = lt_schema_same(plain(a), plain(b), false)
                         ? THEIRS
                         : (enum rule)rules[family_of(&at)][family_of(&bt)];
    status = apply(rule, a, &at, b, &bt, &field, err);
    status = status ? status : lt_schema_set_name(&field, b->name, err);
    status = status ? status : lt_type_of(&field, &type, err);
    if (status) {
        lt_schema_done(&field);
        return status;
    }
    field.flags |= ARROW_FLAG_NULLABLE;
    bool text = lt_type_is_text(type.id) && type.logical != LT_NUMERIC && type.logical != LT_JSON;
    *ret_common = (struct lt_common){.padded = text && (is_padded(a) || is_padded(b)),
                                     .coarser = rule == TO_COARSE && at.unit != bt.unit,
                                     .a_ordered = keeps_order(&at, &type),
                                     .b_ordered = keeps_order(&bt, &type)};
    lt_schema_move(&field, ret_field);
    return LEAT_OK;
}

/* --- resolution ---------------------------------------------------------------------------- */

static int64_t floor_to(int64_t ticks, int64_t whole)
{
    int64_t rest = ticks % whole;
    return ticks - (rest < 0 ? rest + whole : rest);
}

int lt_coarsen(const struct ArrowSchema *field, const struct ArrowSchema *common,
               struct ArrowArray *column, struct leat_error *err)
{
    struct lt_view view;
    struct lt_type coarse;
    struct ArrowArray made;
    int status = lt_type_of(common, &coarse, err);
    if (status || field->dictionary) {
        return status;
    }
    status = lt_view_init(&view, field, column, err);
    if (status || view.type.unit <= coarse.unit) {
        lt_view_done(&view);
        return status;
    }
    int64_t whole = lt_unit_ticks(view.type.unit) / lt_unit_ticks(coarse.unit);
    status = lt_array_init(&made, 2, 0, err);
    if (!status) {
        size_t width = (size_t)view.type.width, rows = (size_t)view.length;
        uint8_t *bits = view.validity ? calloc(rows / 8 + 1, 1) : NULL;
        uint8_t *data = malloc(rows * width + 1);
        made.buffers[0] = bits;
        made.buffers[1] = data;
        made.length = view.length;
        made.null_count = view.null_count;
        status = data && (bits || !view.validity) ? LEAT_OK : lt_fail_oom(err);
        if (!status && bits) {
            lt_bits_copy(view.validity, view.offset, bits, 0, view.length);
        }
        for (int64_t row = 0; row < view.length && !status; row++) {
            int64_t ticks = width == 4 ? lt_view_i32(&view, row) : lt_view_i64(&view, row);
            int64_t cut = floor_to(ticks, whole);
            int32_t narrow = (int32_t)cut;
            memcpy(data + (size_t)row * width, width == 4 ? (void *)&narrow : (void *)&cut, width);
        }
        if (status) {
            lt_array_done(&made);
        } else {
            lt_array_done(column);
            lt_array_move(&made, column);
        }
    }
    lt_view_done(&view);
    return status;
}
