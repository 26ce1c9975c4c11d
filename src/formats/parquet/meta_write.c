/* Parquet's metadata to Thrift: field numbers are those of parquet.thrift. See meta.h. */
#include "formats/parquet/thrift.h"

#include "core/banned.h"

static void put_bytes(struct lt_thriftw *w, int16_t id, const struct lt_pq_bytes *bytes)
{
    if (bytes->data) {
        lt_thriftw_bytes(w, id, bytes->data, bytes->len);
    }
}

static void put_positive(struct lt_thriftw *w, int16_t id, int64_t value)
{
    if (value >= 0) {
        lt_thriftw_i64(w, id, value);
    }
}

static int end(struct lt_thriftw *w)
{
    lt_thriftw_stop(w);
    return w->oom ? LEAT_NO_MEMORY : LEAT_OK;
}

/* --- schema -------------------------------------------------------------------------------- */

/* TIME and TIMESTAMP: {1: adjusted to UTC, 2: unit}, the unit a union of empty structs. */
static void put_unit(struct lt_thriftw *w, const struct lt_pq_element *element)
{
    lt_thriftw_bool(w, 1, element->utc);
    lt_thriftw_struct(w, 2);
    lt_thriftw_struct(w, (int16_t)element->unit);
    lt_thriftw_stop(w);
    lt_thriftw_stop(w);
}

static void put_logical(struct lt_thriftw *w, const struct lt_pq_element *element)
{
    lt_thriftw_struct(w, 10);
    lt_thriftw_struct(w, (int16_t)element->logical);
    switch (element->logical) {
    case LT_PQ_LOGICAL_DECIMAL:
        lt_thriftw_i32(w, 1, element->scale);
        lt_thriftw_i32(w, 2, element->precision);
        break;
    case LT_PQ_LOGICAL_TIME:
    case LT_PQ_LOGICAL_TIMESTAMP:
        put_unit(w, element);
        break;
    case LT_PQ_LOGICAL_INTEGER:
        lt_thriftw_i8(w, 1, (int8_t)element->bit_width);
        lt_thriftw_bool(w, 2, element->is_signed);
        break;
    default:
        break;
    }
    lt_thriftw_stop(w);
    lt_thriftw_stop(w);
}

static void put_element(struct lt_thriftw *w, const struct lt_pq_element *element, bool root)
{
    bool group = element->type < 0;
    lt_thriftw_struct(w, 0);
    if (!group) {
        lt_thriftw_i32(w, 1, element->type);
    }
    if (element->type == LT_PQ_FLBA) {
        lt_thriftw_i32(w, 2, element->type_length);
    }
    if (!root) {
        lt_thriftw_i32(w, 3, element->repetition);
    }
    lt_thriftw_bytes(w, 4, element->name.data, element->name.len);
    if (group) {
        lt_thriftw_i32(w, 5, element->n_children);
    }
    if (element->converted != LT_PQ_CONV_NONE) {
        lt_thriftw_i32(w, 6, element->converted);
    }
    if (element->logical == LT_PQ_LOGICAL_DECIMAL) {
        lt_thriftw_i32(w, 7, element->scale);
        lt_thriftw_i32(w, 8, element->precision);
    }
    if (element->field_id >= 0) {
        lt_thriftw_i32(w, 9, element->field_id);
    }
    if (element->logical != LT_PQ_LOGICAL_NONE) {
        put_logical(w, element);
    }
    lt_thriftw_stop(w);
}

/* --- row groups ---------------------------------------------------------------------------- */

static void put_statistics(struct lt_thriftw *w, int16_t id, const struct lt_pq_statistics *stats)
{
    if (!stats->present) {
        return;
    }
    lt_thriftw_struct(w, id);
    put_positive(w, 3, stats->null_count);
    put_positive(w, 4, stats->distinct_count);
    put_bytes(w, 5, &stats->max_value);
    put_bytes(w, 6, &stats->min_value);
    if (stats->max_value.data) {
        lt_thriftw_bool(w, 7, stats->max_exact);
    }
    if (stats->min_value.data) {
        lt_thriftw_bool(w, 8, stats->min_exact);
    }
    lt_thriftw_stop(w);
}

static void put_encodings(struct lt_thriftw *w, const struct lt_pq_chunk *chunk)
{
    lt_thriftw_list(w, 2, LT_THRIFT_I32, chunk->n_encodings);
    for (size_t i = 0; i < chunk->n_encodings; i++) {
        lt_thriftw_element_i32(w, chunk->encodings[i]);
    }
}

static void put_encoding_stats(struct lt_thriftw *w, const struct lt_pq_chunk *chunk)
{
    if (!chunk->n_encoding_stats) {
        return;
    }
    lt_thriftw_list(w, 13, LT_THRIFT_STRUCT, chunk->n_encoding_stats);
    for (size_t i = 0; i < chunk->n_encoding_stats; i++) {
        const struct lt_pq_encoding_stats *stats = &chunk->encoding_stats[i];
        lt_thriftw_struct(w, 0);
        lt_thriftw_i32(w, 1, stats->page_type);
        lt_thriftw_i32(w, 2, stats->encoding);
        lt_thriftw_i32(w, 3, stats->count);
        lt_thriftw_stop(w);
    }
}

static void put_chunk_meta(struct lt_thriftw *w, const struct lt_pq_chunk *chunk)
{
    lt_thriftw_struct(w, 3);
    lt_thriftw_i32(w, 1, chunk->type);
    put_encodings(w, chunk);
    lt_thriftw_list(w, 3, LT_THRIFT_BINARY, chunk->n_path);
    for (size_t i = 0; i < chunk->n_path; i++) {
        lt_thriftw_element_bytes(w, chunk->path[i].data, chunk->path[i].len);
    }
    lt_thriftw_i32(w, 4, chunk->codec);
    lt_thriftw_i64(w, 5, chunk->num_values);
    lt_thriftw_i64(w, 6, chunk->uncompressed_size);
    lt_thriftw_i64(w, 7, chunk->compressed_size);
    lt_thriftw_i64(w, 9, chunk->data_page_offset);
    put_positive(w, 10, chunk->index_page_offset);
    put_positive(w, 11, chunk->dictionary_page_offset);
    put_statistics(w, 12, &chunk->statistics);
    put_encoding_stats(w, chunk);
    if (chunk->bloom_offset >= 0) {
        lt_thriftw_i64(w, 14, chunk->bloom_offset);
        lt_thriftw_i32(w, 15, chunk->bloom_length);
    }
    lt_thriftw_stop(w);
}

/* file_offset of a chunk is 0: older writers disagree on what it means, and readers ignore it. */
static void put_chunk(struct lt_thriftw *w, const struct lt_pq_chunk *chunk)
{
    lt_thriftw_struct(w, 0);
    lt_thriftw_i64(w, 2, 0);
    put_chunk_meta(w, chunk);
    if (chunk->offset_index_offset >= 0) {
        lt_thriftw_i64(w, 4, chunk->offset_index_offset);
        lt_thriftw_i32(w, 5, chunk->offset_index_length);
    }
    if (chunk->column_index_offset >= 0) {
        lt_thriftw_i64(w, 6, chunk->column_index_offset);
        lt_thriftw_i32(w, 7, chunk->column_index_length);
    }
    lt_thriftw_stop(w);
}

/* Within the struct of a row group; its stop byte included. */
static void put_group(struct lt_thriftw *w, const struct lt_pq_row_group *group)
{
    lt_thriftw_list(w, 1, LT_THRIFT_STRUCT, group->n_chunks);
    for (size_t i = 0; i < group->n_chunks; i++) {
        put_chunk(w, &group->chunks[i]);
    }
    lt_thriftw_i64(w, 2, group->total_byte_size);
    lt_thriftw_i64(w, 3, group->num_rows);
    put_positive(w, 5, group->file_offset);
    put_positive(w, 6, group->total_compressed_size);
    if (group->ordinal >= 0 && group->ordinal <= INT16_MAX) {
        lt_thriftw_i16(w, 7, (int16_t)group->ordinal);
    }
    lt_thriftw_stop(w);
}

int lt_pq_row_group_write(const struct lt_pq_row_group *group, struct lt_buf *out)
{
    struct lt_thriftw w;
    lt_thriftw_init(&w, out);
    put_group(&w, group);
    return w.oom ? LEAT_NO_MEMORY : LEAT_OK;
}

/* --- footer -------------------------------------------------------------------------------- */

static void put_groups(struct lt_thriftw *w, const struct lt_pq_footer *footer)
{
    lt_thriftw_list(w, 4, LT_THRIFT_STRUCT, footer->n_raw_groups + footer->n_groups);
    w->oom = w->oom || lt_buf_append(w->out, footer->raw_groups.data, footer->raw_groups.len);
    for (size_t i = 0; i < footer->n_groups; i++) {
        lt_thriftw_struct(w, 0);
        put_group(w, &footer->groups[i]);
    }
}

static void put_pairs(struct lt_thriftw *w, const struct lt_pq_footer *footer)
{
    if (!footer->n_pairs) {
        return;
    }
    lt_thriftw_list(w, 5, LT_THRIFT_STRUCT, footer->n_pairs);
    for (size_t i = 0; i < footer->n_pairs; i++) {
        lt_thriftw_struct(w, 0);
        put_bytes(w, 1, &footer->pairs[i].key);
        put_bytes(w, 2, &footer->pairs[i].value);
        lt_thriftw_stop(w);
    }
}

/* TYPE_ORDER for every leaf: without it readers may not trust min_value and max_value. */
static void put_orders(struct lt_thriftw *w, size_t n)
{
    lt_thriftw_list(w, 7, LT_THRIFT_STRUCT, n);
    for (size_t i = 0; i < n; i++) {
        lt_thriftw_struct(w, 0);
        lt_thriftw_struct(w, 1);
        lt_thriftw_stop(w);
        lt_thriftw_stop(w);
    }
}

int lt_pq_footer_write(const struct lt_pq_footer *footer, struct lt_buf *out)
{
    struct lt_thriftw w;
    lt_thriftw_init(&w, out);
    lt_thriftw_i32(&w, 1, footer->version);
    lt_thriftw_list(&w, 2, LT_THRIFT_STRUCT, footer->n_elements);
    for (size_t i = 0; i < footer->n_elements; i++) {
        put_element(&w, &footer->elements[i], i == 0);
    }
    lt_thriftw_i64(&w, 3, footer->num_rows);
    put_groups(&w, footer);
    put_pairs(&w, footer);
    put_bytes(&w, 6, &footer->created_by);
    if (footer->n_column_orders) {
        put_orders(&w, footer->n_column_orders);
    }
    return end(&w);
}

/* --- pages --------------------------------------------------------------------------------- */

static void put_page_v1(struct lt_thriftw *w, const struct lt_pq_page *page)
{
    lt_thriftw_struct(w, 5);
    lt_thriftw_i32(w, 1, page->num_values);
    lt_thriftw_i32(w, 2, page->encoding);
    lt_thriftw_i32(w, 3, page->def_encoding);
    lt_thriftw_i32(w, 4, page->rep_encoding);
    put_statistics(w, 5, &page->statistics);
    lt_thriftw_stop(w);
}

static void put_page_dictionary(struct lt_thriftw *w, const struct lt_pq_page *page)
{
    lt_thriftw_struct(w, 7);
    lt_thriftw_i32(w, 1, page->num_values);
    lt_thriftw_i32(w, 2, page->encoding);
    lt_thriftw_bool(w, 3, page->is_sorted);
    lt_thriftw_stop(w);
}

static void put_page_v2(struct lt_thriftw *w, const struct lt_pq_page *page)
{
    lt_thriftw_struct(w, 8);
    lt_thriftw_i32(w, 1, page->num_values);
    lt_thriftw_i32(w, 2, page->num_nulls);
    lt_thriftw_i32(w, 3, page->num_rows);
    lt_thriftw_i32(w, 4, page->encoding);
    lt_thriftw_i32(w, 5, page->def_len);
    lt_thriftw_i32(w, 6, page->rep_len);
    lt_thriftw_bool(w, 7, page->is_compressed);
    put_statistics(w, 8, &page->statistics);
    lt_thriftw_stop(w);
}

int lt_pq_page_write(const struct lt_pq_page *page, struct lt_buf *out)
{
    struct lt_thriftw w;
    lt_thriftw_init(&w, out);
    lt_thriftw_i32(&w, 1, page->type);
    lt_thriftw_i32(&w, 2, page->uncompressed_size);
    lt_thriftw_i32(&w, 3, page->compressed_size);
    if (page->has_crc) {
        lt_thriftw_i32(&w, 4, (int32_t)page->crc);
    }
    switch (page->type) {
    case LT_PQ_PAGE_DATA:
        put_page_v1(&w, page);
        break;
    case LT_PQ_PAGE_DICTIONARY:
        put_page_dictionary(&w, page);
        break;
    case LT_PQ_PAGE_V2:
        put_page_v2(&w, page);
        break;
    default:
        break;
    }
    return end(&w);
}

/* --- indexes ------------------------------------------------------------------------------- */

int lt_pq_offset_index_write(const struct lt_pq_offset_index *index, struct lt_buf *out)
{
    struct lt_thriftw w;
    lt_thriftw_init(&w, out);
    lt_thriftw_list(&w, 1, LT_THRIFT_STRUCT, index->n_pages);
    for (size_t i = 0; i < index->n_pages; i++) {
        lt_thriftw_struct(&w, 0);
        lt_thriftw_i64(&w, 1, index->pages[i].offset);
        lt_thriftw_i32(&w, 2, index->pages[i].compressed_size);
        lt_thriftw_i64(&w, 3, index->pages[i].first_row);
        lt_thriftw_stop(&w);
    }
    return end(&w);
}

static void put_bounds(struct lt_thriftw *w, int16_t id, const struct lt_pq_bytes *bounds, size_t n)
{
    lt_thriftw_list(w, id, LT_THRIFT_BINARY, n);
    for (size_t i = 0; i < n; i++) {
        lt_thriftw_element_bytes(w, bounds[i].data, bounds[i].len);
    }
}

int lt_pq_column_index_write(const struct lt_pq_column_index *index, struct lt_buf *out)
{
    struct lt_thriftw w;
    lt_thriftw_init(&w, out);
    lt_thriftw_list(&w, 1, LT_THRIFT_TRUE, index->n_pages);
    for (size_t i = 0; i < index->n_pages; i++) {
        lt_thriftw_element_bool(&w, index->null_pages[i]);
    }
    put_bounds(&w, 2, index->min_values, index->n_pages);
    put_bounds(&w, 3, index->max_values, index->n_pages);
    lt_thriftw_i32(&w, 4, index->order);
    if (index->null_counts) {
        lt_thriftw_list(&w, 5, LT_THRIFT_I64, index->n_pages);
        for (size_t i = 0; i < index->n_pages; i++) {
            lt_thriftw_element_i64(&w, index->null_counts[i]);
        }
    }
    return end(&w);
}
