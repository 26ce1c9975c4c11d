/* Building, reading, copying and comparing ArrowSchema trees.
 *
 * A schema made here owns format, name, metadata and children by plain malloc: private_data is
 * not used, and the release callback tells our schemas from foreign ones. */
#include "columnar/schema.h"

#include "core/codes.h"
#include "core/util.h"

#include <assert.h>
#include <stdlib.h>

static void schema_release(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        lt_schema_done(schema->children[i]);
        free(schema->children[i]);
    }
    free(schema->children);
    lt_schema_done(schema->dictionary);
    free(schema->dictionary);
    free((char *)schema->format);
    free((char *)schema->name);
    free((char *)schema->metadata);
    memset(schema, 0, sizeof *schema);
}

void lt_schema_done(struct ArrowSchema *schema)
{
    if (schema && schema->release) {
        schema->release(schema);
    }
}

void lt_schema_move(struct ArrowSchema *from, struct ArrowSchema *to)
{
    *to = *from;
    from->release = NULL;
}

int lt_schema_init(struct ArrowSchema *schema, const char *format, const char *name,
                   struct leat_error *err)
{
    struct ArrowSchema made = {.flags = ARROW_FLAG_NULLABLE, .release = schema_release};
    made.format = lt_strdup(format);
    made.name = lt_strdup(name ? name : "");
    if (!made.format || !made.name) {
        schema_release(&made);
        return lt_fail_oom(err);
    }
    *schema = made;
    return LEAT_OK;
}

/* Appends a released child to be filled; NULL without memory. */
static struct ArrowSchema *add_empty(struct ArrowSchema *schema)
{
    assert(schema->release == schema_release);
    size_t n = (size_t)schema->n_children + 1;
    struct ArrowSchema **children = realloc(schema->children, n * sizeof *children);
    if (!children) {
        return NULL;
    }
    schema->children = children;
    struct ArrowSchema *child = calloc(1, sizeof *child);
    if (child) {
        children[schema->n_children++] = child;
    }
    return child;
}

int lt_schema_init_struct(struct ArrowSchema *schema, int64_t n, struct leat_error *err)
{
    if (n < 0 || n > LT_TYPE_FIELDS_MAX) {
        return lt_fail(err, LT_E_LIMIT, "a schema has at most %d fields", LT_TYPE_FIELDS_MAX);
    }
    struct ArrowSchema made;
    int status = lt_schema_init(&made, "+s", "", err);
    if (status) {
        return status;
    }
    made.flags = 0;
    for (int64_t i = 0; i < n; i++) {
        struct ArrowSchema *child = add_empty(&made);
        status = child ? lt_schema_init(child, "n", "", err) : lt_fail_oom(err);
        if (status) {
            lt_schema_done(&made);
            return status;
        }
    }
    *schema = made;
    return LEAT_OK;
}

int lt_schema_add(struct ArrowSchema *schema, struct ArrowSchema *child, struct leat_error *err)
{
    struct ArrowSchema *place = add_empty(schema);
    if (!place) {
        return lt_fail_oom(err);
    }
    lt_schema_move(child, place);
    return LEAT_OK;
}

int lt_schema_add_copy(struct ArrowSchema *schema, const struct ArrowSchema *field, int64_t flags,
                       struct leat_error *err)
{
    struct ArrowSchema copy = {.release = NULL};
    int status = lt_schema_copy(field, &copy, err);
    copy.flags |= status ? 0 : flags;
    status = status ? status : lt_schema_add(schema, &copy, err);
    lt_schema_done(&copy);
    return status;
}

int lt_schema_add_field(struct ArrowSchema *schema, const char *format, const char *name,
                        int64_t flags, struct ArrowSchema **ret_field, struct leat_error *err)
{
    struct ArrowSchema field;
    int status = lt_schema_init(&field, format, name, err);
    if (status) {
        return status;
    }
    field.flags = flags;
    status = lt_schema_add(schema, &field, err);
    if (status) {
        lt_schema_done(&field);
        return status;
    }
    if (ret_field) {
        *ret_field = schema->children[schema->n_children - 1];
    }
    return LEAT_OK;
}

int lt_schema_set_dictionary(struct ArrowSchema *schema, struct ArrowSchema *values,
                             struct leat_error *err)
{
    assert(schema->release == schema_release);
    if (!schema->dictionary) {
        schema->dictionary = calloc(1, sizeof *schema->dictionary);
        if (!schema->dictionary) {
            return lt_fail_oom(err);
        }
    }
    lt_schema_done(schema->dictionary);
    lt_schema_move(values, schema->dictionary);
    return LEAT_OK;
}

static int set_text(const char **place, const char *text, struct leat_error *err)
{
    char *copy = lt_strdup(text);
    if (!copy) {
        return lt_fail_oom(err);
    }
    free((char *)*place);
    *place = copy;
    return LEAT_OK;
}

int lt_schema_set_name(struct ArrowSchema *schema, const char *name, struct leat_error *err)
{
    assert(schema->release == schema_release);
    return set_text(&schema->name, name ? name : "", err);
}

int lt_schema_set_format(struct ArrowSchema *schema, const char *format, struct leat_error *err)
{
    assert(schema->release == schema_release);
    return set_text(&schema->format, format, err);
}

/* --- metadata: int32 pairs, then int32 length and bytes of each key and value; native order --- */

struct meta_pair {
    const char *key, *value;
    int32_t key_len, value_len;
};

struct meta_cursor {
    const char *at;
    int32_t left;
};

static int32_t meta_i32(const char **at)
{
    int32_t value;
    memcpy(&value, *at, sizeof value);
    *at += sizeof value;
    return value;
}

static struct meta_cursor meta_start(const char *metadata)
{
    struct meta_cursor cursor = {metadata, 0};
    if (metadata) {
        cursor.left = meta_i32(&cursor.at);
    }
    return cursor;
}

/* False at the end, and at a negative length (left is then not 0): the block does not say how
 * long it is, so nothing behind such a length can be read. */
static bool meta_next(struct meta_cursor *cursor, struct meta_pair *ret_pair)
{
    if (cursor->left <= 0) {
        return false;
    }
    struct meta_pair pair;
    pair.key_len = meta_i32(&cursor->at);
    if (pair.key_len < 0) {
        return false;
    }
    pair.key = cursor->at;
    cursor->at += pair.key_len;
    pair.value_len = meta_i32(&cursor->at);
    if (pair.value_len < 0) {
        return false;
    }
    pair.value = cursor->at;
    cursor->at += pair.value_len;
    cursor->left--;
    *ret_pair = pair;
    return true;
}

static bool meta_key_is(const struct meta_pair *pair, const char *key)
{
    return (size_t)pair->key_len == strlen(key) && !memcmp(pair->key, key, (size_t)pair->key_len);
}

const char *lt_schema_meta(const struct ArrowSchema *schema, const char *key, size_t *ret_len)
{
    struct meta_cursor cursor = meta_start(schema->metadata);
    struct meta_pair pair;
    while (meta_next(&cursor, &pair)) {
        if (meta_key_is(&pair, key)) {
            if (ret_len) {
                *ret_len = (size_t)pair.value_len;
            }
            return pair.value;
        }
    }
    return NULL;
}

bool lt_schema_meta_text(const struct ArrowSchema *schema, const char *key, char *text, size_t size)
{
    size_t len;
    const char *value = lt_schema_meta(schema, key, &len);
    if (!value || !size) {
        return false;
    }
    len = LT_MIN(len, size - 1);
    memcpy(text, value, len);
    text[len] = 0;
    return true;
}

bool lt_schema_meta_is(const struct ArrowSchema *schema, const char *key, const char *value)
{
    size_t len;
    const char *found = lt_schema_meta(schema, key, &len);
    return found && len == strlen(value) && !memcmp(found, value, len);
}

int lt_schema_meta_each(const struct ArrowSchema *schema, lt_schema_meta_fn *each, void *arg)
{
    struct meta_cursor cursor = meta_start(schema->metadata);
    struct meta_pair pair;
    while (meta_next(&cursor, &pair)) {
        int status = each(arg, pair.key, (size_t)pair.key_len, pair.value, (size_t)pair.value_len);
        if (status) {
            return status;
        }
    }
    return LEAT_OK;
}

static int meta_put(struct lt_buf *out, const char *key, size_t key_len, const char *value,
                    size_t value_len)
{
    if (key_len > INT32_MAX || value_len > INT32_MAX) {
        return LEAT_NO_MEMORY;
    }
    int32_t key_n = (int32_t)key_len, value_n = (int32_t)value_len;
    if (lt_buf_append(out, &key_n, sizeof key_n) || lt_buf_append(out, key, key_len) ||
        lt_buf_append(out, &value_n, sizeof value_n) || lt_buf_append(out, value, value_len)) {
        return LEAT_NO_MEMORY;
    }
    return LEAT_OK;
}

/* Rewrites the block, with `key` (may be NULL) replaced in its place or appended, or left out
 * when value is NULL. An empty block becomes NULL. */
static int meta_rewrite(const char *metadata, const char *key, const char *value,
                        char **ret_metadata)
{
    struct lt_buf out = LT_BUF_INIT;
    int32_t n = 0;
    bool placed = !key || !value;
    struct meta_cursor cursor = meta_start(metadata);
    struct meta_pair pair;
    int status = lt_buf_append(&out, &n, sizeof n);
    while (!status && meta_next(&cursor, &pair)) {
        if (!key || !meta_key_is(&pair, key)) {
            status =
                meta_put(&out, pair.key, (size_t)pair.key_len, pair.value, (size_t)pair.value_len);
            n++;
        } else if (!placed) {
            status = meta_put(&out, key, strlen(key), value, strlen(value));
            n++;
            placed = true;
        }
    }
    if (!status && !placed) {
        status = meta_put(&out, key, strlen(key), value, strlen(value));
        n++;
    }
    char *block = NULL;
    if (!status && n) {
        memcpy(out.data, &n, sizeof n);
        block = lt_buf_take(&out);
        status = block ? LEAT_OK : LEAT_NO_MEMORY;
    }
    lt_buf_done(&out);
    if (!status) {
        *ret_metadata = block;
    }
    return status;
}

int lt_schema_set_meta(struct ArrowSchema *schema, const char *key, const char *value,
                       struct leat_error *err)
{
    assert(schema->release == schema_release);
    char *metadata;
    if (meta_rewrite(schema->metadata, key, value, &metadata)) {
        return lt_fail_oom(err);
    }
    free((char *)schema->metadata);
    schema->metadata = metadata;
    return LEAT_OK;
}

/* --- whole trees ---------------------------------------------------------------------------- */

static int copy_tree(const struct ArrowSchema *schema, int depth, struct ArrowSchema *ret_copy,
                     struct leat_error *err)
{
    if (depth > LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "types nest deeper than %d levels", LT_TYPE_DEPTH_MAX);
    }
    if (!schema || !schema->format || (schema->n_children > 0 && !schema->children)) {
        return lt_fail(err, LT_E_CORRUPT, "a field of the schema is missing");
    }
    struct ArrowSchema copy;
    int status = lt_schema_init(&copy, schema->format, schema->name, err);
    if (status) {
        return status;
    }
    copy.flags = schema->flags;
    char *metadata;
    if (meta_rewrite(schema->metadata, NULL, NULL, &metadata)) {
        status = lt_fail_oom(err);
        goto out;
    }
    copy.metadata = metadata;
    for (int64_t i = 0; i < schema->n_children; i++) {
        struct ArrowSchema *child = add_empty(&copy);
        status = child ? copy_tree(schema->children[i], depth + 1, child, err) : lt_fail_oom(err);
        if (status) {
            goto out;
        }
    }
    if (schema->dictionary) {
        struct ArrowSchema values;
        status = copy_tree(schema->dictionary, depth + 1, &values, err);
        if (status) {
            goto out;
        }
        status = lt_schema_set_dictionary(&copy, &values, err);
        if (status) {
            lt_schema_done(&values);
            goto out;
        }
    }
    *ret_copy = copy;
    return LEAT_OK;
out:
    lt_schema_done(&copy);
    return status;
}

int lt_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *ret_copy,
                   struct leat_error *err)
{
    return copy_tree(schema, 0, ret_copy, err);
}

static bool same_meta(const struct ArrowSchema *a, const struct ArrowSchema *b, const char *key)
{
    size_t a_len, b_len;
    const char *a_value = lt_schema_meta(a, key, &a_len);
    const char *b_value = lt_schema_meta(b, key, &b_len);
    if (!a_value || !b_value) {
        return !a_value && !b_value;
    }
    return a_len == b_len && !memcmp(a_value, b_value, a_len);
}

static bool same_name(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
    return !strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

static bool same_tree(const struct ArrowSchema *a, const struct ArrowSchema *b, bool names,
                      int depth)
{
    struct lt_type a_type, b_type;
    if (depth > LT_TYPE_DEPTH_MAX || lt_type_of(a, &a_type, NULL) || lt_type_of(b, &b_type, NULL)) {
        return false;
    }
    if (a_type.id != b_type.id || a_type.unit != b_type.unit || a_type.width != b_type.width ||
        a_type.precision != b_type.precision || a_type.scale != b_type.scale ||
        !a_type.zone[0] != !b_type.zone[0] || a->n_children != b->n_children) {
        return false;
    }
    if (!same_meta(a, b, LT_META_EXTENSION) || !same_meta(a, b, LT_META_NUMERIC) ||
        !same_meta(a, b, LT_META_SOURCE_TYPE)) {
        return false;
    }
    for (int64_t i = 0; i < a->n_children; i++) {
        const struct ArrowSchema *a_child = a->children[i], *b_child = b->children[i];
        if (a_type.id == LT_STRUCT && names && !same_name(a_child, b_child)) {
            return false;
        }
        if (!same_tree(a_child, b_child, true, depth + 1)) {
            return false;
        }
    }
    /* Indexes of one width may still differ in sign. */
    return !a->dictionary || (!strcmp(a->format, b->format) &&
                              same_tree(a->dictionary, b->dictionary, true, depth + 1));
}

bool lt_schema_meta_same(const struct ArrowSchema *a, const struct ArrowSchema *b, const char *key)
{
    size_t a_len, b_len;
    const char *x = lt_schema_meta(a, key, &a_len), *y = lt_schema_meta(b, key, &b_len);
    return x && y && a_len == b_len && !memcmp(x, y, a_len);
}

bool lt_schema_same(const struct ArrowSchema *a, const struct ArrowSchema *b, bool names)
{
    return same_tree(a, b, names, 0);
}

int64_t lt_schema_find(const struct ArrowSchema *schema, const char *name)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *child_name = schema->children[i]->name;
        if (!strcmp(child_name ? child_name : "", name)) {
            return i;
        }
    }
    return -1;
}

int lt_schema_unknown_column(const struct ArrowSchema *schema, const char *name,
                             struct leat_error *err)
{
    const char **names = calloc((size_t)schema->n_children + 1, sizeof *names);
    for (int64_t i = 0; names && i < schema->n_children; i++) {
        names[i] = schema->children[i]->name ? schema->children[i]->name : "";
    }
    int status = lt_fail(err, LT_E_UNKNOWN_COLUMN, "there is no column \"%s\"", name);
    const char *close = names ? lt_closest(name, names) : NULL;
    if (close) {
        leat_error_remedy(err, "did you mean \"%s\"?", close);
    }
    free(names);
    return status;
}

/* --- checking ------------------------------------------------------------------------------- */

static int check_meta(const struct ArrowSchema *schema, struct leat_error *err)
{
    struct meta_cursor cursor = meta_start(schema->metadata);
    struct meta_pair pair;
    while (meta_next(&cursor, &pair)) {
        /* meta_next does the checking. */
    }
    if (cursor.left) {
        return lt_fail(err, LT_E_CORRUPT, "malformed field metadata");
    }
    return LEAT_OK;
}

/* `left` counts the fields that may still come. */
static int check_tree(const struct ArrowSchema *schema, int depth, int64_t *left,
                      struct leat_error *err)
{
    if (depth > LT_TYPE_DEPTH_MAX) {
        return lt_fail(err, LT_E_LIMIT, "types nest deeper than %d levels", LT_TYPE_DEPTH_MAX);
    }
    if (!schema->release) {
        return lt_fail(err, LT_E_CORRUPT, "a field of the schema is missing");
    }
    const char *name = schema->name ? schema->name : "";
    if (lt_utf8_valid_prefix(name, strlen(name)) != strlen(name)) {
        return lt_fail(err, LT_E_INVALID_UTF8, "a field's name is not valid UTF-8");
    }
    struct lt_type type;
    int status = lt_type_of(schema, &type, err);
    if (!status) {
        status = check_meta(schema, err);
    }
    if (!status && schema->n_children > *left) {
        status = lt_fail(err, LT_E_LIMIT, "a schema has at most %d fields", LT_TYPE_FIELDS_MAX);
    }
    *left -= schema->n_children;
    for (int64_t i = 0; !status && i < schema->n_children; i++) {
        status = check_tree(schema->children[i], depth + 1, left, err);
    }
    if (!status && schema->dictionary) {
        status = check_tree(schema->dictionary, depth + 1, left, err);
    }
    if (status && depth) {
        leat_error_place(err, depth == 1 ? "column \"%s\"" : "field \"%s\"", name);
    }
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_unique(const struct ArrowSchema *schema, struct leat_error *err)
{
    if (schema->n_children < 2) {
        return LEAT_OK;
    }
    size_t n = (size_t)schema->n_children;
    const char **names = malloc(n * sizeof *names);
    if (!names) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = schema->children[i]->name ? schema->children[i]->name : "";
    }
    qsort(names, n, sizeof *names, compare_names);
    int status = LEAT_OK;
    for (size_t i = 1; !status && i < n; i++) {
        if (!strcmp(names[i - 1], names[i])) {
            status =
                lt_fail(err, LT_E_DUPLICATE_COLUMN, "two columns are named \"%.200s\"", names[i]);
        }
    }
    free(names);
    return status;
}

int lt_schema_check(const struct ArrowSchema *schema, struct leat_error *err)
{
    if (!schema || !schema->release || !schema->format || strcmp(schema->format, "+s") ||
        schema->dictionary) {
        return lt_fail(err, LT_E_CORRUPT, "the schema is not a struct of columns");
    }
    int64_t left = LT_TYPE_FIELDS_MAX;
    int status = check_tree(schema, 0, &left, err);
    return status ? status : check_unique(schema, err);
}
