/* Texts of several statements, run whole or not at all, as PostgreSQL runs what one message brings.
 *
 * A text that begins or ends transactions itself, or holds what cannot run inside one, is run as it
 * stands. SQLite says where a statement ends when it prepares it; of one that cannot be prepared
 * before those in front of it have run, the end is looked for here. */
#include "connectors/sqlite/internal.h"

#include "core/util.h"

#include "core/banned.h"

/* The byte behind a comment or a quoted text that begins at `at`; else `at`. */
static const char *skip_quoted(const char *at)
{
    const char *end = at;
    if (at[0] == '-' && at[1] == '-') {
        return at + strcspn(at, "\n");
    }
    if (at[0] == '/' && at[1] == '*') {
        end = strstr(at + 2, "*/");
        return end ? end + 2 : at + strlen(at);
    }
    if (*at && strchr("'\"`[", *at)) {
        end = strchr(at + 1, *at == '[' ? ']' : *at); /* doubled: two texts side by side */
        return end ? end + 1 : at + strlen(at);
    }
    return at;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80);
}

/* The next word, quoted text or character at or behind *at, which is moved behind it; its length, 0
 * at the end of the text. Comments are passed over. */
static size_t next_token(const char **at, const char **ret_token)
{
    const char *token = *at;
    for (;;) {
        token += strspn(token, " \t\r\n\f");
        bool comment = (token[0] == '-' && token[1] == '-') || (token[0] == '/' && token[1] == '*');
        if (!comment) {
            break;
        }
        token = skip_quoted(token);
    }
    const char *end = skip_quoted(token);
    while (is_word(*token) && is_word(*end)) {
        end++;
    }
    end += end == token && *token;
    *ret_token = token;
    *at = end;
    return (size_t)(end - token);
}

static bool is(const char *token, size_t len, const char *word)
{
    return len == strlen(word) && !strncasecmp(token, word, len);
}

/* Behind the semicolon of the first statement of `sql`. That of a trigger has others within, and
 * ends with "; END ;". */
static const char *statement_end(const char *sql)
{
    const char *at = sql, *token = NULL;
    bool trigger = false, creates = false, ended = false, after_semicolon = false;
    size_t len;
    for (size_t i = 0; (len = next_token(&at, &token)); i++) {
        if (is(token, len, ";") && (!trigger || ended)) {
            break;
        }
        trigger = trigger || (creates && is(token, len, "TRIGGER"));
        creates = (i < 4 && is(token, len, "CREATE")) ||
                  (creates && (is(token, len, "TEMP") || is(token, len, "TEMPORARY")));
        ended = after_semicolon && is(token, len, "END");
        after_semicolon = is(token, len, ";");
    }
    return at;
}

static bool is_empty(const char *sql)
{
    const char *token = NULL;
    size_t len;
    while ((len = next_token(&sql, &token)) && is(token, len, ";")) {
    }
    return len == 0;
}

/* Does the first statement of `sql` begin or end a transaction, or can it not run inside one? */
static bool minds_transactions(const char *sql)
{
    static const char *const words[] = {"BEGIN",   "COMMIT", "END",    "ROLLBACK", "SAVEPOINT",
                                        "RELEASE", "VACUUM", "PRAGMA", "ATTACH",   "DETACH"};
    const char *token = NULL;
    size_t len;
    while ((len = next_token(&sql, &token)) && is(token, len, ";")) {
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(words); i++) {
        if (is(token, len, words[i])) {
            return true;
        }
    }
    return false;
}

int lt_sq_several(struct leat_error *err)
{
    return lt_fail(err, LT_E_UNSUPPORTED, "one statement at a time may give rows");
}

/* Looks at all statements before any is run. Some pragmas act when they are prepared, so it takes a
 * connection of its own. A statement that cannot be prepared may depend on those before it. */
static int look(struct leat_endpoint *ep, const char *sql, bool rows_fail, bool *ret_whole,
                struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    int status =
        lt_sq_connect(ep, ep->mode >= SQ_READ_ONLY ? SQ_USE_READ : SQ_USE_WRITE, &conn, err);
    *ret_whole = true;
    while (!status && !is_empty(sql)) {
        sqlite3_stmt *stmt = NULL;
        const char *tail = NULL;
        int rc = ep->api->sqlite3_prepare_v2(conn->db, sql, -1, &stmt, &tail);
        if (rc && (rc & 0xff) != SQLITE_ERROR) {
            status = lt_sq_fail(conn, rc, err, "%.60s", sql);
        } else if (rows_fail && stmt && ep->api->sqlite3_column_count(stmt)) {
            status = lt_sq_several(err);
        }
        ep->api->sqlite3_finalize(stmt);
        *ret_whole = *ret_whole && !minds_transactions(sql);
        sql = rc ? statement_end(sql) : tail;
    }
    lt_sq_disconnect(conn);
    return status;
}

static int run_each(struct sq_conn *conn, const char *sql, bool rows_fail, struct leat_error *err)
{
    const struct lt_sqlite *api = conn->api;
    int status = LEAT_OK;
    while (!status && *sql) {
        sqlite3_stmt *stmt = NULL;
        const char *tail = NULL;
        const char *start = sql + strspn(sql, " \t\r\n\f");
        int rc = api->sqlite3_prepare_v2(conn->db, start, -1, &stmt, &tail);
        if (!rc && stmt && rows_fail && api->sqlite3_column_count(stmt)) {
            status = lt_sq_several(err);
        } else if (!rc && stmt) {
            while ((rc = api->sqlite3_step(stmt)) == SQLITE_ROW) {
            }
            rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        }
        status = rc ? lt_sq_fail(conn, rc, err, "%.60s", start) : status;
        api->sqlite3_finalize(stmt);
        sql = tail;
    }
    return status;
}

static int check_closed(struct sq_conn *conn, struct leat_error *err)
{
    return conn->api->sqlite3_get_autocommit(conn->db)
               ? LEAT_OK
               : lt_fail(err, LT_E_OPEN_TRANSACTION, LT_OPEN_TRANSACTION);
}

int lt_sq_script(struct sq_conn *conn, const char *sql, bool rows_fail, struct leat_error *err)
{
    bool whole = false;
    if (is_empty(statement_end(sql))) {
        int status = lt_sq_exec(conn, sql, err);
        return status ? status : check_closed(conn, err);
    }
    int status = look(conn->ep, sql, rows_fail, &whole, err);
    if (!status && whole) {
        status = lt_sq_exec(conn, conn->use == SQ_USE_READ ? "BEGIN" : "BEGIN IMMEDIATE", err);
    }
    status = status ? status : run_each(conn, sql, rows_fail, err);
    if (!status && whole) {
        status = lt_sq_exec(conn, "COMMIT", err);
    }
    if (status && !conn->api->sqlite3_get_autocommit(conn->db)) {
        lt_sq_exec(conn, "ROLLBACK", NULL);
    }
    return status ? status : check_closed(conn, err);
}
