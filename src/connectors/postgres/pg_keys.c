/* Foreign keys, made after the last table of a command: leat.foreign_keys of each schema names
 * them, and those are added whose referenced table stands in the destination's namespace. */
#include "connectors/postgres/pg_keys.h"
#include "connectors/postgres/pg_load.h"

#include "core/json_read.h"
#include "core/util.h"
#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
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

/* --- which are wanted ---------------------------------------------------------------------- */

/* The keys of all streams of a command. */
struct completion {
    struct pg_conn *conn;
    const char *default_ns;
    const struct leat_write_stream *streams;
    size_t n_streams;
    struct pg_keys keys;
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
static int key_sql(const struct lt_json_value *json, const struct pg_key *key, struct lt_buf *sql)
{
    return lt_buf_printf(sql, "ALTER TABLE %s ADD CONSTRAINT ", key->quoted) |
           pg_ident(sql, key->name) | lt_buf_puts(sql, " FOREIGN KEY") |
           column_list(lt_json_get(json, "columns"), sql) | lt_buf_puts(sql, " REFERENCES ") |
           lt_dialect_quote_name(&lt_dialect_postgres, key->ns, key->other, sql) |
           column_list(lt_json_get(json, "ref_columns"), sql) |
           lt_buf_printf(sql, " ON DELETE %s ON UPDATE %s", action(json, "on_delete"),
                         action(json, "on_update"));
}

/* The other table is there ($4; NULL: it will be), and no such constraint yet, or one that a run was
 * cut off at. Where the server has partitions in it, a key cannot be added unchecked. */
static const char wanted_sql[] =
    "SELECT k.oid IS NOT NULL, c.relkind = 'r' AND r.relkind = 'r' AND "
    "pg_catalog.pg_relation_size(c.oid) >= $5::pg_catalog.int8 FROM (SELECT 1) AS one LEFT JOIN "
    "pg_catalog.pg_namespace n ON n.nspname = $1 LEFT JOIN pg_catalog.pg_class c ON "
    "c.relnamespace = n.oid AND c.relname = $2 LEFT JOIN pg_catalog.pg_class r ON r.relnamespace "
    "= n.oid AND r.relname = $4 AND r.relkind IN ('r', 'p') LEFT JOIN pg_catalog.pg_constraint k "
    "ON k.conrelid = c.oid AND k.conname = $3 WHERE ($4::pg_catalog.text IS NULL OR r.oid IS NOT "
    "NULL) AND (k.oid IS NULL OR (k.contype = 'f' AND NOT k.convalidated AND "
    "pg_catalog.obj_description(k.oid, 'pg_constraint') = '" PG_KEY_UNPROVEN "'))";

static int ask_wanted(const struct completion *all, struct pg_key *key, bool *ret_wanted,
                      struct leat_error *err)
{
    char bytes[24];
    bool will = will_be_there(all, key->ns, key->other);
    const char *params[] = {key->ns, key->table, key->name, will ? NULL : key->other, bytes};
    PGresult *result = NULL;
    snprintf(bytes, sizeof bytes, "%" PRId64, PG_KEY_BYTES_APART);
    int status = pg_query(all->conn, wanted_sql, 5, params, &result, err);
    *ret_wanted = !status && pg_rows(all->conn, result) == 1;
    if (*ret_wanted) {
        key->found = pg_cell_true(all->conn, result, 0, 0);
        key->large = pg_cell_true(all->conn, result, 0, 1);
    }
    pg_clear(all->conn, result);
    return status;
}

static void key_done(struct pg_key *key)
{
    free(key->name);
    free(key->ns);
    free(key->table);
    free(key->quoted);
    free(key->other);
    free(key->add);
}

static void keys_done(struct pg_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        key_done(&keys->items[i]);
    }
    free(keys->items);
}

/* Fills *key but for what the server says. */
static int describe_key(const struct completion *all, size_t stream,
                        const struct lt_json_value *json, struct pg_key *key,
                        struct leat_error *err)
{
    struct lt_buf name = LT_BUF_INIT, quoted = LT_BUF_INIT, sql = LT_BUF_INIT;
    const char *table = all->streams[stream].name.name;
    key->ns = strdup(ns_of(all, stream));
    key->table = strdup(table);
    key->other = strdup(lt_json_string(lt_json_get(json, "ref_table"), ""));
    int failed = key_name(json, table, &name) |
                 lt_dialect_quote_name(&lt_dialect_postgres, ns_of(all, stream), table, &quoted);
    key->name = failed ? NULL : lt_buf_take(&name);
    key->quoted = failed ? NULL : lt_buf_take(&quoted);
    failed = failed || !key->ns || !key->table || !key->other || !key->name || !key->quoted;
    failed = failed || key_sql(json, key, &sql);
    key->add = failed ? NULL : lt_buf_take(&sql);
    lt_buf_done(&name);
    lt_buf_done(&quoted);
    lt_buf_done(&sql);
    return key->add ? LEAT_OK : lt_fail_oom(err);
}

/* Is one of that name among them already? */
static bool is_listed(const struct pg_keys *keys, const struct pg_key *key)
{
    bool listed = false;
    for (size_t i = 0; i < keys->n; i++) {
        listed = listed || (!strcmp(keys->items[i].quoted, key->quoted) &&
                            !strcmp(keys->items[i].name, key->name));
    }
    return listed;
}

static int list_key(struct completion *all, size_t stream, const struct lt_json_value *json,
                    struct leat_error *err)
{
    struct pg_keys *keys = &all->keys;
    struct pg_key key = {.name = NULL};
    bool wanted = false;
    if (!lt_json_string(lt_json_get(json, "ref_table"), NULL) ||
        !lt_json_count(lt_json_get(json, "columns"))) {
        return LEAT_OK;
    }
    int status = describe_key(all, stream, json, &key, err);
    if (!status && !is_listed(keys, &key)) {
        status = ask_wanted(all, &key, &wanted, err);
    }
    if (!status && wanted && keys->n == keys->room) {
        size_t room = keys->room * 2 + 8;
        struct pg_key *items = reallocarray(keys->items, room, sizeof *items);
        status = items ? LEAT_OK : lt_fail_oom(err);
        keys->items = items ? items : keys->items;
        keys->room = items ? room : keys->room;
    }
    if (!status && wanted) {
        keys->items[keys->n++] = key;
    } else {
        key_done(&key);
    }
    return status;
}

static int list_keys(struct completion *all, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < all->n_streams && !status; i++) {
        size_t len;
        const char *text = lt_schema_meta(all->streams[i].schema, META_FOREIGN_KEYS, &len);
        struct lt_json_doc *doc = NULL;
        if (!text || lt_json_doc_parse(text, len, &doc, NULL)) {
            continue;
        }
        const struct lt_json_value *keys = lt_json_root(doc);
        for (size_t k = 0; k < lt_json_count(keys) && !status; k++) {
            status = list_key(all, i, lt_json_at(keys, k), err);
        }
        lt_json_doc_free(doc);
    }
    return status;
}

/* --- making them --------------------------------------------------------------------------- */

/* A key to columns that the destination does not know to be unique is left out. */
static int add_key(struct pg_conn *conn, struct pg_key *key, bool unproven, struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    struct lt_buf sql = LT_BUF_INIT;
    int failed = unproven ? pg_key_put_unproven(key, &sql) : lt_buf_puts(&sql, key->add);
    int status = failed ? lt_fail_oom(&why) : pg_exec(conn, lt_buf_text(&sql), &why);
    lt_buf_done(&sql);
    key->unproven = unproven && !status;
    if (status && !strcmp(why.sqlstate, INVALID_FOREIGN_KEY)) {
        pg_log(conn->ep, LEAT_LOG_WARN,
               "%s: its foreign key %s to %s is not made: the columns that it refers to are no key "
               "there; --with indexes makes the unique keys of tables that are made",
               key->table, key->name, key->other);
        return LEAT_OK;
    }
    if (status && err) {
        *err = why;
    }
    return status ? pg_key_blame(key, status, err) : LEAT_OK;
}

/* Where one cannot be added, those before it are proven all the same: a fault among their rows is
 * the one that is told, as if each had been proven when it was added. */
static int make_keys(struct completion *all, int threads, struct leat_error *err)
{
    struct pg_keys *keys = &all->keys;
    struct leat_error why = {.status = LEAT_OK};
    bool abreast = pg_keys_abreast(all->conn->ep, keys, threads);
    int status = LEAT_OK;
    for (size_t i = 0; i < keys->n && !status; i++) {
        struct pg_key *key = &keys->items[i];
        key->unproven = key->found;
        status = key->found ? LEAT_OK : add_key(all->conn, key, abreast && key->large, &why);
    }
    int proof = status == LEAT_CANCELLED ? LEAT_OK : pg_keys_prove(all->conn, keys, threads, err);
    if (!proof && status && err) {
        *err = why;
    }
    return proof ? proof : status;
}

static int show_keys(const struct completion *all, struct leat_error *err)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < all->keys.n; i++) {
        const struct pg_key *key = &all->keys.items[i];
        failed |= key->found ? pg_key_put_proof(key, all->show) : lt_buf_puts(all->show, key->add);
        failed |= lt_buf_puts(all->show, ";\n");
    }
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

static int complete(struct leat_endpoint *ep, struct completion *all, struct leat_error *err)
{
    int threads = all->n_streams ? all->streams[0].parts_wanted : 0;
    int status = pg_take(ep, &all->conn, err);
    all->default_ns = ep->default_ns;
    status = status ? status : list_keys(all, err);
    if (!status) {
        status = all->show ? show_keys(all, err) : make_keys(all, threads, err);
    }
    pg_give(all->conn);
    if (status) {
        pg_keys_drop_unproven(ep, &all->keys);
    }
    keys_done(&all->keys);
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
