#include "formats/parquet/leaf_parts.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

/* --- making one ----------------------------------------------------------------------------- */

/* What levels mean follows from the lists around the leaf. */
static void set_levels(struct lt_pq_leaf *leaf)
{
    const struct lt_pq_node *node = leaf->node;
    leaf->keeps = node->parent != NULL;
    leaf->nullable = node->def_max > 0;
    for (const struct lt_pq_node *at = node->parent; at; at = at->parent) {
        if (at->shape == LT_PQ_LIST || at->shape == LT_PQ_MAP) {
            leaf->def_slot = LT_MAX(leaf->def_slot, at->def_element);
            leaf->def_of_rep[at->rep_element] = (uint8_t)at->def_element;
        }
    }
    if (leaf->def_slot == node->def_max) {
        leaf->nullable = false;
    }
}

int lt_pq_leaf_new(const struct lt_pq_file *file, const struct lt_pq_node *node,
                   const struct ArrowSchema *field, const char *column, size_t top,
                   struct lt_pq_leaf **ret_leaf, struct leat_error *err)
{
    struct lt_pq_leaf *leaf = calloc(1, sizeof *leaf);
    if (!leaf) {
        return lt_fail_oom(err);
    }
    leaf->file = file;
    leaf->scratch = file->scratch;
    leaf->node = node;
    leaf->column = lt_strdup(column);
    leaf->top = top;
    leaf->pages = (struct lt_pq_pages){.source = file->source,
                                       .context = file->context,
                                       .data_end = file->data_end,
                                       .read_ahead = file->read_ahead,
                                       .verify = file->verify};
    set_levels(leaf);
    int status = leaf->column
                     ? lt_pq_convert_init(&leaf->convert, node->type, node->type_length, field, err)
                     : lt_fail_oom(err);
    status =
        status ? status : lt_pq_decoder_new(node->type, node->type_length, &leaf->decoder, err);
    if (status) {
        leat_error_place(err, "column \"%s\"", column);
        lt_pq_leaf_free(leaf);
        return status;
    }
    *ret_leaf = leaf;
    return LEAT_OK;
}

void lt_pq_leaf_free(struct lt_pq_leaf *leaf)
{
    if (!leaf) {
        return;
    }
    lt_pq_decoder_free(leaf->decoder);
    lt_pq_pages_done(&leaf->pages);
    lt_pq_values_done(&leaf->dictionary);
    lt_pq_values_done(&leaf->values);
    lt_buf_done(&leaf->defs);
    lt_buf_done(&leaf->reps);
    lt_buf_done(&leaf->wrong_entries);
    lt_buf_done(&leaf->wrongs);
    free(leaf->column);
    free(leaf);
}

/* --- values by index --------------------------------------------------------------------------- */

/* The next n indices are in leaf->indices, from indices_at on. */
static int look_at_indices(struct lt_pq_leaf *leaf, int64_t n, struct leat_error *err)
{
    int64_t have = leaf->indices_len - leaf->indices_at;
    uint32_t most = 0;
    if (have >= n) {
        return LEAT_OK;
    }
    memmove(leaf->indices, leaf->indices + leaf->indices_at, (size_t)have * sizeof(uint32_t));
    leaf->indices_at = 0;
    leaf->indices_len = have;
    int status = lt_pq_hybrid_get(&leaf->index, leaf->indices + have, n - have, err);
    if (status) {
        return status;
    }
    for (int64_t i = have; i < n; i++) {
        most = LT_MAX(most, leaf->indices[i]);
    }
    if (most >= leaf->dictionary.length) {
        return lt_fail(err, LT_E_CORRUPT, "an index past the end of the dictionary");
    }
    leaf->indices_len = n;
    leaf->page_values += n - have;
    return LEAT_OK;
}

/* How many of the next n values, at least one, take no more than `limit` bytes. */
static int measure(struct lt_pq_leaf *leaf, int64_t n, int64_t limit, int64_t *ret_n,
                   struct leat_error *err)
{
    int64_t bytes = 0, i = 0;
    *ret_n = n;
    if (n && leaf->by_index) {
        int status = look_at_indices(leaf, n, err);
        if (status || leaf->convert.layout != LT_PQ_BYTES) {
            return status;
        }
        for (; i < n; i++) {
            int64_t index = leaf->indices[leaf->indices_at + i];
            bytes += lt_pq_values_bytes(&leaf->dictionary, &leaf->convert, index, 1);
            if (bytes > limit && i) {
                break;
            }
        }
        *ret_n = i;
        return LEAT_OK;
    }
    if (n && leaf->convert.from_bytes) {
        return lt_pq_decoder_measure(leaf->decoder, n, LT_PQ_SCRATCH_BYTES, ret_n, &bytes, err);
    }
    if (n && leaf->convert.layout == LT_PQ_BYTES) {
        return lt_pq_decoder_measure(leaf->decoder, n, limit, ret_n, &bytes, err);
    }
    return LEAT_OK;
}

/* --- pages ------------------------------------------------------------------------------------- */

int lt_pq_leaf_take_dictionary(struct lt_pq_leaf *leaf, const struct lt_pq_body *body,
                               struct leat_error *err)
{
    int64_t n = body->head.num_values;
    int32_t least = leaf->convert.from_width ? leaf->convert.from_width : 4;
    if (leaf->has_dictionary) {
        return lt_fail(err, LT_E_CORRUPT, "a second dictionary");
    }
    if (leaf->convert.layout == LT_PQ_BITS) {
        return lt_fail(err, LT_E_CORRUPT, "a dictionary of truth values");
    }
    if (n > (int64_t)body->values_len / least) {
        return lt_fail(err, LT_E_CORRUPT, "a dictionary of fewer values than it says");
    }
    lt_pq_values_clear(&leaf->dictionary);
    leaf->has_dictionary = true;
    if (leaf->convert.layout == LT_PQ_NO_VALUES) {
        return LEAT_OK;
    }
    /* Old writers say PLAIN_DICTIONARY here, and mean PLAIN. */
    int status =
        lt_pq_decoder_page(leaf->decoder, LT_PQ_ENC_PLAIN, body->values, body->values_len, n, err);
    while (!status && n > 0) {
        int64_t step = LT_MIN(n, LT_PQ_STEP), size = 0;
        if (leaf->convert.layout == LT_PQ_BYTES || leaf->convert.from_bytes) {
            status =
                lt_pq_decoder_measure(leaf->decoder, step, LT_PQ_SCRATCH_BYTES, &step, &size, err);
        }
        status = status ? status : lt_pq_leaf_decode(leaf, &leaf->dictionary, step, err);
        status = status ? status : lt_pq_leaf_keep_wrong_entries(leaf, step, err);
        status = status ? status
                        : lt_pq_values_spread(&leaf->dictionary, &leaf->convert, NULL, step, step,
                                              false, NULL, leaf->scratch->lengths, err);
        n -= step;
    }
    return status;
}

/* Whether values of a data page are numbers of the dictionary. */
static bool is_by_index(const struct lt_pq_body *body)
{
    return body->head.encoding == LT_PQ_ENC_RLE_DICTIONARY ||
           body->head.encoding == LT_PQ_ENC_PLAIN_DICTIONARY;
}

/* The value section of a data page in which n_values slots have a value. */
static int open_values(struct lt_pq_leaf *leaf, const struct lt_pq_body *body, int64_t n_values,
                       struct leat_error *err)
{
    const uint8_t *data = body->values;
    size_t len = body->values_len;
    int encoding = body->head.encoding;
    leaf->by_index = is_by_index(body);
    leaf->indices_at = leaf->indices_len = 0;
    if (!n_values) { /* nothing will be asked for: whatever is there, or not */
        return LEAT_OK;
    }
    if (!leaf->by_index) {
        return lt_pq_decoder_page(leaf->decoder, (enum lt_pq_encoding)encoding, data, len, n_values,
                                  err);
    }
    if (!leaf->has_dictionary) {
        return lt_fail(err, LT_E_CORRUPT, "a page of a dictionary that is not there");
    }
    if (!len || data[0] > 32) {
        return lt_fail(err, LT_E_CORRUPT, "indices of no valid width");
    }
    lt_pq_hybrid_init(&leaf->index, data[0], data + 1, len - 1);
    return LEAT_OK;
}

int lt_pq_leaf_open_page(struct lt_pq_leaf *leaf, const struct lt_pq_body *body,
                         struct leat_error *err)
{
    bool v1 = body->head.type == LT_PQ_PAGE_DATA;
    int64_t n = body->head.num_values, n_values = 0;
    lt_pq_levels_init(&leaf->rep_levels, leaf->node->rep_max,
                      v1 ? body->head.rep_encoding : LT_PQ_ENC_RLE, body->rep, body->rep_len);
    lt_pq_levels_init(&leaf->def_levels, leaf->node->def_max,
                      v1 ? body->head.def_encoding : LT_PQ_ENC_RLE, body->def, body->def_len);
    int status = lt_pq_levels_count(&leaf->def_levels, n, &n_values, err);
    leaf->page_left = n;
    leaf->page_values = 0;
    leaf->whole = n_values == n && !leaf->keeps;
    return status ? status : open_values(leaf, body, n_values, err);
}

static int next_page(struct lt_pq_leaf *leaf, bool *ret_end, struct leat_error *err)
{
    struct lt_pq_body body;
    const struct lt_pq_node *node = leaf->node;
    struct lt_pq_place place = leaf->pages.place;
    int status = lt_pq_pages_next(&leaf->pages, node->rep_max, node->def_max, &body, ret_end, err);
    if (status || *ret_end) {
        return status;
    }
    if (body.head.type == LT_PQ_PAGE_DICTIONARY) {
        leaf->dictionary_place = place;
        status = lt_pq_leaf_take_dictionary(leaf, &body, err);
        if (leaf->file->tight) {
            lt_pq_pages_trim(&leaf->pages);
        }
        return status;
    }
    if (leaf->dictionary_lost && is_by_index(&body)) {
        status = lt_pq_leaf_find_dictionary(leaf, err);
        leaf->pages.place = place;
        status = status ? status
                        : lt_pq_pages_next(&leaf->pages, node->rep_max, node->def_max, &body,
                                           ret_end, err);
    }
    leaf->page_place = place;
    status = status ? status : lt_pq_leaf_open_page(leaf, &body, err);
    bool unpacked = leaf->pages.codec != LT_PQ_CODEC_UNCOMPRESSED;
    if (leaf->file->tight && unpacked && body.head.type == LT_PQ_PAGE_DATA) {
        lt_pq_pages_trim_window(&leaf->pages);
    }
    return status;
}

/* --- chunks ------------------------------------------------------------------------------------- */

static const struct lt_pq_row_group *group_of(const struct lt_pq_leaf *leaf, size_t i)
{
    return &leaf->file->footer.groups[leaf->file->groups[i]];
}

static int start_chunk(struct lt_pq_leaf *leaf, struct leat_error *err)
{
    const struct lt_pq_row_group *group = group_of(leaf, leaf->group++);
    leaf->in_chunk = true;
    leaf->rows_left = group->num_rows;
    leaf->has_dictionary = leaf->dictionary_lost = false;
    lt_pq_values_clear(&leaf->dictionary);
    lt_buf_clear(&leaf->wrong_entries);
    return lt_pq_pages_start(&leaf->pages, &group->chunks[leaf->node->leaf], err);
}

/* All slots of a chunk were used: they must have been its row group's rows. */
static int end_chunk(struct lt_pq_leaf *leaf, struct leat_error *err)
{
    leaf->in_chunk = false;
    return leaf->rows_left ? lt_fail(err, LT_E_CORRUPT, "%lld rows fewer than its row group has",
                                     (long long)leaf->rows_left)
                           : LEAT_OK;
}

/* Levels that cannot be: checked for all slots of a step at once. */
static int check_levels(const struct lt_pq_leaf *leaf, int64_t n, bool first,
                        struct leat_error *err)
{
    bool bad = first && leaf->rep[0];
    for (int64_t i = 0; i < n; i++) {
        bad |= leaf->def[i] < leaf->def_of_rep[leaf->rep[i]];
    }
    return bad ? lt_fail(err, LT_E_CORRUPT, "levels that do not go together") : LEAT_OK;
}

/* Goes on to a page with slots; *ret_end when there are no more row groups. */
static int find_page(struct lt_pq_leaf *leaf, bool *ret_end, struct leat_error *err)
{
    int status = LEAT_OK;
    while (!status && !leaf->page_left) {
        bool end = false;
        if (leaf->in_chunk) {
            status = next_page(leaf, &end, err);
            status = status || !end ? status : end_chunk(leaf, err);
        } else if (leaf->group == leaf->file->n_groups) {
            *ret_end = true;
            break;
        } else {
            status = start_chunk(leaf, err);
        }
    }
    return status;
}

/* Decodes the levels of the next slots; *ret_end when there are none. */
static int next_step(struct lt_pq_leaf *leaf, bool *ret_end, struct leat_error *err)
{
    leaf->step_at = leaf->step_len = 0;
    int status = find_page(leaf, ret_end, err);
    if (status || *ret_end) {
        return status;
    }
    int64_t n = LT_MIN(leaf->page_left, LT_PQ_STEP);
    bool first = leaf->rows_left == group_of(leaf, leaf->group - 1)->num_rows;
    leaf->page_left -= n;
    leaf->step_len = n;
    if (leaf->whole) {
        return LEAT_OK;
    }
    status = lt_pq_levels_get(&leaf->def_levels, leaf->def, n, err);
    if (!status && leaf->node->rep_max) {
        status = lt_pq_levels_get(&leaf->rep_levels, leaf->rep, n, err);
        status = status ? status : check_levels(leaf, n, first, err);
    }
    return status;
}

/* --- filling ------------------------------------------------------------------------------------- */

/* Of the decoded slots, those before the `rows`-th next row; *ret_rows is how many begin there. */
static int64_t slots_of_rows(const struct lt_pq_leaf *leaf, int64_t rows, int64_t *ret_rows)
{
    int64_t at = leaf->step_at, begun = 0;
    if (!leaf->node->rep_max) {
        *ret_rows = LT_MIN(leaf->step_len - at, rows);
        return *ret_rows;
    }
    for (; at < leaf->step_len; at++) {
        if (!leaf->rep[at]) {
            if (begun == rows) {
                break;
            }
            begun++;
        }
    }
    *ret_rows = begun;
    return at - leaf->step_at;
}

/* Flags the slots that are one of the values array; returns how many these are, and of them how
 * many have a value. */
static int64_t flag_slots(struct lt_pq_leaf *leaf, int64_t slots, int64_t *ret_values)
{
    const uint8_t *def = leaf->def + leaf->step_at;
    int max = leaf->node->def_max, least = leaf->def_slot;
    int64_t n = 0, values = 0;
    if (leaf->whole) {
        *ret_values = slots;
        return slots;
    }
    if (!least) {
        for (int64_t i = 0; i < slots; i++) {
            leaf->scratch->valid[i] = def[i] == max;
            values += leaf->scratch->valid[i];
        }
        *ret_values = values;
        return slots;
    }
    for (int64_t i = 0; i < slots; i++) {
        leaf->scratch->valid[n] = def[i] == max;
        values += leaf->scratch->valid[n];
        n += def[i] >= least;
    }
    *ret_values = values;
    return n;
}

/* The slots up to the one that has value number `n`. */
static int64_t slots_of_values(const struct lt_pq_leaf *leaf, int64_t slots, int64_t n)
{
    const uint8_t *def = leaf->def + leaf->step_at;
    if (leaf->whole) {
        return LT_MIN(slots, n);
    }
    for (int64_t i = 0; i < slots; i++) {
        if (def[i] == leaf->node->def_max && n-- == 0) {
            return i;
        }
    }
    return slots;
}

static int keep_levels(struct lt_pq_leaf *leaf, int64_t slots, struct leat_error *err)
{
    size_t n = (size_t)slots;
    if (!leaf->keeps || !leaf->node->def_max) {
        return LEAT_OK;
    }
    if (lt_buf_append(&leaf->defs, leaf->def + leaf->step_at, n) ||
        (leaf->node->rep_max && lt_buf_append(&leaf->reps, leaf->rep + leaf->step_at, n))) {
        return lt_fail_oom(err);
    }
    return LEAT_OK;
}

/* Uses up to `slots` decoded slots, as many as `limit` bytes of values allow. */
static int use_slots(struct lt_pq_leaf *leaf, int64_t slots, int64_t limit, struct leat_error *err)
{
    int64_t values = 0, n = flag_slots(leaf, slots, &values), some = values;
    int64_t rows = 0;
    int status = measure(leaf, values, limit, &some, err);
    if (!status && some < values) {
        slots = slots_of_values(leaf, slots, some);
        n = flag_slots(leaf, slots, &values);
    }
    if (!status && values && leaf->by_index && leaf->convert.layout != LT_PQ_NO_VALUES) {
        status = lt_pq_values_gather(&leaf->values, &leaf->convert, &leaf->dictionary,
                                     leaf->indices + leaf->indices_at, values,
                                     leaf->scratch->lengths, err);
        lt_pq_leaf_find_wrong_entries(leaf, leaf->indices + leaf->indices_at, values);
        leaf->indices_at += values;
    } else if (!status && values) {
        status = lt_pq_leaf_decode(leaf, &leaf->values, values, err);
    } else {
        leaf->scratch->n_wrong = 0;
    }
    status = status ? status
                    : lt_pq_values_spread(&leaf->values, &leaf->convert, leaf->scratch->valid, n,
                                          values, leaf->nullable, leaf->scratch->bools,
                                          leaf->scratch->lengths, err);
    status = status ? status : lt_pq_leaf_keep_wrongs(leaf, n, values, err);
    status = status ? status : keep_levels(leaf, slots, err);
    if (status) {
        return status;
    }
    for (int64_t i = 0; leaf->node->rep_max && i < slots; i++) {
        rows += !leaf->rep[leaf->step_at + i];
    }
    rows = leaf->node->rep_max ? rows : slots;
    if (rows > leaf->rows_left) {
        return lt_fail(err, LT_E_CORRUPT, "more rows than its row group has");
    }
    leaf->rows += rows;
    leaf->rows_left -= rows;
    leaf->step_at += slots;
    return LEAT_OK;
}

/* Bytes there, about. */
static int64_t bytes_used(const struct lt_pq_leaf *leaf)
{
    return (int64_t)(leaf->values.data.len + leaf->values.offsets.len + leaf->values.validity.len +
                     leaf->defs.len + leaf->reps.len);
}

/* How many of the decoded slots may be used: for `rows` rows in all and `room` bytes; 0 at a row
 * that need not be begun. *ret_limit is how many bytes their values may take; 0 when a single row
 * takes all there can be. */
static int64_t slots_wanted(const struct lt_pq_leaf *leaf, int64_t rows, int64_t room,
                            int64_t *ret_limit)
{
    int64_t begun = 0, most = LT_PQ_ROW_MAX - bytes_used(leaf);
    bool full = room <= 0 && leaf->rows > 0;
    int64_t slots = slots_of_rows(leaf, full ? 0 : rows - leaf->rows, &begun);
    if (!full && leaf->convert.layout == LT_PQ_FIXED) {
        slots = LT_MIN(slots, LT_MAX(room / leaf->convert.width, 1));
    }
    *ret_limit = LT_MAX(full ? most : LT_MIN(LT_MAX(room, 1), most), 0);
    return slots;
}

static int fill(struct lt_pq_leaf *leaf, int64_t rows, int64_t bytes, struct leat_error *err)
{
    bool end = false;
    int status = lt_pq_leaf_unpark(leaf, err);
    while (!status) {
        if (leaf->step_at == leaf->step_len) {
            status = next_step(leaf, &end, err);
            if (status || end) {
                break;
            }
        }
        int64_t limit = 0;
        int64_t slots = slots_wanted(leaf, rows, bytes - bytes_used(leaf), &limit);
        if (!slots) {
            break;
        }
        if (!limit) {
            return lt_fail(err, LT_E_LIMIT, "one row holds more than %lld bytes",
                           (long long)LT_PQ_ROW_MAX);
        }
        status = use_slots(leaf, slots, limit, err);
    }
    return status;
}

int lt_pq_leaf_fill(struct lt_pq_leaf *leaf, int64_t rows, int64_t bytes, struct leat_error *err)
{
    int status = fill(leaf, rows, bytes, err);
    if (status) {
        size_t group = leaf->group ? leaf->file->groups[leaf->group - 1] : 0;
        leat_error_place(err, "column \"%s\", row group %zu, page %lld", leaf->column, group,
                         (long long)leaf->pages.place.page);
    }
    return status;
}

/* --- taking ---------------------------------------------------------------------------------------- */

int64_t lt_pq_leaf_rows(const struct lt_pq_leaf *leaf)
{
    return leaf->rows - leaf->taken_rows;
}

int64_t lt_pq_leaf_width(const struct lt_pq_leaf *leaf)
{
    return leaf->node->rep_max || leaf->convert.layout != LT_PQ_FIXED ? 0 : leaf->convert.width;
}

struct lt_pq_slots lt_pq_leaf_slots(const struct lt_pq_leaf *leaf, int64_t rows)
{
    struct lt_pq_slots slots = {NULL, NULL, rows};
    if (leaf->defs.len) {
        slots.def = leaf->defs.data + leaf->taken_slots;
    }
    if (leaf->reps.len) {
        int64_t left = (int64_t)leaf->reps.len - leaf->taken_slots, begun = 0, at = 0;
        slots.rep = leaf->reps.data + leaf->taken_slots;
        if (rows == lt_pq_leaf_rows(leaf)) {
            at = left;
        }
        for (; at < left; at++) {
            if (!slots.rep[at] && begun++ == rows) {
                break;
            }
        }
        slots.n = at;
    }
    return slots;
}

/* How many of the slots are one of the values array. */
static int64_t count_values(const struct lt_pq_leaf *leaf, const struct lt_pq_slots *slots)
{
    int64_t n = 0;
    if (!leaf->def_slot) {
        return slots->n;
    }
    for (int64_t i = 0; i < slots->n; i++) {
        n += slots->def[i] >= leaf->def_slot;
    }
    return n;
}

int64_t lt_pq_leaf_bytes(const struct lt_pq_leaf *leaf, int64_t rows)
{
    struct lt_pq_slots slots = lt_pq_leaf_slots(leaf, rows);
    int64_t n = count_values(leaf, &slots);
    return lt_pq_values_bytes(&leaf->values, &leaf->convert, leaf->taken_values, n);
}

int lt_pq_leaf_take(struct lt_pq_leaf *leaf, int64_t rows, struct ArrowArray *ret_array,
                    struct leat_error *err)
{
    struct lt_pq_slots slots = lt_pq_leaf_slots(leaf, rows);
    int64_t n = count_values(leaf, &slots);
    int status = lt_pq_leaf_tell_wrongs(leaf, &slots, n, err);
    status = status ? status
                    : lt_pq_values_take(&leaf->values, &leaf->convert, leaf->taken_values, n,
                                        ret_array, err);
    if (status) {
        return status;
    }
    leaf->taken_rows += rows;
    leaf->taken_slots += slots.n;
    leaf->taken_values += n;
    if (leaf->taken_rows == leaf->rows) {
        lt_pq_values_clear(&leaf->values);
        lt_buf_clear(&leaf->defs);
        lt_buf_clear(&leaf->reps);
        leaf->rows = leaf->taken_rows = leaf->taken_slots = leaf->taken_values = 0;
    }
    return LEAT_OK;
}
