/* The commit of a unit, and what became of it when its reply was lost. */
#include "engine/unit.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"

#include <stdio.h>

#define OUTCOME_TRIES 8

/* The destination is asked until it says what became of the load. */
static int ask_until_known(struct lt_unit_try *unit, struct lt_unit_dest *dest,
                           enum leat_outcome *ret_outcome, struct leat_error *err)
{
    const struct leat *leat = unit->run->leat;
    int64_t wait_ms = LT_RETRY_FIRST_MS;
    *ret_outcome = LEAT_LOAD_IN_FLIGHT;
    if (!lt_unit_load_ops(dest)->outcome) {
        return lt_fail(err, LT_E_UNSUPPORTED, "this kind of destination cannot say");
    }
    for (int i = 0; i < OUTCOME_TRIES; i++) {
        (*dest->side)->stale = true;
        int rc = lt_side_freshen(dest->side, false, err);
        if (!rc) {
            /* The old side's parameters went with it. */
            dest->want.params = (*dest->side)->params;
            dest->want.n_params = (*dest->side)->n_params;
            rc = lt_unit_load_ops(dest)->outcome((*dest->side)->ep, &dest->want, ret_outcome, err);
        }
        if (rc ? rc != LEAT_UNAVAILABLE : *ret_outcome != LEAT_LOAD_IN_FLIGHT) {
            return rc;
        }
        lt_sleep_ms(wait_ms, (const volatile int *)&leat->cancelled);
        if (atomic_load(&leat->cancelled)) {
            return lt_fail(err, LT_E_CANCELLED, "the run was cancelled before it could be asked");
        }
        wait_ms = LT_MIN(wait_ms * 2, LT_RETRY_MAX_MS);
    }
    return lt_fail(err, LT_E_UNAVAILABLE, "it is still in flight, or does not answer");
}

/* The reply to a commit was lost: the destination is asked, on fresh connections. Only after that
 * may anything be tried again, or an append would be doubled. */
static int ask_outcome(struct lt_unit_try *unit, size_t d, struct leat_error *err)
{
    struct lt_unit_dest *dest = &unit->dests[d];
    struct leat_error asking = {0};
    enum leat_outcome outcome;
    char why[sizeof err->message] = "its reply was lost";
    if (err && err->message[0]) {
        snprintf(why, sizeof why, "%s", err->message);
    }
    lt_unit_load_ops(dest)->release(dest->load);
    dest->load = NULL;
    lt_unit_release_plan(dest); /* before its endpoint is closed */
    int rc = ask_until_known(unit, dest, &outcome, &asking);
    if (!rc && outcome == LEAT_LOAD_COMMITTED) {
        lt_log(LT_LOG_INFO,
               "load %s: the reply to its commit was lost; the destination says it is "
               "committed",
               dest->load_id);
        return LEAT_OK;
    }
    if (!rc) {
        return lt_fail(err, LT_E_UNAVAILABLE,
                       "the reply to the commit was lost, and the destination says it did not "
                       "happen");
    }
    unit->in_doubt = true;
    for (size_t i = 0; i < unit->n; i++) {
        lt_run_result(unit->run, unit->first + i, d)->in_doubt = true;
    }
    return lt_fail(err, LT_E_OUTCOME_UNKNOWN,
                   "load %s was being committed when this came: %s; the destination could not be "
                   "asked what became of it: %s",
                   dest->load_id, why, asking.message);
}

#define UNTOLD (-1)

/* What the destination says became of its rows; one that says nothing inserted what it took. */
static void note_counts(struct lt_unit_try *unit, size_t d)
{
    for (size_t i = 0; i < unit->n; i++) {
        struct leat_stream_result *result = &lt_run_result(unit->run, unit->first + i, d)->pub;
        result->counts = unit->dests[d].counts[i];
        if (result->counts.inserted == UNTOLD) {
            result->counts.inserted = result->rows_written;
        }
        result->committed = true;
    }
}

int lt_unit_commit(struct lt_unit_try *unit, size_t d, struct leat_error *err)
{
    struct lt_unit_dest *dest = &unit->dests[d];
    const struct lt_slice *slice = unit->n == 1 ? lt_unit_job(unit, 0)->slice : NULL;
    bool already = false;
    for (size_t i = 0; i < unit->n; i++) {
        dest->counts[i] =
            (struct leat_row_counts){.size = sizeof dest->counts[i], .inserted = UNTOLD};
    }
    const struct leat_commit what = {
        .size = sizeof what,
        .receipts = unit->resume.on ? unit->resume.parts.receipts : dest->receipts,
        .n_receipts = unit->resume.on ? unit->resume.parts.n : unit->n,
        .state = slice ? slice->state : NULL,
        .n_state = slice ? slice->n_state : 0,
        .ret_counts = dest->counts,
        .guards = {.size = sizeof what.guards,
                   .rows_expected = dest->rows_expected,
                   .allow_empty =
                       (slice ? slice->flags : unit->run->write_flags) & LEAT_WRITE_ALLOW_EMPTY,
                   .rows_deleted_max = slice && slice->op ? slice->deletes_max : -1,
                   .counts_expected = slice ? slice->counts : NULL}};
    int rc = lt_unit_load_ops(dest)->commit(dest->load, &what, &already, err);
    if (rc == LEAT_OUTCOME_UNKNOWN) {
        rc = ask_outcome(unit, d, err);
    }
    if (rc) {
        if (err && !err->place[0]) {
            leat_error_place(err, "%s", lt_unit_job(unit, 0)->label);
        }
        return rc;
    }
    dest->committed = true;
    note_counts(unit, d);
    if (dest->load) {
        lt_unit_load_ops(dest)->release(dest->load);
        dest->load = NULL;
    }
    return LEAT_OK;
}
