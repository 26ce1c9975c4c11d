/* Between the files that implement read.h. */
#ifndef LT_PARQUET_READER_H
#define LT_PARQUET_READER_H

#include "formats/parquet/leaf.h"
#include "formats/parquet/read.h"

struct lt_format_reader {
    struct lt_pq_file file;
    struct lt_buf footer; /* its bytes, which file.footer points into */
    struct lt_pq_tree tree;
    struct ArrowSchema schema; /* of the columns read, in their order */
    size_t *columns;           /* each one's place in the tree */
    size_t n_columns;
    struct lt_pq_leaf **leaves; /* by node->leaf; NULL: not read */
    size_t *picked;             /* which are not NULL, in the order of the columns */
    size_t n_picked;
    int64_t rows_max, bytes_max; /* of a batch */
    int64_t held, held_max;      /* bytes of pages and dictionaries in all leaves */
    int64_t rows_next;           /* of the next batch, as far as the last ones tell */
    int64_t rows_left;           /* of all row groups to be read */
    int64_t row;                 /* the last one's number, from 1, whether or not it was given */
    struct lt_faults faults;     /* of the batch being read */
    struct leat_error *failed;   /* what comes again; NULL: nothing failed */
};

/* Reads the footer (open_footer.c): file.footer, footer, file.data_end. */
int lt_pq_open_footer(struct lt_format_reader *reader, struct leat_error *err);
/* Chooses row groups by "0,3-5" ("": all) and checks what the footer says of them: chunks, rows. */
int lt_pq_open_groups(struct lt_format_reader *reader, const char *groups, struct leat_error *err);

#endif
