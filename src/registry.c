/* The one file that names every built-in connector. */
#include "registry.h"

const struct leat_connector *const lt_connectors[] = {
    NULL,
};
