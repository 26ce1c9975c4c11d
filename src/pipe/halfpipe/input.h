/* Arrow streams read by steps. */
#ifndef LT_PIPE_HALFPIPE_INPUT_H
#define LT_PIPE_HALFPIPE_INPUT_H

#include "pipe/halfpipe/internal.h"

/* A query of the step's connection, as a stream: it outlives neither plan nor session. */
struct hp_query {
    struct leat_plan *plan;
    struct ArrowArrayStream stream;
};
int hp_query_open(struct hp_step *step, const char *key, const char *sql, struct hp_query *query,
                  struct leat_error *err);
int hp_query_next(struct hp_query *query, struct ArrowArray *ret_batch, struct leat_error *err);
void hp_query_close(struct hp_query *query);

/* What the stream says of its failure, with its code. */
int hp_stream_failed(struct ArrowArrayStream *stream, int code, struct leat_error *err);

#endif
