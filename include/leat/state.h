/* The state store: what ran and with what result, who holds what, and which models of a pipeline
 * changed since its last success. One schema in two systems: a SQLite file (by default
 * $XDG_STATE_HOME/leat/state.db) or a PostgreSQL database. docs/state-store.md describes it.
 *
 *     struct leat_state *state;
 *     leat_state_open(NULL, 0, &state, err);
 *     leat_state_record(state, "cp", leat_report_json(report), run_id, err);
 *     leat_state_runs(state, NULL, 20, print, NULL, err);
 *     leat_state_close(state);
 *
 * Threads: calls on one store come from one thread at a time; any number of stores, in any number
 * of processes, may be open on one database.
 * Errors: [state-schema] when the tables are missing or of another version; [destination-busy]
 * when a lock was not to be had within ten seconds; else what SQLite or the server say.
 * Documents: lists are given as JSON objects, one an item, ended by NUL without a newline and valid
 * during the call; their members are in docs/state-store.md, and more may be added. A callback
 * that returns non-zero ends the list, and its value is returned. */
#ifndef LEAT_STATE_H
#define LEAT_STATE_H

#include "leat/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct leat_state;
typedef int leat_document_fn(void *arg, const char *json);

/* --- the store ------------------------------------------------------------------------------ */

/* The location is a SQLAlchemy connection string, and TLS is as libpq has it. */
#define LEAT_STATE_SQLALCHEMY 1u
/* Tables are left as they are: neither made nor moved to a newer version. */
#define LEAT_STATE_AS_IS 2u

/* Opens a store. `location` is a path, sqlite:PATH, postgres://..., or NULL for the default file.
 * Tables that are absent are made; a SQLite file of an older version is moved to this one, a
 * PostgreSQL database only by leat_state_upgrade(), for others may be using it; so is, in either,
 * what leat_state_downgrade() took down. */
LEAT_EXPORT int leat_state_open(const char *location, unsigned flags, struct leat_state **ret_state,
                                struct leat_error *err);
LEAT_EXPORT void leat_state_close(struct leat_state *state); /* NULL is fine */
/* What was opened, without secrets. */
LEAT_EXPORT const char *leat_state_location(const struct leat_state *state);

/* --- its tables ----------------------------------------------------------------------------- */

enum leat_state_tables {
    LEAT_TABLES_LEAT, /* runs, leases and what belongs to them */
    LEAT_TABLES_DPO   /* executions, steps, models: shared with the program they come from */
};

/* Told of each step of a move. */
typedef void leat_moved_fn(void *arg, const char *tables, const char *from, const char *to);

/* Moves tables to a revision: an id or the unique beginning of one, "head", "base", "+1", "-1".
 * One transaction under a lock: moves by several processes at once are done one after the other,
 * and one that fails leaves everything as it was. `moved` may be NULL. LEAT_NOT_FOUND for a
 * revision that does not exist, LEAT_INVALID for one that lies the other way. */
LEAT_EXPORT int leat_state_upgrade(struct leat_state *state, enum leat_state_tables tables,
                                   const char *to, leat_moved_fn *moved, void *arg,
                                   struct leat_error *err);
LEAT_EXPORT int leat_state_downgrade(struct leat_state *state, enum leat_state_tables tables,
                                     const char *to, leat_moved_fn *moved, void *arg,
                                     struct leat_error *err);
/* The index of the revision the tables are at; -1: there are none. */
LEAT_EXPORT int leat_state_current(struct leat_state *state, enum leat_state_tables tables,
                                   int *ret_index, struct leat_error *err);
/* The i-th revision, oldest first: its id and title; false past the end. */
LEAT_EXPORT bool leat_state_revision(enum leat_state_tables tables, int i, const char **ret_id,
                                     const char **ret_title);

/* --- runs ----------------------------------------------------------------------------------- */

#define LEAT_RUN_ID_MAX 33 /* 32 hex digits and a NUL; sorted by time */

/* Records a run in one transaction: its report (docs/report.md) as it is, and a few numbers out of
 * it in columns of their own. */
LEAT_EXPORT int leat_state_record(struct leat_state *state, const char *command,
                                  const char *report_json, char ret_id[LEAT_RUN_ID_MAX],
                                  struct leat_error *err);
/* Runs, the newest first, at most `limit`; those whose id begins with `id` when that is not NULL,
 * with their reports. LEAT_NOT_FOUND when an id was given and there is none. */
LEAT_EXPORT int leat_state_runs(struct leat_state *state, const char *id, int64_t limit,
                                leat_document_fn *each, void *arg, struct leat_error *err);

/* --- leases --------------------------------------------------------------------------------- */

/* The right to do a named thing alone, over all processes and machines of the store. A thread of
 * the lease's own renews it; a holder that died is noticed when it has not done so for `ttl_ms`. */
struct leat_lease;

/* LEAT_CONFLICT [lease-held] names the holder: host, process, since when. */
LEAT_EXPORT int leat_lease_take(struct leat_state *state, const char *name, int64_t ttl_ms,
                                struct leat_lease **ret_lease, struct leat_error *err);
/* LEAT_OK while it is held; [lease-lost] once it could not be renewed in time, or was taken. */
LEAT_EXPORT int leat_lease_check(struct leat_lease *lease, struct leat_error *err);
/* Grows each time the name is taken: what a later holder wrote can be told from a late write. */
LEAT_EXPORT int64_t leat_lease_fence(const struct leat_lease *lease);
/* Gives it up. Before its store is closed. NULL is fine. */
LEAT_EXPORT void leat_lease_release(struct leat_lease *lease);

#ifdef __cplusplus
}
#endif
#endif
