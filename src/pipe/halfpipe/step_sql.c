/* SqlExec: the statement that each record holds. */
#include "pipe/halfpipe/types.h"

#include <stdio.h>
#include <stdlib.h>

struct state {
    struct leat_plan *plan;
    int64_t statement, affected; /* fields; affected -1: none */
    struct lt_view view;
};

static int open_sql(struct hp_step *step, struct leat_error *err)
{
    struct state *state = calloc(1, sizeof *state);
    struct lt_type type;
    const char *affected = hp_value(step->def, "sqlRowsAffectedFieldName");
    const char *name = hp_value(step->def, "sqlQueryFieldName");
    step->state = state;
    if (!state) {
        return lt_fail_oom(err);
    }
    state->affected = -1;
    int rc = hp_field(step->inputs[0], name, &state->statement, err);
    rc = rc ? rc : lt_type_of(step->inputs[0]->schema.children[state->statement], &type, err);
    if (!rc && type.id != LT_UTF8 && type.id != LT_LARGE_UTF8) {
        rc = lt_fail(err, LT_E_INVALID, "field \"%s\" is no text", name);
    }
    rc = rc ? rc : hp_plan_source(step, "databaseConnectionName", &state->plan, err);
    rc = rc ? rc : lt_schema_copy(&step->inputs[0]->schema, &step->schema, err);
    return rc || !*affected ? rc
                            : hp_schema_put(&step->schema, "l", affected, &state->affected, err);
}

static int execute(struct state *state, int64_t row, struct lt_builder *rows,
                   struct leat_error *err)
{
    size_t len;
    int64_t n = -1;
    if (lt_view_is_null(&state->view, row)) {
        return lt_fail(err, LT_E_INVALID, "a record has no statement");
    }
    const char *text = (const char *)lt_view_bytes(&state->view, row, &len);
    char *sql = lt_strndup(text, len);
    int rc = sql ? leat_execute(state->plan, sql, &n, err) : lt_fail_oom(err);
    free(sql);
    if (!rc && (n < 0 ? lt_builder_null(rows) : lt_builder_i64(rows, n))) {
        rc = lt_fail_oom(err);
    }
    return rc;
}

static int execute_all(struct hp_step *step, const struct ArrowArray *batch,
                       struct ArrowArray *ret_rows, struct leat_error *err)
{
    struct state *state = step->state;
    struct lt_builder rows = {0};
    struct ArrowSchema field = {.release = NULL};
    const struct ArrowSchema *statement = step->inputs[0]->schema.children[state->statement];
    const struct ArrowArray *column = batch->children[state->statement];
    int rc = lt_schema_init(&field, "l", "", err);
    rc = rc ? rc : lt_builder_init(&rows, &field, err);
    rc = rc ? rc : lt_view_next(&state->view, statement, column, err);
    for (int64_t row = 0; !rc && row < batch->length; row++) {
        rc = hp_run_check(step->flow->run, err);
        rc = rc ? rc : execute(state, row, &rows, err);
    }
    rc = rc ? rc : lt_builder_finish(&rows, ret_rows, err);
    lt_builder_done(&rows);
    lt_schema_done(&field);
    return rc;
}

static int next_sql(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct state *state = step->state;
    struct ArrowArray batch, rows = {.release = NULL};
    int rc = hp_pull(step->inputs[0], &batch, err);
    if (rc || !batch.release) {
        return rc;
    }
    rc = execute_all(step, &batch, &rows, err);
    if (!rc && state->affected >= 0) {
        return hp_batch_put(&batch, state->affected, &rows, ret_batch, err);
    }
    lt_array_done(&rows);
    lt_array_move(&batch, ret_batch);
    return rc;
}

static void close_sql(struct hp_step *step)
{
    struct state *state = step->state;
    if (state) {
        lt_view_done(&state->view);
        leat_plan_free(state->plan);
    }
    free(state);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_sql_exec = {open_sql, next_sql, close_sql};
