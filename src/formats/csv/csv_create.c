/* Opening, flushing and closing a CSV writer. */
#include "columnar/schema.h"
#include "core/util.h"
#include "formats/csv/csv_writer.h"

#include <stdlib.h>
#include <strings.h>

/* UTF-16 and UTF-32 without a byte order are little-endian, and say so by a mark. */
static const char *byte_order_of(const char *encoding, bool *ret_mark)
{
    static const struct {
        const char *name, *whole;
    } names[] = {{"utf-16", "utf-16le"},
                 {"utf16", "utf-16le"},
                 {"utf-32", "utf-32le"},
                 {"utf32", "utf-32le"}};
    for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
        if (!strcasecmp(names[i].name, encoding)) {
            *ret_mark = true;
            return names[i].whole;
        }
    }
    return encoding;
}

static bool is_given(const struct lt_format_options *options, const char *name)
{
    for (size_t i = 0; options && i < options->n_params; i++) {
        if (!strcmp(options->params[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool convert(struct lt_charset *charset, const void *text, size_t len, struct lt_buf *out)
{
    size_t used;
    lt_buf_clear(out);
    lt_charset_reset(charset);
    return !lt_charset_convert(charset, text, len, true, out, &used);
}

bool lt_csv_has_place(struct lt_csv_writer *writer, const void *text, size_t len)
{
    if (!writer->probe || !len) {
        return true;
    }
    return convert(writer->probe, text, len, &writer->wire) &&
           convert(writer->back, writer->wire.data, writer->wire.len, &writer->probed) &&
           writer->probed.len == len && !memcmp(writer->probed.data, text, len);
}

static int open_charsets(struct lt_csv_writer *writer, const char *encoding, struct leat_error *err)
{
    int status = lt_charset_open(encoding, "utf-8", &writer->charset, err);
    if (status || lt_charset_is_unicode(encoding)) {
        return status;
    }
    status = lt_charset_open(encoding, "utf-8", &writer->probe, err);
    status = status ? status : lt_charset_open("utf-8", encoding, &writer->back, err);
    writer->has_ascii = !status;
    for (int c = 0; writer->has_ascii && c < 0x80; c++) {
        char byte = (char)c;
        writer->has_ascii = lt_csv_has_place(writer, &byte, 1);
    }
    return status;
}

static int take_encoding(struct lt_csv_writer *writer, const struct lt_format_options *options,
                         bool *ret_bom, struct leat_error *err)
{
    const struct leat_option *table = lt_csv_write_options;
    bool mark = false;
    const char *encoding = byte_order_of(lt_csv_option(options, table, "encoding"), &mark);
    int status = lt_csv_parse_bool("bom", lt_csv_option(options, table, "bom"), ret_bom, err);
    *ret_bom = *ret_bom || (mark && !is_given(options, "bom"));
    if (status || lt_charset_is_utf8(encoding) || !strcasecmp(encoding, "auto")) {
        return status;
    }
    bool unicode = lt_charset_is_unicode(encoding);
    status = open_charsets(writer, encoding, err);
    if (status) {
        leat_error_place(err, "--encoding");
        return status;
    }
    const struct lt_csv_dialect *dialect = &writer->dialect;
    if (!lt_csv_has_place(writer, dialect->delimiter_text, dialect->delimiter_len) ||
        !lt_csv_has_place(writer, dialect->null, dialect->null_len)) {
        return lt_fail(err, LT_E_INVALID, "--encoding has no place for the delimiter, or for null");
    }
    *ret_bom = *ret_bom && (unicode || is_given(options, "bom"));
    return *ret_bom && !unicode
               ? lt_fail(err, LT_E_INVALID, "--bom: only Unicode has a byte order mark")
               : LEAT_OK;
}

static void settle_special(struct lt_csv_writer *writer)
{
    const struct lt_csv_dialect *dialect = &writer->dialect;
    memset(writer->special, 0, sizeof writer->special);
    writer->special[dialect->delimiter] = true;
    writer->special['\r'] = true;
    writer->special['\n'] = true;
    if (dialect->quote) {
        writer->special[dialect->quote] = true;
    }
    if (dialect->escape) {
        writer->special[dialect->escape] = true;
        writer->special[0] = dialect->codes == LT_CSV_CODES_MYSQL;
    }
    writer->any = dialect->delimiter_len > 1 || !dialect->quote || dialect->escape ||
                  dialect->comment || dialect->null_quoted || dialect->nulls.n > 1 ||
                  dialect->values.any || writer->quoting != LT_CSV_QUOTE_NEEDED || writer->probe;
}

static int take_options(struct lt_csv_writer *writer, const struct lt_format_options *options,
                        bool *ret_header, bool *ret_bom, struct leat_error *err)
{
    static const char *const ends[] = {"lf", "\n", "crlf", "\r\n", "cr", "\r"};
    const struct leat_option *table = lt_csv_write_options;
    struct lt_csv_dialect *dialect = &writer->dialect;
    int status = lt_format_check_options(options, table, "csv", err);
    status =
        status ? status : lt_csv_dialect_init(dialect, options, table, writer->sink->name, err);
    status = status ? status
                    : lt_csv_parse_bool("header", lt_csv_option(options, table, "header"),
                                        ret_header, err);
    status = status ? status : take_encoding(writer, options, ret_bom, err);
    if (status) {
        return status;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(ends); i += 2) {
        if (!strcasecmp(lt_csv_option(options, table, "line-ending"), ends[i])) {
            writer->line_end = ends[i + 1];
        }
    }
    const char *quoting = lt_csv_option(options, table, "quoting");
    writer->quoting = !strcasecmp(quoting, "text")  ? LT_CSV_QUOTE_TEXT
                      : !strcasecmp(quoting, "all") ? LT_CSV_QUOTE_ALL
                                                    : LT_CSV_QUOTE_NEEDED;
    writer->faults.known = true;
    writer->faults.rejects = options ? options->rejects : NULL;
    writer->faults.losses = options ? options->losses : NULL;
    if (writer->quoting && !dialect->quote) {
        return lt_fail(err, LT_E_INVALID, "--quoting needs a --quote");
    }
    if (dialect->comment && dialect->null_len && (uint8_t)dialect->null[0] == dialect->comment) {
        return lt_fail(err, LT_E_INVALID, "--null must not begin with the --comment character");
    }
    settle_special(writer);
    return LEAT_OK;
}

/* Readers that are not told the delimiter look for one in the first lines, and a byte that the
 * header has outside of quotes is a candidate. */
static void settle_header(struct lt_csv_writer *writer)
{
    for (const char *other = ",;\t|"; writer->dialect.quote && *other; other++) {
        writer->special[(uint8_t)*other] = true;
    }
}

/* Excel takes a first line sep=; for the delimiter, in quotes too: a column of that name needs a true
 * one before it. */
static int write_sep(struct lt_csv_writer *writer)
{
    const char *name = writer->schema.n_children == 1 ? writer->schema.children[0]->name : NULL;
    const struct lt_csv_dialect *dialect = &writer->dialect;
    if (!name || dialect->delimiter_len != 1 ||
        !lt_csv_is_sep((const uint8_t *)name, strlen(name))) {
        return LEAT_OK;
    }
    return lt_buf_printf(&writer->out, "sep=%c%s", dialect->delimiter, writer->line_end);
}

static int write_header(struct lt_csv_writer *writer, bool excel, struct leat_error *err)
{
    const struct lt_csv_dialect *dialect = &writer->dialect;
    if (excel && write_sep(writer)) {
        return lt_fail_oom(err);
    }
    settle_header(writer);
    for (int64_t i = 0; i < writer->schema.n_children; i++) {
        const char *name = writer->schema.children[i]->name;
        name = name ? name : "";
        int status =
            i ? lt_buf_append(&writer->out, dialect->delimiter_text, dialect->delimiter_len)
              : LEAT_OK;
        status = status ? status
                        : lt_csv_write_field(writer, (const uint8_t *)name, strlen(name), true, !i);
        if (status == LEAT_BAD_DATA) {
            status = lt_fail(err, LT_E_VALUE_RANGE, "%s", writer->why);
            leat_error_remedy(err, "rename it with --rename, or write --header no");
            leat_error_place(err, "the header, column \"%s\"", name);
            return status;
        }
        if (status) {
            return lt_fail_oom(err);
        }
    }
    settle_special(writer);
    return lt_buf_puts(&writer->out, writer->line_end) ? lt_fail_oom(err) : LEAT_OK;
}

int lt_csv_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                      const struct lt_format_options *options, struct lt_format_writer **ret_writer,
                      struct leat_error *err)
{
    struct lt_csv_writer *writer = calloc(1, sizeof *writer);
    bool header = false, bom = false;
    if (!writer) {
        return lt_fail_oom(err);
    }
    writer->sink = sink;
    writer->line_end = "\n";
    int status = take_options(writer, options, &header, &bom, err);
    status = status ? status : lt_schema_copy(schema, &writer->schema, err);
    status = status ? status : lt_csv_write_columns(writer, err);
    if (!status && bom && lt_buf_puts(&writer->out, "\xef\xbb\xbf")) {
        status = lt_fail_oom(err);
    }
    if (!status && header) {
        status = write_header(writer, lt_csv_is_excel(options, lt_csv_write_options), err);
    }
    if (status) {
        lt_csv_write_close((struct lt_format_writer *)writer);
        return status;
    }
    *ret_writer = (struct lt_format_writer *)writer;
    return LEAT_OK;
}

int lt_csv_write_flush(struct lt_csv_writer *writer, bool last, struct leat_error *err)
{
    struct lt_buf *out = &writer->out;
    int status = LEAT_OK;
    if (writer->charset && (out->len || last)) {
        size_t used;
        lt_buf_clear(&writer->wire);
        status =
            lt_charset_convert(writer->charset, out->data, out->len, last, &writer->wire, &used);
        if (status) {
            return status == LEAT_NO_MEMORY
                       ? lt_fail_oom(err)
                       : lt_fail(err, LT_E_INTERNAL, "text that its encoding does not take");
        }
        lt_buf_clear(out);
        out = &writer->wire;
    }
    if (out->len) {
        status = lt_sink_write(writer->sink, out->data, out->len, err);
    }
    lt_buf_clear(out);
    return status;
}

int lt_csv_write_finish(struct lt_format_writer *format_writer, struct leat_error *err)
{
    return lt_csv_write_flush((struct lt_csv_writer *)format_writer, true, err);
}

void lt_csv_write_close(struct lt_format_writer *format_writer)
{
    struct lt_csv_writer *writer = (struct lt_csv_writer *)format_writer;
    if (!writer) {
        return;
    }
    lt_view_done(&writer->view);
    lt_faults_done(&writer->faults);
    lt_schema_done(&writer->schema);
    lt_buf_done(&writer->out);
    lt_buf_done(&writer->scratch);
    lt_buf_done(&writer->work);
    lt_buf_done(&writer->wire);
    lt_buf_done(&writer->probed);
    lt_charset_close(writer->charset);
    lt_charset_close(writer->probe);
    lt_charset_close(writer->back);
    lt_csv_dialect_done(&writer->dialect);
    free(writer->columns);
    free(writer);
}
