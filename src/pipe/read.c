/* A document's tree, from its top: its own keys, its steps, and in which order they run. */
#include "pipe/read.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>

/* $schema is an editor's. */
static const char *const document_keys[] = {"$schema",  "name",     "description", "connections",
                                            "vars",     "defaults", "every",       "cron",
                                            "timezone", "hooks",    "steps",       NULL};

bool lt_is_document_key(const char *key)
{
    for (size_t i = 0; document_keys[i]; i++) {
        if (!strcmp(document_keys[i], key)) {
            return true;
        }
    }
    return false;
}

/* --- names and values ----------------------------------------------------------------------- */

/* A map of names to texts; variables of the values are replaced when `now`. */
static void read_named(struct lt_document *doc, struct lt_doc_faults *faults, const char *what,
                       bool now, const char ***ret_names, struct lt_text **ret_texts, size_t *ret_n)
{
    const struct lt_yaml_node *node = lt_yaml_get(doc->root, what);
    if (!node || lt_yaml_is_null(node)) {
        return;
    }
    if (node->kind != LT_YAML_MAP) {
        lt_doc_fault(faults, node, "", "%s is a map from name to value", what);
        return;
    }
    const char **names = lt_arena_alloc(&doc->arena, node->n * sizeof *names);
    struct lt_text *texts = lt_arena_alloc(&doc->arena, node->n * sizeof *texts);
    for (size_t i = 0; names && texts && i < node->n; i++) {
        const struct lt_yaml_node *value = node->items[i];
        const char *text = lt_yaml_text(value);
        if (value->kind != LT_YAML_SCALAR) {
            lt_doc_fault(faults, value, "", "%s is a text", node->keys[i]->text);
        }
        text = text ? text : "";
        names[i] = node->keys[i]->text;
        texts[i] =
            (struct lt_text){now ? lt_document_expand(doc, faults, value, text) : text, value};
    }
    *ret_names = names;
    *ret_texts = texts;
    *ret_n = names && texts ? node->n : 0;
}

/* Connections may be {url: ...} too, and have names that are told from paths. */
static void check_connections(struct lt_document *doc, struct lt_doc_faults *faults)
{
    const struct lt_yaml_node *node = lt_yaml_get(doc->root, "connections");
    for (size_t i = 0; i < doc->n_connections; i++) {
        const char *name = doc->connection_names[i];
        if (!*name || strpbrk(name, ".#/:@? ")) {
            lt_doc_fault(faults, node->keys[i], "letters, digits, - and _",
                         "\"%.60s\" cannot be the name of a connection", name);
        } else if (!*doc->connections[i].text) {
            lt_doc_fault(faults, node->items[i], "", "the connection %s has no URL", name);
        }
    }
}

static void read_defaults(struct lt_document *doc, struct lt_doc_faults *faults)
{
    static const char *const none[] = {NULL};
    const struct lt_yaml_node *node = lt_yaml_get(doc->root, "defaults");
    if (!node || lt_yaml_is_null(node)) {
        return;
    }
    if (node->kind != LT_YAML_MAP) {
        lt_doc_fault(faults, node, "", "defaults is a map of options");
        return;
    }
    struct lt_texts files = {NULL, 0};
    for (size_t i = 0; i < node->n; i++) {
        /* A connector's option may be called as a key of steps is, which cannot be a default. */
        const char *key = node->keys[i]->text;
        bool of_steps = lt_is_step_key(key) && strcmp(key, "select") && !lt_mode_find(key);
        if (of_steps ||
            !lt_read_option(doc, faults, node->keys[i], node->items[i], &doc->defaults, &files)) {
            lt_unknown_key(doc, faults, node->keys[i], "option", none);
        }
    }
}

static void read_times(struct lt_document *doc, struct lt_doc_faults *faults)
{
    const struct lt_yaml_node *every = lt_yaml_get(doc->root, "every");
    const struct lt_yaml_node *cron = lt_yaml_get(doc->root, "cron");
    const struct lt_yaml_node *zone = lt_yaml_get(doc->root, "timezone");
    struct leat_error err = {0};
    if (every && cron) {
        lt_doc_fault(faults, cron, "leave one of them out", "a pipe has `every` or `cron`");
        return;
    }
    if (every) {
        const char *text = lt_document_text(doc, faults, every, "every");
        if (*text && (lt_parse_duration(text, &doc->every_ms, NULL) || doc->every_ms < 1000)) {
            lt_doc_fault(faults, every, "", "every takes a time such as 15m, of at least a second");
        }
    }
    if (zone && !cron) {
        lt_doc_fault(faults, zone, "", "a timezone is of use only with `cron`");
    }
    if (cron) {
        const char *text = lt_document_text(doc, faults, cron, "cron");
        const char *zone_name = zone ? lt_document_text(doc, faults, zone, "timezone") : "";
        doc->cron = lt_arena_alloc(&doc->arena, sizeof *doc->cron);
        if (*text && doc->cron && lt_cron_parse(text, doc->cron, &err)) {
            lt_doc_fault_error(faults, cron, &err);
        } else if (doc->cron && *zone_name && lt_cron_zone(doc->cron, zone_name, &err)) {
            lt_doc_fault_error(faults, zone, &err);
        }
    }
}

/* --- steps ---------------------------------------------------------------------------------- */

static void read_steps(struct lt_document *doc, struct lt_doc_faults *faults)
{
    const struct lt_yaml_node *node = lt_yaml_get(doc->root, "steps");
    bool map = node && node->kind == LT_YAML_MAP, one = !node;
    if (node && (node->kind == LT_YAML_SCALAR || !node->n)) {
        lt_doc_fault(faults, node, "", "steps is a list of steps, or a map from name to step");
        return;
    }
    for (size_t i = 0; !one && i < doc->root->n; i++) {
        if (!lt_is_document_key(doc->root->keys[i]->text)) {
            const char *key = doc->root->keys[i]->text;
            if (lt_is_step_key(key) || lt_document_option(doc, key, NULL)) {
                lt_doc_fault(faults, doc->root->keys[i],
                             "move it into a step; options of all steps are `defaults`",
                             "beside `steps` there is no %s", key);
            } else {
                lt_doc_fault_unknown(faults, doc->root->keys[i], "key", key, document_keys);
            }
        }
    }
    size_t n = one ? 1 : LT_MIN(node->n, LT_STEPS_MAX);
    doc->steps = lt_arena_alloc(&doc->arena, n * sizeof *doc->steps);
    doc->n_steps = doc->steps ? n : 0;
    for (size_t i = 0; i < doc->n_steps; i++) {
        lt_read_step(doc, faults, one ? doc->root : node->items[i],
                     map ? node->keys[i]->text : NULL, &doc->steps[i]);
    }
}

static const char *action_word(const struct lt_step *step)
{
    return step->kind == LT_STEP_SQL    ? "sql"
           : step->kind == LT_STEP_PIPE ? "pipe"
           : step->mode                 ? step->mode->word
                                        : "step";
}

static void name_steps(struct lt_document *doc, struct lt_doc_faults *faults)
{
    for (size_t i = 0; i < doc->n_steps; i++) {
        struct lt_step *step = &doc->steps[i];
        if (!step->name || !*step->name) {
            step->name = doc->n_steps == 1
                             ? lt_arena_strdup(&doc->arena, action_word(step))
                             : lt_arena_format(&doc->arena, "%s %zu", action_word(step), i + 1);
        }
        for (size_t k = 0; step->name && k < i; k++) {
            if (doc->steps[k].name && !strcasecmp(doc->steps[k].name, step->name)) {
                lt_doc_fault(faults, step->node, "give one of them another name",
                             "a second step is called \"%.60s\"", step->name);
            }
        }
    }
}

static void find_needs(struct lt_document *doc, struct lt_doc_faults *faults, struct lt_step *step)
{
    const char **names = lt_arena_alloc(&doc->arena, (doc->n_steps + 1) * sizeof *names);
    step->needed = lt_arena_alloc(&doc->arena, step->needs.n * sizeof *step->needed);
    for (size_t i = 0; names && i < doc->n_steps; i++) {
        names[i] = doc->steps[i].name;
    }
    for (size_t i = 0; names && step->needed && i < step->needs.n; i++) {
        const struct lt_text *need = &step->needs.items[i];
        size_t at = 0;
        while (at < doc->n_steps && strcmp(names[at], need->text)) {
            at++;
        }
        if (at == doc->n_steps && *need->text) {
            lt_doc_fault_unknown(faults, need->node, "step", need->text, names);
        }
        step->needed[i] = at;
    }
}

enum mark { UNSEEN, OPEN, PLACED };

/* Places what a step needs, then the step; false: it needs itself. */
static bool place(struct lt_document *doc, struct lt_doc_faults *faults, enum mark *marks, size_t i,
                  size_t *n)
{
    struct lt_step *step = &doc->steps[i];
    marks[i] = OPEN;
    for (size_t k = 0; k < step->needs.n; k++) {
        size_t need = step->needed[k];
        bool ok = need >= doc->n_steps || marks[need] == PLACED;
        if (!ok && marks[need] == OPEN) {
            lt_doc_fault(faults, step->needs.items[k].node, "",
                         "the steps \"%.60s\" and \"%.60s\" need each other", step->name,
                         doc->steps[need].name);
        } else if (!ok) {
            place(doc, faults, marks, need, n);
        }
    }
    marks[i] = PLACED;
    doc->order[(*n)++] = i;
    return true;
}

static void order_steps(struct lt_document *doc, struct lt_doc_faults *faults)
{
    enum mark *marks = lt_arena_alloc(&doc->arena, doc->n_steps * sizeof *marks);
    size_t n = 0;
    doc->order = lt_arena_alloc(&doc->arena, doc->n_steps * sizeof *doc->order);
    for (size_t i = 0; i < doc->n_steps && !doc->arena.failed; i++) {
        find_needs(doc, faults, &doc->steps[i]);
    }
    for (size_t i = 0; i < doc->n_steps && !doc->arena.failed; i++) {
        if (marks[i] == UNSEEN) {
            place(doc, faults, marks, i, &n);
        }
    }
}

/* --- the whole ------------------------------------------------------------------------------ */

const char *lt_document_stem(struct lt_document *doc, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return !strcmp(path, "-")
               ? "stdin"
               : lt_arena_strndup(&doc->arena, base,
                                  dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

int lt_document_read(struct lt_document *doc, struct lt_doc_faults *faults, struct leat_error *err)
{
    doc->root = lt_yaml_root(doc->yaml);
    if (doc->root->kind != LT_YAML_MAP) {
        lt_doc_fault(faults, doc->root, "from: SOURCE and to: DESTINATION are the shortest",
                     lt_yaml_is_null(doc->root) ? "the document is empty" : "a document is a map");
        return LEAT_OK;
    }
    read_named(doc, faults, "vars", false, &doc->var_names, &doc->vars, &doc->n_vars);
    read_named(doc, faults, "connections", true, &doc->connection_names, &doc->connections,
               &doc->n_connections);
    check_connections(doc, faults);
    const struct lt_yaml_node *name = lt_yaml_get(doc->root, "name");
    const struct lt_yaml_node *words = lt_yaml_get(doc->root, "description");
    const struct lt_yaml_node *hooks = lt_yaml_get(doc->root, "hooks");
    doc->name =
        name ? lt_document_text(doc, faults, name, "name") : lt_document_stem(doc, doc->path);
    doc->description = words ? lt_document_text(doc, faults, words, "description") : NULL;
    read_defaults(doc, faults);
    read_times(doc, faults);
    if (hooks) {
        lt_read_hooks(doc, faults, hooks, &doc->hooks);
    }
    read_steps(doc, faults);
    name_steps(doc, faults);
    if (!doc->arena.failed) {
        order_steps(doc, faults);
    }
    return doc->arena.failed ? lt_fail_oom(err) : LEAT_OK;
}

void lt_document_done(struct lt_document *doc)
{
    for (size_t i = 0; i < doc->n_steps; i++) {
        leat_pipe_free(doc->steps[i].nested);
    }
    lt_yaml_free(doc->yaml);
    lt_arena_done(&doc->arena);
}
