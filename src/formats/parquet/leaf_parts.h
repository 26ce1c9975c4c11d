/* A leaf, for the files that make it: leaf.c (pages, levels, rows), leaf_values.c (values and those
 * that do not fit), leaf_park.c (giving up a page for a while). */
#ifndef LT_PARQUET_LEAF_PARTS_H
#define LT_PARQUET_LEAF_PARTS_H

#include "formats/parquet/leaf.h"

/* BYTE_ARRAY values that become numbers are decoded so many bytes at a time. */
#define LT_PQ_SCRATCH_BYTES (1 << 20)

struct lt_pq_leaf {
    const struct lt_pq_file *file;
    const struct lt_pq_node *node;
    char *column;
    size_t top; /* its column's place among those read */
    struct lt_pq_convert convert;
    bool nullable;           /* slots may be without a value */
    bool keeps;              /* levels are needed afterwards: by parents */
    int def_slot;            /* from this definition level on a slot is one of the values array */
    uint8_t def_of_rep[256]; /* least definition level of a slot that goes on at a level */

    /* The chunk being read. */
    size_t group; /* index into file->groups of the next chunk */
    bool in_chunk;
    int64_t rows_left; /* of the row group, not begun */
    struct lt_pq_pages pages;
    struct lt_pq_place page_place, dictionary_place; /* of the last ones read */
    struct lt_pq_values dictionary;
    struct lt_buf wrong_entries; /* uint32 as scratch->wrong has them; empty: all entries fit */
    bool has_dictionary;
    bool parked;          /* page and dictionary were given up, and are read again when needed */
    bool dictionary_lost; /* the dictionary was, and not read again yet */

    /* The page being read. */
    int64_t page_left; /* slots whose levels were not decoded */
    bool whole;        /* no slot is without a value, and levels are not kept: not decoded */
    bool by_index;
    int64_t page_values; /* of the page, decoded or looked at */
    struct lt_pq_levels def_levels, rep_levels;
    struct lt_pq_hybrid index;
    struct lt_pq_decoder *decoder;

    /* Levels decoded and not yet used: [step_at, step_len). */
    int64_t step_at, step_len;
    uint8_t def[LT_PQ_STEP], rep[LT_PQ_STEP];
    uint32_t indices[LT_PQ_STEP]; /* looked at, used from indices_at on */
    int64_t indices_at, indices_len;
    struct lt_pq_scratch *scratch;

    /* What is there. */
    struct lt_pq_values values;
    struct lt_buf defs, reps; /* a byte a slot */
    int64_t rows;             /* begun */
    int64_t taken_rows, taken_slots, taken_values;
    struct lt_buf wrongs; /* struct lt_pq_wrong: of the values there, those that do not fit */
};

struct lt_pq_wrong {
    int64_t at; /* index of the values array */
    uint32_t why;
};

/* --- leaf.c ---------------------------------------------------------------------------------- */

int lt_pq_leaf_take_dictionary(struct lt_pq_leaf *leaf, const struct lt_pq_body *body,
                               struct leat_error *err);
int lt_pq_leaf_open_page(struct lt_pq_leaf *leaf, const struct lt_pq_body *body,
                         struct leat_error *err);

/* --- leaf_values.c --------------------------------------------------------------------------- */

/* n <= LT_PQ_STEP values of the page, one after the other, to the end of `to`; not those by index.
 * scratch->wrong says which do not fit. */
int lt_pq_leaf_decode(struct lt_pq_leaf *leaf, struct lt_pq_values *to, int64_t n,
                      struct leat_error *err);
/* The n values just decoded were entries of the dictionary, and will be added to it. */
int lt_pq_leaf_keep_wrong_entries(struct lt_pq_leaf *leaf, int64_t n, struct leat_error *err);
/* n values were entries of the dictionary, by these indices. */
void lt_pq_leaf_find_wrong_entries(struct lt_pq_leaf *leaf, const uint32_t *indices, int64_t n);
/* Of the last `slots` slots of the values array, `values` of which hold the values just decoded. */
int lt_pq_leaf_keep_wrongs(struct lt_pq_leaf *leaf, int64_t slots, int64_t values,
                           struct leat_error *err);
/* Notes the values at fault among the first n of those there, which are of these slots. */
int lt_pq_leaf_tell_wrongs(struct lt_pq_leaf *leaf, const struct lt_pq_slots *slots, int64_t n,
                           struct leat_error *err);

/* --- leaf_park.c ----------------------------------------------------------------------------- */

/* Reads page and dictionary of a parked leaf again, up to where it was. */
int lt_pq_leaf_unpark(struct lt_pq_leaf *leaf, struct leat_error *err);
/* Reads the dictionary again that was lost; the page being read is lost then. */
int lt_pq_leaf_find_dictionary(struct lt_pq_leaf *leaf, struct leat_error *err);

#endif
