/* What a CSV reader is, for the two files that make it: csv_open.c and csv_read.c. */
#ifndef LT_CSV_READER_H
#define LT_CSV_READER_H

#include "core/relay.h"
#include "formats/csv/csv.h"

struct lt_csv_beside; /* batches being converted by other threads */

struct lt_csv_reader {
    struct lt_text_reader base;
    struct lt_csv_dialect dialect;
    bool header_given; /* the first record is the header for sure */
    bool header_auto;
    bool in_header;

    /* What was found out, for explain(). */
    bool header, delimiter_found, quote_found;
    int64_t sampled; /* records that types were inferred from */
    char encoding[LT_CHARSET_NAME_MAX + 1];

    /* Another encoding than UTF-8: its bytes wait in `raw`. */
    struct lt_charset *charset; /* NULL: UTF-8 */
    struct lt_buf raw;
    int64_t raw_offset; /* of the first byte of `raw` within the input */
    bool raw_ended, raw_bad;

    struct lt_csv_scan scan;
    size_t block; /* bytes to ask of the source: few at first, for files are often small */
    bool *given;  /* per column: its type was not inferred */
    struct lt_buf scratch, work;

    int threads;                  /* that may be busy with it, the caller's included */
    struct lt_csv_beside *beside; /* NULL: only the caller's is */
};

extern const struct lt_text_ops lt_csv_text_ops;

/* As struct lt_text_ops says. */
int lt_csv_fill(struct lt_csv_reader *reader, int64_t rows_max, int64_t bytes_max,
                struct leat_error *err);
/* Appends one block to the scanner's text, or learns that there are no more. Text that its
 * encoding does not know (raw_bad) fails the call after the one that gave all before it. */
int lt_csv_read_block(struct lt_csv_reader *reader, struct leat_error *err);
/* Decodes what waits in `raw`. What cannot be decoded is left there (raw_bad). */
int lt_csv_decode(struct lt_csv_reader *reader, struct leat_error *err);
/* From bytes to the first record: encoding, byte order mark, lines to skip, quote, delimiter
 * (csv_begin.c). */
int lt_csv_begin(struct lt_csv_reader *reader, const struct lt_format_options *options,
                 struct leat_error *err);
/* `rows` scanned rows from `first` on, as cells. */
void lt_csv_cells_of(struct lt_csv_reader *reader, int64_t first, int64_t rows,
                     struct lt_csv_cells *ret_cells);

/* --- several threads (csv_beside.c) --------------------------------------------------------- */

/* Whether several threads may read the input, if it goes on long enough. */
bool lt_csv_beside_may(const struct lt_csv_reader *reader);
/* Whether the rest of the input is to be read so: asked between batches. */
bool lt_csv_beside_pays(const struct lt_csv_reader *reader);
/* Sets reader->beside. All that is read from now on comes from lt_csv_beside_next(). */
int lt_csv_beside_new(struct lt_csv_reader *reader, struct leat_error *err);
void lt_csv_beside_free(struct lt_csv_beside *beside); /* NULL is fine */
/* As read_next of the format's table; at the end, or after a failure, reader->beside is gone. */
int lt_csv_beside_next(struct lt_csv_reader *reader, struct ArrowArray *ret_batch,
                       struct leat_error *err);

#endif
