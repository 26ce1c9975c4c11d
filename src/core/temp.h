/* Temporary files without a name: they go with their descriptor, however the process ends. */
#ifndef LT_TEMP_H
#define LT_TEMP_H

#include "leat/error.h"

#include <stddef.h>
#include <stdint.h>

/* In TMPDIR, or /tmp. close() ends it. */
int lt_temp_open(int *ret_fd, struct leat_error *err);
/* Writes all of it at the file's position. */
int lt_temp_write(int fd, const void *data, size_t size, struct leat_error *err);
/* Reads all of it from there, or fails. */
int lt_temp_read_at(int fd, int64_t offset, void *data, size_t size, struct leat_error *err);

#endif
