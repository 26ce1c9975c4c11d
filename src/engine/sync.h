/* sync batch: a destination made equal to its source, written only where it differs. */
#ifndef LT_SYNC_H
#define LT_SYNC_H

#include "engine/run.h"

/* Makes one job's destination equal, as lt_unit_run() copies it whole. */
int lt_sync_run(struct lt_run *run, struct lt_side **source, struct lt_side **dest, size_t job,
                struct leat_error *err);
/* The same of jobs [first, first + n), whose tables at the destination refer to each other, parents
 * before their children. Those that were not finished because of another have an error of their own. */
int lt_sync_run_related(struct lt_run *run, struct lt_side **source, struct lt_side **dest,
                        size_t first, size_t n, struct leat_error *err);
/* Appends what it would compare, or how it would make what is not there. */
int lt_sync_describe(struct lt_run *run, struct lt_worker *worker, size_t job, struct lt_buf *out,
                     struct leat_error *err);

#endif
