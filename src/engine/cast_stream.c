/* leat_cast_stream(): a stream of batches, each cast on its way. */
#include "columnar/array.h"
#include "columnar/cast.h"
#include "core/codes.h"
#include "engine/flow.h"
#include "engine/stream_source.h"

#include <stdlib.h>

/* Behind the stream that is given out. */
struct casting {
    struct ArrowArrayStream from;
    struct ArrowSchema from_schema, schema;
    struct lt_cast *cast;
    struct lt_cast_losses losses;
    int64_t rows;
    char error[2048];
};

static int become_null(void *arg, const struct lt_cast_loss *loss, struct leat_error *err)
{
    (void)arg;
    (void)loss;
    (void)err;
    return LEAT_OK;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct casting *casting = stream->private_data;
    struct leat_error err = {0};
    int rc = lt_schema_copy(&casting->schema, out, &err);
    return rc ? lt_stream_fault(&err, casting->error, sizeof casting->error) : 0;
}

static int source_failed(struct ArrowArrayStream *stream, int code, struct leat_error *err)
{
    const char *text = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    return lt_fail(err, LT_E_SOURCE_CUT, "the stream failed: %s", text ? text : strerror(code));
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct casting *casting = stream->private_data;
    struct leat_error err = {0};
    struct ArrowArray batch = {0}, made = {0};
    int code = casting->from.get_next(&casting->from, &batch);
    int rc = code ? source_failed(&casting->from, code, &err) : LEAT_OK;
    if (!rc && batch.release) {
        int64_t rows = batch.length;
        rc = lt_array_check(&casting->from_schema, &batch, true, &err);
        if (rc) {
            lt_array_done(&batch);
        } else {
            rc = lt_cast_run(casting->cast, &batch, casting->rows + 1, &made, NULL, &err);
        }
        casting->rows += rows;
    }
    if (rc) {
        return lt_stream_fault(&err, casting->error, sizeof casting->error);
    }
    lt_array_move(&made, out);
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    struct casting *casting = stream->private_data;
    return casting->error[0] ? casting->error : NULL;
}

static void casting_free(struct casting *casting)
{
    if (casting->from.release) {
        casting->from.release(&casting->from);
    }
    lt_cast_free(casting->cast);
    lt_schema_done(&casting->from_schema);
    lt_schema_done(&casting->schema);
    free(casting);
}

static void release(struct ArrowArrayStream *stream)
{
    casting_free(stream->private_data);
    stream->release = NULL;
}

int leat_cast_stream(struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
                     enum leat_on_loss on_loss, struct ArrowArrayStream *ret_stream,
                     struct leat_error *err)
{
    if (!stream->release) {
        return lt_fail(err, LT_E_INVALID, "a stream must be there");
    }
    struct casting *casting = calloc(1, sizeof *casting);
    if (!casting) {
        return lt_fail_oom(err);
    }
    int code = stream->get_schema(stream, &casting->from_schema);
    int rc = code ? source_failed(stream, code, err) : lt_schema_check(&casting->from_schema, err);
    rc = rc ? rc : lt_schema_check(schema, err);
    rc = rc ? rc : lt_schema_copy(schema, &casting->schema, err);
    rc = rc ? rc : lt_cast_by_name(&casting->from_schema, &casting->schema, &casting->cast, err);
    if (rc) {
        casting_free(casting);
        return rc;
    }
    if (on_loss == LEAT_LOSS_NULL) {
        casting->losses = (struct lt_cast_losses){.lost = become_null};
        lt_cast_on_loss(casting->cast, &casting->losses);
    }
    casting->from = *stream;
    stream->release = NULL;
    *ret_stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                            .get_next = get_next,
                                            .get_last_error = get_last_error,
                                            .release = release,
                                            .private_data = casting};
    return LEAT_OK;
}
