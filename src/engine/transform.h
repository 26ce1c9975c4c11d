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

/* A column that is carried as text, and what it was that its own type could not do. */
struct lt_text_column {
    char *name; /* at the source */
    bool own;   /* as the text of the source's type, for systems of the same kind */
    struct leat_error why;
};

/* Types of one stream's columns, by their names at the source. */
struct lt_typing {
    struct ArrowSchema casts; /* as --cast says, and columns carried as text */
    struct ArrowSchema given; /* those of --schema-from; no children: none */
    struct ArrowSchema all;   /* both, for readers */
    struct lt_text_column *texts;
    size_t n_texts;
};

int lt_typing_init(struct lt_typing *typing, const struct lt_column_wishes *wishes,
                   struct leat_error *err);
void lt_typing_done(struct lt_typing *typing);
/* Takes over types, nullability, keys and source types of `schema`'s columns. */
int lt_typing_give(struct lt_typing *typing, const struct ArrowSchema *schema,
                   struct leat_error *err);
/* From now on the column is text: plain text, or with `own_type` (NULL: none) the text of that type
 * ("postgres:date"), which a system that has it stores as such. *ret_new false: it was already. */
int lt_typing_add_text(struct lt_typing *typing, const char *name, const char *own_type,
                       const struct leat_error *why, bool *ret_new, struct leat_error *err);

/* What a column of the source is called at the destinations, and back; the name itself where it
 * is not renamed. */
const char *lt_wishes_new_name(const struct lt_column_wishes *wishes, const char *name);
const char *lt_wishes_old_name(const struct lt_column_wishes *wishes, const char *name);

/* Makes the schema that leaves the transform (released by the caller) and the cast into it. The
 * source's columns may already be the wished subset. [unknown-column] names every column that was
 * asked for and does not exist, with the closest name. `typing` NULL: types as the wishes say. */
int lt_transform_new(const struct lt_column_wishes *wishes, const struct lt_typing *typing,
                     const struct ArrowSchema *source, struct ArrowSchema *ret_schema,
                     struct lt_cast **ret_cast, struct leat_error *err);

#endif
