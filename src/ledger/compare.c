/* What differs between a step and an earlier one of its name. */
#include "core/codes.h"
#include "core/util.h"
#include "ledger/ledger.h"
#include "ledger/text.h"

#include <stdio.h>
#include <string.h>

/* The two steps, each "" for none. */
struct pair {
    char step[LEAT_GUID_MAX], previous[LEAT_GUID_MAX];
};

/* Models of $1 that $2 has not, or has otherwise, and those $2 alone has. A step without an id has
 * no models. */
#define CHANGES_SQL                                                                                \
    "SELECT model_name, change FROM ("                                                             \
    "SELECT n.model_name, CASE WHEN o.model_name IS NULL THEN 1 ELSE 2 END AS change"              \
    " FROM {dpo}execution_step_model n LEFT JOIN {dpo}execution_step_model o"                      \
    " ON o.execution_step_id = $2 AND o.model_name = n.model_name"                                 \
    " WHERE n.execution_step_id = $1 AND (o.model_name IS NULL OR o.checksum <> n.checksum)"       \
    " UNION ALL SELECT o.model_name, 4 FROM {dpo}execution_step_model o"                           \
    " LEFT JOIN {dpo}execution_step_model n"                                                       \
    " ON n.execution_step_id = $1 AND n.model_name = o.model_name"                                 \
    " WHERE o.execution_step_id = $2 AND n.model_name IS NULL) c ORDER BY model_name{c}, change"

static int give_changes(struct leat_state *state, const struct pair *pair, unsigned changes,
                        leat_model_fn *each, void *arg, struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    const char *params[] = {pair->step, *pair->previous ? pair->previous : NULL};
    int rc = lt_db_query(state->db, CHANGES_SQL, 2, params, &rows, err);
    for (size_t i = 0; !rc && i < rows.n; i++) {
        unsigned change = (unsigned)lt_db_number(&rows, i, 1, 0);
        rc = change & changes ? each(arg, lt_db_cell(&rows, i, 0), change) : LEAT_OK;
    }
    lt_db_rows_done(&rows);
    return rc;
}

/* The step's row: its execution and its name. */
static int look_up(struct leat_state *state, const char *step, struct lt_db_rows *ret_rows,
                   struct leat_error *err)
{
    const char *params[] = {step};
    int rc = lt_db_query(state->db,
                         "SELECT s.execution_id, s.step_name FROM {dpo}execution_step s"
                         " WHERE s.execution_step_id = $1",
                         1, params, ret_rows, err);
    return rc || ret_rows->n ? rc : lt_no_such("step", step, err);
}

/* The last success of the pipeline that the step's execution is of, itself left out. */
static int last_success(struct leat_state *state, const char *execution, char *ret_id,
                        struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    const char *params[] = {execution};
    int rc = lt_db_query(state->db,
                         "SELECT e.execution_id FROM {dpo}execution e"
                         " LEFT JOIN {leat}execution_info i ON i.execution_id = e.execution_id"
                         " WHERE e.status = 'COMPLETED' AND e.execution_id <> $1"
                         " AND coalesce(i.pipeline, '') = coalesce((SELECT j.pipeline"
                         " FROM {leat}execution_info j WHERE j.execution_id = $1), '')"
                         " ORDER BY e.updated_on DESC, e.created_on DESC LIMIT 1",
                         1, params, &rows, err);
    if (!rc) {
        snprintf(ret_id, LEAT_GUID_MAX, "%s", rows.n ? lt_db_cell(&rows, 0, 0) : LEAT_NO_EXECUTION);
    }
    lt_db_rows_done(&rows);
    return rc;
}

static int check_execution(struct leat_state *state, const char *guid, struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    const char *params[] = {guid};
    int rc = lt_db_query(state->db, "SELECT 1 FROM {dpo}execution WHERE execution_id = $1", 1,
                         params, &rows, err);
    rc = rc || rows.n ? rc : lt_no_such("previous execution", guid, err);
    lt_db_rows_done(&rows);
    return rc;
}

/* The latest step of that name in an execution: "" when it has none. */
static int latest_step(struct leat_state *state, const char *execution, const char *name,
                       char *ret_id, struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    const char *params[] = {execution, name};
    int rc = lt_db_query(state->db,
                         "SELECT execution_step_id FROM {dpo}execution_step"
                         " WHERE execution_id = $1 AND step_name = $2"
                         " ORDER BY created_on DESC, execution_step_id DESC LIMIT 1",
                         2, params, &rows, err);
    if (!rc) {
        snprintf(ret_id, LEAT_GUID_MAX, "%s", rows.n ? lt_db_cell(&rows, 0, 0) : "");
    }
    lt_db_rows_done(&rows);
    return rc;
}

static int previous_step(struct leat_state *state, const struct lt_db_rows *step,
                         const char *previous, bool strict, struct pair *pair,
                         struct leat_error *err)
{
    char execution[LEAT_GUID_MAX];
    const char *name = lt_db_cell(step, 0, 1);
    int rc = previous ? lt_guid_parse(previous, execution, err)
                      : last_success(state, lt_db_cell(step, 0, 0), execution, err);
    if (rc || !strcmp(execution, LEAT_NO_EXECUTION)) {
        return rc;
    }
    rc = latest_step(state, execution, name, pair->previous, err);
    if (!rc && !*pair->previous) {
        rc = check_execution(state, execution, err);
    }
    if (!rc && !*pair->previous && strict) {
        rc = lt_fail(err, LT_E_NOT_FOUND, "the execution %s has no step %s", execution, name);
        leat_error_remedy(err, "compare it with " LEAT_NO_EXECUTION);
    }
    return rc;
}

int leat_step_compare(struct leat_state *state, const char *id, const char *previous, bool strict,
                      unsigned changes, leat_model_fn *each, void *arg, struct leat_error *err)
{
    struct pair pair = {.previous = ""};
    struct lt_db_rows step = {0};
    bool none = previous && !strcmp(previous, LEAT_NO_EXECUTION);
    int rc = lt_state_need_dpo(state, err);
    rc = rc ? rc : lt_guid_parse(id, pair.step, err);
    if (!rc && !(none && strict)) { /* the original does not look whether there is such a step */
        rc = look_up(state, pair.step, &step, err);
    }
    if (!rc && !none) {
        rc = previous_step(state, &step, previous, strict, &pair, err);
    }
    rc = rc ? rc : give_changes(state, &pair, changes, each, arg, err);
    lt_db_rows_done(&step);
    return rc;
}
