/* The rows the suite writes, and reading them back; see conf.h. */
#include "conf.h"

#include "columnar/builder.h"
#include "columnar/cast.h"
#include "columnar/schema.h"
#include "columnar/text.h"
#include "core/codes.h"

#include <stdio.h>
#include <stdlib.h>

static void must(int status)
{
    if (status) {
        abort();
    }
}

void conf_schema(struct ArrowSchema *ret_schema)
{
    struct ArrowSchema *field;
    must(lt_schema_init_struct(ret_schema, 0, NULL));
    must(lt_schema_add_field(ret_schema, "l", "id", 0, &field, NULL));
    must(lt_schema_add_field(ret_schema, "u", "name", ARROW_FLAG_NULLABLE, &field, NULL));
    must(lt_schema_add_field(ret_schema, "g", "amount", ARROW_FLAG_NULLABLE, &field, NULL));
}

void conf_batch(int stream, int version, int part, struct ArrowArray *ret_batch)
{
    struct ArrowSchema schema;
    struct lt_batch_builder builder;
    char name[64];
    int rows = version ? CONF_ROWS : 0;
    conf_schema(&schema);
    must(lt_batch_builder_init(&builder, &schema, NULL));
    for (int i = 0; i < rows; i++) {
        int64_t id = version * 1000000 + stream * 100000 + part * 1000 + i;
        must(lt_builder_i64(&builder.columns[0], id));
        if (i % 7 == 0) {
            must(lt_builder_null(&builder.columns[1]));
        } else {
            int len = i % 5 ? snprintf(name, sizeof name, "n%d \xc3\xa9\t\"x\\", i) : 0;
            must(lt_builder_bytes_value(&builder.columns[1], name, (size_t)len));
        }
        if (i % 3 == 0) {
            must(lt_builder_null(&builder.columns[2]));
        } else {
            must(lt_builder_f64(&builder.columns[2], (double)id / 8));
        }
    }
    must(lt_batch_builder_finish(&builder, rows, ret_batch, NULL));
    lt_batch_builder_done(&builder);
    lt_schema_done(&schema);
}

/* --- content ------------------------------------------------------------------------------- */

void content_done(struct content *content)
{
    for (size_t i = 0; i < content->n; i++) {
        free(content->lines[i]);
    }
    free(content->lines);
    memset(content, 0, sizeof *content);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void content_sort(struct content *content)
{
    if (content->n) {
        qsort(content->lines, content->n, sizeof *content->lines, by_text);
    }
}

int content_add(struct content *content, const struct ArrowSchema *schema,
                const struct ArrowArray *batch, struct leat_error *err)
{
    struct lt_view view;
    int status = lt_view_init(&view, schema, batch, err);
    if (status) {
        return status;
    }
    char **lines =
        realloc(content->lines, (content->n + (size_t)batch->length + 1) * sizeof *lines);
    if (!lines) {
        lt_view_done(&view);
        return lt_fail_oom(err);
    }
    content->lines = lines;
    for (int64_t row = 0; !status && row < batch->length; row++) {
        struct lt_buf line = LT_BUF_INIT;
        for (int64_t i = 0; i < view.n_children; i++) {
            const struct lt_view *column = &view.children[i];
            must(lt_buf_puts(&line, i ? "|" : ""));
            if (lt_view_is_null(column, row)) {
                must(lt_buf_puts(&line, "NULL"));
            } else {
                must(lt_text_format(column, row, &line));
            }
        }
        content->lines[content->n++] = lt_buf_take(&line);
    }
    lt_view_done(&view);
    return status;
}

void content_expect(struct content *content, int stream, const int *versions, int n_versions)
{
    struct ArrowSchema schema;
    memset(content, 0, sizeof *content);
    conf_schema(&schema);
    for (int v = 0; v < n_versions; v++) {
        for (int part = 0; part < CONF_PARTS; part++) {
            struct ArrowArray batch;
            conf_batch(stream, versions[v], part, &batch);
            must(content_add(content, &schema, &batch, NULL));
            lt_array_done(&batch);
        }
    }
    content_sort(content);
    lt_schema_done(&schema);
}

/* All batches of a reader, cast to these types by column name. */
static int read_all(const struct leat_connector *connector, struct leat_reader *reader,
                    const struct ArrowSchema *as, struct content *content, struct leat_error *err)
{
    struct ArrowSchema schema = {0}, ours = {0};
    struct lt_cast *cast = NULL;
    int64_t map[16];
    must(lt_schema_copy(as, &ours, NULL));
    int status = connector->source->schema(reader, &schema, err);
    for (int64_t i = 0; !status && i < ours.n_children; i++) {
        map[i] = lt_schema_find(&schema, ours.children[i]->name);
        ours.children[i]->flags |= ARROW_FLAG_NULLABLE;
        if (map[i] < 0 || schema.n_children != ours.n_children) {
            status = lt_fail(err, LT_E_COLUMN_MISMATCH, "the columns read are not those written");
        }
    }
    status = status ? status : lt_cast_new(&schema, &ours, map, &cast, err);
    while (!status) {
        struct leat_payload payload = {.size = sizeof payload};
        struct ArrowArray batch = {0};
        status = connector->source->next(reader, &payload, err);
        if (status || payload.kind == LEAT_PAYLOAD_NONE) {
            break;
        }
        status = lt_cast_run(cast, &payload.batch, 1, &batch, NULL, err);
        status = status ? status : content_add(content, &ours, &batch, err);
        lt_array_done(&batch);
        leat_x_payload_release(&payload);
    }
    lt_cast_free(cast);
    lt_schema_done(&schema);
    lt_schema_done(&ours);
    return status;
}

int content_read(const char *url, const char *name, int stream, struct content *ret_content,
                 struct leat_error *err)
{
    struct ArrowSchema schema;
    (void)stream;
    conf_schema(&schema);
    int status = content_read_as(url, name, &schema, ret_content, err);
    lt_schema_done(&schema);
    return status;
}

int content_read_as(const char *url, const char *name, const struct ArrowSchema *schema,
                    struct content *ret_content, struct leat_error *err)
{
    const struct leat_connector *connector;
    struct leat_endpoint *ep = NULL;
    struct leat_reader *reader = NULL;
    struct content content = {0};
    struct leat_read_plan plan = {.size = sizeof plan,
                                  .stream = {conf.ns, name},
                                  .limit = -1,
                                  .payloads = LEAT_PAYLOAD_BATCH,
                                  .params = conf.params,
                                  .n_params = conf.n_params};
    int status = conf_open(url, 2000, &connector, &ep, err);
    status = status ? status : connector->source->start(ep, &plan, &reader, err);
    if (status == LEAT_NOT_FOUND) {
        content.absent = true;
        status = LEAT_OK;
    } else if (!status) {
        status = read_all(connector, reader, schema, &content, err);
        content_sort(&content);
    }
    if (reader) {
        connector->source->finish(reader);
    }
    if (ep) {
        connector->close(ep);
    }
    if (status) {
        content_done(&content);
    } else {
        *ret_content = content;
    }
    return status;
}

bool content_equal(const struct content *a, const struct content *b)
{
    if (a->n != b->n || a->absent != b->absent) {
        return false;
    }
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->lines[i], b->lines[i])) {
            return false;
        }
    }
    return true;
}
