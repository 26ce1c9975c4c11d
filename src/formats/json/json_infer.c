/* Column types from sampled values.
 *
 * Every value is put into a class; a string counts as a date, a time or a uuid only when it reads
 * as one that exists, so that the classes seen in a column are proof enough for its type. What
 * has values of several kinds, or none at all, is json: that keeps any of them as it is. */
#include "formats/json/json.h"

#include "columnar/schema.h"
#include "core/util.h"

#include <stdlib.h>

/* A kind, or a fact that changes what a kind may become. */
enum {
    BOOL = 1 << 0,
    INTEGER = 1 << 1,
    FRACTION = 1 << 2,  /* with a point or an exponent, or -0 */
    DIGITS_15 = 1 << 3, /* more than 15 significant digits: float64 may not hold them */
    TOO_BIG = 1 << 4,   /* an integer past int64 */
    DIGITS_38 = 1 << 5, /* ... past 38 digits */
    NO_FLOAT = 1 << 6,  /* out of the range of float64 */
    WORD = 1 << 7,      /* "NaN", "Infinity": numbers beside numbers, else strings */
    TEXT = 1 << 8,
    DATE = 1 << 9,
    TIME = 1 << 10,
    TIMESTAMP = 1 << 11,
    ZONED = 1 << 12,
    UUID = 1 << 13,
    NANOS = 1 << 14,    /* more than 6 fraction digits, in TIMESTAMP, ZONED or TIME */
    NO_NANOS = 1 << 15, /* out of the range of nanoseconds, or with finer ones */
    OBJECT = LT_JSONL_OBJECT,
    LIST = LT_JSONL_LIST,
    UNEVEN = LT_JSONL_UNEVEN,
};

#define NUMBERS (INTEGER | FRACTION | DIGITS_15 | TOO_BIG | DIGITS_38 | NO_FLOAT)
#define STRINGS (WORD | TEXT | DATE | TIME | TIMESTAMP | ZONED | UUID | NANOS | NO_NANOS)
#define NESTED (OBJECT | LIST | UNEVEN)

/* --- numbers ---------------------------------------------------------------------------------- */

static unsigned class_of_integer(const uint8_t *text, size_t len)
{
    bool negative = text[0] == '-';
    const char *limit = negative ? "9223372036854775808" : "9223372036854775807";
    const uint8_t *digits = text + negative;
    size_t n = len - negative;
    if (negative && digits[0] == '0') {
        return FRACTION; /* an integer would lose the sign */
    }
    bool big = n > 19 || (n == 19 && memcmp(digits, limit, 19) > 0);
    return INTEGER | (n > 15 ? DIGITS_15 : 0) | (big ? TOO_BIG : 0) | (n > 38 ? DIGITS_38 : 0);
}

static unsigned class_of_number(const uint8_t *text, size_t len, uint32_t info)
{
    struct lt_number number;
    if (info & LT_JSONL_INTEGER) {
        return class_of_integer(text, len);
    }
    if (!lt_number_scan((const char *)text, len, &number)) {
        return TEXT;
    }
    size_t digits = 0;
    bool leading = true; /* zeros in front are not significant, those at the end are: 1.10 */
    for (size_t i = text[0] == '-'; i < len && (text[i] | 0x20) != 'e'; i++) {
        leading = leading && (text[i] == '0' || text[i] == '.');
        digits += !leading && text[i] != '.';
    }
    bool far = number.n_digits && (number.exponent < -290 || number.exponent > 290);
    return FRACTION | (digits > 15 ? DIGITS_15 : 0) | (far ? NO_FLOAT : 0);
}

/* --- strings ---------------------------------------------------------------------------------- */

/* True when the text begins like the pattern, in which 0 stands for any digit. */
static bool begins(const uint8_t *text, size_t len, const char *pattern)
{
    size_t n = strlen(pattern);
    for (size_t i = 0; i < n && n <= len; i++) {
        if (pattern[i] == '0' ? (unsigned)text[i] - '0' > 9 : text[i] != (uint8_t)pattern[i]) {
            return false;
        }
    }
    return n <= len;
}

/* Digits after a point at the beginning; 0 when there is no point, 99 when there are no digits. */
static size_t fraction_of(const uint8_t *text, size_t len)
{
    size_t n = 0;
    if (!len || text[0] != '.') {
        return 0;
    }
    while (1 + n < len && (unsigned)text[1 + n] - '0' <= 9) {
        n++;
    }
    return n ? n : 99;
}

static unsigned class_of_time(const uint8_t *text, size_t len)
{
    const char *why;
    int64_t ticks;
    size_t fraction = fraction_of(text + 8, len - 8);
    if (fraction > 9 || 8 + fraction + (fraction > 0) != len ||
        lt_time_parse((const char *)text, len, LT_NANO, &ticks, &why)) {
        return TEXT;
    }
    return TIME | (fraction > 6 ? NANOS : 0);
}

/* Z, +HH, +HHMM or +HH:MM, the whole rest. */
static bool is_zone(const uint8_t *text, size_t len)
{
    if (len == 1) {
        return text[0] == 'Z';
    }
    return (text[0] == '+' || text[0] == '-') &&
           ((len == 3 && begins(text + 1, 2, "00")) || (len == 5 && begins(text + 1, 4, "0000")) ||
            (len == 6 && begins(text + 1, 5, "00:00")));
}

/* A date, with a time behind it or not. */
static unsigned class_of_date(const uint8_t *text, size_t len)
{
    const char *why, *chars = (const char *)text;
    int64_t ticks;
    if (len == 10) {
        return lt_date_parse(chars, len, &ticks, &why) ? TEXT : DATE;
    }
    if ((text[10] != ' ' && text[10] != 'T') || !begins(text + 11, len - 11, "00:00:00")) {
        return TEXT;
    }
    size_t fraction = fraction_of(text + 19, len - 19);
    size_t end = 19 + fraction + (fraction > 0);
    bool zoned = end < len;
    if (fraction > 9 || end > len || (zoned && !is_zone(text + end, len - end))) {
        return TEXT;
    }
    unsigned facts = lt_timestamp_parse(chars, len, LT_NANO, zoned, &ticks, &why) ? NO_NANOS : 0;
    if (fraction > 6) {
        return facts ? TEXT : NANOS | (zoned ? ZONED : TIMESTAMP);
    }
    if (lt_timestamp_parse(chars, len, LT_MICRO, zoned, &ticks, &why)) {
        return TEXT;
    }
    return facts | (zoned ? ZONED : TIMESTAMP);
}

static bool is_uuid(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < 36 && len == 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        uint8_t lower = text[i] | 0x20;
        if (dash ? text[i] != '-' : (unsigned)text[i] - '0' > 9 && (lower < 'a' || lower > 'f')) {
            return false;
        }
    }
    return len == 36;
}

static bool is_word(const uint8_t *text, size_t len, const char *word)
{
    return len == strlen(word) && !memcmp(text, word, len);
}

/* What stands between the quotes. */
static unsigned class_of_string(const uint8_t *text, size_t len)
{
    if (is_word(text, len, "NaN") || is_word(text, len, "Infinity") ||
        is_word(text, len, "-Infinity")) {
        return WORD;
    }
    if (len < 8 || len > 36) {
        return TEXT;
    }
    if (begins(text, len, "0000-00-00")) {
        return class_of_date(text, len);
    }
    if (begins(text, len, "00:00:00")) {
        return class_of_time(text, len);
    }
    return is_uuid(text, len) ? UUID : TEXT;
}

/* --- what was seen ---------------------------------------------------------------------------- */

int lt_jsonl_infer_value(struct lt_jsonl_infer *infer, struct lt_jsonl_seen *seen,
                         const uint8_t *text, uint32_t info, int depth)
{
    size_t len = info & LT_JSONL_LEN;
    switch (text[0]) {
    case 't':
    case 'f':
        seen->classes |= BOOL;
        break;
    case '"':
        if (!infer->strings || info & LT_JSONL_ESCAPED) {
            seen->classes |= TEXT;
        } else if (!(seen->classes & TEXT)) {
            seen->classes |= class_of_string(text + 1, len - 2);
        }
        break;
    case '{':
    case '[':
        seen->classes |= text[0] == '{' ? OBJECT : LIST;
        return infer->nested ? lt_jsonl_infer_nested(infer, seen, text, depth) : LEAT_OK;
    default:
        seen->classes |= class_of_number(text, len, info);
    }
    return LEAT_OK;
}

bool lt_jsonl_seen_mixed(const struct lt_jsonl_seen *seen)
{
    unsigned classes = seen->classes;
    if (classes & NUMBERS && !(classes & STRINGS & ~(unsigned)WORD)) {
        classes &= ~(unsigned)WORD;
    }
    int kinds = !!(classes & BOOL) + !!(classes & NUMBERS) + !!(classes & STRINGS) +
                !!(classes & OBJECT) + !!(classes & LIST);
    return kinds > 1;
}

static const char *number_name(unsigned classes)
{
    if (!(classes & (FRACTION | WORD))) {
        return classes & DIGITS_38 ? "numeric" : classes & TOO_BIG ? "decimal(38,0)" : "int64";
    }
    return classes & (DIGITS_15 | TOO_BIG | NO_FLOAT) ? "numeric" : "float64";
}

static const char *string_name(unsigned classes)
{
    static const struct {
        unsigned seen;
        const char *name;
    } exact[] = {
        {DATE, "date"},
        {TIME, "time"},
        {TIME | NANOS, "time(ns)"},
        {TIMESTAMP, "timestamp"},
        {TIMESTAMP | NO_NANOS, "timestamp"},
        {TIMESTAMP | DATE, "timestamp"}, /* midnight is often left out */
        {TIMESTAMP | DATE | NO_NANOS, "timestamp"},
        {TIMESTAMP | NANOS, "timestamp(ns)"},
        {ZONED, "timestamptz"},
        {ZONED | NO_NANOS, "timestamptz"},
        {ZONED | NANOS, "timestamptz(ns)"},
        {UUID, "uuid"},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(exact); i++) {
        if (classes == exact[i].seen) {
            return exact[i].name;
        }
    }
    return "utf8";
}

int lt_jsonl_infer_type(const struct lt_jsonl_seen *seen, struct ArrowSchema *ret_field,
                        struct leat_error *err)
{
    unsigned classes = seen->classes;
    bool made = false;
    if (!classes || lt_jsonl_seen_mixed(seen)) {
        return lt_type_parse("json", ret_field, err);
    }
    if (classes & NESTED) {
        int status = lt_jsonl_nested_type(seen, ret_field, &made, err);
        return status || made ? status : lt_type_parse("json", ret_field, err);
    }
    return lt_type_parse(classes & BOOL      ? "bool"
                         : classes & NUMBERS ? number_name(classes)
                                             : string_name(classes),
                         ret_field, err);
}

void lt_jsonl_seen_done(struct lt_jsonl_seen *seen)
{
    for (size_t i = 0; i < seen->n_members; i++) {
        lt_jsonl_seen_done(&seen->members[i]);
    }
    free(seen->members);
    if (seen->item) {
        lt_jsonl_seen_done(seen->item);
        free(seen->item);
    }
    free(seen->name);
    memset(seen, 0, sizeof *seen);
}
