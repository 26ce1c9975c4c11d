/* A run that compares and writes nothing: diff and verify, stream by stream, on the thread that
 * called leat_run(), where its observer is told. */
#include "engine/compare_run.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/difference.h"
#include "engine/losses.h"
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
    to->unchanged = counts->unchanged + counts->skipped;
    result->pub.rows_read = counts->source;
    result->pub.rows_compared = counts->compared;
    result->pub.rows_skipped = counts->skipped;
}

int64_t lt_compare_count(const struct leat_row_counts *counts)
{
    return counts->inserted + counts->updated + counts->deleted;
}

int lt_result_note_resolution(struct lt_result *result, const struct lt_pair *pair,
                              struct leat_error *err)
{
    return lt_result_set_text(&result->resolution, &result->pub.resolution,
                              lt_buf_text(&pair->coarse))
               ? lt_fail_oom(err)
               : LEAT_OK;
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
    return result->drift ? lt_result_note_resolution(result, pair, err) : lt_fail_oom(err);
}

const char *lt_pair_way(const struct lt_pair *pair)
{
    bool a = pair->source.ordered, b = pair->destination.ordered;
    return pair->ranges ? "key ranges compared by hash"
           : a && b     ? "both read in the order of the key"
           : a          ? "the destination was sorted here"
           : b          ? "the source was sorted here"
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
                        struct lt_told *told, struct leat_error *err)
{
    struct lt_differences differences;
    struct lt_match_counts counts = {.columns = NULL};
    int rc = lt_differences_init(&differences, pair, run->observer, told, err);
    rc = rc ? rc : lt_pair_start(pair, err);
    rc = rc ? rc : lt_match(pair, lt_differences_tell, &differences, &counts, err);
    lt_pair_stop(pair);
    if (!rc) {
        lt_compare_note(result, &counts);
        bool equal = !lt_compare_count(&result->pub.counts) && !pair->only_source.len;
        rc = lt_result_set_words(result, lt_pair_way(pair), equal ? "equal" : "different", err);
    }
    free(counts.columns);
    lt_differences_done(&differences);
    return rc;
}

static int diff_job(struct lt_run *run, struct lt_worker *worker, size_t i, struct lt_told *told,
                    struct leat_error *err)
{
    struct lt_pair pair = {.run = NULL};
    struct lt_result *result = lt_run_result(run, i, 0);
    int rc =
        lt_pair_open(&pair, run, &run->jobs.items[i], worker->source, worker->dests[0], 0, err);
    rc = rc ? rc : lt_compare_sample(&run->plan->settings, &pair.sample, err);
    rc = rc ? rc : note_columns(result, &pair, err);
    rc = rc ? rc : diff_records(run, &pair, result, told, err);
    if (rc) {
        lt_pair_note_misfit(&pair, !told->n, err);
    }
    lt_pair_done(&pair);
    return rc;
}

/* Names of columns and their types, and no record. */
static int schema_job(struct lt_run *run, struct lt_worker *worker, size_t i,
                      struct leat_error *err)
{
    struct lt_pair pair = {.run = NULL};
    struct lt_result *result = lt_run_result(run, i, 0);
    int rc = lt_pair_open(&pair, run, &run->jobs.items[i], worker->source, worker->dests[0],
                          LT_PAIR_COLUMNS, err);
    rc = rc ? rc : lt_schema_diff(run, &pair, result, err);
    lt_pair_done(&pair);
    return rc;
}

/* --- verify --------------------------------------------------------------------------------- */

/* Columns whose checksums differ; "" when all are equal, and the counts, and the rows' sums. */
static int compare_sums(const struct lt_pair *pair, struct lt_buf *out, struct leat_error *err)
{
    const struct lt_pair_side *a = &pair->source, *b = &pair->destination;
    int failed = LEAT_OK;
    if (a->rows != b->rows) {
        failed |= lt_buf_printf(out, "%lld rows at the source and %lld at the destination",
                                (long long)a->rows, (long long)b->rows);
    }
    for (int64_t i = 0; i < pair->n_columns; i++) {
        if (a->sums[i] != b->sums[i]) {
            failed |= lt_buf_printf(out, "%schecksums of \"%s\" differ", out->len ? "; " : "",
                                    pair->schema.children[i]->name);
        }
    }
    if (!failed && !out->len && a->sums[pair->n_columns] != b->sums[pair->n_columns]) {
        failed = lt_buf_puts(out, "every column holds the same values, but in other rows");
    }
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

/* Every record of both, in any order. *ret_key: there is one, by which to look closer. */
static int sum_job(struct lt_run *run, struct lt_worker *worker, size_t i, struct lt_buf *out,
                   bool *ret_key, struct leat_error *err)
{
    struct lt_pair pair = {.run = NULL};
    struct lt_result *result = lt_run_result(run, i, 0);
    int rc = lt_pair_open(&pair, run, &run->jobs.items[i], worker->source, worker->dests[0],
                          LT_PAIR_KEYLESS, err);
    rc = rc ? rc : note_columns(result, &pair, err);
    rc = rc ? rc : lt_pair_sum(&pair, err);
    rc = rc ? rc : compare_sums(&pair, out, err);
    *ret_key = pair.n_keys > 0;
    if (!rc) {
        result->pub.rows_read = pair.source.rows;
        result->pub.counts.unchanged = out->len ? 0 : pair.source.rows;
        bool equal = !out->len && !pair.only_source.len;
        rc = lt_result_set_words(result, out->len ? lt_buf_text(out) : "both read whole",
                                 equal ? "counts and checksums equal" : "different", err);
    }
    if (rc) {
        lt_pair_note_misfit(&pair, true, err);
    }
    lt_pair_done(&pair);
    return rc;
}

/* Sums first; only where they differ, and there is a key, the records one by one. */
static int verify_job(struct lt_run *run, struct lt_worker *worker, size_t i, struct lt_told *told,
                      struct leat_error *err)
{
    struct lt_buf differ = LT_BUF_INIT;
    bool key = false;
    int rc = sum_job(run, worker, i, &differ, &key, err);
    bool closer = !rc && differ.len && key && lt_side_can_be_read_again(worker->source);
    rc = closer ? diff_job(run, worker, i, told, err) : rc;
    lt_buf_done(&differ);
    return rc;
}

static int one_job(struct lt_run *run, struct lt_worker *worker, size_t i, struct lt_told *told,
                   struct leat_error *err)
{
    int rc = lt_side_freshen(&worker->source, true, err);
    rc = rc ? rc : lt_side_freshen(&worker->dests[0], false, err);
    if (rc) {
        return rc;
    }
    return run->plan->action == LEAT_ACTION_VERIFY ? verify_job(run, worker, i, told, err)
           : lt_settings_bool(&run->plan->settings, "schema-only")
               ? schema_job(run, worker, i, err)
               : diff_job(run, worker, i, told, err);
}

/* One stream, again after a passing fault, as long as nothing of it was told, or with a further
 * column as text: then what was told is left out. */
static int compare_job(struct lt_run *run, struct lt_worker *worker, size_t i,
                       struct leat_error *err)
{
    struct lt_result *result = lt_run_result(run, i, 0);
    int64_t retries = lt_settings_number(&run->plan->settings, "retries");
    int64_t wait_ms = LT_RETRY_FIRST_MS, started_us = lt_now_us();
    struct lt_told told = {.n = 0};
    const struct lt_typing *typing = &run->jobs.items[i].typing;
    int rc;
    run->current = run->jobs.items[i].label;
    for (int tries = 1;; tries++) {
        const size_t texts = typing->n_texts;
        result->pub.attempts = tries;
        rc = one_job(run, worker, i, &told, err);
        if (rc && typing->n_texts > texts && lt_side_can_be_read_again(worker->source)) {
            leat_error_clear(err);
            tries--;
            continue;
        }
        if (rc != LEAT_UNAVAILABLE || told.n || tries > retries ||
            !lt_side_can_be_read_again(worker->source)) {
            break;
        }
        worker->source->stale = worker->dests[0]->stale = true;
        rc = lt_run_back_off(run, run->current, &wait_ms, err);
        if (rc) {
            break;
        }
    }
    lt_buf_done(&told.key);
    if (rc && rc != LEAT_CANCELLED && atomic_load(&run->leat->cancelled)) {
        rc = lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
    }
    result->pub.elapsed_us = lt_now_us() - started_us;
    if (rc) {
        lt_loss_compared_remedy(err, false);
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
