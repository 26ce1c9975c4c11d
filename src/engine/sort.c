#include "engine/sort.h"

#include "columnar/array.h"
#include "columnar/gather.h"
#include "columnar/keys.h"
#include "core/codes.h"
#include "core/util.h"
#include "engine/spill.h"

#include <stdlib.h>

#define BLOCK_BYTES (INT64_C(128) << 10) /* of a run: read at a time when runs are merged */
#define BLOCK_ROWS_MAX 65536
#define FAN_MIN 4

/* A record in memory: where it is, and the first bytes of its key as a number. */
struct row {
    uint64_t prefix;
    uint32_t batch, row;
};

struct held {
    struct ArrowArray array;
    struct lt_view view;
};

/* A sorted run in the spill: blocks [next, end). */
struct run {
    size_t next, end;
    int level;
};

/* One that is being merged. */
struct head {
    struct run run;
    struct held block;
    int64_t at;
};

struct lt_sort {
    const struct ArrowSchema *schema;
    int64_t memory_max, bytes, rows;
    struct held *held;
    size_t n_held, held_room;
    struct row *index; /* of what is held, sorted */
    int64_t given;     /* rows of it that were given out */
    struct lt_spill *spill;
    struct run *runs;
    size_t n_runs, runs_room;
    int64_t row_bytes; /* on average */
    struct lt_batch_builder builder;
    bool has_builder, ended;
    struct head *heads; /* of the last merge */
    size_t n_heads;
};

int lt_sort_new(const struct ArrowSchema *schema, int64_t memory_max, struct lt_sort **ret_sort,
                struct leat_error *err)
{
    struct lt_sort *sort = calloc(1, sizeof *sort);
    if (!sort) {
        return lt_fail_oom(err);
    }
    sort->schema = schema;
    sort->memory_max = memory_max;
    int rc = lt_spill_new(schema, 0, &sort->spill, err);
    rc = rc ? rc : lt_batch_builder_init(&sort->builder, schema, err);
    sort->has_builder = !rc;
    if (rc) {
        lt_sort_free(sort);
        return rc;
    }
    *ret_sort = sort;
    return LEAT_OK;
}

static void held_done(struct held *held)
{
    lt_view_done(&held->view);
    lt_array_done(&held->array);
    memset(held, 0, sizeof *held);
}

static void drop_held(struct lt_sort *sort)
{
    for (size_t i = 0; i < sort->n_held; i++) {
        held_done(&sort->held[i]);
    }
    free(sort->index);
    sort->index = NULL;
    sort->n_held = 0;
    sort->bytes = sort->rows = sort->given = 0;
}

static void drop_heads(struct head *heads, size_t n)
{
    for (size_t i = 0; heads && i < n; i++) {
        held_done(&heads[i].block);
    }
    free(heads);
}

void lt_sort_free(struct lt_sort *sort)
{
    if (!sort) {
        return;
    }
    drop_held(sort);
    free(sort->held);
    drop_heads(sort->heads, sort->n_heads);
    free(sort->runs);
    lt_spill_free(sort->spill);
    if (sort->has_builder) {
        lt_batch_builder_done(&sort->builder);
    }
    free(sort);
}

static const struct lt_view *key_of(const struct held *held)
{
    return &held->view.children[held->view.n_children - 1];
}

/* --- in memory ----------------------------------------------------------------------------- */

static uint64_t prefix_of(const struct lt_view *keys, int64_t row)
{
    size_t len;
    uint64_t prefix = 0;
    const uint8_t *key = lt_view_bytes(keys, row, &len);
    memcpy(&prefix, key, LT_MIN(len, sizeof prefix));
    return __builtin_bswap64(prefix);
}

static inline bool comes_first(const struct lt_sort *sort, const struct row *a, const struct row *b)
{
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix;
    }
    return lt_key_compare(key_of(&sort->held[a->batch]), a->row, key_of(&sort->held[b->batch]),
                          b->row) <= 0;
}

/* Merges from[first, middle) and from[middle, end) into `to`. */
static void merge_rows(const struct lt_sort *sort, const struct row *from, struct row *to,
                       int64_t first, int64_t middle, int64_t end)
{
    int64_t a = first, b = middle;
    for (int64_t k = first; k < end; k++) {
        bool left = b == end || (a < middle && comes_first(sort, &from[a], &from[b]));
        to[k] = left ? from[a++] : from[b++];
    }
}

/* Merge sort from the bottom up; rows that come in order already cost one look each. */
static int sort_rows(struct lt_sort *sort, struct leat_error *err)
{
    int64_t n = sort->rows, k = 0;
    struct row *rows = malloc((size_t)(n + 1) * sizeof *rows);
    struct row *other = malloc((size_t)(n + 1) * sizeof *other);
    if (!rows || !other) {
        free(rows);
        free(other);
        return lt_fail_oom(err);
    }
    bool sorted = true;
    for (size_t i = 0; i < sort->n_held; i++) {
        const struct lt_view *keys = key_of(&sort->held[i]);
        for (int64_t row = 0; row < keys->length; row++, k++) {
            rows[k] = (struct row){prefix_of(keys, row), (uint32_t)i, (uint32_t)row};
            sorted = sorted && (!k || comes_first(sort, &rows[k - 1], &rows[k]));
        }
    }
    for (int64_t width = 1; !sorted && width < n; width *= 2) {
        for (int64_t first = 0; first < n; first += 2 * width) {
            merge_rows(sort, rows, other, first, LT_MIN(first + width, n),
                       LT_MIN(first + 2 * width, n));
        }
        struct row *swap = rows;
        rows = other;
        other = swap;
    }
    free(other);
    sort->index = rows;
    return LEAT_OK;
}

static int64_t rows_of_block(const struct lt_sort *sort)
{
    return LT_MAX(LT_MIN(BLOCK_BYTES / LT_MAX(sort->row_bytes, 1), BLOCK_ROWS_MAX), 1);
}

/* The next rows of what is held, in order. */
static int give_held(struct lt_sort *sort, struct ArrowArray *ret_batch, struct leat_error *err)
{
    int64_t n = LT_MIN(rows_of_block(sort), sort->rows - sort->given);
    struct lt_gather_run *runs = calloc((size_t)n + 1, sizeof *runs);
    if (!runs) {
        return lt_fail_oom(err);
    }
    size_t n_runs = 0;
    for (int64_t k = 0; k < n; k++) {
        const struct row *row = &sort->index[sort->given + k];
        const struct lt_view *batch = &sort->held[row->batch].view;
        struct lt_gather_run *last = n_runs ? &runs[n_runs - 1] : NULL;
        if (last && last->batch == batch && last->first + last->rows == row->row) {
            last->rows++;
        } else {
            runs[n_runs++] = (struct lt_gather_run){batch, row->row, 1};
        }
    }
    int rc = lt_gather(&sort->builder, runs, n_runs)
                 ? lt_fail_oom(err)
                 : lt_batch_builder_finish(&sort->builder, n, ret_batch, err);
    sort->given += rc ? 0 : n;
    free(runs);
    return rc;
}

/* --- merging runs -------------------------------------------------------------------------- */

static int load_block(struct lt_sort *sort, struct head *head, struct leat_error *err)
{
    held_done(&head->block);
    head->at = 0;
    if (head->run.next == head->run.end) {
        return LEAT_OK;
    }
    int rc = lt_spill_get(sort->spill, head->run.next++, &head->block.array, err);
    return rc ? rc : lt_view_init(&head->block.view, sort->schema, &head->block.array, err);
}

static bool head_before(const struct head *a, const struct head *b)
{
    return lt_key_compare(key_of(&a->block), a->at, key_of(&b->block), b->at) < 0;
}

/* The least of all stays at the top; each head of a block before those below it. */
static void sift(struct head *heads, size_t n, size_t at)
{
    for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        child += child + 1 < n && head_before(&heads[child + 1], &heads[child]);
        if (!head_before(&heads[child], &heads[at])) {
            break;
        }
        struct head swap = heads[at];
        heads[at] = heads[child];
        heads[child] = swap;
        at = child;
    }
}

static int open_heads(struct lt_sort *sort, const struct run *runs, size_t n,
                      struct head **ret_heads, struct leat_error *err)
{
    struct head *heads = calloc(n + 1, sizeof *heads);
    int rc = heads ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < n; i++) {
        heads[i].run = runs[i];
        rc = load_block(sort, &heads[i], err);
    }
    if (rc) {
        drop_heads(heads, n);
        return rc;
    }
    for (size_t i = n / 2; i-- > 0;) {
        sift(heads, n, i);
    }
    *ret_heads = heads;
    return LEAT_OK;
}

/* How many of the top head's rows come before all others'. */
static int64_t rows_before_others(const struct head *heads, size_t n)
{
    const struct head *top = &heads[0], *second = n > 1 ? &heads[1] : NULL;
    if (n > 2 && head_before(&heads[2], second)) {
        second = &heads[2];
    }
    const struct lt_view *keys = key_of(&top->block);
    return second ? LT_MAX(lt_keys_below(keys, top->at, key_of(&second->block), second->at), 1)
                  : keys->length - top->at;
}

/* The next batch of a merge; no rows at its end. */
static int give_merged(struct lt_sort *sort, struct head *heads, size_t *n,
                       struct ArrowArray *ret_batch, struct leat_error *err)
{
    int64_t want = rows_of_block(sort), rows = 0;
    int rc = LEAT_OK;
    while (!rc && *n && rows < want) {
        struct lt_gather_run run = {&heads[0].block.view, heads[0].at,
                                    LT_MIN(rows_before_others(heads, *n), want - rows)};
        rc = lt_gather(&sort->builder, &run, 1) ? lt_fail_oom(err) : LEAT_OK;
        rows += run.rows;
        heads[0].at += run.rows;
        if (!rc && heads[0].at == heads[0].block.view.length) {
            rc = load_block(sort, &heads[0], err);
            if (!heads[0].block.array.release) {
                heads[0] = heads[--*n];
                heads[*n].block = (struct held){.array = {.release = NULL}};
            }
        }
        if (!rc && *n) {
            sift(heads, *n, 0);
        }
    }
    return rc || !rows ? rc : lt_batch_builder_finish(&sort->builder, rows, ret_batch, err);
}

static int add_run(struct lt_sort *sort, size_t first, int level, struct leat_error *err)
{
    if (sort->n_runs == sort->runs_room) {
        size_t room = sort->runs_room ? 2 * sort->runs_room : 16;
        struct run *runs = realloc(sort->runs, room * sizeof *runs);
        if (!runs) {
            return lt_fail_oom(err);
        }
        sort->runs = runs;
        sort->runs_room = room;
    }
    sort->runs[sort->n_runs++] = (struct run){first, lt_spill_count(sort->spill), level};
    return LEAT_OK;
}

static size_t fan_of(const struct lt_sort *sort)
{
    return (size_t)LT_MAX(sort->memory_max / (2 * BLOCK_BYTES), FAN_MIN);
}

/* The last n runs become one, so that never more are merged than memory has blocks for. */
static int merge_last(struct lt_sort *sort, size_t n, struct leat_error *err)
{
    struct head *heads = NULL;
    size_t first = lt_spill_count(sort->spill), left = n;
    int level = sort->runs[sort->n_runs - 1].level + 1;
    int rc = open_heads(sort, &sort->runs[sort->n_runs - n], n, &heads, err);
    while (!rc && left) {
        struct ArrowArray batch = {.release = NULL};
        rc = give_merged(sort, heads, &left, &batch, err);
        rc = rc ? rc : lt_spill_add(sort->spill, &batch, err);
        lt_array_done(&batch);
    }
    drop_heads(heads, n);
    sort->n_runs -= n;
    return rc ? rc : add_run(sort, first, level, err);
}

/* --- adding and giving --------------------------------------------------------------------- */

/* What is held becomes a run. */
static int flush(struct lt_sort *sort, struct leat_error *err)
{
    size_t first = lt_spill_count(sort->spill), fan = fan_of(sort), n = 0;
    int rc = sort_rows(sort, err);
    while (!rc && sort->given < sort->rows) {
        struct ArrowArray batch = {.release = NULL};
        rc = give_held(sort, &batch, err);
        rc = rc ? rc : lt_spill_add(sort->spill, &batch, err);
        lt_array_done(&batch);
    }
    drop_held(sort);
    rc = rc ? rc : add_run(sort, first, 0, err);
    while (!rc && n < sort->n_runs &&
           sort->runs[sort->n_runs - 1 - n].level == sort->runs[sort->n_runs - 1].level) {
        if (++n == fan) {
            rc = merge_last(sort, n, err);
            n = 0;
        }
    }
    return rc;
}

int lt_sort_add(struct lt_sort *sort, struct ArrowArray *batch, struct leat_error *err)
{
    int64_t bytes = lt_array_bytes(sort->schema, batch);
    if (sort->n_held == sort->held_room) {
        size_t room = sort->held_room ? 2 * sort->held_room : 64;
        struct held *held = realloc(sort->held, room * sizeof *held);
        if (!held) {
            lt_array_done(batch);
            return lt_fail_oom(err);
        }
        sort->held = held;
        sort->held_room = room;
    }
    struct held *held = &sort->held[sort->n_held++];
    *held = (struct held){.array = *batch};
    batch->release = NULL;
    int rc = lt_view_init(&held->view, sort->schema, &held->array, err);
    sort->rows += held->array.length;
    sort->bytes += bytes + held->array.length * 2 * (int64_t)sizeof(struct row);
    sort->row_bytes = sort->rows ? LT_MAX(sort->bytes / sort->rows, 1) : 1;
    return rc || sort->bytes < sort->memory_max ? rc : flush(sort, err);
}

/* No more will be added. */
static int end(struct lt_sort *sort, struct leat_error *err)
{
    size_t fan = fan_of(sort);
    sort->ended = true;
    if (!sort->n_runs) {
        return sort_rows(sort, err);
    }
    int rc = sort->rows ? flush(sort, err) : LEAT_OK;
    while (!rc && sort->n_runs > fan) {
        rc = merge_last(sort, fan, err);
    }
    sort->n_heads = sort->n_runs;
    return rc ? rc : open_heads(sort, sort->runs, sort->n_runs, &sort->heads, err);
}

int lt_sort_next(struct lt_sort *sort, struct ArrowArray *ret_batch, struct leat_error *err)
{
    int rc = sort->ended ? LEAT_OK : end(sort, err);
    ret_batch->release = NULL;
    if (rc) {
        return rc;
    }
    if (sort->heads) {
        return give_merged(sort, sort->heads, &sort->n_heads, ret_batch, err);
    }
    return sort->given < sort->rows ? give_held(sort, ret_batch, err) : LEAT_OK;
}
