/* Reading: a reader of a table or query is made, of what its plan says. */
#include "connectors/postgres/pg_read.h"
#include "connectors/postgres/pg_expected.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH_ROWS 65536
#define BATCH_BYTES (INT64_C(8) << 20)

static void finish(struct leat_reader *reader)
{
    if (!reader) {
        return;
    }
    if (reader->held) {
        reader->ep->pq->PQfreemem(reader->held);
    }
    if (reader->borrowed && reader->started && !reader->ended) {
        pg_interrupt(reader->conn);
    }
    if (!reader->borrowed) {
        pg_give(reader->conn);
    }
    pg_blocks_put(reader->blocks);
    pg_decoder_done(&reader->decoder);
    pg_table_done(&reader->table);
    free(reader->sql);
    free(reader->shape);
    free(reader->place);
    free(reader);
}

static int init_decoder(struct leat_reader *reader, struct leat_error *err)
{
    int64_t n = reader->table.n_columns;
    enum pg_wire *wires = calloc((size_t)n + 1, sizeof *wires);
    uint32_t *elements = calloc((size_t)n + 1, sizeof *elements);
    int status = wires && elements ? LEAT_OK : lt_fail_oom(err);
    for (int64_t i = 0; i < n && !status; i++) {
        wires[i] = reader->table.columns[i].wire;
        elements[i] = reader->table.columns[i].element_oid;
    }
    status = status ? status
                    : pg_decoder_init(&reader->decoder, &reader->table.schema, wires, elements,
                                      reader->ep->check_utf8, err);
    free(wires);
    free(elements);
    return status;
}

int pg_describe_plan(struct leat_endpoint *ep, const struct leat_read_plan *plan, bool own_types,
                     struct pg_table *ret_table, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    bool expected = false;
    int status = pg_take_held(ep, &conn, err);
    if (!status && !plan->query) {
        status = pg_expected_take(conn, &plan->stream, ret_table, &expected, err);
    }
    if (!status && !expected) {
        status = plan->query ? pg_describe_query(conn, plan->query, ret_table, err)
                             : pg_describe(conn, &plan->stream, ret_table, err);
        status = pg_explain_lock(conn, plan->query ? NULL : &plan->stream, true, status, err);
    }
    if (!status && own_types && (status = pg_describe_own_types(conn, ret_table, err))) {
        pg_table_done(ret_table);
    }
    pg_give(conn);
    return status;
}

int pg_put_explain(const struct leat_reader *reader, struct lt_buf *sql)
{
    static const char head[] = "COPY (", tail[] = ") TO STDOUT (FORMAT binary)";
    size_t len = strlen(reader->sql) - (sizeof head - 1) - (sizeof tail - 1);
    return lt_buf_printf(sql, "EXPLAIN %.*s", (int)len, reader->sql + sizeof head - 1);
}

/* Has the server plan the SELECT inside the COPY: it checks every name, type and privilege, and
 * runs nothing. So a read that cannot work is refused before a destination is touched. */
static int try_plan(const struct leat_reader *reader, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    PGresult *result = NULL;
    struct lt_buf sql = LT_BUF_INIT;
    int status =
        pg_put_explain(reader, &sql) ? lt_fail_oom(err) : pg_take_held(reader->ep, &conn, err);
    if (!status) {
        status = pg_query(conn, lt_buf_text(&sql), 0, NULL, &result, err);
        if (status) {
            status = pg_explain_lock(conn, NULL, true, status, err);
            leat_error_place(err, "%s", reader->place);
        } else {
            pg_clear(conn, result);
        }
    }
    pg_give(conn);
    lt_buf_done(&sql);
    return status;
}

/* Whole columns of a table that may be read: nothing is left that the server could refuse. */
static bool is_plain(const struct leat_read_plan *plan, const struct pg_table *table)
{
    return !plan->query && !plan->predicate && !plan->partition && !plan->cursor &&
           !plan->n_order && table->kind == 'r' && table->readable && !table->row_security;
}

static void take_limits(struct leat_reader *reader, const struct leat_read_plan *plan)
{
    reader->rows_max = plan->batch_rows_max > 0 ? plan->batch_rows_max : BATCH_ROWS;
    reader->bytes_max = plan->batch_bytes_max > 0 ? plan->batch_bytes_max : BATCH_BYTES;
    reader->bytes = (plan->payloads & LEAT_PAYLOAD_BYTES) && !(plan->payloads & LEAT_PAYLOAD_BATCH);
    if (plan->rejects) {
        reader->rejects = *plan->rejects;
        reader->has_rejects = true;
    }
    if (plan->losses) {
        reader->losses = *plan->losses;
        reader->has_losses = true;
    }
}

/* Another reader of what `like` was to read: its columns are known, its statement was tried. */
static int start_like(struct leat_reader *reader, const struct leat_read_plan *plan,
                      struct leat_error *err)
{
    const struct leat_reader *like = plan->like;
    int status = pg_table_copy(&like->table, &reader->table, err);
    reader->bytes = like->bytes;
    reader->place = lt_strdup(like->place);
    status = status || reader->place ? status : lt_fail_oom(err);
    return status ? status
                  : pg_build_copy(plan, &reader->table, &reader->table, reader->bytes, &reader->sql,
                                  &reader->shape, err);
}

static int start(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                 struct leat_reader **ret_reader, struct leat_error *err)
{
    struct leat_reader *reader = calloc(1, sizeof *reader);
    struct pg_table all = {0};
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->ep = ep;
    take_limits(reader, plan);
    if (plan->like) {
        int status = start_like(reader, plan, err);
        status = status ? status : init_decoder(reader, err);
        if (status) {
            finish(reader);
            return status;
        }
        *ret_reader = reader;
        return LEAT_OK;
    }
    int status = pg_describe_plan(ep, plan, true, &all, err);
    status = status ? status : pg_table_copy(&all, &reader->table, err);
    if (!status && plan->columns) {
        status = pg_table_project(&reader->table, plan->columns, plan->n_columns, err);
        if (status) {
            leat_error_place(err, "%s%s%s", plan->query ? "query" : all.ns, plan->query ? "" : ".",
                             plan->query ? "" : all.name);
        }
    }
    status = status ? status : pg_take_types(&reader->table, plan->types, err);
    if (!status) {
        reader->place = plan->query ? lt_strdup("query") : lt_format("%s.%s", all.ns, all.name);
        status = reader->place ? pg_build_copy(plan, &all, &reader->table, reader->bytes,
                                               &reader->sql, &reader->shape, err)
                               : lt_fail_oom(err);
    }
    status = status ? status : init_decoder(reader, err);
    if (!status && !is_plain(plan, &all)) {
        status = try_plan(reader, err);
    }
    if (!status && all.row_security) {
        pg_log(ep, LEAT_LOG_WARN,
               "%s.%s: row-level security applies, only the rows that this login may see are read",
               all.ns, all.name);
    }
    pg_table_done(&all);
    if (status) {
        finish(reader);
        return status;
    }
    *ret_reader = reader;
    return LEAT_OK;
}

int pg_reader_borrow(struct pg_conn *conn, struct pg_table *table, const char *sql,
                     struct leat_reader **ret_reader, struct leat_error *err)
{
    struct leat_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->ep = conn->ep;
    reader->conn = conn;
    reader->borrowed = true;
    reader->rows_max = BATCH_ROWS;
    reader->bytes_max = BATCH_BYTES;
    reader->table = *table;
    *table = (struct pg_table){0};
    reader->place = lt_format("%s.%s", reader->table.ns, reader->table.name);
    reader->sql = lt_format("COPY (%s) TO STDOUT (FORMAT binary)", sql);
    int status = reader->place && reader->sql ? init_decoder(reader, err) : lt_fail_oom(err);
    if (status) {
        finish(reader);
        return status;
    }
    *ret_reader = reader;
    return LEAT_OK;
}

static int schema(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                  struct leat_error *err)
{
    return lt_schema_copy(&reader->table.schema, ret_schema, err);
}

/* The wire's own bytes, where they mean the same at every server: types that this program has no
 * decoder for are the server's own business, and a server that does not vouch for its text has it
 * checked on the way. */
static int choose(struct leat_reader *reader, enum leat_payload_kind kind, struct leat_error *err)
{
    if (reader->started || (kind != LEAT_PAYLOAD_BYTES && kind != LEAT_PAYLOAD_BATCH)) {
        return lt_fail(err, LT_E_INVALID, "it is too late to choose what is read, or no such kind");
    }
    for (int64_t i = 0; kind == LEAT_PAYLOAD_BYTES && i < reader->table.n_columns; i++) {
        const struct pg_column *column = &reader->table.columns[i];
        if (!column->known || column->wire == PG_WIRE_TEXT_CAST || reader->ep->check_utf8) {
            return lt_fail(err, LT_E_UNSUPPORTED, "these columns are not forwarded as they are");
        }
    }
    reader->bytes = kind == LEAT_PAYLOAD_BYTES;
    return LEAT_OK;
}

static int explain(struct leat_reader *reader, char *ret_text, size_t size, struct leat_error *err)
{
    (void)err;
    snprintf(ret_text, size, "%s", reader->shape ? reader->shape : "");
    if (size) {
        ret_text[lt_utf8_valid_prefix(ret_text, strlen(ret_text))] = 0;
    }
    return LEAT_OK;
}

const struct leat_source_ops pg_source_ops = {
    .snapshot_take = pg_snapshot_take,
    .snapshot_join = pg_snapshot_join,
    .snapshot_release = pg_snapshot_release,
    .split = pg_split,
    .fingerprint = pg_fingerprint,
    .bounds = pg_bounds,
    .key_split = pg_key_split,
    .hash_ranges = pg_hash_ranges,
    .expect = pg_expect,
    .start = start,
    .schema = schema,
    .next = pg_receive,
    .finish = finish,
    .explain = explain,
    .choose = choose,
};
