/* The options of every command, and how options are looked up, set, and noted down. */
#include "cli/args.h"

#include "core/util.h"

#include <assert.h>
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
    {"report", LEAT_OPTION_TEXT, NULL, "FILE",
     "Write a JSON report of the run, or with --dry-run of what would be done, to this file"},
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

/* What means nothing to a command that only looks. */
static bool writes(const char *option)
{
    static const char *const names[] = {
        "replace", "append",    "recreate",   "truncate", "allow-empty", "schema",
        "also",    "atomic",    "keep-going", "with",     "verify",      "count",
        "resume",  "part-rows", "immutable",  "no-state", "state-schema"};
    for (size_t i = 0; i < LT_ARRAY_LEN(names); i++) {
        if (!strcmp(names[i], option)) {
            return true;
        }
    }
    return false;
}

bool cli_takes(const struct command *command, const char *option)
{
    if (command->takes & TAKES_READS && writes(option)) {
        return false;
    }
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
    free(cli->kept);
    cli->kept = NULL;
    cli->n_kept = 0;
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

const struct leat_option *cli_option_of(struct cli *cli, char letter)
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
