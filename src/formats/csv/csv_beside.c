/* Reading CSV with several threads.
 *
 * The reader's thread finds the records, which is a small part of the work and the one that has to
 * go from the first byte to the last: whether a line end is inside quotes, only what comes before it
 * tells, and in some dialects nothing less than all of it. Batches of records found are converted
 * beside it, and given in their order. So there is no cut that a quote could span, line numbers are
 * those of the file, types are inferred once, and compressed files are read like others.
 *
 * Cutting the file into byte ranges was considered: readers that guess whether they begin inside
 * quotes have to be checked against the one before them, dialects with escapes or comments cannot be
 * guessed, and records would come in another order, or wait.
 *
 * With a sink of rejects one thread does it all, for records are to be told in their order. */
#include "columnar/schema.h"
#include "core/util.h"
#include "formats/csv/csv_reader.h"

#include <stdlib.h>

#define BESIDE_MIN ((int64_t)4 << 20) /* bytes of an input that is worth it */
/* Where memory is so short that batches are less than this, it does not go to more of them. */
#define BESIDE_BATCH_MIN ((int64_t)512 << 10)

/* The records of one batch, and what becomes of them. The scanner's pieces are moved into `part`,
 * which borrows the dialect from the reader. */
struct slot {
    struct lt_csv_reader part;
    struct ArrowArray batch;
    bool ready; /* `part` was made */
};

struct lt_csv_beside {
    struct lt_csv_reader *reader;
    struct lt_relay *relay;
    size_t n_slots;
    struct slot slots[LT_RELAY_SLOTS_MAX];
};

bool lt_csv_beside_may(const struct lt_csv_reader *reader)
{
    const struct lt_text_reader *base = &reader->base;
    return reader->threads > 1 && !base->rejects && base->source->size >= BESIDE_MIN &&
           base->batch_bytes_max >= BESIDE_BATCH_MIN;
}

bool lt_csv_beside_pays(const struct lt_csv_reader *reader)
{
    const struct lt_text_reader *base = &reader->base;
    return !base->ended && base->row_next == lt_text_rows(base) && lt_csv_beside_may(reader);
}

static int convert_slot(void *arg, size_t i, struct leat_error *err)
{
    struct slot *slot = &((struct lt_csv_beside *)arg)->slots[i];
    struct lt_text_reader *base = &slot->part.base;
    return lt_text_build(base, 0, lt_text_rows(base), &slot->batch, err);
}

int lt_csv_beside_new(struct lt_csv_reader *reader, struct leat_error *err)
{
    struct lt_csv_beside *beside = calloc(1, sizeof *beside);
    if (!beside) {
        return lt_fail_oom(err);
    }
    beside->reader = reader;
    beside->n_slots = lt_relay_slots_for(reader->threads);
    int status =
        lt_relay_new(reader->threads, beside->n_slots, convert_slot, beside, &beside->relay, err);
    if (status) {
        free(beside);
        return status;
    }
    reader->beside = beside;
    return LEAT_OK;
}

void lt_csv_beside_free(struct lt_csv_beside *beside)
{
    if (!beside) {
        return;
    }
    lt_relay_free(beside->relay);
    for (size_t i = 0; i < beside->n_slots; i++) {
        struct slot *slot = &beside->slots[i];
        lt_array_done(&slot->batch);
        if (slot->ready) {
            lt_csv_scan_done(&slot->part.scan);
            lt_text_reader_done(&slot->part.base);
            lt_buf_done(&slot->part.scratch);
            lt_buf_done(&slot->part.work);
        }
    }
    free(beside);
}

/* What the conversion of a batch needs of the reader. */
static int make_part(const struct lt_csv_reader *reader, struct slot *slot, struct leat_error *err)
{
    struct lt_csv_reader *part = &slot->part;
    if (slot->ready) {
        return LEAT_OK;
    }
    part->dialect = reader->dialect;
    part->given = reader->given;
    part->scan.columns = reader->scan.columns;
    part->base = (struct lt_text_reader){.ops = reader->base.ops,
                                         .source = reader->base.source,
                                         .losses = reader->base.losses,
                                         .text = &part->scan.text,
                                         .rows = &part->scan.rows,
                                         .row_size = reader->base.row_size,
                                         .row_cost = &part->scan.row_cost};
    int status = lt_schema_copy(&reader->base.schema, &part->base.schema, err);
    slot->ready = true;
    return status ? status : lt_text_make_builder(&part->base, err);
}

/* A fault ends the reading once the batches before it were given. */
static void end_with(struct lt_csv_reader *reader, int status, const struct leat_error *err)
{
    reader->base.fault_error = *err;
    lt_text_set_fault(&reader->base, status);
}

/* Scans the records of the next batch into a slot, and makes it a job. */
static void give(struct lt_csv_beside *beside, size_t i)
{
    struct lt_csv_reader *reader = beside->reader;
    struct slot *slot = &beside->slots[i];
    struct leat_error err;
    leat_error_clear(&err);
    int status = make_part(reader, slot, &err);
    status = status ? status
                    : lt_csv_fill(reader, reader->base.batch_rows_max, reader->base.batch_bytes_max,
                                  &err);
    if (!status && lt_csv_scan_rows(&reader->scan)) {
        if (lt_csv_scan_hand_over(&reader->scan, &slot->part.scan)) {
            status = lt_fail_oom(&err);
        } else {
            lt_relay_put(beside->relay);
        }
    }
    if (status) {
        end_with(reader, status, &err);
    }
}

/* The oldest batch. What could not be read fails or is lost here, in the order of the records. */
static int take(struct lt_csv_beside *beside, struct ArrowArray *ret_batch, struct leat_error *err)
{
    size_t i;
    struct leat_error why;
    leat_error_clear(&why);
    int status = lt_relay_take(beside->relay, &i, &why);
    struct slot *slot = &beside->slots[i];
    status = status ? status : lt_text_settle(&slot->part.base, 0, &slot->batch, &why);
    if (status) {
        end_with(beside->reader, status, &why);
        return lt_text_fault(&beside->reader->base, err);
    }
    lt_array_move(&slot->batch, ret_batch);
    return LEAT_OK;
}

int lt_csv_beside_next(struct lt_csv_reader *reader, struct ArrowArray *ret_batch,
                       struct leat_error *err)
{
    struct lt_csv_beside *beside = reader->beside;
    size_t slot;
    lt_csv_scan_compact(&reader->scan);
    reader->base.row_next = 0;
    while (!lt_relay_ready(beside->relay) && !reader->base.ended &&
           lt_relay_room(beside->relay, &slot)) {
        give(beside, slot);
    }
    int status = LEAT_OK;
    if (lt_relay_jobs(beside->relay)) {
        status = take(beside, ret_batch, err);
    } else {
        ret_batch->release = NULL;
        status = lt_text_fault(&reader->base, err);
    }
    if (status || !ret_batch->release) {
        /* Threads and slots are let go at once: many files may be read one after another. */
        lt_csv_beside_free(beside);
        reader->beside = NULL;
    }
    return status;
}
