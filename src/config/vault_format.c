#include "config/vault_format.h"

#include "core/codes.h"
#include "core/sha256.h"

#include <string.h>

#include "core/banned.h"

#define VERSION 1
#define SUM_AT 64
#define SUM_BYTES 8
/* A passphrase is worth guessing at, 32 random bytes are not. */
#define PASSPHRASE_LOG2_N 15
#define RANDOM_LOG2_N 1
#define R 8
#define P 1

static const uint8_t magic[8] = {'L', 'E', 'A', 'T', 'V', 'L', 'T', 0x1a};

static int damaged(struct leat_error *err, const char *why)
{
    return lt_fail(err, LT_E_VAULT_DAMAGED, "%s", why);
}

/* The first bytes of the SHA-256 of what stands before it: an accident to the header is told as
 * such, not as a wrong passphrase. (The seal tells it from a forgery.) */
static int header_sum(const uint8_t *file, uint8_t ret_sum[SUM_BYTES], struct leat_error *err)
{
    struct lt_sha256 *sha = NULL;
    char hex[LT_SHA256_HEX_MAX];
    int rc = lt_sha256_new(&sha, err);
    rc = rc ? rc : lt_sha256_add(sha, file, SUM_AT, err);
    rc = rc ? rc : lt_sha256_hex(sha, hex, err);
    lt_sha256_free(sha);
    for (size_t i = 0; !rc && i < SUM_BYTES; i++) {
        static const char digits[] = "0123456789abcdef";
        ret_sum[i] = (uint8_t)((strchr(digits, hex[2 * i]) - digits) << 4 |
                               (strchr(digits, hex[2 * i + 1]) - digits));
    }
    return rc;
}

static int header_write(const struct lt_vault_header *h, uint8_t *file, struct leat_error *err)
{
    memset(file, 0, LT_VAULT_HEADER_BYTES);
    memcpy(file, magic, sizeof magic);
    file[8] = VERSION;
    file[9] = h->kind;
    file[10] = h->cost.log2_n;
    file[11] = h->cost.r;
    file[12] = h->cost.p;
    file[13] = h->flags;
    memcpy(file + 16, h->salt, sizeof h->salt);
    memcpy(file + 32, h->check, sizeof h->check);
    memcpy(file + 48, h->nonce, sizeof h->nonce);
    for (int i = 0; i < 4; i++) {
        file[60 + i] = (uint8_t)(h->body_len >> (8 * i));
    }
    return header_sum(file, file + SUM_AT, err);
}

int lt_vault_header_read(const void *bytes, size_t len, struct lt_vault_header *ret_header,
                         struct leat_error *err)
{
    const uint8_t *file = bytes;
    uint8_t sum[SUM_BYTES];
    if (len < sizeof magic || memcmp(file, magic, sizeof magic) != 0) {
        return damaged(err, "it is not a vault of leat");
    }
    if (len < LT_VAULT_HEADER_BYTES + LT_CRYPT_TAG_BYTES) {
        return damaged(err, "the vault is cut short");
    }
    if (file[8] != VERSION) {
        return lt_fail(err, LT_E_UNSUPPORTED, "the vault is of version %u, this leat knows %u",
                       file[8], VERSION);
    }
    int rc = header_sum(file, sum, err);
    if (rc) {
        return rc;
    }
    if (memcmp(sum, file + SUM_AT, sizeof sum) != 0) {
        return damaged(err, "the header of the vault was changed");
    }
    struct lt_vault_header h = {
        .kind = file[9], .cost = {file[10], file[11], file[12]}, .flags = file[13]};
    memcpy(h.salt, file + 16, sizeof h.salt);
    memcpy(h.check, file + 32, sizeof h.check);
    memcpy(h.nonce, file + 48, sizeof h.nonce);
    for (int i = 0; i < 4; i++) {
        h.body_len |= (uint32_t)file[60 + i] << (8 * i);
    }
    if (h.body_len != len - LT_VAULT_HEADER_BYTES - LT_CRYPT_TAG_BYTES) {
        return damaged(err, "the vault is not as long as it says");
    }
    if (h.kind >= LT_VAULT_KINDS || !h.cost.log2_n || !h.cost.r || !h.cost.p ||
        h.cost.log2_n > 20 || h.cost.p > LT_SCRYPT_P_MAX ||
        ((uint64_t)128 * h.cost.r) << h.cost.log2_n > LT_SCRYPT_MEMORY_MAX ||
        h.flags > LT_VAULT_HOLDS_DEFAULTS || file[14] || file[15]) {
        return damaged(err, "the vault asks for what leat never wrote");
    }
    *ret_header = h;
    return LEAT_OK;
}

int lt_vault_header_new(uint8_t kind, struct lt_vault_header *ret_header, struct leat_error *err)
{
    struct lt_vault_header h = {.kind = kind,
                                .cost = {kind == 0 ? PASSPHRASE_LOG2_N : RANDOM_LOG2_N, R, P}};
    int rc = lt_crypt_random(h.salt, sizeof h.salt, err);
    if (!rc) {
        *ret_header = h;
    }
    return rc;
}

int lt_vault_derive(const struct lt_vault_header *header, const void *given, size_t len,
                    struct lt_vault_secret *ret_secret, struct leat_error *err)
{
    uint8_t both[LT_CRYPT_KEY_BYTES + LT_VAULT_CHECK_BYTES];
    int rc = lt_crypt_scrypt(given, len, header->salt, sizeof header->salt, &header->cost, both,
                             sizeof both, err);
    if (!rc) {
        memcpy(ret_secret->key, both, sizeof ret_secret->key);
        memcpy(ret_secret->check, both + sizeof ret_secret->key, sizeof ret_secret->check);
    }
    lt_crypt_clear(both, sizeof both);
    return rc;
}

int lt_vault_seal(const struct lt_vault_header *header, const struct lt_vault_secret *secret,
                  const void *body, size_t len, struct lt_buf *out, struct leat_error *err)
{
    size_t whole = LT_VAULT_HEADER_BYTES + len + LT_CRYPT_TAG_BYTES;
    if (len > LT_VAULT_BYTES_MAX || whole > LT_VAULT_BYTES_MAX) {
        return lt_fail(err, LT_E_LIMIT, "the vault would be larger than %zu bytes",
                       LT_VAULT_BYTES_MAX);
    }
    struct lt_vault_header h = *header;
    h.body_len = (uint32_t)len;
    memcpy(h.check, secret->check, sizeof h.check);
    int rc = lt_crypt_random(h.nonce, sizeof h.nonce, err);
    if (!rc && lt_buf_reserve(out, whole)) {
        rc = lt_fail_oom(err);
    }
    uint8_t *file = rc ? NULL : out->data + out->len;
    rc = rc ? rc : header_write(&h, file, err);
    if (!rc) {
        const struct lt_crypt_text text = {file, LT_VAULT_HEADER_BYTES, body, len};
        rc = lt_crypt_seal(secret->key, h.nonce, &text, file + LT_VAULT_HEADER_BYTES, err);
    }
    if (!rc) {
        out->len += whole;
        out->data[out->len] = 0;
    }
    return rc;
}

int lt_vault_unseal(const struct lt_vault_header *header, const struct lt_vault_secret *secret,
                    const void *file, struct lt_buf *out, struct leat_error *err)
{
    const struct lt_crypt_text text = {file, LT_VAULT_HEADER_BYTES,
                                       (const uint8_t *)file + LT_VAULT_HEADER_BYTES,
                                       header->body_len + (size_t)LT_CRYPT_TAG_BYTES};
    if (!lt_crypt_same(header->check, secret->check, sizeof header->check)) {
        return lt_fail(err, LT_E_WRONG_PASSPHRASE,
                       header->kind == 0 ? "that is not the vault's passphrase"
                                         : "that is not the vault's key");
    }
    if (lt_buf_reserve(out, header->body_len)) {
        return lt_fail_oom(err);
    }
    struct leat_error why = {0};
    int rc = lt_crypt_open(secret->key, header->nonce, &text, out->data + out->len, &why);
    if (rc) {
        return rc == LEAT_BAD_DATA ? damaged(err, "the vault was changed: its seal is broken")
                                   : lt_fail(err, LT_E_INTERNAL, "%s", why.message);
    }
    out->len += header->body_len;
    out->data[out->len] = 0;
    return LEAT_OK;
}
