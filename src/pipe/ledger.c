/* A step of a pipe as a step of an execution: its models are the document and the files it names. */
#include "core/codes.h"
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
