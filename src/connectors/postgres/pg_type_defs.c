/* What types of users' own are: read from the catalogue, as JSON (pg_own_types.h). */
#include "connectors/postgres/pg_own_types.h"

#include <stdio.h>
#include <stdlib.h>

void pg_server_text(const struct leat_endpoint *ep, char text[PG_SERVER_MAX])
{
    snprintf(text, PG_SERVER_MAX, "postgres:%d", ep->version / 10000);
}

/* clang-format off */

/* Of the types that the given ones are made of (need), those that statements can make again (own):
 * not what belongs to an extension, the rows of a table, or what needs functions of its own. */
#define NEED_SQL                                                                                   \
    "WITH RECURSIVE need AS (SELECT r AS root, r AS oid, 0 AS depth FROM "                         \
    "pg_catalog.unnest($1::pg_catalog.oid[]) r UNION SELECT n.root, d.dep, n.depth + 1 FROM need n " \
    "JOIN pg_catalog.pg_type t ON t.oid = n.oid CROSS JOIN LATERAL ("                              \
    "SELECT t.typelem AS dep WHERE t.typtype = 'b' UNION ALL "                                     \
    "SELECT t.typbasetype WHERE t.typtype = 'd' UNION ALL "                                        \
    "SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE t.typtype = 'c' AND "                  \
    "a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped UNION ALL "                   \
    "SELECT g.rngsubtype FROM pg_catalog.pg_range g WHERE g.rngtypid = t.oid) d "                  \
    "WHERE d.dep >= 16384::pg_catalog.oid), "                                                      \
    "own AS (SELECT t.*, s.nspname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace s "      \
    "ON s.oid = t.typnamespace WHERE t.oid IN (SELECT n.oid FROM need n) AND "                     \
    "(t.typtype IN ('e', 'd') OR t.typtype = 'c' AND EXISTS (SELECT 1 FROM pg_catalog.pg_class c " \
    "WHERE c.oid = t.typrelid AND c.relkind = 'c') OR t.typtype = 'r' AND EXISTS (SELECT 1 FROM "  \
    "pg_catalog.pg_range g JOIN pg_catalog.pg_opclass p ON p.oid = g.rngsubopc WHERE "             \
    "g.rngtypid = t.oid AND p.opcdefault AND g.rngcanonical = 0 AND "                              \
    "g.rngsubdiff < 16384::pg_catalog.oid)) AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d " \
    "WHERE d.deptype = 'e' AND (d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND "        \
    "d.objid = t.oid OR d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND "               \
    "d.objid = t.typrelid AND t.typrelid <> 0))) "

#define REF_SQL(type, modifier)                                                                    \
    "(SELECT CASE WHEN w.oid IS NULL THEN pg_catalog.json_build_object('text', "                   \
    "pg_catalog.format_type(x.oid, " modifier "), 'extension', x.oid >= 16384::pg_catalog.oid) ELSE pg_catalog.json_build_object("              \
    "'ns', w.nspname, 'name', w.typname, 'array', w.oid <> x.oid) END FROM pg_catalog.pg_type x "  \
    "LEFT JOIN pg_catalog.pg_type e ON e.oid = x.typelem AND e.typarray = x.oid "                  \
    "LEFT JOIN own w ON w.oid = coalesce(e.oid, x.oid) WHERE x.oid = " type ")"

/* A collation that is not the one its type has anyway. */
#define COLLATION_SQL(collation, type)                                                             \
    "(SELECT pg_catalog.quote_ident(cs.nspname) || '.' || pg_catalog.quote_ident(c.collname) "     \
    "FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace cs ON cs.oid = c.collnamespace "  \
    "JOIN pg_catalog.pg_type x ON x.oid = " type " WHERE c.oid = " collation " AND "               \
    "c.oid <> x.typcollation)"

static const char defs_sql[] =
    NEED_SQL
    "SELECT f.root, " REF_SQL("f.root", "NULL") ", pg_catalog.json_agg("
    "pg_catalog.json_strip_nulls(pg_catalog.json_build_object("
    "'kind', CASE o.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite' "
    "ELSE 'range' END, 'ns', o.nspname, 'name', o.typname, 'home', o.nspname = $2, 'server', $3::text, "
    "'comment', pg_catalog.obj_description(o.oid, 'pg_type'), "
    "'labels', (SELECT pg_catalog.json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM "
    "pg_catalog.pg_enum l WHERE l.enumtypid = o.oid), "
    "'base', CASE WHEN o.typtype = 'd' THEN " REF_SQL("o.typbasetype", "o.typtypmod") " END, "
    "'not_null', CASE WHEN o.typnotnull THEN true END, "
    "'default', pg_catalog.pg_get_expr(o.typdefaultbin, 0), "
    "'checks', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', k.conname, "
    "'def', pg_catalog.pg_get_constraintdef(k.oid)) ORDER BY k.conname) FROM "
    "pg_catalog.pg_constraint k WHERE k.contypid = o.oid AND k.contype = 'c'), "
    "'attributes', (SELECT pg_catalog.json_agg(pg_catalog.json_strip_nulls("
    "pg_catalog.json_build_object('name', a.attname, 'type', "
    REF_SQL("a.atttypid", "a.atttypmod") ", 'collation', "
    COLLATION_SQL("a.attcollation", "a.atttypid") ")) ORDER BY a.attnum) FROM "
    "pg_catalog.pg_attribute a WHERE o.typtype = 'c' AND a.attrelid = o.typrelid AND a.attnum > 0 "
    "AND NOT a.attisdropped), "
    "'subtype', (SELECT " REF_SQL("g.rngsubtype", "NULL") " FROM pg_catalog.pg_range g WHERE "
    "g.rngtypid = o.oid), "
    "'subtype_diff', (SELECT p.proname FROM pg_catalog.pg_range g JOIN pg_catalog.pg_proc p ON "
    "p.oid = g.rngsubdiff WHERE g.rngtypid = o.oid), "
    "'collation', CASE o.typtype WHEN 'd' THEN " COLLATION_SQL("o.typcollation", "o.typbasetype")
    " WHEN 'r' THEN (SELECT " COLLATION_SQL("g.rngcollation", "g.rngsubtype")
    " FROM pg_catalog.pg_range g WHERE g.rngtypid = o.oid) END)) "
    "ORDER BY f.depth DESC, o.nspname, o.typname) FROM (SELECT n.root, n.oid, max(n.depth) AS depth "
    "FROM need n GROUP BY n.root, n.oid) f JOIN own o ON o.oid = f.oid GROUP BY f.root";
/* clang-format on */

/* With the namespace on the search path and nothing else but the server's own, expressions name what
 * lies in it bare, and all else in full: so they can move to another one. */
static int query_defs(struct pg_conn *conn, const char *oids, const char *ns, PGresult **ret_result,
                      struct leat_error *err)
{
    char server[PG_SERVER_MAX], path[1024];
    const char *params[] = {oids, ns, server}, *paths[] = {path}, *names[] = {ns};
    PGresult *result = NULL, *set = NULL;
    pg_server_text(conn->ep, server);
    int status = pg_value(conn, "SELECT pg_catalog.current_setting('search_path')", 0, NULL, path,
                          sizeof path, err);
    if (!status && strlen(path) + 1 == sizeof path) {
        status = lt_fail(err, LT_E_LIMIT, "the search_path is too long");
    }
    status = status ? status
                    : pg_query(conn,
                               "SELECT pg_catalog.set_config('search_path', "
                               "pg_catalog.quote_ident($1), false)",
                               1, names, &set, err);
    pg_clear(conn, set);
    set = NULL;
    if (status) {
        return status;
    }
    status = pg_query(conn, defs_sql, 3, params, &result, err);
    int back = pg_query(conn, "SELECT pg_catalog.set_config('search_path', $1, false)", 1, paths,
                        &set, status ? NULL : err);
    pg_clear(conn, set);
    conn->broken = conn->broken || back;
    if (status || back) {
        pg_clear(conn, result);
        return status ? status : back;
    }
    *ret_result = result;
    return LEAT_OK;
}

static int put_meta(struct pg_conn *conn, const PGresult *result, int row, struct lt_buf *out)
{
    return lt_buf_printf(out, "{\"column\": %s, \"types\": %s}", pg_cell(conn, result, row, 1),
                         pg_cell(conn, result, row, 2));
}

int pg_describe_own_types(struct pg_conn *conn, struct pg_table *table, struct leat_error *err)
{
    struct lt_buf oids = LT_BUF_INIT, meta = LT_BUF_INIT;
    PGresult *result = NULL;
    int failed = lt_buf_byte(&oids, '{');
    for (int64_t i = 0; i < table->n_columns; i++) {
        if (table->columns[i].declared_oid >= PG_FIRST_OWN_OID) {
            failed |= lt_buf_printf(&oids, "%s%u", oids.len > 1 ? "," : "",
                                    table->columns[i].declared_oid);
        }
    }
    bool any = oids.len > 1;
    int status = failed || lt_buf_byte(&oids, '}') ? lt_fail_oom(err) : LEAT_OK;
    if (!status && any) {
        status = query_defs(conn, lt_buf_text(&oids), *table->ns ? table->ns : conn->ep->default_ns,
                            &result, err);
    }
    int n = status || !any ? 0 : pg_rows(conn, result);
    for (int row = 0; row < n && !status; row++) {
        uint32_t root = (uint32_t)strtoul(pg_cell(conn, result, row, 0), NULL, 10);
        lt_buf_clear(&meta);
        status = put_meta(conn, result, row, &meta) ? lt_fail_oom(err) : LEAT_OK;
        for (int64_t i = 0; i < table->n_columns && !status; i++) {
            if (table->columns[i].declared_oid == root) {
                status = lt_schema_set_meta(table->schema.children[i], LT_META_TYPES,
                                            lt_buf_text(&meta), err);
            }
        }
    }
    pg_clear(conn, result);
    lt_buf_done(&oids);
    lt_buf_done(&meta);
    return status;
}

int pg_define_type(struct pg_conn *conn, uint32_t oid, const char *ns, struct lt_json_doc **ret_doc,
                   struct leat_error *err)
{
    char oids[24];
    struct lt_buf text = LT_BUF_INIT;
    PGresult *result = NULL;
    snprintf(oids, sizeof oids, "{%u}", oid);
    *ret_doc = NULL;
    int status = query_defs(conn, oids, ns, &result, err);
    if (!status && pg_rows(conn, result) == 1) {
        status = put_meta(conn, result, 0, &text) ? lt_fail_oom(err) : LEAT_OK;
        status = status ? status : lt_json_doc_parse(lt_buf_text(&text), text.len, ret_doc, err);
    }
    pg_clear(conn, result);
    lt_buf_done(&text);
    return status;
}
