/* One stream's delta: what changed since the last time, range by range.
 *
 *     delta.c         from the watermark to the last range; each range is a unit's load
 *     delta_setup.c   keys, strategy, cursor: what the options and the two sides make of it
 *     delta_bounds.c  where it begins and ends, and how far the watermark may go
 *     delta_marks.c   sources without cursors: files that are new since the last mark
 *
 * Everything up to the watermark is at the destination. A run reads the records above it, up to an
 * end that is fixed before anything is read. It may move the watermark only as far as the source
 * can say that nothing will still turn up below: past the start of its oldest transaction records
 * may be stamped already and not be visible yet. Where records that are there already do no harm
 * (`keyed`) those above that line are read all the same, and again the next time. */
#ifndef LT_DELTA_H
#define LT_DELTA_H

#include "engine/cursor.h"
#include "engine/run.h"
#include "engine/watermark.h"

struct lt_delta {
    struct lt_run *run;
    struct lt_job *job;
    size_t index; /* of the job */
    struct lt_side **source, **dest;
    char *key; /* of its watermark */

    /* delta_setup.c */
    struct lt_cursor cursor;
    struct ArrowSchema schema; /* of the source */
    char **keys;               /* as the destination calls them; NULL-terminated */
    size_t n_keys;
    bool keys_declared; /* they are the source's own: no two records have the same */
    const char *cursor_to[LEAT_CURSOR_COLUMNS_MAX]; /* the cursor as the destination calls it */
    const char *deleted, *op;
    enum leat_write_mode mode;
    bool keyed; /* a record that is there already is absorbed */
    uint32_t flags;
    bool given;    /* by a program, as a stream: all of it is what changed, and nothing is kept */
    bool by_state; /* the watermark is kept in the destination's state */
    bool moves;    /* this run may move it */

    /* delta_bounds.c */
    struct lt_watermark before;
    bool fresh;                   /* the destination's stream is not there */
    int64_t rows_before;          /* what it holds, where that was probed; -1: some, not counted */
    bool with_nulls;              /* records without a cursor are to be read */
    struct lt_cursor_row low;     /* the first record to be read; not set: all from the beginning */
    struct lt_cursor_row high;    /* the last; not set: there is none */
    struct lt_cursor_row safe;    /* how far the watermark may go; not set: nowhere */
    struct lt_cursor_row reached; /* where it stands */

    /* over all ranges, also those of earlier attempts */
    struct leat_stream_result sum;
    int64_t ranges;
    bool made_by_other; /* another run made the table, or its watermark, after it was looked at */
    bool load_failed;   /* and was tried again as often as it may */
};

/* --full-refresh: until its first range has replaced what was there. */
static inline bool lt_delta_refreshes(const struct lt_delta *delta)
{
    return delta->ranges == 0 && lt_settings_bool(&delta->run->plan->settings, "full-refresh");
}

/* Copies what changed of one job, as lt_unit_run() copies it whole. */
int lt_delta_run(struct lt_run *run, struct lt_side **source, struct lt_side **dest, size_t job,
                 struct leat_error *err);

/* The same up to the plan: appends its description. */
int lt_delta_describe(struct lt_run *run, struct lt_side **source, struct lt_side **dest,
                      size_t job, struct lt_buf *out, struct leat_error *err);

/* delta_setup.c. Reads the source's schema; all that the options say of this stream. */
int lt_delta_setup(struct lt_delta *delta, struct leat_error *err);
/* What stands at the destination before the first range, where that matters. */
int lt_delta_probe(struct lt_delta *delta, struct leat_error *err);

/* delta_bounds.c. Fixes where the run begins and ends. `high` not set: nothing is to be read. */
int lt_delta_find_bounds(struct lt_delta *delta, struct leat_error *err);
/* The last record of the range that begins at `low`, into *ret_last. */
int lt_delta_range_end(struct lt_delta *delta, struct lt_cursor_row *ret_last,
                       struct leat_error *err);
/* The first record behind `last`, not past `high`; not set: there is none. */
int lt_delta_range_next(struct lt_delta *delta, const struct lt_cursor_row *last,
                        struct lt_cursor_row *ret_low, struct leat_error *err);

/* delta_marks.c. The whole of a run by marks. */
int lt_delta_run_marks(struct lt_delta *delta, struct leat_error *err);

/* delta.c. There is nothing to load: says so, and what differs between the stream's columns and the
 * table's. */
int lt_delta_note_nothing(struct lt_delta *delta, struct lt_slice *slice, struct leat_error *err);
/* One load of what the slice says, over what the setup did. */
int lt_delta_load(struct lt_delta *delta, struct lt_slice *slice, struct leat_error *err);
/* The slice that every load of this delta has in common. */
void lt_delta_slice(const struct lt_delta *delta, struct lt_slice *ret_slice);
/* Shows the watermark before and after in the report. */
int lt_delta_note(struct lt_delta *delta, const char *before, const char *after,
                  struct leat_error *err);
static inline struct lt_result *lt_delta_result(const struct lt_delta *delta)
{
    return lt_run_result(delta->run, delta->index, 0);
}

#endif
