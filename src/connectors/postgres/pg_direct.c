/* The direct protocol: begin() opens the one transaction, parts COPY inside savepoints of it, and
 * commit() ends it. A connection lost anywhere before leaves nothing. One that makes tables with
 * several indexes may be handed over at its commit: pg_apart.c. */
#include "connectors/postgres/pg_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int begin(struct leat_load *load, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < load->plan->n_targets && !status; i++) {
        struct pg_target *target = &load->plan->targets[i];
        status = i || pg_pooled(load->ep) ? pg_target_prepare(load->conn, target, err)
                                          : pg_target_begin(load->conn, target, err);
        if (status) {
            leat_error_place(err, "%s.%s", target->ns, target->name);
        }
    }
    return status;
}

static const struct leat_receipt *find_receipt(const struct leat_load *load,
                                               const struct leat_part_id *id)
{
    for (size_t i = 0; i < load->n_receipts; i++) {
        if (load->receipts[i].id.stream == id->stream && load->receipts[i].id.part == id->part) {
            return &load->receipts[i];
        }
    }
    return NULL;
}

/* Rows that are added to others' are known again by the id of their savepoint. */
static bool needs_xids(const struct leat_part *part)
{
    return part->target->route == PG_ROUTE_APPEND && !part->target->aside;
}

static int part_open(struct leat_load *load, const struct leat_part_plan *plan,
                     struct leat_part **ret_part, struct leat_error *err)
{
    struct leat_part *part = NULL;
    if (load->open_part) {
        return lt_fail(err, LT_E_INVALID, "this load takes one part at a time");
    }
    int status = pg_part_new(load, plan, load->conn, &part, err);
    load->threads = plan->threads;
    if (status) {
        return status;
    }
    const struct leat_receipt *earlier = find_receipt(load, &plan->id);
    if (earlier) {
        part->found = true;
        part->earlier = *earlier;
    } else {
        part->before = "SAVEPOINT leat_part; ";
        part->after = needs_xids(part) ? NULL : "; RELEASE SAVEPOINT leat_part";
        status = pg_part_begin_copy(part, part->target->copy_to, err);
    }
    if (status) {
        leat_error_place(err, "%s.%s", part->target->ns, part->target->name);
        pg_part_free(part);
        return status;
    }
    load->open_part = part;
    *ret_part = part;
    return LEAT_OK;
}

static int keep_receipt(struct leat_load *load, const struct leat_receipt *receipt,
                        struct leat_error *err)
{
    struct leat_receipt *more =
        realloc(load->receipts, (load->n_receipts + 1) * sizeof *load->receipts);
    if (!more) {
        return lt_fail_oom(err);
    }
    load->receipts = more;
    more[load->n_receipts++] = *receipt;
    return LEAT_OK;
}

/* Rows carry the id of the savepoint they came in. The server lists it only while the savepoint is
 * open: as the locks this session holds on transaction ids of its own. */
static int note_xids(struct leat_load *load, struct leat_error *err)
{
    char ids[256];
    int status = pg_value(load->conn,
                          "SELECT pg_catalog.string_agg(pg_catalog.quote_literal("
                          "transactionid::text), ',') FROM pg_catalog.pg_locks WHERE pid = "
                          "pg_catalog.pg_backend_pid() AND locktype = 'transactionid' AND "
                          "mode = 'ExclusiveLock' AND granted",
                          0, NULL, ids, sizeof ids, err);
    if (!status && *ids &&
        lt_buf_printf(&load->own_xids, "%s%s", load->own_xids.len ? "," : "", ids)) {
        status = lt_fail_oom(err);
    }
    return status;
}

static int part_seal(struct leat_part *part, struct leat_receipt *ret_receipt,
                     struct leat_error *err)
{
    struct leat_receipt receipt;
    if (part->found) {
        *ret_receipt = part->earlier;
        part->sealed = true;
        return LEAT_OK;
    }
    int status = pg_step(part->load->ep, "postgres:part:seal:before", err);
    status = status ? status : pg_part_end_copy(part, err);
    if (!status && needs_xids(part)) {
        status = note_xids(part->load, err);
        status = status ? status : pg_exec(part->conn, "RELEASE SAVEPOINT leat_part", err);
    }
    if (!status) {
        pg_part_receipt(part, &receipt);
        status = keep_receipt(part->load, &receipt, err);
    }
    if (status) {
        return status;
    }
    part->sealed = true;
    part->target->rows += part->rows;
    *ret_receipt = receipt;
    return pg_step(part->load->ep, "postgres:part:seal:after", err);
}

static void part_close(struct leat_part *part)
{
    struct leat_load *load = part->load;
    if (!part->sealed && !part->found) {
        pg_interrupt(part->conn);
        if (!part->conn->broken) {
            pg_grace(part->conn, PG_CLEANUP_MS);
            if (pg_exec(part->conn, "ROLLBACK TO SAVEPOINT leat_part", NULL)) {
                part->conn->broken = true;
            }
            pg_grace(part->conn, 0);
        }
    }
    load->open_part = NULL;
    pg_part_free(part);
}

/* Every receipt must be of a part sealed here, and every part sealed here must be among them. */
static int check_receipts(const struct leat_load *load, const struct leat_commit *what,
                          struct leat_error *err)
{
    size_t known = 0;
    for (size_t i = 0; i < what->n_receipts; i++) {
        const struct leat_receipt *receipt = &what->receipts[i];
        const struct leat_receipt *sealed = find_receipt(load, &receipt->id);
        known += sealed && sealed->rows_inserted == receipt->rows_inserted;
    }
    if (load->open_part || known != load->n_receipts || known != what->n_receipts) {
        return lt_fail(err, LT_E_COUNT_MISMATCH,
                       "%zu receipts were given, of %zu parts that are sealed", what->n_receipts,
                       load->n_receipts);
    }
    return LEAT_OK;
}

static int fill_from_aside(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    if (target->merge) {
        return target->fresh ? pg_merge_fresh(conn, target, err)
                             : pg_merge_write(conn, target, err);
    }
    return target->aside ? pg_target_fill(conn, target, err) : LEAT_OK;
}

static int finish_targets(struct leat_load *load, struct leat_error *err)
{
    static const struct {
        pg_target_fn *fn;
        bool backwards;
    } steps[] = {{pg_merge_delete, true},     {pg_mirror_clear, true},
                 {fill_from_aside, false},    {pg_target_delete_gone, true},
                 {pg_target_compare, false},  {pg_extras_make, false},
                 {pg_target_sequences, false}};
    size_t *order = NULL;
    if (load->moved_in) {
        return LEAT_OK;
    }
    int status = pg_order_targets(load->conn, load->plan, &order, err);
    for (size_t i = 0; i < LT_ARRAY_LEN(steps) && !status; i++) {
        status =
            pg_each_target(load->conn, load->plan, order, steps[i].backwards, steps[i].fn, err);
    }
    load->moved_in = !status;
    free(order);
    return status;
}

/* Appends the condition that tells rows "q" of this load from those that the table had: of an append
 * those whose xmin is of one of its savepoints. Else all that is in the table is this load's. */
static int put_own_rows(const struct leat_load *load, const struct pg_target *target,
                        struct lt_buf *sql, struct leat_error *err)
{
    bool mixed = target->route == PG_ROUTE_APPEND && !target->aside;
    int failed = !mixed               ? LEAT_OK
                 : load->own_xids.len ? lt_buf_printf(sql, " WHERE q.xmin = ANY (ARRAY[%s]::xid[])",
                                                      lt_buf_text(&load->own_xids))
                                      : lt_buf_puts(sql, " WHERE false");
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

static int read_back(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                     struct leat_error *err)
{
    struct pg_target *target = &load->plan->targets[stream];
    struct lt_buf where = LT_BUF_INIT;
    if (target->merge) {
        int merged = finish_targets(load, err);
        return merged ? merged : pg_merge_read(load->conn, target, ret_reader, err);
    }
    target->proven = target->aside;
    int status = put_own_rows(load, target, &where, err);
    status = status ? status
                    : pg_target_read(load->conn, target, target->name, target->copy_to,
                                     lt_buf_text(&where), ret_reader, err);
    lt_buf_done(&where);
    return status;
}

static int count_back(struct leat_load *load, uint32_t stream, int64_t *ret_rows,
                      struct leat_error *err)
{
    const struct pg_target *target = &load->plan->targets[stream];
    struct lt_buf where = LT_BUF_INIT;
    int status = put_own_rows(load, target, &where, err);
    status = status
                 ? status
                 : pg_count_rows(load->conn, target->copy_to, lt_buf_text(&where), ret_rows, err);
    lt_buf_done(&where);
    return status;
}

static int commit(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                  struct leat_error *err)
{
    *ret_already = load->committed;
    if (load->committed) {
        return LEAT_OK;
    }
    if (load->apart || load->ep->pq->PQtransactionStatus(load->conn->pg) != PQTRANS_INTRANS) {
        return load->conn->broken ? pg_fail_conn(load->conn, err)
                                  : lt_fail(err, LT_E_INVALID, "the load has failed already");
    }
    int status = check_receipts(load, what, err);
    status = status ? status : pg_check_guards(load->plan, what, err);
    status = status ? status : pg_step(load->ep, "postgres:commit:before", err);
    if (!status && pg_apart_pays(load)) {
        return pg_apart_commit(load, what, err);
    }
    status = status ? status : finish_targets(load, err);
    status = status ? status : pg_check_counts(load->plan, what, err);
    if (!status && !load->ep->no_state) {
        status = pg_state_write(load->conn, load->plan, what, true, err);
    } else if (!status) {
        status = pg_state_check(load->conn, load->plan, what, err);
        pg_remember_xact(load->conn, load->plan->load_id);
    }
    status = status ? status : pg_step(load->ep, "postgres:commit:state", err);
    status = status ? status : pg_commit(load->conn, err);
    load->committed = !status;
    if (!status) {
        pg_tell_counts(load->plan, what);
    }
    return status;
}

static void abort_load(struct leat_load *load)
{
    if (load->apart) {
        pg_staged.abort(load);
        return;
    }
    /* Everything is in the transaction: rolled back when the connection is given back. */
    if (load->conn) {
        pg_interrupt(load->conn);
        pg_grace(load->conn, PG_CLEANUP_MS);
        if (!load->conn->broken && pg_exec(load->conn, "ROLLBACK", NULL)) {
            load->conn->broken = true;
        }
    }
}

const struct pg_protocol pg_direct = {
    .begin = begin,
    .part_open = part_open,
    .part_seal = part_seal,
    .part_close = part_close,
    .read_back = read_back,
    .count_back = count_back,
    .commit = commit,
    .abort = abort_load,
};
