/* The grammar of JSON values (RFC 8259), passed over without a tree.
 *
 * The text ends in a NUL byte, which no value can hold, so that no step asks for the end: whatever
 * stumbles over that byte there wants more text, anywhere else it is an error. */
#include "formats/json/json.h"

enum lt_jsonl_step lt_jsonl_bad(struct lt_jsonl_scan *scan, const uint8_t *at, const char *why)
{
    size_t pos = (size_t)(at - scan->text.data);
    bool cut = pos >= scan->text.len;
    if (cut && !scan->whole) {
        return LT_JSONL_CUT;
    }
    scan->fault = (struct lt_jsonl_fault){
        .code = LT_E_CORRUPT,
        .why = cut ? "the input ends inside a record" : why,
        .at = pos,
        .line = scan->line,
    };
    return LT_JSONL_BAD;
}

/* --- strings -------------------------------------------------------------------------------- */

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* The first byte at or after `at` that is a quote, a backslash or a control character; the NUL at
 * the end is one. Reads up to 7 bytes past it: LT_JSONL_PAD. */
static inline const uint8_t *plain_end(struct lt_jsonl_scan *scan, const uint8_t *at)
{
    uint64_t high = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (;; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t quote = word ^ ONES * '"', slash = word ^ ONES * '\\';
        /* A byte gives a top bit too much only above one that was found, so the lowest is right. */
        uint64_t found = (((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) |
                          ((word - ONES * 0x20) & ~word)) &
                         HIGHS;
        if (found) {
            uint64_t lowest = found & (0 - found);
            scan->high |= high | (word & HIGHS & (lowest - 1));
            return at + (__builtin_ctzll(found) >> 3);
        }
        high |= word & HIGHS;
    }
#endif
    while (*at >= 0x20 && *at != '"' && *at != '\\') {
        high |= *at++ & 0x80;
    }
    scan->high |= high;
    return at;
}

static inline bool is_digit(uint8_t byte)
{
    return (unsigned)byte - '0' <= 9;
}

static inline bool is_hex(uint8_t byte)
{
    return is_digit(byte) || (unsigned)(byte | 0x20) - 'a' <= 5;
}

/* From a backslash to behind its escape. */
static enum lt_jsonl_step skip_escape(struct lt_jsonl_scan *scan, const uint8_t **at)
{
    const uint8_t *p = *at + 1;
    if (*p == 'u') {
        for (int i = 0; i < 4; i++) {
            if (!is_hex(*++p)) {
                return lt_jsonl_bad(scan, p, "a \\u escape without its four hex digits");
            }
        }
    } else if (!*p || !strchr("\"\\/bfnrt", *p)) {
        return lt_jsonl_bad(scan, p, "an escape that JSON does not have");
    }
    *at = p + 1;
    return LT_JSONL_GOOD;
}

enum lt_jsonl_step lt_jsonl_skip_string(struct lt_jsonl_scan *scan, const uint8_t **at,
                                        uint32_t *info)
{
    const uint8_t *p = *at;
    for (;;) {
        p = plain_end(scan, p);
        if (*p == '"') {
            *at = p + 1;
            return LT_JSONL_GOOD;
        }
        if (*p != '\\') {
            return lt_jsonl_bad(scan, p, "a control character in a string (its end is missing?)");
        }
        *info |= LT_JSONL_ESCAPED;
        enum lt_jsonl_step step = skip_escape(scan, &p);
        if (step) {
            return step;
        }
    }
}

/* --- numbers and words ----------------------------------------------------------------------- */

static const uint8_t *skip_digits(const uint8_t *at)
{
    while (is_digit(*at)) {
        at++;
    }
    return at;
}

static enum lt_jsonl_step skip_number(struct lt_jsonl_scan *scan, const uint8_t **at,
                                      uint32_t *info)
{
    const uint8_t *p = *at + (**at == '-');
    if (!is_digit(*p)) {
        return lt_jsonl_bad(scan, p, "not a JSON value");
    }
    p = *p == '0' ? p + 1 : skip_digits(p);
    *info |= LT_JSONL_INTEGER;
    if (*p == '.') {
        *info &= ~LT_JSONL_INTEGER;
        if (!is_digit(*++p)) {
            return lt_jsonl_bad(scan, p, "a number that ends in its point");
        }
        p = skip_digits(p);
    }
    if ((*p | 0x20) == 'e') {
        *info &= ~LT_JSONL_INTEGER;
        p++;
        p += *p == '+' || *p == '-';
        if (!is_digit(*p)) {
            return lt_jsonl_bad(scan, p, "a number without its exponent");
        }
        p = skip_digits(p);
    }
    *at = p;
    return LT_JSONL_GOOD;
}

static enum lt_jsonl_step skip_word(struct lt_jsonl_scan *scan, const uint8_t **at)
{
    const char *word = **at == 't' ? "true" : **at == 'f' ? "false" : "null";
    const uint8_t *p = *at;
    for (; *word; word++, p++) {
        if (*p != (uint8_t)*word) {
            return lt_jsonl_bad(scan, p, "not a JSON value");
        }
    }
    *at = p;
    return LT_JSONL_GOOD;
}

static inline enum lt_jsonl_step skip_scalar(struct lt_jsonl_scan *scan, const uint8_t **at,
                                             uint32_t *info)
{
    switch (**at) {
    case '"':
        ++*at;
        return lt_jsonl_skip_string(scan, at, info);
    case 't':
    case 'f':
    case 'n':
        return skip_word(scan, at);
    default:
        return skip_number(scan, at, info);
    }
}

/* --- nested values --------------------------------------------------------------------------- */

/* Which of the open brackets are objects: a bit each. */
struct open {
    uint64_t objects[LT_JSON_TEXT_DEPTH_MAX / 64];
    size_t depth;
};

static inline bool in_object(const struct open *open)
{
    size_t top = open->depth - 1;
    return open->objects[top / 64] >> (top % 64) & 1;
}

static enum lt_jsonl_step push(struct lt_jsonl_scan *scan, struct open *open, const uint8_t *at)
{
    if (open->depth == LT_JSON_TEXT_DEPTH_MAX) {
        enum lt_jsonl_step step = lt_jsonl_bad(scan, at, "JSON nested deeper than 512 levels");
        scan->fault.code = LT_E_LIMIT;
        scan->fault.remedy =
            "write such a value as a string, or leave its record out, before it is read";
        return step;
    }
    uint64_t bit = (uint64_t)1 << open->depth % 64, *word = &open->objects[open->depth / 64];
    *word = *at == '{' ? *word | bit : *word & ~bit;
    open->depth++;
    return LT_JSONL_GOOD;
}

/* The name and the colon of a member, and the blanks behind. */
static enum lt_jsonl_step skip_name(struct lt_jsonl_scan *scan, const uint8_t **at)
{
    uint32_t info = 0;
    if (**at != '"') {
        return lt_jsonl_bad(scan, *at, "a key was expected, in double quotes");
    }
    ++*at;
    enum lt_jsonl_step step = lt_jsonl_skip_string(scan, at, &info);
    if (step) {
        return step;
    }
    *at = lt_jsonl_skip_blanks(scan, *at);
    if (**at != ':') {
        return lt_jsonl_bad(scan, *at, "a colon was expected after a key");
    }
    *at = lt_jsonl_skip_blanks(scan, *at + 1);
    return LT_JSONL_GOOD;
}

/* After a value: over all brackets that close here, to the beginning of the next value. With
 * depth 0 the outermost one is closed. */
static enum lt_jsonl_step after_value(struct lt_jsonl_scan *scan, struct open *open,
                                      const uint8_t **at)
{
    const uint8_t *p = *at;
    while (open->depth) {
        bool object = in_object(open);
        p = lt_jsonl_skip_blanks(scan, p);
        if (*p == (object ? '}' : ']')) {
            open->depth--;
            p++;
            continue;
        }
        if (*p != ',') {
            return lt_jsonl_bad(scan, p,
                                object ? "a comma or } was expected" : "a comma or ] was expected");
        }
        *at = lt_jsonl_skip_blanks(scan, p + 1);
        return object ? skip_name(scan, at) : LT_JSONL_GOOD;
    }
    *at = p;
    return LT_JSONL_GOOD;
}

static enum lt_jsonl_step skip_nested(struct lt_jsonl_scan *scan, const uint8_t **at)
{
    struct open open = {.depth = 0};
    enum lt_jsonl_step step = LT_JSONL_GOOD;
    uint32_t info = 0;
    do {
        uint8_t first = **at;
        if (first != '{' && first != '[') {
            step = skip_scalar(scan, at, &info);
            step = step ? step : after_value(scan, &open, at);
            continue;
        }
        step = push(scan, &open, *at);
        if (step) {
            break;
        }
        *at = lt_jsonl_skip_blanks(scan, *at + 1);
        if (**at == (first == '{' ? '}' : ']')) {
            open.depth--;
            ++*at;
            step = after_value(scan, &open, at);
        } else if (first == '{') {
            step = skip_name(scan, at);
        }
    } while (!step && open.depth);
    return step;
}

enum lt_jsonl_step lt_jsonl_skip_value(struct lt_jsonl_scan *scan, const uint8_t **at,
                                       uint32_t *info)
{
    return **at == '{' || **at == '[' ? skip_nested(scan, at) : skip_scalar(scan, at, info);
}

/* --- what strings mean ------------------------------------------------------------------------ */

static unsigned hex4(const uint8_t *at)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        value =
            value << 4 | (is_digit(at[i]) ? at[i] - (unsigned)'0' : (at[i] | 0x20u) - 'a' + 10u);
    }
    return value;
}

/* The character of the escape(s) after the \u at *at, which is moved behind them; false for half
 * of a pair. */
static bool read_point(const uint8_t **at, const uint8_t *end, uint32_t *ret_point)
{
    uint32_t unit = hex4(*at);
    *at += 4;
    if (unit < 0xd800 || unit > 0xdfff) {
        *ret_point = unit;
        return true;
    }
    if (unit > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') {
        return false;
    }
    uint32_t low = hex4(*at + 2);
    *at += 6;
    *ret_point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    return low >= 0xdc00 && low <= 0xdfff;
}

static size_t put_utf8(uint8_t *to, uint32_t point)
{
    if (point < 0x80) {
        to[0] = (uint8_t)point;
        return 1;
    }
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; point >>= 6) {
        to[i] = (uint8_t)(0x80 | (point & 0x3f));
    }
    to[0] = (uint8_t)(lead[n] | point);
    return n;
}

static uint8_t meaning_of(uint8_t letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

int lt_jsonl_unescape(const uint8_t *text, size_t len, struct lt_buf *out, const char **ret_why)
{
    const uint8_t *at = text, *end = text + len;
    lt_buf_clear(out);
    /* No escape stands for more bytes than it has. */
    if (lt_buf_reserve(out, len)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *to = out->data;
    while (at < end) {
        const uint8_t *found = memchr(at, '\\', (size_t)(end - at));
        const uint8_t *stop = found ? found : end;
        memcpy(to, at, (size_t)(stop - at));
        to += stop - at;
        if (!found) {
            break;
        }
        uint8_t letter = found[1];
        at = found + 2;
        if (letter == 'u') {
            uint32_t point;
            if (!read_point(&at, end, &point)) {
                return lt_refuse(ret_why, "half of a surrogate pair in a JSON string");
            }
            to += put_utf8(to, point);
        } else {
            *to++ = meaning_of(letter);
        }
    }
    out->len = (size_t)(to - out->data);
    out->data[out->len] = 0;
    return LEAT_OK;
}
