#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"
#include "engine/compare_run.h"

#include <stdio.h>
#include <stdlib.h>

void lt_jobs_done(struct lt_jobs *jobs, size_t n_destinations)
{
    for (size_t i = 0; i < jobs->n; i++) {
        struct lt_job *job = &jobs->items[i];
        for (size_t d = 0; d < n_destinations; d++) {
            free(job->dest_ns ? job->dest_ns[d] : NULL);
            free(job->dest_names ? job->dest_names[d] : NULL);
        }
        free(job->dest_ns);
        free(job->dest_names);
        free(job->ns);
        free(job->name);
        free(job->label);
        lt_typing_done(&job->typing);
    }
    free(jobs->items);
    memset(jobs, 0, sizeof *jobs);
}

/* Of a connector of an earlier make the member is not there. */
static bool says_own_types(const struct leat_stream_info *info)
{
    return info->size >= offsetof(struct leat_stream_info, own_types) + sizeof info->own_types;
}

static int add_job(struct lt_run *run, const struct leat_stream_info *info)
{
    const char *ns = info->name.ns, *name = info->name.name;
    struct lt_jobs *jobs = &run->jobs;
    size_t n_dests = run->plan->n_destinations;
    struct lt_job *items = realloc(jobs->items, (jobs->n + 1) * sizeof *items);
    if (!items) {
        return LEAT_NO_MEMORY;
    }
    jobs->items = items;
    struct lt_job *job = &items[jobs->n++];
    *job = (struct lt_job){.ns = lt_strdup(ns ? ns : ""),
                           .name = lt_strdup(name),
                           .label = ns && *ns ? lt_format("%s.%s", ns, name) : lt_strdup(name),
                           .kind = info->kind,
                           .rows_estimate = info->rows_estimate,
                           .bytes_estimate = info->bytes_estimate,
                           .own_types = says_own_types(info) && info->own_types,
                           .dest_ns = calloc(n_dests + 1, sizeof(char *)),
                           .dest_names = calloc(n_dests + 1, sizeof(char *))};
    return job->ns && job->name && job->label && job->dest_ns && job->dest_names
               ? lt_typing_init(&job->typing, &run->wishes, NULL)
               : LEAT_NO_MEMORY;
}

static bool matches_any(char *const *patterns, const char *ns, const char *name)
{
    char full[2 * LT_NAME_MAX];
    snprintf(full, sizeof full, "%s.%s", ns ? ns : "", name);
    for (size_t i = 0; patterns[i]; i++) {
        if (lt_wildcard_match(patterns[i], name) || lt_wildcard_match(patterns[i], full)) {
            return true;
        }
    }
    return false;
}

struct listing {
    struct lt_run *run;
    char **include, **exclude;
    bool skip_views;
    size_t n_views;
    struct lt_buf views; /* names of the first ones taken, for people */
};

#define VIEWS_NAMED_MAX 3

/* A view that is among several streams: is it left out? Those that are taken are counted. */
static bool leaves_view(struct listing *listing, const struct leat_stream_info *info)
{
    bool asked = false;
    for (size_t i = 0; listing->include[i]; i++) {
        char *const one[] = {listing->include[i], NULL};
        asked =
            asked || (!lt_wildcard_has(one[0]) && matches_any(one, info->name.ns, info->name.name));
    }
    if (asked || listing->skip_views) {
        return !asked;
    }
    if (listing->n_views++ < VIEWS_NAMED_MAX) {
        const char *ns = info->name.ns ? info->name.ns : "";
        (void)lt_buf_printf(&listing->views, "%s%s%s%s", listing->views.len ? ", " : "", ns,
                            *ns ? "." : "", info->name.name);
    }
    return false;
}

static int take_stream(void *arg, const struct leat_stream_info *info)
{
    struct listing *listing = arg;
    const char *ns = info->name.ns, *name = info->name.name;
    if ((listing->include[0] && !matches_any(listing->include, ns, name)) ||
        matches_any(listing->exclude, ns, name) ||
        (info->kind == LEAT_VIEW && leaves_view(listing, info))) {
        return LEAT_OK;
    }
    return add_job(listing->run, info);
}

static int larger_first(const void *a, const void *b)
{
    const struct lt_job *x = a, *y = b;
    if (x->bytes_estimate != y->bytes_estimate) {
        return x->bytes_estimate < y->bytes_estimate ? 1 : -1;
    }
    return strcmp(x->label, y->label);
}

/* Nobody who says "all of it" need think of views, and what becomes of them is a table. */
static void tell_views(const struct listing *listing)
{
    enum leat_action action = listing->run->plan->action;
    bool said = lt_settings_text(&listing->run->plan->settings, "views") != NULL;
    if (listing->n_views && !said && listing->run->plan->n_destinations &&
        (action == LEAT_ACTION_COPY || action == LEAT_ACTION_META)) {
        lt_log(LT_LOG_WARN,
               "%zu view%s become%s table%s (%s%s); --views skip leaves views out, --views copy "
               "says that it is meant",
               listing->n_views, listing->n_views == 1 ? "" : "s",
               listing->n_views == 1 ? "s a" : "", listing->n_views == 1 ? "" : "s",
               lt_buf_text(&listing->views), listing->n_views > VIEWS_NAMED_MAX ? ", ..." : "");
    }
}

static int discover(struct lt_run *run, struct lt_side *source, const char *ns, const char *name,
                    struct leat_error *err)
{
    struct listing listing = {.run = run, .views = LT_BUF_INIT};
    size_t n;
    const struct lt_settings *s = &run->plan->settings;
    const char *views = lt_settings_text(s, "views");
    listing.skip_views = views && !strcmp(views, "skip");
    int rc = lt_settings_list(s, "include", &listing.include, &n, err);
    if (!rc) {
        rc = lt_settings_list(s, "exclude", &listing.exclude, &n, err);
    }
    if (!rc && (!source->connector->catalog || !source->connector->catalog->discover)) {
        rc = lt_fail(err, LT_E_UNSUPPORTED, "%s cannot list its streams: name one",
                     source->connector->name);
    }
    if (!rc) {
        rc = source->connector->catalog->discover(source->ep, ns, name, take_stream, &listing, err);
        if (rc == LEAT_NO_MEMORY) {
            rc = lt_fail_oom(err);
        }
    }
    if (!rc) {
        rc = lt_jobs_leave_out(run, source, err);
    }
    if (!rc && run->jobs.n == 0) {
        rc =
            lt_fail(err, LT_E_NOT_FOUND, "%s holds no stream that matches", source->location->text);
    }
    if (!rc) {
        qsort(run->jobs.items, run->jobs.n, sizeof *run->jobs.items, larger_first);
    }
    if (!rc) {
        tell_views(&listing);
    }
    lt_list_free(listing.include);
    lt_list_free(listing.exclude);
    lt_buf_done(&listing.views);
    return rc;
}

static int list_sources(struct lt_run *run, struct lt_side *source, struct leat_error *err)
{
    char ns[LT_NAME_MAX] = "", name[LT_NAME_MAX] = "";
    struct leat_stream_info info = {
        .size = sizeof info, .kind = LEAT_TABLE, .rows_estimate = -1, .bytes_estimate = -1};
    if (lt_settings_text(&run->plan->settings, "query")) {
        info.name = (struct leat_stream_name){"", "query"};
        info.kind = LEAT_QUERY;
        return add_job(run, &info) ? lt_fail_oom(err) : LEAT_OK;
    }
    if (source->location->stream) {
        int rc = lt_side_resolve(source, source->location->stream, ns, name, sizeof ns, err);
        if (rc) {
            return rc;
        }
    }
    if (name[0] && !lt_wildcard_has(name) && !lt_wildcard_has(ns)) {
        info.name = (struct leat_stream_name){ns, name};
        return add_job(run, &info) ? lt_fail_oom(err) : LEAT_OK;
    }
    return discover(run, source, ns[0] ? ns : NULL, name[0] ? name : "*", err);
}

struct place {
    const char *ns, *name, *label;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = strcmp(x->ns, y->ns);
    return order ? order : strcmp(x->name, y->name);
}

/* Two streams of different namespaces must not fall onto one destination. */
static int check_places(const struct lt_run *run, size_t d, struct leat_error *err)
{
    size_t n = run->jobs.n;
    struct place *places = calloc(n + 1, sizeof *places);
    if (!places) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        const struct lt_job *job = &run->jobs.items[i];
        places[i] = (struct place){job->dest_ns[d], job->dest_names[d], job->label};
    }
    qsort(places, n, sizeof *places, by_place);
    int rc = LEAT_OK;
    for (size_t i = 1; !rc && i < n; i++) {
        if (by_place(&places[i - 1], &places[i]) == 0) {
            rc = lt_fail(err, LT_E_USAGE,
                         "%s and %s would both become \"%s\"; use a template "
                         "such as #{namespace}_{stream}",
                         places[i - 1].label, places[i].label, places[i].name);
        }
    }
    free(places);
    return rc;
}

/* What the options ask of the source must be something it can do. */
static int check_source(const struct lt_run *run, const struct lt_side *source,
                        struct leat_error *err)
{
    const struct lt_settings *s = &run->plan->settings;
    if (!source->connector->source) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s cannot be read", source->connector->name);
    }
    if (lt_settings_text(s, "query") && !lt_side_can(source, LEAT_CAN_QUERY)) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s takes no query", source->connector->name);
    }
    if (lt_settings_text(s, "where") && !lt_side_can(source, LEAT_CAN_PREDICATE)) {
        int rc = lt_fail(err, LT_E_UNSUPPORTED, "%s has no conditions of its own for --where",
                         source->connector->name);
        leat_error_remedy(err, "copy it into sqlite: first, and from there with --where");
        return rc;
    }
    return LEAT_OK;
}

static bool is_standard_stream(const struct lt_side *side)
{
    const char *url = side->location->url;
    size_t len = strlen(url);
    if (lt_plan_bytes(side->run->plan, side->location)) {
        return false; /* the program's own bytes, as good as a file of their own */
    }
    return lt_side_can(side, LEAT_IS_TERMINAL) || (len >= 2 && !strcmp(url + len - 2, ":-"));
}

/* Whether two sides are one system, as far as their URLs say. */
static bool same_system(const struct lt_side *a, const struct lt_side *b)
{
    const struct leat_plan *plan = a->run->plan;
    if (lt_plan_bytes(plan, a->location) || lt_plan_bytes(plan, b->location)) {
        return false;
    }
    return a->connector == b->connector && !strcmp(a->location->url, b->location->url);
}

static bool same_name(const struct lt_side *side, const char *ns_a, const char *a, const char *ns_b,
                      const char *b)
{
    const char *usual = side->caps->default_namespace ? side->caps->default_namespace : "";
    return !strcmp(*ns_a ? ns_a : usual, *ns_b ? ns_b : usual) && !strcmp(a, b);
}

/* Destination d must be neither an earlier one nor the source: two loads of one place, or one of
 * what is being read, would wait for each other or overwrite each other. */
static int check_apart(const struct lt_run *run, const struct lt_side *source,
                       struct lt_side *const *dests, size_t d, struct leat_error *err)
{
    bool one = !lt_side_can(dests[d], LEAT_CAN_STREAMS);
    for (size_t e = 0; e < d; e++) {
        bool both_standard = is_standard_stream(dests[d]) && is_standard_stream(dests[e]);
        bool same = same_system(dests[d], dests[e]);
        for (size_t i = 0; i < run->jobs.n; i++) {
            const struct lt_job *job = &run->jobs.items[i];
            if (both_standard ||
                (same && (one || same_name(dests[d], job->dest_ns[d], job->dest_names[d],
                                           job->dest_ns[e], job->dest_names[e])))) {
                return lt_fail(err, LT_E_USAGE, "two destinations are the same place: %s",
                               dests[d]->location->text);
            }
        }
    }
    bool same = same_system(source, dests[d]) && !is_standard_stream(source) &&
                !lt_settings_text(&run->plan->settings, "query") &&
                !lt_action_compares(run->plan->action);
    for (size_t i = 0; same && i < run->jobs.n; i++) {
        const struct lt_job *job = &run->jobs.items[i];
        if (one || same_name(source, job->ns, job->name, job->dest_ns[d], job->dest_names[d])) {
            return lt_fail(err, LT_E_USAGE, "%s would be copied onto itself", job->label);
        }
    }
    return LEAT_OK;
}

/* What is done with the destinations must be something they can do. */
static int check_destinations(const struct lt_run *run, struct lt_side *const *dests,
                              struct leat_error *err)
{
    enum leat_action action = run->plan->action;
    bool reads = lt_action_compares(action) || action == LEAT_ACTION_SYNC;
    for (size_t d = 0; d < run->plan->n_destinations; d++) {
        if (reads && (!dests[d]->connector->source || is_standard_stream(dests[d]))) {
            return lt_fail(err, LT_E_UNSUPPORTED, "%s cannot be read, to be compared",
                           dests[d]->location->text);
        }
        if (!lt_action_compares(action) && !dests[d]->connector->load) {
            return lt_fail(err, LT_E_UNSUPPORTED, "%s cannot be written",
                           dests[d]->connector->name);
        }
    }
    return LEAT_OK;
}

int lt_jobs_find(struct lt_run *run, struct lt_side *source, struct leat_error *err)
{
    int rc = check_source(run, source, err);
    return rc ? rc : list_sources(run, source, err);
}

int lt_jobs_check(struct lt_run *run, const struct lt_side *source, struct lt_side *const *dests,
                  struct leat_error *err)
{
    int rc = check_source(run, source, err);
    rc = rc ? rc : check_destinations(run, dests, err);
    return rc ? rc : lt_sides_check_extras(run, source, dests, err);
}

int lt_jobs_list(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                 struct leat_error *err)
{
    int rc = lt_jobs_check(run, source, dests, err);
    rc = rc ? rc : list_sources(run, source, err);
    return rc ? rc : lt_jobs_place(run, source, dests, err);
}

int lt_jobs_place(struct lt_run *run, struct lt_side *source, struct lt_side *const *dests,
                  struct leat_error *err)
{
    int rc = lt_jobs_give_types(run, err);
    for (size_t d = 0; !rc && d < run->plan->n_destinations; d++) {
        if (run->jobs.n > 1 && !lt_side_can(dests[d], LEAT_CAN_STREAMS)) {
            rc = lt_fail(err, LT_E_USAGE,
                         "%s takes one stream, and the source gives %zu; name a directory (with "
                         "a / at its end) or a database",
                         dests[d]->location->text, run->jobs.n);
        }
        rc = rc || !run->jobs.n ? rc : lt_jobs_name(run, dests[d], d, err);
        if (!rc) {
            rc = check_places(run, d, err);
        }
        if (!rc) {
            rc = check_apart(run, source, dests, d, err);
        }
    }
    return rc;
}
