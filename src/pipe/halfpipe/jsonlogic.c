/* Rules of JsonLogic: read, and applied to the records of a batch. */
#include "pipe/halfpipe/jsonlogic_parts.h"

#include "core/util.h"

#include <stdlib.h>

static void compile_scalar(const struct lt_yaml_node *from, struct hp_logic_node *node)
{
    char *end;
    bool is;
    if (!from->quoted && lt_yaml_is_null(from)) {
        node->value = hp_js_nothing;
    } else if (lt_yaml_bool(from, &is)) {
        node->value = hp_js_truth(is);
    } else {
        long double n = strtold(from->text, &end);
        node->value = !from->quoted && from->len && !*end ? hp_js_number(n)
                                                          : hp_js_text(from->text, from->len);
    }
}

static int compile(const struct lt_yaml_node *from, struct hp_logic_node *node,
                   struct leat_error *err);

static int compile_args(struct lt_yaml_node *const *items, size_t n, struct hp_logic_node *node,
                        struct leat_error *err)
{
    int rc = LEAT_OK;
    node->args = calloc(n + 1, sizeof *node->args);
    if (!node->args) {
        return lt_fail_oom(err);
    }
    for (; !rc && node->n < n; node->n++) {
        rc = compile(items[node->n], &node->args[node->n], err);
    }
    return rc;
}

static int compile(const struct lt_yaml_node *from, struct hp_logic_node *node,
                   struct leat_error *err)
{
    if (from->kind == LT_YAML_SCALAR) {
        compile_scalar(from, node);
        return LEAT_OK;
    }
    if (from->kind == LT_YAML_LIST) {
        node->lists = true;
        return compile_args(from->items, from->n, node, err);
    }
    const char *op = from->n == 1 ? from->keys[0]->text : "";
    if (!hp_logic_find_op(op, node)) {
        return lt_fail(err, LT_E_INVALID, "invalid JsonLogic rule: there is no operation \"%s\"",
                       op);
    }
    const struct lt_yaml_node *args = from->items[0];
    return args->kind == LT_YAML_LIST ? compile_args(args->items, args->n, node, err)
                                      : compile_args(from->items, 1, node, err);
}

static void node_done(struct hp_logic_node *node)
{
    for (size_t i = 0; node->args && i < node->n; i++) {
        node_done(&node->args[i]);
    }
    free(node->args);
}

int hp_logic_new(const char *rule, struct hp_logic **ret_logic, struct leat_error *err)
{
    struct hp_logic *logic = calloc(1, sizeof *logic);
    int rc = logic ? lt_yaml_parse("rule", rule, strlen(rule), &logic->yaml, NULL, err)
                   : lt_fail_oom(err);
    rc = rc ? rc : compile(lt_yaml_root(logic->yaml), &logic->root, err);
    if (rc) {
        hp_logic_free(logic);
        return rc;
    }
    *ret_logic = logic;
    return LEAT_OK;
}

void hp_logic_free(struct hp_logic *logic)
{
    if (!logic) {
        return;
    }
    hp_logic_give_back(logic);
    free(logic->blocks);
    node_done(&logic->root);
    lt_yaml_free(logic->yaml);
    free(logic);
}

int hp_logic_run(struct hp_logic *logic, const struct lt_view *batch, hp_logic_fn *each, void *arg_,
                 struct leat_error *err)
{
    struct lt_buf json = LT_BUF_INIT;
    int rc = LEAT_OK;
    for (int64_t row = 0; !rc && row < batch->length; row++) {
        struct hp_logic_scope scope = {.logic = logic, .batch = batch, .row = row};
        hp_logic_give_back(logic);
        struct hp_js v = hp_logic_eval(&scope, &logic->root);
        enum hp_logic_kind kind = v.kind == HP_JS_NOTHING ? HP_LOGIC_NULL
                                  : v.kind == HP_JS_TEXT  ? HP_LOGIC_TEXT
                                                          : HP_LOGIC_OTHER;
        lt_buf_clear(&json);
        if (logic->failed || hp_js_print(&v, kind != HP_LOGIC_TEXT, &json)) {
            rc = lt_fail(err, LT_E_LIMIT, "a JsonLogic rule takes too much memory");
        } else if (each(arg_, row, kind, lt_buf_text(&json), json.len)) {
            rc = lt_fail_oom(err);
        }
    }
    lt_buf_done(&json);
    return rc;
}
