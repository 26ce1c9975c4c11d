/* leat_resolve_references() (leat/config.h), which can be stopped. */
#ifndef LT_REFERENCES_H
#define LT_REFERENCES_H

#include "leat/error.h"

/* A command that runs is ended once *cancel is non-zero; NULL: never. */
int lt_resolve_references(const char *url, const volatile int *cancel, char **ret_url,
                          struct leat_error *err);
/* The same of an option's value: nothing is encoded, and what only looks like a reference ("${x}") is
 * left as it is. */
int lt_resolve_value(const char *value, const volatile int *cancel, char **ret_value,
                     struct leat_error *err);

#endif
