/* One unit of work: some streams (one, or with --atomic all) in one load per destination. */
#include "engine/unit.h"

#include "core/codes.h"
#include "core/util.h"
#include "engine/stream_source.h"

#include <stdlib.h>

int lt_unit_init(struct lt_unit_try *unit, struct lt_run *run, struct lt_side **source,
                 struct lt_side **dests, size_t first, size_t n, struct leat_error *err)
{
    *unit = (struct lt_unit_try){
        .run = run, .source = source, .first = first, .n = n, .n_dests = run->plan->n_destinations};
    unit->dests = calloc(unit->n_dests + 1, sizeof *unit->dests);
    unit->schemas = calloc(n, sizeof *unit->schemas);
    unit->source_ids = calloc(n, sizeof *unit->source_ids);
    bool ok = unit->dests && unit->schemas && unit->source_ids;
    for (size_t d = 0; ok && d < unit->n_dests; d++) {
        struct lt_unit_dest *dest = &unit->dests[d];
        dest->side = &dests[d];
        dest->streams = calloc(n, sizeof *dest->streams);
        dest->receipts = calloc(n, sizeof *dest->receipts);
        dest->rows_expected = calloc(n, sizeof *dest->rows_expected);
        dest->counts = calloc(n, sizeof *dest->counts);
        ok = dest->streams && dest->receipts && dest->rows_expected && dest->counts;
    }
    for (size_t i = 0; ok && i < n; i++) {
        unit->source_ids[i] = lt_job_source_id(run, &run->jobs.items[first + i]);
        ok = unit->source_ids[i] != NULL;
    }
    return ok ? LEAT_OK : lt_fail_oom(err);
}

void lt_unit_done(struct lt_unit_try *unit)
{
    lt_unit_end_flow(unit);
    for (size_t d = 0; unit->dests && d < unit->n_dests; d++) {
        struct lt_unit_dest *dest = &unit->dests[d];
        if (dest->load && lt_resume_keeps(unit)) {
            lt_unit_load_ops(dest)->release(dest->load);
        } else if (dest->load) {
            lt_unit_load_ops(dest)->abort(dest->load);
        }
        lt_unit_release_plan(dest);
        free(dest->streams);
        free(dest->receipts);
        free(dest->rows_expected);
        free(dest->counts);
    }
    for (size_t i = 0; i < unit->n; i++) {
        if (unit->schemas) {
            lt_schema_done(&unit->schemas[i]);
        }
        free(unit->source_ids ? unit->source_ids[i] : NULL);
    }
    free(unit->schemas);
    free(unit->source_ids);
    free(unit->dests);
    lt_resume_done(&unit->resume);
}

static void mark_touched(struct lt_unit_try *unit, size_t d)
{
    unit->dests[d].lasting = unit->dests[d].plan.atomicity == LEAT_ATOMIC_NONE;
    for (size_t i = 0; i < unit->n; i++) {
        struct lt_result *result = lt_run_result(unit->run, unit->first + i, d);
        result->pub.touched = true;
        result->lasting = unit->dests[d].lasting;
    }
}

static int attempt(struct lt_unit_try *unit, struct leat_error *err)
{
    int rc = lt_resume_look(unit, err);
    rc = rc ? rc : lt_unit_find_schemas(unit, err);
    rc = rc ? rc : lt_resume_plan(unit, err);
    for (size_t d = 0; !rc && d < unit->n_dests; d++) {
        rc = lt_unit_plan(unit, d, err);
    }
    for (size_t d = 0; !rc && d < unit->n_dests; d++) {
        struct lt_unit_dest *dest = &unit->dests[d];
        rc = lt_unit_load_ops(dest)->begin((*dest->side)->ep, &dest->plan, &dest->load, err);
        if (!rc) {
            mark_touched(unit, d);
        } else if (err && !err->place[0]) {
            leat_error_place(err, "%s", lt_unit_job(unit, 0)->label);
        }
    }
    rc = rc ? rc : lt_resume_begun(unit, err);
    for (size_t i = 0; !rc && i < unit->n; i++) {
        rc = lt_unit_move(unit, i, err);
    }
    rc = rc ? rc : lt_resume_check(unit, err);
    for (size_t d = 0; !rc && d < unit->n_dests; d++) {
        rc = lt_unit_commit(unit, d, err);
    }
    return rc;
}

/* Nothing of this unit may be tried again: some of it is committed, or may be, or stays written
 * whatever becomes of the rest. */
static bool is_final(const struct lt_unit_try *unit)
{
    bool final = unit->in_doubt;
    for (size_t d = 0; unit->dests && d < unit->n_dests; d++) {
        final = final || unit->dests[d].committed || unit->dests[d].lasting;
    }
    return final;
}

/* What may follow a failed attempt. */
struct tried {
    bool final; /* nothing */
    bool again; /* another one at once, for a column is now carried as text */
};

/* One attempt, from fresh sides to the commit or to nothing. */
static int try_once(struct lt_run *run, struct lt_side **source, struct lt_side **dests,
                    size_t first, size_t n, int tries, struct tried *ret_tried,
                    struct leat_error *err)
{
    struct lt_unit_try unit;
    size_t n_dests = run->plan->n_destinations;
    *ret_tried = (struct tried){.final = false};
    for (size_t i = first * n_dests; i < (first + n) * n_dests; i++) {
        run->report->results[i].pub.attempts = tries;
    }
    int rc = lt_side_freshen(source, true, err);
    for (size_t d = 0; !rc && d < n_dests; d++) {
        rc = lt_side_freshen(&dests[d], false, err);
    }
    if (rc) {
        return rc;
    }
    rc = lt_unit_init(&unit, run, source, dests, first, n, err);
    unit.attempt = tries;
    if (!rc) {
        rc = attempt(&unit, err);
    }
    *ret_tried = (struct tried){is_final(&unit), unit.again};
    unit.resume.passing = rc == LEAT_UNAVAILABLE || rc == LEAT_CANCELLED ||
                          (rc && atomic_load(&run->leat->cancelled));
    if (rc && !ret_tried->final) {
        lt_rejects_forget(run->rejects, unit.rejected);
    }
    lt_unit_done(&unit);
    for (size_t d = 0; rc && d < n_dests; d++) {
        dests[d]->stale = true; /* after a fault nobody knows in what state it is */
    }
    return rc;
}

/* Standard input gives its bytes once, and an embedder's stream its batches. */
bool lt_side_can_be_read_again(const struct lt_side *source)
{
    return !source->run->input_spent && (source->connector != &lt_connector_stream_source ||
                                         !lt_stream_source_was_read(source->ep));
}

int lt_unit_run(struct lt_run *run, struct lt_side **source, struct lt_side **dests, size_t first,
                size_t n, struct leat_error *err)
{
    int64_t retries = lt_settings_number(&run->plan->settings, "retries");
    int64_t wait_ms = LT_RETRY_FIRST_MS;
    for (int tries = 1;; tries++) {
        struct tried tried;
        int rc = try_once(run, source, dests, first, n, tries, &tried, err);
        bool cancelled = atomic_load(&run->leat->cancelled);
        if (rc && rc != LEAT_OUTCOME_UNKNOWN && cancelled) {
            return lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
        }
        bool over = tried.final || !lt_side_can_be_read_again(*source);
        if (rc && tried.again && !over) {
            tries--; /* nothing failed but the type */
            continue;
        }
        if (rc && tried.again) {
            leat_error_remedy(err, "what was read cannot be read again: --cast carries the column "
                                   "as text from the start");
        }
        if (rc != LEAT_UNAVAILABLE || over || tries > retries) {
            return rc;
        }
        rc = lt_run_back_off(run, run->jobs.items[first].label, &wait_ms, err);
        if (rc) {
            return rc;
        }
    }
}
