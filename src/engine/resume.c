#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/unit.h"

#include <stdio.h>
#include <stdlib.h>

void lt_resume_done(struct lt_resume *resume)
{
    free(resume->fingerprint);
    free(resume->key);
    lt_parts_done(&resume->parts);
    *resume = (struct lt_resume){.key = NULL};
}

const char *lt_resume_open_loads(const struct lt_unit_try *unit)
{
    return unit->resume.key && unit->run->report
               ? lt_run_result(unit->run, unit->first, 0)->open_loads
               : NULL;
}

/* For a later attempt of this run: what others commit between the two is not loaded again. */
static int keep_open_loads(struct lt_unit_try *unit, struct leat_error *err)
{
    struct lt_unit_dest *dest = &unit->dests[0];
    if (!unit->resume.key || !unit->run->report || !dest->plan.open_loads) {
        return LEAT_OK;
    }
    struct lt_result *result = lt_run_result(unit->run, unit->first, 0);
    char *copy = lt_strdup(dest->plan.open_loads);
    if (!copy) {
        return lt_fail_oom(err);
    }
    free(result->open_loads);
    result->open_loads = copy;
    dest->want.open_loads = copy;
    return LEAT_OK;
}

int lt_resume_planned(struct lt_unit_try *unit, struct leat_error *err)
{
    char why[200];
    const struct leat_load_plan *plan = &unit->dests[0].plan;
    if (!unit->resume.key || plan->resumable) {
        return keep_open_loads(unit, err);
    }
    snprintf(why, sizeof why, "%s commits nothing but whole loads",
             (*unit->dests[0].side)->connector->name);
    free(unit->resume.key);
    unit->resume.key = NULL;
    unit->dests[0].want.resume = NULL;
    lt_flow_lanes_done(&unit->flow); /* it may be read by several readers again */
    return lt_resume_not(unit, plan->unresumable ? plan->unresumable : why, err);
}

int lt_resume_begun(struct lt_unit_try *unit, struct leat_error *err)
{
    struct lt_resume *resume = &unit->resume;
    struct lt_unit_dest *dest = &unit->dests[0];
    struct leat_resumed found = {.size = sizeof found};
    struct lt_result *result = lt_run_result(unit->run, unit->first, 0);
    if (!resume->key) {
        return LEAT_OK;
    }
    int rc = lt_unit_load_ops(dest)->resumed(dest->load, &found, err);
    if (rc) {
        return rc;
    }
    resume->on = true;
    if (!found.taken) {
        const char *why =
            found.changed ? found.changed : lt_resume_difference(resume->key, found.resume);
        return found.resume ? lt_resume_not(unit, why, err) : LEAT_OK;
    }
    memcpy(dest->load_id, found.load_id, sizeof dest->load_id);
    memcpy(result->load_id, found.load_id, sizeof result->load_id);
    rc = lt_parts_take(&resume->parts, found.receipts, found.n_receipts, err);
    result->pub.parts_resumed = (int64_t)resume->parts.n_earlier;
    result->pub.rows_resumed = resume->parts.rows_earlier;
    lt_log(LT_LOG_INFO, "%s: goes on with load %s, which has %zu parts with %lld rows",
           lt_unit_job(unit, 0)->label, dest->load_id, resume->parts.n_earlier,
           (long long)resume->parts.rows_earlier);
    return rc;
}

void lt_resume_flow(struct lt_unit_try *unit)
{
    struct lt_parts *parts = &unit->resume.parts;
    struct lt_flow_dest *to = &unit->flow.dests[0];
    if (unit->resume.on) {
        unit->flow.parts = parts;
        to->rows_in = to->receipt.rows_inserted = parts->rows_earlier;
        for (size_t i = 0; i < parts->n_earlier; i++) {
            to->receipt.bytes += parts->receipts[i].bytes;
        }
    }
}

bool lt_resume_keeps(struct lt_unit_try *unit)
{
    const struct lt_resume *resume = &unit->resume;
    bool keeps = resume->on && resume->passing;
    if (keeps && resume->parts.n) {
        lt_log(LT_LOG_WARN,
               "%s: %zu parts of it stay at the destination; --resume goes on from there",
               lt_unit_job(unit, 0)->label, resume->parts.n);
    }
    return keeps;
}
