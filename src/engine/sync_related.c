/* Syncs of tables that refer to each other: all are compared first; then what goes is deleted,
 * children before their parents, and the rest is written, parents before their children. Each step of
 * a table is a load of its own. */
#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/sync_parts.h"
#include "engine/unit.h"

#include <stdlib.h>

struct related {
    struct lt_run *run;
    struct lt_syncing *syncs; /* parents first */
    size_t n;
    struct lt_side **source, **dest;
    size_t failed; /* which of them did; n: none */
};

static int place(struct related *related, size_t i, int rc, struct leat_error *err)
{
    if (rc) {
        related->failed = i;
        if (err && !err->place[0]) {
            leat_error_place(err, "%s", related->syncs[i].job->label);
        }
    }
    return rc;
}

static int run_once(struct related *related, struct leat_error *err)
{
    struct lt_syncing *syncs = related->syncs;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < related->n; i++) {
        rc = place(related, i, lt_sync_begin(&syncs[i], err), err);
    }
    for (size_t i = related->n; !rc && i-- > 0;) {
        rc = place(related, i, lt_sync_write(&syncs[i], LT_SYNC_DELETES, err), err);
    }
    for (size_t i = 0; !rc && i < related->n; i++) {
        rc = place(related, i, lt_sync_write(&syncs[i], LT_SYNC_REST, err), err);
        rc = rc ? rc : place(related, i, lt_sync_finish(&syncs[i], err), err);
    }
    return rc;
}

/* A passing fault, somebody else who wrote, or a column that is text from now on: all are compared again, and go on from what is
 * there. */
static bool may_go_on(const struct related *related, int rc, const struct leat_error *err,
                      int64_t tries)
{
    int64_t retries = lt_settings_number(&related->run->plan->settings, "retries");
    bool loading = related->failed < related->n && related->syncs[related->failed].loading;
    bool passing = rc == LEAT_UNAVAILABLE && !loading && tries <= retries;
    bool conflict = lt_sync_is_conflict(err) && tries <= LT_SYNC_CONFLICTS_MAX;
    bool retyped = related->failed < related->n && related->syncs[related->failed].retyped;
    return (passing || conflict || retyped) && !atomic_load(&related->run->leat->cancelled) &&
           lt_side_can_be_read_again(*related->source);
}

/* Streams that were not finished because another one failed say so. */
static void tell_others(const struct related *related)
{
    for (size_t i = 0; i < related->n; i++) {
        struct lt_result *result = lt_run_result(related->run, related->syncs[i].index, 0);
        if (i != related->failed && !result->pub.committed && related->failed < related->n) {
            lt_fail(&result->error, LT_E_CANCELLED, "not finished, for %s failed",
                    related->syncs[related->failed].job->label);
            leat_error_place(&result->error, "%s", related->syncs[i].job->label);
        }
    }
}

static void begin_again(struct related *related, size_t first, int64_t tries)
{
    related->failed = related->n;
    for (size_t i = 0; i < related->n; i++) {
        struct lt_syncing *sync = &related->syncs[i];
        lt_sync_done(sync);
        lt_sync_init(sync, related->run, related->source, related->dest, first + i);
        sync->together = (int64_t)related->n;
        lt_run_result(related->run, first + i, 0)->pub.attempts = (int)tries;
    }
}

int lt_sync_run_related(struct lt_run *run, struct lt_side **source, struct lt_side **dest,
                        size_t first, size_t n, struct leat_error *err)
{
    struct related related = {.run = run, .n = n, .source = source, .dest = dest, .failed = n};
    int64_t wait_ms = LT_RETRY_FIRST_MS;
    int rc = LEAT_OK;
    bool again = true;
    related.syncs = calloc(n + 1, sizeof *related.syncs);
    if (!related.syncs) {
        return lt_fail_oom(err);
    }
    for (int64_t tries = 1; again; tries++) {
        begin_again(&related, first, tries);
        rc = run_once(&related, err);
        again = rc && may_go_on(&related, rc, err, tries);
        if (again) {
            (*source)->stale = (*dest)->stale = true;
            lt_log(LT_LOG_INFO, "%s: compared again, for %s", related.syncs[0].job->label,
                   err->message);
            again = rc != LEAT_UNAVAILABLE ||
                    !lt_run_back_off(run, related.syncs[0].job->label, &wait_ms, err);
        }
    }
    if (rc && rc != LEAT_OUTCOME_UNKNOWN && atomic_load(&run->leat->cancelled)) {
        rc = lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
    } else if (rc) {
        tell_others(&related);
    }
    for (size_t i = 0; i < n; i++) {
        lt_sync_done(&related.syncs[i]);
    }
    free(related.syncs);
    return rc;
}
