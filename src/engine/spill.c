#include "engine/spill.h"

#include "columnar/array.h"
#include "core/buf.h"
#include "core/codes.h"
#include "core/temp.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/banned.h"

struct block {
    int64_t offset; /* in the file; -1: `bytes` has it */
    size_t size;
    uint8_t *bytes;
};

struct lt_spill {
    const struct ArrowSchema *schema;
    int fd; /* -1: no file yet */
    int64_t file_size;
    int64_t memory_used, memory_max;
    struct block *blocks;
    size_t n, room;
    struct lt_buf scratch;
};

/* In front of an array's buffers. */
struct head {
    int64_t length, null_count;
    int64_t sizes[3];
};

int lt_spill_new(const struct ArrowSchema *schema, int64_t memory_max, struct lt_spill **ret_spill,
                 struct leat_error *err)
{
    struct lt_spill *spill = calloc(1, sizeof *spill);
    if (!spill) {
        return lt_fail_oom(err);
    }
    spill->schema = schema;
    spill->memory_max = memory_max;
    spill->fd = -1;
    *ret_spill = spill;
    return LEAT_OK;
}

void lt_spill_clear(struct lt_spill *spill)
{
    for (size_t i = 0; i < spill->n; i++) {
        free(spill->blocks[i].bytes);
    }
    spill->n = 0;
    spill->memory_used = 0;
    if (spill->fd >= 0) {
        close(spill->fd);
        spill->fd = -1;
        spill->file_size = 0;
    }
}

void lt_spill_free(struct lt_spill *spill)
{
    if (spill) {
        lt_spill_clear(spill);
        free(spill->blocks);
        lt_buf_done(&spill->scratch);
        free(spill);
    }
}

size_t lt_spill_count(const struct lt_spill *spill)
{
    return spill->n;
}

/* --- batches as bytes ---------------------------------------------------------------------- */

/* Bytes of a column's buffers. */
static int measure(const struct ArrowSchema *field, const struct ArrowArray *array,
                   struct head *ret_head, struct leat_error *err)
{
    struct lt_type type;
    int64_t n = array->length, *sizes = ret_head->sizes;
    *ret_head = (struct head){.length = n, .null_count = array->null_count};
    int rc = lt_type_of(field, &type, err);
    if (rc || array->n_buffers == 0) {
        return rc;
    }
    sizes[0] = array->buffers[0] ? (n + 7) / 8 : 0;
    if (array->n_buffers == 1) {
        return LEAT_OK;
    }
    bool lists = type.id == LT_LIST || type.id == LT_LARGE_LIST || type.id == LT_MAP;
    bool wide = type.id == LT_LARGE_UTF8 || type.id == LT_LARGE_BINARY || type.id == LT_LARGE_LIST;
    if (lt_type_is_varlen(type.id) || lists) {
        sizes[1] = (n + 1) * (wide ? 8 : 4);
    } else {
        sizes[1] = type.id == LT_BOOL ? (n + 7) / 8 : n * type.width;
    }
    if (lt_type_is_varlen(type.id)) {
        const int32_t *narrow = array->buffers[1];
        const int64_t *offsets = array->buffers[1];
        sizes[2] = wide ? offsets[n] : narrow[n];
    }
    return LEAT_OK;
}

static int put(const struct ArrowSchema *field, const struct ArrowArray *array, struct lt_buf *out,
               struct leat_error *err)
{
    struct head head;
    int rc = measure(field, array, &head, err);
    int failed = rc ? LEAT_OK : lt_buf_append(out, &head, sizeof head);
    for (int64_t i = 0; !rc && !failed && i < array->n_buffers; i++) {
        failed =
            head.sizes[i] ? lt_buf_append(out, array->buffers[i], (size_t)head.sizes[i]) : LEAT_OK;
    }
    rc = failed ? lt_fail_oom(err) : rc;
    for (int64_t i = 0; !rc && i < array->n_children; i++) {
        rc = put(field->children[i], array->children[i], out, err);
    }
    return rc;
}

static int64_t buffers_of(const struct ArrowSchema *field, struct leat_error *err)
{
    struct lt_type type;
    if (lt_type_of(field, &type, err)) {
        return -1;
    }
    return type.id == LT_NULL                                 ? 0
           : type.id == LT_STRUCT || type.id == LT_FIXED_LIST ? 1
           : lt_type_is_varlen(type.id)                       ? 3
                                                              : 2;
}

/* The other way; *at moves on. What is read was written by put() in this process. */
static int take(const struct ArrowSchema *field, const uint8_t **at, struct ArrowArray *ret_array,
                struct leat_error *err)
{
    struct ArrowArray array;
    struct head head;
    int64_t n = buffers_of(field, err);
    int rc = n < 0 ? LEAT_INTERNAL : lt_array_init(&array, n, field->n_children, err);
    if (rc) {
        return rc;
    }
    memcpy(&head, *at, sizeof head);
    *at += sizeof head;
    array.length = head.length;
    array.null_count = head.null_count;
    for (int64_t i = 0; !rc && i < n; i++) {
        size_t size = (size_t)head.sizes[i];
        if (i == 0 && !size) {
            continue; /* no nulls */
        }
        void *buffer = malloc(size + 1);
        array.buffers[i] = buffer;
        rc = buffer ? LEAT_OK : lt_fail_oom(err);
        if (buffer && size) {
            memcpy(buffer, *at, size);
        }
        *at += size;
    }
    for (int64_t i = 0; !rc && i < field->n_children; i++) {
        rc = take(field->children[i], at, array.children[i], err);
    }
    if (rc) {
        lt_array_done(&array);
        return rc;
    }
    lt_array_move(&array, ret_array);
    return LEAT_OK;
}

/* --- adding and getting -------------------------------------------------------------------- */

static int make_room(struct lt_spill *spill, struct leat_error *err)
{
    if (spill->n < spill->room) {
        return LEAT_OK;
    }
    size_t room = spill->room ? 2 * spill->room : 64;
    struct block *blocks = realloc(spill->blocks, room * sizeof *blocks);
    if (!blocks) {
        return lt_fail_oom(err);
    }
    spill->blocks = blocks;
    spill->room = room;
    return LEAT_OK;
}

int lt_spill_add(struct lt_spill *spill, const struct ArrowArray *batch, struct leat_error *err)
{
    lt_buf_clear(&spill->scratch);
    int rc = make_room(spill, err);
    rc = rc ? rc : put(spill->schema, batch, &spill->scratch, err);
    if (rc) {
        return rc;
    }
    struct block block = {.offset = -1, .size = spill->scratch.len};
    int64_t size = (int64_t)block.size;
    if (spill->memory_used + size <= spill->memory_max) {
        block.bytes = (uint8_t *)lt_buf_take(&spill->scratch);
        rc = block.bytes ? LEAT_OK : lt_fail_oom(err);
        spill->memory_used += rc ? 0 : size;
    } else {
        rc = spill->fd < 0 ? lt_temp_open(&spill->fd, err) : LEAT_OK;
        rc = rc ? rc : lt_temp_write(spill->fd, spill->scratch.data, block.size, err);
        block.offset = spill->file_size;
        spill->file_size += rc ? 0 : size;
    }
    if (!rc) {
        spill->blocks[spill->n++] = block;
    }
    return rc;
}

int lt_spill_get(const struct lt_spill *spill, size_t i, struct ArrowArray *ret_batch,
                 struct leat_error *err)
{
    const struct block *block = &spill->blocks[i];
    uint8_t *bytes = block->bytes;
    int rc = LEAT_OK;
    if (!bytes) {
        bytes = malloc(block->size + 1);
        rc = bytes ? lt_temp_read_at(spill->fd, block->offset, bytes, block->size, err)
                   : lt_fail_oom(err);
    }
    const uint8_t *at = bytes;
    rc = rc ? rc : take(spill->schema, &at, ret_batch, err);
    if (!block->bytes) {
        free(bytes);
    }
    return rc;
}
