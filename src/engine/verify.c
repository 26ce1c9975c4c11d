#include "engine/verify.h"

#include "core/codes.h"

#include <stdlib.h>

/* Adds up everything a reader gives, cast to the schema that was written. */
static int sum_up(struct lt_flow_dest *dest, struct leat_reader *reader, uint64_t *sums,
                  int64_t *ret_rows, struct leat_error *err)
{
    const struct leat_source_ops *ops = dest->side->connector->source;
    struct ArrowSchema schema = {0};
    struct lt_cast *cast = NULL;
    int64_t rows = 0;
    int rc = ops->schema(reader, &schema, err);
    if (!rc) {
        rc = lt_cast_by_name(&schema, &dest->schema, &cast, err);
    }
    while (!rc) {
        struct leat_payload payload = {.size = sizeof payload};
        struct ArrowArray batch = {0};
        rc = ops->next(reader, &payload, err);
        if (rc || payload.kind == LEAT_PAYLOAD_NONE) {
            break;
        }
        if (payload.kind != LEAT_PAYLOAD_BATCH) {
            leat_x_payload_release(&payload);
            rc = lt_fail(err, LT_E_INTERNAL, "what was written came back as no batch");
            break;
        }
        rc = lt_cast_run(cast, &payload.batch, rows + 1, &batch, NULL, err);
        if (!rc) {
            rows += batch.length;
            rc = lt_checksum_add(&dest->schema, &batch, sums, err);
        }
        lt_array_done(&batch);
        leat_x_payload_release(&payload);
    }
    lt_cast_free(cast);
    lt_schema_done(&schema);
    *ret_rows = rows;
    return rc;
}

/* The part itself stored nulls in the place of values: they are counted, and cannot be equal. */
static bool has_lost(const struct lt_flow_dest *dest, const char *column)
{
    bool has = false;
    for (size_t i = 0; !has && i < dest->part_losses.lost.n; i++) {
        has = !strcmp(dest->part_losses.lost.columns[i].name, column);
    }
    return has;
}

static int compare(const struct lt_flow_dest *dest, const uint64_t *sums, int64_t rows,
                   struct leat_error *err)
{
    struct lt_buf names = LT_BUF_INIT;
    int rc = LEAT_OK;
    if (rows != dest->rows_in) {
        return lt_fail(err, LT_E_VERIFY_MISMATCH,
                       "%lld records were written and %lld could be read back",
                       (long long)dest->rows_in, (long long)rows);
    }
    for (int64_t i = 0; !rc && i < dest->schema.n_children; i++) {
        if (sums[i] != dest->sums[i] && !has_lost(dest, dest->schema.children[i]->name)) {
            rc = lt_buf_printf(&names, "%s\"%s\"", names.len ? ", " : "",
                               dest->schema.children[i]->name);
        }
    }
    if (rc) {
        rc = lt_fail_oom(err);
    } else if (names.len) {
        rc = lt_fail(err, LT_E_VERIFY_MISMATCH, "checksums differ in column %s",
                     lt_buf_text(&names));
    } else if (!dest->part_losses.lost.n &&
               sums[dest->schema.n_children] != dest->sums[dest->schema.n_children]) {
        rc = lt_fail(err, LT_E_VERIFY_MISMATCH,
                     "every column holds the values that were written, but in other rows");
    }
    lt_buf_done(&names);
    return rc;
}

static int open_back(struct lt_flow_dest *dest, struct leat_reader **ret_reader,
                     struct leat_error *err)
{
    const struct leat_connector *connector = dest->side->connector;
    return connector->load->read_back && connector->source
               ? connector->load->read_back(dest->load, dest->stream, ret_reader, err)
               : lt_fail(err, LT_E_UNSUPPORTED, "%s cannot be read back before the commit",
                         connector->name);
}

int lt_verify(struct lt_flow_dest *dest, struct leat_error *err)
{
    struct leat_reader *reader = NULL;
    int64_t rows = 0;
    uint64_t *sums = calloc((size_t)dest->schema.n_children + 1, sizeof *sums);
    if (!sums) {
        return lt_fail_oom(err);
    }
    int rc = open_back(dest, &reader, err);
    if (!rc) {
        rc = sum_up(dest, reader, sums, &rows, err);
        dest->side->connector->source->finish(reader);
    }
    if (!rc) {
        rc = compare(dest, sums, rows, err);
    }
    free(sums);
    return rc;
}

static int count_read(struct lt_flow_dest *dest, int64_t *ret_rows, struct leat_error *err)
{
    const struct leat_source_ops *ops = dest->side->connector->source;
    struct leat_reader *reader = NULL;
    bool ended = false;
    int rc = open_back(dest, &reader, err);
    for (*ret_rows = 0; !rc && !ended;) {
        struct leat_payload payload = {.size = sizeof payload};
        rc = ops->next(reader, &payload, err);
        ended = payload.kind == LEAT_PAYLOAD_NONE;
        *ret_rows += !rc && payload.kind == LEAT_PAYLOAD_BATCH ? payload.batch.length : 0;
        leat_x_payload_release(&payload);
    }
    if (reader) {
        ops->finish(reader);
    }
    return rc;
}

int lt_verify_count(struct lt_flow_dest *dest, int64_t expected, struct leat_error *err)
{
    const struct leat_load_ops *ops = dest->side->connector->load;
    int64_t rows = 0;
    int rc = ops->count_back ? ops->count_back(dest->load, dest->stream, &rows, err)
                             : count_read(dest, &rows, err);
    return rc || rows == expected
               ? rc
               : lt_fail(err, LT_E_COUNT_MISMATCH,
                         "%lld records were written and the destination holds %lld of them",
                         (long long)expected, (long long)rows);
}
