/* The tree of a document while it is read: nodes, maps without doubles, anchors. */
#include "pipe/yaml_tree.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define NODE_WEIGHT 64
/* Each alias looks through them. */
#define ANCHORS_MAX 1000

int lt_yaml_fault_at(struct lt_yaml_reader *r, struct lt_yaml_place place, const char *fmt, ...)
{
    char message[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    r->fault = place;
    lt_fail(r->err, LT_E_INVALID, "%s", message);
    leat_error_place(r->err, "%s:%lld:%lld", r->yaml->file, (long long)place.line,
                     (long long)place.column);
    return LEAT_INVALID;
}

static struct lt_yaml_place place_of(const struct lt_yaml_node *node)
{
    return (struct lt_yaml_place){node->line, node->column};
}

int lt_yaml_fault_in(struct lt_yaml_reader *r, const struct lt_yaml_node *node, const char *message)
{
    return lt_yaml_fault_at(r, place_of(node), "%s", message);
}

/* --- nodes ---------------------------------------------------------------------------------- */

/* An array of pointers that has room for one more; NULL without memory, and then it is as it was. */
static void *grown(void *array, size_t n, size_t *cap, size_t item_size)
{
    if (n < *cap) {
        return array;
    }
    size_t more = *cap ? *cap * 2 : 8;
    void *bigger = realloc(array, more * item_size);
    if (bigger) {
        *cap = more;
    }
    return bigger;
}

struct lt_yaml_node *lt_yaml_node_new(struct lt_yaml_reader *r, enum lt_yaml_kind kind,
                                      struct lt_yaml_place place)
{
    struct lt_yaml *yaml = r->yaml;
    struct lt_yaml_node **nodes =
        grown(yaml->nodes, yaml->n_nodes, &yaml->nodes_cap, sizeof *nodes);
    struct lt_yaml_node *node = nodes ? calloc(1, sizeof *node) : NULL;
    yaml->nodes = nodes ? nodes : yaml->nodes;
    if (!node) {
        lt_fail_oom(r->err);
        return NULL;
    }
    nodes[yaml->n_nodes++] = node;
    node->kind = kind;
    node->line = (int32_t)place.line;
    node->column = (int32_t)place.column;
    node->file = yaml->file;
    node->weight = NODE_WEIGHT;
    return node;
}

void lt_yaml_free(struct lt_yaml *yaml)
{
    if (!yaml) {
        return;
    }
    for (size_t i = 0; i < yaml->n_nodes; i++) {
        free(yaml->nodes[i]->text);
        free(yaml->nodes[i]->keys);
        free(yaml->nodes[i]->items);
        free(yaml->nodes[i]);
    }
    free(yaml->nodes);
    free(yaml->file);
    free(yaml);
}

const struct lt_yaml_node *lt_yaml_root(const struct lt_yaml *yaml)
{
    return yaml->root;
}

/* --- maps ----------------------------------------------------------------------------------- */

static bool is_merge_key(const struct lt_yaml_node *key)
{
    return !key->quoted && !strcmp(key->text, "<<");
}

/* Puts `from` into those whose members the map at work takes over. */
static int add_merge(struct lt_yaml_reader *r, struct lt_yaml_frame *f, struct lt_yaml_node *from)
{
    if (from->kind != LT_YAML_MAP) {
        return lt_yaml_fault_in(r, from, "a merge key (<<) takes a map, or a list of maps");
    }
    struct lt_yaml_node **merges = realloc(f->merges, (f->n_merges + 1) * sizeof *merges);
    if (!merges) {
        return lt_fail_oom(r->err);
    }
    f->merges = merges;
    f->merges[f->n_merges++] = from;
    return LEAT_OK;
}

static int put_pair(struct lt_yaml_reader *r, struct lt_yaml_node *map, size_t *cap,
                    struct lt_yaml_node *key, struct lt_yaml_node *value)
{
    size_t cap_before = *cap;
    struct lt_yaml_node **items = grown(map->items, map->n, cap, sizeof *items);
    map->items = items ? items : map->items;
    /* Both arrays have the same room. */
    struct lt_yaml_node **keys =
        items && *cap != cap_before ? realloc(map->keys, *cap * sizeof *keys) : map->keys;
    if (!items || !keys) {
        return lt_fail_oom(r->err);
    }
    map->keys = keys;
    map->keys[map->n] = key;
    map->items[map->n++] = value;
    return LEAT_OK;
}

static int add_to_map(struct lt_yaml_reader *r, struct lt_yaml_frame *f, struct lt_yaml_node *node)
{
    struct lt_yaml_node *key = f->key;
    if (!key) {
        if (node->kind != LT_YAML_SCALAR) {
            return lt_yaml_fault_in(r, node, "a key is text, not a list or a map");
        }
        f->key = node;
        return LEAT_OK;
    }
    f->key = NULL;
    if (!is_merge_key(key)) {
        return put_pair(r, f->node, &f->items_cap, key, node);
    }
    if (node->kind != LT_YAML_LIST) {
        return add_merge(r, f, node);
    }
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < node->n; i++) {
        rc = add_merge(r, f, node->items[i]);
    }
    return rc;
}

int lt_yaml_put(struct lt_yaml_reader *r, struct lt_yaml_node *node)
{
    if (!r->depth) {
        r->yaml->root = node;
        return LEAT_OK;
    }
    struct lt_yaml_frame *f = &r->stack[r->depth - 1];
    struct lt_yaml_node *to = f->node;
    to->weight += node->weight;
    if (to->weight > LT_YAML_WEIGHT_MAX) {
        return lt_yaml_fault_in(r, node,
                                "the document is too large: its aliases stand for too much");
    }
    if (to->kind == LT_YAML_MAP) {
        return add_to_map(r, f, node);
    }
    struct lt_yaml_node **items = grown(to->items, to->n, &f->items_cap, sizeof *items);
    if (!items) {
        return lt_fail_oom(r->err);
    }
    to->items = items;
    to->items[to->n++] = node;
    return LEAT_OK;
}

/* A pair of a map, or of one that is merged into it. */
struct pair {
    struct lt_yaml_node *key, *value;
    size_t order; /* of the document, own ones first */
};

static int by_key(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = strcmp(x->key->text, y->key->text);
    return order ? order : x->order < y->order ? -1 : x->order > y->order;
}

static int by_order(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Of pairs of one key keeps the first; two of the map's own are a fault. Sorted by key. */
static int without_doubles(struct lt_yaml_reader *r, struct pair *pairs, size_t *n, size_t n_own)
{
    struct pair doubled = {NULL, NULL, SIZE_MAX}, first = doubled;
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        bool same = kept && !strcmp(pairs[kept - 1].key->text, pairs[i].key->text);
        if (!same) {
            pairs[kept++] = pairs[i];
        } else if (pairs[i].order < n_own && pairs[i].order < doubled.order) {
            doubled = pairs[i];
            first = pairs[kept - 1];
        }
    }
    *n = kept;
    if (!doubled.key) {
        return LEAT_OK;
    }
    int rc =
        lt_yaml_fault_at(r, place_of(doubled.key),
                         "the key \"%.100s\" stands here a second time; the first is in line %d",
                         doubled.key->text, (int)first.key->line);
    leat_error_remedy(r->err, "leave one of them out");
    return rc;
}

int lt_yaml_map_finish(struct lt_yaml_reader *r, struct lt_yaml_frame *f)
{
    struct lt_yaml_node *map = f->node;
    size_t n = map->n, n_own = map->n, at = 0, cap = f->items_cap;
    for (size_t m = 0; m < f->n_merges; m++) {
        n += f->merges[m]->n;
    }
    struct pair *pairs = calloc(n + 1, sizeof *pairs);
    if (!pairs) {
        return lt_fail_oom(r->err);
    }
    for (; at < n_own; at++) {
        pairs[at] = (struct pair){map->keys[at], map->items[at], at};
    }
    for (size_t m = 0; m < f->n_merges; m++) {
        const struct lt_yaml_node *from = f->merges[m];
        for (size_t i = 0; i < from->n; i++, at++) {
            pairs[at] = (struct pair){from->keys[i], from->items[i], at};
        }
    }
    qsort(pairs, n, sizeof *pairs, by_key);
    int rc = without_doubles(r, pairs, &n, n_own);
    if (!rc) {
        qsort(pairs, n, sizeof *pairs, by_order);
    }
    map->n = rc ? map->n : 0;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = put_pair(r, map, &cap, pairs[i].key, pairs[i].value);
    }
    free(pairs);
    free(f->merges);
    f->merges = NULL;
    return rc;
}

/* --- anchors -------------------------------------------------------------------------------- */

struct lt_yaml_anchor *lt_yaml_anchor_find(struct lt_yaml_reader *r, const char *name)
{
    for (size_t i = r->n_anchors; i-- > 0;) {
        if (!strcmp(r->anchors[i].name, name)) {
            return &r->anchors[i];
        }
    }
    return NULL;
}

int lt_yaml_anchor_set(struct lt_yaml_reader *r, const char *name, struct lt_yaml_node *node)
{
    if (!name) {
        return LEAT_OK;
    }
    struct lt_yaml_anchor *anchor = lt_yaml_anchor_find(r, name);
    if (!anchor && r->n_anchors == ANCHORS_MAX) {
        return lt_yaml_fault_in(r, node, "the document has too many anchors");
    }
    if (!anchor) {
        struct lt_yaml_anchor *anchors =
            grown(r->anchors, r->n_anchors, &r->anchors_cap, sizeof *anchors);
        char *copy = anchors ? lt_strdup(name) : NULL;
        r->anchors = anchors ? anchors : r->anchors;
        if (!copy) {
            return lt_fail_oom(r->err);
        }
        anchor = &anchors[r->n_anchors++];
        anchor->name = copy;
    }
    anchor->node = node;
    anchor->open = node->kind != LT_YAML_SCALAR;
    return LEAT_OK;
}

void lt_yaml_anchors_close(struct lt_yaml_reader *r, const struct lt_yaml_node *node)
{
    for (size_t i = 0; i < r->n_anchors; i++) {
        r->anchors[i].open &= r->anchors[i].node != node;
    }
}
