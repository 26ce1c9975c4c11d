/* Defaults, indexes, foreign keys and checks, for `leat describe`. */
#include "cli/table_extras.h"
#include "cli/table.h"

#include "core/codes.h"
#include "core/json_read.h"
#include "core/util.h"

#include <stdlib.h>
#include <string.h>

#define NOTE_FIRST 1024
#define NOTE_MOST ((size_t)1 << 24) /* what is longer is no description of a table */

/* A list that is none, where the metadata have it not, or nothing that can be read. */
static struct lt_json_doc *read_note(const struct ArrowSchema *schema, const char *key, int *failed)
{
    struct lt_json_doc *doc = NULL;
    char *text = NULL;
    bool whole = false;
    for (size_t size = NOTE_FIRST; !whole && size <= NOTE_MOST; size *= 4) {
        char *grown = realloc(text, size);
        if (!grown) {
            *failed |= LEAT_NO_MEMORY;
            break;
        }
        text = grown;
        if (!leat_field_note(schema, key, text, size)) {
            break;
        }
        whole = strlen(text) + 1 < size; /* a text that fills the room was cut */
    }
    if (whole && lt_json_doc_parse(text, strlen(text), &doc, NULL) == LEAT_NO_MEMORY) {
        *failed |= LEAT_NO_MEMORY;
    }
    free(text);
    return doc;
}

/* --- JSON ----------------------------------------------------------------------------------- */

enum member_kind { TEXT, FLAG, TEXTS, COLUMNS };

struct member {
    const char *key;
    enum member_kind kind;
};

#define MEMBERS_END                                                                                \
    {                                                                                              \
        NULL, TEXT                                                                                 \
    }

static const struct member column_members[] = {
    {"name", TEXT},      {"expr", TEXT},    {"desc", FLAG}, {"nulls", TEXT},
    {"collation", TEXT}, {"opclass", TEXT}, MEMBERS_END};

static const struct member index_members[] = {
    {"name", TEXT},       {"method", TEXT},     {"unique", FLAG},   {"constraint", FLAG},
    {"exclusion", FLAG},  {"deferrable", FLAG}, {"deferred", FLAG}, {"nulls_equal", FLAG},
    {"columns", COLUMNS}, {"include", TEXTS},   {"where", TEXT},    MEMBERS_END};

static const struct member foreign_members[] = {
    {"name", TEXT},         {"columns", TEXTS},  {"ref_ns", TEXT},    {"ref_table", TEXT},
    {"ref_columns", TEXTS}, {"on_delete", TEXT}, {"on_update", TEXT}, MEMBERS_END};

static const struct member check_members[] = {{"name", TEXT}, {"expr", TEXT}, MEMBERS_END};

static const struct member default_members[] = {
    {"constant", TEXT}, {"is", TEXT}, {"expr", TEXT}, MEMBERS_END};

static void put_object(struct lt_json *json, const struct lt_json_value *value,
                       const struct member *members);

static void put_member(struct lt_json *json, const struct lt_json_value *value,
                       enum member_kind kind)
{
    if (kind == TEXT) {
        lt_json_text(json, lt_json_string(value, NULL));
        return;
    }
    if (kind == FLAG) {
        lt_json_bool(json, lt_json_boolean(value, false));
        return;
    }
    lt_json_array(json);
    for (size_t i = 0; i < lt_json_count(value); i++) {
        if (kind == COLUMNS) {
            put_object(json, lt_json_at(value, i), column_members);
        } else {
            lt_json_text(json, lt_json_string(lt_json_at(value, i), NULL));
        }
    }
    lt_json_array_end(json);
}

/* The members that it has. */
static void put_object(struct lt_json *json, const struct lt_json_value *value,
                       const struct member *members)
{
    lt_json_object(json);
    for (; members->key; members++) {
        const struct lt_json_value *member = lt_json_get(value, members->key);
        if (member) {
            lt_json_key(json, members->key);
            put_member(json, member, members->kind);
        }
    }
    lt_json_object_end(json);
}

void extras_json_default(const struct ArrowSchema *field, struct lt_json *json)
{
    struct lt_json_doc *doc = read_note(field, "leat.default", &json->failed);
    lt_json_key(json, "default");
    if (doc) {
        put_object(json, lt_json_root(doc), default_members);
    } else {
        lt_json_null(json);
    }
    lt_json_doc_free(doc);
}

void extras_json(const struct ArrowSchema *schema, struct lt_json *json)
{
    static const struct {
        const char *note, *key;
        const struct member *members;
    } lists[] = {{"leat.indexes", "indexes", index_members},
                 {"leat.foreign_keys", "foreign_keys", foreign_members},
                 {"leat.checks", "checks", check_members}};
    for (size_t i = 0; i < LT_ARRAY_LEN(lists); i++) {
        struct lt_json_doc *doc = read_note(schema, lists[i].note, &json->failed);
        const struct lt_json_value *list = lt_json_root(doc);
        lt_json_key(json, lists[i].key);
        lt_json_array(json);
        for (size_t k = 0; k < lt_json_count(list); k++) {
            put_object(json, lt_json_at(list, k), lists[i].members);
        }
        lt_json_array_end(json);
        lt_json_doc_free(doc);
    }
}

/* --- for people ----------------------------------------------------------------------------- */

/* A number or a truth value as it is, a text in quotes. */
static int put_constant(const char *text, struct lt_buf *out)
{
    bool number = *text && !text[strspn(text, "+-.0123456789eE")] && strpbrk(text, "0123456789");
    bool plain = number || !strcmp(text, "true") || !strcmp(text, "false");
    int failed = lt_buf_puts(out, plain ? text : "'");
    for (const char *p = text; !plain && *p; p++) {
        failed |= lt_buf_puts(out, *p == '\'' ? "'" : "") | lt_buf_byte(out, (uint8_t)*p);
    }
    return failed | lt_buf_puts(out, plain ? "" : "'");
}

int extras_put_default(const struct ArrowSchema *field, struct lt_buf *out)
{
    int failed = LEAT_OK;
    struct lt_json_doc *doc = read_note(field, "leat.default", &failed);
    const struct lt_json_value *value = lt_json_root(doc);
    const char *constant = lt_json_string(lt_json_get(value, "constant"), NULL);
    const char *is = lt_json_string(lt_json_get(value, "is"), NULL);
    const char *expr = lt_json_string(lt_json_get(value, "expr"), NULL);
    if (constant) {
        failed |= lt_buf_puts(out, "default ") | put_constant(constant, out);
    } else if (is || expr) {
        failed |= lt_buf_printf(out, "default %s", is ? is : expr);
    }
    lt_json_doc_free(doc);
    return failed;
}

/* Appends ", " unless nothing stands before. */
static int put_comma(struct lt_buf *out)
{
    return lt_buf_puts(out, out->len ? ", " : "");
}

static int put_names(const struct lt_json_value *names, struct lt_buf *out)
{
    int failed = LEAT_OK;
    for (size_t i = 0; i < lt_json_count(names); i++) {
        failed |= put_comma(out) | lt_buf_puts(out, lt_json_string(lt_json_at(names, i), ""));
    }
    return failed;
}

/* A column of an index: nulls are told of where they stand elsewhere than they do by themselves. */
static int put_index_column(const struct lt_json_value *column, struct lt_buf *out)
{
    bool desc = lt_json_boolean(lt_json_get(column, "desc"), false);
    const char *nulls = lt_json_string(lt_json_get(column, "nulls"), NULL);
    const char *collation = lt_json_string(lt_json_get(column, "collation"), NULL);
    const char *opclass = lt_json_string(lt_json_get(column, "opclass"), NULL);
    const char *name = lt_json_string(lt_json_get(column, "name"), NULL);
    int failed = lt_buf_puts(out, name ? name : lt_json_string(lt_json_get(column, "expr"), ""));
    if (collation) {
        failed |= lt_buf_printf(out, " collate %s", collation);
    }
    if (opclass) {
        failed |= lt_buf_printf(out, " %s", opclass);
    }
    failed |= lt_buf_puts(out, desc ? " desc" : "");
    if (nulls && strcmp(nulls, desc ? "first" : "last") != 0) {
        failed |= lt_buf_printf(out, " nulls %s", nulls);
    }
    return failed;
}

static int put_index_columns(const struct lt_json_value *index, struct lt_buf *out)
{
    const struct lt_json_value *columns = lt_json_get(index, "columns");
    int failed = LEAT_OK;
    for (size_t i = 0; i < lt_json_count(columns); i++) {
        failed |= put_comma(out) | put_index_column(lt_json_at(columns, i), out);
    }
    return failed;
}

/* "unique constraint, deferrable, include (c), where (x > 0)" */
static int put_index_words(const struct lt_json_value *index, struct lt_buf *out)
{
    static const char *const flags[][2] = {{"exclusion", "exclusion constraint"},
                                           {"deferrable", "deferrable"},
                                           {"deferred", "initially deferred"},
                                           {"nulls_equal", "nulls are equal"}};
    const char *method = lt_json_string(lt_json_get(index, "method"), "btree");
    const char *where = lt_json_string(lt_json_get(index, "where"), NULL);
    const struct lt_json_value *include = lt_json_get(index, "include");
    bool constraint = lt_json_boolean(lt_json_get(index, "constraint"), false);
    int failed = LEAT_OK;
    if (lt_json_boolean(lt_json_get(index, "unique"), false)) {
        failed |= lt_buf_puts(out, constraint ? "unique constraint" : "unique");
    }
    if (strcmp(method, "btree") != 0) {
        failed |= put_comma(out) | lt_buf_puts(out, method);
    }
    for (size_t i = 0; i < LT_ARRAY_LEN(flags); i++) {
        if (lt_json_boolean(lt_json_get(index, flags[i][0]), false)) {
            failed |= put_comma(out) | lt_buf_puts(out, flags[i][1]);
        }
    }
    if (lt_json_count(include)) {
        struct lt_buf names = LT_BUF_INIT;
        failed |= put_names(include, &names);
        failed |= put_comma(out) | lt_buf_printf(out, "include (%s)", lt_buf_text(&names));
        lt_buf_done(&names);
    }
    if (where) { /* SQLite does not say which rows */
        failed |=
            put_comma(out) | lt_buf_printf(out, *where ? "where %s" : "of some rows%s", where);
    }
    return failed;
}

static int put_name(const struct lt_json_value *item, struct lt_buf *out)
{
    return lt_buf_puts(out, lt_json_string(lt_json_get(item, "name"), ""));
}

static int put_condition(const struct lt_json_value *check, struct lt_buf *out)
{
    return lt_buf_puts(out, lt_json_string(lt_json_get(check, "expr"), ""));
}

static int put_own_columns(const struct lt_json_value *key, struct lt_buf *out)
{
    return put_names(lt_json_get(key, "columns"), out);
}

/* "public.orders (id)" */
static int put_reference(const struct lt_json_value *key, struct lt_buf *out)
{
    const char *ns = lt_json_string(lt_json_get(key, "ref_ns"), "");
    struct lt_buf names = LT_BUF_INIT;
    int failed = put_names(lt_json_get(key, "ref_columns"), &names);
    failed |= lt_buf_printf(out, "%s%s%s (%s)", ns, *ns ? "." : "",
                            lt_json_string(lt_json_get(key, "ref_table"), ""), lt_buf_text(&names));
    lt_buf_done(&names);
    return failed;
}

/* What becomes of the rows; what every key does is not told. */
static int put_actions(const struct lt_json_value *key, struct lt_buf *out)
{
    static const char *const actions[][2] = {{"on_delete", "on delete"},
                                             {"on_update", "on update"}};
    int failed = LEAT_OK;
    for (size_t i = 0; i < LT_ARRAY_LEN(actions); i++) {
        const char *does = lt_json_string(lt_json_get(key, actions[i][0]), "NO ACTION");
        if (strcmp(does, "NO ACTION") != 0) {
            failed |= put_comma(out) | lt_buf_printf(out, "%s %s", actions[i][1], does);
        }
    }
    return failed;
}

#define COLUMNS_MAX 4

struct section {
    const char *note, *title;
    struct table_column columns[COLUMNS_MAX];
    int (*cells[COLUMNS_MAX])(const struct lt_json_value *item, struct lt_buf *out);
    size_t n;
};

static const struct section sections[] = {
    {"leat.indexes",
     "Indexes",
     {{"name", false}, {"columns", false}, {"kind", false}},
     {put_name, put_index_columns, put_index_words},
     3},
    {"leat.foreign_keys",
     "Foreign keys",
     {{"name", false}, {"columns", false}, {"refers to", false}, {"then", false}},
     {put_name, put_own_columns, put_reference, put_actions},
     4},
    {"leat.checks",
     "Checks",
     {{"name", false}, {"condition", false}},
     {put_name, put_condition},
     2},
};

/* Whether any item has something to show in this column. */
static bool any_text(const struct lt_json_value *list,
                     int (*cell)(const struct lt_json_value *, struct lt_buf *), int *failed)
{
    struct lt_buf text = LT_BUF_INIT;
    for (size_t i = 0; i < lt_json_count(list) && !text.len; i++) {
        *failed |= cell(lt_json_at(list, i), &text);
    }
    bool any = text.len > 0;
    lt_buf_done(&text);
    return any;
}

static int print_section(const struct section *section, const struct lt_json_value *list,
                         bool color, struct leat_error *err)
{
    struct table_column columns[COLUMNS_MAX];
    int (*cells[COLUMNS_MAX])(const struct lt_json_value *, struct lt_buf *);
    struct table table;
    size_t n = 0;
    int failed = LEAT_OK;
    for (size_t c = 0; c < section->n; c++) {
        if (any_text(list, section->cells[c], &failed)) {
            columns[n] = section->columns[c];
            cells[n++] = section->cells[c];
        }
    }
    if (!n) {
        return failed ? lt_fail_oom(err) : LEAT_OK;
    }
    printf("\n%s\n\n", section->title);
    int rc = table_init(&table, stdout, color, columns, n, err);
    for (size_t i = 0; !rc && i < lt_json_count(list); i++) {
        for (size_t c = 0; c < n; c++) {
            struct lt_buf text = LT_BUF_INIT;
            failed |= cells[c](lt_json_at(list, i), &text);
            table_cell(&table, lt_buf_text(&text), text.len);
            lt_buf_done(&text);
        }
    }
    if (!rc) {
        table_flush(&table);
        rc = table.failed || failed ? lt_fail_oom(err) : LEAT_OK;
    }
    table_done(&table);
    return rc;
}

int extras_print(const struct ArrowSchema *schema, bool color, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < LT_ARRAY_LEN(sections); i++) {
        int failed = LEAT_OK;
        struct lt_json_doc *doc = read_note(schema, sections[i].note, &failed);
        rc = failed ? lt_fail_oom(err) : print_section(&sections[i], lt_json_root(doc), color, err);
        lt_json_doc_free(doc);
    }
    return rc;
}
