/* Building Arrow arrays column by column. One lt_builder a column, reused from batch to batch.
 *
 * Hot calls are inline and check only what they must. All appends return LEAT_OK or
 * LEAT_NO_MEMORY; variable-length ones return LEAT_NO_MEMORY also when a 32-bit offset would
 * overflow (2 GiB in one batch). lt_builder_reserve() first makes fixed-width appends
 * allocation-free. After a failed append, lt_builder_truncate() to the rows known to be whole
 * mends the column.
 *
 * Example, a column list<int64> that gets [1, 2] and null:
 *   struct lt_builder list;
 *   struct ArrowArray array;
 *   lt_builder_init(&list, field, err);
 *   lt_builder_i64(&list.children[0], 1);
 *   lt_builder_i64(&list.children[0], 2);
 *   lt_builder_nested(&list);
 *   lt_builder_null(&list);
 *   lt_builder_finish(&list, &array, err);
 *   lt_builder_done(&list); */
#ifndef LT_BUILDER_H
#define LT_BUILDER_H

#include "columnar/type.h"

struct lt_builder {
    struct lt_type type;
    int64_t length;
    int64_t null_count;
    struct lt_buf validity; /* bits; empty until the first null */
    struct lt_buf data;     /* values; bits for bool; bytes for varlen */
    struct lt_buf offsets;  /* varlen, list, map: int32 (int64 for large), length + 1 of them */
    struct lt_builder *children;
    int64_t n_children;
    char *name; /* as a child: the field's name, by which JSON members are found; else NULL */
};

/* Builds for `field` (any canonical type, nested included; dictionary and *_VIEW fields and
 * large_* are built as what they are, except views and dictionaries, which are refused). The
 * field is not needed afterwards: type.zone is "UTC" or "". */
int lt_builder_init(struct lt_builder *builder, const struct ArrowSchema *field,
                    struct leat_error *err);
void lt_builder_done(struct lt_builder *builder);
/* Room for `rows` more values (fixed-width data, validity, offsets). */
int lt_builder_reserve(struct lt_builder *builder, int64_t rows);
/* Moves what was built into *ret_array (offset 0) and starts afresh. On failure nothing changed. */
int lt_builder_finish(struct lt_builder *builder, struct ArrowArray *ret_array,
                      struct leat_error *err);
/* Drops values from `length` on: undoes a half-appended row. Nested children are cut too. */
int lt_builder_truncate(struct lt_builder *builder, int64_t length);

int lt_builder_validity_start(struct lt_builder *builder); /* used by the inline calls */
int lt_builder_null(struct lt_builder *builder);           /* any type */

static inline int lt_builder_valid(struct lt_builder *builder)
{
    int64_t row = builder->length++;
    if (builder->null_count) {
        if (!(row & 7) && lt_buf_byte(&builder->validity, 0)) {
            builder->length--;
            return LEAT_NO_MEMORY;
        }
        builder->validity.data[row >> 3] |= (uint8_t)(1u << (row & 7));
    }
    return LEAT_OK;
}

/* A value of `width` bytes in native order: integers, floats, decimals, dates, times, intervals,
 * FIXED_BINARY. width must be the type's. */
static inline int lt_builder_fixed(struct lt_builder *builder, const void *value, size_t width)
{
    if (lt_buf_append(&builder->data, value, width)) {
        return LEAT_NO_MEMORY;
    }
    return lt_builder_valid(builder);
}

static inline int lt_builder_i64(struct lt_builder *builder, int64_t value)
{
    return lt_builder_fixed(builder, &value, sizeof value);
}

static inline int lt_builder_i32(struct lt_builder *builder, int32_t value)
{
    return lt_builder_fixed(builder, &value, sizeof value);
}

static inline int lt_builder_f64(struct lt_builder *builder, double value)
{
    return lt_builder_fixed(builder, &value, sizeof value);
}

/* An integer of any width and sign, or a date, time, timestamp or duration by its number;
 * LEAT_BAD_DATA when it does not fit, or the type is no such. */
int lt_builder_integer(struct lt_builder *builder, int64_t value);

int lt_builder_bool(struct lt_builder *builder, bool value);

int lt_builder_end_value(struct lt_builder *builder); /* used by the inline call */

/* Text or binary whose caller writes data and offsets itself, into room that was reserved: puts the
 * first offset there. */
int lt_builder_offsets_start(struct lt_builder *builder);

/* Text or binary with 32- or 64-bit offsets. Bytes are not checked here. */
static inline int lt_builder_bytes_value(struct lt_builder *builder, const void *data, size_t len)
{
    if (lt_buf_append(&builder->data, data, len)) {
        return LEAT_NO_MEMORY;
    }
    bool narrow = builder->type.id == LT_UTF8 || builder->type.id == LT_BINARY;
    if (narrow && builder->offsets.len && builder->data.len <= INT32_MAX) {
        int32_t end = (int32_t)builder->data.len;
        return lt_buf_append(&builder->offsets, &end, sizeof end) ? LEAT_NO_MEMORY
                                                                  : lt_builder_valid(builder);
    }
    return lt_builder_end_value(builder);
}

/* Nested: append the children's values first, then close the parent's value: LIST, MAP: all
 * elements appended since the last call are its own; STRUCT: one value was appended to each
 * child; FIXED_LIST: width values were. */
static inline int lt_builder_nested(struct lt_builder *builder)
{
    return lt_builder_end_value(builder);
}

/* All columns of a stream. */
struct lt_batch_builder {
    struct lt_builder *columns;
    int64_t n_columns;
};

int lt_batch_builder_init(struct lt_batch_builder *batch, const struct ArrowSchema *schema,
                          struct leat_error *err);
void lt_batch_builder_done(struct lt_batch_builder *batch);
int lt_batch_builder_reserve(struct lt_batch_builder *batch, int64_t rows);
/* A struct array of `rows` rows (given, for a stream of no columns has no other count); all
 * columns must have exactly that many. */
int lt_batch_builder_finish(struct lt_batch_builder *batch, int64_t rows,
                            struct ArrowArray *ret_array, struct leat_error *err);
/* Cuts all columns back to `rows`. */
int lt_batch_builder_truncate(struct lt_batch_builder *batch, int64_t rows);

#endif
