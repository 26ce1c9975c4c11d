/* Inside the CSV format only: the dialect, the scanner's tables of fields, inference, conversion.
 *
 * Reading goes in three passes over a batch, each a tight loop: the scanner turns bytes into a
 * row-major table of field positions, one call checks the UTF-8 of them all, and each column is
 * then converted by the loop of its type. Unquoting copies only fields that hold doubled quotes.
 *
 * RFC 4180 with these settlements: records end in LF or CRLF, mixed as they come, or all in CR;
 * the end of the input ends the last record; a quote that does not open a field is an ordinary
 * character; text after a closing quote is an error; an empty line is a record of one empty field
 * in a stream of one column and is skipped in any other. */
#ifndef LT_CSV_H
#define LT_CSV_H

#include "columnar/builder.h"
#include "core/codes.h"
#include "formats/format.h"

#define LT_CSV_BLOCK ((size_t)1 << 20)         /* bytes asked of the source at once */
#define LT_CSV_FIELD_MAX ((size_t)256 << 20)   /* bytes of one field */
#define LT_CSV_RECORD_MAX ((size_t)1 << 30)    /* bytes of one record */
#define LT_CSV_BATCH_MAX ((int64_t)512 << 20)  /* batch_bytes_max is cut to this */
#define LT_CSV_COLUMNS_MAX ((int64_t)65536)    /* fields of one record */
#define LT_CSV_SAMPLE_BYTES ((int64_t)4 << 20) /* input looked at to infer types */
#define LT_CSV_SNIFF_BYTES ((size_t)64 << 10)  /* input looked at to find the delimiter */
#define LT_CSV_FLUSH ((size_t)256 << 10)       /* bytes the writer collects before writing */

extern const struct lt_format lt_format_csv; /* also named in formats/format.c */
extern const struct leat_option lt_csv_read_options[];
extern const struct leat_option lt_csv_write_options[];
extern const struct leat_type_in lt_csv_types_in[];
extern const struct leat_type_out lt_csv_types_out[];

struct lt_csv_dialect {
    uint8_t delimiter;
    uint8_t quote;    /* 0: fields are never quoted (reading only) */
    const char *null; /* the text that stands for null when unquoted */
    size_t null_len;
};

/* Sets what --delimiter, --quote and --null say, among the options of `table`. The delimiter is
 * 0 when none was given; `name` (of the file) then decides for tab when it ends in .tsv. */
int lt_csv_dialect_init(struct lt_csv_dialect *dialect, const struct lt_format_options *options,
                        const struct leat_option *table, const char *name, struct leat_error *err);
/* true/false, yes/no, 1/0; LEAT_INVALID names the option. */
int lt_csv_parse_bool(const char *option, const char *value, bool *ret_value,
                      struct leat_error *err);
/* The delimiter that splits the first lines of `text` most evenly, of , ; tab | in this order of
 * preference. `whole`: the text ends where the input does. Comma where nothing splits. */
uint8_t lt_csv_sniff_delimiter(const uint8_t *text, size_t len, uint8_t quote, bool whole);

/* --- scanner (csv_scan.c) ------------------------------------------------------------------ */

/* `info` is the length with these bits; the position is that of the text without its quotes. */
#define LT_CSV_QUOTED 0x80000000u
#define LT_CSV_ESCAPED 0x40000000u /* holds doubled quotes */
#define LT_CSV_ABSENT 0x20000000u  /* filled in at the end of a short record */
#define LT_CSV_LEN 0x1fffffffu

struct lt_csv_field {
    uint32_t start;
    uint32_t info;
};

struct lt_csv_row {
    uint32_t start, end; /* of the record's text, its line ending not counted */
    int64_t line;        /* physical line it begins on, from 1 */
};

enum lt_csv_state {
    LT_CSV_UNQUOTED,   /* at or after the beginning of a field without quotes */
    LT_CSV_IN_QUOTES,  /* after an opening quote */
    LT_CSV_QUOTE_SEEN, /* just after a quote inside quotes: the closing one, or half of two */
};

/* How lines end, as the first one did; records that end otherwise are bad. */
enum lt_csv_line_ends {
    LT_CSV_ENDS_UNKNOWN,
    LT_CSV_ENDS_LF, /* LF or CRLF */
    LT_CSV_ENDS_CR,
};

enum lt_csv_found {
    LT_CSV_MORE,       /* all bytes were used up and more may come */
    LT_CSV_FULL,       /* as many rows or bytes as asked for */
    LT_CSV_END,        /* the end of the input, after a whole record */
    LT_CSV_BAD_RECORD, /* bad, bad_reason and bad_fields say which and why; it was left out */
    LT_CSV_CUT,        /* the input ends inside quotes that opened on line quote_line */
    LT_CSV_TOO_LONG,   /* a field, a record or their number is past its limit: bad_reason */
    LT_CSV_NO_MEMORY
};

/* The bad_reason of a record with another line end than the first of the file. */
extern const char lt_csv_mixed_ends[];

struct lt_csv_scan {
    uint8_t delimiter, quote;
    bool fill;        /* short records are filled up with absent fields */
    int64_t columns;  /* fields of every record; 0: not known yet, any number will do */
    int64_t row_cost; /* counted for each record beside its text against bytes_max */

    struct lt_buf text; /* what has been read and not been dropped */
    bool whole;         /* the input ends where the text ends */
    size_t pos;         /* first byte not yet looked at */

    struct lt_buf fields; /* struct lt_csv_field, `columns` for each row, then the partial row */
    struct lt_buf rows;   /* struct lt_csv_row */

    enum lt_csv_line_ends line_ends;

    /* The record being scanned. */
    enum lt_csv_state state;
    int64_t n_fields;
    size_t row_start, field_start, quote_pos;
    uint32_t field_flags;
    bool after_cr;     /* a LF at row_start still belongs to the CR before it */
    size_t cr_next;    /* position after the last CR inside quotes */
    const char *wrong; /* why the record is bad, though its end was not found yet */
    int64_t line, row_line, quote_line;

    /* Of LT_CSV_BAD_RECORD and LT_CSV_TOO_LONG. */
    struct lt_csv_row bad;
    const char *bad_reason;
    int64_t bad_fields;
};

void lt_csv_scan_init(struct lt_csv_scan *scan);
void lt_csv_scan_done(struct lt_csv_scan *scan);
/* Goes on until there are `rows_max` rows, or their text and row_cost reach `bytes_max`. */
enum lt_csv_found lt_csv_scan_run(struct lt_csv_scan *scan, int64_t rows_max, int64_t bytes_max);
/* Forgets all rows and drops their text; what was scanned of the next record stays. */
void lt_csv_scan_compact(struct lt_csv_scan *scan);

static inline int64_t lt_csv_scan_rows(const struct lt_csv_scan *scan)
{
    return (int64_t)(scan->rows.len / sizeof(struct lt_csv_row));
}

static inline const struct lt_csv_row *lt_csv_scan_row(const struct lt_csv_scan *scan, int64_t i)
{
    return (const struct lt_csv_row *)(const void *)scan->rows.data + i;
}

/* --- columns of fields (csv_convert.c) ----------------------------------------------------- */

/* Some rows of the scanner's table, as the converters see them. */
struct lt_csv_cells {
    const uint8_t *text;
    const struct lt_csv_field *fields; /* of the first row, all columns */
    int64_t stride;                    /* columns */
    int64_t rows;
    const struct lt_csv_dialect *dialect;
    struct lt_buf *scratch; /* for fields that hold doubled quotes */
};

static inline const struct lt_csv_field *lt_csv_cell(const struct lt_csv_cells *cells, int64_t row,
                                                     int64_t column)
{
    return cells->fields + row * cells->stride + column;
}

/* Null: absent, or unquoted and exactly the null marker. */
static inline bool lt_csv_cell_null(const struct lt_csv_cells *cells,
                                    const struct lt_csv_field *field)
{
    if (field->info & (LT_CSV_QUOTED | LT_CSV_ABSENT)) {
        return field->info & LT_CSV_ABSENT;
    }
    return field->info == cells->dialect->null_len &&
           !memcmp(cells->text + field->start, cells->dialect->null, cells->dialect->null_len);
}

/* The field's text without doubling; NULL only without memory. Valid until the next call. */
const uint8_t *lt_csv_cell_text(const struct lt_csv_cells *cells, const struct lt_csv_field *field,
                                size_t *ret_len);

/* Converts one column from row *row on. LEAT_OK: all were appended and *row is cells->rows.
 * LEAT_BAD_DATA: *row could not be, for *ret_why; those before it were. Or LEAT_NO_MEMORY. */
int lt_csv_convert(const struct lt_csv_cells *cells, int64_t column, struct lt_builder *builder,
                   int64_t *row, const char **ret_why);

/* --- types from samples (csv_infer.c) ------------------------------------------------------ */

/* The narrowest type that all sampled values fit exactly; utf8 for a column of nulls only. The
 * field is nullable and has no name. */
int lt_csv_infer(const struct lt_csv_cells *cells, int64_t column, struct ArrowSchema *ret_field,
                 struct leat_error *err);
/* True when one text, read by itself, would be taken for something else than text. */
bool lt_csv_looks_typed(const uint8_t *text, size_t len);

/* --- the two directions -------------------------------------------------------------------- */

int lt_csv_read_open(struct lt_source *source, const struct lt_format_options *options,
                     struct lt_format_reader **ret_reader, struct leat_error *err);
int lt_csv_read_schema(struct lt_format_reader *reader, struct ArrowSchema *ret_schema,
                       struct leat_error *err);
int lt_csv_read_next(struct lt_format_reader *reader, struct ArrowArray *ret_batch,
                     struct leat_error *err);
int lt_csv_read_retype(struct lt_format_reader *reader, const struct ArrowSchema *types,
                       struct leat_error *err);
void lt_csv_read_close(struct lt_format_reader *reader);

int lt_csv_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                      const struct lt_format_options *options, struct lt_format_writer **ret_writer,
                      struct leat_error *err);
int lt_csv_write_batch(struct lt_format_writer *writer, const struct ArrowArray *batch,
                       struct leat_error *err);
int lt_csv_write_finish(struct lt_format_writer *writer, struct leat_error *err);
void lt_csv_write_close(struct lt_format_writer *writer);

#endif
