/* How a SQL system quotes, types and creates: one const table a system, as data.
 *
 * The type tables are those of the connector (leat/connector.h), and docs/types.md is generated
 * from them: a row says all there is to say. */
#ifndef LT_DIALECT_H
#define LT_DIALECT_H

#include "columnar/schema.h"
#include "leat/connector.h"

/* Another spelling of a system type, as catalogs print it ("integer" for "int4"). */
struct lt_type_alias {
    const char *alias;
    const char *system;
};

/* Types of one family hold each other's values as far as their argument goes: how many characters,
 * bits, or digits of a second. Of `kind` EXACT a value has just so many, of PADDED blanks fill it up,
 * which count for nothing, and of ANY nobody looks at the argument. */
enum lt_type_kind { LT_TYPE_VARYING, LT_TYPE_PADDED, LT_TYPE_EXACT, LT_TYPE_ANY };
struct lt_type_family {
    const char *name; /* lower-case, without its argument */
    const char *family;
    enum lt_type_kind kind;
    int bare; /* the argument that it has when none is said; INT_MAX: no limit */
};

struct lt_merge_words;
struct lt_extra_words;

#define LT_DIALECT_TYPE_MAX 512

struct lt_dialect {
    const char *name;                      /* "postgres": also the prefix of leat.source_type */
    char quote;                            /* '"' */
    size_t identifier_bytes_max;           /* 63 */
    const struct leat_type_in *in;         /* end with a NULL system */
    const struct leat_type_out *out;       /* end with a NULL canonical */
    const struct lt_type_alias *aliases;   /* end with a NULL alias; NULL: none */
    const struct lt_type_family *families; /* end with a NULL name; NULL: none */
    bool retypes;                          /* ALTER COLUMN ... TYPE, DROP NOT NULL are understood */
    bool has_identity;                     /* GENERATED ... AS IDENTITY is understood */
    /* For systems that take any name as a type: the words that say how values are stored, NULL at
     * the end. A type that no row of `out` brings back exactly is then declared by its canonical
     * name and such a word, quoted as one identifier: "list<int64> TEXT". The word is the one that
     * its row holds, else the first. NULL: no such names. */
    const char *const *storage_words;
    const struct lt_merge_words *merge;  /* sql/merge.h; NULL: it cannot merge */
    const struct lt_extra_words *extras; /* sql/extras.h; NULL: no defaults, no indexes */
};

/* Appends an identifier quoted (always quoted: what the user sees is what there is). */
int lt_dialect_quote(const struct lt_dialect *dialect, const char *identifier, struct lt_buf *out);
/* "ns"."name", or "name" alone when ns is NULL or "". */
int lt_dialect_quote_name(const struct lt_dialect *dialect, const char *ns, const char *name,
                          struct lt_buf *out);
/* A string literal with '' doubled (standard_conforming_strings). */
int lt_dialect_literal(const struct lt_dialect *dialect, const char *text, struct lt_buf *out);

/* A name no longer than the dialect's limit: too long a one is cut at a UTF-8 boundary and ends
 * in _ and 8 hex digits of the whole name's hash. */
int lt_dialect_generated_name(const struct lt_dialect *dialect, const char *prefix,
                              const char *name, struct lt_buf *out);

/* Makes a field (nullable, unnamed) for a system type; args as the catalog gives them, -1 for
 * absent. An unknown type becomes utf8 with leat.source_type. `system_full` ("numeric(10,2)",
 * "inet") is kept as leat.source_type = "<dialect>:<system_full>", but for the type that plain utf8
 * or binary becomes here anyway. */
int lt_dialect_field(const struct lt_dialect *dialect, const char *system, const char *system_full,
                     int arg1, int arg2, struct ArrowSchema *ret_field, struct leat_error *err);

/* The same from a type as DDL writes it: "numeric(10,2)", "timestamp with time zone", "int4[]".
 * Aliases are resolved; the whole text is kept as leat.source_type. */
int lt_dialect_parse(const struct lt_dialect *dialect, const char *text,
                     struct ArrowSchema *ret_field, struct leat_error *err);

/* A type as DDL writes it, taken apart: "name(1,2) more[]". */
struct lt_type_words {
    char name[LT_DIALECT_TYPE_MAX]; /* lower-case: name and more joined by a space */
    int args[2];                    /* -1: absent */
    bool list;
};
/* False: too long, or no name. */
bool lt_dialect_split(const char *text, struct lt_type_words *ret_words);

/* An array ("inet[]") of a type without a word here: a list of texts, each of its type. */
int lt_dialect_foreign_list(const struct lt_dialect *dialect, const char *system_full,
                            struct ArrowSchema *ret_field, struct leat_error *err);

/* Whether the text is a type's name with its arguments and nothing else. */
bool lt_dialect_plain_type(const struct lt_dialect *dialect, const char *text);

/* The type text of a field's leat.source_type, where it is this dialect's, and a plain type name:
 * metadata also comes from files, and must not smuggle other SQL into a statement. *ret_same: it
 * describes the field's storage, so that values go there as they are. */
bool lt_dialect_own_type(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                         char text[LT_DIALECT_TYPE_MAX], bool *ret_same);
/* The same of leat.domain: the type of the user's own that the source had over its base type. */
#define LT_META_DOMAIN "leat.domain"
bool lt_dialect_own_domain(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                           char text[LT_DIALECT_TYPE_MAX]);

/* True when the text is a canonical name with a storage word, as lt_dialect_type() writes it; the
 * name must be just as lt_type_print() writes it. */
bool lt_dialect_canonical(const struct lt_dialect *dialect, const char *text,
                          struct ArrowSchema *ret_field);

/* Appends the DDL type of a field. Its own type (above) wins while it describes the
 * storage. LEAT_UNSUPPORTED [unsupported-type] names the
 * canonical type and the note. */
int lt_dialect_type(const struct lt_dialect *dialect, const struct ArrowSchema *field,
                    struct lt_buf *out, struct leat_error *err);

/* Appends CREATE TABLE <quoted name> (columns, NOT NULL, DEFAULT as lt_defaults_fit() left it,
 * PRIMARY KEY from leat.key), no ';'. types:
 * DDL types as many as columns; NULL: lt_dialect_type() of each. */
int lt_dialect_create_table(const struct lt_dialect *dialect, const char *quoted_name,
                            const struct ArrowSchema *schema, const char *const *types,
                            struct lt_buf *out, struct leat_error *err);

/* Matches what comes with what an existing table has, by name. Every fault is collected:
 * columns of the source the table lacks, columns the table demands (not nullable, no default:
 * field metadata leat.required = "1") and the source lacks, and pairs whose cast is refused.
 * On success *ret_schema has the source's columns, in source order, with the table's types:
 * what the engine is to cast to. On failure [column-mismatch] lists all faults, one after the
 * other, in one message. */
#define LT_META_REQUIRED "leat.required"
int lt_dialect_match(const struct ArrowSchema *incoming, const struct ArrowSchema *table,
                     struct ArrowSchema *ret_schema, struct leat_error *err);

#endif
