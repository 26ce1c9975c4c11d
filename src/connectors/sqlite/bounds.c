/* What a cursor's columns hold. */
#include "connectors/sqlite/internal.h"

#include "columnar/array.h"
#include "columnar/text.h"
#include "columnar/view.h"
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
        failed |= lt_buf_puts(&names, comma) | lt_sq_quote(&names, columns[i]);
        failed |= lt_buf_printf(&order, "%s%s %s", comma, text, direction);
        failed |= lt_buf_puts(&filled, " AND ") | lt_sq_quote(&filled, columns[i]);
        failed |= lt_buf_puts(&filled, " IS NOT NULL");
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

/* One value of the row as canonical text. malloc'ed. */
static int value_text(struct sq_conn *conn, sqlite3_stmt *stmt, int index,
                      const struct ArrowSchema *field, char **ret_text, struct leat_error *err)
{
    struct lt_builder builder;
    struct ArrowArray array = {.release = NULL};
    struct lt_view view;
    struct lt_buf text = LT_BUF_INIT;
    struct sq_misfit misfit;
    int64_t bytes = 0;
    int status = lt_builder_init(&builder, field, err);
    if (status) {
        return status;
    }
    struct sq_reading reading = {lt_sq_decoder_of(&builder.type), conn->ep->numbers};
    status = lt_sq_decode_value(conn->api, conn->api->sqlite3_column_value(stmt, index), reading,
                                &builder, &bytes, &misfit);
    if (status == LEAT_BAD_DATA) {
        status = lt_fail(err, misfit.code, "%s", misfit.why);
        leat_error_place(err, "column \"%s\"", field->name);
    } else if (status) {
        status = lt_fail_oom(err);
    }
    status = status ? status : lt_builder_finish(&builder, &array, err);
    status = status ? status : lt_view_init(&view, field, &array, err);
    if (!status) {
        *ret_text = lt_text_format(&view, 0, &text) ? NULL : lt_buf_take(&text);
        status = *ret_text ? LEAT_OK : lt_fail_oom(err);
        lt_view_done(&view);
    }
    lt_buf_done(&text);
    lt_array_done(&array);
    lt_builder_done(&builder);
    return status;
}

/* Runs it; the texts are NULL when there is no record. `source` NULL: as SQLite writes them. */
static int fetch_bound(struct sq_conn *conn, const char *sql, const struct ArrowSchema *source,
                       const char *const *columns, size_t n, char **texts, struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = lt_sq_prepare(conn, sql, &stmt, err);
    int rc = status ? SQLITE_DONE : conn->api->sqlite3_step(stmt);
    for (size_t i = 0; rc == SQLITE_ROW && !status && i < n; i++) {
        if (source) {
            status =
                value_text(conn, stmt, (int)i, source->children[lt_schema_find(source, columns[i])],
                           &texts[i], err);
            continue;
        }
        const char *text = (const char *)conn->api->sqlite3_column_text(stmt, (int)i);
        texts[i] = text ? lt_strdup(text) : NULL;
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
    status =
        status || !can ? status : fetch_bound(conn, lt_buf_text(&sql), NULL, NULL, 1, &text, err);
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
                       NULL, NULL, 1, ret_text, err);
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
                        : fetch_bound(conn, lt_buf_text(&sql), &source, columns, n_columns,
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
