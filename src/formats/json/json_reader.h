/* What a reader of JSON Lines is, for the files that make it: json_open.c, json_columns.c and
 * json_read.c. */
#ifndef LT_JSONL_READER_H
#define LT_JSONL_READER_H

#include "formats/json/json.h"

#define LT_JSONL_NAME_SHOWN 100 /* bytes of a column name in messages */
#define LT_JSONL_FILE_SHOWN 120 /* bytes of a file name in places */

/* What is known of one column beside its type. */
struct lt_jsonl_column {
    bool given;    /* its type was not inferred */
    bool told;     /* its inferred type gave way to another */
    bool mixed;    /* values of several kinds were sampled */
    bool unseen;   /* no sampled record had a value */
    bool temporal; /* dates, times or uuids found in strings */
};

struct lt_jsonl_reader {
    struct lt_source *source;
    const struct leat_reject_sink *rejects;
    int64_t batch_rows_max, batch_bytes_max;
    int64_t sample_rows, sample_bytes;
    struct lt_jsonl_infer infer;
    bool base64;
    bool header_given, header_auto; /* of records that are arrays */

    struct lt_jsonl_scan scan;
    size_t block;     /* bytes to ask of the source */
    int64_t row_next; /* first row of the scanner not delivered yet */
    bool ended;       /* no more rows will be scanned */
    int fault;        /* status of what ended it too early */
    struct leat_error fault_error;

    struct ArrowSchema schema;
    struct lt_jsonl_column *columns;
    int64_t sampled; /* records the types were inferred from */
    struct lt_batch_builder builder;
    struct lt_buf slots; /* struct lt_jsonl_slot: all columns of one chunk of rows */
    struct lt_buf scratch;
    struct lt_buf failures; /* struct failure of json_read.c */
    struct lt_buf drop;     /* bits: rows of the batch that were rejected */
};

/* Scans until there are rows_max rows not delivered or bytes_max bytes of them, or no more. A
 * fault in the input is not a failure of this call: it is kept in reader->fault. */
int lt_jsonl_fill(struct lt_jsonl_reader *reader, int64_t rows_max, int64_t bytes_max,
                  struct leat_error *err);
/* Appends one block to the scanner's text, or learns that there are no more. */
int lt_jsonl_read_block(struct lt_jsonl_reader *reader, struct leat_error *err);
/* How much of a name a message shows: whole characters of one line. */
int lt_jsonl_shown(const char *name, size_t len);
/* "orders.jsonl:17"; of a long path only the end is shown. */
void lt_jsonl_place_line(const struct lt_jsonl_reader *reader, int64_t line, char *text,
                         size_t size);

/* Columns and their types, from options and the sample; the scanner's keys are final then. */
int lt_jsonl_make_columns(struct lt_jsonl_reader *reader, const struct lt_format_options *options,
                          struct leat_error *err);

#endif
