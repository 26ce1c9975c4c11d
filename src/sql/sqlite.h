/* SQLite's types and quoting, as data. */
#ifndef LT_SQL_SQLITE_H
#define LT_SQL_SQLITE_H

#include "sql/dialect.h"

extern const struct lt_dialect lt_dialect_sqlite;

#endif
