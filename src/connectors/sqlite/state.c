/* What a load leaves in the destination: who wrote a table last, and which loads were committed.
 * Both are written in the load's own transaction. */
#include "connectors/sqlite/internal.h"

#include "core/json.h"
#include "core/util.h"

#include <stdlib.h>

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

static bool has_rows(struct sq_conn *conn, const char *table)
{
    struct lt_buf sql = LT_BUF_INIT;
    int64_t any = 0;
    if (lt_buf_puts(&sql, "SELECT EXISTS (SELECT 1 FROM ") || lt_sq_quote(&sql, table) ||
        lt_buf_byte(&sql, ')') || lt_sq_int(conn, lt_buf_text(&sql), NULL, NULL, 0, &any, NULL)) {
        any = 0;
    }
    lt_buf_done(&sql);
    return any != 0;
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

/* --- state --------------------------------------------------------------------------------- */

/* Says that the table held rows when its state was saved: one that is empty since was made again. */
#define FILLED "_filled"

/* The stream's row of _leat_state, while its table is still the one that it was saved for: the same
 * definition, and not emptied by being dropped and made again. */
#define OWN_STATE                                                                                  \
    "FROM \"_leat_state\" s JOIN sqlite_master m ON m.type = 'table' AND m.name = s.stream "       \
    "COLLATE "                                                                                     \
    "NOCASE AND m.sql = s.table_sql WHERE s.namespace = '' AND s.stream = ?1 COLLATE NOCASE"

int lt_sq_state_read(struct sq_conn *conn, const char *stream, char **ret_json,
                     struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has = false;
    char *json = NULL;
    int status = has_table(conn, "_leat_state", &has, err);
    if (!status && has) {
        status = lt_sq_prepare(conn,
                               "SELECT s.state, json_extract(s.state, '$." FILLED
                               "') IS NOT NULL AND s.schema_version IS NOT (SELECT "
                               "v.schema_version FROM pragma_schema_version v) " OWN_STATE,
                               &stmt, err);
    }
    int rc = status || !stmt ? SQLITE_DONE : lt_sq_bind_text(conn, stmt, 1, stream);
    rc = rc ? rc : conn->api->sqlite3_step(stmt);
    if (!status && rc == SQLITE_ROW) {
        bool was_filled = conn->api->sqlite3_column_int64(stmt, 1) != 0;
        const char *text = (const char *)conn->api->sqlite3_column_text(stmt, 0);
        json = text && (!was_filled || has_rows(conn, stream)) ? lt_strdup(text) : NULL;
    } else if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the state");
    }
    conn->api->sqlite3_finalize(stmt);
    if (!status) {
        json = json ? json : lt_strdup("");
        status = json ? LEAT_OK : lt_fail_oom(err);
    }
    *ret_json = json;
    return status;
}

/* Calls each() for every key but our own. */
static int each_state(struct sq_conn *conn, const char *json, leat_state_fn *each, void *arg,
                      struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = *json ? lt_sq_prepare(conn,
                                       "SELECT key, value FROM json_each(?1) WHERE key <> '" FILLED
                                       "' ORDER BY key",
                                       &stmt, err)
                       : LEAT_OK;
    int rc = status || !stmt ? SQLITE_DONE : lt_sq_bind_text(conn, stmt, 1, json);
    while (!status && !rc && (rc = conn->api->sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *key = (const char *)conn->api->sqlite3_column_text(stmt, 0);
        const char *value = (const char *)conn->api->sqlite3_column_text(stmt, 1);
        status = key && value ? each(arg, key, value) : LEAT_OK;
        rc = SQLITE_OK;
    }
    if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the state");
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}

struct looking {
    const struct leat_state_row *row;
    bool found, same;
};

static int look(void *arg, const char *key, const char *value)
{
    struct looking *looking = arg;
    if (!strcmp(key, looking->row->key)) {
        looking->found = true;
        looking->same = looking->row->before && !strcmp(value, looking->row->before);
    }
    return 0;
}

/* What is set must be what this run began with. */
static int check_state(struct sq_conn *conn, const char *json, const struct leat_commit *what,
                       uint32_t stream, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < what->n_state && !status; i++) {
        struct looking looking = {.row = &what->state[i]};
        if (what->state[i].stream != stream || !what->state[i].check) {
            continue;
        }
        status = each_state(conn, json, look, &looking, err);
        bool same = looking.found ? looking.same : !looking.row->before;
        if (!status && !same) {
            status = lt_fail(err, LT_E_CONFLICT,
                             "the %s kept with the table is not the one this run began with",
                             looking.row->key);
        }
    }
    return status;
}

int lt_sq_state(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                leat_state_fn *each, void *arg, struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    char *json = NULL;
    if (!lt_sq_exists(ep)) {
        return LEAT_OK;
    }
    int status = lt_sq_own(ep, &conn, err);
    status = status ? status : lt_sq_state_read(conn, stream->name, &json, err);
    status = status ? status : each_state(conn, json, each, arg, err);
    free(json);
    return status;
}

/* In a transaction of its own. A table that no load of leat wrote gets a record for it. */
static int set_state(struct sq_conn *conn, const char *stream, const char *json,
                     struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = lt_sq_prepare(
        conn,
        "INSERT INTO \"_leat_state\" (namespace, stream, source_id, load_id, rows, loaded_at, "
        "state, schema_version, table_sql) SELECT '', m.name, '', '', 0, "
        "strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?2, (SELECT v.schema_version FROM "
        "pragma_schema_version v), m.sql FROM sqlite_master m WHERE m.type = 'table' AND m.name = "
        "?1 COLLATE NOCASE ON CONFLICT (namespace, stream) DO UPDATE SET state = excluded.state, "
        "schema_version = excluded.schema_version, table_sql = excluded.table_sql",
        &stmt, err);
    int rc = status ? SQLITE_DONE : lt_sq_bind_text(conn, stmt, 1, stream);
    rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, json);
    rc = rc ? rc : conn->api->sqlite3_step(stmt);
    if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot keep the state");
    } else if (!status && conn->api->sqlite3_changes(conn->db) == 0) {
        status = lt_fail(err, LT_E_NOT_FOUND, "there is no table \"%s\"", stream);
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}

/* `json` with the changes of `patch`; a null takes its key away. malloc'ed. */
static int patch_state(struct sq_conn *conn, const char *json, const char *patch, char **ret_json,
                       struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = lt_sq_prepare(conn, "SELECT json_patch(?1, ?2)", &stmt, err);
    int rc = status ? SQLITE_OK : lt_sq_bind_text(conn, stmt, 1, *json ? json : "{}");
    rc = rc ? rc : status ? SQLITE_OK : lt_sq_bind_text(conn, stmt, 2, patch);
    rc = rc ? rc : status ? SQLITE_OK : conn->api->sqlite3_step(stmt);
    if (!status && rc != SQLITE_ROW) {
        status = lt_sq_fail(conn, rc, err, "cannot change the state");
    } else if (!status) {
        *ret_json = lt_strdup((const char *)conn->api->sqlite3_column_text(stmt, 0));
        status = *ret_json ? LEAT_OK : lt_fail_oom(err);
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}

int lt_sq_state_set(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                    const char *key, const char *value, struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    struct lt_buf patch = LT_BUF_INIT;
    struct lt_json json = {.out = &patch};
    char *old = NULL, *made = NULL;
    if (!lt_sq_exists(ep)) {
        return lt_fail(err, LT_E_NOT_FOUND, "there is no database %s", ep->path);
    }
    lt_json_object(&json);
    lt_json_key(&json, key);
    lt_json_text(&json, value);
    lt_json_object_end(&json);
    int status = json.failed ? lt_fail_oom(err) : lt_sq_connect(ep, SQ_USE_WRITE, &conn, err);
    status = status ? status : lt_sq_exec(conn, "BEGIN IMMEDIATE", err);
    status = status ? status : lt_sq_state_make(conn, err);
    status = status ? status : lt_sq_state_read(conn, stream->name, &old, err);
    status = status ? status : patch_state(conn, old, lt_buf_text(&patch), &made, err);
    status = status ? status : set_state(conn, stream->name, made, err);
    status = status ? status : lt_sq_exec(conn, "COMMIT", err);
    lt_sq_disconnect(conn);
    lt_buf_done(&patch);
    free(old);
    free(made);
    return status;
}

/* --- saving -------------------------------------------------------------------------------- */

/* The state rows of one stream as a JSON object. */
static int state_json(const struct leat_commit *what, uint32_t stream, const char *filled,
                      struct lt_buf *out)
{
    struct lt_json json = {.out = out};
    lt_json_object(&json);
    lt_json_key(&json, FILLED);
    lt_json_text(&json, filled);
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
                       uint32_t stream, const struct sq_saved *saved,
                       const struct leat_commit *what, struct leat_error *err)
{
    struct lt_buf patch = LT_BUF_INIT;
    const struct leat_write_stream *s = &want->streams[stream];
    char *state = NULL;
    bool any = saved->state && strlen(saved->state) > strlen("{}");
    for (size_t i = 0; i < what->n_state; i++) {
        any = any || what->state[i].stream == stream;
    }
    const char *filled = any && has_rows(conn, s->name.name) ? "1" : NULL;
    int status = state_json(what, stream, filled, &patch) ? lt_fail_oom(err) : LEAT_OK;
    status = status ? status : check_state(conn, saved->state, what, stream, err);
    /* What replaces all rows makes an end of the old state too. */
    bool keep = s->mode != LEAT_REPLACE && !(s->flags & LEAT_WRITE_ALONE);
    status = status ? status
                    : patch_state(conn, keep ? saved->state : "", lt_buf_text(&patch), &state, err);
    if (!status) {
        int rc = lt_sq_bind_text(conn, stmt, 1, s->name.name);
        rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, s->source_id ? s->source_id : "");
        rc = rc ? rc : lt_sq_bind_text(conn, stmt, 3, want->load_id);
        rc = rc ? rc : conn->api->sqlite3_bind_int64(stmt, 4, saved->rows);
        rc = rc ? rc : lt_sq_bind_text(conn, stmt, 5, state);
        status = run_once(conn, stmt, rc, err);
    }
    lt_buf_done(&patch);
    free(state);
    return status;
}

int lt_sq_state_save(struct sq_conn *conn, const struct leat_write_plan *want,
                     const struct sq_saved *saved, const struct leat_commit *what,
                     struct leat_error *err)
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
        status = save_stream(conn, stmt, want, i, &saved[i], what, err);
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
