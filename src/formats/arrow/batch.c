/* Record batches: buffers of a body found, decompressed, checked and shared with arrays. */
#include "formats/arrow/batch.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

/* Stands in for buffers of no bytes; long enough for the one offset of no values. */
static const _Alignas(64) uint8_t no_bytes[64];

struct cursor {
    const struct lt_ipc_message *message;
    const struct lt_ipc_span *buffers; /* of message->buffers.count */
    size_t node, buffer, variadic;
};

struct lt_ipc_body *lt_ipc_body_new(int64_t len)
{
    struct lt_ipc_body *body = calloc(1, sizeof *body);
    size_t size = ((size_t)len + 63) / 64 * 64;
    if (!body) {
        return NULL;
    }
    body->refs = 1;
    body->len = len;
    body->data = aligned_alloc(64, size ? size : 64);
    if (!body->data) {
        free(body);
        return NULL;
    }
    return body;
}

void lt_ipc_body_unref(struct lt_ipc_body *body)
{
    if (body && __atomic_sub_fetch(&body->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        free(body->data);
        free(body);
    }
}

enum lt_ipc_shape lt_ipc_shape(enum lt_type_id id)
{
    switch (id) {
    case LT_NULL:
        return LT_IPC_SHAPE_NONE;
    case LT_BOOL:
        return LT_IPC_SHAPE_BITS;
    case LT_UTF8:
    case LT_LARGE_UTF8:
    case LT_BINARY:
    case LT_LARGE_BINARY:
        return LT_IPC_SHAPE_BYTES;
    case LT_UTF8_VIEW:
    case LT_BINARY_VIEW:
        return LT_IPC_SHAPE_VIEWS;
    case LT_LIST:
    case LT_LARGE_LIST:
    case LT_MAP:
        return LT_IPC_SHAPE_LIST;
    case LT_STRUCT:
    case LT_FIXED_LIST:
        return LT_IPC_SHAPE_NESTED;
    default:
        return LT_IPC_SHAPE_FIXED;
    }
}

int lt_ipc_offset_width(enum lt_type_id id)
{
    return id == LT_LARGE_UTF8 || id == LT_LARGE_BINARY || id == LT_LARGE_LIST ? 8 : 4;
}

int64_t lt_ipc_count_bits(const uint8_t *bits, int64_t first, int64_t n)
{
    int64_t count = 0, i = first, end = first + n;
    while (i < end && i & 7) {
        count += lt_ipc_bit(bits, i++);
    }
    for (; end - i >= 64; i += 64) {
        uint64_t word;
        memcpy(&word, bits + (i >> 3), sizeof word);
        count += __builtin_popcountll(word);
    }
    while (i < end) {
        count += lt_ipc_bit(bits, i++);
    }
    return count;
}

void lt_ipc_node_done(struct lt_ipc_node *node)
{
    for (int64_t i = 0; i < node->n_children; i++) {
        lt_ipc_node_done(&node->children[i]);
    }
    free(node->children);
    free(node->spans);
    *node = (struct lt_ipc_node){0};
}

/* --- buffers of a body --------------------------------------------------------------------- */

static int corrupt(struct leat_error *err, const char *what)
{
    return lt_fail(err, LT_E_CORRUPT, "%s", what);
}

/* The buffers as they lie in the body. */
static int locate(const struct lt_ipc_message *message, const struct lt_ipc_body *body,
                  struct lt_ipc_span *spans, struct leat_error *err)
{
    int64_t sum = 0;
    for (size_t i = 0; i < message->buffers.count; i++) {
        int64_t at = lt_fb_vector_i64(&message->buffers, i * LT_IPC_PAIR_BYTES);
        int64_t len = lt_fb_vector_i64(&message->buffers, i * LT_IPC_PAIR_BYTES + 8);
        if (at < 0 || len < 0 || at > body->len || len > body->len - at) {
            return corrupt(err, "a buffer lies outside its message");
        }
        if (len && at % 8) {
            return corrupt(err, "a buffer is not aligned to 8 bytes");
        }
        spans[i] = (struct lt_ipc_span){len ? body->data + at : no_bytes, len};
        sum += len / 8;
    }
    /* Otherwise one compressed buffer named often could be unpacked into any amount. */
    if (message->codec != LT_CODEC_NONE && sum > body->len / 8 + 8) {
        return corrupt(err, "compressed buffers overlap");
    }
    return LEAT_OK;
}

/* What a compressed buffer says it holds; -1: it is stored as it is. */
static int raw_len(const struct lt_ipc_span *span, int64_t *ret_len, struct leat_error *err)
{
    int64_t raw;
    if (span->len == 0) {
        *ret_len = 0;
        return LEAT_OK;
    }
    if (span->len < 8) {
        return corrupt(err, "a compressed buffer is too short");
    }
    memcpy(&raw, span->data, sizeof raw);
    int64_t packed = span->len - 8;
    if (raw == -1) {
        raw = packed;
    } else if (raw < 0 || raw / LT_IPC_RATIO_MAX > packed) {
        return corrupt(err, "a compressed buffer says an impossible length");
    }
    *ret_len = raw;
    return LEAT_OK;
}

static int unpack(enum lt_codec codec, struct lt_ipc_span *span, uint8_t *out, int64_t raw,
                  struct leat_error *err)
{
    int64_t stated;
    if (!raw) {
        *span = (struct lt_ipc_span){no_bytes, 0};
        return LEAT_OK;
    }
    memcpy(&stated, span->data, sizeof stated);
    if (stated == -1) {
        memcpy(out, span->data + 8, (size_t)raw);
    } else {
        int rc = lt_codec_decompress(codec, span->data + 8, (size_t)span->len - 8, out, (size_t)raw,
                                     err);
        if (rc) {
            return rc;
        }
    }
    *span = (struct lt_ipc_span){out, raw};
    return LEAT_OK;
}

/* Decompresses all buffers into one new block. */
static int unpack_all(enum lt_codec codec, struct lt_ipc_span *spans, size_t n,
                      struct lt_ipc_body **ret_owner, struct leat_error *err)
{
    int64_t total = 0, raw = 0;
    for (size_t i = 0; i < n; i++) {
        int rc = raw_len(&spans[i], &raw, err);
        if (rc) {
            return rc;
        }
        if (raw > LT_IPC_RAW_MAX - total - 64) {
            return lt_fail(err, LT_E_LIMIT, "a record batch of more than %lld MiB",
                           (long long)(LT_IPC_RAW_MAX >> 20));
        }
        total += (raw + 63) / 64 * 64;
    }
    struct lt_ipc_body *owner = lt_ipc_body_new(total);
    if (!owner) {
        return lt_fail_oom(err);
    }
    int64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        int rc = raw_len(&spans[i], &raw, err);
        if (!rc) {
            rc = unpack(codec, &spans[i], owner->data + at, raw, err);
        }
        if (rc) {
            lt_ipc_body_unref(owner);
            return rc;
        }
        at += (raw + 63) / 64 * 64;
    }
    *ret_owner = owner;
    return LEAT_OK;
}

/* --- columns ------------------------------------------------------------------------------- */

static int next_buffer(struct cursor *c, struct lt_ipc_span *ret_span, struct leat_error *err)
{
    if (c->buffer >= c->message->buffers.count) {
        return corrupt(err, "the message has too few buffers");
    }
    *ret_span = c->buffers[c->buffer++];
    return LEAT_OK;
}

static int read_validity(struct cursor *c, struct lt_ipc_node *node, struct leat_error *err)
{
    struct lt_ipc_span span = {NULL, 0};
    int rc = next_buffer(c, &span, err);
    if (rc) {
        return rc;
    }
    if (!span.len) {
        return node->null_count ? corrupt(err, "a column with nulls has no validity bitmap")
                                : LEAT_OK;
    }
    if (span.len < node->length / 8 + (node->length % 8 != 0)) {
        return corrupt(err, "a validity bitmap is too short");
    }
    int64_t nulls = node->length - lt_ipc_count_bits(span.data, 0, node->length);
    if (nulls != node->null_count) {
        return corrupt(err, "a validity bitmap does not have the nulls it should");
    }
    node->validity = nulls ? span.data : NULL;
    return LEAT_OK;
}

/* Offsets must ascend from 0 or more to at most `end`. */
static int check_offsets(const uint8_t *offsets, int width, int64_t n, int64_t end,
                         struct leat_error *err)
{
    bool bad = false;
    int64_t last = lt_ipc_offset(offsets, width, 0);
    if (last < 0) {
        return corrupt(err, "an offset is negative");
    }
    if (width == 4) {
        const int32_t *at = (const int32_t *)(const void *)offsets;
        for (int64_t i = 0; i < n; i++) {
            bad |= at[i + 1] < at[i];
        }
    } else {
        const int64_t *at = (const int64_t *)(const void *)offsets;
        for (int64_t i = 0; i < n; i++) {
            bad |= at[i + 1] < at[i];
        }
    }
    if (bad || lt_ipc_offset(offsets, width, n) > end) {
        return corrupt(err, "the offsets of a column do not ascend within its data");
    }
    return LEAT_OK;
}

static int read_offsets(struct cursor *c, int width, struct lt_ipc_node *node,
                        struct leat_error *err)
{
    struct lt_ipc_span span = {NULL, 0};
    int rc = next_buffer(c, &span, err);
    if (rc) {
        return rc;
    }
    if (node->length == 0) {
        /* Writers may leave out the one offset of no values. */
        node->offsets = no_bytes;
        return LEAT_OK;
    }
    if (span.len / width <= node->length) {
        return corrupt(err, "a buffer of offsets is too short");
    }
    node->offsets = span.data;
    return LEAT_OK;
}

static int check_views(const struct lt_ipc_node *node, struct leat_error *err)
{
    for (int64_t i = 0; i < node->length; i++) {
        int32_t view[4]; /* length; up to 12 bytes, or 4 bytes, buffer, offset */
        memcpy(view, node->data + i * 16, sizeof view);
        if (node->validity && !lt_ipc_bit(node->validity, i)) {
            continue;
        }
        if (view[0] < 0) {
            return corrupt(err, "a view has a negative length");
        }
        if (view[0] <= 12) {
            continue;
        }
        if (view[2] < 0 || view[2] >= node->n_spans || view[3] < 0 ||
            node->spans[view[2]].len - view[3] < view[0]) {
            return corrupt(err, "a view points outside its buffers");
        }
    }
    return LEAT_OK;
}

static int read_spans(struct cursor *c, struct lt_ipc_node *node, struct leat_error *err)
{
    if (c->variadic >= c->message->variadic.count) {
        return corrupt(err, "a column of views has no count of buffers");
    }
    int64_t n = lt_fb_vector_i64(&c->message->variadic, 8 * c->variadic++);
    if (n < 0 || n > (int64_t)(c->message->buffers.count - c->buffer)) {
        return corrupt(err, "the message has too few buffers");
    }
    node->spans = n ? calloc((size_t)n, sizeof *node->spans) : NULL;
    if (n && !node->spans) {
        return lt_fail_oom(err);
    }
    node->n_spans = n;
    for (int64_t i = 0; i < n; i++) {
        node->spans[i] = c->buffers[c->buffer++];
    }
    return check_views(node, err);
}

/* The values buffer of fixed-width values, bits or views. */
static int read_data(struct cursor *c, const struct lt_ipc_field *field, struct lt_ipc_node *node,
                     struct leat_error *err)
{
    struct lt_ipc_span span = {NULL, 0};
    int64_t need = node->length / 8 + (node->length % 8 != 0);
    int rc = next_buffer(c, &span, err);
    if (rc) {
        return rc;
    }
    if (field->id != LT_BOOL && __builtin_mul_overflow(node->length, field->width, &need)) {
        return corrupt(err, "a column is longer than can be");
    }
    if (span.len < need) {
        return corrupt(err, "a buffer of values is too short");
    }
    node->data = span.data;
    return LEAT_OK;
}

static int read_node(struct cursor *c, const struct lt_ipc_field *field, struct lt_ipc_node *node,
                     struct leat_error *err);

static int read_children(struct cursor *c, const struct lt_ipc_field *field,
                         struct lt_ipc_node *node, struct leat_error *err)
{
    int64_t need = node->length;
    if (!field->n_children) {
        return LEAT_OK;
    }
    node->children = calloc((size_t)field->n_children, sizeof *node->children);
    if (!node->children) {
        return lt_fail_oom(err);
    }
    node->n_children = field->n_children;
    for (int64_t i = 0; i < field->n_children; i++) {
        int rc = read_node(c, &field->children[i], &node->children[i], err);
        if (rc) {
            return rc;
        }
    }
    if (lt_ipc_shape(field->id) == LT_IPC_SHAPE_LIST) {
        return check_offsets(node->offsets, lt_ipc_offset_width(field->id), node->length,
                             node->children[0].length, err);
    }
    if (field->id == LT_FIXED_LIST && __builtin_mul_overflow(need, field->width, &need)) {
        return corrupt(err, "a column is longer than can be");
    }
    for (int64_t i = 0; i < node->n_children; i++) {
        if (node->children[i].length < need) {
            return corrupt(err, "a nested column is shorter than its parent");
        }
    }
    return LEAT_OK;
}

static int read_node(struct cursor *c, const struct lt_ipc_field *field, struct lt_ipc_node *node,
                     struct leat_error *err)
{
    enum lt_ipc_shape shape = lt_ipc_shape(field->id);
    struct lt_ipc_span span = {NULL, 0};
    if (c->node >= c->message->nodes.count) {
        return corrupt(err, "the message has too few columns");
    }
    node->length = lt_fb_vector_i64(&c->message->nodes, c->node * LT_IPC_PAIR_BYTES);
    node->null_count = lt_fb_vector_i64(&c->message->nodes, c->node++ * LT_IPC_PAIR_BYTES + 8);
    if (node->length < 0 || node->length > LT_IPC_ROWS_MAX || node->null_count < 0 ||
        node->null_count > node->length) {
        return corrupt(err, "a column has an impossible length");
    }
    if (shape == LT_IPC_SHAPE_NONE) {
        node->null_count = node->length;
        return LEAT_OK;
    }
    int rc = read_validity(c, node, err);
    if (rc) {
        return rc;
    }
    switch (shape) {
    case LT_IPC_SHAPE_BITS:
    case LT_IPC_SHAPE_FIXED:
        return read_data(c, field, node, err);
    case LT_IPC_SHAPE_VIEWS:
        rc = read_data(c, field, node, err);
        return rc ? rc : read_spans(c, node, err);
    case LT_IPC_SHAPE_BYTES:
        rc = read_offsets(c, lt_ipc_offset_width(field->id), node, err);
        if (!rc) {
            rc = next_buffer(c, &span, err);
        }
        if (rc) {
            return rc;
        }
        node->data = span.data;
        node->data_len = span.len;
        return check_offsets(node->offsets, lt_ipc_offset_width(field->id), node->length, span.len,
                             err);
    case LT_IPC_SHAPE_LIST:
        rc = read_offsets(c, lt_ipc_offset_width(field->id), node, err);
        return rc ? rc : read_children(c, field, node, err);
    default:
        return read_children(c, field, node, err);
    }
}

static int read_columns(struct cursor *c, const struct lt_ipc_field *field, bool root,
                        struct lt_ipc_node *node, struct leat_error *err)
{
    int rc;
    if (root) {
        node->length = c->message->rows;
        rc = node->length > LT_IPC_ROWS_MAX ? corrupt(err, "a batch has an impossible length")
                                            : read_children(c, field, node, err);
    } else {
        rc = read_node(c, field, node, err);
    }
    if (rc) {
        return rc;
    }
    for (int64_t i = 0; root && i < node->n_children; i++) {
        if (node->children[i].length != node->length) {
            return corrupt(err, "a column is not as long as its batch");
        }
    }
    if (!root && node->length != c->message->rows) {
        return corrupt(err, "a dictionary is not as long as its batch");
    }
    if (c->node != c->message->nodes.count || c->buffer != c->message->buffers.count ||
        c->variadic != c->message->variadic.count) {
        return corrupt(err, "the message has more columns or buffers than its schema");
    }
    return LEAT_OK;
}

int lt_ipc_batch_read(const struct lt_ipc_message *message, const struct lt_ipc_field *field,
                      bool root, struct lt_ipc_body *body, struct lt_ipc_node *ret_node,
                      struct lt_ipc_body **ret_owner, struct leat_error *err)
{
    size_t n = message->buffers.count;
    struct lt_ipc_span *spans = calloc(n ? n : 1, sizeof *spans);
    struct lt_ipc_body *owner = NULL;
    struct lt_ipc_node node = {0};
    struct cursor cursor = {.message = message, .buffers = spans};
    int rc = spans ? locate(message, body, spans, err) : lt_fail_oom(err);

    if (!rc && message->codec != LT_CODEC_NONE) {
        rc = unpack_all(message->codec, spans, n, &owner, err);
    } else if (!rc) {
        owner = body;
        __atomic_add_fetch(&body->refs, 1, __ATOMIC_RELAXED);
    }
    if (!rc) {
        rc = read_columns(&cursor, field, root, &node, err);
    }
    free(spans);
    if (rc) {
        lt_ipc_node_done(&node);
        lt_ipc_body_unref(owner);
        return rc;
    }
    *ret_node = node;
    *ret_owner = owner;
    return LEAT_OK;
}

/* --- arrays -------------------------------------------------------------------------------- */

struct array_private {
    struct lt_ipc_body *owner; /* NULL: the buffers are the array's own */
    const void *buffers[3];
    struct ArrowArray **children;
    struct ArrowArray storage[];
};

static void release_array(struct ArrowArray *array)
{
    struct array_private *p = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++) {
        if (p->children[i]->release) {
            p->children[i]->release(p->children[i]);
        }
    }
    for (size_t i = 0; !p->owner && i < LT_ARRAY_LEN(p->buffers); i++) {
        free((void *)(uintptr_t)p->buffers[i]);
    }
    lt_ipc_body_unref(p->owner);
    free(p->children);
    free(p);
    array->release = NULL;
}

int lt_ipc_array_new(int64_t n_buffers, int64_t n_children, struct lt_ipc_body *owner,
                     struct ArrowArray *ret_array, struct leat_error *err)
{
    size_t n = (size_t)n_children;
    struct array_private *p = calloc(1, sizeof *p + n * sizeof p->storage[0]);
    if (!p) {
        return lt_fail_oom(err);
    }
    p->children = calloc(n ? n : 1, sizeof *p->children);
    if (!p->children) {
        free(p);
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        p->children[i] = &p->storage[i];
    }
    p->owner = owner;
    if (owner) {
        __atomic_add_fetch(&owner->refs, 1, __ATOMIC_RELAXED);
    }
    *ret_array = (struct ArrowArray){.n_buffers = n_buffers,
                                     .n_children = n_children,
                                     .buffers = p->buffers,
                                     .children = n ? p->children : NULL,
                                     .release = release_array,
                                     .private_data = p};
    return LEAT_OK;
}

int lt_ipc_export(const struct lt_ipc_field *field, const struct lt_ipc_node *node,
                  struct lt_ipc_body *owner, int64_t first, int64_t rows,
                  struct ArrowArray *ret_array, struct leat_error *err)
{
    static const int n_buffers[] = {
        [LT_IPC_SHAPE_NONE] = 0,  [LT_IPC_SHAPE_BITS] = 2, [LT_IPC_SHAPE_FIXED] = 2,
        [LT_IPC_SHAPE_BYTES] = 3, [LT_IPC_SHAPE_LIST] = 2, [LT_IPC_SHAPE_NESTED] = 1};
    enum lt_ipc_shape shape = lt_ipc_shape(field->id);
    struct ArrowArray array;
    int rc = lt_ipc_array_new(n_buffers[shape], node->n_children, owner, &array, err);
    if (rc) {
        return rc;
    }
    array.length = rows;
    array.offset = node->offset + first;
    array.null_count = shape == LT_IPC_SHAPE_NONE ? rows
                       : rows == node->length     ? node->null_count
                       : node->validity           ? -1
                                                  : 0;
    if (shape != LT_IPC_SHAPE_NONE) {
        array.buffers[0] = node->validity;
    }
    if (shape == LT_IPC_SHAPE_BITS || shape == LT_IPC_SHAPE_FIXED) {
        array.buffers[1] = node->data;
    } else if (shape == LT_IPC_SHAPE_BYTES || shape == LT_IPC_SHAPE_LIST) {
        array.buffers[1] = node->offsets;
    }
    if (shape == LT_IPC_SHAPE_BYTES) {
        array.buffers[2] = node->data;
    }
    for (int64_t i = 0; i < node->n_children && !rc; i++) {
        rc = lt_ipc_export(&field->children[i], &node->children[i], owner, 0,
                           node->children[i].length, array.children[i], err);
    }
    if (rc) {
        array.release(&array);
        return rc;
    }
    *ret_array = array;
    return LEAT_OK;
}

static int node_buffers(const struct lt_ipc_field *field, const struct ArrowArray *array,
                        struct lt_ipc_node *node, struct leat_error *err)
{
    enum lt_ipc_shape shape = lt_ipc_shape(field->id);
    if (shape == LT_IPC_SHAPE_NONE) {
        node->null_count = array->length;
        return LEAT_OK;
    }
    node->validity = array->null_count ? array->buffers[0] : NULL;
    node->null_count = array->null_count;
    if (!node->validity) {
        node->null_count = 0;
    } else if (array->null_count < 0) {
        node->null_count =
            array->length - lt_ipc_count_bits(node->validity, array->offset, array->length);
    }
    if (shape == LT_IPC_SHAPE_NESTED) {
        return LEAT_OK;
    }
    const uint8_t *first = array->buffers[1] ? array->buffers[1] : no_bytes;
    if (shape == LT_IPC_SHAPE_BYTES || shape == LT_IPC_SHAPE_LIST) {
        node->offsets = array->length ? first : no_bytes;
        node->offset = array->length ? array->offset : 0;
    } else {
        node->data = first;
    }
    if (shape == LT_IPC_SHAPE_BYTES) {
        node->data = array->buffers[2] ? array->buffers[2] : no_bytes;
    }
    if (shape == LT_IPC_SHAPE_VIEWS && array->n_buffers > 3) {
        const int64_t *lens = array->buffers[array->n_buffers - 1];
        node->n_spans = array->n_buffers - 3;
        node->spans = calloc((size_t)node->n_spans, sizeof *node->spans);
        if (!node->spans) {
            node->n_spans = 0;
            return lt_fail_oom(err);
        }
        for (int64_t i = 0; i < node->n_spans; i++) {
            node->spans[i] = (struct lt_ipc_span){array->buffers[2 + i], lens[i]};
        }
    }
    return LEAT_OK;
}

/* The dictionary's node lives behind the children of its own column, of which it has none. */
static int node_dictionary(const struct lt_ipc_field *field, const struct ArrowArray *array,
                           struct lt_ipc_node *node, struct leat_error *err)
{
    node->children = calloc(1, sizeof *node->children);
    if (!node->children) {
        return lt_fail_oom(err);
    }
    node->n_children = 1;
    node->dictionary = node->children;
    node->dictionary_field = field->values;
    return lt_ipc_node_of(field->values, array->dictionary, node->children, err);
}

int lt_ipc_node_of(const struct lt_ipc_field *field, const struct ArrowArray *array,
                   struct lt_ipc_node *ret_node, struct leat_error *err)
{
    struct lt_ipc_node node = {.length = array->length, .offset = array->offset};
    int rc = LEAT_OK;
    if (array->n_children != field->n_children || !array->dictionary != !field->values) {
        return lt_fail(err, LT_E_INTERNAL, "a batch does not fit the schema of its writer");
    }
    rc = node_buffers(field, array, &node, err);
    if (!rc && field->values) {
        rc = node_dictionary(field, array, &node, err);
    } else if (!rc && field->n_children) {
        node.children = calloc((size_t)field->n_children, sizeof *node.children);
        node.n_children = node.children ? field->n_children : 0;
        rc = node.children ? LEAT_OK : lt_fail_oom(err);
        for (int64_t i = 0; i < node.n_children && !rc; i++) {
            rc = lt_ipc_node_of(&field->children[i], array->children[i], &node.children[i], err);
        }
    }
    if (rc) {
        lt_ipc_node_done(&node);
        return rc;
    }
    *ret_node = node;
    return LEAT_OK;
}
