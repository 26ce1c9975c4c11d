/* Numbers as text: taking them apart, and floats both ways. */
#include "columnar/text_parts.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

/* The longest text handed to strtod: a double written out in full has 767 significant digits. */
#define FLOAT_TEXT_MAX 1200

static const double double_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const float float_powers[] = {1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f,
                                     1e6f, 1e7f, 1e8f, 1e9f, 1e10f};

/* An embedder may have set a locale whose decimal point is a comma. */
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void c_locale_make(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t c_locale_get(void)
{
    pthread_once(&c_locale_once, c_locale_make);
    return c_locale ? c_locale : LC_GLOBAL_LOCALE;
}

/* --- scanning ------------------------------------------------------------------------------ */

static inline bool is_digit(char c)
{
    return (unsigned)(c - '0') <= 9;
}

static bool scan_special(const char *text, size_t len, struct lt_number *number)
{
    if (len == 3 && !strncasecmp(text, "nan", 3)) {
        number->kind = LT_NUMBER_NAN;
        return true;
    }
    if ((len == 3 && !strncasecmp(text, "inf", 3)) ||
        (len == 8 && !strncasecmp(text, "infinity", 8))) {
        number->kind = LT_NUMBER_INFINITE;
        return true;
    }
    return false;
}

/* Reads e [+-] digits up to `end`. Huge exponents are clamped: they are out of any range. */
static bool scan_exponent(const char *at, const char *end, int64_t *ret_exponent)
{
    bool negative = false;
    int64_t value = 0;

    if (++at < end && (*at == '+' || *at == '-')) {
        negative = *at++ == '-';
    }
    if (at == end) {
        return false;
    }
    for (; at < end; at++) {
        if (!is_digit(*at)) {
            return false;
        }
        if (value < LT_NUMBER_EXPONENT_MAX / 100) {
            value = value * 10 + (*at - '0');
        }
    }
    *ret_exponent = negative ? -value : value;
    return true;
}

/* Strips zeros from both ends of [at, end), which holds digits and at most one '.', and counts.
 * `point` is where the '.' stands, or the end of the digits. */
static void strip_zeros(const char *at, const char *end, const char *point,
                        struct lt_number *number)
{
    while (at < end && (*at == '0' || *at == '.')) {
        at++;
    }
    while (end > at && (end[-1] == '0' || end[-1] == '.')) {
        end--;
    }
    number->digits = at;
    number->n_digits = (size_t)(end - at);
    if (at == end) {
        number->exponent = 0;
        return;
    }
    if (point > at && point < end) {
        number->n_digits--;
    }
    /* The place of the last digit: digits after the point count down from -1. */
    number->exponent += end <= point ? point - end : -(end - point - 1);
}

bool lt_number_scan(const char *text, size_t len, struct lt_number *ret_number)
{
    struct lt_number number = {.kind = LT_NUMBER_FINITE};
    const char *at = text, *end = text + len, *first, *point = NULL, *stop;

    if (at < end && (*at == '+' || *at == '-')) {
        number.negative = *at++ == '-';
    }
    first = at;
    while (at < end && (is_digit(*at) || (*at == '.' && !point))) {
        if (*at == '.') {
            point = at;
        }
        at++;
    }
    stop = at;
    if (stop - first == (point ? 1 : 0)) {
        if (point || !scan_special(first, (size_t)(end - first), &number) ||
            (number.kind == LT_NUMBER_NAN && first != text)) {
            return false;
        }
        *ret_number = number;
        return true;
    }
    if (at < end) {
        if ((*at != 'e' && *at != 'E') || !scan_exponent(at, end, &number.exponent)) {
            return false;
        }
    }
    strip_zeros(first, stop, point ? point : stop, &number);
    *ret_number = number;
    return true;
}

/* The digits as one integer; only for few enough of them. */
static uint64_t number_digits(const struct lt_number *number)
{
    uint64_t value = 0;
    size_t left = number->n_digits;

    for (const char *at = number->digits; left; at++) {
        if (*at != '.') {
            value = value * 10 + (uint64_t)(*at - '0');
            left--;
        }
    }
    return value;
}

/* --- text to float ------------------------------------------------------------------------- */

/* strtod wants a NUL; the text was scanned before, so that it holds nothing but a number. */
static int slow_double(const char *text, size_t len, double *ret_value, bool single,
                       const char **ret_why)
{
    char copy[FLOAT_TEXT_MAX + 1];

    if (len > FLOAT_TEXT_MAX) {
        return lt_refuse(ret_why, "too many digits");
    }
    memcpy(copy, text, len);
    copy[len] = 0;
    *ret_value = single ? (double)strtof_l(copy, NULL, c_locale_get())
                        : strtod_l(copy, NULL, c_locale_get());
    if (isinf(*ret_value) || *ret_value == 0) {
        return lt_refuse(ret_why, single ? "out of range for float32" : "out of range for float64");
    }
    return LEAT_OK;
}

int lt_double_parse(const char *text, size_t len, double *ret_value, const char **ret_why)
{
    struct lt_number number;
    double value = 0;
    int status;

    if (!lt_number_scan(text, len, &number)) {
        return lt_refuse(ret_why, "not a number");
    }
    if (number.kind == LT_NUMBER_NAN) {
        value = (double)NAN;
    } else if (number.kind == LT_NUMBER_INFINITE) {
        value = (double)INFINITY;
    } else if (number.n_digits <= 15 && number.exponent >= -22 && number.exponent <= 22) {
        /* Both operands are exact, so that the one rounding is the right one (Clinger 1990). */
        value = (double)number_digits(&number);
        if (number.exponent < 0) {
            value /= double_powers[-number.exponent];
        } else {
            value *= double_powers[number.exponent];
        }
    } else {
        status = slow_double(text, len, ret_value, false, ret_why);
        return status;
    }
    *ret_value = number.negative ? -value : value;
    return LEAT_OK;
}

bool lt_number_same_digits(const struct lt_number *a, const struct lt_number *b)
{
    const char *x = a->digits, *y = b->digits;
    bool same = a->n_digits == b->n_digits && a->exponent == b->exponent;
    for (size_t i = 0; same && i < a->n_digits; i++) {
        x += *x == '.';
        y += *y == '.';
        same = *x++ == *y++;
    }
    return same;
}

/* The number is what the float says: its shortest text, or the float written out to as many digits
 * as the number has (1.10000002, 16777216.0). */
static bool says_float(const struct lt_number *number, float value)
{
    char text[FLOAT_TEXT_MAX + 32];
    struct lt_number kept;
    int n = lt_float_format(value, text);
    if (lt_number_scan(text, (size_t)n, &kept) && lt_number_same_digits(number, &kept)) {
        return true;
    }
    n = snprintf(text, sizeof text, "%.*e", (int)number->n_digits - 1, fabs((double)value));
    text[1] = '.'; /* whatever the locale has there */
    return lt_number_scan(text, (size_t)n, &kept) && lt_number_same_digits(number, &kept);
}

int lt_float_parse(const char *text, size_t len, float *ret_value, const char **ret_why)
{
    struct lt_number number;
    float value = 0;

    if (!lt_number_scan(text, len, &number)) {
        return lt_refuse(ret_why, "not a number");
    }
    if (number.kind == LT_NUMBER_NAN) {
        value = NAN;
    } else if (number.kind == LT_NUMBER_INFINITE) {
        value = INFINITY;
    } else if (number.n_digits <= 7 && number.exponent >= -10 && number.exponent <= 10) {
        value = (float)number_digits(&number); /* below 2^24: exact */
        if (number.exponent < 0) {
            value /= float_powers[-number.exponent];
        } else {
            value *= float_powers[number.exponent];
        }
    } else {
        double wide;
        int status = slow_double(text, len, &wide, true, ret_why);
        if (!status && number.n_digits > 7 && !says_float(&number, (float)wide)) {
            return lt_refuse(ret_why, "more digits than float32 holds (out of range)");
        }
        if (!status) {
            *ret_value = (float)wide;
        }
        return status;
    }
    *ret_value = number.negative ? -value : value;
    return LEAT_OK;
}

/* --- float to text ------------------------------------------------------------------------- */

int lt_u64_digits(uint64_t value, char text[20])
{
    char reversed[20];
    int n = 0;

    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (int i = 0; i < n; i++) {
        text[i] = reversed[n - 1 - i];
    }
    return n;
}

/* Writes digits / 10^places, plain. `digits` does not end in a zero unless places is 0. */
static int plain_format(bool negative, uint64_t digits, int places, char text[32])
{
    char raw[20];
    int n = lt_u64_digits(digits, raw), at = 0, whole = n - places;

    if (negative) {
        text[at++] = '-';
    }
    if (whole <= 0) {
        text[at++] = '0';
    } else {
        memcpy(text + at, raw, (size_t)whole);
        at += whole;
    }
    if (places) {
        text[at++] = '.';
        for (int i = whole; i < n; i++) {
            text[at++] = i < 0 ? '0' : raw[i];
        }
    }
    text[at] = 0;
    return at;
}

static int special_format(double value, char text[32])
{
    const char *word = isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
    size_t len = strlen(word);

    memcpy(text, word, len + 1);
    return (int)len;
}

/* printf with the C locale's decimal point. */
static int general_format(char text[32], int precision, double value)
{
    locale_t before = uselocale(c_locale_get());
    int len = snprintf(text, 32, "%.*g", precision, value);

    uselocale(before);
    return len;
}

int lt_double_format(double value, char text[32])
{
    double magnitude = fabs(value);
    int len = 0;

    if (!isfinite(value)) {
        return special_format(value, text);
    }
    if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e15)) {
        /* Numbers of few fraction digits. What passes has at most 15 digits and divides back to
         * the same double, so that no other text this short reads as it. */
        for (int places = 0; places <= 8; places++) {
            double scaled = nearbyint(magnitude * double_powers[places]);
            if (scaled >= 1e15) {
                break;
            }
            if (scaled / double_powers[places] == magnitude) {
                return plain_format(signbit(value), (uint64_t)scaled, places, text);
            }
        }
    }
    /* 15 digits always survive a normal double, 17 always tell two of them apart; subnormal ones
     * carry fewer. */
    for (int precision = magnitude < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        len = general_format(text, precision, value);
        if (precision == 17 || strtod_l(text, NULL, c_locale_get()) == value) {
            break;
        }
    }
    return len;
}

int lt_float_format(float value, char text[32])
{
    float magnitude = fabsf(value);
    int len = 0;

    if (!isfinite(value)) {
        return special_format((double)value, text);
    }
    if (magnitude == 0 || (magnitude >= 1e-4f && magnitude < 1e6f)) {
        for (int places = 0; places <= 8; places++) {
            double scaled = nearbyint((double)magnitude * double_powers[places]);
            if (scaled >= 1e6) {
                break;
            }
            if ((float)scaled / float_powers[places] == magnitude) {
                return plain_format(signbit(value), (uint64_t)scaled, places, text);
            }
        }
    }
    for (int precision = magnitude < FLT_MIN ? 1 : 6; precision <= 9; precision++) {
        len = general_format(text, precision, (double)value);
        if (precision == 9 || strtof_l(text, NULL, c_locale_get()) == value) {
            break;
        }
    }
    return len;
}

/* --- half precision (IEEE 754 binary16) ---------------------------------------------------- */

double lt_half_to_double(uint16_t half)
{
    int exponent = half >> 10 & 31;
    double value = half & 1023;

    if (exponent == 31) {
        value = value != 0 ? (double)NAN : (double)INFINITY;
    } else if (exponent == 0) {
        value = ldexp(value, -24);
    } else {
        value = ldexp(value + 1024, exponent - 25);
    }
    return half & 0x8000 ? -value : value;
}

uint16_t lt_half_of_double(double value)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double magnitude = fabs(value);
    int exponent;

    if (isnan(value)) {
        return 0x7e00;
    }
    if (magnitude >= 65520) { /* half way from the greatest half, 65504, to the next step */
        return sign | 0x7c00;
    }
    if (magnitude < ldexp(1, -14)) {
        return (uint16_t)(sign | (uint16_t)nearbyint(ldexp(magnitude, 24)));
    }
    exponent = ilogb(magnitude);
    /* A mantissa rounded up to 2048 carries into the exponent by itself. */
    return (uint16_t)(sign | (((exponent + 15) << 10) +
                              ((int)nearbyint(ldexp(magnitude, 10 - exponent)) - 1024)));
}

int lt_half_format(uint16_t half, char text[32])
{
    double value = lt_half_to_double(half);
    int len = 0;

    if (!isfinite(value)) {
        return special_format(value, text);
    }
    for (int precision = 1; precision <= 5; precision++) {
        len = general_format(text, precision, value);
        if (lt_half_of_double(strtod_l(text, NULL, c_locale_get())) == half) {
            break;
        }
    }
    return len;
}
