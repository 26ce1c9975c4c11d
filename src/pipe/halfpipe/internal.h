/* Halfpipe's documents from the inside: what was read of them, and steps at work.
 *
 *     types.c     the table of step types        document.c  what the text says, and its faults
 *     run.c       groups, repeating, threads      step.c      opening and pulling
 *     rows.c      columns put into batches        texts.c     values as Halfpipe's text
 *     step_*.c    the types of steps
 *
 * Steps pull: whoever reads a step asks it for its next batch, and so on down to the tables. A step
 * that nobody reads is an end, and pulled until nothing comes. Each end of a group has a thread; what
 * two of them read is given to one or the other, batch by batch. Memory is bounded by the batches
 * that are under way. */
#ifndef LT_PIPE_HALFPIPE_INTERNAL_H
#define LT_PIPE_HALFPIPE_INTERNAL_H

#include "pipe/halfpipe/halfpipe.h"

#include "columnar/array.h"
#include "columnar/builder.h"
#include "columnar/schema.h"
#include "columnar/view.h"
#include "core/codes.h"

#include <pthread.h>
#include <stdatomic.h>

#define HP_ROWS_MAX 16384              /* of batches that steps make themselves */
#define HP_MEMORY_READ "32MiB"         /* each plan that reads, */
#define HP_MEMORY_WRITE "64MiB"        /* that writes */
#define HP_HELD_MAX ((int64_t)1 << 30) /* bytes a step may hold: a product's sides, unsent rows */

/* --- the document --------------------------------------------------------------------------- */

/* One of the `steps` of a step: of FieldMapper what it does, of MergeStreamsCartesian an input. */
struct hp_part {
    const char *type;
    const struct lt_yaml_node *node, *data;
};

struct hp_def {
    const char *name;
    const struct lt_halfpipe_type *type;
    const struct lt_yaml_node *node;
    char **values;                     /* as type->keys; never NULL once checked */
    const struct lt_yaml_node **where; /* of each value; NULL: it is a default */
    struct hp_part *parts;
    size_t n_parts;
    size_t *inputs; /* indexes of the group's steps, in the order of the keys or parts */
    size_t n_inputs;
    int64_t bridged; /* ChannelBridge: index of the group whose step it reads; -1: its own */
};

enum hp_kind { HP_SEQUENTIAL, HP_REPEATING, HP_BACKGROUND };

struct hp_group {
    const char *name;
    const struct lt_yaml_node *node;
    enum hp_kind kind;
    int64_t sleep_s;
    struct hp_def *defs; /* in the order of its sequence */
    size_t n;
    bool injected; /* a MetadataInjection runs it, and nothing else */
};

struct hp_connection {
    const char *name, *type, *logical;
    char *url; /* secret; NULL: to be found by its logical name */
    const struct lt_yaml_node *node;
};

struct lt_halfpipe {
    struct leat *leat;
    const char *description;
    bool repeating;
    int64_t sleep_s, stats_s;
    struct hp_group *groups;
    size_t n_groups;
    size_t *sequence; /* indexes of groups */
    size_t n_sequence;
    struct hp_connection *connections;
    size_t n_connections;
    struct leat_param *vars, *settings;
    size_t n_vars, n_settings;
};

/* The value of a key that the step's type has. */
const char *hp_value(const struct hp_def *def, const char *key);
/* The same of LT_HP_BOOL and LT_HP_NUMBER; of a number LEAT_INVALID when it is none, which only one
 * that was put in later can be. */
bool hp_is_on(const struct hp_def *def, const char *key);
int hp_number(const struct hp_def *def, const char *key, int64_t *ret_value,
              struct leat_error *err);
/* Every "${NAME}" of the pairs replaced by its value, in one pass; the longest name counts. *ret_text
 * is malloc'ed. `from` are whole texts, such as "${NAME}". */
struct hp_swap {
    const char *from, *to;
};
char *hp_swapped(const char *text, const struct hp_swap *swaps, size_t n);

/* "a,b" or "a:b,c:d" taken apart: blanks around an element and double quotes around it go. Without
 * `pairs` rights are NULL. */
struct hp_pair {
    char *left, *right;
};
struct hp_pairs {
    struct hp_pair *items;
    size_t n;
};
int hp_pairs_parse(const char *text, bool pairs, struct hp_pairs *ret_pairs,
                   struct leat_error *err);
void hp_pairs_done(struct hp_pairs *pairs);

/* --- steps at work -------------------------------------------------------------------------- */

struct hp_step;

struct lt_halfpipe_ops {
    /* Inputs are open; fills step->schema. */
    int (*open)(struct hp_step *step, struct leat_error *err);
    /* A batch, perhaps of no rows; released (release NULL): the end. */
    int (*next)(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err);
    void (*close)(struct hp_step *step); /* also after a failed open; may be NULL */
};

/* A group at work. */
struct hp_flow {
    struct hp_run *run;
    const struct hp_group *group;
    const struct hp_swap *swaps; /* what a MetadataInjection puts in */
    size_t n_swaps;
    struct hp_step *steps;
    size_t n;
};

struct hp_step {
    const struct hp_def *def;
    struct hp_flow *flow;
    struct hp_step **inputs;
    size_t n_inputs;
    struct ArrowSchema schema; /* of its batches */
    void *state;               /* the type's own */
    pthread_mutex_t lock;      /* guards what follows; recursive calls go down the graph only */
    bool has_lock, opened, ended;
    bool failed; /* by itself: the error is its own */
    int readers;
    atomic_llong rows;
    atomic_int stage; /* 0 not begun, 1 at work, 2 done */
    atomic_llong began_us, ended_us;
};

/* Opens a step and what it reads, once. */
int hp_step_open(struct hp_step *step, struct leat_error *err);
/* The next batch with rows; released: the end. Only of an opened step. */
int hp_pull(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err);

/* A value of a part's data with what is put in, malloc'ed; NULL without memory. "" when it is not
 * there. */
char *hp_part_value(const struct hp_step *step, const struct hp_part *part, const char *key);
/* What is wrong with a part of a FieldMapper. */
int hp_mapper_check(const struct hp_part *part, struct leat_error *err);

/* run.c */
struct hp_run {
    struct lt_halfpipe *pipe;
    const struct leat_pipe_observer *observer;
    atomic_bool stop;      /* something failed, or the session was cancelled */
    pthread_mutex_t mutex; /* guards error, failed, and calls of the observer */
    pthread_cond_t changed;
    struct leat_error error;
    int failed;
    bool cancelled_by_us;
    struct hp_bridge *bridges;
    size_t n_bridges;
};
/* LEAT_CANCELLED once the run is to stop. */
int hp_run_check(struct hp_run *run, struct leat_error *err);
/* Sleeps so many milliseconds, or less: then LEAT_CANCELLED. */
int hp_run_sleep(struct hp_run *run, int64_t ms, struct leat_error *err);
/* Runs the group of that index to its end with these replacements in the data of its steps. */
int hp_run_injected(struct hp_run *run, size_t group, const struct hp_swap *swaps, size_t n,
                    struct leat_error *err);

/* bridge.c: between a step of one group and a ChannelBridge of another. */
struct hp_bridge;
int hp_bridges_make(struct hp_run *run, struct leat_error *err);
void hp_bridges_free(struct hp_run *run);
/* The bridge that reads this step from another group, or NULL. */
struct hp_bridge *hp_bridge_of(struct hp_run *run, const struct hp_group *group, const char *step);
/* Takes all that the step gives. */
int hp_bridge_feed(struct hp_bridge *bridge, struct hp_step *step, struct leat_error *err);
/* No producer will come any more: bridges end. */
void hp_bridges_end(struct hp_run *run);

/* connect.c */
/* A plan of this session with the connection as source, or as destination with that table. */
int hp_plan_source(struct hp_step *step, const char *key, struct leat_plan **ret_plan,
                   struct leat_error *err);
int hp_plan_destination(struct hp_step *step, const char *key, const char *ns, const char *table,
                        struct leat_plan *plan, struct leat_error *err);
/* [not-found] when there is no such table. */
int hp_table_check(struct hp_step *step, const char *key, const char *ns, const char *table,
                   struct leat_error *err);
int hp_plan_new(struct hp_step *step, const char *memory, enum leat_action action,
                struct leat_plan **ret_plan, struct leat_error *err);
/* Whether the document's type of connection can be used: LEAT_UNSUPPORTED names what is missing. */
int hp_connection_check(struct leat *leat, const char *type, struct leat_error *err);

/* --- rows.c --------------------------------------------------------------------------------- */

/* Adds a field to a copy of a schema, or takes the place of the one of its name. *ret_at: where. */
int hp_schema_put(struct ArrowSchema *schema, const char *format, const char *name, int64_t *ret_at,
                  struct leat_error *err);
/* [unknown-column] unless the step's input has the field; *ret_at: where. */
int hp_field(const struct hp_step *input, const char *name, int64_t *ret_at,
             struct leat_error *err);
/* Puts a column into a batch, at `at` <= its columns; takes both over, in any case. */
int hp_batch_put(struct ArrowArray *batch, int64_t at, struct ArrowArray *column,
                 struct ArrowArray *ret_batch, struct leat_error *err);
/* A batch of so many rows of these texts (NULL: null), column by column. */
int hp_constant_column(const char *format, const char *text, int64_t rows,
                       struct ArrowArray *ret_column, struct leat_error *err);

/* --- texts.c -------------------------------------------------------------------------------- */

/* One column's values as text, in the form of Halfpipe: numbers plain, dates and times as
 * YYYYMMDDTHHMMSS+hhmm (with a fraction where there is one), binary as its bytes. A null is empty. */
struct hp_texts {
    struct lt_buf bytes, ends; /* ends: int64_t, one a row */
};
int hp_texts_fill(struct hp_texts *texts, const struct lt_view *column, struct leat_error *err);
void hp_texts_done(struct hp_texts *texts);
static inline const char *hp_text_at(const struct hp_texts *texts, int64_t row, size_t *ret_len)
{
    const int64_t *ends = (const int64_t *)(const void *)texts->ends.data;
    int64_t first = row ? ends[row - 1] : 0;
    *ret_len = (size_t)(ends[row] - first);
    return lt_buf_text(&texts->bytes) + first;
}

/* A point in time by a layout of Go ("20060102T150405-0700"). */
int hp_go_time(const char *layout, int64_t seconds, int64_t nanos, bool local, struct lt_buf *out);
/* A date or timestamp as seconds and nanoseconds since 1970. */
bool hp_instant(const struct lt_view *column, int64_t row, int64_t *ret_seconds,
                int64_t *ret_nanos);
/* RFC 3339 read; false: it is none. */
bool hp_rfc3339(const char *text, int64_t *ret_seconds, int64_t *ret_nanos);

#endif
