/* Making, sharing, slicing, projecting and measuring arrays. See array.h; checking and filtering
 * have files of their own. */
#include "columnar/array.h"

#include "core/codes.h"
#include "core/util.h"

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
