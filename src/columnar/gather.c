#include "columnar/gather.h"

/* One value of any type, null or not. */
static int append_value(struct lt_builder *to, const struct lt_view *from, int64_t row)
{
    int64_t first = row, end = row + 1;
    if (lt_view_is_null(from, row)) {
        return lt_builder_null(to);
    }
    if (to->type.id == LT_BOOL) {
        return lt_builder_bool(to, lt_view_bool(from, row));
    }
    if (lt_type_is_varlen(to->type.id)) {
        size_t len;
        const uint8_t *bytes = lt_view_bytes(from, row, &len);
        return lt_builder_bytes_value(to, bytes, len);
    }
    if (!lt_type_is_nested(to->type.id)) {
        size_t width = (size_t)from->type.width;
        return lt_builder_fixed(to, from->data + (size_t)row * width, width);
    }
    if (to->type.id != LT_STRUCT) {
        lt_view_list(from, row, &first, &end);
    }
    for (int64_t c = 0; c < to->n_children; c++) {
        for (int64_t k = first; k < end; k++) {
            if (append_value(&to->children[c], &from->children[c], k)) {
                return LEAT_NO_MEMORY;
            }
        }
    }
    return lt_builder_nested(to);
}

#define EACH_ROW(append)                                                                           \
    for (size_t r = 0; r < n_runs; r++) {                                                          \
        const struct lt_view *from = &runs[r].batch->children[column];                             \
        for (int64_t row = runs[r].first, end = row + runs[r].rows; row < end; row++) {            \
            if (append) {                                                                          \
                return LEAT_NO_MEMORY;                                                             \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    return LEAT_OK

static int gather_fixed(struct lt_builder *to, int64_t column, const struct lt_gather_run *runs,
                        size_t n_runs)
{
    size_t width = (size_t)to->type.width;
    EACH_ROW(lt_view_is_null(from, row)
                 ? lt_builder_null(to)
                 : lt_builder_fixed(to, from->data + (size_t)row * width, width));
}

static int gather_bytes(struct lt_builder *to, int64_t column, const struct lt_gather_run *runs,
                        size_t n_runs)
{
    size_t len;
    const uint8_t *bytes;
    EACH_ROW(lt_view_is_null(from, row) ? lt_builder_null(to)
                                        : (bytes = lt_view_bytes(from, row, &len),
                                           lt_builder_bytes_value(to, bytes, len)));
}

static int gather_any(struct lt_builder *to, int64_t column, const struct lt_gather_run *runs,
                      size_t n_runs)
{
    EACH_ROW(append_value(to, from, row));
}

int lt_gather(struct lt_batch_builder *to, const struct lt_gather_run *runs, size_t n_runs)
{
    int status = LEAT_OK;
    for (int64_t c = 0; c < to->n_columns && !status; c++) {
        struct lt_builder *column = &to->columns[c];
        enum lt_type_id id = column->type.id;
        status = lt_type_is_varlen(id) ? gather_bytes(column, c, runs, n_runs)
                 : lt_type_is_nested(id) || id == LT_BOOL || id == LT_NULL
                     ? gather_any(column, c, runs, n_runs)
                     : gather_fixed(column, c, runs, n_runs);
    }
    return status;
}
