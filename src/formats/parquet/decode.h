/* The decoders behind encoding.h, for each other. */
#ifndef LT_PARQUET_DECODE_H
#define LT_PARQUET_DECODE_H

#include "formats/parquet/encoding.h"

/* --- decode.c --------------------------------------------------------------------------------- */

/* [corrupt-file] a page ends before its values do. */
int lt_pq_short(struct leat_error *err);
/* ULEB128 of at most 64 bits at *at, which moves on. */
int lt_pq_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value,
                 struct leat_error *err);

/* --- DELTA_BINARY_PACKED (decode_delta.c) ------------------------------------------------------- */

struct lt_pq_delta {
    const uint8_t *data, *end; /* behind the current miniblock */
    int bits;                  /* 32 or 64: how numbers wrap around, and the widest miniblock */
    bool at_first;             /* the header's value was not given yet: it is `last` */
    int64_t left;              /* values not given yet */
    int64_t n_miniblocks;      /* a block */
    int64_t miniblock_values;
    uint64_t last, min_delta;
    const uint8_t *widths; /* of this block; NULL before the first */
    int64_t miniblock;     /* the next one of this block */
    const uint8_t *packed; /* the current miniblock */
    int width;
    int64_t packed_at, packed_left; /* values of it given, and not given yet */
};

/* The header. `n_values` is what the page promises: the stream holds as many at least. */
int lt_pq_delta_init(struct lt_pq_delta *delta, int bits, const uint8_t *data, const uint8_t *end,
                     int64_t n_values, struct leat_error *err);
/* The next n numbers, for streams of 32 and of 64 bits. */
int lt_pq_delta_get32(struct lt_pq_delta *delta, int32_t *out, int64_t n, struct leat_error *err);
int lt_pq_delta_get64(struct lt_pq_delta *delta, int64_t *out, int64_t n, struct leat_error *err);
/* Where the stream ends and what follows it begins; nothing is consumed. */
int lt_pq_delta_end(const struct lt_pq_delta *delta, const uint8_t **ret_end,
                    struct leat_error *err);

/* --- the decoder -------------------------------------------------------------------------------- */

/* ALP's header and what of its current vector was decoded (decode_alp.c). */
struct lt_pq_alp {
    const uint8_t *vectors; /* the offset array, from which offsets count */
    int64_t vector_values;  /* but for the last vector */
    int64_t total;          /* values of the page */
    int64_t vector;         /* decoded into `values`; -1: none */
    struct lt_buf values;
    struct lt_buf packed; /* scratch: the numbers of a vector */
};

struct lt_pq_decoder {
    enum lt_pq_type type;
    int32_t width; /* bytes a value; 0: BYTE_ARRAY and BOOLEAN */
    enum lt_pq_encoding encoding;
    const uint8_t *data, *end; /* what is not consumed yet; BYTE_STREAM_SPLIT, ALP: all of it */
    int64_t left;              /* values not given yet */
    int64_t given;
    struct lt_pq_hybrid hybrid;  /* booleans */
    struct lt_pq_delta numbers;  /* DELTA_BINARY_PACKED; lengths of byte arrays */
    struct lt_pq_delta prefixes; /* DELTA_BYTE_ARRAY */
    struct lt_buf last;          /* DELTA_BYTE_ARRAY: the value before the next one */
    struct lt_pq_alp alp;
};

/* Byte arrays, and fixed ones in DELTA_BYTE_ARRAY (decode_bytes.c). */
int lt_pq_bytes_page(struct lt_pq_decoder *decoder, struct leat_error *err);
int lt_pq_delta_bytes_fixed(struct lt_pq_decoder *decoder, void *out, int64_t n,
                            struct leat_error *err);
/* BYTE_STREAM_SPLIT (decode_split.c). */
int lt_pq_split_page(struct lt_pq_decoder *decoder, struct leat_error *err);
int lt_pq_split_fixed(struct lt_pq_decoder *decoder, void *out, int64_t n, struct leat_error *err);
/* ALP (decode_alp.c). */
int lt_pq_alp_page(struct lt_pq_decoder *decoder, struct leat_error *err);
int lt_pq_alp_fixed(struct lt_pq_decoder *decoder, void *out, int64_t n, struct leat_error *err);
void lt_pq_alp_done(struct lt_pq_alp *alp);

#endif
