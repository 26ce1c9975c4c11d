/* Reading streams of one file or many: one file is open at a time, in the order of the list. */
#include "connectors/file/internal.h"

#include "core/util.h"
#include "io/identity.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/banned.h"

struct leat_reader {
    struct leat_endpoint *ep;
    struct fc_stream_files files;
    struct fc_read how; /* texts and columns are owned */
    struct leat_param params[FC_PARAMS_MAX];
    struct ArrowSchema types;  /* `how.types` where it is set */
    struct ArrowSchema schema; /* of the stream; released where one file is given as it is */
    struct fc_one *one;        /* the open file */
    struct fc_fit fit;
    size_t at;    /* the open file's place, or the next one's */
    int64_t row;  /* number of the next record, from 1 */
    int64_t left; /* records still wanted; -1: all */
};

/* --- what was asked for -------------------------------------------------------------------- */

static int keep_params(struct leat_reader *reader, const struct fc_read *how,
                       struct leat_error *err)
{
    reader->how.params = reader->params;
    reader->how.n_params = 0;
    for (size_t i = 0; i < LT_MIN(how->n_params, FC_PARAMS_MAX); i++) {
        const char *value = how->params[i].value;
        struct leat_param *param = &reader->params[reader->how.n_params++];
        param->name = lt_strdup(how->params[i].name);
        param->value = value ? lt_strdup(value) : NULL;
        if (!param->name || (value && !param->value)) {
            return lt_fail_oom(err);
        }
    }
    return LEAT_OK;
}

/* Files are opened long after the plan is gone. */
static int keep_how(struct leat_reader *reader, const struct fc_read *how, struct leat_error *err)
{
    reader->how = *how;
    reader->how.columns = NULL;
    reader->how.n_columns = 0;
    reader->how.types = NULL;
    int status = keep_params(reader, how, err);
    const char **columns = how->columns ? calloc(how->n_columns + 1, sizeof *columns) : NULL;
    reader->how.columns = columns;
    if (!status && how->columns && !columns) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; columns && i < how->n_columns && !status; i++) {
        columns[reader->how.n_columns++] = lt_strdup(how->columns[i]);
        status = columns[i] ? LEAT_OK : lt_fail_oom(err);
    }
    if (!status && how->types) {
        status = lt_schema_copy(how->types, &reader->types, err);
        reader->how.types = &reader->types;
    }
    return status;
}

static void fc_finish(struct leat_reader *reader)
{
    if (!reader) {
        return;
    }
    lt_fc_one_close(reader->one);
    lt_fc_fit_done(&reader->fit);
    for (size_t i = 0; i < reader->how.n_params; i++) {
        free((char *)(uintptr_t)reader->params[i].name);
        free((char *)(uintptr_t)reader->params[i].value);
    }
    for (size_t i = 0; i < reader->how.n_columns; i++) {
        free((char *)(uintptr_t)reader->how.columns[i]);
    }
    free((void *)(uintptr_t)reader->how.columns);
    lt_schema_done(&reader->types);
    lt_schema_done(&reader->schema);
    lt_fc_stream_files_done(&reader->files);
    free(reader);
}

/* --- opening ------------------------------------------------------------------------------- */

static int open_first(struct leat_reader *reader, struct leat_error *err)
{
    const struct fc_stream_files *files = &reader->files;
    struct fc_read read = reader->how;
    if (files->n > 1 || files->hive) {
        int status = lt_fc_unify(reader->ep, files, &reader->how, &reader->schema, err);
        return status ? status
                      : lt_fc_fit_open(reader->ep, files, 0, &reader->how, &reader->schema,
                                       &reader->one, &reader->fit, err);
    }
    read.path = files->files[0].path;
    read.types_whole = read.types_whole || (!read.types && files->types.release);
    read.types = !read.types && files->types.release ? &files->types : read.types;
    return lt_fc_one_open(reader->ep, &read, &reader->one, err);
}

int lt_fc_reader_new(struct leat_endpoint *ep, struct fc_stream_files *files,
                     const struct fc_read *how, struct leat_reader **ret_reader,
                     struct leat_error *err)
{
    struct leat_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        lt_fc_stream_files_done(files);
        return lt_fail_oom(err);
    }
    reader->ep = ep;
    reader->row = 1;
    reader->left = how->limit;
    reader->files = *files;
    *files = (struct fc_stream_files){.name = NULL};
    int status = keep_how(reader, how, err);
    status = status ? status : open_first(reader, err);
    if (status) {
        fc_finish(reader);
        return status;
    }
    *ret_reader = reader;
    return LEAT_OK;
}

static int fc_schema(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                     struct leat_error *err)
{
    return reader->schema.release ? lt_schema_copy(&reader->schema, ret_schema, err)
                                  : lt_fc_one_schema(reader->one, ret_schema, err);
}

/* Types that were given stay, and so do the manifest's. */
static int add_types(struct leat_reader *reader, const struct ArrowSchema *types,
                     struct leat_error *err)
{
    int64_t inferred = lt_fc_one_infers(reader->one) ? LT_FLAG_INFERRED : 0;
    int status = reader->types.release ? LEAT_OK : lt_schema_init_struct(&reader->types, 0, err);
    for (int64_t i = 0; i < types->n_children && !status; i++) {
        const char *name = types->children[i]->name;
        struct ArrowSchema field = {.release = NULL};
        bool known =
            lt_schema_find(&reader->types, name) >= 0 ||
            (reader->files.types.release && lt_schema_find(&reader->files.types, name) >= 0);
        status = known ? LEAT_OK : lt_schema_copy(types->children[i], &field, err);
        field.flags |= inferred;
        status = status || known ? status : lt_schema_add(&reader->types, &field, err);
        lt_schema_done(&field);
    }
    reader->how.types = status || !reader->types.n_children ? reader->how.types : &reader->types;
    return status;
}

static int fc_retype(struct leat_reader *reader, const struct ArrowSchema *types,
                     struct leat_error *err)
{
    if (!reader->schema.release) {
        return lt_fc_one_retype(reader->one, types, err);
    }
    int status = add_types(reader, types, err);
    if (status || !reader->how.types) {
        return status;
    }
    lt_fc_one_close(reader->one);
    reader->one = NULL;
    lt_fc_fit_done(&reader->fit);
    lt_schema_done(&reader->schema);
    return open_first(reader, err);
}

/* --- next ---------------------------------------------------------------------------------- */

/* The file behind the one that has ended; none: *ret_end. */
static int open_next(struct leat_reader *reader, bool *ret_end, struct leat_error *err)
{
    *ret_end = reader->at + 1 >= reader->files.n;
    if (*ret_end) {
        return LEAT_OK;
    }
    lt_fc_one_close(reader->one);
    reader->one = NULL;
    lt_fc_fit_done(&reader->fit);
    return lt_fc_fit_open(reader->ep, &reader->files, ++reader->at, &reader->how, &reader->schema,
                          &reader->one, &reader->fit, err);
}

static int next_batch(struct leat_reader *reader, struct ArrowArray *batch, struct leat_error *err)
{
    bool end = !reader->one;
    int status = end ? lt_fail(err, LT_E_INTERNAL, "a read that failed goes on") : LEAT_OK;
    while (!status && !end && !batch->release) {
        status = lt_fc_one_next(reader->one, batch, err);
        if (!status && !batch->release) {
            status = open_next(reader, &end, err);
        } else if (!status) {
            status = lt_fc_fit_batch(&reader->fit, reader->row, batch, err);
        }
    }
    return status;
}

static int fc_next(struct leat_reader *reader, struct leat_payload *ret_payload,
                   struct leat_error *err)
{
    struct leat_payload payload = {.size = ret_payload->size, .kind = LEAT_PAYLOAD_NONE};
    int status = reader->left == 0 ? LEAT_OK : next_batch(reader, &payload.batch, err);
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

/* --- streams ------------------------------------------------------------------------------- */

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
    int64_t bytes = status ? -1 : lt_fc_size_of(&stream);
    status = status ? status : lt_fc_reader_new(ep, &stream, &how, &reader, err);
    status = status ? status : fc_schema(reader, ret_schema, err);
    if (!status && ret_info) {
        struct leat_stream_info info = {.size = ret_info->size,
                                        .name = *name,
                                        .kind = LEAT_FILE,
                                        .rows_estimate = -1,
                                        .bytes_estimate = bytes};
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
    bool none = false;
    int status = lt_fc_find_stream(ep, plan->stream.name, &stream, err);
    if (!status && (plan->since || plan->until)) {
        status = lt_fc_mark_select(&stream, plan->since, plan->until, &none, err);
    }
    struct fc_read how = {
        .params = plan->params,
        .n_params = plan->n_params,
        .types = plan->types,
        .columns = plan->columns,
        .n_columns = plan->n_columns,
        .rejects = plan->rejects,
        .losses = plan->losses,
        .limit = none ? 0 : plan->limit,
        .batch_rows_max = plan->batch_rows_max,
        .batch_bytes_max = plan->batch_bytes_max,
    };
    if (plan->size >= offsetof(struct leat_read_plan, threads) + sizeof plan->threads) {
        how.threads = plan->threads;
    }
    status = status ? status : lt_fc_reader_new(ep, &stream, &how, ret_reader, err);
    lt_fc_stream_files_done(&stream);
    return status;
}

/* Of several files the first stands for all. */
static int fc_explain(struct leat_reader *reader, char *ret_text, size_t size,
                      struct leat_error *err)
{
    struct lt_buf text = LT_BUF_INIT;
    int failed = lt_fc_one_explain(reader->one, reader->files.n - 1, &text);
    if (!failed && size) {
        snprintf(ret_text, size, "%s", lt_buf_text(&text));
    }
    lt_buf_done(&text);
    return failed ? lt_fail_oom(err) : LEAT_OK;
}

/* A file's records come in the order they have in it, the files of a stream in that of their names
 * or of the manifest, whoever reads and with how many threads. */
static int fc_fingerprint(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                          bool immutable, char **ret_text, bool *ret_ordered,
                          struct leat_error *err)
{
    struct fc_stream_files files = {.name = NULL};
    struct lt_buf text = LT_BUF_INIT;
    (void)immutable; /* looked at all the same */
    if (ep->kind == FC_STANDARD) {
        return lt_fail(err, LT_E_UNSUPPORTED, "standard input comes only once");
    }
    int status = lt_fc_find_stream(ep, plan->stream.name, &files, err);
    for (size_t i = 0; i < files.n && !status; i++) {
        status = lt_buf_printf(&text, "%s=", files.files[i].within)
                     ? lt_fail_oom(err)
                     : lt_file_identity(files.files[i].path, false, &text, err);
    }
    if (!status && !(*ret_text = lt_buf_take(&text))) {
        status = lt_fail_oom(err);
    }
    *ret_ordered = true;
    lt_buf_done(&text);
    lt_fc_stream_files_done(&files);
    return status;
}

const struct leat_catalog_ops lt_fc_catalog = {.discover = lt_fc_discover, .describe = fc_describe};

const struct leat_source_ops lt_fc_source = {.start = fc_start,
                                             .schema = fc_schema,
                                             .next = fc_next,
                                             .finish = fc_finish,
                                             .retype = fc_retype,
                                             .explain = fc_explain,
                                             .mark = lt_fc_mark,
                                             .fingerprint = fc_fingerprint};
