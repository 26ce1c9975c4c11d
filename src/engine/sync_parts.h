/* One stream's sync in steps, so that several can be taken together. */
#ifndef LT_SYNC_PARTS_H
#define LT_SYNC_PARTS_H

#include "engine/changes.h"
#include "engine/pair.h"
#include "engine/sync.h"

#define LT_SYNC_CONFLICTS_MAX 3

struct lt_syncing {
    struct lt_run *run; /* NULL: done */
    struct lt_job *job;
    size_t index; /* of the job */
    struct lt_side **source, **dest;
    int64_t together; /* so many keep their changes at a time */
    struct lt_pair pair;
    struct lt_changes changes;
    bool keeps;           /* the destination takes changes: they are kept */
    bool made;            /* it was not there, and was copied */
    bool differs, widens; /* records; columns that are to be added */
    bool retyped;         /* it failed for a value of a column that is text from now on */
    int64_t deletes_max;  /* -1: any number */
    struct lt_match_counts counts;
    int64_t marked; /* deleted softly before, and gone at the source */
    struct leat_stream_result sum;
    bool loading;
    int64_t loads; /* committed */
};

void lt_sync_init(struct lt_syncing *sync, struct lt_run *run, struct lt_side **source,
                  struct lt_side **dest, size_t job);
void lt_sync_done(struct lt_syncing *sync);

/* Compares, keeps what is to be done, and checks the guards; a destination that is not there is
 * made. No reader is open afterwards. */
int lt_sync_begin(struct lt_syncing *sync, struct leat_error *err);
/* How many records will be deleted. */
int64_t lt_sync_deletes(const struct lt_syncing *sync);
enum lt_sync_part { LT_SYNC_ALL, LT_SYNC_DELETES, LT_SYNC_REST };
/* Does it, or a part of it. */
int lt_sync_write(struct lt_syncing *sync, enum lt_sync_part part, struct leat_error *err);
/* Checks what was done, and fills the result. */
int lt_sync_finish(struct lt_syncing *sync, struct leat_error *err);

bool lt_sync_is_conflict(const struct leat_error *err);

#endif
