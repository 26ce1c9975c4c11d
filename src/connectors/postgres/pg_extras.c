/* What a table has beside columns and key, for --with: read from the catalog of a source, and made
 * at a destination once the rows are there. */
#include "connectors/postgres/pg_load.h"
#include "connectors/postgres/pg_own_types.h"

#include "core/json_read.h"
#include "sql/extras.h"
#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES_TRIED_MAX 100
#define UNIQUE_VIOLATION "23505"

/* --- reading ------------------------------------------------------------------------------- */

/* Objects of the server's own are pinned: only what others made is a dependency. An expression that
 * has one is named, but nobody's. */
#define NOT_FOREIGN(class, id)                                                                     \
    "NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog." class        \
        "'::pg_catalog.regclass AND d.objid = " id " AND d.deptype = 'n' AND d.refclassid IN ("    \
        "'pg_catalog.pg_proc'::pg_catalog.regclass, "                                              \
        "'pg_catalog.pg_operator'::pg_catalog.regclass, "                                          \
        "'pg_catalog.pg_type'::pg_catalog.regclass, "                                              \
        "'pg_catalog.pg_opclass'::pg_catalog.regclass, "                                           \
        "'pg_catalog.pg_opfamily'::pg_catalog.regclass, "                                          \
        "'pg_catalog.pg_collation'::pg_catalog.regclass))"

#define INDEX_COLUMN_SQL                                                                           \
    "pg_catalog.json_strip_nulls(pg_catalog.json_build_object("                                    \
    "'name', a.attname, "                                                                          \
    "'expr', CASE WHEN i.indkey[n - 1] = 0 THEN pg_catalog.pg_get_indexdef(c.oid, n, false) END, " \
    "'desc', CASE WHEN i.indoption[n - 1] & 1 = 1 THEN true END, "                                 \
    "'nulls', CASE WHEN i.indoption[n - 1] & 2 = 2 THEN 'first' ELSE 'last' END, "                 \
    "'collation', CASE WHEN o.collname <> 'default' AND "                                          \
    "i.indcollation[n - 1] IS DISTINCT FROM a.attcollation THEN o.collname END, "                  \
    "'opclass', CASE WHEN NOT p.opcdefault THEN p.opcname END))"

#define INDEXES_SQL(nulls_equal)                                                                   \
    "SELECT pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object("         \
    "'name', c.relname, 'method', m.amname, "                                                      \
    "'unique', CASE WHEN i.indisunique THEN true END, "                                            \
    "'constraint', CASE WHEN k.contype = 'u' THEN true END, "                                      \
    "'exclusion', CASE WHEN i.indisexclusion THEN true END, "                                      \
    "'deferrable', CASE WHEN k.condeferrable THEN true END, "                                      \
    "'deferred', CASE WHEN k.condeferred THEN true END, "                                          \
    "'nulls_equal', " nulls_equal ", "                                                             \
    "'columns', (SELECT pg_catalog.json_agg(" INDEX_COLUMN_SQL " ORDER BY n) FROM "                \
    "pg_catalog.generate_series(1, i.indnkeyatts::int) n "                                         \
    "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND "                          \
    "a.attnum = i.indkey[n - 1] AND a.attnum > 0 "                                                 \
    "LEFT JOIN pg_catalog.pg_collation o ON o.oid = i.indcollation[n - 1] "                        \
    "LEFT JOIN pg_catalog.pg_opclass p ON p.oid = i.indclass[n - 1]), "                            \
    "'include', (SELECT pg_catalog.json_agg(a.attname ORDER BY n) FROM "                           \
    "pg_catalog.generate_series(i.indnkeyatts + 1, i.indnatts::int) n "                            \
    "JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND "                               \
    "a.attnum = i.indkey[n - 1]), "                                                                \
    "'where', pg_catalog.pg_get_expr(i.indpred, i.indrelid), "                                     \
    "'server', CASE WHEN " NOT_FOREIGN(                                                            \
        "pg_class",                                                                                \
        "c.oid") " THEN $2 END)) ORDER BY c.relname) "                                             \
                 "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "  \
                 "JOIN pg_catalog.pg_am m ON m.oid = c.relam "                                     \
                 "LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = c.oid AND k.conrelid = "    \
                 "i.indrelid AND "                                                                 \
                 "k.contype IN ('u', 'x') "                                                        \
                 "WHERE i.indrelid = $1::pg_catalog.oid AND NOT i.indisprimary AND i.indisvalid"

static const char indexes_11[] = INDEXES_SQL("NULL");
static const char indexes_15[] = INDEXES_SQL("CASE WHEN i.indnullsnotdistinct THEN true END");

static const char checks_sql[] =
    "SELECT pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object("
    "'name', k.conname, 'expr', pg_catalog.pg_get_expr(k.conbin, k.conrelid), "
    "'server', CASE WHEN " NOT_FOREIGN("pg_constraint",
                                       "k.oid") " THEN $2 END)) ORDER BY k.conname) "
                                                "FROM pg_catalog.pg_constraint k WHERE "
                                                "k.conrelid = $1::pg_catalog.oid AND "
                                                "k.contype = 'c' AND k.convalidated";

/* Identities, serial columns too, are no defaults here; one of a sequence is of this server alone. */
/* clang-format off */
static const char defaults_sql[] =
    "SELECT a.attname, pg_catalog.pg_get_expr(f.adbin, f.adrelid), CASE WHEN "
    NOT_FOREIGN("pg_attrdef", "f.oid")
    " AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = "
    "'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid AND d.refclassid = "
    "'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> f.adrelid) THEN $2 END "
    "FROM pg_catalog.pg_attrdef f JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND "
    "a.attnum = f.adnum WHERE f.adrelid = $1::pg_catalog.oid AND a.attgenerated = '' AND "
    "a.attidentity = '' AND NOT " PG_IS_SERIAL;
/* clang-format on */

/* The JSON that a query gives, as metadata of the stream. */
static int add_list(struct pg_conn *conn, struct pg_table *table, const char *sql,
                    const char *const *params, const char *key, struct leat_error *err)
{
    PGresult *result = NULL;
    int status = pg_query(conn, sql, 2, params, &result, err);
    if (!status && pg_rows(conn, result) == 1 && !pg_cell_null(conn, result, 0, 0)) {
        status = lt_schema_set_meta(&table->schema, key, pg_cell(conn, result, 0, 0), err);
    }
    pg_clear(conn, result);
    return status;
}

static int add_defaults(struct pg_conn *conn, struct pg_table *table, const char *const *params,
                        struct leat_error *err)
{
    PGresult *result = NULL;
    int status = pg_query(conn, defaults_sql, 2, params, &result, err);
    int n = status ? 0 : pg_rows(conn, result);
    for (int i = 0; i < n && !status; i++) {
        int64_t at = lt_schema_find(&table->schema, pg_cell(conn, result, i, 0));
        const char *server = pg_cell_null(conn, result, i, 2) ? NULL : pg_cell(conn, result, i, 2);
        if (at >= 0) {
            status = lt_default_set(table->schema.children[at], pg_cell(conn, result, i, 1), server,
                                    err);
        }
    }
    pg_clear(conn, result);
    return status;
}

int pg_describe_extras(struct pg_conn *conn, struct pg_table *table, struct leat_error *err)
{
    char oid[16], server[PG_SERVER_MAX];
    const char *params[] = {oid, server};
    snprintf(oid, sizeof oid, "%u", table->oid);
    pg_server_text(conn->ep, server);
    if (table->kind == 'v' || table->kind == 'f' || conn->ep->version < 120000) {
        return LEAT_OK;
    }
    int status = add_list(conn, table, conn->ep->version >= 150000 ? indexes_15 : indexes_11,
                          params, LT_META_INDEXES, err);
    status = status ? status : add_list(conn, table, checks_sql, params, LT_META_CHECKS, err);
    return status ? status : add_defaults(conn, table, params, err);
}

/* --- planning ------------------------------------------------------------------------------ */

struct teller {
    const struct pg_conn *conn;
    const struct pg_target *target;
};

static void tell_left_out(void *arg, const char *what, const char *why)
{
    const struct teller *at = arg;
    pg_log(at->conn->ep, LEAT_LOG_WARN, "%s.%s: %s is not made: %s", at->target->ns,
           at->target->name, what, why);
}

int pg_extras_plan(struct pg_conn *conn, struct pg_target *target, struct ArrowSchema *incoming,
                   struct leat_error *err)
{
    struct teller teller = {conn, target};
    char server[PG_SERVER_MAX];
    pg_server_text(conn->ep, server);
    /* Only what comes from such a server itself: a file may say anything. */
    const char *whose = strncmp(target->source_id, "postgres:", 9) ? NULL : server;
    int status =
        lt_defaults_fit(&lt_dialect_postgres, incoming, whose, tell_left_out, &teller, err);
    return status ? status
                  : lt_indexes_read(&lt_dialect_postgres, incoming, whose, tell_left_out, &teller,
                                    &target->indexes, err);
}

/* --- making -------------------------------------------------------------------------------- */

/* A name as the source has it, else one of table and columns. */
static int propose_name(const struct pg_target *target, const struct lt_index *index, int tried,
                        struct lt_buf *name)
{
    struct lt_buf words = LT_BUF_INIT;
    int failed = LEAT_OK;
    if (*index->name && !tried) {
        failed |= lt_buf_puts(&words, index->name);
    } else {
        failed |=
            lt_buf_printf(&words, "%s%s%s_%s", target->name, *index->words ? "_" : "", index->words,
                          index->key          ? "pkey"
                          : index->check      ? "check"
                          : index->constraint ? "key"
                                              : "idx");
        failed |= tried > 1 ? lt_buf_printf(&words, "%d", tried - 1) : LEAT_OK;
    }
    lt_buf_clear(name);
    failed = failed
                 ? failed
                 : lt_dialect_generated_name(&lt_dialect_postgres, "", lt_buf_text(&words), name);
    lt_buf_done(&words);
    return failed;
}

static int is_free(struct pg_conn *conn, const struct pg_target *target, const char *name,
                   bool check, bool *ret_free, struct leat_error *err)
{
    const char *params[] = {target->ns, name, target->name};
    char text[8];
    int status = pg_value(conn,
                          check ? "SELECT 1 FROM pg_catalog.pg_constraint k JOIN "
                                  "pg_catalog.pg_class c ON c.oid = k.conrelid JOIN "
                                  "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
                                  "n.nspname = $1 AND k.conname = $2 AND c.relname = $3"
                                : "SELECT 1 FROM pg_catalog.pg_class c JOIN "
                                  "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
                                  "n.nspname = $1 AND c.relname = $2 AND $3::text IS NOT NULL",
                          3, params, text, sizeof text, err);
    *ret_free = !status && !*text;
    return status;
}

int pg_extras_name(struct pg_conn *conn, const struct pg_target *target,
                   const struct lt_index *index, char *const *taken, size_t n_taken,
                   char **ret_name, struct leat_error *err)
{
    struct lt_buf name = LT_BUF_INIT;
    bool free_one = false;
    int status = LEAT_OK;
    for (int tried = 0; tried < NAMES_TRIED_MAX && !status && !free_one; tried++) {
        status = propose_name(target, index, tried, &name) ? lt_fail_oom(err) : LEAT_OK;
        status = status ? status
                        : is_free(conn, target, lt_buf_text(&name), index->check, &free_one, err);
        for (size_t i = 0; i < n_taken && !status && free_one; i++) {
            free_one = strcmp(taken[i], lt_buf_text(&name)) != 0;
        }
    }
    if (!status && !free_one) {
        status = lt_fail(err, LT_E_CONFLICT, "no name is left for the index \"%s\"", index->name);
    }
    if (!status && !(*ret_name = lt_buf_take(&name))) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&name);
    return status;
}

int pg_extras_put(const struct lt_index *index, const char *table, const char *name,
                  struct lt_buf *sql)
{
    if (index->check) {
        return lt_buf_printf(sql, "ALTER TABLE %s ADD CONSTRAINT ", table) | pg_ident(sql, name) |
               lt_buf_printf(sql, " CHECK (%s)", index->body);
    }
    return lt_buf_printf(sql, "CREATE %sINDEX ", index->unique ? "UNIQUE " : "") |
           pg_ident(sql, name) | lt_buf_printf(sql, " ON %s%s", table, index->body);
}

int pg_extras_put_constraint(const struct pg_target *target, const struct lt_index *index,
                             const char *name, struct lt_buf *sql)
{
    return lt_buf_printf(sql, "ALTER TABLE %s ADD CONSTRAINT ", target->quoted) |
           pg_ident(sql, name) |
           lt_buf_printf(sql, " %s USING INDEX ", index->key ? "PRIMARY KEY" : "UNIQUE") |
           pg_ident(sql, name) | lt_buf_puts(sql, index->deferrable ? " DEFERRABLE" : "") |
           lt_buf_puts(sql, index->deferred ? " INITIALLY DEFERRED" : "");
}

/* Sorting in memory pays for no more than the server gives its own cache, and parallel builds share
 * what there is. Both only grow. */
static const char build_settings[] =
    "SELECT pg_catalog.set_config('maintenance_work_mem', greatest(m.setting::int8, least("
    "b.setting::int8 * 8, 262144) / %d)::text || 'kB', true) FROM pg_catalog.pg_settings m, "
    "pg_catalog.pg_settings b WHERE m.name = 'maintenance_work_mem' AND b.name = "
    "'shared_buffers'; ";

/* A server at work on an index does not notice that its client is gone, and its locks would keep
 * the next load waiting. Only some systems can ask. */
static const char watch_client[] =
    "SELECT pg_catalog.set_config('client_connection_check_interval', '1s', true) WHERE "
    "pg_catalog.version() LIKE '%linux%' AND "
    "pg_catalog.current_setting('client_connection_check_interval') = '0'; ";

int pg_extras_settings(const struct pg_conn *conn, int64_t rows, int builds, struct lt_buf *sql)
{
    int failed = conn->ep->version >= 140000 ? lt_buf_puts(sql, watch_client) : LEAT_OK;
    return failed |
           (rows < PG_ROWS_WORTH_SETTINGS ? LEAT_OK : lt_buf_printf(sql, build_settings, builds));
}

static int ready_to_build(struct pg_conn *conn, int64_t rows, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int status = pg_extras_settings(conn, rows, 1, &sql) ? lt_fail_oom(err) : LEAT_OK;
    status = status || !sql.len ? status : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status;
}

int pg_extras_blame(const struct pg_target *target, const struct lt_index *index, const char *name,
                    int status, struct leat_error *err)
{
    if (err && !strcmp(err->sqlstate, UNIQUE_VIOLATION)) {
        status = lt_fail(err, LT_E_DUPLICATE_KEY,
                         "several rows have the same values, and the index is unique");
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", UNIQUE_VIOLATION);
    }
    leat_error_place(err, "%s.%s: %s \"%s\"", target->ns, target->name,
                     index->check ? "check" : "index", name);
    return status;
}

static int make_one(struct pg_conn *conn, const struct pg_target *target,
                    const struct lt_index *index, struct leat_error *err)
{
    char *name = NULL;
    struct lt_buf sql = LT_BUF_INIT;
    int status = pg_extras_name(conn, target, index, NULL, 0, &name, err);
    int failed = LEAT_OK;
    if (!status) {
        failed = pg_extras_put(index, target->quoted, name, &sql);
        if (index->constraint && !failed) {
            failed = lt_buf_puts(&sql, "; ") | pg_extras_put_constraint(target, index, name, &sql);
        }
        status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    }
    if (status) {
        status = pg_extras_blame(target, index, name ? name : index->name, status, err);
    }
    free(name);
    lt_buf_done(&sql);
    return status;
}

int pg_extras_checks(struct pg_conn *conn, const struct pg_target *target, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < target->indexes.n && !status; i++) {
        status = target->indexes.items[i].check
                     ? make_one(conn, target, &target->indexes.items[i], err)
                     : LEAT_OK;
    }
    return status;
}

int pg_extras_make(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    bool made = pg_becomes_table(target);
    bool key = made && target->key_after && target->n_keys;
    struct lt_buf sql = LT_BUF_INIT;
    int status = LEAT_OK;
    if (!key && !target->indexes.n) {
        return LEAT_OK;
    }
    if (target->rows >= PG_ROWS_KEY_AFTER || target->indexes.n) {
        status = ready_to_build(conn, target->rows, err);
    }
    if (!status && key) {
        status = pg_merge_key_sql(target, &sql) ? lt_fail_oom(err)
                                                : pg_exec(conn, lt_buf_text(&sql), err);
    }
    for (size_t i = 0; i < target->indexes.n && !status; i++) {
        status = make_one(conn, target, &target->indexes.items[i], err);
    }
    lt_buf_done(&sql);
    return status;
}

/* What the plan shows: under the names that the source has. */
int pg_extras_show(const struct pg_target *target, struct lt_buf *sql)
{
    struct lt_buf name = LT_BUF_INIT;
    int failed = LEAT_OK;
    if (target->create && target->key_after && target->n_keys) {
        failed |= lt_buf_puts(sql, "; ") | pg_merge_key_sql(target, sql);
    }
    for (size_t i = 0; i < target->indexes.n; i++) {
        const struct lt_index *index = &target->indexes.items[i];
        failed |= propose_name(target, index, 0, &name) | lt_buf_puts(sql, "; ") |
                  pg_extras_put(index, target->quoted, lt_buf_text(&name), sql);
        if (index->constraint) {
            failed |= lt_buf_puts(sql, "; ") |
                      pg_extras_put_constraint(target, index, lt_buf_text(&name), sql);
        }
    }
    lt_buf_done(&name);
    return failed;
}
