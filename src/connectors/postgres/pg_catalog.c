/* The catalog: what there is, and what it looks like. Queries keep to columns that exist from
 * PostgreSQL 11 on. */
#include "connectors/postgres/pg.h"

#include "core/json.h"
#include "sql/postgres.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* --- one table ----------------------------------------------------------------------------- */

static int not_found(struct pg_conn *conn, const char *ns, const char *name, struct leat_error *err)
{
    const char *params[] = {ns};
    PGresult *result = NULL;
    char space[8];
    int status = pg_value(conn, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", 1,
                          params, space, sizeof space, err);
    if (status) {
        return status;
    }
    status = pg_query(conn,
                      *space ? "SELECT c.relname FROM pg_catalog.pg_class c "
                               "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                               "WHERE n.nspname = $1 AND c.relkind IN ('r','v','m','f','p') "
                               "ORDER BY 1 LIMIT 2000"
                             : "SELECT nspname FROM pg_catalog.pg_namespace "
                               "WHERE $1::text IS NOT NULL ORDER BY 1 LIMIT 2000",
                      1, params, &result, err);
    if (status) {
        return status;
    }
    int n = pg_rows(conn, result);
    const char **names = calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; names && i < n; i++) {
        names[i] = pg_cell(conn, result, i, 0);
    }
    status = *space ? lt_fail(err, LT_E_NOT_FOUND, "there is no table or view %s.%s", ns, name)
                    : lt_fail(err, LT_E_NOT_FOUND, "there is no schema \"%s\"", ns);
    const char *closest = names ? lt_closest(*space ? name : ns, names) : NULL;
    if (closest && *space) {
        leat_error_remedy(err, "did you mean %s.%s?", ns, closest);
    } else if (closest) {
        leat_error_remedy(err, "did you mean \"%s\"?", closest);
    }
    free(names);
    pg_clear(conn, result);
    return status;
}

#define ACTION_SQL(column)                                                                         \
    "CASE " column " WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' "   \
    "WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END"

/* Foreign keys as the schema's leat.foreign_keys, for complete() at a destination. */
static int add_foreign_keys(struct pg_conn *conn, struct pg_table *table, struct leat_error *err)
{
    char oid[16];
    snprintf(oid, sizeof oid, "%u", table->oid);
    const char *params[] = {oid};
    PGresult *result = NULL;
    int status = pg_query(
        conn,
        "SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', k.conname, "
        "'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.n) FROM "
        "pg_catalog.unnest(k.conkey) WITH ORDINALITY u(num, n) JOIN pg_catalog.pg_attribute a "
        "ON a.attrelid = k.conrelid AND a.attnum = u.num), "
        "'ref_ns', s.nspname, 'ref_table', r.relname, "
        "'ref_columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.n) FROM "
        "pg_catalog.unnest(k.confkey) WITH ORDINALITY u(num, n) JOIN pg_catalog.pg_attribute a "
        "ON a.attrelid = k.confrelid AND a.attnum = u.num), "
        "'on_delete', " ACTION_SQL(
            "k.confdeltype") ", "
                             "'on_update', " ACTION_SQL(
                                 "k.confupdtype") ") ORDER BY k.conname) "
                                                  "FROM pg_catalog.pg_constraint k JOIN "
                                                  "pg_catalog.pg_class r ON r.oid = k.confrelid "
                                                  "JOIN pg_catalog.pg_namespace s ON s.oid = "
                                                  "r.relnamespace "
                                                  "WHERE k.conrelid = $1::oid AND k.contype = 'f' "
                                                  "AND k.conparentid = 0",
        1, params, &result, err);
    if (!status && pg_rows(conn, result) == 1 && !pg_cell_null(conn, result, 0, 0)) {
        status = lt_schema_set_meta(&table->schema, "leat.foreign_keys",
                                    pg_cell(conn, result, 0, 0), err);
    }
    pg_clear(conn, result);
    return status;
}

/* Statistics of a partitioned parent lie with its leaves. reltuples is -1 (before 14: 0) where
 * nothing was counted yet. */
#define ESTIMATE_SQL                                                                               \
    "CASE WHEN c.relkind = 'p' THEN (SELECT pg_catalog.sum(CASE WHEN l.reltuples < 0 THEN 0 "      \
    "ELSE l.reltuples END) FROM pg_catalog.pg_partition_tree(c.oid) t "                            \
    "JOIN pg_catalog.pg_class l ON l.oid = t.relid WHERE t.isleaf) "                               \
    "WHEN c.relkind IN ('v', 'f') OR (c.reltuples <= 0 AND c.relpages = 0) THEN -1 "               \
    "ELSE c.reltuples END"
#define ESTIMATE_11_SQL "CASE WHEN c.relpages = 0 THEN -1 ELSE c.reltuples END"
#define SIZE_SQL "CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_relation_size(c.oid) END"

/* What is asked of a table, and where it is in the answer. One that refers to others has triggers for
 * it; of a partitioned one only its parts have. */
#define FACTS_SQL(estimate)                                                                        \
    "SELECT c.oid, c.relkind, " estimate ", " SIZE_SQL                                             \
    ", pg_catalog.obj_description(c.oid, 'pg_class'), n.nspname, c.relname, "                      \
    "pg_catalog.row_security_active(c.oid), c.relhastriggers OR c.relkind = 'p', "                 \
    "pg_catalog.has_table_privilege(c.oid, 'SELECT'), NOT c.relhassubclass, c.relnatts FROM "
#define ONE_SQL                                                                                    \
    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "              \
    "WHERE n.nspname = $1 AND c.relname = $2 AND " KINDS_SQL
#define SEVERAL_SQL                                                                                \
    "ROWS FROM (pg_catalog.unnest($1::pg_catalog.name[]), "                                        \
    "pg_catalog.unnest($2::pg_catalog.name[])) u(ns, name) "                                       \
    "JOIN pg_catalog.pg_namespace n ON n.nspname = u.ns JOIN pg_catalog.pg_class c "               \
    "ON c.relnamespace = n.oid AND c.relname = u.name WHERE " KINDS_SQL
#define KINDS_SQL "c.relkind IN ('r','v','m','f','p')"

enum fact_cell {
    FACT_OID,
    FACT_KIND,
    FACT_ROWS,
    FACT_BYTES,
    FACT_COMMENT,
    FACT_NS,
    FACT_NAME,
    FACT_ROW_SECURITY,
    FACT_MAY_REFER,
    FACT_READABLE,
    FACT_ALONE,
    FACT_COLUMNS /* dropped ones too */
};

static void read_facts(struct pg_conn *conn, const PGresult *result, int row,
                       struct pg_table *table)
{
    table->oid = pg_cell_oid(conn, result, row, FACT_OID);
    table->kind = pg_cell(conn, result, row, FACT_KIND)[0];
    double rows = strtod(pg_cell(conn, result, row, FACT_ROWS), NULL);
    table->rows_estimate = rows >= 0 && rows < 9e18 ? (int64_t)rows : -1;
    table->bytes_estimate = pg_cell_null(conn, result, row, FACT_BYTES)
                                ? -1
                                : strtoll(pg_cell(conn, result, row, FACT_BYTES), NULL, 10);
    table->pages = table->bytes_estimate > 0 ? table->bytes_estimate / 8192 : 0;
    if (table->bytes_estimate == 0 && table->kind == 'r') {
        table->rows_estimate = 0;
    }
    if (!pg_cell_null(conn, result, row, FACT_COMMENT)) {
        table->comment = lt_strdup(pg_cell(conn, result, row, FACT_COMMENT));
    }
    snprintf(table->ns, sizeof table->ns, "%s", pg_cell(conn, result, row, FACT_NS));
    snprintf(table->name, sizeof table->name, "%s", pg_cell(conn, result, row, FACT_NAME));
    table->row_security = pg_cell_true(conn, result, row, FACT_ROW_SECURITY);
    table->may_refer = pg_cell_true(conn, result, row, FACT_MAY_REFER);
    table->readable = pg_cell_true(conn, result, row, FACT_READABLE);
    table->alone = pg_cell_true(conn, result, row, FACT_ALONE);
}

struct pg_fact pg_fact(struct pg_conn *conn, const PGresult *facts, int row)
{
    return (struct pg_fact){
        pg_cell_oid(conn, facts, row, FACT_OID), atoi(pg_cell(conn, facts, row, FACT_COLUMNS)),
        pg_cell(conn, facts, row, FACT_NS), pg_cell(conn, facts, row, FACT_NAME)};
}

int pg_table_of_facts(struct pg_conn *conn, const PGresult *facts, int row, const PGresult *columns,
                      struct pg_table *ret_table, struct leat_error *err)
{
    struct pg_table table = {.rows_estimate = -1};
    read_facts(conn, facts, row, &table);
    int status = pg_add_columns(conn, columns, &table, err);
    if (!status && table.comment) {
        status = lt_schema_set_meta(&table.schema, LT_META_COMMENT, table.comment, err);
    }
    if (!status && table.may_refer) {
        status = add_foreign_keys(conn, &table, err);
    }
    if (status) {
        pg_table_done(&table);
        return status;
    }
    *ret_table = table;
    return LEAT_OK;
}

int pg_query_facts(struct pg_conn *conn, const char *namespaces, const char *names,
                   PGresult **ret_result, struct leat_error *err)
{
    static const char several[] = FACTS_SQL(ESTIMATE_SQL) SEVERAL_SQL;
    static const char several_11[] = FACTS_SQL(ESTIMATE_11_SQL) SEVERAL_SQL;
    const char *params[] = {namespaces, names};
    return pg_query(conn, conn->ep->version >= 120000 ? several : several_11, 2, params, ret_result,
                    err);
}

int pg_find(struct pg_conn *conn, const struct leat_stream_name *name, struct pg_table *ret_table,
            struct leat_error *err)
{
    static const char one[] = FACTS_SQL(ESTIMATE_SQL) ONE_SQL;
    static const char one_11[] = FACTS_SQL(ESTIMATE_11_SQL) ONE_SQL;
    const char *ns = name->ns && *name->ns ? name->ns : conn->ep->default_ns;
    const char *params[] = {ns, name->name};
    PGresult *facts = NULL, *columns = NULL;
    char oids[16];
    int status = pg_query(conn, conn->ep->version >= 120000 ? one : one_11, 2, params, &facts, err);
    if (!status && !pg_rows(conn, facts)) {
        *ret_table = (struct pg_table){.rows_estimate = -1}; /* no oid */
    } else if (!status) {
        snprintf(oids, sizeof oids, "{%u}", pg_cell_oid(conn, facts, 0, FACT_OID));
        status = pg_query_columns(conn, oids, &columns, err);
        status = status ? status : pg_table_of_facts(conn, facts, 0, columns, ret_table, err);
    }
    pg_clear(conn, facts);
    pg_clear(conn, columns);
    return status;
}

int pg_describe(struct pg_conn *conn, const struct leat_stream_name *name,
                struct pg_table *ret_table, struct leat_error *err)
{
    struct pg_table table = {.oid = 0};
    int status = pg_find(conn, name, &table, err);
    if (status) {
        return status;
    }
    if (!table.oid) {
        return not_found(conn, name->ns && *name->ns ? name->ns : conn->ep->default_ns, name->name,
                         err);
    }
    *ret_table = table;
    return LEAT_OK;
}

/* --- discover, describe, resolve ----------------------------------------------------------- */

/* A pattern of ours as one of LIKE's. */
static int like_pattern(const char *pattern, struct lt_buf *out)
{
    int failed = LEAT_OK;
    for (; *pattern; pattern++) {
        if (strchr("*%?", *pattern)) {
            failed |= lt_buf_byte(out, *pattern == '?' ? '_' : '%');
            continue;
        }
        failed |= strchr("_\\", *pattern) ? lt_buf_byte(out, '\\') : LEAT_OK;
        failed |= lt_buf_byte(out, (uint8_t)*pattern);
    }
    return failed;
}

static enum leat_stream_kind kind_of(char relkind)
{
    return relkind == 'v' || relkind == 'm' ? LEAT_VIEW : LEAT_TABLE;
}

static int list_streams(struct pg_conn *conn, const char *ns_like, const char *name_like,
                        PGresult **ret_result, struct leat_error *err)
{
    const char *params[] = {ns_like, name_like};
    const char *estimate = conn->ep->version >= 120000 ? ESTIMATE_SQL : ESTIMATE_11_SQL;
    struct lt_buf sql = LT_BUF_INIT;
    int status =
        lt_buf_printf(&sql,
                      "SELECT n.nspname, c.relname, c.relkind, %s, "
                      "CASE WHEN c.relkind NOT IN ('r', 'm') THEN -1 "
                      "WHEN c.relpages > 0 THEN c.relpages::int8 * 8192 "
                      "ELSE coalesce(pg_catalog.pg_relation_size(c.oid), -1) END, "
                      "pg_catalog.obj_description(c.oid, 'pg_class'), EXISTS (SELECT 1 FROM "
                      "pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND "
                      "a.atttypid >= %d::pg_catalog.oid), NOT c.relhastriggers "
                      "FROM pg_catalog.pg_class c "
                      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                      "WHERE n.nspname LIKE $1 AND c.relname LIKE $2 "
                      "AND c.relkind IN ('r','v','m','f','p') AND NOT c.relispartition "
                      "AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema' "
                      "AND c.relname NOT LIKE '\\_leat\\_%%' AND c.relpersistence <> 't' "
                      "ORDER BY n.nspname::text COLLATE \"C\", c.relname::text COLLATE \"C\"",
                      estimate, PG_FIRST_OWN_OID)
            ? lt_fail_oom(err)
            : LEAT_OK;
    status = status ? status : pg_query(conn, lt_buf_text(&sql), 2, params, ret_result, err);
    lt_buf_done(&sql);
    return status;
}

static int discover(struct leat_endpoint *ep, const char *ns_pattern, const char *name_pattern,
                    leat_stream_fn *each, void *arg, struct leat_error *err)
{
    struct lt_buf ns = LT_BUF_INIT, name = LT_BUF_INIT;
    struct pg_conn *conn = NULL;
    PGresult *result = NULL;
    int status = LEAT_OK;
    if (like_pattern(ns_pattern && *ns_pattern ? ns_pattern : ep->default_ns, &ns) ||
        like_pattern(name_pattern && *name_pattern ? name_pattern : "*", &name)) {
        status = lt_fail_oom(err);
    }
    status = status ? status : pg_take(ep, &conn, err);
    status =
        status ? status : list_streams(conn, lt_buf_text(&ns), lt_buf_text(&name), &result, err);
    int n = status ? 0 : pg_rows(conn, result);
    for (int i = 0; i < n && !status; i++) {
        double rows = strtod(pg_cell(conn, result, i, 3), NULL);
        char kind = pg_cell(conn, result, i, 2)[0];
        struct leat_stream_info info = {
            .size = sizeof info,
            .name = {pg_cell(conn, result, i, 0), pg_cell(conn, result, i, 1)},
            .kind = kind_of(kind),
            .rows_estimate = rows >= 0 && rows < 9e18 ? (int64_t)rows : -1,
            .bytes_estimate =
                kind == 'r' || kind == 'm' ? strtoll(pg_cell(conn, result, i, 4), NULL, 10) : -1,
            .comment = pg_cell_null(conn, result, i, 5) ? NULL : pg_cell(conn, result, i, 5),
            .own_types = pg_cell_true(conn, result, i, 6),
            /* The server keeps foreign keys by triggers, at both ends. */
            .no_foreign_keys = pg_cell_true(conn, result, i, 7),
        };
        status = each(arg, &info);
    }
    pg_clear(conn, result);
    pg_give(conn);
    lt_buf_done(&ns);
    lt_buf_done(&name);
    return status;
}

static int describe(struct leat_endpoint *ep, const struct leat_stream_name *name,
                    struct ArrowSchema *ret_schema, struct leat_stream_info *ret_info,
                    struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    struct pg_table table = {0};
    int status = pg_take_held(ep, &conn, err);
    status = status ? status
                    : pg_explain_lock(conn, name, true, pg_describe(conn, name, &table, err), err);
    status = status ? status : pg_describe_extras(conn, &table, err);
    status = status ? status : pg_describe_own_types(conn, &table, err);
    if (!status) {
        if (ret_info) {
            *ret_info = (struct leat_stream_info){
                .size = sizeof *ret_info,
                .name = *name,
                .kind = kind_of(table.kind),
                .rows_estimate = table.rows_estimate,
                .bytes_estimate = table.bytes_estimate,
            };
        }
        lt_schema_move(&table.schema, ret_schema);
    }
    pg_table_done(&table);
    pg_give(conn);
    return status;
}

/* The parts of a name as the user wrote it. */
struct name_parts {
    char text[2][256];
    bool quoted[2];
    int n;
    bool open_end; /* ended in a dot */
};

static int split_name(const char *text, struct name_parts *parts, struct leat_error *err)
{
    *parts = (struct name_parts){0};
    const char *at = text;
    while (*at) {
        if (parts->n == 2) {
            return lt_fail(err, LT_E_INVALID, "a name has at most two parts, schema and table");
        }
        char *out = parts->text[parts->n];
        size_t len = 0, size = sizeof parts->text[0];
        if (*at == '"') {
            parts->quoted[parts->n] = true;
            for (at++; *at && (*at != '"' || at[1] == '"'); at++) {
                at += *at == '"';
                if (len + 1 >= size) {
                    return lt_fail(err, LT_E_INVALID, "the name is too long");
                }
                out[len++] = *at;
            }
            if (*at++ != '"') {
                return lt_fail(err, LT_E_INVALID, "the quotes of the name do not end");
            }
        } else {
            for (; *at && *at != '.'; at++) {
                if (len + 1 >= size) {
                    return lt_fail(err, LT_E_INVALID, "the name is too long");
                }
                out[len++] = *at;
            }
        }
        if (!len) {
            return lt_fail(err, LT_E_INVALID, "a part of the name is empty");
        }
        parts->n++;
        parts->open_end = *at == '.' && !at[1];
        if (*at && *at++ != '.') {
            return lt_fail(err, LT_E_INVALID, "a dot must follow the quoted part of the name");
        }
    }
    return parts->n ? LEAT_OK : lt_fail(err, LT_E_INVALID, "the name is empty");
}

static void fold(const char *text, bool quoted, char *out, size_t size)
{
    snprintf(out, size, "%s", text);
    for (char *at = out; *at && !quoted; at++) {
        *at = (char)((unsigned char)*at < 0x80 ? tolower((unsigned char)*at) : *at);
    }
}

/* Rows: candidates in order of preference, the first that exists. */
static const char resolve_sql[] =
    "SELECT c.n, c.ns, c.rel FROM (VALUES (1, $1::text, $2::text), (2, $3, $4), (3, $1, $4), "
    "(4, $3, $2)) AS c(n, ns, rel) WHERE CASE WHEN c.rel = '' THEN EXISTS (SELECT 1 FROM "
    "pg_catalog.pg_namespace s WHERE s.nspname = c.ns) ELSE EXISTS (SELECT 1 FROM "
    "pg_catalog.pg_class r JOIN pg_catalog.pg_namespace s ON s.oid = r.relnamespace WHERE "
    "s.nspname = c.ns AND r.relname = c.rel AND r.relkind IN ('r','v','m','f','p')) END "
    "ORDER BY c.n LIMIT 1";

static int find_candidate(struct pg_conn *conn, const char *ns, bool ns_quoted, const char *rel,
                          bool rel_quoted, char out[2][256], bool *ret_found,
                          struct leat_error *err)
{
    char low_ns[256], low_rel[256];
    fold(ns, ns_quoted, low_ns, sizeof low_ns);
    fold(rel, rel_quoted, low_rel, sizeof low_rel);
    const char *params[] = {ns, rel, low_ns, low_rel};
    PGresult *result = NULL;
    int status = pg_query(conn, resolve_sql, 4, params, &result, err);
    if (!status) {
        *ret_found = pg_rows(conn, result) > 0;
        snprintf(out[0], 256, "%s", *ret_found ? pg_cell(conn, result, 0, 1) : low_ns);
        snprintf(out[1], 256, "%s", *ret_found ? pg_cell(conn, result, 0, 2) : low_rel);
    }
    pg_clear(conn, result);
    return status;
}

static int resolve(struct leat_endpoint *ep, const char *text, char *ret_ns, char *ret_name,
                   size_t size, struct leat_error *err)
{
    struct name_parts parts;
    struct pg_conn *conn = NULL;
    char found[2][256];
    bool any = false;
    int status = split_name(text, &parts, err);
    status = status ? status : pg_take(ep, &conn, err);
    if (status) {
        return status;
    }
    if (parts.n == 2 || parts.open_end) {
        status = find_candidate(conn, parts.text[0], parts.quoted[0], parts.text[1],
                                parts.quoted[1], found, &any, err);
    } else {
        status = find_candidate(conn, ep->default_ns, true, parts.text[0], parts.quoted[0], found,
                                &any, err);
        char space[2][256];
        bool is_space = false;
        if (!status && !any) {
            status = find_candidate(conn, parts.text[0], parts.quoted[0], "", true, space,
                                    &is_space, err);
        }
        if (is_space) {
            memcpy(found, space, sizeof found);
        }
    }
    pg_give(conn);
    if (status) {
        return status;
    }
    if (strlen(found[0]) >= size || strlen(found[1]) >= size) {
        return lt_fail(err, LT_E_INVALID, "the name is too long");
    }
    snprintf(ret_ns, size, "%s", found[0]);
    snprintf(ret_name, size, "%s", found[1]);
    return LEAT_OK;
}

const struct leat_catalog_ops pg_catalog_ops = {
    .discover = discover,
    .describe = describe,
    .resolve = resolve,
};
