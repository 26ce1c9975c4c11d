/* MetadataInjection: a group run for each record, with the record's values put into its data. */
#include "pipe/halfpipe/types.h"

#include <stdlib.h>

struct injection {
    struct hp_pairs pairs; /* variable, field */
    int64_t *fields;
    struct lt_view *views;
    struct hp_texts *texts;
    size_t group;
};

static int open_injection(struct hp_step *step, struct leat_error *err)
{
    struct injection *state = calloc(1, sizeof *state);
    const struct lt_halfpipe *pipe = step->flow->run->pipe;
    const char *name = hp_value(step->def, "executeTransformName");
    step->state = state;
    if (!state) {
        return lt_fail_oom(err);
    }
    while (state->group < pipe->n_groups && strcmp(pipe->groups[state->group].name, name)) {
        state->group++;
    }
    if (state->group == pipe->n_groups) {
        return lt_fail(err, LT_E_INVALID, "there is no group \"%s\"", name);
    }
    int rc = hp_pairs_parse(hp_value(step->def, "replaceVariableWithFieldNameCSV"), true,
                            &state->pairs, err);
    state->fields = calloc(state->pairs.n + 1, sizeof *state->fields);
    state->views = calloc(state->pairs.n + 1, sizeof *state->views);
    state->texts = calloc(state->pairs.n + 1, sizeof *state->texts);
    if (!rc && !(state->fields && state->views && state->texts)) {
        rc = lt_fail_oom(err);
    }
    for (size_t i = 0; !rc && i < state->pairs.n; i++) {
        rc = hp_field(step->inputs[0], state->pairs.items[i].right, &state->fields[i], err);
    }
    return rc ? rc : lt_schema_copy(&step->inputs[0]->schema, &step->schema, err);
}

/* A value as it is put in: times by the step's layout, all else as text. malloc'ed. */
static char *value_of(const struct hp_step *step, const struct injection *state, size_t i,
                      int64_t row)
{
    size_t len;
    int64_t seconds, nanos;
    const struct lt_view *view = &state->views[i];
    const char *layout = hp_value(step->def, "replaceDateTimeUsingFormat");
    if (!lt_view_is_null(view, row) && hp_instant(view, row, &seconds, &nanos)) {
        struct lt_buf out = LT_BUF_INIT;
        char *text = hp_go_time(layout, seconds, nanos, false, &out) ? NULL : lt_buf_take(&out);
        lt_buf_done(&out);
        return text;
    }
    const char *text = hp_text_at(&state->texts[i], row, &len);
    return lt_strndup(text, len);
}

static int run_row(struct hp_step *step, struct injection *state, int64_t row,
                   struct leat_error *err)
{
    size_t n = state->pairs.n;
    struct hp_swap *swaps = calloc(n + 1, sizeof *swaps);
    int rc = swaps ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < n; i++) {
        swaps[i] = (struct hp_swap){state->pairs.items[i].left, value_of(step, state, i, row)};
        rc = swaps[i].to ? LEAT_OK : lt_fail_oom(err);
    }
    rc = rc ? rc : hp_run_injected(step->flow->run, state->group, swaps, n, err);
    for (size_t i = 0; swaps && i < n; i++) {
        free((char *)swaps[i].to);
    }
    free(swaps);
    return rc;
}

static int next_injection(struct hp_step *step, struct ArrowArray *ret_batch,
                          struct leat_error *err)
{
    struct injection *state = step->state;
    int rc = hp_pull(step->inputs[0], ret_batch, err);
    if (rc || !ret_batch->release) {
        return rc;
    }
    for (size_t i = 0; !rc && i < state->pairs.n; i++) {
        const struct ArrowArray *column = ret_batch->children[state->fields[i]];
        rc = lt_view_next(&state->views[i], step->inputs[0]->schema.children[state->fields[i]],
                          column, err);
        rc = rc ? rc : hp_texts_fill(&state->texts[i], &state->views[i], err);
    }
    for (int64_t row = 0; !rc && row < ret_batch->length; row++) {
        rc = run_row(step, state, row, err);
    }
    return rc;
}

static void close_injection(struct hp_step *step)
{
    struct injection *state = step->state;
    if (state) {
        for (size_t i = 0; i < state->pairs.n; i++) {
            if (state->views) {
                lt_view_done(&state->views[i]);
            }
            if (state->texts) {
                hp_texts_done(&state->texts[i]);
            }
        }
        free(state->fields);
        free(state->views);
        free(state->texts);
        hp_pairs_done(&state->pairs);
    }
    free(state);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_injection = {open_injection, next_injection, close_injection};
