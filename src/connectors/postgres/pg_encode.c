/* Batches to COPY binary; to COPY text where a column's type has no binary form here (enum, inet,
 * ranges and the like: the server reads their text). */
#include "connectors/postgres/pg_codec.h"

#include "columnar/schema.h"
#include "columnar/text.h"
#include "core/codes.h"
#include "core/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DAYS_2000 10957
#define US_2000 INT64_C(946684800000000)
#define US_DAY INT64_C(86400000000)
#define DAY_MIN INT64_C(-2451545)           /* 4713-11-24 BC, from 2000-01-01 */
#define DAY_END INT64_C(2145031949)         /* the day after 5874897-12-31 */
#define US_MIN INT64_C(-211813488000000000) /* the same for timestamps: 4713 BC to 294276 */
#define US_END INT64_C(9223371331200000000)
#define FIELD_MAX ((size_t)0x3fffffff) /* the server takes no field of a gigabyte */
#define NUMERIC_DIGITS_MAX 131072
#define NUMERIC_SCALE_MAX 16383
#define DECIMAL_FIELD_MAX 64

enum value_result { VALUE_OK, VALUE_RANGE, VALUE_ZERO_BYTE, VALUE_SYNTAX, VALUE_MEMORY };

static inline void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}

static inline void put64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}

/* --- numerics ------------------------------------------------------------------------------ */

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
static void put_decimal(const uint8_t *value, size_t width, int scale, struct lt_buf *out)
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

static enum value_result put_numeric_text(const char *text, size_t len, struct lt_buf *out)
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

/* --- one value ----------------------------------------------------------------------------- */

static inline enum value_result put_bytes(enum pg_wire wire, const uint8_t *data, size_t len,
                                          size_t more, struct lt_buf *out)
{
    size_t version = wire == PG_WIRE_JSONB;
    if (len > FIELD_MAX) {
        return VALUE_RANGE;
    }
    if (wire != PG_WIRE_BYTEA && len && memchr(data, 0, len)) {
        return VALUE_ZERO_BYTE;
    }
    if (lt_buf_reserve(out, 5 + len + more)) {
        return VALUE_MEMORY;
    }
    uint8_t *p = out->data + out->len;
    put32(p, (uint32_t)(len + version));
    if (version) {
        p[4] = 1;
    }
    if (len) {
        memcpy(p + 4 + version, data, len);
    }
    out->len += 4 + version + len;
    return VALUE_OK;
}

static enum value_result put_date(int64_t days, uint8_t *p)
{
    days -= DAYS_2000;
    put32(p, 4);
    put32(p + 4, (uint32_t)(int32_t)days);
    return days < DAY_MIN || days >= DAY_END ? VALUE_RANGE : VALUE_OK;
}

static enum value_result put_timestamp(int64_t us, uint8_t *p)
{
    if (us < US_MIN + US_2000 || __builtin_sub_overflow(us, US_2000, &us) || us >= US_END) {
        return VALUE_RANGE;
    }
    put32(p, 8);
    put64(p + 4, (uint64_t)us);
    return VALUE_OK;
}

static enum value_result put_interval(const uint8_t *value, uint8_t *p)
{
    int32_t months, days;
    int64_t ns;
    memcpy(&months, value, 4);
    memcpy(&days, value + 4, 4);
    memcpy(&ns, value + 8, 8);
    put32(p, 16);
    put64(p + 4, (uint64_t)(ns / 1000));
    put32(p + 12, (uint32_t)days);
    put32(p + 16, (uint32_t)months);
    return ns % 1000 ? VALUE_RANGE : VALUE_OK;
}

static enum value_result put_numeric(const struct lt_view *view, int64_t row, size_t more,
                                     struct lt_buf *out)
{
    if (view->type.id == LT_DECIMAL128 || view->type.id == LT_DECIMAL256) {
        size_t width = view->type.id == LT_DECIMAL128 ? 16 : 32;
        put_decimal(view->data + (size_t)row * width, width, view->type.scale, out);
        return VALUE_OK;
    }
    size_t len;
    const uint8_t *data = lt_view_bytes(view, row, &len);
    enum value_result result = put_numeric_text((const char *)data, len, out);
    return result || !lt_buf_reserve(out, more) ? result : VALUE_MEMORY;
}

/* The fixed part of the row is reserved; varying values reserve theirs and keep `more`. */
static inline enum value_result encode_value(enum pg_wire wire, const struct lt_view *view,
                                             int64_t row, size_t more, struct lt_buf *out)
{
    uint8_t *p = out->data + out->len;
    enum value_result result = VALUE_OK;
    size_t len;
    const uint8_t *data;
    switch (wire) {
    case PG_WIRE_BOOL:
        put32(p, 1);
        p[4] = lt_view_bool(view, row);
        out->len += 5;
        return VALUE_OK;
    case PG_WIRE_INT2:
        put32(p, 2);
        put16(p + 4, (uint16_t)lt_view_i16(view, row));
        out->len += 6;
        return VALUE_OK;
    case PG_WIRE_INT4:
    case PG_WIRE_FLOAT4:
        put32(p, 4);
        put32(p + 4, lt_view_u32(view, row));
        out->len += 8;
        return VALUE_OK;
    case PG_WIRE_OID:
        result = lt_view_u64(view, row) > UINT32_MAX ? VALUE_RANGE : VALUE_OK;
        put32(p, 4);
        put32(p + 4, (uint32_t)lt_view_u64(view, row));
        out->len += 8;
        return result;
    case PG_WIRE_INT8:
    case PG_WIRE_FLOAT8:
        put32(p, 8);
        put64(p + 4, lt_view_u64(view, row));
        out->len += 12;
        return VALUE_OK;
    case PG_WIRE_NUMERIC:
        return put_numeric(view, row, more, out);
    case PG_WIRE_DATE:
        result = put_date(lt_view_i32(view, row), p);
        out->len += 8;
        return result;
    case PG_WIRE_TIME:
        put32(p, 8);
        put64(p + 4, lt_view_u64(view, row));
        out->len += 12;
        return lt_view_u64(view, row) >= (uint64_t)US_DAY ? VALUE_RANGE : VALUE_OK;
    case PG_WIRE_TIMESTAMP:
        result = put_timestamp(lt_view_i64(view, row), p);
        out->len += 12;
        return result;
    case PG_WIRE_INTERVAL:
        result = put_interval(view->data + row * 16, p);
        out->len += 20;
        return result;
    case PG_WIRE_UUID:
        put32(p, 16);
        memcpy(p + 4, view->data + row * 16, 16);
        out->len += 20;
        return VALUE_OK;
    case PG_WIRE_TEXT_CAST:
    case PG_WIRE_TEXT:
    case PG_WIRE_JSONB:
    case PG_WIRE_BYTEA:
        data = lt_view_bytes(view, row, &len);
        return put_bytes(wire, data, len, more, out);
    }
    return VALUE_RANGE;
}

static enum value_result encode_list(const struct pg_encode_column *column, int64_t row,
                                     size_t more, struct lt_buf *out)
{
    const struct lt_view *child = &column->view.children[0];
    size_t start = out->len, each = (size_t)column->field_bytes;
    int64_t first, end;
    bool nulls = false;
    lt_view_list(&column->view, row, &first, &end);
    if (end - first > INT32_MAX) {
        return VALUE_RANGE;
    }
    if (lt_buf_reserve(out, 24 + more)) {
        return VALUE_MEMORY;
    }
    uint8_t *p = out->data + start;
    put32(p + 4, end > first);
    put32(p + 12, column->element_oid);
    put32(p + 16, (uint32_t)(end - first));
    put32(p + 20, 1);
    out->len += end > first ? 24 : 16;
    for (int64_t i = first; i < end; i++) {
        if (lt_buf_reserve(out, each)) {
            return VALUE_MEMORY;
        }
        if (lt_view_is_null(child, i)) {
            nulls = true;
            put32(out->data + out->len, UINT32_MAX);
            out->len += 4;
            continue;
        }
        enum value_result result = encode_value(column->wire, child, i, 0, out);
        if (result) {
            return result;
        }
    }
    size_t len = out->len - start - 4;
    if (len > FIELD_MAX) {
        return VALUE_RANGE;
    }
    put32(out->data + start, (uint32_t)len);
    put32(out->data + start + 8, nulls);
    return lt_buf_reserve(out, more) ? VALUE_MEMORY : VALUE_OK;
}

/* --- COPY text ----------------------------------------------------------------------------- */

/* PostgreSQL writes years past 9999 without a sign and those before year 1 as BC. */
static int fix_year(struct lt_buf *text, size_t start)
{
    char *at = (char *)text->data + start;
    if (*at == '+') {
        memmove(at, at + 1, text->len - start);
        text->len--;
        return LEAT_OK;
    }
    if (*at != '-' && strncmp(at, "0000", 4) != 0) {
        return LEAT_OK;
    }
    char rest[64];
    char *end;
    long year = strtol(at, &end, 10);
    snprintf(rest, sizeof rest, "%s", end);
    text->len = start;
    size_t zone = strlen(rest);
    return lt_buf_printf(text, "%04ld%.*s BC", 1 - year, (int)zone, rest);
}

static int value_text(const struct lt_view *view, int64_t row, struct lt_buf *text)
{
    size_t start = text->len;
    int failed = lt_text_format(view, row, text);
    if (!failed && (view->type.id == LT_DATE32 || view->type.id == LT_TIMESTAMP)) {
        failed = fix_year(text, start);
    }
    return failed;
}

static enum value_result list_text(const struct lt_view *view, int64_t row, struct lt_buf *text)
{
    struct lt_buf element = LT_BUF_INIT;
    int64_t first, end;
    lt_view_list(view, row, &first, &end);
    int failed = lt_buf_byte(text, '{');
    for (int64_t i = first; i < end; i++) {
        failed |= i > first ? lt_buf_byte(text, ',') : LEAT_OK;
        if (lt_view_is_null(&view->children[0], i)) {
            failed |= lt_buf_puts(text, "NULL");
            continue;
        }
        lt_buf_clear(&element);
        failed |= value_text(&view->children[0], i, &element);
        failed |= lt_buf_byte(text, '"');
        for (size_t k = 0; k < element.len; k++) {
            if (element.data[k] == '"' || element.data[k] == '\\') {
                failed |= lt_buf_byte(text, '\\');
            }
            failed |= lt_buf_byte(text, element.data[k]);
        }
        failed |= lt_buf_byte(text, '"');
    }
    failed |= lt_buf_byte(text, '}');
    lt_buf_done(&element);
    return failed ? VALUE_MEMORY : VALUE_OK;
}

/* COPY's own escapes: backslash, tab, line breaks. */
static enum value_result put_escaped(const struct lt_buf *text, struct lt_buf *out)
{
    if (lt_buf_reserve(out, 2 * text->len + 1)) {
        return VALUE_MEMORY;
    }
    uint8_t *p = out->data + out->len;
    for (size_t i = 0; i < text->len; i++) {
        uint8_t c = text->data[i];
        if (!c) {
            return VALUE_ZERO_BYTE;
        }
        uint8_t letter = c == '\\' ? '\\' : c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : 0;
        if (letter) {
            *p++ = '\\';
        }
        *p++ = letter ? letter : c;
    }
    out->len = (size_t)(p - out->data);
    return VALUE_OK;
}

/* What a binary field refuses, text must refuse as well: the server would read some of it. */
static bool in_range(enum pg_wire wire, const struct lt_view *view, int64_t row)
{
    uint8_t field[24];
    switch (wire) {
    case PG_WIRE_DATE:
        return put_date(lt_view_i32(view, row), field) == VALUE_OK;
    case PG_WIRE_TIMESTAMP:
        return put_timestamp(lt_view_i64(view, row), field) == VALUE_OK;
    case PG_WIRE_INTERVAL:
        return put_interval(view->data + row * 16, field) == VALUE_OK;
    case PG_WIRE_TIME:
        return lt_view_u64(view, row) < (uint64_t)US_DAY;
    default:
        return true;
    }
}

static enum value_result encode_text(const struct pg_encode_column *column, int64_t row,
                                     struct lt_buf *out)
{
    struct lt_buf text = LT_BUF_INIT;
    enum value_result result = VALUE_OK;
    if (lt_view_is_null(&column->view, row)) {
        return lt_buf_puts(out, "\\N") ? VALUE_MEMORY : VALUE_OK;
    }
    if (column->list) {
        result = list_text(&column->view, row, &text);
    } else if (!in_range(column->wire, &column->view, row)) {
        result = VALUE_RANGE;
    } else if (value_text(&column->view, row, &text)) {
        result = VALUE_MEMORY;
    }
    result = result ? result : put_escaped(&text, out);
    lt_buf_done(&text);
    return result;
}

/* --- rows ---------------------------------------------------------------------------------- */

static int fail_value(const struct pg_encoder *encoder, int64_t i, enum value_result result,
                      bool *ret_refused, struct leat_error *err)
{
    if (result == VALUE_MEMORY) {
        return lt_fail_oom(err);
    }
    if (result == VALUE_ZERO_BYTE) {
        (void)lt_fail(err, LT_E_VALUE_RANGE, "the text holds a zero byte, which PostgreSQL cannot");
    } else if (result == VALUE_SYNTAX) {
        (void)lt_fail(err, LT_E_VALUE_SYNTAX, "the text is no number");
    } else {
        (void)lt_fail(err, LT_E_VALUE_RANGE, "the value is outside what PostgreSQL can hold");
    }
    leat_error_place(err, "column \"%s\"", encoder->schema->children[i]->name);
    *ret_refused = true;
    return LEAT_OK;
}

int pg_encode(struct pg_encoder *encoder, int64_t row, struct lt_buf *out, bool *ret_refused,
              struct leat_error *err)
{
    size_t start = out->len, more = (size_t)encoder->row_bytes;
    *ret_refused = false;
    if (lt_buf_reserve(out, more)) {
        return lt_fail_oom(err);
    }
    if (!encoder->text) {
        put16(out->data + out->len, (unsigned)encoder->n_columns);
        out->len += 2;
    }
    for (int64_t i = 0; i < encoder->n_columns; i++) {
        const struct pg_encode_column *column = &encoder->columns[i];
        enum value_result result;
        if (encoder->text) {
            result = i && lt_buf_byte(out, '\t') ? VALUE_MEMORY : encode_text(column, row, out);
        } else if (lt_view_is_null(&column->view, row)) {
            put32(out->data + out->len, UINT32_MAX);
            out->len += 4;
            continue;
        } else if (column->list) {
            result = encode_list(column, row, more, out);
        } else {
            result = encode_value(column->wire, &column->view, row, more, out);
        }
        if (result) {
            out->len = start;
            return fail_value(encoder, i, result, ret_refused, err);
        }
    }
    return encoder->text && lt_buf_byte(out, '\n') ? lt_fail_oom(err) : LEAT_OK;
}

int pg_encode_header(const struct pg_encoder *encoder, struct lt_buf *out)
{
    static const uint8_t header[PG_COPY_HEADER_LEN] = PG_COPY_SIGNATURE;
    return encoder->text ? LEAT_OK : lt_buf_append(out, header, sizeof header);
}

int pg_encode_trailer(const struct pg_encoder *encoder, struct lt_buf *out)
{
    return encoder->text ? LEAT_OK : lt_buf_append(out, "\377\377", 2);
}

/* --- set-up -------------------------------------------------------------------------------- */

static int64_t field_bytes(enum pg_wire wire)
{
    switch (wire) {
    case PG_WIRE_NUMERIC:
        return DECIMAL_FIELD_MAX;
    case PG_WIRE_INTERVAL:
    case PG_WIRE_UUID:
        return 20;
    default:
        return 12;
    }
}

int pg_encoder_init(struct pg_encoder *encoder, const struct ArrowSchema *schema,
                    const enum pg_wire *wires, const uint32_t *element_oids, struct leat_error *err)
{
    *encoder =
        (struct pg_encoder){.schema = schema, .n_columns = schema->n_children, .row_bytes = 2};
    encoder->columns = calloc((size_t)schema->n_children + 1, sizeof *encoder->columns);
    if (!encoder->columns) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        struct pg_encode_column *column = &encoder->columns[i];
        struct lt_type type;
        int status = lt_type_of(schema->children[i], &type, err);
        if (status) {
            pg_encoder_done(encoder);
            return status;
        }
        column->wire = wires[i];
        column->element_oid = element_oids[i];
        column->list = type.id == LT_LIST || type.id == LT_LARGE_LIST;
        column->field_bytes = field_bytes(wires[i]);
        encoder->text = encoder->text || wires[i] == PG_WIRE_TEXT_CAST;
        encoder->row_bytes += column->list ? 24 : column->field_bytes;
    }
    return LEAT_OK;
}

void pg_encoder_done(struct pg_encoder *encoder)
{
    for (int64_t i = 0; encoder->columns && i < encoder->n_columns; i++) {
        if (encoder->columns[i].viewed) {
            lt_view_done(&encoder->columns[i].view);
        }
    }
    free(encoder->columns);
    *encoder = (struct pg_encoder){0};
}

int pg_encoder_batch(struct pg_encoder *encoder, const struct ArrowArray *batch,
                     struct leat_error *err)
{
    if (batch->n_children != encoder->n_columns || batch->offset < 0) {
        return lt_fail(err, LT_E_INTERNAL, "the batch has not the columns of the plan");
    }
    for (int64_t i = 0; i < encoder->n_columns; i++) {
        struct pg_encode_column *column = &encoder->columns[i];
        int status = column->viewed ? lt_view_set(&column->view, batch->children[i], err)
                                    : lt_view_init(&column->view, encoder->schema->children[i],
                                                   batch->children[i], err);
        if (status) {
            return status;
        }
        column->viewed = true;
        if (column->view.length < batch->offset + batch->length) {
            return lt_fail(err, LT_E_CORRUPT, "a column of the batch is too short");
        }
    }
    return LEAT_OK;
}
