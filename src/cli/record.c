/* The store of runs: where it is, and what goes into it after a run. */
#include "cli/cli.h"

#include "leat/config.h"
#include "leat/state.h"

#include <stdlib.h>
#include <string.h>

static bool is_off(const struct cli *cli)
{
    return cli->state && !strcmp(cli->state, "none");
}

int cli_store_open(const char *location, unsigned flags, struct leat_state **ret_state,
                   struct leat_error *err)
{
    char *resolved = NULL;
    int rc = location ? leat_resolve_references(location, &resolved, err) : LEAT_OK;
    rc = rc ? rc : leat_state_open(resolved, flags, ret_state, err);
    if (resolved) {
        explicit_bzero(resolved, strlen(resolved)); /* may hold a password */
    }
    free(resolved);
    return rc;
}

int cli_open_state(struct cli *cli, unsigned flags, struct leat_state **ret_state,
                   struct leat_error *err)
{
    if (is_off(cli)) {
        leat_fail_as(err, LEAT_INVALID, "usage", "leat %s needs the store that --state none denies",
                     cli->command->name);
        return LEAT_INVALID;
    }
    return cli_store_open(cli->state, flags, ret_state, err);
}

int cli_check_state(struct cli *cli, struct leat_error *err)
{
    struct leat_state *state = NULL;
    int rc = cli->state && !is_off(cli) ? cli_store_open(cli->state, 0, &state, err) : LEAT_OK;
    leat_state_close(state);
    return rc;
}

void cli_record(struct cli *cli, struct leat_report *report)
{
    struct leat_error err = {0};
    struct leat_state *state = NULL;
    if (!report || is_off(cli)) {
        return;
    }
    int rc = cli_store_open(cli->state, 0, &state, &err);
    rc = rc ? rc
            : leat_state_record(state, cli->command->name, leat_report_json(report), NULL, &err);
    if (rc) {
        cli_warn(cli, "the run is not recorded", &err);
    }
    leat_state_close(state);
}
