/* Foreign keys of other tables that point to what is merged. SQLite is told not to enforce them
 * while loading, for rows come and go in any order: what the merge leaves is checked instead. */
#include "connectors/sqlite/load.h"

#include "core/util.h"

#include "core/banned.h"

#define TABLES_TOLD_MAX 5

/* A row each for what dangles: before the merge, and after it. A table without row numbers has
 * nulls there, and its rows are counted. */
static const char make_sql[] =
    "CREATE TEMP TABLE IF NOT EXISTS \"_leat_dangling\" (late INT, child TEXT, number INT, fk INT)";

static const char fill_sql[] =
    "INSERT INTO temp.\"_leat_dangling\" SELECT ?2, f.\"table\", f.\"rowid\", f.fkid FROM "
    "pragma_foreign_key_check(?1, 'main') AS f WHERE f.parent = ?3 COLLATE NOCASE";

static const char children_sql[] =
    "SELECT DISTINCT m.name FROM main.sqlite_master AS m JOIN "
    "pragma_foreign_key_list(m.name, 'main') AS k WHERE m.type = 'table' AND "
    "k.\"table\" = ?1 COLLATE NOCASE AND m.name <> ?1 COLLATE NOCASE ORDER BY 1";

static const char new_sql[] =
    "SELECT DISTINCT a.child FROM (SELECT child, number, fk, count(*) AS n FROM "
    "temp.\"_leat_dangling\" WHERE late GROUP BY 1, 2, 3) AS a LEFT JOIN (SELECT child, number, "
    "fk, count(*) AS n FROM temp.\"_leat_dangling\" WHERE NOT late GROUP BY 1, 2, 3) AS b ON "
    "b.child = a.child AND b.number IS a.number AND b.fk = a.fk WHERE a.n > coalesce(b.n, 0) "
    "ORDER BY 1";

/* What dangles in one table. A key whose parent columns are not unique is an error to SQLite
 * ("foreign key mismatch"), which no statement could satisfy: it says nothing about rows. */
static int fill(struct sq_conn *conn, const char *child, const char *parent, bool late,
                struct leat_error *err)
{
    const struct lt_sqlite *api = conn->api;
    sqlite3_stmt *stmt = NULL;
    int status = lt_sq_prepare(conn, fill_sql, &stmt, err);
    if (status) {
        return status;
    }
    int rc = lt_sq_bind_text(conn, stmt, 1, child);
    rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, late ? "1" : "0");
    rc = rc ? rc : lt_sq_bind_text(conn, stmt, 3, parent);
    rc = rc ? rc : api->sqlite3_step(stmt);
    if (rc == SQLITE_ERROR) {
        lt_sq_log(conn->ep, LEAT_LOG_INFO, "sqlite: the foreign keys of %s cannot be checked",
                  child);
    } else if (rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot check the foreign keys of %s", child);
    }
    api->sqlite3_finalize(stmt);
    return status;
}

int lt_sq_dangling(struct leat_load *load, uint32_t index, bool late, struct leat_error *err)
{
    struct sq_conn *conn = load->conn;
    const struct leat_row_counts *counts = lt_merge_counts(load->streams[index].merge);
    const char *parent = load->want->streams[index].name.name;
    sqlite3_stmt *stmt = NULL;
    if (!counts->deleted && !counts->updated) {
        return LEAT_OK; /* nothing goes that a row could refer to */
    }
    int status = lt_sq_prepare(conn, children_sql, &stmt, err);
    int rc = status ? SQLITE_DONE : lt_sq_bind_text(conn, stmt, 1, parent);
    while (!status && !rc && (rc = conn->api->sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *child = (const char *)conn->api->sqlite3_column_text(stmt, 0);
        status = child ? lt_sq_exec(conn, make_sql, err) : lt_fail_oom(err);
        status = status ? status : fill(conn, child, parent, late, err);
        load->referenced = true;
        rc = SQLITE_OK;
    }
    if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot find what refers to %s", parent);
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}

int lt_sq_check_dangling(struct leat_load *load, struct leat_error *err)
{
    struct sq_conn *conn = load->conn;
    struct lt_buf names = LT_BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    int failed = LEAT_OK, n = 0;
    if (!load->referenced) {
        return LEAT_OK;
    }
    int status = lt_sq_prepare(conn, new_sql, &stmt, err);
    int rc = status ? SQLITE_DONE : SQLITE_OK;
    while (!rc && (rc = conn->api->sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *child = (const char *)conn->api->sqlite3_column_text(stmt, 0);
        if (n++ < TABLES_TOLD_MAX) {
            failed |= lt_buf_printf(&names, "%s%s", names.len ? ", " : "", child ? child : "?");
        }
        rc = SQLITE_OK;
    }
    if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot check foreign keys");
    } else if (!status && failed) {
        status = lt_fail_oom(err);
    } else if (!status && n) {
        status = lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS,
                         "rows of %s%s refer to rows that this load would delete or give another "
                         "key",
                         lt_buf_text(&names), n > TABLES_TOLD_MAX ? " and others" : "");
        leat_error_remedy(err, "load the tables that refer to it first, or delete those rows; ON "
                               "DELETE and ON UPDATE do not fire in loads");
    }
    conn->api->sqlite3_finalize(stmt);
    lt_buf_done(&names);
    return status;
}
