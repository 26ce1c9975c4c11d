/* Numerics as the wire has them: base-10000 digits, a weight, a sign and a display scale. */
#include "connectors/postgres/pg_encode_parts.h"

#include "columnar/text.h"
#include "core/util.h"

#include <stdlib.h>

#define NUMERIC_DIGITS_MAX 131072
#define NUMERIC_SCALE_MAX 16383

/* Divides 256 bits by a small number and returns the remainder. */
static unsigned divide_256(uint64_t v[4], unsigned divisor)
{
    uint64_t rest = 0;
    for (int i = 3; i >= 0; i--) {
        lt_uint128 part = (lt_uint128)rest << 64 | v[i];
        v[i] = (uint64_t)(part / divisor);
        rest = (uint64_t)(part % divisor);
    }
    return (unsigned)rest;
}

static bool is_zero_256(const uint64_t v[4])
{
    return !(v[0] | v[1] | v[2] | v[3]);
}

static unsigned next_group(uint64_t v[4], unsigned divisor)
{
    if (!(v[1] | v[2] | v[3])) {
        unsigned rest = (unsigned)(v[0] % divisor);
        v[0] /= divisor;
        return rest;
    }
    return divide_256(v, divisor);
}

/* The field of a numeric: base-10000 groups aligned at the decimal point. */
void pg_put_decimal(const uint8_t *value, size_t width, int scale, struct lt_buf *out)
{
    static const unsigned powers[] = {1, 10, 100, 1000, 10000};
    uint64_t v[4] = {0, 0, 0, 0};
    uint16_t groups[24];
    memcpy(v, value, width);
    bool negative = v[width / 8 - 1] >> 63;
    if (negative) {
        unsigned carry = 1;
        for (size_t i = 0; i < width / 8; i++) {
            v[i] = ~v[i] + carry;
            carry = carry && v[i] == 0;
        }
    }
    /* From the least group: its exponent is -ceil(scale / 4). */
    int n = 0, exponent = -((scale + 3) / 4);
    if (scale % 4 && !is_zero_256(v)) {
        groups[n++] = (uint16_t)(next_group(v, powers[scale % 4]) * powers[4 - scale % 4]);
    }
    while (!is_zero_256(v) && n < (int)LT_ARRAY_LEN(groups)) {
        groups[n++] = (uint16_t)next_group(v, 10000);
    }
    int low = 0;
    while (low < n && !groups[low]) {
        low++;
    }
    while (n > low && !groups[n - 1]) {
        n--;
    }
    uint8_t *p = out->data + out->len;
    int digits = n - low;
    put32(p, (uint32_t)(8 + 2 * digits));
    put16(p + 4, (unsigned)digits);
    put16(p + 6, digits ? (unsigned)(exponent + n - 1) & 0xffff : 0);
    put16(p + 8, negative ? 0x4000 : 0);
    put16(p + 10, (unsigned)scale);
    for (int i = 0; i < digits; i++) {
        put16(p + 12 + 2 * i, groups[n - 1 - i]);
    }
    out->len += 12 + 2 * (size_t)digits;
}

/* Exact decimal text, taken apart. */
struct number_text {
    const char *digits; /* with at most one point in them */
    size_t len;
    bool negative;
    int64_t point; /* digits before the decimal point, exponent applied */
    int64_t n_digits;
};

static bool split_number(const char *text, size_t len, struct number_text *number)
{
    const char *end = text + len;
    *number = (struct number_text){.negative = len && *text == '-'};
    text += len && (*text == '-' || *text == '+');
    number->digits = text;
    int64_t point = -1, n = 0;
    for (; text < end && ((*text >= '0' && *text <= '9') || (*text == '.' && point < 0)); text++) {
        point = *text == '.' ? n : point;
        n += *text != '.';
    }
    number->len = (size_t)(text - number->digits);
    number->point = point < 0 ? n : point;
    number->n_digits = n;
    if (text < end && (*text == 'e' || *text == 'E')) {
        char digits[16];
        int64_t exponent;
        size_t rest = (size_t)(end - text - 1);
        if (!rest || rest >= sizeof digits) {
            return false;
        }
        bool plus = text[1] == '+';
        memcpy(digits, text + 1 + plus, rest - plus);
        digits[rest - plus] = 0;
        if (lt_parse_int(digits, &exponent) || exponent > 200000 || exponent < -200000) {
            return false;
        }
        number->point += exponent;
        text = end;
    }
    return n > 0 && text == end;
}

/* Digit number i after the point shift; zero outside. */
static unsigned group_at(const uint8_t *digits, int64_t n, int64_t first)
{
    unsigned group = 0;
    for (int64_t i = first; i < first + 4; i++) {
        group = group * 10 + (i >= 0 && i < n ? digits[i] : 0u);
    }
    return group;
}

static enum value_result put_special(const char *text, size_t len, struct lt_buf *out)
{
    static const struct {
        const char *text;
        unsigned sign;
    } specials[] = {{"NaN", 0xc000}, {"Infinity", 0xd000}, {"-Infinity", 0xf000}};
    for (size_t i = 0; i < LT_ARRAY_LEN(specials); i++) {
        if (strlen(specials[i].text) == len && !memcmp(text, specials[i].text, len)) {
            uint8_t *p = out->data + out->len;
            put32(p, 8);
            put64(p + 4, (uint64_t)specials[i].sign << 16);
            out->len += 12;
            return VALUE_OK;
        }
    }
    return VALUE_SYNTAX;
}

static enum value_result put_number(const struct number_text *number, const uint8_t *digits,
                                    struct lt_buf *out)
{
    int64_t scale = LT_MAX(number->n_digits - number->point, 0);
    /* Groups run from weight w down; group w begins at digit point - 4 * (w + 1). */
    int64_t first = 0, n = number->n_digits;
    while (first < n && !digits[first]) {
        first++;
    }
    int64_t last = n - 1;
    while (last >= first && !digits[last]) {
        last--;
    }
    int64_t before =
        number->point - first; /* digits before the point, from the first that counts */
    int64_t weight = before > 0 ? (before - 1) / 4 : -((-before) / 4) - 1;
    int64_t start = number->point - 4 * (weight + 1);
    int64_t groups = last < first ? 0 : (last - start) / 4 + 1;
    if (scale > NUMERIC_SCALE_MAX || before > NUMERIC_DIGITS_MAX || groups > 0x7fff) {
        return VALUE_RANGE;
    }
    if (lt_buf_reserve(out, 12 + 2 * (size_t)groups)) {
        return VALUE_MEMORY;
    }
    uint8_t *p = out->data + out->len;
    put32(p, (uint32_t)(8 + 2 * groups));
    put16(p + 4, (unsigned)groups);
    put16(p + 6, groups ? (unsigned)weight & 0xffff : 0);
    put16(p + 8, number->negative && groups ? 0x4000 : 0);
    put16(p + 10, (unsigned)scale);
    for (int64_t i = 0; i < groups; i++) {
        put16(p + 12 + 2 * i, group_at(digits, n, start + 4 * i));
    }
    out->len += 12 + 2 * (size_t)groups;
    return VALUE_OK;
}

enum value_result pg_put_numeric_text(const char *text, size_t len, struct lt_buf *out)
{
    struct number_text number;
    uint8_t small[64], *digits = small;
    if (!split_number(text, len, &number)) {
        return put_special(text, len, out);
    }
    if (number.n_digits > (int64_t)sizeof small && !(digits = malloc((size_t)number.n_digits))) {
        return VALUE_MEMORY;
    }
    int64_t n = 0;
    for (size_t i = 0; i < number.len; i++) {
        if (number.digits[i] != '.') {
            digits[n++] = (uint8_t)(number.digits[i] - '0');
        }
    }
    enum value_result result = put_number(&number, digits, out);
    if (digits != small) {
        free(digits);
    }
    return result;
}

enum value_result pg_numeric_within(const char *text, size_t len, const struct pg_limit *limit)
{
    struct number_text number;
    if (!split_number(text, len, &number)) {
        bool infinite = len && (text[len - 1] == 'y' || text[len - 1] == 'Y');
        return infinite && limit->finite ? VALUE_RANGE : VALUE_OK; /* NaN has no digits */
    }
    if (!limit->precision) {
        return VALUE_OK;
    }
    int64_t at = 0, first = -1, last = -1;
    for (size_t i = 0; i < number.len; i++) {
        if (number.digits[i] != '.') {
            first = number.digits[i] != '0' && first < 0 ? at : first;
            last = number.digits[i] != '0' ? at : last;
            at++;
        }
    }
    if (first < 0) {
        return VALUE_OK;
    }
    if (number.point - first > limit->precision - limit->scale) {
        return VALUE_RANGE;
    }
    return last + 1 - number.point > limit->scale ? VALUE_ROUNDS : VALUE_OK;
}
