/* A unit up to the plans: what its streams are, and how each destination would take them. */
#include "engine/carry.h"
#include "engine/unit.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

/* With several streams the schemas come from the catalogue; reads start one by one later. */
static int describe_stream(struct lt_unit_try *unit, size_t i, struct leat_error *err)
{
    const struct lt_side *source = *unit->source;
    const struct lt_job *job = lt_unit_job(unit, i);
    const struct leat_stream_name name = {job->ns, job->name};
    struct leat_stream_info info = {.size = sizeof info};
    struct ArrowSchema schema = {0};
    struct lt_cast *cast = NULL;
    if (!source->connector->catalog || !source->connector->catalog->describe) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "%s cannot describe its streams, so they cannot be "
                       "committed together",
                       source->connector->name);
    }
    int rc = source->connector->catalog->describe(source->ep, &name, &schema, &info, err);
    if (!rc) {
        rc = lt_transform_new(&unit->run->wishes, &job->typing, &schema, &unit->schemas[i], &cast,
                              err);
    }
    rc = rc ? rc : lt_carry_apply(unit->run, job, &schema, &unit->schemas[i], err);
    lt_cast_free(cast);
    lt_schema_done(&schema);
    if (rc) {
        leat_error_place(err, "%s", job->label);
    }
    return rc;
}

/* A table that is made whole gets the key that was named for it. */
static int mark_keys(const struct lt_slice *slice, struct ArrowSchema *schema,
                     struct leat_error *err)
{
    int rc = LEAT_OK;
    for (int64_t i = 0; !rc && i < schema->n_children; i++) {
        char place[24] = "";
        for (size_t k = 0; k < slice->n_keys; k++) {
            if (!strcmp(slice->keys[k], schema->children[i]->name)) {
                snprintf(place, sizeof place, "%zu", k + 1);
            }
        }
        rc = lt_schema_set_meta(schema->children[i], LT_META_KEY, *place ? place : NULL, err);
    }
    return rc;
}

/* The only stream: its reader says what it is. */
static int start_stream(struct lt_unit_try *unit, struct leat_error *err)
{
    struct lt_job *job = lt_unit_job(unit, 0);
    const struct lt_slice *slice = job->slice;
    struct ArrowSchema described = {.release = NULL};
    int rc = lt_carry_describe(unit->run, *unit->source, job, &described, err);
    if (!rc) {
        unit->flow_started = true;
        rc = lt_flow_start(unit->run, job, *unit->source, unit->attempt, &unit->flow, err);
    }
    rc = rc ? rc : lt_schema_copy(&unit->flow.schema, &unit->schemas[0], err);
    rc = rc ? rc : lt_carry_apply(unit->run, job, &described, &unit->schemas[0], err);
    lt_schema_done(&described);
    bool marks = slice && slice->mode == LEAT_REPLACE && slice->n_keys;
    return rc || !marks ? rc : mark_keys(slice, &unit->schemas[0], err);
}

int lt_unit_find_schemas(struct lt_unit_try *unit, struct leat_error *err)
{
    int rc = LEAT_OK;
    if (unit->n == 1) {
        return start_stream(unit, err);
    }
    for (size_t i = 0; !rc && i < unit->n; i++) {
        rc = describe_stream(unit, i, err);
    }
    return rc;
}

/* Every column must be castable to what the destination takes: all that are not, in one message. */
static int check_casts(const struct ArrowSchema *from, const struct ArrowSchema *to,
                       struct leat_error *err)
{
    struct lt_buf faults = LT_BUF_INIT, from_name = LT_BUF_INIT, to_name = LT_BUF_INIT;
    int rc = LEAT_OK;
    for (int64_t i = 0; !rc && i < to->n_children; i++) {
        const char *name = to->children[i]->name;
        int64_t at = lt_schema_find(from, name);
        if (at < 0) {
            rc = lt_buf_printf(&faults, "%scolumn \"%s\" is missing", faults.len ? "; " : "", name);
        } else if (lt_cast_kind(from->children[at], to->children[i]) == LT_CAST_REFUSED) {
            lt_buf_clear(&from_name);
            lt_buf_clear(&to_name);
            rc = lt_type_print(from->children[at], &from_name);
            rc = rc ? rc : lt_type_print(to->children[i], &to_name);
            rc = rc ? rc
                    : lt_buf_printf(&faults, "%scolumn \"%s\" is %s, the destination's is %s",
                                    faults.len ? "; " : "", name, lt_buf_text(&from_name),
                                    lt_buf_text(&to_name));
        }
    }
    if (rc) {
        rc = lt_fail_oom(err);
    } else if (faults.len) {
        rc = lt_fail(err, LT_E_COLUMN_MISMATCH, "%s", lt_buf_text(&faults));
    }
    lt_buf_done(&faults);
    lt_buf_done(&from_name);
    lt_buf_done(&to_name);
    return rc;
}

/* How a slice is written, over what the options say. */
static void write_slice(const struct lt_slice *slice, struct leat_write_stream *stream)
{
    stream->mode = slice->mode;
    stream->flags = slice->flags;
    stream->keys = slice->keys;
    stream->n_keys = slice->n_keys;
    stream->cursor = slice->cursor;
    stream->n_cursor = slice->n_cursor;
    stream->deleted = slice->deleted;
    stream->op = slice->op;
}

#define ROW_BYTES_MIN 24

/* The source's, else, of a small table that it has no statistics of, what its bytes could hold. */
static int64_t rows_estimate(const struct lt_job *job)
{
    return job->rows_estimate >= 0 || job->bytes_estimate < 0 ? job->rows_estimate
                                                              : job->bytes_estimate / ROW_BYTES_MIN;
}

static void fill_write_streams(struct lt_unit_try *unit, size_t d)
{
    struct lt_run *run = unit->run;
    struct lt_unit_dest *dest = &unit->dests[d];
    const char *format = lt_side_bytes_format(*unit->source);
    uint32_t payloads = LEAT_PAYLOAD_BATCH | (format ? (uint32_t)LEAT_PAYLOAD_BYTES : 0);
    for (size_t i = 0; i < unit->n; i++) {
        const struct lt_job *job = lt_unit_job(unit, i);
        dest->streams[i] = (struct leat_write_stream){.size = sizeof dest->streams[i],
                                                      .name = {job->dest_ns[d], job->dest_names[d]},
                                                      .schema = &unit->schemas[i],
                                                      .source_id = unit->source_ids[i],
                                                      .mode = run->mode,
                                                      .flags = run->write_flags,
                                                      .parts_wanted = 1,
                                                      .payloads = payloads,
                                                      .bytes_format = format,
                                                      .schema_policy = run->schema_policy,
                                                      .rows_estimate = rows_estimate(job)};
        if (job->slice) {
            write_slice(job->slice, &dest->streams[i]);
        }
    }
    lt_new_id(dest->load_id);
    dest->want = (struct leat_write_plan){.size = sizeof dest->want,
                                          .load_id = dest->load_id,
                                          .streams = dest->streams,
                                          .n_streams = unit->n,
                                          .params = (*dest->side)->params,
                                          .n_params = (*dest->side)->n_params,
                                          .resume = unit->resume.key,
                                          .open_loads = lt_resume_open_loads(unit)};
}

void lt_unit_note_route(struct lt_result *result, const struct lt_unit_dest *dest, size_t i,
                        bool forward)
{
    const char *route = dest->plan.streams[i].route;
    free(result->route);
    result->route = lt_format("%s; %s", forward ? "pass-through" : "columnar",
                              route ? route : "written directly");
    result->pub.route = result->route ? result->route : "";
    lt_result_set_text(&result->drift, &result->pub.drift, dest->plan.streams[i].drift);
    memcpy(result->load_id, dest->load_id, sizeof result->load_id);
}

void lt_unit_release_plan(struct lt_unit_dest *dest)
{
    if (dest->planned && lt_unit_load_ops(dest)->plan_release) {
        lt_unit_load_ops(dest)->plan_release(&dest->plan);
    }
    dest->planned = false;
}

/* The plan must be about the streams that were asked for, and do together what is to be. */
static int check_plan(const struct lt_unit_try *unit, const struct lt_unit_dest *dest,
                      struct leat_error *err)
{
    const char *name = (*dest->side)->connector->name;
    if (dest->plan.n_streams != unit->n) {
        return lt_fail(err, LT_E_INTERNAL, "%s planned %zu streams of %zu", name,
                       dest->plan.n_streams, unit->n);
    }
    if (unit->n > 1 && dest->plan.atomicity != LEAT_ATOMIC_LOAD &&
        dest->plan.atomicity != LEAT_ATOMIC_MANIFEST) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "%s cannot commit several streams together, as "
                       "--atomic asks",
                       name);
    }
    return LEAT_OK;
}

/* What is to be read, and how it is written, was found when the table was not there. */
static int check_absent(const struct lt_unit_try *unit, const struct lt_unit_dest *dest,
                        struct leat_error *err)
{
    const struct lt_slice *slice = unit->n == 1 ? lt_unit_job(unit, 0)->slice : NULL;
    return slice && slice->absent && dest->plan.streams[0].exists
               ? lt_fail(err, LT_E_CONFLICT, "another run made the table since this one began")
               : LEAT_OK;
}

int lt_unit_plan(struct lt_unit_try *unit, size_t d, struct leat_error *err)
{
    struct lt_unit_dest *dest = &unit->dests[d];
    const struct lt_side *side = *dest->side;
    fill_write_streams(unit, d);
    dest->plan.size = sizeof dest->plan;
    int rc = lt_unit_load_ops(dest)->plan(side->ep, &dest->want, &dest->plan, err);
    dest->planned = !rc;
    rc = rc ? rc : check_plan(unit, dest, err);
    rc = rc ? rc : check_absent(unit, dest, err);
    rc = rc ? rc : lt_resume_planned(unit, err);
    for (size_t i = 0; !rc && i < unit->n; i++) {
        rc = check_casts(&unit->schemas[i], &dest->plan.streams[i].schema, err);
        rc = rc ? rc : lt_unit_check_texts(unit, i, &dest->plan.streams[i].schema, err);
        if (!rc && unit->run->report) {
            lt_unit_note_route(lt_run_result(unit->run, unit->first + i, d), dest, i, false);
        }
    }
    if (rc) {
        lt_loss_remedy(err, &unit->run->wishes, true);
        lt_unit_note_refused(unit, err);
    }
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "%s",
                         unit->n == 1 ? lt_unit_job(unit, 0)->label : side->location->text);
    }
    return rc;
}
