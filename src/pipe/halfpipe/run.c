/* Groups at work: one after the other, beside one another, again and again. */
#include "pipe/halfpipe/internal.h"

#include "core/log.h"
#include "core/thread.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* --- stopping ------------------------------------------------------------------------------- */

int hp_run_check(struct hp_run *run, struct leat_error *err)
{
    if (atomic_load(&run->stop) || leat_is_cancelled(run->pipe->leat)) {
        return lt_fail(err, LT_E_CANCELLED, "the pipe was stopped");
    }
    return LEAT_OK;
}

/* The first fault counts, and stops all that is at work. */
static void note_failure(struct hp_run *run, int rc, const struct leat_error *err)
{
    pthread_mutex_lock(&run->mutex);
    if (!run->failed) {
        run->failed = rc;
        run->error = *err;
        atomic_store(&run->stop, true);
        if (!leat_is_cancelled(run->pipe->leat)) {
            run->cancelled_by_us = true;
            leat_cancel(run->pipe->leat);
        }
        pthread_cond_broadcast(&run->changed);
    }
    pthread_mutex_unlock(&run->mutex);
}

int hp_run_sleep(struct hp_run *run, int64_t ms, struct leat_error *err)
{
    int64_t until = lt_now_us() + ms * 1000;
    int rc = hp_run_check(run, err);
    for (int64_t left; !rc && (left = until - lt_now_us()) > 0;) {
        lt_sleep_ms(LT_MIN((left + 999) / 1000, 50), NULL);
        rc = hp_run_check(run, err);
    }
    return rc;
}

/* --- a group -------------------------------------------------------------------------------- */

static void flow_done(struct hp_flow *flow)
{
    for (size_t i = flow->n; i-- > 0;) {
        struct hp_step *step = &flow->steps[i];
        if (step->opened && step->def->type->ops->close) {
            step->def->type->ops->close(step);
        }
        lt_schema_done(&step->schema);
        free(step->inputs);
        if (step->has_lock) {
            pthread_mutex_destroy(&step->lock);
        }
    }
    free(flow->steps);
    flow->steps = NULL;
}

static int flow_init(struct hp_flow *flow, struct hp_run *run, const struct hp_group *group,
                     struct leat_error *err)
{
    *flow = (struct hp_flow){.run = run, .group = group, .n = group->n};
    flow->steps = calloc(group->n + 1, sizeof *flow->steps);
    if (!flow->steps) {
        flow->n = 0;
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < group->n; i++) {
        struct hp_step *step = &flow->steps[i];
        step->def = &group->defs[i];
        step->flow = flow;
        step->inputs = calloc(step->def->n_inputs + 1, sizeof(struct hp_step *));
        pthread_mutex_init(&step->lock, NULL);
        step->has_lock = true;
        if (!step->inputs) {
            return lt_fail_oom(err);
        }
        for (size_t k = 0; k < step->def->n_inputs; k++) {
            step->inputs[step->n_inputs++] = &flow->steps[step->def->inputs[k]];
            flow->steps[step->def->inputs[k]].readers++;
        }
    }
    return LEAT_OK;
}

/* Pulls a step that nobody reads to its end. */
static int drain(struct hp_step *step, struct leat_error *err)
{
    struct hp_bridge *bridge = hp_bridge_of(step->flow->run, step->flow->group, step->def->name);
    struct ArrowArray batch;
    int rc = hp_step_open(step, err);
    if (!rc && bridge) {
        return hp_bridge_feed(bridge, step, err);
    }
    while (!rc) {
        rc = hp_pull(step, &batch, err);
        if (rc || !batch.release) {
            break;
        }
        lt_array_done(&batch);
    }
    return rc;
}

static void *drain_thread(void *arg)
{
    struct hp_step *step = arg;
    struct leat_error err = {0};
    int rc = drain(step, &err);
    if (rc) {
        note_failure(step->flow->run, rc, &err);
    }
    return NULL;
}

/* Every end but the last has a thread of its own. */
static int flow_work(struct hp_flow *flow, struct leat_error *err)
{
    pthread_t *threads = calloc(flow->n + 1, sizeof *threads);
    struct hp_step *last = NULL;
    size_t n = 0;
    int rc = threads ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < flow->n; i++) {
        if (flow->steps[i].readers) {
            continue;
        }
        if (last) {
            rc = lt_thread_start(&threads[n], drain_thread, last, err);
            n += !rc;
        }
        last = &flow->steps[i];
    }
    rc = rc || !last ? rc : drain(last, err);
    if (rc) {
        struct leat_error noted = {0};
        noted = err ? *err : noted;
        note_failure(flow->run, rc, &noted);
    }
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
    return rc ? rc : hp_run_check(flow->run, err);
}

/* --- being told ----------------------------------------------------------------------------- */

static void log_step(struct hp_step *step)
{
    int64_t began = atomic_load(&step->began_us), ended = atomic_load(&step->ended_us);
    int stage = atomic_load(&step->stage);
    int64_t us = stage ? (stage == 2 ? ended : lt_now_us()) - began : 0;
    int64_t rows = atomic_load(&step->rows);
    lt_log(LT_LOG_WARN,
           "Stats for %s.%s (%s) %s elapsedTimeSec=%.0f totalRowsProcessed=%lld "
           "rowsPerSecondAvg=%.0f",
           step->flow->group->name, step->def->name, step->def->type->name,
           stage == 2 ? "complete" : "running", (double)us / 1e6, (long long)rows,
           us ? (double)rows * 1e6 / (double)us : 0.0);
}

static void tell(struct hp_flow *flow, const struct leat_error *err, bool begin)
{
    const struct leat_pipe_observer *observer = flow->run->observer;
    static const struct leat_error fine = {.status = LEAT_OK};
    char name[256];
    for (size_t i = 0; i < flow->n; i++) {
        struct hp_step *step = &flow->steps[i];
        int64_t began = atomic_load(&step->began_us), ended = atomic_load(&step->ended_us);
        bool done = atomic_load(&step->stage) == 2;
        if (!begin && flow->run->pipe->stats_s) {
            log_step(step);
        }
        snprintf(name, sizeof name, "%s.%s", flow->group->name, step->def->name);
        const struct leat_pipe_step told = {.size = sizeof told,
                                            .name = name,
                                            .action = step->def->type->name,
                                            .index = (int64_t)i,
                                            .count = (int64_t)flow->n,
                                            .error = done || begin ? &fine : err,
                                            .skipped = !began,
                                            .rows = atomic_load(&step->rows),
                                            .elapsed_us = done ? ended - began : 0};
        if (observer && begin && observer->step_begin) {
            observer->step_begin(observer->arg, &told);
        } else if (observer && !begin && observer->step_done) {
            observer->step_done(observer->arg, &told);
        }
    }
}

struct statistics {
    struct hp_flow *flow;
    pthread_mutex_t mutex; /* guards over */
    pthread_cond_t changed;
    bool over;
    bool running;
    pthread_t thread;
};

static void *statistics_thread(void *arg)
{
    struct statistics *stats = arg;
    pthread_mutex_lock(&stats->mutex);
    while (!stats->over) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += (time_t)stats->flow->run->pipe->stats_s;
        pthread_cond_timedwait(&stats->changed, &stats->mutex, &until);
        for (size_t i = 0; !stats->over && i < stats->flow->n; i++) {
            log_step(&stats->flow->steps[i]);
        }
    }
    pthread_mutex_unlock(&stats->mutex);
    return NULL;
}

static void statistics_start(struct statistics *stats, struct hp_flow *flow)
{
    *stats = (struct statistics){.flow = flow};
    pthread_mutex_init(&stats->mutex, NULL);
    pthread_cond_init(&stats->changed, NULL);
    stats->running = flow->run->pipe->stats_s > 0 &&
                     !lt_thread_start(&stats->thread, statistics_thread, stats, NULL);
}

static void statistics_stop(struct statistics *stats)
{
    pthread_mutex_lock(&stats->mutex);
    stats->over = true;
    pthread_cond_signal(&stats->changed);
    pthread_mutex_unlock(&stats->mutex);
    if (stats->running) {
        pthread_join(stats->thread, NULL);
    }
    pthread_cond_destroy(&stats->changed);
    pthread_mutex_destroy(&stats->mutex);
}

/* Runs a group once. `told`: by the thread that runs the pipe. */
static int run_group(struct hp_run *run, const struct hp_group *group, const struct hp_swap *swaps,
                     size_t n_swaps, bool told, struct leat_error *err)
{
    struct hp_flow flow;
    struct statistics stats;
    int rc = flow_init(&flow, run, group, err);
    flow.swaps = swaps;
    flow.n_swaps = n_swaps;
    if (!rc && told) {
        tell(&flow, NULL, true);
    }
    if (!rc) {
        statistics_start(&stats, &flow);
        rc = flow_work(&flow, err);
        statistics_stop(&stats);
    }
    if (told) {
        pthread_mutex_lock(&run->mutex);
        struct leat_error error = run->error;
        pthread_mutex_unlock(&run->mutex);
        tell(&flow, &error, false);
    }
    flow_done(&flow);
    return rc;
}

/* --- injected groups ------------------------------------------------------------------------ */

static int swap_values(struct hp_def *def, const struct hp_def *from, const struct hp_swap *swaps,
                       size_t n)
{
    size_t keys = 0;
    while (from->type->keys[keys].name) {
        keys++;
    }
    *def = *from;
    def->values = calloc(keys + 1, sizeof *def->values);
    for (size_t i = 0; def->values && i < keys; i++) {
        def->values[i] = hp_swapped(from->values[i], swaps, n);
        if (!def->values[i]) {
            return LEAT_NO_MEMORY;
        }
    }
    return def->values ? LEAT_OK : LEAT_NO_MEMORY;
}

int hp_run_injected(struct hp_run *run, size_t group, const struct hp_swap *swaps, size_t n,
                    struct leat_error *err)
{
    const struct hp_group *from = &run->pipe->groups[group];
    struct hp_group made = *from;
    made.n = 0;
    made.defs = calloc(from->n + 1, sizeof *made.defs);
    int rc = made.defs ? LEAT_OK : LEAT_NO_MEMORY;
    for (size_t i = 0; !rc && i < from->n; i++) {
        rc = swap_values(&made.defs[i], &from->defs[i], swaps, n);
        made.n++;
    }
    rc = rc ? lt_fail_oom(err) : run_group(run, &made, swaps, n, false, err);
    for (size_t i = 0; i < made.n; i++) {
        for (size_t k = 0; made.defs[i].values && from->defs[i].type->keys[k].name; k++) {
            free(made.defs[i].values[k]);
        }
        free(made.defs[i].values);
    }
    free(made.defs);
    return rc;
}

/* --- all groups ----------------------------------------------------------------------------- */

struct beside {
    struct hp_run *run;
    const struct hp_group *group;
    pthread_t thread;
    bool running;
};

static void *beside_thread(void *arg)
{
    struct beside *beside = arg;
    struct leat_error err = {0};
    int rc = LEAT_OK;
    do {
        int64_t began = lt_now_us();
        rc = run_group(beside->run, beside->group, NULL, 0, false, &err);
        int64_t left_ms = beside->group->sleep_s * 1000 - (lt_now_us() - began) / 1000;
        if (!rc && beside->group->kind == HP_REPEATING && left_ms > 0) {
            rc = hp_run_sleep(beside->run, left_ms, &err);
        }
    } while (!rc && beside->group->kind == HP_REPEATING);
    if (rc) {
        note_failure(beside->run, rc, &err);
    }
    return NULL;
}

static int start_beside(struct hp_run *run, struct beside *groups, size_t *n, enum hp_kind kind,
                        struct leat_error *err)
{
    const struct lt_halfpipe *pipe = run->pipe;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < pipe->n_sequence; i++) {
        const struct hp_group *group = &pipe->groups[pipe->sequence[i]];
        if (group->kind == kind && !group->injected) {
            groups[*n] = (struct beside){.run = run, .group = group};
            rc = lt_thread_start(&groups[*n].thread, beside_thread, &groups[*n], err);
            *n += !rc;
        }
    }
    return rc;
}

static int run_all(struct hp_run *run, struct leat_error *err)
{
    const struct lt_halfpipe *pipe = run->pipe;
    struct beside *groups = calloc(pipe->n_sequence + 1, sizeof *groups);
    size_t n = 0;
    int rc = groups ? hp_bridges_make(run, err) : lt_fail_oom(err);
    rc = rc ? rc : start_beside(run, groups, &n, HP_BACKGROUND, err);
    rc = rc ? rc : start_beside(run, groups, &n, HP_REPEATING, err);
    for (size_t i = 0; !rc && i < pipe->n_sequence; i++) {
        const struct hp_group *group = &pipe->groups[pipe->sequence[i]];
        if (group->kind == HP_SEQUENTIAL && !group->injected) {
            rc = run_group(run, group, NULL, 0, true, err);
        }
    }
    if (rc) {
        struct leat_error noted = {0};
        noted = err ? *err : noted;
        note_failure(run, rc, &noted);
    }
    hp_bridges_end(run);
    for (size_t i = 0; i < n; i++) {
        pthread_join(groups[i].thread, NULL);
    }
    hp_bridges_free(run);
    free(groups);
    return rc;
}

int lt_halfpipe_run(struct lt_halfpipe *pipe, const struct leat_pipe_observer *observer,
                    struct leat_error *err)
{
    struct hp_run run = {.pipe = pipe, .observer = observer};
    struct leat_error own = {0};
    pthread_mutex_init(&run.mutex, NULL);
    pthread_cond_init(&run.changed, NULL);
    run_all(&run, &own);
    if (run.cancelled_by_us) {
        leat_uncancel(pipe->leat);
    }
    if (run.failed && err) {
        *err = run.error;
    }
    pthread_cond_destroy(&run.changed);
    pthread_mutex_destroy(&run.mutex);
    return run.failed;
}
