#include "engine/flow.h"

#include "columnar/text.h"
#include "core/codes.h"
#include "core/thread.h"
#include "core/util.h"
#include "engine/queue.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

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
    struct leat_read_plan plan;
    lt_run_read_plan(run, source, job, &plan);
    flow->limit = plan.limit;
    if (run->rejects) {
        lt_rejects_stream(run->rejects, job->label, attempt, &flow->rejects);
        lt_rejects_stream(run->rejects, job->label, attempt, &flow->read_rejects);
        flow->read_rejects.instead =
            run->on_loss == LT_LOSS_TEXT ? lt_losses_sink(&flow->read_losses) : NULL;
        plan.rejects = &flow->read_rejects.sink;
    }
    plan.losses = lt_losses_sink(&flow->read_losses);
    int rc = source->connector->source->start(source->ep, &plan, &flow->reader, err);
    if (!rc) {
        rc = source->connector->source->schema(flow->reader, &flow->source_schema, err);
    }
    source->stale = rc != LEAT_OK;
    if (lt_side_can(source, LEAT_IS_TERMINAL)) {
        run->input_spent = true;
    }
    if (!rc) {
        rc = lt_transform_new(&run->wishes, &job->typing, &flow->source_schema, &flow->schema,
                              &flow->cast, err);
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

/* Bytes are handed on when both ends speak the same wire format, the destination takes this
 * stream's, and nothing is to be done to the records on the way, looking at them included. */
static bool can_forward(const struct lt_flow *flow, const struct leat_load_stream *to)
{
    const struct lt_side *source = flow->source;
    return flow->n_dests == 1 && (to->payloads & LEAT_PAYLOAD_BYTES) &&
           lt_sides_share_bytes(source, flow->dests[0].side) && !flow->run->rejects &&
           !flow->run->verify && (flow->limit < 0 || lt_side_can(source, LEAT_CAN_LIMIT)) &&
           lt_cast_is_identity(flow->cast) && lt_cast_is_identity(flow->dests[0].cast);
}

int lt_flow_choose(struct lt_flow *flow, const struct leat_load_stream *to, struct leat_error *err)
{
    if (!can_forward(flow, to)) {
        return LEAT_OK;
    }
    int rc = flow->source->connector->source->choose(flow->reader, LEAT_PAYLOAD_BYTES, err);
    flow->forward = !rc;
    if (rc == LEAT_UNSUPPORTED && err) {
        *err = (struct leat_error){0}; /* batches, then */
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

/* Keeps the first fault and ends every thread of the flow. */
static void fail(struct lt_flow *flow, const struct leat_error *error)
{
    pthread_mutex_lock(&flow->mutex);
    bool first = !flow->failed;
    if (first) {
        flow->failed = true;
        flow->error = *error;
    }
    pthread_mutex_unlock(&flow->mutex);
    for (size_t d = 0; d < flow->n_dests; d++) {
        if (flow->dests[d].queue) {
            lt_queue_close(flow->dests[d].queue);
        }
    }
}

/* One refused record as JSON for the rejects file. */
static int record_json(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                       int64_t row, struct lt_buf *out)
{
    struct lt_view view;
    if (lt_view_init(&view, schema, batch, NULL)) {
        return LEAT_NO_MEMORY;
    }
    int rc = lt_text_format_json(&view, row, out);
    lt_view_done(&view);
    return rc;
}

/* A cast of the flow, and what it needs to refuse records. */
struct casting {
    struct lt_flow *flow;
    struct lt_cast *cast;
    const struct ArrowSchema *from, *to;
    struct lt_cast_rejects *rejects;
    const struct lt_stream_rejects *sink;
};

/* Tells the sink of the marked rows, as they were before the cast. */
static int tell_rejects(const struct casting *c, int64_t row_first, const struct ArrowArray *before,
                        struct leat_error *err)
{
    const struct lt_cast_rejects *rejects = c->rejects;
    struct lt_buf record = LT_BUF_INIT;
    char place[128];
    int rc = LEAT_OK;
    for (int64_t row = 0; !rc && row < before->length; row++) {
        if (!(rejects->drop.data[row >> 3] >> (row & 7) & 1)) {
            continue;
        }
        snprintf(place, sizeof place, "%.80s: row %lld", c->flow->job->label,
                 (long long)(row_first + row));
        lt_buf_clear(&record);
        rc = record_json(c->from, before, row, &record);
        if (rc) {
            rc = lt_fail_oom(err);
            break;
        }
        const struct leat_reject reject = {
            .size = sizeof reject,
            .place = place,
            .code = rejects->first.code[0] ? rejects->first.code : "value-range",
            .reason = row == rejects->first_row ? rejects->first.message
                                                : "a value does not fit its column's type",
            .record = lt_buf_text(&record),
            .record_len = record.len};
        rc = c->sink->sink.reject(c->sink->sink.arg, &reject, err);
    }
    lt_buf_done(&record);
    return rc;
}

/* The cast with rejects: refused rows leave the batch. A cast gives nulls for what it refuses, so
 * the batch as it was is held for the rejects file. */
static int cast_and_drop(const struct casting *c, struct leat_payload *payload,
                         struct ArrowArray *ret_out, struct leat_error *err)
{
    struct ArrowArray before = {0}, out = {0}, kept = {0};
    lt_buf_clear(&c->rejects->drop);
    c->rejects->rows = 0;
    int rc = lt_array_share(&payload->batch, err);
    if (!rc) {
        rc = lt_array_hold(&payload->batch, &before, err);
    }
    if (!rc) {
        rc = lt_cast_run(c->cast, &payload->batch, payload->row_first, &out, c->rejects, err);
    }
    if (!rc && c->rejects->rows) {
        rc = tell_rejects(c, payload->row_first, &before, err);
        if (!rc) {
            rc = lt_array_filter(c->to, &out, c->rejects->drop.data, &kept, err);
        }
        if (!rc) {
            lt_array_done(&out);
            lt_array_move(&kept, &out);
        }
    }
    lt_array_done(&before);
    if (rc) {
        lt_array_done(&out);
        return rc;
    }
    lt_array_move(&out, ret_out);
    return LEAT_OK;
}

static int cast_batch(const struct casting *c, struct leat_payload *payload, struct leat_error *err)
{
    struct ArrowArray out = {0};
    if (lt_cast_is_identity(c->cast)) {
        return LEAT_OK;
    }
    int rc;
    if (c->flow->run->rejects) {
        rc = cast_and_drop(c, payload, &out, err);
    } else {
        rc = lt_cast_run(c->cast, &payload->batch, payload->row_first, &out, NULL, err);
        if (rc) {
            leat_error_place(err, "%s", c->flow->job->label); /* it says row and column */
        }
    }
    if (rc) {
        return rc;
    }
    lt_array_move(&out, &payload->batch);
    payload->rows = payload->batch.length;
    return LEAT_OK;
}

/* What a connector gave must be what it says it is: everything after it counts on that. */
static int check_payload(const struct lt_flow *flow, const struct leat_payload *payload,
                         struct leat_error *err)
{
    const char *name = flow->source->connector->name;
    if (flow->forward) {
        return payload->kind == LEAT_PAYLOAD_BYTES && payload->bytes
                   ? LEAT_OK
                   : lt_fail(err, LT_E_INTERNAL, "%s gave something else than bytes", name);
    }
    if (payload->kind != LEAT_PAYLOAD_BATCH || !payload->batch.release) {
        return lt_fail(err, LT_E_INTERNAL, "%s gave something else than a batch", name);
    }
    if (payload->rows != payload->batch.length ||
        payload->batch.n_children != flow->source_schema.n_children) {
        return lt_fail(err, LT_E_INTERNAL,
                       "%s gave a batch of %lld rows and %lld columns that it says has %lld and "
                       "%lld",
                       name, (long long)payload->batch.length, (long long)payload->batch.n_children,
                       (long long)payload->rows, (long long)flow->source_schema.n_children);
    }
    return LEAT_OK;
}

int lt_flow_next(struct lt_flow *flow, struct leat_payload *ret_payload, struct leat_error *err)
{
    memset(ret_payload, 0, sizeof *ret_payload);
    ret_payload->size = sizeof *ret_payload;
    if (flow->limit >= 0 && flow->rows_read >= flow->limit) {
        return LEAT_OK;
    }
    if (atomic_load_explicit(&flow->run->leat->cancelled, memory_order_relaxed)) {
        return lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
    }
    int rc = flow->source->connector->source->next(flow->reader, ret_payload, err);
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
        flow->rows_read += ret_payload->rows;
        return LEAT_OK;
    }
    if (!rc && flow->limit >= 0 && ret_payload->rows > flow->limit - flow->rows_read) {
        ret_payload->rows = flow->limit - flow->rows_read;
        rc = lt_array_slice(&ret_payload->batch, 0, ret_payload->rows, err);
    }
    if (!rc) {
        flow->rows_read += ret_payload->rows;
        const struct casting casting = {flow,          flow->cast,          &flow->source_schema,
                                        &flow->schema, &flow->cast_rejects, &flow->rejects};
        rc = cast_batch(&casting, ret_payload, err);
    }
    if (rc) {
        leat_x_payload_release(ret_payload);
    }
    return rc;
}

/* Another holder of a payload's batch. */
static int share(struct leat_payload *payload, struct leat_payload *ret_one, struct leat_error *err)
{
    *ret_one = *payload;
    memset(&ret_one->batch, 0, sizeof ret_one->batch);
    return lt_array_hold(&payload->batch, &ret_one->batch, err);
}

/* Gives one payload to every queue: shared, not copied, where there are several. */
static int distribute(struct lt_flow *flow, struct leat_payload *payload, struct leat_error *err)
{
    int64_t bytes = flow->forward ? (int64_t)payload->bytes_len
                                  : lt_array_bytes(&flow->schema, &payload->batch);
    bytes = LT_MAX(bytes, 1);
    flow->bytes_read += bytes;
    atomic_fetch_add_explicit(&flow->run->rows, payload->rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&flow->run->bytes, bytes, memory_order_relaxed);
    int rc = flow->n_dests > 1 ? lt_array_share(&payload->batch, err) : LEAT_OK;
    for (size_t d = 0; !rc && d < flow->n_dests; d++) {
        struct leat_payload one = {.size = sizeof one};
        if (d + 1 == flow->n_dests) {
            one = *payload;
            *payload = (struct leat_payload){.size = sizeof *payload};
        } else {
            rc = share(payload, &one, err);
        }
        rc = rc ? rc : lt_queue_push(flow->dests[d].queue, &one, bytes);
        if (rc == LEAT_NO_MEMORY) {
            lt_fail_oom(err);
        } else if (rc) {
            lt_fail(err, LT_E_CANCELLED, "stopped by another fault");
        }
        leat_x_payload_release(&one); /* what the queue did not take */
    }
    return rc;
}

/* The reading side, on the calling thread. */
static void read_all(struct lt_flow *flow)
{
    struct leat_error err = {0};
    int rc;
    for (;;) {
        struct leat_payload payload;
        rc = lt_flow_next(flow, &payload, &err);
        if (rc || payload.kind == LEAT_PAYLOAD_NONE) {
            break;
        }
        rc = distribute(flow, &payload, &err);
        leat_x_payload_release(&payload);
        if (rc) {
            break;
        }
    }
    if (rc) {
        if (!err.place[0]) {
            leat_error_place(&err, "%s", flow->job->label);
        }
        fail(flow, &err);
        return;
    }
    for (size_t d = 0; d < flow->n_dests; d++) {
        lt_queue_end(flow->dests[d].queue);
    }
}

static int write_payload(struct lt_flow_dest *dest, struct leat_payload *payload,
                         struct leat_error *err)
{
    const struct casting casting = {dest->flow,    dest->cast,          &dest->flow->schema,
                                    &dest->schema, &dest->cast_rejects, &dest->rejects};
    int rc = dest->flow->forward ? LEAT_OK : cast_batch(&casting, payload, err);
    if (!rc && dest->sums) {
        rc = lt_checksum_add(&dest->schema, &payload->batch, dest->sums, err);
    }
    if (!rc && payload->rows > 0) {
        dest->rows_in += payload->rows;
        rc = dest->side->connector->load->part_write(dest->part, payload, err);
    }
    return rc;
}

/* One destination's side, on its own thread. */
static void *write_all(void *arg)
{
    struct lt_flow_dest *dest = arg;
    struct leat_error err = {0};
    int rc = LEAT_OK;
    for (;;) {
        struct leat_payload payload;
        if (lt_queue_pop(dest->queue, &payload)) {
            return NULL; /* closed: somebody else failed and said so */
        }
        if (payload.kind == LEAT_PAYLOAD_NONE) {
            break;
        }
        rc = write_payload(dest, &payload, &err);
        leat_x_payload_release(&payload);
        if (rc) {
            break;
        }
    }
    if (!rc) {
        dest->receipt.size = sizeof dest->receipt;
        rc = dest->side->connector->load->part_seal(dest->part, &dest->receipt, &err);
    }
    if (rc) {
        if (!err.place[0]) {
            leat_error_place(&err, "%s", dest->flow->job->label);
        }
        fail(dest->flow, &err);
        /* The reader may be waiting for a server: nothing it brings is wanted any more. */
        struct lt_side *source = dest->flow->source;
        source->stale = true;
        if (source->connector->cancel) {
            source->connector->cancel(source->ep);
        }
    }
    return NULL;
}

static int open_parts(struct lt_flow *flow, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t d = 0; !rc && d < flow->n_dests; d++) {
        struct lt_flow_dest *dest = &flow->dests[d];
        const struct leat_part_plan plan = {
            .size = sizeof plan,
            .id = {dest->stream, 0, 0},
            .payload = flow->forward ? LEAT_PAYLOAD_BYTES : LEAT_PAYLOAD_BATCH,
            .rejects = flow->run->rejects ? &dest->rejects.sink : NULL,
            .losses = lt_losses_sink(&dest->part_losses)};
        rc = lt_queue_new(flow->run->queue_bytes_max, &dest->queue, err);
        if (!rc) {
            rc = dest->side->connector->load->part_open(dest->load, &plan, &dest->part, err);
        }
    }
    return rc;
}

int lt_flow_run(struct lt_flow *flow, struct leat_error *err)
{
    int rc = open_parts(flow, err);
    for (size_t d = 0; !rc && d < flow->n_dests; d++) {
        struct lt_flow_dest *dest = &flow->dests[d];
        rc = lt_thread_start(&dest->thread, write_all, dest, err);
        dest->running = !rc;
    }
    if (rc) {
        struct leat_error stop = {0};
        lt_fail(&stop, LT_E_CANCELLED, "could not start");
        fail(flow, &stop);
    } else {
        read_all(flow);
    }
    for (size_t d = 0; d < flow->n_dests; d++) {
        if (flow->dests[d].running) {
            pthread_join(flow->dests[d].thread, NULL);
            flow->dests[d].running = false;
        }
    }
    if (!rc && flow->failed) {
        rc = flow->error.status;
        if (err) {
            *err = flow->error;
            lt_loss_remedy(err, &flow->run->wishes);
        }
    }
    return rc;
}
