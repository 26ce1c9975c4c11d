/* leat: moves tables. The whole public interface of libleat; the program `leat` uses nothing else.
 *
 *     struct leat *leat;
 *     struct leat_plan *plan;
 *     leat_new(&leat, err);
 *     leat_plan_new(leat, &plan, err);
 *     leat_plan_source(plan, "orders.csv.gz", err);
 *     leat_plan_destination(plan, "sqlite:shop.db", err);
 *     leat_plan_set(plan, "replace", "true", err);
 *     leat_run(plan, &observer, &report, err);
 *
 * Threads: calls on one `struct leat`, and on what was made from it, come from one thread at a
 * time, except leat_cancel(), which any thread and any signal handler may call. Callbacks of a
 * run come from the thread that called leat_run().
 * Strings given are copied. Strings returned live as long as the object they came from. */
#ifndef LEAT_LEAT_H
#define LEAT_LEAT_H

#include "leat/arrow.h"
#include "leat/connector.h"
#include "leat/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
LEAT_EXPORT const char *leat_version(void);

/* --- a session ------------------------------------------------------------------------------ */

struct leat; /* connectors, log sink, cancel flag */

LEAT_EXPORT int leat_new(struct leat **ret_leat, struct leat_error *err);
LEAT_EXPORT void leat_free(struct leat *leat);

/* Asks everything running on this session to stop: blocked reads and statements on servers too,
 * within a second. Runs return LEAT_CANCELLED and leave nothing behind. Async-signal-safe. Stays
 * in force until leat_uncancel(). */
LEAT_EXPORT void leat_cancel(struct leat *leat);
LEAT_EXPORT void leat_uncancel(struct leat *leat);
/* Whether it is in force. From any thread. */
LEAT_EXPORT bool leat_is_cancelled(const struct leat *leat);

/* Log lines, redacted, one at a time; process-wide. NULL: silence, as at the start. */
typedef void leat_log_fn(void *arg, enum leat_log_level level, const char *line);
LEAT_EXPORT void leat_set_log(leat_log_fn *log, void *arg, enum leat_log_level level);
/* "error", "warn", "info", "debug", "trace"; LEAT_INVALID otherwise. */
LEAT_EXPORT int leat_log_level_parse(const char *name, enum leat_log_level *ret_level,
                                     struct leat_error *err);

/* Adds an embedder's own connector, before the built-in ones; it must outlive the session. */
LEAT_EXPORT int leat_add_connector(struct leat *leat, const struct leat_connector *connector,
                                   struct leat_error *err);
/* The i-th connector, built-in and added; NULL past the end. */
LEAT_EXPORT const struct leat_connector *leat_connector_at(struct leat *leat, size_t i);
/* By name or alias; loads a module leat-NAME.so when there is no built-in one. NULL and
 * LEAT_INVALID [unknown-scheme] with the closest name. */
LEAT_EXPORT const struct leat_connector *leat_connector_by_name(struct leat *leat, const char *name,
                                                                struct leat_error *err);

/* The i-th file format of all connectors, with its options and type tables, into *ret_format (its
 * size is set by the caller); false past the end. */
LEAT_EXPORT bool leat_format_at(struct leat *leat, size_t i, struct leat_format *ret_format);

/* --- types and casts ------------------------------------------------------------------------ */

/* Makes a field of a type by its name ("decimal(12,2)", "list<int64>"; docs/types.md): nullable,
 * named "". LEAT_INVALID shows the place and the closest name. */
LEAT_EXPORT int leat_type_parse(const char *text, struct ArrowSchema *ret_field,
                                struct leat_error *err);
/* The name of a field's type; *ret_text is freed with leat_text_free(). */
LEAT_EXPORT int leat_type_print(const struct ArrowSchema *field, char **ret_text,
                                struct leat_error *err);

enum leat_cast_kind {
    LEAT_CAST_SAME,    /* taken over as it is */
    LEAT_CAST_SAFE,    /* every value fits */
    LEAT_CAST_CHECKED, /* value by value: one that does not fit is an error, never rounded */
    LEAT_CAST_REFUSED  /* never */
};
LEAT_EXPORT enum leat_cast_kind leat_cast_kind(const struct ArrowSchema *from,
                                               const struct ArrowSchema *to);

/* What becomes of a value that its new type cannot hold. */
enum leat_on_loss {
    LEAT_LOSS_ERROR, /* the stream fails, naming row and column */
    LEAT_LOSS_NULL   /* it becomes null, where the column may hold one */
};
/* A stream of the same records as `schema` types them: columns belong together by name, those that
 * `schema` does not name are left out. [cast] or [column-mismatch] at once when types cannot become
 * each other. Takes `stream` over (moved) on success. */
LEAT_EXPORT int leat_cast_stream(struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
                                 enum leat_on_loss on_loss, struct ArrowArrayStream *ret_stream,
                                 struct leat_error *err);

/* --- plans ---------------------------------------------------------------------------------- */

/* What a command will do: sources, destinations, options. */
struct leat_plan;

LEAT_EXPORT int leat_plan_new(struct leat *leat, struct leat_plan **ret_plan,
                              struct leat_error *err);
LEAT_EXPORT void leat_plan_free(struct leat_plan *plan);

/* What a plan does; LEAT_ACTION_COPY until something else is said. */
enum leat_action {
    LEAT_ACTION_COPY,  /* whole streams (leat cp) */
    LEAT_ACTION_DELTA, /* what changed since the last time (leat cp delta) */
    LEAT_ACTION_META,  /* makes or alters tables and moves no record (leat cp meta -e) */
    LEAT_ACTION_SYNC, /* makes the destination equal, writing only what differs (leat sync batch) */
    LEAT_ACTION_DIFF, /* tells every record that differs; changes nothing (leat diff) */
    LEAT_ACTION_VERIFY /* proves that both are equal, or finds what is not (leat verify) */
};
/* To be said before options are set: each action knows only its own. */
LEAT_EXPORT int leat_plan_action(struct leat_plan *plan, enum leat_action action,
                                 struct leat_error *err);
/* Whether an option of leat_plan_options() is one of this action's. */
LEAT_EXPORT bool leat_action_takes(enum leat_action action, const char *option);

/* A location: a URL ("postgres://u@h/db#public.orders", "sqlite:shop.db"), "format:-" or "-",
 * a connection's name with or without ".stream", or a local path. */
LEAT_EXPORT int leat_plan_source(struct leat_plan *plan, const char *location,
                                 struct leat_error *err);
/* The source is this stream of batches, under this stream name. Takes it over (moved) on success;
 * its batches are checked before they are believed. A plan with such a source runs once. As the source
 * of LEAT_ACTION_DELTA all its records are what changed: no cursor is needed, and no watermark kept. */
LEAT_EXPORT int leat_plan_source_stream(struct leat_plan *plan, struct ArrowArrayStream *stream,
                                        const char *name, struct leat_error *err);
/* The same for LEAT_ACTION_DELTA, of changes: the text column `op` says of each record what becomes of
 * the row of its key: "i", "u" or "d". A row to be updated or deleted that is not there, or one to be
 * inserted that is, is LEAT_CONFLICT. All are one transaction where the destination has such. */
LEAT_EXPORT int leat_plan_source_changes(struct leat_plan *plan, struct ArrowArrayStream *stream,
                                         const char *name, const char *op, struct leat_error *err);
/* Takes bytes in order, from one thread at a time but not always the same; 0, or an errno. */
typedef int leat_write_fn(void *arg, const void *data, size_t len);
/* The source is these bytes, in a format by name, or as they look (NULL), compressed or not. They
 * are borrowed until the plan is freed. */
LEAT_EXPORT int leat_plan_source_bytes(struct leat_plan *plan, const char *format, const void *data,
                                       size_t size, struct leat_error *err);
/* A destination that is a file of that format, given to write() as it is made. What was given
 * cannot be taken back: only after a run that went well is it whole. */
LEAT_EXPORT int leat_plan_destination_bytes(struct leat_plan *plan, const char *format,
                                            leat_write_fn *write, void *arg,
                                            struct leat_error *err);
/* Which streams of the source are meant, as it is written behind # in a location: a name, a wildcard.
 * [usage] where the location names some itself. */
LEAT_EXPORT int leat_plan_select(struct leat_plan *plan, const char *pattern,
                                 struct leat_error *err);
/* Each call adds one destination; the same read is written to all of them. */
LEAT_EXPORT int leat_plan_destination(struct leat_plan *plan, const char *location,
                                      struct leat_error *err);

/* Sets an option by its long name; value NULL means "true". Lists add up. LEAT_INVALID
 * [unknown-option] with "did you mean", or what is wrong with the value. Options of formats and
 * connectors go the same way. */
LEAT_EXPORT int leat_plan_set(struct leat_plan *plan, const char *name, const char *value,
                              struct leat_error *err);
/* The same for what many plans share, such as an environment: an option of connectors that no side
 * of the plan takes is passed over, where leat_plan_set() makes it [unknown-option] once it runs. */
LEAT_EXPORT int leat_plan_set_default(struct leat_plan *plan, const char *name, const char *value,
                                      struct leat_error *err);
/* Whether a BOOL option of leat_plan_options() was set and is true. */
LEAT_EXPORT bool leat_plan_is_set(const struct leat_plan *plan, const char *name);
/* All options of a plan; the table ends with a NULL name. */
LEAT_EXPORT const struct leat_option *leat_plan_options(void);

/* Whether an option of any table may have this value (NULL: it was given without one, which only
 * LEAT_OPTION_BOOL may be). LEAT_INVALID [usage] says what it takes. */
LEAT_EXPORT int leat_option_check(const struct leat_option *option, const char *value,
                                  struct leat_error *err);

/* Resolves everything, opens both sides, and describes what leat_run() would do, without
 * touching anything: streams, types, DDL, route. *ret_text is freed with leat_text_free(). */
LEAT_EXPORT int leat_plan_describe(struct leat_plan *plan, char **ret_text, struct leat_error *err);
LEAT_EXPORT void leat_text_free(char *text);
/* The same, with a report of what would be done (docs/report.md), which is set also on failure once
 * both sides were open; leat_report_free() frees it. */
struct leat_report; /* what a run did, or would do, stream by stream */
LEAT_EXPORT int leat_plan_preview(struct leat_plan *plan, char **ret_text,
                                  struct leat_report **ret_report, struct leat_error *err);

/* --- running -------------------------------------------------------------------------------- */

struct leat_progress {
    size_t size;
    const char *stream;  /* a stream at work now, or NULL */
    int64_t rows, bytes; /* read so far, over all streams */
    int64_t rows_total;  /* estimate over all streams; -1 unknown */
    int64_t streams_done, streams_total;
    int64_t elapsed_us;
};

/* A column that did not arrive as it was, as --on-loss allowed. */
struct leat_column_loss {
    size_t size;
    const char *column; /* as the destination calls it */
    int64_t values;     /* so many became null */
    bool as_text;       /* it was carried as text */
    const char *reason; /* of the first value; no data */
};

struct leat_stream_result {
    size_t size;
    const char *source;      /* "public.orders" */
    const char *destination; /* where it went, without secrets */
    const char *load_id;
    const char *route; /* how: "columnar; delete and copy in one transaction" */
    const char *proof; /* "counts equal", "counts and checksums equal"; "" when it failed */
    int64_t rows_read, rows_written, rows_rejected, bytes;
    int64_t elapsed_us;
    int attempts; /* 0: it was never begun, for the run stopped before */
    bool touched; /* the destination may have been changed on the way */
    bool committed;
    const struct leat_error *error; /* status LEAT_OK when it went well */
    /* What the destination holds now, in words: "new rows", "unchanged", "in doubt: ...",
     * "incomplete: ...". Static. */
    const char *state;
    int64_t values_lost; /* became null, over all columns */
    const struct leat_column_loss *losses;
    size_t n_losses;
    /* Rows of the destination, by what became of them; of a copy all are inserted. For
     * LEAT_ACTION_DIFF and _VERIFY: what would make it equal. */
    struct leat_row_counts counts;
    int64_t rows_compared;        /* pairs that were read and compared; 0: none */
    int64_t rows_skipped;         /* of key ranges whose hashes were equal: not read at all */
    const char *watermark_before; /* a delta's, as canonical text (compound: JSON array); "" none */
    const char *watermark_after;
    const char *drift; /* columns that differed and what was done, in words; "" none */
    /* With "resume": what earlier runs or attempts had written. rows_read and rows_written count it,
     * too. */
    int64_t parts_resumed, rows_resumed;
    const char *why_not_resumed; /* "": it was, there was nothing, or nobody asked */
    /* Columns whose finer digits on one side did not count when they were compared, and as what they
     * were: "\"at\" in milliseconds"; "" none. */
    const char *resolution;
};

enum leat_difference_kind { LEAT_NEW, LEAT_CHANGED, LEAT_DELETED };
/* One record that is not the same on both sides. Both are batches of one record; borrowed for the
 * call. Values may be secret: never to be logged. */
struct leat_difference {
    size_t size;
    enum leat_difference_kind kind;   /* only at the source, on both, only at the destination */
    const char *stream;               /* the source's name of it */
    const struct ArrowSchema *schema; /* keys first, then the columns compared; of both records */
    const struct ArrowArray *source;  /* NULL: not there */
    const struct ArrowArray *destination;
    const bool *differs; /* one a column of `schema`; all true where a side is missing */
    int64_t n_keys;
};

/* One value of a column as JSON, typed: numbers plain and exact, text quoted, null. *ret_text is
 * freed with leat_text_free(). */
LEAT_EXPORT int leat_value_json(const struct ArrowSchema *field, const struct ArrowArray *column,
                                int64_t row, char **ret_text, struct leat_error *err);

/* Of columns: only at the source, only at the destination, in both and not the same. */
enum leat_schema_difference_kind {
    LEAT_COLUMN_ADDED,
    LEAT_COLUMN_DROPPED,
    LEAT_COLUMN_CHANGED,
    LEAT_SCHEMA_DIFFERENCES_N
};
struct leat_schema_column {
    const char *type; /* as its system declares it: "character varying(5)" */
    bool nullable;
    int key; /* place in the primary key, from 1; 0: not in it */
};
/* One column that is not the same on both sides; borrowed for the call. */
struct leat_schema_difference {
    size_t size;
    enum leat_schema_difference_kind kind;
    const char *stream; /* the source's name of it */
    const char *column;
    const struct leat_schema_column *source; /* NULL: not there */
    const struct leat_schema_column *destination;
};

struct leat_observer {
    size_t size;
    void *arg;
    int64_t interval_ms; /* between calls of progress(); 0: 200 */
    void (*progress)(void *arg, const struct leat_progress *progress);       /* may be NULL */
    void (*stream_done)(void *arg, const struct leat_stream_result *result); /* may be NULL */
    /* LEAT_ACTION_DIFF: every difference, in key order, stream by stream. Non-zero stops the run,
     * which is then no failure. May be NULL. */
    int (*difference)(void *arg, const struct leat_difference *difference);
    /* The same with --schema-only. */
    int (*schema_difference)(void *arg, const struct leat_schema_difference *difference);
};

/* Runs the plan. Fails with the first failing stream's error; the report says what became of
 * each. *ret_report (may be NULL) is set also on failure, once anything was started. */
LEAT_EXPORT int leat_run(struct leat_plan *plan, const struct leat_observer *observer,
                         struct leat_report **ret_report, struct leat_error *err);

LEAT_EXPORT size_t leat_report_count(const struct leat_report *report);
/* Result i < count; one per stream and destination. */
LEAT_EXPORT const struct leat_stream_result *leat_report_result(const struct leat_report *report,
                                                                size_t i);
LEAT_EXPORT int64_t leat_report_rejected(const struct leat_report *report);
/* Differences that a diff or verify found, over all streams. */
LEAT_EXPORT int64_t leat_report_differences(const struct leat_report *report);
/* The report as one JSON document, ended by a newline; docs/report.md describes it. */
LEAT_EXPORT const char *leat_report_json(struct leat_report *report);
LEAT_EXPORT void leat_report_free(struct leat_report *report);

/* --- watermarks ----------------------------------------------------------------------------- */

/* Borrowed for the call; non-zero stops and is returned. `value` is what a stream's destination keeps
 * as JSON: {"cursor":[...],"value":[...]}, or {"mark":...} of files; NULL: none. */
typedef int leat_watermark_fn(void *arg, const char *stream, const char *value);
/* How far deltas from the plan's source have come in its destination, for every stream it names. The
 * plan's action is LEAT_ACTION_DELTA. */
LEAT_EXPORT int leat_plan_watermarks(struct leat_plan *plan, leat_watermark_fn *each, void *arg,
                                     struct leat_error *err);
/* Sets them all: as the option "cursor" names it, a value as --start takes it, of a compound cursor a
 * JSON array; NULL forgets them, and the next delta starts from the beginning. */
LEAT_EXPORT int leat_plan_set_watermark(struct leat_plan *plan, const char *value,
                                        struct leat_error *err);

/* --- reading -------------------------------------------------------------------------------- */

/* Opens the plan's one source stream as an Arrow stream, with the plan's columns, casts, limit
 * and so on applied. The stream must be released before the plan and the session are. Its
 * get_last_error() gives the error line. */
LEAT_EXPORT int leat_read(struct leat_plan *plan, struct ArrowArrayStream *ret_stream,
                          struct leat_error *err);

/* `schema` has the stream's own types, `texts` those of `rows`: utf8, but where values are bytes.
 * `rows` is NULL in the first call, before a record is read. Borrowed for the call; non-zero stops
 * and is returned. */
typedef int leat_text_fn(void *arg, const struct ArrowSchema *schema,
                         const struct ArrowSchema *texts, const struct ArrowArray *rows);
/* The same stream for people to look at: its records as text, in small batches, so that the first
 * come soon. */
LEAT_EXPORT int leat_read_text(struct leat_plan *plan, leat_text_fn *each, void *arg,
                               struct leat_error *err);

/* Every stream of the plan's source: its schema, with keys, comments and source types as field
 * metadata, and what the catalogue says of it. Borrowed for the call; non-zero stops and is
 * returned. */
typedef int leat_describe_fn(void *arg, const struct leat_stream_info *info,
                             const struct ArrowSchema *schema);
LEAT_EXPORT int leat_describe(struct leat_plan *plan, leat_describe_fn *each, void *arg,
                              struct leat_error *err);

/* What a connector would make of a stream, without a connection. `column` of the schema: its type as
 * DDL writes it; -1: the statement that makes the table, named `name`. LEAT_UNSUPPORTED says why it
 * cannot be had, or that the connector has no DDL. *ret_text is freed with leat_text_free(). */
LEAT_EXPORT int leat_ddl(struct leat *leat, const char *connector, const char *name,
                         const struct ArrowSchema *schema, int64_t column, char **ret_text,
                         struct leat_error *err);
/* The text of a field's metadata, such as "leat.comment", cut to `size`; false when it has none. */
LEAT_EXPORT bool leat_field_note(const struct ArrowSchema *field, const char *key, char *ret_text,
                                 size_t size);

/* Calls each() for every stream the plan's source names. */
LEAT_EXPORT int leat_list(struct leat_plan *plan, leat_stream_fn *each, void *arg,
                          struct leat_error *err);

/* Opens the plan's source and tells what is there and what this login may do. Borrowed for the call;
 * non-zero stops and is returned. */
typedef int leat_check_fn(void *arg, const struct leat_check *check);
LEAT_EXPORT int leat_check(struct leat_plan *plan, leat_check_fn *each, void *arg,
                           struct leat_error *err);

/* Takes one view of all streams of the plan's source, tells its token, and holds it until
 * leat_cancel() (LEAT_CANCELLED) or for so long (0: no limit). Runs with the option "snapshot" and
 * that token read what the source holds now. Non-zero of `taken` stops and is returned. */
typedef int leat_snapshot_fn(void *arg, const char *token);
LEAT_EXPORT int leat_snapshot_hold(struct leat_plan *plan, int64_t for_ms, leat_snapshot_fn *taken,
                                   void *arg, struct leat_error *err);

/* Runs one statement, in the language of the plan's source, there. *ret_rows (may be NULL): rows it
 * changed, -1 where it does not say. LEAT_UNSUPPORTED where a connector has no SQL. */
LEAT_EXPORT int leat_execute(struct leat_plan *plan, const char *sql, int64_t *ret_rows,
                             struct leat_error *err);

/* The same of a statement that may give rows: then ret_stream->release is set, and its columns are
 * the rows' values as text. It is released before the plan and the session are. Else it is NULL and
 * *ret_changed as above. */
LEAT_EXPORT int leat_statement(struct leat_plan *plan, const char *sql,
                               struct ArrowArrayStream *ret_stream, int64_t *ret_changed,
                               struct leat_error *err);

/* What a plan was given, in the order it was: to print it. Borrowed for the call; locations as they
 * were said, secrets included. Non-zero stops and is returned. */
enum leat_plan_part { LEAT_PART_SOURCE, LEAT_PART_DESTINATION, LEAT_PART_OPTION };
typedef int leat_plan_part_fn(void *arg, enum leat_plan_part part, const char *name,
                              const char *value);
LEAT_EXPORT int leat_plan_each(const struct leat_plan *plan, leat_plan_part_fn *each, void *arg);
LEAT_EXPORT enum leat_action leat_plan_action_of(const struct leat_plan *plan);

/* --- formats by themselves ------------------------------------------------------------------- */

/* A file, or bytes, as a stream of batches: a plan's source without the plan. `format` NULL: the
 * name and the first bytes tell. Options are those of plans and of the format. The stream owns
 * what it needs but the session and the bytes, which must outlive it. */
LEAT_EXPORT int leat_format_read(struct leat *leat, const char *format, const char *path,
                                 const struct leat_param *options, size_t n_options,
                                 struct ArrowArrayStream *ret_stream, struct leat_error *err);
LEAT_EXPORT int leat_format_read_bytes(struct leat *leat, const char *format, const void *data,
                                       size_t size, const struct leat_param *options,
                                       size_t n_options, struct ArrowArrayStream *ret_stream,
                                       struct leat_error *err);
/* A stream of batches as a file, which appears whole or not at all, or as bytes. Takes the stream
 * over (moved, and released when this returns), unless it fails before it looks at it. */
LEAT_EXPORT int leat_format_write(struct leat *leat, struct ArrowArrayStream *stream,
                                  const char *format, const char *path,
                                  const struct leat_param *options, size_t n_options,
                                  struct leat_error *err);
LEAT_EXPORT int leat_format_write_bytes(struct leat *leat, struct ArrowArrayStream *stream,
                                        const char *format, leat_write_fn *write, void *arg,
                                        const struct leat_param *options, size_t n_options,
                                        struct leat_error *err);

/* --- tables the documentation is made from --------------------------------------------------- */

struct leat_code_info {
    const char *code;
    enum leat_status status;
    const char *remedy;
    const char *text;
};
/* The i-th error code in order; NULL past the end. */
LEAT_EXPORT const struct leat_code_info *leat_code_at(size_t i);

#ifdef __cplusplus
}
#endif
#endif
