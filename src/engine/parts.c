#include "engine/parts.h"

#include "columnar/array.h"
#include "core/codes.h"
#include "core/util.h"
#include "engine/flow.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t partition_of(const struct leat_receipt *receipt)
{
    return receipt->id.part >> LT_PART_BITS;
}

/* Parts of earlier runs in one partition. */
static void count_earlier(const struct lt_parts *parts, uint32_t partition, int64_t *ret_rows,
                          uint32_t *ret_n)
{
    *ret_rows = 0;
    *ret_n = 0;
    for (size_t i = 0; i < parts->n_earlier; i++) {
        if (partition_of(&parts->receipts[i]) == partition) {
            *ret_rows += parts->receipts[i].rows_inserted;
            ++*ret_n;
        }
    }
}

int lt_parts_take(struct lt_parts *parts, const struct leat_receipt *receipts, size_t n,
                  struct leat_error *err)
{
    uint32_t last = 0;
    parts->receipts = calloc(n + 1, sizeof *receipts);
    if (!parts->receipts) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t part = receipts[i].id.part;
        bool begins = !(part & ((1u << LT_PART_BITS) - 1)) && (!i || part > last);
        if (!begins && !(i && part == last + 1)) {
            return lt_fail(err, LT_E_CORRUPT, "the parts that an earlier run sealed have gaps");
        }
        parts->receipts[parts->n++] = receipts[i];
        parts->rows_earlier += receipts[i].rows_inserted;
        last = part;
    }
    parts->n_earlier = parts->n;
    /* Whether the last partition is complete is only known where it is one part. */
    parts->first = parts->reads_all || !n ? 0 : (last >> LT_PART_BITS) + !parts->ordered;
    for (size_t i = 0; i < n; i++) {
        bool unread = partition_of(&receipts[i]) < parts->first;
        parts->rows_unread += unread ? receipts[i].rows_inserted : 0;
    }
    return LEAT_OK;
}

void lt_parts_done(struct lt_parts *parts)
{
    free(parts->receipts);
    *parts = (struct lt_parts){.receipts = NULL};
}

void lt_parts_mark(struct leat_payload *payload, size_t partition)
{
    snprintf(payload->position.text, sizeof payload->position.text, "%zu", partition);
}

static int keep_receipt(struct lt_flow_dest *dest, const struct leat_receipt *receipt,
                        struct leat_error *err)
{
    struct lt_parts *parts = dest->flow->parts;
    struct leat_receipt *more = realloc(parts->receipts, (parts->n + 1) * sizeof *more);
    if (!more) {
        return lt_fail_oom(err);
    }
    parts->receipts = more;
    parts->receipts[parts->n++] = *receipt;
    dest->receipt.rows_inserted += receipt->rows_inserted;
    dest->receipt.bytes += receipt->bytes;
    return LEAT_OK;
}

static int seal(struct lt_flow_dest *dest, struct leat_error *err)
{
    const struct leat_load_ops *ops = dest->side->connector->load;
    struct leat_receipt receipt = {.size = sizeof receipt};
    if (!dest->part) {
        return LEAT_OK;
    }
    int rc = ops->part_seal(dest->part, &receipt, err);
    if (!rc && receipt.rows_inserted != dest->flow->parts->rows) {
        rc = lt_fail(err, LT_E_COUNT_MISMATCH,
                     "%lld records were sent and the destination took %lld",
                     (long long)dest->flow->parts->rows, (long long)receipt.rows_inserted);
    }
    rc = rc ? rc : keep_receipt(dest, &receipt, err);
    ops->part_close(dest->part);
    dest->part = NULL;
    dest->flow->parts->number++;
    return rc;
}

static int open_part(struct lt_flow_dest *dest, struct leat_error *err)
{
    struct lt_parts *parts = dest->flow->parts;
    const struct leat_part_plan plan = {
        .size = sizeof plan,
        .id = {dest->stream, parts->partition << LT_PART_BITS | parts->number, 0},
        .payload = LEAT_PAYLOAD_BATCH,
        .threads = dest->flow->run->lanes_max};
    if (parts->number >> LT_PART_BITS) {
        return lt_fail(err, LT_E_LIMIT, "more than %d parts: raise --part-rows", 1 << LT_PART_BITS);
    }
    parts->rows = 0;
    return dest->side->connector->load->part_open(dest->load, &plan, &dest->part, err);
}

/* The end of a partition: all that an earlier run had of it must have come. */
static int end_partition(struct lt_flow_dest *dest, struct leat_error *err)
{
    int rc = seal(dest, err);
    if (!rc && dest->flow->parts->skip > 0) {
        rc = lt_fail(err, LT_E_SOURCE_CHANGED,
                     "the source has fewer records than an earlier run read of it");
        leat_error_remedy(err, "run it again: it starts over");
    }
    return rc;
}

static int enter_partition(struct lt_flow_dest *dest, uint32_t partition, struct leat_error *err)
{
    struct lt_parts *parts = dest->flow->parts;
    int rc = parts->begun ? end_partition(dest, err) : LEAT_OK;
    parts->begun = true;
    parts->partition = partition;
    count_earlier(parts, partition, &parts->skip, &parts->number);
    return rc;
}

int lt_parts_skip(struct lt_flow_dest *dest, struct leat_payload *payload, struct leat_error *err)
{
    struct lt_parts *parts = dest->flow->parts;
    uint32_t partition = (uint32_t)strtoul(payload->position.text, NULL, 10);
    int rc = LEAT_OK;
    if (!parts->begun || partition != parts->partition) {
        rc = enter_partition(dest, partition, err);
    }
    int64_t there = LT_MIN(parts->skip, payload->rows);
    if (!rc && there > 0) {
        parts->skip -= there;
        rc = lt_array_slice(&payload->batch, there, payload->rows - there, err);
        payload->rows -= there;
        payload->row_first += payload->row_first > 0 ? there : 0;
    }
    return rc;
}

int lt_parts_write(struct lt_flow_dest *dest, struct leat_payload *payload, struct leat_error *err)
{
    struct lt_parts *parts = dest->flow->parts;
    int64_t rows = payload->rows;
    int rc = dest->part ? LEAT_OK : open_part(dest, err);
    rc = rc ? rc : dest->side->connector->load->part_write(dest->part, payload, err);
    if (!rc) {
        dest->rows_in += rows;
        parts->rows += rows;
    }
    return !rc && parts->ordered && parts->rows >= parts->rows_max ? seal(dest, err) : rc;
}

int lt_parts_end(struct lt_flow_dest *dest, struct leat_error *err)
{
    struct lt_parts *parts = dest->flow->parts;
    int rc = parts->begun ? LEAT_OK : enter_partition(dest, parts->first, err);
    return rc ? rc : end_partition(dest, err);
}
