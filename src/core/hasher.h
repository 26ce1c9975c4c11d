/* XXH3, 64 bits, seed 0, of bytes that come piece by piece; lt_hash() of all of them at once gives
 * the same. */
#ifndef LT_HASHER_H
#define LT_HASHER_H

#include <stddef.h>
#include <stdint.h>

struct lt_hasher;

/* NULL without memory. */
struct lt_hasher *lt_hasher_new(void);
void lt_hasher_add(struct lt_hasher *hasher, const void *data, size_t len);
/* Of what was added so far; more may be added afterwards. */
uint64_t lt_hasher_value(const struct lt_hasher *hasher);
void lt_hasher_free(struct lt_hasher *hasher); /* NULL is fine */

#endif
