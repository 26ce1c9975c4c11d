/* What a cursor's columns hold. */
#include "connectors/sqlite/internal.h"

#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

/* The cursor's columns of the least or greatest record, in an order of rows. */
static int select_bound(const struct ArrowSchema *source, const char *from,
                        const struct leat_read_plan *plan, const char *const *columns, size_t n,
                        const char *direction, struct lt_buf *sql, struct leat_error *err)
{
    struct lt_buf names = LT_BUF_INIT, filled = LT_BUF_INIT, order = LT_BUF_INIT;
    int status = LEAT_OK, failed = 0;
    for (size_t i = 0; !status && i < n; i++) {
        struct lt_buf name = LT_BUF_INIT;
        status = lt_sq_put_comparable(source, columns[i], &name, err);
        const char *text = lt_buf_text(&name), *comma = i ? ", " : "";
        failed |= lt_buf_printf(&names, "%s%s", comma, text);
        failed |= lt_buf_printf(&order, "%s%s %s", comma, text, direction);
        failed |= lt_buf_printf(&filled, " AND %s IS NOT NULL", text);
        lt_buf_done(&name);
    }
    if (!status) {
        lt_buf_clear(sql);
        failed |= lt_buf_printf(sql, "SELECT %s FROM %s", lt_buf_text(&names), from);
        status = failed ? lt_fail_oom(err) : lt_sq_put_where(source, plan, sql, err);
        const char *glue = plan->predicate || plan->cursor ? "" : " WHERE 1";
        if (!status && lt_buf_printf(sql, "%s%s ORDER BY %s LIMIT 1", glue, lt_buf_text(&filled),
                                     lt_buf_text(&order))) {
            status = lt_fail_oom(err);
        }
    }
    lt_buf_done(&names);
    lt_buf_done(&filled);
    lt_buf_done(&order);
    return status;
}

/* Runs it; the texts are NULL when there is no record. */
static int fetch_bound(struct sq_conn *conn, const char *sql, size_t n, char **texts,
                       struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = lt_sq_prepare(conn, sql, &stmt, err);
    int rc = status ? SQLITE_DONE : conn->api->sqlite3_step(stmt);
    for (size_t i = 0; rc == SQLITE_ROW && !status && i < n; i++) {
        texts[i] = lt_strdup((const char *)conn->api->sqlite3_column_text(stmt, (int)i));
        status = texts[i] ? LEAT_OK : lt_fail_oom(err);
    }
    if (!status && rc != SQLITE_ROW && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the bounds of the cursor");
    }
    if (stmt) {
        conn->api->sqlite3_finalize(stmt);
    }
    return status;
}

/* Records without a value in one of the columns. */
static int count_nulls(struct sq_conn *conn, const struct ArrowSchema *source, const char *from,
                       const struct leat_read_plan *plan, const char *const *columns, size_t n,
                       int64_t *ret_nulls, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    struct leat_read_plan all = *plan;
    char *text = NULL;
    bool can = false;
    all.cursor = NULL;
    int failed = lt_buf_printf(&sql, "SELECT count(*) FROM %s", from);
    int status = failed ? lt_fail_oom(err) : lt_sq_put_where(source, &all, &sql, err);
    failed |= lt_buf_printf(&sql, "%s (0", all.predicate ? " AND" : " WHERE");
    for (size_t i = 0; !status && i < n; i++) {
        int64_t at = lt_schema_find(source, columns[i]);
        can = can || source->children[at]->flags & ARROW_FLAG_NULLABLE;
        failed |= lt_buf_puts(&sql, " OR ");
        failed |= lt_sq_quote(&sql, columns[i]);
        failed |= lt_buf_puts(&sql, " IS NULL");
    }
    failed |= lt_buf_puts(&sql, ")");
    status = status ? status : failed ? lt_fail_oom(err) : LEAT_OK;
    *ret_nulls = 0;
    status = status || !can ? status : fetch_bound(conn, lt_buf_text(&sql), 1, &text, err);
    if (!status && text && lt_parse_int(text, ret_nulls)) {
        *ret_nulls = -1;
    }
    free(text);
    lt_buf_done(&sql);
    return status;
}

/* The clock as a column of moments would hold it: in UTC or in local time, whichever is earlier. A
 * second that is not over may bring more records of the same stamp. */
static int read_clock(struct sq_conn *conn, const struct ArrowSchema *field, char **ret_text,
                      struct leat_error *err)
{
    struct lt_type type;
    int status = lt_type_of(field, &type, err);
    if (status || (type.id != LT_TIMESTAMP && type.id != LT_DATE32)) {
        return status;
    }
    bool zoned = type.zone && *type.zone;
    return fetch_bound(conn,
                       type.id == LT_DATE32 ? "SELECT min(date('now'), date('now', 'localtime'))"
                       : zoned              ? "SELECT datetime('now') || 'Z'"
                               : "SELECT min(datetime('now'), datetime('now', 'localtime'))",
                       1, ret_text, err);
}

/* Moments of a zone are compared without their Z, and given with it. */
static int add_zones(const struct ArrowSchema *source, const char *const *columns, size_t n,
                     char **texts, struct leat_error *err)
{
    for (size_t i = 0; i < n && texts[i]; i++) {
        struct lt_type type;
        int status = lt_type_of(source->children[lt_schema_find(source, columns[i])], &type, err);
        if (!status && type.id == LT_TIMESTAMP && type.zone && *type.zone) {
            char *zoned = lt_format("%sZ", texts[i]);
            free(texts[i]);
            texts[i] = zoned;
            status = zoned ? LEAT_OK : lt_fail_oom(err);
        }
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}

/* A read of SQLite sees all that is committed, and there is one writer: whatever is visible is all
 * there is up to it. */
int lt_sq_bounds(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                 const char *const *columns, size_t n_columns, int64_t wait_ms,
                 struct leat_bounds *ret_bounds, struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    struct ArrowSchema source = {.release = NULL};
    struct lt_buf from = LT_BUF_INIT, sql = LT_BUF_INIT;
    *ret_bounds = (struct leat_bounds){.size = ret_bounds->size, .complete = true, .nulls = -1};
    if (n_columns == 0 || n_columns > LEAT_CURSOR_COLUMNS_MAX) {
        return lt_fail(err, LT_E_INVALID, "a cursor has 1 to %d columns", LEAT_CURSOR_COLUMNS_MAX);
    }
    int status = lt_sq_own(ep, &conn, err);
    status = status ? status : lt_sq_resolve_source(conn, plan, &source, &from, NULL, err);
    if (!status && wait_ms > 0) {
        int64_t at = lt_schema_find(&source, columns[0]);
        status = at < 0 ? lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no column \"%s\"", columns[0])
                        : read_clock(conn, source.children[at], &ret_bounds->settled, err);
    }
    for (int high = 0; !status && high < 2; high++) {
        status = select_bound(&source, lt_buf_text(&from), plan, columns, n_columns,
                              high ? "DESC" : "ASC", &sql, err);
        status = status ? status
                        : fetch_bound(conn, lt_buf_text(&sql), n_columns,
                                      high ? ret_bounds->high : ret_bounds->low, err);
        status = status ? status
                        : add_zones(&source, columns, n_columns,
                                    high ? ret_bounds->high : ret_bounds->low, err);
    }
    status = status ? status
                    : count_nulls(conn, &source, lt_buf_text(&from), plan, columns, n_columns,
                                  &ret_bounds->nulls, err);
    ret_bounds->empty = !ret_bounds->high[0];
    lt_schema_done(&source);
    lt_buf_done(&from);
    lt_buf_done(&sql);
    return status;
}
