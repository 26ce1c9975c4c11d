/* Telling a file that did not change from one that did, without reading all of it. */
#ifndef LT_IDENTITY_H
#define LT_IDENTITY_H

#include "core/buf.h"
#include "leat/error.h"

#include <stdbool.h>

/* Appends what the file is now: device, inode, size, time of change, and a hash of its first and
 * last bytes (of a small one, of all). A file that is empty or not there appends "none" where
 * `may_lack`, else [not-found]. Something that is no regular file is LEAT_UNSUPPORTED. */
int lt_file_identity(const char *path, bool may_lack, struct lt_buf *out, struct leat_error *err);

#endif
