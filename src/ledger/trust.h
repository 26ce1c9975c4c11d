/* Files known from earlier runs by size, times and inode: --trust-mtime. */
#ifndef LT_LEDGER_TRUST_H
#define LT_LEDGER_TRUST_H

#include "ledger/models.h"
#include "state/store.h"

/* Takes over the checksums of files that are as they were; the rest is left to be hashed. */
int lt_trust_known(struct leat_state *state, struct lt_models *models, const char *base,
                   struct leat_error *err);
/* Remembers all files below base. Inside a transaction of the caller's. */
int lt_trust_remember(struct leat_state *state, const struct lt_models *models, const char *base,
                      struct leat_error *err);

#endif
