/* Types of users' own as statements, and what two definitions differ in. Without a connection. */
#include "connectors/postgres/pg_own_types.h"

#include "sql/postgres.h"

#include <stdlib.h>

const struct pg_own_type *pg_own_find(const struct pg_own_types *types, const char *ns,
                                      const char *name)
{
    for (size_t i = 0; i < types->n; i++) {
        const struct pg_own_type *type = &types->items[i];
        if (!strcmp(pg_def_text(type->def, "ns"), ns) &&
            !strcmp(pg_def_text(type->def, "name"), name)) {
            return type;
        }
    }
    return NULL;
}

/* A REF of another definition, where it is not to be mapped: as the server that told it has it. */
static int put_ref_there(const struct lt_json_value *ref, struct lt_buf *out)
{
    const char *text = lt_json_string(lt_json_get(ref, "text"), NULL);
    return text ? lt_buf_puts(out, text)
                : lt_dialect_quote_name(&lt_dialect_postgres, pg_def_text(ref, "ns"),
                                        pg_def_text(ref, "name"), out) |
                      lt_buf_puts(out,
                                  lt_json_boolean(lt_json_get(ref, "array"), false) ? "[]" : "");
}

int pg_own_ref(const struct pg_own_types *types, const struct lt_json_value *ref,
               struct lt_buf *out)
{
    const char *text = lt_json_string(lt_json_get(ref, "text"), NULL);
    if (text) {
        return lt_dialect_plain_type(&lt_dialect_postgres, text) ? lt_buf_puts(out, text)
                                                                 : LEAT_UNSUPPORTED;
    }
    const struct pg_own_type *type =
        pg_own_find(types, pg_def_text(ref, "ns"), pg_def_text(ref, "name"));
    if (!type) {
        return LEAT_UNSUPPORTED;
    }
    return lt_buf_puts(out, type->quoted) |
           lt_buf_puts(out, lt_json_boolean(lt_json_get(ref, "array"), false) ? "[]" : "");
}

bool pg_own_has_expression(const struct lt_json_value *def)
{
    return lt_json_get(def, "default") || lt_json_count(lt_json_get(def, "checks")) ||
           lt_json_get(def, "subtype_diff");
}

static int put_collation(const struct lt_json_value *def, struct lt_buf *out)
{
    const char *collation = pg_def_text(def, "collation");
    if (!*collation) {
        return LEAT_OK;
    }
    return lt_dialect_plain_type(&lt_dialect_postgres, collation)
               ? lt_buf_printf(out, " COLLATE %s", collation)
               : LEAT_UNSUPPORTED;
}

static int put_enum(const struct pg_own_types *types, const struct lt_json_value *def,
                    const char *quoted, struct lt_buf *out)
{
    const struct lt_json_value *labels = lt_json_get(def, "labels");
    (void)types;
    int failed = lt_buf_printf(out, "CREATE TYPE %s AS ENUM (", quoted);
    for (size_t i = 0; i < lt_json_count(labels) && !failed; i++) {
        failed = lt_buf_puts(out, i ? ", " : "") |
                 pg_literal(out, lt_json_string(lt_json_at(labels, i), ""));
    }
    return failed ? failed : lt_buf_byte(out, ')');
}

/* A check that the rows that are there need not pass can only be added later. */
static bool is_later(const char *check)
{
    static const char later[] = " NOT VALID";
    size_t len = strlen(check);
    return len >= sizeof later && !strcmp(check + len - (sizeof later - 1), later);
}

static int put_checks(const struct lt_json_value *def, const char *quoted, bool later,
                      struct lt_buf *out)
{
    const struct lt_json_value *checks = lt_json_get(def, "checks");
    int failed = LEAT_OK;
    for (size_t i = 0; i < lt_json_count(checks) && !failed; i++) {
        const struct lt_json_value *check = lt_json_at(checks, i);
        const char *text = pg_def_text(check, "def");
        if (is_later(text) == later) {
            failed = later ? lt_buf_printf(out, "; ALTER DOMAIN %s ADD", quoted) : LEAT_OK;
            failed = failed || lt_buf_puts(out, " CONSTRAINT ") ||
                             pg_ident(out, pg_def_text(check, "name")) ||
                             lt_buf_printf(out, " %s", text)
                         ? LEAT_NO_MEMORY
                         : LEAT_OK;
        }
    }
    return failed;
}

static int put_domain(const struct pg_own_types *types, const struct lt_json_value *def,
                      const char *quoted, struct lt_buf *out)
{
    const char *text = lt_json_string(lt_json_get(def, "default"), NULL);
    int failed = lt_buf_printf(out, "CREATE DOMAIN %s AS ", quoted);
    failed = failed ? failed : pg_own_ref(types, lt_json_get(def, "base"), out);
    failed = failed ? failed : put_collation(def, out);
    if (!failed && text) {
        failed = lt_buf_printf(out, " DEFAULT %s", text);
    }
    if (!failed && lt_json_boolean(lt_json_get(def, "not_null"), false)) {
        failed = lt_buf_puts(out, " NOT NULL");
    }
    failed = failed ? failed : put_checks(def, quoted, false, out);
    return failed ? failed : put_checks(def, quoted, true, out);
}

static int put_composite(const struct pg_own_types *types, const struct lt_json_value *def,
                         const char *quoted, struct lt_buf *out)
{
    const struct lt_json_value *attributes = lt_json_get(def, "attributes");
    int failed = lt_buf_printf(out, "CREATE TYPE %s AS (", quoted);
    for (size_t i = 0; i < lt_json_count(attributes) && !failed; i++) {
        const struct lt_json_value *attribute = lt_json_at(attributes, i);
        failed = lt_buf_puts(out, i ? ", " : "") | pg_ident(out, pg_def_text(attribute, "name")) |
                 lt_buf_byte(out, ' ');
        failed = failed ? failed : pg_own_ref(types, lt_json_get(attribute, "type"), out);
        failed = failed ? failed : put_collation(attribute, out);
    }
    return failed ? failed : lt_buf_byte(out, ')');
}

static int put_range(const struct pg_own_types *types, const struct lt_json_value *def,
                     const char *quoted, struct lt_buf *out)
{
    const char *difference = pg_def_text(def, "subtype_diff"),
               *collation = pg_def_text(def, "collation");
    int failed = lt_buf_printf(out, "CREATE TYPE %s AS RANGE (SUBTYPE = ", quoted);
    failed = failed ? failed : pg_own_ref(types, lt_json_get(def, "subtype"), out);
    if (!failed && *difference) {
        failed = lt_buf_puts(out, ", SUBTYPE_DIFF = pg_catalog.") | pg_ident(out, difference);
    }
    if (!failed && *collation) {
        failed = lt_dialect_plain_type(&lt_dialect_postgres, collation)
                     ? lt_buf_printf(out, ", COLLATION = %s", collation)
                     : LEAT_UNSUPPORTED;
    }
    return failed ? failed : lt_buf_byte(out, ')');
}

/* --- what differs --------------------------------------------------------------------------- */

/* "'a', 'b'" */
static int list_label(struct lt_buf *list, const char *label)
{
    return lt_buf_puts(list, list->len ? ", " : "") | pg_literal(list, label);
}

static size_t find_label(const struct lt_json_value *labels, const char *label)
{
    size_t n = lt_json_count(labels);
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(lt_json_string(lt_json_at(labels, i), ""), label)) {
            return i;
        }
    }
    return n;
}

/* One statement for a label that is missing: behind the one that comes before it, or in front. */
static int add_label(const struct lt_json_value *labels, size_t i, const struct lt_json_value *here,
                     const char *quoted, struct lt_buf *widen)
{
    const char *first = lt_json_string(lt_json_at(here, 0), NULL);
    const char *beside = i ? lt_json_string(lt_json_at(labels, i - 1), "") : first;
    int failed = lt_buf_printf(widen, "%sALTER TYPE %s ADD VALUE IF NOT EXISTS ",
                               widen->len ? "; " : "", quoted) |
                 pg_literal(widen, lt_json_string(lt_json_at(labels, i), ""));
    if (!failed && beside) {
        failed = lt_buf_puts(widen, i ? " AFTER " : " BEFORE ") | pg_literal(widen, beside);
    }
    return failed;
}

/* Labels that are here alone do no harm, as long as the order of the others is the same. */
static int compare_enum(const struct pg_own_types *types, const struct lt_json_value *def,
                        const struct lt_json_value *here_def, const char *quoted,
                        enum pg_type_match *match, struct lt_buf *words, struct lt_buf *widen)
{
    const struct lt_json_value *labels = lt_json_get(def, "labels");
    const struct lt_json_value *here = lt_json_get(here_def, "labels");
    struct lt_buf missing = LT_BUF_INIT;
    size_t after = 0, n = 0;
    int failed = LEAT_OK;
    (void)types;
    for (size_t i = 0; i < lt_json_count(labels) && !failed && *match != PG_TYPE_DIFFERS; i++) {
        const char *label = lt_json_string(lt_json_at(labels, i), "");
        size_t at = find_label(here, label);
        if (at == lt_json_count(here)) {
            n++;
            failed = list_label(&missing, label) | add_label(labels, i, here, quoted, widen);
        } else if (at < after) {
            *match = PG_TYPE_DIFFERS;
            failed = lt_buf_printf(words, "its labels have another order, by ") |
                     pg_literal(words, label);
        } else {
            after = at + 1;
        }
    }
    if (!failed && n && *match != PG_TYPE_DIFFERS) {
        *match = PG_TYPE_LACKS_LABELS;
        failed = lt_buf_printf(words, "it lacks the label%s %s", n > 1 ? "s" : "",
                               lt_buf_text(&missing));
    }
    lt_buf_done(&missing);
    return failed;
}

/* Two texts, or what stands for none; `what` is said with both. */
static int compare_texts(const char *what, const char *there, const char *here,
                         enum pg_type_match *match, struct lt_buf *words)
{
    if (!strcmp(there, here) || *match == PG_TYPE_DIFFERS) {
        return LEAT_OK;
    }
    *match = PG_TYPE_DIFFERS;
    return lt_buf_printf(words, "its %s is %s, the source's is %s", what, *here ? here : "none",
                         *there ? there : "none");
}

static const char *last_part(const char *text)
{
    const char *last = strrchr(text, '.');
    return last ? last + 1 : text;
}

static int compare_refs(const struct pg_own_types *types, const char *what,
                        const struct lt_json_value *there, const struct lt_json_value *here,
                        enum pg_type_match *match, struct lt_buf *words)
{
    struct lt_buf a = LT_BUF_INIT, b = LT_BUF_INIT;
    /* An extension may lie in another schema. */
    bool bare = lt_json_boolean(lt_json_get(there, "extension"), false) &&
                lt_json_boolean(lt_json_get(here, "extension"), false);
    int failed = pg_own_ref(types, there, &a);
    failed = failed == LEAT_UNSUPPORTED ? put_ref_there(there, &a) : failed;
    failed = failed ? failed : put_ref_there(here, &b);
    if (!failed) {
        const char *mine = lt_buf_text(&a), *other = lt_buf_text(&b);
        failed = compare_texts(what, bare ? last_part(mine) : mine, bare ? last_part(other) : other,
                               match, words);
    }
    lt_buf_done(&a);
    lt_buf_done(&b);
    return failed;
}

static bool has_check(const struct lt_json_value *checks, const char *text)
{
    bool has = false;
    for (size_t i = 0; i < lt_json_count(checks); i++) {
        has = has || !strcmp(pg_def_text(lt_json_at(checks, i), "def"), text);
    }
    return has;
}

static int compare_checks(const struct lt_json_value *there, const struct lt_json_value *here,
                          const char *what, enum pg_type_match *match, struct lt_buf *words)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < lt_json_count(there) && !failed; i++) {
        const char *text = pg_def_text(lt_json_at(there, i), "def");
        if (*match != PG_TYPE_DIFFERS && !has_check(here, text)) {
            *match = PG_TYPE_DIFFERS;
            failed = lt_buf_printf(words, "%s %s", what, text);
        }
    }
    return failed;
}

/* Servers of different versions may say the same expression differently. */
static int compare_domain(const struct pg_own_types *types, const struct lt_json_value *def,
                          const struct lt_json_value *here, const char *quoted,
                          enum pg_type_match *match, struct lt_buf *words, struct lt_buf *widen)
{
    static const char *const nulls[] = {"NULL", "NOT NULL"};
    const struct lt_json_value *checks = lt_json_get(def, "checks");
    const struct lt_json_value *checks_here = lt_json_get(here, "checks");
    (void)quoted;
    (void)widen;
    int failed = compare_refs(types, "base type", lt_json_get(def, "base"),
                              lt_json_get(here, "base"), match, words);
    failed = failed ? failed
                    : compare_texts("collation", pg_def_text(def, "collation"),
                                    pg_def_text(here, "collation"), match, words);
    failed = failed ? failed
                    : compare_texts("nullability",
                                    nulls[lt_json_boolean(lt_json_get(def, "not_null"), false)],
                                    nulls[lt_json_boolean(lt_json_get(here, "not_null"), false)],
                                    match, words);
    if (failed || strcmp(pg_def_text(def, "server"), pg_def_text(here, "server")) != 0) {
        return failed;
    }
    failed = compare_texts("default", pg_def_text(def, "default"), pg_def_text(here, "default"),
                           match, words);
    failed = failed ? failed : compare_checks(checks, checks_here, "it lacks", match, words);
    return failed ? failed
                  : compare_checks(checks_here, checks, "the source's lacks", match, words);
}

static int compare_composite(const struct pg_own_types *types, const struct lt_json_value *def,
                             const struct lt_json_value *here, const char *quoted,
                             enum pg_type_match *match, struct lt_buf *words, struct lt_buf *widen)
{
    const struct lt_json_value *a = lt_json_get(def, "attributes");
    const struct lt_json_value *b = lt_json_get(here, "attributes");
    size_t n = LT_MAX(lt_json_count(a), lt_json_count(b));
    int failed = LEAT_OK;
    (void)quoted;
    (void)widen;
    for (size_t i = 0; i < n && !failed && *match != PG_TYPE_DIFFERS; i++) {
        const struct lt_json_value *there = lt_json_at(a, i), *mine = lt_json_at(b, i);
        char *what = lt_format("attribute %zu", i + 1);
        char *type = lt_format("attribute \"%s\"", pg_def_text(there, "name"));
        failed = what && type ? LEAT_OK : LEAT_NO_MEMORY;
        failed = failed ? failed
                        : compare_texts(what, pg_def_text(there, "name"), pg_def_text(mine, "name"),
                                        match, words);
        if (!failed && *match != PG_TYPE_DIFFERS) {
            failed = compare_refs(types, type, lt_json_get(there, "type"),
                                  lt_json_get(mine, "type"), match, words);
        }
        failed = failed ? failed
                        : compare_texts(type, pg_def_text(there, "collation"),
                                        pg_def_text(mine, "collation"), match, words);
        free(what);
        free(type);
    }
    return failed;
}

static int compare_range(const struct pg_own_types *types, const struct lt_json_value *def,
                         const struct lt_json_value *here, const char *quoted,
                         enum pg_type_match *match, struct lt_buf *words, struct lt_buf *widen)
{
    (void)quoted;
    (void)widen;
    int failed = compare_refs(types, "subtype", lt_json_get(def, "subtype"),
                              lt_json_get(here, "subtype"), match, words);
    return failed ? failed
                  : compare_texts("collation", pg_def_text(def, "collation"),
                                  pg_def_text(here, "collation"), match, words);
}

/* --- by kind -------------------------------------------------------------------------------- */

static const struct kind {
    const char *name, *word; /* as definitions and statements call it */
    int (*put)(const struct pg_own_types *types, const struct lt_json_value *def,
               const char *quoted, struct lt_buf *out);
    int (*compare)(const struct pg_own_types *types, const struct lt_json_value *def,
                   const struct lt_json_value *here, const char *quoted, enum pg_type_match *match,
                   struct lt_buf *words, struct lt_buf *widen);
} kinds[] = {
    {"enum", "TYPE", put_enum, compare_enum},
    {"domain", "DOMAIN", put_domain, compare_domain},
    {"composite", "TYPE", put_composite, compare_composite},
    {"range", "TYPE", put_range, compare_range},
};

static const struct kind *kind_of(const struct lt_json_value *def)
{
    const char *name = pg_def_text(def, "kind");
    for (size_t i = 0; i < LT_ARRAY_LEN(kinds); i++) {
        if (!strcmp(kinds[i].name, name)) {
            return &kinds[i];
        }
    }
    return NULL;
}

int pg_own_make_sql(const struct pg_own_types *types, const struct pg_own_type *type,
                    struct lt_buf *out)
{
    const struct kind *kind = kind_of(type->def);
    const char *comment = lt_json_string(lt_json_get(type->def, "comment"), NULL);
    if (!kind) {
        return LEAT_UNSUPPORTED;
    }
    int failed = kind->put(types, type->def, type->quoted, out);
    if (!failed && comment) {
        failed = lt_buf_printf(out, "; COMMENT ON %s %s IS ", kind->word, type->quoted) |
                 pg_literal(out, comment);
    }
    return failed;
}

int pg_own_compare(const struct pg_own_types *types, const struct lt_json_value *def,
                   const struct lt_json_value *here, const char *quoted,
                   enum pg_type_match *ret_match, struct lt_buf *words, struct lt_buf *widen)
{
    const struct kind *kind = kind_of(def), *other = kind_of(here);
    *ret_match = PG_TYPE_SAME;
    if (!kind || kind != other) {
        *ret_match = PG_TYPE_DIFFERS;
        return lt_buf_printf(words, "it is %s, the source's is a%s %s",
                             other ? other->name : "of another kind",
                             kind && kind->name[0] == 'e' ? "n" : "", kind ? kind->name : "type");
    }
    return kind->compare(types, def, here, quoted, ret_match, words, widen);
}
