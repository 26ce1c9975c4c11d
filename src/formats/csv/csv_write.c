/* Writing CSV: row by row, for that is the shape of the text, but with everything that does not
 * change from row to row settled beforehand. All text of a batch goes through one buffer.
 *
 * This file is the common way: one delimiter byte, a quote that is doubled, UTF-8. Whatever else a
 * dialect asks for (`any`) goes the way of csv_write_any.c, value by value. */
#include "columnar/schema.h"
#include "columnar/text_fast.h"
#include "core/util.h"
#include "formats/csv/csv_writer.h"

#include <stdlib.h>
#include <strings.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* --- quoting -------------------------------------------------------------------------------- */

#ifdef __SSE2__

static inline bool has_special_16(const struct lt_csv_writer *writer, __m128i bytes)
{
    __m128i delimiter = _mm_set1_epi8((char)writer->dialect.delimiter);
    __m128i quote = _mm_set1_epi8((char)writer->dialect.quote);
    __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    __m128i hits =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, delimiter), _mm_cmpeq_epi8(bytes, quote)),
                     _mm_or_si128(_mm_cmpeq_epi8(bytes, cr), _mm_cmpeq_epi8(bytes, lf)));
    return _mm_movemask_epi8(hits);
}

static inline __m128i load_8(const uint8_t *text)
{
    return _mm_loadl_epi64((const __m128i *)(const void *)text);
}

static inline __m128i load_16(const uint8_t *text)
{
    return _mm_loadu_si128((const __m128i *)(const void *)text);
}

#endif

/* Whether the text holds a byte that it must be quoted for. What is left of whole vectors is looked
 * at with some of what was. */
static inline bool has_special(const struct lt_csv_writer *writer, const uint8_t *text, size_t len)
{
#ifdef __SSE2__
    if (len >= 16) {
        for (size_t i = 0; i + 16 < len; i += 16) {
            if (has_special_16(writer, load_16(text + i))) {
                return true;
            }
        }
        return has_special_16(writer, load_16(text + len - 16));
    }
    if (len >= 8) {
        return has_special_16(writer, _mm_unpacklo_epi64(load_8(text), load_8(text + len - 8)));
    }
#endif
    for (size_t i = 0; i < len; i++) {
        if (writer->special[text[i]]) {
            return true;
        }
    }
    return false;
}

bool lt_csv_is_delicate(const uint8_t *text, size_t len)
{
    return text[0] == '\'' || text[0] == ' ' || text[0] == '\t' || text[len - 1] == ' ' ||
           text[len - 1] == '\t' || (len == 2 && text[0] == '\\' && text[1] == '.') ||
           (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) || (len == 5 && lt_csv_is_sep(text, len));
}

static bool needs_quotes(const struct lt_csv_writer *writer, const uint8_t *text, size_t len)
{
    return !len || lt_csv_is_delicate(text, len) || has_special(writer, text, len) ||
           (len == writer->dialect.null_len && !memcmp(text, writer->dialect.null, len));
}

static int write_quoted(struct lt_csv_writer *writer, const uint8_t *text, size_t len)
{
    struct lt_buf *out = &writer->out;
    uint8_t quote = writer->dialect.quote;
    const uint8_t *end = text + len;
    if (lt_buf_reserve(out, len + 2) || lt_buf_byte(out, quote)) {
        return LEAT_NO_MEMORY;
    }
    while (text < end) {
        const uint8_t *found = memchr(text, quote, (size_t)(end - text));
        const uint8_t *stop = found ? found + 1 : end;
        if (lt_buf_append(out, text, (size_t)(stop - text)) || (found && lt_buf_byte(out, quote))) {
            return LEAT_NO_MEMORY;
        }
        text = stop;
    }
    return lt_buf_byte(out, quote);
}

static int write_text(struct lt_csv_writer *writer, const uint8_t *text, size_t len)
{
    return needs_quotes(writer, text, len) ? write_quoted(writer, text, len)
                                           : lt_buf_append(&writer->out, text, len);
}

/* --- values --------------------------------------------------------------------------------- */

static int write_null(struct lt_csv_writer *writer)
{
    return lt_buf_append(&writer->out, writer->dialect.null, writer->dialect.null_len);
}

/* Any type, dictionaries included. */
static int write_other(struct lt_csv_writer *writer, int64_t column, const struct lt_view *view,
                       int64_t row)
{
    while (view->dictionary) {
        bool big = false;
        row = lt_view_integer(view, row, &big);
        view = view->dictionary;
        if (big || row < 0 || row >= view->length) {
            return LEAT_BAD_DATA;
        }
        if (lt_view_is_null(view, row)) {
            return write_null(writer);
        }
    }
    lt_buf_clear(&writer->scratch);
    int status = lt_csv_check_nulls(writer, column, view, row);
    status = status ? status : lt_text_format(view, row, &writer->scratch);
    return status ? status
                  : write_text(writer, (const uint8_t *)lt_buf_text(&writer->scratch),
                               writer->scratch.len);
}

static size_t put_decimal(const struct lt_view *view, int64_t row, uint8_t text[LT_PUT_MAX])
{
    lt_int128 value;
    memcpy(&value, view->data + row * (int64_t)sizeof value, sizeof value);
    return value == (int64_t)value ? lt_put_decimal(text, (int64_t)value, view->type.scale) : 0;
}

/* A value whose text is short: formatted into `text`; 0 when it is for lt_text_format(). */
static size_t put_value(const struct lt_csv_column *column, const struct lt_view *view, int64_t row,
                        uint8_t text[LT_PUT_MAX])
{
    switch (column->form) {
    case LT_FORM_BOOL:
        return lt_put_bool(text, lt_view_bool(view, row));
    case LT_FORM_INTEGER:
        return lt_put_int(text, lt_view_integer_but_u64(view, row));
    case LT_FORM_UINT64:
        return lt_put_uint(text, lt_view_u64(view, row));
    case LT_FORM_FLOAT64:
        return (size_t)lt_double_format(lt_view_f64(view, row), (char *)text);
    case LT_FORM_DATE:
        return lt_put_date(text, lt_view_i32(view, row));
    case LT_FORM_TIMESTAMP:
        return lt_put_timestamp(text, lt_view_i64(view, row), column->zoned);
    case LT_FORM_UUID:
        return lt_put_uuid(text, view->data + row * 16);
    case LT_FORM_DECIMAL:
        return put_decimal(view, row, text);
    default:
        return 0;
    }
}

static inline int write_value(struct lt_csv_writer *writer, int64_t i, const struct lt_view *view,
                              int64_t row)
{
    const struct lt_csv_column *column = &writer->columns[i];
    if (lt_view_is_null(view, row)) {
        return write_null(writer);
    }
    if (column->form == LT_FORM_TEXT) {
        size_t len;
        const uint8_t *text = lt_view_bytes(view, row, &len);
        return write_text(writer, text, len);
    }
    if (column->form == LT_FORM_OTHER) {
        return write_other(writer, i, view, row);
    }
    struct lt_buf *out = &writer->out;
    if (lt_buf_reserve(out, LT_PUT_MAX)) {
        return LEAT_NO_MEMORY;
    }
    if (column->quotes) {
        uint8_t text[LT_PUT_MAX];
        size_t n = put_value(column, view, row, text);
        return n ? write_text(writer, text, n) : write_other(writer, i, view, row);
    }
    size_t n = put_value(column, view, row, out->data + out->len);
    if (!n) {
        return write_other(writer, i, view, row);
    }
    out->len += n;
    out->data[out->len] = 0;
    return LEAT_OK;
}

/* --- columns -------------------------------------------------------------------------------- */

/* Numbers, dates and booleans are made of letters, digits and these; unless delimiter, quote or
 * null marker are too, they need no look. */
static bool is_plain_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
           (byte && strchr("+-.: ", byte));
}

static enum lt_text_form form_of(const struct lt_type *type)
{
    if (type->id == LT_FIXED_BINARY && type->logical == LT_UUID && type->width == 16) {
        return LT_FORM_UUID;
    }
    return type->id == LT_DECIMAL128 && type->scale >= 0 && type->scale <= 18
               ? LT_FORM_DECIMAL
               : lt_text_form_of(type);
}

int lt_csv_write_columns(struct lt_csv_writer *writer, struct leat_error *err)
{
    const struct lt_csv_dialect *dialect = &writer->dialect;
    bool quotes =
        dialect->null_len || is_plain_byte(dialect->delimiter) || is_plain_byte(dialect->quote);
    int64_t n = writer->schema.n_children;
    if (!n) {
        return lt_fail(err, LT_E_UNSUPPORTED, "CSV cannot hold a stream of no columns");
    }
    writer->columns = calloc((size_t)n, sizeof *writer->columns);
    if (!writer->columns) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < n; i++) {
        const struct ArrowSchema *field = writer->schema.children[i];
        struct lt_type type;
        int status = lt_type_of(field, &type, err);
        if (status) {
            leat_error_place(err, "column \"%s\"", field->name);
            return status;
        }
        writer->columns[i].form = field->dictionary ? LT_FORM_OTHER : form_of(&type);
        writer->columns[i].text = lt_type_is_text(type.id) && type.logical != LT_NUMERIC;
        writer->columns[i].zoned = type.zone && type.zone[0];
        writer->columns[i].quotes = quotes;
        writer->columns[i].hides_nulls = lt_text_holds_json(field) && !lt_type_is_text(type.id);
    }
    return LEAT_OK;
}

/* --- batches -------------------------------------------------------------------------------- */

/* A value that was not written. What has no place in this dialect a sink is told of with the batch:
 * *ret_lost when its record is to have a null there, else it is left out. */
static int refuse_value(struct lt_csv_writer *writer, int status, int64_t row, int64_t column,
                        bool *ret_lost, struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    uint32_t reason = 0;
    if (status == LEAT_NO_MEMORY) {
        return lt_fail_oom(err);
    }
    status = writer->why ? lt_fail(&why, LT_E_VALUE_RANGE, "%s", writer->why)
                         : lt_fail(&why, LT_E_CORRUPT,
                                   "the batch holds a value its own type does not allow");
    if (writer->why) {
        leat_error_remedy(&why, "%s", writer->remedy ? writer->remedy : "see --help");
    }
    if (lt_faults_take(&writer->faults, &why)) {
        *ret_lost = lt_faults_lose(&writer->faults, &why);
        status = lt_faults_reason(&writer->faults, &why, &reason, err);
        return status ? status : lt_faults_add(&writer->faults, row, (size_t)column, reason, err);
    }
    leat_error_place(&why, "row %lld, column \"%s\"", (long long)(writer->rows + row + 1),
                     writer->schema.children[column]->name);
    if (err) {
        *err = why;
    }
    return status;
}

/* The same, with what it left behind: its text, or (*ret_out) its record's from `start` on. */
static int take_back(struct lt_csv_writer *writer, int status, int64_t row, int64_t column,
                     size_t before, size_t start, bool *ret_out, struct leat_error *err)
{
    bool lost = false;
    status = refuse_value(writer, status, row, column, &lost, err);
    writer->why = writer->remedy = NULL;
    writer->out.len = lost ? before : start;
    *ret_out = !lost;
    return !status && lost && write_null(writer) ? lt_fail_oom(err) : status;
}

/* The record's fields in any dialect; *ret_out: it is left out. */
static int write_record_any(struct lt_csv_writer *writer, int64_t row, bool *ret_out,
                            struct leat_error *err)
{
    const struct lt_csv_dialect *dialect = &writer->dialect;
    size_t start = writer->out.len;
    for (int64_t i = 0; i < writer->schema.n_children; i++) {
        if (i && lt_buf_append(&writer->out, dialect->delimiter_text, dialect->delimiter_len)) {
            return lt_fail_oom(err);
        }
        size_t before = writer->out.len;
        int status = lt_csv_write_any(writer, i, &writer->view.children[i], row);
        if (status) {
            status = take_back(writer, status, row, i, before, start, ret_out, err);
            if (status || *ret_out) {
                return status;
            }
        }
    }
    return LEAT_OK;
}

static int write_record(struct lt_csv_writer *writer, int64_t row, bool *ret_out,
                        struct leat_error *err)
{
    int64_t n = writer->schema.n_children;
    size_t start = writer->out.len;
    for (int64_t i = 0; i < n; i++) {
        if (i && lt_buf_byte(&writer->out, writer->dialect.delimiter)) {
            return lt_fail_oom(err);
        }
        size_t before = writer->out.len;
        int status = write_value(writer, i, &writer->view.children[i], row);
        if (status) {
            status = take_back(writer, status, row, i, before, start, ret_out, err);
            if (status || *ret_out) {
                return status;
            }
        }
    }
    return LEAT_OK;
}

int lt_csv_write_batch(struct lt_format_writer *format_writer, const struct ArrowArray *batch,
                       struct leat_error *err)
{
    struct lt_csv_writer *writer = (struct lt_csv_writer *)format_writer;
    struct lt_view *view = &writer->view;
    int status = lt_view_next(view, &writer->schema, batch, err);
    if (status) {
        return status;
    }
    size_t line_end_len = strlen(writer->line_end);
    for (int64_t row = 0; row < view->length; row++) {
        bool out = false;
        status = writer->any ? write_record_any(writer, row, &out, err)
                             : write_record(writer, row, &out, err);
        if (status) {
            return status;
        }
        if (!out && lt_buf_append(&writer->out, writer->line_end, line_end_len)) {
            return lt_fail_oom(err);
        }
        if (writer->out.len >= LT_CSV_FLUSH) {
            status = lt_csv_write_flush(writer, false, err);
            if (status) {
                return status;
            }
        }
    }
    status = lt_faults_tell(&writer->faults, &writer->schema, batch, writer->rows + 1, NULL, err);
    if (status) {
        return status;
    }
    writer->rows += view->length;
    return lt_csv_write_flush(writer, false, err);
}
