/* Connections to a database file: opening, waiting for locks, stopping, and what its errors mean.
 *
 * Cancelling needs no list of connections: SQLite asks the progress handler every few thousand
 * steps of its machine and the busy handler while it waits, and both look at one flag. */
#include "connectors/sqlite/internal.h"

#include "core/util.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

#define PROGRESS_STEPS 4000 /* some microseconds of work between two looks at the flag */
#define BUSY_WAIT_MS_MAX 25
#define CACHE_BYTES_MIN ((int64_t)2 << 20)
#define CACHE_BYTES_MAX ((int64_t)64 << 20)

void lt_sq_log(const struct leat_endpoint *ep, enum leat_log_level level, const char *fmt, ...)
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

int lt_sq_step_hook(const struct leat_endpoint *ep, const char *name, struct leat_error *err)
{
    return ep->host->step ? ep->host->step(ep->host->arg, name, err) : LEAT_OK;
}

static bool is_cancelled(const struct leat_endpoint *ep)
{
    return lt_cancel_is(&ep->cancel) || (ep->host->cancelled && ep->host->cancelled(ep->host->arg));
}

static int on_progress(void *arg)
{
    const struct sq_conn *conn = arg;
    return is_cancelled(conn->ep);
}

/* Waits for another connection's lock, no longer than the lock timeout: SQLite has no queue, so
 * waiting is asking again. */
static int on_busy(void *arg, int tries)
{
    struct sq_conn *conn = arg;
    int64_t now = lt_now_us();
    if (tries == 0) {
        conn->busy_since_us = now;
    }
    int64_t left_ms = conn->ep->lock_timeout_ms - (now - conn->busy_since_us) / 1000;
    if (left_ms <= 0 || is_cancelled(conn->ep)) {
        return 0;
    }
    int64_t wait_ms = LT_MIN((int64_t)1 << LT_MIN(tries, 5), BUSY_WAIT_MS_MAX);
    lt_sleep_ms(LT_MIN(wait_ms, left_ms), &conn->ep->cancel.flag);
    return 1;
}

bool lt_sq_exists(const struct leat_endpoint *ep)
{
    struct stat st;
    return stat(ep->path, &st) == 0;
}

static enum lt_code code_of(const struct sq_conn *conn, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return conn->use == SQ_USE_WRITE ? LT_E_DESTINATION_BUSY : LT_E_UNAVAILABLE;
    case SQLITE_FULL:
        return LT_E_NO_SPACE;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        return LT_E_DENIED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return LT_E_CORRUPT;
    case SQLITE_TOOBIG:
        return LT_E_LIMIT;
    case SQLITE_INTERRUPT:
        return LT_E_CANCELLED;
    case SQLITE_CONSTRAINT:
        return rc == SQLITE_CONSTRAINT_NOTNULL ? LT_E_NOT_NULL : LT_E_SERVER;
    case SQLITE_ERROR:
    case SQLITE_RANGE:
        return LT_E_INVALID;
    default:
        return LT_E_IO;
    }
}

int lt_sq_fail(struct sq_conn *conn, int rc, struct leat_error *err, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (is_cancelled(conn->ep)) {
        return lt_fail(err, LT_E_CANCELLED, "%s: the run was stopped", what);
    }
    if ((rc & 0xff) == SQLITE_NOMEM) {
        return lt_fail_oom(err);
    }
    int sys = conn->db ? conn->api->sqlite3_system_errno(conn->db) : 0;
    int kind = rc & 0xff;
    if ((kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN) && sys) {
        int status = lt_fail_errno(err, sys, "%s (%s)", what, conn->ep->path);
        leat_error_place(err, "%s", conn->ep->path);
        return status;
    }
    const char *said = conn->db ? conn->api->sqlite3_errmsg(conn->db) : "";
    if (!*said || !strcmp(said, "not an error")) {
        said = conn->api->sqlite3_errstr(rc);
    }
    int status = lt_fail(err, code_of(conn, rc), "%s: %s", what, said);
    leat_error_place(err, "%s", conn->ep->path);
    if (conn->use == SQ_USE_READ && (kind == SQLITE_CANTOPEN || kind == SQLITE_READONLY)) {
        leat_error_remedy(err, "mode=immutable reads a file that nobody writes, without locks");
    }
    return status;
}

void lt_sq_lock(struct sq_conn *conn)
{
    conn->api->sqlite3_mutex_enter(conn->api->sqlite3_db_mutex(conn->db));
}

void lt_sq_unlock(struct sq_conn *conn)
{
    conn->api->sqlite3_mutex_leave(conn->api->sqlite3_db_mutex(conn->db));
}

/* Pages kept in memory, out of the endpoint's share of the budget. */
static int set_cache(struct sq_conn *conn, struct leat_error *err)
{
    const struct leat_host *host = conn->ep->host;
    int64_t bytes = host->memory ? host->memory(host->arg) / 8 : CACHE_BYTES_MIN;
    bytes = LT_MAX(CACHE_BYTES_MIN, LT_MIN(bytes, CACHE_BYTES_MAX));
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA cache_size = -%lld", (long long)(bytes / 1024));
    return lt_sq_exec(conn, sql, err);
}

/* Enforced foreign keys could delete rows of other tables when this one is emptied (ON DELETE
 * CASCADE), and would depend on the order of streams; SQLite's own default is the same. */
static int prepare_connection(struct sq_conn *conn, struct leat_error *err)
{
    conn->api->sqlite3_extended_result_codes(conn->db, 1);
    conn->api->sqlite3_busy_handler(conn->db, on_busy, conn);
    conn->api->sqlite3_progress_handler(conn->db, PROGRESS_STEPS, on_progress, conn);
    int status = lt_sq_exec(
        conn, conn->use == SQ_USE_READ ? "PRAGMA query_only = 1" : "PRAGMA foreign_keys = 0", err);
    status = status ? status : lt_sq_collations(conn, err);
    status = status ? status : lt_sq_functions(conn, err);
    status = status ? status : lt_sq_take_function(conn, err);
    return status ? status : set_cache(conn, err);
}

/* Reading connections may write too, for a journal left by a killed program has to be rolled back
 * before anybody can read; query_only keeps statements from it. SQLite falls back to reading by
 * itself where the file is write-protected. */
static int open_flags(const struct leat_endpoint *ep, enum sq_use use)
{
    int flags = use == SQ_USE_SHARED ? SQLITE_OPEN_FULLMUTEX : SQLITE_OPEN_NOMUTEX;
    if (ep->mode >= SQ_READ_ONLY) {
        return flags | SQLITE_OPEN_READONLY | (ep->mode == SQ_IMMUTABLE ? SQLITE_OPEN_URI : 0);
    }
    flags |= SQLITE_OPEN_READWRITE;
    return use == SQ_USE_WRITE && ep->mode == SQ_READ_WRITE_CREATE ? flags | SQLITE_OPEN_CREATE
                                                                   : flags;
}

static int check_path(const char *path, bool create, struct leat_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        return S_ISDIR(st.st_mode)
                   ? lt_fail(err, LT_E_INVALID, "%s is a directory, not a database", path)
                   : LEAT_OK;
    }
    if (errno == ENOENT && create) {
        return LEAT_OK;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return lt_fail(err, LT_E_NOT_FOUND, "there is no database %s", path);
    }
    return lt_fail_errno(err, errno, "cannot open %s", path);
}

/* A path as SQLite is to read it: a name such as ":memory:" or "file:..." is a file here, as the
 * user wrote it, and only a URI can say that the file does not change. malloc'ed. */
static char *path_for_sqlite(const struct leat_endpoint *ep, const char *path)
{
    if (ep->mode != SQ_IMMUTABLE) {
        return path[0] == '/' ? lt_strdup(path) : lt_format("./%s", path);
    }
    struct lt_buf uri = LT_BUF_INIT;
    int failed = lt_buf_puts(&uri, path[0] == '/' ? "file://" : "file:./");
    for (const char *at = path; *at; at++) {
        failed |= strchr("%?#", *at) ? lt_buf_printf(&uri, "%%%02X", (unsigned)(uint8_t)*at)
                                     : lt_buf_byte(&uri, (uint8_t)*at);
    }
    failed |= lt_buf_puts(&uri, "?immutable=1");
    char *text = failed ? NULL : lt_buf_take(&uri);
    lt_buf_done(&uri);
    return text;
}

/* ATTACH would make a file that is not there. */
static int attach(struct sq_conn *conn, const struct sq_attached *file, struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = check_path(file->path, false, err);
    char *path = status ? NULL : path_for_sqlite(conn->ep, file->path);
    status = !status && !path ? lt_fail_oom(err) : status;
    status = status ? status : lt_sq_prepare(conn, "ATTACH ?1 AS ?2", &stmt, err);
    if (!status) {
        int rc = lt_sq_bind_text(conn, stmt, 1, path);
        rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, file->name);
        rc = rc ? rc : conn->api->sqlite3_step(stmt);
        status =
            rc == SQLITE_DONE ? LEAT_OK : lt_sq_fail(conn, rc, err, "cannot attach %s", file->path);
    }
    conn->api->sqlite3_finalize(stmt);
    free(path);
    return status;
}

int lt_sq_connect(struct leat_endpoint *ep, enum sq_use use, struct sq_conn **ret_conn,
                  struct leat_error *err)
{
    if (use == SQ_USE_WRITE && ep->mode >= SQ_READ_ONLY) {
        return lt_fail(err, LT_E_DENIED, "%s was opened only to be read", ep->path);
    }
    int status = check_path(ep->path, use == SQ_USE_WRITE && ep->mode == SQ_READ_WRITE_CREATE, err);
    if (status) {
        return status;
    }
    struct sq_conn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        return lt_fail_oom(err);
    }
    conn->api = ep->api;
    conn->ep = ep;
    conn->use = use == SQ_USE_SHARED ? SQ_USE_READ : use;
    char *path = path_for_sqlite(ep, ep->path);
    if (!path) {
        status = lt_fail_oom(err);
        goto out;
    }
    int rc = ep->api->sqlite3_open_v2(path, &conn->db, open_flags(ep, use), NULL);
    if (rc) {
        status = lt_sq_fail(conn, rc, err, "cannot open the database");
        goto out;
    }
    status = prepare_connection(conn, err);
    for (size_t i = 0; i < ep->n_attached && use != SQ_USE_WRITE && !status; i++) {
        status = attach(conn, &ep->attached[i], err);
    }
    if (!status) {
        *ret_conn = conn;
        conn = NULL;
    }
out:
    free(path);
    lt_sq_disconnect(conn);
    return status;
}

void lt_sq_disconnect(struct sq_conn *conn)
{
    if (conn) {
        if (conn->db) {
            conn->api->sqlite3_close_v2(conn->db);
        }
        free(conn);
    }
}

int lt_sq_own(struct leat_endpoint *ep, struct sq_conn **ret_conn, struct leat_error *err)
{
    if (!ep->conn) {
        int status = lt_sq_connect(ep, SQ_USE_SHARED, &ep->conn, err);
        if (status) {
            return status;
        }
    }
    *ret_conn = ep->conn;
    return LEAT_OK;
}

int lt_sq_prepare(struct sq_conn *conn, const char *sql, sqlite3_stmt **ret_stmt,
                  struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    const char *tail = NULL;
    int rc = conn->api->sqlite3_prepare_v2(conn->db, sql, -1, &stmt, &tail);
    if (rc) {
        return lt_sq_fail(conn, rc, err, "cannot prepare the statement");
    }
    if (!stmt) {
        return lt_fail(err, LT_E_INVALID, "the statement is empty");
    }
    *ret_stmt = stmt;
    return LEAT_OK;
}

int lt_sq_exec(struct sq_conn *conn, const char *sql, struct leat_error *err)
{
    int rc = conn->api->sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
    return rc ? lt_sq_fail(conn, rc, err, "%.60s", sql) : LEAT_OK;
}

int lt_sq_bind_text(struct sq_conn *conn, sqlite3_stmt *stmt, int index, const char *text)
{
    return text ? conn->api->sqlite3_bind_text64(stmt, index, text, strlen(text), SQLITE_TRANSIENT,
                                                 SQLITE_UTF8)
                : conn->api->sqlite3_bind_null(stmt, index);
}

int lt_sq_int(struct sq_conn *conn, const char *sql, const char *param1, const char *param2,
              int64_t fallback, int64_t *ret_value, struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = lt_sq_prepare(conn, sql, &stmt, err);
    if (status) {
        return status;
    }
    int rc = param1 ? lt_sq_bind_text(conn, stmt, 1, param1) : SQLITE_OK;
    rc = !rc && param2 ? lt_sq_bind_text(conn, stmt, 2, param2) : rc;
    rc = rc ? rc : conn->api->sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        bool null = conn->api->sqlite3_column_type(stmt, 0) == SQLITE_NULL;
        *ret_value = null ? fallback : conn->api->sqlite3_column_int64(stmt, 0);
    } else if (rc == SQLITE_DONE) {
        *ret_value = fallback;
    } else {
        status = lt_sq_fail(conn, rc, err, "cannot read the database");
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}
