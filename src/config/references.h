/* leat_resolve_references() (leat/config.h), which can be stopped. */
#ifndef LT_REFERENCES_H
#define LT_REFERENCES_H

#include "leat/error.h"

/* A command that runs is ended once *cancel is non-zero; NULL: never. */
int lt_resolve_references(const char *url, const volatile int *cancel, char **ret_url,
                          struct leat_error *err);

#endif
