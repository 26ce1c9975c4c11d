/* Foreign keys, made after the last table of a command: leat.foreign_keys of each schema names
 * them, and those are added whose referenced table stands in the destination's namespace. */
#include "connectors/postgres/pg_load.h"

#include "core/json_read.h"
#include "core/util.h"
#include "sql/postgres.h"

#include <stdlib.h>
#include <strings.h>

#define META_FOREIGN_KEYS "leat.foreign_keys"

/* The metadata may come from a file: only known words of it reach a statement. */
static const char *action(const struct lt_json_value *key, const char *member)
{
    static const char *const actions[] = {"RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"};
    const char *text = lt_json_string(lt_json_get(key, member), "");
    for (size_t i = 0; i < LT_ARRAY_LEN(actions); i++) {
        if (!strcasecmp(text, actions[i])) {
            return actions[i];
        }
    }
    return "NO ACTION";
}

/* ("a", "b"), or nothing for an empty list: the referenced table's primary key is meant. */
static int column_list(const struct lt_json_value *columns, struct lt_buf *sql)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < lt_json_count(columns); i++) {
        failed |= lt_buf_puts(sql, i ? ", " : " (") |
                  pg_ident(sql, lt_json_string(lt_json_at(columns, i), ""));
    }
    return failed | (lt_json_count(columns) ? lt_buf_byte(sql, ')') : LEAT_OK);
}

/* A name of a few dozen bytes for a key that has none: made of table and columns, so that it is
 * the same in every run. */
static int key_name(const struct lt_json_value *key, const char *table, struct lt_buf *name)
{
    const char *given = lt_json_string(lt_json_get(key, "name"), "");
    struct lt_buf words = LT_BUF_INIT;
    if (*given) { /* the server would cut a longer one, and not find it again */
        return lt_dialect_generated_name(&lt_dialect_postgres, "", given, name);
    }
    const struct lt_json_value *columns = lt_json_get(key, "columns");
    int failed = lt_buf_puts(&words, table);
    for (size_t i = 0; i < lt_json_count(columns); i++) {
        failed |= lt_buf_printf(&words, "_%s", lt_json_string(lt_json_at(columns, i), ""));
    }
    failed |= lt_buf_puts(&words, "_fkey");
    failed = failed
                 ? failed
                 : lt_dialect_generated_name(&lt_dialect_postgres, "", lt_buf_text(&words), name);
    lt_buf_done(&words);
    return failed;
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

static int add_key(struct pg_conn *conn, const char *ns, const char *table,
                   const struct lt_json_value *key, struct leat_error *err)
{
    const char *other = lt_json_string(lt_json_get(key, "ref_table"), NULL);
    const struct lt_json_value *columns = lt_json_get(key, "columns");
    struct lt_buf name = LT_BUF_INIT, sql = LT_BUF_INIT;
    bool wanted = false;
    if (!other || !lt_json_count(columns)) {
        return LEAT_OK;
    }
    int status = key_name(key, table, &name) ? lt_fail_oom(err) : LEAT_OK;
    status = status ? status : is_wanted(conn, ns, table, lt_buf_text(&name), other, &wanted, err);
    if (!status && wanted) {
        int failed = lt_buf_puts(&sql, "ALTER TABLE ") |
                     lt_dialect_quote_name(&lt_dialect_postgres, ns, table, &sql) |
                     lt_buf_puts(&sql, " ADD CONSTRAINT ") | pg_ident(&sql, lt_buf_text(&name)) |
                     lt_buf_puts(&sql, " FOREIGN KEY") | column_list(columns, &sql) |
                     lt_buf_puts(&sql, " REFERENCES ") |
                     lt_dialect_quote_name(&lt_dialect_postgres, ns, other, &sql) |
                     column_list(lt_json_get(key, "ref_columns"), &sql) |
                     lt_buf_printf(&sql, " ON DELETE %s ON UPDATE %s", action(key, "on_delete"),
                                   action(key, "on_update"));
        status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
        if (status) {
            leat_error_place(err, "%s.%s: foreign key %s", ns, table, lt_buf_text(&name));
        }
    }
    lt_buf_done(&name);
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
        struct lt_json_doc *doc = NULL;
        if (!text || lt_json_doc_parse(text, len, &doc, NULL)) {
            continue;
        }
        const struct lt_json_value *keys = lt_json_root(doc);
        for (size_t k = 0; k < lt_json_count(keys) && !status; k++) {
            status = add_key(conn, ns, streams[i].name.name, lt_json_at(keys, k), err);
        }
        lt_json_doc_free(doc);
    }
    pg_give(conn);
    return status;
}
