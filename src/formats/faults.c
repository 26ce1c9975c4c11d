#include "formats/faults.h"

#include "columnar/bits.h"
#include "columnar/text.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

void lt_faults_done(struct lt_faults *faults)
{
    lt_buf_done(&faults->list);
    free(faults->reasons);
    faults->reasons = NULL;
    faults->n_reasons = 0;
}

/* --- noting --------------------------------------------------------------------------------- */

static bool has_code(const struct leat_error *why, enum lt_code code)
{
    return !strcmp(why->code, lt_codes[code].code);
}

bool lt_faults_lose(const struct lt_faults *faults, const struct leat_error *why)
{
    return faults->losses && has_code(why, LT_E_VALUE_RANGE);
}

bool lt_faults_take(const struct lt_faults *faults, const struct leat_error *why)
{
    return lt_faults_lose(faults, why) || (faults->rejects && (has_code(why, LT_E_VALUE_RANGE) ||
                                                               has_code(why, LT_E_VALUE_SYNTAX) ||
                                                               has_code(why, LT_E_INVALID_UTF8)));
}

/* Reasons are words of ours: there are few. */
int lt_faults_reason(struct lt_faults *faults, const struct leat_error *why, uint32_t *ret_why,
                     struct leat_error *err)
{
    for (size_t i = 0; i < faults->n_reasons; i++) {
        if (!strcmp(faults->reasons[i].message, why->message) &&
            !strcmp(faults->reasons[i].code, why->code)) {
            *ret_why = (uint32_t)i;
            return LEAT_OK;
        }
    }
    struct leat_error *grown =
        realloc(faults->reasons, (faults->n_reasons + 1) * sizeof *faults->reasons);
    if (!grown) {
        return lt_fail_oom(err);
    }
    faults->reasons = grown;
    grown[faults->n_reasons] = *why;
    *ret_why = (uint32_t)faults->n_reasons++;
    return LEAT_OK;
}

int lt_faults_add(struct lt_faults *faults, int64_t row, size_t column, uint32_t why,
                  struct leat_error *err)
{
    struct lt_fault fault = {.row = row, .column = (uint32_t)column, .why = why};
    return lt_buf_append(&faults->list, &fault, sizeof fault) ? lt_fail_oom(err) : LEAT_OK;
}

/* --- text ----------------------------------------------------------------------------------- */

/* Whether all text in one value, of whatever type, is valid. */
static bool has_valid_text(const struct lt_view *view, int64_t row)
{
    int64_t first = row, end = row + 1;
    size_t len;
    if (lt_view_is_null(view, row)) {
        return true;
    }
    if (view->dictionary) {
        bool big = false;
        return has_valid_text(view->dictionary, lt_view_integer(view, row, &big));
    }
    if (lt_type_is_text(view->type.id)) {
        const uint8_t *text = lt_view_bytes(view, row, &len);
        return lt_utf8_valid_prefix(text, len) == len;
    }
    if (!lt_type_is_nested(view->type.id)) {
        return true;
    }
    if (view->type.id != LT_STRUCT) {
        lt_view_list(view, row, &first, &end);
    }
    bool valid = true;
    for (int64_t i = 0; i < view->n_children && valid; i++) {
        for (int64_t at = first; at < end && valid; at++) {
            valid = has_valid_text(&view->children[i], at);
        }
    }
    return valid;
}

int lt_faults_add_text(struct lt_faults *faults, const struct ArrowSchema *schema,
                       const struct ArrowArray *batch, struct leat_error *err)
{
    struct leat_error why = {.status = LEAT_OK};
    struct lt_view view;
    uint32_t reason = 0;
    lt_fail(&why, LT_E_INVALID_UTF8, "text that is not valid UTF-8");
    int status = lt_faults_reason(faults, &why, &reason, err);
    status = status ? status : lt_view_init(&view, schema, batch, err);
    if (status) {
        return status;
    }
    for (int64_t row = 0; row < view.length; row++) {
        for (int64_t i = 0; i < view.n_children && !status; i++) {
            if (!has_valid_text(&view.children[i], row)) {
                status = lt_faults_add(faults, row, (size_t)i, reason, err);
            }
        }
    }
    lt_view_done(&view);
    return status;
}

/* --- settling ------------------------------------------------------------------------------- */

struct settling {
    struct lt_faults *faults;
    const struct ArrowSchema *schema;
    const struct lt_fault *list;
    size_t n;
    int64_t row_first;
    struct ArrowArray batch; /* a copy, in which values at fault are null */
    struct lt_view view;     /* of the records as they may be shown */
    uint8_t *drop;           /* bits; NULL: every record stays */
    struct lt_buf record;
};

static int compare(const void *a, const void *b)
{
    const struct lt_fault *x = a, *y = b;
    int order = (x->row > y->row) - (x->row < y->row);
    return order ? order : (x->column > y->column) - (x->column < y->column);
}

/* Sorts what was noted, and leaves each value in once. */
static void sort(struct settling *s)
{
    struct lt_fault *list = (struct lt_fault *)(void *)s->faults->list.data;
    size_t n = s->faults->list.len / sizeof *list, kept = 0;
    qsort(list, n, sizeof *list, compare);
    for (size_t i = 0; i < n; i++) {
        if (!kept || compare(&list[i], &list[kept - 1])) {
            list[kept++] = list[i];
        }
    }
    s->list = list;
    s->n = kept;
}

/* The array is a copy of ours: its buffers are its own. */
static int set_null(struct ArrowArray *array, int64_t row)
{
    uint8_t *bits = (uint8_t *)(uintptr_t)array->buffers[0];
    if (!bits) {
        size_t size = (size_t)(array->length + 7) / 8;
        bits = malloc(size);
        if (!bits) {
            return LEAT_NO_MEMORY;
        }
        memset(bits, 0xff, size);
        array->buffers[0] = bits;
        array->null_count = 0;
    }
    if (lt_bit(bits, row)) {
        lt_bit_clear(bits, row);
        array->null_count += array->null_count >= 0;
    }
    return LEAT_OK;
}

static int make_nulls(struct settling *s, const struct ArrowArray *batch, struct leat_error *err)
{
    int status = lt_array_filter(s->schema, batch, NULL, &s->batch, err);
    for (size_t i = 0; i < s->n && !status; i++) {
        if (set_null(s->batch.children[s->list[i].column], s->list[i].row)) {
            status = lt_fail_oom(err);
        }
    }
    return status ? status
                  : lt_view_init(&s->view, s->schema, s->faults->known ? batch : &s->batch, err);
}

/* The reason of fault i, with its place. */
static void describe(const struct settling *s, const struct lt_fault *fault,
                     struct leat_error *ret_why)
{
    const char *name = s->schema->children[fault->column]->name;
    *ret_why = s->faults->reasons[fault->why];
    ret_why->place[0] = 0;
    leat_error_place(ret_why, "row %lld, column \"%s\"", (long long)(s->row_first + fault->row),
                     name ? name : "");
    if (s->faults->name) {
        leat_error_place(ret_why, "%s", s->faults->name);
    }
}

/* Sets the record of a fault aside: its values are told as JSON. */
static int reject(struct settling *s, const struct lt_fault *fault, struct leat_error *err)
{
    struct leat_error why;
    size_t size = (size_t)(s->batch.length + 7) / 8;
    describe(s, fault, &why);
    if (!s->drop && !(s->drop = calloc(1, size ? size : 1))) {
        return lt_fail_oom(err);
    }
    lt_buf_clear(&s->record);
    if (lt_text_format_json(&s->view, fault->row, &s->record)) {
        return lt_fail_oom(err);
    }
    struct leat_reject told = {.size = sizeof told,
                               .place = why.place,
                               .code = why.code,
                               .reason = why.message,
                               .record = lt_buf_text(&s->record),
                               .record_len = s->record.len,
                               .column = s->schema->children[fault->column]->name};
    lt_bit_set(s->drop, fault->row);
    return s->faults->rejects->reject(s->faults->rejects->arg, &told, err);
}

static int lose(const struct settling *s, const struct lt_fault *fault, struct leat_error *err)
{
    struct leat_error why;
    describe(s, fault, &why);
    struct leat_reject told = {.size = sizeof told,
                               .place = why.place,
                               .code = why.code,
                               .reason = why.message,
                               .column = s->schema->children[fault->column]->name};
    return s->faults->losses->lost(s->faults->losses->arg, &told, err);
}

/* The faults [first, end) of one row: a record that does not stay loses nothing. */
static int settle_row(struct settling *s, size_t first, size_t end, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = first; i < end; i++) {
        const struct leat_error *why = &s->faults->reasons[s->list[i].why];
        if (!lt_faults_lose(s->faults, why)) {
            return reject(s, &s->list[i], err);
        }
    }
    for (size_t i = first; i < end && !status; i++) {
        status = lose(s, &s->list[i], err);
    }
    return status;
}

static int settle_rows(struct settling *s, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < s->n && !status;) {
        size_t end = i + 1;
        while (end < s->n && s->list[end].row == s->list[i].row) {
            end++;
        }
        status = settle_row(s, i, end, err);
        i = end;
    }
    return status;
}

static int drop_rejected(struct settling *s, struct leat_error *err)
{
    struct ArrowArray kept = {0};
    int status = lt_array_filter(s->schema, &s->batch, s->drop, &kept, err);
    lt_array_done(&s->batch);
    lt_array_move(&kept, &s->batch);
    return status;
}

int lt_faults_tell(struct lt_faults *faults, const struct ArrowSchema *schema,
                   const struct ArrowArray *batch, int64_t row_first, struct ArrowArray *ret_batch,
                   struct leat_error *err)
{
    struct settling s = {.faults = faults, .schema = schema, .row_first = row_first};
    if (!lt_faults_any(faults)) {
        return LEAT_OK;
    }
    sort(&s);
    int status = make_nulls(&s, batch, err);
    status = status ? status : settle_rows(&s, err);
    lt_view_done(&s.view);
    if (!status && ret_batch) {
        status = s.drop ? drop_rejected(&s, err) : LEAT_OK;
        if (!status) {
            lt_array_move(&s.batch, ret_batch);
        }
    }
    lt_array_done(&s.batch);
    lt_buf_done(&s.record);
    free(s.drop);
    lt_buf_clear(&faults->list);
    return status;
}

int lt_faults_settle(struct lt_faults *faults, const struct ArrowSchema *schema,
                     struct ArrowArray *batch, int64_t row_first, struct leat_error *err)
{
    struct ArrowArray settled = {0};
    int status = lt_faults_tell(faults, schema, batch, row_first, &settled, err);
    if (!status && settled.release) {
        lt_array_done(batch);
        lt_array_move(&settled, batch);
    }
    return status;
}
