/* --verify and --count: what a destination is about to show, read back and summed up, or counted,
 * before the commit. */
#ifndef LT_VERIFY_H
#define LT_VERIFY_H

#include "engine/flow.h"

/* Compares the records a load adds with what went in: their number and one checksum a column.
 * [verify-mismatch] names the columns that differ. LEAT_UNSUPPORTED where the destination cannot
 * be read back before its commit. */
int lt_verify(struct lt_flow_dest *dest, struct leat_error *err);
/* Compares the number alone: [count-mismatch]. Not of modes with keys. */
int lt_verify_count(struct lt_flow_dest *dest, int64_t expected, struct leat_error *err);

#endif
