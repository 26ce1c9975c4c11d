/* Both sides of a run opened, and its streams listed. A server that is logged in to makes one wait:
 * so the destinations are opened on a thread of their own where the source gives something to do
 * meanwhile, a login of its own or a file whose types are to be inferred. */
#include "core/codes.h"
#include "core/thread.h"
#include "engine/run.h"
#include "engine/session.h"
#include "engine/stream_source.h"

#include <stdatomic.h>
#include <string.h>

/* The destinations of a worker, being opened. */
struct opening {
    struct lt_worker *worker;
    pthread_t thread;
    bool started;
    int status;
    struct leat_error error;
};

static void *open_dests(void *arg)
{
    struct opening *opening = arg;
    opening->status = lt_worker_open_dests(opening->worker, &opening->error);
    return NULL;
}

/* Worth a thread: files are opened in less time than one starts. */
static bool is_system(struct lt_run *run, const struct lt_location *location)
{
    const struct leat_connector *connector =
        strcmp(location->connector, LT_STREAM_SOURCE_NAME) != 0
            ? lt_session_connector(run->leat, location->connector)
            : NULL;
    return connector && LT_CONNECTOR_HAS(connector, sql);
}

static void opening_start(struct lt_run *run, struct opening *opening)
{
    bool worth = false;
    for (size_t d = 0; d < run->plan->n_destinations; d++) {
        worth = worth || is_system(run, &run->plan->destinations[d]);
    }
    opening->started = worth && !lt_thread_start(&opening->thread, open_dests, opening, NULL);
}

/* Without a thread they are opened now. */
static int opening_finish(struct opening *opening, struct leat_error *err)
{
    if (opening->started) {
        pthread_join(opening->thread, NULL);
    } else {
        open_dests(opening);
    }
    if (opening->status && err) {
        *err = opening->error;
    }
    return opening->status;
}

/* --- a look ahead -------------------------------------------------------------------------- */

/* Whether the one read of this run can be started before its destinations are known: what its plan
 * is made of is known, nothing has to be asked of the source before, and what fails can be done
 * again. Only where that takes its time: reading beside a library that is being loaded makes both
 * wait for the kernel, for they share one address space. */
static bool can_look_ahead(const struct lt_run *run, const struct lt_side *source)
{
    const struct lt_settings *s = &run->plan->settings;
    return run->plan->action == LEAT_ACTION_COPY && run->jobs.n == 1 && source->connector->source &&
           lt_side_can(source, LEAT_INFERS) && !lt_side_can(source, LEAT_IS_TERMINAL) &&
           !run->resume && run->on_loss == LT_LOSS_ERROR && !lt_settings_text(s, "schema-from") &&
           strcmp(lt_settings_text(s, "on-error"), "skip") != 0;
}

/* A fault is nobody's yet: the unit meets it again, where it is told. */
static void look_ahead(struct lt_run *run, struct lt_side *source)
{
    struct leat_read_plan plan;
    lt_run_share_out(run, 1);
    lt_run_read_plan(run, source, &run->jobs.items[0], &plan);
    struct leat_reader *ahead = NULL;
    if (source->connector->source->start(source->ep, &plan, &ahead, NULL)) {
        source->stale = true;
    } else {
        atomic_store(&run->ahead, ahead);
    }
}

struct leat_reader *lt_run_take_ahead(struct lt_run *run)
{
    return atomic_exchange(&run->ahead, NULL);
}

void lt_run_drop_ahead(struct lt_run *run, const struct lt_side *source)
{
    struct leat_reader *ahead = lt_run_take_ahead(run);
    if (ahead) {
        source->connector->source->finish(ahead);
    }
}

/* --- both sides ---------------------------------------------------------------------------- */

static int open_once(struct lt_run *run, struct lt_worker *first, struct leat_error *err)
{
    struct opening opening = {.worker = first};
    struct leat_error unlisted = {0}, unopened = {0};
    int rc = lt_worker_init(run, first, err);
    if (rc) {
        return rc;
    }
    if (is_system(run, &run->plan->source)) {
        opening_start(run, &opening);
    }
    rc = lt_side_open(run, &run->plan->source, &first->source, err);
    int listed = rc ? rc : lt_jobs_find(run, first->source, &unlisted);
    if (!listed && can_look_ahead(run, first->source)) {
        if (!opening.started) {
            opening_start(run, &opening);
        }
        if (opening.started) {
            look_ahead(run, first->source);
        }
    }
    atomic_store(&run->opens_in_vain, rc != LEAT_OK);
    int opened = opening.started || !rc ? opening_finish(&opening, &unopened) : LEAT_OK;
    atomic_store(&run->opens_in_vain, false);
    /* The first of the faults is told in the order in which one looks for them. */
    if (!rc && opened) {
        rc = opened;
        *err = unopened;
    }
    rc = rc ? rc : lt_jobs_check(run, first->source, first->dests, err);
    if (!rc && listed) {
        rc = listed;
        *err = unlisted;
    }
    return rc ? rc : lt_jobs_place(run, first->source, first->dests, err);
}

int lt_run_open(struct lt_run *run, struct lt_worker *first, struct leat_error *err)
{
    int64_t retries = lt_settings_number(&run->plan->settings, "retries");
    int64_t wait_ms = LT_RETRY_FIRST_MS;
    for (int64_t tries = 1;; tries++) {
        int rc = open_once(run, first, err);
        if (rc != LEAT_UNAVAILABLE || tries > retries || run->plan->stream_name) {
            return rc;
        }
        lt_worker_close(first);
        memset(first, 0, sizeof *first);
        lt_jobs_done(&run->jobs, run->plan->n_destinations);
        rc = lt_run_back_off(run, run->plan->source.text, &wait_ms, err);
        if (rc) {
            return rc;
        }
    }
}
