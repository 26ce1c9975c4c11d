/* The program, in parts: arguments, commands, words on the terminal. It uses what an embedder can
 * use, and core. */
#ifndef LT_CLI_H
#define LT_CLI_H

#include "leat/config.h"
#include "leat/leat.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#define EXIT_FAILED 1
#define EXIT_REFUSED 2
#define EXIT_DIFFERENT 3
#define EXIT_REJECTS 4
#define EXIT_PASSING 75
#define EXIT_PIPE 141 /* as if SIGPIPE had ended it: 128 + 13 */

struct cli;

/* Which option tables a command takes besides the common one. */
#define TAKES_PLAN 1u     /* leat_plan_options() and those of connectors */
#define TAKES_RAW 2u      /* no option is read: the command gets its arguments as they stand */
#define TAKES_READS 8u    /* with TAKES_PLAN: none of the options by which a plan writes */
#define TAKES_DEFAULTS 4u /* variables and stored defaults of what TAKES_PLAN has, in cli->kept */

#define COMMAND_WORDS_MAX 3

/* Most options a command may have of its own. */
#define OWN_OPTIONS_MAX 24

struct command {
    const char *name;     /* up to COMMAND_WORDS_MAX words: "cp", "config vault rekey" */
    const char *args;     /* "SRC DST": for help */
    const char *summary;  /* one line */
    const char *text;     /* paragraphs, parted by an empty line */
    const char *examples; /* lines "command\n    what it does\n" */
    unsigned takes;
    int args_min, args_max; /* -1: any number */
    int (*run)(struct cli *cli);
    const struct leat_option *options; /* its own; read with cli_value(). NULL: none */
    enum leat_action action;           /* of the plan, with TAKES_PLAN */
};

/* Words that are no command, but begin several: "state" of "state upgrade". One may be within
 * another, which comes first: "config", "config connections". */
struct command_family {
    const char *name;
    const char *summary;
};

/* commands.c, and options.c of those that are common */
extern const struct command cli_commands[];        /* ends with a NULL name */
extern const struct command_family cli_families[]; /* likewise */
extern const struct leat_option cli_options[];     /* common to all commands */
extern const char *const cli_exit_codes[][2];      /* status, meaning; ends with NULL */

/* find_command.c */
/* The command that the most of n words name, three at most: *ret_used says how many. NULL when
 * there is none. Other names for a command are known as well. */
const struct command *cli_command(const char *const *words, int n, int *ret_used);
/* LEAT_INVALID: there is no such command, with the closest one or those of its family. */
int cli_no_command(const char *const *words, int n, struct leat_error *err);
/* The family that the most of n words name: "config connections", else "config". NULL when there is
 * none; *ret_used says how many words. */
const struct command_family *cli_family(const char *const *words, int n, int *ret_used);
/* True when the command's name is `first` and more words: *ret_second is those. */
bool cli_is_member(const struct command *command, const char *first, const char **ret_second);
/* The name with its blank turned into `joint`, as pages are named: "cp-delta". */
#define COMMAND_NAME_MAX 64
const char *cli_joined(const struct command *command, char joint, char text[COMMAND_NAME_MAX]);

struct cli {
    struct leat *leat;
    struct leat_plan *plan;
    const struct command *command;
    const char **args; /* positional */
    int n_args;
    const char *own[OWN_OPTIONS_MAX]; /* values of command->options, row by row; NULL: not given */
    /* values of cli_options */
    bool help, quiet, dry_run, json_logs;
    int verbose;
    const char *report, *progress, *log_level;
    const char *state; /* the store of runs: NULL the default one, "none" */
    const char **also; /* further destinations, after DST */
    int n_also;
    bool twelve_factor;        /* LEAT_12FACTOR_MODE: variables name command and places */
    const char *place[4];      /* said by options of other programs; see enum cli_place */
    struct cli_values *values; /* every value that was set, and by what; NULL: not asked for */
    struct cli_given *given;   /* options among the arguments */
    size_t n_given;
    struct cli_given *kept; /* see TAKES_DEFAULTS */
    size_t n_kept;
    struct cli_owned *owned;     /* freed at the end */
    bool color, terminal;        /* of standard error */
    bool color_out;              /* of standard output */
    _Atomic bool progress_shown; /* log lines come from any thread */
};

/* args.c. Reads env files, LEAT_<FLAG> variables, stored defaults, then the arguments. Returns
 * LEAT_OK or prints what is wrong and returns the exit status. */
int cli_parse(struct cli *cli, int argc, char **argv);
/* The same for the words of a command, whose options are checked and noted down in cli->values, but
 * do not count: cli->command is that command afterwards. */
int cli_parse_noting(struct cli *cli, int argc, char **argv, struct leat_error *err);
/* Whether the command's plan has this option of leat_plan_options(). */
bool cli_takes(const struct command *command, const char *option);
/* aliases.c. The i-th value by which an option of other programs means something of leat's, or
 * NULL. */
const char *cli_alias_value(const struct command *command, const char *other, size_t i);
/* Letter of an option's short form, 0: none. */
char cli_short(const char *name);
/* Frees what parsing made. */
void cli_parse_done(struct cli *cli);

/* The value of one of the command's own options, or its default. */
const char *cli_value(const struct cli *cli, const char *name);
/* The i-th value that an option was given among the arguments, or NULL. */
const char *cli_nth(const struct cli *cli, const char *name, int i);
/* The same for LEAT_OPTION_BOOL. */
bool cli_on(const struct cli *cli, const char *name);

/* record.c */
/* Opens a store, references of its URL resolved (leat_resolve_references()); NULL: the default. */
struct leat_state;
int cli_store_open(const char *location, unsigned flags, struct leat_state **ret_state,
                   struct leat_error *err);
/* That which --state names; commands that cannot do without it. */
int cli_open_state(struct cli *cli, unsigned flags, struct leat_state **ret_state,
                   struct leat_error *err);
/* Before a run: a store that was asked for by name must be there. */
int cli_check_state(struct cli *cli, struct leat_error *err);
/* After a run, whatever became of it: records its report. A store that cannot be written is told
 * in a warning. NULL is fine. */
void cli_record(struct cli *cli, struct leat_report *report);

/* words.c */
void cli_log(void *arg, enum leat_log_level level, const char *line);
/* A warning: what is so, and the error that made it so, with its place and remedy. */
void cli_warn(struct cli *cli, const char *what, const struct leat_error *err);
/* One error, with what the destination holds now (may be NULL), on standard error. */
void cli_print_error(struct cli *cli, const struct leat_error *err, const char *state);
void cli_print_progress(void *arg, const struct leat_progress *progress);
void cli_print_result(void *arg, const struct leat_stream_result *result);
/* The same as one JSON line on standard error. */
void cli_print_result_json(const struct leat_stream_result *r);
/* After a run of several streams: one line that sums them up. */
void cli_print_summary(struct cli *cli, const struct leat_report *report, int64_t elapsed_us);
void cli_clear_progress(struct cli *cli);

/* help.c, docs.c and completion.c: everything that is generated from the tables. */
void cli_help(FILE *out, struct leat *leat, const struct command *command);
void cli_overview(FILE *out);
/* The commands of one family, a line each. */
void cli_family_help(FILE *out, const struct command_family *family);
int cli_docs(struct cli *cli);
int cli_completion(struct cli *cli);
int cli_complete(struct cli *cli); /* complete.c */
int cli_help_command(struct cli *cli);
/* Calls each() for every option of a table, in its order; NULL is an empty one. */
typedef void option_fn(FILE *out, const struct leat_option *option);
/* One option as help shows it. */
void cli_option_help(FILE *out, const struct leat_option *option);
void cli_each_option(FILE *out, const struct leat_option *table, option_fn *each);

/* commands */
int cmd_cp(struct cli *cli);
int cmd_meta(struct cli *cli);
int cmd_state_show(struct cli *cli);
int cmd_state_set(struct cli *cli);
int cmd_state_reset(struct cli *cli);
int cmd_diff(struct cli *cli);
int cmd_connections_add(struct cli *cli);
int cmd_connections_list(struct cli *cli);
int cmd_connections_show(struct cli *cli);
int cmd_connections_test(struct cli *cli);
int cmd_connections_remove(struct cli *cli);
int cmd_defaults_add(struct cli *cli);
int cmd_defaults_list(struct cli *cli);
int cmd_defaults_remove(struct cli *cli);
int cmd_config_explain(struct cli *cli);
int cmd_config_init(struct cli *cli);
int cmd_config_import(struct cli *cli);
int cmd_query(struct cli *cli);
int cmd_snapshot_hold(struct cli *cli);
int cmd_describe(struct cli *cli);
int cmd_streams(struct cli *cli);
int cmd_connectors(struct cli *cli);
int cmd_version(struct cli *cli);
int cmd_runs(struct cli *cli);
int cmd_execution_init(struct cli *cli);
int cmd_execution_last(struct cli *cli);
int cmd_execution_completed_at(struct cli *cli);
int cmd_execution_complete(struct cli *cli);
int cmd_execution_fail(struct cli *cli);
int cmd_execution_list(struct cli *cli);
int cmd_execution_show(struct cli *cli);
int cmd_step_init(struct cli *cli);
int cmd_step_compare(struct cli *cli);
int cmd_step_complete(struct cli *cli);
int cmd_step_fail(struct cli *cli);
int cmd_step_list(struct cli *cli);
int cmd_dpo(struct cli *cli);
int cmd_pipe_run(struct cli *cli);
int cmd_pipe_check(struct cli *cli);
int cmd_pipe_show(struct cli *cli);
int cmd_pipe_schema(struct cli *cli);
int cmd_dpo_migrate(struct cli *cli);
int cmd_user_login(struct cli *cli);
int cmd_user_logout(struct cli *cli);
int cmd_user_status(struct cli *cli);
int cmd_vault_rekey(struct cli *cli);
int cmd_vault_export(struct cli *cli);
int cmd_vault_import(struct cli *cli);
int cmd_hp(struct cli *cli);
int cmd_state_upgrade(struct cli *cli);
int cmd_state_downgrade(struct cli *cli);
int cmd_state_current(struct cli *cli);
int cmd_state_history(struct cli *cli);

/* cmd_query.c. Whether the field's values are numbers. */
bool cli_is_number(const struct ArrowSchema *field);

/* cmd_cp.c. Gives the plan its source, and its destinations with --also. Returns 0, or prints what is
 * wrong and returns the exit status. */
int cli_take_places(struct cli *cli);
/* Prints what the plan would do, and writes that as --report's, alone where that is standard output.
 * `nothing` (may be NULL) is said where there is nothing to print. Returns the exit status. */
int cli_describe(struct cli *cli, const char *nothing);
/* Writes the run's report to --report's file, or to standard output for "-". Returns the exit
 * status. */
int cli_write_report(struct cli *cli, struct leat_report *report);
/* The same of any text; "-" is standard output. */
int cli_write_text(struct cli *cli, const char *path, const char *text);
/* Runs the plan, tells of every stream, writes the report; returns the exit status, and what
 * leat_run() did. */
int cli_run_plan(struct cli *cli, int *ret_rc);

/* cmd_pipe.c. Where --as-pipe asks for it, prints the plan as a document: true, and *ret_status is the
 * exit status. */
bool cli_prints_pipe(struct cli *cli, int *ret_status);

/* cmd_diff.c. A record that differs, as a JSON line; non-zero when it cannot be printed. */
int cli_print_difference(struct cli *cli, const struct leat_difference *difference);
/* The last line of a stream that was compared. */
void cli_print_compared(struct cli *cli, const struct leat_stream_result *r);

/* cmd_cp.c. Waits for so long, or until a signal came. */
void cli_wait_us(int64_t us);

/* main.c. With `after` set the first SIGTERM lets the run end and sets cli_signal only. */
void cli_drain_on_term(bool after);
/* The signal that ended the run, 0: none. */
extern volatile sig_atomic_t cli_signal;
/* The exit status for the end of a run. */
int cli_exit_status(int rc, const struct leat_report *report);
/* The end of a command that ran no plan: prints the error where rc is one; the exit status. */
int cli_end(struct cli *cli, int rc, const struct leat_error *err);

#endif
