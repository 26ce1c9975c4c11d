/* Record batches between a message's body and arrays: finding, decompressing and checking the
 * buffers of every column, decoding views and dictionaries, making arrays that share the body. */
#ifndef LT_IPC_BATCH_H
#define LT_IPC_BATCH_H

#include "formats/arrow/message.h"

/* What one record batch may hold once decompressed. Both limits keep a small file from asking
 * for all memory: zstd can promise 32,768 bytes for each one it sends. */
#ifndef LT_IPC_RAW_MAX
#define LT_IPC_RAW_MAX ((int64_t)1 << 36)
#endif
#define LT_IPC_RATIO_MAX 65536
#define LT_IPC_ROWS_MAX ((int64_t)1 << 40)

/* Counted memory that arrays share. 64-byte aligned. */
struct lt_ipc_body {
    int refs; /* atomic */
    uint8_t *data;
    int64_t len;
};

struct lt_ipc_body *lt_ipc_body_new(int64_t len); /* NULL without memory; one reference */
void lt_ipc_body_unref(struct lt_ipc_body *body); /* NULL is fine */

struct lt_ipc_span {
    const uint8_t *data;
    int64_t len;
};

/* The values of one column (of `offset` + `length` rows), borrowed from wherever they are. */
struct lt_ipc_node {
    int64_t length;
    int64_t null_count;        /* exact */
    int64_t offset;            /* rows before the first; applies to struct and fixed-list
                                   children too, as in an ArrowArray */
    const uint8_t *validity;   /* NULL: no nulls */
    const uint8_t *data;       /* values, bits, views; the bytes of variable-length values */
    const uint8_t *offsets;    /* 32 or 64 bits each, by type */
    int64_t data_len;          /* bytes behind data, of variable-length values */
    struct lt_ipc_span *spans; /* what views point into */
    int64_t n_spans;
    struct lt_ipc_node *children;
    int64_t n_children;
    /* Dictionary-encoded: values and their layout, borrowed. */
    const struct lt_ipc_node *dictionary;
    const struct lt_ipc_field *dictionary_field;
};

void lt_ipc_node_done(struct lt_ipc_node *node);

/* Reads one batch: a node for each of field's children when `root`, whose length is the batch's
 * (ret_node is then a struct); for a dictionary, the one column `field`. Everything
 * is checked but text and dictionary indexes. *ret_owner holds the bytes: *body itself or, when
 * that was compressed, other memory; the caller unrefs it after the node. */
int lt_ipc_batch_read(const struct lt_ipc_message *message, const struct lt_ipc_field *field,
                      bool root, struct lt_ipc_body *body, struct lt_ipc_node *ret_node,
                      struct lt_ipc_body **ret_owner, struct leat_error *err);

/* The nodes of an array we were given. Borrows everything. */
int lt_ipc_node_of(const struct lt_ipc_field *field, const struct ArrowArray *array,
                   struct lt_ipc_node *ret_node, struct leat_error *err);

/* An array of rows [first, first + rows) of a plain column, sharing `owner`. */
int lt_ipc_export(const struct lt_ipc_field *field, const struct lt_ipc_node *node,
                  struct lt_ipc_body *owner, int64_t first, int64_t rows,
                  struct ArrowArray *ret_array, struct leat_error *err);

/* An array with room for buffers and children, which it owns: `buffers` are malloc'ed or lie in
 * `owner` (may be NULL), of which it takes a reference. */
int lt_ipc_array_new(int64_t n_buffers, int64_t n_children, struct lt_ipc_body *owner,
                     struct ArrowArray *ret_array, struct leat_error *err);

/* --- decoding ------------------------------------------------------------------------------ */

/* Values gathered from nodes, in the decoded layout of their field. Zero-initialise. */
struct lt_ipc_column {
    int64_t length;
    int64_t null_count;
    struct lt_buf validity;
    struct lt_buf data;
    struct lt_buf offsets;
    struct lt_ipc_column *children;
    int64_t n_children;
};

void lt_ipc_column_done(struct lt_ipc_column *column);

/* Appends the values at rows[0..n) of node, -1 making a null. `budget` is lowered by the bytes
 * taken; below zero the call fails with [limit]. The column is then good only for done. */
int lt_ipc_take(const struct lt_ipc_field *field, const struct lt_ipc_node *node,
                const int64_t *rows, int64_t n, struct lt_ipc_column *column, int64_t *budget,
                struct leat_error *err);
/* Borrows the column as a node of the decoded layout; valid until the column changes. */
int lt_ipc_column_node(const struct lt_ipc_field *decoded, const struct lt_ipc_column *column,
                       struct lt_ipc_node *ret_node, struct leat_error *err);
/* Moves the column out as an array. */
int lt_ipc_column_finish(const struct lt_ipc_field *decoded, struct lt_ipc_column *column,
                         struct ArrowArray *ret_array, struct leat_error *err);

static inline bool lt_ipc_bit(const uint8_t *bits, int64_t i)
{
    return bits[i >> 3] >> (i & 7) & 1;
}

/* Bits set in [first, first + n). */
int64_t lt_ipc_count_bits(const uint8_t *bits, int64_t first, int64_t n);

/* Which buffers a layout has beside validity. */
enum lt_ipc_shape {
    LT_IPC_SHAPE_NONE, /* null: not even validity */
    LT_IPC_SHAPE_BITS,
    LT_IPC_SHAPE_FIXED,
    LT_IPC_SHAPE_BYTES, /* offsets and bytes */
    LT_IPC_SHAPE_VIEWS,
    LT_IPC_SHAPE_LIST,  /* offsets; a child */
    LT_IPC_SHAPE_NESTED /* children only */
};

enum lt_ipc_shape lt_ipc_shape(enum lt_type_id id);
/* Bytes of one offset: 4 or 8. */
int lt_ipc_offset_width(enum lt_type_id id);

static inline int64_t lt_ipc_offset(const uint8_t *offsets, int width, int64_t i)
{
    int64_t wide;
    int32_t narrow;
    if (width == 8) {
        memcpy(&wide, offsets + i * 8, 8);
        return wide;
    }
    memcpy(&narrow, offsets + i * 4, 4);
    return narrow;
}

#endif
