/* Pages: what a column has gathered, encoded, compressed, and noted for the indexes. */
#ifndef LT_PARQUET_PAGE_WRITE_H
#define LT_PARQUET_PAGE_WRITE_H

#include "formats/parquet/column.h"

/* The page at hand joins the chunk's pages. The caller empties it. */
int lt_pq_page_finish(struct lt_pq_column *column, struct lt_pq_worker *worker,
                      struct leat_error *err);
/* The chunk's dictionary, as the page that comes first. */
int lt_pq_page_dictionary(struct lt_pq_column *column, struct lt_pq_worker *worker,
                          struct leat_error *err);
/* Bounds of the page at hand from the dictionary's values it uses, each looked at once. LEAT_OK or
 * LEAT_NO_MEMORY. */
int lt_pq_bound_numbers(struct lt_pq_column *column);

#endif
