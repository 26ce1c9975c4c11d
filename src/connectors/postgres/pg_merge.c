/* The modes with keys, in the last transaction: what the server knows of the table is asked under
 * its lock, and the statements of sql/merge.h are run. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SEQUENCE "_leat_seq"
#define UNIQUE_VIOLATION "23505"
#define INTERVAL 1186 /* 30 days equal a month there */

/* --- the staging table --------------------------------------------------------------------- */

/* A column as the target has it, its collation included; else by its type. */
static int staging_column(const struct pg_target *target, const struct pg_table *there, int64_t i,
                          struct lt_buf *sql)
{
    const char *name = target->table.schema.children[i]->name;
    const char *type = target->table.columns[i].type_text;
    int64_t at = there->oid ? lt_schema_find(&there->schema, name) : -1;
    int failed = LEAT_OK;
    if (at >= 0 && !strcmp(there->columns[at].type_text, type)) {
        failed |= lt_buf_puts(sql, "t.") | pg_ident(sql, name);
    } else {
        failed |= lt_buf_printf(sql, "NULL::%s AS ", type) | pg_ident(sql, name);
    }
    return failed;
}

int pg_merge_staging(struct pg_conn *conn, const struct pg_target *target, bool temporary,
                     const char *quoted, struct leat_error *err)
{
    struct pg_table there = {0};
    struct lt_buf sql = LT_BUF_INIT;
    struct leat_stream_name name = {target->ns, target->name};
    int status = target->oid ? pg_describe(conn, &name, &there, err) : LEAT_OK;
    int failed =
        lt_buf_printf(&sql, "CREATE %sTABLE %s%s AS SELECT ", temporary ? "TEMPORARY " : "", quoted,
                      temporary ? " ON COMMIT DROP" : "");
    for (int64_t i = 0; i < target->table.n_columns && !status; i++) {
        failed |= lt_buf_puts(&sql, i ? ", " : "");
        failed |= staging_column(target, &there, i, &sql);
    }
    if (there.oid) {
        failed |= lt_buf_printf(&sql, " FROM %s AS t", target->quoted);
    }
    failed |= lt_buf_printf(&sql,
                            " WITH NO DATA; ALTER TABLE %s ADD COLUMN " SEQUENCE
                            " bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000)",
                            quoted);
    if (!status) {
        status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    }
    pg_table_done(&there);
    lt_buf_done(&sql);
    return status;
}

int pg_merge_hide_sequence(struct pg_table *staging, struct leat_error *err)
{
    const char **columns = calloc((size_t)staging->n_columns + 1, sizeof *columns);
    size_t n = 0;
    for (int64_t i = 0; columns && i < staging->n_columns; i++) {
        if (strcmp(staging->schema.children[i]->name, SEQUENCE) != 0) {
            columns[n++] = staging->schema.children[i]->name;
        }
    }
    int status = columns ? pg_table_project(staging, columns, n, err) : lt_fail_oom(err);
    free(columns);
    return status;
}

/* --- what the server knows ----------------------------------------------------------------- */

/* All that sql/merge.h wants of a table. */
struct facts {
    struct pg_table there;
    struct lt_merge merge;
    struct lt_merge_column *columns;
    struct lt_merge_unique *uniques;
    const char **kept, **unique_columns;
    PGresult *indexes;
};

static void facts_done(struct pg_conn *conn, struct facts *facts)
{
    pg_clear(conn, facts->indexes);
    pg_table_done(&facts->there);
    free(facts->columns);
    free(facts->uniques);
    free(facts->kept);
    free(facts->unique_columns);
}

/* Types whose equality is none, or takes values for equal that are not the same. */
static bool by_text(const struct ArrowSchema *field, const struct pg_column *column)
{
    struct lt_type type;
    const struct ArrowSchema *value = field;
    if (column->list && field->n_children == 1) {
        value = field->children[0];
    }
    return !column->known || column->wire == PG_WIRE_TEXT_CAST || column->value_oid == INTERVAL ||
           lt_type_of(value, &type, NULL) || type.logical == LT_JSON ||
           type.logical == LT_FOREIGN || lt_type_is_text(type.id);
}

static int find_columns(const struct pg_target *target, struct facts *facts, struct leat_error *err)
{
    const struct pg_table *brought = &target->table;
    struct lt_merge *merge = &facts->merge;
    facts->columns = calloc((size_t)brought->n_columns + 1, sizeof *facts->columns);
    facts->kept = calloc((size_t)facts->there.n_columns + 1, sizeof *facts->kept);
    if (!facts->columns || !facts->kept) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < brought->n_columns; i++) {
        const char *name = brought->schema.children[i]->name;
        int64_t at = lt_schema_find(&facts->there.schema, name);
        if (target->merge->op && !strcmp(name, target->merge->op)) {
            continue;
        }
        if (at < 0) {
            return lt_fail(err, LT_E_CONFLICT,
                           "the table lost its column \"%s\" since it was planned", name);
        }
        const struct ArrowSchema *field = facts->there.schema.children[at];
        facts->columns[merge->n_columns++] = (struct lt_merge_column){
            .name = name,
            .fixed = lt_schema_meta_is(field, LT_META_IDENTITY, "always"),
            .by_text = by_text(field, &facts->there.columns[at]),
        };
    }
    for (int64_t i = 0; i < facts->there.n_columns; i++) {
        const char *name = facts->there.schema.children[i]->name;
        if (lt_schema_find(&brought->schema, name) < 0 && !facts->there.columns[i].generated) {
            facts->kept[merge->n_kept++] = name;
        }
    }
    merge->columns = facts->columns;
    merge->kept = facts->kept;
    return LEAT_OK;
}

/* Columns of all that makes rows unique and is checked row by row, an index after the other. Those
 * that cannot wait are to be told from those that can; of expressions and conditions all columns
 * they speak of. */
static const char indexes_sql[] =
    "SELECT i.indexrelid, a.attname, i.indisunique AND i.indexprs IS NULL AND i.indpred IS NULL, "
    "NOT a.attnotnull, i.indimmediate FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON "
    "a.attrelid = i.indrelid AND a.attnum > 0 AND (a.attnum = ANY "
    "((i.indkey::int2[])[0:i.indnkeyatts - 1]) OR ((i.indexprs IS NOT NULL OR i.indpred IS NOT "
    "NULL) "
    "AND EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = "
    "'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid AND d.refclassid = "
    "'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = i.indrelid AND d.refobjsubid = "
    "a.attnum))) WHERE i.indrelid = $1::oid AND i.indislive AND i.indisvalid AND (i.indisunique OR "
    "i.indisexclusion) ORDER BY i.indexrelid, a.attnum";

static bool is_key(const struct pg_target *target, const char *name)
{
    for (size_t k = 0; k < target->merge->n_keys; k++) {
        if (!strcmp(target->merge->keys[k], name)) {
            return true;
        }
    }
    return target->mode == LEAT_HISTORY && !strcmp(name, LEAT_FROM_COLUMN);
}

/* Takes the index whose columns are rows [first, end). */
static void take_index(struct pg_conn *conn, const struct pg_target *target, struct facts *facts,
                       int first, int end)
{
    struct lt_merge *merge = &facts->merge;
    bool plain = pg_cell_true(conn, facts->indexes, first, 2);
    bool immediate = pg_cell_true(conn, facts->indexes, first, 4), keys_only = true;
    struct lt_merge_unique unique = {.columns = facts->unique_columns + first,
                                     .n_columns = (size_t)(end - first),
                                     .plain = plain};
    for (int row = first; row < end; row++) {
        const char *name = pg_cell(conn, facts->indexes, row, 1);
        facts->unique_columns[row] = name;
        keys_only = keys_only && is_key(target, name);
        if (pg_cell_true(conn, facts->indexes, row, 3) && !is_key(target, name)) {
            unique.nullable = name;
        }
    }
    if (plain && keys_only) {
        merge->unique_key = true;
    } else if (!keys_only && immediate) {
        facts->uniques[merge->n_uniques++] = unique;
    }
}

static int find_indexes(struct pg_conn *conn, const struct pg_target *target, struct facts *facts,
                        struct leat_error *err)
{
    char oid[16], text[8];
    const char *params[] = {oid};
    snprintf(oid, sizeof oid, "%u", facts->there.oid);
    int status = pg_query(conn, indexes_sql, 1, params, &facts->indexes, err);
    int n = status ? 0 : pg_rows(conn, facts->indexes);
    facts->uniques = calloc((size_t)n + 1, sizeof *facts->uniques);
    facts->unique_columns = calloc((size_t)n + 1, sizeof *facts->unique_columns);
    if (!status && (!facts->uniques || !facts->unique_columns)) {
        return lt_fail_oom(err);
    }
    for (int row = 0, first = 0; row < n; row++) {
        if (row + 1 == n || strcmp(pg_cell(conn, facts->indexes, row, 0),
                                   pg_cell(conn, facts->indexes, row + 1, 0)) != 0) {
            take_index(conn, target, facts, first, row + 1);
            first = row + 1;
        }
    }
    facts->merge.uniques = facts->uniques;
    if (!status && facts->merge.n_uniques && !target->merge->unreferred) {
        status = pg_value(conn,
                          "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint WHERE contype = "
                          "'f' AND confrelid = $1::oid)",
                          1, params, text, sizeof text, err);
        facts->merge.referenced = !status && *text == 't';
    }
    return status;
}

static void say_merge(const struct pg_target *target, struct lt_merge *ret_merge)
{
    const struct pg_merge *merge = target->merge;
    *ret_merge = (struct lt_merge){
        .dialect = &lt_dialect_postgres,
        .target = target->quoted,
        .staging = target->copy_to,
        .number = target->oid,
        .mode = target->mode,
        .flags = target->flags,
        .keys = (const char *const *)merge->keys,
        .n_keys = merge->n_keys,
        .key_order = merge->key_order,
        .cursor = (const char *const *)merge->cursor,
        .n_cursor = merge->n_cursor,
        .op = merge->op,
        .deleted = merge->deleted,
        .seq = merge->mirror ? "ctid" : SEQUENCE,
        .now = "pg_catalog.now()",
        .from_cursor = merge->from_cursor,
    };
}

/* --- running it ---------------------------------------------------------------------------- */

/* Not prepared: the work tables are others each time. */
static int run_plain(struct pg_conn *conn, const char *sql, PGresult **ret_result,
                     struct leat_error *err)
{
    int status = pg_send(conn, sql, err);
    return status ? status : pg_finish_results(conn, ret_result, err);
}

static int host_run(void *arg, const char *sql, int64_t *ret_rows, struct leat_error *err)
{
    struct pg_conn *conn = arg;
    PGresult *result = NULL;
    int status = run_plain(conn, sql, &result, err);
    if (!status && lt_parse_int(conn->ep->pq->PQcmdTuples(result), ret_rows)) {
        *ret_rows = 0;
    }
    pg_clear(conn, result);
    return status;
}

static int host_row(void *arg, const char *sql, int64_t *ret_values, size_t n,
                    struct leat_error *err)
{
    struct pg_conn *conn = arg;
    PGresult *result = NULL;
    int status = run_plain(conn, sql, &result, err);
    if (!status && (pg_rows(conn, result) != 1 || (size_t)conn->ep->pq->PQnfields(result) < n)) {
        status = lt_fail(err, LT_E_INTERNAL, "a count has no value");
    }
    for (size_t i = 0; i < n && !status; i++) {
        ret_values[i] = pg_cell_null(conn, result, 0, (int)i)
                            ? 0
                            : strtoll(pg_cell(conn, result, 0, (int)i), NULL, 10);
    }
    pg_clear(conn, result);
    return status;
}

int pg_merge_phase(struct pg_conn *conn, struct pg_target *target, enum lt_merge_phase phase,
                   struct leat_error *err)
{
    const struct lt_merge_host host = {conn, host_run, host_row};
    int status = lt_merge_run(target->merging, phase, &host, err);
    if (status == LEAT_BAD_DATA && err && !strcmp(err->sqlstate, UNIQUE_VIOLATION)) {
        leat_error_remedy(err, "a row that is there already, under another key, holds this value");
    }
    target->counts = *lt_merge_counts(target->merging);
    return pg_blame_triggers(conn, target, status, err);
}

/* What is to be done is found, and nothing of it done yet. Tables that are mirrored together may
 * hold to each other's keys only when all are filled: the commit checks what could wait. */
int pg_merge_find(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct facts facts = {0};
    struct lt_dialect undeferred = lt_dialect_postgres;
    struct lt_merge_words words = *undeferred.merge;
    words.defer = words.check = NULL;
    undeferred.merge = &words;
    struct leat_stream_name name = {target->ns, target->name};
    int status = pg_describe(conn, &name, &facts.there, err);
    status = status ? status : pg_merge_key_order(conn, target, facts.there.oid, err);
    say_merge(target, &facts.merge);
    status = status ? status : find_columns(target, &facts, err);
    status = status ? status : find_indexes(conn, target, &facts, err);
    facts.merge.number = facts.there.oid;
    facts.merge.dialect = target->merge->mirror ? &undeferred : facts.merge.dialect;
    status = status ? status : lt_merge_new(&facts.merge, &target->merging, err);
    status = status ? status : pg_merge_phase(conn, target, LT_MERGE_FIND, err);
    status = status ? status : pg_merge_refuse_nulls(conn, target, &facts.merge, err);
    if (!status && facts.merge.unique_key && target->mode != LEAT_HISTORY) {
        status = pg_merge_refuse_alike(conn, target, target->copy_to, facts.there.oid, err);
    }
    facts_done(conn, &facts);
    return status;
}

/* Nobody else writes the table from here on; readers go on unless it is altered. */
static int take_table(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    const char *params[] = {target->quoted};
    char oid[24];
    if (target->create) {
        int status = pg_exec(conn, target->create, err);
        return status ? status : pg_target_comments(conn, target, target->quoted, err);
    }
    int status = pg_execf(conn, err, "LOCK TABLE %s IN %s MODE", target->quoted,
                          target->alter ? "ACCESS EXCLUSIVE" : "SHARE ROW EXCLUSIVE");
    status = status ? status
                    : pg_value(conn, "SELECT pg_catalog.to_regclass($1)::oid", 1, params, oid,
                               sizeof oid, err);
    if (!status && strtoul(oid, NULL, 10) != target->oid) {
        status = lt_fail(err, LT_E_DESTINATION_BUSY,
                         "%s.%s was changed by others between planning and loading", target->ns,
                         target->name);
        leat_error_remedy(err, "run it again");
    }
    return status || !target->alter ? status : pg_alter(conn, target, err);
}

int pg_merge_delete(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    const struct leat_stream_name name = {target->ns, target->name};
    if (target->route != PG_ROUTE_MERGE) {
        return LEAT_OK;
    }
    int status = pg_explain_lock(conn, &name, false, take_table(conn, target, err), err);
    status = status ? status : pg_merge_find(conn, target, err);
    target->goes = target->counts.deleted;
    bool deletes =
        target->goes && target->mode != LEAT_HISTORY && !(target->flags & LEAT_WRITE_SOFT_DELETE);
    if (!status && (deletes || (target->flags & LEAT_WRITE_ALONE && !target->create))) {
        struct lt_merge merge;
        say_merge(target, &merge);
        status = target->mode == LEAT_DELETE_INSERT ? pg_refuse_cascades(conn, target, err)
                                                    : pg_refuse_reached(conn, target, &merge, err);
    }
    return status ? status : pg_merge_phase(conn, target, LT_MERGE_DELETE, err);
}

int pg_merge_write(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    return target->route == PG_ROUTE_MERGE ? pg_merge_phase(conn, target, LT_MERGE_WRITE, err)
                                           : LEAT_OK;
}

static int keys_of(const struct pg_target *target, const char *alias, struct lt_buf *sql)
{
    const char *const *order = target->merge->key_order;
    int failed = LEAT_OK;
    for (size_t k = 0; k < target->merge->n_keys; k++) {
        failed |= lt_buf_printf(sql, "%s%s.", k ? ", " : "", alias);
        failed |= pg_ident(sql, target->merge->keys[k]);
        failed |= lt_buf_puts(sql, order && order[k] ? order[k] : "");
    }
    return failed;
}

int pg_merge_read(struct pg_conn *conn, const struct pg_target *target,
                  struct leat_reader **ret_reader, struct leat_error *err)
{
    struct lt_buf where = LT_BUF_INIT;
    int failed = LEAT_OK;
    if (!target->fresh) {
        failed |= lt_buf_puts(&where, " WHERE (") | keys_of(target, "q", &where);
        failed |= lt_buf_puts(&where, ") IN (SELECT ") | keys_of(target, "s", &where);
        failed |= lt_buf_printf(&where, " FROM %s AS s)", target->copy_to);
    }
    int status = failed ? lt_fail_oom(err)
                        : pg_target_read(conn, target, target->name, target->quoted,
                                         lt_buf_text(&where), ret_reader, err);
    lt_buf_done(&where);
    return status;
}

/* --- a table that is made ------------------------------------------------------------------ */

int pg_merge_key_sql(const struct pg_target *target, struct lt_buf *sql)
{
    int failed = lt_buf_printf(sql, "ALTER TABLE %s ADD PRIMARY KEY (", target->quoted);
    for (size_t k = 0; k < target->n_keys; k++) {
        failed |= lt_buf_puts(sql, k ? ", " : "") | pg_ident(sql, target->keys[k]);
    }
    return failed | lt_buf_byte(sql, ')');
}

static int add_key(struct pg_conn *conn, const struct pg_target *target, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int status =
        pg_merge_key_sql(target, &sql) ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status;
}

/* Rows lie in the order in which they came, for nothing was ever deleted from the table. */
static int keep_latest(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    struct lt_merge merge;
    say_merge(target, &merge);
    merge.staging = target->quoted;
    merge.seq = "ctid";
    int status = lt_merge_superseded(&merge, &sql) ? lt_fail_oom(err) : LEAT_OK;
    status = status ? status : host_run(conn, lt_buf_text(&sql), &target->counts.superseded, err);
    lt_buf_done(&sql);
    return status;
}

/* True when the table's key is that of the merge: then it tells whether a key has several rows. */
static bool same_key(const struct pg_target *target)
{
    bool same = target->n_keys == target->merge->n_keys;
    for (size_t k = 0; k < target->n_keys; k++) {
        same = same && is_key(target, target->keys[k]);
    }
    return same;
}

int pg_merge_fresh(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    if (!target->fresh) {
        return LEAT_OK;
    }
    target->counts = (struct leat_row_counts){.size = sizeof target->counts};
    int status = LEAT_OK;
    if (same_key(target)) {
        status = pg_exec(conn, "SAVEPOINT leat_key", err);
        status = status ? status : add_key(conn, target, &why);
        if (status && strcmp(why.sqlstate, UNIQUE_VIOLATION) != 0) {
            if (err && why.status) {
                *err = why;
            }
            return status;
        }
        if (!status) {
            target->counts.inserted = target->rows;
            return pg_exec(conn, "RELEASE SAVEPOINT leat_key", err);
        }
        status = pg_exec(conn, "ROLLBACK TO SAVEPOINT leat_key", err);
    }
    const char *params[] = {target->quoted};
    char oid[24] = "0";
    status = status ? status
                    : pg_value(conn, "SELECT pg_catalog.to_regclass($1)::oid", 1, params, oid,
                               sizeof oid, err);
    status =
        status ? status : pg_merge_key_order(conn, target, (uint32_t)strtoul(oid, NULL, 10), err);
    status = status ? status : keep_latest(conn, target, err);
    if (!status && same_key(target)) {
        status = pg_merge_refuse_alike(conn, target, target->quoted, 0, err);
    }
    target->counts.inserted = target->rows - target->counts.superseded;
    return status ? status : add_key(conn, target, err);
}

/* --- counts -------------------------------------------------------------------------------- */

static struct leat_row_counts counts_of(const struct pg_target *target)
{
    return target->merge ? target->counts
                         : (struct leat_row_counts){.inserted = target->rows,
                                                    .deleted = LT_MAX(target->deleted, 0)};
}

int pg_check_counts(const struct pg_plan *plan, const struct leat_commit *what,
                    struct leat_error *err)
{
    int64_t deleted = 0, most = what->guards.rows_deleted_max;
    for (size_t i = 0; i < plan->n_targets; i++) {
        deleted += plan->targets[i].goes;
    }
    if (most >= 0 && deleted > most) {
        return lt_fail(err, LT_E_TOO_MANY_DELETES,
                       "%" PRId64 " rows would be deleted, more than the %" PRId64 " allowed",
                       deleted, most);
    }
    for (size_t i = 0; i < plan->n_targets && what->guards.counts_expected; i++) {
        const struct pg_target *target = &plan->targets[i];
        struct leat_row_counts counts = counts_of(target);
        int status = lt_merge_check_counts(&counts, &what->guards.counts_expected[i], err);
        if (status) {
            leat_error_place(err, "%s.%s", target->ns, target->name);
            return status;
        }
    }
    return LEAT_OK;
}

void pg_tell_counts(const struct pg_plan *plan, const struct leat_commit *what)
{
    for (size_t i = 0; i < plan->n_targets && what->ret_counts; i++) {
        size_t size = what->ret_counts[i].size;
        what->ret_counts[i] = counts_of(&plan->targets[i]);
        what->ret_counts[i].size = size;
    }
}
