/* What a document says: connections, groups and their order. */
#include "pipe/halfpipe/document.h"

#include "core/util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* --- faults --------------------------------------------------------------------------------- */

void hp_fault(struct hp_document *doc, const struct lt_yaml_node *node, enum lt_code code,
              const char *remedy, const char *fmt, ...)
{
    char message[512];
    struct leat_error err = {0};
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    lt_fail(&err, code == LT_E_INVALID ? LT_E_PIPE : code, "%s", message);
    leat_error_place(&err, "%s:%d:%d", node->file, node->line, node->column);
    leat_error_remedy(&err, "%s", remedy ? remedy : "");
    const struct leat_pipe_fault fault = {.size = sizeof fault,
                                          .file = node->file,
                                          .line = node->line,
                                          .column = node->column,
                                          .message = message,
                                          .remedy = err.remedy};
    if (doc->fault) {
        doc->fault(doc->arg, &fault);
    }
    if (!doc->faults++) {
        doc->first = err;
    }
}

const char *hp_did_you_mean(const char *word, const char *const *names, const char *other,
                            char text[HP_REMEDY_MAX])
{
    const char *close = lt_closest(word, names);
    if (!close) {
        return other;
    }
    snprintf(text, HP_REMEDY_MAX, "did you mean %s?", close);
    return text;
}

static const char *word_of(struct hp_document *doc, const struct lt_yaml_node *map, const char *key)
{
    const struct lt_yaml_node *node = lt_yaml_get(map, key);
    if (node && node->kind != LT_YAML_SCALAR) {
        hp_fault(doc, node, LT_E_INVALID, NULL, "%s is one text", key);
        return NULL;
    }
    return lt_yaml_text(node);
}

/* --- variables ------------------------------------------------------------------------------ */

char *hp_swapped(const char *text, const struct hp_swap *swaps, size_t n)
{
    struct lt_buf out = LT_BUF_INIT;
    int rc = lt_buf_reserve(&out, strlen(text));
    while (!rc && *text) {
        const struct hp_swap *best = NULL;
        size_t best_len = 0;
        for (size_t i = 0; i < n; i++) {
            size_t len = strlen(swaps[i].from);
            if (len > best_len && !strncmp(text, swaps[i].from, len)) {
                best = &swaps[i];
                best_len = len;
            }
        }
        rc = best ? lt_buf_puts(&out, best->to) : lt_buf_byte(&out, (uint8_t)*text);
        text += best ? best_len : 1;
    }
    char *taken = rc ? NULL : lt_buf_take(&out);
    lt_buf_done(&out);
    return taken;
}

char *hp_text(struct hp_document *doc, const char *text)
{
    const struct lt_halfpipe *pipe = doc->pipe;
    struct hp_swap *swaps = calloc(pipe->n_vars + 1, sizeof *swaps);
    for (size_t i = 0; swaps && i < pipe->n_vars; i++) {
        swaps[i] = (struct hp_swap){pipe->vars[i].name, pipe->vars[i].value};
    }
    char *swapped = swaps ? hp_swapped(text, swaps, pipe->n_vars) : NULL;
    free(swaps);
    doc->no_memory = doc->no_memory || !swapped;
    return swapped;
}

static int keep_vars(struct lt_halfpipe *pipe, const struct leat_param *vars, size_t n)
{
    pipe->vars = calloc(n + 1, sizeof *pipe->vars);
    bool whole = pipe->vars;
    for (size_t i = 0; whole && i < n; i++) {
        pipe->vars[i].name = lt_format("${%s}", vars[i].name);
        pipe->vars[i].value = lt_strdup(vars[i].value);
        pipe->n_vars++;
        whole = pipe->vars[i].name && pipe->vars[i].value;
    }
    return whole ? LEAT_OK : LEAT_NO_MEMORY;
}

/* --- connections ---------------------------------------------------------------------------- */

static void read_connection(struct hp_document *doc, const char *name,
                            const struct lt_yaml_node *node, struct hp_connection *connection)
{
    *connection = (struct hp_connection){.name = name, .type = "", .logical = name, .node = node};
    if (node->kind != LT_YAML_MAP) {
        hp_fault(doc, node, LT_E_INVALID, "type, logicalName and data", "a connection is a map");
        return;
    }
    const struct lt_yaml_node *data = lt_yaml_get(node, "data");
    const char *type = word_of(doc, node, "type"), *logical = word_of(doc, node, "logicalName");
    connection->type = type ? type : connection->type;
    connection->logical = logical ? logical : connection->logical;
    const char *url = word_of(doc, data, "dsn");
    if (data && data->kind != LT_YAML_MAP && !lt_yaml_is_null(data)) {
        hp_fault(doc, data, LT_E_INVALID, "data: {dsn: URL}", "data is a map");
    } else if (!type) {
        hp_fault(doc, node, LT_E_INVALID, "type: sqlite, postgres or another connector's name",
                 "connection \"%s\" has no type", name);
    } else if (data && data->n && !url && strcmp(type, "s3")) {
        hp_fault(doc, data, LT_E_INVALID,
                 "dsn: URL, or no data: then the stored connection is used",
                 "the data of connection \"%s\" has no dsn", name);
    }
    connection->url = url && *url ? hp_text(doc, url) : NULL;
}

static void read_connections(struct hp_document *doc, const struct lt_yaml_node *root)
{
    struct lt_halfpipe *pipe = doc->pipe;
    const struct lt_yaml_node *map = lt_yaml_get(root, "connections");
    if (!map || lt_yaml_is_null(map)) {
        return;
    }
    if (map->kind != LT_YAML_MAP) {
        hp_fault(doc, map, LT_E_INVALID, NULL, "connections is a map of names");
        return;
    }
    pipe->connections = calloc(map->n + 1, sizeof *pipe->connections);
    doc->no_memory = doc->no_memory || !pipe->connections;
    for (size_t i = 0; pipe->connections && i < map->n; i++) {
        read_connection(doc, map->keys[i]->text, map->items[i], &pipe->connections[i]);
        pipe->n_connections++;
    }
}

/* --- groups --------------------------------------------------------------------------------- */

static int64_t read_sleep(struct hp_document *doc, const struct lt_yaml_node *owner)
{
    const struct lt_yaml_node *meta = lt_yaml_get(owner, "repeatMetadata");
    const struct lt_yaml_node *node = lt_yaml_get(meta, "sleepSeconds");
    const char *text = lt_yaml_text(node);
    int64_t seconds = 0;
    if (node &&
        (!text || lt_parse_int(text, &seconds) || seconds < 0 || seconds > INT64_C(86400) * 3660)) {
        hp_fault(doc, node, LT_E_INVALID, NULL, "sleepSeconds is a whole number, 0 or more");
    }
    return seconds;
}

static void read_group(struct hp_document *doc, const char *name, const struct lt_yaml_node *node,
                       struct hp_group *group)
{
    static const char *const kinds[] = {"sequential", "repeating", "background", NULL};
    char remedy[HP_REMEDY_MAX];
    *group = (struct hp_group){.name = name, .node = node};
    if (node->kind != LT_YAML_MAP) {
        hp_fault(doc, node, LT_E_INVALID, "type, sequence and steps", "a group is a map");
        return;
    }
    const char *type = word_of(doc, node, "type");
    size_t kind = 0;
    while (type && kinds[kind] && strcmp(kinds[kind], type)) {
        kind++;
    }
    if (!kinds[kind]) {
        hp_fault(doc, lt_yaml_get(node, "type"), LT_E_INVALID,
                 hp_did_you_mean(type, kinds, "sequential, repeating or background", remedy),
                 "there is no type of group \"%s\"", type);
        kind = 0;
    }
    group->kind = (enum hp_kind)kind;
    group->sleep_s = read_sleep(doc, node);
    hp_read_steps(doc, group);
}

static void read_groups(struct hp_document *doc, const struct lt_yaml_node *root)
{
    struct lt_halfpipe *pipe = doc->pipe;
    const struct lt_yaml_node *map = lt_yaml_get(root, "transformGroups");
    if (!map || map->kind != LT_YAML_MAP) {
        hp_fault(doc, map ? map : root, LT_E_INVALID, NULL, "transformGroups is a map of groups");
        return;
    }
    pipe->groups = calloc(map->n + 1, sizeof *pipe->groups);
    doc->no_memory = doc->no_memory || !pipe->groups;
    for (size_t i = 0; pipe->groups && i < map->n; i++) {
        read_group(doc, map->keys[i]->text, map->items[i], &pipe->groups[i]);
        pipe->n_groups++;
    }
}

/* Index of a group, or n_groups. */
static size_t find_group(const struct lt_halfpipe *pipe, const char *name)
{
    size_t i = 0;
    while (i < pipe->n_groups && strcmp(pipe->groups[i].name, name)) {
        i++;
    }
    return i;
}

static void read_sequence(struct hp_document *doc, const struct lt_yaml_node *root)
{
    struct lt_halfpipe *pipe = doc->pipe;
    const struct lt_yaml_node *list = lt_yaml_get(root, "sequence");
    if (!list || list->kind != LT_YAML_LIST || !list->n) {
        hp_fault(doc, list ? list : root, LT_E_INVALID, "sequence: [GROUP, ...]",
                 "sequence lists the groups that are run");
        return;
    }
    pipe->sequence = calloc(list->n, sizeof *pipe->sequence);
    const char **names = calloc(pipe->n_groups + 1, sizeof *names);
    doc->no_memory = doc->no_memory || !pipe->sequence || !names;
    for (size_t i = 0; names && i < pipe->n_groups; i++) {
        names[i] = pipe->groups[i].name;
    }
    for (size_t i = 0; names && pipe->sequence && i < list->n; i++) {
        char remedy[HP_REMEDY_MAX];
        const char *name = lt_yaml_text(list->items[i]);
        size_t at = name ? find_group(pipe, name) : pipe->n_groups;
        if (at == pipe->n_groups) {
            hp_fault(doc, list->items[i], LT_E_INVALID,
                     name ? hp_did_you_mean(name, names, NULL, remedy) : NULL,
                     "there is no group \"%s\"", name ? name : "");
        } else {
            pipe->sequence[pipe->n_sequence++] = at;
        }
    }
    free(names);
}

/* --- the whole ------------------------------------------------------------------------------ */

bool lt_halfpipe_is(const struct lt_yaml_node *root)
{
    return lt_yaml_get(root, "transformGroups") != NULL;
}

static void read_document(struct hp_document *doc, const struct lt_yaml_node *root)
{
    struct lt_halfpipe *pipe = doc->pipe;
    const char *description = word_of(doc, root, "description"), *type = word_of(doc, root, "type");
    pipe->description = description ? description : "";
    pipe->repeating = type && !strcmp(type, "repeating");
    pipe->sleep_s = read_sleep(doc, root);
    read_connections(doc, root);
    read_groups(doc, root);
    read_sequence(doc, root);
    hp_link_steps(doc);
}

int lt_halfpipe_open(struct leat *leat, const struct lt_yaml_node *root,
                     const struct leat_param *vars, size_t n_vars, leat_fault_fn *fault, void *arg,
                     struct lt_halfpipe **ret_pipe, struct leat_error *err)
{
    struct hp_document doc = {.fault = fault, .arg = arg};
    doc.pipe = calloc(1, sizeof *doc.pipe);
    if (!doc.pipe || keep_vars(doc.pipe, vars, n_vars)) {
        lt_halfpipe_free(doc.pipe);
        return lt_fail_oom(err);
    }
    doc.pipe->leat = leat;
    read_document(&doc, root);
    if (doc.no_memory || doc.faults) {
        lt_halfpipe_free(doc.pipe);
        if (doc.no_memory) {
            return lt_fail_oom(err);
        }
        if (err) {
            *err = doc.first;
        }
        return doc.first.status;
    }
    *ret_pipe = doc.pipe;
    return LEAT_OK;
}

static void free_params(struct leat_param *params, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free((char *)params[i].name);
        free((char *)params[i].value);
    }
    free(params);
}

void lt_halfpipe_free(struct lt_halfpipe *pipe)
{
    if (!pipe) {
        return;
    }
    for (size_t i = 0; i < pipe->n_groups; i++) {
        for (size_t k = 0; k < pipe->groups[i].n; k++) {
            hp_def_done(&pipe->groups[i].defs[k]);
        }
        free(pipe->groups[i].defs);
    }
    for (size_t i = 0; i < pipe->n_connections; i++) {
        char *url = pipe->connections[i].url;
        if (url) {
            explicit_bzero(url, strlen(url));
        }
        free(url);
    }
    free(pipe->connections);
    free(pipe->groups);
    free(pipe->sequence);
    free_params(pipe->vars, pipe->n_vars);
    free_params(pipe->settings, pipe->n_settings);
    free(pipe);
}

int lt_halfpipe_set(struct lt_halfpipe *pipe, const char *name, const char *value,
                    struct leat_error *err)
{
    struct leat_param *bigger =
        realloc(pipe->settings, (pipe->n_settings + 1) * sizeof *pipe->settings);
    if (!bigger) {
        return lt_fail_oom(err);
    }
    pipe->settings = bigger;
    char *name_copy = lt_strdup(name), *value_copy = lt_strdup(value ? value : "true");
    if (!name_copy || !value_copy) {
        free(name_copy);
        free(value_copy);
        return lt_fail_oom(err);
    }
    bigger[pipe->n_settings++] = (struct leat_param){name_copy, value_copy};
    return LEAT_OK;
}

int64_t lt_halfpipe_every(const struct lt_halfpipe *pipe)
{
    return pipe->repeating ? pipe->sleep_s : -1;
}

void lt_halfpipe_stats(struct lt_halfpipe *pipe, int64_t seconds)
{
    pipe->stats_s = seconds;
}

const char *lt_halfpipe_description(const struct lt_halfpipe *pipe)
{
    return pipe->description;
}

static int describe_group(const struct hp_group *group, struct lt_buf *out)
{
    static const char *const kinds[] = {"one after the other", "again and again", "beside"};
    int rc = lt_buf_printf(out, "%s: %s%s\n", group->name, kinds[group->kind],
                           group->injected ? ", for each record of a MetadataInjection" : "");
    for (size_t i = 0; !rc && i < group->n; i++) {
        const struct hp_def *def = &group->defs[i];
        rc = lt_buf_printf(out, "  %s: %s: %s", def->name, def->type->name, def->type->does);
        for (size_t k = 0; !rc && k < def->n_inputs; k++) {
            rc =
                lt_buf_printf(out, "%s%s", k ? ", " : "; reads ", group->defs[def->inputs[k]].name);
        }
        rc = rc ? rc : lt_buf_byte(out, '\n');
    }
    return rc;
}

int lt_halfpipe_describe(const struct lt_halfpipe *pipe, char **ret_text, struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    int rc = *pipe->description ? lt_buf_printf(&out, "%s\n", pipe->description) : LEAT_OK;
    if (!rc && pipe->repeating) {
        rc = lt_buf_printf(&out, "every %lld seconds\n", (long long)pipe->sleep_s);
    }
    for (size_t i = 0; !rc && i < pipe->n_sequence; i++) {
        rc = describe_group(&pipe->groups[pipe->sequence[i]], &out);
    }
    for (size_t i = 0; !rc && i < pipe->n_groups; i++) {
        rc = pipe->groups[i].injected ? describe_group(&pipe->groups[i], &out) : LEAT_OK;
    }
    char *text = rc ? NULL : lt_buf_take(&out);
    lt_buf_done(&out);
    if (!text) {
        return lt_fail_oom(err);
    }
    *ret_text = text;
    return LEAT_OK;
}
