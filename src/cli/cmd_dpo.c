/* leat dpo, and the program called as dpo: the command line of the data pipeline orchestrator that
 * leat takes the place of. docs/dpo.md says what is kept and what is different. */
#include "cli/cli.h"

#include "cli/dpo_args.h"
#include "core/url.h"
#include "core/util.h"
#include "leat/execution.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum level { CRITICAL, ERROR, WARNING, INFO, DEBUG, LEVELS_N };
static const char *const level_names[LEVELS_N] = {"CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"};

struct dpo {
    struct cli *cli;
    struct leat_state *state;
    struct dpo_args *args; /* of the command */
    const char *location;
    enum level level;
};

struct dpo_command {
    const char *name;
    const char *positionals; /* as the usage has them */
    int args_min, args_max;  /* -1: any number */
    const struct dpo_option *options;
    const char *help;
    /* What is wrong with the arguments themselves: a usage error. NULL: nothing can be. */
    bool (*check)(struct dpo *dpo, char *message, size_t size);
    int (*run)(struct dpo *dpo, struct leat_error *err);
};

/* --- log lines ------------------------------------------------------------------------------ */

static void log_line(const struct dpo *dpo, enum level level, const char *logger, const char *text)
{
    if (level > dpo->level) {
        return;
    }
    char when[32];
    struct tm fields;
    int64_t now_us = lt_wall_us();
    time_t seconds = (time_t)(now_us / 1000000);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &fields));
    fprintf(stderr, "%s,%03d - %s - %s - %s\n", when, (int)(now_us / 1000 % 1000), logger,
            level_names[level], text);
}

/* "1h 2m 3s": seconds rounded down, hours not capped at 24. */
static void span(int64_t ms, char *text, size_t size)
{
    int64_t s = ms / 1000;
    snprintf(text, size, "%" PRId64 "h %" PRId64 "m %" PRId64 "s", s / 3600, s / 60 % 60, s % 60);
}

/* --- commands ------------------------------------------------------------------------------- */

static const char *arg(const struct dpo *dpo, int i)
{
    return dpo->args->positionals[i];
}

static int init_execution(struct dpo *dpo, struct leat_error *err)
{
    char id[LEAT_GUID_MAX];
    int rc = leat_execution_init(dpo->state, dpo->args->values[0], LEAT_ANY_PIPELINE, id, err);
    if (!rc) {
        puts(id);
    }
    return rc;
}

static int get_last_successful(struct dpo *dpo, struct leat_error *err)
{
    char id[LEAT_GUID_MAX];
    int rc = leat_execution_last(dpo->state, LEAT_ANY_PIPELINE, id, err);
    if (!rc) {
        puts(id);
    }
    return rc;
}

static int get_completion(struct dpo *dpo, struct leat_error *err)
{
    char moment[LEAT_MOMENT_MAX];
    int rc = leat_execution_completed_at(dpo->state, arg(dpo, 0), moment, err);
    if (!rc) {
        puts(moment);
    }
    return rc;
}

static int init_step(struct dpo *dpo, struct leat_error *err)
{
    char id[LEAT_GUID_MAX], text[160];
    bool reopened = false;
    const struct leat_step step = {.size = sizeof step,
                                   .execution_id = arg(dpo, 0),
                                   .name = arg(dpo, 1),
                                   .base_path = arg(dpo, 2),
                                   .patterns = dpo->args->positionals + 3,
                                   .n_patterns = (size_t)dpo->args->n_positionals - 3,
                                   .flags = LEAT_STEP_LATER_WINS | LEAT_STEP_REOPEN};
    int rc = leat_step_init(dpo->state, &step, id, &reopened, err);
    if (!rc && reopened) {
        snprintf(text, sizeof text,
                 "Execution ID: %s was completed and is open again: until it is completed anew it "
                 "is not the last successful one",
                 arg(dpo, 0));
        log_line(dpo, WARNING, "dpo.commands.InitStepCommand.InitStepCommand", text);
    }
    if (!rc) {
        puts(id);
    }
    return rc;
}

struct names {
    int n;
};

static int print_name(void *arg_, const char *name, unsigned change)
{
    struct names *names = arg_;
    (void)change;
    printf("%s%s", names->n++ ? " " : "", name);
    return LEAT_OK;
}

static int compare_models(struct dpo *dpo, struct leat_error *err)
{
    struct names names = {0};
    int rc = leat_step_compare(dpo->state, arg(dpo, 0), arg(dpo, 1), true,
                               LEAT_MODEL_ADDED | LEAT_MODEL_MODIFIED, print_name, &names, err);
    if (!rc) {
        putchar('\n');
    }
    return rc;
}

/* A whole number as Python's int() reads one: blanks around it, a sign, single underscores between
 * digits. 0: good; 1: no such number; 2: too large for a BIGINT. */
static int python_int(const char *text, int64_t *ret_value)
{
    static const char blanks[] = " \t\n\r\f\v";
    text += strspn(text, blanks);
    bool negative = *text == '-', large = false;
    text += *text == '-' || *text == '+';
    uint64_t value = 0, limit = (uint64_t)INT64_MAX + negative;
    const char *begin = text;
    for (; (*text >= '0' && *text <= '9') || (*text == '_' && text > begin); text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (*text == '_') {
            if (text[1] < '0' || text[1] > '9') {
                return 1;
            }
            continue;
        }
        large = large || value > (limit - digit) / 10;
        value = large ? 0 : value * 10 + digit;
    }
    if (text == begin || text[strspn(text, blanks)]) {
        return 1;
    }
    *ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
    return large ? 2 : 0;
}

static bool check_rows(struct dpo *dpo, char *message, size_t size)
{
    int64_t value;
    const char *text = dpo->args->values[0];
    if (!text || python_int(text, &value) != 1) {
        return true;
    }
    snprintf(message, size, "argument -r/--rows-processed: invalid int value: '%.100s'", text);
    return false;
}

static void log_completed(const struct dpo *dpo, const struct leat_completed *done)
{
    char took[64], models[LT_HUMAN_MAX], rows[LT_HUMAN_MAX], text[1024];
    span(done->elapsed_ms, took, sizeof took);
    snprintf(text, sizeof text,
             "Completed Execution Step: %s; Started On: %s; Completed On: %s; Execution Time: %s; "
             "Models Processed: %s; Rows Processed: %s.",
             done->name, done->started_on, done->completed_on, took,
             lt_human_count(done->models, models),
             done->has_rows ? lt_human_count(done->rows, rows) : "N/A");
    log_line(dpo, INFO, "dpo.commands.CompleteStepCommand.CompleteStepCommand", text);
}

static int complete_step(struct dpo *dpo, struct leat_error *err)
{
    struct leat_completed done = {.size = sizeof done};
    const char *text = dpo->args->values[0];
    int64_t rows = 0;
    if (text && python_int(text, &rows)) {
        return leat_fail_as(err, LEAT_BAD_DATA, "value-range", "bigint out of range");
    }
    int rc = leat_step_complete(dpo->state, arg(dpo, 0), text ? &rows : NULL, &done, err);
    if (!rc) {
        log_completed(dpo, &done);
    }
    return rc;
}

static int complete_execution(struct dpo *dpo, struct leat_error *err)
{
    struct leat_completed done = {.size = sizeof done};
    char took[64], text[512];
    int rc = leat_execution_complete(dpo->state, arg(dpo, 0), &done, err);
    if (!rc) {
        span(done.elapsed_ms, took, sizeof took);
        snprintf(text, sizeof text,
                 "Completed Execution ID: %.40s; Started On: %s; Completed On: %s; "
                 "Execution Time: %s.",
                 arg(dpo, 0), done.started_on, done.completed_on, took);
        log_line(dpo, INFO, "dpo.commands.CompleteExecutionCommand.CompleteExecutionCommand", text);
    }
    return rc;
}

/* --- tables --------------------------------------------------------------------------------- */

static const struct dpo_option id_options[] = {
    {{"-id", "--execution-id", NULL}, "GUID", "the id to use; a random one when not given"},
    {{NULL}, NULL, NULL}};
static const struct dpo_option rows_options[] = {
    {{"-r", "--rows-processed", NULL}, "N", "how many rows the step processed"},
    {{NULL}, NULL, NULL}};
static const struct dpo_option main_options[] = {
    {{"-l", "--log-level", NULL},
     "LEVEL",
     "CRITICAL, ERROR, WARNING, INFO (the default) or DEBUG; before the command"},
    {{NULL}, NULL, NULL}};

static const struct dpo_command commands[] = {
    {"init-execution", "", 0, 0, id_options, "begin an execution; prints its id", NULL,
     init_execution},
    {"get-last-successful-execution", "", 0, 0, NULL,
     "print the id of the execution that was completed last, or " LEAT_NO_EXECUTION, NULL,
     get_last_successful},
    {"get-execution-completion-timestamp", "execution-id", 1, 1, NULL,
     "print when an execution was completed", NULL, get_completion},
    {"init-step", "execution-id step-name base-path model-pattern [model-pattern ...]", 4, -1, NULL,
     "begin a step and store the checksums of its models; prints its id", NULL, init_step},
    {"compare-step-models", "step-id previous-execution-id", 2, 2, NULL,
     "print the models that differ from those of an earlier execution, parted by blanks", NULL,
     compare_models},
    {"complete-step", "step-id", 1, 1, rows_options, "complete a step", check_rows, complete_step},
    {"complete-execution", "execution-id", 1, 1, NULL, "complete an execution", NULL,
     complete_execution},
    {0},
};

/* Names of older versions, and what took their place. */
static const char *const successors[][2] = {
    {"persist-models", "init-step"},
    {"compare-models", "compare-step-models"},
    {"get-execution-last-updated-timestamp", "get-execution-completion-timestamp"},
};

/* --- usage ---------------------------------------------------------------------------------- */

static void print_usage(FILE *out, const struct dpo_command *command)
{
    if (!command) {
        fputs("usage: dpo [-h] [-l [LEVEL]] db-connection-string command ...\n", out);
        return;
    }
    fprintf(out, "usage: dpo db-connection-string %s [-h]", command->name);
    for (const struct dpo_option *o = command->options; o && o->names[0]; o++) {
        fprintf(out, " [%s [%s]]", o->names[0], o->value);
    }
    fprintf(out, "%s%s\n", *command->positionals ? " " : "", command->positionals);
}

static void print_options(FILE *out, const struct dpo_option *options)
{
    fputs("\noptions:\n  -h, --help  show this help message and exit\n", out);
    for (const struct dpo_option *o = options; o && o->names[0]; o++) {
        fprintf(out, "  %s [%s], %s [%s]\n      %s\n", o->names[0], o->value, o->names[1], o->value,
                o->help);
    }
}

static void print_help(FILE *out, const struct dpo_command *command)
{
    print_usage(out, command);
    if (command) {
        fprintf(out, "\n%s\n", command->help);
        print_options(out, command->options);
        return;
    }
    fputs("\nRemembers the executions of a data pipeline, their steps and the checksums of their "
          "models.\n\ndb-connection-string: postgresql+psycopg2://user:password@host:port/dbname\n"
          "\ncommands:\n",
          out);
    for (const struct dpo_command *c = commands; c->name; c++) {
        fprintf(out, "  %s\n      %s\n", c->name, c->help);
    }
    print_options(out, main_options);
}

static int usage_error(const struct dpo_command *command, const char *message)
{
    struct lt_buf shown = LT_BUF_INIT;
    print_usage(stderr, command);
    fprintf(stderr, "dpo%s%s: error: %s\n", command ? " " : "", command ? command->name : "",
            lt_redact(&shown, message) ? "" : lt_buf_text(&shown));
    lt_buf_done(&shown);
    return EXIT_REFUSED;
}

static const struct dpo_command *find_command(const char *name)
{
    for (const struct dpo_command *c = commands; c->name; c++) {
        if (!strcmp(c->name, name)) {
            return c;
        }
    }
    return NULL;
}

static int unknown_command(const char *name)
{
    char message[256];
    snprintf(message, sizeof message, "argument command: invalid choice: '%.80s'", name);
    for (size_t i = 0; i < LT_ARRAY_LEN(successors); i++) {
        if (!strcmp(successors[i][0], name)) {
            snprintf(message, sizeof message, "%s was renamed: call %s", name, successors[i][1]);
        }
    }
    return usage_error(NULL, message);
}

/* --- running -------------------------------------------------------------------------------- */

/* One line, whatever happened; the codes and remedies are leat's. */
static int report(const struct dpo *dpo, int rc, const struct leat_error *err)
{
    if (rc) {
        cli_print_error(dpo->cli, err, NULL);
    }
    return rc ? EXIT_FAILED : 0;
}

static int run(struct dpo *dpo, const struct dpo_command *command)
{
    struct leat_error err = {0};
    char line[64];
    snprintf(line, sizeof line, "Running %s", command->name);
    int rc = leat_state_open(dpo->location, LEAT_STATE_SQLALCHEMY, &dpo->state, &err);
    if (!rc) {
        log_line(dpo, DEBUG, "dpo", line);
        rc = command->run(dpo, &err);
    }
    leat_state_close(dpo->state);
    return report(dpo, rc, &err);
}

static bool check_count(const struct dpo_command *command, const struct dpo_args *args,
                        char *message, size_t size)
{
    if (args->n_positionals < command->args_min) {
        snprintf(message, size, "the following arguments are required: %s", command->positionals);
        return false;
    }
    if (command->args_max >= 0 && args->n_positionals > command->args_max) {
        snprintf(message, size, "unrecognized arguments: %.100s",
                 args->positionals[command->args_max]);
        return false;
    }
    return true;
}

static int run_command(struct dpo *dpo, const struct dpo_command *command, int argc,
                       const char *const *argv, const char **room)
{
    char message[256];
    struct dpo_args args = {.options = command->options, .positionals = room};
    dpo->args = &args;
    if (!dpo_args_read(&args, argc, argv)) {
        return usage_error(command, args.message);
    }
    if (args.help) {
        print_help(stdout, command);
        return 0;
    }
    if (!check_count(command, &args, message, sizeof message) ||
        (command->check && !command->check(dpo, message, sizeof message))) {
        return usage_error(command, message);
    }
    return run(dpo, command);
}

static bool choose_level(const char *name, enum level *ret_level)
{
    for (int i = 0; i < LEVELS_N; i++) {
        if (!strcmp(level_names[i], name)) {
            *ret_level = (enum level)i;
            return true;
        }
    }
    return false;
}

static int dispatch(struct dpo *dpo, const char **first, const char **second)
{
    char message[160];
    int argc = dpo->cli->n_args;
    const char *const *argv = dpo->cli->args;
    struct dpo_args args = {
        .options = main_options, .positionals = first, .stop_at_command = true, .n_first = 1};
    if (!dpo_args_read(&args, argc, argv)) {
        return usage_error(NULL, args.message);
    }
    if (args.help) {
        print_help(stdout, NULL);
        return 0;
    }
    if (args.values[0] && !choose_level(args.values[0], &dpo->level)) {
        snprintf(message, sizeof message, "argument -l/--log-level: invalid choice: '%.60s'",
                 args.values[0]);
        return usage_error(NULL, message);
    }
    if (args.n_positionals == 0) {
        return usage_error(NULL,
                           "the following arguments are required: db-connection-string, command");
    }
    if (args.n_positionals == 1) {
        usage_error(NULL, "there is no command");
        return EXIT_FAILED;
    }
    dpo->location = first[0];
    const struct dpo_command *command = find_command(first[1]);
    return command ? run_command(dpo, command, argc - args.rest, argv + args.rest, second)
                   : unknown_command(first[1]);
}

int cmd_dpo(struct cli *cli)
{
    struct dpo dpo = {.cli = cli, .level = INFO};
    size_t n = (size_t)cli->n_args + 1;
    const char **first = calloc(n, sizeof *first), **second = calloc(n, sizeof *second);
    struct leat_error err = {0};
    int status;
    if (first && second) {
        status = dispatch(&dpo, first, second);
    } else {
        leat_fail(&err, LEAT_NO_MEMORY, "out of memory");
        status = report(&dpo, LEAT_NO_MEMORY, &err);
    }
    free(first);
    free(second);
    return status;
}
