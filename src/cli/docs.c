/* Everything that is generated from the tables: help, manual pages, completion, docs/. */
#include "cli/args.h"
#include "cli/hp.h"

#include "core/buf.h"

#include "core/util.h"

#include <ctype.h>
#include <string.h>

#define WIDTH 80
#define TABLE_HEAD "| option | default | |\n|---|---|---|\n"

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

static const char *placeholder(const struct leat_option *option)
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
    const char *value = placeholder(option);
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
    const char *value = placeholder(option);
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

/* Text for Markdown: a bar would end a table's cell, and an angle bracket begin a tag. Inside
 * backquotes only the bar needs its backslash. */
static void markdown(FILE *out, const char *text, bool code)
{
    for (const char *p = text; *p; p++) {
        if (*p == '|' || (*p == '<' && !code)) {
            fputc('\\', out);
        }
        fputc(*p, out);
    }
}

/* A cell of a table and the bar before it; NULL is an empty one. */
static void cell(FILE *out, const char *text, bool code)
{
    const char *quote = code ? "`" : "";
    if (!text || !*text) {
        fputs("| ", out);
        return;
    }
    fprintf(out, "| %s", quote);
    markdown(out, text, code);
    fprintf(out, "%s ", quote);
}

static void option_markdown(FILE *out, const struct leat_option *option)
{
    char name[128], letter = cli_short(option->name);
    const char *value = placeholder(option);
    bool shown = option->fallback && option->kind != LEAT_OPTION_BOOL;
    snprintf(name, sizeof name, "--%s%s%s", option->name, *value ? " " : "", value);
    fputs("| ", out);
    if (letter) {
        fprintf(out, "`-%c`, ", letter);
    }
    fputc('`', out);
    markdown(out, name, true);
    fputs("` ", out);
    cell(out, shown ? option->fallback : NULL, true);
    cell(out, option->help, false);
    fputs("|\n", out);
}

void cli_each_option(FILE *out, const struct leat_option *table, option_fn *each)
{
    for (; table && table->name; table++) {
        each(out, table);
    }
}

typedef void heading_fn(FILE *out, const char *title);

static void heading_help(FILE *out, const char *title)
{
    fprintf(out, "\n%s\n", title);
}

static void heading_man(FILE *out, const char *title)
{
    fputs(".SH \"", out);
    for (const char *p = title; *p; p++) {
        fputc(toupper((unsigned char)*p), out);
    }
    fputs("\"\n", out);
}

/* All option tables of a command, each under its heading. */
static void each_table(FILE *out, struct leat *leat, const struct command *command,
                       heading_fn *heading, option_fn *print)
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
    each_table(out, leat, command, heading_help, cli_option_help);
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

/* --- manual pages --------------------------------------------------------------------------- */

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

static void man_overview(FILE *out)
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

static void man_command(FILE *out, struct leat *leat, const struct command *command)
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
    each_table(out, leat, command, heading_man, option_man);
    if (*command->examples) {
        fputs(".SH EXAMPLES\n.nf\n", out);
        roff(out, command->examples);
        fputs(".fi\n", out);
    }
    man_exit_codes(out);
    fputs(".SH SEE ALSO\n\\fBleat\\fR(1)\n", out);
}

/* --- docs/ ---------------------------------------------------------------------------------- */

/* Which commands take an option of plans, where not all do. */
static void option_commands(const char *option, struct lt_buf *out)
{
    size_t n = 0, all = 0;
    for (const struct command *c = cli_commands; c->name; c++) {
        all += (c->takes & TAKES_PLAN) != 0;
        n += cli_takes(c, option);
    }
    for (const struct command *c = cli_commands; n < all && c->name; c++) {
        if (cli_takes(c, option)) {
            lt_buf_printf(out, "%s%s", out->len ? ", " : ". For: ", c->name);
        }
    }
}

static void plan_option_markdown(FILE *out, const struct leat_option *option)
{
    struct lt_buf help = LT_BUF_INIT;
    struct leat_option noted = *option;
    lt_buf_puts(&help, option->help);
    size_t len = help.len;
    option_commands(option->name, &help);
    if (help.len > len) {
        noted.help = lt_buf_text(&help);
    }
    option_markdown(out, &noted);
    lt_buf_done(&help);
}

static void markdown_commands(FILE *out)
{
    fputs("# Commands\n\nGenerated by `leat docs commands`; do not edit.\n", out);
    for (const struct command *c = cli_commands; c->name; c++) {
        fprintf(out, "\n## leat %s%s%s\n\n%s.\n", c->name, *c->args ? " " : "", c->args,
                c->summary);
        if (*c->text) {
            fputc('\n', out);
            markdown(out, c->text, false);
            fputc('\n', out);
        }
        if (*c->examples) {
            fprintf(out, "\n```\n%s```\n", c->examples);
        }
        if (c->options) {
            fputs("\n" TABLE_HEAD, out);
            cli_each_option(out, c->options, option_markdown);
        }
    }
    fputs("\n## Options of what is moved\n\nThese commands take them, but for those with a note:",
          out);
    for (const struct command *c = cli_commands; c->name; c++) {
        if (c->takes & TAKES_PLAN) {
            fprintf(out, " `%s`", c->name);
        }
    }
    fputs(". The [connectors](connectors.md) have some more.\n\n" TABLE_HEAD, out);
    cli_each_option(out, leat_plan_options(), plan_option_markdown);
    fputs("\n## Options of every command\n\n" TABLE_HEAD, out);
    cli_each_option(out, cli_options, option_markdown);
    fputs("\nEvery option is also a variable: `--max-errors` is `LEAT_MAX_ERRORS`. A flag wins.\n"
          "\n## Exit status\n\n| status | meaning |\n|---|---|\n",
          out);
    for (size_t i = 0; cli_exit_codes[i][0]; i++) {
        fprintf(out, "| %s | %s |\n", cli_exit_codes[i][0], cli_exit_codes[i][1]);
    }
}

static void markdown_errors(FILE *out)
{
    const struct leat_code_info *info;
    fputs("# Errors\n\nGenerated by `leat docs errors`; do not edit.\n\n"
          "An error is one line: `leat: [code] place: message; what the destination holds; "
          "remedy`. Codes are stable.\n\n| code | kind | meaning | remedy |\n|---|---|---|---|\n",
          out);
    for (size_t i = 0; (info = leat_code_at(i)); i++) {
        cell(out, info->code, true);
        cell(out, leat_status_name(info->status), false);
        cell(out, info->text, false);
        cell(out, info->remedy, false);
        fputs("|\n", out);
    }
}

static void each_word(FILE *out, const char *const *words, const char *before, const char *after)
{
    for (; words && *words; words++) {
        fprintf(out, " `%s%s%s`", before, *words, after);
    }
}

static void markdown_connectors(FILE *out, struct leat *leat)
{
    const struct leat_connector *c;
    fputs("# Connectors\n\nGenerated by `leat docs connectors`; do not edit.\n", out);
    for (size_t i = 0; (c = leat_connector_at(leat, i)); i++) {
        fprintf(out, "\n## %s\n\n%s. It can be %s.\n", c->name, c->summary,
                c->source && c->load ? "read and written"
                : c->source          ? "read"
                                     : "written");
        fprintf(out, "\nSchemes: `%s:`", c->name);
        each_word(out, c->aliases, "", ":");
        if (c->extensions && c->extensions[0]) {
            fputs("\n\nEndings of local paths:", out);
            each_word(out, c->extensions, ".", "");
        }
        fputc('\n', out);
        if (c->options && c->options->name) {
            fputs("\n" TABLE_HEAD, out);
            cli_each_option(out, c->options, option_markdown);
        }
    }
}

static void markdown_types_in(FILE *out, const struct leat_type_in *row)
{
    fputs("\n### Read\n\n| there | leat's | without arguments | |\n|---|---|---|---|\n", out);
    for (; row->system; row++) {
        cell(out, row->system, true);
        cell(out, row->canonical, true);
        cell(out, row->bare, true);
        cell(out, row->note, false);
        fputs("|\n", out);
    }
}

static void markdown_types_out(FILE *out, const struct leat_type_out *row)
{
    fputs("\n### Written\n\n| leat's | there | |\n|---|---|---|\n", out);
    for (; row->canonical; row++) {
        cell(out, row->canonical, true);
        cell(out, row->system ? row->system : "refused", row->system != NULL);
        cell(out, row->note, false);
        fputs("|\n", out);
    }
}

/* The names that --cast and --types take. */
static const struct {
    const char *name, *text, *arrow;
} canonical_types[] = {
    {"bool", "", "bool"},
    {"int8 int16 int32 int64", "whole numbers; int and bigint are aliases", "same"},
    {"uint8 uint16 uint32 uint64", "whole numbers, not negative", "same"},
    {"float16 float32 float64", "binary floating point; real, double", "same"},
    {"decimal(p,s)", "exact, p digits (up to 76), s of them fraction", "decimal128, decimal256"},
    {"numeric", "exact, of any size, also NaN and infinities", "utf8 with leat.numeric"},
    {"utf8", "valid UTF-8; text and string are aliases", "utf8"},
    {"binary binary(n)", "bytes; n: exactly so many", "binary, fixed-size binary"},
    {"json", "text that is JSON", "utf8, arrow.json"},
    {"uuid", "", "fixed-size binary(16), arrow.uuid"},
    {"date", "", "date32"},
    {"time time(ns)", "of day; microseconds, or as in brackets s, ms, us, ns", "time32, time64"},
    {"timestamp timestamp(ns)", "date and time without a zone", "timestamp"},
    {"timestamptz timestamptz(ns)", "a moment", "timestamp, UTC"},
    {"interval", "months, days and nanoseconds", "month-day-nano interval"},
    {"duration", "elapsed time", "duration"},
    {"list<T>", "any number of values of one type", "list"},
    {"struct<a: T, b: T>", "named fields", "struct"},
    {"map<K, V>", "pairs", "map"},
    {"text(SYSTEM:TYPE)",
     "a type leat has no word for, or text that says more than utf8 does (`text(postgres:character "
     "varying(7))`); as utf8; shown, not given",
     "utf8 with leat.source_type"},
};

static void markdown_canonical(FILE *out)
{
    fputs("\n## leat\n\nWhat `--cast column=type` takes and `--dry-run` shows.\n\n"
          "| type | | in Arrow |\n|---|---|---|\n",
          out);
    for (size_t i = 0; i < LT_ARRAY_LEN(canonical_types); i++) {
        cell(out, canonical_types[i].name, true);
        cell(out, canonical_types[i].text, false);
        cell(out, canonical_types[i].arrow, false);
        fputs("|\n", out);
    }
}

/* Types that are cast alike, by some of each. */
static const struct {
    const char *head, *members[4];
} cast_classes[] = {
    {"bool", {"bool"}},
    {"int", {"int8", "int64", "uint64"}},
    {"float", {"float16", "float64"}},
    {"decimal", {"decimal(4,2)", "decimal(38,10)"}},
    {"numeric", {"numeric"}},
    {"utf8", {"utf8"}},
    {"json", {"json"}},
    {"binary", {"binary", "binary(4)"}},
    {"uuid", {"uuid"}},
    {"date", {"date"}},
    {"time", {"time(s)", "time(ns)"}},
    {"timestamp", {"timestamp(s)", "timestamp(ns)"}},
    {"timestamptz", {"timestamptz(s)", "timestamptz(ns)"}},
    {"duration", {"duration"}},
    {"interval", {"interval"}},
    {"list", {"list<int8>", "list<int64>"}},
    {"struct", {"struct<a: int8>", "struct<a: int64>"}},
    {"map", {"map<utf8, int8>", "map<utf8, int64>"}},
};

static enum leat_cast_kind kind_by_name(const char *from, const char *to)
{
    struct ArrowSchema a = {.release = NULL}, b = {.release = NULL};
    enum leat_cast_kind kind = LEAT_CAST_REFUSED;
    if (!leat_type_parse(from, &a, NULL) && !leat_type_parse(to, &b, NULL)) {
        kind = leat_cast_kind(&a, &b);
    }
    if (a.release) {
        a.release(&a);
    }
    if (b.release) {
        b.release(&b);
    }
    return kind;
}

/* The worst that a cast between members of two classes may be. */
static enum leat_cast_kind class_kind(size_t from, size_t to)
{
    enum leat_cast_kind worst = LEAT_CAST_SAME;
    for (const char *const *a = cast_classes[from].members; *a; a++) {
        for (const char *const *b = cast_classes[to].members; *b; b++) {
            enum leat_cast_kind kind = kind_by_name(*a, *b);
            worst = LT_MAX(worst, kind);
        }
    }
    return worst;
}

static void markdown_casts(FILE *out)
{
    static const char *const marks[] = {"=", "yes", "each", ""};
    size_t n = LT_ARRAY_LEN(cast_classes);
    fputs("\n## Casts\n\nWhat may become what: rows are the types casts begin with, columns those "
          "they end in. `=`: taken over; yes: every value fits; each: value by value, and one that "
          "does not fit stops the run; empty: refused before a record "
          "is read. Within one family a cast to a wider type always fits (int32 to int64, "
          "timestamp to timestamp(ns)). Nothing is ever rounded, cut or wrapped around.\n\n"
          "A text that cannot be read as a value of the new type (`x` for an int64) is no such "
          "value, but a bad record: `--on-error` says what becomes of it.\n\n| |",
          out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, " %s |", cast_classes[i].head);
    }
    fputs("\n|---|", out);
    for (size_t i = 0; i < n; i++) {
        fputs("---|", out);
    }
    fputc('\n', out);
    for (size_t from = 0; from < n; from++) {
        fprintf(out, "| **%s** |", cast_classes[from].head);
        for (size_t to = 0; to < n; to++) {
            fprintf(out, " %s |", marks[class_kind(from, to)]);
        }
        fputc('\n', out);
    }
}

static void markdown_both(FILE *out, const char *name, const struct leat_type_in *in,
                          const struct leat_type_out *to)
{
    if (in && to) {
        fprintf(out, "\n## %s\n", name);
        markdown_types_in(out, in);
        markdown_types_out(out, to);
    }
}

static void markdown_types(FILE *out, struct leat *leat)
{
    const struct leat_connector *c;
    struct leat_format format = {.size = sizeof format};
    fputs("# Types\n\nGenerated by `leat docs types`; do not edit.\n\n"
          "What each system's types become on the way in, and what they are made into on the way "
          "out, where leat makes the table. A table that exists keeps its types, and values are "
          "cast to them or refused. `$1` and `$2` stand for a type's arguments. A type that is "
          "not listed is read as text and keeps its name, so that the same system gets it back.\n",
          out);
    markdown_canonical(out);
    markdown_casts(out);
    for (size_t i = 0; (c = leat_connector_at(leat, i)); i++) {
        markdown_both(out, c->name, c->types_in, c->types_out);
    }
    for (size_t i = 0; leat_format_at(leat, i, &format); i++) {
        markdown_both(out, format.name, format.types_in, format.types_out);
    }
}

int cli_docs(struct cli *cli)
{
    const char *kind = cli->args[0], *name = cli->n_args > 1 ? cli->args[1] : "leat";
    int used = 0;
    const struct command *command = cli_command(cli->args + 1, cli->n_args - 1, &used);
    if (!strcmp(kind, "man") && !strcmp(name, "leat")) {
        man_overview(stdout);
    } else if (!strcmp(kind, "man") && command && used == cli->n_args - 1) {
        man_command(stdout, cli->leat, command);
    } else if (!strcmp(kind, "commands")) {
        markdown_commands(stdout);
    } else if (!strcmp(kind, "errors")) {
        markdown_errors(stdout);
    } else if (!strcmp(kind, "connectors")) {
        markdown_connectors(stdout, cli->leat);
    } else if (!strcmp(kind, "types")) {
        markdown_types(stdout, cli->leat);
    } else if (!strcmp(kind, "halfpipe-steps")) {
        hp_docs(stdout);
    } else {
        struct leat_error err = {0};
        leat_fail_as(&err, LEAT_INVALID, "usage",
                     "leat docs takes man [COMMAND], commands, errors, connectors, types or "
                     "halfpipe-steps");
        cli_print_error(cli, &err, NULL);
        return EXIT_REFUSED;
    }
    return 0;
}
