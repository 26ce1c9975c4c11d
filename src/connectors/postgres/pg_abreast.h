/* Tasks of a server that several connections have at work, one each at a time.
 *
 * One thread sends them and waits for all, for the server does the work. */
#ifndef LT_PG_ABREAST_H
#define LT_PG_ABREAST_H

#include "connectors/postgres/pg.h"

#define PG_ABREAST_MAX 4 /* connections */

/* What is to be done. Tasks have the numbers 0..n-1 and begin in that order. */
struct pg_tasks {
    void *arg;
    size_t n;
    /* Appends the statements of a task; `lanes` connections are at work. LEAT_OK or not. */
    int (*put)(void *arg, size_t task, const struct pg_conn *conn, int lanes, struct lt_buf *sql);
    /* Returns the status of a task's failure, which *err comes to name. */
    int (*blame)(void *arg, size_t task, int status, struct leat_error *err);
    /* A task is over, and did not fail. NULL: nobody asks. */
    void (*over)(void *arg, size_t task);
    /* May these two not run at once? NULL: all may. */
    bool (*clash)(void *arg, size_t one, size_t other);
    /* Of several failures that of the first task is told, as if they had run one after the other:
     * tasks before one that failed go on. Else the first failure stops all. */
    bool in_order;
};

struct pg_lane {
    struct pg_conn *conn;
    size_t task;
    bool busy;
    int status;              /* of the statements under way, with its error */
    struct leat_error error; /* where status is not LEAT_OK */
};

struct pg_abreast {
    struct leat_endpoint *ep;
    struct pg_lane lanes[PG_ABREAST_MAX];
    int n;
};

/* `first` stays the caller's; beside it as many as `wanted` needs, less where the server has no more
 * to give: why not is said in *ret_why. Fails only when the run is cancelled. To be closed then, too. */
int pg_abreast_open(struct leat_endpoint *ep, struct pg_conn *first, size_t wanted,
                    struct pg_abreast *ret_abreast, struct leat_error *ret_why,
                    struct leat_error *err);
/* Runs them all. After a failure no statement is under way. */
int pg_abreast_run(struct pg_abreast *abreast, const struct pg_tasks *tasks,
                   struct leat_error *err);
void pg_abreast_close(struct pg_abreast *abreast);

#endif
