/* Several files as one stream: their columns brought together by name, those of partitions taken
 * from the names of directories. A column that a file lacks is null there; types widen
 * (columnar/widen.h) and do nothing else. */
#include "connectors/file/internal.h"

#include "columnar/builder.h"
#include "columnar/cast.h"
#include "columnar/text.h"
#include "columnar/widen.h"
#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

#define CONSTANT_ROWS 1024

/* --- opening one of them ------------------------------------------------------------------- */

/* What the file's own format is to be told. */
static struct fc_read read_of(const struct fc_stream_files *files, size_t i,
                              const struct fc_read *how)
{
    struct fc_read read = *how;
    read.path = files->files[i].path;
    read.types_whole = !how->types && files->types.release;
    read.types = read.types_whole ? &files->types : how->types;
    read.columns = NULL;
    read.n_columns = 0;
    return read;
}

/* Those of the wanted columns that the file has; all of its own where it has none of them, for its
 * records must be counted. */
static int open_projected(struct leat_endpoint *ep, const struct fc_read *plain,
                          const struct fc_read *how, struct fc_one **one, struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    struct fc_read read = *plain;
    const char **columns = calloc(how->n_columns + 1, sizeof *columns);
    int status = columns ? lt_fc_one_schema(*one, &schema, err) : lt_fail_oom(err);
    for (size_t i = 0; i < how->n_columns && !status; i++) {
        if (lt_schema_find(&schema, how->columns[i]) >= 0) {
            columns[read.n_columns++] = how->columns[i];
        }
    }
    if (!status && read.n_columns) {
        lt_fc_one_close(*one);
        *one = NULL;
        read.columns = columns;
        status = lt_fc_one_open(ep, &read, one, err);
    }
    lt_schema_done(&schema);
    free(columns);
    return status;
}

static int add_constant(struct fc_fit *fit, struct fc_hive *part, struct leat_error *err)
{
    char **values = realloc(fit->values, (size_t)(fit->n_constants + 1) * sizeof *values);
    fit->values = values ? values : fit->values;
    struct ArrowArray *constants =
        realloc(fit->constants, (size_t)(fit->n_constants + 1) * sizeof *constants);
    fit->constants = constants ? constants : fit->constants;
    if (!values || !constants) {
        return lt_fail_oom(err);
    }
    fit->values[fit->n_constants] = part->value;
    part->value = NULL;
    fit->constants[fit->n_constants++] = (struct ArrowArray){.release = NULL};
    return LEAT_OK;
}

/* The columns that the file's directories give, in the types of the stream. */
static int add_constants(const struct fc_stream_files *files, size_t i,
                         const struct ArrowSchema *target, struct fc_fit *fit,
                         struct leat_error *err)
{
    const char *at = files->files[i].within;
    struct fc_hive part;
    bool failed = false;
    int status = LEAT_OK;
    while (!status && files->hive && lt_fc_hive_next(&at, &part, &failed)) {
        int64_t column = lt_schema_find(target, part.name);
        /* One that the file itself has counts for nothing: what was stored is the better witness. */
        if (column >= 0 && lt_schema_find(&fit->schema, part.name) < 0) {
            status = lt_schema_add_copy(&fit->schema, target->children[column], 0, err);
            status = status ? status : add_constant(fit, &part, err);
        }
        lt_fc_hive_done(&part);
    }
    return status || !failed ? status : lt_fail_oom(err);
}

static int make_cast(const struct fc_fit *fit, const struct ArrowSchema *target,
                     struct lt_cast **ret_cast, struct leat_error *err)
{
    int64_t *map = calloc((size_t)target->n_children + 1, sizeof *map);
    int status = map ? LEAT_OK : lt_fail_oom(err);
    for (int64_t i = 0; i < target->n_children && !status; i++) {
        map[i] = lt_schema_find(&fit->schema, target->children[i]->name);
    }
    for (int64_t i = 0; i < fit->schema.n_children && !status; i++) {
        const char *name = fit->schema.children[i]->name;
        int64_t at = lt_schema_find(target, name);
        if (at >= 0 && !lt_widens(fit->schema.children[i], target->children[at])) {
            struct lt_buf has = LT_BUF_INIT, wanted = LT_BUF_INIT;
            lt_type_print(fit->schema.children[i], &has);
            lt_type_print(target->children[at], &wanted);
            status =
                lt_fail(err, LT_E_COLUMN_MISMATCH,
                        "column \"%s\" is %s here, which the %s of the other files cannot hold",
                        name, lt_buf_text(&has), lt_buf_text(&wanted));
            leat_error_remedy(err, "--types %s=TYPE, or --columns without it", name);
            lt_buf_done(&has);
            lt_buf_done(&wanted);
        }
    }
    status = status ? status : lt_cast_new(&fit->schema, target, map, ret_cast, err);
    free(map);
    return status;
}

int lt_fc_fit_open(struct leat_endpoint *ep, const struct fc_stream_files *files, size_t i,
                   const struct fc_read *how, const struct ArrowSchema *schema,
                   struct fc_one **ret_one, struct fc_fit *ret_fit, struct leat_error *err)
{
    struct fc_fit fit = {.cast = NULL};
    struct fc_one *one = NULL;
    struct fc_read read = read_of(files, i, how);
    int status = lt_fc_one_open(ep, &read, &one, err);
    if (!status && how->columns) {
        status = open_projected(ep, &read, how, &one, err);
    }
    status = status ? status : lt_fc_one_schema(one, &fit.schema, err);
    status = status ? status : add_constants(files, i, schema, &fit, err);
    status = status ? status : make_cast(&fit, schema, &fit.cast, err);
    if (status) {
        leat_error_place(err, "%s", files->files[i].path);
        lt_fc_one_close(one);
        lt_fc_fit_done(&fit);
        return status;
    }
    if (lt_cast_is_identity(fit.cast)) {
        lt_cast_free(fit.cast);
        fit.cast = NULL;
    }
    *ret_one = one;
    *ret_fit = fit;
    return LEAT_OK;
}

/* --- batches ------------------------------------------------------------------------------- */

/* `rows` times the constant's value, in *array, which others may hold. */
static int build_constant(const struct ArrowSchema *field, const char *value, int64_t rows,
                          struct ArrowArray *array, struct leat_error *err)
{
    struct lt_builder builder;
    const char *why = "";
    int status = lt_builder_init(&builder, field, err);
    if (status) {
        return status;
    }
    for (int64_t row = 0; row < rows && !status; row++) {
        status =
            value ? lt_text_parse(&builder, value, strlen(value), &why) : lt_builder_null(&builder);
    }
    if (status) {
        status = status == LEAT_BAD_DATA
                     ? lt_fail(err, LT_E_VALUE_SYNTAX, "the directory's value is %s", why)
                     : lt_fail_oom(err);
        leat_error_place(err, "column \"%s\"", field->name);
    }
    lt_array_done(array);
    status = status ? status : lt_builder_finish(&builder, array, err);
    status = status ? status : lt_array_share(array, err);
    lt_builder_done(&builder);
    return status;
}

static int hold_constant(struct fc_fit *fit, int64_t i, int64_t rows, struct ArrowArray *ret_array,
                         struct leat_error *err)
{
    struct ArrowArray *constant = &fit->constants[i];
    const struct ArrowSchema *field =
        fit->schema.children[fit->schema.n_children - fit->n_constants + i];
    int status = LEAT_OK;
    if (!constant->release || constant->length < rows) {
        status = build_constant(field, fit->values[i], LT_MAX(rows, CONSTANT_ROWS), constant, err);
    }
    status = status ? status : lt_array_hold(constant, ret_array, err);
    if (!status) {
        ret_array->length = rows;
        ret_array->null_count = fit->values[i] ? 0 : rows;
    }
    return status;
}

static int add_to_batch(struct fc_fit *fit, struct ArrowArray *batch, struct leat_error *err)
{
    struct ArrowArray made = {.release = NULL};
    int64_t own = batch->n_children;
    int status = lt_array_init(&made, 1, own + fit->n_constants, err);
    if (status) {
        return status;
    }
    made.length = batch->length;
    made.offset = batch->offset;
    for (int64_t i = 0; i < own; i++) {
        lt_array_move(batch->children[i], made.children[i]);
    }
    for (int64_t i = 0; i < fit->n_constants && !status; i++) {
        status = hold_constant(fit, i, batch->offset + batch->length, made.children[own + i], err);
    }
    lt_array_done(batch);
    lt_array_move(&made, batch);
    return status;
}

int lt_fc_fit_batch(struct fc_fit *fit, int64_t first_row, struct ArrowArray *batch,
                    struct leat_error *err)
{
    struct ArrowArray made = {.release = NULL};
    int status = fit->n_constants ? add_to_batch(fit, batch, err) : LEAT_OK;
    if (status || !fit->cast) {
        return status;
    }
    status = lt_cast_run(fit->cast, batch, first_row, &made, NULL, err);
    lt_array_move(&made, batch);
    return status;
}

void lt_fc_fit_done(struct fc_fit *fit)
{
    for (int64_t i = 0; i < fit->n_constants; i++) {
        lt_array_done(&fit->constants[i]);
        free(fit->values[i]);
    }
    free(fit->constants);
    free(fit->values);
    lt_cast_free(fit->cast);
    lt_schema_done(&fit->schema);
    *fit = (struct fc_fit){.cast = NULL};
}

/* --- all columns --------------------------------------------------------------------------- */

static int mismatch(const struct ArrowSchema *a, const struct ArrowSchema *b, const char *path,
                    struct leat_error *err)
{
    struct lt_buf has = LT_BUF_INIT, others = LT_BUF_INIT;
    lt_type_print(b, &has);
    lt_type_print(a, &others);
    int status = lt_fail(err, LT_E_COLUMN_MISMATCH,
                         "column \"%s\" is %s here and %s in files before: no type holds both",
                         a->name, lt_buf_text(&has), lt_buf_text(&others));
    leat_error_place(err, "%s", path);
    leat_error_remedy(err, "--types %s=TYPE, or --columns without it", a->name);
    lt_buf_done(&has);
    lt_buf_done(&others);
    return status;
}

/* Joins the columns of one file to those of the files before it; none were yet when `first`. */
static int join_columns(struct ArrowSchema *all, const struct ArrowSchema *one, bool first,
                        const char *path, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < all->n_children && !status; i++) {
        if (lt_schema_find(one, all->children[i]->name) < 0) {
            all->children[i]->flags |= ARROW_FLAG_NULLABLE;
        }
    }
    for (int64_t i = 0; i < one->n_children && !status; i++) {
        int64_t at = lt_schema_find(all, one->children[i]->name);
        struct ArrowSchema field = {.release = NULL};
        if (at < 0) {
            status = lt_schema_copy(one->children[i], &field, err);
            field.flags |= first || status ? 0 : ARROW_FLAG_NULLABLE;
            status = status ? status : lt_schema_add(all, &field, err);
        } else {
            status = lt_widen(all->children[at], one->children[i], &field, err);
            status = status == LEAT_UNSUPPORTED
                         ? mismatch(all->children[at], one->children[i], path, err)
                         : status;
            if (!status) {
                lt_schema_done(all->children[at]);
                lt_schema_move(&field, all->children[at]);
            }
        }
        lt_schema_done(&field);
    }
    return status;
}

/* The type of a partition's column by its values: whole numbers, dates, else text. */
static const char *type_of_value(const char *value)
{
    static const char *const types[] = {"int64", "date"};
    for (size_t i = 0; i < LT_ARRAY_LEN(types); i++) {
        struct ArrowSchema field = {.release = NULL};
        struct lt_builder builder;
        const char *why;
        bool number = i == 0 && (value[0] == '0' || value[0] == '+') && value[1];
        if (!lt_type_parse(types[i], &field, NULL) && !lt_builder_init(&builder, &field, NULL)) {
            bool fits = !number && !lt_text_parse(&builder, value, strlen(value), &why);
            lt_builder_done(&builder);
            lt_schema_done(&field);
            if (fits) {
                return types[i];
            }
        }
        lt_schema_done(&field);
    }
    return "utf8";
}

/* Types the column of one partition's name; two kinds of values make it text. */
static int join_partition(struct ArrowSchema *parts, const struct fc_hive *part,
                          struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL}, wide = {.release = NULL};
    int64_t at = lt_schema_find(parts, part->name);
    int status = lt_type_parse(part->value ? type_of_value(part->value) : "null", &field, err);
    status = status ? status : lt_schema_set_name(&field, part->name, err);
    if (!status && at < 0) {
        status = lt_schema_add(parts, &field, err);
    } else if (!status) {
        if (lt_widen(parts->children[at], &field, &wide, err)) {
            status = lt_type_parse("utf8", &wide, err);
            status = status ? status : lt_schema_set_name(&wide, part->name, err);
        }
        lt_schema_done(parts->children[at]);
        lt_schema_move(&wide, parts->children[at]);
    }
    lt_schema_done(&field);
    return status;
}

static int join_partitions(const struct fc_stream_files *files, struct ArrowSchema *parts,
                           struct leat_error *err)
{
    int status = lt_schema_init_struct(parts, 0, err);
    for (size_t i = 0; files->hive && i < files->n && !status; i++) {
        const char *at = files->files[i].within;
        struct fc_hive part;
        bool failed = false;
        while (!status && lt_fc_hive_next(&at, &part, &failed)) {
            status = join_partition(parts, &part, err);
            lt_fc_hive_done(&part);
        }
        status = status || !failed ? status : lt_fail_oom(err);
    }
    for (int64_t i = 0; i < parts->n_children && !status; i++) {
        if (!strcmp(parts->children[i]->format, "n")) {
            status = lt_schema_set_format(parts->children[i], "u", err);
        }
    }
    return status;
}

/* The columns of file `i` as its format tells them. */
static int columns_of(struct leat_endpoint *ep, const struct fc_stream_files *files, size_t i,
                      const struct fc_read *how, struct ArrowSchema *ret_schema,
                      struct leat_error *err)
{
    struct fc_one *one = NULL;
    struct fc_read read = read_of(files, i, how);
    int status = lt_fc_one_open(ep, &read, &one, err);
    status = status ? status : lt_fc_one_schema(one, ret_schema, err);
    lt_fc_one_close(one);
    return status;
}

static int unify_all(struct leat_endpoint *ep, const struct fc_stream_files *files,
                     const struct fc_read *how, struct ArrowSchema *all, struct leat_error *err)
{
    struct ArrowSchema parts = {.release = NULL};
    int status = join_partitions(files, &parts, err);
    status = status ? status : lt_schema_init_struct(all, 0, err);
    for (size_t i = 0; i < files->n && !status; i++) {
        struct ArrowSchema one = {.release = NULL};
        status = columns_of(ep, files, i, how, &one, err);
        status = status ? status : join_columns(all, &one, i == 0, files->files[i].path, err);
        lt_schema_done(&one);
    }
    for (int64_t i = 0; !status && i < parts.n_children; i++) {
        if (lt_schema_find(all, parts.children[i]->name) < 0) {
            status = lt_schema_add_copy(all, parts.children[i], 0, err);
        }
    }
    lt_schema_done(&parts);
    return status;
}

/* The manifest has the types, and the files what goes with them: keys, comments, source types. A
 * type that was asked for and that the first file gives stays. */
static int take_fields(const struct ArrowSchema *one, const struct fc_read *how,
                       struct ArrowSchema *all, struct leat_error *err)
{
    for (int64_t i = 0; i < all->n_children; i++) {
        struct ArrowSchema *field = all->children[i], made = {.release = NULL};
        int64_t at = lt_schema_find(one, field->name);
        bool given = how->types && lt_schema_find(how->types, field->name) >= 0;
        if (at < 0) {
            continue;
        }
        if (given || (lt_widens(one->children[at], field) && lt_widens(field, one->children[at]))) {
            int64_t nullable = (field->flags | one->children[at]->flags) & ARROW_FLAG_NULLABLE;
            int status = lt_schema_copy(one->children[at], &made, err);
            if (status) {
                return status;
            }
            made.flags = (made.flags & ~ARROW_FLAG_NULLABLE) | nullable;
            lt_schema_done(field);
            lt_schema_move(&made, field);
        }
    }
    return LEAT_OK;
}

static int unify_listed(struct leat_endpoint *ep, const struct fc_stream_files *files,
                        const struct fc_read *how, struct ArrowSchema *all, struct leat_error *err)
{
    int status = lt_schema_copy(&files->types, all, err);
    for (size_t k = 0; k < 2 && !status; k++) {
        struct ArrowSchema one = {.release = NULL};
        size_t i = k ? 0 : files->n - 1;
        if (k && files->n == 1) {
            break;
        }
        status = columns_of(ep, files, i, how, &one, err);
        status = status ? status : take_fields(&one, how, all, err);
        lt_schema_done(&one);
    }
    return status;
}

static int keep_wanted(const struct fc_read *how, const struct ArrowSchema *all,
                       struct ArrowSchema *ret_schema, struct leat_error *err)
{
    int status = lt_schema_init_struct(ret_schema, 0, err);
    for (size_t i = 0; i < how->n_columns && !status; i++) {
        int64_t at = -1;
        status = lt_fc_find_column(all, how->columns[i], &at, err);
        if (!status && lt_schema_find(ret_schema, how->columns[i]) >= 0) {
            status = lt_fail(err, LT_E_DUPLICATE_COLUMN, "column \"%s\" is asked for twice",
                             how->columns[i]);
        }
        status = status ? status : lt_schema_add_copy(ret_schema, all->children[at], 0, err);
    }
    return status;
}

int lt_fc_unify(struct leat_endpoint *ep, const struct fc_stream_files *files,
                const struct fc_read *how, struct ArrowSchema *ret_schema, struct leat_error *err)
{
    struct ArrowSchema all = {.release = NULL}, kept = {.release = NULL};
    int status = files->types.release ? unify_listed(ep, files, how, &all, err)
                                      : unify_all(ep, files, how, &all, err);
    if (!status && how->columns) {
        status = keep_wanted(how, &all, &kept, err);
        lt_schema_done(&all);
        lt_schema_move(&kept, &all);
    }
    if (!status) {
        lt_schema_move(&all, ret_schema);
    }
    lt_schema_done(&all);
    lt_schema_done(&kept);
    return status;
}
