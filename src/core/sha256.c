#include "core/sha256.h"

#include "core/codes.h"
#include "core/library.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define DIGEST_BYTES 32

/* Every function used of libcrypto. */
#define CRYPTO_MAP(X)                                                                              \
    X(EVP_MD_CTX_new)                                                                              \
    X(EVP_MD_CTX_free)                                                                             \
    X(EVP_sha256)                                                                                  \
    X(EVP_DigestInit_ex)                                                                           \
    X(EVP_DigestUpdate)                                                                            \
    X(EVP_DigestFinal_ex)

static struct {
    CRYPTO_MAP(LT_LIBRARY_MEMBER)
} crypto;
static const char *const symbols[] = {CRYPTO_MAP(LT_LIBRARY_SYMBOL)};
static struct lt_library library = LT_LIBRARY("libcrypto", "3", "libssl3", symbols, crypto);
static pthread_once_t once = PTHREAD_ONCE_INIT;

struct lt_sha256 {
    EVP_MD_CTX *context;
    bool begun;
};

static void load(void)
{
    lt_library_load(&library);
}

static int broken(struct leat_error *err)
{
    return lt_fail(err, LT_E_INTERNAL, "OpenSSL's SHA-256 failed");
}

int lt_sha256_new(struct lt_sha256 **ret_sha, struct leat_error *err)
{
    pthread_once(&once, load);
    int rc = lt_library_check(&library, "OpenSSL", err);
    if (rc) {
        return rc;
    }
    struct lt_sha256 *sha = calloc(1, sizeof *sha);
    if (!sha || !(sha->context = crypto.EVP_MD_CTX_new())) {
        free(sha);
        return lt_fail_oom(err);
    }
    /* The algorithm is looked up once: later ones begin with the one that is there. */
    if (crypto.EVP_DigestInit_ex(sha->context, crypto.EVP_sha256(), NULL) != 1) {
        lt_sha256_free(sha);
        return broken(err);
    }
    sha->begun = true;
    *ret_sha = sha;
    return LEAT_OK;
}

void lt_sha256_free(struct lt_sha256 *sha)
{
    if (sha) {
        crypto.EVP_MD_CTX_free(sha->context);
        free(sha);
    }
}

static bool begin(struct lt_sha256 *sha)
{
    sha->begun = sha->begun || crypto.EVP_DigestInit_ex(sha->context, NULL, NULL) == 1;
    return sha->begun;
}

int lt_sha256_add(struct lt_sha256 *sha, const void *data, size_t len, struct leat_error *err)
{
    return begin(sha) && crypto.EVP_DigestUpdate(sha->context, data, len) == 1 ? LEAT_OK
                                                                               : broken(err);
}

int lt_sha256_hex(struct lt_sha256 *sha, char ret_hex[LT_SHA256_HEX_MAX], struct leat_error *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!begin(sha) || crypto.EVP_DigestFinal_ex(sha->context, digest, &len) != 1 ||
        len != DIGEST_BYTES) {
        return broken(err);
    }
    sha->begun = false;
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        ret_hex[2 * i] = digits[digest[i] >> 4];
        ret_hex[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_hex[2 * DIGEST_BYTES] = 0;
    return LEAT_OK;
}
