#include "config/references.h"
#include "core/codes.h"
#include "core/crypt.h"
#include "core/log.h"
#include "core/url.h"
#include "engine/changes.h"
#include "engine/run.h"
#include "engine/stream_source.h"

#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t references_mutex = PTHREAD_MUTEX_INITIALIZER;

static void host_log(void *arg, enum leat_log_level level, const char *line)
{
    (void)arg;
    lt_log((enum lt_log_level)level, "%s", line);
}

static int host_cancelled(void *arg)
{
    struct lt_run *run = arg;
    return atomic_load_explicit(&run->leat->cancelled, memory_order_relaxed) ||
           atomic_load_explicit(&run->opens_in_vain, memory_order_relaxed);
}

static int64_t host_memory(void *arg)
{
    return ((struct lt_run *)arg)->endpoint_bytes_max;
}

static const struct leat_connector *host_connector(void *arg, const char *name)
{
    return lt_session_connector(((struct lt_run *)arg)->leat, name);
}

/* Adds those of the plan's extras that this connector knows. Borrowed from the plan. */
static int pick_params(struct lt_side *side, const struct lt_settings *extras,
                       struct leat_error *err)
{
    struct leat_param *params =
        realloc(side->params, (side->n_params + extras->n + 1) * sizeof *params);
    if (!params) {
        return lt_fail_oom(err);
    }
    side->params = params;
    for (size_t i = 0; i < extras->n; i++) {
        const struct leat_option *option =
            lt_option_find(side->connector->options, extras->items[i].name);
        if (option) {
            /* Another connector's option of that name may take other values. */
            int rc = lt_option_check(option, extras->items[i].value, err);
            if (rc) {
                return rc;
            }
            side->params[side->n_params++] = extras->items[i];
        }
    }
    return LEAT_OK;
}

/* The params with what secret ones refer to in its place: at every opening, so that a retry takes a
 * password that was changed meanwhile. Secret; free with free_params(). */
static int resolve_params(const struct lt_side *side, const volatile int *cancel,
                          struct leat_param **ret_params, struct leat_error *err)
{
    struct leat_param *params = calloc(side->n_params + 1, sizeof *params);
    int rc = params ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < side->n_params; i++) {
        const struct leat_param *from = &side->params[i];
        const struct leat_option *option = lt_option_find(side->connector->options, from->name);
        bool secret = option && option->kind == LEAT_OPTION_SECRET && from->value;
        char *value = secret ? NULL : lt_strdup(from->value);
        rc = secret ? lt_resolve_value(from->value, cancel, &value, err) : LEAT_OK;
        params[i] = (struct leat_param){from->name, value};
        if (rc) {
            leat_error_place(err, "--%s", from->name);
        } else if (from->value && !value) {
            rc = lt_fail_oom(err);
        }
    }
    *ret_params = params;
    return rc;
}

static void free_params(struct leat_param *params, size_t n)
{
    for (size_t i = 0; params && i < n; i++) {
        lt_crypt_free_text((char *)params[i].value);
    }
    free(params);
}

static int open_endpoint(struct lt_run *run, struct lt_side *side, struct leat_error *err)
{
    if (side->connector == &lt_connector_stream_source) {
        if (!run->plan->stream.release) {
            return lt_fail(err, LT_E_INVALID, "the stream of this plan was read already");
        }
        return lt_stream_source_open(&run->plan->stream, run->plan->stream_name, &side->ep, err);
    }
    const struct lt_settings *s = &run->plan->settings;
    const volatile int *cancel = (const volatile int *)&run->leat->cancelled;
    struct leat_param *params = NULL;
    char *url = NULL;
    /* One side after the other: a command that gives a password, or a vault, may ask for something. */
    pthread_mutex_lock(&references_mutex);
    int rc = lt_resolve_references(side->location->url, cancel, &url, err);
    rc = rc ? rc : resolve_params(side, cancel, &params, err);
    pthread_mutex_unlock(&references_mutex);
    if (rc) {
        free_params(params, side->n_params);
        lt_crypt_free_text(url);
        return rc;
    }
    const struct leat_config config = {
        .size = sizeof config,
        .url = url,
        .params = params,
        .n_params = side->n_params,
        .host = &side->host,
        .state_namespace = lt_settings_text(s, "state-schema"),
        .no_state = lt_settings_bool(s, "no-state"),
        .connect_timeout_ms = lt_settings_number(s, "connect-timeout"),
        .lock_timeout_ms = lt_settings_number(s, "lock-timeout"),
        .bytes = lt_plan_bytes(run->plan, side->location),
    };
    rc = side->connector->open(&config, &side->ep, err);
    free_params(params, side->n_params);
    lt_crypt_free_text(url);
    return rc;
}

int lt_side_open(struct lt_run *run, const struct lt_location *location, struct lt_side **ret_side,
                 struct leat_error *err)
{
    struct lt_side *side = calloc(1, sizeof *side);
    if (!side) {
        return lt_fail_oom(err);
    }
    side->run = run;
    side->location = location;
    side->host = (struct leat_host){.size = sizeof side->host,
                                    .arg = run,
                                    .log = host_log,
                                    .cancelled = host_cancelled,
                                    .memory = host_memory,
                                    .connector = host_connector};
    int rc = LEAT_OK;
    if (!strcmp(location->connector, LT_STREAM_SOURCE_NAME)) {
        side->connector = &lt_connector_stream_source;
    } else {
        side->connector = leat_connector_by_name(run->leat, location->connector, err);
        rc = side->connector ? LEAT_OK : LEAT_INVALID;
    }
    if (!rc) {
        rc = pick_params(side, &run->plan->defaults, err);
        rc = rc ? rc : pick_params(side, &run->plan->extras, err);
    }
    if (!rc) {
        rc = open_endpoint(run, side, err);
        if (rc && err && !err->place[0]) {
            leat_error_place(err, "%s", location->text);
        }
    }
    if (rc) {
        free(side->params);
        free(side);
        return rc;
    }
    side->caps = side->connector->capabilities(side->ep);
    pthread_mutex_lock(&run->sides_mutex);
    side->next = run->sides;
    run->sides = side;
    pthread_mutex_unlock(&run->sides_mutex);
    *ret_side = side;
    return LEAT_OK;
}

void lt_side_close(struct lt_side *side)
{
    if (!side) {
        return;
    }
    struct lt_run *run = side->run;
    pthread_mutex_lock(&run->sides_mutex);
    for (struct lt_side **p = &run->sides; *p; p = &(*p)->next) {
        if (*p == side) {
            *p = side->next;
            break;
        }
    }
    pthread_mutex_unlock(&run->sides_mutex);
    if (side->connector == &lt_connector_stream_source) {
        lt_stream_source_take(side->ep, &run->plan->stream);
    }
    side->connector->close(side->ep);
    free(side->params);
    free(side);
}

int lt_side_join(struct lt_side *side, struct leat_error *err)
{
    struct lt_run *run = side->run;
    const struct leat_source_ops *ops = side->connector->source;
    if (run->snapshot[0]) {
        return ops->snapshot_join(side->ep, run->snapshot, err);
    }
    if (run->snapshot_own) {
        char token[sizeof run->snapshot];
        if (!run->atomic) {
            lt_log(LT_LOG_WARN,
                   "%s: the source was opened again: streams from here on are read as "
                   "of a later moment",
                   side->location->text);
        }
        return ops->snapshot_take(side->ep, token, sizeof token, err);
    }
    return LEAT_OK;
}

int lt_side_freshen(struct lt_side **side, bool source, struct leat_error *err)
{
    struct lt_side *old = *side, *fresh = NULL;
    if (!old->stale || old->connector == &lt_connector_stream_source ||
        old->connector == &lt_connector_changes) {
        return LEAT_OK;
    }
    int rc = lt_side_open(old->run, old->location, &fresh, err);
    if (!rc && source) {
        rc = lt_side_join(fresh, err);
    }
    if (rc) {
        lt_side_close(fresh);
        return rc;
    }
    if (source) {
        lt_run_drop_ahead(old->run, old);
    }
    lt_side_close(old);
    *side = fresh;
    return LEAT_OK;
}

void lt_sides_cancel(struct lt_run *run)
{
    pthread_mutex_lock(&run->sides_mutex);
    for (struct lt_side *side = run->sides; side; side = side->next) {
        if (side->connector->cancel) {
            side->connector->cancel(side->ep);
        }
    }
    pthread_mutex_unlock(&run->sides_mutex);
}

/* Copies one part of a name, without the quotes around it; "" for an empty one. NULL when it is
 * too long, or its quote does not end. */
static const char *copy_part(const char *text, char *out, size_t size)
{
    size_t n = 0;
    bool quoted = *text == '"', open = quoted;
    for (text += quoted; *text && (quoted || *text != '.'); text++) {
        if (quoted && *text == '"' && *++text != '"') {
            open = false;
            break;
        }
        if (n + 1 >= size) {
            return NULL;
        }
        out[n++] = *text;
    }
    out[n] = 0;
    return open ? NULL : text;
}

/* namespace.stream, or all of it as the stream's name where there are no namespaces. */
static bool split_name(const char *text, bool namespaces, char *ret_ns, char *ret_name, size_t size)
{
    *ret_ns = 0;
    if (!namespaces && *text != '"') {
        return (size_t)snprintf(ret_name, size, "%s", text) < size;
    }
    const char *rest = copy_part(text, ret_name, size);
    if (rest && namespaces && *rest == '.') {
        snprintf(ret_ns, size, "%s", ret_name);
        rest = copy_part(rest + 1, ret_name, size);
    }
    return rest && !*rest;
}

int lt_side_resolve(struct lt_side *side, const char *text, char *ret_ns, char *ret_name,
                    size_t size, struct leat_error *err)
{
    if (side->connector->catalog && side->connector->catalog->resolve) {
        return side->connector->catalog->resolve(side->ep, text, ret_ns, ret_name, size, err);
    }
    bool namespaces = lt_side_can(side, LEAT_HAS_NAMESPACES);
    return split_name(text, namespaces, ret_ns, ret_name, size)
               ? LEAT_OK
               : lt_fail(err, LT_E_USAGE, "\"%s\" is no name of a stream%s", text,
                         namespaces ? ": namespace.stream, each part quoted where need be" : "");
}

const char *lt_side_bytes_format(const struct lt_side *source)
{
    const struct leat_source_ops *ops = source->connector->source;
    return (source->caps->payloads_out & LEAT_PAYLOAD_BYTES) && ops->choose
               ? source->caps->bytes_format
               : NULL;
}

bool lt_sides_share_bytes(const struct lt_side *source, const struct lt_side *dest)
{
    const char *format = lt_side_bytes_format(source);
    return format && (dest->caps->payloads_in & LEAT_PAYLOAD_BYTES) && dest->caps->bytes_format &&
           !strcmp(format, dest->caps->bytes_format);
}
