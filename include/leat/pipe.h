/* Pipes: documents (YAML or JSON) that say what to run; docs/pipes.md describes them. A pipe is read
 * and checked as a whole before anything runs.
 *
 * Threads: as leat.h says; a pipe belongs to its session. */
#ifndef LEAT_PIPE_H
#define LEAT_PIPE_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

struct leat_pipe;

enum leat_pipe_form { LEAT_PIPE_YAML, LEAT_PIPE_JSON };

/* One fault of a document. Borrowed for the call. */
struct leat_pipe_fault {
    size_t size;
    const char *file;
    int64_t line, column; /* from 1 */
    const char *message, *remedy;
};
typedef void leat_fault_fn(void *arg, const struct leat_pipe_fault *fault);

/* Reads a document: a file (its ending or its first character says the form), or "-". Variables that
 * it uses (${NAME}) are taken from `vars`, then from the environment. Every fault is told to
 * fault() (may be NULL); the first is also the error. Documents of Halfpipe are known by their
 * transformGroups. */
LEAT_EXPORT int leat_pipe_open(struct leat *leat, const char *path, const struct leat_param *vars,
                               size_t n_vars, leat_fault_fn *fault, void *arg,
                               struct leat_pipe **ret_pipe, struct leat_error *err);
LEAT_EXPORT void leat_pipe_free(struct leat_pipe *pipe);

/* An option of plans or connectors for all steps that take it, over what the document says. */
LEAT_EXPORT int leat_pipe_set(struct leat_pipe *pipe, const char *name, const char *value,
                              struct leat_error *err);

/* The same below the document: where it says nothing of the option. */
LEAT_EXPORT int leat_pipe_default(struct leat_pipe *pipe, const char *name, const char *value,
                                  struct leat_error *err);

/* How a pipe is told of: every observer call of its plans, and the steps. */
struct leat_pipe_step {
    size_t size;
    const char *name;
    const char *action;             /* "copy", "sql" */
    int64_t index, count;           /* of all steps, from 0 */
    const struct leat_error *error; /* when done: status LEAT_OK when it went well */
    bool skipped;                   /* a step it needs failed */
    int64_t rows;                   /* written */
    int64_t elapsed_us;
};
struct leat_pipe_observer {
    size_t size;
    struct leat_observer run; /* of every plan; arg is its own */
    void *arg;
    /* Each may be NULL. */
    void (*step_begin)(void *arg, const struct leat_pipe_step *step);
    /* One plan of the step has run; *report is valid for the call. */
    void (*plan_done)(void *arg, const struct leat_pipe_step *step, struct leat_report *report);
    void (*step_done)(void *arg, const struct leat_pipe_step *step);
    /* What a step prints: the DDL of a `meta` that executes nothing. */
    void (*text)(void *arg, const struct leat_pipe_step *step, const char *text);
};

/* Of its steps only this one runs, or (`from_here`) this one and those behind it. [not-found] with the
 * closest name. */
LEAT_EXPORT int leat_pipe_select(struct leat_pipe *pipe, const char *step, bool from_here,
                                 struct leat_error *err);

/* Runs its steps, one after another, in the order of their needs. After a failure only those with
 * `if: failed` or `always` run, and with the option keep-going those that do not need what failed.
 * Hooks run as the document says. Fails with the first failing step's error. The execution
 * `execution` (NULL: none) of `state` gets a step for each of them (leat/execution.h), completed or
 * not, with its rows. *ret_different (may be NULL): a diff or verify step found differences. */
struct leat_state;
LEAT_EXPORT int leat_pipe_run(struct leat_pipe *pipe, struct leat_state *state,
                              const char *execution, const struct leat_pipe_observer *observer,
                              bool *ret_different, struct leat_error *err);

/* Name of the pipe: what it says, else its file's without ending. */
LEAT_EXPORT const char *leat_pipe_name(const struct leat_pipe *pipe);
/* Seconds until it is to run again, from `now` (of the clock, in seconds) by `every` or `cron`; -1:
 * it says neither. */
LEAT_EXPORT int64_t leat_pipe_next(const struct leat_pipe *pipe, int64_t now, bool first);
/* The pipe with everything resolved: variables, defaults, wildcards as they match now; secrets
 * masked. Freed with leat_text_free(). */
LEAT_EXPORT int leat_pipe_show(struct leat_pipe *pipe, enum leat_pipe_form form, char **ret_text,
                               struct leat_error *err);
/* What every step would do, as leat_plan_describe() says it; touches nothing. */
LEAT_EXPORT int leat_pipe_describe(struct leat_pipe *pipe, char **ret_text, struct leat_error *err);

/* A plan as a pipe of one step which, run, does the same. Secrets are never in it: a location given
 * as a URL with a password becomes a reference to a variable, told in a comment. */
LEAT_EXPORT int leat_plan_as_pipe(const struct leat_plan *plan, enum leat_pipe_form form,
                                  char **ret_text, struct leat_error *err);

/* The statement, run on the plan's source (leat_statement()), as such a pipe; it has no options. */
LEAT_EXPORT int leat_statement_as_pipe(const struct leat_plan *plan, const char *sql,
                                       enum leat_pipe_form form, char **ret_text,
                                       struct leat_error *err);

/* A JSON Schema (draft 2020-12) of the documents, made from the option tables. */
LEAT_EXPORT int leat_pipe_schema(struct leat *leat, char **ret_text, struct leat_error *err);

#ifdef __cplusplus
}
#endif
#endif
