/* Schemas as data: numbered steps, each with the statements up and down for both systems.
 *
 * A move from one revision to another is one transaction under a lock: two at once are done one
 * after the other, and one that fails leaves everything as it was. */
#ifndef LT_STATE_MIGRATE_H
#define LT_STATE_MIGRATE_H

#include "state/db.h"

struct lt_migration {
    const char *id, *title;
    struct {
        const char *up, *down;
    } sql[LT_DB_KINDS_N];
    /* leat's own tables, NULL at the end, whose rows describe what `down` drops: emptied with it,
     * where they are and this role may. */
    const char *beside[3];
};

struct lt_tables {
    const char *name; /* for messages */
    const struct lt_migration *steps;
    int n;
    int64_t lock; /* of PostgreSQL's advisory locks */
    int64_t held; /* a bit of SQLite's user_version: it was moved below the newest on purpose */
    /* The table that holds the revision (version_num, one row or none): a query for its name as
     * SQL spells it, NULL when it is absent, and statements that make it. */
    struct {
        const char *find, *make;
    } version[LT_DB_KINDS_N];
};

/* leat's own tables: runs, leases. */
extern const struct lt_tables lt_tables_leat;
/* The orchestrator's tables, with the revisions of the program they come from. */
extern const struct lt_tables lt_tables_dpo;

/* The step the database is at, -1: none. [state-schema] when its revision is not one of ours. */
int lt_tables_at(struct lt_db *db, const struct lt_tables *schema, int *ret_at,
                 struct leat_error *err);

/* Whether tables at `at` are to stay there until they are moved on purpose: they were taken down, or
 * (in PostgreSQL) others may be using them. Not so where there never were any. */
int lt_tables_held(struct lt_db *db, const struct lt_tables *schema, int at, bool *ret_held,
                   struct leat_error *err);

/* Told of each step once the move is committed. */
typedef void lt_moved_fn(void *arg, const struct lt_tables *schema, const char *from,
                         const char *to);

/* Moves up or down to a revision: an id or its unique beginning, "head", "base", "+1", "-1". Going
 * nowhere is fine. [not-found] for a revision that does not exist, [invalid] for one that lies in
 * the other direction. `moved` may be NULL. */
int lt_tables_move(struct lt_db *db, const struct lt_tables *schema, const char *to, bool up,
                   lt_moved_fn *moved, void *arg, struct leat_error *err);

/* "c5c34dd0b8f2", or "base" for -1. */
const char *lt_tables_id(const struct lt_tables *schema, int at);

#endif
