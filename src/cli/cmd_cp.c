#include "cli/cli.h"

#include "core/codes.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cli_write_text(struct cli *cli, const char *path, const char *text)
{
    struct leat_error err = {0};
    if (!strcmp(path, "-")) {
        fputs(text, stdout); /* finish_output() tells of failure */
        return 0;
    }
    FILE *file = fopen(path, "we");
    int failed = file && fputs(text, file) >= 0 && !fflush(file) ? 0 : errno;
    struct stat st;
    bool regular = file && !fstat(fileno(file), &st) && S_ISREG(st.st_mode);
    if (file && fclose(file) && !failed) {
        failed = errno;
    }
    if (failed) {
        if (regular) {
            unlink(path); /* half of a report would be read as one */
        }
        lt_fail_errno(&err, failed, "cannot write the report %s", path);
        cli_print_error(cli, &err, NULL);
        return EXIT_FAILED;
    }
    return 0;
}

int cli_write_report(struct cli *cli, struct leat_report *report)
{
    return cli_write_text(cli, cli->report, leat_report_json(report));
}

int cli_describe(struct cli *cli, const char *nothing)
{
    struct leat_error err = {0};
    struct leat_report *report = NULL;
    char *text = NULL;
    bool reports = cli->report != NULL;
    int rc = leat_plan_preview(cli->plan, &text, reports ? &report : NULL, &err);
    int status = cli_exit_status(rc, NULL);
    if (rc) {
        cli_print_error(cli, &err, NULL);
    } else if (!*text && nothing && !cli->quiet) {
        fprintf(stderr, "%s\n", nothing);
    } else if (!reports || strcmp(cli->report, "-") != 0) {
        fputs(text, stdout);
    }
    if (report) {
        int writing = cli_write_report(cli, report);
        status = status ? status : writing;
    }
    leat_report_free(report);
    leat_text_free(text);
    return status;
}

/* True when some stream's line has already told of this failure. */
static bool told(const struct leat_report *report)
{
    for (size_t i = 0; i < leat_report_count(report); i++) {
        const struct leat_stream_result *result = leat_report_result(report, i);
        if (!result->committed && result->error->status && result->attempts) {
            return true;
        }
    }
    return false;
}

/* What the destination holds after a fault that belongs to no stream. */
static const char *state_of(const struct leat_report *report)
{
    for (size_t i = 0; i < leat_report_count(report); i++) {
        if (leat_report_result(report, i)->committed) {
            return "holds the streams named above";
        }
    }
    return report ? "unchanged" : NULL;
}

/* Streams the run did not come to have no line of their own. */
static void say_not_attempted(struct cli *cli, const struct leat_report *report)
{
    size_t n = 0, count = leat_report_count(report);
    char line[128];
    for (size_t i = 0; i < count; i++) {
        n += leat_report_result(report, i)->attempts == 0;
    }
    if (n && n < count) {
        snprintf(line, sizeof line,
                 "%zu of %zu copies were not attempted; --keep-going goes on "
                 "after a failure",
                 n, count);
        cli_log(cli, LEAT_LOG_WARN, line);
    }
}

static bool is_output(const char *location)
{
    size_t len = strlen(location);
    return !strcmp(location, "-") || (len > 1 && !strcmp(location + len - 2, ":-"));
}

static bool writes_output(const struct cli *cli)
{
    bool writes = is_output(cli->args[1]);
    for (int i = 0; i < cli->n_also; i++) {
        writes = writes || is_output(cli->also[i]);
    }
    return writes;
}

int cli_take_places(struct cli *cli)
{
    struct leat_error err = {0};
    int rc = leat_plan_source(cli->plan, cli->args[0], &err);
    if (!rc) {
        rc = leat_plan_destination(cli->plan, cli->args[1], &err);
    }
    for (int i = 0; !rc && i < cli->n_also; i++) {
        rc = leat_plan_destination(cli->plan, cli->also[i], &err);
    }
    if (!rc && cli->report && !strcmp(cli->report, "-") && !cli->dry_run && writes_output(cli)) {
        rc = leat_fail_as(&err, LEAT_INVALID, "usage",
                          "standard output holds either the data or "
                          "the report");
    }
    if (!rc && !cli->dry_run) {
        rc = cli_check_state(cli, &err);
    }
    if (rc) {
        cli_print_error(cli, &err, NULL);
        return cli_exit_status(rc, NULL);
    }
    return 0;
}

int cli_run_plan(struct cli *cli, int *ret_rc)
{
    struct leat_error err = {0};
    struct leat_report *report = NULL;
    bool line = cli->terminal && !cli->quiet && !cli->json_logs && !strcmp(cli->progress, "auto");
    const struct leat_observer observer = {
        .size = sizeof observer,
        .arg = cli,
        .progress = line || !strcmp(cli->progress, "json") ? cli_print_progress : NULL,
        .stream_done = cli_print_result};
    int64_t started_us = lt_now_us();
    int rc = leat_run(cli->plan, &observer, &report, &err);
    cli_clear_progress(cli);
    bool gone = rc && err.sys_errno == EPIPE;
    if (rc && !gone && !told(report)) {
        cli_print_error(cli, &err, state_of(report));
    }
    say_not_attempted(cli, report);
    cli_print_summary(cli, report, lt_now_us() - started_us);
    int status = gone ? EXIT_PIPE : cli_exit_status(rc, report);
    if (cli->report && report) {
        int writing = cli_write_report(cli, report);
        status = status ? status : writing;
    }
    cli_record(cli, report);
    leat_report_free(report);
    *ret_rc = rc;
    return status;
}

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

int cmd_cp(struct cli *cli)
{
    struct leat_error err = {0};
    const char *repeat = cli_value(cli, "repeat");
    int64_t interval_ms = 0;
    int rc, status = cli_take_places(cli);
    if (status || cli_prints_pipe(cli, &status)) {
        return status;
    }
    if (cli->dry_run) {
        return cli_describe(cli, NULL);
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
