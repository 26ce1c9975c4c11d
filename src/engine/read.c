/* leat_read, leat_read_text, leat_describe and leat_list: a plan's source without a destination. */
#include "engine/read.h"
#include "core/codes.h"
#include "engine/flow.h"
#include "engine/stream_source.h"

#include <stdlib.h>

/* Behind an ArrowArrayStream: a run of one flow. */
struct reading {
    struct lt_run run;
    struct lt_side *source;
    struct lt_flow flow;
    struct leat_plan *plan; /* owned; NULL: the caller keeps it */
    char error[2048];
};

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct reading *reading = stream->private_data;
    struct leat_error err = {0};
    int rc = lt_schema_copy(&reading->flow.schema, out, &err);
    return rc ? lt_stream_fault(&err, reading->error, sizeof reading->error) : 0;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct reading *reading = stream->private_data;
    struct leat_error err = {0};
    struct leat_payload payload;
    int rc = lt_flow_next(&reading->flow, reading->flow.reader, &payload, &err);
    if (rc) {
        lt_loss_remedy(&err, &reading->run.wishes, true);
        return lt_stream_fault(&err, reading->error, sizeof reading->error);
    }
    lt_array_move(&payload.batch, out);
    return 0;
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    struct reading *reading = stream->private_data;
    return reading->error[0] ? reading->error : NULL;
}

static void reading_free(struct reading *reading)
{
    lt_flow_done(&reading->flow);
    lt_side_close(reading->source);
    lt_run_done(&reading->run);
    leat_plan_free(reading->plan);
    free(reading);
}

static void stream_release(struct ArrowArrayStream *stream)
{
    reading_free(stream->private_data);
    stream->release = NULL;
}

static int reading_open(struct leat_plan *plan, struct reading **ret_reading,
                        struct leat_error *err)
{
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading) {
        return lt_fail_oom(err);
    }
    int rc = lt_run_init(&reading->run, plan, NULL, err);
    if (reading->run.on_loss == LT_LOSS_TEXT) {
        /* Batches that were given cannot be taken back and begun afresh. */
        reading->run.on_loss = LT_LOSS_ERROR;
    }
    if (!rc) {
        rc = lt_side_open(&reading->run, &plan->source, &reading->source, err);
    }
    if (!rc) {
        rc = lt_jobs_list(&reading->run, reading->source, NULL, err);
    }
    if (rc) {
        reading_free(reading);
        return rc;
    }
    *ret_reading = reading;
    return LEAT_OK;
}

/* Opens the one stream that the source names, and starts to read it. */
static int reading_start(struct leat_plan *plan, int64_t batch_rows, struct reading **ret_reading,
                         struct leat_error *err)
{
    struct reading *reading;
    if (plan->n_destinations) {
        return lt_fail(err, LT_E_USAGE, "a plan with a destination is run, not read");
    }
    int rc = reading_open(plan, &reading, err);
    if (rc) {
        return rc;
    }
    reading->run.batch_rows_max = batch_rows;
    if (reading->run.jobs.n != 1) {
        rc =
            lt_fail(err, LT_E_USAGE, "the source names %zu streams; name one", reading->run.jobs.n);
    } else {
        rc = lt_run_open_rejects(&reading->run, err);
        rc = rc ? rc
                : lt_flow_start(&reading->run, &reading->run.jobs.items[0], reading->source, 1,
                                &reading->flow, err);
        rc = rc ? rc : lt_flow_loosen(&reading->flow, err);
    }
    if (rc) {
        reading_free(reading);
        return rc;
    }
    *ret_reading = reading;
    return LEAT_OK;
}

static int open_stream(struct leat_plan *plan, bool owned, struct ArrowArrayStream *ret_stream,
                       struct leat_error *err)
{
    struct reading *reading;
    int rc = reading_start(plan, 0, &reading, err);
    if (rc) {
        return rc;
    }
    reading->plan = owned ? plan : NULL;
    *ret_stream = (struct ArrowArrayStream){.get_schema = stream_schema,
                                            .get_next = stream_next,
                                            .get_last_error = stream_error,
                                            .release = stream_release,
                                            .private_data = reading};
    return LEAT_OK;
}

int leat_read(struct leat_plan *plan, struct ArrowArrayStream *ret_stream, struct leat_error *err)
{
    return open_stream(plan, false, ret_stream, err);
}

int lt_read_owned(struct leat_plan *plan, struct ArrowArrayStream *ret_stream,
                  struct leat_error *err)
{
    return open_stream(plan, true, ret_stream, err);
}

/* --- as text -------------------------------------------------------------------------------- */

#define TEXT_BATCH_ROWS 1000

/* A struct of the same names, each utf8 where its values can be said as text. */
static int text_schema(const struct ArrowSchema *schema, struct ArrowSchema *ret_schema,
                       struct leat_error *err)
{
    struct ArrowSchema made = {.release = NULL};
    int rc = lt_schema_init_struct(&made, 0, err);
    for (int64_t i = 0; !rc && i < schema->n_children; i++) {
        const struct ArrowSchema *own = schema->children[i];
        struct ArrowSchema text = {.release = NULL};
        rc = lt_type_parse("utf8", &text, err);
        if (!rc && lt_cast_kind(own, &text) > LT_CAST_SAFE) {
            lt_schema_done(&text);
            rc = lt_schema_copy(own, &text, err);
        }
        rc = rc ? rc : lt_schema_set_name(&text, own->name, err);
        rc = rc ? rc : lt_schema_add(&made, &text, err);
        lt_schema_done(&text);
    }
    if (rc) {
        lt_schema_done(&made);
        return rc;
    }
    lt_schema_move(&made, ret_schema);
    return LEAT_OK;
}

static int read_texts(struct reading *reading, const struct ArrowSchema *schema,
                      struct lt_cast *cast, leat_text_fn *each, void *arg, struct leat_error *err)
{
    struct lt_flow *flow = &reading->flow;
    int64_t rows = 0;
    bool more = true;
    int rc = each(arg, &flow->schema, schema, NULL);
    while (!rc && more) {
        struct leat_payload payload;
        struct ArrowArray texts = {.release = NULL};
        rc = lt_flow_next(flow, flow->reader, &payload, err);
        more = !rc && payload.batch.release;
        if (more) {
            int64_t n = payload.batch.length;
            rc = lt_cast_run(cast, &payload.batch, rows + 1, &texts, NULL, err);
            rc = rc ? rc : each(arg, &flow->schema, schema, &texts);
            rows += n;
        }
        lt_array_done(&texts);
    }
    return rc;
}

int leat_read_text(struct leat_plan *plan, leat_text_fn *each, void *arg, struct leat_error *err)
{
    struct reading *reading;
    struct ArrowSchema schema = {.release = NULL};
    struct lt_cast *cast = NULL;
    int rc = reading_start(plan, TEXT_BATCH_ROWS, &reading, err);
    if (rc) {
        return rc;
    }
    rc = text_schema(&reading->flow.schema, &schema, err);
    rc = rc ? rc : lt_cast_new(&reading->flow.schema, &schema, NULL, &cast, err);
    rc = rc ? rc : read_texts(reading, &schema, cast, each, arg, err);
    if (rc) {
        lt_loss_remedy(err, &reading->run.wishes, true);
    }
    lt_cast_free(cast);
    lt_schema_done(&schema);
    reading_free(reading);
    return rc;
}

/* --- descriptions --------------------------------------------------------------------------- */

/* What the catalogue says of a stream; of a query's result, what its reader does. */
static int describe(struct reading *reading, struct lt_job *job, struct ArrowSchema *ret_schema,
                    struct leat_stream_info *ret_info, struct leat_error *err)
{
    const struct leat_catalog_ops *catalog = reading->source->connector->catalog;
    const struct leat_stream_name name = {job->ns, job->name};
    *ret_info = (struct leat_stream_info){.size = sizeof *ret_info,
                                          .name = name,
                                          .kind = job->kind,
                                          .rows_estimate = job->rows_estimate,
                                          .bytes_estimate = job->bytes_estimate};
    if (job->kind != LEAT_QUERY && catalog && catalog->describe) {
        return catalog->describe(reading->source->ep, &name, ret_schema, ret_info, err);
    }
    int rc = lt_flow_start(&reading->run, job, reading->source, 1, &reading->flow, err);
    return rc ? rc : lt_schema_copy(&reading->flow.schema, ret_schema, err);
}

int leat_describe(struct leat_plan *plan, leat_describe_fn *each, void *arg, struct leat_error *err)
{
    struct reading *reading;
    struct leat_stream_info info;
    struct ArrowSchema schema = {.release = NULL};
    if (plan->n_destinations) {
        return lt_fail(err, LT_E_USAGE, "a plan with a destination is run, not described");
    }
    int rc = reading_open(plan, &reading, err);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; !rc && i < reading->run.jobs.n; i++) {
        rc = describe(reading, &reading->run.jobs.items[i], &schema, &info, err);
        rc = rc ? rc : each(arg, &info, &schema);
        lt_schema_done(&schema);
    }
    reading_free(reading);
    return rc;
}

/* A stream named in full was not looked for yet: it may not exist. */
static int look_at_one(struct reading *reading, struct leat_error *err)
{
    struct lt_job *job = reading->run.jobs.items;
    const struct leat_catalog_ops *catalog = reading->source->connector->catalog;
    if (!reading->source->location->stream || reading->run.jobs.n != 1 || job->kind == LEAT_QUERY ||
        !catalog || !catalog->describe) {
        return LEAT_OK;
    }
    struct leat_stream_info info;
    struct ArrowSchema schema = {.release = NULL};
    int rc = describe(reading, job, &schema, &info, err);
    if (!rc) {
        job->kind = info.kind;
        job->rows_estimate = info.rows_estimate;
        job->bytes_estimate = info.bytes_estimate;
        lt_schema_done(&schema);
    }
    return rc;
}

int leat_list(struct leat_plan *plan, leat_stream_fn *each, void *arg, struct leat_error *err)
{
    struct reading *reading;
    if (plan->n_destinations) {
        return lt_fail(err, LT_E_USAGE, "a plan with a destination is run, not listed");
    }
    int rc = reading_open(plan, &reading, err);
    if (rc) {
        return rc;
    }
    rc = look_at_one(reading, err);
    for (size_t i = 0; !rc && i < reading->run.jobs.n; i++) {
        const struct lt_job *job = &reading->run.jobs.items[i];
        const struct leat_stream_info info = {.size = sizeof info,
                                              .name = {job->ns, job->name},
                                              .kind = job->kind,
                                              .rows_estimate = job->rows_estimate,
                                              .bytes_estimate = job->bytes_estimate};
        rc = each(arg, &info);
    }
    reading_free(reading);
    return rc;
}
