/* A few threads that share out the items of one loop at a time: columns to encode, blocks to
 * compress.
 *
 *   lt_pool_new(4, &pool, err);
 *   lt_pool_run(pool, n_columns, encode_column, writer, err);    any number of times
 *   lt_pool_free(pool);
 *
 * A pool belongs to the thread that runs loops on it, which works along. Items are claimed one by
 * one, in order, so that large ones first keep the threads evenly busy. */
#ifndef LT_POOL_H
#define LT_POOL_H

#include "leat/error.h"

#include <stddef.h>

#define LT_POOL_THREADS_MAX 16

struct lt_pool;

/* One item of a loop. `worker` counts from 0 to the threads less one and is at work on one item at
 * a time: what is kept for each worker needs no lock. *err is the call's own. */
typedef int lt_pool_fn(void *arg, size_t item, int worker, struct leat_error *err);

/* `threads` are those at work, the caller's included: with 1 none is started. Where the system
 * gives fewer, there are fewer. */
int lt_pool_new(int threads, struct lt_pool **ret_pool, struct leat_error *err);
void lt_pool_free(struct lt_pool *pool); /* NULL is fine */
int lt_pool_threads(const struct lt_pool *pool);

/* Calls fn for every item below n, each once, and returns when all calls have ended. After a
 * failure no further item is begun; of several the one with the least item is told. */
int lt_pool_run(struct lt_pool *pool, size_t n, lt_pool_fn *fn, void *arg, struct leat_error *err);

#endif
