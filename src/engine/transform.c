#include "engine/transform.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

/* Parses "name=type" into one more child of wishes->types. */
static int add_cast(struct lt_column_wishes *wishes, const char *text, struct leat_error *err)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1]) {
        return lt_fail(err, LT_E_USAGE, "--cast takes NAME=TYPE, not \"%s\"", text);
    }
    struct ArrowSchema field = {0};
    char *name = lt_strndup(text, (size_t)(equals - text));
    int rc = name ? lt_type_parse(equals + 1, &field, err) : lt_fail_oom(err);
    if (!rc) {
        rc = lt_schema_set_name(&field, name, err);
    }
    if (!rc) {
        rc = lt_schema_add(&wishes->types, &field, err);
    }
    lt_schema_done(&field);
    free(name);
    return rc;
}

int lt_column_wishes_init(struct lt_column_wishes *wishes, const struct lt_settings *settings,
                          struct leat_error *err)
{
    char **casts = NULL;
    size_t n_casts = 0;
    memset(wishes, 0, sizeof *wishes);
    int rc = lt_settings_list(settings, "columns", &wishes->columns, &wishes->n_columns, err);
    if (!rc) {
        rc = lt_settings_list(settings, "rename", &wishes->renames, &wishes->n_renames, err);
    }
    if (!rc) {
        rc = lt_settings_list(settings, "cast", &casts, &n_casts, err);
    }
    if (!rc) {
        rc = lt_schema_init_struct(&wishes->types, 0, err);
    }
    for (size_t i = 0; !rc && i < n_casts; i++) {
        rc = add_cast(wishes, casts[i], err);
    }
    for (size_t i = 0; !rc && i < wishes->n_renames; i++) {
        const char *equals = strchr(wishes->renames[i], '=');
        if (!equals || equals == wishes->renames[i] || !equals[1]) {
            rc = lt_fail(err, LT_E_USAGE, "--rename takes OLD=NEW, not \"%s\"",
                         wishes->renames[i]);
        }
    }
    lt_list_free(casts);
    if (rc) {
        lt_column_wishes_done(wishes);
    }
    return rc;
}

void lt_column_wishes_done(struct lt_column_wishes *wishes)
{
    lt_list_free(wishes->columns);
    lt_list_free(wishes->renames);
    lt_schema_done(&wishes->types);
    memset(wishes, 0, sizeof *wishes);
}

/* Adds `column "x"` and the closest name to the list of what is missing. */
static int note_missing(struct lt_buf *missing, const char *name,
                        const struct ArrowSchema *source)
{
    const char **names = calloc((size_t)source->n_children + 1, sizeof *names);
    if (!names) {
        return LEAT_NO_MEMORY;
    }
    for (int64_t i = 0; i < source->n_children; i++) {
        names[i] = source->children[i]->name;
    }
    const char *close = lt_closest(name, names);
    int rc = lt_buf_printf(missing, "%s\"%s\"", missing->len ? ", " : "", name);
    if (!rc && close) {
        rc = lt_buf_printf(missing, " (did you mean \"%s\"?)", close);
    }
    free(names);
    return rc;
}

/* Every column the user named must exist. */
static int check_names(const struct lt_column_wishes *wishes, const struct ArrowSchema *source,
                       struct leat_error *err)
{
    struct lt_buf missing = LT_BUF_INIT;
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < wishes->n_columns; i++) {
        if (lt_schema_find(source, wishes->columns[i]) < 0) {
            rc = note_missing(&missing, wishes->columns[i], source);
        }
    }
    for (size_t i = 0; !rc && i < wishes->n_renames; i++) {
        char *old = lt_strndup(wishes->renames[i], strcspn(wishes->renames[i], "="));
        rc = old ? LEAT_OK : LEAT_NO_MEMORY;
        if (!rc && lt_schema_find(source, old) < 0) {
            rc = note_missing(&missing, old, source);
        }
        free(old);
    }
    for (int64_t i = 0; !rc && i < wishes->types.n_children; i++) {
        if (lt_schema_find(source, wishes->types.children[i]->name) < 0) {
            rc = note_missing(&missing, wishes->types.children[i]->name, source);
        }
    }
    if (rc) {
        rc = lt_fail_oom(err);
    } else if (missing.len) {
        rc = lt_fail(err, LT_E_UNKNOWN_COLUMN, "the source has no column %s",
                     lt_buf_text(&missing));
    }
    lt_buf_done(&missing);
    return rc;
}

static const char *new_name(const struct lt_column_wishes *wishes, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < wishes->n_renames; i++) {
        if (!strncmp(wishes->renames[i], name, len) && wishes->renames[i][len] == '=') {
            return wishes->renames[i] + len + 1;
        }
    }
    return name;
}

/* A copy of the source's field under its new name and type. What says how the source typed it is
 * dropped with a cast; its place in the key and its comment stay. */
static int make_field(const struct lt_column_wishes *wishes, const struct ArrowSchema *field,
                      struct ArrowSchema *ret_field, struct leat_error *err)
{
    int64_t cast = lt_schema_find(&wishes->types, field->name);
    struct ArrowSchema made = {0};
    int rc = lt_schema_copy(cast >= 0 ? wishes->types.children[cast] : field, &made, err);
    if (!rc && cast >= 0) {
        static const char *const kept[] = {LT_META_KEY, LT_META_COMMENT};
        for (size_t i = 0; !rc && i < LT_ARRAY_LEN(kept); i++) {
            char value[512];
            if (lt_schema_meta_text(field, kept[i], value, sizeof value)) {
                rc = lt_schema_set_meta(&made, kept[i], value, err);
            }
        }
        made.flags = (made.flags & ~ARROW_FLAG_NULLABLE) | (field->flags & ARROW_FLAG_NULLABLE);
    }
    if (!rc) {
        rc = lt_schema_set_name(&made, new_name(wishes, field->name), err);
    }
    if (rc) {
        lt_schema_done(&made);
        return rc;
    }
    lt_schema_move(&made, ret_field);
    return LEAT_OK;
}

/* Metadata of the stream itself (its foreign keys) goes along. */
static int copy_stream_meta(void *arg, const char *key, size_t key_len, const char *value,
                            size_t value_len)
{
    char *k = lt_strndup(key, key_len);
    char *v = lt_strndup(value, value_len);
    int rc = k && v ? lt_schema_set_meta(arg, k, v, NULL) : LEAT_NO_MEMORY;
    free(k);
    free(v);
    return rc;
}

int lt_transform_new(const struct lt_column_wishes *wishes, const struct ArrowSchema *source,
                     struct ArrowSchema *ret_schema, struct lt_cast **ret_cast,
                     struct leat_error *err)
{
    struct ArrowSchema schema = {0};
    int64_t n = wishes->n_columns ? (int64_t)wishes->n_columns : source->n_children;
    int64_t *map = calloc((size_t)n + 1, sizeof *map);
    int rc = map ? check_names(wishes, source, err) : lt_fail_oom(err);
    if (!rc) {
        rc = lt_schema_init_struct(&schema, 0, err);
    }
    if (!rc && lt_schema_meta_each(source, copy_stream_meta, &schema)) {
        rc = lt_fail_oom(err);
    }
    for (int64_t i = 0; !rc && i < n; i++) {
        struct ArrowSchema field = {0};
        map[i] = wishes->n_columns ? lt_schema_find(source, wishes->columns[i]) : i;
        rc = make_field(wishes, source->children[map[i]], &field, err);
        if (!rc && lt_schema_find(&schema, field.name) >= 0) {
            rc = lt_fail(err, LT_E_DUPLICATE_COLUMN, "two columns would be called \"%s\"",
                         field.name);
        }
        if (!rc) {
            rc = lt_schema_add(&schema, &field, err);
        }
        lt_schema_done(&field);
    }
    if (!rc) {
        rc = lt_cast_new(source, &schema, map, ret_cast, err);
    }
    free(map);
    if (rc) {
        lt_schema_done(&schema);
        return rc;
    }
    lt_schema_move(&schema, ret_schema);
    return LEAT_OK;
}
