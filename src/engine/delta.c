#include "engine/delta.h"

#include "columnar/schema.h"
#include "core/codes.h"
#include "core/util.h"
#include "engine/unit.h"

#include <stdio.h>
#include <stdlib.h>

static void delta_done(struct lt_delta *delta)
{
    lt_cursor_done(&delta->cursor);
    lt_schema_done(&delta->schema);
    lt_list_free(delta->keys);
    lt_watermark_done(&delta->before);
    lt_cursor_row_done(&delta->low);
    lt_cursor_row_done(&delta->high);
    lt_cursor_row_done(&delta->safe);
    lt_cursor_row_done(&delta->reached);
    free(delta->key);
}

/* --- the report ----------------------------------------------------------------------------- */

int lt_delta_note(struct lt_delta *delta, const char *before, const char *after,
                  struct leat_error *err)
{
    struct lt_result *result = lt_delta_result(delta);
    int rc = lt_result_set_text(&result->watermark_before, &result->pub.watermark_before, before);
    rc =
        rc ? rc : lt_result_set_text(&result->watermark_after, &result->pub.watermark_after, after);
    return rc ? lt_fail_oom(err) : LEAT_OK;
}

static int note_rows(struct lt_delta *delta, const struct lt_cursor_row *before,
                     struct leat_error *err)
{
    char *was = lt_cursor_row_print(&delta->cursor, before);
    char *is = lt_cursor_row_print(&delta->cursor, &delta->reached);
    int rc = was && is ? lt_delta_note(delta, was, is, err) : lt_fail_oom(err);
    free(was);
    free(is);
    return rc;
}

static void add(struct leat_stream_result *sum, const struct leat_stream_result *more)
{
    sum->rows_read += more->rows_read;
    sum->rows_written += more->rows_written;
    sum->rows_rejected += more->rows_rejected;
    sum->bytes += more->bytes;
    sum->counts.inserted += more->counts.inserted;
    sum->counts.updated += more->counts.updated;
    sum->counts.deleted += more->counts.deleted;
    sum->counts.unchanged += more->counts.unchanged;
    sum->counts.superseded += more->counts.superseded;
}

/* What all ranges did together, over what the last one's load has noted. */
static void show_sum(struct lt_delta *delta)
{
    struct leat_stream_result *pub = &lt_delta_result(delta)->pub;
    const struct leat_stream_result *sum = &delta->sum;
    pub->rows_read = sum->rows_read;
    pub->rows_written = sum->rows_written;
    pub->rows_rejected = sum->rows_rejected;
    pub->bytes = sum->bytes;
    pub->counts = sum->counts;
    pub->counts.size = sizeof pub->counts;
}

/* --- loads ---------------------------------------------------------------------------------- */

void lt_delta_slice(const struct lt_delta *delta, struct lt_slice *ret_slice)
{
    bool named = delta->cursor.n > 0;
    for (size_t i = 0; i < delta->cursor.n; i++) {
        named = named && delta->cursor_to[i];
    }
    *ret_slice = (struct lt_slice){.mode = delta->mode,
                                   .flags = delta->flags,
                                   .keys = (const char *const *)delta->keys,
                                   .n_keys = delta->n_keys,
                                   .cursor = named ? delta->cursor_to : NULL,
                                   .n_cursor = named ? delta->cursor.n : 0,
                                   .deleted = delta->deleted,
                                   .op = delta->op,
                                   .deletes_max = -1};
    if (!delta->n_keys || !delta->keyed) {
        ret_slice->keys = NULL;
        ret_slice->n_keys = 0;
    }
}

/* Whether no two records can have one key: it is the source's own. What files declare was true of
 * the table that they came from; a directory of deltas has every version of a record. */
static bool has_one_record_a_key(const struct lt_delta *delta)
{
    return delta->keys_declared && !(*delta->source)->connector->source->mark;
}

static bool may_empty(const struct lt_delta *delta)
{
    return lt_settings_bool(&delta->run->plan->settings, "allow-empty");
}

/* A table that is not there yet is made and filled as by a copy, the fast way, where no two records
 * can be of one row; --full-refresh replaces what is there. Where several records can be of one row
 * it is merged, so that the latest stays, and what it does not bring goes. */
static void begin_afresh(const struct lt_delta *delta, struct lt_slice *slice)
{
    bool refresh = lt_delta_refreshes(delta);
    bool plain = delta->fresh && has_one_record_a_key(delta) && !delta->deleted &&
                 (delta->mode == LEAT_MERGE || delta->mode == LEAT_DELETE_INSERT);
    bool merges = delta->keyed && (delta->mode == LEAT_MERGE || delta->mode == LEAT_DELETE_INSERT);
    if (refresh && merges && !has_one_record_a_key(delta)) {
        slice->flags |= LEAT_WRITE_ALONE;
    } else if (refresh || (plain && delta->ranges == 0)) {
        slice->mode = LEAT_REPLACE;
        slice->flags |= refresh ? LEAT_WRITE_FORCE : LEAT_WRITE_ALLOW_EMPTY;
        slice->flags |= may_empty(delta) ? LEAT_WRITE_ALLOW_EMPTY : 0;
    }
}

int lt_delta_note_nothing(struct lt_delta *delta, struct lt_slice *slice, struct leat_error *err)
{
    struct lt_result *result = lt_delta_result(delta);
    begin_afresh(delta, slice);
    slice->nothing = true;
    delta->job->slice = slice;
    int rc = lt_unit_note_drift(delta->run, *delta->source, delta->dest, delta->index, err);
    delta->job->slice = NULL;
    if (!rc) {
        result->pub.committed = true;
        result->pub.attempts = 1;
        rc = lt_result_set_text(&result->route, &result->pub.route, "nothing new")
                 ? lt_fail_oom(err)
                 : LEAT_OK;
    }
    return rc;
}

/* Rows that another run brought meanwhile are refused by a unique key before the watermark is held
 * against the one that this run began with. */
static int explain_refused(struct lt_delta *delta, struct leat_error *err)
{
    const struct leat_stream_name name = {delta->job->dest_ns[0], delta->job->dest_names[0]};
    const struct lt_cursor *cursor = delta->cursor.n ? &delta->cursor : NULL;
    const char *before = delta->before.value ? delta->before.value : "";
    struct lt_watermark now = {0};
    int rc = lt_side_freshen(delta->dest, false, NULL);
    rc = rc ? rc : lt_watermark_read(*delta->dest, &name, delta->key, cursor, &now, NULL);
    bool moved = !rc && strcmp(now.value ? now.value : "", before) != 0;
    lt_watermark_done(&now);
    if (!moved) {
        return LEAT_BAD_DATA;
    }
    char why[sizeof err->message];
    snprintf(why, sizeof why, "%s", err ? err->message : "");
    return lt_fail(err, LT_E_CONFLICT,
                   "another run moved the watermark on since this one began: %s", why);
}

int lt_delta_load(struct lt_delta *delta, struct lt_slice *slice, struct leat_error *err)
{
    struct lt_result *result = lt_delta_result(delta);
    begin_afresh(delta, slice);
    result->partly =
        delta->ranges > 0 ? "new rows up to the watermark; the rest is still to come" : NULL;
    slice->absent = delta->fresh && delta->ranges == 0;
    result->pub.committed = false;
    delta->job->slice = slice;
    int rc = lt_unit_run(delta->run, delta->source, delta->dest, delta->index, 1, err);
    delta->job->slice = NULL;
    if (!rc) {
        add(&delta->sum, &result->pub);
        delta->ranges++;
    }
    if (rc == LEAT_BAD_DATA && slice->n_state) {
        rc = explain_refused(delta, err);
    }
    /* Where the table is there by now, so may be a watermark: both are read anew. */
    delta->made_by_other = rc == LEAT_CONFLICT && slice->absent;
    delta->load_failed = rc != LEAT_OK && !delta->made_by_other;
    return rc;
}

/* Whether all up to `last` being there moves the watermark, and where to. */
static bool moves_to(const struct lt_delta *delta, const struct lt_cursor_row *last,
                     const struct lt_cursor_row **ret_row)
{
    const struct lt_cursor *cursor = &delta->cursor;
    if (!delta->moves || !lt_cursor_row_is_set(&delta->safe)) {
        return false;
    }
    *ret_row = lt_cursor_compare(cursor, last, &delta->safe) < 0 ? last : &delta->safe;
    return !lt_cursor_row_is_set(&delta->reached) ||
           lt_cursor_compare(cursor, *ret_row, &delta->reached) > 0;
}

/* The watermark's row of state, for a load that brings it to `row`; NULL removes it. */
static int make_state(const struct lt_delta *delta, const struct lt_cursor_row *row,
                      struct leat_state_row *ret_state, char **ret_value, struct leat_error *err)
{
    int rc = row ? lt_watermark_print(&delta->cursor, row, ret_value, err) : LEAT_OK;
    *ret_state = (struct leat_state_row){.key = delta->before.key,
                                         .value = *ret_value,
                                         .before = delta->before.value,
                                         .check = true};
    return rc;
}

/* What the watermark is after a load that moved it. */
static int moved(struct lt_delta *delta, const struct lt_cursor_row *row, char **value,
                 struct leat_error *err)
{
    if (*value) {
        free(delta->before.value);
        delta->before.value = *value;
        *value = NULL;
    }
    return lt_cursor_row_copy(row, &delta->reached, err);
}

/* Loads the records from delta->low to `last`. */
static int load_range(struct lt_delta *delta, const struct lt_cursor_row *last,
                      struct leat_error *err)
{
    const struct lt_cursor_row *row = NULL;
    struct leat_state_row own;
    struct lt_slice slice;
    char *value = NULL;
    const struct leat_cursor_range range = {
        .size = sizeof range,
        .columns = delta->cursor.names,
        .n_columns = delta->cursor.n,
        .low = lt_cursor_row_is_set(&delta->low) ? (const char *const *)delta->low.texts : NULL,
        .high = (const char *const *)last->texts,
        .low_inclusive = true,
        .high_inclusive = true,
        .with_nulls = delta->with_nulls && delta->ranges == 0};
    bool moves = moves_to(delta, last, &row);
    lt_delta_slice(delta, &slice);
    slice.range = &range;
    bool keeps = moves && delta->by_state;
    int rc = keeps ? make_state(delta, row, &own, &value, err) : LEAT_OK;
    slice.state = &own;
    slice.n_state = keeps;
    rc = rc ? rc : lt_delta_load(delta, &slice, err);
    if (!rc && moves) {
        rc = moved(delta, row, &value, err);
    }
    free(value);
    return rc;
}

static int load_ranges(struct lt_delta *delta, struct leat_error *err)
{
    struct lt_cursor_row last = {{NULL}};
    int rc = LEAT_OK;
    do {
        rc = lt_delta_range_end(delta, &last, err);
        rc = rc ? rc : load_range(delta, &last, err);
        rc = rc ? rc : lt_delta_range_next(delta, &last, &delta->low, err);
        lt_cursor_row_done(&last);
    } while (!rc && lt_cursor_row_is_set(&delta->low));
    return rc;
}

/* Nothing is above the watermark. A table that is not there is made all the same, one that is to be
 * refreshed emptied, and records without a cursor are taken. */
static int load_rest(struct lt_delta *delta, struct leat_error *err)
{
    struct lt_slice slice;
    struct leat_state_row own;
    char *value = NULL;
    bool refresh = lt_delta_refreshes(delta);
    const struct leat_cursor_range range = {.size = sizeof range,
                                            .columns = delta->cursor.names,
                                            .n_columns = delta->cursor.n,
                                            .low = lt_cursor_row_is_set(&delta->reached)
                                                       ? (const char *const *)delta->reached.texts
                                                       : NULL,
                                            .with_nulls = true};
    lt_delta_slice(delta, &slice);
    slice.range = delta->with_nulls ? &range : NULL;
    slice.nothing = !delta->with_nulls;
    if (slice.nothing && !delta->fresh && !refresh) {
        return lt_delta_note_nothing(delta, &slice, err);
    }
    if (slice.nothing && refresh && delta->rows_before && !may_empty(delta)) {
        return lt_fail(err, LT_E_EMPTY_SOURCE, "no rows would replace those there are");
    }
    bool goes = refresh && delta->before.value;
    int rc = goes ? make_state(delta, NULL, &own, &value, err) : LEAT_OK;
    slice.state = &own;
    slice.n_state = goes;
    rc = rc ? rc : lt_delta_load(delta, &slice, err);
    return rc;
}

/* --- the watermark -------------------------------------------------------------------------- */

static bool tells_bounds(const struct lt_side *side)
{
    return side->connector->source && side->connector->source->bounds;
}

/* The least and greatest cursor among the destination's own rows, those of `range` or all. Where it
 * is not there yet they are empty. *ret_bounds is the caller's to release also after a failure. */
static int ask_target(const struct lt_delta *delta, const struct leat_cursor_range *range,
                      struct leat_bounds *ret_bounds, struct leat_error *err)
{
    struct lt_side *dest = *delta->dest;
    const struct leat_read_plan plan = {
        .size = sizeof plan,
        .stream = {delta->job->dest_ns[0], delta->job->dest_names[0]},
        .cursor = range,
        .limit = -1,
        .params = dest->params,
        .n_params = dest->n_params};
    *ret_bounds = (struct leat_bounds){.size = sizeof *ret_bounds, .empty = true};
    int rc = dest->connector->source->bounds(dest->ep, &plan, delta->cursor_to, delta->cursor.n, 0,
                                             ret_bounds, err);
    if (rc == LEAT_NOT_FOUND) {
        ret_bounds->empty = true; /* to be made */
        return LEAT_OK;
    }
    return rc;
}

/* --watermark target: the greatest cursor among the destination's own rows. */
static int read_target(struct lt_delta *delta, struct leat_error *err)
{
    struct leat_bounds bounds;
    for (size_t i = 0; i < delta->cursor.n; i++) {
        if (!delta->cursor_to[i]) {
            return lt_fail(err, LT_E_USAGE,
                           "--watermark target reads column \"%s\", which "
                           "--columns leaves out",
                           delta->cursor.names[i]);
        }
    }
    if (!tells_bounds(*delta->dest)) {
        lt_fail(err, LT_E_UNSUPPORTED, "%s cannot tell the greatest cursor of its rows",
                (*delta->dest)->connector->name);
        leat_error_remedy(err, "leave --watermark target away: leat's record beside the rows says "
                               "how far the last run came");
        return LEAT_UNSUPPORTED;
    }
    int rc = ask_target(delta, NULL, &bounds, err);
    if (!rc && !bounds.empty) {
        lt_cursor_row_take(&delta->reached, bounds.high, delta->cursor.n);
    }
    leat_x_bounds_release(&bounds);
    return rc;
}

static int find_watermark(struct lt_delta *delta, struct leat_error *err)
{
    const struct leat_stream_name name = {delta->job->dest_ns[0], delta->job->dest_names[0]};
    if (!delta->by_state) {
        return lt_delta_refreshes(delta) ? LEAT_OK : read_target(delta, err);
    }
    bool refresh = lt_delta_refreshes(delta);
    int rc =
        lt_watermark_read(*delta->dest, &name, delta->key, &delta->cursor, &delta->before, err);
    if (rc == LEAT_INVALID && refresh) {
        rc = LEAT_OK; /* kept for another cursor: it ends here */
        lt_cursor_row_done(&delta->before.row);
    }
    return rc || refresh ? rc : lt_cursor_row_copy(&delta->before.row, &delta->reached, err);
}

/* --- windows -------------------------------------------------------------------------------- */

static int refuse_window(const struct lt_delta *delta, const char *why, const char *remedy,
                         struct leat_error *err)
{
    int rc = lt_fail(err, LT_E_DESTINATION_HOLDS_ROWS, "%s", why);
    leat_error_remedy(err, "%s", remedy);
    leat_error_place(err, "%s", delta->job->dest_names[0]);
    return rc;
}

/* Whether the destination has records between delta->low and delta->high. */
static int ask_window(const struct lt_delta *delta, bool *ret_any, struct leat_error *err)
{
    const struct leat_cursor_range range = {.size = sizeof range,
                                            .columns = delta->cursor_to,
                                            .n_columns = delta->cursor.n,
                                            .low = (const char *const *)delta->low.texts,
                                            .high = (const char *const *)delta->high.texts,
                                            .low_inclusive = true,
                                            .high_inclusive = true};
    struct leat_bounds bounds;
    int rc = ask_target(delta, &range, &bounds, err);
    *ret_any = !bounds.empty;
    leat_x_bounds_release(&bounds);
    return rc;
}

/* An append adds the records of --window whatever is there: those that are there already would be
 * twice, and those above the watermark once more by the next run. */
static int check_window(const struct lt_delta *delta, struct leat_error *err)
{
    bool marked = lt_cursor_row_is_set(&delta->reached), any = false;
    if (delta->moves || delta->keyed || delta->ranges || !lt_cursor_row_is_set(&delta->high)) {
        return LEAT_OK;
    }
    if (marked && lt_cursor_compare(&delta->cursor, &delta->high, &delta->reached) > 0) {
        return refuse_window(delta,
                             "the --window reaches above the watermark, from where the next run "
                             "would append its records again",
                             "leave --window away, or let it end at the watermark", err);
    }
    bool known = tells_bounds(*delta->dest);
    for (size_t i = 0; i < delta->cursor.n; i++) {
        known = known && delta->cursor_to[i];
    }
    if (!known) {
        return !marked && !delta->rows_before
                   ? LEAT_OK
                   : refuse_window(delta,
                                   "it cannot be asked whether it holds records of this --window, "
                                   "which an append would add again",
                                   "--full-refresh starts over; a database can be asked", err);
    }
    int rc = ask_window(delta, &any, err);
    return rc || !any ? rc
                      : refuse_window(delta,
                                      "it holds records of this --window, which an append would "
                                      "add again",
                                      "a strategy with a key absorbs those that are there; or "
                                      "delete them there first",
                                      err);
}

/* --- the whole ------------------------------------------------------------------------------ */

static int run_cursor(struct lt_delta *delta, struct leat_error *err)
{
    struct lt_cursor_row before = {{NULL}};
    int rc = find_watermark(delta, err);
    rc = rc ? rc : lt_cursor_row_copy(&delta->reached, &before, err);
    if (!rc && !lt_cursor_row_is_set(&delta->reached)) {
        rc = lt_delta_probe(delta, err);
    }
    rc = rc ? rc : lt_delta_find_bounds(delta, err);
    rc = rc ? rc : check_window(delta, err);
    if (!rc) {
        rc = lt_cursor_row_is_set(&delta->high) ? load_ranges(delta, err) : load_rest(delta, err);
    }
    int noting = note_rows(delta, &before, rc ? NULL : err);
    lt_cursor_row_done(&before);
    return rc ? rc : noting;
}

/* A stream that a program gives has no past: every record of it is a change. */
static int run_given(struct lt_delta *delta, struct leat_error *err)
{
    struct lt_slice slice;
    int rc = lt_delta_probe(delta, err);
    lt_delta_slice(delta, &slice);
    return rc ? rc : lt_delta_load(delta, &slice, err);
}

/* `so_far` has what earlier attempts did. */
static int run_once(struct lt_delta *so_far, struct leat_error *err)
{
    struct lt_delta delta = *so_far;
    delta.made_by_other = false;
    int rc = lt_side_freshen(delta.source, true, err);
    rc = rc ? rc : lt_side_freshen(delta.dest, false, err);
    rc = rc ? rc : lt_delta_setup(&delta, err);
    if (!rc) {
        rc = delta.cursor.n ? run_cursor(&delta, err)
             : delta.given  ? run_given(&delta, err)
                            : lt_delta_run_marks(&delta, err);
    }
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "%s", delta.job->label);
    }
    so_far->sum = delta.sum;
    so_far->ranges = delta.ranges;
    so_far->load_failed = delta.load_failed;
    so_far->made_by_other = delta.made_by_other;
    show_sum(&delta);
    delta_done(&delta);
    return rc;
}

int lt_delta_run(struct lt_run *run, struct lt_side **source, struct lt_side **dest, size_t job,
                 struct leat_error *err)
{
    int64_t retries = lt_settings_number(&run->plan->settings, "retries");
    int64_t wait_ms = LT_RETRY_FIRST_MS;
    struct lt_delta so_far = {
        .run = run, .job = &run->jobs.items[job], .index = job, .source = source, .dest = dest};
    for (int64_t tries = 1;; tries++) {
        int rc = run_once(&so_far, err);
        bool again = rc == LEAT_UNAVAILABLE || (rc == LEAT_CONFLICT && so_far.made_by_other);
        if (!again || so_far.load_failed || tries > retries ||
            !lt_side_can_be_read_again(*source)) {
            return rc;
        }
        (*source)->stale = true;
        (*dest)->stale = true;
        rc = lt_run_back_off(run, so_far.job->label, &wait_ms, err);
        if (rc) {
            return rc;
        }
    }
}

/* --- describing ----------------------------------------------------------------------------- */

static int describe_bounds(const struct lt_delta *delta, struct lt_buf *out)
{
    const struct lt_cursor *cursor = &delta->cursor;
    char *low = lt_cursor_row_print(cursor, &delta->low);
    char *high = lt_cursor_row_print(cursor, &delta->high);
    char *before = lt_cursor_row_print(cursor, &delta->reached);
    int rc = low && high && before ? LEAT_OK : LEAT_NO_MEMORY;
    rc = rc ? rc : lt_buf_printf(out, "  watermark: %s\n", *before ? before : "none yet");
    rc = rc || *high ? rc : lt_buf_puts(out, "  nothing new\n");
    rc = rc || !*high ? rc
                      : lt_buf_printf(out, "  records from %s up to %s\n",
                                      *low ? low : "the beginning", high);
    free(low);
    free(high);
    free(before);
    return rc;
}

static int describe_cursor(struct lt_delta *delta, struct lt_side *const *dests, struct lt_buf *out,
                           struct leat_error *err)
{
    struct lt_slice slice;
    int rc = find_watermark(delta, err);
    if (!rc && !lt_cursor_row_is_set(&delta->reached)) {
        rc = lt_delta_probe(delta, err);
    }
    rc = rc ? rc : lt_delta_find_bounds(delta, err);
    lt_delta_slice(delta, &slice);
    begin_afresh(delta, &slice);
    delta->job->slice = &slice;
    rc = rc ? rc : lt_unit_describe(delta->run, *delta->source, dests, delta->index, 1, out, err);
    delta->job->slice = NULL;
    return rc ? rc : describe_bounds(delta, out) ? lt_fail_oom(err) : LEAT_OK;
}

int lt_delta_describe(struct lt_run *run, struct lt_side **source, struct lt_side **dest,
                      size_t job, struct lt_buf *out, struct leat_error *err)
{
    struct lt_delta delta = {
        .run = run, .job = &run->jobs.items[job], .index = job, .source = source, .dest = dest};
    int rc = lt_delta_setup(&delta, err);
    if (!rc && delta.cursor.n) {
        rc = describe_cursor(&delta, dest, out, err);
    } else if (!rc) {
        struct lt_slice slice;
        lt_delta_slice(&delta, &slice);
        delta.job->slice = &slice;
        rc = lt_unit_describe(run, *source, dest, job, 1, out, err);
        delta.job->slice = NULL;
    }
    delta_done(&delta);
    return rc;
}
