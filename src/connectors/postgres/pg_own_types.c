/* Types of users' own at a destination: found, planned, made. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define REMEDY_MAX 240

void pg_own_types_done(struct pg_own_types *types)
{
    for (size_t i = 0; i < types->n; i++) {
        free(types->items[i].ns);
        free(types->items[i].quoted);
        free(types->items[i].make);
        free(types->items[i].widen);
    }
    for (size_t i = 0; i < types->n_docs; i++) {
        lt_json_doc_free(types->docs[i]);
    }
    free(types->items);
    free(types->docs);
    *types = (struct pg_own_types){0};
}

void pg_own_column_done(struct pg_own_column *column)
{
    free(column->type);
    free(column->known);
    *column = (struct pg_own_column){0};
}

/* --- what a field says --------------------------------------------------------------------- */

/* The field's definitions, kept in the list; NULL: none, or none to be trusted. */
static int take_doc(const struct pg_own_wish *wish, const struct ArrowSchema *field,
                    const struct lt_json_value **ret_root, struct leat_error *err)
{
    size_t len;
    const char *text = lt_schema_meta(field, LT_META_TYPES, &len);
    struct lt_json_doc *doc = NULL;
    *ret_root = NULL;
    if (!text || lt_json_doc_parse(text, len, &doc, NULL)) {
        return LEAT_OK;
    }
    const struct lt_json_value *root = lt_json_root(doc), *defs = lt_json_get(root, "types");
    bool usable = lt_json_count(defs) > 0;
    for (size_t i = 0; i < lt_json_count(defs); i++) {
        const struct lt_json_value *def = lt_json_at(defs, i);
        usable = usable && (wish->trusted || !pg_own_has_expression(def)) &&
                 *pg_def_text(def, "ns") && *pg_def_text(def, "name") &&
                 strlen(pg_def_text(def, "ns")) < PG_NAME_MAX &&
                 strlen(pg_def_text(def, "name")) < PG_NAME_MAX;
    }
    struct pg_own_types *types = wish->types;
    struct lt_json_doc **docs =
        usable ? realloc(types->docs, (types->n_docs + 1) * sizeof(*docs)) : NULL;
    if (!docs) {
        lt_json_doc_free(doc);
        return usable ? lt_fail_oom(err) : LEAT_OK;
    }
    types->docs = docs;
    docs[types->n_docs++] = doc;
    *ret_root = root;
    return LEAT_OK;
}

static const struct lt_json_value *def_of(const struct lt_json_value *root,
                                          const struct lt_json_value *ref)
{
    const struct lt_json_value *defs = lt_json_get(root, "types");
    for (size_t i = 0; i < lt_json_count(defs); i++) {
        const struct lt_json_value *def = lt_json_at(defs, i);
        if (!strcmp(pg_def_text(def, "ns"), pg_def_text(ref, "ns")) &&
            !strcmp(pg_def_text(def, "name"), pg_def_text(ref, "name"))) {
            return def;
        }
    }
    return NULL;
}

/* What lies under a column's domains, one on the other; as many as there are definitions. */
static const struct lt_json_value *under_domains(const struct lt_json_value *root)
{
    const struct lt_json_value *ref = lt_json_get(root, "column");
    for (size_t i = lt_json_count(lt_json_get(root, "types")); i > 0; i--) {
        const struct lt_json_value *def = def_of(root, ref);
        if (lt_json_boolean(lt_json_get(ref, "array"), false) || !def ||
            strcmp(pg_def_text(def, "kind"), "domain") != 0) {
            break;
        }
        ref = lt_json_get(def, "base");
    }
    return ref;
}

/* --- what is here --------------------------------------------------------------------------- */

static struct pg_own_type *add_type(struct pg_own_types *types, const struct lt_json_value *def,
                                    const char *ns, const char *name)
{
    struct pg_own_type *items = realloc(types->items, (types->n + 1) * sizeof *items);
    struct lt_buf quoted = LT_BUF_INIT;
    if (!items) {
        return NULL;
    }
    types->items = items;
    items[types->n] = (struct pg_own_type){.def = def, .ns = lt_strdup(ns)};
    struct pg_own_type *type = &items[types->n++];
    if (lt_dialect_quote_name(&lt_dialect_postgres, ns, name, &quoted)) {
        lt_buf_done(&quoted);
    } else {
        type->quoted = lt_buf_take(&quoted);
    }
    return type->ns && type->quoted ? type : NULL;
}

/* As many statements as a remedy has room for. */
static void remedy_statements(const char *sql, struct leat_error *err)
{
    size_t len = strlen(sql);
    while (len > REMEDY_MAX) {
        size_t end = len;
        len = 0;
        for (size_t i = 0; i + 1 < end; i++) {
            len = !strncmp(sql + i, "; ", 2) && i <= REMEDY_MAX ? i : len;
        }
        if (!len) {
            return;
        }
    }
    leat_error_remedy(err, "%.*s", (int)len, sql);
}

static int fail_other(const char *name, const char *words, const char *widen,
                      struct leat_error *err)
{
    int status = lt_fail(err, LT_E_UNSUPPORTED_TYPE,
                         "the type %s is another one here than at the source: %s", name, words);
    if (*widen) {
        remedy_statements(widen, err);
    } else {
        leat_error_remedy(err, "load into another schema, rename the type here, or carry the "
                               "column as text: --cast COLUMN=utf8, --on-loss text");
    }
    return status;
}

/* A type of that name: takes it where it is the one that is meant. `place`: here it would be made. */
static int try_type(struct pg_conn *conn, const struct pg_own_wish *wish,
                    const struct lt_json_value *def, uint32_t oid, const char *ns, bool place,
                    bool *ret_taken, struct leat_error *err)
{
    struct lt_json_doc *doc = NULL;
    struct lt_buf words = LT_BUF_INIT, widen = LT_BUF_INIT, quoted = LT_BUF_INIT;
    enum pg_type_match match = PG_TYPE_DIFFERS;
    int status = pg_define_type(conn, oid, wish->ns, &doc, err);
    const struct lt_json_value *defs = lt_json_get(lt_json_root(doc), "types");
    const struct lt_json_value *here = lt_json_at(defs, lt_json_count(defs) - 1);
    if (!status &&
        (lt_dialect_quote_name(&lt_dialect_postgres, ns, pg_def_text(def, "name"), &quoted) ||
         pg_own_compare(wish->types, def, here, lt_buf_text(&quoted), &match, &words, &widen))) {
        status = lt_fail_oom(err);
    }
    bool widens = match == PG_TYPE_LACKS_LABELS && wish->policy == LEAT_SCHEMA_EVOLVE;
    *ret_taken = !status && (match == PG_TYPE_SAME || (place && widens));
    if (*ret_taken) {
        struct pg_own_type *type = add_type(wish->types, def, ns, pg_def_text(def, "name"));
        if (!type || (place && widens && !(type->widen = lt_buf_take(&widen)))) {
            status = lt_fail_oom(err);
        }
    } else if (!status && place) {
        status = fail_other(lt_buf_text(&quoted), lt_buf_text(&words),
                            match == PG_TYPE_LACKS_LABELS ? lt_buf_text(&widen) : "", err);
    }
    lt_json_doc_free(doc);
    lt_buf_done(&words);
    lt_buf_done(&widen);
    lt_buf_done(&quoted);
    return status;
}

/* --- what is to be made --------------------------------------------------------------------- */

/* A type of an extension that it is made of must be here; the server's own are. */
static int check_ref(struct pg_conn *conn, const struct lt_json_value *def,
                     const struct lt_json_value *ref, struct leat_error *err)
{
    const char *text = pg_def_text(ref, "text"), *params[] = {text};
    char found[8];
    if (!lt_json_boolean(lt_json_get(ref, "extension"), false)) {
        return LEAT_OK;
    }
    int status = pg_value(conn, "SELECT pg_catalog.to_regtype($1) IS NOT NULL", 1, params, found,
                          sizeof found, err);
    if (!status && *found != 't') {
        status = lt_fail(err, LT_E_UNSUPPORTED_TYPE,
                         "the source's type %s is made of %s, which does not exist here",
                         pg_def_text(def, "name"), text);
        leat_error_remedy(err, "create that here first (CREATE EXTENSION, CREATE TYPE)");
    }
    return status;
}

static int check_refs(struct pg_conn *conn, const struct lt_json_value *def, struct leat_error *err)
{
    const struct lt_json_value *attributes = lt_json_get(def, "attributes");
    int status = check_ref(conn, def, lt_json_get(def, "base"), err);
    status = status ? status : check_ref(conn, def, lt_json_get(def, "subtype"), err);
    for (size_t i = 0; i < lt_json_count(attributes) && !status; i++) {
        status = check_ref(conn, def, lt_json_get(lt_json_at(attributes, i), "type"), err);
    }
    return status;
}

static int check_place(struct pg_conn *conn, const char *ns, const char *name,
                       struct leat_error *err)
{
    const char *params[] = {ns};
    char text[8];
    int status = pg_value(conn,
                          "SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') "
                          "FROM pg_catalog.pg_namespace WHERE nspname = $1",
                          1, params, text, sizeof text, err);
    if (!status && *text != 't') {
        status = lt_fail(err, LT_E_UNSUPPORTED_TYPE,
                         *text ? "the source's type %s does not exist here, and the login may not "
                                 "create it in schema \"%s\""
                               : "the source's type %s does not exist here, and there is no schema "
                                 "\"%s\" to make it in",
                         name, ns);
        leat_error_remedy(err, "%s \"%s\"%s; --cast COLUMN=utf8 or --on-loss text carry it as text",
                          *text ? "GRANT CREATE ON SCHEMA" : "CREATE SCHEMA", ns,
                          *text ? " TO this login" : "");
    }
    return status;
}

/* *ret_known false: it has words that cannot stand in a statement. */
static int plan_make(struct pg_conn *conn, const struct pg_own_wish *wish,
                     const struct lt_json_value *def, const char *ns, bool *ret_known,
                     struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int status = check_place(conn, ns, pg_def_text(def, "name"), err);
    status = status ? status : check_refs(conn, def, err);
    if (status) {
        return status;
    }
    struct pg_own_type *type = add_type(wish->types, def, ns, pg_def_text(def, "name"));
    int made = type ? pg_own_make_sql(wish->types, type, &sql) : LEAT_NO_MEMORY;
    *ret_known = made != LEAT_UNSUPPORTED;
    if (made == LEAT_NO_MEMORY || (!made && !(type->make = lt_buf_take(&sql)))) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&sql);
    return status;
}

static int resolve(struct pg_conn *conn, const struct pg_own_wish *wish,
                   const struct lt_json_value *def, bool *ret_known, struct leat_error *err)
{
    const char *name = pg_def_text(def, "name"), *ns = pg_def_text(def, "ns");
    const char *place = lt_json_boolean(lt_json_get(def, "home"), false) ? wish->ns : ns;
    struct lt_buf quoted = LT_BUF_INIT;
    PGresult *result = NULL;
    bool taken = pg_own_find(wish->types, ns, name) != NULL;
    if (taken) {
        return LEAT_OK;
    }
    int status = lt_dialect_quote(&lt_dialect_postgres, name, &quoted) ? lt_fail_oom(err) : LEAT_OK;
    const char *params[] = {name, place, ns, lt_buf_text(&quoted)};
    status = status ? status
                    : pg_query(conn,
                               "SELECT t.oid, n.nspname FROM pg_catalog.pg_type t JOIN "
                               "pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE "
                               "t.typname = $1 AND (n.nspname IN ($2, $3) OR t.oid = "
                               "pg_catalog.to_regtype($4)::pg_catalog.oid) ORDER BY n.nspname = $2 "
                               "DESC, n.nspname = $3 DESC",
                               4, params, &result, err);
    int n = status ? 0 : pg_rows(conn, result);
    for (int i = 0; i < n && !status && !taken; i++) {
        const char *here = pg_cell(conn, result, i, 1);
        status = try_type(conn, wish, def, (uint32_t)strtoul(pg_cell(conn, result, i, 0), NULL, 10),
                          here, !strcmp(here, place), &taken, err);
    }
    if (!status && !taken) {
        status = plan_make(conn, wish, def, place, ret_known, err);
    }
    pg_clear(conn, result);
    lt_buf_done(&quoted);
    return status;
}

/* --- columns --------------------------------------------------------------------------------- */

static int say_under(const struct pg_own_types *types, const struct lt_json_value *root,
                     struct pg_own_column *column)
{
    const struct lt_json_value *ref = under_domains(root), *def = def_of(root, ref);
    struct lt_buf known = LT_BUF_INIT;
    if (lt_json_boolean(lt_json_get(ref, "array"), false)) {
        column->under = PG_UNDER_LIST;
    } else if (def) {
        column->under = strcmp(pg_def_text(def, "kind"), "enum") ? PG_UNDER_TEXT : PG_UNDER_ENUM;
    } else {
        int failed = pg_own_ref(types, ref, &known);
        column->under = PG_UNDER_KNOWN;
        column->known = failed ? NULL : lt_buf_take(&known);
        lt_buf_done(&known);
        return failed == LEAT_UNSUPPORTED || column->known ? failed : LEAT_NO_MEMORY;
    }
    return LEAT_OK;
}

int pg_own_column(struct pg_conn *conn, const struct pg_own_wish *wish,
                  const struct ArrowSchema *field, struct pg_own_column *ret_column,
                  struct leat_error *err)
{
    const struct lt_json_value *root;
    struct pg_own_column column = {.type = NULL};
    struct lt_buf type = LT_BUF_INIT;
    bool known = true;
    *ret_column = column;
    int status = take_doc(wish, field, &root, err);
    if (status || !root) {
        return status;
    }
    const struct lt_json_value *defs = lt_json_get(root, "types");
    for (size_t i = 0; i < lt_json_count(defs) && !status && known; i++) {
        const struct lt_json_value *def = lt_json_at(defs, i);
        status = resolve(conn, wish, def, &known, err);
        const struct pg_own_type *own =
            pg_own_find(wish->types, pg_def_text(def, "ns"), pg_def_text(def, "name"));
        column.missing = column.missing || (own && own->make);
    }
    int failed =
        status || !known ? LEAT_OK : pg_own_ref(wish->types, lt_json_get(root, "column"), &type);
    failed = failed || status || !known ? failed : say_under(wish->types, root, &column);
    if (!failed && !status && known && !(column.type = lt_buf_take(&type))) {
        failed = LEAT_NO_MEMORY;
    }
    lt_buf_done(&type);
    if (failed == LEAT_NO_MEMORY) {
        status = lt_fail_oom(err);
    }
    if (status || failed) {
        pg_own_column_done(&column);
        return status;
    }
    *ret_column = column;
    return LEAT_OK;
}

int pg_own_is(struct pg_conn *conn, const struct pg_own_wish *wish, const struct ArrowSchema *field,
              uint32_t oid, bool *ret_is, struct leat_error *err)
{
    struct pg_own_types looked = {0};
    struct pg_own_wish look = *wish;
    struct pg_own_column column = {.type = NULL};
    char text[16];
    size_t len;
    int status = LEAT_OK;
    *ret_is = false;
    look.types = &looked; /* nothing is made for a column that is there */
    if (lt_schema_meta(field, LT_META_TYPES, &len) &&
        !pg_own_column(conn, &look, field, &column, NULL) && column.type && !column.missing) {
        const char *params[] = {column.type};
        status = pg_value(conn, "SELECT pg_catalog.to_regtype($1)::pg_catalog.oid", 1, params, text,
                          sizeof text, err);
        *ret_is = !status && *text && strtoul(text, NULL, 10) == oid;
    }
    pg_own_column_done(&column);
    pg_own_types_done(&looked);
    return status;
}

static int plan_labels(const struct pg_own_wish *wish, const struct lt_json_value *def,
                       const struct lt_json_value *here, struct leat_error *err)
{
    struct lt_buf words = LT_BUF_INIT, widen = LT_BUF_INIT, quoted = LT_BUF_INIT;
    enum pg_type_match match = PG_TYPE_SAME;
    int status = LEAT_OK;
    if (lt_dialect_quote_name(&lt_dialect_postgres, pg_def_text(here, "ns"),
                              pg_def_text(here, "name"), &quoted) ||
        pg_own_compare(wish->types, def, here, lt_buf_text(&quoted), &match, &words, &widen)) {
        status = lt_fail_oom(err);
    }
    if (!status && match == PG_TYPE_LACKS_LABELS &&
        (wish->policy == LEAT_SCHEMA_STRICT || wish->policy == LEAT_SCHEMA_CHECK)) {
        status = lt_fail(err, LT_E_COLUMN_MISMATCH, "the type %s is not the source's: %s",
                         lt_buf_text(&quoted), lt_buf_text(&words));
        remedy_statements(lt_buf_text(&widen), err);
    } else if (!status && match == PG_TYPE_LACKS_LABELS && wish->policy == LEAT_SCHEMA_EVOLVE) {
        struct pg_own_type *type =
            add_type(wish->types, def, pg_def_text(here, "ns"), pg_def_text(here, "name"));
        if (!type || !(type->widen = lt_buf_take(&widen))) {
            status = lt_fail_oom(err);
        }
    }
    lt_buf_done(&words);
    lt_buf_done(&widen);
    lt_buf_done(&quoted);
    return status;
}

int pg_own_labels(struct pg_conn *conn, const struct pg_own_wish *wish,
                  const struct ArrowSchema *field, uint32_t oid, struct leat_error *err)
{
    const struct lt_json_value *root;
    struct lt_json_doc *doc = NULL;
    int status = take_doc(wish, field, &root, err);
    const struct lt_json_value *def = status || !root ? NULL : def_of(root, under_domains(root));
    if (!def || strcmp(pg_def_text(def, "kind"), "enum") != 0 ||
        pg_own_find(wish->types, pg_def_text(def, "ns"), pg_def_text(def, "name"))) {
        return status;
    }
    status = pg_define_type(conn, oid, wish->ns, &doc, err);
    const struct lt_json_value *here = lt_json_at(lt_json_get(lt_json_root(doc), "types"), 0);
    if (!status && here) {
        status = plan_labels(wish, def, here, err);
    }
    lt_json_doc_free(doc);
    return status;
}

/* --- making ---------------------------------------------------------------------------------- */

/* Somebody else may have made it since it was planned. */
static int make_one(struct pg_conn *conn, const char *ns, struct pg_own_types *types,
                    struct pg_own_type *type, struct leat_error *err)
{
    const char *params[] = {type->quoted};
    char oid[16];
    struct lt_json_doc *doc = NULL;
    struct lt_buf words = LT_BUF_INIT, widen = LT_BUF_INIT;
    enum pg_type_match match = PG_TYPE_SAME;
    int status = pg_value(conn, "SELECT pg_catalog.to_regtype($1)::pg_catalog.oid", 1, params, oid,
                          sizeof oid, err);
    if (!status && !*oid) {
        status = pg_exec(conn, type->make, err);
    } else if (!status) {
        status = pg_define_type(conn, (uint32_t)strtoul(oid, NULL, 10), ns, &doc, err);
        const struct lt_json_value *defs = lt_json_get(lt_json_root(doc), "types");
        if (!status && pg_own_compare(types, type->def, lt_json_at(defs, lt_json_count(defs) - 1),
                                      type->quoted, &match, &words, &widen)) {
            status = lt_fail_oom(err);
        }
        if (!status && match != PG_TYPE_SAME) {
            status = fail_other(type->quoted, lt_buf_text(&words), lt_buf_text(&widen), err);
        }
    }
    if (status) {
        leat_error_place(err, "type %s", type->quoted);
    }
    lt_json_doc_free(doc);
    lt_buf_done(&words);
    lt_buf_done(&widen);
    return status;
}

/* Under a lock that every leat takes: no two of them make the same type at a time. */
static int make_all(struct pg_conn *conn, const char *ns, struct pg_own_types *types,
                    struct leat_error *err)
{
    struct lt_buf begin = LT_BUF_INIT;
    int failed = lt_buf_puts(&begin, "BEGIN; ") |
                 (pg_pooled(conn->ep) ? pg_settings(conn, true, &begin) : LEAT_OK) |
                 lt_buf_printf(&begin, "SELECT pg_catalog.pg_advisory_xact_lock(%" PRId64 ")",
                               pg_lock_key("types", ""));
    const char *names[] = {ns};
    PGresult *set = NULL;
    int status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&begin), err);
    status = status ? status
                    : pg_query(conn,
                               "SELECT pg_catalog.set_config('search_path', "
                               "pg_catalog.concat_ws(', ', pg_catalog.quote_ident($1), "
                               "pg_catalog.current_setting('search_path')), true)",
                               1, names, &set, err);
    pg_clear(conn, set);
    for (size_t i = 0; i < types->n && !status; i++) {
        if (types->items[i].make) {
            status = make_one(conn, ns, types, &types->items[i], err);
        }
    }
    status = status ? status : pg_exec(conn, "COMMIT", err);
    if (status && !conn->broken) {
        pg_exec(conn, "ROLLBACK", NULL);
    }
    lt_buf_done(&begin);
    return status;
}

/* Another program made one of that name in between. */
static bool is_duplicate(const struct leat_error *err)
{
    return !strcmp(err->sqlstate, "42710") || !strcmp(err->sqlstate, "23505");
}

/* Where the first of several statements ends: at a semicolon outside of quotes. */
static size_t first_statement(const char *sql)
{
    char quote = 0;
    size_t i = 0;
    for (; sql[i] && (quote || sql[i] != ';'); i++) {
        quote = quote ? (sql[i] == quote ? 0 : quote) : strchr("'\"", sql[i]) ? sql[i] : 0;
    }
    return i;
}

/* One by one: a label that is added in a transaction cannot be used there, and servers before 12 add
 * none in one. */
static int add_labels(struct pg_conn *conn, const char *sql, struct leat_error *err)
{
    int status = LEAT_OK;
    while (*sql && !status) {
        size_t len = first_statement(sql);
        status = pg_execf(conn, err, "%.*s", (int)len, sql);
        sql += len + (sql[len] == ';');
    }
    return status;
}

int pg_own_make(struct pg_conn *conn, const char *ns, struct pg_own_types *types,
                struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    int status = LEAT_OK;
    bool any = false;
    for (size_t i = 0; i < types->n; i++) {
        any = any || types->items[i].make;
    }
    for (int tried = 0; any && tried < 2; tried++) {
        why.status = LEAT_OK;
        status = make_all(conn, ns, types, &why);
        any = status && is_duplicate(&why);
    }
    for (size_t i = 0; i < types->n && !status; i++) {
        status = types->items[i].widen ? add_labels(conn, types->items[i].widen, &why) : LEAT_OK;
    }
    if (status && err) {
        *err = why;
    }
    for (size_t i = 0; i < types->n && !status; i++) {
        free(types->items[i].make);
        free(types->items[i].widen);
        types->items[i].make = types->items[i].widen = NULL;
    }
    return status;
}
