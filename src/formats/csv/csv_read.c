/* Reading CSV: blocks in, columns out.
 *
 * A fault found while scanning (a ragged record, a cut quote) waits until the records before it
 * were delivered, so that what is reported is always the first fault of the file. */
#include "formats/csv/csv_reader.h"

#include "core/util.h"

#define CHUNK_ROWS 1024 /* rows converted at once: their text stays in the processor's cache */

/* --- faults and rejects --------------------------------------------------------------------- */

/* A record of the wrong shape: set aside, or the end of reading. */
static int bad_record(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_csv_scan *scan = &reader->scan;
    struct leat_error *fault = &reader->base.fault_error;
    leat_error_clear(fault);
    int status;
    if (scan->bad_reason) {
        status = lt_fail(fault, LT_E_CORRUPT, "%s", scan->bad_reason);
        leat_error_remedy(fault, scan->bad_reason == lt_csv_mixed_ends
                                     ? "quote fields that hold CR, or write all lines with LF"
                                     : "quotes inside a quoted field must be doubled, or escaped "
                                       "with --escape; --quote none reads quotes as they are");
    } else {
        status = lt_fail(fault, LT_E_CORRUPT, "the record has %lld field%s instead of %lld",
                         (long long)scan->bad_fields, scan->bad_fields == 1 ? "" : "s",
                         (long long)scan->columns);
        leat_error_remedy(fault, scan->bad_fields < scan->columns
                                     ? "--ragged fill reads missing fields as null"
                                     : "check --delimiter and --quote; --ragged drop-extra leaves "
                                       "out what is too much");
    }
    lt_text_place_line(&reader->base, scan->bad.line, fault->place, sizeof fault->place);
    if (!reader->base.rejects || reader->in_header) {
        lt_text_set_fault(&reader->base, status);
        return LEAT_OK;
    }
    return lt_text_reject(&reader->base, &scan->bad, fault, NULL, err);
}

static void cut_in_quotes(struct lt_csv_reader *reader)
{
    struct leat_error *fault = &reader->base.fault_error;
    leat_error_clear(fault);
    int status = lt_fail(fault, LT_E_CORRUPT,
                         "the quote that opens here is not closed before the end of the input");
    leat_error_remedy(fault, "--quote none reads quotes as they are");
    lt_text_place_line(&reader->base, reader->scan.quote_line, fault->place, sizeof fault->place);
    lt_text_set_fault(&reader->base, status);
}

static void too_long(struct lt_csv_reader *reader)
{
    struct leat_error *fault = &reader->base.fault_error;
    leat_error_clear(fault);
    int status = lt_fail(fault, LT_E_LIMIT, "%s", reader->scan.bad_reason);
    leat_error_remedy(fault, "a quote that is never closed reads like this; check --quote");
    lt_text_place_line(&reader->base, reader->scan.bad.line, fault->place, sizeof fault->place);
    lt_text_set_fault(&reader->base, status);
}

/* --- bytes and rows ------------------------------------------------------------------------- */

int lt_csv_decode(struct lt_csv_reader *reader, struct leat_error *err)
{
    size_t used = 0;
    int status = lt_charset_convert(reader->charset, reader->raw.data, reader->raw.len,
                                    reader->raw_ended, &reader->scan.text, &used);
    if (status == LEAT_NO_MEMORY) {
        return lt_fail_oom(err);
    }
    lt_buf_drop(&reader->raw, used);
    reader->raw_offset += (int64_t)used;
    reader->raw_bad = status == LEAT_BAD_DATA;
    reader->scan.whole = reader->raw_ended && !status;
    return LEAT_OK;
}

/* Lines in text that was not scanned yet. */
static int64_t lines_ahead(const struct lt_csv_scan *scan)
{
    int64_t lines = 0;
    for (size_t i = scan->pos; i < scan->text.len; i++) {
        uint8_t byte = scan->text.data[i];
        bool lf_follows = i + 1 < scan->text.len && scan->text.data[i + 1] == '\n';
        lines += byte == '\n' || (byte == '\r' && !lf_follows);
    }
    return lines;
}

static int fail_encoding(const struct lt_csv_reader *reader, struct leat_error *err)
{
    int status = lt_fail(err, LT_E_CORRUPT, "the byte at offset %lld is no text in %s",
                         (long long)reader->raw_offset, reader->encoding);
    leat_error_remedy(err, "check --encoding");
    if (err) {
        lt_text_place_line(&reader->base, reader->scan.line + lines_ahead(&reader->scan),
                           err->place, sizeof err->place);
    }
    return status;
}

int lt_csv_read_block(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_buf *text = reader->charset ? &reader->raw : &reader->scan.text;
    size_t len;
    if (reader->raw_bad) {
        return fail_encoding(reader, err);
    }
    if (lt_buf_reserve(text, reader->block)) {
        return lt_fail_oom(err);
    }
    int status =
        lt_source_read(reader->base.source, text->data + text->len, reader->block, &len, err);
    if (status) {
        return status;
    }
    text->len += len;
    text->data[text->len] = 0;
    if (reader->charset) {
        reader->raw_ended = len == 0;
        return lt_csv_decode(reader, err);
    }
    reader->scan.whole = len == 0;
    return LEAT_OK;
}

/* As lt_csv_read_block() does; text that is none ends reading like any other fault in the data. */
static int read_more(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct leat_error why;
    bool bad = reader->raw_bad;
    leat_error_clear(&why);
    int status = lt_csv_read_block(reader, &why);
    if (status && bad) {
        reader->base.fault_error = why;
        lt_text_set_fault(&reader->base, status);
        return LEAT_OK;
    }
    if (status && err) {
        *err = why;
    }
    return status;
}

int lt_csv_fill(struct lt_csv_reader *reader, int64_t rows_max, int64_t bytes_max,
                struct leat_error *err)
{
    struct lt_csv_scan *scan = &reader->scan;
    int status = LEAT_OK;
    while (!status && !reader->base.ended) {
        switch (lt_csv_scan_run(scan, rows_max, bytes_max)) {
        case LT_CSV_FULL:
            return LEAT_OK;
        case LT_CSV_MORE:
            /* Nothing but rejected records and empty lines so far: they need not be kept. */
            if (!lt_csv_scan_rows(scan) && scan->row_start) {
                lt_csv_scan_compact(scan);
            }
            status = read_more(reader, err);
            break;
        case LT_CSV_BAD_RECORD:
            status = bad_record(reader, err);
            break;
        case LT_CSV_END:
            reader->base.ended = true;
            break;
        case LT_CSV_CUT:
            cut_in_quotes(reader);
            break;
        case LT_CSV_TOO_LONG:
            too_long(reader);
            break;
        default:
            status = lt_fail_oom(err);
        }
    }
    return status;
}

void lt_csv_cells_of(struct lt_csv_reader *reader, int64_t first, int64_t rows,
                     struct lt_csv_cells *ret_cells)
{
    struct lt_csv_scan *scan = &reader->scan;
    struct lt_csv_field *fields =
        (struct lt_csv_field *)(void *)scan->fields.data + first * scan->columns;
    if (reader->dialect.marks) {
        lt_csv_mark_nulls(fields, rows * scan->columns, scan->text.data, &reader->dialect);
    }
    ret_cells->text = scan->text.data;
    ret_cells->text_end = scan->text.data + scan->text.cap;
    ret_cells->fields = fields;
    ret_cells->stride = scan->columns;
    ret_cells->rows = rows;
    ret_cells->dialect = &reader->dialect;
    ret_cells->scratch = &reader->scratch;
    ret_cells->work = &reader->work;
}

/* --- batches -------------------------------------------------------------------------------- */

/* Finds the rows that hold invalid UTF-8. The delimiters are ASCII, so text is valid as a whole
 * exactly when every field is. *ret_rows shrinks to the first such row without a reject sink. */
static int check_utf8(struct lt_csv_reader *reader, int64_t first, int64_t *ret_rows)
{
    const struct lt_csv_scan *scan = &reader->scan;
    const uint8_t *text = scan->text.data;
    int64_t rows = *ret_rows;
    size_t at = lt_csv_scan_row(scan, first)->start;
    size_t end = lt_csv_scan_row(scan, first + rows - 1)->end;
    for (int64_t i = 0; i < rows;) {
        at += lt_utf8_valid_prefix(text + at, end - at);
        if (at == end) {
            return LEAT_OK;
        }
        /* The fault may lie between rows, in a record that was set aside. */
        while (i < rows && lt_csv_scan_row(scan, first + i)->end <= at) {
            i++;
        }
        const struct lt_text_record *row = lt_csv_scan_row(scan, first + i);
        if (row->start > at) {
            at = row->start;
            continue;
        }
        const struct lt_csv_field *fields =
            (const struct lt_csv_field *)(const void *)scan->fields.data;
        fields += (first + i) * scan->columns;
        int64_t column = scan->columns - 1;
        while (column > 0 && fields[column].start > at) {
            column--;
        }
        if (lt_text_note_failure(&reader->base, i, column, lt_csv_not_utf8)) {
            return LEAT_NO_MEMORY;
        }
        if (!reader->base.rejects) {
            *ret_rows = i;
            return LEAT_OK;
        }
        at = row->end;
        i++;
    }
    return LEAT_OK;
}

static int convert_rows(struct lt_csv_reader *reader, int64_t first, int64_t rows)
{
    for (int64_t at = 0; at < rows; at += CHUNK_ROWS) {
        struct lt_csv_cells cells;
        int64_t n = LT_MIN(rows - at, CHUNK_ROWS);
        int64_t left = n;
        lt_csv_cells_of(reader, first + at, n, &cells);
        for (int64_t column = 0; column < cells.stride; column++) {
            if (lt_text_convert_column(&reader->base, &cells, column, at, &left)) {
                return LEAT_NO_MEMORY;
            }
        }
        if (left < n) {
            return LEAT_OK;
        }
    }
    return LEAT_OK;
}

int lt_csv_read_next(struct lt_format_reader *format_reader, struct ArrowArray *ret_batch,
                     struct leat_error *err)
{
    struct lt_csv_reader *reader = (struct lt_csv_reader *)format_reader;
    if (!reader->beside && lt_csv_beside_pays(reader)) {
        int status = lt_csv_beside_new(reader, err);
        if (status) {
            return status;
        }
    }
    return reader->beside ? lt_csv_beside_next(reader, ret_batch, err)
                          : lt_text_read_next(format_reader, ret_batch, err);
}

/* --- struct lt_text_ops ---------------------------------------------------------------------- */

static int fill(struct lt_text_reader *reader, int64_t rows_max, int64_t bytes_max,
                struct leat_error *err)
{
    return lt_csv_fill((struct lt_csv_reader *)reader, rows_max, bytes_max, err);
}

static void compact(struct lt_text_reader *reader)
{
    lt_csv_scan_compact(&((struct lt_csv_reader *)reader)->scan);
}

static int build(struct lt_text_reader *base, int64_t first)
{
    struct lt_csv_reader *reader = (struct lt_csv_reader *)base;
    int64_t rows = base->batch_rows;
    int status = check_utf8(reader, first, &rows);
    return status ? status : convert_rows(reader, first, rows);
}

static int convert(struct lt_text_reader *reader, const void *cells, int64_t column, int64_t rows,
                   int64_t *row, const char **ret_why)
{
    struct lt_csv_cells part = *(const struct lt_csv_cells *)cells;
    part.rows = rows;
    return lt_csv_convert(&part, column, &reader->builder.columns[column], row, ret_why);
}

static int describe(const struct lt_text_reader *reader, const struct lt_text_failure *failure,
                    const struct lt_text_record *record, struct leat_error *err,
                    const char **ret_column)
{
    bool no_text = failure->why == lt_csv_not_utf8;
    const char *name = reader->schema.children[failure->column]->name;
    int status = lt_fail(err, no_text ? LT_E_INVALID_UTF8 : lt_text_code_of(failure->why), "%s",
                         failure->why);
    *ret_column = name;
    lt_text_place_line(reader, record->line, err->place, sizeof err->place);
    lt_text_place_column(err->place, sizeof err->place, name, strlen(name));
    if (no_text) {
        leat_error_remedy(err, "--encoding says what it is: windows-1252, latin1, shift_jis ...");
    } else if (!((const struct lt_csv_reader *)reader)->given[failure->column]) {
        leat_error_remedy(err,
                          "the type was inferred: --cast %.*s=utf8, a larger --sample-rows, or "
                          "--on-error skip --rejects FILE",
                          lt_text_shown(name, strlen(name)), name);
    }
    return status;
}

const struct lt_text_ops lt_csv_text_ops = {.unnamed = "<csv>",
                                            .fill = fill,
                                            .compact = compact,
                                            .build = build,
                                            .convert = convert,
                                            .describe = describe};
