/* FilterRows. */
#include "pipe/halfpipe/jsonlogic.h"
#include "pipe/halfpipe/types.h"

#include "columnar/keys.h"
#include "core/util.h"

#include <stdlib.h>

struct filter;
typedef int filter_fn(struct hp_step *step, struct filter *filter, struct ArrowArray *batch,
                      struct leat_error *err);

struct filter_kind {
    const char *name;
    int (*open)(struct hp_step *step, struct filter *filter, const char *metadata,
                struct leat_error *err);
    filter_fn *take; /* of a batch that came: what is left of it is given on */
    bool at_end;     /* gives its record when nothing comes any more */
};

struct filter {
    const struct filter_kind *kind;
    struct ArrowArray kept; /* one record */
    bool over;
    int64_t most, seen;
    struct hp_logic *logic;
    struct lt_view view;
    /* GetMax */
    int64_t field;
    struct ArrowSchema key, keys;
    struct lt_key_maker maker;
    struct lt_buf greatest;
};

/* Copies one record out of a batch, which may go. */
static int keep(struct hp_step *step, struct filter *filter, const struct ArrowArray *batch,
                int64_t row, struct leat_error *err)
{
    lt_array_done(&filter->kept);
    return lt_array_take(&step->inputs[0]->schema, batch, &row, 1, &filter->kept, err);
}

/* --- LastRow -------------------------------------------------------------------------------- */

static int open_last(struct hp_step *step, struct filter *filter, const char *metadata,
                     struct leat_error *err)
{
    (void)step;
    (void)filter;
    (void)metadata;
    (void)err;
    return LEAT_OK;
}

static int take_last(struct hp_step *step, struct filter *filter, struct ArrowArray *batch,
                     struct leat_error *err)
{
    int rc = keep(step, filter, batch, batch->length - 1, err);
    lt_array_done(batch);
    return rc;
}

/* --- GetMax: numbers as numbers, text by its bytes, nulls below all ------------------------- */

static int open_max(struct hp_step *step, struct filter *filter, const char *metadata,
                    struct leat_error *err)
{
    int rc = hp_field(step->inputs[0], metadata, &filter->field, err);
    rc = rc ? rc : lt_schema_init_struct(&filter->key, 0, err);
    rc = rc ? rc
            : lt_schema_add_copy(&filter->key, step->inputs[0]->schema.children[filter->field], 0,
                                 err);
    rc = rc ? rc : lt_key_maker_init(&filter->maker, &filter->key, 1, NULL, err);
    return rc ? rc : lt_key_maker_field(&filter->maker, "key", &filter->keys, err);
}

/* The greatest of the records numbered in `rows`, whose keys these are. */
static int choose(struct hp_step *step, struct filter *filter, const struct ArrowArray *batch,
                  const struct ArrowArray *keys, const int64_t *rows, struct leat_error *err)
{
    struct lt_view all = {0};
    int64_t best = -1;
    int rc = lt_view_init(&all, &filter->keys, keys, err);
    const uint8_t *top = filter->greatest.data;
    size_t top_len = filter->greatest.len;
    for (int64_t i = 0; !rc && i < keys->length; i++) {
        size_t len;
        const uint8_t *key = lt_view_bytes(&all, i, &len);
        int order = top ? memcmp(key, top, LT_MIN(len, top_len)) : 1;
        if (order > 0 || (!order && len > top_len)) {
            best = i;
            top = key;
            top_len = len;
        }
    }
    if (!rc && best >= 0) {
        struct lt_buf greatest = LT_BUF_INIT;
        rc = lt_buf_append(&greatest, top, top_len) ? lt_fail_oom(err) : LEAT_OK;
        lt_buf_done(&filter->greatest);
        filter->greatest = greatest;
        rc = rc ? rc : keep(step, filter, batch, rows[best], err);
    }
    lt_view_done(&all);
    return rc;
}

static int take_max(struct hp_step *step, struct filter *filter, struct ArrowArray *batch,
                    struct leat_error *err)
{
    struct ArrowArray some = {.release = NULL}, key = {.release = NULL}, keys = {.release = NULL};
    struct lt_view column = {0}, keyed = {0};
    int64_t n = 0, *rows = malloc(((size_t)batch->length + 1) * sizeof *rows);
    const struct ArrowSchema *schema = &step->inputs[0]->schema;
    int rc = rows ? lt_view_init(&column, schema->children[filter->field],
                                 batch->children[filter->field], err)
                  : lt_fail_oom(err);
    for (int64_t row = 0; !rc && row < batch->length; row++) {
        rows[n] = row;
        n += !lt_view_is_null(&column, row);
    }
    if (!rc && !n && !filter->kept.release) {
        rc = keep(step, filter, batch, 0, err);
    } else if (!rc && n) {
        rc = lt_array_take(schema, batch, rows, n, &some, err);
        rc = rc ? rc : lt_array_init(&key, 1, 1, err);
        if (!rc) {
            key.length = n;
            lt_array_move(some.children[filter->field], key.children[0]);
            rc = lt_view_init(&keyed, &filter->key, &key, err);
            rc = rc ? rc : lt_key_maker_run(&filter->maker, &keyed, 1, &keys, err);
            rc = rc ? rc : choose(step, filter, batch, &keys, rows, err);
            lt_view_done(&keyed);
        }
    }
    lt_view_done(&column);
    lt_array_done(&some);
    lt_array_done(&key);
    lt_array_done(&keys);
    lt_array_done(batch);
    free(rows);
    return rc;
}

/* --- JsonLogic ------------------------------------------------------------------------------ */

static int open_logic(struct hp_step *step, struct filter *filter, const char *metadata,
                      struct leat_error *err)
{
    (void)step;
    return hp_logic_new(metadata, &filter->logic, err);
}

struct chosen {
    int64_t *rows, n;
};

static int choose_true(void *arg, int64_t row, enum hp_logic_kind kind, const char *text,
                       size_t len)
{
    struct chosen *chosen = arg;
    chosen->rows[chosen->n] = row;
    chosen->n += kind == HP_LOGIC_OTHER && len == 4 && !memcmp(text, "true", 4);
    return LEAT_OK;
}

static int take_logic(struct hp_step *step, struct filter *filter, struct ArrowArray *batch,
                      struct leat_error *err)
{
    const struct ArrowSchema *schema = &step->inputs[0]->schema;
    struct ArrowArray some = {.release = NULL};
    struct chosen chosen = {malloc(((size_t)batch->length + 1) * sizeof(int64_t)), 0};
    int rc = chosen.rows ? lt_view_next(&filter->view, schema, batch, err) : lt_fail_oom(err);
    rc = rc ? rc : hp_logic_run(filter->logic, &filter->view, choose_true, &chosen, err);
    if (!rc && chosen.n < batch->length) {
        rc = lt_array_take(schema, batch, chosen.rows, chosen.n, &some, err);
        lt_array_done(batch);
        lt_array_move(&some, batch);
    }
    free(chosen.rows);
    return rc;
}

/* --- AbortAfter ----------------------------------------------------------------------------- */

static int open_abort(struct hp_step *step, struct filter *filter, const char *metadata,
                      struct leat_error *err)
{
    (void)step;
    if (lt_parse_int(metadata, &filter->most) || filter->most < 0) {
        return lt_fail(err, LT_E_INVALID, "filterMetadata of AbortAfter is a number, 0 or more");
    }
    return LEAT_OK;
}

static int take_abort(struct hp_step *step, struct filter *filter, struct ArrowArray *batch,
                      struct leat_error *err)
{
    (void)step;
    filter->seen += batch->length;
    if (filter->most && filter->seen > filter->most) {
        int rc = lt_fail(err, LT_E_LIMIT, "more than %lld records came", (long long)filter->most);
        leat_error_remedy(err, "AbortAfter sets how many may");
        return rc;
    }
    return LEAT_OK;
}

/* --- the step ------------------------------------------------------------------------------- */

static const struct filter_kind kinds[] = {
    {"GetMax", open_max, take_max, true},
    {"LastRow", open_last, take_last, true},
    {"JsonLogic", open_logic, take_logic, false},
    {"AbortAfter", open_abort, take_abort, false},
};

static int open_filter(struct hp_step *step, struct leat_error *err)
{
    struct filter *filter = calloc(1, sizeof *filter);
    const char *name = hp_value(step->def, "filterType");
    step->state = filter;
    if (!filter) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(kinds); i++) {
        if (!strcmp(kinds[i].name, name)) {
            filter->kind = &kinds[i];
        }
    }
    if (!filter->kind) {
        int rc = lt_fail(err, LT_E_INVALID, "there is no filterType \"%s\"", name);
        leat_error_remedy(err, "GetMax, LastRow, JsonLogic or AbortAfter");
        return rc;
    }
    int rc = filter->kind->open(step, filter, hp_value(step->def, "filterMetadata"), err);
    return rc ? rc : lt_schema_copy(&step->inputs[0]->schema, &step->schema, err);
}

static int next_filter(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct filter *filter = step->state;
    int rc = LEAT_OK;
    bool gives = false;
    while (!rc && !filter->over && !gives) {
        rc = hp_pull(step->inputs[0], ret_batch, err);
        filter->over = !rc && !ret_batch->release;
        if (!rc && !filter->over) {
            rc = filter->kind->take(step, filter, ret_batch, err);
            gives = ret_batch->release != NULL;
        }
    }
    if (!rc && filter->over && filter->kind->at_end) {
        lt_array_move(&filter->kept, ret_batch);
    }
    return rc;
}

static void close_filter(struct hp_step *step)
{
    struct filter *filter = step->state;
    if (filter) {
        lt_array_done(&filter->kept);
        hp_logic_free(filter->logic);
        lt_key_maker_done(&filter->maker);
        lt_schema_done(&filter->key);
        lt_schema_done(&filter->keys);
        lt_buf_done(&filter->greatest);
        lt_view_done(&filter->view);
    }
    free(filter);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_filter = {open_filter, next_filter, close_filter};
