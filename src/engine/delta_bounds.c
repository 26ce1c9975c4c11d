/* Where a delta begins and ends, how far its watermark may go, and its ranges. */
#include "engine/delta.h"

#include "core/codes.h"
#include "core/log.h"
#include "core/util.h"

#include <stdlib.h>

/* Read again before the watermark where the source cannot say what is still to come. */
#define LOOKBACK_DEFAULT "10m"

/* What a range of cursors is made of; a bound that is not set is none. */
struct span {
    const struct lt_cursor_row *low, *high;
    size_t n; /* columns of the bounds: all, or the first */
    bool low_exclusive, high_exclusive;
};

/* What the source said. */
struct told {
    struct lt_cursor_row low, high, settled;
    bool empty, complete;
    int64_t nulls;
};

static void told_done(struct told *told)
{
    lt_cursor_row_done(&told->low);
    lt_cursor_row_done(&told->high);
    lt_cursor_row_done(&told->settled);
}

static const char *setting(const struct lt_delta *delta, const char *name)
{
    return lt_settings_text(&delta->run->plan->settings, name);
}

/* --- asking --------------------------------------------------------------------------------- */

/* Asks for the least and greatest record of the span. ret_told is released first. */
static int ask(const struct lt_delta *delta, const struct span *span, int64_t wait_ms,
               struct told *ret_told, struct leat_error *err)
{
    struct lt_side *source = *delta->source;
    struct leat_bounds bounds = {.size = sizeof bounds};
    struct leat_read_plan plan;
    const struct leat_cursor_range range = {
        .size = sizeof range,
        .columns = delta->cursor.names,
        .n_columns = span->n,
        .low = span->low ? (const char *const *)span->low->texts : NULL,
        .high = span->high ? (const char *const *)span->high->texts : NULL,
        .low_inclusive = !span->low_exclusive,
        .high_inclusive = !span->high_exclusive};
    lt_run_read_plan(delta->run, source, delta->job, &plan);
    plan.cursor = span->low || span->high ? &range : NULL;
    plan.limit = -1;
    int rc = source->connector->source->bounds(source->ep, &plan, delta->cursor.names,
                                               delta->cursor.n, wait_ms, &bounds, err);
    told_done(ret_told);
    if (!rc && !bounds.empty && (!bounds.low[0] || !bounds.high[0])) {
        rc = lt_fail(err, LT_E_INTERNAL, "%s told no bounds of a stream that has some",
                     source->connector->name);
    }
    if (!rc) {
        if (!bounds.empty) {
            lt_cursor_row_take(&ret_told->low, bounds.low, delta->cursor.n);
            lt_cursor_row_take(&ret_told->high, bounds.high, delta->cursor.n);
        }
        lt_cursor_row_take(&ret_told->settled, &bounds.settled, 1);
        ret_told->empty = bounds.empty;
        ret_told->complete = bounds.complete;
        ret_told->nulls = bounds.nulls;
    }
    leat_x_bounds_release(&bounds);
    return rc;
}

/* The greatest record whose first column is below `edge`; not set: there is none. */
static int ask_below(const struct lt_delta *delta, const struct lt_cursor_row *edge,
                     struct lt_cursor_row *ret_row, struct leat_error *err)
{
    const struct span span = {.high = edge, .n = 1, .high_exclusive = true};
    struct told told = {.empty = true};
    int rc = ask(delta, &span, 0, &told, err);
    lt_cursor_row_done(ret_row);
    if (!rc) {
        lt_cursor_row_take(ret_row, told.high.texts, delta->cursor.n);
    }
    told_done(&told);
    return rc;
}

/* --- what the options say ------------------------------------------------------------------- */

/* From and up to where, as first columns; not set: no such bound. */
struct edges {
    struct lt_cursor_row start, end;
};

static void edges_done(struct edges *edges)
{
    lt_cursor_row_done(&edges->start);
    lt_cursor_row_done(&edges->end);
}

static int read_edge(const struct lt_delta *delta, const char *option, const char *text,
                     struct lt_cursor_row *ret_edge, struct leat_error *err)
{
    return text ? lt_cursor_read(&delta->cursor.columns[0], option, text, &ret_edge->texts[0], err)
                : LEAT_OK;
}

static int read_window(const struct lt_delta *delta, const char *window, struct edges *ret_edges,
                       struct leat_error *err)
{
    const char *dots = strstr(window, "..");
    if (setting(delta, "start") || setting(delta, "end")) {
        return lt_fail(err, LT_E_USAGE, "--window says both --start and --end");
    }
    if (!dots || dots == window || !dots[2]) {
        return lt_fail(err, LT_E_USAGE, "--window takes FROM..TO, such as 2026-11-01..2026-11-08");
    }
    char *from = lt_strndup(window, (size_t)(dots - window));
    if (!from) {
        return lt_fail_oom(err);
    }
    int rc = read_edge(delta, "--window", from, &ret_edges->start, err);
    rc = rc ? rc : read_edge(delta, "--window", dots + 2, &ret_edges->end, err);
    free(from);
    return rc;
}

static int read_edges(const struct lt_delta *delta, struct edges *ret_edges, struct leat_error *err)
{
    const char *window = setting(delta, "window");
    if (window) {
        return read_window(delta, window, ret_edges, err);
    }
    int rc = read_edge(delta, "--start", setting(delta, "start"), &ret_edges->start, err);
    return rc ? rc : read_edge(delta, "--end", setting(delta, "end"), &ret_edges->end, err);
}

/* --- the beginning -------------------------------------------------------------------------- */

/* The watermark less the look-back, into row->texts[0]. */
static int look_back(const struct lt_delta *delta, const char *by, struct lt_cursor_row *ret_row,
                     struct leat_error *err)
{
    lt_cursor_row_done(ret_row);
    return lt_cursor_shift(&delta->cursor.columns[0], delta->reached.texts[0], "--lookback", by, -1,
                           &ret_row->texts[0], err);
}

/* Where the run begins: `row` holds what span->low is, or nothing. `lookback` NULL: none. */
static int find_low(const struct lt_delta *delta, const struct edges *edges, const char *lookback,
                    struct lt_cursor_row *row, struct span *ret_span, struct leat_error *err)
{
    int rc = LEAT_OK;
    *ret_span = (struct span){.n = delta->cursor.n};
    if (delta->moves && lt_cursor_row_is_set(&delta->reached)) {
        rc = lookback ? look_back(delta, lookback, row, err)
                      : lt_cursor_row_copy(&delta->reached, row, err);
        ret_span->n = lookback ? 1 : delta->cursor.n;
        ret_span->low = row;
        ret_span->low_exclusive = !delta->keyed;
    }
    const char *start = edges->start.texts[0];
    if (!rc && start &&
        (!ret_span->low ||
         lt_cursor_compare_column(&delta->cursor.columns[0], start, row->texts[0]) > 0)) {
        rc = lt_cursor_row_copy(&edges->start, row, err);
        *ret_span = (struct span){.low = row, .n = 1};
    }
    return rc;
}

/* --- the end -------------------------------------------------------------------------------- */

static int check_nulls(struct lt_delta *delta, int64_t nulls, struct leat_error *err)
{
    const char *policy = setting(delta, "null-cursor");
    const char *column = NULL;
    for (size_t i = 0; i < delta->cursor.n; i++) {
        column = delta->cursor.columns[i].nullable ? delta->cursor.names[i] : column;
    }
    delta->with_nulls = !strcmp(policy, "include") && column && nulls;
    if (strcmp(policy, "error") || !column || !nulls) {
        return LEAT_OK;
    }
    int rc = nulls > 0 ? lt_fail(err, LT_E_NULL_CURSOR, "%lld records have no %s", (long long)nulls,
                                 delta->cursor.names[0])
                       : lt_fail(err, LT_E_UNSUPPORTED,
                                 "%s does not count records without \"%s\", which may be null",
                                 (*delta->source)->connector->name, column);
    if (nulls < 0) {
        leat_error_remedy(err, "--null-cursor skip or include says what becomes of them");
    }
    return rc;
}

/* Records are stamped, and the source's clock, or its oldest transaction, says which are all there:
 * those stamped before. */
static int settle_time(struct lt_delta *delta, const struct told *told, struct leat_error *err)
{
    const struct lt_cursor_column *first = &delta->cursor.columns[0];
    if (lt_cursor_row_is_set(&told->settled)) {
        return lt_cursor_compare_column(first, told->high.texts[0], told->settled.texts[0]) < 0
                   ? lt_cursor_row_copy(&told->high, &delta->safe, err)
                   : ask_below(delta, &told->settled, &delta->safe, err);
    }
    if (told->complete || delta->keyed) {
        return lt_cursor_row_copy(&told->high, &delta->safe, err);
    }
    int rc = lt_fail(err, LT_E_UNSUPPORTED,
                     "%s cannot tell which records may still turn up late, and a late one would be "
                     "missed by an append",
                     (*delta->source)->connector->name);
    leat_error_remedy(err, "a strategy with a key reads the last minutes again; in PostgreSQL "
                           "membership of pg_monitor lets the login see the start of transactions");
    return rc;
}

/* Records are counted up, and those of transactions that were writing were waited for. */
static int settle_count(struct lt_delta *delta, const struct told *told, struct leat_error *err)
{
    if (told->complete || setting(delta, "lookback")) {
        return lt_cursor_row_copy(&told->high, &delta->safe, err);
    }
    if (!delta->keyed) {
        return lt_fail(err, LT_E_UNAVAILABLE,
                       "transactions that write the source did not end within --settle-timeout, "
                       "or cannot be seen; appending past them could miss their records");
    }
    lt_log(LT_LOG_WARN,
           "%s: transactions that write the source did not end within --settle-timeout, or cannot "
           "be seen: the watermark stays, and the same records are read again next time; "
           "--lookback N reads only so much again",
           delta->job->label);
    return LEAT_OK;
}

/* Cuts `row` down to `most`; unset where `most` is. */
static int cut(const struct lt_delta *delta, struct lt_cursor_row *row,
               const struct lt_cursor_row *most, struct leat_error *err)
{
    if (!lt_cursor_row_is_set(most)) {
        lt_cursor_row_done(row);
        return LEAT_OK;
    }
    return lt_cursor_row_is_set(row) && lt_cursor_compare(&delta->cursor, row, most) > 0
               ? lt_cursor_row_copy(most, row, err)
               : LEAT_OK;
}

/* NaN is above all numbers, and infinity above all but NaN: a watermark there would never let another
 * record through. */
static int check_finite(const struct lt_delta *delta, const struct lt_cursor_row *row,
                        struct leat_error *err)
{
    const struct lt_cursor *cursor = &delta->cursor;
    for (size_t i = 0; lt_cursor_row_is_set(row) && delta->moves && i < cursor->n; i++) {
        if (lt_cursor_is_endless(&cursor->columns[i], row->texts[i])) {
            int rc =
                lt_fail(err, LT_E_VALUE_RANGE,
                        "the greatest cursor has NaN or infinity in column \"%s\", and nothing "
                        "could come after it",
                        cursor->columns[i].name);
            leat_error_remedy(err, "leave such records out with --where, or those from there on "
                                   "with --end");
            return rc;
        }
    }
    return LEAT_OK;
}

static int find_end(struct lt_delta *delta, const struct edges *edges, const struct told *told,
                    struct leat_error *err)
{
    struct lt_cursor_row last = {{NULL}};
    int rc = lt_cursor_is_time(&delta->cursor) ? settle_time(delta, told, err)
                                               : settle_count(delta, told, err);
    rc = rc ? rc : lt_cursor_row_copy(&told->high, &delta->high, err);
    if (!rc && !delta->keyed) {
        rc = cut(delta, &delta->high, &delta->safe, err);
    }
    if (!rc && lt_cursor_row_is_set(&edges->end)) {
        rc = ask_below(delta, &edges->end, &last, err);
        rc = rc ? rc : cut(delta, &delta->high, &last, err);
        rc = rc ? rc : cut(delta, &delta->safe, &last, err);
    }
    lt_cursor_row_done(&last);
    return rc ? rc : check_finite(delta, &delta->high, err);
}

/* --- the whole ------------------------------------------------------------------------------ */

/* True when no record with the watermark's own cursor can have come since: every stamp up to it
 * was settled, or a cursor is a record's own. */
static bool has_no_ties(const struct lt_delta *delta, const struct told *told)
{
    size_t found = 0;
    for (size_t k = 0; k < delta->n_keys; k++) {
        for (size_t i = 0; i < delta->cursor.n; i++) {
            found += delta->cursor_to[i] && !strcmp(delta->keys[k], delta->cursor_to[i]);
        }
    }
    return lt_cursor_row_is_set(&told->settled) || (delta->n_keys && found == delta->n_keys);
}

/* Nothing is above the watermark, or below the end that was cut. */
static bool is_nothing(const struct lt_delta *delta, const struct told *told, const char *lookback)
{
    if (!lt_cursor_row_is_set(&delta->high)) {
        return true;
    }
    if (lt_cursor_row_is_set(&delta->low) &&
        lt_cursor_compare(&delta->cursor, &delta->low, &delta->high) > 0) {
        return true;
    }
    return delta->moves && lt_cursor_row_is_set(&delta->reached) && !lookback &&
           lt_cursor_compare(&delta->cursor, &delta->high, &delta->reached) == 0 &&
           has_no_ties(delta, told);
}

static const char *default_lookback(const struct lt_delta *delta, const struct told *told)
{
    bool unsettled = lt_cursor_is_time(&delta->cursor) && !told->complete &&
                     !lt_cursor_row_is_set(&told->settled);
    return unsettled && delta->keyed && delta->moves && lt_cursor_row_is_set(&delta->reached)
               ? LOOKBACK_DEFAULT
               : NULL;
}

int lt_delta_find_bounds(struct lt_delta *delta, struct leat_error *err)
{
    const char *lookback = setting(delta, "lookback");
    /* At least a moment: with none at all nothing would be told. */
    int64_t wait_ms = LT_MAX(lt_settings_number(&delta->run->plan->settings, "settle-timeout"), 1);
    struct edges edges = {{{NULL}}, {{NULL}}};
    struct lt_cursor_row row = {{NULL}};
    struct told told = {.empty = true};
    struct span span;
    int rc = read_edges(delta, &edges, err);
    rc = rc ? rc : find_low(delta, &edges, lookback, &row, &span, err);
    rc = rc ? rc : ask(delta, &span, wait_ms, &told, err);
    if (!rc && !lookback) {
        lookback = default_lookback(delta, &told);
        rc = lookback ? find_low(delta, &edges, lookback, &row, &span, err) : LEAT_OK;
        rc = rc || !lookback ? rc : ask(delta, &span, 0, &told, err);
    }
    rc = rc ? rc : check_nulls(delta, told.nulls, err);
    if (!rc && !told.empty) {
        rc = find_end(delta, &edges, &told, err);
        if (!rc && span.low) {
            rc = lt_cursor_row_copy(&told.low, &delta->low, err);
        }
    }
    if (!rc && is_nothing(delta, &told, lookback)) {
        lt_cursor_row_done(&delta->high);
    }
    told_done(&told);
    edges_done(&edges);
    lt_cursor_row_done(&row);
    return rc;
}

/* --- ranges --------------------------------------------------------------------------------- */

/* A bare number would be seconds, and is likely to mean records. Those are not counted: to find
 * every n-th one the source would have to walk through all of them for each range. */
static int check_size(const struct lt_cursor_column *column, const char *size,
                      struct leat_error *err)
{
    bool timed = column->kind != LT_CURSOR_NUMBER && column->kind != LT_CURSOR_BYTES;
    if (!timed || !*size || size[strspn(size, "0123456789.")]) {
        return LEAT_OK;
    }
    int rc = lt_fail(err, LT_E_USAGE,
                     "--delta-size: \"%s\" does not say of what, and column \"%s\" is %s", size,
                     column->name, column->type);
    leat_error_remedy(err, "say how long a range is, as 12h or 30d; records are not counted, but a "
                           "cursor that is a number is (-d id --delta-size 100000)");
    return rc;
}

int lt_delta_range_end(struct lt_delta *delta, struct lt_cursor_row *ret_last,
                       struct leat_error *err)
{
    const char *size = setting(delta, "delta-size");
    struct lt_cursor_row first = {{NULL}}, edge = {{NULL}};
    struct told told = {.empty = true};
    const struct lt_cursor_column *column = &delta->cursor.columns[0];
    if (!size) {
        return lt_cursor_row_copy(&delta->high, ret_last, err);
    }
    const struct span all = {.n = delta->cursor.n};
    int rc = check_size(column, size, err);
    rc = rc                                  ? rc
         : lt_cursor_row_is_set(&delta->low) ? lt_cursor_row_copy(&delta->low, &first, err)
                                             : ask(delta, &all, 0, &told, err);
    if (!rc && !lt_cursor_row_is_set(&first)) {
        rc = lt_cursor_row_copy(told.empty ? &delta->high : &told.low, &first, err);
    }
    rc = rc ? rc
            : lt_cursor_shift(column, first.texts[0], "--delta-size", size, 1, &edge.texts[0], err);
    if (!rc && lt_cursor_compare_column(column, edge.texts[0], first.texts[0]) <= 0) {
        rc = lt_fail(err, LT_E_USAGE, "--delta-size is more than nothing");
    }
    if (!rc && lt_cursor_compare_column(column, edge.texts[0], delta->high.texts[0]) <= 0) {
        rc = ask_below(delta, &edge, ret_last, err);
    }
    if (!rc && (!lt_cursor_row_is_set(ret_last) ||
                lt_cursor_compare(&delta->cursor, ret_last, &first) < 0)) {
        /* The rest is one range, or what began it was deleted meanwhile. */
        bool rest = lt_cursor_compare_column(column, edge.texts[0], delta->high.texts[0]) > 0;
        rc = lt_cursor_row_copy(rest ? &delta->high : &first, ret_last, err);
    }
    lt_cursor_row_done(&first);
    lt_cursor_row_done(&edge);
    told_done(&told);
    return rc;
}

int lt_delta_range_next(struct lt_delta *delta, const struct lt_cursor_row *last,
                        struct lt_cursor_row *ret_low, struct leat_error *err)
{
    const struct span span = {.low = last, .n = delta->cursor.n, .low_exclusive = true};
    struct told told = {.empty = true};
    lt_cursor_row_done(ret_low);
    if (lt_cursor_compare(&delta->cursor, last, &delta->high) >= 0) {
        return LEAT_OK;
    }
    int rc = ask(delta, &span, 0, &told, err);
    if (!rc && !told.empty && lt_cursor_compare(&delta->cursor, &told.low, &delta->high) <= 0) {
        lt_cursor_row_take(ret_low, told.low.texts, delta->cursor.n);
    }
    told_done(&told);
    return rc;
}
