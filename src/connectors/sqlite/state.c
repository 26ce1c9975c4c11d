/* What a load leaves in the destination: who wrote a table last, and which loads were committed.
 * Both are written in the load's own transaction. */
#include "connectors/sqlite/internal.h"

#include "core/json.h"

#include "core/banned.h"

#define LOADS_KEPT "-30 days" /* no retry asks for an older one */

int lt_sq_state_make(struct sq_conn *conn, struct leat_error *err)
{
    int status =
        lt_sq_exec(conn,
                   "CREATE TABLE IF NOT EXISTS \"_leat_state\" (namespace TEXT NOT NULL, "
                   "stream TEXT NOT NULL, source_id TEXT NOT NULL, load_id TEXT NOT NULL, "
                   "rows INTEGER NOT NULL, loaded_at TEXT NOT NULL, state TEXT NOT NULL, "
                   "schema_version INTEGER, table_sql TEXT, PRIMARY KEY (namespace, stream))",
                   err);
    return status ? status
                  : lt_sq_exec(conn,
                               "CREATE TABLE IF NOT EXISTS \"_leat_load\" (load_id TEXT NOT NULL "
                               "PRIMARY KEY, loaded_at TEXT NOT NULL)",
                               err);
}

static int has_table(struct sq_conn *conn, const char *name, bool *ret_has, struct leat_error *err)
{
    int64_t n = 0;
    int status =
        lt_sq_int(conn, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1",
                  name, NULL, 0, &n, err);
    if (!status) {
        *ret_has = n > 0;
    }
    return status;
}

#define SAME_SCHEMA (-1)
#define NO_RECORD (-2)

/* The row count of a table, or NO_RECORD when it cannot be had. */
static int64_t count_rows(struct sq_conn *conn, const char *table)
{
    struct lt_buf sql = LT_BUF_INIT;
    int64_t rows = NO_RECORD;
    if (lt_buf_puts(&sql, "SELECT count(*) FROM ") || lt_sq_quote(&sql, table) ||
        lt_sq_int(conn, lt_buf_text(&sql), NULL, NULL, NO_RECORD, &rows, NULL)) {
        rows = NO_RECORD;
    }
    lt_buf_done(&sql);
    return rows;
}

/* SQLite gives tables no number of their own. While no table of the file was made, dropped or
 * altered since, it is the same one; after that its definition and its row count have to vouch. */
int lt_sq_state_ours(struct sq_conn *conn, const char *stream, const char *source_id,
                     bool *ret_ours, struct leat_error *err)
{
    bool has = false;
    int64_t rows = NO_RECORD;
    int status = has_table(conn, "_leat_state", &has, err);
    if (!status && has && source_id) {
        status = lt_sq_int(conn,
                           "SELECT CASE WHEN s.schema_version = (SELECT v.schema_version FROM "
                           "pragma_schema_version v) THEN -1 ELSE s.rows END FROM \"_leat_state\" "
                           "s JOIN sqlite_master m ON m.type = 'table' AND "
                           "m.name = s.stream COLLATE NOCASE AND m.sql = s.table_sql "
                           "WHERE s.namespace = '' AND s.stream = ?1 AND s.source_id = ?2",
                           stream, source_id, NO_RECORD, &rows, err);
    }
    if (!status) {
        *ret_ours = rows == SAME_SCHEMA || (rows >= 0 && rows == count_rows(conn, stream));
    }
    return status;
}

int lt_sq_state_committed(struct sq_conn *conn, const char *load_id, bool *ret_committed,
                          struct leat_error *err)
{
    bool has = false;
    int64_t n = 0;
    int status = has_table(conn, "_leat_load", &has, err);
    if (!status && has) {
        status = lt_sq_int(conn, "SELECT count(*) FROM \"_leat_load\" WHERE load_id = ?1", load_id,
                           NULL, 0, &n, err);
    }
    if (!status) {
        *ret_committed = n > 0;
    }
    return status;
}

/* The state rows of one stream as a JSON object. */
static int state_json(const struct leat_commit *what, uint32_t stream, struct lt_buf *out)
{
    struct lt_json json = {.out = out};
    lt_json_object(&json);
    for (size_t i = 0; i < what->n_state; i++) {
        if (what->state[i].stream == stream) {
            lt_json_key(&json, what->state[i].key);
            lt_json_text(&json, what->state[i].value);
        }
    }
    lt_json_object_end(&json);
    return json.failed;
}

static int run_once(struct sq_conn *conn, sqlite3_stmt *stmt, int bound, struct leat_error *err)
{
    int rc = bound ? bound : conn->api->sqlite3_step(stmt);
    int status = rc == SQLITE_DONE ? LEAT_OK : lt_sq_fail(conn, rc, err, "cannot record the load");
    conn->api->sqlite3_reset(stmt);
    return status;
}

static int save_stream(struct sq_conn *conn, sqlite3_stmt *stmt, const struct leat_write_plan *want,
                       uint32_t stream, int64_t rows, const struct leat_commit *what,
                       struct leat_error *err)
{
    struct lt_buf state = LT_BUF_INIT;
    const struct leat_write_stream *s = &want->streams[stream];
    int status = state_json(what, stream, &state) ? lt_fail_oom(err) : LEAT_OK;
    if (!status) {
        int rc = lt_sq_bind_text(conn, stmt, 1, s->name.name);
        rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, s->source_id ? s->source_id : "");
        rc = rc ? rc : lt_sq_bind_text(conn, stmt, 3, want->load_id);
        rc = rc ? rc : conn->api->sqlite3_bind_int64(stmt, 4, rows);
        rc = rc ? rc : lt_sq_bind_text(conn, stmt, 5, lt_buf_text(&state));
        status = run_once(conn, stmt, rc, err);
    }
    lt_buf_done(&state);
    return status;
}

int lt_sq_state_save(struct sq_conn *conn, const struct leat_write_plan *want, const int64_t *rows,
                     const struct leat_commit *what, struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL, *load = NULL;
    int status = lt_sq_state_make(conn, err);
    status = status ? status
                    : lt_sq_prepare(conn,
                                    "INSERT OR REPLACE INTO \"_leat_state\" (namespace, stream, "
                                    "source_id, load_id, rows, loaded_at, state, schema_version, "
                                    "table_sql) SELECT '', ?1, ?2, ?3, ?4, "
                                    "strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?5, (SELECT "
                                    "v.schema_version FROM pragma_schema_version v), m.sql "
                                    "FROM sqlite_master m WHERE m.type = 'table' AND "
                                    "m.name = ?1 COLLATE NOCASE",
                                    &stmt, err);
    for (uint32_t i = 0; i < want->n_streams && !status; i++) {
        status = save_stream(conn, stmt, want, i, rows[i], what, err);
    }
    status = status ? status
                    : lt_sq_exec(conn,
                                 "DELETE FROM \"_leat_load\" WHERE loaded_at < "
                                 "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '" LOADS_KEPT "')",
                                 err);
    status = status ? status
                    : lt_sq_prepare(conn,
                                    "INSERT INTO \"_leat_load\" VALUES (?1, "
                                    "strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
                                    &load, err);
    if (!status) {
        status = run_once(conn, load, lt_sq_bind_text(conn, load, 1, want->load_id), err);
    }
    conn->api->sqlite3_finalize(stmt);
    conn->api->sqlite3_finalize(load);
    return status;
}
