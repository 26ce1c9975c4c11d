/* Types that users made (enums, domains, composites, ranges): what they are at a source, and the
 * same ones at a destination.
 *
 * A source's field says them as JSON in LT_META_TYPES:
 *   {"column": REF, "types": [DEFINITION, ...]}
 * `column` is the type as it is declared, `types` what it is made of, each after those it needs.
 * REF is {"text": "numeric(10,2)", "extension": false} for a type that is not made here, and
 * {"ns": "app", "name": "mood", "array": false} for one that is defined in `types`.
 * DEFINITION has kind ("enum", "domain", "composite", "range"), ns, name, home (it lies in the
 * namespace of its stream), server ("postgres:15"), comment, and of its kind
 *   labels; base, not_null, default, collation, checks [{name, def}];
 *   attributes [{name, type, collation}]; subtype, subtype_diff, collation.
 * Expressions name bare what lies in the stream's own namespace, as it is there and here.
 * Metadata also comes from files: names and labels reach a statement quoted, types as plain names,
 * and expressions only when they were read from a server just now. */
#ifndef LT_PG_OWN_TYPES_H
#define LT_PG_OWN_TYPES_H

#include "connectors/postgres/pg.h"
#include "core/json_read.h"

#define PG_SERVER_MAX 32

/* One type as this destination has it, or is to. */
struct pg_own_type {
    const struct lt_json_value *def; /* borrowed from a document of the list */
    char *ns;                        /* here */
    char *quoted;                    /* "ns"."name" here */
    char *make;                      /* statements that make it; NULL: it is here */
    char *widen; /* statements that add the labels it lacks; NULL: it lacks none */
};

/* Those that a stream needs, each after those it is made of. */
struct pg_own_types {
    struct pg_own_type *items;
    size_t n;
    struct lt_json_doc **docs;
    size_t n_docs;
};

/* Whose types are looked for, and where they go. */
struct pg_own_wish {
    const char *ns;                 /* the stream's at the destination */
    enum leat_schema_policy policy; /* evolve: labels that a type lacks are added */
    bool trusted;                   /* the definitions come from a server: their expressions too */
    struct pg_own_types *types;     /* found, or to be made */
};

/* What a column that has such a type is asked for as, as long as it is not made. */
enum pg_own_under { PG_UNDER_KNOWN, PG_UNDER_ENUM, PG_UNDER_TEXT, PG_UNDER_LIST };

struct pg_own_column {
    char *type;              /* its DDL type; NULL: no type of this kind */
    bool missing;            /* some of what it is made of is yet to be made */
    enum pg_own_under under; /* what lies under its domains */
    char *known;             /* PG_UNDER_KNOWN: that type */
};

/* A text of a definition or a REF; "" where it has none. */
static inline const char *pg_def_text(const struct lt_json_value *def, const char *key)
{
    return lt_json_string(lt_json_get(def, key), "");
}

/* --- pg_type_defs.c */
/* Whose expressions these are: servers of one major version read them the same. */
void pg_server_text(const struct leat_endpoint *ep, char text[PG_SERVER_MAX]);
/* The definitions of one type, as LT_META_TYPES says them of a stream in `ns`; NULL where it is none that can be
 * defined again. *ret_doc is the caller's. */
int pg_define_type(struct pg_conn *conn, uint32_t oid, const char *ns, struct lt_json_doc **ret_doc,
                   struct leat_error *err);

/* --- pg_type_text.c: without a connection */
enum pg_type_match { PG_TYPE_SAME, PG_TYPE_LACKS_LABELS, PG_TYPE_DIFFERS };

const struct pg_own_type *pg_own_find(const struct pg_own_types *types, const char *ns,
                                      const char *name);
/* Appends a REF as it is written here. LEAT_UNSUPPORTED, nothing set, for one that is not known or
 * no plain name. */
int pg_own_ref(const struct pg_own_types *types, const struct lt_json_value *ref,
               struct lt_buf *out);
/* Appends the statements that make a type here; LEAT_UNSUPPORTED as above. */
int pg_own_make_sql(const struct pg_own_types *types, const struct pg_own_type *type,
                    struct lt_buf *out);
bool pg_own_has_expression(const struct lt_json_value *def);
/* Compares a definition with that of the type here. `words` gets what differs, `widen` the
 * statements that add missing labels where they belong. LEAT_OK or LEAT_NO_MEMORY. */
int pg_own_compare(const struct pg_own_types *types, const struct lt_json_value *def,
                   const struct lt_json_value *here, const char *quoted,
                   enum pg_type_match *ret_match, struct lt_buf *words, struct lt_buf *widen);

/* --- pg_own_types.c */
void pg_own_types_done(struct pg_own_types *types);
/* Finds, or plans to make, what a column that comes needs. [unsupported-type] when it is another
 * one here, or cannot be made. ret_column->type NULL: the field says nothing of it that can be
 * used. */
int pg_own_column(struct pg_conn *conn, const struct pg_own_wish *wish,
                  const struct ArrowSchema *field, struct pg_own_column *ret_column,
                  struct leat_error *err);
/* Whether a column of the type `oid` has what pg_own_column() would give the field. Fails only where
 * the server cannot be asked. */
int pg_own_is(struct pg_conn *conn, const struct pg_own_wish *wish, const struct ArrowSchema *field,
              uint32_t oid, bool *ret_is, struct leat_error *err);
void pg_own_column_done(struct pg_own_column *column);
/* A column that is there, of the enum `oid` or an array of it: plans to add labels that it lacks;
 * [column-mismatch] where the policy says so. */
int pg_own_labels(struct pg_conn *conn, const struct pg_own_wish *wish,
                  const struct ArrowSchema *field, uint32_t oid, struct leat_error *err);
/* Makes what is missing for streams of a namespace, in a transaction of its own unless one is under way, and under a lock: who
 * comes second finds what the first one made. */
int pg_own_make(struct pg_conn *conn, const char *ns, struct pg_own_types *types,
                struct leat_error *err);

#endif
