/* The distinct values of a column chunk, numbered in the order they come.
 *
 * A dictionary takes from a budget that all columns of a file share; when that, or its own limit,
 * is used up it takes no more values, and the column goes on without. */
#ifndef LT_PARQUET_DICTIONARY_H
#define LT_PARQUET_DICTIONARY_H

#include "formats/parquet/meta.h"

/* Of the values; their places in the table come to about as much again. */
#define LT_PQ_DICTIONARY_BYTES ((size_t)1 << 20)
#define LT_PQ_DICTIONARY_VALUES ((uint32_t)1 << 17)

struct lt_pq_slot; /* of the hash table */

struct lt_pq_dictionary {
    int32_t width;         /* bytes of a value; 0: they vary */
    uint32_t n;            /* values */
    struct lt_buf values;  /* n of `width` bytes, or all their bytes */
    struct lt_buf offsets; /* width 0: n + 1 int32 */
    struct lt_pq_slot *slots;
    uint32_t n_slots; /* a power of two, or 0 */
    int64_t *budget;  /* bytes left; shared, changed by atomic operations only */
    int64_t taken;    /* of the budget */
};

void lt_pq_dictionary_init(struct lt_pq_dictionary *dictionary, int32_t width, int64_t *budget);
/* Forgets the values, keeps some memory for the next chunk. */
void lt_pq_dictionary_clear(struct lt_pq_dictionary *dictionary);
/* Gives back all memory. */
void lt_pq_dictionary_done(struct lt_pq_dictionary *dictionary);

/* The numbers of n values, new ones added. *ret_n: how many there was room for; the rest is for the
 * caller to write otherwise. LEAT_OK or LEAT_NO_MEMORY. */
int lt_pq_dictionary_add(struct lt_pq_dictionary *dictionary, const void *values, int64_t n,
                         uint32_t *numbers, int64_t *ret_n);
int lt_pq_dictionary_add_bytes(struct lt_pq_dictionary *dictionary,
                               const struct lt_pq_bytes *values, int64_t n, uint32_t *numbers,
                               int64_t *ret_n);
/* Value i, valid until the next is added. */
struct lt_pq_bytes lt_pq_dictionary_value(const struct lt_pq_dictionary *dictionary, uint32_t i);

#endif
