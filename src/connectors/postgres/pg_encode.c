/* Batches to COPY binary; to COPY text where a column's type has no binary form here (enum, inet,
 * ranges and the like: the server reads their text). */
#include "connectors/postgres/pg_encode_parts.h"

#include "columnar/schema.h"
#include "columnar/text.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

#define DAY_MIN INT64_C(-2451545)           /* 4713-11-24 BC, from 2000-01-01 */
#define DAY_END INT64_C(2145031949)         /* the day after 5874897-12-31 */
#define US_MIN INT64_C(-211813488000000000) /* the same for timestamps: 4713 BC to 294276 */
#define US_END INT64_C(9223371331200000000)
#define FIELD_MAX ((size_t)0x3fffffff) /* the server takes no field of a gigabyte */

/* --- one value ----------------------------------------------------------------------------- */

/* \u0000 as JSON writes it, not \\u0000. */
static bool has_zero_escape(const uint8_t *data, size_t len)
{
    const uint8_t *at = data, *end = data + len;
    while ((at = memmem(at, (size_t)(end - at), "\\u0000", 6))) {
        size_t before = 0;
        while (at - before > data && at[-1 - (ptrdiff_t)before] == '\\') {
            before++;
        }
        if (before % 2 == 0) {
            return true;
        }
        at += 6;
    }
    return false;
}

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
    if (wire == PG_WIRE_JSONB && has_zero_escape(data, len)) {
        return VALUE_ZERO_JSON;
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
    days -= PG_DAYS_2000;
    put32(p, 4);
    put32(p + 4, (uint32_t)(int32_t)days);
    return days < DAY_MIN || days >= DAY_END ? VALUE_RANGE : VALUE_OK;
}

static enum value_result put_timestamp(int64_t us, uint8_t *p)
{
    if (us < US_MIN + PG_US_2000 || __builtin_sub_overflow(us, PG_US_2000, &us) || us >= US_END) {
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
        pg_put_decimal(view->data + (size_t)row * width, width, view->type.scale, out);
        return VALUE_OK;
    }
    size_t len;
    const uint8_t *data = lt_view_bytes(view, row, &len);
    enum value_result result = pg_put_numeric_text((const char *)data, len, out);
    return result || !lt_buf_reserve(out, more) ? result : VALUE_MEMORY;
}

/* Decimals of the server's own scale: an integer of 64 bits is what money is. */
static enum value_result put_money(const uint8_t *value, uint8_t *p)
{
    lt_int128 cents;
    memcpy(&cents, value, sizeof cents);
    put32(p, 8);
    put64(p + 4, (uint64_t)cents);
    return cents != (int64_t)cents ? VALUE_RANGE : VALUE_OK;
}

/* The byte of a "char" from its text: none, one of ASCII, or \ooo. -1: it is none of these. */
static int char_byte(const uint8_t *data, size_t len)
{
    if (len <= 1) {
        return !len ? 0 : *data < 0x80 ? *data : -1;
    }
    if (len != 4 || data[0] != '\\' || data[1] < '0' || data[1] > '3') {
        return -1;
    }
    int byte = data[1] - '0';
    for (int i = 2; i < 4; i++) {
        if (data[i] < '0' || data[i] > '7') {
            return -1;
        }
        byte = byte * 8 + data[i] - '0';
    }
    return byte;
}

static enum value_result put_char(const uint8_t *data, size_t len, uint8_t *p)
{
    int byte = char_byte(data, len);
    put32(p, 1);
    p[4] = (uint8_t)byte;
    return byte < 0 ? VALUE_LONG : VALUE_OK;
}

static enum value_result put_rare(enum pg_wire wire, const struct lt_view *view, int64_t row,
                                  struct lt_buf *out)
{
    uint8_t *p = out->data + out->len;
    if (wire == PG_WIRE_MONEY) {
        out->len += 12;
        return put_money(view->data + row * 16, p);
    }
    size_t len;
    const uint8_t *data = lt_view_bytes(view, row, &len);
    out->len += 5;
    return put_char(data, len, p);
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
        return lt_view_u64(view, row) >= (uint64_t)PG_US_DAY ? VALUE_RANGE : VALUE_OK;
    case PG_WIRE_TIMESTAMP:
        result = put_timestamp(lt_view_i64(view, row), p);
        out->len += 12;
        return result;
    case PG_WIRE_INTERVAL:
        result = put_interval(view->data + row * 16, p);
        out->len += 20;
        return result;
    case PG_WIRE_MONEY:
    case PG_WIRE_CHAR:
        return put_rare(wire, view, row, out);
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
        enum value_result result =
            column->limited ? pg_limit_check(&column->limit, column->wire, child, i) : VALUE_OK;
        result = result ? result : encode_value(column->wire, child, i, 0, out);
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

/* --- texts that go by COPY text -------------------------------------------------------------- */

/* What a binary field refuses, text must refuse as well: the server would read some of it. */
enum value_result pg_value_within(const struct pg_encode_column *column, const struct lt_view *view,
                                  int64_t row)
{
    uint8_t field[24];
    size_t len;
    const uint8_t *data;
    enum value_result result =
        column->limited ? pg_limit_check(&column->limit, column->wire, view, row) : VALUE_OK;
    switch (result ? PG_WIRE_TEXT_CAST : column->wire) {
    case PG_WIRE_DATE:
        return put_date(lt_view_i32(view, row), field);
    case PG_WIRE_TIMESTAMP:
        return put_timestamp(lt_view_i64(view, row), field);
    case PG_WIRE_INTERVAL:
        return put_interval(view->data + row * 16, field);
    case PG_WIRE_TIME:
        return lt_view_u64(view, row) < (uint64_t)PG_US_DAY ? VALUE_OK : VALUE_RANGE;
    case PG_WIRE_OID:
        return lt_view_u64(view, row) > UINT32_MAX ? VALUE_RANGE : VALUE_OK;
    case PG_WIRE_MONEY:
        return put_money(view->data + row * 16, field);
    case PG_WIRE_CHAR:
        data = lt_view_bytes(view, row, &len);
        return put_char(data, len, field);
    case PG_WIRE_JSONB:
        data = lt_view_bytes(view, row, &len);
        return has_zero_escape(data, len) ? VALUE_ZERO_JSON : VALUE_OK;
    default:
        return result;
    }
}

/* --- rows ---------------------------------------------------------------------------------- */

static int fail_value(struct pg_encoder *encoder, int64_t i, enum value_result result,
                      bool *ret_refused, struct leat_error *err)
{
    static const char *const why[] = {
        [VALUE_OK] = "",
        [VALUE_RANGE] = "the value is outside what PostgreSQL can hold",
        [VALUE_ZERO_BYTE] = "the text holds a zero byte, which PostgreSQL cannot",
        [VALUE_ZERO_JSON] = "the JSON holds \\u0000, which jsonb cannot",
        [VALUE_SYNTAX] = "the text is no number",
        [VALUE_LONG] = "the text is longer than its column",
        [VALUE_ROUNDS] = "the value has more digits than its column, and would be rounded",
        [VALUE_MEMORY] = "",
    };
    if (result == VALUE_MEMORY) {
        return lt_fail_oom(err);
    }
    (void)lt_fail(err, result == VALUE_SYNTAX ? LT_E_VALUE_SYNTAX : LT_E_VALUE_RANGE, "%s",
                  why[result]);
    leat_error_place(err, "column \"%s\"", encoder->schema->children[i]->name);
    encoder->refused = i;
    *ret_refused = true;
    return LEAT_OK;
}

static int put_null(bool text, struct lt_buf *out)
{
    if (text) {
        return lt_buf_puts(out, "\\N");
    }
    put32(out->data + out->len, UINT32_MAX);
    out->len += 4;
    return LEAT_OK;
}

void pg_encoder_lose(struct pg_encoder *encoder, int64_t row)
{
    encoder->columns[encoder->refused].lost_row = row;
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
        enum value_result result = VALUE_OK;
        if (encoder->text && i && lt_buf_byte(out, '\t')) {
            return lt_fail_oom(err);
        }
        if (lt_view_is_null(&column->view, row) || row == column->lost_row) {
            if (put_null(encoder->text, out)) {
                return lt_fail_oom(err);
            }
            continue;
        }
        if (encoder->text) {
            result = pg_encode_text(column, row, out);
        } else if (column->list) {
            result = encode_list(column, row, more, out);
        } else {
            result = column->limited
                         ? pg_limit_check(&column->limit, column->wire, &column->view, row)
                         : VALUE_OK;
            result = result ? result : encode_value(column->wire, &column->view, row, more, out);
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
        return PG_DECIMAL_FIELD_MAX;
    case PG_WIRE_INTERVAL:
    case PG_WIRE_UUID:
        return 20;
    default:
        return 12;
    }
}

int pg_encoder_init(struct pg_encoder *encoder, const struct ArrowSchema *schema,
                    const enum pg_wire *wires, const uint32_t *element_oids,
                    const struct pg_limit *limits, struct leat_error *err)
{
    static const struct pg_limit none = {0};
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
        column->limit = limits ? limits[i] : none;
        column->limited = column->limit.any;
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
        column->lost_row = -1;
        if (column->view.length < batch->offset + batch->length) {
            return lt_fail(err, LT_E_CORRUPT, "a column of the batch is too short");
        }
    }
    return LEAT_OK;
}
