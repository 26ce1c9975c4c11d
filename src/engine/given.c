/* --schema-from: types of columns by name, from another stream's schema. */
#include "core/codes.h"
#include "core/util.h"
#include "engine/run.h"

/* A table may call its columns as --rename will: they are known here by their old names. */
static int take_names_back(const struct lt_column_wishes *wishes, struct ArrowSchema *schema,
                           struct leat_error *err)
{
    int rc = LEAT_OK;
    for (int64_t i = 0; !rc && i < schema->n_children; i++) {
        const char *name = schema->children[i]->name;
        const char *old = lt_wishes_old_name(wishes, name);
        if (old != name && lt_schema_find(schema, old) < 0) {
            rc = lt_schema_set_name(schema->children[i], old, err);
        }
    }
    return rc;
}

static int give(struct lt_run *run, struct lt_side *side, const struct leat_stream_name *name,
                struct lt_job *job, struct leat_error *err)
{
    struct leat_stream_info info = {.size = sizeof info};
    struct ArrowSchema described = {0}, schema = {0};
    int rc = side->connector->catalog->describe(side->ep, name, &described, &info, err);
    rc = rc ? rc : lt_schema_copy(&described, &schema, err);
    rc = rc ? rc : take_names_back(&run->wishes, &schema, err);
    rc = rc ? rc : lt_typing_give(&job->typing, &schema, err);
    lt_schema_done(&described);
    lt_schema_done(&schema);
    return rc;
}

/* One stream for all jobs where it names one, else the like-named one of each. */
static int give_all(struct lt_run *run, struct lt_side *side, struct leat_error *err)
{
    char ns[LT_NAME_MAX] = "", name[LT_NAME_MAX] = "";
    const char *text = side->location->stream;
    int rc = LEAT_OK;
    if (!side->connector->catalog || !side->connector->catalog->describe) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s cannot describe its streams",
                       side->connector->name);
    }
    if (text) {
        rc = lt_side_resolve(side, text, ns, name, sizeof ns, err);
    }
    bool one = *name || !lt_side_can(side, LEAT_CAN_STREAMS);
    for (size_t i = 0; !rc && i < run->jobs.n; i++) {
        struct lt_job *job = &run->jobs.items[i];
        const struct leat_stream_name of = {ns, one ? name : job->name};
        rc = give(run, side, &of, job, err);
    }
    return rc;
}

int lt_jobs_give_types(struct lt_run *run, struct leat_error *err)
{
    const char *text = lt_settings_text(&run->plan->settings, "schema-from");
    struct lt_location location = {0};
    struct lt_side *side = NULL;
    if (!text) {
        return LEAT_OK;
    }
    int rc = lt_plan_location(run->plan, text, false, &location, err);
    if (rc) {
        return rc;
    }
    rc = lt_side_open(run, &location, &side, err);
    rc = rc ? rc : give_all(run, side, err);
    if (rc) {
        leat_error_place(err, "--schema-from");
    }
    lt_side_close(side);
    lt_location_done(&location);
    return rc;
}
