/* One file being written under a temporary name, or standard output. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/xattr.h>
#endif

#include "core/banned.h"

static int open_sink(struct fc_out *out, size_t buffer, struct leat_error *err)
{
    const struct leat_endpoint *ep = out->load->ep;
    struct lt_file_options options = lt_fc_file_options(out->load->ep);
    options.buffer = buffer;
    if (out->temp) {
        options.exclusive = options.durable = true;
        unlink(out->temp); /* of this attempt, begun before and left */
    }
    struct lt_sink *sink = NULL;
    int status = ep->program ? lt_fc_program_sink(&ep->bytes, &sink, err)
                             : lt_sink_file(out->temp ? out->temp : "-", &options, &sink, err);
    out->made = !status && out->temp;
    /* A buffer of its own has a file of many that are open at a time. */
    int threads = buffer ? 0 : LT_MAX(out->shared->threads, 1);
    status = status ? status : lt_fc_digest_sink(sink, &out->digest, &sink, err);
    status = status ? status : lt_sink_compress(sink, out->stream->codec, 0, threads, &sink, err);
    out->sink = status ? NULL : sink;
    return status;
}

int lt_fc_out_open(struct leat_load *load, struct fc_stream *stream, const struct fc_shared *shared,
                   char *temp, size_t buffer, struct fc_out **ret_out, struct leat_error *err)
{
    struct fc_out *out = calloc(1, sizeof *out);
    if (!out) {
        free(temp);
        return lt_fail_oom(err);
    }
    out->load = load;
    out->stream = stream;
    out->shared = shared;
    out->temp = temp;
    int status = open_sink(out, buffer, err);
    if (status) {
        lt_fc_out_close(out);
        return status;
    }
    *ret_out = out;
    return LEAT_OK;
}

int lt_fc_out_begin(struct fc_out *out, const struct ArrowSchema *schema,
                    const struct lt_format_options *options, struct leat_error *err)
{
    return out->stream->format->write_open(out->sink, schema, options, &out->writer, err);
}

int lt_fc_out_write(struct fc_out *out, const struct ArrowArray *batch, struct leat_error *err)
{
    int64_t rejected = *out->shared->rows_rejected;
    int status = out->stream->format->write_batch(out->writer, batch, err);
    out->rows += status ? 0 : batch->length - (*out->shared->rows_rejected - rejected);
    return status;
}

/* The load's id travels with a single file, so that outcome() can tell who wrote it. File systems
 * without extended attributes go without. */
static void mark_file(const struct fc_out *out)
{
#ifdef __linux__
    const char *id = out->load->want->load_id;
    if (out->temp && out->stream->path && !out->load->ep->no_state) {
        (void)setxattr(out->temp, "user.leat.load", id, strlen(id), 0);
    }
#else
    (void)out;
#endif
}

int lt_fc_out_finish(struct fc_out *out, struct leat_error *err)
{
    mark_file(out); /* before the sync that finish() ends with */
    int status = out->stream->format->write_finish(out->writer, err);
    status = status ? status : lt_sink_finish(out->sink, err);
    if (status) {
        return status;
    }
    out->stream->format->write_close(out->writer);
    out->writer = NULL;
    lt_sink_close(out->sink);
    out->sink = NULL;
    return LEAT_OK;
}

void lt_fc_out_close(struct fc_out *out)
{
    if (!out) {
        return;
    }
    if (out->writer) {
        out->stream->format->write_close(out->writer);
    }
    lt_sink_close(out->sink);
    if (out->made) {
        unlink(out->temp);
    }
    free(out->temp);
    free(out);
}
