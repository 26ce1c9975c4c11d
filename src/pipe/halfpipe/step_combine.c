/* ChannelCombiner and MergeStreamsCartesian: several inputs made into one. */
#include "pipe/halfpipe/types.h"

#include "columnar/cast.h"
#include "columnar/common.h"
#include "columnar/gather.h"
#include "columnar/widen.h"
#include "core/util.h"

#include <stdlib.h>

/* --- ChannelCombiner ------------------------------------------------------------------------ */

struct combiner {
    struct lt_cast *casts[2];
    int64_t rows[2];
    size_t at;
};

/* A type that both fields can have: wide enough for both, else text. */
static int both(const struct ArrowSchema *a, const struct ArrowSchema *b,
                struct ArrowSchema *ret_field, struct leat_error *err)
{
    int rc = lt_widen(a, b, ret_field, NULL);
    if (rc == LEAT_UNSUPPORTED) {
        rc = lt_schema_init(ret_field, "u", a->name, err);
    }
    ret_field->flags |= rc ? 0 : ARROW_FLAG_NULLABLE;
    return rc == LEAT_NO_MEMORY ? lt_fail_oom(err) : rc;
}

/* The fields of either, the first's in front. */
static int unite(struct hp_step *step, int64_t **maps, struct leat_error *err)
{
    const struct ArrowSchema *a = &step->inputs[0]->schema, *b = &step->inputs[1]->schema;
    int rc = lt_schema_init_struct(&step->schema, 0, err);
    for (int64_t i = 0; !rc && i < a->n_children + b->n_children; i++) {
        struct ArrowSchema field = {.release = NULL};
        bool first = i < a->n_children;
        const struct ArrowSchema *from = first ? a->children[i] : b->children[i - a->n_children];
        int64_t other = lt_schema_find(first ? b : a, from->name);
        int64_t at = step->schema.n_children;
        if (!first && other >= 0) {
            continue;
        }
        rc = other >= 0 ? both(from, b->children[other], &field, err)
                        : lt_schema_copy(from, &field, err);
        if (!rc) {
            field.flags |= ARROW_FLAG_NULLABLE;
            maps[0][at] = first ? i : -1;
            maps[1][at] = first ? other : i - a->n_children;
            rc = lt_schema_add(&step->schema, &field, err);
        }
        lt_schema_done(&field);
    }
    return rc;
}

static int open_combiner(struct hp_step *step, struct leat_error *err)
{
    struct combiner *state = calloc(1, sizeof *state);
    step->state = state;
    size_t n = (size_t)(step->inputs[0]->schema.n_children + step->inputs[1]->schema.n_children);
    int64_t *maps[2] = {calloc(n + 1, sizeof(int64_t)), calloc(n + 1, sizeof(int64_t))};
    int rc = state && maps[0] && maps[1] ? unite(step, maps, err) : lt_fail_oom(err);
    for (int i = 0; !rc && i < 2; i++) {
        rc = lt_cast_new(&step->inputs[i]->schema, &step->schema, maps[i], &state->casts[i], err);
    }
    free(maps[0]);
    free(maps[1]);
    return rc;
}

static int next_combiner(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct combiner *state = step->state;
    struct ArrowArray batch = {.release = NULL};
    int rc = LEAT_OK;
    while (!rc && !batch.release && state->at < 2) {
        rc = hp_pull(step->inputs[state->at], &batch, err);
        state->at += !rc && !batch.release;
    }
    if (rc || !batch.release) {
        return rc;
    }
    int64_t *rows = &state->rows[state->at], n = batch.length;
    rc = lt_cast_run(state->casts[state->at], &batch, *rows + 1, ret_batch, NULL, err);
    *rows += n;
    return rc;
}

static void close_combiner(struct hp_step *step)
{
    struct combiner *state = step->state;
    if (state) {
        lt_cast_free(state->casts[0]);
        lt_cast_free(state->casts[1]);
    }
    free(state);
    step->state = NULL;
}

/* --- MergeStreamsCartesian ------------------------------------------------------------------ */

/* One input, all of it in memory. */
struct factor {
    struct ArrowArray *batches;
    struct lt_view *views;
    size_t n_batches;
    int64_t rows;
    size_t batch; /* the record that is at hand */
    int64_t row;
};

struct product {
    struct factor *factors;
    size_t n;
    bool over;
    /* Of each column the input that it comes from, and its column there. */
    size_t *from;
    int64_t *columns;
    struct lt_batch_builder *builders; /* one a column */
};

static int read_all(struct hp_step *input, struct factor *factor, int64_t *bytes,
                    struct leat_error *err)
{
    for (;;) {
        struct ArrowArray *batches =
            realloc(factor->batches, (factor->n_batches + 1) * sizeof *batches);
        factor->batches = batches ? batches : factor->batches;
        struct lt_view *views = realloc(factor->views, (factor->n_batches + 1) * sizeof *views);
        factor->views = views ? views : factor->views;
        if (!batches || !views) {
            return lt_fail_oom(err);
        }
        struct ArrowArray *batch = &batches[factor->n_batches];
        int rc = hp_pull(input, batch, err);
        if (rc || !batch->release) {
            return rc;
        }
        factor->rows += batch->length;
        *bytes += lt_array_bytes(&input->schema, batch);
        views[factor->n_batches] = (struct lt_view){0};
        rc = lt_view_init(&views[factor->n_batches], &input->schema, batch, err);
        factor->n_batches++;
        if (!rc && *bytes > HP_HELD_MAX) {
            rc = lt_fail(err, LT_E_LIMIT, "the inputs are too large to be multiplied in memory");
            leat_error_remedy(err, "let a query join them");
        }
        if (rc) {
            return rc;
        }
    }
}

/* Where a field comes from: of several inputs that have it the last, which must be allowed; the last
 * input of all is the record that the others are put into. */
static int place_field(struct hp_step *step, struct product *product, size_t input, int64_t column,
                       struct leat_error *err)
{
    const struct ArrowSchema *field = step->inputs[input]->schema.children[column];
    struct ArrowSchema copy = {.release = NULL};
    int64_t at = lt_schema_find(&step->schema, field->name);
    if (at >= 0 && !hp_is_on(step->def, "allowFieldOverwrite")) {
        int rc =
            lt_fail(err, LT_E_DUPLICATE_COLUMN, "several inputs have a field \"%s\"", field->name);
        leat_error_remedy(err, "rename it in a query, or allowFieldOverwrite: \"true\"");
        return rc;
    }
    int rc = lt_schema_copy(field, &copy, err);
    if (!rc && at >= 0) {
        lt_schema_done(step->schema.children[at]);
        lt_schema_move(&copy, step->schema.children[at]);
    } else if (!rc) {
        at = step->schema.n_children;
        rc = lt_schema_add(&step->schema, &copy, err);
    }
    lt_schema_done(&copy);
    if (!rc) {
        product->from[at] = input;
        product->columns[at] = column;
    }
    return rc;
}

static int place_fields(struct hp_step *step, struct product *product, struct leat_error *err)
{
    size_t n = step->n_inputs, columns = 0;
    for (size_t i = 0; i < n; i++) {
        columns += (size_t)step->inputs[i]->schema.n_children;
    }
    product->from = calloc(columns + 1, sizeof *product->from);
    product->columns = calloc(columns + 1, sizeof *product->columns);
    int rc = product->from && product->columns ? lt_schema_init_struct(&step->schema, 0, err)
                                               : lt_fail_oom(err);
    for (size_t i = 0; !rc && i < n; i++) {
        size_t input = i ? i - 1 : n - 1; /* the last one is put into first */
        const struct ArrowSchema *schema = &step->inputs[input]->schema;
        for (int64_t c = 0; !rc && c < schema->n_children; c++) {
            rc = place_field(step, product, input, c, err);
        }
    }
    return rc;
}

static int make_builders(struct hp_step *step, struct product *product, struct leat_error *err)
{
    int64_t n = step->schema.n_children;
    product->builders = calloc((size_t)n + 1, sizeof *product->builders);
    int rc = product->builders ? LEAT_OK : lt_fail_oom(err);
    for (int64_t i = 0; !rc && i < n; i++) {
        struct ArrowSchema one = {.release = NULL};
        rc = lt_schema_init_struct(&one, 0, err);
        rc = rc ? rc : lt_schema_add_copy(&one, step->schema.children[i], 0, err);
        rc = rc ? rc : lt_batch_builder_init(&product->builders[i], &one, err);
        lt_schema_done(&one);
    }
    return rc;
}

static int open_product(struct hp_step *step, struct leat_error *err)
{
    struct product *product = calloc(1, sizeof *product);
    int64_t bytes = 0;
    step->state = product;
    if (!product) {
        return lt_fail_oom(err);
    }
    if (step->n_inputs < 2) {
        return lt_fail(err, LT_E_INVALID, "it needs two inputs at least");
    }
    product->factors = calloc(step->n_inputs, sizeof *product->factors);
    int rc = product->factors ? LEAT_OK : lt_fail_oom(err);
    for (; !rc && product->n < step->n_inputs; product->n++) {
        rc = read_all(step->inputs[product->n], &product->factors[product->n], &bytes, err);
        product->over = product->over || !product->factors[product->n].rows;
    }
    rc = rc ? rc : place_fields(step, product, err);
    return rc ? rc : make_builders(step, product, err);
}

/* The first input's record changes fastest. */
static void advance(struct product *product)
{
    for (size_t i = 0; i < product->n; i++) {
        struct factor *factor = &product->factors[i];
        if (++factor->row < factor->batches[factor->batch].length) {
            return;
        }
        factor->row = 0;
        if (++factor->batch < factor->n_batches) {
            return;
        }
        factor->batch = 0;
    }
    product->over = true;
}

static int append_column(struct product *product, int64_t column, const struct lt_gather_run *run,
                         struct lt_view *shell)
{
    /* lt_gather() takes column 0 of a batch: a view of one column alone. */
    *shell = *run->batch;
    shell->children = run->batch->children + product->columns[column];
    shell->n_children = 1;
    const struct lt_gather_run one = {shell, run->first, run->rows};
    return lt_gather(&product->builders[column], &one, 1);
}

static int next_product(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct product *product = step->state;
    struct ArrowArray made = {.release = NULL};
    int64_t n = 0, columns = step->schema.n_children;
    int rc = LEAT_OK;
    if (product->over) {
        return LEAT_OK;
    }
    for (; !rc && !product->over && n < HP_ROWS_MAX; n++) {
        for (int64_t c = 0; !rc && c < columns; c++) {
            const struct factor *factor = &product->factors[product->from[c]];
            struct lt_view shell;
            const struct lt_gather_run run = {&factor->views[factor->batch], factor->row, 1};
            rc = append_column(product, c, &run, &shell) ? lt_fail_oom(err) : LEAT_OK;
        }
        advance(product);
    }
    rc = rc ? rc : lt_array_init(&made, 1, columns, err);
    for (int64_t c = 0; !rc && c < columns; c++) {
        struct ArrowArray one = {.release = NULL};
        rc = lt_batch_builder_finish(&product->builders[c], n, &one, err);
        if (!rc) {
            lt_array_move(one.children[0], made.children[c]);
            lt_array_done(&one);
        }
    }
    made.length = n;
    if (rc) {
        lt_array_done(&made);
        return rc;
    }
    lt_array_move(&made, ret_batch);
    return LEAT_OK;
}

static void close_product(struct hp_step *step)
{
    struct product *product = step->state;
    if (!product) {
        return;
    }
    for (size_t i = 0; product->factors && i < step->n_inputs; i++) {
        struct factor *factor = &product->factors[i];
        for (size_t k = 0; k < factor->n_batches; k++) {
            lt_view_done(&factor->views[k]);
            lt_array_done(&factor->batches[k]);
        }
        free(factor->batches);
        free(factor->views);
    }
    for (int64_t i = 0; product->builders && i < step->schema.n_children; i++) {
        lt_batch_builder_done(&product->builders[i]);
    }
    free(product->factors);
    free(product->builders);
    free(product->from);
    free(product->columns);
    free(product);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_combiner = {open_combiner, next_combiner, close_combiner};
const struct lt_halfpipe_ops hp_ops_cartesian = {open_product, next_product, close_product};
