/* Steps: begun with their models, completed, failed, listed. */
#include "core/codes.h"
#include "core/util.h"
#include "ledger/ledger.h"
#include "ledger/models.h"
#include "ledger/text.h"
#include "ledger/trust.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STEP_NAME_MAX 100 /* characters */

/* --- what is to be done --------------------------------------------------------------------- */

struct beginning {
    struct leat_state *state;
    const struct leat_step *step;
    char execution[LEAT_GUID_MAX], id[LEAT_GUID_MAX];
    struct lt_buf name;
    char started[LT_DB_NUMBER_MAX]; /* microseconds, by the database's clock */
    bool reopened;
    struct lt_models models;
};

static int check_base(const char *path, struct leat_error *err)
{
    struct stat st;
    const char *base = *path ? path : ".";
    if (stat(base, &st)) {
        lt_fail_errno(err, errno, "the base path %s", path);
    } else if (S_ISDIR(st.st_mode)) {
        return LEAT_OK;
    } else {
        lt_fail(err, LT_E_INVALID, "the base path %s is no folder", path);
    }
    return err ? (int)err->status : LEAT_INVALID;
}

static int check_step_name(struct beginning *b, struct leat_error *err)
{
    int rc = lt_upper(b->step->name, &b->name, err);
    return !rc && lt_code_points(lt_buf_text(&b->name)) > STEP_NAME_MAX
               ? lt_fail(err, LT_E_LIMIT, "the name of a step has more than %d characters",
                         STEP_NAME_MAX)
               : rc;
}

/* Whether the execution is there and may go on; in a transaction, with its row held. */
static int look_at_execution(struct beginning *b, bool hold, struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    const char *params[] = {b->execution};
    int rc = lt_db_query(
        b->state->db,
        hold ? "SELECT status, {now_us} FROM {dpo}execution WHERE execution_id = $1{lock}"
             : "SELECT status, {now_us} FROM {dpo}execution WHERE execution_id = $1",
        1, params, &rows, err);
    if (!rc && !rows.n) {
        rc = lt_no_such("execution", b->execution, err);
    }
    if (!rc) {
        b->reopened = !strcmp(lt_db_cell(&rows, 0, 0), "COMPLETED");
        if (!hold) {
            snprintf(b->started, sizeof b->started, "%s", lt_db_cell(&rows, 0, 1));
        }
    }
    if (!rc && b->reopened && !(b->step->flags & LEAT_STEP_REOPEN)) {
        rc = lt_fail(err, LT_E_COMPLETED, "the execution %s is completed", b->execution);
    }
    lt_db_rows_done(&rows);
    return rc;
}

static int find_and_hash(struct beginning *b, struct leat_error *err)
{
    const struct leat_step *step = b->step;
    bool trust = step->flags & LEAT_STEP_TRUST_MTIME;
    int rc = lt_models_find(&b->models, step->base_path, step->patterns, step->n_patterns,
                            step->flags & LEAT_STEP_LATER_WINS, err);
    if (!rc && trust) {
        rc = lt_trust_known(b->state, &b->models, step->base_path, err);
    }
    return rc ? rc : lt_models_hash(&b->models, step->hashed, step->arg, err);
}

/* --- writing it ------------------------------------------------------------------------------- */

struct model_rows {
    const struct beginning *b;
    size_t at;
    uint8_t (*ids)[16];
    char id[LEAT_GUID_MAX], name[LT_MODEL_NAME_MAX * 4 + 1], now[LT_DB_NUMBER_MAX];
};

/* PostgreSQL's columns of time have the transaction's as their default. */
#define MODEL_COLUMNS "execution_step_model_id, execution_step_id, model_name, checksum"

static bool next_model(void *arg, const char **cells)
{
    struct model_rows *rows = arg;
    const struct lt_models *models = &rows->b->models;
    if (rows->at == models->n) {
        return false;
    }
    const struct lt_model *model = &models->items[rows->at];
    lt_guid_print(rows->ids[rows->at++], rows->id);
    snprintf(rows->name, sizeof rows->name, "%.*s", (int)model->name_len,
             lt_model_path(models, model) + model->name);
    cells[0] = rows->id;
    cells[1] = rows->b->id;
    cells[2] = rows->name;
    cells[3] = model->checksum;
    cells[4] = cells[5] = rows->now;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static int insert_models(struct beginning *b, struct leat_error *err)
{
    bool sqlite = lt_db_kind(b->state->db) == LT_DB_SQLITE;
    struct model_rows rows = {.b = b, .ids = calloc(b->models.n + 1, sizeof *rows.ids)};
    int rc = rows.ids ? lt_random(rows.ids, b->models.n * sizeof *rows.ids, err) : lt_fail_oom(err);
    if (!rc) {
        /* In their own order they go to the end of the index, page after page. */
        qsort(rows.ids, b->models.n, sizeof *rows.ids, by_bytes);
        lt_db_number_text(lt_wall_us(), rows.now);
        rc = lt_db_insert(b->state->db, "{dpo}execution_step_model",
                          sqlite ? MODEL_COLUMNS ", created_on, updated_on" : MODEL_COLUMNS,
                          sqlite ? 6 : 4, next_model, &rows, err);
    }
    free(rows.ids);
    return rc;
}

#define GO_ON_SQL                                                                                  \
    "UPDATE {dpo}execution SET status = 'IN_PROGRESS', updated_on = {now}"                         \
    " WHERE execution_id = $1 AND status <> 'IN_PROGRESS'"
/* The time of a step counts from before its files were read. */
#define STEP_SQL                                                                                   \
    "INSERT INTO {dpo}execution_step (execution_step_id, created_on, updated_on, execution_id,"    \
    " step_name, status, started_on) VALUES ($1, {at $4}, {now}, $2, $3, 'IN_PROGRESS', {at $4})"

static int write_step(struct beginning *b, struct leat_error *err)
{
    const char *execution[] = {b->execution};
    const char *step[] = {b->id, b->execution, lt_buf_text(&b->name), b->started};
    int rc = lt_db_begin(b->state->db, err);
    rc = rc ? rc : look_at_execution(b, true, err);
    rc = rc ? rc : lt_db_run(b->state->db, GO_ON_SQL, 1, execution, NULL, err);
    rc = rc ? rc : lt_db_run(b->state->db, STEP_SQL, 4, step, NULL, err);
    rc = rc ? rc : insert_models(b, err);
    if (!rc && b->step->flags & LEAT_STEP_TRUST_MTIME) {
        rc = lt_trust_remember(b->state, &b->models, b->step->base_path, err);
    }
    return lt_db_end(b->state->db, rc, err);
}

int leat_step_init(struct leat_state *state, const struct leat_step *step,
                   char ret_id[LEAT_GUID_MAX], bool *ret_reopened, struct leat_error *err)
{
    struct beginning b = {.state = state, .step = step};
    uint8_t bytes[16];
    int rc = check_base(step->base_path, err);
    rc = rc ? rc : check_step_name(&b, err);
    rc = rc ? rc : lt_state_need_dpo(state, err);
    rc = rc ? rc : lt_guid_parse(step->execution_id, b.execution, err);
    rc = rc ? rc : look_at_execution(&b, false, err);
    rc = rc ? rc : lt_random(bytes, sizeof bytes, err);
    rc = rc ? rc : find_and_hash(&b, err);
    if (!rc) {
        lt_guid_print(bytes, b.id);
        rc = write_step(&b, err);
    }
    if (!rc) {
        memcpy(ret_id, b.id, sizeof b.id);
        if (ret_reopened) {
            *ret_reopened = b.reopened;
        }
    }
    lt_models_done(&b.models);
    lt_buf_done(&b.name);
    return rc;
}

/* --- what comes after ------------------------------------------------------------------------- */

#define ROWS_SQL ", rows_processed = $2"

int leat_step_complete(struct leat_state *state, const char *id, const int64_t *rows,
                       struct leat_completed *ret, struct leat_error *err)
{
    char number[LT_DB_NUMBER_MAX];
    return lt_complete(state, &lt_kind_step, id, ROWS_SQL,
                       rows ? lt_db_number_text(*rows, number) : NULL, ret, err);
}

int leat_step_fail(struct leat_state *state, const char *id, const char *reason,
                   const int64_t *rows, struct leat_error *err)
{
    char number[LT_DB_NUMBER_MAX];
    return lt_fail_kind(state, &lt_kind_step, id, reason, rows ? ROWS_SQL : NULL,
                        rows ? lt_db_number_text(*rows, number) : NULL, err);
}

static const char *const names[] = {"step",
                                    "execution",
                                    "name",
                                    "status",
                                    "error",
                                    "#started_unix_us",
                                    "#completed_unix_us",
                                    "#failed_unix_us",
                                    "#execution_time_ms",
                                    "#rows_processed",
                                    "#models"};
#define LIST_SQL                                                                                   \
    "SELECT s.execution_step_id, s.execution_id, s.step_name, s.status,"                           \
    " CASE WHEN s.status = 'FAILED' THEN i.error END, {us s.started_on}, {us s.completed_on},"     \
    " CASE WHEN s.status = 'FAILED' THEN {us i.failed_on} END, s.execution_time_ms,"               \
    " s.rows_processed, (SELECT count(*) FROM {dpo}execution_step_model m"                         \
    " WHERE m.execution_step_id = s.execution_step_id) FROM {dpo}execution_step s"                 \
    " LEFT JOIN {leat}step_info i ON i.execution_step_id = s.execution_step_id"

/* Steps by the GUID of a query that ends with its condition. */
static int give_steps(struct leat_state *state, const char *sql, const char *id, bool must_be,
                      leat_document_fn *each, void *arg, struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    char guid[LEAT_GUID_MAX];
    const char *params[] = {guid};
    int rc = lt_state_need_dpo(state, err);
    rc = rc ? rc : lt_guid_parse(id, guid, err);
    rc = rc ? rc : lt_db_query(state->db, sql, 1, params, &rows, err);
    if (!rc && must_be && !rows.n) {
        rc = lt_no_such("step", guid, err);
    }
    for (size_t i = 0; !rc && i < rows.n; i++) {
        rc = lt_give_row(&rows, i, names, LT_ARRAY_LEN(names), NULL, NULL, each, arg, err);
    }
    lt_db_rows_done(&rows);
    return rc;
}

int leat_step_show(struct leat_state *state, const char *id, leat_document_fn *each, void *arg,
                   struct leat_error *err)
{
    return give_steps(state, LIST_SQL " WHERE s.execution_step_id = $1", id, true, each, arg, err);
}

int leat_step_list(struct leat_state *state, const char *execution_id, leat_document_fn *each,
                   void *arg, struct leat_error *err)
{
    return give_steps(
        state, LIST_SQL " WHERE s.execution_id = $1 ORDER BY s.created_on, s.execution_step_id",
        execution_id, false, each, arg, err);
}
