/* The state of a stream, kept in its row of _leat_state: compared in a commit, read, and set by
 * hand. It belongs to the table by oid: one that was dropped and made again has none. */
#include "connectors/postgres/pg_load.h"

#include "core/json.h"
#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The row of a stream whose table is still that of the row; parameters 1 to 3 are namespace, name
 * and quoted name. */
static int row_sql(const char *select, const char *ns, const char *more, struct lt_buf *sql)
{
    return lt_buf_puts(sql, select) | pg_state_table(sql, ns, PG_STATE_TABLE) |
           lt_buf_printf(sql,
                         " AS s%s WHERE s.namespace = $1 AND s.stream = $2 AND s.table_oid = "
                         "pg_catalog.to_regclass($3)::oid",
                         more);
}

static int check_row(struct pg_conn *conn, const struct pg_target *target,
                     const struct leat_state_row *row, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    PGresult *result = NULL;
    const char *params[] = {target->ns, target->name, target->quoted, row->key};
    const char *ns = pg_state_ns(conn->ep, target->ns);
    int status = row_sql("SELECT s.state ->> $4 FROM ", ns, "", &sql)
                     ? lt_fail_oom(err)
                     : pg_query(conn, lt_buf_text(&sql), 4, params, &result, err);
    if (!status) {
        bool there = pg_rows(conn, result) > 0 && !pg_cell_null(conn, result, 0, 0);
        const char *now = there ? pg_cell(conn, result, 0, 0) : NULL;
        if (there != (row->before != NULL) || (there && strcmp(now, row->before) != 0)) {
            status = lt_fail(err, LT_E_CONFLICT,
                             "another run moved the %s of %s.%s on since this one began", row->key,
                             target->ns, target->name);
        }
    }
    pg_clear(conn, result);
    lt_buf_done(&sql);
    return status;
}

int pg_state_check(struct pg_conn *conn, const struct pg_plan *plan, const struct leat_commit *what,
                   struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < what->n_state && !status; i++) {
        const struct leat_state_row *row = &what->state[i];
        if (row->stream >= plan->n_targets) {
            return lt_fail(err, LT_E_INVALID, "the load has no stream number %u", row->stream);
        }
        if (row->check && conn->ep->no_state) {
            return lt_fail(err, LT_E_UNSUPPORTED, "without records there is no state to compare");
        }
        status = row->check ? check_row(conn, &plan->targets[row->stream], row, err) : LEAT_OK;
    }
    return status;
}

/* --- by hand ------------------------------------------------------------------------------- */

/* What names a stream's row. */
struct place {
    const char *ns, *name;
    char *quoted;
    const char *state_ns;
};

static int find_place(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                      struct place *place, struct leat_error *err)
{
    struct lt_buf quoted = LT_BUF_INIT;
    place->ns = stream->ns && *stream->ns ? stream->ns : ep->default_ns;
    place->name = stream->name;
    place->state_ns = pg_state_ns(ep, place->ns);
    if (lt_dialect_quote_name(&lt_dialect_postgres, place->ns, place->name, &quoted)) {
        lt_buf_done(&quoted);
        return lt_fail_oom(err);
    }
    place->quoted = lt_buf_take(&quoted);
    return place->quoted ? LEAT_OK : lt_fail_oom(err);
}

static int has_records(struct pg_conn *conn, const char *ns, bool *ret_there,
                       struct leat_error *err)
{
    const char *params[] = {ns, PG_STATE_TABLE};
    char text[8];
    int status = pg_value(conn,
                          "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
                          "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
                          2, params, text, sizeof text, err);
    *ret_there = !status && *text;
    return status;
}

static int read_state(struct pg_conn *conn, const struct place *place, leat_state_fn *each,
                      void *arg, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    PGresult *result = NULL;
    const char *params[] = {place->ns, place->name, place->quoted};
    bool there = false;
    int status = has_records(conn, place->state_ns, &there, err);
    if (status || !there) {
        return status;
    }
    bool failed = row_sql("SELECT e.key, e.value FROM ", place->state_ns,
                          ", pg_catalog.jsonb_each_text(s.state) AS e", &sql) ||
                  lt_buf_puts(&sql, " AND e.value IS NOT NULL ORDER BY e.key");
    status = failed ? lt_fail_oom(err) : pg_query(conn, lt_buf_text(&sql), 3, params, &result, err);
    int n = status ? 0 : pg_rows(conn, result);
    for (int i = 0; i < n && !status; i++) {
        status = each(arg, pg_cell(conn, result, i, 0), pg_cell(conn, result, i, 1));
    }
    pg_clear(conn, result);
    lt_buf_done(&sql);
    return status;
}

int pg_state_read(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                  leat_state_fn *each, void *arg, struct leat_error *err)
{
    struct place place = {0};
    struct pg_conn *conn = NULL;
    if (ep->no_state) {
        return LEAT_OK;
    }
    int status = find_place(ep, stream, &place, err);
    status = status ? status : pg_take(ep, &conn, err);
    status = status ? status : read_state(conn, &place, each, arg, err);
    pg_give(conn);
    free(place.quoted);
    return status;
}

/* A row that no load wrote has no load and no source. */
static int write_key(struct pg_conn *conn, const struct place *place, const char *key,
                     const char *value, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT, state = LT_BUF_INIT;
    struct lt_json json = {.out = &state};
    PGresult *result = NULL;
    lt_json_object(&json);
    lt_json_key(&json, key);
    lt_json_text(&json, value);
    lt_json_object_end(&json);
    const char *params[] = {place->ns, place->name, place->quoted, lt_buf_text(&state)};
    bool failed =
        json.failed || lt_buf_puts(&sql, "INSERT INTO ") ||
        pg_state_table(&sql, place->state_ns, PG_STATE_TABLE) ||
        lt_buf_puts(
            &sql,
            " AS s (namespace, stream, table_oid, load_id, source_id, rows, loaded_at, state) "
            "SELECT $1, $2, t.oid, '', '', 0, pg_catalog.clock_timestamp(), "
            "pg_catalog.jsonb_strip_nulls($4::jsonb) FROM (SELECT "
            "pg_catalog.to_regclass($3)::oid AS oid) AS t WHERE t.oid IS NOT NULL ON "
            "CONFLICT (namespace, stream) DO UPDATE SET table_oid = EXCLUDED.table_oid, "
            "load_id = CASE WHEN s.table_oid = EXCLUDED.table_oid THEN s.load_id ELSE '' "
            "END, source_id = CASE WHEN s.table_oid = EXCLUDED.table_oid THEN s.source_id "
            "ELSE '' END, state = CASE WHEN s.table_oid = EXCLUDED.table_oid THEN "
            "pg_catalog.jsonb_strip_nulls(s.state || $4::jsonb) ELSE EXCLUDED.state END");
    int status =
        failed ? lt_fail_oom(err) : pg_query(conn, lt_buf_text(&sql), 4, params, &result, err);
    if (!status && strcmp(conn->ep->pq->PQcmdTuples(result), "1") != 0) {
        status = lt_fail(err, LT_E_NOT_FOUND, "there is no table %s.%s", place->ns, place->name);
    }
    pg_clear(conn, result);
    lt_buf_done(&sql);
    lt_buf_done(&state);
    return status;
}

/* The fence of the table for the length of one transaction. */
static int set_state(struct pg_conn *conn, const struct place *place, const char *key,
                     const char *value, struct leat_error *err)
{
    int status = pg_state_ensure(conn, place->state_ns, err);
    status =
        status ? status
               : pg_execf(conn, err, "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(%" PRId64 ")",
                          pg_lock_key("table", place->quoted));
    if (status == LEAT_UNAVAILABLE && !conn->broken) {
        status =
            lt_fail(err, LT_E_DESTINATION_BUSY, "another load holds %s.%s", place->ns, place->name);
    }
    status = status ? status : write_key(conn, place, key, value, err);
    return status ? status : pg_exec(conn, "COMMIT", err);
}

int pg_state_set(struct leat_endpoint *ep, const struct leat_stream_name *stream, const char *key,
                 const char *value, struct leat_error *err)
{
    struct place place = {0};
    struct pg_conn *conn = NULL;
    if (ep->no_state) {
        return lt_fail(err, LT_E_UNSUPPORTED, "without records there is no state to set");
    }
    int status = find_place(ep, stream, &place, err);
    status = status ? status : pg_take(ep, &conn, err);
    status = status ? status : set_state(conn, &place, key, value, err);
    pg_give(conn); /* rolls back what was not committed */
    free(place.quoted);
    return status;
}
