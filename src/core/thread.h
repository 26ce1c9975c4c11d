/* Starting threads, and the one word by which they are told to stop. */
#ifndef LT_THREAD_H
#define LT_THREAD_H

#include "leat/error.h"

#include <pthread.h>
#include <stdbool.h>

#define LT_THREAD_STACK_BYTES ((size_t)512 * 1024)

/* Zero-initialise. The flag is only touched by atomic loads and stores; it is a plain int so that
 * lt_sleep_ms() can watch it. Once set it stays set. */
struct lt_cancel {
    volatile int flag;
};

/* From any thread, and from a signal handler. */
static inline void lt_cancel_set(struct lt_cancel *cancel)
{
    __atomic_store_n(&cancel->flag, 1, __ATOMIC_RELEASE);
}

static inline bool lt_cancel_is(const struct lt_cancel *cancel)
{
    return __atomic_load_n(&cancel->flag, __ATOMIC_ACQUIRE) != 0;
}

/* Starts a joinable thread with a stack of LT_THREAD_STACK_BYTES and every signal blocked: signals
 * belong to the thread of the program that set their handlers. LEAT_NO_MEMORY or
 * LEAT_UNAVAILABLE when the system gives no thread. */
int lt_thread_start(pthread_t *ret_thread, void *(*fn)(void *), void *arg, struct leat_error *err);

#endif
