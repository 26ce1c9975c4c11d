/* The command line: which command it names, and its arguments, taken apart and checked. */
#include "cli/args.h"
#include "cli/prompt.h"

#include "core/util.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int usage(struct cli *cli, struct leat_error *err)
{
    cli_print_error(cli, err, NULL);
    return EXIT_REFUSED;
}

/* "Did you mean" for the options of one table; false when none is close. */
static bool suggest(const struct leat_option *table, const char *name, struct leat_error *err)
{
    const char *names[OWN_OPTIONS_MAX + 1] = {NULL};
    for (size_t i = 0; table && table[i].name && i < OWN_OPTIONS_MAX; i++) {
        names[i] = table[i].name;
    }
    const char *close = lt_closest(name, names);
    if (close) {
        leat_error_remedy(err, "did you mean --%s?", close);
    }
    return close;
}

static int unknown(struct cli *cli, const char *name, struct leat_error *err)
{
    /* The plan knows all names but those every command has, and the closest one; it takes those that
     * a command which only looks does not. */
    if (!(cli->command->takes & TAKES_PLAN) || !leat_plan_set(cli->plan, name, NULL, err)) {
        leat_fail_as(err, LEAT_INVALID, "unknown-option", "leat %s has no option --%s",
                     cli->command->name, name);
    }
    if (!suggest(cli_options, name, err)) {
        suggest(cli->command->options, name, err);
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
        const struct leat_option *option = cli_option_of(cli, *p);
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
    leat_use_asking(cli_ask_for_vault, NULL);
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
