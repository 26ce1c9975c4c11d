/* leat snapshot hold: one moment of a source, for as long as this runs. */
#include "cli/cli.h"

#include "core/util.h"

static int show_token(void *arg, const char *token)
{
    (void)arg;
    puts(token);
    return fflush(stdout) ? LEAT_UNAVAILABLE : LEAT_OK;
}

int cmd_snapshot_hold(struct cli *cli)
{
    struct leat_error err = {0};
    const char *text = cli_value(cli, "for");
    int64_t for_ms = 0;
    int rc = text ? lt_parse_duration(text, &for_ms, &err) : LEAT_OK;
    rc = rc ? rc : leat_plan_source(cli->plan, cli->args[0], &err);
    rc = rc ? rc : leat_snapshot_hold(cli->plan, for_ms, show_token, NULL, &err);
    return cli_end(cli, rc, &err);
}
