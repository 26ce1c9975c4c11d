/* The built-in connectors, NULL-terminated. */
#ifndef LT_REGISTRY_H
#define LT_REGISTRY_H

#include "leat/connector.h"

extern const struct leat_connector *const lt_connectors[];

#endif
