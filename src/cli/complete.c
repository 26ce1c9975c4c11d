/* leat complete: what may follow the words of a command line, from the tables of commands and
 * options, and the connections there are. Completion scripts ask it. */
#include "cli/complete.h"

#include "leat/config.h"

#include "core/util.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define DEFAULTS_WORDS 3 /* config defaults add */
#define WORDS_MAX 4      /* of a command's name */

struct completing {
    struct cli *cli;
    const char *const *words; /* the last is the one at work */
    int n;
    const char *current;
    const struct command *command; /* that the words before begin with; NULL: none */
};

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

static void put(const char *text, const char *meaning)
{
    printf("%s%s%s\n", text, meaning ? "\t" : "", meaning ? meaning : "");
}

/* --- commands ------------------------------------------------------------------------------- */

/* How many of n words are the name's first ones; *ret_rest is what the name has behind them. */
static int match_name(const char *name, const char *const *words, int n, const char **ret_rest)
{
    int matched = 0;
    while (matched < n && *name) {
        size_t len = strcspn(name, " ");
        if (strlen(words[matched]) != len || strncmp(words[matched], name, len) != 0) {
            break;
        }
        name += len + (name[len] == ' ');
        matched++;
    }
    *ret_rest = name;
    return matched;
}

/* The command with the longest name that the words begin with. */
static const struct command *find_command(const char *const *words, int n)
{
    const struct command *found = NULL;
    int best = 0;
    for (const struct command *c = cli_commands; c->name; c++) {
        const char *rest;
        int matched = match_name(c->name, words, n, &rest);
        if (!*rest && matched > best) {
            best = matched;
            found = c;
        }
    }
    return found;
}

/* The family whose name is the n words and one more. */
static const struct command_family *family_of(const char *const *words, int n, const char *word)
{
    const char *all[WORDS_MAX];
    int used = 0;
    if (n + 1 > WORDS_MAX) {
        return NULL;
    }
    memcpy(all, words, (size_t)n * sizeof *all);
    all[n] = word;
    const struct command_family *family = cli_family(all, n + 1, &used);
    return used == n + 1 ? family : NULL;
}

/* Next words of commands whose names begin with the n words before; each once. Returns how many. */
static int put_commands(const char *const *words, int n, const char *current)
{
    char last[COMMAND_NAME_MAX] = "";
    int count = 0;
    for (const struct command *c = cli_commands; c->name; c++) {
        const char *rest;
        char word[COMMAND_NAME_MAX];
        if (match_name(c->name, words, n, &rest) < n || !*rest || !begins(rest, current)) {
            continue;
        }
        size_t len = strcspn(rest, " ");
        snprintf(word, sizeof word, "%.*s", (int)len, rest);
        const struct command_family *family = rest[len] ? family_of(words, n, word) : NULL;
        if (strcmp(word, last) != 0) {
            put(word, family ? family->summary : rest[len] ? NULL : c->summary);
            count++;
        }
        snprintf(last, sizeof last, "%s", word);
    }
    return count;
}

/* --- options -------------------------------------------------------------------------------- */

typedef bool visit_fn(struct completing *at, const struct leat_option *option, const void *arg);

static const struct leat_option *visit_table(struct completing *at, const struct leat_option *table,
                                             visit_fn *visit, const void *arg)
{
    for (; table && table->name; table++) {
        if (visit(at, table, arg)) {
            return table;
        }
    }
    return NULL;
}

/* Every option the command takes, until visit() says that it is enough: that option, or NULL. */
static const struct leat_option *each_option(struct completing *at, visit_fn *visit,
                                             const void *arg)
{
    const struct leat_connector *connector;
    const struct leat_option *found = visit_table(at, at->command->options, visit, arg);
    for (const struct leat_option *o = leat_plan_options(); !found && o->name; o++) {
        found = cli_takes(at->command, o->name) && visit(at, o, arg) ? o : NULL;
    }
    found = found ? found : visit_table(at, cli_options, visit, arg);
    for (size_t i = 0; !found && at->command->takes & TAKES_PLAN &&
                       (connector = leat_connector_at(at->cli->leat, i));
         i++) {
        found = visit_table(at, connector->options, visit, arg);
    }
    return found;
}

static bool put_option(struct completing *at, const struct leat_option *option, const void *arg)
{
    (void)arg;
    char name[COMMAND_NAME_MAX];
    snprintf(name, sizeof name, "--%s", option->name);
    if (begins(name, at->current)) {
        put(name, option->help);
    }
    return false;
}

static bool put_default_name(struct completing *at, const struct leat_option *option,
                             const void *arg)
{
    (void)arg;
    if (begins(option->name, at->current + 2)) {
        put(option->name, option->help);
    }
    return false;
}

/* A value to be completed, and of which option. */
struct value {
    const char *option;
    size_t option_len;
    bool assigned; /* by =, so that a flag may have one too */
    struct value_begun begun;
};

static bool match_option(struct completing *at, const struct leat_option *option, const void *arg)
{
    const struct value *value = arg;
    (void)at;
    return (strlen(option->name) == value->option_len &&
            !strncmp(option->name, value->option, value->option_len)) ||
           (value->option_len == 1 && cli_short(option->name) == value->option[0]);
}

/* The value at work, if the words end in one: --format=c, --format = c (as bash parts it) or
 * --format c. */
static bool find_value(const struct completing *at, struct value *ret_value)
{
    const char *equals = strchr(at->current, '=');
    if (begins(at->current, "--") && equals) {
        *ret_value =
            (struct value){.option = at->current + 2,
                           .option_len = (size_t)(equals - at->current) - 2,
                           .assigned = true,
                           .begun = {at->current, (size_t)(equals - at->current) + 1, equals + 1}};
        return true;
    }
    bool parted = at->n > 2 && !strcmp(at->words[at->n - 2], "=");
    bool bare = !strcmp(at->current, "=") && at->n > 1;
    const char *before = at->n > 1 + parted ? at->words[at->n - 2 - parted] : "";
    bool is_long = begins(before, "--") && before[2];
    bool is_short = before[0] == '-' && before[1] && !before[2] && !parted && !bare;
    *ret_value = (struct value){.option = before + 1 + is_long,
                                .option_len = strlen(before) - (is_long || is_short) - is_long,
                                .assigned = parted || bare,
                                .begun = {"", 0, bare ? "" : at->current}};
    return is_long || is_short;
}

/* Completes the value; false where what stands there is none, for the option is a flag. */
static bool put_value(struct completing *at, const struct value *value)
{
    const struct leat_option *option = each_option(at, match_option, value);
    if (option && option->kind == LEAT_OPTION_BOOL && !value->assigned) {
        return false;
    }
    complete_alias(at->command, value->option, value->option_len, &value->begun);
    if (option) {
        complete_value(at->cli, option, &value->begun);
    }
    return true;
}

/* --- places --------------------------------------------------------------------------------- */

static int put_connection(void *arg, const struct leat_connection *connection)
{
    const struct completing *at = arg;
    if (begins(connection->name, at->current)) {
        put(connection->name, "connection");
    }
    return 0;
}

/* --- streams of a connection ---------------------------------------------------------------- */

#define STREAMS_MAX 1000
#define STREAMS_SECONDS 2 /* nobody waits longer for a Tab */

/* Nobody is there to be told: what was not found in time is not found. */
static void give_up(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

/* `before` is what stands before a stream's name in the word at work: "shop." or "shop.public.". */
struct streams {
    const struct completing *at;
    const char *before;
    int n;
};

/* A name that needs no quotes, neither here nor in a shell. */
static bool is_plain(const char *name)
{
    return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789_-")];
}

static int put_stream(void *arg, const struct leat_stream_info *info)
{
    static const char *const kinds[] = {
        [LEAT_TABLE] = "table", [LEAT_VIEW] = "view", [LEAT_QUERY] = "query", [LEAT_FILE] = "file"};
    struct streams *streams = arg;
    size_t len = strlen(streams->before);
    if (is_plain(info->name.name) && begins(info->name.name, streams->at->current + len)) {
        printf("%s%s\t%s\n", streams->before, info->name.name, kinds[info->kind]);
        streams->n++;
    }
    return streams->n >= STREAMS_MAX;
}

/* Of "NAME.beginning", where NAME is a connection. Nothing is asked, no command is run for a
 * password, and what goes wrong says nothing. */
static void put_streams(const struct completing *at)
{
    struct leat_connection connection = {.name = NULL};
    struct leat_plan *plan = NULL;
    struct leat_error err = {0};
    const char *dot = strchr(at->current, '.'), *last = strrchr(at->current, '.');
    char name[256], before[512];
    if (!dot || (size_t)(dot - at->current) >= sizeof name ||
        strlen(at->current) >= sizeof before) {
        return;
    }
    snprintf(name, sizeof name, "%.*s", (int)(dot - at->current), at->current);
    snprintf(before, sizeof before, "%.*s", (int)(last - at->current) + 1, at->current);
    if (leat_connection_find(name, &connection, &err) || strstr(connection.url, "${cmd:")) {
        return;
    }
    fflush(stdout); /* what there is so far is told in any case */
    struct sigaction action = {.sa_handler = give_up};
    sigaction(SIGALRM, &action, NULL);
    alarm(STREAMS_SECONDS);
    struct streams streams = {at, before, 0};
    const char *place = dot == last ? name : before;
    if (!leat_plan_new(at->cli->leat, &plan, &err) && !leat_plan_source(plan, place, &err) &&
        !leat_plan_set(plan, "connect-timeout", "1s", &err)) {
        leat_list(plan, put_stream, &streams, &err);
    }
    leat_plan_free(plan);
    alarm(0);
}

static void put_words(const char *const *words, const char *current)
{
    for (; *words; words++) {
        if (begins(*words, current)) {
            put(*words, NULL);
        }
    }
}

/* `config defaults add OPTION VALUE`: any option that a plan or a connector has. */
static void put_default(struct completing *at)
{
    static const struct command any = {.name = "", .takes = TAKES_PLAN};
    struct completing of = {.cli = at->cli, .current = at->current, .command = &any};
    struct value value = {.begun = {"", 0, at->current}};
    char name[COMMAND_NAME_MAX];
    int before = at->n - 1 - DEFAULTS_WORDS; /* arguments that are complete */
    if (before >= at->command->args_max) {
        return;
    }
    if (before == 1) {
        value.option = at->words[DEFAULTS_WORDS];
        value.option_len = strlen(value.option);
        value.assigned = true;
        put_value(&of, &value);
    } else if (before == 0) {
        snprintf(name, sizeof name, "--%s", at->current);
        of.current = name;
        each_option(&of, put_default_name, NULL);
    }
}

/* What a positional argument may be. */
static void put_argument(struct completing *at)
{
    static const char *const shells[] = {"bash", "zsh", "fish", NULL};
    static const char *const kinds[] = {"man", "commands", "errors", "connectors", "types", NULL};
    if (at->command->run == cli_completion) {
        put_words(shells, at->current);
    } else if (at->command->run == cli_docs) {
        put_words(kinds, at->current);
    } else if (at->command->run == cli_help_command) {
        put_commands(at->words + 1, at->n - 2, at->current);
    } else if (at->command->run == cmd_connectors) {
        const struct leat_connector *connector;
        for (size_t i = 0; (connector = leat_connector_at(at->cli->leat, i)); i++) {
            if (begins(connector->name, at->current)) {
                put(connector->name, connector->summary);
            }
        }
    } else if (begins(at->command->name, "config defaults ")) {
        put_default(at);
    } else if (begins(at->command->name, "config connections ")) {
        leat_connections(put_connection, at, NULL);
    } else if (at->command->takes & TAKES_PLAN) {
        leat_connections(put_connection, at, NULL); /* a locked vault gives none */
        put_streams(at);
        puts(FILES_LINE);
    } else {
        puts(FILES_LINE);
    }
}

int cli_complete(struct cli *cli)
{
    leat_use_asking(NULL, NULL); /* nobody wants a question between two words */
    int skip = cli->n_args && !strcmp(cli->args[0], "--");
    struct completing at = {
        .cli = cli, .words = (const char *const *)cli->args + skip, .n = cli->n_args - skip};
    struct value value;
    if (at.n < 1) {
        return 0;
    }
    at.current = at.words[at.n - 1];
    at.command = find_command(at.words, at.n - 1);
    int members = put_commands(at.words, at.n - 1, at.current);
    if (!at.command) {
        if (at.n == 1) {
            put_words((const char *const[]){"--help", "--version", NULL}, at.current);
        }
        return 0;
    }
    if (find_value(&at, &value) && put_value(&at, &value)) {
        return 0;
    }
    if (at.current[0] == '-') {
        each_option(&at, put_option, NULL);
    } else if (!members || !*at.current) {
        put_argument(&at);
    }
    return 0;
}
