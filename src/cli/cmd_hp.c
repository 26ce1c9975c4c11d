/* leat hp, and the program called as hp: the command line of Halfpipe. docs/halfpipe.md says what is
 * kept and what is different. */
#include "cli/hp_run.h"

#include "core/url.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- usage ---------------------------------------------------------------------------------- */

static void print_command(FILE *out, const struct hp_command *command)
{
    fprintf(out, "%s\n\nUsage:\n  hp %s%s%s [flags]\n\nFlags:\n", command->help, command->words,
            *command->args ? " " : "", command->args);
    for (const struct hp_flag *f = command->flags; f->name; f++) {
        const char letter[] = {'-', f->letter, ',', ' ', 0};
        fprintf(out, "  %s--%s  %s", f->letter ? letter : "    ", f->name, f->help);
        fprintf(out, f->fallback ? " (default %s)\n" : "\n", f->fallback);
    }
}

static bool is_below(const char *name, const char *const *words, int n)
{
    for (int i = 0; i < n; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(name, words[i], len) != 0 || (name[len] && name[len] != ' ')) {
            return false;
        }
        name += len + (name[len] == ' ');
    }
    return true;
}

/* The commands that begin with these words, in their order. */
static int print_group(FILE *out, const char *const *words, int n)
{
    int found = 0;
    for (const struct hp_command *c = hp_commands; c->words; c++) {
        if (is_below(c->words, words, n)) {
            fprintf(out, found++ ? "" : "Commands:\n");
            fprintf(out, "  hp %-26s %s\n", c->words, c->help);
        }
    }
    return found;
}

static int usage_error(const struct hp_command *command, const char *message)
{
    struct lt_buf shown = LT_BUF_INIT;
    fprintf(stderr, "Error: %s\n", lt_redact(&shown, message) ? "" : lt_buf_text(&shown));
    lt_buf_done(&shown);
    if (command) {
        fprintf(stderr, "`hp %s --help` explains it\n", command->words);
    }
    return EXIT_FAILED;
}

/* --- variables ------------------------------------------------------------------------------ */

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

/* A side of the copy becomes the connection SOURCE or TARGET. */
static bool take_side(struct hp *hp, const char *side, char object[256])
{
    char name[64], connection[64];
    snprintf(name, sizeof name, "HP_%s_TYPE", side);
    const char *type = variable(name);
    snprintf(name, sizeof name, "HP_%s_DSN", side);
    const char *dsn = variable(name);
    snprintf(name, sizeof name, "HP_%s_OBJECT", side);
    snprintf(object, 256, "%s%s%s", side, *variable(name) ? "." : "", variable(name));
    if (!strcmp(type, "s3") || !strcmp(type, "stdout")) {
        snprintf(hp->message, sizeof hp->message,
                 "HP_%s_TYPE=%s needs a connector for S3, which "
                 "this leat has not",
                 side, type);
        return false;
    }
    if (!*dsn) {
        snprintf(hp->message, sizeof hp->message, "please supply values for HP_%s_DSN", side);
        return false;
    }
    snprintf(connection, sizeof connection, "LEAT_CONN_%s", side);
    return !setenv(connection, dsn, 1);
}

/* The command and all it needs, from variables alone. */
static int run_by_variables(struct hp *hp, const char **args)
{
    static const char *const known[] = {"cp snap", "cp delta", "sync batch", "sync events"};
    static char source[256], target[256];
    const char *words[] = {variable("HP_COMMAND"), variable("HP_SUBCOMMAND")};
    int used;
    if (!strcasecmp(variable("HP_12FACTOR_MODE"), "lambda")) {
        return usage_error(NULL, "HP_12FACTOR_MODE=lambda needs AWS Lambda's loop, which this leat "
                                 "has not");
    }
    hp->command = hp_command(words, 2, &used);
    bool is_known = false;
    for (size_t i = 0; hp->command && i < LT_ARRAY_LEN(known); i++) {
        is_known = is_known || !strcmp(known[i], hp->command->words);
    }
    if (!is_known) {
        snprintf(hp->message, sizeof hp->message,
                 "invalid combination of command (%.60s) and subcommand (%.60s)", words[0],
                 words[1]);
        return usage_error(NULL, hp->message);
    }
    args[0] = source;
    args[1] = target;
    hp->args = args;
    hp->n_args = 2;
    if (!take_side(hp, "SOURCE", source) || !take_side(hp, "TARGET", target) ||
        !hp_variables_read(hp)) {
        return usage_error(NULL, hp->message);
    }
    return hp->command->run(hp);
}

/* --- the command ---------------------------------------------------------------------------- */

static bool asks_for_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* Words that name no command: a group's help, as a bare `hp` or `hp cp anything` prints. */
static int print_help(const char *const *words, int n)
{
    int named = n;
    for (int i = 0; i < n; i++) {
        named = asks_for_help(words[i]) ? LT_MIN(named, i) : named;
    }
    if (named && !print_group(stdout, words, LT_MIN(named, 2)) && !print_group(stdout, words, 1)) {
        char message[128];
        snprintf(message, sizeof message, "unknown command \"%.60s\" for \"hp\"", words[0]);
        return usage_error(NULL, message);
    }
    return named ? 0 : (print_group(stdout, NULL, 0), 0);
}

static int run(struct hp *hp, const char *const *words, int n)
{
    int used;
    while (n && !strncmp(words[0], "--print-stack", strlen("--print-stack"))) {
        words++; /* of any command, and so also in front; what it asked for is of Halfpipe alone */
        n--;
    }
    bool help = n && (!strcmp(words[0], "help") || asks_for_help(words[0]));
    words += help;
    n -= help;
    hp->command = hp_command(words, n, &used);
    if (!hp->command) {
        return print_help(words, n);
    }
    if (help) {
        print_command(stdout, hp->command);
        return 0;
    }
    if (!hp_args_read(hp, n - used, words + used)) {
        return usage_error(hp->command, hp->message);
    }
    if (hp->help) {
        print_command(stdout, hp->command);
        return 0;
    }
    return hp->command->run(hp);
}

int cmd_hp(struct cli *cli)
{
    struct hp hp = {.cli = cli};
    const char **args = calloc((size_t)cli->n_args + 3, sizeof *args);
    if (!args) {
        return usage_error(NULL, "out of memory");
    }
    hp.args = args;
    int status = *variable("HP_12FACTOR_MODE") ? run_by_variables(&hp, args)
                                               : run(&hp, cli->args, cli->n_args);
    hp_forget(&hp);
    free(args);
    return status;
}
