/* Reading: snapshots, partitions, and COPY TO as batches or as the server's own bytes. */
#include "connectors/postgres/pg.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_ROWS 65536
#define BATCH_BYTES (INT64_C(8) << 20)
/* Of 8 KiB each: what a connection reads in some hundredths of a second. */
#define PARTITION_PAGES_MIN 1024
#define LARGE_BYTES (INT64_C(16) << 20)

struct leat_reader {
    struct leat_endpoint *ep;
    struct pg_conn *conn;
    bool borrowed; /* the connection goes on belonging to a load */
    bool started, ended, bytes;
    struct pg_table table;
    char *sql;   /* the whole COPY statement */
    char *shape; /* the same for people, without what the user wrote */
    char *place; /* "public.orders" or "query" */
    struct pg_decoder decoder;
    struct leat_reject_sink rejects;
    struct leat_loss_sink losses;
    bool has_rejects, has_losses;
    int64_t rows_max, bytes_max;
    int64_t messages;  /* tuples the server sent so far */
    int64_t delivered; /* rows handed out so far */
    char *held;        /* a tuple for the next payload */
    int held_len;
    struct pg_blocks *blocks; /* of the bytes handed out */
};

static void finish(struct leat_reader *reader);

/* --- snapshots ----------------------------------------------------------------------------- */

#define BEGIN_SNAPSHOT "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

static void snapshot_release(struct leat_endpoint *ep)
{
    if (ep->snapshot_holder) {
        pg_give(ep->snapshot_holder);
        ep->snapshot_holder = NULL;
    }
    ep->snapshot[0] = 0;
}

static int join_sql(const char *token, struct lt_buf *sql)
{
    return lt_buf_puts(sql, BEGIN_SNAPSHOT "; SET TRANSACTION SNAPSHOT ") || pg_literal(sql, token)
               ? LEAT_NO_MEMORY
               : LEAT_OK;
}

/* "invalid", or from version 17 on "does not exist": the session that exported it has ended. */
static int explain_join(int status, struct leat_error *err)
{
    if (status && err && (!strcmp(err->sqlstate, "22023") || !strcmp(err->sqlstate, "42704"))) {
        return lt_fail(err, LT_E_UNAVAILABLE,
                       "the snapshot that the streams are read in is gone: "
                       "its session was lost, or the server restarted");
    }
    return status;
}

static int join(struct pg_conn *conn, const char *token, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    struct leat_error why = {.status = LEAT_OK};
    int status = join_sql(token, &sql) ? lt_fail_oom(&why) : pg_exec(conn, lt_buf_text(&sql), &why);
    lt_buf_done(&sql);
    status = explain_join(status, &why);
    if (status && err) {
        *err = why;
    }
    return status;
}

static int snapshot_take(struct leat_endpoint *ep, char *ret_token, size_t size,
                         struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    char token[sizeof ep->snapshot] = "";
    snapshot_release(ep);
    if (pg_pooled(ep)) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "a pooler stands before the server, which may have no further connection");
    }
    int status = pg_take(ep, &conn, err);
    status = status ? status : pg_exec(conn, BEGIN_SNAPSHOT, err);
    if (!status) {
        status = pg_value(conn, "SELECT pg_catalog.pg_export_snapshot()", 0, NULL, token,
                          sizeof token, err);
        if (status && status != LEAT_CANCELLED && !conn->broken) {
            status = lt_fail(err, LT_E_UNSUPPORTED, "this server cannot share a snapshot");
        }
    }
    if (!status && strlen(token) >= size) {
        status = lt_fail(err, LT_E_INTERNAL, "the snapshot's token is too long");
    }
    if (status) {
        pg_give(conn);
        return status;
    }
    ep->snapshot_holder = conn;
    snprintf(ep->snapshot, sizeof ep->snapshot, "%s", token);
    snprintf(ret_token, size, "%s", token);
    return LEAT_OK;
}

static int snapshot_join(struct leat_endpoint *ep, const char *token, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    if (strlen(token) >= sizeof ep->snapshot) {
        return lt_fail(err, LT_E_INVALID, "this is no snapshot token of PostgreSQL");
    }
    snapshot_release(ep);
    int status = pg_take(ep, &conn, err);
    status = status ? status : join(conn, token, err);
    if (status) {
        pg_give(conn);
        return status;
    }
    /* Kept open: the exporter may go before this endpoint's readers have come. */
    ep->snapshot_holder = conn;
    snprintf(ep->snapshot, sizeof ep->snapshot, "%s", token);
    char own[sizeof ep->snapshot];
    if (!pg_value(conn, "SELECT pg_catalog.pg_export_snapshot()", 0, NULL, own, sizeof own, NULL)) {
        snprintf(ep->snapshot, sizeof ep->snapshot, "%s", own);
    }
    return LEAT_OK;
}

/* --- start --------------------------------------------------------------------------------- */

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

/* `own_types`: with what the types are that users made. */
static int describe_plan(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                         bool own_types, struct pg_table *ret_table, struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    int status = pg_take_held(ep, &conn, err);
    if (!status) {
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

/* Has the server plan the SELECT inside the COPY: it checks every name, type and privilege, and
 * runs nothing. So a read that cannot work is refused before a destination is touched. */
static int try_plan(const struct leat_reader *reader, struct leat_error *err)
{
    static const char head[] = "COPY (", tail[] = ") TO STDOUT (FORMAT binary)";
    struct pg_conn *conn = NULL;
    PGresult *result = NULL;
    size_t len = strlen(reader->sql) - (sizeof head - 1) - (sizeof tail - 1);
    char *sql = lt_format("EXPLAIN %.*s", (int)len, reader->sql + sizeof head - 1);
    int status = sql ? pg_take_held(reader->ep, &conn, err) : lt_fail_oom(err);
    if (!status) {
        status = pg_query(conn, sql, 0, NULL, &result, err);
        if (status) {
            status = pg_explain_lock(conn, NULL, true, status, err);
            leat_error_place(err, "%s", reader->place);
        } else {
            pg_clear(conn, result);
        }
    }
    pg_give(conn);
    free(sql);
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

static int copy_table(const struct pg_table *from, struct pg_table *to, struct leat_error *err)
{
    *to = *from;
    to->schema.release = NULL;
    to->comment = NULL;
    to->n_columns = 0;
    to->columns = calloc((size_t)from->n_columns + 1, sizeof *to->columns);
    int status = to->columns ? lt_schema_copy(&from->schema, &to->schema, err) : lt_fail_oom(err);
    for (int64_t i = 0; i < from->n_columns && !status; i++) {
        to->columns[i] = from->columns[i];
        to->columns[i].type_text = lt_strdup(from->columns[i].type_text);
        to->n_columns = i + 1;
        status = to->columns[i].type_text ? LEAT_OK : lt_fail_oom(err);
    }
    return status;
}

/* Another reader of what `like` was to read: its columns are known, its statement was tried. */
static int start_like(struct leat_reader *reader, const struct leat_read_plan *plan,
                      struct leat_error *err)
{
    const struct leat_reader *like = plan->like;
    int status = copy_table(&like->table, &reader->table, err);
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
    int status = describe_plan(ep, plan, true, &all, err);
    status = status ? status : copy_table(&all, &reader->table, err);
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

/* --- partitions ---------------------------------------------------------------------------- */

/* Blocks of the heap as it is now; relpages lags behind. */
static int count_pages(struct leat_endpoint *ep, const struct pg_table *table, int64_t *ret_pages,
                       struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    char oid[16], text[24] = "";
    const char *params[] = {oid};
    snprintf(oid, sizeof oid, "%u", table->oid);
    int status = pg_take(ep, &conn, err);
    status = status ? status
                    : pg_value(conn,
                               "SELECT pg_catalog.pg_relation_size($1::oid) / "
                               "pg_catalog.current_setting('block_size')::int8",
                               1, params, text, sizeof text, err);
    pg_give(conn);
    if (!status && lt_parse_int(text, ret_pages)) {
        *ret_pages = 0;
    }
    return status;
}

/* The pages of each of at most n partitions: one of few numbers, so that a table which grows while
 * it is read in one snapshot is mostly cut in the same places, and then goes on behind them. */
static int64_t partition_pages(int64_t pages, int n)
{
    int64_t size = LT_MAX(PARTITION_PAGES_MIN, (pages + n - 1) / n), step = PARTITION_PAGES_MIN / 8;
    while (step * 16 <= size) {
        step *= 2;
    }
    return (size + step - 1) / step * step;
}

static int split(struct leat_endpoint *ep, const struct leat_read_plan *plan, int n,
                 leat_partition_fn *each, void *arg, struct leat_error *err)
{
    struct pg_table own = {0};
    /* Blocks are read whole, where an index may lead to the few records of a range; and its columns
     * are to be known, also where they are not read. */
    bool few = plan->cursor && (plan->cursor->low || plan->columns);
    if (n < 2 || plan->query || ep->version < 140000 || few) {
        return each(arg, NULL, 0, -1);
    }
    int64_t pages = 0;
    int status = plan->like ? LEAT_OK : describe_plan(ep, plan, false, &own, err);
    const struct pg_table *table = plan->like ? &plan->like->table : &own;
    int64_t rows = table->rows_estimate;
    if (!status && (table->kind == 'r' || table->kind == 'm')) {
        status = count_pages(ep, table, &pages, err);
    }
    pg_table_done(&own);
    if (status) {
        return status;
    }
    if (pages < 2 * PARTITION_PAGES_MIN) {
        return each(arg, NULL, 0, rows);
    }
    int64_t size = partition_pages(pages, n), parts = (pages + size - 1) / size;
    for (int64_t i = 0; i < parts && !status; i++) {
        struct pg_block_range range = {size * i, i + 1 < parts ? size * (i + 1) : -1};
        status = each(arg, &range, sizeof range, rows < 0 ? -1 : rows / parts);
    }
    return status;
}

/* A connection that sees the endpoint's snapshot, where it has one. */
static int take_to_read(struct leat_endpoint *ep, struct pg_conn **ret_conn, struct leat_error *err)
{
    int status = pg_take(ep, ret_conn, err);
    if (!status && ep->snapshot[0]) {
        status = join(*ret_conn, ep->snapshot, err);
    }
    return status;
}

#define IDENTITY(what)                                                                             \
    "SELECT pg_catalog.format('%s:%s:%s', $1::oid, "                                               \
    "pg_catalog.pg_relation_filenode($1::oid), pg_catalog." what ")"

/* The rows of a table that nobody writes lie in the same blocks until it is written anew, and then
 * in another file; so do those that one snapshot sees, and it names the transactions that it sees.
 * Blocks that are added meanwhile have none of them. Scans begin anywhere, so there is no order. */
static int fingerprint(struct leat_endpoint *ep, const struct leat_read_plan *plan, bool immutable,
                       char **ret_text, bool *ret_ordered, struct leat_error *err)
{
    struct pg_table table = {0};
    struct pg_conn *conn = NULL;
    char oid[16], text[80] = "";
    const char *params[] = {oid};
    if (plan->query || !(immutable || ep->snapshot[0])) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       plan->query
                           ? "a query may give other records each time"
                           : "a table that is live may change at any time; --immutable says "
                             "that it does not, --snapshot that one moment of it is read");
    }
    int status = describe_plan(ep, plan, false, &table, err);
    if (!status && ((table.kind != 'r' && table.kind != 'm') || ep->version < 140000)) {
        status = lt_fail(err, LT_E_UNSUPPORTED,
                         ep->version < 140000 ? "a server before PostgreSQL 14 cannot read a table "
                                                "by its blocks"
                                              : "only plain tables lie in blocks that stay");
    }
    snprintf(oid, sizeof oid, "%u", table.oid);
    status = status ? status : take_to_read(ep, &conn, err);
    status = status ? status
                    : pg_value(conn,
                               immutable ? IDENTITY("pg_relation_size($1::oid)")
                                         : IDENTITY("pg_current_snapshot()"),
                               1, params, text, sizeof text, err);
    pg_give(conn);
    pg_table_done(&table);
    *ret_ordered = false;
    if (!status && !(*ret_text = lt_strdup(text))) {
        status = lt_fail_oom(err);
    }
    return status;
}

static int bounds(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                  const char *const *columns, size_t n_columns, int64_t wait_ms,
                  struct leat_bounds *ret_bounds, struct leat_error *err)
{
    struct pg_table table = {0};
    *ret_bounds = (struct leat_bounds){.size = ret_bounds->size, .nulls = -1};
    int status = describe_plan(ep, plan, false, &table, err);
    status =
        status ? status : pg_bounds(ep, plan, &table, columns, n_columns, wait_ms, ret_bounds, err);
    pg_table_done(&table);
    return status;
}

static int key_split(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                     int64_t rows_per_range, leat_key_fn *each, void *arg, struct leat_error *err)
{
    struct pg_table table = {0};
    struct pg_conn *conn = NULL;
    int status = describe_plan(ep, plan, false, &table, err);
    status = status ? status : take_to_read(ep, &conn, err);
    status = status ? status : pg_key_split(conn, plan, &table, rows_per_range, each, arg, err);
    pg_give(conn);
    pg_table_done(&table);
    return status;
}

static int hash_ranges(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                       const char *const *const *cuts, size_t n_cuts, leat_hash_fn *each, void *arg,
                       struct leat_error *err)
{
    struct pg_table all = {0}, read = {0};
    struct pg_conn *conn = NULL;
    int status = describe_plan(ep, plan, false, &all, err);
    status = status ? status : copy_table(&all, &read, err);
    if (!status && plan->columns) {
        status = pg_table_project(&read, plan->columns, plan->n_columns, err);
    }
    status = status ? status : take_to_read(ep, &conn, err);
    status =
        status ? status : pg_hash_ranges(conn, plan, &all, &read, cuts, n_cuts, each, arg, err);
    pg_give(conn);
    pg_table_done(&all);
    pg_table_done(&read);
    return status;
}

/* --- next ---------------------------------------------------------------------------------- */

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

/* The COPY, with the transaction around it that reads in the snapshot, in one message. */
static int send_copy(struct leat_reader *reader, bool in_snapshot, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    if (!in_snapshot && (reader->borrowed || !pg_pooled(reader->ep))) {
        return pg_send(reader->conn, reader->sql, err);
    }
    int failed = in_snapshot ? join_sql(reader->ep->snapshot, &sql) | lt_buf_puts(&sql, "; ")
                             : lt_buf_puts(&sql, "BEGIN; ") | pg_settings(reader->conn, true, &sql);
    failed |= lt_buf_printf(&sql, "%s; %s", reader->sql, in_snapshot ? "ROLLBACK" : "COMMIT");
    int status = failed ? lt_fail_oom(err) : pg_send(reader->conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status;
}

static int begin_copy(struct leat_reader *reader, struct leat_error *err)
{
    int status = LEAT_OK;
    PGresult *result = NULL;
    bool in_snapshot = !reader->conn && reader->ep->snapshot[0];
    struct leat_error why = {.status = LEAT_OK};
    if (!reader->conn) {
        status = pg_take(reader->ep, &reader->conn, err);
    }
    if (!status && reader->table.bytes_estimate >= LARGE_BYTES) {
        status = widen_buffer(reader->conn, err);
    }
    status = status ? status : send_copy(reader, in_snapshot, err);
    status = status ? status : pg_finish_results(reader->conn, &result, &why);
    status = in_snapshot ? explain_join(status, &why) : status;
    if (why.status && err) {
        *err = why;
    }
    if (!status && reader->ep->pq->PQresultStatus(result) != PGRES_COPY_OUT) {
        status = lt_fail(err, LT_E_INTERNAL, "the server did not answer COPY with data");
    }
    pg_clear(reader->conn, result);
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

static int next(struct leat_reader *reader, struct leat_payload *ret_payload,
                struct leat_error *err)
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
    .snapshot_take = snapshot_take,
    .snapshot_join = snapshot_join,
    .snapshot_release = snapshot_release,
    .split = split,
    .fingerprint = fingerprint,
    .bounds = bounds,
    .key_split = key_split,
    .hash_ranges = hash_ranges,
    .start = start,
    .schema = schema,
    .next = next,
    .finish = finish,
    .explain = explain,
    .choose = choose,
};
