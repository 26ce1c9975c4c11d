/* leat_snapshot_hold: one view of a source, kept by a process that does nothing else, so that runs
 * that come one after the other read the same. */
#include "core/codes.h"
#include "core/util.h"
#include "engine/run.h"

#define LOOK_MS 10000 /* so often it is looked whether the snapshot is still there */
#define ROUND_MS 200

/* A session that was lost takes its snapshot along without a word. */
static int still_there(struct lt_run *run, const char *token, struct leat_error *err)
{
    struct lt_side *other = NULL;
    int rc = lt_side_open(run, &run->plan->source, &other, err);
    if (!rc) {
        rc = other->connector->source->snapshot_join(other->ep, token, err);
    }
    lt_side_close(other);
    return rc;
}

/* Until the time is over, or the run cancelled. */
static int hold(struct lt_run *run, const char *token, int64_t for_ms, struct leat_error *err)
{
    const int64_t began_us = lt_now_us();
    int64_t looked_us = began_us;
    int rc = LEAT_OK;
    while (!rc && (for_ms <= 0 || lt_now_us() - began_us < for_ms * 1000)) {
        lt_sleep_ms(ROUND_MS, (const volatile int *)&run->leat->cancelled);
        if (atomic_load(&run->leat->cancelled)) {
            return lt_fail(err, LT_E_CANCELLED, "the snapshot is given up");
        }
        if (lt_now_us() - looked_us > LOOK_MS * 1000) {
            rc = still_there(run, token, err);
            looked_us = lt_now_us();
        }
    }
    return rc;
}

int leat_snapshot_hold(struct leat_plan *plan, int64_t for_ms, leat_snapshot_fn *taken, void *arg,
                       struct leat_error *err)
{
    struct lt_run run;
    struct lt_side *side = NULL;
    char token[sizeof run.snapshot] = "";
    int rc = lt_run_init(&run, plan, NULL, err);
    if (!rc && plan->n_destinations) {
        rc = lt_fail(err, LT_E_USAGE, "name one place, and no destination");
    }
    rc = rc ? rc : lt_side_open(&run, &plan->source, &side, err);
    const struct leat_source_ops *ops = rc ? NULL : side->connector->source;
    if (!rc && !(ops && ops->snapshot_take && ops->snapshot_join)) {
        rc = lt_fail(err, LT_E_UNSUPPORTED, "%s has no snapshots that others could read",
                     side->connector->name);
        leat_error_place(err, "%s", plan->source.text);
    }
    rc = rc ? rc : ops->snapshot_take(side->ep, token, sizeof token, err);
    rc = rc ? rc : taken(arg, token);
    rc = rc ? rc : hold(&run, token, for_ms, err);
    lt_side_close(side);
    lt_run_done(&run);
    return rc;
}
