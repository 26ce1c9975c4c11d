/* Opening a vault, and what is asked of it and put into it. */
#include "config/vault.h"

#include "core/codes.h"
#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/banned.h"

#define MACHINE_KEY_NAME "machine.key"

/* --- opening ---------------------------------------------------------------------------------- */

/* LEAT_VAULT, or the place that the XDG Base Directory Specification gives. malloc'ed. */
static int default_path(char **ret_path, struct leat_error *err)
{
    const char *said = getenv("LEAT_VAULT"), *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    char *path;
    if (said && *said) {
        path = lt_strdup(said);
    } else if (base && base[0] == '/') {
        path = lt_format("%s/leat/vault", base);
    } else if (home && *home) {
        path = lt_format("%s/.config/leat/vault", home);
    } else {
        lt_fail(err, LT_E_NOT_FOUND, "nothing says where the vault is kept");
        leat_error_remedy(err, "set LEAT_VAULT, XDG_CONFIG_HOME or HOME");
        return LEAT_NOT_FOUND;
    }
    *ret_path = path;
    return path ? LEAT_OK : lt_fail_oom(err);
}

/* One name for one file, however it was written. */
static int make_session_id(struct leat_vault *vault, struct leat_error *err)
{
    const char *slash = strrchr(vault->path, '/');
    char *dir = slash ? lt_strndup(vault->path, (size_t)(slash - vault->path) + 1) : lt_strdup(".");
    char *real = dir ? realpath(dir, NULL) : NULL;
    char *text =
        dir ? lt_format("%s/%s", real ? real : dir, slash ? slash + 1 : vault->path) : NULL;
    if (text) {
        snprintf(vault->session_id, sizeof vault->session_id, "vault-%016llx",
                 (unsigned long long)lt_hash(text, strlen(text)));
    }
    free(dir);
    free(real);
    free(text);
    return text ? LEAT_OK : lt_fail_oom(err);
}

static int take_key(struct leat_vault *vault, const struct leat_key *key, struct leat_error *err)
{
    if (!key) {
        return LEAT_OK;
    }
    vault->key_said = true;
    vault->kind = key->kind;
    vault->passphrase = lt_strdup(key->passphrase);
    vault->key_path = lt_strdup(key->file);
    return (key->passphrase && !vault->passphrase) || (key->file && !vault->key_path)
               ? lt_fail_oom(err)
               : LEAT_OK;
}

/* Looks whether it may be trusted at all. */
static int look(struct leat_vault *vault, struct leat_error *err)
{
    struct lt_place place = {0};
    struct lt_buf file = LT_BUF_INIT;
    int rc = lt_place_open(vault->path, false, &place, err);
    rc = rc ? rc
            : lt_vault_read_file(vault, &place, &file, &vault->header, &vault->exists, NULL, err);
    lt_buf_done(&file);
    lt_place_done(&place);
    return rc;
}

int leat_vault_open(const char *path, const struct leat_key *key, leat_ask_fn *ask, void *arg,
                    struct leat_vault **ret_vault, struct leat_error *err)
{
    struct leat_vault *vault = calloc(1, sizeof *vault);
    if (!vault) {
        return lt_fail_oom(err);
    }
    vault->ask = ask;
    vault->ask_arg = arg;
    int rc = path ? LEAT_OK : default_path(&vault->path, err);
    if (path && !(vault->path = lt_strdup(path))) {
        rc = lt_fail_oom(err);
    }
    if (!rc) {
        const char *slash = strrchr(vault->path, '/');
        int len = slash ? (int)(slash - vault->path) + 1 : 0;
        vault->machine_path = lt_format("%.*s%s", len, vault->path, MACHINE_KEY_NAME);
        rc = vault->machine_path ? LEAT_OK : lt_fail_oom(err);
    }
    rc = rc ? rc : take_key(vault, key, err);
    rc = rc ? rc : make_session_id(vault, err);
    rc = rc ? rc : look(vault, err);
    if (rc) {
        leat_vault_close(vault);
        return rc;
    }
    *ret_vault = vault;
    return LEAT_OK;
}

void leat_vault_close(struct leat_vault *vault)
{
    if (!vault) {
        return;
    }
    lt_items_done(&vault->items);
    free(vault->path);
    free(vault->machine_path);
    free(vault->key_path);
    lt_crypt_free_text(vault->passphrase);
    free(vault->session_text);
    lt_crypt_clear(vault, sizeof *vault);
    free(vault);
}

/* --- reading ---------------------------------------------------------------------------------- */

int lt_vault_read_file(struct leat_vault *vault, const struct lt_place *place, struct lt_buf *file,
                       struct lt_vault_header *ret_header, bool *ret_found,
                       struct lt_stamp *ret_stamp, struct leat_error *err)
{
    int rc = lt_private_read(place, NULL, LT_PRIVATE_OWN, LT_VAULT_BYTES_MAX, file, ret_found,
                             ret_stamp, err);
    if (!rc && *ret_found) {
        rc = lt_vault_header_read(file->data, file->len, ret_header, err);
        if (rc) {
            leat_error_place(err, "%s", vault->path);
        }
    }
    return rc;
}

static int unlock_items(struct leat_vault *vault, const struct lt_vault_header *header,
                        const struct lt_buf *file, struct lt_items *ret_items,
                        struct leat_error *err)
{
    struct lt_vault_secret secret = vault->secret;
    struct lt_buf body = LT_BUF_INIT;
    int rc = LEAT_OK;
    if (!vault->unlocked || !lt_crypt_same(header->check, secret.check, sizeof secret.check)) {
        rc = lt_vault_unlock(vault, header, &secret, err);
    }
    if (!rc) {
        rc = lt_vault_unseal(header, &secret, file->data, &body, err);
        rc = rc ? rc : lt_items_read(lt_buf_text(&body), body.len, ret_items, err);
        if (rc) {
            leat_error_place(err, "%s", vault->path);
        }
    }
    if (!rc) {
        vault->secret = secret;
        vault->unlocked = true;
    }
    if (body.data) {
        lt_crypt_clear(body.data, body.cap);
    }
    lt_buf_done(&body);
    lt_crypt_clear(&secret, sizeof secret);
    return rc;
}

static int load_from(struct leat_vault *vault, const struct lt_place *place, struct leat_error *err)
{
    if (vault->loaded && vault->exists && lt_private_is(place, &vault->stamp)) {
        return LEAT_OK;
    }
    struct lt_buf file = LT_BUF_INIT;
    struct lt_vault_header header;
    struct lt_items items = {0};
    struct lt_stamp stamp = {0};
    bool found;
    int rc = lt_vault_read_file(vault, place, &file, &header, &found, &stamp, err);
    rc = rc || !found ? rc : unlock_items(vault, &header, &file, &items, err);
    lt_buf_done(&file);
    if (rc) {
        lt_items_done(&items);
        return rc;
    }
    lt_items_done(&vault->items);
    vault->items = items;
    vault->exists = found;
    vault->stamp = stamp;
    vault->loaded = true;
    if (found) {
        vault->header = header;
    }
    return LEAT_OK;
}

int lt_vault_load(struct leat_vault *vault, struct leat_error *err)
{
    struct lt_place place = {0};
    int rc = lt_place_open(vault->path, false, &place, err);
    rc = rc ? rc : load_from(vault, &place, err);
    lt_place_done(&place);
    return rc;
}

/* Every command asks for defaults: a vault that says it has none stays locked. */
static bool holds_none(const struct leat_vault *vault, enum leat_item_kind kind)
{
    return !vault->exists ||
           (kind == LEAT_ITEM_DEFAULT && !(vault->header.flags & LT_VAULT_HOLDS_DEFAULTS));
}

int leat_vault_each(struct leat_vault *vault, enum leat_item_kind kind, leat_item_fn *each,
                    void *arg, struct leat_error *err)
{
    int rc = holds_none(vault, kind) ? LEAT_OK : lt_vault_load(vault, err);
    for (size_t i = 0; !rc && i < vault->items.n; i++) {
        const struct lt_item *item = &vault->items.items[i];
        if (item->kind == kind) {
            rc = each(arg, item->name, item->value);
        }
    }
    return rc;
}

static int not_found(const struct lt_items *items, enum leat_item_kind kind, const char *name,
                     struct leat_error *err)
{
    const char *close = lt_items_closest(items, kind, name);
    lt_fail(err, LT_E_NOT_FOUND, "the vault has no %s %s", lt_item_kind_name(kind), name);
    if (close) {
        leat_error_remedy(err, "did you mean %s?", close);
    }
    return LEAT_NOT_FOUND;
}

int leat_vault_get(struct leat_vault *vault, enum leat_item_kind kind, const char *name,
                   const char **ret_value, struct leat_error *err)
{
    int rc = lt_vault_load(vault, err);
    if (rc) {
        return rc;
    }
    const struct lt_item *item = lt_items_find(&vault->items, kind, name);
    if (!item) {
        return not_found(&vault->items, kind, name, err);
    }
    *ret_value = item->value;
    return LEAT_OK;
}

/* --- changing --------------------------------------------------------------------------------- */

int lt_vault_seal_items(struct lt_vault_header *header, const struct lt_vault_secret *secret,
                        const struct lt_items *items, struct lt_buf *file, struct leat_error *err)
{
    struct lt_buf body = LT_BUF_INIT;
    header->flags = 0;
    for (size_t i = 0; i < items->n; i++) {
        header->flags |= items->items[i].kind == LEAT_ITEM_DEFAULT ? LT_VAULT_HOLDS_DEFAULTS : 0;
    }
    int rc = lt_items_write(items, &body, err);
    rc = rc ? rc : lt_vault_seal(header, secret, body.data, body.len, file, err);
    if (body.data) {
        lt_crypt_clear(body.data, body.cap);
    }
    lt_buf_done(&body);
    return rc;
}

int lt_vault_write(struct leat_vault *vault, const struct lt_place *place,
                   const struct lt_vault_header *header, const struct lt_vault_secret *secret,
                   const struct lt_items *items, struct leat_error *err)
{
    struct lt_buf file = LT_BUF_INIT;
    struct lt_vault_header said = *header;
    int rc = lt_vault_seal_items(&said, secret, items, &file, err);
    rc = rc ? rc : lt_private_write(place, NULL, file.data, file.len, true, err);
    lt_buf_done(&file);
    vault->loaded = false; /* read again when next needed, with the same secret */
    if (!rc) {
        vault->secret = *secret;
        vault->header = said;
        vault->exists = vault->unlocked = true;
    }
    return rc;
}

/* Under the lock: what is there now is changed, not what was there when it was first read. */
static int change_locked(struct leat_vault *vault, const struct lt_place *place,
                         const struct lt_key_bytes *fresh, lt_vault_change_fn *change, void *arg,
                         struct leat_error *err)
{
    struct lt_vault_header header = {0};
    struct lt_vault_secret secret = {0};
    struct lt_items items = {0};
    int rc = load_from(vault, place, err);
    rc = rc ? rc : lt_items_copy(&vault->items, &items, err);
    rc = rc ? rc : change(arg, &items, err);
    if (!rc && vault->exists) {
        header = vault->header;
        secret = vault->secret;
    } else if (!rc && !fresh->data) {
        rc = lt_fail(err, LT_E_CONFLICT, "the vault was removed meanwhile");
    } else if (!rc) {
        rc = lt_vault_header_new((uint8_t)fresh->kind, &header, err);
        rc = rc ? rc : lt_vault_derive(&header, fresh->data, fresh->len, &secret, err);
    }
    rc = rc ? rc : lt_vault_write(vault, place, &header, &secret, &items, err);
    lt_crypt_clear(&secret, sizeof secret);
    lt_items_done(&items);
    return rc;
}

int lt_vault_change(struct leat_vault *vault, lt_vault_change_fn *change, void *arg,
                    struct leat_error *err)
{
    struct lt_place place = {0};
    struct lt_key_bytes fresh = {0};
    int lock = -1;
    /* Unlocked first: nobody waits for the lock while a passphrase is typed. */
    int rc = lt_vault_load(vault, err);
    if (!rc && !vault->exists) {
        rc = lt_vault_new_key(vault, NULL, &fresh, err);
    }
    rc = rc ? rc : lt_place_open(vault->path, true, &place, err);
    if (!rc) {
        rc = make_session_id(vault, err); /* its directory may be new */
        rc = rc ? rc : lt_private_lock(&place, &lock, err);
        rc = rc ? rc : change_locked(vault, &place, &fresh, change, arg, err);
        lt_place_done(&place);
    }
    if (lock >= 0) {
        close(lock);
    }
    lt_key_bytes_done(&fresh);
    return rc;
}

struct put {
    enum leat_item_kind kind;
    const char *name, *value;
    bool replace;
};

static int put_item(void *arg, struct lt_items *items, struct leat_error *err)
{
    const struct put *put = arg;
    return lt_items_put(items, put->kind, put->name, put->value, put->replace, err);
}

int leat_vault_put(struct leat_vault *vault, enum leat_item_kind kind, const char *name,
                   const char *value, bool replace, struct leat_error *err)
{
    struct put put = {kind, name, value, replace};
    return lt_vault_change(vault, put_item, &put, err);
}

static int remove_item(void *arg, struct lt_items *items, struct leat_error *err)
{
    const struct put *put = arg;
    return lt_items_remove(items, put->kind, put->name)
               ? LEAT_OK
               : not_found(items, put->kind, put->name, err);
}

int leat_vault_remove(struct leat_vault *vault, enum leat_item_kind kind, const char *name,
                      struct leat_error *err)
{
    struct put put = {kind, name, NULL, false};
    int rc = lt_vault_load(vault, err); /* where there is no vault, none is made */
    if (!rc && !lt_items_find(&vault->items, kind, name)) {
        return not_found(&vault->items, kind, name, err);
    }
    return rc ? rc : lt_vault_change(vault, remove_item, &put, err);
}
