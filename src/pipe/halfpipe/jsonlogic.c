/* Numbers are long double: every whole number of 64 bits is exact. */
#include "pipe/halfpipe/jsonlogic.h"

#include "columnar/text.h"
#include "core/json.h"
#include "core/util.h"
#include "pipe/yaml.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SPACE_MAX ((size_t)64 << 20) /* what one record may take */

enum kind { NOTHING, TRUTH, NUMBER, TEXT, LIST };

struct value {
    enum kind kind;
    bool truth;
    long double number;
    const char *text;
    size_t len; /* of the text; items of the list */
    const struct value *items;
};

/* Memory of one record's values, all given back together. */
struct block {
    struct block *before;
    size_t used, size;
    max_align_t data[];
};

struct scope {
    struct hp_logic *logic;
    const struct lt_view *batch;
    int64_t row;
    const struct value *item;        /* inside map and its like; NULL: the record */
    const struct value *accumulator; /* of reduce */
};

struct node;
typedef struct value op_fn(struct scope *scope, const struct node *node);

/* A rule: an operation with its arguments, a list of rules, or a value. */
struct node {
    op_fn *run; /* NULL: `value`, or with `lists` the list of the arguments */
    const char *op;
    bool lists;
    struct value value;
    struct node *args;
    size_t n;
};

struct hp_logic {
    struct lt_yaml *yaml;
    struct node root;
    struct block *blocks;
    size_t taken;
    bool failed; /* no memory, or SPACE_MAX */
};

static const struct value nothing = {.kind = NOTHING};

/* --- memory --------------------------------------------------------------------------------- */

static void *take(struct hp_logic *logic, size_t size)
{
    struct block *block = logic->blocks;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!block || block->size - block->used < size) {
        size_t room = LT_MAX(size, (size_t)4096);
        logic->taken += room;
        block = logic->taken > SPACE_MAX ? NULL : malloc(sizeof *block + room);
        if (!block) {
            logic->failed = true;
            return NULL;
        }
        *block = (struct block){.before = logic->blocks, .size = room};
        logic->blocks = block;
    }
    void *at = (char *)block->data + block->used;
    block->used += size;
    return at;
}

/* All but the oldest block go, which is used again. */
static void give_back(struct hp_logic *logic)
{
    while (logic->blocks && logic->blocks->before) {
        struct block *before = logic->blocks->before;
        free(logic->blocks);
        logic->blocks = before;
    }
    if (logic->blocks) {
        logic->blocks->used = 0;
        logic->taken = logic->blocks->size;
    }
}

/* --- values --------------------------------------------------------------------------------- */

static struct value truth(bool is)
{
    return (struct value){.kind = TRUTH, .truth = is};
}

static struct value number(long double n)
{
    return isnan(n) ? nothing : (struct value){.kind = NUMBER, .number = n};
}

static struct value text_of(const char *text, size_t len)
{
    return (struct value){.kind = TEXT, .text = text, .len = len};
}

static bool is_true(const struct value *v)
{
    switch (v->kind) {
    case TRUTH:
        return v->truth;
    case NUMBER:
        return v->number != 0;
    case TEXT:
    case LIST:
        return v->len > 0;
    default:
        return false;
    }
}

/* As JavaScript makes a number of it; NaN: it is none. */
static long double to_number(const struct value *v)
{
    char copy[64], *end;
    switch (v->kind) {
    case NUMBER:
        return v->number;
    case TRUTH:
        return v->truth;
    case NOTHING:
        return 0;
    case TEXT:
        if (v->len >= sizeof copy) {
            return (long double)NAN;
        }
        memcpy(copy, v->text, v->len);
        copy[v->len] = 0;
        if (!copy[strspn(copy, " \t\r\n")]) {
            return 0;
        }
        /* C knows words for numbers that JavaScript does not. */
        const char *word = copy + strspn(copy, " \t\r\n+-");
        if (isalpha((unsigned char)*word) && strncmp(word, "Infinity", 8)) {
            return (long double)NAN;
        }
        long double n = strtold(copy, &end);
        return end[strspn(end, " \t\r\n")] ? (long double)NAN : n;
    default:
        return (long double)NAN;
    }
}

static int print_number(long double n, struct lt_buf *out)
{
    char text[32];
    if (n == floorl(n) && fabsl(n) < 1e18L) {
        return lt_buf_printf(out, "%lld", (long long)n);
    }
    lt_double_format((double)n, text);
    return lt_buf_puts(out, text);
}

/* As text: `json` with quotes and brackets, else as JavaScript's String(). */
static int print(const struct value *v, bool json, struct lt_buf *out)
{
    int rc = LEAT_OK;
    switch (v->kind) {
    case NOTHING:
        return lt_buf_puts(out, json ? "null" : "");
    case TRUTH:
        return lt_buf_puts(out, v->truth ? "true" : "false");
    case NUMBER:
        return print_number(v->number, out);
    case TEXT:
        return json ? lt_json_quote(out, v->text, v->len) : lt_buf_append(out, v->text, v->len);
    case LIST:
        rc = json ? lt_buf_byte(out, '[') : LEAT_OK;
        for (size_t i = 0; !rc && i < v->len; i++) {
            rc = i ? lt_buf_byte(out, ',') : LEAT_OK;
            rc = rc ? rc : print(&v->items[i], json, out);
        }
        return rc || !json ? rc : lt_buf_byte(out, ']');
    }
    return rc;
}

static struct value keep_text(struct scope *scope, struct lt_buf *buf, int rc)
{
    char *copy = rc ? NULL : take(scope->logic, buf->len + 1);
    if (copy) {
        memcpy(copy, lt_buf_text(buf), buf->len + 1);
    }
    scope->logic->failed = scope->logic->failed || rc;
    struct value v = copy ? text_of(copy, buf->len) : nothing;
    lt_buf_done(buf);
    return v;
}

static struct value to_text(struct scope *scope, const struct value *v)
{
    struct lt_buf buf = LT_BUF_INIT;
    if (v->kind == TEXT) {
        return *v;
    }
    int rc = print(v, false, &buf);
    return keep_text(scope, &buf, rc);
}

static bool same_text(const struct value *a, const struct value *b)
{
    return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

static bool is_same(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case TRUTH:
        return a->truth == b->truth;
    case NUMBER:
        return a->number == b->number;
    case TEXT:
        return same_text(a, b);
    case LIST:
        return false; /* two objects */
    default:
        return true;
    }
}

static bool is_equal(const struct value *a, const struct value *b)
{
    if (a->kind == b->kind || a->kind == NOTHING || b->kind == NOTHING) {
        return is_same(a, b);
    }
    return a->kind != LIST && b->kind != LIST && to_number(a) == to_number(b);
}

/* --- the record ----------------------------------------------------------------------------- */

static struct value field_value(struct scope *scope, const struct lt_view *view)
{
    int64_t row = scope->row;
    if (lt_view_is_null(view, row)) {
        return nothing;
    }
    enum lt_type_id id = view->type.id;
    if (id == LT_UTF8 && view->type.logical != LT_NUMERIC) {
        size_t len;
        const uint8_t *bytes = lt_view_bytes(view, row, &len);
        return text_of((const char *)bytes, len);
    }
    if (id == LT_BOOL) {
        return truth(lt_view_bool(view, row));
    }
    if (id == LT_UINT64) {
        return number((long double)lt_view_u64(view, row));
    }
    if (lt_type_is_integer(id)) {
        return number((long double)lt_view_integer_but_u64(view, row));
    }
    struct lt_buf buf = LT_BUF_INIT;
    int rc = lt_text_format(view, row, &buf);
    struct value v = keep_text(scope, &buf, rc);
    bool is_number = id == LT_FLOAT32 || id == LT_FLOAT64 || id == LT_DECIMAL32 ||
                     id == LT_DECIMAL64 || id == LT_DECIMAL128 || id == LT_DECIMAL256 ||
                     view->type.logical == LT_NUMERIC;
    return is_number && v.kind == TEXT ? number(to_number(&v)) : v;
}

static struct value run(struct scope *scope, const struct node *node);

static struct value arg(struct scope *scope, const struct node *node, size_t i)
{
    return i < node->n ? run(scope, &node->args[i]) : nothing;
}

static bool names(const struct value *v, const char *name)
{
    return v->kind == TEXT && v->len == strlen(name) && !memcmp(v->text, name, v->len);
}

static bool find_var(struct scope *scope, const struct value *name, struct value *ret_value)
{
    if (scope->accumulator && (names(name, "accumulator") || names(name, "current"))) {
        *ret_value = names(name, "accumulator") ? *scope->accumulator : *scope->item;
        return true;
    }
    if (scope->item) {
        bool whole = name->kind == NOTHING || (name->kind == TEXT && !name->len);
        long double at = to_number(name);
        *ret_value = whole ? *scope->item : nothing;
        if (!whole && scope->item->kind == LIST && at >= 0 && at < (long double)scope->item->len) {
            *ret_value = scope->item->items[(size_t)at];
            return true;
        }
        return whole;
    }
    const struct ArrowSchema *schema = scope->batch->field;
    for (int64_t i = 0; name->kind == TEXT && i < schema->n_children; i++) {
        if (names(name, schema->children[i]->name)) {
            *ret_value = field_value(scope, &scope->batch->children[i]);
            return true;
        }
    }
    return false;
}

static struct value op_var(struct scope *scope, const struct node *node)
{
    struct value name = arg(scope, node, 0), found = nothing;
    if (name.kind == NUMBER) {
        name = scope->item ? name : to_text(scope, &name);
    }
    return find_var(scope, &name, &found) && found.kind != NOTHING ? found : arg(scope, node, 1);
}

/* --- lists ---------------------------------------------------------------------------------- */

/* Room for a list that grows up to `most`. */
static struct value *room(struct scope *scope, size_t most)
{
    return take(scope->logic, (most + 1) * sizeof(struct value));
}

static struct value list_of(struct value *items, size_t n)
{
    return items ? (struct value){.kind = LIST, .items = items, .len = n} : nothing;
}

static struct value all_args(struct scope *scope, const struct node *node)
{
    struct value *items = room(scope, node->n);
    for (size_t i = 0; items && i < node->n; i++) {
        items[i] = run(scope, &node->args[i]);
    }
    return list_of(items, node->n);
}

static struct value missing_of(struct scope *scope, const struct value *wanted)
{
    struct value *items = room(scope, wanted->len), found;
    size_t n = 0;
    for (size_t i = 0; items && i < wanted->len; i++) {
        struct value name = to_text(scope, &wanted->items[i]);
        bool there = find_var(scope, &name, &found) && found.kind != NOTHING &&
                     !(found.kind == TEXT && !found.len);
        if (!there) {
            items[n++] = name;
        }
    }
    return list_of(items, n);
}

static struct value op_missing(struct scope *scope, const struct node *node)
{
    struct value all = all_args(scope, node);
    if (all.len && all.items[0].kind == LIST) {
        all = all.items[0];
    }
    return missing_of(scope, &all);
}

static struct value op_missing_some(struct scope *scope, const struct node *node)
{
    struct value least = arg(scope, node, 0), wanted = arg(scope, node, 1);
    struct value missing = wanted.kind == LIST ? missing_of(scope, &wanted) : nothing;
    bool enough = (long double)(wanted.len - missing.len) >= to_number(&least);
    return enough ? list_of(room(scope, 0), 0) : missing;
}

static struct value op_merge(struct scope *scope, const struct node *node)
{
    struct value all = all_args(scope, node);
    size_t n = 0;
    for (size_t i = 0; i < all.len; i++) {
        n += all.items[i].kind == LIST ? all.items[i].len : 1;
    }
    struct value *items = room(scope, n);
    n = 0;
    for (size_t i = 0; items && i < all.len; i++) {
        const struct value *v = &all.items[i];
        for (size_t k = 0; v->kind == LIST && k < v->len; k++) {
            items[n++] = v->items[k];
        }
        if (v->kind != LIST) {
            items[n++] = *v;
        }
    }
    return list_of(items, n);
}

static struct value inside(struct scope *scope, const struct node *node, const struct value *item)
{
    struct scope inner = *scope;
    inner.item = item;
    inner.accumulator = NULL;
    return node->n > 1 ? run(&inner, &node->args[1]) : nothing;
}

static struct value op_map(struct scope *scope, const struct node *node)
{
    struct value from = arg(scope, node, 0);
    size_t n = from.kind == LIST ? from.len : 0;
    struct value *items = room(scope, n);
    for (size_t i = 0; items && i < n; i++) {
        items[i] = inside(scope, node, &from.items[i]);
    }
    return list_of(items, n);
}

static struct value op_filter(struct scope *scope, const struct node *node)
{
    struct value from = arg(scope, node, 0);
    size_t n = from.kind == LIST ? from.len : 0, kept = 0;
    struct value *items = room(scope, n);
    for (size_t i = 0; items && i < n; i++) {
        struct value keeps = inside(scope, node, &from.items[i]);
        if (is_true(&keeps)) {
            items[kept++] = from.items[i];
        }
    }
    return list_of(items, kept);
}

static struct value op_reduce(struct scope *scope, const struct node *node)
{
    struct value from = arg(scope, node, 0), sum = arg(scope, node, 2);
    for (size_t i = 0; from.kind == LIST && node->n > 1 && i < from.len; i++) {
        struct scope inner = *scope;
        struct value so_far = sum;
        inner.item = &from.items[i];
        inner.accumulator = &so_far;
        sum = run(&inner, &node->args[1]);
    }
    return sum;
}

static size_t count_true(struct scope *scope, const struct node *node, size_t *ret_all)
{
    struct value from = arg(scope, node, 0);
    size_t n = from.kind == LIST ? from.len : 0, found = 0;
    for (size_t i = 0; i < n; i++) {
        struct value is = inside(scope, node, &from.items[i]);
        found += is_true(&is);
    }
    *ret_all = n;
    return found;
}

static struct value op_all(struct scope *scope, const struct node *node)
{
    size_t all, n = count_true(scope, node, &all);
    return truth(all && n == all);
}

static struct value op_some(struct scope *scope, const struct node *node)
{
    size_t all;
    return truth(count_true(scope, node, &all) > 0);
}

static struct value op_none(struct scope *scope, const struct node *node)
{
    size_t all;
    return truth(count_true(scope, node, &all) == 0);
}

/* --- logic ---------------------------------------------------------------------------------- */

static struct value op_equal(struct scope *scope, const struct node *node)
{
    struct value a = arg(scope, node, 0), b = arg(scope, node, 1);
    bool strict = strlen(node->op) == 3, negated = node->op[0] == '!';
    return truth((strict ? is_same(&a, &b) : is_equal(&a, &b)) != negated);
}

static bool in_order(const struct value *a, const struct value *b, bool or_equal)
{
    if (a->kind == TEXT && b->kind == TEXT) {
        int order = memcmp(a->text, b->text, LT_MIN(a->len, b->len));
        order = order ? order : (a->len > b->len) - (a->len < b->len);
        return or_equal ? order <= 0 : order < 0;
    }
    long double x = to_number(a), y = to_number(b);
    return or_equal ? x <= y : x < y;
}

/* a < b, and a < b < c; the same with > turned round. */
static struct value op_order(struct scope *scope, const struct node *node)
{
    struct value a = arg(scope, node, 0), b = arg(scope, node, 1), c = arg(scope, node, 2);
    bool or_equal = node->op[1] == '=';
    if (node->op[0] == '>') {
        return truth(in_order(&b, &a, or_equal));
    }
    return truth(in_order(&a, &b, or_equal) && (node->n < 3 || in_order(&b, &c, or_equal)));
}

static struct value op_not(struct scope *scope, const struct node *node)
{
    struct value a = arg(scope, node, 0);
    return truth(is_true(&a) == (node->op[1] == '!'));
}

/* The first that decides, or the last. */
static struct value op_and_or(struct scope *scope, const struct node *node)
{
    bool stops_at = node->op[0] == 'o';
    struct value v = nothing;
    for (size_t i = 0; i < node->n; i++) {
        v = run(scope, &node->args[i]);
        if (is_true(&v) == stops_at) {
            break;
        }
    }
    return v;
}

static struct value op_if(struct scope *scope, const struct node *node)
{
    size_t i = 0;
    for (; i + 1 < node->n; i += 2) {
        struct value is = run(scope, &node->args[i]);
        if (is_true(&is)) {
            return run(scope, &node->args[i + 1]);
        }
    }
    return arg(scope, node, i);
}

/* --- numbers and text ----------------------------------------------------------------------- */

static long double calculate(char op, long double a, long double b)
{
    switch (op) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    case '/':
        return b == 0 ? (long double)NAN : a / b;
    default:
        return b == 0 ? (long double)NAN : fmodl(a, b);
    }
}

static struct value op_arithmetic(struct scope *scope, const struct node *node)
{
    struct value first = arg(scope, node, 0);
    long double n = to_number(&first);
    if (node->n == 1 && *node->op == '-') {
        return number(-n);
    }
    for (size_t i = 1; i < node->n; i++) {
        struct value v = run(scope, &node->args[i]);
        n = calculate(*node->op, n, to_number(&v));
    }
    return number(n);
}

static struct value op_extreme(struct scope *scope, const struct node *node)
{
    bool most = node->op[1] == 'a';
    struct value best = nothing;
    for (size_t i = 0; i < node->n; i++) {
        struct value v = run(scope, &node->args[i]);
        long double n = to_number(&v);
        if (isnan(n)) {
            return nothing;
        }
        if (!i || (most ? n > best.number : n < best.number)) {
            best = number(n);
        }
    }
    return best;
}

static struct value op_cat(struct scope *scope, const struct node *node)
{
    struct lt_buf buf = LT_BUF_INIT;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < node->n; i++) {
        struct value v = run(scope, &node->args[i]);
        rc = print(&v, false, &buf);
    }
    return keep_text(scope, &buf, rc);
}

static struct value op_in(struct scope *scope, const struct node *node)
{
    struct value what = arg(scope, node, 0), where = arg(scope, node, 1);
    bool found = false;
    if (where.kind == TEXT) {
        what = to_text(scope, &what);
        found =
            what.kind == TEXT && (!what.len || memmem(where.text, where.len, what.text, what.len));
    }
    for (size_t i = 0; where.kind == LIST && !found && i < where.len; i++) {
        found = is_same(&what, &where.items[i]);
    }
    return truth(found);
}

/* Bytes of the first n characters. */
static size_t bytes_of(const struct value *v, long double n)
{
    size_t at = 0;
    for (; at < v->len && n > 0; n--) {
        at++;
        while (at < v->len && ((unsigned char)v->text[at] & 0xC0) == 0x80) {
            at++;
        }
    }
    return at;
}

static struct value op_substr(struct scope *scope, const struct node *node)
{
    struct value from = arg(scope, node, 0), at = arg(scope, node, 1), take_n = arg(scope, node, 2);
    struct value v = to_text(scope, &from);
    long double all = 0, first = to_number(&at), n = to_number(&take_n);
    for (size_t i = 0; v.kind == TEXT && i < v.len; i++) {
        all += ((unsigned char)v.text[i] & 0xC0) != 0x80;
    }
    first = first < 0 ? LT_MAX(all + first, 0) : LT_MIN(first, all);
    long double end = node->n < 3 ? all : n < 0 ? all + n : LT_MIN(first + n, all);
    if (v.kind != TEXT || isnan(first) || isnan(end) || end <= first) {
        return text_of("", 0);
    }
    size_t begin = bytes_of(&v, first), stop = bytes_of(&v, end);
    return text_of(v.text + begin, stop - begin);
}

static struct value op_log(struct scope *scope, const struct node *node)
{
    return arg(scope, node, 0);
}

/* --- rules ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    op_fn *run;
} ops[] = {
    {"var", op_var},       {"missing", op_missing}, {"missing_some", op_missing_some},
    {"if", op_if},         {"?:", op_if},           {"==", op_equal},
    {"===", op_equal},     {"!=", op_equal},        {"!==", op_equal},
    {"!", op_not},         {"!!", op_not},          {"or", op_and_or},
    {"and", op_and_or},    {">", op_order},         {">=", op_order},
    {"<", op_order},       {"<=", op_order},        {"max", op_extreme},
    {"min", op_extreme},   {"+", op_arithmetic},    {"-", op_arithmetic},
    {"*", op_arithmetic},  {"/", op_arithmetic},    {"%", op_arithmetic},
    {"map", op_map},       {"filter", op_filter},   {"reduce", op_reduce},
    {"all", op_all},       {"some", op_some},       {"none", op_none},
    {"merge", op_merge},   {"in", op_in},           {"cat", op_cat},
    {"substr", op_substr}, {"log", op_log},
};

static struct value run(struct scope *scope, const struct node *node)
{
    if (scope->logic->failed) {
        return nothing;
    }
    return node->run ? node->run(scope, node) : node->lists ? all_args(scope, node) : node->value;
}

static void compile_scalar(const struct lt_yaml_node *from, struct node *node)
{
    char *end;
    bool is;
    if (!from->quoted && lt_yaml_is_null(from)) {
        node->value = nothing;
    } else if (lt_yaml_bool(from, &is)) {
        node->value = truth(is);
    } else {
        long double n = strtold(from->text, &end);
        node->value =
            !from->quoted && from->len && !*end ? number(n) : text_of(from->text, from->len);
    }
}

static int compile(const struct lt_yaml_node *from, struct node *node, struct leat_error *err);

static int compile_args(struct lt_yaml_node *const *items, size_t n, struct node *node,
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

static int compile(const struct lt_yaml_node *from, struct node *node, struct leat_error *err)
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
    for (size_t i = 0; i < LT_ARRAY_LEN(ops); i++) {
        if (!strcmp(ops[i].name, op)) {
            const struct lt_yaml_node *args = from->items[0];
            node->run = ops[i].run;
            node->op = ops[i].name;
            return args->kind == LT_YAML_LIST ? compile_args(args->items, args->n, node, err)
                                              : compile_args(from->items, 1, node, err);
        }
    }
    return lt_fail(err, LT_E_INVALID, "invalid JsonLogic rule: there is no operation \"%s\"", op);
}

static void node_done(struct node *node)
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
    give_back(logic);
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
        struct scope scope = {.logic = logic, .batch = batch, .row = row};
        give_back(logic);
        struct value v = run(&scope, &logic->root);
        enum hp_logic_kind kind = v.kind == NOTHING ? HP_LOGIC_NULL
                                  : v.kind == TEXT  ? HP_LOGIC_TEXT
                                                    : HP_LOGIC_OTHER;
        lt_buf_clear(&json);
        if (logic->failed || print(&v, kind != HP_LOGIC_TEXT, &json)) {
            rc = lt_fail(err, LT_E_LIMIT, "a JsonLogic rule takes too much memory");
        } else if (each(arg_, row, kind, lt_buf_text(&json), json.len)) {
            rc = lt_fail_oom(err);
        }
    }
    lt_buf_done(&json);
    return rc;
}
