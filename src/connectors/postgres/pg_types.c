/* The columns of a table or query: what each is on the wire, and as a field of a schema. Queries
 * keep to columns that exist from PostgreSQL 11 on. */
#include "connectors/postgres/pg.h"

#include "sql/postgres.h"

#include <stdio.h>
#include <stdlib.h>

#define OID_TEXT 25
#define OID_MONEY 790
#define OID_MONEY_ARRAY 791

#define QUERY_COLUMNS_MAX 1664

/* Everything about each column; its base type is found through domains. The first part defines
 * col(rel, n, name, typ, mod, not_null, required, identity, generated, comment, key_place). */
#define COLUMNS_TAIL                                                                               \
    ", base(rel, n, typ, mod, not_null) AS (SELECT rel, n, typ, mod, false FROM col UNION ALL "    \
    "SELECT b.rel, b.n, t.typbasetype, t.typtypmod, b.not_null OR t.typnotnull FROM base b "       \
    "JOIN pg_catalog.pg_type t ON t.oid = b.typ WHERE t.typtype = 'd') "                           \
    "SELECT col.name, t.typname, pg_catalog.format_type(b.typ, b.mod), b.mod, "                    \
    "t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace, t.oid, "                              \
    "col.not_null OR b.not_null, col.required, col.identity, col.generated, col.comment, "         \
    "col.key_place, t.typtype, e.oid, e.typtype, e.typdelim, "                                     \
    "CASE WHEN col.typ <> b.typ THEN pg_catalog.format_type(col.typ, NULL) END, col.typ, col.rel " \
    "FROM col JOIN base b ON b.rel = col.rel AND b.n = col.n "                                     \
    "JOIN pg_catalog.pg_type t ON t.oid = b.typ "                                                  \
    "LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid "                  \
    "WHERE t.typtype <> 'd' ORDER BY col.rel, col.n"

enum column_cell {
    CELL_NAME,
    CELL_TYPE_NAME,
    CELL_TYPE_TEXT,
    CELL_MODIFIER,
    CELL_IN_CATALOG,
    CELL_OID,
    CELL_NOT_NULL,
    CELL_REQUIRED,
    CELL_IDENTITY,
    CELL_GENERATED,
    CELL_COMMENT,
    CELL_KEY_PLACE,
    CELL_KIND,
    CELL_ELEMENT_OID,
    CELL_ELEMENT_KIND,
    CELL_ELEMENT_DELIMITER,
    CELL_DOMAIN,
    CELL_DECLARED,
    CELL_TABLE
};

#define IDENTITY_SQL                                                                               \
    "CASE WHEN a.attidentity = '' AND " PG_IS_SERIAL                                               \
    " THEN 'd' ELSE a.attidentity::text END AS identity"

static const char table_columns_12[] =
    "WITH RECURSIVE col AS (SELECT a.attrelid AS rel, a.attnum AS n, a.attname::text AS name, "
    "a.atttypid AS typ, "
    "a.atttypmod AS mod, a.attnotnull AS not_null, "
    "a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS required, " IDENTITY_SQL
    ", a.attgenerated::text AS generated, "
    "pg_catalog.col_description(a.attrelid, a.attnum) AS comment, "
    "CASE WHEN pg_catalog.array_position(i.indkey::int2[], a.attnum) < i.indnkeyatts "
    "THEN pg_catalog.array_position(i.indkey::int2[], a.attnum) END AS key_place "
    "FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_index i "
    "ON i.indrelid = a.attrelid AND i.indisprimary "
    "WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped)" COLUMNS_TAIL;

/* Before 12 there were no generated columns. */
static const char table_columns_11[] =
    "WITH RECURSIVE col AS (SELECT a.attrelid AS rel, a.attnum AS n, a.attname::text AS name, "
    "a.atttypid AS typ, "
    "a.atttypmod AS mod, a.attnotnull AS not_null, "
    "a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS required, " IDENTITY_SQL
    ", ''::text AS generated, "
    "pg_catalog.col_description(a.attrelid, a.attnum) AS comment, "
    "CASE WHEN pg_catalog.array_position(i.indkey::int2[], a.attnum) < i.indnkeyatts "
    "THEN pg_catalog.array_position(i.indkey::int2[], a.attnum) END AS key_place "
    "FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_index i "
    "ON i.indrelid = a.attrelid AND i.indisprimary "
    "WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped)" COLUMNS_TAIL;

static const char query_columns[] =
    "WITH RECURSIVE col AS (SELECT 0::oid AS rel, q.n, q.name, q.typ, q.mod, false AS not_null, "
    "false AS required, ''::text AS identity, ''::text AS generated, NULL::text AS comment, "
    "NULL::int AS key_place FROM ROWS FROM (pg_catalog.unnest($1::text[]), "
    "pg_catalog.unnest($2::oid[]), pg_catalog.unnest($3::int4[])) "
    "WITH ORDINALITY AS q(name, typ, mod, n))" COLUMNS_TAIL;

/* --- columns to fields --------------------------------------------------------------------- */

/* Fraction digits of this server's money, by its lc_monetary; asked once. */
static int money_scale(struct pg_conn *conn, int *ret_scale, struct leat_error *err)
{
    char text[16];
    int64_t scale = atomic_load(&conn->ep->money_scale);
    int status = LEAT_OK;
    if (scale < 0) {
        status =
            pg_value(conn, "SELECT pg_catalog.scale('0'::pg_catalog.money::pg_catalog.numeric)", 0,
                     NULL, text, sizeof text, err);
        if (!status && (lt_parse_int(text, &scale) || scale < 0 || scale >= PG_MONEY_DIGITS)) {
            status = lt_fail(err, LT_E_INTERNAL, "the server does not tell its money's scale");
        }
    }
    if (!status) {
        atomic_store(&conn->ep->money_scale, (int)scale);
        *ret_scale = (int)scale;
    }
    return status;
}

static void numeric_arguments(const char *type_name, long modifier, int *arg1, int *arg2)
{
    *arg1 = *arg2 = -1;
    if ((strcmp(type_name, "numeric") && strcmp(type_name, "_numeric")) || modifier < 4) {
        return;
    }
    int precision = (int)((modifier - 4) >> 16 & 0xffff);
    int scale = (int)((((modifier - 4) & 0x7ff) ^ 1024) - 1024);
    if (scale >= 0) { /* 15 allows scales below zero: kept as exact text */
        *arg1 = precision;
        *arg2 = scale;
    }
}

static int set_field_meta(struct pg_conn *conn, const PGresult *result, int row,
                          struct ArrowSchema *field, struct leat_error *err)
{
    const char *identity = pg_cell(conn, result, row, CELL_IDENTITY);
    const char *generated = pg_cell(conn, result, row, CELL_GENERATED);
    char text[PG_NAME_MAX * 4 + 16];
    int status = LEAT_OK;
    if (*identity) {
        status = lt_schema_set_meta(field, LT_META_IDENTITY,
                                    *identity == 'a' ? "always" : "default", err);
    }
    if (!status && *generated) {
        status = lt_schema_set_meta(field, LT_META_GENERATED,
                                    *generated == 'v' ? "virtual" : "stored", err);
    }
    if (!status && !pg_cell_null(conn, result, row, CELL_COMMENT)) {
        status = lt_schema_set_meta(field, LT_META_COMMENT,
                                    pg_cell(conn, result, row, CELL_COMMENT), err);
    }
    if (!status && !pg_cell_null(conn, result, row, CELL_KEY_PLACE)) {
        /* indkey is a vector counted from 0, and array_position() keeps to that. */
        snprintf(text, sizeof text, "%d", atoi(pg_cell(conn, result, row, CELL_KEY_PLACE)) + 1);
        status = lt_schema_set_meta(field, LT_META_KEY, text, err);
    }
    if (!status && !pg_cell_null(conn, result, row, CELL_DOMAIN)) {
        snprintf(text, sizeof text, "postgres:%s", pg_cell(conn, result, row, CELL_DOMAIN));
        status = lt_schema_set_meta(field, LT_META_DOMAIN, text, err);
    }
    if (!status && pg_cell_true(conn, result, row, CELL_REQUIRED)) {
        status = lt_schema_set_meta(field, LT_META_REQUIRED, "1", err);
    }
    return status;
}

/* How the column goes over the wire. Labels of an enum go as they are; other types without a codec
 * by text, one by one where they are an array's elements. */
static void set_wire(struct pg_conn *conn, const PGresult *result, int row,
                     struct pg_column *column)
{
    uint32_t element = pg_cell_oid(conn, result, row, CELL_ELEMENT_OID);
    column->type_oid = pg_cell_oid(conn, result, row, CELL_OID);
    column->wire = pg_wire_of_oid(column->type_oid, &column->list, &column->element_oid);
    column->value_oid = column->list ? column->element_oid : column->type_oid;
    column->known = column->wire != PG_WIRE_TEXT_CAST;
    if (column->known) {
        return;
    }
    if (pg_cell(conn, result, row, CELL_KIND)[0] == 'e') {
        column->wire = PG_WIRE_TEXT;
    } else if (element && pg_cell(conn, result, row, CELL_ELEMENT_DELIMITER)[0] == ',') {
        bool is_enum = pg_cell(conn, result, row, CELL_ELEMENT_KIND)[0] == 'e';
        column->list = true;
        column->value_oid = element;
        column->wire = is_enum ? PG_WIRE_TEXT : PG_WIRE_TEXT_CAST;
        column->element_oid = is_enum ? element : OID_TEXT;
    }
}

static int make_field(struct pg_conn *conn, const PGresult *result, int row,
                      const struct pg_column *column, struct ArrowSchema *ret_field,
                      struct leat_error *err)
{
    bool in_catalog = pg_cell_true(conn, result, row, CELL_IN_CATALOG);
    const char *name = in_catalog ? pg_cell(conn, result, row, CELL_TYPE_NAME) : "";
    int arg1 = -1, arg2 = -1;
    if (!column->known && column->list) {
        return lt_dialect_foreign_list(&lt_dialect_postgres, column->type_text, ret_field, err);
    }
    if (column->type_oid == OID_MONEY || column->type_oid == OID_MONEY_ARRAY) {
        int status = money_scale(conn, &arg2, err);
        if (status) {
            return status;
        }
        arg1 = PG_MONEY_DIGITS;
    } else {
        numeric_arguments(name, column->modifier, &arg1, &arg2);
    }
    return lt_dialect_field(&lt_dialect_postgres, column->known ? name : "", column->type_text,
                            arg1, arg2, ret_field, err);
}

static int add_column(struct pg_conn *conn, const PGresult *result, int row, struct pg_table *table,
                      struct leat_error *err)
{
    struct pg_column *column = &table->columns[table->n_columns++];
    set_wire(conn, result, row, column);
    column->modifier = (int32_t)strtol(pg_cell(conn, result, row, CELL_MODIFIER), NULL, 10);
    column->generated = *pg_cell(conn, result, row, CELL_GENERATED) != 0;
    column->declared_oid = pg_cell_oid(conn, result, row, CELL_DECLARED);
    column->type_text = lt_strdup(pg_cell(conn, result, row, CELL_TYPE_TEXT));
    if (!column->type_text) {
        return lt_fail_oom(err);
    }
    struct ArrowSchema field = {.release = NULL};
    int status = make_field(conn, result, row, column, &field, err);
    status =
        status ? status : lt_schema_set_name(&field, pg_cell(conn, result, row, CELL_NAME), err);
    if (!status) {
        field.flags = pg_cell_true(conn, result, row, CELL_NOT_NULL) ? 0 : ARROW_FLAG_NULLABLE;
        status = set_field_meta(conn, result, row, &field, err);
    }
    status = status ? status : lt_schema_add(&table->schema, &field, err);
    lt_schema_done(&field);
    return status;
}

/* Those of the rows first..end-1. */
static int add_columns(struct pg_conn *conn, const PGresult *result, int first, int end,
                       struct pg_table *table, struct leat_error *err)
{
    table->columns = calloc((size_t)(end - first) + 1, sizeof *table->columns);
    if (!table->columns) {
        return lt_fail_oom(err);
    }
    int status = lt_schema_init_struct(&table->schema, 0, err);
    for (int i = first; i < end && !status; i++) {
        status = add_column(conn, result, i, table, err);
    }
    return status;
}

int pg_query_columns(struct pg_conn *conn, const char *oids, PGresult **ret_result,
                     struct leat_error *err)
{
    bool new = conn->ep->version >= 120000;
    return pg_query(conn, new ? table_columns_12 : table_columns_11, 1, &oids, ret_result, err);
}

int pg_add_columns(struct pg_conn *conn, const PGresult *result, struct pg_table *table,
                   struct leat_error *err)
{
    int first = 0, n = pg_rows(conn, result);
    while (first < n && pg_cell_oid(conn, result, first, CELL_TABLE) < table->oid) {
        first++;
    }
    int end = first;
    while (end < n && pg_cell_oid(conn, result, end, CELL_TABLE) == table->oid) {
        end++;
    }
    return add_columns(conn, result, first, end, table, err);
}

int pg_column_as_text(struct pg_table *table, int64_t i, const struct ArrowSchema *text,
                      struct leat_error *err)
{
    static const char *const kept[] = {LT_META_KEY,      LT_META_COMMENT,   LT_META_REQUIRED,
                                       LT_META_IDENTITY, LT_META_GENERATED, LT_META_DEFAULT,
                                       LT_META_DOMAIN};
    struct ArrowSchema *field = table->schema.children[i];
    struct ArrowSchema made = {.release = NULL};
    int status = lt_schema_copy(text, &made, err);
    size_t n_kept = lt_schema_meta_same(field, text, LT_META_SOURCE_TYPE) ? LT_ARRAY_LEN(kept) : 2;
    for (size_t k = 0; k < n_kept && !status; k++) {
        size_t len;
        const char *value = lt_schema_meta(field, kept[k], &len);
        char *copy = value ? lt_strndup(value, len) : NULL;
        if (value) {
            status = copy ? lt_schema_set_meta(&made, kept[k], copy, err) : lt_fail_oom(err);
        }
        free(copy);
    }
    status = status ? status : lt_schema_set_name(&made, field->name, err);
    if (!status) {
        made.flags = field->flags;
        lt_schema_done(field);
        lt_schema_move(&made, field);
        table->columns[i].wire = PG_WIRE_TEXT_CAST;
        table->columns[i].list = false;
        table->columns[i].element_oid = 0;
    }
    lt_schema_done(&made);
    return status;
}

void pg_table_done(struct pg_table *table)
{
    for (int64_t i = 0; table->columns && i < table->n_columns; i++) {
        free(table->columns[i].type_text);
    }
    free(table->columns);
    free(table->comment);
    lt_schema_done(&table->schema);
    *table = (struct pg_table){0};
}

/* --- a query ------------------------------------------------------------------------------- */

int pg_array_element(struct lt_buf *array, const char *text)
{
    int failed = lt_buf_puts(array, array->len > 1 ? ",\"" : "\"");
    for (; *text; text++) {
        failed |= *text == '"' || *text == '\\' ? lt_buf_byte(array, '\\') : LEAT_OK;
        failed |= lt_buf_byte(array, (uint8_t)*text);
    }
    return failed | lt_buf_byte(array, '"');
}

static int query_types(struct pg_conn *conn, const PGresult *described, struct pg_table *table,
                       struct leat_error *err)
{
    const struct lt_pq *pq = conn->ep->pq;
    struct lt_buf names = LT_BUF_INIT, types = LT_BUF_INIT, mods = LT_BUF_INIT;
    PGresult *result = NULL;
    int n = pq->PQnfields(described), status = LEAT_OK;
    int failed = lt_buf_byte(&names, '{') | lt_buf_byte(&types, '{') | lt_buf_byte(&mods, '{');
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i && !status; k++) {
            if (!strcmp(pq->PQfname(described, i), pq->PQfname(described, k))) {
                status =
                    lt_fail(err, LT_E_DUPLICATE_COLUMN, "the query gives two columns named \"%s\"",
                            pq->PQfname(described, i));
                leat_error_remedy(err, "name them apart with AS");
            }
        }
        failed |= pg_array_element(&names, pq->PQfname(described, i));
        failed |= lt_buf_printf(&types, "%s%u", i ? "," : "", pq->PQftype(described, i));
        failed |= lt_buf_printf(&mods, "%s%d", i ? "," : "", pq->PQfmod(described, i));
    }
    failed |= lt_buf_byte(&names, '}') | lt_buf_byte(&types, '}') | lt_buf_byte(&mods, '}');
    status = failed && !status ? lt_fail_oom(err) : status;
    const char *params[] = {lt_buf_text(&names), lt_buf_text(&types), lt_buf_text(&mods)};
    status = status ? status : pg_query(conn, query_columns, 3, params, &result, err);
    status = status ? status : add_columns(conn, result, 0, pg_rows(conn, result), table, err);
    if (!status && table->n_columns != n) {
        status = lt_fail(err, LT_E_INTERNAL, "the query has %d columns, of which %lld have a type",
                         n, (long long)table->n_columns);
    }
    pg_clear(conn, result);
    lt_buf_done(&names);
    lt_buf_done(&types);
    lt_buf_done(&mods);
    return status;
}

int pg_describe_query(struct pg_conn *conn, const char *query, struct pg_table *ret_table,
                      struct leat_error *err)
{
    const struct lt_pq *pq = conn->ep->pq;
    struct pg_table table = {.rows_estimate = -1, .bytes_estimate = -1};
    PGresult *result = NULL;
    if (!pq->PQsendPrepare(conn->pg, "", query, 0, NULL)) {
        return pg_fail_conn(conn, err);
    }
    int status = pg_flush(conn, err);
    status = status ? status : pg_finish_results(conn, NULL, err);
    if (!status && !pq->PQsendDescribePrepared(conn->pg, "")) {
        return pg_fail_conn(conn, err);
    }
    status = status ? status : pg_flush(conn, err);
    status = status ? status : pg_finish_results(conn, &result, err);
    if (!status && (!result || !pq->PQnfields(result))) {
        status = lt_fail(err, LT_E_INVALID, "the query gives no rows: a SELECT is needed");
    }
    if (!status && pq->PQnfields(result) > QUERY_COLUMNS_MAX) {
        status = lt_fail(err, LT_E_LIMIT, "the query has too many columns");
    }
    status = status ? status : query_types(conn, result, &table, err);
    pg_clear(conn, result);
    if (status) {
        leat_error_place(err, "query");
        pg_table_done(&table);
        return status;
    }
    *ret_table = table;
    return LEAT_OK;
}

int pg_table_project(struct pg_table *table, const char *const *columns, size_t n,
                     struct leat_error *err)
{
    struct pg_table kept = {0};
    kept.columns = calloc(n + 1, sizeof *kept.columns);
    int status = kept.columns ? lt_schema_init_struct(&kept.schema, 0, err) : lt_fail_oom(err);
    for (size_t i = 0; i < n && !status; i++) {
        int64_t at = lt_schema_find(&table->schema, columns[i]);
        if (at < 0) {
            status = lt_schema_unknown_column(&table->schema, columns[i], err);
            break;
        }
        status = lt_schema_add_copy(&kept.schema, table->schema.children[at], 0, err);
        kept.columns[i] = table->columns[at];
        kept.columns[i].type_text = lt_strdup(table->columns[at].type_text);
        kept.n_columns = (int64_t)i + 1;
        if (!status && !kept.columns[i].type_text) {
            status = lt_fail_oom(err);
        }
    }
    if (!status) {
        struct pg_table old = *table;
        old.comment = NULL;
        table->schema = kept.schema;
        table->columns = kept.columns;
        table->n_columns = kept.n_columns;
        kept = (struct pg_table){0};
        pg_table_done(&old);
    }
    pg_table_done(&kept);
    return status;
}

int pg_table_copy(const struct pg_table *from, struct pg_table *to, struct leat_error *err)
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
