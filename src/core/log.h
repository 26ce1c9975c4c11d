/* Log lines of the library. It never prints by itself: lines go to a sink the program sets.
 * A call that returns an error does not also log it. Levels as both older tools name them. */
#ifndef LT_LOG_H
#define LT_LOG_H

#include "leat/error.h"

enum lt_log_level { LT_LOG_ERROR, LT_LOG_WARN, LT_LOG_INFO, LT_LOG_DEBUG, LT_LOG_TRACE };

/* Called under a lock, one line at a time, already redacted, without a final newline. */
typedef void lt_log_fn(void *arg, enum lt_log_level level, const char *line);

/* Process-wide; set before threads start. NULL: silence. */
void lt_log_set(lt_log_fn *sink, void *arg, enum lt_log_level level);
int lt_log_level_parse(const char *name, enum lt_log_level *ret_level, struct leat_error *err);

/* True when a line of this level would be written: asked before building costly arguments. */
int lt_log_on(enum lt_log_level level);

void lt_log(enum lt_log_level level, const char *fmt, ...) LEAT_PRINTF(2, 3);

#endif
