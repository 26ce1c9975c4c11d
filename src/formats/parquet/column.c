/* Columns: levels and values are gathered for a page, pages for a chunk. See column.h. */
#include "formats/parquet/column.h"

#include "core/codes.h"
#include "core/util.h"
#include "formats/parquet/page_write.h"

#include <stdlib.h>

#include "core/banned.h"

/* Rows turned at a time: what they take is a worker's, so it stays small. Lists have many values
 * in a row. */
#define ROWS_FLAT 4096
#define ROWS_NESTED 512
/* A page counts its bytes in 31 bits, and a record is never split. */
#define RECORD_BYTES_MAX ((int64_t)INT32_MAX - (64 << 20))
/* Values after which a dictionary must have shown that they repeat. */
#define PROBE_VALUES 8192

void lt_pq_worker_done(struct lt_pq_worker *worker)
{
    lt_block_context_free(worker->context);
    lt_pq_shred_done(&worker->shred);
    lt_pq_physical_done(&worker->values);
    lt_buf_done(&worker->raw);
    lt_buf_done(&worker->body);
    lt_buf_done(&worker->head);
    lt_buf_done(&worker->wide);
    memset(worker, 0, sizeof *worker);
}

/* --- beginning and end --------------------------------------------------------------------- */

static int32_t choose_encoding(const struct lt_pq_node *leaf,
                               const struct lt_pq_column_options *options)
{
    switch (leaf->type) {
    case LT_PQ_INT32:
    case LT_PQ_INT64:
        return options->delta ? LT_PQ_ENC_DELTA_BINARY_PACKED : LT_PQ_ENC_PLAIN;
    case LT_PQ_FLOAT:
    case LT_PQ_DOUBLE:
        return options->byte_stream_split ? LT_PQ_ENC_BYTE_STREAM_SPLIT : LT_PQ_ENC_PLAIN;
    case LT_PQ_BYTE_ARRAY:
        return options->delta_bytes ? LT_PQ_ENC_DELTA_BYTE_ARRAY
               : options->delta     ? LT_PQ_ENC_DELTA_LENGTH_BYTE_ARRAY
                                    : LT_PQ_ENC_PLAIN;
    default:
        return LT_PQ_ENC_PLAIN;
    }
}

static void start_chunk(struct lt_pq_column *column)
{
    const struct lt_pq_node *leaf = column->leaf;
    bool paying = leaf->type != LT_PQ_BOOLEAN && leaf->type != LT_PQ_INT96;
    column->use_dictionary = column->options->dictionary && paying;
}

void lt_pq_column_init(struct lt_pq_column *column, const struct lt_pq_node *leaf,
                       const struct lt_type *type, const struct lt_pq_column_options *options,
                       int64_t *budget)
{
    memset(column, 0, sizeof *column);
    column->leaf = leaf;
    column->options = options;
    lt_pq_store_init(&column->store, leaf, type);
    column->encoding = choose_encoding(leaf, options);
    lt_pq_dictionary_init(&column->dictionary, column->store.width, budget);
    lt_pq_bounds_init(&column->page_bounds, column->store.compare, column->store.width);
    lt_pq_bounds_init(&column->bounds, column->store.compare, column->store.width);
    start_chunk(column);
}

static void clear_page(struct lt_pq_column *column)
{
    column->slots = column->rows = column->values = 0;
    lt_buf_clear(&column->defs);
    lt_buf_clear(&column->reps);
    lt_buf_clear(&column->data);
    lt_buf_clear(&column->offsets);
    lt_buf_clear(&column->numbers);
    lt_pq_bounds_clear(&column->page_bounds);
}

static void free_pages(struct lt_pq_column *column)
{
    struct lt_pq_packed *pages = (struct lt_pq_packed *)(void *)column->pages.data;
    for (size_t i = 0; i < column->pages.len / sizeof *pages; i++) {
        free(pages[i].data);
    }
    lt_buf_clear(&column->pages);
    free(column->dictionary_page.data);
    column->dictionary_page = (struct lt_pq_packed){NULL, 0};
}

void lt_pq_column_clear(struct lt_pq_column *column)
{
    clear_page(column);
    free_pages(column);
    lt_buf_clear(&column->notes);
    lt_buf_clear(&column->bound_bytes);
    lt_buf_clear(&column->seen);
    lt_pq_bounds_clear(&column->bounds);
    lt_pq_dictionary_clear(&column->dictionary);
    column->chunk_rows = column->chunk_slots = column->chunk_nulls = 0;
    column->raw_bytes = column->packed_bytes = 0;
    column->dictionary_pages = column->other_pages = column->null_pages = 0;
    column->unbounded = false;
    start_chunk(column);
}

void lt_pq_column_done(struct lt_pq_column *column)
{
    free_pages(column);
    lt_pq_dictionary_done(&column->dictionary);
    struct lt_buf *const bufs[] = {&column->defs,    &column->reps,  &column->data,
                                   &column->offsets, &column->pages, &column->numbers,
                                   &column->notes,   &column->seen,  &column->bound_bytes};
    for (size_t i = 0; i < LT_ARRAY_LEN(bufs); i++) {
        lt_buf_done(bufs[i]);
    }
}

static int64_t page_raw(const struct lt_pq_column *column)
{
    return (int64_t)(column->data.len + column->offsets.len + column->numbers.len +
                     column->reps.len / 4);
}

int64_t lt_pq_column_held(const struct lt_pq_column *column)
{
    return column->packed_bytes + column->dictionary.taken +
           (int64_t)(column->data.cap + column->offsets.cap + column->numbers.cap +
                     column->defs.cap + column->reps.cap + column->seen.cap);
}

int64_t lt_pq_column_raw(const struct lt_pq_column *column)
{
    return column->raw_bytes + page_raw(column);
}

/* --- giving up the dictionary -------------------------------------------------------------- */

/* Of few values a third must repeat. Of PROBE_VALUES one in sixteen is enough: values drawn at
 * random that repeat so often are some 65,000 in all, and a chunk has many times as many rows. */
static bool repeats_too_little(const struct lt_pq_column *column)
{
    int64_t values = (int64_t)(column->numbers.len / sizeof(uint32_t));
    int64_t distinct = (int64_t)column->dictionary.n;
    bool many = values >= PROBE_VALUES;
    return column->use_dictionary && !column->dictionary_pages && values &&
           (many ? distinct * 16 > values * 15 : distinct * 3 > values * 2);
}

static int put_values(struct lt_pq_column *column, const uint8_t *fixed, int64_t n)
{
    return lt_buf_append(&column->data, fixed, (size_t)(n * column->store.width));
}

static int put_spans(struct lt_pq_column *column, const struct lt_pq_bytes *spans, int64_t n)
{
    bool apart = column->encoding != LT_PQ_ENC_PLAIN;
    struct lt_buf *data = &column->data;
    size_t total = 0;
    for (int64_t i = 0; i < n; i++) {
        total += spans[i].len;
    }
    if (lt_buf_reserve(data, total + 4 * (size_t)n) ||
        (apart && lt_buf_reserve(&column->offsets, 4 * (size_t)(n + 1)))) {
        return LEAT_NO_MEMORY;
    }
    if (apart && !column->offsets.len) {
        int32_t zero = 0;
        lt_buf_append(&column->offsets, &zero, sizeof zero);
    }
    uint8_t *at = data->data + data->len;
    for (int64_t i = 0; i < n; i++) {
        uint32_t len = (uint32_t)spans[i].len;
        if (!apart) {
            memcpy(at, &len, 4);
            at += 4;
        }
        if (len) {
            memcpy(at, spans[i].data, len);
            at += len;
        }
        if (apart) {
            int32_t end = (int32_t)(at - data->data);
            memcpy(column->offsets.data + column->offsets.len, &end, 4);
            column->offsets.len += 4;
        }
    }
    data->len = (size_t)(at - data->data);
    *at = 0;
    return LEAT_OK;
}

/* The page at hand goes on without a dictionary: its numbers become the values they stand for.
 * Pages written before keep theirs, and it. */
static int give_up(struct lt_pq_column *column)
{
    const uint32_t *numbers = (const uint32_t *)(const void *)column->numbers.data;
    size_t n = column->numbers.len / sizeof *numbers;
    int status = column->store.width ? LEAT_OK : lt_pq_bound_numbers(column);
    for (size_t i = 0; i < n && !status; i++) {
        struct lt_pq_bytes value = lt_pq_dictionary_value(&column->dictionary, numbers[i]);
        status =
            column->store.width ? put_values(column, value.data, 1) : put_spans(column, &value, 1);
    }
    lt_buf_done(&column->numbers); /* of many columns together this is much */
    column->use_dictionary = false;
    if (!column->dictionary_pages) {
        lt_pq_dictionary_done(&column->dictionary);
    }
    return status;
}

/* --- filling a page ------------------------------------------------------------------------ */

/* What of some rows goes into the page at hand. */
struct piece {
    int64_t slots, rows, values;
    int64_t bytes; /* about */
};

/* Counts how much fits: whole rows, at least one. */
static struct piece next_piece(const struct lt_pq_column *column, const struct lt_pq_shred *shred,
                               const struct lt_pq_physical *values, int64_t slot, int64_t value)
{
    int64_t rows_max = LT_PQ_PAGE_ROWS - column->rows;
    int64_t bytes_max = column->options->page_bytes - page_raw(column);
    int64_t value_bytes = column->use_dictionary ? 4 : column->store.width;
    bool measured = !value_bytes; /* bytes of each its own length */
    struct piece piece = {0, 0, 0, 0};
    if (!shred->reps && !shred->defs && !measured) {
        int64_t fits = LT_MAX(bytes_max / value_bytes, 1);
        piece.slots = LT_MIN(LT_MIN(shred->n - slot, rows_max), fits);
        piece.rows = piece.values = piece.slots;
        return piece;
    }
    uint8_t def_max = (uint8_t)column->leaf->def_max;
    for (; slot + piece.slots < shred->n; piece.slots++) {
        int64_t at = slot + piece.slots;
        bool starts = !shred->reps || !shred->reps[at];
        if (starts && piece.rows && (piece.rows >= rows_max || piece.bytes >= bytes_max)) {
            break;
        }
        piece.rows += starts;
        piece.bytes += shred->reps ? 1 : 0;
        if (!shred->defs || shred->defs[at] == def_max) {
            piece.bytes +=
                measured ? 4 + (int64_t)values->spans[value + piece.values].len : value_bytes;
            piece.values++;
        }
    }
    return piece;
}

static int put_levels(struct lt_pq_column *column, const struct lt_pq_shred *shred, int64_t slot,
                      int64_t n)
{
    struct lt_buf *defs = &column->defs;
    if (shred->reps && lt_buf_append(&column->reps, shred->reps + slot, (size_t)n)) {
        return LEAT_NO_MEMORY;
    }
    if (!shred->defs && !defs->len) {
        return LEAT_OK;
    }
    /* Slots before the first null were not noted one by one. */
    size_t before = (size_t)column->slots - defs->len;
    if (lt_buf_reserve(defs, before + (size_t)n)) {
        return LEAT_NO_MEMORY;
    }
    memset(defs->data + defs->len, column->leaf->def_max, before);
    defs->len += before;
    if (shred->defs) {
        return lt_buf_append(defs, shred->defs + slot, (size_t)n);
    }
    memset(defs->data + defs->len, column->leaf->def_max, (size_t)n);
    defs->len += (size_t)n;
    defs->data[defs->len] = 0;
    return LEAT_OK;
}

/* The piece's values as numbers; *ret_fits is false, and nothing changed, when the dictionary has no
 * room for them all. */
static int put_numbers(struct lt_pq_column *column, const struct lt_pq_physical *values,
                       int64_t first, int64_t n, bool *ret_fits)
{
    struct lt_buf *numbers = &column->numbers;
    int64_t done = 0;
    if (lt_buf_reserve(numbers, (size_t)n * sizeof(uint32_t))) {
        return LEAT_NO_MEMORY;
    }
    uint32_t *to = (uint32_t *)(void *)(numbers->data + numbers->len);
    int status =
        column->store.width
            ? lt_pq_dictionary_add(&column->dictionary, values->fixed + first * column->store.width,
                                   n, to, &done)
            : lt_pq_dictionary_add_bytes(&column->dictionary, values->spans + first, n, to, &done);
    *ret_fits = done == n;
    numbers->len += *ret_fits ? (size_t)n * sizeof(uint32_t) : 0;
    return status;
}

/* The piece's values as they are, and what bounds them; of bytes with a dictionary that is seen to
 * when the page ends. */
static int put_piece_values(struct lt_pq_column *column, const struct lt_pq_physical *values,
                            int64_t first, int64_t n)
{
    const uint8_t *fixed = values->fixed + first * column->store.width;
    int status = LEAT_OK;
    if (column->store.width) {
        lt_pq_bounds_add(&column->page_bounds, fixed, n);
        status = column->use_dictionary ? LEAT_OK : put_values(column, fixed, n);
    } else if (!column->use_dictionary) {
        lt_pq_bounds_add_bytes(&column->page_bounds, values->spans + first, n);
        status = put_spans(column, values->spans + first, n);
    }
    bool probed = column->numbers.len / sizeof(uint32_t) >= PROBE_VALUES;
    if (!status && column->use_dictionary && probed && repeats_too_little(column)) {
        status = give_up(column);
    }
    return status;
}

static int end_page(struct lt_pq_column *column, struct lt_pq_worker *worker,
                    struct leat_error *err)
{
    if (!column->slots) {
        return LEAT_OK;
    }
    if (repeats_too_little(column) && give_up(column)) {
        return lt_fail_oom(err);
    }
    int status = lt_pq_page_finish(column, worker, err);
    clear_page(column);
    return status;
}

/* The dictionary is full. Few values standing for many bytes must not all be spelled out: then the
 * page ends as it is. */
static int leave_dictionary(struct lt_pq_column *column, struct lt_pq_worker *worker,
                            struct leat_error *err)
{
    const uint32_t *numbers = (const uint32_t *)(const void *)column->numbers.data;
    int64_t plain = 0;
    for (size_t i = 0; i < column->numbers.len / sizeof *numbers; i++) {
        plain += (int64_t)lt_pq_dictionary_value(&column->dictionary, numbers[i]).len + 4;
    }
    int status = plain > 2 * column->options->page_bytes ? end_page(column, worker, err) : LEAT_OK;
    if (!status && column->use_dictionary && give_up(column)) {
        status = lt_fail_oom(err);
    }
    return status;
}

static int add_rows(struct lt_pq_column *column, struct lt_pq_worker *worker,
                    struct leat_error *err)
{
    const struct lt_pq_shred *shred = &worker->shred;
    int64_t value = 0;
    int status = LEAT_OK;
    for (int64_t slot = 0; slot < shred->n && !status;) {
        struct piece piece = next_piece(column, shred, &worker->values, slot, value);
        bool fits = true;
        if (piece.bytes > RECORD_BYTES_MAX - page_raw(column)) {
            return lt_fail(err, LT_E_LIMIT, "a record with 2 GiB in one column");
        }
        if (column->use_dictionary &&
            put_numbers(column, &worker->values, value, piece.values, &fits)) {
            return lt_fail_oom(err);
        }
        if (!fits) {
            status = leave_dictionary(column, worker, err);
            continue; /* what fits is now another piece */
        }
        if (put_levels(column, shred, slot, piece.slots) ||
            put_piece_values(column, &worker->values, value, piece.values)) {
            return lt_fail_oom(err);
        }
        slot += piece.slots;
        value += piece.values;
        column->slots += piece.slots;
        column->rows += piece.rows;
        column->values += piece.values;
        if (column->rows >= LT_PQ_PAGE_ROWS || page_raw(column) >= column->options->page_bytes) {
            status = end_page(column, worker, err);
        }
    }
    return status;
}

int lt_pq_column_add(struct lt_pq_column *column, struct lt_pq_worker *worker,
                     const struct lt_view *view, int64_t first, int64_t rows, int64_t *ret_row,
                     struct leat_error *err)
{
    int64_t step = column->leaf->rep_max ? ROWS_NESTED : ROWS_FLAT;
    int status = LEAT_OK;
    *ret_row = -1;
    for (int64_t end = first + rows; first < end && !status; first += step) {
        int64_t n = LT_MIN(step, end - first), row = -1;
        status = lt_pq_shred_make(&worker->shred, column->leaf, view, first, n, err);
        if (!status) {
            status =
                lt_pq_physical_make(&worker->values, &column->store, &worker->shred, &row, err);
            *ret_row = column->leaf->parent ? -1 : row;
        }
        status = status ? status : add_rows(column, worker, err);
    }
    return status;
}

int lt_pq_column_close(struct lt_pq_column *column, struct lt_pq_worker *worker,
                       struct leat_error *err)
{
    int status = end_page(column, worker, err);
    return status || !column->dictionary_pages ? status
                                               : lt_pq_page_dictionary(column, worker, err);
}
