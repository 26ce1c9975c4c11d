/* Env files: NAME=VALUE lines that stand in for variables of the environment. */
#ifndef LT_ENV_H
#define LT_ENV_H

#include "leat/error.h"

#include <stddef.h>

#define LT_ENV_FILE_BYTES_MAX (1u << 20)
#define LT_ENV_VARIABLES_MAX 4096u

/* Borrowed for the call. Non-zero stops and is returned. */
typedef int lt_env_fn(void *arg, const char *name, const char *value, int line,
                      struct leat_error *err);

/* Takes the text of an env file apart (docs/connections.md says its grammar). [invalid] with the
 * line in *ret_line, which is also set when each() fails; never with a value in the message. */
int lt_env_parse(const char *text, size_t len, lt_env_fn *each, void *arg, int *ret_line,
                 struct leat_error *err);

#endif
