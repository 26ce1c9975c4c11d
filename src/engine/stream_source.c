#include "engine/stream_source.h"

#include "columnar/array.h"
#include "core/codes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* The stream stays with the endpoint; its batches can be asked for once. */
struct leat_endpoint {
    struct ArrowArrayStream stream;
    char *name;
    bool was_read;
};

struct leat_reader {
    struct leat_endpoint *ep;
    struct ArrowSchema schema;
    int64_t rows;
};

int lt_stream_source_open(struct ArrowArrayStream *stream, const char *name,
                          struct leat_endpoint **ret_ep, struct leat_error *err)
{
    struct leat_endpoint *ep = calloc(1, sizeof *ep);
    char *copy = lt_strdup(name);
    if (!ep || !copy) {
        free(ep);
        free(copy);
        return lt_fail_oom(err);
    }
    ep->name = copy;
    ep->stream = *stream;
    stream->release = NULL;
    *ret_ep = ep;
    return LEAT_OK;
}

int lt_stream_fault(const struct leat_error *err, char *text, size_t size)
{
    lt_error_format(err, text, size);
    switch (err->status) {
    case LEAT_NO_MEMORY:
        return ENOMEM;
    case LEAT_CANCELLED:
        return ECANCELED;
    case LEAT_BAD_DATA:
    case LEAT_INVALID:
    case LEAT_NOT_FOUND:
    case LEAT_DENIED:
    case LEAT_UNSUPPORTED:
        return EINVAL; /* it would come out the same another time */
    default:
        return EIO;
    }
}

bool lt_stream_source_was_read(const struct leat_endpoint *ep)
{
    return ep->was_read;
}

void lt_stream_source_take(struct leat_endpoint *ep, struct ArrowArrayStream *ret_stream)
{
    if (!ep->was_read && ep->stream.release) {
        *ret_stream = ep->stream;
        ep->stream.release = NULL;
    }
}

static int open_by_url(const struct leat_config *config, struct leat_endpoint **ret_ep,
                       struct leat_error *err)
{
    (void)config;
    (void)ret_ep;
    return lt_fail(err, LT_E_UNSUPPORTED, "an Arrow stream can only be given by a program");
}

static void close_endpoint(struct leat_endpoint *ep)
{
    if (ep) {
        if (ep->stream.release) {
            ep->stream.release(&ep->stream);
        }
        free(ep->name);
        free(ep);
    }
}

static const struct leat_capabilities *capabilities(struct leat_endpoint *ep)
{
    static const struct leat_capabilities caps = {.size = sizeof caps,
                                                  .payloads_out = LEAT_PAYLOAD_BATCH,
                                                  .readers_max = 1,
                                                  .default_namespace = ""};
    (void)ep;
    return &caps;
}

static int discover(struct leat_endpoint *ep, const char *ns_pattern, const char *name_pattern,
                    leat_stream_fn *each, void *arg, struct leat_error *err)
{
    (void)ns_pattern;
    (void)name_pattern;
    (void)err;
    const struct leat_stream_info info = {.size = sizeof info,
                                          .name = {"", ep->name},
                                          .kind = LEAT_QUERY,
                                          .rows_estimate = -1,
                                          .bytes_estimate = -1};
    return each(arg, &info);
}

static int stream_failed(struct ArrowArrayStream *stream, int code, struct leat_error *err)
{
    const char *text = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    return lt_fail(err, code == EINVAL ? LT_E_INVALID : LT_E_SOURCE_CUT, "the stream failed: %s",
                   text ? text : strerror(code));
}

static void finish(struct leat_reader *reader)
{
    if (reader) {
        lt_schema_done(&reader->schema);
        free(reader);
    }
}

static int start(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                 struct leat_reader **ret_reader, struct leat_error *err)
{
    (void)plan;
    if (ep->was_read) {
        return lt_fail(err, LT_E_INVALID, "the stream was read already, and can be only once");
    }
    struct leat_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->ep = ep;
    int code = ep->stream.get_schema(&ep->stream, &reader->schema);
    int rc = code ? stream_failed(&ep->stream, code, err) : lt_schema_check(&reader->schema, err);
    if (rc) {
        finish(reader);
        return rc;
    }
    *ret_reader = reader;
    return LEAT_OK;
}

static int schema(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                  struct leat_error *err)
{
    return lt_schema_copy(&reader->schema, ret_schema, err);
}

static int next(struct leat_reader *reader, struct leat_payload *ret_payload,
                struct leat_error *err)
{
    struct ArrowArray batch = {0};
    struct ArrowArrayStream *stream = &reader->ep->stream;
    reader->ep->was_read = true;
    int code = stream->get_next(stream, &batch);
    if (code) {
        return stream_failed(stream, code, err);
    }
    ret_payload->kind = LEAT_PAYLOAD_NONE;
    ret_payload->rows = 0;
    if (!batch.release) {
        return LEAT_OK;
    }
    int rc = lt_array_check(&reader->schema, &batch, true, err);
    if (rc) {
        lt_array_done(&batch);
        return rc;
    }
    ret_payload->kind = LEAT_PAYLOAD_BATCH;
    ret_payload->rows = batch.length;
    ret_payload->row_first = reader->rows + 1;
    reader->rows += batch.length;
    lt_array_move(&batch, &ret_payload->batch);
    return LEAT_OK;
}

static const struct leat_catalog_ops catalog_ops = {.discover = discover};
static const struct leat_source_ops source_ops = {
    .start = start, .schema = schema, .next = next, .finish = finish};

const struct leat_connector lt_connector_stream_source = {
    .size = sizeof lt_connector_stream_source,
    .abi = LEAT_CONNECTOR_ABI,
    .name = LT_STREAM_SOURCE_NAME,
    .summary = "an Arrow stream of the embedding program",
    .open = open_by_url,
    .close = close_endpoint,
    .capabilities = capabilities,
    .catalog = &catalog_ops,
    .source = &source_ops,
};
