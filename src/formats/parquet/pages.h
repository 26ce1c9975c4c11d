/* The pages of one column chunk, front to back, read in pieces and decompressed one by one. */
#ifndef LT_PARQUET_PAGES_H
#define LT_PARQUET_PAGES_H

#include "core/block_codec.h"
#include "core/bytes.h"
#include "formats/parquet/encoding.h"

/* Bytes of a page header: its statistics hold values of the column. */
#define LT_PQ_HEADER_MAX (1 << 24)
/* A chunk may end so much later than it says: old writers left a page header out of the sum
 * (PARQUET-816). */
#define LT_PQ_CHUNK_SLACK 128

/* Bytes of one page, decompressed. */
#ifndef LT_PQ_RAW_MAX
#define LT_PQ_RAW_MAX INT32_MAX
#endif

/* Between two pages of a chunk. */
struct lt_pq_place {
    int64_t at;
    int64_t slots_left; /* of num_values, in pages not yet read */
    int64_t page;       /* the last one's number, from 1; 0 before the first */
};

/* Where pages come from: of one column, for all its chunks. */
struct lt_pq_pages {
    struct lt_source *source;
    struct lt_block_context *context; /* borrowed; shared by the columns of a reader */
    int64_t data_end;                 /* of the file: where the footer begins */
    size_t read_ahead;
    bool verify; /* check the pages' checksums */
    /* of the chunk */
    enum lt_pq_codec codec;
    int64_t end;
    struct lt_pq_place place; /* the next page; may be set back to an earlier one's */
    /* bytes read */
    struct lt_buf window;
    int64_t window_at;
    struct lt_buf raw; /* one page decompressed */
};

/* A data or dictionary page. Everything points into memory of the lt_pq_pages, until the next. */
struct lt_pq_body {
    struct lt_pq_page head;
    const uint8_t *rep, *def; /* levels; NULL where the column has none */
    size_t rep_len, def_len;
    const uint8_t *values;
    size_t values_len;
};

/* Begins a chunk, whose place is checked against the file. */
int lt_pq_pages_start(struct lt_pq_pages *pages, const struct lt_pq_chunk *chunk,
                      struct leat_error *err);
/* The next page; rep_max and def_max say which levels data pages have. At the end of the chunk
 * *ret_end is set. */
int lt_pq_pages_next(struct lt_pq_pages *pages, int rep_max, int def_max,
                     struct lt_pq_body *ret_body, bool *ret_end, struct leat_error *err);
/* Give up memory that the next page may not need: what was read, but for a window of read_ahead, and
 * what was decompressed. What is given up of the last page must not be looked at any more. */
void lt_pq_pages_trim_window(struct lt_pq_pages *pages);
void lt_pq_pages_trim(struct lt_pq_pages *pages);
void lt_pq_pages_done(struct lt_pq_pages *pages);

/* Bits of one level of at most `max`. */
int lt_pq_level_width(int max);

#endif
