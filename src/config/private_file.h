/* Files that only their owner may read: looked at before they are trusted, written beside and
 * renamed, so that a reader and a crash see the old content or the new one, whole. */
#ifndef LT_PRIVATE_FILE_H
#define LT_PRIVATE_FILE_H

#include "core/buf.h"

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/* A path taken apart, with its directory held open, so that all steps happen in that one. */
struct lt_place {
    char *path;
    const char *name; /* its last part, in `path` */
    int dir_fd;       /* -1: the directory is not there */
};

/* Which content of a file was seen: a rename or a write changes it. */
struct lt_stamp {
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

/* The directory is made (0700, parents too) where `make` says so. [vault-permissions] when others
 * than its owner may write to it, or it is another user's (root's is fine). */
int lt_place_open(const char *path, bool make, struct lt_place *ret_place, struct leat_error *err);
/* The same of a directory that must be there and may be anybody's, /tmp for one. */
int lt_place_open_any(const char *path, struct lt_place *ret_place, struct leat_error *err);
void lt_place_done(struct lt_place *place); /* a zeroed one is fine */

enum lt_private_kind {
    LT_PRIVATE_OWN,   /* ours: no symbolic link, nothing for group and others */
    LT_PRIVATE_GIVEN, /* put there by somebody: a link is followed, its target is as above */
    LT_PRIVATE_SHARED /* whoever may read it: only that it is a file */
};

/* Appends all of the file `name` in the place's directory (NULL: the place itself); *ret_found
 * false when it is not there. [vault-permissions]; LT_E_LIMIT beyond size_max bytes. */
int lt_private_read(const struct lt_place *place, const char *name, enum lt_private_kind kind,
                    size_t size_max, struct lt_buf *out, bool *ret_found,
                    struct lt_stamp *ret_stamp, struct leat_error *err);
/* Whether it is still the content of the stamp. */
bool lt_private_is(const struct lt_place *place, const struct lt_stamp *stamp);
/* 0600, synced, renamed, and the directory synced. [exists] where it is there and not `replace`.
 * Who replaces holds the lock of the place. */
int lt_private_write(const struct lt_place *place, const char *name, const void *data, size_t len,
                     bool replace, struct leat_error *err);
/* Takes the lock file NAME.lock beside it; waits for whoever holds it, but not for ever:
 * LEAT_UNAVAILABLE. close() gives it back, and so does the end of the process. */
int lt_private_lock(const struct lt_place *place, int *ret_fd, struct leat_error *err);
/* LEAT_OK also where it is not there. */
int lt_private_remove(const struct lt_place *place, struct leat_error *err);

#endif
