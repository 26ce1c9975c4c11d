/* A run: starts workers once the streams are listed (open.c), watches over them, reports. */
#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/compare_run.h"
#include "engine/delta.h"
#include "engine/sync.h"

#include <stdio.h>
#include <stdlib.h>

#define WORKERS_MAX 256

/* The snapshot that another process holds. */
static int join_given(struct lt_run *run, struct lt_side *source, const char *token,
                      struct leat_error *err)
{
    const struct leat_source_ops *ops = source->connector->source;
    if (!ops->snapshot_join || strlen(token) >= sizeof run->snapshot) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       ops->snapshot_join ? "this is no snapshot token"
                                          : "--snapshot: %s has no snapshots of others",
                       source->connector->name);
    }
    snprintf(run->snapshot, sizeof run->snapshot, "%s", token);
    run->snapshot_given = true;
    int rc = lt_side_join(source, err);
    if (rc == LEAT_UNAVAILABLE) {
        rc = lt_fail(err, LT_E_NOT_FOUND, "nobody holds the snapshot of --snapshot any more");
        leat_error_remedy(err, "`leat snapshot hold` takes another one");
        leat_error_place(err, "%s", source->location->text);
    }
    return rc;
}

/* One view of all streams, where the source has such a thing and several are read. Sets how many
 * workers may read it. */
static int take_snapshot(struct lt_run *run, struct lt_side *source, int *workers,
                         struct leat_error *err)
{
    const struct leat_source_ops *ops = source->connector->source;
    const char *given = lt_settings_text(&run->plan->settings, "snapshot");
    if (given) {
        return join_given(run, source, given, err);
    }
    if (run->jobs.n < 2 || !ops->snapshot_take || run->plan->action == LEAT_ACTION_DELTA) {
        return LEAT_OK; /* a delta asks first what has settled, and then looks */
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
        *workers = 1;
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

static int workers_max(const struct lt_run *run, const struct lt_worker *first)
{
    int n = LT_MIN(run->parallel, WORKERS_MAX);
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

static int run_workers(struct lt_run *run, struct lt_worker *workers, struct leat_error *err)
{
    run->first_unit_n = run->atomic ? run->jobs.n : LT_MAX(run->related_n, 1);
    run->units_n = run->jobs.n ? 1 + run->jobs.n - run->first_unit_n : 0;
    int n = workers_max(run, &workers[0]);
    int rc = take_snapshot(run, workers[0].source, &n, err);
    bool *told = calloc(run->jobs.n + 1, sizeof *told);
    run->job_done = calloc(run->jobs.n + 1, sizeof *run->job_done);
    if (!told || !run->job_done) {
        free(told);
        return lt_fail_oom(err);
    }
    rc = rc ? rc : lt_run_prepare(run, &workers[0], err);
    if (!rc) {
        n = lt_workers_open(run, workers, n);
        lt_run_share_out(run, n);
        rc = lt_workers_start(run, workers, n, err);
    }
    if (!rc) {
        lt_run_watch(run, told);
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
    return rc ? rc : lt_run_complete(run, &workers[0], err);
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
    struct lt_worker *workers = calloc(WORKERS_MAX, sizeof *workers);
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
        rc = lt_run_open(&run, &workers[0], err);
    }
    rc = rc ? rc : lt_jobs_relate(&run, workers[0].dests, err);
    if (!rc) {
        estimate(&run, workers[0].source);
        rc = lt_run_open_rejects(&run, err);
    }
    if (!rc) {
        rc = lt_report_new(&run, workers[0].dests, &run.report, err);
    }
    if (!rc) {
        rc = lt_action_compares(plan->action) ? lt_compare_run(&run, &workers[0], err)
                                              : run_workers(&run, workers, err);
    }
    int closing = close_rejects(&run, rc ? NULL : err);
    rc = rc ? rc : closing;
    if (rc && rc != LEAT_OUTCOME_UNKNOWN && atomic_load(&plan->leat->cancelled)) {
        rc = lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
    }
    for (int i = 0; i < WORKERS_MAX; i++) {
        if (workers[i].run) {
            lt_worker_close(&workers[i]);
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

static int describe(struct lt_run *run, struct lt_worker *worker, size_t job, size_t n,
                    struct lt_buf *out, struct leat_error *err)
{
    switch (run->plan->action) {
    case LEAT_ACTION_DELTA:
        return lt_delta_describe(run, &worker->source, worker->dests, job, out, err);
    case LEAT_ACTION_META:
        return lt_meta_describe(run, worker->source, worker->dests, job, out, err);
    case LEAT_ACTION_DIFF:
    case LEAT_ACTION_VERIFY:
        return lt_compare_describe(run, worker, job, out, err);
    case LEAT_ACTION_SYNC:
        return lt_sync_describe(run, worker, job, out, err);
    default:
        return lt_unit_describe(run, worker->source, worker->dests, job, n, out, err);
    }
}

/* What is known of the streams first .. first + n - 1 goes into the report: one stream's words are all
 * that was said, of several each has its own. */
static int note_preview(struct lt_run *run, size_t first, size_t n, const char *words, int status,
                        struct leat_error *err)
{
    size_t n_dests = run->plan->n_destinations;
    int rc = LEAT_OK;
    for (size_t i = first * n_dests; run->report && i < (first + n) * n_dests; i++) {
        struct lt_result *result = &run->report->results[i];
        memset(result->load_id, 0, sizeof result->load_id); /* there is no load */
        if (status) {
            result->error = *err;
        } else if (!result->preview || n * n_dests == 1) {
            free(result->preview);
            result->preview = NULL;
            rc = rc ? rc : lt_result_add_preview(result, words);
        }
    }
    return status ? status : rc ? lt_fail_oom(err) : LEAT_OK;
}

static int describe_all(struct lt_run *run, struct lt_worker *worker, struct lt_buf *text,
                        struct leat_error *err)
{
    bool copies = run->plan->action == LEAT_ACTION_COPY;
    int rc = copies ? lt_jobs_relate(run, worker->dests, err) : LEAT_OK;
    for (size_t i = 0, n; !rc && i < run->jobs.n; i += n) {
        size_t start = text->len;
        n = i || !copies ? 1 : run->atomic ? run->jobs.n : LT_MAX(run->related_n, 1);
        rc = describe(run, worker, i, n, text, err);
        rc = note_preview(run, i, n, lt_buf_text(text) + start, rc, err);
    }
    return rc ? rc : lt_run_show_complete(run, worker, text, err);
}

int leat_plan_preview(struct leat_plan *plan, char **ret_text, struct leat_report **ret_report,
                      struct leat_error *err)
{
    struct lt_run run;
    struct lt_worker first = {0};
    struct lt_buf text = LT_BUF_INIT;
    struct leat_error local = {0};
    int64_t started_us = lt_now_us();
    err = err ? err : &local;
    int rc = lt_run_init(&run, plan, NULL, err);
    if (!rc && plan->n_destinations == 0) {
        rc = lt_fail(err, LT_E_USAGE, "no destination was given");
    }
    rc = rc ? rc : lt_run_open(&run, &first, err);
    if (!rc && ret_report) {
        rc = lt_report_new(&run, first.dests, &run.report, err);
    }
    if (run.report) {
        run.report->dry = true;
    }
    rc = rc ? rc : describe_all(&run, &first, &text, err);
    if (first.run) {
        lt_worker_close(&first);
    }
    if (!rc && ret_text) {
        *ret_text = lt_buf_take(&text);
        rc = *ret_text ? LEAT_OK : lt_fail_oom(err);
    }
    if (run.report) {
        run.report->elapsed_us = lt_now_us() - started_us;
        run.report->error = rc ? *err : run.report->error;
        *ret_report = run.report;
    }
    lt_run_done(&run);
    lt_buf_done(&text);
    return rc;
}

int leat_plan_describe(struct leat_plan *plan, char **ret_text, struct leat_error *err)
{
    return leat_plan_preview(plan, ret_text, NULL, err);
}

void leat_text_free(char *text)
{
    free(text);
}
