/* Tables that are replaced while foreign keys of others point to their rows: these stay where they
 * are, and are brought to what came by primary key. */
#include "connectors/postgres/pg_load.h"

#include "sql/postgres.h"

#include <inttypes.h>
#include <stdlib.h>

int pg_put_gone(const struct pg_target *target, struct lt_buf *sql)
{
    int failed = lt_buf_printf(sql, "NOT EXISTS (SELECT 1 FROM %s AS new", target->copy_to);
    for (size_t k = 0; k < target->n_keys; k++) {
        failed |= lt_buf_puts(sql, k ? " AND new." : " WHERE new.");
        failed |= pg_ident(sql, target->keys[k]) | lt_buf_puts(sql, " = old.");
        failed |= pg_ident(sql, target->keys[k]);
    }
    return failed | lt_buf_byte(sql, ')');
}

int pg_mirror_clear(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    bool known = false;
    if (target->route != PG_ROUTE_MIRROR) {
        return LEAT_OK;
    }
    int failed = lt_buf_printf(&sql, "DELETE FROM %s AS old WHERE ", target->quoted) |
                 pg_put_gone(target, &sql);
    int status = failed ? lt_fail_oom(err) : pg_put_unreferred(conn, target, &sql, &known, err);
    if (!status && known) {
        status = pg_exec(conn, lt_buf_text(&sql), err);
    }
    lt_buf_done(&sql);
    return status;
}

/* A key that comes twice is an error, not one row less. */
static int find(struct pg_conn *conn, struct pg_target *mirrored, struct leat_error *err)
{
    int status = pg_merge_find(conn, mirrored, err);
    if (!status && mirrored->counts.superseded) {
        status = lt_fail(err, LT_E_DUPLICATE_KEY,
                         "%" PRId64 " more rows than primary keys came for %s.%s",
                         mirrored->counts.superseded, mirrored->ns, mirrored->name);
    }
    return status;
}

/* Keys that can wait do so until the commit, for what they point to may come with another table. */
int pg_mirror_fill(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct pg_merge merge = {.keys = target->keys, .n_keys = target->n_keys, .mirror = true};
    struct pg_target mirrored = *target;
    mirrored.merge = &merge;
    mirrored.mode = LEAT_MERGE;
    mirrored.flags = 0;
    mirrored.merging = NULL;
    int status = pg_exec(conn, lt_dialect_postgres.merge->defer, err);
    /* Rows that none refers to may be deleted and inserted again. */
    status = status ? status : pg_ask_unreferred(conn, target, &merge.unreferred, err);
    status = status ? status : find(conn, &mirrored, err);
    status = status ? status : pg_merge_phase(conn, &mirrored, LT_MERGE_WRITE, err);
    lt_merge_free(mirrored.merging);
    free(merge.key_order);
    return status;
}

static int check_count(struct pg_conn *conn, const struct pg_target *target, struct leat_error *err)
{
    int64_t rows = 0;
    int status = pg_count_rows(conn, target->quoted, "", &rows, err);
    if (!status && rows != target->rows) {
        status =
            lt_fail(err, LT_E_COUNT_MISMATCH,
                    "%" PRId64 " rows were staged and the table has %" PRId64, target->rows, rows);
        status = pg_blame_triggers(conn, target, status, err);
    }
    return status;
}

int pg_target_delete_gone(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    if (target->route != PG_ROUTE_MIRROR) {
        return LEAT_OK;
    }
    int status = pg_refuse_orphans(conn, target, err);
    int failed = lt_buf_printf(&sql, "DELETE FROM %s AS old WHERE ", target->quoted) |
                 pg_put_gone(target, &sql);
    status = status ? status : failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    status = status ? status : check_count(conn, target, err);
    lt_buf_done(&sql);
    return status;
}
