#include "core/codes.h"
#include "core/log.h"
#include "core/url.h"
#include "engine/run.h"
#include "engine/stream_source.h"

#include <stdio.h>
#include <stdlib.h>

static void host_log(void *arg, enum leat_log_level level, const char *line)
{
    (void)arg;
    lt_log((enum lt_log_level)level, "%s", line);
}

static int host_cancelled(void *arg)
{
    return atomic_load_explicit(&((struct lt_run *)arg)->leat->cancelled, memory_order_relaxed);
}

static int64_t host_memory(void *arg)
{
    return ((struct lt_run *)arg)->queue_bytes_max;
}

static const struct leat_connector *host_connector(void *arg, const char *name)
{
    return lt_session_connector(((struct lt_run *)arg)->leat, name);
}

/* Picks the plan's extras that this connector knows. Borrowed from the plan. */
static int pick_params(struct lt_side *side, const struct lt_settings *extras,
                       struct leat_error *err)
{
    side->params = calloc(extras->n + 1, sizeof *side->params);
    if (!side->params) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < extras->n; i++) {
        if (lt_option_find(side->connector->options, extras->items[i].name)) {
            side->params[side->n_params++] = extras->items[i];
        }
    }
    return LEAT_OK;
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
    const struct leat_config config = {
        .size = sizeof config,
        .url = side->location->url,
        .params = side->params,
        .n_params = side->n_params,
        .host = &side->host,
        .state_namespace = lt_settings_text(s, "state-schema"),
        .no_state = lt_settings_bool(s, "no-state"),
        .connect_timeout_ms = lt_settings_number(s, "connect-timeout"),
        .lock_timeout_ms = lt_settings_number(s, "lock-timeout"),
    };
    return side->connector->open(&config, &side->ep, err);
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
        rc = pick_params(side, &run->plan->extras, err);
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
    side->connector->close(side->ep);
    free(side->params);
    free(side);
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

/* Copies one part of a name, without the quotes around it; "" for an empty one. */
static const char *copy_part(const char *text, char *out, size_t size)
{
    size_t n = 0;
    bool quoted = *text == '"';
    for (text += quoted; *text && (quoted || *text != '.'); text++) {
        if (quoted && *text == '"' && *++text != '"') {
            break;
        }
        if (n + 1 < size) {
            out[n++] = *text;
        }
    }
    out[n] = 0;
    return text;
}

int lt_side_resolve(struct lt_side *side, const char *text, char *ret_ns, char *ret_name,
                    size_t size, struct leat_error *err)
{
    if (side->connector->catalog && side->connector->catalog->resolve) {
        return side->connector->catalog->resolve(side->ep, text, ret_ns, ret_name, size, err);
    }
    *ret_ns = 0;
    if (!lt_side_can(side, LEAT_HAS_NAMESPACES)) {
        if (*text == '"') {
            copy_part(text, ret_name, size);
        } else {
            snprintf(ret_name, size, "%s", text);
        }
        return LEAT_OK;
    }
    const char *rest = copy_part(text, ret_name, size);
    if (*rest == '.') {
        snprintf(ret_ns, size, "%s", ret_name);
        rest = copy_part(rest + 1, ret_name, size);
    }
    if (*rest) {
        return lt_fail(err, LT_E_USAGE, "\"%s\" has too many parts: namespace.stream", text);
    }
    return LEAT_OK;
}
