/* Where refused records go: counted against --max-errors and written to --rejects as JSON lines,
 * {"stream":..., "place":..., "code":..., "reason":..., "record":...}. Any thread. */
#ifndef LT_REJECTS_H
#define LT_REJECTS_H

#include "leat/connector.h"

struct lt_rejects;

/* Creates the file (over an older one: a rejects file belongs to one run). `path` "none"
 * counts only. */
int lt_rejects_open(const char *path, int64_t errors_max, struct lt_rejects **ret_rejects,
                    struct leat_error *err);
/* The sink for one stream, whose name is added to each line; it borrows both. */
struct lt_stream_rejects {
    struct lt_rejects *rejects;
    const char *stream;
    struct leat_reject_sink sink;
};
void lt_rejects_stream(struct lt_rejects *rejects, const char *stream,
                       struct lt_stream_rejects *ret_sink);
int64_t lt_rejects_count(struct lt_rejects *rejects);
/* Flushes and closes; LEAT_OK only when every line is on its way to the disk. NULL is fine. */
int lt_rejects_close(struct lt_rejects *rejects, struct leat_error *err);

#endif
