/* The beginning of a CSV input: what has to be known before the first record can be scanned. What
 * was not said is found out here, and explain() tells it. */
#include "core/util.h"
#include "formats/csv/csv_reader.h"

#include <stdio.h>
#include <strings.h>

/* --- encoding ------------------------------------------------------------------------------- */

/* Reads enough to recognise what there is, however short the source's own reads are. */
static int read_sample(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_csv_scan *scan = &reader->scan;
    int status = LEAT_OK;
    while (!status && !scan->whole && !reader->raw_bad && scan->text.len < LT_CSV_SNIFF_BYTES) {
        status = lt_csv_read_block(reader, err);
    }
    return status;
}

static int set_encoding(struct lt_csv_reader *reader, const char *name, struct leat_error *err)
{
    snprintf(reader->encoding, sizeof reader->encoding, "%s", name);
    return lt_charset_is_utf8(name) ? LEAT_OK
                                    : lt_charset_open("utf-8", name, &reader->charset, err);
}

/* The sample turned out to be in another encoding: it becomes what waits to be decoded. */
static int decode_again(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_buf empty = LT_BUF_INIT;
    reader->raw_ended = reader->scan.whole;
    reader->raw = reader->scan.text;
    reader->scan.text = empty;
    int status = lt_csv_decode(reader, err);
    return status ? status : read_sample(reader, err);
}

static int find_encoding(struct lt_csv_reader *reader, const char *given, struct leat_error *err)
{
    struct lt_csv_scan *scan = &reader->scan;
    bool automatic = !strcasecmp(given, "auto");
    int status = set_encoding(reader, automatic ? "utf-8" : given, err);
    if (status) {
        leat_error_place(err, "--encoding");
        return status;
    }
    status = read_sample(reader, err);
    if (!status && automatic) {
        const char *found = lt_csv_sniff_encoding(scan->text.data, scan->text.len);
        status = set_encoding(reader, found ? found : "utf-8", err);
        if (!status && reader->charset) {
            status = decode_again(reader, err);
        }
    }
    if (!status && scan->text.len >= 3 && !memcmp(scan->text.data, "\xef\xbb\xbf", 3)) {
        lt_buf_drop(&scan->text, 3);
    }
    return status;
}

/* --- lines before the first record ---------------------------------------------------------- */

static bool ends_in_cr(const struct lt_csv_reader *reader)
{
    const struct lt_csv_scan *scan = &reader->scan;
    return scan->record_end == LT_CSV_RECORD_CR ||
           (scan->record_end == LT_CSV_RECORD_AUTO && scan->text.len &&
            !memchr(scan->text.data, '\n', scan->text.len));
}

static int skip_lines(struct lt_csv_reader *reader, int64_t lines, struct leat_error *err)
{
    struct lt_csv_scan *scan = &reader->scan;
    int end = ends_in_cr(reader) ? '\r' : '\n';
    int status = LEAT_OK;
    while (lines && !status) {
        size_t at = 0;
        const uint8_t *found = NULL;
        while (lines && at < scan->text.len &&
               (found = memchr(scan->text.data + at, end, scan->text.len - at))) {
            at = (size_t)(found - scan->text.data) + 1;
            scan->line++;
            lines--;
        }
        lt_buf_drop(&scan->text, lines ? scan->text.len : at);
        if (lines && scan->whole) {
            break;
        }
        status = lines ? lt_csv_read_block(reader, err) : read_sample(reader, err);
    }
    scan->row_line = scan->line;
    return status;
}

/* --- quote and delimiter -------------------------------------------------------------------- */

static void find_delimiter(struct lt_csv_reader *reader)
{
    struct lt_csv_scan *scan = &reader->scan;
    struct lt_csv_dialect *dialect = &reader->dialect;
    size_t most = LT_CSV_SNIFF_BYTES - 3; /* what is sure to be there, byte order mark or not */
    struct lt_csv_sample sample = {.text = scan->text.data,
                                   .len = LT_MIN(scan->text.len, most),
                                   .whole = scan->whole && scan->text.len <= most,
                                   .comment = dialect->comment,
                                   .escape = dialect->escape};
    if (!dialect->quote_given) {
        uint8_t quote = lt_csv_sniff_quote(&sample, dialect->delimiter);
        reader->quote_found = quote != dialect->quote;
        dialect->quote = quote;
    }
    if (!dialect->delimiter) {
        lt_csv_dialect_delimit(dialect, lt_csv_sniff_delimiter(&sample, dialect->quote));
        reader->delimiter_found = true;
        if (reader->quote_found) { /* a|'b' encloses nothing where the delimiter is the comma */
            dialect->quote = lt_csv_sniff_quote(&sample, dialect->delimiter);
            reader->quote_found = dialect->quote == '\'';
        }
    }
}

/* A first line "sep=;", which Excel writes and reads. A delimiter that was given counts for more; to
 * Excel the line is no record even so, where it says the same. */
static void take_sep(struct lt_csv_reader *reader, const struct lt_format_options *options)
{
    struct lt_csv_scan *scan = &reader->scan;
    struct lt_csv_sample sample = {.text = scan->text.data, .len = scan->text.len};
    struct lt_csv_dialect *dialect = &reader->dialect;
    bool excel = lt_csv_is_excel(options, lt_csv_read_options);
    uint8_t delimiter = 0;
    size_t len = lt_csv_sniff_sep(&sample, excel, &delimiter);
    if (dialect->delimiter) {
        bool same = dialect->delimiter_len == 1 && delimiter == dialect->delimiter;
        len = excel && same ? len : 0;
    } else if (delimiter) {
        lt_csv_dialect_delimit(dialect, delimiter);
        reader->delimiter_found = true;
    }
    if (len) {
        lt_buf_drop(&scan->text, len);
        scan->row_line = ++scan->line;
    }
}

static enum lt_csv_record_end record_end_of(const char *text)
{
    static const char *const names[] = {"auto", "lf", "crlf", "cr"};
    for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
        if (!strcasecmp(text, names[i])) {
            return (enum lt_csv_record_end)i;
        }
    }
    return LT_CSV_RECORD_AUTO;
}

int lt_csv_begin(struct lt_csv_reader *reader, const struct lt_format_options *options,
                 struct leat_error *err)
{
    const struct leat_option *table = lt_csv_read_options;
    struct lt_csv_scan *scan = &reader->scan;
    struct lt_csv_dialect *dialect = &reader->dialect;
    int64_t lines;
    scan->record_end = record_end_of(lt_csv_option(options, table, "record-end"));
    if (lt_parse_int(lt_csv_option(options, table, "skip-lines"), &lines) || lines < 0) {
        return lt_fail(err, LT_E_INVALID, "--skip-lines must not be negative");
    }
    int status = find_encoding(reader, lt_csv_option(options, table, "encoding"), err);
    status = status || !lines ? status : skip_lines(reader, lines, err);
    if (status) {
        if (err && !err->place[0]) {
            leat_error_place(err, "%s", reader->base.source->name);
        }
        return status;
    }
    if (!lines) {
        take_sep(reader, options);
    }
    find_delimiter(reader);
    status = lt_csv_dialect_check(dialect, err);
    reader->block = LT_CSV_BLOCK;
    scan->delimiter = dialect->delimiter;
    scan->quote = dialect->quote;
    scan->dialect = dialect;
    scan->any = dialect->delimiter_len > 1 || dialect->escape || dialect->comment ||
                dialect->trim || dialect->end_mark || scan->record_end != LT_CSV_RECORD_AUTO;
    return status;
}
