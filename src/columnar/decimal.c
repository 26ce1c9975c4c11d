/* Exact decimals of 32 to 256 bits: text to scaled integer and back. */
#include "columnar/text_parts.h"

/* 10^18 is the greatest power of ten of even digit count in 64 bits: digits go in chunks. */
#define CHUNK_DIGITS 18
static const uint64_t powers[CHUNK_DIGITS + 1] = {1ull,
                                                  10ull,
                                                  100ull,
                                                  1000ull,
                                                  10000ull,
                                                  100000ull,
                                                  1000000ull,
                                                  10000000ull,
                                                  100000000ull,
                                                  1000000000ull,
                                                  10000000000ull,
                                                  100000000000ull,
                                                  1000000000000ull,
                                                  10000000000000ull,
                                                  100000000000000ull,
                                                  1000000000000000ull,
                                                  10000000000000000ull,
                                                  100000000000000000ull,
                                                  1000000000000000000ull};

/* How many digits the scaled integer has; LEAT_BAD_DATA when it is too many or some are lost. */
static int scaled_digits(const struct lt_number *number, int precision, int scale,
                         int64_t *ret_zeros, const char **ret_why)
{
    if (number->kind != LT_NUMBER_FINITE) {
        return lt_refuse(ret_why, "NaN and infinity have no place in a decimal");
    }
    *ret_zeros = 0;
    if (!number->n_digits) {
        return LEAT_OK;
    }
    *ret_zeros = number->exponent + scale;
    if (*ret_zeros < 0) {
        return lt_refuse(ret_why, "more fraction digits than the scale of its decimal");
    }
    if (number->n_digits > (size_t)precision ||
        *ret_zeros > precision - (int64_t)number->n_digits) {
        return lt_refuse(ret_why, "out of range for its decimal");
    }
    return LEAT_OK;
}

/* Hands out the next chunk of digits, then of zeros. Returns how many; 0 at the end. */
static int next_chunk(const char **at, size_t *left, int64_t *zeros, uint64_t *ret_chunk)
{
    uint64_t chunk = 0;
    int n = 0;

    while (*left && n < CHUNK_DIGITS) {
        char c = *(*at)++;
        if (c != '.') {
            chunk = chunk * 10 + (uint64_t)(c - '0');
            --*left;
            n++;
        }
    }
    if (!*left && *zeros && n < CHUNK_DIGITS) {
        int more = *zeros < CHUNK_DIGITS - n ? (int)*zeros : CHUNK_DIGITS - n;
        chunk *= powers[more];
        *zeros -= more;
        n += more;
    }
    *ret_chunk = chunk;
    return n;
}

int lt_decimal_of_number(const struct lt_number *number, int precision, int scale,
                         lt_int128 *ret_value, const char **ret_why)
{
    const char *at = number->digits;
    size_t left = number->n_digits;
    lt_uint128 value = 0;
    uint64_t chunk;
    int64_t zeros;
    int n, status;

    if (precision > LT_DECIMAL128_DIGITS) {
        precision = LT_DECIMAL128_DIGITS;
    }
    status = scaled_digits(number, precision, scale, &zeros, ret_why);
    if (status) {
        return status;
    }
    while ((n = next_chunk(&at, &left, &zeros, &chunk)) > 0) {
        value = value * powers[n] + chunk;
    }
    *ret_value = number->negative ? -(lt_int128)value : (lt_int128)value;
    return LEAT_OK;
}

int lt_decimal_parse(const char *text, size_t len, int precision, int scale, lt_int128 *ret_value,
                     const char **ret_why)
{
    struct lt_number number;

    if (!lt_number_scan(text, len, &number)) {
        return lt_refuse(ret_why, "not a number");
    }
    return lt_decimal_of_number(&number, precision, scale, ret_value, ret_why);
}

/* --- 256 bits ------------------------------------------------------------------------------ */

static void negate256(struct lt_int256 *value)
{
    uint64_t carry = 1;

    for (int i = 0; i < 4; i++) {
        value->limbs[i] = ~value->limbs[i] + carry;
        carry = carry && !value->limbs[i];
    }
}

int lt_decimal256_of_number(const struct lt_number *number, int precision, int scale,
                            struct lt_int256 *ret_value, const char **ret_why)
{
    struct lt_int256 value = {{0, 0, 0, 0}};
    const char *at = number->digits;
    size_t left = number->n_digits;
    uint64_t chunk;
    int64_t zeros;
    int n, status;

    if (precision > LT_DECIMAL256_DIGITS) {
        precision = LT_DECIMAL256_DIGITS;
    }
    status = scaled_digits(number, precision, scale, &zeros, ret_why);
    if (status) {
        return status;
    }
    while ((n = next_chunk(&at, &left, &zeros, &chunk)) > 0) {
        lt_uint128 carry = chunk;
        for (int i = 0; i < 4; i++) {
            carry += (lt_uint128)value.limbs[i] * powers[n];
            value.limbs[i] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    if (number->negative) {
        negate256(&value);
    }
    *ret_value = value;
    return LEAT_OK;
}

/* --- to text ------------------------------------------------------------------------------- */

/* Chunks come least significant first; all but the last have 18 digits. */
static int join_chunks(const uint64_t *chunks, int n_chunks, char *text)
{
    int len = lt_u64_digits(chunks[n_chunks - 1], text);

    for (int i = n_chunks - 2; i >= 0; i--) {
        uint64_t chunk = chunks[i];
        for (int d = CHUNK_DIGITS - 1; d >= 0; d--) {
            text[len + d] = (char)('0' + chunk % 10);
            chunk /= 10;
        }
        len += CHUNK_DIGITS;
    }
    return len;
}

int lt_decimal_digits(lt_int128 value, char text[40])
{
    lt_uint128 magnitude = value < 0 ? -(lt_uint128)value : (lt_uint128)value;
    uint64_t chunks[3];
    int n = 0;

    do {
        if (magnitude >> 64) {
            chunks[n++] = (uint64_t)(magnitude % powers[CHUNK_DIGITS]);
            magnitude /= powers[CHUNK_DIGITS];
        } else { /* division by 64 bits is several times faster */
            uint64_t low = (uint64_t)magnitude;
            chunks[n++] = low % powers[CHUNK_DIGITS];
            magnitude = low / powers[CHUNK_DIGITS];
        }
    } while (magnitude);
    return join_chunks(chunks, n, text);
}

int lt_decimal256_digits(const struct lt_int256 *value, char text[80])
{
    struct lt_int256 rest = *value;
    uint64_t chunks[5];
    int n = 0;

    if (lt_int256_negative(&rest)) {
        negate256(&rest);
    }
    do {
        lt_uint128 remainder = 0;
        for (int i = 3; i >= 0; i--) {
            remainder = remainder << 64 | rest.limbs[i];
            rest.limbs[i] = (uint64_t)(remainder / powers[CHUNK_DIGITS]);
            remainder %= powers[CHUNK_DIGITS];
        }
        chunks[n++] = (uint64_t)remainder;
    } while (rest.limbs[0] | rest.limbs[1] | rest.limbs[2] | rest.limbs[3]);
    return join_chunks(chunks, n, text);
}

static int zeros_append(struct lt_buf *out, int n)
{
    for (int i = 0; i < n; i++) {
        if (lt_buf_byte(out, '0')) {
            return LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

/* Puts the point `scale` digits before the end; a negative scale adds zeros. */
static int digits_format(bool negative, const char *digits, int n, int scale, struct lt_buf *out)
{
    int whole = n - scale;
    bool zero = n == 1 && digits[0] == '0';

    if (negative && lt_buf_byte(out, '-')) {
        return LEAT_NO_MEMORY;
    }
    if (scale <= 0) {
        if (lt_buf_append(out, digits, (size_t)n)) {
            return LEAT_NO_MEMORY;
        }
        return zero ? LEAT_OK : zeros_append(out, -scale);
    }
    if (whole <= 0) {
        if (lt_buf_append(out, "0.", 2) || zeros_append(out, -whole)) {
            return LEAT_NO_MEMORY;
        }
        return lt_buf_append(out, digits, (size_t)n);
    }
    if (lt_buf_append(out, digits, (size_t)whole) || lt_buf_byte(out, '.')) {
        return LEAT_NO_MEMORY;
    }
    return lt_buf_append(out, digits + whole, (size_t)scale);
}

int lt_decimal_format(lt_int128 value, int scale, struct lt_buf *out)
{
    char digits[40];
    int n = lt_decimal_digits(value, digits);

    return digits_format(value < 0, digits, n, scale, out);
}

int lt_decimal256_format(const struct lt_int256 *value, int scale, struct lt_buf *out)
{
    char digits[80];
    int n = lt_decimal256_digits(value, digits);

    return digits_format(lt_int256_negative(value), digits, n, scale, out);
}

lt_int128 lt_view_decimal(const struct lt_view *view, int64_t row)
{
    lt_int128 value;

    if (view->type.id == LT_DECIMAL32) {
        return lt_view_i32(view, row);
    }
    if (view->type.id == LT_DECIMAL64) {
        return lt_view_i64(view, row);
    }
    memcpy(&value, view->data + row * 16, sizeof value);
    return value;
}

struct lt_int256 lt_view_decimal256(const struct lt_view *view, int64_t row)
{
    struct lt_int256 value;

    if (view->type.id == LT_DECIMAL256) {
        memcpy(&value, view->data + row * 32, sizeof value);
    } else {
        lt_int128 narrow = lt_view_decimal(view, row);
        uint64_t sign = narrow < 0 ? UINT64_MAX : 0;
        value = (struct lt_int256){{(uint64_t)narrow, (uint64_t)(narrow >> 64), sign, sign}};
    }
    return value;
}
