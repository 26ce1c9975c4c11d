/* Ciphers by OpenSSL's libcrypto, loaded when first used: scrypt (RFC 7914), AES-256-GCM (NIST
 * SP 800-38D), and what secrets in memory need. From any thread. [module-missing] names the
 * package. */
#ifndef LT_CRYPT_H
#define LT_CRYPT_H

#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LT_CRYPT_KEY_BYTES 32
#define LT_CRYPT_NONCE_BYTES 12
#define LT_CRYPT_TAG_BYTES 16
/* Costs beyond these are refused before any memory is taken. */
#define LT_SCRYPT_MEMORY_MAX ((uint64_t)128 << 20)
#define LT_SCRYPT_P_MAX 4

struct lt_scrypt {
    uint8_t log2_n; /* 1 to 20 */
    uint8_t r, p;   /* 128 * N * r bytes of memory, p times */
};

/* LT_E_LIMIT where the costs are beyond the bounds, LT_E_INVALID where they are none. */
int lt_crypt_scrypt(const void *secret, size_t secret_len, const void *salt, size_t salt_len,
                    const struct lt_scrypt *cost, uint8_t *ret_key, size_t key_len,
                    struct leat_error *err);

struct lt_crypt_text { /* what is sealed: bytes, and bytes that are only vouched for */
    const void *aad;
    size_t aad_len;
    const void *data;
    size_t len;
};

/* Writes text->len + LT_CRYPT_TAG_BYTES bytes. A nonce is used once for one key. */
int lt_crypt_seal(const uint8_t key[LT_CRYPT_KEY_BYTES], const uint8_t nonce[LT_CRYPT_NONCE_BYTES],
                  const struct lt_crypt_text *text, uint8_t *ret_sealed, struct leat_error *err);
/* The other way: text->len counts the tag, and text->len - LT_CRYPT_TAG_BYTES bytes are written.
 * LT_E_CORRUPT, and all of *ret_data cleared, unless every bit is as it was sealed. */
int lt_crypt_open(const uint8_t key[LT_CRYPT_KEY_BYTES], const uint8_t nonce[LT_CRYPT_NONCE_BYTES],
                  const struct lt_crypt_text *text, uint8_t *ret_data, struct leat_error *err);

/* From the kernel. */
int lt_crypt_random(void *ret_bytes, size_t len, struct leat_error *err);
/* In time that does not depend on what they hold. */
bool lt_crypt_same(const void *a, const void *b, size_t len);
/* Clears for good; the compiler does not leave it out. */
void lt_crypt_clear(void *data, size_t len);
/* Clears and frees a text; NULL is fine. */
void lt_crypt_free_text(char *text);

#endif
