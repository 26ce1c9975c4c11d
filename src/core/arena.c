#include "core/arena.h"

#include "core/buf.h"
#include "core/util.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)16 << 10)

struct lt_arena_block {
    struct lt_arena_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

static struct lt_arena_block *add_block(struct lt_arena *arena, size_t size)
{
    size_t room = LT_MAX(size, BLOCK_BYTES);
    struct lt_arena_block *block = room <= SIZE_MAX / 2 ? calloc(1, sizeof *block + room) : NULL;
    if (block) {
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *lt_arena_alloc(struct lt_arena *arena, size_t size)
{
    const size_t unit = alignof(max_align_t);
    struct lt_arena_block *block = arena->blocks;
    if (size > SIZE_MAX / 4) {
        arena->failed = true;
        return NULL;
    }
    size = (LT_MAX(size, 1) + unit - 1) / unit * unit;
    if (!block || block->size - block->used < size) {
        block = add_block(arena, size);
    }
    if (!block) {
        arena->failed = true;
        return NULL;
    }
    void *data = block->data + block->used;
    block->used += size;
    return data;
}

char *lt_arena_strndup(struct lt_arena *arena, const char *text, size_t len)
{
    char *copy = lt_arena_alloc(arena, len + 1);
    return copy ? memcpy(copy, text, len) : NULL;
}

char *lt_arena_strdup(struct lt_arena *arena, const char *text)
{
    return lt_arena_strndup(arena, text, strlen(text));
}

char *lt_arena_format(struct lt_arena *arena, const char *fmt, ...)
{
    struct lt_buf text = LT_BUF_INIT;
    va_list args;
    va_start(args, fmt);
    char *copy = lt_buf_vprintf(&text, fmt, args)
                     ? NULL
                     : lt_arena_strndup(arena, lt_buf_text(&text), text.len);
    va_end(args);
    lt_buf_done(&text);
    arena->failed = arena->failed || !copy;
    return copy;
}

void *lt_arena_more(struct lt_arena *arena, void *array, size_t n, size_t item_size)
{
    /* Room for 4, 8, 16, ... items: it is full when n is one of these. */
    bool full = !n || (n >= 4 && !(n & (n - 1)));
    if (!full) {
        return array;
    }
    void *larger = lt_arena_alloc(arena, (n ? n * 2 : 4) * item_size);
    if (larger && n) {
        memcpy(larger, array, n * item_size);
    }
    return larger;
}

void lt_arena_done(struct lt_arena *arena)
{
    while (arena->blocks) {
        struct lt_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->failed = false;
}
