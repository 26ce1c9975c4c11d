/* Who holds the lock that was waited for in vain. */
#include "connectors/postgres/pg.h"

#include <stdio.h>

#define ASK_MS 2000
#define LOCK_NOT_AVAILABLE "55P03"

/* The strongest lock of others on the table, in words; "" when nobody holds one any more. Own
 * sessions count too: a table may be copied into itself under another name. */
static int find_holder(struct pg_conn *conn, const struct leat_stream_name *name, int waiter,
                       char *text, size_t size)
{
    char pid[16];
    const char *ns = name->ns && *name->ns ? name->ns : conn->ep->default_ns;
    const char *params[] = {ns, name->name, pid};
    snprintf(pid, sizeof pid, "%d", waiter);
    return pg_value(
        conn,
        "SELECT pg_catalog.format('process %s (%s) of %s holds %s', l.pid, coalesce(nullif("
        "a.application_name, ''), 'unnamed'), coalesce(a.usename::text, 'another user'), l.mode) "
        "FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
        "WHERE l.locktype = 'relation' AND l.granted AND l.relation = (SELECT c.oid FROM "
        "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
        "n.nspname = $1 AND c.relname = $2) AND l.database = (SELECT oid FROM "
        "pg_catalog.pg_database WHERE datname = "
        "pg_catalog.current_database()) AND l.pid <> ALL (ARRAY[$3::int, "
        "pg_catalog.pg_backend_pid()]) ORDER BY l.mode = 'AccessExclusiveLock' DESC, "
        "l.mode ~ 'Exclusive' DESC, l.pid LIMIT 1",
        3, params, text, size, NULL);
}

int pg_explain_lock(struct pg_conn *conn, const struct leat_stream_name *name, bool reading,
                    int status, struct leat_error *err)
{
    char holder[400] = "";
    char sqlstate[sizeof err->sqlstate];
    char place[sizeof err->place];
    struct pg_conn *asking = NULL;
    if (!status || !err || strcmp(err->sqlstate, LOCK_NOT_AVAILABLE) != 0) {
        return status;
    }
    memcpy(sqlstate, err->sqlstate, sizeof sqlstate);
    memcpy(place, err->place, sizeof place);
    /* The waiting session's transaction has failed and answers nothing any more. */
    if (name && !pg_is_cancelled(conn->ep) && !pg_take_grace(conn->ep, ASK_MS, &asking, NULL)) {
        find_holder(asking, name, conn->ep->pq->PQbackendPID(conn->pg), holder, sizeof holder);
        pg_give(asking);
    }
    status = lt_fail(err, reading ? LT_E_UNAVAILABLE : LT_E_DESTINATION_BUSY,
                     "another session's lock on the table was not given up in time%s%s",
                     *holder ? ": " : "", holder);
    if (reading) {
        leat_error_remedy(err, "wait for the other session to end, or raise --lock-timeout");
    }
    memcpy(err->sqlstate, sqlstate, sizeof sqlstate);
    memcpy(err->place, place, sizeof place);
    return status;
}
