/* Options that a document chooses: those of plans and connectors, by their tables. */
#include "core/buf.h"
#include "core/codes.h"
#include "pipe/document.h"

#include <string.h>

const struct lt_mode lt_modes[] = {
    {"copy", LEAT_ACTION_COPY, NULL, true,
     "whole streams; an existing destination is replaced where leat wrote it from this source"},
    {"replace", LEAT_ACTION_COPY, "replace", false, "whole streams, over what is there"},
    {"append", LEAT_ACTION_COPY, "append", false, "whole streams, added to what is there"},
    {"delta", LEAT_ACTION_DELTA, NULL, true, "what changed since the last time"},
    {"sync", LEAT_ACTION_SYNC, NULL, true, "makes the destination equal, writing what differs"},
    {"diff", LEAT_ACTION_DIFF, NULL, true, "tells which records differ"},
    {"verify", LEAT_ACTION_VERIFY, NULL, true, "proves that both are equal"},
    {"meta", LEAT_ACTION_META, NULL, true, "makes or alters tables, moves no record"},
    {NULL, LEAT_ACTION_COPY, NULL, false, NULL},
};

static const struct leat_option *find(const struct leat_option *table, const char *name)
{
    for (; table && table->name; table++) {
        if (!strcmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

const struct leat_option *lt_document_option(struct lt_document *doc, const char *name,
                                             bool *ret_plan)
{
    /* Further destinations stand in `to`. */
    const struct leat_option *option =
        strcmp(name, "also") ? find(leat_plan_options(), name) : NULL;
    const struct leat_connector *connector;
    if (ret_plan) {
        *ret_plan = option != NULL;
    }
    for (size_t i = 0; !option && (connector = leat_connector_at(doc->leat, i)); i++) {
        option = find(connector->options, name);
    }
    return option;
}

void lt_choices_add(struct lt_arena *arena, struct lt_choices *choices, const char *name,
                    const char *value, const struct lt_yaml_node *node)
{
    struct lt_choice *items = lt_arena_more(arena, choices->items, choices->n, sizeof *items);
    if (items) {
        choices->items = items;
        items[choices->n++] = (struct lt_choice){name, value, node};
    }
}

const char *lt_choices_find(const struct lt_choices *choices, const char *name)
{
    for (size_t i = choices->n; i-- > 0;) {
        if (!strcmp(choices->items[i].name, name)) {
            return choices->items[i].value;
        }
    }
    return NULL;
}

void lt_choices_over(struct lt_arena *arena, struct lt_choices *choices,
                     const struct lt_choices *over)
{
    struct lt_choices both = {NULL, 0};
    for (size_t i = 0; i < choices->n; i++) {
        const struct lt_choice *c = &choices->items[i];
        if (!lt_choices_find(over, c->name)) {
            lt_choices_add(arena, &both, c->name, c->value, c->node);
        }
    }
    for (size_t i = 0; i < over->n; i++) {
        const struct lt_choice *c = &over->items[i];
        lt_choices_add(arena, &both, c->name, c->value, c->node);
    }
    *choices = both;
}

bool lt_choices_equal(const struct lt_choices *a, const struct lt_choices *b)
{
    bool equal = a->n == b->n;
    for (size_t i = 0; equal && i < a->n; i++) {
        equal = !strcmp(a->items[i].name, b->items[i].name) &&
                !strcmp(a->items[i].value, b->items[i].value);
    }
    return equal;
}

/* A name as options of columns read it: in quotes where it holds what they would part it at. */
static int put_name(struct lt_buf *out, const char *name)
{
    if (!*name || (*name != '"' && !strpbrk(name, ",=\"()<>"))) {
        return lt_buf_puts(out, name);
    }
    int rc = lt_buf_byte(out, '"');
    for (; !rc && *name; name++) {
        rc = *name == '"' ? lt_buf_puts(out, "\"\"") : lt_buf_byte(out, (uint8_t)*name);
    }
    return rc ? rc : lt_buf_byte(out, '"');
}

struct chooser {
    struct lt_document *doc;
    struct lt_doc_faults *faults;
    const struct leat_option *option;
    struct lt_choices *choices;
};

static void choose_text(const struct chooser *c, const struct lt_yaml_node *node, const char *text)
{
    struct leat_error err = {0};
    if (leat_option_check(c->option, text, &err)) {
        lt_doc_fault_error(c->faults, node, &err);
    } else {
        lt_choices_add(&c->doc->arena, c->choices, c->option->name, text, node);
    }
}

/* Options whose elements are names of columns, and may be quoted as in SQL. */
static bool is_of_columns(const char *option)
{
    static const char *const names[] = {"key", "cursor", "columns", "rename", "cast", NULL};
    for (size_t i = 0; names[i]; i++) {
        if (!strcmp(names[i], option)) {
            return true;
        }
    }
    return false;
}

/* {old: new} as old=new. */
static void choose_pairs(const struct chooser *c, const struct lt_yaml_node *node)
{
    bool renames = !strcmp(c->option->name, "rename");
    for (size_t i = 0; i < node->n; i++) {
        const char *value =
            lt_document_text(c->doc, c->faults, node->items[i], node->keys[i]->text);
        struct lt_buf text = LT_BUF_INIT;
        int rc = put_name(&text, node->keys[i]->text);
        rc = rc ? rc : lt_buf_byte(&text, '=');
        rc = rc ? rc : renames ? put_name(&text, value) : lt_buf_puts(&text, value);
        const char *kept = rc ? NULL : lt_arena_strdup(&c->doc->arena, lt_buf_text(&text));
        lt_buf_done(&text);
        c->doc->arena.failed = c->doc->arena.failed || !kept;
        if (kept) {
            choose_text(c, node->items[i], kept);
        }
    }
}

/* An element of a list is one name, also where it holds a comma; unless it is quoted already. */
static const char *element(const struct chooser *c, const char *text)
{
    if (!is_of_columns(c->option->name) || *text == '"' || strchr(text, '=') ||
        !strpbrk(text, ",()<>\"")) {
        return text;
    }
    struct lt_buf quoted = LT_BUF_INIT;
    const char *kept =
        put_name(&quoted, text) ? NULL : lt_arena_strdup(&c->doc->arena, lt_buf_text(&quoted));
    lt_buf_done(&quoted);
    return kept ? kept : "";
}

void lt_document_choose(struct lt_document *doc, struct lt_doc_faults *faults,
                        const struct leat_option *option, const struct lt_yaml_node *node,
                        struct lt_choices *choices)
{
    const struct chooser c = {doc, faults, option, choices};
    bool list = option->kind == LEAT_OPTION_LIST;
    if (node->kind == LT_YAML_MAP &&
        (!strcmp(option->name, "rename") || !strcmp(option->name, "cast"))) {
        choose_pairs(&c, node);
    } else if (node->kind == LT_YAML_LIST && list) {
        for (size_t i = 0; i < node->n; i++) {
            choose_text(&c, node->items[i],
                        element(&c, lt_document_text(doc, faults, node->items[i], option->name)));
        }
    } else if (node->kind != LT_YAML_SCALAR) {
        lt_doc_fault(faults, node, "", list ? "%s is a text, or a list of them" : "%s is a text",
                     option->name);
    } else {
        choose_text(&c, node, lt_document_text(doc, faults, node, option->name));
    }
}
