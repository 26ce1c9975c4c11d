/* A run that compares and writes nothing: diff and verify, stream by stream, on the thread that
 * called leat_run(), where its observer is told. */
#include "engine/compare_run.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/difference.h"
#include "engine/pair.h"
#include "engine/unit.h"

#include <stdlib.h>

bool lt_action_compares(enum leat_action action)
{
    return action == LEAT_ACTION_DIFF || action == LEAT_ACTION_VERIFY;
}

int lt_compare_sample(const struct lt_settings *settings, uint64_t *ret_sample,
                      struct leat_error *err)
{
    const char *text = lt_settings_text(settings, "sample");
    char *end = NULL;
    double percent = text ? strtod(text, &end) : 100;
    if (text && (end == text || strcmp(end, "%") || !(percent > 0) || percent > 100)) {
        return lt_fail(err, LT_E_USAGE, "--sample is a part of the keys such as 1%%");
    }
    *ret_sample = percent >= 100 ? UINT64_MAX : (uint64_t)(percent / 100 * 0x1p64);
    return LEAT_OK;
}

/* What both are, in words and numbers, into the result. */
void lt_compare_note(struct lt_result *result, const struct lt_match_counts *counts)
{
    struct leat_row_counts *to = &result->pub.counts;
    to->inserted = counts->inserted;
    to->updated = counts->updated;
    to->deleted = counts->deleted;
    to->unchanged = counts->unchanged;
    result->pub.rows_read = counts->source;
    result->pub.rows_compared = counts->compared;
}

int64_t lt_compare_count(const struct leat_row_counts *counts)
{
    return counts->inserted + counts->updated + counts->deleted;
}

/* Columns that only one side has are a difference as well: equal records are not all there is. */
static int note_columns(struct lt_result *result, const struct lt_pair *pair,
                        struct leat_error *err)
{
    const struct lt_buf *a = &pair->only_source, *b = &pair->only_destination;
    free(result->drift);
    result->drift = lt_format("%s%s%s%s%s", a->len ? "only at the source: " : "", lt_buf_text(a),
                              a->len && b->len ? "; " : "",
                              b->len ? "only at the destination: " : "", lt_buf_text(b));
    result->pub.drift = result->drift ? result->drift : "";
    return result->drift ? LEAT_OK : lt_fail_oom(err);
}

static const char *way_of(const struct lt_pair *pair)
{
    bool a = pair->source.ordered, b = pair->destination.ordered;
    return a && b ? "both read in the order of the key"
           : a    ? "the destination was sorted here"
           : b    ? "the source was sorted here"
                  : "both were sorted here";
}

int lt_result_set_words(struct lt_result *result, const char *route, const char *proof,
                        struct leat_error *err)
{
    free(result->route);
    free(result->proof);
    result->route = lt_strdup(route);
    result->proof = lt_strdup(proof);
    result->pub.route = result->route ? result->route : "";
    result->pub.proof = result->proof ? result->proof : "";
    return result->route && result->proof ? LEAT_OK : lt_fail_oom(err);
}

/* Differences of one stream, told as they are found. */
static int diff_records(struct lt_run *run, struct lt_pair *pair, struct lt_result *result,
                        int64_t *told, struct leat_error *err)
{
    struct lt_differences differences;
    struct lt_match_counts counts = {.columns = NULL};
    int rc = lt_differences_init(&differences, pair, run->observer, err);
    rc = rc ? rc : lt_pair_start(pair, err);
    rc = rc ? rc : lt_match(pair, lt_differences_tell, &differences, &counts, err);
    lt_pair_stop(pair);
    *told += differences.told;
    if (!rc) {
        lt_compare_note(result, &counts);
        bool equal = !lt_compare_count(&result->pub.counts) && !pair->only_source.len;
        rc = lt_result_set_words(result, way_of(pair), equal ? "equal" : "different", err);
    }
    free(counts.columns);
    lt_differences_done(&differences);
    return rc;
}

static int diff_job(struct lt_run *run, struct lt_worker *worker, size_t i, int64_t *told,
                    struct leat_error *err)
{
    struct lt_pair pair = {.run = NULL};
    struct lt_result *result = lt_run_result(run, i, 0);
    int rc = lt_side_freshen(&worker->source, true, err);
    rc = rc ? rc : lt_side_freshen(&worker->dests[0], false, err);
    rc = rc ? rc
            : lt_pair_open(&pair, run, &run->jobs.items[i], worker->source, worker->dests[0], 0,
                           err);
    rc = rc ? rc : lt_compare_sample(&run->plan->settings, &pair.sample, err);
    rc = rc ? rc : note_columns(result, &pair, err);
    rc = rc ? rc : diff_records(run, &pair, result, told, err);
    lt_pair_done(&pair);
    return rc;
}

/* One stream, again after a passing fault, as long as nothing of it was told. */
static int compare_job(struct lt_run *run, struct lt_worker *worker, size_t i,
                       struct leat_error *err)
{
    struct lt_result *result = lt_run_result(run, i, 0);
    int64_t retries = lt_settings_number(&run->plan->settings, "retries");
    int64_t wait_ms = LT_RETRY_FIRST_MS, told = 0, started_us = lt_now_us();
    int rc;
    run->current = run->jobs.items[i].label;
    for (int tries = 1;; tries++) {
        result->pub.attempts = tries;
        rc = diff_job(run, worker, i, &told, err);
        if (rc != LEAT_UNAVAILABLE || told || tries > retries ||
            !lt_side_can_be_read_again(worker->source)) {
            break;
        }
        worker->source->stale = worker->dests[0]->stale = true;
        rc = lt_run_back_off(run, run->current, &wait_ms, err);
        if (rc) {
            break;
        }
    }
    if (rc && rc != LEAT_CANCELLED && atomic_load(&run->leat->cancelled)) {
        rc = lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
    }
    result->pub.elapsed_us = lt_now_us() - started_us;
    if (rc) {
        result->error = *err;
    }
    run->job_done[i] = true;
    run->units_done++;
    if (run->observer && run->observer->stream_done) {
        run->observer->stream_done(run->observer->arg, &result->pub);
    }
    return rc;
}

int lt_compare_run(struct lt_run *run, struct lt_worker *worker, struct leat_error *err)
{
    int rc = LEAT_OK;
    run->units_n = run->jobs.n;
    run->job_done = calloc(run->jobs.n + 1, sizeof *run->job_done);
    if (!run->job_done) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < run->jobs.n && (!rc || (run->keep_going && rc != LEAT_CANCELLED)); i++) {
        struct leat_error own = {0};
        int status = compare_job(run, worker, i, &own);
        if (status && !rc) {
            rc = status;
            *err = own;
        }
    }
    return rc;
}
