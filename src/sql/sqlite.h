/* SQLite's types and quoting, as data. */
#ifndef LT_SQL_SQLITE_H
#define LT_SQL_SQLITE_H

#include "sql/dialect.h"

extern const struct lt_dialect lt_dialect_sqlite;
/* Its type tables, also those of the connector. */
extern const struct leat_type_in lt_sqlite_types_in[];
extern const struct leat_type_out lt_sqlite_types_out[];

#endif
