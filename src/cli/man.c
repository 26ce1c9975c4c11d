/* Manual pages, in roff. */
#include "cli/args.h"
#include "cli/docs.h"

#include "core/util.h"

#include <ctype.h>
#include <string.h>

/* A line of roff must not begin with . or ', and backslashes are doubled. */
static void roff_part(FILE *out, const char *text)
{
    bool start = true;
    for (const char *p = text; *p; p++) {
        if (p[0] == '\n' && p[1] == '\n') {
            fputs("\n.PP\n", out);
            p++;
            start = true;
            continue;
        }
        if (start && (*p == '.' || *p == '\'')) {
            fputs("\\&", out);
        }
        if (*p == '\\') {
            fputs("\\e", out);
        } else if (*p == '-') {
            fputs("\\-", out);
        } else {
            fputc(*p, out);
        }
        start = *p == '\n';
    }
}

static void roff(FILE *out, const char *text)
{
    roff_part(out, text);
    fputc('\n', out);
}

static void option_man(FILE *out, const struct leat_option *option)
{
    char letter = cli_short(option->name);
    const char *value = cli_placeholder(option);
    fputs(".TP\n", out);
    if (letter) {
        fprintf(out, "\\fB\\-%c\\fR, ", letter);
    }
    fputs("\\fB\\-\\-", out);
    roff_part(out, option->name);
    fprintf(out, "\\fR%s", *value ? " " : "");
    roff_part(out, value);
    fputc('\n', out);
    roff_part(out, option->help);
    if (option->fallback && option->kind != LEAT_OPTION_BOOL) {
        fputs(" [", out);
        roff_part(out, option->fallback);
        fputc(']', out);
    }
    fputs(".\n", out);
}

static void heading_man(FILE *out, const char *title)
{
    fputs(".SH \"", out);
    for (const char *p = title; *p; p++) {
        fputc(toupper((unsigned char)*p), out);
    }
    fputs("\"\n", out);
}

/* What the environment says, for leat(1). */
static const char *const variables[][2] = {
    {"LEAT_CONN_<NAME>", "The URL that the connection NAME stands for, in any location."},
    {"LEAT_<FLAG>",
     "The default of an option: LEAT_MAX_ERRORS for \\-\\-max\\-errors. A flag wins."},
    {"any variable", "One that holds the URL of a connector is a connection by its own name."},
    {"LEAT_ENV_FILE", "A file of variables to be read instead of .env; none: none."},
    {"LEAT_12FACTOR_MODE",
     "When true, LEAT_COMMAND and LEAT_SUBCOMMAND name the command, LEAT_SOURCE "
     "and LEAT_TARGET the places that arguments do not."},
    {"LEAT_PLUGIN_PATH", "Directories, parted by colons, where loadable connectors "
                         "(leat\\-NAME.so) are looked for first."},
    {"NO_COLOR", "When it is not empty, messages have no colours."},
};

static void man_exit_codes(FILE *out)
{
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; cli_exit_codes[i][0]; i++) {
        fprintf(out, ".TP\n\\fB%s\\fR\n", cli_exit_codes[i][0]);
        roff(out, cli_exit_codes[i][1]);
    }
}

void cli_man_overview(FILE *out)
{
    fprintf(out,
            ".TH LEAT 1 \"\" \"leat %s\" \"User Commands\"\n.SH NAME\nleat \\- moves tables\n"
            ".SH SYNOPSIS\n\\fBleat\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n"
            ".SH DESCRIPTION\nCopies tables between databases, files and streams.\n"
            ".SH COMMANDS\n",
            leat_version());
    for (const struct command *c = cli_commands; c->name; c++) {
        char page[COMMAND_NAME_MAX];
        fputs(".TP\n\\fBleat\\-", out);
        roff_part(out, cli_joined(c, '-', page));
        fputs("\\fR(1)\n", out);
        roff(out, c->summary);
    }
    fputs(".SH ENVIRONMENT\n", out);
    for (size_t i = 0; i < LT_ARRAY_LEN(variables); i++) {
        fprintf(out, ".TP\n\\fB%s\\fR\n%s\n", variables[i][0], variables[i][1]);
    }
    man_exit_codes(out);
}

void cli_man_command(FILE *out, struct leat *leat, const struct command *command)
{
    char page[COMMAND_NAME_MAX];
    cli_joined(command, '-', page);
    fputs(".TH LEAT\\-", out);
    for (const char *p = page; *p; p++) {
        fputs(*p == '-' ? "\\-" : (char[]){(char)toupper((unsigned char)*p), 0}, out);
    }
    fprintf(out, " 1 \"\" \"leat %s\" \"User Commands\"\n.SH NAME\nleat\\-", leat_version());
    roff_part(out, page);
    fputs(" \\- ", out);
    roff(out, command->summary);
    fprintf(out, ".SH SYNOPSIS\n\\fBleat %s\\fR [\\fIOPTIONS\\fR] %s\n", command->name,
            command->args);
    if (*command->text) {
        fputs(".SH DESCRIPTION\n", out);
        roff(out, command->text);
    }
    cli_each_table(out, leat, command, heading_man, option_man);
    if (*command->examples) {
        fputs(".SH EXAMPLES\n.nf\n", out);
        roff(out, command->examples);
        fputs(".fi\n", out);
    }
    man_exit_codes(out);
    fputs(".SH SEE ALSO\n\\fBleat\\fR(1)\n", out);
}
