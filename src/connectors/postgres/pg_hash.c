/* Key ranges compared by hash: cuts from a sample, and one statement that sums up a hash of every
 * record by the range it lies in.
 *
 * The server's own hash functions are used: they take a record's binary values as they are, at a
 * fraction of what md5 of its text costs. They are equal for equal values (1.10 and 1.1, NaN, the
 * two zeros), which is what equal means everywhere in leat. Nothing promises that two versions of
 * the server have the same ones, so what they make of a sample of values is part of the format's
 * name. The hash of a record is a linear sum of its columns'; it is hashed once more, or two values
 * that changed places between records would go unseen in the sum over these. */
#include "connectors/postgres/pg_read.h"

#include "columnar/text_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HASH "pg_catalog.hashint8extended(pg_catalog.hash_record_extended(ROW("
#define HASH_END "), 0), 0)"
#define PROBE                                                                                      \
    HASH "1::pg_catalog.int2, 2::pg_catalog.int4, 3::pg_catalog.int8, 'leat'::pg_catalog.text, "   \
         "1.50::pg_catalog.numeric, 2.5::pg_catalog.float8, true, "                                \
         "'2000-01-02'::pg_catalog.date, '2000-01-02 03:04:05Z'::pg_catalog.timestamptz, "         \
         "'\\x01'::pg_catalog.bytea, "                                                             \
         "'00112233-4455-6677-8899-aabbccddeeff'::pg_catalog.uuid" HASH_END
/* hash_record_extended() came with 14. */
#define VERSION_MIN 140000
/* Sampled for each range: enough for ranges of about one size. */
#define SAMPLE_OF_A_RANGE 40

/* Types whose own hash means what leat means by equal; all others are hashed as text. */
static const struct {
    uint32_t oid;
    const char *name;
} hashed_as_is[] = {
    {16, "bool"},        {17, "bytea"},         {20, "int8"},      {21, "int2"},   {23, "int4"},
    {25, "text"},        {700, "float4"},       {701, "float8"},   {1082, "date"}, {1083, "time"},
    {1114, "timestamp"}, {1184, "timestamptz"}, {1700, "numeric"}, {2950, "uuid"},
};

const char *pg_probe_sql(int version)
{
    return version < VERSION_MIN ? "SELECT pg_catalog.current_schema(), NULL"
                                 : "SELECT pg_catalog.current_schema(), " PROBE;
}

/* --- cuts ----------------------------------------------------------------------------------- */

static int find_columns(const struct leat_read_plan *plan, const struct pg_table *table,
                        struct pg_cursor_column *columns, struct leat_error *err)
{
    int status =
        plan->n_order == 0 || plan->n_order > LEAT_CURSOR_COLUMNS_MAX
            ? lt_fail(err, LT_E_INVALID, "a key has 1 to %d columns", LEAT_CURSOR_COLUMNS_MAX)
            : LEAT_OK;
    for (size_t i = 0; i < plan->n_order && !status; i++) {
        status = pg_cursor_column(table, plan->order[i], &columns[i], err);
    }
    return status;
}

/* SELECT k1::text, k2::text of every n-th key of a sample, in order. */
static int put_split(const struct leat_read_plan *plan, const struct pg_table *table,
                     const struct pg_cursor_column *columns, int64_t ranges, struct lt_buf *sql,
                     struct leat_error *err)
{
    struct lt_buf keys = LT_BUF_INIT, order = LT_BUF_INIT;
    int failed = LEAT_OK;
    for (size_t i = 0; i < plan->n_order; i++) {
        failed |= lt_buf_printf(&keys, "%s", i ? ", q." : "q.");
        failed |= pg_ident(&keys, columns[i].name);
        failed |= lt_buf_printf(&keys, "::pg_catalog.text AS k%zu", i);
        failed |= i ? lt_buf_puts(&order, ", ") : LEAT_OK;
        failed |= pg_put_comparable(&columns[i], &order);
    }
    double percent =
        100.0 * (double)(ranges * SAMPLE_OF_A_RANGE) / (double)LT_MAX(table->rows_estimate, 1);
    failed |= lt_buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < plan->n_order; i++) {
        failed |= lt_buf_printf(sql, "%sk%zu", i ? ", " : "", i);
    }
    failed |= lt_buf_printf(sql,
                            " FROM (SELECT %s, pg_catalog.row_number() OVER (ORDER BY %s) AS n, "
                            "pg_catalog.count(*) OVER () AS c",
                            lt_buf_text(&keys), lt_buf_text(&order));
    failed |= pg_put_from(plan, table, sql);
    failed |= lt_buf_printf(sql, " TABLESAMPLE SYSTEM (%g)", LT_MIN(percent, 100.0));
    int status = failed ? lt_fail_oom(err) : pg_put_where(plan, table, false, sql, err);
    failed = status
                 ? LEAT_OK
                 : lt_buf_printf(sql, ") s WHERE n %% greatest(c / %" PRId64 ", 1) = 0 ORDER BY n",
                                 ranges);
    lt_buf_done(&keys);
    lt_buf_done(&order);
    return status ? status : failed ? lt_fail_oom(err) : LEAT_OK;
}

static int split_table(struct pg_conn *conn, const struct leat_read_plan *plan,
                       const struct pg_table *table, int64_t rows_per_range, leat_key_fn *each,
                       void *arg, struct leat_error *err)
{
    struct pg_cursor_column columns[LEAT_CURSOR_COLUMNS_MAX];
    struct lt_buf sql = LT_BUF_INIT;
    PGresult *result = NULL;
    int64_t ranges = table->rows_estimate / LT_MAX(rows_per_range, 1);
    if (plan->query || !strchr("rpm", table->kind) || ranges < 2) {
        return LEAT_OK; /* no samples of others, and nothing to gain */
    }
    int status = find_columns(plan, table, columns, err);
    status = status ? status : put_split(plan, table, columns, ranges, &sql, err);
    status = status ? status : pg_query(conn, lt_buf_text(&sql), 0, NULL, &result, err);
    for (int row = 0; !status && row < pg_rows(conn, result); row++) {
        const char *key[LEAT_CURSOR_COLUMNS_MAX];
        bool whole = true;
        for (size_t i = 0; i < plan->n_order; i++) {
            key[i] = pg_cell(conn, result, row, (int)i);
            whole = whole && !pg_cell_null(conn, result, row, (int)i);
        }
        status = whole ? each(arg, key) : LEAT_OK;
    }
    pg_clear(conn, result);
    lt_buf_done(&sql);
    return status;
}

int pg_key_split(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                 int64_t rows_per_range, leat_key_fn *each, void *arg, struct leat_error *err)
{
    struct pg_table table = {0};
    struct pg_conn *conn = NULL;
    int status = pg_describe_plan(ep, plan, false, &table, err);
    status = status ? status : pg_take_to_read(ep, &table, &conn, err);
    status = status ? status : split_table(conn, plan, &table, rows_per_range, each, arg, err);
    pg_give(conn);
    pg_table_done(&table);
    return status;
}

/* --- hashes --------------------------------------------------------------------------------- */

/* Which range: a tree of comparisons, so that a record is compared with few of the cuts. */
static int put_range_of(const struct pg_cursor_column *columns, size_t n_columns,
                        const char *const *const *cuts, size_t first, size_t end,
                        struct lt_buf *sql)
{
    if (first == end) {
        return lt_buf_printf(sql, "%zu", first);
    }
    size_t middle = first + (end - first) / 2;
    int failed = lt_buf_puts(sql, "CASE WHEN ");
    failed |= pg_put_side(columns, n_columns, cuts[middle], "<=", sql);
    failed |= lt_buf_puts(sql, " THEN ");
    failed |= put_range_of(columns, n_columns, cuts, first, middle, sql);
    failed |= lt_buf_puts(sql, " ELSE ");
    failed |= put_range_of(columns, n_columns, cuts, middle + 1, end, sql);
    return failed | lt_buf_puts(sql, " END");
}

static int put_hash(const struct pg_table *read, struct lt_buf *sql)
{
    int failed = lt_buf_puts(sql, HASH);
    for (int64_t i = 0; i < read->n_columns; i++) {
        const struct pg_column *column = &read->columns[i];
        const char *type = "text";
        for (size_t k = 0; k < LT_ARRAY_LEN(hashed_as_is) && !column->list; k++) {
            type = hashed_as_is[k].oid == column->type_oid ? hashed_as_is[k].name : type;
        }
        failed |= lt_buf_puts(sql, i ? ", q." : "q.");
        failed |= pg_ident(sql, read->schema.children[i]->name);
        failed |= lt_buf_printf(sql, "::pg_catalog.%s", type);
    }
    return failed | lt_buf_puts(sql, HASH_END);
}

/* The low 64 bits of the server's sum, a whole number of any size. */
static int parse_sum(const char *text, uint64_t *ret_sum, struct leat_error *err)
{
    lt_int128 sum;
    const char *why;
    if (lt_decimal_parse(text, strlen(text), LT_DECIMAL128_DIGITS, 0, &sum, &why)) {
        return lt_fail(err, LT_E_INTERNAL, "the server's sum of hashes is no number");
    }
    *ret_sum = (uint64_t)sum;
    return LEAT_OK;
}

static int give_hashes(struct pg_conn *conn, const PGresult *result, size_t n_cuts,
                       leat_hash_fn *each, void *arg, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int row = 0; !status && row < pg_rows(conn, result); row++) {
        int64_t range, rows;
        uint64_t hash = 0;
        if (lt_parse_int(pg_cell(conn, result, row, 0), &range) ||
            lt_parse_int(pg_cell(conn, result, row, 1), &rows) || range < 0 ||
            (uint64_t)range > n_cuts) {
            return lt_fail(err, LT_E_INTERNAL, "the server gave a range that was not asked for");
        }
        status = parse_sum(pg_cell(conn, result, row, 2), &hash, err);
        status = status ? status : each(arg, (size_t)range, rows, hash);
    }
    return status;
}

/* The tree of comparisons takes longer to be compiled than to be run. */
static int without_jit(struct pg_conn *conn, struct leat_error *err)
{
    bool idle = conn->ep->pq->PQtransactionStatus(conn->pg) == PQTRANS_IDLE;
    int status = idle ? pg_exec(conn, "BEGIN READ ONLY", err) : LEAT_OK;
    return status ? status : pg_exec(conn, "SET LOCAL jit = off", err);
}

/* `all` is what is read, `read` the columns wanted of it. */
static int hash_table(struct pg_conn *conn, const struct leat_read_plan *plan,
                      const struct pg_table *all, const struct pg_table *read,
                      const char *const *const *cuts, size_t n_cuts, leat_hash_fn *each, void *arg,
                      struct leat_error *err)
{
    struct pg_cursor_column columns[LEAT_CURSOR_COLUMNS_MAX];
    struct lt_buf sql = LT_BUF_INIT;
    PGresult *result = NULL;
    int status = find_columns(plan, all, columns, err);
    int failed =
        lt_buf_puts(&sql, "SELECT r, pg_catalog.count(*), pg_catalog.sum(h) FROM (SELECT ");
    failed |= status ? LEAT_OK : put_range_of(columns, plan->n_order, cuts, 0, n_cuts, &sql);
    failed |= lt_buf_puts(&sql, " AS r, ");
    failed |= put_hash(read, &sql);
    failed |= lt_buf_puts(&sql, " AS h");
    failed |= pg_put_from(plan, all, &sql);
    status = status ? status : failed ? lt_fail_oom(err) : LEAT_OK;
    status = status ? status : pg_put_where(plan, all, false, &sql, err);
    if (!status && lt_buf_puts(&sql, ") s GROUP BY r")) {
        status = lt_fail_oom(err);
    }
    status = status ? status : without_jit(conn, err);
    status = status ? status : pg_send(conn, lt_buf_text(&sql), err);
    status = status ? status : pg_finish_results(conn, &result, err);
    status = status ? status : give_hashes(conn, result, n_cuts, each, arg, err);
    pg_clear(conn, result);
    lt_buf_done(&sql);
    return status;
}

int pg_hash_ranges(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                   const char *const *const *cuts, size_t n_cuts, leat_hash_fn *each, void *arg,
                   struct leat_error *err)
{
    struct pg_table all = {0}, read = {0};
    struct pg_conn *conn = NULL;
    int status = pg_describe_plan(ep, plan, false, &all, err);
    status = status ? status : pg_table_copy(&all, &read, err);
    if (!status && plan->columns) {
        status = pg_table_project(&read, plan->columns, plan->n_columns, err);
    }
    status = status ? status : pg_take_to_read(ep, &all, &conn, err);
    status = status ? status : hash_table(conn, plan, &all, &read, cuts, n_cuts, each, arg, err);
    pg_give(conn);
    pg_table_done(&all);
    pg_table_done(&read);
    return status;
}
