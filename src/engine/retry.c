/* Waiting between two tries of what met a passing fault: only here does leat back off. */
#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/run.h"

int lt_run_back_off(struct lt_run *run, const char *what, int64_t *wait_ms, struct leat_error *err)
{
    int64_t jitter = lt_now_us() % (*wait_ms / 2 + 1);
    lt_log(LT_LOG_WARN, "%s: %s; trying again in %lld ms", what, err ? err->message : "",
           (long long)(*wait_ms + jitter));
    lt_sleep_ms(*wait_ms + jitter, (const volatile int *)&run->leat->cancelled);
    *wait_ms = LT_MIN(*wait_ms * 2, LT_RETRY_MAX_MS);
    return atomic_load(&run->leat->cancelled)
               ? lt_fail(err, LT_E_CANCELLED, "the run was cancelled")
               : LEAT_OK;
}
