/* Loads: one connection, one transaction from begin to commit.
 *
 * BEGIN IMMEDIATE is the fence: SQLite lets one writer in. Everything, the record of the load
 * included, becomes visible with the COMMIT; a killed process leaves a journal that the next
 * reader rolls back. In WAL mode readers go on seeing the old state meanwhile; in
 * rollback-journal mode they wait while the commit (or a transaction larger than the page cache)
 * writes to the database, which is said once a load. */
#include "connectors/sqlite/load.h"
#include "connectors/sqlite/feed.h"

#include "columnar/array.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

#define REOPENS_MAX 5 /* a file deleted by an aborted load between our open and our lock */

struct leat_part {
    struct leat_load *load;
    struct load_stream *stream;
    const struct leat_reject_sink *rejects;
    const struct leat_loss_sink *losses;
    struct sq_feed *feed;
    sqlite3_stmt *stmt; /* inserts what the feed's range holds */
    struct leat_receipt receipt;
    bool sealed;
    bool repeated; /* sealed by an earlier attempt: writes are passed over */
};

/* --- begin --------------------------------------------------------------------------------- */

/* The write lock on the file that the path means now. An aborted load takes the file it made away
 * again, and a lock on a deleted file would be worth nothing. */
static int take_lock(struct leat_load *load, struct leat_error *err)
{
    struct leat_endpoint *ep = load->ep;
    for (int i = 0; i < REOPENS_MAX; i++) {
        bool existed = lt_sq_exists(ep);
        int status = lt_sq_connect(ep, SQ_USE_WRITE, &load->conn, err);
        status = status ? status : lt_sq_exec(load->conn, "BEGIN IMMEDIATE", err);
        if (status) {
            return status;
        }
        int moved = 0;
        ep->api->sqlite3_file_control(load->conn->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
        if (!moved) {
            struct stat st;
            load->made_file = !existed && stat(ep->path, &st) == 0 && st.st_size == 0;
            return LEAT_OK;
        }
        lt_sq_disconnect(load->conn);
        load->conn = NULL;
    }
    return lt_fail(err, LT_E_DESTINATION_BUSY, "%s was deleted again and again", ep->path);
}

static void tell_readers(const struct leat_load *load)
{
    sqlite3_stmt *stmt = NULL;
    if (lt_sq_prepare(load->conn, "PRAGMA journal_mode", &stmt, NULL)) {
        return;
    }
    const struct lt_sqlite *api = load->conn->api;
    if (api->sqlite3_step(stmt) == SQLITE_ROW) {
        const char *mode = (const char *)api->sqlite3_column_text(stmt, 0);
        if (mode && strcmp(mode, "wal") != 0 && !load->made_file) {
            lt_sq_log(load->ep, LEAT_LOG_INFO,
                      "sqlite: %s is in rollback-journal mode (%s): readers wait while the load "
                      "commits",
                      load->ep->path, mode);
        }
    }
    api->sqlite3_finalize(stmt);
}

/* A column's type as the table declares it; "" for none. */
static char *declared_type(struct sq_conn *conn, const char *table, const char *column)
{
    sqlite3_stmt *stmt = NULL;
    char *type = NULL;
    if (lt_sq_prepare(conn,
                      "SELECT type FROM pragma_table_xinfo(?1) WHERE name = ?2 COLLATE NOCASE",
                      &stmt, NULL)) {
        return NULL;
    }
    if (!lt_sq_bind_text(conn, stmt, 1, table) && !lt_sq_bind_text(conn, stmt, 2, column) &&
        conn->api->sqlite3_step(stmt) == SQLITE_ROW) {
        const char *text = (const char *)conn->api->sqlite3_column_text(stmt, 0);
        type = lt_strdup(text ? text : "");
    }
    conn->api->sqlite3_finalize(stmt);
    return type;
}

/* A constraint's own ON CONFLICT clause (SQLite documentation, "The ON CONFLICT Clause") lets rows
 * go or replace others without a word; only a statement's "OR ABORT" overrules it. That would
 * overrule those of the statements in triggers too, hence only where the table may have such a
 * clause: wherever the word occurs. */
static int find_clauses(struct sq_conn *conn, const char *table, struct load_stream *stream,
                        struct leat_error *err)
{
    int64_t n = 0;
    int status = lt_sq_int(conn,
                           "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND "
                           "name = ?1 COLLATE NOCASE AND sql LIKE '%conflict%'",
                           table, NULL, 0, &n, err);
    stream->abort = n > 0;
    return status;
}

int lt_sq_blame_clauses(const struct load_stream *stream, int status, struct leat_error *err)
{
    if (status && stream->abort && err && !strcmp(err->code, lt_codes[LT_E_SERVER].code)) {
        leat_error_remedy(err, "a load loses no rows: the table's own ON CONFLICT clauses do not "
                               "apply to it. Leave such rows out, or write by the columns that "
                               "are unique (leat sync batch -p COLUMNS)");
    }
    return status;
}

/* `op`: a column that the table does not have. */
static int make_insert(struct sq_conn *conn, const char *table, const char *op,
                       struct load_stream *stream, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int64_t n = stream->schema.n_children;
    int failed = lt_buf_puts(&sql, stream->abort ? "INSERT OR ABORT INTO " : "INSERT INTO ");
    failed |= stream->staging ? lt_buf_puts(&sql, stream->staging) : lt_sq_quote(&sql, table);
    for (int64_t i = 0; i < n; i++) {
        failed |= lt_buf_puts(&sql, i ? ", " : " (");
        failed |= lt_sq_quote(&sql, stream->schema.children[i]->name);
    }
    failed |= lt_buf_puts(&sql, ")") | lt_sq_feed_put_from(&sql);
    stream->insert = failed ? NULL : lt_buf_take(&sql);
    lt_buf_done(&sql);
    stream->declared = calloc((size_t)n + 1, sizeof *stream->declared);
    for (int64_t i = 0; i < n && stream->declared; i++) {
        const char *name = stream->schema.children[i]->name;
        stream->declared[i] =
            op && !strcmp(op, name) ? lt_strdup("TEXT") : declared_type(conn, table, name);
        failed |= !stream->declared[i];
    }
    return failed || !stream->insert || !stream->declared ? lt_fail_oom(err) : LEAT_OK;
}

static int count_rows(struct sq_conn *conn, const char *table, int64_t *ret_rows,
                      struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int status = lt_buf_puts(&sql, "SELECT count(*) FROM ") || lt_sq_quote(&sql, table)
                     ? lt_fail_oom(err)
                     : lt_sq_int(conn, lt_buf_text(&sql), NULL, NULL, 0, ret_rows, err);
    lt_buf_done(&sql);
    return status;
}

/* Where appended rows begin: after the largest rowid, unless the rows bring their own. */
static int find_top(struct sq_conn *conn, const struct sq_table *table, struct load_stream *stream,
                    struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    stream->top_rowid = -1;
    if (!table->has_rowid ||
        (table->rowid_alias && lt_schema_find(&stream->schema, table->rowid_alias) >= 0)) {
        return LEAT_OK;
    }
    int status = lt_buf_puts(&sql, "SELECT max(_rowid_) FROM ") || lt_sq_quote(&sql, table->name)
                     ? lt_fail_oom(err)
                     : lt_sq_int(conn, lt_buf_text(&sql), NULL, NULL, 0, &stream->top_rowid, err);
    /* After the largest possible one SQLite picks rowids at random. */
    if (stream->top_rowid < 0 || stream->top_rowid > INT64_MAX / 2) {
        stream->top_rowid = -1;
    }
    lt_buf_done(&sql);
    return status;
}

/* Makes or empties the table of one stream, planned anew under the lock. */
static int begin_stream(struct leat_load *load, size_t index,
                        const struct leat_load_stream *promised, struct leat_error *err)
{
    const struct leat_write_stream *want = &load->want->streams[index];
    struct load_stream *stream = &load->streams[index];
    struct leat_load_stream plan = {.ddl = NULL};
    struct sq_table table = {.name = NULL};
    int64_t triggers = 0;
    int status = lt_sq_plan_stream(load->ep, load->conn, want, &plan, err);
    if (status) {
        return status;
    }
    if (plan.exists != promised->exists || !lt_schema_same(&plan.schema, &promised->schema, true)) {
        status = lt_fail(err, LT_E_DESTINATION_BUSY,
                         "the table was changed between planning and loading");
    }
    stream->rows_before = plan.rows_before;
    stream->made = !plan.exists || lt_sq_is_recreated(want);
    status = status ? status : lt_sq_state_read(load->conn, want->name.name, &stream->state, err);
    status = status || !plan.ddl ? status : lt_sq_exec(load->conn, plan.ddl, err);
    status = status ? status : lt_sq_table(load->conn, NULL, want->name.name, &table, err);
    lt_schema_move(&plan.schema, &stream->schema);
    bool keyed = lt_sq_is_keyed(want->mode);
    stream->staging = keyed ? lt_format("temp.\"_leat_stage_%zu\"", index) : NULL;
    if (!status && keyed && !stream->staging) {
        status = lt_fail_oom(err);
    }
    status = status ? status : find_clauses(load->conn, table.name, stream, err);
    status = status ? status
                    : make_insert(load->conn, table.name,
                                  want->mode == LEAT_CHANGES ? want->op : NULL, stream, err);
    status = status || !keyed ? status : lt_sq_stage(load, (uint32_t)index, err);
    status = status || keyed ? status : find_top(load->conn, &table, stream, err);
    status = status ? status
                    : lt_sq_int(load->conn,
                                "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND "
                                "tbl_name = ?1 COLLATE NOCASE",
                                want->name.name, NULL, 0, &triggers, err);
    stream->rows_counted = -1;
    if (!status && triggers) {
        status = count_rows(load->conn, table.name, &stream->rows_counted, err);
    }
    lt_sq_table_done(&table);
    lt_sq_plan_stream_done(&plan);
    if (status) {
        leat_error_place(err, "%s", want->name.name);
    }
    return status;
}

static void load_free(struct leat_load *load)
{
    for (size_t i = 0; load->streams && i < load->want->n_streams; i++) {
        struct load_stream *stream = &load->streams[i];
        for (int64_t c = 0; stream->declared && c < stream->schema.n_children; c++) {
            free(stream->declared[c]);
        }
        free(stream->declared);
        free(stream->insert);
        free(stream->staging);
        free(stream->state);
        lt_merge_free(stream->merge);
        lt_schema_done(&stream->schema);
    }
    while (load->sealed) {
        struct sealed_part *next = load->sealed->next;
        free(load->sealed);
        load->sealed = next;
    }
    lt_sq_disconnect(load->conn);
    free(load->streams);
    free(load);
}

/* Takes away the file this load made, if nobody has put anything into it: asked under the lock
 * that any writer would need. */
static void remove_made_file(struct leat_load *load)
{
    struct stat st;
    if (lt_sq_exec(load->conn, "BEGIN IMMEDIATE", NULL)) {
        return;
    }
    if (stat(load->ep->path, &st) == 0 && st.st_size == 0) {
        unlink(load->ep->path);
    }
    lt_sq_exec(load->conn, "ROLLBACK", NULL);
}

static void sq_abort(struct leat_load *load)
{
    if (!load) {
        return;
    }
    if (load->conn && !load->committed) {
        if (!load->conn->api->sqlite3_get_autocommit(load->conn->db)) {
            lt_sq_exec(load->conn, "ROLLBACK", NULL);
        }
        /* After a full disk SQLite has ended the transaction but keeps the journal for the next
         * one who reads: that had better be us, for a reader without the right to write cannot
         * play it back. */
        lt_sq_exec(load->conn, "SELECT count(*) FROM sqlite_schema", NULL);
        if (load->made_file) {
            remove_made_file(load);
        }
    }
    load_free(load);
}

static int sq_begin(struct leat_endpoint *ep, const struct leat_load_plan *plan,
                    struct leat_load **ret_load, struct leat_error *err)
{
    struct leat_load *load = calloc(1, sizeof *load);
    if (!load) {
        return lt_fail_oom(err);
    }
    load->ep = ep;
    load->want = plan->state;
    load->streams = calloc(load->want->n_streams + 1, sizeof *load->streams);
    int status = load->streams ? take_lock(load, err) : lt_fail_oom(err);
    if (!status) {
        tell_readers(load);
    }
    for (size_t i = 0; i < load->want->n_streams && !status; i++) {
        status = begin_stream(load, i, &plan->streams[i], err);
    }
    if (status) {
        sq_abort(load);
        return status;
    }
    *ret_load = load;
    return LEAT_OK;
}

/* --- parts --------------------------------------------------------------------------------- */

static const struct sealed_part *find_sealed(const struct leat_load *load,
                                             const struct leat_part_id *id)
{
    for (const struct sealed_part *at = load->sealed; at; at = at->next) {
        if (at->receipt.id.stream == id->stream && at->receipt.id.part == id->part) {
            return at;
        }
    }
    return NULL;
}

static void sq_part_close(struct leat_part *part)
{
    if (!part) {
        return;
    }
    struct sq_conn *conn = part->load->conn;
    if (part->stmt) {
        conn->api->sqlite3_finalize(part->stmt);
    }
    if (!part->repeated) {
        /* A failed statement may have rolled the whole transaction back already. */
        if (!part->sealed && !conn->api->sqlite3_get_autocommit(conn->db)) {
            lt_sq_exec(conn, "ROLLBACK TO leat_part", NULL);
            lt_sq_exec(conn, "RELEASE leat_part", NULL);
        }
        part->load->part_open = false;
    }
    lt_sq_feed_free(part->feed);
    free(part);
}

static int part_prepare(struct leat_part *part, struct leat_error *err)
{
    struct leat_load *load = part->load;
    int status = lt_sq_feed_new(load->conn, &part->stream->schema,
                                (const char *const *)part->stream->declared, &part->feed, err);
    status = status ? status : lt_sq_prepare(load->conn, part->stream->insert, &part->stmt, err);
    const struct leat_write_stream *want = &load->want->streams[part->receipt.id.stream];
    if (!status && lt_sq_from_cursor(want)) {
        lt_sq_feed_pad(part->feed, lt_schema_find(&part->stream->schema, want->cursor[0]));
    }
    return status ? status : lt_sq_exec(load->conn, "SAVEPOINT leat_part", err);
}

static int sq_part_open(struct leat_load *load, const struct leat_part_plan *plan,
                        struct leat_part **ret_part, struct leat_error *err)
{
    if (plan->id.stream >= load->want->n_streams || plan->payload != LEAT_PAYLOAD_BATCH) {
        return lt_fail(err, LT_E_INTERNAL, "a part that the plan does not know");
    }
    if (load->part_open) {
        return lt_fail(err, LT_E_INTERNAL, "a second part beside an open one");
    }
    struct leat_part *part = calloc(1, sizeof *part);
    if (!part) {
        return lt_fail_oom(err);
    }
    const struct sealed_part *earlier = find_sealed(load, &plan->id);
    part->load = load;
    part->stream = &load->streams[plan->id.stream];
    part->rejects = plan->rejects;
    part->losses = plan->losses;
    part->receipt = (struct leat_receipt){.size = sizeof part->receipt, .id = plan->id};
    part->repeated = true; /* until the savepoint is there */
    if (earlier) {
        part->receipt = earlier->receipt;
    } else {
        int status = part_prepare(part, err);
        if (status) {
            sq_part_close(part);
            return status;
        }
        part->repeated = false;
        load->part_open = true;
    }
    *ret_part = part;
    return LEAT_OK;
}

/* A value that SQLite cannot hold: the loss sink may let it become NULL (*ret_null), else the row
 * is rejected, or the part fails. */
static int refuse_row(struct leat_part *part, int64_t row, int64_t number, int64_t column,
                      const struct sq_misfit *misfit, bool *ret_null, struct leat_error *err)
{
    const char *stream = part->load->want->streams[part->receipt.id.stream].name.name;
    const char *name = part->stream->schema.children[column]->name;
    struct lt_buf record = LT_BUF_INIT;
    char place[512], reason[256];
    int status;
    snprintf(place, sizeof place, "%s: row %lld column \"%s\"", stream, (long long)number, name);
    snprintf(reason, sizeof reason, "SQLite cannot hold it: %s", misfit->why);
    struct leat_reject reject = {.size = sizeof reject,
                                 .place = place,
                                 .code = lt_codes[misfit->code].code,
                                 .reason = reason,
                                 .column = name};
    *ret_null = part->losses != NULL;
    if (part->losses) {
        status = part->losses->lost(part->losses->arg, &reject, err);
    } else if (part->rejects) {
        status = lt_sq_feed_json(part->feed, row, &record) ? lt_fail_oom(err) : LEAT_OK;
        reject.record = lt_buf_text(&record);
        reject.record_len = record.len;
        status = status ? status : part->rejects->reject(part->rejects->arg, &reject, err);
        part->receipt.rows_rejected += !status;
    } else {
        status = lt_fail(err, misfit->code, "%s", reason);
        leat_error_place(err, "%s", place);
    }
    lt_buf_done(&record);
    return status;
}

/* Sees to the values that SQLite cannot hold, before any of the batch is inserted. */
static int sort_out(struct leat_part *part, int64_t first, struct leat_error *err)
{
    struct sq_misfit misfit;
    int status = LEAT_OK;
    for (int64_t row = 0, column = 0;
         !status && lt_sq_feed_misfit(part->feed, &row, &column, &misfit);) {
        bool null = false;
        status = refuse_row(part, row, first + row, column, &misfit, &null, err);
        if (!status &&
            (null ? lt_sq_feed_lose(part->feed, row, column) : lt_sq_feed_skip(part->feed, row))) {
            status = lt_fail_oom(err);
        }
        row += !null;
        column = null ? column + 1 : 0;
    }
    return status;
}

/* Inserts `n` rows of the batch by one statement, whole or not at all. */
static int insert_rows(struct leat_part *part, int64_t row, int64_t n, int64_t first,
                       struct leat_error *err)
{
    struct sq_conn *conn = part->load->conn;
    int status = LEAT_OK;
    lt_sq_feed_range(part->feed, row, n);
    int rc = conn->api->sqlite3_step(part->stmt);
    if (rc != SQLITE_DONE) {
        status = lt_sq_fail(conn, rc, err, "SQLite refused row %lld",
                            (long long)(first + lt_sq_feed_row(part->feed)));
        status = lt_sq_blame_clauses(part->stream, status, err);
        leat_error_place(err, "%s", part->load->want->streams[part->receipt.id.stream].name.name);
    } else {
        /* A trigger may have skipped rows (RAISE(IGNORE)). */
        part->receipt.rows_inserted += conn->api->sqlite3_changes(conn->db);
    }
    conn->api->sqlite3_reset(part->stmt);
    return status;
}

static int sq_part_write(struct leat_part *part, struct leat_payload *payload,
                         struct leat_error *err)
{
    if (part->repeated) {
        return LEAT_OK;
    }
    if (payload->kind != LEAT_PAYLOAD_BATCH || !payload->batch.release) {
        return lt_fail(err, LT_E_INTERNAL, "a payload that is no batch");
    }
    int64_t rows = payload->batch.length;
    int64_t first = payload->row_first > 0 ? payload->row_first : 1;
    int status = lt_sq_feed_set(part->feed, &payload->batch, err);
    status = status ? status : sort_out(part, first, err);
    /* Where a table has triggers SQLite would copy all rows aside first: each is inserted alone. */
    int64_t step = part->stream->rows_counted >= 0 && !part->stream->staging ? 1 : LT_MAX(rows, 1);
    for (int64_t row = 0; row < rows && !status; row += step) {
        status = insert_rows(part, row, step, first, err);
    }
    if (!status) {
        part->receipt.bytes += lt_array_bytes(&part->stream->schema, &payload->batch);
    }
    return status;
}

static int sq_part_seal(struct leat_part *part, struct leat_receipt *ret_receipt,
                        struct leat_error *err)
{
    struct leat_load *load = part->load;
    if (!part->repeated && !part->sealed) {
        struct sealed_part *sealed = calloc(1, sizeof *sealed);
        int status = sealed ? lt_sq_exec(load->conn, "RELEASE leat_part", err) : lt_fail_oom(err);
        if (status) {
            free(sealed);
            return status;
        }
        sealed->receipt = part->receipt;
        sealed->next = load->sealed;
        load->sealed = sealed;
        part->stream->rows += part->receipt.rows_inserted;
        part->sealed = true;
    }
    memcpy(ret_receipt, &part->receipt, LT_MIN(ret_receipt->size, sizeof part->receipt));
    return LEAT_OK;
}

/* Rows of the table that have a key of the load's records. */
static int put_own_keys(const struct leat_write_stream *want, const struct load_stream *s,
                        struct lt_buf *sql)
{
    struct sq_keys keys = {.n = 0};
    int failed = lt_sq_keys(want, &keys, NULL);
    for (int turn = 0; turn < 2; turn++) {
        failed |= lt_buf_puts(sql, turn ? " IN (SELECT " : " WHERE (");
        for (size_t k = 0; k < keys.n; k++) {
            failed |= lt_buf_puts(sql, k ? ", " : "") | lt_sq_quote(sql, keys.of[k].name);
        }
        failed |= turn ? lt_buf_printf(sql, " FROM %s)", s->staging) : lt_buf_byte(sql, ')');
    }
    return failed;
}

/* The columns of the table among those of the records. */
static int back_schema(const struct leat_write_stream *want, const struct load_stream *s,
                       struct ArrowSchema *schema, struct leat_error *err)
{
    int status = lt_schema_init_struct(schema, 0, err);
    for (int64_t i = 0; i < s->schema.n_children && !status; i++) {
        struct ArrowSchema field = {.release = NULL};
        if (want->mode == LEAT_CHANGES && !strcmp(s->schema.children[i]->name, want->op)) {
            continue;
        }
        status = lt_schema_copy(s->schema.children[i], &field, err);
        status = status ? status : lt_schema_add(schema, &field, err);
        lt_schema_done(&field);
    }
    return status;
}

static int sq_read_back(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                        struct leat_error *err)
{
    const struct leat_write_stream *want = &load->want->streams[stream];
    struct load_stream *s = &load->streams[stream];
    struct ArrowSchema schema = {.release = NULL};
    struct lt_buf sql = LT_BUF_INIT;
    if (want->mode == LEAT_APPEND && s->top_rowid < 0) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "%s brings its own row numbers, or has none: appended rows cannot be told "
                       "from earlier ones",
                       want->name.name);
    }
    int failed = LEAT_OK, status = s->staging ? lt_sq_merge(load, -1, err) : LEAT_OK;
    status = status ? status : back_schema(want, s, &schema, err);
    for (int64_t i = 0; !status && i < schema.n_children; i++) {
        failed |= lt_buf_puts(&sql, i ? ", " : "SELECT ");
        failed |= lt_sq_quote(&sql, schema.children[i]->name);
    }
    failed |= lt_buf_puts(&sql, " FROM ");
    failed |= lt_sq_quote(&sql, want->name.name);
    if (s->staging) {
        failed |= put_own_keys(want, s, &sql);
    } else if (want->mode == LEAT_APPEND) {
        failed |= lt_buf_printf(&sql, " WHERE _rowid_ > %lld", (long long)s->top_rowid);
    }
    status = status || !failed ? status : lt_fail_oom(err);
    status = status ? status
                    : lt_sq_reader_new(load->conn, false, lt_buf_text(&sql), &schema,
                                       want->name.name, NULL, ret_reader, err);
    lt_schema_done(&schema);
    lt_buf_done(&sql);
    return status;
}

/* --- commit -------------------------------------------------------------------------------- */

/* By how many rows the table must have grown. */
static int64_t growth(const struct leat_load *load, uint32_t index, int64_t inserted)
{
    const struct leat_write_stream *want = &load->want->streams[index];
    struct leat_row_counts counts;
    if (!load->streams[index].staging) {
        return inserted;
    }
    lt_sq_counts(load, index, &counts);
    bool stays = want->mode == LEAT_HISTORY || want->flags & LEAT_WRITE_SOFT_DELETE;
    return counts.inserted - (stays ? 0 : counts.deleted);
}

static int check_stream(struct leat_load *load, uint32_t index, const struct leat_commit *what,
                        struct leat_error *err)
{
    const struct leat_write_stream *want = &load->want->streams[index];
    const struct load_stream *stream = &load->streams[index];
    int64_t inserted = 0, now = 0;
    for (size_t i = 0; i < what->n_receipts; i++) {
        if (what->receipts[i].id.stream == index) {
            inserted += what->receipts[i].rows_inserted;
        }
    }
    int64_t expected = what->guards.rows_expected ? what->guards.rows_expected[index] : -1;
    if (inserted != stream->rows || (expected >= 0 && expected != inserted)) {
        return lt_fail(err, LT_E_COUNT_MISMATCH, "%lld rows were expected, %lld inserted",
                       (long long)(expected >= 0 ? expected : inserted), (long long)stream->rows);
    }
    bool allowed = what->guards.allow_empty || (want->flags & LEAT_WRITE_ALLOW_EMPTY);
    if (want->mode == LEAT_REPLACE && inserted == 0 && stream->rows_before != 0 && !allowed) {
        return lt_fail(err, LT_E_EMPTY_SOURCE, "no rows would replace those there are");
    }
    int status = LEAT_OK;
    if (what->guards.counts_expected) {
        struct leat_row_counts counts;
        lt_sq_counts(load, index, &counts);
        status = lt_merge_check_counts(&counts, &what->guards.counts_expected[index], err);
    }
    if (status || stream->rows_counted < 0) {
        return status;
    }
    status = count_rows(load->conn, want->name.name, &now, err);
    int64_t grown = growth(load, index, inserted);
    if (!status && now != stream->rows_counted + grown) {
        status = lt_fail(err, LT_E_COUNT_MISMATCH,
                         "the table should have grown by %lld rows, but grew by %lld",
                         (long long)grown, (long long)(now - stream->rows_counted));
        status = lt_sq_blame_triggers(load->conn, want->name.name, status, err);
    }
    return status;
}

static int check_guards(struct leat_load *load, const struct leat_commit *what,
                        struct leat_error *err)
{
    for (uint32_t i = 0; i < load->want->n_streams; i++) {
        int status = check_stream(load, i, what, err);
        if (status) {
            leat_error_place(err, "%s", load->want->streams[i].name.name);
            return status;
        }
    }
    return LEAT_OK;
}

static int save_state(struct leat_load *load, const struct leat_commit *what,
                      struct leat_error *err)
{
    if (load->ep->no_state) {
        return what->n_state ? lt_fail(err, LT_E_UNSUPPORTED, "with --no-state nothing is kept")
                             : LEAT_OK;
    }
    size_t n = load->want->n_streams;
    struct sq_saved *saved = calloc(n + 1, sizeof *saved);
    if (!saved) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        saved[i] = (struct sq_saved){load->streams[i].rows, load->streams[i].state};
    }
    int status = lt_sq_state_save(load->conn, load->want, saved, what, err);
    free(saved);
    return status;
}

/* COMMIT is SQLite's one step; the library answers in this process, so that its reply cannot be
 * lost, but by the test that says so. */
static int send_commit(struct leat_load *load, struct leat_error *err)
{
    int status = lt_sq_step_hook(load->ep, "sqlite:commit:before", err);
    status = status ? status : lt_sq_exec(load->conn, "COMMIT", err);
    if (status) {
        return status;
    }
    load->committed = true;
    status = lt_sq_step_hook(load->ep, "sqlite:commit:sent", err);
    status = status ? status : lt_sq_step_hook(load->ep, "sqlite:commit:after", err);
    return status ? lt_fail(err, LT_E_OUTCOME_UNKNOWN, "the reply to the COMMIT was lost")
                  : LEAT_OK;
}

static int sq_commit(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                     struct leat_error *err)
{
    bool already = false;
    int status = load->part_open ? lt_fail(err, LT_E_INTERNAL, "a part is still open") : LEAT_OK;
    status =
        status ? status : lt_sq_state_committed(load->conn, load->want->load_id, &already, err);
    if (status) {
        return status;
    }
    if (already) {
        status = lt_sq_exec(load->conn, "ROLLBACK", err);
        load->committed = true;
        *ret_already = true;
        return status;
    }
    status = lt_sq_merge(load, what->guards.rows_deleted_max, err);
    status = status ? status : check_guards(load, what, err);
    status = status ? status : lt_sq_make_indexes(load, err);
    status = status ? status : save_state(load, what, err);
    status = status ? status : send_commit(load, err);
    if (!status) {
        *ret_already = false;
    }
    for (uint32_t i = 0; !status && what->ret_counts && i < load->want->n_streams; i++) {
        lt_sq_counts(load, i, &what->ret_counts[i]);
    }
    return status;
}

static void sq_release(struct leat_load *load)
{
    if (load) {
        load_free(load);
    }
}

/* --- afterwards ---------------------------------------------------------------------------- */

static int sq_outcome(struct leat_endpoint *ep, const struct leat_write_plan *want,
                      enum leat_outcome *ret_outcome, struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    struct leat_error why = {.status = LEAT_OK};
    bool committed = false;
    if (!lt_sq_exists(ep)) {
        *ret_outcome = LEAT_LOAD_ABSENT;
        return LEAT_OK;
    }
    int status = lt_sq_connect(ep, SQ_USE_WRITE, &conn, &why);
    status = status ? status : lt_sq_state_committed(conn, want->load_id, &committed, &why);
    if (!status && !committed) {
        /* Whoever holds the write lock may be about to commit it: only with the lock in hand is
         * its absence final. */
        status = lt_sq_exec(conn, "BEGIN IMMEDIATE", &why);
        status = status ? status : lt_sq_state_committed(conn, want->load_id, &committed, &why);
    }
    lt_sq_disconnect(conn);
    if (status == LEAT_UNAVAILABLE && !strcmp(why.code, lt_codes[LT_E_DESTINATION_BUSY].code)) {
        *ret_outcome = LEAT_LOAD_IN_FLIGHT;
        return LEAT_OK;
    }
    if (!status && !committed && ep->no_state) {
        return lt_fail(err, LT_E_OUTCOME_UNKNOWN, "no record of loads is kept in %s", ep->path);
    }
    if (status) {
        if (err) {
            *err = why;
        }
        return status;
    }
    *ret_outcome = committed ? LEAT_LOAD_COMMITTED : LEAT_LOAD_ABSENT;
    return LEAT_OK;
}

/* A dead load leaves at most a journal, which the first reader rolls back. */
static int sq_sweep(struct leat_endpoint *ep, const struct leat_stream_name *streams,
                    size_t n_streams, int64_t *ret_removed, struct leat_error *err)
{
    (void)streams;
    (void)n_streams;
    struct sq_conn *conn = NULL;
    int64_t ignored;
    int status = LEAT_OK;
    if (lt_sq_exists(ep)) {
        status = lt_sq_connect(ep, SQ_USE_WRITE, &conn, err);
        status = status ? status
                        : lt_sq_int(conn, "SELECT count(*) FROM sqlite_master", NULL, NULL, 0,
                                    &ignored, err);
        lt_sq_disconnect(conn);
    }
    if (!status && ret_removed) {
        *ret_removed = 0;
    }
    return status;
}

const struct leat_load_ops lt_sq_load = {
    .plan = lt_sq_plan,
    .plan_release = lt_sq_plan_release,
    .begin = sq_begin,
    .part_open = sq_part_open,
    .part_write = sq_part_write,
    .part_seal = sq_part_seal,
    .part_close = sq_part_close,
    .read_back = sq_read_back,
    .commit = sq_commit,
    .outcome = sq_outcome,
    .abort = sq_abort,
    .release = sq_release,
    .sweep = sq_sweep,
    .state = lt_sq_state,
    .state_set = lt_sq_state_set,
};
