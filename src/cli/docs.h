/* Between help.c, man.c and docs.c, which write the same tables for different readers. */
#ifndef LT_CLI_DOCS_H
#define LT_CLI_DOCS_H

#include "cli/cli.h"

/* What an option's value is called: "N"; "" where it takes none. */
const char *cli_placeholder(const struct leat_option *option);

/* All option tables of a command, each under its heading. */
typedef void cli_heading_fn(FILE *out, const char *title);
void cli_each_table(FILE *out, struct leat *leat, const struct command *command,
                    cli_heading_fn *heading, option_fn *print);

/* leat(1), and the page of a command. */
void cli_man_overview(FILE *out);
void cli_man_command(FILE *out, struct leat *leat, const struct command *command);

#endif
