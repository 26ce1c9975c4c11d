/* Running a pipe: its steps in their order, each with its hooks, told to the observer and the ledger. */
#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "leat/execution.h"
#include "pipe/halfpipe/halfpipe.h"
#include "pipe/pipe.h"

#include <stdlib.h>
#include <string.h>

enum outcome { WAITING, DONE, FAILED, SKIPPED };

struct run {
    struct leat_pipe *pipe;
    struct leat_state *state;
    const char *execution; /* NULL: none */
    const struct leat_pipe_observer *observer;
    enum outcome *outcomes; /* of each step of the document */
    bool failed, different;
    struct leat_error *err; /* of the first failure */
    int rc;
};

/* The step at work. */
struct work {
    struct run *run;
    const struct lt_step *step;
    struct leat_pipe_step told;
    struct leat_error error;
};

static const char *action_of(const struct lt_step *step)
{
    return step->kind == LT_STEP_SQL    ? "sql"
           : step->kind == LT_STEP_PIPE ? "pipe"
                                        : step->mode->word;
}

/* --- what a step does ----------------------------------------------------------------------- */

static void count_report(struct work *work, struct leat_report *report)
{
    for (size_t i = 0; i < leat_report_count(report); i++) {
        const struct leat_stream_result *r = leat_report_result(report, i);
        bool compares = r->rows_compared && !r->rows_written;
        work->told.rows += compares ? r->rows_compared : r->committed ? r->rows_written : 0;
        work->run->different = work->run->different || !strcmp(r->proof, "different");
    }
    work->run->different = work->run->different || leat_report_differences(report) > 0;
}

static int run_plan(struct work *work, const struct lt_step_plan *plan, struct leat_error *err)
{
    const struct leat_pipe_observer *observer = work->run->observer;
    bool prints =
        plan->mode->action == LEAT_ACTION_META && !leat_plan_is_set(plan->plan, "execute");
    if (prints) {
        char *text = NULL;
        int rc = leat_plan_describe(plan->plan, &text, err);
        if (!rc && observer && observer->text) {
            observer->text(observer->arg, &work->told, text);
        }
        leat_text_free(text);
        return rc;
    }
    struct leat_report *report = NULL;
    int rc = leat_run(plan->plan, observer ? &observer->run : NULL, &report, err);
    if (report) {
        count_report(work, report);
        if (observer && observer->plan_done) {
            observer->plan_done(observer->arg, &work->told, report);
        }
    }
    leat_report_free(report);
    return rc;
}

static int run_plans(struct work *work)
{
    struct leat_pipe *pipe = work->run->pipe;
    struct lt_step_plans plans;
    int rc = lt_step_plans(pipe, work->step, &plans, &work->error), first = rc;
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < plans.unmatched.n; i++) {
        lt_log(LT_LOG_WARN, "%s:%d:%d: \"%s\" matches no stream", pipe->doc.path,
               (int)plans.unmatched.items[i].node->line, (int)plans.unmatched.items[i].node->column,
               plans.unmatched.items[i].text);
    }
    for (size_t i = 0; i < plans.n && (!first || pipe->keep_going); i++) {
        struct leat_error err = {0};
        rc = run_plan(work, &plans.items[i], &err);
        if (rc && !first) {
            first = rc;
            work->error = err;
        }
        if (rc == LEAT_CANCELLED) {
            break;
        }
    }
    lt_step_plans_done(&plans);
    return first;
}

static int run_sql(struct work *work)
{
    const struct lt_step *step = work->step;
    struct leat_plan *plan = NULL;
    int64_t rows = -1;
    int rc = lt_place_plan(work->run->pipe, step->in.text, step->in.node, &plan, &work->error);
    if (!rc) {
        rc = leat_execute(plan, step->sql.text, &rows, &work->error);
        work->told.rows = LT_MAX(rows, 0);
    }
    leat_plan_free(plan);
    return rc;
}

static int run_nested(struct work *work)
{
    bool different = false;
    int rc = leat_pipe_run(work->step->nested, NULL, NULL, work->run->observer, &different,
                           &work->error);
    work->run->different = work->run->different || different;
    return rc;
}

/* --- around it ------------------------------------------------------------------------------ */

static int run_hooks(struct work *work, enum lt_hook_time when, const char *status,
                     struct leat_error *err)
{
    const struct lt_hook_facts facts = {.pipe = work->run->pipe->doc.name,
                                        .step = work->step->name,
                                        .status = status,
                                        .execution = work->run->execution,
                                        .error = &work->error,
                                        .rows = work->told.rows};
    return lt_hooks_run(work->run->pipe, &work->step->hooks, when, &facts, err);
}

/* A hook after a failure can make nothing worse. */
static void warn_of_hook(const struct leat_error *err)
{
    lt_log(LT_LOG_WARN, "a hook on an error failed: %s%s%s", err->place, *err->place ? ": " : "",
           err->message);
}

static int do_step(struct work *work)
{
    static int (*const actions[])(struct work *) = {
        [LT_STEP_PLAN] = run_plans, [LT_STEP_SQL] = run_sql, [LT_STEP_PIPE] = run_nested};
    int rc = run_hooks(work, LT_HOOK_BEFORE, "started", &work->error);
    rc = rc ? rc : actions[work->step->kind](work);
    rc = rc ? rc : run_hooks(work, LT_HOOK_AFTER, "done", &work->error);
    if (rc) {
        struct leat_error err = {0};
        work->error.status = (enum leat_status)rc;
        if (run_hooks(work, LT_HOOK_ON_ERROR, "failed", &err)) {
            warn_of_hook(&err);
        }
    }
    return rc;
}

static int run_step(struct run *run, size_t index, int64_t number)
{
    const struct leat_pipe_observer *observer = run->observer;
    struct work work = {.run = run, .step = &run->pipe->doc.steps[index]};
    char id[LEAT_GUID_MAX] = "";
    int64_t started = lt_now_us();
    work.told = (struct leat_pipe_step){.size = sizeof work.told,
                                        .name = work.step->name,
                                        .action = action_of(work.step),
                                        .index = number,
                                        .count = (int64_t)(run->pipe->last - run->pipe->first)};
    if (observer && observer->step_begin) {
        observer->step_begin(observer->arg, &work.told);
    }
    int rc = run->execution ? lt_ledger_begin(run->pipe, work.step, run->state, run->execution, id,
                                              &work.error)
                            : LEAT_OK;
    rc = rc ? rc : do_step(&work);
    work.error.status = (enum leat_status)rc;
    if (*id) {
        lt_ledger_end(run->state, id, work.step->name, work.told.rows, &work.error);
    }
    work.told.error = &work.error;
    work.told.elapsed_us = lt_now_us() - started;
    if (observer && observer->step_done) {
        observer->step_done(observer->arg, &work.told);
    }
    run->outcomes[index] = rc ? FAILED : DONE;
    if (rc && !run->failed) {
        run->failed = true;
        run->rc = rc;
        if (run->err) {
            *run->err = work.error;
            leat_error_place(run->err, "step \"%s\"", work.step->name);
        }
    }
    return rc;
}

/* Whether the step's turn has come, by what became of those before it. */
static bool may_run(const struct run *run, const struct lt_step *step)
{
    bool needed_failed = false;
    for (size_t i = 0; i < step->needs.n; i++) {
        enum outcome outcome = run->outcomes[step->needed[i]];
        needed_failed = needed_failed || outcome == FAILED || outcome == SKIPPED;
    }
    switch (step->when) {
    case LT_WHEN_ALWAYS:
        return true;
    case LT_WHEN_FAILED:
        return step->needs.n ? needed_failed : run->failed;
    case LT_WHEN_SUCCESS:
        break;
    }
    return !needed_failed && (!run->failed || run->pipe->keep_going);
}

static void skip_step(struct run *run, size_t index, int64_t number)
{
    const struct leat_pipe_observer *observer = run->observer;
    const struct lt_step *step = &run->pipe->doc.steps[index];
    const struct leat_error none = {0};
    const struct leat_pipe_step told = {.size = sizeof told,
                                        .name = step->name,
                                        .action = action_of(step),
                                        .index = number,
                                        .count = (int64_t)(run->pipe->last - run->pipe->first),
                                        .error = &none,
                                        .skipped = true};
    run->outcomes[index] = step->when == LT_WHEN_FAILED ? DONE : SKIPPED;
    if (observer && observer->step_done) {
        observer->step_done(observer->arg, &told);
    }
}

static int pipe_hooks(struct run *run, enum lt_hook_time when, const char *status,
                      struct leat_error *err)
{
    const struct lt_hook_facts facts = {.pipe = run->pipe->doc.name,
                                        .step = "",
                                        .status = status,
                                        .execution = run->execution,
                                        .error = run->rc ? run->err : NULL};
    return lt_hooks_run(run->pipe, &run->pipe->doc.hooks, when, &facts, err);
}

int leat_pipe_run(struct leat_pipe *pipe, struct leat_state *state, const char *execution,
                  const struct leat_pipe_observer *observer, bool *ret_different,
                  struct leat_error *err)
{
    struct leat_error own = {0};
    if (pipe->halfpipe) {
        if (ret_different) {
            *ret_different = false;
        }
        return lt_ledger_run_halfpipe(pipe, state, execution, observer, err);
    }
    struct run run = {.pipe = pipe,
                      .state = state,
                      .execution = state ? execution : NULL,
                      .observer = observer,
                      .err = err ? err : &own,
                      .outcomes = calloc(pipe->doc.n_steps + 1, sizeof *run.outcomes)};
    if (!run.outcomes) {
        return lt_fail_oom(err);
    }
    run.rc = pipe_hooks(&run, LT_HOOK_BEFORE, "started", run.err);
    run.failed = run.rc != LEAT_OK;
    for (size_t i = pipe->first; i < pipe->last; i++) {
        size_t index = pipe->doc.order[i];
        bool may = run.rc != LEAT_CANCELLED && may_run(&run, &pipe->doc.steps[index]);
        if (may) {
            run_step(&run, index, (int64_t)(i - pipe->first));
        } else {
            skip_step(&run, index, (int64_t)(i - pipe->first));
        }
    }
    run.rc = run.rc ? run.rc : pipe_hooks(&run, LT_HOOK_AFTER, "done", run.err);
    struct leat_error late = {0};
    if (run.rc && pipe_hooks(&run, LT_HOOK_ON_ERROR, "failed", &late)) {
        warn_of_hook(&late);
    }
    if (ret_different) {
        *ret_different = run.different;
    }
    free(run.outcomes);
    return run.rc;
}
