/* Writing Thrift's compact protocol. See thrift.h. */
#include "formats/parquet/thrift.h"

#include <assert.h>

#include "core/banned.h"

static void put(struct lt_thriftw *w, const void *data, size_t len)
{
    w->oom = w->oom || lt_buf_append(w->out, data, len);
}

static void varint(struct lt_thriftw *w, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    while (value >= 0x80) {
        bytes[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[n++] = (uint8_t)value;
    put(w, bytes, n);
}

static void zigzag(struct lt_thriftw *w, int64_t value)
{
    varint(w, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

/* A field's header: the step from the last id where it fits four bits, else the id itself. */
static void header(struct lt_thriftw *w, int16_t id, uint8_t type)
{
    int step = id - w->last[w->depth];
    assert(id > 0);
    if (step > 0 && step <= 15) {
        uint8_t byte = (uint8_t)(step << 4 | type);
        put(w, &byte, 1);
    } else {
        put(w, &type, 1);
        zigzag(w, id);
    }
    w->last[w->depth] = id;
}

void lt_thriftw_init(struct lt_thriftw *w, struct lt_buf *out)
{
    *w = (struct lt_thriftw){.out = out};
}

void lt_thriftw_bool(struct lt_thriftw *w, int16_t id, bool value)
{
    header(w, id, value ? LT_THRIFT_TRUE : LT_THRIFT_FALSE);
}

void lt_thriftw_i8(struct lt_thriftw *w, int16_t id, int8_t value)
{
    header(w, id, LT_THRIFT_I8);
    put(w, &value, 1);
}

void lt_thriftw_i16(struct lt_thriftw *w, int16_t id, int16_t value)
{
    header(w, id, LT_THRIFT_I16);
    zigzag(w, value);
}

void lt_thriftw_i32(struct lt_thriftw *w, int16_t id, int32_t value)
{
    header(w, id, LT_THRIFT_I32);
    zigzag(w, value);
}

void lt_thriftw_i64(struct lt_thriftw *w, int16_t id, int64_t value)
{
    header(w, id, LT_THRIFT_I64);
    zigzag(w, value);
}

void lt_thriftw_bytes(struct lt_thriftw *w, int16_t id, const void *data, size_t len)
{
    header(w, id, LT_THRIFT_BINARY);
    lt_thriftw_element_bytes(w, data, len);
}

void lt_thriftw_list(struct lt_thriftw *w, int16_t id, uint8_t type, size_t n)
{
    uint8_t byte = (uint8_t)((n < 15 ? n : 15) << 4 | type);
    header(w, id, LT_THRIFT_LIST);
    put(w, &byte, 1);
    if (n >= 15) {
        varint(w, n);
    }
}

void lt_thriftw_element_i32(struct lt_thriftw *w, int32_t value)
{
    zigzag(w, value);
}

void lt_thriftw_element_i64(struct lt_thriftw *w, int64_t value)
{
    zigzag(w, value);
}

void lt_thriftw_element_bool(struct lt_thriftw *w, bool value)
{
    uint8_t byte = value ? LT_THRIFT_TRUE : LT_THRIFT_FALSE;
    put(w, &byte, 1);
}

void lt_thriftw_element_bytes(struct lt_thriftw *w, const void *data, size_t len)
{
    varint(w, len);
    put(w, data, len);
}

void lt_thriftw_struct(struct lt_thriftw *w, int16_t id)
{
    assert(w->depth + 1 < LT_THRIFT_DEPTH_MAX);
    if (id) {
        header(w, id, LT_THRIFT_STRUCT);
    }
    w->last[++w->depth] = 0;
}

void lt_thriftw_stop(struct lt_thriftw *w)
{
    uint8_t stop = LT_THRIFT_STOP;
    put(w, &stop, 1);
    w->depth -= w->depth > 0;
}
