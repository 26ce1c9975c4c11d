/* Arrow schema to Parquet's: elements with both kinds of annotation ("LogicalTypes.md"), and the
 * tree of nodes. Lists have the three levels, maps the names, that the specification asks for. */
#include "formats/parquet/tree.h"

#include "core/codes.h"

#include <stdlib.h>

#include "core/banned.h"

struct builder {
    const struct lt_pq_tree_options *options;
    struct lt_pq_element *elements;
    size_t n, cap;
    size_t n_leaves;
};

/* How a type of leat is stored. Types whose annotation depends on more than the id are completed
 * by annotate(). */
struct storage {
    enum lt_pq_type type;
    int32_t converted;
    int32_t logical;
    int32_t bit_width;
    bool is_signed;
};

#define NO_CONV LT_PQ_CONV_NONE
#define INTEGER(type, bits, sign, name)                                                            \
    {                                                                                              \
        LT_PQ_##type, LT_PQ_CONV_##name, LT_PQ_LOGICAL_INTEGER, bits, sign                         \
    }
#define TEXT                                                                                       \
    {                                                                                              \
        LT_PQ_BYTE_ARRAY, LT_PQ_CONV_UTF8, LT_PQ_LOGICAL_STRING, 0, false                          \
    }
#define PLAIN(type)                                                                                \
    {                                                                                              \
        LT_PQ_##type, NO_CONV, LT_PQ_LOGICAL_NONE, 0, false                                        \
    }

/* Plain INT32 and INT64 go without annotation: everything reads them so. */
static const struct storage storages[LT_TYPES_N] = {
    [LT_NULL] = {LT_PQ_INT32, NO_CONV, LT_PQ_LOGICAL_UNKNOWN, 0, false},
    [LT_BOOL] = PLAIN(BOOLEAN),
    [LT_INT8] = INTEGER(INT32, 8, true, INT_8),
    [LT_INT16] = INTEGER(INT32, 16, true, INT_16),
    [LT_INT32] = PLAIN(INT32),
    [LT_INT64] = PLAIN(INT64),
    [LT_UINT8] = INTEGER(INT32, 8, false, UINT_8),
    [LT_UINT16] = INTEGER(INT32, 16, false, UINT_16),
    [LT_UINT32] = INTEGER(INT32, 32, false, UINT_32),
    [LT_UINT64] = INTEGER(INT64, 64, false, UINT_64),
    [LT_FLOAT16] = {LT_PQ_FLBA, NO_CONV, LT_PQ_LOGICAL_FLOAT16, 0, false},
    [LT_FLOAT32] = PLAIN(FLOAT),
    [LT_FLOAT64] = PLAIN(DOUBLE),
    [LT_DECIMAL32] = {LT_PQ_INT32, LT_PQ_CONV_DECIMAL, LT_PQ_LOGICAL_DECIMAL, 0, false},
    [LT_DECIMAL64] = {LT_PQ_INT64, LT_PQ_CONV_DECIMAL, LT_PQ_LOGICAL_DECIMAL, 0, false},
    [LT_DECIMAL128] = {LT_PQ_FLBA, LT_PQ_CONV_DECIMAL, LT_PQ_LOGICAL_DECIMAL, 0, false},
    [LT_DECIMAL256] = {LT_PQ_FLBA, LT_PQ_CONV_DECIMAL, LT_PQ_LOGICAL_DECIMAL, 0, false},
    [LT_UTF8] = TEXT,
    [LT_LARGE_UTF8] = TEXT,
    [LT_BINARY] = PLAIN(BYTE_ARRAY),
    [LT_LARGE_BINARY] = PLAIN(BYTE_ARRAY),
    [LT_FIXED_BINARY] = PLAIN(FLBA),
    [LT_DATE32] = {LT_PQ_INT32, LT_PQ_CONV_DATE, LT_PQ_LOGICAL_DATE, 0, false},
    [LT_DATE64] = {LT_PQ_INT32, LT_PQ_CONV_DATE, LT_PQ_LOGICAL_DATE, 0, false},
    [LT_TIME32] = {LT_PQ_INT32, NO_CONV, LT_PQ_LOGICAL_TIME, 0, false},
    [LT_TIME64] = {LT_PQ_INT64, NO_CONV, LT_PQ_LOGICAL_TIME, 0, false},
    [LT_TIMESTAMP] = {LT_PQ_INT64, NO_CONV, LT_PQ_LOGICAL_TIMESTAMP, 0, false},
    [LT_DURATION] = PLAIN(INT64),
    [LT_INTERVAL_MONTHS] = TEXT,
    [LT_INTERVAL_DAY_TIME] = TEXT,
    [LT_INTERVAL] = TEXT,
};
#undef INTEGER
#undef TEXT
#undef PLAIN

/* Seconds have no unit in Parquet: they are stored as milliseconds. */
static int32_t parquet_unit(enum lt_unit unit)
{
    return unit == LT_NANO ? LT_PQ_NANOS : unit == LT_MICRO ? LT_PQ_MICROS : LT_PQ_MILLIS;
}

int32_t lt_pq_decimal_bytes(int32_t precision)
{
    /* 10^p - 1 has floor(p * log2(10)) + 1 bits, and there is a sign. */
    int32_t bits = (int32_t)((int64_t)precision * 33219281 / 10000000) + 2;
    return (bits + 7) / 8;
}

static void annotate_decimal(const struct lt_type *type, struct lt_pq_element *element)
{
    element->precision = type->precision;
    element->scale = type->scale;
    element->type = type->precision <= 9    ? LT_PQ_INT32
                    : type->precision <= 18 ? LT_PQ_INT64
                                            : LT_PQ_FLBA;
    element->type_length = element->type == LT_PQ_FLBA ? lt_pq_decimal_bytes(type->precision) : 0;
}

/* A moment (with a zone) is adjusted to UTC. What has none gets no converted type: readers that
 * know only those take it for a moment in UTC. */
static void annotate_timestamp(const struct builder *b, const struct lt_type *type,
                               struct lt_pq_element *element)
{
    if (b->options->int96) {
        element->type = LT_PQ_INT96;
        element->logical = LT_PQ_LOGICAL_NONE;
        return;
    }
    element->utc = type->zone && *type->zone;
    element->unit = parquet_unit(type->unit);
    if (element->utc && element->unit == LT_PQ_MILLIS) {
        element->converted = LT_PQ_CONV_TIMESTAMP_MILLIS;
    } else if (element->utc && element->unit == LT_PQ_MICROS) {
        element->converted = LT_PQ_CONV_TIMESTAMP_MICROS;
    }
}

static void annotate(const struct builder *b, const struct lt_type *type,
                     struct lt_pq_element *element)
{
    switch (type->id) {
    case LT_FLOAT16:
        element->type_length = 2;
        break;
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        annotate_decimal(type, element);
        break;
    case LT_FIXED_BINARY:
        element->type_length = type->width;
        element->logical = type->logical == LT_UUID ? LT_PQ_LOGICAL_UUID : LT_PQ_LOGICAL_NONE;
        break;
    case LT_TIME32:
    case LT_TIME64:
        element->unit = parquet_unit(type->unit);
        break;
    case LT_TIMESTAMP:
        annotate_timestamp(b, type, element);
        break;
    default:
        break;
    }
    if (type->logical == LT_JSON && b->options->json) {
        element->converted = LT_PQ_CONV_JSON;
        element->logical = LT_PQ_LOGICAL_JSON;
    }
}

/* --- elements and nodes -------------------------------------------------------------------- */

static int add_element(struct builder *b, const char *name, int32_t repetition, size_t *ret_index,
                       struct leat_error *err)
{
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 16;
        struct lt_pq_element *grown = realloc(b->elements, cap * sizeof *grown);
        if (!grown) {
            return lt_fail_oom(err);
        }
        b->elements = grown;
        b->cap = cap;
    }
    name = name ? name : "";
    b->elements[b->n] = (struct lt_pq_element){.type = -1,
                                               .repetition = repetition,
                                               .name = {(const uint8_t *)name, strlen(name)},
                                               .converted = LT_PQ_CONV_NONE,
                                               .field_id = -1,
                                               .logical = LT_PQ_LOGICAL_NONE};
    *ret_index = b->n++;
    return LEAT_OK;
}

/* Levels and names of the place a node stands at. */
struct place {
    struct lt_pq_node *parent;
    const char *name; /* NULL: the field's own */
    int16_t def, rep; /* levels above the node */
    bool required;    /* whatever the field says: a map's key */
    int depth;
};

static int add_node(struct builder *b, const struct ArrowSchema *field, struct place place,
                    struct lt_pq_node *node, struct leat_error *err);

static int add_leaf(struct builder *b, const struct lt_type *type, struct lt_pq_node *node,
                    struct leat_error *err)
{
    struct lt_pq_element *element = &b->elements[node->element];
    const struct storage *storage = &storages[type->id];
    element->type = (int32_t)storage->type;
    element->converted = storage->converted;
    element->logical = storage->logical;
    element->bit_width = storage->bit_width;
    element->is_signed = storage->is_signed;
    annotate(b, type, element);
    if (element->type == LT_PQ_FLBA && element->type_length <= 0) {
        return lt_fail(err, LT_E_UNSUPPORTED_TYPE, "Parquet has no values of no bytes");
    }
    node->shape = LT_PQ_LEAF;
    node->leaf = b->n_leaves++;
    node->def_max = node->def_present;
    node->rep_max = node->rep;
    node->type = (enum lt_pq_type)element->type;
    node->type_length = element->type_length;
    return LEAT_OK;
}

static int add_struct(struct builder *b, const struct ArrowSchema *field, struct place place,
                      struct lt_pq_node *node, struct leat_error *err)
{
    size_t n = (size_t)field->n_children;
    node->shape = LT_PQ_STRUCT;
    if (!n) {
        return lt_fail(err, LT_E_UNSUPPORTED_TYPE, "Parquet has no structs without members");
    }
    b->elements[node->element].n_children = (int32_t)n;
    node->children = calloc(n, sizeof *node->children);
    if (!node->children) {
        return lt_fail_oom(err);
    }
    node->n_children = n;
    struct place inner = {node, NULL, node->def_present, node->rep, false, place.depth + 1};
    int status = LEAT_OK;
    for (size_t i = 0; i < n && !status; i++) {
        status = add_node(b, field->children[i], inner, &node->children[i], err);
    }
    return status;
}

/* The repeated group between a list or map and what it holds. */
static int add_repeated(struct builder *b, const char *name, struct lt_pq_node *node,
                        size_t n_children, struct leat_error *err)
{
    size_t group;
    b->elements[node->element].n_children = 1;
    int status = add_element(b, name, LT_PQ_REPEATED, &group, err);
    if (status) {
        return status;
    }
    b->elements[group].n_children = (int32_t)n_children;
    node->def_element = (int16_t)(node->def_present + 1);
    node->rep_element = (int16_t)(node->rep + 1);
    node->children = calloc(n_children, sizeof *node->children);
    node->n_children = node->children ? n_children : 0;
    return node->children ? LEAT_OK : lt_fail_oom(err);
}

static int add_list(struct builder *b, const struct ArrowSchema *field, struct place place,
                    struct lt_pq_node *node, struct leat_error *err)
{
    node->shape = LT_PQ_LIST;
    b->elements[node->element].converted = LT_PQ_CONV_LIST;
    b->elements[node->element].logical = LT_PQ_LOGICAL_LIST;
    int status = add_repeated(b, "list", node, 1, err);
    struct place inner = {node,  "element",      node->def_element, node->rep_element,
                          false, place.depth + 1};
    return status ? status : add_node(b, field->children[0], inner, &node->children[0], err);
}

static int add_map(struct builder *b, const struct ArrowSchema *field, struct place place,
                   struct lt_pq_node *node, struct leat_error *err)
{
    const struct ArrowSchema *entries = field->children[0];
    node->shape = LT_PQ_MAP;
    b->elements[node->element].converted = LT_PQ_CONV_MAP;
    b->elements[node->element].logical = LT_PQ_LOGICAL_MAP;
    int status = add_repeated(b, "key_value", node, 2, err);
    struct place inner = {node, "key", node->def_element, node->rep_element, true, place.depth + 1};
    status = status ? status : add_node(b, entries->children[0], inner, &node->children[0], err);
    inner.name = "value";
    inner.required = false;
    return status ? status : add_node(b, entries->children[1], inner, &node->children[1], err);
}

static int add_node(struct builder *b, const struct ArrowSchema *field, struct place place,
                    struct lt_pq_node *node, struct leat_error *err)
{
    struct lt_type type;
    if (place.depth > LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "types nest deeper than %d levels", LT_TYPE_DEPTH_MAX);
    }
    int status = lt_type_of(field, &type, err);
    if (status) {
        return status;
    }
    /* A column of nulls is optional, or it could not hold one. */
    node->parent = place.parent;
    node->nullable = (type.nullable || type.id == LT_NULL) && !place.required;
    node->rep = place.rep;
    node->def_present = (int16_t)(place.def + node->nullable);
    status = add_element(b, place.name ? place.name : field->name,
                         node->nullable ? LT_PQ_OPTIONAL : LT_PQ_REQUIRED, &node->element, err);
    if (status) {
        return status;
    }
    switch (type.id) {
    case LT_STRUCT:
        return add_struct(b, field, place, node, err);
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
        return add_list(b, field, place, node, err);
    case LT_MAP:
        return add_map(b, field, place, node, err);
    default:
        return add_leaf(b, &type, node, err);
    }
}

/* Parents lie in arrays of their own parents', which do not move once made. */
int lt_pq_tree_write(const struct ArrowSchema *schema, const struct lt_pq_tree_options *options,
                     struct lt_pq_tree *ret_tree, struct lt_pq_element **ret_elements,
                     size_t *ret_n, struct leat_error *err)
{
    struct builder b = {.options = options};
    struct lt_pq_tree tree = {NULL, 0, 0};
    size_t root, n = (size_t)schema->n_children;
    int status = add_element(&b, "schema", LT_PQ_REQUIRED, &root, err);
    if (!status) {
        b.elements[root].n_children = (int32_t)n;
        tree.columns = calloc(n ? n : 1, sizeof *tree.columns);
        status = tree.columns ? LEAT_OK : lt_fail_oom(err);
    }
    for (size_t i = 0; i < n && !status; i++) {
        tree.n_columns = i + 1;
        status =
            add_node(&b, schema->children[i], (struct place){.depth = 1}, &tree.columns[i], err);
        if (status) {
            leat_error_place(err, "column \"%s\"", schema->children[i]->name);
        }
    }
    if (status) {
        free(b.elements);
        lt_pq_tree_done(&tree);
        return status;
    }
    tree.n_leaves = b.n_leaves;
    *ret_tree = tree;
    *ret_elements = b.elements;
    *ret_n = b.n;
    return LEAT_OK;
}
