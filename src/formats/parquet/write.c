/* Writing Parquet: options, batches, row groups. See write.h.
 *
 * Held at a time: of each column the page being filled and the compressed pages of the row group
 * and dictionaries, all within PACKED_BYTES and HELD_BYTES. Nothing else grows, whatever the
 * size of the table or the number of columns asks for. */
#include "formats/parquet/write.h"

#include "core/codes.h"
#include "core/pool.h"
#include "core/util.h"
#include "formats/arrow/batch.h"
#include "formats/parquet/group_write.h"
#include "formats/parquet/schema_write.h"
#include "formats/parquet/screen.h"

#include <stdlib.h>
#include <strings.h>

#include "core/banned.h"

/* Compressed pages after which a row group ends whatever its raw size. */
#define PACKED_BYTES ((int64_t)32 << 20)
/* The same of all that is held: compressed pages, pages being filled, dictionaries. The share of
 * --memory that an endpoint is told is what it may need at any time; a row group comes and goes. */
#define HELD_BYTES ((int64_t)64 << 20)
#define HELD_OF_MEMORY(memory) ((memory)*2)
/* Raw pages of all columns together, and what a page of one column is left at least. */
#define PAGES_BYTES ((int64_t)16 << 20)
#define PAGE_BYTES_MIN ((int64_t)8 << 10)
#define PAGE_BYTES_MAX ((int64_t)256 << 20)
#define DICTIONARIES_BYTES ((int64_t)16 << 20)
/* Rows between two looks at how much a row group holds; fewer for lists, which have many values in
 * a row, and for small row groups. */
#define STEP_ROWS 4096
#define STEP_ROWS_SMALL 512
#define SMALL_GROUP_BYTES ((int64_t)8 << 20)

const struct leat_option lt_pq_write_options[] = {
    {"compression", LEAT_OPTION_CHOICE, "zstd", "none|snappy|gzip|brotli|zstd|lz4",
     "Codec of the pages; snappy is what the oldest readers know"},
    {"compression-level", LEAT_OPTION_INT, NULL, "N",
     "Level of zstd (1 to 22), gzip (1 to 9) or brotli (1 to 11)"},
    {"row-group-size", LEAT_OPTION_SIZE, "128MiB", "SIZE",
     "Raw bytes of a row group; it ends earlier when its pages take 32 MiB compressed"},
    {"page-size", LEAT_OPTION_SIZE, "1MiB", "SIZE",
     "Raw bytes of a page, which also has 20,000 rows at most"},
    {"data-page-version", LEAT_OPTION_CHOICE, "1", "1|2", "Version of the data pages"},
    {"dictionary", LEAT_OPTION_BOOL, "true", NULL, "Dictionaries for columns whose values repeat"},
    {"parquet-encoding", LEAT_OPTION_CHOICE, "plain",
     "plain|delta|delta-byte-array|byte-stream-split|modern",
     "Of values without a dictionary; every reader knows plain; modern is delta for whole "
     "numbers and texts, and byte-stream-split for floats"},
    {"parquet-json", LEAT_OPTION_CHOICE, "string", "string|json",
     "How JSON columns are annotated; string is what more readers take"},
    {"parquet-timestamps", LEAT_OPTION_CHOICE, "int64", "int64|int96",
     "How timestamps are stored; int96 is for Impala and old Hive"},
    {.name = NULL}};

struct lt_format_writer {
    struct ArrowSchema given;  /* as the caller has it */
    struct ArrowSchema stored; /* without dictionaries and views */
    struct lt_ipc_field layout, decoded;
    struct lt_pq_tree tree;
    struct lt_pq_element *elements;
    size_t n_elements;
    struct lt_pq_column_options options;
    struct lt_pq_tree_options tree_options;
    int64_t group_bytes;
    int64_t held_max;             /* bytes in all columns after which a row group ends */
    int64_t step;                 /* rows */
    int64_t dictionaries;         /* bytes left for them */
    struct lt_pq_column *columns; /* one a leaf */
    size_t *tops;                 /* the column of the schema that a leaf belongs to */
    struct lt_pool *pool;         /* threads that encode columns */
    struct lt_pq_worker *workers; /* one for each */
    struct lt_pq_groups groups;
    int64_t group_rows;
    int64_t rows_in; /* of earlier batches, written or set aside */
    struct lt_pq_screen screen;
    /* Of the batch at hand, one a column of the schema. */
    struct lt_view *views;
    int64_t *firsts;           /* the batch's first row in it */
    struct ArrowArray *arrays; /* decoded ones */
    struct lt_buf rows;
};

/* --- options ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum lt_block_codec block;
    int32_t codec;
    int level_max;
} codecs[] = {
    {"none", LT_BLOCK_NONE, LT_PQ_CODEC_UNCOMPRESSED, 0},
    {"snappy", LT_BLOCK_SNAPPY, LT_PQ_CODEC_SNAPPY, 0},
    {"gzip", LT_BLOCK_GZIP, LT_PQ_CODEC_GZIP, 9},
    {"brotli", LT_BLOCK_BROTLI, LT_PQ_CODEC_BROTLI, 11},
    {"zstd", LT_BLOCK_ZSTD, LT_PQ_CODEC_ZSTD, 22},
    {"lz4", LT_BLOCK_LZ4, LT_PQ_CODEC_LZ4_RAW, 0},
};

static int read_codec(struct lt_format_writer *w, const struct lt_format_options *options,
                      int32_t *ret_codec, struct leat_error *err)
{
    const char *name = lt_format_option(options, lt_pq_write_options, "compression");
    const char *level = lt_format_option(options, lt_pq_write_options, "compression-level");
    int64_t number = 0;
    for (size_t i = 0; i < LT_ARRAY_LEN(codecs); i++) {
        if (strcasecmp(codecs[i].name, name) != 0) {
            continue;
        }
        if (level && (lt_parse_int(level, &number) || number < 1 || number > codecs[i].level_max)) {
            return codecs[i].level_max
                       ? lt_fail(err, LT_E_INVALID, "--compression-level of %s is 1 to %d", name,
                                 codecs[i].level_max)
                       : lt_fail(err, LT_E_INVALID, "--compression %s has no levels", name);
        }
        w->options.codec = codecs[i].block;
        w->options.level = (int)number;
        *ret_codec = codecs[i].codec;
        return lt_block_check(codecs[i].block, err);
    }
    return lt_fail(err, LT_E_INVALID, "\"%s\" is no compression of Parquet", name);
}

static bool is(const struct lt_format_options *options, const char *option, const char *value)
{
    const char *given = lt_format_option(options, lt_pq_write_options, option);
    return given && !strcasecmp(given, value);
}

static bool is_true(const struct lt_format_options *options, const char *option)
{
    return is(options, option, "true") || is(options, option, "yes") || is(options, option, "1") ||
           is(options, option, "");
}

static int read_size(const struct lt_format_options *options, const char *option, int64_t max,
                     int64_t *ret_size, struct leat_error *err)
{
    int status =
        lt_parse_size(lt_format_option(options, lt_pq_write_options, option), ret_size, err);
    if (!status && (*ret_size < 1 || *ret_size > max)) {
        char text[LT_HUMAN_MAX];
        status = lt_fail(err, LT_E_INVALID, "--%s must be more than nothing and at most %s", option,
                         lt_human_bytes(max, text));
    }
    return status;
}

static int read_options(struct lt_format_writer *w, const struct lt_format_options *options,
                        int32_t *ret_codec, struct leat_error *err)
{
    bool modern = is(options, "parquet-encoding", "modern");
    int status = lt_format_check_options(options, lt_pq_write_options, "parquet", err);
    status = status ? status : read_codec(w, options, ret_codec, err);
    status = status ? status
                    : read_size(options, "page-size", PAGE_BYTES_MAX, &w->options.page_bytes, err);
    status =
        status ? status : read_size(options, "row-group-size", INT64_MAX, &w->group_bytes, err);
    w->options.version = is(options, "data-page-version", "2") ? 2 : 1;
    w->options.dictionary = is_true(options, "dictionary");
    w->options.delta_bytes = is(options, "parquet-encoding", "delta-byte-array");
    w->options.delta = modern || w->options.delta_bytes || is(options, "parquet-encoding", "delta");
    w->options.byte_stream_split = modern || is(options, "parquet-encoding", "byte-stream-split");
    w->tree_options.int96 = is(options, "parquet-timestamps", "int96");
    w->tree_options.json = is(options, "parquet-json", "json");
    return status;
}

/* --- opening ----------------------------------------------------------------------------------- */

/* Columns of all leaves at and below a node whose field is `field`. */
static void init_columns(struct lt_format_writer *w, const struct lt_pq_node *node,
                         const struct ArrowSchema *field, size_t top)
{
    struct lt_type type;
    switch (node->shape) {
    case LT_PQ_LEAF:
        /* The tree was made from these fields: their types are known. */
        (void)lt_type_of(field, &type, NULL);
        lt_pq_column_init(&w->columns[node->leaf], node, &type, &w->options, &w->dictionaries);
        w->tops[node->leaf] = top;
        w->step = node->rep_max ? STEP_ROWS_SMALL : w->step;
        break;
    case LT_PQ_MAP:
        init_columns(w, &node->children[0], field->children[0]->children[0], top);
        init_columns(w, &node->children[1], field->children[0]->children[1], top);
        break;
    default:
        for (size_t i = 0; i < node->n_children; i++) {
            init_columns(w, &node->children[i], field->children[i], top);
        }
        break;
    }
}

/* Shares out what may be held. */
static void set_budgets(struct lt_format_writer *w, int64_t memory)
{
    int64_t n_leaves = LT_MAX((int64_t)w->tree.n_leaves, 1);
    w->held_max = memory > 0 ? LT_MIN(HELD_OF_MEMORY(memory), HELD_BYTES) : HELD_BYTES;
    int64_t share = LT_MAX(LT_MIN(PAGES_BYTES, w->held_max / 4) / n_leaves, PAGE_BYTES_MIN);
    w->options.page_bytes = LT_MIN(w->options.page_bytes, share);
    w->dictionaries = LT_MIN(DICTIONARIES_BYTES, w->held_max / 4);
}

static int make_columns(struct lt_format_writer *w, int threads, struct leat_error *err)
{
    size_t n = w->tree.n_columns ? w->tree.n_columns : 1;
    size_t n_leaves = w->tree.n_leaves ? w->tree.n_leaves : 1;
    w->step = w->group_bytes < SMALL_GROUP_BYTES ? STEP_ROWS_SMALL : STEP_ROWS;
    int status = lt_pool_new((int)LT_MIN((size_t)LT_MAX(threads, 1), n_leaves), &w->pool, err);
    if (status) {
        return status;
    }
    w->workers = calloc((size_t)lt_pool_threads(w->pool), sizeof *w->workers);
    w->columns = calloc(n_leaves, sizeof *w->columns);
    w->tops = calloc(n_leaves, sizeof *w->tops);
    w->views = calloc(n, sizeof *w->views);
    w->firsts = calloc(n, sizeof *w->firsts);
    w->arrays = calloc(n, sizeof *w->arrays);
    if (!w->workers || !w->columns || !w->tops || !w->views || !w->firsts || !w->arrays) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < w->tree.n_columns; i++) {
        init_columns(w, &w->tree.columns[i], w->stored.children[i], i);
    }
    for (int i = 0; i < lt_pool_threads(w->pool) && !status; i++) {
        status = lt_block_context_new(&w->workers[i].context, err);
    }
    return status;
}

static int open_writer(struct lt_format_writer *w, struct lt_sink *sink,
                       const struct ArrowSchema *schema, const struct lt_format_options *options,
                       struct leat_error *err)
{
    int32_t codec = LT_PQ_CODEC_UNCOMPRESSED;
    int status = read_options(w, options, &codec, err);
    status = status ? status : lt_pq_check_names(schema, err);
    status = status ? status : lt_schema_copy(schema, &w->given, err);
    status = status ? status : lt_pq_schema_stored(schema, false, &w->stored, err);
    status = status ? status : lt_ipc_field_of(&w->given, &w->layout, err);
    status = status ? status : lt_ipc_field_decoded(&w->layout, &w->decoded, err);
    status = status ? status
                    : lt_pq_tree_write(&w->stored, &w->tree_options, &w->tree, &w->elements,
                                       &w->n_elements, err);
    set_budgets(w, options->memory);
    status = status ? status : make_columns(w, options->threads, err);
    w->screen.tree = &w->tree;
    w->screen.columns = w->columns;
    w->screen.faults.known = true;
    w->screen.faults.rejects = options->rejects;
    w->screen.faults.losses = options->losses;
    status =
        status ? status : lt_pq_groups_init(&w->groups, sink, &w->tree, w->elements, codec, err);
    return status ? status : lt_pq_groups_put(&w->groups, LT_PQ_MAGIC, strlen(LT_PQ_MAGIC), err);
}

int lt_pq_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                     const struct lt_format_options *options, struct lt_format_writer **ret_writer,
                     struct leat_error *err)
{
    struct lt_format_writer *w = calloc(1, sizeof *w);
    if (!w) {
        return lt_fail_oom(err);
    }
    int status = open_writer(w, sink, schema, options, err);
    if (status) {
        lt_pq_write_close(w);
        return status;
    }
    *ret_writer = w;
    return LEAT_OK;
}

/* --- row groups -------------------------------------------------------------------------------- */

static int close_column(void *arg, size_t i, int worker, struct leat_error *err)
{
    struct lt_format_writer *w = arg;
    return lt_pq_column_close(&w->columns[i], &w->workers[worker], err);
}

static int close_group(struct lt_format_writer *w, struct leat_error *err)
{
    if (!w->group_rows) {
        return LEAT_OK;
    }
    int status = lt_pool_run(w->pool, w->tree.n_leaves, close_column, w, err);
    status = status ? status : lt_pq_groups_add(&w->groups, w->columns, w->group_rows, err);
    for (size_t i = 0; i < w->tree.n_leaves; i++) {
        lt_pq_column_clear(&w->columns[i]);
    }
    w->group_rows = 0;
    return status;
}

static bool group_is_full(const struct lt_format_writer *w)
{
    int64_t raw = 0, packed = 0, held = 0;
    for (size_t i = 0; i < w->tree.n_leaves; i++) {
        raw += lt_pq_column_raw(&w->columns[i]);
        packed += w->columns[i].packed_bytes;
        held += lt_pq_column_held(&w->columns[i]);
    }
    /* Of very many columns the pages being filled may take all there is: then a row group is at
     * least as large as they are. */
    return raw >= w->group_bytes || packed >= PACKED_BYTES ||
           (held >= w->held_max && packed >= w->held_max / 4);
}

/* --- batches ----------------------------------------------------------------------------------- */

/* A column of views or dictionaries, as plain values. */
static int decode(struct lt_format_writer *w, size_t i, const struct lt_ipc_node *node,
                  int64_t first, int64_t n, struct leat_error *err)
{
    struct lt_ipc_column column = {.length = 0};
    int64_t budget = INT64_MAX;
    lt_buf_clear(&w->rows);
    if (lt_buf_reserve(&w->rows, (size_t)n * sizeof(int64_t))) {
        return lt_fail_oom(err);
    }
    int64_t *rows = (int64_t *)(void *)w->rows.data;
    for (int64_t k = 0; k < n; k++) {
        rows[k] = first + k;
    }
    int status = lt_ipc_take(&w->layout.children[i], node, rows, n, &column, &budget, err);
    status = status ? status
                    : lt_ipc_column_finish(&w->decoded.children[i], &column, &w->arrays[i], err);
    lt_ipc_column_done(&column);
    return status;
}

static int decode_columns(struct lt_format_writer *w, const struct ArrowArray *batch,
                          struct leat_error *err)
{
    struct lt_ipc_node root;
    int status = lt_ipc_node_of(&w->layout, batch, &root, err);
    if (status) {
        return status;
    }
    for (size_t i = 0; i < w->tree.n_columns && !status; i++) {
        if (!w->layout.children[i].plain) {
            status = decode(w, i, &root.children[i], root.offset, root.length, err);
        }
    }
    lt_ipc_node_done(&root);
    return status;
}

static int view_columns(struct lt_format_writer *w, const struct ArrowArray *batch,
                        struct leat_error *err)
{
    int status = LEAT_OK;
    bool plain = true;
    for (size_t i = 0; i < w->tree.n_columns; i++) {
        plain = plain && w->layout.children[i].plain;
    }
    if (batch->n_children != (int64_t)w->tree.n_columns || batch->length < 0 || batch->offset < 0) {
        return lt_fail(err, LT_E_CORRUPT, "a batch that does not fit its schema");
    }
    if (!plain) {
        status = decode_columns(w, batch, err);
    }
    for (size_t i = 0; i < w->tree.n_columns && !status; i++) {
        bool decoded = w->arrays[i].release != NULL;
        const struct ArrowArray *array = decoded ? &w->arrays[i] : batch->children[i];
        w->firsts[i] = decoded ? 0 : batch->offset;
        status = lt_view_next(&w->views[i], w->stored.children[i], array, err);
        if (!status && w->views[i].length - w->firsts[i] < batch->length) {
            status = lt_fail(err, LT_E_CORRUPT, "a column shorter than its batch");
        }
        if (status) {
            leat_error_place(err, "column \"%s\"", w->stored.children[i]->name);
        }
    }
    return status;
}

/* Some rows of the batch at hand. */
struct rows {
    struct lt_format_writer *w;
    int64_t at, n;
};

static int add_to_column(void *arg, size_t i, int worker, struct leat_error *err)
{
    const struct rows *rows = arg;
    struct lt_format_writer *w = rows->w;
    size_t top = w->tops[i];
    int64_t row, first = w->firsts[top] + rows->at;
    int status = lt_pq_column_add(&w->columns[i], &w->workers[worker], &w->views[top], first,
                                  rows->n, &row, err);
    if (status) {
        leat_error_place(err, "column \"%s\"", w->stored.children[top]->name);
    }
    if (status && row >= 0) {
        leat_error_place(err, "row %lld",
                         (long long)(w->groups.rows + w->group_rows + row - first + 1));
    }
    return status;
}

static int add_rows(struct lt_format_writer *w, int64_t at, int64_t n, struct leat_error *err)
{
    struct rows rows = {w, at, n};
    int status = lt_pool_run(w->pool, w->tree.n_leaves, add_to_column, &rows, err);
    w->group_rows += status ? 0 : n;
    return status;
}

static void drop_arrays(struct lt_format_writer *w)
{
    for (size_t i = 0; i < w->tree.n_columns; i++) {
        lt_array_done(&w->arrays[i]);
    }
}

/* Where somebody wants to be told of values that do not fit: *ret_batch is then the batch without
 * them, viewed in its place; else it stays released. */
static int screen_batch(struct lt_format_writer *w, const struct ArrowArray *batch,
                        struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct lt_faults *faults = &w->screen.faults;
    if (!faults->rejects && !faults->losses) {
        return LEAT_OK;
    }
    int status = lt_pq_screen_rows(&w->screen, w->views, w->firsts, batch->length, err);
    status =
        status ? status : lt_faults_tell(faults, &w->given, batch, w->rows_in + 1, ret_batch, err);
    if (status || !ret_batch->release) {
        return status;
    }
    drop_arrays(w);
    return view_columns(w, ret_batch, err);
}

int lt_pq_write_batch(struct lt_format_writer *w, const struct ArrowArray *batch,
                      struct leat_error *err)
{
    struct ArrowArray screened = {.release = NULL};
    int status = view_columns(w, batch, err);
    status = status ? status : screen_batch(w, batch, &screened, err);
    int64_t rows = screened.release ? screened.length : batch->length;
    for (int64_t at = 0; at < rows && !status; at += w->step) {
        status = add_rows(w, at, LT_MIN(w->step, rows - at), err);
        if (!status && group_is_full(w)) {
            status = close_group(w, err);
        }
    }
    w->rows_in += batch->length;
    drop_arrays(w);
    lt_array_done(&screened);
    return status;
}

/* --- the end ----------------------------------------------------------------------------------- */

#define BYTES(text)                                                                                \
    (struct lt_pq_bytes)                                                                           \
    {                                                                                              \
        (const uint8_t *)(text), strlen(text)                                                      \
    }

int lt_pq_write_finish(struct lt_format_writer *w, struct leat_error *err)
{
    struct lt_buf arrow = LT_BUF_INIT;
    int status = close_group(w, err);
    status = status ? status : lt_pq_arrow_schema(&w->given, &arrow, err);
    if (!status) {
        struct lt_pq_pair pair = {BYTES("ARROW:schema"), {arrow.data, arrow.len}};
        struct lt_pq_footer footer = {
            .version = 1,
            .elements = w->elements,
            .n_elements = w->n_elements,
            .pairs = &pair,
            .n_pairs = 1,
            .created_by = BYTES("leat version " LEAT_VERSION " (build " LEAT_VERSION ")"),
            .n_column_orders = w->tree.n_leaves,
        };
        status = lt_pq_groups_finish(&w->groups, &footer, err);
    }
    lt_buf_done(&arrow);
    return status;
}

void lt_pq_write_close(struct lt_format_writer *w)
{
    if (!w) {
        return;
    }
    for (size_t i = 0; w->columns && i < w->tree.n_leaves; i++) {
        lt_pq_column_done(&w->columns[i]);
    }
    for (size_t i = 0; w->views && i < w->tree.n_columns; i++) {
        lt_view_done(&w->views[i]);
    }
    if (w->arrays) {
        drop_arrays(w);
    }
    lt_pq_screen_done(&w->screen);
    free(w->columns);
    free(w->tops);
    free(w->views);
    free(w->firsts);
    free(w->arrays);
    free(w->elements);
    for (int i = 0; w->workers && i < lt_pool_threads(w->pool); i++) {
        lt_pq_worker_done(&w->workers[i]);
    }
    free(w->workers);
    lt_pool_free(w->pool);
    lt_pq_groups_done(&w->groups);
    lt_pq_tree_done(&w->tree);
    lt_ipc_field_done(&w->layout);
    lt_ipc_field_done(&w->decoded);
    lt_schema_done(&w->given);
    lt_schema_done(&w->stored);
    lt_buf_done(&w->rows);
    free(w);
}
