/* Staging tables of loads that came to nothing: dropped by the load itself, or by whoever finds them
 * later. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#define SWEEP_LOADS_MAX 1000

static int drop_staging(struct pg_conn *conn, const char *ns, const char *load_id, int64_t *removed,
                        struct leat_error *err)
{
    const char *params[] = {load_id};
    PGresult *result = NULL;
    int status = pg_on_records(conn, ns, "SELECT namespace, staging FROM ",
                               " WHERE load_id = $1 AND part = -1 AND stream >= 0 AND staging LIKE "
                               "'\\_leat\\_s\\_%'",
                               1, params, &result, err);
    int n = status ? 0 : pg_rows(conn, result);
    for (int i = 0; i < n && !status; i++) {
        struct lt_buf sql = LT_BUF_INIT;
        int failed = lt_buf_puts(&sql, "DROP TABLE IF EXISTS ") |
                     lt_dialect_quote_name(&lt_dialect_postgres, pg_cell(conn, result, i, 0),
                                           pg_cell(conn, result, i, 1), &sql);
        status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
        lt_buf_done(&sql);
    }
    pg_clear(conn, result);
    status = status ? status
                    : pg_on_records(conn, ns, "DELETE FROM ", " WHERE load_id = $1 AND stream >= 0",
                                    1, params, NULL, err);
    *removed += status ? 0 : n;
    return status;
}

/* Marks a load swept and drops what it staged, unless it was committed. */
static int sweep_load(struct pg_conn *conn, const char *ns, const char *load_id, int64_t *removed,
                      struct leat_error *err)
{
    const char *params[] = {load_id};
    PGresult *result = NULL;
    int status = pg_exec(conn, "BEGIN", err);
    status = status ? status
                    : pg_on_records(conn, ns, "UPDATE ",
                                    " SET status = 'swept' WHERE load_id = $1 AND stream = -1 AND "
                                    "status <> 'committed'",
                                    1, params, &result, err);
    bool ours = !status && strcmp(conn->ep->pq->PQcmdTuples(result), "0") != 0;
    pg_clear(conn, result);
    if (ours) {
        status = drop_staging(conn, ns, load_id, removed, err);
    }
    if (status) {
        if (!conn->broken) {
            pg_exec(conn, "ROLLBACK", NULL);
        }
        return status;
    }
    return pg_exec(conn, "COMMIT", err);
}

void pg_staged_abort(struct leat_load *load)
{
    int64_t removed = 0;
    struct leat_error why = {.status = LEAT_OK};
    if (load->conn) {
        pg_interrupt(load->conn);
    }
    if (!load->conn || load->conn->broken) {
        pg_disconnect(load->conn);
        load->conn = NULL;
        if (pg_take_grace(load->ep, PG_CLEANUP_MS, &load->conn, &why)) {
            pg_log(load->ep, LEAT_LOG_WARN, "staging stays until the next load: %s", why.message);
            return;
        }
    }
    pg_grace(load->conn, PG_CLEANUP_MS);
    if (load->ep->pq->PQtransactionStatus(load->conn->pg) != PQTRANS_IDLE) {
        pg_exec(load->conn, "ROLLBACK", NULL);
    }
    if (sweep_load(load->conn, load->plan->state_ns, load->plan->load_id, &removed, &why)) {
        pg_log(load->ep, LEAT_LOG_WARN, "staging stays until the next load: %s", why.message);
    }
}

static int sweep_if_dead(struct pg_conn *conn, const char *state_ns, const char *load_id,
                         bool busy_fails, int64_t *removed, struct leat_error *err)
{
    bool dead = false;
    int status = pg_try_load(conn, load_id, &dead, err);
    if (status || !dead) {
        return status || !busy_fails
                   ? status
                   : lt_fail(err, LT_E_DESTINATION_BUSY, "another load is filling this table");
    }
    status = sweep_load(conn, state_ns, load_id, removed, err);
    int unlocked = conn->broken ? LEAT_OK : pg_unlock_load(conn, load_id, NULL);
    return status ? status : unlocked;
}

int pg_staged_sweep(struct pg_conn *conn, const char *state_ns, const char *ns, const char *name,
                    const char *keep, bool busy_fails, int64_t *removed, struct leat_error *err)
{
    const char *params[] = {ns, name};
    PGresult *result = NULL;
    int status = pg_on_records(conn, state_ns, "SELECT DISTINCT load_id FROM ",
                               " WHERE part = -1 AND stream >= 0 AND namespace = $1 AND name = $2",
                               2, params, &result, err);
    int n = status ? 0 : LT_MIN(pg_rows(conn, result), SWEEP_LOADS_MAX);
    for (int i = 0; i < n && !status; i++) {
        const char *load_id = pg_cell(conn, result, i, 0);
        if (!keep || strcmp(keep, load_id) != 0) {
            status = sweep_if_dead(conn, state_ns, load_id, busy_fails, removed, err);
        }
    }
    pg_clear(conn, result);
    return status;
}
