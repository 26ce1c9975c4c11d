/* One attempt at a unit: some streams of the source in one load a destination. Its files are
 *
 *     unit.c           from fresh sides to the commit, and again after a passing fault
 *     unit_plan.c      schemas, and how each destination would take them
 *     unit_text.c      columns that are carried as text
 *     unit_move.c      records, and what is checked before the commit
 *     unit_commit.c    the commit, and what became of it
 *     unit_describe.c  a plan in words
 *     resume.c         what an earlier attempt or run has sealed (resume.h) */
#ifndef LT_UNIT_H
#define LT_UNIT_H

#include "engine/flow.h"
#include "engine/resume.h"
#include "engine/run.h"

/* One destination of a unit. */
struct lt_unit_dest {
    struct lt_side **side; /* may be replaced when its connection is opened again */
    char load_id[33];
    struct leat_write_stream *streams;
    struct leat_write_plan want;
    struct leat_load_plan plan;
    bool planned, committed;
    bool lasting; /* begun, and what is written to it cannot be taken back */
    struct leat_load *load;
    struct leat_receipt *receipts;
    int64_t *rows_expected;
    struct leat_row_counts *counts; /* of the commit */
};

/* One attempt at some streams. */
struct lt_unit_try {
    struct lt_run *run;
    struct lt_side **source;
    size_t first, n, n_dests;
    struct lt_unit_dest *dests;
    struct lt_flow flow;         /* the stream at work */
    bool flow_started;           /* with one stream, before planning */
    struct ArrowSchema *schemas; /* after the transform, one a stream */
    char **source_ids;
    int attempt;
    int64_t rejected; /* records refused by flows that have ended */
    bool in_doubt;
    struct lt_resume resume;
    bool again; /* a further column is to be carried as text: to be begun afresh */
};

static inline const struct leat_load_ops *lt_unit_load_ops(const struct lt_unit_dest *dest)
{
    return (*dest->side)->connector->load;
}

static inline struct lt_job *lt_unit_job(const struct lt_unit_try *unit, size_t i)
{
    return &unit->run->jobs.items[unit->first + i];
}

/* unit.c. After a failure too the unit wants lt_unit_done(), which aborts loads still open. */
int lt_unit_init(struct lt_unit_try *unit, struct lt_run *run, struct lt_side **source,
                 struct lt_side **dests, size_t first, size_t n, struct leat_error *err);
void lt_unit_done(struct lt_unit_try *unit);
/* False of standard input, and of an embedder's stream, once something was read of it. */
bool lt_side_can_be_read_again(const struct lt_side *source);

/* unit_plan.c */
/* The schemas of the streams after the transform. Of a single stream the flow is started for it. */
int lt_unit_find_schemas(struct lt_unit_try *unit, struct leat_error *err);
/* Has destination d plan its load, and checks that everything can become what it takes. */
int lt_unit_plan(struct lt_unit_try *unit, size_t d, struct leat_error *err);
void lt_unit_release_plan(struct lt_unit_dest *dest);
/* Notes the way of stream i in its result. */
void lt_unit_note_route(struct lt_result *result, const struct lt_unit_dest *dest, size_t i,
                        bool forward);

/* unit_text.c */
/* A destination refused with *err: where that was for the type of a column of one stream, it is
 * carried as text by the next attempt. */
void lt_unit_note_refused(struct lt_unit_try *unit, struct leat_error *err);
/* The same where the flow of stream i failed for a value. */
void lt_unit_note_misfit(struct lt_unit_try *unit, size_t i, struct leat_error *err);
/* Where a column is carried as text the destination's must be text, or it is as it was. */
int lt_unit_check_texts(const struct lt_unit_try *unit, size_t i, const struct ArrowSchema *taken,
                        struct leat_error *err);

/* unit_move.c */
/* Tells a reader that inferred its types what the destinations take. */
int lt_unit_retype(struct lt_unit_try *unit, size_t i, struct leat_error *err);
/* Moves the records of stream i to all destinations, sealed and counted. */
int lt_unit_move(struct lt_unit_try *unit, size_t i, struct leat_error *err);
/* Ends the flow at work, if there is one. */
void lt_unit_end_flow(struct lt_unit_try *unit);

/* unit_commit.c */
int lt_unit_commit(struct lt_unit_try *unit, size_t d, struct leat_error *err);

#endif
