/* Watermarks by hand: shown, set and forgotten, for every stream that a plan names. */
#include "engine/flow.h"
#include "engine/watermark.h"

#include "columnar/schema.h"
#include "core/codes.h"
#include "core/json_read.h"
#include "core/util.h"

#include <stdlib.h>

struct open_plan {
    struct lt_run run;
    struct lt_side *source, *dest;
};

static void close_plan(struct open_plan *open)
{
    lt_side_close(open->source);
    lt_side_close(open->dest);
    lt_run_done(&open->run);
}

static int open_plan(struct leat_plan *plan, struct open_plan *ret_open, struct leat_error *err)
{
    memset(ret_open, 0, sizeof *ret_open);
    if (plan->action != LEAT_ACTION_DELTA || plan->n_destinations != 1) {
        return lt_fail(err, LT_E_USAGE, "watermarks are of a delta and one destination");
    }
    int rc = lt_run_init(&ret_open->run, plan, NULL, err);
    rc = rc ? rc : lt_side_open(&ret_open->run, &plan->source, &ret_open->source, err);
    rc = rc ? rc : lt_side_open(&ret_open->run, &plan->destinations[0], &ret_open->dest, err);
    rc = rc ? rc : lt_jobs_list(&ret_open->run, ret_open->source, &ret_open->dest, err);
    if (!rc && !ret_open->dest->connector->load->state) {
        rc = lt_fail(err, LT_E_UNSUPPORTED, "%s keeps no watermark",
                     ret_open->dest->connector->name);
    }
    return rc;
}

/* --- showing -------------------------------------------------------------------------------- */

struct finding {
    const char *key;
    char *value;
};

static int find(void *arg, const char *key, const char *value)
{
    struct finding *finding = arg;
    if (value && !finding->value && !strcmp(key, finding->key)) {
        finding->value = lt_strdup(value);
        return finding->value ? LEAT_OK : LEAT_NO_MEMORY;
    }
    return LEAT_OK;
}

int leat_plan_watermarks(struct leat_plan *plan, leat_watermark_fn *each, void *arg,
                         struct leat_error *err)
{
    struct open_plan open;
    int rc = open_plan(plan, &open, err);
    for (size_t i = 0; !rc && i < open.run.jobs.n; i++) {
        const struct lt_job *job = &open.run.jobs.items[i];
        const struct leat_stream_name name = {job->dest_ns[0], job->dest_names[0]};
        char *key = lt_watermark_key(&open.run, job);
        struct finding finding = {key, NULL};
        rc = key ? open.dest->connector->load->state(open.dest->ep, &name, find, &finding, err)
                 : lt_fail_oom(err);
        rc = rc ? rc : each(arg, job->label, finding.value);
        free(finding.value);
        free(key);
    }
    close_plan(&open);
    return rc;
}

/* --- setting -------------------------------------------------------------------------------- */

/* The values of a compound cursor are a JSON array; a single one stands as it is. */
static int read_values(const struct lt_cursor *cursor, const char *text, struct lt_cursor_row *row,
                       struct leat_error *err)
{
    struct lt_json_doc *doc = NULL;
    int rc = cursor->n > 1 ? lt_json_doc_parse(text, strlen(text), &doc, err) : LEAT_OK;
    if (!rc && cursor->n > 1 && lt_json_count(lt_json_root(doc)) != cursor->n) {
        rc = lt_fail(err, LT_E_USAGE,
                     "a cursor of %zu columns has as many values: [\"2026-11-21\", \"17\"]",
                     cursor->n);
    }
    for (size_t i = 0; !rc && i < cursor->n; i++) {
        const char *value =
            cursor->n > 1 ? lt_json_string(lt_json_at(lt_json_root(doc), i), "") : text;
        rc = lt_cursor_read(&cursor->columns[i], "the watermark", value, &row->texts[i], err);
    }
    lt_json_doc_free(doc);
    return rc;
}

/* What is to stand as the job's watermark. */
static int make_value(struct open_plan *open, struct lt_job *job, const char *text,
                      char **ret_value, struct leat_error *err)
{
    struct lt_cursor cursor = {.n = 0};
    struct lt_cursor_row row = {{NULL}};
    struct lt_flow flow;
    char **names = NULL;
    size_t n = 0;
    int rc = lt_settings_list(&open->run.plan->settings, "cursor", &names, &n, err);
    if (!rc && !n) {
        rc = lt_fail(err, LT_E_USAGE, "name the cursor that the watermark is of with -d");
    }
    if (!rc) {
        rc = lt_flow_start(&open->run, job, open->source, 1, &flow, err);
        rc = rc ? rc : lt_cursor_init(&cursor, names, n, &flow.source_schema, err);
        lt_flow_done(&flow);
    }
    rc = rc ? rc : read_values(&cursor, text, &row, err);
    rc = rc ? rc : lt_watermark_print(&cursor, &row, ret_value, err);
    lt_cursor_row_done(&row);
    lt_cursor_done(&cursor);
    lt_list_free(names);
    return rc;
}

int leat_plan_set_watermark(struct leat_plan *plan, const char *value, struct leat_error *err)
{
    struct open_plan open;
    int rc = open_plan(plan, &open, err);
    if (!rc && !open.dest->connector->load->state_set) {
        rc = lt_fail(err, LT_E_UNSUPPORTED, "%s takes no watermark by hand",
                     open.dest->connector->name);
    }
    for (size_t i = 0; !rc && i < open.run.jobs.n; i++) {
        struct lt_job *job = &open.run.jobs.items[i];
        const struct leat_stream_name name = {job->dest_ns[0], job->dest_names[0]};
        char *text = NULL, *key = lt_watermark_key(&open.run, job);
        rc = key ? LEAT_OK : lt_fail_oom(err);
        rc = rc || !value ? rc : make_value(&open, job, value, &text, err);
        rc = rc ? rc : open.dest->connector->load->state_set(open.dest->ep, &name, key, text, err);
        if (rc && err && !err->place[0]) {
            leat_error_place(err, "%s", job->label);
        }
        free(text);
        free(key);
    }
    close_plan(&open);
    return rc;
}
