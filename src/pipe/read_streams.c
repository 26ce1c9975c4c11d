/* streams: a map from pattern to what is said of it, or a list. */
#include "core/util.h"
#include "pipe/read.h"

#include <string.h>

static const char *const rule_keys[] = {"name", "mode", "to", "skip", "select", NULL};

static void read_skip(struct lt_document *doc, struct lt_doc_faults *faults,
                      const struct lt_yaml_node *node, struct lt_rule *rule)
{
    static const struct leat_option skip = {"skip", LEAT_OPTION_BOOL, "false", NULL, NULL};
    struct leat_error err = {0};
    const char *text = lt_document_text(doc, faults, node, "skip");
    if (leat_option_check(&skip, text, &err)) {
        lt_doc_fault_error(faults, node, &err);
    }
    rule->skip = strchr("tTyY1", text[0]) || !strcmp(text, "on");
}

/* Whether the rule's action has the option; of the step's when it says none. */
static void read_rule_option(struct lt_document *doc, struct lt_doc_faults *faults,
                             struct lt_step *step, struct lt_rule *rule,
                             const struct lt_yaml_node *key, const struct lt_yaml_node *value)
{
    const struct lt_mode *mode = rule->mode ? rule->mode : step->mode;
    const char *name = strcmp(key->text, "select") ? key->text : "columns";
    bool plan = false;
    const struct leat_option *option = lt_document_option(doc, name, &plan);
    if (!option) {
        lt_unknown_key(doc, faults, key, "key or option of streams", rule_keys);
    } else if (plan && !rule->wild && !leat_action_takes(mode->action, name)) {
        lt_doc_fault(faults, key, "", "a %s has no option %s", mode->word, name);
    } else {
        lt_read_option(doc, faults, key, value, &rule->choices, &step->files);
    }
}

static void read_settings(struct lt_document *doc, struct lt_doc_faults *faults,
                          struct lt_step *step, const struct lt_yaml_node *node,
                          struct lt_rule *rule)
{
    const struct lt_yaml_node *mode = lt_yaml_get(node, "mode");
    rule->mode = mode ? lt_read_mode(doc, faults, mode) : NULL;
    for (size_t i = 0; i < node->n; i++) {
        const char *key = node->keys[i]->text;
        const struct lt_yaml_node *value = node->items[i];
        if (!strcmp(key, "to")) {
            rule->to = (struct lt_text){lt_document_text(doc, faults, value, "to"), value};
        } else if (!strcmp(key, "skip")) {
            read_skip(doc, faults, value, rule);
        } else if (strcmp(key, "mode") && strcmp(key, "name")) {
            read_rule_option(doc, faults, step, rule, node->keys[i], value);
        }
    }
    rule->query = lt_choices_find(&rule->choices, "query") != NULL;
    if (rule->query && rule->wild) {
        lt_doc_fault(faults, rule->pattern.node, "", "a query has a name without wildcards");
    }
}

/* `said`: nothing, a word (skip, or a mode), or a map. */
static void add_rule(struct lt_document *doc, struct lt_doc_faults *faults, struct lt_step *step,
                     const char *pattern, const struct lt_yaml_node *node,
                     const struct lt_yaml_node *said)
{
    struct lt_rule *rules = lt_arena_more(&doc->arena, step->rules, step->n_rules, sizeof *rules);
    if (!rules) {
        return;
    }
    struct lt_rule *rule = &rules[step->n_rules++];
    step->rules = rules;
    *rule = (struct lt_rule){.pattern = {pattern, node},
                             .wild = *pattern != '"' && lt_wildcard_has(pattern)};
    const char *word = lt_yaml_text(said);
    if (!*pattern) {
        lt_doc_fault(faults, node, "", "a stream has a name");
    } else if (said && said->kind == LT_YAML_LIST) {
        lt_doc_fault(faults, said, "", "what is said of a stream is a map");
    } else if (said && said->kind == LT_YAML_MAP) {
        read_settings(doc, faults, step, said, rule);
    } else if (word && !strcmp(word, "skip")) {
        rule->skip = true;
    } else if (word) {
        rule->mode = lt_read_mode(doc, faults, said);
    }
}

static void add_item(struct lt_document *doc, struct lt_doc_faults *faults, struct lt_step *step,
                     const struct lt_yaml_node *item)
{
    const struct lt_yaml_node *name = lt_yaml_get(item, "name");
    if (item->kind == LT_YAML_SCALAR) {
        add_rule(doc, faults, step, lt_document_text(doc, faults, item, "a stream"), item, NULL);
    } else if (name) {
        add_rule(doc, faults, step, lt_document_text(doc, faults, name, "name"), name, item);
    } else if (item->kind == LT_YAML_MAP && item->n == 1) {
        add_rule(doc, faults, step, item->keys[0]->text, item->keys[0], item->items[0]);
    } else {
        lt_doc_fault(faults, item, "- public.orders, or - {name: public.orders, mode: delta}",
                     "a stream is a name, or a map with a name");
    }
}

void lt_read_streams(struct lt_document *doc, struct lt_doc_faults *faults,
                     const struct lt_yaml_node *node, struct lt_step *step)
{
    if (node->kind == LT_YAML_MAP) {
        for (size_t i = 0; i < node->n; i++) {
            add_rule(doc, faults, step, node->keys[i]->text, node->keys[i], node->items[i]);
        }
    } else if (node->kind == LT_YAML_LIST) {
        for (size_t i = 0; i < node->n; i++) {
            add_item(doc, faults, step, node->items[i]);
        }
    } else if (!lt_yaml_is_null(node)) {
        add_rule(doc, faults, step, lt_document_text(doc, faults, node, "streams"), node, NULL);
    }
    if (!step->n_rules) {
        lt_doc_fault(faults, node, "leave `streams` out for all", "no stream is named");
    }
}
