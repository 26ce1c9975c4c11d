/* The command line of Halfpipe, which is turned into leat's. docs/halfpipe.md says what is kept. */
#ifndef LT_CLI_HP_H
#define LT_CLI_HP_H

#include "cli/cli.h"

#define HP_FLAGS_MAX 32
#define HP_WORDS_MAX 4

struct hp;

/* What becomes of a flag. */
enum hp_how {
    HP_OWN,   /* the command looks at it */
    HP_PASS,  /* --to VALUE */
    HP_TRUE,  /* --to, when it is on */
    HP_NONE,  /* accepted; leat has no need of it */
    HP_LATER, /* needs a connector that is not there yet: `to` names it */
};

struct hp_flag {
    const char *name; /* NULL ends a table */
    char letter;      /* 0: none */
    bool is_bool, required;
    const char *fallback;
    enum hp_how how;
    const char *to;
    const char *help;
};

struct hp_command {
    const char *words; /* "cp snap"; NULL ends the table */
    const char *args;  /* as the usage has them */
    int args_min, args_max;
    const struct hp_flag *flags;
    const char *leat; /* words of leat's command; NULL: `run` does it alone */
    int (*run)(struct hp *hp);
    const char *help;
};
extern const struct hp_command hp_commands[];
/* The command that the first words name, and how many; NULL: none. */
const struct hp_command *hp_command(const char *const *words, int n, int *ret_used);

struct hp {
    struct cli *cli;
    const struct hp_command *command;
    const char *values[HP_FLAGS_MAX]; /* of command->flags; NULL: not given */
    const char **args;
    int n_args;
    bool help, twelve_factor;
    char message[256]; /* why reading failed */
    char **leat;       /* words of leat's command line, owned */
    int n_leat;
    bool no_memory;
};

/* hp_args.c. Flags and arguments behind the command's words; false: `message` says what is wrong. */
bool hp_args_read(struct hp *hp, int argc, const char *const *argv);
/* HP_... variables of the command's flags. */
bool hp_variables_read(struct hp *hp);
/* The value of a flag, or its default; "" when it has none. */
const char *hp_flag(const struct hp *hp, const char *name);
bool hp_given(const struct hp *hp, const char *name);
bool hp_on(const struct hp *hp, const char *name);

/* hp_run.c. One more word of leat's command line. */
void hp_say(struct hp *hp, const char *word);
/* The words of `command->leat`, and what the flags say. */
void hp_begin(struct hp *hp);
/* Runs leat's command line; its exit status, as leat has it. */
int hp_run_leat(struct hp *hp);
/* Halfpipe's exit status for one of leat's. */
int hp_status(int status);

/* hp_files.c. Whether the target is a folder, whose path is malloc'ed. */
bool hp_is_folder(const char *target, char **ret_folder);
/* cp snap into a folder: CSV files and a manifest. */
int hp_copy_files(struct hp *hp, const char *folder);

/* hp_docs.c. The types of steps, as Markdown. */
void hp_docs(FILE *out);

/* hp_actions.c */
int hp_cp_snap(struct hp *hp);
int hp_cp_delta(struct hp *hp);
int hp_cp_meta(struct hp *hp);
int hp_sync_batch(struct hp *hp);
int hp_diff(struct hp *hp);
int hp_query(struct hp *hp);
int hp_pipe(struct hp *hp);
int hp_connection_add(struct hp *hp);
int hp_connection_remove(struct hp *hp);
int hp_default_add(struct hp *hp);
int hp_default_remove(struct hp *hp);
int hp_connections_list(struct hp *hp);
int hp_defaults_list(struct hp *hp);
int hp_version(struct hp *hp);
int hp_user(struct hp *hp);
int hp_later(struct hp *hp);

#endif
