/* Differences, one by one, to whoever observes the run. */
#include "engine/difference.h"

#include "columnar/equal.h"
#include "columnar/text.h"
#include "core/codes.h"

#include <stdlib.h>

static void release_nothing(struct ArrowArray *array)
{
    array->release = NULL;
}

static int window_init(struct lt_window *window, int64_t n)
{
    window->columns = calloc((size_t)n + 1, sizeof *window->columns);
    window->pointers = calloc((size_t)n + 1, sizeof *window->pointers);
    window->nothing = NULL;
    if (!window->columns || !window->pointers) {
        return LEAT_NO_MEMORY;
    }
    for (int64_t i = 0; i < n; i++) {
        window->pointers[i] = &window->columns[i];
    }
    window->array = (struct ArrowArray){.length = 1,
                                        .n_buffers = 1,
                                        .n_children = n,
                                        .buffers = &window->nothing,
                                        .children = window->pointers};
    return LEAT_OK;
}

static void window_done(struct lt_window *window)
{
    free(window->columns);
    free(window->pointers);
}

/* Looks at one record of a batch. */
static const struct ArrowArray *window_set(struct lt_window *window, const struct lt_view *batch,
                                           int64_t row)
{
    for (int64_t i = 0; i < window->array.n_children; i++) {
        struct ArrowArray *column = &window->columns[i];
        *column = *batch->children[i].array;
        column->offset += batch->array->offset + row;
        column->length = 1;
        column->null_count = column->null_count ? -1 : 0;
        column->release = release_nothing;
    }
    window->array.release = release_nothing;
    return &window->array;
}

int lt_differences_init(struct lt_differences *differences, const struct lt_pair *pair,
                        const struct leat_observer *observer, struct lt_told *told,
                        struct leat_error *err)
{
    *differences = (struct lt_differences){
        .pair = pair, .observer = observer, .told = told, .again = told->n > 0};
    differences->schema = pair->schema; /* borrowed, without the key as bytes */
    differences->schema.n_children = pair->n_columns;
    differences->schema.release = NULL;
    differences->differs = calloc((size_t)pair->n_columns + 1, sizeof(bool));
    bool ok = differences->differs && !window_init(&differences->a, pair->n_columns) &&
              !window_init(&differences->b, pair->n_columns);
    return ok ? LEAT_OK : lt_fail_oom(err);
}

void lt_differences_done(struct lt_differences *differences)
{
    window_done(&differences->a);
    window_done(&differences->b);
    free(differences->differs);
}

/* Which columns of one pair of records differ. */
static int find_columns(struct lt_differences *differences, const struct lt_match_rows *rows,
                        int64_t k, struct leat_error *err)
{
    const struct lt_pair *pair = differences->pair;
    for (int64_t c = 0; c < pair->n_columns; c++) {
        uint8_t differs = rows->kind != LEAT_CHANGED;
        if (!differs && c >= pair->n_keys &&
            lt_equal_column(&rows->a->children[c], rows->a_first + k, &rows->b->children[c],
                            rows->b_first + k, 1, pair->padded[c], &differs)) {
            return lt_fail_oom(err);
        }
        differences->differs[c] = differs;
    }
    return LEAT_OK;
}

/* Whether an attempt before told it; if not, that it is told now. */
static int note_told(struct lt_differences *differences, const struct lt_match_rows *rows,
                     int64_t k, bool *ret_before, struct leat_error *err)
{
    struct lt_told *told = differences->told;
    bool deleted = rows->kind == LEAT_DELETED;
    const struct lt_view *batch = deleted ? rows->b : rows->a;
    size_t len;
    const uint8_t *key = lt_view_bytes(&batch->children[differences->pair->n_columns],
                                       (deleted ? rows->b_first : rows->a_first) + k, &len);
    if (differences->again) {
        int order = lt_key_bytes_compare(key, len, told->key.data, told->key.len);
        *ret_before = order <= 0;
        differences->again = *ret_before;
        if (*ret_before) {
            return LEAT_OK;
        }
    }
    *ret_before = false;
    lt_buf_clear(&told->key);
    told->n++;
    return lt_buf_append(&told->key, key, len) ? lt_fail_oom(err) : LEAT_OK;
}

int lt_differences_tell(void *arg, const struct lt_match_rows *rows, struct leat_error *err)
{
    struct lt_differences *differences = arg;
    const struct leat_observer *observer = differences->observer;
    int rc = LEAT_OK;
    for (int64_t k = 0; !rc && observer && observer->difference && k < rows->n; k++) {
        struct leat_difference one = {.size = sizeof one,
                                      .kind = rows->kind,
                                      .stream = differences->pair->job->label,
                                      .schema = &differences->schema,
                                      .differs = differences->differs,
                                      .n_keys = differences->pair->n_keys};
        bool before = false;
        rc = note_told(differences, rows, k, &before, err);
        if (before) {
            continue;
        }
        rc = rc ? rc : find_columns(differences, rows, k, err);
        if (rc) {
            break;
        }
        if (rows->kind != LEAT_DELETED) {
            one.source = window_set(&differences->a, rows->a, rows->a_first + k);
        }
        if (rows->kind != LEAT_NEW) {
            one.destination = window_set(&differences->b, rows->b, rows->b_first + k);
        }
        rc = observer->difference(observer->arg, &one) ? LT_MATCH_ENOUGH : LEAT_OK;
    }
    return rc;
}

int leat_value_json(const struct ArrowSchema *field, const struct ArrowArray *column, int64_t row,
                    char **ret_text, struct leat_error *err)
{
    struct lt_view view;
    struct lt_buf text = LT_BUF_INIT;
    int rc = lt_view_init(&view, field, column, err);
    if (rc) {
        return rc;
    }
    if (row < 0 || row >= view.length) {
        rc = lt_fail(err, LT_E_INVALID, "there is no such row");
    } else if (lt_text_format_json(&view, row, &text) || !(*ret_text = lt_buf_take(&text))) {
        rc = lt_fail_oom(err);
    }
    lt_buf_done(&text);
    lt_view_done(&view);
    return rc;
}
