/* Thrift's compact protocol, as far as Parquet uses it.
 *
 * Reader: one cursor over bytes in memory. The first fault (end of bytes, bad varint, depth over
 * LT_THRIFT_DEPTH_MAX) sticks in `fault`, and every later call gives zeros, so that callers check
 * once at the end. A struct is read by a loop:
 *
 *     int16_t last = 0;
 *     struct lt_thrift_field field;
 *     while (lt_thrift_next(t, &last, &field)) {
 *         switch (field.id) {
 *         case 1: x = lt_thrift_i32(t, &field); break;
 *         default: lt_thrift_skip(t, field.type);
 *         }
 *     }
 *
 * A field of another type than the one asked for is skipped and gives zero. */
#ifndef LT_PARQUET_THRIFT_H
#define LT_PARQUET_THRIFT_H

#include "formats/parquet/meta.h"

#define LT_THRIFT_DEPTH_MAX 32

enum lt_thrift_type {
    LT_THRIFT_STOP,
    LT_THRIFT_TRUE,
    LT_THRIFT_FALSE,
    LT_THRIFT_I8,
    LT_THRIFT_I16,
    LT_THRIFT_I32,
    LT_THRIFT_I64,
    LT_THRIFT_DOUBLE,
    LT_THRIFT_BINARY,
    LT_THRIFT_LIST,
    LT_THRIFT_SET,
    LT_THRIFT_MAP,
    LT_THRIFT_STRUCT
};

struct lt_thrift {
    const uint8_t *data, *end;
    const char *fault; /* NULL: none yet; else what was wrong, for a message */
    bool short_of;     /* the fault is that the bytes ended */
    int depth;
};

struct lt_thrift_field {
    int16_t id;
    uint8_t type; /* enum lt_thrift_type */
};

void lt_thrift_init(struct lt_thrift *t, const uint8_t *data, size_t len);
/* The next field's header; false at the struct's stop byte or a fault. */
bool lt_thrift_next(struct lt_thrift *t, int16_t *last_id, struct lt_thrift_field *ret_field);
bool lt_thrift_bool(struct lt_thrift *t, const struct lt_thrift_field *field);
int32_t lt_thrift_i32(struct lt_thrift *t, const struct lt_thrift_field *field); /* any int type */
int64_t lt_thrift_i64(struct lt_thrift *t, const struct lt_thrift_field *field);
struct lt_pq_bytes lt_thrift_bytes(struct lt_thrift *t, const struct lt_thrift_field *field);
/* Elements of a list or set; 0 for another type (skipped). Each takes at least one byte, so that
 * a count beyond what is left is a fault. *ret_type is the elements' type. */
size_t lt_thrift_list(struct lt_thrift *t, const struct lt_thrift_field *field, uint8_t *ret_type);
/* Before and after a struct (a field's or a list's element): counts depth. */
bool lt_thrift_enter(struct lt_thrift *t, uint8_t type);
void lt_thrift_leave(struct lt_thrift *t);
void lt_thrift_skip(struct lt_thrift *t, uint8_t type);

/* --- writing: into an lt_buf; the first failed allocation sticks in `oom` ---------------------- */

struct lt_thriftw {
    struct lt_buf *out;
    int16_t last[LT_THRIFT_DEPTH_MAX]; /* last field id, a level each */
    int depth;
    bool oom;
};

void lt_thriftw_init(struct lt_thriftw *w, struct lt_buf *out); /* within the outermost struct */
void lt_thriftw_bool(struct lt_thriftw *w, int16_t id, bool value);
void lt_thriftw_i8(struct lt_thriftw *w, int16_t id, int8_t value);
void lt_thriftw_i16(struct lt_thriftw *w, int16_t id, int16_t value);
void lt_thriftw_i32(struct lt_thriftw *w, int16_t id, int32_t value);
void lt_thriftw_i64(struct lt_thriftw *w, int16_t id, int64_t value);
void lt_thriftw_bytes(struct lt_thriftw *w, int16_t id, const void *data, size_t len);
void lt_thriftw_list(struct lt_thriftw *w, int16_t id, uint8_t type, size_t n);
/* Elements of a list. */
void lt_thriftw_element_i32(struct lt_thriftw *w, int32_t value);
void lt_thriftw_element_i64(struct lt_thriftw *w, int64_t value);
void lt_thriftw_element_bool(struct lt_thriftw *w, bool value);
void lt_thriftw_element_bytes(struct lt_thriftw *w, const void *data, size_t len);
/* id 0: an element of a list. stop() also ends the outermost struct. */
void lt_thriftw_struct(struct lt_thriftw *w, int16_t id);
void lt_thriftw_stop(struct lt_thriftw *w);

#endif
