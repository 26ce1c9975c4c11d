/* Where refused records go: counted against --max-errors and written to --rejects as JSON lines,
 * {"stream":..., "attempt":..., "place":..., "code":..., "reason":..., "record":...}. Any thread.
 * "record" is null where it is not known or not valid UTF-8. */
#ifndef LT_REJECTS_H
#define LT_REJECTS_H

#include "leat/connector.h"

struct lt_rejects;

/* Creates the file (over an older one: a rejects file belongs to one run). `path` "none"
 * counts only. */
int lt_rejects_open(const char *path, int64_t errors_max, struct lt_rejects **ret_rejects,
                    struct leat_error *err);
/* The sink for one attempt at one stream, both of which are added to each line; it borrows
 * `rejects` and `stream`. The struct must stay where it is. */
struct lt_stream_rejects {
    struct lt_rejects *rejects;
    const char *stream;
    int attempt;
    _Atomic int64_t count; /* through this sink */
    /* With --on-loss text: told instead of what does not fit its column, for that column is to be
     * carried as text. NULL: nobody is. */
    const struct leat_loss_sink *instead;
    struct leat_reject_sink sink;
};
void lt_rejects_stream(struct lt_rejects *rejects, const char *stream, int attempt,
                       struct lt_stream_rejects *ret_sink);
int64_t lt_rejects_count(struct lt_rejects *rejects);
/* An attempt came to nothing: the n records it refused count no more. Its lines stay in the file,
 * told apart by the number of the attempt. NULL is fine. */
void lt_rejects_forget(struct lt_rejects *rejects, int64_t n);
/* Flushes and closes; LEAT_OK only when every line is on its way to the disk. NULL is fine. */
int lt_rejects_close(struct lt_rejects *rejects, struct leat_error *err);

#endif
