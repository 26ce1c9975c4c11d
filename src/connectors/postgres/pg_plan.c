/* What a load would do: the table as it is or as it would be made, what stands in the way, and
 * which route its rows take. Changes nothing. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT_EXACT_MAX 10000

/* --- lifetimes ----------------------------------------------------------------------------- */

void pg_target_done(struct pg_target *target)
{
    for (size_t i = 0; i < target->n_keys; i++) {
        free(target->keys[i]);
    }
    free(target->keys);
    free(target->ns);
    free(target->name);
    free(target->quoted);
    free(target->source_id);
    free(target->create);
    free(target->copy_to);
    free(target->staging);
    free(target->alter);
    free(target->drift);
    pg_merge_free(target->merge);
    lt_merge_free(target->merging);
    lt_indexes_done(&target->indexes);
    pg_own_types_done(&target->types);
    pg_table_done(&target->table);
    *target = (struct pg_target){0};
}

void pg_plan_put(struct pg_plan *plan)
{
    if (!plan || --plan->holders > 0) {
        return;
    }
    for (size_t i = 0; i < plan->n_targets; i++) {
        pg_target_done(&plan->targets[i]);
    }
    free(plan->targets);
    free(plan->resume);
    free(plan->open_loads);
    free(plan);
}

static void free_texts(char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++) {
        free(texts[i]);
    }
    free(texts);
}

void pg_plan_release(struct leat_load_plan *plan)
{
    for (size_t i = 0; plan->streams && i < plan->n_streams; i++) {
        lt_schema_done(&plan->streams[i].schema);
        free(plan->streams[i].ddl);
        free(plan->streams[i].route);
        free(plan->streams[i].drift);
        free_texts(plan->streams[i].shared_ddl);
    }
    free(plan->streams);
    pg_plan_put(plan->state);
    *plan = (struct leat_load_plan){.size = plan->size};
}

/* --- the stream ---------------------------------------------------------------------------- */

/* Columns as the plan's stream has them, keys marked from want->keys when it names some. */
static int copy_incoming(const struct leat_write_stream *want, struct ArrowSchema *ret_copy,
                         struct leat_error *err)
{
    struct ArrowSchema copy = {.release = NULL};
    int status = lt_schema_copy(want->schema, &copy, err);
    /* The key of a merge need not be the table's. */
    bool marks = want->n_keys && want->keys && !pg_is_keyed(want->mode);
    for (int64_t i = 0; !status && marks && i < copy.n_children; i++) {
        status = lt_schema_set_meta(copy.children[i], LT_META_KEY, NULL, err);
    }
    for (size_t k = 0; !status && marks && k < want->n_keys; k++) {
        char place[24];
        int64_t at = lt_schema_find(&copy, want->keys[k]);
        snprintf(place, sizeof place, "%zu", k + 1);
        status = at < 0 ? lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no key column \"%s\"",
                                  want->keys[k])
                        : lt_schema_set_meta(copy.children[at], LT_META_KEY, place, err);
    }
    if (status) {
        lt_schema_done(&copy);
        return status;
    }
    lt_schema_move(&copy, ret_copy);
    return LEAT_OK;
}

/* --- a table that is there ----------------------------------------------------------------- */

static int count_rows(struct pg_conn *conn, struct pg_target *target, const struct pg_table *table,
                      struct leat_error *err)
{
    char sql[700], text[32];
    struct leat_error why = {.status = LEAT_OK};
    snprintf(sql, sizeof sql,
             "SELECT pg_catalog.count(*) FROM (SELECT 1 FROM %s LIMIT %d) AS some_rows",
             target->quoted, COUNT_EXACT_MAX + 1);
    /* A refusal would end the transaction that holds a pooler's session. */
    int status = pg_pooled(conn->ep) && !table->readable
                     ? LEAT_DENIED
                     : pg_value(conn, sql, 0, NULL, text, sizeof text, &why);
    if (status == LEAT_DENIED) {
        /* Who may write need not be allowed to read. Only an empty file surely has no rows. */
        bool sure = table->rows_estimate != 0 || table->bytes_estimate == 0;
        target->rows_before = sure ? table->rows_estimate : -1;
        return LEAT_OK;
    }
    if (status) {
        if (err) {
            *err = why;
        }
        return status;
    }
    target->rows_before = strtoll(text, NULL, 10);
    if (target->rows_before > COUNT_EXACT_MAX) {
        target->rows_before = LT_MAX(table->rows_estimate, target->rows_before);
    }
    return LEAT_OK;
}

/* A comma-separated list the server makes, or "". */
static int list_of(struct pg_conn *conn, const char *sql, uint32_t oid, char *text, size_t size,
                   struct leat_error *err)
{
    char number[16];
    const char *params[] = {number};
    snprintf(number, sizeof number, "%u", oid);
    return pg_value(conn, sql, 1, params, text, size, err);
}

static const char referencing_sql[] =
    "SELECT pg_catalog.string_agg(DISTINCT k.conrelid::pg_catalog.regclass::text, ', ') "
    "FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.confrelid = $1::oid "
    "AND k.conrelid <> k.confrelid";
static const char interfering_sql[] =
    "SELECT pg_catalog.string_agg(x.name, ', ' ORDER BY x.name) FROM (SELECT 'trigger ' || "
    "t.tgname AS name FROM pg_catalog.pg_trigger t WHERE t.tgrelid = $1::oid AND NOT "
    "t.tgisinternal AND t.tgenabled <> 'D' UNION ALL SELECT 'rule ' || r.rulename FROM "
    "pg_catalog.pg_rewrite r WHERE r.ev_class = $1::oid AND r.ev_enabled <> 'D') AS x";
static const char views_sql[] =
    "SELECT pg_catalog.string_agg(DISTINCT r.ev_class::pg_catalog.regclass::text, ', ') "
    "FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid "
    "WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND "
    "d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::oid "
    "AND r.ev_class <> d.refobjid";
static const char published_sql[] =
    "SELECT pg_catalog.string_agg(p.pubname, ', ') FROM pg_catalog.pg_publication p "
    "JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname "
    "JOIN pg_catalog.pg_class c ON c.oid = $1::oid "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE t.schemaname = n.nspname AND t.tablename = c.relname AND p.pubdelete "
    "AND (c.relreplident = 'n' OR (c.relreplident = 'd' AND NOT EXISTS (SELECT 1 FROM "
    "pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)))";

static int read_keys(struct pg_target *target, const struct ArrowSchema *schema,
                     struct leat_error *err)
{
    target->keys = calloc((size_t)schema->n_children + 1, sizeof *target->keys);
    if (!target->keys) {
        return lt_fail_oom(err);
    }
    for (int64_t place = 1; place <= schema->n_children; place++) {
        char text[24];
        snprintf(text, sizeof text, "%" PRId64, place);
        for (int64_t i = 0; i < schema->n_children; i++) {
            if (lt_schema_meta_is(schema->children[i], LT_META_KEY, text)) {
                target->keys[target->n_keys] = lt_strdup(schema->children[i]->name);
                if (!target->keys[target->n_keys++]) {
                    return lt_fail_oom(err);
                }
            }
        }
    }
    return LEAT_OK;
}

int pg_blame_triggers(struct pg_conn *conn, const struct pg_target *target, int status,
                      struct leat_error *err)
{
    char names[200];
    bool asked = status && target->oid && err && !conn->broken &&
                 (!strcmp(err->code, lt_codes[LT_E_COUNT_MISMATCH].code) ||
                  !strcmp(err->code, lt_codes[LT_E_VERIFY_MISMATCH].code));
    if (asked && !list_of(conn, interfering_sql, target->oid, names, sizeof names, NULL) &&
        *names) {
        leat_error_remedy(err, "the table has a %s that may drop, add or change rows: disable it",
                          names);
    }
    return status;
}

/* Foreign keys of other tables: the rows they point at must stay, so the table is mirrored. */
static int plan_mirror(struct pg_target *target, const char *referencing, struct leat_error *err)
{
    bool missing = !target->n_keys;
    int status;
    for (size_t k = 0; k < target->n_keys; k++) {
        missing = missing || lt_schema_find(&target->table.schema, target->keys[k]) < 0;
    }
    if (missing) {
        status = lt_fail(err, LT_E_INVALID,
                         "foreign keys of %s point here, so the rows can only be replaced by "
                         "primary key, which %s",
                         referencing, target->n_keys ? "the source lacks" : "the table lacks");
        leat_error_remedy(err, "load with --append, or drop those keys first");
        return status;
    }
    target->route = PG_ROUTE_MIRROR;
    return LEAT_OK;
}

static int plan_replace(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    char referencing[512], published[512];
    target->route = target->flags & LEAT_WRITE_TRUNCATE ? PG_ROUTE_TRUNCATE : PG_ROUTE_DELETE;
    int status = list_of(conn, referencing_sql, target->oid, referencing, sizeof referencing, err);
    if (!status && *referencing && target->rows_before != 0) {
        status = plan_mirror(target, referencing, err);
    } else if (!status && *referencing) {
        target->route = PG_ROUTE_DELETE; /* the server truncates no such table, even an empty one */
    }
    if (!status && target->route != PG_ROUTE_TRUNCATE) {
        status = list_of(conn, published_sql, target->oid, published, sizeof published, err);
        if (!status && *published) {
            status = lt_fail(err, LT_E_INVALID,
                             "publication %s sends deletes, and the table has no replica identity: "
                             "the server would refuse to delete its rows",
                             published);
            leat_error_remedy(err, "ALTER TABLE %s REPLICA IDENTITY FULL, or give it a primary key",
                              target->quoted);
        }
    }
    return status;
}

static int refuse_dependants(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    char referencing[400], views[400];
    int status = list_of(conn, referencing_sql, target->oid, referencing, sizeof referencing, err);
    status = status ? status : list_of(conn, views_sql, target->oid, views, sizeof views, err);
    if (!status && (*referencing || *views)) {
        status = lt_fail(err, LT_E_INVALID,
                         "the table cannot be made anew, for others depend on it: %s%s%s",
                         referencing, *referencing && *views ? ", " : "", views);
        leat_error_remedy(err, "leave out --recreate, or drop what depends on it first");
    }
    return status;
}

static int check_rights(struct pg_conn *conn, const struct pg_target *target,
                        struct leat_error *err)
{
    static const char *const rights[] = {
        [PG_ROUTE_RECREATE] = "INSERT",
        [PG_ROUTE_DELETE] = "INSERT,DELETE",
        [PG_ROUTE_TRUNCATE] = "INSERT,TRUNCATE",
        [PG_ROUTE_APPEND] = "INSERT",
        [PG_ROUTE_MIRROR] = "INSERT,UPDATE,DELETE,SELECT",
        [PG_ROUTE_MERGE] = "INSERT,UPDATE,DELETE,SELECT",
    };
    char oid[16], text[128];
    const char *params[] = {oid, rights[target->route]};
    snprintf(oid, sizeof oid, "%u", target->oid);
    int status = pg_value(conn,
                          "SELECT pg_catalog.string_agg(r, ', ') FROM "
                          "pg_catalog.unnest(pg_catalog.string_to_array($2, ',')) r "
                          "WHERE NOT pg_catalog.has_table_privilege($1::oid, r)",
                          2, params, text, sizeof text, err);
    if (!status && *text) {
        status = lt_fail(err, LT_E_DENIED, "the login may not %s this table", text);
    }
    return status;
}

/* Leaves the columns out that the table computes by itself. */
static int drop_generated(struct ArrowSchema *incoming, const struct pg_table *table,
                          struct leat_error *err)
{
    struct ArrowSchema kept = {.release = NULL};
    int status = lt_schema_init_struct(&kept, 0, err);
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        int64_t at = lt_schema_find(&table->schema, incoming->children[i]->name);
        if (at < 0 || !table->columns[at].generated) {
            status = lt_schema_add(&kept, incoming->children[i], err);
        }
    }
    if (!status) {
        lt_schema_done(incoming);
        lt_schema_move(&kept, incoming);
    }
    lt_schema_done(&kept);
    return status;
}

/* What comes as PostgreSQL's own text of a column's very type goes in as that text. */
static int take_texts(const struct ArrowSchema *incoming, struct pg_table *table,
                      struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        const struct ArrowSchema *field = incoming->children[i];
        int64_t at = lt_schema_find(&table->schema, field->name);
        char own[LT_DIALECT_TYPE_MAX], domain[LT_DIALECT_TYPE_MAX];
        bool same;
        if (at < 0 || !pg_is_text(field) || pg_is_text(table->schema.children[at]) ||
            !lt_dialect_own_type(&lt_dialect_postgres, field, own, &same)) {
            continue;
        }
        const struct ArrowSchema *to = table->schema.children[at];
        if (!strcmp(own, table->columns[at].type_text) ||
            (lt_dialect_own_domain(&lt_dialect_postgres, to, domain) && !strcmp(own, domain))) {
            status = pg_column_as_text(table, at, field, err);
        }
    }
    return status;
}

int pg_match_labels(struct pg_conn *conn, struct pg_target *target,
                    const struct ArrowSchema *incoming, const struct pg_table *table,
                    struct leat_error *err)
{
    const struct pg_own_wish wish = pg_own_wish_of(target);
    int status = LEAT_OK;
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        const struct ArrowSchema *field = incoming->children[i];
        int64_t at = lt_schema_find(&table->schema, field->name);
        if (at >= 0 && !table->columns[at].known && table->columns[at].wire == PG_WIRE_TEXT) {
            status = pg_own_labels(conn, &wish, field, table->columns[at].value_oid, err);
        }
        if (status) {
            leat_error_place(err, "column \"%s\"", field->name);
        }
    }
    return status;
}

/* Columns: by name, checked as a whole, then in the order they come. */
static int match_columns(struct pg_conn *conn, struct pg_target *target,
                         struct ArrowSchema *incoming, struct pg_table *table,
                         struct leat_error *err)
{
    struct ArrowSchema matched = {.release = NULL};
    int status = drop_generated(incoming, table, err);
    status = status ? status : take_texts(incoming, table, err);
    status = status ? status : pg_match_labels(conn, target, incoming, table, err);
    status = status ? status : pg_evolve(conn, target, incoming, table, err);
    if (!status) {
        status = lt_dialect_match(incoming, &table->schema, &matched, err);
    }
    const char **columns = calloc((size_t)incoming->n_children + 1, sizeof *columns);
    if (!columns && !status) {
        status = lt_fail_oom(err);
    }
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        columns[i] = incoming->children[i]->name;
    }
    status = status ? status : read_keys(target, &table->schema, err);
    status = status ? status : pg_table_project(table, columns, (size_t)incoming->n_children, err);
    if (!status) {
        target->table = *table;
        *table = (struct pg_table){0};
    }
    free(columns);
    lt_schema_done(&matched);
    return status;
}

int pg_refuse_foreign_rows(const struct pg_target *target, struct leat_error *err)
{
    char count[LT_HUMAN_MAX];
    if (target->mode != LEAT_REPLACE || target->ours || target->rows_before == 0 ||
        target->flags & LEAT_WRITE_FORCE) {
        return LEAT_OK;
    }
    if (target->rows_before < 0) {
        return lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS, "%s.%s holds rows that leat did not write",
                       target->ns, target->name);
    }
    return lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS, "%s.%s holds %s row%s that leat did not write",
                   target->ns, target->name, lt_human_count(target->rows_before, count),
                   target->rows_before == 1 ? "" : "s");
}

static int plan_existing(struct pg_conn *conn, struct pg_target *target,
                         struct ArrowSchema *incoming, struct pg_table *table,
                         struct leat_error *err)
{
    target->oid = table->oid;
    if (table->kind != 'r' && table->kind != 'p') {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s.%s is no table that can be loaded", target->ns,
                       target->name);
    }
    if (table->row_security) {
        int denied =
            lt_fail(err, LT_E_DENIED, "row-level security applies to %s.%s, which COPY cannot load",
                    target->ns, target->name);
        leat_error_remedy(err, "load as the table's owner, or a role with BYPASSRLS");
        return denied;
    }
    int status = count_rows(conn, target, table, err);
    status = status ? status : pg_state_ours(conn, target, &target->ours, err);
    status = status ? status : pg_refuse_foreign_rows(target, err);
    if (!status && target->mode == LEAT_REPLACE && target->flags & LEAT_WRITE_RECREATE) {
        target->route = PG_ROUTE_RECREATE;
        status = refuse_dependants(conn, target, err);
        status = status ? status : read_keys(target, incoming, err);
        status = status ? status : pg_extras_plan(conn, target, incoming, err);
        return status ? status : pg_plan_new_table(conn, target, incoming, err);
    }
    if (!status && target->merge) {
        status = pg_merge_check_table(target, table, err);
    }
    status = status ? status : match_columns(conn, target, incoming, table, err);
    if (!status && target->merge) {
        status = pg_merge_plan(target, true, err);
        status = status || target->mode != LEAT_DELETE_INSERT
                     ? status
                     : pg_refuse_cascades(conn, target, err);
    } else if (!status) {
        target->route = PG_ROUTE_APPEND;
        status = target->mode == LEAT_REPLACE ? plan_replace(conn, target, err) : LEAT_OK;
    }
    return status ? status : check_rights(conn, target, err);
}

/* A table that is not there. */
static int plan_new(struct pg_conn *conn, struct pg_target *target, struct ArrowSchema *incoming,
                    struct leat_error *err)
{
    target->route = PG_ROUTE_CREATE;
    int status = target->merge ? pg_merge_new_columns(target, incoming, err) : LEAT_OK;
    status = status ? status : read_keys(target, incoming, err);
    status = status ? status : pg_extras_plan(conn, target, incoming, err);
    status = status ? status : pg_plan_new_table(conn, target, incoming, err);
    return status || !target->merge ? status : pg_merge_plan(target, false, err);
}

static int check_schema(struct pg_conn *conn, const char *ns, struct leat_error *err)
{
    const char *params[] = {ns};
    char text[8];
    int status = pg_value(conn,
                          "SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') "
                          "FROM pg_catalog.pg_namespace WHERE nspname = $1",
                          1, params, text, sizeof text, err);
    if (!status && !*text) {
        status = lt_fail(err, LT_E_NOT_FOUND, "there is no schema \"%s\"", ns);
        leat_error_remedy(err, "CREATE SCHEMA \"%s\"", ns);
    } else if (!status && *text != 't') {
        status = lt_fail(err, LT_E_DENIED, "the login may not create tables in schema \"%s\"", ns);
    }
    return status;
}

/* --- one stream ---------------------------------------------------------------------------- */

/* The source's name for a column's type. Text and bytes carry none: they are what they look like. */
static bool is_type(const struct ArrowSchema *field, const char *type_text)
{
    char source[512];
    if (lt_schema_meta_text(field, LT_META_SOURCE_TYPE, source, sizeof source)) {
        return !strncmp(source, "postgres:", 9) && !strcmp(source + 9, type_text);
    }
    struct lt_type type;
    return !lt_type_of(field, &type, NULL) && type.logical == LT_PLAIN &&
           ((type.id == LT_UTF8 && !strcmp(type_text, "text")) ||
            (type.id == LT_BINARY && !strcmp(type_text, "bytea")));
}

/* Whether the column takes the source's bytes as they are. Types of the user's own have other
 * numbers at every server. */
static bool takes_bytes(const struct pg_column *column, const struct ArrowSchema *own,
                        const struct ArrowSchema *incoming)
{
    return column->known && column->wire != PG_WIRE_TEXT_CAST &&
           !strcmp(incoming->format, own->format) && is_type(incoming, column->type_text);
}

static void log_converted(const struct leat_endpoint *ep, const struct pg_target *target,
                          const struct pg_column *column, const struct ArrowSchema *incoming)
{
    struct lt_buf type = LT_BUF_INIT;
    char source[512];
    if (lt_schema_meta_text(incoming, LT_META_SOURCE_TYPE, source, sizeof source)
            ? !lt_buf_puts(&type, source)
            : !lt_type_print(incoming, &type)) {
        pg_log(ep, LEAT_LOG_INFO,
               "%s: goes by columns, not as bytes: \"%s\" is %s here and %s at the source",
               target->name, incoming->name, column->type_text, lt_buf_text(&type));
    }
    lt_buf_done(&type);
}

static bool can_forward(const struct leat_endpoint *ep, const struct pg_target *target,
                        const struct leat_write_stream *want)
{
    if (!(want->payloads & LEAT_PAYLOAD_BYTES) || (target->merge && target->merge->op) ||
        !want->bytes_format || strcmp(want->bytes_format, "pgcopy") != 0 ||
        want->schema->n_children != target->table.n_columns) {
        return false;
    }
    for (int64_t i = 0; i < target->table.n_columns; i++) {
        const struct pg_column *column = &target->table.columns[i];
        if (!takes_bytes(column, target->table.schema.children[i], want->schema->children[i])) {
            log_converted(ep, target, column, want->schema->children[i]);
            return false;
        }
    }
    return true;
}

/* The table, or none of its oid when there is none and one may be made. */
static int find_table(struct pg_conn *conn, const struct leat_stream_name *name,
                      struct pg_table *table, struct leat_error *err)
{
    int status = pg_find(conn, name, table, err);
    return status || table->oid ? status : check_schema(conn, name->ns, err);
}

static int plan_target(struct leat_endpoint *ep, struct pg_conn *conn,
                       const struct leat_write_stream *want, struct pg_target *target,
                       struct leat_error *err)
{
    struct pg_table table = {0};
    struct ArrowSchema incoming = {.release = NULL};
    struct lt_buf quoted = LT_BUF_INIT;
    target->mode = want->mode;
    target->policy = want->schema_policy;
    target->flags = want->flags;
    /* An estimate in the head of a caller of an older make is not there: then none is known. */
    int64_t rows =
        want->size > offsetof(struct leat_write_stream, rows_estimate) ? want->rows_estimate : -1;
    target->key_after = !pg_is_keyed(want->mode) && (rows < 0 || rows >= PG_ROWS_KEY_AFTER);
    target->ns = lt_strdup(want->name.ns && *want->name.ns ? want->name.ns : ep->default_ns);
    target->name = lt_strdup(want->name.name);
    target->source_id = lt_strdup(want->source_id ? want->source_id : "");
    if (!target->ns || !target->name || !target->source_id ||
        lt_dialect_quote_name(&lt_dialect_postgres, target->ns, target->name, &quoted) ||
        !(target->quoted = lt_buf_take(&quoted)) ||
        !(target->copy_to = lt_strdup(target->quoted))) {
        lt_buf_done(&quoted);
        return lt_fail_oom(err);
    }
    if (strlen(target->name) >= PG_NAME_MAX) {
        return lt_fail(err, LT_E_INVALID, "the table's name is longer than %d bytes",
                       PG_NAME_MAX - 1);
    }
    int status = copy_incoming(want, &incoming, err);
    struct leat_stream_name name = {target->ns, target->name};
    if (!status && pg_is_keyed(want->mode)) {
        status = pg_merge_take(want, &incoming, target, err);
    }
    status = status ? status : find_table(conn, &name, &table, err);
    if (!status && table.oid) {
        status = plan_existing(conn, target, &incoming, &table, err);
    } else if (!status) {
        status = plan_new(conn, target, &incoming, err);
    }
    if (!status) {
        snprintf(target->table.ns, sizeof target->table.ns, "%s", target->ns);
        snprintf(target->table.name, sizeof target->table.name, "%s", target->name);
        target->bytes = can_forward(ep, target, want);
    }
    pg_table_done(&table);
    lt_schema_done(&incoming);
    return pg_explain_lock(conn, &name, false, status, err);
}

/* Rows of mirrored tables wait aside, and those of tables that refer to others of the load: the
 * parts come in any order. Staged parts wait in their staging tables anyway. */
static int plan_asides(struct pg_conn *conn, struct pg_plan *plan, struct leat_error *err)
{
    size_t *order = NULL;
    int status = plan->staged ? LEAT_OK : pg_order_targets(conn, plan, &order, err);
    for (size_t i = 0; i < plan->n_targets && !status && !plan->staged; i++) {
        struct pg_target *target = &plan->targets[i];
        target->aside = target->route == PG_ROUTE_MIRROR || target->route == PG_ROUTE_MERGE ||
                        (target->refers && target->route != PG_ROUTE_RECREATE);
    }
    free(order);
    return status;
}

static char *route_text(const struct pg_target *target, bool staged)
{
    static const char *const direct[] = {
        [PG_ROUTE_CREATE] = "create and copy",
        [PG_ROUTE_RECREATE] = "drop, create and copy",
        [PG_ROUTE_DELETE] = "delete and copy",
        [PG_ROUTE_TRUNCATE] = "truncate and copy",
        [PG_ROUTE_APPEND] = "copy",
        [PG_ROUTE_MIRROR] = "copy aside, upsert and delete what is gone",
        [PG_ROUTE_MERGE] = "copy aside",
    };
    static const char *const last[] = {
        [PG_ROUTE_CREATE] = "rename it",
        [PG_ROUTE_RECREATE] = "drop the old and rename it",
        [PG_ROUTE_DELETE] = "delete and insert",
        [PG_ROUTE_TRUNCATE] = "truncate and insert",
        [PG_ROUTE_APPEND] = "insert",
        [PG_ROUTE_MIRROR] = "upsert and delete what is gone",
    };
    static const char *const keyed[] = {
        [LEAT_MERGE] = "update and insert by key",
        [LEAT_DELETE_INSERT] = "delete and insert by key",
        [LEAT_CHANGES] = "delete, update and insert by key",
        [LEAT_HISTORY] = "close rows and insert their successors by key",
    };
    if (target->route == PG_ROUTE_MERGE) {
        return lt_format("copy %s, then %s%s in one transaction",
                         staged ? "parts into a staging table" : "aside",
                         target->create ? "create, " : "", keyed[target->mode]);
    }
    if (target->aside && target->route != PG_ROUTE_MIRROR) {
        return lt_format("%s aside, and insert after the tables it refers to, in one transaction",
                         direct[target->route]);
    }
    return staged ? lt_format("copy parts into a staging table, then %s in one transaction",
                              last[target->route])
                  : lt_format("%s in one transaction", direct[target->route]);
}

/* What is made before the rows, then what is made after them. */
static char *ddl_of(const struct pg_target *target)
{
    struct lt_buf sql = LT_BUF_INIT;
    int failed = lt_buf_puts(&sql, target->create ? target->create : target->alter);
    if (target->fresh && target->n_keys) {
        failed |= lt_buf_puts(&sql, "; ") | pg_merge_key_sql(target, &sql);
    }
    if (target->create) {
        failed |= pg_put_comments(&target->table.schema, target->quoted, &sql);
    }
    failed |= pg_extras_show(target, &sql);
    if (failed) {
        lt_buf_done(&sql);
        return NULL;
    }
    return lt_buf_take(&sql);
}

/* Of types that are to be made, or are to be given labels. */
static int show_types(const struct pg_own_types *types, char ***ret_texts, struct leat_error *err)
{
    char **texts = types->n ? calloc(types->n + 1, sizeof *texts) : NULL;
    size_t n = 0;
    int status = texts || !types->n ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < types->n && !status; i++) {
        const char *text = types->items[i].make ? types->items[i].make : types->items[i].widen;
        if (text && !(texts[n++] = lt_strdup(text))) {
            status = lt_fail_oom(err);
        }
    }
    *ret_texts = texts;
    return status;
}

static int show_target(const struct pg_target *target, bool staged, int parts,
                       struct leat_load_stream *stream, struct leat_error *err)
{
    *stream = (struct leat_load_stream){
        .size = sizeof *stream,
        .payloads = LEAT_PAYLOAD_BATCH | (target->bytes ? (uint32_t)LEAT_PAYLOAD_BYTES : 0),
        .parts_max = staged ? LT_MAX(parts, 1) : 1,
        .exists = target->oid != 0,
        .rows_before = target->rows_before,
        .ours = target->ours,
        .drift = target->drift ? lt_strdup(target->drift) : NULL,
        .route = route_text(target, staged),
    };
    bool ddl = target->create || target->alter;
    stream->ddl = ddl ? ddl_of(target) : NULL;
    if (!stream->route || (ddl && !stream->ddl) || (target->drift && !stream->drift)) {
        return lt_fail_oom(err);
    }
    int status = show_types(&target->types, &stream->shared_ddl, err);
    return status ? status : lt_schema_copy(&target->table.schema, &stream->schema, err);
}

static int plan_targets(struct leat_endpoint *ep, struct pg_conn *conn,
                        const struct leat_write_plan *want, struct pg_plan *plan,
                        struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < want->n_streams && !status; i++) {
        struct pg_target *target = &plan->targets[i];
        plan->n_targets = i + 1;
        plan->staged = plan->staged || want->streams[i].parts_wanted > 1;
        status = plan_target(ep, conn, &want->streams[i], target, err);
        if (status && status != LEAT_CONFLICT) { /* conflicts name the table in their message */
            leat_error_place(err, "%s.%s", target->ns ? target->ns : "",
                             want->streams[i].name.name);
        }
    }
    for (size_t i = 0; i < plan->n_targets && !status; i++) {
        status = pg_plan_cascades(conn, plan, &plan->targets[i], err);
    }
    if (!status && !ep->no_state && ep->state_namespace) {
        status = check_schema(conn, ep->state_namespace, err);
    }
    if (!status && plan->staged && pg_pooled(ep)) {
        plan->staged = false; /* its locks are those of sessions */
        status = want->shared ? lt_fail(err, LT_E_UNSUPPORTED,
                                        "a load shared by processes needs sessions of its own, and "
                                        "a pooler stands before the server")
                              : LEAT_OK;
    }
    if (!status && plan->staged && ep->no_state) {
        /* Staging is found again through its records; without them everything goes straight in. */
        plan->staged = false;
        status = want->shared ? lt_fail(err, LT_E_UNSUPPORTED,
                                        "a load shared by processes needs its record of loads")
                              : LEAT_OK;
    }
    return status;
}

/* The text of a load that is to outlive its process, where this one can; else says why not. */
static const char *resume_text(const struct leat_write_plan *want, const struct leat_endpoint *ep,
                               struct leat_load_plan *result)
{
    size_t known = offsetof(struct leat_write_plan, resume) + sizeof want->resume;
    if (want->size < known || !want->resume) {
        return NULL;
    }
    result->unresumable = pg_pooled(ep)
                              ? "a pooler stands before the server, and keeps no locks of sessions"
                          : ep->no_state ? "the destination keeps no record of loads (--no-state)"
                          : want->n_streams > 1 ? "several streams are committed together"
                                                : NULL;
    result->resumable = !result->unresumable;
    return result->resumable ? want->resume : NULL;
}

int pg_plan_make(struct leat_endpoint *ep, const struct leat_write_plan *want,
                 struct leat_load_plan *ret_plan, struct leat_error *err)
{
    struct leat_load_plan result = {.size = sizeof result, .atomicity = LEAT_ATOMIC_LOAD};
    struct pg_conn *conn = NULL;
    struct pg_plan *plan = calloc(1, sizeof *plan);
    if (!want->n_streams || !want->load_id || strlen(want->load_id) >= PG_LOAD_ID_MAX) {
        free(plan);
        return lt_fail(err, LT_E_INVALID, "a load needs streams and an id");
    }
    const char *resume = resume_text(want, ep, &result);
    if (plan) {
        plan->holders = 1;
        plan->staged = want->shared || resume;
        plan->resume = resume ? lt_strdup(resume) : NULL;
        snprintf(plan->load_id, sizeof plan->load_id, "%s", want->load_id);
        plan->targets = calloc(want->n_streams, sizeof *plan->targets);
        result.state = plan;
        result.streams = calloc(want->n_streams, sizeof *result.streams);
    }
    bool whole = plan && plan->targets && result.streams && (plan->resume || !resume);
    int status = whole ? LEAT_OK : lt_fail_oom(err);
    status = status ? status : pg_take_held(ep, &conn, err);
    status = status ? status : pg_resume_look(conn, want, plan, err);
    status = status ? status : plan_targets(ep, conn, want, plan, err);
    status = status ? status : plan_asides(conn, plan, err);
    pg_give(conn);
    if (!status) {
        snprintf(plan->state_ns, sizeof plan->state_ns, "%s", pg_state_ns(ep, plan->targets[0].ns));
    }
    for (size_t i = 0; i < want->n_streams && !status; i++) {
        result.n_streams = i + 1;
        status = show_target(&plan->targets[i], plan->staged, want->streams[i].parts_wanted,
                             &result.streams[i], err);
    }
    result.serial = !status && !plan->staged;
    result.open_loads = status ? NULL : plan->open_loads;
    if (status) {
        pg_plan_release(&result);
        return status;
    }
    *ret_plan = result;
    return LEAT_OK;
}
