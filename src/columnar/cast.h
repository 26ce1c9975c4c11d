/* Casts between schemas, column at a time: planned once, run for every batch.
 *
 * The lattice is one table (cast.c), from which docs/types.md is made:
 *   same     bytes are taken over as they are
 *   safe     every value fits (int32 to int64, date to timestamp(ms), anything to utf8)
 *   checked  values are checked one by one (int64 to int32, utf8 to date, float64 to int64 when
 *            integral, decimal rescale without losing digits)
 *   refused  never ([cast])
 * No cast rounds, truncates or wraps silently. */
#ifndef LT_CAST_H
#define LT_CAST_H

#include "columnar/array.h"

enum lt_cast_kind { LT_CAST_SAME, LT_CAST_SAFE, LT_CAST_CHECKED, LT_CAST_REFUSED };

/* From nullable to not nullable is LT_CAST_CHECKED at least. */
enum lt_cast_kind lt_cast_kind(const struct ArrowSchema *from, const struct ArrowSchema *to);

/* Values that did not fit, of one batch. Zero-initialise; reused between batches. */
struct lt_cast_rejects {
    struct lt_buf drop; /* bits, one a row; empty: none */
    int64_t rows;       /* how many rows are marked */
    int64_t first_row;  /* the first of them, within the batch */
    int64_t first_column;
    struct leat_error first; /* what was wrong with it: code, place `column "x"`, no value */
};

/* Values of one column and batch that their new type cannot hold. */
struct lt_cast_loss {
    int64_t column;         /* of the new schema */
    int64_t values;         /* how many */
    int64_t row;            /* number of the first one's row */
    struct leat_error what; /* what was wrong with it: code, place `column "x"`, no value */
};

struct lt_cast_losses {
    void *arg;
    bool not_null; /* of columns that may hold no null, too */
    /* LEAT_OK: they become nulls. Anything else fails the run, *err filled. */
    int (*lost)(void *arg, const struct lt_cast_loss *loss, struct leat_error *err);
};

struct lt_cast;

/* Column i of `to` is made from column `map[i]` of `from` (map NULL: i); map[i] -1 makes nulls.
 * Fails with [cast] at the first refused pair, naming the column and both types. Casting into a
 * field without ARROW_FLAG_NULLABLE rejects nulls ([not-null]). */
int lt_cast_new(const struct ArrowSchema *from, const struct ArrowSchema *to, const int64_t *map,
                struct lt_cast **ret_cast, struct leat_error *err);
/* Takes `batch` over (moved or released in any case). Columns that are LT_CAST_SAME and used once
 * are moved, not copied. With rejects NULL the first misfit fails the call, its place saying
 * `row N` (from first_row_number, counted from 1) and the column; else misfits are marked, given
 * nulls, and the call succeeds. */
int lt_cast_run(struct lt_cast *cast, struct ArrowArray *batch, int64_t first_row_number,
                struct ArrowArray *ret_batch, struct lt_cast_rejects *rejects,
                struct leat_error *err);
/* From now on values that the new type cannot hold ([value-range], [invalid-utf8] of binary) are no
 * misfits but losses, told by column after each batch; a nested value is lost whole. Texts that
 * cannot be read, and nulls where none may be, stay misfits. Borrowed; NULL: as at first. */
void lt_cast_on_loss(struct lt_cast *cast, const struct lt_cast_losses *losses);
void lt_cast_free(struct lt_cast *cast);
/* True when every column is LT_CAST_SAME (nulls need no check) and stays in its place. */
bool lt_cast_is_identity(const struct lt_cast *cast);

/* Order-independent checksum per column: the sum modulo 2^64 over rows of XXH3 of the value's
 * canonical bytes, mixed with its class (a date is no timestamp, 5 is not "5"), so that values equal
 * by canonical type have equal sums whatever the storage (int32 5 and int64 5; decimal 1.10 and
 * 1.1; dictionary or not). sums[n columns + 1] accumulates; the last is the sum over the rows of a
 * hash of all their values in the order of the columns: it tells values that changed rows. */
int lt_checksum_add(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                    uint64_t *sums, struct leat_error *err);

#endif
