#include "engine/changes.h"

#include "columnar/array.h"
#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

#define BATCH_ROWS 4096
#define BATCH_BYTES ((size_t)1 << 20)

static const char op_letters[LT_CHANGES_N] = {'d', 'u', 'i', 'i'};

/* --- collecting ---------------------------------------------------------------------------- */

int lt_changes_init(struct lt_changes *changes, const struct ArrowSchema *schema, int64_t n_columns,
                    int64_t memory_max, struct leat_error *err)
{
    struct ArrowSchema columns = *schema;
    *changes = (struct lt_changes){.first = 0};
    columns.n_children = n_columns;
    int rc = lt_schema_init_struct(&changes->schema, 0, err);
    rc = rc ? rc : lt_schema_add_field(&changes->schema, "u", LT_CHANGES_OP, 0, NULL, err);
    for (int64_t i = 0; !rc && i < n_columns; i++) {
        struct ArrowSchema field;
        rc = lt_schema_copy(schema->children[i], &field, err);
        if (!rc) {
            rc = lt_schema_add(&changes->schema, &field, err);
            lt_schema_done(&field);
        }
    }
    for (int op = 0; !rc && op < LT_CHANGES_N; op++) {
        rc = lt_spill_new(&changes->schema, memory_max / LT_CHANGES_N, &changes->spills[op], err);
        rc = rc ? rc : lt_batch_builder_init(&changes->building[op], &columns, err);
    }
    return rc;
}

void lt_changes_done(struct lt_changes *changes)
{
    for (int op = 0; op < LT_CHANGES_N; op++) {
        lt_spill_free(changes->spills[op]);
        lt_batch_builder_done(&changes->building[op]);
        lt_buf_done(&changes->lengths[op]);
    }
    lt_schema_done(&changes->schema);
    memset(changes, 0, sizeof *changes);
}

/* A column that says the same for every row. */
static int op_column(const struct ArrowSchema *field, char letter, int64_t rows,
                     struct ArrowArray *ret_column, struct leat_error *err)
{
    struct lt_builder builder;
    int rc = lt_builder_init(&builder, field, err);
    if (rc) {
        return rc;
    }
    for (int64_t row = 0; !rc && row < rows; row++) {
        rc = lt_builder_bytes_value(&builder, &letter, 1) ? lt_fail_oom(err) : LEAT_OK;
    }
    rc = rc ? rc : lt_builder_finish(&builder, ret_column, err);
    lt_builder_done(&builder);
    return rc;
}

/* What was built becomes a batch of its spill. */
static int flush(struct lt_changes *changes, enum lt_change op, struct leat_error *err)
{
    struct ArrowArray batch = {.release = NULL}, whole = {.release = NULL};
    struct ArrowArray ops = {.release = NULL};
    int64_t rows = changes->built[op];
    if (!rows) {
        return LEAT_OK;
    }
    changes->built[op] = 0;
    int rc = lt_batch_builder_finish(&changes->building[op], rows, &batch, err);
    rc = rc ? rc : op_column(changes->schema.children[0], op_letters[op], rows, &ops, err);
    rc = rc ? rc : lt_array_init(&whole, 1, batch.n_children + 1, err);
    if (!rc) {
        whole.length = rows;
        lt_array_move(&ops, whole.children[0]);
        for (int64_t i = 0; i < batch.n_children; i++) {
            lt_array_move(batch.children[i], whole.children[i + 1]);
        }
        rc = lt_spill_add(changes->spills[op], &whole, err);
        if (!rc && lt_buf_append(&changes->lengths[op], &rows, sizeof rows)) {
            rc = lt_fail_oom(err);
        }
    }
    lt_array_done(&ops);
    lt_array_done(&batch);
    lt_array_done(&whole);
    return rc;
}

static size_t built_bytes(const struct lt_batch_builder *builder)
{
    size_t bytes = 0;
    for (int64_t i = 0; i < builder->n_columns; i++) {
        bytes += builder->columns[i].data.len;
    }
    return bytes;
}

int lt_changes_add(struct lt_changes *changes, enum lt_change op, const struct lt_view *batch,
                   int64_t first, int64_t rows, struct leat_error *err)
{
    int rc = LEAT_OK;
    changes->rows[op] += rows;
    while (!rc && rows) {
        int64_t n = LT_MIN(rows, BATCH_ROWS - changes->built[op]);
        const struct lt_gather_run run = {batch, first, n};
        rc = lt_gather(&changes->building[op], &run, 1) ? lt_fail_oom(err) : LEAT_OK;
        changes->built[op] += n;
        first += n;
        rows -= n;
        if (!rc && (changes->built[op] >= BATCH_ROWS ||
                    built_bytes(&changes->building[op]) >= BATCH_BYTES)) {
            rc = flush(changes, op, err);
        }
    }
    return rc;
}

int lt_changes_end(struct lt_changes *changes, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (int op = 0; !rc && op < LT_CHANGES_N; op++) {
        rc = flush(changes, (enum lt_change)op, err);
    }
    changes->first = 0;
    changes->n = lt_changes_rows(changes);
    return rc;
}

int64_t lt_changes_rows(const struct lt_changes *changes)
{
    int64_t rows = 0;
    for (int op = 0; op < LT_CHANGES_N; op++) {
        rows += changes->rows[op];
    }
    return rows;
}

struct leat_row_counts lt_changes_counts(const struct lt_changes *changes)
{
    int64_t of[LT_CHANGES_N], begin = 0, end = changes->first + changes->n;
    for (int op = 0; op < LT_CHANGES_N; op++) {
        int64_t from = LT_MAX(begin, changes->first);
        begin += changes->rows[op];
        of[op] = LT_MAX(LT_MIN(begin, end) - from, 0);
    }
    return (struct leat_row_counts){.size = sizeof(struct leat_row_counts),
                                    .inserted = of[LT_CHANGE_INSERT],
                                    .updated = of[LT_CHANGE_UPDATE] + of[LT_CHANGE_REVIVE],
                                    .deleted = of[LT_CHANGE_DELETE]};
}

/* --- reading ------------------------------------------------------------------------------- */

struct leat_reader {
    const struct lt_changes *changes;
    int op;
    size_t batch; /* the next one of that op */
    int64_t skip; /* rows of it that come before the first wanted */
    int64_t left; /* rows still to be given */
    int64_t given;
};

static int64_t length_of(const struct lt_changes *changes, int op, size_t batch)
{
    int64_t rows;
    memcpy(&rows, changes->lengths[op].data + batch * sizeof rows, sizeof rows);
    return rows;
}

/* Past batches that are over. */
static void advance(struct leat_reader *reader)
{
    const struct lt_changes *changes = reader->changes;
    while (reader->op < LT_CHANGES_N) {
        bool over = reader->batch == lt_spill_count(changes->spills[reader->op]);
        if (!over && reader->skip < length_of(changes, reader->op, reader->batch)) {
            return;
        }
        if (over) {
            reader->op++;
            reader->batch = 0;
        } else {
            reader->skip -= length_of(changes, reader->op, reader->batch++);
        }
    }
}

static int start(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                 struct leat_reader **ret_reader, struct leat_error *err)
{
    const struct lt_changes *changes = (const struct lt_changes *)(const void *)ep;
    struct leat_reader *reader = calloc(1, sizeof *reader);
    (void)plan;
    if (!reader) {
        return lt_fail_oom(err);
    }
    *reader = (struct leat_reader){.changes = changes, .skip = changes->first, .left = changes->n};
    advance(reader);
    *ret_reader = reader;
    return LEAT_OK;
}

static int schema(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                  struct leat_error *err)
{
    return lt_schema_copy(&reader->changes->schema, ret_schema, err);
}

static int next(struct leat_reader *reader, struct leat_payload *ret_payload,
                struct leat_error *err)
{
    const struct lt_changes *changes = reader->changes;
    *ret_payload = (struct leat_payload){.size = sizeof *ret_payload};
    if (!reader->left || reader->op == LT_CHANGES_N) {
        return LEAT_OK;
    }
    int64_t rows = length_of(changes, reader->op, reader->batch) - reader->skip;
    rows = LT_MIN(rows, reader->left);
    int rc = lt_spill_get(changes->spills[reader->op], reader->batch, &ret_payload->batch, err);
    if (rc) {
        return rc;
    }
    ret_payload->kind = LEAT_PAYLOAD_BATCH;
    ret_payload->rows = rows;
    ret_payload->row_first = reader->given + 1;
    rc = lt_array_slice(&ret_payload->batch, reader->skip, rows, err);
    reader->skip += rows;
    reader->left -= rows;
    reader->given += rows;
    advance(reader);
    if (rc) {
        leat_x_payload_release(ret_payload);
    }
    return rc;
}

static void finish(struct leat_reader *reader)
{
    free(reader);
}

static const struct leat_capabilities capabilities_of_changes = {
    .size = sizeof capabilities_of_changes, .payloads_out = LEAT_PAYLOAD_BATCH, .readers_max = 1};

static const struct leat_source_ops source_ops = {
    .start = start, .schema = schema, .next = next, .finish = finish};

const struct leat_connector lt_connector_changes = {.size = sizeof lt_connector_changes,
                                                    .abi = LEAT_CONNECTOR_ABI,
                                                    .name = "changes",
                                                    .summary = "what a sync has to do",
                                                    .source = &source_ops};

void lt_changes_side(struct lt_changes *changes, struct lt_run *run, struct lt_side *ret_side)
{
    *ret_side = (struct lt_side){.run = run,
                                 .location = &run->plan->source,
                                 .connector = &lt_connector_changes,
                                 .ep = (struct leat_endpoint *)(void *)changes,
                                 .caps = &capabilities_of_changes};
}
