/* COPY binary to batches. The format: PostgreSQL documentation, COPY, "Binary Format"; the fields
 * are what each type's send function writes. */
#include "connectors/postgres/pg_codec.h"

#include "columnar/schema.h"
#include "columnar/text.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

#define DAYS_2000 10957 /* from 1970-01-01 to 2000-01-01 */
#define US_2000 INT64_C(946684800000000)
#define US_DAY INT64_C(86400000000)
#define NUMERIC_NEGATIVE 0x4000
#define NUMERIC_NAN 0xc000
#define NUMERIC_PLUS_INFINITY 0xd000
#define NUMERIC_MINUS_INFINITY 0xf000
#define NUMERIC_DIGITS_MAX 0x8000

static const struct pg_wire_row wire_rows[] = {
    {16, 1000, PG_WIRE_BOOL},        {21, 1005, PG_WIRE_INT2},
    {23, 1007, PG_WIRE_INT4},        {20, 1016, PG_WIRE_INT8},
    {26, 1028, PG_WIRE_OID},         {700, 1021, PG_WIRE_FLOAT4},
    {701, 1022, PG_WIRE_FLOAT8},     {1700, 1231, PG_WIRE_NUMERIC},
    {25, 1009, PG_WIRE_TEXT},        {1043, 1015, PG_WIRE_TEXT},
    {1042, 1014, PG_WIRE_TEXT},      {19, 1003, PG_WIRE_TEXT},
    {17, 1001, PG_WIRE_BYTEA},       {1082, 1182, PG_WIRE_DATE},
    {1083, 1183, PG_WIRE_TIME},      {1114, 1115, PG_WIRE_TIMESTAMP},
    {1184, 1185, PG_WIRE_TIMESTAMP}, {1186, 1187, PG_WIRE_INTERVAL},
    {2950, 2951, PG_WIRE_UUID},      {114, 199, PG_WIRE_TEXT},
    {3802, 3807, PG_WIRE_JSONB},     {18, 1002, PG_WIRE_CHAR},
    {790, 791, PG_WIRE_MONEY},       {28, 1011, PG_WIRE_OID},
    {29, 1012, PG_WIRE_OID},         {5069, 271, PG_WIRE_INT8},
};

enum pg_wire pg_wire_of_oid(uint32_t oid, bool *ret_list, uint32_t *ret_element_oid)
{
    *ret_list = false;
    *ret_element_oid = 0;
    for (size_t i = 0; oid && i < LT_ARRAY_LEN(wire_rows); i++) {
        if (wire_rows[i].oid == oid || wire_rows[i].array_oid == oid) {
            *ret_list = wire_rows[i].array_oid == oid;
            *ret_element_oid = wire_rows[i].oid;
            return wire_rows[i].wire;
        }
    }
    return PG_WIRE_TEXT_CAST;
}

/* --- big-endian ---------------------------------------------------------------------------- */

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}

static inline uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

/* --- values -------------------------------------------------------------------------------- */

/* What became of one value. */
enum value_result { VALUE_OK, VALUE_RANGE, VALUE_CORRUPT, VALUE_UTF8, VALUE_MEMORY };

static enum value_result memory(int failed)
{
    return failed ? VALUE_MEMORY : VALUE_OK;
}

struct numeric {
    int digits, weight, dscale;
    unsigned sign;
    const uint8_t *data;
};

static enum value_result read_numeric(const uint8_t *p, uint32_t len, struct numeric *n)
{
    if (len < 8) {
        return VALUE_CORRUPT;
    }
    n->digits = get16(p);
    n->weight = (int16_t)get16(p + 2);
    n->sign = get16(p + 4);
    n->dscale = get16(p + 6) & 0x3fff;
    n->data = p + 8;
    if (n->digits >= NUMERIC_DIGITS_MAX || len != 8 + 2 * (uint32_t)n->digits) {
        return VALUE_CORRUPT;
    }
    for (int i = 0; i < n->digits; i++) {
        if (get16(n->data + 2 * i) > 9999) {
            return VALUE_CORRUPT;
        }
    }
    if (n->sign == NUMERIC_NAN || n->sign == NUMERIC_PLUS_INFINITY ||
        n->sign == NUMERIC_MINUS_INFINITY) {
        return VALUE_RANGE;
    }
    return n->sign == 0 || n->sign == NUMERIC_NEGATIVE ? VALUE_OK : VALUE_CORRUPT;
}

static const unsigned small_powers[] = {1, 10, 100, 1000, 10000};

/* v = v * factor + add; true on overflow of 256 bits. */
static bool scale_256(uint64_t v[4], unsigned factor, unsigned add)
{
    lt_uint128 carry = add;
    for (int i = 0; i < 4; i++) {
        carry += (lt_uint128)v[i] * factor;
        v[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return carry != 0;
}

static void power_256(uint64_t v[4], int exponent)
{
    v[0] = 1;
    v[1] = v[2] = v[3] = 0;
    for (; exponent > 0; exponent--) {
        (void)scale_256(v, 10, 0);
    }
}

/* The digits as an integer scaled by 10^scale. Groups that lie beyond the scale must be zero. */
static enum value_result numeric_scaled(const struct numeric *n, int scale, uint64_t v[4])
{
    int exponent = 0;
    bool over = false;
    for (int i = 0; i < n->digits && !over; i++) {
        unsigned digit = get16(n->data + 2 * i);
        exponent = 4 * (n->weight - i) + scale;
        if (exponent >= 0) {
            over = scale_256(v, 10000, digit);
        } else if (exponent > -4) {
            unsigned cut = small_powers[-exponent];
            if (digit % cut) {
                return VALUE_RANGE;
            }
            over = scale_256(v, small_powers[4 + exponent], digit / cut);
        } else if (digit) {
            return VALUE_RANGE;
        }
    }
    if (!(v[0] | v[1] | v[2] | v[3])) {
        return over ? VALUE_RANGE : VALUE_OK;
    }
    for (; exponent > 0 && !over; exponent -= 4) {
        over = scale_256(v, small_powers[LT_MIN(exponent, 4)], 0);
    }
    return over ? VALUE_RANGE : VALUE_OK;
}

/* `group`, of four digits, without its last `cut`; false when these are not all zero. */
static inline bool cut_group(unsigned group, int cut, unsigned *ret_left)
{
    /* Divisors that are known: a multiplication each. */
    unsigned left = cut == 1 ? group / 10 : cut == 2 ? group / 100 : group / 1000;
    *ret_left = left;
    return left * small_powers[cut] == group;
}

/* The common case: all in 64 bits without a check, for at most four groups and 18 digits. */
static inline bool numeric_small(const struct numeric *n, int scale, uint64_t *ret_value)
{
    uint64_t v = 0;
    int last = n->digits ? 4 * (n->weight - n->digits + 1) + scale : 0;
    if (n->digits > 4 || last > 2 || last <= -4 || n->weight > 4 || n->weight < -16) {
        return false;
    }
    for (int i = 0; i + (last < 0) < n->digits; i++) {
        v = v * 10000 + get16(n->data + 2 * i);
    }
    if (last < 0) {
        unsigned left;
        if (!cut_group(get16(n->data + 2 * (n->digits - 1)), -last, &left)) {
            return false;
        }
        v = v * small_powers[4 + last] + left;
    } else {
        v *= small_powers[last];
    }
    *ret_value = v;
    return true;
}

static inline bool below(const uint64_t v[4], const uint64_t limit[4])
{
    for (int i = 3; i >= 0; i--) {
        if (v[i] != limit[i]) {
            return v[i] < limit[i];
        }
    }
    return false;
}

static enum value_result decimal_value(const struct pg_decode_column *column,
                                       struct lt_builder *builder, const uint8_t *p, uint32_t len)
{
    struct numeric n;
    uint64_t v[4] = {0, 0, 0, 0};
    enum value_result result = read_numeric(p, len, &n);
    if (result) {
        return result;
    }
    if (!numeric_small(&n, column->scale, &v[0])) {
        result = numeric_scaled(&n, column->scale, v);
        if (result) {
            return result;
        }
    }
    if (!below(v, column->limit)) {
        return VALUE_RANGE;
    }
    if (n.sign == NUMERIC_NEGATIVE) {
        unsigned carry = 1;
        for (int i = 0; i < 4; i++) {
            v[i] = ~v[i] + carry;
            carry = carry && v[i] == 0;
        }
    }
    /* Lengths that are known, for memcpy(). */
    return memory(column->id == LT_DECIMAL256 ? lt_builder_fixed(builder, v, 32)
                                              : lt_builder_fixed(builder, v, 16));
}

/* Exact text: all digits, dscale of them after the point. */
static int numeric_digits(const struct numeric *n, struct lt_buf *out)
{
    int failed = n->sign == NUMERIC_NEGATIVE ? lt_buf_byte(out, '-') : LEAT_OK;
    if (n->weight < 0 || !n->digits) {
        failed |= lt_buf_byte(out, '0');
    }
    for (int w = n->weight; w >= 0 && n->digits; w--) {
        int i = n->weight - w;
        unsigned digit = i < n->digits ? get16(n->data + 2 * i) : 0;
        failed |= lt_buf_printf(out, w == n->weight ? "%u" : "%04u", digit);
    }
    failed |= n->dscale ? lt_buf_byte(out, '.') : LEAT_OK;
    for (int place = 0; place < n->dscale; place += 4) {
        int i = n->weight + 1 + place / 4;
        unsigned digit = i >= 0 && i < n->digits ? get16(n->data + 2 * i) : 0;
        char text[8];
        snprintf(text, sizeof text, "%04u", digit);
        failed |= lt_buf_append(out, text, (size_t)LT_MIN(4, n->dscale - place));
    }
    return failed;
}

static enum value_result numeric_text(struct pg_decoder *decoder, struct lt_builder *builder,
                                      const uint8_t *p, uint32_t len)
{
    struct numeric n;
    size_t before = builder->data.len;
    int failed = LEAT_OK;
    enum value_result result = read_numeric(p, len, &n);
    if (result == VALUE_CORRUPT) {
        return result;
    }
    if (result == VALUE_RANGE) {
        failed = lt_buf_puts(&builder->data, n.sign == NUMERIC_NAN             ? "NaN"
                                             : n.sign == NUMERIC_PLUS_INFINITY ? "Infinity"
                                                                               : "-Infinity");
    } else {
        failed = numeric_digits(&n, &builder->data);
    }
    decoder->var_bytes += (int64_t)(builder->data.len - before);
    return memory(failed || lt_builder_end_value(builder));
}

static enum value_result text_value(struct pg_decoder *decoder,
                                    const struct pg_decode_column *column,
                                    struct lt_builder *builder, const uint8_t *p, uint32_t len)
{
    if (column->wire == PG_WIRE_JSONB) {
        if (!len || *p != 1) {
            return VALUE_CORRUPT;
        }
        p++;
        len--;
    }
    if (column->check_utf8 && column->id == LT_UTF8 && lt_utf8_valid_prefix(p, len) != len) {
        return VALUE_UTF8;
    }
    decoder->var_bytes += len;
    return memory(lt_builder_bytes_value(builder, p, len));
}

static enum value_result timestamp_value(struct lt_builder *builder, const uint8_t *p)
{
    int64_t us = (int64_t)get64(p);
    if (us == INT64_MAX || us == INT64_MIN || __builtin_add_overflow(us, US_2000, &us)) {
        return VALUE_RANGE;
    }
    return memory(lt_builder_i64(builder, us));
}

static enum value_result interval_value(struct lt_builder *builder, const uint8_t *p)
{
    struct {
        int32_t months, days;
        int64_t ns;
    } value = {(int32_t)get32(p + 12), (int32_t)get32(p + 8), 0};
    if (__builtin_mul_overflow((int64_t)get64(p), INT64_C(1000), &value.ns)) {
        return VALUE_RANGE;
    }
    return memory(lt_builder_fixed(builder, &value, sizeof value));
}

static enum value_result date_value(struct lt_builder *builder, const uint8_t *p)
{
    int32_t days = (int32_t)get32(p);
    if (days == INT32_MAX || days == INT32_MIN || days > INT32_MAX - DAYS_2000) {
        return VALUE_RANGE;
    }
    return memory(lt_builder_i32(builder, days + DAYS_2000));
}

static enum value_result time_value(struct lt_builder *builder, const uint8_t *p)
{
    int64_t us = (int64_t)get64(p);
    return us < 0 || us >= US_DAY ? VALUE_RANGE : memory(lt_builder_i64(builder, us));
}

/* As version 16 and later write it, so that each byte has a text, and one that is valid UTF-8. */
static enum value_result char_value(struct pg_decoder *decoder, struct lt_builder *builder,
                                    uint8_t byte)
{
    char text[8];
    int len = byte < 0x80 ? byte != 0 : 4;
    snprintf(text, sizeof text, byte < 0x80 ? "%c" : "\\%03o", byte);
    decoder->var_bytes += len;
    return memory(lt_builder_bytes_value(builder, text, (size_t)len));
}

static enum value_result money_value(struct lt_builder *builder, const uint8_t *p)
{
    lt_int128 cents = (int64_t)get64(p);
    return memory(lt_builder_fixed(builder, &cents, sizeof cents));
}

/* Bytes a fixed-width wire type must have; 0: any. */
static const uint8_t wire_bytes[] = {
    [PG_WIRE_BOOL] = 1, [PG_WIRE_INT2] = 2,      [PG_WIRE_INT4] = 4,      [PG_WIRE_INT8] = 8,
    [PG_WIRE_OID] = 4,  [PG_WIRE_FLOAT4] = 4,    [PG_WIRE_FLOAT8] = 8,    [PG_WIRE_DATE] = 4,
    [PG_WIRE_TIME] = 8, [PG_WIRE_TIMESTAMP] = 8, [PG_WIRE_INTERVAL] = 16, [PG_WIRE_UUID] = 16,
    [PG_WIRE_CHAR] = 1, [PG_WIRE_MONEY] = 8,
};

static enum value_result decode_value(struct pg_decoder *decoder,
                                      const struct pg_decode_column *column,
                                      struct lt_builder *builder, const uint8_t *p, uint32_t len)
{
    if (column->bytes && column->bytes != len) {
        return VALUE_CORRUPT;
    }
    switch (column->wire) {
    case PG_WIRE_BOOL:
        return memory(lt_builder_bool(builder, *p != 0));
    case PG_WIRE_INT2: {
        uint16_t value = get16(p);
        return memory(lt_builder_fixed(builder, &value, 2));
    }
    case PG_WIRE_INT4:
    case PG_WIRE_FLOAT4:
        return memory(lt_builder_i32(builder, (int32_t)get32(p)));
    case PG_WIRE_INT8:
    case PG_WIRE_FLOAT8:
        return memory(lt_builder_i64(builder, (int64_t)get64(p)));
    case PG_WIRE_OID:
        return memory(lt_builder_i64(builder, (int64_t)get32(p)));
    case PG_WIRE_NUMERIC:
        return column->id == LT_UTF8 ? numeric_text(decoder, builder, p, len)
                                     : decimal_value(column, builder, p, len);
    case PG_WIRE_DATE:
        return date_value(builder, p);
    case PG_WIRE_TIME:
        return time_value(builder, p);
    case PG_WIRE_TIMESTAMP:
        return timestamp_value(builder, p);
    case PG_WIRE_INTERVAL:
        return interval_value(builder, p);
    case PG_WIRE_UUID:
        return memory(lt_builder_fixed(builder, p, 16));
    case PG_WIRE_CHAR:
        return char_value(decoder, builder, *p);
    case PG_WIRE_MONEY:
        return money_value(builder, p);
    case PG_WIRE_TEXT_CAST:
    case PG_WIRE_TEXT:
    case PG_WIRE_JSONB:
    case PG_WIRE_BYTEA:
        return text_value(decoder, column, builder, p, len);
    }
    return VALUE_CORRUPT;
}

/* The same for a column that is no list, with what is plain inlined. */
static inline enum value_result plain_value(struct pg_decoder *decoder,
                                            const struct pg_decode_column *column,
                                            struct lt_builder *builder, const uint8_t *p,
                                            uint32_t len)
{
    switch (column->plain) {
    case PG_PLAIN_4_BYTES:
        return len == 4 ? memory(lt_builder_i32(builder, (int32_t)get32(p))) : VALUE_CORRUPT;
    case PG_PLAIN_8_BYTES:
        return len == 8 ? memory(lt_builder_i64(builder, (int64_t)get64(p))) : VALUE_CORRUPT;
    case PG_PLAIN_TEXT:
        decoder->var_bytes += len;
        return memory(lt_builder_bytes_value(builder, p, len));
    case PG_PLAIN_NONE:
        break;
    }
    return decode_value(decoder, column, builder, p, len);
}

/* i32 dimensions, i32 has nulls, u32 element type; a dimension: i32 size, i32 lower bound. */
static enum value_result list_value(struct pg_decoder *decoder,
                                    const struct pg_decode_column *column,
                                    struct lt_builder *builder, const uint8_t *p, uint32_t len)
{
    const uint8_t *end = p + len;
    if (len < 12) {
        return VALUE_CORRUPT;
    }
    uint32_t dimensions = get32(p), element = get32(p + 8);
    if (dimensions == 0) {
        return len == 12 ? memory(lt_builder_nested(builder)) : VALUE_CORRUPT;
    }
    if (dimensions != 1) {
        return dimensions <= 6 ? VALUE_RANGE : VALUE_CORRUPT;
    }
    if (len < 20 || element != column->element_oid) {
        return VALUE_CORRUPT;
    }
    int32_t size = (int32_t)get32(p + 12);
    if ((int32_t)get32(p + 16) != 1) {
        return VALUE_RANGE;
    }
    p += 20;
    for (int32_t i = 0; i < size; i++) {
        if (end - p < 4) {
            return VALUE_CORRUPT;
        }
        int32_t bytes = (int32_t)get32(p);
        p += 4;
        if (bytes < -1 || bytes > end - p) {
            return VALUE_CORRUPT;
        }
        enum value_result result =
            bytes < 0 ? memory(lt_builder_null(&builder->children[0]))
                      : decode_value(decoder, column, &builder->children[0], p, (uint32_t)bytes);
        if (result) {
            return result;
        }
        p += LT_MAX(bytes, 0);
    }
    decoder->var_bytes += (int64_t)len * 4;
    return size < 0 || p != end ? VALUE_CORRUPT : memory(lt_builder_nested(builder));
}

/* --- set-up -------------------------------------------------------------------------------- */

static bool fits(enum pg_wire wire, const struct lt_type *type)
{
    switch (wire) {
    case PG_WIRE_BOOL:
        return type->id == LT_BOOL;
    case PG_WIRE_INT2:
        return type->id == LT_INT16;
    case PG_WIRE_INT4:
        return type->id == LT_INT32;
    case PG_WIRE_INT8:
        return type->id == LT_INT64 || type->id == LT_UINT64;
    case PG_WIRE_OID:
        return type->id == LT_INT64;
    case PG_WIRE_MONEY:
        return type->id == LT_DECIMAL128 && type->precision == PG_MONEY_DIGITS;
    case PG_WIRE_FLOAT4:
        return type->id == LT_FLOAT32;
    case PG_WIRE_FLOAT8:
        return type->id == LT_FLOAT64;
    case PG_WIRE_NUMERIC:
        return type->id == LT_UTF8 ||
               ((type->id == LT_DECIMAL128 || type->id == LT_DECIMAL256) && type->scale >= 0 &&
                type->precision >= 1 && type->precision <= (type->id == LT_DECIMAL128 ? 38 : 76));
    case PG_WIRE_BYTEA:
        return type->id == LT_BINARY;
    case PG_WIRE_DATE:
        return type->id == LT_DATE32;
    case PG_WIRE_TIME:
        return type->id == LT_TIME64 && type->unit == LT_MICRO;
    case PG_WIRE_TIMESTAMP:
        return type->id == LT_TIMESTAMP && type->unit == LT_MICRO;
    case PG_WIRE_INTERVAL:
        return type->id == LT_INTERVAL;
    case PG_WIRE_UUID:
        return type->id == LT_FIXED_BINARY && type->width == 16;
    case PG_WIRE_TEXT_CAST:
    case PG_WIRE_TEXT:
    case PG_WIRE_CHAR:
    case PG_WIRE_JSONB:
        return type->id == LT_UTF8;
    }
    return false;
}

static enum pg_plain plain_of(const struct pg_decode_column *column)
{
    switch (column->wire) {
    case PG_WIRE_INT4:
    case PG_WIRE_FLOAT4:
        return PG_PLAIN_4_BYTES;
    case PG_WIRE_INT8:
    case PG_WIRE_FLOAT8:
        return PG_PLAIN_8_BYTES;
    case PG_WIRE_TEXT:
    case PG_WIRE_BYTEA:
        return column->check_utf8 && column->id == LT_UTF8 ? PG_PLAIN_NONE : PG_PLAIN_TEXT;
    default:
        return PG_PLAIN_NONE;
    }
}

static int init_column(struct pg_decode_column *column, const struct ArrowSchema *field,
                       struct leat_error *err)
{
    struct lt_type type;
    int status = lt_type_of(field, &type, err);
    if (!status && type.id == LT_LIST && field->n_children == 1) {
        column->list = true;
        status = lt_type_of(field->children[0], &type, err);
    }
    if (!status && !fits(column->wire, &type)) {
        status = lt_fail(err, LT_E_INTERNAL, "the wire type does not belong to the column's type");
    }
    if (status) {
        leat_error_place(err, "column \"%s\"", field->name ? field->name : "");
        return status;
    }
    column->id = type.id;
    column->scale = type.scale;
    power_256(column->limit, type.precision);
    column->bytes = (size_t)column->wire < sizeof wire_bytes ? wire_bytes[column->wire] : 0;
    column->plain = column->list ? PG_PLAIN_NONE : plain_of(column);
    return LEAT_OK;
}

int pg_decoder_init(struct pg_decoder *decoder, const struct ArrowSchema *schema,
                    const enum pg_wire *wires, const uint32_t *element_oids, bool check_utf8,
                    struct leat_error *err)
{
    *decoder = (struct pg_decoder){.schema = schema, .n_columns = schema->n_children};
    decoder->columns = calloc((size_t)schema->n_children + 1, sizeof *decoder->columns);
    int status = decoder->columns ? LEAT_OK : lt_fail_oom(err);
    for (int64_t i = 0; i < schema->n_children && !status; i++) {
        struct pg_decode_column *column = &decoder->columns[i];
        column->wire = wires[i];
        column->element_oid = element_oids[i];
        /* Before version 16 a "char" may put a byte into a text that is no UTF-8. */
        column->check_utf8 = check_utf8 || wires[i] == PG_WIRE_TEXT_CAST;
        status = init_column(column, schema->children[i], err);
        /* Widths as Arrow stores them, one byte for the validity bit, an offset for the rest. */
        decoder->row_bytes +=
            column->list                  ? 5
            : column->id == LT_BOOL       ? 2
            : column->id == LT_DECIMAL128 ? 17
            : column->id == LT_DECIMAL256 ? 33
            : column->bytes && column->wire != PG_WIRE_OID && column->wire != PG_WIRE_CHAR
                ? column->bytes + 1
                : 9;
    }
    status = status ? status : lt_batch_builder_init(&decoder->batch, schema, err);
    if (status) {
        pg_decoder_done(decoder);
    }
    return status;
}

void pg_decoder_done(struct pg_decoder *decoder)
{
    lt_batch_builder_done(&decoder->batch);
    free(decoder->columns);
    *decoder = (struct pg_decoder){0};
}

/* --- messages ------------------------------------------------------------------------------ */

int pg_copy_frame(bool *header_read, bool *trailer_read, const uint8_t *data, size_t len,
                  const uint8_t **ret_data, size_t *ret_len, struct leat_error *err)
{
    if (!*header_read) {
        if (len < PG_COPY_HEADER_LEN || memcmp(data, PG_COPY_SIGNATURE, 11) != 0) {
            return lt_fail(err, LT_E_CORRUPT, "the server's COPY data have no binary header");
        }
        uint32_t flags = get32(data + 11), extension = get32(data + 15);
        if (flags & 0xffff0000u || extension > len - PG_COPY_HEADER_LEN) {
            return lt_fail(err, LT_E_CORRUPT, "the header of the COPY data is not understood");
        }
        *header_read = true;
        data += PG_COPY_HEADER_LEN + extension;
        len -= PG_COPY_HEADER_LEN + extension;
    }
    if (len && *trailer_read) {
        return lt_fail(err, LT_E_CORRUPT, "COPY data go on after their end");
    }
    if (len == 2 && data[0] == 0xff && data[1] == 0xff) {
        *trailer_read = true;
        len = 0;
    }
    *ret_data = data;
    *ret_len = len;
    return LEAT_OK;
}

/* Says what is wrong with a value: refused when another type could hold it. */
static int fail_value(struct pg_decoder *decoder, int64_t i, enum value_result result,
                      enum pg_decoded *ret_what, struct leat_error *err)
{
    static const char *const why[] = {
        [PG_WIRE_NUMERIC] = "is NaN, infinite, or has more digits than its column",
        [PG_WIRE_DATE] = "is infinite or outside the dates of Arrow",
        [PG_WIRE_TIME] = "is 24:00:00 or no time of day",
        [PG_WIRE_TIMESTAMP] = "is infinite or past 294246",
        [PG_WIRE_INTERVAL] = "is an interval too long for nanoseconds",
        [PG_WIRE_UUID] = NULL,
    };
    const struct pg_decode_column *column = &decoder->columns[i];
    int status;
    if (result == VALUE_MEMORY) {
        return lt_fail_oom(err);
    }
    if (result == VALUE_UTF8) {
        status = lt_fail(err, LT_E_INVALID_UTF8, "the text is not valid UTF-8");
    } else if (result == VALUE_RANGE) {
        const char *text = why[column->wire] ? why[column->wire] : "does not fit";
        status = lt_fail(err, LT_E_VALUE_RANGE, "the %s %s", column->list ? "array" : "value",
                         column->list ? "has several dimensions, a lower bound other than 1, or "
                                        "an element that does not fit"
                                      : text);
    } else {
        status = lt_fail(err, LT_E_CORRUPT, "the value's bytes are not those of its type");
    }
    leat_error_place(err, "column \"%s\"", decoder->schema->children[i]->name);
    if (result == VALUE_CORRUPT) {
        return status;
    }
    decoder->refused = i;
    decoder->refused_range = result == VALUE_RANGE;
    *ret_what = PG_DECODED_REFUSED;
    return LEAT_OK;
}

void pg_decoder_lose(struct pg_decoder *decoder)
{
    decoder->columns[decoder->refused].lost = true;
    decoder->losing = true;
}

void pg_decoder_keep(struct pg_decoder *decoder)
{
    for (int64_t i = 0; decoder->losing && i < decoder->n_columns; i++) {
        decoder->columns[i].lost = false;
    }
    decoder->losing = false;
}

static int bad_tuple(struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "a tuple of the COPY data is not whole");
}

int pg_decode(struct pg_decoder *decoder, const uint8_t *data, size_t len,
              enum pg_decoded *ret_what, struct leat_error *err)
{
    const uint8_t *p, *end;
    int64_t var_before = decoder->var_bytes;
    int status =
        pg_copy_frame(&decoder->header_read, &decoder->trailer_read, data, len, &p, &len, err);
    if (status || !len) {
        *ret_what = PG_DECODED_NOTHING;
        return status;
    }
    end = p + len;
    if (len < 2 || (int16_t)get16(p) != decoder->n_columns) {
        return bad_tuple(err);
    }
    p += 2;
    for (int64_t i = 0; i < decoder->n_columns; i++) {
        const struct pg_decode_column *column = &decoder->columns[i];
        struct lt_builder *builder = &decoder->batch.columns[i];
        if (end - p < 4) {
            return bad_tuple(err);
        }
        int32_t bytes = (int32_t)get32(p);
        p += 4;
        if (bytes < -1 || bytes > end - p) {
            return bad_tuple(err);
        }
        enum value_result result;
        if (bytes < 0 || column->lost) {
            result = memory(lt_builder_null(builder));
        } else if (column->list) {
            result = list_value(decoder, column, builder, p, (uint32_t)bytes);
        } else {
            result = plain_value(decoder, column, builder, p, (uint32_t)bytes);
        }
        if (result) {
            decoder->var_bytes = var_before;
            if (lt_batch_builder_truncate(&decoder->batch, decoder->rows)) {
                return lt_fail_oom(err);
            }
            return fail_value(decoder, i, result, ret_what, err);
        }
        p += LT_MAX(bytes, 0);
    }
    if (p != end) {
        return bad_tuple(err);
    }
    decoder->rows++;
    *ret_what = PG_DECODED_ROW;
    return LEAT_OK;
}

int pg_decoder_finish(struct pg_decoder *decoder, struct ArrowArray *ret_array,
                      struct leat_error *err)
{
    int status = lt_batch_builder_finish(&decoder->batch, decoder->rows, ret_array, err);
    decoder->rows = 0;
    decoder->var_bytes = 0;
    return status;
}
