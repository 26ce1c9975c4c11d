/* Options of connectors that nobody of a run takes: errors, for who gave them meant something. */
#include "core/codes.h"
#include "core/util.h"
#include "engine/run.h"

#define SIDES_MAX 64

/* The connectors of the plan's locations; returns how many. */
static size_t connectors_of(struct leat_plan *plan, const struct leat_connector **connectors)
{
    struct lt_location from = {0};
    const char *text = lt_settings_text(&plan->settings, "schema-from");
    size_t n = 0;
    connectors[n] = lt_session_connector(plan->leat, plan->source.connector);
    n += connectors[n] != NULL;
    for (size_t d = 0; d < plan->n_destinations && n + 1 < SIDES_MAX; d++) {
        connectors[n] = lt_session_connector(plan->leat, plan->destinations[d].connector);
        n += connectors[n] != NULL;
    }
    if (text && !lt_plan_location(plan, text, false, &from, NULL)) {
        connectors[n] = lt_session_connector(plan->leat, from.connector);
        n += connectors[n] != NULL;
        lt_location_done(&from);
    }
    return n;
}

/* The closest option of these connectors, else whose option it is. */
static void suggest_for(struct leat_plan *plan, const struct leat_connector *const *connectors,
                        size_t n, const char *name, struct leat_error *err)
{
    const char *names[256];
    size_t n_names = 0;
    for (size_t i = 0; i < n; i++) {
        for (const struct leat_option *o = connectors[i]->options; o && o->name && n_names < 255;
             o++) {
            names[n_names++] = o->name;
        }
    }
    names[n_names] = NULL;
    const char *close = lt_closest(name, names);
    const struct leat_connector *owner;
    for (size_t i = 0; !close && (owner = leat_connector_at(plan->leat, i)); i++) {
        if (lt_option_find(owner->options, name)) {
            leat_error_remedy(err, "it is an option of %s; `leat connectors` shows those of each",
                              owner->name);
            return;
        }
    }
    if (close) {
        leat_error_remedy(err, "did you mean --%s?", close);
    }
}

int lt_plan_check_extras(struct leat_plan *plan, struct leat_error *err)
{
    const struct leat_connector *connectors[SIDES_MAX];
    size_t n = connectors_of(plan, connectors);
    for (size_t i = 0; i < plan->extras.n; i++) {
        const char *name = plan->extras.items[i].name;
        bool known = false;
        for (size_t c = 0; !known && c < n; c++) {
            known = lt_option_find(connectors[c]->options, name) != NULL;
        }
        if (!known) {
            int rc = lt_fail(err, LT_E_UNKNOWN_OPTION,
                             "neither the source nor a destination takes --%s", name);
            suggest_for(plan, connectors, n, name, err);
            return rc;
        }
    }
    return LEAT_OK;
}

/* --- endpoints ------------------------------------------------------------------------------ */

/* The opened side has a use for the option, not only its connector. */
static bool takes(const struct lt_side *side, const char *name, bool writing)
{
    const struct leat_connector *connector = side->connector;
    return lt_option_find(connector->options, name) &&
           (!LT_CONNECTOR_HAS(connector, takes) || connector->takes(side->ep, name, writing));
}

int lt_sides_check_extras(const struct lt_run *run, const struct lt_side *source,
                          struct lt_side *const *dests, struct leat_error *err)
{
    const struct lt_settings *extras = &run->plan->extras;
    if (lt_settings_text(&run->plan->settings, "schema-from")) {
        return LEAT_OK; /* it may be meant for that side, which is opened later */
    }
    for (size_t i = 0; i < extras->n; i++) {
        const char *name = extras->items[i].name;
        bool taken = takes(source, name, false);
        for (size_t d = 0; !taken && d < run->plan->n_destinations; d++) {
            taken = takes(dests[d], name, true);
        }
        if (!taken) {
            int rc = lt_fail(err, LT_E_UNKNOWN_OPTION,
                             "the formats of this copy have no use for --%s", name);
            leat_error_remedy(err, "`leat help cp` says whose option it is");
            return rc;
        }
    }
    return LEAT_OK;
}
