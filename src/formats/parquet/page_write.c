/* Pages, of both versions. See page_write.h. */
#include "formats/parquet/page_write.h"

#include "core/codec.h"
#include "core/codes.h"
#include "formats/parquet/encoding.h"

#include <stdlib.h>

#include "core/banned.h"

static int bits_for(uint32_t most)
{
    return most ? 32 - __builtin_clz(most) : 0;
}

/* --- bounds -------------------------------------------------------------------------------- */

int lt_pq_bound_numbers(struct lt_pq_column *column)
{
    const uint32_t *numbers = (const uint32_t *)(const void *)column->numbers.data;
    size_t n = column->numbers.len / sizeof *numbers;
    size_t want = column->dictionary.n * sizeof(uint32_t), has = column->seen.len;
    uint32_t page = (uint32_t)column->dictionary_pages + 1;
    if (want > has) {
        if (lt_buf_reserve(&column->seen, want - has)) {
            return LEAT_NO_MEMORY;
        }
        memset(column->seen.data + has, 0, want - has);
        column->seen.len = want;
    }
    uint32_t *seen = (uint32_t *)(void *)column->seen.data;
    for (size_t i = 0; i < n; i++) {
        if (seen[numbers[i]] != page) {
            seen[numbers[i]] = page;
            struct lt_pq_bytes value = lt_pq_dictionary_value(&column->dictionary, numbers[i]);
            lt_pq_bounds_add_bytes(&column->page_bounds, &value, 1);
        }
    }
    return LEAT_OK;
}

static int add_bound(struct lt_pq_column *column, const struct lt_pq_bound_text *text,
                     uint32_t *ret_at, uint8_t *ret_len)
{
    *ret_at = (uint32_t)column->bound_bytes.len;
    *ret_len = (uint8_t)text->len;
    return lt_buf_append(&column->bound_bytes, text->data, text->len);
}

static int note_page(struct lt_pq_column *column)
{
    struct lt_pq_page_note note = {.first_row = column->chunk_rows,
                                   .nulls = column->slots - column->values,
                                   .all_null = !column->values};
    struct lt_pq_bound_text min, max;
    bool bounded = lt_pq_bounds_min(&column->page_bounds, &min) &&
                   lt_pq_bounds_max(&column->page_bounds, &max);
    if (bounded && (add_bound(column, &min, &note.min_at, &note.min_len) ||
                    add_bound(column, &max, &note.max_at, &note.max_len))) {
        return LEAT_NO_MEMORY;
    }
    column->unbounded = column->unbounded || (!bounded && !note.all_null);
    lt_pq_bounds_merge(&column->bounds, &column->page_bounds);
    column->chunk_nulls += note.nulls;
    column->chunk_rows += column->rows;
    column->chunk_slots += column->slots;
    return lt_buf_append(&column->notes, &note, sizeof note);
}

/* --- levels and values ----------------------------------------------------------------------- */

/* Version 1 puts the length in front. */
static int put_levels(struct lt_buf *out, const struct lt_buf *levels, int most, int64_t n,
                      bool with_length, int32_t *ret_len)
{
    uint32_t zero = 0;
    size_t start = out->len;
    *ret_len = 0;
    if (!most) {
        return LEAT_OK;
    }
    if (with_length && lt_buf_append(out, &zero, sizeof zero)) {
        return LEAT_NO_MEMORY;
    }
    size_t body = out->len;
    int width = bits_for((uint32_t)most);
    int status = levels->len ? lt_pq_levels_put(out, width, levels->data, n)
                             : lt_pq_level_repeat(out, width, (uint8_t)most, n);
    if (with_length) {
        uint32_t len = (uint32_t)(out->len - body);
        memcpy(out->data + start, &len, sizeof len);
    }
    *ret_len = (int32_t)(out->len - start);
    return status;
}

/* A page of nulls alone is PLAIN, which takes no bytes: it must not be the reason for an empty
 * dictionary, and no reader looks there for the header of another encoding. */
static int32_t page_encoding(const struct lt_pq_column *column)
{
    return !column->values          ? LT_PQ_ENC_PLAIN
           : column->use_dictionary ? LT_PQ_ENC_RLE_DICTIONARY
                                    : column->encoding;
}

static int put_delta(struct lt_pq_column *column, struct lt_pq_worker *worker, struct lt_buf *out)
{
    bool is_32 = column->leaf->type == LT_PQ_INT32;
    struct lt_buf *wide = &worker->wide;
    lt_buf_clear(wide);
    if (lt_buf_reserve(wide, (size_t)column->values * sizeof(int64_t))) {
        return LEAT_NO_MEMORY;
    }
    int64_t *to = (int64_t *)(void *)wide->data;
    for (int64_t i = 0; i < column->values; i++) {
        int32_t narrow;
        if (is_32) {
            memcpy(&narrow, column->data.data + 4 * i, sizeof narrow);
            to[i] = narrow;
        } else {
            memcpy(&to[i], column->data.data + 8 * i, sizeof to[i]);
        }
    }
    return lt_pq_put_delta(out, to, column->values, is_32);
}

static int put_dictionary_numbers(const struct lt_pq_column *column, struct lt_buf *out)
{
    int width = bits_for(column->dictionary.n ? column->dictionary.n - 1 : 0);
    int status = lt_buf_byte(out, (uint8_t)width);
    return status
               ? status
               : lt_pq_hybrid_put(out, width, (const uint32_t *)(const void *)column->numbers.data,
                                  column->values);
}

static int put_values(struct lt_pq_column *column, struct lt_pq_worker *worker, struct lt_buf *out)
{
    static const int32_t no_offsets[1] = {0};
    const uint8_t *data = column->data.data;
    const int32_t *offsets =
        column->offsets.len ? (const int32_t *)(const void *)column->offsets.data : no_offsets;
    int64_t n = column->values;
    switch (page_encoding(column)) {
    case LT_PQ_ENC_RLE_DICTIONARY:
        return put_dictionary_numbers(column, out);
    case LT_PQ_ENC_DELTA_BINARY_PACKED:
        return put_delta(column, worker, out);
    case LT_PQ_ENC_DELTA_LENGTH_BYTE_ARRAY:
        return lt_pq_put_delta_length(out, data, offsets, n);
    case LT_PQ_ENC_DELTA_BYTE_ARRAY:
        return lt_pq_put_delta_bytes(out, data, offsets, n);
    case LT_PQ_ENC_BYTE_STREAM_SPLIT:
        return lt_pq_put_byte_stream_split(out, data, column->store.width, n);
    default:
        return column->leaf->type == LT_PQ_BOOLEAN ? lt_pq_put_bools(out, data, n)
                                                   : lt_buf_append(out, data, column->data.len);
    }
}

/* --- bytes of a page ------------------------------------------------------------------------- */

/* Puts the header before worker->body and keeps both. */
static int keep_page(struct lt_pq_column *column, struct lt_pq_worker *worker,
                     struct lt_pq_page *page, struct lt_pq_packed *ret_packed,
                     struct leat_error *err)
{
    const struct lt_buf *body = &worker->body;
    page->compressed_size = (int32_t)body->len;
    page->has_crc = true;
    page->crc = lt_crc32(0, body->data, body->len);
    lt_buf_clear(&worker->head);
    if (lt_pq_page_write(page, &worker->head)) {
        return lt_fail_oom(err);
    }
    size_t len = worker->head.len + body->len;
    uint8_t *data = malloc(len);
    if (!data) {
        return lt_fail_oom(err);
    }
    memcpy(data, worker->head.data, worker->head.len);
    if (body->len) {
        memcpy(data + worker->head.len, body->data, body->len);
    }
    column->packed_bytes += (int64_t)len;
    column->raw_bytes += (int64_t)worker->head.len + page->uncompressed_size;
    *ret_packed = (struct lt_pq_packed){data, len};
    return LEAT_OK;
}

static int pack(const struct lt_pq_column *column, struct lt_pq_worker *worker, const uint8_t *data,
                size_t len, struct leat_error *err)
{
    const struct lt_pq_column_options *options = column->options;
    if (len > LT_BLOCK_BYTES_MAX) {
        return lt_fail(err, LT_E_LIMIT, "a Parquet page of 2 GiB");
    }
    if (options->codec == LT_BLOCK_NONE) {
        return lt_buf_append(&worker->body, data, len) ? lt_fail_oom(err) : LEAT_OK;
    }
    return lt_block_pack(worker->context, options->codec, options->level, data, len, &worker->body,
                         err);
}

/* Version 1: levels and values are compressed together. */
static int make_body_v1(struct lt_pq_column *column, struct lt_pq_worker *worker,
                        struct lt_pq_page *page, struct leat_error *err)
{
    const struct lt_pq_node *leaf = column->leaf;
    struct lt_buf *raw = &worker->raw;
    int32_t len;
    page->type = LT_PQ_PAGE_DATA;
    page->def_encoding = page->rep_encoding = LT_PQ_ENC_RLE;
    if (put_levels(raw, &column->reps, leaf->rep_max, column->slots, true, &len) ||
        put_levels(raw, &column->defs, leaf->def_max, column->slots, true, &len) ||
        put_values(column, worker, raw)) {
        return lt_fail_oom(err);
    }
    page->uncompressed_size = (int32_t)raw->len;
    return pack(column, worker, raw->data, raw->len, err);
}

/* Version 2: levels stay as they are, and no values are no bytes whatever the codec. */
static int make_body_v2(struct lt_pq_column *column, struct lt_pq_worker *worker,
                        struct lt_pq_page *page, struct leat_error *err)
{
    const struct lt_pq_node *leaf = column->leaf;
    struct lt_buf *raw = &worker->raw, *body = &worker->body;
    page->type = LT_PQ_PAGE_V2;
    page->num_nulls = (int32_t)(column->slots - column->values);
    page->num_rows = (int32_t)column->rows;
    if (put_levels(body, &column->reps, leaf->rep_max, column->slots, false, &page->rep_len) ||
        put_levels(body, &column->defs, leaf->def_max, column->slots, false, &page->def_len) ||
        (column->values && put_values(column, worker, raw))) {
        return lt_fail_oom(err);
    }
    if (body->len + raw->len > LT_BLOCK_BYTES_MAX) {
        return lt_fail(err, LT_E_LIMIT, "a Parquet page of 2 GiB");
    }
    page->uncompressed_size = (int32_t)(body->len + raw->len);
    page->is_compressed = raw->len && column->options->codec != LT_BLOCK_NONE;
    return raw->len ? pack(column, worker, raw->data, raw->len, err) : LEAT_OK;
}

int lt_pq_page_finish(struct lt_pq_column *column, struct lt_pq_worker *worker,
                      struct leat_error *err)
{
    struct lt_pq_packed packed;
    if (column->slots > INT32_MAX) {
        return lt_fail(err, LT_E_LIMIT, "a record with 2^31 elements in one column");
    }
    struct lt_pq_page page = {.num_values = (int32_t)column->slots,
                              .encoding = page_encoding(column)};
    bool numbered = page.encoding == LT_PQ_ENC_RLE_DICTIONARY;
    if (numbered && !column->store.width && lt_pq_bound_numbers(column)) {
        return lt_fail_oom(err);
    }
    lt_buf_clear(&worker->raw);
    lt_buf_clear(&worker->body);
    int status = column->options->version == 2 ? make_body_v2(column, worker, &page, err)
                                               : make_body_v1(column, worker, &page, err);
    status = status ? status : keep_page(column, worker, &page, &packed, err);
    if (status) {
        return status;
    }
    if (lt_buf_append(&column->pages, &packed, sizeof packed)) {
        free(packed.data);
        return lt_fail_oom(err);
    }
    column->dictionary_pages += numbered;
    column->null_pages += !column->values;
    column->other_pages += column->values && !numbered;
    return note_page(column) ? lt_fail_oom(err) : LEAT_OK;
}

int lt_pq_page_dictionary(struct lt_pq_column *column, struct lt_pq_worker *worker,
                          struct leat_error *err)
{
    const struct lt_pq_dictionary *dictionary = &column->dictionary;
    struct lt_pq_page page = {.type = LT_PQ_PAGE_DICTIONARY,
                              .num_values = (int32_t)dictionary->n,
                              .encoding = LT_PQ_ENC_PLAIN};
    struct lt_buf *raw = &worker->raw;
    lt_buf_clear(raw);
    lt_buf_clear(&worker->body);
    int status = LEAT_OK;
    if (dictionary->width) {
        status = lt_pq_put_plain(raw, dictionary->values.data, dictionary->width, dictionary->n);
    } else if (dictionary->n) {
        status = lt_pq_put_plain_bytes(raw, dictionary->values.data,
                                       (const int32_t *)(const void *)dictionary->offsets.data,
                                       dictionary->n);
    }
    if (status) {
        return lt_fail_oom(err);
    }
    page.uncompressed_size = (int32_t)raw->len;
    status = raw->len ? pack(column, worker, raw->data, raw->len, err) : LEAT_OK;
    return status ? status : keep_page(column, worker, &page, &column->dictionary_page, err);
}
