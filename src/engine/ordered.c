/* One side of a comparison, read ahead by a thread of its own: every batch cast, its keys made, in
 * order. So both systems work at the same time, and the merge waits only for the slower one. */
#include "core/codes.h"
#include "core/thread.h"
#include "core/util.h"
#include "engine/flow.h"
#include "engine/pair.h"
#include "engine/ranges.h"
#include "engine/sort.h"

#include <stdlib.h>

/* --- one batch ----------------------------------------------------------------------------- */

/* Finer digits of times than the other side can have do not count. */
static int cut_times(const struct lt_pair_side *side, struct ArrowArray *batch,
                     struct leat_error *err)
{
    const struct lt_pair *pair = side->pair;
    int rc = LEAT_OK;
    for (int64_t i = 0; !rc && i < pair->n_columns; i++) {
        bool cut = !(side->is_source && pair->how & LT_PAIR_WRITES);
        if (pair->common[i].coarser && cut && side->from[i] >= 0) {
            rc = lt_coarsen(side->own.children[side->from[i]], pair->schema.children[i],
                            batch->children[side->from[i]], err);
        }
    }
    return rc;
}

/* The batch with its keys as a further column; takes both over. */
static int append_key(struct ArrowArray *batch, struct ArrowArray *keys,
                      struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct ArrowArray wide;
    int rc = lt_array_init(&wide, 1, batch->n_children + 1, err);
    if (!rc) {
        wide.length = batch->length;
        for (int64_t i = 0; i < batch->n_children; i++) {
            lt_array_move(batch->children[i], wide.children[i]);
        }
        lt_array_move(keys, wide.children[batch->n_children]);
        lt_array_move(&wide, ret_batch);
    }
    lt_array_done(batch);
    lt_array_done(keys);
    return rc;
}

/* Leaves out records whose key is not in the sample: the same ones on both sides. */
static int take_sample(const struct lt_pair *pair, struct ArrowArray *batch, struct leat_error *err)
{
    struct lt_view view;
    struct ArrowArray kept;
    int64_t rows = batch->length;
    uint8_t *drop = calloc((size_t)rows / 8 + 1, 1);
    int rc = drop ? lt_view_init(&view, &pair->schema, batch, err) : lt_fail_oom(err);
    if (rc) {
        free(drop);
        return rc;
    }
    for (int64_t row = 0; row < rows; row++) {
        size_t len;
        const uint8_t *key = lt_view_bytes(&view.children[pair->n_columns], row, &len);
        drop[row >> 3] |= (uint8_t)((lt_hash(key, len) > pair->sample) << (row & 7));
    }
    lt_view_done(&view);
    rc = lt_array_filter(&pair->schema, batch, drop, &kept, err);
    free(drop);
    if (!rc) {
        lt_array_done(batch);
        lt_array_move(&kept, batch);
    }
    return rc;
}

/* From what the reader gives to what is compared. Takes `batch` over. */
static int prepare(struct lt_pair_side *side, struct ArrowArray *batch,
                   struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct lt_pair *pair = side->pair;
    struct ArrowArray own = {.release = NULL}, cast = {.release = NULL}, keys = {.release = NULL};
    struct lt_view view = {.length = 0};
    int64_t first = side->rows + 1;
    int rc = LEAT_OK;
    if (side->transform) {
        rc = lt_cast_run(side->transform, batch, first, &own, NULL, err);
    } else {
        lt_array_move(batch, &own);
    }
    rc = rc ? rc : cut_times(side, &own, err);
    rc = rc ? rc : lt_cast_run(side->cast, &own, first, &cast, NULL, err);
    lt_array_done(&own);
    if (!rc && pair->unordered) {
        lt_array_move(&cast, ret_batch);
        return LEAT_OK;
    }
    if (!rc) {
        struct ArrowSchema columns = pair->schema; /* without the key, which is yet to come */
        columns.n_children = pair->n_columns;
        rc = lt_view_init(&view, &columns, &cast, err);
        rc = rc ? rc : lt_key_maker_run(&side->keys, &view, first, &keys, err);
        lt_view_done(&view);
    }
    rc = rc ? rc : append_key(&cast, &keys, ret_batch, err);
    lt_array_done(&cast);
    if (!rc && pair->sample != UINT64_MAX) {
        rc = take_sample(pair, ret_batch, err);
    }
    return rc;
}

/* --- order --------------------------------------------------------------------------------- */

static int out_of_order(const struct lt_pair_side *side, bool same, struct leat_error *err)
{
    const struct lt_pair *pair = side->pair;
    return same ? lt_fail(err, LT_E_DUPLICATE_KEY, "two records have the same key")
                : lt_fail(err, LT_E_DISORDER, "%s did not give the records in the order of \"%s\"",
                          side->side->connector->name, pair->schema.children[0]->name);
}

/* Every key must come behind the one before: whatever a system calls its order, what is merged is
 * in ours. */
static int check_order(struct lt_pair_side *side, const struct lt_view *keys,
                       struct leat_error *err)
{
    size_t len, last_len = side->last_key.len;
    int64_t row = lt_keys_disorder(keys);
    if (row >= 0) {
        return out_of_order(side, !lt_key_compare(keys, row - 1, keys, row), err);
    }
    if (keys->length == 0) {
        return LEAT_OK;
    }
    const uint8_t *first = lt_view_bytes(keys, 0, &len), *last = side->last_key.data;
    int order = last ? memcmp(last, first, LT_MIN(len, last_len)) : -1;
    if (order > 0 || (order == 0 && last_len >= len)) {
        return out_of_order(side, order == 0 && last_len == len, err);
    }
    const uint8_t *end = lt_view_bytes(keys, keys->length - 1, &len);
    lt_buf_clear(&side->last_key);
    return lt_buf_append(&side->last_key, end, len) ? lt_fail_oom(err) : LEAT_OK;
}

/* Hands a batch on, in order. */
static int push(struct lt_pair_side *side, struct ArrowArray *batch, struct leat_error *err)
{
    const struct lt_pair *pair = side->pair;
    struct leat_payload payload = {.size = sizeof payload, .kind = LEAT_PAYLOAD_BATCH};
    struct lt_view view;
    int rc = lt_view_init(&view, &pair->schema, batch, err);
    rc = rc ? rc : check_order(side, &view.children[pair->n_columns], err);
    lt_view_done(&view);
    int64_t bytes = LT_MAX(lt_array_bytes(&pair->schema, batch), 1);
    payload.rows = batch->length;
    lt_array_move(batch, &payload.batch);
    rc = rc || !payload.rows ? rc : lt_queue_push(side->queue, &payload, bytes);
    if (rc == LEAT_CANCELLED) {
        lt_fail(err, LT_E_CANCELLED, "stopped by another fault");
    } else if (rc == LEAT_NO_MEMORY) {
        lt_fail_oom(err);
    }
    leat_x_payload_release(&payload);
    return rc;
}

/* --- the thread ---------------------------------------------------------------------------- */

/* The next batch of the reader, ready to be compared; release NULL at the end. */
static int read_batch(struct lt_pair_side *side, struct ArrowArray *ret_batch,
                      struct leat_error *err)
{
    struct leat_payload payload = {.size = sizeof payload};
    struct lt_run *run = side->pair->run;
    ret_batch->release = NULL;
    if (atomic_load_explicit(&side->stop, memory_order_relaxed) ||
        atomic_load_explicit(&run->leat->cancelled, memory_order_relaxed)) {
        return lt_fail(err, LT_E_CANCELLED, "the run was cancelled");
    }
    int rc = side->side->connector->source->next(side->reader, &payload, err);
    if (rc) {
        side->side->stale = true; /* nobody knows in what state a failed read leaves it */
        return rc;
    }
    if (payload.kind == LEAT_PAYLOAD_NONE) {
        return LEAT_OK;
    }
    int64_t rows = payload.rows;
    rc = lt_flow_check_batch(side->side, &payload, side->given.n_children, err);
    rc = rc ? rc : prepare(side, &payload.batch, ret_batch, err);
    leat_x_payload_release(&payload);
    if (!rc) {
        side->rows += rows;
        if (side->is_source) {
            atomic_fetch_add_explicit(&run->rows, rows, memory_order_relaxed);
            atomic_fetch_add_explicit(&run->bytes, lt_array_bytes(&side->pair->schema, ret_batch),
                                      memory_order_relaxed);
        }
    }
    return rc;
}

/* All of it in any order, summed up. */
static int read_and_sum(struct lt_pair_side *side, struct leat_error *err)
{
    struct ArrowArray batch;
    int rc;
    do {
        rc = read_batch(side, &batch, err);
        if (rc || !batch.release) {
            break;
        }
        rc = lt_checksum_add(&side->pair->schema, &batch, side->sums, err);
        lt_array_done(&batch);
    } while (!rc);
    return rc;
}

/* All of it in the system's order. */
static int read_in_order(struct lt_pair_side *side, struct leat_error *err)
{
    struct ArrowArray batch;
    int rc;
    do {
        rc = read_batch(side, &batch, err);
        if (rc || !batch.release) {
            break;
        }
        rc = push(side, &batch, err);
    } while (!rc);
    return rc;
}

/* All of it, brought into order here. */
static int read_and_sort(struct lt_pair_side *side, struct leat_error *err)
{
    struct lt_sort *sort = NULL;
    struct ArrowArray batch = {.release = NULL};
    int rc = lt_sort_new(&side->pair->schema, side->pair->sort_bytes, &sort, err);
    while (!rc) {
        rc = read_batch(side, &batch, err);
        if (rc || !batch.release) {
            break;
        }
        rc = lt_sort_add(sort, &batch, err);
    }
    while (!rc) {
        rc = lt_sort_next(sort, &batch, err);
        if (rc || !batch.release) {
            break;
        }
        rc = push(side, &batch, err);
    }
    lt_sort_free(sort);
    return rc;
}

/* Only the ranges that differ, one after the other. */
static int read_ranges(struct lt_pair_side *side, struct leat_error *err)
{
    const struct lt_ranges *ranges = side->pair->ranges;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < ranges->n; i++) {
        const struct lt_range *item = &ranges->items[i];
        const struct leat_cursor_range range = {
            .size = sizeof range,
            .columns = (const char *const *)side->order,
            .n_columns = (size_t)side->pair->n_keys,
            .low = item->low < 0 ? NULL : (const char *const *)ranges->cuts[item->low],
            .high = item->high < 0 ? NULL : (const char *const *)ranges->cuts[item->high],
            .high_inclusive = true};
        rc = lt_pair_restart(side, &range, err);
        rc = rc ? rc : read_in_order(side, err);
    }
    return rc;
}

static void *read_side(void *arg)
{
    struct lt_pair_side *side = arg;
    struct leat_error err = {0};
    int rc = side->pair->unordered ? read_and_sum(side, &err)
             : side->pair->ranges  ? read_ranges(side, &err)
             : side->ordered       ? read_in_order(side, &err)
                                   : read_and_sort(side, &err);
    if (rc) {
        if (!err.place[0] || !strncmp(err.place, "row", 3) || !strncmp(err.place, "column", 6)) {
            leat_error_place(&err, "%s",
                             side->is_source ? side->pair->job->label : side->side->location->text);
        }
        side->error = err;
        side->failed = true;
        lt_queue_close(side->queue);
    } else {
        lt_queue_end(side->queue);
    }
    atomic_store(&side->ended, true);
    return NULL;
}

/* --- from the other end -------------------------------------------------------------------- */

int lt_pair_start(struct lt_pair *pair, struct leat_error *err)
{
    struct lt_pair_side *sides[] = {&pair->source, &pair->destination};
    int rc = pair->unordered ? LEAT_OK : lt_ranges_find(pair, &pair->ranges, err);
    for (int i = 0; !rc && i < 2; i++) {
        rc = lt_queue_new(pair->run->queue_bytes_max, &sides[i]->queue, err);
    }
    for (int i = 0; !rc && i < 2; i++) {
        rc = lt_thread_start(&sides[i]->thread, read_side, sides[i], err);
        sides[i]->running = !rc;
    }
    return rc;
}

static void join(struct lt_pair_side *side)
{
    if (side->running) {
        pthread_join(side->thread, NULL);
        side->running = false;
    }
}

int lt_pair_next(struct lt_pair_side *side, struct leat_error *err)
{
    leat_x_payload_release(&side->now);
    side->at = 0;
    if (lt_queue_pop(side->queue, &side->now)) {
        join(side);
        if (err) {
            *err = side->error;
        }
        return side->error.status;
    }
    if (side->now.kind == LEAT_PAYLOAD_NONE) {
        join(side);
        return LEAT_OK;
    }
    if (side->has_view) {
        return lt_view_set(&side->view, &side->now.batch, err);
    }
    side->has_view = true;
    return lt_view_init(&side->view, &side->pair->schema, &side->now.batch, err);
}

int lt_pair_sum(struct lt_pair *pair, struct leat_error *err)
{
    struct lt_pair_side *a = &pair->source, *b = &pair->destination;
    size_t n = (size_t)pair->n_columns + 1;
    a->sums = calloc(n, sizeof *a->sums);
    b->sums = calloc(n, sizeof *b->sums);
    int rc = a->sums && b->sums ? lt_pair_start(pair, err) : lt_fail_oom(err);
    rc = rc ? rc : lt_pair_next(a, err);
    return rc ? rc : lt_pair_next(b, err);
}

static void stop_side(struct lt_pair_side *side)
{
    if (!side->running) {
        return;
    }
    atomic_store(&side->stop, true);
    lt_queue_close(side->queue);
    if (!atomic_load(&side->ended)) {
        /* It may be waiting for a server: nothing it brings is wanted any more. */
        side->side->stale = true;
        if (side->side->connector->cancel) {
            side->side->connector->cancel(side->side->ep);
        }
    }
    join(side);
}

void lt_pair_stop(struct lt_pair *pair)
{
    stop_side(&pair->source);
    stop_side(&pair->destination);
}
