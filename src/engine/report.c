#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"
#include "engine/run.h"

#include <stdlib.h>

int lt_report_new(struct lt_run *run, struct lt_side *const *dests, struct leat_report **ret_report,
                  struct leat_error *err)
{
    size_t n_dests = run->plan->n_destinations;
    struct leat_report *report = calloc(1, sizeof *report);
    if (report) {
        report->n = run->jobs.n * n_dests;
        report->results = calloc(report->n + 1, sizeof *report->results);
    }
    if (!report || !report->results) {
        leat_report_free(report);
        return lt_fail_oom(err);
    }
    report->started_wall_us = run->started_wall_us;
    memcpy(report->run_id, run->id, sizeof report->run_id);
    report->compares =
        run->plan->action == LEAT_ACTION_DIFF || run->plan->action == LEAT_ACTION_VERIFY;
    for (size_t i = 0; i < report->n; i++) {
        const struct lt_job *job = &run->jobs.items[i / n_dests];
        const struct lt_location *location = &run->plan->destinations[i % n_dests];
        const char *ns = job->dest_ns[i % n_dests];
        struct lt_result *result = &report->results[i];
        result->source = lt_strdup(job->label);
        result->destination = lt_format("%s#%s%s%s", location->text, ns, *ns ? "." : "",
                                        job->dest_names[i % n_dests]);
        if ((location->stream || !lt_side_can(dests[i % n_dests], LEAT_CAN_STREAMS)) &&
            result->destination && !lt_name_is_template(location->stream)) {
            /* The text already says where. */
            free(result->destination);
            result->destination = lt_strdup(location->text);
        }
        if (!result->source || !result->destination) {
            leat_report_free(report);
            return lt_fail_oom(err);
        }
        result->pub = (struct leat_stream_result){.size = sizeof result->pub,
                                                  .source = result->source,
                                                  .destination = result->destination,
                                                  .load_id = result->load_id,
                                                  .route = "",
                                                  .proof = "",
                                                  .state = "unchanged",
                                                  .counts = {.size = sizeof result->pub.counts},
                                                  .watermark_before = "",
                                                  .watermark_after = "",
                                                  .drift = "",
                                                  .why_not_resumed = "",
                                                  .resolution = "",
                                                  .error = &result->error};
    }
    *ret_report = report;
    return LEAT_OK;
}

int lt_result_set_text(char **text, const char **ret_shown, const char *value)
{
    char *copy = lt_strdup(value ? value : "");
    if (!copy) {
        return LEAT_NO_MEMORY;
    }
    free(*text);
    *text = copy;
    *ret_shown = copy;
    return LEAT_OK;
}

int lt_result_add_preview(struct lt_result *result, const char *words)
{
    char *whole = lt_format("%s%s", result->preview ? result->preview : "", words);
    if (!whole) {
        return LEAT_NO_MEMORY;
    }
    free(result->preview);
    result->preview = whole;
    return LEAT_OK;
}

void lt_result_clear_losses(struct lt_result *result)
{
    for (size_t i = 0; i < result->n_losses; i++) {
        free((char *)(uintptr_t)result->losses[i].column);
        free((char *)(uintptr_t)result->losses[i].reason);
    }
    free(result->losses);
    result->losses = NULL;
    result->n_losses = 0;
    result->pub.losses = NULL;
    result->pub.n_losses = 0;
    result->pub.values_lost = 0;
}

static int add_loss(struct lt_result *result, const char *column, int64_t values, bool as_text,
                    const char *reason)
{
    char *name = lt_strdup(column), *why = lt_strdup(reason);
    if (!name || !why) {
        free(name);
        free(why);
        return LEAT_NO_MEMORY;
    }
    result->losses[result->n_losses++] = (struct leat_column_loss){.size = sizeof *result->losses,
                                                                   .column = name,
                                                                   .values = values,
                                                                   .as_text = as_text,
                                                                   .reason = why};
    return LEAT_OK;
}

int lt_result_set_losses(struct lt_result *result, const struct lt_lost *lost,
                         const struct lt_run *run, const struct lt_job *job)
{
    int rc = LEAT_OK;
    lt_result_clear_losses(result);
    result->losses = calloc(lost->n + job->typing.n_texts + 1, sizeof *result->losses);
    if (!result->losses) {
        return LEAT_NO_MEMORY;
    }
    for (size_t i = 0; !rc && i < lost->n; i++) {
        const struct lt_lost_column *column = &lost->columns[i];
        rc = add_loss(result, column->name, column->values, false, column->reason);
        result->pub.values_lost += column->values;
    }
    for (size_t i = 0; !rc && i < job->typing.n_texts; i++) {
        if (job->typing.texts[i].own) {
            continue; /* nothing of it is another */
        }
        const struct lt_text_column *text = &job->typing.texts[i];
        rc = add_loss(result, lt_wishes_new_name(&run->wishes, text->name), 0, true,
                      text->why.message);
    }
    result->pub.losses = result->losses;
    result->pub.n_losses = result->n_losses;
    return rc;
}

void leat_report_free(struct leat_report *report)
{
    if (!report) {
        return;
    }
    for (size_t i = 0; report->results && i < report->n; i++) {
        lt_result_clear_losses(&report->results[i]);
        free(report->results[i].source);
        free(report->results[i].destination);
        free(report->results[i].route);
        free(report->results[i].proof);
        free(report->results[i].drift);
        free(report->results[i].why_not_resumed);
        free(report->results[i].resolution);
        free(report->results[i].watermark_before);
        free(report->results[i].watermark_after);
        free(report->results[i].open_loads);
        free(report->results[i].preview);
    }
    free(report->results);
    lt_buf_done(&report->json);
    free(report);
}

size_t leat_report_count(const struct leat_report *report)
{
    return report ? report->n : 0;
}

const struct leat_stream_result *leat_report_result(const struct leat_report *report, size_t i)
{
    return i < report->n ? &report->results[i].pub : NULL;
}

int64_t leat_report_rejected(const struct leat_report *report)
{
    return report ? report->rejected : 0;
}

int64_t leat_report_differences(const struct leat_report *report)
{
    int64_t n = 0;
    for (size_t i = 0; report && report->compares && i < report->n; i++) {
        const struct leat_row_counts *counts = &report->results[i].pub.counts;
        n += counts->inserted + counts->updated + counts->deleted;
    }
    return n;
}

static void add_error(struct lt_json *json, const struct leat_error *error)
{
    lt_json_key(json, "error");
    if (error->status == LEAT_OK) {
        lt_json_null(json);
        return;
    }
    const struct {
        const char *key, *value;
    } rows[] = {{"code", error->code},         {"status", leat_status_name(error->status)},
                {"sqlstate", error->sqlstate}, {"place", error->place},
                {"message", error->message},   {"remedy", error->remedy}};
    lt_json_object(json);
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        lt_json_key(json, rows[i].key);
        lt_json_text(json, rows[i].value);
    }
    lt_json_object_end(json);
}

/* Columns that lost values, and those carried as text. */
static void add_losses(struct lt_json *json, const struct leat_stream_result *r)
{
    lt_json_key(json, "losses");
    lt_json_array(json);
    for (size_t i = 0; i < r->n_losses; i++) {
        const struct leat_column_loss *loss = &r->losses[i];
        lt_json_object(json);
        lt_json_key(json, "column");
        lt_json_text(json, loss->column);
        lt_json_key(json, "values");
        lt_json_int(json, loss->values);
        lt_json_key(json, "as_text");
        lt_json_bool(json, loss->as_text);
        lt_json_key(json, "reason");
        lt_json_text(json, loss->reason);
        lt_json_object_end(json);
    }
    lt_json_array_end(json);
}

/* What became of the destination's rows. */
static void add_counts(struct lt_json *json, const struct leat_row_counts *counts)
{
    const struct {
        const char *key;
        int64_t value;
    } rows[] = {{"inserted", counts->inserted},
                {"updated", counts->updated},
                {"deleted", counts->deleted},
                {"unchanged", counts->unchanged},
                {"superseded", counts->superseded}};
    lt_json_key(json, "rows");
    lt_json_object(json);
    for (size_t i = 0; i < LT_ARRAY_LEN(rows); i++) {
        lt_json_key(json, rows[i].key);
        lt_json_int(json, rows[i].value);
    }
    lt_json_object_end(json);
}

/* What an earlier run had written already, or why that was not gone on from. */
static void add_resumed(struct lt_json *json, const struct leat_stream_result *r)
{
    lt_json_key(json, "resumed");
    lt_json_object(json);
    lt_json_key(json, "parts");
    lt_json_int(json, r->parts_resumed);
    lt_json_key(json, "rows");
    lt_json_int(json, r->rows_resumed);
    lt_json_key(json, "why_not");
    lt_json_text(json, r->why_not_resumed);
    lt_json_object_end(json);
}

static void add_result(struct lt_json *json, const struct lt_result *result)
{
    const struct leat_stream_result *r = &result->pub;
    const struct {
        const char *key, *value;
    } texts[] = {{"source", r->source},
                 {"destination", r->destination},
                 {"load_id", r->load_id},
                 {"route", r->route},
                 {"proof", r->proof},
                 {"state", r->state},
                 {"drift", r->drift},
                 {"resolution", r->resolution},
                 {"watermark_before", r->watermark_before},
                 {"watermark_after", r->watermark_after}};
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"rows_read", r->rows_read},
                   {"rows_written", r->rows_written},
                   {"rows_rejected", r->rows_rejected},
                   {"rows_compared", r->rows_compared},
                   {"rows_skipped", r->rows_skipped},
                   {"values_lost", r->values_lost},
                   {"bytes", r->bytes},
                   {"elapsed_us", r->elapsed_us},
                   {"attempts", r->attempts}};
    lt_json_object(json);
    for (size_t i = 0; i < LT_ARRAY_LEN(texts); i++) {
        lt_json_key(json, texts[i].key);
        lt_json_text(json, texts[i].value);
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(numbers); i++) {
        lt_json_key(json, numbers[i].key);
        lt_json_int(json, numbers[i].value);
    }
    add_counts(json, &r->counts);
    add_losses(json, r);
    add_resumed(json, r);
    lt_json_key(json, "plan");
    lt_json_text(json, result->preview);
    lt_json_key(json, "committed");
    lt_json_bool(json, r->committed);
    lt_json_key(json, "touched");
    lt_json_bool(json, r->touched);
    add_error(json, r->error);
    lt_json_object_end(json);
}

const char *leat_report_json(struct leat_report *report)
{
    lt_buf_clear(&report->json);
    struct lt_json json = {.out = &report->json};
    lt_json_object(&json);
    lt_json_key(&json, "leat");
    lt_json_text(&json, leat_version());
    lt_json_key(&json, "run_id");
    lt_json_text(&json, report->run_id);
    lt_json_key(&json, "started_unix_us");
    lt_json_int(&json, report->started_wall_us);
    lt_json_key(&json, "elapsed_us");
    lt_json_int(&json, report->elapsed_us);
    lt_json_key(&json, "dry_run");
    lt_json_bool(&json, report->dry);
    lt_json_key(&json, "rows_rejected");
    lt_json_int(&json, report->rejected);
    lt_json_key(&json, "differences");
    lt_json_int(&json, leat_report_differences(report));
    add_error(&json, &report->error);
    lt_json_key(&json, "streams");
    lt_json_array(&json);
    for (size_t i = 0; i < report->n; i++) {
        add_result(&json, &report->results[i]);
    }
    lt_json_array_end(&json);
    lt_json_object_end(&json);
    if (json.failed || lt_buf_byte(&report->json, '\n')) {
        return "{}\n";
    }
    return lt_buf_text(&report->json);
}
