/* Reading CSV: blocks in, batches out.
 *
 * A fault found while scanning (a ragged record, a cut quote) waits until the records before it
 * were delivered, so that what is reported is always the first fault of the file. */
#include "formats/csv/csv_reader.h"

#include "columnar/array.h"
#include "columnar/schema.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK_ROWS 1024 /* rows converted at once: their text stays in the processor's cache */

/* A value that could not be read: the first one of its record. */
struct failure {
    int64_t row; /* of the batch */
    int64_t column;
    const char *why;
};

/* --- faults and rejects --------------------------------------------------------------------- */

int lt_csv_shown(const char *name)
{
    size_t len = 0;
    while (len < LT_CSV_NAME_SHOWN && (uint8_t)name[len] >= ' ' && name[len] != 0x7f) {
        len++;
    }
    return (int)lt_utf8_valid_prefix(name, len);
}

void lt_csv_place_line(const struct lt_csv_reader *reader, int64_t line, char *text, size_t size)
{
    const char *name = reader->source->name ? reader->source->name : "<csv>";
    size_t len = strlen(name);
    bool cut = len > LT_CSV_FILE_SHOWN;
    if (cut) {
        name += len - LT_CSV_FILE_SHOWN;
        while ((*name & 0xc0) == 0x80) {
            name++;
        }
    }
    snprintf(text, size, "%s%s:%lld", cut ? "..." : "", name, (long long)line);
}

static const char *column_name(const struct lt_csv_reader *reader, int64_t column)
{
    return reader->schema.release ? reader->schema.children[column]->name : "";
}

static void place_value(const struct lt_csv_reader *reader, int64_t line, int64_t column,
                        char *text, size_t size)
{
    const char *name = column_name(reader, column);
    lt_csv_place_line(reader, line, text, size);
    size_t len = strlen(text);
    snprintf(text + len, size - len, " column \"%.*s\"", lt_csv_shown(name), name);
}

/* Ends reading with the fault in reader->fault_error, once the rows before it are delivered. */
static void set_fault(struct lt_csv_reader *reader, int status)
{
    reader->fault = status;
    reader->ended = true;
}

/* Tells the sink of rejects about a record; its refusal is filled into *err. */
static int reject(struct lt_csv_reader *reader, const struct lt_csv_row *row,
                  const struct leat_error *why, struct leat_error *err)
{
    struct leat_reject told = {.size = sizeof told,
                               .place = why->place,
                               .code = why->code,
                               .reason = why->message,
                               .record = (const char *)reader->scan.text.data + row->start,
                               .record_len = row->end - row->start};
    return reader->rejects->reject(reader->rejects->arg, &told, err);
}

/* A record of the wrong shape: set aside, or the end of reading. */
static int bad_record(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_csv_scan *scan = &reader->scan;
    struct leat_error *fault = &reader->fault_error;
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
    lt_csv_place_line(reader, scan->bad.line, fault->place, sizeof fault->place);
    if (!reader->rejects || reader->in_header) {
        set_fault(reader, status);
        return LEAT_OK;
    }
    return reject(reader, &scan->bad, fault, err);
}

static void cut_in_quotes(struct lt_csv_reader *reader)
{
    struct leat_error *fault = &reader->fault_error;
    leat_error_clear(fault);
    int status = lt_fail(fault, LT_E_CORRUPT,
                         "the quote that opens here is not closed before the end of the input");
    leat_error_remedy(fault, "--quote none reads quotes as they are");
    lt_csv_place_line(reader, reader->scan.quote_line, fault->place, sizeof fault->place);
    set_fault(reader, status);
}

static void too_long(struct lt_csv_reader *reader)
{
    struct leat_error *fault = &reader->fault_error;
    leat_error_clear(fault);
    int status = lt_fail(fault, LT_E_LIMIT, "%s", reader->scan.bad_reason);
    leat_error_remedy(fault, "a quote that is never closed reads like this; check --quote");
    lt_csv_place_line(reader, reader->scan.bad.line, fault->place, sizeof fault->place);
    set_fault(reader, status);
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
        lt_csv_place_line(reader, reader->scan.line + lines_ahead(&reader->scan), err->place,
                          sizeof err->place);
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
    int status = lt_source_read(reader->source, text->data + text->len, reader->block, &len, err);
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
        reader->fault_error = why;
        set_fault(reader, status);
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
    while (!status && !reader->ended) {
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
            reader->ended = true;
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
    ret_cells->fields = fields;
    ret_cells->stride = scan->columns;
    ret_cells->rows = rows;
    ret_cells->dialect = &reader->dialect;
    ret_cells->scratch = &reader->scratch;
    ret_cells->work = &reader->work;
}

/* --- batches -------------------------------------------------------------------------------- */

/* How many of the scanned rows make the next batch. */
static int64_t count_batch(const struct lt_csv_reader *reader)
{
    const struct lt_csv_scan *scan = &reader->scan;
    int64_t first = reader->row_next;
    int64_t n = LT_MIN(lt_csv_scan_rows(scan) - first, reader->batch_rows_max);
    int64_t start = lt_csv_scan_row(scan, first)->start;
    for (int64_t i = 0; i < n; i++) {
        int64_t text = (int64_t)lt_csv_scan_row(scan, first + i)->end - start;
        if (text + (i + 1) * scan->row_cost >= reader->batch_bytes_max) {
            return i + 1;
        }
    }
    return n;
}

static bool is_dropped(const struct lt_csv_reader *reader, int64_t row)
{
    return reader->drop.len && reader->drop.data[row >> 3] >> (row & 7) & 1;
}

/* Notes that a row of the batch cannot be delivered. */
static int note_failure(struct lt_csv_reader *reader, int64_t rows, int64_t row, int64_t column,
                        const char *why)
{
    struct failure failure = {row, column, why};
    if (is_dropped(reader, row)) {
        return LEAT_OK;
    }
    if (!reader->drop.len) {
        size_t bytes = (size_t)(rows + 7) / 8;
        if (lt_buf_reserve(&reader->drop, bytes)) {
            return LEAT_NO_MEMORY;
        }
        memset(reader->drop.data, 0, bytes);
        reader->drop.len = bytes;
    }
    reader->drop.data[row >> 3] |= (uint8_t)(1u << (row & 7));
    return lt_buf_append(&reader->failures, &failure, sizeof failure);
}

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
        const struct lt_csv_row *row = lt_csv_scan_row(scan, first + i);
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
        if (note_failure(reader, rows, i, column, lt_csv_not_utf8)) {
            return LEAT_NO_MEMORY;
        }
        if (!reader->rejects) {
            *ret_rows = i;
            return LEAT_OK;
        }
        at = row->end;
        i++;
    }
    return LEAT_OK;
}

/* Converts one column of one chunk. Without a reject sink *ret_rows shrinks to the first row that
 * fails, so that what is left to convert can only find an earlier one. */
static int convert_column(struct lt_csv_reader *reader, const struct lt_csv_cells *cells,
                          int64_t column, int64_t chunk_first, int64_t *ret_rows,
                          int64_t batch_rows)
{
    struct lt_builder *builder = &reader->builder.columns[column];
    struct lt_csv_cells part = *cells;
    int64_t row = 0;
    part.rows = *ret_rows;
    while (row < part.rows) {
        const char *why = "not a value of its type";
        int status = lt_csv_convert(&part, column, builder, &row, &why);
        if (status == LEAT_NO_MEMORY) {
            return status;
        }
        if (!status) {
            break;
        }
        if (note_failure(reader, batch_rows, chunk_first + row, column, why) ||
            lt_builder_null(builder)) {
            return LEAT_NO_MEMORY;
        }
        if (!reader->rejects) {
            *ret_rows = row;
            return LEAT_OK;
        }
        row++;
    }
    return LEAT_OK;
}

static int convert_rows(struct lt_csv_reader *reader, int64_t first, int64_t rows,
                        int64_t batch_rows)
{
    for (int64_t at = 0; at < rows; at += CHUNK_ROWS) {
        struct lt_csv_cells cells;
        int64_t n = LT_MIN(rows - at, CHUNK_ROWS);
        int64_t left = n;
        lt_csv_cells_of(reader, first + at, n, &cells);
        for (int64_t column = 0; column < cells.stride; column++) {
            if (convert_column(reader, &cells, column, at, &left, batch_rows)) {
                return LEAT_NO_MEMORY;
            }
        }
        if (left < n) {
            return LEAT_OK;
        }
    }
    return LEAT_OK;
}

static int compare_failures(const void *a, const void *b)
{
    const struct failure *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

/* A value of the right form that its type has no place for, or one of the wrong form. */
static enum lt_code code_of(const char *why)
{
    static const char *const range[] = {"out of range", "more fraction digits", "no place"};
    if (why == lt_csv_not_utf8) {
        return LT_E_INVALID_UTF8;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(range); i++) {
        if (strstr(why, range[i])) {
            return LT_E_VALUE_RANGE;
        }
    }
    return LT_E_VALUE_SYNTAX;
}

static int describe_failure(const struct lt_csv_reader *reader, const struct failure *failure,
                            const struct lt_csv_row *row, struct leat_error *err)
{
    enum lt_code code = code_of(failure->why);
    int status = lt_fail(err, code, "%s", failure->why);
    if (!err) {
        return status;
    }
    place_value(reader, row->line, failure->column, err->place, sizeof err->place);
    if (code == LT_E_INVALID_UTF8) {
        leat_error_remedy(err, "--encoding says what it is: windows-1252, latin1, shift_jis ...");
    } else if (!reader->given[failure->column]) {
        const char *name = column_name(reader, failure->column);
        leat_error_remedy(err,
                          "the type was inferred: --cast %.*s=utf8, a larger --sample-rows, or "
                          "--on-error skip --rejects FILE",
                          lt_csv_shown(name), name);
    }
    return status;
}

/* Reports what failed in the batch beginning at row `first`, in the order of the file. */
static int report(struct lt_csv_reader *reader, int64_t first, struct leat_error *err)
{
    struct failure *failures = (struct failure *)(void *)reader->failures.data;
    size_t n = reader->failures.len / sizeof *failures;
    qsort(failures, n, sizeof *failures, compare_failures);
    for (size_t i = 0; i < n; i++) {
        const struct lt_csv_row *row = lt_csv_scan_row(&reader->scan, first + failures[i].row);
        if (!reader->rejects) {
            return describe_failure(reader, &failures[i], row, err);
        }
        struct leat_error why;
        leat_error_clear(&why);
        describe_failure(reader, &failures[i], row, &why);
        int status = reject(reader, row, &why, err);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}

/* Builds `rows` rows and leaves out what was rejected; *ret_batch stays released when that is all
 * of them. */
static int build_batch(struct lt_csv_reader *reader, int64_t first, int64_t rows,
                       struct ArrowArray *ret_batch, struct leat_error *err)
{
    int64_t wanted = rows;
    lt_buf_clear(&reader->failures);
    lt_buf_clear(&reader->drop);
    if (check_utf8(reader, first, &wanted) || convert_rows(reader, first, wanted, rows)) {
        return lt_fail_oom(err);
    }
    int status = reader->failures.len ? report(reader, first, err) : LEAT_OK;
    if (status) {
        return status;
    }
    struct ArrowArray batch = {0};
    status = lt_batch_builder_finish(&reader->builder, rows, &batch, err);
    if (status) {
        return status;
    }
    int64_t dropped = (int64_t)(reader->failures.len / sizeof(struct failure));
    if (!dropped) {
        lt_array_move(&batch, ret_batch);
    } else if (dropped < rows) {
        status = lt_array_filter(&reader->schema, &batch, reader->drop.data, ret_batch, err);
    }
    lt_array_done(&batch);
    return status;
}

/* Whatever failed, fails again: the columns may be half built. */
static int fail_for_good(struct lt_csv_reader *reader, int status, const struct leat_error *err)
{
    leat_error_clear(&reader->fault_error);
    if (err) {
        reader->fault_error = *err;
    }
    set_fault(reader, status);
    reader->row_next = lt_csv_scan_rows(&reader->scan);
    return status;
}

int lt_csv_read_next(struct lt_format_reader *format_reader, struct ArrowArray *ret_batch,
                     struct leat_error *err)
{
    struct lt_csv_reader *reader = (struct lt_csv_reader *)format_reader;
    struct lt_csv_scan *scan = &reader->scan;
    struct ArrowArray batch = {0};
    int status = LEAT_OK;
    while (!status && !batch.release) {
        if (reader->row_next == lt_csv_scan_rows(scan) && !reader->ended) {
            lt_csv_scan_compact(scan);
            reader->row_next = 0;
            status = lt_csv_fill(reader, reader->batch_rows_max, reader->batch_bytes_max, err);
        }
        if (status || reader->row_next == lt_csv_scan_rows(scan)) {
            break;
        }
        int64_t rows = count_batch(reader);
        status = build_batch(reader, reader->row_next, rows, &batch, err);
        reader->row_next += rows;
    }
    if (status) {
        lt_array_done(&batch);
        return fail_for_good(reader, status, err);
    }
    if (!batch.release && reader->fault) {
        if (err) {
            *err = reader->fault_error;
        }
        return reader->fault;
    }
    *ret_batch = batch;
    return LEAT_OK;
}
