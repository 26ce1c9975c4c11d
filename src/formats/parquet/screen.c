#include "formats/parquet/screen.h"

#include "core/codes.h"
#include "core/util.h"

#include "core/banned.h"

#define ROWS 4096 /* looked at in one go: their stored form is kept for so long */

void lt_pq_screen_done(struct lt_pq_screen *screen)
{
    lt_faults_done(&screen->faults);
    lt_buf_done(&screen->scratch);
}

static const struct lt_pq_store *store_of(const struct lt_pq_screen *screen,
                                          const struct lt_pq_node *node)
{
    return &screen->columns[node->leaf].store;
}

/* Whether there are values that a leaf at or below the node cannot hold. */
static bool may_refuse(const struct lt_pq_screen *screen, const struct lt_pq_node *node)
{
    bool may = node->shape == LT_PQ_LEAF && store_of(screen, node)->why;
    for (size_t i = 0; i < node->n_children && !may; i++) {
        may = may_refuse(screen, &node->children[i]);
    }
    return may;
}

static int note(struct lt_pq_screen *screen, int64_t row, size_t column,
                const struct lt_pq_store *store, struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    uint32_t reason = 0;
    lt_pq_physical_refuse(store, &why);
    int status = lt_faults_reason(&screen->faults, &why, &reason, err);
    return status ? status : lt_faults_add(&screen->faults, row, column, reason, err);
}

static int screen_flat(struct lt_pq_screen *screen, const struct lt_pq_store *store, size_t column,
                       const struct lt_view *view, int64_t first, int64_t rows,
                       struct leat_error *err)
{
    int64_t at = first, end = first + rows;
    int status = LEAT_OK;
    while (at < end && !status) {
        int64_t n = LT_MIN(end - at, ROWS), row = -1;
        status = lt_pq_physical_misfit(store, view, at, n, &screen->scratch, &row, err);
        if (!status && row >= 0) {
            status = note(screen, row - first, column, store, err);
        }
        at = row >= 0 ? row + 1 : at + n;
    }
    return status;
}

/* *ret_store: of a leaf that cannot hold its part of the value; NULL: all can. */
static int screen_value(struct lt_pq_screen *screen, const struct lt_pq_node *node,
                        const struct lt_view *view, int64_t row,
                        const struct lt_pq_store **ret_store, struct leat_error *err)
{
    int64_t first = row, end = row + 1, bad = -1;
    int status = LEAT_OK;
    if (lt_view_is_null(view, row)) {
        return LEAT_OK;
    }
    if (node->shape == LT_PQ_LEAF) {
        const struct lt_pq_store *store = store_of(screen, node);
        status = store->why
                     ? lt_pq_physical_misfit(store, view, row, 1, &screen->scratch, &bad, err)
                     : LEAT_OK;
        *ret_store = bad >= 0 ? store : NULL;
        return status;
    }
    if (node->shape != LT_PQ_STRUCT) {
        lt_view_list(view, row, &first, &end);
    }
    view = node->shape == LT_PQ_MAP ? &view->children[0] : view;
    for (int64_t at = first; at < end; at++) {
        for (size_t i = 0; i < node->n_children && !status && !*ret_store; i++) {
            status =
                screen_value(screen, &node->children[i], &view->children[i], at, ret_store, err);
        }
    }
    return status;
}

int lt_pq_screen_rows(struct lt_pq_screen *screen, const struct lt_view *views,
                      const int64_t *firsts, int64_t rows, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < screen->tree->n_columns && !status; i++) {
        const struct lt_pq_node *node = &screen->tree->columns[i];
        if (!may_refuse(screen, node)) {
            continue;
        }
        if (node->shape == LT_PQ_LEAF) {
            status =
                screen_flat(screen, store_of(screen, node), i, &views[i], firsts[i], rows, err);
            continue;
        }
        for (int64_t row = 0; row < rows && !status; row++) {
            const struct lt_pq_store *store = NULL;
            status = screen_value(screen, node, &views[i], firsts[i] + row, &store, err);
            if (!status && store) {
                status = note(screen, row, i, store, err);
            }
        }
    }
    return status;
}
