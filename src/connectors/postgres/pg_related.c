/* Tables that are replaced in one load and refer to each other: foreign keys between them that pass
 * deletions on harm nobody, for the rows they reach are replaced as well, children first. What is
 * left to make sure of is that no row that came in refers to one that goes. */
#include "connectors/postgres/pg_load.h"

#include <stdio.h>
#include <stdlib.h>

/* Keys, of which $2 wants those alone that pass a deletion on, the tables they belong to, how a row
 * of these refers to one "old" here, and whether all of their rows can be seen. Keys of the table's
 * own come last. */
static const char keys_sql[] =
    "SELECT k.conrelid, k.conrelid::pg_catalog.regclass::text, k.conname, k.conrelid = "
    "k.confrelid, "
    "(SELECT pg_catalog.string_agg(pg_catalog.format('c.%I = old.%I', ca.attname, pa.attname), "
    "' AND ') FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) AS u(c, "
    "p) "
    "JOIN pg_catalog.pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = u.c "
    "JOIN pg_catalog.pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = u.p), "
    "pg_catalog.has_table_privilege(k.conrelid, 'SELECT') AND NOT "
    "pg_catalog.row_security_active(k.conrelid) FROM pg_catalog.pg_constraint k WHERE k.contype = "
    "'f' AND k.confrelid = $1::oid AND "
    "(NOT $2::bool OR k.confdeltype IN ('c', 'n', 'd')) ORDER BY 4, 2, 3";

enum { CELL_OID, CELL_TABLE, CELL_KEY, CELL_SELF, CELL_REFERS, CELL_SEEN };

static int list_keys(struct pg_conn *conn, const struct pg_target *target, bool cascading,
                     PGresult **ret_result, struct leat_error *err)
{
    char oid[16];
    const char *params[] = {oid, cascading ? "t" : "f"};
    snprintf(oid, sizeof oid, "%u", target->oid);
    return pg_query(conn, keys_sql, 2, params, ret_result, err);
}

/* Are all rows of this table replaced by the load? */
static bool is_replaced(const struct pg_plan *plan, const char *oid_text)
{
    uint32_t oid = (uint32_t)strtoul(oid_text, NULL, 10);
    for (size_t i = 0; plan && i < plan->n_targets; i++) {
        if (plan->targets[i].oid == oid && plan->targets[i].mode == LEAT_REPLACE) {
            return true;
        }
    }
    return false;
}

static int fail_reached(const struct pg_target *target, const struct lt_buf *others,
                        struct leat_error *err)
{
    int status = lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS,
                         "deleting rows of %s.%s would delete or change rows of other tables "
                         "through their foreign keys: %s",
                         target->ns, target->name, lt_buf_text(others));
    leat_error_remedy(err, "%s, or drop those keys first",
                      !target->merge ? "copy those tables in the same command, load with --append"
                      : target->mode == LEAT_DELETE_INSERT ? "merge instead"
                                                           : "--soft-delete leaves such rows "
                                                             "where they are");
    return status;
}

static int put_key(struct pg_conn *conn, PGresult *keys, int row, struct lt_buf *others)
{
    return lt_buf_printf(others, "%s%s (%s)", others->len ? ", " : "",
                         pg_cell(conn, keys, row, CELL_TABLE), pg_cell(conn, keys, row, CELL_KEY));
}

/* How a check of keys ends: those among `others`, which it releases, are what it refuses. */
static int end_check(const struct pg_target *target, struct lt_buf *others, int status, int failed,
                     struct leat_error *err)
{
    if (!status && failed) {
        status = lt_fail_oom(err);
    } else if (!status && others->len) {
        status = fail_reached(target, others, err);
    }
    lt_buf_done(others);
    return status;
}

/* `plan`: whose tables do not count; NULL: all count. */
static int refuse_cascades(struct pg_conn *conn, const struct pg_plan *plan,
                           const struct pg_target *target, struct leat_error *err)
{
    PGresult *keys = NULL;
    struct lt_buf others = LT_BUF_INIT;
    int status = list_keys(conn, target, true, &keys, err);
    int failed = LEAT_OK;
    for (int row = 0; !status && row < pg_rows(conn, keys); row++) {
        if (!is_replaced(plan, pg_cell(conn, keys, row, CELL_OID))) {
            failed |= put_key(conn, keys, row, &others);
        }
    }
    pg_clear(conn, keys);
    return end_check(target, &others, status, failed, err);
}

int pg_refuse_cascades(struct pg_conn *conn, const struct pg_target *target, struct leat_error *err)
{
    return refuse_cascades(conn, NULL, target, err);
}

int pg_plan_cascades(struct pg_conn *conn, const struct pg_plan *plan,
                     const struct pg_target *target, struct leat_error *err)
{
    if (target->route != PG_ROUTE_MIRROR) {
        return LEAT_OK;
    }
    int status = refuse_cascades(conn, plan, target, err);
    if (status) {
        leat_error_place(err, "%s.%s", target->ns, target->name);
    }
    return status;
}

/* Nobody refers to these rows anew from here on, and whoever is about to is waited for. */
static int lock_going(struct pg_conn *conn, const struct pg_target *target,
                      const struct lt_merge *merge, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    char count[24];
    int failed =
        lt_buf_printf(&sql, "SELECT pg_catalog.count(*) FROM (SELECT 1 FROM %s AS old WHERE ",
                      target->quoted) |
        lt_merge_goes(merge, false, &sql) | lt_buf_puts(&sql, " FOR UPDATE) AS going");
    int status = failed ? lt_fail_oom(err)
                        : pg_value(conn, lt_buf_text(&sql), 0, NULL, count, sizeof count, err);
    lt_buf_done(&sql);
    return status;
}

/* Does a row refer by this key to one that goes? Of the table's own key only rows that stay count. */
static int ask_reached(struct pg_conn *conn, const struct pg_target *target,
                       const struct lt_merge *merge, PGresult *keys, int row, bool *ret_reached,
                       struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    char any[8];
    *ret_reached = !pg_cell_true(conn, keys, row, CELL_SEEN);
    if (*ret_reached) {
        return LEAT_OK;
    }
    int failed =
        lt_buf_printf(&sql, "SELECT EXISTS (SELECT 1 FROM %s AS c JOIN %s AS old ON %s WHERE ",
                      pg_cell(conn, keys, row, CELL_TABLE), target->quoted,
                      pg_cell(conn, keys, row, CELL_REFERS)) |
        lt_merge_goes(merge, false, &sql);
    if (pg_cell_true(conn, keys, row, CELL_SELF)) {
        failed |= lt_buf_puts(&sql, " AND NOT ") | lt_merge_goes(merge, true, &sql);
    }
    int status = failed | lt_buf_byte(&sql, ')')
                     ? lt_fail_oom(err)
                     : pg_value(conn, lt_buf_text(&sql), 0, NULL, any, sizeof any, err);
    *ret_reached = !status && *any == 't';
    lt_buf_done(&sql);
    return status;
}

int pg_refuse_reached(struct pg_conn *conn, const struct pg_target *target,
                      const struct lt_merge *merge, struct leat_error *err)
{
    PGresult *keys = NULL;
    struct lt_buf others = LT_BUF_INIT;
    int failed = LEAT_OK;
    int status = list_keys(conn, target, true, &keys, err);
    int n = status ? 0 : pg_rows(conn, keys);
    status = n ? lock_going(conn, target, merge, err) : status;
    for (int row = 0; !status && row < n; row++) {
        bool reached = false;
        status = ask_reached(conn, target, merge, keys, row, &reached, err);
        failed |= reached ? put_key(conn, keys, row, &others) : LEAT_OK;
    }
    pg_clear(conn, keys);
    return end_check(target, &others, status, failed, err);
}

/* Of the table's own key only rows that stay count. */
static int orphans_sql(const struct pg_target *target, const char *child, const char *refers,
                       bool self, struct lt_buf *sql)
{
    int failed =
        lt_buf_printf(sql, "SELECT EXISTS (SELECT 1 FROM %s AS c JOIN %s AS old ON %s WHERE ",
                      child, target->quoted, refers) |
        pg_put_gone(target, sql);
    if (self) {
        failed |= lt_buf_printf(sql, " AND EXISTS (SELECT 1 FROM %s AS kept", target->copy_to);
        for (size_t k = 0; k < target->n_keys; k++) {
            failed |= lt_buf_puts(sql, k ? " AND kept." : " WHERE kept.");
            failed |= pg_ident(sql, target->keys[k]) | lt_buf_puts(sql, " = c.");
            failed |= pg_ident(sql, target->keys[k]);
        }
        failed |= lt_buf_byte(sql, ')');
    }
    return failed | lt_buf_byte(sql, ')');
}

int pg_refuse_orphans(struct pg_conn *conn, const struct pg_target *target, struct leat_error *err)
{
    PGresult *keys = NULL;
    int status = list_keys(conn, target, true, &keys, err);
    for (int row = 0; !status && row < pg_rows(conn, keys); row++) {
        struct lt_buf sql = LT_BUF_INIT;
        char any[8];
        const char *child = pg_cell(conn, keys, row, CELL_TABLE);
        status = orphans_sql(target, child, pg_cell(conn, keys, row, CELL_REFERS),
                             pg_cell_true(conn, keys, row, CELL_SELF), &sql)
                     ? lt_fail_oom(err)
                     : pg_value(conn, lt_buf_text(&sql), 0, NULL, any, sizeof any, err);
        lt_buf_done(&sql);
        if (!status && *any == 't') {
            status = lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS,
                             "rows that came for %s refer, by its key %s, to rows of %s.%s that "
                             "the source has no more, and would go or change with them",
                             child, pg_cell(conn, keys, row, CELL_KEY), target->ns, target->name);
            leat_error_remedy(err, "mend the source, or drop that key first");
        }
    }
    pg_clear(conn, keys);
    return status;
}

int pg_put_unreferred(struct pg_conn *conn, const struct pg_target *target, struct lt_buf *sql,
                      bool *ret_known, struct leat_error *err)
{
    PGresult *keys = NULL;
    int failed = LEAT_OK;
    int status = list_keys(conn, target, false, &keys, err);
    *ret_known = true;
    for (int row = 0; !status && row < pg_rows(conn, keys); row++) {
        *ret_known = *ret_known && pg_cell_true(conn, keys, row, CELL_SEEN);
        failed |= lt_buf_printf(sql, " AND NOT EXISTS (SELECT 1 FROM %s AS c WHERE %s)",
                                pg_cell(conn, keys, row, CELL_TABLE),
                                pg_cell(conn, keys, row, CELL_REFERS));
    }
    pg_clear(conn, keys);
    return !status && failed ? lt_fail_oom(err) : status;
}

/* From the rows that refer, which may be few, to those they refer to, which have an index. */
int pg_ask_unreferred(struct pg_conn *conn, const struct pg_target *target, bool *ret_none,
                      struct leat_error *err)
{
    PGresult *keys = NULL;
    int status = list_keys(conn, target, false, &keys, err);
    *ret_none = !status;
    for (int row = 0; !status && *ret_none && row < pg_rows(conn, keys); row++) {
        struct lt_buf sql = LT_BUF_INIT;
        char any[8] = "t";
        int failed =
            lt_buf_printf(&sql, "SELECT EXISTS (SELECT 1 FROM %s AS c JOIN %s AS old ON %s)",
                          pg_cell(conn, keys, row, CELL_TABLE), target->quoted,
                          pg_cell(conn, keys, row, CELL_REFERS));
        if (pg_cell_true(conn, keys, row, CELL_SEEN)) {
            status = failed ? lt_fail_oom(err)
                            : pg_value(conn, lt_buf_text(&sql), 0, NULL, any, sizeof any, err);
        }
        *ret_none = !status && *any == 'f';
        lt_buf_done(&sql);
    }
    pg_clear(conn, keys);
    return status;
}
