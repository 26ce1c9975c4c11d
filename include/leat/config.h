/* What a user keeps for all runs: named connections, and default values of options. They lie in the
 * vault, one encrypted file; variables of the environment and of a .env file name connections too.
 * docs/connections.md describes both, and the file.
 *
 * Threads: one at a time a vault. Errors: docs/errors.md; nothing of a vault is ever in a message.
 * Strings given are copied. */
#ifndef LEAT_CONFIG_H
#define LEAT_CONFIG_H

#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- the environment ------------------------------------------------------------------------ */

/* Reads NAME=VALUE lines (docs/connections.md) and sets those variables that the environment lacks;
 * of two files that set one, the later read counts. `path` NULL: .env in the working directory,
 * which need not be there, and which sets less than a file that was named: nothing that decides
 * whom leat trusts. [invalid] with file and line. Before any thread is started. */
LEAT_EXPORT int leat_env_file(const char *path, struct leat_error *err);
/* The value of a variable as leat sees it: the environment's, else an env file's, also where that
 * is kept from libraries and programs that leat starts. NULL: it is not set. */
LEAT_EXPORT const char *leat_env_get(const char *variable);
/* Where a variable was set: "environment", or FILE:LINE of an env file. NULL: it is not set. */
LEAT_EXPORT const char *leat_env_origin(const char *variable);

/* --- the vault ------------------------------------------------------------------------------ */

/* What unlocks a vault, in the order they are looked for: a session (leat_login()), the variable
 * LEAT_PASSPHRASE, a key file (LEAT_KEY_FILE), the key of this machine. A vault is locked by one of
 * passphrase, key file and machine key. */
enum leat_key_kind { LEAT_KEY_PASSPHRASE, LEAT_KEY_FILE, LEAT_KEY_MACHINE };

/* How a new vault is locked, or an old one from now on. */
struct leat_key {
    size_t size;
    enum leat_key_kind kind;
    const char *passphrase; /* PASSPHRASE; NULL: LEAT_PASSPHRASE, else ask() */
    const char *file;       /* FILE: path of a file of 32 random bytes or more, 0600; made if absent.
                               NULL: LEAT_KEY_FILE */
};

/* Asks the user for a secret; *ret_text is malloc'ed and cleared by the vault when it was used.
 * LEAT_UNSUPPORTED where nobody can be asked. */
typedef int leat_ask_fn(void *arg, const char *prompt, char **ret_text, struct leat_error *err);

struct leat_vault;

/* Opens the vault at `path` (NULL: LEAT_VAULT, else $XDG_CONFIG_HOME/leat/vault) without unlocking it
 * yet: a vault that is not there is empty, and made by the first put with `key` (NULL: a passphrase
 * where LEAT_PASSPHRASE is set, a key file where LEAT_KEY_FILE is, else the machine key).
 * ask (may be NULL) is called when nothing else unlocks it. [vault-permissions] when others may read
 * it or its key; [vault-damaged]. */
LEAT_EXPORT int leat_vault_open(const char *path, const struct leat_key *key, leat_ask_fn *ask,
                                void *arg, struct leat_vault **ret_vault, struct leat_error *err);
LEAT_EXPORT void leat_vault_close(struct leat_vault *vault); /* clears all secrets; NULL is fine */

enum leat_item_kind {
    LEAT_ITEM_CONNECTION, /* value: a URL, which may hold references (${env:NAME}, ...) */
    LEAT_ITEM_DEFAULT     /* value: of the option `name` */
};
/* Borrowed for the call, and secret: leat_redact() before it is shown. Non-zero stops. */
typedef int leat_item_fn(void *arg, const char *name, const char *value);

/* All items of a kind, by name. [vault-locked], [wrong-passphrase]. */
LEAT_EXPORT int leat_vault_each(struct leat_vault *vault, enum leat_item_kind kind,
                                leat_item_fn *each, void *arg, struct leat_error *err);
/* The value; valid until the next call on this vault. [not-found] with the closest name. */
LEAT_EXPORT int leat_vault_get(struct leat_vault *vault, enum leat_item_kind kind, const char *name,
                               const char **ret_value, struct leat_error *err);
/* Under the vault's lock: read, changed, written beside and renamed, so that a reader and a crash see
 * the old vault or the new one, whole. LEAT_CONFLICT [exists] unless `replace`. */
LEAT_EXPORT int leat_vault_put(struct leat_vault *vault, enum leat_item_kind kind, const char *name,
                               const char *value, bool replace, struct leat_error *err);
LEAT_EXPORT int leat_vault_remove(struct leat_vault *vault, enum leat_item_kind kind,
                                  const char *name, struct leat_error *err);
/* Locks it with another key from now on; what sessions hold ends. */
LEAT_EXPORT int leat_vault_rekey(struct leat_vault *vault, const struct leat_key *key,
                                 struct leat_error *err);
/* The whole vault as a file for another machine, locked by a passphrase of its own; and back, adding
 * to what is there. An item that is there with another value is [exists] unless `replace`, and then
 * nothing is changed. */
LEAT_EXPORT int leat_vault_export(struct leat_vault *vault, const char *path,
                                  const char *passphrase, struct leat_error *err);
LEAT_EXPORT int leat_vault_import(struct leat_vault *vault, const char *path,
                                  const char *passphrase, bool replace, int64_t *ret_items,
                                  struct leat_error *err);

/* Keeps the vault's key in the kernel's keyring of the user for so long, or where there is none in a
 * 0600 file of $XDG_RUNTIME_DIR with an expiry: then this and other sessions (cron) need no
 * passphrase. Asks as leat_vault_open() says. */
LEAT_EXPORT int leat_vault_login(struct leat_vault *vault, int64_t seconds, struct leat_error *err);
/* Forgets the key everywhere. LEAT_OK also where there was none. */
LEAT_EXPORT int leat_vault_logout(struct leat_vault *vault, struct leat_error *err);

struct leat_vault_status {
    size_t size;
    const char *path;
    bool exists;
    enum leat_key_kind kind;
    const char *key_path;   /* of the key file or machine key; NULL for a passphrase */
    const char *session;    /* "keyring", "file PATH", or NULL: nobody is logged in */
    int64_t session_seconds; /* left */
};
/* Never asks, and need not unlock. Strings live as long as the vault. */
LEAT_EXPORT int leat_vault_status(struct leat_vault *vault, struct leat_vault_status *ret_status,
                                  struct leat_error *err);

/* --- connections ---------------------------------------------------------------------------- */

struct leat_connection {
    size_t size;
    const char *name;
    const char *url;    /* secret; references not yet resolved */
    const char *origin; /* "variable LEAT_CONN_PG", "variable DATABASE_URL in .env:3", "vault" */
};

/* The vault that names of connections are looked up in, for the whole process: as leat_vault_open()
 * says, opened when first needed. Borrowed until another is set; NULL: the default one. Before any
 * thread is started. */
LEAT_EXPORT void leat_use_vault(struct leat_vault *vault);

/* Who is asked when the default vault must be unlocked; NULL: nobody, as at the start. */
LEAT_EXPORT void leat_use_asking(leat_ask_fn *ask, void *arg);
/* The vault that names are looked up in: the one set, else the default one, which is opened when it is
 * not yet. Borrowed. */
LEAT_EXPORT int leat_used_vault(struct leat_vault **ret_vault, struct leat_error *err);

/* Borrowed for the call. Non-zero stops and is returned. */
typedef int leat_connection_fn(void *arg, const struct leat_connection *connection);
/* All that are known by LEAT_CONN_<NAME> and in the vault, by name; of two of one name the one that
 * counts. Where the vault cannot be read, those of variables, and then its error. */
LEAT_EXPORT int leat_connections(leat_connection_fn *each, void *arg, struct leat_error *err);
/* The connection of this name, by precedence: LEAT_CONN_<NAME> (upper-cased, other characters than
 * letters and digits as _), a variable of exactly this name that holds a URL, the vault; variables
 * of the environment before those of an env file. LEAT_NOT_FOUND when there is none. The strings of
 * *ret_connection live until the next call from this thread. */
LEAT_EXPORT int leat_connection_find(const char *name, struct leat_connection *ret_connection,
                                     struct leat_error *err);

/* Replaces ${env:NAME}, ${file:PATH} (without its last newline) and ${cmd:COMMAND} (its output, by
 * the shell; without its last newline) in a URL by their values, percent-encoded. Done at every
 * opening, so that a secret that was rotated is taken. *ret_url is malloc'ed and secret. [reference]
 * says which one failed, never what it holds. */
LEAT_EXPORT int leat_resolve_references(const char *url, char **ret_url, struct leat_error *err);

#ifdef __cplusplus
}
#endif
#endif
