/* See thread.h. */
#include "core/thread.h"

#include "core/codes.h"

#include <errno.h>
#include <signal.h>

#include "core/banned.h"

int lt_thread_start(pthread_t *ret_thread, void *(*fn)(void *), void *arg, struct leat_error *err)
{
    pthread_attr_t attr;
    int rc = pthread_attr_init(&attr);
    if (rc) {
        return lt_fail_errno(err, rc, "a thread could not be prepared");
    }
    rc = pthread_attr_setstacksize(&attr, LT_THREAD_STACK_BYTES);
    if (!rc) {
        /* A new thread inherits the mask, so it is blocked before and restored after: nothing
         * can arrive in between. */
        sigset_t all, old;
        sigfillset(&all);
        rc = pthread_sigmask(SIG_SETMASK, &all, &old);
        if (!rc) {
            pthread_t thread;
            rc = pthread_create(&thread, &attr, fn, arg);
            pthread_sigmask(SIG_SETMASK, &old, NULL);
            if (!rc) {
                *ret_thread = thread;
            }
        }
    }
    pthread_attr_destroy(&attr);
    return rc ? lt_fail_errno(err, rc, "a thread could not be started") : LEAT_OK;
}
