/* Opening a CSV reader: options, header, and column types from a sample. The sample's records are kept and are the first to be delivered. */
#include "formats/csv/csv_reader.h"

#include "columnar/schema.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* --- the header ----------------------------------------------------------------------------- */

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
        names[i] = (struct header_name){reader->base.schema.children[i]->name, i};
    }
    qsort(names, (size_t)n, sizeof *names, compare_names);
    for (int64_t i = 1; i < n && !status; i++) {
        if (!strcmp(names[i - 1].name, names[i].name)) {
            status = lt_fail(err, LT_E_DUPLICATE_COLUMN,
                             "columns %lld and %lld of the header have the same name, \"%.*s\"",
                             (long long)names[i - 1].column + 1, (long long)names[i].column + 1,
                             lt_text_shown(names[i].name, strlen(names[i].name)), names[i].name);
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
        status =
            lt_fail(err, LT_E_CORRUPT, "column %lld of the header has no name", (long long)i + 1);
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
    status = lt_schema_set_name(reader->base.schema.children[i], name, err);
    free(name);
    return status;
}

/* --header auto: no field is empty, doubled or reads as a value. */
static bool guess_header(const struct lt_csv_cells *cells)
{
    for (int64_t i = 0; i < cells->stride; i++) {
        size_t len;
        const uint8_t *text = lt_csv_cell_text(cells, lt_csv_cell(cells, 0, i), &len);
        if (!text || !len || lt_csv_looks_typed(cells->dialect, text, len) ||
            memchr(text, 0, len) || lt_utf8_valid_prefix(text, len) != len) {
            return false;
        }
    }
    return true;
}

static int name_columns(struct lt_csv_reader *reader, const struct lt_format_options *options,
                        bool *ret_header, struct leat_error *err)
{
    struct lt_csv_cells cells;
    int status = LEAT_OK;
    lt_csv_cells_of(reader, 0, 1, &cells);
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
    const struct ArrowSchema *names = options && options->schema_whole ? options->schema : NULL;
    for (int64_t i = 0; i < cells.stride && !status; i++) {
        char name[32];
        bool known = names && names->n_children == cells.stride;
        snprintf(name, sizeof name, "column%lld", (long long)i + 1);
        status = lt_schema_set_name(reader->base.schema.children[i],
                                    known ? names->children[i]->name : name, err);
    }
    *ret_header = false;
    return status;
}

/* Scans the first record and makes columns, without types, of it. */
static int read_header(struct lt_csv_reader *reader, const struct lt_format_options *options,
                       struct leat_error *err)
{
    struct lt_csv_scan *scan = &reader->scan;
    bool header = false;
    reader->in_header = true;
    int status = lt_csv_fill(reader, 1, INT64_MAX, err);
    reader->in_header = false;
    if (status) {
        return status;
    }
    if (!lt_csv_scan_rows(scan)) {
        if (reader->base.fault) {
            return lt_text_fault(&reader->base, err);
        }
        status = lt_fail(err, LT_E_CORRUPT, "the input is empty: there is no first record");
        leat_error_place(err, "%s", reader->base.source->name);
        return status;
    }
    scan->columns = (int64_t)(scan->fields.len / sizeof(struct lt_csv_field));
    status = lt_schema_init_struct(&reader->base.schema, scan->columns, err);
    status = status ? status : name_columns(reader, options, &header, err);
    if (status) {
        char place[256];
        lt_text_place_line(&reader->base, lt_csv_scan_row(scan, 0)->line, place, sizeof place);
        leat_error_place(err, "%s", place);
    } else if (header) {
        lt_csv_scan_compact(scan);
    }
    reader->header = header;
    return status;
}

/* --- opening: types ------------------------------------------------------------------------- */

/* Makes column `i` what `field` says, for good. */
static int set_field(struct lt_csv_reader *reader, int64_t i, struct ArrowSchema *field,
                     struct leat_error *err)
{
    reader->given[i] = true;
    return lt_text_set_field(&reader->base, i, field, err);
}

static int unknown_column(const struct lt_csv_reader *reader, const char *name,
                          struct leat_error *err)
{
    int64_t n = reader->base.schema.n_children;
    const char **names = calloc((size_t)n + 1, sizeof *names);
    if (!names) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < n; i++) {
        names[i] = reader->base.schema.children[i]->name;
    }
    int status =
        lt_fail(err, LT_E_UNKNOWN_COLUMN, "--types names a column that is not there, \"%.*s\"",
                lt_text_shown(name, strlen(name)), name);
    const char *closest = lt_closest(name, names);
    if (closest) {
        leat_error_remedy(err, "did you mean \"%.*s\"?", lt_text_shown(closest, strlen(closest)),
                          closest);
    }
    free(names);
    return status;
}

/* One COLUMN=TYPE of --types. */
static int set_type(struct lt_text_reader *base, const char *name, const char *type,
                    struct leat_error *err)
{
    struct lt_csv_reader *reader = (struct lt_csv_reader *)base;
    struct ArrowSchema field = {0};
    int64_t i = lt_schema_find(&base->schema, name);
    if (i < 0) {
        return unknown_column(reader, name, err);
    }
    int status = lt_text_parse_type(name, type, &field, err);
    return status ? status : set_field(reader, i, &field, err);
}

/* Types of options->schema: all, or those that count for more than --types. */
static int give_schema(struct lt_csv_reader *reader, const struct lt_format_options *options,
                       bool all, struct leat_error *err)
{
    const struct ArrowSchema *schema = options ? options->schema : NULL;
    int status = LEAT_OK;
    for (int64_t i = 0; schema && i < schema->n_children && !status; i++) {
        int64_t column = lt_schema_find(&reader->base.schema, schema->children[i]->name);
        struct ArrowSchema field = {0};
        if (column < 0 || (!all && !lt_text_is_carried(options, i))) {
            continue;
        }
        status = lt_schema_copy(schema->children[i], &field, err);
        status = status ? status : set_field(reader, column, &field, err);
    }
    return status;
}

static int give_types(struct lt_csv_reader *reader, const struct lt_format_options *options,
                      struct leat_error *err)
{
    int status = give_schema(reader, options, true, err);
    status = status ? status : lt_text_each_type(&reader->base, options, set_type, err);
    return status ? status : give_schema(reader, options, false, err);
}

static int infer_types(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_csv_cells cells;
    int64_t rows = LT_MIN(lt_csv_scan_rows(&reader->scan), reader->base.sample_rows);
    int status = LEAT_OK;
    lt_csv_cells_of(reader, 0, rows, &cells);
    reader->sampled = rows;
    for (int64_t i = 0; i < cells.stride && !status; i++) {
        struct ArrowSchema field = {0};
        if (reader->given[i]) {
            continue;
        }
        status = lt_csv_infer(&cells, i, &field, err);
        field.flags |= LT_FLAG_INFERRED;
        status = status ? status : lt_text_set_field(&reader->base, i, &field, err);
    }
    return status;
}

static int make_columns(struct lt_csv_reader *reader, const struct lt_format_options *options,
                        struct leat_error *err)
{
    int status = read_header(reader, options, err);
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
    if (!status && reader->base.sample_rows) {
        status = lt_csv_fill(reader, reader->base.sample_rows, LT_CSV_SAMPLE_BYTES, err);
    }
    status = status ? status : infer_types(reader, err);
    return status ? status : lt_text_make_builder(&reader->base, err);
}

static int take_options(struct lt_csv_reader *reader, const struct lt_format_options *options,
                        struct leat_error *err)
{
    const struct leat_option *table = lt_csv_read_options;
    int status = lt_format_check_options(options, table, "csv", err);
    if (!status) {
        status =
            lt_csv_dialect_init(&reader->dialect, options, table, reader->base.source->name, err);
    }
    if (status) {
        return status;
    }
    const char *header = lt_csv_option(options, table, "header");
    const char *ragged = lt_csv_option(options, table, "ragged");
    reader->header_auto = !strcasecmp(header, "auto");
    reader->header_given = !strcasecmp(header, "yes");
    reader->scan.fill = !strcasecmp(ragged, "fill") || !strcasecmp(ragged, "fit");
    reader->scan.cut = !strcasecmp(ragged, "drop-extra") || !strcasecmp(ragged, "fit");
    return lt_text_take_limits(&reader->base, options, table, err);
}

int lt_csv_read_open(struct lt_source *source, const struct lt_format_options *options,
                     struct lt_format_reader **ret_reader, struct leat_error *err)
{
    struct lt_csv_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->base = (struct lt_text_reader){.ops = &lt_csv_text_ops,
                                           .source = source,
                                           .text = &reader->scan.text,
                                           .rows = &reader->scan.rows,
                                           .row_size = sizeof(struct lt_text_record),
                                           .row_cost = &reader->scan.row_cost};
    reader->block = LT_CSV_SNIFF_BYTES;
    reader->threads = options ? options->threads : 1;
    lt_csv_scan_init(&reader->scan);
    int status = take_options(reader, options, err);
    status = status ? status : lt_csv_begin(reader, options, err);
    status = status ? status : make_columns(reader, options, err);
    if (status) {
        lt_csv_read_close((struct lt_format_reader *)reader);
        return status;
    }
    *ret_reader = (struct lt_format_reader *)reader;
    return LEAT_OK;
}

/* Its words may be in any case, which JSON's may not, and become them. */
static bool stays_bool(const struct lt_text_reader *reader, int64_t i,
                       const struct ArrowSchema *types)
{
    struct lt_type type, wanted;
    int64_t at = lt_schema_find(types, reader->schema.children[i]->name);
    return at >= 0 && !lt_type_of(reader->schema.children[i], &type, NULL) && type.id == LT_BOOL &&
           !lt_type_of(types->children[at], &wanted, NULL) && wanted.logical == LT_JSON;
}

int lt_csv_read_retype(struct lt_format_reader *format_reader, const struct ArrowSchema *types,
                       struct leat_error *err)
{
    struct lt_csv_reader *reader = (struct lt_csv_reader *)format_reader;
    int status = LEAT_OK;
    for (int64_t i = 0; i < reader->base.schema.n_children && !status; i++) {
        bool set;
        if (!reader->given[i] && !stays_bool(&reader->base, i, types)) {
            status = lt_text_retype(&reader->base, i, types, &set, err);
        }
    }
    return status ? status : lt_text_make_builder(&reader->base, err);
}

void lt_csv_read_close(struct lt_format_reader *format_reader)
{
    struct lt_csv_reader *reader = (struct lt_csv_reader *)format_reader;
    if (!reader) {
        return;
    }
    lt_csv_beside_free(reader->beside);
    lt_csv_scan_done(&reader->scan);
    lt_text_reader_done(&reader->base);
    lt_buf_done(&reader->scratch);
    lt_buf_done(&reader->work);
    lt_buf_done(&reader->raw);
    lt_charset_close(reader->charset);
    lt_csv_dialect_done(&reader->dialect);
    free(reader->given);
    free(reader);
}
