/* Indexes and defaults, for --with: read from the catalogue, and made once the rows are there. */
#include "connectors/sqlite/load.h"

#include "core/json.h"
#include "core/util.h"
#include "sql/extras.h"
#include "sql/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define NAMES_TRIED_MAX 100

/* --- reading ------------------------------------------------------------------------------- */

/* The columns of one index. A partial one, and one of expressions, is told as having an expression:
 * SQLite shows it only as part of the statement. */
static int put_columns(struct sq_conn *conn, const char *index, const char *ns,
                       struct lt_json *json, struct leat_error *err)
{
    const struct lt_sqlite *api = conn->api;
    sqlite3_stmt *stmt = NULL;
    int status = lt_sq_prepare(conn,
                               "SELECT name, \"desc\", coll FROM pragma_index_xinfo(?1, ?2) "
                               "WHERE key = 1 ORDER BY seqno",
                               &stmt, err);
    if (status) {
        return status;
    }
    int rc = lt_sq_bind_text(conn, stmt, 1, index);
    rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, ns);
    lt_json_key(json, "columns");
    lt_json_array(json);
    while (!rc && (rc = api->sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)api->sqlite3_column_text(stmt, 0);
        const char *collation = (const char *)api->sqlite3_column_text(stmt, 2);
        lt_json_object(json);
        lt_json_key(json, name ? "name" : "expr");
        lt_json_text(json, name ? name : "");
        if (api->sqlite3_column_int64(stmt, 1)) {
            lt_json_key(json, "desc");
            lt_json_bool(json, true);
        }
        if (collation && strcmp(collation, "BINARY") != 0) {
            lt_json_key(json, "collation");
            lt_json_text(json, collation);
        }
        lt_json_object_end(json);
        rc = SQLITE_OK;
    }
    lt_json_array_end(json);
    if (rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the index %s", index);
    }
    api->sqlite3_finalize(stmt);
    return status;
}

/* The row of pragma_index_list: name, unique, origin, partial. */
static int put_index(struct sq_conn *conn, sqlite3_stmt *stmt, const char *ns, struct lt_json *json,
                     struct leat_error *err)
{
    const struct lt_sqlite *api = conn->api;
    const char *name = (const char *)api->sqlite3_column_text(stmt, 0);
    const char *origin = (const char *)api->sqlite3_column_text(stmt, 2);
    bool constraint = origin && *origin == 'u';
    lt_json_object(json);
    lt_json_key(json, "name"); /* that of a constraint's index is SQLite's own */
    lt_json_text(json, constraint || !name ? "" : name);
    lt_json_key(json, "unique");
    lt_json_bool(json, api->sqlite3_column_int64(stmt, 1) != 0);
    lt_json_key(json, "constraint");
    lt_json_bool(json, constraint);
    if (api->sqlite3_column_int64(stmt, 3)) {
        lt_json_key(json, "where");
        lt_json_text(json, "");
    }
    int status = put_columns(conn, name ? name : "", ns, json, err);
    lt_json_object_end(json);
    return status;
}

static int add_indexes(struct sq_conn *conn, struct sq_table *table, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    struct lt_json json = {.out = &text};
    sqlite3_stmt *stmt = NULL;
    bool any = false;
    int status = lt_sq_prepare(conn,
                               "SELECT name, \"unique\", origin, partial FROM "
                               "pragma_index_list(?1, ?2) WHERE origin <> 'pk' ORDER BY name",
                               &stmt, err);
    if (status) {
        return status;
    }
    int rc = lt_sq_bind_text(conn, stmt, 1, table->name);
    rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, table->ns);
    lt_json_array(&json);
    while (!status && !rc && (rc = conn->api->sqlite3_step(stmt)) == SQLITE_ROW) {
        any = true;
        status = put_index(conn, stmt, table->ns, &json, err);
        rc = SQLITE_OK;
    }
    lt_json_array_end(&json);
    if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the indexes of %s", table->name);
    }
    status = !status && json.failed ? lt_fail_oom(err) : status;
    if (!status && any) {
        status = lt_schema_set_meta(&table->schema, LT_META_INDEXES, lt_buf_text(&text), err);
    }
    conn->api->sqlite3_finalize(stmt);
    lt_buf_done(&text);
    return status;
}

static int add_defaults(struct sq_conn *conn, struct sq_table *table, struct leat_error *err)
{
    const struct lt_sqlite *api = conn->api;
    sqlite3_stmt *stmt = NULL;
    int status = lt_sq_prepare(conn,
                               "SELECT name, dflt_value FROM pragma_table_info(?1, ?2) WHERE "
                               "dflt_value IS NOT NULL",
                               &stmt, err);
    if (status) {
        return status;
    }
    int rc = lt_sq_bind_text(conn, stmt, 1, table->name);
    rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, table->ns);
    while (!status && !rc && (rc = api->sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)api->sqlite3_column_text(stmt, 0);
        const char *sql = (const char *)api->sqlite3_column_text(stmt, 1);
        int64_t at = name ? lt_schema_find(&table->schema, name) : -1;
        status =
            at >= 0 && sql ? lt_default_set(table->schema.children[at], sql, NULL, err) : LEAT_OK;
        rc = SQLITE_OK;
    }
    if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the defaults of %s", table->name);
    }
    api->sqlite3_finalize(stmt);
    return status;
}

int lt_sq_describe_extras(struct sq_conn *conn, struct sq_table *table, struct leat_error *err)
{
    int status = table->view ? LEAT_OK : add_indexes(conn, table, err);
    return status || table->view ? status : add_defaults(conn, table, err);
}

/* --- planning ------------------------------------------------------------------------------ */

struct teller {
    const struct leat_endpoint *ep;
    const char *table;
};

static void tell_left_out(void *arg, const char *what, const char *why)
{
    const struct teller *at = arg;
    lt_sq_log(at->ep, LEAT_LOG_WARN, "%s: %s is not made: %s", at->table, what, why);
}

int lt_sq_tell_left_out(const struct leat_endpoint *ep, const struct leat_write_stream *want,
                        struct leat_error *err)
{
    struct teller teller = {ep, want->name.name};
    struct ArrowSchema copy = {.release = NULL};
    struct lt_indexes indexes = {.n = 0};
    int status = lt_schema_copy(want->schema, &copy, err);
    status = status ? status
                    : lt_defaults_fit(&lt_dialect_sqlite, &copy, NULL, tell_left_out, &teller, err);
    status = status ? status
                    : lt_indexes_read(&lt_dialect_sqlite, want->schema, NULL, tell_left_out,
                                      &teller, &indexes, err);
    lt_indexes_done(&indexes);
    lt_schema_done(&copy);
    return status;
}

/* --- making -------------------------------------------------------------------------------- */

/* The source's name for it, else one of table and columns that is free in the file. */
static int choose_name(struct sq_conn *conn, const char *table, const struct lt_index *index,
                       char **ret_name, struct leat_error *err)
{
    for (int tried = 0; tried < NAMES_TRIED_MAX; tried++) {
        char number[16] = "";
        int64_t taken = 0;
        if (tried > 1) {
            snprintf(number, sizeof number, "%d", tried - 1);
        }
        char *name = *index->name && !tried && strncasecmp(index->name, "sqlite_", 7) != 0
                         ? lt_strdup(index->name)
                         : lt_format("%s_%s_%s%s", table, index->words,
                                     index->constraint ? "key" : "idx", number);
        int status = name ? lt_sq_int(conn,
                                      "SELECT count(*) FROM sqlite_master WHERE name = ?1 COLLATE "
                                      "NOCASE",
                                      name, NULL, 0, &taken, err)
                          : lt_fail_oom(err);
        if (!status && !taken) {
            *ret_name = name;
            return LEAT_OK;
        }
        free(name);
        if (status) {
            return status;
        }
    }
    return lt_fail(err, LT_E_CONFLICT, "no name is left for the index \"%s\"", index->name);
}

static int make_index(struct sq_conn *conn, const char *table, const struct lt_index *index,
                      struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    char *name = NULL;
    int status = choose_name(conn, table, index, &name, err);
    if (!status) {
        int failed = lt_buf_printf(&sql, "CREATE %sINDEX ", index->unique ? "UNIQUE " : "");
        failed |= lt_sq_quote(&sql, name);
        failed |= lt_buf_puts(&sql, " ON ");
        failed |= lt_sq_quote(&sql, table);
        failed |= lt_buf_puts(&sql, index->body);
        status = failed ? lt_fail_oom(err) : lt_sq_exec(conn, lt_buf_text(&sql), err);
    }
    if (status) {
        leat_error_place(err, "%s: index \"%s\"", table, name ? name : index->name);
    }
    lt_buf_done(&sql);
    free(name);
    return status;
}

int lt_sq_make_indexes(struct leat_load *load, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < load->want->n_streams && !status; i++) {
        const struct leat_write_stream *want = &load->want->streams[i];
        struct lt_indexes indexes = {.n = 0};
        status = load->streams[i].made ? lt_indexes_read(&lt_dialect_sqlite, want->schema, NULL,
                                                         NULL, NULL, &indexes, err)
                                       : LEAT_OK;
        for (size_t k = 0; k < indexes.n && !status; k++) {
            status = make_index(load->conn, want->name.name, &indexes.items[k], err);
        }
        lt_indexes_done(&indexes);
    }
    return status;
}
