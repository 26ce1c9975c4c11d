/* What the files of the load share: the plan, the load, the part.
 *
 * Two protocols. Direct: one connection and one transaction hold everything, nothing is ever
 * staged. Staged: parts fill logged staging tables in transactions of their own, registered in
 * _leat_load, and one last transaction moves them in.
 *
 * Locks, all advisory and of the session: a load's own key, held shared by every process that
 * takes part in it, so that whoever gets it alone knows the load to be dead; and one key a table,
 * held by the process that began the load. */
#ifndef LT_PG_LOAD_H
#define LT_PG_LOAD_H

#include "connectors/postgres/pg.h"
#include "connectors/postgres/pg_own_types.h"
#include "sql/extras.h"
#include "sql/merge.h"

#define PG_LOAD_ID_MAX 40
#define PG_CLEANUP_MS 5000
#define PG_ROWS_KEY_AFTER 10000 /* with fewer, a key that is there from the start costs less */
#define PG_ROWS_WORTH_SETTINGS 100000
#define PG_ROWS_APART 100000 /* with fewer, indexes built side by side gain nothing */

enum pg_route {
    PG_ROUTE_CREATE,
    PG_ROUTE_RECREATE,
    PG_ROUTE_DELETE,
    PG_ROUTE_TRUNCATE,
    PG_ROUTE_APPEND,
    PG_ROUTE_MIRROR, /* others' foreign keys point here: upsert, then delete what is gone */
    PG_ROUTE_MERGE   /* copied aside, then what the mode says, by key */
};

/* What the modes with keys need beside the columns; the rest is asked of the server when merging,
 * under the table's lock. */
struct pg_merge {
    char **keys, **cursor; /* each ends with a NULL */
    size_t n_keys, n_cursor;
    const char *
        *key_order;     /* as in sql/merge.h, of the table that is merged into; NULL: not asked */
    char *op, *deleted; /* NULL: none */
    bool from_cursor;
    bool mirror;     /* not a mode: a mirrored table is brought to what copy_to holds */
    bool unreferred; /* no row of other tables refers to any here, whatever keys there are */
};

/* One stream of a load at the destination. */
struct pg_target {
    char *ns, *name;
    char *quoted; /* "ns"."name" */
    char *source_id;
    enum leat_write_mode mode;
    uint32_t flags;
    enum pg_route route;
    uint32_t oid;          /* of the table that is there; 0: none */
    struct pg_table table; /* the columns that are written, in the order they come */
    char **keys;           /* primary key: there, or to be made */
    size_t n_keys;
    char *create;  /* CREATE TABLE of the final table; NULL: it is there */
    char *copy_to; /* quoted: where COPY writes */
    char *staging; /* name of the staging table; NULL in a direct load */
    bool ours, bytes;
    bool refers; /* foreign keys of it point to other tables of this load */
    bool aside;  /* its rows come into a table of the session first, and in at the commit */
    bool proven; /* what is staged was read back, so the table must come to hold just that */
    int64_t rows_before;
    int64_t rows;           /* sealed so far (direct) or counted at commit (staged) */
    int64_t deleted;        /* by emptying it; -1 not known */
    struct pg_merge *merge; /* NULL: the mode knows no keys */
    bool fresh;     /* a table is made: the key comes after the rows, when no key has several */
    bool key_after; /* a table is made: its key, which no mode asks for, comes after the rows */
    struct lt_indexes indexes; /* of a table that is made: they come after the rows */
    struct pg_own_types types; /* of users' own that its columns have */
    enum leat_schema_policy policy;
    char *drift;                   /* what of its columns differs, in words; NULL: nothing */
    char *alter;                   /* statements that bring the table to what comes; NULL: none */
    struct lt_merge_plan *merging; /* once its records were found out */
    struct leat_row_counts counts; /* of it, or of a fresh table */
    int64_t goes;                  /* rows that it deletes for good, or buries */
};

/* Is what is copied a table of its own, and not brought into one that is there? */
static inline bool pg_becomes_table(const struct pg_target *target)
{
    return target->route == PG_ROUTE_CREATE || target->route == PG_ROUTE_RECREATE;
}

struct pg_plan {
    int holders;
    char load_id[PG_LOAD_ID_MAX];
    char state_ns[PG_NAME_MAX * 2]; /* where this load is recorded */
    bool staged;
    char *resume; /* sealed parts outlive the process: the text loads are told apart by; or NULL */
    char *open_loads; /* with resume: ids of those that it may find, with commas between; or NULL */
    struct pg_target *targets;
    size_t n_targets;
};

/* What was found of an earlier load that may be taken over. */
struct pg_found {
    bool taken;
    char *resume;
    const char *changed;
};

struct leat_load {
    struct leat_endpoint *ep;
    struct pg_conn *conn;
    struct pg_plan *plan;
    int epoch; /* staged: how often the load was taken over; parts and commit must find the same */
    struct pg_found found;
    bool attached;
    bool committed;
    bool apart;    /* direct: handed over to records, as a staged one is (pg_apart.c) */
    int threads;   /* that its parts were told they may keep busy */
    bool moved_in; /* what commit() does to the tables was done, for they were read back */
    struct leat_part *open_part;   /* direct: the only one */
    struct leat_receipt *receipts; /* of the sealed parts: direct; staged: of those found */
    size_t n_receipts;
    struct lt_buf own_xids; /* direct: 'xid','xid' of the savepoints that appended rows */
};

struct leat_part {
    struct leat_load *load;
    struct pg_target *target;
    struct pg_conn *conn; /* staged: its own */
    struct leat_part_id id;
    enum leat_payload_kind kind;
    struct leat_reject_sink rejects;
    struct leat_loss_sink losses;
    bool has_rejects, has_losses;
    bool has_money;
    struct pg_encoder encoder;
    struct lt_buf out;
    int64_t rows, rejected, bytes, seen;
    const char *before, *after; /* statements that go with the COPY; NULL: none */
    bool copying, sealed;
    bool found; /* sealed by an earlier attempt */
    struct leat_receipt earlier;
};

/* --- pg_plan.c */
int pg_plan_make(struct leat_endpoint *ep, const struct leat_write_plan *want,
                 struct leat_load_plan *ret_plan, struct leat_error *err);
void pg_plan_release(struct leat_load_plan *plan);
void pg_plan_put(struct pg_plan *plan); /* gives up a holder; NULL is fine */
void pg_target_done(struct pg_target *target);
/* [destination-holds-rows] unless the table's rows may be replaced. */
int pg_refuse_foreign_rows(const struct pg_target *target, struct leat_error *err);
/* Where *err says that rows were lost or came by themselves, its remedy names the table's triggers
 * and rules, if it has any. Returns `status`. */
int pg_blame_triggers(struct pg_conn *conn, const struct pg_target *target, int status,
                      struct leat_error *err);

/* --- pg_related.c: tables that are replaced together */
/* Deleting a row there must not reach rows of other tables: [destination-holds-rows] names the
 * foreign keys by which it would. */
int pg_refuse_cascades(struct pg_conn *conn, const struct pg_target *target,
                       struct leat_error *err);
/* The same of a merge that is found, where rows do refer to those that it deletes; whoever comes to
 * refer to them waits for the end of the transaction. */
int pg_refuse_reached(struct pg_conn *conn, const struct pg_target *target,
                      const struct lt_merge *merge, struct leat_error *err);
/* Of a mirrored target: keys that would cascade are refused where they are those of a table that
 * this load does not replace as well. */
int pg_plan_cascades(struct pg_conn *conn, const struct pg_plan *plan,
                     const struct pg_target *target, struct leat_error *err);
/* Before what is gone is deleted from a mirrored target: a row that came and refers to such a row
 * would go or change with it. [destination-holds-rows] names its table. */
int pg_refuse_orphans(struct pg_conn *conn, const struct pg_target *target, struct leat_error *err);

/* Appends " AND" no row of any table refers to the row "old" of this one. *ret_known: all rows that
 * might can be seen. */
int pg_put_unreferred(struct pg_conn *conn, const struct pg_target *target, struct lt_buf *sql,
                      bool *ret_known, struct leat_error *err);
/* Is there no row that refers to any here? False where not all can be seen. */
int pg_ask_unreferred(struct pg_conn *conn, const struct pg_target *target, bool *ret_none,
                      struct leat_error *err);

/* --- pg_extras.c */
/* Of a table that is to be made: takes what it is to have beside columns and key from `incoming`,
 * less what this server cannot, which is said in warnings. */
int pg_extras_plan(struct pg_conn *conn, struct pg_target *target, struct ArrowSchema *incoming,
                   struct leat_error *err);
/* Makes it: the key first, then unique indexes. In the transaction of the load. */
int pg_extras_make(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* The same of checks alone, which are made while the table is still the load's own. */
int pg_extras_checks(struct pg_conn *conn, const struct pg_target *target, struct leat_error *err);
/* A name for the index that nobody has in its namespace, and that is not among `taken`; to be freed. */
int pg_extras_name(struct pg_conn *conn, const struct pg_target *target,
                   const struct lt_index *index, char *const *taken, size_t n_taken,
                   char **ret_name, struct leat_error *err);
/* Appends the settings of a transaction that builds one of `builds` indexes at a time, each
 * followed by a semicolon. */
int pg_extras_settings(const struct pg_conn *conn, int64_t rows, int builds, struct lt_buf *sql);
/* Appends CREATE INDEX on `table`, or of a check ADD CONSTRAINT. */
int pg_extras_put(const struct lt_index *index, const char *table, const char *name,
                  struct lt_buf *sql);
/* Appends the statement that makes a constraint of the index, on the target's own table. */
int pg_extras_put_constraint(const struct pg_target *target, const struct lt_index *index,
                             const char *name, struct lt_buf *sql);
/* Returns the status of a failure to make it, which *err comes to name; [duplicate-key] where rows
 * are alike. */
int pg_extras_blame(const struct pg_target *target, const struct lt_index *index, const char *name,
                    int status, struct leat_error *err);
/* Appends it to the statements a plan shows, each after "; ". */
int pg_extras_show(const struct pg_target *target, struct lt_buf *sql);

/* --- pg_new_table.c */
/* Fills target->table and target->create from what comes. [unsupported-type] names a type of the
 * source's that this server does not have. */
int pg_plan_new_table(struct pg_conn *conn, struct pg_target *target,
                      const struct ArrowSchema *incoming, struct leat_error *err);

/* --- pg_type_cache.c: for one thread at a time, as plan() is */
struct pg_known_type {
    char *text; /* as it stands in the DDL */
    struct pg_column column;
    struct ArrowSchema field;
};

void pg_type_cache_free(struct pg_type_cache *cache); /* NULL is fine */
/* NULL: not kept. */
const struct pg_known_type *pg_type_cached(const struct leat_endpoint *ep, const char *text);
/* Keeps what a column of this type is like, where it is a type of the server's own. */
int pg_type_keep(struct leat_endpoint *ep, const char *text, const struct pg_column *column,
                 const struct ArrowSchema *field, struct leat_error *err);
/* A table with columns of these names and types, if all types are kept. */
int pg_type_table(const struct leat_endpoint *ep, const struct ArrowSchema *names,
                  char *const *types, struct pg_table *ret_table, bool *ret_all,
                  struct leat_error *err);

/* --- pg_part.c: COPY into one table */
int pg_part_new(struct leat_load *load, const struct leat_part_plan *plan, struct pg_conn *conn,
                struct leat_part **ret_part, struct leat_error *err);
int pg_part_begin_copy(struct leat_part *part, const char *copy_to, struct leat_error *err);
int pg_part_write(struct leat_part *part, struct leat_payload *payload, struct leat_error *err);
/* Ends the COPY and compares the server's count. */
int pg_part_end_copy(struct leat_part *part, struct leat_error *err);
void pg_part_receipt(const struct leat_part *part, struct leat_receipt *ret_receipt);
void pg_part_free(struct leat_part *part);

/* --- pg_finish.c: what the last transaction of either protocol does to a table */
/* Appends "; COMMENT ON ..." for the table and its columns. LEAT_OK or LEAT_NO_MEMORY. */
int pg_put_comments(const struct ArrowSchema *schema, const char *quoted, struct lt_buf *sql);
int pg_target_comments(struct pg_conn *conn, const struct pg_target *target, const char *quoted,
                       struct leat_error *err);
/* Locks the table, and asks again what the plan asked: is it the same one, and may its rows go? */
int pg_target_plan_again(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* That, then empties or makes the table, as its route says; notes how many rows went. */
int pg_target_prepare(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* The same for a load's first table: begins the transaction too. */
int pg_target_begin(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* Rows of copy_to into the table: inserted, or as pg_mirror_fill() does where it is mirrored. */
int pg_target_fill(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* Where what was staged was read back: [verify-mismatch] unless the table, of which nobody else had a
 * row, has the same rows. */
int pg_target_compare(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
int pg_target_sequences(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* Reads the load's rows of a stream on the load's own connection; `described` is the table whose
 * columns they have. */
int pg_target_read(struct pg_conn *conn, const struct pg_target *target, const char *described,
                   const char *from, const char *where, struct leat_reader **ret_reader,
                   struct leat_error *err);
int pg_check_guards(const struct pg_plan *plan, const struct leat_commit *what,
                    struct leat_error *err);

/* --- pg_mirror.c: tables that are replaced while foreign keys of others point there */
/* Deletes the rows that copy_to lacks and no row refers to, children first, so that what they hold in
 * unique columns can go to rows that come. Of other routes nothing. */
int pg_mirror_clear(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* Updates the rows that differ and inserts those that are new. [count-mismatch] where the table did
 * not take them, [duplicate-key] where copy_to has a key several times. */
int pg_mirror_fill(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* Appends the condition on rows "old" of the table that copy_to lacks. */
int pg_put_gone(const struct pg_target *target, struct lt_buf *sql);
/* Deletes them, after which the table must have as many rows as came: [count-mismatch].
 * [destination-holds-rows] where a row that came refers to one of them, and a key would pass the
 * deletion on. Of other routes nothing. */
int pg_target_delete_gone(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);

/* --- pg_order.c */
typedef int pg_target_fn(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* Indexes of the targets, those first that others refer to; sets `refers`. */
int pg_order_targets(struct pg_conn *conn, struct pg_plan *plan, size_t **ret_order,
                     struct leat_error *err);
/* Calls `fn` for all targets in that order, or the other way round, until one fails. */
int pg_each_target(struct pg_conn *conn, struct pg_plan *plan, const size_t *order, bool backwards,
                   pg_target_fn *fn, struct leat_error *err);

/* --- pg_state.c */
const char *pg_state_ns(const struct leat_endpoint *ep, const char *ns);
int pg_state_table(struct lt_buf *out, const char *ns, const char *table);
/* Runs one statement about _leat_load; its name goes between the two halves. */
int pg_on_records(struct pg_conn *conn, const char *ns, const char *before, const char *after,
                  int n_params, const char *const *params, PGresult **ret_result,
                  struct leat_error *err);
/* Makes the two tables unless they are there; asked once for all loads of an endpoint. */
int pg_state_ensure(struct pg_conn *conn, const char *ns, struct leat_error *err);
/* They have gone since: they are to be looked for again. */
void pg_state_forget(struct leat_endpoint *ep);
/* Is there a record of loads in this namespace? */
int pg_state_there(struct pg_conn *conn, const char *ns, bool *ret_there, struct leat_error *err);
/* Is the last load of this table ours, from this source? */
int pg_state_ours(struct pg_conn *conn, const struct pg_target *target, bool *ret_ours,
                  struct leat_error *err);
/* State rows of all streams, in the transaction under way. `record`: that the load is committed as
 * well. */
int pg_state_write(struct pg_conn *conn, const struct pg_plan *plan, const struct leat_commit *what,
                   bool record, struct leat_error *err);
/* --- pg_state_ops.c */
/* State rows that must be what they were: else [conflict]. */
int pg_state_check(struct pg_conn *conn, const struct pg_plan *plan, const struct leat_commit *what,
                   struct leat_error *err);
int pg_state_read(struct leat_endpoint *ep, const struct leat_stream_name *stream,
                  leat_state_fn *each, void *arg, struct leat_error *err);
int pg_state_set(struct leat_endpoint *ep, const struct leat_stream_name *stream, const char *key,
                 const char *value, struct leat_error *err);

/* --- pg_state.c, locks and outcome */
int64_t pg_lock_key(const char *kind, const char *text);
int pg_lock_load(struct pg_conn *conn, const char *load_id, struct leat_error *err);
/* That of the load too, in one go. */
int pg_lock_targets(struct pg_conn *conn, const struct pg_plan *plan, struct leat_error *err);
/* True when the load's lock was had alone: nobody takes part in it any more. It is kept. */
int pg_try_load(struct pg_conn *conn, const char *load_id, bool *ret_dead, struct leat_error *err);
int pg_unlock_load(struct pg_conn *conn, const char *load_id, struct leat_error *err);
int pg_outcome(struct leat_endpoint *ep, const struct leat_write_plan *want,
               enum leat_outcome *ret_outcome, struct leat_error *err);
void pg_remember_xact(struct pg_conn *conn, const char *load_id);
/* COMMIT, with its steps. LEAT_OUTCOME_UNKNOWN when the reply does not come. */
int pg_commit(struct pg_conn *conn, struct leat_error *err);

/* --- pg_direct.c, pg_staged.c: one row each of the two protocols */
struct pg_protocol {
    int (*begin)(struct leat_load *load, struct leat_error *err);
    int (*part_open)(struct leat_load *load, const struct leat_part_plan *plan,
                     struct leat_part **ret_part, struct leat_error *err);
    int (*part_seal)(struct leat_part *part, struct leat_receipt *ret_receipt,
                     struct leat_error *err);
    void (*part_close)(struct leat_part *part);
    int (*read_back)(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                     struct leat_error *err);
    int (*count_back)(struct leat_load *load, uint32_t stream, int64_t *ret_rows,
                      struct leat_error *err);
    int (*commit)(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                  struct leat_error *err);
    void (*abort)(struct leat_load *load);
};

extern const struct pg_protocol pg_direct, pg_staged;

/* --- pg_apart.c: a direct load whose indexes several connections build */
/* Is that worth it, and can it be? */
bool pg_apart_pays(const struct leat_load *load);
/* The whole commit of such a load, from within its transaction. */
int pg_apart_commit(struct leat_load *load, const struct leat_commit *what, struct leat_error *err);

/* --- pg_staged.c */
/* Names the staging table of the load's stream. */
int pg_staged_name(struct pg_target *target, const char *load_id, size_t stream,
                   struct leat_error *err);

/* --- pg_staged_record.c */
/* Records the load as open, and its streams with their staging tables, named already. */
int pg_staged_record(struct leat_load *load, struct leat_error *err);
/* Takes the load's row in the last transaction; *ret_already when it was committed before. */
int pg_staged_take_row(struct leat_load *load, bool *ret_already, struct leat_error *err);
int pg_staged_mark_committed(struct leat_load *load, struct leat_error *err);
int pg_staged_attach(struct leat_load *load, const char *state_ns, struct leat_error *err);
/* What another process must know of a stream to fill and to commit it, as JSON. */
int pg_staged_describe(const struct pg_target *target, struct lt_buf *out);

/* --- pg_staged_commit.c: pg_protocol.commit and .read_back */
int pg_staged_commit(struct leat_load *load, const struct leat_commit *what, bool *ret_already,
                     struct leat_error *err);
int pg_staged_read_back(struct leat_load *load, uint32_t stream, struct leat_reader **ret_reader,
                        struct leat_error *err);

/* --- pg_staged_sweep.c */
void pg_staged_abort(struct leat_load *load); /* pg_protocol.abort */
/* Drops staging tables of loads nobody takes part in any more at these tables, but for the load
 * `keep` (NULL: none). A live one at the same table is [destination-busy] when `busy_fails`. The
 * record of loads must be there. */
int pg_staged_sweep(struct pg_conn *conn, const char *state_ns, const char *ns, const char *name,
                    const char *keep, bool busy_fails, int64_t *removed, struct leat_error *err);

/* --- pg_resume.c */
/* Before the table is looked at, and before its lock is waited for: notes the open loads of the
 * plan's text, so that pg_resume() knows one that others commit meanwhile. */
int pg_resume_look(struct pg_conn *conn, const struct leat_write_plan *want, struct pg_plan *plan,
                   struct leat_error *err);
/* Under the table's lock: takes over the open load of the same text, if its processes are dead. The
 * plan's load id is then that one's. [conflict] when one that was noted is committed. */
int pg_resume(struct leat_load *load, struct leat_error *err);
int pg_resumed(struct leat_load *load, struct leat_resumed *ret_resumed, struct leat_error *err);

/* The columns of a table to be made, as the server would have them, with their DDL types; types of
 * users' own that are missing are planned in target->types. */
int pg_describe_new(struct pg_conn *conn, struct pg_target *target,
                    const struct ArrowSchema *incoming, struct pg_table *ret_table,
                    struct leat_error *err);
/* Labels that come for columns that are there must be there too; the policy says what is done about
 * others. pg_plan.c */
int pg_match_labels(struct pg_conn *conn, struct pg_target *target,
                    const struct ArrowSchema *incoming, const struct pg_table *table,
                    struct leat_error *err);
/* leat_load_ops.prepare. pg_ready.c */
int pg_ready_types(struct leat_endpoint *ep, const struct leat_write_stream *streams,
                   size_t n_streams, struct leat_error *err);
/* Whether the types of such a table are here, or can be made: plans them, and nothing else. */
int pg_plan_new_types(struct pg_conn *conn, struct pg_target *target,
                      const struct ArrowSchema *incoming, struct leat_error *err);
/* What a column of users' own types needs, for a target. */
struct pg_own_wish pg_own_wish_of(struct pg_target *target);

/* --- pg_evolve.c */
/* What the schema policy makes of a table that is there: `table` comes to be as after
 * target->alter, and `incoming` loses what is left out. */
int pg_evolve(struct pg_conn *conn, struct pg_target *target, struct ArrowSchema *incoming,
              struct pg_table *table, struct leat_error *err);
/* Does what was planned: `alter` of the target, in the transaction of the load. */
int pg_alter(struct pg_conn *conn, const struct pg_target *target, struct leat_error *err);

/* --- pg_merge_guard.c */

/* Asks which keys of the target's table must be told apart by their bytes. */
int pg_merge_key_order(struct pg_conn *conn, struct pg_target *target, uint32_t oid,
                       struct leat_error *err);
/* [duplicate-key] where the table's unique index takes keys for equal that are not. After FIND; `oid` 0: it
 * is yet to be made, of the keys. */
int pg_merge_refuse_alike(struct pg_conn *conn, const struct pg_target *target, const char *staging,
                          uint32_t oid, struct leat_error *err);

/* [destination-holds-rows] where rows that make way for each other would pass nulls on to rows of
 * other tables. */
int pg_merge_refuse_nulls(struct pg_conn *conn, const struct pg_target *target,
                          const struct lt_merge *merge, struct leat_error *err);

/* --- pg_merge_plan.c */
bool pg_is_keyed(enum leat_write_mode mode);
/* Takes keys, cursor and the like of a stream, and the field that is no column out of `incoming`. */
int pg_merge_take(const struct leat_write_stream *want, struct ArrowSchema *incoming,
                  struct pg_target *target, struct leat_error *err);
/* The columns of a table to be made: those of the mode added, and its key marked. */
int pg_merge_new_columns(const struct pg_target *target, struct ArrowSchema *schema,
                         struct leat_error *err);
/* A table that is made, and filled at once: only then its key comes. */
bool pg_merge_is_fresh(const struct pg_target *target);
/* Chooses the route; target->table comes to be the columns of the staging table. */
int pg_merge_plan(struct pg_target *target, bool exists, struct leat_error *err);
/* Of a table that is there: whether the mode can use it, and the column it may have to be given. */
int pg_merge_check_table(struct pg_target *target, struct pg_table *there, struct leat_error *err);
void pg_merge_free(struct pg_merge *merge); /* NULL is fine */

/* --- pg_merge.c: the modes with keys, in the last transaction */
/* CREATE [TEMPORARY] TABLE `quoted` with the target's columns and the sequence. */
int pg_merge_staging(struct pg_conn *conn, const struct pg_target *target, bool temporary,
                     const char *quoted, struct leat_error *err);
/* Forgets the sequence among the columns of such a table. */
int pg_merge_hide_sequence(struct pg_table *staging, struct leat_error *err);
/* Locks or makes the table, finds out what becomes of each record, and deletes. */
int pg_merge_delete(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* The two by themselves: what becomes of each record, and one phase of it. */
int pg_merge_find(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
int pg_merge_phase(struct pg_conn *conn, struct pg_target *target, enum lt_merge_phase phase,
                   struct leat_error *err);
/* Updates and inserts. */
int pg_merge_write(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* Appends the ALTER TABLE that makes the primary key of a fresh table. */
int pg_merge_key_sql(const struct pg_target *target, struct lt_buf *sql);
/* That, and of several rows of one key all but the latest gone. */
int pg_merge_fresh(struct pg_conn *conn, struct pg_target *target, struct leat_error *err);
/* Reads the rows whose key the load brought, after it was merged. */
int pg_merge_read(struct pg_conn *conn, const struct pg_target *target,
                  struct leat_reader **ret_reader, struct leat_error *err);
/* After the merges: [too-many-deletes] over all targets, [count-mismatch] of each. */
int pg_check_counts(const struct pg_plan *plan, const struct leat_commit *what,
                    struct leat_error *err);
void pg_tell_counts(const struct pg_plan *plan, const struct leat_commit *what);

/* --- pg_keys.c */
int pg_complete(struct leat_endpoint *ep, const struct leat_write_stream *streams, size_t n_streams,
                struct leat_error *err);
int pg_complete_show(struct leat_endpoint *ep, const struct leat_write_stream *streams,
                     size_t n_streams, char **ret_text, struct leat_error *err);

#endif
