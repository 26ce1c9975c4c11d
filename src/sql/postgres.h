/* PostgreSQL's types and quoting, as data. */
#ifndef LT_SQL_POSTGRES_H
#define LT_SQL_POSTGRES_H

#include "sql/dialect.h"

extern const struct lt_dialect lt_dialect_postgres;

#endif
