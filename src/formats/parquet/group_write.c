/* Row groups, indexes, footer. See group_write.h. */
#include "formats/parquet/group_write.h"

#include "core/codes.h"

#include <stdlib.h>

#include "core/banned.h"

/* PLAIN of the dictionary, RLE_DICTIONARY, another one, RLE of levels. */
#define ENCODINGS_MAX 4

/* Metadata of a chunk, with the memory it points to. */
struct lt_pq_kept_chunk {
    struct lt_pq_chunk chunk;
    int32_t encodings[ENCODINGS_MAX];
    struct lt_pq_encoding_stats stats[ENCODINGS_MAX];
    struct lt_pq_bound_text min, max;
    size_t column_index_at, offset_index_at; /* in the buffers of indexes */
};

struct kept_group {
    struct lt_pq_row_group group; /* without chunks */
    struct lt_pq_kept_chunk *chunks;
};

/* --- paths --------------------------------------------------------------------------------- */

/* Names from the column down to the leaf; lists and maps have a repeated group between. */
static size_t path_of(const struct lt_pq_node *node, const struct lt_pq_element *elements,
                      struct lt_pq_bytes *names)
{
    size_t n = node->parent ? path_of(node->parent, elements, names) : 0;
    if (names) {
        names[n] = elements[node->element].name;
    }
    n++;
    if (node->shape == LT_PQ_LIST || node->shape == LT_PQ_MAP) {
        if (names) {
            names[n] = elements[node->element + 1].name;
        }
        n++;
    }
    return n;
}

static int add_paths(struct lt_pq_groups *groups, const struct lt_pq_node *node,
                     const struct lt_pq_element *elements, struct leat_error *err)
{
    int status = LEAT_OK;
    for (size_t i = 0; i < node->n_children && !status; i++) {
        status = add_paths(groups, &node->children[i], elements, err);
    }
    if (node->shape != LT_PQ_LEAF) {
        return status;
    }
    size_t n = path_of(node, elements, NULL);
    struct lt_pq_bytes *names = calloc(n, sizeof *names);
    if (!names) {
        return lt_fail_oom(err);
    }
    path_of(node, elements, names);
    groups->paths[node->leaf] = names;
    groups->path_lens[node->leaf] = n;
    return LEAT_OK;
}

int lt_pq_groups_init(struct lt_pq_groups *groups, struct lt_sink *sink,
                      const struct lt_pq_tree *tree, const struct lt_pq_element *elements,
                      int32_t codec, struct leat_error *err)
{
    size_t n = tree->n_leaves ? tree->n_leaves : 1;
    *groups = (struct lt_pq_groups){.sink = sink, .codec = codec, .n_leaves = tree->n_leaves};
    groups->paths = calloc(n, sizeof *groups->paths);
    groups->path_lens = calloc(n, sizeof *groups->path_lens);
    int status = groups->paths && groups->path_lens ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < tree->n_columns && !status; i++) {
        status = add_paths(groups, &tree->columns[i], elements, err);
    }
    return status;
}

static void drop_kept(struct lt_pq_groups *groups)
{
    struct kept_group *kept = (struct kept_group *)(void *)groups->kept.data;
    for (size_t i = 0; i < groups->kept.len / sizeof *kept; i++) {
        free(kept[i].chunks);
    }
    lt_buf_clear(&groups->kept);
    lt_buf_clear(&groups->column_indexes);
    lt_buf_clear(&groups->offset_indexes);
}

void lt_pq_groups_done(struct lt_pq_groups *groups)
{
    drop_kept(groups);
    for (size_t i = 0; groups->paths && i < groups->n_leaves; i++) {
        free(groups->paths[i]);
    }
    free(groups->paths);
    free(groups->path_lens);
    lt_buf_done(&groups->kept);
    lt_buf_done(&groups->column_indexes);
    lt_buf_done(&groups->offset_indexes);
    lt_buf_done(&groups->done);
    memset(groups, 0, sizeof *groups);
}

/* --- one chunk ------------------------------------------------------------------------------- */

int lt_pq_groups_put(struct lt_pq_groups *groups, const void *data, size_t len,
                     struct leat_error *err)
{
    if (!len) {
        return LEAT_OK;
    }
    int status = lt_sink_write(groups->sink, data, len, err);
    groups->position += status ? 0 : (int64_t)len;
    return status;
}

static void add_encoding(struct lt_pq_kept_chunk *kept, int32_t encoding)
{
    for (size_t i = 0; i < kept->chunk.n_encodings; i++) {
        if (kept->encodings[i] == encoding) {
            return;
        }
    }
    kept->encodings[kept->chunk.n_encodings++] = encoding;
}

static void add_encoding_stats(struct lt_pq_kept_chunk *kept, int32_t page_type, int32_t encoding,
                               int32_t count)
{
    if (count) {
        kept->stats[kept->chunk.n_encoding_stats++] =
            (struct lt_pq_encoding_stats){page_type, encoding, count};
        add_encoding(kept, encoding);
    }
}

static void fill_encodings(struct lt_pq_kept_chunk *kept, const struct lt_pq_column *column)
{
    int32_t data = column->options->version == 2 ? LT_PQ_PAGE_V2 : LT_PQ_PAGE_DATA;
    add_encoding_stats(kept, LT_PQ_PAGE_DICTIONARY, LT_PQ_ENC_PLAIN,
                       column->dictionary_page.data != NULL);
    add_encoding_stats(kept, data, LT_PQ_ENC_RLE_DICTIONARY, column->dictionary_pages);
    bool plain = column->encoding == LT_PQ_ENC_PLAIN;
    add_encoding_stats(kept, data, LT_PQ_ENC_PLAIN,
                       column->null_pages + (plain ? column->other_pages : 0));
    add_encoding_stats(kept, data, column->encoding, plain ? 0 : column->other_pages);
    if (column->leaf->def_max || column->leaf->rep_max) {
        add_encoding(kept, LT_PQ_ENC_RLE);
    }
}

static void fill_statistics(struct lt_pq_kept_chunk *kept, const struct lt_pq_column *column)
{
    struct lt_pq_statistics *stats = &kept->chunk.statistics;
    *stats = (struct lt_pq_statistics){
        .present = true, .null_count = column->chunk_nulls, .distinct_count = -1};
    if (lt_pq_bounds_min(&column->bounds, &kept->min)) {
        stats->min_value = (struct lt_pq_bytes){kept->min.data, kept->min.len};
        stats->min_exact = kept->min.exact;
    }
    if (lt_pq_bounds_max(&column->bounds, &kept->max)) {
        stats->max_value = (struct lt_pq_bytes){kept->max.data, kept->max.len};
        stats->max_exact = kept->max.exact;
    }
}

static void fill_chunk(const struct lt_pq_groups *groups, struct lt_pq_kept_chunk *kept,
                       const struct lt_pq_column *column)
{
    size_t leaf = column->leaf->leaf;
    kept->chunk = (struct lt_pq_chunk){.type = (int32_t)column->leaf->type,
                                       .path = groups->paths[leaf],
                                       .n_path = groups->path_lens[leaf],
                                       .codec = groups->codec,
                                       .num_values = column->chunk_slots,
                                       .uncompressed_size = column->raw_bytes,
                                       .compressed_size = column->packed_bytes,
                                       .index_page_offset = -1,
                                       .dictionary_page_offset = -1,
                                       .bloom_offset = -1,
                                       .offset_index_offset = -1,
                                       .column_index_offset = -1,
                                       .encodings = kept->encodings,
                                       .encoding_stats = kept->stats};
    fill_encodings(kept, column);
    fill_statistics(kept, column);
}

/* --- indexes --------------------------------------------------------------------------------- */

static int32_t boundary_order(const struct lt_pq_column *column,
                              const struct lt_pq_column_index *index)
{
    bool up = true, down = true;
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < index->n_pages && (up || down); i++) {
        if (index->null_pages[i]) {
            continue;
        }
        if (last != SIZE_MAX) {
            enum lt_pq_compare compare = column->store.compare;
            int min = lt_pq_bound_compare(compare, &index->min_values[last], &index->min_values[i]);
            int max = lt_pq_bound_compare(compare, &index->max_values[last], &index->max_values[i]);
            up = up && min <= 0 && max <= 0;
            down = down && min >= 0 && max >= 0;
        }
        last = i;
    }
    return up ? LT_PQ_ASCENDING : down ? LT_PQ_DESCENDING : LT_PQ_UNORDERED;
}

/* No index at all when a page has values but no bounds: "parquet.thrift", ColumnIndex. */
static int add_column_index(struct lt_pq_groups *groups, struct lt_pq_kept_chunk *kept,
                            const struct lt_pq_column *column)
{
    const struct lt_pq_page_note *notes =
        (const struct lt_pq_page_note *)(const void *)column->notes.data;
    size_t n = column->notes.len / sizeof *notes, start = groups->column_indexes.len;
    if (column->unbounded || !n) {
        return LEAT_OK;
    }
    struct lt_pq_bytes *bounds = calloc(2 * n, sizeof *bounds);
    int64_t *nulls = calloc(n, sizeof *nulls);
    bool *null_pages = calloc(n, sizeof *null_pages);
    struct lt_pq_column_index index = {null_pages, bounds, bounds + n, nulls, n, LT_PQ_UNORDERED};
    int status = bounds && nulls && null_pages ? LEAT_OK : LEAT_NO_MEMORY;
    for (size_t i = 0; i < n && !status; i++) {
        const uint8_t *data = column->bound_bytes.data;
        null_pages[i] = notes[i].all_null;
        nulls[i] = notes[i].nulls;
        if (!notes[i].all_null) {
            bounds[i] = (struct lt_pq_bytes){data + notes[i].min_at, notes[i].min_len};
            bounds[n + i] = (struct lt_pq_bytes){data + notes[i].max_at, notes[i].max_len};
        }
    }
    if (!status) {
        index.order = boundary_order(column, &index);
        status = lt_pq_column_index_write(&index, &groups->column_indexes);
    }
    kept->column_index_at = start;
    kept->chunk.column_index_length = (int32_t)(groups->column_indexes.len - start);
    free(bounds);
    free(nulls);
    free(null_pages);
    return status;
}

static int add_offset_index(struct lt_pq_groups *groups, struct lt_pq_kept_chunk *kept,
                            const struct lt_pq_column *column)
{
    const struct lt_pq_page_note *notes =
        (const struct lt_pq_page_note *)(const void *)column->notes.data;
    const struct lt_pq_packed *pages =
        (const struct lt_pq_packed *)(const void *)column->pages.data;
    size_t n = column->pages.len / sizeof *pages, start = groups->offset_indexes.len;
    struct lt_pq_page_location *locations = calloc(n ? n : 1, sizeof *locations);
    if (!locations) {
        return LEAT_NO_MEMORY;
    }
    int64_t offset = kept->chunk.data_page_offset;
    for (size_t i = 0; i < n; i++) {
        locations[i] =
            (struct lt_pq_page_location){offset, (int32_t)pages[i].len, notes[i].first_row};
        offset += (int64_t)pages[i].len;
    }
    struct lt_pq_offset_index index = {locations, n};
    int status = lt_pq_offset_index_write(&index, &groups->offset_indexes);
    kept->offset_index_at = start;
    kept->chunk.offset_index_length = (int32_t)(groups->offset_indexes.len - start);
    free(locations);
    return status;
}

/* --- row groups ------------------------------------------------------------------------------ */

static int put_chunk(struct lt_pq_groups *groups, struct lt_pq_kept_chunk *kept,
                     const struct lt_pq_column *column, struct leat_error *err)
{
    const struct lt_pq_packed *pages =
        (const struct lt_pq_packed *)(const void *)column->pages.data;
    const struct lt_pq_packed *dictionary = &column->dictionary_page;
    fill_chunk(groups, kept, column);
    if (dictionary->data) {
        kept->chunk.dictionary_page_offset = groups->position;
    }
    kept->chunk.data_page_offset = groups->position + (int64_t)dictionary->len;
    int status = lt_pq_groups_put(groups, dictionary->data, dictionary->len, err);
    for (size_t i = 0; i < column->pages.len / sizeof *pages && !status; i++) {
        status = lt_pq_groups_put(groups, pages[i].data, pages[i].len, err);
    }
    if (!status &&
        (add_column_index(groups, kept, column) || add_offset_index(groups, kept, column))) {
        status = lt_fail_oom(err);
    }
    return status;
}

/* Writes the indexes kept, then turns their groups into what the footer will say of them. */
static int put_indexes(struct lt_pq_groups *groups, struct leat_error *err)
{
    struct kept_group *kept = (struct kept_group *)(void *)groups->kept.data;
    size_t n = groups->kept.len / sizeof *kept;
    int64_t column_base = groups->position;
    int64_t offset_base = column_base + (int64_t)groups->column_indexes.len;
    struct lt_pq_chunk *chunks = calloc(groups->n_leaves ? groups->n_leaves : 1, sizeof *chunks);
    int status = chunks ? LEAT_OK : lt_fail_oom(err);
    status = status ? status
                    : lt_pq_groups_put(groups, groups->column_indexes.data,
                                       groups->column_indexes.len, err);
    status = status ? status
                    : lt_pq_groups_put(groups, groups->offset_indexes.data,
                                       groups->offset_indexes.len, err);
    for (size_t g = 0; g < n && !status; g++) {
        for (size_t i = 0; i < groups->n_leaves; i++) {
            struct lt_pq_kept_chunk *from = &kept[g].chunks[i];
            chunks[i] = from->chunk;
            if (chunks[i].column_index_length) {
                chunks[i].column_index_offset = column_base + (int64_t)from->column_index_at;
            }
            chunks[i].offset_index_offset = offset_base + (int64_t)from->offset_index_at;
        }
        kept[g].group.chunks = chunks;
        kept[g].group.n_chunks = groups->n_leaves;
        status = lt_pq_row_group_write(&kept[g].group, &groups->done) ? lt_fail_oom(err) : LEAT_OK;
    }
    groups->n_done += status ? 0 : n;
    free(chunks);
    drop_kept(groups);
    return status;
}

static size_t kept_bytes(const struct lt_pq_groups *groups)
{
    size_t n = groups->kept.len / sizeof(struct kept_group);
    return groups->column_indexes.len + groups->offset_indexes.len +
           n * groups->n_leaves * sizeof(struct lt_pq_kept_chunk);
}

int lt_pq_groups_add(struct lt_pq_groups *groups, const struct lt_pq_column *columns, int64_t rows,
                     struct leat_error *err)
{
    size_t earlier = groups->n_done + groups->kept.len / sizeof(struct kept_group);
    struct kept_group kept = {.group = {.num_rows = rows,
                                        .file_offset = groups->position,
                                        .ordinal = earlier <= INT16_MAX ? (int32_t)earlier : -1}};
    kept.chunks = calloc(groups->n_leaves ? groups->n_leaves : 1, sizeof *kept.chunks);
    int status = kept.chunks ? LEAT_OK : lt_fail_oom(err);
    for (size_t i = 0; i < groups->n_leaves && !status; i++) {
        status = put_chunk(groups, &kept.chunks[i], &columns[i], err);
        kept.group.total_byte_size += columns[i].raw_bytes;
        kept.group.total_compressed_size += columns[i].packed_bytes;
    }
    if (!status && lt_buf_append(&groups->kept, &kept, sizeof kept)) {
        status = lt_fail_oom(err);
    }
    if (status) {
        free(kept.chunks);
        return status;
    }
    groups->rows += rows;
    return kept_bytes(groups) > LT_PQ_KEPT_BYTES ? put_indexes(groups, err) : LEAT_OK;
}

int lt_pq_groups_finish(struct lt_pq_groups *groups, struct lt_pq_footer *footer,
                        struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    int status = put_indexes(groups, err);
    footer->num_rows = groups->rows;
    footer->raw_groups = (struct lt_pq_bytes){groups->done.data, groups->done.len};
    footer->n_raw_groups = groups->n_done;
    if (!status && lt_pq_footer_write(footer, &out)) {
        status = lt_fail_oom(err);
    }
    if (!status && out.len > INT32_MAX) {
        status = lt_fail(err, LT_E_LIMIT, "a Parquet footer of 2 GiB");
    }
    uint32_t len = (uint32_t)out.len;
    if (!status && (lt_buf_append(&out, &len, sizeof len) ||
                    lt_buf_append(&out, LT_PQ_MAGIC, strlen(LT_PQ_MAGIC)))) {
        status = lt_fail_oom(err);
    }
    status = status ? status : lt_pq_groups_put(groups, out.data, out.len, err);
    lt_buf_done(&out);
    return status;
}
