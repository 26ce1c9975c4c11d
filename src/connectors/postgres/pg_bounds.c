/* What a cursor's columns hold, and which of it has settled.
 *
 * A record is stamped while its transaction runs and seen once that has committed, so one that is
 * stamped before another may be seen after it. now() is the start of the transaction: none stamped
 * before the start of the oldest one that runs is still to come. Numbers are drawn after the table
 * is locked for writing: none up to a number that is seen is still to come once those that held
 * the lock then have ended.
 *
 * pg_stat_activity keeps the start of others' transactions from logins without pg_monitor, but not
 * that there are some: these are waited for. */
#include "connectors/postgres/pg_read.h"

#include "columnar/text_parts.h"

#include <stdio.h>
#include <stdlib.h>

struct asking {
    struct pg_conn *conn;
    const struct leat_read_plan *plan;
    const struct pg_table *table;
    struct pg_cursor_column columns[LEAT_CURSOR_COLUMNS_MAX];
    size_t n;
    int64_t until_us; /* of waiting */
};

/* --- values --------------------------------------------------------------------------------- */

/* The server's text of a moment ("0044-03-15 10:00:00+00 BC") as leat writes it. Infinity stays. */
static int moment_text(const struct pg_cursor_column *column, const char *text, struct lt_buf *out,
                       struct leat_error *err)
{
    size_t len = strlen(text);
    bool bc = len > 3 && !strcmp(text + len - 3, " BC");
    const char *why;
    int64_t ticks;
    len -= bc ? 3 : 0;
    long year = bc ? strtol(text, NULL, 10) - 1 : 0;
    size_t digits = strspn(text, "0123456789");
    char *plain = bc           ? lt_format("-%04ld%.*s", year, (int)(len - digits), text + digits)
                  : digits > 4 ? lt_format("+%s", text)
                               : lt_strdup(text);
    if (!plain) {
        return lt_fail_oom(err);
    }
    bool date = column->type.id == LT_DATE32;
    bool zoned = column->type.zone && *column->type.zone;
    int failed =
        date ? lt_date_parse(plain, strlen(plain), &ticks, &why)
             : lt_timestamp_parse(plain, strlen(plain), column->type.unit, zoned, &ticks, &why);
    failed = failed ? lt_buf_puts(out, text)
             : date ? lt_date_format(ticks, out)
                    : lt_timestamp_format(ticks, column->type.unit, zoned, out);
    free(plain);
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

static int canonical(const struct pg_cursor_column *column, const char *text, char **ret_text,
                     struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    bool moment = column->type.id == LT_TIMESTAMP || column->type.id == LT_DATE32;
    int status = moment                    ? moment_text(column, text, &out, err)
                 : lt_buf_puts(&out, text) ? lt_fail_oom(err)
                                           : LEAT_OK;
    if (!status && !(*ret_text = lt_buf_take(&out))) {
        status = lt_fail_oom(err);
    }
    lt_buf_done(&out);
    return status;
}

/* The first n cells of a result's row, from `first` on; nothing where it has no row, or a null. */
static int take_cells(const struct asking *ask, const PGresult *result, int first, char **ret_texts,
                      struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < ask->n && !status && pg_rows(ask->conn, result) == 1; i++) {
        if (pg_cell_null(ask->conn, result, 0, first + (int)i)) {
            break;
        }
        status = canonical(&ask->columns[i], pg_cell(ask->conn, result, 0, first + (int)i),
                           &ret_texts[i], err);
    }
    return status;
}

static int run(const struct asking *ask, struct lt_buf *sql, int failed, PGresult **ret_result,
               struct leat_error *err)
{
    int status =
        failed ? lt_fail_oom(err) : pg_query(ask->conn, lt_buf_text(sql), 0, NULL, ret_result, err);
    return pg_explain_lock(ask->conn, ask->plan->query ? NULL : &ask->plan->stream, true, status,
                           err);
}

/* One column with min() or max(): one pass, or a look into an index. */
static int select_extreme(const struct asking *ask, const char *function, char **ret_texts,
                          struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    PGresult *result = NULL;
    int failed = lt_buf_printf(&sql, "SELECT pg_catalog.%s(", function);
    failed |= pg_put_comparable(&ask->columns[0], &sql);
    failed |= lt_buf_puts(&sql, ")::pg_catalog.text");
    failed |= pg_put_from(ask->plan, ask->table, &sql);
    int status = failed ? LEAT_OK : pg_put_where(ask->plan, ask->table, false, &sql, err);
    status = status ? status : run(ask, &sql, failed, &result, err);
    status = status ? status : take_cells(ask, result, 0, ret_texts, err);
    pg_clear(ask->conn, result);
    lt_buf_done(&sql);
    return status;
}

/* The first record of an order of rows. */
static int select_first(const struct asking *ask, const char *direction, char **ret_texts,
                        struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    PGresult *result = NULL;
    int failed = lt_buf_puts(&sql, "SELECT ");
    for (size_t i = 0; i < ask->n; i++) {
        failed |= lt_buf_puts(&sql, i ? ", q." : "q.");
        failed |= pg_ident(&sql, ask->columns[i].name);
        failed |= lt_buf_puts(&sql, "::pg_catalog.text");
    }
    failed |= pg_put_from(ask->plan, ask->table, &sql);
    int status = failed ? LEAT_OK : pg_put_where(ask->plan, ask->table, true, &sql, err);
    failed |= pg_put_not_null(ask->columns, ask->n, &sql);
    for (size_t i = 0; i < ask->n; i++) {
        failed |= lt_buf_puts(&sql, i ? ", " : " ORDER BY ");
        failed |= pg_put_comparable(&ask->columns[i], &sql);
        failed |= lt_buf_printf(&sql, " %s", direction);
    }
    failed |= lt_buf_puts(&sql, " LIMIT 1");
    status = status ? status : run(ask, &sql, failed, &result, err);
    status = status ? status : take_cells(ask, result, 0, ret_texts, err);
    pg_clear(ask->conn, result);
    lt_buf_done(&sql);
    return status;
}

/* uuid has min() from version 18 on, bool never. */
static bool has_extremes(const struct asking *ask)
{
    const char *cast = ask->columns[0].cast;
    return ask->n == 1 && strcmp(cast, "uuid") != 0 && strcmp(cast, "bool") != 0;
}

static int find_high(const struct asking *ask, struct leat_bounds *bounds, struct leat_error *err)
{
    return has_extremes(ask) ? select_extreme(ask, "max", bounds->high, err)
                             : select_first(ask, "DESC", bounds->high, err);
}

static int find_low(const struct asking *ask, struct leat_bounds *bounds, struct leat_error *err)
{
    return has_extremes(ask) ? select_extreme(ask, "min", bounds->low, err)
                             : select_first(ask, "ASC", bounds->low, err);
}

static int count_nulls(const struct asking *ask, int64_t *ret_nulls, struct leat_error *err)
{
    struct leat_read_plan all = *ask->plan;
    struct lt_buf sql = LT_BUF_INIT, nulls = LT_BUF_INIT;
    PGresult *result = NULL;
    all.cursor = NULL;
    /* " OR a OR b" stands behind something that is false. */
    int failed = lt_buf_puts(&nulls, "false");
    size_t none = nulls.len;
    failed |= pg_put_null(ask->columns, ask->n, &nulls);
    *ret_nulls = 0;
    if (!failed && nulls.len == none) {
        lt_buf_done(&nulls);
        return LEAT_OK; /* none of them can be */
    }
    failed |= lt_buf_puts(&sql, "SELECT pg_catalog.count(*)");
    failed |= pg_put_from(&all, ask->table, &sql);
    int status = failed ? LEAT_OK : pg_put_where(&all, ask->table, true, &sql, err);
    failed |= lt_buf_printf(&sql, " AND (%s)", lt_buf_text(&nulls));
    status = status ? status : run(ask, &sql, failed, &result, err);
    if (!status && lt_parse_int(pg_cell(ask->conn, result, 0, 0), ret_nulls)) {
        status = lt_fail(err, LT_E_INTERNAL, "the server's count is no number");
    }
    pg_clear(ask->conn, result);
    lt_buf_done(&sql);
    lt_buf_done(&nulls);
    return status;
}

/* --- transactions --------------------------------------------------------------------------- */

/* Sessions of this database that may write, their transactions' start hidden from this login or
 * not kept. */
#define SESSIONS                                                                                   \
    "pg_catalog.pg_stat_activity a WHERE a.datid = (SELECT d.oid FROM pg_catalog.pg_database d "   \
    "WHERE d.datname = pg_catalog.current_database()) AND a.pid <> pg_catalog.pg_backend_pid() "   \
    "AND coalesce(a.backend_type, '') <> 'autovacuum worker'"
#define HIDDEN                                                                                     \
    "a.xact_start IS NULL AND (a.query = '<insufficient privilege>' OR a.state = 'disabled')"

/* Locks for writing of the relation $1 and what inherits from it; 0: of any of this database that
 * is no catalogue. */
#define WRITERS                                                                                    \
    "pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.granted AND "                       \
    "l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() AND "                                      \
    "l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', "                    \
    "'AccessExclusiveLock') AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d "         \
    "WHERE d.datname = pg_catalog.current_database()) AND "                                        \
    "CASE WHEN $1::pg_catalog.oid = 0 THEN l.relation >= 16384 ELSE l.relation IN ("               \
    "WITH RECURSIVE t(oid) AS (SELECT $1::pg_catalog.oid UNION SELECT i.inhrelid "                 \
    "FROM pg_catalog.pg_inherits i JOIN t ON i.inhparent = t.oid) SELECT oid FROM t) END"

/* The relation whose writers count; "0": a view or a query may read any. */
static void put_relation(const struct asking *ask, char text[16])
{
    bool table = !ask->plan->query && (ask->table->kind == 'r' || ask->table->kind == 'p');
    snprintf(text, 16, "%u", table ? ask->table->oid : 0);
}

/* Waits until none of these virtual transactions is at work; *ret_ended false: not in time. */
static int wait_for(const struct asking *ask, const char *transactions, bool *ret_ended,
                    struct leat_error *err)
{
    const char *params[] = {transactions};
    char left[24];
    int status = LEAT_OK;
    *ret_ended = !strcmp(transactions, "{}");
    while (!status && !*ret_ended) {
        status = pg_value(ask->conn,
                          "SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks l "
                          "WHERE l.virtualtransaction = ANY ($1::pg_catalog.text[])",
                          1, params, left, sizeof left, err);
        *ret_ended = !status && !strcmp(left, "0");
        if (status || *ret_ended || lt_now_us() >= ask->until_us) {
            break;
        }
        char slept[4];
        status = pg_value(ask->conn, "SELECT pg_catalog.pg_sleep(0.02)", 0, NULL, slept,
                          sizeof slept, err);
    }
    return status;
}

/* A list of virtual transactions as an array's text, malloc'ed. */
static int list_transactions(const struct asking *ask, const char *sql, int n_params,
                             const char *const *params, char **ret_list, struct leat_error *err)
{
    PGresult *result = NULL;
    int status = pg_query(ask->conn, sql, n_params, params, &result, err);
    if (!status) {
        *ret_list = lt_strdup(pg_cell(ask->conn, result, 0, 0));
        status = *ret_list ? LEAT_OK : lt_fail_oom(err);
    }
    pg_clear(ask->conn, result);
    return status;
}

/* Those whose start nobody tells are waited for: what they stamped is then seen. */
static int wait_for_hidden(const struct asking *ask, bool *ret_ended, struct leat_error *err)
{
    char *list = NULL;
    int status = list_transactions(
        ask,
        "SELECT coalesce(pg_catalog.array_agg(DISTINCT l.virtualtransaction), '{}') "
        "FROM pg_catalog.pg_locks l WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid IN "
        "(SELECT a.pid FROM " SESSIONS " AND " HIDDEN ")",
        0, NULL, &list, err);
    status = status ? status : wait_for(ask, list, ret_ended, err);
    free(list);
    return status;
}

/* Prepared transactions were begun nobody knows when. */
static int has_prepared(const struct asking *ask, bool *ret_has, struct leat_error *err)
{
    char relation[16], text[8] = "";
    const char *params[] = {relation};
    put_relation(ask, relation);
    int status = pg_value(ask->conn, "SELECT EXISTS (SELECT 1 FROM " WRITERS " AND l.pid IS NULL)",
                          1, params, text, sizeof text, err);
    *ret_has = text[0] == 't';
    return status;
}

/* The earlier of the clock and the oldest transaction's start, as the column would hold it. One
 * without a zone holds local time of nobody says where: the earliest reading of the zones that the
 * server and its roles are set to, and of UTC, is on the safe side. */
static int oldest_start(const struct asking *ask, const char *clock, char **ret_text,
                        struct leat_error *err)
{
    static const char zones[] =
        "(SELECT 'UTC' AS z UNION SELECT s.reset_val FROM pg_catalog.pg_settings s "
        "WHERE s.name = 'TimeZone' UNION SELECT pg_catalog.substr(c, 10) "
        "FROM pg_catalog.pg_db_role_setting r, pg_catalog.unnest(r.setconfig) c "
        "WHERE pg_catalog.lower(c) LIKE 'timezone=%')";
    const struct pg_cursor_column *column = &ask->columns[0];
    const char *params[] = {clock};
    PGresult *result = NULL;
    bool zoned = !strcmp(column->cast, "timestamptz");
    char *sql = lt_format(
        "SELECT %s::pg_catalog.text FROM (SELECT least($1::pg_catalog.timestamptz, "
        "pg_catalog.min(a.xact_start)) AS s FROM " SESSIONS ") o%s%s%s",
        zoned                          ? "s"
        : column->type.id == LT_DATE32 ? "pg_catalog.min((s AT TIME ZONE z)::pg_catalog.date)"
                                       : "pg_catalog.min(s AT TIME ZONE z)",
        zoned ? "" : ", ", zoned ? "" : zones, zoned ? "" : " z");
    int status = sql ? pg_query(ask->conn, sql, 1, params, &result, err) : lt_fail_oom(err);
    if (!status) {
        status = canonical(column, pg_cell(ask->conn, result, 0, 0), ret_text, err);
    }
    pg_clear(ask->conn, result);
    free(sql);
    return status;
}

/* A session that has just been given a statement stamps by the moment it came, and shows it only a
 * little later: the clock is read first, and the sessions looked at after a while. */
static int find_settled(const struct asking *ask, char **ret_settled, struct leat_error *err)
{
    char clock[64] = "";
    bool prepared = false, ended = false;
    int status = pg_value(ask->conn, "SELECT pg_catalog.clock_timestamp()", 0, NULL, clock,
                          sizeof clock, err);
    char slept[4];
    status = status ? status
                    : pg_value(ask->conn, "SELECT pg_catalog.pg_sleep(0.02)", 0, NULL, slept,
                               sizeof slept, err);
    status = status ? status : has_prepared(ask, &prepared, err);
    if (!status && !prepared) {
        status = wait_for_hidden(ask, &ended, err);
    }
    return status || !ended ? status : oldest_start(ask, clock, ret_settled, err);
}

/* Those that were writing have ended: what they wrote is seen. */
static int find_complete(const struct asking *ask, bool *ret_complete, struct leat_error *err)
{
    char relation[16], *list = NULL;
    const char *params[] = {relation};
    put_relation(ask, relation);
    int status = list_transactions(
        ask,
        "SELECT coalesce(pg_catalog.array_agg(DISTINCT l.virtualtransaction), '{}') FROM " WRITERS,
        1, params, &list, err);
    status = status ? status : wait_for(ask, list, ret_complete, err);
    free(list);
    return status;
}

/* --- all of it ------------------------------------------------------------------------------ */

/* A standby does not show the transactions of its primary, nor a foreign table those elsewhere. */
static int can_tell(const struct asking *ask, bool *ret_can, struct leat_error *err)
{
    char text[8] = "";
    int status = pg_value(ask->conn, "SELECT pg_catalog.pg_is_in_recovery()", 0, NULL, text,
                          sizeof text, err);
    *ret_can = text[0] == 'f' && (ask->plan->query || ask->table->kind != 'f');
    return status;
}

static int ask_all(struct asking *ask, int64_t wait_ms, struct leat_bounds *bounds,
                   struct leat_error *err)
{
    bool timed = ask->columns[0].type.id == LT_TIMESTAMP || ask->columns[0].type.id == LT_DATE32;
    bool can = false;
    int status = wait_ms > 0 ? can_tell(ask, &can, err) : LEAT_OK;
    if (!status && can && timed) {
        status = find_settled(ask, &bounds->settled, err);
    }
    status = status ? status : find_high(ask, bounds, err);
    if (!status && can && !timed) {
        status = find_complete(ask, &bounds->complete, err);
    }
    /* Only now: what has committed since may be below all that was seen then. */
    status = status || !bounds->high[0] ? status : find_low(ask, bounds, err);
    status = status ? status : count_nulls(ask, &bounds->nulls, err);
    bounds->empty = !bounds->high[0] || !bounds->low[0]; /* or deleted in between */
    return status;
}

static int ask_table(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                     const struct pg_table *table, const char *const *columns, size_t n_columns,
                     int64_t wait_ms, struct leat_bounds *ret_bounds, struct leat_error *err)
{
    struct asking ask = {
        .plan = plan, .table = table, .n = n_columns, .until_us = lt_now_us() + wait_ms * 1000};
    int status =
        n_columns == 0 || n_columns > LEAT_CURSOR_COLUMNS_MAX
            ? lt_fail(err, LT_E_INVALID, "a cursor has 1 to %d columns", LEAT_CURSOR_COLUMNS_MAX)
            : LEAT_OK;
    for (size_t i = 0; i < n_columns && !status; i++) {
        status = pg_cursor_column(table, columns[i], &ask.columns[i], err);
    }
    status = status ? status : pg_take(ep, &ask.conn, err);
    status = status ? status : ask_all(&ask, wait_ms, ret_bounds, err);
    pg_give(ask.conn);
    return status;
}

int pg_bounds(struct leat_endpoint *ep, const struct leat_read_plan *plan,
              const char *const *columns, size_t n_columns, int64_t wait_ms,
              struct leat_bounds *ret_bounds, struct leat_error *err)
{
    struct pg_table table = {0};
    *ret_bounds = (struct leat_bounds){.size = ret_bounds->size, .nulls = -1};
    int status = pg_describe_plan(ep, plan, false, &table, err);
    status =
        status ? status : ask_table(ep, plan, &table, columns, n_columns, wait_ms, ret_bounds, err);
    pg_table_done(&table);
    return status;
}
