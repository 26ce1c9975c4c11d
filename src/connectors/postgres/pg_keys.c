/* Foreign keys, made after the last table of a command: leat.foreign_keys of each schema names
 * them, and those are added whose referenced table stands in the destination's namespace. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#include <jansson.h>
#include <stdlib.h>

#define META_FOREIGN_KEYS "leat.foreign_keys"

/* pg_constraint.confdeltype and confupdtype as clauses; anything else is no action. */
static const char *action(const json_t *key, const char *member)
{
    const char *text = json_string_value(json_object_get(key, member));
    switch (text ? *text : 'a') {
    case 'r':
        return "RESTRICT";
    case 'c':
        return "CASCADE";
    case 'n':
        return "SET NULL";
    case 'd':
        return "SET DEFAULT";
    default:
        return "NO ACTION";
    }
}

static int column_list(const json_t *columns, struct lt_buf *sql)
{
    int failed = lt_buf_byte(sql, '(');
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const char *name = json_string_value(json_array_get(columns, i));
        failed |= lt_buf_puts(sql, i ? ", " : "") | pg_ident(sql, name ? name : "");
    }
    return failed | lt_buf_byte(sql, ')');
}

/* Is this key to be made: the other table is there, and no such constraint yet? */
static int is_wanted(struct pg_conn *conn, const char *ns, const char *table, const char *name,
                     const char *other, bool *ret_wanted, struct leat_error *err)
{
    const char *params[] = {ns, table, name, other};
    char text[8];
    int status = pg_value(
        conn,
        "SELECT 1 FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class r ON r.relnamespace = "
        "n.oid AND r.relname = $4 AND r.relkind IN ('r', 'p') JOIN pg_catalog.pg_class c ON "
        "c.relnamespace = n.oid AND c.relname = $2 WHERE n.nspname = $1 AND NOT EXISTS (SELECT 1 "
        "FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.conname = $3)",
        4, params, text, sizeof text, err);
    *ret_wanted = !status && *text;
    return status;
}

static int add_key(struct pg_conn *conn, const char *ns, const char *table, const json_t *key,
                   struct leat_error *err)
{
    const char *name = json_string_value(json_object_get(key, "name"));
    const char *other = json_string_value(json_object_get(key, "ref_table"));
    const json_t *columns = json_object_get(key, "columns");
    bool wanted = false;
    if (!name || !other || !json_array_size(columns)) {
        return LEAT_OK;
    }
    int status = is_wanted(conn, ns, table, name, other, &wanted, err);
    if (status || !wanted) {
        return status;
    }
    struct lt_buf sql = LT_BUF_INIT;
    int failed = lt_buf_puts(&sql, "ALTER TABLE ") |
                 lt_dialect_quote_name(&lt_dialect_postgres, ns, table, &sql) |
                 lt_buf_puts(&sql, " ADD CONSTRAINT ") | pg_ident(&sql, name) |
                 lt_buf_puts(&sql, " FOREIGN KEY ") | column_list(columns, &sql) |
                 lt_buf_puts(&sql, " REFERENCES ") |
                 lt_dialect_quote_name(&lt_dialect_postgres, ns, other, &sql) |
                 column_list(json_object_get(key, "ref_columns"), &sql) |
                 lt_buf_printf(&sql, " ON DELETE %s ON UPDATE %s", action(key, "on_delete"),
                               action(key, "on_update"));
    status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    if (status) {
        leat_error_place(err, "%s.%s: foreign key %s", ns, table, name);
    }
    lt_buf_done(&sql);
    return status;
}

int pg_complete(struct leat_endpoint *ep, const struct leat_write_stream *streams, size_t n_streams,
                struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    int status = pg_take(ep, &conn, err);
    for (size_t i = 0; i < n_streams && !status; i++) {
        const char *ns =
            streams[i].name.ns && *streams[i].name.ns ? streams[i].name.ns : ep->default_ns;
        size_t len;
        const char *text = lt_schema_meta(streams[i].schema, META_FOREIGN_KEYS, &len);
        json_t *keys = text ? json_loadb(text, len, 0, NULL) : NULL;
        for (size_t k = 0; k < json_array_size(keys) && !status; k++) {
            status = add_key(conn, ns, streams[i].name.name, json_array_get(keys, k), err);
        }
        json_decref(keys);
    }
    pg_give(conn);
    return status;
}
