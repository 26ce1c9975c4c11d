/* CSVFileWriter: files of records, a new one after so many rows or bytes. */
#include "pipe/halfpipe/fields.h"
#include "pipe/halfpipe/outfile.h"
#include "pipe/halfpipe/types.h"

#include <stdlib.h>

#define WRITE_BYTES ((size_t)256 << 10)

struct writer {
    struct hp_fields fields;
    bool *plain; /* a field's text never needs quotes */
    struct hp_names names;
    struct hp_outfile file;
    struct lt_buf out, header;
    int64_t rows_max, bytes_max;
    int64_t rows, bytes; /* of the file, before what is in `out` */
    char **paths;        /* of files that are whole, not yet told */
    size_t n_paths;
};

/* --- files ---------------------------------------------------------------------------------- */

static int write_out(struct writer *writer, struct leat_error *err)
{
    int rc = lt_sink_write(writer->file.sink, writer->out.data, writer->out.len, err);
    writer->bytes += (int64_t)writer->out.len;
    lt_buf_clear(&writer->out);
    return rc;
}

static int begin_file(struct writer *writer, struct leat_error *err)
{
    int rc = hp_outfile_open(&writer->file, &writer->names, err);
    writer->rows = writer->bytes = 0;
    if (!rc && lt_buf_append(&writer->out, writer->header.data, writer->header.len)) {
        rc = lt_fail_oom(err);
    }
    return rc;
}

static int end_file(struct writer *writer, struct leat_error *err)
{
    char **bigger = realloc(writer->paths, (writer->n_paths + 1) * sizeof *bigger);
    if (!bigger) {
        return lt_fail_oom(err);
    }
    writer->paths = bigger;
    int rc = write_out(writer, err);
    rc = rc ? rc : hp_outfile_finish(&writer->file, &bigger[writer->n_paths], err);
    writer->n_paths += !rc;
    return rc;
}

/* --- records -------------------------------------------------------------------------------- */

static int put_record(struct writer *writer, int64_t row)
{
    struct lt_buf *out = &writer->out;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < writer->fields.n; i++) {
        size_t len;
        const char *text = hp_text_at(&writer->fields.texts[i], row, &len);
        rc = i ? lt_buf_byte(out, ',') : LEAT_OK;
        if (!rc && !lt_view_is_null(&writer->fields.views[i], row)) {
            rc = hp_csv_field(out, text, len, writer->plain[i]);
        }
    }
    return rc ? rc : lt_buf_byte(out, '\n');
}

static int write_batch(struct writer *writer, const struct ArrowArray *batch,
                       struct leat_error *err)
{
    int rc = hp_fields_fill(&writer->fields, batch, err);
    for (int64_t row = 0; !rc && row < batch->length; row++) {
        rc = writer->file.sink ? LEAT_OK : begin_file(writer, err);
        if (!rc && put_record(writer, row)) {
            rc = lt_fail_oom(err);
        }
        writer->rows++;
        int64_t bytes = writer->bytes + (int64_t)writer->out.len;
        bool full = (writer->rows_max && writer->rows >= writer->rows_max) ||
                    (writer->bytes_max && bytes > writer->bytes_max);
        if (!rc && full) {
            rc = end_file(writer, err);
        } else if (!rc && writer->out.len >= WRITE_BYTES) {
            rc = write_out(writer, err);
        }
    }
    return rc;
}

static int give_paths(struct writer *writer, struct ArrowArray *ret_batch, struct leat_error *err)
{
    int rc = hp_text_batch(writer->paths, writer->n_paths, ret_batch, err);
    for (size_t i = 0; i < writer->n_paths; i++) {
        free(writer->paths[i]);
    }
    writer->n_paths = 0;
    return rc;
}

static int next_csv(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct writer *writer = step->state;
    struct ArrowArray batch;
    bool over = false;
    int rc = LEAT_OK;
    while (!rc && !writer->n_paths && !over) {
        rc = hp_pull(step->inputs[0], &batch, err);
        over = !rc && !batch.release;
        if (over && writer->file.sink) {
            rc = end_file(writer, err);
        } else if (!rc && !over) {
            rc = write_batch(writer, &batch, err);
        }
        lt_array_done(&batch);
    }
    return rc || !writer->n_paths ? rc : give_paths(writer, ret_batch, err);
}

/* --- opening -------------------------------------------------------------------------------- */

static bool is_plain(const struct lt_type *type)
{
    return lt_type_is_integer(type->id) || type->id == LT_DATE32 || type->id == LT_DATE64 ||
           type->id == LT_TIMESTAMP || type->id == LT_FLOAT32 || type->id == LT_FLOAT64 ||
           type->id == LT_DECIMAL128 || type->id == LT_BOOL;
}

static int make_header(struct writer *writer, const struct ArrowSchema *schema,
                       struct leat_error *err)
{
    int rc = LEAT_OK;
    writer->plain = calloc(writer->fields.n + 1, sizeof *writer->plain);
    for (size_t i = 0; !rc && writer->plain && i < writer->fields.n; i++) {
        const struct ArrowSchema *field = schema->children[writer->fields.columns[i]];
        struct lt_type type;
        rc = lt_type_of(field, &type, err);
        writer->plain[i] = !rc && is_plain(&type);
        if (!rc && ((i && lt_buf_byte(&writer->header, ',')) ||
                    hp_csv_field(&writer->header, field->name, strlen(field->name), false))) {
            rc = lt_fail_oom(err);
        }
    }
    if (!rc && (!writer->plain || lt_buf_byte(&writer->header, '\n'))) {
        rc = lt_fail_oom(err);
    }
    return rc;
}

static int open_csv(struct hp_step *step, struct leat_error *err)
{
    struct writer *writer = calloc(1, sizeof *writer);
    const struct hp_def *def = step->def;
    int64_t at;
    step->state = writer;
    if (!writer) {
        return lt_fail_oom(err);
    }
    int rc = hp_number(def, "maxFileRows", &writer->rows_max, err);
    rc = rc ? rc : hp_number(def, "maxFileBytes", &writer->bytes_max, err);
    rc = rc ? rc
            : hp_fields_init(&writer->fields, step->inputs[0], hp_value(def, "headerFieldsCSV"),
                             false, err);
    rc = rc ? rc : make_header(writer, &step->inputs[0]->schema, err);
    rc = rc ? rc : hp_names_init(&writer->names, def, hp_is_on(def, "useGzip"), "csv-output", err);
    rc = rc ? rc : lt_schema_init_struct(&step->schema, 0, err);
    return rc ? rc
              : hp_schema_put(&step->schema, "u", hp_value(def, "outputFieldName4FilePath"), &at,
                              err);
}

static void close_csv(struct hp_step *step)
{
    struct writer *writer = step->state;
    if (!writer) {
        return;
    }
    hp_outfile_done(&writer->file);
    hp_names_done(&writer->names);
    hp_fields_done(&writer->fields);
    for (size_t i = 0; i < writer->n_paths; i++) {
        free(writer->paths[i]);
    }
    free(writer->paths);
    free(writer->plain);
    lt_buf_done(&writer->out);
    lt_buf_done(&writer->header);
    free(writer);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_csv_writer = {open_csv, next_csv, close_csv};
