/* Values of one leaf: from what Parquet stores to Arrow's buffers.
 *
 * A column of values has one of four layouts. Appending goes in two steps: first the values that
 * are there, one after the other; then they are spread over their slots. */
#ifndef LT_PARQUET_VALUES_H
#define LT_PARQUET_VALUES_H

#include "columnar/array.h"
#include "formats/parquet/encoding.h"

enum lt_pq_layout {
    LT_PQ_NO_VALUES, /* the null type */
    LT_PQ_BITS,
    LT_PQ_FIXED,
    LT_PQ_BYTES /* offsets of 32 or 64 bits, and bytes */
};

struct lt_pq_convert;

/* Turns n stored values into Arrow's: LEAT_BAD_DATA for one that its type cannot hold. */
typedef int lt_pq_convert_fn(const struct lt_pq_convert *convert, const uint8_t *from, int64_t n,
                             uint8_t *to, struct leat_error *err);

/* How values of a leaf become Arrow's. */
struct lt_pq_convert {
    enum lt_pq_layout layout;
    int32_t from_width;   /* bytes of a stored value; 0: BOOLEAN, BYTE_ARRAY */
    int32_t width;        /* FIXED: bytes in Arrow; BYTES: of an offset */
    bool from_bytes;      /* FIXED, from BYTE_ARRAY: decimals */
    bool text;            /* BYTES: must be UTF-8 */
    lt_pq_convert_fn *fn; /* FIXED; NULL: stored as Arrow has it */
};

/* From what a leaf stores to its field's type. [unsupported] when there is no way, which
 * lt_pq_tree_read() does not ask for. */
int lt_pq_convert_init(struct lt_pq_convert *convert, enum lt_pq_type type, int32_t type_length,
                       const struct ArrowSchema *field, struct leat_error *err);
/* A big-endian number of len bytes, any number of them, in `width` bytes of native order. */
int lt_pq_convert_number(const uint8_t *from, int64_t len, uint8_t *to, int32_t width,
                         struct leat_error *err);

struct lt_pq_values {
    int64_t length, null_count;
    struct lt_buf validity; /* bits; only where nulls can be */
    struct lt_buf data;
    struct lt_buf offsets; /* BYTES: length + 1 of them, once there is one */
};

/* Appends `slots` slots of which those with valid[i] hold a value (NULL: all do). The values are
 * the last n of those in data (FIXED), bytes of 0 and 1 in `bools` (BITS), or ends of `lengths`
 * (BYTES, whose bytes are in data already). `nullable`: validity is kept. */
int lt_pq_values_spread(struct lt_pq_values *values, const struct lt_pq_convert *convert,
                        const uint8_t *valid, int64_t slots, int64_t n, bool nullable,
                        const uint8_t *bools, const int32_t *lengths, struct leat_error *err);
/* The text of n values that end the data: valid, each by itself. */
bool lt_pq_values_text_is_valid(const struct lt_pq_values *values, const int32_t *lengths,
                                int64_t n, size_t bytes);
/* Bytes that slots [first, first + n) take. */
int64_t lt_pq_values_bytes(const struct lt_pq_values *values, const struct lt_pq_convert *convert,
                           int64_t first, int64_t n);
/* An array of slots [first, first + n). When these are all, the buffers are moved out and the
 * values empty; else they are copied. */
int lt_pq_values_take(struct lt_pq_values *values, const struct lt_pq_convert *convert,
                      int64_t first, int64_t n, struct ArrowArray *ret_array,
                      struct leat_error *err);
void lt_pq_values_clear(struct lt_pq_values *values);
void lt_pq_values_done(struct lt_pq_values *values);

/* A dictionary: a value is copied by its index. Indices are checked. */
int lt_pq_values_gather(struct lt_pq_values *values, const struct lt_pq_convert *convert,
                        const struct lt_pq_values *dictionary, const uint32_t *indices, int64_t n,
                        int32_t *lengths, struct leat_error *err);

#endif
