/* Before the first of several streams: the types of users' own that their tables need. All are looked
 * at before any is made. */
#include "connectors/postgres/pg_load.h"

#include <stdlib.h>

static int plan_one(struct pg_conn *conn, const struct leat_write_stream *want,
                    struct pg_target *target, struct leat_error *err)
{
    struct pg_table table = {0};
    const struct leat_stream_name name = {target->ns, target->name};
    int status = pg_find(conn, &name, &table, err);
    if (!status && table.oid && !(want->flags & LEAT_WRITE_RECREATE)) {
        status = pg_match_labels(conn, target, want->schema, &table, err);
    } else if (!status) {
        status = pg_plan_new_types(conn, target, want->schema, err);
    }
    if (status) {
        leat_error_place(err, "%s.%s", target->ns, target->name);
    }
    pg_table_done(&table);
    return status;
}

static int take_target(const struct leat_endpoint *ep, const struct leat_write_stream *want,
                       struct pg_target *target, struct leat_error *err)
{
    target->ns = lt_strdup(want->name.ns && *want->name.ns ? want->name.ns : ep->default_ns);
    target->name = lt_strdup(want->name.name);
    target->source_id = lt_strdup(want->source_id ? want->source_id : "");
    target->policy = want->schema_policy;
    return target->ns && target->name && target->source_id ? LEAT_OK : lt_fail_oom(err);
}

int pg_ready_types(struct leat_endpoint *ep, const struct leat_write_stream *streams,
                   size_t n_streams, struct leat_error *err)
{
    struct pg_target *targets = calloc(n_streams + 1, sizeof *targets);
    struct pg_conn *conn = NULL;
    int status = targets ? pg_take_held(ep, &conn, err) : lt_fail_oom(err);
    for (size_t i = 0; i < n_streams && !status; i++) {
        status = take_target(ep, &streams[i], &targets[i], err);
        status = status ? status : plan_one(conn, &streams[i], &targets[i], err);
    }
    pg_give(conn);
    conn = NULL;
    status = status ? status : pg_take(ep, &conn, err);
    for (size_t i = 0; i < n_streams && !status; i++) {
        status = pg_own_make(conn, targets[i].ns, &targets[i].types, err);
        if (status) {
            leat_error_place(err, "%s.%s", targets[i].ns, targets[i].name);
        }
    }
    pg_give(conn);
    for (size_t i = 0; targets && i < n_streams; i++) {
        pg_target_done(&targets[i]);
    }
    free(targets);
    return status;
}
