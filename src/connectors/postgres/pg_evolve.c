/* Columns that the stream has and the table lacks, or has of a narrower type: what the schema
 * policy says is planned here, and done in the transaction of the load. */
#include "connectors/postgres/pg_load.h"

#include "sql/evolve.h"
#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A stream's columns and what becomes of the table's. */
struct evolving {
    struct ArrowSchema kept;     /* of the stream: all but those left out */
    struct ArrowSchema changing; /* as the table is to have them */
    enum lt_column_change *changes;
    int64_t n_changing;
    struct lt_buf alter;
    struct lt_drift drift;
};

/* A type of users' own is held against the one that leat would give the column here. */
static int find_same(struct pg_conn *conn, struct pg_target *target, const struct pg_table *table,
                     const struct ArrowSchema *field, bool *ret_same, struct leat_error *err)
{
    const struct pg_own_wish wish = pg_own_wish_of(target);
    int64_t at = lt_schema_find(&table->schema, field->name);
    *ret_same = false;
    return at < 0 ? LEAT_OK
                  : pg_own_is(conn, &wish, field, table->columns[at].declared_oid, ret_same, err);
}

static int decide(struct evolving *e, const struct ArrowSchema *field, struct leat_error *err)
{
    struct ArrowSchema copy = {.release = NULL}, wanted = {.release = NULL};
    enum lt_column_change change;
    int status = lt_drift_column(&e->drift, field, &change, &wanted, err);
    if (!status && change == LT_COLUMN_LEFT_OUT) {
        return LEAT_OK;
    }
    status = status ? status : lt_schema_copy(field, &copy, err);
    status = status ? status : lt_schema_add(&e->kept, &copy, err);
    if (!status && change != LT_COLUMN_AS_IS) {
        static const char *const not_its_own[] = {LT_META_KEY, LT_META_IDENTITY};
        for (size_t i = 0; i < LT_ARRAY_LEN(not_its_own) && !status; i++) {
            status = lt_schema_set_meta(&wanted, not_its_own[i], NULL, err);
        }
        e->changes[e->n_changing++] = change;
        status = status ? status : lt_schema_add(&e->changing, &wanted, err);
    }
    lt_schema_done(&copy);
    lt_schema_done(&wanted);
    return status;
}

/* Whether the type's name begins so. */
static bool is_of(const char *type, const char *name)
{
    return !strncmp(type, name, strlen(name));
}

/* Other digits before the point need no new rows, where those behind it stay; nor do longer texts
 * and bits, and finer times. */
static bool rewrites(const char *from, const char *to)
{
    static const char *const longer[][2] = {{"character varying", "character varying"},
                                            {"character varying", "text"},
                                            {"bit varying", "bit varying"},
                                            {"timestamp", "timestamp"},
                                            {"time", "time"},
                                            {"interval", "interval"}};
    const char *a = strchr(from, ','), *b = strchr(to, ',');
    bool list = strstr(from, "[]") != NULL, same = false;
    for (size_t i = 0; i < LT_ARRAY_LEN(longer); i++) {
        same = same || (is_of(from, longer[i][0]) && is_of(to, longer[i][1]));
    }
    same = same || (is_of(from, "numeric") && is_of(to, "numeric") &&
                    (!strcmp(to, "numeric") || (a && b && !strcmp(a, b))));
    return list || !same;
}

/* Column i of `made` takes its place in the table, or a new one at its end. */
static int put_column(struct pg_table *table, struct pg_table *made, int64_t i,
                      struct leat_error *err)
{
    int64_t at = lt_schema_find(&table->schema, made->schema.children[i]->name);
    if (at >= 0) {
        struct ArrowSchema *old = table->schema.children[at], *new = made->schema.children[i];
        new->flags =
            (new->flags & ~(int64_t)ARROW_FLAG_NULLABLE) | (old->flags & ARROW_FLAG_NULLABLE);
        table->schema.children[at] = new;
        made->schema.children[i] = old;
        struct pg_column column = table->columns[at];
        table->columns[at] = made->columns[i];
        made->columns[i] = column;
        return LEAT_OK;
    }
    struct pg_column *columns =
        realloc(table->columns, ((size_t)table->n_columns + 1) * sizeof *columns);
    if (!columns) {
        return lt_fail_oom(err);
    }
    table->columns = columns;
    struct ArrowSchema copy = {.release = NULL};
    int status = lt_schema_copy(made->schema.children[i], &copy, err);
    status = status ? status : lt_schema_add(&table->schema, &copy, err);
    lt_schema_done(&copy);
    if (!status) {
        columns[table->n_columns++] = made->columns[i];
        made->columns[i].type_text = NULL;
    }
    return status;
}

static int change_column(struct evolving *e, const struct pg_target *target, struct pg_table *table,
                         struct pg_table *made, int64_t i, struct leat_error *err)
{
    const char *name = made->schema.children[i]->name, *type = made->columns[i].type_text;
    int64_t at = lt_schema_find(&table->schema, name);
    const char *old = at >= 0 ? table->columns[at].type_text : "";
    char what[LT_DIALECT_TYPE_MAX * 2];
    if (!strcmp(old, type)) {
        return LEAT_OK; /* no wider type after all */
    }
    if (at < 0) {
        snprintf(what, sizeof what, "is added as %s", type);
    } else {
        snprintf(what, sizeof what, "becomes %s from %s%s", type, old,
                 rewrites(old, type) ? ", which rewrites the table" : "");
    }
    bool failed =
        lt_drift_say(&e->drift, name, what) ||
        lt_evolve_sql(&lt_dialect_postgres, target->quoted, name, e->changes[i], type, &e->alter);
    return failed ? lt_fail_oom(err) : put_column(table, made, i, err);
}

/* Whoever may load a table need not be allowed to alter it. */
static int check_owner(struct pg_conn *conn, const struct pg_target *target, const char *alter,
                       struct leat_error *err)
{
    char oid[16], text[8];
    const char *params[] = {oid};
    snprintf(oid, sizeof oid, "%u", target->oid);
    int status = pg_value(conn,
                          "SELECT pg_catalog.pg_has_role(relowner, 'USAGE') FROM "
                          "pg_catalog.pg_class WHERE oid = $1::oid",
                          1, params, text, sizeof text, err);
    if (!status && *text != 't') {
        status = lt_fail(err, LT_E_DENIED,
                         "the table lacks columns of the stream, and the login may not alter it");
        leat_error_remedy(err, "%s", alter);
    }
    return status;
}

/* The changes, one after the other; those before (a tombstone) stay. */
static int change_table(struct pg_conn *conn, struct evolving *e, struct pg_target *target,
                        struct pg_table *table, struct leat_error *err)
{
    struct pg_table made = {0};
    int status = e->n_changing ? pg_describe_new(conn, target, &e->changing, &made, err) : LEAT_OK;
    if (!status && target->alter && lt_buf_puts(&e->alter, target->alter)) {
        status = lt_fail_oom(err);
    }
    for (int64_t i = 0; i < e->n_changing && !status; i++) {
        status = change_column(e, target, table, &made, i, err);
    }
    pg_table_done(&made);
    if (!status && e->alter.len) {
        status = check_owner(conn, target, lt_buf_text(&e->alter), err);
        free(target->alter);
        target->alter = lt_buf_take(&e->alter);
        status = status || target->alter ? status : lt_fail_oom(err);
    }
    if (!status && e->drift.words.len && !(target->drift = lt_buf_take(&e->drift.words))) {
        status = lt_fail_oom(err);
    }
    return status;
}

int pg_evolve(struct pg_conn *conn, struct pg_target *target, struct ArrowSchema *incoming,
              struct pg_table *table, struct leat_error *err)
{
    struct evolving e = {
        .drift = {.dialect = &lt_dialect_postgres,
                  .policy = target->policy,
                  .quoted = target->quoted,
                  .table = &table->schema,
                  .keys = (const char *const *)(target->merge ? target->merge->keys : NULL),
                  .n_keys = target->merge ? target->merge->n_keys : 0}};
    e.changes = calloc((size_t)incoming->n_children + 1, sizeof *e.changes);
    int status = e.changes ? lt_schema_init_struct(&e.kept, 0, err) : lt_fail_oom(err);
    status = status ? status : lt_schema_init_struct(&e.changing, 0, err);
    for (int64_t i = 0; i < incoming->n_children && !status; i++) {
        const struct ArrowSchema *field = incoming->children[i];
        status = find_same(conn, target, table, field, &e.drift.same, err);
        status = status ? status : decide(&e, field, err);
    }
    status = status ? status : lt_drift_end(&e.drift, incoming, err);
    status = status ? status : change_table(conn, &e, target, table, err);
    if (!status) {
        lt_schema_done(incoming);
        lt_schema_move(&e.kept, incoming);
    }
    lt_schema_done(&e.kept);
    lt_schema_done(&e.changing);
    free(e.changes);
    lt_buf_done(&e.alter);
    lt_drift_done(&e.drift);
    return status;
}

/* What depends on a column keeps its type: views, rules, generated columns, policies. */
int pg_alter(struct pg_conn *conn, const struct pg_target *target, struct leat_error *err)
{
    static const char *const depends[] = {"0A000", "42601", "2BP01"};
    int status = pg_exec(conn, target->alter, err);
    for (size_t i = 0; i < LT_ARRAY_LEN(depends) && status && err; i++) {
        if (!strcmp(err->sqlstate, depends[i]) && strstr(target->alter, " TYPE ")) {
            leat_error_remedy(err, "--schema ignore keeps the table's narrower types and checks "
                                   "each value; or drop what depends on the column, and make it "
                                   "again afterwards");
        }
    }
    return status;
}
