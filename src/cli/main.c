#include "cli/cli.h"

#include "core/process.h"
#include "core/util.h"

#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t cli_signal;
static struct leat *signal_target;
static volatile sig_atomic_t drains;

void cli_drain_on_term(bool after)
{
    drains = after;
}

/* The first signal asks everything to stop and clean up; a second one leaves at once. */
static void on_signal(int number)
{
    if (cli_signal && drains) {
        drains = 0; /* the run that was to end by itself is asked to, now */
    } else if (cli_signal) {
        _exit(128 + number);
    }
    cli_signal = number;
    if (signal_target && !(drains && number == SIGTERM)) {
        leat_cancel(signal_target);
    }
}

static void catch_signals(struct leat *leat)
{
    signal_target = leat;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* Both are told by the call that failed, which can clean up after itself. */
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

/* True when any destination may have been changed on the way. */
static bool touched(const struct leat_report *report)
{
    for (size_t i = 0; i < leat_report_count(report); i++) {
        if (leat_report_result(report, i)->touched) {
            return true;
        }
    }
    return false;
}

int cli_exit_status(int rc, const struct leat_report *report)
{
    switch ((enum leat_status)rc) {
    case LEAT_OK:
        return leat_report_rejected(report) ? EXIT_REJECTS : 0;
    case LEAT_CANCELLED:
        return cli_signal ? 128 + cli_signal : EXIT_FAILED;
    case LEAT_UNAVAILABLE:
        return EXIT_PASSING;
    case LEAT_INVALID:
    case LEAT_NOT_FOUND:
    case LEAT_DENIED:
    case LEAT_UNSUPPORTED:
    case LEAT_CONFLICT:
        return touched(report) ? EXIT_FAILED : EXIT_REFUSED;
    default:
        return EXIT_FAILED;
    }
}

int cli_end(struct cli *cli, int rc, const struct leat_error *err)
{
    if (rc) {
        cli_print_error(cli, err, NULL);
    }
    return cli_exit_status(rc, NULL);
}

/* True when the pipe that standard output is has lost its reader. */
static bool reader_has_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

static int finish_output(struct cli *cli, int status)
{
    if (fflush(stdout) || ferror(stdout)) {
        if (reader_has_gone()) {
            return status ? status : EXIT_PIPE;
        }
        struct leat_error err = {0};
        leat_fail_as(&err, LEAT_UNAVAILABLE, "io", "standard output could not be written");
        cli_print_error(cli, &err, NULL);
        return status ? status : EXIT_FAILED;
    }
    return status;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct leat_error err = {0};
    memset(&cli, 0, sizeof cli);
    argv = lt_process_hide(argc, argv);
    /* Batches of some megabytes come and go on several threads: few arenas, and large blocks
     * given back at once, keep the process within the memory it was given. (glibc would raise the
     * threshold with the largest block freed, and memory with it as a copy goes on.) */
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool dumb = term && !strcmp(term, "dumb"); /* it cannot take a line back */
    bool colors = !dumb && !(no_color && *no_color);
    cli.terminal = isatty(STDERR_FILENO) && !dumb;
    cli.color = cli.terminal && colors;
    cli.color_out = isatty(STDOUT_FILENO) && colors;
    cli.progress = "auto";
    cli.args = calloc((size_t)argc + 3, sizeof *cli.args);
    cli.also = calloc((size_t)argc + 2, sizeof *cli.also); /* one may be a variable's */
    int rc = cli.args && cli.also ? leat_new(&cli.leat, &err)
                                  : leat_fail(&err, LEAT_NO_MEMORY, "out of memory");
    if (!rc) {
        rc = leat_plan_new(cli.leat, &cli.plan, &err);
    }
    int status;
    if (rc) {
        cli_print_error(&cli, &err, NULL);
        status = EXIT_FAILED;
    } else {
        catch_signals(cli.leat);
        status = cli_parse(&cli, argc, argv);
        if (!status) {
            status =
                cli.help ? (cli_help(stdout, cli.leat, cli.command), 0) : cli.command->run(&cli);
        }
        status = finish_output(&cli, status);
    }
    leat_plan_free(cli.plan);
    signal_target = NULL;
    leat_free(cli.leat);
    cli_parse_done(&cli);
    free(cli.args);
    free(cli.also);
    return status;
}
