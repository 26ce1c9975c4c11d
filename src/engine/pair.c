/* Both sides of a comparison opened, and read as far as they will be. */
#include "engine/pair.h"

#include "core/codes.h"
#include "core/util.h"
#include "engine/flow.h"
#include "engine/ranges.h"
#include "engine/retype.h"

#include <stdlib.h>

#define KEY_COLUMN "\1key" /* no column of any stream is called so */

/* --- reading plans ------------------------------------------------------------------------- */

static void read_plan(const struct lt_pair_side *side, struct leat_read_plan *ret_plan)
{
    const struct lt_pair *pair = side->pair;
    lt_run_read_plan(pair->run, side->side, pair->job, ret_plan);
    ret_plan->payloads = LEAT_PAYLOAD_BATCH;
    if (!side->is_source) {
        /* A single file is its stream, whatever that is called at the source. */
        const char *name =
            lt_side_can(side->side, LEAT_CAN_STREAMS) ? pair->job->dest_names[0] : "";
        ret_plan->stream = (struct leat_stream_name){pair->job->dest_ns[0], name};
        ret_plan->query = NULL;
        ret_plan->columns = NULL;
        ret_plan->n_columns = 0;
        ret_plan->types = side->texts.n_children ? &side->texts : NULL;
    }
}

static const char *label_of(const struct lt_pair_side *side)
{
    return side->is_source ? side->pair->job->label : side->side->location->text;
}

static int start_reader(struct lt_pair_side *side, const struct leat_read_plan *plan,
                        struct leat_error *err)
{
    const struct leat_source_ops *ops = side->side->connector->source;
    if (side->reader) {
        ops->finish(side->reader);
        side->reader = NULL;
    }
    int rc = ops->start(side->side->ep, plan, &side->reader, err);
    if (lt_side_can(side->side, LEAT_IS_TERMINAL)) {
        side->pair->run->input_spent = true;
    }
    if (!rc) {
        lt_schema_done(&side->given);
        rc = ops->schema(side->reader, &side->given, err);
    }
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "%s", label_of(side));
    }
    return rc;
}

/* What the reader gives, and what the transform makes of it. */
static int take_schema(struct lt_pair_side *side, struct leat_error *err)
{
    const struct lt_pair *pair = side->pair;
    lt_cast_free(side->transform);
    side->transform = NULL;
    lt_schema_done(&side->own);
    if (!side->is_source) {
        return lt_schema_copy(&side->given, &side->own, err);
    }
    return lt_transform_new(&pair->run->wishes, &pair->job->typing, &side->given, &side->own,
                            &side->transform, err);
}

/* Values that only a system's own text can tell (infinite dates) can be compared as that, if both
 * sides give it: --cast is about the source, but as text it counts for the destination, too. So do
 * columns of which that was found out (pair_misfit.c). */
static int find_texts(struct lt_pair_side *side, struct leat_error *err)
{
    const struct lt_column_wishes *wishes = &side->pair->run->wishes;
    const struct ArrowSchema *casts = &side->pair->job->typing.casts;
    int rc = lt_schema_init_struct(&side->texts, 0, err);
    for (int64_t i = 0; !rc && i < casts->n_children; i++) {
        const struct ArrowSchema *wish = casts->children[i];
        struct ArrowSchema field = {.release = NULL};
        struct lt_type type;
        rc = lt_type_of(wish, &type, err);
        if (!rc && type.id == LT_UTF8 && (type.logical == LT_PLAIN || type.logical == LT_FOREIGN)) {
            rc = lt_schema_copy(wish, &field, err);
            rc = rc ? rc : lt_schema_set_name(&field, lt_wishes_new_name(wishes, wish->name), err);
            rc = rc ? rc : lt_schema_add(&side->texts, &field, err);
            lt_schema_done(&field);
        }
    }
    return rc;
}

static int open_side(struct lt_pair_side *side, struct lt_side *end, struct leat_error *err)
{
    struct leat_read_plan plan;
    side->side = end;
    int rc = side->is_source ? LEAT_OK : find_texts(side, err);
    if (rc) {
        return rc;
    }
    read_plan(side, &plan);
    if (!side->is_source && plan.predicate && !lt_side_can(end, LEAT_CAN_PREDICATE)) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "%s has no conditions of its own for --where, which is about both sides",
                       end->connector->name);
    }
    rc = start_reader(side, &plan, err);
    return rc ? rc : take_schema(side, err);
}

/* --- inferred types ------------------------------------------------------------------------ */

/* The widest type of a kind; NULL: the type itself. */
static const char *plain_name(const struct lt_type *type)
{
    switch (type->id) {
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        return "numeric";
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_UTF8_VIEW:
        return type->logical == LT_NUMERIC ? "numeric" : type->logical == LT_JSON ? "json" : "utf8";
    case LT_BINARY:
    case LT_LARGE_BINARY:
    case LT_BINARY_VIEW:
    case LT_FIXED_BINARY:
        return "binary";
    default:
        return NULL;
    }
}

/* The type by which a value keeps all that its text says, where an inferred one may not: the other
 * side's, but for decimals and texts, which take any there are. Nothing where the inferred one will
 * do. */
static int read_as(const struct ArrowSchema *inferred, const struct ArrowSchema *like,
                   struct ArrowSchema *types, struct leat_error *err)
{
    struct lt_type to;
    struct ArrowSchema field = {.release = NULL};
    if (!lt_reads_better(inferred, like)) {
        return LEAT_OK;
    }
    int rc = lt_type_of(like, &to, err);
    const char *name = rc ? NULL : plain_name(&to);
    rc = rc ? rc : name ? lt_type_parse(name, &field, err) : lt_schema_copy(like, &field, err);
    rc = rc ? rc : lt_schema_set_name(&field, inferred->name, err);
    rc = rc ? rc : lt_schema_add(types, &field, err);
    lt_schema_done(&field);
    return rc;
}

/* Tells a reader that may have inferred its types what the other side's are. */
static int retype(struct lt_pair_side *side, const struct lt_pair_side *other,
                  struct leat_error *err)
{
    const struct leat_source_ops *ops = side->side->connector->source;
    const struct lt_column_wishes *wishes = &side->pair->run->wishes;
    struct ArrowSchema types = {.release = NULL};
    if (!ops->retype) {
        return LEAT_OK;
    }
    int rc = lt_schema_init_struct(&types, 0, err);
    for (int64_t i = 0; !rc && i < side->given.n_children; i++) {
        const char *name = side->given.children[i]->name;
        bool said = side->is_source && lt_schema_find(&side->pair->job->typing.all, name) >= 0;
        int64_t at =
            lt_schema_find(&other->own, side->is_source ? lt_wishes_new_name(wishes, name) : name);
        if (!said && at >= 0) {
            rc = read_as(side->given.children[i], other->own.children[at], &types, err);
        }
    }
    if (!rc && types.n_children) {
        rc = ops->retype(side->reader, &types, err);
        if (!rc) {
            lt_schema_done(&side->given);
            rc = ops->schema(side->reader, &side->given, err);
        }
        rc = rc ? rc : take_schema(side, err);
    }
    lt_schema_done(&types);
    return rc;
}

/* --- the readers, as they will read -------------------------------------------------------- */

static const char *own_name(const struct lt_pair_side *side, int64_t column)
{
    const char *name = side->pair->schema.children[column]->name;
    return side->is_source ? lt_wishes_old_name(&side->pair->run->wishes, name) : name;
}

/* The system can give the records in the key's order, as the common types have it. */
static bool can_order(const struct lt_pair_side *side)
{
    const struct lt_pair *pair = side->pair;
    bool can = lt_side_can(side->side, LEAT_CAN_ORDER);
    for (int64_t i = 0; can && i < pair->n_keys; i++) {
        can = side->is_source ? pair->common[i].a_ordered : pair->common[i].b_ordered;
    }
    return can;
}

void lt_pair_plan(const struct lt_pair_side *side, const struct leat_cursor_range *range,
                  struct leat_read_plan *ret_plan)
{
    read_plan(side, ret_plan);
    if (side->columns) {
        ret_plan->columns = side->columns;
        ret_plan->n_columns = side->n_columns;
    }
    if (side->ordered) {
        ret_plan->order = (const char *const *)side->order;
        ret_plan->n_order = (size_t)side->pair->n_keys;
    }
    ret_plan->cursor = range;
}

int lt_pair_restart(struct lt_pair_side *side, const struct leat_cursor_range *range,
                    struct leat_error *err)
{
    struct leat_read_plan plan;
    struct ArrowSchema before = {.release = NULL};
    lt_pair_plan(side, range, &plan);
    int rc = side->cast ? lt_schema_copy(&side->own, &before, err) : LEAT_OK;
    rc = rc ? rc : start_reader(side, &plan, err);
    rc = rc ? rc : take_schema(side, err);
    if (!rc && side->cast && !lt_schema_same(&before, &side->own, true)) {
        rc = lt_fail(err, LT_E_UNAVAILABLE, "the columns of %s changed under the run",
                     label_of(side));
    }
    lt_schema_done(&before);
    return rc;
}

/* The names of what is compared, for the system's own language. */
static int name_columns(struct lt_pair_side *side, struct leat_error *err)
{
    const struct lt_pair *pair = side->pair;
    side->order = calloc((size_t)pair->n_keys + 1, sizeof *side->order);
    const char **columns = calloc((size_t)pair->n_columns + 1, sizeof *columns);
    int rc = side->order && columns ? LEAT_OK : lt_fail_oom(err);
    for (int64_t i = 0; !rc && i < pair->n_keys; i++) {
        side->order[i] = lt_strdup(own_name(side, i));
        rc = side->order[i] ? LEAT_OK : lt_fail_oom(err);
    }
    for (int64_t i = 0; !rc && i < pair->n_columns; i++) {
        if (side->from[i] >= 0) {
            columns[side->n_columns++] = own_name(side, i);
        }
    }
    side->columns = columns;
    return rc;
}

/* Reads again, in order and only what is compared, where the system can do so. */
static int read_less(struct lt_pair_side *side, struct leat_error *err)
{
    const struct lt_pair *pair = side->pair;
    /* Columns that only the source has may be named in its wishes, so they are read there. */
    bool project =
        lt_side_can(side->side, LEAT_CAN_PROJECT) && !(side->is_source && pair->only_source.len);
    int rc = name_columns(side, err);
    if (!project) {
        free(side->columns);
        side->columns = NULL;
    }
    side->ordered = !pair->unordered && can_order(side);
    if (rc || !(side->ordered || (project && lt_side_can(side->side, LEAT_CAN_ORDER)))) {
        return rc;
    }
    rc = lt_pair_restart(side, NULL, err);
    if (rc == LEAT_UNSUPPORTED && side->ordered) {
        side->ordered = false; /* not by this column: sorted here, then */
        leat_error_clear(err);
        rc = lt_pair_restart(side, NULL, err);
    }
    return rc;
}

/* Where each compared column comes from, and the cast of all of them. */
static int make_cast(struct lt_pair_side *side, struct leat_error *err)
{
    const struct lt_pair *pair = side->pair;
    for (int64_t i = 0; i < pair->n_columns; i++) {
        if (side->from[i] < 0) {
            continue; /* nulls */
        }
        side->from[i] = lt_schema_find(&side->own, pair->schema.children[i]->name);
        if (side->from[i] < 0) {
            return lt_fail(err, LT_E_UNAVAILABLE, "the columns of %s changed under the run",
                           label_of(side));
        }
    }
    int rc = lt_cast_new(&side->own, &pair->schema, side->from, &side->cast, err);
    rc = rc || pair->unordered
             ? rc
             : lt_key_maker_init(&side->keys, &pair->schema, pair->n_keys, pair->padded, err);
    return rc;
}

static int add_key_column(struct lt_pair *pair, struct leat_error *err)
{
    struct ArrowSchema field;
    int rc = lt_key_maker_field(&pair->source.keys, KEY_COLUMN, &field, err);
    if (!rc) {
        rc = lt_schema_add(&pair->schema, &field, err);
        lt_schema_done(&field);
    }
    return rc;
}

static int match(struct lt_pair *pair, struct leat_error *err)
{
    struct lt_pair_side *a = &pair->source, *b = &pair->destination;
    int rc = lt_pair_find_columns(pair, err);
    rc = rc ? rc : read_less(a, err);
    rc = rc ? rc : read_less(b, err);
    rc = rc ? rc : make_cast(a, err);
    rc = rc ? rc : make_cast(b, err);
    return rc || pair->unordered ? rc : add_key_column(pair, err);
}

int lt_pair_open(struct lt_pair *pair, struct lt_run *run, struct lt_job *job,
                 struct lt_side *source, struct lt_side *destination, unsigned how,
                 struct leat_error *err)
{
    struct lt_pair_side *a = &pair->source, *b = &pair->destination;
    *pair = (struct lt_pair){.run = run, .job = job, .how = how, .sample = UINT64_MAX};
    a->pair = b->pair = pair;
    a->is_source = true;
    pair->sort_bytes = run->memory / 8 / LT_MAX(run->workers_n, 1);
    int rc = open_side(a, source, err);
    rc = rc ? rc : open_side(b, destination, err);
    rc = rc ? rc : retype(b, a, err);
    rc = rc ? rc : retype(a, b, err);
    rc = rc || how & LT_PAIR_COLUMNS ? rc : match(pair, err);
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "%s", job->label);
    }
    return rc;
}

static void side_close(struct lt_pair_side *side)
{
    leat_x_payload_release(&side->now);
    lt_view_done(&side->view);
    side->has_view = false;
    lt_queue_free(side->queue);
    side->queue = NULL;
    if (side->reader) {
        side->side->connector->source->finish(side->reader);
        side->reader = NULL;
    }
}

void lt_pair_close(struct lt_pair *pair)
{
    lt_pair_stop(pair);
    side_close(&pair->source);
    side_close(&pair->destination);
}

static void side_done(struct lt_pair_side *side)
{
    lt_cast_free(side->transform);
    lt_cast_free(side->cast);
    lt_key_maker_done(&side->keys);
    lt_schema_done(&side->given);
    lt_schema_done(&side->own);
    lt_schema_done(&side->texts);
    lt_buf_done(&side->last_key);
    lt_list_free(side->order);
    free(side->columns);
    free(side->sums);
    free(side->from);
}

void lt_pair_done(struct lt_pair *pair)
{
    if (!pair->run) {
        return;
    }
    lt_pair_close(pair);
    side_done(&pair->source);
    side_done(&pair->destination);
    lt_schema_done(&pair->schema);
    lt_ranges_free(pair->ranges);
    lt_buf_done(&pair->only_source);
    lt_buf_done(&pair->only_destination);
    lt_buf_done(&pair->coarse);
    free(pair->common);
    free(pair->padded);
    memset(pair, 0, sizeof *pair);
}
