/* Arrow schemas on their way into a Parquet file. */
#ifndef LT_PARQUET_SCHEMA_WRITE_H
#define LT_PARQUET_SCHEMA_WRITE_H

#include "columnar/schema.h"

/* The schema as its values are written: dictionaries are their values, views have offsets and,
 * with `text`, intervals are text that names its type in leat.source_type. */
int lt_pq_schema_stored(const struct ArrowSchema *schema, bool text, struct ArrowSchema *ret_schema,
                        struct leat_error *err);

/* [duplicate-column] when two columns differ in case at most (ASCII letters). */
int lt_pq_check_names(const struct ArrowSchema *schema, struct leat_error *err);

/* Appends the value of the footer's ARROW:schema: an IPC schema message in base64. It brings back
 * what Parquet has no word for: zones, extensions, field metadata, large and fixed lists. */
int lt_pq_arrow_schema(const struct ArrowSchema *schema, struct lt_buf *out,
                       struct leat_error *err);

#endif
