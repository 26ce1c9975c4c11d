/* Making, sharing, slicing, projecting and measuring arrays. See array.h; checking and filtering
 * have files of their own. */
#include "columnar/array.h"

#include "columnar/bits.h"
#include "core/codes.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Behind every array made here, in one block with the pointers and structs it counts. The counts
 * are our own: what the struct says may have been changed since. */
struct owned {
    int64_t n_buffers, n_children;
    const void **buffers;
    struct ArrowArray *children;
};

static void owned_release(struct ArrowArray *array)
{
    struct owned *owned = array->private_data;
    for (int64_t i = 0; i < owned->n_buffers; i++) {
        free((void *)owned->buffers[i]);
    }
    for (int64_t i = 0; i < owned->n_children; i++) {
        lt_array_done(&owned->children[i]);
    }
    lt_array_done(array->dictionary);
    free(array->dictionary);
    free(owned);
    array->release = NULL;
}

void lt_array_done(struct ArrowArray *array)
{
    if (array && array->release) {
        array->release(array);
    }
}

void lt_array_move(struct ArrowArray *from, struct ArrowArray *to)
{
    *to = *from;
    from->release = NULL;
}

int lt_array_init(struct ArrowArray *array, int64_t n_buffers, int64_t n_children,
                  struct leat_error *err)
{
    if (n_buffers < 0 || n_buffers > INT32_MAX || n_children < 0 || n_children > INT32_MAX) {
        return lt_fail(err, LT_E_LIMIT, "an array of too many buffers or children");
    }
    size_t buffers_size = (size_t)n_buffers * sizeof(void *);
    size_t children_size = (size_t)n_children * sizeof(struct ArrowArray);
    struct owned *owned = calloc(1, sizeof *owned + buffers_size + children_size +
                                        (size_t)n_children * sizeof(struct ArrowArray *));
    if (!owned) {
        return lt_fail_oom(err);
    }
    char *at = (char *)(owned + 1);
    owned->n_buffers = n_buffers;
    owned->n_children = n_children;
    owned->children = (struct ArrowArray *)at;
    owned->buffers = (const void **)(at + children_size);
    struct ArrowArray **children = (struct ArrowArray **)(at + children_size + buffers_size);
    for (int64_t i = 0; i < n_children; i++) {
        children[i] = &owned->children[i];
    }
    *array = (struct ArrowArray){
        .n_buffers = n_buffers,
        .n_children = n_children,
        .buffers = n_buffers ? owned->buffers : NULL,
        .children = n_children ? children : NULL,
        .release = owned_release,
        .private_data = owned,
    };
    return LEAT_OK;
}

/* --- sharing -------------------------------------------------------------------------------- */

/* What all holders share: the array as it came, released with the last of them. */
struct shared {
    atomic_long refs;
    struct ArrowArray root;
};

/* Behind every node of a holder's tree, children and dictionaries too: each counts for itself, so
 * that it may be moved out and outlive the node it came from. */
struct holder {
    struct shared *shared;
    int64_t n_children;
    struct ArrowArray dictionary;
    struct ArrowArray *pointers_end[]; /* n_children pointers, then the structs */
};

static void shared_drop(struct shared *shared)
{
    if (atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) == 1) {
        lt_array_done(&shared->root);
        free(shared);
    }
}

static struct ArrowArray *holder_children(struct holder *holder)
{
    return (struct ArrowArray *)(holder->pointers_end + holder->n_children);
}

static void holder_release(struct ArrowArray *array)
{
    struct holder *holder = array->private_data;
    for (int64_t i = 0; i < holder->n_children; i++) {
        lt_array_done(&holder_children(holder)[i]);
    }
    lt_array_done(&holder->dictionary);
    shared_drop(holder->shared);
    free(holder);
    array->release = NULL;
}

/* Makes a holder's tree like `node`. `shared` NULL: each node must be a holder's, and its new
 * twin counts on the same memory. */
static int holder_make(const struct ArrowArray *node, struct shared *shared, int depth,
                       struct ArrowArray *ret_holder, struct leat_error *err)
{
    if (depth > LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "types nest deeper than %d levels", LT_TYPE_DEPTH_MAX);
    }
    if (!node->release) {
        return LEAT_OK; /* moved out: its twin is zero, and so released */
    }
    if (!shared && node->release != holder_release) {
        return lt_fail(err, LT_E_INTERNAL, "an array that is not shared cannot be held");
    }
    struct holder *holder =
        calloc(1, sizeof *holder + (size_t)node->n_children *
                                       (sizeof(struct ArrowArray *) + sizeof(struct ArrowArray)));
    if (!holder) {
        return lt_fail_oom(err);
    }
    holder->shared = shared ? shared : ((struct holder *)node->private_data)->shared;
    holder->n_children = node->n_children;
    atomic_fetch_add_explicit(&holder->shared->refs, 1, memory_order_relaxed);

    struct ArrowArray made = *node;
    made.children = node->n_children ? holder->pointers_end : NULL;
    made.dictionary = node->dictionary ? &holder->dictionary : NULL;
    made.release = holder_release;
    made.private_data = holder;
    int status = LEAT_OK;
    for (int64_t i = 0; i < node->n_children; i++) {
        holder->pointers_end[i] = &holder_children(holder)[i];
        if (!status) {
            status =
                holder_make(node->children[i], shared, depth + 1, holder->pointers_end[i], err);
        }
    }
    if (!status && node->dictionary) {
        status = holder_make(node->dictionary, shared, depth + 1, &holder->dictionary, err);
    }
    if (status) {
        holder_release(&made);
        return status;
    }
    *ret_holder = made;
    return LEAT_OK;
}

int lt_array_share(struct ArrowArray *array, struct leat_error *err)
{
    struct shared *shared = malloc(sizeof *shared);
    if (!shared) {
        return lt_fail_oom(err);
    }
    /* The first count is ours, until the holder's own are there. */
    atomic_init(&shared->refs, 1);
    lt_array_move(array, &shared->root);
    struct ArrowArray made;
    int status = holder_make(&shared->root, shared, 0, &made, err);
    if (status) {
        lt_array_move(&shared->root, array);
    } else {
        *array = made;
    }
    shared_drop(shared);
    return status;
}

int lt_array_hold(const struct ArrowArray *shared, struct ArrowArray *ret_holder,
                  struct leat_error *err)
{
    struct ArrowArray made;
    if (!shared->release) {
        return lt_fail(err, LT_E_INTERNAL, "a released array cannot be held");
    }
    int status = holder_make(shared, NULL, 0, &made, err);
    if (!status) {
        *ret_holder = made;
    }
    return status;
}

/* --- slicing and projecting ----------------------------------------------------------------- */

/* Cuts an array to `rows` of its rows. Its null count stays known where that is free. */
static void narrow(struct ArrowArray *array, int64_t first, int64_t rows)
{
    if (array->null_count == array->length) {
        array->null_count = rows;
    } else if (array->null_count > 0 && rows != array->length) {
        array->null_count = rows ? -1 : 0;
    }
    array->offset += first;
    array->length = rows;
}

/* A struct without a bitmap of its own needs no offset: its children take it. */
static void narrow_columns(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release) {
            narrow(array->children[i], array->offset, array->length);
        }
    }
    array->offset = 0;
}

int lt_array_slice(struct ArrowArray *array, int64_t first, int64_t rows, struct leat_error *err)
{
    if (first < 0 || rows < 0 || first > array->length - rows) {
        return lt_fail(err, LT_E_INTERNAL, "a slice past the end of its batch");
    }
    narrow(array, first, rows);
    if (!array->n_buffers || !array->buffers[0]) {
        narrow_columns(array);
    }
    return LEAT_OK;
}

/* --- measuring ------------------------------------------------------------------------------ */

static int64_t offset_of(const struct ArrowArray *array, bool large, int64_t row)
{
    const void *offsets = array->buffers[1];
    if (!offsets) {
        return 0;
    }
    return large ? ((const int64_t *)offsets)[row] : ((const int32_t *)offsets)[row];
}

/* Rows [first, first + rows), counted after the array's own offset. */
static int64_t rows_bytes(const struct ArrowSchema *field, const struct ArrowArray *array,
                          int64_t first, int64_t rows, int depth)
{
    struct lt_type type;
    if (rows <= 0 || depth > LT_TYPE_DEPTH_MAX || !array->release ||
        lt_type_of(field, &type, NULL) || !array->n_buffers ||
        array->n_children != field->n_children) {
        return 0;
    }
    int64_t base = array->offset + first;
    int64_t bytes = array->buffers[0] ? (rows + 7) / 8 : 0;
    bool large = type.id == LT_LARGE_UTF8 || type.id == LT_LARGE_BINARY || type.id == LT_LARGE_LIST;
    bool lists = type.id == LT_LIST || type.id == LT_LARGE_LIST || type.id == LT_MAP;
    int64_t child_first = base, child_rows = rows;
    if (lists || lt_type_is_varlen(type.id)) {
        child_first = offset_of(array, large, base);
        child_rows = offset_of(array, large, base + rows) - child_first;
        bytes += rows * (large ? 8 : 4);
    }
    if (lt_type_is_varlen(type.id)) {
        return bytes + child_rows;
    }
    if (type.id == LT_BOOL) {
        return bytes + (rows + 7) / 8;
    }
    if (type.id == LT_FIXED_LIST) {
        child_first *= type.width;
        child_rows *= type.width;
    } else {
        bytes += rows * type.width;
    }
    if (type.id == LT_UTF8_VIEW || type.id == LT_BINARY_VIEW) {
        const uint8_t *views = (const uint8_t *)array->buffers[1] + base * 16;
        for (int64_t row = 0; row < rows; row++) {
            int32_t len;
            memcpy(&len, views + row * 16, sizeof len);
            bytes += len > 12 ? len : 0;
        }
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        bytes +=
            rows_bytes(field->children[i], array->children[i], child_first, child_rows, depth + 1);
    }
    if (field->dictionary && array->dictionary) {
        bytes += rows_bytes(field->dictionary, array->dictionary, 0, array->dictionary->length,
                            depth + 1);
    }
    return bytes;
}

int64_t lt_array_bytes(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    return rows_bytes(schema, array, 0, array->length, 0);
}
