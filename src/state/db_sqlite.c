/* leat's own records in a SQLite file: in WAL mode, so that readers never wait for a run that is
 * being recorded, and a commit needs no fsync. (After a power cut the last runs may be missing;
 * the file stays whole.) */
#include "core/codes.h"
#include "core/util.h"
#include "db/sqlite.h"
#include "state/db_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 10000
#define BUSY_WAIT_MS_MAX 25
/* A log of 128 pages is read through in well under a millisecond by whoever opens the file next. */
#define SETTINGS                                                                                   \
    "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 128"
/* Somewhat less, so that of many short runs one here and there waits for the disk, and once. */
#define LOG_BYTES_MAX (96 * 4096)

struct sqlite_db {
    struct lt_db base;
    const struct lt_sqlite *api;
    sqlite3 *handle;
    int64_t busy_since_us;
};

/* Cells of a query, row by row: offsets into text, 0 for NULL. */
struct cells {
    struct lt_buf text;
    struct lt_buf offsets; /* size_t each */
};

static struct sqlite_db *own(struct lt_db *db)
{
    return (struct sqlite_db *)db;
}

/* SQLite has no queue for its lock: waiting is asking again. */
static int on_busy(void *arg, int tries)
{
    struct sqlite_db *db = arg;
    int64_t now = lt_now_us();
    if (!tries) {
        db->busy_since_us = now;
    }
    if (now - db->busy_since_us > BUSY_MS * 1000LL) {
        return 0;
    }
    lt_sleep_ms(LT_MIN((int64_t)1 << LT_MIN(tries, 5), BUSY_WAIT_MS_MAX), NULL);
    return 1;
}

/* --- failures --------------------------------------------------------------------------------- */

static const struct {
    int result;
    enum lt_code code;
    const char *sqlstate;
} results[] = {
    {SQLITE_BUSY, LT_E_DESTINATION_BUSY, "55P03"},
    {SQLITE_LOCKED, LT_E_DESTINATION_BUSY, "55P03"},
    {SQLITE_FULL, LT_E_NO_SPACE, "53100"},
    {SQLITE_PERM, LT_E_DENIED, "42501"},
    {SQLITE_AUTH, LT_E_DENIED, "42501"},
    {SQLITE_READONLY, LT_E_DENIED, "25006"},
    {SQLITE_CORRUPT, LT_E_CORRUPT, "XX001"},
    {SQLITE_NOTADB, LT_E_CORRUPT, "XX001"},
    {SQLITE_CONSTRAINT, LT_E_SERVER, "23000"},
    {SQLITE_ERROR, LT_E_SERVER, ""},
    {SQLITE_NOMEM, LT_E_NO_MEMORY, ""},
    {SQLITE_CANTOPEN, LT_E_IO, ""},
};

static const char *state_of(int rc, const char *words, const char *usual)
{
    if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE) {
        return "23505";
    }
    return !strncmp(words, "no such table", 13) ? "42P01" : usual;
}

static int fail(struct sqlite_db *db, int rc, struct leat_error *err)
{
    enum lt_code code = LT_E_IO;
    const char *sqlstate = "", *words = db->api->sqlite3_errmsg(db->handle);
    for (size_t i = 0; i < LT_ARRAY_LEN(results); i++) {
        if (results[i].result == (rc & 0xff)) {
            code = results[i].code;
            sqlstate = results[i].sqlstate;
        }
    }
    sqlstate = state_of(rc, words, sqlstate);
    int sys = db->api->sqlite3_system_errno(db->handle);
    int status = code == LT_E_IO && sys ? lt_fail_errno(err, sys, "%s", words)
                                        : lt_fail(err, code, "%s", words);
    if (err) {
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
    }
    return status;
}

/* --- statements ------------------------------------------------------------------------------- */

static int sqlite_exec(struct lt_db *db, const char *sql, struct leat_error *err)
{
    struct sqlite_db *s = own(db);
    int rc = s->api->sqlite3_exec(s->handle, sql, NULL, NULL, NULL);
    return rc ? fail(s, s->api->sqlite3_extended_errcode(s->handle), err) : LEAT_OK;
}

static int bind(struct sqlite_db *s, sqlite3_stmt *stmt, int n, const char *const *values)
{
    int rc = SQLITE_OK;
    for (int i = 0; i < n && !rc; i++) {
        rc = values[i] ? s->api->sqlite3_bind_text64(stmt, i + 1, values[i], strlen(values[i]),
                                                     SQLITE_STATIC, SQLITE_UTF8)
                       : s->api->sqlite3_bind_null(stmt, i + 1);
    }
    return rc;
}

static int keep_row(struct sqlite_db *s, sqlite3_stmt *stmt, struct lt_db_rows *rows)
{
    struct cells *cells = rows->handle;
    int failed = LEAT_OK;
    for (int i = 0; i < rows->n_columns && !failed; i++) {
        const char *text = (const char *)s->api->sqlite3_column_text(stmt, i);
        size_t offset = text ? cells->text.len : 0;
        failed = lt_buf_append(&cells->offsets, &offset, sizeof offset);
        if (text && !failed) {
            size_t len = (size_t)s->api->sqlite3_column_bytes(stmt, i);
            failed = lt_buf_append(&cells->text, text, len) || lt_buf_byte(&cells->text, 0);
        }
    }
    rows->n++;
    return failed;
}

static void sqlite_rows_done(struct lt_db_rows *rows)
{
    struct cells *cells = rows->handle;
    if (cells) {
        lt_buf_done(&cells->text);
        lt_buf_done(&cells->offsets);
        free(cells);
    }
}

static int step_all(struct sqlite_db *s, sqlite3_stmt *stmt, struct lt_db_rows *rows,
                    struct leat_error *err)
{
    int rc;
    while ((rc = s->api->sqlite3_step(stmt)) == SQLITE_ROW) {
        if (rows && keep_row(s, stmt, rows)) {
            return lt_fail_oom(err);
        }
    }
    return rc == SQLITE_DONE ? LEAT_OK : fail(s, s->api->sqlite3_extended_errcode(s->handle), err);
}

static int rows_begin(struct lt_db *db, int n_columns, struct lt_db_rows *rows,
                      struct leat_error *err)
{
    struct cells *cells = calloc(1, sizeof *cells);
    if (!cells || lt_buf_byte(&cells->text, 0)) { /* offset 0 is NULL */
        free(cells);
        return lt_fail_oom(err);
    }
    *rows = (struct lt_db_rows){.handle = cells, .db = db, .n_columns = n_columns};
    return LEAT_OK;
}

static int sqlite_query(struct lt_db *db, const char *sql, int n_params, const char *const *params,
                        struct lt_db_rows *ret_rows, int64_t *ret_changed, struct leat_error *err)
{
    struct sqlite_db *s = own(db);
    sqlite3_stmt *stmt = NULL;
    struct lt_db_rows rows = {0};
    int rc = s->api->sqlite3_prepare_v2(s->handle, sql, -1, &stmt, NULL);
    rc = rc ? rc : bind(s, stmt, n_params, params);
    if (rc) {
        rc = fail(s, rc, err);
        goto out;
    }
    if (ret_rows) {
        rc = rows_begin(db, s->api->sqlite3_column_count(stmt), &rows, err);
    }
    rc = rc ? rc : step_all(s, stmt, ret_rows ? &rows : NULL, err);
    if (!rc && ret_changed) {
        *ret_changed = s->api->sqlite3_changes(s->handle);
    }
    if (!rc && ret_rows) {
        *ret_rows = rows;
        memset(&rows, 0, sizeof rows);
    }
out:
    sqlite_rows_done(&rows);
    s->api->sqlite3_finalize(stmt);
    return rc;
}

static const char *sqlite_cell(const struct lt_db_rows *rows, size_t row, int column)
{
    const struct cells *cells = rows->handle;
    size_t offset, at = (row * (size_t)rows->n_columns + (size_t)column) * sizeof offset;
    memcpy(&offset, cells->offsets.data + at, sizeof offset);
    return offset ? (const char *)cells->text.data + offset : NULL;
}

static int sqlite_insert(struct lt_db *db, const char *table, const char *columns, int n_columns,
                         lt_db_next_fn *next, void *arg, struct leat_error *err)
{
    struct sqlite_db *s = own(db);
    struct lt_buf sql = LT_BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    const char *cells[LT_DB_PARAMS_MAX] = {NULL};
    int failed = lt_buf_printf(&sql, "INSERT INTO %s (%s) VALUES (?", table, columns);
    for (int i = 1; i < n_columns; i++) {
        failed |= lt_buf_puts(&sql, ", ?");
    }
    int rc = failed || lt_buf_puts(&sql, ")") ? lt_fail_oom(err) : LEAT_OK;
    if (!rc && s->api->sqlite3_prepare_v2(s->handle, lt_buf_text(&sql), -1, &stmt, NULL)) {
        rc = fail(s, s->api->sqlite3_extended_errcode(s->handle), err);
    }
    while (!rc && next(arg, cells)) {
        rc = bind(s, stmt, n_columns, cells);
        rc = rc ? fail(s, rc, err) : step_all(s, stmt, NULL, err);
        s->api->sqlite3_reset(stmt);
    }
    s->api->sqlite3_finalize(stmt);
    lt_buf_done(&sql);
    return rc;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void sqlite_close(struct lt_db *db)
{
    struct sqlite_db *s = own(db);
    s->api->sqlite3_close_v2(s->handle);
    free(s);
}

static int sqlite_be_durable(struct lt_db *db, struct leat_error *err)
{
    struct sqlite_db *s = own(db);
    s->api->sqlite3_db_config(s->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return sqlite_exec(db, "PRAGMA synchronous = FULL", err);
}

static const struct lt_db_ops ops = {
    .kind = LT_DB_SQLITE,
    .close = sqlite_close,
    .exec = sqlite_exec,
    .query = sqlite_query,
    .cell = sqlite_cell,
    .rows_done = sqlite_rows_done,
    .insert = sqlite_insert,
    .be_durable = sqlite_be_durable,
    .begin = "BEGIN IMMEDIATE",
};

/* Makes the folders a path needs, each for its owner alone. */
static int make_folders(const char *path, struct leat_error *err)
{
    char *copy = lt_strdup(path);
    int rc = copy ? LEAT_OK : lt_fail_oom(err);
    for (char *p = copy; !rc && p && (p = strchr(p + 1, '/'));) {
        *p = 0;
        if (mkdir(copy, 0700) && errno != EEXIST && access(copy, X_OK)) {
            rc = lt_fail_errno(err, errno, "cannot make the folder %s", copy);
        }
        *p = '/';
    }
    free(copy);
    return rc;
}

/* Records name tables and hosts: nobody else's business. SQLite gives the files beside it the same
 * permissions. */
static int make_file(const char *path, struct leat_error *err)
{
    int rc = make_folders(path, err);
    int fd = rc ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (!rc && fd < 0) {
        rc = lt_fail_errno(err, errno, "cannot make the file");
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static int check_path(const char *path, bool make, bool *ret_fresh, struct leat_error *err)
{
    struct stat st;
    *ret_fresh = stat(path, &st) != 0;
    if (!*path) {
        return lt_fail(err, LT_E_INVALID, "the path of the SQLite file is empty");
    }
    if (!*ret_fresh) {
        *ret_fresh = st.st_size == 0;
        return S_ISDIR(st.st_mode) ? lt_fail(err, LT_E_INVALID, "%s is a folder", path) : LEAT_OK;
    }
    return make ? make_file(path, err) : lt_fail(err, LT_E_NOT_FOUND, "there is no file %s", path);
}

/* Whoever opens the file alone reads the log through, and does not know what of it is in the file
 * already: then a checkpoint moves all of it again, and the log never starts over. So one that has
 * grown is emptied. Where others are at work with the file that may fail, and need not be waited
 * for: one of the next will. */
static void empty_log(const struct sqlite_db *s, const char *path)
{
    struct stat st;
    char *log = lt_format("%s-wal", path);
    if (log && !stat(log, &st) && st.st_size > LOG_BYTES_MAX) {
        (void)s->api->sqlite3_exec(s->handle, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    }
    free(log);
}

/* What is the first to change a file into WAL mode raises its lock while others raise theirs. All
 * but one of them are told SQLITE_BUSY at once, and on_busy is not asked: so it is asked here. */
static int set_up(struct sqlite_db *s, bool fresh, struct leat_error *err)
{
    const char *settings = fresh ? SETTINGS "; PRAGMA journal_mode = WAL" : SETTINGS;
    int rc = SQLITE_BUSY;
    for (int tries = 0; (rc & 0xff) == SQLITE_BUSY && (!tries || on_busy(s, tries - 1)); tries++) {
        rc = s->api->sqlite3_exec(s->handle, settings, NULL, NULL, NULL);
    }
    return rc ? fail(s, rc, err) : LEAT_OK;
}

int lt_db_sqlite_open(const char *path, bool make, struct lt_db **ret_db, struct leat_error *err)
{
    const struct lt_sqlite *api;
    bool fresh = false;
    int rc = check_path(path, make, &fresh, err);
    rc = rc ? rc : lt_sqlite_load(&api, err);
    struct sqlite_db *s = rc ? NULL : calloc(1, sizeof *s);
    if (!s) {
        return rc ? rc : lt_fail_oom(err);
    }
    s->base.ops = &ops;
    s->api = api;
    int opened = api->sqlite3_open_v2(
        path, &s->handle,
        SQLITE_OPEN_READWRITE | (make ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX, NULL);
    if (opened) {
        rc = fail(s, opened, err);
    } else {
        api->sqlite3_extended_result_codes(s->handle, 1);
        empty_log(s, path);
        api->sqlite3_busy_handler(s->handle, on_busy, s);
        /* Moving the log into the file waits for the disk: not at the end of every small run. */
        api->sqlite3_db_config(s->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        rc = set_up(s, fresh, err);
    }
    if (rc) {
        leat_error_place(err, "%s", path);
        sqlite_close(&s->base);
        return rc;
    }
    *ret_db = &s->base;
    return LEAT_OK;
}
