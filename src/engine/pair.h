/* Two streams held against each other, as diff, verify and sync do.
 *
 *     pair.c     both sides opened; pair_columns.c: columns by name, common types, keys
 *     ordered.c  one side's records, cast, with their keys, read ahead by a thread
 *     sort.c     ... sorted here where the system cannot; spill.c: what memory does not hold
 *     ranges.c   key ranges whose hashes say that they need not be read
 *     match.c    the two merged: what is new, changed, deleted
 *
 *     reader --(transform)--(common type, key)--(sort)--> queue --.
 *                                                                 match --> sink
 *     reader ---------------(common type, key)--(sort)--> queue --'
 *
 * Records travel as batches of pair.schema: the key columns, the columns compared, and last the
 * key as bytes (columnar/keys.h). */
#ifndef LT_PAIR_H
#define LT_PAIR_H

#include "columnar/common.h"
#include "columnar/keys.h"
#include "engine/queue.h"
#include "engine/run.h"

struct lt_pair;
struct lt_range;
struct lt_ranges;

/* One side of it. */
struct lt_pair_side {
    struct lt_pair *pair;
    struct lt_side *side;
    bool is_source;
    struct leat_reader *reader;
    struct ArrowSchema given; /* as the reader gives */
    struct ArrowSchema own;   /* after the transform; of a destination as given */
    struct lt_cast *transform;
    struct lt_cast *cast; /* to pair.schema without the key */
    int64_t *from;        /* column of `own` for each of them */
    struct lt_key_maker keys;
    const char **columns; /* what is read, where the system can read less than all; else NULL */
    size_t n_columns;
    struct ArrowSchema texts; /* of a destination: columns that --cast has as text on both sides */
    char **order;             /* the key's columns as this side calls them; NULL-terminated */
    bool ordered;             /* its records come in that order; else they are sorted here */
    /* at work */
    struct lt_queue *queue;
    struct lt_buf last_key; /* of the batch before */
    int64_t rows;           /* read so far */
    pthread_t thread;
    bool running;
    _Atomic bool stop;  /* nothing more is wanted */
    _Atomic bool ended; /* the thread has done its work */
    bool failed;        /* valid once the queue has ended or closed */
    struct leat_error error;
    uint64_t *sums; /* unordered: a checksum a column, and one of the rows */
    /* what the match looks at */
    struct leat_payload now;
    struct lt_view view;
    bool has_view;
    int64_t at; /* row of it */
};

struct lt_pair {
    struct lt_run *run;
    struct lt_job *job;
    struct ArrowSchema schema;
    int64_t n_keys, n_columns; /* keys included, the key as bytes not */
    int64_t n_written;         /* of them those that a sync writes: the first ones */
    struct lt_common *common;  /* one a column */
    bool *padded;
    unsigned how;                                /* LT_PAIR_... */
    bool unordered;                              /* only sums are wanted: no keys, no order */
    uint64_t sample;                             /* keys whose hash is above it are left out */
    int64_t sort_bytes;                          /* memory for sorting, a side */
    struct lt_ranges *ranges;                    /* NULL: all of it is read */
    struct lt_buf only_source, only_destination; /* columns the other side lacks, for people */
    struct lt_buf coarse; /* columns compared in less than one side can say, and in what */
    struct lt_pair_side source, destination;
};

/* How a pair is to be compared. */
#define LT_PAIR_KEYLESS 1u /* there need be no key, records may come in any order */
/* To be written afterwards. Columns that the destination lacks count as nulls there, as far as
 * --schema lets them in; and finer times of the source are not cut, for they could not be written. */
#define LT_PAIR_WRITES 2u
/* A destination's record that was deleted softly counts as changed: the column that says so is
 * compared with null. */
#define LT_PAIR_SOFT 4u
/* Both are opened and their columns known; nothing is matched or can be read. */
#define LT_PAIR_COLUMNS 8u

/* Whether --columns chose what is compared: columns that only the destination has were left out. */
bool lt_pair_chooses(const struct lt_pair *pair);
/* Opens both and finds columns, types and keys; nothing streams yet. [column-mismatch],
 * [unknown-column]; [usage] without a key. After a failure too the pair wants lt_pair_done(). */
int lt_pair_open(struct lt_pair *pair, struct lt_run *run, struct lt_job *job,
                 struct lt_side *source, struct lt_side *destination, unsigned how,
                 struct leat_error *err);
/* pair_misfit.c. The comparison failed with *err: where that was for a value that only the text of a
 * system can tell (an infinite date), and both sides are of one kind and have the column in the same
 * type, the job's typing has it as text from now on, and the pair can be opened afresh: true. Not a
 * column of the key, whose order may be another as text, unless `with_keys`. */
bool lt_pair_note_misfit(struct lt_pair *pair, bool with_keys, const struct leat_error *err);
/* Finishes the readers, so that the systems may be written; what was found stays. */
void lt_pair_close(struct lt_pair *pair);
void lt_pair_done(struct lt_pair *pair);

/* pair_columns.c. From what both sides give, the schema of what is compared. */
int lt_pair_find_columns(struct lt_pair *pair, struct leat_error *err);
/* What this side reads: in order and only the columns compared, where it can; NULL: all records. */
void lt_pair_plan(const struct lt_pair_side *side, const struct leat_cursor_range *range,
                  struct leat_read_plan *ret_plan);
/* Reads again, another range of the keys. */
int lt_pair_restart(struct lt_pair_side *side, const struct leat_cursor_range *range,
                    struct leat_error *err);

/* ordered.c. Starts the threads that read. */
int lt_pair_start(struct lt_pair *pair, struct leat_error *err);
/* Of an unordered pair: starts the threads, which sum up every column, and waits for them. */
int lt_pair_sum(struct lt_pair *pair, struct leat_error *err);
/* The side's next batch into side->now and its view; LEAT_PAYLOAD_NONE at the end. What went wrong
 * while reading comes from here: [disorder], [duplicate-key], [null-key] among it. */
int lt_pair_next(struct lt_pair_side *side, struct leat_error *err);
/* Ends the threads, whatever they are at. */
void lt_pair_stop(struct lt_pair *pair);

/* What match finds. Of LEAT_NEW only a's rows count, of LEAT_DELETED only b's; of LEAT_CHANGED
 * they belong together pair by pair. Views are of pair.schema and valid for the call. Non-zero
 * stops: LT_MATCH_ENOUGH without a fault. */
#define LT_MATCH_ENOUGH (-1)
struct lt_match_rows {
    enum leat_difference_kind kind;
    const struct lt_view *a, *b;
    int64_t a_first, b_first, n;
};
typedef int lt_match_fn(void *arg, const struct lt_match_rows *rows, struct leat_error *err);

struct lt_match_counts {
    int64_t source, destination; /* rows that came */
    int64_t compared;            /* of both sides, by key */
    int64_t skipped;             /* in ranges whose hashes are equal */
    int64_t inserted, updated, deleted, unchanged;
    int64_t *columns; /* of pair.schema: changed records that differ in it */
};

/* match.c. Merges the two, which lt_pair_start() has started. `sink` NULL: only counts, which are
 * the caller's to free. */
int lt_match(struct lt_pair *pair, lt_match_fn *sink, void *arg, struct lt_match_counts *ret_counts,
             struct leat_error *err);

#endif
