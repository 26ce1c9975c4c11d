#include "engine/transform.h"

#include "core/codes.h"
#include "core/util.h"

#include <stdlib.h>

/* The name at *text, and no more behind it than `end`. */
static int take_name(const char **text, char end, const char *option, char **ret_name,
                     struct leat_error *err)
{
    const char *whole = *text;
    char *name = lt_name_take(text, end);
    if (!name) {
        return *text ? lt_fail_oom(err)
                     : lt_fail(err, LT_E_USAGE, "--%s: there is no name at \"%s\"", option, whole);
    }
    *ret_name = name;
    return LEAT_OK;
}

/* Parses name=type into one more child of wishes->types. */
static int add_cast(struct lt_column_wishes *wishes, const char *text, struct leat_error *err)
{
    const char *rest = text;
    char *name = NULL;
    struct ArrowSchema field = {0};
    int rc = take_name(&rest, '=', "cast", &name, err);
    if (!rc && (!*rest || !rest[1])) {
        rc = lt_fail(err, LT_E_USAGE, "--cast takes NAME=TYPE, not \"%s\"", text);
    }
    if (!rc && lt_schema_find(&wishes->types, name) >= 0) {
        rc = lt_fail(err, LT_E_USAGE, "--cast names column \"%s\" twice", name);
    }
    if (!rc) {
        rc = lt_type_parse(rest + 1, &field, err);
    }
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

/* Replaces each "old=new" by its two names. */
static int parse_renames(struct lt_column_wishes *wishes, char *const *texts, size_t n,
                         struct leat_error *err)
{
    int rc = LEAT_OK;
    wishes->renames = calloc(2 * n + 1, sizeof *wishes->renames);
    if (!wishes->renames) {
        return lt_fail_oom(err);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        const char *rest = texts[i];
        char **pair = wishes->renames + 2 * i;
        rc = take_name(&rest, '=', "rename", &pair[0], err);
        if (!rc && (!*rest || !rest[1])) {
            rc = lt_fail(err, LT_E_USAGE, "--rename takes OLD=NEW, not \"%s\"", texts[i]);
        }
        rest += !rc;
        rc = rc ? rc : take_name(&rest, 0, "rename", &pair[1], err);
        for (size_t k = 0; !rc && k < i; k++) {
            if (!strcmp(wishes->renames[2 * k], pair[0])) {
                rc = lt_fail(err, LT_E_USAGE, "--rename names column \"%s\" twice", pair[0]);
            }
        }
        wishes->n_renames = i + 1;
    }
    return rc;
}

static int parse_columns(struct lt_column_wishes *wishes, struct leat_error *err)
{
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < wishes->n_columns; i++) {
        const char *rest = wishes->columns[i];
        char *name = NULL;
        rc = take_name(&rest, 0, "columns", &name, err);
        if (!rc) {
            free(wishes->columns[i]);
            wishes->columns[i] = name;
        }
    }
    return rc;
}

static bool is_chosen(const struct lt_column_wishes *wishes, const char *name)
{
    bool chosen = wishes->n_columns == 0;
    for (size_t i = 0; !chosen && i < wishes->n_columns; i++) {
        chosen = !strcmp(wishes->columns[i], name);
    }
    return chosen;
}

/* What is renamed or cast must not be left out by --columns. */
static int check_chosen(const struct lt_column_wishes *wishes, struct leat_error *err)
{
    for (size_t i = 0; i < wishes->n_renames; i++) {
        if (!is_chosen(wishes, wishes->renames[2 * i])) {
            return lt_fail(err, LT_E_USAGE,
                           "--rename names column \"%s\", which --columns leaves "
                           "out",
                           wishes->renames[2 * i]);
        }
    }
    for (int64_t i = 0; i < wishes->types.n_children; i++) {
        if (!is_chosen(wishes, wishes->types.children[i]->name)) {
            return lt_fail(err, LT_E_USAGE,
                           "--cast names column \"%s\", which --columns leaves "
                           "out",
                           wishes->types.children[i]->name);
        }
    }
    return LEAT_OK;
}

int lt_column_wishes_init(struct lt_column_wishes *wishes, const struct lt_settings *settings,
                          struct leat_error *err)
{
    char **casts = NULL, **renames = NULL;
    size_t n_casts = 0, n_renames = 0;
    memset(wishes, 0, sizeof *wishes);
    int rc = lt_settings_list(settings, "columns", &wishes->columns, &wishes->n_columns, err);
    rc = rc ? rc : parse_columns(wishes, err);
    rc = rc ? rc : lt_settings_list(settings, "rename", &renames, &n_renames, err);
    rc = rc ? rc : parse_renames(wishes, renames, n_renames, err);
    rc = rc ? rc : lt_settings_list(settings, "cast", &casts, &n_casts, err);
    rc = rc ? rc : lt_schema_init_struct(&wishes->types, 0, err);
    for (size_t i = 0; !rc && i < n_casts; i++) {
        rc = add_cast(wishes, casts[i], err);
    }
    rc = rc ? rc : check_chosen(wishes, err);
    lt_list_free(casts);
    lt_list_free(renames);
    if (rc) {
        lt_column_wishes_done(wishes);
    }
    return rc;
}

void lt_column_wishes_done(struct lt_column_wishes *wishes)
{
    lt_list_free(wishes->columns);
    for (size_t i = 0; i < 2 * wishes->n_renames; i++) {
        free(wishes->renames[i]);
    }
    free(wishes->renames);
    lt_schema_done(&wishes->types);
    memset(wishes, 0, sizeof *wishes);
}

/* Adds `column "x"` and the closest name to the list of what is missing. */
static int note_missing(struct lt_buf *missing, const char *name, const struct ArrowSchema *source)
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
        if (lt_schema_find(source, wishes->renames[2 * i]) < 0) {
            rc = note_missing(&missing, wishes->renames[2 * i], source);
        }
    }
    for (int64_t i = 0; !rc && i < wishes->types.n_children; i++) {
        if (lt_schema_find(source, wishes->types.children[i]->name) < 0) {
            rc = note_missing(&missing, wishes->types.children[i]->name, source);
        }
    }
    if (rc) {
        rc = lt_fail_oom(err);
    } else if (missing.len) {
        rc =
            lt_fail(err, LT_E_UNKNOWN_COLUMN, "the source has no column %s", lt_buf_text(&missing));
    }
    lt_buf_done(&missing);
    return rc;
}

static const char *new_name(const struct lt_column_wishes *wishes, const char *name)
{
    for (size_t i = 0; i < wishes->n_renames; i++) {
        if (!strcmp(wishes->renames[2 * i], name)) {
            return wishes->renames[2 * i + 1];
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
