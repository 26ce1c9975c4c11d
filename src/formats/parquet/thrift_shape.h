/* Reading Thrift structs by tables: a shape says, for each field id, where in an item of C its value
 * goes. Fields without a row are passed over.
 *
 * A field that comes twice sets its value twice; of lists the elements add up, so counts are to be
 * checked against each other by whoever uses them. */
#ifndef LT_PARQUET_THRIFT_SHAPE_H
#define LT_PARQUET_THRIFT_SHAPE_H

#include "formats/parquet/thrift.h"

#include <stddef.h>

enum lt_thrift_kind {
    LT_THRIFT_NO_VALUE,  /* passed over */
    LT_THRIFT_I32_VALUE, /* any integer type, as int32_t */
    LT_THRIFT_I64_VALUE,
    LT_THRIFT_BOOL_VALUE,
    LT_THRIFT_BYTES_VALUE,    /* struct lt_pq_bytes, borrowed */
    LT_THRIFT_PRESENCE_VALUE, /* a bool: the field is there */
    LT_THRIFT_STRUCT_VALUE,
    LT_THRIFT_I32_LIST, /* malloc'ed elements of int32_t ... */
    LT_THRIFT_I64_LIST,
    LT_THRIFT_BOOL_LIST,
    LT_THRIFT_BYTES_LIST,
    LT_THRIFT_STRUCT_LIST
};

struct lt_thrift_shape;

struct lt_thrift_row {
    enum lt_thrift_kind kind;
    bool required;
    uint16_t at; /* offset of the value; of lists, of the pointer to the elements */
    /* Of lists, offset of their count (size_t). Of an I32, 0 or that of a bool: it was there. */
    uint16_t n_at;
    const struct lt_thrift_shape *shape; /* of a struct, or of the elements */
};

struct lt_thrift_shape {
    const char *missing; /* for messages: what is not there when a required field is not */
    const struct lt_thrift_row *rows;     /* by field id, from 0 */
    int16_t n_rows;                       /* at most 32 */
    size_t size;                          /* of an item, where lists have it */
    void (*start)(void *item);            /* sets what is not zero at first; may be NULL */
    void (*sees)(void *item, int16_t id); /* told of every field before its value; may be NULL */
    /* False: the field is passed over, and not required. NULL: all are wanted. */
    bool (*wants)(void *item, int16_t id);
};

/* A cursor, and what went wrong outside the protocol: the first fault counts. */
struct lt_thrift_reader {
    struct lt_thrift t;
    bool oom;
    const char *missing; /* `missing` of the first shape that lacked something */
};

bool lt_thrift_reader_fine(const struct lt_thrift_reader *m);
/* Reads a struct's fields, up to and with its stop byte, into `item`. */
void lt_thrift_read_struct(struct lt_thrift_reader *m, const struct lt_thrift_shape *shape,
                           void *item);

#endif
