/* A unit's records on their way, and what is checked of them before the commit. */
#include "engine/unit.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/verify.h"

#include <stdlib.h>

int lt_unit_retype(struct lt_unit_try *unit, size_t i, struct leat_error *err)
{
    const struct ArrowSchema **taken = calloc(unit->n_dests, sizeof *taken);
    if (!taken) {
        return lt_fail_oom(err);
    }
    for (size_t d = 0; d < unit->n_dests; d++) {
        taken[d] = &unit->dests[d].plan.streams[i].schema;
    }
    int rc = lt_flow_retype(&unit->flow, taken, unit->n_dests, err);
    free(taken);
    return rc;
}

/* For -v: how the stream is read, and as which types. */
static void log_reading(const struct lt_flow *flow)
{
    struct lt_buf types = LT_BUF_INIT;
    char words[512];
    int rc = LEAT_OK;
    if (!lt_log_on(LT_LOG_INFO)) {
        return;
    }
    for (int64_t i = 0; !rc && i < flow->schema.n_children; i++) {
        rc = lt_buf_printf(&types, "%s%s ", i ? ", " : "", flow->schema.children[i]->name);
        rc = rc ? rc : lt_type_print(flow->schema.children[i], &types);
    }
    lt_flow_explain(flow, words, sizeof words);
    lt_log(LT_LOG_INFO, "%s: %s%s%s", flow->job->label, words, *words ? "; " : "",
           lt_buf_text(&types));
    lt_buf_done(&types);
}

/* Readies the flow of stream i for all destinations. */
static int ready_flow(struct lt_unit_try *unit, size_t i, struct leat_error *err)
{
    struct lt_flow *flow = &unit->flow;
    int rc = LEAT_OK;
    if (!unit->flow_started) {
        unit->flow_started = true;
        rc =
            lt_flow_start(unit->run, lt_unit_job(unit, i), *unit->source, unit->attempt, flow, err);
        if (!rc && !lt_schema_same(&flow->schema, &unit->schemas[i], true)) {
            rc = lt_fail(err, LT_E_UNAVAILABLE, "the stream's columns changed under the run");
        }
    }
    rc = rc ? rc : lt_unit_retype(unit, i, err);
    if (!rc) {
        log_reading(flow);
        flow->dests = calloc(unit->n_dests, sizeof *flow->dests);
        rc = flow->dests ? LEAT_OK : lt_fail_oom(err);
    }
    for (size_t d = 0; !rc && d < unit->n_dests; d++) {
        struct lt_flow_dest *to = &flow->dests[d];
        flow->n_dests = d + 1;
        to->side = *unit->dests[d].side;
        to->load = unit->dests[d].load;
        to->stream = (uint32_t)i;
        to->made = !unit->dests[d].plan.streams[i].exists ||
                   unit->dests[d].streams[i].flags & LEAT_WRITE_RECREATE;
        rc = lt_flow_dest_init(flow, to, &unit->dests[d].plan.streams[i].schema, err);
    }
    if (!rc) {
        lt_resume_flow(unit);
    }
    rc = rc ? rc : lt_flow_choose(flow, &unit->dests[0].plan.streams[i], err);
    if (!rc && flow->forward) {
        lt_unit_note_route(lt_run_result(unit->run, unit->first + i, 0), &unit->dests[0], i, true);
        return LEAT_OK;
    }
    return rc ? rc : lt_flow_loosen(flow, err);
}

static int set_proof(struct lt_result *result, const char *proof)
{
    free(result->proof);
    result->proof = lt_strdup(proof);
    result->pub.proof = result->proof ? result->proof : "";
    return LEAT_OK;
}

/* Counts, and with --verify checksums, of one stream at one destination. */
static int check_dest(struct lt_unit_try *unit, size_t i, size_t d, struct leat_error *err)
{
    struct lt_flow_dest *to = &unit->flow.dests[d];
    struct lt_unit_dest *dest = &unit->dests[d];
    struct lt_result *result = lt_run_result(unit->run, unit->first + i, d);
    int64_t written =
        to->receipt.rows_inserted + to->receipt.rows_updated + to->receipt.rows_deleted;
    dest->receipts[i] = to->receipt;
    dest->rows_expected[i] = to->rows_in - to->receipt.rows_rejected;
    result->pub.rows_written = written;
    result->pub.rows_rejected = result->pub.rows_read - written;
    struct lt_lost lost = {.columns = NULL};
    int lost_rc = lt_flow_lost(&unit->flow, to, &lost);
    lost_rc =
        lost_rc ? lost_rc : lt_result_set_losses(result, &lost, unit->run, lt_unit_job(unit, i));
    lt_lost_done(&lost);
    if (lost_rc) {
        return lt_fail_oom(err);
    }
    if (written != dest->rows_expected[i]) {
        return lt_fail(err, LT_E_COUNT_MISMATCH,
                       "%lld records were sent and the destination took %lld",
                       (long long)dest->rows_expected[i], (long long)written);
    }
    const struct lt_slice *slice = lt_unit_job(unit, i)->slice;
    if (unit->run->count && !unit->run->verify) {
        int rc = lt_verify_count(to, written, err);
        return rc ? rc : set_proof(result, "counts equal, counted at the destination");
    }
    if (!unit->run->verify || (slice && slice->op)) { /* a sync compares again by itself */
        return set_proof(result, "counts equal");
    }
    if (to->receipt.rows_rejected) {
        return set_proof(result, "counts equal; checksums not compared, for the destination "
                                 "rejected records");
    }
    int rc = lt_verify(to, err);
    if (rc) {
        return rc;
    }
    return set_proof(result, to->part_losses.lost.n
                                 ? "counts equal, and checksums but of columns with "
                                   "lost values"
                                 : "counts and checksums equal");
}

/* What was read is told also of a stream that failed. */
static void note_read(struct lt_unit_try *unit, size_t i)
{
    const struct lt_flow *flow = &unit->flow;
    for (size_t d = 0; d < unit->n_dests; d++) {
        struct leat_stream_result *result = &lt_run_result(unit->run, unit->first + i, d)->pub;
        result->rows_read = flow->rows_read + atomic_load(&flow->read_rejects.count) +
                            (flow->parts ? flow->parts->rows_unread : 0);
        result->bytes = flow->bytes_read;
        result->rows_written = result->rows_rejected = 0;
    }
}

/* Ends the flow at work, if there is one. */
void lt_unit_end_flow(struct lt_unit_try *unit)
{
    if (unit->flow_started) {
        unit->rejected += lt_flow_rejected(&unit->flow);
        lt_flow_done(&unit->flow);
        unit->flow_started = false;
    }
}

int lt_unit_move(struct lt_unit_try *unit, size_t i, struct leat_error *err)
{
    int rc = ready_flow(unit, i, err);
    if (!rc) {
        rc = lt_flow_run(&unit->flow, err);
    }
    if (rc) {
        lt_unit_note_misfit(unit, i, err);
    }
    note_read(unit, i);
    for (size_t d = 0; d < unit->flow.n_dests; d++) {
        if (unit->flow.dests[d].part) {
            lt_unit_load_ops(&unit->dests[d])->part_close(unit->flow.dests[d].part);
            unit->flow.dests[d].part = NULL;
        }
    }
    for (size_t d = 0; !rc && d < unit->n_dests; d++) {
        rc = check_dest(unit, i, d, err);
    }
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "%s", lt_unit_job(unit, i)->label);
    }
    lt_unit_end_flow(unit);
    return rc;
}
