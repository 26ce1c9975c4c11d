/* Batches into a prepared INSERT: one binder a column, its kind chosen once.
 *
 * SQLite keeps rows together, so values are bound row by row; text and blobs are bound where they
 * lie in the batch, without a copy. */
#include "connectors/sqlite/internal.h"

#include "columnar/text.h"
#include "columnar/text_parts.h"
#include "columnar/view.h"
#include "core/json.h"
#include "core/util.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/banned.h"

/* Decimal digits that every double keeps (DBL_DIG). */
#define DOUBLE_DIGITS 15

enum bind_kind {
    BIND_NULL,
    BIND_INTEGER,
    BIND_BOOL,
    BIND_FLOAT64,
    BIND_FLOAT32,
    BIND_FLOAT16,
    BIND_TEXT,
    BIND_BYTES,
    BIND_FORMATTED, /* by its canonical text */
    BIND_JSON       /* nested values */
};

struct bind_column {
    enum bind_kind kind;
    bool numeric_affinity; /* SQLite would turn text that looks like a number into one */
    bool pad;              /* times: all digits of the fraction are written */
    bool number;           /* the text is one: it may change its form, not its value */
    bool hides_nulls;      /* BIND_JSON: JSON's own nulls may be among the values */
    struct lt_buf scratch; /* the text being bound, until the next row */
};

struct sq_binder {
    const struct lt_sqlite *api;
    const struct ArrowSchema *schema;
    struct bind_column *columns;
    int64_t n_columns;
    struct lt_view batch; /* of the whole batch: its children are the columns */
    bool viewed;
};

/* --- affinity ------------------------------------------------------------------------------ */

/* SQLite documentation, "Datatypes In SQLite", section 3.1. */
static bool has_text_affinity(const char *declared)
{
    return declared && !strcasestr(declared, "INT") &&
           (strcasestr(declared, "CHAR") || strcasestr(declared, "CLOB") ||
            strcasestr(declared, "TEXT"));
}

static bool has_numeric_affinity(const char *declared)
{
    if (!declared || !*declared) {
        return false; /* BLOB affinity: kept as given */
    }
    if (strcasestr(declared, "INT")) {
        return true;
    }
    return !strcasestr(declared, "CHAR") && !strcasestr(declared, "CLOB") &&
           !strcasestr(declared, "TEXT") && !strcasestr(declared, "BLOB");
}

const char *lt_sq_affinity(const char *declared)
{
    if (!declared || !*declared) {
        return "";
    }
    if (strcasestr(declared, "INT")) {
        return "INTEGER";
    }
    if (has_text_affinity(declared)) {
        return "TEXT";
    }
    bool real = strcasestr(declared, "REAL") || strcasestr(declared, "FLOA") ||
                strcasestr(declared, "DOUB");
    return strcasestr(declared, "BLOB") ? "" : real ? "REAL" : "NUMERIC";
}

/* A number as text, taken apart: its digits without zeros at either end, and their exponent. */
struct number_parts {
    bool negative;
    const char *digits; /* first significant digit; a point may lie between them */
    int n_digits;       /* significant ones, the point not counted */
    int64_t exponent;   /* of the first significant digit */
};

static bool read_exponent(const char *text, size_t len, size_t *at, int64_t *ret_exponent)
{
    bool negative = false;
    int64_t value = 0;
    size_t first;
    if (*at < len && (text[*at] == '-' || text[*at] == '+')) {
        negative = text[(*at)++] == '-';
    }
    for (first = *at; *at < len && isdigit((unsigned char)text[*at]); (*at)++) {
        value = LT_MIN(value * 10 + (text[*at] - '0'), 1000000);
    }
    *ret_exponent = negative ? -value : value;
    return *at > first;
}

/* False when SQLite would not take the text for a number: blanks around one do not matter. */
static bool split_number(const char *text, size_t len, struct number_parts *parts)
{
    size_t at = 0, digits = 0;
    int64_t exponent = 0, place = 0, point = -1;
    int significant = 0, zeros = 0;
    *parts = (struct number_parts){.digits = NULL};
    while (len && isspace((unsigned char)text[len - 1])) {
        len--;
    }
    while (at < len && isspace((unsigned char)text[at])) {
        at++;
    }
    if (at < len && (text[at] == '-' || text[at] == '+')) {
        parts->negative = text[at++] == '-';
    }
    for (; at < len && (isdigit((unsigned char)text[at]) || (text[at] == '.' && point < 0)); at++) {
        if (text[at] == '.') {
            point = (int64_t)digits;
            continue;
        }
        digits++;
        if (text[at] != '0' && !parts->digits) {
            parts->digits = text + at;
            place = (int64_t)digits;
        }
        if (parts->digits) {
            zeros = text[at] == '0' ? zeros + 1 : 0;
            significant++;
        }
    }
    if (digits && at < len && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        if (!read_exponent(text, len, &at, &exponent)) {
            return false;
        }
    }
    parts->n_digits = significant - zeros;
    parts->exponent = exponent + (point < 0 ? (int64_t)digits : point) - place;
    return digits && at == len;
}

static bool same_number(const struct number_parts *a, const struct number_parts *b)
{
    if (a->n_digits != b->n_digits || a->n_digits == 0) {
        return a->n_digits == b->n_digits;
    }
    const char *p = a->digits, *q = b->digits;
    for (int i = 0; i < a->n_digits; i++, p++, q++) {
        p += *p == '.';
        q += *q == '.';
        if (*p != *q) {
            return false;
        }
    }
    return a->negative == b->negative && a->exponent == b->exponent;
}

/* The text of what SQLite would store: an integer where the value is one and fits, else the
 * double. */
static int stored_text(const char *text, const struct number_parts *parts, char stored[32])
{
    if (parts->n_digits <= DOUBLE_DIGITS + 3 && parts->exponent + 1 >= parts->n_digits &&
        parts->exponent < 18) {
        int64_t value = 0;
        const char *at = parts->digits;
        for (int64_t i = 0; parts->n_digits && i <= parts->exponent; i++) {
            int digit = 0;
            if (i < parts->n_digits) {
                at += *at == '.';
                digit = *at++ - '0';
            }
            value = value * 10 + digit;
        }
        return snprintf(stored, 32, "%lld", (long long)(parts->negative ? -value : value));
    }
    return lt_double_format(strtod(text, NULL), stored);
}

/* True when the text comes back as it is from a column of numeric affinity; a number may come back
 * in another form of the same value. */
static bool survives(const char *text, size_t len, bool number)
{
    struct number_parts parts, back;
    char stored[32];
    if (!split_number(text, len, &parts)) {
        return true; /* stays text */
    }
    if (number && parts.n_digits <= DOUBLE_DIGITS && llabs(parts.exponent) < 300) {
        return true;
    }
    int stored_len = stored_text(text, &parts, stored);
    if (!number) {
        return (size_t)stored_len == len && !memcmp(stored, text, len);
    }
    /* SQLite keeps whole numbers of 64 bits as integers, whatever their digits. */
    int64_t integer;
    char *plain = lt_strndup(text, len);
    bool whole = plain && !lt_parse_int(plain, &integer);
    free(plain);
    return whole || (split_number(stored, (size_t)stored_len, &back) && same_number(&parts, &back));
}

/* --- binders ------------------------------------------------------------------------------- */

static enum bind_kind kind_of(const struct lt_type *type)
{
    if (type->logical == LT_UUID) {
        return BIND_FORMATTED;
    }
    switch (type->id) {
    case LT_NULL:
        return BIND_NULL;
    case LT_BOOL:
        return BIND_BOOL;
    case LT_INT8:
    case LT_INT16:
    case LT_INT32:
    case LT_INT64:
    case LT_UINT8:
    case LT_UINT16:
    case LT_UINT32:
    case LT_UINT64:
        return BIND_INTEGER;
    case LT_FLOAT64:
        return BIND_FLOAT64;
    case LT_FLOAT32:
        return BIND_FLOAT32;
    case LT_FLOAT16:
        return BIND_FLOAT16;
    case LT_UTF8:
    case LT_LARGE_UTF8:
        return BIND_TEXT;
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_FIXED_BINARY:
        return BIND_BYTES;
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
    case LT_STRUCT:
    case LT_MAP:
        return BIND_JSON;
    default:
        return BIND_FORMATTED;
    }
}

int lt_sq_binder_new(const struct lt_sqlite *api, const struct ArrowSchema *schema,
                     const char *const *declared, struct sq_binder **ret_binder,
                     struct leat_error *err)
{
    struct sq_binder *binder = calloc(1, sizeof *binder);
    struct bind_column *columns = calloc((size_t)schema->n_children + 1, sizeof *columns);
    int status = LEAT_OK;
    if (!binder || !columns) {
        free(binder);
        free(columns);
        return lt_fail_oom(err);
    }
    binder->api = api;
    binder->schema = schema;
    binder->columns = columns;
    binder->n_columns = schema->n_children;
    for (int64_t i = 0; i < schema->n_children && !status; i++) {
        struct lt_type type;
        status = lt_type_of(schema->children[i], &type, err);
        if (!status) {
            columns[i].kind = kind_of(&type);
            columns[i].number = type.logical == LT_NUMERIC || type.id == LT_DECIMAL128 ||
                                type.id == LT_DECIMAL256 || type.id == LT_DECIMAL64 ||
                                type.id == LT_DECIMAL32;
            columns[i].hides_nulls =
                columns[i].kind == BIND_JSON && lt_text_holds_json(schema->children[i]);
            columns[i].numeric_affinity = has_numeric_affinity(declared[i]);
            if (type.id == LT_UINT64 && has_text_affinity(declared[i])) {
                columns[i].kind = BIND_FORMATTED; /* text holds what SQLite's integers cannot */
            }
        }
    }
    if (status) {
        lt_sq_binder_free(binder);
        return status;
    }
    *ret_binder = binder;
    return LEAT_OK;
}

void lt_sq_binder_free(struct sq_binder *binder)
{
    if (!binder) {
        return;
    }
    for (int64_t i = 0; i < binder->n_columns; i++) {
        lt_buf_done(&binder->columns[i].scratch);
    }
    if (binder->viewed) {
        lt_view_done(&binder->batch);
    }
    free(binder->columns);
    free(binder);
}

void lt_sq_binder_pad(struct sq_binder *binder, int64_t column)
{
    binder->columns[column].pad = true;
}

/* Behind the time's last digit: fraction digits of its unit, before a Z. */
static int pad_fraction(const struct lt_type *type, struct lt_buf *text)
{
    static const char zeros[] = "000000000";
    static const size_t digits[] = {0, 3, 6, 9};
    bool zoned = text->len && text->data[text->len - 1] == 'Z';
    text->len -= zoned;
    const uint8_t *point = text->len ? memchr(text->data, '.', text->len) : NULL;
    size_t has = point ? (size_t)(text->data + text->len - point - 1) : 0;
    size_t wanted = type->id == LT_TIMESTAMP ? digits[type->unit] : 0;
    int failed = !point && wanted ? lt_buf_byte(text, '.') : LEAT_OK;
    failed |= wanted > has ? lt_buf_append(text, zeros, wanted - has) : LEAT_OK;
    return failed | (zoned ? lt_buf_byte(text, 'Z') : LEAT_OK);
}

int lt_sq_binder_set(struct sq_binder *binder, const struct ArrowArray *batch,
                     struct leat_error *err)
{
    if (batch->n_children != binder->n_columns) {
        return lt_fail(err, LT_E_INTERNAL, "a batch of other columns than the load's");
    }
    int status = binder->viewed ? lt_view_set(&binder->batch, batch, err)
                                : lt_view_init(&binder->batch, binder->schema, batch, err);
    binder->viewed = binder->viewed || !status;
    return status;
}

static int misfit(struct sq_misfit *ret_misfit, const char *why)
{
    *ret_misfit = (struct sq_misfit){LT_E_VALUE_RANGE, why};
    return LEAT_BAD_DATA;
}

static int bind_text(const struct lt_sqlite *api, sqlite3_stmt *stmt, int index,
                     const struct bind_column *column, const void *text, size_t len,
                     struct sq_misfit *ret_misfit)
{
    if (column->numeric_affinity && !survives(text, len, column->number)) {
        return misfit(ret_misfit, "SQLite would turn it into a number of another value, for the "
                                  "column's declared type asks for numbers");
    }
    return api->sqlite3_bind_text64(stmt, index, len ? text : "", len, SQLITE_STATIC, SQLITE_UTF8);
}

/* A double; SQLite would silently store NaN as NULL. */
static int bind_real(const struct lt_sqlite *api, sqlite3_stmt *stmt, int index, double value,
                     struct sq_misfit *ret_misfit)
{
    return isnan(value) ? misfit(ret_misfit, "NaN, which SQLite would store as NULL")
                        : api->sqlite3_bind_double(stmt, index, value);
}

/* 0, or anything else: then *ret_misfit says why, unless it was memory or a limit of SQLite. */
static int bind_value(const struct lt_sqlite *api, struct bind_column *column,
                      const struct lt_view *view, sqlite3_stmt *stmt, int index, int64_t row,
                      struct sq_misfit *ret_misfit)
{
    const uint8_t *bytes;
    bool big = false;
    size_t len = 0;
    int64_t integer;
    uint16_t half;
    switch (column->kind) {
    case BIND_INTEGER:
        integer = lt_view_integer(view, row, &big);
        return big ? misfit(ret_misfit, "above 9223372036854775807, SQLite's largest integer")
                   : api->sqlite3_bind_int64(stmt, index, integer);
    case BIND_BOOL:
        return api->sqlite3_bind_int64(stmt, index, lt_view_bool(view, row));
    case BIND_FLOAT64:
        return bind_real(api, stmt, index, lt_view_f64(view, row), ret_misfit);
    case BIND_FLOAT32:
        return bind_real(api, stmt, index, (double)lt_view_f32(view, row), ret_misfit);
    case BIND_FLOAT16:
        memcpy(&half, view->data + 2 * row, sizeof half);
        return bind_real(api, stmt, index, lt_half_to_double(half), ret_misfit);
    case BIND_TEXT:
        bytes = lt_view_bytes(view, row, &len);
        return bind_text(api, stmt, index, column, bytes, len, ret_misfit);
    case BIND_BYTES:
        bytes = lt_view_bytes(view, row, &len);
        return api->sqlite3_bind_blob64(stmt, index, len ? (const void *)bytes : "", len,
                                        SQLITE_STATIC);
    case BIND_FORMATTED:
    case BIND_JSON:
        if (column->hides_nulls && lt_text_hides_null(view, row)) {
            return misfit(ret_misfit,
                          "JSON's own null in a list, struct or map, where it cannot be "
                          "told from a null");
        }
        lt_buf_clear(&column->scratch);
        if (column->kind == BIND_JSON ? lt_text_format_json(view, row, &column->scratch)
                                      : lt_text_format(view, row, &column->scratch)) {
            return SQLITE_NOMEM;
        }
        if (column->pad && pad_fraction(&view->type, &column->scratch)) {
            return SQLITE_NOMEM;
        }
        return bind_text(api, stmt, index, column, lt_buf_text(&column->scratch),
                         column->scratch.len, ret_misfit);
    default:
        return api->sqlite3_bind_null(stmt, index);
    }
}

int lt_sq_bind_row(struct sq_binder *binder, sqlite3_stmt *stmt, int64_t row, int64_t first,
                   struct sq_misfit *misfit_, int64_t *ret_column)
{
    const struct lt_sqlite *api = binder->api;
    *misfit_ = (struct sq_misfit){LT_E_INTERNAL, NULL};
    for (int64_t i = first; i < binder->n_columns; i++) {
        const struct lt_view *view = &binder->batch.children[i];
        int rc = lt_view_is_null(view, row)
                     ? api->sqlite3_bind_null(stmt, (int)i + 1)
                     : bind_value(api, &binder->columns[i], view, stmt, (int)i + 1, row, misfit_);
        if (rc == SQLITE_TOOBIG) {
            *misfit_ = (struct sq_misfit){LT_E_LIMIT, "longer than SQLite's limit for one value"};
        }
        if (rc) {
            *ret_column = i;
            return misfit_->why ? LEAT_BAD_DATA : LEAT_NO_MEMORY;
        }
    }
    return LEAT_OK;
}

int lt_sq_binder_json(const struct sq_binder *binder, int64_t row, struct lt_buf *out)
{
    struct lt_json json = {.out = out};
    struct lt_buf value = LT_BUF_INIT;
    lt_json_object(&json);
    for (int64_t i = 0; i < binder->n_columns && !json.failed; i++) {
        lt_buf_clear(&value);
        lt_json_key(&json, binder->schema->children[i]->name);
        if (lt_text_format_json(&binder->batch.children[i], row, &value)) {
            json.failed = LEAT_NO_MEMORY;
        }
        lt_json_raw(&json, lt_buf_text(&value), value.len);
    }
    lt_json_object_end(&json);
    lt_buf_done(&value);
    return json.failed;
}
