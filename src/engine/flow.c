#include "engine/flow.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/queue.h"

#include <stdatomic.h>
#include <stdlib.h>

void lt_flow_read_plan(struct lt_flow *flow, struct leat_read_plan *ret_plan)
{
    lt_run_read_plan(flow->run, flow->source, flow->job, ret_plan);
    ret_plan->rejects = flow->run->rejects ? &flow->read_rejects.sink : NULL;
    ret_plan->losses = lt_losses_sink(&flow->read_losses);
}

int lt_flow_start(struct lt_run *run, struct lt_job *job, struct lt_side *source, int attempt,
                  struct lt_flow *ret_flow, struct leat_error *err)
{
    struct lt_flow *flow = ret_flow;
    memset(flow, 0, sizeof *flow);
    flow->run = run;
    flow->job = job;
    flow->source = source;
    flow->attempt = attempt;
    pthread_mutex_init(&flow->mutex, NULL);
    lt_flow_losses_init(flow);
    if (run->rejects) {
        lt_rejects_stream(run->rejects, job->label, attempt, &flow->rejects);
        lt_rejects_stream(run->rejects, job->label, attempt, &flow->read_rejects);
        flow->read_rejects.instead =
            run->on_loss == LT_LOSS_TEXT ? lt_losses_sink(&flow->read_losses) : NULL;
    }
    struct leat_read_plan plan;
    lt_flow_read_plan(flow, &plan);
    flow->limit = plan.limit;
    flow->reader = attempt == 1 ? lt_run_take_ahead(run) : NULL;
    int rc = flow->reader ? LEAT_OK
                          : source->connector->source->start(source->ep, &plan, &flow->reader, err);
    if (!rc) {
        rc = source->connector->source->schema(flow->reader, &flow->source_schema, err);
    }
    source->stale = rc != LEAT_OK;
    if (lt_side_can(source, LEAT_IS_TERMINAL)) {
        run->input_spent = true;
    }
    if (!rc) {
        /* Changes have been through the transform already. */
        static const struct lt_column_wishes none = {.columns = NULL};
        bool changes = job->slice && job->slice->op;
        rc = lt_transform_new(changes ? &none : &run->wishes, changes ? NULL : &job->typing,
                              &flow->source_schema, &flow->schema, &flow->cast, err);
    }
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "%s", job->label);
    }
    return rc;
}

void lt_flow_explain(const struct lt_flow *flow, char *ret_text, size_t size)
{
    const struct leat_source_ops *ops = flow->source->connector->source;
    *ret_text = 0;
    if (!ops->explain || ops->explain(flow->reader, ret_text, size, NULL)) {
        *ret_text = 0;
    }
}

int lt_cast_by_name(const struct ArrowSchema *from, const struct ArrowSchema *to,
                    struct lt_cast **ret_cast, struct leat_error *err)
{
    int64_t *map = calloc((size_t)to->n_children + 1, sizeof *map);
    int rc = map ? LEAT_OK : lt_fail_oom(err);
    for (int64_t i = 0; !rc && i < to->n_children; i++) {
        map[i] = lt_schema_find(from, to->children[i]->name);
        if (map[i] < 0) {
            rc = lt_fail(err, LT_E_COLUMN_MISMATCH, "column \"%s\" comes from nowhere",
                         to->children[i]->name);
        }
    }
    if (!rc) {
        rc = lt_cast_new(from, to, map, ret_cast, err);
    }
    free(map);
    return rc;
}

int lt_flow_dest_init(struct lt_flow *flow, struct lt_flow_dest *dest,
                      const struct ArrowSchema *taken, struct leat_error *err)
{
    dest->flow = flow;
    if (flow->run->rejects) {
        lt_rejects_stream(flow->run->rejects, flow->job->label, flow->attempt, &dest->rejects);
    }
    lt_flow_dest_losses_init(dest);
    int rc = lt_schema_copy(taken, &dest->schema, err);
    if (!rc) {
        rc = lt_cast_by_name(&flow->schema, taken, &dest->cast, err);
    }
    if (!rc && flow->run->verify) {
        dest->sums = calloc((size_t)taken->n_children + 1, sizeof *dest->sums);
        rc = dest->sums ? LEAT_OK : lt_fail_oom(err);
    }
    return rc;
}

/* Why records of two ends that speak the same wire format are looked at on the way; NULL: they are
 * not. */
static const char *reason_to_look(const struct lt_flow *flow)
{
    bool limits = flow->limit >= 0 && !lt_side_can(flow->source, LEAT_CAN_LIMIT);
    return flow->n_dests > 1                  ? "there are several destinations"
           : flow->parts                      ? "the load is made of parts that can be resumed"
           : flow->run->rejects               ? "faulty records are set aside"
           : flow->run->verify                ? "--verify looks at every value"
           : limits                           ? "--limit counts them"
           : !lt_cast_is_identity(flow->cast) ? "columns are chosen, renamed or cast"
           : !lt_cast_is_identity(flow->dests[0].cast)
               ? "the destination has other types, or columns in another order"
               : NULL;
}

/* Bytes are handed on when both ends speak the same wire format, the destination takes this
 * stream's, and nothing is to be done to the records on the way, looking at them included. */
static bool can_forward(const struct lt_flow *flow, const struct leat_load_stream *to)
{
    if (!lt_sides_share_bytes(flow->source, flow->dests[0].side)) {
        return false;
    }
    const char *why = reason_to_look(flow);
    if (why) {
        lt_log(LT_LOG_INFO, "%s: goes by columns, not as bytes: %s", flow->job->label, why);
    }
    return !why && (to->payloads & LEAT_PAYLOAD_BYTES);
}

int lt_flow_choose(struct lt_flow *flow, const struct leat_load_stream *to, struct leat_error *err)
{
    if (!can_forward(flow, to)) {
        return LEAT_OK;
    }
    int rc = flow->source->connector->source->choose(flow->reader, LEAT_PAYLOAD_BYTES, err);
    flow->forward = !rc;
    if (rc == LEAT_UNSUPPORTED && err) {
        lt_log(LT_LOG_INFO, "%s: goes by columns, not as bytes: %s", flow->job->label,
               err->message);
        *err = (struct leat_error){0};
    }
    return rc == LEAT_UNSUPPORTED ? LEAT_OK : rc;
}

int64_t lt_flow_rejected(const struct lt_flow *flow)
{
    int64_t n = atomic_load(&flow->read_rejects.count) + atomic_load(&flow->rejects.count);
    for (size_t d = 0; d < flow->n_dests; d++) {
        n += atomic_load(&flow->dests[d].rejects.count);
    }
    return n;
}

void lt_flow_done(struct lt_flow *flow)
{
    for (size_t d = 0; d < flow->n_dests; d++) {
        struct lt_flow_dest *dest = &flow->dests[d];
        if (dest->part) {
            dest->side->connector->load->part_close(dest->part);
        }
        lt_queue_free(dest->queue);
        lt_cast_free(dest->cast);
        lt_schema_done(&dest->schema);
        lt_buf_done(&dest->cast_rejects.drop);
        lt_losses_done(&dest->losses);
        lt_losses_done(&dest->part_losses);
        free(dest->sums);
    }
    free(flow->dests);
    lt_flow_lanes_done(flow);
    if (flow->reader) {
        flow->source->connector->source->finish(flow->reader);
    }
    lt_cast_free(flow->cast);
    lt_schema_done(&flow->source_schema);
    lt_schema_done(&flow->schema);
    lt_buf_done(&flow->cast_rejects.drop);
    if (flow->run) {
        lt_losses_done(&flow->read_losses);
        lt_losses_done(&flow->losses);
        pthread_mutex_destroy(&flow->mutex);
    }
    memset(flow, 0, sizeof *flow);
}

int lt_flow_check_batch(const struct lt_side *source, const struct leat_payload *payload,
                        int64_t columns, struct leat_error *err)
{
    const char *name = source->connector->name;
    if (payload->kind != LEAT_PAYLOAD_BATCH || !payload->batch.release) {
        return lt_fail(err, LT_E_INTERNAL, "%s gave something else than a batch", name);
    }
    if (payload->rows != payload->batch.length || payload->batch.n_children != columns) {
        return lt_fail(err, LT_E_INTERNAL,
                       "%s gave a batch of %lld rows and %lld columns that it says has %lld and "
                       "%lld",
                       name, (long long)payload->batch.length, (long long)payload->batch.n_children,
                       (long long)payload->rows, (long long)columns);
    }
    return LEAT_OK;
}

static int check_payload(const struct lt_flow *flow, const struct leat_payload *payload,
                         struct leat_error *err)
{
    if (!flow->forward) {
        return lt_flow_check_batch(flow->source, payload, flow->source_schema.n_children, err);
    }
    return payload->kind == LEAT_PAYLOAD_BYTES && payload->bytes
               ? LEAT_OK
               : lt_fail(err, LT_E_INTERNAL, "%s gave something else than bytes",
                         flow->source->connector->name);
}

int lt_flow_next(struct lt_flow *flow, struct leat_reader *reader, struct leat_payload *ret_payload,
                 struct leat_error *err)
{
    memset(ret_payload, 0, sizeof *ret_payload);
    ret_payload->size = sizeof *ret_payload;
    if (flow->limit >= 0 && atomic_load(&flow->rows_read) >= flow->limit) {
        return LEAT_OK;
    }
    if (atomic_load_explicit(&flow->run->leat->cancelled, memory_order_relaxed)) {
        return lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
    }
    int rc = flow->source->connector->source->next(reader, ret_payload, err);
    if (rc) {
        /* Nobody knows in what state a failed read leaves its endpoint. */
        flow->source->stale = true;
        return rc;
    }
    if (ret_payload->kind == LEAT_PAYLOAD_NONE) {
        return LEAT_OK;
    }
    rc = check_payload(flow, ret_payload, err);
    if (!rc && flow->forward) {
        atomic_fetch_add(&flow->rows_read, ret_payload->rows);
        return LEAT_OK;
    }
    int64_t left = flow->limit - atomic_load(&flow->rows_read);
    if (!rc && flow->limit >= 0 && ret_payload->rows > left) {
        ret_payload->rows = left;
        rc = lt_array_slice(&ret_payload->batch, 0, ret_payload->rows, err);
    }
    if (!rc) {
        atomic_fetch_add(&flow->rows_read, ret_payload->rows);
        const struct lt_casting casting = {flow,          flow->cast,          &flow->source_schema,
                                           &flow->schema, &flow->cast_rejects, &flow->rejects};
        rc = lt_flow_cast(&casting, ret_payload, err);
    }
    if (rc) {
        leat_x_payload_release(ret_payload);
    }
    return rc;
}
