/* See relay.h. Jobs are numbered as they are put; job n lies in slot n % slots. */
#include "core/relay.h"

#include "core/codes.h"
#include "core/thread.h"
#include "core/util.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/banned.h"

struct job {
    bool done;
    int status;
    struct leat_error error;
};

struct lt_relay {
    lt_relay_fn *fn;
    void *arg;
    size_t n_slots;
    int n_max;             /* threads that may be started */
    int n;                 /* and that are */
    uint64_t put, taken;   /* jobs so far; only the owner's */
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t begun, ended;
    uint64_t offered; /* = put, as the threads see it */
    uint64_t next;    /* first job that nobody began */
    int idle;         /* threads that wait for one */
    bool over;        /* the relay is being freed */
    struct job jobs[LT_RELAY_SLOTS_MAX];
    pthread_t threads[LT_RELAY_THREADS_MAX];
};

size_t lt_relay_slots_for(int threads)
{
    return (size_t)LT_MIN(LT_MAX(threads, 1), LT_RELAY_THREADS_MAX) + (threads > 1);
}

/* Does the first job that nobody began. The mutex is held on the way in and out, not during the
 * call. */
static void work(struct lt_relay *relay)
{
    size_t slot = (size_t)(relay->next++ % relay->n_slots);
    struct job *job = &relay->jobs[slot];
    pthread_mutex_unlock(&relay->mutex);
    int status = relay->fn(relay->arg, slot, &job->error);
    pthread_mutex_lock(&relay->mutex);
    job->status = status;
    job->done = true;
    pthread_cond_signal(&relay->ended);
}

static void *help(void *arg)
{
    struct lt_relay *relay = arg;
    pthread_mutex_lock(&relay->mutex);
    while (!relay->over) {
        if (relay->next < relay->offered) {
            work(relay);
            continue;
        }
        relay->idle++;
        pthread_cond_wait(&relay->begun, &relay->mutex);
        relay->idle--;
    }
    pthread_mutex_unlock(&relay->mutex);
    return NULL;
}

int lt_relay_new(int threads, size_t slots, lt_relay_fn *fn, void *arg, struct lt_relay **ret_relay,
                 struct leat_error *err)
{
    struct lt_relay *relay = calloc(1, sizeof *relay);
    if (!relay) {
        return lt_fail_oom(err);
    }
    relay->fn = fn;
    relay->arg = arg;
    relay->n_slots = LT_MIN(LT_MAX(slots, (size_t)1), (size_t)LT_RELAY_SLOTS_MAX);
    relay->n_max = LT_MIN(LT_MAX(threads, 1), LT_RELAY_THREADS_MAX) - 1;
    pthread_mutex_init(&relay->mutex, NULL);
    pthread_cond_init(&relay->begun, NULL);
    pthread_cond_init(&relay->ended, NULL);
    *ret_relay = relay;
    return LEAT_OK;
}

void lt_relay_free(struct lt_relay *relay)
{
    if (!relay) {
        return;
    }
    pthread_mutex_lock(&relay->mutex);
    relay->over = true;
    pthread_cond_broadcast(&relay->begun);
    pthread_mutex_unlock(&relay->mutex);
    for (int i = 0; i < relay->n; i++) {
        pthread_join(relay->threads[i], NULL);
    }
    pthread_cond_destroy(&relay->ended);
    pthread_cond_destroy(&relay->begun);
    pthread_mutex_destroy(&relay->mutex);
    free(relay);
}

bool lt_relay_room(const struct lt_relay *relay, size_t *ret_slot)
{
    *ret_slot = (size_t)(relay->put % relay->n_slots);
    return relay->put - relay->taken < relay->n_slots;
}

void lt_relay_put(struct lt_relay *relay)
{
    struct job *job = &relay->jobs[relay->put++ % relay->n_slots];
    pthread_mutex_lock(&relay->mutex);
    job->done = false;
    leat_error_clear(&job->error);
    relay->offered = relay->put;
    /* A job alone is the owner's own, if it has nothing better to do: what is small starts no
     * threads. */
    bool wanted = relay->offered - relay->next > 1 && !relay->idle && relay->n < relay->n_max;
    pthread_cond_signal(&relay->begun);
    pthread_mutex_unlock(&relay->mutex);
    if (!wanted) {
        return;
    }
    if (lt_thread_start(&relay->threads[relay->n], help, relay, NULL)) {
        relay->n_max = relay->n; /* those there are will do */
    } else {
        relay->n++;
    }
}

size_t lt_relay_jobs(const struct lt_relay *relay)
{
    return (size_t)(relay->put - relay->taken);
}

bool lt_relay_ready(struct lt_relay *relay)
{
    if (relay->put == relay->taken) {
        return false;
    }
    pthread_mutex_lock(&relay->mutex);
    bool done = relay->jobs[relay->taken % relay->n_slots].done;
    pthread_mutex_unlock(&relay->mutex);
    return done;
}

int lt_relay_take(struct lt_relay *relay, size_t *ret_slot, struct leat_error *err)
{
    *ret_slot = (size_t)(relay->taken++ % relay->n_slots);
    struct job *job = &relay->jobs[*ret_slot];
    pthread_mutex_lock(&relay->mutex);
    while (!job->done) {
        if (relay->next < relay->offered) {
            work(relay);
        } else {
            pthread_cond_wait(&relay->ended, &relay->mutex);
        }
    }
    pthread_mutex_unlock(&relay->mutex);
    if (job->status && err) {
        *err = job->error;
    }
    return job->status;
}
