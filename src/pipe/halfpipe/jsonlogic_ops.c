/* The operations of JsonLogic, and the table of them. */
#include "pipe/halfpipe/jsonlogic_parts.h"

#include "columnar/text.h"
#include "core/util.h"

/* --- the record ----------------------------------------------------------------------------- */

static struct hp_js field_value(struct hp_logic_scope *scope, const struct lt_view *view)
{
    int64_t row = scope->row;
    if (lt_view_is_null(view, row)) {
        return hp_js_nothing;
    }
    enum lt_type_id id = view->type.id;
    if (id == LT_UTF8 && view->type.logical != LT_NUMERIC) {
        size_t len;
        const uint8_t *bytes = lt_view_bytes(view, row, &len);
        return hp_js_text((const char *)bytes, len);
    }
    if (id == LT_BOOL) {
        return hp_js_truth(lt_view_bool(view, row));
    }
    if (id == LT_UINT64) {
        return hp_js_number((long double)lt_view_u64(view, row));
    }
    if (lt_type_is_integer(id)) {
        return hp_js_number((long double)lt_view_integer_but_u64(view, row));
    }
    struct lt_buf buf = LT_BUF_INIT;
    int rc = lt_text_format(view, row, &buf);
    struct hp_js v = hp_js_keep_text(scope, &buf, rc);
    bool is_number = id == LT_FLOAT32 || id == LT_FLOAT64 || id == LT_DECIMAL32 ||
                     id == LT_DECIMAL64 || id == LT_DECIMAL128 || id == LT_DECIMAL256 ||
                     view->type.logical == LT_NUMERIC;
    return is_number && v.kind == HP_JS_TEXT ? hp_js_number(hp_js_to_number(&v)) : v;
}

static struct hp_js arg(struct hp_logic_scope *scope, const struct hp_logic_node *node, size_t i)
{
    return i < node->n ? hp_logic_eval(scope, &node->args[i]) : hp_js_nothing;
}

static bool names(const struct hp_js *v, const char *name)
{
    return v->kind == HP_JS_TEXT && v->len == strlen(name) && !memcmp(v->text, name, v->len);
}

static bool find_var(struct hp_logic_scope *scope, const struct hp_js *name,
                     struct hp_js *ret_value)
{
    if (scope->accumulator && (names(name, "accumulator") || names(name, "current"))) {
        *ret_value = names(name, "accumulator") ? *scope->accumulator : *scope->item;
        return true;
    }
    if (scope->item) {
        bool whole = name->kind == HP_JS_NOTHING || (name->kind == HP_JS_TEXT && !name->len);
        long double at = hp_js_to_number(name);
        *ret_value = whole ? *scope->item : hp_js_nothing;
        if (!whole && scope->item->kind == HP_JS_LIST && at >= 0 &&
            at < (long double)scope->item->len) {
            *ret_value = scope->item->items[(size_t)at];
            return true;
        }
        return whole;
    }
    const struct ArrowSchema *schema = scope->batch->field;
    for (int64_t i = 0; name->kind == HP_JS_TEXT && i < schema->n_children; i++) {
        if (names(name, schema->children[i]->name)) {
            *ret_value = field_value(scope, &scope->batch->children[i]);
            return true;
        }
    }
    return false;
}

static struct hp_js op_var(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js name = arg(scope, node, 0), found = hp_js_nothing;
    if (name.kind == HP_JS_NUMBER) {
        name = scope->item ? name : hp_js_to_text(scope, &name);
    }
    return find_var(scope, &name, &found) && found.kind != HP_JS_NOTHING ? found
                                                                         : arg(scope, node, 1);
}

/* --- lists ---------------------------------------------------------------------------------- */

/* Room for a list that grows up to `most`. */
static struct hp_js *room(struct hp_logic_scope *scope, size_t most)
{
    return hp_logic_take(scope->logic, (most + 1) * sizeof(struct hp_js));
}

static struct hp_js list_of(struct hp_js *items, size_t n)
{
    return items ? (struct hp_js){.kind = HP_JS_LIST, .items = items, .len = n} : hp_js_nothing;
}

static struct hp_js all_args(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js *items = room(scope, node->n);
    for (size_t i = 0; items && i < node->n; i++) {
        items[i] = hp_logic_eval(scope, &node->args[i]);
    }
    return list_of(items, node->n);
}

static struct hp_js missing_of(struct hp_logic_scope *scope, const struct hp_js *wanted)
{
    struct hp_js *items = room(scope, wanted->len), found;
    size_t n = 0;
    for (size_t i = 0; items && i < wanted->len; i++) {
        struct hp_js name = hp_js_to_text(scope, &wanted->items[i]);
        bool there = find_var(scope, &name, &found) && found.kind != HP_JS_NOTHING &&
                     !(found.kind == HP_JS_TEXT && !found.len);
        if (!there) {
            items[n++] = name;
        }
    }
    return list_of(items, n);
}

static struct hp_js op_missing(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js all = all_args(scope, node);
    if (all.len && all.items[0].kind == HP_JS_LIST) {
        all = all.items[0];
    }
    return missing_of(scope, &all);
}

static struct hp_js op_missing_some(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js least = arg(scope, node, 0), wanted = arg(scope, node, 1);
    struct hp_js missing = wanted.kind == HP_JS_LIST ? missing_of(scope, &wanted) : hp_js_nothing;
    bool enough = (long double)(wanted.len - missing.len) >= hp_js_to_number(&least);
    return enough ? list_of(room(scope, 0), 0) : missing;
}

static struct hp_js op_merge(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js all = all_args(scope, node);
    size_t n = 0;
    for (size_t i = 0; i < all.len; i++) {
        n += all.items[i].kind == HP_JS_LIST ? all.items[i].len : 1;
    }
    struct hp_js *items = room(scope, n);
    n = 0;
    for (size_t i = 0; items && i < all.len; i++) {
        const struct hp_js *v = &all.items[i];
        for (size_t k = 0; v->kind == HP_JS_LIST && k < v->len; k++) {
            items[n++] = v->items[k];
        }
        if (v->kind != HP_JS_LIST) {
            items[n++] = *v;
        }
    }
    return list_of(items, n);
}

static struct hp_js inside(struct hp_logic_scope *scope, const struct hp_logic_node *node,
                           const struct hp_js *item)
{
    struct hp_logic_scope inner = *scope;
    inner.item = item;
    inner.accumulator = NULL;
    return node->n > 1 ? hp_logic_eval(&inner, &node->args[1]) : hp_js_nothing;
}

static struct hp_js op_map(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js from = arg(scope, node, 0);
    size_t n = from.kind == HP_JS_LIST ? from.len : 0;
    struct hp_js *items = room(scope, n);
    for (size_t i = 0; items && i < n; i++) {
        items[i] = inside(scope, node, &from.items[i]);
    }
    return list_of(items, n);
}

static struct hp_js op_filter(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js from = arg(scope, node, 0);
    size_t n = from.kind == HP_JS_LIST ? from.len : 0, kept = 0;
    struct hp_js *items = room(scope, n);
    for (size_t i = 0; items && i < n; i++) {
        struct hp_js keeps = inside(scope, node, &from.items[i]);
        if (hp_js_is_true(&keeps)) {
            items[kept++] = from.items[i];
        }
    }
    return list_of(items, kept);
}

static struct hp_js op_reduce(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js from = arg(scope, node, 0), sum = arg(scope, node, 2);
    for (size_t i = 0; from.kind == HP_JS_LIST && node->n > 1 && i < from.len; i++) {
        struct hp_logic_scope inner = *scope;
        struct hp_js so_far = sum;
        inner.item = &from.items[i];
        inner.accumulator = &so_far;
        sum = hp_logic_eval(&inner, &node->args[1]);
    }
    return sum;
}

static size_t count_true(struct hp_logic_scope *scope, const struct hp_logic_node *node,
                         size_t *ret_all)
{
    struct hp_js from = arg(scope, node, 0);
    size_t n = from.kind == HP_JS_LIST ? from.len : 0, found = 0;
    for (size_t i = 0; i < n; i++) {
        struct hp_js is = inside(scope, node, &from.items[i]);
        found += hp_js_is_true(&is);
    }
    *ret_all = n;
    return found;
}

static struct hp_js op_all(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    size_t all, n = count_true(scope, node, &all);
    return hp_js_truth(all && n == all);
}

static struct hp_js op_some(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    size_t all;
    return hp_js_truth(count_true(scope, node, &all) > 0);
}

static struct hp_js op_none(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    size_t all;
    return hp_js_truth(count_true(scope, node, &all) == 0);
}

/* --- logic ---------------------------------------------------------------------------------- */

static struct hp_js op_equal(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js a = arg(scope, node, 0), b = arg(scope, node, 1);
    bool strict = strlen(node->op) == 3, negated = node->op[0] == '!';
    return hp_js_truth((strict ? hp_js_is_same(&a, &b) : hp_js_is_equal(&a, &b)) != negated);
}

static bool in_order(const struct hp_js *a, const struct hp_js *b, bool or_equal)
{
    if (a->kind == HP_JS_TEXT && b->kind == HP_JS_TEXT) {
        int order = memcmp(a->text, b->text, LT_MIN(a->len, b->len));
        order = order ? order : (a->len > b->len) - (a->len < b->len);
        return or_equal ? order <= 0 : order < 0;
    }
    long double x = hp_js_to_number(a), y = hp_js_to_number(b);
    return or_equal ? x <= y : x < y;
}

/* a < b, and a < b < c; the same with > turned round. */
static struct hp_js op_order(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js a = arg(scope, node, 0), b = arg(scope, node, 1), c = arg(scope, node, 2);
    bool or_equal = node->op[1] == '=';
    if (node->op[0] == '>') {
        return hp_js_truth(in_order(&b, &a, or_equal));
    }
    return hp_js_truth(in_order(&a, &b, or_equal) && (node->n < 3 || in_order(&b, &c, or_equal)));
}

static struct hp_js op_not(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js a = arg(scope, node, 0);
    return hp_js_truth(hp_js_is_true(&a) == (node->op[1] == '!'));
}

/* The first that decides, or the last. */
static struct hp_js op_and_or(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    bool stops_at = node->op[0] == 'o';
    struct hp_js v = hp_js_nothing;
    for (size_t i = 0; i < node->n; i++) {
        v = hp_logic_eval(scope, &node->args[i]);
        if (hp_js_is_true(&v) == stops_at) {
            break;
        }
    }
    return v;
}

static struct hp_js op_if(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    size_t i = 0;
    for (; i + 1 < node->n; i += 2) {
        struct hp_js is = hp_logic_eval(scope, &node->args[i]);
        if (hp_js_is_true(&is)) {
            return hp_logic_eval(scope, &node->args[i + 1]);
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

static struct hp_js op_arithmetic(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js first = arg(scope, node, 0);
    long double n = hp_js_to_number(&first);
    if (node->n == 1 && *node->op == '-') {
        return hp_js_number(-n);
    }
    for (size_t i = 1; i < node->n; i++) {
        struct hp_js v = hp_logic_eval(scope, &node->args[i]);
        n = calculate(*node->op, n, hp_js_to_number(&v));
    }
    return hp_js_number(n);
}

static struct hp_js op_extreme(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    bool most = node->op[1] == 'a';
    struct hp_js best = hp_js_nothing;
    for (size_t i = 0; i < node->n; i++) {
        struct hp_js v = hp_logic_eval(scope, &node->args[i]);
        long double n = hp_js_to_number(&v);
        if (isnan(n)) {
            return hp_js_nothing;
        }
        if (!i || (most ? n > best.number : n < best.number)) {
            best = hp_js_number(n);
        }
    }
    return best;
}

static struct hp_js op_cat(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct lt_buf buf = LT_BUF_INIT;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < node->n; i++) {
        struct hp_js v = hp_logic_eval(scope, &node->args[i]);
        rc = hp_js_print(&v, false, &buf);
    }
    return hp_js_keep_text(scope, &buf, rc);
}

static struct hp_js op_in(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js what = arg(scope, node, 0), where = arg(scope, node, 1);
    bool found = false;
    if (where.kind == HP_JS_TEXT) {
        what = hp_js_to_text(scope, &what);
        found = what.kind == HP_JS_TEXT &&
                (!what.len || memmem(where.text, where.len, what.text, what.len));
    }
    for (size_t i = 0; where.kind == HP_JS_LIST && !found && i < where.len; i++) {
        found = hp_js_is_same(&what, &where.items[i]);
    }
    return hp_js_truth(found);
}

/* Bytes of the first n characters. */
static size_t bytes_of(const struct hp_js *v, long double n)
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

static struct hp_js op_substr(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    struct hp_js from = arg(scope, node, 0), at = arg(scope, node, 1), take_n = arg(scope, node, 2);
    struct hp_js v = hp_js_to_text(scope, &from);
    long double all = 0, first = hp_js_to_number(&at), n = hp_js_to_number(&take_n);
    for (size_t i = 0; v.kind == HP_JS_TEXT && i < v.len; i++) {
        all += ((unsigned char)v.text[i] & 0xC0) != 0x80;
    }
    first = first < 0 ? LT_MAX(all + first, 0) : LT_MIN(first, all);
    long double end = node->n < 3 ? all : n < 0 ? all + n : LT_MIN(first + n, all);
    if (v.kind != HP_JS_TEXT || isnan(first) || isnan(end) || end <= first) {
        return hp_js_text("", 0);
    }
    size_t begin = bytes_of(&v, first), stop = bytes_of(&v, end);
    return hp_js_text(v.text + begin, stop - begin);
}

static struct hp_js op_log(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    return arg(scope, node, 0);
}

/* --- the table ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    hp_logic_op_fn *run;
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

bool hp_logic_find_op(const char *name, struct hp_logic_node *node)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(ops); i++) {
        if (!strcmp(ops[i].name, name)) {
            node->run = ops[i].run;
            node->op = ops[i].name;
            return true;
        }
    }
    return false;
}

struct hp_js hp_logic_eval(struct hp_logic_scope *scope, const struct hp_logic_node *node)
{
    if (scope->logic->failed) {
        return hp_js_nothing;
    }
    return node->run ? node->run(scope, node) : node->lists ? all_args(scope, node) : node->value;
}
