/* What a COPY that reads says: columns and casts, rows, order; for the server and for people. */
#include "connectors/postgres/pg.h"

#include "sql/postgres.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- columns as the server's text ---------------------------------------------------------- */

bool pg_is_text(const struct ArrowSchema *field)
{
    struct lt_type type;
    return !lt_type_of(field, &type, NULL) && type.id == LT_UTF8 &&
           (type.logical == LT_PLAIN || type.logical == LT_FOREIGN);
}

int pg_take_types(struct pg_table *table, const struct ArrowSchema *types, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t i = 0; types && i < table->n_columns && !status; i++) {
        const struct ArrowSchema *field = table->schema.children[i];
        int64_t at = lt_schema_find(types, field->name);
        if (at >= 0 && pg_is_text(types->children[at]) && !pg_is_text(field)) {
            status = pg_column_as_text(table, i, types->children[at], err);
        }
    }
    return status;
}

/* --- the statement ------------------------------------------------------------------------- */

/* --- the statement ------------------------------------------------------------------------- */

int pg_select_list(const struct pg_table *table, const char *prefix, bool cast, struct lt_buf *sql)
{
    int failed = LEAT_OK;
    for (int64_t i = 0; i < table->n_columns; i++) {
        failed |= lt_buf_printf(sql, "%s%s", i ? ", " : "", prefix);
        failed |= pg_ident(sql, table->schema.children[i]->name);
        if (cast && table->columns[i].wire == PG_WIRE_TEXT_CAST) {
            failed |= lt_buf_puts(sql, "::pg_catalog.text");
            failed |= table->columns[i].list ? lt_buf_puts(sql, "[]") : LEAT_OK;
        }
    }
    return failed;
}

/* The query without what ends it, so that it can stand in parentheses. */
static int append_query(struct lt_buf *sql, const char *query)
{
    size_t len = strlen(query);
    while (len && strchr("; \t\r\n", query[len - 1])) {
        len--;
    }
    /* The line break ends a comment in the query's last line. */
    return lt_buf_puts(sql, "(") | lt_buf_append(sql, query, len) | lt_buf_puts(sql, "\n)");
}

int pg_put_from(const struct leat_read_plan *plan, const struct pg_table *table, struct lt_buf *sql)
{
    int failed = lt_buf_puts(sql, " FROM ");
    failed |= plan->query
                  ? append_query(sql, plan->query)
                  : lt_dialect_quote_name(&lt_dialect_postgres, table->ns, table->name, sql);
    return failed | lt_buf_puts(sql, " AS q");
}

/* Blocks of the heap, of which partitions are made. */
static int put_blocks(const struct leat_read_plan *plan, struct lt_buf *sql, struct leat_error *err)
{
    struct pg_block_range range;
    if (plan->partition_len != sizeof range) {
        return lt_fail(err, LT_E_INVALID, "this is no partition of PostgreSQL");
    }
    memcpy(&range, plan->partition, sizeof range);
    int failed = lt_buf_printf(sql, "q.ctid >= '(%" PRId64 ",0)'", range.first);
    if (range.end >= 0) {
        failed |= lt_buf_printf(sql, " AND q.ctid < '(%" PRId64 ",0)'", range.end);
    }
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

int pg_put_where(const struct leat_read_plan *plan, const struct pg_table *table, bool always,
                 struct lt_buf *sql, struct leat_error *err)
{
    const char *glue = " WHERE ";
    int status = LEAT_OK, failed = LEAT_OK;
    if (plan->predicate && *plan->predicate) {
        failed |= lt_buf_printf(sql, "%s(%s\n)", glue, plan->predicate);
        glue = " AND ";
    }
    if (plan->partition) {
        failed |= lt_buf_puts(sql, glue);
        status = put_blocks(plan, sql, err);
        glue = " AND ";
    }
    if (!status && plan->cursor) {
        failed |= lt_buf_puts(sql, glue);
        status = pg_put_range(plan->cursor, table, sql, err);
        glue = " AND ";
    }
    if (always && !strcmp(glue, " WHERE ")) {
        failed |= lt_buf_puts(sql, " WHERE true");
    }
    return status ? status : failed ? lt_fail_oom(err) : LEAT_OK;
}

static int append_order(const struct leat_read_plan *plan, const struct pg_table *table,
                        struct lt_buf *sql, struct leat_error *err)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < plan->n_order; i++) {
        int64_t at = lt_schema_find(&table->schema, plan->order[i]);
        struct lt_type type;
        if (at < 0) {
            return lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no column \"%s\" to order by",
                           plan->order[i]);
        }
        int status = lt_type_of(table->schema.children[at], &type, err);
        if (status) {
            return status;
        }
        failed |= lt_buf_puts(sql, i ? ", q." : " ORDER BY q.");
        failed |= pg_ident(sql, plan->order[i]);
        if (type.logical == LT_NUMERIC || type.id != LT_UTF8) {
            continue;
        }
        failed |= lt_buf_puts(sql, "::pg_catalog.text COLLATE pg_catalog.\"C\"");
    }
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

/* The statement without what the user wrote into it, which may hold data. */
static int describe_copy(const struct leat_read_plan *plan, const struct pg_table *all,
                         const struct pg_table *read, bool bytes, char **ret_shape,
                         struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    int64_t texts = 0;
    for (int64_t i = 0; i < read->n_columns; i++) {
        texts += !bytes && read->columns[i].wire == PG_WIRE_TEXT_CAST;
    }
    int failed = lt_buf_printf(&text, "COPY (SELECT %" PRId64 " column%s", read->n_columns,
                               read->n_columns == 1 ? "" : "s");
    failed |= texts ? lt_buf_printf(&text, ", %" PRId64 " as text,", texts) : LEAT_OK;
    failed |= lt_buf_puts(&text, " FROM ");
    failed |= plan->query ? lt_buf_puts(&text, "(query)")
                          : lt_buf_printf(&text, "%s.%s", all->ns, all->name);
    failed |= plan->predicate && *plan->predicate ? lt_buf_puts(&text, " WHERE (...)") : LEAT_OK;
    failed |= plan->cursor ? lt_buf_puts(&text, ", a range of its cursor") : LEAT_OK;
    if (plan->partition && plan->partition_len == sizeof(struct pg_block_range)) {
        struct pg_block_range range;
        memcpy(&range, plan->partition, sizeof range);
        failed |= lt_buf_printf(&text, ", blocks from %" PRId64, range.first);
    }
    for (size_t i = 0; i < plan->n_order; i++) {
        failed |= lt_buf_printf(&text, "%s%s", i ? ", " : " ORDER BY ", plan->order[i]);
    }
    failed |= plan->limit >= 0 ? lt_buf_printf(&text, " LIMIT %" PRId64, plan->limit) : LEAT_OK;
    failed |= lt_buf_puts(&text, ") TO STDOUT (FORMAT binary)");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < ' ') {
            text.data[i] = ' '; /* names may hold line breaks */
        }
    }
    if (!failed) {
        *ret_shape = lt_buf_take(&text);
    }
    lt_buf_done(&text);
    return failed || !*ret_shape ? lt_fail_oom(err) : LEAT_OK;
}

int pg_build_copy(const struct leat_read_plan *plan, const struct pg_table *all,
                  const struct pg_table *read, bool bytes, char **ret_sql, char **ret_shape,
                  struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int failed = lt_buf_puts(&sql, "COPY (SELECT ");
    failed |= pg_select_list(read, "q.", !bytes, &sql);
    failed |= pg_put_from(plan, all, &sql);
    int status = failed ? lt_fail_oom(err) : pg_put_where(plan, all, false, &sql, err);
    status = status ? status : append_order(plan, all, &sql, err);
    if (!status && plan->limit >= 0 && lt_buf_printf(&sql, " LIMIT %" PRId64, plan->limit)) {
        status = lt_fail_oom(err);
    }
    if (!status && lt_buf_puts(&sql, ") TO STDOUT (FORMAT binary)")) {
        status = lt_fail_oom(err);
    }
    if (!status && !(*ret_sql = lt_buf_take(&sql))) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&sql);
    return status ? status : describe_copy(plan, all, read, bytes, ret_shape, err);
}
