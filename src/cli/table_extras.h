/* What a table has beside its columns and its key: defaults, indexes, foreign keys, checks. They come
 * as metadata (docs/loads.md), which a file may hold too, and so may be anything: what cannot be
 * read says nothing. */
#ifndef LT_TABLE_EXTRAS_H
#define LT_TABLE_EXTRAS_H

#include "leat/leat.h"

#include "core/buf.h"
#include "core/json.h"

#include <stdbool.h>

/* "default 5", "default now", "default (a + b)", or nothing. */
int extras_put_default(const struct ArrowSchema *field, struct lt_buf *out);
/* The member "default" of a column's object; null where it has none. */
void extras_json_default(const struct ArrowSchema *field, struct lt_json *json);

/* The members "indexes", "foreign_keys" and "checks" of a stream's object; arrays, empty where
 * there are none. */
void extras_json(const struct ArrowSchema *schema, struct lt_json *json);
/* A table of each, below a line that says what it is; nothing for what there is none of. */
int extras_print(const struct ArrowSchema *schema, bool color, struct leat_error *err);

#endif
