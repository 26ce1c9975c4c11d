/* What the files of reading share: the reader, and how its connection comes to see a snapshot. */
#ifndef LT_PG_READ_H
#define LT_PG_READ_H

#include "connectors/postgres/pg.h"

struct leat_reader {
    struct leat_endpoint *ep;
    struct pg_conn *conn;
    bool borrowed; /* the connection goes on belonging to a load */
    bool started, ended, bytes;
    struct pg_table table;
    char *sql;   /* the whole COPY statement */
    char *shape; /* the same for people, without what the user wrote */
    char *place; /* "public.orders" or "query" */
    struct pg_decoder decoder;
    struct leat_reject_sink rejects;
    struct leat_loss_sink losses;
    bool has_rejects, has_losses;
    int64_t rows_max, bytes_max;
    int64_t messages;  /* tuples the server sent so far */
    int64_t delivered; /* rows handed out so far */
    char *held;        /* a tuple for the next payload */
    int held_len;
    struct pg_blocks *blocks; /* of the bytes handed out */
};

/* --- pg_read.c */
/* The columns of what the plan reads; `own_types`: with what the types are that users made. */
int pg_describe_plan(struct leat_endpoint *ep, const struct leat_read_plan *plan, bool own_types,
                     struct pg_table *ret_table, struct leat_error *err);

/* Appends what has the server plan the SELECT inside the COPY, and lock all that it reads. */
int pg_put_explain(const struct leat_reader *reader, struct lt_buf *sql);

/* --- pg_receive.c: leat_source_ops.next */
int pg_receive(struct leat_reader *reader, struct leat_payload *ret_payload,
               struct leat_error *err);

/* --- pg_snapshot.c: leat_source_ops.snapshot_take and its kind */
int pg_snapshot_take(struct leat_endpoint *ep, char *ret_token, size_t size,
                     struct leat_error *err);
int pg_snapshot_join(struct leat_endpoint *ep, const char *token, struct leat_error *err);
void pg_snapshot_release(struct leat_endpoint *ep);
/* Appends the statements that begin a transaction in the snapshot. */
int pg_put_join(const char *token, struct lt_buf *sql);
/* Appends a statement that locks the table as a read does, and gives a row where its rows may not be
 * those that the snapshot of the transaction should see; of views and queries nothing. */
int pg_put_rewritten(const struct pg_table *table, int version, struct lt_buf *sql);
/* Returns `status`. Where it is of a snapshot that has gone, *err comes to say so. */
int pg_explain_join(int status, struct leat_error *err);
/* What such a row means. */
int pg_fail_rewritten(struct leat_error *err);
/* A connection that sees the endpoint's snapshot, where it has one, and in it all of the table. */
int pg_take_to_read(struct leat_endpoint *ep, const struct pg_table *table,
                    struct pg_conn **ret_conn, struct leat_error *err);

/* --- pg_split.c: leat_source_ops.split and .fingerprint */
int pg_split(struct leat_endpoint *ep, const struct leat_read_plan *plan, int n,
             leat_partition_fn *each, void *arg, struct leat_error *err);
int pg_fingerprint(struct leat_endpoint *ep, const struct leat_read_plan *plan, bool immutable,
                   char **ret_text, bool *ret_ordered, struct leat_error *err);

#endif
