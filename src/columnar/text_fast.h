/* The common forms of common types, read and written inline: what the text formats do for every
 * value. False, or no bytes, means "ask lt_text_parse() or lt_text_format()", never "wrong". */
#ifndef LT_TEXT_FAST_H
#define LT_TEXT_FAST_H

#include "columnar/text.h"

/* --- reading ------------------------------------------------------------------------------- */

/* Up to 18 digits, with or without a minus. */
static inline bool lt_fast_i64(const uint8_t *text, size_t len, int64_t *ret_value)
{
    size_t i = len && text[0] == '-';
    if (i == len || len - i > 18) {
        return false;
    }
    int64_t value = 0;
    for (; i < len; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        if (digit > 9) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_value = text[0] == '-' ? -value : value;
    return true;
}

/* Plain decimals whose digits fit 2^53 and whose scale fits an exact power of ten: then one
 * correctly rounded division gives the correctly rounded result (Clinger, "How to read floating
 * point numbers accurately", 1990). */
static inline bool lt_fast_f64(const uint8_t *text, size_t len, double *ret_value)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    size_t i = len && text[0] == '-';
    size_t digits = 0, scale = 0;
    bool point = false;
    uint64_t value = 0;
    if (len > 17) {
        return false;
    }
    for (; i < len; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        if (digit <= 9) {
            value = value * 10 + digit;
            digits++;
            scale += point;
        } else if (text[i] == '.' && !point && digits) {
            point = true;
        } else {
            return false;
        }
    }
    if (!digits || digits > 15 || (point && !scale)) {
        return false;
    }
    double result = (double)value / powers[scale];
    *ret_value = text[0] == '-' ? -result : result;
    return true;
}

/* A word whose first byte in memory is the least significant, on every machine. */
static inline uint64_t lt_little(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(word);
#else
    return word;
#endif
}

/* Eight hex digits as four bytes, worked on side by side in one word. */
static inline bool lt_fast_hex4(const uint8_t *text, uint8_t out[4])
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x80 * ones;
    uint64_t word;
    memcpy(&word, text, sizeof word);
    word = lt_little(word);
    uint64_t lower = word | 0x20 * ones;
    /* The top bit of a byte is set by adding what is missing to 0x80: from '0' on but not past
     * '9', from 'a' on but not past 'f'. */
    uint64_t digit = (word + 0x50 * ones) & ~(word + 0x46 * ones);
    uint64_t letter = (lower + 0x1f * ones) & ~(lower + 0x19 * ones);
    if ((word & tops) || ((digit | letter) & tops) != tops) {
        return false;
    }
    uint64_t nibbles = (word & 0x0f * ones) + 9 * ((word >> 6) & ones);
    uint64_t bytes = (nibbles << 4 | nibbles >> 8) & 0x00ff00ff00ff00ffu;
    bytes = (bytes | bytes >> 8) & 0x0000ffff0000ffffu;
    bytes = lt_little(bytes | bytes >> 16);
    memcpy(out, &bytes, 4);
    return true;
}

/* A uuid in its usual form of 36 characters. */
static inline bool lt_fast_uuid(const uint8_t *text, size_t len, uint8_t out[16])
{
    uint8_t middle[8];
    if (len != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') {
        return false;
    }
    memcpy(middle, text + 9, 4);
    memcpy(middle + 4, text + 14, 4);
    if (!lt_fast_hex4(text, out) || !lt_fast_hex4(middle, out + 4)) {
        return false;
    }
    memcpy(middle, text + 19, 4);
    memcpy(middle + 4, text + 24, 4);
    return lt_fast_hex4(middle, out + 8) && lt_fast_hex4(text + 28, out + 12);
}

/* A decimal of up to 18 digits with at most `scale` of them behind its point, as the integer that
 * has exactly `scale`; `precision` digits are not exceeded. */
static inline bool lt_fast_decimal(const uint8_t *text, size_t len, int precision, int scale,
                                   int64_t *ret_value)
{
    size_t i = len && text[0] == '-';
    int whole = 0, fraction = 0;
    int64_t value = 0;
    if (len - i > 18) {
        return false;
    }
    for (; i < len && (unsigned)text[i] - '0' <= 9; i++) {
        value = value * 10 + (text[i] - '0');
        whole += value != 0; /* zeros in front are none of its digits */
    }
    if (i < len && text[i] == '.') {
        for (i++; i < len && (unsigned)text[i] - '0' <= 9; i++, fraction++) {
            value = value * 10 + (text[i] - '0');
        }
        if (!fraction) {
            return false;
        }
    }
    if (i < len || !len || text[len - 1] == '-' || text[text[0] == '-'] == '.' ||
        fraction > scale || whole + scale > precision || whole + scale > 18) {
        return false;
    }
    for (; fraction < scale; fraction++) {
        value *= 10;
    }
    *ret_value = text[0] == '-' ? -value : value;
    return true;
}

/* `n` digits as a number; above 9999 when one is no digit. */
static inline unsigned lt_fast_digits(const uint8_t *text, size_t n)
{
    unsigned value = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        value = digit > 9 ? 100000 : value * 10 + digit;
    }
    return value;
}

/* YYYY-MM-DD; leap days and the year 0 are left to the calendar of text.c. */
static inline bool lt_fast_date(const uint8_t *text, size_t len, int64_t *ret_days)
{
    if (len != 10 || text[4] != '-' || text[7] != '-') {
        return false;
    }
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year = lt_fast_digits(text, 4), month = lt_fast_digits(text + 5, 2);
    unsigned day = lt_fast_digits(text + 8, 2);
    if (year - 1 > 9998 || month - 1 > 11 || day - 1 >= days[month - 1]) {
        return false;
    }
    /* Days before the year, from 0001-01-01 on, then those of its months; 1970-01-01 is 0. */
    static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = (int64_t)year - 1;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    *ret_days = past * 365 + past / 4 - past / 100 + past / 400 + before[month - 1] +
                (leap && month > 2) + day - 719163;
    return true;
}

/* YYYY-MM-DD HH:MM:SS[.ffffff] with a space or T, and Z when `zoned`: microseconds. */
static inline bool lt_fast_timestamp(const uint8_t *text, size_t len, bool zoned, int64_t *ret_us)
{
    int64_t days;
    if (zoned && (!len || text[--len] != 'Z')) {
        return false;
    }
    if (len < 19 || len > 26 || len == 20 || !lt_fast_date(text, 10, &days) ||
        (text[10] != ' ' && text[10] != 'T') || text[13] != ':' || text[16] != ':') {
        return false;
    }
    unsigned hour = lt_fast_digits(text + 11, 2), minute = lt_fast_digits(text + 14, 2);
    unsigned second = lt_fast_digits(text + 17, 2);
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    int64_t us = ((int64_t)hour * 60 + minute) * 60 + second;
    unsigned fraction = 0;
    if (len > 19 && text[19] != '.') {
        return false;
    }
    for (size_t i = 20; i < 26; i++) {
        unsigned digit = i < len ? (unsigned)text[i] - '0' : 0;
        if (digit > 9) {
            return false;
        }
        fraction = fraction * 10 + digit;
    }
    *ret_us = (days * 86400 + us) * 1000000 + fraction;
    return true;
}

/* --- writing ------------------------------------------------------------------------------- */

#define LT_PUT_MAX 40 /* bytes of anything these write */

static const char lt_digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                     "25262728293031323334353637383940414243444546474849"
                                     "50515253545556575859606162636465666768697071727374"
                                     "75767778798081828384858687888990919293949596979899";

/* Writes two digits. */
static inline uint8_t *lt_put2(uint8_t *to, unsigned value)
{
    memcpy(to, lt_digit_pairs + value * 2, 2);
    return to + 2;
}

/* How many digits a number has. */
static inline unsigned lt_count_digits(uint64_t value)
{
    static const uint64_t powers[] = {0,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      100000,
                                      1000000,
                                      10000000,
                                      100000000,
                                      1000000000,
                                      10000000000,
                                      100000000000,
                                      1000000000000,
                                      10000000000000,
                                      100000000000000,
                                      1000000000000000,
                                      10000000000000000,
                                      100000000000000000,
                                      1000000000000000000,
                                      10000000000000000000u};
    /* 1233 / 4096 is a little more than the digits that a bit is worth. */
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1), digits = bits * 1233 >> 12;
    return digits + (value >= powers[digits]);
}

/* Writes the digits of a number so that they end before `end`. */
static inline void lt_put_digits(uint8_t *end, uint64_t value)
{
    while (value >= 100) {
        end -= 2;
        lt_put2(end, (unsigned)(value % 100));
        value /= 100;
    }
    if (value >= 10) {
        lt_put2(end - 2, (unsigned)value);
    } else {
        end[-1] = (uint8_t)('0' + value);
    }
}

/* Each returns how many bytes it wrote. */
static inline size_t lt_put_uint(uint8_t *text, uint64_t value)
{
    unsigned n = lt_count_digits(value);
    lt_put_digits(text + n, value);
    return n;
}

static inline size_t lt_put_int(uint8_t *text, int64_t value)
{
    if (value >= 0) {
        return lt_put_uint(text, (uint64_t)value);
    }
    text[0] = '-';
    return 1 + lt_put_uint(text + 1, 0 - (uint64_t)value);
}

static inline size_t lt_put_bool(uint8_t *text, bool value)
{
    memcpy(text, value ? "true" : "false", value ? 4 : 5);
    return value ? 4 : 5;
}

/* An integer scaled by 10^scale (0 to 18), with exactly so many digits behind the point. */
static inline size_t lt_put_decimal(uint8_t *text, int64_t value, int scale)
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (scale <= 0) {
        return lt_put_int(text, value);
    }
    unsigned n = lt_count_digits(left);
    n = n > (unsigned)scale ? n : (unsigned)scale + 1;
    text[0] = '-';
    uint8_t *end = text + (value < 0) + n + 1, *at = end;
    for (; scale >= 2; scale -= 2) {
        at -= 2;
        lt_put2(at, (unsigned)(left % 100));
        left /= 100;
    }
    if (scale) {
        *--at = (uint8_t)('0' + left % 10);
        left /= 10;
    }
    *--at = '.';
    lt_put_digits(at, left);
    return (size_t)(end - text);
}

/* Four bytes as eight hex digits. */
static inline void lt_put_hex4(uint8_t *text, const uint8_t bytes[4])
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t word = (uint64_t)bytes[0] | (uint64_t)bytes[1] << 16 | (uint64_t)bytes[2] << 32 |
                    (uint64_t)bytes[3] << 48;
    uint64_t nibbles = (word >> 4 | word << 8) & 0x0f * ones;
    uint64_t chars = nibbles + 0x30 * ones + ((nibbles + 6 * ones) >> 4 & ones) * ('a' - '9' - 1);
    chars = lt_little(chars);
    memcpy(text, &chars, sizeof chars);
}

/* 36 characters. */
static inline size_t lt_put_uuid(uint8_t *text, const uint8_t bytes[16])
{
    uint8_t hex[32];
    for (int i = 0; i < 4; i++) {
        lt_put_hex4(hex + 8 * i, bytes + 4 * i);
    }
    memcpy(text, hex, 8);
    memcpy(text + 9, hex + 8, 4);
    memcpy(text + 14, hex + 12, 4);
    memcpy(text + 19, hex + 16, 4);
    memcpy(text + 24, hex + 20, 12);
    text[8] = text[13] = text[18] = text[23] = '-';
    return 36;
}

/* The date of a day from 0000-03-01 to 9999-12-31, by multiplications of 32 bits: C. Neri and
 * L. Schneider, "Euclidean affine functions and their application to calendar algorithms", 2023.
 * Years begin in March; a century has 146097 / 4 days, a year 1461 / 4, a month about 979 / 32. */
static inline void lt_fast_date_of_days(int32_t days, unsigned *ret_year, unsigned *ret_month,
                                        unsigned *ret_day)
{
    uint32_t quarters = 4 * (uint32_t)(days + 719468) + 3;
    uint32_t century = quarters / 146097, of_century = quarters % 146097 | 3;
    uint64_t product = UINT64_C(2939745) * of_century; /* 2^32 / 1461, rounded up */
    uint32_t year = (uint32_t)(product >> 32), of_year = (uint32_t)product / 2939745 / 4;
    uint32_t months = 2141 * of_year + 197913; /* of 2^16 */
    bool next = of_year >= 306;                /* January or February */
    *ret_year = 100 * century + year + next;
    *ret_month = (months >> 16) - (next ? 12 : 0);
    *ret_day = (months & 0xffff) / 2141 + 1;
}

/* 0: not a year of four digits, or before March of the year 0. */
static inline size_t lt_put_date(uint8_t *text, int64_t days)
{
    unsigned year, month, day;
    if (days < -719468 || days > 2932896) {
        return 0;
    }
    lt_fast_date_of_days((int32_t)days, &year, &month, &day);
    uint8_t *to = lt_put2(lt_put2(text, year / 100), year % 100);
    *to++ = '-';
    to = lt_put2(to, month);
    *to++ = '-';
    lt_put2(to, day);
    return 10;
}

/* Microseconds, as lt_text_format() writes them; 0 as for lt_put_date(). */
static inline size_t lt_put_timestamp(uint8_t *text, int64_t us, bool zoned)
{
    const int64_t day_us = INT64_C(86400000000);
    int64_t days = us / day_us, rest = us % day_us;
    if (rest < 0) {
        rest += day_us;
        days--;
    }
    if (!lt_put_date(text, days)) {
        return 0;
    }
    unsigned second = (unsigned)(rest / 1000000), fraction = (unsigned)(rest % 1000000);
    uint8_t *to = text + 10;
    *to++ = ' ';
    to = lt_put2(to, second / 3600);
    *to++ = ':';
    to = lt_put2(to, second / 60 % 60);
    *to++ = ':';
    to = lt_put2(to, second % 60);
    if (fraction) {
        *to++ = '.';
        uint8_t digits[6];
        lt_put2(lt_put2(lt_put2(digits, fraction / 10000), fraction / 100 % 100), fraction % 100);
        size_t n = fraction % 1000 ? 6 : 3;
        memcpy(to, digits, n);
        to += n;
    }
    if (zoned) {
        *to++ = 'Z';
    }
    return (size_t)(to - text);
}

#endif
