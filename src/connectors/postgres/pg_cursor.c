/* Ranges of cursors in SQL: typed literals beside the bare column, so that an index serves, and rows
 * compared as rows. Texts compare by their bytes, as everywhere in leat. */
#include "connectors/postgres/pg.h"

#include <stdlib.h>

static const struct {
    enum lt_type_id id;
    const char *cast;
} casts[] = {
    {LT_INT8, "int8"},           {LT_INT16, "int8"},         {LT_INT32, "int8"},
    {LT_INT64, "int8"},          {LT_UINT32, "int8"},        {LT_FLOAT32, "float8"},
    {LT_FLOAT64, "float8"},      {LT_DECIMAL128, "numeric"}, {LT_DECIMAL256, "numeric"},
    {LT_DATE32, "date"},         {LT_BOOL, "bool"},          {LT_FIXED_BINARY, "uuid"},
    {LT_TIMESTAMP, "timestamp"}, {LT_UTF8, "text"},
};

/* The type its values are compared as; NULL: they are not. */
static const char *cast_of(const struct lt_type *type)
{
    if (type->logical == LT_NUMERIC) {
        return "numeric";
    }
    if (type->logical == LT_JSON || (type->id == LT_FIXED_BINARY && type->logical != LT_UUID)) {
        return NULL;
    }
    if (type->id == LT_TIMESTAMP && type->zone && *type->zone) {
        return "timestamptz";
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(casts); i++) {
        if (casts[i].id == type->id) {
            return casts[i].cast;
        }
    }
    return NULL;
}

int pg_cursor_column(const struct pg_table *table, const char *name, struct pg_cursor_column *ret,
                     struct leat_error *err)
{
    int64_t at = lt_schema_find(&table->schema, name);
    if (at < 0) {
        return lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no column \"%s\"", name);
    }
    const struct ArrowSchema *field = table->schema.children[at];
    int status = lt_type_of(field, &ret->type, err);
    ret->name = name;
    ret->cast = status ? NULL : cast_of(&ret->type);
    ret->nullable = field->flags & ARROW_FLAG_NULLABLE;
    ret->text = pg_is_text(field);
    if (!status && !ret->cast) {
        status =
            lt_fail(err, LT_E_UNSUPPORTED, "column \"%s\" has no order to read a range by", name);
    }
    return status;
}

int pg_put_comparable(const struct pg_cursor_column *column, struct lt_buf *sql)
{
    int failed = lt_buf_puts(sql, "q.") | pg_ident(sql, column->name);
    return failed | (column->text ? lt_buf_puts(sql, "::pg_catalog.text COLLATE pg_catalog.\"C\"")
                                  : LEAT_OK);
}

/* PostgreSQL has no signs before years: +10000-01-01 is 10000-01-01, -0043-03-15 is 0044-03-15 BC. */
static int put_moment(const char *text, struct lt_buf *sql)
{
    char *end = NULL;
    if (*text == '+') {
        return pg_literal(sql, text + 1);
    }
    long year = *text == '-' ? strtol(text + 1, &end, 10) : -1;
    if (year < 0 || *end != '-') {
        return pg_literal(sql, text);
    }
    size_t len = strlen(end);
    bool zulu = end[len - 1] == 'Z';
    char *bc = lt_format("%04ld%.*s%s BC", year + 1, (int)(len - zulu), end, zulu ? "+00" : "");
    int failed = bc ? pg_literal(sql, bc) : LEAT_NO_MEMORY;
    free(bc);
    return failed;
}

static int put_bound(const struct pg_cursor_column *column, const char *text, struct lt_buf *sql)
{
    bool moment = column->type.id == LT_TIMESTAMP || column->type.id == LT_DATE32;
    int failed = moment ? put_moment(text, sql) : pg_literal(sql, text);
    failed |= lt_buf_printf(sql, "::pg_catalog.%s", column->cast);
    return failed;
}

int pg_put_side(const struct pg_cursor_column *columns, size_t n, const char *const *bounds,
                const char *comparison, struct lt_buf *sql)
{
    int failed = lt_buf_puts(sql, n > 1 ? "(" : "");
    for (size_t i = 0; i < n; i++) {
        failed |= lt_buf_puts(sql, i ? ", " : "");
        failed |= pg_put_comparable(&columns[i], sql);
    }
    failed |= lt_buf_printf(sql, "%s %s %s", n > 1 ? ")" : "", comparison, n > 1 ? "(" : "");
    for (size_t i = 0; i < n; i++) {
        failed |= lt_buf_puts(sql, i ? ", " : "");
        failed |= put_bound(&columns[i], bounds[i], sql);
    }
    return failed | lt_buf_puts(sql, n > 1 ? ")" : "");
}

/* " AND q.a IS NOT NULL" of the columns that may be, or " OR q.a IS NULL". */
static int put_nulls(const struct pg_cursor_column *columns, size_t n, const char *glue,
                     const char *test, struct lt_buf *sql)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < n; i++) {
        if (columns[i].nullable) {
            failed |= lt_buf_printf(sql, " %s q.", glue);
            failed |= pg_ident(sql, columns[i].name);
            failed |= lt_buf_puts(sql, test);
        }
    }
    return failed;
}

int pg_put_not_null(const struct pg_cursor_column *columns, size_t n, struct lt_buf *sql)
{
    return put_nulls(columns, n, "AND", " IS NOT NULL", sql);
}

int pg_put_null(const struct pg_cursor_column *columns, size_t n, struct lt_buf *sql)
{
    return put_nulls(columns, n, "OR", " IS NULL", sql);
}

int pg_put_range(const struct leat_cursor_range *range, const struct pg_table *table,
                 struct lt_buf *sql, struct leat_error *err)
{
    struct pg_cursor_column columns[LEAT_CURSOR_COLUMNS_MAX];
    size_t n = range->n_columns;
    if (n == 0 || n > LEAT_CURSOR_COLUMNS_MAX) {
        return lt_fail(err, LT_E_INVALID, "a cursor has 1 to %d columns", LEAT_CURSOR_COLUMNS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        int status = pg_cursor_column(table, range->columns[i], &columns[i], err);
        if (status) {
            return status;
        }
    }
    int failed = lt_buf_puts(sql, "((true");
    if (range->low) {
        failed |= lt_buf_puts(sql, " AND ");
        failed |= pg_put_side(columns, n, range->low, range->low_inclusive ? ">=" : ">", sql);
    }
    if (range->high) {
        failed |= lt_buf_puts(sql, " AND ");
        failed |= pg_put_side(columns, n, range->high, range->high_inclusive ? "<=" : "<", sql);
    }
    failed |= pg_put_not_null(columns, n, sql);
    failed |= lt_buf_puts(sql, ")");
    failed |= range->with_nulls ? pg_put_null(columns, n, sql) : LEAT_OK;
    return failed | lt_buf_puts(sql, ")") ? lt_fail_oom(err) : LEAT_OK;
}
