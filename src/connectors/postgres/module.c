/* The entry of the connector as a loadable module, leat-postgres.so. */
#include "connectors/postgres/postgres.h"

LEAT_EXPORT leat_module_fn leat_module;

const struct leat_connector *leat_module(void)
{
    return &lt_connector_postgres;
}
