/* The staged protocol: parts of any process fill logged staging tables and commit by themselves;
 * the commit of the load checks every receipt against the records and moves the tables in.
 *
 * The fence is the load's row in _leat_load: commit takes it FOR UPDATE and goes on only while it
 * says 'open'; whoever sweeps the load says 'swept' first. */
#include "connectors/postgres/pg_load.h"

#include "core/json.h"
#include "core/json_read.h"
#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SWEEP_LOADS_MAX 1000

/* --- begin --------------------------------------------------------------------------------- */

int pg_staged_name(struct pg_target *target, const char *load_id, size_t stream,
                   struct leat_error *err)
{
    char key[PG_LOAD_ID_MAX + 32];
    struct lt_buf quoted = LT_BUF_INIT;
    int len = snprintf(key, sizeof key, "%s/%zu", load_id, stream);
    free(target->staging);
    target->staging = lt_format("_leat_s_%016" PRIx64, lt_hash(key, (size_t)len));
    if (!target->staging ||
        lt_dialect_quote_name(&lt_dialect_postgres, target->ns, target->staging, &quoted)) {
        lt_buf_done(&quoted);
        return lt_fail_oom(err);
    }
    free(target->copy_to);
    target->copy_to = lt_buf_take(&quoted);
    return target->copy_to ? LEAT_OK : lt_fail_oom(err);
}

static bool becomes_table(const struct pg_target *target)
{
    return target->route == PG_ROUTE_CREATE || target->route == PG_ROUTE_RECREATE;
}

/* Plain columns; keys and identities come at the commit, where the index is built at once and
 * names follow the final table's. */
static int create_staging(struct pg_conn *conn, const struct pg_target *target,
                          struct leat_error *err)
{
    if (target->route == PG_ROUTE_MERGE) {
        return pg_merge_staging(conn, target, false, target->copy_to, err);
    }
    struct lt_buf sql = LT_BUF_INIT;
    int failed = lt_buf_printf(&sql, "CREATE TABLE %s (", target->copy_to);
    for (int64_t i = 0; i < target->table.n_columns; i++) {
        const struct ArrowSchema *field = target->table.schema.children[i];
        failed |= lt_buf_puts(&sql, i ? ", " : "") | pg_ident(&sql, field->name);
        failed |= lt_buf_printf(&sql, " %s", target->table.columns[i].type_text);
        if (becomes_table(target) && !(field->flags & ARROW_FLAG_NULLABLE)) {
            failed |= lt_buf_puts(&sql, " NOT NULL");
        }
        failed |=
            becomes_table(target) ? lt_default_put(&lt_dialect_postgres, field, &sql) : LEAT_OK;
    }
    failed |= lt_buf_byte(&sql, ')');
    int status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    if (!status && becomes_table(target)) {
        status = pg_target_comments(conn, target, target->copy_to, err);
    }
    return status;
}

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

static int begin(struct leat_load *load, struct leat_error *err)
{
    if (load->found.taken) {
        return LEAT_OK;
    }
    int status = pg_exec(load->conn, "BEGIN", err);
    for (size_t i = 0; i < load->plan->n_targets && !status; i++) {
        status = pg_staged_name(&load->plan->targets[i], load->plan->load_id, i, err);
        status = status ? status : create_staging(load->conn, &load->plan->targets[i], err);
    }
    status = status ? status : pg_staged_record(load, err);
    return status ? status : pg_exec(load->conn, "COMMIT", err);
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

/* --- parts --------------------------------------------------------------------------------- */

static int read_receipt(struct leat_part *part, struct leat_error *err)
{
    char stream[16], number[16];
    const char *params[] = {part->load->plan->load_id, stream, number};
    PGresult *result = NULL;
    snprintf(stream, sizeof stream, "%u", part->id.stream);
    snprintf(number, sizeof number, "%u", part->id.part);
    int status =
        pg_on_records(part->conn, part->load->plan->state_ns, "SELECT attempt, rows, bytes FROM ",
                      " WHERE load_id = $1 AND stream = $2 AND part = $3", 3, params, &result, err);
    if (!status && pg_rows(part->conn, result) != 1) {
        status = leat_fail(err, LEAT_CONFLICT, "the record of the part vanished: the load is over");
    }
    if (!status) {
        pg_part_receipt(part, &part->earlier);
        part->earlier.id.attempt = (uint32_t)atoi(pg_cell(part->conn, result, 0, 0));
        part->earlier.rows_inserted = strtoll(pg_cell(part->conn, result, 0, 1), NULL, 10);
        part->earlier.bytes = strtoll(pg_cell(part->conn, result, 0, 2), NULL, 10);
    }
    pg_clear(part->conn, result);
    return status;
}

/* Holds the load as it is until the part is sealed: whoever takes it over or commits it waits, and
 * finds the part's record, or none and none of its rows. */
static int hold_load(struct leat_part *part, struct leat_error *err)
{
    char epoch[16];
    const char *params[] = {part->load->plan->load_id, epoch};
    PGresult *result = NULL;
    snprintf(epoch, sizeof epoch, "%d", part->load->epoch);
    int status = pg_on_records(part->conn, part->load->plan->state_ns, "SELECT 1 FROM ",
                               " WHERE load_id = $1 AND stream = -1 AND part = -1 AND status = "
                               "'open' AND attempt = $2 FOR SHARE",
                               2, params, &result, err);
    if (!status && pg_rows(part->conn, result) != 1) {
        status = leat_fail(err, LEAT_CONFLICT,
                           "the load is over: it was committed, swept or taken "
                           "over by another run");
    }
    pg_clear(part->conn, result);
    return status;
}

/* The part's record waits for an earlier attempt still at work, and finds one that is sealed. */
static int claim_part(struct leat_part *part, struct leat_error *err)
{
    char stream[16], number[16], attempt[16];
    const char *params[] = {part->load->plan->load_id, stream, number, attempt,
                            part->target->staging};
    PGresult *result = NULL;
    snprintf(stream, sizeof stream, "%u", part->id.stream);
    snprintf(number, sizeof number, "%u", part->id.part);
    snprintf(attempt, sizeof attempt, "%u", part->id.attempt);
    int status = pg_exec(part->conn, "BEGIN", err);
    status = status ? status : hold_load(part, err);
    status = status ? status
                    : pg_on_records(part->conn, part->load->plan->state_ns, "INSERT INTO ",
                                    " (load_id, stream, part, attempt, status, staging) VALUES "
                                    "($1, $2, $3, $4, 'sealed', $5) ON CONFLICT DO NOTHING",
                                    5, params, &result, err);
    if (!status) {
        part->found = !strcmp(part->conn->ep->pq->PQcmdTuples(result), "0");
    }
    pg_clear(part->conn, result);
    return status ? status : part->found ? read_receipt(part, err) : LEAT_OK;
}

static int part_open(struct leat_load *load, const struct leat_part_plan *plan,
                     struct leat_part **ret_part, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    struct leat_part *part = NULL;
    int status = pg_take(load->ep, &conn, err);
    status = status ? status : pg_part_new(load, plan, conn, &part, err);
    status = status ? status : claim_part(part, err);
    if (!status && !part->found) {
        status = pg_part_begin_copy(part, part->target->copy_to, err);
    }
    if (status) {
        pg_part_free(part);
        pg_give(conn);
        return status;
    }
    *ret_part = part;
    return LEAT_OK;
}

static int part_seal(struct leat_part *part, struct leat_receipt *ret_receipt,
                     struct leat_error *err)
{
    char stream[16], number[16], rows[24], bytes[24];
    const char *params[] = {part->load->plan->load_id, stream, number, rows, bytes};
    if (part->found) {
        part->sealed = true;
        *ret_receipt = part->earlier;
        return LEAT_OK;
    }
    int status = pg_step(part->load->ep, "postgres:part:seal:before", err);
    status = status ? status : pg_part_end_copy(part, err);
    snprintf(stream, sizeof stream, "%u", part->id.stream);
    snprintf(number, sizeof number, "%u", part->id.part);
    snprintf(rows, sizeof rows, "%" PRId64, part->rows);
    snprintf(bytes, sizeof bytes, "%" PRId64, part->bytes);
    status = status ? status
                    : pg_on_records(part->conn, part->load->plan->state_ns, "UPDATE ",
                                    " SET rows = $4, bytes = $5 WHERE load_id = $1 AND stream = $2 "
                                    "AND part = $3",
                                    5, params, NULL, err);
    status = status ? status : pg_exec(part->conn, "COMMIT", err);
    if (status) {
        return status;
    }
    part->sealed = true;
    status = pg_step(part->load->ep, "postgres:part:seal:after", err);
    if (!status) {
        pg_part_receipt(part, ret_receipt);
    }
    return status;
}

static void part_close(struct leat_part *part)
{
    struct pg_conn *conn = part->conn;
    pg_part_free(part);
    pg_give(conn); /* ends the COPY and rolls back what is not sealed */
}

/* --- commit -------------------------------------------------------------------------------- */

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

/* Sealed parts and receipts must be the same set with the same counts; `what` NULL: they are only
 * counted. */
static int check_parts(struct leat_load *load, const struct leat_commit *what,
                       struct leat_error *err)
{
    struct pg_conn *conn = load->conn;
    const char *params[] = {load->plan->load_id};
    PGresult *result = NULL;
    size_t known = 0;
    int status = pg_on_records(conn, load->plan->state_ns, "SELECT stream, part, rows FROM ",
                               " WHERE load_id = $1 AND part >= 0", 1, params, &result, err);
    int n = status ? 0 : pg_rows(conn, result);
    for (size_t i = 0; i < load->plan->n_targets; i++) {
        load->plan->targets[i].rows = 0;
    }
    for (int row = 0; row < n; row++) {
        uint32_t stream = (uint32_t)strtoul(pg_cell(conn, result, row, 0), NULL, 10);
        uint32_t part = (uint32_t)strtoul(pg_cell(conn, result, row, 1), NULL, 10);
        int64_t rows = strtoll(pg_cell(conn, result, row, 2), NULL, 10);
        for (size_t i = 0; what && i < what->n_receipts; i++) {
            const struct leat_receipt *receipt = &what->receipts[i];
            known += receipt->id.stream == stream && receipt->id.part == part &&
                     receipt->rows_inserted == rows;
        }
        if (stream < load->plan->n_targets) {
            load->plan->targets[stream].rows += rows;
        }
    }
    if (!status && what && (known != (size_t)n || known != what->n_receipts)) {
        status =
            lt_fail(err, LT_E_COUNT_MISMATCH,
                    "%zu receipts were given, of %d parts that are sealed", what->n_receipts, n);
    }
    pg_clear(conn, result);
    return status;
}

/* The staging table takes the final name, then what could only be made there. */
static int rename_in(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int failed = LEAT_OK;
    target->deleted = 0;
    if (target->route == PG_ROUTE_RECREATE) {
        target->deleted = target->rows_before;
        failed |= lt_buf_printf(&sql, "DROP TABLE %s; ", target->quoted);
    }
    failed |= lt_buf_printf(&sql, "ALTER TABLE %s RENAME TO ", target->copy_to);
    failed |= pg_ident(&sql, target->name);
    for (size_t k = 0; k < target->n_keys && !target->fresh && !target->key_after; k++) {
        failed |= k ? lt_buf_puts(&sql, ", ")
                    : lt_buf_printf(&sql, "; ALTER TABLE %s ADD PRIMARY KEY (", target->quoted);
        failed |= pg_ident(&sql, target->keys[k]);
    }
    failed |= lt_buf_puts(&sql, target->n_keys && !target->fresh && !target->key_after ? ")" : "");
    for (int64_t i = 0; i < target->table.n_columns; i++) {
        const struct ArrowSchema *field = target->table.schema.children[i];
        char kind[16];
        enum pg_wire wire = target->table.columns[i].wire;
        if (!lt_schema_meta_text(field, LT_META_IDENTITY, kind, sizeof kind) ||
            (wire != PG_WIRE_INT2 && wire != PG_WIRE_INT4 && wire != PG_WIRE_INT8)) {
            continue;
        }
        failed |= lt_buf_printf(&sql, "; ALTER TABLE %s ALTER COLUMN ", target->quoted);
        failed |= pg_ident(&sql, field->name) | lt_buf_puts(&sql, " SET NOT NULL, ALTER COLUMN ");
        failed |= pg_ident(&sql, field->name);
        failed |= lt_buf_printf(&sql, " ADD GENERATED %s AS IDENTITY",
                                !strcmp(kind, "always") ? "ALWAYS" : "BY DEFAULT");
    }
    int status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status ? status : pg_merge_fresh(conn, target, err);
}

/* Makes room in the table, or looks at it once more where there is nothing to make room for. */
static int make_room(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    if (becomes_table(target)) {
        return pg_target_plan_again(conn, target, err);
    }
    if (target->route == PG_ROUTE_MERGE) {
        return pg_merge_delete(conn, target, err);
    }
    return pg_target_prepare(conn, target, err);
}

static int fill(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    return becomes_table(target)             ? rename_in(conn, target, err)
           : target->route == PG_ROUTE_MERGE ? pg_merge_write(conn, target, err)
                                             : pg_target_fill(conn, target, err);
}

static int finish(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    int status = becomes_table(target) || target->route == PG_ROUTE_MERGE
                     ? LEAT_OK
                     : pg_execf(conn, err, "DROP TABLE %s", target->copy_to);
    status = status ? status : pg_extras_make(conn, target, err);
    return status ? status : pg_target_sequences(conn, target, err);
}

/* What was merged stays readable until the commit. */
static int drop_merged(struct leat_load *load, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < load->plan->n_targets && !status; i++) {
        const struct pg_target *target = &load->plan->targets[i];
        status = target->route == PG_ROUTE_MERGE
                     ? pg_execf(load->conn, err, "DROP TABLE %s", target->copy_to)
                     : LEAT_OK;
    }
    return status;
}

static void roll_back(struct leat_load *load)
{
    load->moved_in = false;
    if (!load->conn->broken) {
        pg_grace(load->conn, PG_CLEANUP_MS);
        pg_exec(load->conn, "ROLLBACK", NULL);
        pg_grace(load->conn, 0);
    }
}

static int move_in(struct leat_load *load, struct leat_error *err)
{
    static const struct {
        pg_target_fn *fn;
        bool backwards;
    } steps[] = {{make_room, true},
                 {pg_mirror_clear, true},
                 {fill, false},
                 {pg_target_delete_gone, true},
                 {pg_target_compare, false},
                 {finish, false}};
    size_t *order = NULL;
    if (load->moved_in) {
        return LEAT_OK;
    }
    int status = pg_order_targets(load->conn, load->plan, &order, err);
    for (size_t i = 0; i < LT_ARRAY_LEN(steps) && !status; i++) {
        status =
            pg_each_target(load->conn, load->plan, order, steps[i].backwards, steps[i].fn, err);
    }
    load->moved_in = !status;
    free(order);
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

static int commit_open(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                       struct leat_error *err)
{
    int status = load->moved_in ? LEAT_OK : pg_staged_take_row(load, ret_already, err);
    if (status || *ret_already) {
        return status;
    }
    status = check_parts(load, what, err);
    status = status ? status : move_in(load, err);
    status = status ? status : pg_check_counts(load->plan, what, err);
    status = status ? status : drop_merged(load, err);
    status = status ? status : pg_check_guards(load->plan, what, err);
    status = status ? status : pg_state_write(load->conn, load->plan, what, false, err);
    status = status ? status : pg_staged_mark_committed(load, err);
    return status ? status : pg_step(load->ep, "postgres:commit:state", err);
}

static int commit(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                  struct leat_error *err)
{
    *ret_already = load->committed;
    if (load->committed) {
        return LEAT_OK;
    }
    int status = pg_step(load->ep, "postgres:commit:before", err);
    status = status || load->moved_in ? status : pg_exec(load->conn, "BEGIN", err);
    if (status) {
        return status;
    }
    status = commit_open(load, what, ret_already, err);
    if (!status && !*ret_already) {
        status = pg_commit(load->conn, err);
        load->committed = !status;
        if (!status) {
            pg_tell_counts(load->plan, what);
        }
        return status;
    }
    load->committed = !status;
    roll_back(load);
    return status;
}

static int count_back(struct leat_load *load, uint32_t stream, int64_t *ret_rows,
                      struct leat_error *err)
{
    return pg_count_rows(load->conn, load->plan->targets[stream].copy_to, "", ret_rows, err);
}

/* What is merged cannot be told from what was there by the staging table: then the commit's
 * transaction begins here. */
static int read_back(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                     struct leat_error *err)
{
    struct pg_target *target = &load->plan->targets[stream];
    bool already = false;
    if (!target->merge) {
        target->proven = !becomes_table(target);
        return pg_target_read(load->conn, target, target->staging, target->copy_to, "", ret_reader,
                              err);
    }
    if (!load->moved_in) {
        int status = pg_exec(load->conn, "BEGIN", err);
        status = status ? status : pg_staged_take_row(load, &already, err);
        if (!status && already) {
            status = lt_fail(err, LT_E_INVALID, "the load is over");
        }
        status = status ? status : check_parts(load, NULL, err);
        status = status ? status : move_in(load, err);
        if (status) {
            roll_back(load);
            return status;
        }
    }
    return pg_merge_read(load->conn, target, ret_reader, err);
}

/* --- clean-up ------------------------------------------------------------------------------ */

static int drop_staging(struct pg_conn *conn, const char *ns, const char *load_id, int64_t *removed,
                        struct leat_error *err)
{
    const char *params[] = {load_id};
    PGresult *result = NULL;
    int status = pg_on_records(conn, ns, "SELECT namespace, staging FROM ",
                               " WHERE load_id = $1 AND part = -1 AND stream >= 0 AND staging LIKE "
                               "'\\_leat\\_s\\_%'",
                               1, params, &result, err);
    int n = status ? 0 : pg_rows(conn, result);
    for (int i = 0; i < n && !status; i++) {
        struct lt_buf sql = LT_BUF_INIT;
        int failed = lt_buf_puts(&sql, "DROP TABLE IF EXISTS ") |
                     lt_dialect_quote_name(&lt_dialect_postgres, pg_cell(conn, result, i, 0),
                                           pg_cell(conn, result, i, 1), &sql);
        status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
        lt_buf_done(&sql);
    }
    pg_clear(conn, result);
    status = status ? status
                    : pg_on_records(conn, ns, "DELETE FROM ", " WHERE load_id = $1 AND stream >= 0",
                                    1, params, NULL, err);
    *removed += status ? 0 : n;
    return status;
}

/* Marks a load swept and drops what it staged, unless it was committed. */
static int sweep_load(struct pg_conn *conn, const char *ns, const char *load_id, int64_t *removed,
                      struct leat_error *err)
{
    const char *params[] = {load_id};
    PGresult *result = NULL;
    int status = pg_exec(conn, "BEGIN", err);
    status = status ? status
                    : pg_on_records(conn, ns, "UPDATE ",
                                    " SET status = 'swept' WHERE load_id = $1 AND stream = -1 AND "
                                    "status <> 'committed'",
                                    1, params, &result, err);
    bool ours = !status && strcmp(conn->ep->pq->PQcmdTuples(result), "0") != 0;
    pg_clear(conn, result);
    if (ours) {
        status = drop_staging(conn, ns, load_id, removed, err);
    }
    if (status) {
        if (!conn->broken) {
            pg_exec(conn, "ROLLBACK", NULL);
        }
        return status;
    }
    return pg_exec(conn, "COMMIT", err);
}

static void abort_load(struct leat_load *load)
{
    int64_t removed = 0;
    struct leat_error why = {.status = LEAT_OK};
    if (load->conn) {
        pg_interrupt(load->conn);
    }
    if (!load->conn || load->conn->broken) {
        pg_disconnect(load->conn);
        load->conn = NULL;
        if (pg_take_grace(load->ep, PG_CLEANUP_MS, &load->conn, &why)) {
            pg_log(load->ep, LEAT_LOG_WARN, "staging stays until the next load: %s", why.message);
            return;
        }
    }
    pg_grace(load->conn, PG_CLEANUP_MS);
    if (load->ep->pq->PQtransactionStatus(load->conn->pg) != PQTRANS_IDLE) {
        pg_exec(load->conn, "ROLLBACK", NULL);
    }
    if (sweep_load(load->conn, load->plan->state_ns, load->plan->load_id, &removed, &why)) {
        pg_log(load->ep, LEAT_LOG_WARN, "staging stays until the next load: %s", why.message);
    }
}

static int sweep_if_dead(struct pg_conn *conn, const char *state_ns, const char *load_id,
                         bool busy_fails, int64_t *removed, struct leat_error *err)
{
    bool dead = false;
    int status = pg_try_load(conn, load_id, &dead, err);
    if (status || !dead) {
        return status || !busy_fails
                   ? status
                   : lt_fail(err, LT_E_DESTINATION_BUSY, "another load is filling this table");
    }
    status = sweep_load(conn, state_ns, load_id, removed, err);
    int unlocked = conn->broken ? LEAT_OK : pg_unlock_load(conn, load_id, NULL);
    return status ? status : unlocked;
}

int pg_staged_sweep(struct pg_conn *conn, const char *state_ns, const char *ns, const char *name,
                    const char *keep, bool busy_fails, int64_t *removed, struct leat_error *err)
{
    const char *params[] = {ns, name};
    PGresult *result = NULL;
    int status = pg_on_records(conn, state_ns, "SELECT DISTINCT load_id FROM ",
                               " WHERE part = -1 AND stream >= 0 AND namespace = $1 AND name = $2",
                               2, params, &result, err);
    int n = status ? 0 : LT_MIN(pg_rows(conn, result), SWEEP_LOADS_MAX);
    for (int i = 0; i < n && !status; i++) {
        const char *load_id = pg_cell(conn, result, i, 0);
        if (!keep || strcmp(keep, load_id) != 0) {
            status = sweep_if_dead(conn, state_ns, load_id, busy_fails, removed, err);
        }
    }
    pg_clear(conn, result);
    return status;
}

const struct pg_protocol pg_staged = {
    .begin = begin,
    .part_open = part_open,
    .part_seal = part_seal,
    .part_close = part_close,
    .read_back = read_back,
    .count_back = count_back,
    .commit = commit,
    .abort = abort_load,
};
