#include "cli/cli.h"

#include "core/util.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct leat_option cli_options[] = {
    {"help", LEAT_OPTION_BOOL, "false", NULL, "Show this help"},
    {"dry-run", LEAT_OPTION_BOOL, "false", NULL,
     "Print what would be done, types and DDL included, and change nothing"},
    {"quiet", LEAT_OPTION_BOOL, "false", NULL, "Say nothing but errors"},
    {"verbose", LEAT_OPTION_BOOL, "false", NULL, "Log more; twice still more"},
    {"log-level", LEAT_OPTION_CHOICE, "warn", "error|warn|info|debug|trace", "What to log"},
    {"log-format", LEAT_OPTION_CHOICE, "text", "text|json",
     "Write log lines and errors as text or as JSON, one object a line"},
    {"progress", LEAT_OPTION_CHOICE, "auto", "auto|json|none",
     "A line on a terminal, JSON lines on standard error, or none"},
    {"report", LEAT_OPTION_TEXT, NULL, "FILE", "Write a JSON report of the run to this file"},
    {"state", LEAT_OPTION_TEXT, NULL, "PATH|URL|none",
     "Where runs and executions are recorded: a SQLite file, a PostgreSQL database, or nowhere "
     "[$XDG_STATE_HOME/leat/state.db]"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

static const struct {
    char letter;
    const char *name;
} short_forms[] = {
    {'h', "help"}, {'n', "dry-run"}, {'q', "quiet"},  {'v', "verbose"}, {'l', "log-level"},
    {'p', "key"},  {'d', "cursor"},  {'i', "repeat"}, {'e', "execute"}, {'a', "all-columns"},
};

/* Other names of long options, as other programs call them. */
static const struct {
    const char *other, *name;
} long_aliases[] = {
    {"primary-key", "key"},
    {"primary-keys", "key"},
    {"update-key", "cursor"},
    {"delta-driver", "cursor"},
    {"incremental-strategy", "strategy"},
};

char cli_short(const char *name)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(short_forms); i++) {
        if (!strcmp(short_forms[i].name, name)) {
            return short_forms[i].letter;
        }
    }
    return 0;
}

static int usage(struct cli *cli, struct leat_error *err)
{
    cli_print_error(cli, err, NULL);
    return EXIT_REFUSED;
}

static const struct leat_option *find(const struct leat_option *table, const char *name)
{
    for (; table && table->name; table++) {
        if (!strcmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

/* For a value that leat_option_check() has passed. */
static bool is_on(const char *value)
{
    return strchr("tTyY1", value[0]) || !strcasecmp(value, "on");
}

/* Sets one of the common options, whose value has been checked. */
static int set_common(struct cli *cli, const char *name, const char *value, struct leat_error *err)
{
    enum leat_log_level level;
    if (!strcmp(name, "help")) {
        cli->help = is_on(value);
    } else if (!strcmp(name, "dry-run")) {
        cli->dry_run = is_on(value);
    } else if (!strcmp(name, "quiet")) {
        cli->quiet = is_on(value);
    } else if (!strcmp(name, "verbose")) {
        cli->verbose += is_on(value);
    } else if (!strcmp(name, "log-level")) {
        cli->log_level = value;
        return leat_log_level_parse(value, &level, err);
    } else if (!strcmp(name, "log-format")) {
        cli->json_logs = !strcmp(value, "json");
    } else if (!strcmp(name, "progress")) {
        cli->progress = value;
    } else if (!strcmp(name, "state")) {
        cli->state = value;
    } else {
        cli->report = value;
    }
    return LEAT_OK;
}

bool cli_takes(const struct command *command, const char *option)
{
    return command->takes & TAKES_PLAN && leat_action_takes(command->action, option);
}

/* The row of a long option in any table the command takes. */
static const struct leat_option *find_option(struct cli *cli, const char *name)
{
    const struct leat_option *option = find(cli->command->options, name);
    option = option ? option : find(cli_options, name);
    if (option || !(cli->command->takes & TAKES_PLAN)) {
        return option;
    }
    if (cli_takes(cli->command, name)) {
        option = find(leat_plan_options(), name);
    }
    const struct leat_connector *connector;
    for (size_t i = 0; !option && (connector = leat_connector_at(cli->leat, i)); i++) {
        option = find(connector->options, name);
    }
    return option;
}

typedef int set_fn(struct leat_plan *plan, const char *name, const char *value,
                   struct leat_error *err);

/* `set` is leat_plan_set, or leat_plan_set_default for what other commands set as well. */
static int set_with(struct cli *cli, set_fn *set, const char *name, const char *value,
                    struct leat_error *err)
{
    const struct leat_option *own = find(cli->command->options, name);
    const struct leat_option *mine = own ? own : find(cli_options, name);
    if (mine) {
        int rc = leat_option_check(mine, value, err);
        value = value ? value : "true";
        if (rc || !own) {
            return rc ? rc : set_common(cli, name, value, err);
        }
        if (own->kind == LEAT_OPTION_LIST) {
            cli->given[cli->n_given++] = (struct given){own, value};
            return LEAT_OK;
        }
        assert(own - cli->command->options < OWN_OPTIONS_MAX);
        cli->own[own - cli->command->options] = value;
        return LEAT_OK;
    }
    if (!strcmp(name, "also")) {
        /* Kept until DST, which stands first in the report, has been added. */
        cli->also[cli->n_also++] = value;
        return LEAT_OK;
    }
    return set(cli->plan, name, value, err);
}

const char *cli_value(const struct cli *cli, const char *name)
{
    const struct leat_option *own = find(cli->command->options, name);
    assert(own);
    const char *value = cli->own[own - cli->command->options];
    return value ? value : own->fallback;
}

const char *cli_nth(const struct cli *cli, const char *name, int i)
{
    for (int k = 0; k < cli->n_given; k++) {
        if (!strcmp(cli->given[k].option->name, name) && i-- == 0) {
            return cli->given[k].value;
        }
    }
    return NULL;
}

bool cli_on(const struct cli *cli, const char *name)
{
    const char *value = cli_value(cli, name);
    return value && is_on(value);
}

static int set_option(struct cli *cli, const char *name, const char *value, struct leat_error *err)
{
    return set_with(cli, leat_plan_set, name, value, err);
}

/* Whether the arguments have this option: then the variable of its name does not count. */
static bool was_given(char *const *args, const char *name)
{
    size_t len = strlen(name);
    char letter = cli_short(name);
    for (; *args && strcmp(*args, "--"); args++) {
        const char *arg = *args;
        if (!strncmp(arg, "--", 2)
                ? !strncmp(arg + 2, name, len) && (!arg[2 + len] || arg[2 + len] == '=')
                : letter && arg[0] == '-' && strchr(arg, letter)) {
            return true;
        }
    }
    return false;
}

/* LEAT_<FLAG> for every option of a table. An environment is shared by many commands, so only
 * what this one takes is looked at. */
static int read_variables(struct cli *cli, const struct leat_option *table, char *const *args,
                          struct leat_error *err)
{
    for (; table && table->name; table++) {
        char variable[64] = "LEAT_";
        size_t at = strlen(variable);
        for (const char *p = table->name; *p && at + 1 < sizeof variable; p++) {
            variable[at++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
        }
        variable[at] = 0;
        const char *value = getenv(variable);
        if (value && *value && strcmp(table->name, "help") && !was_given(args, table->name)) {
            int rc = set_with(cli, leat_plan_set_default, table->name, value, err);
            if (rc) {
                leat_error_place(err, "variable %s", variable);
                return rc;
            }
        }
    }
    return LEAT_OK;
}

static int read_environment(struct cli *cli, char *const *args, struct leat_error *err)
{
    int rc = read_variables(cli, cli_options, args, err);
    if (!rc) {
        rc = read_variables(cli, cli->command->options, args, err);
    }
    if (!rc && cli->command->takes & TAKES_PLAN) {
        rc = read_variables(cli, leat_plan_options(), args, err);
        const struct leat_connector *connector;
        for (size_t i = 0; !rc && (connector = leat_connector_at(cli->leat, i)); i++) {
            rc = read_variables(cli, connector->options, args, err);
        }
    }
    return rc;
}

/* "Did you mean" for the options of every command. */
static void suggest_common(const char *name, struct leat_error *err)
{
    const char *names[LT_ARRAY_LEN(cli_options)] = {NULL};
    for (size_t i = 0; cli_options[i].name; i++) {
        names[i] = cli_options[i].name;
    }
    const char *close = lt_closest(name, names);
    if (close) {
        leat_error_remedy(err, "did you mean --%s?", close);
    }
}

/* --name, --name=value or --name value; advances *i past a value of its own. */
static int parse_long(struct cli *cli, int argc, char **argv, int *i, struct leat_error *err)
{
    char name[64];
    const char *text = argv[*i] + 2;
    size_t len = strcspn(text, "=");
    if (len >= sizeof name) {
        return leat_fail_as(err, LEAT_INVALID, "unknown-option", "there is no option %.40s...",
                            argv[*i]);
    }
    memcpy(name, text, len);
    name[len] = 0;
    for (size_t k = 0; k < LT_ARRAY_LEN(long_aliases); k++) {
        if (!strcmp(long_aliases[k].other, name)) {
            snprintf(name, sizeof name, "%s", long_aliases[k].name);
        }
    }
    const struct leat_option *option = find_option(cli, name);
    if (!option) {
        if (cli->command->takes & TAKES_PLAN) {
            /* The plan knows all names but those every command has, and the closest one. */
            int rc = leat_plan_set(cli->plan, name, NULL, err);
            suggest_common(name, err);
            return rc;
        }
        return leat_fail_as(err, LEAT_INVALID, "unknown-option", "leat %s has no option --%s",
                            cli->command->name, name);
    }
    if (text[len] == '=') {
        return set_option(cli, name, text + len + 1, err);
    }
    if (option->kind == LEAT_OPTION_BOOL) {
        return set_option(cli, name, NULL, err);
    }
    if (*i + 1 >= argc) {
        return leat_fail_as(err, LEAT_INVALID, "usage", "--%s needs a value", name);
    }
    return set_option(cli, name, argv[++*i], err);
}

static int parse_short(struct cli *cli, int argc, char **argv, int *i, struct leat_error *err)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        const char *name = NULL;
        for (size_t k = 0; k < LT_ARRAY_LEN(short_forms); k++) {
            name = short_forms[k].letter == *p ? short_forms[k].name : name;
        }
        const struct leat_option *option = name ? find_option(cli, name) : NULL;
        if (!option) {
            return leat_fail_as(err, LEAT_INVALID, "unknown-option", "there is no option -%c", *p);
        }
        int rc;
        if (option->kind == LEAT_OPTION_BOOL) {
            rc = set_option(cli, name, NULL, err);
        } else if (p[1]) {
            return set_option(cli, name, p + 1, err);
        } else if (*i + 1 >= argc) {
            return leat_fail_as(err, LEAT_INVALID, "usage", "-%c needs a value", *p);
        } else {
            return set_option(cli, name, argv[++*i], err);
        }
        if (rc) {
            return rc;
        }
    }
    return LEAT_OK;
}

static int parse_args(struct cli *cli, int argc, char **argv, struct leat_error *err)
{
    bool options = true;
    for (int i = 0; i < argc; i++) {
        int rc = LEAT_OK;
        if (options && !strcmp(argv[i], "--")) {
            options = false;
        } else if (options && !strncmp(argv[i], "--", 2)) {
            rc = parse_long(cli, argc, argv, &i, err);
        } else if (options && argv[i][0] == '-' && argv[i][1] &&
                   !isdigit((unsigned char)argv[i][1])) { /* -1 is a number */
            rc = parse_short(cli, argc, argv, &i, err);
        } else {
            cli->args[cli->n_args++] = argv[i];
        }
        if (rc) {
            return rc;
        }
    }
    const struct command *c = cli->command;
    if (!cli->help &&
        (cli->n_args < c->args_min || (c->args_max >= 0 && cli->n_args > c->args_max))) {
        leat_fail_as(err, LEAT_INVALID, "usage", "leat %s takes %s", c->name,
                     *c->args ? c->args : "no arguments");
        leat_error_remedy(err, "`leat help %s` explains it", c->name);
        return LEAT_INVALID;
    }
    return LEAT_OK;
}

/* The program is known by the name it is called by: `dpo ...` is `leat dpo ...`. */
static bool is_called(const char *program, const char **ret_word)
{
    static const char *const names[] = {"dpo", "dpo-migrate"};
    const char *slash = strrchr(program, '/');
    for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
        if (!strcmp(slash ? slash + 1 : program, names[i])) {
            *ret_word = names[i];
            return true;
        }
    }
    return false;
}

/* The command, its environment and its arguments. */
static int parse_command(struct cli *cli, int argc, char **argv, struct leat_error *err)
{
    static const char *const help[] = {"help"}, *const version[] = {"version"};
    const char *word = argc > 1 ? argv[1] : "help";
    const char *const *words = (const char *const *)argv + 1;
    int n = LT_MAX(argc - 1, 1), used, first = 1;
    const char *called;
    if (argc && is_called(argv[0], &called)) {
        words = &called;
        n = 1;
        first = 0;
    } else if (argc < 2 || !strcmp(word, "--help") || !strcmp(word, "-h")) {
        words = help;
        n = 1;
    } else if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        words = version;
        n = 1;
    } else if (argc > 2 && cli_family(word) && was_given((char *const[]){argv[2], NULL}, "help")) {
        argv[2] = argv[1]; /* `state --help` is `help state` */
        cli->command = cli_command(help, 1, &used);
        return parse_args(cli, argc - 2, argv + 2, err);
    }
    cli->command = cli_command(words, n, &used);
    if (!cli->command) {
        return cli_no_command(words, n, err);
    }
    int at = LT_MIN(argc, first + used);
    if (cli->command->takes & TAKES_RAW) {
        while (at < argc) {
            cli->args[cli->n_args++] = argv[at++];
        }
        return LEAT_OK;
    }
    int rc = leat_plan_action(cli->plan, cli->command->action, err);
    rc = rc ? rc : read_environment(cli, argv + at, err);
    return rc ? rc : parse_args(cli, argc - at, argv + at, err);
}

int cli_parse(struct cli *cli, int argc, char **argv)
{
    struct leat_error err = {0};
    if (parse_command(cli, argc, argv, &err)) {
        return usage(cli, &err);
    }
    enum leat_log_level level = LEAT_LOG_WARN;
    if (cli->log_level) {
        leat_log_level_parse(cli->log_level, &level, NULL);
    } else if (cli->verbose) {
        level = cli->verbose > 1 ? LEAT_LOG_DEBUG : LEAT_LOG_INFO;
    } else if (cli->quiet) {
        level = LEAT_LOG_ERROR;
    }
    leat_set_log(cli_log, cli, level);
    return LEAT_OK;
}
