/* The parts of an opened vault, shared by its files. See leat/config.h for what they do. */
#ifndef LT_VAULT_H
#define LT_VAULT_H

#include "config/private_file.h"
#include "config/vault_format.h"
#include "config/vault_items.h"

#define LT_KEY_FILE_BYTES_MIN 32
#define LT_KEY_FILE_BYTES_MAX ((size_t)64 << 10)

struct leat_vault {
    char *path;
    char *machine_path; /* machine.key beside the vault */
    char *key_path;     /* the key file that was said, or LEAT_KEY_FILE; NULL: none */
    char *passphrase;   /* that was said; NULL: none */
    bool key_said;      /* then `kind` is how a new vault is locked */
    enum leat_key_kind kind;
    leat_ask_fn *ask;
    void *ask_arg;

    bool unlocked; /* `secret` is that of `header` */
    struct lt_vault_secret secret;
    struct lt_vault_header header;

    bool loaded; /* `items` are those of the file with this stamp; of none where !exists */
    bool exists;
    struct lt_stamp stamp;
    struct lt_items items;

    char session_id[32]; /* names what a session keeps */
    char *session_text;  /* of the status */
};

/* The header of the vault's file, and its bytes; *ret_found false when there is none. */
int lt_vault_read_file(struct leat_vault *vault, const struct lt_place *place, struct lt_buf *file,
                       struct lt_vault_header *ret_header, bool *ret_found,
                       struct lt_stamp *ret_stamp, struct leat_error *err);
/* Reads and unlocks what is there now into vault->items. */
int lt_vault_load(struct leat_vault *vault, struct leat_error *err);

/* Changes the items under the lock: non-zero leaves the vault as it is. */
typedef int lt_vault_change_fn(void *arg, struct lt_items *items, struct leat_error *err);
int lt_vault_change(struct leat_vault *vault, lt_vault_change_fn *change, void *arg,
                    struct leat_error *err);
/* Appends the file of a vault that holds these items, and says in the header what they are. */
int lt_vault_seal_items(struct lt_vault_header *header, const struct lt_vault_secret *secret,
                        const struct lt_items *items, struct lt_buf *file, struct leat_error *err);
/* Seals the items with this header and secret, and puts the file in place. Under the lock. */
int lt_vault_write(struct leat_vault *vault, const struct lt_place *place,
                   const struct lt_vault_header *header, const struct lt_vault_secret *secret,
                   const struct lt_items *items, struct leat_error *err);

/* --- vault_key.c: what unlocks ---------------------------------------------------------------- */

/* The secret of a vault that is there: of a session, a variable, a file, or asked for. */
int lt_vault_unlock(struct leat_vault *vault, const struct lt_vault_header *header,
                    struct lt_vault_secret *ret_secret, struct leat_error *err);
/* The bytes that lock a new vault, or an old one from now on; makes what is not there. Before the
 * lock is taken where it asks. Clear and free them. */
struct lt_key_bytes {
    enum leat_key_kind kind;
    uint8_t *data;
    size_t len;
};
int lt_vault_new_key(struct leat_vault *vault, const struct leat_key *key,
                     struct lt_key_bytes *ret_bytes, struct leat_error *err);
void lt_key_bytes_done(struct lt_key_bytes *bytes);

#endif
