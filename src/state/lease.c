/* Leases: a row a name, taken by whoever finds it absent or out of date. */
#include "core/codes.h"
#include "core/thread.h"
#include "core/util.h"
#include "state/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BEATS_PER_TTL 3
#define HOST_MAX 256

struct leat_lease {
    struct leat_state *state; /* the beating thread's alone, once that runs */
    char *name;
    char holder[33];
    int64_t ttl_ms, fence;
    pthread_t thread;
    bool beating;
    pthread_mutex_t mutex; /* guards stop, lost, beat_us */
    pthread_cond_t wake;
    bool stop, lost;
    int64_t beat_us; /* monotonic, when it was last known to be held */
};

/* now() is the same in the whole statement. */
#define TAKE_SQL                                                                                   \
    "INSERT INTO {leat}lease AS l (name, holder, fence, host, pid, taken_on, beat_on, ttl_us)"     \
    " VALUES ($1, $2, 1, $3, $4, {now}, {now}, $5) ON CONFLICT (name) DO UPDATE"                   \
    " SET holder = excluded.holder, fence = l.fence + 1, host = excluded.host,"                    \
    " pid = excluded.pid, taken_on = {now}, beat_on = {now}, ttl_us = excluded.ttl_us"             \
    " WHERE {us l.beat_on} + l.ttl_us < {now_us}"
#define BEAT_SQL "UPDATE {leat}lease SET beat_on = {now} WHERE name = $1 AND holder = $2"
#define GIVE_SQL "UPDATE {leat}lease SET ttl_us = -1 WHERE name = $1 AND holder = $2"
#define WHO_SQL                                                                                    \
    "SELECT holder, fence, host, pid, ({now_us} - {us taken_on}) / 1000000,"                       \
    " ({now_us} - {us beat_on}) / 1000000 FROM {leat}lease WHERE name = $1"

static int who_holds(struct leat_lease *lease, bool taken, struct leat_error *err)
{
    struct lt_db_rows rows = {0};
    const char *params[] = {lease->name};
    int rc = lt_db_query(lease->state->db, WHO_SQL, 1, params, &rows, err);
    bool mine = !rc && rows.n && !strcmp(lt_db_cell(&rows, 0, 0), lease->holder);
    if (mine && taken) {
        lease->fence = lt_db_number(&rows, 0, 1, 0);
    } else if (!rc && rows.n) {
        rc = lt_fail(err, LT_E_LEASE_HELD,
                     "process %s on %s holds \"%s\" for %s s, and was last heard of %s s ago",
                     lt_db_cell(&rows, 0, 3), lt_db_cell(&rows, 0, 2), lease->name,
                     lt_db_cell(&rows, 0, 4), lt_db_cell(&rows, 0, 5));
    } else if (!rc) {
        rc = lt_fail(err, LT_E_LEASE_HELD, "\"%s\" is held", lease->name);
    }
    lt_db_rows_done(&rows);
    return rc;
}

static int take(struct leat_lease *lease, struct leat_error *err)
{
    char host[HOST_MAX] = "", pid[LT_DB_NUMBER_MAX], ttl[LT_DB_NUMBER_MAX];
    gethostname(host, sizeof host - 1);
    const char *params[] = {lease->name, lease->holder, host, lt_db_number_text(getpid(), pid),
                            lt_db_number_text(lease->ttl_ms * 1000, ttl)};
    int64_t changed = 0;
    lease->beat_us = lt_now_us();
    int rc = lt_db_run(lease->state->db, TAKE_SQL, 5, params, &changed, err);
    return rc ? rc : who_holds(lease, changed == 1, err);
}

/* --- renewing ------------------------------------------------------------------------------- */

/* Waits for the next beat; false when it is time to stop. */
static bool wait_for_beat(struct leat_lease *lease)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + lease->ttl_ms / BEATS_PER_TTL * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&lease->mutex);
    int waited = 0;
    while (!lease->stop && !waited) {
        waited = pthread_cond_timedwait(&lease->wake, &lease->mutex, &until);
    }
    bool go_on = !lease->stop;
    pthread_mutex_unlock(&lease->mutex);
    return go_on;
}

/* A connection that was lost is made anew at the next beat. */
static int reconnect(struct leat_lease *lease)
{
    struct leat_state *fresh = NULL;
    int rc = leat_state_open(lease->state->location, lease->state->flags, &fresh, NULL);
    if (!rc) {
        leat_state_close(lease->state);
        lease->state = fresh;
    }
    return rc;
}

static void *beat(void *arg)
{
    struct leat_lease *lease = arg;
    const char *params[] = {lease->name, lease->holder};
    bool lost = false;
    while (!lost && wait_for_beat(lease)) {
        int64_t changed = 0, now = lt_now_us();
        int rc = lt_db_run(lease->state->db, BEAT_SQL, 2, params, &changed, NULL);
        lost = !rc && changed != 1;
        pthread_mutex_lock(&lease->mutex);
        lease->lost = lost;
        lease->beat_us = rc || lost ? lease->beat_us : now;
        pthread_mutex_unlock(&lease->mutex);
        if (rc) {
            reconnect(lease);
        }
    }
    return NULL;
}

static int start_beating(struct leat_lease *lease, struct leat_error *err)
{
    int rc = lt_thread_start(&lease->thread, beat, lease, err);
    lease->beating = !rc;
    return rc;
}

/* --- the public face -------------------------------------------------------------------------- */

static int init_locks(struct leat_lease *lease)
{
    pthread_condattr_t clock;
    int failed = pthread_condattr_init(&clock);
    failed |= pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    failed |= pthread_mutex_init(&lease->mutex, NULL);
    failed |= pthread_cond_init(&lease->wake, &clock);
    pthread_condattr_destroy(&clock);
    return failed;
}

int leat_lease_take(struct leat_state *state, const char *name, int64_t ttl_ms,
                    struct leat_lease **ret_lease, struct leat_error *err)
{
    if (ttl_ms < BEATS_PER_TTL || ttl_ms > INT64_MAX / 1000000 || !*name) {
        return lt_fail(err, LT_E_INVALID, "a lease needs a name and some milliseconds");
    }
    struct leat_lease *lease = calloc(1, sizeof *lease);
    if (!lease || init_locks(lease)) {
        free(lease);
        return lt_fail_oom(err);
    }
    lease->ttl_ms = ttl_ms;
    lease->name = lt_strdup(name);
    lt_new_id(lease->holder);
    int rc = lease->name ? LEAT_OK : lt_fail_oom(err);
    rc = rc ? rc : leat_state_open(state->location, state->flags, &lease->state, err);
    rc = rc ? rc : take(lease, err);
    rc = rc ? rc : start_beating(lease, err);
    if (rc) {
        leat_lease_release(lease);
        return rc;
    }
    *ret_lease = lease;
    return LEAT_OK;
}

int leat_lease_check(struct leat_lease *lease, struct leat_error *err)
{
    pthread_mutex_lock(&lease->mutex);
    bool lost = lease->lost || lt_now_us() - lease->beat_us > lease->ttl_ms * 1000;
    pthread_mutex_unlock(&lease->mutex);
    return lost ? lt_fail(err, LT_E_LEASE_LOST, "\"%s\" was not renewed in time", lease->name)
                : LEAT_OK;
}

int64_t leat_lease_fence(const struct leat_lease *lease)
{
    return lease->fence;
}

void leat_lease_release(struct leat_lease *lease)
{
    if (!lease) {
        return;
    }
    if (lease->beating) {
        pthread_mutex_lock(&lease->mutex);
        lease->stop = true;
        pthread_cond_signal(&lease->wake);
        pthread_mutex_unlock(&lease->mutex);
        pthread_join(lease->thread, NULL);
    }
    if (lease->state) {
        const char *params[] = {lease->name, lease->holder};
        (void)lt_db_run(lease->state->db, GIVE_SQL, 2, params, NULL, NULL);
        leat_state_close(lease->state);
    }
    pthread_cond_destroy(&lease->wake);
    pthread_mutex_destroy(&lease->mutex);
    free(lease->name);
    free(lease);
}
