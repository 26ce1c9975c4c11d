/* Recording runs, and telling of them. */
#include "core/codes.h"
#include "core/json.h"
#include "core/json_read.h"
#include "core/util.h"
#include "state/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_MAX 256
/* Of a SQLite store, so that no file grows for ever; a PostgreSQL one is its administrator's. */
#define RUNS_KEPT "10000"
#define TIDY_ONE_IN 64 /* runs: looking for old ones costs a walk over the index */

/* --- recording ------------------------------------------------------------------------------ */

/* What the report says of all streams together. */
struct sums {
    int64_t streams, failed, rows_read, rows_written, rows_rejected, bytes;
};

static const char *error_code(const struct lt_json_value *of)
{
    return lt_json_string(lt_json_get(lt_json_get(of, "error"), "code"), NULL);
}

static bool is_committed(const struct lt_json_value *stream)
{
    return lt_json_boolean(lt_json_get(stream, "committed"), false);
}

static struct sums add_up(const struct lt_json_value *streams)
{
    struct sums sums = {.streams = (int64_t)lt_json_count(streams)};
    for (size_t i = 0; i < lt_json_count(streams); i++) {
        const struct lt_json_value *stream = lt_json_at(streams, i);
        sums.failed += error_code(stream) != NULL;
        sums.rows_read += lt_json_integer(lt_json_get(stream, "rows_read"), 0);
        sums.rows_written += lt_json_integer(lt_json_get(stream, "rows_written"), 0);
        sums.rows_rejected += lt_json_integer(lt_json_get(stream, "rows_rejected"), 0);
        sums.bytes += lt_json_integer(lt_json_get(stream, "bytes"), 0);
    }
    return sums;
}

static const char *status_of(const struct lt_json_value *report, const struct sums *sums)
{
    const char *code = error_code(report);
    if (code) {
        return strcmp(code, "cancelled") ? "failed" : "cancelled";
    }
    if (lt_json_integer(lt_json_get(report, "differences"), 0)) {
        return "different";
    }
    return sums->failed ? "failed" : sums->rows_rejected ? "rejects" : "ok";
}

#define RUN_SQL                                                                                    \
    "INSERT INTO {leat}run (run_id, command, status, started_on, elapsed_us, streams,"             \
    " streams_failed, rows_read, rows_written, rows_rejected, bytes, error_code, host, pid,"       \
    " report) VALUES ($1, $2, $3, {ago $4}, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"

static int record_run(struct lt_db *db, const char *id, const char *command,
                      const struct lt_json_value *report, const char *json, struct leat_error *err)
{
    struct sums sums = add_up(lt_json_get(report, "streams"));
    int64_t started = lt_json_integer(lt_json_get(report, "started_unix_us"), lt_wall_us());
    const int64_t numbers[] = {LT_MAX(lt_wall_us() - started, 0),
                               lt_json_integer(lt_json_get(report, "elapsed_us"), 0),
                               sums.streams,
                               sums.failed,
                               sums.rows_read,
                               sums.rows_written,
                               sums.rows_rejected,
                               sums.bytes};
    char texts[LT_ARRAY_LEN(numbers)][LT_DB_NUMBER_MAX], pid[LT_DB_NUMBER_MAX];
    char host[HOST_MAX] = "";
    gethostname(host, sizeof host - 1);
    const char *params[15] = {id, command, status_of(report, &sums)};
    for (size_t i = 0; i < LT_ARRAY_LEN(numbers); i++) {
        params[3 + i] = lt_db_number_text(numbers[i], texts[i]);
    }
    params[11] = error_code(report);
    params[12] = host;
    params[13] = lt_db_number_text(getpid(), pid);
    params[14] = json;
    return lt_db_run(db, RUN_SQL, LT_ARRAY_LEN(params), params, NULL, err);
}

/* Rows of run_stream, one after the other. */
struct stream_rows {
    const char *id;
    const struct lt_json_value *streams;
    size_t at;
    char texts[8][LT_DB_NUMBER_MAX];
};

#define STREAM_COLUMNS                                                                             \
    "run_id, source, destination, load_id, error_code, ordinal, committed, rows_read,"             \
    " rows_written, rows_rejected, bytes, elapsed_us"

static bool next_stream(void *arg, const char **cells)
{
    static const char *const numbers[] = {"rows_read", "rows_written", "rows_rejected", "bytes",
                                          "elapsed_us"};
    struct stream_rows *rows = arg;
    if (rows->at >= lt_json_count(rows->streams)) {
        return false;
    }
    const struct lt_json_value *stream = lt_json_at(rows->streams, rows->at);
    cells[0] = rows->id;
    cells[1] = lt_json_string(lt_json_get(stream, "source"), "");
    cells[2] = lt_json_string(lt_json_get(stream, "destination"), "");
    cells[3] = lt_json_string(lt_json_get(stream, "load_id"), "");
    cells[4] = error_code(stream);
    cells[5] = lt_db_number_text((int64_t)rows->at++, rows->texts[0]);
    cells[6] = is_committed(stream) ? "1" : "0";
    for (size_t i = 0; i < LT_ARRAY_LEN(numbers); i++) {
        int64_t value = lt_json_integer(lt_json_get(stream, numbers[i]), 0);
        cells[7 + i] = lt_db_number_text(value, rows->texts[1 + i]);
    }
    return true;
}

static int forget_old(struct lt_db *db, const char *id, struct leat_error *err)
{
    bool due = strtoul(id + 28, NULL, 16) % TIDY_ONE_IN == 0; /* random digits */
    return lt_db_kind(db) == LT_DB_SQLITE && due
               ? lt_db_exec(db,
                            "DELETE FROM run WHERE run_id < (SELECT run_id FROM run ORDER BY "
                            "run_id DESC LIMIT 1 OFFSET " RUNS_KEPT ")",
                            err)
               : LEAT_OK;
}

/* The run's own id, as its report tells it; else a new one. */
static void take_id(const char *told, char id[LEAT_RUN_ID_MAX])
{
    bool good = strlen(told) == LEAT_RUN_ID_MAX - 1 && strspn(told, "0123456789abcdef") == 32;
    if (good) {
        memcpy(id, told, LEAT_RUN_ID_MAX);
    } else {
        lt_new_id(id);
    }
}

int leat_state_record(struct leat_state *state, const char *command, const char *report_json,
                      char ret_id[LEAT_RUN_ID_MAX], struct leat_error *err)
{
    struct lt_json_doc *doc = NULL;
    char id[LEAT_RUN_ID_MAX];
    int rc = lt_json_doc_parse(report_json, strlen(report_json), &doc, err);
    if (rc) {
        return rc;
    }
    const struct lt_json_value *root = lt_json_root(doc);
    take_id(lt_json_string(lt_json_get(root, "run_id"), ""), id);
    struct stream_rows rows = {.id = id, .streams = lt_json_get(root, "streams")};
    char *report = lt_strndup(report_json, strcspn(report_json, "\n"));
    rc = report ? lt_db_begin(state->db, err) : lt_fail_oom(err);
    rc = rc ? rc : record_run(state->db, id, command, root, report, err);
    rc = rc ? rc
            : lt_db_insert(state->db, "{leat}run_stream", STREAM_COLUMNS, 12, next_stream, &rows,
                           err);
    rc = rc ? rc : forget_old(state->db, id, err);
    rc = lt_db_end(state->db, rc, err);
    if (!rc && ret_id) {
        memcpy(ret_id, id, sizeof id);
    }
    lt_json_doc_free(doc);
    free(report);
    return rc;
}

/* --- telling of them ------------------------------------------------------------------------ */

/* Columns of a run as its document has them, in the order of RUNS_SQL. */
static const struct {
    const char *key;
    bool number;
} run_columns[] = {
    {"run", false},        {"command", false},     {"status", false},
    {"error_code", false}, {"host", false},        {"started_unix_us", true},
    {"elapsed_us", true},  {"streams", true},      {"streams_failed", true},
    {"rows_read", true},   {"rows_written", true}, {"rows_rejected", true},
    {"bytes", true},       {"pid", true},
};

#define RUNS_SQL                                                                                   \
    "SELECT run_id, command, status, error_code, host, {us started_on}, elapsed_us, streams,"      \
    " streams_failed, rows_read, rows_written, rows_rejected, bytes, pid"

static int give_run(const struct lt_db_rows *rows, size_t row, leat_document_fn *each, void *arg,
                    struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    struct lt_json json = {.out = &text};
    int n = LT_ARRAY_LEN(run_columns);
    lt_json_object(&json);
    for (int i = 0; i < n; i++) {
        lt_json_key(&json, run_columns[i].key);
        if (run_columns[i].number) {
            lt_json_int(&json, lt_db_number(rows, row, i, 0));
        } else {
            lt_json_text(&json, lt_db_cell(rows, row, i));
        }
    }
    const char *report = rows->n_columns > n ? lt_db_cell(rows, row, n) : NULL;
    if (report) {
        lt_json_key(&json, "report");
        lt_json_raw(&json, report, strlen(report));
    }
    lt_json_object_end(&json);
    int rc = json.failed ? lt_fail_oom(err) : each(arg, lt_buf_text(&text));
    lt_buf_done(&text);
    return rc;
}

int leat_state_runs(struct leat_state *state, const char *id, int64_t limit, leat_document_fn *each,
                    void *arg, struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    char number[LT_DB_NUMBER_MAX], low[LEAT_RUN_ID_MAX], high[LEAT_RUN_ID_MAX + 1];
    /* Hex digits alone: a range of ids is what begins so, and the index finds it. */
    if (id && (strlen(id) >= sizeof low || strspn(id, "0123456789abcdef") != strlen(id))) {
        return lt_fail(err, LT_E_INVALID, "a run's id is up to 32 hex digits");
    }
    snprintf(low, sizeof low, "%s", id ? id : "");
    snprintf(high, sizeof high, "%sg", low);
    const char *params[] = {low, high, lt_db_number_text(limit, number)};
    int rc = lt_db_query(state->db,
                         id ? RUNS_SQL ", report FROM {leat}run WHERE run_id >= $1 AND run_id < $2"
                                       " ORDER BY run_id DESC LIMIT CAST($3 AS integer)"
                            : RUNS_SQL " FROM {leat}run WHERE run_id >= $1 AND run_id < $2"
                                       " ORDER BY run_id DESC LIMIT CAST($3 AS integer)",
                         3, params, &rows, err);
    if (!rc && id && !rows.n) {
        rc = lt_fail(err, LT_E_NOT_FOUND, "there is no run %s", id);
    }
    for (size_t i = 0; !rc && i < rows.n; i++) {
        rc = give_run(&rows, i, each, arg, err);
    }
    lt_db_rows_done(&rows);
    return rc;
}
