/* What a merge that is found would do to others, or cannot do: refused before it is done. */
#include "connectors/postgres/pg_load.h"

#include <stdio.h>

/* --- rows of other tables ------------------------------------------------------------------ */

/* The columns that foreign keys point to which pass a change on, each key's one after the other. */
static const char passing_sql[] =
    "SELECT k.conrelid::pg_catalog.regclass::text || ' (' || k.conname || ')', a.attname FROM "
    "pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND "
    "a.attnum = ANY (k.confkey) WHERE k.contype = 'f' AND k.confrelid = $1::oid AND k.confupdtype "
    "IN ('c', 'n', 'd') ORDER BY k.oid, a.attnum";

static int list_passing(struct pg_conn *conn, const struct lt_merge *merge, PGresult *columns,
                        struct lt_buf *ret_list)
{
    int failed = LEAT_OK;
    const char *last = "";
    for (int row = 0; row < pg_rows(conn, columns); row++) {
        const char *name = pg_cell(conn, columns, row, 0);
        if (strcmp(name, last) != 0 && lt_merge_nulls(merge, pg_cell(conn, columns, row, 1))) {
            failed |= lt_buf_printf(ret_list, "%s%s", *last ? ", " : "", name);
            last = name;
        }
    }
    return failed;
}

int pg_merge_refuse_nulls(struct pg_conn *conn, const struct pg_target *target,
                          const struct lt_merge *merge, struct leat_error *err)
{
    char oid[16];
    const char *params[] = {oid};
    PGresult *columns = NULL;
    struct lt_buf list = LT_BUF_INIT;
    if (!merge->referenced || !lt_merge_moved(target->merging)) {
        return LEAT_OK;
    }
    snprintf(oid, sizeof oid, "%u", target->oid);
    int status = pg_query(conn, passing_sql, 1, params, &columns, err);
    if (!status && list_passing(conn, merge, columns, &list)) {
        status = lt_fail_oom(err);
    }
    if (!status && list.len) {
        status = lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS,
                         "unique values of %s.%s go from row to row, and giving them up would "
                         "change rows of other tables through their foreign keys: %s",
                         target->ns, target->name, lt_buf_text(&list));
        leat_error_remedy(err, "make those keys ON UPDATE NO ACTION DEFERRABLE, or change these "
                               "rows at the destination yourself");
    }
    pg_clear(conn, columns);
    lt_buf_done(&list);
    return status;
}
