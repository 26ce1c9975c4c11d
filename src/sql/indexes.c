/* Indexes, unique constraints and checks: from the stream's metadata to what follows the table's
 * name in CREATE INDEX. */
#include "sql/extras.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/json_read.h"
#include "core/util.h"

#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

#define INDEXES_MAX 1000

static const char other_expression[] =
    "it has an expression that is another system's, or names what is not the server's own";

/* What is being read. */
struct reading {
    const struct lt_dialect *dialect;
    const struct ArrowSchema *schema;
    const char *server;
    const char *why; /* the index cannot be made: the reason */
    int failed;
};

static const char *known_word(const char *const *words, const char *text)
{
    for (; *words; words++) {
        if (!strcasecmp(*words, text)) {
            return *words;
        }
    }
    return NULL;
}

static const char *text_of(const struct lt_json_value *object, const char *key)
{
    return lt_json_string(lt_json_get(object, key), NULL);
}

/* Was it read from a server of this very kind? Then it may be taken as it is. */
static bool is_own(const struct reading *at, const struct lt_json_value *object)
{
    const char *server = text_of(object, "server");
    return at->server && server && !strcmp(server, at->server);
}

static void put(struct reading *at, struct lt_buf *out, const char *text)
{
    at->failed |= lt_buf_puts(out, text);
}

/* How a column is compared and where its nulls lie. */
static void put_order(struct reading *at, const struct lt_json_value *column, bool own,
                      struct lt_buf *body)
{
    const struct lt_extra_words *words = at->dialect->extras;
    const char *collation = text_of(column, "collation"), *opclass = text_of(column, "opclass");
    const char *nulls = text_of(column, "nulls");
    bool desc = lt_json_boolean(lt_json_get(column, "desc"), false);
    const char *known = collation ? known_word(words->collations, collation) : NULL;
    if (collation && !known) {
        at->why = "its collation is not known here";
    } else if (collation && words->using_method) {
        put(at, body, " COLLATE pg_catalog.");
        at->failed |= lt_dialect_quote(at->dialect, known, body);
    } else if (collation && strcmp(known, "C") != 0 && strcmp(known, "POSIX") != 0) {
        put(at, body, " COLLATE ");
        put(at, body, known);
    }
    if (opclass && !own) {
        at->why = "it has an operator class of another system";
    } else if (opclass) {
        put(at, body, " pg_catalog.");
        at->failed |= lt_dialect_quote(at->dialect, opclass, body);
    }
    put(at, body, desc ? " DESC" : "");
    if (nulls && words->using_method && !strcmp(nulls, "first") != desc) {
        put(at, body, desc ? " NULLS LAST" : " NULLS FIRST");
    }
}

static bool put_column(struct reading *at, const char *name, struct lt_buf *body)
{
    if (!name || lt_schema_find(at->schema, name) < 0) {
        at->why = "it has a column that is not copied";
        return false;
    }
    at->failed |= lt_dialect_quote(at->dialect, name, body);
    return true;
}

static void put_columns(struct reading *at, const struct lt_json_value *index, struct lt_buf *body,
                        struct lt_buf *names)
{
    const struct lt_json_value *columns = lt_json_get(index, "columns");
    put(at, body, " (");
    for (size_t i = 0; i < lt_json_count(columns) && !at->why; i++) {
        const struct lt_json_value *column = lt_json_at(columns, i);
        const char *name = text_of(column, "name"), *expr = text_of(column, "expr");
        put(at, body, i ? ", " : "");
        if (expr && is_own(at, index)) {
            at->failed |= lt_buf_printf(body, "(%s)", expr);
        } else if (expr) {
            at->why = other_expression;
        } else {
            put_column(at, name, body);
        }
        at->failed |= lt_buf_printf(names, "%s%s", i ? "_" : "", expr || !name ? "expr" : name);
        put_order(at, column, is_own(at, index), body);
    }
    put(at, body, ")");
    at->why = lt_json_count(columns) ? at->why : "it has no columns";
}

static void put_include(struct reading *at, const struct lt_json_value *index, struct lt_buf *body)
{
    const struct lt_json_value *include = lt_json_get(index, "include");
    for (size_t i = 0; i < lt_json_count(include) && !at->why; i++) {
        put(at, body, i ? ", " : " INCLUDE (");
        put_column(at, lt_json_string(lt_json_at(include, i), NULL), body);
    }
    put(at, body, lt_json_count(include) ? ")" : "");
}

static void read_index(struct reading *at, const struct lt_json_value *index, struct lt_index *item)
{
    const struct lt_extra_words *words = at->dialect->extras;
    struct lt_buf body = LT_BUF_INIT, names = LT_BUF_INIT;
    const char *method = text_of(index, "method"), *where = text_of(index, "where");
    const char *known = known_word(words->methods, method ? method : "btree");
    item->unique = lt_json_boolean(lt_json_get(index, "unique"), false);
    item->constraint = lt_json_boolean(lt_json_get(index, "constraint"), false);
    item->deferrable = lt_json_boolean(lt_json_get(index, "deferrable"), false);
    item->deferred = lt_json_boolean(lt_json_get(index, "deferred"), false);
    bool excludes = lt_json_boolean(lt_json_get(index, "exclusion"), false);
    at->why = excludes ? "it is an exclusion constraint"
              : known  ? NULL
                       : "its method is not known here";
    if (known && words->using_method) {
        at->failed |= lt_buf_printf(&body, " USING %s", known);
    }
    if (!at->why) {
        put_columns(at, index, &body, &names);
    }
    if (words->using_method) {
        put_include(at, index, &body);
    }
    if (lt_json_boolean(lt_json_get(index, "nulls_equal"), false)) {
        at->why = is_own(at, index) ? at->why : "nulls are equal in it";
        put(at, &body, " NULLS NOT DISTINCT");
    }
    if (where && is_own(at, index)) {
        at->failed |= lt_buf_printf(&body, " WHERE %s", where);
    } else if (where) {
        at->why = other_expression;
    }
    item->body = at->failed ? NULL : lt_buf_take(&body);
    item->words = at->failed ? NULL : lt_buf_take(&names);
    lt_buf_done(&body);
    lt_buf_done(&names);
}

static void read_check(struct reading *at, const struct lt_json_value *check, struct lt_index *item)
{
    const char *expr = text_of(check, "expr");
    item->check = true;
    at->why = expr && is_own(at, check) ? NULL : other_expression;
    item->body = lt_strdup(expr ? expr : "");
    item->words = lt_strdup("");
}

static void item_done(struct lt_index *item)
{
    free(item->name);
    free(item->words);
    free(item->body);
    *item = (struct lt_index){.name = NULL};
}

static int tell_left(lt_left_out_fn *tell, void *arg, const struct lt_index *item, const char *why,
                     struct leat_error *err)
{
    if (!tell) {
        return LEAT_OK;
    }
    char *what = lt_format("%s \"%s\"",
                           item->check        ? "the check"
                           : item->constraint ? "the constraint"
                                              : "the index",
                           *item->name ? item->name : item->words);
    if (!what) {
        return lt_fail_oom(err);
    }
    tell(arg, what, why);
    free(what);
    return LEAT_OK;
}

/* One array of the metadata. */
static int read_list(struct reading *at, const char *key, lt_left_out_fn *tell, void *arg,
                     struct lt_indexes *indexes, struct leat_error *err)
{
    size_t len = 0;
    const char *text = lt_schema_meta(at->schema, key, &len);
    struct lt_json_doc *doc = NULL;
    if (!text || !at->dialect->extras) {
        return LEAT_OK;
    }
    int status = lt_json_doc_parse(text, len, &doc, err);
    const struct lt_json_value *list = lt_json_root(doc);
    size_t n = LT_MIN(lt_json_count(list), (size_t)INDEXES_MAX);
    struct lt_index *grown =
        status ? NULL : realloc(indexes->items, (indexes->n + n + 1) * sizeof *grown);
    if (!status && !grown) {
        status = lt_fail_oom(err);
    }
    indexes->items = grown ? grown : indexes->items;
    for (size_t i = 0; i < n && !status; i++) {
        const struct lt_json_value *value = lt_json_at(list, i);
        const char *name = text_of(value, "name");
        struct lt_index item = {.name = lt_strdup(name ? name : "")};
        if (!strcmp(key, LT_META_CHECKS)) {
            read_check(at, value, &item);
        } else {
            read_index(at, value, &item);
        }
        if (!item.name || !item.words || !item.body) {
            status = lt_fail_oom(err);
        } else if (at->why) {
            status = tell_left(tell, arg, &item, at->why, err);
        } else {
            indexes->items[indexes->n++] = item;
            continue;
        }
        item_done(&item);
    }
    lt_json_doc_free(doc);
    return status;
}

static int by_rank(const void *a, const void *b)
{
    const struct lt_index *x = a, *y = b;
    int rank = (x->check ? 2 : !x->unique) - (y->check ? 2 : !y->unique);
    return rank ? rank : strcmp(x->name, y->name);
}

int lt_indexes_read(const struct lt_dialect *dialect, const struct ArrowSchema *schema,
                    const char *server, lt_left_out_fn *tell, void *arg,
                    struct lt_indexes *ret_indexes, struct leat_error *err)
{
    struct lt_indexes indexes = {.n = 0};
    struct reading at = {.dialect = dialect, .schema = schema, .server = server};
    int status = read_list(&at, LT_META_INDEXES, tell, arg, &indexes, err);
    status = status ? status : read_list(&at, LT_META_CHECKS, tell, arg, &indexes, err);
    if (status) {
        lt_indexes_done(&indexes);
        return status;
    }
    if (indexes.n) {
        qsort(indexes.items, indexes.n, sizeof *indexes.items, by_rank);
    }
    *ret_indexes = indexes;
    return LEAT_OK;
}

void lt_indexes_done(struct lt_indexes *indexes)
{
    for (size_t i = 0; i < indexes->n; i++) {
        item_done(&indexes->items[i]);
    }
    free(indexes->items);
    *indexes = (struct lt_indexes){.n = 0};
}

/* --- as a record --------------------------------------------------------------------------- */

static const struct {
    const char *key;
    size_t at;
} texts[] = {{"name", offsetof(struct lt_index, name)},
             {"words", offsetof(struct lt_index, words)},
             {"body", offsetof(struct lt_index, body)}},
  flags[] = {{"check", offsetof(struct lt_index, check)},
             {"unique", offsetof(struct lt_index, unique)},
             {"constraint", offsetof(struct lt_index, constraint)},
             {"deferrable", offsetof(struct lt_index, deferrable)},
             {"deferred", offsetof(struct lt_index, deferred)}};

void lt_indexes_put(const struct lt_indexes *indexes, struct lt_json *json)
{
    lt_json_array(json);
    for (size_t i = 0; i < indexes->n; i++) {
        const char *item = (const char *)&indexes->items[i];
        lt_json_object(json);
        for (size_t k = 0; k < LT_ARRAY_LEN(texts); k++) {
            lt_json_key(json, texts[k].key);
            lt_json_text(json, *(char *const *)(item + texts[k].at));
        }
        for (size_t k = 0; k < LT_ARRAY_LEN(flags); k++) {
            lt_json_key(json, flags[k].key);
            lt_json_bool(json, *(const bool *)(item + flags[k].at));
        }
        lt_json_object_end(json);
    }
    lt_json_array_end(json);
}

int lt_indexes_take(const struct lt_json_value *list, struct lt_indexes *ret_indexes,
                    struct leat_error *err)
{
    size_t n = LT_MIN(lt_json_count(list), (size_t)INDEXES_MAX);
    struct lt_indexes indexes = {.items = calloc(n + 1, sizeof *indexes.items), .n = n};
    bool whole = indexes.items;
    for (size_t i = 0; whole && i < n; i++) {
        const struct lt_json_value *value = lt_json_at(list, i);
        char *item = (char *)&indexes.items[i];
        for (size_t k = 0; k < LT_ARRAY_LEN(texts); k++) {
            char *text = lt_strdup(lt_json_string(lt_json_get(value, texts[k].key), ""));
            *(char **)(item + texts[k].at) = text;
            whole = whole && text;
        }
        for (size_t k = 0; k < LT_ARRAY_LEN(flags); k++) {
            *(bool *)(item + flags[k].at) =
                lt_json_boolean(lt_json_get(value, flags[k].key), false);
        }
    }
    if (!whole) {
        indexes.n = indexes.items ? n : 0;
        lt_indexes_done(&indexes);
        return lt_fail_oom(err);
    }
    *ret_indexes = indexes;
    return LEAT_OK;
}
