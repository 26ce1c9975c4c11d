/* Connections: opening, the pool, statements that can be cancelled, and what failures mean. */
#include "connectors/postgres/pg.h"

#include "db/pq_fail.h"
#include "sql/postgres.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define WAIT_ROUND_MS 100
#define INTERRUPT_MS 800
#define CONNECT_MS 15000
#define LOCK_MS 10000
#define KEEPALIVE_IDLE "30" /* seconds; the system's default is hours */
#define KEEPALIVE_INTERVAL "10"
#define KEEPALIVE_COUNT "3"

bool pg_is_cancelled(const struct leat_endpoint *ep)
{
    return atomic_load_explicit(&ep->cancelled, memory_order_relaxed) ||
           (ep->host->cancelled && ep->host->cancelled(ep->host->arg));
}

int pg_step(const struct leat_endpoint *ep, const char *name, struct leat_error *err)
{
    return ep->host->step ? ep->host->step(ep->host->arg, name, err) : LEAT_OK;
}

void pg_log(const struct leat_endpoint *ep, enum leat_log_level level, const char *fmt, ...)
{
    if (!ep->host->log) {
        return;
    }
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    ep->host->log(ep->host->arg, level, line);
}

int pg_ident(struct lt_buf *sql, const char *identifier)
{
    return lt_dialect_quote(&lt_dialect_postgres, identifier, sql);
}

/* As E'...' when there is a backslash: right whatever standard_conforming_strings says. */
int pg_literal(struct lt_buf *sql, const char *text)
{
    if (!strchr(text, '\\')) {
        return lt_dialect_literal(&lt_dialect_postgres, text, sql);
    }
    int failed = lt_buf_puts(sql, " E'");
    for (; *text; text++) {
        failed |= *text == '\'' || *text == '\\' ? lt_buf_byte(sql, (uint8_t)*text) : LEAT_OK;
        failed |= lt_buf_byte(sql, (uint8_t)*text);
    }
    return failed | lt_buf_byte(sql, '\'');
}

/* --- failures ------------------------------------------------------------------------------ */

/* Line and column of a COPY out of its context line: COPY t, line 3, column total: "..." */
static void place_of_context(const char *context, struct leat_error *err)
{
    const char *line = context ? strstr(context, ", line ") : NULL;
    if (!line || strncmp(context, "COPY ", 5) != 0) {
        return;
    }
    const char *column = strstr(line, ", column ");
    long long n = strtoll(line + 7, NULL, 10);
    if (column) {
        column += 9;
        leat_error_place(err, "row %lld column \"%.*s\"", n,
                         (int)LT_MIN(strcspn(column, ":,\n"), 64), column);
    } else {
        leat_error_place(err, "row %lld", n);
    }
}

int pg_fail_result(struct pg_conn *conn, const PGresult *result, struct leat_error *err)
{
    const struct lt_pq *pq = conn->ep->pq;
    const char *state = pq->PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!state || !*state) {
        return pg_fail_conn(conn, err);
    }
    if (!strcmp(state, "57014") && pg_is_cancelled(conn->ep)) {
        return lt_fail(err, LT_E_CANCELLED, "cancelled");
    }
    char words[700];
    lt_pq_words(pq->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), !strncmp(state, "22", 2),
                words, sizeof words);
    int status = lt_fail(err, lt_pq_code(state), "%s (SQLSTATE %s)", words, state);
    const char *column = pq->PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
    const char *context = pq->PQresultErrorField(result, PG_DIAG_CONTEXT);
    if (err) {
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", state);
        if (column && *column) {
            leat_error_place(err, "column \"%s\"", column);
        } else {
            place_of_context(context, err);
        }
    }
    if (!strcmp(state, "54011")) {
        leat_error_remedy(err,
                          "leat's own columns count too: one or two of the helper table that a "
                          "load by key or a sync takes in, and those of a history; --columns "
                          "leaves columns out");
    }
    if (!strcmp(state, "23503")) {
        leat_error_remedy(err,
                          "copy tables that refer to each other in one command; where one that "
                          "is not copied refers to these, load with --append or drop its key");
    }
    if (!strncmp(state, "57P0", 4) || !strncmp(state, "08", 2)) {
        conn->broken = true;
    }
    return status;
}

int pg_fail_conn(struct pg_conn *conn, struct leat_error *err)
{
    conn->broken = true;
    if (pg_is_cancelled(conn->ep) && !conn->grace_until_us) {
        return lt_fail(err, LT_E_CANCELLED, "cancelled");
    }
    char words[700];
    lt_pq_words(conn->ep->pq->PQerrorMessage(conn->pg), false, words, sizeof words);
    return lt_fail(err, LT_E_UNAVAILABLE, "the connection to the server was lost: %s", words);
}

/* --- waiting ------------------------------------------------------------------------------- */

/* PQcancel opens a connection of its own and may hang with the server: it gets a thread. */
struct canceller {
    const struct lt_pq *pq;
    PGcancel *cancel;
    atomic_int done;
    atomic_int holders;
};

static void canceller_put(struct canceller *canceller)
{
    if (atomic_fetch_sub(&canceller->holders, 1) == 1) {
        canceller->pq->PQfreeCancel(canceller->cancel);
        free(canceller);
    }
}

static void *canceller_run(void *arg)
{
    struct canceller *canceller = arg;
    char text[256];
    canceller->pq->PQcancel(canceller->cancel, text, sizeof text);
    atomic_store(&canceller->done, 1);
    canceller_put(canceller);
    return NULL;
}

static void request_cancel(struct pg_conn *conn)
{
    struct canceller *canceller = calloc(1, sizeof *canceller);
    PGcancel *cancel = conn->ep->pq->PQgetCancel(conn->pg);
    pthread_t thread;
    if (!canceller || !cancel) {
        conn->ep->pq->PQfreeCancel(cancel);
        free(canceller);
        return;
    }
    canceller->pq = conn->ep->pq;
    canceller->cancel = cancel;
    atomic_store(&canceller->holders, 2);
    if (pthread_create(&thread, NULL, canceller_run, canceller)) {
        canceller_put(canceller);
        canceller_put(canceller);
        return;
    }
    pthread_detach(thread);
    for (int i = 0; i < INTERRUPT_MS / 2 / 5 && !atomic_load(&canceller->done); i++) {
        lt_sleep_ms(5, NULL);
    }
    canceller_put(canceller);
}

/* Drops what a COPY or statement still sends, until `until_us`. */
static bool drain(struct pg_conn *conn, int64_t until_us)
{
    const struct lt_pq *pq = conn->ep->pq;
    while (lt_now_us() < until_us) {
        if (!pq->PQconsumeInput(conn->pg)) {
            return false;
        }
        char *row = NULL;
        int got = 0;
        while ((got = pq->PQgetCopyData(conn->pg, &row, 1)) > 0) {
            pq->PQfreemem(row);
            row = NULL;
        }
        if (got != 0 && !pq->PQisBusy(conn->pg)) {
            PGresult *result = pq->PQgetResult(conn->pg);
            if (!result) {
                return true;
            }
            bool copy_in = pq->PQresultStatus(result) == PGRES_COPY_IN;
            pq->PQclear(result);
            if (copy_in && pq->PQputCopyEnd(conn->pg, "cancelled") < 0) {
                return false;
            }
            continue;
        }
        int unsent = pq->PQflush(conn->pg);
        if (unsent < 0) {
            return false;
        }
        struct pollfd fd = {pq->PQsocket(conn->pg), (short)(POLLIN | (unsent ? POLLOUT : 0)), 0};
        poll(&fd, 1, WAIT_ROUND_MS);
    }
    return false;
}

void pg_interrupt(struct pg_conn *conn)
{
    const struct lt_pq *pq = conn->ep->pq;
    if (conn->broken || pq->PQstatus(conn->pg) != CONNECTION_OK) {
        conn->broken = true;
        return;
    }
    if (pq->PQtransactionStatus(conn->pg) != PQTRANS_ACTIVE) {
        return;
    }
    int64_t until_us = lt_now_us() + INTERRUPT_MS * 1000;
    if (!conn->copying_in) {
        /* COPY FROM ends by itself when told so; a cancel might hit the statement after it. */
        request_cancel(conn);
    }
    conn->copying_in = false;
    if (!drain(conn, until_us)) {
        conn->broken = true;
    }
}

int pg_wait(struct pg_conn *conn, short events, struct leat_error *err)
{
    struct pollfd fd = {conn->ep->pq->PQsocket(conn->pg), events, 0};
    if (fd.fd < 0) {
        return pg_fail_conn(conn, err);
    }
    for (;;) {
        fd.revents = 0;
        int n = poll(&fd, 1, WAIT_ROUND_MS);
        if (n > 0 || (n < 0 && errno != EINTR)) {
            return LEAT_OK;
        }
        if (conn->grace_until_us && lt_now_us() > conn->grace_until_us) {
            conn->broken = true;
            return lt_fail(err, LT_E_UNAVAILABLE, "the server did not answer in time");
        }
        if (!conn->grace_until_us && pg_is_cancelled(conn->ep)) {
            if (conn->committing) {
                pg_grace(conn, INTERRUPT_MS);
                continue;
            }
            pg_interrupt(conn);
            return lt_fail(err, LT_E_CANCELLED, "cancelled");
        }
    }
}

void pg_grace(struct pg_conn *conn, int64_t ms)
{
    conn->grace_until_us = ms ? lt_now_us() + ms * 1000 : 0;
}

/* --- statements ---------------------------------------------------------------------------- */

int pg_flush(struct pg_conn *conn, struct leat_error *err)
{
    const struct lt_pq *pq = conn->ep->pq;
    int unsent;
    while ((unsent = pq->PQflush(conn->pg)) > 0) {
        int status = pg_wait(conn, POLLIN | POLLOUT, err);
        if (status) {
            return status;
        }
        /* Reading as well keeps a server that wants to talk first from blocking both sides. */
        if (!pq->PQconsumeInput(conn->pg)) {
            return pg_fail_conn(conn, err);
        }
    }
    return unsent < 0 ? pg_fail_conn(conn, err) : LEAT_OK;
}

int pg_before_sending(struct pg_conn *conn, struct leat_error *err)
{
    if (!conn->grace_until_us && pg_is_cancelled(conn->ep)) {
        return lt_fail(err, LT_E_CANCELLED, "cancelled");
    }
    return conn->broken ? pg_fail_conn(conn, err) : LEAT_OK;
}

int pg_send(struct pg_conn *conn, const char *sql, struct leat_error *err)
{
    int status = pg_before_sending(conn, err);
    if (status) {
        return status;
    }
    if (!conn->ep->pq->PQsendQuery(conn->pg, sql)) {
        return pg_fail_conn(conn, err);
    }
    return pg_flush(conn, err);
}

int pg_result(struct pg_conn *conn, PGresult **ret_result, struct leat_error *err)
{
    const struct lt_pq *pq = conn->ep->pq;
    while (pq->PQisBusy(conn->pg)) {
        int status = pg_wait(conn, POLLIN, err);
        if (status) {
            return status;
        }
        if (!pq->PQconsumeInput(conn->pg)) {
            return pg_fail_conn(conn, err);
        }
    }
    *ret_result = pq->PQgetResult(conn->pg);
    return LEAT_OK;
}

static bool is_good(ExecStatusType status)
{
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY ||
           status == PGRES_COPY_IN || status == PGRES_COPY_OUT;
}

int pg_finish_results(struct pg_conn *conn, PGresult **ret_last, struct leat_error *err)
{
    const struct lt_pq *pq = conn->ep->pq;
    PGresult *last = NULL;
    int failure = LEAT_OK;
    for (;;) {
        PGresult *result = NULL;
        int status = pg_result(conn, &result, failure ? NULL : err);
        if (status) {
            pg_clear(conn, last);
            return failure ? failure : status;
        }
        if (!result) {
            break;
        }
        ExecStatusType kind = pq->PQresultStatus(result);
        if (!is_good(kind) && !failure) {
            failure = pg_fail_result(conn, result, err);
        }
        pg_clear(conn, last);
        last = result;
        if (kind == PGRES_COPY_IN || kind == PGRES_COPY_OUT) {
            break; /* data come next, not results */
        }
    }
    if (failure || !ret_last) {
        pg_clear(conn, last);
    } else {
        *ret_last = last;
    }
    return failure;
}

int pg_finish_copy(struct pg_conn *conn, int64_t *ret_rows, struct leat_error *err)
{
    PGresult *first = NULL;
    int64_t rows = -1;
    int status = pg_result(conn, &first, err);
    if (!status && first && !is_good(conn->ep->pq->PQresultStatus(first))) {
        status = pg_fail_result(conn, first, err);
    } else if (!status && (!first || lt_parse_int(conn->ep->pq->PQcmdTuples(first), &rows))) {
        rows = -1;
    }
    pg_clear(conn, first);
    int rest = conn->broken ? LEAT_OK : pg_finish_results(conn, NULL, status ? NULL : err);
    status = status ? status : rest;
    if (!status) {
        *ret_rows = rows;
    }
    return status;
}

int pg_exec(struct pg_conn *conn, const char *sql, struct leat_error *err)
{
    int status = pg_send(conn, sql, err);
    return status ? status : pg_finish_results(conn, NULL, err);
}

int pg_execf(struct pg_conn *conn, struct leat_error *err, const char *fmt, ...)
{
    struct lt_buf sql = LT_BUF_INIT;
    va_list args;
    va_start(args, fmt);
    int status = lt_buf_vprintf(&sql, fmt, args) ? lt_fail_oom(err) : LEAT_OK;
    va_end(args);
    status = status ? status : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status;
}

int pg_value(struct pg_conn *conn, const char *sql, int n_params, const char *const *params,
             char *text, size_t size, struct leat_error *err)
{
    PGresult *result = NULL;
    int status = pg_query(conn, sql, n_params, params, &result, err);
    if (!status) {
        bool any = pg_rows(conn, result) > 0 && conn->ep->pq->PQnfields(result) > 0;
        snprintf(text, size, "%s", any ? pg_cell(conn, result, 0, 0) : "");
    }
    pg_clear(conn, result);
    return status;
}

int pg_count_rows(struct pg_conn *conn, const char *table, const char *where, int64_t *ret_rows,
                  struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    char text[24] = "";
    int failed = lt_buf_printf(&sql, "SELECT pg_catalog.count(*) FROM %s AS q%s", table, where);
    int status = failed ? lt_fail_oom(err)
                        : pg_value(conn, lt_buf_text(&sql), 0, NULL, text, sizeof text, err);
    lt_buf_done(&sql);
    return status || !lt_parse_int(text, ret_rows)
               ? status
               : lt_fail(err, LT_E_INTERNAL, "the server counts \"%s\" rows", text);
}

/* --- opening ------------------------------------------------------------------------------- */

static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

/* A host that vanished, or a firewall that forgot the connection, must not keep a read waiting for
 * ever: after a minute without an answer to the kernel's probes the connection counts as lost.
 * What URL, service or environment say about it wins. No TCP_USER_TIMEOUT: it would also end a
 * COPY into a table whose triggers are slow, for it counts a full window of the peer's as silence.
 * Where an option cannot be set (a Unix socket), there is nothing to be kept alive. */
static void keep_alive(struct pg_conn *conn)
{
#ifdef __linux__
    static const struct {
        const char *keyword, *usual;
        int option;
    } settings[] = {{"keepalives_idle", KEEPALIVE_IDLE, TCP_KEEPIDLE},
                    {"keepalives_interval", KEEPALIVE_INTERVAL, TCP_KEEPINTVL},
                    {"keepalives_count", KEEPALIVE_COUNT, TCP_KEEPCNT}};
    for (size_t i = 0; i < LT_ARRAY_LEN(settings); i++) {
        char text[16];
        lt_pq_effective(conn->ep->pq, conn->pg, settings[i].keyword, text, sizeof text);
        int value = *text ? 0 : atoi(settings[i].usual);
        if (value) {
            (void)setsockopt(conn->ep->pq->PQsocket(conn->pg), IPPROTO_TCP, settings[i].option,
                             &value, sizeof value);
        }
    }
#else
    (void)conn;
#endif
}

static int connect_poll(struct pg_conn *conn, int64_t until_us, struct leat_error *err)
{
    const struct lt_pq *pq = conn->ep->pq;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    if (pq->PQstatus(conn->pg) == CONNECTION_BAD) {
        return lt_pq_fail_connect(pq, conn->pg, err);
    }
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED) {
            return lt_pq_fail_connect(pq, conn->pg, err);
        }
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        struct pollfd fd = {pq->PQsocket(conn->pg), events, 0};
        int n = poll(&fd, 1, WAIT_ROUND_MS);
        if (!conn->grace_until_us && pg_is_cancelled(conn->ep)) {
            return lt_fail(err, LT_E_CANCELLED, "cancelled");
        }
        if (lt_now_us() > until_us) {
            return lt_fail(err, LT_E_UNAVAILABLE, "the server did not answer the login in time");
        }
        if (n > 0) {
            state = pq->PQconnectPoll(conn->pg);
        }
    }
    return LEAT_OK;
}

/* The strings travel as values, so every session must write and read them alike. A commit that was
 * answered must survive a crash of the server, or success would be told too early: where the server
 * does not wait for its log by itself, this session does. */
static const struct {
    const char *name, *value;
} settings[] = {
    {"datestyle", "'ISO, MDY'"},
    {"intervalstyle", "'iso_8601'"},
    {"timezone", "'UTC'"},
    {"statement_timeout", "0"},
    {"standard_conforming_strings", "on"},
    {"idle_in_transaction_session_timeout", "0"},
    {"bytea_output", "'hex'"},
    {"xmloption", "content"},
    {"array_nulls", "on"},
};

int pg_settings(const struct pg_conn *conn, bool local, struct lt_buf *sql)
{
    const char *set = local ? "SET LOCAL" : "SET";
    int failed = LEAT_OK;
    for (size_t i = 0; i < LT_ARRAY_LEN(settings); i++) {
        failed |= lt_buf_printf(sql, "%s %s = %s; ", set, settings[i].name, settings[i].value);
    }
    failed |= lt_buf_printf(sql, "%s extra_float_digits = %d; %s lock_timeout = %lld; ", set,
                            conn->ep->pq->PQserverVersion(conn->pg) >= 120000 ? 1 : 3, set,
                            (long long)conn->ep->lock_timeout_ms);
    failed |= lt_buf_printf(sql,
                            "SELECT pg_catalog.set_config('synchronous_commit', 'local', %s) WHERE "
                            "pg_catalog.current_setting('synchronous_commit') = 'off'; ",
                            local ? "true" : "false");
    return failed;
}

/* A pooler tells each client a process id of its own making, for cancels. Behind one, statements
 * outside a transaction may meet different sessions, and what is set there stays for others. */
static int find_pooler(struct pg_conn *conn, struct leat_error *err)
{
    char text[24];
    int status = LEAT_OK;
    if (atomic_load(&conn->ep->pooler) < 0) {
        status =
            pg_value(conn, "SELECT pg_catalog.pg_backend_pid()", 0, NULL, text, sizeof text, err);
        int pooler = !status && atoi(text) != conn->ep->pq->PQbackendPID(conn->pg);
        if (!status) {
            atomic_store(&conn->ep->pooler, pooler);
        }
        if (pooler) {
            pg_log(conn->ep, LEAT_LOG_WARN,
                   "a pooler stands before the server: every read and load keeps to one "
                   "transaction, and streams are read one at a time");
        }
    }
    return status;
}

static int set_session(struct pg_conn *conn, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int status = find_pooler(conn, err);
    if (!status && !pg_pooled(conn->ep)) {
        status = pg_settings(conn, false, &sql) ? lt_fail_oom(err)
                                                : pg_exec(conn, lt_buf_text(&sql), err);
    }
    lt_buf_done(&sql);
    return status;
}

static int connect_with(struct leat_endpoint *ep, int64_t grace_ms, struct pg_conn **ret_conn,
                        struct leat_error *err)
{
    struct pg_conn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        return lt_fail_oom(err);
    }
    conn->ep = ep;
    pg_grace(conn, grace_ms);
    conn->pg = lt_pq_connect_start(ep->pq, &ep->params);
    int status = conn->pg ? LEAT_OK : lt_fail_oom(err);
    if (!status) {
        char seconds[16];
        lt_pq_effective(ep->pq, conn->pg, "connect_timeout", seconds, sizeof seconds);
        int64_t ms = atoi(seconds) > 0 ? atoi(seconds) * 1000 : ep->connect_timeout_ms;
        ms = grace_ms ? LT_MIN(ms, grace_ms) : ms;
        status = connect_poll(conn, lt_now_us() + ms * 1000, err);
    }
    if (!status) {
        keep_alive(conn);
        ep->pq->PQsetnonblocking(conn->pg, 1);
        ep->pq->PQsetNoticeProcessor(conn->pg, ignore_notice, NULL);
        status = set_session(conn, err);
    }
    if (status) {
        pg_disconnect(conn);
        return status;
    }
    *ret_conn = conn;
    return LEAT_OK;
}

int pg_connect(struct leat_endpoint *ep, struct pg_conn **ret_conn, struct leat_error *err)
{
    return connect_with(ep, 0, ret_conn, err);
}

void pg_disconnect(struct pg_conn *conn)
{
    if (conn) {
        if (conn->pg) {
            conn->ep->pq->PQfinish(conn->pg);
        }
        pg_statements_free(conn->statements);
        free(conn);
    }
}

/* True while the other side has not hung up: a pooled connection may have been idle for long. */
static bool is_alive(struct pg_conn *conn)
{
    struct pollfd fd = {conn->ep->pq->PQsocket(conn->pg), POLLIN, 0};
    if (fd.fd < 0 || poll(&fd, 1, 0) == 0) {
        return fd.fd >= 0;
    }
    return conn->ep->pq->PQconsumeInput(conn->pg) &&
           conn->ep->pq->PQstatus(conn->pg) == CONNECTION_OK &&
           (poll(&fd, 1, 0) == 0 || !(fd.revents & (POLLHUP | POLLERR)));
}

int pg_take_grace(struct leat_endpoint *ep, int64_t grace_ms, struct pg_conn **ret_conn,
                  struct leat_error *err)
{
    for (;;) {
        struct pg_conn *conn = NULL;
        pthread_mutex_lock(&ep->lock);
        if (ep->n_idle) {
            conn = ep->idle[--ep->n_idle];
        }
        pthread_mutex_unlock(&ep->lock);
        if (!conn) {
            return connect_with(ep, grace_ms, ret_conn, err);
        }
        if (is_alive(conn)) {
            pg_grace(conn, grace_ms);
            *ret_conn = conn;
            return LEAT_OK;
        }
        pg_disconnect(conn);
    }
}

int pg_take(struct leat_endpoint *ep, struct pg_conn **ret_conn, struct leat_error *err)
{
    if (pg_is_cancelled(ep)) {
        return lt_fail(err, LT_E_CANCELLED, "cancelled");
    }
    return pg_take_grace(ep, 0, ret_conn, err);
}

int pg_take_held(struct leat_endpoint *ep, struct pg_conn **ret_conn, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    struct lt_buf sql = LT_BUF_INIT;
    int status = pg_take(ep, &conn, err);
    if (!status && pg_pooled(ep)) {
        status = lt_buf_puts(&sql, "BEGIN; ") || pg_settings(conn, true, &sql)
                     ? lt_fail_oom(err)
                     : pg_exec(conn, lt_buf_text(&sql), err);
    }
    lt_buf_done(&sql);
    if (status) {
        pg_give(conn);
        return status;
    }
    *ret_conn = conn;
    return LEAT_OK;
}

void pg_give(struct pg_conn *conn)
{
    if (!conn) {
        return;
    }
    struct leat_endpoint *ep = conn->ep;
    pg_interrupt(conn);
    if (!conn->broken && ep->pq->PQtransactionStatus(conn->pg) != PQTRANS_IDLE) {
        pg_grace(conn, INTERRUPT_MS);
        if (pg_exec(conn, "ROLLBACK", NULL)) {
            conn->broken = true;
        }
    }
    conn->grace_until_us = 0;
    if (!conn->broken && ep->pq->PQstatus(conn->pg) == CONNECTION_OK) {
        pthread_mutex_lock(&ep->lock);
        if (ep->n_idle < PG_IDLE_MAX) {
            ep->idle[ep->n_idle++] = conn;
            conn = NULL;
        }
        pthread_mutex_unlock(&ep->lock);
    }
    pg_disconnect(conn);
}

/* --- the endpoint --------------------------------------------------------------------------- */

int pg_endpoint_configure(struct leat_endpoint *ep, const struct leat_config *config,
                          struct leat_error *err)
{
    int status = lt_pq_params_url(ep->pq, &ep->params, config->url, err);
    for (size_t i = 0; i < config->n_params && !status; i++) {
        if (config->params[i].value) {
            status = lt_pq_params_option(ep->pq, &ep->params, config->params[i].name,
                                         config->params[i].value, err);
        }
    }
    status = status ? status : lt_pq_params_finish(ep->pq, &ep->params, err);
    ep->no_state = config->no_state;
    ep->connect_timeout_ms =
        config->connect_timeout_ms > 0 ? config->connect_timeout_ms : CONNECT_MS;
    ep->lock_timeout_ms = config->lock_timeout_ms > 0 ? config->lock_timeout_ms : LOCK_MS;
    if (!status && config->state_namespace && *config->state_namespace) {
        ep->state_namespace = lt_strdup(config->state_namespace);
        status = ep->state_namespace ? LEAT_OK : lt_fail_oom(err);
    }
    return status;
}
