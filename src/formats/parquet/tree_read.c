/* From the footer's elements to a tree and its Arrow schema.
 *
 * The elements come depth first, each group followed by its members. Lists and maps are groups
 * with an annotation around a repeated member; what that member means follows the rules for
 * backward compatibility of "LogicalTypes.md", "Nested Types". */
#include "formats/parquet/tree.h"

#include "core/codes.h"
#include "core/util.h"
#include "formats/parquet/tree_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/banned.h"

#define FIELD_ID_KEY "PARQUET:field_id"

struct reading {
    const struct lt_pq_element *elements;
    size_t n;
    size_t at; /* the next element */
    size_t leaf;
    int depth; /* of groups */
};

/* Where in the levels a node lies: the levels of its parent's value. */
struct levels {
    int16_t def, rep;
};

static int read_slot(struct reading *r, struct levels at, struct lt_pq_node *node,
                     struct ArrowSchema *field, struct leat_error *err);
static int read_value(struct reading *r, struct levels at, struct lt_pq_node *node,
                      struct ArrowSchema *field, struct leat_error *err);

static int corrupt(struct leat_error *err, const char *what)
{
    return lt_fail(err, LT_E_CORRUPT, "the schema is damaged: %s", what);
}

static bool is_group(const struct lt_pq_element *element)
{
    return element->n_children > 0 || element->type < 0;
}

static bool name_is(const struct lt_pq_element *element, const char *name, size_t len)
{
    return element->name.len == len && (!len || !memcmp(element->name.data, name, len));
}

static bool is_annotated(const struct lt_pq_element *e, int logical, int converted)
{
    return e->logical == logical || (e->logical == LT_PQ_LOGICAL_NONE && e->converted == converted);
}

static bool is_list(const struct lt_pq_element *e)
{
    return is_annotated(e, LT_PQ_LOGICAL_LIST, LT_PQ_CONV_LIST);
}

static bool is_map(const struct lt_pq_element *e)
{
    return is_annotated(e, LT_PQ_LOGICAL_MAP, LT_PQ_CONV_MAP) ||
           is_annotated(e, LT_PQ_LOGICAL_MAP, LT_PQ_CONV_MAP_KEY_VALUE);
}

/* The group at `i` holds one repeated member and nothing else. */
static bool holds_repeated(const struct reading *r, size_t i)
{
    return r->elements[i].n_children == 1 && i + 1 < r->n &&
           r->elements[i + 1].repetition == LT_PQ_REPEATED;
}

/* Whether the repeated member at i + 1 of the list at `i` is itself the element, rather than a
 * group around it. */
static bool is_two_level(const struct reading *r, size_t i)
{
    const struct lt_pq_element *list = &r->elements[i], *member = list + 1;
    static const char tuple[] = "_tuple";
    size_t len = list->name.len, tuple_len = sizeof tuple - 1;
    if (!is_group(member) || member->n_children != 1 || is_list(member) || is_map(member)) {
        return true;
    }
    if (i + 2 < r->n && r->elements[i + 2].repetition == LT_PQ_REPEATED) {
        return true;
    }
    return name_is(member, "array", 5) || (member->name.len == len + tuple_len && len &&
                                           !memcmp(member->name.data, list->name.data, len) &&
                                           !memcmp(member->name.data + len, tuple, tuple_len));
}

static int name_of(const struct lt_pq_element *element, char **ret_name, struct leat_error *err)
{
    const char *text = (const char *)element->name.data;
    size_t len = element->name.len;
    if (len && (memchr(text, 0, len) || lt_utf8_valid_prefix(text, len) != len)) {
        return corrupt(err, "a name is no text");
    }
    *ret_name = lt_strndup(text ? text : "", len);
    return *ret_name ? LEAT_OK : lt_fail_oom(err);
}

static int add_nodes(struct lt_pq_node *node, size_t n, struct leat_error *err)
{
    node->children = calloc(n, sizeof *node->children);
    if (!node->children) {
        return lt_fail_oom(err);
    }
    node->n_children = n;
    for (size_t i = 0; i < n; i++) {
        node->children[i].parent = node;
    }
    return LEAT_OK;
}

/* A group's or list's field, of no children yet. */
static int init_field(const struct lt_pq_element *element, const char *format,
                      struct ArrowSchema *ret_field, struct leat_error *err)
{
    char *name = NULL;
    int status = name_of(element, &name, err);
    status = status ? status : lt_schema_init(ret_field, format, name, err);
    if (!status) {
        ret_field->flags = 0;
    }
    free(name);
    return status;
}

static int set_field_id(const struct lt_pq_element *element, struct ArrowSchema *field,
                        struct leat_error *err)
{
    char text[16];
    if (element->field_id < 0) {
        return LEAT_OK;
    }
    snprintf(text, sizeof text, "%d", element->field_id);
    return lt_schema_set_meta(field, FIELD_ID_KEY, text, err);
}

/* Members of a group, as children of `field`. */
static int read_members(struct reading *r, size_t n, struct levels at, struct lt_pq_node *node,
                        struct ArrowSchema *field, struct leat_error *err)
{
    int status = n <= r->n - r->at ? add_nodes(node, n, err) : corrupt(err, "members are missing");
    for (size_t i = 0; i < n && !status; i++) {
        struct ArrowSchema member = {.release = NULL};
        status = read_slot(r, at, &node->children[i], &member, err);
        status = status ? status : lt_schema_add(field, &member, err);
        lt_schema_done(&member);
    }
    return status;
}

static int read_struct(struct reading *r, struct levels at, struct lt_pq_node *node,
                       struct ArrowSchema *field, struct leat_error *err)
{
    const struct lt_pq_element *element = &r->elements[r->at++];
    if (element->n_children < 1) {
        int status = lt_fail(err, LT_E_UNSUPPORTED, "a group without members is not read");
        leat_error_place(err, "column \"%.*s\"", (int)LT_MIN(element->name.len, 100),
                         (const char *)element->name.data);
        return status;
    }
    node->shape = LT_PQ_STRUCT;
    int status = init_field(element, "+s", field, err);
    return status ? status : read_members(r, (size_t)element->n_children, at, node, field, err);
}

/* The elements of a list whose levels are set: `read` reads one. */
static int read_elements(struct reading *r, struct lt_pq_node *node, struct ArrowSchema *field,
                         bool required, struct leat_error *err)
{
    struct levels inner = {node->def_element, node->rep_element};
    struct ArrowSchema element = {.release = NULL};
    int status = add_nodes(node, 1, err);
    if (!status) {
        status = (required ? read_value : read_slot)(r, inner, node->children, &element, err);
    }
    status = status ? status : lt_schema_add(field, &element, err);
    lt_schema_done(&element);
    return status;
}

static void set_list(struct lt_pq_node *node, enum lt_pq_shape shape, struct levels at)
{
    node->shape = shape;
    node->def_element = (int16_t)(at.def + 1);
    node->rep_element = (int16_t)(at.rep + 1);
}

static int read_list(struct reading *r, struct levels at, struct lt_pq_node *node,
                     struct ArrowSchema *field, struct leat_error *err)
{
    bool two_level = is_two_level(r, r->at);
    int status = init_field(&r->elements[r->at], "+l", field, err);
    set_list(node, LT_PQ_LIST, at);
    r->at += two_level ? 1 : 2;
    return status ? status : read_elements(r, node, field, two_level, err);
}

/* Keys are required; old writers annotate them as optional, and then none may be null. */
static int read_map(struct reading *r, struct levels at, struct lt_pq_node *node,
                    struct ArrowSchema *field, struct leat_error *err)
{
    struct ArrowSchema entries = {.release = NULL};
    int status = init_field(&r->elements[r->at], "+m", field, err);
    set_list(node, LT_PQ_MAP, at);
    struct levels inner = {node->def_element, node->rep_element};
    r->at += 2;
    status = status ? status : lt_schema_init(&entries, "+s", "entries", err);
    if (!status) {
        entries.flags = 0;
        status = read_members(r, 2, inner, node, &entries, err);
    }
    if (!status) {
        entries.children[0]->flags &= ~(int64_t)ARROW_FLAG_NULLABLE;
        status = lt_schema_add(field, &entries, err);
    }
    lt_schema_done(&entries);
    return status;
}

static int read_leaf(struct reading *r, struct levels at, struct lt_pq_node *node,
                     struct ArrowSchema *field, struct leat_error *err)
{
    const struct lt_pq_element *element = &r->elements[r->at++];
    char *name = NULL;
    node->shape = LT_PQ_LEAF;
    node->leaf = r->leaf++;
    node->def_max = at.def;
    node->rep_max = at.rep;
    node->type = (enum lt_pq_type)element->type;
    node->type_length = element->type == LT_PQ_FLBA ? element->type_length : 0;
    int status = name_of(element, &name, err);
    status = status ? status : lt_pq_leaf_field(element, name, field, err);
    if (status && name) {
        leat_error_place(err, "column \"%s\"", name);
    }
    free(name);
    return status;
}

/* The value at the next element, its repetition apart: it is there at `at`. */
static int read_value(struct reading *r, struct levels at, struct lt_pq_node *node,
                      struct ArrowSchema *field, struct leat_error *err)
{
    size_t i = r->at;
    const struct lt_pq_element *element = &r->elements[i];
    int status;
    if (i >= r->n) {
        return corrupt(err, "members are missing");
    }
    if (++r->depth > 2 * LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "the schema is nested deeper than %d", LT_TYPE_DEPTH_MAX);
    }
    node->element = i;
    node->def_present = at.def;
    node->rep = at.rep;
    if (!is_group(element)) {
        status = read_leaf(r, at, node, field, err);
    } else if (is_list(element) && holds_repeated(r, i)) {
        status = read_list(r, at, node, field, err);
    } else if (is_map(element) && holds_repeated(r, i) && r->elements[i + 1].n_children == 2) {
        status = read_map(r, at, node, field, err);
    } else if (is_map(element) && holds_repeated(r, i) && r->elements[i + 1].n_children == 1) {
        status = read_list(r, at, node, field, err); /* keys alone: a set */
    } else {
        status = read_struct(r, at, node, field, err);
    }
    r->depth--;
    return status ? status : set_field_id(element, field, err);
}

/* A repeated element without annotation: a list that is never null, of elements never null. */
static int read_repeated(struct reading *r, struct levels at, struct lt_pq_node *node,
                         struct ArrowSchema *field, struct leat_error *err)
{
    node->element = r->at;
    node->def_present = at.def;
    node->rep = at.rep;
    set_list(node, LT_PQ_LIST, at);
    int status = init_field(&r->elements[r->at], "+l", field, err);
    return status ? status : read_elements(r, node, field, true, err);
}

/* The next element with its repetition, below a parent that is there at `at`. */
static int read_slot(struct reading *r, struct levels at, struct lt_pq_node *node,
                     struct ArrowSchema *field, struct leat_error *err)
{
    if (r->at >= r->n) {
        return corrupt(err, "members are missing");
    }
    switch (r->elements[r->at].repetition) {
    case LT_PQ_REQUIRED:
        return read_value(r, at, node, field, err);
    case LT_PQ_OPTIONAL: {
        struct levels inner = {(int16_t)(at.def + 1), at.rep};
        int status = read_value(r, inner, node, field, err);
        if (!status) {
            node->nullable = true;
            field->flags |= ARROW_FLAG_NULLABLE;
        }
        return status;
    }
    case LT_PQ_REPEATED:
        return read_repeated(r, at, node, field, err);
    default:
        return corrupt(err, "a column of an unknown repetition");
    }
}

int lt_pq_tree_read(const struct lt_pq_footer *footer, struct lt_pq_tree *ret_tree,
                    struct ArrowSchema *ret_schema, struct leat_error *err)
{
    struct reading r = {.elements = footer->elements, .n = footer->n_elements, .at = 1};
    struct lt_pq_node root = {.parent = NULL};
    struct ArrowSchema schema = {.release = NULL};
    struct levels top = {0, 0};
    int64_t n = footer->n_elements ? footer->elements[0].n_children : -1;
    if (n < 0 || (size_t)n > r.n - 1) {
        return corrupt(err, "it has no root");
    }
    int status = lt_schema_init_struct(&schema, 0, err);
    if (!status && n) {
        status = read_members(&r, (size_t)n, top, &root, &schema, err);
    }
    if (!status && r.at != r.n) {
        status = corrupt(err, "it has elements left over");
    }
    status = status ? status : lt_pq_restore_arrow(footer, &schema, err);
    status = status ? status : lt_schema_check(&schema, err);
    struct lt_pq_tree tree = {root.children, root.n_children, r.leaf};
    for (size_t i = 0; i < tree.n_columns; i++) {
        tree.columns[i].parent = NULL;
    }
    if (status) {
        lt_pq_tree_done(&tree);
        lt_schema_done(&schema);
        return status;
    }
    *ret_tree = tree;
    lt_schema_move(&schema, ret_schema);
    return LEAT_OK;
}
