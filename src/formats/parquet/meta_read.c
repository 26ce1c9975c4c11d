/* Reading Parquet's metadata structs (parquet.thrift). Field ids are those of that file. */
#include "formats/parquet/thrift.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

#include "core/banned.h"

/* A cursor and what went wrong outside the protocol. */
struct meta {
    struct lt_thrift t;
    bool oom;
    const char *missing; /* a required field that was not there */
};

static bool is_fine(const struct meta *m)
{
    return !m->t.fault && !m->oom && !m->missing;
}

/* Remembers the first struct that lacks one of its required fields (bits by field id). */
static void need(struct meta *m, uint32_t seen, uint32_t required, const char *what)
{
    if (is_fine(m) && (seen & required) != required) {
        m->missing = what;
    }
}

static uint32_t bit_of(const struct lt_thrift_field *field)
{
    return field->id >= 0 && field->id < 32 ? 1u << field->id : 0;
}

/* Room for one more element: grown as elements are read, so that a count alone costs nothing.
 * `place` is where the pointer to the elements is kept, whatever their type. */
static void *list_add(struct meta *m, void *place, size_t *n, size_t size)
{
    void *items;
    memcpy(&items, place, sizeof items);
    if (!is_fine(m)) {
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

typedef void read_fn(struct meta *m, void *item);

/* Calls `read` for each element of a list of structs, in a new element of what `items` (as place
 * above) points at. */

static void read_structs(struct meta *m, const struct lt_thrift_field *field, void *items,
                         size_t *n_items, size_t size, read_fn *read)
{
    uint8_t type;
    size_t n = lt_thrift_list(&m->t, field, &type);
    for (size_t i = 0; i < n && is_fine(m); i++) {
        if (!lt_thrift_enter(&m->t, type)) {
            continue;
        }
        void *item = list_add(m, items, n_items, size);
        if (item) {
            read(m, item);
        }
        lt_thrift_leave(&m->t);
    }
}

static void read_struct(struct meta *m, const struct lt_thrift_field *field, void *item,
                        read_fn *read)
{
    if (lt_thrift_enter(&m->t, field->type)) {
        read(m, item);
        lt_thrift_leave(&m->t);
    }
}

/* Elements that are numbers or texts are read like fields of the list's type. */
static struct lt_thrift_field element_of(uint8_t type)
{
    return (struct lt_thrift_field){.id = 0, .type = type};
}

static void read_i32s(struct meta *m, const struct lt_thrift_field *field, int32_t **items,
                      size_t *n_items)
{
    uint8_t type;
    size_t n = lt_thrift_list(&m->t, field, &type);
    struct lt_thrift_field element = element_of(type);
    for (size_t i = 0; i < n && is_fine(m); i++) {
        int32_t *item = list_add(m, items, n_items, sizeof **items);
        if (item) {
            *item = lt_thrift_i32(&m->t, &element);
        }
    }
}

static void read_i64s(struct meta *m, const struct lt_thrift_field *field, int64_t **items,
                      size_t *n_items)
{
    uint8_t type;
    size_t n = lt_thrift_list(&m->t, field, &type);
    struct lt_thrift_field element = element_of(type);
    for (size_t i = 0; i < n && is_fine(m); i++) {
        int64_t *item = list_add(m, items, n_items, sizeof **items);
        if (item) {
            *item = lt_thrift_i64(&m->t, &element);
        }
    }
}

static void read_texts(struct meta *m, const struct lt_thrift_field *field,
                       struct lt_pq_bytes **items, size_t *n_items)
{
    uint8_t type;
    size_t n = lt_thrift_list(&m->t, field, &type);
    struct lt_thrift_field element = element_of(type);
    for (size_t i = 0; i < n && is_fine(m); i++) {
        struct lt_pq_bytes *item = list_add(m, items, n_items, sizeof **items);
        if (item) {
            *item = lt_thrift_bytes(&m->t, &element);
        }
    }
}

/* Elements of a list of bools are a byte each: 1 true; 2, and 0 of old writers, false. */
static void read_bools(struct meta *m, const struct lt_thrift_field *field, bool **items,
                       size_t *n_items)
{
    uint8_t type;
    size_t n = lt_thrift_list(&m->t, field, &type);
    struct lt_thrift_field byte = element_of(LT_THRIFT_I8);
    if (n && type != LT_THRIFT_TRUE && type != LT_THRIFT_FALSE) {
        m->missing = "a list of truth values";
    }
    for (size_t i = 0; i < n && is_fine(m); i++) {
        bool *item = list_add(m, items, n_items, sizeof **items);
        if (item) {
            *item = lt_thrift_i32(&m->t, &byte) == 1;
        }
    }
}

/* --- schema --------------------------------------------------------------------------------- */

/* TimeUnit: a union of empty structs, whose ids are those of enum lt_pq_unit. */
static void read_unit(struct meta *m, void *item)
{
    int32_t *unit = item;
    int16_t last = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        *unit = field.id >= LT_PQ_MILLIS && field.id <= LT_PQ_NANOS ? field.id : 0;
        lt_thrift_skip(&m->t, field.type);
    }
}

static void read_decimal_type(struct meta *m, void *item)
{
    struct lt_pq_element *element = item;
    int16_t last = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        switch (field.id) {
        case 1:
            element->scale = lt_thrift_i32(&m->t, &field);
            break;
        case 2:
            element->precision = lt_thrift_i32(&m->t, &field);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
}

static void read_time_type(struct meta *m, void *item)
{
    struct lt_pq_element *element = item;
    int16_t last = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        switch (field.id) {
        case 1:
            element->utc = lt_thrift_bool(&m->t, &field);
            break;
        case 2:
            read_struct(m, &field, &element->unit, read_unit);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
}

static void read_integer_type(struct meta *m, void *item)
{
    struct lt_pq_element *element = item;
    int16_t last = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        switch (field.id) {
        case 1:
            element->bit_width = lt_thrift_i32(&m->t, &field);
            break;
        case 2:
            element->is_signed = lt_thrift_bool(&m->t, &field);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
}

static bool is_logical(int id)
{
    switch (id) {
#define X(name, number, text) case number:
        LT_PQ_LOGICAL_MAP(X)
#undef X
        return true;
    default:
        return false;
    }
}

static void read_logical(struct meta *m, void *item)
{
    struct lt_pq_element *element = item;
    int16_t last = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        element->logical = is_logical(field.id) ? field.id : LT_PQ_LOGICAL_OTHER;
        switch (element->logical) {
        case LT_PQ_LOGICAL_DECIMAL:
            read_struct(m, &field, element, read_decimal_type);
            break;
        case LT_PQ_LOGICAL_TIME:
        case LT_PQ_LOGICAL_TIMESTAMP:
            read_struct(m, &field, element, read_time_type);
            break;
        case LT_PQ_LOGICAL_INTEGER:
            read_struct(m, &field, element, read_integer_type);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
}

static void read_element(struct meta *m, void *item)
{
    struct lt_pq_element *e = item;
    int16_t last = 0;
    uint32_t seen = 0;
    struct lt_thrift_field field;
    e->type = e->converted = e->field_id = -1;
    while (lt_thrift_next(&m->t, &last, &field)) {
        seen |= bit_of(&field);
        switch (field.id) {
        case 1:
            e->type = lt_thrift_i32(&m->t, &field);
            break;
        case 2:
            e->type_length = lt_thrift_i32(&m->t, &field);
            break;
        case 3:
            e->repetition = lt_thrift_i32(&m->t, &field);
            break;
        case 4:
            e->name = lt_thrift_bytes(&m->t, &field);
            break;
        case 5:
            e->n_children = lt_thrift_i32(&m->t, &field);
            break;
        case 6:
            e->converted = lt_thrift_i32(&m->t, &field);
            break;
        case 7:
            e->scale = lt_thrift_i32(&m->t, &field);
            break;
        case 8:
            e->precision = lt_thrift_i32(&m->t, &field);
            break;
        case 9:
            e->field_id = lt_thrift_i32(&m->t, &field);
            break;
        case 10:
            read_struct(m, &field, e, read_logical);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
    need(m, seen, 1u << 4, "the name of a column");
}

/* --- row groups ------------------------------------------------------------------------------ */

static void read_statistics(struct meta *m, void *item)
{
    struct lt_pq_statistics *s = item;
    int16_t last = 0;
    struct lt_thrift_field field;
    s->present = true;
    while (lt_thrift_next(&m->t, &last, &field)) {
        switch (field.id) {
        case 1:
            s->max = lt_thrift_bytes(&m->t, &field);
            break;
        case 2:
            s->min = lt_thrift_bytes(&m->t, &field);
            break;
        case 3:
            s->null_count = lt_thrift_i64(&m->t, &field);
            break;
        case 4:
            s->distinct_count = lt_thrift_i64(&m->t, &field);
            break;
        case 5:
            s->max_value = lt_thrift_bytes(&m->t, &field);
            break;
        case 6:
            s->min_value = lt_thrift_bytes(&m->t, &field);
            break;
        case 7:
            s->max_exact = lt_thrift_bool(&m->t, &field);
            break;
        case 8:
            s->min_exact = lt_thrift_bool(&m->t, &field);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
}

static void read_encoding_stats(struct meta *m, void *item)
{
    struct lt_pq_encoding_stats *s = item;
    int16_t last = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        switch (field.id) {
        case 1:
            s->page_type = lt_thrift_i32(&m->t, &field);
            break;
        case 2:
            s->encoding = lt_thrift_i32(&m->t, &field);
            break;
        case 3:
            s->count = lt_thrift_i32(&m->t, &field);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
}

/* Numbers of a ColumnMetaData that stand alone; false for the other fields. */
static bool read_chunk_number(struct meta *m, const struct lt_thrift_field *field,
                              struct lt_pq_chunk *c)
{
    switch (field->id) {
    case 1:
        c->type = lt_thrift_i32(&m->t, field);
        return true;
    case 4:
        c->codec = lt_thrift_i32(&m->t, field);
        return true;
    case 5:
        c->num_values = lt_thrift_i64(&m->t, field);
        return true;
    case 6:
        c->uncompressed_size = lt_thrift_i64(&m->t, field);
        return true;
    case 7:
        c->compressed_size = lt_thrift_i64(&m->t, field);
        return true;
    case 9:
        c->data_page_offset = lt_thrift_i64(&m->t, field);
        return true;
    case 10:
        c->index_page_offset = lt_thrift_i64(&m->t, field);
        return true;
    case 11:
        c->dictionary_page_offset = lt_thrift_i64(&m->t, field);
        return true;
    case 14:
        c->bloom_offset = lt_thrift_i64(&m->t, field);
        return true;
    case 15:
        c->bloom_length = lt_thrift_i32(&m->t, field);
        return true;
    default:
        return false;
    }
}

static void read_chunk_meta(struct meta *m, void *item)
{
    struct lt_pq_chunk *c = item;
    int16_t last = 0;
    uint32_t seen = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        seen |= bit_of(&field);
        if (read_chunk_number(m, &field, c)) {
            continue;
        }
        switch (field.id) {
        case 2:
            read_i32s(m, &field, &c->encodings, &c->n_encodings);
            break;
        case 3:
            read_texts(m, &field, &c->path, &c->n_path);
            break;
        case 12:
            read_struct(m, &field, &c->statistics, read_statistics);
            break;
        case 13:
            read_structs(m, &field, &c->encoding_stats, &c->n_encoding_stats,
                         sizeof *c->encoding_stats, read_encoding_stats);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
    need(m, seen, 1u << 1 | 1u << 4 | 1u << 5 | 1u << 7 | 1u << 9, "parts of a column chunk");
}

static void read_chunk(struct meta *m, void *item)
{
    struct lt_pq_chunk *c = item;
    int16_t last = 0;
    uint32_t seen = 0;
    struct lt_thrift_field field;
    c->index_page_offset = c->dictionary_page_offset = c->bloom_offset = -1;
    c->offset_index_offset = c->column_index_offset = -1;
    c->statistics.null_count = c->statistics.distinct_count = -1;
    while (lt_thrift_next(&m->t, &last, &field)) {
        seen |= bit_of(&field);
        switch (field.id) {
        case 1:
            c->file_path = lt_thrift_bytes(&m->t, &field);
            break;
        case 3:
            read_struct(m, &field, c, read_chunk_meta);
            break;
        case 4:
            c->offset_index_offset = lt_thrift_i64(&m->t, &field);
            break;
        case 5:
            c->offset_index_length = lt_thrift_i32(&m->t, &field);
            break;
        case 6:
            c->column_index_offset = lt_thrift_i64(&m->t, &field);
            break;
        case 7:
            c->column_index_length = lt_thrift_i32(&m->t, &field);
            break;
        case 8: /* what the column is encrypted with */
        case 9:
            c->encrypted = true;
            lt_thrift_skip(&m->t, field.type);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
    /* The metadata of an encrypted column may be encrypted, too. */
    need(m, seen, c->encrypted ? 0 : 1u << 3, "the metadata of a column chunk");
}

static void read_group(struct meta *m, void *item)
{
    struct lt_pq_row_group *g = item;
    int16_t last = 0;
    uint32_t seen = 0;
    struct lt_thrift_field field;
    g->ordinal = -1;
    while (lt_thrift_next(&m->t, &last, &field)) {
        seen |= bit_of(&field);
        switch (field.id) {
        case 1:
            read_structs(m, &field, &g->chunks, &g->n_chunks, sizeof *g->chunks, read_chunk);
            break;
        case 2:
            g->total_byte_size = lt_thrift_i64(&m->t, &field);
            break;
        case 3:
            g->num_rows = lt_thrift_i64(&m->t, &field);
            break;
        case 5:
            g->file_offset = lt_thrift_i64(&m->t, &field);
            break;
        case 6:
            g->total_compressed_size = lt_thrift_i64(&m->t, &field);
            break;
        case 7:
            g->ordinal = lt_thrift_i32(&m->t, &field);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
    need(m, seen, 1u << 1 | 1u << 3, "parts of a row group");
}

/* --- the footer ------------------------------------------------------------------------------- */

static void read_pair(struct meta *m, void *item)
{
    struct lt_pq_pair *pair = item;
    int16_t last = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        switch (field.id) {
        case 1:
            pair->key = lt_thrift_bytes(&m->t, &field);
            break;
        case 2:
            pair->value = lt_thrift_bytes(&m->t, &field);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
}

/* ColumnOrder: a union; member 1 is the order that the column's type defines. */
static void read_order(struct meta *m, void *item)
{
    bool *by_type = item;
    int16_t last = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        *by_type = field.id == 1;
        lt_thrift_skip(&m->t, field.type);
    }
}

static void read_footer(struct meta *m, void *item)
{
    struct lt_pq_footer *f = item;
    int16_t last = 0;
    uint32_t seen = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        seen |= bit_of(&field);
        switch (field.id) {
        case 1:
            f->version = lt_thrift_i32(&m->t, &field);
            break;
        case 2:
            read_structs(m, &field, &f->elements, &f->n_elements, sizeof *f->elements,
                         read_element);
            break;
        case 3:
            f->num_rows = lt_thrift_i64(&m->t, &field);
            break;
        case 4:
            read_structs(m, &field, &f->groups, &f->n_groups, sizeof *f->groups, read_group);
            break;
        case 5:
            read_structs(m, &field, &f->pairs, &f->n_pairs, sizeof *f->pairs, read_pair);
            break;
        case 6:
            f->created_by = lt_thrift_bytes(&m->t, &field);
            break;
        case 7:
            read_structs(m, &field, &f->type_order, &f->n_column_orders, sizeof *f->type_order,
                         read_order);
            break;
        case 8:
            f->encrypted = true;
            lt_thrift_skip(&m->t, field.type);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
    need(m, seen, 1u << 2 | 1u << 3 | 1u << 4, "the schema or the row groups");
}

/* The status of a struct just read; `what` it is, for messages. */
static int outcome(const struct meta *m, const char *what, struct leat_error *err)
{
    if (m->oom) {
        return lt_fail_oom(err);
    }
    if (m->t.fault) {
        return lt_fail(err, LT_E_CORRUPT, "the %s is damaged: %s", what, m->t.fault);
    }
    if (m->missing) {
        return lt_fail(err, LT_E_CORRUPT, "the %s is damaged: %s missing", what, m->missing);
    }
    return LEAT_OK;
}

/* A duplicated field would add to a list twice; then only what was read last may count, so the
 * lists simply go on, and counts are checked against each other by whoever uses them. */
int lt_pq_footer_read(const uint8_t *data, size_t len, struct lt_pq_footer *ret_footer,
                      struct leat_error *err)
{
    struct meta m = {.oom = false};
    struct lt_pq_footer footer = {.version = 0};
    lt_thrift_init(&m.t, data, len);
    read_footer(&m, &footer);
    int status = outcome(&m, "footer", err);
    if (status) {
        lt_pq_footer_done(&footer);
        return status;
    }
    *ret_footer = footer;
    return LEAT_OK;
}

void lt_pq_footer_done(struct lt_pq_footer *footer)
{
    for (size_t i = 0; i < footer->n_groups; i++) {
        struct lt_pq_row_group *group = &footer->groups[i];
        for (size_t j = 0; j < group->n_chunks; j++) {
            free(group->chunks[j].encodings);
            free(group->chunks[j].path);
            free(group->chunks[j].encoding_stats);
        }
        free(group->chunks);
    }
    free(footer->groups);
    free(footer->elements);
    free(footer->pairs);
    free(footer->type_order);
    *footer = (struct lt_pq_footer){.version = 0};
}

/* --- page headers ------------------------------------------------------------------------------ */

static void read_data_page(struct meta *m, void *item)
{
    struct lt_pq_page *p = item;
    int16_t last = 0;
    uint32_t seen = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        seen |= bit_of(&field);
        switch (field.id) {
        case 1:
            p->num_values = lt_thrift_i32(&m->t, &field);
            break;
        case 2:
            p->encoding = lt_thrift_i32(&m->t, &field);
            break;
        case 3:
            p->def_encoding = lt_thrift_i32(&m->t, &field);
            break;
        case 4:
            p->rep_encoding = lt_thrift_i32(&m->t, &field);
            break;
        case 5:
            read_struct(m, &field, &p->statistics, read_statistics);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
    need(m, seen, 1u << 1 | 1u << 2, "parts of it");
}

static void read_dictionary_page(struct meta *m, void *item)
{
    struct lt_pq_page *p = item;
    int16_t last = 0;
    uint32_t seen = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        seen |= bit_of(&field);
        switch (field.id) {
        case 1:
            p->num_values = lt_thrift_i32(&m->t, &field);
            break;
        case 2:
            p->encoding = lt_thrift_i32(&m->t, &field);
            break;
        case 3:
            p->is_sorted = lt_thrift_bool(&m->t, &field);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
    need(m, seen, 1u << 1 | 1u << 2, "parts of it");
}

static void read_data_page_v2(struct meta *m, void *item)
{
    struct lt_pq_page *p = item;
    int16_t last = 0;
    uint32_t seen = 0;
    struct lt_thrift_field field;
    p->is_compressed = true;
    while (lt_thrift_next(&m->t, &last, &field)) {
        seen |= bit_of(&field);
        switch (field.id) {
        case 1:
            p->num_values = lt_thrift_i32(&m->t, &field);
            break;
        case 2:
            p->num_nulls = lt_thrift_i32(&m->t, &field);
            break;
        case 3:
            p->num_rows = lt_thrift_i32(&m->t, &field);
            break;
        case 4:
            p->encoding = lt_thrift_i32(&m->t, &field);
            break;
        case 5:
            p->def_len = lt_thrift_i32(&m->t, &field);
            break;
        case 6:
            p->rep_len = lt_thrift_i32(&m->t, &field);
            break;
        case 7:
            p->is_compressed = lt_thrift_bool(&m->t, &field);
            break;
        case 8:
            read_struct(m, &field, &p->statistics, read_statistics);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
    need(m, seen, 1u << 1 | 1u << 4 | 1u << 5 | 1u << 6, "parts of it");
}

static void read_page(struct meta *m, void *item)
{
    static const struct {
        int16_t id;
        int page_type;
        read_fn *read;
    } parts[] = {{5, LT_PQ_PAGE_DATA, read_data_page},
                 {7, LT_PQ_PAGE_DICTIONARY, read_dictionary_page},
                 {8, LT_PQ_PAGE_V2, read_data_page_v2}};
    struct lt_pq_page *p = item;
    int16_t last = 0;
    uint32_t seen = 0, required = 1u << 1 | 1u << 2 | 1u << 3;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        const struct lt_thrift_field *f = &field;
        seen |= bit_of(f);
        size_t part = 0;
        while (part < LT_ARRAY_LEN(parts) && parts[part].id != field.id) {
            part++;
        }
        if (field.id == 1) {
            p->type = lt_thrift_i32(&m->t, f);
        } else if (field.id == 2) {
            p->uncompressed_size = lt_thrift_i32(&m->t, f);
        } else if (field.id == 3) {
            p->compressed_size = lt_thrift_i32(&m->t, f);
        } else if (field.id == 4) {
            p->has_crc = true;
            p->crc = (uint32_t)lt_thrift_i32(&m->t, f);
        } else if (part < LT_ARRAY_LEN(parts) && parts[part].page_type == p->type) {
            read_struct(m, f, p, parts[part].read);
        } else {
            lt_thrift_skip(&m->t, field.type);
        }
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(parts); i++) {
        required |= parts[i].page_type == p->type ? 1u << parts[i].id : 0;
    }
    need(m, seen, required, "parts of it");
}

int lt_pq_page_read(const uint8_t *data, size_t len, struct lt_pq_page *ret_page, size_t *ret_used,
                    bool *ret_short, struct leat_error *err)
{
    struct meta m = {.oom = false};
    struct lt_pq_page page = {.statistics = {.null_count = -1, .distinct_count = -1}};
    lt_thrift_init(&m.t, data, len);
    read_page(&m, &page);
    *ret_short = m.t.short_of;
    if (is_fine(&m) &&
        (page.uncompressed_size < 0 || page.compressed_size < 0 || page.num_values < 0 ||
         page.num_nulls < 0 || page.num_rows < 0 || page.def_len < 0 || page.rep_len < 0)) {
        m.t.fault = "a size of it is negative";
    }
    int status = outcome(&m, "page header", err);
    if (status) {
        return status;
    }
    *ret_page = page;
    *ret_used = (size_t)(m.t.data - data);
    return LEAT_OK;
}

/* --- indexes ------------------------------------------------------------------------------------ */

static void read_location(struct meta *m, void *item)
{
    struct lt_pq_page_location *l = item;
    int16_t last = 0;
    uint32_t seen = 0;
    struct lt_thrift_field field;
    while (lt_thrift_next(&m->t, &last, &field)) {
        seen |= bit_of(&field);
        switch (field.id) {
        case 1:
            l->offset = lt_thrift_i64(&m->t, &field);
            break;
        case 2:
            l->compressed_size = lt_thrift_i32(&m->t, &field);
            break;
        case 3:
            l->first_row = lt_thrift_i64(&m->t, &field);
            break;
        default:
            lt_thrift_skip(&m->t, field.type);
        }
    }
    need(m, seen, 1u << 1 | 1u << 2 | 1u << 3, "parts of a page's place");
}

int lt_pq_offset_index_read(const uint8_t *data, size_t len, struct lt_pq_offset_index *ret_index,
                            struct leat_error *err)
{
    struct meta m = {.oom = false};
    struct lt_pq_offset_index index = {NULL, 0};
    int16_t last = 0;
    struct lt_thrift_field field;
    lt_thrift_init(&m.t, data, len);
    while (lt_thrift_next(&m.t, &last, &field)) {
        if (field.id == 1) {
            read_structs(&m, &field, &index.pages, &index.n_pages, sizeof *index.pages,
                         read_location);
        } else {
            lt_thrift_skip(&m.t, field.type);
        }
    }
    int status = outcome(&m, "offset index", err);
    if (status) {
        lt_pq_offset_index_done(&index);
        return status;
    }
    *ret_index = index;
    return LEAT_OK;
}

void lt_pq_offset_index_done(struct lt_pq_offset_index *index)
{
    free(index->pages);
    *index = (struct lt_pq_offset_index){NULL, 0};
}

int lt_pq_column_index_read(const uint8_t *data, size_t len, struct lt_pq_column_index *ret_index,
                            struct leat_error *err)
{
    struct meta m = {.oom = false};
    struct lt_pq_column_index index = {.null_pages = NULL};
    size_t n_min = 0, n_max = 0, n_counts = 0;
    int16_t last = 0;
    struct lt_thrift_field field;
    lt_thrift_init(&m.t, data, len);
    while (lt_thrift_next(&m.t, &last, &field)) {
        switch (field.id) {
        case 1:
            read_bools(&m, &field, &index.null_pages, &index.n_pages);
            break;
        case 2:
            read_texts(&m, &field, &index.min_values, &n_min);
            break;
        case 3:
            read_texts(&m, &field, &index.max_values, &n_max);
            break;
        case 4:
            index.order = lt_thrift_i32(&m.t, &field);
            break;
        case 5:
            read_i64s(&m, &field, &index.null_counts, &n_counts);
            break;
        default:
            lt_thrift_skip(&m.t, field.type);
        }
    }
    if (is_fine(&m) && (n_min != index.n_pages || n_max != index.n_pages ||
                        (n_counts && n_counts != index.n_pages))) {
        m.missing = "bounds of some pages";
    }
    int status = outcome(&m, "column index", err);
    if (status) {
        lt_pq_column_index_done(&index);
        return status;
    }
    *ret_index = index;
    return LEAT_OK;
}

void lt_pq_column_index_done(struct lt_pq_column_index *index)
{
    free(index->null_pages);
    free(index->min_values);
    free(index->max_values);
    free(index->null_counts);
    *index = (struct lt_pq_column_index){.null_pages = NULL};
}
