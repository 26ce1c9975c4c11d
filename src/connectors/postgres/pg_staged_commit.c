/* The commit of a staged load: one transaction checks every receipt against the records and moves the
 * tables in. */
#include "connectors/postgres/pg_load.h"

#include <stdlib.h>

/* Sealed parts and receipts must be the same set with the same counts; `what` NULL: they are only
 * counted. */
static int check_parts(struct leat_load *load, const struct leat_commit *what,
                       struct leat_error *err)
{
    struct pg_conn *conn = load->conn;
    const char *params[] = {load->plan->load_id};
    PGresult *result = NULL;
    size_t known = 0;
    int status = pg_on_records(conn, load->plan->state_ns, "SELECT stream, part, rows FROM ",
                               " WHERE load_id = $1 AND part >= 0", 1, params, &result, err);
    int n = status ? 0 : pg_rows(conn, result);
    for (size_t i = 0; i < load->plan->n_targets; i++) {
        load->plan->targets[i].rows = 0;
    }
    for (int row = 0; row < n; row++) {
        uint32_t stream = (uint32_t)strtoul(pg_cell(conn, result, row, 0), NULL, 10);
        uint32_t part = (uint32_t)strtoul(pg_cell(conn, result, row, 1), NULL, 10);
        int64_t rows = strtoll(pg_cell(conn, result, row, 2), NULL, 10);
        for (size_t i = 0; what && i < what->n_receipts; i++) {
            const struct leat_receipt *receipt = &what->receipts[i];
            known += receipt->id.stream == stream && receipt->id.part == part &&
                     receipt->rows_inserted == rows;
        }
        if (stream < load->plan->n_targets) {
            load->plan->targets[stream].rows += rows;
        }
    }
    if (!status && what && (known != (size_t)n || known != what->n_receipts)) {
        status =
            lt_fail(err, LT_E_COUNT_MISMATCH,
                    "%zu receipts were given, of %d parts that are sealed", what->n_receipts, n);
    }
    pg_clear(conn, result);
    return status;
}

/* The staging table takes the final name, then what could only be made there. */
static int rename_in(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int failed = LEAT_OK;
    target->deleted = 0;
    if (target->route == PG_ROUTE_RECREATE) {
        target->deleted = target->rows_before;
        failed |= lt_buf_printf(&sql, "DROP TABLE %s; ", target->quoted);
    }
    failed |= lt_buf_printf(&sql, "ALTER TABLE %s RENAME TO ", target->copy_to);
    failed |= pg_ident(&sql, target->name);
    for (size_t k = 0; k < target->n_keys && !target->fresh && !target->key_after; k++) {
        failed |= k ? lt_buf_puts(&sql, ", ")
                    : lt_buf_printf(&sql, "; ALTER TABLE %s ADD PRIMARY KEY (", target->quoted);
        failed |= pg_ident(&sql, target->keys[k]);
    }
    failed |= lt_buf_puts(&sql, target->n_keys && !target->fresh && !target->key_after ? ")" : "");
    for (int64_t i = 0; i < target->table.n_columns; i++) {
        const struct ArrowSchema *field = target->table.schema.children[i];
        char kind[16];
        enum pg_wire wire = target->table.columns[i].wire;
        if (!lt_schema_meta_text(field, LT_META_IDENTITY, kind, sizeof kind) ||
            (wire != PG_WIRE_INT2 && wire != PG_WIRE_INT4 && wire != PG_WIRE_INT8)) {
            continue;
        }
        failed |= lt_buf_printf(&sql, "; ALTER TABLE %s ALTER COLUMN ", target->quoted);
        failed |= pg_ident(&sql, field->name) | lt_buf_puts(&sql, " SET NOT NULL, ALTER COLUMN ");
        failed |= pg_ident(&sql, field->name);
        failed |= lt_buf_printf(&sql, " ADD GENERATED %s AS IDENTITY",
                                !strcmp(kind, "always") ? "ALWAYS" : "BY DEFAULT");
    }
    int status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status ? status : pg_merge_fresh(conn, target, err);
}

/* Makes room in the table, or looks at it once more where there is nothing to make room for. */
static int make_room(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    if (pg_becomes_table(target)) {
        return pg_target_plan_again(conn, target, err);
    }
    if (target->route == PG_ROUTE_MERGE) {
        return pg_merge_delete(conn, target, err);
    }
    return pg_target_prepare(conn, target, err);
}

static int fill(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    return pg_becomes_table(target)          ? rename_in(conn, target, err)
           : target->route == PG_ROUTE_MERGE ? pg_merge_write(conn, target, err)
                                             : pg_target_fill(conn, target, err);
}

static int finish(struct pg_conn *conn, struct pg_target *target, struct leat_error *err)
{
    int status = pg_becomes_table(target) || target->route == PG_ROUTE_MERGE
                     ? LEAT_OK
                     : pg_execf(conn, err, "DROP TABLE %s", target->copy_to);
    status = status ? status : pg_extras_make(conn, target, err);
    return status ? status : pg_target_sequences(conn, target, err);
}

/* What was merged stays readable until the commit. */
static int drop_merged(struct leat_load *load, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < load->plan->n_targets && !status; i++) {
        const struct pg_target *target = &load->plan->targets[i];
        status = target->route == PG_ROUTE_MERGE
                     ? pg_execf(load->conn, err, "DROP TABLE %s", target->copy_to)
                     : LEAT_OK;
    }
    return status;
}

static void roll_back(struct leat_load *load)
{
    load->moved_in = false;
    if (!load->conn->broken) {
        pg_grace(load->conn, PG_CLEANUP_MS);
        pg_exec(load->conn, "ROLLBACK", NULL);
        pg_grace(load->conn, 0);
    }
}

static int move_in(struct leat_load *load, struct leat_error *err)
{
    static const struct {
        pg_target_fn *fn;
        bool backwards;
    } steps[] = {{make_room, true},
                 {pg_mirror_clear, true},
                 {fill, false},
                 {pg_target_delete_gone, true},
                 {pg_target_compare, false},
                 {finish, false}};
    size_t *order = NULL;
    if (load->moved_in) {
        return LEAT_OK;
    }
    int status = pg_order_targets(load->conn, load->plan, &order, err);
    for (size_t i = 0; i < LT_ARRAY_LEN(steps) && !status; i++) {
        status =
            pg_each_target(load->conn, load->plan, order, steps[i].backwards, steps[i].fn, err);
    }
    load->moved_in = !status;
    free(order);
    return status;
}

static int commit_open(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                       struct leat_error *err)
{
    int status = load->moved_in ? LEAT_OK : pg_staged_take_row(load, ret_already, err);
    if (status || *ret_already) {
        return status;
    }
    status = check_parts(load, what, err);
    status = status ? status : move_in(load, err);
    status = status ? status : pg_check_counts(load->plan, what, err);
    status = status ? status : drop_merged(load, err);
    status = status ? status : pg_check_guards(load->plan, what, err);
    status = status ? status : pg_state_write(load->conn, load->plan, what, false, err);
    status = status ? status : pg_staged_mark_committed(load, err);
    return status ? status : pg_step(load->ep, "postgres:commit:state", err);
}

int pg_staged_commit(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                     struct leat_error *err)
{
    *ret_already = load->committed;
    if (load->committed) {
        return LEAT_OK;
    }
    int status = pg_step(load->ep, "postgres:commit:before", err);
    status = status || load->moved_in ? status : pg_exec(load->conn, "BEGIN", err);
    if (status) {
        return status;
    }
    status = commit_open(load, what, ret_already, err);
    if (!status && !*ret_already) {
        status = pg_commit(load->conn, err);
        load->committed = !status;
        if (!status) {
            pg_tell_counts(load->plan, what);
        }
        return status;
    }
    load->committed = !status;
    roll_back(load);
    return status;
}

/* What is merged cannot be told from what was there by the staging table: then the commit's
 * transaction begins here. */
int pg_staged_read_back(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                        struct leat_error *err)
{
    struct pg_target *target = &load->plan->targets[stream];
    bool already = false;
    if (!target->merge) {
        target->proven = !pg_becomes_table(target);
        return pg_target_read(load->conn, target, target->staging, target->copy_to, "", ret_reader,
                              err);
    }
    if (!load->moved_in) {
        int status = pg_exec(load->conn, "BEGIN", err);
        status = status ? status : pg_staged_take_row(load, &already, err);
        if (!status && already) {
            status = lt_fail(err, LT_E_INVALID, "the load is over");
        }
        status = status ? status : check_parts(load, NULL, err);
        status = status ? status : move_in(load, err);
        if (status) {
            roll_back(load);
            return status;
        }
    }
    return pg_merge_read(load->conn, target, ret_reader, err);
}
