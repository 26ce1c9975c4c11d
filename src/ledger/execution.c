/* Executions: begun, completed, failed, listed. */
#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"
#include "ledger/ledger.h"
#include "ledger/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INIT_SQL                                                                                   \
    "INSERT INTO {dpo}execution (execution_id, status, created_on, updated_on, started_on)"        \
    " VALUES ($1, 'INITIALISED', {now}, {now}, {now})"
/* A description without its execution, as other programs leave it that take executions away. */
#define ORPHAN_SQL "DELETE FROM {leat}execution_info WHERE execution_id = $1"
#define PIPELINE_SQL "INSERT INTO {leat}execution_info (execution_id, pipeline) VALUES ($1, $2)"
/* A pipeline's name is kept beside the original's tables; without a row there it is "". */
#define OF_PIPELINE                                                                                \
    " FROM {dpo}execution e LEFT JOIN {leat}execution_info i ON i.execution_id = e.execution_id"   \
    " WHERE coalesce(i.pipeline, '') = $1"

static int check_pipeline(const char *pipeline, struct leat_error *err)
{
    return pipeline && strlen(pipeline) > 250
               ? lt_fail(err, LT_E_LIMIT, "the name of a pipeline has at most 250 bytes")
               : LEAT_OK;
}

static int insert(struct leat_state *state, const char *guid, const char *pipeline,
                  struct leat_error *err)
{
    const char *params[] = {guid, pipeline};
    int rc = lt_db_begin(state->db, err);
    rc = rc ? rc : lt_db_run(state->db, INIT_SQL, 1, params, NULL, err);
    if (!rc && !(state->flags & LEAT_STATE_SQLALCHEMY)) {
        rc = lt_db_run(state->db, ORPHAN_SQL, 1, params, NULL, err);
    }
    if (!rc && pipeline && *pipeline) {
        rc = lt_db_run(state->db, PIPELINE_SQL, 2, params, NULL, err);
    }
    return lt_db_end(state->db, rc, err);
}

int leat_execution_init(struct leat_state *state, const char *id, const char *pipeline,
                        char ret_id[LEAT_GUID_MAX], struct leat_error *err)
{
    uint8_t bytes[16];
    char guid[LEAT_GUID_MAX];
    struct leat_error why = {0};
    int rc = lt_state_need_dpo(state, err);
    rc = rc ? rc : check_pipeline(pipeline, err);
    if (!rc && id) {
        rc = lt_guid_parse(id, guid, err);
    } else if (!rc) {
        rc = lt_random(bytes, sizeof bytes, err);
        lt_guid_print(bytes, guid);
    }
    if (rc) {
        return rc;
    }
    rc = insert(state, guid, pipeline, &why);
    if (rc && !strcmp(why.sqlstate, "23505")) {
        return lt_fail(err, LT_E_ID_TAKEN, "there is an execution %s already", guid);
    }
    if (rc && err) {
        *err = why;
    }
    if (!rc) {
        memcpy(ret_id, guid, sizeof guid);
    }
    return rc;
}

int leat_execution_last(struct leat_state *state, const char *pipeline, char ret_id[LEAT_GUID_MAX],
                        struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    const char *params[] = {pipeline};
    int rc = lt_state_need_dpo(state, err);
    rc = rc ? rc
            : lt_db_query(state->db,
                          pipeline ? "SELECT e.execution_id" OF_PIPELINE
                                     " AND e.status = 'COMPLETED'"
                                     " ORDER BY e.updated_on DESC, e.created_on DESC LIMIT 1"
                                   : "SELECT execution_id FROM {dpo}execution"
                                     " WHERE status = 'COMPLETED'"
                                     " ORDER BY updated_on DESC, created_on DESC LIMIT 1",
                          pipeline ? 1 : 0, params, &rows, err);
    if (!rc) {
        snprintf(ret_id, LEAT_GUID_MAX, "%s", rows.n ? lt_db_cell(&rows, 0, 0) : LEAT_NO_EXECUTION);
    }
    lt_db_rows_done(&rows);
    return rc;
}

int leat_execution_completed_at(struct leat_state *state, const char *id,
                                char ret_moment[LEAT_MOMENT_MAX], struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    char guid[LEAT_GUID_MAX];
    bool now = !strcmp(id, LEAT_NO_EXECUTION);
    const char *params[] = {guid};
    int rc = lt_state_need_dpo(state, err);
    rc = rc || now ? rc : lt_guid_parse(id, guid, err);
    rc = rc ? rc
            : lt_db_query(state->db,
                          now ? "SELECT {now}"
                              : "SELECT completed_on FROM {dpo}execution WHERE execution_id = $1",
                          now ? 0 : 1, params, &rows, err);
    if (!rc && !rows.n) {
        rc = lt_no_such("execution", guid, err);
    }
    const char *cell = rc ? NULL : lt_db_cell(&rows, 0, 0);
    if (cell) {
        rc = lt_moment(lt_db_kind(state->db), cell, 'T', ret_moment, err);
    } else if (!rc) {
        *ret_moment = 0;
    }
    lt_db_rows_done(&rows);
    return rc;
}

int leat_execution_complete(struct leat_state *state, const char *id, struct leat_completed *ret,
                            struct leat_error *err)
{
    return lt_complete(state, &lt_kind_execution, id, NULL, NULL, ret, err);
}

int leat_execution_fail(struct leat_state *state, const char *id, const char *reason,
                        struct leat_error *err)
{
    return lt_fail_kind(state, &lt_kind_execution, id, reason, NULL, NULL, err);
}

/* --- documents ------------------------------------------------------------------------------ */

static const char *const names[] = {"execution",       "pipeline",           "status",
                                    "error",           "#started_unix_us",   "#completed_unix_us",
                                    "#failed_unix_us", "#execution_time_ms", "#steps"};
#define LIST_SQL                                                                                   \
    "SELECT e.execution_id, coalesce(i.pipeline, ''), e.status,"                                   \
    " CASE WHEN e.status = 'FAILED' THEN i.error END, {us e.started_on}, {us e.completed_on},"     \
    " CASE WHEN e.status = 'FAILED' THEN {us i.failed_on} END, e.execution_time_ms,"               \
    " (SELECT count(*) FROM {dpo}execution_step s WHERE s.execution_id = e.execution_id)"

int leat_execution_list(struct leat_state *state, const char *pipeline, int64_t limit,
                        leat_document_fn *each, void *arg, struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    char number[LT_DB_NUMBER_MAX];
    const char *params[] = {pipeline, lt_db_number_text(limit, number)};
    int rc = lt_state_need_dpo(state, err);
    rc = rc ? rc
            : lt_db_query(state->db,
                          LIST_SQL " FROM {dpo}execution e LEFT JOIN {leat}execution_info i"
                                   " ON i.execution_id = e.execution_id WHERE CAST($1 AS text)"
                                   " IS NULL OR coalesce(i.pipeline, '') = CAST($1 AS text)"
                                   " ORDER BY e.created_on DESC, e.execution_id"
                                   " LIMIT CAST($2 AS integer)",
                          2, params, &rows, err);
    for (size_t i = 0; !rc && i < rows.n; i++) {
        rc = lt_give_row(&rows, i, names, LT_ARRAY_LEN(names), NULL, NULL, each, arg, err);
    }
    lt_db_rows_done(&rows);
    return rc;
}

/* Gathers documents into one array. */
static int gather(void *arg, const char *json)
{
    struct lt_buf *array = arg;
    return (array->len > 1 && lt_buf_byte(array, ',')) || lt_buf_puts(array, json) ? LEAT_NO_MEMORY
                                                                                   : LEAT_OK;
}

int leat_execution_show(struct leat_state *state, const char *id, leat_document_fn *each, void *arg,
                        struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    struct lt_buf steps = LT_BUF_INIT;
    char guid[LEAT_GUID_MAX];
    const char *params[] = {guid};
    int rc = lt_state_need_dpo(state, err);
    rc = rc ? rc : lt_guid_parse(id, guid, err);
    rc = rc ? rc
            : lt_db_query(state->db,
                          LIST_SQL " FROM {dpo}execution e LEFT JOIN {leat}execution_info i"
                                   " ON i.execution_id = e.execution_id WHERE e.execution_id = $1",
                          1, params, &rows, err);
    if (!rc && !rows.n) {
        rc = lt_no_such("execution", guid, err);
    }
    if (!rc && lt_buf_byte(&steps, '[')) {
        rc = lt_fail_oom(err);
    }
    rc = rc ? rc : leat_step_list(state, guid, gather, &steps, err);
    if (!rc && lt_buf_byte(&steps, ']')) {
        rc = lt_fail_oom(err);
    }
    rc = rc ? rc
            : lt_give_row(&rows, 0, names, LT_ARRAY_LEN(names), "step_list", lt_buf_text(&steps),
                          each, arg, err);
    lt_buf_done(&steps);
    lt_db_rows_done(&rows);
    return rc;
}
