/* Snapshots: one moment of the database, which every connection that joins it reads. */
#include "connectors/postgres/pg_read.h"

#include "sql/postgres.h"

#include <stdio.h>

#define BEGIN_SNAPSHOT "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

void pg_snapshot_release(struct leat_endpoint *ep)
{
    if (ep->snapshot_holder) {
        pg_give(ep->snapshot_holder);
        ep->snapshot_holder = NULL;
    }
    ep->snapshot[0] = 0;
}

int pg_put_join(const char *token, struct lt_buf *sql)
{
    return lt_buf_puts(sql, BEGIN_SNAPSHOT "; SET TRANSACTION SNAPSHOT ") || pg_literal(sql, token)
               ? LEAT_NO_MEMORY
               : LEAT_OK;
}

/* TRUNCATE, and an ALTER that writes a table anew, put its rows into another file, where older
 * snapshots see none of them, and no error. So the table and all that belong to it must lie in the
 * files that the catalog, read in the snapshot, says; and none of them may have been taken away. */
#define FAMILY_SQL                                                                                 \
    "WITH RECURSIVE t(oid) AS (SELECT %1$u::pg_catalog.oid UNION ALL SELECT i.inhrelid FROM "      \
    "pg_catalog.pg_inherits i JOIN t ON i.inhparent = t.oid) "
#define MOVED_SQL                                                                                  \
    "SELECT 1 WHERE EXISTS (SELECT FROM %2$s LIMIT 0) OR EXISTS (SELECT FROM t LEFT JOIN "         \
    "pg_catalog.pg_class c ON c.oid = t.oid WHERE c.oid IS NULL OR (c.relkind IN ('r', 'm') AND "  \
    "c.relfilenode IS DISTINCT FROM pg_catalog.pg_relation_filenode(c.oid)))"
#define DETACHED_SQL                                                                               \
    " OR EXISTS (SELECT FROM t WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_partition_tree(%1$u) "  \
    "p WHERE p.relid = t.oid))"
#define ALONE_SQL                                                                                  \
    "SELECT 1 WHERE EXISTS (SELECT FROM %2$s LIMIT 0) OR NOT EXISTS (SELECT FROM "                 \
    "pg_catalog.pg_class c WHERE c.oid = %1$u AND c.relfilenode = "                                \
    "pg_catalog.pg_relation_filenode(c.oid))"

int pg_put_rewritten(const struct pg_table *table, int version, struct lt_buf *sql)
{
    if (!table->oid || !strchr("rmp", table->kind)) {
        return LEAT_OK; /* rows of views and queries lie elsewhere */
    }
    struct lt_buf name = LT_BUF_INIT;
    bool alone = table->alone && table->kind != 'p';
    int failed = lt_dialect_quote_name(&lt_dialect_postgres, table->ns, table->name, &name);
    if (alone) {
        failed |= lt_buf_printf(sql, ALONE_SQL, table->oid, lt_buf_text(&name));
    } else if (table->kind == 'p' && version >= 120000) {
        failed |=
            lt_buf_printf(sql, FAMILY_SQL MOVED_SQL DETACHED_SQL, table->oid, lt_buf_text(&name));
    } else {
        failed |= lt_buf_printf(sql, FAMILY_SQL MOVED_SQL, table->oid, lt_buf_text(&name));
    }
    lt_buf_done(&name);
    return failed;
}

/* "invalid" in the words of the server, or from version 17 on "does not exist": the session that
 * exported it has ended. */
int pg_explain_join(int status, struct leat_error *err)
{
    if (status && err && (!strcmp(err->sqlstate, "22023") || !strcmp(err->sqlstate, "42704"))) {
        return lt_fail(err, LT_E_UNAVAILABLE,
                       "the snapshot that the streams are read in is gone: "
                       "its session was lost, or the server restarted");
    }
    return status;
}

static int join(struct pg_conn *conn, const char *token, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    struct leat_error why = {.status = LEAT_OK};
    int status =
        pg_put_join(token, &sql) ? lt_fail_oom(&why) : pg_exec(conn, lt_buf_text(&sql), &why);
    lt_buf_done(&sql);
    status = pg_explain_join(status, &why);
    if (status && err) {
        *err = why;
    }
    return status;
}

int pg_snapshot_take(struct leat_endpoint *ep, char *ret_token, size_t size, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    char token[sizeof ep->snapshot] = "";
    pg_snapshot_release(ep);
    if (pg_pooled(ep)) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "a pooler stands before the server, which may have no further connection");
    }
    int status = pg_take(ep, &conn, err);
    status = status ? status : pg_exec(conn, BEGIN_SNAPSHOT, err);
    if (!status) {
        status = pg_value(conn, "SELECT pg_catalog.pg_export_snapshot()", 0, NULL, token,
                          sizeof token, err);
        if (status && status != LEAT_CANCELLED && !conn->broken) {
            status = lt_fail(err, LT_E_UNSUPPORTED, "this server cannot share a snapshot");
        }
    }
    if (!status && strlen(token) >= size) {
        status = lt_fail(err, LT_E_INTERNAL, "the snapshot's token is too long");
    }
    if (status) {
        pg_give(conn);
        return status;
    }
    ep->snapshot_holder = conn;
    snprintf(ep->snapshot, sizeof ep->snapshot, "%s", token);
    snprintf(ret_token, size, "%s", token);
    return LEAT_OK;
}

int pg_snapshot_join(struct leat_endpoint *ep, const char *token, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    if (strlen(token) >= sizeof ep->snapshot) {
        return lt_fail(err, LT_E_INVALID, "this is no snapshot token of PostgreSQL");
    }
    pg_snapshot_release(ep);
    int status = pg_take(ep, &conn, err);
    status = status ? status : join(conn, token, err);
    if (status) {
        pg_give(conn);
        return status;
    }
    snprintf(ep->snapshot, sizeof ep->snapshot, "%s", token);
    struct pg_conn *further = NULL;
    struct leat_error why = {.status = LEAT_OK};
    status = pg_take(ep, &further, &why); /* a reader will want it */
    pg_give(further);
    if (status) {
        pg_give(conn);
        pg_log(ep, LEAT_LOG_INFO, "one connection reads, and none holds the snapshot beside it: %s",
               why.message);
        return LEAT_OK;
    }
    /* Kept open: the exporter may go before this endpoint's readers have come. */
    ep->snapshot_holder = conn;
    char own[sizeof ep->snapshot];
    if (!pg_value(conn, "SELECT pg_catalog.pg_export_snapshot()", 0, NULL, own, sizeof own, NULL)) {
        snprintf(ep->snapshot, sizeof ep->snapshot, "%s", own);
    }
    return LEAT_OK;
}

int pg_fail_rewritten(struct leat_error *err)
{
    return lt_fail(err, LT_E_SOURCE_CUT,
                   "the table was truncated, or written anew by ALTER TABLE, VACUUM FULL or "
                   "CLUSTER, after the moment of which this run reads all; what it held then "
                   "is not there any more");
}

static int check_rewritten(struct pg_conn *conn, const struct pg_table *table,
                           struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    PGresult *result = NULL;
    int status = pg_put_rewritten(table, conn->ep->version, &sql) ? lt_fail_oom(err) : LEAT_OK;
    if (!status && sql.len) {
        status = pg_query(conn, lt_buf_text(&sql), 0, NULL, &result, err);
    }
    if (!status && result && pg_rows(conn, result)) {
        status = pg_fail_rewritten(err);
    }
    pg_clear(conn, result);
    lt_buf_done(&sql);
    return status;
}

int pg_take_to_read(struct leat_endpoint *ep, const struct pg_table *table,
                    struct pg_conn **ret_conn, struct leat_error *err)
{
    int status = pg_take(ep, ret_conn, err);
    if (!status && ep->snapshot[0]) {
        status = join(*ret_conn, ep->snapshot, err);
        status = status ? status : check_rewritten(*ret_conn, table, err);
    }
    return status;
}
