/* leat cp delta: once, or again and again; its watermarks; leat cp meta. */
#include "cli/cli.h"

#include "core/util.h"

#include <string.h>

void cli_wait_us(int64_t us)
{
    const int64_t until = lt_now_us() + us;
    for (int64_t left = us; left > 0 && !cli_signal; left = until - lt_now_us()) {
        lt_sleep_ms(LT_MIN(left / 1000 + 1, 50), NULL);
    }
}

/* From start to start, never two at a time: a run that takes longer than the interval is followed
 * by the next at once. A passing fault is told and waited out; any other ends it. SIGTERM lets the
 * run at work end, and is then the end. */
static int run_again_and_again(struct cli *cli, int64_t interval_us)
{
    int status, rc;
    cli_drain_on_term(true);
    do {
        int64_t started = lt_now_us();
        status = cli_run_plan(cli, &rc);
        if (!cli_signal && (!rc || rc == LEAT_UNAVAILABLE)) {
            cli_wait_us(started + interval_us - lt_now_us());
        }
    } while (!cli_signal && (!rc || rc == LEAT_UNAVAILABLE));
    return cli_signal == SIGTERM && !rc ? 0 : status;
}

int cmd_delta(struct cli *cli)
{
    struct leat_error err = {0};
    const char *repeat = cli_value(cli, "repeat");
    int64_t interval_ms = 0;
    int rc, status = cli_take_places(cli);
    if (status || cli_prints_pipe(cli, &status)) {
        return status;
    }
    if (cli->dry_run) {
        return cli_describe(cli);
    }
    if (!repeat) {
        return cli_run_plan(cli, &rc);
    }
    if (lt_parse_duration(repeat, &interval_ms, NULL) || interval_ms <= 0) {
        leat_fail_as(&err, LEAT_INVALID, "usage", "--repeat takes a time such as 30s");
        cli_print_error(cli, &err, NULL);
        return EXIT_REFUSED;
    }
    return run_again_and_again(cli, interval_ms * 1000);
}

/* What would make or alter the tables: SQL alone on standard output. */
static int print_statements(struct cli *cli)
{
    struct leat_error err = {0};
    char *text = NULL;
    int rc = leat_plan_describe(cli->plan, &text, &err);
    if (rc) {
        cli_print_error(cli, &err, NULL);
    } else if (*text) {
        fputs(text, stdout);
    } else if (!cli->quiet) {
        fputs("nothing to be made or altered by statements\n", stderr);
    }
    leat_text_free(text);
    return cli_exit_status(rc, NULL);
}

int cmd_meta(struct cli *cli)
{
    int rc, status = cli_take_places(cli);
    if (status || cli_prints_pipe(cli, &status)) {
        return status;
    }
    bool executes = leat_plan_is_set(cli->plan, "execute");
    return executes && !cli->dry_run ? cli_run_plan(cli, &rc) : print_statements(cli);
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
