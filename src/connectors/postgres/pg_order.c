/* In which order the tables of one load are filled: those that others refer to go first, and what
 * is gone is deleted the other way round. Foreign keys are checked statement by statement, so that
 * neither the order the user gave nor the largest first would do. */
#include "connectors/postgres/pg_load.h"

#include <stdlib.h>

/* Pairs (table, table it refers to) among the load's own tables. */
static int read_pairs(struct pg_conn *conn, const struct pg_plan *plan, PGresult **ret_pairs,
                      struct leat_error *err)
{
    struct lt_buf oids = LT_BUF_INIT;
    int failed = lt_buf_byte(&oids, '{');
    for (size_t i = 0; i < plan->n_targets; i++) {
        failed |= lt_buf_printf(&oids, "%s%u", i ? "," : "", plan->targets[i].oid);
    }
    failed |= lt_buf_byte(&oids, '}');
    const char *params[] = {lt_buf_text(&oids)};
    int status =
        failed ? lt_fail_oom(err)
               : pg_query(conn,
                          "SELECT DISTINCT k.conrelid, k.confrelid FROM pg_catalog.pg_constraint k "
                          "WHERE k.contype = 'f' AND k.conrelid <> k.confrelid AND "
                          "k.conrelid = ANY ($1::oid[]) AND k.confrelid = ANY ($1::oid[])",
                          1, params, ret_pairs, err);
    lt_buf_done(&oids);
    return status;
}

static size_t find_oid(const struct pg_plan *plan, const char *text)
{
    uint32_t oid = (uint32_t)strtoul(text, NULL, 10);
    size_t i = 0;
    while (i < plan->n_targets && plan->targets[i].oid != oid) {
        i++;
    }
    return i;
}

struct pair {
    size_t from, to;
};

/* Tables that refer to none but placed ones are placed, again and again. In a circle there is no
 * such order: its tables come last, as they were given. */
static void place_targets(const struct pair *pairs, int n_pairs, size_t n, bool *placed,
                          size_t *order)
{
    size_t done = 0, before;
    do {
        before = done;
        for (size_t i = 0; i < n; i++) {
            bool free_to_go = !placed[i];
            for (int p = 0; p < n_pairs && free_to_go; p++) {
                free_to_go = pairs[p].from != i || placed[pairs[p].to];
            }
            if (free_to_go) {
                placed[i] = true;
                order[done++] = i;
            }
        }
    } while (done != before);
    for (size_t i = 0; i < n; i++) {
        if (!placed[i]) {
            order[done++] = i;
        }
    }
}

int pg_order_targets(struct pg_conn *conn, struct pg_plan *plan, size_t **ret_order,
                     struct leat_error *err)
{
    PGresult *result = NULL;
    size_t n = plan->n_targets;
    size_t *order = calloc(n + 1, sizeof *order);
    bool *placed = calloc(n + 1, sizeof *placed);
    int status = order && placed ? LEAT_OK : lt_fail_oom(err);
    if (!status && n > 1) {
        status = read_pairs(conn, plan, &result, err);
    }
    int n_pairs = result ? pg_rows(conn, result) : 0;
    struct pair *pairs = calloc((size_t)n_pairs + 1, sizeof *pairs);
    if (!status && !pairs) {
        status = lt_fail_oom(err);
    }
    for (int p = 0; p < n_pairs && !status; p++) {
        pairs[p].from = find_oid(plan, pg_cell(conn, result, p, 0));
        pairs[p].to = find_oid(plan, pg_cell(conn, result, p, 1));
        if (pairs[p].from < n) {
            plan->targets[pairs[p].from].refers = true;
        }
    }
    if (!status) {
        place_targets(pairs, n_pairs, n, placed, order);
        *ret_order = order;
        order = NULL;
    }
    pg_clear(conn, result);
    free(order);
    free(placed);
    free(pairs);
    return status;
}

int pg_each_target(struct pg_conn *conn, struct pg_plan *plan, const size_t *order, bool backwards,
                   pg_target_fn *fn, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t k = 0; k < plan->n_targets && !status; k++) {
        struct pg_target *target = &plan->targets[order[backwards ? plan->n_targets - 1 - k : k]];
        status = fn(conn, target, err);
        if (status) {
            leat_error_place(err, "%s.%s", target->ns, target->name);
        }
    }
    return status;
}
