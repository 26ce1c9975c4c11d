/* What a reader of JSON Lines is, for the files that make it: json_open.c, json_columns.c and
 * json_read.c. */
#ifndef LT_JSONL_READER_H
#define LT_JSONL_READER_H

#include "formats/json/json.h"

/* What is known of one column beside its type. */
struct lt_jsonl_column {
    bool given;    /* its type was not inferred */
    bool told;     /* its inferred type gave way to another */
    bool mixed;    /* values of several kinds were sampled */
    bool unseen;   /* no sampled record had a value */
    bool temporal; /* dates, times or uuids found in strings */
};

struct lt_jsonl_reader {
    struct lt_text_reader base;
    int64_t sample_bytes;
    struct lt_jsonl_infer infer;
    bool base64, own_null;
    bool header_given, header_auto; /* of records that are arrays */

    struct lt_jsonl_scan scan;
    size_t block; /* bytes to ask of the source */

    struct lt_jsonl_column *columns;
    int64_t sampled;     /* records the types were inferred from */
    struct lt_buf slots; /* struct lt_jsonl_slot: all columns of one chunk of rows */
    struct lt_buf scratch;
};

extern const struct lt_text_ops lt_jsonl_text_ops;

/* As struct lt_text_ops says. */
int lt_jsonl_fill(struct lt_jsonl_reader *reader, int64_t rows_max, int64_t bytes_max,
                  struct leat_error *err);
/* Appends one block to the scanner's text, or learns that there are no more. */
int lt_jsonl_read_block(struct lt_jsonl_reader *reader, struct leat_error *err);

/* Columns and their types, from options and the sample; the scanner's keys are final then. */
int lt_jsonl_make_columns(struct lt_jsonl_reader *reader, const struct lt_format_options *options,
                          struct leat_error *err);

#endif
