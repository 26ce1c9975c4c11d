/* Steps of a pipe as steps of an execution: their models are the document and the files they name. */
#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "leat/execution.h"
#include "pipe/pipe.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The path below / as a pattern that matches nothing else; NULL without memory. */
static const char *pattern_of(struct lt_arena *arena, const char *path)
{
    char *text = lt_arena_alloc(arena, 3 * strlen(path) + 1);
    size_t n = 0;
    for (const char *p = path + 1; text && *p; p++) {
        bool special = strchr("*?[", *p);
        if (special) {
            text[n++] = '[';
        }
        text[n++] = *p;
        if (special) {
            text[n++] = ']';
        }
    }
    return text;
}

int lt_ledger_begin(struct leat_pipe *pipe, const struct lt_step *step, struct leat_state *state,
                    const char *execution, char *ret_id, struct leat_error *err)
{
    struct lt_arena arena = {NULL, false};
    const char **patterns = lt_arena_alloc(&arena, (step->files.n + 2) * sizeof *patterns);
    size_t n = 0;
    for (size_t i = 0; patterns && i <= step->files.n; i++) {
        char full[PATH_MAX];
        /* Standard input is no file, and one that has gone since is no model. */
        if (realpath(i ? step->files.items[i - 1].text : pipe->doc.path, full)) {
            patterns[n++] = pattern_of(&arena, full);
        }
    }
    const struct leat_step begun = {.size = sizeof begun,
                                    .execution_id = execution,
                                    .name = step->name,
                                    .base_path = "/",
                                    .patterns = patterns,
                                    .n_patterns = n,
                                    .flags = LEAT_STEP_LATER_WINS};
    int rc = arena.failed ? lt_fail_oom(err) : leat_step_init(state, &begun, ret_id, NULL, err);
    lt_arena_done(&arena);
    return rc;
}

static void warn(const char *name, const struct leat_error *err)
{
    lt_log(LT_LOG_WARN, "the step \"%s\" is not recorded: %s", name, err->message);
}

void lt_ledger_end(struct leat_state *state, const char *id, const char *name, int64_t rows,
                   const struct leat_error *error)
{
    struct leat_error err = {0};
    int ended = error->status ? leat_step_fail(state, id, error->message, &rows, &err)
                              : leat_step_complete(state, id, &rows, NULL, &err);
    if (ended) {
        warn(name, &err);
    }
}

/* --- Halfpipe -------------------------------------------------------------------------------- */

/* Between a document of Halfpipe and its observer. Groups that are told of run one after the other,
 * their steps at once. */
struct watch {
    struct leat_pipe *pipe;
    struct leat_state *state;
    const char *execution;
    const struct leat_pipe_observer *observer; /* may be NULL */
    char (*ids)[LEAT_GUID_MAX];                /* of the group at work; "": none */
    int64_t n;
};

static void on_begin(void *arg, const struct leat_pipe_step *told)
{
    struct watch *watch = arg;
    const struct lt_step step = {.name = told->name};
    struct leat_error err = {0};
    if (!told->index) {
        free(watch->ids);
        watch->ids = calloc((size_t)told->count, sizeof *watch->ids);
        watch->n = watch->ids ? told->count : 0;
    }
    int rc = told->index < watch->n
                 ? lt_ledger_begin(watch->pipe, &step, watch->state, watch->execution,
                                   watch->ids[told->index], &err)
                 : lt_fail_oom(&err);
    if (rc) {
        warn(told->name, &err);
    }
    if (watch->observer && watch->observer->step_begin) {
        watch->observer->step_begin(watch->observer->arg, told);
    }
}

static void on_done(void *arg, const struct leat_pipe_step *told)
{
    struct watch *watch = arg;
    const char *id = told->index < watch->n ? watch->ids[told->index] : "";
    struct leat_error stopped = {0};
    if (told->skipped) {
        lt_fail(&stopped, LT_E_CANCELLED, "it was stopped before its end");
    }
    if (*id) {
        lt_ledger_end(watch->state, id, told->name, told->rows,
                      told->skipped ? &stopped : told->error);
    }
    if (watch->observer && watch->observer->step_done) {
        watch->observer->step_done(watch->observer->arg, told);
    }
}

int lt_ledger_run_halfpipe(struct leat_pipe *pipe, struct leat_state *state, const char *execution,
                           const struct leat_pipe_observer *observer, struct leat_error *err)
{
    struct watch watch = {
        .pipe = pipe, .state = state, .execution = execution, .observer = observer};
    const struct leat_pipe_observer watching = {
        .size = sizeof watching, .arg = &watch, .step_begin = on_begin, .step_done = on_done};
    if (!state || !execution) {
        return lt_halfpipe_run(pipe->halfpipe, observer, err);
    }
    int rc = lt_halfpipe_run(pipe->halfpipe, &watching, err);
    free(watch.ids);
    return rc;
}
