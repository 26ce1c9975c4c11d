#include "connectors/postgres/pg_expected.h"

#include "core/util.h"

#include <stdlib.h>

/* A table may be altered after it was asked about, as it may between a question and a read. */
#define FRESH_US 1000000
#define COLUMNS_MAX 4000 /* of all tables asked about at once: some 2 MB of answer */

struct pg_expected {
    PGresult *facts, *columns; /* of all of them */
    int64_t until_us;          /* what they say is too old then */
    bool *taken;               /* one a row of `facts` */
};

void pg_expected_forget(struct leat_endpoint *ep)
{
    struct pg_expected *expected = ep->expected;
    ep->expected = NULL;
    if (expected) {
        ep->pq->PQclear(expected->facts);
        ep->pq->PQclear(expected->columns);
        free(expected->taken);
        free(expected);
    }
}

static int ask_facts(struct pg_conn *conn, const struct leat_stream_name *names, size_t n,
                     PGresult **ret_facts, struct leat_error *err)
{
    struct lt_buf spaces = LT_BUF_INIT, tables = LT_BUF_INIT;
    int failed = lt_buf_byte(&spaces, '{') | lt_buf_byte(&tables, '{');
    for (size_t i = 0; i < n; i++) {
        const char *ns = names[i].ns && *names[i].ns ? names[i].ns : conn->ep->default_ns;
        failed |= pg_array_element(&spaces, ns) | pg_array_element(&tables, names[i].name);
    }
    failed |= lt_buf_byte(&spaces, '}') | lt_buf_byte(&tables, '}');
    int status =
        failed ? lt_fail_oom(err)
               : pg_query_facts(conn, lt_buf_text(&spaces), lt_buf_text(&tables), ret_facts, err);
    lt_buf_done(&spaces);
    lt_buf_done(&tables);
    return status;
}

/* Tables behind the first COLUMNS_MAX columns are left to be asked about by themselves. */
static int ask_columns(struct pg_conn *conn, struct pg_expected *expected, struct leat_error *err)
{
    struct lt_buf oids = LT_BUF_INIT;
    int n = pg_rows(conn, expected->facts), columns = 0;
    int failed = lt_buf_byte(&oids, '{');
    for (int i = 0; i < n; i++) {
        struct pg_fact table = pg_fact(conn, expected->facts, i);
        columns += table.n_columns;
        expected->taken[i] = columns > COLUMNS_MAX;
        if (!expected->taken[i]) {
            failed |= lt_buf_printf(&oids, "%s%u", i ? "," : "", table.oid);
        }
    }
    failed |= lt_buf_byte(&oids, '}');
    int status = failed ? lt_fail_oom(err)
                        : pg_query_columns(conn, lt_buf_text(&oids), &expected->columns, err);
    lt_buf_done(&oids);
    return status;
}

int pg_expect(struct leat_endpoint *ep, const struct leat_stream_name *names, size_t n,
              struct leat_error *err)
{
    struct pg_conn *conn = NULL;
    pg_expected_forget(ep);
    struct pg_expected *expected = calloc(1, sizeof *expected);
    ep->expected = expected;
    int status = expected ? pg_take_held(ep, &conn, err) : lt_fail_oom(err);
    int64_t asked_us = lt_now_us();
    status = status ? status : ask_facts(conn, names, n, &expected->facts, err);
    if (!status && pg_rows(conn, expected->facts)) {
        expected->taken = calloc((size_t)pg_rows(conn, expected->facts), sizeof(bool));
        status = expected->taken ? ask_columns(conn, expected, err) : lt_fail_oom(err);
    }
    if (!status && expected->columns) {
        expected->until_us = asked_us + FRESH_US;
    } else {
        pg_expected_forget(ep);
    }
    pg_give(conn);
    return status;
}

int pg_expected_take(struct pg_conn *conn, const struct leat_stream_name *name,
                     struct pg_table *ret_table, bool *ret_found, struct leat_error *err)
{
    struct pg_expected *expected = conn->ep->expected;
    const char *ns = name->ns && *name->ns ? name->ns : conn->ep->default_ns;
    *ret_found = false;
    if (!expected || lt_now_us() > expected->until_us) {
        pg_expected_forget(conn->ep);
        return LEAT_OK;
    }
    for (int i = 0; i < pg_rows(conn, expected->facts); i++) {
        struct pg_fact found = pg_fact(conn, expected->facts, i);
        if (!expected->taken[i] && !strcmp(found.ns, ns) && !strcmp(found.name, name->name)) {
            *ret_found = expected->taken[i] = true;
            return pg_table_of_facts(conn, expected->facts, i, expected->columns, ret_table, err);
        }
    }
    return LEAT_OK;
}
