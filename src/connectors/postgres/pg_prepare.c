/* Statements that come again are kept prepared on their connection: for many tables the server
 * plans the same questions about its catalogue again and again, which costs it ten times what
 * answering them does. The first time a statement goes as it is, the second time it is prepared. */
#include "connectors/postgres/pg.h"

#include <stdio.h>
#include <stdlib.h>

/* Longer ones are lists of oids or names of one table, and do not come again. */
#define TEXT_MAX 8192
#define NO_SUCH_STATEMENT "26000"

/* Statements by their text; those that came when it was full stay unprepared. */
struct pg_statement {
    char *text;
    char name[24]; /* "": seen once */
};

struct pg_statements {
    struct pg_statement items[PG_STATEMENTS_MAX];
    int n;
    bool off; /* what was prepared is not there any more: somebody deallocates */
};

void pg_statements_free(struct pg_statements *statements)
{
    for (int i = 0; statements && i < statements->n; i++) {
        free(statements->items[i].text);
    }
    free(statements);
}

/* NULL: not kept. */
static struct pg_statement *find(struct pg_conn *conn, const char *sql)
{
    if (pg_pooled(conn->ep) || (conn->statements && conn->statements->off) ||
        strlen(sql) > TEXT_MAX) {
        return NULL;
    }
    if (!conn->statements) {
        conn->statements = calloc(1, sizeof *conn->statements);
    }
    struct pg_statements *all = conn->statements;
    for (int i = 0; all && i < all->n; i++) {
        if (!strcmp(all->items[i].text, sql)) {
            return &all->items[i];
        }
    }
    if (all && all->n < PG_STATEMENTS_MAX && (all->items[all->n].text = lt_strdup(sql))) {
        all->n++;
    }
    return NULL;
}

/* Prepares the statement; one that cannot be goes on unprepared, and says why by itself. */
static int prepare(struct pg_conn *conn, struct pg_statement *statement, struct leat_error *err)
{
    char name[sizeof statement->name];
    snprintf(name, sizeof name, "leat_%d", (int)(statement - conn->statements->items));
    if (!conn->ep->pq->PQsendPrepare(conn->pg, name, statement->text, 0, NULL)) {
        return pg_fail_conn(conn, err);
    }
    int status = pg_flush(conn, err);
    status = status ? status : pg_finish_results(conn, NULL, err);
    if (!status) {
        memcpy(statement->name, name, sizeof name);
    }
    return status;
}

static int send(struct pg_conn *conn, const char *sql, const struct pg_statement *statement,
                int n_params, const char *const *params, PGresult **ret_result,
                struct leat_error *err)
{
    const struct lt_pq *pq = conn->ep->pq;
    int sent =
        statement
            ? pq->PQsendQueryPrepared(conn->pg, statement->name, n_params, params, NULL, NULL, 0)
            : pq->PQsendQueryParams(conn->pg, sql, n_params, NULL, params, NULL, NULL, 0);
    if (!sent) {
        return pg_fail_conn(conn, err);
    }
    int status = pg_flush(conn, err);
    return status ? status : pg_finish_results(conn, ret_result, err);
}

int pg_query(struct pg_conn *conn, const char *sql, int n_params, const char *const *params,
             PGresult **ret_result, struct leat_error *err)
{
    PGresult *last = NULL;
    int status = pg_before_sending(conn, err);
    struct pg_statement *statement = status || !n_params ? NULL : find(conn, sql);
    if (!status && statement && !*statement->name) {
        status = prepare(conn, statement, err);
    }
    struct leat_error why = {.status = LEAT_OK};
    status = status ? status : send(conn, sql, statement, n_params, params, &last, &why);
    if (why.status && statement && !conn->broken && !strcmp(why.sqlstate, NO_SUCH_STATEMENT)) {
        conn->statements->off = true;
        why.status = LEAT_OK;
        /* In a transaction this one fails too: the whole is tried again then. */
        status = send(conn, sql, NULL, n_params, params, &last, &why);
    }
    if (why.status && err) {
        *err = why;
    }
    if (!status && !last) {
        return pg_fail_conn(conn, err);
    }
    if (!status) {
        *ret_result = last;
    }
    return status;
}
