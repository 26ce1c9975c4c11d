/* Planning the modes with keys: which columns they need, and how their rows come in. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool pg_is_keyed(enum leat_write_mode mode)
{
    return mode != LEAT_REPLACE && mode != LEAT_APPEND;
}

static void free_names(char **names)
{
    for (size_t i = 0; names && names[i]; i++) {
        free(names[i]);
    }
    free(names);
}

void pg_merge_free(struct pg_merge *merge)
{
    if (merge) {
        free_names(merge->keys);
        free(merge->key_order);
        free_names(merge->cursor);
        free(merge->op);
        free(merge->deleted);
        free(merge);
    }
}

/* Copies of names that are all columns of `schema`. */
static int take_names(const char *const *names, size_t n, const struct ArrowSchema *schema,
                      const char *what, char ***ret_names, struct leat_error *err)
{
    char **copies = calloc(n + 1, sizeof *copies);
    int status = copies ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < n && !status; i++) {
        if (lt_schema_find(schema, names[i]) < 0) {
            status =
                lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no %s column \"%s\"", what, names[i]);
        } else if (!(copies[i] = lt_strdup(names[i]))) {
            status = lt_fail_oom(err);
        }
    }
    if (status) {
        free_names(copies);
        return status;
    }
    *ret_names = copies;
    return LEAT_OK;
}

/* The columns marked as the source's primary key, in its order. `ret_names` has room for all. */
static size_t marked_keys(const struct ArrowSchema *schema, const char **ret_names)
{
    size_t n = 0;
    for (int64_t place = 1; place <= schema->n_children; place++) {
        char text[24];
        snprintf(text, sizeof text, "%" PRId64, place);
        for (int64_t i = 0; i < schema->n_children; i++) {
            if (lt_schema_meta_is(schema->children[i], LT_META_KEY, text)) {
                ret_names[n++] = schema->children[i]->name;
                break;
            }
        }
    }
    return n;
}

static int take_keys(const struct leat_write_stream *want, const struct ArrowSchema *schema,
                     struct pg_merge *merge, struct leat_error *err)
{
    const char **marked = calloc((size_t)schema->n_children + 1, sizeof *marked);
    if (!marked) {
        return lt_fail_oom(err);
    }
    bool given = want->keys && want->n_keys;
    merge->n_keys = given ? want->n_keys : marked_keys(schema, marked);
    int status =
        take_names(given ? want->keys : marked, merge->n_keys, schema, "key", &merge->keys, err);
    if (!status && !merge->n_keys) {
        status = lt_fail(err, LT_E_INVALID, "there is no key by which records could be merged");
        leat_error_remedy(err, "name the columns of one with -p");
    }
    free(marked);
    return status;
}

/* The field goes out of the schema; it is no column of the table. */
static int take_op(const char *op, struct ArrowSchema *schema, struct leat_error *err)
{
    struct ArrowSchema kept = {.release = NULL};
    int64_t at = lt_schema_find(schema, op);
    if (at < 0 || strcmp(schema->children[at]->format, "u") != 0) {
        return lt_fail(err, LT_E_INVALID, "changes need a text field \"%s\" that says what each is",
                       op);
    }
    int status = lt_schema_init_struct(&kept, 0, err);
    for (int64_t i = 0; i < schema->n_children && !status; i++) {
        status = i == at ? LEAT_OK : lt_schema_add(&kept, schema->children[i], err);
    }
    if (!status) {
        lt_schema_done(schema);
        lt_schema_move(&kept, schema);
    }
    lt_schema_done(&kept);
    return status;
}

static int take_deleted(const char *name, const struct ArrowSchema *schema, struct pg_merge *merge,
                        struct leat_error *err)
{
    int64_t at = name ? lt_schema_find(schema, name) : -1;
    if (!name) {
        return LEAT_OK;
    }
    if (at < 0 || strcmp(schema->children[at]->format, "b") != 0) {
        return lt_fail(err, LT_E_INVALID,
                       "\"%s\" is no boolean column that could say what is deleted", name);
    }
    merge->deleted = lt_strdup(name);
    return merge->deleted ? LEAT_OK : lt_fail_oom(err);
}

static bool is_time(const struct ArrowSchema *field)
{
    struct lt_type type;
    return !lt_type_of(field, &type, NULL) && (type.id == LT_DATE32 || type.id == LT_TIMESTAMP);
}

static bool is_own_column(const struct pg_target *target, const char *name)
{
    bool history = target->mode == LEAT_HISTORY;
    return (history && (!strcmp(name, LEAT_FROM_COLUMN) || !strcmp(name, LEAT_TO_COLUMN) ||
                        !strcmp(name, LEAT_CURRENT_COLUMN))) ||
           (target->flags & LEAT_WRITE_SOFT_DELETE && !strcmp(name, LEAT_DELETED_COLUMN));
}

static int check_stream(const struct leat_write_stream *want, const struct ArrowSchema *schema,
                        const struct pg_target *target, struct leat_error *err)
{
    if (want->mode == LEAT_CHANGES && !want->op) {
        return lt_fail(err, LT_E_INVALID, "changes need a field that says what each is");
    }
    if (want->flags & LEAT_WRITE_SOFT_DELETE && want->mode == LEAT_DELETE_INSERT) {
        return lt_fail(err, LT_E_INVALID, "rows that are deleted to be inserted anew cannot stay");
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (is_own_column(target, schema->children[i]->name)) {
            return lt_fail(err, LT_E_INVALID, "the stream has a column \"%s\", which is leat's own",
                           schema->children[i]->name);
        }
    }
    return LEAT_OK;
}

int pg_merge_take(const struct leat_write_stream *want, struct ArrowSchema *incoming,
                  struct pg_target *target, struct leat_error *err)
{
    struct pg_merge *merge = target->merge = calloc(1, sizeof *merge);
    int status = merge ? check_stream(want, incoming, target, err) : lt_fail_oom(err);
    if (!status && want->mode == LEAT_CHANGES) {
        status = take_op(want->op, incoming, err);
        merge->op = status ? NULL : lt_strdup(want->op);
        status = status || merge->op ? status : lt_fail_oom(err);
    }
    status = status ? status : take_keys(want, incoming, merge, err);
    status = status ? status
                    : take_names(want->cursor, want->cursor ? want->n_cursor : 0, incoming,
                                 "cursor", &merge->cursor, err);
    status = status ? status : take_deleted(want->deleted, incoming, merge, err);
    if (!status) {
        merge->n_cursor = want->cursor ? want->n_cursor : 0;
        merge->from_cursor =
            want->mode == LEAT_HISTORY && merge->n_cursor &&
            is_time(incoming->children[lt_schema_find(incoming, merge->cursor[0])]);
    }
    return status;
}

/* --- a table to be made -------------------------------------------------------------------- */

static int add_column(struct ArrowSchema *schema, const char *name, const struct ArrowSchema *like,
                      const char *format, int64_t flags, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    int status =
        like ? lt_schema_copy(like, &field, err) : lt_schema_init(&field, format, name, err);
    status = status ? status : lt_schema_set_name(&field, name, err);
    if (!status) {
        static const char *const not_its_own[] = {LT_META_KEY, LT_META_COMMENT, LT_META_IDENTITY};
        for (size_t i = 0; i < LT_ARRAY_LEN(not_its_own) && !status; i++) {
            status = lt_schema_set_meta(&field, not_its_own[i], NULL, err);
        }
        field.flags = flags;
    }
    status = status ? status : lt_schema_add(schema, &field, err);
    lt_schema_done(&field);
    return status;
}

static int mark_key(struct ArrowSchema *schema, const char *name, size_t place,
                    struct leat_error *err)
{
    char text[24];
    struct ArrowSchema *field = schema->children[lt_schema_find(schema, name)];
    snprintf(text, sizeof text, "%zu", place);
    field->flags &= ~(int64_t)ARROW_FLAG_NULLABLE;
    return lt_schema_set_meta(field, LT_META_KEY, text, err);
}

#define TIME_FORMAT "tsu:UTC"

int pg_merge_new_columns(const struct pg_target *target, struct ArrowSchema *schema,
                         struct leat_error *err)
{
    const struct pg_merge *merge = target->merge;
    const char **marked = calloc((size_t)schema->n_children + 1, sizeof *marked);
    bool history = target->mode == LEAT_HISTORY;
    int status = marked ? LEAT_OK : lt_fail_oom(err);
    /* The source's own key may be another one than that of the merge; a history has several rows
     * of each. */
    bool keeps = !status && !history && marked_keys(schema, marked);
    if (!status && history) {
        const struct ArrowSchema *like =
            merge->from_cursor ? schema->children[lt_schema_find(schema, merge->cursor[0])] : NULL;
        status = add_column(schema, LEAT_FROM_COLUMN, like, TIME_FORMAT, 0, err);
        status = status ? status
                        : add_column(schema, LEAT_TO_COLUMN, like, TIME_FORMAT, ARROW_FLAG_NULLABLE,
                                     err);
        status = status ? status : add_column(schema, LEAT_CURRENT_COLUMN, NULL, "b", 0, err);
    }
    if (!status && target->flags & LEAT_WRITE_SOFT_DELETE && !history) {
        status =
            add_column(schema, LEAT_DELETED_COLUMN, NULL, TIME_FORMAT, ARROW_FLAG_NULLABLE, err);
    }
    for (int64_t i = 0; i < schema->n_children && !status && !keeps; i++) {
        status = lt_schema_set_meta(schema->children[i], LT_META_KEY, NULL, err);
    }
    for (size_t k = 0; k < merge->n_keys && !status && !keeps; k++) {
        status = mark_key(schema, merge->keys[k], k + 1, err);
    }
    if (!status && history) {
        status = mark_key(schema, LEAT_FROM_COLUMN, merge->n_keys + 1, err);
    }
    free(marked);
    return status;
}

/* --- the staging table --------------------------------------------------------------------- */

static int add_text_column(struct pg_table *table, const char *name, struct leat_error *err)
{
    struct pg_column *columns =
        realloc(table->columns, ((size_t)table->n_columns + 1) * sizeof *columns);
    char *text = lt_strdup("text");
    if (columns) {
        table->columns = columns;
    }
    if (!columns || !text) {
        free(text);
        return lt_fail_oom(err);
    }
    columns[table->n_columns] = (struct pg_column){.wire = PG_WIRE_TEXT,
                                                   .type_oid = 25,
                                                   .modifier = -1,
                                                   .type_text = text,
                                                   .value_oid = 25,
                                                   .known = true};
    table->n_columns++;
    return lt_schema_add_field(&table->schema, "u", name, 0, NULL, err);
}

/* Of a table that is made, the columns that the load fills. */
static int leave_own_columns_out(struct pg_target *target, struct leat_error *err)
{
    struct pg_table *table = &target->table;
    const char **columns = calloc((size_t)table->n_columns + 1, sizeof *columns);
    size_t n = 0;
    for (int64_t i = 0; columns && i < table->n_columns; i++) {
        const char *name = table->schema.children[i]->name;
        if (!is_own_column(target, name)) {
            columns[n++] = name;
        }
    }
    int status = columns ? pg_table_project(table, columns, n, err) : lt_fail_oom(err);
    free(columns);
    return status;
}

/* leat's own columns of a table that is there are no columns the stream must have. */
static int add_tombstone(struct pg_target *target, struct leat_error *err)
{
    free(target->alter);
    target->alter = lt_format("ALTER TABLE %s ADD COLUMN \"" LEAT_DELETED_COLUMN "\" "
                              "timestamp with time zone",
                              target->quoted);
    return target->alter ? LEAT_OK : lt_fail_oom(err);
}

int pg_merge_check_table(struct pg_target *target, struct pg_table *there, struct leat_error *err)
{
    static const char *const own[] = {LEAT_FROM_COLUMN, LEAT_TO_COLUMN, LEAT_CURRENT_COLUMN};
    int status = LEAT_OK;
    for (size_t i = 0; i < LT_ARRAY_LEN(own) && target->mode == LEAT_HISTORY; i++) {
        if (lt_schema_find(&there->schema, own[i]) < 0) {
            status = lt_fail(err, LT_E_COLUMN_MISMATCH,
                             "the table keeps no history: it has no column \"%s\"", own[i]);
            leat_error_remedy(err, "load it in another way, or into a table of its own");
            return status;
        }
    }
    for (int64_t i = 0; i < there->n_columns && !status; i++) {
        struct ArrowSchema *field = there->schema.children[i];
        status = is_own_column(target, field->name)
                     ? lt_schema_set_meta(field, LT_META_REQUIRED, NULL, err)
                     : LEAT_OK;
    }
    if (!status && target->flags & LEAT_WRITE_SOFT_DELETE && target->mode != LEAT_HISTORY &&
        lt_schema_find(&there->schema, LEAT_DELETED_COLUMN) < 0) {
        status = add_tombstone(target, err);
    }
    return status;
}

static bool is_named(char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

bool pg_merge_is_fresh(const struct pg_target *target)
{
    return (target->mode == LEAT_MERGE || target->mode == LEAT_DELETE_INSERT) &&
           !target->merge->deleted && !(target->flags & LEAT_WRITE_SOFT_DELETE);
}

int pg_merge_plan(struct pg_target *target, bool exists, struct leat_error *err)
{
    const struct pg_merge *merge = target->merge;
    target->fresh = !exists && pg_merge_is_fresh(target);
    target->route = target->fresh ? PG_ROUTE_CREATE : PG_ROUTE_MERGE;
    int status = exists ? LEAT_OK : leave_own_columns_out(target, err);
    /* Of a row that goes, a record may know no more than the key. */
    for (int64_t i = 0; i < target->table.n_columns && (merge->op || merge->deleted); i++) {
        struct ArrowSchema *field = target->table.schema.children[i];
        field->flags |= is_named(merge->keys, field->name) ? 0 : ARROW_FLAG_NULLABLE;
    }
    return status || !merge->op ? status : add_text_column(&target->table, merge->op, err);
}
