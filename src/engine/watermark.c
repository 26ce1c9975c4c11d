#include "engine/watermark.h"

#include "core/codes.h"
#include "core/json.h"
#include "core/json_read.h"
#include "core/util.h"

#include <stdlib.h>

#define KEY_PREFIX "watermark:"

void lt_watermark_done(struct lt_watermark *watermark)
{
    free(watermark->key);
    free(watermark->value);
    free(watermark->mark);
    lt_cursor_row_done(&watermark->row);
    memset(watermark, 0, sizeof *watermark);
}

char *lt_watermark_key(const struct lt_run *run, const struct lt_job *job)
{
    const char *where = lt_settings_text(&run->plan->settings, "where");
    char *id = lt_job_source_id(run, job);
    char *key = !id     ? NULL
                : where ? lt_format(KEY_PREFIX "%s?where=%016llx", id,
                                    (unsigned long long)lt_hash(where, strlen(where)))
                        : lt_format(KEY_PREFIX "%s", id);
    free(id);
    return key;
}

static int take_value(void *arg, const char *key, const char *value)
{
    struct lt_watermark *watermark = arg;
    if (!strcmp(key, watermark->key) && value) {
        free(watermark->value);
        watermark->value = lt_strdup(value);
        return watermark->value ? LEAT_OK : LEAT_NO_MEMORY;
    }
    return LEAT_OK;
}

/* The names it was kept for, as they are written after -d. */
static int other_cursor(const struct lt_json_value *names, struct leat_error *err)
{
    struct lt_buf list = LT_BUF_INIT;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < lt_json_count(names); i++) {
        rc = lt_buf_printf(&list, "%s%s", i ? "," : "", lt_json_string(lt_json_at(names, i), ""));
    }
    rc = rc ? lt_fail_oom(err)
            : lt_fail(err, LT_E_USAGE, "the watermark was kept for %s%s",
                      list.len ? "the cursor " : "files, not for a cursor", lt_buf_text(&list));
    leat_error_remedy(err, "--full-refresh starts over, `leat state reset` forgets the watermark");
    lt_buf_done(&list);
    return rc;
}

static bool same_cursor(const struct lt_json_value *names, const struct lt_cursor *cursor)
{
    bool same = lt_json_count(names) == cursor->n;
    for (size_t i = 0; same && i < cursor->n; i++) {
        same = !strcmp(lt_json_string(lt_json_at(names, i), ""), cursor->names[i]);
    }
    return same;
}

static int read_row(const struct lt_json_value *root, const struct lt_cursor *cursor,
                    struct lt_cursor_row *row, struct leat_error *err)
{
    const struct lt_json_value *names = lt_json_get(root, "cursor");
    const struct lt_json_value *values = lt_json_get(root, "value");
    if (!same_cursor(names, cursor)) {
        return other_cursor(names, err);
    }
    for (size_t i = 0; i < cursor->n; i++) {
        const char *text = lt_json_string(lt_json_at(values, i), NULL);
        row->texts[i] = lt_strdup(text);
        if (!row->texts[i]) {
            return text ? lt_fail_oom(err)
                        : lt_fail(err, LT_E_CORRUPT, "the watermark lacks a value of column \"%s\"",
                                  cursor->names[i]);
        }
    }
    return LEAT_OK;
}

static int parse(struct lt_watermark *watermark, const struct lt_cursor *cursor,
                 struct leat_error *err)
{
    struct lt_json_doc *doc = NULL;
    int rc = lt_json_doc_parse(watermark->value, strlen(watermark->value), &doc, err);
    const struct lt_json_value *root = lt_json_root(doc);
    if (!rc && cursor) {
        rc = read_row(root, cursor, &watermark->row, err);
    } else if (!rc) {
        const char *mark = lt_json_string(lt_json_get(root, "mark"), NULL);
        watermark->mark = lt_strdup(mark);
        rc = watermark->mark ? LEAT_OK
             : mark          ? lt_fail_oom(err)
                             : other_cursor(lt_json_get(root, "cursor"), err);
    }
    lt_json_doc_free(doc);
    if (rc && err && !err->place[0]) {
        leat_error_place(err, "watermark");
    }
    return rc;
}

int lt_watermark_read(struct lt_side *dest, const struct leat_stream_name *stream, const char *key,
                      const struct lt_cursor *cursor, struct lt_watermark *ret_watermark,
                      struct leat_error *err)
{
    const struct leat_load_ops *ops = dest->connector->load;
    memset(ret_watermark, 0, sizeof *ret_watermark);
    if (!ops->state) {
        int rc = lt_fail(err, LT_E_UNSUPPORTED, "%s keeps no watermark", dest->connector->name);
        leat_error_remedy(err, "--watermark target reads the greatest cursor of its rows");
        return rc;
    }
    ret_watermark->key = lt_strdup(key);
    if (!ret_watermark->key) {
        return lt_fail_oom(err);
    }
    int rc = ops->state(dest->ep, stream, take_value, ret_watermark, err);
    if (rc == LEAT_NO_MEMORY) {
        rc = lt_fail_oom(err);
    }
    return rc || !ret_watermark->value ? rc : parse(ret_watermark, cursor, err);
}

static int finish(struct lt_json *json, struct lt_buf *out, char **ret_value,
                  struct leat_error *err)
{
    lt_json_object_end(json);
    char *text = json->failed ? NULL : lt_buf_take(out);
    lt_buf_done(out);
    *ret_value = text;
    return text ? LEAT_OK : lt_fail_oom(err);
}

int lt_watermark_print(const struct lt_cursor *cursor, const struct lt_cursor_row *row,
                       char **ret_value, struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    struct lt_json json = {.out = &out};
    const struct {
        const char *key;
        const char *const *texts;
    } lists[] = {{"cursor", cursor->names}, {"value", (const char *const *)row->texts}};
    lt_json_object(&json);
    for (size_t k = 0; k < LT_ARRAY_LEN(lists); k++) {
        lt_json_key(&json, lists[k].key);
        lt_json_array(&json);
        for (size_t i = 0; i < cursor->n; i++) {
            lt_json_text(&json, lists[k].texts[i]);
        }
        lt_json_array_end(&json);
    }
    return finish(&json, &out, ret_value, err);
}

int lt_watermark_print_mark(const char *mark, char **ret_value, struct leat_error *err)
{
    struct lt_buf out = LT_BUF_INIT;
    struct lt_json json = {.out = &out};
    lt_json_object(&json);
    lt_json_key(&json, "mark");
    lt_json_text(&json, mark);
    return finish(&json, &out, ret_value, err);
}
