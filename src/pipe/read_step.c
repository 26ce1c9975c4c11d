/* A step: what it does, where, and the options it chooses. */
#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"
#include "pipe/read.h"

#include <string.h>

#define OF(kind) (1u << LT_STEP_##kind)
#define OF_ANY (OF(PLAN) | OF(SQL) | OF(PIPE))

/* Keys of steps that are neither options nor actions, and the steps that have them. */
static const struct {
    const char *name;
    unsigned kinds;
} keys[] = {
    {"name", OF_ANY},      {"description", OF_ANY}, {"needs", OF_ANY}, {"if", OF_ANY},
    {"hooks", OF_ANY},     {"from", OF(PLAN)},      {"to", OF(PLAN)},  {"mode", OF(PLAN)},
    {"streams", OF(PLAN)}, {"select", OF(PLAN)},    {"sql", OF(SQL)},  {"in", OF(SQL)},
    {"pipe", OF(PIPE)},    {"vars", OF(PIPE)},
};

const struct lt_mode *lt_mode_find(const char *word)
{
    for (const struct lt_mode *m = lt_modes; m->word; m++) {
        if (!strcmp(m->word, word)) {
            return m;
        }
    }
    return NULL;
}

static bool is_action_key(const char *key)
{
    const struct lt_mode *mode = lt_mode_find(key);
    return mode && mode->is_key;
}

bool lt_is_step_key(const char *key)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(keys); i++) {
        if (!strcmp(keys[i].name, key)) {
            return true;
        }
    }
    return is_action_key(key);
}

const struct lt_mode *lt_read_mode(struct lt_document *doc, struct lt_doc_faults *faults,
                                   const struct lt_yaml_node *node)
{
    const char *names[16];
    size_t n = 0;
    const char *word = lt_document_text(doc, faults, node, "mode");
    const struct lt_mode *mode = lt_mode_find(word);
    for (const struct lt_mode *m = lt_modes; m->word && n + 1 < LT_ARRAY_LEN(names); m++) {
        names[n++] = m->word;
    }
    names[n] = NULL;
    if (!mode) {
        lt_doc_fault_unknown(faults, node, "mode", word, names);
    }
    return mode;
}

void lt_unknown_key(struct lt_document *doc, struct lt_doc_faults *faults,
                    const struct lt_yaml_node *key, const char *kind, const char *const *own)
{
    const char *names[512];
    size_t n = 0;
    for (; own[n] && n < 64; n++) {
        names[n] = own[n];
    }
    for (const struct leat_option *o = leat_plan_options(); o->name && n < 256; o++) {
        names[n++] = o->name;
    }
    const struct leat_connector *connector;
    for (size_t i = 0; (connector = leat_connector_at(doc->leat, i)); i++) {
        for (const struct leat_option *o = connector->options; o && o->name && n < 511; o++) {
            names[n++] = o->name;
        }
    }
    names[n] = NULL;
    lt_doc_fault_unknown(faults, key, kind, key->text, names);
}

static void unknown_step_key(struct lt_document *doc, struct lt_doc_faults *faults,
                             const struct lt_yaml_node *key)
{
    const char *names[LT_ARRAY_LEN(keys) + 16];
    size_t n = 0;
    for (size_t i = 0; i < LT_ARRAY_LEN(keys); i++) {
        names[n++] = keys[i].name;
    }
    for (const struct lt_mode *m = lt_modes; m->word; m++) {
        if (m->is_key) {
            names[n++] = m->word;
        }
    }
    names[n] = NULL;
    lt_unknown_key(doc, faults, key, "key or option", names);
}

/* --- what it does --------------------------------------------------------------------------- */

/* The keys that say what a step does: the first is taken, another is a fault. */
static void read_action(struct lt_document *doc, struct lt_doc_faults *faults, struct lt_step *step)
{
    const struct lt_yaml_node *said = NULL;
    for (size_t i = 0; i < step->node->n; i++) {
        const struct lt_yaml_node *key = step->node->keys[i], *value = step->node->items[i];
        bool sql = !strcmp(key->text, "sql"), pipe = !strcmp(key->text, "pipe");
        bool from = !strcmp(key->text, "from");
        if (!sql && !pipe && !from && !is_action_key(key->text)) {
            continue;
        }
        if (said) {
            lt_doc_fault(faults, key, "make two steps of it", "a step does one thing: %s or %s",
                         said->text, key->text);
            continue;
        }
        said = key;
        step->kind = sql ? LT_STEP_SQL : pipe ? LT_STEP_PIPE : LT_STEP_PLAN;
        if (step->kind == LT_STEP_PLAN) {
            step->from = (struct lt_text){lt_document_text(doc, faults, value, key->text), value};
            step->mode = from ? step->mode : lt_mode_find(key->text);
        }
    }
    const struct lt_yaml_node *mode = lt_yaml_get(step->node, "mode");
    if (mode && step->mode) {
        lt_doc_fault(faults, mode, "leave mode out, or write `from` for the source",
                     "what the step does is said twice: %s, and mode", step->mode->word);
    } else if (mode) {
        step->mode = lt_read_mode(doc, faults, mode);
    }
    step->mode = step->mode ? step->mode : &lt_modes[0];
    if (!said) {
        lt_doc_fault(faults, step->node,
                     "copy, delta, sync, diff, verify or meta with the source; or sql, or pipe",
                     "nothing says what this step does");
    }
}

/* --- its parts ------------------------------------------------------------------------------ */

void lt_read_texts(struct lt_document *doc, struct lt_doc_faults *faults,
                   const struct lt_yaml_node *node, const char *what, struct lt_texts *texts)
{
    bool list = node->kind == LT_YAML_LIST;
    size_t n = list ? node->n : 1;
    texts->items = lt_arena_alloc(&doc->arena, n * sizeof *texts->items);
    texts->n = texts->items ? n : 0;
    for (size_t i = 0; i < texts->n; i++) {
        const struct lt_yaml_node *item = list ? node->items[i] : node;
        texts->items[i] = (struct lt_text){lt_document_text(doc, faults, item, what), item};
    }
}

const char *lt_document_path(struct lt_document *doc, const char *path)
{
    const char *slash = strrchr(doc->path, '/');
    return *path == '/' || !slash ? path
                                  : lt_arena_format(&doc->arena, "%.*s%s",
                                                    (int)(slash + 1 - doc->path), doc->path, path);
}

const char *lt_read_sql(struct lt_document *doc, struct lt_doc_faults *faults,
                        const struct lt_yaml_node *node, const char *what, struct lt_texts *files)
{
    if (node->kind != LT_YAML_MAP) {
        return lt_document_text(doc, faults, node, what);
    }
    const struct lt_yaml_node *file = lt_yaml_get(node, "file");
    if (!file || node->n != 1) {
        lt_doc_fault(faults, node, "{file: PATH}", "%s is a text, or a file", what);
        return "";
    }
    const char *path = lt_document_text(doc, faults, file, "file");
    path = *path ? lt_document_path(doc, path) : path;
    struct lt_buf text = LT_BUF_INIT;
    struct leat_error err = {0};
    const char *result = "";
    if (path && *path && lt_yaml_load(path, &text, &err)) {
        lt_doc_fault_error(faults, file, &err);
    } else if (path && *path) {
        char *copy = lt_arena_strndup(&doc->arena, lt_buf_text(&text), text.len);
        result = copy ? lt_document_expand(doc, faults, file, copy) : "";
        struct lt_text *items = lt_arena_more(&doc->arena, files->items, files->n, sizeof *items);
        files->items = items ? items : files->items;
        files->n += items != NULL;
        if (items) {
            items[files->n - 1] = (struct lt_text){path, file};
        }
    }
    lt_buf_done(&text);
    return result;
}

static void read_when(struct lt_document *doc, struct lt_doc_faults *faults, struct lt_step *step)
{
    static const char *const words[] = {"success", "failed", "always", NULL};
    const struct lt_yaml_node *node = lt_yaml_get(step->node, "if");
    const char *word = node ? lt_document_text(doc, faults, node, "if") : words[0];
    for (size_t i = 0; words[i]; i++) {
        if (!strcmp(words[i], word)) {
            step->when = (enum lt_step_when)i;
            return;
        }
    }
    lt_doc_fault_unknown(faults, node, "condition", word, words);
}

static void read_vars(struct lt_document *doc, struct lt_doc_faults *faults,
                      const struct lt_yaml_node *node, struct lt_step *step)
{
    if (node->kind != LT_YAML_MAP) {
        lt_doc_fault(faults, node, "", "vars is a map from name to value");
        return;
    }
    struct leat_param *vars = lt_arena_alloc(&doc->arena, node->n * sizeof *vars);
    for (size_t i = 0; vars && i < node->n; i++) {
        vars[i].name = node->keys[i]->text;
        vars[i].value = lt_document_text(doc, faults, node->items[i], node->keys[i]->text);
    }
    step->vars = vars;
    step->n_vars = vars ? node->n : 0;
}

static void read_part(struct lt_document *doc, struct lt_doc_faults *faults, struct lt_step *step,
                      const char *key, const struct lt_yaml_node *value)
{
    if (!strcmp(key, "to")) {
        lt_read_texts(doc, faults, value, "to", &step->to);
    } else if (!strcmp(key, "needs")) {
        lt_read_texts(doc, faults, value, "needs", &step->needs);
    } else if (!strcmp(key, "hooks")) {
        lt_read_hooks(doc, faults, value, &step->hooks);
    } else if (!strcmp(key, "streams")) {
        step->has_streams = true;
        lt_read_streams(doc, faults, value, step);
    } else if (!strcmp(key, "sql")) {
        step->sql = (struct lt_text){lt_read_sql(doc, faults, value, "sql", &step->files), value};
    } else if (!strcmp(key, "in")) {
        step->in = (struct lt_text){lt_document_text(doc, faults, value, "in"), value};
    } else if (!strcmp(key, "pipe")) {
        const char *path = lt_document_text(doc, faults, value, "pipe");
        step->pipe = (struct lt_text){*path ? lt_document_path(doc, path) : path, value};
    } else if (!strcmp(key, "vars")) {
        read_vars(doc, faults, value, step);
    }
}

/* --- options -------------------------------------------------------------------------------- */

/* Whether the step, or what it says of some of its streams, is an action that has this option. */
static bool is_taken(const struct lt_step *step, const char *option)
{
    bool taken = leat_action_takes(step->mode->action, option);
    for (size_t i = 0; !taken && i < step->n_rules; i++) {
        taken = step->rules[i].mode && leat_action_takes(step->rules[i].mode->action, option);
    }
    return taken;
}

bool lt_read_option(struct lt_document *doc, struct lt_doc_faults *faults,
                    const struct lt_yaml_node *key, const struct lt_yaml_node *value,
                    struct lt_choices *choices, struct lt_texts *files)
{
    const char *name = strcmp(key->text, "select") ? key->text : "columns";
    const struct leat_option *option = lt_document_option(doc, name, NULL);
    if (!option) {
        return false;
    }
    if (!strcmp(name, "query")) {
        lt_choices_add(&doc->arena, choices, option->name,
                       lt_read_sql(doc, faults, value, "query", files), value);
    } else {
        lt_document_choose(doc, faults, option, value, choices);
    }
    return true;
}

static void read_key(struct lt_document *doc, struct lt_doc_faults *faults, struct lt_step *step,
                     const struct lt_yaml_node *key, const struct lt_yaml_node *value)
{
    static const char *const kinds[] = {
        [LT_STEP_PLAN] = "step", [LT_STEP_SQL] = "sql step", [LT_STEP_PIPE] = "step with a pipe"};
    for (size_t i = 0; i < LT_ARRAY_LEN(keys); i++) {
        if (!strcmp(keys[i].name, key->text) && strcmp(key->text, "select")) {
            if (keys[i].kinds & 1u << step->kind) {
                read_part(doc, faults, step, key->text, value);
            } else {
                lt_doc_fault(faults, key, "", "a %s has no %s", kinds[step->kind], key->text);
            }
            return;
        }
    }
    bool plan;
    const char *name = strcmp(key->text, "select") ? key->text : "columns";
    const struct leat_option *option = lt_document_option(doc, name, &plan);
    if (is_action_key(key->text)) {
        return; /* read_action() has seen it */
    }
    if (!option) {
        unknown_step_key(doc, faults, key);
    } else if (step->kind != LT_STEP_PLAN) {
        lt_doc_fault(faults, key, "", "a %s has no %s", kinds[step->kind], key->text);
    } else if (plan && !is_taken(step, name)) {
        lt_doc_fault(faults, key, "", "a %s has no option %s", step->mode->word, name);
    } else {
        lt_read_option(doc, faults, key, value, &step->choices, &step->files);
    }
}

static void check_whole(struct lt_doc_faults *faults, struct lt_step *step)
{
    bool compares =
        step->mode->action == LEAT_ACTION_DIFF || step->mode->action == LEAT_ACTION_VERIFY;
    if (step->kind == LT_STEP_SQL && !step->in.text) {
        lt_doc_fault(faults, step->node, "in: CONNECTION", "sql needs to know where: `in`");
    } else if (step->kind == LT_STEP_PLAN && step->from.text && !step->to.n) {
        lt_doc_fault(faults, step->node, "to: LOCATION", "nothing says where it goes: `to`");
    } else if (step->kind == LT_STEP_PLAN && step->to.n > 1 &&
               !leat_action_takes(step->mode->action, "also")) {
        lt_doc_fault(faults, step->to.items[1].node, compares ? "make a step for each" : "",
                     "a %s has one destination", step->mode->word);
    } else if (step->to.n > LT_DESTINATIONS_MAX) {
        lt_doc_fault(faults, step->to.items[LT_DESTINATIONS_MAX].node, "",
                     "a step has at most %d destinations", LT_DESTINATIONS_MAX);
    }
}

void lt_read_step(struct lt_document *doc, struct lt_doc_faults *faults,
                  const struct lt_yaml_node *node, const char *name, struct lt_step *step)
{
    step->node = node;
    step->name = name;
    step->mode = NULL;
    if (node->kind != LT_YAML_MAP) {
        lt_doc_fault(faults, node, "", "a step is a map: what it does, and how");
        return;
    }
    read_action(doc, faults, step);
    read_when(doc, faults, step);
    bool top = node == doc->root;
    const struct lt_yaml_node *own = top ? NULL : lt_yaml_get(node, "name");
    if (own) {
        step->name = lt_document_text(doc, faults, own, "name");
    }
    /* What streams say of their modes is asked of the step's options. */
    const struct lt_yaml_node *streams = lt_yaml_get(node, "streams");
    if (streams && step->kind == LT_STEP_PLAN) {
        read_part(doc, faults, step, "streams", streams);
    }
    for (size_t i = 0; i < node->n; i++) {
        bool documents = top && lt_is_document_key(node->keys[i]->text);
        if (!documents && node->items[i] != streams) {
            read_key(doc, faults, step, node->keys[i], node->items[i]);
        }
    }
    check_whole(faults, step);
}
