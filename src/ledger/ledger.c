/* What executions and steps have in common. */
#include "ledger/ledger.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"
#include "ledger/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct lt_kind lt_kind_execution = {"execution", "execution", "execution_id",
                                          "execution_info"};
const struct lt_kind lt_kind_step = {"step", "execution_step", "execution_step_id", "step_info"};

int lt_no_such(const char *what, const char *id, struct leat_error *err)
{
    return lt_fail(err, LT_E_NOT_FOUND, "there is no %s %s", what, id);
}

/* --- moments -------------------------------------------------------------------------------- */

static int moment_of_us(const char *cell, char between, char *ret_moment, struct leat_error *err)
{
    int64_t us;
    struct tm tm;
    if (lt_parse_int(cell, &us)) {
        return lt_fail(err, LT_E_CORRUPT, "a time in the store is no number");
    }
    int64_t part = us % 1000000;
    part += part < 0 ? 1000000 : 0;
    time_t seconds = (time_t)((us - part) / 1000000);
    char fraction[16] = "";
    if (part) {
        snprintf(fraction, sizeof fraction, ".%06d", (int)part);
    }
    if (!gmtime_r(&seconds, &tm)) {
        return lt_fail(err, LT_E_VALUE_RANGE, "a time in the store is out of range");
    }
    snprintf(ret_moment, LEAT_MOMENT_MAX, "%04d-%02d-%02d%c%02d:%02d:%02d%s+00:00",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, between, tm.tm_hour, tm.tm_min,
             tm.tm_sec, fraction);
    return LEAT_OK;
}

/* "2020-02-03 04:05:06.5+00" becomes "2020-02-03T04:05:06.500000+00:00". */
static int moment_of_text(const char *cell, char between, char *ret_moment, struct leat_error *err)
{
    const char *blank = strchr(cell, ' ');
    size_t seconds = blank ? strspn(blank + 1, "0123456789:") : 0;
    if (!blank || blank - cell != 10 || seconds != 8) {
        return lt_fail(err, LT_E_VALUE_RANGE, "a time in the store is out of range");
    }
    const char *at = blank + 1 + seconds;
    char fraction[8] = "";
    size_t digits = *at == '.' ? strspn(at + 1, "0123456789") : 0;
    if (digits) {
        snprintf(fraction, sizeof fraction, ".%.*s%.*s", (int)LT_MIN(digits, 6), at + 1,
                 (int)(6 - LT_MIN(digits, 6)), "000000");
        at += 1 + digits;
    }
    snprintf(ret_moment, LEAT_MOMENT_MAX, "%.10s%c%.8s%s%.16s%s", cell, between, blank + 1,
             fraction, at, strlen(at) == 3 ? ":00" : "");
    return LEAT_OK;
}

int lt_moment(enum lt_db_kind kind, const char *cell, char between,
              char ret_moment[LEAT_MOMENT_MAX], struct leat_error *err)
{
    return kind == LT_DB_SQLITE ? moment_of_us(cell, between, ret_moment, err)
                                : moment_of_text(cell, between, ret_moment, err);
}

/* --- documents ------------------------------------------------------------------------------ */

int lt_give_row(const struct lt_db_rows *rows, size_t row, const char *const *names, size_t n,
                const char *extra_key, const char *extra_json, leat_document_fn *each, void *arg,
                struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    struct lt_json json = {.out = &text};
    lt_json_object(&json);
    for (size_t i = 0; i < n; i++) {
        bool number = *names[i] == '#';
        const char *cell = lt_db_cell(rows, row, (int)i);
        lt_json_key(&json, names[i] + number);
        if (number && cell) {
            lt_json_int(&json, lt_db_number(rows, row, (int)i, 0));
        } else {
            lt_json_text(&json, cell);
        }
    }
    if (extra_key) {
        lt_json_key(&json, extra_key);
        lt_json_raw(&json, extra_json, strlen(extra_json));
    }
    lt_json_object_end(&json);
    int rc = json.failed ? lt_fail_oom(err) : each(arg, lt_buf_text(&text));
    lt_buf_done(&text);
    return rc;
}

/* --- completing and failing ------------------------------------------------------------------- */

static int read_completed(struct leat_state *state, const struct lt_kind *kind, const char *guid,
                          struct leat_completed *ret, struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    const char *params[] = {guid};
    enum lt_db_kind db = lt_db_kind(state->db);
    int rc = lt_db_query(state->db,
                         kind == &lt_kind_step
                             ? "SELECT started_on, completed_on, execution_time_ms, step_name,"
                               " rows_processed, (SELECT count(*) FROM {dpo}execution_step_model m"
                               " WHERE m.execution_step_id = s.execution_step_id)"
                               " FROM {dpo}execution_step s WHERE execution_step_id = $1"
                             : "SELECT started_on, completed_on, execution_time_ms, '', NULL, 0"
                               " FROM {dpo}execution WHERE execution_id = $1",
                         1, params, &rows, err);
    if (!rc && !rows.n) {
        rc = lt_no_such(kind->what, guid, err);
    }
    rc = rc ? rc : lt_moment(db, lt_db_cell(&rows, 0, 0), ' ', ret->started_on, err);
    rc = rc ? rc : lt_moment(db, lt_db_cell(&rows, 0, 1), ' ', ret->completed_on, err);
    if (!rc) {
        ret->elapsed_ms = lt_db_number(&rows, 0, 2, 0);
        snprintf(ret->name, sizeof ret->name, "%s", lt_db_cell(&rows, 0, 3));
        ret->rows = lt_db_number(&rows, 0, 4, -1);
        ret->has_rows = lt_db_cell(&rows, 0, 4) != NULL;
        ret->models = lt_db_number(&rows, 0, 5, 0);
    }
    lt_db_rows_done(&rows);
    return rc;
}

/* The time it took, up to its end now. */
#define TOOK_SQL " execution_time_ms = ({now_us} - {us started_on} + 500) / 1000"

/* Runs an UPDATE of one row, given as a format with table and key. */
static int update(struct leat_state *state, const struct lt_kind *kind, const char *set,
                  const char *const *params, int n_params, struct leat_error *err)
{
    int64_t changed = 0;
    char *sql = lt_format("UPDATE {dpo}%s SET %s WHERE %s = $1", kind->table, set, kind->key);
    int rc = sql ? lt_db_run(state->db, sql, n_params, params, &changed, err) : lt_fail_oom(err);
    free(sql);
    return rc || changed ? rc : lt_no_such(kind->what, params[0], err);
}

int lt_complete(struct leat_state *state, const struct lt_kind *kind, const char *id,
                const char *rows_sql, const char *rows, struct leat_completed *ret,
                struct leat_error *err)
{
    char guid[LEAT_GUID_MAX];
    struct leat_completed unused = {.size = sizeof unused};
    const char *params[] = {guid, rows};
    int rc = lt_state_need_dpo(state, err);
    rc = rc ? rc : lt_guid_parse(id, guid, err);
    char *set =
        lt_format("status = 'COMPLETED', updated_on = {now}, completed_on = {now}," TOOK_SQL "%s",
                  rows_sql ? rows_sql : "");
    rc = rc || set ? rc : lt_fail_oom(err);
    rc = rc ? rc : lt_db_begin(state->db, err);
    if (!rc) {
        rc = update(state, kind, set, params, rows_sql ? 2 : 1, err);
        rc = rc ? rc : read_completed(state, kind, guid, ret ? ret : &unused, err);
        rc = lt_db_end(state->db, rc, err);
    }
    free(set);
    return rc;
}

#define WHY_SQL                                                                                    \
    "INSERT INTO {leat}%s AS i (%s%s failed_on, error) VALUES ($1%s {now}, $2)"                    \
    " ON CONFLICT (%s) DO UPDATE SET failed_on = excluded.failed_on, error = excluded.error"

int lt_fail_kind(struct leat_state *state, const struct lt_kind *kind, const char *id,
                 const char *reason, const char *rows_sql, const char *rows, struct leat_error *err)
{
    char guid[LEAT_GUID_MAX];
    const char *why[] = {guid, reason}, *params[] = {guid, rows};
    bool execution = kind == &lt_kind_execution;
    int rc = lt_state_need_dpo(state, err);
    rc = rc ? rc : lt_guid_parse(id, guid, err);
    char *sql = lt_format(WHY_SQL, kind->info, kind->key, execution ? ", pipeline," : ",",
                          execution ? ", ''," : ",", kind->key);
    char *set =
        lt_format("status = 'FAILED', updated_on = {now}," TOOK_SQL "%s", rows_sql ? rows_sql : "");
    rc = rc || (sql && set) ? rc : lt_fail_oom(err);
    rc = rc ? rc : lt_db_begin(state->db, err);
    if (!rc) {
        rc = update(state, kind, set, params, rows_sql ? 2 : 1, err);
        rc = rc ? rc : lt_db_run(state->db, sql, 2, why, NULL, err);
        rc = lt_db_end(state->db, rc, err);
    }
    free(set);
    free(sql);
    return rc;
}
