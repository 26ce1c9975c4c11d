/* The workers of a run: each takes one unit after another, with sides of its own. */
#include "core/codes.h"
#include "core/log.h"
#include "core/thread.h"
#include "core/util.h"
#include "engine/delta.h"
#include "engine/sync.h"

#include <stdlib.h>

/* Streams a source is told of at once, and what makes one of them small. */
#define EXPECTED_MAX 64
#define EXPECTED_BYTES_MAX (INT64_C(1) << 20)

void lt_worker_close(struct lt_worker *worker)
{
    for (size_t d = 0; worker->dests && d < worker->run->plan->n_destinations; d++) {
        lt_side_close(worker->dests[d]);
    }
    free(worker->dests);
    if (worker->source) {
        lt_run_drop_ahead(worker->run, worker->source);
    }
    lt_side_close(worker->source);
}

int lt_worker_init(struct lt_run *run, struct lt_worker *worker, struct leat_error *err)
{
    worker->run = run;
    worker->dests = calloc(run->plan->n_destinations + 1, sizeof(struct lt_side *));
    return worker->dests ? LEAT_OK : lt_fail_oom(err);
}

int lt_worker_open_dests(struct lt_worker *worker, struct leat_error *err)
{
    struct lt_run *run = worker->run;
    int rc = LEAT_OK;
    for (size_t d = 0; !rc && d < run->plan->n_destinations; d++) {
        rc = lt_side_open(run, &run->plan->destinations[d], &worker->dests[d], err);
    }
    return rc;
}

int lt_worker_open(struct lt_run *run, struct lt_worker *worker, struct leat_error *err)
{
    int rc = lt_worker_init(run, worker, err);
    rc = rc ? rc : lt_side_open(run, &run->plan->source, &worker->source, err);
    return rc ? rc : lt_worker_open_dests(worker, err);
}

/* The first job of a unit: the first unit may have several. */
static size_t unit_first(const struct lt_run *run, size_t unit)
{
    return unit ? run->first_unit_n + unit - 1 : 0;
}

/* The next unit: a job, or with --atomic all of them, or those that belong together. */
static bool take_unit(struct lt_run *run, size_t *ret_unit)
{
    bool taken = false;
    pthread_mutex_lock(&run->mutex);
    if (!run->stop && run->unit_next < run->units_n && !atomic_load(&run->leat->cancelled)) {
        *ret_unit = run->unit_next++;
        run->current = run->jobs.items[unit_first(run, *ret_unit)].label;
        taken = true;
    }
    pthread_mutex_unlock(&run->mutex);
    return taken;
}

static const char *state_of(const struct lt_result *result)
{
    return result->pub.committed ? (result->pub.touched ? "new rows" : "unchanged")
           : result->partly      ? result->partly
           : result->in_doubt    ? "in doubt: old or new, never a mix"
           : result->lasting     ? "incomplete: what was written stays"
                                 : "unchanged";
}

/* One result of a unit that has ended. */
static void settle(struct lt_result *result, int64_t elapsed_us, const struct leat_error *error)
{
    result->pub.elapsed_us = elapsed_us;
    result->pub.state = state_of(result);
    if (result->pub.committed) {
        return;
    }
    if (!result->error.status) {
        result->error = *error;
    }
    result->pub.attempts =
        LT_MAX(result->pub.attempts, 1); /* it may have failed before the first */
    result->pub.proof = "";
    lt_result_clear_losses(result);
    if (!result->in_doubt &&
        !result->partly) { /* what was committed before is the action's to say */
        result->pub.rows_written = 0;
    }
    if (error->status == LEAT_OUTCOME_UNKNOWN && !result->in_doubt) {
        lt_fail(&result->error, LT_E_CANCELLED,
                "not committed, for the outcome at another destination is not known");
    }
}

/* Stores what became of a unit in the results of its jobs. */
static void unit_ended(struct lt_run *run, size_t first, size_t n, int64_t elapsed_us,
                       const struct leat_error *error)
{
    size_t n_dests = run->plan->n_destinations;
    pthread_mutex_lock(&run->mutex);
    for (size_t i = first * n_dests; i < (first + n) * n_dests; i++) {
        settle(&run->report->results[i], elapsed_us, error);
    }
    if (error->status) {
        if (run->report->error.status == LEAT_OK) {
            run->report->error = *error;
        }
        run->stop = run->stop || !run->keep_going;
    }
    for (size_t i = first; i < first + n; i++) {
        run->job_done[i] = true;
        run->current = run->current == run->jobs.items[i].label ? NULL : run->current;
    }
    run->units_done++;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->mutex);
}

static int run_unit(struct lt_run *run, struct lt_worker *worker, size_t first, size_t n,
                    struct leat_error *err)
{
    switch (run->plan->action) {
    case LEAT_ACTION_DELTA:
        return lt_delta_run(run, &worker->source, worker->dests, first, err);
    case LEAT_ACTION_SYNC:
        return n > 1 ? lt_sync_run_related(run, &worker->source, worker->dests, first, n, err)
                     : lt_sync_run(run, &worker->source, worker->dests, first, err);
    case LEAT_ACTION_META:
        return lt_meta_run(run, &worker->source, worker->dests, first, err);
    default:
        return lt_unit_run(run, &worker->source, worker->dests, first, n, err);
    }
}

/* Other workers take some of them; whoever needs more asks again. */
static void expect_small(struct lt_worker *worker, size_t first)
{
    const struct lt_jobs *jobs = &worker->run->jobs;
    const struct leat_source_ops *ops = worker->source->connector->source;
    struct leat_stream_name names[EXPECTED_MAX];
    size_t n = 0, i = first;
    if (!ops->expect || first < worker->expected_end) {
        return;
    }
    for (; i < jobs->n && n < EXPECTED_MAX; i++) {
        const struct lt_job *job = &jobs->items[i];
        if (job->kind == LEAT_TABLE && job->bytes_estimate >= 0 &&
            job->bytes_estimate <= EXPECTED_BYTES_MAX) {
            names[n++] = (struct leat_stream_name){job->ns, job->name};
        }
    }
    worker->expected_end = i;
    if (n > 1) {
        ops->expect(worker->source->ep, names, n, NULL);
    }
}

static void *work(void *arg)
{
    struct lt_worker *worker = arg;
    struct lt_run *run = worker->run;
    size_t unit;
    while (take_unit(run, &unit)) {
        struct leat_error error = {0};
        int64_t started = lt_now_us();
        size_t first = unit_first(run, unit), n = unit ? 1 : run->first_unit_n;
        expect_small(worker, first);
        int rc = run_unit(run, worker, first, n, &error);
        if (rc && !leat_action_takes(run->plan->action, "on-loss")) {
            lt_loss_compared_remedy(&error, run->plan->action == LEAT_ACTION_SYNC);
        }
        if (!rc) {
            error.status = LEAT_OK;
        }
        unit_ended(run, first, n, lt_now_us() - started, &error);
    }
    pthread_mutex_lock(&run->mutex);
    run->workers_n--;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->mutex);
    return NULL;
}

/* One that cannot be opened is done without: a server may
 * have no room for more connections. */
int lt_workers_open(struct lt_run *run, struct lt_worker *workers, int n)
{
    for (int i = 1; i < n; i++) {
        struct leat_error err = {0};
        int rc = lt_worker_open(run, &workers[i], &err);
        rc = rc ? rc : lt_side_join(workers[i].source, &err);
        if (rc) {
            lt_log(LT_LOG_INFO,
                   "going on with %d streams at a time, for another connection could "
                   "not be had: %s",
                   i, err.message);
            lt_worker_close(&workers[i]);
            memset(&workers[i], 0, sizeof workers[i]);
            return i;
        }
    }
    return n;
}

int lt_workers_start(struct lt_run *run, struct lt_worker *workers, int n, struct leat_error *err)
{
    int started = 0, rc = LEAT_OK;
    run->workers_n = n;
    while (!rc && started < n) {
        rc = lt_thread_start(&workers[started].thread, work, &workers[started], err);
        workers[started].started = !rc;
        started += !rc;
    }
    if (rc) {
        /* Those that did start do all the work; without any there is nobody. */
        pthread_mutex_lock(&run->mutex);
        run->workers_n -= n - started;
        pthread_mutex_unlock(&run->mutex);
    }
    return started ? LEAT_OK : rc;
}
