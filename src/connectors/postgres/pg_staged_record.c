/* What is recorded of a staged load, so that any process can take part in it, take it over or tell
 * what became of it. */
#include "connectors/postgres/pg_load.h"

#include "core/json.h"
#include "core/json_read.h"
#include "sql/postgres.h"

#include <stdio.h>
#include <stdlib.h>

static void put_names(struct lt_json *json, const char *key, char *const *names)
{
    lt_json_key(json, key);
    lt_json_array(json);
    for (; *names; names++) {
        lt_json_text(json, *names);
    }
    lt_json_array_end(json);
}

static void put_text(struct lt_json *json, const char *key, const char *text)
{
    if (text) {
        lt_json_key(json, key);
        lt_json_text(json, text);
    }
}

static void describe_merge(const struct pg_target *target, struct lt_json *json)
{
    lt_json_key(json, "merge");
    lt_json_object(json);
    put_names(json, "keys", target->merge->keys);
    put_names(json, "cursor", target->merge->cursor);
    put_text(json, "op", target->merge->op);
    put_text(json, "deleted", target->merge->deleted);
    put_text(json, "create", target->create);
    lt_json_key(json, "from_cursor");
    lt_json_int(json, target->merge->from_cursor);
    lt_json_key(json, "fresh");
    lt_json_int(json, target->fresh);
    lt_json_object_end(json);
}

/* The columns, so that a load can be told from one that would fill its table otherwise. */
static void describe_columns(const struct pg_target *target, struct lt_json *json)
{
    lt_json_key(json, "columns");
    lt_json_array(json);
    for (int64_t i = 0; i < target->table.n_columns; i++) {
        lt_json_array(json);
        lt_json_text(json, target->table.schema.children[i]->name);
        lt_json_text(json, target->table.columns[i].type_text);
        lt_json_bool(json, target->table.schema.children[i]->flags & ARROW_FLAG_NULLABLE);
        lt_json_array_end(json);
    }
    lt_json_array_end(json);
}

int pg_staged_describe(const struct pg_target *target, struct lt_buf *out)
{
    struct lt_json json = {.out = out};
    lt_json_object(&json);
    lt_json_key(&json, "mode");
    lt_json_int(&json, target->mode);
    lt_json_key(&json, "flags");
    lt_json_int(&json, target->flags);
    lt_json_key(&json, "route");
    lt_json_int(&json, target->route);
    lt_json_key(&json, "oid");
    lt_json_int(&json, target->oid);
    lt_json_key(&json, "rows_before");
    lt_json_int(&json, target->rows_before);
    lt_json_key(&json, "bytes");
    lt_json_int(&json, target->bytes);
    lt_json_key(&json, "source_id");
    lt_json_text(&json, target->source_id);
    lt_json_key(&json, "keys");
    lt_json_array(&json);
    for (size_t k = 0; k < target->n_keys; k++) {
        lt_json_text(&json, target->keys[k]);
    }
    lt_json_array_end(&json);
    lt_json_key(&json, "identity");
    lt_json_object(&json);
    for (int64_t i = 0; i < target->table.n_columns; i++) {
        char kind[16];
        const struct ArrowSchema *field = target->table.schema.children[i];
        if (lt_schema_meta_text(field, LT_META_IDENTITY, kind, sizeof kind)) {
            lt_json_key(&json, field->name);
            lt_json_text(&json, kind);
        }
    }
    lt_json_object_end(&json);
    describe_columns(target, &json);
    put_text(&json, "alter", target->alter);
    lt_json_key(&json, "indexes");
    lt_indexes_put(&target->indexes, &json);
    if (target->merge) {
        describe_merge(target, &json);
    }
    lt_json_object_end(&json);
    return json.failed;
}

static int record_stream(struct leat_load *load, size_t stream, struct leat_error *err)
{
    const struct pg_target *target = &load->plan->targets[stream];
    struct lt_buf plan = LT_BUF_INIT;
    char number[24];
    snprintf(number, sizeof number, "%zu", stream);
    int status = pg_staged_describe(target, &plan) ? lt_fail_oom(err) : LEAT_OK;
    const char *params[] = {load->plan->load_id, number,          target->ns,
                            target->name,        target->staging, lt_buf_text(&plan)};
    status = status
                 ? status
                 : pg_on_records(load->conn, load->plan->state_ns, "INSERT INTO ",
                                 " (load_id, stream, part, status, namespace, name, staging, plan) "
                                 "VALUES ($1, $2, -1, 'open', $3, $4, $5, $6)",
                                 6, params, NULL, err);
    lt_buf_done(&plan);
    return status;
}

int pg_staged_record(struct leat_load *load, struct leat_error *err)
{
    const char *params[] = {load->plan->load_id, load->plan->resume};
    int status = pg_on_records(load->conn, load->plan->state_ns, "INSERT INTO ",
                               " (load_id, stream, part, status, plan) VALUES ($1, -1, -1, "
                               "'open', pg_catalog.jsonb_build_object('resume', $2::text))",
                               2, params, NULL, err);
    for (size_t i = 0; i < load->plan->n_targets && !status; i++) {
        status = record_stream(load, i, err);
    }
    return status;
}

/* --- attach -------------------------------------------------------------------------------- */

/* Whoever frees the list finds its end by n, or by the NULL after it. */
static int parse_names(const struct lt_json_value *list, char ***names, size_t *n,
                       struct leat_error *err)
{
    size_t count = lt_json_count(list);
    *names = calloc(count + 1, sizeof **names);
    for (size_t i = 0; *names && i < count; i++) {
        (*names)[i] = lt_strdup(lt_json_string(lt_json_at(list, i), ""));
        if (!(*names)[i]) {
            return lt_fail_oom(err);
        }
        *n = i + 1;
    }
    return *names ? LEAT_OK : lt_fail_oom(err);
}

static int parse_text(const struct lt_json_value *object, const char *key, char **ret_text,
                      struct leat_error *err)
{
    const char *text = lt_json_string(lt_json_get(object, key), NULL);
    *ret_text = text ? lt_strdup(text) : NULL;
    return text && !*ret_text ? lt_fail_oom(err) : LEAT_OK;
}

static int parse_merge(struct pg_target *target, const struct lt_json_value *text,
                       struct leat_error *err)
{
    if (!text) {
        return pg_is_keyed(target->mode)
                   ? lt_fail(err, LT_E_CORRUPT, "the record of the load lacks its keys")
                   : LEAT_OK;
    }
    struct pg_merge *merge = target->merge = calloc(1, sizeof *merge);
    int status = merge ? LEAT_OK : lt_fail_oom(err);
    status =
        status ? status : parse_names(lt_json_get(text, "keys"), &merge->keys, &merge->n_keys, err);
    status = status
                 ? status
                 : parse_names(lt_json_get(text, "cursor"), &merge->cursor, &merge->n_cursor, err);
    status = status ? status : parse_text(text, "op", &merge->op, err);
    status = status ? status : parse_text(text, "deleted", &merge->deleted, err);
    status = status ? status : parse_text(text, "create", &target->create, err);
    if (!status) {
        merge->from_cursor = lt_json_integer(lt_json_get(text, "from_cursor"), 0) != 0;
        target->fresh = lt_json_integer(lt_json_get(text, "fresh"), 0) != 0;
    }
    return status || merge->n_keys
               ? status
               : lt_fail(err, LT_E_CORRUPT, "the record of the load lacks its keys");
}

static int parse_target(struct pg_target *target, const char *text, struct leat_error *err)
{
    struct lt_json_doc *doc = NULL;
    int status = lt_json_doc_parse(text, strlen(text), &doc, err);
    if (status) {
        return status;
    }
    const struct lt_json_value *plan = lt_json_root(doc);
    int64_t route = lt_json_integer(lt_json_get(plan, "route"), -1);
    int64_t mode = lt_json_integer(lt_json_get(plan, "mode"), LEAT_REPLACE);
    if (route < PG_ROUTE_CREATE || route > PG_ROUTE_MERGE || mode < LEAT_REPLACE ||
        mode > LEAT_HISTORY) {
        lt_json_doc_free(doc);
        return lt_fail(err, LT_E_CORRUPT, "the record of the load cannot be read");
    }
    target->mode = (enum leat_write_mode)mode;
    target->flags = (uint32_t)lt_json_integer(lt_json_get(plan, "flags"), 0);
    target->route = (enum pg_route)route;
    target->oid = (uint32_t)lt_json_integer(lt_json_get(plan, "oid"), 0);
    target->rows_before = lt_json_integer(lt_json_get(plan, "rows_before"), -1);
    target->bytes = lt_json_integer(lt_json_get(plan, "bytes"), 0) != 0;
    target->source_id = lt_strdup(lt_json_string(lt_json_get(plan, "source_id"), ""));
    status = target->source_id
                 ? parse_names(lt_json_get(plan, "keys"), &target->keys, &target->n_keys, err)
                 : lt_fail_oom(err);
    status = status ? status : parse_text(plan, "alter", &target->alter, err);
    status = status ? status : lt_indexes_take(lt_json_get(plan, "indexes"), &target->indexes, err);
    status = status ? status : parse_merge(target, lt_json_get(plan, "merge"), err);
    const struct lt_json_value *identity = lt_json_get(plan, "identity");
    for (int64_t i = 0; i < target->table.n_columns && !status; i++) {
        struct ArrowSchema *field = target->table.schema.children[i];
        const char *kind = lt_json_string(lt_json_get(identity, field->name), NULL);
        status = kind ? lt_schema_set_meta(field, LT_META_IDENTITY, kind, err) : LEAT_OK;
    }
    lt_json_doc_free(doc);
    return status;
}

static int attach_target(struct leat_load *load, const PGresult *result, int row,
                         struct leat_error *err)
{
    struct pg_conn *conn = load->conn;
    struct pg_target *target = &load->plan->targets[row];
    struct lt_buf quoted = LT_BUF_INIT;
    target->ns = lt_strdup(pg_cell(conn, result, row, 1));
    target->name = lt_strdup(pg_cell(conn, result, row, 2));
    int status = target->ns && target->name ? LEAT_OK : lt_fail_oom(err);
    if (atoi(pg_cell(conn, result, row, 0)) != row) {
        status = lt_fail(err, LT_E_CORRUPT, "the record of the load lacks a stream");
    }
    status = status ? status : pg_staged_name(target, load->plan->load_id, (size_t)row, err);
    struct leat_stream_name name = {target->ns, target->staging};
    status = status ? status : pg_describe(conn, &name, &target->table, err);
    status = status ? status : pg_merge_hide_sequence(&target->table, err);
    status = status ? status : parse_target(target, pg_cell(conn, result, row, 3), err);
    if (!status &&
        (lt_dialect_quote_name(&lt_dialect_postgres, target->ns, target->name, &quoted) ||
         !(target->quoted = lt_buf_take(&quoted)))) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&quoted);
    snprintf(target->table.ns, sizeof target->table.ns, "%s", target->ns ? target->ns : "");
    snprintf(target->table.name, sizeof target->table.name, "%s", target->name ? target->name : "");
    return status;
}

int pg_staged_attach(struct leat_load *load, const char *state_ns, struct leat_error *err)
{
    struct pg_plan *plan = load->plan;
    const char *params[] = {plan->load_id};
    PGresult *result = NULL;
    snprintf(plan->state_ns, sizeof plan->state_ns, "%s", state_ns);
    int status = pg_on_records(
        load->conn, state_ns,
        "WITH l AS (SELECT stream, part, status, namespace, name, plan, attempt FROM ",
        " WHERE load_id = $1 AND part = -1) SELECT stream, namespace, name, plan, "
        "(SELECT attempt FROM l WHERE stream = -1) FROM l WHERE stream >= 0 AND EXISTS (SELECT 1 "
        "FROM l WHERE "
        "stream = -1 AND status = 'open') ORDER BY stream",
        1, params, &result, err);
    int n = status ? 0 : pg_rows(load->conn, result);
    if (!status && !n) {
        status = leat_fail(err, LEAT_CONFLICT, "the load is over: it was committed or swept");
    }
    if (!status && !(plan->targets = calloc((size_t)n, sizeof *plan->targets))) {
        status = lt_fail_oom(err);
    }
    for (int i = 0; i < n && !status; i++) {
        plan->n_targets = (size_t)i + 1;
        load->epoch = atoi(pg_cell(load->conn, result, i, 4));
        status = attach_target(load, result, i, err);
    }
    pg_clear(load->conn, result);
    return status;
}

/* --- the row of the load, its fence ---------------------------------------------------------- */

int pg_staged_take_row(struct leat_load *load, bool *ret_already, struct leat_error *err)
{
    const char *params[] = {load->plan->load_id};
    PGresult *result = NULL;
    int status = pg_on_records(load->conn, load->plan->state_ns, "SELECT status, attempt FROM ",
                               " WHERE load_id = $1 AND stream = -1 AND part = -1 FOR UPDATE", 1,
                               params, &result, err);
    if (!status) {
        const char *text = pg_rows(load->conn, result) ? pg_cell(load->conn, result, 0, 0) : "";
        *ret_already = !strcmp(text, "committed");
        if (!*ret_already &&
            (strcmp(text, "open") != 0 || atoi(pg_cell(load->conn, result, 0, 1)) != load->epoch)) {
            status = leat_fail(err, LEAT_CONFLICT, "the load was swept: another run took over");
        }
    }
    pg_clear(load->conn, result);
    return status;
}

int pg_staged_mark_committed(struct leat_load *load, struct leat_error *err)
{
    const char *params[] = {load->plan->load_id};
    int status = pg_on_records(load->conn, load->plan->state_ns, "UPDATE ",
                               " SET status = 'committed' WHERE load_id = $1 AND stream = -1", 1,
                               params, NULL, err);
    return status ? status
                  : pg_on_records(load->conn, load->plan->state_ns, "DELETE FROM ",
                                  " WHERE load_id = $1 AND stream >= 0", 1, params, NULL, err);
}
