/* How a load would be done: the table's definition, what may be overwritten, what is to be cast. */
#include "connectors/sqlite/internal.h"

#include "core/json_read.h"
#include "core/util.h"
#include "sql/extras.h"

#include <stdlib.h>
#include <strings.h>

#include "core/banned.h"

/* --- definitions --------------------------------------------------------------------------- */

/* The field as SQLite can take it: dictionaries and views by what they hold; nanoseconds get type
 * names of their own, so that reading knows of them. */
static int take_field(const struct ArrowSchema *from, struct ArrowSchema *ret_field,
                      struct leat_error *err)
{
    struct lt_type type;
    struct ArrowSchema field = {.release = NULL};
    const char *name = from->name ? from->name : "";
    int status = lt_type_of(from, &type, err);
    status = status
                 ? status
                 : lt_schema_copy(type.id == LT_DICTIONARY ? from->dictionary : from, &field, err);
    status = status ? status : lt_schema_set_name(&field, name, err);
    status = status ? status : lt_type_of(&field, &type, err);
    if (!status) {
        field.flags = from->flags;
    }
    if (!status && (type.id == LT_UTF8_VIEW || type.id == LT_BINARY_VIEW)) {
        status = lt_schema_set_format(&field, type.id == LT_UTF8_VIEW ? "u" : "z", err);
    }
    if (!status && type.unit == LT_NANO && (type.id == LT_TIMESTAMP || type.id == LT_TIME64)) {
        bool zoned = type.id == LT_TIMESTAMP && type.zone && *type.zone;
        status = lt_schema_set_meta(&field, LT_META_SOURCE_TYPE,
                                    type.id == LT_TIME64 ? "sqlite:TIME_NS"
                                    : zoned              ? "sqlite:TIMESTAMPTZ_NS"
                                                         : "sqlite:TIMESTAMP_NS",
                                    err);
    }
    if (!status) {
        lt_schema_move(&field, ret_field);
    }
    lt_schema_done(&field);
    return status;
}

/* SQLite folds the case of column names (ASCII only). */
static int check_names(const struct ArrowSchema *schema, struct leat_error *err)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        for (int64_t k = 0; k < i; k++) {
            if (!strcasecmp(schema->children[i]->name, schema->children[k]->name)) {
                return lt_fail(err, LT_E_DUPLICATE_COLUMN,
                               "\"%s\" and \"%s\" are one name to SQLite",
                               schema->children[k]->name, schema->children[i]->name);
            }
        }
    }
    return LEAT_OK;
}

static int take_schema(const struct ArrowSchema *from, struct ArrowSchema *ret_schema,
                       struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    int status = lt_schema_init_struct(&schema, 0, err);
    for (int64_t i = 0; i < from->n_children && !status; i++) {
        struct ArrowSchema field = {.release = NULL};
        status = take_field(from->children[i], &field, err);
        status = status ? status : lt_schema_add(&schema, &field, err);
        lt_schema_done(&field);
    }
    status = status ? status : check_names(&schema, err);
    if (status) {
        lt_schema_done(&schema);
        return status;
    }
    lt_schema_move(&schema, ret_schema);
    return LEAT_OK;
}

/* "a", "b" of a JSON array of names; false when it is anything else, or names a column that
 * `schema` (NULL: not asked) lacks. */
static bool put_names(const struct lt_json_value *names, const struct ArrowSchema *schema,
                      struct lt_buf *sql)
{
    for (size_t i = 0; i < lt_json_count(names); i++) {
        const char *text = lt_json_string(lt_json_at(names, i), NULL);
        if (!text || (schema && lt_schema_find(schema, text) < 0) ||
            lt_buf_puts(sql, i ? ", " : "") || lt_sq_quote(sql, text)) {
            return false;
        }
    }
    return lt_json_count(names) > 0;
}

static bool put_action(const struct lt_json_value *key, const char *member, const char *words,
                       struct lt_buf *sql)
{
    static const char *const actions[] = {"NO ACTION", "RESTRICT", "CASCADE", "SET NULL",
                                          "SET DEFAULT"};
    const char *action = lt_json_string(lt_json_get(key, member), NULL);
    for (size_t i = 0; action && i < LT_ARRAY_LEN(actions); i++) {
        if (!strcasecmp(action, actions[i])) {
            return i == 0 || !lt_buf_printf(sql, " %s %s", words, actions[i]);
        }
    }
    return true; /* absent or unknown: SQLite's default */
}

/* Adds the keys that name columns of this table to a CREATE TABLE that ends in ")". The metadata
 * may come from a file, so that only names and known words of it reach the statement. */
static int put_foreign_keys(const struct ArrowSchema *schema, struct lt_buf *sql,
                            struct leat_error *err)
{
    size_t len = 0;
    const char *text = lt_schema_meta(schema, "leat.foreign_keys", &len);
    struct lt_json_doc *doc = NULL;
    int failed = 0;
    if (!text || lt_json_doc_parse(text, len, &doc, NULL)) {
        return LEAT_OK;
    }
    const struct lt_json_value *keys = lt_json_root(doc);
    sql->len--; /* the closing parenthesis */
    for (size_t i = 0; i < lt_json_count(keys); i++) {
        const struct lt_json_value *key = lt_json_at(keys, i);
        struct lt_buf clause = LT_BUF_INIT;
        const char *table = lt_json_string(lt_json_get(key, "ref_table"), NULL);
        const struct lt_json_value *columns = lt_json_get(key, "columns");
        const struct lt_json_value *references = lt_json_get(key, "ref_columns");
        bool good = table && !lt_buf_puts(&clause, ", FOREIGN KEY (") &&
                    put_names(columns, schema, &clause) && !lt_buf_puts(&clause, ") REFERENCES ") &&
                    !lt_sq_quote(&clause, table);
        if (good && lt_json_count(references)) {
            good = !lt_buf_puts(&clause, " (") && put_names(references, NULL, &clause) &&
                   !lt_buf_puts(&clause, ")");
        }
        good = good && put_action(key, "on_delete", "ON DELETE", &clause) &&
               put_action(key, "on_update", "ON UPDATE", &clause);
        failed |= good ? lt_buf_append(sql, clause.data, clause.len) : LEAT_OK;
        lt_buf_done(&clause);
    }
    failed |= lt_buf_byte(sql, ')');
    lt_json_doc_free(doc);
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

/* A whole number that is the primary key by itself is declared INTEGER, whatever its width: that
 * makes it the row's number, which every look-up by key is faster for (SQLite documentation,
 * "CREATE TABLE", ROWIDs and the INTEGER PRIMARY KEY). */
static int make_rowid_key(struct ArrowSchema *schema, struct leat_error *err)
{
    struct lt_type type;
    int64_t key = -1;
    for (int64_t i = 0; i < schema->n_children; i++) {
        char place[24];
        if (lt_schema_meta_text(schema->children[i], LT_META_KEY, place, sizeof place)) {
            if (key >= 0) {
                return LEAT_OK;
            }
            key = i;
        }
    }
    int status = key < 0 ? LEAT_OK : lt_type_of(schema->children[key], &type, err);
    bool small = key >= 0 && !status && lt_type_is_integer(type.id) && type.id != LT_UINT64;
    return small ? lt_schema_set_format(schema->children[key], "l", err) : status;
}

/* Columns of a table that is not there yet. */
static int new_schema(const struct leat_write_stream *want, struct ArrowSchema *ret_schema,
                      struct leat_error *err)
{
    struct ArrowSchema incoming = {.release = NULL}, schema = {.release = NULL};
    int status = take_schema(want->schema, &incoming, err);
    status = status ? status : lt_sq_new_columns(want, &incoming, &schema, err);
    status = status ? status : make_rowid_key(&schema, err);
    status = status ? status : lt_defaults_fit(&lt_dialect_sqlite, &schema, NULL, NULL, NULL, err);
    lt_schema_done(&incoming);
    if (status) {
        lt_schema_done(&schema);
        return status;
    }
    lt_schema_move(&schema, ret_schema);
    return LEAT_OK;
}

int lt_sq_ddl(const struct leat_write_stream *want, int64_t column, char **ret_text,
              struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    struct lt_buf text = LT_BUF_INIT;
    int status = column < 0 ? lt_sq_create_sql(want, &text, err) : new_schema(want, &schema, err);
    if (!status && column >= 0) {
        status = column < schema.n_children
                     ? lt_dialect_type(&lt_dialect_sqlite, schema.children[column], &text, err)
                     : lt_fail(err, LT_E_INVALID, "the stream has no such column");
    }
    if (!status && !(*ret_text = lt_buf_take(&text))) {
        status = lt_fail_oom(err);
    }
    lt_schema_done(&schema);
    lt_buf_done(&text);
    return status;
}

int lt_sq_create_sql(const struct leat_write_stream *want, struct lt_buf *sql,
                     struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    struct lt_buf name = LT_BUF_INIT;
    int status = new_schema(want, &schema, err);
    if (!status && lt_sq_quote(&name, want->name.name)) {
        status = lt_fail_oom(err);
    }
    if (!status && schema.n_children == 0) {
        status = lt_fail(err, LT_E_UNSUPPORTED, "SQLite has no tables without columns");
    }
    status = status ? status
                    : lt_dialect_create_table(&lt_dialect_sqlite, lt_buf_text(&name), &schema, NULL,
                                              sql, err);
    status = status ? status : put_foreign_keys(want->schema, sql, err);
    lt_schema_done(&schema);
    lt_buf_done(&name);
    return status;
}

/* --- existing tables ----------------------------------------------------------------------- */

/* Replacing without being told to is only for what is empty, or was written from this source. */
static int check_may_replace(struct leat_endpoint *ep, struct sq_conn *conn,
                             const struct leat_write_stream *want, struct leat_load_stream *stream,
                             struct leat_error *err)
{
    bool ours = false;
    int status = lt_sq_state_ours(conn, want->name.name, want->source_id, &ours, err);
    if (status) {
        return status;
    }
    stream->ours = ours && !ep->no_state;
    if (want->mode == LEAT_REPLACE && !(want->flags & LEAT_WRITE_FORCE) && !ours &&
        stream->rows_before != 0) {
        char count[LT_HUMAN_MAX];
        return lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS,
                       "%s holds %s row%s that leat did not write from this source",
                       want->name.name, lt_human_count(stream->rows_before, count),
                       stream->rows_before == 1 ? "" : "s");
    }
    return LEAT_OK;
}

bool lt_sq_is_recreated(const struct leat_write_stream *want)
{
    return want->mode == LEAT_REPLACE && (want->flags & LEAT_WRITE_RECREATE);
}

static const char keyed_route[] = "into a temporary table, merged by key in one transaction";

static int plan_existing(struct leat_endpoint *ep, struct sq_conn *conn, struct sq_table *table,
                         const struct leat_write_stream *want, const struct ArrowSchema *incoming,
                         struct leat_load_stream *stream, struct lt_buf *ddl,
                         struct leat_error *err)
{
    if (table->view) {
        return lt_fail(err, LT_E_INVALID, "\"%s\" is a view, which cannot be loaded", table->name);
    }
    stream->exists = true;
    int failed = LEAT_OK;
    bool recreate = lt_sq_is_recreated(want);
    int status = lt_sq_rows(conn, table, &stream->rows_before, err);
    status = status ? status : check_may_replace(ep, conn, want, stream, err);
    if (status) {
        return status;
    }
    if (recreate) {
        failed |= lt_buf_puts(ddl, "DROP TABLE ");
        failed |= lt_sq_quote(ddl, table->name);
        failed |= lt_buf_puts(ddl, "; ");
        status = lt_sq_create_sql(want, ddl, err);
        status = status ? status : lt_schema_copy(incoming, &stream->schema, err);
    } else {
        if (want->mode == LEAT_REPLACE) {
            failed |= lt_buf_puts(ddl, "DELETE FROM ");
            failed |= lt_sq_quote(ddl, table->name);
        }
        status = lt_sq_match(want, table, incoming, &stream->schema, ddl, &stream->drift, err);
    }
    if (!status && failed) {
        status = lt_fail_oom(err);
    }
    stream->route = lt_strdup(recreate                     ? "drop, make and insert in one "
                                                             "transaction"
                              : lt_sq_is_keyed(want->mode) ? keyed_route
                              : want->mode == LEAT_REPLACE ? "delete and insert in one transaction"
                                                           : "insert in one transaction");
    return status;
}

static int plan_absent(const struct leat_write_stream *want, const struct ArrowSchema *incoming,
                       struct leat_load_stream *stream, struct lt_buf *ddl, struct leat_error *err)
{
    int status = lt_sq_create_sql(want, ddl, err);
    status = status ? status : lt_schema_copy(incoming, &stream->schema, err);
    stream->rows_before = 0;
    stream->route =
        lt_strdup(lt_sq_is_keyed(want->mode) ? keyed_route : "make and insert in one transaction");
    return status;
}

static int check_wanted(const struct leat_write_stream *want, struct leat_error *err)
{
    struct sq_keys keys;
    int status = lt_sq_is_keyed(want->mode) ? lt_sq_keys(want, &keys, err) : LEAT_OK;
    if (status) {
        return status;
    }
    if (want->mode == LEAT_CHANGES && (!want->op || lt_schema_find(want->schema, want->op) < 0)) {
        return lt_fail(err, LT_E_INVALID, "no column says what each change is");
    }
    if (!want->name.name || !*want->name.name) {
        return lt_fail(err, LT_E_INVALID, "no destination table was named");
    }
    if (want->name.ns && *want->name.ns && strcasecmp(want->name.ns, SQ_MAIN) != 0) {
        return lt_fail(err, LT_E_INVALID, "only the file itself is written to, not \"%s\"",
                       want->name.ns);
    }
    if (!strncasecmp(want->name.name, "sqlite_", 7) || !strncasecmp(want->name.name, "_leat_", 6)) {
        return lt_fail(err, LT_E_INVALID, "\"%s\" is a reserved name", want->name.name);
    }
    return LEAT_OK;
}

int lt_sq_plan_stream(struct leat_endpoint *ep, struct sq_conn *conn,
                      const struct leat_write_stream *want, struct leat_load_stream *ret_stream,
                      struct leat_error *err)
{
    struct leat_load_stream stream = {
        .size = sizeof stream, .payloads = LEAT_PAYLOAD_BATCH, .parts_max = 1};
    struct sq_table table = {.name = NULL};
    struct ArrowSchema incoming = {.release = NULL};
    struct lt_buf ddl = LT_BUF_INIT;
    int status = check_wanted(want, err);
    status = status ? status : take_schema(want->schema, &incoming, err);
    if (!status) {
        /* A table that is not there yet is no error to tell. */
        struct leat_error why = {.status = LEAT_OK};
        int found = conn ? lt_sq_table(conn, NULL, want->name.name, &table, &why) : LEAT_NOT_FOUND;
        if (found && found != LEAT_NOT_FOUND && err) {
            *err = why;
        }
        status = found == LEAT_NOT_FOUND ? plan_absent(want, &incoming, &stream, &ddl, err)
                 : found                 ? found
                         : plan_existing(ep, conn, &table, want, &incoming, &stream, &ddl, err);
    }
    if (!status && ddl.len) {
        stream.ddl = lt_buf_take(&ddl);
    }
    if (!status && (!stream.route || (ddl.len && !stream.ddl))) {
        status = lt_fail_oom(err);
    }
    if (status) {
        leat_error_place(err, "%s", want->name.name ? want->name.name : "");
        lt_sq_plan_stream_done(&stream);
    } else {
        *ret_stream = stream;
    }
    lt_sq_table_done(&table);
    lt_schema_done(&incoming);
    lt_buf_done(&ddl);
    return status;
}

void lt_sq_plan_stream_done(struct leat_load_stream *stream)
{
    lt_schema_done(&stream->schema);
    free(stream->ddl);
    free(stream->route);
    free(stream->drift);
    stream->ddl = stream->route = stream->drift = NULL;
}

/* --- the plan ------------------------------------------------------------------------------ */

int lt_sq_plan(struct leat_endpoint *ep, const struct leat_write_plan *want,
               struct leat_load_plan *ret_plan, struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    struct leat_load_plan plan = {.size = sizeof plan,
                                  .atomicity = LEAT_ATOMIC_LOAD,
                                  .serial = true,
                                  .state = (void *)(uintptr_t)want};
    int status = LEAT_OK;
    if (want->shared) {
        return lt_fail(err, LT_E_UNSUPPORTED, "a SQLite load cannot be shared by processes");
    }
    if (ep->mode >= SQ_READ_ONLY) {
        return lt_fail(err, LT_E_DENIED, "%s was opened only to be read", ep->path);
    }
    if (lt_sq_exists(ep) || ep->mode == SQ_READ_WRITE) {
        status = lt_sq_own(ep, &conn, err);
    }
    plan.streams = calloc(want->n_streams + 1, sizeof *plan.streams);
    if (!status && !plan.streams) {
        status = lt_fail_oom(err);
    }
    for (size_t i = 0; i < want->n_streams && !status; i++) {
        status = lt_sq_plan_stream(ep, conn, &want->streams[i], &plan.streams[i], err);
        plan.n_streams += !status;
        if (!status && (!plan.streams[i].exists || lt_sq_is_recreated(&want->streams[i]))) {
            status = lt_sq_tell_left_out(ep, &want->streams[i], err);
        }
    }
    if (status) {
        lt_sq_plan_release(&plan);
        return status;
    }
    *ret_plan = plan;
    return LEAT_OK;
}

void lt_sq_plan_release(struct leat_load_plan *plan)
{
    for (size_t i = 0; i < plan->n_streams; i++) {
        lt_sq_plan_stream_done(&plan->streams[i]);
    }
    free(plan->streams);
    plan->streams = NULL;
    plan->n_streams = 0;
}
