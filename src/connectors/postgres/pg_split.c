/* A table by the blocks it lies in: partitions for several readers, and by what it is known to be
 * the same again. */
#include "connectors/postgres/pg_read.h"

#include <stdio.h>

/* Of 8 KiB each: what a connection reads in some hundredths of a second. */
#define PARTITION_PAGES_MIN 1024
/* TID ranges are scanned from PostgreSQL 14 on. */
#define VERSION_BLOCKS 140000

/* Blocks of the heap as it is now; relpages lags behind. */
static int count_pages(struct leat_endpoint *ep, const struct pg_table *table, int64_t *ret_pages,
                       struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    char oid[16], text[24] = "";
    const char *params[] = {oid};
    snprintf(oid, sizeof oid, "%u", table->oid);
    int status = pg_take(ep, &conn, err);
    status = status ? status
                    : pg_value(conn,
                               "SELECT pg_catalog.pg_relation_size($1::oid) / "
                               "pg_catalog.current_setting('block_size')::int8",
                               1, params, text, sizeof text, err);
    pg_give(conn);
    if (!status && lt_parse_int(text, ret_pages)) {
        *ret_pages = 0;
    }
    return status;
}

/* The pages of each of at most n partitions: one of few numbers, so that a table which grows while
 * it is read in one snapshot is mostly cut in the same places, and then goes on behind them. */
static int64_t partition_pages(int64_t pages, int n)
{
    int64_t size = LT_MAX(PARTITION_PAGES_MIN, (pages + n - 1) / n), step = PARTITION_PAGES_MIN / 8;
    while (step * 16 <= size) {
        step *= 2;
    }
    return (size + step - 1) / step * step;
}

int pg_split(struct leat_endpoint *ep, const struct leat_read_plan *plan, int n,
             leat_partition_fn *each, void *arg, struct leat_error *err)
{
    struct pg_table own = {0};
    /* Blocks are read whole, where an index may lead to the few records of a range; and its columns
     * are to be known, also where they are not read. */
    bool few = plan->cursor && (plan->cursor->low || plan->columns);
    if (n < 2 || plan->query || ep->version < VERSION_BLOCKS || few) {
        return each(arg, NULL, 0, -1);
    }
    int64_t pages = 0;
    int status = plan->like ? LEAT_OK : pg_describe_plan(ep, plan, false, &own, err);
    const struct pg_table *table = plan->like ? &plan->like->table : &own;
    int64_t rows = table->rows_estimate;
    if (!status && (table->kind == 'r' || table->kind == 'm')) {
        status = count_pages(ep, table, &pages, err);
    }
    pg_table_done(&own);
    if (status) {
        return status;
    }
    if (pages < 2 * PARTITION_PAGES_MIN) {
        return each(arg, NULL, 0, rows);
    }
    int64_t size = partition_pages(pages, n), parts = (pages + size - 1) / size;
    for (int64_t i = 0; i < parts && !status; i++) {
        struct pg_block_range range = {size * i, i + 1 < parts ? size * (i + 1) : -1};
        status = each(arg, &range, sizeof range, rows < 0 ? -1 : rows / parts);
    }
    return status;
}

#define IDENTITY(what)                                                                             \
    "SELECT pg_catalog.format('%s:%s:%s', $1::oid, "                                               \
    "pg_catalog.pg_relation_filenode($1::oid), pg_catalog." what ")"

/* The rows of a table that nobody writes lie in the same blocks until it is written anew, and then
 * in another file; so do those that one snapshot sees, and it names the transactions that it sees.
 * Blocks that are added meanwhile have none of them. Scans begin anywhere, so there is no order. */
int pg_fingerprint(struct leat_endpoint *ep, const struct leat_read_plan *plan, bool immutable,
                   char **ret_text, bool *ret_ordered, struct leat_error *err)
{
    struct pg_table table = {0};
    struct pg_conn *conn = NULL;
    char oid[16], text[80] = "";
    const char *params[] = {oid};
    if (plan->query || !(immutable || ep->snapshot[0])) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       plan->query
                           ? "a query may give other records each time"
                           : "a table that is live may change at any time; --immutable says "
                             "that it does not, --snapshot that one moment of it is read");
    }
    int status = pg_describe_plan(ep, plan, false, &table, err);
    if (!status && ((table.kind != 'r' && table.kind != 'm') || ep->version < VERSION_BLOCKS)) {
        status = lt_fail(err, LT_E_UNSUPPORTED,
                         ep->version < VERSION_BLOCKS
                             ? "a server before PostgreSQL 14 cannot read a table "
                               "by its blocks"
                             : "only plain tables lie in blocks that stay");
    }
    snprintf(oid, sizeof oid, "%u", table.oid);
    status = status ? status : pg_take_to_read(ep, &table, &conn, err);
    status = status ? status
                    : pg_value(conn,
                               immutable ? IDENTITY("pg_relation_size($1::oid)")
                                         : IDENTITY("pg_current_snapshot()"),
                               1, params, text, sizeof text, err);
    pg_give(conn);
    pg_table_done(&table);
    *ret_ordered = false;
    if (!status && !(*ret_text = lt_strdup(text))) {
        status = lt_fail_oom(err);
    }
    return status;
}
