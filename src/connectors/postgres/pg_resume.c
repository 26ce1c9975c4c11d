/* Taking over a staged load whose process died: its sealed parts stay, the rest is written anew.
 *
 * Whoever takes it over counts the load's row in _leat_load up, as `attempt`. Parts of the dead
 * process that its server still works at hold that row, so they are waited for: they are sealed,
 * and told, or gone. One that comes later finds another number, and so does a commit. */
#include "connectors/postgres/pg_load.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define LOADS_MAX 100 /* that are looked at, the last ones first */

/* Ids are hexadecimal digits, and stand with commas between. */
static int read_open(struct pg_conn *conn, const char *state_ns, const char *const *params,
                     char **ret_loads, struct leat_error *err)
{
    struct lt_buf after = LT_BUF_INIT;
    PGresult *result = NULL;
    int failed = lt_buf_puts(&after, " s JOIN ") | pg_state_table(&after, state_ns, PG_LOAD_TABLE) |
                 lt_buf_printf(&after,
                               " h ON h.load_id = s.load_id AND h.stream = -1 AND h.part = -1 "
                               "WHERE s.stream = 0 AND s.part = -1 AND s.namespace = $1 AND "
                               "s.name = $2 AND h.status = 'open' AND h.plan->>'resume' = $3 "
                               "ORDER BY h.created_at DESC LIMIT %d) UNION SELECT id FROM "
                               "pg_catalog.unnest(pg_catalog.string_to_array($4, ',')) id) l",
                               LOADS_MAX);
    int status = failed ? lt_fail_oom(err)
                        : pg_on_records(conn, state_ns,
                                        "SELECT pg_catalog.string_agg(load_id, ',') FROM ((SELECT "
                                        "s.load_id FROM ",
                                        lt_buf_text(&after), 4, params, &result, err);
    if (!status && !pg_cell_null(conn, result, 0, 0)) {
        *ret_loads = lt_strdup(pg_cell(conn, result, 0, 0));
        status = *ret_loads ? LEAT_OK : lt_fail_oom(err);
    }
    pg_clear(conn, result);
    lt_buf_done(&after);
    return status;
}

int pg_resume_look(struct pg_conn *conn, const struct leat_write_plan *want, struct pg_plan *plan,
                   struct leat_error *err)
{
    size_t known = offsetof(struct leat_write_plan, open_loads) + sizeof want->open_loads;
    if (!plan->resume) {
        return LEAT_OK;
    }
    const struct leat_stream_name *name = &want->streams[0].name;
    const char *ns = name->ns && *name->ns ? name->ns : conn->ep->default_ns;
    const char *params[] = {ns, name->name, plan->resume,
                            want->size >= known ? want->open_loads : NULL};
    bool there = false;
    int status = pg_state_there(conn, pg_state_ns(conn->ep, ns), &there, err);
    return status || !there
               ? status
               : read_open(conn, pg_state_ns(conn->ep, ns), params, &plan->open_loads, err);
}

/* Its rows are there: what this load would bring came with them. */
static int refuse_committed(struct leat_load *load, struct leat_error *err)
{
    const char *params[] = {load->plan->open_loads};
    PGresult *result = NULL;
    if (!load->plan->open_loads) {
        return LEAT_OK;
    }
    int status = pg_on_records(load->conn, load->plan->state_ns, "SELECT load_id FROM ",
                               " WHERE stream = -1 AND part = -1 AND status = 'committed' AND "
                               "load_id = ANY (pg_catalog.string_to_array($1, ',')) LIMIT 1",
                               1, params, &result, err);
    if (!status && pg_rows(load->conn, result)) {
        const struct pg_target *target = &load->plan->targets[0];
        status = lt_fail(err, LT_E_CONFLICT,
                         "another run finished this load (%s) of %s.%s meanwhile; nothing was "
                         "written",
                         pg_cell(load->conn, result, 0, 0), target->ns, target->name);
        leat_error_remedy(err, "nothing is left to do: the rows are there; run again only to load "
                               "them once more");
    }
    pg_clear(load->conn, result);
    return status;
}

/* Columns of the query below. */
enum { LOAD_ID, TEXT, SAME_TARGET };

/* Open loads of the table that keep their parts. They are the same at the destination when the plan
 * says the same, but for what only was an estimate, and the staging table is still there. */
static int find_loads(struct leat_load *load, const char *target, PGresult **ret_result,
                      struct leat_error *err)
{
    const struct pg_target *at = &load->plan->targets[0];
    const char *params[] = {at->ns, at->name, target};
    struct lt_buf after = LT_BUF_INIT;
    int failed = lt_buf_puts(&after, " s JOIN ") |
                 pg_state_table(&after, load->plan->state_ns, PG_LOAD_TABLE) |
                 lt_buf_printf(&after,
                               " h ON h.load_id = s.load_id AND h.stream = -1 AND h.part = -1 "
                               "WHERE s.stream = 0 AND s.part = -1 AND s.namespace = $1 AND "
                               "s.name = $2 AND h.status = 'open' AND h.plan->>'resume' IS NOT "
                               "NULL ORDER BY h.created_at DESC LIMIT %d",
                               LOADS_MAX);
    int status =
        failed
            ? lt_fail_oom(err)
            : pg_on_records(
                  load->conn, load->plan->state_ns,
                  "SELECT s.load_id, h.plan->>'resume', coalesce(s.plan - 'rows_before' = "
                  "$3::jsonb - 'rows_before', false) AND EXISTS (SELECT 1 FROM "
                  "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                  "c.relnamespace WHERE n.nspname = s.namespace AND c.relname = s.staging) FROM ",
                  lt_buf_text(&after), 3, params, ret_result, err);
    lt_buf_done(&after);
    return status;
}

/* Waits for parts that the dead process's servers still work at. */
static int count_up(struct leat_load *load, const char *load_id, struct leat_error *err)
{
    const char *params[] = {load_id};
    PGresult *result = NULL;
    int status = pg_on_records(load->conn, load->plan->state_ns, "UPDATE ",
                               " SET attempt = attempt + 1, pid = pg_catalog.pg_backend_pid() "
                               "WHERE load_id = $1 AND stream = -1 AND part = -1 AND "
                               "status = 'open' RETURNING attempt",
                               1, params, &result, err);
    if (status == LEAT_UNAVAILABLE && !load->conn->broken) {
        return lt_fail(err, LT_E_DESTINATION_BUSY,
                       "a part of an earlier load is still being written");
    }
    if (!status && pg_rows(load->conn, result) != 1) {
        status = leat_fail(err, LEAT_CONFLICT, "the load that was to be taken over is gone");
    }
    if (!status) {
        load->epoch = atoi(pg_cell(load->conn, result, 0, 0));
    }
    pg_clear(load->conn, result);
    return status;
}

static int read_receipts(struct leat_load *load, const char *load_id, struct leat_error *err)
{
    struct pg_conn *conn = load->conn;
    const char *params[] = {load_id};
    PGresult *result = NULL;
    int status = pg_on_records(
        conn, load->plan->state_ns, "SELECT part, attempt, rows, bytes FROM ",
        " WHERE load_id = $1 AND stream = 0 AND part >= 0 ORDER BY part", 1, params, &result, err);
    int n = status ? 0 : pg_rows(conn, result);
    load->receipts = status ? NULL : calloc((size_t)n + 1, sizeof *load->receipts);
    if (!status && !load->receipts) {
        status = lt_fail_oom(err);
    }
    for (int i = 0; i < n && !status; i++) {
        struct leat_receipt *receipt = &load->receipts[load->n_receipts++];
        receipt->size = sizeof *receipt;
        receipt->id.part = (uint32_t)strtoul(pg_cell(conn, result, i, 0), NULL, 10);
        receipt->id.attempt = (uint32_t)strtoul(pg_cell(conn, result, i, 1), NULL, 10);
        receipt->rows_inserted = strtoll(pg_cell(conn, result, i, 2), NULL, 10);
        receipt->bytes = strtoll(pg_cell(conn, result, i, 3), NULL, 10);
        if (receipt->rows_inserted < 0) {
            status = lt_fail(err, LT_E_CORRUPT, "the record of a part cannot be read");
        }
    }
    pg_clear(conn, result);
    return status;
}

/* Takes part in the load, so that nobody else finds it dead, before its lock is shared again. */
static int take_over(struct leat_load *load, const char *load_id, struct leat_error *err)
{
    int status = pg_lock_load(load->conn, load_id, err);
    status = status ? status : pg_unlock_load(load->conn, load_id, err);
    status = status ? status : count_up(load, load_id, err);
    status = status ? status : read_receipts(load, load_id, err);
    status = status ? status : pg_staged_name(&load->plan->targets[0], load_id, 0, err);
    if (!status) {
        load->found.taken = true;
        snprintf(load->plan->load_id, sizeof load->plan->load_id, "%s", load_id);
        status = pg_step(load->ep, "postgres:begin:taken", err);
    }
    return status;
}

/* One load that was found: told to whoever asks, and taken over where it is the same. */
static int look_at(struct leat_load *load, const PGresult *result, int row, struct leat_error *err)
{
    const char *load_id = pg_cell(load->conn, result, row, LOAD_ID);
    const char *text = pg_cell(load->conn, result, row, TEXT);
    bool same_text = !strcmp(text, load->plan->resume);
    bool same = same_text && *pg_cell(load->conn, result, row, SAME_TARGET) == 't';
    bool dead = false;
    int status = strlen(load_id) < sizeof load->plan->load_id
                     ? pg_try_load(load->conn, load_id, &dead, err)
                     : LEAT_OK;
    if (status || !dead) {
        return status; /* who lives is told by the sweep that comes next */
    }
    if (!load->found.resume || same) {
        free(load->found.resume);
        load->found.resume = lt_strdup(text);
        load->found.changed =
            same_text && !same ? "the destination would take it in another way than it did" : NULL;
        status = load->found.resume ? LEAT_OK : lt_fail_oom(err);
    }
    if (!status && same) {
        return take_over(load, load_id, err);
    }
    int unlocked = pg_unlock_load(load->conn, load_id, NULL);
    return status ? status : unlocked;
}

int pg_resume(struct leat_load *load, struct leat_error *err)
{
    struct lt_buf target = LT_BUF_INIT;
    PGresult *result = NULL;
    if (load->found.taken) {
        return LEAT_OK;
    }
    int status = refuse_committed(load, err);
    if (!status && pg_staged_describe(&load->plan->targets[0], &target)) {
        status = lt_fail_oom(err);
    }
    status = status ? status : find_loads(load, lt_buf_text(&target), &result, err);
    int n = status ? 0 : pg_rows(load->conn, result);
    for (int i = 0; i < n && !status && !load->found.taken; i++) {
        status = look_at(load, result, i, err);
    }
    pg_clear(load->conn, result);
    lt_buf_done(&target);
    return status;
}

int pg_resumed(struct leat_load *load, struct leat_resumed *ret_resumed, struct leat_error *err)
{
    struct leat_resumed resumed = {.size = ret_resumed->size,
                                   .taken = load->found.taken,
                                   .resume = load->found.resume,
                                   .changed = load->found.changed,
                                   .receipts = load->found.taken ? load->receipts : NULL,
                                   .n_receipts = load->found.taken ? load->n_receipts : 0};
    if (!load->plan->resume) {
        return lt_fail(err, LT_E_INVALID, "the load was not begun to be taken over");
    }
    snprintf(resumed.load_id, sizeof resumed.load_id, "%.*s", (int)sizeof resumed.load_id - 1,
             load->plan->load_id);
    memcpy(ret_resumed, &resumed, LT_MIN(ret_resumed->size, sizeof resumed));
    return LEAT_OK;
}
