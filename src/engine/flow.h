/* One stream's records on their way: a reader, and for every destination a queue and a part,
 * each on a thread of its own.
 *
 *     reader --(transform)--> queue --(cast)--> part     one queue and part a destination
 *     reader -----(bytes)---> queue ----------> part     passed through: one destination
 *
 * A source that can be split is read by several lanes, each with a reader and a thread of its own,
 * once a destination has waited for records: then reading is what holds the copy up.
 *
 * The first fault of any thread is kept, closes all queues and so ends the others. */
#ifndef LT_FLOW_H
#define LT_FLOW_H

#include "engine/losses.h"
#include "engine/parts.h"
#include "engine/run.h"

struct lt_flow;

/* One destination of the flow. */
struct lt_flow_dest {
    struct lt_flow *flow;
    struct lt_side *side;
    struct leat_load *load;
    uint32_t stream;           /* its index within the load */
    bool made;                 /* its columns are made of what comes */
    struct ArrowSchema schema; /* what the part takes */
    struct lt_cast *cast;
    struct lt_queue *queue;
    struct leat_part *part;
    struct leat_receipt receipt;
    uint64_t *sums;  /* per column, and of the rows; with --verify */
    int64_t rows_in; /* handed to the part */
    struct lt_cast_rejects cast_rejects;
    struct lt_stream_rejects rejects; /* of its cast and its part */
    struct lt_losses losses;          /* of its cast */
    struct lt_losses part_losses;     /* of its part */
    pthread_t thread;
    bool running;
};

/* A flow whose columns are called as at the source, or as at the destinations. */
struct lt_flow_names {
    const struct lt_flow *flow;
    bool of_source;
};

struct lt_flow {
    struct lt_run *run;
    struct lt_job *job;
    struct lt_side *source;
    struct leat_reader *reader;
    struct ArrowSchema source_schema; /* as the reader gives */
    struct ArrowSchema schema;        /* after the transform */
    struct lt_cast *cast;
    struct lt_cast_rejects cast_rejects;
    struct lt_flow_dest *dests;
    size_t n_dests;
    struct lt_stream_rejects read_rejects; /* of the reader */
    struct lt_stream_rejects rejects;      /* of the transform */
    struct lt_losses read_losses, losses;  /* the same */
    struct lt_flow_names names_source, names_destination;
    bool forward; /* the source's own bytes are handed on as they are */
    int attempt;
    _Atomic int64_t rows_read, bytes_read; /* rows as they came, before the transform */
    int64_t limit;
    struct lt_lanes *lanes; /* NULL: one reader reads it all */
    struct lt_parts *parts; /* of its only destination; NULL: each has one part */
    pthread_mutex_t mutex;  /* guards failed and error */
    bool failed;
    struct leat_error error;
};

/* A cast of the flow, and what it needs to refuse records. */
struct lt_casting {
    struct lt_flow *flow;
    struct lt_cast *cast;
    const struct ArrowSchema *from, *to;
    struct lt_cast_rejects *rejects;
    const struct lt_stream_rejects *sink;
};

/* Starts the read and makes the transform; nothing streams yet. `attempt` counts from 1. On
 * failure too the flow wants lt_flow_done(). */
int lt_flow_start(struct lt_run *run, struct lt_job *job, struct lt_side *source, int attempt,
                  struct lt_flow *ret_flow, struct leat_error *err);
/* Before the first batch: tells a reader that inferred its types what the destinations take
 * (`taken`, the schemas of their loads' streams), where that keeps more of a value. */
int lt_flow_retype(struct lt_flow *flow, const struct ArrowSchema *const *taken, size_t n_taken,
                   struct leat_error *err);
/* flow_losses.c, as all of losses. The legs' counters, before anything can be lost. */
void lt_flow_losses_init(struct lt_flow *flow);
void lt_flow_dest_losses_init(struct lt_flow_dest *dest);
/* Before the first batch, unless bytes are handed on: has the casts tell their losses. With --on-loss
 * null any column may hold nulls on the way, for values may become some; destinations check
 * theirs. */
int lt_flow_loosen(struct lt_flow *flow, struct leat_error *err);
/* Readies one destination: `taken` is the load stream's schema, copied. */
int lt_flow_dest_init(struct lt_flow *flow, struct lt_flow_dest *dest,
                      const struct ArrowSchema *taken, struct leat_error *err);
/* How the source is read, in words: what was inferred or chosen. "" where it has nothing to say. */
void lt_flow_explain(const struct lt_flow *flow, char *ret_text, size_t size);
/* Once the destinations are ready: chooses between handing the source's bytes on and batches. */
int lt_flow_choose(struct lt_flow *flow, const struct leat_load_stream *to, struct leat_error *err);
/* What a connector gave as a batch must be what it says it is: everything after it counts on
 * that. `columns` as its schema has. */
int lt_flow_check_batch(const struct lt_side *source, const struct leat_payload *payload,
                        int64_t columns, struct leat_error *err);
/* The next batch (or bytes) of one of its readers after the transform, limit and rejects; kind NONE
 * at the end. */
int lt_flow_next(struct lt_flow *flow, struct leat_reader *reader, struct leat_payload *ret_payload,
                 struct leat_error *err);
/* What its readers are started with. */
void lt_flow_read_plan(struct lt_flow *flow, struct leat_read_plan *ret_plan);
/* Moves all records; on success every destination has its sealed receipt. */
int lt_flow_run(struct lt_flow *flow, struct leat_error *err);
/* What the stream has lost on its way to one destination, by that one's columns. */
int lt_flow_lost(const struct lt_flow *flow, const struct lt_flow_dest *dest,
                 struct lt_lost *ret_lost);
/* The column, as the source names it, for which the flow failed with *err and that might be carried
 * as text instead. malloc'ed; NULL: there is none. *ret_why is what was wrong with it. */
char *lt_flow_misfit(const struct lt_flow *flow, const struct leat_error *err,
                     struct leat_error *ret_why);
/* Whether the column for which the flow failed with *err would arrive as text: it is none yet, and
 * destinations that have it have it as text, or make it. */
bool lt_flow_takes_text(const struct lt_flow *flow, const struct leat_error *err);
/* Records refused so far, on the way to all destinations. */
int64_t lt_flow_rejected(const struct lt_flow *flow);
void lt_flow_done(struct lt_flow *flow);

/* flow_cast.c. One batch from a reader or a queue; refused records are told and left out. */
int lt_flow_cast(const struct lt_casting *casting, struct leat_payload *payload,
                 struct leat_error *err);
/* flow_run.c. Keeps the first fault and ends every thread of the flow. */
void lt_flow_fail(struct lt_flow *flow, const struct leat_error *error);
/* Gives one payload to every queue: shared, not copied, where there are several. */
int lt_flow_distribute(struct lt_flow *flow, struct leat_payload *payload, struct leat_error *err);
/* lanes.c. The reading side, on the calling thread and, for more lanes, others. Ends the queues. */
void lt_flow_read(struct lt_flow *flow);
void lt_flow_lanes_done(struct lt_flow *flow);
/* Cuts the stream into partitions, at most `n`, that are read one after the other and mark their
 * payloads; adds how they are cut to the hasher. Leaves it whole where it cannot be cut. */
struct lt_hasher;
int lt_flow_cut(struct lt_flow *flow, int n, struct lt_hasher *hasher, struct leat_error *err);

/* A cast between schemas whose columns belong together by name, whatever their order.
 * [column-mismatch] when `to` has a column that `from` has not. */
int lt_cast_by_name(const struct ArrowSchema *from, const struct ArrowSchema *to,
                    struct lt_cast **ret_cast, struct leat_error *err);

#endif
