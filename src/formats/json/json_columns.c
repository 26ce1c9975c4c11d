/* Columns of a JSON Lines reader, of the sample and of what was given, and their types. */
#include "formats/json/json_reader.h"

#include "columnar/schema.h"
#include "core/util.h"

#include <stdlib.h>

/* --- what is given ---------------------------------------------------------------------------- */

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

static int unknown_column(const struct lt_jsonl_reader *reader, const char *name,
                          struct leat_error *err)
{
    int status =
        lt_fail(err, LT_E_UNKNOWN_COLUMN, "--types names a column that is not there, \"%.*s\"",
                lt_text_shown(name, strlen(name)), name);
    leat_error_remedy(err, "the columns are c1 to c%u, or as --header yes names them",
                      reader->scan.keys.n);
    return status;
}

/* The column of a COLUMN=TYPE. */
static int add_given(struct lt_text_reader *base, const char *name, const char *type,
                     struct leat_error *err)
{
    struct lt_jsonl_reader *reader = (struct lt_jsonl_reader *)base;
    struct ArrowSchema field = {0};
    int64_t column;
    int status = lt_text_parse_type(name, type, &field, err);
    lt_schema_done(&field);
    status = status ? status : find_column(reader, name, true, &column, err);
    return status || column >= 0 ? status : unknown_column(reader, name, err);
}

/* Takes the field over in any case. */
static int set_given(struct lt_jsonl_reader *reader, const char *name, struct ArrowSchema *field,
                     struct leat_error *err)
{
    int64_t column;
    int status = find_column(reader, name, false, &column, err);
    if (status || column < 0) {
        lt_schema_done(field);
        return status;
    }
    reader->columns[column].given = true;
    return lt_text_set_field(&reader->base, column, field, err);
}

/* The type of a COLUMN=TYPE. */
static int set_type(struct lt_text_reader *reader, const char *name, const char *type,
                    struct leat_error *err)
{
    struct ArrowSchema field = {0};
    int status = lt_text_parse_type(name, type, &field, err);
    return status ? status : set_given((struct lt_jsonl_reader *)reader, name, &field, err);
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
    return status ? status : lt_text_each_type(&reader->base, options, add_given, err);
}

/* Types of options->schema: all, or those that count for more than --types. */
static int give_schema(struct lt_jsonl_reader *reader, const struct lt_format_options *options,
                       bool all, struct leat_error *err)
{
    const struct ArrowSchema *schema = options ? options->schema : NULL;
    int status = LEAT_OK;
    for (int64_t i = 0; schema && i < schema->n_children && !status; i++) {
        struct ArrowSchema field = {0};
        if (all || lt_text_is_carried(options, i)) {
            status = lt_schema_copy(schema->children[i], &field, err);
            status = status ? status : set_given(reader, schema->children[i]->name, &field, err);
        }
    }
    return status;
}

static int give_types(struct lt_jsonl_reader *reader, const struct lt_format_options *options,
                      struct leat_error *err)
{
    int status = give_schema(reader, options, true, err);
    status = status ? status : lt_text_each_type(&reader->base, options, set_type, err);
    return status ? status : give_schema(reader, options, false, err);
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
    field.flags |= LT_FLAG_INFERRED;
    status = status ? status : lt_text_set_field(&reader->base, i, &field, err);
    status = status ? status : lt_type_of(reader->base.schema.children[i], &type, err);
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
    int64_t n = reader->base.schema.n_children;
    struct lt_jsonl_seen *seen = calloc((size_t)n + 1, sizeof *seen);
    if (!seen) {
        return lt_fail_oom(err);
    }
    int status = reader->base.sample_rows && look(reader, seen) ? lt_fail_oom(err) : LEAT_OK;
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
    status = status ? status : lt_schema_init_struct(&reader->base.schema, keys->n, err);
    for (uint32_t i = 0; i < keys->n && !status; i++) {
        status = lt_schema_set_name(reader->base.schema.children[i], keys->items[i].name, err);
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
    for (int64_t i = 0; i < reader->base.schema.n_children; i++) {
        const char *name = reader->base.schema.children[i]->name;
        bool has;
        memcpy(&has, (const uint8_t *)&reader->columns[i] + flag, sizeof has);
        if (!has || reader->columns[i].given || n++ > shown_max) {
            continue;
        }
        int status = n > shown_max ? lt_buf_puts(out, ", ...")
                                   : lt_buf_printf(out, "%s%.*s", n == 1 ? words : ", ",
                                                   lt_text_shown(name, strlen(name)), name);
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
                               reader->base.sample_rows ? "types from " : "all json, columns from ",
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
