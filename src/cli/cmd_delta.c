/* leat cp meta; the watermarks of deltas. */
#include "cli/cli.h"

int cmd_meta(struct cli *cli)
{
    int rc, status = cli_take_places(cli);
    if (status || cli_prints_pipe(cli, &status)) {
        return status;
    }
    bool executes = leat_plan_is_set(cli->plan, "execute");
    /* What would make or alter the tables: SQL alone on standard output. */
    return executes && !cli->dry_run
               ? cli_run_plan(cli, &rc)
               : cli_describe(cli, "nothing to be made or altered by statements");
}

/* --- leat state show, set, reset ------------------------------------------------------------- */

static int print_watermark(void *arg, const char *stream, const char *value)
{
    (void)arg;
    printf("%s\t%s\n", stream, value ? value : "");
    return 0;
}

int cmd_state_show(struct cli *cli)
{
    struct leat_error err = {0};
    int status = cli_take_places(cli);
    return status
               ? status
               : cli_end(cli, leat_plan_watermarks(cli->plan, print_watermark, NULL, &err), &err);
}

int cmd_state_set(struct cli *cli)
{
    struct leat_error err = {0};
    int status = cli_take_places(cli);
    return status ? status
                  : cli_end(cli, leat_plan_set_watermark(cli->plan, cli->args[2], &err), &err);
}

int cmd_state_reset(struct cli *cli)
{
    struct leat_error err = {0};
    int status = cli_take_places(cli);
    return status ? status : cli_end(cli, leat_plan_set_watermark(cli->plan, NULL, &err), &err);
}
