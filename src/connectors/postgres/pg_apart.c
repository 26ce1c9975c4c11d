/* The commit of a direct load whose new tables get several indexes: built by several connections.
 *
 * Other sessions see a table only once it is committed, so it is handed over: under a staging name,
 * and recorded as open, just as if the load had been a staged one. Then every connection builds one
 * index at a time. A last transaction takes the load's row, gives the table its name, makes
 * constraints of the indexes, and records the load as committed. Whoever looks for the table finds
 * it with everything or not at all; killed in between, the load is swept as any staged one is.
 */
#include "connectors/postgres/pg_abreast.h"
#include "connectors/postgres/pg_load.h"

#include "core/util.h"
#include "sql/postgres.h"

#include <stdlib.h>

/* One index of a table. */
struct build {
    const struct pg_target *target;
    const struct lt_index *index;
    char *name; /* the one it keeps */
};

struct builds {
    struct build *items;
    size_t n;
    struct lt_index *keys; /* one a target; without a body where it has none to be made */
};

static bool makes_key(const struct pg_target *target)
{
    return target->key_after && target->n_keys;
}

bool pg_apart_pays(const struct leat_load *load)
{
    const struct pg_plan *plan = load->plan;
    size_t n = 0;
    int64_t rows = 0;
    bool can = load->threads > 1 && !load->ep->no_state && !pg_pooled(load->ep);
    for (size_t i = 0; i < plan->n_targets && can; i++) {
        const struct pg_target *target = &plan->targets[i];
        can = target->route == PG_ROUTE_CREATE && !target->merge && !target->aside &&
              !strcmp(pg_state_ns(load->ep, target->ns), plan->state_ns);
        n += makes_key(target);
        for (size_t k = 0; k < target->indexes.n; k++) {
            n += !target->indexes.items[k].check;
        }
        rows += target->rows;
    }
    return can && n > 1 && rows >= PG_ROWS_APART;
}

/* --- what is to be built ------------------------------------------------------------------- */

static void builds_done(struct builds *builds, size_t n_targets)
{
    for (size_t i = 0; i < builds->n; i++) {
        free(builds->items[i].name);
    }
    for (size_t i = 0; builds->keys && i < n_targets; i++) {
        free(builds->keys[i].body);
    }
    free(builds->items);
    free(builds->keys);
}

static int add_build(struct leat_load *load, const struct pg_target *target,
                     const struct lt_index *index, struct builds *builds, struct leat_error *err)
{
    char **taken = calloc(builds->n + 1, sizeof *taken);
    size_t n_taken = 0;
    int status = taken ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < builds->n && !status; i++) {
        if (!strcmp(builds->items[i].target->ns, target->ns)) {
            taken[n_taken++] = builds->items[i].name;
        }
    }
    struct build *build = &builds->items[builds->n];
    status = status ? status
                    : pg_extras_name(load->conn, target, index, taken, n_taken, &build->name, err);
    if (!status) {
        build->target = target;
        build->index = index;
        builds->n++;
    }
    free(taken);
    return status;
}

/* The primary key as an index that becomes one. */
static int key_index(const struct pg_target *target, struct lt_index *key)
{
    static char none[] = "";
    struct lt_buf body = LT_BUF_INIT;
    int failed = lt_buf_puts(&body, " (");
    for (size_t k = 0; k < target->n_keys; k++) {
        failed |= lt_buf_puts(&body, k ? ", " : "") | pg_ident(&body, target->keys[k]);
    }
    failed |= lt_buf_byte(&body, ')');
    *key = (struct lt_index){.name = none,
                             .words = none,
                             .body = failed ? NULL : lt_buf_take(&body),
                             .unique = true,
                             .constraint = true,
                             .key = true};
    lt_buf_done(&body);
    return key->body ? LEAT_OK : LEAT_NO_MEMORY;
}

/* Keys first: their names are the ones a server would choose, if nobody has them. */
static int find_builds(struct leat_load *load, struct builds *builds, struct leat_error *err)
{
    const struct pg_plan *plan = load->plan;
    size_t n = plan->n_targets;
    for (size_t i = 0; i < plan->n_targets; i++) {
        n += plan->targets[i].indexes.n;
    }
    builds->items = calloc(n, sizeof *builds->items);
    builds->keys = calloc(plan->n_targets, sizeof *builds->keys);
    int status = builds->items && builds->keys ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < plan->n_targets && !status; i++) {
        if (makes_key(&plan->targets[i])) {
            status = key_index(&plan->targets[i], &builds->keys[i])
                         ? lt_fail_oom(err)
                         : add_build(load, &plan->targets[i], &builds->keys[i], builds, err);
        }
    }
    for (size_t i = 0; i < plan->n_targets && !status; i++) {
        const struct lt_indexes *indexes = &plan->targets[i].indexes;
        for (size_t k = 0; k < indexes->n && !status; k++) {
            status = indexes->items[k].check
                         ? LEAT_OK
                         : add_build(load, &plan->targets[i], &indexes->items[k], builds, err);
        }
    }
    return status;
}

/* --- handing over -------------------------------------------------------------------------- */

/* Checks are made first, for adding one takes the table alone. Vacuum is kept away: every build
 * that begins would have to drive it off, and wait for that. */
static int put_aside(struct leat_load *load, size_t i, struct leat_error *err)
{
    struct pg_target *target = &load->plan->targets[i];
    int status = pg_extras_checks(load->conn, target, err);
    status = status ? status : pg_staged_name(target, load->plan->load_id, i, err);
    return status ? status
                  : pg_execf(load->conn, err,
                             "ALTER TABLE %s SET (autovacuum_enabled = false); ALTER TABLE %s "
                             "RENAME TO %s",
                             target->quoted, target->quoted, target->staging);
}

static int hand_over(struct leat_load *load, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < load->plan->n_targets && !status; i++) {
        status = put_aside(load, i, err);
    }
    status = status ? status : pg_staged_record(load, err);
    status = status ? status : pg_step(load->ep, "postgres:apart:before", err);
    load->apart = true; /* from here on it is there, or may be */
    status = status ? status : pg_exec(load->conn, "COMMIT", err);
    return status ? status : pg_step(load->ep, "postgres:apart:after", err);
}

/* --- building ------------------------------------------------------------------------------ */

static int blame(const struct build *build, int status, struct leat_error *err)
{
    return pg_extras_blame(build->target, build->index, build->name, status, err);
}

/* Each in a transaction of its own. */
static int put_build(void *arg, size_t task, const struct pg_conn *conn, int lanes,
                     struct lt_buf *sql)
{
    const struct build *build = &((const struct builds *)arg)->items[task];
    return lt_buf_puts(sql, "BEGIN; ") | pg_extras_settings(conn, build->target->rows, lanes, sql) |
           pg_extras_put(build->index, build->target->copy_to, build->name, sql) |
           lt_buf_puts(sql, "; COMMIT");
}

static int blame_build(void *arg, size_t task, int status, struct leat_error *err)
{
    return blame(&((const struct builds *)arg)->items[task], status, err);
}

/* By as many connections as the load may keep busy. */
static int run_builds(struct leat_load *load, struct builds *builds, struct leat_error *err)
{
    const struct pg_tasks tasks = {
        .arg = builds, .n = builds->n, .put = put_build, .blame = blame_build};
    struct pg_abreast abreast;
    struct leat_error why;
    size_t wanted = LT_MIN((size_t)load->threads, builds->n);
    int status = pg_abreast_open(load->ep, load->conn, wanted, &abreast, &why, err);
    if (!status) {
        pg_log(load->ep, LEAT_LOG_INFO, "%zu indexes are built by %d connections%s%s", builds->n,
               abreast.n, why.status ? ": " : "", why.message);
        status = pg_abreast_run(&abreast, &tasks, err);
    }
    pg_abreast_close(&abreast);
    return status;
}

/* --- the last transaction ------------------------------------------------------------------ */

static int give_name(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int failed = lt_buf_printf(&sql, "ALTER TABLE %s RENAME TO ", target->copy_to) |
                 pg_ident(&sql, target->name) |
                 lt_buf_printf(&sql, "; ALTER TABLE %s RESET (autovacuum_enabled)", target->quoted);
    int status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status;
}

static int make_constraints(struct pg_conn *conn, const struct builds *builds,
                            struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < builds->n && !status; i++) {
        const struct build *build = &builds->items[i];
        struct lt_buf sql = LT_BUF_INIT;
        if (build->index->constraint) {
            status = pg_extras_put_constraint(build->target, build->index, build->name, &sql)
                         ? lt_fail_oom(err)
                         : pg_exec(conn, lt_buf_text(&sql), err);
        }
        status = status ? blame(build, status, err) : LEAT_OK;
        lt_buf_done(&sql);
    }
    return status;
}

static int finish(struct leat_load *load, const struct builds *builds,
                  const struct leat_commit *what, struct leat_error *err)
{
    struct pg_conn *conn = load->conn;
    struct pg_plan *plan = load->plan;
    bool already = false;
    int status = pg_exec(conn, "BEGIN", err);
    status = status ? status : pg_staged_take_row(load, &already, err);
    for (size_t i = 0; i < plan->n_targets && !status; i++) {
        status = give_name(conn, &plan->targets[i], err);
        if (status) {
            leat_error_place(err, "%s.%s", plan->targets[i].ns, plan->targets[i].name);
        }
    }
    status = status ? status : make_constraints(conn, builds, err);
    for (size_t i = 0; i < plan->n_targets && !status; i++) {
        status = pg_target_sequences(conn, &plan->targets[i], err);
    }
    status = status ? status : pg_check_counts(plan, what, err);
    status = status ? status : pg_state_write(conn, plan, what, false, err);
    status = status ? status : pg_staged_mark_committed(load, err);
    return status ? status : pg_step(load->ep, "postgres:commit:state", err);
}

int pg_apart_commit(struct leat_load *load, const struct leat_commit *what, struct leat_error *err)
{
    struct builds builds = {.items = NULL};
    int status = find_builds(load, &builds, err);
    status = status ? status : hand_over(load, err);
    status = status ? status : run_builds(load, &builds, err);
    status = status ? status : pg_step(load->ep, "postgres:apart:built", err);
    status = status ? status : finish(load, &builds, what, err);
    status = status ? status : pg_commit(load->conn, err);
    load->committed = !status;
    if (!status) {
        pg_tell_counts(load->plan, what);
    }
    builds_done(&builds, load->plan->n_targets);
    return status;
}
