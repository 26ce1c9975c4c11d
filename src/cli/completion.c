/* Completion scripts, made from the tables of commands and options. */
#include "cli/cli.h"

#include <string.h>

static void name_word(FILE *out, const struct leat_option *option)
{
    fprintf(out, " --%s", option->name);
}

static void fish_text(FILE *out, const char *text)
{
    fputs(" -d '", out);
    for (const char *p = text; *p && *p != '\n'; p++) {
        fputs(*p == '\'' ? "\\'" : (char[]){*p, 0}, out);
    }
    fputs("'\n", out);
}

static void fish_option(FILE *out, const struct leat_option *option)
{
    char letter = cli_short(option->name);
    fprintf(out, "complete -c leat -l %s%s%s%s", option->name, letter ? " -s " : "",
            letter ? (char[]){letter, 0} : "", option->kind == LEAT_OPTION_BOOL ? "" : " -r");
    fish_text(out, option->help);
}

/* The words a command line may begin with, each once. */
static void first_words(FILE *out)
{
    const char *before = "";
    size_t len = 0;
    for (const struct command *c = cli_commands; c->name; c++) {
        if (strcspn(c->name, " ") != len || strncmp(c->name, before, len)) {
            before = c->name;
            len = strcspn(before, " ");
            fprintf(out, "%s%.*s", c == cli_commands ? "" : " ", (int)len, before);
        }
    }
}

/* Calls each() for every first word that others follow, with the row it is first met in. */
static void each_first(FILE *out, void (*each)(FILE *out, const char *first))
{
    for (const struct command *c = cli_commands; c->name; c++) {
        size_t len = strcspn(c->name, " ");
        bool met = c > cli_commands && !strncmp(c[-1].name, c->name, len) &&
                   strchr(c[-1].name, ' ') && strcspn(c[-1].name, " ") == len;
        char first[COMMAND_NAME_MAX];
        if (c->name[len] && !met) {
            snprintf(first, sizeof first, "%.*s", (int)len, c->name);
            each(out, first);
        }
    }
}

static void second_words(FILE *out, const char *first)
{
    const char *second;
    for (const struct command *c = cli_commands; c->name; c++) {
        if (cli_is_member(c, first, &second)) {
            fprintf(out, " %s", second);
        }
    }
}

static void bash_seconds(FILE *out, const char *first)
{
    fprintf(out, "    %s) seconds='", first);
    second_words(out, first);
    fputs("' ;;\n", out);
}

static void bash_own_options(FILE *out)
{
    for (const struct command *c = cli_commands; c->name; c++) {
        if (c->options) {
            fprintf(out, "    '%s%s'*) own='", c->name, strchr(c->name, ' ') ? "" : " ");
            cli_each_option(out, c->options, name_word);
            fputs("' ;;\n", out);
        }
    }
}

static void bash_completion(FILE *out, struct leat *leat)
{
    fputs("_leat() {\n    local cur=${COMP_WORDS[COMP_CWORD]} seconds= own=\n"
          "    case ${COMP_WORDS[1]} in\n",
          out);
    each_first(out, bash_seconds);
    fputs("    esac\n    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]-}\" in\n", out);
    bash_own_options(out);
    fputs("    esac\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"",
          out);
    first_words(out);
    fputs("\" -- \"$cur\"))\n    elif [[ $cur == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$own",
          out);
    const struct leat_connector *connector;
    cli_each_option(out, cli_options, name_word);
    cli_each_option(out, leat_plan_options(), name_word);
    for (size_t i = 0; (connector = leat_connector_at(leat, i)); i++) {
        cli_each_option(out, connector->options, name_word);
    }
    fputs("\" -- \"$cur\"))\n    else\n        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
          "        if [ \"$COMP_CWORD\" -eq 2 ]; then\n"
          "            COMPREPLY+=($(compgen -W \"$seconds\" -- \"$cur\"))\n        fi\n"
          "    fi\n}\ncomplete -o filenames -F _leat leat\n",
          out);
}

static void fish_command(FILE *out, const struct command *c)
{
    const char *blank = strchr(c->name, ' ');
    if (blank) {
        fprintf(out, "complete -c leat -n '__fish_seen_subcommand_from %.*s' -a %s",
                (int)(blank - c->name), c->name, blank + 1);
    } else {
        fprintf(out, "complete -c leat -n __fish_use_subcommand -a %s", c->name);
    }
    fish_text(out, c->summary);
}

static void fish_completion(FILE *out, struct leat *leat)
{
    const struct leat_connector *connector;
    for (const struct command *c = cli_commands; c->name; c++) {
        fish_command(out, c);
        cli_each_option(out, c->options, fish_option);
    }
    for (const struct command_family *f = cli_families; f->name; f++) {
        fprintf(out, "complete -c leat -n __fish_use_subcommand -a %s", f->name);
        fish_text(out, f->summary);
    }
    cli_each_option(out, cli_options, fish_option);
    cli_each_option(out, leat_plan_options(), fish_option);
    for (size_t i = 0; (connector = leat_connector_at(leat, i)); i++) {
        cli_each_option(out, connector->options, fish_option);
    }
}

int cli_completion(struct cli *cli)
{
    const char *shell = cli->args[0];
    if (!strcmp(shell, "bash")) {
        bash_completion(stdout, cli->leat);
    } else if (!strcmp(shell, "zsh")) {
        fputs("autoload -U +X bashcompinit && bashcompinit\n", stdout);
        bash_completion(stdout, cli->leat);
    } else if (!strcmp(shell, "fish")) {
        fish_completion(stdout, cli->leat);
    } else {
        struct leat_error err = {0};
        leat_fail_as(&err, LEAT_INVALID, "usage", "completion is for bash, zsh or fish");
        cli_print_error(cli, &err, NULL);
        return EXIT_REFUSED;
    }
    return 0;
}
