/* Reading Parquet's metadata structs (parquet.thrift): a table for each, indexed by the field ids of
 * that file, says where a field's value goes. */
#include "formats/parquet/thrift_shape.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

#define AT(type, member) (uint16_t) offsetof(struct type, member)
#define VALUE(kind, type, member) LT_THRIFT_##kind##_VALUE, false, AT(type, member), 0, NULL
#define NEEDED(kind, type, member) LT_THRIFT_##kind##_VALUE, true, AT(type, member), 0, NULL
#define LIST(kind, type, member, count)                                                            \
    LT_THRIFT_##kind##_LIST, false, AT(type, member), AT(type, count), NULL
#define INNER(type, member, shape) LT_THRIFT_STRUCT_VALUE, false, AT(type, member), 0, &(shape)
#define INNERS(type, member, count, needed, shape)                                                 \
    LT_THRIFT_STRUCT_LIST, needed, AT(type, member), AT(type, count), &(shape)
/* Members of a union, and the parts of a struct that is none here, fill what they belong to. */
#define WITHIN(needed, shape) LT_THRIFT_STRUCT_VALUE, needed, 0, 0, &(shape)
#define ROWS(table) (table), LT_ARRAY_LEN(table)

/* --- schema --------------------------------------------------------------------------------- */

/* TimeUnit: a union of empty structs, whose ids are those of enum lt_pq_unit. */
static void sees_unit(void *item, int16_t id)
{
    struct lt_pq_element *element = item;
    element->unit = id >= LT_PQ_MILLIS && id <= LT_PQ_NANOS ? id : 0;
}

static bool is_logical(int id)
{
    switch (id) {
#define X(name, number, text) case number:
        LT_PQ_LOGICAL_MAP(X)
#undef X
        return true;
    default:
        return false;
    }
}

static void sees_logical(void *item, int16_t id)
{
    struct lt_pq_element *element = item;
    element->logical = is_logical(id) ? id : LT_PQ_LOGICAL_OTHER;
}

static void start_element(void *item)
{
    struct lt_pq_element *element = item;
    element->type = element->converted = element->field_id = -1;
}

static const struct lt_thrift_shape unit_shape = {.sees = sees_unit};

static const struct lt_thrift_row decimal_rows[] = {
    [1] = {VALUE(I32, lt_pq_element, scale)}, [2] = {VALUE(I32, lt_pq_element, precision)}};
static const struct lt_thrift_shape decimal_shape = {NULL, ROWS(decimal_rows), .size = 0};

static const struct lt_thrift_row time_rows[] = {
    [1] = {VALUE(BOOL, lt_pq_element, utc)}, [2] = {WITHIN(false, unit_shape)}};
static const struct lt_thrift_shape time_shape = {NULL, ROWS(time_rows), .size = 0};

static const struct lt_thrift_row integer_rows[] = {
    [1] = {VALUE(I32, lt_pq_element, bit_width)}, [2] = {VALUE(BOOL, lt_pq_element, is_signed)}};
static const struct lt_thrift_shape integer_shape = {NULL, ROWS(integer_rows), .size = 0};

static const struct lt_thrift_row logical_rows[] = {
    [LT_PQ_LOGICAL_DECIMAL] = {WITHIN(false, decimal_shape)},
    [LT_PQ_LOGICAL_TIME] = {WITHIN(false, time_shape)},
    [LT_PQ_LOGICAL_TIMESTAMP] = {WITHIN(false, time_shape)},
    [LT_PQ_LOGICAL_INTEGER] = {WITHIN(false, integer_shape)}};
static const struct lt_thrift_shape logical_shape = {NULL, ROWS(logical_rows),
                                                     .sees = sees_logical};

static const struct lt_thrift_row element_rows[] = {
    [1] = {VALUE(I32, lt_pq_element, type)},       [2] = {VALUE(I32, lt_pq_element, type_length)},
    [3] = {VALUE(I32, lt_pq_element, repetition)}, [4] = {NEEDED(BYTES, lt_pq_element, name)},
    [5] = {VALUE(I32, lt_pq_element, n_children)}, [6] = {VALUE(I32, lt_pq_element, converted)},
    [7] = {VALUE(I32, lt_pq_element, scale)},      [8] = {VALUE(I32, lt_pq_element, precision)},
    [9] = {VALUE(I32, lt_pq_element, field_id)},   [10] = {WITHIN(false, logical_shape)}};
static const struct lt_thrift_shape element_shape = {"the name of a column", ROWS(element_rows),
                                                     .size = sizeof(struct lt_pq_element),
                                                     .start = start_element};

/* --- row groups ------------------------------------------------------------------------------ */

static void start_statistics(void *item)
{
    struct lt_pq_statistics *statistics = item;
    statistics->present = true;
}

static const struct lt_thrift_row statistics_rows[] = {
    [1] = {VALUE(BYTES, lt_pq_statistics, max)},
    [2] = {VALUE(BYTES, lt_pq_statistics, min)},
    [3] = {VALUE(I64, lt_pq_statistics, null_count)},
    [4] = {VALUE(I64, lt_pq_statistics, distinct_count)},
    [5] = {VALUE(BYTES, lt_pq_statistics, max_value)},
    [6] = {VALUE(BYTES, lt_pq_statistics, min_value)},
    [7] = {VALUE(BOOL, lt_pq_statistics, max_exact)},
    [8] = {VALUE(BOOL, lt_pq_statistics, min_exact)}};
static const struct lt_thrift_shape statistics_shape = {NULL, ROWS(statistics_rows),
                                                        .start = start_statistics};

static const struct lt_thrift_row stats_rows[] = {
    [1] = {VALUE(I32, lt_pq_encoding_stats, page_type)},
    [2] = {VALUE(I32, lt_pq_encoding_stats, encoding)},
    [3] = {VALUE(I32, lt_pq_encoding_stats, count)}};
static const struct lt_thrift_shape stats_shape = {NULL, ROWS(stats_rows),
                                                   .size = sizeof(struct lt_pq_encoding_stats)};

/* ColumnMetaData, which fills its chunk. */
static const struct lt_thrift_row chunk_meta_rows[] = {
    [1] = {NEEDED(I32, lt_pq_chunk, type)},
    [2] = {LIST(I32, lt_pq_chunk, encodings, n_encodings)},
    [3] = {LIST(BYTES, lt_pq_chunk, path, n_path)},
    [4] = {NEEDED(I32, lt_pq_chunk, codec)},
    [5] = {NEEDED(I64, lt_pq_chunk, num_values)},
    [6] = {VALUE(I64, lt_pq_chunk, uncompressed_size)},
    [7] = {NEEDED(I64, lt_pq_chunk, compressed_size)},
    [9] = {NEEDED(I64, lt_pq_chunk, data_page_offset)},
    [10] = {VALUE(I64, lt_pq_chunk, index_page_offset)},
    [11] = {VALUE(I64, lt_pq_chunk, dictionary_page_offset)},
    [12] = {INNER(lt_pq_chunk, statistics, statistics_shape)},
    [13] = {INNERS(lt_pq_chunk, encoding_stats, n_encoding_stats, false, stats_shape)},
    [14] = {VALUE(I64, lt_pq_chunk, bloom_offset)},
    [15] = {VALUE(I32, lt_pq_chunk, bloom_length)}};
static const struct lt_thrift_shape chunk_meta_shape = {"parts of a column chunk",
                                                        ROWS(chunk_meta_rows), .size = 0};

#define CHUNK_META 3

static void start_chunk(void *item)
{
    struct lt_pq_chunk *chunk = item;
    chunk->index_page_offset = chunk->dictionary_page_offset = chunk->bloom_offset = -1;
    chunk->offset_index_offset = chunk->column_index_offset = -1;
    chunk->statistics.null_count = chunk->statistics.distinct_count = -1;
}

/* The metadata of an encrypted column may be encrypted, too. */
static bool wants_chunk(void *item, int16_t id)
{
    const struct lt_pq_chunk *chunk = item;
    return id != CHUNK_META || !chunk->encrypted;
}

static const struct lt_thrift_row chunk_rows[] = {
    [1] = {VALUE(BYTES, lt_pq_chunk, file_path)},
    [CHUNK_META] = {WITHIN(true, chunk_meta_shape)},
    [4] = {VALUE(I64, lt_pq_chunk, offset_index_offset)},
    [5] = {VALUE(I32, lt_pq_chunk, offset_index_length)},
    [6] = {VALUE(I64, lt_pq_chunk, column_index_offset)},
    [7] = {VALUE(I32, lt_pq_chunk, column_index_length)},
    [8] = {VALUE(PRESENCE, lt_pq_chunk, encrypted)},
    [9] = {VALUE(PRESENCE, lt_pq_chunk, encrypted)}};
static const struct lt_thrift_shape chunk_shape = {
    "the metadata of a column chunk", ROWS(chunk_rows), .size = sizeof(struct lt_pq_chunk),
    .start = start_chunk, .wants = wants_chunk};

static void start_group(void *item)
{
    struct lt_pq_row_group *group = item;
    group->ordinal = -1;
}

static const struct lt_thrift_row group_rows[] = {
    [1] = {INNERS(lt_pq_row_group, chunks, n_chunks, true, chunk_shape)},
    [2] = {VALUE(I64, lt_pq_row_group, total_byte_size)},
    [3] = {NEEDED(I64, lt_pq_row_group, num_rows)},
    [5] = {VALUE(I64, lt_pq_row_group, file_offset)},
    [6] = {VALUE(I64, lt_pq_row_group, total_compressed_size)},
    [7] = {VALUE(I32, lt_pq_row_group, ordinal)}};
static const struct lt_thrift_shape group_shape = {"parts of a row group", ROWS(group_rows),
                                                   .size = sizeof(struct lt_pq_row_group),
                                                   .start = start_group};

/* --- the footer ------------------------------------------------------------------------------- */

static const struct lt_thrift_row pair_rows[] = {
    [1] = {VALUE(BYTES, lt_pq_pair, key)}, [2] = {VALUE(BYTES, lt_pq_pair, value)}};
static const struct lt_thrift_shape pair_shape = {NULL, ROWS(pair_rows),
                                                  .size = sizeof(struct lt_pq_pair)};

/* ColumnOrder: a union; member 1 is the order that the column's type defines. */
static void sees_order(void *item, int16_t id)
{
    bool *by_type = item;
    *by_type = id == 1;
}

static const struct lt_thrift_shape order_shape = {.size = sizeof(bool), .sees = sees_order};

static const struct lt_thrift_row footer_rows[] = {
    [1] = {VALUE(I32, lt_pq_footer, version)},
    [2] = {INNERS(lt_pq_footer, elements, n_elements, true, element_shape)},
    [3] = {NEEDED(I64, lt_pq_footer, num_rows)},
    [4] = {INNERS(lt_pq_footer, groups, n_groups, true, group_shape)},
    [5] = {INNERS(lt_pq_footer, pairs, n_pairs, false, pair_shape)},
    [6] = {VALUE(BYTES, lt_pq_footer, created_by)},
    [7] = {INNERS(lt_pq_footer, type_order, n_column_orders, false, order_shape)},
    [8] = {VALUE(PRESENCE, lt_pq_footer, encrypted)}};
static const struct lt_thrift_shape footer_shape = {"the schema or the row groups",
                                                    ROWS(footer_rows), .size = 0};

/* The status of a struct just read; `what` it is, for messages. */
static int outcome(const struct lt_thrift_reader *m, const char *what, struct leat_error *err)
{
    if (m->oom) {
        return lt_fail_oom(err);
    }
    if (m->t.fault) {
        return lt_fail(err, LT_E_CORRUPT, "the %s is damaged: %s", what, m->t.fault);
    }
    if (m->missing) {
        return lt_fail(err, LT_E_CORRUPT, "the %s is damaged: %s missing", what, m->missing);
    }
    return LEAT_OK;
}

int lt_pq_footer_read(const uint8_t *data, size_t len, struct lt_pq_footer *ret_footer,
                      struct leat_error *err)
{
    struct lt_thrift_reader m = {.oom = false};
    struct lt_pq_footer footer = {.version = 0};
    lt_thrift_init(&m.t, data, len);
    lt_thrift_read_struct(&m, &footer_shape, &footer);
    int status = outcome(&m, "footer", err);
    if (status) {
        lt_pq_footer_done(&footer);
        return status;
    }
    *ret_footer = footer;
    return LEAT_OK;
}

void lt_pq_footer_done(struct lt_pq_footer *footer)
{
    for (size_t i = 0; i < footer->n_groups; i++) {
        struct lt_pq_row_group *group = &footer->groups[i];
        for (size_t j = 0; j < group->n_chunks; j++) {
            free(group->chunks[j].encodings);
            free(group->chunks[j].path);
            free(group->chunks[j].encoding_stats);
        }
        free(group->chunks);
    }
    free(footer->groups);
    free(footer->elements);
    free(footer->pairs);
    free(footer->type_order);
    *footer = (struct lt_pq_footer){.version = 0};
}

/* --- page headers ------------------------------------------------------------------------------ */

/* The three kinds of headers fill the page that they belong to. */
static const struct lt_thrift_row data_page_rows[] = {
    [1] = {NEEDED(I32, lt_pq_page, num_values)},
    [2] = {NEEDED(I32, lt_pq_page, encoding)},
    [3] = {VALUE(I32, lt_pq_page, def_encoding)},
    [4] = {VALUE(I32, lt_pq_page, rep_encoding)},
    [5] = {INNER(lt_pq_page, statistics, statistics_shape)}};
static const struct lt_thrift_shape data_page_shape = {"parts of it", ROWS(data_page_rows),
                                                       .size = 0};

static const struct lt_thrift_row dictionary_page_rows[] = {
    [1] = {NEEDED(I32, lt_pq_page, num_values)},
    [2] = {NEEDED(I32, lt_pq_page, encoding)},
    [3] = {VALUE(BOOL, lt_pq_page, is_sorted)}};
static const struct lt_thrift_shape dictionary_page_shape = {"parts of it",
                                                             ROWS(dictionary_page_rows), .size = 0};

static void start_data_page_v2(void *item)
{
    struct lt_pq_page *page = item;
    page->is_compressed = true;
}

static const struct lt_thrift_row data_page_v2_rows[] = {
    [1] = {NEEDED(I32, lt_pq_page, num_values)},
    [2] = {VALUE(I32, lt_pq_page, num_nulls)},
    [3] = {VALUE(I32, lt_pq_page, num_rows)},
    [4] = {NEEDED(I32, lt_pq_page, encoding)},
    [5] = {NEEDED(I32, lt_pq_page, def_len)},
    [6] = {NEEDED(I32, lt_pq_page, rep_len)},
    [7] = {VALUE(BOOL, lt_pq_page, is_compressed)},
    [8] = {INNER(lt_pq_page, statistics, statistics_shape)}};
static const struct lt_thrift_shape data_page_v2_shape = {"parts of it", ROWS(data_page_v2_rows),
                                                          .start = start_data_page_v2};

/* A page has the part of its own type, which stands before it. */
static bool wants_page(void *item, int16_t id)
{
    static const int types[] = {[5] = LT_PQ_PAGE_DATA,
                                [6] = LT_PQ_PAGE_INDEX,
                                [7] = LT_PQ_PAGE_DICTIONARY,
                                [8] = LT_PQ_PAGE_V2};
    const struct lt_pq_page *page = item;
    return id < 5 || types[id] == page->type;
}

static const struct lt_thrift_row page_rows[] = {
    [1] = {NEEDED(I32, lt_pq_page, type)},
    [2] = {NEEDED(I32, lt_pq_page, uncompressed_size)},
    [3] = {NEEDED(I32, lt_pq_page, compressed_size)},
    [4] = {LT_THRIFT_I32_VALUE, false, AT(lt_pq_page, crc), AT(lt_pq_page, has_crc), NULL},
    [5] = {WITHIN(true, data_page_shape)},
    [7] = {WITHIN(true, dictionary_page_shape)},
    [8] = {WITHIN(true, data_page_v2_shape)}};
static const struct lt_thrift_shape page_shape = {"parts of it", ROWS(page_rows),
                                                  .wants = wants_page};

int lt_pq_page_read(const uint8_t *data, size_t len, struct lt_pq_page *ret_page, size_t *ret_used,
                    bool *ret_short, struct leat_error *err)
{
    struct lt_thrift_reader m = {.oom = false};
    struct lt_pq_page page = {.statistics = {.null_count = -1, .distinct_count = -1}};
    lt_thrift_init(&m.t, data, len);
    lt_thrift_read_struct(&m, &page_shape, &page);
    *ret_short = m.t.short_of;
    if (lt_thrift_reader_fine(&m) &&
        (page.uncompressed_size < 0 || page.compressed_size < 0 || page.num_values < 0 ||
         page.num_nulls < 0 || page.num_rows < 0 || page.def_len < 0 || page.rep_len < 0)) {
        m.t.fault = "a size of it is negative";
    }
    int status = outcome(&m, "page header", err);
    if (status) {
        return status;
    }
    *ret_page = page;
    *ret_used = (size_t)(m.t.data - data);
    return LEAT_OK;
}

/* --- indexes ------------------------------------------------------------------------------------ */

static const struct lt_thrift_row location_rows[] = {
    [1] = {NEEDED(I64, lt_pq_page_location, offset)},
    [2] = {NEEDED(I32, lt_pq_page_location, compressed_size)},
    [3] = {NEEDED(I64, lt_pq_page_location, first_row)}};
static const struct lt_thrift_shape location_shape = {
    "parts of a page's place", ROWS(location_rows), .size = sizeof(struct lt_pq_page_location)};

static const struct lt_thrift_row offset_index_rows[] = {
    [1] = {INNERS(lt_pq_offset_index, pages, n_pages, false, location_shape)}};
static const struct lt_thrift_shape offset_index_shape = {NULL, ROWS(offset_index_rows), .size = 0};

int lt_pq_offset_index_read(const uint8_t *data, size_t len, struct lt_pq_offset_index *ret_index,
                            struct leat_error *err)
{
    struct lt_thrift_reader m = {.oom = false};
    struct lt_pq_offset_index index = {NULL, 0};
    lt_thrift_init(&m.t, data, len);
    lt_thrift_read_struct(&m, &offset_index_shape, &index);
    int status = outcome(&m, "offset index", err);
    if (status) {
        lt_pq_offset_index_done(&index);
        return status;
    }
    *ret_index = index;
    return LEAT_OK;
}

void lt_pq_offset_index_done(struct lt_pq_offset_index *index)
{
    free(index->pages);
    *index = (struct lt_pq_offset_index){NULL, 0};
}

/* Lists of their own lengths, until they are known to be equal. */
struct column_index {
    struct lt_pq_column_index index;
    size_t n_min, n_max, n_counts;
};

static const struct lt_thrift_row column_index_rows[] = {
    [1] = {LIST(BOOL, column_index, index.null_pages, index.n_pages)},
    [2] = {LIST(BYTES, column_index, index.min_values, n_min)},
    [3] = {LIST(BYTES, column_index, index.max_values, n_max)},
    [4] = {VALUE(I32, column_index, index.order)},
    [5] = {LIST(I64, column_index, index.null_counts, n_counts)}};
static const struct lt_thrift_shape column_index_shape = {NULL, ROWS(column_index_rows), .size = 0};

int lt_pq_column_index_read(const uint8_t *data, size_t len, struct lt_pq_column_index *ret_index,
                            struct leat_error *err)
{
    struct lt_thrift_reader m = {.oom = false};
    struct column_index read = {.n_min = 0};
    struct lt_pq_column_index *index = &read.index;
    lt_thrift_init(&m.t, data, len);
    lt_thrift_read_struct(&m, &column_index_shape, &read);
    if (lt_thrift_reader_fine(&m) &&
        (read.n_min != index->n_pages || read.n_max != index->n_pages ||
         (read.n_counts && read.n_counts != index->n_pages))) {
        m.missing = "bounds of some pages";
    }
    int status = outcome(&m, "column index", err);
    if (status) {
        lt_pq_column_index_done(index);
        return status;
    }
    *ret_index = *index;
    return LEAT_OK;
}

void lt_pq_column_index_done(struct lt_pq_column_index *index)
{
    free(index->null_pages);
    free(index->min_values);
    free(index->max_values);
    free(index->null_counts);
    *index = (struct lt_pq_column_index){.null_pages = NULL};
}
