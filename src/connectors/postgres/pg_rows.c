/* Rows of any one statement, as the server writes them in text: what COPY cannot give (EXPLAIN, SHOW,
 * RETURNING). Row by row, so that memory does not grow with the result. */
#include "connectors/postgres/pg.h"

#include "core/util.h"

#include <stdlib.h>

struct leat_rows {
    struct pg_conn *conn;
    PGresult *result; /* the row at hand; of none: the columns */
    bool at_row;      /* it was not given yet */
    bool complete;    /* the statement that gives rows has given all */
    bool ended;
    int n;
    const char **names, **texts;
    size_t *lens;
};

static int allocate(struct leat_rows *rows, struct leat_error *err)
{
    const struct lt_pq *pq = rows->conn->ep->pq;
    rows->n = pq->PQnfields(rows->result);
    size_t n = (size_t)LT_MAX(rows->n, 0);
    rows->names = calloc(n + 1, sizeof *rows->names);
    rows->texts = calloc(n + 1, sizeof *rows->texts);
    rows->lens = calloc(n + 1, sizeof *rows->lens);
    bool made = rows->names && rows->texts && rows->lens;
    for (size_t i = 0; made && i < n; i++) {
        rows->names[i] = lt_strdup(pq->PQfname(rows->result, (int)i));
        made = rows->names[i] != NULL;
    }
    return made ? LEAT_OK : lt_fail_oom(err);
}

static int several(struct leat_error *err)
{
    return lt_fail(err, LT_E_UNSUPPORTED, "one statement at a time may give rows");
}

/* The next result: a row, the end of rows (ended), or of a statement without rows its count. */
static int next_result(struct leat_rows *rows, int64_t *changed, struct leat_error *err)
{
    struct pg_conn *conn = rows->conn;
    const struct lt_pq *pq = conn->ep->pq;
    PGresult *result = NULL;
    int64_t n;
    int status = pg_result(conn, &result, err);
    rows->ended = !status && !result;
    if (status || !result) {
        return status;
    }
    bool known = rows->names != NULL;
    switch (pq->PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
        if (rows->complete) {
            status = several(err);
            break;
        }
        rows->at_row = pq->PQntuples(result) > 0;
        rows->complete = pq->PQresultStatus(result) == PGRES_TUPLES_OK;
        pg_clear(conn, rows->result);
        rows->result = result;
        return known ? LEAT_OK : allocate(rows, err);
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        if (!lt_parse_int(pq->PQcmdTuples(result), &n)) {
            *changed = n;
        }
        break;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
        status = lt_fail(err, LT_E_UNSUPPORTED, "COPY moves data between files: leat cp does");
        break;
    default:
        status = pg_fail_result(conn, result, err);
        break;
    }
    pg_clear(conn, result);
    return status;
}

void pg_rows_close(struct leat_rows *rows)
{
    if (!rows) {
        return;
    }
    /* Whoever has seen enough rows of a change did not mean to undo it: it runs to its end, unless it
     * was cancelled. */
    int64_t ignored;
    while (rows->names && !rows->ended && !next_result(rows, &ignored, NULL)) {
    }
    pg_clear(rows->conn, rows->result);
    pg_give(rows->conn);
    for (int i = 0; rows->names && i < rows->n; i++) {
        free((char *)rows->names[i]);
    }
    free(rows->names);
    free(rows->texts);
    free(rows->lens);
    free(rows);
}

int pg_check_closed(struct pg_conn *conn, struct leat_error *err)
{
    return conn->ep->pq->PQtransactionStatus(conn->pg) == PQTRANS_IDLE
               ? LEAT_OK
               : lt_fail(err, LT_E_OPEN_TRANSACTION, LT_OPEN_TRANSACTION);
}

int pg_run(struct leat_endpoint *ep, const char *sql, struct leat_rows **ret_rows,
           int64_t *ret_changed, struct leat_error *err)
{
    struct leat_rows *rows = calloc(1, sizeof *rows);
    if (!rows) {
        return lt_fail_oom(err);
    }
    int64_t changed = -1;
    int status = pg_take(ep, &rows->conn, err);
    status = status ? status : pg_send(rows->conn, sql, err);
    if (!status && !ep->pq->PQsetSingleRowMode(rows->conn->pg)) {
        status = pg_fail_conn(rows->conn, err);
    }
    while (!status && !rows->ended && !rows->names) {
        status = next_result(rows, &changed, err);
    }
    if (!status && rows->ended) {
        status = pg_check_closed(rows->conn, err);
    }
    if (status || !rows->names) {
        pg_rows_close(rows);
        rows = NULL;
    }
    if (!status) {
        *ret_rows = rows;
        *ret_changed = changed;
    }
    return status;
}

size_t pg_rows_columns(struct leat_rows *rows, const char *const **ret_names)
{
    *ret_names = rows->names;
    return (size_t)rows->n;
}

int pg_rows_next(struct leat_rows *rows, const char *const **ret_texts, const size_t **ret_lens,
                 struct leat_error *err)
{
    const struct lt_pq *pq = rows->conn->ep->pq;
    int64_t ignored;
    int status = LEAT_OK;
    while (!status && !rows->ended && !rows->at_row) {
        status = next_result(rows, &ignored, err);
    }
    if (status || rows->ended) {
        *ret_texts = NULL;
        return status ? status : pg_check_closed(rows->conn, err);
    }
    for (int i = 0; i < rows->n; i++) {
        bool null = pq->PQgetisnull(rows->result, 0, i);
        rows->texts[i] = null ? NULL : pq->PQgetvalue(rows->result, 0, i);
        rows->lens[i] = (size_t)pq->PQgetlength(rows->result, 0, i);
    }
    rows->at_row = false;
    *ret_texts = rows->texts;
    *ret_lens = rows->lens;
    return LEAT_OK;
}
