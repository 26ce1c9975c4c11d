/* Writing CSV: row by row, for that is the shape of the text, but with everything that does not
 * change from row to row settled beforehand. All text of a batch goes through one buffer. */
#include "formats/csv/csv.h"

#include "columnar/schema.h"
#include "columnar/text_fast.h"
#include "columnar/view.h"
#include "core/util.h"

#include <stdlib.h>
#include <strings.h>

/* How a column's values become text. */
enum form {
    FORM_OTHER, /* lt_text_format(), then quoted where needed */
    FORM_TEXT,  /* bytes as they are, quoted where needed */
    FORM_BOOL,
    FORM_INTEGER,
    FORM_UINT64,
    FORM_FLOAT64,
    FORM_DATE,
    FORM_TIMESTAMP, /* microseconds */
};

struct column {
    enum form form;
    bool zoned;  /* FORM_TIMESTAMP: ends in Z */
    bool quotes; /* its text may need quotes */
};

struct lt_csv_writer {
    struct lt_sink *sink;
    struct lt_csv_dialect dialect;
    char *null_text;
    bool special[256]; /* bytes that a field must be quoted for */
    const char *line_end;
    struct ArrowSchema schema;
    struct column *columns;
    struct lt_view view; /* of whole batches; its children are the columns */
    bool has_view;
    struct lt_buf out;
    struct lt_buf scratch;
};

/* --- quoting -------------------------------------------------------------------------------- */

/* Beside the bytes with a meaning: blanks at the ends, which some readers trim; what would be
 * read as null; a lone \. which ends COPY input of PostgreSQL before 18; and a byte order mark,
 * which would vanish at the beginning of a file. */
static bool needs_quotes(const struct lt_csv_writer *writer, const uint8_t *text, size_t len)
{
    if (!len || text[0] == ' ' || text[0] == '\t' || text[len - 1] == ' ' ||
        text[len - 1] == '\t') {
        return true;
    }
    for (size_t i = 0; i < len; i++) {
        if (writer->special[text[i]]) {
            return true;
        }
    }
    if (len == writer->dialect.null_len && !memcmp(text, writer->dialect.null, len)) {
        return true;
    }
    return (len == 2 && text[0] == '\\' && text[1] == '.') ||
           (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3));
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
static int write_other(struct lt_csv_writer *writer, const struct lt_view *view, int64_t row)
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
    int status = lt_text_format(view, row, &writer->scratch);
    return status ? status
                  : write_text(writer, (const uint8_t *)lt_buf_text(&writer->scratch),
                               writer->scratch.len);
}

/* A value whose text is short: formatted into `text`; 0 when it is for lt_text_format(). */
static size_t put_value(const struct column *column, const struct lt_view *view, int64_t row,
                        uint8_t text[LT_PUT_MAX])
{
    switch (column->form) {
    case FORM_BOOL: {
        bool value = lt_view_bool(view, row);
        memcpy(text, value ? "true" : "false", value ? 4 : 5);
        return value ? 4 : 5;
    }
    case FORM_INTEGER:
        return lt_put_int(text, lt_load_integer(view, row));
    case FORM_UINT64:
        return lt_put_uint(text, lt_view_u64(view, row));
    case FORM_FLOAT64:
        return (size_t)lt_double_format(lt_view_f64(view, row), (char *)text);
    case FORM_DATE:
        return lt_put_date(text, lt_view_i32(view, row));
    case FORM_TIMESTAMP:
        return lt_put_timestamp(text, lt_view_i64(view, row), column->zoned);
    default:
        return 0;
    }
}

static inline int write_value(struct lt_csv_writer *writer, const struct column *column,
                              const struct lt_view *view, int64_t row)
{
    if (lt_view_is_null(view, row)) {
        return write_null(writer);
    }
    if (column->form == FORM_TEXT) {
        size_t len;
        const uint8_t *text = lt_view_bytes(view, row, &len);
        return write_text(writer, text, len);
    }
    if (column->form == FORM_OTHER) {
        return write_other(writer, view, row);
    }
    struct lt_buf *out = &writer->out;
    if (lt_buf_reserve(out, LT_PUT_MAX)) {
        return LEAT_NO_MEMORY;
    }
    if (column->quotes) {
        uint8_t text[LT_PUT_MAX];
        size_t n = put_value(column, view, row, text);
        return n ? write_text(writer, text, n) : write_other(writer, view, row);
    }
    size_t n = put_value(column, view, row, out->data + out->len);
    if (!n) {
        return write_other(writer, view, row);
    }
    out->len += n;
    out->data[out->len] = 0;
    return LEAT_OK;
}

/* --- opening -------------------------------------------------------------------------------- */

static enum form form_of(const struct lt_type *type)
{
    if (type->id == LT_UINT64) {
        return FORM_UINT64;
    }
    if (lt_type_is_integer(type->id)) {
        return FORM_INTEGER;
    }
    switch (type->id) {
    case LT_BOOL:
        return FORM_BOOL;
    case LT_FLOAT64:
        return FORM_FLOAT64;
    case LT_DATE32:
        return FORM_DATE;
    case LT_TIMESTAMP:
        return type->unit == LT_MICRO ? FORM_TIMESTAMP : FORM_OTHER;
    case LT_UTF8:
    case LT_LARGE_UTF8:
        return FORM_TEXT;
    default:
        return FORM_OTHER;
    }
}

/* Numbers, dates and booleans are made of letters, digits and these; unless delimiter, quote or
 * null marker are too, they need no look. */
static bool is_plain_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
           (byte && strchr("+-.: ", byte));
}

static int settle_columns(struct lt_csv_writer *writer, struct leat_error *err)
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
        writer->columns[i].form = field->dictionary ? FORM_OTHER : form_of(&type);
        writer->columns[i].zoned = type.zone && type.zone[0];
        writer->columns[i].quotes = quotes;
    }
    return LEAT_OK;
}

static int take_options(struct lt_csv_writer *writer, const struct lt_format_options *options,
                        bool *ret_header, struct leat_error *err)
{
    const struct leat_option *table = lt_csv_write_options;
    int status = lt_format_check_options(options, table, "csv", err);
    if (!status) {
        status = lt_csv_dialect_init(&writer->dialect, options, table, writer->sink->name, err);
    }
    if (!status) {
        status = lt_csv_parse_bool("header", lt_format_option(options, table, "header"), ret_header,
                                   err);
    }
    if (status) {
        return status;
    }
    writer->null_text = lt_strdup(writer->dialect.null);
    if (!writer->null_text) {
        return lt_fail_oom(err);
    }
    writer->dialect.null = writer->null_text;
    bool crlf = !strcasecmp(lt_format_option(options, table, "line-ending"), "crlf");
    writer->line_end = crlf ? "\r\n" : "\n";
    writer->special[writer->dialect.delimiter] = true;
    writer->special[writer->dialect.quote] = true;
    writer->special['\r'] = true;
    writer->special['\n'] = true;
    return LEAT_OK;
}

static int write_header(struct lt_csv_writer *writer, struct leat_error *err)
{
    for (int64_t i = 0; i < writer->schema.n_children; i++) {
        const char *name = writer->schema.children[i]->name;
        name = name ? name : "";
        if ((i && lt_buf_byte(&writer->out, writer->dialect.delimiter)) ||
            write_text(writer, (const uint8_t *)name, strlen(name))) {
            return lt_fail_oom(err);
        }
    }
    return lt_buf_puts(&writer->out, writer->line_end) ? lt_fail_oom(err) : LEAT_OK;
}

int lt_csv_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                      const struct lt_format_options *options, struct lt_format_writer **ret_writer,
                      struct leat_error *err)
{
    struct lt_csv_writer *writer = calloc(1, sizeof *writer);
    bool header = false;
    if (!writer) {
        return lt_fail_oom(err);
    }
    writer->sink = sink;
    int status = take_options(writer, options, &header, err);
    status = status ? status : lt_schema_copy(schema, &writer->schema, err);
    status = status ? status : settle_columns(writer, err);
    if (!status && header) {
        status = write_header(writer, err);
    }
    if (status) {
        lt_csv_write_close((struct lt_format_writer *)writer);
        return status;
    }
    *ret_writer = (struct lt_format_writer *)writer;
    return LEAT_OK;
}

/* --- batches -------------------------------------------------------------------------------- */

static int flush(struct lt_csv_writer *writer, struct leat_error *err)
{
    int status = LEAT_OK;
    if (writer->out.len) {
        status = lt_sink_write(writer->sink, writer->out.data, writer->out.len, err);
    }
    lt_buf_clear(&writer->out);
    return status;
}

/* Fills *err for a value that could not be written. */
static int fail_value(const struct lt_csv_writer *writer, int status, int64_t row, int64_t column,
                      struct leat_error *err)
{
    if (status == LEAT_NO_MEMORY) {
        return lt_fail_oom(err);
    }
    status = lt_fail(err, LT_E_CORRUPT, "the batch holds a value its own type does not allow");
    leat_error_place(err, "row %lld of the batch, column \"%s\"", (long long)row + 1,
                     writer->schema.children[column]->name);
    return status;
}

int lt_csv_write_batch(struct lt_format_writer *format_writer, const struct ArrowArray *batch,
                       struct leat_error *err)
{
    struct lt_csv_writer *writer = (struct lt_csv_writer *)format_writer;
    struct lt_view *view = &writer->view;
    int status = writer->has_view ? lt_view_set(view, batch, err)
                                  : lt_view_init(view, &writer->schema, batch, err);
    if (status) {
        return status;
    }
    writer->has_view = true;
    int64_t n = writer->schema.n_children;
    size_t line_end_len = strlen(writer->line_end);
    for (int64_t row = 0; row < view->length; row++) {
        for (int64_t i = 0; i < n; i++) {
            if (i && lt_buf_byte(&writer->out, writer->dialect.delimiter)) {
                return lt_fail_oom(err);
            }
            status = write_value(writer, &writer->columns[i], &view->children[i], row);
            if (status) {
                return fail_value(writer, status, row, i, err);
            }
        }
        if (lt_buf_append(&writer->out, writer->line_end, line_end_len)) {
            return lt_fail_oom(err);
        }
        if (writer->out.len >= LT_CSV_FLUSH) {
            status = flush(writer, err);
            if (status) {
                return status;
            }
        }
    }
    return flush(writer, err);
}

int lt_csv_write_finish(struct lt_format_writer *format_writer, struct leat_error *err)
{
    return flush((struct lt_csv_writer *)format_writer, err);
}

void lt_csv_write_close(struct lt_format_writer *format_writer)
{
    struct lt_csv_writer *writer = (struct lt_csv_writer *)format_writer;
    if (!writer) {
        return;
    }
    if (writer->has_view) {
        lt_view_done(&writer->view);
    }
    lt_schema_done(&writer->schema);
    lt_buf_done(&writer->out);
    lt_buf_done(&writer->scratch);
    free(writer->columns);
    free(writer->null_text);
    free(writer);
}
