/* The modes with keys: records wait in a temporary table, outside the file, and are merged by the
 * statements of sql/merge.h within the load's transaction. Until then the file is not written, so
 * that others go on reading it, in rollback-journal mode too. */
#include "connectors/sqlite/load.h"

#include "core/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "core/banned.h"

#define SEQUENCE "_leat_seq"
#define UNIQUES_MAX 64
#define NOW_MAX 48

/* --- the temporary table ------------------------------------------------------------------- */

int lt_sq_stage(struct leat_load *load, uint32_t index, struct leat_error *err)
{
    const struct load_stream *stream = &load->streams[index];
    struct lt_buf sql = LT_BUF_INIT;
    int failed = lt_buf_printf(&sql, "CREATE TEMP TABLE %s (\"" SEQUENCE "\" INTEGER PRIMARY KEY",
                               stream->staging + strlen("temp."));
    for (int64_t i = 0; i < stream->schema.n_children; i++) {
        failed |= lt_buf_puts(&sql, ", ");
        failed |= lt_sq_quote(&sql, stream->schema.children[i]->name);
        failed |= lt_buf_printf(&sql, " %s", lt_sq_affinity(stream->declared[i]));
    }
    failed |= lt_buf_byte(&sql, ')');
    int status = failed ? lt_fail_oom(err) : lt_sq_exec(load->conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status;
}

/* --- what the file knows of the table ------------------------------------------------------ */

/* All that sql/merge.h wants of one table. */
struct facts {
    struct lt_merge merge;
    struct sq_table table;
    struct sq_keys keys;
    const char *key_names[SQ_KEYS_MAX];
    struct lt_merge_column *columns;
    const char **kept, **cursor_order;
    struct lt_merge_unique uniques[UNIQUES_MAX];
    char *target, *index;
    char now[NOW_MAX];
};

static void facts_done(struct facts *facts)
{
    for (size_t i = 0; i < facts->merge.n_uniques; i++) {
        const struct lt_merge_unique *unique = &facts->uniques[i];
        for (size_t k = 0; k < unique->n_columns; k++) {
            free((char *)(uintptr_t)unique->columns[k]);
        }
        free((void *)(uintptr_t)unique->columns);
    }
    lt_sq_table_done(&facts->table);
    free(facts->columns);
    free((void *)facts->kept);
    free((void *)facts->cursor_order);
    free(facts->target);
    free(facts->index);
}

static bool is_key(const struct facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->keys.n; i++) {
        if (!strcasecmp(facts->keys.of[i].name, name)) {
            return true;
        }
    }
    return facts->merge.mode == LEAT_HISTORY && !strcasecmp(name, LEAT_FROM_COLUMN);
}

/* The collating sequence of a column that is there. */
static const char *collation_of(struct sq_conn *conn, const char *table, const char *column)
{
    const char *collation = NULL;
    int rc = conn->api->sqlite3_table_column_metadata(conn->db, SQ_MAIN, table, column, NULL,
                                                      &collation, NULL, NULL, NULL);
    return rc || !collation ? "BINARY" : collation;
}

/* Unique indexes are collected column by column. */
struct collecting {
    struct facts *facts;
    struct lt_merge_unique *at;
    int64_t index; /* its place in SQLite's list; -1: none yet */
    bool keys_only;
};

/* An index is complete: of key columns alone it says that keys are unique, else it is one that
 * rows may stand in each other's way of. */
static void end_index(struct collecting *c)
{
    struct lt_merge *merge = &c->facts->merge;
    if (c->index < 0) {
        return;
    }
    if (!c->keys_only) {
        merge->n_uniques++;
        return;
    }
    merge->unique_key = merge->unique_key || c->at->plain;
    for (size_t k = 0; k < c->at->n_columns; k++) {
        free((char *)(uintptr_t)c->at->columns[k]);
    }
    free((void *)(uintptr_t)c->at->columns);
    *c->at = (struct lt_merge_unique){.columns = NULL};
}

static int begin_index(struct collecting *c, int64_t index, bool partial, struct leat_error *err)
{
    end_index(c);
    if (c->facts->merge.n_uniques == UNIQUES_MAX) {
        return lt_fail(err, LT_E_LIMIT, "a table with more than %d unique indexes", UNIQUES_MAX);
    }
    c->at = &c->facts->uniques[c->facts->merge.n_uniques];
    *c->at = (struct lt_merge_unique){.plain = !partial};
    c->index = index;
    c->keys_only = true;
    return LEAT_OK;
}

static int add_index_column(struct collecting *c, const char *name, struct leat_error *err)
{
    if (!name) { /* an expression */
        c->at->plain = false;
        c->keys_only = false;
        return LEAT_OK;
    }
    const char **columns =
        realloc((void *)(uintptr_t)c->at->columns, (c->at->n_columns + 1) * sizeof *columns);
    if (!columns) {
        return lt_fail_oom(err);
    }
    c->at->columns = columns;
    columns[c->at->n_columns] = lt_strdup(name);
    c->keys_only = c->keys_only && is_key(c->facts, name);
    return columns[c->at->n_columns++] ? LEAT_OK : lt_fail_oom(err);
}

static int find_uniques(struct sq_conn *conn, struct facts *facts, struct leat_error *err)
{
    const struct lt_sqlite *api = conn->api;
    struct collecting c = {.facts = facts, .index = -1};
    sqlite3_stmt *stmt = NULL;
    int status = LEAT_OK;
    /* The primary key that is the row's number has no index. */
    if (facts->table.rowid_alias) {
        status = begin_index(&c, INT64_MAX, false, err);
        status = status ? status : add_index_column(&c, facts->table.rowid_alias, err);
    }
    status = status ? status
                    : lt_sq_prepare(conn,
                                    "SELECT l.seq, l.partial, x.name FROM pragma_index_list(?1) "
                                    "AS l JOIN pragma_index_xinfo(l.name) AS x WHERE l.\"unique\" "
                                    "AND x.key ORDER BY l.seq, x.seqno",
                                    &stmt, err);
    int rc = status ? SQLITE_DONE : lt_sq_bind_text(conn, stmt, 1, facts->table.name);
    while (!status && !rc && (rc = api->sqlite3_step(stmt)) == SQLITE_ROW) {
        int64_t index = api->sqlite3_column_int64(stmt, 0);
        if (index != c.index) {
            status = begin_index(&c, index, api->sqlite3_column_int64(stmt, 1) != 0, err);
        }
        status = status
                     ? status
                     : add_index_column(&c, (const char *)api->sqlite3_column_text(stmt, 2), err);
        rc = SQLITE_OK;
    }
    if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the indexes of %s", facts->table.name);
    }
    if (status) {
        c.keys_only = false; /* what was collected is freed with the rest */
    }
    end_index(&c);
    api->sqlite3_finalize(stmt);
    return status;
}

static int take_columns(const struct leat_load *load, uint32_t index, struct facts *facts,
                        struct leat_error *err)
{
    const struct leat_write_stream *want = &load->want->streams[index];
    const struct ArrowSchema *schema = &load->streams[index].schema;
    facts->columns = calloc((size_t)schema->n_children + 1, sizeof *facts->columns);
    if (!facts->columns) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *name = schema->children[i]->name;
        if (want->mode == LEAT_CHANGES && !strcmp(name, want->op)) {
            continue;
        }
        const char *collation = collation_of(load->conn, facts->table.name, name);
        facts->columns[facts->merge.n_columns++] =
            (struct lt_merge_column){.name = name, .by_text = strcasecmp(collation, "BINARY") != 0};
    }
    facts->merge.columns = facts->columns;
    return LEAT_OK;
}

/* Columns that do not come, and are no expressions. */
static int take_kept(const struct leat_load *load, uint32_t index, struct facts *facts,
                     struct leat_error *err)
{
    const struct ArrowSchema *there = &facts->table.schema;
    const struct ArrowSchema *schema = &load->streams[index].schema;
    facts->kept = calloc((size_t)there->n_children + 1, sizeof *facts->kept);
    if (!facts->kept) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < there->n_children; i++) {
        const char *name = there->children[i]->name;
        size_t len;
        bool comes = lt_schema_meta(there->children[i], LT_META_GENERATED, &len) != NULL;
        for (int64_t k = 0; k < schema->n_children && !comes; k++) {
            comes = !strcasecmp(schema->children[k]->name, name);
        }
        if (!comes) {
            facts->kept[facts->merge.n_kept++] = name;
        }
    }
    facts->merge.kept = facts->kept;
    return LEAT_OK;
}

/* How the texts of a cursor column are put in order. */
static const char *order_of(const struct ArrowSchema *field)
{
    struct lt_type type;
    if (lt_type_of(field, &type, NULL)) {
        return "";
    }
    bool decimal = type.logical == LT_NUMERIC || type.id == LT_DECIMAL128 ||
                   type.id == LT_DECIMAL256 || type.id == LT_UINT64;
    return decimal                   ? " COLLATE " SQ_COLLATE_NUMBER
           : type.id == LT_TIMESTAMP ? " COLLATE " SQ_COLLATE_TIME
           : type.id == LT_TIME64    ? " COLLATE " SQ_COLLATE_TIME
                                     : "";
}

static int take_cursor(const struct leat_load *load, uint32_t index, struct facts *facts,
                       struct leat_error *err)
{
    const struct leat_write_stream *want = &load->want->streams[index];
    const struct ArrowSchema *schema = &load->streams[index].schema;
    facts->cursor_order = calloc(want->n_cursor + 1, sizeof *facts->cursor_order);
    int status = facts->cursor_order ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < want->n_cursor && !status; i++) {
        int64_t at = lt_schema_find(schema, want->cursor[i]);
        if (at < 0) {
            status = lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no cursor column \"%s\"",
                             want->cursor[i]);
        } else {
            facts->cursor_order[i] = order_of(schema->children[at]);
        }
    }
    if (!status && want->deleted && lt_schema_find(schema, want->deleted) < 0) {
        status = lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no column \"%s\"", want->deleted);
    }
    facts->merge.cursor = want->cursor;
    facts->merge.n_cursor = want->n_cursor;
    facts->merge.cursor_order = facts->cursor_order;
    return status;
}

/* The load's time, as a column of ours holds it. */
static void take_now(char now[NOW_MAX])
{
    int64_t us = lt_wall_us();
    struct tm tm;
    char seconds[32];
    time_t whole = (time_t)(us / 1000000);
    gmtime_r(&whole, &tm);
    strftime(seconds, sizeof seconds, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(now, NOW_MAX, "'%s.%06dZ'", seconds, (int)(us % 1000000));
}

static int find_facts(const struct leat_load *load, uint32_t index, struct facts *facts,
                      struct leat_error *err)
{
    const struct leat_write_stream *want = &load->want->streams[index];
    struct lt_buf target = LT_BUF_INIT;
    facts->merge = (struct lt_merge){.dialect = &lt_dialect_sqlite,
                                     .staging = load->streams[index].staging,
                                     .number = index,
                                     .mode = want->mode,
                                     .flags = want->flags,
                                     .op = want->mode == LEAT_CHANGES ? want->op : NULL,
                                     .deleted = want->deleted,
                                     .seq = "\"" SEQUENCE "\"",
                                     .abort = load->streams[index].abort,
                                     .now = facts->now,
                                     .from_cursor = lt_sq_from_cursor(want),
                                     .uniques = facts->uniques,
                                     .keys = facts->key_names};
    take_now(facts->now);
    int status = lt_sq_keys(want, &facts->keys, err);
    for (size_t i = 0; i < facts->keys.n && !status; i++) {
        facts->key_names[facts->merge.n_keys++] = facts->keys.of[i].name;
    }
    status = status ? status : lt_sq_table(load->conn, NULL, want->name.name, &facts->table, err);
    status = status ? status : find_uniques(load->conn, facts, err);
    status = status ? status : take_columns(load, index, facts, err);
    status = status ? status : take_kept(load, index, facts, err);
    status = status ? status : take_cursor(load, index, facts, err);
    if (!status && lt_sq_quote_in(&target, SQ_MAIN, facts->table.name)) {
        status = lt_fail_oom(err);
    }
    facts->target = status ? NULL : lt_buf_take(&target);
    facts->index = lt_format("temp.\"_leat_key_%u\" ON \"_leat_stage_%u\"", index, index);
    lt_buf_done(&target);
    facts->merge.target = facts->target;
    facts->merge.index = facts->index;
    return status || (facts->target && facts->index) ? status : lt_fail_oom(err);
}

/* --- keys that a collation takes for one --------------------------------------------------- */

static int put_pairs(const struct facts *facts, const char *glue, const char *format,
                     struct lt_buf *sql)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < facts->keys.n; i++) {
        struct lt_buf name = LT_BUF_INIT;
        failed |= lt_sq_quote(&name, facts->keys.of[i].name);
        const char *text = lt_buf_text(&name);
        failed |= i ? lt_buf_puts(sql, glue) : LEAT_OK;
        for (const char *at = format; *at; at++) {
            failed |= *at == '$' ? lt_buf_puts(sql, text) : lt_buf_byte(sql, (uint8_t)*at);
        }
        lt_buf_done(&name);
    }
    return failed;
}

static int refuse_any(struct sq_conn *conn, const char *sql, const char *collation,
                      struct leat_error *err)
{
    int64_t n = 0;
    int status = lt_sq_int(conn, sql, NULL, NULL, 0, &n, err);
    if (!status && n) {
        status =
            lt_fail(err, LT_E_DUPLICATE_KEY,
                    "keys differ in nothing that the table's collation %s tells apart", collation);
        leat_error_remedy(err, "a key column of collation BINARY keeps them apart");
    }
    return status;
}

/* Where the key's collation takes different texts for equal, SQLite would merge records into rows
 * of other keys. Two records: sorted by the collation they are neighbours. */
static int check_collations(struct leat_load *load, const struct facts *facts,
                            struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT, group = LT_BUF_INIT;
    const char *collation = NULL;
    int failed = LEAT_OK;
    for (size_t i = 0; i < facts->keys.n; i++) {
        const char *name = facts->keys.of[i].name;
        const char *of = collation_of(load->conn, facts->table.name, name);
        collation = strcasecmp(of, "BINARY") != 0 ? of : collation;
        failed |= (i ? lt_buf_puts(&group, ", ") : LEAT_OK) | lt_sq_quote(&group, name);
        failed |= lt_buf_puts(&group, " COLLATE ") | lt_sq_quote(&group, of);
    }
    if (!collation) {
        lt_buf_done(&group);
        return failed ? lt_fail_oom(err) : LEAT_OK;
    }
    failed |= lt_buf_printf(&sql, "SELECT count(*) FROM (SELECT 1 FROM %s GROUP BY %s HAVING ",
                            facts->merge.staging, lt_buf_text(&group));
    failed |= put_pairs(facts, " OR ", "min($) IS NOT max($)", &sql) | lt_buf_byte(&sql, ')');
    int status =
        failed ? lt_fail_oom(err) : refuse_any(load->conn, lt_buf_text(&sql), collation, err);
    lt_buf_clear(&sql);
    failed = lt_buf_printf(&sql, "SELECT count(*) FROM %s AS s JOIN %s AS t ON ",
                           facts->merge.staging, facts->merge.target);
    failed |= put_pairs(facts, " AND ", "t.$ = s.$", &sql) | lt_buf_puts(&sql, " WHERE ");
    failed |= put_pairs(facts, " OR ", "t.$ COLLATE BINARY <> s.$", &sql);
    status = status   ? status
             : failed ? lt_fail_oom(err)
                      : refuse_any(load->conn, lt_buf_text(&sql), collation, err);
    lt_buf_done(&sql);
    lt_buf_done(&group);
    return status;
}

/* --- merging ------------------------------------------------------------------------------- */

/* Of rows, not of those that triggers change beside them. */
static int host_run(void *arg, const char *sql, int64_t *ret_rows, struct leat_error *err)
{
    struct sq_conn *conn = arg;
    int status = lt_sq_exec(conn, sql, err);
    if (!status) {
        *ret_rows = conn->api->sqlite3_changes(conn->db);
    }
    return status;
}

static int host_row(void *arg, const char *sql, int64_t *ret_values, size_t n,
                    struct leat_error *err)
{
    struct sq_conn *conn = arg;
    sqlite3_stmt *stmt = NULL;
    int status = lt_sq_prepare(conn, sql, &stmt, err);
    if (status) {
        return status;
    }
    int rc = conn->api->sqlite3_step(stmt);
    status = rc == SQLITE_ROW ? LEAT_OK : lt_sq_fail(conn, rc, err, "merging stopped");
    for (size_t i = 0; i < n && !status; i++) {
        ret_values[i] = conn->api->sqlite3_column_int64(stmt, (int)i);
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}

static int begin_merge(struct leat_load *load, uint32_t index, struct leat_error *err)
{
    struct facts facts = {.keys = {.n = 0}};
    int status = find_facts(load, index, &facts, err);
    status = status ? status : check_collations(load, &facts, err);
    status = status ? status : lt_merge_new(&facts.merge, &load->streams[index].merge, err);
    facts_done(&facts);
    return status;
}

static int run_phase(struct leat_load *load, uint32_t index, enum lt_merge_phase phase,
                     struct leat_error *err)
{
    const struct lt_merge_host host = {.arg = load->conn, .run = host_run, .row = host_row};
    struct load_stream *stream = &load->streams[index];
    int status = LEAT_OK;
    if (stream->staging && !stream->merge) {
        status = begin_merge(load, index, err);
    }
    status = status || !stream->staging ? status : lt_merge_run(stream->merge, phase, &host, err);
    status = lt_sq_blame_clauses(stream, status, err);
    status = lt_sq_blame_triggers(load->conn, load->want->streams[index].name.name, status, err);
    if (status) {
        leat_error_place(err, "%s", load->want->streams[index].name.name);
    }
    return status;
}

static int check_deletes(const struct leat_load *load, int64_t deleted_max, struct leat_error *err)
{
    int64_t deleted = 0;
    for (size_t i = 0; i < load->want->n_streams; i++) {
        deleted += load->streams[i].merge ? lt_merge_counts(load->streams[i].merge)->deleted : 0;
    }
    return deleted_max < 0 || deleted <= deleted_max
               ? LEAT_OK
               : lt_fail(err, LT_E_TOO_MANY_DELETES,
                         "%lld rows would be deleted, where at most %lld may be",
                         (long long)deleted, (long long)deleted_max);
}

static int note_dangling(struct leat_load *load, bool late, struct leat_error *err)
{
    int status = LEAT_OK;
    for (uint32_t i = 0; i < load->want->n_streams && !status && !load->merged; i++) {
        status = load->streams[i].merge ? lt_sq_dangling(load, i, late, err) : LEAT_OK;
    }
    return status;
}

int lt_sq_merge(struct leat_load *load, int64_t deleted_max, struct leat_error *err)
{
    uint32_t n = (uint32_t)load->want->n_streams;
    int status = LEAT_OK;
    for (uint32_t i = 0; i < n && !status && !load->merged; i++) {
        status = run_phase(load, i, LT_MERGE_FIND, err);
    }
    status = status ? status : check_deletes(load, deleted_max, err);
    status = status ? status : note_dangling(load, false, err);
    /* Parents come before children in the load, and go after them. */
    for (uint32_t i = n; i > 0 && !status && !load->merged; i--) {
        status = run_phase(load, i - 1, LT_MERGE_DELETE, err);
    }
    for (uint32_t i = 0; i < n && !status && !load->merged; i++) {
        status = run_phase(load, i, LT_MERGE_WRITE, err);
    }
    status = status ? status : note_dangling(load, true, err);
    status = status || load->merged ? status : lt_sq_check_dangling(load, err);
    load->merged = !status;
    return status;
}

void lt_sq_counts(const struct leat_load *load, uint32_t index, struct leat_row_counts *ret_counts)
{
    const struct load_stream *stream = &load->streams[index];
    struct leat_row_counts counts = {.inserted = stream->rows};
    if (stream->merge) {
        counts = *lt_merge_counts(stream->merge);
    } else if (load->want->streams[index].mode == LEAT_REPLACE && stream->rows_before > 0) {
        counts.deleted = stream->rows_before;
    }
    counts.size = sizeof counts;
    *ret_counts = counts;
}
