/* A connector that reads an ArrowArrayStream of the embedding program. */
#ifndef LT_STREAM_SOURCE_H
#define LT_STREAM_SOURCE_H

#include "leat/connector.h"

#define LT_STREAM_SOURCE_NAME "arrow-stream"

extern const struct leat_connector lt_connector_stream_source;

/* The endpoint of one stream: moves it in. Opened by the engine, not by URL. */
int lt_stream_source_open(struct ArrowArrayStream *stream, const char *name,
                          struct leat_endpoint **ret_ep, struct leat_error *err);

#endif
