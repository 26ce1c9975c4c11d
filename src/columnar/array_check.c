/* Checking arrays from outside the process's trust. lt_view_init() checks the shape (counts, what
 * must not be NULL, where the last offset ends); here are the contents, row by row. */
#include "columnar/array.h"
#include "columnar/bits.h"
#include "columnar/view.h"
#include "core/codes.h"
#include "core/util.h"

static int bad_row(struct leat_error *err, int64_t row, enum lt_code code, const char *what)
{
    int status = lt_fail(err, code, "%s", what);
    leat_error_place(err, "row %lld", (long long)row + 1);
    return status;
}

static int check_nulls(const struct lt_view *view, struct leat_error *err)
{
    const struct ArrowArray *array = view->array;
    if (view->type.id == LT_NULL || array->null_count < 0 || !array->buffers[0]) {
        return LEAT_OK;
    }
    int64_t nulls = array->length - lt_bits_count(array->buffers[0], array->offset, array->length);
    if (nulls != array->null_count) {
        return lt_fail(err, LT_E_CORRUPT, "an Arrow array says it has %lld nulls and has %lld",
                       (long long)array->null_count, (long long)nulls);
    }
    return LEAT_OK;
}

static int check_offsets(const struct lt_view *view, struct leat_error *err)
{
    bool fine = true;
    if (view->offsets) {
        for (int64_t row = 0; row < view->length; row++) {
            fine &= view->offsets[row] <= view->offsets[row + 1];
        }
    } else if (view->offsets64) {
        for (int64_t row = 0; row < view->length; row++) {
            fine &= view->offsets64[row] <= view->offsets64[row + 1];
        }
    }
    for (int64_t row = 0; !fine && row < view->length; row++) {
        if (view->offsets ? view->offsets[row] > view->offsets[row + 1]
                          : view->offsets64[row] > view->offsets64[row + 1]) {
            return bad_row(err, row, LT_E_CORRUPT, "offsets of an Arrow array run backwards");
        }
    }
    return LEAT_OK;
}

/* "Variable-size Binary View Layout". What a null's view holds does not matter. */
static int check_views(const struct lt_view *view, struct leat_error *err)
{
    const struct ArrowArray *array = view->array;
    int64_t n_data = array->n_buffers - 3;
    const int64_t *sizes = array->buffers[array->n_buffers - 1];
    if (n_data && (!sizes || (uintptr_t)sizes % sizeof *sizes)) {
        return lt_fail(err, LT_E_CORRUPT, "an Arrow array of views has no sizes of its buffers");
    }
    for (int64_t i = 0; i < n_data; i++) {
        if (sizes[i] < 0 || (sizes[i] && !array->buffers[2 + i])) {
            return lt_fail(err, LT_E_CORRUPT, "an Arrow array of views has no data");
        }
    }
    for (int64_t row = 0; row < view->length; row++) {
        if (lt_view_is_null(view, row)) {
            continue;
        }
        int32_t parts[4]; /* length, prefix, buffer, offset */
        memcpy(parts, view->data + row * 16, sizeof parts);
        if (parts[0] >= 0 && parts[0] <= 12) {
            continue;
        }
        if (parts[0] < 0 || parts[2] < 0 || parts[2] >= n_data || parts[3] < 0 ||
            parts[3] > sizes[parts[2]] - parts[0] ||
            memcmp((const uint8_t *)array->buffers[2 + parts[2]] + parts[3], &parts[1], 4)) {
            return bad_row(err, row, LT_E_CORRUPT, "a view points past the data of its array");
        }
    }
    return LEAT_OK;
}

static int check_dictionary(const struct lt_view *view, struct leat_error *err)
{
    for (int64_t row = 0; row < view->length; row++) {
        if (!lt_view_is_null(view, row)) {
            bool big;
            int64_t index = lt_view_integer(view, row, &big);
            if (big || index < 0 || index >= view->dictionary->length) {
                return bad_row(err, row, LT_E_CORRUPT, "an index past the end of its dictionary");
            }
        }
    }
    return LEAT_OK;
}

/* All the bytes at once: valid as a whole, and no value beginning inside a character. False says
 * nothing yet, for the bytes of a null may be anything. */
static bool text_is_valid(const struct lt_view *view)
{
    if (!view->length || (!view->offsets && !view->offsets64)) {
        return !view->length;
    }
    bool small = view->offsets != NULL;
    int64_t first = small ? view->offsets[0] : view->offsets64[0];
    int64_t end = small ? view->offsets[view->length] : view->offsets64[view->length];
    size_t len = (size_t)(end - first);
    if (lt_utf8_valid_prefix(view->data + first, len) != len) {
        return false;
    }
    for (int64_t row = 1; row < view->length; row++) {
        int64_t at = small ? view->offsets[row] : view->offsets64[row];
        if (at < end && (view->data[at] & 0xc0) == 0x80) {
            return false;
        }
    }
    return true;
}

static int check_text(const struct lt_view *view, struct leat_error *err)
{
    if (text_is_valid(view)) {
        return LEAT_OK;
    }
    for (int64_t row = 0; row < view->length; row++) {
        if (!lt_view_is_null(view, row)) {
            size_t len;
            const uint8_t *text = lt_view_bytes(view, row, &len);
            if (lt_utf8_valid_prefix(text, len) != len) {
                return bad_row(err, row, LT_E_INVALID_UTF8, "text that is not valid UTF-8");
            }
        }
    }
    return LEAT_OK;
}

static int check_view(const struct lt_view *view, bool utf8, struct leat_error *err)
{
    enum lt_type_id id = view->type.id;
    int status = check_nulls(view, err);
    if (!status) {
        status = check_offsets(view, err);
    }
    if (!status && (id == LT_UTF8_VIEW || id == LT_BINARY_VIEW)) {
        status = check_views(view, err);
    }
    if (!status && utf8 && lt_type_is_text(id)) {
        status = check_text(view, err);
    }
    if (!status && view->dictionary) {
        status = check_dictionary(view, err);
        if (!status && (status = check_view(view->dictionary, utf8, err))) {
            leat_error_place(err, "dictionary");
        }
    }
    for (int64_t i = 0; !status && i < view->n_children; i++) {
        status = check_view(&view->children[i], utf8, err);
        if (status) {
            const char *name = view->children[i].field->name;
            leat_error_place(err, id == LT_STRUCT ? "column \"%s\"" : "elements \"%s\"",
                             name ? name : "");
        }
    }
    return status;
}

int lt_array_check(const struct ArrowSchema *schema, const struct ArrowArray *array, bool utf8,
                   struct leat_error *err)
{
    struct lt_view view;
    int status = lt_view_init(&view, schema, array, err);
    if (!status) {
        status = check_view(&view, utf8, err);
        lt_view_done(&view);
    }
    return status;
}
