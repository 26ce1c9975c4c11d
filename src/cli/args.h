/* What args.c, environment.c and aliases.c share: how options are set, and by what. */
#ifndef LT_CLI_ARGS_H
#define LT_CLI_ARGS_H

#include "cli/cli.h"

#include "core/buf.h"

/* One value that was set, in the order they were: of two of one option the last counts, of lists
 * all. */
struct cli_set_value {
    const char *name, *value;
    const char
        *origin; /* "flag", "variable LEAT_PARALLEL", "variable LEAT_PARALLEL in .env:3", ... */
};

struct cli_values {
    struct cli_set_value *items;
    size_t n;
};

/* A text that lives until the end. */
struct cli_owned {
    struct cli_owned *next;
    char text[];
};

/* The parts of places that other programs have options for. */
enum cli_place { PLACE_SOURCE, PLACE_SOURCE_STREAM, PLACE_TARGET, PLACE_TARGET_STREAM };

enum cli_origin { ORIGIN_FLAG, ORIGIN_VARIABLE, ORIGIN_STORED };

/* An option among the arguments: a row's name, and what was given with it (NULL: nothing). */
struct cli_given {
    const char *name, *value;
};

/* options.c */
/* The row of a long option in any table the command takes, or NULL. */
const struct leat_option *cli_find_option(struct cli *cli, const char *name);
/* The option that a letter stands for in a command: the first that the command takes, or NULL. */
const struct leat_option *cli_option_of(struct cli *cli, char letter);
/* Keeps an option of the arguments until variables have been read. `name` is a row's. */
int cli_give(struct cli *cli, const char *name, const char *value, struct leat_error *err);
bool cli_was_given(const struct cli *cli, const char *name);
/* Sets an option that cli_find_option() knows. `variable`: for ORIGIN_VARIABLE. */
int cli_set_option(struct cli *cli, const char *name, const char *value, enum cli_origin origin,
                   const char *variable, struct leat_error *err);
/* For a value of a BOOL that leat_option_check() has passed. */
bool cli_is_on(const char *value);
/* Joins texts, the last of which is NULL, into one that lives until the end; NULL without memory. */
const char *cli_join(struct cli *cli, const char *const *texts);

/* environment.c */
/* The env files that arguments or LEAT_ENV_FILE name, else .env; then LEAT_12FACTOR_MODE. Not for
 * commands that have nothing to do with variables, or are another program's. */
int cli_read_env_files(struct cli *cli, int argc, char **argv, struct leat_error *err);
/* The words of LEAT_COMMAND and LEAT_SUBCOMMAND: *ret_n of them, 0 when none is set. */
int cli_command_words(struct cli *cli, const char *ret_words[COMMAND_WORDS_MAX], int *ret_n,
                      struct leat_error *err);
/* LEAT_<FLAG> for every option the command takes and the arguments lack; else the stored default. */
int cli_read_environment(struct cli *cli, struct leat_error *err);
/* Whether defaults that are stored count for it. */
bool cli_reads_defaults(const struct command *command);
/* The places that the arguments lack: from options of other programs, and in 12-factor mode from
 * variables. */
int cli_fill_places(struct cli *cli, struct leat_error *err);

/* aliases.c */
/* The command that options of other programs turn this one into, such as --mode incremental. */
const struct command *cli_command_meant(const struct command *command, char *const *args);
/* Takes an option of another program (a single letter: -c) that the command itself does not have:
 * gives what it means. *ret_known false, and nothing done, when it is none. *ret_used: whether
 * `value` was taken; a NULL one means that the arguments end. */
int cli_take_alias(struct cli *cli, const char *name, const char *value, bool *ret_known,
                   bool *ret_used, struct leat_error *err);
/* Whether it is an option of another program with just this value, whatever else is called so:
 * --mode append is sling's, --mode ro a SQLite file's. */
bool cli_is_alias_value(const struct command *command, const char *name, const char *value);
/* The name leat has for an option of another program, where it has just another name there; else
 * the name itself. */
const char *cli_option_meant(const char *name);
/* Words of other programs that a command takes, for its help: one paragraph, or nothing. */
void cli_alias_help(const struct command *command, struct lt_buf *text);

#endif
