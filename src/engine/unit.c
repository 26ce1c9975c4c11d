/* One unit of work: some streams (one, or with --atomic all) in one load per destination. */
#include "core/codes.h"
#include "core/log.h"
#include "core/url.h"
#include "core/util.h"
#include "engine/flow.h"
#include "engine/stream_source.h"
#include "engine/verify.h"

#include <limits.h>
#include <stdlib.h>

#define OUTCOME_TRIES 8

struct unit_dest {
    struct lt_side **side; /* may be replaced when its connection is opened again */
    char load_id[33];
    struct leat_write_stream *streams;
    struct leat_write_plan want;
    struct leat_load_plan plan;
    bool planned, committed;
    bool lasting; /* begun, and what is written to it cannot be taken back */
    struct leat_load *load;
    struct leat_receipt *receipts;
    int64_t *rows_expected;
};

struct unit {
    struct lt_run *run;
    struct lt_side **source;
    size_t first, n, n_dests;
    struct unit_dest *dests;
    struct lt_flow flow;         /* the stream at work */
    bool flow_started;           /* with one stream, before planning */
    struct ArrowSchema *schemas; /* after the transform, one a stream */
    char **source_ids;
    int attempt;
    int64_t rejected; /* records refused by flows that have ended */
    bool in_doubt;
    bool again; /* a further column is to be carried as text: to be begun afresh */
};

static const struct leat_load_ops *load_ops(const struct unit_dest *dest)
{
    return (*dest->side)->connector->load;
}

static struct lt_job *unit_job(const struct unit *unit, size_t i)
{
    return &unit->run->jobs.items[unit->first + i];
}

/* --- names ---------------------------------------------------------------------------------- */

/* What a stream is read from, in a form that stays the same from run to run and holds no secret:
 * scheme, host, port, path, and the stream or the query's hash. */
static char *make_source_id(const struct lt_run *run, const struct lt_job *job)
{
    const struct lt_location *source = &run->plan->source;
    const char *query = lt_settings_text(&run->plan->settings, "query");
    struct lt_url url;
    if (lt_url_parse(source->url, &url, NULL)) {
        return lt_strdup(source->text);
    }
    char resolved[PATH_MAX];
    const char *path = url.path ? url.path : "";
    if (!url.has_authority && realpath(path, resolved)) {
        path = resolved;
    }
    struct lt_buf id = LT_BUF_INIT;
    int rc = lt_buf_printf(&id, "%s:%s%s%s%s%s", url.scheme, url.has_authority ? "//" : "",
                           url.host ? url.host : "", url.port ? ":" : "", url.port ? url.port : "",
                           path);
    if (!rc && query) {
        rc =
            lt_buf_printf(&id, "?query=%016llx", (unsigned long long)lt_hash(query, strlen(query)));
    } else if (!rc) {
        rc = lt_buf_printf(&id, "#%s", job->label);
    }
    lt_url_done(&url);
    char *text = rc ? NULL : lt_buf_take(&id);
    lt_buf_done(&id);
    return text;
}

/* --- planning ------------------------------------------------------------------------------- */

/* With several streams the schemas come from the catalogue; reads start one by one later. */
static int describe_stream(struct unit *unit, size_t i, struct leat_error *err)
{
    const struct lt_side *source = *unit->source;
    const struct lt_job *job = unit_job(unit, i);
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
    lt_cast_free(cast);
    lt_schema_done(&schema);
    if (rc) {
        leat_error_place(err, "%s", job->label);
    }
    return rc;
}

static int find_schemas(struct unit *unit, struct leat_error *err)
{
    int rc = LEAT_OK;
    if (unit->n == 1) {
        unit->flow_started = true;
        rc = lt_flow_start(unit->run, unit_job(unit, 0), *unit->source, unit->attempt, &unit->flow,
                           err);
        return rc ? rc : lt_schema_copy(&unit->flow.schema, &unit->schemas[0], err);
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

/* --- columns carried as text ---------------------------------------------------------------- */

/* The next attempt carries the column as text, unless this one did. */
static int carry_as_text(struct unit *unit, size_t i, const char *column,
                         const struct leat_error *why, struct leat_error *err)
{
    struct lt_job *job = unit_job(unit, i);
    bool fresh = false;
    int rc = lt_typing_add_text(&job->typing, column, why, &fresh, err);
    if (rc || !fresh) {
        return rc;
    }
    unit->again = true;
    lt_log(LT_LOG_INFO, "%s: column \"%s\" is carried as text: %s", job->label, column,
           why->message);
    return LEAT_OK;
}

static bool is_text(const struct ArrowSchema *field)
{
    struct lt_type type;
    return !lt_type_of(field, &type, NULL) && lt_type_is_text(type.id) && type.logical == LT_PLAIN;
}

/* A destination has no type for a column: it names the column, and where only one stream has it
 * in another type than text, that is the one. *err is what the destination said. */
static void note_refused(struct unit *unit, struct leat_error *err)
{
    if (unit->run->on_loss != LT_LOSS_TEXT || !err ||
        strcmp(err->code, lt_codes[LT_E_UNSUPPORTED_TYPE].code)) {
        return;
    }
    char *column = lt_error_column(err);
    size_t found = 0, at = 0;
    for (size_t i = 0; column && i < unit->n; i++) {
        int64_t k = lt_schema_find(&unit->schemas[i], column);
        if (k >= 0 && !is_text(unit->schemas[i].children[k])) {
            found++;
            at = i;
        }
    }
    if (found == 1) {
        const struct leat_error why = *err;
        carry_as_text(unit, at, lt_wishes_old_name(&unit->run->wishes, column), &why, err);
    }
    free(column);
}

/* Where a column is carried as text the destination's must be text, or it is as it was. */
static int check_texts(const struct unit *unit, size_t i, const struct ArrowSchema *taken,
                       struct leat_error *err)
{
    const struct lt_typing *typing = &unit_job(unit, i)->typing;
    for (size_t k = 0; k < typing->n_texts; k++) {
        const struct lt_text_column *text = &typing->texts[k];
        const char *name = lt_wishes_new_name(&unit->run->wishes, text->name);
        int64_t at = lt_schema_find(taken, name);
        if (at >= 0 && !is_text(taken->children[at])) {
            if (err) {
                *err = text->why;
            }
            leat_error_remedy(err, "the column there is no text: --recreate makes it anew, "
                                   "--on-loss null leaves such values out");
            return text->why.status;
        }
    }
    return LEAT_OK;
}

/* The flow failed for a value: its column may do better as text. */
static void note_misfit(struct unit *unit, size_t i, struct leat_error *err)
{
    struct leat_error why;
    char *column =
        unit->run->on_loss == LT_LOSS_TEXT && err ? lt_flow_misfit(&unit->flow, err, &why) : NULL;
    if (column) {
        carry_as_text(unit, i, column, &why, err);
    }
    free(column);
}

/* --- plans ---------------------------------------------------------------------------------- */

static void fill_write_streams(struct unit *unit, size_t d)
{
    struct lt_run *run = unit->run;
    struct unit_dest *dest = &unit->dests[d];
    const char *format = lt_side_bytes_format(*unit->source);
    uint32_t payloads = LEAT_PAYLOAD_BATCH | (format ? (uint32_t)LEAT_PAYLOAD_BYTES : 0);
    for (size_t i = 0; i < unit->n; i++) {
        const struct lt_job *job = unit_job(unit, i);
        dest->streams[i] = (struct leat_write_stream){.size = sizeof dest->streams[i],
                                                      .name = {job->dest_ns[d], job->dest_names[d]},
                                                      .schema = &unit->schemas[i],
                                                      .source_id = unit->source_ids[i],
                                                      .mode = run->mode,
                                                      .flags = run->write_flags,
                                                      .parts_wanted = 1,
                                                      .payloads = payloads,
                                                      .bytes_format = format};
    }
    lt_new_id(dest->load_id);
    dest->want = (struct leat_write_plan){.size = sizeof dest->want,
                                          .load_id = dest->load_id,
                                          .streams = dest->streams,
                                          .n_streams = unit->n,
                                          .params = (*dest->side)->params,
                                          .n_params = (*dest->side)->n_params};
}

static void note_route(struct lt_result *result, const struct unit_dest *dest, size_t i,
                       bool forward)
{
    const char *route = dest->plan.streams[i].route;
    free(result->route);
    result->route = lt_format("%s; %s", forward ? "pass-through" : "columnar",
                              route ? route : "written directly");
    result->pub.route = result->route ? result->route : "";
    memcpy(result->load_id, dest->load_id, sizeof result->load_id);
}

static void release_plan(struct unit_dest *dest)
{
    if (dest->planned && load_ops(dest)->plan_release) {
        load_ops(dest)->plan_release(&dest->plan);
    }
    dest->planned = false;
}

/* The plan must be about the streams that were asked for, and do together what is to be. */
static int check_plan(const struct unit *unit, const struct unit_dest *dest, struct leat_error *err)
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

static int plan_dest(struct unit *unit, size_t d, struct leat_error *err)
{
    struct unit_dest *dest = &unit->dests[d];
    const struct lt_side *side = *dest->side;
    fill_write_streams(unit, d);
    dest->plan.size = sizeof dest->plan;
    int rc = load_ops(dest)->plan(side->ep, &dest->want, &dest->plan, err);
    dest->planned = !rc;
    rc = rc ? rc : check_plan(unit, dest, err);
    for (size_t i = 0; !rc && i < unit->n; i++) {
        rc = check_casts(&unit->schemas[i], &dest->plan.streams[i].schema, err);
        rc = rc ? rc : check_texts(unit, i, &dest->plan.streams[i].schema, err);
        if (!rc && unit->run->report) {
            note_route(lt_run_result(unit->run, unit->first + i, d), dest, i, false);
        }
    }
    if (rc) {
        lt_loss_remedy(err, &unit->run->wishes);
        note_refused(unit, err);
    }
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "%s", unit->n == 1 ? unit_job(unit, 0)->label : side->location->text);
    }
    return rc;
}

/* --- moving --------------------------------------------------------------------------------- */

static int retype_flow(struct unit *unit, size_t i, struct leat_error *err)
{
    const struct ArrowSchema **taken = calloc(unit->n_dests, sizeof *taken);
    if (!taken) {
        return lt_fail_oom(err);
    }
    for (size_t d = 0; d < unit->n_dests; d++) {
        taken[d] = &unit->dests[d].plan.streams[i].schema;
    }
    int rc = lt_flow_retype(&unit->flow, taken, unit->n_dests, err);
    free(taken);
    return rc;
}

/* For -v: how the stream is read, and as which types. */
static void log_reading(const struct lt_flow *flow)
{
    struct lt_buf types = LT_BUF_INIT;
    char words[512];
    int rc = LEAT_OK;
    if (!lt_log_on(LT_LOG_INFO)) {
        return;
    }
    for (int64_t i = 0; !rc && i < flow->schema.n_children; i++) {
        rc = lt_buf_printf(&types, "%s%s ", i ? ", " : "", flow->schema.children[i]->name);
        rc = rc ? rc : lt_type_print(flow->schema.children[i], &types);
    }
    lt_flow_explain(flow, words, sizeof words);
    lt_log(LT_LOG_INFO, "%s: %s%s%s", flow->job->label, words, *words ? "; " : "",
           lt_buf_text(&types));
    lt_buf_done(&types);
}

/* Readies the flow of stream i for all destinations. */
static int ready_flow(struct unit *unit, size_t i, struct leat_error *err)
{
    struct lt_flow *flow = &unit->flow;
    int rc = LEAT_OK;
    if (!unit->flow_started) {
        unit->flow_started = true;
        rc = lt_flow_start(unit->run, unit_job(unit, i), *unit->source, unit->attempt, flow, err);
        if (!rc && !lt_schema_same(&flow->schema, &unit->schemas[i], true)) {
            rc = lt_fail(err, LT_E_UNAVAILABLE, "the stream's columns changed under the run");
        }
    }
    rc = rc ? rc : retype_flow(unit, i, err);
    if (!rc) {
        log_reading(flow);
        flow->dests = calloc(unit->n_dests, sizeof *flow->dests);
        rc = flow->dests ? LEAT_OK : lt_fail_oom(err);
    }
    for (size_t d = 0; !rc && d < unit->n_dests; d++) {
        struct lt_flow_dest *to = &flow->dests[d];
        flow->n_dests = d + 1;
        to->side = *unit->dests[d].side;
        to->load = unit->dests[d].load;
        to->stream = (uint32_t)i;
        rc = lt_flow_dest_init(flow, to, &unit->dests[d].plan.streams[i].schema, err);
    }
    rc = rc ? rc : lt_flow_choose(flow, &unit->dests[0].plan.streams[i], err);
    if (!rc && flow->forward) {
        note_route(lt_run_result(unit->run, unit->first + i, 0), &unit->dests[0], i, true);
        return LEAT_OK;
    }
    return rc ? rc : lt_flow_loosen(flow, err);
}

static int set_proof(struct lt_result *result, const char *proof)
{
    free(result->proof);
    result->proof = lt_strdup(proof);
    result->pub.proof = result->proof ? result->proof : "";
    return LEAT_OK;
}

/* Counts, and with --verify checksums, of one stream at one destination. */
static int check_dest(struct unit *unit, size_t i, size_t d, struct leat_error *err)
{
    struct lt_flow_dest *to = &unit->flow.dests[d];
    struct unit_dest *dest = &unit->dests[d];
    struct lt_result *result = lt_run_result(unit->run, unit->first + i, d);
    int64_t written = to->receipt.rows_inserted;
    dest->receipts[i] = to->receipt;
    dest->rows_expected[i] = to->rows_in - to->receipt.rows_rejected;
    result->pub.rows_written = written;
    result->pub.rows_rejected = result->pub.rows_read - written;
    struct lt_lost lost = {.columns = NULL};
    int lost_rc = lt_flow_lost(&unit->flow, to, &lost);
    lost_rc = lost_rc ? lost_rc : lt_result_set_losses(result, &lost, unit->run, unit_job(unit, i));
    lt_lost_done(&lost);
    if (lost_rc) {
        return lt_fail_oom(err);
    }
    if (written != dest->rows_expected[i]) {
        return lt_fail(err, LT_E_COUNT_MISMATCH,
                       "%lld records were sent and the destination took %lld",
                       (long long)dest->rows_expected[i], (long long)written);
    }
    if (!unit->run->verify) {
        return set_proof(result, "counts equal");
    }
    if (to->receipt.rows_rejected) {
        return set_proof(result, "counts equal; checksums not compared, for the destination "
                                 "rejected records");
    }
    int rc = lt_verify(to, err);
    if (rc) {
        return rc;
    }
    return set_proof(result, to->part_losses.lost.n
                                 ? "counts equal, and checksums but of columns with "
                                   "lost values"
                                 : "counts and checksums equal");
}

/* What was read is told also of a stream that failed. */
static void note_read(struct unit *unit, size_t i)
{
    const struct lt_flow *flow = &unit->flow;
    for (size_t d = 0; d < unit->n_dests; d++) {
        struct leat_stream_result *result = &lt_run_result(unit->run, unit->first + i, d)->pub;
        result->rows_read = flow->rows_read + atomic_load(&flow->read_rejects.count);
        result->bytes = flow->bytes_read;
        result->rows_written = result->rows_rejected = 0;
    }
}

/* Ends the flow at work, if there is one. */
static void end_flow(struct unit *unit)
{
    if (unit->flow_started) {
        unit->rejected += lt_flow_rejected(&unit->flow);
        lt_flow_done(&unit->flow);
        unit->flow_started = false;
    }
}

static int move_stream(struct unit *unit, size_t i, struct leat_error *err)
{
    int rc = ready_flow(unit, i, err);
    if (!rc) {
        rc = lt_flow_run(&unit->flow, err);
    }
    if (rc) {
        note_misfit(unit, i, err);
    }
    note_read(unit, i);
    for (size_t d = 0; d < unit->flow.n_dests; d++) {
        if (unit->flow.dests[d].part) {
            load_ops(&unit->dests[d])->part_close(unit->flow.dests[d].part);
            unit->flow.dests[d].part = NULL;
        }
    }
    for (size_t d = 0; !rc && d < unit->n_dests; d++) {
        rc = check_dest(unit, i, d, err);
    }
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "%s", unit_job(unit, i)->label);
    }
    end_flow(unit);
    return rc;
}

/* --- committing ----------------------------------------------------------------------------- */

/* The destination is asked until it says what became of the load. */
static int ask_until_known(struct unit *unit, struct unit_dest *dest,
                           enum leat_outcome *ret_outcome, struct leat_error *err)
{
    const struct leat *leat = unit->run->leat;
    int64_t wait_ms = LT_RETRY_FIRST_MS;
    *ret_outcome = LEAT_LOAD_IN_FLIGHT;
    if (!load_ops(dest)->outcome) {
        return lt_fail(err, LT_E_UNSUPPORTED, "this kind of destination cannot say");
    }
    for (int i = 0; i < OUTCOME_TRIES; i++) {
        (*dest->side)->stale = true;
        int rc = lt_side_freshen(dest->side, false, err);
        if (!rc) {
            /* The old side's parameters went with it. */
            dest->want.params = (*dest->side)->params;
            dest->want.n_params = (*dest->side)->n_params;
            rc = load_ops(dest)->outcome((*dest->side)->ep, &dest->want, ret_outcome, err);
        }
        if (rc ? rc != LEAT_UNAVAILABLE : *ret_outcome != LEAT_LOAD_IN_FLIGHT) {
            return rc;
        }
        lt_sleep_ms(wait_ms, (const volatile int *)&leat->cancelled);
        if (atomic_load(&leat->cancelled)) {
            return lt_fail(err, LT_E_CANCELLED, "the run was cancelled before it could be asked");
        }
        wait_ms = LT_MIN(wait_ms * 2, LT_RETRY_MAX_MS);
    }
    return lt_fail(err, LT_E_UNAVAILABLE, "it is still in flight, or does not answer");
}

/* The reply to a commit was lost: the destination is asked, on fresh connections. Only after that
 * may anything be tried again, or an append would be doubled. */
static int ask_outcome(struct unit *unit, size_t d, struct leat_error *err)
{
    struct unit_dest *dest = &unit->dests[d];
    struct leat_error asking = {0};
    enum leat_outcome outcome;
    load_ops(dest)->release(dest->load);
    dest->load = NULL;
    release_plan(dest); /* before its endpoint is closed */
    int rc = ask_until_known(unit, dest, &outcome, &asking);
    if (!rc && outcome == LEAT_LOAD_COMMITTED) {
        lt_log(LT_LOG_INFO,
               "load %s: the reply to its commit was lost; the destination says it is "
               "committed",
               dest->load_id);
        return LEAT_OK;
    }
    if (!rc) {
        return lt_fail(err, LT_E_UNAVAILABLE,
                       "the connection was lost during the commit, and the "
                       "destination says it did not happen");
    }
    unit->in_doubt = true;
    for (size_t i = 0; i < unit->n; i++) {
        lt_run_result(unit->run, unit->first + i, d)->in_doubt = true;
    }
    return lt_fail(err, LT_E_OUTCOME_UNKNOWN,
                   "the connection was lost during the commit of load %s, and the destination "
                   "could not be asked what became of it: %s",
                   dest->load_id, asking.message);
}

static int commit_dest(struct unit *unit, size_t d, struct leat_error *err)
{
    struct unit_dest *dest = &unit->dests[d];
    bool already = false;
    const struct leat_commit what = {
        .size = sizeof what,
        .receipts = dest->receipts,
        .n_receipts = unit->n,
        .guards = {.size = sizeof what.guards,
                   .rows_expected = dest->rows_expected,
                   .allow_empty = unit->run->write_flags & LEAT_WRITE_ALLOW_EMPTY,
                   .rows_deleted_max = -1}};
    int rc = load_ops(dest)->commit(dest->load, &what, &already, err);
    if (rc == LEAT_OUTCOME_UNKNOWN) {
        rc = ask_outcome(unit, d, err);
    }
    if (rc) {
        if (err && !err->place[0]) {
            leat_error_place(err, "%s", unit_job(unit, 0)->label);
        }
        return rc;
    }
    dest->committed = true;
    for (size_t i = 0; i < unit->n; i++) {
        lt_run_result(unit->run, unit->first + i, d)->pub.committed = true;
    }
    if (dest->load) {
        load_ops(dest)->release(dest->load);
        dest->load = NULL;
    }
    return LEAT_OK;
}

/* --- the whole ------------------------------------------------------------------------------ */

static int unit_init(struct unit *unit, struct lt_run *run, struct lt_side **source,
                     struct lt_side **dests, size_t first, size_t n, struct leat_error *err)
{
    *unit = (struct unit){
        .run = run, .source = source, .first = first, .n = n, .n_dests = run->plan->n_destinations};
    unit->dests = calloc(unit->n_dests + 1, sizeof *unit->dests);
    unit->schemas = calloc(n, sizeof *unit->schemas);
    unit->source_ids = calloc(n, sizeof *unit->source_ids);
    bool ok = unit->dests && unit->schemas && unit->source_ids;
    for (size_t d = 0; ok && d < unit->n_dests; d++) {
        struct unit_dest *dest = &unit->dests[d];
        dest->side = &dests[d];
        dest->streams = calloc(n, sizeof *dest->streams);
        dest->receipts = calloc(n, sizeof *dest->receipts);
        dest->rows_expected = calloc(n, sizeof *dest->rows_expected);
        ok = dest->streams && dest->receipts && dest->rows_expected;
    }
    for (size_t i = 0; ok && i < n; i++) {
        unit->source_ids[i] = make_source_id(run, &run->jobs.items[first + i]);
        ok = unit->source_ids[i] != NULL;
    }
    return ok ? LEAT_OK : lt_fail_oom(err);
}

static void unit_done(struct unit *unit)
{
    end_flow(unit);
    for (size_t d = 0; unit->dests && d < unit->n_dests; d++) {
        struct unit_dest *dest = &unit->dests[d];
        if (dest->load) {
            load_ops(dest)->abort(dest->load);
        }
        release_plan(dest);
        free(dest->streams);
        free(dest->receipts);
        free(dest->rows_expected);
    }
    for (size_t i = 0; i < unit->n; i++) {
        if (unit->schemas) {
            lt_schema_done(&unit->schemas[i]);
        }
        free(unit->source_ids ? unit->source_ids[i] : NULL);
    }
    free(unit->schemas);
    free(unit->source_ids);
    free(unit->dests);
}

static void mark_touched(struct unit *unit, size_t d)
{
    unit->dests[d].lasting = unit->dests[d].plan.atomicity == LEAT_ATOMIC_NONE;
    for (size_t i = 0; i < unit->n; i++) {
        struct lt_result *result = lt_run_result(unit->run, unit->first + i, d);
        result->pub.touched = true;
        result->lasting = unit->dests[d].lasting;
    }
}

static int attempt(struct unit *unit, struct leat_error *err)
{
    int rc = find_schemas(unit, err);
    for (size_t d = 0; !rc && d < unit->n_dests; d++) {
        rc = plan_dest(unit, d, err);
    }
    for (size_t d = 0; !rc && d < unit->n_dests; d++) {
        struct unit_dest *dest = &unit->dests[d];
        rc = load_ops(dest)->begin((*dest->side)->ep, &dest->plan, &dest->load, err);
        if (!rc) {
            mark_touched(unit, d);
        } else if (err && !err->place[0]) {
            leat_error_place(err, "%s", unit_job(unit, 0)->label);
        }
    }
    for (size_t i = 0; !rc && i < unit->n; i++) {
        rc = move_stream(unit, i, err);
    }
    for (size_t d = 0; !rc && d < unit->n_dests; d++) {
        rc = commit_dest(unit, d, err);
    }
    return rc;
}

/* Nothing of this unit may be tried again: some of it is committed, or may be, or stays written
 * whatever becomes of the rest. */
static bool is_final(const struct unit *unit)
{
    bool final = unit->in_doubt;
    for (size_t d = 0; unit->dests && d < unit->n_dests; d++) {
        final = final || unit->dests[d].committed || unit->dests[d].lasting;
    }
    return final;
}

/* What may follow a failed attempt. */
struct tried {
    bool final; /* nothing */
    bool again; /* another one at once, for a column is now carried as text */
};

/* One attempt, from fresh sides to the commit or to nothing. */
static int try_once(struct lt_run *run, struct lt_side **source, struct lt_side **dests,
                    size_t first, size_t n, int tries, struct tried *ret_tried,
                    struct leat_error *err)
{
    struct unit unit;
    size_t n_dests = run->plan->n_destinations;
    *ret_tried = (struct tried){.final = false};
    for (size_t i = first * n_dests; i < (first + n) * n_dests; i++) {
        run->report->results[i].pub.attempts = tries;
    }
    int rc = lt_side_freshen(source, true, err);
    for (size_t d = 0; !rc && d < n_dests; d++) {
        rc = lt_side_freshen(&dests[d], false, err);
    }
    if (rc) {
        return rc;
    }
    rc = unit_init(&unit, run, source, dests, first, n, err);
    unit.attempt = tries;
    if (!rc) {
        rc = attempt(&unit, err);
    }
    *ret_tried = (struct tried){is_final(&unit), unit.again};
    if (rc && !ret_tried->final) {
        lt_rejects_forget(run->rejects, unit.rejected);
    }
    unit_done(&unit);
    for (size_t d = 0; rc && d < n_dests; d++) {
        dests[d]->stale = true; /* after a fault nobody knows in what state it is */
    }
    return rc;
}

/* Standard input gives its bytes once, and an embedder's stream its batches. */
static bool can_be_read_again(const struct lt_side *source)
{
    return !source->run->input_spent && (source->connector != &lt_connector_stream_source ||
                                         !lt_stream_source_was_read(source->ep));
}

int lt_unit_run(struct lt_run *run, struct lt_side **source, struct lt_side **dests, size_t first,
                size_t n, struct leat_error *err)
{
    int64_t retries = lt_settings_number(&run->plan->settings, "retries");
    int64_t wait_ms = LT_RETRY_FIRST_MS;
    for (int tries = 1;; tries++) {
        struct tried tried;
        int rc = try_once(run, source, dests, first, n, tries, &tried, err);
        bool cancelled = atomic_load(&run->leat->cancelled);
        if (rc && rc != LEAT_OUTCOME_UNKNOWN && cancelled) {
            return lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
        }
        bool over = tried.final || !can_be_read_again(*source);
        if (rc && tried.again && !over) {
            tries--; /* nothing failed but the type */
            continue;
        }
        if (rc && tried.again) {
            leat_error_remedy(err, "what was read cannot be read again: --cast carries the column "
                                   "as text from the start");
        }
        if (rc != LEAT_UNAVAILABLE || over || tries > retries) {
            return rc;
        }
        rc = lt_run_back_off(run, run->jobs.items[first].label, &wait_ms, err);
        if (rc) {
            return rc;
        }
    }
}

static int describe_one(struct unit *unit, size_t d, struct lt_buf *out)
{
    char words[512];
    const struct leat_load_stream *to = &unit->dests[d].plan.streams[0];
    const struct lt_job *job = unit_job(unit, 0);
    const struct ArrowSchema *from = &unit->flow.schema; /* as the destinations have it read */
    const char *ns = job->dest_ns[d];
    int rc = lt_buf_printf(out, "%s -> %s (%s%s%s): %s\n", job->label,
                           (*unit->dests[d].side)->location->text, ns, *ns ? "." : "",
                           job->dest_names[d], to->route ? to->route : "written directly");
    lt_flow_explain(&unit->flow, words, sizeof words);
    if (!rc && *words) {
        rc = lt_buf_printf(out, "  read: %s\n", words);
    }
    if (!rc && to->exists) {
        rc = to->rows_before >= 0
                 ? lt_buf_printf(out, "  it exists and holds %lld rows%s\n",
                                 (long long)to->rows_before, to->ours ? ", written by leat" : "")
                 : lt_buf_printf(out, "  it exists\n");
    }
    for (int64_t i = 0; !rc && i < to->schema.n_children; i++) {
        /* plan_dest() saw to it that there is one. */
        const struct ArrowSchema *field =
            from->children[lt_schema_find(from, to->schema.children[i]->name)];
        rc = lt_buf_printf(out, "  %-24s ", field->name);
        rc = rc ? rc : lt_type_print(field, out);
        rc = rc ? rc : lt_buf_puts(out, " -> ");
        rc = rc ? rc : lt_type_print(to->schema.children[i], out);
        rc = rc ? rc : lt_buf_puts(out, field->flags & ARROW_FLAG_NULLABLE ? "\n" : " not null\n");
    }
    if (!rc && to->ddl) {
        rc = lt_buf_printf(out, "  %s\n", to->ddl);
    }
    return rc;
}

/* *ret_again: not yet, for a column is to be carried as text first. */
static int describe_once(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                         size_t job, struct lt_buf *out, bool *ret_again, struct leat_error *err)
{
    struct unit unit;
    int rc = unit_init(&unit, run, &source, (struct lt_side **)dests, job, 1, err);
    if (!rc) {
        rc = find_schemas(&unit, err);
    }
    for (size_t d = 0; !rc && d < unit.n_dests; d++) {
        rc = plan_dest(&unit, d, err);
    }
    rc = rc ? rc : retype_flow(&unit, 0, err);
    for (size_t d = 0; !rc && d < unit.n_dests; d++) {
        rc = describe_one(&unit, d, out) ? lt_fail_oom(err) : LEAT_OK;
    }
    *ret_again = rc && unit.again;
    unit_done(&unit);
    return rc;
}

int lt_unit_describe(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                     size_t job, struct lt_buf *out, struct leat_error *err)
{
    bool again;
    int rc;
    do {
        rc = describe_once(run, source, dests, job, out, &again, err);
    } while (again && can_be_read_again(source));
    return rc;
}
