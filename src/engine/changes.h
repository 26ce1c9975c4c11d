/* What has to be done to a destination, kept until it is written: records with an op in front (d, u,
 * i), in memory while they are few and in a temporary file when they are many.
 *
 * They are read as a source is, by a connector of the engine's own, and so written by the same unit
 * as any copy: as often as it takes, in the order deletes, updates, inserts, so that a value that
 * must be unique is free before it is taken. */
#ifndef LT_CHANGES_H
#define LT_CHANGES_H

#include "columnar/gather.h"
#include "engine/run.h"
#include "engine/spill.h"

/* Name of the column that holds the op. */
#define LT_CHANGES_OP "_leat_op"

enum lt_change {
    LT_CHANGE_DELETE,
    LT_CHANGE_UPDATE,
    LT_CHANGE_REVIVE, /* an insert that finds its row, which was deleted softly */
    LT_CHANGE_INSERT,
    LT_CHANGES_N
};

struct lt_changes {
    struct ArrowSchema schema; /* the op, then the columns */
    struct lt_spill *spills[LT_CHANGES_N];
    struct lt_batch_builder building[LT_CHANGES_N]; /* without the op */
    int64_t built[LT_CHANGES_N];                    /* rows in it */
    int64_t rows[LT_CHANGES_N];                     /* all of them */
    struct lt_buf lengths[LT_CHANGES_N];            /* int64: rows of each batch */
    int64_t first, n; /* of all rows, in the order they are written, those that readers give */
};

/* For the first n columns of batches of `schema`. After a failure too it wants
 * lt_changes_done(). */
int lt_changes_init(struct lt_changes *changes, const struct ArrowSchema *schema, int64_t n_columns,
                    int64_t memory_max, struct leat_error *err);
void lt_changes_done(struct lt_changes *changes);
int lt_changes_add(struct lt_changes *changes, enum lt_change op, const struct lt_view *batch,
                   int64_t first, int64_t rows, struct leat_error *err);
/* No more will be added. */
int lt_changes_end(struct lt_changes *changes, struct leat_error *err);
int64_t lt_changes_rows(const struct lt_changes *changes);
/* What must become of the destination's rows by those that readers give. */
struct leat_row_counts lt_changes_counts(const struct lt_changes *changes);

/* Makes *ret_side a source that reads them; it owns nothing and is not to be closed. */
void lt_changes_side(struct lt_changes *changes, struct lt_run *run, struct lt_side *ret_side);
extern const struct leat_connector lt_connector_changes;

#endif
