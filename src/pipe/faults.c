#include "pipe/faults.h"

#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

static void add(struct lt_doc_faults *faults, const struct lt_yaml_node *node, const char *message,
                const char *remedy)
{
    if (faults->n == LT_FAULTS_MAX || !message) {
        return;
    }
    for (size_t i = 0; i < faults->n; i++) {
        if (faults->items[i].node == node) {
            return;
        }
    }
    struct lt_doc_fault *items =
        lt_arena_more(faults->arena, faults->items, faults->n, sizeof *items);
    if (items) {
        faults->items = items;
        items[faults->n++] =
            (struct lt_doc_fault){node, message, lt_arena_strdup(faults->arena, remedy)};
    }
}

void lt_doc_fault(struct lt_doc_faults *faults, const struct lt_yaml_node *node, const char *remedy,
                  const char *fmt, ...)
{
    struct lt_buf text = LT_BUF_INIT;
    va_list args;
    va_start(args, fmt);
    if (lt_buf_vprintf(&text, fmt, args)) {
        faults->arena->failed = true;
    } else {
        add(faults, node, lt_arena_strdup(faults->arena, lt_buf_text(&text)), remedy);
    }
    va_end(args);
    lt_buf_done(&text);
}

/* "--key is ..." without its dashes: a document has none. */
static const char *without_dashes(struct lt_arena *arena, const char *text)
{
    char *copy = lt_arena_strdup(arena, text);
    for (char *p = copy; p && *p; p++) {
        bool begins = p == copy || p[-1] == ' ';
        if (begins && p[0] == '-' && p[1] == '-' && p[2] >= 'a' && p[2] <= 'z') {
            memmove(p, p + 2, strlen(p + 2) + 1);
        }
    }
    return copy ? copy : "";
}

void lt_doc_fault_error(struct lt_doc_faults *faults, const struct lt_yaml_node *node,
                        const struct leat_error *err)
{
    /* The default remedy of options is the help of a command line. */
    const char *remedy = strcmp(err->remedy, lt_codes[LT_E_USAGE].remedy) ? err->remedy : "";
    add(faults, node, without_dashes(faults->arena, err->message),
        without_dashes(faults->arena, remedy));
}

void lt_doc_fault_unknown(struct lt_doc_faults *faults, const struct lt_yaml_node *node,
                          const char *kind, const char *name, const char *const *names)
{
    const char *close = lt_closest(name, names);
    char *remedy = close ? lt_arena_format(faults->arena, "did you mean \"%s\"?", close) : NULL;
    lt_doc_fault(faults, node, remedy ? remedy : "", "there is no %s \"%.100s\"", kind, name);
}

static int by_place(const void *a, const void *b)
{
    const struct lt_yaml_node *x = ((const struct lt_doc_fault *)a)->node;
    const struct lt_yaml_node *y = ((const struct lt_doc_fault *)b)->node;
    return x->line != y->line ? (x->line < y->line ? -1 : 1)
                              : (x->column > y->column) - (x->column < y->column);
}

int lt_doc_faults_tell(struct lt_doc_faults *faults, leat_fault_fn *each, void *arg,
                       struct leat_error *err)
{
    if (faults->arena->failed) {
        return lt_fail_oom(err);
    }
    if (faults->n) {
        qsort(faults->items, faults->n, sizeof *faults->items, by_place);
    }
    for (size_t i = 0; each && i < faults->n; i++) {
        const struct lt_doc_fault *fault = &faults->items[i];
        const struct leat_pipe_fault told = {.size = sizeof told,
                                             .file = fault->node->file,
                                             .line = fault->node->line,
                                             .column = fault->node->column,
                                             .message = fault->message,
                                             .remedy = fault->remedy};
        each(arg, &told);
    }
    if (!faults->n) {
        return LEAT_OK;
    }
    const struct lt_doc_fault *first = &faults->items[0];
    lt_fail(err, LT_E_PIPE, "%s", first->message);
    leat_error_place(err, "%s:%d:%d", first->node->file, (int)first->node->line,
                     (int)first->node->column);
    if (*first->remedy) {
        leat_error_remedy(err, "%s", first->remedy);
    }
    return LEAT_INVALID;
}
