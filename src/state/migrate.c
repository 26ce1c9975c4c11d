#include "state/migrate.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_WAIT "SET LOCAL lock_timeout = '60s'"

const char *lt_tables_id(const struct lt_tables *schema, int at)
{
    return at < 0 ? "base" : schema->steps[at].id;
}

/* --- where it is ------------------------------------------------------------------------------ */

/* The version table's name, malloc'ed; NULL when there is none. */
static int find_table(struct lt_db *db, const struct lt_tables *schema, char **ret_table,
                      struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    int rc = lt_db_query(db, schema->version[lt_db_kind(db)].find, 0, NULL, &rows, err);
    const char *name = !rc && rows.n ? lt_db_cell(&rows, 0, 0) : NULL;
    if (name && !(*ret_table = lt_strdup(name))) {
        rc = lt_fail_oom(err);
    }
    lt_db_rows_done(&rows);
    return rc;
}

static int step_of(const struct lt_tables *schema, const char *id)
{
    for (int i = 0; i < schema->n; i++) {
        if (!strcmp(schema->steps[i].id, id)) {
            return i;
        }
    }
    return -1;
}

static int read_at(struct lt_db *db, const struct lt_tables *schema, const char *table, int *ret_at,
                   struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    char *sql = lt_format("SELECT version_num FROM %s", table);
    int rc = sql ? lt_db_query(db, sql, 0, NULL, &rows, err) : lt_fail_oom(err);
    const char *id = !rc && rows.n ? lt_db_cell(&rows, 0, 0) : NULL;
    int at = id ? step_of(schema, id) : -1;
    if (id && at < 0) {
        rc = lt_fail(err, LT_E_STATE_SCHEMA,
                     "the schema of %s is at the revision %.40s, which "
                     "this version of leat does not know",
                     schema->name, id);
        leat_error_remedy(err, "use the version of leat that made it, or a later one");
    }
    if (!rc) {
        *ret_at = at;
    }
    lt_db_rows_done(&rows);
    free(sql);
    return rc;
}

int lt_tables_at(struct lt_db *db, const struct lt_tables *schema, int *ret_at,
                 struct leat_error *err)
{
    char *table = NULL;
    int at = -1;
    int rc = find_table(db, schema, &table, err);
    if (!rc && table) {
        rc = read_at(db, schema, table, &at, err);
    }
    free(table);
    if (!rc) {
        *ret_at = at;
    }
    return rc;
}

static int read_marks(struct lt_db *db, int64_t *ret_marks, struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    int rc = lt_db_query(db, "PRAGMA user_version", 0, NULL, &rows, err);
    *ret_marks = !rc && rows.n ? lt_db_number(&rows, 0, 0, 0) : 0;
    lt_db_rows_done(&rows);
    return rc;
}

/* A version table without a revision is left by a move down alone. */
int lt_tables_held(struct lt_db *db, const struct lt_tables *schema, int at, bool *ret_held,
                   struct leat_error *err)
{
    char *table = NULL;
    int64_t marks = 0;
    int rc = LEAT_OK, now = -1; /* another may have made them meanwhile */
    if (at < 0) {
        rc = find_table(db, schema, &table, err);
        rc = rc || !table ? rc : read_at(db, schema, table, &now, err);
    } else if (lt_db_kind(db) == LT_DB_SQLITE) {
        rc = read_marks(db, &marks, err);
    }
    *ret_held =
        (table && now < 0) || marks & schema->held || (at >= 0 && lt_db_kind(db) != LT_DB_SQLITE);
    free(table);
    return rc;
}

/* In SQLite: whether it stays below the newest revision. */
static int mark(struct lt_db *db, const struct lt_tables *schema, int at, struct leat_error *err)
{
    char sql[64];
    int64_t marks = 0;
    bool held = at < schema->n - 1;
    int rc = lt_db_kind(db) == LT_DB_SQLITE ? read_marks(db, &marks, err) : LEAT_OK;
    if (rc || lt_db_kind(db) != LT_DB_SQLITE || held == !!(marks & schema->held)) {
        return rc;
    }
    snprintf(sql, sizeof sql, "PRAGMA user_version = %" PRId64, marks ^ schema->held);
    return lt_db_exec(db, sql, err);
}

/* --- where it is to go ------------------------------------------------------------------------ */

static int no_revision(const char *text, struct leat_error *err)
{
    lt_fail(err, LT_E_NOT_FOUND, "there is no revision \"%.40s\"", text);
    leat_error_remedy(err, "`history` lists them");
    return LEAT_NOT_FOUND;
}

static int too_far(const struct lt_tables *schema, int at, const char *text, bool up,
                   struct leat_error *err)
{
    int left = up ? schema->n - 1 - at : at + 1;
    lt_fail(err, LT_E_NOT_FOUND, "%.40s goes too far: %s %s there %s %d revision%s", text,
            up ? "above" : "below", lt_tables_id(schema, at), left == 1 ? "is" : "are", left,
            left == 1 ? "" : "s");
    leat_error_remedy(err, "`history` lists them");
    return LEAT_NOT_FOUND;
}

static int by_prefix(const struct lt_tables *schema, const char *text, int *ret_step,
                     struct leat_error *err)
{
    int found = -1;
    for (int i = 0; i < schema->n; i++) {
        if (!*text || strncmp(schema->steps[i].id, text, strlen(text))) {
            continue;
        }
        if (found >= 0) {
            return lt_fail(err, LT_E_INVALID, "several revisions begin with \"%.40s\"", text);
        }
        found = i;
    }
    if (found < 0) {
        return no_revision(text, err);
    }
    *ret_step = found;
    return LEAT_OK;
}

static int resolve(const struct lt_tables *schema, int at, const char *text, int *ret_step,
                   struct leat_error *err)
{
    int64_t by;
    bool relative = *text == '+' || *text == '-';
    if (!strcmp(text, "head")) {
        *ret_step = schema->n - 1;
    } else if (!strcmp(text, "base")) {
        *ret_step = -1;
    } else if (relative && !lt_parse_int(text + (*text == '+'), &by)) {
        if (by < -1 - at || by > schema->n - 1 - at) {
            return too_far(schema, at, text, by > 0, err);
        }
        *ret_step = at + (int)by;
    } else {
        return by_prefix(schema, text, ret_step, err);
    }
    return LEAT_OK;
}

/* --- going there ------------------------------------------------------------------------------ */

static int set_version(struct lt_db *db, const struct lt_tables *schema, const char *table, int at,
                       struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int failed = lt_buf_printf(&sql, "DELETE FROM %s;", table);
    if (at >= 0) {
        failed |= lt_buf_printf(&sql, " INSERT INTO %s (version_num) VALUES ('%s')", table,
                                schema->steps[at].id);
    }
    int rc = failed ? lt_fail_oom(err) : lt_db_exec(db, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return rc;
}

/* Whether one of leat's own tables is there, and may be emptied. */
static const char *const find_beside[LT_DB_KINDS_N] = {
    [LT_DB_SQLITE] = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1",
    [LT_DB_POSTGRES] = "SELECT c.relname FROM pg_catalog.pg_class c"
                       " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE n.nspname = 'leat' AND c.relname = $1"
                       " AND has_schema_privilege(n.oid, 'USAGE')"
                       " AND has_table_privilege(c.oid, 'DELETE')",
};

static int empty_beside(struct lt_db *db, const struct lt_migration *step, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (const char *const *table = step->beside; *table && !rc; table++) {
        struct lt_db_rows rows = {0};
        rc = lt_db_query(db, find_beside[lt_db_kind(db)], 1, table, &rows, err);
        bool there = !rc && rows.n;
        lt_db_rows_done(&rows);
        char *sql = there ? lt_format("DELETE FROM {leat}%s", *table) : NULL;
        if (there) {
            rc = sql ? lt_db_exec(db, sql, err) : lt_fail_oom(err);
        }
        free(sql);
    }
    return rc;
}

static int run_steps(struct lt_db *db, const struct lt_tables *schema, int at, int to,
                     struct leat_error *err)
{
    enum lt_db_kind kind = lt_db_kind(db);
    int rc = LEAT_OK;
    while (at != to && !rc) {
        const struct lt_migration *step = &schema->steps[at < to ? at + 1 : at];
        rc = lt_db_exec(db, at < to ? step->sql[kind].up : step->sql[kind].down, err);
        rc = rc || at < to ? rc : empty_beside(db, step, err);
        if (rc) {
            leat_error_place(err, "%s to revision %s", at < to ? "upgrade" : "downgrade",
                             lt_tables_id(schema, at < to ? at + 1 : at - 1));
        }
        at += at < to ? 1 : -1;
    }
    return rc;
}

/* Under the lock, inside the transaction: nothing read here can change until its end. */
static int move_locked(struct lt_db *db, const struct lt_tables *schema, const char *to, bool up,
                       int *ret_from, int *ret_to, struct leat_error *err)
{
    char *table = NULL;
    int at = -1, target = -1;
    int rc = find_table(db, schema, &table, err);
    rc = rc || !table ? rc : read_at(db, schema, table, &at, err);
    rc = rc ? rc : resolve(schema, at, to, &target, err);
    if (!rc && at != target && (target > at) != up) {
        rc = lt_fail(err, LT_E_INVALID, "the revision %s lies %s of %s, where the schema is",
                     lt_tables_id(schema, target), up ? "in front" : "behind",
                     lt_tables_id(schema, at));
    }
    if (!rc && at != target && !table) {
        rc = lt_db_exec(db, schema->version[lt_db_kind(db)].make, err);
        rc = rc ? rc : find_table(db, schema, &table, err);
    }
    if (!rc && at != target) {
        rc = table ? run_steps(db, schema, at, target, err)
                   : lt_fail(err, LT_E_INTERNAL, "the version table was not made");
        rc = rc ? rc : set_version(db, schema, table, target, err);
        rc = rc ? rc : mark(db, schema, target, err);
    }
    free(table);
    *ret_from = at;
    *ret_to = target;
    return rc;
}

/* SQLite's BEGIN IMMEDIATE is the lock. */
static int take_lock(struct lt_db *db, const struct lt_tables *schema, struct leat_error *err)
{
    char number[LT_DB_NUMBER_MAX];
    const char *params[] = {lt_db_number_text(schema->lock, number)};
    if (lt_db_kind(db) == LT_DB_SQLITE) {
        return LEAT_OK;
    }
    int rc = lt_db_exec(db, LOCK_WAIT, err);
    return rc ? rc : lt_db_run(db, "SELECT pg_advisory_xact_lock($1)", 1, params, NULL, err);
}

/* The first schema of the search path is by default that of the role's name. */
static void warn_of_schema(struct lt_db *db, const struct lt_tables *schema)
{
    struct lt_db_rows rows = {0};
    const char *params[] = {schema->name};
    if (lt_db_kind(db) == LT_DB_POSTGRES &&
        !lt_db_query(db, "SELECT 1 WHERE current_schema() = $1", 1, params, &rows, NULL) &&
        rows.n) {
        lt_log(LT_LOG_WARN,
               "the schema %s is the first in this role's search path: names without a schema now "
               "go there; `ALTER ROLE CURRENT_USER SET search_path TO public` changes that",
               schema->name);
    }
    lt_db_rows_done(&rows);
}

int lt_tables_move(struct lt_db *db, const struct lt_tables *schema, const char *to, bool up,
                   lt_moved_fn *moved, void *arg, struct leat_error *err)
{
    int from = -1, target = -1;
    int rc = lt_db_begin(db, err);
    rc = rc ? rc : take_lock(db, schema, err);
    rc = rc ? rc : move_locked(db, schema, to, up, &from, &target, err);
    rc = lt_db_end(db, rc, err);
    if (!rc && up) {
        warn_of_schema(db, schema);
    }
    for (int at = from; !rc && moved && at != target; at += up ? 1 : -1) {
        moved(arg, schema, lt_tables_id(schema, at), lt_tables_id(schema, at + (up ? 1 : -1)));
    }
    return rc;
}
