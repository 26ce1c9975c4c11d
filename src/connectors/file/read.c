/* Reading files: opening one in its format, projection, chains of files that are one stream. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/banned.h"

struct leat_reader {
    struct fc_bytes bytes;
    char *name; /* of the file, for explain() */
    struct lt_format_reader *reader;
    int64_t *map; /* columns kept, by their place in the file; NULL: as the format gives them */
    int64_t n_map;
    struct leat_reader *current; /* itself, or the one of its chain that is being read */
    int64_t row;                 /* number of the next record, from 1 */
    int64_t left;                /* records still wanted; -1: all */
    struct leat_reader *chain;   /* read after this one; owned */
    struct leat_param params[FC_PARAMS_MAX];
};

/* --- the reader ---------------------------------------------------------------------------- */

static void fc_finish(struct leat_reader *reader)
{
    while (reader) {
        struct leat_reader *next = reader->chain;
        if (reader->reader) {
            reader->bytes.format->read_close(reader->reader);
        }
        lt_source_close(reader->bytes.source);
        free(reader->map);
        free(reader->name);
        free(reader);
        reader = next;
    }
}

const char *lt_fc_no_append(struct leat_reader *reader, const struct lt_format_options *writing)
{
    const struct lt_format *format = reader->bytes.format;
    return format->no_append ? format->no_append(reader->reader, writing) : NULL;
}

void lt_fc_reader_chain(struct leat_reader *reader, struct leat_reader *then)
{
    while (reader->chain) {
        reader = reader->chain;
    }
    reader->chain = then;
}

/* A column by its place in the file; LEAT_NOT_FOUND with the closest name. */
static int find_column(const struct ArrowSchema *schema, const char *name, int64_t *ret_at,
                       struct leat_error *err)
{
    int64_t at = lt_schema_find(schema, name);
    if (at >= 0) {
        *ret_at = at;
        return LEAT_OK;
    }
    const char **names = calloc((size_t)schema->n_children + 1, sizeof *names);
    for (int64_t i = 0; names && i < schema->n_children; i++) {
        names[i] = schema->children[i]->name;
    }
    int status = lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no column \"%s\"", name);
    const char *close = names ? lt_closest(name, names) : NULL;
    if (close) {
        leat_error_remedy(err, "did you mean \"%s\"?", close);
    }
    free(names);
    return status;
}

/* For formats that read all columns: which of them stay. */
static int make_map(struct leat_reader *reader, const struct fc_read *read, struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    reader->map = calloc(read->n_columns + 1, sizeof *reader->map);
    int status = reader->map ? reader->bytes.format->read_schema(reader->reader, &schema, err)
                             : lt_fail_oom(err);
    for (size_t i = 0; i < read->n_columns && !status; i++) {
        status = find_column(&schema, read->columns[i], &reader->map[i], err);
        for (size_t k = 0; k < i && !status; k++) {
            if (reader->map[k] == reader->map[i]) {
                status = lt_fail(err, LT_E_DUPLICATE_COLUMN, "column \"%s\" is asked for twice",
                                 read->columns[i]);
            }
        }
    }
    reader->n_map = (int64_t)read->n_columns;
    lt_schema_done(&schema);
    return status;
}

static int open_reader(struct leat_endpoint *ep, const struct fc_read *read,
                       struct leat_reader *reader, struct leat_error *err)
{
    const struct lt_format *format = reader->bytes.format;
    struct lt_format_options options = {
        .params = reader->params,
        .n_params = lt_fc_pick_params(ep, read->params, read->n_params, format->read_options,
                                      reader->params),
        .schema = read->types,
        .schema_whole = read->types_whole,
        .batch_rows_max = read->batch_rows_max,
        .batch_bytes_max = read->batch_bytes_max,
        .rejects = read->rejects,
        .losses = read->losses,
        .memory = ep->host->memory(ep->host->arg),
        .columns = format->projects ? read->columns : NULL,
        .n_columns = format->projects ? read->n_columns : 0,
    };
    int status = lt_format_check_options(&options, format->read_options, format->name, err);
    status =
        status ? status : format->read_open(reader->bytes.source, &options, &reader->reader, err);
    return !status && read->columns && !format->projects ? make_map(reader, read, err) : status;
}

int lt_fc_reader_new(struct leat_endpoint *ep, const struct fc_read *read,
                     struct leat_reader **ret_reader, struct leat_error *err)
{
    struct leat_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return lt_fail_oom(err);
    }
    reader->current = reader;
    reader->row = 1;
    reader->left = read->limit;
    int status = lt_fc_open_bytes(ep, read, &reader->bytes, err);
    if (!status) {
        reader->name = lt_strdup(reader->bytes.source->name);
        status = reader->name ? open_reader(ep, read, reader, err) : lt_fail_oom(err);
    }
    if (status) {
        fc_finish(reader);
        return status;
    }
    *ret_reader = reader;
    return LEAT_OK;
}

static int keep_stream_meta(void *arg, const char *key, size_t key_len, const char *value,
                            size_t value_len)
{
    char *k = lt_strndup(key, key_len);
    char *v = lt_strndup(value, value_len);
    int status = k && v ? lt_schema_set_meta(arg, k, v, NULL) : LEAT_NO_MEMORY;
    free(k);
    free(v);
    return status;
}

static int project_schema(const struct leat_reader *reader, const struct ArrowSchema *schema,
                          struct ArrowSchema *ret_schema, struct leat_error *err)
{
    struct ArrowSchema made = {.release = NULL};
    int status = lt_schema_init_struct(&made, 0, err);
    if (!status && lt_schema_meta_each(schema, keep_stream_meta, &made)) {
        status = lt_fail_oom(err);
    }
    for (int64_t i = 0; i < reader->n_map && !status; i++) {
        struct ArrowSchema field = {.release = NULL};
        status = lt_schema_copy(schema->children[reader->map[i]], &field, err);
        status = status ? status : lt_schema_add(&made, &field, err);
        lt_schema_done(&field);
    }
    if (status) {
        lt_schema_done(&made);
        return status;
    }
    lt_schema_move(&made, ret_schema);
    return LEAT_OK;
}

static int fc_schema(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                     struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    int status = reader->bytes.format->read_schema(reader->reader, &schema, err);
    if (!status && !reader->map) {
        lt_schema_move(&schema, ret_schema);
    } else if (!status) {
        status = project_schema(reader, &schema, ret_schema, err);
    }
    lt_schema_done(&schema);
    return status;
}

/* The columns kept, moved out of the batch; the others are released with what is left of it. */
static int project_batch(const struct leat_reader *reader, struct ArrowArray *batch,
                         struct leat_error *err)
{
    struct ArrowArray made = {.release = NULL};
    int status = lt_array_init(&made, 1, reader->n_map, err);
    if (status) {
        return status;
    }
    made.length = batch->length;
    made.offset = batch->offset;
    for (int64_t i = 0; i < reader->n_map; i++) {
        lt_array_move(batch->children[reader->map[i]], made.children[i]);
    }
    lt_array_done(batch);
    lt_array_move(&made, batch);
    return LEAT_OK;
}

/* --- next ---------------------------------------------------------------------------------- */

static int fc_retype(struct leat_reader *reader, const struct ArrowSchema *types,
                     struct leat_error *err)
{
    int status = LEAT_OK;
    for (; reader && !status; reader = reader->chain) {
        if (reader->bytes.format->read_retype) {
            status = reader->bytes.format->read_retype(reader->reader, types, err);
        }
    }
    return status;
}

static int fc_next(struct leat_reader *reader, struct leat_payload *ret_payload,
                   struct leat_error *err)
{
    struct leat_payload payload = {.size = ret_payload->size, .kind = LEAT_PAYLOAD_NONE};
    int status = LEAT_OK;
    while (!status && reader->left != 0 && !payload.batch.release) {
        struct leat_reader *at = reader->current;
        status = at->bytes.format->read_next(at->reader, &payload.batch, err);
        if (!status && payload.batch.release && at->map) {
            status = project_batch(at, &payload.batch, err);
        }
        if (!status && !payload.batch.release) {
            if (!at->chain) {
                break;
            }
            reader->current = at->chain;
        }
    }
    if (!status && payload.batch.release) {
        if (reader->left >= 0 && payload.batch.length > reader->left) {
            status = lt_array_slice(&payload.batch, 0, reader->left, err);
        }
        payload.kind = LEAT_PAYLOAD_BATCH;
        payload.rows = payload.batch.length;
        payload.row_first = reader->row;
        reader->row += payload.rows;
        reader->left -= reader->left >= 0 ? payload.rows : 0;
    }
    if (status) {
        lt_array_done(&payload.batch);
        return status;
    }
    memcpy(ret_payload, &payload, LT_MIN(ret_payload->size, sizeof payload));
    return LEAT_OK;
}

bool lt_fc_has_records(struct leat_endpoint *ep, const char *path)
{
    struct fc_read read = {.path = path, .limit = 1, .batch_rows_max = 1};
    struct leat_payload payload = {.size = sizeof payload};
    struct leat_reader *reader = NULL;
    struct stat st;
    if (stat(path, &st) != 0 || (S_ISREG(st.st_mode) && st.st_size == 0)) {
        return false;
    }
    int status = lt_fc_reader_new(ep, &read, &reader, NULL);
    status = status ? status : fc_next(reader, &payload, NULL);
    bool has = status || (payload.kind == LEAT_PAYLOAD_BATCH && payload.rows > 0);
    leat_x_payload_release(&payload);
    fc_finish(reader);
    return has;
}

/* --- reading a stream ---------------------------------------------------------------------- */

static int check_same(struct leat_reader *first, struct leat_reader *next, const char *path,
                      struct leat_error *err)
{
    struct ArrowSchema a = {.release = NULL}, b = {.release = NULL};
    int status = fc_schema(first, &a, err);
    status = status ? status : fc_schema(next, &b, err);
    if (!status && !lt_schema_same(&a, &b, true)) {
        status = lt_fail(err, LT_E_COLUMN_MISMATCH,
                         "its columns are not those of the stream's "
                         "first file");
        leat_error_place(err, "%s", path);
    }
    lt_schema_done(&a);
    lt_schema_done(&b);
    return status;
}

/* One reader over all files of a stream, of the same columns. */
static int open_stream(struct leat_endpoint *ep, const struct fc_stream_files *stream,
                       const struct fc_read *how, struct leat_reader **ret_reader,
                       struct leat_error *err)
{
    struct leat_reader *first = NULL;
    int status = LEAT_OK;
    for (size_t i = 0; i < stream->n && !status; i++) {
        struct fc_read read = *how;
        struct leat_reader *next = NULL;
        read.path = stream->paths[i];
        read.types_whole = !how->types && stream->types.release;
        read.types = read.types_whole ? &stream->types : how->types;
        status = lt_fc_reader_new(ep, &read, &next, err);
        if (!status && first) {
            lt_fc_reader_chain(first, next);
            status = check_same(first, next, read.path, err);
        } else if (!status) {
            first = next;
        }
    }
    if (status) {
        fc_finish(first);
        return status;
    }
    *ret_reader = first;
    return LEAT_OK;
}

static int fc_describe(struct leat_endpoint *ep, const struct leat_stream_name *name,
                       struct ArrowSchema *ret_schema, struct leat_stream_info *ret_info,
                       struct leat_error *err)
{
    struct fc_stream_files stream = {.name = NULL};
    struct fc_read how = {.limit = -1};
    struct leat_reader *reader = NULL;
    if (ep->kind == FC_STANDARD && !ep->program) {
        return lt_fail(err, LT_E_UNSUPPORTED, "standard input can only be read");
    }
    int status = lt_fc_find_stream(ep, name->name, &stream, err);
    status = status ? status : open_stream(ep, &stream, &how, &reader, err);
    status = status ? status : fc_schema(reader, ret_schema, err);
    if (!status && ret_info) {
        struct leat_stream_info info = {.size = ret_info->size,
                                        .name = *name,
                                        .kind = LEAT_FILE,
                                        .rows_estimate = -1,
                                        .bytes_estimate = lt_fc_size_of(&stream)};
        memcpy(ret_info, &info, LT_MIN(ret_info->size, sizeof info));
    }
    fc_finish(reader);
    lt_fc_stream_files_done(&stream);
    return status;
}

static int fc_start(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                    struct leat_reader **ret_reader, struct leat_error *err)
{
    struct fc_stream_files stream = {.name = NULL};
    if (plan->query || plan->predicate || plan->cursor || plan->n_order || plan->partition) {
        return lt_fail(err, LT_E_UNSUPPORTED,
                       "files are read whole: no queries, predicates, cursors or orders");
    }
    int status = lt_fc_find_stream(ep, plan->stream.name, &stream, err);
    struct fc_read how = {
        .params = plan->params,
        .n_params = plan->n_params,
        .types = plan->types,
        .columns = plan->columns,
        .n_columns = plan->n_columns,
        .rejects = plan->rejects,
        .losses = plan->losses,
        .limit = plan->limit,
        .batch_rows_max = plan->batch_rows_max,
        .batch_bytes_max = plan->batch_bytes_max,
    };
    status = status ? status : open_stream(ep, &stream, &how, ret_reader, err);
    lt_fc_stream_files_done(&stream);
    return status;
}

/* "orders.csv.gz (gzip, csv): delimiter ';', header". Of several files the first stands for all. */
static int fc_explain(struct leat_reader *reader, char *ret_text, size_t size,
                      struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT, words = LT_BUF_INIT;
    const struct lt_format *format = reader->bytes.format;
    int more = 0;
    for (const struct leat_reader *at = reader->chain; at; at = at->chain) {
        more++;
    }
    int failed = lt_buf_printf(&text, "%s", lt_fc_base(reader->name));
    failed |= more ? lt_buf_printf(&text, " and %d more", more) : LEAT_OK;
    bool codec = reader->bytes.codec != LT_CODEC_NONE;
    failed |= lt_buf_printf(&text, " (%s%s%s%s)", codec ? lt_codec_name(reader->bytes.codec) : "",
                            codec ? ", " : "", format->name,
                            reader->bytes.spooled ? ", by way of a temporary file" : "");
    failed |= format->read_explain ? format->read_explain(reader->reader, &words) : LEAT_OK;
    failed |= words.len ? lt_buf_printf(&text, ": %s", lt_buf_text(&words)) : LEAT_OK;
    if (!failed && size) {
        snprintf(ret_text, size, "%s", lt_buf_text(&text));
    }
    lt_buf_done(&words);
    lt_buf_done(&text);
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

const struct leat_catalog_ops lt_fc_catalog = {.discover = lt_fc_discover, .describe = fc_describe};

const struct leat_source_ops lt_fc_source = {.start = fc_start,
                                             .schema = fc_schema,
                                             .next = fc_next,
                                             .finish = fc_finish,
                                             .retype = fc_retype,
                                             .explain = fc_explain};
