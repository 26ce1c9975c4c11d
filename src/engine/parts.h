/* The records of a stream in many parts of one load, each sealed as it is done, so that another run
 * can go on behind the last one. Records come in order of their partitions; those of one partition
 * either in an order that is always the same, then it may make several parts, or not, then it is
 * one part. So the sealed parts are always the beginning of the stream.
 *
 *     number of a part = partition << LT_PART_BITS | its number within the partition */
#ifndef LT_PARTS_H
#define LT_PARTS_H

#include "leat/connector.h"

#define LT_PART_BITS 20
#define LT_PARTITIONS_MAX (1 << (31 - LT_PART_BITS)) /* numbers stay positive as 32-bit integers */

struct lt_flow_dest;

struct lt_parts {
    bool ordered;   /* the records of a partition */
    bool reads_all; /* what is there already is read again all the same: to be summed up */
    int64_t rows_max;
    struct leat_receipt *receipts; /* of all sealed parts, those of earlier runs first */
    size_t n, n_earlier;
    int64_t rows_earlier; /* in parts of earlier runs */
    int64_t rows_unread;  /* of them, in partitions that are not read again */
    uint32_t first;       /* partition to begin with */
    /* At work. */
    uint32_t partition, number;
    bool begun;   /* with a partition */
    int64_t skip; /* of its rows so many are there already */
    int64_t rows; /* of the open part */
};

/* Takes over what earlier runs sealed. [corrupt-file] when it is no beginning of the stream. */
int lt_parts_take(struct lt_parts *parts, const struct leat_receipt *receipts, size_t n,
                  struct leat_error *err);
void lt_parts_done(struct lt_parts *parts);

/* On the destination's thread. Marks a payload as one of a partition, before it is queued. */
void lt_parts_mark(struct leat_payload *payload, size_t partition);
/* Leaves out of the payload what is there already. It may have no rows afterwards. */
int lt_parts_skip(struct lt_flow_dest *dest, struct leat_payload *payload, struct leat_error *err);
/* Writes what is left of it; opens and seals parts. */
int lt_parts_write(struct lt_flow_dest *dest, struct leat_payload *payload, struct leat_error *err);
/* Seals the last part. [source-changed] when the stream ended before what was there already. */
int lt_parts_end(struct lt_flow_dest *dest, struct leat_error *err);

#endif
