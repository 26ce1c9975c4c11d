/* SHA-256 by OpenSSL's libcrypto, loaded when first used: linking it costs some milliseconds of
 * every start. core/crypt.h is the other seam to it. */
#ifndef LT_SHA256_H
#define LT_SHA256_H

#include "leat/error.h"

#include <stddef.h>

#define LT_SHA256_HEX_MAX 65 /* 64 lower-case hex digits and a NUL */

struct lt_sha256;

/* [module-missing] names the package. One thread at a time; any number of digests after another. */
int lt_sha256_new(struct lt_sha256 **ret_sha, struct leat_error *err);
void lt_sha256_free(struct lt_sha256 *sha); /* NULL is fine */

/* Of what was added since the last call of hex(), or since the beginning. */
int lt_sha256_add(struct lt_sha256 *sha, const void *data, size_t len, struct leat_error *err);
int lt_sha256_hex(struct lt_sha256 *sha, char ret_hex[LT_SHA256_HEX_MAX], struct leat_error *err);

#endif
