/* Columns' declared types: the affinity that SQLite gives them, and which texts survive it. */
#include "connectors/sqlite/internal.h"

#include "columnar/text.h"
#include "core/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/banned.h"

/* Decimal digits that every double keeps (DBL_DIG). */
#define DOUBLE_DIGITS 15

/* SQLite documentation, "Datatypes In SQLite", section 3.1. */
bool lt_sq_has_text_affinity(const char *declared)
{
    return declared && !strcasestr(declared, "INT") &&
           (strcasestr(declared, "CHAR") || strcasestr(declared, "CLOB") ||
            strcasestr(declared, "TEXT"));
}

bool lt_sq_has_numeric_affinity(const char *declared)
{
    if (!declared || !*declared) {
        return false; /* BLOB affinity: kept as given */
    }
    if (strcasestr(declared, "INT")) {
        return true;
    }
    return !strcasestr(declared, "CHAR") && !strcasestr(declared, "CLOB") &&
           !strcasestr(declared, "TEXT") && !strcasestr(declared, "BLOB");
}

const char *lt_sq_affinity(const char *declared)
{
    if (!declared || !*declared) {
        return "";
    }
    if (strcasestr(declared, "INT")) {
        return "INTEGER";
    }
    if (lt_sq_has_text_affinity(declared)) {
        return "TEXT";
    }
    bool real = strcasestr(declared, "REAL") || strcasestr(declared, "FLOA") ||
                strcasestr(declared, "DOUB");
    return strcasestr(declared, "BLOB") ? "" : real ? "REAL" : "NUMERIC";
}

/* A number as text, taken apart: its digits without zeros at either end, and their exponent. */
struct number_parts {
    bool negative;
    const char *digits; /* first significant digit; a point may lie between them */
    int n_digits;       /* significant ones, the point not counted */
    int64_t exponent;   /* of the first significant digit */
};

static bool read_exponent(const char *text, size_t len, size_t *at, int64_t *ret_exponent)
{
    bool negative = false;
    int64_t value = 0;
    size_t first;
    if (*at < len && (text[*at] == '-' || text[*at] == '+')) {
        negative = text[(*at)++] == '-';
    }
    for (first = *at; *at < len && isdigit((unsigned char)text[*at]); (*at)++) {
        value = LT_MIN(value * 10 + (text[*at] - '0'), 1000000);
    }
    *ret_exponent = negative ? -value : value;
    return *at > first;
}

/* False when SQLite would not take the text for a number: blanks around one do not matter. */
static bool split_number(const char *text, size_t len, struct number_parts *parts)
{
    size_t at = 0, digits = 0;
    int64_t exponent = 0, place = 0, point = -1;
    int significant = 0, zeros = 0;
    *parts = (struct number_parts){.digits = NULL};
    while (len && isspace((unsigned char)text[len - 1])) {
        len--;
    }
    while (at < len && isspace((unsigned char)text[at])) {
        at++;
    }
    if (at < len && (text[at] == '-' || text[at] == '+')) {
        parts->negative = text[at++] == '-';
    }
    for (; at < len && (isdigit((unsigned char)text[at]) || (text[at] == '.' && point < 0)); at++) {
        if (text[at] == '.') {
            point = (int64_t)digits;
            continue;
        }
        digits++;
        if (text[at] != '0' && !parts->digits) {
            parts->digits = text + at;
            place = (int64_t)digits;
        }
        if (parts->digits) {
            zeros = text[at] == '0' ? zeros + 1 : 0;
            significant++;
        }
    }
    if (digits && at < len && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        if (!read_exponent(text, len, &at, &exponent)) {
            return false;
        }
    }
    parts->n_digits = significant - zeros;
    parts->exponent = exponent + (point < 0 ? (int64_t)digits : point) - place;
    return digits && at == len;
}

static bool same_number(const struct number_parts *a, const struct number_parts *b)
{
    if (a->n_digits != b->n_digits || a->n_digits == 0) {
        return a->n_digits == b->n_digits;
    }
    const char *p = a->digits, *q = b->digits;
    for (int i = 0; i < a->n_digits; i++, p++, q++) {
        p += *p == '.';
        q += *q == '.';
        if (*p != *q) {
            return false;
        }
    }
    return a->negative == b->negative && a->exponent == b->exponent;
}

/* The text of what SQLite would store: an integer where the value is one and fits, else the
 * double. */
static int stored_text(const char *text, const struct number_parts *parts, char stored[32])
{
    if (parts->n_digits <= DOUBLE_DIGITS + 3 && parts->exponent + 1 >= parts->n_digits &&
        parts->exponent < 18) {
        int64_t value = 0;
        const char *at = parts->digits;
        for (int64_t i = 0; parts->n_digits && i <= parts->exponent; i++) {
            int digit = 0;
            if (i < parts->n_digits) {
                at += *at == '.';
                digit = *at++ - '0';
            }
            value = value * 10 + digit;
        }
        return snprintf(stored, 32, "%lld", (long long)(parts->negative ? -value : value));
    }
    return lt_double_format(strtod(text, NULL), stored);
}

/* The same of a number of many digits, whose text ends in a NUL. */
static bool long_survives(const char *text, size_t len, const struct number_parts *parts,
                          bool number)
{
    struct number_parts back;
    char stored[32];
    int64_t integer;
    int stored_len = stored_text(text, parts, stored);
    if (!number) {
        return (size_t)stored_len == len && !memcmp(stored, text, len);
    }
    /* SQLite keeps whole numbers of 64 bits as integers, whatever their digits. */
    return !lt_parse_int(text, &integer) ||
           (split_number(stored, (size_t)stored_len, &back) && same_number(parts, &back));
}

bool lt_sq_survives(const char *text, size_t len, bool number)
{
    struct number_parts parts;
    if (!split_number(text, len, &parts)) {
        return true; /* stays text */
    }
    if (number && parts.n_digits <= DOUBLE_DIGITS && llabs(parts.exponent) < 300) {
        return true;
    }
    char *plain = lt_strndup(text, len); /* strtod() goes on to a NUL */
    bool survives =
        plain && split_number(plain, len, &parts) && long_survives(plain, len, &parts, number);
    free(plain);
    return survives;
}
