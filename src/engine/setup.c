/* A run before and after its work: options, shares of memory, the thread that brings a cancel to
 * calls that block. What leat_run, leat_plan_describe and leat_read have in common. */
#include "core/codes.h"
#include "core/thread.h"
#include "core/util.h"
#include "engine/carry.h"
#include "engine/run.h"

#include <stdlib.h>
#include <unistd.h>

#define PARALLEL_DEFAULT_MAX 4
#define CANCEL_INTERVAL_MS 100
#define BATCH_ROWS_MAX 65536
#define BATCH_BYTES_MIN (64 << 10)
#define BATCH_BYTES_MAX (2 << 20) /* larger ones cost memory and gain no time */

static int default_parallel(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return (int)LT_MAX(1, LT_MIN(cores, PARALLEL_DEFAULT_MAX));
}

/* As said, or what the action does by itself. */
static enum leat_schema_policy schema_policy(const struct leat_plan *plan)
{
    static const struct {
        const char *word;
        enum leat_schema_policy policy;
    } words[] = {{"strict", LEAT_SCHEMA_STRICT},
                 {"check", LEAT_SCHEMA_CHECK},
                 {"evolve", LEAT_SCHEMA_EVOLVE},
                 {"ignore", LEAT_SCHEMA_IGNORE}};
    const char *said = lt_settings_text(&plan->settings, "schema");
    for (size_t i = 0; said && i < LT_ARRAY_LEN(words); i++) {
        if (!strcmp(words[i].word, said)) {
            return words[i].policy;
        }
    }
    return plan->action == LEAT_ACTION_COPY ? LEAT_SCHEMA_CHECK : LEAT_SCHEMA_EVOLVE;
}

static void read_options(struct lt_run *run)
{
    const struct lt_settings *s = &run->plan->settings;
    run->mode = lt_settings_bool(s, "append") ? LEAT_APPEND : LEAT_REPLACE;
    run->write_flags = (lt_settings_bool(s, "replace") ? LEAT_WRITE_FORCE : 0) |
                       (lt_settings_bool(s, "recreate") ? LEAT_WRITE_RECREATE : 0) |
                       (lt_settings_bool(s, "allow-empty") ? LEAT_WRITE_ALLOW_EMPTY : 0) |
                       (lt_settings_bool(s, "truncate") ? LEAT_WRITE_TRUNCATE : 0);
    run->schema_policy = schema_policy(run->plan);
    run->atomic = lt_settings_bool(s, "atomic");
    run->verify = lt_settings_bool(s, "verify");
    run->count = lt_settings_bool(s, "count");
    run->keep_going = lt_settings_bool(s, "keep-going");
    run->resume = lt_settings_bool(s, "resume");
    run->part_rows = lt_settings_number(s, "part-rows");
    if (run->resume && run->part_rows < BATCH_ROWS_MAX) {
        run->batch_rows_max = run->part_rows;
    }
    run->on_loss = lt_on_loss_of(lt_settings_text(s, "on-loss"));
    run->memory = lt_settings_number(s, "memory");
    run->parallel_said = lt_settings_text(s, "parallel") != NULL;
    run->parallel =
        run->parallel_said ? (int)lt_settings_number(s, "parallel") : default_parallel();
    run->workers_n = run->parallel;
}

/* Shares the memory bound out. About a third is the process itself and the client libraries; a
 * stream at work holds a batch being built, the queues (two batches a destination), a batch being
 * written and its wire form: some eight batches with room to grow. What they leave is the endpoints'
 * own. */
void lt_run_share_memory(struct lt_run *run)
{
    int64_t share = run->memory * 2 / 3 / run->workers_n;
    int64_t batches =
        6 + 3 * (int64_t)run->plan->n_destinations + 2 * LT_MAX(run->lanes_max - 1, 0);
    run->batch_bytes_max = LT_MIN(LT_MAX(share / batches, BATCH_BYTES_MIN), BATCH_BYTES_MAX);
    run->queue_bytes_max = 2 * run->batch_bytes_max;
    int64_t left = share - batches * run->batch_bytes_max;
    int64_t endpoints = 1 + (int64_t)run->plan->n_destinations;
    run->endpoint_bytes_max = LT_MAX(left / endpoints, run->queue_bytes_max);
}

void lt_run_share_out(struct lt_run *run, int workers)
{
    run->workers_n = workers;
    run->lanes_max = LT_MAX(run->parallel / workers, 1);
    lt_run_share_memory(run);
}

void lt_run_wait(struct lt_run *run, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)wait_ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&run->changed, &run->mutex, &until);
}

/* Brings leat_cancel() to calls that block, whichever thread they are on. A signal handler can set
 * a flag and no more, so the flag is looked at. */
static void *watch_cancel(void *arg)
{
    struct lt_run *run = arg;
    pthread_mutex_lock(&run->mutex);
    while (!run->ended) {
        if (atomic_load(&run->leat->cancelled)) {
            pthread_mutex_unlock(&run->mutex);
            lt_sides_cancel(run);
            pthread_mutex_lock(&run->mutex);
        }
        if (!run->ended) {
            lt_run_wait(run, CANCEL_INTERVAL_MS);
        }
    }
    pthread_mutex_unlock(&run->mutex);
    return NULL;
}

int lt_run_init(struct lt_run *run, struct leat_plan *plan, const struct leat_observer *observer,
                struct leat_error *err)
{
    memset(run, 0, sizeof *run);
    run->plan = plan;
    run->leat = plan->leat;
    run->observer = observer;
    run->started_wall_us = lt_wall_us();
    lt_new_id(run->id);
    pthread_mutex_init(&run->sides_mutex, NULL);
    pthread_mutex_init(&run->mutex, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&run->changed, &attr);
    pthread_condattr_destroy(&attr);
    int rc = lt_plan_check(plan, err);
    rc = rc ? rc : lt_plan_check_extras(plan, err);
    if (!rc) {
        read_options(run);
        lt_run_share_memory(run);
        rc = lt_column_wishes_init(&run->wishes, &plan->settings, err);
        rc = rc ? rc : lt_with_parse(&plan->settings, &run->with, err);
    }
    if (!rc) {
        rc = lt_thread_start(&run->canceller, watch_cancel, run, err);
        run->canceller_runs = !rc;
    }
    return rc;
}

int lt_run_open_rejects(struct lt_run *run, struct leat_error *err)
{
    const struct lt_settings *s = &run->plan->settings;
    if (strcmp(lt_settings_text(s, "on-error"), "skip")) {
        return LEAT_OK;
    }
    return lt_rejects_open(lt_settings_text(s, "rejects"), lt_settings_number(s, "max-errors"),
                           &run->rejects, err);
}

void lt_run_done(struct lt_run *run)
{
    if (run->canceller_runs) {
        pthread_mutex_lock(&run->mutex);
        run->ended = true;
        pthread_cond_broadcast(&run->changed);
        pthread_mutex_unlock(&run->mutex);
        pthread_join(run->canceller, NULL);
    }
    while (run->sides) {
        lt_side_close(run->sides);
    }
    lt_rejects_close(run->rejects, NULL);
    lt_column_wishes_done(&run->wishes);
    lt_jobs_done(&run->jobs, run->plan->n_destinations);
    free(run->job_done);
    lt_buf_done(&run->shown);
    pthread_cond_destroy(&run->changed);
    pthread_mutex_destroy(&run->mutex);
    pthread_mutex_destroy(&run->sides_mutex);
}

void lt_run_read_plan(struct lt_run *run, const struct lt_side *source, const struct lt_job *job,
                      struct leat_read_plan *ret_plan)
{
    const struct lt_settings *s = &run->plan->settings;
    *ret_plan = (struct leat_read_plan){
        .size = sizeof *ret_plan,
        .stream = {job->ns, job->name},
        .query = lt_settings_text(s, "query"),
        .predicate = lt_settings_text(s, "where"),
        .limit = lt_settings_text(s, "limit") ? lt_settings_number(s, "limit") : -1,
        .payloads =
            LEAT_PAYLOAD_BATCH | (lt_side_bytes_format(source) ? (uint32_t)LEAT_PAYLOAD_BYTES : 0),
        .batch_rows_max = run->batch_rows_max,
        .batch_bytes_max = run->batch_bytes_max,
        .threads = run->lanes_max,
        .types = job->typing.all.n_children ? &job->typing.all : NULL,
        .params = source->params,
        .n_params = source->n_params};
    if (run->wishes.n_columns && lt_side_can(source, LEAT_CAN_PROJECT)) {
        ret_plan->columns = (const char *const *)run->wishes.columns;
        ret_plan->n_columns = run->wishes.n_columns;
    }
    if (job->slice) {
        ret_plan->cursor = job->slice->range;
        ret_plan->since = job->slice->since;
        ret_plan->until = job->slice->until;
        ret_plan->limit = job->slice->nothing ? 0 : ret_plan->limit;
    }
}
