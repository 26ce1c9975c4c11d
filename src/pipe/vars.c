/* ${NAME} in the values of a document. */
#include "leat/config.h"

#include "core/buf.h"
#include "core/codes.h"
#include "pipe/document.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 128
/* A variable of the document may hold others. */
#define EXPANSION_DEPTH_MAX 16
#define EXPANSION_MAX ((size_t)4 << 20)

struct expansion {
    struct lt_document *doc;
    struct lt_doc_faults *faults;
    const struct lt_yaml_node *node; /* that faults are told of */
    struct lt_buf *out;
    int depth;
};

static bool expand(struct expansion *x, const char *text);

/* Appends a variable's value; false: there is none, or it is empty. */
static bool put_variable(struct expansion *x, const char *name, bool *ret_ok)
{
    const struct lt_document *doc = x->doc;
    const char *value = NULL;
    for (size_t i = 0; !value && i < doc->n_given; i++) {
        value = strcmp(doc->given[i].name, name) ? NULL : doc->given[i].value;
    }
    for (size_t i = 0; !value && i < doc->n_vars; i++) {
        if (!strcmp(doc->var_names[i], name)) {
            size_t before = x->out->len;
            x->depth++;
            *ret_ok = expand(x, doc->vars[i].text);
            x->depth--;
            return !*ret_ok || x->out->len > before;
        }
    }
    value = value ? value : leat_env_get(name);
    *ret_ok = !value || !lt_buf_puts(x->out, value);
    return value && *value;
}

static bool is_set(const struct lt_document *doc, const char *name)
{
    for (size_t i = 0; i < doc->n_given; i++) {
        if (!strcmp(doc->given[i].name, name)) {
            return true;
        }
    }
    for (size_t i = 0; i < doc->n_vars; i++) {
        if (!strcmp(doc->var_names[i], name)) {
            return true;
        }
    }
    return leat_env_get(name) != NULL;
}

static bool is_name(const char *text, size_t len)
{
    bool good = len && len < NAME_MAX_LEN && !isdigit((unsigned char)text[0]);
    for (size_t i = 0; good && i < len; i++) {
        good = isalnum((unsigned char)text[i]) || text[i] == '_';
    }
    return good;
}

/* What stands between ${ and }. */
static bool put_reference(struct expansion *x, const char *text, size_t len)
{
    static const char *const later[] = {"env:", "file:", "cmd:"};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (!strncmp(text, later[i], strlen(later[i]))) {
            return !lt_buf_printf(x->out, "${%.*s}", (int)len, text);
        }
    }
    const char *other = memmem(text, len, ":-", 2);
    size_t name_len = other ? (size_t)(other - text) : len;
    char name[NAME_MAX_LEN];
    if (!is_name(text, name_len)) {
        lt_doc_fault(x->faults, x->node, "${NAME} or ${NAME:-else}; $${ is a plain ${",
                     "\"%.60s\" is no name of a variable", text);
        return false;
    }
    memcpy(name, text, name_len);
    name[name_len] = 0;
    bool ok = true;
    if (put_variable(x, name, &ok) || !ok) {
        return ok;
    }
    if (other) {
        return !lt_buf_append(x->out, other + 2, len - name_len - 2);
    }
    if (!is_set(x->doc, name)) {
        char remedy[2 * NAME_MAX_LEN + 64];
        snprintf(remedy, sizeof remedy, "--var %s=..., or ${%s:-else} in the document", name, name);
        lt_doc_fault(x->faults, x->node, remedy, "the variable %s is not set", name);
        return false;
    }
    return true;
}

static bool expand(struct expansion *x, const char *text)
{
    if (x->depth == EXPANSION_DEPTH_MAX) {
        lt_doc_fault(x->faults, x->node, "", "variables stand for each other without an end");
        return false;
    }
    while (*text) {
        const char *at = strstr(text, "${");
        size_t plain = at ? (size_t)(at - text) : strlen(text);
        bool escaped = at && at > text && at[-1] == '$';
        if (lt_buf_append(x->out, text, escaped ? plain - 1 : plain) ||
            x->out->len > EXPANSION_MAX) {
            x->faults->arena->failed = true;
            return false;
        }
        if (!at) {
            return true;
        }
        const char *end = strchr(at, '}');
        if (escaped) {
            end = at + 1;
            if (lt_buf_puts(x->out, "${")) {
                return false;
            }
        } else if (!end) {
            lt_doc_fault(x->faults, x->node, "$${ is a plain ${", "a ${ has no } behind it");
            return false;
        } else if (!put_reference(x, at + 2, (size_t)(end - at) - 2)) {
            return false;
        }
        text = end + 1;
    }
    return true;
}

const char *lt_document_expand(struct lt_document *doc, struct lt_doc_faults *faults,
                               const struct lt_yaml_node *node, const char *text)
{
    if (!strstr(text, "${")) {
        return text;
    }
    struct lt_buf out = LT_BUF_INIT;
    struct expansion x = {doc, faults, node, &out, 0};
    const char *result = "";
    if (expand(&x, text)) {
        result = lt_arena_strdup(&doc->arena, lt_buf_text(&out));
    }
    lt_buf_done(&out);
    return result ? result : "";
}

const char *lt_document_text(struct lt_document *doc, struct lt_doc_faults *faults,
                             const struct lt_yaml_node *node, const char *what)
{
    const char *text = lt_yaml_text(node);
    if (!text) {
        lt_doc_fault(faults, node, "",
                     node->kind == LT_YAML_SCALAR ? "%s has no value" : "%s is a text", what);
        return "";
    }
    return lt_document_expand(doc, faults, node, text);
}
