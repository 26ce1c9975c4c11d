/* Key ranges whose hashes are equal on both sides need not be read.
 *
 * Both systems sum up a hash of every record by range, in one pass each and at the same time. That
 * is possible where they agree on the hash (capabilities.hash_format) and the columns have the same
 * types, and it pays where few ranges differ: else everything is read. */
#ifndef LT_RANGES_H
#define LT_RANGES_H

#include "engine/pair.h"

struct lt_ranges {
    char ***cuts; /* each as many texts as the key has columns */
    size_t n_cuts;
    struct lt_range {
        int64_t low, high; /* cuts that it lies behind, and ends with; -1: none */
    } * items;             /* those to be read, neighbours joined */
    size_t n;
    int64_t rows_skipped; /* of the source, in ranges that are equal */
};

/* Finds the ranges to be read, before the readers are started; *ret_ranges NULL: all of it is to
 * be. */
int lt_ranges_find(struct lt_pair *pair, struct lt_ranges **ret_ranges, struct leat_error *err);
void lt_ranges_free(struct lt_ranges *ranges);

#endif
