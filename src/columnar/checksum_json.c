/* The hash of a JSON text that stays when a system writes it in its own way: blanks, the order of
 * members, escapes, and 1e2 for 100. PostgreSQL keeps jsonb so. */
#include "columnar/text_parts.h"
#include "core/util.h"

#include <string.h>

#define DEPTH_MAX 512
#define MIX UINT64_C(0x9e3779b97f4a7c15)

/* What is left of the text. */
struct json_rest {
    const char *at, *end;
    struct lt_buf *scratch;
};

static bool value_hash(struct json_rest *rest, int depth, uint64_t *ret_hash);

static uint64_t mixed(uint64_t a, uint64_t b)
{
    uint64_t both[2] = {a, b};
    return lt_hash(both, sizeof both);
}

static bool skip(struct json_rest *rest, char byte)
{
    while (rest->at < rest->end && memchr(" \t\r\n", *rest->at, 4)) {
        rest->at++;
    }
    bool is = rest->at < rest->end && *rest->at == byte;
    rest->at += is;
    return is;
}

static bool four_hex(struct json_rest *rest, uint32_t *ret_unit)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++, rest->at++) {
        const char *digits = "0123456789abcdef";
        const char *digit =
            rest->at < rest->end && *rest->at ? strchr(digits, *rest->at | 0x20) : NULL;
        if (!digit || !*digit) {
            return false;
        }
        unit = unit << 4 | (uint32_t)(digit - digits);
    }
    *ret_unit = unit;
    return true;
}

static int put_character(struct lt_buf *out, uint32_t code)
{
    uint8_t text[4];
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; code >>= 6) {
        text[i] = (uint8_t)(0x80 | (code & 0x3f));
    }
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    text[0] = (uint8_t)(first[len] | code);
    return lt_buf_append(out, text, len);
}

/* Behind the backslash. */
static bool take_escape(struct json_rest *rest)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    uint32_t code, low;
    char name = rest->at < rest->end ? *rest->at++ : 0;
    const char *known = name ? strchr(names, name) : NULL;
    if (known) {
        return !lt_buf_byte(rest->scratch, (uint8_t)bytes[known - names]);
    }
    if (name != 'u' || !four_hex(rest, &code)) {
        return false;
    }
    if (code >= 0xd800 && code < 0xdc00) {
        if (rest->end - rest->at < 6 || rest->at[0] != '\\' || rest->at[1] != 'u') {
            return false;
        }
        rest->at += 2;
        if (!four_hex(rest, &low) || low < 0xdc00 || low > 0xdfff) {
            return false;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    return !put_character(rest->scratch, code);
}

/* Behind the opening quote. */
static bool string_hash(struct json_rest *rest, uint64_t *ret_hash)
{
    lt_buf_clear(rest->scratch);
    while (rest->at < rest->end && *rest->at != '"') {
        const char *from = rest->at;
        while (rest->at < rest->end && *rest->at != '"' && *rest->at != '\\') {
            rest->at++;
        }
        if (lt_buf_append(rest->scratch, from, (size_t)(rest->at - from))) {
            return false;
        }
        if (rest->at < rest->end && *rest->at == '\\') {
            rest->at++;
            if (!take_escape(rest)) {
                return false;
            }
        }
    }
    *ret_hash = mixed('"', lt_hash(rest->scratch->data, rest->scratch->len));
    return rest->at++ < rest->end;
}

static bool word_hash(struct json_rest *rest, uint64_t *ret_hash)
{
    const char *from = rest->at;
    while (rest->at < rest->end && !memchr(" \t\r\n,]}:", *rest->at, 8)) {
        rest->at++;
    }
    size_t len = (size_t)(rest->at - from);
    struct lt_number number;
    if (!len || (*from != '-' && (*from < '0' || *from > '9')) ||
        !lt_number_scan(from, len, &number)) {
        *ret_hash = mixed('w', lt_hash(from, len));
        return len > 0;
    }
    /* Digits and where their point stands; zero has no sign in jsonb. */
    uint64_t hash = number.n_digits && number.negative ? '-' : '0';
    for (size_t i = 0, left = number.n_digits; left; i++) {
        if (number.digits[i] != '.') {
            hash = hash * MIX + (uint64_t)number.digits[i];
            left--;
        }
    }
    *ret_hash = mixed(hash, number.n_digits ? (uint64_t)number.exponent : 0);
    return true;
}

/* Behind the bracket. The sum over an object's members knows no order. */
static bool nested_hash(struct json_rest *rest, int depth, bool object, uint64_t *ret_hash)
{
    char close = object ? '}' : ']';
    uint64_t sum = 0, n = 0;
    if (!skip(rest, close)) {
        do {
            uint64_t name = n, value;
            if (object && (!skip(rest, '"') || !string_hash(rest, &name) || !skip(rest, ':'))) {
                return false;
            }
            if (!value_hash(rest, depth + 1, &value)) {
                return false;
            }
            sum += mixed(name, value);
            n++;
        } while (skip(rest, ','));
        if (!skip(rest, close)) {
            return false;
        }
    }
    *ret_hash = mixed(sum, n << 8 | (uint8_t)close);
    return true;
}

static bool value_hash(struct json_rest *rest, int depth, uint64_t *ret_hash)
{
    if (depth > DEPTH_MAX) {
        return false;
    }
    if (skip(rest, '"')) {
        return string_hash(rest, ret_hash);
    }
    if (skip(rest, '{')) {
        return nested_hash(rest, depth, true, ret_hash);
    }
    return skip(rest, '[') ? nested_hash(rest, depth, false, ret_hash) : word_hash(rest, ret_hash);
}

uint64_t lt_json_hash(const char *text, size_t len, struct lt_buf *scratch)
{
    struct json_rest rest = {text, text + len, scratch};
    uint64_t hash;
    bool whole = value_hash(&rest, 0, &hash) && !skip(&rest, 0) && rest.at == rest.end;
    return whole ? hash : lt_hash(text, len);
}
