/* What the files of this folder share. */
#ifndef LT_SQ_INTERNAL_H
#define LT_SQ_INTERNAL_H

#include "columnar/builder.h"
#include "columnar/schema.h"
#include "core/buf.h"
#include "core/codes.h"
#include "core/thread.h"
#include "db/sqlite.h"
#include "leat/connector.h"
#include "sql/sqlite.h"

enum sq_mode {
    SQ_READ_WRITE_CREATE, /* the default: loads make the file, reads never do */
    SQ_READ_WRITE,        /* mode=rw: the file must exist */
    SQ_READ_ONLY,         /* mode=ro */
    SQ_IMMUTABLE          /* mode=immutable: read without locks, for nobody writes it */
};

/* What numbers in columns of dates and times count. */
enum sq_numbers {
    SQ_NUMBERS_REFUSED, /* nothing was said, and several things are usual */
    SQ_NUMBERS_UNIX,    /* seconds since 1970 */
    SQ_NUMBERS_UNIX_MS,
    SQ_NUMBERS_JULIAN /* days, as SQLite's julianday() */
};

#define SQ_MAIN "main" /* SQLite's name of the file itself, beside those attached */

/* Another file that is read beside the endpoint's own. */
struct sq_attached {
    char *name, *path;
};

/* Those of one thread at a time do without SQLite's own locks, which every look at a column takes. */
enum sq_use { SQ_USE_READ, SQ_USE_WRITE, SQ_USE_SHARED /* reading, by several threads */ };

/* One connection to the file. Threads: one at a time, or, on the endpoint's own connection while
 * it holds a snapshot, several that take turns by lt_sq_lock(). */
struct sq_conn {
    const struct lt_sqlite *api;
    sqlite3 *db;
    struct leat_endpoint *ep;
    enum sq_use use;
    int64_t busy_since_us;     /* when the present wait for a lock began */
    struct leat_reader *taker; /* whose statement is at work and hands over its rows; else NULL */
};

struct leat_endpoint {
    const struct lt_sqlite *api;
    const struct leat_host *host;
    char *path;
    enum sq_mode mode;
    enum sq_numbers numbers;
    struct sq_attached *attached;
    size_t n_attached;
    int64_t lock_timeout_ms;
    bool no_state;
    struct lt_cancel cancel;
    struct sq_conn *conn; /* catalogue, planning and snapshots; NULL until first used */
    bool snapshot;        /* conn holds a read transaction that readers are to share */
    struct leat_capabilities capabilities;
};

/* --- connections (conn.c) ------------------------------------------------------------------ */

/* True when the database file exists. */
bool lt_sq_exists(const struct leat_endpoint *ep);
/* A connection for one use. Reading never makes the file: [not-found] with the path. */
int lt_sq_connect(struct leat_endpoint *ep, enum sq_use use, struct sq_conn **ret_conn,
                  struct leat_error *err);
void lt_sq_disconnect(struct sq_conn *conn); /* NULL is fine */
/* The endpoint's own connection, opened at its first use. */
int lt_sq_own(struct leat_endpoint *ep, struct sq_conn **ret_conn, struct leat_error *err);

/* Keeps other threads off the connection, so that a message belongs to its call. */
void lt_sq_lock(struct sq_conn *conn);
void lt_sq_unlock(struct sq_conn *conn);

/* The error of the last call on this connection that returned `rc`. */
int lt_sq_fail(struct sq_conn *conn, int rc, struct leat_error *err, const char *fmt, ...)
    LEAT_PRINTF(4, 5);
int lt_sq_prepare(struct sq_conn *conn, const char *sql, sqlite3_stmt **ret_stmt,
                  struct leat_error *err);
int lt_sq_exec(struct sq_conn *conn, const char *sql, struct leat_error *err);
/* First column of the first row of a query with up to two text parameters (NULL: not bound);
 * `fallback` when there is no row or a null. */
int lt_sq_int(struct sq_conn *conn, const char *sql, const char *param1, const char *param2,
              int64_t fallback, int64_t *ret_value, struct leat_error *err);
/* Text bound for good (copied); NULL binds null. */
int lt_sq_bind_text(struct sq_conn *conn, sqlite3_stmt *stmt, int index, const char *text);
void lt_sq_log(const struct leat_endpoint *ep, enum leat_log_level level, const char *fmt, ...)
    LEAT_PRINTF(3, 4);
int lt_sq_step_hook(const struct leat_endpoint *ep, const char *name, struct leat_error *err);

/* Orders of texts that are times or numbers (collate.c), known to every connection. */
#define SQ_COLLATE_TIME "leat_time"
#define SQ_COLLATE_NUMBER "leat_number"
int lt_sq_collations(struct sq_conn *conn, struct leat_error *err);

/* --- tables (catalog.c) -------------------------------------------------------------------- */

struct sq_table {
    char *ns;   /* SQ_MAIN, or an attached file's name */
    char *name; /* as the database spells it */
    bool view;
    bool has_rowid;
    char *rowid_alias;         /* the INTEGER PRIMARY KEY column; NULL: none */
    struct ArrowSchema schema; /* generated columns carry leat.generated */
    bool *untyped;             /* a column each: nothing declared, or nothing known */
};

/* Looks a table or view up, without reading its rows; ns NULL or "" is the file itself.
 * LEAT_NOT_FOUND with the closest name. */
int lt_sq_table(struct sq_conn *conn, const char *ns, const char *name, struct sq_table *ret_table,
                struct leat_error *err);
void lt_sq_table_done(struct sq_table *table);
/* Where *err says that rows were lost or came by themselves, its remedy names the table's triggers,
 * if it has any. Returns `status`. */
int lt_sq_blame_triggers(struct sq_conn *conn, const char *table, int status,
                         struct leat_error *err);
/* Adds its indexes and defaults (sql/extras.h). extras.c */
int lt_sq_describe_extras(struct sq_conn *conn, struct sq_table *table, struct leat_error *err);
/* Types the columns marked in `untyped` by the values they hold: one full scan of `from`, a
 * quoted name or a query in parentheses. A column whose values no one type can hold fails. What
 * was found is appended to `words` (may be NULL): "a int64, b utf8". */
int lt_sq_scan_types(struct sq_conn *conn, const char *from, struct ArrowSchema *schema,
                     const bool *untyped, struct lt_buf *words, struct leat_error *err);
/* The schema of a query: declared types where its columns are plain columns, else by value,
 * except columns that `types` names (NULL: none). */
int lt_sq_query_schema(struct sq_conn *conn, const char *query, const struct ArrowSchema *types,
                       struct ArrowSchema *ret_schema, struct lt_buf *words,
                       struct leat_error *err);
/* Rows of a table: exact when the table is small or `exact`, else an estimate; -1 unknown. */
int lt_sq_rows(struct sq_conn *conn, const struct sq_table *table, int64_t *ret_rows,
               struct leat_error *err);
/* Appends the name quoted. */
int lt_sq_quote(struct lt_buf *out, const char *name);
/* Appends "ns"."name", or "name" alone in the file itself. */
int lt_sq_quote_in(struct lt_buf *out, const char *ns, const char *name);
/* The file's or an attached one's name as it is spelled; NULL when there is none such. */
const char *lt_sq_namespace(const struct leat_endpoint *ep, const char *ns);

extern const struct leat_catalog_ops lt_sq_catalog;

/* --- reading (read.c, decode.c) ------------------------------------------------------------ */

enum sq_decoder {
    SQ_READ_INT64,
    SQ_READ_INTEGER, /* other widths: checked */
    SQ_READ_BOOL,
    SQ_READ_FLOAT64,
    SQ_READ_FLOAT32,
    SQ_READ_FLOAT16,
    SQ_READ_TEXT,
    SQ_READ_JSON,
    SQ_READ_NUMERIC,
    SQ_READ_BINARY,
    SQ_READ_DECIMAL,
    SQ_READ_DATE,
    SQ_READ_TIMESTAMP,
    SQ_READ_UUID,
    SQ_READ_PARSED /* all the rest: by its text */
};

enum sq_decoder lt_sq_decoder_of(const struct lt_type *type);

/* How one column is read. */
struct sq_reading {
    enum sq_decoder decoder;
    enum sq_numbers numbers; /* dates and timestamps */
};

/* Why a value was refused: the code, and a reason without data. */
struct sq_misfit {
    enum lt_code code;
    const char *why;
};

/* Appends a value: of a row, or of a function's argument. *bytes grows by what it holds beyond its
 * fixed width. LEAT_BAD_DATA fills *misfit, and nothing was appended; LEAT_NO_MEMORY. */
int lt_sq_decode_value(const struct lt_sqlite *api, sqlite3_value *value, struct sq_reading reading,
                       struct lt_builder *builder, int64_t *bytes, struct sq_misfit *misfit);

/* Columns and bounds as SQLite can compare them in the order of the columns' types (order.c), by
 * means of a function that every connection knows. LEAT_UNSUPPORTED where a type has no order. */
int lt_sq_functions(struct sq_conn *conn, struct leat_error *err);
/* And the one that readers of whole tables take their rows by (read.c). */
int lt_sq_take_function(struct sq_conn *conn, struct leat_error *err);
int lt_sq_put_comparable(const struct ArrowSchema *schema, const char *column, struct lt_buf *sql,
                         struct leat_error *err);
int lt_sq_put_bound(const struct ArrowSchema *schema, const char *column, const char *bound,
                    struct lt_buf *sql, struct leat_error *err);
/* "1" on fields of sources whose values alone tell the type; wanted_schema() takes it away. */
#define SQ_META_UNTYPED "leat.sqlite_untyped"

/* A reader over a SELECT given whole. `schema` (moved in) has a field for each result column.
 * The connection is closed by finish() when `owns`. */
int lt_sq_reader_new(struct sq_conn *conn, bool owns, const char *sql, struct ArrowSchema *schema,
                     const char *stream, const struct leat_read_plan *plan,
                     struct leat_reader **ret_reader, struct leat_error *err);

/* Schema of what is to be read, and its FROM. */
int lt_sq_resolve_source(struct sq_conn *conn, const struct leat_read_plan *plan,
                         struct ArrowSchema *ret_source, struct lt_buf *from, struct lt_buf *words,
                         struct leat_error *err);
/* WHERE of the predicate and the range of the cursor; nothing where there is neither. */
int lt_sq_put_where(const struct ArrowSchema *schema, const struct leat_read_plan *plan,
                    struct lt_buf *sql, struct leat_error *err);
/* bounds.c: leat_source_ops.bounds */
int lt_sq_bounds(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                 const char *const *columns, size_t n_columns, int64_t wait_ms,
                 struct leat_bounds *ret_bounds, struct leat_error *err);

extern const struct leat_source_ops lt_sq_source;

/* --- writing (load.c, feed.c, plan.c, state.c) --------------------------------------------- */

/* The affinity that SQLite gives a declared type, as a type's name; "" for none. affinity.c */
const char *lt_sq_affinity(const char *declared);
bool lt_sq_has_text_affinity(const char *declared);
bool lt_sq_has_numeric_affinity(const char *declared);
/* True when the text comes back as it is from a column of numeric affinity; a number may come back
 * in another form of the same value. */
bool lt_sq_survives(const char *text, size_t len, bool number);

/* Columns (columns.c). */
#define SQ_KEYS_MAX 32
struct sq_key {
    const char *name; /* lives as long as the write stream */
    int64_t place;
};
struct sq_keys {
    struct sq_key of[SQ_KEYS_MAX + 1]; /* of a history the time comes behind */
    size_t n;
};
bool lt_sq_is_keyed(enum leat_write_mode mode);
/* The merge keys, as they were named or as the schema has them, in order. */
int lt_sq_keys(const struct leat_write_stream *want, struct sq_keys *ret_keys,
               struct leat_error *err);
/* Whether a history takes its times from the first cursor column. */
bool lt_sq_from_cursor(const struct leat_write_stream *want);
/* The columns that a new table gets. */
int lt_sq_new_columns(const struct leat_write_stream *want, const struct ArrowSchema *incoming,
                      struct ArrowSchema *ret_schema, struct leat_error *err);
/* What parts for an existing table are written in. ALTERs are appended to `ddl`, and what is done
 * about differences is put into *ret_drift. */
int lt_sq_match(const struct leat_write_stream *want, const struct sq_table *table,
                const struct ArrowSchema *incoming, struct ArrowSchema *ret_schema,
                struct lt_buf *ddl, char **ret_drift, struct leat_error *err);

int lt_sq_plan(struct leat_endpoint *ep, const struct leat_write_plan *want,
               struct leat_load_plan *ret_plan, struct leat_error *err);
void lt_sq_plan_release(struct leat_load_plan *plan);
/* How one stream would be taken. `conn` NULL: there is no file yet. Asked again inside the load's
 * transaction, for much may happen between plan and begin. */
int lt_sq_plan_stream(struct leat_endpoint *ep, struct sq_conn *conn,
                      const struct leat_write_stream *want, struct leat_load_stream *ret_stream,
                      struct leat_error *err);
/* Is a table that is there to be made anew? */
bool lt_sq_is_recreated(const struct leat_write_stream *want);
void lt_sq_plan_stream_done(struct leat_load_stream *stream);
/* rows.c: leat_sql_ops.run and its kind */
int lt_sq_run(struct leat_endpoint *ep, const char *sql, struct leat_rows **ret_rows,
              int64_t *ret_changed, struct leat_error *err);
size_t lt_sq_rows_columns(struct leat_rows *rows, const char *const **ret_names);
int lt_sq_rows_next(struct leat_rows *rows, const char *const **ret_texts, const size_t **ret_lens,
                    struct leat_error *err);
void lt_sq_rows_close(struct leat_rows *rows);
/* Runs a user's text of one or more statements on a connection of its own. Several are one
 * transaction, unless the text says where those begin and end. rows_fail: several of which one
 * gives rows are refused; else rows are left unread. A transaction left open is an error. script.c */
int lt_sq_script(struct sq_conn *conn, const char *sql, bool rows_fail, struct leat_error *err);
int lt_sq_several(struct leat_error *err); /* says that they are refused */

/* leat_connector.ddl */
int lt_sq_ddl(const struct leat_write_stream *want, int64_t column, char **ret_text,
              struct leat_error *err);
/* Warns of what a new table will not have that the source's has. extras.c */
int lt_sq_tell_left_out(const struct leat_endpoint *ep, const struct leat_write_stream *want,
                        struct leat_error *err);
/* The statement that makes the stream's table anew. */
int lt_sq_create_sql(const struct leat_write_stream *want, struct lt_buf *sql,
                     struct leat_error *err);

int lt_sq_state_make(struct sq_conn *conn, struct leat_error *err);
/* True when the record of the last load of this stream names this source. */
int lt_sq_state_ours(struct sq_conn *conn, const char *stream, const char *source_id,
                     bool *ret_ours, struct leat_error *err);
int lt_sq_state_committed(struct sq_conn *conn, const char *load_id, bool *ret_committed,
                          struct leat_error *err);
/* A stream's state, key by key. */
int lt_sq_state(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                leat_state_fn *each, void *arg, struct leat_error *err);
int lt_sq_state_set(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                    const char *key, const char *value, struct leat_error *err);
/* The state of a stream whose table is still the one it was saved for, as JSON; "" where there is
 * none. malloc'ed. */
int lt_sq_state_read(struct sq_conn *conn, const char *stream, char **ret_json,
                     struct leat_error *err);
/* What is recorded of one stream of a load. */
struct sq_saved {
    int64_t rows;
    const char *state; /* before the load */
};
int lt_sq_state_save(struct sq_conn *conn, const struct leat_write_plan *want,
                     const struct sq_saved *saved, const struct leat_commit *what,
                     struct leat_error *err);

extern const struct leat_load_ops lt_sq_load;

#endif
