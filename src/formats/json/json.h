/* Inside the JSON Lines format only: the scanner's cells, the names of columns, inference,
 * conversion.
 *
 * Reading goes in two passes over a batch, each a tight loop. The scanner checks the grammar of
 * every record (RFC 8259) once, finds the columns of its members and notes where their values
 * lie; values themselves are not touched. A chunk of rows at a time, these notes are then spread
 * out into columns, and each column is converted by the loop of its type. Numbers stay the text
 * they are until their column's type is known, so that none is ever rounded on the way.
 *
 * What is read: objects, one after another, with any blanks between them or none (JSON Lines,
 * NDJSON, pretty-printed); one array of objects around them all; and arrays instead of objects,
 * whose values are columns by their place. */
#ifndef LT_JSONL_H
#define LT_JSONL_H

#include "columnar/builder.h"
#include "columnar/text_parts.h"
#include "core/codes.h"
#include "formats/text_reader.h"

#define LT_JSONL_BLOCK ((size_t)1 << 20)             /* bytes asked of the source at once */
#define LT_JSONL_FIRST_BLOCK ((size_t)64 << 10)      /* ... while it gives less than that */
#define LT_JSONL_RECORD_MAX (((int64_t)1 << 30) - 1) /* the largest --record-max */
#define LT_JSONL_COLUMNS_MAX 65536u                  /* different keys of one stream */
#define LT_JSONL_SAMPLE_BYTES ((int64_t)4 << 20)     /* input looked at to infer types */
#define LT_JSONL_FLUSH ((size_t)256 << 10)           /* bytes the writer collects before writing */
#define LT_JSONL_PAD 16                              /* readable bytes behind the scanner's text */
#define LT_JSONL_NONE UINT32_MAX                     /* no column */
#define LT_JSONL_NAME 128                            /* bytes kept of a name at fault, NUL too */

extern const struct lt_format lt_format_jsonl; /* also named in formats/format.c */
extern const struct leat_option lt_jsonl_read_options[];
extern const struct leat_option lt_jsonl_write_options[];
extern const struct leat_type_in lt_jsonl_types_in[];
extern const struct leat_type_out lt_jsonl_types_out[];

/* True when the option's value is this word. */
bool lt_jsonl_option_is(const struct lt_format_options *options, const struct leat_option *table,
                        const char *name, const char *word);
/* Of a yes/no option: true, yes, 1 or nothing after the name. */
bool lt_jsonl_option_on(const struct lt_format_options *options, const struct leat_option *table,
                        const char *name);

/* --- names of columns (json_keys.c) -------------------------------------------------------- */

struct lt_jsonl_key {
    char *name;
    size_t len;
    uint64_t stamp; /* the last record that had it */
    uint32_t hash;
    uint32_t next; /* the column that followed it the last time */
    bool plain;    /* the name is the same bytes as in JSON */
};

struct lt_jsonl_keys {
    struct lt_jsonl_key *items;
    uint32_t n, cap;
    uint32_t *slots; /* open addressing, index + 1; 0: free */
    uint32_t n_slots;
};

/* LT_JSONL_NONE when there is no such key. */
uint32_t lt_jsonl_keys_find(const struct lt_jsonl_keys *keys, const char *name, size_t len);
/* Adds one that is not there yet; returns its column, or LT_JSONL_NONE without memory. */
uint32_t lt_jsonl_keys_add(struct lt_jsonl_keys *keys, const char *name, size_t len);
/* Takes away all from column `n` on. */
void lt_jsonl_keys_truncate(struct lt_jsonl_keys *keys, uint32_t n);
void lt_jsonl_keys_done(struct lt_jsonl_keys *keys);

/* --- scanner (json_scan.c, json_skip.c) ---------------------------------------------------- */

/* `info` is the length with these bits; a string's quotes are counted. What a value is, its first
 * byte tells. */
#define LT_JSONL_ESCAPED 0x80000000u /* a string that holds escapes */
#define LT_JSONL_INTEGER 0x40000000u /* a number without point and exponent */
#define LT_JSONL_LEN 0x3fffffffu

/* A value that is there; absent ones have no cell. */
struct lt_jsonl_cell {
    uint32_t start;
    uint32_t info;
    uint32_t column;
};

struct lt_jsonl_row {
    struct lt_text_record record;
    uint32_t first, n; /* its cells */
};

enum lt_jsonl_layout { LT_JSONL_AUTO, LT_JSONL_RECORDS, LT_JSONL_ARRAY };

/* Where the scanner stands between records. */
enum lt_jsonl_state {
    LT_JSONL_BEGIN,        /* nothing but blanks so far */
    LT_JSONL_BETWEEN,      /* records without an array around them */
    LT_JSONL_ARRAY_FIRST,  /* just after the [ around all records */
    LT_JSONL_ARRAY_RECORD, /* after a comma */
    LT_JSONL_ARRAY_NEXT,   /* after a record in it */
    LT_JSONL_ARRAY_DONE,   /* after its ] */
};

enum lt_jsonl_doubled { LT_JSONL_DOUBLED_ERROR, LT_JSONL_DOUBLED_FIRST, LT_JSONL_DOUBLED_LAST };

enum lt_jsonl_found {
    LT_JSONL_MORE,       /* more text is needed, at least up to scan.need bytes */
    LT_JSONL_FULL,       /* as many rows or bytes as asked for */
    LT_JSONL_END,        /* the end of the input, after a whole record */
    LT_JSONL_BAD_RECORD, /* scan.fault tells about it; it was left out, and the next one follows */
    LT_JSONL_BROKEN,     /* scan.fault tells why nothing after it can be read */
    LT_JSONL_NO_MEMORY
};

struct lt_jsonl_fault {
    enum lt_code code;
    const char *why;
    const char *remedy;       /* NULL: the code's own */
    size_t at;                /* position in the text */
    int64_t line;             /* of that position */
    char name[LT_JSONL_NAME]; /* of the column at fault, as much of it as is shown; "": none */
    size_t key, key_len; /* an unknown key's text in the record, without quotes; length 0: none */
    struct lt_text_record record; /* its end is the end of what was left out */
};

struct lt_jsonl_scan {
    /* Settings. */
    enum lt_jsonl_layout layout;
    enum lt_jsonl_doubled doubled;
    int64_t record_max; /* bytes of one record */
    int64_t row_cost;   /* counted for each record beside its text against bytes_max */
    bool closed;        /* no new columns */
    bool ignore;        /* when closed: keys of no column are passed over */
    bool complete;      /* when closed: every record must have every column */
    bool resume;        /* faults of grammar may be left out by lines */

    struct lt_buf text; /* what has been read and not been dropped; LT_JSONL_PAD behind it */
    bool whole;         /* the input ends where the text ends */
    size_t pos;         /* the next record, or what stands before it */
    size_t need;        /* length of the text below which there is no use in trying */
    int64_t line;       /* of pos, from 1 */

    struct lt_jsonl_keys keys;
    struct lt_buf cells; /* struct lt_jsonl_cell */
    struct lt_buf rows;  /* struct lt_jsonl_row */

    enum lt_jsonl_state state;
    bool arrays;  /* records are arrays, not objects; known from the first one on */
    bool shaped;  /* there was a first one */
    bool spanned; /* a record went over several lines */

    /* The record being scanned. */
    size_t row_start;
    uint64_t stamp;  /* its number, of all that were tried */
    uint64_t high;   /* non-zero: it holds bytes past ASCII */
    bool wrong;      /* fault is filled, though its end was not found yet */
    uint32_t before; /* the column of the member before */
    uint32_t first_key;
    struct lt_buf scratch; /* a key with escapes */

    struct lt_jsonl_fault fault;
};

void lt_jsonl_scan_init(struct lt_jsonl_scan *scan);
void lt_jsonl_scan_done(struct lt_jsonl_scan *scan);
/* Goes on until there are `rows_max` rows, or their text and row_cost reach `bytes_max`. */
enum lt_jsonl_found lt_jsonl_scan_run(struct lt_jsonl_scan *scan, int64_t rows_max,
                                      int64_t bytes_max);
/* Forgets all rows and drops their text. */
void lt_jsonl_scan_compact(struct lt_jsonl_scan *scan);

static inline int64_t lt_jsonl_scan_rows(const struct lt_jsonl_scan *scan)
{
    return (int64_t)(scan->rows.len / sizeof(struct lt_jsonl_row));
}

static inline const struct lt_jsonl_row *lt_jsonl_scan_row(const struct lt_jsonl_scan *scan,
                                                           int64_t i)
{
    return (const struct lt_jsonl_row *)(const void *)scan->rows.data + i;
}

static inline const struct lt_jsonl_cell *lt_jsonl_scan_cell(const struct lt_jsonl_scan *scan,
                                                             size_t i)
{
    const struct lt_jsonl_cell *cells =
        (const struct lt_jsonl_cell *)(const void *)scan->cells.data;
    return cells ? cells + i : NULL; /* records may have no cells */
}

/* How the steps of one record end. */
enum lt_jsonl_step { LT_JSONL_GOOD, LT_JSONL_CUT, LT_JSONL_BAD, LT_JSONL_OOM };

/* Notes what breaks the grammar at `at`; LT_JSONL_CUT when that is the end of the text so far. */
enum lt_jsonl_step lt_jsonl_bad(struct lt_jsonl_scan *scan, const uint8_t *at, const char *why);
/* Each passes over what begins at *at; *info gets the bits above. Strings: behind their opening
 * quote. */
enum lt_jsonl_step lt_jsonl_skip_string(struct lt_jsonl_scan *scan, const uint8_t **at,
                                        uint32_t *info);
enum lt_jsonl_step lt_jsonl_skip_value(struct lt_jsonl_scan *scan, const uint8_t **at,
                                       uint32_t *info);

/* Passes over blanks, counting lines. */
static inline const uint8_t *lt_jsonl_skip_blanks(struct lt_jsonl_scan *scan, const uint8_t *at)
{
    while (*at <= ' ') {
        if (*at == '\n') {
            scan->line++;
        } else if (*at != ' ' && *at != '\t' && *at != '\r') {
            break;
        }
        at++;
    }
    return at;
}

/* The text of a string's inside `len` bytes long that holds escapes, checked by the scanner, into
 * `out`. LEAT_BAD_DATA, with *ret_why, for half a surrogate pair; LEAT_NO_MEMORY. */
int lt_jsonl_unescape(const uint8_t *text, size_t len, struct lt_buf *out, const char **ret_why);

/* --- columns (json_convert.c) --------------------------------------------------------------- */

/* A value of one column; info 0: the record has none. */
struct lt_jsonl_slot {
    uint32_t start;
    uint32_t info;
};

/* Some rows of one column, as the converters see them. */
struct lt_jsonl_cells {
    const uint8_t *text;
    const struct lt_jsonl_slot *slots;
    int64_t rows;
    bool strict;            /* the type was inferred: only what the sample had */
    bool base64;            /* how binary is written */
    bool own_null;          /* null is a value of json as any */
    struct lt_buf *scratch; /* for strings with escapes */
};

/* Converts one column from row *row on. LEAT_OK: all were appended and *row is cells->rows.
 * LEAT_BAD_DATA: *row could not be, for *ret_why; those before it were. Or LEAT_NO_MEMORY. */
int lt_jsonl_convert(const struct lt_jsonl_cells *cells, struct lt_builder *builder, int64_t *row,
                     const char **ret_why);

/* base64 (RFC 4648, with padding), both ways (json_base64.c). Decoding refuses whatever does not
 * come back the same. */
int lt_jsonl_base64_append(struct lt_buf *out, const uint8_t *data, size_t len);
int lt_jsonl_base64_parse(struct lt_builder *builder, const char *text, size_t len,
                          const char **ret_why);

/* --- types from samples (json_infer.c, json_nested.c) -------------------------------------- */

struct lt_jsonl_infer {
    bool strings;   /* look for dates, times and uuids in strings */
    bool nested;    /* make structs and lists; else nested values are json */
    size_t members; /* of all structs so far: bounded */
    uint64_t stamp; /* the object being looked at */
};

/* The classes of values seen in one column, and what is known of the parts of nested ones. */
struct lt_jsonl_seen {
    unsigned classes;
    struct lt_jsonl_seen *members; /* of objects, in order of first appearance */
    size_t n_members;
    struct lt_jsonl_seen *item; /* of arrays */
    char *name;                 /* as a member */
    size_t len;
    uint64_t stamp; /* the last object that had it */
};

/* Adds one value (not null) with its info bits; `depth` is 0 for a column's own. */
int lt_jsonl_infer_value(struct lt_jsonl_infer *infer, struct lt_jsonl_seen *seen,
                         const uint8_t *text, uint32_t info, int depth);
/* Adds what is inside an object or array. */
int lt_jsonl_infer_nested(struct lt_jsonl_infer *infer, struct lt_jsonl_seen *seen,
                          const uint8_t *text, int depth);
/* The narrowest type that all values seen fit exactly, json where they are of several kinds. The
 * field is nullable and has no name. */
int lt_jsonl_infer_type(const struct lt_jsonl_seen *seen, struct ArrowSchema *ret_field,
                        struct leat_error *err);
/* The struct or list of what was seen; *ret_made false where it must be json. */
int lt_jsonl_nested_type(const struct lt_jsonl_seen *seen, struct ArrowSchema *ret_field,
                         bool *ret_made, struct leat_error *err);
/* Values of more than one kind (numbers and strings, ...) were seen. */
bool lt_jsonl_seen_mixed(const struct lt_jsonl_seen *seen);
void lt_jsonl_seen_done(struct lt_jsonl_seen *seen);

#define LT_JSONL_OBJECT (1u << 16)
#define LT_JSONL_LIST (1u << 17)
#define LT_JSONL_UNEVEN (1u << 18) /* nested too deep, too wide, or with doubled keys */

/* --- the two directions -------------------------------------------------------------------- */

int lt_jsonl_read_open(struct lt_source *source, const struct lt_format_options *options,
                       struct lt_format_reader **ret_reader, struct leat_error *err);
int lt_jsonl_read_retype(struct lt_format_reader *reader, const struct ArrowSchema *types,
                         struct leat_error *err);
int lt_jsonl_read_explain(struct lt_format_reader *reader, struct lt_buf *out);
void lt_jsonl_read_close(struct lt_format_reader *reader);
const char *lt_jsonl_no_append(struct lt_format_reader *old,
                               const struct lt_format_options *writing);

int lt_jsonl_write_open(struct lt_sink *sink, const struct ArrowSchema *schema,
                        const struct lt_format_options *options,
                        struct lt_format_writer **ret_writer, struct leat_error *err);
int lt_jsonl_write_batch(struct lt_format_writer *writer, const struct ArrowArray *batch,
                         struct leat_error *err);
int lt_jsonl_write_finish(struct lt_format_writer *writer, struct leat_error *err);
void lt_jsonl_write_close(struct lt_format_writer *writer);

#endif
