/* Listing and describing tables and views. */
#include "connectors/sqlite/internal.h"

#include "core/util.h"

#include "core/banned.h"

/* Shadow tables are the insides of virtual ones; SQLite tells them apart since 3.37. */
#define TABLE_LIST_VERSION 3037000

static const char *list_sql(const struct lt_sqlite *api)
{
#define LIST_SQL                                                                                   \
    "SELECT name, type = 'view' FROM sqlite_master WHERE type IN ('table', 'view') AND "           \
    "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_leat\\_%' ESCAPE '\\'"
    return api->sqlite3_libversion_number() >= TABLE_LIST_VERSION ? LIST_SQL
               " AND name NOT IN (SELECT name FROM pragma_table_list WHERE "
               "schema = 'main' AND type = 'shadow') ORDER BY name"
                                                                  : LIST_SQL " ORDER BY name";
#undef LIST_SQL
}

/* The largest rowid: at once known, and the row count of a table that was never deleted from. */
static int64_t rows_estimate(struct sq_conn *conn, const char *table)
{
    struct lt_buf sql = LT_BUF_INIT;
    int64_t rows = -1;
    if (lt_buf_puts(&sql, "SELECT coalesce(max(_rowid_), 0) FROM ") || lt_sq_quote(&sql, table) ||
        lt_sq_int(conn, lt_buf_text(&sql), NULL, NULL, -1, &rows, NULL)) {
        rows = -1; /* WITHOUT ROWID */
    }
    lt_buf_done(&sql);
    return rows;
}

/* What discover() found, kept so that each() may use the endpoint. */
static int list_names(struct sq_conn *conn, const char *pattern, struct lt_buf *names,
                      struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc, status = lt_sq_prepare(conn, list_sql(conn->api), &stmt, err);
    if (status) {
        return status;
    }
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

static int sq_discover(struct leat_endpoint *ep, const char *ns_pattern, const char *name_pattern,
                       leat_stream_fn *each, void *arg, struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    struct lt_buf names = LT_BUF_INIT;
    int status = lt_sq_own(ep, &conn, err);
    if (status || (ns_pattern && *ns_pattern && !lt_wildcard_match(ns_pattern, ""))) {
        return status;
    }
    status = list_names(conn, name_pattern, &names, err);
    for (size_t at = 0; at < names.len && !status;) {
        const char *name = (const char *)names.data + at + 1;
        bool view = names.data[at] != 0;
        struct leat_stream_info info = {
            .size = sizeof info,
            .name = {.ns = "", .name = name},
            .kind = view ? LEAT_VIEW : LEAT_TABLE,
            .rows_estimate = view ? -1 : rows_estimate(conn, name),
            .bytes_estimate = -1,
        };
        status = each(arg, &info);
        at += strlen(name) + 2;
    }
    lt_buf_done(&names);
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
    status = status ? status : lt_sq_table(conn, name->name, &table, err);
    if (status) {
        return status;
    }
    if (lt_sq_quote(&quoted, table.name)) {
        status = lt_fail_oom(err);
    }
    status = status
                 ? status
                 : lt_sq_scan_types(conn, lt_buf_text(&quoted), &table.schema, table.untyped, err);
    if (status) {
        leat_error_place(err, "%s", table.name);
    }
    if (!status && ret_info) {
        size_t size = LT_MIN(ret_info->size, sizeof *ret_info);
        struct leat_stream_info info = {
            .size = size,
            .name = *name,
            .kind = table.view ? LEAT_VIEW : LEAT_TABLE,
            .rows_estimate = table.view ? -1 : rows_estimate(conn, table.name),
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
