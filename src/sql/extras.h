/* What a table has beside columns and primary key: defaults, indexes, unique constraints, checks.
 *
 * They travel as metadata, as what they are and not as statements: of a column LT_META_DEFAULT, an
 * object with one of
 *   "constant"  the value as text
 *   "is"        "now", "date", "time": the moment of the insert; "uuid": a random one
 *   "expr"      an expression of the system that "server" names ("postgres:15")
 * and of the stream LT_META_INDEXES and LT_META_CHECKS, arrays of objects with
 *   name, unique, constraint, deferrable, deferred, nulls_equal, method, columns, include, where,
 *   server; each column with name or expr, desc, nulls ("first", "last"), collation, opclass
 *   name, expr, server
 * Metadata also comes from files: only names, known words and literals of it reach a statement, and
 * an expression only when it was read from a server of the very same version just now. */
#ifndef LT_EXTRAS_H
#define LT_EXTRAS_H

#include "sql/dialect.h"

/* What a dialect can say of them. */
struct lt_extra_words {
    const char *const *methods;    /* of indexes, NULL at the end */
    const char *const *collations; /* of index columns, NULL at the end */
    bool using_method;             /* USING, INCLUDE and NULLS FIRST are understood */
    bool typed; /* a quoted literal becomes the column's type, whatever that is */
    const char *now, *now_zoned, *date, *time, *uuid; /* expressions; NULL: none */
};

/* Told of each thing that is left out: "the index \"a_idx\"", "its collation is not known here".
 * Wherever one is taken, NULL is fine. */
typedef void lt_left_out_fn(void *arg, const char *what, const char *why);

/* Sets LT_META_DEFAULT from the text of an SQL expression; NULL as a default is none. `server`
 * NULL: expressions are nobody's. */
int lt_default_set(struct ArrowSchema *field, const char *sql, const char *server,
                   struct leat_error *err);

/* Takes out of the schema the defaults that the dialect cannot say. `server`: whose expressions may
 * be taken over; NULL: nobody's. */
int lt_defaults_fit(const struct lt_dialect *dialect, struct ArrowSchema *schema,
                    const char *server, lt_left_out_fn *tell, void *arg, struct leat_error *err);

/* Appends " DEFAULT ..." of a field whose default fits, or nothing. */
int lt_default_put(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                   struct lt_buf *out);

/* An index, or a check, to be made. */
struct lt_index {
    char *name;  /* as the source has it; "": it has none */
    char *words; /* column names, for a name: "a_b" */
    char *body;  /* of an index what follows the table's name, of a check its condition */
    bool check, unique, constraint, deferrable, deferred;
    bool key; /* it is to become the primary key's */
};

struct lt_indexes {
    struct lt_index *items;
    size_t n;
};

/* Reads what the schema's metadata lists, unique indexes first, then the others and the checks. */
int lt_indexes_read(const struct lt_dialect *dialect, const struct ArrowSchema *schema,
                    const char *server, lt_left_out_fn *tell, void *arg,
                    struct lt_indexes *ret_indexes, struct leat_error *err);
void lt_indexes_done(struct lt_indexes *indexes);

/* For the record of a load that another process may finish: as JSON, statements ready, and back. */
struct lt_json;
struct lt_json_value;
void lt_indexes_put(const struct lt_indexes *indexes, struct lt_json *json);
int lt_indexes_take(const struct lt_json_value *list, struct lt_indexes *ret_indexes,
                    struct leat_error *err);

#endif
