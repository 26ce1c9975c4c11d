/* A connector that reads an ArrowArrayStream of the embedding program. */
#ifndef LT_STREAM_SOURCE_H
#define LT_STREAM_SOURCE_H

#include "leat/connector.h"

#define LT_STREAM_SOURCE_NAME "arrow-stream"

extern const struct leat_connector lt_connector_stream_source;

/* The endpoint of one stream: moves it in. Opened by the engine, not by URL. */
int lt_stream_source_open(struct ArrowArrayStream *stream, const char *name,
                          struct leat_endpoint **ret_ep, struct leat_error *err);
/* For the callbacks of an ArrowArrayStream that leat gives: writes the error as one line, for
 * get_last_error(), and returns the errno that says most of it. */
int lt_stream_fault(const struct leat_error *err, char *text, size_t size);
/* True once a batch was asked for: from then on the read cannot be repeated. */
bool lt_stream_source_was_read(const struct leat_endpoint *ep);
/* Moves a stream nobody read from out again; else leaves *ret_stream alone. No reader is open. */
void lt_stream_source_take(struct leat_endpoint *ep, struct ArrowArrayStream *ret_stream);

#endif
