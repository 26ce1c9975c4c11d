/* Connection strings as SQLAlchemy 1.3 reads them: dialect+driver://user:password@host/database.
 *
 * They differ from other URLs: the password goes up to the last '@', user and password alone are
 * percent-decoded, the database's name is taken as it stands, and sqlite:///shop.db is relative. */
#ifndef LT_STATE_ALCHEMY_H
#define LT_STATE_ALCHEMY_H

#include "leat/error.h"

#include <stddef.h>

#define LT_ALCHEMY_PARAMS_MAX 64

struct lt_alchemy {
    const char *dialect;                            /* "postgresql" or "sqlite"; static */
    char *user, *password, *host, *port, *database; /* NULL: not given */
    char *keys[LT_ALCHEMY_PARAMS_MAX], *values[LT_ALCHEMY_PARAMS_MAX];
    size_t n_params;
};

/* [invalid] never repeats the text: it may hold a password. Free with lt_alchemy_done(). */
int lt_alchemy_parse(const char *text, struct lt_alchemy *ret_url, struct leat_error *err);
void lt_alchemy_done(struct lt_alchemy *url); /* a zeroed or failed one too */

#endif
