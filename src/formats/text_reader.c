/* Reading text formats: from scanned records to batches, with their faults and rejects. */
#include "formats/text_reader.h"

#include "columnar/array.h"
#include "columnar/schema.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_SHOWN 100 /* bytes of a column name in messages */
#define FILE_SHOWN 120 /* bytes of a file name in places */

int lt_text_take_limits(struct lt_text_reader *reader, const struct lt_format_options *options,
                        const struct leat_option *table, struct leat_error *err)
{
    int64_t rows = options ? options->batch_rows_max : 0;
    int64_t bytes = options ? options->batch_bytes_max : 0;
    reader->batch_rows_max = rows > 0 ? rows : LT_BATCH_ROWS;
    reader->batch_bytes_max = LT_MIN(bytes > 0 ? bytes : LT_BATCH_BYTES, LT_TEXT_BATCH_MAX);
    reader->rejects = options ? options->rejects : NULL;
    reader->losses = options ? options->losses : NULL;
    if (lt_parse_int(lt_format_option(options, table, "sample-rows"), &reader->sample_rows) ||
        reader->sample_rows < 0) {
        return lt_fail(err, LT_E_INVALID, "--sample-rows must not be negative");
    }
    return LEAT_OK;
}

void lt_text_reader_done(struct lt_text_reader *reader)
{
    lt_batch_builder_done(&reader->builder);
    lt_schema_done(&reader->schema);
    lt_buf_done(&reader->failures);
    lt_buf_done(&reader->drop);
}

int lt_text_read_schema(struct lt_format_reader *format_reader, struct ArrowSchema *ret_schema,
                        struct leat_error *err)
{
    struct lt_text_reader *reader = (struct lt_text_reader *)format_reader;
    return lt_schema_copy(&reader->schema, ret_schema, err);
}

/* --- places ---------------------------------------------------------------------------------- */

int lt_text_shown(const char *name, size_t len)
{
    size_t n = 0;
    while (n < len && n < NAME_SHOWN && (uint8_t)name[n] >= ' ' && name[n] != 0x7f) {
        n++;
    }
    return (int)lt_utf8_valid_prefix(name, n);
}

void lt_text_place_line(const struct lt_text_reader *reader, int64_t line, char *text, size_t size)
{
    const char *name = reader->source->name ? reader->source->name : reader->ops->unnamed;
    size_t len = strlen(name);
    bool cut = len > FILE_SHOWN;
    if (cut) {
        name += len - FILE_SHOWN;
        while ((*name & 0xc0) == 0x80) {
            name++;
        }
    }
    snprintf(text, size, "%s%s:%lld", cut ? "..." : "", name, (long long)line);
}

void lt_text_place_column(char *text, size_t size, const char *name, size_t len)
{
    size_t at = strlen(text);
    snprintf(text + at, size - at, " column \"%.*s\"", lt_text_shown(name, len), name);
}

/* --- faults and rejects ---------------------------------------------------------------------- */

enum lt_code lt_text_code_of(const char *why)
{
    static const char *const range[] = {"out of range", "more fraction digits", "no place"};
    for (size_t i = 0; i < LT_ARRAY_LEN(range); i++) {
        if (strstr(why, range[i])) {
            return LT_E_VALUE_RANGE;
        }
    }
    return LT_E_VALUE_SYNTAX;
}

void lt_text_set_fault(struct lt_text_reader *reader, int status)
{
    reader->fault = status;
    reader->ended = true;
}

int lt_text_fault(const struct lt_text_reader *reader, struct leat_error *err)
{
    if (reader->fault && err) {
        *err = reader->fault_error;
    }
    return reader->fault;
}

/* A record as the sinks are told of it. */
static struct leat_reject told_of(const struct lt_text_reader *reader,
                                  const struct lt_text_record *record, const struct leat_error *why,
                                  const char *column)
{
    return (struct leat_reject){.size = sizeof(struct leat_reject),
                                .place = why->place,
                                .code = why->code,
                                .reason = why->message,
                                .record = (const char *)reader->text->data + record->start,
                                .record_len = record->end - record->start,
                                .column = column};
}

int lt_text_reject(struct lt_text_reader *reader, const struct lt_text_record *record,
                   const struct leat_error *why, const char *column, struct leat_error *err)
{
    struct leat_reject told = told_of(reader, record, why, column);
    return reader->rejects->reject(reader->rejects->arg, &told, err);
}

static bool is_dropped(const struct lt_text_reader *reader, int64_t row)
{
    return reader->drop.len && reader->drop.data[row >> 3] >> (row & 7) & 1;
}

int lt_text_note_failure(struct lt_text_reader *reader, int64_t row, int64_t column,
                         const char *why)
{
    struct lt_text_failure failure = {row, (int32_t)column, false, why};
    if (is_dropped(reader, row)) {
        return LEAT_OK;
    }
    if (!reader->drop.len) {
        size_t bytes = (size_t)(reader->batch_rows + 7) / 8;
        if (lt_buf_reserve(&reader->drop, bytes)) {
            return LEAT_NO_MEMORY;
        }
        memset(reader->drop.data, 0, bytes);
        reader->drop.len = bytes;
    }
    reader->drop.data[row >> 3] |= (uint8_t)(1u << (row & 7));
    reader->dropped++;
    return lt_buf_append(&reader->failures, &failure, sizeof failure);
}

static bool is_loss(const struct lt_text_reader *reader, const char *why)
{
    return reader->losses && lt_text_code_of(why) == LT_E_VALUE_RANGE;
}

static int note_loss(struct lt_text_reader *reader, int64_t row, int64_t column, const char *why)
{
    struct lt_text_failure loss = {row, (int32_t)column, true, why};
    return is_dropped(reader, row) ? LEAT_OK : lt_buf_append(&reader->failures, &loss, sizeof loss);
}

int lt_text_convert_column(struct lt_text_reader *reader, const void *cells, int64_t column,
                           int64_t chunk_first, int64_t *ret_rows)
{
    struct lt_builder *builder = &reader->builder.columns[column];
    int64_t row = 0, rows = *ret_rows;
    while (row < rows) {
        const char *why = "not a value of its type";
        int status = reader->ops->convert(reader, cells, column, rows, &row, &why);
        if (status == LEAT_NO_MEMORY) {
            return status;
        }
        if (!status) {
            break;
        }
        bool lost = is_loss(reader, why);
        status = lost ? note_loss(reader, chunk_first + row, column, why)
                      : lt_text_note_failure(reader, chunk_first + row, column, why);
        if (status || lt_builder_null(builder)) {
            return LEAT_NO_MEMORY;
        }
        if (!lost && !reader->rejects) {
            *ret_rows = row;
            return LEAT_OK;
        }
        row++;
    }
    return LEAT_OK;
}

static int compare_failures(const void *a, const void *b)
{
    const struct lt_text_failure *x = a, *y = b;
    int order = (x->row > y->row) - (x->row < y->row);
    return order ? order : (x->column > y->column) - (x->column < y->column);
}

/* Reports what failed in the batch beginning at row `first`, in the order of the input. Of a record
 * that does not stay nothing is lost. */
static int report(struct lt_text_reader *reader, int64_t first, struct leat_error *err)
{
    struct lt_text_failure *failures = (struct lt_text_failure *)(void *)reader->failures.data;
    size_t n = reader->failures.len / sizeof *failures;
    int status = LEAT_OK;
    qsort(failures, n, sizeof *failures, compare_failures);
    for (size_t i = 0; i < n && !status; i++) {
        const struct lt_text_record *record = lt_text_record(reader, first + failures[i].row);
        const char *column = NULL;
        struct leat_error why;
        if (failures[i].lost && is_dropped(reader, failures[i].row)) {
            continue;
        }
        leat_error_clear(&why);
        status = reader->ops->describe(reader, &failures[i], record, &why, &column);
        if (failures[i].lost) {
            struct leat_reject told = told_of(reader, record, &why, column);
            status = reader->losses->lost(reader->losses->arg, &told, err);
        } else if (reader->rejects) {
            status = lt_text_reject(reader, record, &why, column, err);
        } else if (err) {
            *err = why;
        }
    }
    return status;
}

/* --- batches --------------------------------------------------------------------------------- */

/* How many of the scanned rows make the next batch. */
static int64_t count_batch(const struct lt_text_reader *reader)
{
    int64_t first = reader->row_next;
    int64_t n = LT_MIN(lt_text_rows(reader) - first, reader->batch_rows_max);
    int64_t start = lt_text_record(reader, first)->start;
    for (int64_t i = 0; i < n; i++) {
        int64_t text = (int64_t)lt_text_record(reader, first + i)->end - start;
        if (text + (i + 1) * *reader->row_cost >= reader->batch_bytes_max) {
            return i + 1;
        }
    }
    return n;
}

int lt_text_build(struct lt_text_reader *reader, int64_t first, int64_t rows,
                  struct ArrowArray *ret_batch, struct leat_error *err)
{
    lt_buf_clear(&reader->failures);
    lt_buf_clear(&reader->drop);
    reader->dropped = 0;
    reader->batch_rows = rows;
    if (reader->ops->build(reader, first)) {
        return lt_fail_oom(err);
    }
    return reader->failures.len ? LEAT_OK
                                : lt_batch_builder_finish(&reader->builder, rows, ret_batch, err);
}

int lt_text_settle(struct lt_text_reader *reader, int64_t first, struct ArrowArray *ret_batch,
                   struct leat_error *err)
{
    struct ArrowArray batch = {0};
    if (!reader->failures.len) {
        return LEAT_OK;
    }
    int status = report(reader, first, err);
    status = status ? status
                    : lt_batch_builder_finish(&reader->builder, reader->batch_rows, &batch, err);
    if (!status && !reader->dropped) {
        lt_array_move(&batch, ret_batch);
    } else if (!status && reader->dropped < reader->batch_rows) {
        status = lt_array_filter(&reader->schema, &batch, reader->drop.data, ret_batch, err);
    }
    lt_array_done(&batch);
    return status;
}

/* Whatever failed, fails again: the columns may be half built. */
static int fail_for_good(struct lt_text_reader *reader, int status, const struct leat_error *err)
{
    leat_error_clear(&reader->fault_error);
    if (err) {
        reader->fault_error = *err;
    }
    lt_text_set_fault(reader, status);
    reader->row_next = lt_text_rows(reader);
    return status;
}

int lt_text_read_next(struct lt_format_reader *format_reader, struct ArrowArray *ret_batch,
                      struct leat_error *err)
{
    struct lt_text_reader *reader = (struct lt_text_reader *)format_reader;
    struct ArrowArray batch = {0};
    int status = LEAT_OK;
    while (!status && !batch.release) {
        if (reader->row_next == lt_text_rows(reader) && !reader->ended) {
            reader->ops->compact(reader);
            reader->row_next = 0;
            status =
                reader->ops->fill(reader, reader->batch_rows_max, reader->batch_bytes_max, err);
        }
        if (status || reader->row_next == lt_text_rows(reader)) {
            break;
        }
        int64_t first = reader->row_next;
        status = lt_text_build(reader, first, count_batch(reader), &batch, err);
        status = status ? status : lt_text_settle(reader, first, &batch, err);
        reader->row_next += reader->batch_rows;
    }
    if (status) {
        lt_array_done(&batch);
        return fail_for_good(reader, status, err);
    }
    if (!batch.release && reader->fault) {
        return lt_text_fault(reader, err);
    }
    *ret_batch = batch;
    return LEAT_OK;
}
