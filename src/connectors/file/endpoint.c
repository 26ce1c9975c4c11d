/* The file connector: what a location means, its options, what it can do.
 *
 *   file:PATH        a file, a directory (it ends in / or is one), a pattern (* and ?), or -
 *   csv:PATH, ...    the same, in that format whatever the name says (options.c lists the schemes)
 *   file:///PATH     percent-encoded, as browsers write it
 * Paths are taken as they are written; parameters after ? are looked for only where no such file
 * exists and what follows reads as NAME=VALUE. */
#include "connectors/file/file.h"

#include "connectors/file/internal.h"
#include "core/url.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/banned.h"

static const char *const file_steps[] = {"seal", "rename", NULL};
static const char *const directory_steps[] = {"seal",     "intent", "rename",
                                              "manifest", "clean",  NULL};
static const char *const stream_steps[] = {"write", NULL};

int lt_fc_step(const struct leat_endpoint *ep, const char *name, struct leat_error *err)
{
    return ep->host->step ? ep->host->step(ep->host->arg, name, err) : LEAT_OK;
}

int lt_fc_cancelled(void *arg)
{
    const struct leat_endpoint *ep = arg;
    return lt_cancel_is(&ep->cancel) || (ep->host->cancelled && ep->host->cancelled(ep->host->arg));
}

struct lt_file_options lt_fc_file_options(struct leat_endpoint *ep)
{
    return (struct lt_file_options){.cancelled = lt_fc_cancelled, .cancelled_arg = ep};
}

const char *lt_fc_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *lt_fc_stream_name(const char *path)
{
    const char *base = lt_fc_base(path);
    size_t len = strlen(base);
    lt_codec_of_path(base, &len);
    if (lt_format_by_path(base, len)) {
        while (len && base[len - 1] != '.') {
            len--;
        }
        len -= len > 1; /* ".csv" stays what it is */
    }
    return lt_strndup(base, len);
}

const char *lt_fc_param(const struct leat_endpoint *ep, const struct leat_param *params,
                        size_t n_params, const char *name)
{
    for (size_t i = n_params; i > 0; i--) {
        if (!strcmp(params[i - 1].name, name)) {
            return params[i - 1].value;
        }
    }
    for (size_t i = ep->n_params; i > 0; i--) {
        if (!strcmp(ep->params[i - 1].name, name)) {
            return ep->params[i - 1].value;
        }
    }
    return NULL;
}

size_t lt_fc_pick_params(const struct leat_endpoint *ep, const struct leat_param *params,
                         size_t n_params, const struct leat_option *table,
                         struct leat_param ret_params[FC_PARAMS_MAX])
{
    size_t n = 0;
    for (const struct leat_option *option = table; option && option->name; option++) {
        const char *value = lt_fc_param(ep, params, n_params, option->name);
        /* Reading a header may be left to guessing; what is written has one or not. */
        bool guess = value && option->kind == LEAT_OPTION_BOOL && !strcmp(value, "auto");
        if (value && option->kind == LEAT_OPTION_CHOICE && strstr(option->choices, "yes|no")) {
            value = !strcmp(value, "true") ? "yes" : !strcmp(value, "false") ? "no" : value;
        }
        if (value && !guess && n < FC_PARAMS_MAX) {
            ret_params[n++] = (struct leat_param){option->name, value};
        }
    }
    return n;
}

/* --- opening ------------------------------------------------------------------------------- */

static int add_param(struct leat_endpoint *ep, const char *name, const char *value,
                     struct leat_error *err)
{
    bool known = false;
    for (const struct leat_option *option = lt_fc_options; option->name; option++) {
        known = known || !strcmp(option->name, name);
    }
    if (!known) {
        return lt_fail(err, LT_E_UNKNOWN_OPTION, "files have no parameter \"%s\"", name);
    }
    struct leat_param *grown = realloc(ep->params, (ep->n_params + 1) * sizeof *grown);
    if (!grown) {
        return lt_fail_oom(err);
    }
    ep->params = grown;
    char *n = lt_strdup(name), *v = lt_strdup(value ? value : "true");
    if (!n || !v) {
        free(n);
        free(v);
        return lt_fail_oom(err);
    }
    ep->params[ep->n_params++] = (struct leat_param){n, v};
    return LEAT_OK;
}

/* The ? that begins parameters, or NULL. */
static const char *find_params(const char *path)
{
    struct stat st;
    const char *mark = strrchr(path, '?');
    if (!mark || stat(path, &st) == 0) {
        return NULL;
    }
    size_t len = strcspn(mark + 1, "=&/*");
    return len && mark[1 + len] == '=' ? mark : NULL;
}

static int take_url_params(struct leat_endpoint *ep, const char *query, struct leat_error *err)
{
    struct lt_url url = {.scheme = NULL};
    char *text = lt_format("file:x%s", query);
    int status = text ? lt_url_parse(text, &url, err) : lt_fail_oom(err);
    for (size_t i = 0; i < url.n_params && !status; i++) {
        status = add_param(ep, url.params[i].key, url.params[i].value, err);
    }
    lt_url_done(&url);
    free(text);
    return status;
}

/* The path of file://..., percent-decoded; the host may only be this one. */
static int decode_path(const char *text, char **ret_path, struct leat_error *err)
{
    struct lt_url url = {.scheme = NULL};
    char *whole = lt_format("file:%s", text);
    int status = whole ? lt_url_parse(whole, &url, err) : lt_fail_oom(err);
    if (!status && url.host && *url.host && strcasecmp(url.host, "localhost") != 0) {
        status = lt_fail(err, LT_E_INVALID, "file://%s/... is on another machine", url.host);
        leat_error_remedy(err, "write file:PATH for a path");
    }
    if (!status) {
        *ret_path = lt_strdup(url.path ? url.path : "");
        status = *ret_path ? LEAT_OK : lt_fail_oom(err);
    }
    lt_url_done(&url);
    free(whole);
    return status;
}

static int take_path(struct leat_endpoint *ep, const char *text, struct leat_error *err)
{
    const char *mark = find_params(text);
    int status = mark ? take_url_params(ep, mark, err) : LEAT_OK;
    char *path = mark ? lt_strndup(text, (size_t)(mark - text)) : lt_strdup(text);
    if (!status && path && !strncmp(path, "//", 2)) {
        char *decoded = NULL;
        status = decode_path(path, &decoded, err);
        free(path);
        path = decoded;
    }
    if (!status && !path) {
        status = lt_fail_oom(err);
    }
    if (!status && !*path) {
        status = lt_fail(err, LT_E_INVALID, "no file was named");
    }
    if (status) {
        free(path);
        return status;
    }
    ep->path = path;
    return LEAT_OK;
}

static int classify(struct leat_endpoint *ep, struct leat_error *err)
{
    struct stat st;
    size_t len = strlen(ep->path);
    bool there = stat(ep->path, &st) == 0;
    if (!strcmp(ep->path, "-")) {
        ep->kind = FC_STANDARD;
    } else if (ep->path[len - 1] == '/' || (there && S_ISDIR(st.st_mode))) {
        ep->kind = FC_DIRECTORY;
        if (ep->path[len - 1] != '/') {
            char *path = lt_format("%s/", ep->path);
            if (!path) {
                return lt_fail_oom(err);
            }
            free(ep->path);
            ep->path = path;
        }
    } else {
        ep->kind = !there && lt_wildcard_has(lt_fc_base(ep->path)) ? FC_GLOB : FC_FILE;
    }
    return LEAT_OK;
}

/* The format that a scheme names: by its own name, or by one of its endings. */
static const struct lt_format *format_of_scheme(const char *scheme)
{
    char path[32];
    const struct lt_format *format = lt_format_by_name(scheme);
    int len = snprintf(path, sizeof path, "x.%s", scheme);
    return format || len < 0 || (size_t)len >= sizeof path ? format
                                                           : lt_format_by_path(path, (size_t)len);
}

/* What the location says counts before a flag, which reaches both sides of a command. */
static int choose_format(struct leat_endpoint *ep, const char *scheme, bool in_url,
                         struct leat_error *err)
{
    const char *given = lt_fc_param(ep, NULL, 0, "format");
    const char *name = in_url || !strcasecmp(scheme, "file") ? given : NULL;
    if (!name && !strcasecmp(scheme, "file")) {
        return LEAT_OK;
    }
    ep->format_is_flag = name && !in_url;
    ep->format = name ? lt_format_by_name(name) : format_of_scheme(scheme);
    if (!ep->format) {
        return lt_fail(err, LT_E_UNKNOWN_SCHEME, "no format is called \"%s\"",
                       name ? name : scheme);
    }
    /* A name ending in .tsv tells the delimiter by itself; here the scheme does. */
    bool tabs = !name && !strcasecmp(scheme, "tsv") && !lt_fc_param(ep, NULL, 0, "delimiter");
    return tabs ? add_param(ep, "delimiter", "tab", err) : LEAT_OK;
}

/* One file whose name, or what was said of it, promises a format without types. */
static bool infers(const struct leat_endpoint *ep)
{
    size_t stem = strlen(ep->path);
    lt_codec_of_path(ep->path, &stem);
    const struct lt_format *format = ep->format ? ep->format : lt_format_by_path(ep->path, stem);
    return ep->kind == FC_FILE && format && format->read_retype;
}

static void set_capabilities(struct leat_endpoint *ep)
{
    ep->capabilities = (struct leat_capabilities){
        .size = sizeof ep->capabilities,
        .flags = LEAT_CAN_LIMIT | LEAT_CAN_PROJECT | (infers(ep) ? LEAT_INFERS : 0) |
                 (ep->kind == FC_DIRECTORY ? LEAT_CAN_STREAMS : 0) |
                 (ep->kind == FC_STANDARD && !ep->program ? LEAT_IS_TERMINAL : 0),
        .payloads_out = LEAT_PAYLOAD_BATCH,
        .payloads_in = LEAT_PAYLOAD_BATCH,
        .readers_max = ep->kind == FC_STANDARD ? 1 : 0,
        .loads_max = ep->kind == FC_DIRECTORY ? 0 : 1,
        .default_namespace = "",
        .commit_steps = ep->kind == FC_DIRECTORY  ? directory_steps
                        : ep->kind == FC_STANDARD ? stream_steps
                                                  : file_steps,
    };
}

static void fc_close(struct leat_endpoint *ep)
{
    if (!ep) {
        return;
    }
    for (size_t i = 0; i < ep->n_params; i++) {
        free((char *)(uintptr_t)ep->params[i].name);
        free((char *)(uintptr_t)ep->params[i].value);
    }
    free(ep->params);
    free(ep->compression);
    free(ep->as_stream);
    free(ep->path);
    free(ep);
}

static int configure(struct leat_endpoint *ep, const struct leat_config *config,
                     struct leat_error *err)
{
    const char *colon = strchr(config->url, ':');
    char scheme[16] = "file";
    if (colon && (size_t)(colon - config->url) < sizeof scheme) {
        memcpy(scheme, config->url, (size_t)(colon - config->url));
        scheme[colon - config->url] = 0;
    }
    int status = take_path(ep, colon ? colon + 1 : config->url, err);
    bool in_url = lt_fc_param(ep, NULL, 0, "format") != NULL;
    const char *compression = lt_fc_param(ep, NULL, 0, "compression");
    if (!status && compression) {
        ep->compression = lt_strdup(compression);
        status = ep->compression ? LEAT_OK : lt_fail_oom(err);
    }
    for (size_t i = 0; i < config->n_params && !status; i++) {
        status = add_param(ep, config->params[i].name, config->params[i].value, err);
    }
    status = status ? status : classify(ep, err);
    status = status ? status : choose_format(ep, scheme, in_url, err);
    struct lt_format_options given = {.params = ep->params, .n_params = ep->n_params};
    status = status ? status : lt_format_check_options(&given, lt_fc_options, "file", err);
    const char *as_stream = lt_fc_param(ep, NULL, 0, "as-stream");
    if (!status && as_stream && (ep->kind == FC_DIRECTORY || ep->kind == FC_GLOB)) {
        ep->as_stream = lt_strdup(as_stream);
        status = ep->as_stream ? LEAT_OK : lt_fail_oom(err);
    }
    return status;
}

static int fc_open(const struct leat_config *config, struct leat_endpoint **ret_ep,
                   struct leat_error *err)
{
    struct leat_endpoint *ep = calloc(1, sizeof *ep);
    if (!ep) {
        return lt_fail_oom(err);
    }
    ep->host = config->host;
    ep->lock_timeout_ms = config->lock_timeout_ms;
    ep->no_state = config->no_state;
    ep->program =
        config->size >= offsetof(struct leat_config, bytes) + sizeof config->bytes && config->bytes;
    if (ep->program) {
        ep->bytes = *config->bytes;
    }
    int status = configure(ep, config, err);
    if (status) {
        fc_close(ep);
        return status;
    }
    set_capabilities(ep);
    *ret_ep = ep;
    return LEAT_OK;
}

static int fc_check(struct leat_endpoint *ep, struct leat_check *ret_check, struct leat_error *err)
{
    char *dir = lt_fc_dir_of(ep);
    if (!dir) {
        return lt_fail_oom(err);
    }
    bool standard = ep->kind == FC_STANDARD;
    bool writable = standard || access(*dir ? dir : ".", W_OK | X_OK) == 0;
    struct leat_check check = {
        .size = ret_check->size,
        .system = standard ? "standard streams" : "files",
        .version = "",
        .user = "",
        .can_read = standard || ep->kind == FC_GLOB || access(ep->path, R_OK) == 0,
        .can_create = writable,
        .can_write = writable,
    };
    free(dir);
    memcpy(ret_check, &check, LT_MIN(ret_check->size, sizeof check));
    return LEAT_OK;
}

static void fc_cancel(struct leat_endpoint *ep)
{
    lt_cancel_set(&ep->cancel);
}

static const struct leat_capabilities *fc_capabilities(struct leat_endpoint *ep)
{
    return &ep->capabilities;
}

const struct leat_connector lt_connector_file = {
    .size = sizeof lt_connector_file,
    .abi = LEAT_CONNECTOR_ABI,
    .name = "file",
    .aliases = lt_fc_schemes,
    .summary = "Files of any format, directories of them, standard input and output",
    .options = lt_fc_options,
    .open = fc_open,
    .close = fc_close,
    .check = fc_check,
    .cancel = fc_cancel,
    .capabilities = fc_capabilities,
    .catalog = &lt_fc_catalog,
    .source = &lt_fc_source,
    .load = &lt_fc_load,
    .extensions = lt_fc_extensions,
    .format = lt_format_info,
    .takes = lt_fc_takes,
};
