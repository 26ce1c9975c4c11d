/* What happens to a stream's columns between source and destinations: subset, order, names and
 * types as --columns, --rename and --cast say. */
#ifndef LT_TRANSFORM_H
#define LT_TRANSFORM_H

#include "columnar/cast.h"
#include "engine/options.h"

/* What the user asked for, parsed once a run. */
struct lt_column_wishes {
    char **columns; /* NULL-terminated; empty: all */
    size_t n_columns;
    char **renames; /* old, new, old, new ... */
    size_t n_renames;
    struct ArrowSchema types; /* one field for each --cast, named as the source's column */
};

int lt_column_wishes_init(struct lt_column_wishes *wishes, const struct lt_settings *settings,
                          struct leat_error *err);
void lt_column_wishes_done(struct lt_column_wishes *wishes);

/* Makes the schema that leaves the transform (released by the caller) and the cast into it. The
 * source's columns may already be the wished subset. [unknown-column] names every column that was
 * asked for and does not exist, with the closest name. */
int lt_transform_new(const struct lt_column_wishes *wishes, const struct ArrowSchema *source,
                     struct ArrowSchema *ret_schema, struct lt_cast **ret_cast,
                     struct leat_error *err);

#endif
