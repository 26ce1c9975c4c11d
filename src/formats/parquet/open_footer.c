/* The footer and what it says of row groups, checked before anything is believed. */
#include "core/codes.h"
#include "core/util.h"
#include "formats/parquet/reader.h"

#include <ctype.h>
#include <stdlib.h>

#include "core/banned.h"

/* Read at once from the end of the file: most footers lie within. */
#define TAIL_FIRST (64 << 10)
/* Of a file: magic, footer length, magic. */
#define FILE_MIN (4 + LT_PQ_TAIL)

static int encrypted(struct leat_error *err, const char *what)
{
    int status = lt_fail(err, LT_E_UNSUPPORTED, "%s encrypted, which leat does not read", what);
    leat_error_remedy(err, "write the file without encryption, or leave encrypted columns out with "
                           "--columns");
    return status;
}

static int check_magic(const uint8_t *magic, struct leat_error *err)
{
    if (!memcmp(magic, LT_PQ_MAGIC, 4)) {
        return LEAT_OK;
    }
    if (!memcmp(magic, LT_PQ_MAGIC_ENCRYPTED, 4)) {
        return encrypted(err, "the file's footer is");
    }
    return lt_fail(err, LT_E_CORRUPT,
                   "it does not end as Parquet does: it was cut short, or is no Parquet");
}

int lt_pq_open_footer(struct lt_format_reader *reader, struct leat_error *err)
{
    struct lt_source *source = reader->file.source;
    struct lt_buf *buf = &reader->footer;
    if (!source->ops->read_at || source->size < 0) {
        return lt_fail(err, LT_E_UNSUPPORTED, "Parquet is read from files, not from streams");
    }
    if (source->size < FILE_MIN) {
        return lt_fail(err, LT_E_CORRUPT, "%lld bytes are too few for a Parquet file",
                       (long long)source->size);
    }
    size_t tail = (size_t)LT_MIN(source->size, TAIL_FIRST);
    if (lt_buf_reserve(buf, tail)) {
        return lt_fail_oom(err);
    }
    int status = source->ops->read_at(source, source->size - (int64_t)tail, buf->data, tail, err);
    buf->len = status ? 0 : tail;
    status = status ? status : check_magic(buf->data + tail - 4, err);
    if (status) {
        return status;
    }
    const uint8_t *b = buf->data + tail - LT_PQ_TAIL;
    int64_t len = (int64_t)b[0] | (int64_t)b[1] << 8 | (int64_t)b[2] << 16 | (int64_t)b[3] << 24;
    if (len > source->size - FILE_MIN) {
        return lt_fail(err, LT_E_CORRUPT, "its footer of %lld bytes does not fit into the file",
                       (long long)len);
    }
    reader->file.data_end = source->size - LT_PQ_TAIL - len;
    if (len > (int64_t)tail - LT_PQ_TAIL) {
        lt_buf_clear(buf);
        if (lt_buf_reserve(buf, (size_t)len)) {
            return lt_fail_oom(err);
        }
        status = source->ops->read_at(source, reader->file.data_end, buf->data, (size_t)len, err);
        buf->len = status ? 0 : (size_t)len;
    } else {
        buf->len -= LT_PQ_TAIL;
        lt_buf_drop(buf, buf->len - (size_t)len);
    }
    return status ? status : lt_pq_footer_read(buf->data, buf->len, &reader->file.footer, err);
}

/* --- row groups ------------------------------------------------------------------------------ */

static int bad_groups(struct leat_error *err, size_t n)
{
    int status = lt_fail(err, LT_E_INVALID,
                         "--row-groups takes numbers and ranges in ascending order, as 0,3-5");
    if (n) {
        leat_error_remedy(err, "the file has row groups 0 to %zu", n - 1);
    } else {
        leat_error_remedy(err, "the file has no row groups");
    }
    return status;
}

static bool read_number(const char **at, size_t *ret_number)
{
    size_t number = 0;
    const char *start = *at;
    for (; isdigit((unsigned char)**at) && *at - start < 9; ++*at) {
        number = number * 10 + (size_t)(**at - '0');
    }
    *ret_number = number;
    return *at > start;
}

static int pick_groups(struct lt_pq_file *file, const char *text, struct leat_error *err)
{
    size_t n = file->footer.n_groups, next = 0, first, last;
    bool more = true;
    while (more) {
        if (!read_number(&text, &first)) {
            return bad_groups(err, n);
        }
        last = first;
        if (*text == '-') {
            text++;
            if (!read_number(&text, &last)) {
                return bad_groups(err, n);
            }
        }
        if (first < next || last < first || last >= n || (*text && *text != ',')) {
            return bad_groups(err, n);
        }
        for (next = last + 1; first < next; first++) {
            file->groups[file->n_groups++] = first;
        }
        more = *text == ',';
        text += more;
    }
    return LEAT_OK;
}

static int check_chunk(const struct lt_pq_chunk *chunk, const struct lt_pq_node *node,
                       struct leat_error *err)
{
    if (chunk->encrypted) {
        return encrypted(err, "it is");
    }
    if (chunk->file_path.data && chunk->file_path.len) {
        int status = lt_fail(err, LT_E_UNSUPPORTED, "its values lie in another file");
        leat_error_remedy(err, "read the files that hold the data instead of their summary");
        return status;
    }
    if (chunk->type != (int32_t)node->type) {
        return lt_fail(err, LT_E_CORRUPT, "a chunk of %s in a column of %s",
                       lt_pq_type_name(chunk->type), lt_pq_type_name((int)node->type));
    }
    return LEAT_OK;
}

static int check_leaves(const struct lt_pq_row_group *group, const struct lt_pq_node *node,
                        struct leat_error *err)
{
    int status = LEAT_OK;
    if (node->shape == LT_PQ_LEAF) {
        return check_chunk(&group->chunks[node->leaf], node, err);
    }
    for (size_t i = 0; i < node->n_children && !status; i++) {
        status = check_leaves(group, &node->children[i], err);
    }
    return status;
}

static int check_group(const struct lt_format_reader *reader, const struct lt_pq_row_group *group,
                       struct leat_error *err)
{
    if (group->n_chunks != reader->tree.n_leaves) {
        return lt_fail(err, LT_E_CORRUPT, "%zu column chunks where the schema has %zu columns",
                       group->n_chunks, reader->tree.n_leaves);
    }
    if (group->num_rows < 0) {
        return lt_fail(err, LT_E_CORRUPT, "fewer than no rows");
    }
    for (size_t i = 0; i < reader->n_columns; i++) {
        int status = check_leaves(group, &reader->tree.columns[reader->columns[i]], err);
        if (status) {
            leat_error_place(err, "column \"%s\"", reader->schema.children[i]->name);
            return status;
        }
    }
    return LEAT_OK;
}

int lt_pq_open_groups(struct lt_format_reader *reader, const char *groups, struct leat_error *err)
{
    struct lt_pq_file *file = &reader->file;
    size_t n = file->footer.n_groups;
    int status = LEAT_OK;
    file->groups = calloc(n ? n : 1, sizeof *file->groups);
    if (!file->groups) {
        return lt_fail_oom(err);
    }
    if (groups && *groups) {
        status = pick_groups(file, groups, err);
    } else {
        for (; file->n_groups < n; file->n_groups++) {
            file->groups[file->n_groups] = file->n_groups;
        }
    }
    for (size_t i = 0; i < file->n_groups && !status; i++) {
        const struct lt_pq_row_group *group = &file->footer.groups[file->groups[i]];
        status = check_group(reader, group, err);
        if (!status &&
            __builtin_add_overflow(reader->rows_left, group->num_rows, &reader->rows_left)) {
            status = lt_fail(err, LT_E_CORRUPT, "more rows than can be counted");
        }
        if (status) {
            leat_error_place(err, "row group %zu", file->groups[i]);
        }
    }
    return status;
}
