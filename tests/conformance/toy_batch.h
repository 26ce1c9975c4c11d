/* The toy connector's own bytes for schemas and batches: flat columns only, native byte order,
 * nothing shared with leat's columnar code, so that the contract is proved by Arrow structs alone. */
#ifndef TOY_BATCH_H
#define TOY_BATCH_H

#include "core/buf.h"
#include "leat/arrow.h"

#include <stdbool.h>

/* LEAT_UNSUPPORTED ([unsupported-type]) names the first column the toy has no place for. */
int toy_schema_check(const struct ArrowSchema *schema, struct leat_error *err);

int toy_schema_write(const struct ArrowSchema *schema, struct lt_buf *out, struct leat_error *err);
int toy_schema_read(const void *data, size_t len, struct ArrowSchema *ret_schema,
                    struct leat_error *err);

int toy_batch_write(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                    struct lt_buf *out, struct leat_error *err);
int toy_batch_read(const struct ArrowSchema *schema, const void *data, size_t len,
                   struct ArrowArray *ret_batch, struct leat_error *err);

#endif
