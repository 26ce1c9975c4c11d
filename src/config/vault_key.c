/* Keys of vaults: where the bytes come from that lock one and unlock it. */
#include "config/keyring.h"
#include "config/vault.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

#define ASK_MAX 3

void lt_key_bytes_done(struct lt_key_bytes *bytes)
{
    if (bytes->data) {
        lt_crypt_clear(bytes->data, bytes->len);
    }
    free(bytes->data);
    *bytes = (struct lt_key_bytes){0};
}

static int take_text(const char *text, struct lt_key_bytes *ret_bytes, struct leat_error *err)
{
    char *copy = lt_strdup(text);
    if (!copy) {
        return lt_fail_oom(err);
    }
    ret_bytes->data = (uint8_t *)copy;
    ret_bytes->len = strlen(copy);
    return LEAT_OK;
}

/* --- files ------------------------------------------------------------------------------------ */

/* All of a key file. *ret_found false: it is not there. */
static int read_key(const char *path, enum lt_private_kind kind, struct lt_key_bytes *ret_bytes,
                    bool *ret_found, struct leat_error *err)
{
    struct lt_place place = {0};
    struct lt_buf data = LT_BUF_INIT;
    *ret_found = false;
    int rc = lt_place_open(path, false, &place, err);
    if (!rc && lt_buf_reserve(&data, LT_KEY_FILE_BYTES_MAX + 1)) {
        rc = lt_fail_oom(err);
    }
    rc = rc ? rc
            : lt_private_read(&place, NULL, kind, LT_KEY_FILE_BYTES_MAX, &data, ret_found, NULL,
                              err);
    if (!rc && *ret_found && data.len < LT_KEY_FILE_BYTES_MIN) {
        rc = lt_fail(err, LT_E_VAULT_DAMAGED, "a key file has %d bytes or more",
                     LT_KEY_FILE_BYTES_MIN);
        leat_error_remedy(err, "put back a copy of it");
        leat_error_place(err, "%s", path);
    }
    if (!rc && *ret_found) {
        ret_bytes->data = malloc(data.len);
        if (ret_bytes->data) {
            memcpy(ret_bytes->data, data.data, data.len);
            ret_bytes->len = data.len;
        } else {
            rc = lt_fail_oom(err);
        }
    }
    if (data.data) {
        lt_crypt_clear(data.data, data.cap);
    }
    lt_buf_done(&data);
    lt_place_done(&place);
    return rc;
}

/* Reads it, or makes it; of two that make it at once one comes first, and both take that. */
static int read_or_make_key(const char *path, enum lt_private_kind kind,
                            struct lt_key_bytes *ret_bytes, struct leat_error *err)
{
    bool found;
    int rc = read_key(path, kind, ret_bytes, &found, err);
    if (rc || found) {
        return rc;
    }
    uint8_t fresh[LT_KEY_FILE_BYTES_MIN];
    struct lt_place place = {0};
    struct leat_error why = {0};
    rc = lt_crypt_random(fresh, sizeof fresh, err);
    rc = rc ? rc : lt_place_open(path, true, &place, err);
    if (!rc) {
        rc = lt_private_write(&place, NULL, fresh, sizeof fresh, false, &why);
        if (rc == LEAT_CONFLICT) {
            rc = LEAT_OK;
        } else if (rc && err) {
            *err = why;
        }
    }
    lt_place_done(&place);
    lt_crypt_clear(fresh, sizeof fresh);
    rc = rc ? rc : read_key(path, kind, ret_bytes, &found, err);
    if (!rc && !found) {
        rc = lt_fail(err, LT_E_CONFLICT, "%s was removed while it was made", path);
    }
    return rc;
}

static const char *key_file(const struct leat_vault *vault, const struct leat_key *key)
{
    const char *path = key && key->file ? key->file : vault->key_path;
    path = path ? path : getenv("LEAT_KEY_FILE");
    return path && *path ? path : NULL;
}

/* --- unlocking -------------------------------------------------------------------------------- */

static int locked(struct leat_error *err, const char *why, const char *path, const char *remedy)
{
    lt_fail(err, LT_E_VAULT_LOCKED, "%s%s", why, path);
    if (remedy) {
        leat_error_remedy(err, "%s", remedy);
    }
    return LEAT_DENIED;
}

static int check_secret(const struct lt_vault_header *header, struct lt_vault_secret *secret,
                        struct leat_error *err)
{
    if (lt_crypt_same(header->check, secret->check, sizeof secret->check)) {
        return LEAT_OK;
    }
    lt_crypt_clear(secret, sizeof *secret);
    return lt_fail(err, LT_E_WRONG_PASSPHRASE,
                   header->kind == LEAT_KEY_PASSPHRASE ? "that is not the passphrase of the vault"
                                                       : "that is not the key of the vault");
}

static int try_bytes(const struct lt_vault_header *header, const struct lt_key_bytes *bytes,
                     struct lt_vault_secret *ret_secret, struct leat_error *err)
{
    int rc = lt_vault_derive(header, bytes->data, bytes->len, ret_secret, err);
    return rc ? rc : check_secret(header, ret_secret, err);
}

static int ask(struct leat_vault *vault, const struct lt_vault_header *header,
               struct lt_vault_secret *ret_secret, struct leat_error *err)
{
    static const char *const prompts[ASK_MAX] = {"Passphrase of the vault",
                                                 "That is not it. Passphrase of the vault",
                                                 "That is not it either. Passphrase of the vault"};
    int rc = LEAT_DENIED;
    for (int i = 0; i < ASK_MAX; i++) {
        char *text = NULL;
        rc = vault->ask(vault->ask_arg, prompts[i], &text, err);
        if (rc == LEAT_UNSUPPORTED) {
            return locked(err, "the vault is locked by a passphrase, and nobody can be asked", "",
                          NULL);
        }
        if (rc) {
            return rc;
        }
        rc = lt_vault_derive(header, text, strlen(text), ret_secret, err);
        lt_crypt_free_text(text);
        rc = rc ? rc : check_secret(header, ret_secret, err);
        if (rc != LEAT_DENIED) {
            return rc;
        }
    }
    return rc;
}

static int by_passphrase(struct leat_vault *vault, const struct lt_vault_header *header,
                         struct lt_vault_secret *ret_secret, struct leat_error *err)
{
    const char *said = vault->passphrase, *variable = getenv("LEAT_PASSPHRASE");
    const char *text = said ? said : variable;
    if (text && *text) {
        int rc = lt_vault_derive(header, text, strlen(text), ret_secret, err);
        rc = rc ? rc : check_secret(header, ret_secret, err);
        if (rc == LEAT_DENIED && !said) {
            leat_error_place(err, "variable LEAT_PASSPHRASE");
        }
        return rc;
    }
    if (!vault->ask) {
        return locked(err, "the vault is locked by a passphrase", "", NULL);
    }
    return ask(vault, header, ret_secret, err);
}

static int by_file(struct leat_vault *vault, const struct lt_vault_header *header,
                   struct lt_vault_secret *ret_secret, struct leat_error *err)
{
    bool machine = header->kind == LEAT_KEY_MACHINE, found;
    const char *path = machine ? vault->machine_path : key_file(vault, NULL);
    if (!path) {
        return locked(err, "the vault is locked by a key file", "",
                      "let LEAT_KEY_FILE name it, or `leat user login` where that is set");
    }
    struct lt_key_bytes bytes = {0};
    int rc = read_key(path, machine ? LT_PRIVATE_OWN : LT_PRIVATE_GIVEN, &bytes, &found, err);
    if (!rc && !found) {
        rc = locked(err, "the key of the vault is not there: ", path, "put back a copy of it");
    }
    rc = rc ? rc : try_bytes(header, &bytes, ret_secret, err);
    if (rc == LEAT_DENIED && found && err && !err->place[0]) {
        leat_error_place(err, "%s", path);
    }
    lt_key_bytes_done(&bytes);
    return rc;
}

int lt_vault_unlock(struct leat_vault *vault, const struct lt_vault_header *header,
                    struct lt_vault_secret *ret_secret, struct leat_error *err)
{
    char place[LT_SESSION_PLACE_MAX];
    int64_t left;
    /* What a session holds of another vault, or of an older key, does not count. */
    if (lt_session_get(vault->session_id, ret_secret, place, &left) &&
        lt_crypt_same(header->check, ret_secret->check, sizeof header->check)) {
        return LEAT_OK;
    }
    int rc = header->kind == LEAT_KEY_PASSPHRASE ? by_passphrase(vault, header, ret_secret, err)
                                                 : by_file(vault, header, ret_secret, err);
    if (rc) {
        lt_crypt_clear(ret_secret, sizeof *ret_secret);
    }
    return rc;
}

/* --- locking ---------------------------------------------------------------------------------- */

static int new_passphrase(struct leat_vault *vault, const struct leat_key *key,
                          struct lt_key_bytes *ret_bytes, struct leat_error *err)
{
    const char *text = key && key->passphrase ? key->passphrase : vault->passphrase;
    text = text ? text : getenv("LEAT_PASSPHRASE");
    if (text && *text) {
        return take_text(text, ret_bytes, err);
    }
    char *first = NULL, *again = NULL;
    int rc = vault->ask ? vault->ask(vault->ask_arg, "New passphrase of the vault", &first, err)
                        : LEAT_UNSUPPORTED;
    if (rc == LEAT_UNSUPPORTED) {
        return locked(err, "the vault needs a new passphrase, and nobody can be asked", "",
                      "set LEAT_PASSPHRASE");
    }
    rc = rc ? rc : vault->ask(vault->ask_arg, "The same once more", &again, err);
    if (!rc && (!*first || strcmp(first, again) != 0)) {
        rc = lt_fail(err, LT_E_INVALID,
                     *first ? "the two passphrases are not the same" : "a passphrase is not empty");
    }
    rc = rc ? rc : take_text(first, ret_bytes, err);
    lt_crypt_free_text(first);
    lt_crypt_free_text(again);
    return rc;
}

static enum leat_key_kind kind_of_new(const struct leat_vault *vault, const struct leat_key *key)
{
    if (key) {
        return key->kind;
    }
    if (vault->key_said) {
        return vault->kind;
    }
    const char *passphrase = getenv("LEAT_PASSPHRASE");
    return passphrase && *passphrase ? LEAT_KEY_PASSPHRASE
           : key_file(vault, NULL)   ? LEAT_KEY_FILE
                                     : LEAT_KEY_MACHINE;
}

int lt_vault_new_key(struct leat_vault *vault, const struct leat_key *key,
                     struct lt_key_bytes *ret_bytes, struct leat_error *err)
{
    struct lt_key_bytes bytes = {.kind = kind_of_new(vault, key)};
    const char *path;
    int rc;
    switch (bytes.kind) {
    case LEAT_KEY_PASSPHRASE:
        rc = new_passphrase(vault, key, &bytes, err);
        break;
    case LEAT_KEY_FILE:
        path = key_file(vault, key);
        rc = path ? read_or_make_key(path, LT_PRIVATE_GIVEN, &bytes, err)
                  : lt_fail(err, LT_E_INVALID, "no key file was named: LEAT_KEY_FILE is not set");
        break;
    case LEAT_KEY_MACHINE:
        rc = read_or_make_key(vault->machine_path, LT_PRIVATE_OWN, &bytes, err);
        break;
    default:
        rc = lt_fail(err, LT_E_INVALID, "there is no such kind of key");
    }
    if (rc) {
        lt_key_bytes_done(&bytes);
        return rc;
    }
    *ret_bytes = bytes;
    return LEAT_OK;
}
