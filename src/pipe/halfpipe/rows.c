/* Columns put into batches that come through. */
#include "pipe/halfpipe/internal.h"

#include "columnar/text.h"
#include "core/util.h"

#include <stdlib.h>

int hp_schema_put(struct ArrowSchema *schema, const char *format, const char *name, int64_t *ret_at,
                  struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    int64_t at = lt_schema_find(schema, name);
    int rc = lt_schema_init(&field, format, name, err);
    if (!rc && at >= 0) {
        lt_schema_done(schema->children[at]);
        lt_schema_move(&field, schema->children[at]);
    } else if (!rc) {
        at = schema->n_children;
        rc = lt_schema_add(schema, &field, err);
        lt_schema_done(&field);
    }
    if (!rc) {
        *ret_at = at;
    }
    return rc;
}

int hp_field(const struct hp_step *input, const char *name, int64_t *ret_at, struct leat_error *err)
{
    int64_t at = lt_schema_find(&input->schema, name);
    if (at < 0) {
        int rc = lt_schema_unknown_column(&input->schema, name, err);
        leat_error_place(err, "records of step %s", input->def->name);
        return rc;
    }
    *ret_at = at;
    return LEAT_OK;
}

int hp_batch_put(struct ArrowArray *batch, int64_t at, struct ArrowArray *column,
                 struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct ArrowArray made = {.release = NULL};
    int64_t n = LT_MAX(batch->n_children, at + 1);
    int rc = lt_array_init(&made, 1, n, err);
    for (int64_t i = 0; !rc && i < n; i++) {
        lt_array_move(i == at ? column : batch->children[i], made.children[i]);
    }
    if (!rc) {
        made.length = batch->length;
        made.null_count = 0;
        lt_array_move(&made, ret_batch);
    }
    lt_array_done(batch);
    lt_array_done(column);
    return rc;
}

int hp_constant_column(const char *format, const char *text, int64_t rows,
                       struct ArrowArray *ret_column, struct leat_error *err)
{
    struct ArrowSchema field = {.release = NULL};
    struct lt_builder builder = {0};
    const char *why = "";
    int rc = lt_schema_init(&field, format, "", err);
    rc = rc ? rc : lt_builder_init(&builder, &field, err);
    for (int64_t i = 0; !rc && i < rows; i++) {
        rc = text ? lt_text_parse(&builder, text, strlen(text), &why) : lt_builder_null(&builder);
        if (rc == LEAT_BAD_DATA) {
            lt_fail(err, LT_E_VALUE_SYNTAX, "a constant is wrong: %s", why);
        } else if (rc) {
            lt_fail_oom(err);
        }
    }
    rc = rc ? rc : lt_builder_finish(&builder, ret_column, err);
    lt_builder_done(&builder);
    lt_schema_done(&field);
    return rc;
}
