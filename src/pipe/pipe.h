/* A pipe that was opened, and what its parts do with it. */
#ifndef LT_PIPE_PIPE_H
#define LT_PIPE_PIPE_H

#include "leat/pipe.h"
#include "leat/state.h"
#include "pipe/document.h"
#include "pipe/halfpipe/halfpipe.h"

struct leat_pipe {
    struct leat *leat;
    struct lt_document doc;
    struct lt_halfpipe
        *halfpipe;         /* of one of Halfpipe's documents; then `doc` has its text alone */
    struct lt_choices set; /* by leat_pipe_set(): over all others */
    size_t first, last;    /* of the order: the steps that run */
    bool keep_going;
};

/* One plan of a step. */
struct lt_step_plan {
    struct leat_plan *plan;
    const struct lt_mode *mode;
    const struct lt_yaml_node *node; /* what it was made of */
};
struct lt_step_plans {
    struct lt_arena arena;
    struct lt_step_plan *items;
    size_t n;
    struct lt_texts unmatched; /* patterns that name nothing */
};

/* A stream of a step, or a query, with what all rules that match it say. */
struct lt_stream_found {
    const char *ns, *name, *full;
    bool view;
};
struct lt_member {
    const struct lt_stream_found *found; /* NULL: a query */
    const struct lt_rule *rule;          /* the one that counts most */
    const struct lt_mode *mode;
    const char *to; /* NULL: its own name */
    struct lt_choices choices;
    bool done; /* it has a plan */
};
struct lt_members {
    struct lt_arena *arena;
    struct lt_member *items;
    size_t n;
    struct lt_texts unmatched;
};

/* streams.c. Asks the source of a step which streams there are. [not-found] where a name is not, or
 * nothing matches. */
int lt_step_members(struct leat_pipe *pipe, const struct lt_step *step, struct lt_members *ret,
                    struct leat_error *err);

/* Adds the place of the node to the error, when rc is one; returns rc. */
int lt_at_node(int rc, const struct lt_yaml_node *node, struct leat_error *err);

/* plans.c. The plans of a step; with streams its source is asked which there are. */
int lt_step_plans(struct leat_pipe *pipe, const struct lt_step *step,
                  struct lt_step_plans *ret_plans, struct leat_error *err);
void lt_step_plans_done(struct lt_step_plans *plans);
/* Makes a plan of each kind the step has, without asking anybody: faults of locations and values. */
int lt_step_check(struct leat_pipe *pipe, const struct lt_step *step, struct lt_doc_faults *faults,
                  struct leat_error *err);
/* A plan whose source is the place, with the defaults for its connection. */
int lt_place_plan(struct leat_pipe *pipe, const char *text, const struct lt_yaml_node *node,
                  struct leat_plan **ret_plan, struct leat_error *err);

/* hooks.c */
struct lt_hook_facts {
    const char *pipe, *step, *status, *execution;
    const struct leat_error *error; /* NULL or LEAT_OK: none */
    int64_t rows;
};
/* Runs those of one time, until one fails. */
int lt_hooks_run(struct leat_pipe *pipe, const struct lt_hooks *hooks, enum lt_hook_time when,
                 const struct lt_hook_facts *facts, struct leat_error *err);

/* ledger.c: the step of an execution. */
int lt_ledger_begin(struct leat_pipe *pipe, const struct lt_step *step, struct leat_state *state,
                    const char *execution, char *ret_id, struct leat_error *err);

#endif
