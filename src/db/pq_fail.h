/* What failures of PostgreSQL mean, in leat's words. */
#ifndef LT_PQ_FAIL_H
#define LT_PQ_FAIL_H

#include "core/codes.h"
#include "db/pq.h"

#include <stdbool.h>

/* The code that an SQLSTATE means; LT_E_SERVER when no row of the table knows better. */
enum lt_code lt_pq_code(const char *state);

/* The server's words on one line, without secrets; with `has_value` also without the value that it
 * quotes at their end. */
void lt_pq_words(const char *words, bool has_value, char *text, size_t size);

/* Why a connection could not be made; `pg` is still open. */
int lt_pq_fail_connect(const struct lt_pq *pq, PGconn *pg, struct leat_error *err);

#endif
