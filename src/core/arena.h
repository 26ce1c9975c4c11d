/* Many small things of one life: allocated one by one, freed all at once. */
#ifndef LT_ARENA_H
#define LT_ARENA_H

#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise. `failed` stays set once memory was not to be had: a reader may go on with what
 * it got (NULL) and look once at the end. */
struct lt_arena {
    struct lt_arena_block *blocks;
    bool failed;
};

/* Zeroed, and aligned for anything; NULL without memory. */
void *lt_arena_alloc(struct lt_arena *arena, size_t size);
char *lt_arena_strndup(struct lt_arena *arena, const char *text, size_t len);
char *lt_arena_strdup(struct lt_arena *arena, const char *text);
char *lt_arena_format(struct lt_arena *arena, const char *fmt, ...) LEAT_PRINTF(2, 3);
/* An array of n items that has room for one more; it is moved to a larger place now and then. */
void *lt_arena_more(struct lt_arena *arena, void *array, size_t n, size_t item_size);
void lt_arena_done(struct lt_arena *arena);

#endif
