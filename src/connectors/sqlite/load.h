/* A load in the making: between load.c, which fills it, and merge.c, which merges by key. */
#ifndef LT_SQ_LOAD_H
#define LT_SQ_LOAD_H

#include "connectors/sqlite/internal.h"
#include "sql/merge.h"

struct sealed_part {
    struct leat_receipt receipt;
    struct sealed_part *next;
};

struct load_stream {
    struct ArrowSchema schema; /* what parts are written in */
    char **declared;           /* the destination's declared types, a column each */
    char *insert;
    int64_t rows_before;
    int64_t rows_counted; /* exact, before the inserts, where triggers may change them; else -1 */
    int64_t top_rowid;    /* before the load; -1: what was appended cannot be told apart */
    int64_t rows;         /* inserted by sealed parts */
    char *state;          /* kept with the table before the load, as JSON; "" for none */
    char *staging;        /* modes with keys: the temporary table, quoted; else NULL */
    struct lt_merge_plan *merge; /* once it was begun */
    bool made;                   /* by this load: its indexes come with the commit */
    bool abort;                  /* the table's own ON CONFLICT clauses are overruled */
};

struct leat_load {
    struct leat_endpoint *ep;
    struct sq_conn *conn;
    const struct leat_write_plan *want;
    struct load_stream *streams;
    struct sealed_part *sealed;
    bool made_file; /* by this load: an aborted one takes it away again */
    bool part_open;
    bool merged;     /* what the temporary tables hold is in the tables */
    bool referenced; /* by other tables' foreign keys, which are checked (references.c) */
    bool committed;
};

/* Makes the temporary table of a stream of a mode with keys. */
int lt_sq_stage(struct leat_load *load, uint32_t index, struct leat_error *err);
/* Finds what merging all streams will do, then does it; at most deleted_max rows may go (-1: any
 * number). What was done before stays done. */
int lt_sq_merge(struct leat_load *load, int64_t deleted_max, struct leat_error *err);
/* What became of a stream's records. */
void lt_sq_counts(const struct leat_load *load, uint32_t index, struct leat_row_counts *ret_counts);

/* Where *err says that the table's constraints refused a row which its own ON CONFLICT clauses would
 * have let go or let replace others, the remedy says why. Returns `status`. */
int lt_sq_blame_clauses(const struct load_stream *stream, int status, struct leat_error *err);

/* references.c. Notes which rows of other tables refer to nothing in a stream's table, before the
 * merge and (`late`) after it; and fails where it has left some. */
int lt_sq_dangling(struct leat_load *load, uint32_t index, bool late, struct leat_error *err);
int lt_sq_check_dangling(struct leat_load *load, struct leat_error *err);

/* extras.c: the indexes of the tables that the load made, before its state is saved */
int lt_sq_make_indexes(struct leat_load *load, struct leat_error *err);

#endif
