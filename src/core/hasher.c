/* Hashing piece by piece: the state belongs to xxHash, which wants it aligned. */
#include "core/hasher.h"

#include <xxhash.h>

#include "core/banned.h"

struct lt_hasher *lt_hasher_new(void)
{
    XXH3_state_t *state = XXH3_createState();
    if (state) {
        XXH3_64bits_reset(state);
    }
    return (struct lt_hasher *)state;
}

void lt_hasher_add(struct lt_hasher *hasher, const void *data, size_t len)
{
    if (len) {
        XXH3_64bits_update((XXH3_state_t *)hasher, data, len);
    }
}

uint64_t lt_hasher_value(const struct lt_hasher *hasher)
{
    return XXH3_64bits_digest((const XXH3_state_t *)hasher);
}

void lt_hasher_free(struct lt_hasher *hasher)
{
    XXH3_freeState((XXH3_state_t *)hasher);
}
