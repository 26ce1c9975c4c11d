/* Arrow metadata from FlatBuffers: Message, Schema, Footer. */
#include "core/codes.h"
#include "core/util.h"
#include "formats/arrow/message.h"

#include <stdlib.h>

/* What is left of the limits while one schema is read. */
struct budget {
    size_t fields;
    size_t text;
    struct lt_buf format; /* of the field at hand */
};

static const char *const type_names[] = {
    [LT_IPC_TYPE_UNION] = "union",
    [LT_IPC_TYPE_RUN_END] = "run-end encoding",
    [LT_IPC_TYPE_LIST_VIEW] = "list view",
    [LT_IPC_TYPE_LARGE_LIST_VIEW] = "large list view",
};

/* Arrow types without parameters. */
static const struct {
    const char *format;
    enum lt_type_id id;
    int32_t width;
} simple_types[] = {
    [LT_IPC_TYPE_NULL] = {"n", LT_NULL, 0},
    [LT_IPC_TYPE_BINARY] = {"z", LT_BINARY, 0},
    [LT_IPC_TYPE_UTF8] = {"u", LT_UTF8, 0},
    [LT_IPC_TYPE_BOOL] = {"b", LT_BOOL, 0},
    [LT_IPC_TYPE_LIST] = {"+l", LT_LIST, 0},
    [LT_IPC_TYPE_STRUCT] = {"+s", LT_STRUCT, 0},
    [LT_IPC_TYPE_MAP] = {"+m", LT_MAP, 0},
    [LT_IPC_TYPE_LARGE_BINARY] = {"Z", LT_LARGE_BINARY, 0},
    [LT_IPC_TYPE_LARGE_UTF8] = {"U", LT_LARGE_UTF8, 0},
    [LT_IPC_TYPE_LARGE_LIST] = {"+L", LT_LARGE_LIST, 0},
    /* Views are decoded on the way, so the schema shows what they become. */
    [LT_IPC_TYPE_BINARY_VIEW] = {"z", LT_BINARY_VIEW, 16},
    [LT_IPC_TYPE_UTF8_VIEW] = {"u", LT_UTF8_VIEW, 16},
};

static int bad_type(struct leat_error *err, const char *what)
{
    return lt_fail(err, LT_E_CORRUPT, "the schema has %s that Arrow does not know", what);
}

static int set(struct lt_ipc_field *field, enum lt_type_id id, int32_t width, struct budget *budget,
               struct leat_error *err, const char *format)
{
    field->id = id;
    field->width = width;
    return lt_buf_puts(&budget->format, format) ? lt_fail_oom(err) : LEAT_OK;
}

static int read_int(const struct lt_fb_table *type, struct lt_ipc_field *field,
                    struct budget *budget, struct leat_error *err)
{
    static const char *const formats[2][4] = {{"C", "S", "I", "L"}, {"c", "s", "i", "l"}};
    static const enum lt_type_id ids[2][4] = {{LT_UINT8, LT_UINT16, LT_UINT32, LT_UINT64},
                                              {LT_INT8, LT_INT16, LT_INT32, LT_INT64}};
    int32_t bits = lt_fb_i32(type, 0, 0);
    bool is_signed = lt_fb_i8(type, 1, 0) != 0;
    for (int i = 0; i < 4; i++) {
        if (bits == 8 << i) {
            return set(field, ids[is_signed][i], 1 << i, budget, err, formats[is_signed][i]);
        }
    }
    return bad_type(err, "an integer width");
}

static int read_decimal(const struct lt_fb_table *type, struct lt_ipc_field *field,
                        struct budget *budget, struct leat_error *err)
{
    static const enum lt_type_id ids[] = {LT_DECIMAL32, LT_DECIMAL64, LT_DECIMAL128, LT_DECIMAL256};
    static const int digits_max[] = {9, 18, 38, 76};
    int32_t precision = lt_fb_i32(type, 0, 0), scale = lt_fb_i32(type, 1, 0);
    int32_t bits = lt_fb_i32(type, 2, 128);
    for (int i = 0; i < 4; i++) {
        if (bits != 32 << i) {
            continue;
        }
        if (precision < 1 || precision > digits_max[i]) {
            return bad_type(err, "a decimal precision");
        }
        if (lt_buf_printf(&budget->format, bits == 128 ? "d:%d,%d" : "d:%d,%d,%d", (int)precision,
                          (int)scale, (int)bits)) {
            return lt_fail_oom(err);
        }
        return set(field, ids[i], bits / 8, budget, err, "");
    }
    return bad_type(err, "a decimal width");
}

/* Times, timestamps, durations, dates and intervals: a unit, and what hangs on it. */
static int read_temporal(int kind, const struct lt_fb_table *type, struct lt_ipc_field *field,
                         struct budget *budget, struct leat_error *err)
{
    static const char *const times[] = {"tts", "ttm", "ttu", "ttn"};
    static const char *const timestamps[] = {"tss:", "tsm:", "tsu:", "tsn:"};
    static const char *const durations[] = {"tDs", "tDm", "tDu", "tDn"};
    static const char *const intervals[] = {"tiM", "tiD", "tin"};
    static const enum lt_type_id interval_ids[] = {LT_INTERVAL_MONTHS, LT_INTERVAL_DAY_TIME,
                                                   LT_INTERVAL};
    bool from_zero = kind == LT_IPC_TYPE_TIMESTAMP || kind == LT_IPC_TYPE_INTERVAL;
    int unit = lt_fb_i16(type, 0, from_zero ? 0 : 1);
    int units = kind == LT_IPC_TYPE_DATE ? 2 : kind == LT_IPC_TYPE_INTERVAL ? 3 : 4;
    if (unit < 0 || unit >= units) {
        return bad_type(err, "a unit of time");
    }
    switch (kind) {
    case LT_IPC_TYPE_DATE:
        return unit ? set(field, LT_DATE64, 8, budget, err, "tdm")
                    : set(field, LT_DATE32, 4, budget, err, "tdD");
    case LT_IPC_TYPE_TIME:
        if (lt_fb_i32(type, 1, 32) != (unit < 2 ? 32 : 64)) {
            return bad_type(err, "a width of time");
        }
        return set(field, unit < 2 ? LT_TIME32 : LT_TIME64, unit < 2 ? 4 : 8, budget, err,
                   times[unit]);
    case LT_IPC_TYPE_DURATION:
        return set(field, LT_DURATION, 8, budget, err, durations[unit]);
    case LT_IPC_TYPE_INTERVAL:
        return set(field, interval_ids[unit], 4 << unit, budget, err, intervals[unit]);
    default:
        break;
    }
    size_t len;
    const char *zone = lt_fb_string(type, 1, &len);
    if (len > budget->text || (zone && memchr(zone, 0, len))) {
        return bad_type(err, "a time zone");
    }
    budget->text -= len;
    if (set(field, LT_TIMESTAMP, 8, budget, err, timestamps[unit]) ||
        lt_buf_append(&budget->format, zone, len)) {
        return lt_fail_oom(err);
    }
    return LEAT_OK;
}

/* Fixed-size binary and lists: one number, not negative. */
static int read_sized(int kind, const struct lt_fb_table *type, struct lt_ipc_field *field,
                      struct budget *budget, struct leat_error *err)
{
    bool list = kind == LT_IPC_TYPE_FIXED_LIST;
    int32_t size = lt_fb_i32(type, 0, 0);
    if (size < 0) {
        return bad_type(err, "a fixed size");
    }
    if (lt_buf_printf(&budget->format, list ? "+w:%d" : "w:%d", (int)size)) {
        return lt_fail_oom(err);
    }
    return set(field, list ? LT_FIXED_LIST : LT_FIXED_BINARY, size, budget, err, "");
}

static int read_type(int kind, const struct lt_fb_table *type, struct lt_ipc_field *field,
                     struct budget *budget, struct leat_error *err)
{
    static const char *const floats[] = {"e", "f", "g"};
    static const enum lt_type_id float_ids[] = {LT_FLOAT16, LT_FLOAT32, LT_FLOAT64};
    int16_t precision;

    lt_buf_clear(&budget->format);
    switch (kind) {
    case LT_IPC_TYPE_INT:
        return read_int(type, field, budget, err);
    case LT_IPC_TYPE_FLOAT:
        precision = lt_fb_i16(type, 0, 0);
        if (precision < 0 || precision > 2) {
            return bad_type(err, "a float precision");
        }
        return set(field, float_ids[precision], 2 << precision, budget, err, floats[precision]);
    case LT_IPC_TYPE_DECIMAL:
        return read_decimal(type, field, budget, err);
    case LT_IPC_TYPE_DATE:
    case LT_IPC_TYPE_TIME:
    case LT_IPC_TYPE_TIMESTAMP:
    case LT_IPC_TYPE_DURATION:
    case LT_IPC_TYPE_INTERVAL:
        return read_temporal(kind, type, field, budget, err);
    case LT_IPC_TYPE_FIXED_BINARY:
    case LT_IPC_TYPE_FIXED_LIST:
        return read_sized(kind, type, field, budget, err);
    default:
        break;
    }
    if (kind > 0 && kind < (int)LT_ARRAY_LEN(type_names) && type_names[kind]) {
        return lt_fail(err, LT_E_UNSUPPORTED, "the Arrow type %s is not read", type_names[kind]);
    }
    if (kind <= 0 || kind >= (int)LT_ARRAY_LEN(simple_types) || !simple_types[kind].format) {
        return bad_type(err, "a type");
    }
    return set(field, simple_types[kind].id, simple_types[kind].width, budget, err,
               simple_types[kind].format);
}

/* Pairs of one table's custom_metadata, as the block ArrowSchema.metadata is: setting them one by
 * one would copy that block once a pair. */
static int read_meta(const struct lt_fb_table *table, unsigned id, struct ArrowSchema *schema,
                     struct budget *budget, struct leat_error *err)
{
    struct lt_fb_vector pairs;
    struct lt_buf block = LT_BUF_INIT;
    lt_fb_vector(table, id, 4, &pairs);
    if (!pairs.count) {
        return LEAT_OK;
    }
    int32_t n = (int32_t)pairs.count;
    int rc = lt_buf_append(&block, &n, sizeof n);
    for (size_t i = 0; i < pairs.count && !rc; i++) {
        struct lt_fb_table pair;
        size_t key_len, value_len;
        lt_fb_vector_table(&pairs, i, &pair);
        const char *key = lt_fb_string(&pair, PAIR_KEY, &key_len);
        const char *value = lt_fb_string(&pair, PAIR_VALUE, &value_len);
        if (key_len + value_len + 8 > budget->text) {
            lt_buf_done(&block);
            return lt_fail(err, LT_E_LIMIT, "the schema holds more than %zu MiB of text",
                           LT_IPC_TEXT_MAX >> 20);
        }
        budget->text -= key_len + value_len + 8;
        int32_t lens[2] = {(int32_t)key_len, (int32_t)value_len};
        rc = lt_buf_append(&block, &lens[0], 4) || lt_buf_append(&block, key, key_len) ||
             lt_buf_append(&block, &lens[1], 4) || lt_buf_append(&block, value, value_len);
    }
    /* A schema of ours owns its metadata as plain malloc'ed memory; this one had none. */
    schema->metadata = rc ? NULL : lt_buf_take(&block);
    lt_buf_done(&block);
    return schema->metadata ? LEAT_OK : lt_fail_oom(err);
}

static int read_field(const struct lt_fb_table *table, int depth, struct budget *budget,
                      struct ArrowSchema *ret_schema, struct lt_ipc_field *field,
                      struct leat_error *err);

static int read_children(const struct lt_fb_table *table, unsigned id, int depth,
                         struct budget *budget, struct ArrowSchema *schema,
                         struct lt_ipc_field *field, struct leat_error *err)
{
    struct lt_fb_vector fields;
    lt_fb_vector(table, id, 4, &fields);
    if (fields.count > budget->fields) {
        return lt_fail(err, LT_E_LIMIT, "the schema has more than %d fields", LT_TYPE_FIELDS_MAX);
    }
    budget->fields -= fields.count;
    field->plain = true;
    if (!fields.count) {
        return LEAT_OK;
    }
    field->children = calloc(fields.count, sizeof *field->children);
    if (!field->children) {
        return lt_fail_oom(err);
    }
    field->n_children = (int64_t)fields.count;
    for (size_t i = 0; i < fields.count; i++) {
        struct lt_fb_table child;
        struct ArrowSchema child_schema = {.release = NULL};
        if (!lt_fb_vector_table(&fields, i, &child)) {
            return bad_type(err, "a field");
        }
        int rc = read_field(&child, depth + 1, budget, &child_schema, &field->children[i], err);
        if (!rc) {
            rc = lt_schema_add(schema, &child_schema, err);
        }
        lt_schema_done(&child_schema);
        if (rc) {
            return rc;
        }
        field->plain = field->plain && field->children[i].plain;
    }
    return LEAT_OK;
}

/* Types have as many children as Arrow says, or the buffers of all later columns would shift. */
static int check_children(const struct lt_ipc_field *field, struct leat_error *err)
{
    const struct lt_ipc_field *first = field->children;
    switch (field->id) {
    case LT_STRUCT:
        return LEAT_OK;
    case LT_MAP:
        if (field->n_children != 1 || first->id != LT_STRUCT || first->values ||
            first->n_children != 2) {
            return bad_type(err, "a map layout");
        }
        return LEAT_OK;
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_FIXED_LIST:
        return field->n_children == 1 ? LEAT_OK : bad_type(err, "a list layout");
    default:
        return field->n_children == 0 ? LEAT_OK : bad_type(err, "a field layout");
    }
}

/* Turns the layout of a value into that of an index to it. */
static int read_encoding(const struct lt_fb_table *table, struct lt_ipc_field *field,
                         struct budget *budget, struct leat_error *err)
{
    struct lt_fb_table encoding, index;
    if (!lt_fb_table(table, FIELD_DICTIONARY, &encoding)) {
        return LEAT_OK;
    }
    struct lt_ipc_field *values = malloc(sizeof *values);
    if (!values) {
        return lt_fail_oom(err);
    }
    *values = *field;
    *field = (struct lt_ipc_field){.id = LT_INT32,
                                   .width = 4,
                                   .dictionary_id = lt_fb_i64(&encoding, ENCODING_ID, 0),
                                   .values = values};
    lt_buf_clear(&budget->format);
    return lt_fb_table(&encoding, ENCODING_INDEX, &index) ? read_int(&index, field, budget, err)
                                                          : LEAT_OK;
}

static int read_field(const struct lt_fb_table *table, int depth, struct budget *budget,
                      struct ArrowSchema *ret_schema, struct lt_ipc_field *field,
                      struct leat_error *err)
{
    struct lt_fb_table type;
    size_t name_len;
    if (depth > LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "the schema is nested deeper than %d", LT_TYPE_DEPTH_MAX);
    }
    const char *name = lt_fb_string(table, FIELD_NAME, &name_len);
    if (name_len > budget->text || (name && memchr(name, 0, name_len))) {
        return bad_type(err, "a field name");
    }
    budget->text -= name_len;
    lt_fb_table(table, FIELD_TYPE, &type);
    char *name_text = lt_strndup(name ? name : "", name_len);
    if (!name_text) {
        return lt_fail_oom(err);
    }
    int rc = read_type(lt_fb_i8(table, FIELD_TYPE_KIND, 0), &type, field, budget, err);
    if (!rc) {
        rc = lt_schema_init(ret_schema, lt_buf_text(&budget->format), name_text, err);
    }
    if (!rc) {
        ret_schema->flags = lt_fb_i8(table, FIELD_NULLABLE, 0) ? ARROW_FLAG_NULLABLE : 0;
        if (field->id == LT_MAP && lt_fb_i8(&type, 0, 0)) {
            ret_schema->flags |= ARROW_FLAG_MAP_KEYS_SORTED;
        }
        rc = read_meta(table, FIELD_META, ret_schema, budget, err);
    }
    if (!rc) {
        rc = read_children(table, FIELD_CHILDREN, depth, budget, ret_schema, field, err);
    }
    if (!rc) {
        field->plain = field->plain && field->id != LT_UTF8_VIEW && field->id != LT_BINARY_VIEW;
        rc = check_children(field, err);
    }
    if (!rc) {
        rc = read_encoding(table, field, budget, err);
    }
    if (rc && *name_text && lt_utf8_valid_prefix(name_text, name_len) == name_len) {
        leat_error_place(err, "column \"%s\"", name_text);
    }
    free(name_text);
    return rc;
}

int lt_ipc_schema_read(const struct lt_fb_table *table, struct ArrowSchema *ret_schema,
                       struct lt_ipc_field *ret_field, struct leat_error *err)
{
    struct budget budget = {LT_TYPE_FIELDS_MAX, LT_IPC_TEXT_MAX, LT_BUF_INIT};
    struct ArrowSchema schema = {.release = NULL};
    struct lt_ipc_field field = {.id = LT_STRUCT};
    int rc = lt_schema_init(&schema, "+s", "", err);

    if (!rc && lt_fb_i16(table, SCHEMA_ENDIAN, 0)) {
        rc = lt_fail(err, LT_E_UNSUPPORTED, "big-endian Arrow data is not read");
    }
    if (!rc) {
        rc = read_meta(table, SCHEMA_META, &schema, &budget, err);
    }
    if (!rc) {
        rc = read_children(table, SCHEMA_FIELDS, 0, &budget, &schema, &field, err);
    }
    if (!rc && (!table->fb || table->fb->bad)) {
        rc = lt_fail(err, LT_E_CORRUPT, "the schema's metadata is damaged");
    }
    if (!rc) {
        rc = lt_schema_check(&schema, err);
    }
    lt_buf_done(&budget.format);
    if (rc) {
        lt_ipc_field_done(&field);
        lt_schema_done(&schema);
        return rc;
    }
    lt_schema_move(&schema, ret_schema);
    *ret_field = field;
    return LEAT_OK;
}

static int check_version(int version, struct leat_error *err)
{
    if (version == LT_IPC_V4 || version == LT_IPC_V5) {
        return LEAT_OK;
    }
    return lt_fail(err, LT_E_UNSUPPORTED, "Arrow metadata version %d is not read; 4 and 5 are",
                   version + 1);
}

static int read_batch_head(const struct lt_fb_table *batch, struct lt_ipc_message *message,
                           struct leat_error *err)
{
    struct lt_fb_table compression;
    message->rows = lt_fb_i64(batch, BATCH_ROWS, 0);
    lt_fb_vector(batch, BATCH_NODES, LT_IPC_PAIR_BYTES, &message->nodes);
    lt_fb_vector(batch, BATCH_BUFFERS, LT_IPC_PAIR_BYTES, &message->buffers);
    lt_fb_vector(batch, BATCH_VARIADIC, 8, &message->variadic);
    message->codec = LT_CODEC_NONE;
    if (!lt_fb_table(batch, BATCH_COMPRESSION, &compression)) {
        return LEAT_OK;
    }
    int8_t codec = lt_fb_i8(&compression, COMPRESSION_CODEC, 0);
    if (codec < 0 || codec > 1 || lt_fb_i8(&compression, COMPRESSION_METHOD, 0)) {
        return lt_fail(err, LT_E_UNSUPPORTED, "the buffers are compressed in an unknown way");
    }
    message->codec = codec ? LT_CODEC_ZSTD : LT_CODEC_LZ4;
    return LEAT_OK;
}

int lt_ipc_message_read(const void *data, size_t len, struct lt_ipc_message *ret_message,
                        struct leat_error *err)
{
    struct lt_fb_table message, header, batch;
    *ret_message = (struct lt_ipc_message){.fb = {.data = data, .len = len}};
    if (!lt_fb_root(&ret_message->fb, &message)) {
        return lt_fail(err, LT_E_CORRUPT, "the message's metadata is damaged");
    }
    int version = lt_fb_i16(&message, MESSAGE_VERSION, 0);
    int kind = lt_fb_i8(&message, MESSAGE_KIND, 0);
    ret_message->body_len = lt_fb_i64(&message, MESSAGE_BODY_LEN, 0);
    bool has_header = lt_fb_table(&message, MESSAGE_HEADER, &header);
    int rc = LEAT_OK;
    if (has_header && kind == LT_IPC_DICTIONARY) {
        ret_message->dictionary_id = lt_fb_i64(&header, DICTIONARY_ID, 0);
        ret_message->delta = lt_fb_i8(&header, DICTIONARY_DELTA, 0) != 0;
        has_header = lt_fb_table(&header, DICTIONARY_DATA, &batch);
        rc = read_batch_head(&batch, ret_message, err);
    } else if (has_header && kind == LT_IPC_BATCH) {
        rc = read_batch_head(&header, ret_message, err);
    } else {
        ret_message->schema = header;
    }
    if (!has_header || ret_message->fb.bad || ret_message->body_len < 0 || ret_message->rows < 0) {
        return lt_fail(err, LT_E_CORRUPT, "the message's metadata is damaged");
    }
    if (!rc) {
        rc = check_version(version, err);
    }
    if (!rc && (kind < LT_IPC_SCHEMA || kind > LT_IPC_BATCH)) {
        rc = lt_fail(err, LT_E_UNSUPPORTED, "a message of kind %d (tensors) is not read", kind);
    }
    ret_message->kind = (enum lt_ipc_kind)kind;
    return rc;
}

static int read_blocks(const struct lt_fb_table *footer, unsigned id, int64_t footer_at,
                       struct lt_ipc_block **ret_blocks, size_t *ret_n, struct leat_error *err)
{
    struct lt_fb_vector vector;
    if (!lt_fb_vector(footer, id, LT_IPC_BLOCK_BYTES, &vector) || !vector.count) {
        return LEAT_OK;
    }
    struct lt_ipc_block *blocks = calloc(vector.count, sizeof *blocks);
    if (!blocks) {
        return lt_fail_oom(err);
    }
    *ret_blocks = blocks;
    *ret_n = vector.count;
    for (size_t i = 0; i < vector.count; i++) {
        size_t at = i * LT_IPC_BLOCK_BYTES;
        struct lt_ipc_block block = {lt_fb_vector_i64(&vector, at),
                                     lt_fb_vector_i32(&vector, at + 8),
                                     lt_fb_vector_i64(&vector, at + 16)};
        if (block.offset < 8 || block.meta_len < 8 || block.body_len < 0 ||
            block.offset > footer_at || block.meta_len > footer_at - block.offset ||
            block.body_len > footer_at - block.offset - block.meta_len) {
            return lt_fail(err, LT_E_CORRUPT, "the footer points outside the file");
        }
        blocks[i] = block;
    }
    return LEAT_OK;
}

int lt_ipc_footer_read(const void *data, size_t len, int64_t footer_at,
                       struct lt_ipc_footer *ret_footer, struct ArrowSchema *ret_schema,
                       struct lt_ipc_field *ret_field, struct leat_error *err)
{
    struct lt_fb fb = {.data = data, .len = len};
    struct lt_fb_table root, schema;
    struct lt_ipc_footer footer = {0};
    int rc;
    if (!lt_fb_root(&fb, &root) || !lt_fb_table(&root, FOOTER_SCHEMA, &schema)) {
        return lt_fail(err, LT_E_CORRUPT, "the footer is damaged");
    }
    rc = check_version(lt_fb_i16(&root, FOOTER_VERSION, 0), err);
    if (!rc) {
        rc = read_blocks(&root, FOOTER_DICTIONARIES, footer_at, &footer.dictionaries,
                         &footer.n_dictionaries, err);
    }
    if (!rc) {
        rc = read_blocks(&root, FOOTER_BATCHES, footer_at, &footer.batches, &footer.n_batches, err);
    }
    if (!rc && fb.bad) {
        rc = lt_fail(err, LT_E_CORRUPT, "the footer is damaged");
    }
    if (!rc) {
        rc = lt_ipc_schema_read(&schema, ret_schema, ret_field, err);
    }
    if (rc) {
        lt_ipc_footer_done(&footer);
        return rc;
    }
    *ret_footer = footer;
    return LEAT_OK;
}

void lt_ipc_footer_done(struct lt_ipc_footer *footer)
{
    free(footer->dictionaries);
    free(footer->batches);
    *footer = (struct lt_ipc_footer){0};
}
