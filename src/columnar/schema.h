/* Building, reading, copying and comparing ArrowSchema trees.
 *
 * A stream's schema is a struct (format "+s") whose children are its columns. All schemas made
 * here own their memory; release with lt_schema_done() or schema->release.
 *
 * Example:
 *   struct ArrowSchema schema;
 *   int status = lt_schema_init_struct(&schema, 0, err);
 *   if (!status) {
 *       status = lt_schema_add_field(&schema, "l", "id", 0, NULL, err);
 *       ...
 *       lt_schema_done(&schema);
 *   } */
#ifndef LT_SCHEMA_H
#define LT_SCHEMA_H

#include "columnar/type.h"

/* A leaf or empty nested field, nullable. name NULL means "". */
int lt_schema_init(struct ArrowSchema *schema, const char *format, const char *name,
                   struct leat_error *err);
/* A struct of n children, each initialised as a nullable null-typed field to be replaced. */
int lt_schema_init_struct(struct ArrowSchema *schema, int64_t n, struct leat_error *err);
/* Appends `child`, moved in (its release becomes NULL), to a schema made here. */
int lt_schema_add(struct ArrowSchema *schema, struct ArrowSchema *child, struct leat_error *err);
/* Appends a copy of `field` that has `flags` as well as its own. */
int lt_schema_add_copy(struct ArrowSchema *schema, const struct ArrowSchema *field, int64_t flags,
                       struct leat_error *err);
/* Shorthand: a new leaf appended. flags: ARROW_FLAG_NULLABLE or 0. */
int lt_schema_add_field(struct ArrowSchema *schema, const char *format, const char *name,
                        int64_t flags, struct ArrowSchema **ret_field, struct leat_error *err);
/* Makes a field made here dictionary-encoded: `values` is moved in, the field's own format must
 * be that of the index. */
int lt_schema_set_dictionary(struct ArrowSchema *schema, struct ArrowSchema *values,
                             struct leat_error *err);

int lt_schema_set_name(struct ArrowSchema *schema, const char *name, struct leat_error *err);
int lt_schema_set_format(struct ArrowSchema *schema, const char *format, struct leat_error *err);

/* Metadata. get: the value's bytes inside the schema (not NUL-terminated), or NULL. set: value
 * NULL removes. get_text copies into the caller's buffer, truncating; false when absent. */
const char *lt_schema_meta(const struct ArrowSchema *schema, const char *key, size_t *ret_len);
bool lt_schema_meta_text(const struct ArrowSchema *schema, const char *key, char *text,
                         size_t size);
bool lt_schema_meta_is(const struct ArrowSchema *schema, const char *key, const char *value);
/* Both have it, and it says the same. */
bool lt_schema_meta_same(const struct ArrowSchema *a, const struct ArrowSchema *b, const char *key);
int lt_schema_set_meta(struct ArrowSchema *schema, const char *key, const char *value,
                       struct leat_error *err);
/* Calls each() for every pair, in order; stops at its first non-zero and returns that. */
typedef int lt_schema_meta_fn(void *arg, const char *key, size_t key_len, const char *value,
                              size_t value_len);
int lt_schema_meta_each(const struct ArrowSchema *schema, lt_schema_meta_fn *each, void *arg);

/* Deep copy; fails with [limit] past LT_TYPE_DEPTH_MAX. */
int lt_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *ret_copy,
                   struct leat_error *err);
/* Same types and (with names) same column names; metadata other than extension, numeric and
 * source type, and nullability, are not compared; neither are the names of list elements, nor
 * which zone a zoned timestamp names. Names inside structs are part of the type. */
bool lt_schema_same(const struct ArrowSchema *a, const struct ArrowSchema *b, bool names);
/* Index of the column of that exact name, -1 when absent. */
int64_t lt_schema_find(const struct ArrowSchema *schema, const char *name);
/* [unknown-column], with the closest name as remedy. */
int lt_schema_unknown_column(const struct ArrowSchema *schema, const char *name,
                             struct leat_error *err);

/* Checks a schema from outside: a struct, children all there, every format known, depth at most
 * 32, at most 100,000 fields, names valid UTF-8, no two columns of the same name. */
int lt_schema_check(const struct ArrowSchema *schema, struct leat_error *err);

void lt_schema_done(struct ArrowSchema *schema); /* release if there is something to release */
void lt_schema_move(struct ArrowSchema *from, struct ArrowSchema *to);

#endif
