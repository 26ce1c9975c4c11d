/* Files below a folder by a pattern, exactly as Python's pathlib finds them (Path.glob, 3.7).
 *
 * `*`, `?` and `[a-c]`, `[!a]` stand for characters within one part of a path, a leading dot
 * included; `**` as a whole part stands for any number of folders, symbolic links to folders not
 * followed there. Folders that may not be read are passed over. Where the system gives names in no
 * order, they come here in the order of their bytes. */
#ifndef LT_LEDGER_GLOB_H
#define LT_LEDGER_GLOB_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A pattern taken apart and checked: [invalid] in Python's words. */
struct lt_glob;
int lt_glob_new(const char *pattern, struct lt_glob **ret_glob, struct leat_error *err);
void lt_glob_free(struct lt_glob *glob); /* NULL is fine */

/* Calls each() for every regular file, or link to one, that the pattern names below `base`: its
 * path begins with base and is valid during the call. A file may come twice where the pattern has
 * several `**`, or "..". A status other than LEAT_OK ends it and is returned. */
typedef int lt_glob_fn(void *arg, const char *path, struct leat_error *err);
int lt_glob_files(const struct lt_glob *glob, const char *base, lt_glob_fn *each, void *arg,
                  struct leat_error *err);

#endif
