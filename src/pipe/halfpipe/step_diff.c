/* MergeDiff: two ordered inputs merged by their keys.
 *
 * Keys and compared fields of both sides are cast to types that they have in common; what is given on
 * keeps its own values. Both inputs must be in the order of the keys, numbers as numbers and text by
 * its bytes: a side that is not fails, for it would make differences up. */
#include "pipe/halfpipe/types.h"

#include "columnar/cast.h"
#include "columnar/common.h"
#include "columnar/equal.h"
#include "columnar/gather.h"
#include "columnar/keys.h"
#include "columnar/widen.h"
#include "core/util.h"

#include <stdlib.h>

#define RUNS_MAX 4096 /* and those that one look at both batches may add */

enum { OLD, NEW, SIDES };

/* One input. A batch is there twice: as it is given on, and as it is compared. */
struct side {
    struct hp_step *step;
    struct lt_cast *out_cast, *key_cast;
    int64_t *coarsen; /* columns of the input, and beside it the compared field; -1 ends it */
    struct ArrowArray out, compared, keys;
    struct lt_view out_view, compared_view, key_view;
    bool viewed, ended;
    int64_t at, n, rows; /* in the batch; records before it */
    struct lt_buf last_key;
};

struct diff {
    struct side sides[SIDES];
    struct ArrowSchema compared;         /* keys, then compared fields */
    struct ArrowSchema key_field, given; /* of keys; of records without the flag */
    struct lt_key_maker maker;
    int64_t n_keys, n_compared;
    bool *padded;
    bool identical;
    struct lt_batch_builder builder;
    struct lt_builder flags;
    struct lt_gather_run *runs;
    size_t n_runs;
    int64_t rows; /* in runs */
    uint8_t *differs;
};

/* --- schemas -------------------------------------------------------------------------------- */

static int find_pair(const struct diff *diff, const struct hp_pair *pair, int64_t *ret_old,
                     int64_t *ret_new, struct leat_error *err)
{
    int rc = hp_field(diff->sides[OLD].step, pair->left, ret_old, err);
    return rc ? rc : hp_field(diff->sides[NEW].step, pair->right, ret_new, err);
}

/* Adds a field, from these columns of the two inputs (-1: none), to the records that are given. */
static int give(struct diff *diff, int64_t old, int64_t new, int64_t **maps, struct leat_error *err)
{
    const struct ArrowSchema *a = old < 0 ? NULL : diff->sides[OLD].step->schema.children[old];
    const struct ArrowSchema *b = new < 0 ? NULL : diff->sides[NEW].step->schema.children[new];
    struct ArrowSchema field = {.release = NULL};
    struct lt_common common;
    int rc = a && b ? lt_widen(b, a, &field, NULL) : lt_schema_copy(a ? a : b, &field, err);
    if (rc == LEAT_UNSUPPORTED && a && b) {
        rc = lt_common_type(a, b, &field, &common, err);
    }
    rc = rc ? rc : lt_schema_set_name(&field, b ? b->name : a->name, err);
    if (!rc) {
        field.flags |= ARROW_FLAG_NULLABLE;
        maps[OLD][diff->given.n_children] = old;
        maps[NEW][diff->given.n_children] = new;
        rc = lt_schema_add(&diff->given, &field, err);
    }
    lt_schema_done(&field);
    return rc;
}

/* Adds a field that is compared. */
static int compare(struct diff *diff, int64_t old, int64_t new, bool key, int64_t **maps,
                   struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    struct lt_common common = {0};
    const struct ArrowSchema *b = diff->sides[NEW].step->schema.children[new];
    int64_t at = diff->compared.n_children;
    int rc = lt_common_type(diff->sides[OLD].step->schema.children[old], b, &field, &common, err);
    if (!rc && key && !(common.a_ordered && common.b_ordered)) {
        rc = lt_fail(err, LT_E_COLUMN_MISMATCH,
                     "the key \"%s\" has types on the two sides whose orders differ", b->name);
        leat_error_remedy(err, "cast one of them in its query, and order by the cast");
    }
    if (!rc) {
        maps[OLD][at] = old;
        maps[NEW][at] = new;
        diff->padded[at] = common.padded;
        for (int s = 0; common.coarser && s < SIDES; s++) {
            int64_t *list = diff->sides[s].coarsen;
            while (*list >= 0) {
                list += 2;
            }
            list[0] = maps[s][at];
            list[1] = at;
        }
        rc = lt_schema_add(&diff->compared, &field, err);
    }
    lt_schema_done(&field);
    return rc;
}

static bool is_mapped(const int64_t *map, int64_t n, int64_t column)
{
    for (int64_t i = 0; i < n; i++) {
        if (map[i] == column) {
            return true;
        }
    }
    return false;
}

/* Fields of neither list: those of new, with old's of the same name, then those that old alone has. */
static int give_rest(struct diff *diff, int64_t **maps, struct leat_error *err)
{
    const struct ArrowSchema *old = &diff->sides[OLD].step->schema;
    const struct ArrowSchema *new = &diff->sides[NEW].step->schema;
    int rc = LEAT_OK;
    for (int64_t i = 0; !rc && i < new->n_children; i++) {
        if (!is_mapped(maps[NEW], diff->given.n_children, i)) {
            rc = give(diff, lt_schema_find(old, new->children[i]->name), i, maps, err);
        }
    }
    for (int64_t i = 0; !rc && i < old->n_children; i++) {
        if (!is_mapped(maps[OLD], diff->given.n_children, i) &&
            lt_schema_find(&diff->given, old->children[i]->name) < 0) {
            rc = give(diff, i, -1, maps, err);
        }
    }
    return rc;
}

static int add_pairs(struct diff *diff, const struct hp_pairs *pairs, bool keys, int64_t **compared,
                     int64_t **given, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < pairs->n; i++) {
        int64_t old = 0, new = 0;
        rc = find_pair(diff, &pairs->items[i], &old, &new, err);
        rc = rc ? rc : compare(diff, old, new, keys, compared, err);
        if (!rc && !is_mapped(given[NEW], diff->given.n_children, new)) {
            rc = give(diff, old, new, given, err);
        }
    }
    return rc;
}

static int make_casts(struct diff *diff, int64_t **compared, int64_t **given,
                      struct leat_error *err)
{
    int rc = LEAT_OK;
    for (int s = 0; !rc && s < SIDES; s++) {
        struct side *side = &diff->sides[s];
        rc = lt_cast_new(&side->step->schema, &diff->given, given[s], &side->out_cast, err);
        rc = rc ? rc
                : lt_cast_new(&side->step->schema, &diff->compared, compared[s], &side->key_cast,
                              err);
    }
    return rc;
}

static int make_schemas(struct diff *diff, const struct hp_def *def, struct leat_error *err)
{
    struct hp_pairs keys = {0}, others = {0};
    size_t n = (size_t)(diff->sides[OLD].step->schema.n_children +
                        diff->sides[NEW].step->schema.n_children);
    int rc = hp_pairs_parse(hp_value(def, "joinKeys"), true, &keys, err);
    rc = rc ? rc : hp_pairs_parse(hp_value(def, "compareKeys"), true, &others, err);
    size_t pairs = keys.n + others.n;
    int64_t *maps[4] = {calloc(pairs + 1, sizeof(int64_t)), calloc(pairs + 1, sizeof(int64_t)),
                        calloc(n + 1, sizeof(int64_t)), calloc(n + 1, sizeof(int64_t))};
    diff->padded = calloc(pairs + 1, sizeof *diff->padded);
    for (int s = 0; s < SIDES; s++) {
        diff->sides[s].coarsen = malloc((2 * pairs + 2) * sizeof(int64_t));
        for (size_t i = 0; diff->sides[s].coarsen && i < 2 * pairs + 2; i++) {
            diff->sides[s].coarsen[i] = -1;
        }
    }
    bool whole = maps[0] && maps[1] && maps[2] && maps[3] && diff->padded &&
                 diff->sides[OLD].coarsen && diff->sides[NEW].coarsen;
    rc = rc || whole ? rc : lt_fail_oom(err);
    rc = rc ? rc : lt_schema_init_struct(&diff->compared, 0, err);
    rc = rc ? rc : lt_schema_init_struct(&diff->given, 0, err);
    rc = rc ? rc : add_pairs(diff, &keys, true, maps, maps + 2, err);
    rc = rc ? rc : add_pairs(diff, &others, false, maps, maps + 2, err);
    rc = rc ? rc : give_rest(diff, maps + 2, err);
    rc = rc ? rc : make_casts(diff, maps, maps + 2, err);
    diff->n_keys = (int64_t)keys.n;
    diff->n_compared = (int64_t)others.n;
    for (int i = 0; i < 4; i++) {
        free(maps[i]);
    }
    hp_pairs_done(&keys);
    hp_pairs_done(&others);
    return rc;
}

/* --- batches -------------------------------------------------------------------------------- */

static void side_clear(struct side *side)
{
    if (side->viewed) {
        lt_view_done(&side->out_view);
        lt_view_done(&side->compared_view);
        lt_view_done(&side->key_view);
    }
    side->viewed = false;
    lt_array_done(&side->out);
    lt_array_done(&side->compared);
    lt_array_done(&side->keys);
}

static int out_of_order(const struct side *side, int64_t row, struct leat_error *err)
{
    int rc = lt_fail(err, LT_E_DISORDER,
                     "record %lld of step %s does not come behind the one before it in the order "
                     "of the keys, or has the same key",
                     (long long)(side->rows + row + 1), side->step->def->name);
    leat_error_remedy(err, "order the query by the keys: numbers as numbers, text by its bytes "
                           "(COLLATE \"C\" in PostgreSQL, COLLATE BINARY in SQLite)");
    return rc;
}

static int check_order(struct side *side, struct leat_error *err)
{
    size_t len;
    const uint8_t *first = lt_view_bytes(&side->key_view, 0, &len);
    if (side->rows) {
        size_t before = side->last_key.len;
        int order = memcmp(side->last_key.data, first, LT_MIN(before, len));
        if (order > 0 || (!order && before >= len)) {
            return out_of_order(side, 0, err);
        }
    }
    int64_t row = lt_keys_disorder(&side->key_view);
    if (row >= 0) {
        return out_of_order(side, row, err);
    }
    const uint8_t *last = lt_view_bytes(&side->key_view, side->n - 1, &len);
    lt_buf_clear(&side->last_key);
    return lt_buf_append(&side->last_key, last, len) ? lt_fail_oom(err) : LEAT_OK;
}

/* Cuts ticks that the other side could not say off the columns that are compared. */
static int coarsen(const struct diff *diff, const struct side *side, struct ArrowArray *batch,
                   struct leat_error *err)
{
    struct ArrowArray own = {.release = NULL};
    int rc = LEAT_OK;
    if (side->coarsen[0] < 0) {
        return LEAT_OK;
    }
    /* Their memory is the other holder's as well. */
    rc = lt_array_filter(&side->step->schema, batch, NULL, &own, err);
    if (!rc) {
        lt_array_done(batch);
        lt_array_move(&own, batch);
    }
    for (const int64_t *list = side->coarsen; !rc && *list >= 0; list += 2) {
        rc = lt_coarsen(side->step->schema.children[list[0]], diff->compared.children[list[1]],
                        batch->children[list[0]], err);
    }
    return rc;
}

static int view_side(struct diff *diff, struct side *side, struct leat_error *err)
{
    int rc = lt_view_init(&side->out_view, &diff->given, &side->out, err);
    int other = lt_view_init(&side->compared_view, &diff->compared, &side->compared, err);
    rc = rc ? rc : other;
    side->key_view = (struct lt_view){0};
    side->viewed = true;
    rc =
        rc ? rc
           : lt_key_maker_run(&diff->maker, &side->compared_view, side->rows + 1, &side->keys, err);
    rc = rc ? rc : lt_view_init(&side->key_view, &diff->key_field, &side->keys, err);
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "records of step %s", side->step->def->name);
    }
    return rc;
}

static int load_side(struct diff *diff, struct side *side, struct leat_error *err)
{
    struct ArrowArray batch = {.release = NULL}, other = {.release = NULL};
    side->rows += side->n;
    side->at = side->n = 0;
    side_clear(side);
    int rc = hp_pull(side->step, &batch, err);
    if (rc || !batch.release) {
        side->ended = true;
        return rc;
    }
    int64_t n = batch.length;
    rc = lt_array_share(&batch, err);
    rc = rc ? rc : lt_array_hold(&batch, &other, err);
    rc = rc ? rc : coarsen(diff, side, &other, err);
    rc = rc ? rc : lt_cast_run(side->out_cast, &batch, side->rows + 1, &side->out, NULL, err);
    rc = rc ? rc : lt_cast_run(side->key_cast, &other, side->rows + 1, &side->compared, NULL, err);
    lt_array_done(&batch);
    lt_array_done(&other);
    rc = rc ? rc : view_side(diff, side, err);
    if (!rc) {
        side->n = n;
        rc = check_order(side, err);
    }
    return rc;
}

/* --- what comes of them --------------------------------------------------------------------- */

static int put(struct diff *diff, int which, int64_t first, int64_t n, char flag)
{
    int rc = LEAT_OK;
    if (n) {
        diff->runs[diff->n_runs++] = (struct lt_gather_run){&diff->sides[which].out_view, first, n};
        diff->rows += n;
    }
    for (int64_t i = 0; !rc && i < n; i++) {
        rc = lt_builder_bytes_value(&diff->flags, &flag, 1);
    }
    return rc;
}

/* Records of both sides with the same keys. */
static int put_same(struct diff *diff, int64_t n, struct leat_error *err)
{
    struct side *old = &diff->sides[OLD], *new = &diff->sides[NEW];
    memset(diff->differs, 0, (size_t)n);
    int rc = LEAT_OK;
    for (int64_t c = 0; !rc && c < diff->n_compared; c++) {
        int64_t at = diff->n_keys + c;
        rc = lt_equal_column(&new->compared_view.children[at], new->at,
                             &old->compared_view.children[at], old->at, n, diff->padded[at],
                             diff->differs);
    }
    for (int64_t i = 0, end; !rc && i < n; i = end) {
        for (end = i + 1; end < n && !diff->differs[end] == !diff->differs[i]; end++) {
        }
        if (diff->differs[i] || diff->identical) {
            rc = put(diff, NEW, new->at + i, end - i, diff->differs[i] ? 'C' : 'I');
        }
    }
    old->at += n;
    new->at += n;
    return rc ? lt_fail_oom(err) : LEAT_OK;
}

static int merge_some(struct diff *diff, struct leat_error *err)
{
    struct side *old = &diff->sides[OLD], *new = &diff->sides[NEW];
    int64_t old_left = old->n - old->at, new_left = new->n - new->at;
    int64_t most = HP_ROWS_MAX - diff->rows, n;
    if (old->ended || new->ended) {
        int which = old->ended ? NEW : OLD;
        struct side *side = &diff->sides[which];
        n = LT_MIN(old->ended ? new_left : old_left, most);
        int rc = put(diff, which, side->at, n, which == NEW ? 'N' : 'D');
        side->at += n;
        return rc ? lt_fail_oom(err) : LEAT_OK;
    }
    n = LT_MIN(LT_MIN(old_left, new_left), HP_ROWS_MAX - diff->rows);
    n = lt_keys_same(&old->key_view, old->at, &new->key_view, new->at, n);
    if (n) {
        return put_same(diff, n, err);
    }
    int order = lt_key_compare(&old->key_view, old->at, &new->key_view, new->at);
    int which = order < 0 ? OLD : NEW;
    struct side *side = &diff->sides[which], *other = &diff->sides[!which];
    n = LT_MIN(lt_keys_below(&side->key_view, side->at, &other->key_view, other->at), most);
    int rc = put(diff, which, side->at, n, which == NEW ? 'N' : 'D');
    side->at += n;
    return rc ? lt_fail_oom(err) : LEAT_OK;
}

/* Copies what the runs name out of batches that are about to go. */
static int flush(struct diff *diff, struct leat_error *err)
{
    int rc = diff->n_runs ? lt_gather(&diff->builder, diff->runs, diff->n_runs) : LEAT_OK;
    diff->n_runs = 0;
    return rc ? lt_fail_oom(err) : LEAT_OK;
}

static int finish_batch(struct diff *diff, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct ArrowArray batch = {.release = NULL}, flags = {.release = NULL};
    int rc = flush(diff, err);
    rc = rc ? rc : lt_batch_builder_finish(&diff->builder, diff->rows, &batch, err);
    rc = rc ? rc : lt_builder_finish(&diff->flags, &flags, err);
    if (rc) {
        lt_array_done(&batch);
        return rc;
    }
    diff->rows = 0;
    return hp_batch_put(&batch, diff->given.n_children, &flags, ret_batch, err);
}

static int next_diff(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct diff *diff = step->state;
    struct side *sides = diff->sides;
    int rc = LEAT_OK;
    while (!rc && diff->rows < HP_ROWS_MAX) {
        for (int s = 0; !rc && s < SIDES; s++) {
            if (!sides[s].ended && sides[s].at == sides[s].n) {
                rc = flush(diff, err);
                rc = rc ? rc : load_side(diff, &sides[s], err);
            }
        }
        if (rc || (sides[OLD].ended && sides[NEW].ended)) {
            break;
        }
        rc = merge_some(diff, err);
        rc = rc || diff->n_runs < RUNS_MAX ? rc : flush(diff, err);
    }
    bool over = sides[OLD].ended && sides[NEW].ended && !diff->rows;
    return rc || over ? rc : finish_batch(diff, ret_batch, err);
}

/* --- opening -------------------------------------------------------------------------------- */

static int open_diff(struct hp_step *step, struct leat_error *err)
{
    struct diff *diff = calloc(1, sizeof *diff);
    struct ArrowSchema flag = {.release = NULL};
    int64_t at = 0;
    step->state = diff;
    if (!diff) {
        return lt_fail_oom(err);
    }
    diff->sides[NEW].step = step->inputs[0]; /* in the order of the type's keys */
    diff->sides[OLD].step = step->inputs[1];
    diff->identical = hp_is_on(step->def, "outputIdenticalRows");
    diff->runs = calloc(RUNS_MAX + HP_ROWS_MAX, sizeof *diff->runs);
    diff->differs = malloc(HP_ROWS_MAX);
    int rc = diff->runs && diff->differs ? LEAT_OK : lt_fail_oom(err);
    rc = rc ? rc : make_schemas(diff, step->def, err);
    rc =
        rc ? rc : lt_key_maker_init(&diff->maker, &diff->compared, diff->n_keys, diff->padded, err);
    rc = rc ? rc : lt_key_maker_field(&diff->maker, "key", &diff->key_field, err);
    rc = rc ? rc : lt_batch_builder_init(&diff->builder, &diff->given, err);
    rc = rc ? rc : lt_schema_init(&flag, "u", "", err);
    rc = rc ? rc : lt_builder_init(&diff->flags, &flag, err);
    rc = rc ? rc : lt_schema_copy(&diff->given, &step->schema, err);
    if (!rc && lt_schema_find(&diff->given, hp_value(step->def, "flagFieldName")) >= 0) {
        rc = lt_fail(err, LT_E_DUPLICATE_COLUMN, "the records have a field \"%s\" already",
                     hp_value(step->def, "flagFieldName"));
    }
    rc =
        rc ? rc : hp_schema_put(&step->schema, "u", hp_value(step->def, "flagFieldName"), &at, err);
    lt_schema_done(&flag);
    return rc;
}

static void close_diff(struct hp_step *step)
{
    struct diff *diff = step->state;
    if (!diff) {
        return;
    }
    for (int s = 0; s < SIDES; s++) {
        side_clear(&diff->sides[s]);
        lt_cast_free(diff->sides[s].out_cast);
        lt_cast_free(diff->sides[s].key_cast);
        lt_buf_done(&diff->sides[s].last_key);
        free(diff->sides[s].coarsen);
    }
    lt_batch_builder_done(&diff->builder);
    lt_builder_done(&diff->flags);
    lt_key_maker_done(&diff->maker);
    lt_schema_done(&diff->compared);
    lt_schema_done(&diff->given);
    lt_schema_done(&diff->key_field);
    free(diff->padded);
    free(diff->runs);
    free(diff->differs);
    free(diff);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_merge_diff = {open_diff, next_diff, close_diff};
