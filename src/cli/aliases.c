/* Words of other programs, where they mean the same as one of leat's: sling's, ingestr's, and the
 * letters of Halfpipe's `config`. docs/connections.md lists what differs. */
#include "cli/args.h"

#include "core/util.h"

#include <stdlib.h>
#include <string.h>

struct alias {
    const char *other;   /* the option there, without hyphens; one letter: a short one */
    const char *value;   /* only with this value; NULL: any, which is taken over */
    const char *means;   /* leat's option; "name=value,..." of several; or one of places[] */
    const char *command; /* only of this command; NULL: wherever leat's option is */
    const char *becomes; /* the command it then is; NULL: the same */
};

/* Parts of places, by enum cli_place. */
static const char *const places[] = {"SRC", "SRC#", "DST", "DST#"};

static const struct alias aliases[] = {
    {"src-conn", NULL, "SRC", NULL, NULL},
    {"src-stream", NULL, "SRC#", NULL, NULL},
    {"tgt-conn", NULL, "DST", NULL, NULL},
    {"tgt-object", NULL, "DST#", NULL, NULL},
    {"source-uri", NULL, "SRC", NULL, NULL},
    {"source-table", NULL, "SRC#", NULL, NULL},
    {"dest-uri", NULL, "DST", NULL, NULL},
    {"dest-table", NULL, "DST#", NULL, NULL},

    {"primary-key", NULL, "key", NULL, NULL},
    {"primary-keys", NULL, "key", NULL, NULL},
    {"update-key", NULL, "cursor", NULL, NULL},
    {"update-key", NULL, "cursor", "cp", "cp delta"},
    {"incremental-key", NULL, "cursor", NULL, NULL},
    {"incremental-key", NULL, "cursor", "cp", "cp delta"},
    {"delta-driver", NULL, "cursor", NULL, NULL},
    {"interval-start", NULL, "start", NULL, NULL},
    {"interval-end", NULL, "end", NULL, NULL},
    {"select", NULL, "columns", NULL, NULL},
    {"sql-limit", NULL, "limit", NULL, NULL},
    {"extract-parallelism", NULL, "parallel", NULL, NULL},

    {"mode", "full-refresh", "replace=true,recreate=true", "cp", NULL},
    {"mode", "truncate", "replace=true", "cp", NULL},
    {"mode", "snapshot", "append=true", "cp", NULL},
    {"mode", "append", "append=true", "cp", NULL},
    {"mode", "incremental", "", "cp", "cp delta"},
    {"mode", "merge", "", "cp", "cp delta"},
    {"mode", "full-refresh", "full-refresh=true", "cp delta", NULL},
    {"mode", "truncate", "full-refresh=true", "cp delta", NULL},
    {"mode", "append", "strategy=append", "cp delta", NULL},
    {"mode", "incremental", "", "cp delta", NULL},
    {"mode", "merge", "strategy=merge", "cp delta", NULL},

    {"incremental-strategy", "replace", "replace=true", "cp", NULL},
    {"incremental-strategy", "append", "append=true", "cp", NULL},
    {"incremental-strategy", "merge", "", "cp", "cp delta"},
    {"incremental-strategy", "delete+insert", "", "cp", "cp delta"},
    {"incremental-strategy", "scd2", "", "cp", "cp delta"},
    {"incremental-strategy", "replace", "full-refresh=true", "cp delta", NULL},
    {"incremental-strategy", "append", "strategy=append", "cp delta", NULL},
    {"incremental-strategy", "merge", "strategy=merge", "cp delta", NULL},
    {"incremental-strategy", "delete+insert", "strategy=delete+insert", "cp delta", NULL},
    {"incremental-strategy", "scd2", "strategy=history", "cp delta", NULL},
    {"incremental-strategy", "history", "strategy=history", "cp delta", NULL},

    {"d", NULL, "dsn", "config connections add", NULL},
    {"k", NULL, "option", "config defaults add", NULL},
    {"key", NULL, "option", "config defaults add", NULL},
    {"v", NULL, "value", "config defaults add", NULL},
    {"k", NULL, "option", "config defaults remove", NULL},
    {"key", NULL, "option", "config defaults remove", NULL},
};

static int place_of(const char *means)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(places); i++) {
        if (!strcmp(places[i], means)) {
            return (int)i;
        }
    }
    return -1;
}

/* Whether a command reads one place and writes another. */
static bool has_places(const struct command *command)
{
    return command->takes & TAKES_PLAN && command->args_min >= 2;
}

static bool is_for(const struct alias *alias, const struct command *command)
{
    if (alias->command) {
        return !strcmp(alias->command, command->name);
    }
    return place_of(alias->means) >= 0 ? has_places(command) : cli_takes(command, alias->means);
}

const char *cli_alias_value(const struct command *command, const char *other, size_t i)
{
    for (size_t k = 0; k < LT_ARRAY_LEN(aliases); k++) {
        const struct alias *alias = &aliases[k];
        if (alias->value && !strcmp(alias->other, other) && is_for(alias, command) && i-- == 0) {
            return alias->value;
        }
    }
    return NULL;
}

/* --name or --name=value among the arguments; NULL: it is not there, or has no value. */
static const char *value_in(char *const *args, const char *name)
{
    size_t len = strlen(name);
    for (; *args && strcmp(*args, "--"); args++) {
        if (!strncmp(*args, "--", 2) && !strncmp(*args + 2, name, len)) {
            const char *rest = *args + 2 + len;
            if (*rest == '=' || (!*rest && args[1])) {
                return *rest ? rest + 1 : args[1];
            }
        }
    }
    return NULL;
}

const struct command *cli_command_meant(const struct command *command, char *const *args)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(aliases); i++) {
        const struct alias *a = &aliases[i];
        const char *value =
            a->becomes && !strcmp(a->command, command->name) ? value_in(args, a->other) : NULL;
        if (value && (!a->value || !strcmp(a->value, value))) {
            char name[COMMAND_NAME_MAX];
            snprintf(name, sizeof name, "%s", a->becomes);
            char *blank = strchr(name, ' ');
            *blank = 0;
            int used;
            return cli_command((const char *const[]){name, blank + 1}, 2, &used);
        }
    }
    return command;
}

/* Gives every name=value of a list. */
static int give_all(struct cli *cli, const char *means, struct leat_error *err)
{
    int rc = LEAT_OK;
    while (*means && !rc) {
        char name[64];
        size_t len = strcspn(means, ","), name_len = strcspn(means, "=");
        snprintf(name, sizeof name, "%.*s", (int)name_len, means);
        const struct leat_option *option = cli_find_option(cli, name);
        /* Only "true" and words that are static stand there. */
        const char *value = means + name_len + 1;
        bool is_true = len - name_len - 1 == 4 && !strncmp(value, "true", 4);
        rc = option ? cli_give(cli, option->name, is_true ? NULL : value, err)
                    : leat_fail_as(err, LEAT_INVALID, "unknown-option",
                                   "leat %s has no option --%s", cli->command->name, name);
        means += len + (means[len] == ',');
    }
    return rc;
}

/* None of the values that the option may have for this command. */
static int no_such_value(const struct command *command, const char *name, struct leat_error *err)
{
    struct lt_buf values = LT_BUF_INIT;
    for (size_t i = 0; i < LT_ARRAY_LEN(aliases); i++) {
        const struct alias *a = &aliases[i];
        if (!strcmp(a->other, name) && a->value && is_for(a, command)) {
            lt_buf_printf(&values, "%s%s", values.len ? "|" : "", a->value);
        }
    }
    leat_fail_as(err, LEAT_INVALID, "usage", "--%s of leat %s is one of %s", name, command->name,
                 lt_buf_text(&values));
    lt_buf_done(&values);
    return LEAT_INVALID;
}

static int take(struct cli *cli, const struct alias *alias, const char *value,
                struct leat_error *err)
{
    int place = place_of(alias->means);
    if (place >= 0) {
        cli->place[place] = value;
        return LEAT_OK;
    }
    if (alias->value) {
        return give_all(cli, alias->means, err);
    }
    const struct leat_option *option = cli_find_option(cli, alias->means);
    return option ? cli_give(cli, option->name, value, err)
                  : leat_fail_as(err, LEAT_INVALID, "unknown-option", "leat %s has no option --%s",
                                 cli->command->name, alias->other);
}

bool cli_is_alias_value(const struct command *command, const char *name, const char *value)
{
    for (size_t i = 0; value && i < LT_ARRAY_LEN(aliases); i++) {
        const struct alias *a = &aliases[i];
        if (a->value && !strcmp(a->other, name) && !strcmp(a->value, value) && is_for(a, command)) {
            return true;
        }
    }
    return false;
}

int cli_take_alias(struct cli *cli, const char *name, const char *value, bool *ret_known,
                   bool *ret_used, struct leat_error *err)
{
    *ret_known = *ret_used = false;
    for (size_t i = 0; i < LT_ARRAY_LEN(aliases); i++) {
        const struct alias *a = &aliases[i];
        if (strcmp(a->other, name) || !is_for(a, cli->command)) {
            continue;
        }
        *ret_known = *ret_used = true;
        if (!value) {
            return leat_fail_as(err, LEAT_INVALID, "usage", "-%s%s needs a value",
                                name[1] ? "-" : "", name);
        }
        if (!a->value || !strcmp(a->value, value)) {
            return take(cli, a, value, err);
        }
    }
    return *ret_known ? no_such_value(cli->command, name, err) : LEAT_OK;
}

const char *cli_option_meant(const char *name)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(aliases); i++) {
        const struct alias *a = &aliases[i];
        if (!strcmp(a->other, name) && !a->value && !a->command && place_of(a->means) < 0) {
            return a->means;
        }
    }
    return name;
}

void cli_alias_help(const struct command *command, struct lt_buf *text)
{
    for (size_t i = 0; i < LT_ARRAY_LEN(aliases); i++) {
        const struct alias *a = &aliases[i];
        if (!is_for(a, command)) {
            continue;
        }
        lt_buf_printf(text, "%s-%s%s%s%s", text->len ? "; " : "", a->other[1] ? "-" : "", a->other,
                      a->value ? " " : "", a->value ? a->value : "");
        if (a->becomes) {
            lt_buf_printf(text, ": leat %s", a->becomes);
        } else if (place_of(a->means) >= 0 || !*a->means) {
            lt_buf_printf(text, "%s%s", *a->means ? ": " : "", a->means);
        } else {
            lt_buf_printf(text, ": --%.*s", (int)strcspn(a->means, "="), a->means);
        }
    }
}
