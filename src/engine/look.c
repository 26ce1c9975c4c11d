/* leat_check, leat_execute and leat_plan_each: a plan's source as such, without a stream of it, and
 * what a plan was given. */
#include "core/codes.h"
#include "core/util.h"
#include "engine/plan.h"
#include "engine/run.h"

/* An endpoint opened for itself, under a run that moves nothing. */
struct look {
    struct lt_run run;
    struct lt_side *side;
};

static int look_open(struct look *look, struct leat_plan *plan, struct leat_error *err)
{
    *look = (struct look){.side = NULL};
    int rc = lt_run_init(&look->run, plan, NULL, err);
    if (!rc && (!plan->has_source || plan->n_destinations)) {
        rc = lt_fail(err, LT_E_USAGE, "name one place, and no destination");
    }
    return rc ? rc : lt_side_open(&look->run, &plan->source, &look->side, err);
}

static void look_done(struct look *look)
{
    lt_side_close(look->side);
    lt_run_done(&look->run);
}

int leat_check(struct leat_plan *plan, leat_check_fn *each, void *arg, struct leat_error *err)
{
    struct look look;
    struct leat_check check = {.size = sizeof check};
    int64_t began = lt_now_us();
    int rc = look_open(&look, plan, err);
    int64_t opened = lt_now_us();
    if (!rc && !look.side->connector->check) {
        rc = lt_fail(err, LT_E_UNSUPPORTED, "%s cannot be asked what there is",
                     look.side->connector->name);
    }
    if (!rc) {
        rc = look.side->connector->check(look.side->ep, &check, err);
        check.connect_us = opened - began;
        check.round_trip_us = lt_now_us() - opened;
        rc = rc ? rc : each(arg, &check);
    }
    look_done(&look);
    return rc;
}

int leat_execute(struct leat_plan *plan, const char *sql, int64_t *ret_rows, struct leat_error *err)
{
    struct look look;
    int64_t rows = -1;
    int rc = look_open(&look, plan, err);
    const struct leat_sql_ops *ops = rc ? NULL : look.side->connector->sql;
    if (!rc && !(ops && ops->execute)) {
        rc = lt_fail(err, LT_E_UNSUPPORTED, "%s has no SQL", look.side->connector->name);
        leat_error_place(err, "%s", plan->source.text);
    }
    rc = rc ? rc : ops->execute(look.side->ep, sql, &rows, err);
    if (!rc && ret_rows) {
        *ret_rows = rows;
    }
    look_done(&look);
    return rc;
}

int leat_ddl(struct leat *leat, const char *connector, const char *name,
             const struct ArrowSchema *schema, int64_t column, char **ret_text,
             struct leat_error *err)
{
    const struct leat_connector *found = leat_connector_by_name(leat, connector, err);
    const struct leat_write_stream want = {
        .size = sizeof want, .name = {NULL, name}, .schema = schema, .mode = LEAT_APPEND};
    if (!found) {
        return LEAT_INVALID;
    }
    if (column < -1 || column >= schema->n_children) {
        return lt_fail(err, LT_E_INVALID, "the stream has no such column");
    }
    if (!LT_CONNECTOR_HAS(found, ddl)) {
        return lt_fail(err, LT_E_UNSUPPORTED, "%s makes no tables by statements", found->name);
    }
    return found->ddl(&want, column, ret_text, err);
}

bool leat_field_note(const struct ArrowSchema *field, const char *key, char *ret_text, size_t size)
{
    return lt_schema_meta_text(field, key, ret_text, size);
}

enum leat_action leat_plan_action_of(const struct leat_plan *plan)
{
    return plan->action;
}

static int each_setting(const struct lt_settings *settings, leat_plan_part_fn *each, void *arg)
{
    int rc = 0;
    for (size_t i = 0; i < settings->n && !rc; i++) {
        rc = each(arg, LEAT_PART_OPTION, settings->items[i].name, settings->items[i].value);
    }
    return rc;
}

int leat_plan_each(const struct leat_plan *plan, leat_plan_part_fn *each, void *arg)
{
    int rc = plan->source.said ? each(arg, LEAT_PART_SOURCE, NULL, plan->source.said) : 0;
    for (size_t i = 0; i < plan->n_destinations && !rc; i++) {
        if (plan->destinations[i].said) {
            rc = each(arg, LEAT_PART_DESTINATION, NULL, plan->destinations[i].said);
        }
    }
    rc = rc ? rc : each_setting(&plan->settings, each, arg);
    return rc ? rc : each_setting(&plan->extras, each, arg);
}
