/* leat's own records in a PostgreSQL database. Calls wait for the server, within the time limits
 * set when the connection is made. */
#include "core/codes.h"
#include "core/util.h"
#include "db/pq_fail.h"
#include "db/pq_params.h"
#include "state/alchemy.h"
#include "state/db_parts.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 15000
#define COPY_BYTES ((size_t)64 << 10)
/* The session's time zone stays the server's: times are shown in it as the original showed them.
 * A commit that was answered must survive a crash of the server. */
#define SETTINGS                                                                                   \
    "SET datestyle = 'ISO'; SET standard_conforming_strings = on; SET lock_timeout = '10s'; "      \
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"

struct pg_db {
    struct lt_db base;
    const struct lt_pq *api;
    PGconn *pg;
};

static struct pg_db *own(struct lt_db *db)
{
    return (struct pg_db *)db;
}

static int fail(struct pg_db *db, const PGresult *result, struct leat_error *err)
{
    char words[700];
    const char *state = result ? db->api->PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (!state) {
        lt_pq_words(db->api->PQerrorMessage(db->pg), false, words, sizeof words);
        return lt_fail(err, LT_E_UNAVAILABLE, "the connection to the server was lost: %s", words);
    }
    lt_pq_words(db->api->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), false, words,
                sizeof words);
    int status = lt_fail(err, lt_pq_code(state), "%s (SQLSTATE %s)", words, state);
    if (err) {
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", state);
    }
    return status;
}

static bool is_good(const struct pg_db *db, const PGresult *result)
{
    ExecStatusType status = db->api->PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

static int pg_exec(struct lt_db *db, const char *sql, struct leat_error *err)
{
    struct pg_db *p = own(db);
    PGresult *result = p->api->PQexec(p->pg, sql);
    int rc = is_good(p, result) ? LEAT_OK : fail(p, result, err);
    p->api->PQclear(result);
    return rc;
}

static int pg_query(struct lt_db *db, const char *sql, int n_params, const char *const *params,
                    struct lt_db_rows *ret_rows, int64_t *ret_changed, struct leat_error *err)
{
    struct pg_db *p = own(db);
    PGresult *result = p->api->PQexecParams(p->pg, sql, n_params, NULL, params, NULL, NULL, 0);
    if (!is_good(p, result)) {
        int rc = fail(p, result, err);
        p->api->PQclear(result);
        return rc;
    }
    if (ret_changed) {
        *ret_changed = atoll(p->api->PQcmdTuples(result));
    }
    if (ret_rows) {
        *ret_rows = (struct lt_db_rows){.n = (size_t)p->api->PQntuples(result),
                                        .n_columns = p->api->PQnfields(result),
                                        .handle = result,
                                        .db = db};
    } else {
        p->api->PQclear(result);
    }
    return LEAT_OK;
}

static const struct lt_pq *api_of(const struct lt_db_rows *rows)
{
    return ((const struct pg_db *)rows->db)->api;
}

static const char *pg_cell(const struct lt_db_rows *rows, size_t row, int column)
{
    const struct lt_pq *api = api_of(rows);
    return api->PQgetisnull(rows->handle, (int)row, column)
               ? NULL
               : api->PQgetvalue(rows->handle, (int)row, column);
}

static void pg_rows_done(struct lt_db_rows *rows)
{
    api_of(rows)->PQclear(rows->handle);
}

/* --- many rows -------------------------------------------------------------------------------- */

/* One cell of COPY's text format. */
static int copy_cell(struct lt_buf *out, const char *text)
{
    if (!text) {
        return lt_buf_puts(out, "\\N");
    }
    int failed = LEAT_OK;
    while (*text && !failed) {
        size_t plain = strcspn(text, "\\\t\n\r");
        failed = lt_buf_append(out, text, plain);
        text += plain;
        if (*text) {
            char escape[2] = {'\\', *text == '\t'   ? 't'
                                    : *text == '\n' ? 'n'
                                    : *text == '\r' ? 'r'
                                                    : '\\'};
            failed |= lt_buf_append(out, escape, sizeof escape);
            text++;
        }
    }
    return failed;
}

static int send_rows(struct pg_db *p, int n_columns, lt_db_next_fn *next, void *arg,
                     struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    const char *cells[LT_DB_PARAMS_MAX] = {NULL};
    int rc = LEAT_OK;
    while (!rc && next(arg, cells)) {
        int failed = LEAT_OK;
        for (int i = 0; i < n_columns; i++) {
            failed |= i ? lt_buf_byte(&out, '\t') : LEAT_OK;
            failed |= copy_cell(&out, cells[i]);
        }
        rc = failed || lt_buf_byte(&out, '\n') ? lt_fail_oom(err) : LEAT_OK;
        if (!rc && out.len >= COPY_BYTES) {
            rc = p->api->PQputCopyData(p->pg, (const char *)out.data, (int)out.len) < 0
                     ? fail(p, NULL, err)
                     : LEAT_OK;
            lt_buf_clear(&out);
        }
    }
    if (!rc && out.len && p->api->PQputCopyData(p->pg, (const char *)out.data, (int)out.len) < 0) {
        rc = fail(p, NULL, err);
    }
    lt_buf_done(&out);
    return rc;
}

static int pg_insert(struct lt_db *db, const char *table, const char *columns, int n_columns,
                     lt_db_next_fn *next, void *arg, struct leat_error *err)
{
    struct pg_db *p = own(db);
    char *sql = lt_format("COPY %s (%s) FROM STDIN", table, columns);
    if (!sql) {
        return lt_fail_oom(err);
    }
    PGresult *result = p->api->PQexec(p->pg, sql);
    free(sql);
    bool copying = p->api->PQresultStatus(result) == PGRES_COPY_IN;
    int rc = copying ? send_rows(p, n_columns, next, arg, err) : fail(p, result, err);
    p->api->PQclear(result);
    if (!copying) {
        return rc;
    }
    if (p->api->PQputCopyEnd(p->pg, rc ? "given up" : NULL) < 0 && !rc) {
        rc = fail(p, NULL, err);
    }
    while ((result = p->api->PQgetResult(p->pg))) {
        rc = rc || is_good(p, result) ? rc : fail(p, result, err);
        p->api->PQclear(result);
    }
    return rc;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void pg_close(struct lt_db *db)
{
    struct pg_db *p = own(db);
    if (p->pg) {
        p->api->PQfinish(p->pg);
    }
    free(p);
}

static const struct lt_db_ops ops = {
    .kind = LT_DB_POSTGRES,
    .close = pg_close,
    .exec = pg_exec,
    .query = pg_query,
    .cell = pg_cell,
    .rows_done = pg_rows_done,
    .insert = pg_insert,
    .begin = "BEGIN",
};

static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

static int connect_poll(struct pg_db *p, struct leat_error *err)
{
    char seconds[16];
    lt_pq_effective(p->api, p->pg, "connect_timeout", seconds, sizeof seconds);
    int64_t ms = atoi(seconds) > 0 ? atoi(seconds) * 1000LL : CONNECT_MS;
    int64_t until_us = lt_now_us() + ms * 1000;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (p->api->PQstatus(p->pg) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
           state != PGRES_POLLING_FAILED) {
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        struct pollfd fd = {p->api->PQsocket(p->pg), events, 0};
        int64_t left_ms = (until_us - lt_now_us()) / 1000;
        if (left_ms <= 0) {
            return lt_fail(err, LT_E_UNAVAILABLE, "the server did not answer the login in time");
        }
        if (poll(&fd, 1, (int)left_ms) > 0) {
            state = p->api->PQconnectPoll(p->pg);
        }
    }
    return state == PGRES_POLLING_OK ? LEAT_OK : lt_pq_fail_connect(p->api, p->pg, err);
}

/* SQLAlchemy's reading of the string; libpq's own defaults for what it leaves open. */
static int alchemy_params(const struct lt_pq *api, const char *text, struct lt_pq_params *params,
                          struct leat_error *err)
{
    struct lt_alchemy url = {0};
    int rc = lt_alchemy_parse(text, &url, err);
    const struct {
        const char *keyword, *value;
    } parts[] = {{"user", url.user},
                 {"password", url.password},
                 {"host", url.host},
                 {"port", url.port},
                 {"dbname", url.database}};
    for (size_t i = 0; i < LT_ARRAY_LEN(parts) && !rc; i++) {
        rc = parts[i].value ? lt_pq_params_add(params, parts[i].keyword, parts[i].value, err)
                            : LEAT_OK;
    }
    for (size_t i = 0; i < url.n_params && !rc; i++) {
        rc = lt_pq_params_option(api, params, url.keys[i], url.values[i], err);
    }
    rc = rc ? rc : lt_pq_params_add(params, "client_encoding", "UTF8", err);
    lt_alchemy_done(&url);
    return rc;
}

static int url_params(const struct lt_pq *api, const char *url, struct lt_pq_params *params,
                      struct leat_error *err)
{
    int rc = lt_pq_params_url(api, params, url, err);
    return rc ? rc : lt_pq_params_finish(api, params, err);
}

int lt_db_pg_open(const char *url, enum lt_db_form form, struct lt_db **ret_db,
                  struct leat_error *err)
{
    const struct lt_pq *api;
    struct lt_pq_params params = {0};
    int rc = lt_pq_load(&api, err);
    if (rc) {
        return rc;
    }
    struct pg_db *p = calloc(1, sizeof *p);
    if (!p) {
        return lt_fail_oom(err);
    }
    p->base.ops = &ops;
    p->api = api;
    rc = form == LT_DB_FORM_SQLALCHEMY ? alchemy_params(api, url, &params, err)
                                       : url_params(api, url, &params, err);
    if (!rc) {
        p->pg = lt_pq_connect_start(api, &params);
        rc = p->pg ? connect_poll(p, err) : lt_fail_oom(err);
    }
    if (!rc) {
        api->PQsetNoticeProcessor(p->pg, ignore_notice, NULL);
        rc = pg_exec(&p->base, SETTINGS, err);
    }
    lt_pq_params_done(&params);
    if (rc) {
        pg_close(&p->base);
        return rc;
    }
    *ret_db = &p->base;
    return LEAT_OK;
}
