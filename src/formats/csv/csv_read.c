/* Reading CSV: blocks in, batches out.
 *
 * Opening reads the header and a sample; the sample's records are kept and are the first to be
 * delivered. A fault found while scanning (a ragged record, a cut quote) waits until the records
 * before it were delivered, so that what is reported is always the first fault of the file. */
#include "formats/csv/csv.h"

#include "columnar/array.h"
#include "columnar/schema.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CHUNK_ROWS 1024 /* rows converted at once: their text stays in the processor's cache */
#define NAME_MAX_SHOWN 100

/* A value that could not be read: the first one of its record. */
struct failure {
    int64_t row; /* of the batch */
    int64_t column;
    const char *why;
};

struct lt_csv_reader {
    struct lt_source *source;
    const struct leat_reject_sink *rejects;
    struct lt_csv_dialect dialect;
    char *null_text;
    int64_t batch_rows_max, batch_bytes_max, sample_rows;
    bool header_given; /* the first record is the header for sure */
    bool header_auto;
    bool in_header;

    struct lt_csv_scan scan;
    int64_t row_next; /* first row of the scanner not delivered yet */
    bool ended;       /* no more rows will be scanned */
    int fault;        /* status of what ended it too early */
    struct leat_error fault_error;

    struct ArrowSchema schema;
    bool *given; /* per column: its type was not inferred */
    struct lt_batch_builder builder;
    struct lt_buf scratch;
    struct lt_buf failures;
    struct lt_buf drop; /* bits: rows of the batch that were rejected */
};

/* --- faults and rejects --------------------------------------------------------------------- */

static void place_line(const struct lt_csv_reader *reader, int64_t line, char *text, size_t size)
{
    snprintf(text, size, "%s:%lld", reader->source->name ? reader->source->name : "<csv>",
             (long long)line);
}

static const char *column_name(const struct lt_csv_reader *reader, int64_t column)
{
    return reader->schema.release ? reader->schema.children[column]->name : "";
}

static void place_value(const struct lt_csv_reader *reader, int64_t line, int64_t column,
                        char *text, size_t size)
{
    char place[256];
    place_line(reader, line, place, sizeof place);
    snprintf(text, size, "%.150s column \"%.*s\"", place, NAME_MAX_SHOWN,
             column_name(reader, column));
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
        leat_error_remedy(fault, "quotes inside a quoted field must be doubled; --quote none "
                                 "reads quotes as they are");
    } else {
        status = lt_fail(fault, LT_E_CORRUPT, "the record has %lld field%s instead of %lld",
                         (long long)scan->bad_fields, scan->bad_fields == 1 ? "" : "s",
                         (long long)scan->columns);
        leat_error_remedy(fault, scan->bad_fields < scan->columns
                                     ? "--ragged fill reads missing fields as null"
                                     : "check --delimiter and --quote");
    }
    place_line(reader, scan->bad.line, fault->place, sizeof fault->place);
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
    place_line(reader, reader->scan.quote_line, fault->place, sizeof fault->place);
    set_fault(reader, status);
}

static void too_long(struct lt_csv_reader *reader)
{
    struct leat_error *fault = &reader->fault_error;
    leat_error_clear(fault);
    int status = lt_fail(fault, LT_E_LIMIT, "%s", reader->scan.bad_reason);
    leat_error_remedy(fault, "a quote that is never closed reads like this; check --quote");
    place_line(reader, reader->scan.bad.line, fault->place, sizeof fault->place);
    set_fault(reader, status);
}

/* --- bytes and rows ------------------------------------------------------------------------- */

static int read_block(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_buf *text = &reader->scan.text;
    size_t len;
    if (lt_buf_reserve(text, LT_CSV_BLOCK)) {
        return lt_fail_oom(err);
    }
    int status = lt_source_read(reader->source, text->data + text->len, LT_CSV_BLOCK, &len, err);
    if (status) {
        return status;
    }
    text->len += len;
    text->data[text->len] = 0;
    reader->scan.whole = len == 0;
    return LEAT_OK;
}

/* Scans until there are rows_max rows or bytes_max bytes of them, or no more. */
static int fill(struct lt_csv_reader *reader, int64_t rows_max, int64_t bytes_max,
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
            status = read_block(reader, err);
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

static void cells_of(struct lt_csv_reader *reader, int64_t first, int64_t rows,
                     struct lt_csv_cells *ret_cells)
{
    struct lt_csv_scan *scan = &reader->scan;
    ret_cells->text = scan->text.data;
    ret_cells->fields =
        (const struct lt_csv_field *)(const void *)scan->fields.data + first * scan->columns;
    ret_cells->stride = scan->columns;
    ret_cells->rows = rows;
    ret_cells->dialect = &reader->dialect;
    ret_cells->scratch = &reader->scratch;
}

/* --- opening: byte order mark, delimiter, header -------------------------------------------- */

/* Reads enough to recognise the delimiter, however short the source's own reads are. */
static int read_beginning(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_csv_scan *scan = &reader->scan;
    while (!scan->whole && scan->text.len < LT_CSV_SNIFF_BYTES) {
        int status = read_block(reader, err);
        if (status) {
            return status;
        }
    }
    const uint8_t *text = scan->text.data;
    size_t len = scan->text.len;
    if (len >= 2 && ((text[0] == 0xff && text[1] == 0xfe) || (text[0] == 0xfe && text[1] == 0xff))) {
        int status = lt_fail(err, LT_E_INVALID_UTF8, "the file is UTF-16, not UTF-8");
        leat_error_place(err, "%s", reader->source->name);
        return status;
    }
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        lt_buf_drop(&scan->text, 3);
    }
    if (!reader->dialect.delimiter) {
        reader->dialect.delimiter = lt_csv_sniff_delimiter(
            scan->text.data, LT_MIN(scan->text.len, LT_CSV_SNIFF_BYTES - 3), reader->dialect.quote,
            scan->whole && scan->text.len <= LT_CSV_SNIFF_BYTES - 3);
    }
    scan->delimiter = reader->dialect.delimiter;
    scan->quote = reader->dialect.quote;
    return LEAT_OK;
}

struct header_name {
    const char *name;
    int64_t column;
};

static int compare_names(const void *a, const void *b)
{
    const struct header_name *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->column > y->column) - (x->column < y->column);
}

static int check_distinct(struct lt_csv_reader *reader, struct leat_error *err)
{
    int64_t n = reader->scan.columns;
    struct header_name *names = malloc((size_t)n * sizeof *names);
    int status = LEAT_OK;
    if (!names) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < n; i++) {
        names[i] = (struct header_name){reader->schema.children[i]->name, i};
    }
    qsort(names, (size_t)n, sizeof *names, compare_names);
    for (int64_t i = 1; i < n && !status; i++) {
        if (!strcmp(names[i - 1].name, names[i].name)) {
            status = lt_fail(err, LT_E_DUPLICATE_COLUMN,
                             "columns %lld and %lld of the header have the same name, \"%.*s\"",
                             (long long)names[i - 1].column + 1, (long long)names[i].column + 1,
                             NAME_MAX_SHOWN, names[i].name);
            leat_error_remedy(err, "rename one in the file, or read it with --header no");
        }
    }
    free(names);
    return status;
}

/* Names column `i` by its field in the header. */
static int name_from_header(struct lt_csv_reader *reader, const struct lt_csv_cells *cells,
                            int64_t i, struct leat_error *err)
{
    size_t len;
    const uint8_t *text = lt_csv_cell_text(cells, lt_csv_cell(cells, 0, i), &len);
    if (!text) {
        return lt_fail_oom(err);
    }
    int status = LEAT_OK;
    if (!len) {
        status = lt_fail(err, LT_E_CORRUPT, "column %lld of the header has no name",
                         (long long)i + 1);
    } else if (memchr(text, 0, len)) {
        status = lt_fail(err, LT_E_CORRUPT, "the name of column %lld holds a zero byte",
                         (long long)i + 1);
    } else if (lt_utf8_valid_prefix(text, len) != len) {
        status = lt_fail(err, LT_E_INVALID_UTF8, "the name of column %lld is not valid UTF-8",
                         (long long)i + 1);
    }
    if (status) {
        leat_error_remedy(err, "name it in the file, or read it with --header no");
        return status;
    }
    char *name = lt_strndup((const char *)text, len);
    if (!name) {
        return lt_fail_oom(err);
    }
    status = lt_schema_set_name(reader->schema.children[i], name, err);
    free(name);
    return status;
}

/* --header auto: no field is empty, doubled or reads as a value. */
static bool guess_header(const struct lt_csv_cells *cells)
{
    for (int64_t i = 0; i < cells->stride; i++) {
        size_t len;
        const uint8_t *text = lt_csv_cell_text(cells, lt_csv_cell(cells, 0, i), &len);
        if (!text || !len || lt_csv_looks_typed(text, len) || memchr(text, 0, len) ||
            lt_utf8_valid_prefix(text, len) != len) {
            return false;
        }
    }
    return true;
}

static int name_columns(struct lt_csv_reader *reader, bool *ret_header, struct leat_error *err)
{
    struct lt_csv_cells cells;
    int status = LEAT_OK;
    cells_of(reader, 0, 1, &cells);
    bool header = reader->header_given || (reader->header_auto && guess_header(&cells));
    if (header) {
        for (int64_t i = 0; i < cells.stride && !status; i++) {
            status = name_from_header(reader, &cells, i, err);
        }
        status = status ? status : check_distinct(reader, err);
        if (!status || !reader->header_auto || status != LEAT_INVALID) {
            *ret_header = header;
            return status;
        }
        leat_error_clear(err); /* doubled names: then it is data */
        status = LEAT_OK;
    }
    for (int64_t i = 0; i < cells.stride && !status; i++) {
        char name[32];
        snprintf(name, sizeof name, "column%lld", (long long)i + 1);
        status = lt_schema_set_name(reader->schema.children[i], name, err);
    }
    *ret_header = false;
    return status;
}

/* Scans the first record and makes columns, without types, of it. */
static int read_header(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_csv_scan *scan = &reader->scan;
    bool header = false;
    reader->in_header = true;
    int status = fill(reader, 1, INT64_MAX, err);
    reader->in_header = false;
    if (status) {
        return status;
    }
    if (!lt_csv_scan_rows(scan)) {
        if (reader->fault) {
            if (err) {
                *err = reader->fault_error;
            }
            return reader->fault;
        }
        status = lt_fail(err, LT_E_CORRUPT, "the input is empty: there is no first record");
        leat_error_place(err, "%s", reader->source->name);
        return status;
    }
    scan->columns = (int64_t)(scan->fields.len / sizeof(struct lt_csv_field));
    status = lt_schema_init_struct(&reader->schema, scan->columns, err);
    status = status ? status : name_columns(reader, &header, err);
    if (status) {
        char place[256];
        place_line(reader, lt_csv_scan_row(scan, 0)->line, place, sizeof place);
        leat_error_place(err, "%s", place);
    } else if (header) {
        lt_csv_scan_compact(scan);
    }
    return status;
}

/* --- opening: types ------------------------------------------------------------------------- */

/* Replaces column `i`'s field by `field`, keeping the name. */
static int set_field(struct lt_csv_reader *reader, int64_t i, struct ArrowSchema *field,
                     struct leat_error *err)
{
    struct ArrowSchema *column = reader->schema.children[i];
    int status = lt_schema_set_name(field, column->name, err);
    if (status) {
        lt_schema_done(field);
        return status;
    }
    field->flags |= ARROW_FLAG_NULLABLE;
    lt_schema_done(column);
    lt_schema_move(field, column);
    reader->given[i] = true;
    return LEAT_OK;
}

/* One COLUMN=TYPE of --types. */
static int set_type(struct lt_csv_reader *reader, const char *text, size_t len,
                    struct leat_error *err)
{
    char *item = lt_strndup(text, len);
    struct ArrowSchema field = {0};
    if (!item) {
        return lt_fail_oom(err);
    }
    int status = LEAT_OK;
    char *equals = strrchr(item, '=');
    if (!equals) {
        status = lt_fail(err, LT_E_INVALID, "--types needs COLUMN=TYPE, found \"%.*s\"",
                         NAME_MAX_SHOWN, item);
        goto out;
    }
    *equals = 0;
    int64_t i = lt_schema_find(&reader->schema, item);
    if (i < 0) {
        status = lt_fail(err, LT_E_UNKNOWN_COLUMN, "--types names column \"%.*s\", which %s",
                         NAME_MAX_SHOWN, item, "the file does not have");
        goto out;
    }
    status = lt_type_parse(equals + 1, &field, err);
    if (status) {
        leat_error_place(err, "--types %s", item);
        goto out;
    }
    status = set_field(reader, i, &field, err);
out:
    free(item);
    return status;
}

/* Splits at commas outside parentheses and angle brackets: a=decimal(10,2),b=struct<x: a, y: b>. */
static int set_types(struct lt_csv_reader *reader, const char *list, struct leat_error *err)
{
    int status = LEAT_OK;
    while (!status && list && *list) {
        size_t len = 0;
        int depth = 0;
        while (list[len] && (depth > 0 || list[len] != ',')) {
            depth += (list[len] == '(' || list[len] == '<') - (list[len] == ')' || list[len] == '>');
            len++;
        }
        status = set_type(reader, list, len, err);
        list += len + (list[len] == ',');
    }
    return status;
}

static int give_types(struct lt_csv_reader *reader, const struct lt_format_options *options,
                      struct leat_error *err)
{
    const struct ArrowSchema *schema = options ? options->schema : NULL;
    int status = LEAT_OK;
    for (int64_t i = 0; schema && i < schema->n_children && !status; i++) {
        int64_t column = lt_schema_find(&reader->schema, schema->children[i]->name);
        struct ArrowSchema field = {0};
        if (column < 0) {
            continue;
        }
        status = lt_schema_copy(schema->children[i], &field, err);
        status = status ? status : set_field(reader, column, &field, err);
    }
    for (size_t i = 0; options && i < options->n_params && !status; i++) {
        if (!strcmp(options->params[i].name, "types")) {
            status = set_types(reader, options->params[i].value, err);
        }
    }
    return status;
}

static int infer_types(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_csv_cells cells;
    int64_t rows = LT_MIN(lt_csv_scan_rows(&reader->scan), reader->sample_rows);
    int status = LEAT_OK;
    cells_of(reader, 0, rows, &cells);
    for (int64_t i = 0; i < cells.stride && !status; i++) {
        struct ArrowSchema field = {0};
        if (reader->given[i]) {
            continue;
        }
        status = lt_csv_infer(&cells, i, &field, err);
        status = status ? status : set_field(reader, i, &field, err);
        reader->given[i] = false;
    }
    return status;
}

/* What each row will take in a batch beside its text: values, or offsets. */
static int64_t row_cost(const struct lt_batch_builder *builder)
{
    int64_t cost = 0;
    for (int64_t i = 0; i < builder->n_columns; i++) {
        int32_t width = builder->columns[i].type.width;
        cost += width > 0 && width <= 32 ? width : 4;
    }
    return cost;
}

static int make_columns(struct lt_csv_reader *reader, const struct lt_format_options *options,
                        struct leat_error *err)
{
    int status = read_header(reader, err);
    if (status) {
        return status;
    }
    reader->given = calloc((size_t)reader->scan.columns, sizeof *reader->given);
    if (!reader->given) {
        return lt_fail_oom(err);
    }
    status = give_types(reader, options, err);
    /* Not known yet; what an offset takes. */
    reader->scan.row_cost = 4 * reader->scan.columns;
    if (!status && reader->sample_rows) {
        status = fill(reader, reader->sample_rows, LT_CSV_SAMPLE_BYTES, err);
    }
    status = status ? status : infer_types(reader, err);
    status = status ? status : lt_batch_builder_init(&reader->builder, &reader->schema, err);
    if (!status) {
        reader->scan.row_cost = row_cost(&reader->builder);
    }
    return status;
}

static int take_options(struct lt_csv_reader *reader, const struct lt_format_options *options,
                        struct leat_error *err)
{
    const struct leat_option *table = lt_csv_read_options;
    int status = lt_format_check_options(options, table, "csv", err);
    if (!status) {
        status = lt_csv_dialect_init(&reader->dialect, options, table, reader->source->name, err);
    }
    if (status) {
        return status;
    }
    /* Options are borrowed for the opening only. */
    reader->null_text = lt_strdup(reader->dialect.null);
    if (!reader->null_text) {
        return lt_fail_oom(err);
    }
    reader->dialect.null = reader->null_text;
    const char *header = lt_format_option(options, table, "header");
    reader->header_auto = !strcasecmp(header, "auto");
    reader->header_given = !strcasecmp(header, "yes");
    reader->scan.fill = !strcasecmp(lt_format_option(options, table, "ragged"), "fill");
    if (lt_parse_int(lt_format_option(options, table, "sample-rows"), &reader->sample_rows) ||
        reader->sample_rows < 0) {
        return lt_fail(err, LT_E_INVALID, "--sample-rows must not be negative");
    }
    int64_t rows = options ? options->batch_rows_max : 0;
    int64_t bytes = options ? options->batch_bytes_max : 0;
    reader->batch_rows_max = rows > 0 ? rows : LT_BATCH_ROWS;
    reader->batch_bytes_max = LT_MIN(bytes > 0 ? bytes : LT_BATCH_BYTES, LT_CSV_BATCH_MAX);
    reader->rejects = options ? options->rejects : NULL;
    return LEAT_OK;
}

int lt_csv_read_open(struct lt_source *source, const struct lt_format_options *options,
                     struct lt_format_reader **ret_reader, struct leat_error *err)
{
    struct lt_csv_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->source = source;
    lt_csv_scan_init(&reader->scan);
    int status = take_options(reader, options, err);
    status = status ? status : read_beginning(reader, err);
    status = status ? status : make_columns(reader, options, err);
    if (status) {
        lt_csv_read_close((struct lt_format_reader *)reader);
        return status;
    }
    *ret_reader = (struct lt_format_reader *)reader;
    return LEAT_OK;
}

int lt_csv_read_schema(struct lt_format_reader *format_reader, struct ArrowSchema *ret_schema,
                       struct leat_error *err)
{
    struct lt_csv_reader *reader = (struct lt_csv_reader *)format_reader;
    return lt_schema_copy(&reader->schema, ret_schema, err);
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

static const char not_utf8[] = "text that is not valid UTF-8";

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
        if (note_failure(reader, rows, i, column, not_utf8)) {
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
        cells_of(reader, first + at, n, &cells);
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
    static const char *const range[] = {"out of range", "more fraction digits", "no place in"};
    if (why == not_utf8) {
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
    if (code != LT_E_INVALID_UTF8 && !reader->given[failure->column]) {
        leat_error_remedy(err,
                          "the type was inferred: --cast %.*s=utf8, a larger --sample-rows, or "
                          "--on-error skip --rejects FILE",
                          NAME_MAX_SHOWN, column_name(reader, failure->column));
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
            status = fill(reader, reader->batch_rows_max, reader->batch_bytes_max, err);
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

void lt_csv_read_close(struct lt_format_reader *format_reader)
{
    struct lt_csv_reader *reader = (struct lt_csv_reader *)format_reader;
    if (!reader) {
        return;
    }
    lt_csv_scan_done(&reader->scan);
    lt_batch_builder_done(&reader->builder);
    lt_schema_done(&reader->schema);
    lt_buf_done(&reader->scratch);
    lt_buf_done(&reader->failures);
    lt_buf_done(&reader->drop);
    free(reader->given);
    free(reader->null_text);
    free(reader);
}
