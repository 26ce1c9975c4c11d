/* Opening a file, and batches: the columns' next rows, as many as all of them have. */
#include "formats/parquet/read.h"

#include "core/codes.h"
#include "core/util.h"
#include "formats/parquet/nest.h"
#include "formats/parquet/reader.h"

#include <ctype.h>
#include <stdlib.h>

#include "core/banned.h"

/* Bytes read ahead in each column: a batch's in all, within these bounds. */
#define READ_AHEAD_MIN (16 << 10)
#define READ_AHEAD_MAX (1 << 20)
/* Bytes of pages and dictionaries, where nobody says what there is. */
#define HELD_MAX (64 << 20)
/* Bytes of a batch that each column may fill, however much the others have. */
#define LEAF_BYTES_MIN 4096

const struct leat_option lt_pq_read_options[] = {
    {"row-groups", LEAT_OPTION_TEXT, NULL, "N,N-N", "Only these row groups, from 0"},
    {"verify-checksums", LEAT_OPTION_CHOICE, "yes", "yes|no",
     "Whether pages are checked against their checksums, where they have one"},
    {"int96-unit", LEAT_OPTION_CHOICE, "us", "us|ns",
     "The unit in which INT96 timestamps are read; ns reaches from 1677 to 2262"},
    {.name = NULL}};

/* --- opening ---------------------------------------------------------------------------------- */

/* Moves column i of `all` behind those chosen. */
static int choose_column(struct lt_format_reader *reader, struct ArrowSchema *all, size_t i,
                         struct leat_error *err)
{
    int status = lt_schema_add_copy(&reader->schema, all->children[i], 0, err);
    if (!status) {
        reader->columns[reader->n_columns++] = i;
    }
    return status;
}

static int choose_columns(struct lt_format_reader *reader, struct ArrowSchema *all,
                          const struct lt_format_options *options, struct leat_error *err)
{
    bool chosen = options && options->columns;
    size_t n = chosen ? options->n_columns : (size_t)all->n_children;
    int status = lt_schema_init_struct(&reader->schema, 0, err);
    reader->columns = calloc(n ? n : 1, sizeof *reader->columns);
    if (!reader->columns && !status) {
        status = lt_fail_oom(err);
    }
    for (size_t i = 0; i < n && !status; i++) {
        int64_t at = chosen ? lt_schema_find(all, options->columns[i]) : (int64_t)i;
        status = at < 0 ? lt_schema_unknown_column(all, options->columns[i], err)
                        : choose_column(reader, all, (size_t)at, err);
    }
    return status ? status : lt_schema_check(&reader->schema, err);
}

/* Makes the leaves at and below a node. `path`: the names down to it, to which it adds. */
static int make_leaves(struct lt_format_reader *reader, const struct lt_pq_node *node,
                       struct ArrowSchema *field, bool micros, struct lt_buf *path, size_t top,
                       struct leat_error *err)
{
    size_t path_len = path->len;
    int status = LEAT_OK;
    if (lt_buf_printf(path, path_len ? ".%s" : "%s", field->name)) {
        return lt_fail_oom(err);
    }
    if (node->shape == LT_PQ_LEAF) {
        if (node->type == LT_PQ_INT96 && micros) {
            status = lt_schema_set_format(field, "tsu:", err);
        }
        status = status ? status
                        : lt_pq_leaf_new(&reader->file, node, field, lt_buf_text(path), top,
                                         &reader->leaves[node->leaf], err);
        if (!status) {
            reader->picked[reader->n_picked++] = node->leaf;
        }
    }
    struct ArrowSchema *parent = node->shape == LT_PQ_MAP ? field->children[0] : field;
    for (size_t i = 0; i < node->n_children && !status; i++) {
        status =
            make_leaves(reader, &node->children[i], parent->children[i], micros, path, top, err);
    }
    path->len = path_len;
    return status;
}

static int open_leaves(struct lt_format_reader *reader, bool micros, struct leat_error *err)
{
    size_t n = reader->tree.n_leaves ? reader->tree.n_leaves : 1;
    struct lt_buf path = LT_BUF_INIT;
    int64_t ahead = reader->bytes_max / (int64_t)n;
    reader->file.read_ahead = (size_t)LT_MIN(LT_MAX(ahead, READ_AHEAD_MIN), READ_AHEAD_MAX);
    reader->leaves = calloc(n, sizeof(struct lt_pq_leaf *));
    reader->picked = calloc(n, sizeof *reader->picked);
    reader->file.scratch = calloc(1, sizeof *reader->file.scratch);
    if (!reader->leaves || !reader->picked || !reader->file.scratch) {
        return lt_fail_oom(err);
    }
    int status = lt_block_context_new(&reader->file.context, err);
    for (size_t i = 0; i < reader->n_columns && !status; i++) {
        lt_buf_clear(&path);
        status = make_leaves(reader, &reader->tree.columns[reader->columns[i]],
                             reader->schema.children[i], micros, &path, i, err);
    }
    lt_buf_done(&path);
    return status;
}

/* As many rows as nearly fill a batch when `rows` of them take `bytes`. A little less than full: a
 * batch that is cut leaves rows over in every column, which make a small one. */
static int64_t rows_of_batch(const struct lt_format_reader *reader, int64_t rows, int64_t bytes)
{
    double fit = (double)rows * (double)reader->bytes_max * 0.875 / (double)LT_MAX(bytes, 1);
    return fit >= (double)reader->rows_max ? reader->rows_max : LT_MAX((int64_t)fit, 1);
}

/* At first only values of fixed width tell, and perhaps a bit each for nulls. */
static int64_t rows_at_first(const struct lt_format_reader *reader)
{
    int64_t bits = 0;
    for (size_t i = 0; i < reader->n_picked; i++) {
        bits += lt_pq_leaf_width(reader->leaves[reader->picked[i]]) * 8 + 1;
    }
    return rows_of_batch(reader, 8, bits);
}

static int open_reader(struct lt_format_reader *reader, const struct lt_format_options *options,
                       struct leat_error *err)
{
    struct ArrowSchema all = {.release = NULL};
    int status = lt_pq_open_footer(reader, err);
    status = status ? status : lt_pq_tree_read(&reader->file.footer, &reader->tree, &all, err);
    status = status ? status : choose_columns(reader, &all, options, err);
    if (!status) {
        status = lt_pq_open_groups(
            reader, lt_format_option(options, lt_pq_read_options, "row-groups"), err);
    }
    if (!status) {
        const char *unit = lt_format_option(options, lt_pq_read_options, "int96-unit");
        status = open_leaves(reader, tolower((unsigned char)unit[0]) == 'u', err);
    }
    if (!status) {
        reader->rows_next = rows_at_first(reader);
    }
    lt_schema_done(&all);
    return status;
}

int lt_pq_read_open(struct lt_source *source, const struct lt_format_options *options,
                    struct lt_format_reader **ret_reader, struct leat_error *err)
{
    int status = lt_format_check_options(options, lt_pq_read_options, "parquet", err);
    if (status) {
        return status;
    }
    struct lt_format_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    const char *verify = lt_format_option(options, lt_pq_read_options, "verify-checksums");
    reader->file.source = source;
    reader->file.faults = &reader->faults;
    reader->faults.name = source->name;
    reader->faults.rejects = options ? options->rejects : NULL;
    reader->faults.losses = options ? options->losses : NULL;
    reader->file.verify = tolower((unsigned char)verify[0]) != 'n';
    reader->rows_max =
        options && options->batch_rows_max > 0 ? options->batch_rows_max : LT_BATCH_ROWS;
    reader->bytes_max =
        options && options->batch_bytes_max > 0 ? options->batch_bytes_max : LT_BATCH_BYTES;
    reader->bytes_max = LT_MIN(reader->bytes_max, LT_PQ_ROW_MAX);
    reader->held_max = options && options->memory > 0 ? options->memory * 2 / 3 : HELD_MAX;
    status = open_reader(reader, options, err);
    if (status) {
        leat_error_place(err, "%s", source->name);
        lt_pq_read_close(reader);
        return status;
    }
    *ret_reader = reader;
    return LEAT_OK;
}

void lt_pq_read_close(struct lt_format_reader *reader)
{
    if (!reader) {
        return;
    }
    for (size_t i = 0; i < reader->n_picked; i++) {
        lt_pq_leaf_free(reader->leaves[reader->picked[i]]);
    }
    if (reader->file.scratch) {
        lt_buf_done(&reader->file.scratch->raw);
    }
    free(reader->file.scratch);
    free(reader->leaves);
    free(reader->picked);
    free(reader->columns);
    free(reader->file.groups);
    lt_block_context_free(reader->file.context);
    lt_schema_done(&reader->schema);
    lt_pq_tree_done(&reader->tree);
    lt_pq_footer_done(&reader->file.footer);
    lt_buf_done(&reader->footer);
    lt_faults_done(&reader->faults);
    leat_error_free(reader->failed);
    free(reader);
}

int lt_pq_read_schema(struct lt_format_reader *reader, struct ArrowSchema *ret_schema,
                      struct leat_error *err)
{
    return lt_schema_copy(&reader->schema, ret_schema, err);
}

/* --- batches ------------------------------------------------------------------------------------ */

/* Fills a leaf that has no rows, with `rows` of them or about `bytes`. Past held_max it gives its
 * page up again; as that costs reading it once more, it has decoded its share of so many bytes by
 * then, whatever the batch may hold. */
static int fill_leaf(struct lt_format_reader *reader, struct lt_pq_leaf *leaf, int64_t rows,
                     int64_t bytes, struct leat_error *err)
{
    int64_t share = reader->held_max / 2 / (int64_t)reader->n_picked;
    if (lt_pq_leaf_is_parked(leaf)) {
        rows = LT_MIN(LT_MAX(share, rows), reader->rows_left); /* no value takes less than a byte */
        bytes = LT_MAX(share, LEAF_BYTES_MIN);
    }
    reader->held -= lt_pq_leaf_held(leaf);
    int status = lt_pq_leaf_fill(leaf, rows, bytes, err);
    reader->held += lt_pq_leaf_held(leaf);
    if (reader->held > reader->held_max) {
        reader->file.tight = true;
        reader->held -= lt_pq_leaf_held(leaf);
        lt_pq_leaf_park(leaf);
    }
    return status;
}

/* Sees to it that every leaf has rows; *ret_rows is how many all of them have, 0 at the end. What
 * a batch may hold is shared out as it is used: the first leaf may take all of it, and each at
 * least a small part. */
static int fill_leaves(struct lt_format_reader *reader, int64_t *ret_rows, struct leat_error *err)
{
    int64_t rows = LT_MIN(reader->rows_next, reader->rows_left), used = 0;
    int64_t least = LT_MAX(reader->bytes_max / 2 / (int64_t)reader->n_picked, LEAF_BYTES_MIN);
    int status = LEAT_OK;
    for (size_t i = 0; i < reader->n_picked; i++) {
        int64_t there = lt_pq_leaf_rows(reader->leaves[reader->picked[i]]);
        rows = there ? LT_MIN(rows, there) : rows;
    }
    for (size_t i = 0; i < reader->n_picked && rows && !status; i++) {
        struct lt_pq_leaf *leaf = reader->leaves[reader->picked[i]];
        if (!lt_pq_leaf_rows(leaf)) {
            status = fill_leaf(reader, leaf, rows, LT_MAX(reader->bytes_max - used, least), err);
        }
        rows = LT_MIN(rows, lt_pq_leaf_rows(leaf));
        used += status ? 0 : lt_pq_leaf_bytes(leaf, rows);
    }
    if (!status && rows) {
        reader->rows_next = rows_of_batch(reader, rows, used);
        rows = used > reader->bytes_max ? LT_MIN(rows, reader->rows_next) : rows;
    }
    *ret_rows = rows;
    return status;
}

static int take_columns(struct lt_format_reader *reader, int64_t rows, struct ArrowArray *ret_batch,
                        struct leat_error *err)
{
    struct ArrowArray batch = {.release = NULL};
    int status = lt_array_init(&batch, 1, (int64_t)reader->n_columns, err);
    for (size_t i = 0; i < reader->n_columns && !status; i++) {
        const struct ArrowSchema *field = reader->schema.children[i];
        status = lt_pq_nest(&reader->tree.columns[reader->columns[i]], field, reader->leaves, rows,
                            batch.children[i], err);
        if (!status && batch.children[i]->length != rows) {
            status = lt_fail(err, LT_E_CORRUPT, "levels that do not begin its rows");
        }
        if (status) {
            leat_error_place(err, "column \"%s\"", field->name);
        }
    }
    if (status) {
        lt_array_done(&batch);
        return status;
    }
    batch.length = rows;
    lt_array_move(&batch, ret_batch);
    return LEAT_OK;
}

static int read_batch(struct lt_format_reader *reader, struct ArrowArray *ret_batch,
                      struct leat_error *err)
{
    int64_t rows = LT_MIN(reader->rows_max, reader->rows_left);
    int status = LEAT_OK;
    if (!rows) {
        ret_batch->release = NULL;
        return LEAT_OK;
    }
    if (reader->n_picked) {
        status = fill_leaves(reader, &rows, err);
    }
    if (!status && !rows) {
        status = lt_fail(err, LT_E_CORRUPT, "fewer rows than its row groups have");
    }
    status = status ? status : take_columns(reader, rows, ret_batch, err);
    if (!status) {
        reader->rows_left -= rows;
    }
    return status;
}

/* The next batch of records that stay. */
static int read_some(struct lt_format_reader *reader, struct ArrowArray *batch,
                     struct leat_error *err)
{
    bool again = true;
    while (again) {
        int status = read_batch(reader, batch, err);
        if (status) {
            leat_error_place(err, "%s", reader->file.source->name);
            return status;
        }
        int64_t rows = batch->release ? batch->length : 0;
        status = lt_faults_settle(&reader->faults, &reader->schema, batch, reader->row + 1, err);
        if (status) {
            return status;
        }
        reader->row += rows;
        again = rows && !batch->length;
        if (again) {
            lt_array_done(batch);
        }
    }
    return LEAT_OK;
}

int lt_pq_read_next(struct lt_format_reader *reader, struct ArrowArray *ret_batch,
                    struct leat_error *err)
{
    struct leat_error mine = {.status = LEAT_OK};
    if (reader->failed) {
        if (err) {
            *err = *reader->failed;
        }
        return (int)reader->failed->status;
    }
    struct ArrowArray batch = {.release = NULL};
    int status = read_some(reader, &batch, &mine);
    if (status) {
        lt_array_done(&batch);
        reader->failed = leat_error_new();
        if (reader->failed) {
            *reader->failed = mine;
        }
        if (err) {
            *err = mine;
        }
        return status;
    }
    *ret_batch = batch;
    return LEAT_OK;
}

/* --- in words ------------------------------------------------------------------------------------ */

/* The codec of the columns read; "several codecs" when they differ. */
static const char *codec_text(const struct lt_format_reader *reader)
{
    const struct lt_pq_file *file = &reader->file;
    int32_t codec = -1;
    for (size_t g = 0; g < file->n_groups; g++) {
        const struct lt_pq_row_group *group = &file->footer.groups[file->groups[g]];
        for (size_t i = 0; i < reader->n_picked; i++) {
            int32_t own = group->chunks[reader->picked[i]].codec;
            if (codec >= 0 && own != codec) {
                return "several codecs";
            }
            codec = own;
        }
    }
    return codec < 0 ? NULL : lt_pq_codec_name(codec);
}

/* The writer: "parquet-cpp-arrow version 26.0.0 (build ...)" without what is between names and
 * numbers. */
static int explain_writer(struct lt_pq_bytes text, struct lt_buf *out)
{
    static const char word[] = " version";
    size_t at = 0;
    int status = text.len ? lt_buf_puts(out, ", written by ") : LEAT_OK;
    while (at < text.len && text.data[at] != '(' && at < 100 && !status) {
        if (text.len - at > sizeof word && !memcmp(text.data + at, word, sizeof word - 1)) {
            at += sizeof word - 1;
            continue;
        }
        uint8_t c = text.data[at++];
        status = lt_buf_byte(out, c < 0x20 || c > 0x7e ? '?' : c);
    }
    while (out->len && out->data[out->len - 1] == ' ') {
        out->data[--out->len] = 0;
    }
    return status;
}

int lt_pq_read_explain(struct lt_format_reader *reader, struct lt_buf *out)
{
    char rows[LT_HUMAN_MAX];
    const struct lt_pq_file *file = &reader->file;
    const char *codec = codec_text(reader);
    int status = lt_buf_printf(
        out, "parquet, %zu row group%s, %s row%s", file->n_groups, file->n_groups == 1 ? "" : "s",
        lt_human_count(reader->rows_left, rows), reader->rows_left == 1 ? "" : "s");
    if (!status && codec) {
        status = lt_buf_puts(out, ", ");
        for (; *codec && !status; codec++) {
            status = lt_buf_byte(out, (uint8_t)tolower((unsigned char)*codec));
        }
    }
    return status ? status : explain_writer(file->footer.created_by, out);
}
