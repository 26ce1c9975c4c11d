/* A flow at work: the queues and parts of its destinations, a thread each. */
#include "core/codes.h"
#include "core/thread.h"
#include "core/util.h"
#include "engine/flow.h"
#include "engine/queue.h"

#include <stdatomic.h>

void lt_flow_fail(struct lt_flow *flow, const struct leat_error *error)
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

/* Another holder of a payload's batch. */
static int share(struct leat_payload *payload, struct leat_payload *ret_one, struct leat_error *err)
{
    *ret_one = *payload;
    memset(&ret_one->batch, 0, sizeof ret_one->batch);
    return lt_array_hold(&payload->batch, &ret_one->batch, err);
}

static int write_payload(struct lt_flow_dest *dest, struct leat_payload *payload,
                         struct leat_error *err)
{
    const struct lt_casting casting = {dest->flow,    dest->cast,          &dest->flow->schema,
                                       &dest->schema, &dest->cast_rejects, &dest->rejects};
    bool in_parts = dest->flow->parts != NULL;
    int rc = in_parts && !dest->sums ? lt_parts_skip(dest, payload, err) : LEAT_OK;
    rc = rc || dest->flow->forward ? rc : lt_flow_cast(&casting, payload, err);
    if (!rc && dest->sums) {
        rc = lt_checksum_add(&dest->schema, &payload->batch, dest->sums, err);
    }
    if (!rc && in_parts && dest->sums) {
        rc = lt_parts_skip(dest, payload, err);
    }
    if (!rc && in_parts && payload->rows > 0) {
        rc = lt_parts_write(dest, payload, err);
    } else if (!rc && payload->rows > 0) {
        dest->rows_in += payload->rows;
        rc = dest->side->connector->load->part_write(dest->part, payload, err);
    }
    return rc;
}

int lt_flow_distribute(struct lt_flow *flow, struct leat_payload *payload, struct leat_error *err)
{
    int64_t bytes = flow->forward ? (int64_t)payload->bytes_len
                                  : lt_array_bytes(&flow->schema, &payload->batch);
    bytes = LT_MAX(bytes, 1);
    atomic_fetch_add(&flow->bytes_read, bytes);
    atomic_fetch_add_explicit(&flow->run->rows, payload->rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&flow->run->bytes, bytes, memory_order_relaxed);
    if (flow->forward) {
        /* Nothing is done to bytes on the way that a thread of its own could do: handing them over
         * would only move them to another core's cache. Both servers work meanwhile. */
        return write_payload(&flow->dests[0], payload, err);
    }
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

static int seal(struct lt_flow_dest *dest, struct leat_error *err)
{
    dest->receipt.size = sizeof dest->receipt;
    if (dest->flow->parts) {
        return lt_parts_end(dest, err);
    }
    return dest->side->connector->load->part_seal(dest->part, &dest->receipt, err);
}

static void fail_writing(struct lt_flow_dest *dest, struct leat_error *err)
{
    if (!err->place[0]) {
        leat_error_place(err, "%s", dest->flow->job->label);
    }
    lt_flow_fail(dest->flow, err);
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
    rc = rc ? rc : seal(dest, &err);
    if (rc) {
        fail_writing(dest, &err);
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
            .losses = lt_losses_sink(&dest->part_losses),
            .threads = flow->run->lanes_max};
        rc = lt_queue_new(flow->run->queue_bytes_max, &dest->queue, err);
        if (!rc && !flow->parts) {
            rc = dest->side->connector->load->part_open(dest->load, &plan, &dest->part, err);
        }
    }
    return rc;
}

int lt_flow_run(struct lt_flow *flow, struct leat_error *err)
{
    int rc = open_parts(flow, err);
    for (size_t d = 0; !rc && !flow->forward && d < flow->n_dests; d++) {
        struct lt_flow_dest *dest = &flow->dests[d];
        rc = lt_thread_start(&dest->thread, write_all, dest, err);
        dest->running = !rc;
    }
    if (rc) {
        struct leat_error stop = {0};
        lt_fail(&stop, LT_E_CANCELLED, "could not start");
        lt_flow_fail(flow, &stop);
    } else {
        lt_flow_read(flow);
    }
    if (!rc && flow->forward && !flow->failed) {
        struct leat_error why = {0};
        if (seal(&flow->dests[0], &why)) {
            fail_writing(&flow->dests[0], &why);
        }
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
            lt_loss_remedy(err, &flow->run->wishes, lt_flow_takes_text(flow, err));
        }
    }
    return rc;
}
