/* Two streams in key order, merged. Most records of two tables worth comparing are the same, so
 * the work goes by runs: keys that are the same at the same distance, then their columns one by
 * one; only where keys part is one looked at by itself. */
#include "columnar/equal.h"
#include "core/codes.h"
#include "core/util.h"
#include "engine/pair.h"
#include "engine/ranges.h"

#include <stdlib.h>

struct match {
    struct lt_pair *pair;
    lt_match_fn *sink;
    void *arg;
    struct lt_match_counts *counts;
    struct lt_buf differs; /* a byte a row: in any column */
    struct lt_buf column;  /* the same of one column */
};

static const struct lt_view *keys_of(const struct lt_pair_side *side)
{
    return &side->view.children[side->pair->n_columns];
}

static int tell(struct match *match, enum leat_difference_kind kind, int64_t n,
                struct leat_error *err)
{
    const struct lt_pair_side *a = &match->pair->source, *b = &match->pair->destination;
    const struct lt_match_rows rows = {kind, &a->view, &b->view, a->at, b->at, n};
    struct lt_match_counts *counts = match->counts;
    int64_t *of = kind == LEAT_NEW       ? &counts->inserted
                  : kind == LEAT_DELETED ? &counts->deleted
                                         : &counts->updated;
    *of += n;
    return match->sink ? match->sink(match->arg, &rows, err) : LEAT_OK;
}

/* The columns of n records whose keys are the same. */
static int compare_columns(struct match *match, int64_t n, bool *ret_any, struct leat_error *err)
{
    const struct lt_pair *pair = match->pair;
    const struct lt_pair_side *a = &pair->source, *b = &pair->destination;
    size_t rows = (size_t)n;
    lt_buf_clear(&match->differs);
    lt_buf_clear(&match->column);
    if (lt_buf_reserve(&match->differs, rows) || lt_buf_reserve(&match->column, rows)) {
        return lt_fail_oom(err);
    }
    memset(match->differs.data, 0, rows);
    *ret_any = false;
    for (int64_t c = pair->n_keys; c < pair->n_columns; c++) {
        uint8_t *column = match->column.data, *all = match->differs.data;
        int64_t changed = 0;
        memset(column, 0, rows);
        if (lt_equal_column(&a->view.children[c], a->at, &b->view.children[c], b->at, n,
                            pair->padded[c], column)) {
            return lt_fail_oom(err);
        }
        for (size_t k = 0; k < rows; k++) {
            all[k] |= column[k];
            changed += column[k];
        }
        match->counts->columns[c] += changed;
        *ret_any = *ret_any || changed;
    }
    return LEAT_OK;
}

/* n records whose keys are the same: those that differ, in runs. */
static int same_keys(struct match *match, int64_t n, struct leat_error *err)
{
    struct lt_pair_side *a = &match->pair->source, *b = &match->pair->destination;
    bool any = false;
    int rc = compare_columns(match, n, &any, err);
    match->counts->compared += n;
    int64_t k = 0, updated = match->counts->updated;
    while (!rc && any && k < n) {
        int64_t from = k;
        while (k < n && !match->differs.data[k]) {
            k++;
        }
        a->at += k - from;
        b->at += k - from;
        from = k;
        while (k < n && match->differs.data[k]) {
            k++;
        }
        rc = k > from ? tell(match, LEAT_CHANGED, k - from, err) : LEAT_OK;
        a->at += k - from;
        b->at += k - from;
    }
    a->at += n - k;
    b->at += n - k;
    match->counts->unchanged += n - (match->counts->updated - updated);
    return rc;
}

/* What both sides have in hand, until one of them needs more. */
static int merge_batches(struct match *match, struct leat_error *err)
{
    struct lt_pair_side *a = &match->pair->source, *b = &match->pair->destination;
    const struct lt_view *x = keys_of(a), *y = keys_of(b);
    int rc = LEAT_OK;
    while (!rc && a->at < x->length && b->at < y->length) {
        int64_t n = LT_MIN(x->length - a->at, y->length - b->at);
        int64_t same = lt_keys_same(x, a->at, y, b->at, n);
        if (same) {
            rc = same_keys(match, same, err);
        } else if (lt_key_compare(x, a->at, y, b->at) < 0) {
            n = lt_keys_below(x, a->at, y, b->at);
            rc = tell(match, LEAT_NEW, n, err);
            a->at += n;
        } else {
            n = lt_keys_below(y, b->at, x, a->at);
            rc = tell(match, LEAT_DELETED, n, err);
            b->at += n;
        }
    }
    return rc;
}

/* A batch that has been seen through gives way to the next; *ret_there: there is one. */
static int refill(struct lt_pair_side *side, bool *ret_there, struct leat_error *err)
{
    int rc = LEAT_OK;
    while (!rc && side->now.kind != LEAT_PAYLOAD_NONE && side->at == side->view.length) {
        rc = lt_pair_next(side, err);
    }
    *ret_there = side->now.kind != LEAT_PAYLOAD_NONE;
    return rc;
}

/* The records of one side that are left when the other has ended. */
static int drain(struct match *match, struct lt_pair_side *side, enum leat_difference_kind kind,
                 struct leat_error *err)
{
    bool there = true;
    int rc = refill(side, &there, err);
    while (!rc && there) {
        rc = tell(match, kind, side->view.length - side->at, err);
        side->at = side->view.length;
        rc = rc ? rc : refill(side, &there, err);
    }
    return rc;
}

static int merge(struct match *match, struct leat_error *err)
{
    struct lt_pair *pair = match->pair;
    bool a_there, b_there;
    int rc = lt_pair_next(&pair->source, err);
    rc = rc ? rc : lt_pair_next(&pair->destination, err);
    while (!rc) {
        rc = refill(&pair->source, &a_there, err);
        rc = rc ? rc : refill(&pair->destination, &b_there, err);
        if (rc || !a_there || !b_there) {
            break;
        }
        rc = merge_batches(match, err);
    }
    rc = rc ? rc : drain(match, &pair->source, LEAT_NEW, err);
    return rc ? rc : drain(match, &pair->destination, LEAT_DELETED, err);
}

int lt_match(struct lt_pair *pair, lt_match_fn *sink, void *arg, struct lt_match_counts *ret_counts,
             struct leat_error *err)
{
    struct match match = {.pair = pair, .sink = sink, .arg = arg, .counts = ret_counts};
    *ret_counts = (struct lt_match_counts){
        .columns = calloc((size_t)pair->n_columns + 1, sizeof *ret_counts->columns)};
    int rc = ret_counts->columns ? merge(&match, err) : lt_fail_oom(err);
    if (!rc || rc == LT_MATCH_ENOUGH) {
        int64_t skipped = pair->ranges ? pair->ranges->rows_skipped : 0;
        ret_counts->source = pair->source.rows + skipped;
        ret_counts->destination = pair->destination.rows + skipped;
        ret_counts->skipped = skipped;
    }
    lt_buf_done(&match.differs);
    lt_buf_done(&match.column);
    return rc == LT_MATCH_ENOUGH ? LEAT_OK : rc;
}
