/* Values in the order of their canonical types, whatever they are stored as.
 *
 * SQLite compares what is stored: a time as its text, a decimal of text digit by digit, a number
 * before every text. Where that is not the order of the type, values pass through a function of
 * leat's own, leat_order(value, 'type'), which reads them as the reader does and gives what SQLite
 * puts in the right order: an integer, a blob, a text. Bounds of ranges pass through it too. */
#include "connectors/sqlite/internal.h"

#include "columnar/text.h"
#include "core/util.h"

#include <stdlib.h>
#include <strings.h>

#include "core/banned.h"

#define TYPE_TEXT_MAX 256
#define DECIMAL_BYTES_MAX 32

/* --- the function -------------------------------------------------------------------------- */

/* What a statement keeps between two calls. */
struct ordering {
    struct lt_builder builder; /* holds one value at a time */
    struct sq_reading reading;
};

static void ordering_free(void *arg)
{
    struct ordering *ordering = arg;
    if (ordering) {
        lt_builder_done(&ordering->builder);
        free(ordering);
    }
}

static struct ordering *ordering_new(const struct sq_conn *conn, const char *type)
{
    struct ordering *ordering = calloc(1, sizeof *ordering);
    struct ArrowSchema field = {.release = NULL};
    struct lt_type of;
    if (!ordering || !type || lt_type_parse(type, &field, NULL) || lt_type_of(&field, &of, NULL) ||
        lt_builder_init(&ordering->builder, &field, NULL)) {
        free(ordering);
        lt_schema_done(&field);
        return NULL;
    }
    ordering->reading = (struct sq_reading){lt_sq_decoder_of(&of), conn->ep->numbers};
    lt_schema_done(&field);
    return ordering;
}

/* Two's complement, least byte first, as bytes that compare as the numbers do. */
static void order_integer(const uint8_t *value, size_t width, uint8_t ret_key[DECIMAL_BYTES_MAX])
{
    for (size_t i = 0; i < width; i++) {
        ret_key[i] = value[width - 1 - i];
    }
    ret_key[0] ^= 0x80;
}

static void give_integer(const struct lt_sqlite *api, sqlite3_context *context,
                         const struct lt_builder *builder)
{
    const uint8_t *data = builder->data.data;
    bool is_signed = builder->type.id != LT_UINT8 && builder->type.id != LT_UINT16 &&
                     builder->type.id != LT_UINT32;
    size_t width = (size_t)builder->type.width;
    uint64_t value = 0;
    memcpy(&value, data, width); /* of a little-endian machine, as everywhere in leat */
    if (is_signed && width < sizeof value && data[width - 1] & 0x80) {
        value |= ~UINT64_C(0) << (8 * width);
    }
    if (builder->type.id == LT_UINT64) {
        value ^= UINT64_C(1) << 63;
    }
    api->sqlite3_result_int64(context, (sqlite3_int64)value);
}

static void give_float(const struct lt_sqlite *api, sqlite3_context *context,
                       const struct lt_builder *builder)
{
    double value = 0;
    float single = 0;
    if (builder->type.id == LT_FLOAT64) {
        memcpy(&value, builder->data.data, sizeof value);
    } else {
        memcpy(&single, builder->data.data, sizeof single);
        value = (double)single;
    }
    api->sqlite3_result_double(context, value);
}

/* The value that the builder holds, as SQLite is to order it. */
static void give_value(const struct lt_sqlite *api, sqlite3_context *context,
                       const struct lt_builder *builder)
{
    const struct lt_buf *data = &builder->data;
    uint8_t key[DECIMAL_BYTES_MAX];
    switch (builder->type.id) {
    case LT_BOOL:
        api->sqlite3_result_int64(context, data->data[0] & 1);
        break;
    case LT_FLOAT32:
    case LT_FLOAT64:
        give_float(api, context, builder);
        break;
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        order_integer(data->data, (size_t)builder->type.width, key);
        api->sqlite3_result_blob64(context, key, (sqlite3_uint64)builder->type.width,
                                   SQLITE_TRANSIENT);
        break;
    case LT_UTF8:
    case LT_LARGE_UTF8:
        api->sqlite3_result_text64(context, data->len ? (const char *)data->data : "", data->len,
                                   SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_FIXED_BINARY:
        api->sqlite3_result_blob64(context, data->len ? (const void *)data->data : "", data->len,
                                   SQLITE_TRANSIENT);
        break;
    default:
        give_integer(api, context, builder);
    }
}

/* leat_order(value, 'type') */
static void order_value(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct sq_conn *conn = NULL;
    const struct lt_sqlite *api = NULL;
    if (lt_sqlite_load(&api, NULL) || n != 2) {
        return;
    }
    conn = api->sqlite3_user_data(context);
    struct ordering *ordering = api->sqlite3_get_auxdata(context, 1);
    struct ordering *made = NULL;
    if (!ordering) {
        made = ordering_new(conn, (const char *)api->sqlite3_value_text(values[1]));
        ordering = made;
    }
    if (!ordering) {
        api->sqlite3_result_error_nomem(context);
        return;
    }
    struct sq_misfit misfit;
    int64_t bytes = 0;
    lt_builder_truncate(&ordering->builder, 0);
    int status =
        lt_sq_decode_value(api, values[0], ordering->reading, &ordering->builder, &bytes, &misfit);
    if (status == LEAT_BAD_DATA) {
        api->sqlite3_result_error(context, misfit.why, -1);
    } else if (status) {
        api->sqlite3_result_error_nomem(context);
    } else if (ordering->builder.null_count) {
        api->sqlite3_result_null(context);
    } else {
        give_value(api, context, &ordering->builder);
    }
    if (made) { /* SQLite may free it at once */
        api->sqlite3_set_auxdata(context, 1, made, ordering_free);
    }
}

int lt_sq_functions(struct sq_conn *conn, struct leat_error *err)
{
    int rc = conn->api->sqlite3_create_function_v2(
        conn->db, "leat_order", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, conn,
        order_value, NULL, NULL, NULL);
    return rc ? lt_sq_fail(conn, rc, err, "cannot add the function leat_order") : LEAT_OK;
}

/* --- what is put into statements ----------------------------------------------------------- */

/* What a column is stored as, where its declared type makes sure of it: "INTEGER", "REAL",
 * "NUMERIC", "TEXT"; "" where anything may be there. */
static const char *stored_as(const struct ArrowSchema *field)
{
    char declared[TYPE_TEXT_MAX] = "";
    if (lt_schema_meta_is(field, SQ_META_UNTYPED, "1")) {
        return "";
    }
    lt_schema_meta_text(field, LT_META_SOURCE_TYPE, declared, sizeof declared);
    const char *colon = strchr(declared, ':');
    if (!colon || strncasecmp(declared, "sqlite:", 7) != 0) {
        return !strcmp(field->format, "u") ? "TEXT" : ""; /* TEXT alone is not told */
    }
    return lt_sq_affinity(colon + 1);
}

/* Whether SQLite orders the column's values as the type does by itself. */
static bool is_plain(const struct ArrowSchema *field, const struct lt_type *type)
{
    const char *stored = stored_as(field);
    bool number = *stored && strcmp(stored, "TEXT") != 0;
    if (lt_type_is_integer(type->id) && type->id != LT_UINT64) {
        return number;
    }
    if (type->id == LT_FLOAT64 || type->id == LT_FLOAT32 || type->id == LT_BOOL) {
        return number;
    }
    return type->id == LT_UTF8 && type->logical != LT_NUMERIC && !strcmp(stored, "TEXT");
}

static bool can_order(const struct lt_type *type)
{
    switch (type->id) {
    case LT_NULL:
    case LT_FLOAT16:
    case LT_INTERVAL:
    case LT_INTERVAL_MONTHS:
    case LT_INTERVAL_DAY_TIME:
    case LT_DICTIONARY:
        return false;
    default:
        return !lt_type_is_nested(type->id);
    }
}

static int find_field(const struct ArrowSchema *schema, const char *column,
                      const struct ArrowSchema **ret_field, struct lt_type *ret_type,
                      struct leat_error *err)
{
    int64_t at = lt_schema_find(schema, column);
    if (at < 0) {
        return lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no column \"%s\"", column);
    }
    *ret_field = schema->children[at];
    int status = lt_type_of(*ret_field, ret_type, err);
    if (!status && !can_order(ret_type)) {
        struct lt_buf name = LT_BUF_INIT;
        lt_type_print(*ret_field, &name);
        status = lt_fail(err, LT_E_UNSUPPORTED, "column \"%s\" is %s, which has no order", column,
                         lt_buf_text(&name));
        lt_buf_done(&name);
    }
    return status;
}

/* leat_order(<what>, 'type'), and the collation that it needs. */
static int put_call(const char *what, const struct ArrowSchema *field, const struct lt_type *type,
                    struct lt_buf *sql)
{
    struct lt_buf name = LT_BUF_INIT;
    int failed = lt_type_print(field, &name) | lt_buf_printf(sql, "leat_order(%s, ", what);
    failed |= lt_dialect_literal(&lt_dialect_sqlite, lt_buf_text(&name), sql);
    failed |= lt_buf_puts(sql, type->logical == LT_NUMERIC ? ") COLLATE " SQ_COLLATE_NUMBER : ")");
    lt_buf_done(&name);
    return failed;
}

int lt_sq_put_comparable(const struct ArrowSchema *schema, const char *column, struct lt_buf *sql,
                         struct leat_error *err)
{
    const struct ArrowSchema *field = NULL;
    struct lt_type type;
    struct lt_buf name = LT_BUF_INIT;
    int status = find_field(schema, column, &field, &type, err);
    if (status) {
        return status;
    }
    int failed = lt_sq_quote(&name, column);
    if (is_plain(field, &type)) {
        failed |= lt_buf_puts(sql, lt_buf_text(&name));
        failed |= type.id == LT_UTF8 ? lt_buf_puts(sql, " COLLATE BINARY") : LEAT_OK;
    } else {
        failed |= put_call(lt_buf_text(&name), field, &type, sql);
    }
    lt_buf_done(&name);
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

int lt_sq_put_bound(const struct ArrowSchema *schema, const char *column, const char *bound,
                    struct lt_buf *sql, struct leat_error *err)
{
    const struct ArrowSchema *field = NULL;
    struct lt_type type;
    struct lt_buf text = LT_BUF_INIT;
    int status = find_field(schema, column, &field, &type, err);
    if (status) {
        return status;
    }
    int failed = lt_dialect_literal(&lt_dialect_sqlite, bound, &text);
    bool bytes = type.id == LT_BINARY && !strncmp(bound, "\\x", 2);
    if (bytes) { /* canonical text of bytes is their digits */
        lt_buf_clear(&text);
        failed = lt_buf_printf(&text, "x'%s'", bound + 2);
        failed |= strspn(bound + 2, "0123456789abcdefABCDEF") != strlen(bound + 2);
    }
    failed |= is_plain(field, &type) && type.id == LT_UTF8
                  ? lt_buf_puts(sql, lt_buf_text(&text))
                  : put_call(lt_buf_text(&text), field, &type, sql);
    lt_buf_done(&text);
    return failed ? lt_fail_oom(err) : LEAT_OK;
}
