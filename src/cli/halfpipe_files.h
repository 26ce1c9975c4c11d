/* Halfpipe's own files of connections and defaults: how they are encrypted, and what its data source
 * names mean as URLs. */
#ifndef LT_CLI_HALFPIPE_FILES_H
#define LT_CLI_HALFPIPE_FILES_H

#include "core/buf.h"

#include <stdbool.h>

/* Appends what a file of Halfpipe holds, YAML, secret. *ret_found false when there is no such file.
 * [corrupt-file] when it was not encrypted by it. */
int halfpipe_read(const char *path, struct lt_buf *text, bool *ret_found, struct leat_error *err);

/* Appends the URL of a DSN of that type: user and password where URLs have them, and so where
 * they are known for secrets. LEAT_INVALID when it cannot be taken apart. */
int halfpipe_url(const char *type, const char *dsn, struct lt_buf *url, struct leat_error *err);

#endif
