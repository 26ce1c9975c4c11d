/* JSON text: checking it, and reading it into lists, structs and maps.
 *
 * A walker of its own instead of a tree: values go straight into the builders, numbers keep every
 * digit, and nothing is allocated but one buffer for strings with escapes. */
#include "columnar/text_parts.h"
#include "core/util.h"

struct cursor {
    const char *at, *end;
    int depth;
    const char *why;       /* the first thing that was wrong */
    struct lt_buf scratch; /* a decoded string */
};

static bool wrong(struct cursor *c, const char *why)
{
    c->why = why;
    return false;
}

static inline bool is_digit(char ch)
{
    return (unsigned)(ch - '0') <= 9;
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end &&
           (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) {
        c->at++;
    }
}

static bool skip_char(struct cursor *c, char ch)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != ch) {
        return false;
    }
    c->at++;
    return true;
}

static bool skip_word(struct cursor *c, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len)) {
        return false;
    }
    c->at += len;
    return true;
}

static bool skip_digits(struct cursor *c)
{
    const char *first = c->at;

    while (c->at < c->end && is_digit(*c->at)) {
        c->at++;
    }
    return c->at > first;
}

/* RFC 8259, section 6. */
static bool skip_number(struct cursor *c)
{
    if (c->at < c->end && *c->at == '-') {
        c->at++;
    }
    if (c->at < c->end && *c->at == '0') {
        c->at++;
    } else if (!skip_digits(c)) {
        return wrong(c, "not JSON");
    }
    if (c->at < c->end && *c->at == '.') {
        c->at++;
        if (!skip_digits(c)) {
            return wrong(c, "not JSON: a number ends in its point");
        }
    }
    if (c->at < c->end && (*c->at == 'e' || *c->at == 'E')) {
        c->at++;
        if (c->at < c->end && (*c->at == '+' || *c->at == '-')) {
            c->at++;
        }
        if (!skip_digits(c)) {
            return wrong(c, "not JSON: a number without its exponent");
        }
    }
    return true;
}

static int hex4(const char *at)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        int digit = is_digit(at[i]) ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10;
        if (digit < 0 || digit > 15 || (digit > 9 && !((at[i] | 0x20) >= 'a'))) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* From behind the opening quote to behind the closing one. */
static bool skip_string(struct cursor *c)
{
    for (; c->at < c->end; c->at++) {
        unsigned char ch = (unsigned char)*c->at;
        if (ch == '"') {
            c->at++;
            return true;
        }
        if (ch < 0x20) {
            return wrong(c, "not JSON: a control character in a string");
        }
        if (ch != '\\') {
            continue;
        }
        c->at++;
        if (c->at == c->end) {
            break;
        }
        if (*c->at == 'u') {
            if (c->end - c->at < 5 || hex4(c->at + 1) < 0) {
                return wrong(c, "not JSON: a bad \\u escape");
            }
            c->at += 4;
        } else if (!memchr("\"\\/bfnrt", *c->at, 8)) {
            return wrong(c, "not JSON: an unknown escape");
        }
    }
    return wrong(c, "not JSON: a string without end");
}

_Static_assert(LT_JSON_TEXT_DEPTH_MAX == 512, "messages say so");
const char lt_json_too_deep[] = "JSON nested deeper than 512 levels";

static bool skip_value(struct cursor *c);

static bool skip_members(struct cursor *c, bool object)
{
    char close = object ? '}' : ']';
    bool good = true;

    if (++c->depth > LT_JSON_TEXT_DEPTH_MAX) {
        return wrong(c, lt_json_too_deep);
    }
    if (!skip_char(c, close)) {
        do {
            if (object && (!skip_char(c, '"') || !skip_string(c) || !skip_char(c, ':'))) {
                good = false;
                break;
            }
            good = skip_value(c);
        } while (good && skip_char(c, ','));
        good = good && skip_char(c, close);
    }
    c->depth--;
    return good || c->why ? good : wrong(c, "not JSON");
}

/* One value of any kind, checked; blanks before it are skipped. */
static bool skip_value(struct cursor *c)
{
    skip_blanks(c);
    if (c->at == c->end) {
        return wrong(c, "not JSON: it ends too early");
    }
    switch (*c->at) {
    case '{':
    case '[':
        c->at++;
        return skip_members(c, c->at[-1] == '{');
    case '"':
        c->at++;
        return skip_string(c);
    case 't':
        return skip_word(c, "true") || wrong(c, "not JSON");
    case 'f':
        return skip_word(c, "false") || wrong(c, "not JSON");
    case 'n':
        return skip_word(c, "null") || wrong(c, "not JSON");
    default:
        return skip_number(c);
    }
}

const char *lt_json_why_invalid(const char *text, size_t len)
{
    struct cursor c = {.at = text, .end = text + len};

    if (lt_utf8_valid_prefix(text, len) != len) {
        return "not valid UTF-8";
    }
    if (!skip_value(&c)) {
        return c.why;
    }
    skip_blanks(&c);
    return c.at == c.end ? NULL : "not JSON: something stands behind its value";
}

bool lt_json_is_number(const char *text, size_t len)
{
    struct cursor c = {.at = text, .end = text + len};

    return skip_number(&c) && c.at == c.end;
}

/* --- into builders ------------------------------------------------------------------------- */

static int refuse(struct cursor *c, const char *why)
{
    c->why = why;
    return LEAT_BAD_DATA;
}

static int utf8_append(struct lt_buf *out, uint32_t point)
{
    uint8_t bytes[4];
    size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i-- > 1; point >>= 6) {
        bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
    }
    bytes[0] = (uint8_t)(lead[n] | point);
    return lt_buf_append(out, bytes, n);
}

/* A \u escape, or two that make one character; *at stands behind the u. */
static int unicode_escape(struct cursor *c, const char **at, const char *end)
{
    int unit = hex4(*at), low;

    *at += 4;
    if (unit >= 0xdc00 && unit < 0xe000) {
        return refuse(c, "half of a surrogate pair in a JSON string");
    }
    if (unit < 0xd800 || unit >= 0xe000) {
        return utf8_append(&c->scratch, (uint32_t)unit);
    }
    low = end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hex4(*at + 2) : -1;
    if (low < 0xdc00 || low >= 0xe000) {
        return refuse(c, "half of a surrogate pair in a JSON string");
    }
    *at += 6;
    return utf8_append(&c->scratch,
                       0x10000u + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
}

/* Reads a string whose opening quote was skipped. The text lies in the input, or in the scratch
 * buffer when it had escapes, until the next one is read. */
static int string_read(struct cursor *c, const char **ret_text, size_t *ret_len)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *at = c->at, *end;
    int status = LEAT_OK;

    if (!skip_string(c)) {
        return LEAT_BAD_DATA;
    }
    end = c->at - 1;
    *ret_text = at;
    *ret_len = (size_t)(end - at);
    if (!memchr(at, '\\', *ret_len)) {
        return LEAT_OK;
    }
    lt_buf_clear(&c->scratch);
    while (!status && at < end) {
        const char *run = memchr(at, '\\', (size_t)(end - at));
        run = run ? run : end;
        status = lt_buf_append(&c->scratch, at, (size_t)(run - at));
        at = run;
        if (status || at == end) {
            break;
        }
        if (at[1] == 'u') {
            at += 2;
            status = unicode_escape(c, &at, end);
        } else {
            const char *found = memchr(letters, at[1], 8);
            status = lt_buf_byte(&c->scratch, (uint8_t)meant[found - letters]);
            at += 2;
        }
    }
    *ret_text = lt_buf_text(&c->scratch);
    *ret_len = c->scratch.len;
    return status;
}

static int value_read(struct cursor *c, struct lt_builder *builder);

/* A null for a field that may hold none breaks its schema. */
static int null_append(struct cursor *c, struct lt_builder *builder)
{
    if (!builder->type.nullable) {
        return refuse(c, "a null inside a nested value that may hold none");
    }
    return lt_builder_null(builder);
}

static int list_read(struct cursor *c, struct lt_builder *builder)
{
    struct lt_builder *items = &builder->children[0];
    int64_t before = items->length;
    int status;

    if (!skip_char(c, '[')) {
        return refuse(c, "not a JSON array");
    }
    if (!skip_char(c, ']')) {
        do {
            status = value_read(c, items);
            if (status) {
                return status;
            }
        } while (skip_char(c, ','));
        if (!skip_char(c, ']')) {
            return refuse(c, "not JSON");
        }
    }
    if (builder->type.id == LT_FIXED_LIST && items->length - before != builder->type.width) {
        return refuse(c, "not as many elements as its list has");
    }
    return lt_builder_nested(builder);
}

/* The builder of the member of that name, NULL when the struct has none. */
static struct lt_builder *member_find(struct lt_builder *builder, const char *name, size_t len)
{
    for (int64_t i = 0; i < builder->n_children; i++) {
        const char *child = builder->children[i].name;
        if (strlen(child) == len && !memcmp(child, name, len)) {
            return &builder->children[i];
        }
    }
    return NULL;
}

/* `"name" :`, with the text as string_read() gives it. */
static int name_read(struct cursor *c, const char **ret_name, size_t *ret_len)
{
    int status;

    if (!skip_char(c, '"')) {
        return refuse(c, "not JSON: a member without name");
    }
    status = string_read(c, ret_name, ret_len);
    if (status) {
        return status;
    }
    return skip_char(c, ':') ? LEAT_OK : refuse(c, "not JSON: a name without its value");
}

static int struct_member_read(struct cursor *c, struct lt_builder *builder)
{
    struct lt_builder *member;
    const char *name;
    size_t len;
    int status = name_read(c, &name, &len);

    if (status) {
        return status;
    }
    member = member_find(builder, name, len);
    if (!member) {
        return refuse(c, "a member that its struct does not have");
    }
    if (member->length > builder->length) {
        return refuse(c, "a member that is there twice");
    }
    return value_read(c, member);
}

static int struct_read(struct cursor *c, struct lt_builder *builder)
{
    int status;

    if (!skip_char(c, '{')) {
        return refuse(c, "not a JSON object");
    }
    if (!skip_char(c, '}')) {
        do {
            status = struct_member_read(c, builder);
            if (status) {
                return status;
            }
        } while (skip_char(c, ','));
        if (!skip_char(c, '}')) {
            return refuse(c, "not JSON");
        }
    }
    for (int64_t i = 0; i < builder->n_children; i++) {
        if (builder->children[i].length == builder->length) {
            status = null_append(c, &builder->children[i]);
            if (status) {
                return status;
            }
        }
    }
    return lt_builder_nested(builder);
}

static int map_entry_read(struct cursor *c, struct lt_builder *entries)
{
    const char *name;
    size_t len;
    int status = name_read(c, &name, &len);

    status = status ? status : lt_text_parse(&entries->children[0], name, len, &c->why);
    status = status ? status : value_read(c, &entries->children[1]);
    return status ? status : lt_builder_nested(entries);
}

static int map_read(struct cursor *c, struct lt_builder *builder)
{
    int status;

    if (!skip_char(c, '{')) {
        return refuse(c, "not a JSON object");
    }
    if (!skip_char(c, '}')) {
        do {
            status = map_entry_read(c, &builder->children[0]);
            if (status) {
                return status;
            }
        } while (skip_char(c, ','));
        if (!skip_char(c, '}')) {
            return refuse(c, "not JSON");
        }
    }
    return lt_builder_nested(builder);
}

/* A value that is not nested: a string's text, or the number or word as it stands. */
static int leaf_read(struct cursor *c, struct lt_builder *builder)
{
    const char *text = c->at;
    size_t len;
    int status;

    if (builder->type.logical == LT_JSON || *text != '"') {
        if (!skip_value(c)) {
            return LEAT_BAD_DATA;
        }
        len = (size_t)(c->at - text);
        if (lt_type_is_text(builder->type.id) && builder->type.logical != LT_JSON &&
            builder->type.logical != LT_NUMERIC) {
            return refuse(c, "not a JSON string");
        }
    } else {
        c->at++;
        status = string_read(c, &text, &len);
        if (status) {
            return status;
        }
    }
    return lt_text_parse(builder, text, len, &c->why);
}

static int value_read(struct cursor *c, struct lt_builder *builder)
{
    skip_blanks(c);
    if (c->at == c->end) {
        return refuse(c, "not JSON: it ends too early");
    }
    /* For a json field that may be null, null is that: both are written the same way. */
    if (*c->at == 'n' && (builder->type.logical != LT_JSON || builder->type.nullable)) {
        return skip_word(c, "null") ? null_append(c, builder) : refuse(c, "not JSON");
    }
    switch (builder->type.id) {
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
        return list_read(c, builder);
    case LT_STRUCT:
        return struct_read(c, builder);
    case LT_MAP:
        return map_read(c, builder);
    default:
        return leaf_read(c, builder);
    }
}

int lt_text_parse_nested(struct lt_builder *builder, const char *text, size_t len,
                         const char **ret_why)
{
    struct cursor c = {.at = text, .end = text + len};
    int64_t before = builder->length;
    int status;

    skip_blanks(&c);
    if (skip_word(&c, "null")) {
        return lt_refuse(ret_why, "a JSON null instead of a nested value");
    }
    status = value_read(&c, builder);
    if (!status) {
        skip_blanks(&c);
        if (c.at != c.end) {
            status = refuse(&c, "not JSON: something stands behind its value");
        }
    }
    lt_buf_done(&c.scratch);
    if (status) {
        /* Children may be ahead of their parent: all are cut back to whole values. */
        if (lt_builder_truncate(builder, before)) {
            return LEAT_NO_MEMORY;
        }
        *ret_why = c.why;
    }
    return status;
}
