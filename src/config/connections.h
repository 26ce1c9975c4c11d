/* Names of connections, one by one: what leat_connection_find() (leat/config.h) is made of. */
#ifndef LT_CONNECTIONS_H
#define LT_CONNECTIONS_H

#include "leat/config.h"

#include <stdbool.h>

#define LT_CONNECTION_NAME_MAX 64

/* Length of a URL's scheme at the beginning of `text` (letters, digits, + . - _), without its
 * colon; 0 when there is none. One letter is no scheme. */
size_t lt_scheme_length(const char *text);

/* The connection that variables give this name; false when none does. *ret_plain (may be NULL):
 * the variable is called as the name is, so that it may well be meant for something else. The
 * strings live until the next call from this thread. */
bool lt_connection_variable(const char *name, struct leat_connection *ret_connection,
                            bool *ret_plain);

/* The connection that the vault has under this name: false when it has none, or there is no vault.
 * With `ask` false a vault that cannot be unlocked without asking fails as one that is locked. The
 * strings live until the next call on the vault. */
int lt_connection_stored(const char *name, bool ask, struct leat_connection *ret_connection,
                         bool *ret_found, struct leat_error *err);

/* [not-found], with the closest name that is known without asking anybody. */
int lt_connection_not_found(const char *name, struct leat_error *err);

#endif
