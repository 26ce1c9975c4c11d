/* Reading JSON Lines: blocks in, columns out.
 *
 * A fault found while scanning waits until the records before it were delivered, so that what is
 * reported is always the first fault of the input. */
#include "formats/json/json_reader.h"

#include "core/util.h"

#define CHUNK_ROWS 1024             /* rows converted at once, at most */
#define CHUNK_SLOTS INT64_C(131072) /* ... and their slots: 1 MiB */

/* --- faults and rejects ---------------------------------------------------------------------- */

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
    lt_text_place_line(&reader->base, fault->record.line, err->place, sizeof err->place);
    if (fault->key_len) {
        lt_text_place_column(err->place, sizeof err->place, key, fault->key_len);
        leat_error_remedy(err,
                          "--types makes a column of it, --unknown-keys ignore passes it over; "
                          "or look at more records with --sample-rows");
    } else if (fault->name[0]) {
        lt_text_place_column(err->place, sizeof err->place, fault->name, strlen(fault->name));
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
    int status = describe_fault(reader, &reader->base.fault_error);
    if (!reader->base.rejects) {
        lt_text_set_fault(&reader->base, status);
        return LEAT_OK;
    }
    const char *column = scan->fault.name[0] ? scan->fault.name : NULL;
    return lt_text_reject(&reader->base, &scan->fault.record, &reader->base.fault_error, column,
                          err);
}

/* --- bytes and rows -------------------------------------------------------------------------- */

int lt_jsonl_read_block(struct lt_jsonl_reader *reader, struct leat_error *err)
{
    struct lt_buf *text = &reader->scan.text;
    size_t len;
    if (lt_buf_reserve(text, reader->block + LT_JSONL_PAD)) {
        return lt_fail_oom(err);
    }
    int status =
        lt_source_read(reader->base.source, text->data + text->len, reader->block, &len, err);
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
    while (!status && !reader->base.ended) {
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
            lt_text_set_fault(&reader->base, describe_fault(reader, &reader->base.fault_error));
            break;
        case LT_JSONL_END:
            reader->base.ended = true;
            break;
        default:
            status = lt_fail_oom(err);
        }
    }
    return status;
}

/* --- batches --------------------------------------------------------------------------------- */

/* Spreads the cells of some rows out into columns, `n` slots each. */
static int spread(struct lt_jsonl_reader *reader, int64_t first, int64_t n)
{
    const struct lt_jsonl_scan *scan = &reader->scan;
    size_t size = (size_t)n * (size_t)reader->base.builder.n_columns * sizeof(struct lt_jsonl_slot);
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

/* --- struct lt_text_ops ---------------------------------------------------------------------- */

static int fill(struct lt_text_reader *reader, int64_t rows_max, int64_t bytes_max,
                struct leat_error *err)
{
    return lt_jsonl_fill((struct lt_jsonl_reader *)reader, rows_max, bytes_max, err);
}

static void compact(struct lt_text_reader *reader)
{
    lt_jsonl_scan_compact(&((struct lt_jsonl_reader *)reader)->scan);
}

static int build(struct lt_text_reader *base, int64_t first)
{
    struct lt_jsonl_reader *reader = (struct lt_jsonl_reader *)base;
    int64_t rows = base->batch_rows;
    int64_t columns = reader->base.builder.n_columns;
    int64_t chunk = LT_MAX(LT_MIN(CHUNK_ROWS, CHUNK_SLOTS / LT_MAX(columns, 1)), 1);
    for (int64_t at = 0; at < rows; at += chunk) {
        int64_t n = LT_MIN(rows - at, chunk), left = n;
        if (spread(reader, first + at, n)) {
            return LEAT_NO_MEMORY;
        }
        struct lt_jsonl_cells cells = {.text = reader->scan.text.data,
                                       .base64 = reader->base64,
                                       .own_null = reader->own_null,
                                       .scratch = &reader->scratch};
        for (int64_t column = 0; column < columns; column++) {
            cells.slots = (const struct lt_jsonl_slot *)(void *)reader->slots.data + column * n;
            if (lt_text_convert_column(base, &cells, column, at, &left)) {
                return LEAT_NO_MEMORY;
            }
        }
        if (left < n) {
            break;
        }
    }
    return LEAT_OK;
}

static bool is_inferred(const struct lt_text_reader *reader, int64_t column)
{
    const struct lt_jsonl_column *known =
        &((const struct lt_jsonl_reader *)reader)->columns[column];
    return !known->given && !known->told;
}

static int convert(struct lt_text_reader *reader, const void *cells, int64_t column, int64_t rows,
                   int64_t *row, const char **ret_why)
{
    struct lt_jsonl_cells part = *(const struct lt_jsonl_cells *)cells;
    part.rows = rows;
    part.strict = is_inferred(reader, column);
    return lt_jsonl_convert(&part, &reader->builder.columns[column], row, ret_why);
}

static int describe(const struct lt_text_reader *reader, const struct lt_text_failure *failure,
                    const struct lt_text_record *record, struct leat_error *err,
                    const char **ret_column)
{
    int status = lt_fail(err, lt_text_code_of(failure->why), "%s", failure->why);
    const char *name = reader->schema.children[failure->column]->name;
    *ret_column = name;
    lt_text_place_line(reader, record->line, err->place, sizeof err->place);
    lt_text_place_column(err->place, sizeof err->place, name, strlen(name));
    if (is_inferred(reader, failure->column)) {
        leat_error_remedy(err,
                          "the type was inferred: --cast %.*s=json (or utf8), a larger "
                          "--sample-rows, or --on-error skip --rejects FILE",
                          lt_text_shown(name, strlen(name)), name);
    }
    return status;
}

const struct lt_text_ops lt_jsonl_text_ops = {.unnamed = "<json>",
                                              .fill = fill,
                                              .compact = compact,
                                              .build = build,
                                              .convert = convert,
                                              .describe = describe};
