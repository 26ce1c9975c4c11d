/* Bringing a staging table into its target by key: the statements, and the order they run in.
 *
 * All modes of enum leat_write_mode that know keys, for every dialect that has `merge` words. The
 * statements are set-based and stand in one transaction, in which nobody else writes the target.
 * They are made once and run in three phases, so that a load of several tables can delete from
 * children before parents and insert the other way round:
 *
 *   struct lt_merge_plan *plan;
 *   int status = lt_merge_new(&merge, &plan, err);
 *   status = status ? status : lt_merge_run(plan, LT_MERGE_FIND, &host, err);
 *   ... compare lt_merge_counts(plan)->deleted with the guards
 *   status = status ? status : lt_merge_run(plan, LT_MERGE_DELETE, &host, err);
 *   status = status ? status : lt_merge_run(plan, LT_MERGE_WRITE, &host, err);
 *   lt_merge_free(plan);
 *
 * A row that was deleted softly counts as missing for an insert and for a delete; an update brings it
 * back.
 *
 * FIND decides for every record what is to become of it and changes only the staging table and
 * tables of its own, which the last statement of WRITE drops. */
#ifndef LT_MERGE_H
#define LT_MERGE_H

#include "sql/dialect.h"

/* How a dialect says what these statements need. */
struct lt_merge_words {
    const char *differs;       /* "IS DISTINCT FROM": never null */
    const char *temp;          /* schema of tables of the session, with its dot: "pg_temp." */
    const char *make, *made;   /* around the name of such a table, before its query */
    const char *overriding;    /* INSERT INTO t (...) <this> SELECT: identities are given; "" */
    const char *text;          /* after a column: its value as text, compared byte by byte; "" */
    const char *analyze;       /* "ANALYZE"; NULL: statistics are not needed */
    const char *defer, *check; /* constraints that can wait do so until the end; NULL: no such */
};

/* A column that both staging and target have. */
struct lt_merge_column {
    const char *name;
    bool fixed;   /* never updated: an identity that the system insists on. Not for keys */
    bool by_text; /* compared as text: its type has no equality, or one that is too generous */
};

/* A unique index or the like of the target, beside the key, that is checked row by row. */
struct lt_merge_unique {
    const char *const *columns;
    size_t n_columns;
    bool plain;           /* of columns alone, all rows; else expressions or a condition */
    const char *nullable; /* one of the columns that may be null; NULL: none */
};

struct lt_merge {
    const struct lt_dialect *dialect;
    const char *target, *staging; /* quoted */
    unsigned number;              /* of the stream within the load: names work tables */
    enum leat_write_mode mode;    /* MERGE, DELETE_INSERT, CHANGES or HISTORY */
    uint32_t flags;               /* LEAT_WRITE_SOFT_DELETE */
    const struct lt_merge_column *columns;
    size_t n_columns;
    const char *const *keys; /* among the columns */
    size_t n_keys;
    /* For each key what follows it where it is compared ("::text COLLATE x"), for keys whose type
     * takes different values for equal; its name must survive it in a SELECT. NULL: nothing. */
    const char *const *key_order;
    /* Of several records of one key the latest by these columns counts, then by `seq`. */
    const char *const *cursor;
    size_t n_cursor;
    /* For each cursor column what follows it where it is compared (" COLLATE x"): as many; NULL:
     * nothing. */
    const char *const *cursor_order;
    const char *op;      /* CHANGES: column of the staging table alone: i, u, d */
    const char *deleted; /* boolean column, true: the row goes; NULL: none */
    const char *seq;     /* of the staging table, as SQL without alias: what came later is more.
                            "\"_leat_seq\"", "rowid"; unique in it */
    const char *now;     /* SQL of the load's time, one value for the whole transaction */
    bool from_cursor;    /* HISTORY: the first cursor column is "from", else `now` */
    /* At most one row a key can be there. Then DELETE_INSERT takes the latest record of a key, else
     * all of them; for HISTORY the key is keys and "from". */
    bool unique_key;
    const struct lt_merge_unique *uniques; /* those that hold none but key columns left out */
    size_t n_uniques;
    /* Columns of the target that the staging lacks and that can be written: carried over when a
     * row must be deleted and inserted again. */
    const char *const *kept;
    size_t n_kept;
    bool
        referenced; /* foreign keys of other tables point here: rows are not deleted to move them */
    bool
        abort; /* SQLite: the target's own ON CONFLICT clauses do not count, conflicts are errors */
    /* Makes an index of the staging table's keys: "temp.\"i\" ON \"s\""; NULL: none is wanted. */
    const char *index;
};

enum lt_merge_phase { LT_MERGE_FIND, LT_MERGE_DELETE, LT_MERGE_WRITE };

/* Values of one query of counts, in order. */
enum lt_merge_count {
    LT_MERGE_INSERTED,
    LT_MERGE_UPDATED,
    LT_MERGE_MOVED, /* updated by way of a delete and an insert, or of nulls */
    LT_MERGE_DELETED,
    LT_MERGE_UNCHANGED,
    LT_MERGE_SUPERSEDED,
    LT_MERGE_COUNTS
};

/* What runs the statements. *ret_rows: rows that an INSERT, UPDATE or DELETE changed. */
struct lt_merge_host {
    void *arg;
    int (*run)(void *arg, const char *sql, int64_t *ret_rows, struct leat_error *err);
    /* The first row of a query, n integers; a null is 0. */
    int (*row)(void *arg, const char *sql, int64_t *ret_values, size_t n, struct leat_error *err);
};

struct lt_merge_plan;

/* Appends the statement alone that deletes from the staging table all but the latest record of
 * each key (and, of a history, time). */
int lt_merge_superseded(const struct lt_merge *merge, struct lt_buf *out);
/* Appends the condition that a MERGE or CHANGES deletes the target's row that goes by the alias "old",
 * or by "c"; true between FIND and DELETE. LEAT_OK or LEAT_NO_MEMORY. */
int lt_merge_goes(const struct lt_merge *merge, bool child, struct lt_buf *out);
/* Writes all statements; `merge` need not live on. [no-memory] alone. */
int lt_merge_new(const struct lt_merge *merge, struct lt_merge_plan **ret_plan,
                 struct leat_error *err);
/* Runs a phase. [null-key], [null-cursor], [duplicate-key], [conflict], [value-range] of an op,
 * [count-mismatch] where fewer or more rows changed than FIND found; what `host` returns. */
int lt_merge_run(struct lt_merge_plan *plan, enum lt_merge_phase phase,
                 const struct lt_merge_host *host, struct leat_error *err);
/* FIND knows all but for DELETE_INSERT's, whose rows deleted are until then only those that no
 * record follows; final after WRITE. Soft deletes, and rows of a history closed by a deletion,
 * count as deleted. */
/* [count-mismatch] unless as many rows were inserted, updated and deleted. */
int lt_merge_check_counts(const struct leat_row_counts *done, const struct leat_row_counts *want,
                          struct leat_error *err);
const struct leat_row_counts *lt_merge_counts(const struct lt_merge_plan *plan);
/* Whether rows that others point to hold a null in this column while they make way for each other;
 * and, after FIND, how many rows do. */
bool lt_merge_nulls(const struct lt_merge *merge, const char *column);
int64_t lt_merge_moved(const struct lt_merge_plan *plan);
/* The i-th statement, and its phase; NULL past the last. For tests and --dry-run. */
const char *lt_merge_sql(const struct lt_merge_plan *plan, size_t i,
                         enum lt_merge_phase *ret_phase);
void lt_merge_free(struct lt_merge_plan *plan); /* NULL is fine */

#endif
