/* Rows of any one statement, as text: what cannot stand where a table may (PRAGMA, EXPLAIN,
 * RETURNING). */
#include "connectors/sqlite/internal.h"

#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

struct leat_rows {
    struct sq_conn *conn;
    sqlite3_stmt *stmt;
    int n;
    const char **names, **texts;
    size_t *lens;
    struct lt_buf bytes; /* of the row at hand, as hexadecimal digits */
    size_t *starts;      /* 1 + where a value's digits begin in it; 0: it is text */
    bool ended;
};

static int allocate(struct leat_rows *rows, struct leat_error *err)
{
    size_t n = (size_t)rows->n;
    rows->names = calloc(n + 1, sizeof *rows->names);
    rows->texts = calloc(n + 1, sizeof *rows->texts);
    rows->lens = calloc(n + 1, sizeof *rows->lens);
    rows->starts = calloc(n + 1, sizeof *rows->starts);
    bool made = rows->names && rows->texts && rows->lens && rows->starts;
    for (int i = 0; made && i < rows->n; i++) {
        rows->names[i] = lt_strdup(rows->conn->api->sqlite3_column_name(rows->stmt, i));
        made = rows->names[i] != NULL;
    }
    return made ? LEAT_OK : lt_fail_oom(err);
}

void lt_sq_rows_close(struct leat_rows *rows)
{
    if (!rows) {
        return;
    }
    if (rows->stmt) {
        rows->conn->api->sqlite3_finalize(rows->stmt);
    }
    lt_sq_disconnect(rows->conn);
    for (int i = 0; rows->names && i < rows->n; i++) {
        free((char *)rows->names[i]);
    }
    free(rows->names);
    free(rows->texts);
    free(rows->lens);
    free(rows->starts);
    lt_buf_done(&rows->bytes);
    free(rows);
}

/* Nothing but one statement: what stands behind it would not be run. */
static int check_tail(struct leat_rows *rows, const char *sql, struct leat_error *err)
{
    const char *tail = NULL;
    sqlite3_stmt *stmt = NULL;
    rows->conn->api->sqlite3_prepare_v2(rows->conn->db, sql, -1, &stmt, &tail);
    rows->conn->api->sqlite3_finalize(stmt);
    stmt = NULL;
    if (!tail || !*tail) {
        return LEAT_OK;
    }
    int rc = rows->conn->api->sqlite3_prepare_v2(rows->conn->db, tail, -1, &stmt, NULL);
    bool more = rc || stmt;
    rows->conn->api->sqlite3_finalize(stmt);
    return more ? lt_sq_several(err) : LEAT_OK;
}

int lt_sq_run(struct leat_endpoint *ep, const char *sql, struct leat_rows **ret_rows,
              int64_t *ret_changed, struct leat_error *err)
{
    struct leat_rows *rows = calloc(1, sizeof *rows);
    if (!rows) {
        return lt_fail_oom(err);
    }
    enum sq_use use = ep->mode >= SQ_READ_ONLY ? SQ_USE_READ : SQ_USE_WRITE;
    int64_t changed = 0;
    int status = lt_sq_connect(ep, use, &rows->conn, err);
    status = status ? status : lt_sq_prepare(rows->conn, sql, &rows->stmt, err);
    rows->n = status ? 0 : ep->api->sqlite3_column_count(rows->stmt);
    if (!status && rows->n) {
        status = check_tail(rows, sql, err);
        status = status ? status : allocate(rows, err);
    } else if (!status) {
        ep->api->sqlite3_finalize(rows->stmt);
        rows->stmt = NULL;
        status = lt_sq_script(rows->conn, sql, true, err); /* all of them */
        changed = status ? 0 : ep->api->sqlite3_total_changes(rows->conn->db);
    }
    if (status || !rows->n) {
        lt_sq_rows_close(rows);
        rows = NULL;
    }
    if (!status) {
        *ret_rows = rows;
        *ret_changed = changed;
    }
    return status;
}

size_t lt_sq_rows_columns(struct leat_rows *rows, const char *const **ret_names)
{
    *ret_names = rows->names;
    return (size_t)rows->n;
}

static int take_bytes(struct leat_rows *rows, int column)
{
    const struct lt_sqlite *api = rows->conn->api;
    const uint8_t *bytes = api->sqlite3_column_blob(rows->stmt, column);
    int n = api->sqlite3_column_bytes(rows->stmt, column);
    size_t start = rows->bytes.len;
    int failed = lt_buf_puts(&rows->bytes, "\\x");
    for (int i = 0; i < n && !failed; i++) {
        failed = lt_buf_printf(&rows->bytes, "%02x", bytes[i]);
    }
    rows->starts[column] = start + 1;
    rows->lens[column] = rows->bytes.len - start;
    return failed;
}

static int take_row(struct leat_rows *rows, struct leat_error *err)
{
    const struct lt_sqlite *api = rows->conn->api;
    int failed = LEAT_OK;
    lt_buf_clear(&rows->bytes);
    for (int i = 0; i < rows->n && !failed; i++) {
        int type = api->sqlite3_column_type(rows->stmt, i);
        rows->starts[i] = 0;
        rows->texts[i] = NULL;
        if (type == SQLITE_BLOB) {
            failed = take_bytes(rows, i);
        } else if (type != SQLITE_NULL) {
            rows->texts[i] = (const char *)api->sqlite3_column_text(rows->stmt, i);
            rows->lens[i] = (size_t)api->sqlite3_column_bytes(rows->stmt, i);
            failed = !rows->texts[i];
        }
    }
    for (int i = 0; i < rows->n && !failed; i++) {
        if (rows->starts[i]) {
            rows->texts[i] = lt_buf_text(&rows->bytes) + rows->starts[i] - 1;
        }
    }
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

int lt_sq_rows_next(struct leat_rows *rows, const char *const **ret_texts, const size_t **ret_lens,
                    struct leat_error *err)
{
    int rc = rows->ended ? SQLITE_DONE : rows->conn->api->sqlite3_step(rows->stmt);
    *ret_texts = NULL;
    rows->ended = rc != SQLITE_ROW;
    if (rc == SQLITE_DONE) {
        return LEAT_OK;
    }
    int status = rc == SQLITE_ROW ? take_row(rows, err)
                                  : lt_sq_fail(rows->conn, rc, err, "the statement failed");
    if (!status) {
        *ret_texts = rows->texts;
        *ret_lens = rows->lens;
    }
    return status;
}
