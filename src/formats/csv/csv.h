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
#include "columnar/time_pattern.h"
#include "core/charset.h"
#include "core/codes.h"
#include "formats/text_reader.h"

#define LT_CSV_BLOCK ((size_t)256 << 10)       /* bytes asked of the source at once */
#define LT_CSV_FIELD_MAX ((size_t)256 << 20)   /* bytes of one field */
#define LT_CSV_RECORD_MAX ((size_t)1 << 30)    /* bytes of one record */
#define LT_CSV_COLUMNS_MAX ((int64_t)65536)    /* fields of one record */
#define LT_CSV_SAMPLE_BYTES ((int64_t)4 << 20) /* input looked at to infer types */
#define LT_CSV_SNIFF_BYTES ((size_t)64 << 10)  /* input looked at to find the delimiter */
#define LT_CSV_FLUSH ((size_t)256 << 10)       /* bytes the writer collects before writing */

extern const struct lt_format lt_format_csv; /* also named in formats/format.c */
extern const struct leat_option lt_csv_read_options[];
extern const struct leat_option lt_csv_write_options[];
extern const struct leat_type_in lt_csv_types_in[];
extern const struct leat_type_out lt_csv_types_out[];

#define LT_CSV_DELIMITER_MAX 8 /* bytes of a delimiter */
#define LT_CSV_WORDS_MAX 16    /* null markers, words for true */
#define LT_CSV_MARK_MAX 4      /* bytes of a thousands mark */

/* --- dialects (csv_dialect.c) --------------------------------------------------------------- */

/* What an escape character and a letter stand for together. */
enum lt_csv_codes {
    LT_CSV_CODES_NONE,     /* the letter */
    LT_CSV_CODES_POSTGRES, /* \b \f \n \r \t \v \ooo \xhh */
    LT_CSV_CODES_MYSQL,    /* \0 \b \n \r \t \Z */
};

/* What ends a record when reading. */
enum lt_csv_record_end {
    LT_CSV_RECORD_AUTO, /* LF and CRLF, or CR alone, as the first one is */
    LT_CSV_RECORD_LF,   /* a CR is an ordinary character */
    LT_CSV_RECORD_CRLF, /* CR and LF are, when alone */
    LT_CSV_RECORD_CR,
};

enum lt_csv_quoting { LT_CSV_QUOTE_NEEDED, LT_CSV_QUOTE_TEXT, LT_CSV_QUOTE_ALL };
enum lt_csv_binary { LT_CSV_BINARY_HEX, LT_CSV_BINARY_PLAIN_HEX, LT_CSV_BINARY_BASE64 };

/* A list of texts; all point into `text`. */
struct lt_csv_words {
    char *text;
    size_t n;
    struct lt_csv_word {
        const char *text;
        size_t len;
    } words[LT_CSV_WORDS_MAX];
};

/* Forms of values that differ from lt_text_format()'s; what was not asked for is 0. */
struct lt_csv_values {
    bool any;     /* some member below is set */
    char decimal; /* instead of . */
    char thousands[LT_CSV_MARK_MAX + 1];
    struct lt_csv_words yes, no; /* both, or none */
    bool has_date, has_time, has_timestamp;
    struct lt_time_pattern date, time, timestamp;
    enum lt_csv_binary binary;
};

struct lt_csv_dialect {
    const char *name;  /* of its preset; NULL: none was chosen */
    uint8_t delimiter; /* its first byte; 0: not known yet */
    uint8_t quote;     /* 0: fields are never quoted */
    uint8_t escape;    /* 0: none */
    uint8_t comment;   /* 0: none */
    enum lt_csv_codes codes;
    uint8_t delimiter_len;
    char delimiter_text[LT_CSV_DELIMITER_MAX + 1];
    bool quote_given;      /* otherwise reading may find another */
    bool trim;             /* blanks around fields do not count */
    bool null_quoted;      /* a quoted marker is null as well */
    bool end_mark;         /* a record \. ends the data */
    bool escape_in_quotes; /* outside them the escape character is an ordinary one */
    /* Reading: nulls are marked by lt_csv_mark_nulls(), for they need more than one comparison; no
     * field equals `null` then. */
    bool marks;
    const char *null; /* the text that stands for null when unquoted; writing: the first marker */
    size_t null_len;
    struct lt_csv_words nulls;
    struct lt_csv_values values;
};

/* The value of an option: as given, else as the preset of --dialect has it, else the table's. */
const char *lt_csv_option(const struct lt_format_options *options, const struct leat_option *table,
                          const char *name);
/* Whether --dialect says excel. */
bool lt_csv_is_excel(const struct lt_format_options *options, const struct leat_option *table);
/* Sets all that the options of `table` say. Reading, the delimiter is 0 when neither they nor the
 * file's `name` told it. Free with lt_csv_dialect_done(), after a failure too. */
int lt_csv_dialect_init(struct lt_csv_dialect *dialect, const struct lt_format_options *options,
                        const struct leat_option *table, const char *name, struct leat_error *err);
void lt_csv_dialect_done(struct lt_csv_dialect *dialect);
/* Sets a delimiter of one byte. */
void lt_csv_dialect_delimit(struct lt_csv_dialect *dialect, uint8_t delimiter);
/* Refuses characters with two meanings. */
int lt_csv_dialect_check(const struct lt_csv_dialect *dialect, struct leat_error *err);
/* true/false, yes/no, 1/0; LEAT_INVALID names the option. */
int lt_csv_parse_bool(const char *option, const char *value, bool *ret_value,
                      struct leat_error *err);
bool lt_csv_is_word(const struct lt_csv_words *words, const void *text, size_t len, bool any_case);

/* --- guessing (csv_sniff.c) ----------------------------------------------------------------- */

/* The first bytes of an input, in UTF-8. */
struct lt_csv_sample {
    const uint8_t *text;
    size_t len;
    bool whole; /* the text ends where the input does */
    uint8_t comment;
    uint8_t escape;
};

/* The delimiter that splits the first lines most evenly, of , ; tab | in this order of preference.
 * Comma where nothing splits. */
uint8_t lt_csv_sniff_delimiter(const struct lt_csv_sample *sample, uint8_t quote);
/* The double quote, unless there is none and every field that begins with a single quote ends with
 * one. delimiter 0: any of those above. */
uint8_t lt_csv_sniff_quote(const struct lt_csv_sample *sample, uint8_t delimiter);
/* A text that alone on a first line would name the delimiter. */
bool lt_csv_is_sep(const uint8_t *text, size_t len);
/* Length of a first line "sep=;" with its end, and its delimiter; 0: there is none. In quotes it
 * counts for the dialect of Excel only, and alone in its file it is a header to all others: then
 * *ret_delimiter is one that does not split it. Else 0. */
size_t lt_csv_sniff_sep(const struct lt_csv_sample *sample, bool excel, uint8_t *ret_delimiter);
/* The encoding by a byte order mark, or by the zeros that UTF-16 has in ASCII text; NULL: none of
 * these. */
const char *lt_csv_sniff_encoding(const uint8_t *data, size_t len);

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

enum lt_csv_state {
    LT_CSV_UNQUOTED,   /* at or after the beginning of a field without quotes */
    LT_CSV_IN_QUOTES,  /* after an opening quote */
    LT_CSV_QUOTE_SEEN, /* just after a quote inside quotes: the closing one, or half of two */
    LT_CSV_IN_COMMENT, /* in a line that does not count */
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
    /* Whatever is beyond one delimiter byte and one quote goes another, slower way (`any`). */
    bool any;
    const struct lt_csv_dialect *dialect; /* with `any`: outlives the scanner */
    enum lt_csv_record_end record_end;    /* with `any` */
    size_t skip_to;   /* with `any`: bytes before this were escaped, or are of a delimiter */
    bool ended;       /* by an end mark */
    bool fill;        /* short records are filled up with absent fields */
    bool cut;         /* fields beyond the last column are left out */
    int64_t columns;  /* fields of every record; 0: not known yet, any number will do */
    int64_t row_cost; /* counted for each record beside its text against bytes_max */

    struct lt_buf text; /* what has been read and not been dropped */
    bool whole;         /* the input ends where the text ends */
    size_t pos;         /* first byte not yet looked at */

    struct lt_buf fields; /* struct lt_csv_field, `columns` for each row, then the partial row */
    struct lt_buf rows;   /* struct lt_text_record */

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
    struct lt_text_record bad;
    const char *bad_reason;
    int64_t bad_fields;
};

void lt_csv_scan_init(struct lt_csv_scan *scan);
void lt_csv_scan_done(struct lt_csv_scan *scan);
/* Goes on until there are `rows_max` rows, or their text and row_cost reach `bytes_max`. */
enum lt_csv_found lt_csv_scan_run(struct lt_csv_scan *scan, int64_t rows_max, int64_t bytes_max);
/* Forgets all rows and drops their text; what was scanned of the next record stays. */
void lt_csv_scan_compact(struct lt_csv_scan *scan);
/* Moves all rows with their text to `to`, whose own are forgotten, and goes on behind them with the
 * rest. LEAT_NO_MEMORY: nothing changed. */
int lt_csv_scan_hand_over(struct lt_csv_scan *scan, struct lt_csv_scan *to);

static inline int64_t lt_csv_scan_rows(const struct lt_csv_scan *scan)
{
    return (int64_t)(scan->rows.len / sizeof(struct lt_text_record));
}

static inline const struct lt_text_record *lt_csv_scan_row(const struct lt_csv_scan *scan,
                                                           int64_t i)
{
    return (const struct lt_text_record *)(const void *)scan->rows.data + i;
}

/* --- columns of fields (csv_convert.c) ----------------------------------------------------- */

/* Some rows of the scanner's table, as the converters see them. */
struct lt_csv_cells {
    const uint8_t *text;
    const uint8_t *text_end;           /* bytes up to here may be loaded, whatever they are */
    const struct lt_csv_field *fields; /* of the first row, all columns */
    int64_t stride;                    /* columns */
    int64_t rows;
    const struct lt_csv_dialect *dialect;
    struct lt_buf *scratch; /* for fields that hold doubled quotes */
    struct lt_buf *work;    /* for values on their way to another form */
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

/* Used by the inline call. */
const uint8_t *lt_csv_cell_unescape(const struct lt_csv_cells *cells,
                                    const struct lt_csv_field *field, size_t *ret_len);

/* The field's text without doubling and escapes; NULL only without memory. Valid until the next
 * call. */
static inline const uint8_t *lt_csv_cell_text(const struct lt_csv_cells *cells,
                                              const struct lt_csv_field *field, size_t *ret_len)
{
    if (field->info & LT_CSV_ESCAPED) {
        return lt_csv_cell_unescape(cells, field, ret_len);
    }
    *ret_len = field->info & LT_CSV_LEN;
    return cells->text + field->start;
}

/* Takes the blanks off unquoted fields and flags nulls as absent, where the dialect asks for it.
 * May come again for the same rows. */
void lt_csv_mark_nulls(struct lt_csv_field *fields, int64_t n, const uint8_t *text,
                       const struct lt_csv_dialect *dialect);
extern const char lt_csv_not_utf8[]; /* the reason for text that is no UTF-8 */

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
bool lt_csv_looks_typed(const struct lt_csv_dialect *dialect, const uint8_t *text, size_t len);

/* --- values of other forms (csv_values.c) --------------------------------------------------- */

/* True when values of this type have a form of their own in the dialect. */
bool lt_csv_values_has(const struct lt_csv_values *values, const struct lt_type *type);
/* As lt_text_parse(), for those types. */
int lt_csv_value_parse(const struct lt_csv_values *values, struct lt_builder *builder,
                       const uint8_t *text, size_t len, struct lt_buf *work, const char **ret_why);
/* Appends such a value's text. LEAT_BAD_DATA: the form has no place for it, *ret_why says why. */
int lt_csv_value_format(const struct lt_csv_values *values, const struct lt_view *view, int64_t row,
                        struct lt_buf *work, struct lt_buf *out, const char **ret_why);
/* A number in the dialect's marks as one in ours, in `work`; false: it is none. LEAT_NO_MEMORY
 * counts as none. */
bool lt_csv_number_read(const struct lt_csv_values *values, const uint8_t *text, size_t len,
                        struct lt_buf *work);

/* --- the two directions -------------------------------------------------------------------- */

int lt_csv_read_open(struct lt_source *source, const struct lt_format_options *options,
                     struct lt_format_reader **ret_reader, struct leat_error *err);
int lt_csv_read_retype(struct lt_format_reader *reader, const struct ArrowSchema *types,
                       struct leat_error *err);
int lt_csv_read_next(struct lt_format_reader *reader, struct ArrowArray *ret_batch,
                     struct leat_error *err);
int lt_csv_read_explain(struct lt_format_reader *reader, struct lt_buf *out);
void lt_csv_read_close(struct lt_format_reader *reader);

int lt_csv_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                      const struct lt_format_options *options, struct lt_format_writer **ret_writer,
                      struct leat_error *err);
int lt_csv_write_batch(struct lt_format_writer *writer, const struct ArrowArray *batch,
                       struct leat_error *err);
int lt_csv_write_finish(struct lt_format_writer *writer, struct leat_error *err);
void lt_csv_write_close(struct lt_format_writer *writer);

#endif
