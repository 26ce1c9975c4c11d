/* What a new table is to have beside columns and key, as --with asks for it: read from the source's
 * catalogue, and put into the schema that the destinations see. */
#ifndef LT_CARRY_H
#define LT_CARRY_H

#include "engine/run.h"

enum { LT_WITH_FOREIGN_KEYS = 1, LT_WITH_INDEXES = 2, LT_WITH_DEFAULTS = 4 };

/* [usage] names a word that it does not take. */
int lt_with_parse(const struct lt_settings *settings, uint32_t *ret_with, struct leat_error *err);

/* The stream as the catalogue describes it, where anything of it is to be carried; else, and where
 * there is no catalogue, ret_described->release stays NULL. */
int lt_carry_describe(const struct lt_run *run, const struct lt_side *source,
                      const struct lt_job *job, struct ArrowSchema *ret_described,
                      struct leat_error *err);

/* Into `schema`, which the transform made: defaults and indexes of `described` (released: what the
 * schema has itself) under the names that columns have now, and only as --with says. What names a
 * column that is not copied is left out, and so is, with a warning, what holds an expression, where
 * columns are renamed, cast or left out. */
int lt_carry_apply(const struct lt_run *run, const struct lt_job *job,
                   const struct ArrowSchema *described, struct ArrowSchema *schema,
                   struct leat_error *err);

/* foreign.c. The foreign keys that `schema`, which the transform made, has from the source: their
 * columns, and the tables of this run that they refer to, are called as at destination d. One with
 * a column that is not copied is left out; with --with foreign-keys a warning says so. */
int lt_carry_foreign_keys(const struct lt_run *run, const struct lt_job *job, size_t d,
                          struct ArrowSchema *schema, struct leat_error *err);

#endif
