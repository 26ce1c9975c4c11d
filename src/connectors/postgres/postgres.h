/* The PostgreSQL connector. */
#ifndef LT_CONNECTOR_POSTGRES_H
#define LT_CONNECTOR_POSTGRES_H

#include "leat/connector.h"

extern const struct leat_connector lt_connector_postgres;

#endif
