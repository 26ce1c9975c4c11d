#include "core/crypt.h"

#include "core/codes.h"
#include "core/library.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/banned.h"

#define LOG2_N_MAX 20
/* What OpenSSL takes besides the memory of the algorithm itself. */
#define SCRYPT_SLACK ((uint64_t)1 << 20)

/* Every function used of libcrypto. */
#define CRYPTO_MAP(X)                                                                              \
    X(EVP_PBE_scrypt)                                                                              \
    X(EVP_CIPHER_CTX_new)                                                                          \
    X(EVP_CIPHER_CTX_free)                                                                         \
    X(EVP_CIPHER_CTX_ctrl)                                                                         \
    X(EVP_aes_256_gcm)                                                                             \
    X(EVP_CipherInit_ex)                                                                           \
    X(EVP_CipherUpdate)                                                                            \
    X(EVP_CipherFinal_ex)

static struct {
    CRYPTO_MAP(LT_LIBRARY_MEMBER)
} crypto;
static const char *const symbols[] = {CRYPTO_MAP(LT_LIBRARY_SYMBOL)};
static struct lt_library library = LT_LIBRARY("libcrypto", "3", "libssl3", symbols, crypto);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    lt_library_load(&library);
}

static int ready(struct leat_error *err)
{
    pthread_once(&once, load);
    return lt_library_check(&library, "OpenSSL", err);
}

int lt_crypt_scrypt(const void *secret, size_t secret_len, const void *salt, size_t salt_len,
                    const struct lt_scrypt *cost, uint8_t *ret_key, size_t key_len,
                    struct leat_error *err)
{
    if (cost->log2_n < 1 || cost->r < 1 || cost->p < 1) {
        return lt_fail(err, LT_E_INVALID, "the costs of scrypt are none");
    }
    uint64_t memory =
        cost->log2_n <= LOG2_N_MAX ? ((uint64_t)128 * cost->r) << cost->log2_n : UINT64_MAX;
    if (memory > LT_SCRYPT_MEMORY_MAX || cost->p > LT_SCRYPT_P_MAX) {
        return lt_fail(err, LT_E_LIMIT, "the costs of scrypt are beyond what leat spends");
    }
    int rc = ready(err);
    if (rc) {
        return rc;
    }
    memory += (uint64_t)128 * cost->r * (cost->p + 2u) + SCRYPT_SLACK;
    if (crypto.EVP_PBE_scrypt(secret, secret_len, salt, salt_len, (uint64_t)1 << cost->log2_n,
                              cost->r, cost->p, memory, ret_key, key_len) != 1) {
        return lt_fail(err, LT_E_NO_MEMORY, "scrypt failed, most likely without memory");
    }
    return LEAT_OK;
}

/* One pass over the text. Sealing appends the tag, opening checks it. */
static int pass(bool seal, EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *nonce,
                const struct lt_crypt_text *text, size_t len, uint8_t *out)
{
    int n = 0;
    return crypto.EVP_CipherInit_ex(ctx, crypto.EVP_aes_256_gcm(), NULL, key, nonce, seal) == 1 &&
           (!text->aad_len ||
            crypto.EVP_CipherUpdate(ctx, NULL, &n, text->aad, (int)text->aad_len) == 1) &&
           (!len || crypto.EVP_CipherUpdate(ctx, out, &n, text->data, (int)len) == 1) &&
           (seal || crypto.EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, LT_CRYPT_TAG_BYTES,
                                               (uint8_t *)(uintptr_t)text->data + len) == 1) &&
           crypto.EVP_CipherFinal_ex(ctx, out + len, &n) == 1 &&
           (!seal || crypto.EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, LT_CRYPT_TAG_BYTES,
                                                out + len) == 1);
}

static int begin(const struct lt_crypt_text *text, EVP_CIPHER_CTX **ret_ctx, struct leat_error *err)
{
    if (text->len > INT_MAX / 2 || text->aad_len > INT_MAX / 2) {
        return lt_fail(err, LT_E_LIMIT, "too much for one seal");
    }
    int rc = ready(err);
    if (!rc && !(*ret_ctx = crypto.EVP_CIPHER_CTX_new())) {
        rc = lt_fail_oom(err);
    }
    return rc;
}

int lt_crypt_seal(const uint8_t key[LT_CRYPT_KEY_BYTES], const uint8_t nonce[LT_CRYPT_NONCE_BYTES],
                  const struct lt_crypt_text *text, uint8_t *ret_sealed, struct leat_error *err)
{
    EVP_CIPHER_CTX *ctx = NULL;
    int rc = begin(text, &ctx, err);
    if (!rc && !pass(true, ctx, key, nonce, text, text->len, ret_sealed)) {
        rc = lt_fail(err, LT_E_INTERNAL, "OpenSSL's AES-256-GCM failed");
    }
    if (ctx) {
        crypto.EVP_CIPHER_CTX_free(ctx);
    }
    return rc;
}

int lt_crypt_open(const uint8_t key[LT_CRYPT_KEY_BYTES], const uint8_t nonce[LT_CRYPT_NONCE_BYTES],
                  const struct lt_crypt_text *text, uint8_t *ret_data, struct leat_error *err)
{
    if (text->len < LT_CRYPT_TAG_BYTES) {
        return lt_fail(err, LT_E_CORRUPT, "it is too short for a seal");
    }
    EVP_CIPHER_CTX *ctx = NULL;
    size_t len = text->len - LT_CRYPT_TAG_BYTES;
    int rc = begin(text, &ctx, err);
    if (!rc && !pass(false, ctx, key, nonce, text, len, ret_data)) {
        lt_crypt_clear(ret_data, len);
        rc = lt_fail(err, LT_E_CORRUPT, "its seal is broken");
    }
    if (ctx) {
        crypto.EVP_CIPHER_CTX_free(ctx);
    }
    return rc;
}

int lt_crypt_random(void *ret_bytes, size_t len, struct leat_error *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = getrandom((uint8_t *)ret_bytes + done, len - done, 0);
        if (n < 0 && errno != EINTR) {
            return lt_fail_errno(err, errno, "the system gives no random bytes");
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return LEAT_OK;
}

bool lt_crypt_same(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t differ = 0;
    for (size_t i = 0; i < len; i++) {
        differ |= x[i] ^ y[i];
    }
    return !differ;
}

void lt_crypt_clear(void *data, size_t len)
{
    if (len) {
        explicit_bzero(data, len);
    }
}

void lt_crypt_free_text(char *text)
{
    if (text) {
        lt_crypt_clear(text, strlen(text));
        free(text);
    }
}
