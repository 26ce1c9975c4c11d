/* Whether a load can be resumed exactly, and the text by which it is known again. */
#include "columnar/schema.h"
#include "core/codes.h"
#include "core/hasher.h"
#include "core/json.h"
#include "core/json_read.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SOURCE_CUT 1000 /* partitions, if the source has any */
_Static_assert(SOURCE_CUT < LT_PARTITIONS_MAX, "numbers of parts have room for them");

int lt_resume_not(struct lt_unit_try *unit, const char *why, struct leat_error *err)
{
    struct lt_result *result = unit->run->report ? lt_run_result(unit->run, unit->first, 0) : NULL;
    lt_log(LT_LOG_WARN, "%s: is not resumed, but loaded from its beginning: %s",
           lt_unit_job(unit, 0)->label, why);
    return result && lt_result_set_text(&result->why_not_resumed, &result->pub.why_not_resumed, why)
               ? lt_fail_oom(err)
               : LEAT_OK;
}

/* What is known without asking either side. NULL: nothing is against it. */
static const char *find_reason(const struct lt_unit_try *unit)
{
    const struct lt_run *run = unit->run;
    const struct {
        bool holds;
        const char *why;
    } reasons[] = {
        {unit->n > 1,
         "several streams are committed together (--atomic, or their tables refer to each "
         "other)"},
        {unit->n_dests > 1, "several destinations are written from one read (--also)"},
        {run->snapshot[0] && !run->snapshot_given &&
             !lt_settings_bool(&run->plan->settings, "immutable"),
         "each run sees the tables as of another moment; --snapshot makes it the same one, and "
         "--immutable says that there is but one"},
        {run->rejects != NULL, "records may be set aside (--on-error skip)"},
        {run->on_loss != LT_LOSS_ERROR, "values may be lost (--on-loss)"},
        {!lt_unit_load_ops(&unit->dests[0])->resumed,
         "the destination commits nothing but whole loads"},
        {!(*unit->source)->connector->source->fingerprint,
         "nobody can tell whether the source is still the same"},
    };
    for (size_t i = 0; i < LT_ARRAY_LEN(reasons); i++) {
        if (reasons[i].holds) {
            return reasons[i].why;
        }
    }
    return NULL;
}

/* NULL with LEAT_OK: it has none, which was said. */
static int take_fingerprint(struct lt_unit_try *unit, char **ret_text, bool *ret_ordered,
                            struct leat_error *err)
{
    struct lt_side *source = *unit->source;
    struct leat_error why = {0};
    struct leat_read_plan plan;
    *ret_text = NULL;
    lt_run_read_plan(unit->run, source, lt_unit_job(unit, 0), &plan);
    int rc = source->connector->source->fingerprint(
        source->ep, &plan, lt_settings_bool(&unit->run->plan->settings, "immutable"), ret_text,
        ret_ordered, &why);
    if (rc == LEAT_UNSUPPORTED) {
        return lt_resume_not(unit, why.message, err);
    }
    if (!rc && !*ret_ordered && plan.limit >= 0) {
        free(*ret_text);
        *ret_text = NULL;
        return lt_resume_not(unit, "a limit takes any rows of a table without order", err);
    }
    if (rc && err) {
        *err = why;
    }
    return rc;
}

/* What an earlier attempt said of it. */
static void clear_result(struct lt_run *run, size_t job)
{
    struct lt_result *result = run->report ? lt_run_result(run, job, 0) : NULL;
    if (result) {
        free(result->why_not_resumed);
        result->why_not_resumed = NULL;
        result->pub.why_not_resumed = "";
        result->pub.parts_resumed = result->pub.rows_resumed = 0;
    }
}

int lt_resume_look(struct lt_unit_try *unit, struct leat_error *err)
{
    if (!unit->run->resume) {
        return LEAT_OK;
    }
    clear_result(unit->run, unit->first);
    const char *why = find_reason(unit);
    if (why) {
        return lt_resume_not(unit, why, err);
    }
    return take_fingerprint(unit, &unit->resume.fingerprint, &unit->resume.parts.ordered, err);
}

/* Before anything is read the source must be what it was before the read began; and at the end of
 * a load that others had begun, still. */
static int still_same(struct lt_unit_try *unit, bool *ret_same, struct leat_error *err)
{
    char *now = NULL;
    bool ordered;
    int rc = take_fingerprint(unit, &now, &ordered, err);
    *ret_same = !rc && now && !strcmp(now, unit->resume.fingerprint);
    free(now);
    return rc;
}

/* --- the text ------------------------------------------------------------------------------ */

static void add_text(struct lt_hasher *hasher, const char *text)
{
    lt_hasher_add(hasher, text ? text : "", text ? strlen(text) + 1 : 1);
}

static int add_meta(void *arg, const char *key, size_t key_len, const char *value, size_t value_len)
{
    lt_hasher_add(arg, key, key_len);
    lt_hasher_add(arg, "=", 1);
    lt_hasher_add(arg, value, value_len);
    lt_hasher_add(arg, ";", 1);
    return LEAT_OK;
}

static void add_schema(struct lt_hasher *hasher, const struct ArrowSchema *schema)
{
    add_text(hasher, schema->format);
    add_text(hasher, schema->name);
    lt_hasher_add(hasher, &schema->flags, sizeof schema->flags);
    lt_schema_meta_each(schema, add_meta, hasher);
    for (int64_t i = 0; i < schema->n_children; i++) {
        add_schema(hasher, schema->children[i]);
    }
    lt_hasher_add(hasher, ")", 1);
    if (schema->dictionary) {
        add_schema(hasher, schema->dictionary);
    }
}

/* Options that change neither the records nor what is made of them. */
static bool is_harmless(const char *option)
{
    static const char *const names[] = {
        "resume",  "part-rows",    "immutable",       "snapshot",   "verify",  "parallel", "memory",
        "retries", "lock-timeout", "connect-timeout", "keep-going", "include", "exclude",  "views"};
    for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
        if (!strcmp(names[i], option)) {
            return true;
        }
    }
    return false;
}

/* Not even the hash of a secret goes out of here. */
static void add_params(struct lt_hasher *hasher, const struct lt_side *side)
{
    for (size_t i = 0; i < side->n_params; i++) {
        const struct leat_option *option =
            lt_option_find(side->connector->options, side->params[i].name);
        add_text(hasher, side->params[i].name);
        add_text(hasher, option && option->kind == LEAT_OPTION_SECRET ? "" : side->params[i].value);
    }
    lt_hasher_add(hasher, ")", 1);
}

static void add_options(struct lt_hasher *hasher, const struct lt_unit_try *unit)
{
    const struct lt_settings *settings = &unit->run->plan->settings;
    for (const struct leat_option *option = lt_plan_options; option->name; option++) {
        for (size_t i = 0; i < settings->n && !is_harmless(option->name); i++) {
            if (!strcmp(settings->items[i].name, option->name)) {
                add_text(hasher, option->name);
                add_text(hasher, settings->items[i].value);
            }
        }
    }
    add_params(hasher, *unit->source);
    add_params(hasher, *unit->dests[0].side);
}

enum { ABOUT_LEAT, ABOUT_STREAM, ABOUT_SOURCE, ABOUT_OPTIONS, ABOUT_COLUMNS, ABOUT_CUT, ABOUT_N };

/* What each member of the text is about, and what is said where it differs. */
static const struct {
    const char *key, *why;
} about[ABOUT_N] = {
    [ABOUT_LEAT] = {"leat", "what an earlier run kept was made by another version of leat"},
    [ABOUT_STREAM] = {"stream", "what an earlier run kept is of another source"},
    [ABOUT_SOURCE] = {"source", "the source has changed since"},
    [ABOUT_OPTIONS] = {"options", "the earlier run had other options"},
    [ABOUT_COLUMNS] = {"columns", "the columns are not those of the earlier run"},
    [ABOUT_CUT] = {"cut", "the source would be cut into other parts than by the earlier run"},
};

static int print_key(char (*hashes)[17], char **ret_key, struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    struct lt_json json = {.out = &text};
    lt_json_object(&json);
    for (size_t i = 0; i < ABOUT_N; i++) {
        lt_json_key(&json, about[i].key);
        lt_json_text(&json, i == ABOUT_LEAT ? leat_version() : hashes[i]);
    }
    lt_json_object_end(&json);
    *ret_key = json.failed ? NULL : lt_buf_take(&text);
    lt_buf_done(&text);
    return *ret_key ? LEAT_OK : lt_fail_oom(err);
}

/* Hashes, for they hold no secret, and a directory of files has a long fingerprint. */
static int make_key(struct lt_unit_try *unit, struct leat_error *err)
{
    char hashes[ABOUT_N][17];
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < ABOUT_N; i++) {
        struct lt_hasher *hasher = lt_hasher_new();
        if (!hasher) {
            return lt_fail_oom(err);
        }
        if (i == ABOUT_STREAM) {
            add_text(hasher, unit->source_ids[0]);
        } else if (i == ABOUT_SOURCE) {
            add_text(hasher, unit->resume.fingerprint);
        } else if (i == ABOUT_OPTIONS) {
            add_options(hasher, unit);
        } else if (i == ABOUT_COLUMNS) {
            add_schema(hasher, &unit->schemas[0]);
        } else if (i == ABOUT_CUT) {
            rc = lt_flow_cut(&unit->flow, SOURCE_CUT, hasher, err);
        }
        snprintf(hashes[i], sizeof hashes[i], "%016" PRIx64, lt_hasher_value(hasher));
        lt_hasher_free(hasher);
    }
    return rc ? rc : print_key(hashes, &unit->resume.key, err);
}

int lt_resume_plan(struct lt_unit_try *unit, struct leat_error *err)
{
    struct lt_resume *resume = &unit->resume;
    bool same = false;
    if (!resume->fingerprint) {
        return LEAT_OK;
    }
    int rc = still_same(unit, &same, err);
    if (rc || !same) {
        return rc ? rc : lt_resume_not(unit, "the source is just being changed", err);
    }
    resume->parts.rows_max = unit->run->part_rows;
    resume->parts.reads_all = unit->run->verify;
    return make_key(unit, err);
}

int lt_resume_check(struct lt_unit_try *unit, struct leat_error *err)
{
    bool same = true;
    if (!unit->resume.on || !unit->resume.parts.n_earlier) {
        return LEAT_OK;
    }
    int rc = still_same(unit, &same, err);
    if (!rc && !same) {
        rc = lt_fail(err, LT_E_SOURCE_CHANGED, "the source was changed while it was read");
        leat_error_remedy(err, "run it again: it starts over");
        leat_error_place(err, "%s", lt_unit_job(unit, 0)->label);
    }
    return rc;
}

const char *lt_resume_difference(const char *key, const char *other)
{
    struct lt_json_doc *here = NULL, *there = NULL;
    const char *why = "what an earlier run kept cannot be told apart";
    if (other && !lt_json_doc_parse(key, strlen(key), &here, NULL) &&
        !lt_json_doc_parse(other, strlen(other), &there, NULL)) {
        for (size_t i = ABOUT_N; i-- > 0;) {
            const char *a = lt_json_string(lt_json_get(lt_json_root(here), about[i].key), "");
            const char *b = lt_json_string(lt_json_get(lt_json_root(there), about[i].key), "");
            why = strcmp(a, b) != 0 ? about[i].why : why;
        }
    }
    lt_json_doc_free(here);
    lt_json_doc_free(there);
    return why;
}
