/* Listing and describing tables and views. */
#include "connectors/sqlite/internal.h"

#include "core/util.h"

#include "core/banned.h"

/* Shadow tables are the insides of virtual ones; SQLite tells them apart since 3.37. */
#define TABLE_LIST_VERSION 3037000

static int list_sql(const struct lt_sqlite *api, const char *ns, struct lt_buf *sql)
{
    int failed = lt_buf_puts(sql, "SELECT name, type = 'view' FROM ");
    failed |= lt_sq_quote_in(sql, ns, "sqlite_master");
    failed |= lt_buf_puts(sql, " WHERE type IN ('table', 'view') AND "
                               "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND "
                               "name NOT LIKE '\\_leat\\_%' ESCAPE '\\'");
    if (api->sqlite3_libversion_number() >= TABLE_LIST_VERSION) {
        failed |= lt_buf_puts(sql, " AND name NOT IN (SELECT name FROM pragma_table_list WHERE "
                                   "type = 'shadow' AND schema = ");
        failed |= lt_dialect_literal(&lt_dialect_sqlite, ns, sql);
        failed |= lt_buf_byte(sql, ')');
    }
    failed |= lt_buf_puts(sql, " ORDER BY name");
    return failed ? LEAT_NO_MEMORY : LEAT_OK;
}

/* The largest rowid: at once known, and the row count of a table that was never deleted from. */
static int64_t rows_estimate(struct sq_conn *conn, const char *ns, const char *table)
{
    struct lt_buf sql = LT_BUF_INIT;
    int64_t rows = -1;
    if (lt_buf_puts(&sql, "SELECT coalesce(max(_rowid_), 0) FROM ") ||
        lt_sq_quote_in(&sql, ns, table) ||
        lt_sq_int(conn, lt_buf_text(&sql), NULL, NULL, -1, &rows, NULL)) {
        rows = -1; /* WITHOUT ROWID */
    }
    lt_buf_done(&sql);
    return rows;
}

/* What discover() found, kept so that each() may use the endpoint. */
static int list_names(struct sq_conn *conn, const char *ns, const char *pattern,
                      struct lt_buf *names, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    int rc = SQLITE_DONE;
    int status = list_sql(conn->api, ns, &sql) ? lt_fail_oom(err) : LEAT_OK;
    status = status ? status : lt_sq_prepare(conn, lt_buf_text(&sql), &stmt, err);
    lt_buf_done(&sql);
    while (!status && (rc = conn->api->sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)conn->api->sqlite3_column_text(stmt, 0);
        uint8_t view = conn->api->sqlite3_column_int64(stmt, 1) != 0;
        if (!name) {
            status = lt_fail_oom(err);
        } else if ((!pattern || lt_wildcard_match(pattern, name)) &&
                   (lt_buf_byte(names, view) || lt_buf_append(names, name, strlen(name) + 1))) {
            status = lt_fail_oom(err);
        }
    }
    if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the catalogue");
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}

/* The streams of the file itself or of one attached. */
static int discover_in(struct sq_conn *conn, const char *ns, const char *name_pattern,
                       leat_stream_fn *each, void *arg, struct leat_error *err)
{
    struct lt_buf names = LT_BUF_INIT;
    int status = list_names(conn, ns, name_pattern, &names, err);
    for (size_t at = 0; at < names.len && !status;) {
        const char *name = (const char *)names.data + at + 1;
        bool view = names.data[at] != 0;
        struct leat_stream_info info = {
            .size = sizeof info,
            .name = {.ns = conn->ep->n_attached ? ns : "", .name = name},
            .kind = view ? LEAT_VIEW : LEAT_TABLE,
            .rows_estimate = view ? -1 : rows_estimate(conn, ns, name),
            .bytes_estimate = -1,
        };
        status = each(arg, &info);
        at += strlen(name) + 2;
    }
    lt_buf_done(&names);
    return status;
}

static bool is_asked(const struct leat_endpoint *ep, const char *pattern, const char *ns)
{
    bool own = !strcmp(ns, SQ_MAIN);
    return !pattern || !*pattern ? own : lt_wildcard_match(pattern, ep->n_attached ? ns : "");
}

static int sq_discover(struct leat_endpoint *ep, const char *ns_pattern, const char *name_pattern,
                       leat_stream_fn *each, void *arg, struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    int status = lt_sq_own(ep, &conn, err);
    if (!status && is_asked(ep, ns_pattern, SQ_MAIN)) {
        status = discover_in(conn, SQ_MAIN, name_pattern, each, arg, err);
    }
    for (size_t i = 0; i < ep->n_attached && !status; i++) {
        if (is_asked(ep, ns_pattern, ep->attached[i].name)) {
            status = discover_in(conn, ep->attached[i].name, name_pattern, each, arg, err);
        }
    }
    return status;
}

static int sq_describe(struct leat_endpoint *ep, const struct leat_stream_name *name,
                       struct ArrowSchema *ret_schema, struct leat_stream_info *ret_info,
                       struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    struct sq_table table = {.name = NULL};
    struct lt_buf quoted = LT_BUF_INIT;
    int status = lt_sq_own(ep, &conn, err);
    status = status ? status : lt_sq_table(conn, name->ns, name->name, &table, err);
    if (status) {
        return status;
    }
    if (lt_sq_quote_in(&quoted, table.ns, table.name)) {
        status = lt_fail_oom(err);
    }
    status = status ? status
                    : lt_sq_scan_types(conn, lt_buf_text(&quoted), &table.schema, table.untyped,
                                       NULL, err);
    status = status ? status : lt_sq_describe_extras(conn, &table, err);
    if (status) {
        leat_error_place(err, "%s", table.name);
    }
    if (!status && ret_info) {
        size_t size = LT_MIN(ret_info->size, sizeof *ret_info);
        struct leat_stream_info info = {
            .size = size,
            .name = *name,
            .kind = table.view ? LEAT_VIEW : LEAT_TABLE,
            .rows_estimate = table.view ? -1 : rows_estimate(conn, table.ns, table.name),
            .bytes_estimate = -1,
        };
        memcpy(ret_info, &info, size);
    }
    if (!status) {
        lt_schema_move(&table.schema, ret_schema);
    }
    lt_sq_table_done(&table);
    lt_buf_done(&quoted);
    return status;
}

const struct leat_catalog_ops lt_sq_catalog = {
    .discover = sq_discover,
    .describe = sq_describe,
};
