/* What stands in for arguments: env files, variables for options, command and places, and defaults
 * that were stored. */
#include "cli/args.h"

#include "core/util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VARIABLE_MAX 64

/* First words of commands that read no variables, or another program's. */
static const char *const without_env_files[] = {"help",   "version",     "completion", "docs",
                                                "--help", "-h",          "--version",  "-V",
                                                "dpo",    "dpo-migrate", "hp"};

/* The next --env-file at or behind argv[*i]; NULL when there is none. */
static const char *next_env_file(int argc, char **argv, int *i)
{
    static const char name[] = "--env-file";
    size_t len = sizeof name - 1;
    for (; *i < argc && strcmp(argv[*i], "--"); ++*i) {
        if (strncmp(argv[*i], name, len)) {
            continue;
        }
        if (argv[*i][len] == '=') {
            return argv[*i] + len + 1;
        }
        if (!argv[*i][len] && *i + 1 < argc) {
            return argv[++*i];
        }
    }
    return NULL;
}

static int read_one(const char *path, struct leat_error *err)
{
    return strcmp(path, "none") ? leat_env_file(path, err) : LEAT_OK;
}

static int read_env_files(int argc, char **argv, struct leat_error *err)
{
    int rc = LEAT_OK, i = 1;
    const char *path = next_env_file(argc, argv, &i), *variable = getenv("LEAT_ENV_FILE");
    if (!path) {
        return variable && *variable ? read_one(variable, err) : leat_env_file(NULL, err);
    }
    for (; path && !rc; i++, path = next_env_file(argc, argv, &i)) {
        rc = read_one(path, err);
    }
    return rc;
}

/* 12-factor mode: on for yes, off for no. */
static int read_mode(struct cli *cli, struct leat_error *err)
{
    static const struct leat_option mode = {"12factor-mode", LEAT_OPTION_BOOL, NULL, NULL, ""};
    static const char variable[] = "LEAT_12FACTOR_MODE";
    const char *value = getenv(variable);
    if (!value || !*value) {
        return LEAT_OK;
    }
    if (!strcasecmp(value, "lambda")) {
        leat_fail_as(err, LEAT_UNSUPPORTED, "unsupported", "there is no loop for AWS Lambda yet");
        leat_error_place(err, "variable %s", variable);
        return LEAT_UNSUPPORTED;
    }
    if (leat_option_check(&mode, value, NULL)) {
        leat_fail_as(err, LEAT_INVALID, "usage", "it is true or false");
        leat_error_place(err, "variable %s", variable);
        return LEAT_INVALID;
    }
    cli->twelve_factor = cli_is_on(value);
    return LEAT_OK;
}

int cli_read_env_files(struct cli *cli, int argc, char **argv, struct leat_error *err)
{
    const char *word = argc > 1 ? argv[1] : "";
    const char *slash = argc ? strrchr(argv[0], '/') : NULL;
    const char *program = slash ? slash + 1 : argc ? argv[0] : "";
    for (size_t i = 0; i < LT_ARRAY_LEN(without_env_files); i++) {
        if (!strcmp(without_env_files[i], word) || !strcmp(without_env_files[i], program)) {
            return LEAT_OK;
        }
    }
    int rc = read_env_files(argc, argv, err);
    return rc ? rc : read_mode(cli, err);
}

int cli_command_words(struct cli *cli, const char *ret_words[COMMAND_WORDS_MAX], int *ret_n,
                      struct leat_error *err)
{
    const char *first = getenv("LEAT_COMMAND"), *second = getenv("LEAT_SUBCOMMAND");
    if (!first || !*first) {
        leat_fail_as(err, LEAT_INVALID, "usage", "no command is given");
        leat_error_remedy(err, "LEAT_12FACTOR_MODE is set: set LEAT_COMMAND, such as cp");
        return LEAT_INVALID;
    }
    const char *both = cli_join(cli, (const char *[]){first, " ", second ? second : "", NULL});
    if (!both) {
        return leat_fail(err, LEAT_NO_MEMORY, "out of memory");
    }
    int n = 0;
    for (const char *p = both + strspn(both, " "); *p && n < COMMAND_WORDS_MAX;) {
        size_t len = strcspn(p, " ");
        const char *rest = p + len, *word = NULL;
        char text[COMMAND_NAME_MAX];
        snprintf(text, sizeof text, "%.*s", (int)LT_MIN(len, sizeof text - 1), p);
        word = cli_join(cli, (const char *[]){text, NULL});
        if (!word) {
            return leat_fail(err, LEAT_NO_MEMORY, "out of memory");
        }
        ret_words[n++] = word;
        p = rest + strspn(rest, " ");
    }
    *ret_n = n;
    return LEAT_OK;
}

/* LEAT_<FLAG> of an option's name. */
static void variable_of(const char *name, char variable[VARIABLE_MAX])
{
    size_t at = 5;
    memcpy(variable, "LEAT_", at);
    for (; *name && at + 1 < VARIABLE_MAX; name++) {
        variable[at++] = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
    }
    variable[at] = 0;
}

/* --- options -------------------------------------------------------------------------------- */

/* Commands for which a vault need not be unlocked, by their first word. */
static const char *const without_defaults[] = {"config", "user",       "help",      "version",
                                               "docs",   "completion", "connectors"};

bool cli_reads_defaults(const struct command *command)
{
    size_t len = strcspn(command->name, " ");
    for (size_t i = 0; i < LT_ARRAY_LEN(without_defaults); i++) {
        if (strlen(without_defaults[i]) == len &&
            !strncmp(without_defaults[i], command->name, len)) {
            return false;
        }
    }
    return !(command->takes & TAKES_RAW);
}

/* Defaults that are stored, for one command line. */
struct defaults {
    struct cli *cli;
    struct cli_given *items;
    size_t n;
};

static int add_default(void *arg, const char *name, const char *value)
{
    struct defaults *all = arg;
    struct cli_given *items = realloc(all->items, (all->n + 1) * sizeof *items);
    const char *own_name = cli_join(all->cli, (const char *[]){name, NULL});
    const char *own_value = cli_join(all->cli, (const char *[]){value, NULL});
    all->items = items ? items : all->items;
    if (!items || !own_name || !own_value) {
        return LEAT_NO_MEMORY;
    }
    items[all->n++] = (struct cli_given){own_name, own_value};
    return LEAT_OK;
}

static int load_defaults(struct cli *cli, struct defaults *ret_defaults, struct leat_error *err)
{
    struct leat_vault *vault = NULL;
    *ret_defaults = (struct defaults){.cli = cli};
    if (!cli_reads_defaults(cli->command)) {
        return LEAT_OK;
    }
    int rc = leat_used_vault(&vault, err);
    if (rc == LEAT_NOT_FOUND) {
        return LEAT_OK; /* without a home there is no vault */
    }
    rc = rc ? rc : leat_vault_each(vault, LEAT_ITEM_DEFAULT, add_default, ret_defaults, err);
    if (rc) {
        leat_error_place(err, "default values that are stored");
    }
    return rc;
}

static const char *stored(const struct defaults *defaults, const char *name)
{
    for (size_t i = 0; i < defaults->n; i++) {
        if (!strcmp(defaults->items[i].name, name)) {
            return defaults->items[i].value;
        }
    }
    return NULL;
}

/* An environment is shared by many commands, so only what this one takes is looked at. */
static int read_option(struct cli *cli, const char *name, const struct defaults *defaults,
                       struct leat_error *err)
{
    char variable[VARIABLE_MAX];
    variable_of(name, variable);
    const char *value = getenv(variable);
    bool set = value && *value;
    value = set ? value : stored(defaults, name);
    if (!value || !strcmp(name, "help") || cli_was_given(cli, name) ||
        !cli_find_option(cli, name)) {
        return LEAT_OK;
    }
    int rc = cli_set_option(cli, name, value, set ? ORIGIN_VARIABLE : ORIGIN_STORED, variable, err);
    if (rc && set) {
        leat_error_place(err, "variable %s", variable);
    } else if (rc) {
        leat_error_place(err, "stored default of --%s", name);
    }
    return rc;
}

static int read_options(struct cli *cli, const struct leat_option *table,
                        const struct defaults *defaults, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (; !rc && table && table->name; table++) {
        rc = read_option(cli, table->name, defaults, err);
    }
    return rc;
}

/* Whether an earlier connector has an option of that name, which has been read then. */
static bool was_read(struct cli *cli, size_t connectors, const char *name)
{
    const struct leat_connector *connector;
    for (size_t i = 0; i < connectors && (connector = leat_connector_at(cli->leat, i)); i++) {
        for (const struct leat_option *o = connector->options; o && o->name; o++) {
            if (!strcmp(o->name, name)) {
                return true;
            }
        }
    }
    return false;
}

static int read_connectors(struct cli *cli, const struct defaults *defaults, struct leat_error *err)
{
    const struct leat_connector *connector;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && (connector = leat_connector_at(cli->leat, i)); i++) {
        for (const struct leat_option *o = connector->options; !rc && o && o->name; o++) {
            rc = was_read(cli, i, o->name) ? LEAT_OK : read_option(cli, o->name, defaults, err);
        }
    }
    return rc;
}

/* Keeps what would be set, for plans that are made later. */
static int keep_options(struct cli *cli, const struct leat_option *table,
                        const struct defaults *defaults, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (; !rc && table && table->name; table++) {
        char variable[VARIABLE_MAX];
        variable_of(table->name, variable);
        const char *value = getenv(variable);
        bool set = value && *value;
        value = set ? value : stored(defaults, table->name);
        if (!value || cli_find_option(cli, table->name)) {
            continue; /* of the command itself, which has read it */
        }
        rc = leat_option_check(table, value, err);
        if (rc) {
            leat_error_place(err, set ? "variable %s" : "stored default of %s", variable);
            return rc;
        }
        struct cli_given *kept = realloc(cli->kept, (cli->n_kept + 1) * sizeof *kept);
        const char *own = kept ? cli_join(cli, (const char *[]){value, NULL}) : NULL;
        cli->kept = kept ? kept : cli->kept;
        if (!own) {
            return leat_fail(err, LEAT_NO_MEMORY, "out of memory");
        }
        kept[cli->n_kept++] = (struct cli_given){table->name, own};
    }
    return rc;
}

static int keep_all(struct cli *cli, const struct defaults *defaults, struct leat_error *err)
{
    const struct leat_connector *connector;
    int rc = keep_options(cli, leat_plan_options(), defaults, err);
    for (size_t i = 0; !rc && (connector = leat_connector_at(cli->leat, i)); i++) {
        rc = keep_options(cli, connector->options, defaults, err);
    }
    return rc;
}

int cli_read_environment(struct cli *cli, struct leat_error *err)
{
    struct defaults defaults;
    int rc = load_defaults(cli, &defaults, err);
    rc = rc ? rc : read_options(cli, cli_options, &defaults, err);
    rc = rc ? rc : read_options(cli, cli->command->options, &defaults, err);
    if (!rc && cli->command->takes & TAKES_PLAN) {
        rc = read_options(cli, leat_plan_options(), &defaults, err);
        rc = rc ? rc : read_connectors(cli, &defaults, err);
    }
    if (!rc && cli->command->takes & TAKES_DEFAULTS) {
        rc = keep_all(cli, &defaults, err);
    }
    free(defaults.items);
    return rc;
}

/* --- places --------------------------------------------------------------------------------- */

/* A connection or URL and a stream of it as one location; NULL where there is neither. */
static int compose(struct cli *cli, const char *where, const char *stream, const char **ret_text,
                   struct leat_error *err)
{
    if (!where || !stream) {
        *ret_text = where ? where : stream;
        return LEAT_OK;
    }
    *ret_text = cli_join(cli, (const char *[]){where, "#", stream, NULL});
    return *ret_text ? LEAT_OK : leat_fail(err, LEAT_NO_MEMORY, "out of memory");
}

/* "query:SELECT ...", or a statement as it is, where other programs expect a stream. */
static const char *query_in(const char *stream)
{
    static const char *const begins[] = {"select", "with"};
    if (!strncmp(stream, "query:", 6)) {
        return stream + 6;
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(begins); i++) {
        size_t len = strlen(begins[i]);
        if (!strncasecmp(stream, begins[i], len) && isspace((unsigned char)stream[len])) {
            return stream;
        }
    }
    return NULL;
}

/* What other programs' options said, where the arguments say nothing. */
static int fill_from_options(struct cli *cli, struct leat_error *err)
{
    const char *const *place = cli->place;
    bool any = place[0] || place[1] || place[2] || place[3];
    if (any && cli->n_args) {
        return leat_fail_as(err, LEAT_INVALID, "usage",
                            "a place is named by an option and by an argument");
    }
    const char *stream = place[PLACE_SOURCE_STREAM];
    const char *query = stream ? query_in(stream) : NULL;
    int rc = query ? cli_set_option(cli, "query", query, ORIGIN_FLAG, NULL, err) : LEAT_OK;
    const char *source = NULL, *target = NULL;
    rc = rc ? rc : compose(cli, place[PLACE_SOURCE], query ? NULL : stream, &source, err);
    rc = rc ? rc : compose(cli, place[PLACE_TARGET], place[PLACE_TARGET_STREAM], &target, err);
    if (rc || !any) {
        return rc;
    }
    if (!source || !target) {
        return leat_fail_as(err, LEAT_INVALID, "usage", "options name the %s, but not the %s",
                            source ? "source" : "destination", source ? "destination" : "source");
    }
    cli->args[cli->n_args++] = source;
    cli->args[cli->n_args++] = target;
    return LEAT_OK;
}

static const char *set_value(const char *variable)
{
    const char *value = leat_env_get(variable);
    return value && *value ? value : NULL;
}

struct place_variables {
    const char *place, *dsn, *type, *object;
    const char *word;
};

/* The place itself, or a DSN, whose scheme may be its type's. NULL: neither is set. */
static const char *where_of(struct cli *cli, const struct place_variables *names)
{
    const char *place = set_value(names->place), *dsn = set_value(names->dsn);
    const char *type = set_value(names->type);
    if (place || !dsn || !type || strchr(dsn, ':')) {
        return place ? place : dsn;
    }
    return cli_join(cli, (const char *[]){type, ":", dsn, NULL});
}

/* LEAT_SOURCE, or LEAT_SOURCE_DSN, with LEAT_SOURCE_OBJECT; the same of LEAT_TARGET. */
static int fill_from_variables(struct cli *cli, struct leat_error *err)
{
    static const struct place_variables variables[] = {
        {"LEAT_SOURCE", "LEAT_SOURCE_DSN", "LEAT_SOURCE_TYPE", "LEAT_SOURCE_OBJECT", "source"},
        {"LEAT_TARGET", "LEAT_TARGET_DSN", "LEAT_TARGET_TYPE", "LEAT_TARGET_OBJECT", "destination"},
    };
    int places = LT_MIN(cli->command->args_min, (int)LT_ARRAY_LEN(variables));
    for (int i = cli->n_args; i < places; i++) {
        const struct place_variables *names = &variables[i];
        const char *where = where_of(cli, names), *text = NULL;
        if (!where) {
            leat_fail_as(err, LEAT_INVALID, "usage", "the %s is not given", names->word);
            leat_error_remedy(err, "LEAT_12FACTOR_MODE is set: set %s to a URL or a connection",
                              names->place);
            return LEAT_INVALID;
        }
        int rc = compose(cli, where, set_value(names->object), &text, err);
        if (rc) {
            return rc;
        }
        cli->args[cli->n_args++] = text;
    }
    return LEAT_OK;
}

int cli_fill_places(struct cli *cli, struct leat_error *err)
{
    int rc = fill_from_options(cli, err);
    if (!rc && cli->twelve_factor && cli->command->takes & TAKES_PLAN && !cli->values) {
        rc = fill_from_variables(cli, err);
    }
    return rc;
}
