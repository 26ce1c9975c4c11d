/* Very many columns: a page of each, with its dictionary, may be more than there is memory for. Then
 * a leaf decodes some rows ahead, gives its page up, and reads it again for the rows after these. */
#include "formats/parquet/leaf_parts.h"

#include "core/codes.h"
#include "core/util.h"

#include "core/banned.h"

int64_t lt_pq_leaf_held(const struct lt_pq_leaf *leaf)
{
    return (int64_t)(leaf->pages.window.cap + leaf->pages.raw.cap + leaf->dictionary.data.cap +
                     leaf->dictionary.offsets.cap + leaf->wrong_entries.cap);
}

bool lt_pq_leaf_is_parked(const struct lt_pq_leaf *leaf)
{
    return leaf->parked;
}

void lt_pq_leaf_park(struct lt_pq_leaf *leaf)
{
    lt_buf_done(&leaf->pages.raw);
    lt_buf_done(&leaf->pages.window);
    lt_pq_decoder_clear(leaf->decoder);
    lt_pq_values_done(&leaf->dictionary);
    lt_buf_done(&leaf->wrong_entries);
    leaf->parked = true;
    leaf->dictionary_lost = leaf->has_dictionary;
}

/* --- reading again --------------------------------------------------------------------------- */

/* The page at a place where one was read before: its checksum was looked at then. */
static int read_again(struct lt_pq_leaf *leaf, struct lt_pq_place place, bool dictionary,
                      struct lt_pq_body *ret_body, struct leat_error *err)
{
    bool verify = leaf->pages.verify, end = false;
    leaf->pages.place = place;
    leaf->pages.verify = false;
    int status = lt_pq_pages_next(&leaf->pages, leaf->node->rep_max, leaf->node->def_max, ret_body,
                                  &end, err);
    leaf->pages.verify = verify;
    if (!status && (end || (ret_body->head.type == LT_PQ_PAGE_DICTIONARY) != dictionary)) {
        return lt_fail(err, LT_E_CORRUPT, "the file changed while it was read");
    }
    return status;
}

int lt_pq_leaf_find_dictionary(struct lt_pq_leaf *leaf, struct leat_error *err)
{
    struct lt_pq_body body;
    int status = read_again(leaf, leaf->dictionary_place, true, &body, err);
    leaf->has_dictionary = leaf->dictionary_lost = false;
    status = status ? status : lt_pq_leaf_take_dictionary(leaf, &body, err);
    lt_pq_pages_trim(&leaf->pages);
    return status;
}

static int skip_levels(struct lt_pq_leaf *leaf, int64_t n, struct leat_error *err)
{
    int status = LEAT_OK;
    for (int64_t step; n > 0 && !leaf->whole && !status; n -= step) {
        step = LT_MIN(n, LT_PQ_STEP);
        status = lt_pq_levels_get(&leaf->def_levels, leaf->scratch->valid, step, err);
        if (!status && leaf->node->rep_max) {
            status = lt_pq_levels_get(&leaf->rep_levels, leaf->scratch->bools, step, err);
        }
    }
    return status;
}

/* *n values at most; *n becomes how many. */
static int skip_some(struct lt_pq_leaf *leaf, int64_t *n, struct leat_error *err)
{
    struct lt_pq_scratch *scratch = leaf->scratch;
    int32_t width = leaf->convert.from_width;
    int64_t bytes = 0;
    *n = LT_MIN(*n, LT_PQ_STEP);
    if (leaf->by_index) {
        return lt_pq_hybrid_get(&leaf->index, scratch->wrong, *n, err);
    }
    lt_buf_clear(&scratch->raw);
    if (leaf->convert.layout == LT_PQ_BITS) {
        return lt_pq_decoder_bools(leaf->decoder, scratch->bools, *n, err);
    }
    if (width) {
        return lt_buf_reserve(&scratch->raw, (size_t)(*n * width))
                   ? lt_fail_oom(err)
                   : lt_pq_decoder_fixed(leaf->decoder, scratch->raw.data, *n, err);
    }
    int status = lt_pq_decoder_measure(leaf->decoder, *n, LT_PQ_SCRATCH_BYTES, n, &bytes, err);
    return status ? status
                  : lt_pq_decoder_bytes(leaf->decoder, &scratch->raw, scratch->lengths, *n, err);
}

static int skip_values(struct lt_pq_leaf *leaf, int64_t n, struct leat_error *err)
{
    int status = LEAT_OK;
    while (n > 0 && !status) {
        int64_t some = n;
        status = skip_some(leaf, &some, err);
        n -= some;
    }
    return status;
}

/* Opens the page again and goes on to where it was left; what was decoded beyond stays. */
static int open_again(struct lt_pq_leaf *leaf, struct leat_error *err)
{
    struct lt_pq_body body;
    int64_t left = leaf->page_left, values = leaf->page_values;
    int64_t indices_at = leaf->indices_at, indices_len = leaf->indices_len;
    int status =
        leaf->by_index && leaf->dictionary_lost ? lt_pq_leaf_find_dictionary(leaf, err) : LEAT_OK;
    status = status ? status : read_again(leaf, leaf->page_place, false, &body, err);
    status = status ? status : lt_pq_leaf_open_page(leaf, &body, err);
    status = status ? status : skip_levels(leaf, leaf->page_left - left, err);
    status = status ? status : skip_values(leaf, values, err);
    leaf->page_left = left;
    leaf->page_values = values;
    leaf->indices_at = indices_at;
    leaf->indices_len = indices_len;
    return status;
}

int lt_pq_leaf_unpark(struct lt_pq_leaf *leaf, struct leat_error *err)
{
    bool in_page = leaf->page_left > 0 || leaf->step_at < leaf->step_len;
    bool again = leaf->parked && in_page;
    leaf->parked = false;
    return again ? open_again(leaf, err) : LEAT_OK;
}
