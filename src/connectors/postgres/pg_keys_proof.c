/* Whether all rows have those that a foreign key says they refer to: of several large tables that
 * is asked on several connections.
 *
 * Adding a key takes both tables alone against writers until its rows are checked, so keys to one
 * table would wait for each other. It is added unchecked first, which is done at once; checking takes
 * neither table from writers, and only two keys of one table clash. The server holds rows that come
 * to a key from the moment it is there.
 *
 * Between the two it stands unproven, with a comment that says so. A failure drops it. A run that is
 * killed there leaves it, and the next with the same keys proves it. */
#include "connectors/postgres/pg_abreast.h"
#include "connectors/postgres/pg_keys.h"
#include "connectors/postgres/pg_load.h"

#include "core/util.h"

#include <stdlib.h>

static int put_comment(const struct pg_key *key, const char *text, struct lt_buf *sql)
{
    return lt_buf_puts(sql, "; COMMENT ON CONSTRAINT ") | pg_ident(sql, key->name) |
           lt_buf_printf(sql, " ON %s IS %s", key->quoted, text);
}

int pg_key_put_unproven(const struct pg_key *key, struct lt_buf *sql)
{
    return lt_buf_printf(sql, "%s NOT VALID", key->add) |
           put_comment(key, "'" PG_KEY_UNPROVEN "'", sql);
}

int pg_key_put_proof(const struct pg_key *key, struct lt_buf *sql)
{
    return lt_buf_printf(sql, "ALTER TABLE %s VALIDATE CONSTRAINT ", key->quoted) |
           pg_ident(sql, key->name) | put_comment(key, "NULL", sql);
}

bool pg_keys_abreast(const struct leat_endpoint *ep, const struct pg_keys *keys, int threads)
{
    size_t large = 0;
    for (size_t i = 0; i < keys->n; i++) {
        large += keys->items[i].large;
    }
    return large > 1 && threads > 1 && !pg_pooled(ep);
}

int pg_key_blame(const struct pg_key *key, int status, struct leat_error *err)
{
    leat_error_place(err, "%s.%s: foreign key %s", key->ns, key->table, key->name);
    return status;
}

/* --- as tasks ------------------------------------------------------------------------------ */

/* The keys that are to be proven, in order. */
struct proofs {
    struct pg_key **keys;
    size_t n;
};

static struct pg_key *key_of(void *arg, size_t task)
{
    return ((const struct proofs *)arg)->keys[task];
}

/* One string of statements is one transaction. */
static int put(void *arg, size_t task, const struct pg_conn *conn, int lanes, struct lt_buf *sql)
{
    return pg_extras_settings(conn, PG_ROWS_WORTH_SETTINGS, lanes, sql) |
           pg_key_put_proof(key_of(arg, task), sql);
}

static int blame(void *arg, size_t task, int status, struct leat_error *err)
{
    return pg_key_blame(key_of(arg, task), status, err);
}

static void over(void *arg, size_t task)
{
    key_of(arg, task)->unproven = false;
}

/* The second would wait for the first. */
static bool clash(void *arg, size_t one, size_t other)
{
    return !strcmp(key_of(arg, one)->quoted, key_of(arg, other)->quoted);
}

static int run_proofs(struct pg_conn *conn, struct proofs *proofs, int threads,
                      struct leat_error *err)
{
    const struct pg_tasks tasks = {.arg = proofs,
                                   .n = proofs->n,
                                   .put = put,
                                   .blame = blame,
                                   .over = over,
                                   .clash = clash,
                                   .in_order = true};
    struct pg_abreast abreast;
    struct leat_error why;
    size_t wanted = LT_MIN((size_t)LT_MAX(threads, 1), proofs->n);
    int status = pg_abreast_open(conn->ep, conn, wanted, &abreast, &why, err);
    if (!status) {
        pg_log(conn->ep, LEAT_LOG_INFO, "%zu foreign keys are checked by %d connections%s%s",
               proofs->n, abreast.n, why.status ? ": " : "", why.message);
        status = pg_abreast_run(&abreast, &tasks, err);
    }
    pg_abreast_close(&abreast);
    return status;
}

int pg_keys_prove(struct pg_conn *conn, struct pg_keys *keys, int threads, struct leat_error *err)
{
    struct proofs proofs = {.keys = calloc(keys->n + 1, sizeof(struct pg_key *))};
    int status = proofs.keys ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < keys->n && !status; i++) {
        if (keys->items[i].unproven) {
            proofs.keys[proofs.n++] = &keys->items[i];
        }
    }
    if (!status && proofs.n) {
        status = run_proofs(conn, &proofs, threads, err);
    }
    free(proofs.keys);
    return status;
}

/* --- after a failure ----------------------------------------------------------------------- */

static int drop_one(struct pg_conn *conn, const struct pg_key *key, struct leat_error *err)
{
    struct lt_buf sql = LT_BUF_INIT;
    int failed = lt_buf_printf(&sql, "ALTER TABLE %s DROP CONSTRAINT ", key->quoted) |
                 pg_ident(&sql, key->name);
    int status = failed ? lt_fail_oom(err) : pg_exec(conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    return status;
}

void pg_keys_drop_unproven(struct leat_endpoint *ep, struct pg_keys *keys)
{
    struct pg_conn *conn = NULL;
    struct leat_error why = {.status = LEAT_OK};
    int status = LEAT_OK;
    for (size_t i = 0; i < keys->n; i++) {
        struct pg_key *key = &keys->items[i];
        if (!key->unproven) {
            continue;
        }
        if (!conn && !status) {
            status = pg_take_grace(ep, PG_CLEANUP_MS, &conn, &why);
        }
        int left = status ? status : drop_one(conn, key, &why);
        if (left) {
            pg_log(ep, LEAT_LOG_WARN,
                   "%s.%s: its foreign key %s stands, but not all rows are checked; the next "
                   "--with foreign-keys does that: %s",
                   key->ns, key->table, key->name, why.message);
        }
        key->unproven = false;
    }
    if (conn) {
        pg_grace(conn, 0);
        pg_give(conn);
    }
}
