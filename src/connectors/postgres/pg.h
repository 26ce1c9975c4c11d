/* Shared by the files of this connector: endpoint, connections, catalog.
 *
 * An endpoint keeps a pool of connections. Whoever needs one (a catalog look-up, a reader, a load,
 * a part) takes it and gives it back; a connection is used by one thread between the two. */
#ifndef LT_PG_H
#define LT_PG_H

#include "columnar/schema.h"
#include "connectors/postgres/pg_codec.h"
#include "core/buf.h"
#include "core/codes.h"
#include "core/util.h"
#include "db/pq.h"
#include "db/pq_params.h"
#include "leat/connector.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PG_IDLE_MAX 8
#define PG_NAME_MAX 64
#define PG_STATEMENTS_MAX 48
#define PG_FIRST_OWN_OID 16384 /* what initdb made has lower numbers */
#define PG_STATE_TABLE "_leat_state"
#define PG_LOAD_TABLE "_leat_load"

struct pg_statements;
struct pg_type_cache;
struct pg_expected;
struct pg_conn {
    struct leat_endpoint *ep;
    PGconn *pg;
    bool broken;                      /* in no known state: closed when given back */
    bool wide;                        /* libpq's buffer for what comes in was widened */
    bool copying_in;                  /* COPY FROM is under way */
    bool committing;                  /* COMMIT was sent: a cancel waits a moment for its reply */
    struct pg_statements *statements; /* prepared here; NULL: none */
    int64_t grace_until_us; /* not 0: clean-up; runs on after a cancel, but not past this */
};

/* A transaction id this endpoint began to commit without leaving a record (no_state). */
struct pg_xact {
    char load_id[40];
    char xid[24];
};
/* Whether pg_attribute `a` is a serial column: its default is a sequence of its own, so that it is
 * taken for an identity by default. */
#define PG_IS_SERIAL                                                                               \
    "(a.atthasdef AND a.attnotnull AND a.atttypid IN (20, 21, 23) AND EXISTS (SELECT 1 FROM "      \
    "pg_catalog.pg_attrdef pf JOIN pg_catalog.pg_depend u ON u.classid = "                         \
    "'pg_catalog.pg_attrdef'::pg_catalog.regclass AND u.objid = pf.oid AND u.refclassid = "        \
    "'pg_catalog.pg_class'::pg_catalog.regclass JOIN pg_catalog.pg_depend o ON o.classid = "       \
    "u.refclassid AND o.objid = u.refobjid AND o.refclassid = o.classid AND o.refobjid = "         \
    "a.attrelid AND o.refobjsubid = a.attnum AND o.deptype = 'a' WHERE pf.adrelid = a.attrelid "   \
    "AND pf.adnum = a.attnum))"

#define PG_XACTS_MAX 64
#define PG_READY_MAX 8

struct leat_endpoint {
    const struct lt_pq *pq;
    const struct leat_host *host;
    struct lt_pq_params params;
    char *state_namespace; /* NULL: with the data */
    bool no_state;
    int64_t connect_timeout_ms, lock_timeout_ms;
    int version;            /* 150018 */
    atomic_int pooler;      /* one stands before the server; -1: not known yet */
    bool check_utf8;        /* the server does not vouch for its text */
    atomic_int money_scale; /* fraction digits of money; -1: not asked yet */
    char version_text[64], user[PG_NAME_MAX * 2], default_ns[PG_NAME_MAX * 2];
    struct leat_capabilities capabilities;
    char hash_format[64]; /* "": none */
    atomic_int cancelled;
    pthread_mutex_t lock; /* guards idle and n_idle */
    struct pg_conn *idle[PG_IDLE_MAX];
    int n_idle;
    struct pg_conn *snapshot_holder; /* owns the exported snapshot; NULL: joined or none */
    char snapshot[128];              /* "" none */
    struct pg_type_cache *types;     /* of columns that were made; NULL: none yet */
    struct pg_expected *expected;    /* tables that are read soon; NULL: none */
    char ready[PG_READY_MAX][PG_NAME_MAX * 2]; /* namespaces whose records of loads are there */
    unsigned n_ready;                          /* ever; the ring keeps the last ones */
    struct pg_xact xacts[PG_XACTS_MAX];
    unsigned n_xacts; /* ever; the ring keeps the last PG_XACTS_MAX */
};

/* --- pg_conn.c ----------------------------------------------------------------------------- */

int pg_endpoint_configure(struct leat_endpoint *ep, const struct leat_config *config,
                          struct leat_error *err);
int pg_connect(struct leat_endpoint *ep, struct pg_conn **ret_conn, struct leat_error *err);
void pg_disconnect(struct pg_conn *conn); /* NULL is fine */
/* From the pool, or a new one. */
int pg_take(struct leat_endpoint *ep, struct pg_conn **ret_conn, struct leat_error *err);
/* The same to look things up: behind a pooler in a transaction that keeps to one session, with the
 * settings of ours. It ends when the connection is given back. */
int pg_take_held(struct leat_endpoint *ep, struct pg_conn **ret_conn, struct leat_error *err);
/* The same for work that must be done although the run was cancelled: within `grace_ms`. */
int pg_take_grace(struct leat_endpoint *ep, int64_t grace_ms, struct pg_conn **ret_conn,
                  struct leat_error *err);
/* Back to the pool, any open transaction rolled back; closed when it is broken. NULL is fine. */
void pg_give(struct pg_conn *conn);
/* Lets statements go on after a cancel, for at most `ms` from now; 0 ends that. */
void pg_grace(struct pg_conn *conn, int64_t ms);
bool pg_is_cancelled(const struct leat_endpoint *ep);

/* Behind a pooler statements may meet different sessions, unless a transaction holds one. */
static inline bool pg_pooled(const struct leat_endpoint *ep)
{
    return atomic_load_explicit(&ep->pooler, memory_order_relaxed) > 0;
}

/* Appends the settings that every session, or with `local` every transaction, has; each followed by
 * a semicolon. */
int pg_settings(const struct pg_conn *conn, bool local, struct lt_buf *sql);

/* Waits for the socket: LEAT_OK when something may be done, LEAT_CANCELLED. */
int pg_wait(struct pg_conn *conn, short events, struct leat_error *err);
/* Sends what libpq holds back. */
int pg_flush(struct pg_conn *conn, struct leat_error *err);
/* Starts statements separated by ';' without waiting for their results. */
int pg_send(struct pg_conn *conn, const char *sql, struct leat_error *err);
/* The next result, NULL after the last; failures of the connection only. */
int pg_result(struct pg_conn *conn, PGresult **ret_result, struct leat_error *err);
/* Reads results to the end, keeps the first failure; with ret_last the last result. */
int pg_finish_results(struct pg_conn *conn, PGresult **ret_last, struct leat_error *err);
/* The same after a COPY's data: the rows the server says it were, -1 when it does not. */
int pg_finish_copy(struct pg_conn *conn, int64_t *ret_rows, struct leat_error *err);
/* Runs statements; their rows are dropped. */
int pg_exec(struct pg_conn *conn, const char *sql, struct leat_error *err);
int pg_execf(struct pg_conn *conn, struct leat_error *err, const char *fmt, ...) LEAT_PRINTF(3, 4);
/* LEAT_CANCELLED, or that the connection is broken. */
int pg_before_sending(struct pg_conn *conn, struct leat_error *err);
void pg_statements_free(struct pg_statements *statements); /* NULL is fine */
/* One statement with text parameters; the caller clears the result. One that comes again on this
 * connection is kept prepared. */
int pg_query(struct pg_conn *conn, const char *sql, int n_params, const char *const *params,
             PGresult **ret_result, struct leat_error *err);
/* The same for a single value, copied; "" for NULL or no row. */
int pg_value(struct pg_conn *conn, const char *sql, int n_params, const char *const *params,
             char *text, size_t size, struct leat_error *err);
/* How many rows `table` (quoted) has; `where` is "" or a condition on "q". */
int pg_count_rows(struct pg_conn *conn, const char *table, const char *where, int64_t *ret_rows,
                  struct leat_error *err);
/* Stops a statement or COPY under way and brings the connection back to rest, or breaks it. */
void pg_interrupt(struct pg_conn *conn);
int pg_fail_result(struct pg_conn *conn, const PGresult *result, struct leat_error *err);
int pg_fail_conn(struct pg_conn *conn, struct leat_error *err);

/* Returns `status`. Where it is of a lock that could not be had in time, *err comes to say so, and
 * to name the session that holds the table (NULL: not known) if the server can be asked. */
int pg_explain_lock(struct pg_conn *conn, const struct leat_stream_name *name, bool reading,
                    int status, struct leat_error *err);

static inline void pg_clear(const struct pg_conn *conn, PGresult *result)
{
    if (result) {
        conn->ep->pq->PQclear(result);
    }
}

static inline const char *pg_cell(const struct pg_conn *conn, const PGresult *result, int row,
                                  int column)
{
    return conn->ep->pq->PQgetvalue(result, row, column);
}

static inline bool pg_cell_null(const struct pg_conn *conn, const PGresult *result, int row,
                                int column)
{
    return conn->ep->pq->PQgetisnull(result, row, column);
}

static inline bool pg_cell_true(const struct pg_conn *conn, const PGresult *result, int row,
                                int column)
{
    return pg_cell(conn, result, row, column)[0] == 't';
}

static inline uint32_t pg_cell_oid(const struct pg_conn *conn, const PGresult *result, int row,
                                   int column)
{
    return (uint32_t)strtoul(pg_cell(conn, result, row, column), NULL, 10);
}

static inline int pg_rows(const struct pg_conn *conn, const PGresult *result)
{
    return conn->ep->pq->PQntuples(result);
}

/* One member of result list builders: identifier and literal in SQL text. */
int pg_ident(struct lt_buf *sql, const char *identifier);
int pg_literal(struct lt_buf *sql, const char *text);
/* One more element of an array's text, which begins with '{'. */
int pg_array_element(struct lt_buf *array, const char *text);
/* Asks the host's step hook, if there is one. */
int pg_step(const struct leat_endpoint *ep, const char *name, struct leat_error *err);
void pg_log(const struct leat_endpoint *ep, enum leat_log_level level, const char *fmt, ...)
    LEAT_PRINTF(3, 4);

/* --- pg_catalog.c, pg_types.c -------------------------------------------------------------- */

struct pg_column {
    enum pg_wire wire; /* PG_WIRE_TEXT_CAST: goes by its text */
    uint32_t type_oid; /* base type of a domain */
    int32_t modifier;  /* of it; -1: none */
    char *type_text;   /* format_type() of it; of a column to be made, as it stands in the DDL */
    bool list;
    uint32_t element_oid;  /* list: what the array says on the wire */
    uint32_t value_oid;    /* the type itself, or a list's elements' */
    uint32_t declared_oid; /* its type as it is declared: a domain itself, not what lies under it */
    bool known;            /* its type is in the tables of sql/postgres.c */
    bool generated;        /* computed by the server: cannot be written */
};

/* A relation or the result of a query, described. */
struct pg_table {
    struct ArrowSchema schema;
    struct pg_column *columns;
    int64_t n_columns;
    uint32_t oid; /* 0: a query */
    char kind;    /* pg_class.relkind */
    int64_t rows_estimate, bytes_estimate, pages;
    char ns[PG_NAME_MAX * 2], name[PG_NAME_MAX * 2];
    char *comment;
    bool row_security; /* policies hide rows from this login */
    bool may_refer;    /* may have foreign keys */
    bool readable;     /* the login may SELECT all of it */
    bool alone;        /* no other table inherits from it */
};

/* ret_table->oid 0: there is none. ns NULL or "": the default namespace. */
int pg_find(struct pg_conn *conn, const struct leat_stream_name *name, struct pg_table *ret_table,
            struct leat_error *err);
/* The same; LEAT_NOT_FOUND with the closest name. */
int pg_describe(struct pg_conn *conn, const struct leat_stream_name *name,
                struct pg_table *ret_table, struct leat_error *err);
int pg_describe_query(struct pg_conn *conn, const char *query, struct pg_table *ret_table,
                      struct leat_error *err);
/* Adds its indexes, checks and defaults (sql/extras.h). pg_extras.c */
int pg_describe_extras(struct pg_conn *conn, struct pg_table *table, struct leat_error *err);
/* Adds what the types are that users made, to the columns that have such. pg_type_defs.c */
int pg_describe_own_types(struct pg_conn *conn, struct pg_table *table, struct leat_error *err);
/* Asks for what there is to say about tables but their columns; both are arrays' texts. Those that
 * are not there are left out, and the rest come in any order. */
int pg_query_facts(struct pg_conn *conn, const char *namespaces, const char *names,
                   PGresult **ret_result, struct leat_error *err);
struct pg_fact {
    uint32_t oid;
    int n_columns;         /* with those that were dropped */
    const char *ns, *name; /* of the answer */
};
struct pg_fact pg_fact(struct pg_conn *conn, const PGresult *facts, int row);
/* One of them, with its columns. */
int pg_table_of_facts(struct pg_conn *conn, const PGresult *facts, int row, const PGresult *columns,
                      struct pg_table *ret_table, struct leat_error *err);
/* Asks for the columns of the tables in `oids` ("{16385,16390}"), and fills those of table->oid from
 * the answer. */
int pg_query_columns(struct pg_conn *conn, const char *oids, PGresult **ret_result,
                     struct leat_error *err);
int pg_add_columns(struct pg_conn *conn, const PGresult *result, struct pg_table *table,
                   struct leat_error *err);
/* From now on the column is the server's own text of it; its field becomes a copy of `text` with
 * the column's name, key and comment. */
int pg_column_as_text(struct pg_table *table, int64_t i, const struct ArrowSchema *text,
                      struct leat_error *err);
/* Keeps the named columns, in that order. [unknown-column] with the closest. */
int pg_table_project(struct pg_table *table, const char *const *columns, size_t n,
                     struct leat_error *err);
/* All of it but the comment. On failure *to is for pg_table_done(). */
int pg_table_copy(const struct pg_table *from, struct pg_table *to, struct leat_error *err);
void pg_table_done(struct pg_table *table);

extern const struct leat_catalog_ops pg_catalog_ops;
extern const struct leat_source_ops pg_source_ops;
extern const struct leat_load_ops pg_load_ops;
extern const struct leat_sql_ops pg_sql_ops;

/* --- pg_select.c --------------------------------------------------------------------------- */

/* Blocks [first, end) of the heap; end -1: to its end. Valid within one snapshot. */
struct pg_block_range {
    int64_t first, end;
};

/* True for text that is neither json nor numeric: a cast to text would change nothing. */
bool pg_is_text(const struct ArrowSchema *field);
/* Columns that are wanted as text, and are not, are brought as the server's own text: for some of
 * their values there is no other way. */
int pg_take_types(struct pg_table *table, const struct ArrowSchema *types, struct leat_error *err);
/* The COPY of a plan, and its shape in words. `all` is what is read, `read` the columns wanted of
 * it; bytes: as the wire has them, nothing cast. */
int pg_build_copy(const struct leat_read_plan *plan, const struct pg_table *all,
                  const struct pg_table *read, bool bytes, char **ret_sql, char **ret_shape,
                  struct leat_error *err);
/* Appends the columns for a SELECT or COPY list; those without a decoder cast to text when asked.
 * `prefix` ("q.") may be "". */
int pg_select_list(const struct pg_table *table, const char *prefix, bool cast, struct lt_buf *sql);

/* FROM of a plan, its table or query called q. */
int pg_put_from(const struct leat_read_plan *plan, const struct pg_table *table,
                struct lt_buf *sql);
/* Its WHERE: predicate, partition, range of the cursor; nothing where it has none of these, unless
 * `always`, which makes it WHERE true. */
int pg_put_where(const struct leat_read_plan *plan, const struct pg_table *table, bool always,
                 struct lt_buf *sql, struct leat_error *err);

/* --- pg_cursor.c --------------------------------------------------------------------------- */

/* A column that ranges are read by. */
struct pg_cursor_column {
    const char *name;    /* borrowed */
    struct lt_type type; /* borrows from the table */
    const char *cast;    /* what its values are compared as: "int8" */
    bool nullable, text;
};

/* [unsupported] for one without an order. */
int pg_cursor_column(const struct pg_table *table, const char *name,
                     struct pg_cursor_column *ret_column, struct leat_error *err);
/* The column of q as it is compared: text by its bytes. */
int pg_put_comparable(const struct pg_cursor_column *column, struct lt_buf *sql);
/* " AND q.a IS NOT NULL", " OR q.a IS NULL" of every column that may be null. */
int pg_put_not_null(const struct pg_cursor_column *columns, size_t n, struct lt_buf *sql);
int pg_put_null(const struct pg_cursor_column *columns, size_t n, struct lt_buf *sql);
/* One side of a range: "(q.a, q.b) >= (x, y)". */
int pg_put_side(const struct pg_cursor_column *columns, size_t n, const char *const *bounds,
                const char *comparison, struct lt_buf *sql);
/* The condition of a range, in parentheses. */
int pg_put_range(const struct leat_cursor_range *range, const struct pg_table *table,
                 struct lt_buf *sql, struct leat_error *err);

/* --- pg_hash.c ----------------------------------------------------------------------------- */

/* Asks for the default namespace, and what the server's hash functions make of a sample of values;
 * null where it has none that serve. */
const char *pg_probe_sql(int version);
/* leat_source_ops.key_split and .hash_ranges */
int pg_key_split(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                 int64_t rows_per_range, leat_key_fn *each, void *arg, struct leat_error *err);
int pg_hash_ranges(struct leat_endpoint *ep, const struct leat_read_plan *plan,
                   const char *const *const *cuts, size_t n_cuts, leat_hash_fn *each, void *arg,
                   struct leat_error *err);

/* --- pg_bounds.c --------------------------------------------------------------------------- */

/* leat_source_ops.bounds */
int pg_bounds(struct leat_endpoint *ep, const struct leat_read_plan *plan,
              const char *const *columns, size_t n_columns, int64_t wait_ms,
              struct leat_bounds *ret_bounds, struct leat_error *err);

/* --- pg_block.c ---------------------------------------------------------------------------- */

/* Blocks of wire bytes that go round between a reader and whoever writes them. Small enough to
 * stay in a core's own cache with libpq's buffers of both sides: of four times the size, copying
 * alone took twice as long. */
#define PG_BLOCK_BYTES ((size_t)64 << 10)
#define PG_BLOCKS_SPARE 4

struct pg_blocks;
struct pg_block {
    struct lt_buf bytes;
    struct pg_blocks *blocks;
    struct pg_block *next;
};

int pg_blocks_new(struct pg_blocks **ret_blocks, struct leat_error *err);
/* An empty one. From one thread at a time. */
int pg_blocks_take(struct pg_blocks *blocks, struct pg_block **ret_block, struct leat_error *err);
/* Gives a struct pg_block back, from any thread; NULL is fine. */
void pg_block_release(void *block);
/* Gives the pool up: it goes with the last block that is still out. NULL is fine. */
void pg_blocks_put(struct pg_blocks *blocks);

/* --- pg_read.c ----------------------------------------------------------------------------- */

/* Reads `sql`, a query giving exactly the table's columns, on a connection that stays the
 * caller's (the load's own transaction). Takes the table over. */
int pg_reader_borrow(struct pg_conn *conn, struct pg_table *table, const char *sql,
                     struct leat_reader **ret_reader, struct leat_error *err);

/* pg_new_table.c: leat_connector.ddl */
int pg_ddl(const struct leat_write_stream *want, int64_t column, char **ret_text,
           struct leat_error *err);

/* pg_rows.c: leat_sql_ops.run and its kind */
int pg_run(struct leat_endpoint *ep, const char *sql, struct leat_rows **ret_rows,
           int64_t *ret_changed, struct leat_error *err);
size_t pg_rows_columns(struct leat_rows *rows, const char *const **ret_names);
int pg_rows_next(struct leat_rows *rows, const char *const **ret_texts, const size_t **ret_lens,
                 struct leat_error *err);
void pg_rows_close(struct leat_rows *rows);
/* After a user's statements: they left no transaction open. */
int pg_check_closed(struct pg_conn *conn, struct leat_error *err);

#endif
