/* Reading a plan's source as an Arrow stream. */
#ifndef LT_READ_H
#define LT_READ_H

#include "engine/plan.h"

/* leat_read(), where the stream takes the plan over on success: its release frees it. */
int lt_read_owned(struct leat_plan *plan, struct ArrowArrayStream *ret_stream,
                  struct leat_error *err);

#endif
