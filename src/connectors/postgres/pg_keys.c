/* Foreign keys, made after the last table of a command: leat.foreign_keys of each schema names
 * them, and those are added whose referenced table stands in the destination's namespace. */
#include "connectors/postgres/pg_load.h"

#include "core/json_read.h"
#include "core/util.h"
#include "sql/postgres.h"

#include <stdlib.h>
#include <strings.h>

#define META_FOREIGN_KEYS "leat.foreign_keys"
#define INVALID_FOREIGN_KEY "42830"

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

/* Is this key to be made: the other table is there, or will be, and no such constraint yet? */
static int is_wanted(struct pg_conn *conn, const char *ns, const char *table, const char *name,
                     const char *other, bool *ret_wanted, struct leat_error *err)
{
    const char *params[] = {ns, table, name, other};
    char text[8];
    int status =
        pg_value(conn,
                 "SELECT 1 WHERE ($4::text IS NULL OR EXISTS (SELECT 1 FROM pg_catalog.pg_class r "
                 "JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace WHERE n.nspname = $1 "
                 "AND r.relname = $4 AND r.relkind IN ('r', 'p'))) AND NOT EXISTS (SELECT 1 FROM "
                 "pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN "
                 "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND "
                 "c.relname = $2 AND k.conname = $3)",
                 4, params, text, sizeof text, err);
    *ret_wanted = !status && *text;
    return status;
}

/* The keys of all streams of a command. */
struct completion {
    struct pg_conn *conn;
    const char *default_ns;
    const struct leat_write_stream *streams;
    size_t n_streams;
    struct lt_buf *show; /* statements go here; NULL: they are run */
};

static const char *ns_of(const struct completion *all, size_t i)
{
    const char *ns = all->streams[i].name.ns;
    return ns && *ns ? ns : all->default_ns;
}

/* Only shown, nothing was made yet: tables of the command will be there. */
static bool will_be_there(const struct completion *all, const char *ns, const char *table)
{
    bool will = false;
    for (size_t i = 0; all->show && i < all->n_streams; i++) {
        will = will || (!strcmp(ns_of(all, i), ns) && !strcmp(all->streams[i].name.name, table));
    }
    return will;
}

/* ALTER TABLE ... ADD CONSTRAINT; LEAT_OK or not. */
static int key_sql(const struct lt_json_value *key, const char *ns, const char *table,
                   const char *name, const char *other, struct lt_buf *sql)
{
    return lt_buf_puts(sql, "ALTER TABLE ") |
           lt_dialect_quote_name(&lt_dialect_postgres, ns, table, sql) |
           lt_buf_puts(sql, " ADD CONSTRAINT ") | pg_ident(sql, name) |
           lt_buf_puts(sql, " FOREIGN KEY") | column_list(lt_json_get(key, "columns"), sql) |
           lt_buf_puts(sql, " REFERENCES ") |
           lt_dialect_quote_name(&lt_dialect_postgres, ns, other, sql) |
           column_list(lt_json_get(key, "ref_columns"), sql) |
           lt_buf_printf(sql, " ON DELETE %s ON UPDATE %s", action(key, "on_delete"),
                         action(key, "on_update"));
}

/* A key to columns that the destination does not know to be unique is left out. */
static int run_key(const struct completion *all, const char *sql, const char *table,
                   const char *name, const char *other, struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    int status = pg_exec(all->conn, sql, &why);
    if (status && !strcmp(why.sqlstate, INVALID_FOREIGN_KEY)) {
        pg_log(all->conn->ep, LEAT_LOG_WARN,
               "%s: its foreign key %s to %s is not made: the columns that it refers to are no key "
               "there; --with indexes makes the unique keys of tables that are made",
               table, name, other);
        return LEAT_OK;
    }
    if (status && err) {
        *err = why;
    }
    return status;
}

static int add_key(const struct completion *all, size_t stream, const struct lt_json_value *key,
                   struct leat_error *err)
{
    const char *other = lt_json_string(lt_json_get(key, "ref_table"), NULL);
    const char *ns = ns_of(all, stream), *table = all->streams[stream].name.name;
    struct lt_buf name = LT_BUF_INIT, sql = LT_BUF_INIT;
    bool wanted = false;
    if (!other || !lt_json_count(lt_json_get(key, "columns"))) {
        return LEAT_OK;
    }
    int status = key_name(key, table, &name) ? lt_fail_oom(err) : LEAT_OK;
    status = status ? status
                    : is_wanted(all->conn, ns, table, lt_buf_text(&name),
                                will_be_there(all, ns, other) ? NULL : other, &wanted, err);
    if (!status && wanted && key_sql(key, ns, table, lt_buf_text(&name), other, &sql)) {
        status = lt_fail_oom(err);
    } else if (!status && wanted && all->show) {
        status = lt_buf_printf(all->show, "%s;\n", lt_buf_text(&sql)) ? lt_fail_oom(err) : LEAT_OK;
    } else if (!status && wanted) {
        status = run_key(all, lt_buf_text(&sql), table, lt_buf_text(&name), other, err);
        if (status) {
            leat_error_place(err, "%s.%s: foreign key %s", ns, table, lt_buf_text(&name));
        }
    }
    lt_buf_done(&name);
    lt_buf_done(&sql);
    return status;
}

static int complete(struct leat_endpoint *ep, struct completion *all, struct leat_error *err)
{
    int status = pg_take(ep, &all->conn, err);
    all->default_ns = ep->default_ns;
    for (size_t i = 0; i < all->n_streams && !status; i++) {
        size_t len;
        const char *text = lt_schema_meta(all->streams[i].schema, META_FOREIGN_KEYS, &len);
        struct lt_json_doc *doc = NULL;
        if (!text || lt_json_doc_parse(text, len, &doc, NULL)) {
            continue;
        }
        const struct lt_json_value *keys = lt_json_root(doc);
        for (size_t k = 0; k < lt_json_count(keys) && !status; k++) {
            status = add_key(all, i, lt_json_at(keys, k), err);
        }
        lt_json_doc_free(doc);
    }
    pg_give(all->conn);
    return status;
}

int pg_complete(struct leat_endpoint *ep, const struct leat_write_stream *streams, size_t n_streams,
                struct leat_error *err)
{
    struct completion all = {.streams = streams, .n_streams = n_streams};
    return complete(ep, &all, err);
}

int pg_complete_show(struct leat_endpoint *ep, const struct leat_write_stream *streams,
                     size_t n_streams, char **ret_text, struct leat_error *err)
{
    struct lt_buf show = LT_BUF_INIT;
    struct completion all = {.streams = streams, .n_streams = n_streams, .show = &show};
    int status = complete(ep, &all, err);
    char *text = status ? NULL : lt_buf_take(&show);
    lt_buf_done(&show);
    if (!status && !text) {
        return lt_fail_oom(err);
    }
    *ret_text = status ? *ret_text : text;
    return status;
}
