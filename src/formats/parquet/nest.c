/* A node's slots are seen in the levels of any leaf below it; here of its first. A level says for
 * each slot of the leaf down to where its path is there: the slot begins a slot of a node when it
 * repeats nothing below the node (rep <= node->rep) and the list around the node has an element
 * (def >= that list's def_element). */
#include "formats/parquet/nest.h"

#include "columnar/bits.h"
#include "core/codes.h"
#include "core/util.h"
#include "formats/arrow/batch.h"

#include <stdlib.h>

#include "core/banned.h"

struct nesting {
    struct lt_pq_leaf *const *leaves;
    int64_t rows;
};

static int nest(const struct nesting *n, const struct lt_pq_node *node, int def_slot,
                const struct ArrowSchema *field, struct ArrowArray *ret_array,
                struct leat_error *err);

static struct lt_pq_slots slots_of(const struct nesting *n, const struct lt_pq_node *node)
{
    while (node->shape != LT_PQ_LEAF) {
        node = node->children;
    }
    return lt_pq_leaf_slots(n->leaves[node->leaf], n->rows);
}

/* --- what levels say ------------------------------------------------------------------------- */

/* How many slots of the node there are, at most as many as slots of the leaf. */
static int64_t count_slots(const struct lt_pq_slots *slots, const struct lt_pq_node *node,
                           int def_slot)
{
    int64_t n = 0;
    if (!slots->rep || !slots->def) {
        return slots->n;
    }
    for (int64_t i = 0; i < slots->n; i++) {
        n += slots->rep[i] <= node->rep && slots->def[i] >= def_slot;
    }
    return n;
}

/* Validity of the node's `length` slots; *ret_nulls of them are null. Without a null there are no
 * bits. `below`: slots that are not there because something around them is null count as null,
 * even if the node itself cannot be. */
static int make_validity(const struct lt_pq_slots *slots, const struct lt_pq_node *node,
                         int def_slot, int64_t length, bool below, uint8_t **ret_bits,
                         int64_t *ret_nulls, struct leat_error *err)
{
    int64_t at = 0, valid = 0;
    *ret_bits = NULL;
    *ret_nulls = 0;
    if ((!node->nullable && !below) || !slots->def) {
        return LEAT_OK;
    }
    uint8_t *bits = calloc((size_t)length / 8 + 1, 1);
    if (!bits) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < slots->n; i++) {
        if ((!slots->rep || slots->rep[i] <= node->rep) && slots->def[i] >= def_slot) {
            unsigned is = slots->def[i] >= node->def_present;
            bits[at >> 3] |= (uint8_t)(is << (at & 7));
            valid += is;
            at++;
        }
    }
    *ret_nulls = length - valid;
    if (valid == length) {
        free(bits);
        bits = NULL;
    }
    *ret_bits = bits;
    return LEAT_OK;
}

/* Where the elements of the node's `length` lists begin, and at last where they end. */
static int make_offsets(const struct lt_pq_slots *slots, const struct lt_pq_node *node,
                        int def_slot, int64_t length, int64_t **ret_offsets, struct leat_error *err)
{
    int64_t *offsets = malloc((size_t)(length + 1) * sizeof *offsets);
    int64_t lists = 0, elements = 0;
    if (!offsets) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < slots->n; i++) {
        int rep = slots->rep[i], def = slots->def[i];
        if (rep <= node->rep && def >= def_slot) {
            offsets[lists++] = elements;
        }
        elements += rep <= node->rep_element && def >= node->def_element;
    }
    offsets[lists] = elements;
    *ret_offsets = offsets;
    return LEAT_OK;
}

/* --- arrays ------------------------------------------------------------------------------------ */

static int disagree(struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "the columns of a struct or map have different levels");
}

static int nest_struct(const struct nesting *n, const struct lt_pq_node *node, int def_slot,
                       const struct ArrowSchema *field, struct ArrowArray *ret_array,
                       struct leat_error *err)
{
    struct lt_pq_slots slots = slots_of(n, node);
    int64_t length = count_slots(&slots, node, def_slot);
    uint8_t *bits = NULL;
    struct ArrowArray array = {.release = NULL};
    int status = lt_array_init(&array, 1, (int64_t)node->n_children, err);
    if (status) {
        return status;
    }
    status = make_validity(&slots, node, def_slot, length, false, &bits, &array.null_count, err);
    array.buffers[0] = bits;
    array.length = length;
    for (size_t i = 0; i < node->n_children && !status; i++) {
        status = nest(n, &node->children[i], def_slot, field->children[i], array.children[i], err);
        if (!status && array.children[i]->length != length) {
            status = disagree(err);
        }
    }
    if (status) {
        lt_array_done(&array);
        return status;
    }
    lt_array_move(&array, ret_array);
    return LEAT_OK;
}

/* Offsets of 32 bits, in place. */
static int narrow(int64_t *offsets, int64_t n, struct leat_error *err)
{
    int32_t *to = (int32_t *)(void *)offsets;
    if (offsets[n - 1] > INT32_MAX) {
        return lt_fail(err, LT_E_LIMIT, "a batch of more than 2147483647 list elements");
    }
    for (int64_t i = 0; i < n; i++) {
        int32_t value = (int32_t)offsets[i];
        memcpy(&to[i], &value, sizeof value);
    }
    return LEAT_OK;
}

/* The array around the elements of a list, moved in. Takes bits and offsets over. */
static int make_list(struct ArrowArray *elements, int64_t length, uint8_t *bits, int64_t nulls,
                     int64_t *offsets, bool large, struct ArrowArray *ret_array,
                     struct leat_error *err)
{
    int status = large ? LEAT_OK : narrow(offsets, length + 1, err);
    status = status ? status : lt_array_init(ret_array, 2, 1, err);
    if (status) {
        free(bits);
        free(offsets);
        return status;
    }
    ret_array->length = length;
    ret_array->null_count = nulls;
    ret_array->buffers[0] = bits;
    ret_array->buffers[1] = offsets;
    lt_array_move(elements, ret_array->children[0]);
    return LEAT_OK;
}

/* For each element of lists of `width`, where it comes from: -1 within a null list, which takes
 * room in Arrow and none in Parquet. */
static int fixed_rows(const int64_t *offsets, const uint8_t *bits, int64_t length, int64_t width,
                      int64_t **ret_rows, struct leat_error *err)
{
    int64_t total;
    if (__builtin_mul_overflow(length, width, &total) || total > INT32_MAX) {
        return lt_fail(err, LT_E_LIMIT, "a batch of more than 2147483647 list elements");
    }
    int64_t *rows = malloc((size_t)(total + 1) * sizeof *rows);
    if (!rows) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < length; i++) {
        bool valid = !bits || lt_bit(bits, i);
        if (valid && offsets[i + 1] - offsets[i] != width) {
            free(rows);
            return lt_fail(err, LT_E_CORRUPT, "a list of another length than its type's %lld",
                           (long long)width);
        }
        for (int64_t j = 0; j < width; j++) {
            rows[i * width + j] = valid ? offsets[i] + j : -1;
        }
    }
    *ret_rows = rows;
    return LEAT_OK;
}

/* Elements again, with nulls where null lists are. */
static int gather_elements(const struct ArrowSchema *field, struct ArrowArray *elements,
                           const int64_t *rows, int64_t n, struct leat_error *err)
{
    struct lt_ipc_field layout = {.id = LT_NULL};
    struct lt_ipc_node node = {.length = 0};
    struct lt_ipc_column column = {.length = 0};
    struct ArrowArray made = {.release = NULL};
    int64_t budget = LT_PQ_ROW_MAX;
    int status = lt_ipc_field_of(field, &layout, err);
    status = status ? status : lt_ipc_node_of(&layout, elements, &node, err);
    status = status ? status : lt_ipc_take(&layout, &node, rows, n, &column, &budget, err);
    status = status ? status : lt_ipc_column_finish(&layout, &column, &made, err);
    lt_ipc_column_done(&column);
    lt_ipc_node_done(&node);
    lt_ipc_field_done(&layout);
    if (!status) {
        lt_array_done(elements);
        lt_array_move(&made, elements);
    }
    return status;
}

/* Takes bits and offsets over. */
static int make_fixed_list(const struct ArrowSchema *field, int64_t width,
                           struct ArrowArray *elements, int64_t length, uint8_t *bits,
                           int64_t nulls, int64_t *offsets, struct ArrowArray *ret_array,
                           struct leat_error *err)
{
    int64_t *rows = NULL;
    int status = fixed_rows(offsets, bits, length, width, &rows, err);
    if (!status && nulls) {
        status = gather_elements(field->children[0], elements, rows, length * width, err);
    }
    status = status ? status : lt_array_init(ret_array, 1, 1, err);
    free(rows);
    free(offsets);
    if (status) {
        free(bits);
        return status;
    }
    ret_array->length = length;
    ret_array->null_count = nulls;
    ret_array->buffers[0] = bits;
    lt_array_move(elements, ret_array->children[0]);
    return LEAT_OK;
}

/* Key and value of a map's entries, which are never null. */
static int nest_entries(const struct nesting *n, const struct lt_pq_node *node,
                        const struct ArrowSchema *entries, struct ArrowArray *ret_array,
                        struct leat_error *err)
{
    struct ArrowArray array = {.release = NULL};
    int status = lt_array_init(&array, 1, 2, err);
    if (status) {
        return status;
    }
    for (int i = 0; i < 2 && !status; i++) {
        status = nest(n, &node->children[i], node->def_element, entries->children[i],
                      array.children[i], err);
    }
    if (!status && array.children[0]->length != array.children[1]->length) {
        status = disagree(err);
    }
    if (!status && array.children[0]->null_count) {
        status = lt_fail(err, LT_E_CORRUPT, "a key of a map is null");
    }
    if (status) {
        lt_array_done(&array);
        return status;
    }
    array.length = array.children[0]->length;
    lt_array_move(&array, ret_array);
    return LEAT_OK;
}

static int nest_list(const struct nesting *n, const struct lt_pq_node *node, int def_slot,
                     const struct ArrowSchema *field, struct ArrowArray *ret_array,
                     struct leat_error *err)
{
    struct lt_pq_slots slots = slots_of(n, node);
    int64_t length = count_slots(&slots, node, def_slot), nulls = 0, *offsets = NULL;
    uint8_t *bits = NULL;
    struct ArrowArray elements = {.release = NULL};
    struct lt_type type;
    int status = lt_type_of(field, &type, err);
    if (!status) {
        status = make_validity(&slots, node, def_slot, length, type.id == LT_FIXED_LIST, &bits,
                               &nulls, err);
    }
    status = status ? status : make_offsets(&slots, node, def_slot, length, &offsets, err);
    if (!status && node->shape == LT_PQ_MAP) {
        status = nest_entries(n, node, field->children[0], &elements, err);
    } else if (!status) {
        status = nest(n, node->children, node->def_element, field->children[0], &elements, err);
    }
    if (!status && elements.length != offsets[length]) {
        status = disagree(err);
    }
    if (status) {
        free(bits);
        free(offsets);
    } else if (type.id == LT_FIXED_LIST) {
        status = make_fixed_list(field, type.width, &elements, length, bits, nulls, offsets,
                                 ret_array, err);
    } else {
        status = make_list(&elements, length, bits, nulls, offsets, type.id == LT_LARGE_LIST,
                           ret_array, err);
    }
    lt_array_done(&elements);
    return status;
}

/* def_slot: the definition level from which on the list around the node has an element. */
static int nest(const struct nesting *n, const struct lt_pq_node *node, int def_slot,
                const struct ArrowSchema *field, struct ArrowArray *ret_array,
                struct leat_error *err)
{
    switch (node->shape) {
    case LT_PQ_LEAF:
        return lt_pq_leaf_take(n->leaves[node->leaf], n->rows, ret_array, err);
    case LT_PQ_STRUCT:
        return nest_struct(n, node, def_slot, field, ret_array, err);
    default:
        return nest_list(n, node, def_slot, field, ret_array, err);
    }
}

int lt_pq_nest(const struct lt_pq_node *node, const struct ArrowSchema *field,
               struct lt_pq_leaf *const *leaves, int64_t rows, struct ArrowArray *ret_array,
               struct leat_error *err)
{
    struct nesting n = {.leaves = leaves, .rows = rows};
    return nest(&n, node, 0, field, ret_array, err);
}
