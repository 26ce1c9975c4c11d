/* A part: batches or the wire's own bytes through COPY FROM into one table. */
#include "connectors/postgres/pg_load.h"

#include "columnar/text.h"
#include "sql/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SEND_BYTES ((size_t)256 << 10)

static int init_encoder(struct leat_part *part, struct leat_error *err)
{
    const struct pg_table *table = &part->target->table;
    size_t n = (size_t)table->n_columns;
    enum pg_wire *wires = calloc(n + 1, sizeof *wires);
    uint32_t *elements = calloc(n + 1, sizeof *elements);
    struct pg_limit *limits = calloc(n + 1, sizeof *limits);
    int status = wires && elements && limits ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < n && !status; i++) {
        const struct pg_column *column = &table->columns[i];
        wires[i] = column->wire;
        elements[i] = column->element_oid;
        pg_limit_of(column->value_oid, column->modifier, part->conn->ep->version, &limits[i]);
        part->has_money = part->has_money || column->wire == PG_WIRE_MONEY;
    }
    status = status ? status
                    : pg_encoder_init(&part->encoder, &table->schema, wires, elements, limits, err);
    free(wires);
    free(elements);
    free(limits);
    return status;
}

int pg_part_new(struct leat_load *load, const struct leat_part_plan *plan, struct pg_conn *conn,
                struct leat_part **ret_part, struct leat_error *err)
{
    if (plan->id.stream >= load->plan->n_targets) {
        return lt_fail(err, LT_E_INVALID, "the load has no stream number %u", plan->id.stream);
    }
    struct leat_part *part = calloc(1, sizeof *part);
    if (!part) {
        return lt_fail_oom(err);
    }
    part->load = load;
    part->conn = conn;
    part->target = &load->plan->targets[plan->id.stream];
    part->id = plan->id;
    part->kind = plan->payload;
    if (plan->rejects) {
        part->rejects = *plan->rejects;
        part->has_rejects = true;
    }
    if (plan->losses) {
        part->losses = *plan->losses;
        part->has_losses = true;
    }
    int status = init_encoder(part, err);
    if (!status && part->kind == LEAT_PAYLOAD_BYTES && !part->target->bytes) {
        status = lt_fail(err, LT_E_INVALID, "this table does not take the wire's own bytes");
    }
    if (status) {
        pg_part_free(part);
        return status;
    }
    *ret_part = part;
    return LEAT_OK;
}

/* Text of money is read by lc_monetary, which may take a point for a separator of thousands. The C
 * locale reads what the encoder writes. */
static int set_money(struct leat_part *part, bool begin, struct leat_error *err)
{
    if (!part->has_money || !part->encoder.text) {
        return LEAT_OK;
    }
    return pg_exec(part->conn, begin ? "SET lc_monetary = 'C'" : "RESET lc_monetary", err);
}

int pg_part_begin_copy(struct leat_part *part, const char *copy_to, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    PGresult *result = NULL;
    bool columns = part->target->table.n_columns;
    int failed = lt_buf_printf(&sql, "%sCOPY %s", part->before ? part->before : "", copy_to);
    /* COPY cannot name no column at all; without a list it then takes the table's none. */
    failed |= columns ? lt_buf_puts(&sql, " (") : LEAT_OK;
    failed |= pg_select_list(&part->target->table, "", false, &sql);
    failed |= lt_buf_printf(&sql, "%s FROM STDIN (FORMAT %s)%s", columns ? ")" : "",
                            columns && part->encoder.text ? "text" : "binary",
                            part->after ? part->after : "");
    int status = failed ? lt_fail_oom(err) : set_money(part, true, err);
    status = status ? status : pg_send(part->conn, lt_buf_text(&sql), err);
    status = status ? status : pg_finish_results(part->conn, &result, err);
    if (!status && part->conn->ep->pq->PQresultStatus(result) != PGRES_COPY_IN) {
        status = lt_fail(err, LT_E_INTERNAL, "the server does not take COPY data");
    }
    pg_clear(part->conn, result);
    lt_buf_done(&sql);
    if (!status) {
        part->copying = part->conn->copying_in = true;
        status = pg_encode_header(&part->encoder, &part->out) ? lt_fail_oom(err) : LEAT_OK;
    }
    const struct leat_stream_name name = {part->target->ns, part->target->name};
    return pg_explain_lock(part->conn, &name, false, status, err);
}

/* A value that only the server knew to be none (a label an enum has not, no address): it ends the
 * COPY, so that no record can be set aside. */
static int say_refused(const struct leat_part *part, int status, struct leat_error *err)
{
    if (!status || !err || strncmp(err->sqlstate, "22", 2) != 0) {
        return status;
    }
    leat_error_place(err, "%s.%s", part->target->ns, part->target->name);
    leat_error_remedy(err,
                      "it was the server that refused it, so no record can be set aside: correct "
                      "it at the source, or have the column there as text");
    return status;
}

/* The server gave up on the COPY: its reason is in the results. */
static int fail_copy(struct leat_part *part, struct leat_error *err)
{
    part->conn->copying_in = false;
    part->copying = false;
    int status = pg_finish_results(part->conn, NULL, err);
    return status ? say_refused(part, status, err) : pg_fail_conn(part->conn, err);
}

static int send_bytes(struct leat_part *part, const void *data, size_t len, struct leat_error *err)
{
    const struct lt_pq *pq = part->conn->ep->pq;
    const char *at = data;
    while (len) {
        int piece = (int)LT_MIN(len, SEND_BYTES * 4);
        int sent = pq->PQputCopyData(part->conn->pg, at, piece);
        if (sent < 0) {
            return fail_copy(part, err);
        }
        int status = pg_flush(part->conn, err);
        if (status) {
            return status;
        }
        if (sent) {
            at += piece;
            len -= (size_t)piece;
            part->bytes += piece;
        }
    }
    return LEAT_OK;
}

static int send_out(struct leat_part *part, struct leat_error *err)
{
    int status = send_bytes(part, part->out.data, part->out.len, err);
    lt_buf_clear(&part->out);
    return status;
}

/* The record as JSON for the reject sink; `at` counts within the batch. */
static int record_json(const struct leat_part *part, const struct ArrowArray *batch, int64_t at,
                       struct lt_buf *out)
{
    struct lt_view view;
    if (lt_view_init(&view, &part->target->table.schema, batch, NULL)) {
        return LEAT_NO_MEMORY;
    }
    int status = lt_text_format_json(&view, at, out);
    lt_view_done(&view);
    return status;
}

/* Tells of a value that was refused: as a loss, or with the whole record. */
static int tell(struct leat_part *part, const struct ArrowArray *batch, int64_t at, int64_t row,
                bool loss, const struct leat_error *why, struct leat_error *err)
{
    struct lt_buf record = LT_BUF_INIT;
    char place[600];
    snprintf(place, sizeof place, "%s.%s: row %" PRId64 " %s", part->target->ns, part->target->name,
             row, why->place);
    int status = record_json(part, batch, at, &record) ? lt_fail_oom(err) : LEAT_OK;
    if (!status) {
        struct leat_reject reject = {
            .size = sizeof reject,
            .place = place,
            .code = why->code,
            .reason = why->message,
            .record = lt_buf_text(&record),
            .record_len = record.len,
            .column = part->target->table.schema.children[part->encoder.refused]->name};
        status = loss ? part->losses.lost(part->losses.arg, &reject, err)
                      : part->rejects.reject(part->rejects.arg, &reject, err);
        part->rejected += !loss;
    }
    lt_buf_done(&record);
    return status;
}

static int refuse(struct leat_part *part, const struct ArrowArray *batch, int64_t at, int64_t row,
                  struct leat_error *why, struct leat_error *err)
{
    if (part->has_rejects) {
        return tell(part, batch, at, row, false, why, err);
    }
    leat_error_place(why, "%s.%s: row %" PRId64, part->target->ns, part->target->name, row);
    if (err) {
        *err = *why;
    }
    return (int)why->status;
}

/* Values that the server has no place for may become NULLs. */
static bool can_lose(const struct leat_part *part, const struct leat_error *why)
{
    return part->has_losses && !strcmp(why->code, lt_codes[LT_E_VALUE_RANGE].code);
}

/* Row `at` of the batch, number `row` of the stream. */
static int write_row(struct leat_part *part, const struct ArrowArray *batch, int64_t at,
                     int64_t row, struct leat_error *err)
{
    struct leat_error why;
    bool refused = true;
    for (;;) {
        int status = pg_encode(&part->encoder, batch->offset + at, &part->out, &refused, &why);
        if (status) {
            return lt_fail_oom(err);
        }
        if (!refused) {
            part->rows++;
            return LEAT_OK;
        }
        if (!can_lose(part, &why)) {
            return refuse(part, batch, at, row, &why, err);
        }
        status = tell(part, batch, at, row, true, &why, err);
        if (status) {
            return status;
        }
        pg_encoder_lose(&part->encoder, batch->offset + at);
    }
}

static int write_batch(struct leat_part *part, const struct leat_payload *payload,
                       struct leat_error *err)
{
    const struct ArrowArray *batch = &payload->batch;
    int status = pg_encoder_batch(&part->encoder, batch, err);
    int64_t first = payload->row_first > 0 ? payload->row_first : part->seen + 1;
    for (int64_t i = 0; i < batch->length && !status; i++) {
        status = write_row(part, batch, i, first + i, err);
        if (!status && part->out.len >= SEND_BYTES) {
            status = send_out(part, err);
        }
    }
    part->seen += batch->length;
    return status;
}

static int write_bytes(struct leat_part *part, const struct leat_payload *payload,
                       struct leat_error *err)
{
    const uint8_t *data = payload->bytes;
    size_t len = payload->bytes_len;
    bool header_read = false, trailer_read = false;
    /* Whoever forwards a whole COPY sends its header along; ours has gone already. */
    if (len >= PG_COPY_HEADER_LEN && !memcmp(data, PG_COPY_SIGNATURE, 11)) {
        int status = pg_copy_frame(&header_read, &trailer_read, data, len, &data, &len, err);
        if (status) {
            return status;
        }
    }
    int status = send_out(part, err);
    status = status ? status : send_bytes(part, data, len, err);
    part->rows += payload->rows;
    return status;
}

int pg_part_write(struct leat_part *part, struct leat_payload *payload, struct leat_error *err)
{
    int status;
    if (part->found) {
        return LEAT_OK; /* an earlier attempt holds these rows */
    }
    if (!part->copying) {
        return lt_fail(err, LT_E_INVALID, "the part takes no more records");
    }
    if (pg_is_cancelled(part->conn->ep)) {
        return lt_fail(err, LT_E_CANCELLED, "cancelled");
    }
    if (payload->kind != part->kind) {
        return lt_fail(err, LT_E_INVALID, "the part was opened for another kind of payload");
    }
    status = part->kind == LEAT_PAYLOAD_BYTES ? write_bytes(part, payload, err)
                                              : write_batch(part, payload, err);
    return status;
}

int pg_part_end_copy(struct leat_part *part, struct leat_error *err)
{
    const struct lt_pq *pq = part->conn->ep->pq;
    int64_t rows = -1;
    if (!part->copying) {
        return lt_fail(err, LT_E_INVALID, "the part has ended already");
    }
    if (pg_encode_trailer(&part->encoder, &part->out)) {
        return lt_fail_oom(err);
    }
    int status = send_out(part, err);
    if (status) {
        return status;
    }
    int ended;
    while (!(ended = pq->PQputCopyEnd(part->conn->pg, NULL))) {
        status = pg_flush(part->conn, err);
        if (status) {
            return status;
        }
    }
    if (ended < 0) {
        return fail_copy(part, err);
    }
    part->copying = part->conn->copying_in = false;
    status = pg_flush(part->conn, err);
    status = status ? status : say_refused(part, pg_finish_copy(part->conn, &rows, err), err);
    if (!status && rows != part->rows) {
        status = lt_fail(err, LT_E_COUNT_MISMATCH,
                         "%" PRId64 " rows were sent to %s.%s, which took %" PRId64, part->rows,
                         part->target->ns, part->target->name, rows);
        status = pg_blame_triggers(part->conn, part->target, status, err);
    }
    return status ? status : set_money(part, false, err);
}

void pg_part_receipt(const struct leat_part *part, struct leat_receipt *ret_receipt)
{
    *ret_receipt = (struct leat_receipt){
        .size = sizeof *ret_receipt,
        .id = part->id,
        .rows_inserted = part->rows,
        .rows_rejected = part->rejected,
        .bytes = part->bytes,
    };
    if (part->target->staging) {
        snprintf(ret_receipt->staging, sizeof ret_receipt->staging, "%s.%s", part->target->ns,
                 part->target->staging);
    }
}

void pg_part_free(struct leat_part *part)
{
    if (part) {
        pg_encoder_done(&part->encoder);
        lt_buf_done(&part->out);
        free(part);
    }
}
