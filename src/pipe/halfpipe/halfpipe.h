/* Documents of Halfpipe (docs/halfpipe.md): groups of steps through which records flow.
 *
 * A document is read and checked as a whole, every fault with its line and column, before anything
 * runs. Threads: as leat/pipe.h says. */
#ifndef LT_PIPE_HALFPIPE_H
#define LT_PIPE_HALFPIPE_H

#include "leat/pipe.h"
#include "pipe/yaml.h"

struct lt_halfpipe;

/* Whether the document is one of Halfpipe's: it has transformGroups. */
bool lt_halfpipe_is(const struct lt_yaml_node *root);

/* Checks the document below `root`, which is borrowed: it must outlive what is made of it. Each
 * ${NAME} of `vars` is replaced in the data of steps and connections, no other: what is left belongs to
 * MetadataInjection. Every fault is told to fault() (may be NULL); the first is also the error. */
int lt_halfpipe_open(struct leat *leat, const struct lt_yaml_node *root,
                     const struct leat_param *vars, size_t n_vars, leat_fault_fn *fault, void *arg,
                     struct lt_halfpipe **ret_pipe, struct leat_error *err);
void lt_halfpipe_free(struct lt_halfpipe *pipe); /* NULL is fine */

/* An option of plans for every plan of its steps. */
int lt_halfpipe_set(struct lt_halfpipe *pipe, const char *name, const char *value,
                    struct leat_error *err);

/* Seconds from the start of one run to that of the next; -1: it runs once. */
int64_t lt_halfpipe_every(const struct lt_halfpipe *pipe);

/* Runs it once; with a repeating group until it fails or the session is cancelled. `observer` (may be
 * NULL) is told, by this thread, of every step of a group when the group has ended. */
int lt_halfpipe_run(struct lt_halfpipe *pipe, const struct leat_pipe_observer *observer,
                    struct leat_error *err);
/* Seconds between statistics in the log (at the level of warnings, as Halfpipe has it); 0: none, as
 * at the start. */
void lt_halfpipe_stats(struct lt_halfpipe *pipe, int64_t seconds);

/* What it says of itself; "" when nothing. */
const char *lt_halfpipe_description(const struct lt_halfpipe *pipe);
/* Its groups, their steps and what they read, in words; touches nothing. */
int lt_halfpipe_describe(const struct lt_halfpipe *pipe, char **ret_text, struct leat_error *err);

/* The document as it is understood, as YAML or JSON: variables replaced, secrets masked. */
int lt_halfpipe_show(const struct lt_halfpipe *pipe, bool json, char **ret_text,
                     struct leat_error *err);

/* The types of steps, for documentation. */
enum lt_halfpipe_key_kind {
    LT_HP_TEXT,
    LT_HP_NUMBER, /* a whole number, 0 or more */
    LT_HP_BOOL,
    LT_HP_STEP,       /* an earlier step of the group */
    LT_HP_CONNECTION, /* a name of `connections` */
    LT_HP_GROUP,
    LT_HP_LIST, /* a,b */
    LT_HP_PAIRS /* a:b,c:d */
};
struct lt_halfpipe_key {
    const char *name; /* NULL ends a table */
    enum lt_halfpipe_key_kind kind;
    bool required;
    const char *fallback; /* NULL: "" */
    const char *help;
};
struct lt_halfpipe_ops;
struct lt_halfpipe_type {
    const char *name; /* NULL ends the table */
    const char *does;
    const char *missing; /* what it needs that leat has not yet; NULL: it works */
    const struct lt_halfpipe_key *keys;
    const struct lt_halfpipe_ops *ops;
};
extern const struct lt_halfpipe_type lt_halfpipe_types[];

#endif
