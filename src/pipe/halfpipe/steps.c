/* What a document says of its steps. */
#include "pipe/halfpipe/document.h"

#include "core/log.h"
#include "core/util.h"

#include <stdlib.h>
#include <strings.h>

const char *hp_value(const struct hp_def *def, const char *key)
{
    for (size_t i = 0; def->type->keys[i].name; i++) {
        if (!strcmp(def->type->keys[i].name, key)) {
            return def->values[i] ? def->values[i] : "";
        }
    }
    return "";
}

bool hp_is_on(const struct hp_def *def, const char *key)
{
    const char *value = hp_value(def, key);
    return !strcasecmp(value, "true") || !strcasecmp(value, "yes") || !strcmp(value, "1");
}

int hp_number(const struct hp_def *def, const char *key, int64_t *ret_value, struct leat_error *err)
{
    const char *value = hp_value(def, key);
    *ret_value = 0;
    if (*value && (lt_parse_int(value, ret_value) || *ret_value < 0)) {
        return lt_fail(err, LT_E_INVALID, "%s is a whole number, 0 or more", key);
    }
    return LEAT_OK;
}

void hp_def_done(struct hp_def *def)
{
    for (size_t i = 0; def->values && def->type && def->type->keys[i].name; i++) {
        free(def->values[i]);
    }
    free(def->values);
    free(def->where);
    free(def->parts);
    free(def->inputs);
    def->values = NULL;
}

/* --- values --------------------------------------------------------------------------------- */

/* A variable of MetadataInjection stands in it: what it is can be told when it runs only. */
static bool is_open(const char *text)
{
    return strstr(text, "${") != NULL;
}

static bool is_bool(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no", "1", "0", "", NULL};
    size_t i = 0;
    while (words[i] && strcasecmp(words[i], text)) {
        i++;
    }
    return words[i] != NULL;
}

static void check_connection(struct hp_document *doc, const struct lt_yaml_node *node,
                             const char *name)
{
    const struct lt_halfpipe *pipe = doc->pipe;
    const char **names = calloc(pipe->n_connections + 1, sizeof *names);
    const struct hp_connection *found = NULL;
    char remedy[HP_REMEDY_MAX];
    struct leat_error err = {0};
    for (size_t i = 0; names && i < pipe->n_connections; i++) {
        names[i] = pipe->connections[i].name;
        found = strcmp(names[i], name) ? found : &pipe->connections[i];
    }
    if (names && !found) {
        hp_fault(doc, node, LT_E_INVALID,
                 hp_did_you_mean(name, names, "`connections` names them", remedy),
                 "there is no connection \"%s\"", name);
    } else if (found && *found->type && hp_connection_check(pipe->leat, found->type, &err)) {
        hp_fault(doc, node, err.status == LEAT_UNSUPPORTED ? LT_E_UNSUPPORTED : LT_E_INVALID,
                 err.remedy, "connection \"%s\": %s", name, err.message);
    }
    free(names);
}

static void check_value(struct hp_document *doc, const struct lt_halfpipe_key *key,
                        const struct lt_yaml_node *node, const char *value)
{
    int64_t number;
    struct hp_pairs pairs = {0};
    struct leat_error err = {0};
    if (is_open(value) || !*value) {
        return;
    }
    switch (key->kind) {
    case LT_HP_NUMBER:
        if (lt_parse_int(value, &number) || number < 0) {
            hp_fault(doc, node, LT_E_INVALID, NULL, "%s is a whole number, 0 or more", key->name);
        }
        break;
    case LT_HP_BOOL:
        if (!is_bool(value)) {
            hp_fault(doc, node, LT_E_INVALID, NULL, "%s is true or false", key->name);
        }
        break;
    case LT_HP_CONNECTION:
        check_connection(doc, node, value);
        break;
    case LT_HP_LIST:
    case LT_HP_PAIRS:
        if (hp_pairs_parse(value, key->kind == LT_HP_PAIRS, &pairs, &err)) {
            hp_fault(doc, node, LT_E_INVALID, err.remedy, "%s: %s", key->name, err.message);
        }
        hp_pairs_done(&pairs);
        break;
    case LT_HP_TEXT:
    case LT_HP_STEP:
    case LT_HP_GROUP:
        break;
    }
}

static void read_values(struct hp_document *doc, struct hp_def *def,
                        const struct lt_yaml_node *data)
{
    for (size_t i = 0; def->type->keys[i].name; i++) {
        const struct lt_halfpipe_key *key = &def->type->keys[i];
        const struct lt_yaml_node *node = lt_yaml_get(data, key->name);
        const char *text = lt_yaml_text(node);
        if (node && node->kind != LT_YAML_SCALAR) {
            hp_fault(doc, node, LT_E_INVALID, NULL, "%s is one text", key->name);
        }
        if (key->required && !(text && *text)) {
            hp_fault(doc, node ? node : def->node, LT_E_INVALID, NULL,
                     "step \"%s\" (%s) needs %s: %s", def->name, def->type->name, key->name,
                     key->help);
        }
        def->where[i] = text && *text ? node : NULL;
        def->values[i] = hp_text(doc, def->where[i] ? text : key->fallback ? key->fallback : "");
        if (def->where[i] && def->values[i]) {
            check_value(doc, key, node, def->values[i]);
        }
    }
}

/* Misspelled keys are faults; others are passed over, as Halfpipe does. */
static void check_keys(struct hp_document *doc, const struct hp_def *def,
                       const struct lt_yaml_node *data)
{
    const char *names[24];
    size_t n = 0;
    for (; def->type->keys[n].name && n + 1 < LT_ARRAY_LEN(names); n++) {
        names[n] = def->type->keys[n].name;
    }
    names[n] = NULL;
    for (size_t i = 0; data && i < data->n; i++) {
        size_t at = 0;
        char remedy[HP_REMEDY_MAX];
        const char *key = data->keys[i]->text;
        while (names[at] && strcmp(names[at], key)) {
            at++;
        }
        const char *close = names[at] ? NULL : hp_did_you_mean(key, names, NULL, remedy);
        if (close) {
            hp_fault(doc, data->keys[i], LT_E_INVALID, close, "%s has no key \"%s\"",
                     def->type->name, key);
        } else if (!names[at]) {
            lt_log(LT_LOG_WARN, "%s:%d:%d: %s has no key \"%s\": it is passed over",
                   data->keys[i]->file, (int)data->keys[i]->line, (int)data->keys[i]->column,
                   def->type->name, key);
        }
    }
}

/* --- a step --------------------------------------------------------------------------------- */

static const struct lt_halfpipe_type *find_type(struct hp_document *doc, const char *step,
                                                const struct lt_yaml_node *node)
{
    const struct lt_yaml_node *type_node = lt_yaml_get(node, "type");
    const char *name = lt_yaml_text(type_node), *names[64];
    char remedy[HP_REMEDY_MAX];
    size_t n = 0;
    if (!name) {
        hp_fault(doc, node, LT_E_INVALID, NULL, "step \"%s\" has no type", step);
        return NULL;
    }
    for (; lt_halfpipe_types[n].name && n + 1 < LT_ARRAY_LEN(names); n++) {
        const struct lt_halfpipe_type *type = &lt_halfpipe_types[n];
        names[n] = type->name;
        if (!strcmp(type->name, name) && type->missing) {
            hp_fault(doc, type_node, LT_E_UNSUPPORTED, NULL,
                     "step \"%s\": %s needs a connector for %s, which this leat has not", step,
                     name, type->missing);
            return NULL;
        }
        if (!strcmp(type->name, name)) {
            return type;
        }
    }
    names[n] = NULL;
    hp_fault(doc, type_node, LT_E_INVALID, hp_did_you_mean(name, names, NULL, remedy),
             "Unsupported transformation component \"%s\" used by step \"%s\"", name, step);
    return NULL;
}

static void read_parts(struct hp_document *doc, struct hp_def *def)
{
    const struct lt_yaml_node *list = lt_yaml_get(def->node, "steps");
    bool needs = def->type->name == hp_type_cartesian || def->type->name == hp_type_mapper;
    if (!needs) {
        return;
    }
    if (!list || list->kind != LT_YAML_LIST || !list->n) {
        hp_fault(doc, list ? list : def->node, LT_E_INVALID, "steps: [{type: ..., data: {...}}]",
                 "step \"%s\" (%s) needs a list of steps", def->name, def->type->name);
        return;
    }
    def->parts = calloc(list->n, sizeof *def->parts);
    doc->no_memory = doc->no_memory || !def->parts;
    for (size_t i = 0; def->parts && i < list->n; i++) {
        const struct lt_yaml_node *item = list->items[i];
        const char *type = lt_yaml_text(lt_yaml_get(item, "type"));
        if (!type) {
            hp_fault(doc, item, LT_E_INVALID, NULL, "it has no type");
            continue;
        }
        const struct hp_part part = {type, lt_yaml_get(item, "type"), lt_yaml_get(item, "data")};
        struct leat_error err = {0};
        if (def->type->name == hp_type_mapper && hp_mapper_check(&part, &err)) {
            hp_fault(doc, part.node, LT_E_INVALID, err.remedy, "%s", err.message);
        }
        def->parts[def->n_parts++] = part;
    }
}

static void read_step(struct hp_document *doc, const char *name, const struct lt_yaml_node *node,
                      struct hp_def *def)
{
    const struct lt_yaml_node *data = lt_yaml_get(node, "data");
    *def = (struct hp_def){.name = name, .node = node, .bridged = -1};
    def->type = find_type(doc, name, node);
    if (!def->type) {
        return;
    }
    size_t n = 0;
    while (def->type->keys[n].name) {
        n++;
    }
    def->values = calloc(n + 1, sizeof *def->values);
    def->where = calloc(n + 1, sizeof *def->where);
    if (!def->values || !def->where) {
        doc->no_memory = true;
        return;
    }
    if (data && data->kind != LT_YAML_MAP && !lt_yaml_is_null(data)) {
        hp_fault(doc, data, LT_E_INVALID, NULL, "data is a map");
        data = NULL;
    }
    read_values(doc, def, data);
    check_keys(doc, def, data);
    read_parts(doc, def);
}

static bool is_twice(const struct hp_group *group, const char *name)
{
    for (size_t i = 0; i < group->n; i++) {
        if (!strcmp(group->defs[i].name, name)) {
            return true;
        }
    }
    return false;
}

void hp_read_steps(struct hp_document *doc, struct hp_group *group)
{
    const struct lt_yaml_node *steps = lt_yaml_get(group->node, "steps");
    const struct lt_yaml_node *list = lt_yaml_get(group->node, "sequence");
    if (!steps || steps->kind != LT_YAML_MAP || !list || list->kind != LT_YAML_LIST || !list->n) {
        hp_fault(doc, group->node, LT_E_INVALID, "sequence: [STEP, ...] and steps: {STEP: ...}",
                 "group \"%s\" needs steps and their sequence", group->name);
        return;
    }
    const char **names = calloc(steps->n + 1, sizeof *names);
    group->defs = calloc(list->n, sizeof *group->defs);
    doc->no_memory = doc->no_memory || !names || !group->defs;
    for (size_t i = 0; names && i < steps->n; i++) {
        names[i] = steps->keys[i]->text;
    }
    for (size_t i = 0; names && group->defs && i < list->n; i++) {
        char remedy[HP_REMEDY_MAX];
        const char *name = lt_yaml_text(list->items[i]);
        const struct lt_yaml_node *node = name ? lt_yaml_get(steps, name) : NULL;
        if (!node) {
            hp_fault(doc, list->items[i], LT_E_INVALID,
                     name ? hp_did_you_mean(name, names, NULL, remedy) : NULL,
                     "there is no step \"%s\"", name ? name : "");
        } else if (is_twice(group, name)) {
            hp_fault(doc, list->items[i], LT_E_INVALID, NULL, "step \"%s\" is there twice", name);
        } else {
            read_step(doc, name, node, &group->defs[group->n++]);
        }
    }
    free(names);
}

/* --- links ---------------------------------------------------------------------------------- */

static size_t find_def(const struct hp_group *group, size_t before, const char *name)
{
    size_t i = 0;
    while (i < before && strcmp(group->defs[i].name, name)) {
        i++;
    }
    return i;
}

/* The step that another one reads: an earlier one of its group. */
static void link_one(struct hp_document *doc, const struct hp_group *group, size_t at,
                     const struct lt_yaml_node *node, const char *name)
{
    struct hp_def *def = &group->defs[at];
    const char **names = calloc(at + 1, sizeof *names);
    char remedy[HP_REMEDY_MAX];
    size_t found = find_def(group, at, name);
    for (size_t i = 0; names && i < at; i++) {
        names[i] = group->defs[i].name;
    }
    size_t *inputs = realloc(def->inputs, (def->n_inputs + 1) * sizeof *inputs);
    if (!names || !inputs) {
        doc->no_memory = true;
    } else if (found == at) {
        def->inputs = inputs;
        hp_fault(doc, node, LT_E_INVALID,
                 hp_did_you_mean(name, names,
                                 "a step is read by those that follow it in the "
                                 "sequence of its group",
                                 remedy),
                 "there is no step \"%s\" before step \"%s\"", name, def->name);
    } else {
        def->inputs = inputs;
        def->inputs[def->n_inputs++] = found;
    }
    free(names);
}

static void link_bridge(struct hp_document *doc, struct hp_group *group, size_t at,
                        const struct lt_yaml_node *node, const char *name)
{
    const struct lt_halfpipe *pipe = doc->pipe;
    for (size_t i = 0; i < pipe->n_groups; i++) {
        const struct hp_group *other = &pipe->groups[i];
        if (other != group && find_def(other, other->n, name) < other->n) {
            group->defs[at].bridged = (int64_t)i;
            return;
        }
    }
    hp_fault(doc, node, LT_E_INVALID, NULL, "there is no step \"%s\" in any group", name);
}

static void link_group(struct hp_document *doc, const struct lt_yaml_node *node, const char *name)
{
    const struct lt_halfpipe *pipe = doc->pipe;
    const char **names = calloc(pipe->n_groups + 1, sizeof *names);
    char remedy[HP_REMEDY_MAX];
    bool found = false;
    for (size_t i = 0; names && i < pipe->n_groups; i++) {
        names[i] = pipe->groups[i].name;
        if (!strcmp(names[i], name)) {
            pipe->groups[i].injected = found = true;
        }
    }
    if (names && !found) {
        hp_fault(doc, node, LT_E_INVALID, hp_did_you_mean(name, names, NULL, remedy),
                 "there is no group \"%s\"", name);
    }
    free(names);
}

static void link_step(struct hp_document *doc, struct hp_group *group, size_t at)
{
    struct hp_def *def = &group->defs[at];
    for (size_t i = 0; def->type && def->values && def->type->keys[i].name; i++) {
        const struct lt_halfpipe_key *key = &def->type->keys[i];
        bool set = def->where[i] && def->values[i];
        if (!set || (key->kind != LT_HP_STEP && is_open(def->values[i]))) {
            continue;
        }
        bool bridges = def->type->name == hp_type_bridge;
        if (key->kind == LT_HP_STEP && (!bridges || find_def(group, at, def->values[i]) < at)) {
            link_one(doc, group, at, def->where[i], def->values[i]);
        } else if (key->kind == LT_HP_STEP) {
            link_bridge(doc, group, at, def->where[i], def->values[i]);
        } else if (key->kind == LT_HP_GROUP) {
            link_group(doc, def->where[i], def->values[i]);
        }
    }
    for (size_t i = 0; def->type && def->type->name == hp_type_cartesian && i < def->n_parts; i++) {
        link_one(doc, group, at, def->parts[i].node, def->parts[i].type);
    }
}

/* A group that runs itself, by whatever way, would never end. */
static bool reaches(const struct lt_halfpipe *pipe, size_t from, size_t to, size_t depth)
{
    const struct hp_group *group = &pipe->groups[from];
    for (size_t i = 0; depth && i < group->n; i++) {
        const struct hp_def *def = &group->defs[i];
        const char *name = def->type && def->values && def->type->name == hp_type_injection
                               ? hp_value(def, "executeTransformName")
                               : "";
        for (size_t k = 0; *name && k < pipe->n_groups; k++) {
            if (!strcmp(pipe->groups[k].name, name) &&
                (k == to || reaches(pipe, k, to, depth - 1))) {
                return true;
            }
        }
    }
    return false;
}

void hp_link_steps(struct hp_document *doc)
{
    const struct lt_halfpipe *pipe = doc->pipe;
    for (size_t i = 0; i < pipe->n_groups; i++) {
        for (size_t k = 0; k < pipe->groups[i].n; k++) {
            link_step(doc, &pipe->groups[i], k);
        }
    }
    for (size_t i = 0; i < pipe->n_groups; i++) {
        if (pipe->groups[i].injected && reaches(pipe, i, i, LT_MIN(pipe->n_groups, 8))) {
            hp_fault(doc, pipe->groups[i].node, LT_E_INVALID, NULL,
                     "group \"%s\" runs itself by MetadataInjection", pipe->groups[i].name);
        }
    }
}
