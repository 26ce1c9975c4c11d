/* leat pipe run, check, show, schema. */
#include "cli/cli.h"

#include "cli/args.h"
#include "core/codes.h"
#include "core/json.h"
#include "core/util.h"
#include "leat/execution.h"
#include "leat/pipe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- opening -------------------------------------------------------------------------------- */

struct faults {
    struct cli *cli;
    int64_t n;
};

static void on_fault(void *arg, const struct leat_pipe_fault *fault)
{
    struct faults *faults = arg;
    struct leat_error err = {0};
    faults->n++;
    lt_fail(&err, LT_E_PIPE, "%s", fault->message);
    leat_error_place(&err, "%s:%lld:%lld", fault->file, (long long)fault->line,
                     (long long)fault->column);
    leat_error_remedy(&err, "%s", fault->remedy);
    if (faults->cli->json_logs) {
        cli_print_error(faults->cli, &err, NULL);
    } else {
        fprintf(stderr, "%s: %s%s%s\n", err.place, err.message, *err.remedy ? "; " : "",
                err.remedy);
    }
}

/* Parts NAME=VALUE in place of a copy; [usage] where it is none. */
static int part(const char *option, const char *text, char **ret_name, const char **ret_value,
                struct leat_error *err)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        return lt_fail(err, LT_E_USAGE, "--%s takes NAME=VALUE", option);
    }
    *ret_name = lt_strndup(text, (size_t)(equals - text));
    *ret_value = equals + 1;
    return *ret_name ? LEAT_OK : lt_fail_oom(err);
}

static int read_vars(struct cli *cli, struct leat_param **ret_vars, size_t *ret_n,
                     struct leat_error *err)
{
    struct leat_param *vars = calloc(cli->n_given + 1, sizeof *vars);
    int rc = vars ? LEAT_OK : lt_fail_oom(err);
    const char *text;
    for (int i = 0; !rc && (text = cli_nth(cli, "var", i)); i++) {
        char *name = NULL;
        rc = part("var", text, &name, &vars[i].value, err);
        vars[i].name = name;
        *ret_n += !rc;
    }
    *ret_vars = vars;
    return rc;
}

static int set_options(struct cli *cli, struct leat_pipe *pipe, struct leat_error *err)
{
    int rc = cli_on(cli, "keep-going") ? leat_pipe_set(pipe, "keep-going", "true", err) : LEAT_OK;
    const char *text;
    for (int i = 0; !rc && (text = cli_nth(cli, "set", i)); i++) {
        char *name = NULL;
        const char *value = NULL;
        rc = part("set", text, &name, &value, err);
        rc = rc ? rc : leat_pipe_set(pipe, name, value, err);
        free(name);
    }
    return rc;
}

/* Opens the document and tells of every fault; what belongs to no place in it is told, too. Returns
 * the exit status. */
static int open_pipe(struct cli *cli, struct leat_pipe **ret_pipe)
{
    struct leat_error err = {0};
    struct faults faults = {.cli = cli};
    struct leat_param *vars = NULL;
    size_t n = 0;
    int rc = read_vars(cli, &vars, &n, &err);
    rc = rc ? rc
            : leat_pipe_open(cli->leat, cli->args[0], vars, n, on_fault, &faults, ret_pipe, &err);
    for (size_t i = 0; i < n; i++) {
        free((char *)vars[i].name);
    }
    free(vars);
    for (size_t i = 0; !rc && i < cli->n_kept; i++) {
        rc = leat_pipe_default(*ret_pipe, cli->kept[i].name, cli->kept[i].value, &err);
    }
    if (rc && !faults.n) {
        cli_print_error(cli, &err, NULL);
    }
    return cli_exit_status(rc, NULL);
}

static int fails(struct cli *cli, int rc, const struct leat_error *err)
{
    return cli_end(cli, rc, err);
}

/* Prints a text that is made, or says why it is not. */
static int print_text(struct cli *cli, int rc, char *text, const struct leat_error *err)
{
    if (!rc) {
        fputs(text, stdout);
        leat_text_free(text);
    }
    return fails(cli, rc, err);
}

/* --- a run ---------------------------------------------------------------------------------- */

struct running {
    struct cli *cli;
    struct leat_pipe *pipe;
    struct lt_json json;         /* of the report */
    struct lt_buf report, plans; /* of the step at work: their reports, parted by commas */
    int64_t rejected;
    bool touched;     /* something may have been changed */
    bool told;        /* some line told of the failure */
    bool stream_told; /* one of a stream of the step at work */
};

static void on_plan_done(void *arg, const struct leat_pipe_step *step, struct leat_report *report)
{
    struct running *running = arg;
    (void)step;
    const char *text = leat_report_json(report);
    int failed = running->plans.len ? lt_buf_byte(&running->plans, ',') : LEAT_OK;
    failed = failed ? failed : lt_buf_append(&running->plans, text, strcspn(text, "\n"));
    running->json.failed = running->json.failed ? running->json.failed : failed;
    for (size_t i = 0; i < leat_report_count(report); i++) {
        running->touched = running->touched || leat_report_result(report, i)->touched;
    }
    running->rejected += leat_report_rejected(report);
    cli_record(running->cli, report);
}

static void put_error(struct lt_json *json, const struct leat_error *err)
{
    const char *const pairs[][2] = {{"code", err->code},
                                    {"status", leat_status_name(err->status)},
                                    {"place", err->place},
                                    {"message", err->message},
                                    {"remedy", err->remedy}};
    lt_json_key(json, "error");
    if (!err->status) {
        lt_json_null(json);
        return;
    }
    lt_json_object(json);
    for (size_t i = 0; i < LT_ARRAY_LEN(pairs); i++) {
        lt_json_key(json, pairs[i][0]);
        lt_json_text(json, pairs[i][1]);
    }
    lt_json_object_end(json);
}

static const char *status_of(const struct leat_pipe_step *step)
{
    return step->skipped ? "skipped" : step->error->status ? "failed" : "done";
}

static void put_step(struct running *running, const struct leat_pipe_step *step)
{
    struct lt_json *json = &running->json;
    lt_json_object(json);
    lt_json_key(json, "step");
    lt_json_text(json, step->name);
    lt_json_key(json, "action");
    lt_json_text(json, step->action);
    lt_json_key(json, "status");
    lt_json_text(json, status_of(step));
    lt_json_key(json, "rows");
    lt_json_int(json, step->rows);
    lt_json_key(json, "elapsed_us");
    lt_json_int(json, step->elapsed_us);
    put_error(json, step->error);
    lt_json_key(json, "plans");
    lt_json_array(json);
    lt_json_raw(json, lt_buf_text(&running->plans), running->plans.len);
    lt_json_array_end(json);
    lt_json_object_end(json);
    lt_buf_clear(&running->plans);
}

static void on_step_done(void *arg, const struct leat_pipe_step *step)
{
    struct running *running = arg;
    struct cli *cli = running->cli;
    char rows[LT_HUMAN_MAX], took[LT_HUMAN_MAX];
    bool told = running->stream_told;
    running->stream_told = false;
    running->touched = running->touched || (!step->skipped && !strcmp(step->action, "sql"));
    put_step(running, step);
    cli_clear_progress(cli);
    if (step->error->status && told) {
        running->told = true;
        if (!cli->json_logs && step->count > 1) {
            fprintf(stderr, "step %s: failed\n", step->name);
        }
    } else if (step->error->status && step->error->status != LEAT_CANCELLED) {
        struct leat_error err = *step->error;
        leat_error_place(&err, "step \"%s\"", step->name);
        cli_print_error(cli, &err, NULL);
        running->told = true;
    } else if (!cli->quiet && !cli->json_logs && step->skipped) {
        fprintf(stderr, "step %s: skipped\n", step->name);
    } else if (!cli->quiet && !cli->json_logs && step->count > 1) {
        fprintf(stderr, "step %s: %s rows, %s\n", step->name, lt_human_count(step->rows, rows),
                lt_human_time(step->elapsed_us, took));
    }
}

static void on_text(void *arg, const struct leat_pipe_step *step, const char *text)
{
    (void)arg;
    (void)step;
    fputs(text, stdout);
}

/* Of a comparison nothing is committed, and nothing went wrong. */
static void on_stream_done(void *arg, const struct leat_stream_result *r)
{
    struct running *running = arg;
    running->stream_told = running->stream_told || (r->error->status && r->attempts);
    if (r->committed || r->error->status) {
        cli_print_result(running->cli, r);
    } else {
        cli_clear_progress(running->cli);
        cli_print_compared(running->cli, r);
    }
}

static void on_progress(void *arg, const struct leat_progress *progress)
{
    fflush(stdout); /* of what differs: no line is parted */
    cli_print_progress(((struct running *)arg)->cli, progress);
}

static int on_difference(void *arg, const struct leat_difference *difference)
{
    return cli_print_difference(((struct running *)arg)->cli, difference);
}

/* --- its execution -------------------------------------------------------------------------- */

/* The store of executions; NULL with --state none, or where it cannot be had and none was asked for
 * by name. */
static int open_state(struct cli *cli, struct leat_state **ret_state, struct leat_error *err)
{
    *ret_state = NULL;
    if (cli->state && !strcmp(cli->state, "none")) {
        return LEAT_OK;
    }
    int rc = cli_store_open(cli->state, 0, ret_state, err);
    if (rc && !cli->state) {
        cli_warn(cli, "the run is not recorded", err);
        leat_error_clear(err);
        return LEAT_OK;
    }
    return rc;
}

static void end_execution(struct cli *cli, struct leat_state *state, const char *id, int rc,
                          const struct leat_error *why)
{
    struct leat_error err = {0};
    int ended = rc ? leat_execution_fail(state, id, why->message, &err)
                   : leat_execution_complete(state, id, NULL, &err);
    if (ended) {
        cli_warn(cli, "the end of the run is not recorded", &err);
    }
}

static int run_in(struct running *running, struct leat_state *state, bool *ret_different,
                  struct leat_error *err)
{
    struct cli *cli = running->cli;
    char id[LEAT_GUID_MAX] = "";
    bool line = cli->terminal && !cli->quiet && !cli->json_logs && !strcmp(cli->progress, "auto");
    const struct leat_pipe_observer observer = {
        .size = sizeof observer,
        .run = {.size = sizeof observer.run,
                .arg = running,
                .progress = line || !strcmp(cli->progress, "json") ? on_progress : NULL,
                .stream_done = on_stream_done,
                .difference = on_difference},
        .arg = running,
        .plan_done = on_plan_done,
        .step_done = on_step_done,
        .text = on_text};
    int rc =
        state ? leat_execution_init(state, NULL, leat_pipe_name(running->pipe), id, err) : LEAT_OK;
    if (rc) {
        return rc;
    }
    rc = leat_pipe_run(running->pipe, state, *id ? id : NULL, &observer, ret_different, err);
    if (*id) {
        end_execution(cli, state, id, rc, err);
    }
    return rc;
}

/* --- its report ----------------------------------------------------------------------------- */

static void begin_report(struct running *running)
{
    struct lt_json *json = &running->json;
    running->json = (struct lt_json){.out = &running->report};
    lt_buf_clear(&running->report);
    lt_json_object(json);
    lt_json_key(json, "leat");
    lt_json_text(json, leat_version());
    lt_json_key(json, "pipe");
    lt_json_text(json, leat_pipe_name(running->pipe));
    lt_json_key(json, "started_unix_us");
    lt_json_int(json, lt_wall_us());
    lt_json_key(json, "steps");
    lt_json_array(json);
}

/* `plan`: what would be done; NULL: it was. */
static int write_report(struct running *running, const char *plan, int64_t elapsed_us,
                        bool different, const struct leat_error *err)
{
    struct lt_json *json = &running->json;
    lt_json_array_end(json);
    lt_json_key(json, "dry_run");
    lt_json_bool(json, running->cli->dry_run);
    lt_json_key(json, "plan");
    lt_json_text(json, plan);
    lt_json_key(json, "elapsed_us");
    lt_json_int(json, elapsed_us);
    lt_json_key(json, "different");
    lt_json_bool(json, different);
    put_error(json, err);
    lt_json_object_end(json);
    if (!running->cli->report) {
        return 0;
    }
    if (json->failed || lt_buf_byte(&running->report, '\n')) {
        struct leat_error failed = {0};
        return fails(running->cli, lt_fail_oom(&failed), &failed);
    }
    return cli_write_text(running->cli, running->cli->report, lt_buf_text(&running->report));
}

/* As cli_exit_status() has it, from what all steps did. */
static int status_of_run(const struct running *running, int rc, bool different)
{
    int status = cli_exit_status(rc, NULL);
    if (status == EXIT_REFUSED && running->touched) {
        return EXIT_FAILED;
    }
    return status ? status : different ? EXIT_DIFFERENT : running->rejected ? EXIT_REJECTS : 0;
}

static int run_once(struct cli *cli, struct leat_pipe *pipe, int *ret_rc)
{
    struct leat_error err = {0};
    struct leat_state *state = NULL;
    struct running running = {.cli = cli, .pipe = pipe};
    bool different = false;
    int64_t started = lt_now_us();
    begin_report(&running);
    int rc = open_state(cli, &state, &err);
    rc = rc ? rc : run_in(&running, state, &different, &err);
    cli_clear_progress(cli);
    leat_state_close(state);
    if (rc && !running.told) {
        cli_print_error(cli, &err, NULL);
    }
    err.status = (enum leat_status)rc;
    int status = status_of_run(&running, rc, different);
    int written = write_report(&running, NULL, lt_now_us() - started, different, &err);
    lt_buf_done(&running.report);
    lt_buf_done(&running.plans);
    *ret_rc = rc;
    return status ? status : written;
}

/* --dry-run: what every step would do, and a report of that. */
static int preview(struct cli *cli, struct leat_pipe *pipe)
{
    struct leat_error err = {0};
    struct running running = {.cli = cli, .pipe = pipe};
    char *text = NULL;
    int64_t started = lt_now_us();
    begin_report(&running);
    int rc = leat_pipe_describe(pipe, &text, &err);
    int status = fails(cli, rc, &err);
    if (!rc && (!cli->report || strcmp(cli->report, "-") != 0)) {
        fputs(text, stdout);
    }
    int written = write_report(&running, text, lt_now_us() - started, false, &err);
    leat_text_free(text);
    lt_buf_done(&running.report);
    return status ? status : written;
}

/* --- again and again ------------------------------------------------------------------------ */

/* When the run after one that began at `started` is to begin, in microseconds of the clock; one that
 * has passed by then is made up for at once. */
static int64_t next_start(const struct leat_pipe *pipe, int64_t interval_us, int64_t started)
{
    if (interval_us) {
        return started + interval_us;
    }
    int64_t seconds = leat_pipe_next(pipe, started / 1000000, false);
    return seconds < 0 ? -1 : (started / 1000000 + seconds) * 1000000;
}

/* Whether there is another run after one that ended so. As its document says, a pipe runs for good:
 * what fails at night may go well the next one. --repeat waits out passing faults only. */
static bool goes_on(int rc, bool watches)
{
    return !cli_signal && rc != LEAT_CANCELLED && (!rc || rc == LEAT_UNAVAILABLE || watches);
}

static int run_again_and_again(struct cli *cli, struct leat_pipe *pipe, int64_t interval_us)
{
    int status = 0, rc = LEAT_OK;
    int64_t now = lt_wall_us(), wait = 0;
    cli_drain_on_term(true);
    if (!interval_us) {
        wait = leat_pipe_next(pipe, now / 1000000, true) * 1000000;
    }
    while (goes_on(rc, !interval_us)) {
        cli_wait_us(wait);
        if (cli_signal) {
            break;
        }
        int64_t started = lt_wall_us();
        status = run_once(cli, pipe, &rc);
        int64_t next = next_start(pipe, interval_us, started);
        if (next < 0) {
            break;
        }
        wait = LT_MAX(next - lt_wall_us(), 0);
    }
    return cli_signal == SIGTERM && !rc ? 0 : cli_signal ? 128 + cli_signal : status;
}

static int run_as_said(struct cli *cli, struct leat_pipe *pipe)
{
    struct leat_error err = {0};
    const char *repeat = cli_value(cli, "repeat");
    int64_t interval_ms = 0;
    int rc = LEAT_OK;
    if (repeat && (lt_parse_duration(repeat, &interval_ms, NULL) || interval_ms <= 0)) {
        rc = lt_fail(&err, LT_E_USAGE, "--repeat takes a time such as 30s");
    } else if (repeat && cli_on(cli, "watch")) {
        rc = lt_fail(&err, LT_E_USAGE, "--repeat and --watch exclude each other");
    } else if (cli_on(cli, "watch") && leat_pipe_next(pipe, 0, true) < 0) {
        rc = lt_fail(&err, LT_E_USAGE, "%s says neither `every` nor `cron`", cli->args[0]);
    }
    if (rc) {
        return fails(cli, rc, &err);
    }
    return repeat || cli_on(cli, "watch") ? run_again_and_again(cli, pipe, interval_ms * 1000)
                                          : run_once(cli, pipe, &rc);
}

/* --- commands ------------------------------------------------------------------------------- */

static int select_steps(struct cli *cli, struct leat_pipe *pipe, struct leat_error *err)
{
    const char *step = cli_value(cli, "step"), *from = cli_value(cli, "from-step");
    if (step && from) {
        return lt_fail(err, LT_E_USAGE, "--step and --from-step exclude each other");
    }
    return step || from ? leat_pipe_select(pipe, step ? step : from, from != NULL, err) : LEAT_OK;
}

int cmd_pipe_run(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_pipe *pipe = NULL;
    int status = open_pipe(cli, &pipe);
    if (status) {
        return status;
    }
    int rc = set_options(cli, pipe, &err);
    rc = rc ? rc : select_steps(cli, pipe, &err);
    rc = rc || cli->dry_run ? rc : cli_check_state(cli, &err);
    if (rc) {
        status = fails(cli, rc, &err);
    } else if (cli->dry_run) {
        status = preview(cli, pipe);
    } else {
        status = run_as_said(cli, pipe);
    }
    leat_pipe_free(pipe);
    return status;
}

int cmd_pipe_check(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_pipe *pipe = NULL;
    char *text = NULL;
    int status = open_pipe(cli, &pipe);
    if (!status && cli_on(cli, "connect")) {
        status = fails(cli, leat_pipe_describe(pipe, &text, &err), &err);
        leat_text_free(text);
    }
    if (!status && !cli->quiet) {
        fprintf(stderr, "%s: no faults\n", cli->args[0]);
    }
    leat_pipe_free(pipe);
    return status;
}

int cmd_pipe_show(struct cli *cli)
{
    struct leat_error err = {0};
    struct leat_pipe *pipe = NULL;
    char *text = NULL;
    int status = open_pipe(cli, &pipe);
    if (!status) {
        enum leat_pipe_form form = cli_on(cli, "json") ? LEAT_PIPE_JSON : LEAT_PIPE_YAML;
        int rc = leat_pipe_show(pipe, form, &text, &err);
        status = print_text(cli, rc, text, &err);
    }
    leat_pipe_free(pipe);
    return status;
}

int cmd_pipe_schema(struct cli *cli)
{
    struct leat_error err = {0};
    char *text = NULL;
    int rc = leat_pipe_schema(cli->leat, &text, &err);
    return print_text(cli, rc, text, &err);
}

/* --- --as-pipe ------------------------------------------------------------------------------ */

/* What the command repeats by itself is no part of the plan. */
static void print_repeated(const char *text, bool json, const char *repeat)
{
    size_t len = strlen(text);
    bool number = strspn(repeat, "0123456789") == strlen(repeat);
    if (!json) {
        printf("%severy: %s%s\n", text, repeat, number ? "s" : "");
    } else {
        assert(len > 3 && !strcmp(text + len - 3, "\n}\n"));
        printf("%.*s,\n  \"every\": \"%s%s\"\n}\n", (int)(len - 3), text, repeat,
               number ? "s" : "");
    }
}

static const struct leat_option *own_option(const struct cli *cli, const char *name)
{
    for (const struct leat_option *o = cli->command->options; o && o->name; o++) {
        if (!strcmp(o->name, name)) {
            return o;
        }
    }
    return NULL;
}

/* What the command itself does with an option, and no document can say. */
static int refuse_own(const struct cli *cli, struct leat_error *err)
{
    for (size_t i = 0; i < cli->n_given; i++) {
        const char *name = cli->given[i].name;
        const struct leat_option *option = own_option(cli, name);
        bool said = !option || !strcmp(name, "as-pipe") || !strcmp(name, "repeat");
        const char *value = cli->given[i].value; /* NULL: --name alone */
        bool off = option && option->kind == LEAT_OPTION_BOOL && value && !cli_is_on(value);
        if (!said && !off) {
            lt_fail(err, LT_E_USAGE, "--as-pipe has no place for --%s, which is of leat %s alone",
                    name, cli->command->name);
            leat_error_remedy(err, "leave it out");
            return LEAT_INVALID;
        }
    }
    return LEAT_OK;
}

static int check_every(const char *repeat, struct leat_error *err)
{
    int64_t ms = 0;
    return lt_parse_duration(repeat, &ms, NULL) || ms < 1000
               ? lt_fail(err, LT_E_USAGE,
                         "--repeat of a pipe takes a time such as 30s, of at least a second")
               : LEAT_OK;
}

bool cli_prints_pipe(struct cli *cli, int *ret_status)
{
    const char *form = cli_value(cli, "as-pipe");
    const char *repeat = own_option(cli, "repeat") ? cli_value(cli, "repeat") : NULL;
    struct leat_error err = {0};
    char *text = NULL;
    if (!form) {
        return false;
    }
    bool json = !strcmp(form, "json");
    int rc = refuse_own(cli, &err);
    rc = rc || !repeat ? rc : check_every(repeat, &err);
    rc =
        rc ? rc : leat_plan_as_pipe(cli->plan, json ? LEAT_PIPE_JSON : LEAT_PIPE_YAML, &text, &err);
    if (!rc && repeat) {
        print_repeated(text, json, repeat);
        leat_text_free(text);
        *ret_status = 0;
    } else {
        *ret_status = print_text(cli, rc, text, &err);
    }
    return true;
}
