/* hooks: {before: ..., after: ..., on-error: ...} */
#include "core/codes.h"
#include "core/util.h"
#include "pipe/document.h"

#include <string.h>

static const char *const times[] = {"before", "after", "on-error", NULL};
static const char *const hook_keys[] = {"sql",     "in",   "command", "webhook", "method",
                                        "headers", "body", "timeout", NULL};

/* Default timeouts; statements have those of their server. */
#define COMMAND_TIMEOUT_MS (10 * 60 * 1000)
#define WEBHOOK_TIMEOUT_MS (30 * 1000)

static struct lt_text text_of(struct lt_document *doc, struct lt_doc_faults *faults,
                              const struct lt_yaml_node *hook, const char *key)
{
    const struct lt_yaml_node *node = lt_yaml_get(hook, key);
    struct lt_text text = {NULL, node};
    if (node) {
        text.text = lt_document_text(doc, faults, node, key);
    }
    return text;
}

static void read_timeout(struct lt_document *doc, struct lt_doc_faults *faults,
                         struct lt_hook *hook)
{
    const struct lt_text text = text_of(doc, faults, hook->node, "timeout");
    hook->timeout_ms = hook->kind == LT_HOOK_WEBHOOK ? WEBHOOK_TIMEOUT_MS : COMMAND_TIMEOUT_MS;
    if (text.text &&
        (lt_parse_duration(text.text, &hook->timeout_ms, NULL) || hook->timeout_ms <= 0)) {
        lt_doc_fault(faults, text.node, "", "timeout takes a time such as 30s");
    }
}

/* Faults of variables are told before anything runs; the texts are made when it does. */
static void check_texts(struct lt_document *doc, struct lt_doc_faults *faults,
                        const struct lt_yaml_node *node)
{
    if (node && node->kind == LT_YAML_SCALAR) {
        lt_document_expand(doc, faults, node, node->text);
    }
    for (size_t i = 0; node && i < node->n; i++) {
        check_texts(doc, faults, node->items[i]);
    }
}

static void read_webhook(struct lt_document *doc, struct lt_doc_faults *faults,
                         struct lt_hook *hook)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
    const struct lt_text method = text_of(doc, faults, hook->node, "method");
    bool known = !method.text;
    for (size_t i = 0; !known && methods[i]; i++) {
        known = !strcmp(methods[i], method.text);
    }
    if (!known) {
        lt_doc_fault(faults, method.node, "", "method is one of GET, POST, PUT, PATCH, DELETE");
    }
    hook->method = method.text ? method.text : "POST";
    hook->headers = lt_yaml_get(hook->node, "headers");
    hook->body = lt_yaml_get(hook->node, "body");
    check_texts(doc, faults, hook->headers);
    check_texts(doc, faults, hook->body);
    const char *url = hook->what.text;
    if (*url && strncmp(url, "http://", 7) && strncmp(url, "https://", 8)) {
        lt_doc_fault(faults, hook->what.node, "", "webhook is a URL, http:// or https://");
    }
    if (hook->headers && hook->headers->kind != LT_YAML_MAP) {
        lt_doc_fault(faults, hook->headers, "", "headers is a map from name to value");
    }
}

static void check_keys(struct lt_doc_faults *faults, const struct lt_yaml_node *node)
{
    for (size_t i = 0; i < node->n; i++) {
        bool known = false;
        for (size_t k = 0; !known && hook_keys[k]; k++) {
            known = !strcmp(hook_keys[k], node->keys[i]->text);
        }
        if (!known) {
            lt_doc_fault_unknown(faults, node->keys[i], "key of hooks", node->keys[i]->text,
                                 hook_keys);
        }
    }
}

static void read_hook(struct lt_document *doc, struct lt_doc_faults *faults,
                      const struct lt_yaml_node *node, struct lt_hook *hook)
{
    static const char *const kinds[] = {
        [LT_HOOK_SQL] = "sql", [LT_HOOK_COMMAND] = "command", [LT_HOOK_WEBHOOK] = "webhook"};
    size_t n = 0;
    if (node->kind != LT_YAML_MAP) {
        lt_doc_fault(faults, node, "{sql: ..., in: ...}, {command: ...} or {webhook: ...}",
                     "a hook is a map");
        return;
    }
    check_keys(faults, node);
    hook->node = node;
    for (size_t i = 0; i < LT_ARRAY_LEN(kinds); i++) {
        if (lt_yaml_get(node, kinds[i])) {
            hook->kind = (enum lt_hook_kind)i;
            n++;
        }
    }
    if (n != 1) {
        lt_doc_fault(faults, node, "", "a hook has one of sql, command, webhook");
        return;
    }
    hook->what = text_of(doc, faults, node, kinds[hook->kind]);
    hook->in = text_of(doc, faults, node, "in");
    if ((hook->kind == LT_HOOK_SQL) != (hook->in.text != NULL)) {
        lt_doc_fault(faults, node, "in: CONNECTION",
                     hook->in.text ? "only sql has an `in`" : "sql needs to know where: `in`");
    }
    read_timeout(doc, faults, hook);
    if (hook->kind == LT_HOOK_WEBHOOK) {
        read_webhook(doc, faults, hook);
    }
}

static void read_list(struct lt_document *doc, struct lt_doc_faults *faults,
                      const struct lt_yaml_node *node, struct lt_hook **ret_hooks, size_t *ret_n)
{
    size_t n = node->kind == LT_YAML_LIST ? node->n : !lt_yaml_is_null(node);
    struct lt_hook *hooks = lt_arena_alloc(&doc->arena, n * sizeof *hooks);
    for (size_t i = 0; hooks && i < n; i++) {
        read_hook(doc, faults, node->kind == LT_YAML_LIST ? node->items[i] : node, &hooks[i]);
    }
    *ret_hooks = hooks;
    *ret_n = hooks ? n : 0;
}

void lt_read_hooks(struct lt_document *doc, struct lt_doc_faults *faults,
                   const struct lt_yaml_node *node, struct lt_hooks *hooks)
{
    if (node->kind != LT_YAML_MAP) {
        lt_doc_fault(faults, node, "", "hooks is a map of before, after, on-error");
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        size_t when = 0;
        while (times[when] && strcmp(times[when], node->keys[i]->text)) {
            when++;
        }
        if (!times[when]) {
            lt_doc_fault_unknown(faults, node->keys[i], "time of hooks", node->keys[i]->text,
                                 times);
        } else {
            read_list(doc, faults, node->items[i], &hooks->items[when], &hooks->n[when]);
        }
    }
}
