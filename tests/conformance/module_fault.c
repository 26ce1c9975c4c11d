/* leat-fault.so, for LEAT_PLUGIN_PATH. */
#include "toy.h"

LEAT_EXPORT leat_module_fn leat_module;

const struct leat_connector *leat_module(void)
{
    return &fault_connector;
}
