/* The contract between the engine and every system leat reads or writes.
 *
 * A connector is one constant `struct leat_connector`: small tables of functions, each of which
 * may be absent; the engine asks before it calls. The engine knows no system, a connector knows
 * no other connector and nothing of the engine.
 *
 * Threads: the calls on one endpoint, and on the loads made from it, come from one thread at a
 * time, except cancel(). Its readers and its parts run in parallel, each on one thread.
 *
 * Sizes: every struct that crosses the boundary begins with `size_t size`, set by whoever
 * allocates it to sizeof of the struct it knows. Members are only ever appended; the other side
 * must not touch a member beyond `size`.
 *
 * Strings passed in are borrowed for the call unless it says otherwise; they are UTF-8.
 * Everything a connector returns in a ret_ struct is released by the matching release call.
 *
 * Errors: see error.h. Only LEAT_UNAVAILABLE is ever retried, and only by the engine: a
 * connector never sleeps and tries again by itself. */
#ifndef LEAT_CONNECTOR_H
#define LEAT_CONNECTOR_H

#include "leat/arrow.h"
#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LEAT_CONNECTOR_ABI 1

struct leat_endpoint; /* one opened system; each connector has its own */
struct leat_reader;   /* one read of one stream, or of one partition of it */
struct leat_load;     /* the unit of commit, see below */
struct leat_part;     /* one writer of one load */
struct leat_changes;  /* one open change stream */
struct leat_rows;     /* what one statement gives */
struct leat_connector;

/* --- what the host gives ------------------------------------------------------------------- */

enum leat_log_level {
    LEAT_LOG_ERROR,
    LEAT_LOG_WARN,
    LEAT_LOG_INFO,
    LEAT_LOG_DEBUG,
    LEAT_LOG_TRACE
};

/* Callable from any thread, for as long as the endpoint is open. A member may be NULL unless it
 * says otherwise. */
struct leat_host {
    size_t size;
    void *arg; /* first argument of every call */
    /* One line, without newline; secrets are redacted on the way. */
    void (*log)(void *arg, enum leat_log_level level, const char *line);
    /* Non-zero once the run is cancelled; cheap. Loops that wait or fetch ask between rounds. */
    int (*cancelled)(void *arg);
    /* Bytes of the memory budget that this endpoint's own buffers may take. Never NULL. */
    int64_t (*memory)(void *arg);
    /* Called before and after every durable step of a load, e.g. "postgres:commit:before": a test
     * may kill the process here or fail the step. LEAT_OK goes on. NULL in normal use. */
    int (*step)(void *arg, const char *name, struct leat_error *err);
    /* Another connector by name, for connectors that wrap one; NULL when there is none. */
    const struct leat_connector *(*connector)(void *arg, const char *name);
};

/* --- options ------------------------------------------------------------------------------- */

enum leat_option_kind {
    LEAT_OPTION_TEXT,
    LEAT_OPTION_SECRET, /* never shown */
    LEAT_OPTION_BOOL,   /* true/false, yes/no, 1/0; present without value: true */
    LEAT_OPTION_INT,
    LEAT_OPTION_SIZE,     /* 96MiB */
    LEAT_OPTION_DURATION, /* 30s */
    LEAT_OPTION_CHOICE,   /* one of `choices`, split at | */
    LEAT_OPTION_LIST      /* comma-separated; may be given several times */
};

/* One row of an option table. Tables end with a NULL name. From them come parsing, help, manual
 * pages, completion and "did you mean". */
struct leat_option {
    const char *name; /* long name, words joined by '-' */
    enum leat_option_kind kind;
    const char *fallback; /* default as text; NULL: none */
    const char *choices;  /* "a|b|c" for CHOICE; a placeholder such as "FILE" for others */
    const char *help;     /* one or two sentences, without final full stop */
};

struct leat_param {
    const char *name;
    const char *value;
};

/* Bytes of the program that stand for standard input or output ("csv:-"). */
struct leat_bytes {
    size_t size;
    const void *data; /* to be read, any number of times; lives as long as the endpoint */
    size_t data_len;
    /* Takes what is written, in order, from one thread at a time; 0, or an errno. */
    int (*write)(void *arg, const void *data, size_t len);
    void *arg;
};

/* How an endpoint is to be opened. */
struct leat_config {
    size_t size;
    const char *url; /* complete, secrets included; without the stream part. Never to be logged */
    const struct leat_param *params; /* options given beside the URL, by the connector's table */
    size_t n_params;
    const struct leat_host *host;   /* never NULL */
    const char *state_namespace;    /* where bookkeeping tables go; NULL: with the data */
    bool no_state;                  /* keep no record of loads in the destination */
    int64_t connect_timeout_ms;     /* 0: the connector's default */
    int64_t lock_timeout_ms;        /* how long to wait for locks of others */
    const struct leat_bytes *bytes; /* NULL: the process's own standard input and output */
};

/* --- endpoints ----------------------------------------------------------------------------- */

enum leat_payload_kind {
    LEAT_PAYLOAD_NONE = 0,
    LEAT_PAYLOAD_BATCH = 1,  /* an ArrowArray of the reader's schema */
    LEAT_PAYLOAD_BYTES = 2,  /* bytes of a named wire format, e.g. "pgcopy" */
    LEAT_PAYLOAD_OBJECTS = 4 /* URLs of objects the destination can load by itself */
};

#define LEAT_CAN_QUERY 1u     /* reads a query given in its own language */
#define LEAT_CAN_PREDICATE 2u /* reads with a predicate in its own language */
#define LEAT_CAN_PROJECT 4u   /* reads only the columns asked for */
#define LEAT_CAN_LIMIT 8u     /* stops by itself after read_plan.limit rows */
#define LEAT_CAN_ORDER 16u    /* gives rows in read_plan.order */
#define LEAT_CAN_ATTACH 32u   /* loads can be joined by other processes through a token */
#define LEAT_CAN_STREAMS 64u  /* one load can cover many streams */
#define LEAT_HAS_NAMESPACES 128u
#define LEAT_IS_TERMINAL 256u /* writes standard output: nothing else may */
/* Foreign keys are enforced while rows are loaded: streams whose tables refer to each other are
 * given to one load, which finds the order by itself. Needs LEAT_CAN_STREAMS. */
#define LEAT_KEYS_HOLD 512u
/* The text of a type of its own ("text(postgres:date)") is written into columns of that type, and
 * into those it makes for it, as the value it is. */
#define LEAT_TAKES_OWN_TEXT 1024u
/* Types are found by looking at values: start() of a read takes its time, asks nobody, and what it
 * finds does not depend on when it is called. */
#define LEAT_INFERS 2048u

struct leat_capabilities {
    size_t size;
    uint32_t flags;
    uint32_t payloads_out;         /* enum leat_payload_kind bits it can read */
    uint32_t payloads_in;          /* ... and write */
    const char *bytes_format;      /* name of its wire format, for BYTES; NULL: none */
    int readers_max;               /* parallel readers that make sense; 0: no limit */
    int loads_max;                 /* loads that may be open on the system at once; 0: no limit */
    const char *default_namespace; /* "public"; "" where there are none. Valid while open */
    /* The steps of its commit, in order, each safe to repeat; one element, "commit", where a
     * transaction does it all. NULL-terminated. For messages, documentation and fault tests. */
    const char *const *commit_steps;
    /* Name of what hash_ranges() computes, with all that two ends must share for hashes to be
     * comparable ("pg-md5 15 UTF8"); the columns' source types must be equal as well. NULL: none. */
    const char *hash_format;
    /* What its merges and the like can do, as bits 1 << enum leat_write_mode. 0: only
     * LEAT_REPLACE and LEAT_APPEND. */
    uint32_t modes;
};

/* Facts about the other side. Texts are static or live as long as the endpoint. */
struct leat_check {
    size_t size;
    const char *system;  /* "PostgreSQL" */
    const char *version; /* "15.18" */
    const char *user;
    bool can_read, can_create, can_write;
    bool can_replicate; /* open a change stream */
    /* Set by leat_check(), not by connectors. */
    int64_t connect_us;    /* to be logged in */
    int64_t round_trip_us; /* of the question, once logged in */
};

/* --- streams ------------------------------------------------------------------------------- */

/* ns is "" or NULL where the connector has no namespaces, or its default is meant. */
struct leat_stream_name {
    const char *ns;
    const char *name;
};

enum leat_stream_kind { LEAT_TABLE, LEAT_VIEW, LEAT_QUERY, LEAT_FILE };

struct leat_stream_info {
    size_t size;
    struct leat_stream_name name;
    enum leat_stream_kind kind;
    int64_t rows_estimate;  /* -1 unknown */
    int64_t bytes_estimate; /* -1 unknown */
    const char *comment;    /* NULL: none */
    bool own_types; /* some columns have types that are not the system's own: discover() may say so,
                       for prepare() of a destination to be told of the stream */
    bool no_foreign_keys; /* it refers to no other stream: discover() may say so; false: unknown */
};

/* Borrowed for the call. Non-zero stops the listing and is returned. */
typedef int leat_stream_fn(void *arg, const struct leat_stream_info *info);

struct leat_catalog_ops {
    /* Calls each() once a stream, in name order. Both patterns may hold * (any run); a NULL
     * namespace pattern means the default namespace. No match is LEAT_OK without a call. */
    int (*discover)(struct leat_endpoint *ep, const char *ns_pattern, const char *name_pattern,
                    leat_stream_fn *each, void *arg, struct leat_error *err);
    /* The stream's schema, with keys, comments and source types as field metadata (leat.key,
     * leat.comment, leat.source_type), and its facts (info->name points into `name`'s strings).
     * Where it can tell them, defaults (leat.default of a field), indexes and checks (leat.indexes,
     * leat.checks of the schema) too: a destination gives them to a table that it makes, if the
     * write stream's schema still has them. What they hold: docs/loads.md.
     * LEAT_NOT_FOUND with the closest name as remedy. */
    int (*describe)(struct leat_endpoint *ep, const struct leat_stream_name *name,
                    struct ArrowSchema *ret_schema, struct leat_stream_info *ret_info,
                    struct leat_error *err);
    /* How a name as the user wrote it ("Public.Orders", "\"a.b\".c", "orders.") reads here.
     * Writes into ret_ns and ret_name (each `size` bytes). An empty ret_name: a whole namespace.
     * NULL member: split at the first dot where the connector has namespaces. */
    int (*resolve)(struct leat_endpoint *ep, const char *text, char *ret_ns, char *ret_name,
                   size_t size, struct leat_error *err);
};

/* --- reading ------------------------------------------------------------------------------- */

/* A record that was refused, told to whoever collects rejects. */
struct leat_reject {
    size_t size;
    const char *place;  /* `orders.csv:81234 column "total"` */
    const char *code;   /* "value-syntax" */
    const char *reason; /* no data values */
    const char *record; /* the record as its source wrote it, or as JSON; NULL when unknown */
    size_t record_len;
    const char *column; /* the column at fault, as the stream names it; NULL: none or unknown */
};

struct leat_reject_sink {
    size_t size;
    void *arg;
    /* LEAT_OK: the record is set aside, go on. Anything else stops (too many). Any thread. */
    int (*reject)(void *arg, const struct leat_reject *reject, struct leat_error *err);
};

/* Single values that the type they are to have cannot hold (an infinite date, NaN for a decimal,
 * U+0000 for a database's text): the record stays, the value may become NULL. Syntax errors and
 * broken records are no losses: they are rejects. */
struct leat_loss_sink {
    size_t size;
    void *arg;
    /* `what` tells place, code, reason and column; its record may be NULL. LEAT_OK: store NULL in
     * its place and go on. Anything else stops, *err filled. Any thread. */
    int (*lost)(void *arg, const struct leat_reject *what, struct leat_error *err);
};

/* Half-open or closed range of a cursor, bounds as canonical text; NULL: unbounded. */
struct leat_cursor_range {
    size_t size;
    const char *const *columns; /* compound cursors compare as rows */
    size_t n_columns;
    const char *const *low;
    const char *const *high;
    bool low_inclusive, high_inclusive;
    bool with_nulls; /* records with a null in one of the columns too; else they are left out */
};

struct leat_read_plan {
    size_t size;
    struct leat_stream_name stream;
    const char *query;          /* instead of a stream; NULL: none */
    const char *const *columns; /* NULL: all. Only with LEAT_CAN_PROJECT; in this order */
    size_t n_columns;
    const char *predicate;                  /* NULL: none; only with LEAT_CAN_PREDICATE */
    int64_t limit;                          /* -1: none; a hint without LEAT_CAN_LIMIT */
    const struct leat_cursor_range *cursor; /* NULL: none */
    /* Columns to order by, ascending, nulls last: numbers as numbers, text and binary by their
     * bytes, times as points in time, uuids by their bytes, false before true. NULL: any order. */
    const char *const *order;
    size_t n_order;
    const void *partition; /* from split(); NULL: the whole stream */
    size_t partition_len;
    uint32_t payloads;       /* kinds the engine can take, by enum leat_payload_kind */
    int64_t batch_rows_max;  /* 0: 65,536 */
    int64_t batch_bytes_max; /* 0: 8 MiB; one record may exceed it */
    /* Types wanted, by column name; may be NULL. A reader that can deliver one exactly (a database
     * its text form, for utf8) does; what it cannot, the engine casts. */
    const struct ArrowSchema *types;
    const struct leat_reject_sink *rejects; /* NULL: the first bad record fails the read */
    const struct leat_param *params;        /* format options (--delimiter ...) */
    size_t n_params;
    const struct leat_loss_sink *losses; /* NULL: a value its type cannot hold is a bad record */
    /* A reader of the same plan but for the partition, still open: what was found out for it need
     * not be asked again. NULL: none. */
    const struct leat_reader *like;
    const char *since; /* marks: only what came after the first, up to the second; NULL: all */
    const char *until;
    int threads; /* that the reader may keep busy, its caller's included; 0: one */
};

/* Where a reader stands: opaque text a later start() understands; "" where there is none. */
struct leat_position {
    char text[128];
};

/* What next() gives and part_write() takes. The position is the one just after it: it travels
 * with the data, never by a second call. */
struct leat_payload {
    size_t size;
    enum leat_payload_kind kind;
    struct ArrowArray batch; /* BATCH */
    const void *bytes;       /* BYTES, OBJECTS; freed by bytes_release */
    size_t bytes_len;
    void (*bytes_release)(void *arg);
    void *bytes_arg;
    int64_t rows;      /* records in it; for BYTES as counted on the way */
    int64_t row_first; /* number of its first record within the reader's stream, from 1 */
    struct leat_position position;
};

/* Columns that a cursor or a key may have. */
#define LEAT_CURSOR_COLUMNS_MAX 8

/* What a cursor's columns hold. Texts are canonical, as cursor ranges take them, and malloc'ed:
 * leat_x_bounds_release() frees them. */
struct leat_bounds {
    size_t size;
    bool empty;                          /* no record has a value in all of the columns */
    char *high[LEAT_CURSOR_COLUMNS_MAX]; /* the greatest record's, compared as rows; NULL: empty */
    char *low[LEAT_CURSOR_COLUMNS_MAX];  /* the least's, once `high` was taken and waited for */
    /* Where the first column is a time: the source's clock, or the start of its oldest transaction
     * that may still write, if that is earlier. A record stamped before it is visible to who reads
     * from now on, later ones may not be. Text of the first column's type; NULL: cannot be told. */
    char *settled;
    /* Where the first column is no time: records of transactions that were writing the table when
     * `high` was taken have been waited for, so none up to it is still to come. */
    bool complete;
    int64_t nulls; /* records with a null in one of the columns; -1: not counted */
};

/* Borrowed for the call; non-zero stops and is returned. */
typedef int leat_key_fn(void *arg, const char *const *key);
/* Of range `range`: 0 is the one up to the first cut. */
typedef int leat_hash_fn(void *arg, size_t range, int64_t rows, uint64_t hash);

typedef int leat_partition_fn(void *arg, const void *partition, size_t len, int64_t rows_estimate);

struct leat_source_ops {
    /* One consistent view of all streams, held by this endpoint until it is released. The token
     * lets other endpoints of the same system, in any process, read the same. LEAT_UNSUPPORTED
     * where the server cannot share one. All NULL: reads stand by themselves. */
    int (*snapshot_take)(struct leat_endpoint *ep, char *ret_token, size_t size,
                         struct leat_error *err);
    int (*snapshot_join)(struct leat_endpoint *ep, const char *token, struct leat_error *err);
    void (*snapshot_release)(struct leat_endpoint *ep);

    /* Splits a read into at most n partitions that together are the stream, each once, when they
     * are read in one snapshot. NULL, or a single call with a NULL partition: cannot be split, or
     * is too small to gain by it. */
    int (*split)(struct leat_endpoint *ep, const struct leat_read_plan *plan, int n,
                 leat_partition_fn *each, void *arg, struct leat_error *err);

    /* Least and greatest record of a cursor of 1 to LEAT_CURSOR_COLUMNS_MAX columns, within the
     * plan's predicate and cursor range; nulls are counted within the predicate alone. Waits up to
     * wait_ms for transactions that are writing the table, where `complete` is to be told, or whose
     * start cannot be seen. 0: does not wait, and need tell neither `settled` nor `complete`.
     * *ret_bounds is the caller's to release also after a failure. */
    int (*bounds)(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                  const char *const *columns, size_t n_columns, int64_t wait_ms,
                  struct leat_bounds *ret_bounds, struct leat_error *err);

    /* Opens a read. Nothing streams before the first next(), so that planning may take its
     * time. LEAT_NOT_FOUND for a missing stream or column, with the closest name. */
    int (*start)(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                 struct leat_reader **ret_reader, struct leat_error *err);
    /* What its batches look like: a struct schema, caller releases. Keys, comments and source
     * types are field metadata. Valid from start() on. */
    int (*schema)(struct leat_reader *reader, struct ArrowSchema *ret_schema,
                  struct leat_error *err);
    /* Fills *ret_payload (its size is set by the caller; the rest need not be). Caller releases.
     * The end is LEAT_OK and LEAT_PAYLOAD_NONE, and only the true end: a cut connection or a
     * truncated file is an error. */
    int (*next)(struct leat_reader *reader, struct leat_payload *ret_payload,
                struct leat_error *err);
    /* Ends the read, at any point; stops the server's work on it. NULL is fine. */
    void (*finish)(struct leat_reader *reader);

    /* Comparing without reading. Gives keys (as many texts as plan->order has columns) that cut
     * the stream, within plan->cursor, into ranges of about rows_per_range records, in ascending
     * order; a hint, not exact. NULL: it cannot. */
    int (*key_split)(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                     int64_t rows_per_range, leat_key_fn *each, void *arg, struct leat_error *err);
    /* Rows and hash of plan->columns of every key range that the cuts make of the stream within
     * plan->cursor: up to and with the first cut, behind it up to and with the next, and behind
     * the last. Both ends whose hash_format is equal give equal hashes for equal records (but for
     * chance: 64 bits), in any order of theirs. cuts[i] has plan->n_order texts. Ranges without
     * records may be left out. NULL: it cannot. */
    int (*hash_ranges)(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                       const char *const *const *cuts, size_t n_cuts, leat_hash_fn *each, void *arg,
                       struct leat_error *err);

    /* Before the first next(): reads these columns (fields by name) as these types, as far as the
     * reader inferred theirs; types that were given stay. schema() then tells the new ones. NULL
     * where types are never inferred. */
    int (*retype)(struct leat_reader *reader, const struct ArrowSchema *types,
                  struct leat_error *err);

    /* From start() on: how this is read, in words, one line without newline, NUL-terminated and
     * cut to `size`: what was inferred or chosen ("csv, delimiter ';', header, windows-1252;
     * types from 20,480 records"). For --dry-run and -v. NULL: nothing to say. */
    int (*explain)(struct leat_reader *reader, char *ret_text, size_t size, struct leat_error *err);

    /* Before the first next(), on a reader started with more than one payload kind, which gives
     * batches until then: the kind it is to give. LEAT_UNSUPPORTED, and nothing changed, where this
     * stream cannot be had so. NULL: batches only. */
    int (*choose)(struct leat_reader *reader, enum leat_payload_kind kind, struct leat_error *err);

    /* What a stream without cursor columns holds now, as opaque text for read_plan.since and
     * .until: for a directory the files it has. *ret_mark is malloc'ed. *ret_news (may be NULL):
     * something is there that `since` (NULL: the beginning) does not know. [source-changed] when
     * what `since` knows is there no more, or changed. NULL: streams have no such marks. */
    int (*mark)(struct leat_endpoint *ep, const struct leat_read_plan *plan, const char *since,
                char **ret_mark, bool *ret_news, struct leat_error *err);

    /* What tells the stream's records as they are now from those of any other time, as opaque
     * text: while it stays the same, in this process and in later ones, the plan reads the same
     * records; and split() with the same n, as long as its first partition is the same, cuts the
     * same ones, but for empty ones that come at the end or are there no more. *ret_ordered: in the
     * same order too, so that its first n records are always the same ones. `immutable`: the user's
     * word that nothing changes the stream meanwhile. *ret_text is malloc'ed. LEAT_UNSUPPORTED, with
     * the reason as message, where nobody can tell. NULL: never. */
    int (*fingerprint)(struct leat_endpoint *ep, const struct leat_read_plan *plan, bool immutable,
                       char **ret_text, bool *ret_ordered, struct leat_error *err);

    /* These streams, small ones, are most likely read soon, each once: what there is to ask about
     * them may be asked for all at once. The names are borrowed for the call. Nobody minds a
     * failure. On the thread that calls start(). NULL: nothing is gained by it. */
    int (*expect)(struct leat_endpoint *ep, const struct leat_stream_name *names, size_t n,
                  struct leat_error *err);
};

/* --- writing ------------------------------------------------------------------------------- */

/* The unit of commit is a load: durable, addressed by an id, covering one or many streams,
 * possibly filled by several processes.
 *
 *   plan                 what would be done; touches nothing
 *   begin | attach       take the destination's lock, make the staging; or join by token
 *   part_open .. seal    any number of parts, each its own rows, each ending in a receipt
 *   commit               all receipts, state rows and guards at once
 *   outcome              what became of a load id; asked after any doubt, before any retry
 *   abort, sweep         nothing of it stays
 */
enum leat_write_mode {
    LEAT_REPLACE, /* the destination's rows become exactly these */
    LEAT_APPEND,
    /* Rows with the key of a record are updated where they differ, the others are inserted. */
    LEAT_MERGE,
    /* Rows with the key of a record are deleted, then all records inserted. */
    LEAT_DELETE_INSERT,
    /* Records say in write_stream.op what is to be done: i, u, d. A u or d whose row is not there,
     * or an i whose row is, fails the load with [conflict]: somebody else was writing. */
    LEAT_CHANGES,
    /* Nothing goes: a row whose record differs is closed, and its successor inserted (a slowly
     * changing dimension of type 2). */
    LEAT_HISTORY
};

#define LEAT_WRITE_FORCE 1u       /* replace was said: rows of others may go */
#define LEAT_WRITE_RECREATE 2u    /* replace the definition too */
#define LEAT_WRITE_ALLOW_EMPTY 4u /* no rows may replace some rows */
#define LEAT_WRITE_TRUNCATE 8u    /* emptying need not be invisible to older readers */
/* Rows to be deleted stay, with the time of it in the column LEAT_DELETED_COLUMN, which is added
 * where it is missing; a record that comes back empties it. */
#define LEAT_WRITE_SOFT_DELETE 16u
#define LEAT_DELETED_COLUMN "_leat_deleted"
/* LEAT_MERGE and LEAT_DELETE_INSERT: rows of keys that no record has are deleted, for good. */
#define LEAT_WRITE_ALONE 32u
/* LEAT_HISTORY's own columns: from when, until when (null: still), and whether it is the current
 * one of its key. "From" is the first cursor column's value where that is a time, else the load's. */
#define LEAT_FROM_COLUMN "_leat_valid_from"
#define LEAT_TO_COLUMN "_leat_valid_to"
#define LEAT_CURRENT_COLUMN "_leat_current"

/* What happens where the stream and an existing table differ in their columns. */
enum leat_schema_policy {
    /* Columns that the table lacks are [column-mismatch]; values are cast to the types that are
     * there and checked one by one. */
    LEAT_SCHEMA_CHECK,
    /* New columns are added (nullable), types widened where no value can change (docs/values.md);
     * any other type is [column-mismatch] with the ALTERs it would take. */
    LEAT_SCHEMA_EVOLVE,
    LEAT_SCHEMA_IGNORE, /* as CHECK, but columns the table lacks are left out */
    /* Any difference is [column-mismatch]: columns that only one of both has, a type that does not
     * hold what comes, NOT NULL where nulls may come. */
    LEAT_SCHEMA_STRICT
};

struct leat_write_stream {
    size_t size;
    struct leat_stream_name name;     /* at the destination */
    const struct ArrowSchema *schema; /* the records as they will come, names already the
                                         destination's; keys and comments as field metadata */
    const char *source_id;            /* what it is read from, without secrets; compared with the
                                         record of the last load */
    enum leat_write_mode mode;
    uint32_t flags;
    const char *const *keys; /* merge keys; NULL: the schema's leat.key fields */
    size_t n_keys;
    int parts_wanted;         /* 1..n; of complete() connections that it may keep busy, 0: one */
    uint32_t payloads;        /* kinds the engine could deliver */
    const char *bytes_format; /* with LEAT_PAYLOAD_BYTES */
    enum leat_schema_policy schema_policy;
    /* Columns that say which of several records of one key is the latest, and of LEAT_HISTORY
     * when; NULL: the one that comes last. */
    const char *const *cursor;
    size_t n_cursor;
    const char
        *op; /* LEAT_CHANGES: the field of `schema`, utf8, that is no column but says i, u, d */
    /* LEAT_MERGE and its like: a record whose value in this boolean column is true deletes the row
     * of its key. The column is stored as any other. NULL: none. */
    const char *deleted;
    int64_t rows_estimate; /* that will come; -1 unknown */
};

struct leat_write_plan {
    size_t size;
    const char *load_id; /* 32 hex digits, new for every attempt that is not an attach */
    const struct leat_write_stream *streams;
    size_t n_streams;
    bool shared;                     /* other processes will attach */
    const struct leat_param *params; /* format options and the connector's write options */
    size_t n_params;
    /* The sealed parts are to outlive the process. begin() takes the open load over that says this
     * same text, that the destination would take as it did, and that nobody takes part in any more;
     * resumed() tells. Otherwise it begins one that a later begin() can find. Of one stream. The
     * text is the caller's: it tells loads apart that would not write the same parts. NULL: no. */
    const char *resume;
    /* With `resume`: what load_plan.open_loads said when this was tried before. NULL: the first
     * time. */
    const char *open_loads;
};

enum leat_atomicity {
    LEAT_ATOMIC_LOAD,     /* all streams of the load appear at one moment */
    LEAT_ATOMIC_STREAM,   /* each stream does */
    LEAT_ATOMIC_MANIFEST, /* for readers of the manifest all streams do */
    LEAT_ATOMIC_NONE
};

/* One stream as the destination would take it. Filled by plan(), freed by plan_release(). */
struct leat_load_stream {
    size_t size;
    struct ArrowSchema schema; /* what part_write wants: the engine casts to this. Every column
                                  comes from the like-named one of the write stream. A field not
                                  nullable is checked for nulls on the way */
    uint32_t payloads;         /* kinds it takes for this stream */
    int parts_max;             /* >= 1: the most that pay */
    bool exists;
    int64_t rows_before; /* rows there now: exact up to some thousands, else an estimate;
                                  -1 unknown */
    bool ours;           /* last written by leat from this source_id */
    char *ddl;           /* statements begin() or commit() would run; NULL: none */
    char *route;         /* in words: "delete and copy in one transaction" */
    char *drift;         /* columns that differ and what is done, in words; NULL: none */
    /* Statements that begin() would run before those of `ddl`, for what other streams may need as
     * well (types): who shows several streams shows each once. NULL-terminated; NULL: none. */
    char **shared_ddl;
};

struct leat_load_plan {
    size_t size;
    struct leat_load_stream *streams; /* as many, in the order of the write plan's */
    size_t n_streams;
    enum leat_atomicity atomicity;
    bool serial; /* only one part open at a time over the whole load */
    void *state; /* the connector's own */
    /* With write_plan.resume: the sealed parts will outlive the process. Else why not, in words;
     * static, NULL: the connector never can. */
    bool resumable;
    const char *unresumable;
    /* With write_plan.resume: the loads of the same text that are open, or were when this was tried
     * before. If another has committed one of them, begin() is [conflict]: its rows are there.
     * Borrowed from the plan; NULL: none. */
    const char *open_loads;
};

struct leat_part_id {
    uint32_t stream; /* index in the load */
    uint32_t part;   /* 0.. */
    uint32_t attempt;
};

/* Proof of one sealed part. Plain data: it may be stored or sent to another process of the same
 * machine type as it is. */
struct leat_receipt {
    size_t size;
    struct leat_part_id id;
    int64_t rows_inserted, rows_updated, rows_deleted;
    int64_t rows_rejected; /* refused by the connector and handed to the reject sink */
    int64_t bytes;         /* on the wire or in the file */
    uint64_t checksum;     /* of the part's stored bytes; 0: none kept */
    char staging[192];     /* where it lies: file, table, object; "" when there is no place */
};

/* What begin() found of an earlier load. Borrowed from the load. */
struct leat_resumed {
    size_t size;
    bool taken; /* it was taken over: the load goes on under its id, with its sealed parts */
    char load_id[33];
    const char
        *resume; /* that load's text, also where it was not taken over; NULL: none was there */
    const char *changed; /* the text is the same, but not this of the destination; NULL */
    const struct leat_receipt *receipts; /* of the sealed parts, by number; none unless taken */
    size_t n_receipts;
};

struct leat_row_counts;

/* Checked inside the commit. */
struct leat_guards {
    size_t size;
    const int64_t *rows_expected; /* a stream each: sum of inserted rows; -1 not checked */
    bool allow_empty;
    int64_t rows_deleted_max; /* over all streams; -1: no limit. [too-many-deletes] */
    /* A stream each: as many rows must be inserted, updated and deleted, the other counts are
     * not looked at. NULL: not checked. [count-mismatch] */
    const struct leat_row_counts *counts_expected;
};

/* State of a stream at its destination, kept with the record of its loads and bound to the table:
 * one that was dropped and made again has none. LEAT_REPLACE ends what there was: of its rows none
 * are left. */
struct leat_state_row {
    uint32_t stream;
    const char *key;    /* "watermark" */
    const char *value;  /* NULL: removed */
    const char *before; /* what it must be until now, else [conflict]; NULL: there must be none */
    bool check;         /* `before` counts */
};

/* What became of a stream's records. */
struct leat_row_counts {
    size_t size;
    int64_t inserted, updated, deleted, unchanged; /* rows of the destination */
    int64_t superseded; /* records that a later one of the same key and load replaced */
};

struct leat_commit {
    size_t size;
    const struct leat_receipt *receipts; /* one for every part opened, whichever process did */
    size_t n_receipts;
    const struct leat_state_row *state; /* stored with the record of the load */
    size_t n_state;
    struct leat_guards guards;
    struct leat_row_counts *ret_counts; /* one a stream; set when it succeeds; NULL: not asked */
};

/* Borrowed for the call; non-zero stops and is returned. */
typedef int leat_state_fn(void *arg, const char *key, const char *value);

enum leat_outcome {
    LEAT_LOAD_ABSENT, /* it did not happen, and will not any more */
    LEAT_LOAD_COMMITTED,
    LEAT_LOAD_IN_FLIGHT /* somebody may still be committing it */
};

struct leat_part_plan {
    size_t size;
    struct leat_part_id id;
    enum leat_payload_kind payload;         /* what will be written */
    const struct leat_reject_sink *rejects; /* NULL: the first bad record fails the part */
    const struct leat_loss_sink *losses;    /* NULL: a value that cannot be held is a bad record */
    int threads; /* that the part may keep busy, its caller's included; 0: one */
};

struct leat_load_ops {
    /* Says how this load would be done; changes nothing. [destination-holds-rows],
     * [column-mismatch] with every column listed, [unsupported-type], LEAT_DENIED come from
     * here. The write plan and all it points to outlive the load. */
    int (*plan)(struct leat_endpoint *ep, const struct leat_write_plan *want,
                struct leat_load_plan *ret_plan, struct leat_error *err);
    void (*plan_release)(struct leat_load_plan *plan);

    /* Takes the fence: [destination-busy] when another load holds the destination past the lock
     * timeout. Sweeps what dead loads left there. The plan may be released afterwards. */
    int (*begin)(struct leat_endpoint *ep, const struct leat_load_plan *plan,
                 struct leat_load **ret_load, struct leat_error *err);
    /* A text by which another process can attach. NULL member: it cannot. */
    int (*token)(struct leat_load *load, char *ret_token, size_t size, struct leat_error *err);
    int (*attach)(struct leat_endpoint *ep, const char *token, struct leat_load **ret_load,
                  struct leat_error *err);

    int (*part_open)(struct leat_load *load, const struct leat_part_plan *plan,
                     struct leat_part **ret_part, struct leat_error *err);
    /* Moves the payload's contents out if it keeps them; the caller releases what is left. */
    int (*part_write)(struct leat_part *part, struct leat_payload *payload, struct leat_error *err);
    /* Makes the part durable where the load is staged. A later attempt of the same part
     * replaces an unsealed one and finds a sealed one: then *ret_receipt is the earlier one. */
    int (*part_seal)(struct leat_part *part, struct leat_receipt *ret_receipt,
                     struct leat_error *err);
    /* Frees the part; unsealed rows vanish. NULL is fine. */
    void (*part_close)(struct leat_part *part);

    /* Reads the records this load adds to a stream, as the destination will show them, before
     * the commit and after all seals. Of modes with keys: the rows that have a key of the load's
     * records (merging comes first, if it must). NULL member: cannot be read back. */
    int (*read_back)(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                     struct leat_error *err);
    /* Counts the records that read_back() would read. Not of modes with keys. NULL member: they
     * are read to be counted. */
    int (*count_back)(struct leat_load *load, uint32_t stream, int64_t *ret_rows,
                      struct leat_error *err);

    /* All or nothing. *ret_already is set when this load id was committed before. A lost reply
     * is LEAT_OUTCOME_UNKNOWN, any other failure means that it did not happen. */
    int (*commit)(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                  struct leat_error *err);
    /* Asks the destination, on a fresh connection where need be. A load that nobody can commit
     * any more (its fence taken) is ABSENT. */
    int (*outcome)(struct leat_endpoint *ep, const struct leat_write_plan *want,
                   enum leat_outcome *ret_outcome, struct leat_error *err);
    /* The destination is as begin() found it, staging gone; frees the load. NULL is fine. Not
     * after a commit, nor from a process that only attached. */
    void (*abort)(struct leat_load *load);
    /* Frees the load and gives up its lock without touching the destination: after a commit, or
     * in a process that attached. NULL is fine. */
    void (*release)(struct leat_load *load);
    /* Removes what loads that can no longer commit left at these streams' place. */
    int (*sweep)(struct leat_endpoint *ep, const struct leat_stream_name *streams, size_t n_streams,
                 int64_t *ret_removed, struct leat_error *err);
    /* What can only be made after the last stream of a command (foreign keys). Tables loaded
     * before; idempotent. NULL member: nothing. */
    int (*complete)(struct leat_endpoint *ep, const struct leat_write_stream *streams,
                    size_t n_streams, struct leat_error *err);

    /* A stream's state, as the last commit left it; a stream that is not there has none. NULL
     * member, with state_set: it keeps none. */
    int (*state)(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                 leat_state_fn *each, void *arg, struct leat_error *err);
    /* Sets one key by hand; value NULL removes it. Takes the stream's fence for the moment. */
    int (*state_set)(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                     const char *key, const char *value, struct leat_error *err);

    /* After begin() with write_plan.resume. release() then leaves the load for a later begin() to
     * take over, abort() ends it. A process that lost its load to another can neither seal nor
     * commit any more. *ret_resumed has its size set by the caller. NULL member: loads cannot be
     * taken over. */
    int (*resumed)(struct leat_load *load, struct leat_resumed *ret_resumed,
                   struct leat_error *err);

    /* What can be made or refused before the first stream of a command: types that the tables need.
     * Told of streams that have some (leat_stream_info.own_types); idempotent. What it refuses with
     * [unsupported-type], plan() would refuse as well. NULL member: nothing. */
    int (*prepare)(struct leat_endpoint *ep, const struct leat_write_stream *streams,
                   size_t n_streams, struct leat_error *err);

    /* The statements that complete() would run once the streams' tables are there, as they may not
     * be yet, each with its ";" and line break; "" where there are none. *ret_text is malloc'ed.
     * Changes nothing. NULL member: they cannot be told. */
    int (*complete_show)(struct leat_endpoint *ep, const struct leat_write_stream *streams,
                         size_t n_streams, char **ret_text, struct leat_error *err);
};

/* --- changes as they happen ---------------------------------------------------------------- */

struct leat_change_plan {
    size_t size;
    const struct leat_stream_name *streams;
    size_t n_streams;
    const char *position; /* "" starts now */
};

struct leat_changes_ops {
    int (*open)(struct leat_endpoint *ep, const struct leat_change_plan *plan,
                struct leat_changes **ret_changes, struct leat_error *err);
    /* A batch whose first column "_leat_op" (utf8: i, u, d) and, for updates that leave columns
     * alone, whose last "_leat_unchanged" (binary bitmap) say what each record is; all of one
     * stream. kind NONE: nothing for timeout_ms. */
    int (*next)(struct leat_changes *changes, int64_t timeout_ms, uint32_t *ret_stream,
                struct leat_payload *ret_payload, struct leat_error *err);
    /* All up to this position is durable at the destination. */
    int (*acknowledge)(struct leat_changes *changes, const struct leat_position *position,
                       struct leat_error *err);
    void (*close)(struct leat_changes *changes);
};

/* --- SQL ----------------------------------------------------------------------------------- */

struct leat_sql_ops {
    int (*execute)(struct leat_endpoint *ep, const char *sql, int64_t *ret_rows,
                   struct leat_error *err);
    /* Appends the identifier quoted to the NUL-terminated text in `out`. */
    int (*quote)(struct leat_endpoint *ep, const char *identifier, char *out, size_t size);

    /* Runs any one statement, once. Where it gives rows, *ret_rows gives them, as text and as they
     * come; else it is NULL, and *ret_changed says how many rows were changed, -1 where the system
     * does not. All four members, or none. */
    int (*run)(struct leat_endpoint *ep, const char *sql, struct leat_rows **ret_rows,
               int64_t *ret_changed, struct leat_error *err);
    /* The columns' names, valid while it is open; returns how many. Names may come twice. */
    size_t (*rows_columns)(struct leat_rows *rows, const char *const **ret_names);
    /* The next row: a text a column, NULL for null, valid until the next call. *ret_texts NULL: that
     * was all. */
    int (*rows_next)(struct leat_rows *rows, const char *const **ret_texts, const size_t **ret_lens,
                     struct leat_error *err);
    void (*rows_close)(struct leat_rows *rows); /* NULL is fine */
};

/* --- types ---------------------------------------------------------------------------------- */

/* System type to canonical. `system` is the bare type name in the system's own lower-case
 * spelling ("int4", "numeric", "_text"); `canonical` the name of a type of leat, where $1 and $2
 * stand for the type's arguments (numeric(10,2)). `bare` is used when there are no arguments. */
struct leat_type_in {
    const char *system;
    const char *canonical;
    const char *bare; /* NULL: the same as canonical */
    const char *note; /* what happens at the edges, for the documentation; NULL: nothing does */
};

/* Canonical to system, by storage class: "decimal" covers all precisions ($1, $2 are precision
 * and scale), "list" any list. `system` NULL: refused, and the note says why. */
struct leat_type_out {
    const char *canonical;
    const char *system;
    const char *note;
};

/* A file format, as lists, help and documentation show it. Static texts and tables. The type
 * tables are read as those of a connector: `system` is what stands in the file. */
struct leat_format {
    size_t size;
    const char *name;                       /* "csv" */
    const char *summary;                    /* one line */
    const char *const *extensions;          /* "csv", without dot; NULL-terminated */
    const struct leat_option *read_options; /* end with a NULL name; may be NULL */
    const struct leat_option *write_options;
    const struct leat_type_in *types_in; /* may be NULL */
    const struct leat_type_out *types_out;
    bool binary; /* not to be shown on a terminal */
};

/* --- the connector ------------------------------------------------------------------------- */

struct leat_connector {
    size_t size;
    uint32_t abi;                      /* LEAT_CONNECTOR_ABI */
    const char *name;                  /* "postgres": also the URL scheme */
    const char *const *aliases;        /* further schemes; NULL-terminated; may be NULL */
    const char *summary;               /* one line for `leat connectors` */
    const struct leat_option *options; /* of the endpoint; end with a NULL name */

    int (*open)(const struct leat_config *config, struct leat_endpoint **ret_ep,
                struct leat_error *err);
    void (*close)(struct leat_endpoint *ep); /* NULL is fine */
    int (*check)(struct leat_endpoint *ep, struct leat_check *ret_check, struct leat_error *err);
    /* From any thread, any number of times: calls that block, on the endpoint, its readers and
     * parts, return LEAT_CANCELLED within a second. Must not take locks a blocked call holds. */
    void (*cancel)(struct leat_endpoint *ep);
    /* Valid once open; constant. */
    const struct leat_capabilities *(*capabilities)(struct leat_endpoint *ep);

    const struct leat_catalog_ops *catalog; /* NULL: cannot be listed */
    const struct leat_source_ops *source;   /* NULL: cannot be read */
    const struct leat_load_ops *load;       /* NULL: cannot be written */
    const struct leat_changes_ops *changes; /* NULL: no change stream */
    const struct leat_sql_ops *sql;         /* NULL: no SQL */

    /* Endings of local paths it opens ("sqlite", "db"), without dot, NULL-terminated; may be
     * NULL. A codec's ending (.gz) is cut off before they are compared. */
    const char *const *extensions;

    /* How its types are read and written, for the documentation; NULL: as it comes. */
    const struct leat_type_in *types_in;   /* end with a NULL system */
    const struct leat_type_out *types_out; /* end with a NULL canonical */

    /* The i-th file format it reads or writes, into *ret_format (its size is set by the caller);
     * false past the end. Any time, from any thread. NULL: it has none. */
    bool (*format)(size_t i, struct leat_format *ret_format);

    /* Whether the endpoint, as it was opened, may have a use for this option of the connector's
     * table, when it is read or written: a file's format does not know those of the others. NULL:
     * it has one for all. */
    bool (*takes)(struct leat_endpoint *ep, const char *option, bool writing);

    /* Without an endpoint: the DDL of a stream that is not there yet. `column` of want->schema: its
     * type; -1: the whole CREATE TABLE. *ret_text is malloc'ed.
     * LEAT_UNSUPPORTED for a type it has not. NULL: there is no DDL. */
    int (*ddl)(const struct leat_write_stream *want, int64_t column, char **ret_text,
               struct leat_error *err);
};

/* A loadable module leat-NAME.so exports this one symbol. */
#define LEAT_MODULE_SYMBOL "leat_module"
typedef const struct leat_connector *leat_module_fn(void);

/* Releases what a payload still holds; NULL and released ones are fine. */
LEAT_EXPORT void leat_x_payload_release(struct leat_payload *payload);
/* The same of bounds. */
LEAT_EXPORT void leat_x_bounds_release(struct leat_bounds *bounds);

#ifdef __cplusplus
}
#endif
#endif
