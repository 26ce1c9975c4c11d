#include "cli/args.h"

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
    {"env-file", LEAT_OPTION_TEXT, NULL, "FILE|none",
     "Read variables from this file, which may be given several times, instead of .env"},
    {"state", LEAT_OPTION_TEXT, NULL, "PATH|URL|none",
     "Where runs and executions are recorded: a SQLite file, a PostgreSQL database, or nowhere "
     "[$XDG_STATE_HOME/leat/state.db]"},
    {NULL, LEAT_OPTION_TEXT, NULL, NULL, NULL},
};

static const struct {
    char letter;
    const char *name;
} short_forms[] = {
    {'h', "help"},      {'n', "dry-run"},     {'q', "quiet"},           {'v', "verbose"},
    {'l', "log-level"}, {'p', "key"},         {'d', "cursor"},          {'i', "repeat"},
    {'e', "execute"},   {'a', "all-columns"}, {'x', "header"},          {'d', "duration"},
    {'d', "dry-run"},   {'f', "force"},       {'c', "connection-name"},
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

bool cli_is_on(const char *value)
{
    return strchr("tTyY1", value[0]) || !strcasecmp(value, "on");
}

/* Sets one of the common options, whose value has been checked. */
static int set_common(struct cli *cli, const char *name, const char *value, struct leat_error *err)
{
    enum leat_log_level level;
    if (!strcmp(name, "help")) {
        cli->help = cli_is_on(value);
    } else if (!strcmp(name, "dry-run")) {
        cli->dry_run = cli_is_on(value);
    } else if (!strcmp(name, "quiet")) {
        cli->quiet = cli_is_on(value);
    } else if (!strcmp(name, "verbose")) {
        cli->verbose += cli_is_on(value);
    } else if (!strcmp(name, "log-level")) {
        cli->log_level = value;
        return leat_log_level_parse(value, &level, err);
    } else if (!strcmp(name, "log-format")) {
        cli->json_logs = !strcmp(value, "json");
    } else if (!strcmp(name, "progress")) {
        cli->progress = value;
    } else if (!strcmp(name, "state")) {
        cli->state = value;
    } else if (!strcmp(name, "report")) {
        cli->report = value;
    } /* env-file was read before everything else */
    return LEAT_OK;
}

bool cli_takes(const struct command *command, const char *option)
{
    bool any = !*command->name; /* `config explain` without a command */
    return command->takes & TAKES_PLAN && (any || leat_action_takes(command->action, option));
}

const struct leat_option *cli_find_option(struct cli *cli, const char *name)
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

int cli_give(struct cli *cli, const char *name, const char *value, struct leat_error *err)
{
    struct cli_given *given = realloc(cli->given, (cli->n_given + 1) * sizeof *given);
    if (!given) {
        return leat_fail(err, LEAT_NO_MEMORY, "out of memory");
    }
    cli->given = given;
    given[cli->n_given++] = (struct cli_given){name, value};
    return LEAT_OK;
}

bool cli_was_given(const struct cli *cli, const char *name)
{
    for (size_t i = 0; i < cli->n_given; i++) {
        if (!strcmp(cli->given[i].name, name)) {
            return true;
        }
    }
    return false;
}

const char *cli_join(struct cli *cli, const char *const *texts)
{
    size_t len = 0;
    for (size_t i = 0; texts[i]; i++) {
        len += strlen(texts[i]);
    }
    struct cli_owned *owned = malloc(sizeof *owned + len + 1);
    if (!owned) {
        return NULL;
    }
    owned->next = cli->owned;
    cli->owned = owned;
    char *at = owned->text;
    for (size_t i = 0; texts[i]; i++) {
        at = stpcpy(at, texts[i]);
    }
    *at = 0;
    return owned->text;
}

void cli_parse_done(struct cli *cli)
{
    while (cli->owned) {
        struct cli_owned *next = cli->owned->next;
        explicit_bzero(cli->owned->text, strlen(cli->owned->text));
        free(cli->owned);
        cli->owned = next;
    }
    free(cli->given);
    cli->given = NULL;
    cli->n_given = 0;
}

/* Notes an option and what set it, instead of setting it. */
static int note(struct cli *cli, const char *name, const char *value, const char *origin,
                struct leat_error *err)
{
    struct cli_values *values = cli->values;
    const struct leat_option *option = cli_find_option(cli, name);
    assert(option);
    int rc = leat_option_check(option, value, err);
    if (rc) {
        return rc;
    }
    struct cli_set_value *items = realloc(values->items, (values->n + 1) * sizeof *items);
    values->items = items ? items : values->items;
    const char *own = cli_join(cli, (const char *[]){origin, NULL});
    if (!items || !own) {
        return leat_fail(err, LEAT_NO_MEMORY, "out of memory");
    }
    items[values->n++] = (struct cli_set_value){option->name, value ? value : "true", own};
    return LEAT_OK;
}

static const char *origin_text(enum cli_origin origin, const char *variable, char *text,
                               size_t size)
{
    const char *where = variable ? leat_env_origin(variable) : NULL;
    if (origin == ORIGIN_FLAG) {
        snprintf(text, size, "flag");
    } else if (origin == ORIGIN_STORED) {
        snprintf(text, size, "stored default");
    } else {
        bool from_file = where && strcmp(where, "environment") != 0;
        snprintf(text, size, "variable %s%s%s", variable, from_file ? " in " : "",
                 from_file ? where : "");
    }
    return text;
}

int cli_set_option(struct cli *cli, const char *name, const char *value, enum cli_origin origin,
                   const char *variable, struct leat_error *err)
{
    if (cli->values) {
        char text[4352];
        return note(cli, name, value, origin_text(origin, variable, text, sizeof text), err);
    }
    const struct leat_option *own = find(cli->command->options, name);
    const struct leat_option *mine = own ? own : find(cli_options, name);
    if (mine) {
        int rc = leat_option_check(mine, value, err);
        value = value ? value : "true";
        if (rc || !own) {
            return rc ? rc : set_common(cli, name, value, err);
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
    /* What is not this command line's own is shared by many commands. */
    return origin == ORIGIN_FLAG ? leat_plan_set(cli->plan, name, value, err)
                                 : leat_plan_set_default(cli->plan, name, value, err);
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
    for (size_t k = 0; k < cli->n_given; k++) {
        if (!strcmp(cli->given[k].name, name) && i-- == 0) {
            return cli->given[k].value;
        }
    }
    return NULL;
}

bool cli_on(const struct cli *cli, const char *name)
{
    const char *value = cli_value(cli, name);
    return value && cli_is_on(value);
}

/* The option that a letter stands for in a command: the first that the command takes, or NULL. */
static const struct leat_option *option_of(struct cli *cli, char letter)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(short_forms); i++) {
        const struct leat_option *option =
            short_forms[i].letter == letter ? cli_find_option(cli, short_forms[i].name) : NULL;
        if (option) {
            return option;
        }
    }
    return NULL;
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

static int unknown(struct cli *cli, const char *name, struct leat_error *err)
{
    if (cli->command->takes & TAKES_PLAN) {
        /* The plan knows all names but those every command has, and the closest one. */
        int rc = leat_plan_set(cli->plan, name, NULL, err);
        suggest_common(name, err);
        return rc;
    }
    const char *names[OWN_OPTIONS_MAX + 1] = {NULL};
    for (size_t i = 0; cli->command->options && cli->command->options[i].name; i++) {
        names[i] = cli->command->options[i].name;
    }
    const char *close = lt_closest(name, names);
    leat_fail_as(err, LEAT_INVALID, "unknown-option", "leat %s has no option --%s",
                 cli->command->name, name);
    if (close) {
        leat_error_remedy(err, "did you mean --%s?", close);
    } else {
        suggest_common(name, err);
    }
    return LEAT_INVALID;
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
    const char *value = text[len] == '=' ? text + len + 1 : NULL;
    const char *next = *i + 1 < argc ? argv[*i + 1] : NULL;
    const struct leat_option *option = cli_find_option(cli, name);
    if (!option || cli_is_alias_value(cli->command, name, value ? value : next)) {
        bool known, used = false;
        int rc = cli_take_alias(cli, name, value ? value : next, &known, &used, err);
        *i += known && used && !value;
        return known ? rc : unknown(cli, name, err);
    }
    if (!value && option->kind != LEAT_OPTION_BOOL) {
        if (!next) {
            return leat_fail_as(err, LEAT_INVALID, "usage", "--%s needs a value", name);
        }
        value = next;
        ++*i;
    }
    return cli_give(cli, option->name, value, err);
}

/* The letters of one argument; advances *i past a value of its own. */
static int parse_short(struct cli *cli, int argc, char **argv, int *i, struct leat_error *err)
{
    const char *next = *i + 1 < argc ? argv[*i + 1] : NULL;
    for (const char *p = argv[*i] + 1; *p; p++) {
        const char *rest = p[1] ? p + 1 : NULL;
        bool known, used = false;
        int rc = cli_take_alias(cli, (char[]){*p, 0}, rest ? rest : next, &known, &used, err);
        if (known) {
            *i += used && !rest;
            return rc;
        }
        const struct leat_option *option = option_of(cli, *p);
        if (!option) {
            return leat_fail_as(err, LEAT_INVALID, "unknown-option", "there is no option -%c", *p);
        }
        if (option->kind != LEAT_OPTION_BOOL) {
            if (!rest && !next) {
                return leat_fail_as(err, LEAT_INVALID, "usage", "-%c needs a value", *p);
            }
            *i += !rest;
            return cli_give(cli, option->name, rest ? rest : next, err);
        }
        rc = cli_give(cli, option->name, NULL, err);
        if (rc) {
            return rc;
        }
    }
    return LEAT_OK;
}

/* Takes the arguments apart: options are kept for later, the rest is positional. */
static int split_args(struct cli *cli, int argc, char **argv, struct leat_error *err)
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
    return LEAT_OK;
}

static int check_count(const struct cli *cli, struct leat_error *err)
{
    const struct command *c = cli->command;
    if (cli->help ||
        (cli->n_args >= c->args_min && (c->args_max < 0 || cli->n_args <= c->args_max))) {
        return LEAT_OK;
    }
    leat_fail_as(err, LEAT_INVALID, "usage", "leat %s takes %s", c->name,
                 *c->args ? c->args : "no arguments");
    leat_error_remedy(err, "`leat help %s` explains it", c->name);
    return LEAT_INVALID;
}

/* The environment and the arguments of the command. */
static int parse_args(struct cli *cli, int argc, char **argv, struct leat_error *err)
{
    int rc = leat_plan_action(cli->plan, cli->command->action, err);
    rc = rc ? rc : split_args(cli, argc, argv, err);
    rc = rc ? rc : cli_read_environment(cli, err);
    for (size_t i = 0; !rc && i < cli->n_given; i++) {
        rc = cli_set_option(cli, cli->given[i].name, cli->given[i].value, ORIGIN_FLAG, NULL, err);
    }
    rc = rc || cli->help ? rc : cli_fill_places(cli, err);
    return rc || cli->values ? rc : check_count(cli, err);
}

int cli_parse_noting(struct cli *cli, int argc, char **argv, struct leat_error *err)
{
    static const struct command any = {.name = "", .args = "", .takes = TAKES_PLAN};
    const char *const *words = (const char *const *)argv;
    int used = 0;
    cli->command = &any;
    if (argc && argv[0][0] != '-') {
        cli->command = cli_command(words, argc, &used);
        if (!cli->command) {
            return cli_no_command(words, argc, err);
        }
        cli->command = cli_command_meant(cli->command, argv + used);
    }
    cli->n_args = 0;
    return parse_args(cli, argc - used, argv + used, err);
}

/* The program is known by the name it is called by: `dpo ...` is `leat dpo ...`. */
static bool is_called(const char *program, const char **ret_word)
{
    static const char *const names[] = {"dpo", "dpo-migrate", "hp"};
    const char *slash = strrchr(program, '/');
    for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
        if (!strcmp(slash ? slash + 1 : program, names[i])) {
            *ret_word = names[i];
            return true;
        }
    }
    return false;
}

/* `state --help` is `help state`: no command, but all of a family. */
static bool is_family_help(int argc, char **argv)
{
    int used;
    return argc > 2 && cli_family((const char *const *)argv + 1, argc - 1, &used) &&
           used < argc - 1 && (!strcmp(argv[1 + used], "--help") || !strcmp(argv[1 + used], "-h"));
}

/* The words that name the command. */
struct said {
    const char *words[COMMAND_WORDS_MAX];
    int n;
    int start;         /* they begin at this argument, or the arguments begin there */
    bool in_arguments; /* else in variables */
};

static int take_words(struct cli *cli, int argc, char **argv, struct said *said,
                      struct leat_error *err)
{
    const char *word = argc > 1 ? argv[1] : "help", *called;
    *said = (struct said){.words = {word}, .n = 1, .start = 1, .in_arguments = true};
    if (argc && is_called(argv[0], &called)) {
        said->words[0] = called;
        said->start = 0;
    } else if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        said->words[0] = "help";
    } else if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        said->words[0] = "version";
    } else if (cli->twelve_factor && (argc < 2 || *word == '-')) {
        said->in_arguments = false;
        return cli_command_words(cli, said->words, &said->n, err);
    } else {
        while (said->n < COMMAND_WORDS_MAX && said->n + 1 < argc) {
            said->words[said->n] = argv[1 + said->n];
            said->n++;
        }
    }
    return LEAT_OK;
}

/* The command, its environment and its arguments. */
static int parse_command(struct cli *cli, int argc, char **argv, struct leat_error *err)
{
    static const char *const help[] = {"help"};
    struct said said;
    int used;
    int rc = cli_read_env_files(cli, argc, argv, err);
    rc = rc ? rc : take_words(cli, argc, argv, &said, err);
    if (rc) {
        return rc;
    }
    if (is_family_help(argc, argv)) {
        cli->command = cli_command(help, 1, &used);
        for (int i = 1; argv[i][0] != '-'; i++) {
            cli->args[cli->n_args++] = argv[i];
        }
        return LEAT_OK;
    }
    cli->command = cli_command(said.words, said.n, &used);
    if (!cli->command) {
        rc = cli_no_command(said.words, said.n, err);
        if (!said.in_arguments) {
            leat_error_place(err, "variable LEAT_COMMAND");
        }
        return rc;
    }
    int at = LT_MIN(argc, said.start + (said.in_arguments ? used : 0));
    if (cli->command->takes & TAKES_RAW) {
        while (at < argc) {
            cli->args[cli->n_args++] = argv[at++];
        }
        return LEAT_OK;
    }
    cli->command = cli_command_meant(cli->command, argv + at);
    return parse_args(cli, argc - at, argv + at, err);
}

int cli_parse(struct cli *cli, int argc, char **argv)
{
    struct leat_error err = {0};
    leat_set_log(cli_log, cli, LEAT_LOG_WARN); /* for what is said of env files */
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
