/* The contract of file formats: batches <-> bytes. One table row a format; nothing outside this
 * folder knows a format by name.
 *
 * A reader pulls bytes from an lt_source, a writer pushes them into an lt_sink; both borrow it
 * (their caller closes it afterwards). Bounded memory: one batch and its raw bytes. */
#ifndef LT_FORMAT_H
#define LT_FORMAT_H

#include "columnar/array.h"
#include "core/bytes.h"
#include "leat/connector.h"

struct lt_format_reader;
struct lt_format_writer;

/* Options of a format come as name/value pairs, checked against its option table. */
struct lt_format_options {
    const struct leat_param *params;
    size_t n_params;
    const struct ArrowSchema *schema; /* types given by the user: columns by name, may be part of
                                         them, or NULL. Ignored by self-describing formats. */
    bool schema_whole; /* `schema` is all columns of the stream: those that the input does not show
                          are there too, and an input without names takes them, by place */
    int64_t batch_rows_max;                 /* 0: LT_BATCH_ROWS */
    int64_t batch_bytes_max;                /* 0: LT_BATCH_BYTES */
    const struct leat_reject_sink *rejects; /* NULL: the first bad record fails the read */
    const struct leat_loss_sink *losses;    /* NULL: a value its type cannot hold is a bad record */
    int64_t memory; /* bytes that its own buffers may take beside batches, about; 0: its default */
    int threads;    /* that it may keep busy, the caller's included; 0: one */
    const char *const *columns; /* reading, formats that project: only these, in this order;
                                   NULL: all */
    size_t n_columns;
};

#define LT_BATCH_ROWS 65536
#define LT_BATCH_BYTES (8 << 20)

struct lt_format {
    const char *name;                       /* "csv" */
    const char *summary;                    /* one line for help */
    const char *const *extensions;          /* "csv", NULL-terminated, without dot */
    const struct leat_option *read_options; /* end with a NULL name; may be NULL */
    const struct leat_option *write_options;
    bool binary;   /* never to a terminal */
    bool seeks;    /* read_open needs a source with read_at and a known size */
    bool projects; /* honours options.columns */
    /* True when these first bytes (up to 4 KiB, decompressed) look like this format. */
    bool (*sniff)(const uint8_t *data, size_t len);

    int (*read_open)(struct lt_source *source, const struct lt_format_options *options,
                     struct lt_format_reader **ret_reader, struct leat_error *err);
    /* A copy of the stream's schema: known before the first batch. */
    int (*read_schema)(struct lt_format_reader *reader, struct ArrowSchema *ret_schema,
                       struct leat_error *err);
    /* The end: LEAT_OK and ret_batch->release == NULL. A truncated input is an error. After a
     * failure there are no more batches: the same failure comes again. */
    int (*read_next)(struct lt_format_reader *reader, struct ArrowArray *ret_batch,
                     struct leat_error *err);
    void (*read_close)(struct lt_format_reader *reader);
    /* Before the first batch: columns (fields by name) whose types were inferred are read as these
     * instead. NULL where a file knows its types. */
    int (*read_retype)(struct lt_format_reader *reader, const struct ArrowSchema *types,
                       struct leat_error *err);

    /* What was inferred or chosen, in words, appended to `out` ("delimiter ';', header"). NULL:
     * nothing to say. */
    int (*read_explain)(struct lt_format_reader *reader, struct lt_buf *out);

    /* NULL where the format takes the type (the usual case); else why not, by type name. */
    const char *(*refuses)(const struct ArrowSchema *field);
    int (*write_open)(struct lt_sink *sink, const struct ArrowSchema *schema,
                      const struct lt_format_options *options, struct lt_format_writer **ret_writer,
                      struct leat_error *err);
    int (*write_batch)(struct lt_format_writer *writer, const struct ArrowArray *batch,
                       struct leat_error *err);
    /* Writes what ends the file (a stream of no batches is a valid file with its schema). */
    int (*write_finish)(struct lt_format_writer *writer, struct leat_error *err);
    void (*write_close)(struct lt_format_writer *writer);

    /* What the values of a file become and what the canonical types are written as, for the
     * documentation; read like a connector's. NULL: nothing is said. */
    const struct leat_type_in *types_in;   /* end with a NULL system */
    const struct leat_type_out *types_out; /* end with a NULL canonical */

    const char *alias; /* another name; NULL: none */

    /* Text formats: NULL where what is written with these options may stand behind the input of
     * `old`, else why not. NULL: it always may. */
    const char *(*no_append)(struct lt_format_reader *old, const struct lt_format_options *writing);
};

/* All formats, NULL-terminated. */
extern const struct lt_format *const lt_formats[];

/* The i-th of them as connectors tell it (struct leat_connector's format()). */
bool lt_format_info(size_t i, struct leat_format *ret_format);

/* By name or alias. */
const struct lt_format *lt_format_by_name(const char *name);
/* By the ending of a path whose codec ending was already cut off; NULL when none fits. */
const struct lt_format *lt_format_by_path(const char *path, size_t len);
const struct lt_format *lt_format_sniff(const uint8_t *data, size_t len);

/* The value of an option: what was given, else the table's default. NULL: no such option. */
const char *lt_format_option(const struct lt_format_options *options,
                             const struct leat_option *table, const char *name);
/* Every given param must be in the table: LEAT_INVALID with "did you mean". */
int lt_format_check_options(const struct lt_format_options *options,
                            const struct leat_option *table, const char *format_name,
                            struct leat_error *err);

#endif
