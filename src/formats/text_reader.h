/* Inside the formats whose files are text only: what their readers have in common once a scanner
 * has found the records. Batches are cut by rows and bytes; values that cannot be read fail the
 * read in the order of the input, or have their records set aside; and a failure stays.
 *
 * A format's reader begins with a struct lt_text_reader, whose `ops` are what differs. None of them
 * is called for each value or each record. */
#ifndef LT_TEXT_READER_H
#define LT_TEXT_READER_H

#include "columnar/builder.h"
#include "core/codes.h"
#include "formats/format.h"

#define LT_TEXT_BATCH_MAX ((int64_t)512 << 20) /* batch_bytes_max is cut to this */

/* A scanned record, or the beginning of what a scanner keeps of one. */
struct lt_text_record {
    uint32_t start, end; /* of its text, a line ending not counted */
    int64_t line;        /* physical line it begins on, from 1 */
};

/* A value that could not be read: the first one of its record, or one that is lost. */
struct lt_text_failure {
    int64_t row; /* of the batch */
    int32_t column;
    bool lost; /* it is null, and its record stays */
    const char *why;
};

struct lt_text_reader;

struct lt_text_ops {
    const char *unnamed; /* stands for the name of a source that has none */
    /* Scans until there are rows_max rows not delivered or bytes_max bytes of them, or no more. A
     * fault in the input is not a failure of this call: see lt_text_set_fault(). */
    int (*fill)(struct lt_text_reader *reader, int64_t rows_max, int64_t bytes_max,
                struct leat_error *err);
    /* Forgets all scanned rows and drops their text. */
    void (*compact)(struct lt_text_reader *reader);
    /* Appends reader->batch_rows rows, from the scanned row `first` on, to the builder; those
     * after a failure that ends reading may be left out. LEAT_OK or LEAT_NO_MEMORY. */
    int (*build)(struct lt_text_reader *reader, int64_t first);
    /* Appends a column of a chunk from *row up to `rows`; `cells` is what the format gave to
     * lt_text_convert_column(). LEAT_OK; LEAT_BAD_DATA: *row could not be, for *ret_why, those
     * before it were; or LEAT_NO_MEMORY. */
    int (*convert)(struct lt_text_reader *reader, const void *cells, int64_t column, int64_t rows,
                   int64_t *row, const char **ret_why);
    /* Fills *err, never NULL, and returns its status. *ret_column, NULL at first: the column that
     * the sinks are told. */
    int (*describe)(const struct lt_text_reader *reader, const struct lt_text_failure *failure,
                    const struct lt_text_record *record, struct leat_error *err,
                    const char **ret_column);
};

struct lt_text_reader {
    const struct lt_text_ops *ops;
    struct lt_source *source;
    const struct leat_reject_sink *rejects; /* NULL: the first bad record ends reading */
    const struct leat_loss_sink *losses;    /* NULL: what its type cannot hold is a bad record */
    int64_t batch_rows_max, batch_bytes_max, sample_rows;

    /* Of the scanner. */
    const struct lt_buf *text, *rows;
    size_t row_size;   /* of a row in `rows`, which begins with a struct lt_text_record */
    int64_t *row_cost; /* counted for each record beside its text against batch_bytes_max */

    int64_t row_next; /* first scanned row not delivered yet */
    bool ended;       /* no more rows will be scanned */
    int fault;        /* status of what ended it too early */
    struct leat_error fault_error;

    struct ArrowSchema schema;
    struct lt_batch_builder builder;
    int64_t batch_rows;     /* of the batch being built */
    struct lt_buf failures; /* struct lt_text_failure */
    struct lt_buf drop;     /* bits: rows of the batch that were rejected */
    int64_t dropped;        /* how many */
};

/* --- reading (text_reader.c) ----------------------------------------------------------------- */

static inline int64_t lt_text_rows(const struct lt_text_reader *reader)
{
    return (int64_t)(reader->rows->len / reader->row_size);
}

static inline const struct lt_text_record *lt_text_record(const struct lt_text_reader *reader,
                                                          int64_t i)
{
    return (const struct lt_text_record *)(const void *)(reader->rows->data +
                                                         (size_t)i * reader->row_size);
}

/* Batches, samples and rejects, as the options say. */
int lt_text_take_limits(struct lt_text_reader *reader, const struct lt_format_options *options,
                        const struct leat_option *table, struct leat_error *err);
/* Frees what the struct owns, not the struct. */
void lt_text_reader_done(struct lt_text_reader *reader);

/* How much of a name a message shows: whole characters of one line. */
int lt_text_shown(const char *name, size_t len);
/* "orders.csv:17"; of a long path only the end is shown. */
void lt_text_place_line(const struct lt_text_reader *reader, int64_t line, char *text, size_t size);
/* Appends the column to such a place. */
void lt_text_place_column(char *text, size_t size, const char *name, size_t len);
/* Of a value: out of its type's range when it is of the right form, else a matter of syntax. */
enum lt_code lt_text_code_of(const char *why);

/* Ends reading with the fault in reader->fault_error, once the rows before it are delivered, so
 * that what is reported is always the first fault of the input. */
void lt_text_set_fault(struct lt_text_reader *reader, int status);
/* Fills *err with the fault and returns its status; LEAT_OK: there is none. */
int lt_text_fault(const struct lt_text_reader *reader, struct leat_error *err);
/* Tells the sink of rejects about a record; its refusal is filled into *err. */
int lt_text_reject(struct lt_text_reader *reader, const struct lt_text_record *record,
                   const struct leat_error *why, const char *column, struct leat_error *err);

/* Notes that a row of the batch cannot be delivered; later ones of the same row do not count. */
int lt_text_note_failure(struct lt_text_reader *reader, int64_t row, int64_t column,
                         const char *why);
/* Converts one column of the chunk that begins at row `chunk_first` of the batch: what fails is
 * noted and null. What its type cannot hold is lost where there is a sink of losses, and a matter of
 * its record where not. Without a reject sink *ret_rows shrinks to the first row that fails, so that what
 * is left to convert can only find an earlier one. */
int lt_text_convert_column(struct lt_text_reader *reader, const void *cells, int64_t column,
                           int64_t chunk_first, int64_t *ret_rows);

/* The two halves of a batch of `rows` rows from the scanned row `first` on. What cannot be read is
 * only noted by the first, which may be called on any thread and then leaves *ret_batch alone. */
int lt_text_build(struct lt_text_reader *reader, int64_t first, int64_t rows,
                  struct ArrowArray *ret_batch, struct leat_error *err);
/* Reports what was noted, in the order of the input, and makes the batch of the other rows;
 * *ret_batch stays released when there are none. Nothing to do where nothing was noted. */
int lt_text_settle(struct lt_text_reader *reader, int64_t first, struct ArrowArray *ret_batch,
                   struct leat_error *err);

/* These two are read_schema and read_next of the format's table. */
int lt_text_read_schema(struct lt_format_reader *reader, struct ArrowSchema *ret_schema,
                        struct leat_error *err);
int lt_text_read_next(struct lt_format_reader *reader, struct ArrowArray *ret_batch,
                      struct leat_error *err);

/* --- columns (text_columns.c) ---------------------------------------------------------------- */

/* Makes column `i` what `field` says, nullable, under its own name. Takes the field over, after a
 * failure too. */
int lt_text_set_field(struct lt_text_reader *reader, int64_t i, struct ArrowSchema *field,
                      struct leat_error *err);
/* Makes column `i` what `types` has by that name; *ret_set false: it has none. */
int lt_text_retype(struct lt_text_reader *reader, int64_t i, const struct ArrowSchema *types,
                   bool *ret_set, struct leat_error *err);
/* Makes the builder anew, by the schema, and *row_cost. */
int lt_text_make_builder(struct lt_text_reader *reader, struct leat_error *err);

/* One COLUMN=TYPE of --types, split at the last =. */
typedef int lt_text_type_fn(struct lt_text_reader *reader, const char *name, const char *type,
                            struct leat_error *err);

/* Calls `each` for all that --types names, until it fails. */
int lt_text_each_type(struct lt_text_reader *reader, const struct lt_format_options *options,
                      lt_text_type_fn *each, struct leat_error *err);
/* Whether column `i` of options->schema is to be plain text although --types may say otherwise: with
 * --on-loss text the column was found to hold what the type given does not. */
bool lt_text_is_carried(const struct lt_format_options *options, int64_t i);
/* lt_type_parse() of such a type; a failure says whose it is. */
int lt_text_parse_type(const char *name, const char *type, struct ArrowSchema *ret_field,
                       struct leat_error *err);

#endif
