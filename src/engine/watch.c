/* Watching over a run from the caller's thread: progress, and streams that have ended. */
#include "core/util.h"
#include "engine/run.h"

#define PROGRESS_INTERVAL_MS 200
#define WAIT_MAX_MS 1000
#define INTERVAL_MAX_MS 86400000

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

/* Guarded by the run's mutex. */
static int64_t streams_done(const struct lt_run *run)
{
    int64_t done = 0;
    for (size_t i = 0; i < run->jobs.n; i++) {
        done += run->job_done[i];
    }
    return done;
}

static void tell_progress(struct lt_run *run, int64_t started_us)
{
    if (!run->observer || !run->observer->progress) {
        return;
    }
    int64_t total = rows_total(run);
    pthread_mutex_lock(&run->mutex);
    const struct leat_progress progress = {.size = sizeof progress,
                                           .stream = run->current,
                                           .rows = atomic_load(&run->rows),
                                           .bytes = atomic_load(&run->bytes),
                                           .rows_total = total,
                                           .streams_done = streams_done(run),
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
void lt_run_watch(struct lt_run *run, bool *told)
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
            lt_run_wait(run, left_ms);
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
