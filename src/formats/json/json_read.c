/* Reading JSON Lines: blocks in, batches out.
 *
 * A fault found while scanning waits until the records before it were delivered, so that what is
 * reported is always the first fault of the input. */
#include "formats/json/json_reader.h"

#include "columnar/array.h"
#include "columnar/schema.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK_ROWS 1024             /* rows converted at once, at most */
#define CHUNK_SLOTS INT64_C(131072) /* ... and their slots: 1 MiB */

/* A value that could not be read: the first one of its record. */
struct failure {
    int64_t row; /* of the batch */
    int64_t column;
    const char *why;
};

/* --- places ---------------------------------------------------------------------------------- */

int lt_jsonl_shown(const char *name, size_t len)
{
    size_t n = 0;
    while (n < len && n < LT_JSONL_NAME_SHOWN && (uint8_t)name[n] >= ' ' && name[n] != 0x7f) {
        n++;
    }
    return (int)lt_utf8_valid_prefix(name, n);
}

void lt_jsonl_place_line(const struct lt_jsonl_reader *reader, int64_t line, char *text,
                         size_t size)
{
    const char *name = reader->source->name ? reader->source->name : "<json>";
    size_t len = strlen(name);
    bool cut = len > LT_JSONL_FILE_SHOWN;
    if (cut) {
        name += len - LT_JSONL_FILE_SHOWN;
        while ((*name & 0xc0) == 0x80) {
            name++;
        }
    }
    snprintf(text, size, "%s%s:%lld", cut ? "..." : "", name, (long long)line);
}

static void place_column(char *text, size_t size, const char *name, size_t len)
{
    size_t at = strlen(text);
    snprintf(text + at, size - at, " column \"%.*s\"", lt_jsonl_shown(name, len), name);
}

/* --- faults and rejects ---------------------------------------------------------------------- */

/* Ends reading with the fault in reader->fault_error, once the rows before it are delivered. */
static void set_fault(struct lt_jsonl_reader *reader, int status)
{
    reader->fault = status;
    reader->ended = true;
}

/* Tells the sink of rejects about a record; its refusal is filled into *err. */
static int reject(struct lt_jsonl_reader *reader, const struct lt_jsonl_row *row,
                  const struct leat_error *why, const char *column, struct leat_error *err)
{
    struct leat_reject told = {.size = sizeof told,
                               .place = why->place,
                               .code = why->code,
                               .reason = why->message,
                               .record = (const char *)reader->scan.text.data + row->start,
                               .record_len = row->end - row->start,
                               .column = column};
    return reader->rejects->reject(reader->rejects->arg, &told, err);
}

/* Bytes from the beginning of its line to the fault, from 1. */
static size_t column_of(const struct lt_jsonl_scan *scan)
{
    size_t at = LT_MIN(scan->fault.at, scan->text.len), start = at;
    while (start > scan->fault.record.start && scan->text.data[start - 1] != '\n') {
        start--;
    }
    return at - start + 1;
}

/* What the scanner found, as an error: where its record begins, and where in it the fault is. */
static int describe_fault(const struct lt_jsonl_reader *reader, struct leat_error *err)
{
    const struct lt_jsonl_scan *scan = &reader->scan;
    const struct lt_jsonl_fault *fault = &scan->fault;
    const char *key = (const char *)scan->text.data + fault->key;
    int status;
    leat_error_clear(err);
    if (fault->code == LT_E_COLUMN_MISMATCH || fault->code == LT_E_LIMIT || fault->name[0]) {
        status = lt_fail(err, fault->code, "%s", fault->why);
    } else if (fault->line == fault->record.line) {
        status =
            lt_fail(err, fault->code, "%s, at byte %zu of the record", fault->why, column_of(scan));
    } else {
        status = lt_fail(err, fault->code, "%s, on line %lld, byte %zu", fault->why,
                         (long long)fault->line, column_of(scan));
    }
    lt_jsonl_place_line(reader, fault->record.line, err->place, sizeof err->place);
    if (fault->key_len) {
        place_column(err->place, sizeof err->place, key, fault->key_len);
        leat_error_remedy(err,
                          "--types makes a column of it, --unknown-keys ignore passes it over; "
                          "or look at more records with --sample-rows");
    } else if (fault->name[0]) {
        place_column(err->place, sizeof err->place, fault->name, strlen(fault->name));
    } else if (fault->code == LT_E_COLUMN_MISMATCH) {
        leat_error_remedy(err, "--unknown-keys ignore passes them over; or look at more records "
                               "with --sample-rows");
    }
    if (fault->remedy) {
        leat_error_remedy(err, "%s", fault->remedy);
    }
    return status;
}

/* A record that cannot be taken: set aside, or the end of reading. */
static int bad_record(struct lt_jsonl_reader *reader, struct leat_error *err)
{
    struct lt_jsonl_scan *scan = &reader->scan;
    int status = describe_fault(reader, &reader->fault_error);
    if (!reader->rejects) {
        set_fault(reader, status);
        return LEAT_OK;
    }
    const char *column = scan->fault.name[0] ? scan->fault.name : NULL;
    return reject(reader, &scan->fault.record, &reader->fault_error, column, err);
}

/* --- bytes and rows -------------------------------------------------------------------------- */

int lt_jsonl_read_block(struct lt_jsonl_reader *reader, struct leat_error *err)
{
    struct lt_buf *text = &reader->scan.text;
    size_t len;
    if (lt_buf_reserve(text, reader->block + LT_JSONL_PAD)) {
        return lt_fail_oom(err);
    }
    int status = lt_source_read(reader->source, text->data + text->len, reader->block, &len, err);
    if (status) {
        return status;
    }
    text->len += len;
    text->data[text->len] = 0;
    reader->scan.whole = len == 0;
    if (len == reader->block) {
        reader->block = LT_JSONL_BLOCK;
    }
    return LEAT_OK;
}

int lt_jsonl_fill(struct lt_jsonl_reader *reader, int64_t rows_max, int64_t bytes_max,
                  struct leat_error *err)
{
    struct lt_jsonl_scan *scan = &reader->scan;
    int status = LEAT_OK;
    while (!status && !reader->ended) {
        switch (lt_jsonl_scan_run(scan, rows_max, bytes_max)) {
        case LT_JSONL_FULL:
            return LEAT_OK;
        case LT_JSONL_MORE:
            /* Nothing but rejected records and blanks so far: they need not be kept. */
            if (!lt_jsonl_scan_rows(scan) && scan->pos) {
                lt_jsonl_scan_compact(scan);
            }
            status = lt_jsonl_read_block(reader, err);
            break;
        case LT_JSONL_BAD_RECORD:
            status = bad_record(reader, err);
            break;
        case LT_JSONL_BROKEN:
            set_fault(reader, describe_fault(reader, &reader->fault_error));
            break;
        case LT_JSONL_END:
            reader->ended = true;
            break;
        default:
            status = lt_fail_oom(err);
        }
    }
    return status;
}

/* --- batches --------------------------------------------------------------------------------- */

/* How many of the scanned rows make the next batch. */
static int64_t count_batch(const struct lt_jsonl_reader *reader)
{
    const struct lt_jsonl_scan *scan = &reader->scan;
    int64_t first = reader->row_next;
    int64_t n = LT_MIN(lt_jsonl_scan_rows(scan) - first, reader->batch_rows_max);
    int64_t start = lt_jsonl_scan_row(scan, first)->start;
    for (int64_t i = 0; i < n; i++) {
        int64_t text = (int64_t)lt_jsonl_scan_row(scan, first + i)->end - start;
        if (text + (i + 1) * scan->row_cost >= reader->batch_bytes_max) {
            return i + 1;
        }
    }
    return n;
}

static bool is_dropped(const struct lt_jsonl_reader *reader, int64_t row)
{
    return reader->drop.len && reader->drop.data[row >> 3] >> (row & 7) & 1;
}

/* Notes that a row of the batch cannot be delivered. */
static int note_failure(struct lt_jsonl_reader *reader, int64_t rows, int64_t row, int64_t column,
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

/* Spreads the cells of some rows out into columns, `n` slots each. */
static int spread(struct lt_jsonl_reader *reader, int64_t first, int64_t n)
{
    const struct lt_jsonl_scan *scan = &reader->scan;
    size_t size = (size_t)n * (size_t)reader->builder.n_columns * sizeof(struct lt_jsonl_slot);
    lt_buf_clear(&reader->slots);
    if (lt_buf_reserve(&reader->slots, size)) {
        return LEAT_NO_MEMORY;
    }
    memset(reader->slots.data, 0, size);
    struct lt_jsonl_slot *slots = (struct lt_jsonl_slot *)(void *)reader->slots.data;
    for (int64_t i = 0; i < n; i++) {
        const struct lt_jsonl_row *row = lt_jsonl_scan_row(scan, first + i);
        const struct lt_jsonl_cell *cell = lt_jsonl_scan_cell(scan, row->first);
        for (uint32_t k = 0; k < row->n; k++, cell++) {
            slots[(int64_t)cell->column * n + i] = (struct lt_jsonl_slot){cell->start, cell->info};
        }
    }
    return LEAT_OK;
}

/* Converts one column of one chunk. Without a reject sink *ret_rows shrinks to the first row that
 * fails, so that what is left to convert can only find an earlier one. */
static int convert_column(struct lt_jsonl_reader *reader, const struct lt_jsonl_cells *cells,
                          int64_t column, int64_t chunk_first, int64_t *ret_rows,
                          int64_t batch_rows)
{
    struct lt_builder *builder = &reader->builder.columns[column];
    struct lt_jsonl_cells part = *cells;
    int64_t row = 0;
    part.rows = *ret_rows;
    part.strict = !reader->columns[column].given && !reader->columns[column].told;
    while (row < part.rows) {
        const char *why = "not a value of its type";
        int status = lt_jsonl_convert(&part, builder, &row, &why);
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

static int convert_rows(struct lt_jsonl_reader *reader, int64_t first, int64_t rows)
{
    int64_t columns = reader->builder.n_columns;
    int64_t chunk = LT_MAX(LT_MIN(CHUNK_ROWS, CHUNK_SLOTS / LT_MAX(columns, 1)), 1);
    for (int64_t at = 0; at < rows; at += chunk) {
        int64_t n = LT_MIN(rows - at, chunk), left = n;
        if (spread(reader, first + at, n)) {
            return LEAT_NO_MEMORY;
        }
        struct lt_jsonl_cells cells = {
            .text = reader->scan.text.data, .base64 = reader->base64, .scratch = &reader->scratch};
        for (int64_t column = 0; column < columns; column++) {
            cells.slots = (const struct lt_jsonl_slot *)(void *)reader->slots.data + column * n;
            if (convert_column(reader, &cells, column, at, &left, rows)) {
                return LEAT_NO_MEMORY;
            }
        }
        if (left < n) {
            break;
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
    static const char *const range[] = {"out of range", "more fraction digits", "no place in"};
    for (size_t i = 0; i < LT_ARRAY_LEN(range); i++) {
        if (strstr(why, range[i])) {
            return LT_E_VALUE_RANGE;
        }
    }
    return LT_E_VALUE_SYNTAX;
}

static int describe_failure(const struct lt_jsonl_reader *reader, const struct failure *failure,
                            const struct lt_jsonl_row *row, struct leat_error *err)
{
    int status = lt_fail(err, code_of(failure->why), "%s", failure->why);
    const char *name = reader->schema.children[failure->column]->name;
    if (!err) {
        return status;
    }
    lt_jsonl_place_line(reader, row->line, err->place, sizeof err->place);
    place_column(err->place, sizeof err->place, name, strlen(name));
    if (!reader->columns[failure->column].given && !reader->columns[failure->column].told) {
        leat_error_remedy(err,
                          "the type was inferred: --cast %.*s=json (or utf8), a larger "
                          "--sample-rows, or --on-error skip --rejects FILE",
                          lt_jsonl_shown(name, strlen(name)), name);
    }
    return status;
}

/* Reports what failed in the batch beginning at row `first`, in the order of the input. */
static int report(struct lt_jsonl_reader *reader, int64_t first, struct leat_error *err)
{
    struct failure *failures = (struct failure *)(void *)reader->failures.data;
    size_t n = reader->failures.len / sizeof *failures;
    qsort(failures, n, sizeof *failures, compare_failures);
    for (size_t i = 0; i < n; i++) {
        const struct lt_jsonl_row *row = lt_jsonl_scan_row(&reader->scan, first + failures[i].row);
        if (!reader->rejects) {
            return describe_failure(reader, &failures[i], row, err);
        }
        struct leat_error why;
        leat_error_clear(&why);
        describe_failure(reader, &failures[i], row, &why);
        int status =
            reject(reader, row, &why, reader->schema.children[failures[i].column]->name, err);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}

/* Builds `rows` rows and leaves out what was rejected; *ret_batch stays released when that is all
 * of them. */
static int build_batch(struct lt_jsonl_reader *reader, int64_t first, int64_t rows,
                       struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct ArrowArray batch = {0};
    lt_buf_clear(&reader->failures);
    lt_buf_clear(&reader->drop);
    if (convert_rows(reader, first, rows)) {
        return lt_fail_oom(err);
    }
    int status = reader->failures.len ? report(reader, first, err) : LEAT_OK;
    status = status ? status : lt_batch_builder_finish(&reader->builder, rows, &batch, err);
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
static int fail_for_good(struct lt_jsonl_reader *reader, int status, const struct leat_error *err)
{
    leat_error_clear(&reader->fault_error);
    if (err) {
        reader->fault_error = *err;
    }
    set_fault(reader, status);
    reader->row_next = lt_jsonl_scan_rows(&reader->scan);
    return status;
}

int lt_jsonl_read_next(struct lt_format_reader *format_reader, struct ArrowArray *ret_batch,
                       struct leat_error *err)
{
    struct lt_jsonl_reader *reader = (struct lt_jsonl_reader *)format_reader;
    struct lt_jsonl_scan *scan = &reader->scan;
    struct ArrowArray batch = {0};
    int status = LEAT_OK;
    while (!status && !batch.release) {
        if (reader->row_next == lt_jsonl_scan_rows(scan) && !reader->ended) {
            lt_jsonl_scan_compact(scan);
            reader->row_next = 0;
            status = lt_jsonl_fill(reader, reader->batch_rows_max, reader->batch_bytes_max, err);
        }
        if (status || reader->row_next == lt_jsonl_scan_rows(scan)) {
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
