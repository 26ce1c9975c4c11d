/* Several connections with a task each: whoever is idle is sent the next, and one poll() waits for
 * all of them. */
#include "connectors/postgres/pg_abreast.h"

#include "core/codes.h"
#include "core/util.h"

#include <poll.h>
#include <stdlib.h>

#define WAIT_ROUND_MS 100

/* Where a run stands. */
struct round {
    struct pg_abreast *abreast;
    const struct pg_tasks *tasks;
    bool *begun;  /* a task each */
    size_t limit; /* tasks from here on are not begun any more */
    int status;   /* of the task that is told */
};

int pg_abreast_open(struct leat_endpoint *ep, struct pg_conn *first, size_t wanted,
                    struct pg_abreast *ret_abreast, struct leat_error *ret_why,
                    struct leat_error *err)
{
    struct pg_abreast *a = ret_abreast;
    *a = (struct pg_abreast){.ep = ep, .n = 1};
    *ret_why = (struct leat_error){.status = LEAT_OK};
    a->lanes[0].conn = first;
    while ((size_t)a->n < LT_MIN(wanted, PG_ABREAST_MAX) && !ret_why->status) {
        if (!pg_take(ep, &a->lanes[a->n].conn, ret_why)) {
            a->n++;
        }
    }
    return ret_why->status == LEAT_CANCELLED ? lt_fail(err, LT_E_CANCELLED, "cancelled") : LEAT_OK;
}

void pg_abreast_close(struct pg_abreast *abreast)
{
    for (int i = 1; i < abreast->n; i++) {
        pg_give(abreast->lanes[i].conn);
    }
    abreast->n = 0;
}

static bool clashes(const struct round *round, size_t task)
{
    const struct pg_tasks *tasks = round->tasks;
    bool clash = false;
    for (int i = 0; tasks->clash && i < round->abreast->n; i++) {
        const struct pg_lane *lane = &round->abreast->lanes[i];
        clash = clash || (lane->busy && tasks->clash(tasks->arg, task, lane->task));
    }
    return clash;
}

/* Sends the first task that may begin, if there is one. */
static int begin_next(struct round *round, struct pg_lane *lane, struct leat_error *err)
{
    const struct pg_tasks *tasks = round->tasks;
    size_t task = 0;
    while (task < round->limit && (round->begun[task] || clashes(round, task))) {
        task++;
    }
    if (task == round->limit) {
        return LEAT_OK;
    }
    struct lt_buf sql = LT_BUF_INIT;
    int status = tasks->put(tasks->arg, task, lane->conn, round->abreast->n, &sql)
                     ? lt_fail_oom(err)
                     : pg_send(lane->conn, lt_buf_text(&sql), err);
    lt_buf_done(&sql);
    round->begun[task] = true;
    lane->task = task;
    lane->busy = !status;
    lane->status = LEAT_OK;
    return status ? tasks->blame(tasks->arg, task, status, err) : LEAT_OK;
}

/* Takes the results that have come; the task is over after the last, or when the connection is. */
static void collect(struct pg_lane *lane)
{
    const struct lt_pq *pq = lane->conn->ep->pq;
    if (!pq->PQconsumeInput(lane->conn->pg)) {
        lane->status = pg_fail_conn(lane->conn, &lane->error);
        lane->busy = false;
    }
    while (lane->busy && !pq->PQisBusy(lane->conn->pg)) {
        PGresult *result = pq->PQgetResult(lane->conn->pg);
        ExecStatusType kind = pq->PQresultStatus(result);
        lane->busy = result != NULL;
        if (result && kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK && !lane->status) {
            lane->status = pg_fail_result(lane->conn, result, &lane->error);
        }
        pg_clear(lane->conn, result);
    }
}

/* Those that run from `limit` on are stopped. */
static void stop_from(struct pg_abreast *abreast, size_t limit)
{
    for (int i = 0; i < abreast->n; i++) {
        struct pg_lane *lane = &abreast->lanes[i];
        if (lane->busy && lane->task >= limit) {
            pg_interrupt(lane->conn);
            lane->busy = false;
        }
    }
}

static void end_task(struct round *round, struct pg_lane *lane, struct leat_error *err)
{
    const struct pg_tasks *tasks = round->tasks;
    if (!lane->status) {
        if (tasks->over) {
            tasks->over(tasks->arg, lane->task);
        }
    } else if (lane->task < round->limit) {
        round->status = tasks->blame(tasks->arg, lane->task, lane->status, &lane->error);
        round->limit = tasks->in_order ? lane->task : 0;
        stop_from(round->abreast, round->limit);
        if (err) {
            *err = lane->error;
        }
    }
}

/* Waits until one of them has something to say, or a round is over. */
static int wait_any(struct round *round, struct leat_error *err)
{
    struct pg_abreast *abreast = round->abreast;
    struct pollfd fds[PG_ABREAST_MAX];
    for (int i = 0; i < abreast->n; i++) {
        const struct pg_lane *lane = &abreast->lanes[i];
        fds[i] =
            (struct pollfd){lane->busy ? abreast->ep->pq->PQsocket(lane->conn->pg) : -1, POLLIN, 0};
    }
    poll(fds, (nfds_t)abreast->n, WAIT_ROUND_MS);
    if (pg_is_cancelled(abreast->ep)) {
        return lt_fail(err, LT_E_CANCELLED, "cancelled");
    }
    for (int i = 0; i < abreast->n; i++) {
        struct pg_lane *lane = &abreast->lanes[i];
        if (lane->busy && fds[i].revents) {
            collect(lane);
            if (!lane->busy) {
                end_task(round, lane, err);
            }
        }
    }
    return LEAT_OK;
}

int pg_abreast_run(struct pg_abreast *abreast, const struct pg_tasks *tasks, struct leat_error *err)
{
    struct round round = {abreast, tasks, calloc(tasks->n + 1, sizeof(bool)), tasks->n, LEAT_OK};
    int status = round.begun ? LEAT_OK : lt_fail_oom(err);
    int busy = 0;
    do {
        busy = 0;
        for (int i = 0; i < abreast->n && !status; i++) {
            struct pg_lane *lane = &abreast->lanes[i];
            status = lane->busy ? LEAT_OK : begin_next(&round, lane, err);
            busy += lane->busy;
        }
        status = status || !busy ? status : wait_any(&round, err);
    } while (!status && busy);
    stop_from(abreast, 0);
    free(round.begun);
    return status ? status : round.status;
}
