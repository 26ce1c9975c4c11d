/* Writing JSON Lines: row by row, with everything that does not change from row to row settled
 * beforehand: the keys as bytes, and the way each column's values become text. All text of a batch
 * goes through one buffer. */
#include "formats/json/json.h"

#include "columnar/schema.h"
#include "columnar/text_fast.h"
#include "core/json.h"
#include "core/util.h"
#include "formats/faults.h"
#include "formats/text_form.h"

#include <math.h>
#include <stdlib.h>

#define EXACT_MAX (INT64_C(1) << 53) /* integers up to here are exact in float64 */

struct column {
    enum lt_text_form form;
    bool zoned;        /* LT_FORM_TIMESTAMP: ends in Z */
    bool omit;         /* nulls: without their key */
    bool own_null;     /* LT_FORM_JSON: JSON's own null is a value as any */
    struct lt_buf key; /* ,"name": */
};

/* Why a value is not written. */
enum refusal { NOT_JSON, TOO_DEEP, JSON_NULL, JSON_NULL_INSIDE };

static const struct {
    enum lt_code code;
    const char *why, *remedy;
} refusals[] = {
    [NOT_JSON] = {LT_E_VALUE_SYNTAX, "the text of a json value is no JSON",
                  "--cast column=utf8 writes it as a string"},
    [TOO_DEEP] = {LT_E_VALUE_RANGE,
                  "JSON nested deeper than 512 levels, which could not be read back",
                  "--cast column=utf8 writes it as a string; --on-loss null leaves it out"},
    [JSON_NULL] = {LT_E_VALUE_RANGE, "JSON's own null, which cannot be told from a null here",
                   "--json-null value keeps it, and reads it back; --on-loss null makes it a null"},
    [JSON_NULL_INSIDE] = {LT_E_VALUE_RANGE,
                          "JSON's own null in a list, struct or map, where it cannot be told from "
                          "a null",
                          "--on-loss null makes the whole value a null"},
};

struct lt_jsonl_writer {
    struct lt_sink *sink;
    bool array;
    bool omit_nulls;
    bool quote_numbers;
    bool base64;
    struct ArrowSchema schema;
    struct column *columns;
    int64_t rows;    /* written so far */
    int64_t rows_in; /* and those of earlier batches that were set aside */
    enum refusal refusal;
    struct lt_faults faults; /* of the batch being written */
    struct lt_view view;     /* of whole batches; its children are the columns */
    struct lt_buf out;
};

/* --- values ----------------------------------------------------------------------------------- */

/* True when nothing in it needs an escape. */
static bool is_plain(const uint8_t *text, size_t len)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    size_t i = 0;
    for (; len - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, sizeof word);
        uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
        if ((((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
             ((word - ones * 0x20) & ~word)) &
            highs) {
            return false;
        }
    }
    for (; i < len; i++) {
        if (text[i] < 0x20 || text[i] == '"' || text[i] == '\\') {
            return false;
        }
    }
    return true;
}

static int write_text(struct lt_buf *out, const uint8_t *text, size_t len)
{
    if (!is_plain(text, len)) {
        return lt_json_quote(out, (const char *)text, len);
    }
    if (lt_buf_reserve(out, len + 2)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *to = out->data + out->len;
    to[0] = '"';
    if (len) {
        memcpy(to + 1, text, len);
    }
    to[len + 1] = '"';
    out->len += len + 2;
    out->data[out->len] = 0;
    return LEAT_OK;
}

static int refuse(struct lt_jsonl_writer *writer, enum refusal refusal)
{
    writer->refusal = refusal;
    return LEAT_BAD_DATA;
}

/* What was appended from `from` on must be one JSON value. Its line ends stand between tokens, or
 * it would be none, and are taken out. */
static int check_json(struct lt_jsonl_writer *writer, size_t from)
{
    struct lt_buf *out = &writer->out;
    uint8_t *text = out->data + from, *end = out->data + out->len, *to = text;
    const char *why = lt_json_why_invalid((const char *)text, out->len - from);
    if (why) {
        return refuse(writer, why == lt_json_too_deep ? TOO_DEEP : NOT_JSON);
    }
    if (!memchr(text, '\n', out->len - from) && !memchr(text, '\r', out->len - from)) {
        return LEAT_OK;
    }
    for (const uint8_t *at = text; at < end; at++) {
        *to = *at;
        to += *at != '\n' && *at != '\r';
    }
    out->len = (size_t)(to - out->data);
    out->data[out->len] = 0;
    return LEAT_OK;
}

static int write_quoted(struct lt_buf *out, const struct lt_view *view, int64_t row)
{
    size_t from = out->len;
    if (lt_buf_byte(out, '"') || lt_text_format_json(view, row, out)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t first = out->data[from + 1];
    if (first == '"' || first == 'n') { /* NaN, or a null of a dictionary */
        memmove(out->data + from, out->data + from + 1, out->len - from);
        out->len--;
        return LEAT_OK;
    }
    return lt_buf_byte(out, '"');
}

/* json, or a nested value that holds some. */
static int write_json(struct lt_jsonl_writer *writer, const struct column *column,
                      const struct lt_view *view, int64_t row)
{
    struct lt_buf *out = &writer->out;
    size_t from = out->len;
    if (!column->own_null && lt_text_hides_null(view, row)) {
        return refuse(writer, lt_type_is_nested(view->type.id) ? JSON_NULL_INSIDE : JSON_NULL);
    }
    if (lt_text_format_json(view, row, out)) {
        return LEAT_NO_MEMORY;
    }
    return check_json(writer, from);
}

/* Forms whose text has no bound of its own. */
static int write_long(struct lt_jsonl_writer *writer, const struct column *column,
                      const struct lt_view *view, int64_t row)
{
    struct lt_buf *out = &writer->out;
    const uint8_t *bytes;
    size_t len;
    switch (column->form) {
    case LT_FORM_TEXT:
        bytes = lt_view_bytes(view, row, &len);
        return write_text(out, bytes, len);
    case LT_FORM_JSON:
        return write_json(writer, column, view, row);
    case LT_FORM_BINARY:
        bytes = lt_view_bytes(view, row, &len);
        return lt_buf_byte(out, '"') || lt_jsonl_base64_append(out, bytes, len) ||
                       lt_buf_byte(out, '"')
                   ? LEAT_NO_MEMORY
                   : LEAT_OK;
    case LT_FORM_QUOTED:
        return write_quoted(out, view, row);
    default:
        return lt_text_format_json(view, row, out);
    }
}

static size_t put_integer(const struct lt_jsonl_writer *writer, uint8_t *text, int64_t value)
{
    if (!writer->quote_numbers || (value <= EXACT_MAX && value >= -EXACT_MAX)) {
        return lt_put_int(text, value);
    }
    size_t n = lt_put_int(text + 1, value);
    text[0] = text[n + 1] = '"';
    return n + 2;
}

static size_t put_uint64(const struct lt_jsonl_writer *writer, uint8_t *text, uint64_t value)
{
    if (!writer->quote_numbers || value <= (uint64_t)EXACT_MAX) {
        return lt_put_uint(text, value);
    }
    size_t n = lt_put_uint(text + 1, value);
    text[0] = text[n + 1] = '"';
    return n + 2;
}

/* In quotes; 0 when there is nothing between them. */
static size_t put_quotes(uint8_t *text, size_t n)
{
    text[0] = text[n + 1] = '"';
    return n ? n + 2 : 0;
}

/* A value whose text is short: written to `text`; 0 when it is for write_long(). */
static size_t put_value(const struct lt_jsonl_writer *writer, const struct column *column,
                        const struct lt_view *view, int64_t row, uint8_t *text)
{
    double number;
    switch (column->form) {
    case LT_FORM_BOOL:
        return lt_put_bool(text, lt_view_bool(view, row));
    case LT_FORM_INTEGER:
        return put_integer(writer, text, lt_view_integer_but_u64(view, row));
    case LT_FORM_UINT64:
        return put_uint64(writer, text, lt_view_u64(view, row));
    case LT_FORM_FLOAT64:
        number = lt_view_f64(view, row);
        return isfinite(number) ? (size_t)lt_double_format(number, (char *)text) : 0;
    case LT_FORM_DATE:
        return put_quotes(text, lt_put_date(text + 1, lt_view_i32(view, row)));
    case LT_FORM_TIMESTAMP:
        return put_quotes(text, lt_put_timestamp(text + 1, lt_view_i64(view, row), column->zoned));
    default:
        return 0;
    }
}

/* Appends key and value, or null. */
static inline int write_value(struct lt_jsonl_writer *writer, const struct column *column,
                              const struct lt_view *view, int64_t row, bool null, bool *first)
{
    struct lt_buf *out = &writer->out;
    if (null && column->omit) {
        return LEAT_OK;
    }
    if (lt_buf_reserve(out, column->key.len + LT_PUT_MAX)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *to = out->data + out->len;
    memcpy(to, column->key.data, column->key.len);
    *to = *first ? '{' : ',';
    *first = false;
    to += column->key.len;
    out->len += column->key.len;
    size_t n = 4;
    if (null) {
        memcpy(to, "null", 4);
    } else {
        n = put_value(writer, column, view, row, to);
        if (!n) {
            return write_long(writer, column, view, row);
        }
    }
    out->len += n;
    out->data[out->len] = 0;
    return LEAT_OK;
}

/* --- opening ---------------------------------------------------------------------------------- */

static bool is_decimal(const struct lt_type *type)
{
    return (type->id >= LT_DECIMAL32 && type->id <= LT_DECIMAL256) || type->logical == LT_NUMERIC;
}

static bool is_binary(const struct lt_type *type)
{
    return (type->id == LT_BINARY || type->id == LT_LARGE_BINARY || type->id == LT_BINARY_VIEW ||
            type->id == LT_FIXED_BINARY) &&
           type->logical != LT_UUID;
}

static bool is_json(const struct ArrowSchema *field)
{
    const struct ArrowSchema *values = field->dictionary ? field->dictionary : field;
    struct lt_type type;
    return !lt_type_of(values, &type, NULL) && type.logical == LT_JSON;
}

static enum lt_text_form form_of(const struct lt_jsonl_writer *writer,
                                 const struct ArrowSchema *field, const struct lt_type *type)
{
    if (lt_text_holds_json(field)) {
        return LT_FORM_JSON;
    }
    if (is_decimal(type) && writer->quote_numbers) {
        return LT_FORM_QUOTED;
    }
    if (field->dictionary || is_decimal(type)) {
        return LT_FORM_OTHER;
    }
    if (is_binary(type) && writer->base64) {
        return LT_FORM_BINARY;
    }
    return lt_text_form_of(type);
}

/* own_null: JSON's own null is kept, and a null of json has no key. */
static int settle_columns(struct lt_jsonl_writer *writer, bool own_null, struct leat_error *err)
{
    int64_t n = writer->schema.n_children;
    writer->columns = calloc((size_t)n + 1, sizeof *writer->columns);
    if (!writer->columns) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < n; i++) {
        const struct ArrowSchema *field = writer->schema.children[i];
        struct column *column = &writer->columns[i];
        const char *name = field->name ? field->name : "";
        struct lt_type type;
        int status = lt_type_of(field, &type, err);
        if (status) {
            leat_error_place(err, "column \"%s\"", name);
            return status;
        }
        column->form = form_of(writer, field, &type);
        column->zoned = type.zone && type.zone[0];
        column->own_null = own_null && is_json(field);
        column->omit = writer->omit_nulls || column->own_null;
        if (lt_buf_byte(&column->key, ',') || lt_json_quote(&column->key, name, strlen(name)) ||
            lt_buf_byte(&column->key, ':')) {
            return lt_fail_oom(err);
        }
    }
    return LEAT_OK;
}

int lt_jsonl_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                        const struct lt_format_options *options,
                        struct lt_format_writer **ret_writer, struct leat_error *err)
{
    const struct leat_option *table = lt_jsonl_write_options;
    struct lt_jsonl_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return lt_fail_oom(err);
    }
    writer->sink = sink;
    int status = lt_format_check_options(options, table, "jsonl", err);
    if (!status) {
        writer->array = lt_jsonl_option_is(options, table, "json-layout", "array");
        writer->omit_nulls = lt_jsonl_option_is(options, table, "nulls", "omit");
        writer->quote_numbers = lt_jsonl_option_is(options, table, "json-numbers", "string");
        writer->base64 = lt_jsonl_option_is(options, table, "binary", "base64");
        writer->faults.known = true;
        writer->faults.rejects = options->rejects;
        writer->faults.losses = options->losses;
        status = lt_schema_copy(schema, &writer->schema, err);
    }
    bool own_null = !status && lt_jsonl_option_is(options, table, "json-null", "value");
    status = status ? status : settle_columns(writer, own_null, err);
    if (status) {
        lt_jsonl_write_close((struct lt_format_writer *)writer);
        return status;
    }
    *ret_writer = (struct lt_format_writer *)writer;
    return LEAT_OK;
}

/* --- batches ---------------------------------------------------------------------------------- */

static int flush(struct lt_jsonl_writer *writer, struct leat_error *err)
{
    int status = LEAT_OK;
    if (writer->out.len) {
        status = lt_sink_write(writer->sink, writer->out.data, writer->out.len, err);
    }
    lt_buf_clear(&writer->out);
    return status;
}

/* A value that is not written. A sink is told of it with the batch: *ret_lost when its record is to
 * have a null there, else it is left out. */
static int refuse_value(struct lt_jsonl_writer *writer, int64_t row, int64_t column, bool *ret_lost,
                        struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    uint32_t reason = 0;
    int status = lt_fail(&why, refusals[writer->refusal].code, "%s", refusals[writer->refusal].why);
    leat_error_remedy(&why, "%s", refusals[writer->refusal].remedy);
    if (lt_faults_take(&writer->faults, &why)) {
        *ret_lost = lt_faults_lose(&writer->faults, &why);
        status = lt_faults_reason(&writer->faults, &why, &reason, err);
        return status ? status : lt_faults_add(&writer->faults, row, (size_t)column, reason, err);
    }
    leat_error_place(&why, "row %lld, column \"%s\"", (long long)(writer->rows_in + row + 1),
                     writer->schema.children[column]->name);
    if (err) {
        *err = why;
    }
    return status;
}

static int write_row(struct lt_jsonl_writer *writer, int64_t row, struct leat_error *err)
{
    struct lt_buf *out = &writer->out;
    bool first = true;
    size_t start = out->len;
    if (writer->array && lt_buf_puts(out, writer->rows ? ",\n" : "[\n")) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < writer->schema.n_children; i++) {
        const struct lt_view *view = &writer->view.children[i];
        const struct column *column = &writer->columns[i];
        bool was_first = first, lost = false;
        size_t before = out->len;
        int status = write_value(writer, column, view, row, lt_view_is_null(view, row), &first);
        if (status == LEAT_BAD_DATA) {
            status = refuse_value(writer, row, i, &lost, err);
            out->len = lost ? before : start;
            first = was_first;
            if (status || !lost) {
                return status;
            }
            status = write_value(writer, column, view, row, true, &first);
        }
        if (status) {
            return lt_fail_oom(err);
        }
    }
    writer->rows++;
    if (lt_buf_puts(out, first ? "{}" : "}") || (!writer->array && lt_buf_byte(out, '\n'))) {
        return lt_fail_oom(err);
    }
    return LEAT_OK;
}

int lt_jsonl_write_batch(struct lt_format_writer *format_writer, const struct ArrowArray *batch,
                         struct leat_error *err)
{
    struct lt_jsonl_writer *writer = (struct lt_jsonl_writer *)format_writer;
    struct lt_view *view = &writer->view;
    int status = lt_view_next(view, &writer->schema, batch, err);
    if (status) {
        return status;
    }
    for (int64_t row = 0; row < view->length && !status; row++) {
        status = write_row(writer, row, err);
        if (!status && writer->out.len >= LT_JSONL_FLUSH) {
            status = flush(writer, err);
        }
    }
    status = status ? status
                    : lt_faults_tell(&writer->faults, &writer->schema, batch, writer->rows_in + 1,
                                     NULL, err);
    if (status) {
        return status;
    }
    writer->rows_in += view->length;
    return flush(writer, err);
}

int lt_jsonl_write_finish(struct lt_format_writer *format_writer, struct leat_error *err)
{
    struct lt_jsonl_writer *writer = (struct lt_jsonl_writer *)format_writer;
    if (writer->array && lt_buf_puts(&writer->out, writer->rows ? "\n]\n" : "[]\n")) {
        return lt_fail_oom(err);
    }
    return flush(writer, err);
}

void lt_jsonl_write_close(struct lt_format_writer *format_writer)
{
    struct lt_jsonl_writer *writer = (struct lt_jsonl_writer *)format_writer;
    if (!writer) {
        return;
    }
    lt_view_done(&writer->view);
    for (int64_t i = 0; writer->columns && i < writer->schema.n_children; i++) {
        lt_buf_done(&writer->columns[i].key);
    }
    free(writer->columns);
    lt_schema_done(&writer->schema);
    lt_faults_done(&writer->faults);
    lt_buf_done(&writer->out);
    free(writer);
}
