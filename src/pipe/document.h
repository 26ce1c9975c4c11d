/* A pipe's document as it was read: steps, streams, hooks, and the options they chose, each with its
 * place in the text. Everything of it is in one arena, or borrowed from the tree of nodes. */
#ifndef LT_PIPE_DOCUMENT_H
#define LT_PIPE_DOCUMENT_H

#include "core/arena.h"
#include "leat/leat.h"
#include "leat/pipe.h"
#include "pipe/cron.h"
#include "pipe/faults.h"
#include "pipe/yaml.h"

#define LT_STEPS_MAX 10000
#define LT_DESTINATIONS_MAX 32
/* Documents that run each other. */
#define LT_PIPE_NESTING_MAX 8

/* An option that was chosen; of a list several of one name follow each other. */
struct lt_choice {
    const char *name, *value;
    const struct lt_yaml_node *node; /* where it stands; NULL: not in the document */
};
struct lt_choices {
    struct lt_choice *items;
    size_t n;
};

/* A word of `mode`: the action of a plan, and the option it stands for. */
struct lt_mode {
    const char *word;
    enum leat_action action;
    const char *option; /* NULL: none */
    bool is_key;        /* it may stand as a step's key, with the source */
    const char *help;
};
extern const struct lt_mode lt_modes[]; /* ends with a NULL word; the first is the usual one */

struct lt_text {
    const char *text;                /* variables replaced; NULL: nothing was said */
    const struct lt_yaml_node *node; /* where it stands */
};

struct lt_texts {
    struct lt_text *items;
    size_t n;
};

/* What is said of some streams. */
struct lt_rule {
    struct lt_text pattern;
    const struct lt_mode *mode; /* NULL: the step's */
    struct lt_text to;
    bool skip, wild, query;
    struct lt_choices choices;
};

enum lt_hook_kind { LT_HOOK_SQL, LT_HOOK_COMMAND, LT_HOOK_WEBHOOK };
enum lt_hook_time { LT_HOOK_BEFORE, LT_HOOK_AFTER, LT_HOOK_ON_ERROR, LT_HOOK_TIMES };

struct lt_hook {
    enum lt_hook_kind kind;
    const struct lt_yaml_node *node;
    struct lt_text what; /* statements, command, URL */
    struct lt_text in;   /* the connection of statements */
    const char *method;
    const struct lt_yaml_node *headers, *body;
    int64_t timeout_ms;
};
struct lt_hooks {
    struct lt_hook *items[LT_HOOK_TIMES];
    size_t n[LT_HOOK_TIMES];
};

enum lt_step_kind { LT_STEP_PLAN, LT_STEP_SQL, LT_STEP_PIPE };
enum lt_step_when { LT_WHEN_SUCCESS, LT_WHEN_FAILED, LT_WHEN_ALWAYS };

struct lt_step {
    const struct lt_yaml_node *node;
    const char *name;
    enum lt_step_kind kind;
    enum lt_step_when when;
    const struct lt_mode *mode; /* of a plan */
    struct lt_text from, sql, in, pipe;
    struct lt_texts to, needs;
    size_t *needed; /* the steps of `needs`, needs.n of them */
    struct lt_choices choices;
    struct lt_rule *rules;
    size_t n_rules;
    bool has_streams;
    const struct leat_param *vars; /* for the pipe */
    size_t n_vars;
    struct lt_hooks hooks;
    struct lt_texts files; /* that it names: SQL */
    struct leat_pipe *nested;
};

struct lt_document {
    struct lt_arena arena;
    struct lt_yaml *yaml;
    struct leat *leat;
    const char *path, *name, *description;
    const struct lt_yaml_node *root;
    const struct leat_param *given; /* variables by the caller: copies */
    size_t n_given;
    struct lt_text *vars; /* the document's own, by the names beside them */
    const char **var_names;
    size_t n_vars;
    struct lt_text *connections;
    const char **connection_names;
    size_t n_connections;
    struct lt_choices defaults;
    int64_t every_ms; /* 0: not said */
    struct lt_cron *cron;
    struct lt_hooks hooks;
    struct lt_step *steps;
    size_t n_steps;
    size_t *order;                   /* of the steps, as they run */
    int depth;                       /* of documents in documents */
    const struct lt_document *outer; /* while it is opened: the one that runs it; NULL: none */
};

/* read.c. Reads the tree of doc->yaml into the rest. LEAT_OK also with faults. */
int lt_document_read(struct lt_document *doc, struct lt_doc_faults *faults, struct leat_error *err);
/* A file's name without folder and ending; NULL without memory. */
const char *lt_document_stem(struct lt_document *doc, const char *path);
void lt_document_done(struct lt_document *doc);

/* The name of a document without one: its file's without folder and ending. NULL without memory. */
const char *lt_document_stem(struct lt_document *doc, const char *path);
/* vars.c. The text of a scalar with its variables replaced; "" after a fault (also: it is no
 * scalar, or null). `what` names it in the fault. */
const char *lt_document_text(struct lt_document *doc, struct lt_doc_faults *faults,
                             const struct lt_yaml_node *node, const char *what);
/* The same of any text; NULL without memory. */
const char *lt_document_expand(struct lt_document *doc, struct lt_doc_faults *faults,
                               const struct lt_yaml_node *node, const char *text);

/* options.c */
/* The option of plans or connectors; *ret_plan (may be NULL): of plans. NULL: there is none. */
const struct leat_option *lt_document_option(struct lt_document *doc, const char *name,
                                             bool *ret_plan);
/* Reads what was chosen for an option, checked. */
void lt_document_choose(struct lt_document *doc, struct lt_doc_faults *faults,
                        const struct leat_option *option, const struct lt_yaml_node *node,
                        struct lt_choices *choices);
void lt_choices_add(struct lt_arena *arena, struct lt_choices *choices, const char *name,
                    const char *value, const struct lt_yaml_node *node);
/* Adds those of `over`, which take the place of all of their names. */
void lt_choices_over(struct lt_arena *arena, struct lt_choices *choices,
                     const struct lt_choices *over);
bool lt_choices_equal(const struct lt_choices *a, const struct lt_choices *b);
/* Whether a value is written without quotes: a number, true, false. */
bool lt_is_word(const struct leat_option *option, const char *value);
const char *lt_choices_find(const struct lt_choices *choices, const char *name);

/* read_step.c */
void lt_read_step(struct lt_document *doc, struct lt_doc_faults *faults,
                  const struct lt_yaml_node *node, const char *name, struct lt_step *step);
/* Whether the key is one of steps, and not an option. */
bool lt_is_step_key(const char *key);
/* read_hooks.c */
void lt_read_hooks(struct lt_document *doc, struct lt_doc_faults *faults,
                   const struct lt_yaml_node *node, struct lt_hooks *hooks);
/* streams of a step. */
void lt_read_streams(struct lt_document *doc, struct lt_doc_faults *faults,
                     const struct lt_yaml_node *node, struct lt_step *step);

/* place.c. The location with a connection of the document replaced by what it stands for; in the
 * arena `to`, NULL without memory. */
const char *lt_place_resolve(const struct lt_document *doc, struct lt_arena *to, const char *text);
/* A stream, by its name or a pattern, at a location: in the location's namespace, unless it has one
 * of its own. */
const char *lt_place_stream(const struct lt_document *doc, struct lt_arena *to, const char *text,
                            const char *stream);
/* What of the location names a stream or namespace; "" for nothing. */
const char *lt_place_rest(const struct lt_document *doc, struct lt_arena *to, const char *text);

#endif
