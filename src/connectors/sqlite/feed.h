/* Rows of a batch as SQLite reads them: between load.c, which inserts them, and feed.c. */
#ifndef LT_SQ_FEED_H
#define LT_SQ_FEED_H

#include "connectors/sqlite/internal.h"

struct sq_feed;

/* The rows' table of a connection, of which there is one at a time. `declared` are the
 * destination's declared types, which decide whether exact text would be turned into a number;
 * `schema` is borrowed. */
int lt_sq_feed_new(struct sq_conn *conn, const struct ArrowSchema *schema,
                   const char *const *declared, struct sq_feed **ret_feed, struct leat_error *err);
/* After the statements that read it were finalized. NULL is fine. */
void lt_sq_feed_free(struct sq_feed *feed);
/* Times in this column get all digits of their fraction, so that texts order as times do. */
void lt_sq_feed_pad(struct sq_feed *feed, int64_t column);
/* Appends the SELECT of its rows. */
int lt_sq_feed_put_from(struct lt_buf *sql);

/* What is read from now on; the batch must stay until the next. */
int lt_sq_feed_set(struct sq_feed *feed, const struct ArrowArray *batch, struct leat_error *err);
/* The next statement reads these rows of it. */
void lt_sq_feed_range(struct sq_feed *feed, int64_t first, int64_t n);
/* The row a statement stands at, or stopped at. */
int64_t lt_sq_feed_row(const struct sq_feed *feed);

/* From this value on, in the order of rows and in a row of columns: the first that SQLite cannot
 * hold. False: there is none. It must be lost, or its row skipped, before the rows are read. */
bool lt_sq_feed_misfit(const struct sq_feed *feed, int64_t *row, int64_t *column,
                       struct sq_misfit *ret_misfit);
int lt_sq_feed_lose(struct sq_feed *feed, int64_t row, int64_t column); /* null instead */
int lt_sq_feed_skip(struct sq_feed *feed, int64_t row);
/* The row as a JSON object, for the reject sink. */
int lt_sq_feed_json(const struct sq_feed *feed, int64_t row, struct lt_buf *out);

#endif
