/* What the last transaction of either protocol does to a table: emptying, mirroring, comments,
 * sequences, and the guards. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int comment_on(const char *what, const char *quoted, const struct ArrowSchema *field,
                      bool column, struct lt_buf *sql)
{
    size_t len;
    const char *value = lt_schema_meta(field, LT_META_COMMENT, &len);
    if (!value) {
        return LEAT_OK;
    }
    char *text = lt_strndup(value, len);
    int failed = !text || lt_buf_printf(sql, "; COMMENT ON %s %s", what, quoted);
    if (!failed && column) {
        failed = lt_buf_byte(sql, '.') || pg_ident(sql, field->name);
    }
    failed = failed || lt_buf_puts(sql, " IS ") || pg_literal(sql, text);
    free(text);
    return failed;
}

int pg_put_comments(const struct ArrowSchema *schema, const char *quoted, struct lt_buf *sql)
{
    int failed = comment_on("TABLE", quoted, schema, false, sql);
    for (int64_t i = 0; i < schema->n_children && !failed; i++) {
        failed = comment_on("COLUMN", quoted, schema->children[i], true, sql);
    }
    return failed;
}

int pg_target_comments(struct pg_conn *conn, const struct pg_target *target, const char *quoted,
                       struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int status = pg_put_comments(&target->table.schema, quoted, &sql) ? lt_fail_oom(err) : LEAT_OK;
    if (!status && sql.len) {
        status = pg_exec(conn, lt_buf_text(&sql), err);
    }
    lt_buf_done(&sql);
    return status;
}

/* The table, its comments, and what goes before, in one message. */
static int create(struct pg_conn *conn, const struct pg_target *target, const char *before,
                  struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int status = lt_buf_puts(&sql, before) || lt_buf_puts(&sql, target->create) ||
                         pg_put_comments(&target->table.schema, target->quoted, &sql)
                     ? lt_fail_oom(err)
                     : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status;
}

/* Whether the locked table holds rows. */
static int has_rows(struct pg_conn *conn, const struct pg_target *target, bool *ret_has,
                    struct leat_error *err)
{
    char text[8];
    struct lt_buf sql = LT_BUF_INIT;
    int status = lt_buf_printf(&sql, "SELECT EXISTS (SELECT 1 FROM %s)", target->quoted)
                     ? lt_fail_oom(err)
                     : pg_value(conn, lt_buf_text(&sql), 0, NULL, text, sizeof text, err);
    lt_buf_done(&sql);
    *ret_has = !status && *text == 't';
    return status;
}

static int fail_changed(const struct pg_target *target, struct leat_error *err)
{
    int status = lt_fail(err, LT_E_DESTINATION_BUSY,
                         "%s.%s was changed by others between planning and loading", target->ns,
                         target->name);
    leat_error_remedy(err, "run it again");
    return status;
}

/* Rows found under the lock that may not go: others' rows, or rows where the plan saw none and so
 * asked for no route that spares the tables that point here. */
static int refuse_rows(struct pg_target *target, struct leat_error *err)
{
    if (target->rows_before == 0) {
        return fail_changed(target, err);
    }
    return pg_refuse_foreign_rows(target, err);
}

/* Locks the table; is it the one that was planned for, and may it be read? */
static int lock_target(struct pg_conn *conn, const struct pg_target *target, const char *before,
                       bool *ret_readable, struct leat_error *err)
{
    const char *params[] = {target->quoted};
    PGresult *result = NULL;
    int status = pg_execf(conn, err, "%sLOCK TABLE %s IN %s MODE", before, target->quoted,
                          target->route == PG_ROUTE_TRUNCATE || target->route == PG_ROUTE_RECREATE
                              ? "ACCESS EXCLUSIVE"
                              : "SHARE ROW EXCLUSIVE");
    status = status ? status
                    : pg_query(conn,
                               "SELECT o, pg_catalog.has_table_privilege(o, 'SELECT') FROM "
                               "(SELECT pg_catalog.to_regclass($1)::oid AS o) AS found",
                               1, params, &result, err);
    if (!status && strtoul(pg_cell(conn, result, 0, 0), NULL, 10) != target->oid) {
        status = fail_changed(target, err);
    }
    *ret_readable = !status && pg_cell_true(conn, result, 0, 1);
    pg_clear(conn, result);
    return status;
}

/* What the plan found may have changed before the locks were there. Writers wait from here on;
 * readers do but where the table itself goes. */
static int plan_again(struct pg_conn *conn, struct pg_target *target, const char *before,
                      struct leat_error *err)
{
    bool readable = false, has = false;
    if (target->route == PG_ROUTE_CREATE || target->route == PG_ROUTE_APPEND ||
        target->route == PG_ROUTE_MERGE) {
        /* Making it fails by itself, appending harms nobody's rows, and merging asks later. */
        return *before ? pg_exec(conn, before, err) : LEAT_OK;
    }
    int status = lock_target(conn, target, before, &readable, err);
    status = status ? status : pg_state_ours(conn, target, &target->ours, err);
    if (!status && readable) { /* who may write need not be allowed to read */
        status = has_rows(conn, target, &has, err);
    }
    return !status && has ? refuse_rows(target, err) : status;
}

int pg_target_plan_again(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    return plan_again(conn, target, "", err);
}

static int delete_rows(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    PGresult *result = NULL;
    struct lt_buf sql = LT_BUF_INIT;
    int status = lt_buf_printf(&sql, "DELETE FROM %s", target->quoted)
                     ? lt_fail_oom(err)
                     : pg_query(conn, lt_buf_text(&sql), 0, NULL, &result, err);
    if (!status && lt_parse_int(conn->ep->pq->PQcmdTuples(result), &target->deleted)) {
        target->deleted = -1;
    }
    pg_clear(conn, result);
    lt_buf_done(&sql);
    return !status && target->deleted > 0 ? refuse_rows(target, err) : status;
}

/* The rows come into a table of the session first. */
static int make_aside(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT, aside = LT_BUF_INIT;
    char name[48];
    snprintf(name, sizeof name, "_leat_m_%016" PRIx64,
             lt_hash(target->quoted, strlen(target->quoted)));
    int failed = lt_buf_puts(&aside, "pg_temp.") || pg_ident(&aside, name) ||
                 lt_buf_printf(&sql, "CREATE TEMPORARY TABLE ") || pg_ident(&sql, name) ||
                 lt_buf_puts(&sql, " ON COMMIT DROP AS SELECT ") ||
                 pg_select_list(&target->table, "", false, &sql) ||
                 lt_buf_printf(&sql, " FROM %s WITH NO DATA", target->quoted);
    int status = failed          ? lt_fail_oom(err)
                 : target->merge ? pg_merge_staging(conn, target, true, lt_buf_text(&aside), err)
                                 : pg_exec(conn, lt_buf_text(&sql), err);
    if (!status) {
        free(target->copy_to);
        target->copy_to = lt_buf_take(&aside);
        status = target->copy_to ? LEAT_OK : lt_fail_oom(err);
    }
    lt_buf_done(&sql);
    lt_buf_done(&aside);
    return status;
}

static int prepare(struct pg_conn *conn, struct pg_target *target, const char *before,
                   struct leat_error *err)
{
    int status = plan_again(conn, target, before, err);
    target->deleted = 0;
    if (status) {
        return status;
    }
    switch (target->route) {
    case PG_ROUTE_RECREATE:
        target->deleted = target->rows_before;
        status = pg_execf(conn, err, "DROP TABLE %s", target->quoted);
        if (status) {
            return status;
        }
        /* fall through */
    case PG_ROUTE_CREATE:
        return create(conn, target, "", err);
    case PG_ROUTE_DELETE:
        status = delete_rows(conn, target, err);
        break;
    case PG_ROUTE_TRUNCATE:
        target->deleted = target->rows_before;
        status = pg_execf(conn, err, "TRUNCATE %s", target->quoted);
        break;
    case PG_ROUTE_MIRROR:
        target->deleted = target->rows_before;
        break;
    case PG_ROUTE_APPEND:
    case PG_ROUTE_MERGE:
        break;
    }
    if (!status && target->alter && target->route != PG_ROUTE_MERGE) {
        status = pg_alter(conn, target, err); /* a merge alters when it comes in */
    }
    return status || !target->aside ? status : make_aside(conn, target, err);
}

int pg_target_prepare(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    int status = prepare(conn, target, "", err);
    const struct leat_stream_name name = {target->ns, target->name};
    return pg_explain_lock(conn, &name, false, status, err);
}

int pg_target_begin(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    static const char before[] = "BEGIN; ";
    const struct leat_stream_name name = {target->ns, target->name};
    target->deleted = 0;
    int status = target->route == PG_ROUTE_CREATE ? create(conn, target, before, err)
                                                  : prepare(conn, target, before, err);
    return pg_explain_lock(conn, &name, false, status, err);
}

int pg_target_fill(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    PGresult *result = NULL;
    int64_t rows = -1;
    if (target->route == PG_ROUTE_MIRROR) {
        return pg_mirror_fill(conn, target, err);
    }
    int failed = lt_buf_printf(&sql, "INSERT INTO %s (", target->quoted) |
                 pg_select_list(&target->table, "", false, &sql) |
                 lt_buf_puts(&sql, ") OVERRIDING SYSTEM VALUE SELECT ") |
                 pg_select_list(&target->table, "", false, &sql) |
                 lt_buf_printf(&sql, " FROM %s", target->copy_to);
    int status =
        failed ? lt_fail_oom(err) : pg_query(conn, lt_buf_text(&sql), 0, NULL, &result, err);
    if (!status &&
        (lt_parse_int(conn->ep->pq->PQcmdTuples(result), &rows) || rows != target->rows)) {
        status =
            lt_fail(err, LT_E_COUNT_MISMATCH,
                    "%" PRId64 " rows were staged and the table took %" PRId64, target->rows, rows);
        status = pg_blame_triggers(conn, target, status, err);
    }
    pg_clear(conn, result);
    lt_buf_done(&sql);
    return status;
}

/* Rows as text, so that types without equality, or with a generous one, compare as well. */
static int put_row_texts(const struct pg_target *target, const char *from, struct lt_buf *sql)
{
    return lt_buf_puts(sql, "SELECT r::text FROM (SELECT ") |
           pg_select_list(&target->table, "", false, sql) |
           lt_buf_printf(sql, " FROM %s) AS r", from);
}

int pg_target_compare(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    char text[24];
    if (!target->proven || target->merge || target->route == PG_ROUTE_APPEND) {
        return LEAT_OK;
    }
    int failed = lt_buf_puts(&sql, "SELECT pg_catalog.count(*) FROM (") |
                 put_row_texts(target, target->copy_to, &sql) | lt_buf_puts(&sql, " EXCEPT ALL ") |
                 put_row_texts(target, target->quoted, &sql) | lt_buf_puts(&sql, ") AS other");
    int status = failed ? lt_fail_oom(err)
                        : pg_value(conn, lt_buf_text(&sql), 0, NULL, text, sizeof text, err);
    if (!status && strcmp(text, "0") != 0) {
        status = lt_fail(err, LT_E_VERIFY_MISMATCH,
                         "%s of the rows that were staged came to be others in the table", text);
        status = pg_blame_triggers(conn, target, status, err);
    }
    lt_buf_done(&sql);
    return status;
}

/* Moves a column's sequence past the column's values. */
static int move_sequence(struct pg_conn *conn, const struct pg_target *target, const char *name,
                         const char *sequence, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int failed = lt_buf_puts(&sql, "SELECT pg_catalog.setval(s.seq, x.m) FROM (SELECT ") |
                 pg_literal(&sql, sequence) |
                 lt_buf_puts(&sql, "::pg_catalog.regclass AS seq) s, (SELECT pg_catalog.max(") |
                 pg_ident(&sql, name) |
                 lt_buf_printf(&sql,
                               ")::int8 AS m FROM %s) x WHERE x.m >= 1 AND x.m > coalesce("
                               "pg_catalog.pg_sequence_last_value(s.seq), 0)",
                               target->quoted);
    int status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status;
}

/* A table that this load makes has sequences only where it has identity columns. */
static bool may_have_sequences(const struct pg_target *target)
{
    bool any = !target->create;
    for (int64_t i = 0; i < target->table.n_columns && !any; i++) {
        any = lt_schema_meta(target->table.schema.children[i], LT_META_IDENTITY, &(size_t){0});
    }
    return any;
}

static bool is_whole_number(const struct pg_column *column)
{
    return !column->list && (column->wire == PG_WIRE_INT2 || column->wire == PG_WIRE_INT4 ||
                             column->wire == PG_WIRE_INT8);
}

/* The next number drawn must lie past what was loaded. Not undone by a rollback, which harms
 * nobody: sequences have gaps anyway. */
int pg_target_sequences(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    const char *params[] = {target->quoted};
    PGresult *result = NULL;
    if (!may_have_sequences(target)) {
        return LEAT_OK;
    }
    int status = pg_query(conn,
                          "SELECT a.attname, s FROM pg_catalog.pg_attribute a, LATERAL "
                          "pg_catalog.pg_get_serial_sequence($1, a.attname::text) s WHERE "
                          "a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT "
                          "a.attisdropped AND s IS NOT NULL AND "
                          "pg_catalog.has_sequence_privilege(s, 'UPDATE')",
                          1, params, &result, err);
    int n = status ? 0 : pg_rows(conn, result);
    for (int i = 0; i < n && !status; i++) {
        const char *name = pg_cell(conn, result, i, 0);
        int64_t at = lt_schema_find(&target->table.schema, name);
        if (at >= 0 && is_whole_number(&target->table.columns[at])) {
            status = move_sequence(conn, target, name, pg_cell(conn, result, i, 1), err);
        }
    }
    pg_clear(conn, result);
    return status;
}

int pg_target_read(struct pg_conn *conn, const struct pg_target *target, const char *described,
                   const char *from, const char *where, struct leat_reader **ret_reader,
                   struct leat_error *err)
{
    struct pg_table table = {0};
    struct lt_buf sql = LT_BUF_INIT;
    struct leat_stream_name name = {target->ns, described};
    const char **columns = calloc((size_t)target->table.n_columns + 1, sizeof *columns);
    int status = columns ? pg_describe(conn, &name, &table, err) : lt_fail_oom(err);
    const char *op = target->merge ? target->merge->op : NULL;
    size_t n = 0;
    for (int64_t i = 0; i < target->table.n_columns && !status; i++) {
        const char *column = target->table.schema.children[i]->name;
        if (!op || strcmp(op, column) != 0) {
            columns[n++] = column;
        }
    }
    status = status ? status : pg_table_project(&table, columns, n, err);
    status = status ? status : pg_take_types(&table, &target->table.schema, err);
    if (!status && (lt_buf_puts(&sql, "SELECT ") || pg_select_list(&table, "q.", true, &sql) ||
                    lt_buf_printf(&sql, " FROM %s AS q%s", from, where))) {
        status = lt_fail_oom(err);
    }
    status = status ? status : pg_reader_borrow(conn, &table, lt_buf_text(&sql), ret_reader, err);
    pg_table_done(&table);
    lt_buf_done(&sql);
    free(columns);
    return status;
}

int pg_check_guards(const struct pg_plan *plan, const struct leat_commit *what,
                    struct leat_error *err)
{
    for (size_t i = 0; i < plan->n_targets; i++) {
        const struct pg_target *target = &plan->targets[i];
        const int64_t *expected = what->guards.rows_expected;
        int status = LEAT_OK;
        if (expected && expected[i] >= 0 && expected[i] != target->rows) {
            status = lt_fail(err, LT_E_COUNT_MISMATCH,
                             "%" PRId64 " rows were read and %" PRId64 " were loaded", expected[i],
                             target->rows);
        } else if (target->mode == LEAT_REPLACE && !target->rows && target->deleted != 0 &&
                   !what->guards.allow_empty && !(target->flags & LEAT_WRITE_ALLOW_EMPTY)) {
            status = lt_fail(err, LT_E_EMPTY_SOURCE,
                             "the source gave no rows, and the table holds some");
        }
        if (status) {
            leat_error_place(err, "%s.%s", target->ns, target->name);
            return status;
        }
    }
    return LEAT_OK;
}
