/* Casting the batches of a flow, with the records that are refused on the way. */
#include "columnar/text.h"
#include "core/codes.h"
#include "engine/flow.h"

#include <stdio.h>

/* One refused record as JSON for the rejects file. */
static int record_json(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                       int64_t row, struct lt_buf *out)
{
    struct lt_view view;
    if (lt_view_init(&view, schema, batch, NULL)) {
        return LEAT_NO_MEMORY;
    }
    int rc = lt_text_format_json(&view, row, out);
    lt_view_done(&view);
    return rc;
}

/* Tells the sink of the marked rows, as they were before the cast. */
static int tell_rejects(const struct lt_casting *c, int64_t row_first,
                        const struct ArrowArray *before, struct leat_error *err)
{
    const struct lt_cast_rejects *rejects = c->rejects;
    struct lt_buf record = LT_BUF_INIT;
    char place[128];
    int rc = LEAT_OK;
    for (int64_t row = 0; !rc && row < before->length; row++) {
        if (!(rejects->drop.data[row >> 3] >> (row & 7) & 1)) {
            continue;
        }
        snprintf(place, sizeof place, "%.80s: row %lld", c->flow->job->label,
                 (long long)(row_first + row));
        lt_buf_clear(&record);
        rc = record_json(c->from, before, row, &record);
        if (rc) {
            rc = lt_fail_oom(err);
            break;
        }
        const struct leat_reject reject = {
            .size = sizeof reject,
            .place = place,
            .code = rejects->first.code[0] ? rejects->first.code : "value-range",
            .reason = row == rejects->first_row ? rejects->first.message
                                                : "a value does not fit its column's type",
            .record = lt_buf_text(&record),
            .record_len = record.len};
        rc = c->sink->sink.reject(c->sink->sink.arg, &reject, err);
    }
    lt_buf_done(&record);
    return rc;
}

/* The cast with rejects: refused rows leave the batch. A cast gives nulls for what it refuses, so
 * the batch as it was is held for the rejects file. */
static int cast_and_drop(const struct lt_casting *c, struct leat_payload *payload,
                         struct ArrowArray *ret_out, struct leat_error *err)
{
    struct ArrowArray before = {0}, out = {0}, kept = {0};
    lt_buf_clear(&c->rejects->drop);
    c->rejects->rows = 0;
    int rc = lt_array_share(&payload->batch, err);
    if (!rc) {
        rc = lt_array_hold(&payload->batch, &before, err);
    }
    if (!rc) {
        rc = lt_cast_run(c->cast, &payload->batch, payload->row_first, &out, c->rejects, err);
    }
    if (!rc && c->rejects->rows) {
        rc = tell_rejects(c, payload->row_first, &before, err);
        if (!rc) {
            rc = lt_array_filter(c->to, &out, c->rejects->drop.data, &kept, err);
        }
        if (!rc) {
            lt_array_done(&out);
            lt_array_move(&kept, &out);
        }
    }
    lt_array_done(&before);
    if (rc) {
        lt_array_done(&out);
        return rc;
    }
    lt_array_move(&out, ret_out);
    return LEAT_OK;
}

int lt_flow_cast(const struct lt_casting *c, struct leat_payload *payload, struct leat_error *err)
{
    struct ArrowArray out = {0};
    if (lt_cast_is_identity(c->cast)) {
        return LEAT_OK;
    }
    int rc;
    if (c->flow->run->rejects) {
        rc = cast_and_drop(c, payload, &out, err);
    } else {
        rc = lt_cast_run(c->cast, &payload->batch, payload->row_first, &out, NULL, err);
        if (rc) {
            leat_error_place(err, "%s", c->flow->job->label); /* it says row and column */
        }
    }
    if (rc) {
        return rc;
    }
    lt_array_move(&out, &payload->batch);
    payload->rows = payload->batch.length;
    return LEAT_OK;
}
