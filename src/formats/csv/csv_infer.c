/* Column types from sampled fields.
 *
 * Every text is put into a class by its form; the classes seen in a column decide its type, and
 * the sample is then converted to that type for a proof: a type is only ever chosen that all
 * sampled values fit without losing anything. What looks like a number but would not come back
 * the same (leading zeros as in postal codes, a plus sign) is text. */
#include "formats/csv/csv.h"

#include "columnar/schema.h"
#include "columnar/text.h"
#include "core/util.h"

/* A form, or a fact about digits that changes what the form may become. */
enum {
    TEXT = 1 << 0,
    INTEGER = 1 << 1,
    POINT = 1 << 2,     /* 12.50 */
    EXPONENT = 1 << 3,  /* 1.25e1 */
    NO_NUMBER = 1 << 4, /* NaN, Infinity: numbers only beside others */
    DIGITS_15 = 1 << 5, /* more than 15 significant digits: float64 may not hold them */
    DIGITS_17 = 1 << 6, /* more than 17: no float64 was ever written so */
    TOO_BIG = 1 << 7,   /* an integer past int64 */
    BOOL = 1 << 8,
    DATE = 1 << 9,
    TIME = 1 << 10,
    TIMESTAMP = 1 << 11,
    ZONED = 1 << 12,
    NANOS = 1 << 13, /* more than 6 fraction digits, in TIMESTAMP, ZONED or TIME */
    UUID = 1 << 14,
};

#define NUMBERS (INTEGER | POINT | EXPONENT | NO_NUMBER | DIGITS_15 | DIGITS_17 | TOO_BIG)

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_word(const uint8_t *text, size_t len, const char *word)
{
    return len == strlen(word) && !memcmp(text, word, len);
}

static bool is_word_any_case(const uint8_t *text, size_t len, const char *word)
{
    size_t i = 0;
    while (i < len && word[i] && (text[i] | 0x20) == word[i]) {
        i++;
    }
    return i == len && !word[i];
}

static size_t count_digits(const uint8_t *text, size_t len)
{
    size_t n = 0;
    while (n < len && is_digit(text[n])) {
        n++;
    }
    return n;
}

/* Past int64, for digits without leading zeros. */
static bool is_too_big(const uint8_t *digits, size_t n, bool negative)
{
    const char *limit = negative ? "9223372036854775808" : "9223372036854775807";
    return n > 19 || (n == 19 && memcmp(digits, limit, 19) > 0);
}

/* e, E and up to three digits, small enough for a double. */
static bool is_exponent(const uint8_t *text, size_t len)
{
    size_t i = len > 1 && (text[1] == '-' || text[1] == '+') ? 2 : 1;
    size_t n = count_digits(text + i, len - i);
    if (!n || n > 3 || i + n != len) {
        return false;
    }
    unsigned value = 0;
    for (; i < len; i++) {
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return value <= 290;
}

static unsigned digit_facts(size_t significant)
{
    return (significant > 15 ? DIGITS_15 : 0) | (significant > 17 ? DIGITS_17 : 0);
}

/* [-]digits[.digits][e[sign]digits] without leading zeros, else TEXT. */
static unsigned class_of_number(const uint8_t *text, size_t len)
{
    bool negative = text[0] == '-';
    const uint8_t *digits = text + negative;
    size_t left = len - negative;
    size_t whole = count_digits(digits, left);
    if (whole > 1 && digits[0] == '0') {
        return TEXT;
    }
    if (whole && whole == left) {
        if (negative && digits[0] == '0') {
            return POINT; /* -0: an integer would lose the sign */
        }
        return INTEGER | digit_facts(whole) | (is_too_big(digits, whole, negative) ? TOO_BIG : 0);
    }
    size_t fraction = 0, at = whole;
    if (at < left && digits[at] == '.') {
        fraction = count_digits(digits + at + 1, left - at - 1);
        at += 1 + fraction;
        if (!fraction) {
            return TEXT;
        }
    }
    if (!whole && !fraction) {
        return TEXT;
    }
    size_t zeros = 0; /* leading zeros are not significant: 0.00012 */
    while (zeros < whole + fraction && digits[zeros + (zeros >= whole)] == '0') {
        zeros++;
    }
    unsigned facts = digit_facts(whole + fraction - zeros);
    if (at == left) {
        return whole + fraction > 300 ? POINT | facts | DIGITS_17 : POINT | facts;
    }
    bool exponent = (digits[at] | 0x20) == 'e' && whole && whole + fraction < 20 &&
                    is_exponent(digits + at, left - at);
    return exponent ? EXPONENT | facts : TEXT;
}

/* HH:MM:SS[.f], `*ret_len` bytes of it; false when it does not begin so. Ranges are left to the
 * proof. */
static bool is_clock(const uint8_t *text, size_t len, size_t *ret_len, unsigned *facts)
{
    if (len < 8 || count_digits(text, 8) != 2 || text[2] != ':' || count_digits(text + 3, 5) != 2 ||
        text[5] != ':' || !is_digit(text[6]) || !is_digit(text[7])) {
        return false;
    }
    size_t end = 8;
    if (len > 8 && text[8] == '.') {
        size_t fraction = count_digits(text + 9, len - 9);
        if (!fraction || fraction > 9) {
            return false;
        }
        *facts |= fraction > 6 ? NANOS : 0;
        end += 1 + fraction;
    }
    *ret_len = end;
    return true;
}

/* Z, +HH, +HHMM or +HH:MM, the whole rest. */
static bool is_zone(const uint8_t *text, size_t len)
{
    if (len == 1) {
        return text[0] == 'Z';
    }
    if (text[0] != '+' && text[0] != '-') {
        return false;
    }
    if (len == 6) {
        return count_digits(text + 1, 2) == 2 && text[3] == ':' && count_digits(text + 4, 2) == 2;
    }
    return (len == 3 || len == 5) && count_digits(text + 1, len - 1) == len - 1;
}

static unsigned class_of_time(const uint8_t *text, size_t len)
{
    unsigned facts = 0;
    size_t clock;
    if (len >= 10 && count_digits(text, 10) == 4 && text[4] == '-' &&
        count_digits(text + 5, 5) == 2 && text[7] == '-' && is_digit(text[8]) &&
        is_digit(text[9])) {
        if (len == 10) {
            return DATE;
        }
        if ((text[10] != ' ' && text[10] != 'T') ||
            !is_clock(text + 11, len - 11, &clock, &facts)) {
            return TEXT;
        }
        size_t rest = len - 11 - clock;
        if (!rest) {
            return TIMESTAMP | facts;
        }
        return is_zone(text + 11 + clock, rest) ? ZONED | facts : TEXT;
    }
    return is_clock(text, len, &clock, &facts) && clock == len ? TIME | facts : TEXT;
}

static bool is_uuid(const uint8_t *text, size_t len)
{
    if (len != 36) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        uint8_t lower = text[i] | 0x20;
        if (dash ? text[i] != '-' : !is_digit(text[i]) && (lower < 'a' || lower > 'f')) {
            return false;
        }
    }
    return true;
}

static unsigned class_of(const uint8_t *text, size_t len)
{
    if (!len || len > 400) {
        return TEXT;
    }
    uint8_t first = text[0];
    if (is_digit(first) || first == '-' || first == '.') {
        unsigned class = class_of_number(text, len);
        if (class != TEXT) {
            return class;
        }
        class = class_of_time(text, len);
        if (class != TEXT) {
            return class;
        }
    }
    if (is_uuid(text, len)) {
        return UUID;
    }
    if (is_word_any_case(text, len, "true") || is_word_any_case(text, len, "false")) {
        return BOOL;
    }
    if (is_word(text, len, "NaN") || is_word(text, len, "Infinity") ||
        is_word(text, len, "-Infinity")) {
        return NO_NUMBER;
    }
    return TEXT;
}

/* The class of a text by the patterns of its dialect; 0: none fits. */
static unsigned class_of_pattern(const struct lt_csv_values *values, const uint8_t *text,
                                 size_t len)
{
    const char *chars = (const char *)text;
    int digits = 0;
    if (values->has_date && lt_time_pattern_fits(&values->date, chars, len, &digits)) {
        return DATE;
    }
    if (values->has_timestamp && lt_time_pattern_fits(&values->timestamp, chars, len, &digits)) {
        unsigned class = values->timestamp.has & LT_PATTERN_ZONE ? ZONED : TIMESTAMP;
        return class | (digits > 6 ? NANOS : 0);
    }
    if (values->has_time && lt_time_pattern_fits(&values->time, chars, len, &digits)) {
        return TIME | (digits > 6 ? NANOS : 0);
    }
    return 0;
}

/* As class_of(), where values have forms of their own: what is in another form is text. */
static unsigned class_in_dialect(const struct lt_csv_values *values, const uint8_t *text,
                                 size_t len, struct lt_buf *work)
{
    unsigned class = class_of_pattern(values, text, len);
    if (class) {
        return class;
    }
    bool marks = values->decimal != '.' || values->thousands[0];
    if (marks && lt_csv_number_read(values, text, len, work) &&
        class_of(work->data, work->len) & NUMBERS) {
        return class_of(work->data, work->len);
    }
    class = class_of(text, len);
    if ((marks && class & NUMBERS) || (values->yes.n && class == BOOL) ||
        (values->has_date && class == DATE) || (values->has_time && class & TIME) ||
        (values->has_timestamp && class & (TIMESTAMP | ZONED))) {
        return TEXT;
    }
    return class;
}

bool lt_csv_looks_typed(const struct lt_csv_dialect *dialect, const uint8_t *text, size_t len)
{
    return class_of(text, len) != TEXT || class_of_pattern(&dialect->values, text, len) ||
           lt_csv_is_word(&dialect->values.yes, text, len, true) ||
           lt_csv_is_word(&dialect->values.no, text, len, true);
}

static const char *number_name(unsigned seen)
{
    if (!(seen & ~(INTEGER | DIGITS_15 | DIGITS_17))) {
        return "int64";
    }
    if (!(seen & (INTEGER | POINT | EXPONENT))) {
        return "utf8"; /* nothing but NaN: a word */
    }
    if (seen & EXPONENT) {
        return seen & DIGITS_17 ? "utf8" : "float64";
    }
    if (seen & TOO_BIG || seen & DIGITS_15) {
        return "numeric";
    }
    return seen & (POINT | NO_NUMBER) ? "float64" : "int64";
}

/* The canonical name of the type for the classes seen in one column. */
static const char *type_name(unsigned seen)
{
    static const struct {
        unsigned seen;
        const char *name;
    } exact[] = {
        {BOOL, "bool"},
        {DATE, "date"},
        {TIME, "time"},
        {TIME | NANOS, "time(ns)"},
        {TIMESTAMP, "timestamp"},
        {TIMESTAMP | DATE, "timestamp"}, /* midnight is often left out */
        {TIMESTAMP | NANOS, "timestamp(ns)"},
        {ZONED, "timestamptz"},
        {ZONED | NANOS, "timestamptz(ns)"},
        {UUID, "uuid"},
    };
    if (seen && !(seen & ~(unsigned)NUMBERS)) {
        return number_name(seen);
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(exact); i++) {
        if (seen == exact[i].seen) {
            return exact[i].name;
        }
    }
    return "utf8";
}

/* True when the whole sample converts to the type. */
static int prove(const struct lt_csv_cells *cells, int64_t column, const struct ArrowSchema *field,
                 bool *ret_fits, struct leat_error *err)
{
    struct lt_builder builder;
    const char *why;
    int64_t row = 0;
    int status = lt_builder_init(&builder, field, err);
    if (status) {
        return status;
    }
    status = lt_csv_convert(cells, column, &builder, &row, &why);
    lt_builder_done(&builder);
    if (status == LEAT_NO_MEMORY) {
        return lt_fail_oom(err);
    }
    *ret_fits = !status;
    return LEAT_OK;
}

/* The classes of a column's sampled values; *ret_words: all are words of --true and --false, which
 * may be numbers as well. */
static int classes_of(const struct lt_csv_cells *cells, int64_t column, unsigned *ret_seen,
                      bool *ret_words)
{
    const struct lt_csv_values *values = &cells->dialect->values;
    unsigned seen = 0;
    bool words = values->yes.n, any = false;
    for (int64_t row = 0; row < cells->rows && (words || !(seen & TEXT)); row++) {
        const struct lt_csv_field *field = lt_csv_cell(cells, row, column);
        if (lt_csv_cell_null(cells, field)) {
            continue;
        }
        size_t len;
        const uint8_t *text = lt_csv_cell_text(cells, field, &len);
        if (!text) {
            return LEAT_NO_MEMORY;
        }
        any = true;
        words = words && (lt_csv_is_word(&values->yes, text, len, true) ||
                          lt_csv_is_word(&values->no, text, len, true));
        seen |=
            values->any ? class_in_dialect(values, text, len, cells->work) : class_of(text, len);
    }
    *ret_seen = seen;
    *ret_words = words && any;
    return LEAT_OK;
}

int lt_csv_infer(const struct lt_csv_cells *cells, int64_t column, struct ArrowSchema *ret_field,
                 struct leat_error *err)
{
    unsigned seen;
    bool words;
    if (classes_of(cells, column, &seen, &words)) {
        return lt_fail_oom(err);
    }
    const char *name = words ? "bool" : type_name(seen);
    int status = lt_type_parse(name, ret_field, err);
    if (status || !strcmp(name, "utf8")) {
        return status;
    }
    bool fits = false;
    status = prove(cells, column, ret_field, &fits, err);
    if (!status && fits) {
        return LEAT_OK;
    }
    lt_schema_done(ret_field);
    return status ? status : lt_type_parse("utf8", ret_field, err);
}
