/* One file: opened in its format, with the columns that are wanted. */
#include "connectors/file/internal.h"

#include "core/util.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "core/banned.h"

struct fc_one {
    struct fc_bytes bytes;
    char *name; /* of the file, for explain() */
    struct lt_format_reader *reader;
    int64_t *map; /* columns kept, by their place in the file; NULL: as the format gives them */
    int64_t n_map;
    struct leat_param params[FC_PARAMS_MAX];
};

void lt_fc_one_close(struct fc_one *one)
{
    if (!one) {
        return;
    }
    if (one->reader) {
        one->bytes.format->read_close(one->reader);
    }
    lt_source_close(one->bytes.source);
    free(one->map);
    free(one->name);
    free(one);
}

const char *lt_fc_no_append(struct fc_one *one, const struct lt_format_options *writing)
{
    const struct lt_format *format = one->bytes.format;
    return format->no_append ? format->no_append(one->reader, writing) : NULL;
}

/* A column by its place in the file; LEAT_NOT_FOUND with the closest name. */
int lt_fc_find_column(const struct ArrowSchema *schema, const char *name, int64_t *ret_at,
                      struct leat_error *err)
{
    int64_t at = lt_schema_find(schema, name);
    if (at >= 0) {
        *ret_at = at;
        return LEAT_OK;
    }
    return lt_schema_unknown_column(schema, name, err);
}

/* For formats that read all columns: which of them stay. */
static int make_map(struct fc_one *one, const struct fc_read *read, struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    one->map = calloc(read->n_columns + 1, sizeof *one->map);
    int status =
        one->map ? one->bytes.format->read_schema(one->reader, &schema, err) : lt_fail_oom(err);
    for (size_t i = 0; i < read->n_columns && !status; i++) {
        status = lt_fc_find_column(&schema, read->columns[i], &one->map[i], err);
        for (size_t k = 0; k < i && !status; k++) {
            if (one->map[k] == one->map[i]) {
                status = lt_fail(err, LT_E_DUPLICATE_COLUMN, "column \"%s\" is asked for twice",
                                 read->columns[i]);
            }
        }
    }
    one->n_map = (int64_t)read->n_columns;
    lt_schema_done(&schema);
    return status;
}

static int open_reader(struct leat_endpoint *ep, const struct fc_read *read, struct fc_one *one,
                       struct leat_error *err)
{
    const struct lt_format *format = one->bytes.format;
    struct lt_format_options options = {
        .params = one->params,
        .n_params =
            lt_fc_pick_params(ep, read->params, read->n_params, format->read_options, one->params),
        .schema = read->types,
        .schema_whole = read->types_whole,
        .batch_rows_max = read->batch_rows_max,
        .batch_bytes_max = read->batch_bytes_max,
        .rejects = read->rejects,
        .losses = read->losses,
        .memory = ep->host->memory(ep->host->arg),
        .threads = read->threads,
        .columns = format->projects ? read->columns : NULL,
        .n_columns = format->projects ? read->n_columns : 0,
    };
    int status = lt_format_check_options(&options, format->read_options, format->name, err);
    status = status ? status : format->read_open(one->bytes.source, &options, &one->reader, err);
    return !status && read->columns && !format->projects ? make_map(one, read, err) : status;
}

int lt_fc_one_open(struct leat_endpoint *ep, const struct fc_read *read, struct fc_one **ret_one,
                   struct leat_error *err)
{
    struct fc_one *one = calloc(1, sizeof *one);
    if (!one) {
        return lt_fail_oom(err);
    }
    int status = lt_fc_open_bytes(ep, read, &one->bytes, err);
    if (!status) {
        one->name = lt_strdup(one->bytes.source->name);
        status = one->name ? open_reader(ep, read, one, err) : lt_fail_oom(err);
    }
    if (status) {
        lt_fc_one_close(one);
        return status;
    }
    *ret_one = one;
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

static int project_schema(const struct fc_one *one, const struct ArrowSchema *schema,
                          struct ArrowSchema *ret_schema, struct leat_error *err)
{
    struct ArrowSchema made = {.release = NULL};
    int status = lt_schema_init_struct(&made, 0, err);
    if (!status && lt_schema_meta_each(schema, keep_stream_meta, &made)) {
        status = lt_fail_oom(err);
    }
    for (int64_t i = 0; i < one->n_map && !status; i++) {
        status = lt_schema_add_copy(&made, schema->children[one->map[i]], 0, err);
    }
    if (status) {
        lt_schema_done(&made);
        return status;
    }
    lt_schema_move(&made, ret_schema);
    return LEAT_OK;
}

int lt_fc_one_schema(struct fc_one *one, struct ArrowSchema *ret_schema, struct leat_error *err)
{
    struct ArrowSchema schema = {.release = NULL};
    int status = one->bytes.format->read_schema(one->reader, &schema, err);
    if (!status && !one->map) {
        lt_schema_move(&schema, ret_schema);
    } else if (!status) {
        status = project_schema(one, &schema, ret_schema, err);
    }
    lt_schema_done(&schema);
    return status;
}

/* The columns kept, moved out of the batch; the others are released with what is left of it. */
static int project_batch(const struct fc_one *one, struct ArrowArray *batch, struct leat_error *err)
{
    struct ArrowArray made = {.release = NULL};
    int status = lt_array_init(&made, 1, one->n_map, err);
    if (status) {
        return status;
    }
    made.length = batch->length;
    made.offset = batch->offset;
    for (int64_t i = 0; i < one->n_map; i++) {
        lt_array_move(batch->children[one->map[i]], made.children[i]);
    }
    lt_array_done(batch);
    lt_array_move(&made, batch);
    return LEAT_OK;
}

/* --- batches ------------------------------------------------------------------------------- */

int lt_fc_one_next(struct fc_one *one, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct ArrowArray batch = {.release = NULL};
    int status = one->bytes.format->read_next(one->reader, &batch, err);
    if (!status && batch.release && one->map) {
        status = project_batch(one, &batch, err);
    }
    if (status) {
        lt_array_done(&batch);
        return status;
    }
    lt_array_move(&batch, ret_batch);
    return LEAT_OK;
}

bool lt_fc_one_infers(const struct fc_one *one)
{
    return one && one->bytes.format->read_retype;
}

int lt_fc_one_retype(struct fc_one *one, const struct ArrowSchema *types, struct leat_error *err)
{
    return one->bytes.format->read_retype ? one->bytes.format->read_retype(one->reader, types, err)
                                          : LEAT_OK;
}

/* "orders.csv.gz and 2 more (gzip, csv): delimiter ';', header". */
int lt_fc_one_explain(struct fc_one *one, size_t more, struct lt_buf *text)
{
    struct lt_buf words = LT_BUF_INIT;
    const struct lt_format *format = one->bytes.format;
    int failed = lt_buf_printf(text, "%s", lt_fc_base(one->name));
    failed |= more ? lt_buf_printf(text, " and %zu more", more) : LEAT_OK;
    bool codec = one->bytes.codec != LT_CODEC_NONE;
    failed |= lt_buf_printf(text, " (%s%s%s%s)", codec ? lt_codec_name(one->bytes.codec) : "",
                            codec ? ", " : "", format->name,
                            one->bytes.spooled ? ", by way of a temporary file" : "");
    failed |= format->read_explain ? format->read_explain(one->reader, &words) : LEAT_OK;
    failed |= words.len ? lt_buf_printf(text, ": %s", lt_buf_text(&words)) : LEAT_OK;
    lt_buf_done(&words);
    return failed;
}

bool lt_fc_has_records(struct leat_endpoint *ep, const char *path)
{
    struct fc_read read = {.path = path, .limit = 1, .batch_rows_max = 1};
    struct ArrowArray batch = {.release = NULL};
    struct fc_one *one = NULL;
    struct stat st;
    if (stat(path, &st) != 0 || (S_ISREG(st.st_mode) && st.st_size == 0)) {
        return false;
    }
    int status = lt_fc_one_open(ep, &read, &one, NULL);
    status = status ? status : lt_fc_one_next(one, &batch, NULL);
    bool has = status || (batch.release && batch.length > 0);
    lt_array_done(&batch);
    lt_fc_one_close(one);
    return has;
}
