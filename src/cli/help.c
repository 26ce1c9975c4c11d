/* Help on the terminal. */
#include "cli/args.h"
#include "cli/docs.h"

#include "core/buf.h"
#include "core/util.h"

#include <string.h>

#define WIDTH 80

/* Prints text wrapped at WIDTH; the first line has already `at` characters. */
static void wrap(FILE *out, const char *text, int indent, int at)
{
    while (*text) {
        size_t word = strcspn(text, " \n");
        if (at > indent && at + (int)word + 1 > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fwrite(text, 1, word, out);
        at += (int)word;
        text += word;
        if (text[0] == '\n' && text[1] == '\n') {
            fprintf(out, "\n\n%*s", indent, "");
            at = indent;
            text += 2;
        } else if (*text) {
            text++;
        }
    }
    fputc('\n', out);
}

const char *cli_placeholder(const struct leat_option *option)
{
    switch (option->kind) {
    case LEAT_OPTION_BOOL:
        return "";
    case LEAT_OPTION_INT:
        return "N";
    case LEAT_OPTION_SIZE:
        return "SIZE";
    case LEAT_OPTION_DURATION:
        return "TIME";
    case LEAT_OPTION_SECRET:
        return option->choices ? option->choices : "SECRET";
    default:
        return option->choices ? option->choices : "TEXT";
    }
}

void cli_option_help(FILE *out, const struct leat_option *option)
{
    char head[256], tail[4096];
    char letter = cli_short(option->name);
    const char *value = cli_placeholder(option);
    snprintf(head, sizeof head, "  %c%c%s --%s%s%s", letter ? '-' : ' ', letter ? letter : ' ',
             letter ? "," : " ", option->name, *value ? " " : "", value);
    bool shown = option->fallback && option->kind != LEAT_OPTION_BOOL;
    snprintf(tail, sizeof tail, "%s%s%s%s.", option->help, shown ? " [" : "",
             shown ? option->fallback : "", shown ? "]" : "");
    fputs(head, out);
    int at = (int)strlen(head);
    if (at > 28) {
        fprintf(out, "\n%*s", 30, "");
    } else {
        fprintf(out, "%*s", 30 - at, "");
    }
    wrap(out, tail, 30, 30);
}

void cli_each_option(FILE *out, const struct leat_option *table, option_fn *each)
{
    for (; table && table->name; table++) {
        each(out, table);
    }
}

static void heading_help(FILE *out, const char *title)
{
    fprintf(out, "\n%s\n", title);
}

void cli_each_table(FILE *out, struct leat *leat, const struct command *command,
                    cli_heading_fn *heading, option_fn *print)
{
    heading(out, "Options");
    cli_each_option(out, command->options, print);
    for (const struct leat_option *o = leat_plan_options(); o->name; o++) {
        if (cli_takes(command, o->name)) {
            print(out, o);
        }
    }
    cli_each_option(out, cli_options, print);
    const struct leat_connector *c;
    for (size_t i = 0; command->takes & TAKES_PLAN && (c = leat_connector_at(leat, i)); i++) {
        if (c->options && c->options->name) {
            char title[96];
            snprintf(title, sizeof title, "Options of %s", c->name);
            heading(out, title);
            cli_each_option(out, c->options, print);
        }
    }
}

void cli_help(FILE *out, struct leat *leat, const struct command *command)
{
    fprintf(out, "leat %s%s%s\n\n", command->name, *command->args ? " " : "", command->args);
    wrap(out, command->summary, 0, 0);
    if (*command->text) {
        fputc('\n', out);
        wrap(out, command->text, 0, 0);
    }
    if (*command->examples) {
        fputs("\nExamples\n", out);
        const char *p = command->examples;
        while (*p) {
            size_t len = strcspn(p, "\n");
            fprintf(out, "  %.*s\n", (int)len, p);
            p += len + (p[len] == '\n');
        }
    }
    cli_each_table(out, leat, command, heading_help, cli_option_help);
    struct lt_buf words = LT_BUF_INIT;
    cli_alias_help(command, &words);
    if (words.len) {
        fputs("\nAs other programs call it\n  ", out);
        wrap(out, lt_buf_text(&words), 2, 2);
    }
    lt_buf_done(&words);
    fputs("\nEvery option is also a variable: --max-errors is LEAT_MAX_ERRORS. A flag wins.\n",
          out);
}

/* The family whose first member this command is, or NULL. */
static const struct command_family *family_begun(const struct command *command)
{
    const char *second;
    for (const struct command_family *f = cli_families; f->name; f++) {
        if (!strchr(f->name, ' ') && cli_is_member(command, f->name, &second)) {
            bool first = command == cli_commands || !cli_is_member(command - 1, f->name, &second);
            return first ? f : NULL;
        }
    }
    return NULL;
}

static bool in_family(const struct command *command)
{
    const char *second;
    for (const struct command_family *f = cli_families; f->name; f++) {
        if (cli_is_member(command, f->name, &second)) {
            return true;
        }
    }
    return false;
}

/* A name, and what it is in lines of their own column. */
#define OVERVIEW_NAME 12
#define FAMILY_NAME 26
#define EXIT_CODE 4
static void entry(FILE *out, int width, const char *name, const char *text)
{
    fprintf(out, "  %-*s ", width, name);
    wrap(out, text, width + 3, width + 3);
}

/* Families on one line each: their own help lists the members. */
static void overview_commands(FILE *out)
{
    for (const struct command *c = cli_commands; c->name; c++) {
        const struct command_family *family = family_begun(c);
        if (family) {
            char text[160];
            snprintf(text, sizeof text, "%s: leat help %s", family->summary, family->name);
            entry(out, OVERVIEW_NAME, family->name, text);
        } else if (!in_family(c)) {
            entry(out, OVERVIEW_NAME, c->name, c->summary);
        }
    }
}

void cli_family_help(FILE *out, const struct command_family *family)
{
    const char *second;
    fprintf(out, "leat %s ...\n\n%s\n\nCommands\n", family->name, family->summary);
    for (const struct command *c = cli_commands; c->name; c++) {
        if (cli_is_member(c, family->name, &second)) {
            entry(out, FAMILY_NAME, c->name, c->summary);
        }
    }
    fprintf(out, "\n`leat help %s ...` explains one.\n", family->name);
}

void cli_overview(FILE *out)
{
    fputs("leat moves tables between databases, files and streams.\n\n"
          "  leat cp \"$DATABASE_URL#public.orders\" orders.arrow\n"
          "  leat cp orders.csv.gz sqlite:shop.db\n\n"
          "Commands\n",
          out);
    overview_commands(out);
    fputs("\nExit status\n", out);
    for (size_t i = 0; cli_exit_codes[i][0]; i++) {
        entry(out, EXIT_CODE, cli_exit_codes[i][0], cli_exit_codes[i][1]);
    }
    fputs("\n`leat help COMMAND` explains one, `leat help errors` every error code.\n", out);
}

static void errors_text(FILE *out)
{
    const struct leat_code_info *info;
    for (size_t i = 0; (info = leat_code_at(i)); i++) {
        fprintf(out, "[%s] (%s)\n  ", info->code, leat_status_name(info->status));
        wrap(out, info->text, 2, 2);
        if (*info->remedy) {
            fputs("  Remedy: ", out);
            wrap(out, info->remedy, 2, 10);
        }
    }
}

int cli_help_command(struct cli *cli)
{
    if (!cli->n_args) {
        cli_overview(stdout);
        return 0;
    }
    if (!strcmp(cli->args[0], "errors")) {
        errors_text(stdout);
        return 0;
    }
    int used = 0;
    const struct command_family *family = cli_family(cli->args, cli->n_args, &used);
    if (family && used == cli->n_args) {
        cli_family_help(stdout, family);
        return 0;
    }
    const struct command *command = cli_command(cli->args, cli->n_args, &used);
    if (!command || used < cli->n_args) {
        struct leat_error err = {0};
        cli_no_command(cli->args, cli->n_args, &err);
        cli_print_error(cli, &err, NULL);
        return EXIT_REFUSED;
    }
    cli_help(stdout, cli->leat, command);
    return 0;
}
