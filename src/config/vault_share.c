/* Another key, other machines, and sessions. */
#include "config/keyring.h"
#include "config/vault.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/banned.h"

/* --- another key ------------------------------------------------------------------------------ */

static int derive_new(const struct lt_key_bytes *bytes, struct lt_vault_header *ret_header,
                      struct lt_vault_secret *ret_secret, struct leat_error *err)
{
    int rc = lt_vault_header_new((uint8_t)bytes->kind, ret_header, err);
    return rc ? rc : lt_vault_derive(ret_header, bytes->data, bytes->len, ret_secret, err);
}

static int rekey_locked(struct leat_vault *vault, const struct lt_place *place,
                        const struct lt_key_bytes *bytes, struct leat_error *err)
{
    struct lt_vault_header header;
    struct lt_vault_secret secret;
    int rc = derive_new(bytes, &header, &secret, err);
    rc = rc ? rc : lt_vault_load(vault, err);
    rc = rc ? rc : lt_vault_write(vault, place, &header, &secret, &vault->items, err);
    lt_crypt_clear(&secret, sizeof secret);
    return rc;
}

int leat_vault_rekey(struct leat_vault *vault, const struct leat_key *key, struct leat_error *err)
{
    struct lt_place place = {0};
    struct lt_key_bytes bytes = {0};
    int lock = -1, rc = lt_vault_load(vault, err);
    if (!rc && !vault->exists) {
        rc = lt_fail(err, LT_E_NOT_FOUND, "there is no vault yet: %s", vault->path);
    }
    rc = rc ? rc : lt_vault_new_key(vault, key, &bytes, err);
    rc = rc ? rc : lt_place_open(vault->path, true, &place, err);
    if (!rc) {
        rc = lt_private_lock(&place, &lock, err);
        rc = rc ? rc : rekey_locked(vault, &place, &bytes, err);
        lt_place_done(&place);
    }
    if (lock >= 0) {
        close(lock);
    }
    lt_key_bytes_done(&bytes);
    return rc ? rc : lt_session_drop(vault->session_id, err);
}

/* --- other machines --------------------------------------------------------------------------- */

static int need_passphrase(const char *passphrase, struct leat_error *err)
{
    return passphrase && *passphrase ? LEAT_OK
                                     : lt_fail(err, LT_E_INVALID, "a passphrase is not empty");
}

int leat_vault_export(struct leat_vault *vault, const char *path, const char *passphrase,
                      struct leat_error *err)
{
    struct lt_vault_header header;
    struct lt_vault_secret secret;
    struct lt_buf file = LT_BUF_INIT;
    struct lt_place place = {0};
    const struct lt_key_bytes bytes = {LEAT_KEY_PASSPHRASE, (uint8_t *)(uintptr_t)passphrase,
                                       passphrase ? strlen(passphrase) : 0};
    int rc = need_passphrase(passphrase, err);
    rc = rc ? rc : lt_vault_load(vault, err);
    rc = rc ? rc : derive_new(&bytes, &header, &secret, err);
    rc = rc ? rc : lt_vault_seal_items(&header, &secret, &vault->items, &file, err);
    rc = rc ? rc : lt_place_open_any(path, &place, err);
    rc = rc ? rc : lt_private_write(&place, NULL, file.data, file.len, false, err);
    lt_crypt_clear(&secret, sizeof secret);
    lt_place_done(&place);
    lt_buf_done(&file);
    return rc;
}

/* The items of an exported file. */
static int read_export(const char *path, const char *passphrase, struct lt_items *ret_items,
                       struct leat_error *err)
{
    struct lt_vault_header header;
    struct lt_vault_secret secret;
    struct lt_buf body = LT_BUF_INIT, file = LT_BUF_INIT;
    struct lt_place place = {0};
    bool found = false;
    int rc = lt_place_open_any(path, &place, err);
    rc = rc ? rc
            : lt_private_read(&place, NULL, LT_PRIVATE_SHARED, LT_VAULT_BYTES_MAX, &file, &found,
                              NULL, err);
    if (!rc && !found) {
        rc = lt_fail(err, LT_E_NOT_FOUND, "there is no such file");
    }
    rc = rc ? rc : lt_vault_header_read(file.data, file.len, &header, err);
    if (!rc && header.kind != LEAT_KEY_PASSPHRASE) {
        rc = lt_fail(err, LT_E_INVALID, "it is a vault in use, not one that was exported");
        leat_error_remedy(err, "`leat config vault export FILE` where it is used");
    }
    rc = rc ? rc : lt_vault_derive(&header, passphrase, strlen(passphrase), &secret, err);
    rc = rc ? rc : lt_vault_unseal(&header, &secret, file.data, &body, err);
    rc = rc ? rc : lt_items_read(lt_buf_text(&body), body.len, ret_items, err);
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "%s", path);
    }
    if (body.data) {
        lt_crypt_clear(body.data, body.cap);
    }
    lt_crypt_clear(&secret, sizeof secret);
    lt_place_done(&place);
    lt_buf_done(&body);
    lt_buf_done(&file);
    return rc;
}

struct import {
    const struct lt_items *from;
    bool replace;
};

static int add_all(void *arg, struct lt_items *items, struct leat_error *err)
{
    const struct import *import = arg;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < import->from->n; i++) {
        const struct lt_item *item = &import->from->items[i];
        rc = lt_items_put(items, item->kind, item->name, item->value, import->replace, err);
    }
    return rc;
}

int leat_vault_import(struct leat_vault *vault, const char *path, const char *passphrase,
                      bool replace, int64_t *ret_items, struct leat_error *err)
{
    struct lt_items from = {0};
    struct import import = {&from, replace};
    int rc = need_passphrase(passphrase, err);
    rc = rc ? rc : read_export(path, passphrase, &from, err);
    rc = rc ? rc : lt_vault_change(vault, add_all, &import, err);
    if (!rc) {
        *ret_items = (int64_t)from.n;
    }
    lt_items_done(&from);
    return rc;
}

/* --- sessions --------------------------------------------------------------------------------- */

int leat_vault_login(struct leat_vault *vault, int64_t seconds, struct leat_error *err)
{
    int rc = lt_vault_load(vault, err);
    if (!rc && !vault->exists) {
        lt_fail(err, LT_E_NOT_FOUND, "there is no vault yet: %s", vault->path);
        leat_error_remedy(err, "`leat config connections add` makes one");
        return LEAT_NOT_FOUND;
    }
    return rc ? rc : lt_session_put(vault->session_id, &vault->secret, seconds, err);
}

int leat_vault_logout(struct leat_vault *vault, struct leat_error *err)
{
    lt_crypt_clear(&vault->secret, sizeof vault->secret);
    vault->unlocked = vault->loaded = false;
    lt_items_done(&vault->items);
    return lt_session_drop(vault->session_id, err);
}

static const char *key_path(struct leat_vault *vault)
{
    const char *file = vault->key_path ? vault->key_path : getenv("LEAT_KEY_FILE");
    return vault->header.kind == LEAT_KEY_MACHINE ? vault->machine_path
           : vault->header.kind == LEAT_KEY_FILE  ? file
                                                  : NULL;
}

int leat_vault_status(struct leat_vault *vault, struct leat_vault_status *ret_status,
                      struct leat_error *err)
{
    struct lt_place place = {0};
    struct lt_buf file = LT_BUF_INIT;
    struct lt_vault_secret secret;
    char where[LT_SESSION_PLACE_MAX];
    int64_t left = 0;
    bool found = false;
    int rc = lt_place_open(vault->path, false, &place, err);
    rc = rc ? rc : lt_vault_read_file(vault, &place, &file, &vault->header, &found, NULL, err);
    lt_buf_done(&file);
    lt_place_done(&place);
    if (rc) {
        return rc;
    }
    bool session = found && lt_session_get(vault->session_id, &secret, where, &left) &&
                   lt_crypt_same(secret.check, vault->header.check, sizeof secret.check);
    lt_crypt_clear(&secret, sizeof secret);
    free(vault->session_text);
    vault->session_text = session ? lt_strdup(where) : NULL;
    if (session && !vault->session_text) {
        return lt_fail_oom(err);
    }
    struct leat_vault_status status = {
        .size = LT_MIN(ret_status->size, sizeof status),
        .path = vault->path,
        .exists = found,
        .kind = found ? (enum leat_key_kind)vault->header.kind : LEAT_KEY_MACHINE,
        .key_path = found ? key_path(vault) : NULL,
        .session = vault->session_text,
        .session_seconds = session ? left : 0,
    };
    memcpy(ret_status, &status, status.size);
    return LEAT_OK;
}
