/* A table that is to be made: which types its columns have here. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#include <stdio.h>
#include <stdlib.h>

/* What this server knows of a type by its DDL text. */
struct found_type {
    bool exists;
    bool domain;
    char base[LT_DIALECT_TYPE_MAX]; /* what lies under a domain; else the type, without arguments */
};

static int find_type(struct pg_conn *conn, const char *text, struct found_type *ret_found,
                     struct leat_error *err)
{
    static const char sql[] =
        "WITH RECURSIVE base(typ, mod, kind) AS (SELECT t.oid, -1, t.typtype FROM "
        "pg_catalog.pg_type t WHERE t.oid = pg_catalog.to_regtype($1) UNION ALL "
        "SELECT t.oid, CASE WHEN t.typtype = 'd' THEN -1 ELSE d.typtypmod END, t.typtype FROM base "
        "b JOIN pg_catalog.pg_type d ON d.oid = b.typ JOIN pg_catalog.pg_type t "
        "ON t.oid = d.typbasetype WHERE b.kind = 'd') SELECT pg_catalog.format_type(typ, mod), "
        "(SELECT pg_catalog.count(*) FROM base) > 1 FROM base WHERE kind <> 'd'";
    const char *params[] = {text};
    PGresult *result = NULL;
    int status = pg_query(conn, sql, 1, params, &result, err);
    *ret_found = (struct found_type){.exists = !status && pg_rows(conn, result) > 0};
    if (ret_found->exists) {
        ret_found->domain = pg_cell_true(conn, result, 0, 1);
        snprintf(ret_found->base, sizeof ret_found->base, "%s", pg_cell(conn, result, 0, 0));
    }
    pg_clear(conn, result);
    return status;
}

static int fail_no_type(const struct ArrowSchema *field, const char *type, struct leat_error *err)
{
    int status =
        lt_fail(err, LT_E_UNSUPPORTED_TYPE, "the source's type %s does not exist here", type);
    leat_error_remedy(err,
                      "create it here first (CREATE TYPE, CREATE EXTENSION); --cast %s=utf8 or "
                      "--on-loss text carry it as text",
                      field->name);
    return status;
}

/* The domain the source had, where it is here and lies over the same type. */
static int take_domain(struct pg_conn *conn, const struct ArrowSchema *field, struct lt_buf *type,
                       struct leat_error *err)
{
    char domain[LT_DIALECT_TYPE_MAX];
    struct found_type found;
    if (!lt_dialect_own_domain(&lt_dialect_postgres, field, domain)) {
        return LEAT_OK;
    }
    int status = find_type(conn, domain, &found, err);
    if (status) {
        return status;
    }
    if (!found.domain || strcmp(found.base, lt_buf_text(type)) != 0) {
        pg_log(conn->ep, LEAT_LOG_WARN,
               "column \"%s\": there is no domain %s over %s here, the column is made without its "
               "checks",
               field->name, domain, lt_buf_text(type));
        return LEAT_OK;
    }
    lt_buf_clear(type);
    return lt_buf_puts(type, domain) ? lt_fail_oom(err) : LEAT_OK;
}

/* The type that the server itself says the column had, where its values go there as they are: text
 * may be the server's own of a type that has another storage. */
static bool keeps_own(const struct ArrowSchema *field, char own[LT_DIALECT_TYPE_MAX])
{
    bool same = false;
    return lt_dialect_own_type(&lt_dialect_postgres, field, own, &same) &&
           (same || pg_is_text(field));
}

static int put_type(const struct ArrowSchema *field, struct lt_buf *type, struct leat_error *err)
{
    char own[LT_DIALECT_TYPE_MAX];
    if (keeps_own(field, own)) {
        return lt_buf_puts(type, own) ? lt_fail_oom(err) : LEAT_OK;
    }
    return lt_dialect_type(&lt_dialect_postgres, field, type, err);
}

/* Does the server have the type? Each is asked for once; `seen` holds those that it has, with their
 * NULs. */
static int check_type(struct pg_conn *conn, const struct ArrowSchema *field, const char *own,
                      struct lt_buf *seen, struct leat_error *err)
{
    struct found_type found;
    bool known = pg_type_cached(conn->ep, own);
    for (size_t at = 0; at < seen->len && !known; at += strlen((char *)seen->data + at) + 1) {
        known = !strcmp((char *)seen->data + at, own);
    }
    if (known) {
        return LEAT_OK;
    }
    int status = find_type(conn, own, &found, err);
    if (!status && !found.exists) {
        return fail_no_type(field, own, err);
    }
    return !status && lt_buf_append(seen, own, strlen(own) + 1) ? lt_fail_oom(err) : status;
}

/* What the columns are declared as, and what the server is asked for where a type is yet to be made.
 */
struct chosen {
    char **types;
    struct pg_own_column *own; /* as many; type NULL: none of users' own */
};

/* The DDL type of one column, with the types and domains that the server has or is to have. */
static int choose_type(struct pg_conn *conn, struct pg_target *target,
                       const struct ArrowSchema *field, struct lt_buf *seen,
                       struct pg_own_column *ret_own, char **ret_type, struct leat_error *err)
{
    char own[LT_DIALECT_TYPE_MAX], domain[LT_DIALECT_TYPE_MAX];
    struct lt_buf type = LT_BUF_INIT;
    const struct pg_own_wish wish = pg_own_wish_of(target);
    bool keeps = keeps_own(field, own);
    int status = LEAT_OK;
    if (keeps || lt_dialect_own_domain(&lt_dialect_postgres, field, domain)) {
        status = pg_own_column(conn, &wish, field, ret_own, err);
    }
    if (!status && ret_own->type) {
        *ret_type = lt_strdup(ret_own->type);
        return *ret_type ? LEAT_OK : lt_fail_oom(err);
    }
    if (!status && keeps) {
        status = check_type(conn, field, own, seen, err);
    }
    status = status ? status : put_type(field, &type, err);
    status = status ? status : take_domain(conn, field, &type, err);
    if (!status && !(*ret_type = lt_buf_take(&type))) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&type);
    return status;
}

/* A type that is not made yet is asked for as what its values go as. */
static const char *asked_type(const struct chosen *chosen, int64_t i)
{
    const struct pg_own_column *own = &chosen->own[i];
    if (!own->type || !own->missing) {
        return chosen->types[i];
    }
    return own->under == PG_UNDER_KNOWN  ? own->known
           : own->under == PG_UNDER_LIST ? "pg_catalog.text[]"
                                         : "pg_catalog.text";
}

/* ... and is described as it will be. Labels go as they are; what else there is goes by its text,
 * for the numbers of the types are not known yet. */
static int describe_missing(const struct ArrowSchema *incoming, const struct pg_own_column *own,
                            struct pg_table *table, int64_t i, struct leat_error *err)
{
    struct pg_column *column = &table->columns[i];
    struct ArrowSchema field = {.release = NULL};
    char text[LT_DIALECT_TYPE_MAX];
    bool same;
    if (!own->type || !own->missing || own->under == PG_UNDER_KNOWN) {
        return LEAT_OK;
    }
    if (!lt_dialect_own_type(&lt_dialect_postgres, incoming, text, &same)) {
        snprintf(text, sizeof text, "%s", own->type);
    }
    int status = own->under == PG_UNDER_LIST
                     ? lt_dialect_foreign_list(&lt_dialect_postgres, text, &field, err)
                     : lt_dialect_field(&lt_dialect_postgres, "", text, -1, -1, &field, err);
    status = status ? status : lt_schema_set_name(&field, table->schema.children[i]->name, err);
    if (!status) {
        lt_schema_done(table->schema.children[i]);
        lt_schema_move(&field, table->schema.children[i]);
        column->wire = own->under == PG_UNDER_ENUM ? PG_WIRE_TEXT : PG_WIRE_TEXT_CAST;
        column->known = false;
    }
    lt_schema_done(&field);
    return status;
}

/* Asks the server what columns of these types are like, by a query that is only parsed. */
static int describe_types(struct pg_conn *conn, const struct ArrowSchema *incoming,
                          const struct chosen *chosen, struct pg_table *ret_table,
                          struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    bool all = false;
    int status = pg_type_table(conn->ep, incoming, chosen->types, ret_table, &all, err);
    if (status || all) {
        return status;
    }
    int failed = lt_buf_puts(&sql, "SELECT ");
    for (int64_t i = 0; i < incoming->n_children; i++) {
        failed |= lt_buf_printf(&sql, "%sNULL::%s AS ", i ? ", " : "", asked_type(chosen, i));
        failed |= pg_ident(&sql, incoming->children[i]->name);
    }
    status = failed ? lt_fail_oom(err) : pg_describe_query(conn, lt_buf_text(&sql), ret_table, err);
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        if (!chosen->own[i].type) {
            status = pg_type_keep(conn->ep, chosen->types[i], &ret_table->columns[i],
                                  ret_table->schema.children[i], err);
        } else {
            status = describe_missing(incoming->children[i], &chosen->own[i], ret_table, i, err);
        }
    }
    lt_buf_done(&sql);
    return status;
}

static int copy_meta(const struct ArrowSchema *from, struct ArrowSchema *to, struct leat_error *err)
{
    static const char *const keys[] = {LT_META_KEY, LT_META_COMMENT, LT_META_IDENTITY,
                                       LT_META_DEFAULT};
    int status = LEAT_OK;
    for (size_t i = 0; i < LT_ARRAY_LEN(keys) && !status; i++) {
        size_t len;
        const char *value = lt_schema_meta(from, keys[i], &len);
        char *text = value ? lt_strndup(value, len) : NULL;
        if (value) {
            status = text ? lt_schema_set_meta(to, keys[i], text, err) : lt_fail_oom(err);
        }
        free(text);
    }
    return status;
}

/* The described columns become those that are written: keys, comments, nullability, DDL types. */
static int finish_column(struct pg_table *table, int64_t i, const struct ArrowSchema *incoming,
                         char **type, struct leat_error *err)
{
    char own[LT_DIALECT_TYPE_MAX];
    bool same;
    struct ArrowSchema *field = table->schema.children[i];
    bool text = pg_is_text(incoming) && !pg_is_text(field) &&
                lt_dialect_own_type(&lt_dialect_postgres, incoming, own, &same);
    int status = text ? pg_column_as_text(table, i, incoming, err) : LEAT_OK;
    status = status ? status : copy_meta(incoming, field, err);
    field->flags = lt_schema_meta(incoming, LT_META_KEY, &(size_t){0}) ? 0 : incoming->flags;
    free(table->columns[i].type_text);
    table->columns[i].type_text = *type;
    *type = NULL;
    return status;
}

static void chosen_done(struct chosen *chosen, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (chosen->types) {
            free(chosen->types[i]);
        }
        if (chosen->own) {
            pg_own_column_done(&chosen->own[i]);
        }
    }
    free(chosen->types);
    free(chosen->own);
}

/* *chosen is the caller's to release also after a failure. */
static int choose_types(struct pg_conn *conn, struct pg_target *target,
                        const struct ArrowSchema *incoming, struct chosen *chosen,
                        struct leat_error *err)
{
    struct lt_buf seen = LT_BUF_INIT;
    size_t n = (size_t)incoming->n_children;
    *chosen = (struct chosen){calloc(n + 1, sizeof(char *)), calloc(n + 1, sizeof *chosen->own)};
    int status = chosen->types && chosen->own ? LEAT_OK : lt_fail_oom(err);
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        const struct ArrowSchema *field = incoming->children[i];
        if (strlen(field->name) >= PG_NAME_MAX) {
            status =
                lt_fail(err, LT_E_INVALID,
                        "a name longer than %d bytes, which the server would cut", PG_NAME_MAX - 1);
            leat_error_remedy(err, "rename it with --rename old=new");
        }
        status = status ? status
                        : choose_type(conn, target, field, &seen, &chosen->own[i],
                                      &chosen->types[i], err);
        if (status) {
            leat_error_place(err, "column \"%s\"", field->name);
        }
    }
    lt_buf_done(&seen);
    return status;
}

/* The primary key may come after the rows. */
static int create_table(const struct pg_target *target, const struct ArrowSchema *incoming,
                        const char *const *types, struct lt_buf *sql, struct leat_error *err)
{
    struct ArrowSchema plain = {.release = NULL};
    bool later = target->key_after || (target->merge && pg_merge_is_fresh(target));
    int status = later ? lt_schema_copy(incoming, &plain, err) : LEAT_OK;
    for (int64_t i = 0; i < plain.n_children && later && !status; i++) {
        struct ArrowSchema *field = plain.children[i];
        field->flags &= lt_schema_meta(field, LT_META_KEY, &(size_t){0})
                            ? ~(int64_t)ARROW_FLAG_NULLABLE
                            : ~(int64_t)0;
        status = lt_schema_set_meta(field, LT_META_KEY, NULL, err);
    }
    status = status ? status
                    : lt_dialect_create_table(&lt_dialect_postgres, target->quoted,
                                              later ? &plain : incoming, types, sql, err);
    lt_schema_done(&plain);
    return status;
}

int pg_describe_new(struct pg_conn *conn, struct pg_target *target,
                    const struct ArrowSchema *incoming, struct pg_table *ret_table,
                    struct leat_error *err)
{
    struct chosen chosen;
    int status = choose_types(conn, target, incoming, &chosen, err);
    status = status ? status : describe_types(conn, incoming, &chosen, ret_table, err);
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        status = finish_column(ret_table, i, incoming->children[i], &chosen.types[i], err);
    }
    chosen_done(&chosen, incoming->n_children);
    return status;
}

int pg_plan_new_types(struct pg_conn *conn, struct pg_target *target,
                      const struct ArrowSchema *incoming, struct leat_error *err)
{
    struct chosen chosen;
    int status = choose_types(conn, target, incoming, &chosen, err);
    chosen_done(&chosen, incoming->n_children);
    return status;
}

struct pg_own_wish pg_own_wish_of(struct pg_target *target)
{
    return (struct pg_own_wish){.ns = target->ns,
                                .policy = target->policy,
                                .trusted = !strncmp(target->source_id, "postgres:", 9),
                                .types = &target->types};
}

static int say_create(struct pg_target *target, const struct ArrowSchema *incoming,
                      struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    const char **types = calloc((size_t)incoming->n_children + 1, sizeof *types);
    int status = types ? LEAT_OK : lt_fail_oom(err);
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        types[i] = target->table.columns[i].type_text;
    }
    status = status ? status : create_table(target, incoming, types, &sql, err);
    if (!status && !(target->create = lt_buf_take(&sql))) {
        status = lt_fail_oom(err);
    }
    free(types);
    lt_buf_done(&sql);
    return status;
}

int pg_plan_new_table(struct pg_conn *conn, struct pg_target *target,
                      const struct ArrowSchema *incoming, struct leat_error *err)
{
    struct pg_table *table = &target->table;
    int status = pg_describe_new(conn, target, incoming, table, err);
    status = status ? status : say_create(target, incoming, err);
    size_t len;
    const char *text = status ? NULL : lt_schema_meta(incoming, LT_META_COMMENT, &len);
    if (text) {
        char *comment = lt_strndup(text, len);
        status = comment ? lt_schema_set_meta(&table->schema, LT_META_COMMENT, comment, err)
                         : lt_fail_oom(err);
        free(comment);
    }
    return status;
}

/* --- without a connection ------------------------------------------------------------------- */

static int put_types(const struct ArrowSchema *schema, struct lt_buf *types, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < schema->n_children && !status; i++) {
        status = put_type(schema->children[i], &types[i], err);
    }
    return status;
}

static int put_create(const struct leat_write_stream *want, struct lt_buf *sql,
                      struct leat_error *err)
{
    size_t n = (size_t)want->schema->n_children;
    struct lt_buf name = LT_BUF_INIT, *types = calloc(n + 1, sizeof *types);
    const char **texts = calloc(n + 1, sizeof *texts);
    int status = types && texts ? put_types(want->schema, types, err) : lt_fail_oom(err);
    for (size_t i = 0; i < n && !status; i++) {
        texts[i] = lt_buf_text(&types[i]);
    }
    if (!status &&
        lt_dialect_quote_name(&lt_dialect_postgres, want->name.ns, want->name.name, &name)) {
        status = lt_fail_oom(err);
    }
    status = status ? status
                    : lt_dialect_create_table(&lt_dialect_postgres, lt_buf_text(&name),
                                              want->schema, texts, sql, err);
    if (!status && pg_put_comments(want->schema, lt_buf_text(&name), sql)) {
        status = lt_fail_oom(err);
    }
    for (size_t i = 0; types && i < n; i++) {
        lt_buf_done(&types[i]);
    }
    free(types);
    free(texts);
    lt_buf_done(&name);
    return status;
}

int pg_ddl(const struct leat_write_stream *want, int64_t column, char **ret_text,
           struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    int status = column < 0 ? put_create(want, &text, err)
                            : put_type(want->schema->children[column], &text, err);
    if (!status && !(*ret_text = lt_buf_take(&text))) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&text);
    return status;
}
