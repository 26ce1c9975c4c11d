/* Casts of whole batches: columns one by one, then what is to become of values that did not fit. */
#include "columnar/cast_parts.h"

#include <stdlib.h>

/* The error of a column's first misfit, with the column as its place. */
static int misfit_error(const struct lt_cast_step *step, const struct lt_marks *misfits,
                        struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    int status;

    if (misfits->code == LT_E_NOT_NULL) {
        status = lt_fail(err, misfits->code, "%s", misfits->why);
    } else if (lt_type_print(step->from, &text) || lt_buf_puts(&text, " to ") ||
               lt_type_print(step->to, &text)) {
        status = lt_fail_oom(err);
    } else {
        status = lt_fail(err, misfits->code, "%s: %s", lt_buf_text(&text), misfits->why);
    }
    leat_error_place(err, "column \"%s\"", step->to->name ? step->to->name : "");
    lt_buf_done(&text);
    return status;
}

/* Adds the misfits of one column to those of the batch. */
static int rejects_add(struct lt_cast_rejects *rejects, const struct lt_cast_step *step,
                       int64_t column, const struct lt_marks *misfits, int64_t rows)
{
    size_t n_bytes = (size_t)(rows + 7) / 8;

    if (!rejects->drop.len) {
        if (lt_buf_reserve(&rejects->drop, n_bytes)) {
            return LEAT_NO_MEMORY;
        }
        memset(rejects->drop.data, 0, n_bytes);
        rejects->drop.len = n_bytes;
        rejects->first_row = INT64_MAX;
    }
    for (size_t i = 0; i < n_bytes; i++) {
        uint8_t fresh = misfits->bits.data[i] & (uint8_t)~rejects->drop.data[i];
        rejects->rows += __builtin_popcount(fresh);
        rejects->drop.data[i] |= fresh;
    }
    if (misfits->first_row < rejects->first_row) {
        rejects->first_row = misfits->first_row;
        rejects->first_column = column;
        leat_error_clear(&rejects->first);
        (void)misfit_error(step, misfits, &rejects->first);
    }
    return LEAT_OK;
}

/* What becomes of the misfits of a column: the end of the run, or marks. */
static int misfits_settle(struct lt_cast *cast, int64_t column, const struct lt_marks *misfits,
                          int64_t first_row_number, struct lt_cast_rejects *rejects,
                          struct leat_error *err)
{
    const struct lt_cast_step *step = &cast->columns[column];
    int status;

    if (!misfits->bits.len) {
        return LEAT_OK;
    }
    if (rejects) {
        return rejects_add(rejects, step, column, misfits, cast->view.length) ? lt_fail_oom(err)
                                                                              : LEAT_OK;
    }
    status = misfit_error(step, misfits, err);
    leat_error_place(err, "row %lld", (long long)(first_row_number + misfits->first_row));
    return status;
}

/* A column of nulls has no old column whose rows it could follow. */
static int run_nulls(struct lt_cast_step *step, int64_t rows, struct lt_misfits *misfits,
                     struct ArrowArray *ret_array, struct leat_error *err)
{
    bool refused = !(step->to->flags & ARROW_FLAG_NULLABLE) && step->builder.type.id != LT_NULL;
    int status = LEAT_OK;

    for (int64_t row = 0; !status && row < rows; row++) {
        status = lt_builder_null(&step->builder);
        if (!status && refused) {
            status = lt_misfit_mark(misfits, row, rows, LT_E_NOT_NULL, "a null where none may be");
        }
    }
    return status ? lt_fail_oom(err) : lt_builder_finish(&step->builder, ret_array, err);
}

/* A column that stays as it is, but for nulls that it may hold no more. */
static int run_same(struct lt_cast_step *step, const struct lt_view *view,
                    struct lt_misfits *misfits, struct leat_error *err)
{
    for (int64_t row = 0; step->check_nulls && row < view->length; row++) {
        const struct lt_view *value = view;
        int64_t at = row;
        if (!lt_view_resolve(&value, &at) &&
            lt_misfit_mark(misfits, row, view->length, LT_E_NOT_NULL, "a null where none may be")) {
            return lt_fail_oom(err);
        }
    }
    return LEAT_OK;
}

/* Takes column `place` out of the batch, cut to the batch's own rows. */
static int move_column(struct lt_cast *cast, struct ArrowArray *batch, int64_t place,
                       struct ArrowArray *ret_array, struct leat_error *err)
{
    struct ArrowArray *child = batch->children[place];
    int status = LEAT_OK;

    if (cast->uses[place] > 1) {
        status = lt_array_share(child, err);
        status = status ? status : lt_array_hold(child, ret_array, err);
        if (status) {
            return status;
        }
    } else {
        lt_array_move(child, ret_array);
    }
    if (batch->offset || ret_array->length != batch->length) {
        ret_array->offset += batch->offset;
        ret_array->length = batch->length;
        ret_array->null_count = ret_array->null_count ? -1 : 0;
    }
    return LEAT_OK;
}

/* Whether a value that column i cannot hold is a loss, and no misfit. */
static bool keeps_lost(const struct lt_cast *cast, int64_t i)
{
    return cast->losses &&
           (cast->losses->not_null || cast->to.children[i]->flags & ARROW_FLAG_NULLABLE);
}

static int run_column(struct lt_cast *cast, int64_t i, struct ArrowArray *ret_array,
                      struct lt_misfits *misfits, struct leat_error *err)
{
    struct lt_cast_step *step = &cast->columns[i];
    const struct lt_view *view = cast->map[i] < 0 ? NULL : &cast->view.children[cast->map[i]];

    misfits->keeps_lost = keeps_lost(cast, i);
    if (!view) {
        return run_nulls(step, cast->view.length, misfits, ret_array, err);
    }
    return step->kind == LT_CAST_SAME ? run_same(step, view, misfits, err)
                                      : lt_cast_column(step, view, misfits, ret_array, err);
}

static int run_columns(struct lt_cast *cast, int64_t first_row_number, struct ArrowArray *out,
                       struct lt_cast_rejects *rejects, struct lt_marks *lost,
                       struct leat_error *err)
{
    int status = LEAT_OK;

    for (int64_t i = 0; !status && i < cast->n_columns; i++) {
        struct lt_misfits misfits = {.bad = {.bits = LT_BUF_INIT}, .lost = {.bits = LT_BUF_INIT}};
        status = run_column(cast, i, out->children[i], &misfits, err);
        if (!status) {
            status = misfits_settle(cast, i, &misfits.bad, first_row_number, rejects, err);
        }
        if (lost) {
            lost[i] = misfits.lost; /* moved */
            misfits.lost.bits = (struct lt_buf)LT_BUF_INIT;
        }
        lt_misfits_done(&misfits);
    }
    return status;
}

/* Tells of the values column i has lost, but for those of rows that are dropped anyway. */
static int tell_lost(const struct lt_cast *cast, int64_t i, struct lt_marks *lost,
                     const struct lt_cast_rejects *rejects, int64_t first_row_number,
                     struct leat_error *err)
{
    struct lt_cast_loss loss = {.column = i, .row = -1};

    for (int64_t row = 0; lost->bits.len && row < cast->view.length; row++) {
        bool dropped = rejects && rejects->rows && rejects->drop.data[row >> 3] >> (row & 7) & 1;
        if (!dropped && lt_marked(lost, row)) {
            loss.row = loss.row < 0 ? first_row_number + row : loss.row;
            loss.values++;
        }
    }
    if (!loss.values) {
        return LEAT_OK;
    }
    (void)misfit_error(&cast->columns[i], lost, &loss.what);
    return cast->losses->lost(cast->losses->arg, &loss, err);
}

static int tell_losses(const struct lt_cast *cast, struct lt_marks *lost,
                       const struct lt_cast_rejects *rejects, int64_t first_row_number,
                       struct leat_error *err)
{
    int status = LEAT_OK;

    for (int64_t i = 0; lost && !status && i < cast->n_columns; i++) {
        status = tell_lost(cast, i, &lost[i], rejects, first_row_number, err);
    }
    return status;
}

static void lost_free(struct lt_marks *lost, int64_t n)
{
    for (int64_t i = 0; lost && i < n; i++) {
        lt_buf_done(&lost[i].bits);
    }
    free(lost);
}

int lt_cast_run(struct lt_cast *cast, struct ArrowArray *batch, int64_t first_row_number,
                struct ArrowArray *ret_batch, struct lt_cast_rejects *rejects,
                struct leat_error *err)
{
    struct ArrowArray out = {0};
    struct lt_marks *lost = NULL;
    int status;

    if (rejects) {
        lt_buf_clear(&rejects->drop);
        rejects->rows = 0;
    }
    status = lt_view_next(&cast->view, &cast->from, batch, err);
    if (!status) {
        status = lt_array_init(&out, 1, cast->n_columns, err);
    }
    if (!status && cast->losses) {
        lost = calloc((size_t)cast->n_columns + 1, sizeof *lost);
        status = lost ? LEAT_OK : lt_fail_oom(err);
    }
    if (!status) {
        out.length = batch->length;
        status = run_columns(cast, first_row_number, &out, rejects, lost, err);
        status = status ? status : tell_losses(cast, lost, rejects, first_row_number, err);
    }
    lost_free(lost, cast->n_columns);
    /* Only now, for a column may be moved and cast as well. */
    for (int64_t i = 0; !status && i < cast->n_columns; i++) {
        if (cast->map[i] >= 0 && cast->columns[i].kind == LT_CAST_SAME) {
            status = move_column(cast, batch, cast->map[i], out.children[i], err);
        }
    }
    lt_array_done(batch);
    if (status) {
        lt_array_done(&out);
        return status;
    }
    *ret_batch = out;
    return LEAT_OK;
}
