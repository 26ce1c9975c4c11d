/* What a COPY TO sends, as batches or as the server's own bytes. */
#include "connectors/postgres/pg_read.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define LARGE_BYTES (INT64_C(16) << 20)

/* libpq asks the system for as much as its buffer holds, 16 KiB at first, and widens it for good
 * when a longer message comes. A large table is worth one such message: a tenth of the system
 * calls.
 *
 * The server takes a kilobyte for each value of a row that it sends and frees them all after it.
 * Its C library gives what it holds free back to the system once that is more than twice the
 * largest block it ever freed (glibc, mallopt(3), M_MMAP_THRESHOLD), so that rows of more than 250
 * columns had it ask for their memory and give it back row by row: five times the time. The second
 * value makes that one block a large one. */
static int widen_buffer(struct pg_conn *conn, struct leat_error *err)
{
    if (conn->wide) {
        return LEAT_OK;
    }
    char text[2];
    conn->wide = true;
    return pg_value(conn,
                    "SELECT pg_catalog.repeat(' ', 200000), "
                    "pg_catalog.length(pg_catalog.repeat(' ', 4000000))",
                    0, NULL, text, sizeof text, err);
}

/* The COPY, with the transaction around it, in one message. COPY sees what was there when it was
 * sent, even where it then waits for a lock: behind a TRUNCATE whose transaction fills the table
 * again it would find it empty. So the locks come first, by a statement before it. */
static int send_copy(struct leat_reader *reader, bool in_snapshot, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    if (!in_snapshot && reader->borrowed) {
        return pg_send(reader->conn, reader->sql, err);
    }
    int failed = LEAT_OK;
    if (in_snapshot) {
        failed |= pg_put_join(reader->ep->snapshot, &sql) | lt_buf_puts(&sql, "; ");
        failed |= pg_put_rewritten(&reader->table, reader->ep->version, &sql);
    } else {
        failed |= lt_buf_puts(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED; ");
        failed |= pg_pooled(reader->ep) ? pg_settings(reader->conn, true, &sql) : LEAT_OK;
        failed |= pg_put_explain(reader, &sql);
    }
    failed |= lt_buf_printf(&sql, "; %s; %s", reader->sql, in_snapshot ? "ROLLBACK" : "COMMIT");
    int status = failed ? lt_fail_oom(err) : pg_send(reader->conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status;
}

/* Until the data come. In a snapshot a row before them says that they are not what it should see. */
static int await_copy(struct leat_reader *reader, bool in_snapshot, struct leat_error *err)
{
    const struct lt_pq *pq = reader->ep->pq;
    struct pg_conn *conn = reader->conn;
    bool rewritten = false, data = false;
    int status = LEAT_OK, failure = LEAT_OK;
    PGresult *result = NULL;
    do {
        status = pg_result(conn, &result, failure ? NULL : err);
        ExecStatusType kind = result ? pq->PQresultStatus(result) : PGRES_EMPTY_QUERY;
        if (result && kind == PGRES_TUPLES_OK) {
            rewritten = rewritten || (in_snapshot && pg_rows(conn, result));
        } else if (result && kind != PGRES_COMMAND_OK && kind != PGRES_COPY_OUT && !failure) {
            failure = pg_fail_result(conn, result, err);
        }
        data = kind == PGRES_COPY_OUT;
        pg_clear(conn, result);
    } while (!status && result && !data);
    status = failure ? failure : status;
    if (!status && !data) {
        status = lt_fail(err, LT_E_INTERNAL, "the server did not answer COPY with data");
    }
    if (!status && rewritten) {
        status = pg_fail_rewritten(err);
    }
    return status;
}

static int begin_copy(struct leat_reader *reader, struct leat_error *err)
{
    int status = LEAT_OK;
    bool in_snapshot = !reader->conn && reader->ep->snapshot[0];
    struct leat_error why = {.status = LEAT_OK};
    if (!reader->conn) {
        status = pg_take(reader->ep, &reader->conn, err);
    }
    if (!status && reader->table.bytes_estimate >= LARGE_BYTES) {
        status = widen_buffer(reader->conn, err);
    }
    status = status ? status : send_copy(reader, in_snapshot, err);
    status = status ? status : await_copy(reader, in_snapshot, &why);
    status = in_snapshot ? pg_explain_join(status, &why) : status;
    if (why.status && err) {
        *err = why;
    }
    reader->started = !status;
    const struct leat_stream_name name = {reader->table.ns, reader->table.name};
    return pg_explain_lock(reader->conn, reader->table.oid ? &name : NULL, true, status, err);
}

/* A connection lost while reading is a source that ended too early. */
static int fail_cut(struct pg_conn *conn, int status, struct leat_error *err)
{
    if (status != LEAT_UNAVAILABLE || !conn->broken) {
        return status;
    }
    char words[1024] = "";
    if (err) {
        memcpy(words, err->message, sizeof words);
    }
    return lt_fail(err, LT_E_SOURCE_CUT, "%s", words);
}

/* After the last tuple: the server's own count must be what came. */
static int end_copy(struct leat_reader *reader, struct leat_error *err)
{
    int64_t rows = -1;
    int status = pg_finish_copy(reader->conn, &rows, err);
    if (status) {
        return fail_cut(reader->conn, status, err);
    }
    if (rows != reader->messages) {
        status = lt_fail(err, LT_E_COUNT_MISMATCH,
                         "the server sent %" PRId64 " rows and says it was %" PRId64,
                         reader->messages, rows);
    }
    reader->ended = !status;
    if (!status && !reader->borrowed) {
        pg_give(reader->conn);
        reader->conn = NULL;
    }
    return status;
}

/* The next CopyData message; *ret_len 0 at the end. */
static int next_message(struct leat_reader *reader, char **ret_data, int *ret_len,
                        struct leat_error *err)
{
    const struct lt_pq *pq = reader->ep->pq;
    struct pg_conn *conn = reader->conn;
    for (;;) {
        char *data = NULL;
        int len = pq->PQgetCopyData(conn->pg, &data, 1);
        if (len > 0) {
            *ret_data = data;
            *ret_len = len;
            return LEAT_OK;
        }
        if (len == -1) {
            *ret_len = 0;
            return end_copy(reader, err);
        }
        if (len < -1) {
            return fail_cut(conn, pg_fail_conn(conn, err), err);
        }
        int status = pg_wait(conn, POLLIN, err);
        if (status) {
            return fail_cut(conn, status, err);
        }
        if (!pq->PQconsumeInput(conn->pg)) {
            return fail_cut(conn, pg_fail_conn(conn, err), err);
        }
    }
}

/* Tells of a value that was refused: as a loss, or with the whole record. */
static int tell(struct leat_reader *reader, bool loss, const struct leat_error *why,
                struct leat_error *err)
{
    char place[512];
    snprintf(place, sizeof place, "%s: row %" PRId64 " %s", reader->place, reader->messages,
             why->place);
    struct leat_reject reject = {.size = sizeof reject,
                                 .place = place,
                                 .code = why->code,
                                 .reason = why->message,
                                 .column =
                                     reader->table.schema.children[reader->decoder.refused]->name};
    return loss ? reader->losses.lost(reader->losses.arg, &reject, err)
                : reader->rejects.reject(reader->rejects.arg, &reject, err);
}

/* One message into the batch. */
static int take_message(struct leat_reader *reader, const char *data, int len,
                        struct leat_error *err)
{
    struct pg_decoder *decoder = &reader->decoder;
    struct leat_error why;
    enum pg_decoded what = PG_DECODED_NOTHING;
    bool header_read = decoder->header_read;
    why.status = LEAT_OK;
    int status = pg_decode(decoder, (const uint8_t *)data, (size_t)len, &what, &why);
    reader->messages += status || what != PG_DECODED_NOTHING;
    while (!status && what == PG_DECODED_REFUSED && reader->has_losses && decoder->refused_range) {
        int lost = tell(reader, true, &why, err);
        if (lost) {
            return lost;
        }
        pg_decoder_lose(decoder);
        decoder->header_read = header_read;
        status = pg_decode(decoder, (const uint8_t *)data, (size_t)len, &what, &why);
    }
    pg_decoder_keep(decoder);
    if (!status && what == PG_DECODED_REFUSED && reader->has_rejects) {
        return tell(reader, false, &why, err);
    }
    if (status || what == PG_DECODED_REFUSED) {
        status = status ? status : (int)why.status;
        leat_error_place(&why, "row %" PRId64, reader->messages);
        if (err) {
            *err = why;
        }
    }
    return status;
}

static int next_batch(struct leat_reader *reader, struct leat_payload *payload,
                      struct leat_error *err)
{
    struct pg_decoder *decoder = &reader->decoder;
    bool more = true;
    while (more && decoder->rows < reader->rows_max) {
        char *data = reader->held;
        int len = reader->held_len;
        reader->held = NULL;
        int status = data ? LEAT_OK : next_message(reader, &data, &len, err);
        if (status) {
            return status;
        }
        more = len > 0;
        if (more && decoder->rows &&
            pg_decoder_bytes(decoder) + decoder->row_bytes + len > reader->bytes_max) {
            reader->held = data;
            reader->held_len = len;
            break;
        }
        status = more ? take_message(reader, data, len, err) : LEAT_OK;
        if (more) {
            reader->ep->pq->PQfreemem(data);
        }
        if (status) {
            return status;
        }
    }
    if (!decoder->rows) {
        return LEAT_OK;
    }
    payload->rows = decoder->rows;
    int status = pg_decoder_finish(decoder, &payload->batch, err);
    payload->kind = status ? LEAT_PAYLOAD_NONE : LEAT_PAYLOAD_BATCH;
    return status;
}

/* A block of tuples as the server sent them. */
static int next_block(struct leat_reader *reader, struct leat_payload *payload,
                      struct leat_error *err)
{
    struct pg_decoder *decoder = &reader->decoder;
    struct pg_block *block = NULL;
    int status = LEAT_OK, len = 1;
    if (!reader->blocks) {
        status = pg_blocks_new(&reader->blocks, err);
    }
    status = status ? status : pg_blocks_take(reader->blocks, &block, err);
    while (!status && len > 0 && block->bytes.len < PG_BLOCK_BYTES && !reader->ended) {
        char *data = NULL;
        const uint8_t *tuple;
        size_t tuple_len;
        status = next_message(reader, &data, &len, err);
        if (status || !len) {
            break;
        }
        status = pg_copy_frame(&decoder->header_read, &decoder->trailer_read, (uint8_t *)data,
                               (size_t)len, &tuple, &tuple_len, err);
        if (!status && tuple_len) {
            reader->messages++;
            payload->rows++;
            status = lt_buf_append(&block->bytes, tuple, tuple_len) ? lt_fail_oom(err) : LEAT_OK;
        }
        reader->ep->pq->PQfreemem(data);
    }
    if (status || !block->bytes.len) {
        pg_block_release(block);
        return status;
    }
    payload->kind = LEAT_PAYLOAD_BYTES;
    payload->bytes = block->bytes.data;
    payload->bytes_len = block->bytes.len;
    payload->bytes_release = pg_block_release;
    payload->bytes_arg = block;
    return LEAT_OK;
}

int pg_receive(struct leat_reader *reader, struct leat_payload *ret_payload, struct leat_error *err)
{
    struct leat_payload payload = {.size = ret_payload->size};
    int status = LEAT_OK;
    if (!reader->ended && pg_is_cancelled(reader->ep)) {
        if (reader->conn) {
            pg_interrupt(reader->conn);
        }
        status = lt_fail(err, LT_E_CANCELLED, "cancelled");
    }
    if (!status && !reader->started) {
        status = begin_copy(reader, err);
    }
    if (!status && !reader->ended) {
        status =
            reader->bytes ? next_block(reader, &payload, err) : next_batch(reader, &payload, err);
    }
    if (status) {
        /* What a sink says has its whole place already. */
        if (!err || strncmp(err->place, reader->place, strlen(reader->place)) != 0) {
            leat_error_place(err, "%s", reader->place);
        }
        return status;
    }
    payload.row_first = reader->delivered + 1;
    reader->delivered += payload.rows;
    *ret_payload = payload;
    return LEAT_OK;
}
