#include "engine/plan.h"

#include "core/codes.h"
#include "core/util.h"
#include "engine/carry.h"
#include "engine/stream_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int leat_plan_new(struct leat *leat, struct leat_plan **ret_plan, struct leat_error *err)
{
    struct leat_plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        return lt_fail_oom(err);
    }
    plan->leat = leat;
    *ret_plan = plan;
    return LEAT_OK;
}

/* A plan has one source: the last that was given. */
static void forget_source(struct leat_plan *plan)
{
    lt_location_done(&plan->source);
    if (plan->stream.release) {
        plan->stream.release(&plan->stream);
    }
    plan->stream.release = NULL;
    free(plan->stream_name);
    free(plan->stream_op);
    plan->stream_op = NULL;
    plan->stream_name = NULL;
    plan->source_bytes = (struct leat_bytes){.size = 0};
}

void leat_plan_free(struct leat_plan *plan)
{
    if (!plan) {
        return;
    }
    forget_source(plan);
    for (size_t i = 0; i < plan->n_destinations; i++) {
        lt_location_done(&plan->destinations[i]);
    }
    free(plan->destinations);
    free(plan->destination_bytes);
    lt_settings_done(&plan->settings);
    lt_settings_done(&plan->extras);
    lt_settings_done(&plan->defaults);
    free(plan);
}

#define SCHEME_MAX 64

static bool know_scheme(void *arg, const char *scheme)
{
    return lt_session_connector(arg, scheme) != NULL;
}

static const char *know_extension(void *arg, const char *extension)
{
    const struct leat_connector *connector;
    for (size_t i = 0; (connector = leat_connector_at(arg, i)); i++) {
        const char *const *endings =
            LT_CONNECTOR_HAS(connector, extensions) ? connector->extensions : NULL;
        for (size_t k = 0; endings && endings[k]; k++) {
            if (!strcmp(endings[k], extension)) {
                return connector->name;
            }
        }
    }
    return NULL;
}

int lt_plan_location(struct leat_plan *plan, const char *text, bool destination,
                     struct lt_location *ret_location, struct leat_error *err)
{
    const struct lt_location_names names = {plan->leat, know_scheme, know_extension};
    int rc = lt_location_parse(text, &names, destination, ret_location, err);
    char mark = text[strcspn(text, ":+.#")];
    if (rc && err && (mark == ':' || mark == '+') &&
        !strcmp(err->code, lt_codes[LT_E_UNKNOWN_SCHEME].code)) {
        /* The session knows which names are close. A connection's URL is not in the text. */
        char scheme[SCHEME_MAX];
        snprintf(scheme, sizeof scheme, "%.*s", (int)LT_MIN(strcspn(text, ":+"), SCHEME_MAX - 1),
                 text);
        leat_connector_by_name(plan->leat, scheme, err);
    }
    return rc;
}

int leat_plan_source(struct leat_plan *plan, const char *location, struct leat_error *err)
{
    struct lt_location parsed;
    int rc = lt_plan_location(plan, location, false, &parsed, err);
    if (rc) {
        return rc;
    }
    forget_source(plan);
    plan->source = parsed;
    plan->has_source = true;
    return LEAT_OK;
}

int leat_plan_select(struct leat_plan *plan, const char *pattern, struct leat_error *err)
{
    char *copy = lt_strdup(pattern);
    if (!copy) {
        return lt_fail_oom(err);
    }
    if (!plan->has_source || plan->source.stream) {
        free(copy);
        return lt_fail(err, LT_E_USAGE, "%s names a stream itself",
                       plan->has_source ? plan->source.text : "the source");
    }
    plan->source.stream = copy;
    return LEAT_OK;
}

int leat_plan_source_stream(struct leat_plan *plan, struct ArrowArrayStream *stream,
                            const char *name, struct leat_error *err)
{
    if (!stream->release || !name || !*name) {
        return lt_fail(err, LT_E_INVALID, "a source stream must be there and have a name");
    }
    struct lt_location location = {0};
    location.text = lt_strdup(name);
    location.connector = lt_strdup(LT_STREAM_SOURCE_NAME);
    location.url = lt_strdup(LT_STREAM_SOURCE_NAME ":");
    char *stream_name = lt_strdup(name);
    if (!location.text || !location.connector || !location.url || !stream_name) {
        lt_location_done(&location);
        free(stream_name);
        return lt_fail_oom(err);
    }
    forget_source(plan);
    plan->source = location;
    plan->stream_name = stream_name;
    plan->has_source = true;
    plan->stream = *stream;
    stream->release = NULL;
    return LEAT_OK;
}

int leat_plan_source_changes(struct leat_plan *plan, struct ArrowArrayStream *stream,
                             const char *name, const char *op, struct leat_error *err)
{
    if (plan->action != LEAT_ACTION_DELTA || !op || !*op) {
        return lt_fail(err, LT_E_INVALID,
                       "changes are the source of a delta, and name their column");
    }
    char *copy = lt_strdup(op);
    int rc = copy ? leat_plan_source_stream(plan, stream, name, err) : lt_fail_oom(err);
    if (rc) {
        free(copy);
        return rc;
    }
    plan->stream_op = copy;
    return LEAT_OK;
}

/* Takes a parsed location over. */
static int add_destination(struct leat_plan *plan, struct lt_location *location,
                           const struct leat_bytes *bytes, struct leat_error *err)
{
    size_t n = plan->n_destinations;
    struct lt_location *locations = realloc(plan->destinations, (n + 1) * sizeof *locations);
    plan->destinations = locations ? locations : plan->destinations;
    struct leat_bytes *all =
        locations ? realloc(plan->destination_bytes, (n + 1) * sizeof *all) : NULL;
    plan->destination_bytes = all ? all : plan->destination_bytes;
    if (!all) {
        lt_location_done(location);
        return lt_fail_oom(err);
    }
    locations[n] = *location;
    all[n] = bytes ? *bytes : (struct leat_bytes){.size = 0};
    plan->n_destinations++;
    return LEAT_OK;
}

int leat_plan_destination(struct leat_plan *plan, const char *location, struct leat_error *err)
{
    struct lt_location parsed;
    int rc = lt_plan_location(plan, location, true, &parsed, err);
    return rc ? rc : add_destination(plan, &parsed, NULL, err);
}

/* --- bytes and paths ------------------------------------------------------------------------ */

/* The location FORMAT:path, of which nothing is taken for anything but the path. */
static int path_location(struct leat_plan *plan, const char *format, const char *path,
                         struct lt_location *ret_location, struct leat_error *err)
{
    const char *scheme = format ? format : "file";
    const struct leat_connector *connector = leat_connector_by_name(plan->leat, scheme, err);
    if (!connector) {
        return LEAT_INVALID;
    }
    if (!LT_CONNECTOR_HAS(connector, format)) {
        return lt_fail(err, LT_E_UNKNOWN_SCHEME, "%s is no format of files", scheme);
    }
    struct lt_location location = {.text = lt_strdup(path),
                                   .connector = lt_strdup(scheme),
                                   .url = lt_format("%s:%s", scheme, path)};
    if (!location.text || !location.connector || !location.url) {
        lt_location_done(&location);
        return lt_fail_oom(err);
    }
    *ret_location = location;
    return LEAT_OK;
}

static int add(struct leat_plan *plan, const char *format, const char *path, bool destination,
               const struct leat_bytes *bytes, struct leat_error *err)
{
    struct lt_location location;
    int rc = path_location(plan, format, path, &location, err);
    if (rc) {
        return rc;
    }
    if (destination) {
        return add_destination(plan, &location, bytes, err);
    }
    forget_source(plan);
    plan->source = location;
    plan->has_source = true;
    plan->source_bytes = bytes ? *bytes : plan->source_bytes;
    return LEAT_OK;
}

int lt_plan_add_path(struct leat_plan *plan, const char *format, const char *path, bool destination,
                     struct leat_error *err)
{
    return add(plan, format, path, destination, NULL, err);
}

int leat_plan_source_bytes(struct leat_plan *plan, const char *format, const void *data,
                           size_t size, struct leat_error *err)
{
    const struct leat_bytes bytes = {.size = sizeof bytes, .data = data, .data_len = size};
    return add(plan, format, "-", false, &bytes, err);
}

int leat_plan_destination_bytes(struct leat_plan *plan, const char *format, leat_write_fn *write,
                                void *arg, struct leat_error *err)
{
    const struct leat_bytes bytes = {.size = sizeof bytes, .write = write, .arg = arg};
    return add(plan, format, "-", true, &bytes, err);
}

const struct leat_bytes *lt_plan_bytes(const struct leat_plan *plan,
                                       const struct lt_location *location)
{
    const struct leat_bytes *bytes = location == &plan->source ? &plan->source_bytes : NULL;
    for (size_t d = 0; !bytes && d < plan->n_destinations; d++) {
        bytes = location == &plan->destinations[d] ? &plan->destination_bytes[d] : NULL;
    }
    return bytes && bytes->size ? bytes : NULL;
}

/* --- options -------------------------------------------------------------------------------- */

bool leat_plan_is_set(const struct leat_plan *plan, const char *name)
{
    return lt_settings_bool(&plan->settings, name);
}

const struct leat_option *leat_plan_options(void)
{
    return lt_plan_options;
}

/* The closest of all option names, for "did you mean". */
static void suggest(struct leat_plan *plan, const char *name, struct leat_error *err)
{
    const char *names[256];
    size_t n = 0;
    for (const struct leat_option *o = lt_plan_options; o->name && n < 128; o++) {
        names[n++] = o->name;
    }
    const struct leat_connector *connector;
    for (size_t i = 0; (connector = leat_connector_at(plan->leat, i)); i++) {
        for (const struct leat_option *o = connector->options; o && o->name && n < 255; o++) {
            names[n++] = o->name;
        }
    }
    names[n] = NULL;
    const char *close = lt_closest(name, names);
    if (close) {
        leat_error_remedy(err, "did you mean --%s?", close);
    }
}

int leat_plan_action(struct leat_plan *plan, enum leat_action action, struct leat_error *err)
{
    if (!lt_action_name(action)) {
        return lt_fail(err, LT_E_USAGE, "there is no action %d", (int)action);
    }
    plan->action = action;
    return LEAT_OK;
}

static int set(struct leat_plan *plan, struct lt_settings *extras, const char *name,
               const char *value, struct leat_error *err)
{
    if (!strcmp(name, "also") && leat_action_takes(plan->action, name)) {
        return leat_plan_destination(plan, value ? value : "", err);
    }
    const struct leat_option *option = lt_option_find(lt_plan_options, name);
    if (option && !leat_action_takes(plan->action, name)) {
        return extras == &plan->defaults
                   ? LEAT_OK
                   : lt_fail(err, LT_E_UNKNOWN_OPTION, "leat %s has no option --%s",
                             lt_action_name(plan->action), name);
    }
    if (option) {
        return lt_settings_set(&plan->settings, option, value, err);
    }
    /* Several connectors may have it, each with its own idea of the value; which of them the plan
     * uses is seen when it runs. */
    const struct leat_connector *connector;
    bool found = false;
    int rc = LEAT_OK;
    for (size_t i = 0; (connector = leat_connector_at(plan->leat, i)); i++) {
        option = lt_option_find(connector->options, name);
        if (option) {
            found = true;
            rc = lt_settings_set(extras, option, value, err);
            if (!rc) {
                return rc;
            }
        }
    }
    if (found) {
        return rc;
    }
    rc = lt_fail(err, LT_E_UNKNOWN_OPTION, "there is no option --%s", name);
    suggest(plan, name, err);
    return rc;
}

int leat_plan_set(struct leat_plan *plan, const char *name, const char *value,
                  struct leat_error *err)
{
    return set(plan, &plan->extras, name, value, err);
}

int leat_plan_set_default(struct leat_plan *plan, const char *name, const char *value,
                          struct leat_error *err)
{
    return set(plan, &plan->defaults, name, value, err);
}

int lt_plan_check(const struct leat_plan *plan, struct leat_error *err)
{
    const struct lt_settings *s = &plan->settings;
    if (!plan->has_source) {
        return lt_fail(err, LT_E_USAGE, "no source was given");
    }
    if (lt_settings_bool(s, "replace") && lt_settings_bool(s, "append")) {
        return lt_fail(err, LT_E_USAGE, "--replace and --append exclude each other");
    }
    if (lt_settings_bool(s, "append") &&
        (lt_settings_bool(s, "recreate") || lt_settings_bool(s, "truncate"))) {
        return lt_fail(err, LT_E_USAGE, "--append keeps rows; --recreate and --truncate do not");
    }
    if (!strcmp(lt_settings_text(s, "on-error"), "skip") && !lt_settings_text(s, "rejects")) {
        return lt_fail(err, LT_E_USAGE,
                       "--on-error skip needs --rejects FILE, so that no record is lost silently");
    }
    if (strcmp(lt_settings_text(s, "on-error"), "skip") && lt_settings_text(s, "rejects")) {
        return lt_fail(err, LT_E_USAGE, "--rejects is of use only with --on-error skip");
    }
    uint32_t with;
    if (lt_with_parse(s, &with, err)) {
        return LEAT_INVALID;
    }
    if (lt_settings_text(s, "query") && (lt_settings_text(s, "where") || plan->source.stream)) {
        return lt_fail(err, LT_E_USAGE,
                       "--query stands for the source's table and condition: put "
                       "the condition into the query, and name no table");
    }
    if (lt_settings_number(s, "part-rows") < 1) {
        return lt_fail(err, LT_E_USAGE, "--part-rows is at least 1");
    }
    if (lt_settings_number(s, "memory") < (8 << 20)) {
        return lt_fail(err, LT_E_USAGE, "--memory is at least 8MiB");
    }
    const char *parallel = lt_settings_text(s, "parallel");
    int64_t n;
    if (parallel && !lt_parse_int(parallel, &n) && (n < 1 || n > 256)) {
        return lt_fail(err, LT_E_USAGE, "--parallel is between 1 and 256");
    }
    return LEAT_OK;
}
