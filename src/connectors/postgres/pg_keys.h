/* Foreign keys that are made after the last table of a command, each in a transaction of its own.
 *
 * pg_keys.c finds which are wanted and adds them; pg_keys_proof.c has several connections check the
 * rows of large tables at once. */
#ifndef LT_PG_KEYS_H
#define LT_PG_KEYS_H

#include "connectors/postgres/pg.h"

#define PG_KEY_BYTES_APART ((int64_t)8 << 20) /* of a table; with less, one connection is as fast */

/* What a key says that stands, while its rows are not checked: whoever finds it knows it for one
 * that a run was cut off at. No quotes in it. */
#define PG_KEY_UNPROVEN "leat: rows are not checked yet"

struct pg_key {
    char *name;
    char *ns, *table; /* whose key it is */
    char *quoted;     /* "ns"."table" */
    char *other;      /* the table that it refers to */
    char *add;        /* ALTER TABLE ... ADD CONSTRAINT */
    bool found;       /* stands, for a run was cut off before its rows were checked */
    bool large;       /* its rows are worth a connection, and may be checked afterwards */
    bool unproven;    /* stands, its rows are to be checked */
};

struct pg_keys {
    struct pg_key *items;
    size_t n, room;
};

/* --- pg_keys_proof.c */
/* Appends the statements that add it without looking at the rows that are there. */
int pg_key_put_unproven(const struct pg_key *key, struct lt_buf *sql);
/* Appends those that check the rows. */
int pg_key_put_proof(const struct pg_key *key, struct lt_buf *sql);
/* Whether it pays that several connections check rows. */
bool pg_keys_abreast(const struct leat_endpoint *ep, const struct pg_keys *keys, int threads);
/* Returns the status of its failure, which *err comes to name. */
int pg_key_blame(const struct pg_key *key, int status, struct leat_error *err);
/* Checks the rows of all unproven keys, on `conn` and others: `threads` in all. The first in order
 * that fails is told, and those before it are proven. */
int pg_keys_prove(struct pg_conn *conn, struct pg_keys *keys, int threads, struct leat_error *err);
/* After a failure: drops the keys that are unproven still. What cannot be dropped is said in a
 * warning, and proven by the next run. No connection of the caller's may be at work. */
void pg_keys_drop_unproven(struct leat_endpoint *ep, struct pg_keys *keys);

#endif
