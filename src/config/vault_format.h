/* The file of a vault, as bytes: docs/vault.md has the layout. Nothing here touches a file. */
#ifndef LT_VAULT_FORMAT_H
#define LT_VAULT_FORMAT_H

#include "core/buf.h"
#include "core/crypt.h"

#define LT_VAULT_HEADER_BYTES 72
#define LT_VAULT_SALT_BYTES 16
#define LT_VAULT_CHECK_BYTES 16
#define LT_VAULT_BYTES_MAX ((size_t)16 << 20)
#define LT_VAULT_KINDS 3 /* as enum leat_key_kind */

/* Said in the clear, so that a vault need not be unlocked for what it does not hold. */
#define LT_VAULT_HOLDS_DEFAULTS 1u

struct lt_vault_header {
    uint8_t kind;
    uint8_t flags; /* LT_VAULT_HOLDS_... */
    struct lt_scrypt cost;
    uint8_t salt[LT_VAULT_SALT_BYTES];
    uint8_t check[LT_VAULT_CHECK_BYTES];
    uint8_t nonce[LT_CRYPT_NONCE_BYTES];
    uint32_t body_len;
};

/* What opens one vault. `check` tells whether it is the right one, and nothing about the key. */
struct lt_vault_secret {
    uint8_t key[LT_CRYPT_KEY_BYTES];
    uint8_t check[LT_VAULT_CHECK_BYTES];
};

/* [vault-damaged] unless the bytes are a whole vault whose header is as it was written, and whose
 * costs are within bounds. */
int lt_vault_header_read(const void *file, size_t len, struct lt_vault_header *ret_header,
                         struct leat_error *err);
/* A new salt, and the costs for this kind of key. */
int lt_vault_header_new(uint8_t kind, struct lt_vault_header *ret_header, struct leat_error *err);
/* The secret that these bytes give with the header's salt and costs. */
int lt_vault_derive(const struct lt_vault_header *header, const void *given, size_t len,
                    struct lt_vault_secret *ret_secret, struct leat_error *err);

/* Appends the whole file, under a new nonce. */
int lt_vault_seal(const struct lt_vault_header *header, const struct lt_vault_secret *secret,
                  const void *body, size_t len, struct lt_buf *out, struct leat_error *err);
/* Appends the body of a file whose header was read. [vault-damaged], [wrong-passphrase]. */
int lt_vault_unseal(const struct lt_vault_header *header, const struct lt_vault_secret *secret,
                    const void *file, struct lt_buf *out, struct leat_error *err);

#endif
