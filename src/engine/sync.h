/* sync batch: a destination made equal to its source, written only where it differs. */
#ifndef LT_SYNC_H
#define LT_SYNC_H

#include "engine/run.h"

/* Makes one job's destination equal, as lt_unit_run() copies it whole. */
int lt_sync_run(struct lt_run *run, struct lt_side **source, struct lt_side **dest, size_t job,
                struct leat_error *err);

#endif
