/* What --with carries over. */
#include "engine/carry.h"

#include "engine/unit.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/json_read.h"
#include "core/log.h"
#include "core/util.h"

#include <stdlib.h>

static const struct {
    const char *word;
    uint32_t bit;
} with_words[] = {{"foreign-keys", LT_WITH_FOREIGN_KEYS},
                  {"indexes", LT_WITH_INDEXES},
                  {"defaults", LT_WITH_DEFAULTS}};

int lt_with_parse(const struct lt_settings *settings, uint32_t *ret_with, struct leat_error *err)
{
    char **words = NULL;
    size_t n = 0;
    uint32_t with = 0;
    int rc = lt_settings_list(settings, "with", &words, &n, err);
    for (size_t i = 0; !rc && i < n; i++) {
        uint32_t bit = 0;
        for (size_t k = 0; k < LT_ARRAY_LEN(with_words); k++) {
            bit |= strcmp(words[i], with_words[k].word) ? 0 : with_words[k].bit;
        }
        with |= bit;
        rc = bit ? LEAT_OK
                 : lt_fail(err, LT_E_USAGE, "--with takes foreign-keys, indexes and defaults");
    }
    lt_list_free(words);
    *ret_with = rc ? *ret_with : with;
    return rc;
}

int lt_carry_describe(const struct lt_run *run, const struct lt_side *source,
                      const struct lt_job *job, struct ArrowSchema *ret_described,
                      struct leat_error *err)
{
    const struct leat_catalog_ops *catalog = source->connector->catalog;
    const struct leat_stream_name name = {job->ns, job->name};
    struct leat_stream_info info = {.size = sizeof info};
    ret_described->release = NULL;
    if (!(run->with & (LT_WITH_INDEXES | LT_WITH_DEFAULTS)) || !catalog || !catalog->describe ||
        job->kind == LEAT_QUERY || !lt_side_can_be_read_again(source)) {
        return LEAT_OK;
    }
    return catalog->describe(source->ep, &name, ret_described, &info, err);
}

/* --- lists whose entries name columns ------------------------------------------------------ */

/* Do columns go as they are, all of them? */
static bool is_whole(const struct lt_run *run)
{
    const struct lt_column_wishes *wishes = &run->wishes;
    return !wishes->n_columns && !wishes->n_renames && !wishes->types.n_children;
}

static bool has_expression(const struct lt_json_value *entry)
{
    const struct lt_json_value *columns = lt_json_get(entry, "columns");
    bool has = lt_json_get(entry, "where") || lt_json_get(entry, "expr");
    for (size_t i = 0; i < lt_json_count(columns); i++) {
        has = has || lt_json_get(lt_json_at(columns, i), "expr");
    }
    return has;
}

/* The column's name at the destinations; NULL: it is not copied. */
static const char *new_name(const struct lt_run *run, const struct ArrowSchema *schema,
                            const char *name)
{
    const char *found = name ? lt_wishes_new_name(&run->wishes, name) : NULL;
    return found && lt_schema_find(schema, found) >= 0 ? found : NULL;
}

static bool columns_are_there(const struct lt_run *run, const struct ArrowSchema *schema,
                              const struct lt_json_value *index)
{
    const struct lt_json_value *columns = lt_json_get(index, "columns");
    const struct lt_json_value *include = lt_json_get(index, "include");
    bool there = true;
    for (size_t i = 0; i < lt_json_count(columns); i++) {
        const struct lt_json_value *name = lt_json_get(lt_json_at(columns, i), "name");
        there = there && new_name(run, schema, lt_json_string(name, NULL));
    }
    for (size_t i = 0; i < lt_json_count(include); i++) {
        there = there && new_name(run, schema, lt_json_string(lt_json_at(include, i), NULL));
    }
    return there;
}

static void put_texts(struct lt_json *json, const struct lt_json_value *from,
                      const char *const *keys)
{
    for (; *keys; keys++) {
        const char *text = lt_json_string(lt_json_get(from, *keys), NULL);
        if (text) {
            lt_json_key(json, *keys);
            lt_json_text(json, text);
        }
    }
}

static void put_flags(struct lt_json *json, const struct lt_json_value *from,
                      const char *const *keys)
{
    for (; *keys; keys++) {
        if (lt_json_boolean(lt_json_get(from, *keys), false)) {
            lt_json_key(json, *keys);
            lt_json_bool(json, true);
        }
    }
}

/* An index again, its columns under their new names. Only of plain columns. */
static void put_index(struct lt_json *json, const struct lt_run *run,
                      const struct ArrowSchema *schema, const struct lt_json_value *index)
{
    static const char *const texts[] = {"name", "method", "server", NULL};
    static const char *const flags[] = {"unique",    "constraint",  "deferrable", "deferred",
                                        "exclusion", "nulls_equal", NULL};
    static const char *const column_texts[] = {"nulls", "collation", "opclass", NULL};
    static const char *const column_flags[] = {"desc", NULL};
    const struct lt_json_value *columns = lt_json_get(index, "columns");
    const struct lt_json_value *include = lt_json_get(index, "include");
    lt_json_object(json);
    put_texts(json, index, texts);
    put_flags(json, index, flags);
    lt_json_key(json, "columns");
    lt_json_array(json);
    for (size_t i = 0; i < lt_json_count(columns); i++) {
        const struct lt_json_value *column = lt_json_at(columns, i);
        lt_json_object(json);
        lt_json_key(json, "name");
        lt_json_text(json, new_name(run, schema, lt_json_string(lt_json_get(column, "name"), "")));
        put_texts(json, column, column_texts);
        put_flags(json, column, column_flags);
        lt_json_object_end(json);
    }
    lt_json_array_end(json);
    lt_json_key(json, "include");
    lt_json_array(json);
    for (size_t i = 0; i < lt_json_count(include); i++) {
        lt_json_text(json, new_name(run, schema, lt_json_string(lt_json_at(include, i), "")));
    }
    lt_json_array_end(json);
    lt_json_object_end(json);
}

/* The list as it is for the columns that go. */
static int rewrite(const struct lt_run *run, const struct lt_job *job,
                   const struct ArrowSchema *schema, const char *text, size_t len,
                   struct lt_buf *out, struct leat_error *err)
{
    struct lt_json_doc *doc = NULL;
    struct lt_json json = {.out = out};
    int rc = lt_json_doc_parse(text, len, &doc, err);
    const struct lt_json_value *list = lt_json_root(doc);
    lt_json_array(&json);
    for (size_t i = 0; !rc && i < lt_json_count(list); i++) {
        const struct lt_json_value *entry = lt_json_at(list, i);
        const char *name = lt_json_string(lt_json_get(entry, "name"), "");
        if (has_expression(entry)) {
            lt_log(LT_LOG_WARN,
                   "%s: \"%s\" is not made: it has an expression, and columns are renamed, cast "
                   "or left out",
                   job->label, name);
        } else if (!columns_are_there(run, schema, entry)) {
            lt_log(LT_LOG_WARN, "%s: \"%s\" is not made: it has a column that is not copied",
                   job->label, name);
        } else {
            put_index(&json, run, schema, entry);
        }
    }
    lt_json_array_end(&json);
    lt_json_doc_free(doc);
    return rc ? rc : json.failed ? lt_fail_oom(err) : LEAT_OK;
}

static int carry_list(const struct lt_run *run, const struct lt_job *job, const char *key,
                      const struct ArrowSchema *from, struct ArrowSchema *schema,
                      struct leat_error *err)
{
    size_t len = 0;
    struct lt_buf out = LT_BUF_INIT;
    const char *text = run->with & LT_WITH_INDEXES ? lt_schema_meta(from, key, &len) : NULL;
    int rc = LEAT_OK;
    if (text && is_whole(run)) {
        rc = lt_buf_append(&out, text, len) ? lt_fail_oom(err) : LEAT_OK;
    } else if (text) {
        rc = rewrite(run, job, schema, text, len, &out, err);
    }
    rc = rc ? rc : lt_schema_set_meta(schema, key, text ? lt_buf_text(&out) : NULL, err);
    lt_buf_done(&out);
    return rc;
}

/* --- defaults ------------------------------------------------------------------------------ */

/* Of a column that goes as it is, or whose cast leaves a constant what it means. */
static int carry_default(const struct lt_run *run, const struct ArrowSchema *from,
                         struct ArrowSchema *field, struct leat_error *err)
{
    const char *old = lt_wishes_old_name(&run->wishes, field->name);
    int64_t at = lt_schema_find(from, old);
    bool cast = lt_schema_find(&run->wishes.types, old) >= 0;
    size_t len = 0;
    const char *text = at >= 0 && !cast && run->with & LT_WITH_DEFAULTS
                           ? lt_schema_meta(from->children[at], LT_META_DEFAULT, &len)
                           : NULL;
    char *copy = text ? lt_strndup(text, len) : NULL;
    int rc =
        text && !copy ? lt_fail_oom(err) : lt_schema_set_meta(field, LT_META_DEFAULT, copy, err);
    free(copy);
    return rc;
}

int lt_carry_apply(const struct lt_run *run, const struct lt_job *job,
                   const struct ArrowSchema *described, struct ArrowSchema *schema,
                   struct leat_error *err)
{
    struct ArrowSchema own = {.release = NULL};
    int rc = LEAT_OK;
    bool wanted = run->with & (LT_WITH_INDEXES | LT_WITH_DEFAULTS);
    if (!described->release && wanted) { /* what came with the records: a file's own metadata */
        rc = lt_schema_copy(schema, &own, err);
    }
    const struct ArrowSchema *from = described->release ? described : wanted ? &own : schema;
    rc = rc ? rc : carry_list(run, job, LT_META_INDEXES, from, schema, err);
    rc = rc ? rc : carry_list(run, job, LT_META_CHECKS, from, schema, err);
    for (int64_t i = 0; !rc && i < schema->n_children; i++) {
        rc = carry_default(run, from, schema->children[i], err);
    }
    lt_schema_done(&own);
    /* Statements of a new table may hold them; names at several destinations are alike but for
     * templates, of which the first one's count. */
    return rc ? rc : lt_carry_foreign_keys(run, job, 0, schema, err);
}
