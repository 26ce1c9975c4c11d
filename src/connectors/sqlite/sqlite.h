/* SQLite databases: files that several programs may have open at once. */
#ifndef LT_CONNECTOR_SQLITE_H
#define LT_CONNECTOR_SQLITE_H

#include "leat/connector.h"

extern const struct leat_connector lt_connector_sqlite;

#endif
