#include "core/json_read.h"

#include "core/codes.h"

#include <jansson.h>

#include "core/banned.h"

/* Both structs are names only: a document is its root, and both are jansson's own value. */
int lt_json_doc_parse(const char *text, size_t len, struct lt_json_doc **ret_doc,
                      struct leat_error *err)
{
    json_error_t where;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    if (!root) {
        return lt_fail(err, LT_E_CORRUPT, "line %d, column %d: not the JSON that was expected (%s)",
                       where.line, where.column, where.text);
    }
    *ret_doc = (struct lt_json_doc *)root;
    return LEAT_OK;
}

void lt_json_doc_free(struct lt_json_doc *doc)
{
    json_decref((json_t *)doc);
}

const struct lt_json_value *lt_json_root(const struct lt_json_doc *doc)
{
    return (const struct lt_json_value *)doc;
}

const struct lt_json_value *lt_json_get(const struct lt_json_value *value, const char *key)
{
    return (const struct lt_json_value *)json_object_get((const json_t *)value, key);
}

const struct lt_json_value *lt_json_at(const struct lt_json_value *value, size_t i)
{
    return (const struct lt_json_value *)json_array_get((const json_t *)value, i);
}

size_t lt_json_count(const struct lt_json_value *value)
{
    return json_array_size((const json_t *)value);
}

const char *lt_json_string(const struct lt_json_value *value, const char *fallback)
{
    const char *text = json_string_value((const json_t *)value);
    return text ? text : fallback;
}

int64_t lt_json_integer(const struct lt_json_value *value, int64_t fallback)
{
    return json_is_integer((const json_t *)value) ? json_integer_value((const json_t *)value)
                                                  : fallback;
}

bool lt_json_boolean(const struct lt_json_value *value, bool fallback)
{
    return json_is_boolean((const json_t *)value) ? json_is_true((const json_t *)value) : fallback;
}
