/* The reading side of a flow: one reader, or several that share a stream's partitions out.
 *
 * Partitions are many more than lanes, so that a lane that is through takes the next one that is
 * left, and none waits for the slowest. The first lane is the calling thread. Others are started at
 * once when --parallel was said; else one by one, each time that every destination has waited for
 * records: where writing is the slower side, a second reader would take the server's time for
 * nothing.
 *
 * A server may have no room for more connections: then those there are do the work, and that is
 * told. A partition whose lane got none is read by the calling thread in the end.
 *
 * Of a load that can be resumed (parts.h) the partitions are read one after the other. */
#include "core/codes.h"
#include "core/hasher.h"
#include "core/log.h"
#include "core/thread.h"
#include "core/util.h"
#include "engine/flow.h"
#include "engine/queue.h"

#include <stdatomic.h>
#include <stdlib.h>

#define PARTITIONS_PER_LANE 8
/* A destination waits for its first records in any case. */
#define WAITS_PER_LANE 4

struct partition {
    void *data;
    size_t len;
    bool left; /* its lane could not begin it */
};

struct lane {
    struct lt_flow *flow;
    pthread_t thread;
};

struct lt_lanes {
    struct partition *parts;
    size_t n_parts;
    _Atomic size_t next;   /* first partition that nobody took */
    struct lane *lanes;    /* beyond the first */
    int n_max, n;          /* so many may be started, and are */
    bool snapshot;         /* taken for this stream alone */
    bool refused;          /* under the mutex: a lane got no connection */
    pthread_mutex_t mutex; /* held around calls on the endpoint, which come from one at a time */
};

/* Another connection could not be had: that is told, and done without. */
static void do_without(struct lt_flow *flow, const char *what, struct leat_error *err)
{
    lt_log(LT_LOG_WARN, "%s: read by %s: %s", flow->job->label, what, err->message);
    *err = (struct leat_error){0};
}

void lt_flow_lanes_done(struct lt_flow *flow)
{
    struct lt_lanes *lanes = flow->lanes;
    if (!lanes) {
        return;
    }
    if (lanes->snapshot) {
        flow->source->connector->source->snapshot_release(flow->source->ep);
    }
    for (size_t i = 0; i < lanes->n_parts; i++) {
        free(lanes->parts[i].data);
    }
    free(lanes->parts);
    free(lanes->lanes);
    pthread_mutex_destroy(&lanes->mutex);
    free(lanes);
    flow->lanes = NULL;
}

static int keep_partition(void *arg, const void *data, size_t len, int64_t rows)
{
    struct lt_lanes *lanes = arg;
    (void)rows;
    if (!data) {
        return LEAT_OK; /* it cannot be split */
    }
    struct partition *more = realloc(lanes->parts, (lanes->n_parts + 1) * sizeof *more);
    void *copy = malloc(len);
    lanes->parts = more ? more : lanes->parts;
    if (!more || !copy) {
        free(copy);
        return LEAT_NO_MEMORY;
    }
    memcpy(copy, data, len);
    lanes->parts[lanes->n_parts++] = (struct partition){.data = copy, .len = len};
    return LEAT_OK;
}

static bool can_split(const struct lt_flow *flow)
{
    const struct lt_run *run = flow->run;
    const struct leat_source_ops *ops = flow->source->connector->source;
    return run->lanes_max > 1 && !flow->forward && flow->limit < 0 && ops->split &&
           ops->snapshot_take && ops->snapshot_release && !run->snapshot_own &&
           lt_cast_is_identity(flow->cast);
}

/* All lanes see the stream as of one moment: the run's snapshot, or one of its own. */
static int see_one_moment(struct lt_flow *flow, bool *ret_sees, struct leat_error *err)
{
    const struct leat_source_ops *ops = flow->source->connector->source;
    char token[sizeof flow->run->snapshot];
    *ret_sees = true;
    if (flow->run->snapshot[0]) {
        return LEAT_OK;
    }
    int rc = ops->snapshot_take(flow->source->ep, token, sizeof token, err);
    if (rc == LEAT_UNSUPPORTED || rc == LEAT_UNAVAILABLE) {
        do_without(flow, "one connection", err);
        *ret_sees = false;
        return LEAT_OK;
    }
    flow->lanes->snapshot = !rc;
    return rc;
}

/* Sets flow->lanes, with at most n partitions for so many lanes beyond the first. */
static int make_lanes(struct lt_flow *flow, int n, int n_max, struct leat_error *err)
{
    struct leat_read_plan plan;
    struct lt_lanes *lanes = calloc(1, sizeof *lanes);
    if (!lanes) {
        return lt_fail_oom(err);
    }
    flow->lanes = lanes;
    pthread_mutex_init(&lanes->mutex, NULL);
    lanes->n_max = n_max;
    lanes->lanes = calloc((size_t)n_max + 1, sizeof *lanes->lanes);
    lt_flow_read_plan(flow, &plan);
    plan.like = flow->reader;
    return !lanes->lanes ? lt_fail_oom(err)
                         : flow->source->connector->source->split(flow->source->ep, &plan, n,
                                                                  keep_partition, lanes, err);
}

int lt_flow_cut(struct lt_flow *flow, int n, struct lt_hasher *hasher, struct leat_error *err)
{
    const struct leat_source_ops *ops = flow->source->connector->source;
    /* A reader that inferred its types was told better by the destinations: others were not. */
    if (!ops->split || ops->retype || flow->limit >= 0) {
        return LEAT_OK;
    }
    int rc = make_lanes(flow, n, 0, err);
    struct lt_lanes *lanes = flow->lanes;
    if (!rc && lanes->n_parts > 1) { /* the others are as the first one is */
        lt_hasher_add(hasher, lanes->parts[0].data, lanes->parts[0].len);
    }
    if (rc || lanes->n_parts < 2) {
        lt_flow_lanes_done(flow);
    }
    return rc;
}

/* Sets flow->lanes where the stream is large enough to be split, and can be. */
static int split(struct lt_flow *flow, struct leat_error *err)
{
    if (!can_split(flow)) {
        return LEAT_OK;
    }
    int rc =
        make_lanes(flow, flow->run->lanes_max * PARTITIONS_PER_LANE, flow->run->lanes_max - 1, err);
    struct lt_lanes *lanes = flow->lanes;
    bool sees = false;
    if (rc == LEAT_UNAVAILABLE) {
        do_without(flow, "one connection", err);
        lt_flow_lanes_done(flow);
        return LEAT_OK;
    }
    if (!rc && lanes->n_parts > 1) {
        rc = see_one_moment(flow, &sees, err);
    }
    if (!rc && !sees) {
        lt_flow_lanes_done(flow);
    }
    return rc;
}

static void *read_lane(void *arg);

static bool all_wait(const struct lt_flow *flow)
{
    for (size_t d = 0; d < flow->n_dests; d++) {
        if (lt_queue_waits(flow->dests[d].queue) < WAITS_PER_LANE * (flow->lanes->n + 1)) {
            return false;
        }
    }
    return true;
}

/* Starts another lane where there is work for it. */
static void help_out(struct lt_flow *flow)
{
    struct lt_lanes *lanes = flow->lanes;
    if (!lanes || lanes->n >= lanes->n_max || atomic_load(&lanes->next) >= lanes->n_parts ||
        !(flow->run->parallel_said || all_wait(flow))) {
        return;
    }
    pthread_mutex_lock(&lanes->mutex);
    bool refused = lanes->refused;
    pthread_mutex_unlock(&lanes->mutex);
    if (refused) {
        return;
    }
    struct lane *lane = &lanes->lanes[lanes->n];
    lane->flow = flow;
    if (lt_thread_start(&lane->thread, read_lane, lane, NULL)) {
        lanes->n_max = lanes->n; /* the lanes there are will do */
    } else {
        lanes->n++;
        lt_log(LT_LOG_INFO, "%s: read by %d connections", flow->job->label, lanes->n + 1);
    }
}

/* One reader's records, from where it is to its end. Sets *ret_began, if given, once there is one.
 */
static int read_to_end(struct lt_flow *flow, struct leat_reader *reader, size_t partition,
                       bool first, bool *ret_began, struct leat_error *err)
{
    for (;;) {
        struct leat_payload payload;
        int rc = lt_flow_next(flow, reader, &payload, err);
        if (rc || payload.kind == LEAT_PAYLOAD_NONE) {
            return rc;
        }
        if (ret_began) {
            *ret_began = true;
        }
        if (flow->parts) {
            lt_parts_mark(&payload, partition);
        }
        rc = lt_flow_distribute(flow, &payload, err);
        leat_x_payload_release(&payload);
        if (rc) {
            return rc;
        }
        if (first) {
            help_out(flow);
        }
    }
}

/* A lane whose reader cannot begin leaves the partition to others. */
static void leave_partition(struct lt_flow *flow, size_t i, bool first, struct leat_error *err)
{
    struct lt_lanes *lanes = flow->lanes;
    pthread_mutex_lock(&lanes->mutex);
    bool told = lanes->refused;
    lanes->refused = lanes->parts[i].left = true;
    pthread_mutex_unlock(&lanes->mutex);
    if (!told && !(first && !lanes->n)) { /* alone, read_first() tells it */
        do_without(flow, "fewer connections", err);
    }
}

/* Sets *ret_left, if given, where no reader could begin; then *err says why. */
static int read_partition(struct lt_flow *flow, size_t i, bool first, bool *ret_left,
                          struct leat_error *err)
{
    bool began = false;
    const struct partition *part = &flow->lanes->parts[i];
    const struct leat_source_ops *ops = flow->source->connector->source;
    struct leat_reader *reader = NULL;
    struct leat_read_plan plan;
    pthread_mutex_lock(&flow->lanes->mutex);
    lt_flow_read_plan(flow, &plan);
    plan.like = flow->reader;
    plan.partition = part->data;
    plan.partition_len = part->len;
    int rc = ops->start(flow->source->ep, &plan, &reader, err);
    pthread_mutex_unlock(&flow->lanes->mutex);
    rc = rc ? rc : read_to_end(flow, reader, i, first, &began, err);
    pthread_mutex_lock(&flow->lanes->mutex);
    ops->finish(reader);
    pthread_mutex_unlock(&flow->lanes->mutex);
    if (rc == LEAT_UNAVAILABLE && ret_left && !began) {
        leave_partition(flow, i, first, err);
        *ret_left = true;
        return LEAT_OK;
    }
    return rc;
}

static int read_partitions(struct lt_flow *flow, bool first, bool *ret_left, struct leat_error *err)
{
    struct lt_lanes *lanes = flow->lanes;
    int rc = LEAT_OK;
    while (!rc && !(ret_left && *ret_left)) {
        size_t i = atomic_fetch_add(&lanes->next, 1);
        if (i >= lanes->n_parts) {
            break;
        }
        rc = read_partition(flow, i, first, ret_left, err);
    }
    return rc;
}

/* What lanes left, when they have ended. */
static int read_left(struct lt_flow *flow, struct leat_error *err)
{
    struct lt_lanes *lanes = flow->lanes;
    int rc = LEAT_OK;
    if (!lanes || !lanes->refused) {
        return LEAT_OK;
    }
    for (size_t i = 0; !rc && i < lanes->n_parts; i++) {
        rc = lanes->parts[i].left ? read_partition(flow, i, false, NULL, err) : LEAT_OK;
    }
    return rc ? rc : read_partitions(flow, false, NULL, err);
}

/* The first lane. Where the stream's own snapshot took the only connection that was to be had, it
 * is let go, and the reader there is reads all. */
static int read_first(struct lt_flow *flow, struct leat_error *err)
{
    bool left = false;
    int rc = LEAT_OK;
    if (flow->lanes) {
        rc = read_partitions(flow, true, flow->parts ? NULL : &left, err);
    }
    if (left && !flow->lanes->n && flow->lanes->snapshot && atomic_load(&flow->lanes->next) == 1) {
        do_without(flow, "one connection", err);
        lt_flow_lanes_done(flow);
        flow->source->stale = false; /* nothing of it failed but to have one more */
    }
    return flow->lanes ? rc : read_to_end(flow, flow->reader, 0, true, NULL, err);
}

static void fail_reading(struct lt_flow *flow, struct leat_error *err)
{
    if (!err->place[0]) {
        leat_error_place(err, "%s", flow->job->label);
    }
    lt_flow_fail(flow, err);
    struct lt_side *source = flow->source;
    if (flow->lanes && flow->lanes->n && source->connector->cancel) {
        /* Another lane may be waiting for a server. */
        source->stale = true;
        source->connector->cancel(source->ep);
    }
}

static void *read_lane(void *arg)
{
    struct lane *lane = arg;
    struct leat_error err = {0};
    bool left = false;
    if (read_partitions(lane->flow, false, &left, &err)) {
        fail_reading(lane->flow, &err);
    }
    return NULL;
}

static bool has_failed(struct lt_flow *flow)
{
    pthread_mutex_lock(&flow->mutex);
    bool failed = flow->failed;
    pthread_mutex_unlock(&flow->mutex);
    return failed;
}

void lt_flow_read(struct lt_flow *flow)
{
    struct leat_error err = {0};
    int rc = flow->parts ? LEAT_OK : split(flow, &err);
    if (flow->parts && flow->lanes) {
        atomic_store(&flow->lanes->next, flow->parts->first);
    }
    bool all_there = flow->parts && !flow->lanes && flow->parts->first > 0;
    if (!rc && !all_there) {
        rc = read_first(flow, &err);
    }
    if (rc) {
        fail_reading(flow, &err);
    }
    for (int i = 0; flow->lanes && i < flow->lanes->n; i++) {
        pthread_join(flow->lanes->lanes[i].thread, NULL);
    }
    bool failed = has_failed(flow), refused = flow->lanes && flow->lanes->refused;
    if (!failed && read_left(flow, &err)) {
        fail_reading(flow, &err);
        failed = true;
    }
    if (!failed && refused) {
        flow->source->stale = false; /* what was refused was read after all */
    }
    for (size_t d = 0; !failed && d < flow->n_dests; d++) {
        lt_queue_end(flow->dests[d].queue);
    }
}
