/* Choosing a merge's statements and running them; see merge.h. */
#include "sql/merge.h"

#include "core/util.h"
#include "sql/merge_parts.h"

#include <inttypes.h>
#include <stdlib.h>

#define STATEMENTS_MAX 64

struct statement {
    const struct lt_merge_form *form;
    char *sql;
};

struct lt_merge_plan {
    struct statement statements[STATEMENTS_MAX];
    size_t n;
    int64_t counts[LT_MERGE_COUNTS];
    struct leat_row_counts rows;
};

static bool applies(const struct lt_merge_form *form, const struct lt_merge *merge, uint32_t has)
{
    return form->modes & 1u << merge->mode && (form->needs & has) == form->needs;
}

int lt_merge_new(const struct lt_merge *merge, struct lt_merge_plan **ret_plan,
                 struct leat_error *err)
{
    struct lt_merge_plan *plan = calloc(1, sizeof *plan);
    uint32_t has = lt_merge_has(merge);
    int status = plan ? LEAT_OK : lt_fail_oom(err);
    for (const struct lt_merge_form *form = lt_merge_forms; form->sql && !status; form++) {
        struct lt_buf sql = LT_BUF_INIT;
        if (!applies(form, merge, has) || plan->n == STATEMENTS_MAX) {
            continue;
        }
        struct statement *at = &plan->statements[plan->n];
        at->form = form;
        if (lt_merge_expand(merge, form->sql, &sql) || !(at->sql = lt_buf_take(&sql))) {
            lt_buf_done(&sql);
            status = lt_fail_oom(err);
        }
        plan->n++;
    }
    if (status) {
        lt_merge_free(plan);
        return status;
    }
    *ret_plan = plan;
    return LEAT_OK;
}

int lt_merge_superseded(const struct lt_merge *merge, struct lt_buf *out)
{
    return lt_merge_expand(merge, lt_merge_superseded_form, out);
}

int lt_merge_goes(const struct lt_merge *merge, bool child, struct lt_buf *out)
{
    uint32_t has = lt_merge_has(merge);
    bool alone = has & LT_NEED_ALONE, marked = has & LT_NEED_REMOVES || !alone;
    int failed = lt_buf_byte(out, '(');
    failed |= marked ? lt_merge_expand(merge, lt_merge_goes_forms[child], out) : LEAT_OK;
    failed |= marked && alone ? lt_buf_puts(out, " OR ") : LEAT_OK;
    failed |= alone ? lt_merge_expand(merge, lt_merge_goes_forms[2 + child], out) : LEAT_OK;
    return failed | lt_buf_byte(out, ')') ? LEAT_NO_MEMORY : LEAT_OK;
}

void lt_merge_free(struct lt_merge_plan *plan)
{
    for (size_t i = 0; plan && i < plan->n; i++) {
        free(plan->statements[i].sql);
    }
    free(plan);
}

const char *lt_merge_sql(const struct lt_merge_plan *plan, size_t i, enum lt_merge_phase *ret_phase)
{
    if (i >= plan->n) {
        return NULL;
    }
    if (ret_phase) {
        *ret_phase = plan->statements[i].form->phase;
    }
    return plan->statements[i].sql;
}

static void take_counts(struct lt_merge_plan *plan)
{
    const int64_t *counts = plan->counts;
    plan->rows = (struct leat_row_counts){
        .size = sizeof plan->rows,
        .inserted = counts[LT_MERGE_INSERTED],
        .updated = counts[LT_MERGE_UPDATED] + counts[LT_MERGE_MOVED],
        .deleted = counts[LT_MERGE_DELETED],
        .unchanged = counts[LT_MERGE_UNCHANGED],
        .superseded = counts[LT_MERGE_SUPERSEDED],
    };
}

const struct leat_row_counts *lt_merge_counts(const struct lt_merge_plan *plan)
{
    return &plan->rows;
}

int lt_merge_check_counts(const struct leat_row_counts *done, const struct leat_row_counts *want,
                          struct leat_error *err)
{
    if (done->inserted == want->inserted && done->updated == want->updated &&
        done->deleted == want->deleted) {
        return LEAT_OK;
    }
    int status = lt_fail(err, LT_E_COUNT_MISMATCH,
                         "%" PRId64 " rows were to be inserted, %" PRId64 " updated and %" PRId64
                         " deleted; the destination's numbers are %" PRId64 ", %" PRId64
                         " and %" PRId64 ": to it other values are the same than to the comparison",
                         want->inserted, want->updated, want->deleted, done->inserted,
                         done->updated, done->deleted);
    leat_error_remedy(err, "leave the columns whose values it takes for the same out (--columns), "
                           "or write all of it anew with leat cp");
    return status;
}

int64_t lt_merge_moved(const struct lt_merge_plan *plan)
{
    return plan->counts[LT_MERGE_MOVED];
}

static int run_one(struct lt_merge_plan *plan, const struct statement *at,
                   const struct lt_merge_host *host, struct leat_error *err)
{
    const struct lt_merge_form *form = at->form;
    int64_t values[LT_MERGE_COUNTS] = {0}, rows = 0;
    bool query = form->kind == LT_MERGE_TAKE || form->kind == LT_MERGE_REFUSE;
    int status = query ? host->row(host->arg, at->sql, values,
                                   form->kind == LT_MERGE_TAKE ? LT_MERGE_COUNTS : 1, err)
                       : host->run(host->arg, at->sql, &rows, err);
    if (status) {
        return status;
    }
    switch (form->kind) {
    case LT_MERGE_REFUSE:
        return values[0] > 0 ? lt_fail(err, form->code, "%" PRId64 " %s", values[0], form->message)
                             : LEAT_OK;
    case LT_MERGE_TAKE:
        for (int i = 0; i < LT_MERGE_COUNTS; i++) {
            plan->counts[i] += values[i];
        }
        return LEAT_OK;
    case LT_MERGE_EXACT:
        return rows == plan->counts[form->count]
                   ? LEAT_OK
                   : lt_fail(err, LT_E_COUNT_MISMATCH,
                             "%" PRId64
                             " rows were to be changed in one step of the merge, and %" PRId64
                             " were",
                             plan->counts[form->count], rows);
    case LT_MERGE_RUN:
        if (form->count >= 0) {
            plan->counts[form->count] += rows;
        }
        return LEAT_OK;
    }
    return LEAT_OK;
}

int lt_merge_run(struct lt_merge_plan *plan, enum lt_merge_phase phase,
                 const struct lt_merge_host *host, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < plan->n && !status; i++) {
        if (plan->statements[i].form->phase == phase) {
            status = run_one(plan, &plan->statements[i], host, err);
        }
    }
    take_counts(plan);
    return status;
}
