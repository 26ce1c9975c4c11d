#include "state/db.h"

#include "core/codes.h"
#include "core/url.h"
#include "core/util.h"
#include "state/alchemy.h"
#include "state/db_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- statements for either system ------------------------------------------------------------ */

/* What a word in braces stands for: %s is what follows it there. {now} of SQLite is a number. */
static const struct {
    const char *word;
    const char *text[LT_DB_KINDS_N];
} words[] = {
    {"dpo}", {"", "dpo."}},
    {"leat}", {"", "leat."}},
    {"now}", {NULL, "pg_catalog.now()"}},
    {"now_us}",
     {NULL, "(pg_catalog.round(extract(epoch from pg_catalog.now()) * 1000000))::bigint"}},
    {"us ", {"%s", "(pg_catalog.round(extract(epoch from %s) * 1000000))::bigint"}},
    {"at ", {"%s", "(timestamptz 'epoch' + (%s)::bigint * interval '1 microsecond')"}},
    {"c}", {"", " COLLATE \"C\""}},
    {"ago ", {NULL, "(pg_catalog.now() - (%s)::bigint * interval '1 microsecond')"}},
    {"lock}", {"", " FOR UPDATE"}},
};

/* Appends `format` with its %s replaced. */
static int put_word(struct lt_buf *out, const char *format, const char *inner, size_t len)
{
    const char *mark = strstr(format, "%s");
    if (!mark) {
        return lt_buf_puts(out, format);
    }
    int failed = lt_buf_append(out, format, (size_t)(mark - format));
    failed |= lt_buf_append(out, inner, len);
    return failed | lt_buf_puts(out, mark + 2);
}

/* One word in braces; *at stands behind the opening one and moves behind the closing one. */
static int expand_word(enum lt_db_kind kind, int64_t now_us, const char **at, struct lt_buf *out)
{
    const char *end = strchr(*at, '}');
    for (size_t i = 0; end && i < LT_ARRAY_LEN(words); i++) {
        size_t len = strlen(words[i].word);
        if (strncmp(*at, words[i].word, len)) {
            continue;
        }
        const char *inner = *at + len, *format = words[i].text[kind];
        size_t inner_len = inner < end ? (size_t)(end - inner) : 0;
        char clock[64];
        if (!format) { /* SQLite's clock is this program's */
            snprintf(clock, sizeof clock, inner_len ? "(%" PRId64 " - %%s)" : "%" PRId64, now_us);
            format = clock;
        }
        *at = end + 1;
        return put_word(out, format, inner, inner_len);
    }
    return lt_buf_byte(out, '{'); /* a brace of SQL's own */
}

/* Parameters are $1 in PostgreSQL and ?1 in SQLite, where $1 would be a name. */
static int expand(enum lt_db_kind kind, int64_t now_us, const char *sql, struct lt_buf *out)
{
    int failed = LEAT_OK;
    while (*sql && !failed) {
        size_t plain = strcspn(sql, kind == LT_DB_SQLITE ? "{$" : "{");
        failed = lt_buf_append(out, sql, plain);
        sql += plain;
        if (*sql == '{') {
            sql++;
            failed |= expand_word(kind, now_us, &sql, out);
        } else if (*sql == '$') {
            failed |= lt_buf_byte(out, '?');
            sql++;
        }
    }
    return failed;
}

/* The expanded statement, twice for words whose inner text holds parameters. */
static int prepare(const struct lt_db *db, const char *sql, struct lt_buf *out,
                   struct leat_error *err)
{
    struct lt_buf once = LT_BUF_INIT;
    enum lt_db_kind kind = db->ops->kind;
    int64_t now_us = lt_wall_us(); /* the same in all of the statement, as now() is */
    int failed = expand(kind, now_us, sql, &once) || expand(kind, now_us, lt_buf_text(&once), out);
    lt_buf_done(&once);
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

int lt_db_exec(struct lt_db *db, const char *sql, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    int rc = prepare(db, sql, &text, err);
    rc = rc ? rc : db->ops->exec(db, lt_buf_text(&text), err);
    lt_buf_done(&text);
    return rc;
}

static int query(struct lt_db *db, const char *sql, int n_params, const char *const *params,
                 struct lt_db_rows *ret_rows, int64_t *ret_changed, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    int rc = prepare(db, sql, &text, err);
    rc = rc ? rc
            : db->ops->query(db, lt_buf_text(&text), n_params, params, ret_rows, ret_changed, err);
    lt_buf_done(&text);
    return rc;
}

int lt_db_run(struct lt_db *db, const char *sql, int n_params, const char *const *params,
              int64_t *ret_changed, struct leat_error *err)
{
    return query(db, sql, n_params, params, NULL, ret_changed, err);
}

int lt_db_query(struct lt_db *db, const char *sql, int n_params, const char *const *params,
                struct lt_db_rows *ret_rows, struct leat_error *err)
{
    return query(db, sql, n_params, params, ret_rows, NULL, err);
}

const char *lt_db_cell(const struct lt_db_rows *rows, size_t row, int column)
{
    return rows->db->ops->cell(rows, row, column);
}

int64_t lt_db_number(const struct lt_db_rows *rows, size_t row, int column, int64_t fallback)
{
    const char *text = lt_db_cell(rows, row, column);
    int64_t value = fallback;
    return text && !lt_parse_int(text, &value) ? value : fallback;
}

void lt_db_rows_done(struct lt_db_rows *rows)
{
    if (rows->db) {
        rows->db->ops->rows_done(rows);
    }
    memset(rows, 0, sizeof *rows);
}

int lt_db_insert(struct lt_db *db, const char *table, const char *columns, int n_columns,
                 lt_db_next_fn *next, void *arg, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    int rc = prepare(db, table, &text, err);
    rc = rc ? rc : db->ops->insert(db, lt_buf_text(&text), columns, n_columns, next, arg, err);
    lt_buf_done(&text);
    return rc;
}

/* --- transactions ----------------------------------------------------------------------------- */

int lt_db_begin(struct lt_db *db, struct leat_error *err)
{
    int rc = db->ops->exec(db, db->ops->begin, err);
    db->in_transaction = !rc;
    return rc;
}

int lt_db_commit(struct lt_db *db, struct leat_error *err)
{
    int rc = db->ops->exec(db, "COMMIT", err);
    if (rc) {
        lt_db_rollback(db);
    }
    db->in_transaction = false;
    return rc;
}

void lt_db_rollback(struct lt_db *db)
{
    if (db->in_transaction) {
        (void)db->ops->exec(db, "ROLLBACK", NULL);
        db->in_transaction = false;
    }
}

int lt_db_end(struct lt_db *db, int status, struct leat_error *err)
{
    if (status) {
        lt_db_rollback(db);
        return status;
    }
    return lt_db_commit(db, err);
}

/* --- opening ---------------------------------------------------------------------------------- */

/* The scheme before the first ':', '+' and what follows it left out; 0 for a plain path. */
static size_t scheme_of(const char *location, char *text, size_t size)
{
    size_t len = strcspn(location, ":+/");
    bool has = location[len] == ':' || (location[len] == '+' && strstr(location, "://"));
    snprintf(text, size, "%.*s", has ? (int)len : 0, location);
    return has ? len : 0;
}

static int open_leat(const char *location, bool make, struct lt_db **ret_db, struct leat_error *err)
{
    char scheme[32];
    size_t len = scheme_of(location, scheme, sizeof scheme);
    if (!len) {
        return lt_db_sqlite_open(location, make, ret_db, err);
    }
    if (!strcasecmp(scheme, "sqlite")) {
        const char *path = location + len + 1;
        return lt_db_sqlite_open(strncmp(path, "//", 2) ? path : path + 2, make, ret_db, err);
    }
    if (!strcasecmp(scheme, "postgres") || !strcasecmp(scheme, "postgresql")) {
        return lt_db_pg_open(location, LT_DB_FORM_LEAT, ret_db, err);
    }
    lt_fail(err, LT_E_UNKNOWN_SCHEME, "leat's records are kept in SQLite or PostgreSQL, not \"%s\"",
            scheme);
    leat_error_remedy(err, "write a path, sqlite:PATH or postgres://...");
    return LEAT_INVALID;
}

static int open_alchemy(const char *location, bool make, struct lt_db **ret_db,
                        struct leat_error *err)
{
    struct lt_alchemy url = {0};
    int rc = lt_alchemy_parse(location, &url, err);
    if (!rc && !strcmp(url.dialect, "sqlite")) {
        rc = lt_db_sqlite_open(url.database ? url.database : "", make, ret_db, err);
    } else if (!rc) {
        rc = lt_db_pg_open(location, LT_DB_FORM_SQLALCHEMY, ret_db, err);
    }
    lt_alchemy_done(&url);
    return rc;
}

int lt_db_open(const char *location, enum lt_db_form form, bool make, struct lt_db **ret_db,
               struct leat_error *err)
{
    struct lt_buf name = LT_BUF_INIT;
    struct lt_db *db = NULL;
    int rc = lt_redact(&name, location) ? lt_fail_oom(err) : LEAT_OK;
    if (!rc) {
        rc = form == LT_DB_FORM_SQLALCHEMY ? open_alchemy(location, make, &db, err)
                                           : open_leat(location, make, &db, err);
    }
    if (!rc && !(db->name = lt_buf_take(&name))) {
        lt_db_close(db);
        rc = lt_fail_oom(err);
    }
    if (!rc) {
        *ret_db = db;
    }
    lt_buf_done(&name);
    return rc;
}

void lt_db_close(struct lt_db *db)
{
    if (db) {
        lt_db_rollback(db);
        free(db->name);
        db->ops->close(db);
    }
}

enum lt_db_kind lt_db_kind(const struct lt_db *db)
{
    return db->ops->kind;
}

const char *lt_db_name(const struct lt_db *db)
{
    return db->name;
}

const char *lt_db_number_text(int64_t value, char text[LT_DB_NUMBER_MAX])
{
    snprintf(text, LT_DB_NUMBER_MAX, "%" PRId64, value);
    return text;
}
