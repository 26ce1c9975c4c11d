/* ChannelBridge: what a step of another group gives, each time that group runs.
 *
 * Producers push batches into a queue of one; the bridge takes them out, so neither is far ahead of
 * the other. It ends when no group is left that could feed it. The first producer says what the
 * records are; a later one's are cast to that. */
#include "pipe/halfpipe/types.h"

#include "columnar/cast.h"

#include <stdlib.h>
#include <time.h>

struct hp_bridge {
    struct hp_run *run;
    const struct hp_group *group; /* of the producer */
    const char *step;
    const struct hp_def *def; /* of the bridge */
    pthread_mutex_t mutex;    /* guards all below */
    pthread_cond_t changed;
    struct ArrowSchema schema;
    struct ArrowArray batch; /* released: the queue is empty */
    bool over;
};

int hp_bridges_make(struct hp_run *run, struct leat_error *err)
{
    const struct lt_halfpipe *pipe = run->pipe;
    size_t n = 0;
    for (size_t i = 0; i < pipe->n_groups; i++) {
        for (size_t k = 0; k < pipe->groups[i].n; k++) {
            n += pipe->groups[i].defs[k].bridged >= 0;
        }
    }
    run->bridges = calloc(n + 1, sizeof *run->bridges);
    if (!run->bridges) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < pipe->n_groups; i++) {
        for (size_t k = 0; k < pipe->groups[i].n; k++) {
            const struct hp_def *def = &pipe->groups[i].defs[k];
            if (def->bridged < 0) {
                continue;
            }
            struct hp_bridge *bridge = &run->bridges[run->n_bridges++];
            bridge->run = run;
            bridge->group = &pipe->groups[def->bridged];
            bridge->step = hp_value(def, "readDataFromStep");
            bridge->def = def;
            pthread_mutex_init(&bridge->mutex, NULL);
            pthread_cond_init(&bridge->changed, NULL);
        }
    }
    return LEAT_OK;
}

void hp_bridges_free(struct hp_run *run)
{
    for (size_t i = 0; i < run->n_bridges; i++) {
        lt_schema_done(&run->bridges[i].schema);
        lt_array_done(&run->bridges[i].batch);
        pthread_cond_destroy(&run->bridges[i].changed);
        pthread_mutex_destroy(&run->bridges[i].mutex);
    }
    free(run->bridges);
    run->bridges = NULL;
    run->n_bridges = 0;
}

void hp_bridges_end(struct hp_run *run)
{
    for (size_t i = 0; i < run->n_bridges; i++) {
        struct hp_bridge *bridge = &run->bridges[i];
        pthread_mutex_lock(&bridge->mutex);
        bridge->over = true;
        pthread_cond_broadcast(&bridge->changed);
        pthread_mutex_unlock(&bridge->mutex);
    }
}

struct hp_bridge *hp_bridge_of(struct hp_run *run, const struct hp_group *group, const char *step)
{
    for (size_t i = 0; i < run->n_bridges; i++) {
        struct hp_bridge *bridge = &run->bridges[i];
        /* A group that was injected is a copy of the document's. */
        if (!strcmp(bridge->group->name, group->name) && !strcmp(bridge->step, step)) {
            return bridge;
        }
    }
    return NULL;
}

/* Waits for a change, or a while: whether the run is to stop is told by nobody. The mutex is held. */
static int wait(struct hp_bridge *bridge, struct leat_error *err)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 50000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&bridge->changed, &bridge->mutex, &until);
    return hp_run_check(bridge->run, err);
}

static int push(struct hp_bridge *bridge, struct ArrowArray *batch, struct leat_error *err)
{
    int rc = LEAT_OK;
    pthread_mutex_lock(&bridge->mutex);
    while (!rc && bridge->batch.release) {
        rc = wait(bridge, err);
    }
    if (!rc) {
        lt_array_move(batch, &bridge->batch);
        pthread_cond_broadcast(&bridge->changed);
    }
    pthread_mutex_unlock(&bridge->mutex);
    return rc;
}

int hp_bridge_feed(struct hp_bridge *bridge, struct hp_step *step, struct leat_error *err)
{
    struct ArrowArray batch = {.release = NULL}, cast_batch = {.release = NULL};
    struct lt_cast *cast = NULL;
    int64_t rows = 0;
    pthread_mutex_lock(&bridge->mutex);
    int rc = bridge->schema.release ? LEAT_OK : lt_schema_copy(&step->schema, &bridge->schema, err);
    pthread_cond_broadcast(&bridge->changed);
    pthread_mutex_unlock(&bridge->mutex);
    int64_t *map = calloc((size_t)bridge->schema.n_children + 1, sizeof *map);
    rc = rc || map ? rc : lt_fail_oom(err);
    for (int64_t i = 0; !rc && i < bridge->schema.n_children; i++) {
        map[i] = lt_schema_find(&step->schema, bridge->schema.children[i]->name);
    }
    rc = rc ? rc : lt_cast_new(&step->schema, &bridge->schema, map, &cast, err);
    while (!rc) {
        rc = hp_pull(step, &batch, err);
        if (rc || !batch.release) {
            break;
        }
        int64_t n = batch.length;
        rc = lt_cast_run(cast, &batch, rows + 1, &cast_batch, NULL, err);
        rows += n;
        rc = rc ? rc : push(bridge, &cast_batch, err);
        lt_array_done(&cast_batch);
    }
    lt_cast_free(cast);
    free(map);
    return rc;
}

/* --- the step ------------------------------------------------------------------------------- */

static struct hp_bridge *own(const struct hp_step *step)
{
    struct hp_run *run = step->flow->run;
    for (size_t i = 0; i < run->n_bridges; i++) {
        if (!strcmp(run->bridges[i].def->name, step->def->name) &&
            run->bridges[i].def->node == step->def->node) {
            return &run->bridges[i];
        }
    }
    return NULL;
}

/* Its schema is known once somebody feeds it. */
static int open_bridge(struct hp_step *step, struct leat_error *err)
{
    if (step->n_inputs) {
        return lt_schema_copy(&step->inputs[0]->schema, &step->schema, err);
    }
    struct hp_bridge *bridge = own(step);
    int rc = LEAT_OK;
    pthread_mutex_lock(&bridge->mutex);
    while (!rc && !bridge->schema.release && !bridge->over) {
        rc = wait(bridge, err);
    }
    if (!rc) {
        rc = bridge->schema.release ? lt_schema_copy(&bridge->schema, &step->schema, err)
                                    : lt_schema_init_struct(&step->schema, 0, err);
    }
    pthread_mutex_unlock(&bridge->mutex);
    return rc;
}

static int next_bridge(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    if (step->n_inputs) {
        return hp_pull(step->inputs[0], ret_batch, err);
    }
    struct hp_bridge *bridge = own(step);
    int rc = LEAT_OK;
    pthread_mutex_lock(&bridge->mutex);
    while (!rc && !bridge->batch.release && !bridge->over) {
        rc = wait(bridge, err);
    }
    if (!rc) {
        lt_array_move(&bridge->batch, ret_batch);
        pthread_cond_broadcast(&bridge->changed);
    }
    pthread_mutex_unlock(&bridge->mutex);
    return rc;
}

const struct lt_halfpipe_ops hp_ops_bridge = {open_bridge, next_bridge, NULL};
