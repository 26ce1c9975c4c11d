/* Values and fields in any dialect: quotes, escapes, or neither; and what has no place in it. */
#include "columnar/text.h"
#include "core/util.h"
#include "formats/csv/csv_writer.h"

#include <ctype.h>

int lt_csv_refuse(struct lt_csv_writer *writer, const char *why, const char *remedy)
{
    writer->why = why;
    writer->remedy = remedy;
    return LEAT_BAD_DATA;
}

int lt_csv_check_nulls(struct lt_csv_writer *writer, int64_t column, const struct lt_view *view,
                       int64_t row)
{
    if (!writer->columns[column].hides_nulls || !lt_text_hides_null(view, row)) {
        return LEAT_OK;
    }
    return lt_csv_refuse(writer,
                         "JSON's own null in a list, struct or map, where it cannot be told from a "
                         "null",
                         "--on-loss null makes the whole value a null");
}

static bool is_null_text(const struct lt_csv_writer *writer, const void *text, size_t len)
{
    return lt_csv_is_word(&writer->dialect.nulls, text, len, false);
}

static bool is_comment(const struct lt_csv_writer *writer, const uint8_t *text, size_t len,
                       bool first)
{
    return first && len && writer->dialect.comment && text[0] == writer->dialect.comment;
}

/* --- quoted --------------------------------------------------------------------------------- */

static int put_quoted(struct lt_csv_writer *writer, const uint8_t *text, size_t len)
{
    struct lt_buf *out = &writer->out;
    uint8_t quote = writer->dialect.quote, escape = writer->dialect.escape;
    if (lt_buf_reserve(out, len * 2 + 2)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *to = out->data + out->len;
    *to++ = quote;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == quote || (escape && text[i] == escape)) {
            *to++ = escape ? escape : quote;
        }
        *to++ = text[i];
    }
    *to++ = quote;
    out->len = (size_t)(to - out->data);
    out->data[out->len] = 0;
    return LEAT_OK;
}

static bool wants_quotes(const struct lt_csv_writer *writer, const uint8_t *text, size_t len,
                         bool text_column, bool first)
{
    if (!len || writer->quoting == LT_CSV_QUOTE_ALL ||
        (text_column && writer->quoting == LT_CSV_QUOTE_TEXT) || lt_csv_is_delicate(text, len) ||
        is_null_text(writer, text, len) || is_comment(writer, text, len, first)) {
        return true;
    }
    for (size_t i = 0; i < len; i++) {
        if (writer->special[text[i]]) {
            return true;
        }
    }
    return false;
}

static int write_with_quotes(struct lt_csv_writer *writer, const uint8_t *text, size_t len,
                             bool text_column, bool first)
{
    if (!wants_quotes(writer, text, len, text_column, first)) {
        return lt_buf_append(&writer->out, text, len);
    }
    size_t before = writer->out.len;
    if (put_quoted(writer, text, len)) {
        return LEAT_NO_MEMORY;
    }
    const uint8_t *raw = writer->out.data + before + 1;
    if (writer->dialect.null_quoted && is_null_text(writer, raw, writer->out.len - before - 2)) {
        return lt_csv_refuse(writer,
                             "text that equals a null marker, which counts in quotes as well",
                             "choose another --null, or --null-quoted no");
    }
    return LEAT_OK;
}

/* --- escaped -------------------------------------------------------------------------------- */

/* The letter that stands for a byte behind the escape character; 0: the byte itself. */
static uint8_t letter_of(enum lt_csv_codes codes, uint8_t byte)
{
    static const char bytes[] = "\b\n\r\t\f\v", letters[] = "bnrtfv";
    const char *found = byte ? strchr(bytes, byte) : NULL;
    if (codes == LT_CSV_CODES_MYSQL) {
        return byte == 0                    ? '0'
               : byte == 0x1a               ? 'Z'
               : found && found < bytes + 4 ? (uint8_t)letters[found - bytes]
                                            : 0;
    }
    return codes && found ? (uint8_t)letters[found - bytes] : 0;
}

/* Whether escape and byte together stand for just the byte. */
static bool is_literal(enum lt_csv_codes codes, uint8_t byte)
{
    return !codes || (byte != 'x' && byte != 'Z' && (byte < '0' || byte > '9') &&
                      !(byte && strchr("bfnrtv", byte)));
}

/* A field that reads as null, or as a comment, though it is none: one of its characters is escaped
 * that need not be. */
static int put_disguised(struct lt_csv_writer *writer, size_t before)
{
    struct lt_buf *out = &writer->out;
    const struct lt_csv_dialect *dialect = &writer->dialect;
    for (size_t i = before; i < out->len; i++) {
        if (out->data[i] == dialect->escape) {
            i++; /* and what it escapes */
            continue;
        }
        if (is_literal(dialect->codes, out->data[i])) {
            if (lt_buf_byte(out, 0)) {
                return LEAT_NO_MEMORY;
            }
            memmove(out->data + i + 1, out->data + i, out->len - 1 - i);
            out->data[i] = dialect->escape;
            return LEAT_OK;
        }
    }
    return lt_csv_refuse(writer,
                         "text that equals the null marker, without quotes to tell them apart",
                         "choose another --null, or a --quote");
}

static int write_with_escapes(struct lt_csv_writer *writer, const uint8_t *text, size_t len,
                              bool first)
{
    struct lt_buf *out = &writer->out;
    const struct lt_csv_dialect *dialect = &writer->dialect;
    size_t before = out->len;
    if (lt_buf_reserve(out, len * 2 + 1)) {
        return LEAT_NO_MEMORY;
    }
    uint8_t *to = out->data + out->len;
    if (is_comment(writer, text, len, first) ||
        (len >= 3 && first && !memcmp(text, "\xef\xbb\xbf", 3))) {
        *to++ = dialect->escape;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t letter = letter_of(dialect->codes, text[i]);
        if (letter || writer->special[text[i]]) {
            *to++ = dialect->escape;
        }
        *to++ = letter ? letter : text[i];
    }
    out->len = (size_t)(to - out->data);
    out->data[out->len] = 0;
    bool null = is_null_text(writer, out->data + before, out->len - before);
    return null ? put_disguised(writer, before) : LEAT_OK;
}

/* --- plain ---------------------------------------------------------------------------------- */

static int write_plain(struct lt_csv_writer *writer, const uint8_t *text, size_t len, bool first)
{
    if (is_null_text(writer, text, len)) {
        return lt_csv_refuse(writer,
                             "text that equals the null marker, without quotes to tell them apart",
                             "choose another --null, or a --quote");
    }
    bool special = is_comment(writer, text, len, first) ||
                   (first && len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3));
    for (size_t i = 0; i < len && !special; i++) {
        special = writer->special[text[i]];
    }
    if (special) {
        return lt_csv_refuse(writer,
                             "text that holds the delimiter or a line end, without quotes or "
                             "escapes to put it in",
                             "choose a --quote, an --escape, or another --delimiter");
    }
    return lt_buf_append(&writer->out, text, len);
}

/* --- fields and values ---------------------------------------------------------------------- */

static bool is_ascii(const uint8_t *text, size_t len)
{
    uint8_t all = 0;
    for (size_t i = 0; i < len; i++) {
        all |= text[i];
    }
    return all < 0x80;
}

static int check_encoding(struct lt_csv_writer *writer, const uint8_t *text, size_t len)
{
    if (!writer->probe || (writer->has_ascii && is_ascii(text, len)) ||
        lt_csv_has_place(writer, text, len)) {
        return LEAT_OK;
    }
    return lt_csv_refuse(writer, "a character that --encoding has no place for",
                         "write --encoding utf-8");
}

int lt_csv_write_field(struct lt_csv_writer *writer, const uint8_t *text, size_t len,
                       bool text_column, bool first)
{
    int status = check_encoding(writer, text, len);
    if (status) {
        return status;
    }
    if (writer->dialect.quote) {
        return write_with_quotes(writer, text, len, text_column, first);
    }
    return writer->dialect.escape ? write_with_escapes(writer, text, len, first)
                                  : write_plain(writer, text, len, first);
}

int lt_csv_write_any(struct lt_csv_writer *writer, int64_t column, const struct lt_view *view,
                     int64_t row)
{
    const struct lt_csv_dialect *dialect = &writer->dialect;
    bool text_column = writer->columns[column].text;
    while (view->dictionary && !lt_view_is_null(view, row)) {
        bool big = false;
        row = lt_view_integer(view, row, &big);
        view = view->dictionary;
        text_column = lt_type_is_text(view->type.id);
        if (big || row < 0 || row >= view->length) {
            return LEAT_BAD_DATA;
        }
    }
    if (lt_view_is_null(view, row)) {
        return lt_buf_append(&writer->out, dialect->null, dialect->null_len);
    }
    if (lt_type_is_text(view->type.id) && !lt_csv_values_has(&dialect->values, &view->type)) {
        size_t len;
        const uint8_t *text = lt_view_bytes(view, row, &len);
        return lt_csv_write_field(writer, text, len, text_column, !column);
    }
    struct lt_buf *scratch = &writer->scratch;
    lt_buf_clear(scratch);
    int status = lt_csv_check_nulls(writer, column, view, row);
    if (status) {
        return status;
    }
    status =
        lt_csv_values_has(&dialect->values, &view->type)
            ? lt_csv_value_format(&dialect->values, view, row, &writer->work, scratch, &writer->why)
            : lt_text_format(view, row, scratch);
    if (status) {
        writer->remedy = writer->why ? "change the pattern, or write without it" : NULL;
        return status;
    }
    return lt_csv_write_field(writer, (const uint8_t *)lt_buf_text(scratch), scratch->len,
                              text_column, !column);
}
