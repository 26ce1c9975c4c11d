#include "engine/cursor.h"

#include "columnar/schema.h"
#include "columnar/text_parts.h"
#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"
#include "engine/options.h"

#include <stdlib.h>

/* --- types ---------------------------------------------------------------------------------- */

static const char *const remedy = "name a column of whole numbers, decimals, dates, times or text; "
                                  "or use a query (--query) that casts it";

static bool kind_of(const struct lt_type *type, struct lt_cursor_column *column)
{
    column->scale = -1;
    if (lt_type_is_integer(type->id)) {
        column->kind = LT_CURSOR_NUMBER;
        column->integer = true;
        column->scale = 0;
        return true;
    }
    switch (type->id) {
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        column->kind = LT_CURSOR_NUMBER;
        column->integer = type->scale <= 0;
        column->scale = type->scale;
        return true;
    case LT_DATE32:
    case LT_DATE64:
        column->kind = LT_CURSOR_DATE;
        return true;
    case LT_TIMESTAMP:
        column->kind = LT_CURSOR_TIMESTAMP;
        column->unit = type->unit;
        column->zoned = type->zone && *type->zone;
        return true;
    case LT_FIXED_BINARY:
        column->kind = LT_CURSOR_BYTES;
        return type->logical == LT_UUID;
    default:
        column->kind = type->logical == LT_NUMERIC ? LT_CURSOR_NUMBER : LT_CURSOR_BYTES;
        return lt_type_is_text(type->id) &&
               (type->logical == LT_PLAIN || type->logical == LT_NUMERIC);
    }
}

static int find_column(const struct ArrowSchema *schema, const char *name,
                       struct lt_cursor_column *column, struct leat_error *err)
{
    struct lt_type type;
    struct lt_buf words = LT_BUF_INIT;
    int64_t at = lt_schema_find(schema, name);
    if (at < 0) {
        return lt_schema_unknown_column(schema, name, err);
    }
    int rc = lt_type_of(schema->children[at], &type, err);
    rc = rc ? rc : lt_type_print(schema->children[at], &words) ? lt_fail_oom(err) : LEAT_OK;
    if (!rc && !kind_of(&type, column)) {
        rc = lt_fail(err, LT_E_UNSUPPORTED,
                     "column \"%s\" is %s, which has no exact order that two systems share", name,
                     lt_buf_text(&words));
        leat_error_remedy(err, "%s", remedy);
    }
    if (!rc) {
        column->nullable = schema->children[at]->flags & ARROW_FLAG_NULLABLE;
        column->name = lt_strdup(name);
        column->type = lt_buf_take(&words);
        rc = column->name && column->type ? LEAT_OK : lt_fail_oom(err);
    }
    lt_buf_done(&words);
    return rc;
}

int lt_cursor_init(struct lt_cursor *cursor, char *const *names, size_t n,
                   const struct ArrowSchema *schema, struct leat_error *err)
{
    memset(cursor, 0, sizeof *cursor);
    if (n > LEAT_CURSOR_COLUMNS_MAX) {
        return lt_fail(err, LT_E_USAGE, "a cursor has at most %d columns", LEAT_CURSOR_COLUMNS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        const char *text = names[i];
        char *name = lt_name_take(&text, 0);
        int rc = name ? find_column(schema, name, &cursor->columns[i], err)
                      : lt_fail(err, LT_E_USAGE, "\"%s\" is no name of a column", names[i]);
        free(name);
        cursor->n = i + 1;
        cursor->names[i] = cursor->columns[i].name;
        if (rc) {
            return rc;
        }
    }
    return LEAT_OK;
}

void lt_cursor_done(struct lt_cursor *cursor)
{
    for (size_t i = 0; i < cursor->n; i++) {
        free(cursor->columns[i].name);
        free(cursor->columns[i].type);
    }
    memset(cursor, 0, sizeof *cursor);
}

/* --- rows ----------------------------------------------------------------------------------- */

void lt_cursor_row_done(struct lt_cursor_row *row)
{
    for (size_t i = 0; i < LEAT_CURSOR_COLUMNS_MAX; i++) {
        free(row->texts[i]);
        row->texts[i] = NULL;
    }
}

int lt_cursor_row_copy(const struct lt_cursor_row *from, struct lt_cursor_row *to,
                       struct leat_error *err)
{
    struct lt_cursor_row copy = {{NULL}};
    for (size_t i = 0; i < LEAT_CURSOR_COLUMNS_MAX && from->texts[i]; i++) {
        copy.texts[i] = lt_strdup(from->texts[i]);
        if (!copy.texts[i]) {
            lt_cursor_row_done(&copy);
            return lt_fail_oom(err);
        }
    }
    lt_cursor_row_done(to);
    *to = copy;
    return LEAT_OK;
}

void lt_cursor_row_take(struct lt_cursor_row *row, char **texts, size_t n)
{
    lt_cursor_row_done(row);
    for (size_t i = 0; i < n; i++) {
        row->texts[i] = texts[i];
        texts[i] = NULL;
    }
}

/* --- order ---------------------------------------------------------------------------------- */

/* The i-th significant digit, 0 past the end. */
static char digit_at(const struct lt_number *number, size_t i)
{
    size_t n = 0;
    for (const char *p = number->digits; n < number->n_digits; p++) {
        if (*p == '.') {
            continue;
        }
        if (n++ == i) {
            return *p;
        }
    }
    return '0';
}

static int compare_magnitudes(const struct lt_number *a, const struct lt_number *b)
{
    if (!a->n_digits || !b->n_digits) {
        return (a->n_digits != 0) - (b->n_digits != 0);
    }
    int64_t above_a = (int64_t)a->n_digits + a->exponent;
    int64_t above_b = (int64_t)b->n_digits + b->exponent;
    if (above_a != above_b) {
        return above_a < above_b ? -1 : 1;
    }
    for (size_t i = 0; i < LT_MAX(a->n_digits, b->n_digits); i++) {
        int order = digit_at(a, i) - digit_at(b, i);
        if (order) {
            return order;
        }
    }
    return 0;
}

/* NaN above all, as PostgreSQL has it. */
static int rank_of(const struct lt_number *number)
{
    switch (number->kind) {
    case LT_NUMBER_NAN:
        return 3;
    case LT_NUMBER_INFINITE:
        return number->negative ? -2 : 2;
    default:
        return number->n_digits == 0 ? 0 : number->negative ? -1 : 1;
    }
}

static int compare_numbers(const char *a, const char *b)
{
    struct lt_number x, y;
    if (!lt_number_scan(a, strlen(a), &x) || !lt_number_scan(b, strlen(b), &y)) {
        return strcmp(a, b);
    }
    int rank = rank_of(&x);
    if (rank != rank_of(&y)) {
        return rank < rank_of(&y) ? -1 : 1;
    }
    return rank == 1 ? compare_magnitudes(&x, &y) : rank == -1 ? compare_magnitudes(&y, &x) : 0;
}

/* Days or ticks; false when it is no such value. */
static bool ticks_of(const struct lt_cursor_column *column, const char *text, int64_t *ret_ticks)
{
    const char *why;
    return column->kind == LT_CURSOR_DATE ? !lt_date_parse(text, strlen(text), ret_ticks, &why)
                                          : !lt_timestamp_parse(text, strlen(text), column->unit,
                                                                column->zoned, ret_ticks, &why);
}

int lt_cursor_compare_column(const struct lt_cursor_column *column, const char *a, const char *b)
{
    int64_t x, y;
    switch (column->kind) {
    case LT_CURSOR_NUMBER:
        return compare_numbers(a, b);
    case LT_CURSOR_DATE:
    case LT_CURSOR_TIMESTAMP:
        if (ticks_of(column, a, &x) && ticks_of(column, b, &y)) {
            return x < y ? -1 : x > y;
        }
        return strcmp(a, b);
    case LT_CURSOR_BYTES:
        break;
    }
    return strcmp(a, b);
}

int lt_cursor_compare(const struct lt_cursor *cursor, const struct lt_cursor_row *a,
                      const struct lt_cursor_row *b)
{
    int order = 0;
    for (size_t i = 0; !order && i < cursor->n; i++) {
        order = lt_cursor_compare_column(&cursor->columns[i], a->texts[i], b->texts[i]);
    }
    return order;
}

/* --- values of users ------------------------------------------------------------------------ */

static int print_ticks(const struct lt_cursor_column *column, int64_t ticks, char **ret_text,
                       struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    int rc = column->kind == LT_CURSOR_DATE
                 ? lt_date_format(ticks, &out)
                 : lt_timestamp_format(ticks, column->unit, column->zoned, &out);
    char *text = rc ? NULL : lt_buf_take(&out);
    lt_buf_done(&out);
    *ret_text = text;
    return text ? LEAT_OK : lt_fail_oom(err);
}

/* The digits behind the point that a number has. */
static int scale_of(const char *text)
{
    struct lt_number number;
    if (!lt_number_scan(text, strlen(text), &number) || !number.n_digits || number.exponent >= 0) {
        return 0;
    }
    return number.exponent < -LT_DECIMAL128_DIGITS ? LT_DECIMAL128_DIGITS + 1
                                                   : (int)-number.exponent;
}

int lt_cursor_read(const struct lt_cursor_column *column, const char *what, const char *text,
                   char **ret_text, struct leat_error *err)
{
    struct lt_number number;
    const char *why = "not a number";
    int64_t ticks, days;
    size_t len = strlen(text);
    if (column->kind == LT_CURSOR_DATE || column->kind == LT_CURSOR_TIMESTAMP) {
        if (ticks_of(column, text, &ticks)) {
            return print_ticks(column, ticks, ret_text, err);
        }
        if (column->kind == LT_CURSOR_TIMESTAMP && !lt_date_parse(text, len, &days, &why) &&
            !__builtin_mul_overflow(days, 86400 * lt_unit_ticks(column->unit), &ticks)) {
            return print_ticks(column, ticks, ret_text, err);
        }
        why = column->kind == LT_CURSOR_DATE ? "not a date"
              : column->zoned                ? "not a time (2026-11-21T10:00:00Z)"
                                             : "not a time (2026-11-21 10:00:00)";
    } else if (column->kind == LT_CURSOR_BYTES ||
               (lt_number_scan(text, len, &number) && number.kind == LT_NUMBER_FINITE &&
                (!column->integer || scale_of(text) == 0))) {
        *ret_text = lt_strdup(text);
        return *ret_text ? LEAT_OK : lt_fail_oom(err);
    }
    return lt_fail(err, LT_E_USAGE, "%s: \"%s\" is %s, and column \"%s\" is %s", what, text, why,
                   column->name, column->type);
}

static int shift_number(const struct lt_cursor_column *column, const char *text, const char *what,
                        const char *step, int sign, char **ret_text, struct leat_error *err)
{
    const char *why = "not a number";
    lt_int128 value, by, sum;
    int scale = LT_MAX(scale_of(text), scale_of(step));
    if (column->scale >= 0 && scale_of(step) > column->scale) {
        return lt_fail(err, LT_E_USAGE, "%s: \"%s\" is finer than column \"%s\", %s", what, step,
                       column->name, column->type);
    }
    if (lt_decimal_parse(step, strlen(step), LT_DECIMAL128_DIGITS, scale, &by, &why) || by < 0) {
        return lt_fail(err, LT_E_USAGE, "%s takes a number, 0 or more, for column \"%s\", %s", what,
                       column->name, column->type);
    }
    if (lt_decimal_parse(text, strlen(text), LT_DECIMAL128_DIGITS, scale, &value, &why) ||
        __builtin_add_overflow(value, sign < 0 ? -by : by, &sum)) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "%s: a value of column \"%s\" is too long a number to be counted with", what,
                       column->name);
    }
    struct lt_buf out = LT_BUF_INIT;
    int rc = lt_decimal_format(sum, scale, &out);
    char *made = rc ? NULL : lt_buf_take(&out);
    lt_buf_done(&out);
    *ret_text = made;
    return made ? LEAT_OK : lt_fail_oom(err);
}

/* A duration in ticks of the column; of dates in days, a part of one counting whole. */
static int step_ticks(const struct lt_cursor_column *column, const char *what, const char *step,
                      int64_t *ret_ticks, struct leat_error *err)
{
    int64_t ms, ticks;
    if (lt_parse_duration(step, &ms, NULL) || ms < 0) {
        return lt_fail(err, LT_E_USAGE, "%s takes a time such as 2h for column \"%s\", %s", what,
                       column->name, column->type);
    }
    if (column->kind == LT_CURSOR_DATE) {
        *ret_ticks = ms / 86400000 + (ms % 86400000 > 0);
        return LEAT_OK;
    }
    int64_t per_second = lt_unit_ticks(column->unit);
    if (__builtin_mul_overflow(ms / 1000, per_second, &ticks)) {
        return lt_fail(err, LT_E_USAGE, "%s: %s is too long", what, step);
    }
    int64_t rest = ms % 1000;
    *ret_ticks = ticks + (per_second >= 1000 ? rest * (per_second / 1000) : rest > 0);
    return LEAT_OK;
}

int lt_cursor_shift(const struct lt_cursor_column *column, const char *text, const char *what,
                    const char *step, int sign, char **ret_text, struct leat_error *err)
{
    int64_t ticks, by = 0;
    if (column->kind == LT_CURSOR_NUMBER) {
        return shift_number(column, text, what, step, sign, ret_text, err);
    }
    if (column->kind == LT_CURSOR_BYTES) {
        return lt_fail(err, LT_E_USAGE, "%s cannot be counted in column \"%s\", %s", what,
                       column->name, column->type);
    }
    int rc = step_ticks(column, what, step, &by, err);
    if (rc) {
        return rc;
    }
    if (!ticks_of(column, text, &ticks)) {
        return lt_fail(err, LT_E_VALUE_SYNTAX, "a value of column \"%s\" is no %s", column->name,
                       column->type);
    }
    if (__builtin_add_overflow(ticks, sign < 0 ? -by : by, &ticks)) {
        return lt_fail(err, LT_E_USAGE, "%s: %s is too long", what, step);
    }
    return print_ticks(column, ticks, ret_text, err);
}

bool lt_cursor_is_endless(const struct lt_cursor_column *column, const char *text)
{
    struct lt_number number;
    return column->kind == LT_CURSOR_NUMBER && lt_number_scan(text, strlen(text), &number) &&
           (number.kind == LT_NUMBER_NAN || (number.kind != LT_NUMBER_FINITE && !number.negative));
}

char *lt_cursor_row_print(const struct lt_cursor *cursor, const struct lt_cursor_row *row)
{
    if (!lt_cursor_row_is_set(row)) {
        return lt_strdup("");
    }
    if (cursor->n == 1) {
        return lt_strdup(row->texts[0]);
    }
    struct lt_buf out = LT_BUF_INIT;
    struct lt_json json = {.out = &out};
    lt_json_array(&json);
    for (size_t i = 0; i < cursor->n; i++) {
        lt_json_text(&json, row->texts[i]);
    }
    lt_json_array_end(&json);
    char *text = json.failed ? NULL : lt_buf_take(&out);
    lt_buf_done(&out);
    return text;
}
