/* Flat columns to bytes and back; see toy_batch.h. */
#include "toy_batch.h"

#include "core/codes.h"

#include <stdlib.h>

#define COLUMNS_MAX 4096

/* How one column lies in memory: bits, fixed width, or offsets and bytes. */
struct layout {
    bool bits;
    size_t width;        /* of a fixed-width value */
    size_t offset_width; /* 4 or 8 for variable-length values, else 0 */
};

static int layout_of(const struct ArrowSchema *field, struct layout *ret_layout)
{
    static const struct {
        const char *prefix;
        struct layout layout;
    } known[] = {
        {"b", {true, 0, 0}},    {"c", {false, 1, 0}}, {"C", {false, 1, 0}}, {"s", {false, 2, 0}},
        {"S", {false, 2, 0}},   {"i", {false, 4, 0}}, {"I", {false, 4, 0}}, {"l", {false, 8, 0}},
        {"L", {false, 8, 0}},   {"f", {false, 4, 0}}, {"g", {false, 8, 0}}, {"tdD", {false, 4, 0}},
        {"ttu", {false, 8, 0}}, {"u", {false, 0, 4}}, {"z", {false, 0, 4}}, {"U", {false, 0, 8}},
        {"Z", {false, 0, 8}},
    };
    if (field->n_children || field->dictionary) {
        return LEAT_UNSUPPORTED;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!strcmp(field->format, known[i].prefix)) {
            *ret_layout = known[i].layout;
            return LEAT_OK;
        }
    }
    if (!strncmp(field->format, "ts", 2)) {
        *ret_layout = (struct layout){false, 8, 0};
        return LEAT_OK;
    }
    if (!strncmp(field->format, "d:", 2) && !strchr(strchr(field->format, ',') + 1, ',')) {
        *ret_layout = (struct layout){false, 16, 0};
        return LEAT_OK;
    }
    return LEAT_UNSUPPORTED;
}

int toy_schema_check(const struct ArrowSchema *schema, struct leat_error *err)
{
    struct layout layout;
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        if (layout_of(field, &layout)) {
            lt_fail(err, LT_E_UNSUPPORTED_TYPE, "a toy directory has no place for format %s",
                    field->format);
            leat_error_place(err, "column \"%s\"", field->name ? field->name : "");
            return LEAT_UNSUPPORTED;
        }
    }
    return LEAT_OK;
}

/* --- bytes --------------------------------------------------------------------------------- */

static int put(struct lt_buf *out, const void *data, size_t len, struct leat_error *err)
{
    return lt_buf_append(out, data, len) ? lt_fail_oom(err) : LEAT_OK;
}

static int put_blob(struct lt_buf *out, const void *data, size_t len, struct leat_error *err)
{
    uint64_t n = len;
    int status = put(out, &n, sizeof n, err);
    return status ? status : put(out, data, len, err);
}

/* Reading never passes the end: `bad` sticks and everything after reads as nothing. */
struct cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static const void *get(struct cursor *cursor, size_t len)
{
    if (cursor->bad || cursor->left < len) {
        cursor->bad = true;
        return NULL;
    }
    const void *data = cursor->at;
    cursor->at += len;
    cursor->left -= len;
    return data;
}

static uint64_t get_u64(struct cursor *cursor)
{
    uint64_t value = 0;
    const void *data = get(cursor, sizeof value);
    if (data) {
        memcpy(&value, data, sizeof value);
    }
    return value;
}

static const void *get_blob(struct cursor *cursor, size_t *ret_len)
{
    uint64_t len = get_u64(cursor);
    *ret_len = (size_t)len;
    return get(cursor, (size_t)len);
}

/* --- schemas ------------------------------------------------------------------------------- */

static size_t metadata_len(const char *metadata)
{
    if (!metadata) {
        return 0;
    }
    int32_t pairs, len;
    memcpy(&pairs, metadata, 4);
    size_t at = 4;
    for (int32_t i = 0; i < pairs * 2; i++) {
        memcpy(&len, metadata + at, 4);
        at += 4 + (size_t)len;
    }
    return at;
}

int toy_schema_write(const struct ArrowSchema *schema, struct lt_buf *out, struct leat_error *err)
{
    uint64_t n = (uint64_t)schema->n_children;
    int status = put(out, &n, sizeof n, err);
    for (int64_t i = 0; !status && i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        const char *name = field->name ? field->name : "";
        uint64_t flags = (uint64_t)field->flags;
        status = put(out, &flags, sizeof flags, err);
        status = status ? status : put_blob(out, field->format, strlen(field->format), err);
        status = status ? status : put_blob(out, name, strlen(name), err);
        status =
            status ? status : put_blob(out, field->metadata, metadata_len(field->metadata), err);
    }
    return status;
}

static void schema_release(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        struct ArrowSchema *child = schema->children[i];
        if (child && child->release) {
            child->release(child);
        }
        free(child);
    }
    free(schema->children);
    free((char *)(uintptr_t)schema->format);
    free((char *)(uintptr_t)schema->name);
    free((char *)(uintptr_t)schema->metadata);
    schema->release = NULL;
}

static char *blob_text(struct cursor *cursor, bool *ret_given)
{
    size_t len;
    const char *data = get_blob(cursor, &len);
    *ret_given = data && len;
    return data ? lt_strndup(data, len) : NULL;
}

static struct ArrowSchema *field_read(struct cursor *cursor)
{
    struct ArrowSchema *field = calloc(1, sizeof *field);
    bool given;
    if (!field) {
        return NULL;
    }
    field->release = schema_release;
    field->flags = (int64_t)get_u64(cursor);
    field->format = blob_text(cursor, &given);
    field->name = blob_text(cursor, &given);
    char *metadata = blob_text(cursor, &given);
    if (given) {
        field->metadata = metadata;
    } else {
        free(metadata);
    }
    return field;
}

int toy_schema_read(const void *data, size_t len, struct ArrowSchema *ret_schema,
                    struct leat_error *err)
{
    struct cursor cursor = {data, len, false};
    uint64_t n = get_u64(&cursor);
    struct ArrowSchema schema = {.release = schema_release};
    if (n > COLUMNS_MAX) {
        return lt_fail(err, LT_E_CORRUPT, "a schema of too many columns");
    }
    schema.format = lt_strdup("+s");
    schema.name = lt_strdup("");
    schema.children = calloc(n ? (size_t)n : 1, sizeof *schema.children);
    bool good = schema.format && schema.name && schema.children;
    for (uint64_t i = 0; good && i < n; i++) {
        struct ArrowSchema *field = field_read(&cursor);
        schema.children[i] = field;
        schema.n_children++;
        good = field && field->format && field->name;
    }
    if (!good || cursor.bad) {
        schema_release(&schema);
        return lt_fail(err, LT_E_CORRUPT, "a schema ends too early");
    }
    *ret_schema = schema;
    return LEAT_OK;
}

/* --- batches ------------------------------------------------------------------------------- */

static int put_bits(struct lt_buf *out, const uint8_t *bits, int64_t first, int64_t rows,
                    struct leat_error *err)
{
    size_t len = (size_t)((rows + 7) / 8);
    if (lt_buf_reserve(out, len)) {
        return lt_fail_oom(err);
    }
    uint8_t *to = out->data + out->len;
    memset(to, 0, len);
    for (int64_t i = 0; i < rows; i++) {
        int64_t bit = first + i;
        if (!bits || bits[bit >> 3] >> (bit & 7) & 1) {
            to[i >> 3] |= (uint8_t)(1u << (i & 7));
        }
    }
    out->len += len;
    return LEAT_OK;
}

static int64_t offset_at(const void *offsets, size_t width, int64_t i)
{
    int32_t narrow;
    int64_t wide;
    if (width == 4) {
        memcpy(&narrow, (const char *)offsets + i * 4, 4);
        return narrow;
    }
    memcpy(&wide, (const char *)offsets + i * 8, 8);
    return wide;
}

static int put_varlen(struct lt_buf *out, const struct ArrowArray *column, size_t width,
                      int64_t first, int64_t rows, struct leat_error *err)
{
    const void *offsets = column->buffers[1];
    int64_t begin = rows ? offset_at(offsets, width, first) : 0, end = begin;
    int status = LEAT_OK;
    for (int64_t i = 0; !status && i <= rows; i++) {
        end = rows ? offset_at(offsets, width, first + i) : 0;
        int64_t wide = end - begin;
        int32_t narrow = (int32_t)wide;
        status = width == 4 ? put(out, &narrow, 4, err) : put(out, &wide, 8, err);
    }
    const char *bytes = column->buffers[2];
    return status ? status : put_blob(out, bytes ? bytes + begin : "", (size_t)(end - begin), err);
}

int toy_batch_write(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                    struct lt_buf *out, struct leat_error *err)
{
    uint64_t rows = (uint64_t)batch->length;
    int status = put(out, &rows, sizeof rows, err);
    for (int64_t i = 0; !status && i < schema->n_children; i++) {
        const struct ArrowArray *column = batch->children[i];
        int64_t first = batch->offset + column->offset;
        struct layout layout;
        status = layout_of(schema->children[i], &layout);
        if (status) {
            return lt_fail(err, LT_E_UNSUPPORTED_TYPE, "format changed between plan and write");
        }
        status = put_bits(out, column->null_count ? column->buffers[0] : NULL, first, batch->length,
                          err);
        if (status) {
            break;
        }
        if (layout.bits) {
            status = put_bits(out, column->buffers[1], first, batch->length, err);
        } else if (layout.offset_width) {
            status = put_varlen(out, column, layout.offset_width, first, batch->length, err);
        } else if (rows) {
            status = put(out, (const char *)column->buffers[1] + first * (int64_t)layout.width,
                         (size_t)batch->length * layout.width, err);
        }
    }
    return status;
}

static void array_release(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        struct ArrowArray *child = array->children[i];
        if (child && child->release) {
            child->release(child);
        }
        free(child);
    }
    for (int64_t i = 0; i < array->n_buffers; i++) {
        free((void *)(uintptr_t)array->buffers[i]);
    }
    free(array->children);
    free(array->buffers);
    array->release = NULL;
}

/* A copy of the next `len` bytes, so that buffers are aligned and live on their own. */
static bool take(struct cursor *cursor, size_t len, const void **ret_copy)
{
    const void *data = get(cursor, len);
    void *copy = data ? malloc(len ? len : 1) : NULL;
    if (copy && len) {
        memcpy(copy, data, len);
    }
    *ret_copy = copy;
    return copy != NULL;
}

static bool offsets_ascend(const void *offsets, size_t width, int64_t rows, uint64_t bytes)
{
    int64_t last = 0;
    for (int64_t i = 0; i <= rows; i++) {
        int64_t offset = offset_at(offsets, width, i);
        if (offset < last || (uint64_t)offset > bytes) {
            return false;
        }
        last = offset;
    }
    return true;
}

static bool column_read(struct cursor *cursor, const struct ArrowSchema *field, int64_t rows,
                        struct ArrowArray *column)
{
    struct layout layout;
    size_t bits = (size_t)((rows + 7) / 8), bytes;
    if (layout_of(field, &layout)) {
        return false;
    }
    column->length = rows;
    column->null_count = -1;
    column->n_buffers = layout.offset_width ? 3 : 2;
    column->buffers = calloc(3, sizeof *column->buffers);
    if (!column->buffers || !take(cursor, bits, &column->buffers[0])) {
        return false;
    }
    if (layout.bits) {
        return take(cursor, bits, &column->buffers[1]);
    }
    if (!layout.offset_width) {
        return take(cursor, (size_t)rows * layout.width, &column->buffers[1]);
    }
    if (!take(cursor, (size_t)(rows + 1) * layout.offset_width, &column->buffers[1])) {
        return false;
    }
    bytes = (size_t)get_u64(cursor);
    return take(cursor, bytes, &column->buffers[2]) &&
           offsets_ascend(column->buffers[1], layout.offset_width, rows, bytes);
}

int toy_batch_read(const struct ArrowSchema *schema, const void *data, size_t len,
                   struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct cursor cursor = {data, len, false};
    uint64_t rows = get_u64(&cursor);
    struct ArrowArray batch = {.length = (int64_t)rows, .release = array_release, .n_buffers = 1};
    bool good = rows <= len * 8 || !schema->n_children;
    batch.buffers = calloc(1, sizeof *batch.buffers);
    batch.children = calloc((size_t)schema->n_children + 1, sizeof *batch.children);
    good = good && batch.buffers && batch.children;
    for (int64_t i = 0; good && i < schema->n_children; i++) {
        struct ArrowArray *column = calloc(1, sizeof *column);
        batch.children[i] = column;
        batch.n_children++;
        good = column != NULL;
        if (good) {
            column->release = array_release;
            good = column_read(&cursor, schema->children[i], (int64_t)rows, column);
        }
    }
    if (!good || cursor.bad || cursor.left) {
        batch.n_buffers = batch.buffers ? 1 : 0;
        array_release(&batch);
        return lt_fail(err, LT_E_CORRUPT, "a batch does not have the shape its schema gives it");
    }
    *ret_batch = batch;
    return LEAT_OK;
}
