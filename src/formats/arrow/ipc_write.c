/* Writing Arrow IPC. Buffers go out from where they lie unless something must change: bitmaps are
 * always copied, which clears the bits of other rows in their last bytes; the offsets of a slice
 * are moved to start at 0, so that only the slice's own bytes are written. */
#include "core/codes.h"
#include "formats/arrow/batch.h"
#include "formats/arrow/ipc.h"

#include <stdlib.h>

#define PREFIX_LEN 8

struct piece {
    const void *data;
    int64_t len;
    void *owned; /* freed after the batch; NULL: borrowed */
};

struct lt_format_writer {
    struct lt_sink *sink;
    struct ArrowSchema schema;
    struct lt_ipc_field field;
    struct lt_ipc_field decoded;
    enum lt_codec codec;
    bool file;
    int64_t position;     /* bytes written, from the beginning of what we write */
    struct lt_buf blocks; /* struct lt_ipc_block, one a batch, of a file */

    /* Of the batch at hand. */
    struct lt_buf nodes;           /* pairs of int64 */
    struct lt_buf pieces;          /* struct piece */
    struct lt_buf buffers;         /* pairs of int64 */
    struct lt_buf packed;          /* the compressed body */
    struct lt_ipc_column *columns; /* decoded ones, of n columns */
    int64_t *rows;
    int64_t rows_cap;
};

/* --- bytes --------------------------------------------------------------------------------- */

static int put(struct lt_format_writer *w, const void *data, int64_t len, struct leat_error *err)
{
    if (!len) {
        return LEAT_OK;
    }
    int rc = lt_sink_write(w->sink, data, (size_t)len, err);
    w->position += rc ? 0 : len;
    return rc;
}

static int put_zeros(struct lt_format_writer *w, int64_t n, struct leat_error *err)
{
    static const uint8_t zeros[LT_IPC_ALIGN];
    return put(w, zeros, n, err);
}

static int64_t padding(int64_t at)
{
    return (LT_IPC_ALIGN - at % LT_IPC_ALIGN) % LT_IPC_ALIGN;
}

/* Prefix and metadata, padded so that the body begins at a multiple of LT_IPC_ALIGN. */
static int put_head(struct lt_format_writer *w, const struct lt_fbw *fbw, int64_t *ret_len,
                    struct leat_error *err)
{
    int64_t len = (int64_t)fbw->buf.len;
    int64_t pad = padding(w->position + PREFIX_LEN + len);
    uint32_t prefix[2] = {LT_IPC_CONTINUATION, (uint32_t)(len + pad)};
    if (fbw->oom || len + pad > INT32_MAX - PREFIX_LEN) {
        return lt_fail_oom(err);
    }
    int rc = put(w, prefix, sizeof prefix, err);
    if (!rc) {
        rc = put(w, fbw->buf.data, len, err);
    }
    if (!rc) {
        rc = put_zeros(w, pad, err);
    }
    *ret_len = PREFIX_LEN + len + pad;
    return rc;
}

/* --- columns to pieces --------------------------------------------------------------------- */

static int add_piece(struct lt_format_writer *w, const void *data, int64_t len, void *owned,
                     struct leat_error *err)
{
    struct piece piece = {data, len, owned};
    if (lt_buf_append(&w->pieces, &piece, sizeof piece)) {
        free(owned);
        return lt_fail_oom(err);
    }
    return LEAT_OK;
}

static int add_bits(struct lt_format_writer *w, const uint8_t *bits, int64_t first, int64_t n,
                    struct leat_error *err)
{
    int64_t len = (n + 7) / 8, shift = first & 7;
    const uint8_t *in = bits + (first >> 3);
    if (!n) {
        return add_piece(w, NULL, 0, NULL, err);
    }
    uint8_t *out = malloc((size_t)len);
    if (!out) {
        return lt_fail_oom(err);
    }
    /* The last byte may straddle one input byte less than the others: never read past the end. */
    int64_t in_len = (shift + n + 7) / 8;
    for (int64_t i = 0; i < len; i++) {
        unsigned two = in[i] | (i + 1 < in_len ? (unsigned)in[i + 1] << 8 : 0);
        out[i] = (uint8_t)(two >> shift);
    }
    if (n & 7) {
        out[len - 1] &= (uint8_t)((1u << (n & 7)) - 1);
    }
    return add_piece(w, out, len, out, err);
}

/* Offsets [first, first + n], from 0 on. Also says which bytes or elements they cover. */
static int add_offsets(struct lt_format_writer *w, const uint8_t *offsets, int width, int64_t first,
                       int64_t n, int64_t *ret_start, int64_t *ret_end, struct leat_error *err)
{
    int64_t start = lt_ipc_offset(offsets, width, first);
    const uint8_t *in = offsets + first * width;
    *ret_start = start;
    *ret_end = lt_ipc_offset(offsets, width, first + n);
    if (!start) {
        return add_piece(w, in, (n + 1) * width, NULL, err);
    }
    void *out = malloc((size_t)((n + 1) * width));
    if (!out) {
        return lt_fail_oom(err);
    }
    if (width == 4) {
        int32_t *to = out;
        for (int64_t i = 0; i <= n; i++) {
            to[i] = (int32_t)(lt_ipc_offset(in, 4, i) - start);
        }
    } else {
        int64_t *to = out;
        for (int64_t i = 0; i <= n; i++) {
            to[i] = lt_ipc_offset(in, 8, i) - start;
        }
    }
    return add_piece(w, out, (n + 1) * width, out, err);
}

static int add_validity(struct lt_format_writer *w, const struct lt_ipc_node *node, int64_t at,
                        int64_t n, struct leat_error *err)
{
    int64_t nulls = node->validity ? n - lt_ipc_count_bits(node->validity, at, n) : 0;
    int64_t pair[2] = {n, nulls};
    if (lt_buf_append(&w->nodes, pair, sizeof pair)) {
        return lt_fail_oom(err);
    }
    return nulls ? add_bits(w, node->validity, at, n, err) : add_piece(w, NULL, 0, NULL, err);
}

static int add_column(struct lt_format_writer *w, const struct lt_ipc_field *field,
                      const struct lt_ipc_node *node, int64_t first, int64_t n,
                      struct leat_error *err);

static int add_children(struct lt_format_writer *w, const struct lt_ipc_field *field,
                        const struct lt_ipc_node *node, int64_t first, int64_t n,
                        struct leat_error *err)
{
    int rc = LEAT_OK;
    for (int64_t i = 0; i < field->n_children && !rc; i++) {
        rc = add_column(w, &field->children[i], &node->children[i], first, n, err);
    }
    return rc;
}

/* Adds n values from `first` on, children included, in the order of the specification: a node,
 * then validity, offsets and data. */
static int add_column(struct lt_format_writer *w, const struct lt_ipc_field *field,
                      const struct lt_ipc_node *node, int64_t first, int64_t n,
                      struct leat_error *err)
{
    enum lt_ipc_shape shape = lt_ipc_shape(field->id);
    int64_t at = node->offset + first, start, end;
    if (shape == LT_IPC_SHAPE_NONE) {
        int64_t pair[2] = {n, n};
        return lt_buf_append(&w->nodes, pair, sizeof pair) ? lt_fail_oom(err) : LEAT_OK;
    }
    int rc = add_validity(w, node, at, n, err);
    if (rc) {
        return rc;
    }
    switch (shape) {
    case LT_IPC_SHAPE_BITS:
        return add_bits(w, node->data, at, n, err);
    case LT_IPC_SHAPE_FIXED:
        return add_piece(w, node->data + at * field->width, n * field->width, NULL, err);
    case LT_IPC_SHAPE_BYTES:
        rc =
            add_offsets(w, node->offsets, lt_ipc_offset_width(field->id), at, n, &start, &end, err);
        return rc ? rc : add_piece(w, node->data + start, end - start, NULL, err);
    case LT_IPC_SHAPE_LIST:
        rc =
            add_offsets(w, node->offsets, lt_ipc_offset_width(field->id), at, n, &start, &end, err);
        return rc ? rc : add_children(w, field, node, start, end - start, err);
    default:
        if (field->id == LT_FIXED_LIST) {
            return add_children(w, field, node, at * field->width, n * field->width, err);
        }
        return add_children(w, field, node, at, n, err);
    }
}

/* Decodes a column of views or dictionaries, then adds what came of it. */
static int add_decoded(struct lt_format_writer *w, int64_t i, const struct lt_ipc_node *node,
                       int64_t first, int64_t n, struct leat_error *err)
{
    struct lt_ipc_node plain;
    int64_t budget = INT64_MAX;
    if (n > w->rows_cap) {
        int64_t *rows = realloc(w->rows, (size_t)n * sizeof *rows);
        if (!rows) {
            return lt_fail_oom(err);
        }
        w->rows = rows;
        w->rows_cap = n;
    }
    for (int64_t k = 0; k < n; k++) {
        w->rows[k] = first + k;
    }
    int rc = lt_ipc_take(&w->field.children[i], node, w->rows, n, &w->columns[i], &budget, err);
    if (!rc) {
        rc = lt_ipc_column_node(&w->decoded.children[i], &w->columns[i], &plain, err);
    }
    if (!rc) {
        rc = add_column(w, &w->decoded.children[i], &plain, 0, n, err);
        lt_ipc_node_done(&plain);
    }
    return rc;
}

/* --- bodies -------------------------------------------------------------------------------- */

/* One buffer as it is stored when compressed: its length and a frame, or -1 and its bytes where
 * a frame would be no shorter. */
static int pack_piece(struct lt_format_writer *w, const struct piece *piece, struct leat_error *err)
{
    int64_t raw = piece->len, as_is = -1;
    size_t start = w->packed.len;
    if (lt_buf_append(&w->packed, &raw, sizeof raw)) {
        return lt_fail_oom(err);
    }
    int rc = lt_codec_compress(w->codec, 0, piece->data, (size_t)raw, &w->packed, err);
    if (rc || w->packed.len - start - 8 < (size_t)raw) {
        return rc;
    }
    w->packed.len = start;
    if (lt_buf_append(&w->packed, &as_is, sizeof as_is) ||
        lt_buf_append(&w->packed, piece->data, (size_t)raw)) {
        return lt_fail_oom(err);
    }
    return LEAT_OK;
}

/* Lays the pieces out in the body (compressing them into w->packed), each at a multiple of
 * LT_IPC_ALIGN. */
static int lay_out(struct lt_format_writer *w, int64_t *ret_body_len, struct leat_error *err)
{
    static const uint8_t zeros[LT_IPC_ALIGN];
    const struct piece *pieces = (const struct piece *)(const void *)w->pieces.data;
    size_t n = w->pieces.len / sizeof *pieces;
    int64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t len = pieces[i].len;
        if (w->codec != LT_CODEC_NONE && len) {
            int rc = pack_piece(w, &pieces[i], err);
            if (rc) {
                return rc;
            }
            len = (int64_t)w->packed.len - at;
            if (lt_buf_append(&w->packed, zeros, (size_t)padding((int64_t)w->packed.len))) {
                return lt_fail_oom(err);
            }
        }
        int64_t pair[2] = {at, len};
        if (lt_buf_append(&w->buffers, pair, sizeof pair)) {
            return lt_fail_oom(err);
        }
        at += len + padding(len);
    }
    *ret_body_len = at;
    return LEAT_OK;
}

static int put_body(struct lt_format_writer *w, struct leat_error *err)
{
    const struct piece *pieces = (const struct piece *)(const void *)w->pieces.data;
    size_t n = w->pieces.len / sizeof *pieces;
    int rc = LEAT_OK;
    if (w->codec != LT_CODEC_NONE) {
        return put(w, w->packed.data, (int64_t)w->packed.len, err);
    }
    for (size_t i = 0; i < n && !rc; i++) {
        rc = put(w, pieces[i].data, pieces[i].len, err);
        if (!rc) {
            rc = put_zeros(w, padding(pieces[i].len), err);
        }
    }
    return rc;
}

static int put_batch(struct lt_format_writer *w, int64_t rows, struct leat_error *err)
{
    struct lt_fbw fbw;
    struct lt_ipc_block block = {.offset = w->position};
    int rc = lay_out(w, &block.body_len, err);
    if (rc) {
        return rc;
    }
    struct lt_ipc_batch_head head = {.rows = rows,
                                     .nodes = (const int64_t *)(const void *)w->nodes.data,
                                     .n_nodes = w->nodes.len / LT_IPC_PAIR_BYTES,
                                     .buffers = (const int64_t *)(const void *)w->buffers.data,
                                     .n_buffers = w->buffers.len / LT_IPC_PAIR_BYTES,
                                     .codec = w->codec,
                                     .body_len = block.body_len};
    lt_fbw_start(&fbw);
    lt_ipc_write_batch_head(&fbw, &head);
    rc = put_head(w, &fbw, &block.meta_len, err);
    lt_fbw_done(&fbw);
    if (!rc) {
        rc = put_body(w, err);
    }
    if (!rc && w->file && lt_buf_append(&w->blocks, &block, sizeof block)) {
        rc = lt_fail_oom(err);
    }
    return rc;
}

static void drop_pieces(struct lt_format_writer *w)
{
    struct piece *pieces = (struct piece *)(void *)w->pieces.data;
    for (size_t i = 0; i < w->pieces.len / sizeof *pieces; i++) {
        free(pieces[i].owned);
    }
    for (int64_t i = 0; w->columns && i < w->field.n_children; i++) {
        lt_ipc_column_done(&w->columns[i]);
    }
    lt_buf_clear(&w->nodes);
    lt_buf_clear(&w->pieces);
    lt_buf_clear(&w->buffers);
    lt_buf_clear(&w->packed);
}

int lt_ipc_write_batch(struct lt_format_writer *w, const struct ArrowArray *batch,
                       struct leat_error *err)
{
    struct lt_ipc_node root;
    int rc = lt_ipc_node_of(&w->field, batch, &root, err);
    if (rc) {
        return rc;
    }
    for (int64_t i = 0; i < root.n_children && !rc; i++) {
        const struct lt_ipc_field *field = &w->field.children[i];
        rc = field->plain ? add_column(w, field, &root.children[i], root.offset, root.length, err)
                          : add_decoded(w, i, &root.children[i], root.offset, root.length, err);
    }
    if (!rc) {
        rc = put_batch(w, root.length, err);
    }
    drop_pieces(w);
    lt_ipc_node_done(&root);
    return rc;
}

/* --- beginning and end --------------------------------------------------------------------- */

static int put_schema(struct lt_format_writer *w, struct leat_error *err)
{
    struct lt_fbw fbw;
    int64_t len;
    int rc = w->file ? put(w, LT_IPC_MAGIC "\0", LT_IPC_MAGIC_LEN + 2, err) : LEAT_OK;
    lt_fbw_start(&fbw);
    if (!rc) {
        rc = lt_ipc_write_schema(&fbw, &w->schema, err);
    }
    if (!rc) {
        rc = put_head(w, &fbw, &len, err);
    }
    lt_fbw_done(&fbw);
    return rc;
}

static int open_writer(struct lt_format_writer *w, const struct ArrowSchema *schema,
                       const struct lt_format_options *options, struct leat_error *err)
{
    const char *codec = lt_format_option(options, lt_ipc_write_options, "compression");
    int rc =
        lt_format_check_options(options, lt_ipc_write_options, w->file ? "arrow" : "arrows", err);
    if (!rc) {
        rc = lt_codec_parse(codec ? codec : "none", &w->codec, err);
    }
    if (!rc && w->codec == LT_CODEC_GZIP) {
        rc =
            lt_fail(err, LT_E_INVALID, "Arrow IPC knows no compression gzip; lz4 and zstd it does");
    }
    if (!rc) {
        rc = lt_schema_copy(schema, &w->schema, err);
    }
    if (!rc) {
        rc = lt_ipc_field_of(&w->schema, &w->field, err);
    }
    if (!rc) {
        rc = lt_ipc_field_decoded(&w->field, &w->decoded, err);
    }
    if (!rc && w->field.n_children) {
        w->columns = calloc((size_t)w->field.n_children, sizeof *w->columns);
        rc = w->columns ? LEAT_OK : lt_fail_oom(err);
    }
    return rc ? rc : put_schema(w, err);
}

int lt_ipc_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                      const struct lt_format_options *options, bool file,
                      struct lt_format_writer **ret_writer, struct leat_error *err)
{
    struct lt_format_writer *w = calloc(1, sizeof *w);
    if (!w) {
        return lt_fail_oom(err);
    }
    w->sink = sink;
    w->file = file;
    int rc = open_writer(w, schema, options, err);
    if (rc) {
        lt_ipc_write_close(w);
        return rc;
    }
    *ret_writer = w;
    return LEAT_OK;
}

int lt_ipc_write_finish(struct lt_format_writer *w, struct leat_error *err)
{
    static const uint32_t end[2] = {LT_IPC_CONTINUATION, 0};
    struct lt_fbw fbw;
    int rc = put(w, end, sizeof end, err);
    if (rc || !w->file) {
        return rc;
    }
    lt_fbw_start(&fbw);
    rc = lt_ipc_write_footer(&fbw, &w->schema,
                             (const struct lt_ipc_block *)(const void *)w->blocks.data,
                             w->blocks.len / sizeof(struct lt_ipc_block), err);
    int32_t len = (int32_t)fbw.buf.len;
    if (!rc) {
        rc = fbw.oom ? lt_fail_oom(err) : put(w, fbw.buf.data, len, err);
    }
    if (!rc) {
        rc = put(w, &len, sizeof len, err);
    }
    if (!rc) {
        rc = put(w, LT_IPC_MAGIC, LT_IPC_MAGIC_LEN, err);
    }
    lt_fbw_done(&fbw);
    return rc;
}

void lt_ipc_write_close(struct lt_format_writer *w)
{
    if (!w) {
        return;
    }
    drop_pieces(w);
    free(w->columns);
    free(w->rows);
    lt_ipc_field_done(&w->field);
    lt_ipc_field_done(&w->decoded);
    lt_schema_done(&w->schema);
    lt_buf_done(&w->blocks);
    lt_buf_done(&w->nodes);
    lt_buf_done(&w->pieces);
    lt_buf_done(&w->buffers);
    lt_buf_done(&w->packed);
    free(w);
}
