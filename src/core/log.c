/* The process-wide log sink. */
#include "core/log.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/url.h"
#include "core/util.h"

#include <pthread.h>
#include <stdarg.h>

#include "core/banned.h"

/* Guarded by lock: sink_fn and sink_arg. `threshold` is atomic, so that lt_log_on() costs one
 * load; it is -1 while there is no sink. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static lt_log_fn *sink_fn;
static void *sink_arg;
static int threshold = -1;

void lt_log_set(lt_log_fn *sink, void *arg, enum lt_log_level level)
{
    pthread_mutex_lock(&lock);
    sink_fn = sink;
    sink_arg = arg;
    __atomic_store_n(&threshold, sink ? (int)level : -1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&lock);
}

int lt_log_level_parse(const char *name, enum lt_log_level *ret_level, struct leat_error *err)
{
    static const struct {
        const char *name;
        enum lt_log_level level;
    } rows[] = {
        {"error", LT_LOG_ERROR}, {"warn", LT_LOG_WARN},   {"warning", LT_LOG_WARN},
        {"info", LT_LOG_INFO},   {"debug", LT_LOG_DEBUG}, {"trace", LT_LOG_TRACE},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        if (strcasecmp(name, rows[i].name) == 0) {
            *ret_level = rows[i].level;
            return LEAT_OK;
        }
    }
    lt_fail(err, LT_E_INVALID, "\"%s\" is no log level", name);
    leat_error_remedy(err, "one of error, warn, info, debug, trace");
    return LEAT_INVALID;
}

int lt_log_on(enum lt_log_level level)
{
    return (int)level <= __atomic_load_n(&threshold, __ATOMIC_RELAXED);
}

void lt_log(enum lt_log_level level, const char *fmt, ...)
{
    if (!lt_log_on(level)) {
        return;
    }
    struct lt_buf raw = LT_BUF_INIT;
    struct lt_buf line = LT_BUF_INIT;
    va_list args;
    va_start(args, fmt);
    int status = lt_buf_vprintf(&raw, fmt, args);
    va_end(args);
    if (!status) {
        status = lt_redact(&line, lt_buf_text(&raw));
    }
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] == '\n' || line.data[i] == '\r') {
            line.data[i] = ' ';
        }
    }
    pthread_mutex_lock(&lock);
    if (sink_fn) {
        sink_fn(sink_arg, level,
                status ? "a log line was lost: out of memory" : lt_buf_text(&line));
    }
    pthread_mutex_unlock(&lock);
    lt_buf_done(&raw);
    lt_buf_done(&line);
}
