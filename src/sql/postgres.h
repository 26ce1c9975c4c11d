/* PostgreSQL's types and quoting, as data. */
#ifndef LT_SQL_POSTGRES_H
#define LT_SQL_POSTGRES_H

#include "sql/dialect.h"

extern const struct lt_dialect lt_dialect_postgres;
/* Its type tables, also those of the connector. */
extern const struct leat_type_in lt_postgres_types_in[];
extern const struct leat_type_out lt_postgres_types_out[];

#endif
