/* Reads: one SELECT a reader, on its own connection, or on the endpoint's while that holds a
 * snapshot (SQLite cannot share one between connections). */
#include "connectors/sqlite/internal.h"

#include "core/json.h"
#include "core/util.h"
#include "io/identity.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "core/banned.h"

#define BATCH_ROWS 65536
#define BATCH_BYTES ((int64_t)8 << 20)
#define FIRST_BATCH_RESERVE 1024
#define TAKE "_leat_take"

struct leat_reader {
    struct sq_conn *conn;
    bool owns_conn;
    sqlite3_stmt *stmt;
    char *stream;        /* for places */
    struct lt_buf words; /* columns typed by their values, for explain() */
    struct ArrowSchema schema;
    struct lt_batch_builder batch;
    struct sq_reading *readings; /* a column each */
    int64_t row_bytes;           /* fixed-width bytes of a row */
    int64_t rows_max, bytes_max;
    int64_t rows_expected; /* what to reserve for the next batch */
    int64_t row;           /* number of the next row, from 1 */
    const struct leat_reject_sink *rejects;
    const struct leat_loss_sink *losses;
    bool done;
    bool taking;             /* the statement hands its rows to take() */
    struct filling *filling; /* the batch at work */
    sqlite3_value **values;  /* of the row at work, while take() is called; else NULL */
};

/* A batch as it is filled. */
struct filling {
    int64_t rows, bytes;
    int64_t first; /* number of its first row */
    int status;
    struct leat_error *err;
};

/* --- the statement ------------------------------------------------------------------------- */

/* Compound cursors compare as rows: (a, b) > (1, 2). */
static int put_range_side(const struct ArrowSchema *schema, const struct leat_cursor_range *range,
                          const char *const *bounds, const char *comparison, struct lt_buf *sql,
                          struct leat_error *err)
{
    int status = lt_buf_puts(sql, "(") ? lt_fail_oom(err) : LEAT_OK;
    for (size_t i = 0; i < range->n_columns && !status; i++) {
        status = i && lt_buf_puts(sql, ", ") ? lt_fail_oom(err) : LEAT_OK;
        status = status ? status : lt_sq_put_comparable(schema, range->columns[i], sql, err);
    }
    if (!status && lt_buf_printf(sql, ") %s (", comparison)) {
        status = lt_fail_oom(err);
    }
    for (size_t i = 0; i < range->n_columns && !status; i++) {
        status = i && lt_buf_puts(sql, ", ") ? lt_fail_oom(err) : LEAT_OK;
        status = status ? status : lt_sq_put_bound(schema, range->columns[i], bounds[i], sql, err);
    }
    return !status && lt_buf_puts(sql, ")") ? lt_fail_oom(err) : status;
}

/* The records of a range: those without a value in one of its columns are in it when they are asked
 * for, and only then. */
static int put_range(const struct ArrowSchema *schema, const struct leat_cursor_range *range,
                     struct lt_buf *sql, struct leat_error *err)
{
    if (range->n_columns == 0 || range->n_columns > LEAT_CURSOR_COLUMNS_MAX) {
        return lt_fail(err, LT_E_INVALID, "a cursor has 1 to %d columns", LEAT_CURSOR_COLUMNS_MAX);
    }
    int status = LEAT_OK, failed = lt_buf_puts(sql, "((1");
    if (range->low) {
        failed |= lt_buf_puts(sql, " AND ");
        status =
            put_range_side(schema, range, range->low, range->low_inclusive ? ">=" : ">", sql, err);
    }
    if (!status && range->high) {
        failed |= lt_buf_puts(sql, " AND ");
        status = put_range_side(schema, range, range->high, range->high_inclusive ? "<=" : "<", sql,
                                err);
    }
    for (int null = 0; null < (range->with_nulls ? 2 : 1); null++) {
        for (size_t i = 0; i < range->n_columns; i++) {
            failed |= lt_buf_puts(sql, null ? " OR " : " AND ");
            failed |= lt_sq_quote(sql, range->columns[i]);
            failed |= lt_buf_puts(sql, null ? " IS NULL" : " IS NOT NULL");
        }
        failed |= lt_buf_puts(sql, ")");
    }
    failed |= range->with_nulls ? LEAT_OK : lt_buf_puts(sql, ")");
    return status ? status : failed ? lt_fail_oom(err) : LEAT_OK;
}

int lt_sq_put_where(const struct ArrowSchema *schema, const struct leat_read_plan *plan,
                    struct lt_buf *sql, struct leat_error *err)
{
    const char *glue = " WHERE ";
    const struct leat_cursor_range *range = plan->cursor;
    int status = LEAT_OK;
    if (plan->predicate) {
        /* The line end closes a comment that the predicate may end in. */
        status = lt_buf_printf(sql, "%s(%s\n)", glue, plan->predicate) ? lt_fail_oom(err) : LEAT_OK;
        glue = " AND ";
    }
    if (!status && range) {
        status = lt_buf_puts(sql, glue) ? lt_fail_oom(err) : put_range(schema, range, sql, err);
    }
    return status;
}

/* Whether all rows of a table are read, in whatever order they lie: then nothing but the scan comes
 * before take(). A view might be planned in ways that call it for rows that it has not. */
static int may_take(struct sq_conn *conn, const struct leat_read_plan *plan, int64_t columns,
                    bool *ret_taking, struct leat_error *err)
{
    int64_t tables = 0, most = conn->api->sqlite3_limit(conn->db, SQLITE_LIMIT_FUNCTION_ARG, -1);
    const char *ns = plan->stream.ns;
    bool whole = !plan->query && !plan->predicate && !plan->cursor && !plan->n_order &&
                 plan->limit < 0 && columns > 0 && columns <= most;
    int status = LEAT_OK;
    if (whole && (!ns || !*ns || !strcasecmp(ns, SQ_MAIN))) {
        status = lt_sq_int(conn,
                           "SELECT count(*) FROM main.sqlite_master WHERE type = 'table' AND "
                           "name = ?1 COLLATE NOCASE",
                           plan->stream.name, NULL, 0, &tables, err);
    }
    *ret_taking = tables == 1;
    return status;
}

static int put_take(const struct ArrowSchema *wanted, const char *from, struct lt_buf *sql,
                    struct leat_error *err)
{
    int failed = lt_buf_printf(sql, "SELECT 1 FROM %s WHERE " TAKE "(", from);
    for (int64_t i = 0; i < wanted->n_children; i++) {
        failed |= lt_buf_puts(sql, i ? ", " : "");
        failed |= lt_sq_quote(sql, wanted->children[i]->name);
    }
    return failed | lt_buf_byte(sql, ')') ? lt_fail_oom(err) : LEAT_OK;
}

static int put_select(const struct ArrowSchema *source, const struct ArrowSchema *wanted,
                      const char *from, const struct leat_read_plan *plan, struct lt_buf *sql,
                      struct leat_error *err)
{
    int failed = lt_buf_puts(sql, "SELECT ");
    for (int64_t i = 0; i < wanted->n_children; i++) {
        failed |= lt_buf_puts(sql, i ? ", " : "");
        failed |= lt_sq_quote(sql, wanted->children[i]->name);
    }
    failed |= lt_buf_printf(sql, "%s FROM %s", wanted->n_children ? "" : "1", from);
    int status = failed ? lt_fail_oom(err) : lt_sq_put_where(source, plan, sql, err);
    for (size_t i = 0; i < plan->n_order && !status; i++) {
        status = lt_buf_puts(sql, i ? ", " : " ORDER BY ") ? lt_fail_oom(err) : LEAT_OK;
        status = status ? status : lt_sq_put_comparable(source, plan->order[i], sql, err);
        if (!status && lt_buf_puts(sql, " ASC NULLS LAST")) {
            status = lt_fail_oom(err);
        }
    }
    if (!status && plan->limit >= 0 && lt_buf_printf(sql, " LIMIT %lld", (long long)plan->limit)) {
        status = lt_fail_oom(err);
    }
    return status;
}

/* --- the schema ---------------------------------------------------------------------------- */

/* The column of `source` under the type the user gave it, if one was given. */
static int add_wanted(const struct ArrowSchema *source, int64_t column,
                      const struct ArrowSchema *types, struct ArrowSchema *wanted,
                      struct leat_error *err)
{
    const struct ArrowSchema *own = source->children[column];
    int64_t given = types ? lt_schema_find(types, own->name) : -1;
    struct ArrowSchema field = {.release = NULL};
    char key[24];
    int status = lt_schema_copy(given >= 0 ? types->children[given] : own, &field, err);
    if (!status && given >= 0) {
        if (lt_schema_meta_text(own, LT_META_KEY, key, sizeof key)) {
            status = lt_schema_set_meta(&field, LT_META_KEY, key, err);
        }
        field.flags = (field.flags & ~ARROW_FLAG_NULLABLE) | (own->flags & ARROW_FLAG_NULLABLE);
    }
    status = status ? status : lt_schema_set_meta(&field, SQ_META_UNTYPED, NULL, err);
    status = status ? status : lt_schema_add(wanted, &field, err);
    lt_schema_done(&field);
    return status;
}

static int wanted_schema(const struct ArrowSchema *source, const struct leat_read_plan *plan,
                         struct ArrowSchema *ret_wanted, struct leat_error *err)
{
    struct ArrowSchema wanted = {.release = NULL};
    int status = lt_schema_init_struct(&wanted, 0, err);
    size_t n = plan->columns ? plan->n_columns : (size_t)source->n_children;
    for (size_t i = 0; i < n && !status; i++) {
        int64_t at = plan->columns ? lt_schema_find(source, plan->columns[i]) : (int64_t)i;
        status = at < 0 ? lt_schema_unknown_column(source, plan->columns[i], err)
                        : add_wanted(source, at, plan->types, &wanted, err);
    }
    char *keys = NULL;
    size_t len = 0;
    const char *found = lt_schema_meta(source, "leat.foreign_keys", &len);
    if (!status && found) {
        keys = lt_strndup(found, len);
        status =
            keys ? lt_schema_set_meta(&wanted, "leat.foreign_keys", keys, err) : lt_fail_oom(err);
    }
    free(keys);
    if (status) {
        lt_schema_done(&wanted);
        return status;
    }
    lt_schema_move(&wanted, ret_wanted);
    return LEAT_OK;
}

/* Columns that neither their declaration nor the user types, among those that are read. */
static void leave_out_known(const struct ArrowSchema *source, const struct leat_read_plan *plan,
                            bool *untyped)
{
    for (int64_t i = 0; i < source->n_children; i++) {
        const char *name = source->children[i]->name;
        bool read = !plan->columns;
        for (size_t c = 0; c < plan->n_columns && !read; c++) {
            read = !strcmp(plan->columns[c], name);
        }
        untyped[i] = untyped[i] && read && !(plan->types && lt_schema_find(plan->types, name) >= 0);
    }
}

/* --- the reader ---------------------------------------------------------------------------- */

static int reader_columns(struct leat_reader *reader, struct leat_error *err)
{
    int64_t n = reader->schema.n_children;
    reader->readings = calloc((size_t)n + 1, sizeof *reader->readings);
    if (!reader->readings) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < n; i++) {
        struct lt_type type;
        int status = lt_type_of(reader->schema.children[i], &type, err);
        if (status) {
            leat_error_place(err, "column \"%s\"", reader->schema.children[i]->name);
            return status;
        }
        reader->readings[i] =
            (struct sq_reading){lt_sq_decoder_of(&type), reader->conn->ep->numbers};
        reader->row_bytes += lt_type_is_varlen(type.id) ? 4 : LT_MAX(type.width, 1);
    }
    return lt_batch_builder_init(&reader->batch, &reader->schema, err);
}

int lt_sq_reader_new(struct sq_conn *conn, bool owns, const char *sql, struct ArrowSchema *schema,
                     const char *stream, const struct leat_read_plan *plan,
                     struct leat_reader **ret_reader, struct leat_error *err)
{
    struct leat_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->conn = conn;
    reader->rows_max = plan && plan->batch_rows_max > 0 ? plan->batch_rows_max : BATCH_ROWS;
    reader->bytes_max = plan && plan->batch_bytes_max > 0 ? plan->batch_bytes_max : BATCH_BYTES;
    reader->rows_expected = LT_MIN(FIRST_BATCH_RESERVE, reader->rows_max);
    reader->row = 1;
    reader->rejects = plan ? plan->rejects : NULL;
    reader->losses = plan ? plan->losses : NULL;
    reader->stream = lt_strdup(stream);
    lt_schema_move(schema, &reader->schema);
    int status = reader->stream ? reader_columns(reader, err) : lt_fail_oom(err);
    if (!status) {
        lt_sq_lock(conn);
        status = lt_sq_prepare(conn, sql, &reader->stmt, err);
        lt_sq_unlock(conn);
    }
    if (status) {
        reader->conn = NULL; /* stays the caller's */
        lt_sq_source.finish(reader);
        return status;
    }
    reader->owns_conn = owns;
    *ret_reader = reader;
    return LEAT_OK;
}

/* Schema and FROM text of what is to be read. */
/* Columns are compared as what they are read as. */
static int take_given_types(const struct ArrowSchema *types, struct ArrowSchema *source,
                            struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; types && i < types->n_children && !status; i++) {
        int64_t at = lt_schema_find(source, types->children[i]->name);
        struct ArrowSchema field = {.release = NULL};
        char key[24];
        if (at < 0) {
            continue;
        }
        struct ArrowSchema *own = source->children[at];
        status = lt_schema_copy(types->children[i], &field, err);
        if (!status && lt_schema_meta_text(own, LT_META_KEY, key, sizeof key)) {
            status = lt_schema_set_meta(&field, LT_META_KEY, key, err);
        }
        status = status ? status : lt_schema_set_meta(&field, SQ_META_UNTYPED, "1", err);
        if (!status) {
            field.flags = own->flags;
            lt_schema_done(own);
            lt_schema_move(&field, own);
        }
        lt_schema_done(&field);
    }
    return status;
}

/* Whose storage nothing declares. */
static int mark_untyped(struct ArrowSchema *source, const bool *untyped, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; i < source->n_children && !status; i++) {
        size_t len;
        bool unknown =
            untyped ? untyped[i] : !lt_schema_meta(source->children[i], LT_META_SOURCE_TYPE, &len);
        status =
            unknown ? lt_schema_set_meta(source->children[i], SQ_META_UNTYPED, "1", err) : LEAT_OK;
    }
    return status;
}

static int resolve_query(struct sq_conn *conn, const struct leat_read_plan *plan,
                         struct ArrowSchema *ret_source, struct lt_buf *from, struct lt_buf *words,
                         struct leat_error *err)
{
    struct ArrowSchema source = {.release = NULL};
    int status = lt_sq_query_schema(conn, plan->query, plan->types, &source, words, err);
    status = status ? status : mark_untyped(&source, NULL, err);
    status = status ? status : take_given_types(plan->types, &source, err);
    if (!status && lt_buf_printf(from, "(%s\n)", plan->query)) {
        status = lt_fail_oom(err);
    }
    if (!status) {
        lt_schema_move(&source, ret_source);
    }
    lt_schema_done(&source);
    return status;
}

int lt_sq_resolve_source(struct sq_conn *conn, const struct leat_read_plan *plan,
                         struct ArrowSchema *ret_source, struct lt_buf *from, struct lt_buf *words,
                         struct leat_error *err)
{
    if (plan->query) {
        return resolve_query(conn, plan, ret_source, from, words, err);
    }
    struct sq_table table = {.name = NULL};
    bool *untyped = NULL;
    int status = lt_sq_table(conn, plan->stream.ns, plan->stream.name, &table, err);
    if (status) {
        return status;
    }
    if (lt_sq_quote_in(from, table.ns, table.name)) {
        status = lt_fail_oom(err);
    }
    size_t n = (size_t)table.schema.n_children;
    untyped = calloc(n + 1, sizeof *untyped);
    if (untyped) {
        memcpy(untyped, table.untyped, n * sizeof *untyped);
    } else {
        status = lt_fail_oom(err);
    }
    leave_out_known(&table.schema, plan, table.untyped);
    status = status ? status
                    : lt_sq_scan_types(conn, lt_buf_text(from), &table.schema, table.untyped, words,
                                       err);
    status = status ? status : mark_untyped(&table.schema, untyped, err);
    status = status ? status : take_given_types(plan->types, &table.schema, err);
    if (!status) {
        lt_schema_move(&table.schema, ret_source);
    }
    free(untyped);
    lt_sq_table_done(&table);
    return status;
}

/* BEGIN alone locks nothing: the first read of each file fixes what the connection sees of it. */
static int begin_read(struct sq_conn *conn, struct leat_error *err)
{
    const struct leat_endpoint *ep = conn->ep;
    struct lt_buf sql = LT_BUF_INIT;
    int64_t ignored;
    int failed = lt_buf_puts(&sql, "SELECT (SELECT count(*) FROM sqlite_master)");
    for (size_t i = 0; i < ep->n_attached; i++) {
        failed |= lt_buf_puts(&sql, " + (SELECT count(*) FROM ");
        failed |= lt_sq_quote_in(&sql, ep->attached[i].name, "sqlite_master");
        failed |= lt_buf_byte(&sql, ')');
    }
    int status = failed ? lt_fail_oom(err) : lt_sq_exec(conn, "BEGIN", err);
    status = status ? status : lt_sq_int(conn, lt_buf_text(&sql), NULL, NULL, 0, &ignored, err);
    lt_buf_done(&sql);
    return status;
}

static int sq_start(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                    struct leat_reader **ret_reader, struct leat_error *err)
{
    struct sq_conn *conn = ep->snapshot ? ep->conn : NULL;
    struct ArrowSchema source = {.release = NULL}, wanted = {.release = NULL};
    struct lt_buf from = LT_BUF_INIT, sql = LT_BUF_INIT, words = LT_BUF_INIT;
    const char *stream = plan->query ? "query" : plan->stream.name;
    bool taking = false;
    int status = LEAT_OK;
    if (plan->partition) {
        return lt_fail(err, LT_E_UNSUPPORTED, "a SQLite read cannot be split");
    }
    if (!plan->query && !plan->stream.name) {
        return lt_fail(err, LT_E_INVALID, "neither a stream nor a query was named");
    }
    if (!conn) {
        /* Values are looked at before they are read: both must see the same. */
        status = lt_sq_connect(ep, SQ_USE_READ, &conn, err);
        status = status ? status : begin_read(conn, err);
    }
    status = status ? status : lt_sq_resolve_source(conn, plan, &source, &from, &words, err);
    status = status ? status : wanted_schema(&source, plan, &wanted, err);
    status = status ? status : may_take(conn, plan, wanted.n_children, &taking, err);
    status = status   ? status
             : taking ? put_take(&wanted, lt_buf_text(&from), &sql, err)
                      : put_select(&source, &wanted, lt_buf_text(&from), plan, &sql, err);
    status = status ? status
                    : lt_sq_reader_new(conn, !ep->snapshot, lt_buf_text(&sql), &wanted, stream,
                                       plan, ret_reader, err);
    if (!status) {
        (*ret_reader)->taking = taking;
        (*ret_reader)->words = words;
        words = (struct lt_buf)LT_BUF_INIT;
    }
    if (status && stream) {
        leat_error_place(err, "%s", stream);
    }
    if (status && conn && !ep->snapshot) {
        lt_sq_disconnect(conn);
    }
    lt_schema_done(&source);
    lt_schema_done(&wanted);
    lt_buf_done(&from);
    lt_buf_done(&sql);
    lt_buf_done(&words);
    return status;
}

static int sq_schema(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                     struct leat_error *err)
{
    return lt_schema_copy(&reader->schema, ret_schema, err);
}

/* Bytes that are no text, as \x and hex digits. */
static bool json_bytes(struct lt_json *json, const char *bytes, size_t len)
{
    struct lt_buf text = LT_BUF_INIT;
    bool failed = lt_buf_puts(&text, "\\x");
    for (size_t i = 0; i < len && !failed; i++) {
        failed = lt_buf_printf(&text, "%02x", (unsigned)(uint8_t)bytes[i]);
    }
    lt_json_text_n(json, failed ? "" : lt_buf_text(&text), failed ? 0 : text.len);
    lt_buf_done(&text);
    return failed;
}

/* What SQLite calls an unprotected value is safe here: nobody else uses the connection meanwhile
 * (lt_sq_lock()). */
static sqlite3_value *value_of(const struct leat_reader *reader, int64_t column)
{
    return reader->values ? reader->values[column]
                          : reader->conn->api->sqlite3_column_value(reader->stmt, (int)column);
}

/* The row as it is stored, for the reject sink. */
static int row_json(const struct leat_reader *reader, struct lt_buf *out)
{
    const struct lt_sqlite *api = reader->conn->api;
    struct lt_json json = {.out = out};
    lt_json_object(&json);
    for (int64_t i = 0; i < reader->schema.n_children; i++) {
        sqlite3_value *value = value_of(reader, i);
        lt_json_key(&json, reader->schema.children[i]->name);
        const char *text;
        size_t len;
        switch (api->sqlite3_value_type(value)) {
        case SQLITE_INTEGER:
            lt_json_int(&json, api->sqlite3_value_int64(value));
            break;
        case SQLITE_FLOAT:
            lt_json_double(&json, api->sqlite3_value_double(value));
            break;
        case SQLITE_TEXT:
            text = (const char *)api->sqlite3_value_text(value);
            len = text ? (size_t)api->sqlite3_value_bytes(value) : 0;
            if (text && lt_utf8_valid_prefix(text, len) == len) {
                lt_json_text_n(&json, text, len);
            } else {
                json.failed |= json_bytes(&json, text, len);
            }
            break;
        case SQLITE_BLOB:
            text = api->sqlite3_value_blob(value);
            len = (size_t)api->sqlite3_value_bytes(value);
            json.failed |= json_bytes(&json, text, len);
            break;
        default:
            lt_json_null(&json);
        }
    }
    lt_json_object_end(&json);
    return json.failed;
}

static int fail_value(const struct ArrowSchema *field, enum lt_code code,
                      const struct leat_reject *what, struct leat_error *err)
{
    int status = lt_fail(err, code, "%s", what->reason);
    struct lt_type to;
    bool bytes = !lt_type_of(field, &to, NULL) && (lt_type_is_text(to.id) || to.id == LT_BINARY);
    leat_error_place(err, "%s", what->place);
    if (bytes) {
        leat_error_remedy(err,
                          "a --query with CAST(\"%s\" AS BLOB), --on-loss null, or --on-error skip "
                          "--rejects FILE",
                          field->name);
    } else {
        bool counts = strstr(what->reason, "what it counts") != NULL;
        leat_error_remedy(err,
                          "%s--cast %s=utf8, --on-loss null, or --on-error skip --rejects FILE",
                          counts ? "--date-numbers unix, unix-ms or julian, " : "", field->name);
    }
    return status;
}

/* A value that the column's type cannot hold: the loss sink may let it become NULL (*ret_null),
 * else the row is rejected, or the read fails. */
static int refuse(struct leat_reader *reader, int64_t column, const struct sq_misfit *misfit,
                  bool *ret_null, struct leat_error *err)
{
    const struct ArrowSchema *field = reader->schema.children[column];
    struct lt_buf type = LT_BUF_INIT, record = LT_BUF_INIT;
    char place[512], reason[256];
    int status;
    snprintf(place, sizeof place, "%s: row %lld column \"%s\"", reader->stream,
             (long long)reader->row, field->name);
    if (lt_type_print(field, &type)) {
        lt_buf_clear(&type);
    }
    snprintf(reason, sizeof reason, "cannot be read as %s: %s", lt_buf_text(&type), misfit->why);
    struct leat_reject what = {.size = sizeof what,
                               .place = place,
                               .code = lt_codes[misfit->code].code,
                               .reason = reason,
                               .column = field->name};
    *ret_null = reader->losses != NULL;
    if (reader->losses) {
        /* SQLite holds the value well: to whoever takes losses it is one the type cannot hold. */
        what.code = lt_codes[LT_E_VALUE_RANGE].code;
        status = reader->losses->lost(reader->losses->arg, &what, err);
    } else if (reader->rejects) {
        status = row_json(reader, &record) ? lt_fail_oom(err) : LEAT_OK;
        what.record = lt_buf_text(&record);
        what.record_len = record.len;
        status = status ? status : reader->rejects->reject(reader->rejects->arg, &what, err);
    } else {
        status = fail_value(field, misfit->code, &what, err);
    }
    lt_buf_done(&type);
    lt_buf_done(&record);
    return status;
}

/* Appends the row at work, whole or not at all: then *ret_skip says that it was rejected. */
static int take_row(struct leat_reader *reader, int64_t rows, int64_t *bytes, bool *ret_skip,
                    struct leat_error *err)
{
    int64_t n = reader->schema.n_children;
    struct sq_misfit misfit;
    *ret_skip = false;
    for (int64_t i = 0; i < n; i++) {
        bool null = false;
        int status = lt_sq_decode_value(reader->conn->api, value_of(reader, i), reader->readings[i],
                                        &reader->batch.columns[i], bytes, &misfit);
        if (status == LEAT_BAD_DATA) {
            status = refuse(reader, i, &misfit, &null, err);
            if (status) {
                return status;
            }
            status = null ? lt_builder_null(&reader->batch.columns[i])
                          : lt_batch_builder_truncate(&reader->batch, rows);
            *ret_skip = !null;
        }
        if (status || *ret_skip) {
            return status ? lt_fail_oom(err) : LEAT_OK;
        }
    }
    return LEAT_OK;
}

/* Puts the row at work into the batch. True: that was enough, or it failed. With columns, a
 * rejected row leaves the count as it was. */
static bool fill_row(struct leat_reader *reader, struct filling *filling)
{
    bool skip = false;
    filling->status = take_row(reader, filling->rows, &filling->bytes, &skip, filling->err);
    if (filling->status) {
        return true;
    }
    if (!skip) {
        filling->first = filling->rows == 0 ? reader->row : filling->first;
        filling->bytes += reader->row_bytes;
        filling->rows++;
    }
    reader->row++;
    return filling->rows >= reader->rows_max || filling->bytes >= reader->bytes_max;
}

/* Is called for every row of a whole table, with its columns, from within the scan, and keeps the row
 * from the statement's result but when the batch is full: so the scan goes from row to row without
 * coming back, and without a question for each column. Called by anybody else it is null. */
static void take(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct lt_sqlite *api = NULL;
    if (lt_sqlite_load(&api, NULL)) {
        return;
    }
    struct leat_reader *reader = ((struct sq_conn *)api->sqlite3_user_data(context))->taker;
    if (reader && n == reader->schema.n_children) {
        reader->values = values;
        if (fill_row(reader, reader->filling)) {
            api->sqlite3_result_int64(context, 1);
        }
        reader->values = NULL;
    }
}

int lt_sq_take_function(struct sq_conn *conn, struct leat_error *err)
{
    int rc = conn->api->sqlite3_create_function_v2(
        conn->db, TAKE, -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, conn, take, NULL, NULL, NULL);
    return rc ? lt_sq_fail(conn, rc, err, "cannot add the function " TAKE) : LEAT_OK;
}

/* Rows until the batch is full or the statement ends. */
static int fill(struct leat_reader *reader, struct filling *filling)
{
    bool full = false;
    reader->filling = filling;
    reader->conn->taker = reader->taking ? reader : NULL;
    while (!full) {
        int rc = reader->conn->api->sqlite3_step(reader->stmt);
        if (rc == SQLITE_DONE) {
            reader->done = true;
            break;
        }
        if (rc != SQLITE_ROW) {
            filling->status = lt_sq_fail(reader->conn, rc, filling->err,
                                         "reading stopped at row %lld", (long long)reader->row);
            leat_error_place(filling->err, "%s", reader->stream);
            break;
        }
        full = reader->taking || fill_row(reader, filling);
    }
    reader->filling = NULL;
    reader->conn->taker = NULL;
    return filling->status;
}

/* Gives the read lock up with the last row: in rollback-journal mode nobody can commit before. */
static void end_read(struct leat_reader *reader)
{
    reader->conn->api->sqlite3_reset(reader->stmt);
    if (!reader->conn->api->sqlite3_get_autocommit(reader->conn->db)) {
        lt_sq_exec(reader->conn, "ROLLBACK", NULL);
    }
}

static int sq_next(struct leat_reader *reader, struct leat_payload *ret_payload,
                   struct leat_error *err)
{
    struct leat_payload payload = {.size = ret_payload->size, .kind = LEAT_PAYLOAD_NONE};
    struct filling filling = {.err = err};
    int status = LEAT_OK;
    if (!reader->done) {
        if (lt_batch_builder_reserve(&reader->batch, reader->rows_expected)) {
            return lt_fail_oom(err);
        }
        lt_sq_lock(reader->conn);
        status = fill(reader, &filling);
        lt_sq_unlock(reader->conn);
    }
    if (status) {
        return status;
    }
    if (reader->done && reader->owns_conn) {
        end_read(reader);
    }
    if (filling.rows > 0) {
        payload.kind = LEAT_PAYLOAD_BATCH;
        payload.rows = filling.rows;
        payload.row_first = filling.first;
        reader->rows_expected = filling.rows;
        status = lt_batch_builder_finish(&reader->batch, filling.rows, &payload.batch, err);
    }
    if (!status) {
        memcpy(ret_payload, &payload, LT_MIN(ret_payload->size, sizeof payload));
    }
    return status;
}

static void sq_finish(struct leat_reader *reader)
{
    if (!reader) {
        return;
    }
    if (reader->stmt) {
        reader->conn->api->sqlite3_finalize(reader->stmt);
    }
    if (reader->owns_conn) {
        lt_sq_disconnect(reader->conn);
    }
    lt_batch_builder_done(&reader->batch);
    lt_schema_done(&reader->schema);
    lt_buf_done(&reader->words);
    free(reader->readings);
    free(reader->stream);
    free(reader);
}

/* "types by value: a int64, b utf8". */
static int sq_explain(struct leat_reader *reader, char *ret_text, size_t size,
                      struct leat_error *err)
{
    (void)err;
    if (size) {
        snprintf(ret_text, size, "%s%s", reader->words.len ? "types by value: " : "",
                 reader->words.len ? lt_buf_text(&reader->words) : "");
    }
    return LEAT_OK;
}

/* --- snapshots and bounds ------------------------------------------------------------------ */

static int sq_snapshot_take(struct leat_endpoint *ep, char *ret_token, size_t size,
                            struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    int status = lt_sq_own(ep, &conn, err);
    if (status) {
        return status;
    }
    status = begin_read(conn, err);
    if (status) {
        lt_sq_exec(conn, "ROLLBACK", NULL);
        return status;
    }
    ep->snapshot = true;
    if (size) {
        ret_token[0] = 0; /* nobody else can join it */
    }
    return LEAT_OK;
}

static void sq_snapshot_release(struct leat_endpoint *ep)
{
    if (ep->snapshot) {
        lt_sq_exec(ep->conn, "ROLLBACK", NULL);
        ep->snapshot = false;
    }
}

static int add_identity(const char *path, const char *ending, struct lt_buf *text,
                        struct leat_error *err)
{
    char *name = lt_format("%s%s", path, ending);
    int status = name ? lt_file_identity(name, *ending != 0, text, err) : lt_fail_oom(err);
    free(name);
    return status;
}

/* The same file is scanned in the same order by the same version of SQLite. A view or a query may
 * call functions that give something else each time. */
static int sq_fingerprint(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                          bool immutable, char **ret_text, bool *ret_ordered,
                          struct leat_error *err)
{
    struct sq_conn *conn = NULL;
    struct sq_table table = {.ns = NULL};
    struct lt_buf text = LT_BUF_INIT;
    int status = lt_sq_own(ep, &conn, err);
    if (!status && (plan->query || plan->predicate) && !immutable) {
        status = lt_fail(err, LT_E_UNSUPPORTED, "a %s may give other records each time",
                         plan->query ? "query" : "condition");
    } else if (!status && !plan->query) {
        status = lt_sq_table(conn, plan->stream.ns, plan->stream.name, &table, err);
    }
    if (!status && table.view && !immutable) {
        status = lt_fail(err, LT_E_UNSUPPORTED, "a view may give other records each time");
    }
    if (!status && ep->n_attached) {
        status = lt_fail(err, LT_E_UNSUPPORTED, "several files are read as one");
    }
    if (!status && lt_buf_printf(&text, "%d:", ep->api->sqlite3_libversion_number())) {
        status = lt_fail_oom(err);
    }
    status = status ? status : add_identity(ep->path, "", &text, err);
    status = status ? status : add_identity(ep->path, "-wal", &text, err);
    if (!status && !(*ret_text = lt_buf_take(&text))) {
        status = lt_fail_oom(err);
    }
    *ret_ordered = true;
    lt_buf_done(&text);
    lt_sq_table_done(&table);
    return status;
}

const struct leat_source_ops lt_sq_source = {
    .snapshot_take = sq_snapshot_take,
    .snapshot_release = sq_snapshot_release,
    .bounds = lt_sq_bounds,
    .start = sq_start,
    .schema = sq_schema,
    .next = sq_next,
    .finish = sq_finish,
    .explain = sq_explain,
    .fingerprint = sq_fingerprint,
};
