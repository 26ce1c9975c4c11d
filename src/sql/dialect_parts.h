/* Between the files of a dialect's types: dialect_in.c, dialect_out.c, dialect_own.c,
 * dialect_canonical.c. */
#ifndef LT_DIALECT_PARTS_H
#define LT_DIALECT_PARTS_H

#include "sql/dialect.h"

/* The row of a canonical type; the table's end when there is none. */
const struct leat_type_out *lt_dialect_row(const struct lt_dialect *dialect, const char *name);

/* Appends the type by the dialect's own table. Statuses of lt_dialect_type(). */
int lt_dialect_table_type(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                          struct lt_buf *out, struct leat_error *err);

/* The type that text in a file stands for where the file has none such: "arrow:interval", as Parquet
 * files say. False: the field is what it is. */
bool lt_dialect_stands_for(const struct ArrowSchema *field, struct ArrowSchema *ret_type);

/* True when values of `field` go as they are where a system type reads as `other`, or by the cast of
 * the text that stands for them. */
bool lt_dialect_same_storage(const struct ArrowSchema *field, const struct ArrowSchema *other);

/* Appends the quoted canonical name and storage word, in place of `made`, which the table says. */
int lt_dialect_put_canonical(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                             const char *made, struct lt_buf *out, struct leat_error *err);

#endif
