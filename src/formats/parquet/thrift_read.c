/* Reading Thrift's compact protocol ("Thrift Compact protocol encoding" of its documentation). */
#include "formats/parquet/thrift.h"

#include "core/banned.h"

#define VARINT_BYTES_MAX 10

void lt_thrift_init(struct lt_thrift *t, const uint8_t *data, size_t len)
{
    *t = (struct lt_thrift){.data = data, .end = data + len};
}

/* Every later read finds no bytes. */
static void set_fault(struct lt_thrift *t, const char *what)
{
    if (!t->fault) {
        t->fault = what;
    }
    t->data = t->end;
}

static void set_short(struct lt_thrift *t)
{
    if (!t->fault) {
        t->short_of = true;
    }
    set_fault(t, "it ends too early");
}

static size_t left(const struct lt_thrift *t)
{
    return (size_t)(t->end - t->data);
}

static uint8_t read_byte(struct lt_thrift *t)
{
    if (t->data == t->end) {
        set_short(t);
        return 0;
    }
    return *t->data++;
}

static uint64_t read_varint(struct lt_thrift *t)
{
    uint64_t value = 0;
    for (int i = 0; i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = read_byte(t);
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            return t->fault ? 0 : value;
        }
    }
    set_fault(t, "a number of it is too long");
    return 0;
}

static int64_t read_zigzag(struct lt_thrift *t)
{
    uint64_t value = read_varint(t);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

bool lt_thrift_next(struct lt_thrift *t, int16_t *last_id, struct lt_thrift_field *ret_field)
{
    uint8_t head = read_byte(t);
    if (t->fault || !(head & 0x0f)) {
        return false;
    }
    int64_t id = head >> 4 ? *last_id + (head >> 4) : read_zigzag(t);
    if (t->fault) {
        return false;
    }
    if (id < INT16_MIN || id > INT16_MAX || (head & 0x0f) > LT_THRIFT_STRUCT) {
        set_fault(t, "a field of it has no valid header");
        return false;
    }
    *last_id = (int16_t)id;
    *ret_field = (struct lt_thrift_field){.id = (int16_t)id, .type = head & 0x0f};
    return true;
}

bool lt_thrift_bool(struct lt_thrift *t, const struct lt_thrift_field *field)
{
    if (field->type != LT_THRIFT_TRUE && field->type != LT_THRIFT_FALSE) {
        lt_thrift_skip(t, field->type);
    }
    return field->type == LT_THRIFT_TRUE;
}

int64_t lt_thrift_i64(struct lt_thrift *t, const struct lt_thrift_field *field)
{
    switch (field->type) {
    case LT_THRIFT_I8:
        return (int8_t)read_byte(t);
    case LT_THRIFT_I16:
    case LT_THRIFT_I32:
    case LT_THRIFT_I64:
        return read_zigzag(t);
    default:
        lt_thrift_skip(t, field->type);
        return 0;
    }
}

int32_t lt_thrift_i32(struct lt_thrift *t, const struct lt_thrift_field *field)
{
    int64_t value = lt_thrift_i64(t, field);
    if (value < INT32_MIN || value > INT32_MAX) {
        set_fault(t, "a number of it is out of range");
        return 0;
    }
    return (int32_t)value;
}

struct lt_pq_bytes lt_thrift_bytes(struct lt_thrift *t, const struct lt_thrift_field *field)
{
    if (field->type != LT_THRIFT_BINARY) {
        lt_thrift_skip(t, field->type);
        return (struct lt_pq_bytes){NULL, 0};
    }
    uint64_t len = read_varint(t);
    if (t->fault || len > left(t)) {
        set_short(t);
        return (struct lt_pq_bytes){NULL, 0};
    }
    struct lt_pq_bytes bytes = {t->data, (size_t)len};
    t->data += len;
    return bytes;
}

/* The header of a list or set. */
static size_t read_list(struct lt_thrift *t, uint8_t *ret_type)
{
    uint8_t head = read_byte(t);
    uint64_t n = head >> 4;
    if (n == 15) {
        n = read_varint(t);
    }
    *ret_type = head & 0x0f;
    if (!t->fault && (*ret_type == LT_THRIFT_STOP || *ret_type > LT_THRIFT_STRUCT)) {
        set_fault(t, "a list of it has elements of no type");
    }
    if (t->fault || n > left(t)) {
        set_short(t);
        return 0;
    }
    return (size_t)n;
}

size_t lt_thrift_list(struct lt_thrift *t, const struct lt_thrift_field *field, uint8_t *ret_type)
{
    *ret_type = LT_THRIFT_STOP;
    if (field->type != LT_THRIFT_LIST && field->type != LT_THRIFT_SET) {
        lt_thrift_skip(t, field->type);
        return 0;
    }
    return read_list(t, ret_type);
}

bool lt_thrift_enter(struct lt_thrift *t, uint8_t type)
{
    if (type != LT_THRIFT_STRUCT) {
        lt_thrift_skip(t, type);
        return false;
    }
    if (t->depth >= LT_THRIFT_DEPTH_MAX) {
        set_fault(t, "it is nested too deep");
        return false;
    }
    t->depth++;
    return true;
}

void lt_thrift_leave(struct lt_thrift *t)
{
    t->depth--;
}

static void skip_bytes(struct lt_thrift *t, uint64_t n)
{
    if (n > left(t)) {
        set_short(t);
        return;
    }
    t->data += n;
}

static void skip_struct(struct lt_thrift *t)
{
    int16_t last = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(t, &last, &field)) {
        lt_thrift_skip(t, field.type);
    }
}

/* Elements have a byte each even where a field's value lies in its type. */
static void skip_element(struct lt_thrift *t, uint8_t type)
{
    if (type == LT_THRIFT_TRUE || type == LT_THRIFT_FALSE) {
        read_byte(t);
    } else {
        lt_thrift_skip(t, type);
    }
}

static void skip_map(struct lt_thrift *t)
{
    uint64_t n = read_varint(t);
    uint8_t types = n ? read_byte(t) : 0;
    if (n > left(t)) { /* keys and values take a byte at least */
        set_short(t);
    }
    for (uint64_t i = 0; i < n && !t->fault; i++) {
        skip_element(t, types >> 4);
        skip_element(t, types & 0x0f);
    }
}

/* Containers recurse: each counts as a level. */
static void skip_container(struct lt_thrift *t, uint8_t type)
{
    if (t->depth >= LT_THRIFT_DEPTH_MAX) {
        set_fault(t, "it is nested too deep");
        return;
    }
    t->depth++;
    if (type == LT_THRIFT_STRUCT) {
        skip_struct(t);
    } else if (type == LT_THRIFT_MAP) {
        skip_map(t);
    } else {
        uint8_t element;
        size_t n = read_list(t, &element);
        for (size_t i = 0; i < n && !t->fault; i++) {
            skip_element(t, element);
        }
    }
    t->depth--;
}

void lt_thrift_skip(struct lt_thrift *t, uint8_t type)
{
    switch (type) {
    case LT_THRIFT_TRUE:
    case LT_THRIFT_FALSE:
        break;
    case LT_THRIFT_I8:
        skip_bytes(t, 1);
        break;
    case LT_THRIFT_I16:
    case LT_THRIFT_I32:
    case LT_THRIFT_I64:
        read_varint(t);
        break;
    case LT_THRIFT_DOUBLE:
        skip_bytes(t, 8);
        break;
    case LT_THRIFT_BINARY:
        skip_bytes(t, read_varint(t));
        break;
    case LT_THRIFT_LIST:
    case LT_THRIFT_SET:
    case LT_THRIFT_MAP:
    case LT_THRIFT_STRUCT:
        skip_container(t, type);
        break;
    default:
        set_fault(t, "a value of it has no type");
    }
}
