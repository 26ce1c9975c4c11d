/* The connector's table, its options, and opening and closing an endpoint. */
#include "connectors/postgres/postgres.h"

#include "connectors/postgres/pg_expected.h"
#include "connectors/postgres/pg_load.h"
#include "sql/postgres.h"

#include <stdio.h>
#include <stdlib.h>

/* The names are libpq's, with '-' for '_'; any other libpq keyword may stand in the URL. */
static const struct leat_option options[] = {
    {"password", LEAT_OPTION_SECRET, NULL, "PASSWORD",
     "The password, where the URL, a password file or PGPASSWORD does not give it"},
    {"service", LEAT_OPTION_TEXT, NULL, "NAME", "A section of libpq's connection service file"},
    {"passfile", LEAT_OPTION_TEXT, NULL, "FILE", "The password file, instead of ~/.pgpass"},
    {"sslmode", LEAT_OPTION_CHOICE, NULL, "disable|allow|prefer|require|verify-ca|verify-full",
     "Encryption; without one, require for any server but this machine"},
    {"sslrootcert", LEAT_OPTION_TEXT, NULL, "FILE", "Certificates that may sign the server's own"},
    {"sslcert", LEAT_OPTION_TEXT, NULL, "FILE", "The client certificate"},
    {"sslkey", LEAT_OPTION_TEXT, NULL, "FILE", "The key of the client certificate"},
    {"options", LEAT_OPTION_TEXT, NULL, "TEXT", "Settings for the session, as -c name=value"},
    {"application-name", LEAT_OPTION_TEXT, "leat", "NAME",
     "How the session shows in pg_stat_activity"},
    {"target-session-attrs", LEAT_OPTION_CHOICE, NULL,
     "any|read-write|read-only|primary|standby|prefer-standby", "Which of several hosts will do"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

static const char *const aliases[] = {"postgresql", NULL};
static const char *const commit_steps[] = {"commit", NULL};

static void close_endpoint(struct leat_endpoint *ep)
{
    if (!ep) {
        return;
    }
    if (ep->snapshot_holder) {
        pg_give(ep->snapshot_holder);
    }
    pg_expected_forget(ep);
    while (ep->n_idle) {
        pg_disconnect(ep->idle[--ep->n_idle]);
    }
    lt_pq_params_done(&ep->params);
    pg_type_cache_free(ep->types);
    free(ep->state_namespace);
    pthread_mutex_destroy(&ep->lock);
    free(ep);
}

static int learn_server(struct leat_endpoint *ep, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    PGresult *result = NULL;
    int status = pg_take(ep, &conn, err);
    if (status) {
        return status;
    }
    const struct lt_pq *pq = ep->pq;
    ep->version = pq->PQserverVersion(conn->pg);
    const char *version = pq->PQparameterStatus(conn->pg, "server_version");
    const char *encoding = pq->PQparameterStatus(conn->pg, "server_encoding");
    snprintf(ep->version_text, sizeof ep->version_text, "%s", version ? version : "");
    ep->version_text[strcspn(ep->version_text, " ")] = 0;
    ep->check_utf8 = !encoding || !strcmp(encoding, "SQL_ASCII");
    snprintf(ep->user, sizeof ep->user, "%s", pq->PQuser(conn->pg));
    if (ep->version < 110000) {
        status = lt_fail(err, LT_E_UNSUPPORTED, "PostgreSQL %s is too old: 11 is the least",
                         ep->version_text);
    }
    status = status ? status : pg_query(conn, pg_probe_sql(ep->version), 0, NULL, &result, err);
    if (!status) {
        snprintf(ep->default_ns, sizeof ep->default_ns, "%s", pg_cell(conn, result, 0, 0));
        if (!pg_cell_null(conn, result, 0, 1)) {
            snprintf(ep->hash_format, sizeof ep->hash_format, "pg-record %s %s",
                     pg_cell(conn, result, 0, 1), encoding ? encoding : "");
        }
    }
    pg_clear(conn, result);
    if (!status && !*ep->default_ns) {
        snprintf(ep->default_ns, sizeof ep->default_ns, "public");
    }
    pg_give(conn);
    return status;
}

static int open_endpoint(const struct leat_config *config, struct leat_endpoint **ret_ep,
                         struct leat_error *err)
{
    struct leat_endpoint *ep = calloc(1, sizeof *ep);
    if (!ep) {
        return lt_fail_oom(err);
    }
    if (pthread_mutex_init(&ep->lock, NULL)) {
        free(ep);
        return lt_fail_oom(err);
    }
    ep->host = config->host;
    atomic_init(&ep->money_scale, -1);
    atomic_init(&ep->pooler, -1);
    int status = lt_pq_load(&ep->pq, err);
    status = status ? status : pg_endpoint_configure(ep, config, err);
    status = status ? status : learn_server(ep, err);
    if (status) {
        close_endpoint(ep);
        return status;
    }
    ep->capabilities = (struct leat_capabilities){
        .size = sizeof ep->capabilities,
        .flags = LEAT_CAN_QUERY | LEAT_CAN_PREDICATE | LEAT_CAN_PROJECT | LEAT_CAN_LIMIT |
                 LEAT_CAN_ORDER | (pg_pooled(ep) ? 0U : (uint32_t)LEAT_CAN_ATTACH) |
                 LEAT_CAN_STREAMS | LEAT_HAS_NAMESPACES | LEAT_KEYS_HOLD | LEAT_TAKES_OWN_TEXT,
        .payloads_out = LEAT_PAYLOAD_BATCH | LEAT_PAYLOAD_BYTES,
        .payloads_in = LEAT_PAYLOAD_BATCH | LEAT_PAYLOAD_BYTES,
        .bytes_format = "pgcopy",
        .default_namespace = ep->default_ns,
        .commit_steps = commit_steps,
        .hash_format = ep->hash_format[0] ? ep->hash_format : NULL,
        .modes =
            1u << LEAT_MERGE | 1u << LEAT_DELETE_INSERT | 1u << LEAT_CHANGES | 1u << LEAT_HISTORY,
    };
    *ret_ep = ep;
    return LEAT_OK;
}

static int check(struct leat_endpoint *ep, struct leat_check *ret_check, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    PGresult *result = NULL;
    const char *params[] = {ep->default_ns};
    int status = pg_take(ep, &conn, err);
    status = status
                 ? status
                 : pg_query(conn,
                            /* What of the default namespace there is may be read, or there is
                             * nothing yet; rows can be written where tables can be made, too. */
                            "WITH c AS (SELECT c.oid, c.relkind FROM pg_catalog.pg_class c JOIN "
                            "pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                            "WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'f', 'v', 'm')) "
                            "SELECT n.may_use AND (NOT EXISTS (SELECT 1 FROM c) OR EXISTS (SELECT "
                            "1 FROM c WHERE pg_catalog.has_any_column_privilege(oid, 'SELECT'))), "
                            "w.may AND n.may_create, "
                            "w.may AND (n.may_create OR EXISTS (SELECT 1 FROM c WHERE relkind IN "
                            "('r', 'p', 'f') AND pg_catalog.has_table_privilege(oid, 'INSERT'))), "
                            "pg_catalog.current_setting('wal_level') = 'logical' AND (SELECT "
                            "rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = "
                            "current_user) "
                            "FROM (SELECT NOT pg_catalog.pg_is_in_recovery() AND "
                            "pg_catalog.current_setting('default_transaction_read_only') = 'off') "
                            "w(may), (SELECT coalesce(pg_catalog.bool_or("
                            "pg_catalog.has_schema_privilege(oid, 'USAGE')), false), "
                            "coalesce(pg_catalog.bool_or(pg_catalog.has_schema_privilege(oid, "
                            "'CREATE')), false) FROM pg_catalog.pg_namespace WHERE nspname = $1) "
                            "n(may_use, may_create)",
                            1, params, &result, err);
    if (!status && pg_rows(conn, result) == 1) {
        *ret_check = (struct leat_check){
            .size = sizeof *ret_check,
            .system = "PostgreSQL",
            .version = ep->version_text,
            .user = ep->user,
            .can_read = pg_cell_true(conn, result, 0, 0),
            .can_create = pg_cell_true(conn, result, 0, 1),
            .can_write = pg_cell_true(conn, result, 0, 2),
            .can_replicate = pg_cell_true(conn, result, 0, 3),
        };
    }
    pg_clear(conn, result);
    pg_give(conn);
    return status;
}

/* Whoever waits sees the flag within a poll round and tells the server by itself: nothing here
 * can block. */
static void cancel(struct leat_endpoint *ep)
{
    atomic_store(&ep->cancelled, 1);
}

static const struct leat_capabilities *capabilities(struct leat_endpoint *ep)
{
    return &ep->capabilities;
}

static int execute(struct leat_endpoint *ep, const char *sql, int64_t *ret_rows,
                   struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    PGresult *result = NULL;
    int64_t rows = -1;
    int status = pg_take(ep, &conn, err);
    status = status ? status : pg_send(conn, sql, err);
    status = status ? status : pg_finish_results(conn, &result, err);
    status = status ? status : pg_check_closed(conn, err);
    if (!status && result && lt_parse_int(ep->pq->PQcmdTuples(result), &rows)) {
        rows = -1; /* it changes none by its nature */
    }
    if (!status && ret_rows) {
        *ret_rows = rows;
    }
    pg_clear(conn, result);
    pg_give(conn);
    return status;
}

static int quote(struct leat_endpoint *ep, const char *identifier, char *out, size_t size)
{
    (void)ep;
    struct lt_buf text = LT_BUF_INIT;
    size_t used = strlen(out);
    int status = pg_ident(&text, identifier) ? LEAT_NO_MEMORY : LEAT_OK;
    if (!status && used + text.len >= size) {
        status = LEAT_INVALID;
    }
    if (!status) {
        memcpy(out + used, text.data, text.len + 1);
    }
    lt_buf_done(&text);
    return status;
}

const struct leat_sql_ops pg_sql_ops = {
    .execute = execute,
    .quote = quote,
    .run = pg_run,
    .rows_columns = pg_rows_columns,
    .rows_next = pg_rows_next,
    .rows_close = pg_rows_close,
};

const struct leat_connector lt_connector_postgres = {
    .size = sizeof lt_connector_postgres,
    .abi = LEAT_CONNECTOR_ABI,
    .name = "postgres",
    .aliases = aliases,
    .summary = "PostgreSQL 11 and later: tables, views and queries; binary COPY both ways",
    .options = options,
    .open = open_endpoint,
    .close = close_endpoint,
    .check = check,
    .cancel = cancel,
    .capabilities = capabilities,
    .catalog = &pg_catalog_ops,
    .source = &pg_source_ops,
    .load = &pg_load_ops,
    .sql = &pg_sql_ops,
    .types_in = lt_postgres_types_in,
    .types_out = lt_postgres_types_out,
    .ddl = pg_ddl,
};
