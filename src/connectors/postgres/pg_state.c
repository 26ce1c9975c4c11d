/* What a destination remembers, the locks, COMMIT, and the question what became of a load.
 *
 * _leat_state holds one row a table: which load wrote it last, from what, and its state rows.
 * _leat_load holds one row a load (stream -1, part -1) and, for staged loads, one a stream
 * (part -1) and one a sealed part. A direct load's row appears with its data. */
#include "connectors/postgres/pg_load.h"

#include "core/json.h"
#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char *pg_state_ns(const struct leat_endpoint *ep, const char *ns)
{
    return ep->state_namespace ? ep->state_namespace : ns;
}

int pg_state_table(struct lt_buf *out, const char *ns, const char *table)
{
    return lt_dialect_quote_name(&lt_dialect_postgres, ns, table, out);
}

/* A statement about one of the two tables; %s in `fmt` is its quoted name. */
static char *about(const char *ns, const char *table, const char *fmt_before, const char *fmt_after)
{
    struct lt_buf sql = LT_BUF_INIT;
    if (lt_buf_puts(&sql, fmt_before) || pg_state_table(&sql, ns, table) ||
        lt_buf_puts(&sql, fmt_after)) {
        lt_buf_done(&sql);
        return NULL;
    }
    return lt_buf_take(&sql);
}

int pg_on_records(struct pg_conn *conn, const char *ns, const char *before, const char *after,
                  int n_params, const char *const *params, PGresult **ret_result,
                  struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    PGresult *result = NULL;
    int failed = lt_buf_puts(&sql, before) || pg_state_table(&sql, ns, PG_LOAD_TABLE) ||
                 lt_buf_puts(&sql, after);
    int status = failed ? lt_fail_oom(err)
                        : pg_query(conn, lt_buf_text(&sql), n_params, params, &result, err);
    lt_buf_done(&sql);
    if (!status && ret_result) {
        *ret_result = result;
    } else {
        pg_clear(conn, result);
    }
    return status;
}

static int has_table(struct pg_conn *conn, const char *ns, const char *table, bool *ret_there,
                     struct leat_error *err)
{
    const char *params[] = {ns, table};
    char text[8];
    int status = pg_value(conn,
                          "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
                          "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
                          2, params, text, sizeof text, err);
    if (!status) {
        *ret_there = *text != 0;
    }
    return status;
}

/* --- the tables ---------------------------------------------------------------------------- */

static int create_tables(struct pg_conn *conn, const char *ns, struct leat_error *err)
{
    char *load = about(ns, PG_LOAD_TABLE, "CREATE TABLE IF NOT EXISTS ",
                       " (load_id text NOT NULL, stream int NOT NULL, part int NOT NULL, "
                       "attempt int NOT NULL DEFAULT 0, status text NOT NULL, "
                       "rows bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, "
                       "checksum bigint NOT NULL DEFAULT 0, namespace text, name text, "
                       "staging text, pid int NOT NULL DEFAULT pg_catalog.pg_backend_pid(), "
                       "created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(), "
                       "plan jsonb, PRIMARY KEY (load_id, stream, part))");
    char *state = about(ns, PG_STATE_TABLE, "CREATE TABLE IF NOT EXISTS ",
                        " (namespace text NOT NULL, stream text NOT NULL, table_oid oid NOT NULL, "
                        "load_id text NOT NULL, source_id text NOT NULL, rows bigint NOT NULL, "
                        "loaded_at timestamptz NOT NULL, state jsonb NOT NULL, "
                        "PRIMARY KEY (namespace, stream))");
    int status = load && state ? LEAT_OK : lt_fail_oom(err);
    /* IF NOT EXISTS alone races: two creators meet in the catalog's unique index. */
    status =
        status ? status
               : pg_execf(conn, err, "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(%" PRId64 ")",
                          pg_lock_key("state", ns));
    status = status ? status : pg_exec(conn, load, err);
    status = status ? status : pg_exec(conn, state, err);
    status = status ? status : pg_exec(conn, "COMMIT", err);
    if (status && !conn->broken) {
        pg_exec(conn, "ROLLBACK", NULL);
    }
    free(load);
    free(state);
    return status;
}

/* What there is of the two tables. */
struct records {
    bool load, state;
    char closed[300]; /* those that this login may not read and write, or "" */
};

/* In one question: it is asked before every first load of an endpoint. */
static int look_for_tables(struct pg_conn *conn, const char *ns, struct records *ret_records,
                           struct leat_error *err)
{
    const char *params[] = {ns, PG_LOAD_TABLE, PG_STATE_TABLE};
    PGresult *result = NULL;
    int status = pg_query(
        conn,
        "SELECT pg_catalog.bool_or(c.relname = $2), pg_catalog.bool_or(c.relname = $3), "
        "pg_catalog.string_agg(pg_catalog.quote_ident(c.relname), ', ' ORDER BY c.relname) FILTER "
        "(WHERE NOT (pg_catalog.has_table_privilege(c.oid, 'SELECT') AND "
        "pg_catalog.has_table_privilege(c.oid, 'INSERT') AND "
        "pg_catalog.has_table_privilege(c.oid, 'UPDATE'))) FROM pg_catalog.pg_class c JOIN "
        "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname IN "
        "($2, $3)",
        3, params, &result, err);
    if (!status) {
        ret_records->load = pg_cell_true(conn, result, 0, 0);
        ret_records->state = pg_cell_true(conn, result, 0, 1);
        snprintf(ret_records->closed, sizeof ret_records->closed, "%s",
                 pg_cell(conn, result, 0, 2));
    }
    pg_clear(conn, result);
    return status;
}

/* Records that another login made may be closed to this one: said before anything is loaded. */
static int check_rights(const struct records *records, struct leat_error *err)
{
    if (!*records->closed) {
        return LEAT_OK;
    }
    int status = lt_fail(err, LT_E_DENIED, "the login may not read and write %s", records->closed);
    leat_error_remedy(err,
                      "GRANT SELECT, INSERT, UPDATE, DELETE ON %s to it, or --state-schema "
                      "with a schema of its own, or --no-state",
                      records->closed);
    return status;
}

/* Old records go now and then; whoever may not delete, or finds them locked, leaves them. It is one
 * transaction: where it fails, the lock timeout is what it was. */
static int delete_old(struct pg_conn *conn, const char *ns, struct leat_error *err)
{
    char *sql = about(ns, PG_LOAD_TABLE, "SET lock_timeout = 1; DELETE FROM ",
                      " WHERE created_at < pg_catalog.now() - interval '30 days' AND status <> "
                      "'open'; SET lock_timeout = ");
    if (!sql) {
        return lt_fail_oom(err);
    }
    struct leat_error why = {.status = LEAT_OK};
    int status = pg_execf(conn, &why, "%s%" PRId64, sql, conn->ep->lock_timeout_ms);
    free(sql);
    if (status && (conn->broken || status == LEAT_CANCELLED)) {
        if (err) {
            *err = why;
        }
        return status;
    }
    return LEAT_OK;
}

/* Seen to by an earlier load of this endpoint. */
static bool is_ready(const struct leat_endpoint *ep, const char *ns)
{
    for (unsigned i = 0; i < LT_MIN(ep->n_ready, (unsigned)PG_READY_MAX); i++) {
        if (!strcmp(ep->ready[i], ns)) {
            return true;
        }
    }
    return false;
}

void pg_state_forget(struct leat_endpoint *ep)
{
    ep->n_ready = 0;
}

int pg_state_there(struct pg_conn *conn, const char *ns, bool *ret_there, struct leat_error *err)
{
    return has_table(conn, ns, PG_LOAD_TABLE, ret_there, err);
}

int pg_state_ensure(struct pg_conn *conn, const char *ns, struct leat_error *err)
{
    struct records records = {.load = false};
    if (is_ready(conn->ep, ns)) {
        return LEAT_OK;
    }
    int status = look_for_tables(conn, ns, &records, err);
    bool old = records.load;
    if (!status && !(records.load && records.state)) {
        status = create_tables(conn, ns, err);
        status = status ? status : look_for_tables(conn, ns, &records, err);
    }
    status = status ? status : check_rights(&records, err);
    if (!status && old && !pg_pooled(conn->ep)) {
        status = delete_old(conn, ns, err);
    }
    if (!status) {
        snprintf(conn->ep->ready[conn->ep->n_ready++ % PG_READY_MAX], sizeof conn->ep->ready[0],
                 "%s", ns);
    }
    if (status) {
        leat_error_place(err, "records of loads in schema \"%s\"", ns);
    }
    return status;
}

int pg_state_ours(struct pg_conn *conn, const struct pg_target *target, bool *ret_ours,
                  struct leat_error *err)
{
    const char *ns = pg_state_ns(conn->ep, target->ns);
    bool there = is_ready(conn->ep, ns);
    *ret_ours = false;
    if (conn->ep->no_state) {
        return LEAT_OK;
    }
    int status = there ? LEAT_OK : has_table(conn, ns, PG_STATE_TABLE, &there, err);
    if (status || !there) {
        return status;
    }
    char *sql = about(ns, PG_STATE_TABLE, "SELECT 1 FROM ",
                      " WHERE namespace = $1 AND stream = $2 AND table_oid = $3::oid "
                      "AND source_id = $4");
    char oid[16], text[8];
    const char *params[] = {target->ns, target->name, oid, target->source_id};
    snprintf(oid, sizeof oid, "%u", target->oid);
    status = sql ? pg_value(conn, sql, 4, params, text, sizeof text, err) : lt_fail_oom(err);
    *ret_ours = !status && *text;
    free(sql);
    return status;
}

/* --- writing ------------------------------------------------------------------------------- */

#define STATE_COLUMNS                                                                              \
    " AS s (namespace, stream, table_oid, load_id, source_id, rows, loaded_at, state) VALUES "     \
    "($1, "                                                                                        \
    "$2, pg_catalog.to_regclass($3)::oid, $4, $5, $6, pg_catalog.clock_timestamp(), "              \
    "pg_catalog.jsonb_strip_nulls($7::jsonb)) ON "                                                 \
    "CONFLICT (namespace, stream) DO UPDATE SET table_oid = EXCLUDED.table_oid, load_id = "        \
    "EXCLUDED.load_id, source_id = EXCLUDED.source_id, rows = EXCLUDED.rows, loaded_at = "         \
    "EXCLUDED.loaded_at, state = CASE WHEN $8::bool AND s.table_oid = EXCLUDED.table_oid THEN "    \
    "pg_catalog.jsonb_strip_nulls(s.state || $7::jsonb) ELSE EXCLUDED.state END"

/* State stays while the table is the same and its rows stay ($8). With `record` the load's own row
 * goes along: it is committed with the rows that it brought. */
static int state_sql(const struct pg_plan *plan, const char *ns, bool record, struct lt_buf *sql)
{
    int failed = LEAT_OK;
    if (record) {
        failed = lt_buf_puts(sql, "WITH record AS (INSERT INTO ") ||
                 pg_state_table(sql, plan->state_ns, PG_LOAD_TABLE) ||
                 lt_buf_puts(sql, " (load_id, stream, part, status) VALUES ($4, -1, -1, "
                                  "'committed')) ");
    }
    return failed || lt_buf_puts(sql, "INSERT INTO ") || pg_state_table(sql, ns, PG_STATE_TABLE) ||
                   lt_buf_puts(sql, STATE_COLUMNS)
               ? LEAT_NO_MEMORY
               : LEAT_OK;
}

static int write_state_row(struct pg_conn *conn, const struct pg_plan *plan, size_t stream,
                           const struct leat_commit *what, bool record, struct leat_error *err)
{
    const struct pg_target *target = &plan->targets[stream];
    const char *ns = pg_state_ns(conn->ep, target->ns);
    struct lt_buf state = LT_BUF_INIT;
    struct lt_json json = {.out = &state};
    char rows[32];
    int status = LEAT_OK;
    lt_json_object(&json);
    for (size_t i = 0; i < what->n_state; i++) {
        if (what->state[i].stream == stream) {
            lt_json_key(&json, what->state[i].key);
            lt_json_text(&json, what->state[i].value);
        }
    }
    lt_json_object_end(&json);
    struct lt_buf sql = LT_BUF_INIT;
    snprintf(rows, sizeof rows, "%" PRId64, target->rows);
    bool ends = target->mode == LEAT_REPLACE || target->flags & LEAT_WRITE_ALONE;
    const char *params[] = {target->ns,        target->name, target->quoted,      plan->load_id,
                            target->source_id, rows,         lt_buf_text(&state), ends ? "f" : "t"};
    PGresult *result = NULL;
    if (!status && (json.failed || state_sql(plan, ns, record, &sql))) {
        status = lt_fail_oom(err);
    }
    status = status ? status
                    : pg_query(conn, lt_buf_text(&sql), LT_ARRAY_LEN(params), params, &result, err);
    pg_clear(conn, result);
    lt_buf_done(&state);
    lt_buf_done(&sql);
    return status;
}

int pg_state_write(struct pg_conn *conn, const struct pg_plan *plan, const struct leat_commit *what,
                   bool record, struct leat_error *err)
{
    int status = pg_state_check(conn, plan, what, err);
    for (size_t i = 0; i < plan->n_targets && !status; i++) {
        status = write_state_row(conn, plan, i, what, record && i == 0, err);
    }
    return status;
}

/* --- locks --------------------------------------------------------------------------------- */

int64_t pg_lock_key(const char *kind, const char *text)
{
    char key[512];
    int len = snprintf(key, sizeof key, "leat:%s:%s", kind, text);
    return (int64_t)lt_hash(key, LT_MIN((size_t)len, sizeof key - 1));
}

int pg_lock_load(struct pg_conn *conn, const char *load_id, struct leat_error *err)
{
    return pg_execf(conn, err, "SELECT pg_catalog.pg_advisory_lock_shared(%" PRId64 ")",
                    pg_lock_key("load", load_id));
}

int pg_try_load(struct pg_conn *conn, const char *load_id, bool *ret_dead, struct leat_error *err)
{
    char key[32], text[8];
    const char *params[] = {key};
    snprintf(key, sizeof key, "%" PRId64, pg_lock_key("load", load_id));
    int status =
        pg_value(conn,
                 pg_pooled(conn->ep) ? "SELECT pg_catalog.pg_try_advisory_xact_lock($1::int8)"
                                     : "SELECT pg_catalog.pg_try_advisory_lock($1::int8)",
                 1, params, text, sizeof text, err);
    *ret_dead = !status && *text == 't';
    return status;
}

int pg_unlock_load(struct pg_conn *conn, const char *load_id, struct leat_error *err)
{
    return pg_pooled(conn->ep)
               ? LEAT_OK
               : pg_execf(conn, err, "SELECT pg_catalog.pg_advisory_unlock(%" PRId64 ")",
                          pg_lock_key("load", load_id));
}

static int compare_keys(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int pg_lock_targets(struct pg_conn *conn, const struct pg_plan *plan, struct leat_error *err)
{
    int64_t *keys = calloc(plan->n_targets + 1, sizeof *keys);
    int status = keys ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < plan->n_targets && !status; i++) {
        keys[i] = pg_lock_key("table", plan->targets[i].quoted);
    }
    if (keys) {
        /* In one order everywhere, so that two loads never wait for each other. */
        qsort(keys, plan->n_targets, sizeof *keys, compare_keys);
    }
    struct lt_buf sql = LT_BUF_INIT;
    /* Behind a pooler a session's lock would stay with a session of the pooler's. */
    bool pooled = pg_pooled(conn->ep);
    const char *own = pooled ? "xact_" : "";
    int failed = pooled ? lt_buf_puts(&sql, "BEGIN; ") | pg_settings(conn, true, &sql) : LEAT_OK;
    failed |= lt_buf_printf(&sql, "SELECT pg_catalog.pg_advisory_%slock_shared(%" PRId64 ")", own,
                            pg_lock_key("load", plan->load_id));
    for (size_t i = 0; i < plan->n_targets && !status; i++) {
        failed |= lt_buf_printf(&sql, "; SELECT pg_catalog.pg_advisory_%slock(%" PRId64 ")", own,
                                keys[i]);
    }
    status = failed && !status ? lt_fail_oom(err) : status;
    status = status ? status : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    if (status == LEAT_UNAVAILABLE && !conn->broken) {
        status = lt_fail(err, LT_E_DESTINATION_BUSY, "another load holds %s.%s%s",
                         plan->targets[0].ns, plan->targets[0].name,
                         plan->n_targets > 1 ? " or another table of this one" : "");
    }
    free(keys);
    return status;
}

/* --- COMMIT and its outcome ---------------------------------------------------------------- */

void pg_remember_xact(struct pg_conn *conn, const char *load_id)
{
    struct leat_endpoint *ep = conn->ep;
    struct pg_xact *xact = &ep->xacts[ep->n_xacts % PG_XACTS_MAX];
    char xid[sizeof xact->xid];
    if (!pg_value(conn, "SELECT pg_catalog.txid_current()", 0, NULL, xid, sizeof xid, NULL)) {
        snprintf(xact->load_id, sizeof xact->load_id, "%s", load_id);
        memcpy(xact->xid, xid, sizeof xid);
        ep->n_xacts++;
    }
}

static int fail_unknown(struct pg_conn *conn, struct leat_error *err)
{
    conn->broken = true;
    return lt_fail(err, LT_E_OUTCOME_UNKNOWN, "the reply to COMMIT did not come");
}

int pg_commit(struct pg_conn *conn, struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    int status = pg_send(conn, "COMMIT", &why);
    if (status == LEAT_CANCELLED && !conn->broken &&
        conn->ep->pq->PQtransactionStatus(conn->pg) == PQTRANS_INTRANS) {
        return lt_fail(err, LT_E_CANCELLED, "cancelled"); /* before it was sent */
    }
    conn->committing = true;
    status = status ? status : pg_step(conn->ep, "postgres:commit:sent", &why);
    if (!status) {
        status = pg_finish_results(conn, NULL, &why);
        if (status && !conn->broken && status != LEAT_CANCELLED) {
            conn->committing = false;
            if (err) {
                *err = why; /* the server said no: it rolled back */
            }
            return status;
        }
    }
    conn->committing = false;
    pg_grace(conn, 0);
    if (status || pg_step(conn->ep, "postgres:commit:after", &why)) {
        return fail_unknown(conn, err);
    }
    return LEAT_OK;
}

/* Without records the server may still know the transaction by its id. */
static int outcome_by_xact(struct pg_conn *conn, const char *load_id,
                           enum leat_outcome *ret_outcome, struct leat_error *err)
{
    const struct leat_endpoint *ep = conn->ep;
    for (unsigned i = 0; i < LT_MIN(ep->n_xacts, (unsigned)PG_XACTS_MAX); i++) {
        const char *params[] = {ep->xacts[i].xid};
        char text[32];
        if (strcmp(ep->xacts[i].load_id, load_id) != 0) {
            continue;
        }
        int status = pg_value(conn, "SELECT pg_catalog.txid_status($1::int8)", 1, params, text,
                              sizeof text, err);
        if (status || !*text) {
            return status ? status
                          : lt_fail(err, LT_E_OUTCOME_UNKNOWN,
                                    "the server no longer knows this transaction");
        }
        *ret_outcome = !strcmp(text, "committed") ? LEAT_LOAD_COMMITTED
                       : !strcmp(text, "aborted") ? LEAT_LOAD_ABSENT
                                                  : LEAT_LOAD_IN_FLIGHT;
        return LEAT_OK;
    }
    bool dead = false;
    int status = pg_try_load(conn, load_id, &dead, err);
    if (!status && dead) {
        pg_unlock_load(conn, load_id, NULL);
    }
    return status ? status
                  : lt_fail(err, LT_E_OUTCOME_UNKNOWN,
                            "the destination keeps no record of loads (no-state)");
}

static int load_status(struct pg_conn *conn, const char *ns, const char *load_id, char *text,
                       size_t size, struct leat_error *err)
{
    const char *params[] = {load_id};
    bool there = false;
    *text = 0;
    int status = has_table(conn, ns, PG_LOAD_TABLE, &there, err);
    if (status || !there) {
        return status;
    }
    char *sql = about(ns, PG_LOAD_TABLE, "SELECT status FROM ",
                      " WHERE load_id = $1 AND stream = -1 AND part = -1");
    status = sql ? pg_value(conn, sql, 1, params, text, size, err) : lt_fail_oom(err);
    free(sql);
    return status;
}

/* Takes the fence of a dead staged load, so that nobody can commit it any more. */
static int fence(struct pg_conn *conn, const char *ns, const char *load_id, struct leat_error *err)
{
    char *sql = about(ns, PG_LOAD_TABLE, "UPDATE ",
                      " SET status = 'swept' WHERE load_id = $1 AND stream = -1 AND part = -1 "
                      "AND status = 'open'");
    const char *params[] = {load_id};
    PGresult *result = NULL;
    int status = sql ? pg_query(conn, sql, 1, params, &result, err) : lt_fail_oom(err);
    pg_clear(conn, result);
    free(sql);
    return status;
}

/* The load's lock, alone; a session that just ended may take a moment to let it go. */
static int wait_load(struct pg_conn *conn, const char *load_id, bool *ret_dead,
                     struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    bool pooled = pg_pooled(conn->ep);
    int status = pg_execf(conn, &why,
                          pooled ? "BEGIN; SET LOCAL lock_timeout = 1500; SELECT "
                                   "pg_catalog.pg_advisory_xact_lock(%" PRId64 "); COMMIT"
                                 : "SET lock_timeout = 1500; SELECT "
                                   "pg_catalog.pg_advisory_lock(%" PRId64 ")",
                          pg_lock_key("load", load_id));
    *ret_dead = !status;
    if (status && (conn->broken || strcmp(why.sqlstate, "55P03") != 0)) {
        conn->broken = true; /* its lock timeout is not the pool's */
        if (err) {
            *err = why;
        }
        return status;
    }
    if (pooled) {
        return status ? pg_exec(conn, "ROLLBACK", err) : LEAT_OK;
    }
    return pg_execf(conn, err, "SET lock_timeout = %" PRId64, conn->ep->lock_timeout_ms);
}

static int outcome_by_record(struct pg_conn *conn, const char *ns, const char *load_id,
                             enum leat_outcome *ret_outcome, struct leat_error *err)
{
    char text[32];
    bool dead = false;
    int status = load_status(conn, ns, load_id, text, sizeof text, err);
    if (!status && strcmp(text, "committed") != 0) {
        status = wait_load(conn, load_id, &dead, err);
        if (!status && !dead) {
            *ret_outcome = LEAT_LOAD_IN_FLIGHT;
            return LEAT_OK;
        }
        /* Its last session may have committed just before it let the lock go. */
        status = status ? status : load_status(conn, ns, load_id, text, sizeof text, err);
        if (!status && !strcmp(text, "open")) {
            status = fence(conn, ns, load_id, err);
        }
        if (dead) {
            pg_unlock_load(conn, load_id, NULL);
        }
    }
    if (!status) {
        *ret_outcome = !strcmp(text, "committed") ? LEAT_LOAD_COMMITTED : LEAT_LOAD_ABSENT;
    }
    return status;
}

int pg_outcome(struct leat_endpoint *ep, const struct leat_write_plan *want,
               enum leat_outcome *ret_outcome, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    if (!want->n_streams) {
        return lt_fail(err, LT_E_INVALID, "a load needs streams");
    }
    const char *ns = want->streams[0].name.ns;
    ns = pg_state_ns(ep, ns && *ns ? ns : ep->default_ns);
    int status = pg_take_grace(ep, PG_CLEANUP_MS, &conn, err);
    if (!status) {
        status = ep->no_state ? outcome_by_xact(conn, want->load_id, ret_outcome, err)
                              : outcome_by_record(conn, ns, want->load_id, ret_outcome, err);
    }
    pg_give(conn);
    return status;
}
