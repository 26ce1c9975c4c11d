/* Batches into a table: a virtual table over the batch, read by one INSERT ... SELECT.
 *
 * SQLite keeps rows together, so values are handed over one by one; but a statement that takes a
 * whole batch is begun and ended once, and its cursor stays at the table's end from row to row. Bound
 * row by row, a third of the time goes into that (measured with 16 columns of short text).
 *
 * What has no storage class of SQLite's is made text first, a column at a time. Text and blobs are
 * taken where they lie, in the batch or in that text: both stay until the next batch. */
#include "connectors/sqlite/feed.h"

#include "columnar/text.h"
#include "columnar/text_parts.h"
#include "columnar/view.h"
#include "core/json.h"
#include "core/util.h"

#include <math.h>
#include <stdlib.h>

#include "core/banned.h"

#define FEED_NAME "_leat_rows" /* names that begin so are never a user's */

enum feed_kind {
    FEED_NULL,
    FEED_INT64,
    FEED_INT32,
    FEED_INTEGER, /* the other widths */
    FEED_BOOL,
    FEED_FLOAT64,
    FEED_FLOAT32,
    FEED_FLOAT16,
    FEED_TEXT,
    FEED_BYTES,
    FEED_MADE /* by its canonical text, nested values by their JSON */
};

struct feed_column {
    enum feed_kind kind;
    bool nested;
    bool numeric_affinity;  /* SQLite would turn text that looks like a number into one */
    bool pad;               /* times: all digits of the fraction are written */
    bool number;            /* the text is one: it may change its form, not its value */
    bool infinite;          /* text that may say Infinity, where SQLite has numbers */
    bool hides_nulls;       /* nested: JSON's own nulls may be among the values */
    bool checked;           /* in this batch a value may be one that SQLite cannot hold */
    struct lt_builder made; /* FEED_MADE: the batch's texts */
    struct lt_buf lost;     /* a byte a row: became null; empty while none has */
};

/* The short way to a column's texts in this batch: those with offsets of 32 bits, of which none is
 * lost or stands for a number. */
struct feed_texts {
    const int32_t *ends; /* NULL: by struct feed_column */
    const uint8_t *bytes;
    const uint8_t *validity; /* bits from bit `offset`; NULL: no nulls */
    int64_t offset;
};

struct sq_feed {
    struct sq_conn *conn;
    const struct ArrowSchema *schema;
    struct feed_column *columns;
    struct feed_texts *texts;
    int64_t n_columns;
    struct lt_view batch;  /* of the whole batch: its children are the columns */
    bool viewed, known;    /* known: SQLite knows the virtual table */
    bool checked;          /* one of the columns is */
    struct lt_buf skipped; /* a byte a row: is left out; empty while none is */
    int64_t row, end;      /* what is read now, and before what it ends */
    int64_t bytes_max;     /* of one value */
};

/* --- the virtual table --------------------------------------------------------------------- */

struct feed_table {
    sqlite3_vtab base;
    struct sq_feed *feed;
};

static int declare(const struct sq_feed *feed, sqlite3 *db)
{
    struct lt_buf sql = LT_BUF_INIT;
    int failed = lt_buf_puts(&sql, "CREATE TABLE feed (");
    for (int64_t i = 0; i < feed->n_columns; i++) {
        failed |= lt_buf_printf(&sql, "%sc%lld", i ? ", " : "", (long long)i);
    }
    failed |= lt_buf_byte(&sql, ')');
    int rc = failed ? SQLITE_NOMEM : feed->conn->api->sqlite3_declare_vtab(db, lt_buf_text(&sql));
    lt_buf_done(&sql);
    return rc;
}

static int feed_connect(sqlite3 *db, void *arg, int argc, const char *const *argv,
                        sqlite3_vtab **ret_table, char **ret_fault)
{
    (void)argc;
    (void)argv;
    (void)ret_fault;
    struct sq_feed *feed = arg;
    struct feed_table *table = calloc(1, sizeof *table);
    int rc = table ? declare(feed, db) : SQLITE_NOMEM;
    if (rc) {
        free(table);
        return rc;
    }
    table->feed = feed;
    *ret_table = &table->base;
    return SQLITE_OK;
}

static int feed_disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

static int feed_plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedCost = 1;
    return SQLITE_OK;
}

struct feed_cursor {
    sqlite3_vtab_cursor base;
    struct sq_feed *feed;
};

static int feed_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
    struct feed_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor) {
        return SQLITE_NOMEM;
    }
    cursor->feed = ((struct feed_table *)table)->feed;
    *ret_cursor = &cursor->base;
    return SQLITE_OK;
}

static int feed_close(sqlite3_vtab_cursor *cursor)
{
    free(cursor);
    return SQLITE_OK;
}

static struct sq_feed *feed_of(const sqlite3_vtab_cursor *cursor)
{
    return ((const struct feed_cursor *)cursor)->feed;
}

static void pass_skipped(struct sq_feed *feed)
{
    while (feed->skipped.len && feed->row < feed->end && feed->skipped.data[feed->row]) {
        feed->row++;
    }
}

/* Reads from where lt_sq_feed_range() says. */
static int feed_filter(sqlite3_vtab_cursor *cursor, int index, const char *name, int argc,
                       sqlite3_value **argv)
{
    (void)index;
    (void)name;
    (void)argc;
    (void)argv;
    pass_skipped(feed_of(cursor));
    return SQLITE_OK;
}

static int feed_next(sqlite3_vtab_cursor *cursor)
{
    struct sq_feed *feed = feed_of(cursor);
    feed->row++;
    pass_skipped(feed);
    return SQLITE_OK;
}

static int feed_eof(sqlite3_vtab_cursor *cursor)
{
    const struct sq_feed *feed = feed_of(cursor);
    return feed->row >= feed->end;
}

static int feed_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret_rowid)
{
    *ret_rowid = feed_of(cursor)->row;
    return SQLITE_OK;
}

static const uint8_t *made_text(const struct feed_column *column, int64_t row, size_t *ret_len)
{
    const struct lt_builder *made = &column->made;
    int64_t ends[2];
    int32_t narrow[2];
    if (made->type.id == LT_LARGE_UTF8) {
        memcpy(ends, made->offsets.data + row * (int64_t)sizeof *ends, sizeof ends);
    } else {
        memcpy(narrow, made->offsets.data + row * (int64_t)sizeof *narrow, sizeof narrow);
        ends[0] = narrow[0];
        ends[1] = narrow[1];
    }
    *ret_len = (size_t)(ends[1] - ends[0]);
    return made->data.data + ends[0];
}

static double real_value(enum feed_kind kind, const struct lt_view *view, int64_t row)
{
    uint16_t half;
    switch (kind) {
    case FEED_FLOAT64:
        return lt_view_f64(view, row);
    case FEED_FLOAT32:
        return (double)lt_view_f32(view, row);
    default:
        memcpy(&half, view->data + 2 * row, sizeof half);
        return lt_half_to_double(half);
    }
}

/* The number that is kept as text, where SQLite would not take its word for one. */
static bool is_infinity(const uint8_t *text, size_t len, double *ret_value)
{
    bool negative = len > 0 && text[0] == '-';
    *ret_value = negative ? -INFINITY : INFINITY;
    return len == 8U + negative && !memcmp(text + negative, "Infinity", 8);
}

static void give_value(const struct sq_feed *feed, sqlite3_context *to, int index)
{
    const struct lt_sqlite *api = feed->conn->api;
    const struct feed_column *column = &feed->columns[index];
    const struct lt_view *view = &feed->batch.children[index];
    const uint8_t *bytes;
    int64_t row = feed->row;
    size_t len;
    double real;
    if (lt_view_is_null(view, row) || (column->lost.len && column->lost.data[row])) {
        return;
    }
    switch (column->kind) {
    case FEED_INT64:
        api->sqlite3_result_int64(to, lt_view_i64(view, row));
        break;
    case FEED_INT32:
        api->sqlite3_result_int64(to, lt_view_i32(view, row));
        break;
    case FEED_INTEGER:
        api->sqlite3_result_int64(to, lt_view_integer_but_u64(view, row));
        break;
    case FEED_BOOL:
        api->sqlite3_result_int64(to, lt_view_bool(view, row));
        break;
    case FEED_FLOAT64:
    case FEED_FLOAT32:
    case FEED_FLOAT16:
        api->sqlite3_result_double(to, real_value(column->kind, view, row));
        break;
    case FEED_TEXT:
    case FEED_MADE:
        bytes = column->kind == FEED_TEXT ? lt_view_bytes(view, row, &len)
                                          : made_text(column, row, &len);
        if (column->infinite && is_infinity(bytes, len, &real)) {
            api->sqlite3_result_double(to, real);
            break;
        }
        api->sqlite3_result_text64(to, len ? (const char *)bytes : "", len, SQLITE_STATIC,
                                   SQLITE_UTF8);
        break;
    case FEED_BYTES:
        bytes = lt_view_bytes(view, row, &len);
        api->sqlite3_result_blob64(to, len ? (const void *)bytes : "", len, SQLITE_STATIC);
        break;
    default:
        break;
    }
}

/* A result that is not set is NULL. */
static int feed_column(sqlite3_vtab_cursor *cursor, sqlite3_context *to, int index)
{
    const struct sq_feed *feed = feed_of(cursor);
    const struct feed_texts *texts = &feed->texts[index];
    if (!texts->ends) {
        give_value(feed, to, index);
        return SQLITE_OK;
    }
    int64_t bit = texts->offset + feed->row;
    if (!texts->validity || texts->validity[bit >> 3] >> (bit & 7) & 1) {
        const int32_t *ends = texts->ends + feed->row;
        feed->conn->api->sqlite3_result_text64(to, (const char *)texts->bytes + ends[0],
                                               (sqlite3_uint64)(ends[1] - ends[0]), SQLITE_STATIC,
                                               SQLITE_UTF8);
    }
    return SQLITE_OK;
}

/* Only by its own name: it cannot be created (SQLite documentation, "The Virtual Table Mechanism Of
 * SQLite", eponymous-only virtual tables). */
static const sqlite3_module feed_module = {.xConnect = feed_connect,
                                           .xBestIndex = feed_plan,
                                           .xDisconnect = feed_disconnect,
                                           .xDestroy = feed_disconnect,
                                           .xOpen = feed_open,
                                           .xClose = feed_close,
                                           .xFilter = feed_filter,
                                           .xNext = feed_next,
                                           .xEof = feed_eof,
                                           .xColumn = feed_column,
                                           .xRowid = feed_rowid};

/* --- columns ------------------------------------------------------------------------------- */

static enum feed_kind kind_of(const struct lt_type *type)
{
    if (type->logical == LT_UUID) {
        return FEED_MADE;
    }
    switch (type->id) {
    case LT_NULL:
        return FEED_NULL;
    case LT_BOOL:
        return FEED_BOOL;
    case LT_INT64:
    case LT_UINT64: /* those above the largest int64 are refused */
        return FEED_INT64;
    case LT_INT32:
        return FEED_INT32;
    case LT_INT8:
    case LT_INT16:
    case LT_UINT8:
    case LT_UINT16:
    case LT_UINT32:
        return FEED_INTEGER;
    case LT_FLOAT64:
        return FEED_FLOAT64;
    case LT_FLOAT32:
        return FEED_FLOAT32;
    case LT_FLOAT16:
        return FEED_FLOAT16;
    case LT_UTF8:
    case LT_LARGE_UTF8:
        return FEED_TEXT;
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_FIXED_BINARY:
        return FEED_BYTES;
    default:
        return FEED_MADE;
    }
}

/* Offsets of nested values' text may need 64 bits. */
static int make_builder(struct feed_column *column, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    int status = lt_schema_init(&field, column->nested ? "U" : "u", "text", err);
    status = status ? status : lt_builder_init(&column->made, &field, err);
    lt_schema_done(&field);
    return status;
}

static int column_init(struct feed_column *column, const struct ArrowSchema *field,
                       const char *declared, struct leat_error *err)
{
    struct lt_type type;
    int status = lt_type_of(field, &type, err);
    if (status) {
        return status;
    }
    column->kind = kind_of(&type);
    column->nested = lt_type_is_nested(type.id);
    column->number = type.logical == LT_NUMERIC || type.id == LT_DECIMAL128 ||
                     type.id == LT_DECIMAL256 || type.id == LT_DECIMAL64 || type.id == LT_DECIMAL32;
    column->hides_nulls = column->nested && lt_text_holds_json(field);
    column->numeric_affinity = lt_sq_has_numeric_affinity(declared);
    column->infinite = column->numeric_affinity && type.logical == LT_NUMERIC;
    if (type.id == LT_UINT64 && lt_sq_has_text_affinity(declared)) {
        column->kind = FEED_MADE; /* text holds what SQLite's integers cannot */
    }
    return column->kind == FEED_MADE ? make_builder(column, err) : LEAT_OK;
}

int lt_sq_feed_new(struct sq_conn *conn, const struct ArrowSchema *schema,
                   const char *const *declared, struct sq_feed **ret_feed, struct leat_error *err)
{
    struct sq_feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        return lt_fail_oom(err);
    }
    int status = LEAT_OK;
    feed->conn = conn;
    feed->schema = schema;
    feed->bytes_max = conn->api->sqlite3_limit(conn->db, SQLITE_LIMIT_LENGTH, -1);
    feed->columns = calloc((size_t)schema->n_children + 1, sizeof *feed->columns);
    feed->texts = calloc((size_t)schema->n_children + 1, sizeof *feed->texts);
    if (!feed->columns || !feed->texts) {
        status = lt_fail_oom(err);
    }
    for (int64_t i = 0; i < schema->n_children && !status; i++) {
        status = column_init(&feed->columns[i], schema->children[i], declared[i], err);
        feed->n_columns = i + 1;
    }
    int rc =
        status ? SQLITE_OK
               : conn->api->sqlite3_create_module_v2(conn->db, FEED_NAME, &feed_module, feed, NULL);
    status = rc ? lt_sq_fail(conn, rc, err, "cannot register the rows' table") : status;
    feed->known = !status;
    if (status) {
        lt_sq_feed_free(feed);
        return status;
    }
    *ret_feed = feed;
    return LEAT_OK;
}

void lt_sq_feed_free(struct sq_feed *feed)
{
    if (!feed) {
        return;
    }
    if (feed->known) {
        feed->conn->api->sqlite3_create_module_v2(feed->conn->db, FEED_NAME, NULL, NULL, NULL);
    }
    for (int64_t i = 0; i < feed->n_columns; i++) {
        lt_builder_done(&feed->columns[i].made);
        lt_buf_done(&feed->columns[i].lost);
    }
    if (feed->viewed) {
        lt_view_done(&feed->batch);
    }
    lt_buf_done(&feed->skipped);
    free(feed->columns);
    free(feed->texts);
    free(feed);
}

void lt_sq_feed_pad(struct sq_feed *feed, int64_t column)
{
    feed->columns[column].pad = true;
}

int lt_sq_feed_put_from(struct lt_buf *sql)
{
    return lt_buf_puts(sql, " SELECT * FROM " FEED_NAME);
}

/* --- batches ------------------------------------------------------------------------------- */

/* Behind the time's last digit: fraction digits of its unit, before a Z. */
static int pad_fraction(const struct lt_type *type, size_t first, struct lt_buf *text)
{
    static const char zeros[] = "000000000";
    static const size_t digits[] = {0, 3, 6, 9};
    bool zoned = text->len > first && text->data[text->len - 1] == 'Z';
    text->len -= zoned;
    const uint8_t *point =
        text->len > first ? memchr(text->data + first, '.', text->len - first) : NULL;
    size_t has = point ? (size_t)(text->data + text->len - point - 1) : 0;
    size_t wanted = type->id == LT_TIMESTAMP ? digits[type->unit] : 0;
    int failed = !point && wanted ? lt_buf_byte(text, '.') : LEAT_OK;
    failed |= wanted > has ? lt_buf_append(text, zeros, wanted - has) : LEAT_OK;
    return failed | (zoned ? lt_buf_byte(text, 'Z') : LEAT_OK);
}

/* Values that want more than their canonical text. */
static int make_each(struct feed_column *column, const struct lt_view *view)
{
    struct lt_builder *made = &column->made;
    int failed = lt_builder_reserve(made, view->length);
    for (int64_t row = 0; row < view->length && !failed; row++) {
        size_t first = made->data.len;
        if (lt_view_is_null(view, row)) {
            failed = lt_builder_null(made);
            continue;
        }
        failed = column->nested ? lt_text_format_json(view, row, &made->data)
                                : lt_text_format(view, row, &made->data);
        failed = !failed && column->pad ? pad_fraction(&view->type, first, &made->data) : failed;
        failed = failed ? failed : lt_builder_end_value(made);
    }
    return failed;
}

static int make_text(struct feed_column *column, const struct lt_view *view)
{
    return lt_builder_truncate(&column->made, 0) ||
                   (column->nested || column->pad ? make_each(column, view)
                                                  : lt_text_format_column(view, &column->made))
               ? LEAT_NO_MEMORY
               : LEAT_OK;
}

/* Whether a value could be longer than SQLite takes. */
static bool may_be_long(const struct feed_column *column, const struct lt_view *view,
                        int64_t bytes_max)
{
    if (column->kind == FEED_MADE) {
        return column->made.data.len > (size_t)bytes_max;
    }
    if (column->kind != FEED_TEXT && column->kind != FEED_BYTES) {
        return false;
    }
    int64_t n = view->length;
    int64_t all = view->offsets     ? (int64_t)view->offsets[n] - view->offsets[0]
                  : view->offsets64 ? view->offsets64[n] - view->offsets64[0]
                                    : view->type.width;
    return all > bytes_max;
}

static bool may_misfit(const struct feed_column *column, const struct lt_view *view,
                       int64_t bytes_max)
{
    switch (column->kind) {
    case FEED_INT64:
        return view->type.id == LT_UINT64;
    case FEED_FLOAT64:
    case FEED_FLOAT32:
    case FEED_FLOAT16:
        return true;
    case FEED_TEXT:
    case FEED_MADE:
        return column->numeric_affinity || column->hides_nulls ||
               may_be_long(column, view, bytes_max);
    default:
        return may_be_long(column, view, bytes_max);
    }
}

static void find_texts(const struct feed_column *column, const struct lt_view *view,
                       struct feed_texts *texts)
{
    const struct lt_builder *made = &column->made;
    *texts = (struct feed_texts){.validity = view->validity, .offset = view->offset};
    if (column->infinite || view->dictionary) {
        return;
    }
    if (column->kind == FEED_TEXT) {
        texts->ends = view->offsets;
        texts->bytes = view->data;
    } else if (column->kind == FEED_MADE && made->type.id == LT_UTF8) {
        texts->ends = (const int32_t *)(const void *)made->offsets.data;
        texts->bytes = made->data.data;
    }
    if (!texts->bytes) { /* SQLite takes a text at NULL for a null */
        texts->bytes = (const uint8_t *)"";
    }
}

int lt_sq_feed_set(struct sq_feed *feed, const struct ArrowArray *batch, struct leat_error *err)
{
    if (batch->n_children != feed->n_columns) {
        return lt_fail(err, LT_E_INTERNAL, "a batch of other columns than the load's");
    }
    int status = feed->viewed ? lt_view_set(&feed->batch, batch, err)
                              : lt_view_init(&feed->batch, feed->schema, batch, err);
    feed->viewed = feed->viewed || !status;
    feed->checked = false;
    lt_buf_clear(&feed->skipped);
    for (int64_t i = 0; i < feed->n_columns && !status; i++) {
        struct feed_column *column = &feed->columns[i];
        const struct lt_view *view = &feed->batch.children[i];
        lt_buf_clear(&column->lost);
        if (column->kind == FEED_MADE && make_text(column, view)) {
            status = lt_fail_oom(err);
        }
        find_texts(column, view, &feed->texts[i]);
        column->checked = !status && may_misfit(column, view, feed->bytes_max);
        feed->checked = feed->checked || column->checked;
    }
    feed->row = 0;
    feed->end = status ? 0 : batch->length;
    return status;
}

void lt_sq_feed_range(struct sq_feed *feed, int64_t first, int64_t n)
{
    feed->row = first;
    feed->end = first + n;
}

int64_t lt_sq_feed_row(const struct sq_feed *feed)
{
    return feed->row;
}

/* --- what SQLite cannot hold --------------------------------------------------------------- */

static bool misfit(struct sq_misfit *ret_misfit, enum lt_code code, const char *why)
{
    *ret_misfit = (struct sq_misfit){code, why};
    return true;
}

static bool misfit_bytes(const struct sq_feed *feed, const struct feed_column *column,
                         const struct lt_view *view, int64_t row, struct sq_misfit *ret_misfit)
{
    size_t len;
    const uint8_t *bytes =
        column->kind == FEED_MADE ? made_text(column, row, &len) : lt_view_bytes(view, row, &len);
    if (column->hides_nulls && lt_text_hides_null(view, row)) {
        return misfit(ret_misfit, LT_E_VALUE_RANGE,
                      "JSON's own null in a list, struct or map, where it cannot be told from a "
                      "null");
    }
    if (column->kind != FEED_BYTES && column->numeric_affinity &&
        !lt_sq_survives((const char *)bytes, len, column->number)) {
        return misfit(ret_misfit, LT_E_VALUE_RANGE,
                      "SQLite would turn it into a number of another value, for the column's "
                      "declared type asks for numbers");
    }
    return len > (size_t)feed->bytes_max &&
           misfit(ret_misfit, LT_E_LIMIT, "longer than SQLite's limit for one value");
}

/* SQLite would silently store NaN as NULL. */
static bool is_misfit(const struct sq_feed *feed, int64_t index, int64_t row,
                      struct sq_misfit *ret_misfit)
{
    const struct feed_column *column = &feed->columns[index];
    const struct lt_view *view = &feed->batch.children[index];
    if (lt_view_is_null(view, row)) {
        return false;
    }
    switch (column->kind) {
    case FEED_INT64:
        return lt_view_u64(view, row) > INT64_MAX &&
               misfit(ret_misfit, LT_E_VALUE_RANGE,
                      "above 9223372036854775807, SQLite's largest integer");
    case FEED_FLOAT64:
    case FEED_FLOAT32:
    case FEED_FLOAT16:
        return isnan(real_value(column->kind, view, row)) &&
               misfit(ret_misfit, LT_E_VALUE_RANGE, "NaN, which SQLite would store as NULL");
    default:
        return misfit_bytes(feed, column, view, row, ret_misfit);
    }
}

bool lt_sq_feed_misfit(const struct sq_feed *feed, int64_t *row, int64_t *column,
                       struct sq_misfit *ret_misfit)
{
    int64_t first = *column;
    for (int64_t at = *row; feed->checked && at < feed->batch.length; at++) {
        for (int64_t i = first; i < feed->n_columns; i++) {
            if (feed->columns[i].checked && is_misfit(feed, i, at, ret_misfit)) {
                *row = at;
                *column = i;
                return true;
            }
        }
        first = 0;
    }
    return false;
}

static int mark(struct lt_buf *marks, int64_t row, int64_t rows)
{
    if (!marks->len) {
        if (lt_buf_reserve(marks, (size_t)rows)) {
            return LEAT_NO_MEMORY;
        }
        memset(marks->data, 0, (size_t)rows);
        marks->len = (size_t)rows;
    }
    marks->data[row] = 1;
    return LEAT_OK;
}

int lt_sq_feed_lose(struct sq_feed *feed, int64_t row, int64_t column)
{
    feed->texts[column].ends = NULL;
    return mark(&feed->columns[column].lost, row, feed->batch.length);
}

int lt_sq_feed_skip(struct sq_feed *feed, int64_t row)
{
    return mark(&feed->skipped, row, feed->batch.length);
}

int lt_sq_feed_json(const struct sq_feed *feed, int64_t row, struct lt_buf *out)
{
    struct lt_json json = {.out = out};
    struct lt_buf value = LT_BUF_INIT;
    lt_json_object(&json);
    for (int64_t i = 0; i < feed->n_columns && !json.failed; i++) {
        lt_buf_clear(&value);
        lt_json_key(&json, feed->schema->children[i]->name);
        if (lt_text_format_json(&feed->batch.children[i], row, &value)) {
            json.failed = LEAT_NO_MEMORY;
        }
        lt_json_raw(&json, lt_buf_text(&value), value.len);
    }
    lt_json_object_end(&json);
    lt_buf_done(&value);
    return json.failed;
}
