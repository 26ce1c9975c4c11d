/* Where the jobs of a run go: names at a destination, and templates of them. */
#include "core/codes.h"
#include "core/util.h"
#include "engine/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum place_holder { NAMESPACE, STREAM, DATE, TIME, RUN_ID, PLACE_HOLDERS_N };

static const char *const place_holders[] = {[NAMESPACE] = "{namespace}",
                                            [STREAM] = "{stream}",
                                            [DATE] = "{date}",
                                            [TIME] = "{time}",
                                            [RUN_ID] = "{run_id}"};

/* The place holder that a text begins with; PLACE_HOLDERS_N: none. */
static enum place_holder place_holder_at(const char *text)
{
    enum place_holder p = 0;
    while (p < PLACE_HOLDERS_N && strncmp(place_holders[p], text, strlen(place_holders[p])) != 0) {
        p++;
    }
    return p;
}

static int refuse(const char *at, struct leat_error *err)
{
    int rc =
        lt_fail(err, LT_E_USAGE, "a name's template has no %.*s", (int)strcspn(at, "}") + 1, at);
    leat_error_remedy(err,
                      "there are {namespace}, {stream}, {date}, {time} and {run_id}; {{ is a {");
    return rc;
}

/* Past a braces's double, place holder or plain byte; NULL for what is none. */
static const char *skip_one(const char *at)
{
    enum place_holder p = place_holder_at(at);
    if (*at == '{' && at[1] != '{') {
        return p < PLACE_HOLDERS_N ? at + strlen(place_holders[p]) : NULL;
    }
    return at + ((*at == '{' || *at == '}') && at[1] == at[0] ? 2 : 1);
}

static int check_template(const char *text, struct leat_error *err)
{
    while (*text) {
        const char *next = skip_one(text);
        if (!next) {
            return refuse(text, err);
        }
        text = next;
    }
    return LEAT_OK;
}

static bool holds(const char *text, enum place_holder wanted)
{
    for (; text && *text; text = skip_one(text)) {
        if (text[0] == '{' && text[1] != '{' && place_holder_at(text) == wanted) {
            return true;
        }
    }
    return false;
}

bool lt_name_is_template(const char *text)
{
    bool is = false;
    for (enum place_holder p = 0; text && p < PLACE_HOLDERS_N; p++) {
        is = is || holds(text, p);
    }
    return is;
}

/* Checked before; NULL without memory. After the name was taken apart, so that a dot or a quote in a
 * stream's name stays what it is. */
static char *expand(const struct lt_run *run, const char *pattern, const struct lt_job *job)
{
    char date[16], moment[16];
    struct tm tm;
    time_t seconds = (time_t)(run->started_wall_us / 1000000);
    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y%m%d", &tm);
    strftime(moment, sizeof moment, "%H%M%S", &tm);
    const char *const values[] = {[NAMESPACE] = job->ns,
                                  [STREAM] = job->name,
                                  [DATE] = date,
                                  [TIME] = moment,
                                  [RUN_ID] = run->id};
    struct lt_buf out = LT_BUF_INIT;
    int rc = LEAT_OK;
    while (!rc && *pattern) {
        enum place_holder p = pattern[1] == '{' ? PLACE_HOLDERS_N : place_holder_at(pattern);
        rc = p < PLACE_HOLDERS_N ? lt_buf_puts(&out, values[p])
                                 : lt_buf_byte(&out, (uint8_t)*pattern);
        pattern = skip_one(pattern);
    }
    char *text = rc ? NULL : lt_buf_take(&out);
    lt_buf_done(&out);
    return text;
}

int lt_jobs_name(struct lt_run *run, struct lt_side *dest, size_t d, struct leat_error *err)
{
    char ns[LT_NAME_MAX] = "", name[LT_NAME_MAX] = "";
    const char *pattern = dest->location->stream;
    int rc = pattern ? lt_side_resolve(dest, pattern, ns, name, sizeof ns, err) : LEAT_OK;
    rc = rc ? rc : check_template(ns, err);
    rc = rc ? rc : check_template(name, err);
    if (rc) {
        return rc;
    }
    if (!strcmp(name, "*") || !strcmp(name, "%")) {
        name[0] = 0; /* each by its own name */
    }
    if (name[0] && run->jobs.n > 1 && !holds(name, STREAM)) {
        return lt_fail(err, LT_E_USAGE,
                       "\"%s\" names one stream for %zu; name a namespace (#%s.) or a template "
                       "(#%s_{stream})",
                       pattern, run->jobs.n, name, name);
    }
    if (!name[0] && lt_settings_text(&run->plan->settings, "query") &&
        lt_side_can(dest, LEAT_CAN_STREAMS)) {
        return lt_fail(err, LT_E_USAGE,
                       "the result of a query has no name: name the destination's "
                       "stream, as in %s#name",
                       dest->location->text);
    }
    for (size_t i = 0; !rc && i < run->jobs.n; i++) {
        struct lt_job *job = &run->jobs.items[i];
        job->dest_ns[d] = expand(run, ns, job);
        job->dest_names[d] = name[0] ? expand(run, name, job) : lt_strdup(job->name);
        rc = job->dest_ns[d] && job->dest_names[d] ? LEAT_OK : lt_fail_oom(err);
    }
    return rc;
}
