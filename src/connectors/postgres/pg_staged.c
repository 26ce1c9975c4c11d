/* The staged protocol: parts of any process fill logged staging tables and commit by themselves;
 * the commit of the load checks every receipt against the records and moves the tables in.
 *
 * The fence is the load's row in _leat_load: commit takes it FOR UPDATE and goes on only while it
 * says 'open'; whoever sweeps the load says 'swept' first. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
        if (pg_becomes_table(target) && !(field->flags & ARROW_FLAG_NULLABLE)) {
            failed |= lt_buf_puts(&sql, " NOT NULL");
        }
        failed |=
            pg_becomes_table(target) ? lt_default_put(&lt_dialect_postgres, field, &sql) : LEAT_OK;
    }
    failed |= lt_buf_byte(&sql, ')');
    int status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    if (!status && pg_becomes_table(target)) {
        status = pg_target_comments(conn, target, target->copy_to, err);
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

static int count_back(struct leat_load *load, uint32_t stream, int64_t *ret_rows,
                      struct leat_error *err)
{
    return pg_count_rows(load->conn, load->plan->targets[stream].copy_to, "", ret_rows, err);
}

const struct pg_protocol pg_staged = {
    .begin = begin,
    .part_open = part_open,
    .part_seal = part_seal,
    .part_close = part_close,
    .read_back = pg_staged_read_back,
    .count_back = count_back,
    .commit = pg_staged_commit,
    .abort = pg_staged_abort,
};
