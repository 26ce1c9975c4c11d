/* leat_statement(): any statement run at a plan's source, its rows as a stream of texts. */
#include "columnar/array.h"
#include "columnar/builder.h"
#include "columnar/schema.h"
#include "core/codes.h"
#include "engine/run.h"
#include "engine/stream_source.h"

#include <stdlib.h>

#define BATCH_ROWS 1000
#define BATCH_BYTES (1 << 20)

/* Behind the stream: an endpoint of its own, under a run that moves nothing. */
struct statement {
    struct lt_run run;
    struct lt_side *side;
    struct leat_rows *rows;
    struct ArrowSchema schema;
    char error[2048];
};

static void statement_free(struct statement *statement)
{
    if (statement->rows) {
        statement->side->connector->sql->rows_close(statement->rows);
    }
    lt_schema_done(&statement->schema);
    lt_side_close(statement->side);
    lt_run_done(&statement->run);
    free(statement);
}

/* Two columns of one name are told apart by their place. */
static char *column_name(const struct ArrowSchema *schema, const char *name, size_t place)
{
    bool taken = !*name || lt_schema_find(schema, name) >= 0;
    return taken ? lt_format("%s_%zu", *name ? name : "column", place + 1) : lt_strdup(name);
}

static int make_schema(struct statement *statement, struct leat_error *err)
{
    const char *const *names;
    size_t n = statement->side->connector->sql->rows_columns(statement->rows, &names);
    int rc = lt_schema_init_struct(&statement->schema, 0, err);
    for (size_t i = 0; !rc && i < n; i++) {
        char *name = column_name(&statement->schema, names[i], i);
        rc = name ? lt_schema_add_field(&statement->schema, "u", name, ARROW_FLAG_NULLABLE, NULL,
                                        err)
                  : lt_fail_oom(err);
        free(name);
    }
    return rc;
}

static int add_row(struct lt_batch_builder *batch, const char *const *texts, const size_t *lens,
                   int64_t *bytes)
{
    int failed = LEAT_OK;
    for (int64_t i = 0; i < batch->n_columns && !failed; i++) {
        struct lt_builder *column = &batch->columns[i];
        failed =
            texts[i] ? lt_builder_bytes_value(column, texts[i], lens[i]) : lt_builder_null(column);
        *bytes += texts[i] ? (int64_t)lens[i] : 0;
    }
    return failed;
}

static int read_batch(struct statement *statement, struct ArrowArray *ret_batch,
                      struct leat_error *err)
{
    struct lt_batch_builder batch;
    const char *const *texts = NULL;
    const size_t *lens;
    int64_t rows = 0, bytes = 0;
    int rc = lt_batch_builder_init(&batch, &statement->schema, err);
    do {
        rc = rc ? rc
                : statement->side->connector->sql->rows_next(statement->rows, &texts, &lens, err);
        if (!rc && texts) {
            rc = add_row(&batch, texts, lens, &bytes) ? lt_fail_oom(err) : LEAT_OK;
            rows++;
        }
    } while (!rc && texts && rows < BATCH_ROWS && bytes < BATCH_BYTES);
    if (!rc && rows) {
        rc = lt_batch_builder_finish(&batch, rows, ret_batch, err);
    }
    lt_batch_builder_done(&batch);
    return rc;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct statement *statement = stream->private_data;
    struct leat_error err = {0};
    int rc = lt_schema_copy(&statement->schema, out, &err);
    return rc ? lt_stream_fault(&err, statement->error, sizeof statement->error) : 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct statement *statement = stream->private_data;
    struct leat_error err = {0};
    memset(out, 0, sizeof *out);
    int rc = read_batch(statement, out, &err);
    return rc ? lt_stream_fault(&err, statement->error, sizeof statement->error) : 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    struct statement *statement = stream->private_data;
    return statement->error[0] ? statement->error : NULL;
}

static void release(struct ArrowArrayStream *stream)
{
    statement_free(stream->private_data);
    stream->release = NULL;
}

int leat_statement(struct leat_plan *plan, const char *sql, struct ArrowArrayStream *ret_stream,
                   int64_t *ret_changed, struct leat_error *err)
{
    struct statement *statement = calloc(1, sizeof *statement);
    if (!statement) {
        return lt_fail_oom(err);
    }
    int rc = lt_run_init(&statement->run, plan, NULL, err);
    if (!rc && (!plan->has_source || plan->n_destinations)) {
        rc = lt_fail(err, LT_E_USAGE, "name one place, and no destination");
    }
    rc = rc ? rc : lt_side_open(&statement->run, &plan->source, &statement->side, err);
    const struct leat_sql_ops *ops = rc ? NULL : statement->side->connector->sql;
    if (!rc && !(ops && ops->run)) {
        rc = lt_fail(err, LT_E_UNSUPPORTED, "%s has no SQL", statement->side->connector->name);
        leat_error_place(err, "%s", plan->source.text);
    }
    rc = rc ? rc : ops->run(statement->side->ep, sql, &statement->rows, ret_changed, err);
    if (!rc && statement->rows) {
        rc = make_schema(statement, err);
    }
    ret_stream->release = NULL;
    if (rc || !statement->rows) {
        statement_free(statement);
        return rc;
    }
    *ret_stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                            .get_next = get_next,
                                            .get_last_error = get_last_error,
                                            .release = release,
                                            .private_data = statement};
    return LEAT_OK;
}
