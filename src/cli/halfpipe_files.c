#include "cli/halfpipe_files.h"

#include "core/codes.h"
#include "core/crypt.h"
#include "core/url.h"
#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)4 << 20)

/* --- decryption ----------------------------------------------------------------------------- */

/* Compiled into every Halfpipe, and so no secret (its config/encrypted-file.go). */
static const char key[LT_CRYPT_KEY_BYTES + 1] = "vp;8vJbo$7aPXD^34zxY(LUo]d4EodCP";

static int read_file(const char *path, struct lt_buf *text, bool *ret_found, struct leat_error *err)
{
    char piece[4096];
    size_t n;
    FILE *file = fopen(path, "re");
    *ret_found = file != NULL;
    if (!file) {
        return errno == ENOENT ? LEAT_OK : lt_fail_errno(err, errno, "it cannot be opened");
    }
    int rc = LEAT_OK;
    while (!rc && (n = fread(piece, 1, sizeof piece, file)) > 0) {
        rc = text->len + n > FILE_BYTES_MAX
                 ? lt_fail(err, LT_E_LIMIT, "it is larger than %zu MiB", FILE_BYTES_MAX >> 20)
             : lt_buf_append(text, piece, n) ? lt_fail_oom(err)
                                             : LEAT_OK;
    }
    if (!rc && ferror(file)) {
        rc = lt_fail_errno(err, errno, "it cannot be read");
    }
    fclose(file);
    return rc;
}

static int corrupt(struct leat_error *err)
{
    return lt_fail(err, LT_E_CORRUPT, "it is not as Halfpipe writes its files");
}

/* Base64 of RFC 4648, with its padding; line ends are passed over. */
static int decode(const struct lt_buf *text, struct lt_buf *out, struct leat_error *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int n = 0;
    size_t padding = 0, count = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = (char)text->data[i];
        const char *digit = c ? strchr(digits, c) : NULL;
        if (c == '\r' || c == '\n') {
            continue;
        }
        if ((!digit && c != '=') || (digit && padding)) {
            return corrupt(err);
        }
        count++;
        padding += !digit;
        bits = bits << 6 | (digit ? (uint32_t)(digit - digits) : 0);
        n += digit ? 6 : 0;
        if (digit && n >= 8) {
            n -= 8;
            if (lt_buf_byte(out, (uint8_t)(bits >> n))) {
                return lt_fail_oom(err);
            }
        }
    }
    return count % 4 || padding > 2 ? corrupt(err) : LEAT_OK;
}

static int decrypt(const struct lt_buf *sealed, struct lt_buf *text, struct leat_error *err)
{
    if (sealed->len < LT_CRYPT_NONCE_BYTES + LT_CRYPT_TAG_BYTES) {
        return corrupt(err);
    }
    const struct lt_crypt_text given = {.data = sealed->data + LT_CRYPT_NONCE_BYTES,
                                        .len = sealed->len - LT_CRYPT_NONCE_BYTES};
    size_t len = given.len - LT_CRYPT_TAG_BYTES;
    uint8_t *plain = malloc(len + 1);
    if (!plain) {
        return lt_fail_oom(err);
    }
    int rc = lt_crypt_open((const uint8_t *)key, sealed->data, &given, plain, err);
    if (!rc && lt_buf_append(text, plain, len)) {
        rc = lt_fail_oom(err);
    }
    lt_crypt_clear(plain, len + 1);
    free(plain);
    return rc;
}

int halfpipe_read(const char *path, struct lt_buf *text, bool *ret_found, struct leat_error *err)
{
    struct lt_buf file = LT_BUF_INIT, sealed = LT_BUF_INIT;
    int rc = read_file(path, &file, ret_found, err);
    if (!rc && *ret_found) {
        rc = decode(&file, &sealed, err);
        rc = rc ? rc : decrypt(&sealed, text, err);
    }
    if (rc) {
        leat_error_place(err, "%s", path);
    }
    lt_buf_done(&file);
    lt_buf_done(&sealed);
    return rc;
}

/* --- data source names ---------------------------------------------------------------------- */

/* oracle://USER/PASS@//HOST:PORT/NAME?PARAMS, and netezza's likewise: read from the right, as
 * Halfpipe does, so that a password may hold anything. */
static int slashed_url(const char *type, const char *dsn, struct lt_buf *url)
{
    const char *rest = strstr(dsn, "://");
    rest = rest ? rest + 3 : dsn;
    const char *at = NULL;
    for (const char *p = strstr(rest, "@//"); p; p = strstr(p + 1, "@//")) {
        at = p;
    }
    const char *slash = strchr(rest, '/');
    if (!at || !slash || slash > at || slash == rest) {
        return LEAT_INVALID;
    }
    return lt_buf_printf(url, "%s://", type) ||
                   lt_url_encode(url, rest, (size_t)(slash - rest), "") || lt_buf_puts(url, ":") ||
                   lt_url_encode(url, slash + 1, (size_t)(at - slash - 1), "") ||
                   lt_buf_printf(url, "@%s", at + 3)
               ? LEAT_NO_MEMORY
               : LEAT_OK;
}

int halfpipe_url(const char *type, const char *dsn, struct lt_buf *url, struct leat_error *err)
{
    int rc;
    if (!strcmp(type, "oracle") || !strcmp(type, "netezza")) {
        rc = slashed_url(type, dsn, url);
    } else if (strstr(dsn, "://") || !strncmp(dsn, type, strlen(type))) {
        rc = lt_buf_puts(url, dsn);
    } else {
        rc = lt_buf_printf(url, "%s:%s", type, dsn);
    }
    if (rc == LEAT_INVALID) {
        return lt_fail(err, LT_E_INVALID, "its DSN is not %s://USER/PASSWORD@//HOST:PORT/NAME",
                       type);
    }
    return rc ? lt_fail_oom(err) : LEAT_OK;
}
