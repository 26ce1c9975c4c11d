/* What a CSV writer is, for the files that make it: csv_create.c, csv_write.c, csv_write_any.c. */
#ifndef LT_CSV_WRITER_H
#define LT_CSV_WRITER_H

#include "columnar/view.h"
#include "formats/csv/csv.h"
#include "formats/faults.h"
#include "formats/text_form.h"

struct lt_csv_column {
    enum lt_text_form form;
    bool zoned;       /* LT_FORM_TIMESTAMP: ends in Z */
    bool quotes;      /* its text may need quotes */
    bool text;        /* --quoting text quotes it */
    bool hides_nulls; /* JSON's own nulls may be among its values */
};

struct lt_csv_writer {
    struct lt_sink *sink;
    struct lt_faults faults; /* of the batch being written */
    struct lt_csv_dialect dialect;
    enum lt_csv_quoting quoting;
    bool any;          /* more than one delimiter byte and doubled quotes: csv_write_any.c */
    bool special[256]; /* bytes that a field must be quoted, or they escaped, for */
    const char *line_end;
    struct ArrowSchema schema;
    struct lt_csv_column *columns;
    struct lt_view view; /* of whole batches; its children are the columns */
    int64_t rows;        /* of earlier batches, written or set aside */
    struct lt_buf out;
    struct lt_buf scratch, work;
    const char *why, *remedy; /* of the value that could not be written */

    /* Another encoding than UTF-8. */
    struct lt_charset *charset; /* of the output; NULL: UTF-8 */
    struct lt_charset *probe;   /* tells whether a value has a place in it; NULL: any has */
    struct lt_charset *back;    /* and whether it comes back from there */
    bool has_ascii;             /* all of ASCII has its place */
    struct lt_buf wire, probed;
};

/* Settles how each column is written. */
int lt_csv_write_columns(struct lt_csv_writer *writer, struct leat_error *err);
/* Hands what was collected to the sink, in its encoding. */
int lt_csv_write_flush(struct lt_csv_writer *writer, bool last, struct leat_error *err);
/* Whether all of the text has a place in the encoding, and comes back from it as it was: the tilde
 * of some older ones is an overline. */
bool lt_csv_has_place(struct lt_csv_writer *writer, const void *text, size_t len);
/* Notes that a value has no place in what is written, and why. LEAT_BAD_DATA. */
int lt_csv_refuse(struct lt_csv_writer *writer, const char *why, const char *remedy);
/* LEAT_OK, unless the value holds JSON's own null where it would look like a null. */
int lt_csv_check_nulls(struct lt_csv_writer *writer, int64_t column, const struct lt_view *view,
                       int64_t row);
/* One value, null included, in whatever dialect. LEAT_BAD_DATA: it has no place in it, and
 * writer->why says why. */
int lt_csv_write_any(struct lt_csv_writer *writer, int64_t column, const struct lt_view *view,
                     int64_t row);
/* A text as a field. `text_column`: --quoting text quotes it; `first`: it begins a record. */
int lt_csv_write_field(struct lt_csv_writer *writer, const uint8_t *text, size_t len,
                       bool text_column, bool first);
/* Of text that is not empty: an apostrophe at its beginning, for where nothing but single quotes
 * encloses fields readers take these for quotes; blanks at the ends, which some readers trim; a lone \. which ends COPY
 * input of PostgreSQL before 18; a byte order mark, which would vanish at the beginning of a
 * file; and sep=; which would name the delimiter there. */
bool lt_csv_is_delicate(const uint8_t *text, size_t len);

#endif
