/* The load's table of operations: what both protocols share, and which one a load follows. */
#include "connectors/postgres/pg_load.h"

#include <stdio.h>
#include <stdlib.h>

static const struct pg_protocol *protocol_of(const struct leat_load *load)
{
    return load->plan->staged ? &pg_staged : &pg_direct;
}

static void free_load(struct leat_load *load)
{
    if (load->conn) {
        pg_interrupt(load->conn);
        pg_grace(load->conn, PG_CLEANUP_MS);
        /* Locks of the session would outlive the load in the pool. */
        if (!load->conn->broken &&
            load->ep->pq->PQtransactionStatus(load->conn->pg) != PQTRANS_IDLE &&
            pg_exec(load->conn, "ROLLBACK", NULL)) {
            load->conn->broken = true;
        }
        if (!load->conn->broken && !pg_pooled(load->ep) &&
            pg_exec(load->conn, "SELECT pg_catalog.pg_advisory_unlock_all()", NULL)) {
            load->conn->broken = true;
        }
        pg_give(load->conn);
    }
    pg_plan_put(load->plan);
    free(load->receipts);
    free(load->found.resume);
    lt_buf_done(&load->own_xids);
    free(load);
}

/* Records, and what dead loads left at these tables. */
static int ready_records(struct leat_load *load, struct leat_error *err)
{
    const struct pg_plan *plan = load->plan;
    int status = LEAT_OK;
    for (size_t i = 0; i < plan->n_targets && !status; i++) {
        const char *ns = pg_state_ns(load->ep, plan->targets[i].ns);
        int64_t removed = 0;
        if (!i || strcmp(ns, pg_state_ns(load->ep, plan->targets[i - 1].ns)) != 0) {
            status = pg_state_ensure(load->conn, ns, err);
        }
        if (!status && plan->resume) {
            status = pg_resume(load, err);
        }
        status =
            status ? status
                   : pg_staged_sweep(load->conn, ns, plan->targets[i].ns, plan->targets[i].name,
                                     load->found.taken ? plan->load_id : NULL, true, &removed, err);
    }
    return status;
}

/* Behind a pooler the locks are the transaction's own, so it begins with them. What staged loads
 * left is swept by others: its locks are those of sessions. */
static int take_fence_pooled(struct leat_load *load, struct leat_error *err)
{
    const struct pg_plan *plan = load->plan;
    int status = LEAT_OK;
    for (size_t i = 0; i < plan->n_targets && !status && !load->ep->no_state; i++) {
        status = pg_state_ensure(load->conn, pg_state_ns(load->ep, plan->targets[i].ns), err);
    }
    status = status ? status : pg_lock_targets(load->conn, plan, err);
    return status ? status : pg_step(load->ep, "postgres:begin:locked", err);
}

static int take_fence(struct leat_load *load, struct leat_error *err)
{
    if (pg_pooled(load->ep)) {
        return take_fence_pooled(load, err);
    }
    struct leat_error why = {.status = LEAT_OK};
    int status = pg_lock_targets(load->conn, load->plan, err);
    if (status || load->ep->no_state) {
        return status;
    }
    status = ready_records(load, &why);
    if (status == LEAT_NOT_FOUND) { /* somebody dropped them since an earlier load */
        pg_state_forget(load->ep);
        why.status = LEAT_OK;
        status = ready_records(load, &why);
    }
    if (status && err) {
        *err = why;
    }
    return status ? status : pg_step(load->ep, "postgres:begin:locked", err);
}

/* Types that the tables need: before any transaction of theirs, for others may need them too. */
static int make_types(struct leat_load *load, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < load->plan->n_targets && !status; i++) {
        status =
            pg_own_make(load->conn, load->plan->targets[i].ns, &load->plan->targets[i].types, err);
    }
    return status;
}

static int begin(struct leat_endpoint *ep, const struct leat_load_plan *plan,
                 struct leat_load **ret_load, struct leat_error *err)
{
    struct leat_load *load = calloc(1, sizeof *load);
    if (!load || !plan->state) {
        free(load);
        return plan->state ? lt_fail_oom(err) : lt_fail(err, LT_E_INVALID, "this is no plan");
    }
    load->ep = ep;
    load->plan = plan->state;
    load->plan->holders++;
    int status = pg_step(ep, "postgres:begin:before", err);
    status = status ? status : pg_take(ep, &load->conn, err);
    status = status ? status : make_types(load, err);
    status = status ? status : take_fence(load, err);
    status = status ? status : protocol_of(load)->begin(load, err);
    if (!status) {
        status = pg_step(ep, "postgres:begin:after", err);
        if (status) {
            protocol_of(load)->abort(load);
        }
    }
    if (status) {
        free_load(load);
        return status;
    }
    *ret_load = load;
    return LEAT_OK;
}

static int token(struct leat_load *load, char *ret_token, size_t size, struct leat_error *err)
{
    if (!load->plan->staged) {
        return lt_fail(err, LT_E_UNSUPPORTED, "a load in one transaction cannot be shared");
    }
    int len =
        snprintf(ret_token, size, "postgres:1:%s:%s", load->plan->load_id, load->plan->state_ns);
    return len > 0 && (size_t)len < size ? LEAT_OK
                                         : lt_fail(err, LT_E_INVALID, "no room for the token");
}

static int attach(struct leat_endpoint *ep, const char *text, struct leat_load **ret_load,
                  struct leat_error *err)
{
    static const char prefix[] = "postgres:1:";
    const char *id = strncmp(text, prefix, sizeof prefix - 1) ? NULL : text + sizeof prefix - 1;
    size_t len = id ? strcspn(id, ":") : 0;
    if (!id || !len || len >= PG_LOAD_ID_MAX || !id[len] || !id[len + 1]) {
        return lt_fail(err, LT_E_INVALID, "this is no token of a PostgreSQL load");
    }
    struct leat_load *load = calloc(1, sizeof *load);
    if (!load || !(load->plan = calloc(1, sizeof *load->plan))) {
        free(load);
        return lt_fail_oom(err);
    }
    if (pg_pooled(ep)) {
        free(load->plan);
        free(load);
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "a load of several processes needs sessions of its own, and a pooler stands "
                       "before the server");
    }
    load->ep = ep;
    load->attached = true;
    load->plan->holders = 1;
    load->plan->staged = true;
    memcpy(load->plan->load_id, id, len);
    int status = pg_take(ep, &load->conn, err);
    status = status ? status : pg_lock_load(load->conn, load->plan->load_id, err);
    status = status ? status : pg_staged_attach(load, id + len + 1, err);
    if (status) {
        free_load(load);
        return status;
    }
    *ret_load = load;
    return LEAT_OK;
}

static int part_open(struct leat_load *load, const struct leat_part_plan *plan,
                     struct leat_part **ret_part, struct leat_error *err)
{
    return protocol_of(load)->part_open(load, plan, ret_part, err);
}

static int part_write(struct leat_part *part, struct leat_payload *payload, struct leat_error *err)
{
    return pg_part_write(part, payload, err);
}

static int part_seal(struct leat_part *part, struct leat_receipt *ret_receipt,
                     struct leat_error *err)
{
    return protocol_of(part->load)->part_seal(part, ret_receipt, err);
}

static void part_close(struct leat_part *part)
{
    if (part) {
        protocol_of(part->load)->part_close(part);
    }
}

static int read_back(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                     struct leat_error *err)
{
    if (stream >= load->plan->n_targets) {
        return lt_fail(err, LT_E_INVALID, "the load has no stream number %u", stream);
    }
    return protocol_of(load)->read_back(load, stream, ret_reader, err);
}

static int count_back(struct leat_load *load, uint32_t stream, int64_t *ret_rows,
                      struct leat_error *err)
{
    if (stream >= load->plan->n_targets || load->plan->targets[stream].merge) {
        return lt_fail(err, LT_E_INVALID, "stream number %u has no rows to be counted", stream);
    }
    return protocol_of(load)->count_back(load, stream, ret_rows, err);
}

static int commit(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                  struct leat_error *err)
{
    bool already = false;
    int status = protocol_of(load)->commit(load, what, &already, err);
    if (!status && ret_already) {
        *ret_already = already;
    }
    return status;
}

static void abort_load(struct leat_load *load)
{
    if (!load) {
        return;
    }
    if (!load->committed) {
        protocol_of(load)->abort(load);
    }
    free_load(load);
}

static void release(struct leat_load *load)
{
    if (load) {
        free_load(load);
    }
}

static int sweep(struct leat_endpoint *ep, const struct leat_stream_name *streams, size_t n_streams,
                 int64_t *ret_removed, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    int64_t removed = 0;
    int status = pg_take(ep, &conn, err);
    /* Behind a pooler nobody can tell whose sessions are gone. */
    for (size_t i = 0; i < n_streams && !status && !pg_pooled(ep); i++) {
        const char *ns = streams[i].ns && *streams[i].ns ? streams[i].ns : ep->default_ns;
        bool there = false;
        status = pg_state_there(conn, pg_state_ns(ep, ns), &there, err);
        if (!status && there) {
            status = pg_staged_sweep(conn, pg_state_ns(ep, ns), ns, streams[i].name, NULL, false,
                                     &removed, err);
        }
    }
    pg_give(conn);
    if (!status && ret_removed) {
        *ret_removed = removed;
    }
    return status;
}

const struct leat_load_ops pg_load_ops = {
    .plan = pg_plan_make,
    .plan_release = pg_plan_release,
    .begin = begin,
    .token = token,
    .attach = attach,
    .part_open = part_open,
    .part_write = part_write,
    .part_seal = part_seal,
    .part_close = part_close,
    .read_back = read_back,
    .count_back = count_back,
    .commit = commit,
    .outcome = pg_outcome,
    .abort = abort_load,
    .release = release,
    .sweep = sweep,
    .complete = pg_complete,
    .complete_show = pg_complete_show,
    .state = pg_state_read,
    .state_set = pg_state_set,
    .resumed = pg_resumed,
    .prepare = pg_ready_types,
};
