/* Parameters of PostgreSQL URLs as other drivers name them. */
#ifndef LT_PQ_WORDS_H
#define LT_PQ_WORDS_H

#include "db/pq_params.h"

#include <stdbool.h>

/* Takes a parameter that JDBC, asyncpg, Prisma and their kind know and libpq does not: adds what it
 * means to libpq, or nothing where it is about the driver alone. *ret_known false when it is none
 * of these. */
int lt_pq_words_take(struct lt_pq_params *params, const char *name, const char *value,
                     bool *ret_known, struct leat_error *err);

#endif
