#include "config/keyring.h"

#include "config/private_file.h"
#include "core/codes.h"
#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/keyctl.h>
#endif

#include "core/banned.h"

#define ID_MAX 64
#define US_A_SECOND 1000000

/* What is kept, in either place. */
struct record {
    uint8_t magic[8];
    int64_t expires_us; /* wall clock: the kernel does not say how long a key has left */
    struct lt_vault_secret secret;
};

static const uint8_t magic[8] = {'L', 'E', 'A', 'T', 'S', 'E', 'S', '1'};

/* Takes a record apart; false when it is none, or its time is over. */
static bool accept(const struct record *record, size_t len, struct lt_vault_secret *ret_secret,
                   int64_t *ret_seconds_left)
{
    int64_t left = len == sizeof *record ? record->expires_us - lt_wall_us() : 0;
    if (left <= 0 || left / US_A_SECOND > LT_SESSION_SECONDS_MAX ||
        memcmp(record->magic, magic, sizeof magic) != 0) {
        return false;
    }
    *ret_secret = record->secret;
    *ret_seconds_left = (left + US_A_SECOND - 1) / US_A_SECOND;
    return true;
}

/* --- the kernel ------------------------------------------------------------------------------ */

#ifdef __linux__

/* A process that has not this session's keyring does not "possess" the key: it reads it by the
 * permissions of its user. View, read, write, search, link, setattr for both. */
#define PERMISSIONS 0x3f3f0000u

static bool may_use_kernel(void)
{
    const char *which = getenv("LEAT_KEYRING");
    return !which || strcmp(which, "file") != 0;
}

static long keyctl(int operation, long a, const void *b, size_t c, long d)
{
    return syscall(SYS_keyctl, operation, a, b, c, d);
}

static void describe(const char *id, char text[ID_MAX])
{
    snprintf(text, ID_MAX, "leat:%s", id);
}

static long kernel_find(const char *id)
{
    char text[ID_MAX];
    describe(id, text);
    if (!may_use_kernel()) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", text, 0);
}

static bool kernel_put(const char *id, const struct record *record, int64_t seconds)
{
    char text[ID_MAX];
    describe(id, text);
    if (!may_use_kernel()) {
        return false;
    }
    long key = syscall(SYS_add_key, "user", text, record, sizeof *record, KEY_SPEC_USER_KEYRING);
    if (key < 0) {
        return false;
    }
    /* What cannot be read back from elsewhere, or would stay for good, is no session. */
    if (keyctl(KEYCTL_SETPERM, key, (const void *)(uintptr_t)PERMISSIONS, 0, 0) ||
        keyctl(KEYCTL_SET_TIMEOUT, key, (const void *)(uintptr_t)seconds, 0, 0)) {
        keyctl(KEYCTL_INVALIDATE, key, NULL, 0, 0);
        return false;
    }
    return true;
}

static bool kernel_get(const char *id, struct lt_vault_secret *ret_secret, int64_t *ret_left)
{
    struct record record;
    long key = kernel_find(id);
    long len = key < 0 ? -1 : keyctl(KEYCTL_READ, key, &record, sizeof record, 0);
    bool good = len > 0 && accept(&record, (size_t)len, ret_secret, ret_left);
    lt_crypt_clear(&record, sizeof record);
    return good;
}

static int kernel_drop(const char *id, struct leat_error *err)
{
    long key = kernel_find(id);
    if (key >= 0 && keyctl(KEYCTL_INVALIDATE, key, NULL, 0, 0) &&
        keyctl(KEYCTL_REVOKE, key, NULL, 0, 0)) {
        return lt_fail_errno(err, errno, "the kernel does not forget the key of the session");
    }
    return LEAT_OK;
}

#else

static bool kernel_put(const char *id, const struct record *record, int64_t seconds)
{
    (void)id, (void)record, (void)seconds;
    return false;
}

static bool kernel_get(const char *id, struct lt_vault_secret *ret_secret, int64_t *ret_left)
{
    (void)id, (void)ret_secret, (void)ret_left;
    return false;
}

static int kernel_drop(const char *id, struct leat_error *err)
{
    (void)id, (void)err;
    return LEAT_OK;
}

#endif

/* --- the file -------------------------------------------------------------------------------- */

/* False when no directory was given. */
static bool file_path(const char *id, char path[LT_SESSION_PLACE_MAX])
{
    const char *dir = getenv("XDG_RUNTIME_DIR");
    int n = dir && dir[0] == '/'
                ? snprintf(path, LT_SESSION_PLACE_MAX, "%s/leat/session-%s", dir, id)
                : 0;
    return n > 0 && n < LT_SESSION_PLACE_MAX;
}

static int file_put(const char *id, const struct record *record, struct leat_error *err)
{
    char path[LT_SESSION_PLACE_MAX];
    if (!file_path(id, path)) {
        lt_fail(err, LT_E_UNSUPPORTED,
                "the kernel keeps no key here, and XDG_RUNTIME_DIR names no directory for a file");
        leat_error_remedy(err, "set XDG_RUNTIME_DIR, or LEAT_PASSPHRASE for each run");
        return LEAT_UNSUPPORTED;
    }
    struct lt_place place = {0};
    int lock = -1, rc = lt_place_open(path, true, &place, err);
    if (rc) {
        return rc;
    }
    rc = lt_private_lock(&place, &lock, err);
    rc = rc ? rc : lt_private_write(&place, NULL, record, sizeof *record, true, err);
    if (lock >= 0) {
        close(lock);
    }
    lt_place_done(&place);
    return rc;
}

static bool file_get(const char *id, struct lt_vault_secret *ret_secret,
                     char place_text[LT_SESSION_PLACE_MAX], int64_t *ret_left)
{
    char path[LT_SESSION_PLACE_MAX];
    struct lt_place place = {0};
    if (!file_path(id, path) || lt_place_open(path, false, &place, NULL)) {
        return false;
    }
    struct lt_buf data = LT_BUF_INIT;
    struct record record = {0};
    bool found = false;
    /* A session that others may read or have made is none. */
    if (lt_private_read(&place, NULL, LT_PRIVATE_OWN, sizeof record, &data, &found, NULL, NULL)) {
        found = false;
    }
    if (found && data.len == sizeof record) {
        memcpy(&record, data.data, sizeof record);
        found = accept(&record, data.len, ret_secret, ret_left);
        if (!found) {
            lt_private_remove(&place, NULL);
        }
    }
    if (data.data) {
        lt_crypt_clear(data.data, data.cap);
    }
    lt_crypt_clear(&record, sizeof record);
    lt_buf_done(&data);
    lt_place_done(&place);
    snprintf(place_text, LT_SESSION_PLACE_MAX, "file %.*s", LT_SESSION_PLACE_MAX - 8, path);
    return found;
}

static int file_drop(const char *id, struct leat_error *err)
{
    char path[LT_SESSION_PLACE_MAX];
    struct lt_place place = {0};
    if (!file_path(id, path)) {
        return LEAT_OK;
    }
    int rc = lt_place_open(path, false, &place, err);
    rc = rc ? rc : lt_private_remove(&place, err);
    lt_place_done(&place);
    return rc;
}

/* --- both ------------------------------------------------------------------------------------- */

int lt_session_put(const char *id, const struct lt_vault_secret *secret, int64_t seconds,
                   struct leat_error *err)
{
    if (seconds < 1 || seconds > LT_SESSION_SECONDS_MAX) {
        return lt_fail(err, LT_E_INVALID, "a session lasts from a second to a year");
    }
    struct record record = {.expires_us = lt_wall_us() + seconds * US_A_SECOND, .secret = *secret};
    memcpy(record.magic, magic, sizeof magic);
    int rc = lt_session_drop(id, err);
    if (!rc && !kernel_put(id, &record, seconds)) {
        rc = file_put(id, &record, err);
    }
    lt_crypt_clear(&record, sizeof record);
    return rc;
}

bool lt_session_get(const char *id, struct lt_vault_secret *ret_secret,
                    char ret_place[LT_SESSION_PLACE_MAX], int64_t *ret_seconds_left)
{
    if (kernel_get(id, ret_secret, ret_seconds_left)) {
        snprintf(ret_place, LT_SESSION_PLACE_MAX, "keyring");
        return true;
    }
    return file_get(id, ret_secret, ret_place, ret_seconds_left);
}

int lt_session_drop(const char *id, struct leat_error *err)
{
    int rc = kernel_drop(id, err), also = file_drop(id, rc ? NULL : err);
    return rc ? rc : also;
}
