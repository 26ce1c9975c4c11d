/* Arrow metadata to FlatBuffers: Schema, RecordBatch, Footer. */
#include "core/codes.h"
#include "formats/arrow/message.h"

#include <assert.h>

/* Sizes of the fields of each table written, by field id; 4 for offsets. */
static const uint8_t message_sizes[] = {2, 1, 4, 8};
static const uint8_t pair_sizes[] = {4, 4};

/* One message with an empty header to be linked at the slot returned. */
static size_t start_message(struct lt_fbw *w, enum lt_ipc_kind kind, int64_t body_len)
{
    struct lt_fbw_table message;
    lt_fbw_table(w, 0, message_sizes, 4, &message);
    lt_fbw_i16(w, message.slots[MESSAGE_VERSION], LT_IPC_V5);
    lt_fbw_i8(w, message.slots[MESSAGE_KIND], (int8_t)kind);
    lt_fbw_i64(w, message.slots[MESSAGE_BODY_LEN], body_len);
    return message.slots[MESSAGE_HEADER];
}

/* A type table of 32-bit and 16-bit and 8-bit numbers, -1 ending them. */
static void type_table(struct lt_fbw *w, size_t slot, const uint8_t *sizes, unsigned n,
                       const int32_t *values)
{
    struct lt_fbw_table table;
    lt_fbw_table(w, slot, sizes, n, &table);
    for (unsigned i = 0; i < n; i++) {
        lt_fbw_set(w, table.slots[i], &values[i], sizes[i]); /* little-endian: low bytes first */
    }
}

static const struct {
    enum lt_ipc_type type;
    int32_t bits;
    int32_t is_signed;
} int_types[] = {
    [LT_INT8] = {LT_IPC_TYPE_INT, 8, 1},    [LT_INT16] = {LT_IPC_TYPE_INT, 16, 1},
    [LT_INT32] = {LT_IPC_TYPE_INT, 32, 1},  [LT_INT64] = {LT_IPC_TYPE_INT, 64, 1},
    [LT_UINT8] = {LT_IPC_TYPE_INT, 8, 0},   [LT_UINT16] = {LT_IPC_TYPE_INT, 16, 0},
    [LT_UINT32] = {LT_IPC_TYPE_INT, 32, 0}, [LT_UINT64] = {LT_IPC_TYPE_INT, 64, 0},
};

/* The number of a type and, for those with one parameter, that parameter's value and size. */
static enum lt_ipc_type one_number(const struct lt_type *type, int32_t *ret_value,
                                   uint8_t *ret_size)
{
    *ret_size = 0;
    *ret_value = 0;
    switch (type->id) {
    case LT_NULL:
        return LT_IPC_TYPE_NULL;
    case LT_BOOL:
        return LT_IPC_TYPE_BOOL;
    case LT_FLOAT16:
    case LT_FLOAT32:
    case LT_FLOAT64:
        *ret_size = 2;
        *ret_value = type->id == LT_FLOAT16 ? 0 : type->id == LT_FLOAT32 ? 1 : 2;
        return LT_IPC_TYPE_FLOAT;
    case LT_UTF8:
    case LT_UTF8_VIEW: /* views are written decoded */
        return LT_IPC_TYPE_UTF8;
    case LT_LARGE_UTF8:
        return LT_IPC_TYPE_LARGE_UTF8;
    case LT_BINARY:
    case LT_BINARY_VIEW:
        return LT_IPC_TYPE_BINARY;
    case LT_LARGE_BINARY:
        return LT_IPC_TYPE_LARGE_BINARY;
    case LT_FIXED_BINARY:
    case LT_FIXED_LIST:
        *ret_size = 4;
        *ret_value = type->width;
        return type->id == LT_FIXED_LIST ? LT_IPC_TYPE_FIXED_LIST : LT_IPC_TYPE_FIXED_BINARY;
    case LT_DATE32:
    case LT_DATE64:
        *ret_size = 2;
        *ret_value = type->id == LT_DATE64;
        return LT_IPC_TYPE_DATE;
    case LT_DURATION:
        *ret_size = 2;
        *ret_value = (int32_t)type->unit;
        return LT_IPC_TYPE_DURATION;
    case LT_INTERVAL_MONTHS:
    case LT_INTERVAL_DAY_TIME:
    case LT_INTERVAL:
        *ret_size = 2;
        *ret_value = type->id == LT_INTERVAL_MONTHS ? 0 : type->id == LT_INTERVAL_DAY_TIME ? 1 : 2;
        return LT_IPC_TYPE_INTERVAL;
    case LT_LIST:
        return LT_IPC_TYPE_LIST;
    case LT_LARGE_LIST:
        return LT_IPC_TYPE_LARGE_LIST;
    case LT_STRUCT:
        return LT_IPC_TYPE_STRUCT;
    default:
        return 0;
    }
}

/* Writes the type table of a field at `slot`; returns the number of the type, 0 for none. */
static enum lt_ipc_type write_type(struct lt_fbw *w, size_t slot, const struct lt_type *type,
                                   int64_t flags)
{
    static const uint8_t int_sizes[] = {4, 1}, decimal_sizes[] = {4, 4, 4}, time_sizes[] = {2, 4},
                         timestamp_sizes[] = {2, 4}, map_sizes[] = {1};
    struct lt_fbw_table table;
    uint8_t size;
    int32_t value;

    switch (type->id) {
    case LT_INT8:
    case LT_INT16:
    case LT_INT32:
    case LT_INT64:
    case LT_UINT8:
    case LT_UINT16:
    case LT_UINT32:
    case LT_UINT64:
        type_table(w, slot, int_sizes, 2,
                   (int32_t[]){int_types[type->id].bits, int_types[type->id].is_signed});
        return LT_IPC_TYPE_INT;
    case LT_DECIMAL32:
    case LT_DECIMAL64:
    case LT_DECIMAL128:
    case LT_DECIMAL256:
        type_table(w, slot, decimal_sizes, 3,
                   (int32_t[]){type->precision, type->scale, type->width * 8});
        return LT_IPC_TYPE_DECIMAL;
    case LT_TIME32:
    case LT_TIME64:
        type_table(w, slot, time_sizes, 2, (int32_t[]){(int32_t)type->unit, type->width * 8});
        return LT_IPC_TYPE_TIME;
    case LT_TIMESTAMP:
        value = (int32_t)type->unit;
        lt_fbw_table(w, slot, timestamp_sizes, type->zone && *type->zone ? 2 : 1, &table);
        lt_fbw_set(w, table.slots[0], &value, 2);
        if (type->zone && *type->zone) {
            lt_fbw_string(w, table.slots[1], type->zone, strlen(type->zone));
        }
        return LT_IPC_TYPE_TIMESTAMP;
    case LT_MAP:
        type_table(w, slot, map_sizes, 1, (int32_t[]){(flags & ARROW_FLAG_MAP_KEYS_SORTED) != 0});
        return LT_IPC_TYPE_MAP;
    default:
        break;
    }
    enum lt_ipc_type number = one_number(type, &value, &size);
    if (number) {
        type_table(w, slot, &size, size ? 1 : 0, &value);
    }
    return number;
}

struct meta_writer {
    struct lt_fbw *w;
    size_t first; /* position of the vector's first slot */
    size_t n;
};

static int count_pair(void *arg, const char *key, size_t key_len, const char *value,
                      size_t value_len)
{
    (void)key, (void)key_len, (void)value, (void)value_len;
    ((struct meta_writer *)arg)->n++;
    return 0;
}

static int write_pair(void *arg, const char *key, size_t key_len, const char *value,
                      size_t value_len)
{
    struct meta_writer *m = arg;
    struct lt_fbw_table pair;
    lt_fbw_table(m->w, m->first + 4 * m->n++, pair_sizes, 2, &pair);
    lt_fbw_string(m->w, pair.slots[PAIR_KEY], key, key_len);
    lt_fbw_string(m->w, pair.slots[PAIR_VALUE], value, value_len);
    return 0;
}

static void write_meta(struct lt_fbw *w, size_t slot, const struct ArrowSchema *schema)
{
    struct meta_writer m = {.w = w};
    lt_schema_meta_each(schema, count_pair, &m);
    m.first = lt_fbw_vector(w, slot, m.n, 4, 4);
    m.n = 0;
    lt_schema_meta_each(schema, write_pair, &m);
}

static int write_fields(struct lt_fbw *w, size_t slot, const struct ArrowSchema *schema, int depth,
                        struct leat_error *err);

static int write_field(struct lt_fbw *w, size_t slot, const struct ArrowSchema *field, int depth,
                       struct leat_error *err)
{
    /* Dictionaries are written decoded: the type and children are those of the values. */
    const struct ArrowSchema *values = field->dictionary ? field->dictionary : field;
    static const uint8_t sizes[] = {4, 1, 1, 4, 0, 4, 4};
    uint8_t used[7];
    struct lt_fbw_table table;
    struct lt_type type;
    if (depth > LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "the schema is nested deeper than %d", LT_TYPE_DEPTH_MAX);
    }
    int rc = lt_type_of(values, &type, err);
    if (rc) {
        return rc;
    }
    if (type.id == LT_DICTIONARY) {
        return write_field(w, slot, values, depth + 1, err);
    }
    memcpy(used, sizes, sizeof used);
    used[FIELD_META] = field->metadata ? 4 : 0;
    lt_fbw_table(w, slot, used, 7, &table);
    const char *name = field->name ? field->name : "";
    lt_fbw_string(w, table.slots[FIELD_NAME], name, strlen(name));
    lt_fbw_i8(w, table.slots[FIELD_NULLABLE], (field->flags & ARROW_FLAG_NULLABLE) != 0);
    enum lt_ipc_type number = write_type(w, table.slots[FIELD_TYPE], &type, values->flags);
    if (!number) {
        return lt_fail(err, LT_E_UNSUPPORTED_TYPE, "the format %s has no place in Arrow IPC",
                       values->format);
    }
    lt_fbw_i8(w, table.slots[FIELD_TYPE_KIND], (int8_t)number);
    if (field->metadata) {
        write_meta(w, table.slots[FIELD_META], field);
    }
    return write_fields(w, table.slots[FIELD_CHILDREN], values, depth + 1, err);
}

static int write_fields(struct lt_fbw *w, size_t slot, const struct ArrowSchema *schema, int depth,
                        struct leat_error *err)
{
    size_t n = (size_t)schema->n_children;
    size_t first = lt_fbw_vector(w, slot, n, 4, 4);
    for (size_t i = 0; i < n; i++) {
        int rc = write_field(w, first + 4 * i, schema->children[i], depth, err);
        if (rc) {
            return rc;
        }
    }
    return LEAT_OK;
}

static int write_schema_table(struct lt_fbw *w, size_t slot, const struct ArrowSchema *schema,
                              struct leat_error *err)
{
    struct lt_fbw_table table;
    uint8_t sizes[] = {2, 4, schema->metadata ? 4 : 0};
    lt_fbw_table(w, slot, sizes, 3, &table);
    if (schema->metadata) {
        write_meta(w, table.slots[SCHEMA_META], schema);
    }
    return write_fields(w, table.slots[SCHEMA_FIELDS], schema, 0, err);
}

int lt_ipc_write_schema(struct lt_fbw *w, const struct ArrowSchema *schema, struct leat_error *err)
{
    return write_schema_table(w, start_message(w, LT_IPC_SCHEMA, 0), schema, err);
}

static void write_pairs(struct lt_fbw *w, size_t slot, const int64_t *pairs, size_t n)
{
    size_t at = lt_fbw_vector(w, slot, n, LT_IPC_PAIR_BYTES, 8);
    if (n) {
        lt_fbw_set(w, at, pairs, n * LT_IPC_PAIR_BYTES);
    }
}

void lt_ipc_write_batch_head(struct lt_fbw *w, const struct lt_ipc_batch_head *head)
{
    static const uint8_t compression_sizes[] = {1, 1};
    uint8_t sizes[] = {8, 4, 4, head->codec == LT_CODEC_NONE ? 0 : 4};
    struct lt_fbw_table batch, compression;
    assert(head->codec == LT_CODEC_NONE || head->codec == LT_CODEC_LZ4 ||
           head->codec == LT_CODEC_ZSTD);
    lt_fbw_table(w, start_message(w, LT_IPC_BATCH, head->body_len), sizes, 4, &batch);
    lt_fbw_i64(w, batch.slots[BATCH_ROWS], head->rows);
    write_pairs(w, batch.slots[BATCH_NODES], head->nodes, head->n_nodes);
    write_pairs(w, batch.slots[BATCH_BUFFERS], head->buffers, head->n_buffers);
    if (head->codec != LT_CODEC_NONE) {
        lt_fbw_table(w, batch.slots[BATCH_COMPRESSION], compression_sizes, 2, &compression);
        lt_fbw_i8(w, compression.slots[COMPRESSION_CODEC], head->codec == LT_CODEC_ZSTD);
    }
}

int lt_ipc_write_footer(struct lt_fbw *w, const struct ArrowSchema *schema,
                        const struct lt_ipc_block *batches, size_t n_batches,
                        struct leat_error *err)
{
    static const uint8_t sizes[] = {2, 4, 4, 4};
    struct lt_fbw_table footer;
    lt_fbw_table(w, 0, sizes, 4, &footer);
    lt_fbw_i16(w, footer.slots[FOOTER_VERSION], LT_IPC_V5);
    lt_fbw_vector(w, footer.slots[FOOTER_DICTIONARIES], 0, LT_IPC_BLOCK_BYTES, 8);
    size_t at = lt_fbw_vector(w, footer.slots[FOOTER_BATCHES], n_batches, LT_IPC_BLOCK_BYTES, 8);
    for (size_t i = 0; i < n_batches; i++, at += LT_IPC_BLOCK_BYTES) {
        lt_fbw_i64(w, at, batches[i].offset);
        lt_fbw_i32(w, at + 8, (int32_t)batches[i].meta_len);
        lt_fbw_i64(w, at + 16, batches[i].body_len);
    }
    return write_schema_table(w, footer.slots[FOOTER_SCHEMA], schema, err);
}
