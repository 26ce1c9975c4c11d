/* Levels. See shred.h.
 *
 * Slots start as the rows asked for, at definition level 0. Each node on the path raises the level
 * of those that are still there; the others keep theirs, which says where they ended. So a slot is
 * alive exactly while its level is the highest yet. The runs are the places of the alive slots in
 * the array of the node at hand. */
#include "formats/parquet/shred.h"

#include "columnar/bits.h"
#include "core/codes.h"

#include "core/banned.h"

void lt_pq_shred_done(struct lt_pq_shred *shred)
{
    for (int i = 0; i < 2; i++) {
        lt_buf_done(&shred->def_bytes[i]);
        lt_buf_done(&shred->rep_bytes[i]);
        lt_buf_done(&shred->run_bytes[i]);
    }
    memset(shred, 0, sizeof *shred);
}

static int bad_null(struct leat_error *err)
{
    return lt_fail(err, LT_E_NOT_NULL, "a null where the schema allows none");
}

static bool has_nulls(const struct lt_view *view, int64_t first, int64_t n)
{
    if (view->type.id == LT_NULL) {
        return n > 0;
    }
    return view->validity && lt_bits_count(view->validity, view->offset + first, n) != n;
}

/* --- flat columns -------------------------------------------------------------------------- */

static int make_flat(struct lt_pq_shred *shred, const struct lt_pq_node *leaf,
                     const struct lt_view *view, int64_t first, int64_t rows,
                     struct leat_error *err)
{
    shred->one = (struct lt_pq_run){first, rows};
    shred->n = rows;
    shred->view = view;
    shred->runs = &shred->one;
    shred->n_runs = 1;
    shred->defs = shred->reps = NULL;
    if (!has_nulls(view, first, rows)) {
        return LEAT_OK;
    }
    if (!leaf->nullable) {
        return bad_null(err);
    }
    struct lt_buf *defs = &shred->def_bytes[0];
    lt_buf_clear(defs);
    if (lt_buf_reserve(defs, (size_t)rows)) {
        return lt_fail_oom(err);
    }
    if (view->type.id == LT_NULL) {
        memset(defs->data, 0, (size_t)rows);
        shred->n_runs = 0;
    } else {
        for (int64_t i = 0; i < rows; i++) {
            defs->data[i] = lt_bit(view->validity, view->offset + first + i);
        }
    }
    shred->defs = defs->data;
    return LEAT_OK;
}

/* --- nested ones --------------------------------------------------------------------------- */

/* Walks the places of alive slots one by one. */
struct cursor {
    const struct lt_pq_run *run;
    int64_t at, left;
};

static inline int64_t next_place(struct cursor *cursor)
{
    if (!cursor->left) {
        cursor->at = cursor->run->first;
        cursor->left = cursor->run->n;
        cursor->run++;
    }
    cursor->left--;
    return cursor->at++;
}

static uint8_t *now_defs(struct lt_pq_shred *shred)
{
    return shred->def_bytes[shred->now].data;
}

/* Runs are kept without gaps between neighbours and without empty ones. */
static int add_run(struct lt_buf *runs, int64_t first, int64_t n)
{
    struct lt_pq_run run = {first, n};
    if (runs->len) {
        struct lt_pq_run *last = (struct lt_pq_run *)(void *)(runs->data + runs->len) - 1;
        if (last->first + last->n == first) {
            last->n += n;
            return LEAT_OK;
        }
    }
    return n ? lt_buf_append(runs, &run, sizeof run) : LEAT_OK;
}

static void take_runs(struct lt_pq_shred *shred, const struct lt_buf *runs)
{
    shred->runs = (const struct lt_pq_run *)(const void *)runs->data;
    shred->n_runs = runs->len / sizeof *shred->runs;
}

static bool runs_have_nulls(const struct lt_pq_shred *shred, const struct lt_view *view)
{
    bool any = false;
    for (size_t i = 0; i < shred->n_runs && !any; i++) {
        any = has_nulls(view, shred->runs[i].first, shred->runs[i].n);
    }
    return any;
}

static void raise_alive(struct lt_pq_shred *shred, uint8_t alive)
{
    uint8_t *defs = now_defs(shred);
    for (int64_t i = 0; i < shred->n; i++) {
        defs[i] += defs[i] == alive;
    }
}

/* A node that may be null: alive slots that are not rise from level `alive`. Nulls of a leaf stay
 * in the runs; those of a group end. */
static int pass_nullable(struct lt_pq_shred *shred, const struct lt_view *view, uint8_t alive,
                         bool leaf, struct leat_error *err)
{
    if (!runs_have_nulls(shred, view)) {
        raise_alive(shred, alive);
        return LEAT_OK;
    }
    struct lt_buf *runs = &shred->run_bytes[!shred->now];
    struct cursor cursor = {shred->runs, 0, 0};
    uint8_t *defs = now_defs(shred);
    lt_buf_clear(runs);
    for (int64_t i = 0; i < shred->n; i++) {
        if (defs[i] != alive) {
            continue;
        }
        int64_t place = next_place(&cursor);
        bool valid = !lt_view_is_null(view, place);
        defs[i] += valid;
        if (valid && !leaf && add_run(runs, place, 1)) {
            return lt_fail_oom(err);
        }
    }
    if (!leaf) {
        /* The old runs are spent: the new ones take their place. */
        struct lt_buf old = shred->run_bytes[shred->now];
        shred->run_bytes[shred->now] = *runs;
        *runs = old;
        take_runs(shred, &shred->run_bytes[shred->now]);
    }
    return LEAT_OK;
}

/* Slots that the alive ones become, and those that ended before. */
static int64_t count_slots(const struct lt_pq_shred *shred, const struct lt_view *view,
                           uint8_t alive)
{
    const uint8_t *defs = shred->def_bytes[shred->now].data;
    struct cursor cursor = {shred->runs, 0, 0};
    int64_t n = 0;
    for (int64_t i = 0; i < shred->n; i++) {
        int64_t first = 0, end = 1;
        if (defs[i] == alive) {
            lt_view_list(view, next_place(&cursor), &first, &end);
        }
        n += end > first ? end - first : 1;
    }
    return n;
}

/* A list or map: each alive slot becomes one for each element, or ends when it has none. */
static int pass_list(struct lt_pq_shred *shred, const struct lt_view *view, uint8_t alive,
                     uint8_t rep_element, struct leat_error *err)
{
    int then = !shred->now;
    struct lt_buf *defs = &shred->def_bytes[then], *reps = &shred->rep_bytes[then];
    struct lt_buf *runs = &shred->run_bytes[then];
    const uint8_t *old_defs = now_defs(shred), *old_reps = shred->rep_bytes[shred->now].data;
    int64_t n = count_slots(shred, view, alive), at = 0;
    struct cursor cursor = {shred->runs, 0, 0};
    lt_buf_clear(defs);
    lt_buf_clear(reps);
    lt_buf_clear(runs);
    if (lt_buf_reserve(defs, (size_t)n) || lt_buf_reserve(reps, (size_t)n)) {
        return lt_fail_oom(err);
    }
    for (int64_t i = 0; i < shred->n; i++) {
        int64_t first = 0, end = 0;
        if (old_defs[i] == alive) {
            lt_view_list(view, next_place(&cursor), &first, &end);
        }
        reps->data[at] = old_reps[i];
        defs->data[at++] = (uint8_t)(old_defs[i] + (end > first));
        if (end - first > 1) {
            memset(reps->data + at, rep_element, (size_t)(end - first - 1));
            memset(defs->data + at, alive + 1, (size_t)(end - first - 1));
            at += end - first - 1;
        }
        if (end > first && add_run(runs, first, end - first)) {
            return lt_fail_oom(err);
        }
    }
    shred->now = then;
    shred->n = n;
    take_runs(shred, runs);
    return LEAT_OK;
}

static int start_nested(struct lt_pq_shred *shred, int64_t first, int64_t rows,
                        struct leat_error *err)
{
    shred->now = 0;
    lt_buf_clear(&shred->def_bytes[0]);
    lt_buf_clear(&shred->rep_bytes[0]);
    if (lt_buf_reserve(&shred->def_bytes[0], (size_t)rows) ||
        lt_buf_reserve(&shred->rep_bytes[0], (size_t)rows)) {
        return lt_fail_oom(err);
    }
    memset(shred->def_bytes[0].data, 0, (size_t)rows);
    memset(shred->rep_bytes[0].data, 0, (size_t)rows);
    shred->one = (struct lt_pq_run){first, rows};
    shred->n = rows;
    shred->runs = &shred->one;
    shred->n_runs = rows > 0;
    return LEAT_OK;
}

/* The array below `node` that holds its child number i. */
static const struct lt_view *view_below(const struct lt_pq_node *node, const struct lt_view *view,
                                        size_t i)
{
    switch (node->shape) {
    case LT_PQ_MAP:
        return &view->children[0].children[i];
    case LT_PQ_LIST:
        return &view->children[0];
    default:
        return &view->children[i];
    }
}

/* One node: whether it is there and, below it, which elements. */
static int pass_node(struct lt_pq_shred *shred, const struct lt_pq_node *node,
                     const struct lt_view *view, struct leat_error *err)
{
    int status = LEAT_OK;
    if (node->nullable) {
        status = pass_nullable(shred, view, (uint8_t)(node->def_present - 1),
                               node->shape == LT_PQ_LEAF, err);
    } else if (runs_have_nulls(shred, view)) {
        status = bad_null(err);
    }
    if (!status && (node->shape == LT_PQ_LIST || node->shape == LT_PQ_MAP)) {
        status =
            pass_list(shred, view, (uint8_t)node->def_present, (uint8_t)node->rep_element, err);
    }
    if (!status && node->shape == LT_PQ_MAP && runs_have_nulls(shred, &view->children[0])) {
        status = bad_null(err);
    }
    return status;
}

int lt_pq_shred_make(struct lt_pq_shred *shred, const struct lt_pq_node *leaf,
                     const struct lt_view *column, int64_t first, int64_t rows,
                     struct leat_error *err)
{
    const struct lt_pq_node *path[LT_TYPE_DEPTH_MAX + 2];
    size_t n = 0;
    if (!leaf->parent) {
        return make_flat(shred, leaf, column, first, rows, err);
    }
    for (const struct lt_pq_node *node = leaf; node; node = node->parent) {
        path[n++] = node;
    }
    int status = start_nested(shred, first, rows, err);
    const struct lt_view *view = column;
    while (n && !status) {
        const struct lt_pq_node *node = path[--n];
        status = pass_node(shred, node, view, err);
        if (n) {
            view = view_below(node, view, (size_t)(path[n - 1] - node->children));
        }
    }
    shred->view = view;
    shred->defs = shred->def_bytes[shred->now].data;
    shred->reps = leaf->rep_max ? shred->rep_bytes[shred->now].data : NULL;
    if (view->type.id == LT_NULL) {
        shred->n_runs = 0;
    }
    return status;
}
