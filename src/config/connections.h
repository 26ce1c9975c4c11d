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

#endif
