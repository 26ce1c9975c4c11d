/* Columns of a JSON Lines reader, of the sample and of what was given, and their types. */
#include "formats/json/json_reader.h"

#include "columnar/schema.h"
#include "core/util.h"

#include <stdlib.h>

/* --- what is given ---------------------------------------------------------------------------- */

/* Makes column `i` what `field` says; takes the field over in any case. */
static int set_field(struct lt_jsonl_reader *reader, int64_t i, struct ArrowSchema *field,
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
    return LEAT_OK;
}

/* The place of the column of that name, made where no sampled record has it and `make` says so;
 * -1 in *ret_column: none. */
static int find_column(struct lt_jsonl_reader *reader, const char *name, bool make,
                       int64_t *ret_column, struct leat_error *err)
{
    struct lt_jsonl_keys *keys = &reader->scan.keys;
    size_t len = strlen(name);
    *ret_column = -1;
    /* Columns of arrays may have been renamed by a header, so names are compared, not hashed. */
    for (uint32_t i = 0; i < keys->n; i++) {
        if (keys->items[i].len == len && !memcmp(keys->items[i].name, name, len)) {
            *ret_column = i;
            return LEAT_OK;
        }
    }
    if (!make || reader->scan.arrays) {
        return LEAT_OK;
    }
    if (keys->n == LT_JSONL_COLUMNS_MAX) {
        return lt_fail(err, LT_E_LIMIT, "more than 65,536 columns");
    }
    uint32_t column = lt_jsonl_keys_add(keys, name, len);
    if (column == LT_JSONL_NONE) {
        return lt_fail_oom(err);
    }
    *ret_column = column;
    return LEAT_OK;
}

typedef int type_fn(struct lt_jsonl_reader *reader, const char *name, struct ArrowSchema *field,
                    struct leat_error *err);

/* One COLUMN=TYPE of --types. */
static int each_type(struct lt_jsonl_reader *reader, const char *text, size_t len, type_fn *each,
                     struct leat_error *err)
{
    char *item = lt_strndup(text, len);
    struct ArrowSchema field = {0};
    if (!item) {
        return lt_fail_oom(err);
    }
    char *equals = strrchr(item, '=');
    int status = LEAT_OK;
    if (!equals) {
        status = lt_fail(err, LT_E_INVALID, "--types needs COLUMN=TYPE, found \"%.*s\"",
                         lt_jsonl_shown(item, len), item);
    } else {
        *equals = 0;
        status = lt_type_parse(equals + 1, &field, err);
        if (status) {
            leat_error_place(err, "--types %.*s", lt_jsonl_shown(item, strlen(item)), item);
        }
    }
    status = status ? status : each(reader, item, &field, err);
    lt_schema_done(&field);
    free(item);
    return status;
}

/* Splits at commas outside parentheses and angle brackets: a=decimal(10,2),b=struct<x: a, y: b>. */
static int each_type_of(struct lt_jsonl_reader *reader, const char *list, type_fn *each,
                        struct leat_error *err)
{
    int status = LEAT_OK;
    while (!status && list && *list) {
        size_t len = 0;
        int depth = 0;
        while (list[len] && (depth > 0 || list[len] != ',')) {
            depth +=
                (list[len] == '(' || list[len] == '<') - (list[len] == ')' || list[len] == '>');
            len++;
        }
        status = each_type(reader, list, len, each, err);
        list += len + (list[len] == ',');
    }
    return status;
}

static int each_types_option(struct lt_jsonl_reader *reader,
                             const struct lt_format_options *options, type_fn *each,
                             struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; options && i < options->n_params && !status; i++) {
        if (!strcmp(options->params[i].name, "types")) {
            status = each_type_of(reader, options->params[i].value, each, err);
        }
    }
    return status;
}

static int unknown_column(const struct lt_jsonl_reader *reader, const char *name,
                          struct leat_error *err)
{
    int status =
        lt_fail(err, LT_E_UNKNOWN_COLUMN, "--types names a column that is not there, \"%.*s\"",
                lt_jsonl_shown(name, strlen(name)), name);
    leat_error_remedy(err, "the columns are c1 to c%u, or as --header yes names them",
                      reader->scan.keys.n);
    return status;
}

static int add_given(struct lt_jsonl_reader *reader, const char *name, struct ArrowSchema *field,
                     struct leat_error *err)
{
    int64_t column;
    (void)field;
    int status = find_column(reader, name, true, &column, err);
    return status || column >= 0 ? status : unknown_column(reader, name, err);
}

static int set_given(struct lt_jsonl_reader *reader, const char *name, struct ArrowSchema *field,
                     struct leat_error *err)
{
    int64_t column;
    int status = find_column(reader, name, false, &column, err);
    if (status || column < 0) {
        return status;
    }
    reader->columns[column].given = true;
    return set_field(reader, column, field, err);
}

/* Columns that no sampled record has. */
static int add_columns(struct lt_jsonl_reader *reader, const struct lt_format_options *options,
                       struct leat_error *err)
{
    const struct ArrowSchema *schema = options ? options->schema : NULL;
    int status = LEAT_OK;
    for (int64_t i = 0; schema && options->schema_whole && i < schema->n_children && !status; i++) {
        int64_t column;
        status = find_column(reader, schema->children[i]->name, true, &column, err);
    }
    return status ? status : each_types_option(reader, options, add_given, err);
}

static int give_types(struct lt_jsonl_reader *reader, const struct lt_format_options *options,
                      struct leat_error *err)
{
    const struct ArrowSchema *schema = options ? options->schema : NULL;
    int status = LEAT_OK;
    for (int64_t i = 0; schema && i < schema->n_children && !status; i++) {
        struct ArrowSchema field = {0};
        status = lt_schema_copy(schema->children[i], &field, err);
        status = status ? status : set_given(reader, schema->children[i]->name, &field, err);
        lt_schema_done(&field);
    }
    return status ? status : each_types_option(reader, options, set_given, err);
}

/* --- what is inferred ------------------------------------------------------------------------- */

/* Looks at every value of the sample, in the order of the text. */
static int look(struct lt_jsonl_reader *reader, struct lt_jsonl_seen *seen)
{
    const struct lt_jsonl_scan *scan = &reader->scan;
    int64_t rows = lt_jsonl_scan_rows(scan);
    int status = LEAT_OK;
    for (int64_t i = 0; i < rows; i++) {
        const struct lt_jsonl_row *row = lt_jsonl_scan_row(scan, i);
        const struct lt_jsonl_cell *cell = lt_jsonl_scan_cell(scan, row->first);
        for (uint32_t k = 0; k < row->n && !status; k++, cell++) {
            const uint8_t *text = scan->text.data + cell->start;
            if (*text != 'n' && !reader->columns[cell->column].given) {
                status =
                    lt_jsonl_infer_value(&reader->infer, &seen[cell->column], text, cell->info, 0);
            }
        }
    }
    return status;
}

static int infer_column(struct lt_jsonl_reader *reader, int64_t i, const struct lt_jsonl_seen *seen,
                        struct leat_error *err)
{
    struct lt_jsonl_column *column = &reader->columns[i];
    struct ArrowSchema field = {0};
    struct lt_type type;
    int status = lt_jsonl_infer_type(seen, &field, err);
    status = status ? status : set_field(reader, i, &field, err);
    status = status ? status : lt_type_of(reader->schema.children[i], &type, err);
    if (status) {
        return status;
    }
    column->mixed = lt_jsonl_seen_mixed(seen);
    column->unseen = !seen->classes;
    column->temporal = type.id == LT_DATE32 || type.id == LT_TIME64 || type.id == LT_TIMESTAMP ||
                       type.logical == LT_UUID;
    return LEAT_OK;
}

static int infer_types(struct lt_jsonl_reader *reader, struct leat_error *err)
{
    int64_t n = reader->schema.n_children;
    struct lt_jsonl_seen *seen = calloc((size_t)n + 1, sizeof *seen);
    if (!seen) {
        return lt_fail_oom(err);
    }
    int status = reader->sample_rows && look(reader, seen) ? lt_fail_oom(err) : LEAT_OK;
    for (int64_t i = 0; i < n; i++) {
        if (!status && !reader->columns[i].given) {
            status = infer_column(reader, i, &seen[i], err);
        }
        lt_jsonl_seen_done(&seen[i]);
    }
    free(seen);
    return status;
}

int lt_jsonl_make_columns(struct lt_jsonl_reader *reader, const struct lt_format_options *options,
                          struct leat_error *err)
{
    const struct lt_jsonl_keys *keys = &reader->scan.keys;
    reader->sampled = lt_jsonl_scan_rows(&reader->scan);
    int status = add_columns(reader, options, err);
    status = status ? status : lt_schema_init_struct(&reader->schema, keys->n, err);
    for (uint32_t i = 0; i < keys->n && !status; i++) {
        status = lt_schema_set_name(reader->schema.children[i], keys->items[i].name, err);
    }
    if (status) {
        return status;
    }
    reader->columns = calloc((size_t)keys->n + 1, sizeof *reader->columns);
    if (!reader->columns) {
        return lt_fail_oom(err);
    }
    status = give_types(reader, options, err);
    return status ? status : infer_types(reader, err);
}

/* --- in words --------------------------------------------------------------------------------- */

/* "; WORDS a, b, ..." of the columns that have a flag. */
static int list_columns(const struct lt_jsonl_reader *reader, size_t flag, const char *words,
                        struct lt_buf *out)
{
    int64_t n = 0, shown_max = 5;
    for (int64_t i = 0; i < reader->schema.n_children; i++) {
        const char *name = reader->schema.children[i]->name;
        bool has;
        memcpy(&has, (const uint8_t *)&reader->columns[i] + flag, sizeof has);
        if (!has || reader->columns[i].given || n++ > shown_max) {
            continue;
        }
        int status = n > shown_max ? lt_buf_puts(out, ", ...")
                                   : lt_buf_printf(out, "%s%.*s", n == 1 ? words : ", ",
                                                   lt_jsonl_shown(name, strlen(name)), name);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}

int lt_jsonl_read_explain(struct lt_format_reader *format_reader, struct lt_buf *out)
{
    const struct lt_jsonl_reader *reader = (const struct lt_jsonl_reader *)format_reader;
    const struct lt_jsonl_scan *scan = &reader->scan;
    char count[LT_HUMAN_MAX];
    bool array = scan->state > LT_JSONL_BETWEEN;
    lt_human_count(reader->sampled, count);
    int status = lt_buf_printf(out, "%s%s, %s%s record%s", array ? "one JSON array of " : "",
                               scan->arrays ? "arrays" : "objects",
                               reader->sample_rows ? "types from " : "all json, columns from ",
                               count, reader->sampled == 1 ? "" : "s");
    status = status ? status
                    : list_columns(reader, offsetof(struct lt_jsonl_column, temporal),
                                   "; found in strings: ", out);
    status = status ? status
                    : list_columns(reader, offsetof(struct lt_jsonl_column, mixed),
                                   "; of several kinds, kept as json: ", out);
    return status ? status
                  : list_columns(reader, offsetof(struct lt_jsonl_column, unseen),
                                 "; without a value so far: ", out);
}
