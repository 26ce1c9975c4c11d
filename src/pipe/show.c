/* A pipe as it is understood: written as a document again, secrets masked. */
#include "core/codes.h"
#include "core/url.h"
#include "core/util.h"
#include "pipe/emit.h"
#include "pipe/pipe.h"

#include <stdio.h>
#include <string.h>

struct show {
    struct leat_pipe *pipe;
    struct lt_emit emit;
    struct lt_arena arena;
};

/* Redacted, and written so that it is read as itself. */
static void put_text(struct show *show, const char *text)
{
    struct lt_buf masked = LT_BUF_INIT, escaped = LT_BUF_INIT;
    if (lt_redact(&masked, text) || lt_emit_escaped(&escaped, lt_buf_text(&masked))) {
        show->emit.failed = LEAT_NO_MEMORY;
    }
    lt_emit_text(&show->emit, lt_buf_text(&escaped));
    lt_buf_done(&masked);
    lt_buf_done(&escaped);
}

static void put_pair(struct show *show, const char *key, const char *text)
{
    lt_emit_key(&show->emit, key);
    put_text(show, text);
}

/* --- options -------------------------------------------------------------------------------- */

/* What an option holds: of lists all elements, else the last that was said. */
static void put_choice(struct show *show, const struct lt_choices *choices, size_t first)
{
    const char *name = choices->items[first].name;
    const struct leat_option *option = lt_document_option(&show->pipe->doc, name, NULL);
    size_t n = 0;
    for (size_t i = first; i < choices->n; i++) {
        n += !strcmp(choices->items[i].name, name);
    }
    lt_emit_key(&show->emit, name);
    if (!option || option->kind != LEAT_OPTION_LIST || n == 1) {
        const char *value = lt_choices_find(choices, name);
        bool secret = option && option->kind == LEAT_OPTION_SECRET;
        bool word = option && lt_is_word(option, value);
        if (word) {
            lt_emit_word(&show->emit, value);
        } else {
            put_text(show, secret ? "***" : value);
        }
        return;
    }
    lt_emit_list(&show->emit);
    for (size_t i = first; i < choices->n; i++) {
        if (!strcmp(choices->items[i].name, name)) {
            put_text(show, choices->items[i].value);
        }
    }
    lt_emit_end(&show->emit);
}

static void put_choices(struct show *show, const struct lt_choices *choices)
{
    for (size_t i = 0; i < choices->n; i++) {
        bool seen = false;
        for (size_t k = 0; !seen && k < i; k++) {
            seen = !strcmp(choices->items[k].name, choices->items[i].name);
        }
        if (!seen) {
            put_choice(show, choices, i);
        }
    }
}

/* Those that an action of the step takes; of connectors all, for who takes them is seen later. */
static struct lt_choices taken(struct show *show, const struct lt_choices *choices,
                               enum leat_action action)
{
    struct lt_choices kept = {NULL, 0};
    for (size_t i = 0; i < choices->n; i++) {
        const struct lt_choice *c = &choices->items[i];
        bool plan = false;
        lt_document_option(&show->pipe->doc, c->name, &plan);
        if (!plan || leat_action_takes(action, c->name)) {
            lt_choices_add(&show->arena, &kept, c->name, c->value, c->node);
        }
    }
    return kept;
}

/* --- places --------------------------------------------------------------------------------- */

static void put_place(struct show *show, const char *text)
{
    const char *location = lt_place_resolve(&show->pipe->doc, &show->arena, text);
    put_text(show, location ? location : "");
}

static void put_to(struct show *show, const struct lt_step *step)
{
    lt_emit_key(&show->emit, "to");
    if (step->to.n == 1) {
        put_place(show, step->to.items[0].text);
        return;
    }
    lt_emit_list(&show->emit);
    for (size_t i = 0; i < step->to.n; i++) {
        put_place(show, step->to.items[i].text);
    }
    lt_emit_end(&show->emit);
}

static int put_streams(struct show *show, const struct lt_step *step, struct leat_error *err)
{
    struct lt_members members = {.arena = &show->arena};
    int rc = lt_step_members(show->pipe, step, &members, err);
    if (rc) {
        return rc;
    }
    lt_emit_key(&show->emit, "streams");
    lt_emit_map(&show->emit);
    for (size_t i = 0; i < members.n; i++) {
        const struct lt_member *m = &members.items[i];
        lt_emit_key(&show->emit, m->found ? m->found->full : m->rule->pattern.text);
        lt_emit_map(&show->emit);
        if (m->mode != step->mode) {
            lt_emit_pair(&show->emit, "mode", m->mode->word);
        }
        if (m->to) {
            put_pair(show, "to", m->to);
        }
        const struct lt_choices choices = taken(show, &m->choices, m->mode->action);
        put_choices(show, &choices);
        lt_emit_end(&show->emit);
    }
    lt_emit_end(&show->emit);
    return LEAT_OK;
}

/* --- hooks ---------------------------------------------------------------------------------- */

/* The value of a node as it stands, with its variables. */
static void put_node(struct show *show, const struct lt_yaml_node *node)
{
    struct lt_doc_faults faults = {.arena = &show->arena};
    if (node->kind == LT_YAML_SCALAR) {
        const char *text = lt_document_expand(&show->pipe->doc, &faults, node, node->text);
        int64_t number;
        bool flag;
        if (lt_yaml_is_null(node)) {
            lt_emit_word(&show->emit, "null");
        } else if (lt_yaml_int(node, &number)) {
            lt_emit_word(&show->emit, text);
        } else if (lt_yaml_bool(node, &flag)) {
            lt_emit_word(&show->emit, flag ? "true" : "false");
        } else {
            put_text(show, text);
        }
        return;
    }
    node->kind == LT_YAML_MAP ? lt_emit_map(&show->emit) : lt_emit_list(&show->emit);
    for (size_t i = 0; i < node->n; i++) {
        if (node->kind == LT_YAML_MAP) {
            lt_emit_key(&show->emit, node->keys[i]->text);
        }
        put_node(show, node->items[i]);
    }
    lt_emit_end(&show->emit);
}

/* Headers say who one is: only their names are shown. */
static void put_headers(struct show *show, const struct lt_yaml_node *node)
{
    lt_emit_map(&show->emit);
    for (size_t i = 0; i < node->n; i++) {
        lt_emit_pair(&show->emit, node->keys[i]->text, "***");
    }
    lt_emit_end(&show->emit);
}

/* Of a webhook's URL the path may be the secret. */
static void put_url(struct show *show, const char *url)
{
    const char *start = strstr(url, "://");
    size_t len = start ? (size_t)(start - url) + 3 + strcspn(start + 3, "/?#") : 0;
    const char *text =
        lt_arena_format(&show->arena, "%.*s%s", (int)len, url, url[len] ? "/***" : "");
    put_text(show, text ? text : "");
}

static void put_hook(struct show *show, const struct lt_hook *hook)
{
    static const char *const kinds[] = {
        [LT_HOOK_SQL] = "sql", [LT_HOOK_COMMAND] = "command", [LT_HOOK_WEBHOOK] = "webhook"};
    lt_emit_map(&show->emit);
    lt_emit_key(&show->emit, kinds[hook->kind]);
    if (hook->kind == LT_HOOK_WEBHOOK) {
        put_url(show, hook->what.text);
        lt_emit_pair(&show->emit, "method", hook->method);
    } else {
        put_text(show, hook->what.text);
    }
    if (hook->in.text) {
        lt_emit_key(&show->emit, "in");
        put_place(show, hook->in.text);
    }
    if (hook->headers) {
        lt_emit_key(&show->emit, "headers");
        put_headers(show, hook->headers);
    }
    if (hook->body) {
        lt_emit_key(&show->emit, "body");
        put_node(show, hook->body);
    }
    lt_emit_end(&show->emit);
}

static void put_hooks(struct show *show, const struct lt_hooks *hooks)
{
    static const char *const times[] = {"before", "after", "on-error"};
    if (!hooks->n[0] && !hooks->n[1] && !hooks->n[2]) {
        return;
    }
    lt_emit_key(&show->emit, "hooks");
    lt_emit_map(&show->emit);
    for (size_t when = 0; when < LT_HOOK_TIMES; when++) {
        if (!hooks->n[when]) {
            continue;
        }
        lt_emit_key(&show->emit, times[when]);
        lt_emit_list(&show->emit);
        for (size_t i = 0; i < hooks->n[when]; i++) {
            put_hook(show, &hooks->items[when][i]);
        }
        lt_emit_end(&show->emit);
    }
    lt_emit_end(&show->emit);
}

/* --- steps ---------------------------------------------------------------------------------- */

static int put_plan(struct show *show, const struct lt_step *step, struct leat_error *err)
{
    struct lt_choices all = {NULL, 0};
    lt_emit_pair(&show->emit, "mode", step->mode->word);
    lt_emit_key(&show->emit, "from");
    put_place(show, step->from.text);
    put_to(show, step);
    lt_choices_over(&show->arena, &all, &show->pipe->doc.defaults);
    lt_choices_over(&show->arena, &all, &step->choices);
    lt_choices_over(&show->arena, &all, &show->pipe->set);
    all = step->has_streams ? all : taken(show, &all, step->mode->action);
    put_choices(show, &all);
    return step->has_streams ? put_streams(show, step, err) : LEAT_OK;
}

static void put_needs(struct show *show, const struct lt_step *step)
{
    lt_emit_key(&show->emit, "needs");
    lt_emit_list(&show->emit);
    for (size_t i = 0; i < step->needs.n; i++) {
        put_text(show, step->needs.items[i].text);
    }
    lt_emit_end(&show->emit);
}

static int put_step(struct show *show, const struct lt_step *step, struct leat_error *err)
{
    int rc = LEAT_OK;
    lt_emit_map(&show->emit);
    put_pair(show, "name", step->name);
    if (step->needs.n) {
        put_needs(show, step);
    }
    if (step->when != LT_WHEN_SUCCESS) {
        lt_emit_pair(&show->emit, "if", step->when == LT_WHEN_FAILED ? "failed" : "always");
    }
    if (step->kind == LT_STEP_PLAN) {
        rc = put_plan(show, step, err);
    } else if (step->kind == LT_STEP_SQL) {
        put_pair(show, "sql", step->sql.text);
        lt_emit_key(&show->emit, "in");
        put_place(show, step->in.text);
    } else {
        put_pair(show, "pipe", step->pipe.text);
    }
    if (step->kind == LT_STEP_PIPE && step->n_vars) {
        lt_emit_key(&show->emit, "vars");
        lt_emit_map(&show->emit);
        for (size_t i = 0; i < step->n_vars; i++) {
            put_pair(show, step->vars[i].name, step->vars[i].value);
        }
        lt_emit_end(&show->emit);
    }
    put_hooks(show, &step->hooks);
    lt_emit_end(&show->emit);
    if (rc) {
        leat_error_place(err, "step \"%s\"", step->name);
    }
    return rc;
}

static void put_times(struct show *show)
{
    static const char *const keys[] = {"every", "cron", "timezone"};
    struct lt_doc_faults faults = {.arena = &show->arena};
    for (size_t i = 0; i < LT_ARRAY_LEN(keys); i++) {
        const struct lt_yaml_node *node = lt_yaml_get(show->pipe->doc.root, keys[i]);
        if (node) {
            put_pair(show, keys[i], lt_document_text(&show->pipe->doc, &faults, node, keys[i]));
        }
    }
}

static int put_document(struct show *show, struct leat_error *err)
{
    struct lt_document *doc = &show->pipe->doc;
    int rc = LEAT_OK;
    lt_emit_map(&show->emit);
    put_pair(show, "name", doc->name);
    if (doc->description) {
        put_pair(show, "description", doc->description);
    }
    put_times(show);
    put_hooks(show, &doc->hooks);
    lt_emit_key(&show->emit, "steps");
    lt_emit_list(&show->emit);
    for (size_t i = 0; !rc && i < doc->n_steps; i++) {
        rc = put_step(show, &doc->steps[doc->order[i]], err);
    }
    lt_emit_end(&show->emit);
    lt_emit_end(&show->emit);
    return rc ? rc : show->emit.failed || show->arena.failed ? lt_fail_oom(err) : LEAT_OK;
}

int leat_pipe_show(struct leat_pipe *pipe, enum leat_pipe_form form, char **ret_text,
                   struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    if (pipe->halfpipe) {
        return lt_halfpipe_show(pipe->halfpipe, form == LEAT_PIPE_JSON, ret_text, err);
    }
    struct show show = {.pipe = pipe, .emit = {.out = &out, .json = form == LEAT_PIPE_JSON}};
    int rc = put_document(&show, err);
    lt_arena_done(&show.arena);
    return lt_emit_take(&show.emit, rc, ret_text, err);
}
