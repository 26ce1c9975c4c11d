/* Reading Thrift structs by tables. See thrift_shape.h. */
#include "formats/parquet/thrift_shape.h"

#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

bool lt_thrift_reader_fine(const struct lt_thrift_reader *m)
{
    return !m->t.fault && !m->oom && !m->missing;
}

/* Remembers the first struct that lacks one of its required fields (bits by field id). */
static void need(struct lt_thrift_reader *m, uint32_t seen, uint32_t required, const char *what)
{
    if (lt_thrift_reader_fine(m) && (seen & required) != required) {
        m->missing = what;
    }
}

static uint32_t bit_of(const struct lt_thrift_field *field)
{
    return field->id >= 0 && field->id < 32 ? 1u << field->id : 0;
}

/* Room for one more element: grown as elements are read, so that a count alone costs nothing.
 * `place` is where the pointer to the elements is kept, whatever their type. */
static void *list_add(struct lt_thrift_reader *m, void *place, size_t *n, size_t size)
{
    void *items;
    memcpy(&items, place, sizeof items);
    if (!lt_thrift_reader_fine(m)) {
        return NULL;
    }
    /* A power of two is full, and so is nothing. */
    if (!(*n & (*n - 1))) {
        void *grown = realloc(items, (*n ? *n * 2 : 1) * size);
        if (!grown) {
            m->oom = true;
            return NULL;
        }
        items = grown;
        memcpy(place, &items, sizeof items);
    }
    void *item = (char *)items + *n * size;
    memset(item, 0, size);
    ++*n;
    return item;
}

/* Elements that are numbers or texts are read like fields of the list's type. */
static struct lt_thrift_field element_of(uint8_t type)
{
    return (struct lt_thrift_field){.id = 0, .type = type};
}

static void read_i32s(struct lt_thrift_reader *m, const struct lt_thrift_field *field,
                      int32_t **items, size_t *n_items)
{
    uint8_t type;
    size_t n = lt_thrift_list(&m->t, field, &type);
    struct lt_thrift_field element = element_of(type);
    for (size_t i = 0; i < n && lt_thrift_reader_fine(m); i++) {
        int32_t *item = list_add(m, items, n_items, sizeof **items);
        if (item) {
            *item = lt_thrift_i32(&m->t, &element);
        }
    }
}

static void read_i64s(struct lt_thrift_reader *m, const struct lt_thrift_field *field,
                      int64_t **items, size_t *n_items)
{
    uint8_t type;
    size_t n = lt_thrift_list(&m->t, field, &type);
    struct lt_thrift_field element = element_of(type);
    for (size_t i = 0; i < n && lt_thrift_reader_fine(m); i++) {
        int64_t *item = list_add(m, items, n_items, sizeof **items);
        if (item) {
            *item = lt_thrift_i64(&m->t, &element);
        }
    }
}

static void read_texts(struct lt_thrift_reader *m, const struct lt_thrift_field *field,
                       struct lt_pq_bytes **items, size_t *n_items)
{
    uint8_t type;
    size_t n = lt_thrift_list(&m->t, field, &type);
    struct lt_thrift_field element = element_of(type);
    for (size_t i = 0; i < n && lt_thrift_reader_fine(m); i++) {
        struct lt_pq_bytes *item = list_add(m, items, n_items, sizeof **items);
        if (item) {
            *item = lt_thrift_bytes(&m->t, &element);
        }
    }
}

/* Elements of a list of bools are a byte each: 1 true; 2, and 0 of old writers, false. */
static void read_bools(struct lt_thrift_reader *m, const struct lt_thrift_field *field,
                       bool **items, size_t *n_items)
{
    uint8_t type;
    size_t n = lt_thrift_list(&m->t, field, &type);
    struct lt_thrift_field byte = element_of(LT_THRIFT_I8);
    if (n && type != LT_THRIFT_TRUE && type != LT_THRIFT_FALSE) {
        m->missing = "a list of truth values";
    }
    for (size_t i = 0; i < n && lt_thrift_reader_fine(m); i++) {
        bool *item = list_add(m, items, n_items, sizeof **items);
        if (item) {
            *item = lt_thrift_i32(&m->t, &byte) == 1;
        }
    }
}

static void read_inner(struct lt_thrift_reader *m, uint8_t type,
                       const struct lt_thrift_shape *shape, void *item)
{
    if (lt_thrift_enter(&m->t, type)) {
        lt_thrift_read_struct(m, shape, item);
        lt_thrift_leave(&m->t);
    }
}

static void read_inners(struct lt_thrift_reader *m, const struct lt_thrift_field *field,
                        const struct lt_thrift_shape *shape, void *items, size_t *n_items)
{
    uint8_t type;
    size_t n = lt_thrift_list(&m->t, field, &type);
    for (size_t i = 0; i < n && lt_thrift_reader_fine(m); i++) {
        if (!lt_thrift_enter(&m->t, type)) {
            continue;
        }
        void *item = list_add(m, items, n_items, shape->size);
        if (item) {
            lt_thrift_read_struct(m, shape, item);
        }
        lt_thrift_leave(&m->t);
    }
}

static void read_value(struct lt_thrift_reader *m, const struct lt_thrift_field *field,
                       const struct lt_thrift_row *row, void *item)
{
    void *at = (char *)item + row->at, *n_at = (char *)item + row->n_at;
    switch (row->kind) {
    case LT_THRIFT_I32_VALUE:
        *(int32_t *)at = lt_thrift_i32(&m->t, field);
        if (row->n_at) {
            *(bool *)n_at = true;
        }
        break;
    case LT_THRIFT_I64_VALUE:
        *(int64_t *)at = lt_thrift_i64(&m->t, field);
        break;
    case LT_THRIFT_BOOL_VALUE:
        *(bool *)at = lt_thrift_bool(&m->t, field);
        break;
    case LT_THRIFT_BYTES_VALUE:
        *(struct lt_pq_bytes *)at = lt_thrift_bytes(&m->t, field);
        break;
    case LT_THRIFT_I32_LIST:
        read_i32s(m, field, at, n_at);
        break;
    case LT_THRIFT_I64_LIST:
        read_i64s(m, field, at, n_at);
        break;
    case LT_THRIFT_BOOL_LIST:
        read_bools(m, field, at, n_at);
        break;
    case LT_THRIFT_BYTES_LIST:
        read_texts(m, field, at, n_at);
        break;
    case LT_THRIFT_STRUCT_VALUE:
        read_inner(m, field->type, row->shape, at);
        break;
    case LT_THRIFT_STRUCT_LIST:
        read_inners(m, field, row->shape, at, n_at);
        break;
    case LT_THRIFT_PRESENCE_VALUE:
        *(bool *)at = true;
        lt_thrift_skip(&m->t, field->type);
        break;
    case LT_THRIFT_NO_VALUE:
        lt_thrift_skip(&m->t, field->type);
        break;
    }
}

void lt_thrift_read_struct(struct lt_thrift_reader *m, const struct lt_thrift_shape *shape,
                           void *item)
{
    static const struct lt_thrift_row skipped = {.kind = LT_THRIFT_NO_VALUE};
    int16_t last = 0;
    uint32_t seen = 0, required = 0;
    struct lt_thrift_field field;
    if (shape->start) {
        shape->start(item);
    }
    while (lt_thrift_next(&m->t, &last, &field)) {
        seen |= bit_of(&field);
        if (shape->sees) {
            shape->sees(item, field.id);
        }
        bool known = field.id > 0 && field.id < shape->n_rows &&
                     (!shape->wants || shape->wants(item, field.id));
        read_value(m, &field, known ? &shape->rows[field.id] : &skipped, item);
    }
    for (int16_t id = 1; id < shape->n_rows; id++) {
        if (shape->rows[id].required && (!shape->wants || shape->wants(item, id))) {
            required |= 1u << id;
        }
    }
    need(m, seen, required, shape->missing);
}
