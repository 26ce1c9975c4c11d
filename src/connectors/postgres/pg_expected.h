/* Tables that are read soon: what the catalog says of them is asked for all at once, for of many small
 * tables the questions take the server longer than the rows do. */
#ifndef LT_PG_EXPECTED_H
#define LT_PG_EXPECTED_H

#include "connectors/postgres/pg.h"

/* leat_source_ops.expect. Forgets those of before. */
int pg_expect(struct leat_endpoint *ep, const struct leat_stream_name *names, size_t n,
              struct leat_error *err);
/* What was found of this table, once, and only as long as it is fresh; *ret_found false: nothing. */
int pg_expected_take(struct pg_conn *conn, const struct leat_stream_name *name,
                     struct pg_table *ret_table, bool *ret_found, struct leat_error *err);
void pg_expected_forget(struct leat_endpoint *ep);

#endif
