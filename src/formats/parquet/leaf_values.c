/* Values of a leaf as they come off their page, and those among them that do not fit. */
#include "formats/parquet/leaf_parts.h"

#include "core/codes.h"
#include "core/util.h"

#include "core/banned.h"

/* --- values that do not fit ------------------------------------------------------------------- */

/* Value i of those being decoded does not fit. Noted where a sink takes it; else the failure it is. */
static int mark_wrong(struct lt_pq_leaf *leaf, int64_t i, const struct leat_error *why,
                      struct leat_error *err)
{
    struct lt_pq_scratch *scratch = leaf->scratch;
    struct lt_faults *faults = leaf->file->faults;
    uint32_t reason = 0;
    if (!faults || !lt_faults_take(faults, why)) {
        if (err) {
            *err = *why;
        }
        return (int)why->status;
    }
    int status = lt_faults_reason(faults, why, &reason, err);
    if (status) {
        return status;
    }
    if (!scratch->n_wrong) {
        memset(scratch->wrong, 0, sizeof scratch->wrong);
    }
    scratch->wrong[i] = reason + 1;
    scratch->n_wrong++;
    return LEAT_OK;
}

/* n values, not all of which fit, one by one; those at fault are 0. */
static int convert_each(struct lt_pq_leaf *leaf, const uint8_t *raw, int64_t n, uint8_t *out,
                        struct leat_error *err)
{
    const struct lt_pq_convert *convert = &leaf->convert;
    int status = LEAT_OK;
    for (int64_t i = 0; i < n && !status; i++, raw += convert->from_width, out += convert->width) {
        struct leat_error why = {.status = LEAT_OK};
        if (convert->fn(convert, raw, 1, out, &why)) {
            memset(out, 0, (size_t)convert->width);
            status = mark_wrong(leaf, i, &why, err);
        }
    }
    return status;
}

/* The values just decoded were entries of the dictionary. */
int lt_pq_leaf_keep_wrong_entries(struct lt_pq_leaf *leaf, int64_t n, struct leat_error *err)
{
    struct lt_buf *entries = &leaf->wrong_entries;
    const struct lt_pq_scratch *scratch = leaf->scratch;
    size_t before = (size_t)leaf->dictionary.length * sizeof *scratch->wrong;
    if (!scratch->n_wrong && !entries->len) {
        return LEAT_OK;
    }
    /* Entries before the first that does not fit were not noted one by one. */
    if (lt_buf_reserve(entries, before - entries->len + (size_t)n * sizeof *scratch->wrong)) {
        return lt_fail_oom(err);
    }
    memset(entries->data + entries->len, 0, before - entries->len);
    entries->len = before;
    if (scratch->n_wrong) {
        lt_buf_append(entries, scratch->wrong, (size_t)n * sizeof *scratch->wrong);
    } else {
        memset(entries->data + before, 0, (size_t)n * sizeof *scratch->wrong);
        entries->len += (size_t)n * sizeof *scratch->wrong;
    }
    return LEAT_OK;
}

/* n values were entries of the dictionary, by these indices. */
void lt_pq_leaf_find_wrong_entries(struct lt_pq_leaf *leaf, const uint32_t *indices, int64_t n)
{
    struct lt_pq_scratch *scratch = leaf->scratch;
    const uint32_t *entries = (const uint32_t *)(const void *)leaf->wrong_entries.data;
    scratch->n_wrong = 0;
    for (int64_t i = 0; leaf->wrong_entries.len && i < n; i++) {
        scratch->wrong[i] = entries[indices[i]];
        scratch->n_wrong += scratch->wrong[i] != 0;
    }
}

/* Of the last `slots` slots of the values array, `values` of which hold the values just decoded. */
int lt_pq_leaf_keep_wrongs(struct lt_pq_leaf *leaf, int64_t slots, int64_t values,
                           struct leat_error *err)
{
    const struct lt_pq_scratch *scratch = leaf->scratch;
    int64_t first = leaf->values.length - slots, v = 0;
    for (int64_t i = 0; scratch->n_wrong && i < slots; i++) {
        if (values < slots && !scratch->valid[i]) {
            continue;
        }
        struct lt_pq_wrong wrong = {first + i, scratch->wrong[v++] - 1};
        if (wrong.why != UINT32_MAX && lt_buf_append(&leaf->wrongs, &wrong, sizeof wrong)) {
            return lt_fail_oom(err);
        }
    }
    return LEAT_OK;
}

/* Notes the values at fault among the first n of those there, which are of these slots. */
int lt_pq_leaf_tell_wrongs(struct lt_pq_leaf *leaf, const struct lt_pq_slots *slots, int64_t n,
                           struct leat_error *err)
{
    const struct lt_pq_wrong *wrongs = (const struct lt_pq_wrong *)(const void *)leaf->wrongs.data;
    size_t n_wrongs = leaf->wrongs.len / sizeof *wrongs, told = 0;
    int64_t value = leaf->taken_values - 1, end = leaf->taken_values + n, row = -1, slot = 0;
    int status = LEAT_OK;
    for (; told < n_wrongs && wrongs[told].at < end && !status; told++) {
        for (; value < wrongs[told].at; slot++) {
            row += !slots->rep || !slots->rep[slot];
            value += !leaf->def_slot || slots->def[slot] >= leaf->def_slot;
        }
        status = lt_faults_add(leaf->file->faults, row, leaf->top, wrongs[told].why, err);
    }
    lt_buf_drop(&leaf->wrongs, told * sizeof *wrongs);
    return status;
}

/* --- values ------------------------------------------------------------------------------------ */

/* Room for n more values of `width` bytes behind the data. */
static int grow(struct lt_buf *buf, int64_t n, int32_t width, uint8_t **ret_to,
                struct leat_error *err)
{
    if (lt_buf_reserve(buf, (size_t)n * (size_t)width)) {
        return lt_fail_oom(err);
    }
    *ret_to = buf->data + buf->len;
    return LEAT_OK;
}

/* n values of a fixed width from the page to the end of `to`. */
static int decode_fixed(struct lt_pq_leaf *leaf, struct lt_pq_values *to, int64_t n,
                        struct leat_error *err)
{
    const struct lt_pq_convert *convert = &leaf->convert;
    uint8_t *out = NULL, *raw = NULL;
    int status = grow(&to->data, n, convert->width, &out, err);
    if (!status && !convert->fn) {
        status = lt_pq_decoder_fixed(leaf->decoder, out, n, err);
    } else if (!status) {
        lt_buf_clear(&leaf->scratch->raw);
        status = grow(&leaf->scratch->raw, n, convert->from_width, &raw, err);
        status = status ? status : lt_pq_decoder_fixed(leaf->decoder, raw, n, err);
        if (!status && convert->fn(convert, raw, n, out, NULL)) {
            status = convert_each(leaf, raw, n, out, err);
        }
    }
    if (!status) {
        to->data.len += (size_t)n * (size_t)convert->width;
    }
    return status;
}

/* n decimals, stored as bytes. */
static int decode_numbers(struct lt_pq_leaf *leaf, struct lt_pq_values *to, int64_t n,
                          struct leat_error *err)
{
    int32_t width = leaf->convert.width;
    uint8_t *out = NULL;
    size_t at = 0;
    lt_buf_clear(&leaf->scratch->raw);
    int status = grow(&leaf->scratch->raw, n, 1, &out, err); /* never NULL, even of no bytes */
    status = status ? status : grow(&to->data, n, width, &out, err);
    status = status ? status
                    : lt_pq_decoder_bytes(leaf->decoder, &leaf->scratch->raw,
                                          leaf->scratch->lengths, n, err);
    for (int64_t i = 0; i < n && !status; i++) {
        struct leat_error why = {.status = LEAT_OK};
        if (lt_pq_convert_number(leaf->scratch->raw.data + at, leaf->scratch->lengths[i],
                                 out + i * width, width, &why)) {
            memset(out + i * width, 0, (size_t)width);
            status = mark_wrong(leaf, i, &why, err);
        }
        at += (size_t)leaf->scratch->lengths[i];
    }
    if (!status) {
        to->data.len += (size_t)n * (size_t)width;
    }
    return status;
}

/* The texts of n values that end the data, not all of which are valid. */
static int check_each_text(struct lt_pq_leaf *leaf, const uint8_t *text, int64_t n,
                           struct leat_error *err)
{
    const int32_t *lengths = leaf->scratch->lengths;
    int status = LEAT_OK;
    for (int64_t i = 0; i < n && !status; text += lengths[i++]) {
        size_t len = (size_t)lengths[i];
        struct leat_error why = {.status = LEAT_OK};
        if (lt_utf8_valid_prefix(text, len) != len) {
            lt_fail(&why, LT_E_INVALID_UTF8, "text that is not valid UTF-8");
            status = mark_wrong(leaf, i, &why, err);
        }
    }
    return status;
}

static int decode_bytes(struct lt_pq_leaf *leaf, struct lt_pq_values *to, int64_t n,
                        struct leat_error *err)
{
    size_t before = to->data.len;
    int status = lt_pq_decoder_bytes(leaf->decoder, &to->data, leaf->scratch->lengths, n, err);
    if (!status && leaf->convert.text &&
        !lt_pq_values_text_is_valid(to, leaf->scratch->lengths, n, to->data.len - before)) {
        status = check_each_text(leaf, to->data.data + before, n, err);
    }
    return status;
}

/* n <= LT_PQ_STEP values of the page, one after the other; not those by index. */
int lt_pq_leaf_decode(struct lt_pq_leaf *leaf, struct lt_pq_values *to, int64_t n,
                      struct leat_error *err)
{
    leaf->scratch->n_wrong = 0;
    leaf->page_values += n;
    if (leaf->convert.from_bytes) {
        return decode_numbers(leaf, to, n, err);
    }
    switch (leaf->convert.layout) {
    case LT_PQ_FIXED:
        return decode_fixed(leaf, to, n, err);
    case LT_PQ_BYTES:
        return decode_bytes(leaf, to, n, err);
    case LT_PQ_BITS:
        return lt_pq_decoder_bools(leaf->decoder, leaf->scratch->bools, n, err);
    default:
        return lt_fail(err, LT_E_CORRUPT, "a column without a type has values");
    }
}
