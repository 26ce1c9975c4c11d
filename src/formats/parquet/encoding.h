/* Values and levels of one Parquet page <-> bytes (Encodings.md of the format's specification).
 *
 * Decoders never read behind `end` and never trust a count from the page; a page that holds fewer
 * values than it says is LEAT_BAD_DATA ([corrupt-file], place added by callers). They are lazy:
 * init() looks at headers only, get() decodes the next n values, so that memory is bounded by what
 * the caller asks for. */
#ifndef LT_PARQUET_ENCODING_H
#define LT_PARQUET_ENCODING_H

#include "formats/parquet/meta.h"

/* --- RLE / bit-packed hybrid: levels, dictionary indices, booleans ---------------------------- */

struct lt_pq_hybrid {
    const uint8_t *data, *end;
    int width;             /* bits a value, 0..32 */
    uint32_t repeated;     /* the run's value */
    int64_t run_left;      /* values left of a repeated run */
    int64_t packed_left;   /* values left of a bit-packed run */
    const uint8_t *packed; /* where that run begins */
    int64_t packed_at;     /* values of it that were given */
};

void lt_pq_hybrid_init(struct lt_pq_hybrid *hybrid, int width, const uint8_t *data, size_t len);
/* The next n values. */
int lt_pq_hybrid_get(struct lt_pq_hybrid *hybrid, uint32_t *out, int64_t n, struct leat_error *err);
/* Legacy BIT_PACKED levels (most significant bit first): n values from the start of data;
 * *ret_used is how many bytes they take. */
int lt_pq_bit_packed_get(int width, const uint8_t *data, size_t len, uint32_t *out, int64_t n,
                         size_t *ret_used, struct leat_error *err);
/* Appends n values (each below 2^width) as runs, whichever kind is shorter. */
int lt_pq_hybrid_put(struct lt_buf *out, int width, const uint32_t *values, int64_t n);
/* The same of levels kept as bytes, and of n times the same level. */
int lt_pq_levels_put(struct lt_buf *out, int width, const uint8_t *levels, int64_t n);
int lt_pq_level_repeat(struct lt_buf *out, int width, uint8_t level, int64_t n);

/* --- values ------------------------------------------------------------------------------------ */

struct lt_pq_decoder; /* reused from page to page of one column */

int lt_pq_decoder_new(enum lt_pq_type type, int32_t type_length, struct lt_pq_decoder **ret_decoder,
                      struct leat_error *err);
void lt_pq_decoder_free(struct lt_pq_decoder *decoder);
/* Gives up the page and the memory it took. */
void lt_pq_decoder_clear(struct lt_pq_decoder *decoder);
/* Begins a page: n_values non-null values in `data`, which outlives the page's get() calls. Every
 * encoding but the dictionary ones, which the column reader handles with a hybrid. [unsupported]
 * names an encoding that the type cannot have. */
int lt_pq_decoder_page(struct lt_pq_decoder *decoder, enum lt_pq_encoding encoding,
                       const uint8_t *data, size_t len, int64_t n_values, struct leat_error *err);
/* The next n values of a fixed width: INT32, INT64, INT96 (12 bytes), FLOAT, DOUBLE, FLBA, in
 * native byte order, one after the other. */
int lt_pq_decoder_fixed(struct lt_pq_decoder *decoder, void *out, int64_t n,
                        struct leat_error *err);
/* BOOLEAN: a byte each, 0 or 1. */
int lt_pq_decoder_bools(struct lt_pq_decoder *decoder, uint8_t *out, int64_t n,
                        struct leat_error *err);
/* BYTE_ARRAY: appends the values' bytes to `bytes`, and each value's length to `lengths`. Fails
 * with LEAT_NO_MEMORY past INT32_MAX bytes in one call. */
int lt_pq_decoder_bytes(struct lt_pq_decoder *decoder, struct lt_buf *bytes, int32_t *lengths,
                        int64_t n, struct leat_error *err);
/* Total bytes that the next n BYTE_ARRAY values take, without consuming them; fewer values when
 * `limit` bytes would be passed: *ret_n is how many (at least 1 of n > 0). */
int lt_pq_decoder_measure(struct lt_pq_decoder *decoder, int64_t n, int64_t limit, int64_t *ret_n,
                          int64_t *ret_bytes, struct leat_error *err);

/* --- writing: appends a page's value section; LEAT_OK or LEAT_NO_MEMORY ------------------------- */

/* `values`: n values of `width` bytes in native order. */
int lt_pq_put_plain(struct lt_buf *out, const void *values, int32_t width, int64_t n);
int lt_pq_put_bools(struct lt_buf *out, const uint8_t *values, int64_t n); /* bytes 0 or 1 */
int lt_pq_put_delta(struct lt_buf *out, const int64_t *values, int64_t n, bool is_32);
int lt_pq_put_byte_stream_split(struct lt_buf *out, const void *values, int32_t width, int64_t n);
/* n values: value i is bytes[offsets[i]] up to bytes[offsets[i + 1]]. */
int lt_pq_put_plain_bytes(struct lt_buf *out, const uint8_t *bytes, const int32_t *offsets,
                          int64_t n);
int lt_pq_put_delta_length(struct lt_buf *out, const uint8_t *bytes, const int32_t *offsets,
                           int64_t n);
int lt_pq_put_delta_bytes(struct lt_buf *out, const uint8_t *bytes, const int32_t *offsets,
                          int64_t n);

#endif
