/* See pool.h. */
#include "core/pool.h"

#include "core/codes.h"
#include "core/thread.h"
#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

struct helper {
    struct lt_pool *pool;
    pthread_t thread;
    int worker;
};

struct lt_pool {
    struct helper *helpers; /* beside the caller */
    int n_helpers;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t begun, ended;
    uint64_t loop; /* number of the loop at work; a helper takes part in each once */
    bool over;     /* the pool is being freed */
    lt_pool_fn *fn;
    void *arg;
    size_t n, next; /* items; the first that nobody claimed */
    int busy;       /* workers in the loop */
    int status;
    size_t failed; /* least item that failed, with its error */
    struct leat_error error;
};

/* Claims items until none is left. The mutex is held on the way in and out, not during calls. */
static void work(struct lt_pool *pool, int worker)
{
    while (pool->next < pool->n && !pool->status) {
        size_t item = pool->next++;
        struct leat_error err = {0};
        pthread_mutex_unlock(&pool->mutex);
        int status = pool->fn(pool->arg, item, worker, &err);
        pthread_mutex_lock(&pool->mutex);
        if (status && (!pool->status || item < pool->failed)) {
            pool->status = status;
            pool->failed = item;
            pool->error = err;
        }
    }
}

static void *help(void *arg)
{
    struct helper *helper = arg;
    struct lt_pool *pool = helper->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->over && pool->loop == seen) {
            pthread_cond_wait(&pool->begun, &pool->mutex);
        }
        if (pool->over) {
            break;
        }
        seen = pool->loop;
        pool->busy++;
        work(pool, helper->worker);
        if (--pool->busy == 0) {
            pthread_cond_signal(&pool->ended);
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

int lt_pool_new(int threads, struct lt_pool **ret_pool, struct leat_error *err)
{
    int n = LT_MIN(LT_MAX(threads, 1), LT_POOL_THREADS_MAX) - 1;
    struct lt_pool *pool = calloc(1, sizeof *pool);
    struct helper *helpers = calloc((size_t)n + 1, sizeof *helpers);
    if (!pool || !helpers) {
        free(pool);
        free(helpers);
        return lt_fail_oom(err);
    }
    pool->helpers = helpers;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->begun, NULL);
    pthread_cond_init(&pool->ended, NULL);
    for (int i = 0; i < n; i++) {
        helpers[i] = (struct helper){.pool = pool, .worker = i + 1};
        if (lt_thread_start(&helpers[i].thread, help, &helpers[i], NULL)) {
            break;
        }
        pool->n_helpers++;
    }
    *ret_pool = pool;
    return LEAT_OK;
}

void lt_pool_free(struct lt_pool *pool)
{
    if (!pool) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->over = true;
    pthread_cond_broadcast(&pool->begun);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->n_helpers; i++) {
        pthread_join(pool->helpers[i].thread, NULL);
    }
    pthread_cond_destroy(&pool->ended);
    pthread_cond_destroy(&pool->begun);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->helpers);
    free(pool);
}

int lt_pool_threads(const struct lt_pool *pool)
{
    return pool->n_helpers + 1;
}

int lt_pool_run(struct lt_pool *pool, size_t n, lt_pool_fn *fn, void *arg, struct leat_error *err)
{
    pthread_mutex_lock(&pool->mutex);
    pool->fn = fn;
    pool->arg = arg;
    pool->n = n;
    pool->next = 0;
    pool->status = LEAT_OK;
    pool->busy = 1;
    pool->loop++;
    if (n > 1 && pool->n_helpers) {
        pthread_cond_broadcast(&pool->begun);
    }
    work(pool, 0);
    pool->busy--;
    while (pool->busy) {
        pthread_cond_wait(&pool->ended, &pool->mutex);
    }
    int status = pool->status;
    if (status && err) {
        *err = pool->error;
    }
    pool->n = pool->next = 0; /* a helper that wakes late finds nothing */
    pthread_mutex_unlock(&pool->mutex);
    return status;
}
