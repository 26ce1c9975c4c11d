/* What `leat config` asks on a terminal. */
#include "cli/connections.h"

#include "core/codes.h"

int cli_ask_connection(struct cli *cli, struct wanted_connection *wanted, struct leat_error *err)
{
    (void)cli;
    (void)wanted;
    return lt_fail(err, LT_E_USAGE, "a connection needs a name and a URL");
}
