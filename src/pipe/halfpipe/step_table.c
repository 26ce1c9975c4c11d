/* TableSync and TableMerge: records applied to a table by their key.
 *
 * So many records as one transaction may have are given to a plan of their own, as a stream of
 * changes: leat's merge writes them, so a kill leaves the table as it was before or after them. */
#include "pipe/halfpipe/input.h"
#include "pipe/halfpipe/spool.h"
#include "pipe/halfpipe/types.h"

#include "core/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define OP "_leat_hp_op"

struct table {
    struct hp_step *step;
    int64_t *columns; /* of the input, as the table's schema has them */
    size_t n;
    struct ArrowSchema plain;  /* of the table's columns */
    struct ArrowSchema schema; /* of what is written; with flags, `OP` is its last */
    int64_t flag;              /* the input's column with N, C or D; -1: none */
    struct lt_view flags;
    char *keys;   /* as the option takes them */
    int64_t most; /* records of a transaction; 0: all */
    /* All columns are keys, as in Halfpipe's snapshots: N records are inserted as they are, nulls and
     * repetitions too, and a transaction has only such, or none of them. */
    bool keys_only, inserting;
    struct hp_spool *spool; /* NULL: none */

    struct ArrowArray batch; /* what of the input is not yet used */
    bool over;
    int64_t taken; /* of this transaction */
    int64_t commits;
    int pull_rc; /* the input's own fault, and what it says */
    struct leat_error pull_error;
    char text[2048];

    struct ArrowArray *held; /* written, to be passed on */
    size_t n_held, given;
    int64_t held_bytes;
};

/* --- records into changes ------------------------------------------------------------------- */

static int view_flags(struct table *table, const struct ArrowArray *batch, struct leat_error *err)
{
    const struct ArrowSchema *field = table->step->inputs[0]->schema.children[table->flag];
    const struct ArrowArray *column = batch->children[table->flag];
    return lt_view_next(&table->flags, field, column, err);
}

/* 0: it is none. */
static char flag_at(const struct table *table, int64_t row)
{
    size_t len = 0;
    bool null = lt_view_is_null(&table->flags, row);
    const uint8_t *text = null ? NULL : lt_view_bytes(&table->flags, row, &len);
    return len == 1 ? (char)*text : 0;
}

/* How many records of the batch, from the first on, are such as the transaction has. */
static int count_alike(struct table *table, int64_t *n, struct leat_error *err)
{
    int rc = view_flags(table, &table->batch, err);
    int64_t row = 0;
    while (!rc && row < *n) {
        char flag = flag_at(table, row);
        if (flag != 'I' && (flag == 'N') != table->inserting) {
            break;
        }
        row++;
    }
    *n = rc ? *n : row;
    return rc;
}

/* What is to be done with each record; those that are the same are left out: rows of `keep`. */
static int read_flags(struct table *table, const struct ArrowArray *batch, struct lt_builder *ops,
                      int64_t *keep, int64_t *ret_n, struct leat_error *err)
{
    static const char flags[] = "NCD", names[] = "iud";
    int rc = view_flags(table, batch, err);
    int64_t n = 0;
    for (int64_t row = 0; !rc && row < batch->length; row++) {
        char flag = flag_at(table, row);
        if (flag == 'I') {
            continue;
        }
        const char *known = flag ? strchr(flags, flag) : NULL;
        if (!known) {
            return lt_fail(err, LT_E_VALUE_SYNTAX,
                           "a record has another flag than N, C, D or I in field \"%s\"",
                           table->flags.field->name);
        }
        keep[n++] = row;
        rc = lt_builder_bytes_value(ops, &names[known - flags], 1) ? lt_fail_oom(err) : LEAT_OK;
    }
    *ret_n = n;
    return rc;
}

/* The table's columns of a batch, which is taken over. */
static int select_columns(struct table *table, struct ArrowArray *batch, struct ArrowArray *flags,
                          struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct ArrowArray made = {.release = NULL};
    int64_t n = table->inserting ? table->plain.n_children : table->schema.n_children;
    int rc = lt_array_init(&made, 1, n, err);
    for (size_t i = 0; !rc && i < table->n; i++) {
        lt_array_move(batch->children[table->columns[i]], made.children[i]);
    }
    if (!rc && table->flag >= 0 && !table->inserting) {
        lt_array_move(flags, made.children[table->n]);
    }
    made.length = rc ? 0 : batch->length;
    lt_array_done(batch);
    if (rc) {
        lt_array_done(&made);
        return rc;
    }
    lt_array_move(&made, ret_batch);
    return LEAT_OK;
}

static int make_changes(struct table *table, struct ArrowArray *batch, struct ArrowArray *ret_batch,
                        struct leat_error *err)
{
    struct ArrowArray kept = {.release = NULL}, flags = {.release = NULL};
    struct lt_builder ops = {0};
    int64_t n = 0;
    if (table->flag < 0) {
        return select_columns(table, batch, NULL, ret_batch, err);
    }
    int64_t *keep = malloc(((size_t)batch->length + 1) * sizeof *keep);
    int rc = keep ? lt_builder_init(&ops, table->schema.children[table->n], err) : lt_fail_oom(err);
    rc = rc ? rc : read_flags(table, batch, &ops, keep, &n, err);
    if (!rc && n < batch->length) {
        rc = lt_array_take(&table->step->inputs[0]->schema, batch, keep, n, &kept, err);
        lt_array_done(batch);
    } else if (!rc) {
        lt_array_move(batch, &kept);
    }
    rc = rc ? rc : lt_builder_finish(&ops, &flags, err);
    rc = rc ? rc : select_columns(table, &kept, &flags, ret_batch, err);
    lt_builder_done(&ops);
    lt_array_done(&kept);
    lt_array_done(&flags);
    lt_array_done(batch);
    free(keep);
    return rc;
}

/* --- the input, transaction by transaction -------------------------------------------------- */

static int refill(struct table *table, struct leat_error *err)
{
    if (table->batch.release || table->over) {
        return LEAT_OK;
    }
    int rc = table->spool ? hp_spool_next(table->spool, &table->batch, err)
                          : hp_pull(table->step->inputs[0], &table->batch, err);
    table->over = !rc && !table->batch.release;
    return rc;
}

/* The first n records of the batch; the rest stays. */
static int split(struct ArrowArray *batch, int64_t n, struct ArrowArray *ret_first,
                 struct leat_error *err)
{
    if (n == batch->length) {
        lt_array_move(batch, ret_first);
        return LEAT_OK;
    }
    int rc = lt_array_share(batch, err);
    rc = rc ? rc : lt_array_hold(batch, ret_first, err);
    rc = rc ? rc : lt_array_slice(ret_first, 0, n, err);
    return rc ? rc : lt_array_slice(batch, n, batch->length - n, err);
}

/* Another holder of records that will be passed on. */
static int hold(struct table *table, struct ArrowArray *batch, struct leat_error *err)
{
    if (!table->step->readers) {
        return LEAT_OK;
    }
    struct ArrowArray *bigger = realloc(table->held, (table->n_held + 1) * sizeof *bigger);
    if (!bigger) {
        return lt_fail_oom(err);
    }
    table->held = bigger;
    table->held_bytes += lt_array_bytes(&table->step->inputs[0]->schema, batch);
    if (table->held_bytes > HP_HELD_MAX) {
        int rc = lt_fail(err, LT_E_LIMIT,
                         "the records of one transaction are too many to be passed "
                         "on after it");
        leat_error_remedy(err, "lower commitBatchSize, or let no step read this one");
        return rc;
    }
    int rc = lt_array_share(batch, err);
    rc = rc ? rc : lt_array_hold(batch, &bigger[table->n_held], err);
    table->n_held += !rc;
    return rc;
}

static int next_changes(struct table *table, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct ArrowArray part = {.release = NULL};
    int rc = refill(table, err);
    int64_t left = table->most ? table->most - table->taken : INT64_MAX;
    if (rc || table->over || !left) {
        return rc;
    }
    int64_t n = table->batch.length < left ? table->batch.length : left;
    rc = table->keys_only ? count_alike(table, &n, err) : LEAT_OK;
    if (rc || !n) {
        return rc;
    }
    rc = split(&table->batch, n, &part, err);
    rc = rc ? rc : hold(table, &part, err);
    table->taken += n;
    rc = rc ? rc : make_changes(table, &part, ret_batch, err);
    lt_array_done(&part);
    return rc;
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct table *table = stream->private_data;
    return lt_schema_copy(table->inserting ? &table->plain : &table->schema, out, NULL) ? ENOMEM
                                                                                        : 0;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct table *table = stream->private_data;
    out->release = NULL;
    table->pull_rc = next_changes(table, out, &table->pull_error);
    if (table->pull_rc) {
        lt_error_format(&table->pull_error, table->text, sizeof table->text);
        return table->pull_rc == LEAT_NO_MEMORY ? ENOMEM : EIO;
    }
    return 0;
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    return ((struct table *)stream->private_data)->text;
}

static void stream_release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

/* --- writing -------------------------------------------------------------------------------- */

static int set_options(struct table *table, struct leat_plan *plan, struct leat_error *err)
{
    int rc = table->inserting ? leat_plan_set(plan, "append", NULL, err)
                              : leat_plan_set(plan, "key", table->keys, err);
    rc = rc || table->inserting ? rc : leat_plan_set(plan, "strategy", "merge", err);
    rc = rc ? rc : leat_plan_set(plan, "schema", "check", err);
    return rc ? rc : leat_plan_set(plan, "retries", "0", err); /* a stream is read once */
}

/* The first record of a transaction says whether it inserts alone. */
static int choose(struct table *table, struct leat_error *err)
{
    int64_t row = 0;
    if (!table->keys_only) {
        return LEAT_OK;
    }
    int rc = view_flags(table, &table->batch, err);
    while (!rc && row + 1 < table->batch.length && flag_at(table, row) == 'I') {
        row++;
    }
    table->inserting = !rc && flag_at(table, row) == 'N';
    return rc;
}

static int write_some(struct table *table, struct leat_error *err)
{
    struct ArrowArrayStream stream = {.get_schema = stream_schema,
                                      .get_next = stream_next,
                                      .get_last_error = stream_error,
                                      .release = stream_release,
                                      .private_data = table};
    const struct hp_def *def = table->step->def;
    struct leat_plan *plan = NULL;
    table->taken = 0;
    int rc = choose(table, err);
    enum leat_action action = table->inserting ? LEAT_ACTION_COPY : LEAT_ACTION_DELTA;
    rc = rc ? rc : hp_plan_new(table->step, HP_MEMORY_WRITE, action, &plan, err);
    rc = rc ? rc : set_options(table, plan, err);
    const char *name = table->step->inputs[0]->def->name;
    if (!rc) {
        bool plain = table->flag < 0 || table->inserting;
        rc = plain ? leat_plan_source_stream(plan, &stream, name, err)
                   : leat_plan_source_changes(plan, &stream, name, OP, err);
    }
    rc = rc ? rc
            : hp_plan_destination(table->step, "databaseConnectionName",
                                  hp_value(def, "outputSchemaName"), hp_value(def, "outputTable"),
                                  plan, err);
    rc = rc ? rc : leat_run(plan, NULL, NULL, err);
    leat_plan_free(plan);
    if (rc && table->pull_rc && err) {
        *err = table->pull_error;
    }
    if (rc) {
        return table->pull_rc ? table->pull_rc : rc;
    }
    table->commits++;
    if (!table->step->readers) {
        atomic_fetch_add(&table->step->rows, table->taken);
    }
    return LEAT_OK;
}

/* Passes on what was written, with the number of its transaction. */
static int give(struct table *table, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct hp_step *step = table->step;
    const char *name = hp_value(step->def, "commitSequenceKeyName");
    struct ArrowArray *batch = &table->held[table->given++], column = {.release = NULL};
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)table->commits);
    if (table->given == table->n_held) {
        table->n_held = 0;
        table->held_bytes = 0;
    }
    int rc = hp_constant_column("l", number, batch->length, &column, err);
    if (rc) {
        lt_array_done(batch);
        return rc;
    }
    return hp_batch_put(batch, lt_schema_find(&step->schema, name), &column, ret_batch, err);
}

static int next_sync(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct table *table = step->state;
    int rc = LEAT_OK;
    if (!table->n_held) {
        table->given = 0;
        rc = refill(table, err);
        rc = rc || table->over ? rc : write_some(table, err);
    }
    if (!rc && table->n_held) {
        return give(table, ret_batch, err);
    }
    if (!rc && !table->over) {
        rc = lt_array_init(ret_batch, 1, 0, err); /* written, and nobody is to have it */
    }
    return rc;
}

static int next_merge(struct hp_step *step, struct ArrowArray *ret_batch, struct leat_error *err)
{
    struct table *table = step->state;
    int rc = refill(table, err);
    rc = rc || table->over ? rc : write_some(table, err);
    return rc || table->over ? rc : lt_array_init(ret_batch, 1, 0, err);
}

/* --- opening -------------------------------------------------------------------------------- */

static int put_key(struct lt_buf *keys, const char *name)
{
    int rc = keys->len ? lt_buf_puts(keys, ",\"") : lt_buf_byte(keys, '"');
    for (; !rc && *name; name++) {
        rc = *name == '"' ? lt_buf_byte(keys, '"') : LEAT_OK;
        rc = rc ? rc : lt_buf_byte(keys, (uint8_t)*name);
    }
    return rc ? rc : lt_buf_byte(keys, '"');
}

static int add_columns(struct table *table, const char *key, struct lt_buf *keys,
                       struct leat_error *err)
{
    const struct hp_step *input = table->step->inputs[0];
    struct hp_pairs pairs = {0};
    int rc = hp_pairs_parse(hp_value(table->step->def, key), true, &pairs, err);
    int64_t *bigger = realloc(table->columns, (table->n + pairs.n + 1) * sizeof *bigger);
    rc = rc || bigger ? rc : lt_fail_oom(err);
    table->columns = bigger ? bigger : table->columns;
    for (size_t i = 0; !rc && i < pairs.n; i++) {
        struct ArrowSchema field = {.release = NULL};
        const struct hp_pair *pair = &pairs.items[i];
        rc = hp_field(input, pair->left, &table->columns[table->n], err);
        rc =
            rc ? rc : lt_schema_copy(input->schema.children[table->columns[table->n]], &field, err);
        rc = rc ? rc : lt_schema_set_name(&field, pair->right, err);
        rc = rc ? rc : lt_schema_set_meta(&field, LT_META_KEY, NULL, err);
        rc = rc ? rc : lt_schema_add(&table->schema, &field, err);
        lt_schema_done(&field);
        if (!rc && keys && put_key(keys, pair->right)) {
            rc = lt_fail_oom(err);
        }
        table->n += !rc;
    }
    hp_pairs_done(&pairs);
    return rc;
}

static int find_flag(struct table *table, const char *name, struct leat_error *err)
{
    struct lt_type type;
    int rc = hp_field(table->step->inputs[0], name, &table->flag, err);
    rc = rc ? rc : lt_type_of(table->step->inputs[0]->schema.children[table->flag], &type, err);
    if (!rc && type.id != LT_UTF8 && type.id != LT_LARGE_UTF8) {
        rc = lt_fail(err, LT_E_INVALID, "field \"%s\" is no text: N, C or D", name);
    }
    return rc ? rc : lt_schema_add_field(&table->schema, "u", OP, 0, NULL, err);
}

static int open_table(struct hp_step *step, const char *flag, struct leat_error *err)
{
    struct table *table = calloc(1, sizeof *table);
    struct lt_buf keys = LT_BUF_INIT;
    step->state = table;
    if (!table) {
        return lt_fail_oom(err);
    }
    table->step = step;
    table->flag = -1;
    int rc = hp_number(step->def, "commitBatchSize", &table->most, err);
    rc = rc ? rc : lt_schema_init_struct(&table->schema, 0, err);
    rc = rc ? rc : add_columns(table, "keyCols", &keys, err);
    size_t n_keys = table->n;
    rc = rc ? rc : add_columns(table, "otherCols", NULL, err);
    table->keys_only = flag && table->n == n_keys;
    rc = rc ? rc : lt_schema_copy(&table->schema, &table->plain, err);
    rc = rc || !flag ? rc : find_flag(table, flag, err);
    table->keys = rc ? NULL : lt_buf_take(&keys);
    lt_buf_done(&keys);
    rc = rc || table->keys ? rc : lt_fail_oom(err);
    rc =
        rc ? rc
           : hp_table_check(step, "databaseConnectionName", hp_value(step->def, "outputSchemaName"),
                            hp_value(step->def, "outputTable"), err);
    if (!rc && hp_spool_is_needed(step)) {
        rc = hp_spool_new(step->inputs[0], &table->spool, err);
    }
    return rc ? rc : lt_schema_copy(&step->inputs[0]->schema, &step->schema, err);
}

static int open_sync(struct hp_step *step, struct leat_error *err)
{
    int64_t at;
    int rc = open_table(step, hp_value(step->def, "flagFieldName"), err);
    return rc ? rc
              : hp_schema_put(&step->schema, "l", hp_value(step->def, "commitSequenceKeyName"), &at,
                              err);
}

static int open_merge(struct hp_step *step, struct leat_error *err)
{
    return open_table(step, NULL, err);
}

static void close_table(struct hp_step *step)
{
    struct table *table = step->state;
    if (!table) {
        return;
    }
    for (size_t i = table->given; i < table->n_held; i++) {
        lt_array_done(&table->held[i]);
    }
    lt_view_done(&table->flags);
    hp_spool_free(table->spool);
    lt_array_done(&table->batch);
    lt_schema_done(&table->schema);
    lt_schema_done(&table->plain);
    free(table->columns);
    free(table->keys);
    free(table->held);
    free(table);
    step->state = NULL;
}

const struct lt_halfpipe_ops hp_ops_table_sync = {open_sync, next_sync, close_table};
const struct lt_halfpipe_ops hp_ops_table_merge = {open_merge, next_merge, close_table};
