/* One leaf column on its way into pages: values and levels in, compressed pages out.
 *
 * A column stands for itself: it shares nothing with other columns but the budget of dictionaries,
 * which is atomic, and whatever it needs for the moment it borrows from a worker, of which each
 * thread has its own. So several threads encode the columns of a row group. */
#ifndef LT_PARQUET_COLUMN_H
#define LT_PARQUET_COLUMN_H

#include "core/block_codec.h"
#include "formats/parquet/dictionary.h"
#include "formats/parquet/physical.h"

#define LT_PQ_PAGE_ROWS 20000

/* Which encodings columns may have where a dictionary does not pay. */
struct lt_pq_column_options {
    enum lt_block_codec codec;
    int level;   /* 0: the codec's default */
    int version; /* of data pages: 1 or 2 */
    bool dictionary;
    bool delta;             /* integers: DELTA_BINARY_PACKED, bytes: DELTA_LENGTH_BYTE_ARRAY */
    bool delta_bytes;       /* bytes: DELTA_BYTE_ARRAY */
    bool byte_stream_split; /* FLOAT and DOUBLE */
    int64_t page_bytes;     /* raw bytes after which a page ends */
};

/* What one thread needs while it encodes. Zero-initialise but for the context. */
struct lt_pq_worker {
    struct lt_block_context *context;
    struct lt_pq_shred shred;
    struct lt_pq_physical values;
    struct lt_buf raw;  /* a page before compression */
    struct lt_buf body; /* and after */
    struct lt_buf head; /* its header */
    struct lt_buf wide; /* integers of a page, as DELTA wants them */
};

void lt_pq_worker_done(struct lt_pq_worker *worker);

/* A finished page, header included. */
struct lt_pq_packed {
    uint8_t *data;
    size_t len;
};

/* What the indexes say of a data page. */
struct lt_pq_page_note {
    int64_t first_row; /* within the chunk */
    int64_t nulls;
    bool all_null;
    uint32_t min_at, max_at; /* in the column's bound_bytes */
    uint8_t min_len, max_len;
};

struct lt_pq_column {
    const struct lt_pq_node *leaf;
    const struct lt_pq_column_options *options;
    struct lt_pq_store store;
    int32_t encoding; /* of values without a dictionary */
    struct lt_pq_dictionary dictionary;
    bool use_dictionary; /* so far in this chunk */

    /* The page being filled. */
    int64_t slots, rows, values;
    struct lt_buf defs, reps; /* a byte each; defs empty while all slots have values */
    struct lt_buf data;       /* PLAIN values, or bytes alone beside offsets */
    struct lt_buf offsets;    /* int32, for encodings that keep lengths apart */
    struct lt_buf numbers;    /* uint32 into the dictionary */
    struct lt_pq_bounds page_bounds;

    /* The chunk so far. */
    struct lt_buf pages; /* struct lt_pq_packed */
    struct lt_buf notes; /* struct lt_pq_page_note, one a data page */
    struct lt_buf bound_bytes;
    struct lt_pq_packed dictionary_page; /* once closed; data NULL: none */
    struct lt_pq_bounds bounds;
    int64_t chunk_rows, chunk_slots, chunk_nulls;
    int64_t raw_bytes, packed_bytes;                   /* headers included */
    int32_t dictionary_pages, other_pages, null_pages; /* data pages by what is in them */
    bool unbounded;     /* a page has values but no bounds: there can be no column index */
    struct lt_buf seen; /* uint32, one a dictionary value: the page it was last met in */
};

/* `column` is a view's field at the leaf, `budget` what all dictionaries may take. */
void lt_pq_column_init(struct lt_pq_column *column, const struct lt_pq_node *leaf,
                       const struct lt_type *type, const struct lt_pq_column_options *options,
                       int64_t *budget);
void lt_pq_column_done(struct lt_pq_column *column);

/* Rows [first, first + rows) of `view`, the top field on the leaf's path; any number of pages is
 * finished on the way. *ret_row: of a flat column, the row at fault; else -1. */
int lt_pq_column_add(struct lt_pq_column *column, struct lt_pq_worker *worker,
                     const struct lt_view *view, int64_t first, int64_t rows, int64_t *ret_row,
                     struct leat_error *err);
/* Ends the chunk: the last page and the dictionary's. */
int lt_pq_column_close(struct lt_pq_column *column, struct lt_pq_worker *worker,
                       struct leat_error *err);
/* Forgets the chunk; its pages are freed. */
void lt_pq_column_clear(struct lt_pq_column *column);
/* Bytes it holds: finished pages, the page at hand, and the dictionary. */
int64_t lt_pq_column_held(const struct lt_pq_column *column);
/* Raw bytes of the chunk, the page at hand included; about what the finished pages hold. */
int64_t lt_pq_column_raw(const struct lt_pq_column *column);

#endif
