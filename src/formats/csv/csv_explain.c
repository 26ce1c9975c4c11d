/* How an input is read, in words. */
#include "core/util.h"
#include "formats/csv/csv_reader.h"

#define COLUMNS_SHOWN 50

/* A character as people write it. */
static int put_char(struct lt_buf *out, const char *text)
{
    if (!strcmp(text, "\t")) {
        return lt_buf_puts(out, "tab");
    }
    int status = lt_buf_byte(out, '\'');
    for (; *text && !status; text++) {
        uint8_t byte = (uint8_t)*text;
        status = byte < ' ' || byte == 0x7f ? lt_buf_printf(out, "\\x%02x", byte)
                                            : lt_buf_byte(out, byte);
    }
    return status ? status : lt_buf_byte(out, '\'');
}

static int put_byte(struct lt_buf *out, const char *what, uint8_t byte)
{
    char text[2] = {(char)byte, 0};
    if (!byte) {
        return LEAT_OK;
    }
    return lt_buf_printf(out, ", %s ", what) || put_char(out, text);
}

/* 20,480 */
static int put_count(struct lt_buf *out, int64_t n)
{
    return n < 1000 ? lt_buf_printf(out, "%lld", (long long)n)
                    : put_count(out, n / 1000) || lt_buf_printf(out, ",%03d", (int)(n % 1000));
}

static int put_nulls(struct lt_buf *out, const struct lt_csv_words *nulls)
{
    if (nulls->n == 1 && !nulls->words[0].len) {
        return LEAT_OK;
    }
    int status = lt_buf_puts(out, ", null");
    for (size_t i = 0; i < nulls->n && !status; i++) {
        status = lt_buf_printf(out, "%s'%.*s'", i ? " or " : " ", (int)nulls->words[i].len,
                               nulls->words[i].text);
    }
    return status;
}

static int put_columns(const struct lt_csv_reader *reader, struct lt_buf *out)
{
    int64_t n = reader->base.schema.n_children;
    int status = lt_buf_puts(out, "; types ");
    if (!status && reader->sampled) {
        status = lt_buf_puts(out, "from ") || put_count(out, reader->sampled) ||
                 lt_buf_puts(out, reader->sampled == 1 ? " record" : " records");
    }
    for (int64_t i = 0; i < LT_MIN(n, (int64_t)COLUMNS_SHOWN) && !status; i++) {
        const char *name = reader->base.schema.children[i]->name;
        status = lt_buf_printf(out, "%s %.*s ",
                               i                 ? ","
                               : reader->sampled ? ":"
                                                 : "given:",
                               lt_text_shown(name, strlen(name)), name) ||
                 lt_type_print(reader->base.schema.children[i], out);
    }
    return status || n <= COLUMNS_SHOWN
               ? status
               : lt_buf_printf(out, " and %lld more", (long long)(n - COLUMNS_SHOWN));
}

int lt_csv_read_explain(struct lt_format_reader *format_reader, struct lt_buf *out)
{
    static const char *const ends[] = {"", ", records end in LF", ", records end in CRLF",
                                       ", records end in CR"};
    const struct lt_csv_reader *reader = (const struct lt_csv_reader *)format_reader;
    const struct lt_csv_dialect *dialect = &reader->dialect;
    const struct lt_csv_values *values = &dialect->values;
    int failed = dialect->name ? lt_buf_printf(out, "dialect %s, ", dialect->name) : LEAT_OK;
    failed = failed || lt_buf_puts(out, "delimiter ") || put_char(out, dialect->delimiter_text) ||
             lt_buf_puts(out, reader->delimiter_found ? " (found)" : "");
    failed = failed || (dialect->quote ? put_byte(out, "quote", dialect->quote)
                                       : lt_buf_puts(out, ", no quotes"));
    failed = failed || lt_buf_puts(out, reader->quote_found ? " (found)" : "");
    failed = failed || put_byte(out, "escape", dialect->escape) ||
             put_byte(out, "comment", dialect->comment);
    failed = failed || lt_buf_printf(out, ", %sheader%s, %s", reader->header ? "" : "no ",
                                     reader->header_auto ? " (found)" : "", reader->encoding);
    failed = failed || put_nulls(out, &dialect->nulls);
    failed =
        failed ||
        (values->decimal == '.' ? LEAT_OK : put_byte(out, "decimal", (uint8_t)values->decimal));
    if (!failed && values->thousands[0]) {
        failed = lt_buf_puts(out, ", thousands ") || put_char(out, values->thousands);
    }
    failed = failed || lt_buf_puts(out, ends[reader->scan.record_end]);
    if (!failed && lt_csv_beside_may(reader)) {
        failed = lt_buf_printf(out, ", up to %d threads", reader->threads);
    }
    return failed || put_columns(reader, out) ? LEAT_NO_MEMORY : LEAT_OK;
}
