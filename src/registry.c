/* The one file that names every built-in connector. */
#include "registry.h"

#include "connectors/file/file.h"
#include "connectors/postgres/postgres.h"
#include "connectors/sqlite/sqlite.h"

const struct leat_connector *const lt_connectors[] = {
    &lt_connector_file,
    &lt_connector_postgres,
    &lt_connector_sqlite,
    NULL,
};
