/* Row groups, indexes and footer on their way to the sink.
 *
 * Indexes lie before the footer, where readers expect them, and so are kept until the end. What is
 * kept of a very long file would grow with it: past LT_PQ_KEPT_BYTES the indexes are written between
 * two row groups, which the format allows, and the groups they belong to are kept as they will
 * stand in the footer. */
#ifndef LT_PARQUET_GROUP_WRITE_H
#define LT_PARQUET_GROUP_WRITE_H

#include "core/bytes.h"
#include "formats/parquet/column.h"

#define LT_PQ_KEPT_BYTES ((size_t)8 << 20)

struct lt_pq_kept_chunk; /* of a row group whose indexes are not yet written */

struct lt_pq_groups {
    struct lt_sink *sink;
    int64_t position;           /* bytes written by us */
    struct lt_pq_bytes **paths; /* path_in_schema of each leaf */
    size_t *path_lens;
    size_t n_leaves;
    int32_t codec; /* enum lt_pq_codec */

    struct lt_buf kept; /* struct kept_group */
    struct lt_buf column_indexes, offset_indexes;
    struct lt_buf done; /* row groups as in the footer */
    size_t n_done;
    int64_t rows;
};

int lt_pq_groups_init(struct lt_pq_groups *groups, struct lt_sink *sink,
                      const struct lt_pq_tree *tree, const struct lt_pq_element *elements,
                      int32_t codec, struct leat_error *err);
void lt_pq_groups_done(struct lt_pq_groups *groups);

/* Bytes to the sink, counted. */
int lt_pq_groups_put(struct lt_pq_groups *groups, const void *data, size_t len,
                     struct leat_error *err);
/* Writes the chunks of `rows` rows, which were closed, and notes them. */
int lt_pq_groups_add(struct lt_pq_groups *groups, const struct lt_pq_column *columns, int64_t rows,
                     struct leat_error *err);
/* Writes indexes and footer. Fills in what the groups know: rows, groups. */
int lt_pq_groups_finish(struct lt_pq_groups *groups, struct lt_pq_footer *footer,
                        struct leat_error *err);

#endif
