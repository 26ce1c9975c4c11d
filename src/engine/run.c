/* A run: opens both sides, lists the streams, starts workers, watches over them, reports. */
#include "engine/run.h"
#include "core/codes.h"
#include "core/log.h"
#include "core/thread.h"
#include "core/util.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PARALLEL_DEFAULT_MAX 4
#define WORKERS_MAX 256
#define PROGRESS_INTERVAL_MS 200
#define CANCEL_INTERVAL_MS 100
#define WAIT_MAX_MS 1000
#define INTERVAL_MAX_MS 86400000
#define BATCH_BYTES_MIN (64 << 10)
#define BATCH_BYTES_MAX (2 << 20) /* larger ones cost memory and gain no time */

/* --- setting up ----------------------------------------------------------------------------- */

static int default_parallel(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return (int)LT_MAX(1, LT_MIN(cores, PARALLEL_DEFAULT_MAX));
}

static void read_options(struct lt_run *run)
{
    const struct lt_settings *s = &run->plan->settings;
    run->mode = lt_settings_bool(s, "append") ? LEAT_APPEND : LEAT_REPLACE;
    run->write_flags = (lt_settings_bool(s, "replace") ? LEAT_WRITE_FORCE : 0) |
                       (lt_settings_bool(s, "recreate") ? LEAT_WRITE_RECREATE : 0) |
                       (lt_settings_bool(s, "allow-empty") ? LEAT_WRITE_ALLOW_EMPTY : 0) |
                       (lt_settings_bool(s, "truncate") ? LEAT_WRITE_TRUNCATE : 0);
    run->atomic = lt_settings_bool(s, "atomic");
    run->verify = lt_settings_bool(s, "verify");
    run->keep_going = lt_settings_bool(s, "keep-going");
    run->memory = lt_settings_number(s, "memory");
    run->workers_n = lt_settings_text(s, "parallel") ? (int)lt_settings_number(s, "parallel")
                                                     : default_parallel();
}

/* Shares the memory bound out. About a third is the process itself and the client libraries; a
 * stream at work holds a batch being built, the queues (two batches a destination), a batch being
 * written and its wire form: some eight batches with room to grow. */
static void share_memory(struct lt_run *run)
{
    int64_t share = run->memory * 2 / 3 / run->workers_n;
    int64_t batches = 6 + 3 * (int64_t)run->plan->n_destinations;
    run->batch_bytes_max = LT_MIN(LT_MAX(share / batches, BATCH_BYTES_MIN), BATCH_BYTES_MAX);
    run->queue_bytes_max = 2 * run->batch_bytes_max;
}

static void wait_changed(struct lt_run *run, int64_t wait_ms)
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
            wait_changed(run, CANCEL_INTERVAL_MS);
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
    pthread_mutex_init(&run->sides_mutex, NULL);
    pthread_mutex_init(&run->mutex, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&run->changed, &attr);
    pthread_condattr_destroy(&attr);
    int rc = lt_plan_check(plan, err);
    if (!rc) {
        read_options(run);
        share_memory(run);
        rc = lt_column_wishes_init(&run->wishes, &plan->settings, err);
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
        .payloads = LEAT_PAYLOAD_BATCH,
        .batch_bytes_max = run->batch_bytes_max,
        .types = run->wishes.types.n_children ? &run->wishes.types : NULL,
        .params = source->params,
        .n_params = source->n_params};
    if (run->wishes.n_columns && lt_side_can(source, LEAT_CAN_PROJECT)) {
        ret_plan->columns = (const char *const *)run->wishes.columns;
        ret_plan->n_columns = run->wishes.n_columns;
    }
}

/* --- one worker ----------------------------------------------------------------------------- */

struct worker {
    struct lt_run *run;
    pthread_t thread;
    bool started;
    struct lt_side *source;
    struct lt_side **dests;
};

static void worker_close(struct worker *worker)
{
    for (size_t d = 0; worker->dests && d < worker->run->plan->n_destinations; d++) {
        lt_side_close(worker->dests[d]);
    }
    free(worker->dests);
    lt_side_close(worker->source);
}

static int worker_open(struct lt_run *run, struct worker *worker, struct leat_error *err)
{
    size_t n = run->plan->n_destinations;
    worker->run = run;
    worker->dests = calloc(n + 1, sizeof *worker->dests);
    int rc = worker->dests ? LEAT_OK : lt_fail_oom(err);
    if (!rc) {
        rc = lt_side_open(run, &run->plan->source, &worker->source, err);
    }
    for (size_t d = 0; !rc && d < n; d++) {
        rc = lt_side_open(run, &run->plan->destinations[d], &worker->dests[d], err);
    }
    return rc;
}

/* The next unit: a job, or with --atomic all of them. */
static bool take_unit(struct lt_run *run, size_t *ret_unit)
{
    bool taken = false;
    pthread_mutex_lock(&run->mutex);
    if (!run->stop && run->unit_next < run->units_n && !atomic_load(&run->leat->cancelled)) {
        *ret_unit = run->unit_next++;
        run->current = run->jobs.items[*ret_unit].label;
        taken = true;
    }
    pthread_mutex_unlock(&run->mutex);
    return taken;
}

static const char *state_of(const struct lt_result *result)
{
    return result->pub.committed ? "new rows"
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
    result->error = *error;
    result->pub.proof = "";
    if (!result->in_doubt) {
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

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct lt_run *run = worker->run;
    size_t unit;
    while (take_unit(run, &unit)) {
        struct leat_error error = {0};
        int64_t started = lt_now_us();
        size_t first = run->atomic ? 0 : unit, n = run->atomic ? run->jobs.n : 1;
        int rc = lt_unit_run(run, &worker->source, worker->dests, first, n, &error);
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

/* --- watching ------------------------------------------------------------------------------- */

/* Estimated rows of all streams; -1 when that of one is not known, or a condition makes it void. */
static int64_t rows_total(const struct lt_run *run)
{
    const struct lt_settings *s = &run->plan->settings;
    int64_t limit = lt_settings_text(s, "limit") ? lt_settings_number(s, "limit") : INT64_MAX;
    int64_t total = lt_settings_text(s, "where") ? -1 : 0;
    for (size_t i = 0; i < run->jobs.n && total >= 0; i++) {
        int64_t rows = run->jobs.items[i].rows_estimate;
        rows = LT_MIN(rows, limit);
        total = rows < 0 || rows > INT64_MAX - total ? -1 : total + rows;
    }
    return total;
}

static void tell_progress(struct lt_run *run, int64_t started_us)
{
    if (!run->observer || !run->observer->progress) {
        return;
    }
    int64_t total = rows_total(run);
    pthread_mutex_lock(&run->mutex);
    const struct leat_progress progress = {
        .size = sizeof progress,
        .stream = run->current,
        .rows = atomic_load(&run->rows),
        .bytes = atomic_load(&run->bytes),
        .rows_total = total,
        .streams_done = (int64_t)(run->atomic ? run->units_done * run->jobs.n : run->units_done),
        .streams_total = (int64_t)run->jobs.n,
        .elapsed_us = lt_now_us() - started_us};
    pthread_mutex_unlock(&run->mutex);
    run->observer->progress(run->observer->arg, &progress);
}

/* Tells the observer of streams that have ended since the last time, in order of the list. */
static void tell_done(struct lt_run *run, bool *told)
{
    size_t n_dests = run->plan->n_destinations;
    if (!run->observer || !run->observer->stream_done) {
        return;
    }
    for (size_t i = 0; i < run->jobs.n; i++) {
        pthread_mutex_lock(&run->mutex);
        bool now = run->job_done[i] && !told[i];
        pthread_mutex_unlock(&run->mutex);
        for (size_t d = 0; now && d < n_dests; d++) {
            run->observer->stream_done(run->observer->arg, &lt_run_result(run, i, d)->pub);
        }
        told[i] = told[i] || now;
    }
}

/* Until all workers have ended: progress at its interval and once at the end, finished streams at
 * once. */
static void watch(struct lt_run *run, bool *told)
{
    int64_t started_us = lt_now_us(), told_us = started_us;
    int64_t interval_ms = run->observer && run->observer->interval_ms > 0
                              ? run->observer->interval_ms
                              : PROGRESS_INTERVAL_MS;
    interval_ms = LT_MIN(interval_ms, INTERVAL_MAX_MS);
    for (bool working = true; working;) {
        int64_t left_ms = LT_MIN(interval_ms, WAIT_MAX_MS) - (lt_now_us() - told_us) / 1000;
        pthread_mutex_lock(&run->mutex);
        if (run->workers_n > 0 && run->units_told == run->units_done && left_ms > 0) {
            wait_changed(run, left_ms);
        }
        run->units_told = run->units_done;
        working = run->workers_n > 0;
        pthread_mutex_unlock(&run->mutex);
        if (!working || lt_now_us() - told_us >= interval_ms * 1000) {
            told_us = lt_now_us();
            tell_progress(run, started_us);
        }
        tell_done(run, told);
    }
}

/* --- the whole ------------------------------------------------------------------------------ */

/* One view of all streams, where the source has such a thing and several are read. Sets how many
 * workers may read it. */
static int take_snapshot(struct lt_run *run, struct lt_side *source, int *workers,
                         struct leat_error *err)
{
    const struct leat_source_ops *ops = source->connector->source;
    if (run->jobs.n < 2 || !ops->snapshot_take) {
        return LEAT_OK;
    }
    int rc = LEAT_OK;
    struct lt_side *taker = source;
    if (ops->snapshot_join) {
        /* A worker's own connection may be cut, and the snapshot would be lost to the others. */
        rc = lt_side_open(run, source->location, &run->holder, err);
        taker = run->holder;
    }
    rc = rc ? rc : ops->snapshot_take(taker->ep, run->snapshot, sizeof run->snapshot, err);
    if (rc == LEAT_UNSUPPORTED) {
        lt_log(LT_LOG_WARN,
               "%s: the streams are read one after the other, not as of one moment: "
               "%s",
               source->location->text, err->message);
        run->snapshot[0] = 0;
        return LEAT_OK;
    }
    if (rc) {
        return rc;
    }
    if (!ops->snapshot_join || !run->snapshot[0]) {
        *workers = 1;
        run->snapshot_own = true;
        run->snapshot[0] = 0;
        char token[sizeof run->snapshot];
        return run->holder ? ops->snapshot_take(source->ep, token, sizeof token, err) : LEAT_OK;
    }
    return lt_side_join(source, err);
}

static int workers_max(const struct lt_run *run, const struct worker *first)
{
    int n = LT_MIN(run->workers_n, WORKERS_MAX);
    n = (int)LT_MIN((size_t)n, run->units_n);
    if (first->source->caps->readers_max > 0) {
        n = LT_MIN(n, first->source->caps->readers_max);
    }
    for (size_t d = 0; d < run->plan->n_destinations; d++) {
        int most = first->dests[d]->caps->loads_max;
        n = most > 0 ? LT_MIN(n, most) : n;
    }
    return LT_MAX(n, 1);
}

/* Opens the workers beyond the first. One that cannot be opened is done without: a server may
 * have no room for more connections. Returns how many there are. */
static int open_workers(struct lt_run *run, struct worker *workers, int n)
{
    for (int i = 1; i < n; i++) {
        struct leat_error err = {0};
        int rc = worker_open(run, &workers[i], &err);
        rc = rc ? rc : lt_side_join(workers[i].source, &err);
        if (rc) {
            lt_log(LT_LOG_INFO,
                   "going on with %d streams at a time, for another connection could "
                   "not be had: %s",
                   i, err.message);
            worker_close(&workers[i]);
            memset(&workers[i], 0, sizeof workers[i]);
            return i;
        }
    }
    return n;
}

static int start_workers(struct lt_run *run, struct worker *workers, int n, struct leat_error *err)
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

/* The job's stream as the source describes it, under the names the destination has. */
static int describe_job(struct lt_run *run, struct lt_side *source, const struct lt_job *job,
                        struct ArrowSchema *ret_schema, struct leat_error *err)
{
    const struct leat_stream_name name = {job->ns, job->name};
    struct leat_stream_info info = {.size = sizeof info};
    struct ArrowSchema schema = {0};
    struct lt_cast *cast = NULL;
    int rc = source->connector->catalog->describe(source->ep, &name, &schema, &info, err);
    if (!rc) {
        rc = lt_transform_new(&run->wishes, &schema, ret_schema, &cast, err);
    }
    lt_cast_free(cast);
    lt_schema_done(&schema);
    return rc;
}

static int complete_dest(struct lt_run *run, struct lt_side *source, struct lt_side *dest, size_t d,
                         struct leat_error *err)
{
    struct leat_write_stream *streams = calloc(run->jobs.n, sizeof *streams);
    struct ArrowSchema *schemas = calloc(run->jobs.n, sizeof *schemas);
    int rc = streams && schemas ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < run->jobs.n; i++) {
        const struct lt_job *job = &run->jobs.items[i];
        rc = describe_job(run, source, job, &schemas[i], err);
        streams[i] = (struct leat_write_stream){.size = sizeof streams[i],
                                                .name = {job->dest_ns[d], job->dest_names[d]},
                                                .schema = &schemas[i]};
    }
    if (!rc) {
        rc = dest->connector->load->complete(dest->ep, streams, run->jobs.n, err);
    }
    for (size_t i = 0; schemas && i < run->jobs.n; i++) {
        lt_schema_done(&schemas[i]);
    }
    free(schemas);
    free(streams);
    return rc;
}

/* What can only be made after the last stream. */
static int complete(struct lt_run *run, struct worker *worker, struct leat_error *err)
{
    const struct leat_catalog_ops *catalog = worker->source->connector->catalog;
    int rc = LEAT_OK;
    if (!lt_settings_text(&run->plan->settings, "with") || !catalog || !catalog->describe) {
        return LEAT_OK;
    }
    for (size_t d = 0; !rc && d < run->plan->n_destinations; d++) {
        rc = lt_side_freshen(&worker->source, true, err);
        rc = rc ? rc : lt_side_freshen(&worker->dests[d], false, err);
        if (!rc && worker->dests[d]->connector->load->complete) {
            rc = complete_dest(run, worker->source, worker->dests[d], d, err);
        }
    }
    return rc;
}

/* Opens the first worker's sides; with them the streams are listed and named. */
static int open_and_list(struct lt_run *run, struct worker *first, struct leat_error *err)
{
    int rc = worker_open(run, first, err);
    if (!rc) {
        rc = lt_jobs_list(run, first->source, first->dests, err);
    }
    return rc;
}

/* Streams that no worker came to, for the run stopped before. */
static void settle_rest(struct lt_run *run, int status)
{
    size_t n_dests = run->plan->n_destinations;
    for (size_t i = 0; status && i < run->report->n; i++) {
        struct lt_result *result = &run->report->results[i];
        if (!run->job_done[i / n_dests]) {
            lt_fail(&result->error, LT_E_CANCELLED, "not attempted, for the run stopped before");
        }
    }
}

static int run_workers(struct lt_run *run, struct worker *workers, struct leat_error *err)
{
    run->units_n = run->atomic ? 1 : run->jobs.n;
    int n = workers_max(run, &workers[0]);
    int rc = take_snapshot(run, workers[0].source, &n, err);
    bool *told = calloc(run->jobs.n + 1, sizeof *told);
    run->job_done = calloc(run->jobs.n + 1, sizeof *run->job_done);
    if (!told || !run->job_done) {
        free(told);
        return lt_fail_oom(err);
    }
    if (!rc) {
        n = open_workers(run, workers, n);
        run->workers_n = n;
        share_memory(run);
        rc = start_workers(run, workers, n, err);
    }
    if (!rc) {
        watch(run, told);
    }
    for (int i = 0; i < n; i++) {
        if (workers[i].started) {
            pthread_join(workers[i].thread, NULL);
        }
    }
    free(told);
    if (!rc && run->report->error.status) {
        rc = run->report->error.status;
        *err = run->report->error;
    }
    if (!rc && run->units_done < run->units_n) {
        rc = lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
    }
    settle_rest(run, rc);
    return rc ? rc : complete(run, &workers[0], err);
}

/* How long a single stream is: asked for only when somebody watches. Standard input cannot be
 * looked at without reading it. */
static void estimate(struct lt_run *run, struct lt_side *source)
{
    struct lt_job *job = run->jobs.items;
    const struct leat_catalog_ops *catalog = source->connector->catalog;
    const char *url = source->location->url;
    if (!run->observer || !run->observer->progress || run->jobs.n != 1 || job->rows_estimate >= 0 ||
        !catalog || !catalog->describe || lt_settings_text(&run->plan->settings, "query") ||
        !strcmp(url + strlen(url) - 2, ":-")) {
        return;
    }
    const struct leat_stream_name name = {job->ns, job->name};
    struct leat_stream_info info = {.size = sizeof info, .rows_estimate = -1};
    struct ArrowSchema schema = {0};
    if (!catalog->describe(source->ep, &name, &schema, &info, NULL)) {
        job->rows_estimate = info.rows_estimate;
        lt_schema_done(&schema);
    }
}

static int close_rejects(struct lt_run *run, struct leat_error *err)
{
    if (run->report) {
        run->report->rejected = lt_rejects_count(run->rejects);
    }
    int rc = lt_rejects_close(run->rejects, err);
    run->rejects = NULL;
    return rc;
}

int leat_run(struct leat_plan *plan, const struct leat_observer *observer,
             struct leat_report **ret_report, struct leat_error *err)
{
    struct lt_run run;
    struct leat_error local = {0};
    int64_t started_us = lt_now_us();
    if (!err) {
        err = &local;
    }
    struct worker *workers = calloc(WORKERS_MAX, sizeof *workers);
    if (!workers) {
        return lt_fail_oom(err);
    }
    if (ret_report) {
        *ret_report = NULL;
    }
    int rc = lt_run_init(&run, plan, observer, err);
    if (!rc && plan->n_destinations == 0) {
        rc = lt_fail(err, LT_E_USAGE, "no destination was given");
    }
    if (!rc) {
        rc = open_and_list(&run, &workers[0], err);
    }
    if (!rc) {
        estimate(&run, workers[0].source);
        rc = lt_run_open_rejects(&run, err);
    }
    if (!rc) {
        rc = lt_report_new(&run, workers[0].dests, &run.report, err);
    }
    if (!rc) {
        rc = run_workers(&run, workers, err);
    }
    int closing = close_rejects(&run, rc ? NULL : err);
    rc = rc ? rc : closing;
    if (rc && rc != LEAT_OUTCOME_UNKNOWN && atomic_load(&plan->leat->cancelled)) {
        rc = lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
    }
    for (int i = 0; i < WORKERS_MAX; i++) {
        if (workers[i].run) {
            worker_close(&workers[i]);
        }
    }
    free(workers);
    if (run.report) {
        run.report->elapsed_us = lt_now_us() - started_us;
        if (rc) {
            run.report->error = *err;
        }
    }
    if (run.report && ret_report) {
        *ret_report = run.report;
    } else {
        leat_report_free(run.report);
    }
    lt_run_done(&run);
    return rc;
}

int leat_plan_describe(struct leat_plan *plan, char **ret_text, struct leat_error *err)
{
    struct lt_run run;
    struct worker first = {0};
    struct lt_buf text = LT_BUF_INIT;
    struct leat_error local = {0};
    if (!err) {
        err = &local;
    }
    int rc = lt_run_init(&run, plan, NULL, err);
    if (!rc && plan->n_destinations == 0) {
        rc = lt_fail(err, LT_E_USAGE, "no destination was given");
    }
    if (!rc) {
        rc = open_and_list(&run, &first, err);
    }
    for (size_t i = 0; !rc && i < run.jobs.n; i++) {
        rc = lt_unit_describe(&run, first.source, first.dests, i, &text, err);
    }
    if (first.run) {
        worker_close(&first);
    }
    lt_run_done(&run);
    if (!rc) {
        *ret_text = lt_buf_take(&text);
        rc = *ret_text ? LEAT_OK : lt_fail_oom(err);
    }
    lt_buf_done(&text);
    return rc;
}

void leat_text_free(char *text)
{
    free(text);
}
