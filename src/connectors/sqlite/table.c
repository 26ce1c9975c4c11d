/* One table, view or query as a schema. */
#include "connectors/sqlite/internal.h"

#include "core/json.h"
#include "core/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "core/banned.h"

#define TYPE_NAME_MAX 128
#define SCAN_COLUMNS_MAX 256 /* columns typed in one scan: SQLite limits the result's width */
#define ROWS_COUNTED_MAX 10000

int lt_sq_quote(struct lt_buf *out, const char *name)
{
    return lt_dialect_quote(&lt_dialect_sqlite, name, out);
}

int lt_sq_quote_in(struct lt_buf *out, const char *ns, const char *name)
{
    return lt_dialect_quote_name(&lt_dialect_sqlite, strcmp(ns, SQ_MAIN) ? ns : NULL, name, out);
}

const char *lt_sq_namespace(const struct leat_endpoint *ep, const char *ns)
{
    if (!ns || !*ns || !strcasecmp(ns, SQ_MAIN)) {
        return SQ_MAIN;
    }
    for (size_t i = 0; i < ep->n_attached; i++) {
        if (!strcasecmp(ns, ep->attached[i].name)) {
            return ep->attached[i].name;
        }
    }
    return NULL;
}

/* --- declared types ------------------------------------------------------------------------ */

/* The type's bare name: lower case, single blanks, without arguments. */
static void bare_type(const char *declared, char name[TYPE_NAME_MAX])
{
    size_t used = 0;
    int depth = 0;
    for (const char *at = declared; *at && used + 1 < TYPE_NAME_MAX; at++) {
        depth += *at == '(';
        if (depth == 0 && (!isspace((unsigned char)*at) || (used && name[used - 1] != ' '))) {
            name[used++] = isspace((unsigned char)*at) ? ' ' : (char)tolower((unsigned char)*at);
        }
        depth -= *at == ')' && depth > 0;
    }
    while (used && name[used - 1] == ' ') {
        used--;
    }
    name[used] = 0;
}

static bool is_known_type(const char *name)
{
    for (const struct leat_type_in *row = lt_dialect_sqlite.in; row->system; row++) {
        if (!strcmp(row->system, name)) {
            return true;
        }
    }
    return false;
}

/* What an unknown type name means by its affinity (SQLite documentation, "Datatypes In SQLite",
 * section 3.1); NULL where SQLite would take anything as it comes. */
static const char *type_by_affinity(const char *name)
{
    static const struct {
        const char *part, *type;
    } rules[] = {{"int", "integer"}, {"char", "text"}, {"clob", "text"}, {"text", "text"},
                 {"blob", "blob"},   {"real", "real"}, {"floa", "real"}, {"doub", "real"}};
    for (size_t i = 0; i < LT_ARRAY_LEN(rules); i++) {
        if (strstr(name, rules[i].part)) {
            return rules[i].type;
        }
    }
    return NULL;
}

/* On text and blobs a source type says that Arrow has no word for the type: TEXT and BLOB, which
 * are plain utf8 and binary, must not carry one. */
static int parse_known(const char *declared, struct ArrowSchema *ret_field, struct leat_error *err)
{
    int status = lt_dialect_parse(&lt_dialect_sqlite, declared, ret_field, err);
    if (!status && (!strcasecmp(declared, "text") || !strcasecmp(declared, "blob"))) {
        status = lt_schema_set_meta(ret_field, LT_META_SOURCE_TYPE, NULL, err);
    }
    return status;
}

/* A field for a declared type. *ret_untyped: only the values can tell; the field is utf8. */
static int field_of_declared(const char *declared, struct ArrowSchema *ret_field, bool *ret_untyped,
                             struct leat_error *err)
{
    char name[TYPE_NAME_MAX] = "";
    bare_type(declared ? declared : "", name);
    *ret_untyped = false;
    if (is_known_type(name)) {
        return parse_known(declared, ret_field, err);
    }
    if (declared && lt_dialect_canonical(&lt_dialect_sqlite, declared, ret_field)) {
        return LEAT_OK;
    }
    const char *type = type_by_affinity(name);
    if (type) {
        return lt_dialect_field(&lt_dialect_sqlite, type, declared, -1, -1, ret_field, err);
    }
    *ret_untyped = true;
    return lt_schema_init(ret_field, "u", "", err);
}

/* --- keys ---------------------------------------------------------------------------------- */

static int put_texts(struct lt_json *json, const char *key, struct lt_buf *names)
{
    lt_json_key(json, key);
    lt_json_array(json);
    for (size_t at = 0; at < names->len; at += strlen((char *)names->data + at) + 1) {
        lt_json_text(json, (const char *)names->data + at);
    }
    lt_json_array_end(json);
    lt_buf_clear(names);
    return json->failed;
}

/* The columns a foreign key refers to when it names none: the other table's primary key. */
static int parent_keys(struct sq_conn *conn, const char *ns, const char *table,
                       struct lt_buf *names, struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = lt_sq_prepare(
        conn, "SELECT name FROM pragma_table_info(?1, ?2) WHERE pk > 0 ORDER BY pk", &stmt, err);
    if (status) {
        return status;
    }
    int rc = lt_sq_bind_text(conn, stmt, 1, table);
    rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, ns);
    while (!rc && (rc = conn->api->sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)conn->api->sqlite3_column_text(stmt, 0);
        rc = name && !lt_buf_append(names, name, strlen(name) + 1) ? SQLITE_OK : SQLITE_NOMEM;
    }
    if (rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the keys of %s", table);
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}

/* One foreign key of those being listed. */
struct foreign_key {
    int64_t id; /* -1: none yet */
    char *table, *on_update, *on_delete;
    struct lt_buf columns, references; /* names, each with its NUL */
};

static void foreign_key_clear(struct foreign_key *key)
{
    free(key->table);
    free(key->on_update);
    free(key->on_delete);
    key->table = key->on_update = key->on_delete = NULL;
    lt_buf_clear(&key->columns);
    lt_buf_clear(&key->references);
    key->id = -1;
}

static int foreign_key_put(struct sq_conn *conn, const char *ns, struct foreign_key *key,
                           struct lt_json *json, struct leat_error *err)
{
    if (key->id < 0) {
        return LEAT_OK;
    }
    if (key->references.len == 0) {
        int status = parent_keys(conn, ns, key->table, &key->references, err);
        if (status) {
            return status;
        }
    }
    lt_json_object(json);
    lt_json_key(json, "name");
    lt_json_text(json, "");
    put_texts(json, "columns", &key->columns);
    lt_json_key(json, "ref_ns");
    lt_json_text(json, "");
    lt_json_key(json, "ref_table");
    lt_json_text(json, key->table);
    put_texts(json, "ref_columns", &key->references);
    lt_json_key(json, "on_delete");
    lt_json_text(json, key->on_delete);
    lt_json_key(json, "on_update");
    lt_json_text(json, key->on_update);
    lt_json_object_end(json);
    foreign_key_clear(key);
    return LEAT_OK;
}

static int foreign_key_row(struct sq_conn *conn, sqlite3_stmt *stmt, struct foreign_key *key)
{
    const struct lt_sqlite *api = conn->api;
    const char *to = (const char *)api->sqlite3_column_text(stmt, 3);
    const char *from = (const char *)api->sqlite3_column_text(stmt, 2);
    if (key->id < 0) {
        key->id = api->sqlite3_column_int64(stmt, 0);
        key->table = lt_strdup((const char *)api->sqlite3_column_text(stmt, 1));
        key->on_update = lt_strdup((const char *)api->sqlite3_column_text(stmt, 4));
        key->on_delete = lt_strdup((const char *)api->sqlite3_column_text(stmt, 5));
        if (!key->table || !key->on_update || !key->on_delete) {
            return LEAT_NO_MEMORY;
        }
    }
    if (!from || lt_buf_append(&key->columns, from, strlen(from) + 1) ||
        (to && lt_buf_append(&key->references, to, strlen(to) + 1))) {
        return LEAT_NO_MEMORY;
    }
    return LEAT_OK;
}

/* Foreign keys as schema metadata, in the order they were declared. */
static int add_foreign_keys(struct sq_conn *conn, struct sq_table *table, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    struct lt_json json = {.out = &text};
    struct foreign_key key = {.id = -1};
    sqlite3_stmt *stmt = NULL;
    bool any = false;
    int status = lt_sq_prepare(conn,
                               "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete "
                               "FROM pragma_foreign_key_list(?1, ?2) ORDER BY id DESC, seq",
                               &stmt, err);
    if (status) {
        goto out;
    }
    int rc = lt_sq_bind_text(conn, stmt, 1, table->name);
    rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, table->ns);
    lt_json_array(&json);
    while (!status && !rc && (rc = conn->api->sqlite3_step(stmt)) == SQLITE_ROW) {
        if (key.id >= 0 && key.id != conn->api->sqlite3_column_int64(stmt, 0)) {
            status = foreign_key_put(conn, table->ns, &key, &json, err);
        }
        rc = !status && foreign_key_row(conn, stmt, &key) ? SQLITE_NOMEM : SQLITE_OK;
        any = true;
    }
    if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the foreign keys");
    }
    status = status ? status : foreign_key_put(conn, table->ns, &key, &json, err);
    lt_json_array_end(&json);
    if (!status && json.failed) {
        status = lt_fail_oom(err);
    }
    if (!status && any) {
        status = lt_schema_set_meta(&table->schema, "leat.foreign_keys", lt_buf_text(&text), err);
    }
out:
    conn->api->sqlite3_finalize(stmt);
    foreign_key_clear(&key);
    lt_buf_done(&key.columns);
    lt_buf_done(&key.references);
    lt_buf_done(&text);
    return status;
}

/* --- tables -------------------------------------------------------------------------------- */

/* What one file's catalogue lists; further conditions may follow. */
static int catalogue_sql(const char *select, const char *ns, struct lt_buf *sql)
{
    return lt_buf_printf(sql, "%s FROM ", select) || lt_sq_quote_in(sql, ns, "sqlite_master") ||
           lt_buf_puts(sql, " WHERE type IN ('table', 'view')");
}

static int not_found(struct sq_conn *conn, const char *ns, const char *name, struct leat_error *err)
{
    const char *close = NULL;
    const char **names = NULL;
    struct lt_buf list = LT_BUF_INIT, sql = LT_BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    size_t n = 0;
    bool attached = strcmp(ns, SQ_MAIN) != 0;
    lt_fail(err, LT_E_NOT_FOUND, "%s has no table or view \"%s\"", attached ? ns : conn->ep->path,
            name);
    int failed = catalogue_sql("SELECT name", ns, &sql) ||
                 lt_buf_puts(&sql, " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'") ||
                 lt_sq_prepare(conn, lt_buf_text(&sql), &stmt, NULL);
    lt_buf_done(&sql);
    if (failed) {
        return LEAT_NOT_FOUND;
    }
    while (conn->api->sqlite3_step(stmt) == SQLITE_ROW) {
        const char *text = (const char *)conn->api->sqlite3_column_text(stmt, 0);
        if (!text || lt_buf_append(&list, text, strlen(text) + 1)) {
            break;
        }
        n++;
    }
    conn->api->sqlite3_finalize(stmt);
    names = calloc(n + 1, sizeof *names);
    if (names) {
        const char *at = (const char *)list.data;
        for (size_t i = 0; i < n; i++, at += strlen(at) + 1) {
            names[i] = at;
        }
        close = lt_closest(name, names);
    }
    if (close) {
        leat_error_remedy(err, "did you mean \"%s\"?", close);
    }
    free(names);
    lt_buf_done(&list);
    return LEAT_NOT_FOUND;
}

static int find_table(struct sq_conn *conn, const char *name, struct sq_table *table,
                      struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    int failed = catalogue_sql("SELECT name, type = 'view'", table->ns, &sql) ||
                 lt_buf_puts(&sql, " AND name = ?1 COLLATE NOCASE");
    int status = failed ? lt_fail_oom(err) : lt_sq_prepare(conn, lt_buf_text(&sql), &stmt, err);
    lt_buf_done(&sql);
    if (status) {
        return status;
    }
    int rc = lt_sq_bind_text(conn, stmt, 1, name);
    rc = rc ? rc : conn->api->sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        table->name = lt_strdup((const char *)conn->api->sqlite3_column_text(stmt, 0));
        table->view = conn->api->sqlite3_column_int64(stmt, 1) != 0;
        status = table->name ? LEAT_OK : lt_fail_oom(err);
    } else if (rc == SQLITE_DONE) {
        status = not_found(conn, table->ns, name, err);
    } else {
        status = lt_sq_fail(conn, rc, err, "cannot read the catalogue");
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}

static bool probe_rowid(struct sq_conn *conn, const struct sq_table *table)
{
    struct lt_buf sql = LT_BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    bool has = !lt_buf_puts(&sql, "SELECT _rowid_ FROM ") &&
               !lt_sq_quote_in(&sql, table->ns, table->name) && !lt_buf_puts(&sql, " LIMIT 0") &&
               !conn->api->sqlite3_prepare_v2(conn->db, lt_buf_text(&sql), -1, &stmt, NULL);
    conn->api->sqlite3_finalize(stmt);
    lt_buf_done(&sql);
    return has;
}

/* What pragma_table_xinfo says about one column: name, type, notnull, dflt_value, pk, hidden. */
static int add_column(struct sq_conn *conn, sqlite3_stmt *stmt, struct sq_table *table,
                      struct leat_error *err)
{
    const struct lt_sqlite *api = conn->api;
    const char *name = (const char *)api->sqlite3_column_text(stmt, 0);
    const char *declared = (const char *)api->sqlite3_column_text(stmt, 1);
    bool not_null = api->sqlite3_column_int64(stmt, 2) != 0;
    bool has_default = api->sqlite3_column_type(stmt, 3) != SQLITE_NULL;
    int64_t pk = api->sqlite3_column_int64(stmt, 4);
    int64_t hidden = api->sqlite3_column_int64(stmt, 5);
    int64_t keys = api->sqlite3_column_int64(stmt, 6);
    bool integer = declared && !strcasecmp(declared, "integer");
    bool alias = pk == 1 && keys == 1 && integer && table->has_rowid;
    struct ArrowSchema field = {.release = NULL};
    bool untyped = false;
    int status = field_of_declared(declared, &field, &untyped, err);
    status = status ? status : lt_schema_set_name(&field, name ? name : "", err);
    if (!status && pk > 0) {
        char place[24];
        snprintf(place, sizeof place, "%lld", (long long)pk);
        status = lt_schema_set_meta(&field, LT_META_KEY, place, err);
    }
    if (!status && hidden >= 2) {
        status = lt_schema_set_meta(&field, LT_META_GENERATED, "1", err);
    }
    if (!status && not_null && !has_default && !alias && hidden < 2) {
        status = lt_schema_set_meta(&field, LT_META_REQUIRED, "1", err);
    }
    if (!status && alias) {
        table->rowid_alias = lt_strdup(name);
        status = table->rowid_alias ? LEAT_OK : lt_fail_oom(err);
    }
    if (!status && (not_null || alias || (pk > 0 && !table->has_rowid && !table->view))) {
        field.flags &= ~ARROW_FLAG_NULLABLE;
    }
    int64_t at = table->schema.n_children;
    status = status ? status : lt_schema_add(&table->schema, &field, err);
    if (!status) {
        bool *grown = realloc(table->untyped, (size_t)(at + 1) * sizeof *grown);
        if (!grown) {
            return lt_fail_oom(err);
        }
        table->untyped = grown;
        table->untyped[at] = untyped;
    }
    lt_schema_done(&field);
    return status;
}

static int add_columns(struct sq_conn *conn, struct sq_table *table, struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = lt_schema_init_struct(&table->schema, 0, err);
    status = status ? status
                    : lt_sq_prepare(conn,
                                    "SELECT name, type, \"notnull\", dflt_value, pk, hidden, "
                                    "(SELECT count(*) FROM pragma_table_info(?1, ?2) WHERE pk > 0) "
                                    "FROM pragma_table_xinfo(?1, ?2) WHERE hidden <> 1 "
                                    "ORDER BY cid",
                                    &stmt, err);
    if (status) {
        return status;
    }
    int rc = lt_sq_bind_text(conn, stmt, 1, table->name);
    rc = rc ? rc : lt_sq_bind_text(conn, stmt, 2, table->ns);
    while (!status && !rc && (rc = conn->api->sqlite3_step(stmt)) == SQLITE_ROW) {
        status = add_column(conn, stmt, table, err);
        rc = SQLITE_OK;
    }
    if (!status && rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "cannot read the columns of %s", table->name);
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}

int lt_sq_table(struct sq_conn *conn, const char *ns, const char *name, struct sq_table *ret_table,
                struct leat_error *err)
{
    struct sq_table table = {.name = NULL};
    const char *found = lt_sq_namespace(conn->ep, ns);
    if (!found) {
        return lt_fail(err, LT_E_NOT_FOUND, "no database is attached as \"%s\"", ns);
    }
    table.ns = lt_strdup(found);
    int status = table.ns ? find_table(conn, name, &table, err) : lt_fail_oom(err);
    if (status) {
        lt_sq_table_done(&table);
        return status;
    }
    table.has_rowid = !table.view && probe_rowid(conn, &table);
    status = add_columns(conn, &table, err);
    if (!status && !table.view) {
        status = add_foreign_keys(conn, &table, err);
    }
    if (status) {
        lt_sq_table_done(&table);
        return status;
    }
    *ret_table = table;
    return LEAT_OK;
}

void lt_sq_table_done(struct sq_table *table)
{
    free(table->ns);
    free(table->name);
    free(table->rowid_alias);
    free(table->untyped);
    lt_schema_done(&table->schema);
    *table = (struct sq_table){.name = NULL};
}

int lt_sq_blame_triggers(struct sq_conn *conn, const char *table, int status,
                         struct leat_error *err)
{
    sqlite3_stmt *stmt = NULL;
    if (!status || !err || strcmp(err->code, lt_codes[LT_E_COUNT_MISMATCH].code) != 0 ||
        lt_sq_prepare(conn,
                      "SELECT group_concat(name, ', ') FROM sqlite_master WHERE type = 'trigger' "
                      "AND tbl_name = ?1 COLLATE NOCASE",
                      &stmt, NULL)) {
        return status;
    }
    if (!lt_sq_bind_text(conn, stmt, 1, table) && conn->api->sqlite3_step(stmt) == SQLITE_ROW) {
        const char *names = (const char *)conn->api->sqlite3_column_text(stmt, 0);
        if (names) {
            leat_error_remedy(err, "triggers of the table may drop or add rows: %s", names);
        }
    }
    conn->api->sqlite3_finalize(stmt);
    return status;
}

int lt_sq_rows(struct sq_conn *conn, const struct sq_table *table, int64_t *ret_rows,
               struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int64_t rows = 0, top = -1;
    int failed = lt_buf_puts(&sql, "SELECT count(*) FROM (SELECT 1 FROM ");
    failed |= lt_sq_quote(&sql, table->name);
    failed |= lt_buf_printf(&sql, " LIMIT %d)", ROWS_COUNTED_MAX + 1);
    int status =
        failed ? lt_fail_oom(err) : lt_sq_int(conn, lt_buf_text(&sql), NULL, NULL, 0, &rows, err);
    if (!status && rows > ROWS_COUNTED_MAX && table->has_rowid) {
        lt_buf_clear(&sql);
        failed = lt_buf_puts(&sql, "SELECT max(_rowid_) FROM ");
        failed |= lt_sq_quote(&sql, table->name);
        status = failed ? lt_fail_oom(err)
                        : lt_sq_int(conn, lt_buf_text(&sql), NULL, NULL, -1, &top, err);
    }
    lt_buf_done(&sql);
    if (!status) {
        *ret_rows = LT_MAX(rows, top);
    }
    return status;
}

/* --- types by value ------------------------------------------------------------------------ */

enum { HAS_INTEGER, HAS_REAL, HAS_TEXT, HAS_BLOB, HAS_BIG_INTEGER, SCAN_KINDS };

static int scan_sql(const char *from, const struct ArrowSchema *schema, const int64_t *columns,
                    int n, struct lt_buf *sql)
{
    int failed = lt_buf_puts(sql, "SELECT ");
    for (int i = 0; i < n; i++) {
        struct lt_buf name = LT_BUF_INIT;
        failed |= lt_sq_quote(&name, schema->children[columns[i]]->name);
        const char *c = lt_buf_text(&name);
        failed |= lt_buf_printf(sql,
                                "%smax(typeof(%s) = 'integer'), max(typeof(%s) = 'real'), "
                                "max(typeof(%s) = 'text'), max(typeof(%s) = 'blob'), "
                                "max(typeof(%s) = 'integer' AND %s NOT BETWEEN "
                                "-9007199254740992 AND 9007199254740992)",
                                i ? ", " : "", c, c, c, c, c, c);
        lt_buf_done(&name);
    }
    failed |= lt_buf_puts(sql, " FROM ");
    failed |= lt_buf_puts(sql, from);
    return failed;
}

/* The type that holds every kind of value seen, exactly. */
static const char *type_of_kinds(const bool has[SCAN_KINDS])
{
    bool number = has[HAS_INTEGER] || has[HAS_REAL];
    if (has[HAS_BLOB]) {
        return number || has[HAS_TEXT] ? NULL : "binary";
    }
    if (has[HAS_TEXT] || !number) {
        return "utf8";
    }
    if (!has[HAS_REAL]) {
        return "int64";
    }
    return has[HAS_BIG_INTEGER] ? "numeric" : "float64";
}

/* Gives the field at `column` another type, keeping name, nullability and metadata of leat. */
static int retype(struct ArrowSchema *schema, int64_t column, const char *type,
                  struct leat_error *err)
{
    struct ArrowSchema *old = schema->children[column], field = {.release = NULL};
    char key[24];
    int status = lt_type_parse(type, &field, err);
    status = status ? status : lt_schema_set_name(&field, old->name, err);
    if (!status && lt_schema_meta_text(old, LT_META_KEY, key, sizeof key)) {
        status = lt_schema_set_meta(&field, LT_META_KEY, key, err);
    }
    if (!status && lt_schema_meta(old, LT_META_GENERATED, &(size_t){0})) {
        status = lt_schema_set_meta(&field, LT_META_GENERATED, "1", err);
    }
    if (!status) {
        field.flags = old->flags;
        lt_schema_done(old);
        lt_schema_move(&field, old);
    }
    lt_schema_done(&field);
    return status;
}

static int scan_some(struct sq_conn *conn, const char *from, struct ArrowSchema *schema,
                     const int64_t *columns, int n, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    int status = scan_sql(from, schema, columns, n, &sql) ? lt_fail_oom(err) : LEAT_OK;
    status = status ? status : lt_sq_prepare(conn, lt_buf_text(&sql), &stmt, err);
    if (!status) {
        int rc = conn->api->sqlite3_step(stmt);
        status = rc == SQLITE_ROW ? LEAT_OK : lt_sq_fail(conn, rc, err, "cannot read the values");
    }
    for (int i = 0; i < n && !status; i++) {
        bool has[SCAN_KINDS];
        for (int k = 0; k < SCAN_KINDS; k++) {
            has[k] = conn->api->sqlite3_column_int64(stmt, i * SCAN_KINDS + k) != 0;
        }
        const char *type = type_of_kinds(has);
        const char *name = schema->children[columns[i]]->name;
        if (!type) {
            status = lt_fail(err, LT_E_UNSUPPORTED_TYPE,
                             "holds blobs beside other values, and declares no type");
            leat_error_place(err, "column \"%s\"", name);
            leat_error_remedy(err, "--columns leaves it out; --cast in a query unites its values");
        } else {
            status = retype(schema, columns[i], type, err);
        }
    }
    conn->api->sqlite3_finalize(stmt);
    lt_buf_done(&sql);
    return status;
}

static int put_types(const struct ArrowSchema *schema, const int64_t *columns, int n,
                     struct lt_buf *words)
{
    int failed = LEAT_OK;
    for (int i = 0; i < n; i++) {
        const struct ArrowSchema *field = schema->children[columns[i]];
        failed |= lt_buf_printf(words, "%s%s ", words->len ? ", " : "", field->name);
        failed |= lt_type_print(field, words);
    }
    return failed;
}

int lt_sq_scan_types(struct sq_conn *conn, const char *from, struct ArrowSchema *schema,
                     const bool *untyped, struct lt_buf *words, struct leat_error *err)
{
    int64_t columns[SCAN_COLUMNS_MAX];
    int n = 0, status = LEAT_OK;
    for (int64_t i = 0; i < schema->n_children && !status; i++) {
        if (untyped[i]) {
            columns[n++] = i;
        }
        if (n == SCAN_COLUMNS_MAX || (n && i + 1 == schema->n_children)) {
            status = scan_some(conn, from, schema, columns, n, err);
            status = status || !words || !put_types(schema, columns, n, words) ? status
                                                                               : lt_fail_oom(err);
            n = 0;
        }
    }
    return status;
}

static int add_query_column(struct sq_conn *conn, sqlite3_stmt *stmt, int index,
                            struct ArrowSchema *schema, bool *ret_untyped, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    const char *name = conn->api->sqlite3_column_name(stmt, index);
    if (!name) {
        return lt_fail_oom(err);
    }
    if (lt_schema_find(schema, name) >= 0) {
        return lt_fail(err, LT_E_DUPLICATE_COLUMN, "the query gives two columns named \"%s\"",
                       name);
    }
    int status = field_of_declared(conn->api->sqlite3_column_decltype(stmt, index), &field,
                                   ret_untyped, err);
    status = status ? status : lt_schema_set_name(&field, name, err);
    status = status ? status : lt_schema_add(schema, &field, err);
    lt_schema_done(&field);
    return status;
}

int lt_sq_query_schema(struct sq_conn *conn, const char *query, const struct ArrowSchema *types,
                       struct ArrowSchema *ret_schema, struct lt_buf *words, struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    struct lt_buf from = LT_BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    bool *untyped = NULL;
    int status = lt_sq_prepare(conn, query, &stmt, err);
    if (status) {
        return status;
    }
    int n = conn->api->sqlite3_column_count(stmt);
    untyped = calloc((size_t)n + 1, sizeof *untyped);
    status = untyped ? lt_schema_init_struct(&schema, 0, err) : lt_fail_oom(err);
    if (!status && (n == 0 || !conn->api->sqlite3_stmt_readonly(stmt))) {
        status = lt_fail(err, LT_E_INVALID, "the query gives no rows, or changes the database");
    }
    for (int i = 0; i < n && !status; i++) {
        status = add_query_column(conn, stmt, i, &schema, &untyped[i], err);
        if (!status && types && lt_schema_find(types, schema.children[i]->name) >= 0) {
            untyped[i] = false;
        }
    }
    if (!status && lt_buf_printf(&from, "(%s\n)", query)) {
        status = lt_fail_oom(err);
    }
    status =
        status ? status : lt_sq_scan_types(conn, lt_buf_text(&from), &schema, untyped, words, err);
    if (!status) {
        lt_schema_move(&schema, ret_schema);
    }
    conn->api->sqlite3_finalize(stmt);
    lt_schema_done(&schema);
    lt_buf_done(&from);
    free(untyped);
    return status;
}
