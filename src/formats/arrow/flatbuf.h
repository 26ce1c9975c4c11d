/* FlatBuffers, as far as Arrow's metadata needs them: a reader that trusts no offset, and a
 * writer that appends.
 *
 * Reading: a malformed buffer never fails a getter. It sets `bad` on the lt_fb, and the getter
 * answers as if the field were absent; whoever parses asks for `bad` once at the end, before what
 * was read is used. Vector counts are checked against the bytes that are there, so loops over
 * them are bounded even so. Sharing one object many times is legal in FlatBuffers: recursion and
 * total work are for the caller to limit.
 *
 * Writing: parents come before what they point at. A table is laid out with empty slots; strings,
 * vectors and further tables are appended and linked into them. Without memory `oom` is set, and
 * all later calls do nothing. */
#ifndef LT_FLATBUF_H
#define LT_FLATBUF_H

#include "core/buf.h"

#include <stdbool.h>

struct lt_fb {
    const uint8_t *data;
    size_t len;
    bool bad;
};

struct lt_fb_table {
    struct lt_fb *fb; /* NULL: no such table; all its fields are absent */
    size_t pos;
    size_t vtable;
    unsigned vtable_len;
    unsigned table_len;
};

struct lt_fb_vector {
    struct lt_fb *fb;
    size_t pos; /* of element 0 */
    size_t count;
};

/* The root table. False (and bad) when there is none. */
bool lt_fb_root(struct lt_fb *fb, struct lt_fb_table *ret_table);

/* Scalars by field id; `fallback` when absent. */
int8_t lt_fb_i8(const struct lt_fb_table *table, unsigned field, int8_t fallback);
int16_t lt_fb_i16(const struct lt_fb_table *table, unsigned field, int16_t fallback);
int32_t lt_fb_i32(const struct lt_fb_table *table, unsigned field, int32_t fallback);
int64_t lt_fb_i64(const struct lt_fb_table *table, unsigned field, int64_t fallback);

/* A sub-table; false, and an empty *ret_table, when absent. */
bool lt_fb_table(const struct lt_fb_table *table, unsigned field, struct lt_fb_table *ret_table);
/* A string's bytes inside the buffer (*ret_len of them); NULL when absent. */
const char *lt_fb_string(const struct lt_fb_table *table, unsigned field, size_t *ret_len);
/* A vector of elements of `size` bytes (4 for tables); absent: count 0. */
bool lt_fb_vector(const struct lt_fb_table *table, unsigned field, size_t size,
                  struct lt_fb_vector *ret_vector);
/* Element i (< count) of a vector of tables. */
bool lt_fb_vector_table(const struct lt_fb_vector *vector, size_t i, struct lt_fb_table *ret_table);
/* A number `at` bytes into a vector of structs or scalars; at + its size must lie inside. */
int64_t lt_fb_vector_i64(const struct lt_fb_vector *vector, size_t at);
int32_t lt_fb_vector_i32(const struct lt_fb_vector *vector, size_t at);

#define LT_FBW_FIELDS_MAX 8

struct lt_fbw {
    struct lt_buf buf;
    bool oom;
};

/* Where the slots of a table lie in the buffer. */
struct lt_fbw_table {
    size_t slots[LT_FBW_FIELDS_MAX];
};

/* Starts a buffer: room for the root offset, at slot 0. */
void lt_fbw_start(struct lt_fbw *w);
void lt_fbw_done(struct lt_fbw *w);
/* Appends a table and links it into the offset at `slot`. sizes: bytes of each field in the table
 * (1, 2, 4 - also for offsets - or 8; 0 absent), n <= LT_FBW_FIELDS_MAX. */
void lt_fbw_table(struct lt_fbw *w, size_t slot, const uint8_t *sizes, unsigned n,
                  struct lt_fbw_table *ret_table);
void lt_fbw_set(struct lt_fbw *w, size_t slot, const void *value, size_t size);
void lt_fbw_i8(struct lt_fbw *w, size_t slot, int8_t value);
void lt_fbw_i16(struct lt_fbw *w, size_t slot, int16_t value);
void lt_fbw_i32(struct lt_fbw *w, size_t slot, int32_t value);
void lt_fbw_i64(struct lt_fbw *w, size_t slot, int64_t value);
void lt_fbw_string(struct lt_fbw *w, size_t slot, const char *text, size_t len);
/* Appends a vector of `count` zeroed elements, aligned to `align` bytes; returns the position of
 * element 0, whose bytes are then set or linked as slots. */
size_t lt_fbw_vector(struct lt_fbw *w, size_t slot, size_t count, size_t size, size_t align);

#endif
