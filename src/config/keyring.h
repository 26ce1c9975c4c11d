/* Where a session keeps the secret of a vault for a while: the kernel's keyring of the user, which
 * every process of that user can read (cron and services too) and which forgets by itself; or,
 * where the kernel refuses (most containers), a 0600 file in $XDG_RUNTIME_DIR with an expiry.
 * LEAT_KEYRING=file leaves the kernel out. */
#ifndef LT_KEYRING_H
#define LT_KEYRING_H

#include "config/vault_format.h"

#include <stdbool.h>

#define LT_SESSION_PLACE_MAX 512
#define LT_SESSION_SECONDS_MAX (366 * (int64_t)86400)

/* Over what was kept under this id. LEAT_UNSUPPORTED when there is neither. */
int lt_session_put(const char *id, const struct lt_vault_secret *secret, int64_t seconds,
                   struct leat_error *err);
/* False when nothing is kept, or no longer. `place` is "keyring" or "file PATH". */
bool lt_session_get(const char *id, struct lt_vault_secret *ret_secret,
                    char ret_place[LT_SESSION_PLACE_MAX], int64_t *ret_seconds_left);
/* From both places. LEAT_OK also when nothing was kept. */
int lt_session_drop(const char *id, struct leat_error *err);

#endif
