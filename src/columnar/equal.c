#include "columnar/equal.h"

#include "columnar/keys.h"
#include "columnar/text_parts.h"

#include <math.h>

/* --- single values ------------------------------------------------------------------------- */

static int values_equal(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                        struct lt_buf *scratch, bool *ret_equal);

static bool floats_equal(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j)
{
    double x, y;
    if (a->type.id == LT_FLOAT64) {
        x = lt_view_f64(a, i);
        y = lt_view_f64(b, j);
    } else if (a->type.id == LT_FLOAT32) {
        x = (double)lt_view_f32(a, i);
        y = (double)lt_view_f32(b, j);
    } else {
        x = lt_half_to_double(lt_view_u16(a, i));
        y = lt_half_to_double(lt_view_u16(b, j));
    }
    return x == y || (isnan(x) && isnan(y));
}

static bool numbers_equal(const struct lt_number *x, const struct lt_number *y)
{
    if (x->kind != y->kind || x->n_digits != y->n_digits) {
        return false;
    }
    if (x->kind == LT_NUMBER_NAN || (x->kind == LT_NUMBER_FINITE && !x->n_digits)) {
        return true;
    }
    if (x->negative != y->negative || x->kind == LT_NUMBER_INFINITE) {
        return x->negative == y->negative;
    }
    const char *p = x->digits, *q = y->digits;
    for (size_t k = 0; k < x->n_digits; k++) {
        p += *p == '.';
        q += *q == '.';
        if (*p++ != *q++) {
            return false;
        }
    }
    return x->exponent == y->exponent;
}

static bool texts_equal(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                        struct lt_buf *scratch)
{
    size_t a_len, b_len;
    const uint8_t *x = lt_view_bytes(a, i, &a_len), *y = lt_view_bytes(b, j, &b_len);
    struct lt_number m, n;
    if (a_len == b_len && !memcmp(x, y, a_len)) {
        return true;
    }
    if (a->type.logical == LT_NUMERIC) {
        return lt_number_scan((const char *)x, a_len, &m) &&
               lt_number_scan((const char *)y, b_len, &n) && numbers_equal(&m, &n);
    }
    return a->type.logical == LT_JSON && lt_json_hash((const char *)x, a_len, scratch) ==
                                             lt_json_hash((const char *)y, b_len, scratch);
}

static int elements_equal(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                          struct lt_buf *scratch, bool *ret_equal)
{
    int64_t a_first, a_end, b_first, b_end;
    int status = LEAT_OK;
    lt_view_list(a, i, &a_first, &a_end);
    lt_view_list(b, j, &b_first, &b_end);
    *ret_equal = a_end - a_first == b_end - b_first;
    for (int64_t k = 0; *ret_equal && !status && k < a_end - a_first; k++) {
        status = values_equal(&a->children[0], a_first + k, &b->children[0], b_first + k, scratch,
                              ret_equal);
    }
    return status;
}

/* Values of any type, nulls included. */
static int values_equal(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                        struct lt_buf *scratch, bool *ret_equal)
{
    bool a_there = lt_view_resolve(&a, &i), b_there = lt_view_resolve(&b, &j);
    int status = LEAT_OK;
    if (!a_there || !b_there) {
        *ret_equal = a_there == b_there;
        return LEAT_OK;
    }
    switch (a->type.id) {
    case LT_BOOL:
        *ret_equal = lt_view_bool(a, i) == lt_view_bool(b, j);
        break;
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
        *ret_equal = floats_equal(a, i, b, j);
        break;
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_BINARY_VIEW:
        *ret_equal = texts_equal(a, i, b, j, scratch);
        break;
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
    case LT_MAP:
        return elements_equal(a, i, b, j, scratch, ret_equal);
    case LT_STRUCT:
        *ret_equal = a->n_children == b->n_children;
        for (int64_t k = 0; *ret_equal && !status && k < a->n_children; k++) {
            status = values_equal(&a->children[k], i, &b->children[k], j, scratch, ret_equal);
        }
        break;
    default:
        *ret_equal = !memcmp(a->data + i * a->type.width, b->data + j * b->type.width,
                             (size_t)a->type.width);
        break;
    }
    return status;
}

/* --- columns ------------------------------------------------------------------------------- */

#define FIXED_LOOP(type_)                                                                          \
    {                                                                                              \
        for (int64_t k = 0; k < n; k++) {                                                          \
            type_ p, q;                                                                            \
            memcpy(&p, x + k * (int64_t)sizeof p, sizeof p);                                       \
            memcpy(&q, y + k * (int64_t)sizeof q, sizeof q);                                       \
            differs[k] |= p != q;                                                                  \
        }                                                                                          \
        break;                                                                                     \
    }

/* Without nulls. */
static void fixed_column(const uint8_t *x, const uint8_t *y, int64_t n, int64_t width,
                         uint8_t *differs)
{
    switch (width) {
    case 1:
        FIXED_LOOP(uint8_t)
    case 2:
        FIXED_LOOP(uint16_t)
    case 4:
        FIXED_LOOP(uint32_t)
    case 8:
        FIXED_LOOP(uint64_t)
    default:
        for (int64_t k = 0; k < n; k++) {
            differs[k] |= memcmp(x + k * width, y + k * width, (size_t)width) != 0;
        }
    }
}

/* The same bytes and lengths: offsets may be shifted against each other. */
static bool texts_all_equal(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                            int64_t n)
{
    const int32_t *x = a->offsets + i, *y = b->offsets + j;
    int32_t shift = y[0] - x[0], odd = 0;
    for (int64_t k = 1; k <= n; k++) {
        odd |= (y[k] - x[k]) ^ shift;
    }
    return !odd && !memcmp(a->data + x[0], b->data + y[0], (size_t)(x[n] - x[0]));
}

/* The same rows are null. */
static bool nulls_same(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                       int64_t n)
{
    if (a->null_count || b->null_count) {
        bool odd = false;
        for (int64_t k = 0; k < n; k++) {
            odd |= lt_view_is_null(a, i + k) != lt_view_is_null(b, j + k);
        }
        return !odd;
    }
    return true;
}

/* Quick to tell: the same nulls, and bytes as a whole, what stands in nulls' places included. */
static bool all_equal(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                      int64_t n)
{
    int64_t width = a->type.width;
    if (a->dictionary || b->dictionary || !nulls_same(a, i, b, j, n)) {
        return false;
    }
    if (a->offsets && b->offsets && lt_type_is_varlen(a->type.id)) {
        return texts_all_equal(a, i, b, j, n);
    }
    return width > 0 && !lt_type_is_nested(a->type.id) && !lt_type_is_varlen(a->type.id) &&
           a->type.id != LT_UTF8_VIEW && a->type.id != LT_BINARY_VIEW &&
           !memcmp(a->data + i * width, b->data + j * width, (size_t)(n * width));
}

/* Equal where, and only where, the bytes are. */
static bool is_fixed(const struct lt_type *type)
{
    switch (type->id) {
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
    case LT_BOOL:
    case LT_UTF8_VIEW:
    case LT_BINARY_VIEW:
    case LT_FIXED_LIST:
        return false;
    default:
        return type->width > 0 && !lt_type_is_nested(type->id) && !lt_type_is_varlen(type->id);
    }
}

static void padded_column(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                          int64_t n, uint8_t *differs)
{
    for (int64_t k = 0; k < n; k++) {
        size_t a_len, b_len;
        bool a_null = lt_view_is_null(a, i + k), b_null = lt_view_is_null(b, j + k);
        if (a_null || b_null) {
            differs[k] |= a_null != b_null;
            continue;
        }
        const uint8_t *x = lt_view_bytes(a, i + k, &a_len), *y = lt_view_bytes(b, j + k, &b_len);
        a_len = lt_trimmed(x, a_len);
        differs[k] |= a_len != lt_trimmed(y, b_len) || memcmp(x, y, a_len);
    }
}

int lt_equal_column(const struct lt_view *a, int64_t i, const struct lt_view *b, int64_t j,
                    int64_t n, bool padded, uint8_t *differs)
{
    struct lt_buf scratch = LT_BUF_INIT;
    int64_t width = a->type.width;
    bool nulls = a->null_count || b->null_count;
    int status = LEAT_OK;
    if (padded) {
        padded_column(a, i, b, j, n, differs);
        return LEAT_OK;
    }
    if (all_equal(a, i, b, j, n)) {
        return LEAT_OK;
    }
    if (is_fixed(&a->type) && !a->dictionary && !nulls) {
        fixed_column(a->data + i * width, b->data + j * width, n, width, differs);
        return LEAT_OK;
    }
    if (is_fixed(&a->type) && !a->dictionary) {
        for (int64_t k = 0; k < n; k++) {
            bool a_null = lt_view_is_null(a, i + k), b_null = lt_view_is_null(b, j + k);
            differs[k] |= a_null || b_null ? a_null != b_null
                                           : memcmp(a->data + (i + k) * width,
                                                    b->data + (j + k) * width, (size_t)width) != 0;
        }
        return LEAT_OK;
    }
    for (int64_t k = 0; k < n && !status; k++) {
        bool equal = true;
        status = values_equal(a, i + k, b, j + k, &scratch, &equal);
        differs[k] |= !equal;
    }
    lt_buf_done(&scratch);
    return status;
}
