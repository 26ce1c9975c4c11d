/* Streams of a delta without its cursor: looked for before anything is read, so that a schema is not
 * copied by half. */
#include "columnar/schema.h"
#include "core/codes.h"
#include "core/log.h"
#include "engine/run.h"

#include <stdlib.h>

#define NAMES_TOLD_MAX 20

/* The first column of `names` that the stream lacks, as written; NULL: none. */
static int find_missing(struct lt_side *source, const struct lt_job *job, char *const *names,
                        const char **ret_missing, struct leat_error *err)
{
    const struct leat_stream_name stream = {job->ns, job->name};
    struct leat_stream_info info = {.size = sizeof info};
    struct ArrowSchema schema = {.release = NULL};
    int rc = source->connector->catalog->describe(source->ep, &stream, &schema, &info, err);
    *ret_missing = NULL;
    for (size_t i = 0; !rc && names[i] && !*ret_missing; i++) {
        const char *text = names[i];
        char *name = lt_name_take(&text, 0);
        *ret_missing = name && lt_schema_find(&schema, name) < 0 ? names[i] : NULL;
        free(name);
    }
    lt_schema_done(&schema);
    return rc;
}

struct missing {
    struct lt_buf names; /* of the streams, as far as they are told */
    size_t n;
    const char *column; /* that the first of them lacks */
};

/* Moves the jobs that have the columns to the front; *ret_n says how many they are. */
static int part_jobs(struct lt_run *run, struct lt_side *source, char *const *names,
                     struct missing *missing, size_t *ret_n, struct leat_error *err)
{
    int rc = LEAT_OK;
    size_t kept = 0;
    for (size_t i = 0; !rc && i < run->jobs.n; i++) {
        struct lt_job job = run->jobs.items[i];
        const char *column = NULL;
        rc = find_missing(source, &job, names, &column, err);
        if (!rc && column) {
            missing->column = missing->n++ ? missing->column : column;
            rc =
                missing->n <= NAMES_TOLD_MAX && lt_buf_printf(&missing->names, "%s%s",
                                                              missing->n > 1 ? ", " : "", job.label)
                    ? lt_fail_oom(err)
                    : LEAT_OK;
        } else if (!rc) {
            run->jobs.items[i] = run->jobs.items[kept];
            run->jobs.items[kept++] = job;
        }
    }
    *ret_n = kept;
    return rc;
}

static void drop_from(struct lt_run *run, size_t first)
{
    struct lt_jobs rest = {.items = calloc(run->jobs.n - first + 1, sizeof *rest.items),
                           .n = run->jobs.n - first};
    if (rest.items) {
        memcpy(rest.items, run->jobs.items + first, rest.n * sizeof *rest.items);
        lt_jobs_done(&rest, run->plan->n_destinations);
    }
    run->jobs.n = first;
}

int lt_jobs_leave_out(struct lt_run *run, struct lt_side *source, struct leat_error *err)
{
    const struct lt_settings *s = &run->plan->settings;
    const struct leat_catalog_ops *catalog = source->connector->catalog;
    struct missing missing = {.names = LT_BUF_INIT};
    char **names = NULL;
    size_t n = 0, kept = 0;
    if (run->plan->action != LEAT_ACTION_DELTA || run->jobs.n < 2 || !catalog->describe) {
        return LEAT_OK;
    }
    int rc = lt_settings_list(s, "cursor", &names, &n, err);
    rc = rc || !n ? rc : part_jobs(run, source, names, &missing, &kept, err);
    bool skip = !strcmp(lt_settings_text(s, "without-cursor"), "skip");
    if (!rc && missing.n && skip) {
        lt_log(LT_LOG_WARN, "left out, for they have no column %s: %s%s", missing.column,
               lt_buf_text(&missing.names), missing.n > NAMES_TOLD_MAX ? " and more" : "");
        drop_from(run, kept);
    } else if (!rc && missing.n) {
        rc = lt_fail(err, LT_E_UNKNOWN_COLUMN, "%zu of %zu streams have no column %s: %s%s",
                     missing.n, run->jobs.n, missing.column, lt_buf_text(&missing.names),
                     missing.n > NAMES_TOLD_MAX ? " and more" : "");
        leat_error_remedy(err, "--without-cursor skip leaves them out, --exclude some by name");
    }
    lt_buf_done(&missing.names);
    lt_list_free(names);
    return rc;
}
