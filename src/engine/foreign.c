/* Foreign keys under the names that columns and tables have at a destination. */
#include "engine/carry.h"

#include "columnar/schema.h"
#include "core/codes.h"
#include "core/json.h"
#include "core/json_read.h"
#include "core/log.h"
#include "core/util.h"

#include <stdlib.h>

#define FOREIGN_KEYS "leat.foreign_keys"

/* The job that copies the table a key refers to; NULL: it is not copied. */
static const struct lt_job *find_parent(const struct lt_run *run, const struct lt_job *job,
                                        const struct lt_json_value *key)
{
    const char *table = lt_json_string(lt_json_get(key, "ref_table"), "");
    const char *ns = lt_json_string(lt_json_get(key, "ref_ns"), NULL);
    for (size_t i = 0; i < run->jobs.n; i++) {
        const struct lt_job *other = &run->jobs.items[i];
        if (!strcmp(other->name, table) && !strcmp(other->ns, ns ? ns : job->ns)) {
            return other;
        }
    }
    return NULL;
}

static bool is_chosen(const struct lt_run *run, const char *column)
{
    bool chosen = !run->wishes.n_columns;
    for (size_t i = 0; !chosen && i < run->wishes.n_columns; i++) {
        chosen = !strcmp(run->wishes.columns[i], column);
    }
    return chosen;
}

static bool are_chosen(const struct lt_run *run, const struct lt_json_value *columns)
{
    bool chosen = true;
    for (size_t i = 0; i < lt_json_count(columns); i++) {
        chosen = chosen && is_chosen(run, lt_json_string(lt_json_at(columns, i), ""));
    }
    return chosen;
}

static void put_columns(struct lt_json *json, const struct lt_run *run, const char *name,
                        const struct lt_json_value *columns, bool renamed)
{
    lt_json_key(json, name);
    lt_json_array(json);
    for (size_t i = 0; i < lt_json_count(columns); i++) {
        const char *column = lt_json_string(lt_json_at(columns, i), "");
        lt_json_text(json, renamed ? lt_wishes_new_name(&run->wishes, column) : column);
    }
    lt_json_array_end(json);
}

static void put_key(struct lt_json *json, const struct lt_run *run, size_t d,
                    const struct lt_json_value *key, const struct lt_job *parent)
{
    static const char *const texts[] = {"name", "on_delete", "on_update"};
    lt_json_object(json);
    for (size_t i = 0; i < LT_ARRAY_LEN(texts); i++) {
        const char *text = lt_json_string(lt_json_get(key, texts[i]), NULL);
        if (text) {
            lt_json_key(json, texts[i]);
            lt_json_text(json, text);
        }
    }
    const char *ns = lt_json_string(lt_json_get(key, "ref_ns"), NULL);
    const char *table = lt_json_string(lt_json_get(key, "ref_table"), "");
    if (ns) {
        lt_json_key(json, "ref_ns");
        lt_json_text(json, ns);
    }
    lt_json_key(json, "ref_table");
    lt_json_text(json, parent && *parent->dest_names[d] ? parent->dest_names[d] : table);
    put_columns(json, run, "columns", lt_json_get(key, "columns"), true);
    put_columns(json, run, "ref_columns", lt_json_get(key, "ref_columns"), parent != NULL);
    lt_json_object_end(json);
}

static int rewrite(const struct lt_run *run, const struct lt_job *job, size_t d, const char *text,
                   size_t len, struct lt_buf *out, struct leat_error *err)
{
    struct lt_json_doc *doc = NULL;
    struct lt_json json = {.out = out};
    int rc = lt_json_doc_parse(text, len, &doc, err);
    const struct lt_json_value *keys = lt_json_root(doc);
    lt_json_array(&json);
    for (size_t i = 0; !rc && i < lt_json_count(keys); i++) {
        const struct lt_json_value *key = lt_json_at(keys, i);
        const struct lt_job *parent = find_parent(run, job, key);
        if (are_chosen(run, lt_json_get(key, "columns")) &&
            (!parent || are_chosen(run, lt_json_get(key, "ref_columns")))) {
            put_key(&json, run, d, key, parent);
        } else if (run->with & LT_WITH_FOREIGN_KEYS) {
            lt_log(LT_LOG_WARN,
                   "%s: its foreign key to %s is not made: a column of it is not copied",
                   job->label, lt_json_string(lt_json_get(key, "ref_table"), "another table"));
        }
    }
    lt_json_array_end(&json);
    lt_json_doc_free(doc);
    return rc ? rc : json.failed ? lt_fail_oom(err) : LEAT_OK;
}

int lt_carry_foreign_keys(const struct lt_run *run, const struct lt_job *job, size_t d,
                          struct ArrowSchema *schema, struct leat_error *err)
{
    size_t len = 0;
    struct lt_buf out = LT_BUF_INIT;
    const char *text = lt_schema_meta(schema, FOREIGN_KEYS, &len);
    if (!text || !len) {
        return LEAT_OK;
    }
    int rc = rewrite(run, job, d, text, len, &out, err);
    if (rc &&
        rc != LEAT_NO_MEMORY) { /* a file's own metadata may be anything: then it says nothing */
        leat_error_clear(err);
        lt_buf_clear(&out);
        rc = lt_schema_set_meta(schema, FOREIGN_KEYS, NULL, err);
    } else if (!rc) {
        rc = lt_schema_set_meta(schema, FOREIGN_KEYS, lt_buf_text(&out), err);
    }
    lt_buf_done(&out);
    return rc;
}
