/* Records kept in a temporary file until their source is no longer open: a SQLite database that is
 * being read cannot be written. */
#ifndef LT_PIPE_HALFPIPE_SPOOL_H
#define LT_PIPE_HALFPIPE_SPOOL_H

#include "pipe/halfpipe/internal.h"

struct hp_spool;

/* Whether a step of this group reads the SQLite database that the step writes. */
bool hp_spool_is_needed(const struct hp_step *step);
/* Takes all that the step gives. */
int hp_spool_new(struct hp_step *from, struct hp_spool **ret_spool, struct leat_error *err);
int hp_spool_next(struct hp_spool *spool, struct ArrowArray *ret_batch, struct leat_error *err);
void hp_spool_free(struct hp_spool *spool); /* NULL is fine */

#endif
