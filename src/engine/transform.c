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

/* The key goes along, whatever --columns says: without it no record has a name. */
static int choose_keys(struct lt_column_wishes *wishes, const struct lt_settings *settings,
                       struct leat_error *err)
{
    char **keys = NULL;
    size_t n = 0;
    int rc = lt_settings_list(settings, "key", &keys, &n, err);
    for (size_t i = 0; !rc && i < n; i++) {
        const char *rest = keys[i];
        char *name = NULL;
        rc = take_name(&rest, 0, "key", &name, err);
        const char *old = rc ? NULL : lt_wishes_old_name(wishes, name);
        if (old && !is_chosen(wishes, old)) {
            char **columns = realloc(wishes->columns, (wishes->n_columns + 2) * sizeof *columns);
            wishes->columns = columns ? columns : wishes->columns;
            char *copy = columns ? lt_strdup(old) : NULL;
            rc = copy ? LEAT_OK : lt_fail_oom(err);
            if (copy) {
                columns[wishes->n_columns++] = copy;
                columns[wishes->n_columns] = NULL;
            }
        }
        free(name);
    }
    lt_list_free(keys);
    return rc;
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
    rc = rc ? rc : choose_keys(wishes, settings, err);
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

/* --- typing --------------------------------------------------------------------------------- */

void lt_typing_done(struct lt_typing *typing)
{
    lt_schema_done(&typing->casts);
    lt_schema_done(&typing->given);
    lt_schema_done(&typing->all);
    for (size_t i = 0; i < typing->n_texts; i++) {
        free(typing->texts[i].name);
    }
    free(typing->texts);
    memset(typing, 0, sizeof *typing);
}

/* Casts, and given types of columns that have none. */
static int unite(struct lt_typing *typing, struct leat_error *err)
{
    struct ArrowSchema all = {0};
    int rc = lt_schema_copy(&typing->casts, &all, err);
    for (int64_t i = 0; !rc && i < typing->given.n_children; i++) {
        if (lt_schema_find(&all, typing->given.children[i]->name) >= 0) {
            continue;
        }
        rc = lt_schema_add_copy(&all, typing->given.children[i], 0, err);
    }
    if (!rc) {
        lt_schema_done(&typing->all);
        lt_schema_move(&all, &typing->all);
    }
    lt_schema_done(&all);
    return rc;
}

int lt_typing_init(struct lt_typing *typing, const struct lt_column_wishes *wishes,
                   struct leat_error *err)
{
    memset(typing, 0, sizeof *typing);
    int rc = lt_schema_copy(&wishes->types, &typing->casts, err);
    rc = rc ? rc : lt_schema_init_struct(&typing->given, 0, err);
    return rc ? rc : unite(typing, err);
}

int lt_typing_give(struct lt_typing *typing, const struct ArrowSchema *schema,
                   struct leat_error *err)
{
    struct ArrowSchema given = {0};
    int rc = lt_schema_init_struct(&given, 0, err);
    for (int64_t i = 0; !rc && i < schema->n_children; i++) {
        rc = lt_schema_add_copy(&given, schema->children[i], 0, err);
    }
    if (!rc) {
        lt_schema_done(&typing->given);
        lt_schema_move(&given, &typing->given);
        rc = unite(typing, err);
    }
    lt_schema_done(&given);
    return rc;
}

/* `casts` with the column as text, in the place of a cast of its own. */
static int cast_to_text(struct lt_typing *typing, const char *name, const char *own_type,
                        struct leat_error *err)
{
    struct ArrowSchema casts = {0};
    bool found = false;
    int rc = lt_schema_init_struct(&casts, 0, err);
    for (int64_t i = 0; !rc && i <= typing->casts.n_children; i++) {
        struct ArrowSchema field = {0};
        bool end = i == typing->casts.n_children;
        const struct ArrowSchema *old = end ? NULL : typing->casts.children[i];
        bool own = end ? !found : !strcmp(old->name, name);
        found = found || own;
        if (own) {
            rc = lt_type_parse("utf8", &field, err);
            rc = rc ? rc : lt_schema_set_name(&field, name, err);
            rc = rc ? rc : lt_schema_set_meta(&field, LT_META_SOURCE_TYPE, own_type, err);
        } else if (!end) {
            rc = lt_schema_copy(old, &field, err);
        }
        rc = rc || !field.release ? rc : lt_schema_add(&casts, &field, err);
        lt_schema_done(&field);
    }
    if (!rc) {
        lt_schema_done(&typing->casts);
        lt_schema_move(&casts, &typing->casts);
    }
    lt_schema_done(&casts);
    return rc ? rc : unite(typing, err);
}

int lt_typing_add_text(struct lt_typing *typing, const char *name, const char *own_type,
                       const struct leat_error *why, bool *ret_new, struct leat_error *err)
{
    for (size_t i = 0; i < typing->n_texts; i++) {
        if (!strcmp(typing->texts[i].name, name)) {
            *ret_new = false;
            return LEAT_OK;
        }
    }
    struct lt_text_column *texts =
        realloc(typing->texts, (typing->n_texts + 1) * sizeof *typing->texts);
    char *copy = lt_strdup(name);
    typing->texts = texts ? texts : typing->texts;
    if (!texts || !copy) {
        free(copy);
        return lt_fail_oom(err);
    }
    texts[typing->n_texts++] = (struct lt_text_column){copy, own_type != NULL, *why};
    *ret_new = true;
    return cast_to_text(typing, name, own_type, err);
}

/* --- schemas -------------------------------------------------------------------------------- */

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

const char *lt_wishes_new_name(const struct lt_column_wishes *wishes, const char *name)
{
    for (size_t i = 0; i < wishes->n_renames; i++) {
        if (!strcmp(wishes->renames[2 * i], name)) {
            return wishes->renames[2 * i + 1];
        }
    }
    return name;
}

const char *lt_wishes_old_name(const struct lt_column_wishes *wishes, const char *name)
{
    for (size_t i = 0; i < wishes->n_renames; i++) {
        if (!strcmp(wishes->renames[2 * i + 1], name)) {
            return wishes->renames[2 * i];
        }
    }
    return name;
}

static int keep_meta(const struct ArrowSchema *from, const char *key, struct ArrowSchema *to,
                     struct leat_error *err)
{
    size_t len;
    const char *value = lt_schema_meta(from, key, &len);
    char *copy = value ? lt_strndup(value, len) : NULL;
    int rc = !value ? LEAT_OK : copy ? lt_schema_set_meta(to, key, copy, err) : lt_fail_oom(err);
    free(copy);
    return rc;
}

/* A cast to the text of the type that the column has: it is still that column. */
static int keep_own(const struct ArrowSchema *base, struct ArrowSchema *to, struct leat_error *err)
{
    static const char *const keys[] = {LT_META_DOMAIN, LT_META_IDENTITY, LT_META_GENERATED,
                                       LT_META_DEFAULT};
    int rc = LEAT_OK;
    for (size_t i = 0; !rc && i < LT_ARRAY_LEN(keys); i++) {
        rc = keep_meta(base, keys[i], to, err);
    }
    return rc;
}

/* What is known of the types of one stream's columns, for make_field(). */
struct typed {
    const struct ArrowSchema *casts, *given; /* given may be NULL */
    bool given_keys;                         /* the key is the given one, not the source's */
};

/* A copy of the source's field under its new name and type. What says how the source typed it is
 * dropped with a cast; its place in the key and its comment stay. A given field counts for more
 * than the source's, and a cast for more than both. */
static int make_field(const struct lt_column_wishes *wishes, const struct typed *typed,
                      const struct ArrowSchema *field, struct ArrowSchema *ret_field,
                      struct leat_error *err)
{
    int64_t cast = lt_schema_find(typed->casts, field->name);
    int64_t given = typed->given ? lt_schema_find(typed->given, field->name) : -1;
    const struct ArrowSchema *base = given >= 0 ? typed->given->children[given] : field;
    struct ArrowSchema made = {0};
    int rc = lt_schema_copy(cast >= 0 ? typed->casts->children[cast] : base, &made, err);
    if (!rc && cast >= 0) {
        rc = keep_meta(base, LT_META_KEY, &made, err);
        rc = rc ? rc : keep_meta(base, LT_META_COMMENT, &made, err);
        rc = rc || !lt_schema_meta_same(&made, base, LT_META_SOURCE_TYPE)
                 ? rc
                 : keep_own(base, &made, err);
        made.flags = (made.flags & ~ARROW_FLAG_NULLABLE) | (base->flags & ARROW_FLAG_NULLABLE);
    }
    if (!rc && typed->given_keys && given < 0) {
        rc = lt_schema_set_meta(&made, LT_META_KEY, NULL, err);
    }
    if (!rc) {
        rc = lt_schema_set_name(&made, lt_wishes_new_name(wishes, field->name), err);
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

static bool has_key(const struct ArrowSchema *schema)
{
    bool has = false;
    for (int64_t i = 0; schema && i < schema->n_children; i++) {
        char place[16];
        has = has || lt_schema_meta_text(schema->children[i], LT_META_KEY, place, sizeof place);
    }
    return has;
}

int lt_transform_new(const struct lt_column_wishes *wishes, const struct lt_typing *typing,
                     const struct ArrowSchema *source, struct ArrowSchema *ret_schema,
                     struct lt_cast **ret_cast, struct leat_error *err)
{
    const struct typed typed = {.casts = typing ? &typing->casts : &wishes->types,
                                .given = typing ? &typing->given : NULL,
                                .given_keys = typing && has_key(&typing->given)};
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
        rc = make_field(wishes, &typed, source->children[map[i]], &field, err);
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
