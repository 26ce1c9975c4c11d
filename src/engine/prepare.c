/* What concerns all streams of a run together: the types of their columns before the first, foreign
 * keys after the last. */
#include "engine/carry.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"

#include <stdlib.h>

/* The job's stream as the source describes it, under the names the destination has. */
static int describe_job(struct lt_run *run, struct lt_side *source, const struct lt_job *job,
                        size_t d, struct ArrowSchema *ret_schema, struct leat_error *err)
{
    const struct leat_stream_name name = {job->ns, job->name};
    struct leat_stream_info info = {.size = sizeof info};
    struct ArrowSchema schema = {0};
    struct lt_cast *cast = NULL;
    int rc = source->connector->catalog->describe(source->ep, &name, &schema, &info, err);
    if (!rc) {
        rc = lt_transform_new(&run->wishes, &job->typing, &schema, ret_schema, &cast, err);
    }
    rc = rc ? rc : lt_carry_foreign_keys(run, job, d, ret_schema, err);
    lt_cast_free(cast);
    lt_schema_done(&schema);
    return rc;
}

/* Some of the jobs as a destination sees them. */
struct streams {
    struct leat_write_stream *items;
    struct ArrowSchema *schemas;
    char **source_ids;
    size_t n;
};

static void streams_done(struct streams *streams)
{
    for (size_t i = 0; i < streams->n; i++) {
        lt_schema_done(&streams->schemas[i]);
        free(streams->source_ids[i]);
    }
    free(streams->items);
    free(streams->schemas);
    free(streams->source_ids);
}

/* All jobs, or those that have types of users' own. *ret_streams is the caller's to release also
 * after a failure. */
static int find_streams(struct lt_run *run, struct lt_side *source, size_t d, bool own_types,
                        struct streams *ret_streams, struct leat_error *err)
{
    size_t n = run->jobs.n + 1;
    struct streams *s = ret_streams;
    *s = (struct streams){calloc(n, sizeof *s->items), calloc(n, sizeof *s->schemas),
                          calloc(n, sizeof *s->source_ids), 0};
    int rc = s->items && s->schemas && s->source_ids ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < run->jobs.n; i++) {
        const struct lt_job *job = &run->jobs.items[i];
        if (own_types && !job->own_types) {
            continue;
        }
        size_t at = s->n++; /* released also where it cannot be described */
        s->source_ids[at] = lt_job_source_id(run, job);
        rc = s->source_ids[at] ? describe_job(run, source, job, d, &s->schemas[at], err)
                               : lt_fail_oom(err);
        s->items[at] = (struct leat_write_stream){.size = sizeof s->items[at],
                                                  .name = {job->dest_ns[d], job->dest_names[d]},
                                                  .schema = &s->schemas[at],
                                                  .source_id = s->source_ids[at],
                                                  .mode = run->mode,
                                                  .flags = run->write_flags,
                                                  .schema_policy = run->schema_policy,
                                                  .parts_wanted = run->parallel};
    }
    return rc;
}

typedef int streams_fn(struct leat_endpoint *ep, const struct leat_write_stream *streams,
                       size_t n_streams, struct leat_error *err);

/* Has each destination do it that can; which function that is, `which` says. */
static int each_dest(struct lt_run *run, struct lt_worker *worker, bool own_types,
                     streams_fn *(*which)(const struct leat_load_ops *ops), struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t d = 0; !rc && d < run->plan->n_destinations; d++) {
        struct streams streams = {.n = 0};
        rc = lt_side_freshen(&worker->source, true, err);
        rc = rc ? rc : lt_side_freshen(&worker->dests[d], false, err);
        streams_fn *fn = rc ? NULL : which(worker->dests[d]->connector->load);
        if (fn) {
            rc = find_streams(run, worker->source, d, own_types, &streams, err);
            rc = rc ? rc : fn(worker->dests[d]->ep, streams.items, streams.n, err);
            streams_done(&streams);
        }
    }
    return rc;
}

static streams_fn *prepare_of(const struct leat_load_ops *ops)
{
    return ops->prepare;
}

static streams_fn *complete_of(const struct leat_load_ops *ops)
{
    return ops->complete;
}

int lt_run_prepare(struct lt_run *run, struct lt_worker *worker, struct leat_error *err)
{
    const struct leat_catalog_ops *catalog = worker->source->connector->catalog;
    bool any = false;
    for (size_t i = 0; i < run->jobs.n; i++) {
        any = any || run->jobs.items[i].own_types;
    }
    if (!any || run->jobs.n < 2 || !catalog || !catalog->describe) {
        return LEAT_OK;
    }
    int rc = each_dest(run, worker, true, prepare_of, err);
    /* Each stream asks again by itself, and may then be tried again, or have a way round it. */
    bool later = run->keep_going || run->on_loss == LT_LOSS_TEXT || rc == LEAT_UNAVAILABLE;
    if (rc && later && rc != LEAT_CANCELLED && rc != LEAT_NO_MEMORY) {
        lt_log(LT_LOG_DEBUG, "types are made stream by stream: %s", err ? err->message : "");
        rc = LEAT_OK;
    }
    return rc;
}

int lt_run_complete(struct lt_run *run, struct lt_worker *worker, struct leat_error *err)
{
    const struct leat_catalog_ops *catalog = worker->source->connector->catalog;
    if (!(run->with & LT_WITH_FOREIGN_KEYS) || !catalog || !catalog->describe) {
        return LEAT_OK;
    }
    return each_dest(run, worker, false, complete_of, err);
}

int lt_run_show_complete(struct lt_run *run, struct lt_worker *worker, struct lt_buf *out,
                         struct leat_error *err)
{
    const struct leat_catalog_ops *catalog = worker->source->connector->catalog;
    int rc = LEAT_OK;
    if (run->plan->action != LEAT_ACTION_META || !(run->with & LT_WITH_FOREIGN_KEYS) || !catalog ||
        !catalog->describe) {
        return LEAT_OK;
    }
    for (size_t d = 0; !rc && d < run->plan->n_destinations; d++) {
        const struct lt_side *dest = worker->dests[d];
        const struct leat_load_ops *ops = dest->connector->load;
        struct streams streams = {.n = 0};
        char *text = NULL;
        if (!ops->complete_show) {
            continue;
        }
        rc = find_streams(run, worker->source, d, false, &streams, err);
        rc = rc ? rc : ops->complete_show(dest->ep, streams.items, streams.n, &text, err);
        rc = rc || !text ? rc : lt_buf_puts(out, text) ? lt_fail_oom(err) : LEAT_OK;
        streams_done(&streams);
        free(text);
    }
    return rc;
}
